//! Message move tasks: dead letters go back to where they came from, or to another queue, all at once.

use rusqlite::params;
use serde_json::{Value, json};
use uuid::Uuid;

use super::queue::Queue;
use super::request::Request;
use super::{Sqs, SqsError};

const NO_SOURCE: &str = "The resource that you specified for the SourceArn parameter doesn't exist.";

impl Sqs {
    pub(super) fn start_message_move_task(&mut self, request: Request<'_>) -> Result<Value, SqsError> {
        let source = request.require("SourceArn")?;
        let queue = self.queue_of_arn(source)?.ok_or_else(|| SqsError::no_such_resource(NO_SOURCE))?;
        if !self.is_dead_letter_queue(source)? {
            return Err(SqsError::invalid("Source queue must be configured as a Dead Letter Queue."));
        }
        let given = match request.text("DestinationArn") {
            None => None,
            Some(arn) => Some(self.queue_of_arn(arn)?.ok_or_else(|| {
                SqsError::no_such_resource(
                    "The resource that you specified for the DestinationArn parameter doesn't exist.",
                )
            })?),
        };
        let transaction = self.database.unchecked_transaction()?;
        let (moved, woken) = self.move_all(&queue, given.as_ref())?;
        let handle = Uuid::new_v4().to_string();
        self.database.execute(
            "INSERT INTO moves (handle, source, destination, moved, started) VALUES (?, ?, ?, ?, ?)",
            params![handle, source, request.text("DestinationArn"), moved, self.now()],
        )?;
        transaction.commit()?;
        self.woken.extend(woken);
        Ok(json!({"TaskHandle": handle}))
    }

    fn is_dead_letter_queue(&self, arn: &str) -> Result<bool, SqsError> {
        let query = "SELECT EXISTS (SELECT 1 FROM queues WHERE
            json_extract(json_extract(attributes, '$.RedrivePolicy'), '$.deadLetterTargetArn') = ?)";
        Ok(self.database.prepare_cached(query)?.query_row([arn], |row| row.get(0))?)
    }

    /// Moves what is visible, as new messages with new ids. What came from nowhere stays.
    fn move_all(&self, queue: &Queue, given: Option<&Queue>) -> Result<(i64, Vec<String>), SqsError> {
        let now = self.now();
        let query = "SELECT m.number, c.source FROM messages m JOIN contents c USING (number)
                     WHERE m.queue = ? AND m.visible_at <= ? ORDER BY m.number";
        let mut statement = self.database.prepare_cached(query)?;
        let messages: Vec<(i64, Option<String>)> = statement
            .query_map([queue.number, now], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        let (mut moved, mut woken) = (0, Vec::new());
        for (number, source) in messages {
            let own = match (given, source) {
                (None, Some(source)) => self.queue_of_arn(&source)?,
                _ => None,
            };
            let Some(destination) = given.or(own.as_ref()) else { continue };
            self.database.execute(
                "UPDATE messages SET queue = ?, sent = ?3, visible_at = ?3, receipt = NULL, receive_count = 0,
                     earlier_receives = 0, first_received = NULL
                 WHERE number = ?2",
                params![destination.number, number, now],
            )?;
            self.database.execute(
                "UPDATE contents SET message_id = ?, source = NULL WHERE number = ?",
                params![Uuid::new_v4().to_string(), number],
            )?;
            moved += 1;
            if !woken.contains(&destination.name) {
                woken.push(destination.name.clone());
            }
        }
        Ok((moved, woken))
    }

    pub(super) fn list_message_move_tasks(&self, request: Request<'_>) -> Result<Value, SqsError> {
        let source = request.require("SourceArn")?;
        self.queue_of_arn(source)?.ok_or_else(|| SqsError::no_such_resource(NO_SOURCE))?;
        let limit = request.integer("MaxResults", 1..=10)?.unwrap_or(1);
        let query =
            "SELECT destination, moved, started FROM moves WHERE source = ? ORDER BY number DESC LIMIT ?";
        let mut statement = self.database.prepare_cached(query)?;
        let results = statement.query_map(params![source, limit], |row| {
            let moved: i64 = row.get(1)?;
            let mut task = json!({
                "Status": "COMPLETED",
                "SourceArn": source,
                "ApproximateNumberOfMessagesMoved": moved,
                "ApproximateNumberOfMessagesToMove": moved,
                "StartedTimestamp": row.get::<_, i64>(2)?,
            });
            if let Some(destination) = row.get::<_, Option<String>>(0)? {
                task["DestinationArn"] = json!(destination);
            }
            Ok(task)
        })?;
        Ok(json!({"Results": results.collect::<rusqlite::Result<Vec<_>>>()?}))
    }

    /// A task has always ended when its start is answered.
    pub(super) fn cancel_message_move_task(&self, request: Request<'_>) -> Result<Value, SqsError> {
        request.require("TaskHandle")?;
        Err(SqsError::no_such_resource("Only active tasks can be cancelled."))
    }
}
