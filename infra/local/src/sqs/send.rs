//! SendMessage: into the order of the queue, once for each deduplication id.

use rusqlite::{OptionalExtension, params};
use serde_json::{Value, json};
use uuid::Uuid;

use super::attributes::MAX_SIZE;
use super::error::BatchFault;
use super::message::Outgoing;
use super::queue::Queue;
use super::request::Request;
use super::{Sqs, SqsError, failed_entry, sequence_number};

/// How long the id of a message of a FIFO queue counts, in milliseconds.
const DEDUPLICATION_INTERVAL: i64 = 5 * 60 * 1000;

impl Sqs {
    pub(super) fn send_message(&mut self, request: Request<'_>) -> Result<Value, SqsError> {
        let queue = self.queue(request)?;
        let transaction = self.database.unchecked_transaction()?;
        let message = Outgoing::parse(request)?;
        let answer = self.store(&queue, request, message)?;
        transaction.commit()?;
        self.woken.push(queue.name);
        Ok(answer)
    }

    pub(super) fn send_message_batch(&mut self, request: Request<'_>) -> Result<Value, SqsError> {
        let queue = self.queue(request)?;
        let entries = request.entries("SendMessageBatch")?;
        let parsed: Vec<_> = entries.iter().map(|(_, entry)| Outgoing::parse(*entry)).collect();
        let size: usize = parsed.iter().flatten().map(Outgoing::size).sum();
        if i64::try_from(size).unwrap_or(i64::MAX) > MAX_SIZE {
            return Err(SqsError::batch(
                BatchFault::TooLong,
                format!("Batch requests cannot be longer than {MAX_SIZE} bytes. You have sent {size} bytes."),
            ));
        }
        let transaction = self.database.unchecked_transaction()?;
        let (mut successful, mut failed) = (Vec::new(), Vec::new());
        for ((id, entry), message) in entries.into_iter().zip(parsed) {
            match message.and_then(|message| self.store(&queue, entry, message)) {
                Ok(mut receipt) => {
                    receipt["Id"] = json!(id);
                    successful.push(receipt);
                }
                // Nothing is kept of a batch that the database did not take.
                Err(error) if !error.is_sender_fault() => return Err(error),
                Err(error) => failed.push(failed_entry(id, &error)),
            }
        }
        transaction.commit()?;
        self.woken.push(queue.name);
        Ok(json!({"Successful": successful, "Failed": failed}))
    }

    /// Puts a message into a queue and returns its receipt. The caller commits.
    fn store(&self, queue: &Queue, request: Request<'_>, message: Outgoing) -> Result<Value, SqsError> {
        let limit = queue.number_of("MaximumMessageSize");
        if i64::try_from(message.size()).unwrap_or(i64::MAX) > limit {
            return Err(SqsError::invalid(format!(
                "One or more parameters are invalid. Reason: Message must be shorter than {limit} bytes."
            )));
        }
        let now = self.now();
        let delay = request.integer("DelaySeconds", 0..=900)?;
        if queue.is_fifo() && delay.is_some_and(|delay| delay != 0) {
            return Err(SqsError::invalid_value(
                "DelaySeconds",
                delay.unwrap_or_default(),
                "The request include parameter that is not valid for this queue type.",
            ));
        }
        let delay = delay.filter(|_| !queue.is_fifo()).unwrap_or_else(|| queue.number_of("DelaySeconds"));
        let group = checked_id(request, "MessageGroupId")?;
        let deduplication = deduplication_id(queue, request, group, &message.body)?;
        let scope = if queue.has("DeduplicationScope", "messageGroup") { group } else { None };
        let scope = scope.unwrap_or_default();
        if let Some(id) = &deduplication
            && let Some((message_id, number)) = self.earlier(queue, scope, id, now)?
        {
            let mut receipt = message.receipt(&message_id);
            receipt["SequenceNumber"] = json!(sequence_number(number));
            return Ok(receipt);
        }
        let message_id = Uuid::new_v4().to_string();
        self.database
            .prepare_cached("INSERT INTO messages (queue, sent, visible_at, group_id) VALUES (?, ?, ?, ?)")?
            .execute(params![queue.number, now, now + delay * 1000, group])?;
        let number = self.database.last_insert_rowid();
        self.database
            .prepare_cached(
                "INSERT INTO contents (number, message_id, body, attributes, trace_header, deduplication_id)
                 VALUES (?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                number,
                message_id,
                message.body,
                json!(message.attributes).to_string(),
                message.trace_header.as_ref().and_then(|header| header.text()),
                deduplication,
            ])?;
        let mut receipt = message.receipt(&message_id);
        if queue.is_fifo() {
            self.database.execute(
                "INSERT OR REPLACE INTO deduplications (queue, scope, id, message_id, number, sent)
                 VALUES (?, ?, ?, ?, ?, ?)",
                params![queue.number, scope, deduplication, message_id, number, now],
            )?;
            receipt["SequenceNumber"] = json!(sequence_number(number));
        }
        Ok(receipt)
    }

    /// The message of this id, if one was sent less than five minutes ago. Forgets ids that are older.
    fn earlier(
        &self,
        queue: &Queue,
        scope: &str,
        id: &str,
        now: i64,
    ) -> Result<Option<(String, i64)>, SqsError> {
        self.database
            .prepare_cached("DELETE FROM deduplications WHERE sent <= ?")?
            .execute([now - DEDUPLICATION_INTERVAL])?;
        let query = "SELECT message_id, number FROM deduplications WHERE queue = ? AND scope = ? AND id = ?";
        let found = self
            .database
            .prepare_cached(query)?
            .query_row(params![queue.number, scope, id], |row| Ok((row.get(0)?, row.get(1)?)));
        Ok(found.optional()?)
    }
}

/// The id under which a message of a FIFO queue is sent once; `None` in standard queues.
fn deduplication_id(
    queue: &Queue,
    request: Request<'_>,
    group: Option<&str>,
    body: &str,
) -> Result<Option<String>, SqsError> {
    let given = checked_id(request, "MessageDeduplicationId")?;
    if !queue.is_fifo() {
        return match given {
            None => Ok(None),
            Some(id) => Err(SqsError::invalid_value(
                "MessageDeduplicationId",
                id,
                "The request includes a parameter that is not valid for this queue type.",
            )),
        };
    }
    if group.is_none() {
        return Err(SqsError::missing("MessageGroupId"));
    }
    if let Some(id) = given {
        return Ok(Some(id.to_owned()));
    }
    if !queue.has("ContentBasedDeduplication", "true") {
        return Err(SqsError::invalid(
            "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
        ));
    }
    let digest = ring::digest::digest(&ring::digest::SHA256, body.as_bytes());
    Ok(Some(lottery::hex(digest.as_ref())))
}

/// An id of up to 128 letters, digits and punctuation marks.
fn checked_id<'a>(request: Request<'a>, name: &str) -> Result<Option<&'a str>, SqsError> {
    let Some(id) = request.text(name) else { return Ok(None) };
    if (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(Some(id));
    }
    let words =
        format!("{name} can only include alphanumeric and punctuation characters. 1 to 128 in length.");
    Err(SqsError::invalid_value(name, id, &words))
}
