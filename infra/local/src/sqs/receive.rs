//! ReceiveMessage: what is visible now, in order, with what is received too often put aside.

use std::collections::BTreeMap;

use rusqlite::{Row, named_params, params};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::message::{Attribute, md5_of, md5_of_attributes};
use super::queue::Queue;
use super::request::Request;
use super::{Handle, Sqs, SqsError, sequence_number};

/// What one look into a queue gave.
pub(super) struct Received {
    /// The answer of ReceiveMessage.
    pub(super) answer: Value,
    /// When a message becomes visible, in milliseconds, if there is none now.
    pub(super) next: Option<i64>,
}

/// A message that can be received.
struct Visible {
    number: i64,
    receive_count: i64,
    earlier_receives: i64,
    first_received: Option<i64>,
    sent: i64,
    group: Option<String>,
    message_id: String,
    body: String,
    attributes: BTreeMap<String, Attribute>,
    trace_header: Option<String>,
    deduplication: Option<String>,
    source: Option<String>,
}

const COLUMNS: &str = "m.number, m.receive_count, m.earlier_receives, m.first_received, m.sent, m.group_id,
                       c.message_id, c.body, c.attributes, c.trace_header, c.deduplication_id, c.source";

impl Visible {
    fn read(row: &Row<'_>) -> rusqlite::Result<Visible> {
        Ok(Visible {
            number: row.get(0)?,
            receive_count: row.get(1)?,
            earlier_receives: row.get(2)?,
            first_received: row.get(3)?,
            sent: row.get(4)?,
            group: row.get(5)?,
            message_id: row.get(6)?,
            body: row.get(7)?,
            attributes: serde_json::from_str(&row.get::<_, String>(8)?).unwrap_or_default(),
            trace_header: row.get(9)?,
            deduplication: row.get(10)?,
            source: row.get(11)?,
        })
    }
}

impl Sqs {
    /// How long a ReceiveMessage waits for a message, in milliseconds.
    pub(super) fn wait_of(&self, request: Request<'_>) -> Result<i64, SqsError> {
        let queue = self.queue(request)?;
        let given = request.integer("WaitTimeSeconds", 0..=20)?;
        Ok(1000 * given.unwrap_or_else(|| queue.number_of("ReceiveMessageWaitTimeSeconds")))
    }

    pub(super) fn receive_message(&mut self, request: Request<'_>) -> Result<Received, SqsError> {
        let queue = self.queue(request)?;
        let limit = request.integer("MaxNumberOfMessages", 1..=10)?.unwrap_or(1);
        let timeout = request.integer("VisibilityTimeout", 0..=43_200)?;
        let timeout = timeout.unwrap_or_else(|| queue.number_of("VisibilityTimeout"));
        let now = self.now();
        let since = queue.retained_since(now);
        let transaction = self.database.unchecked_transaction()?;
        self.database
            .prepare_cached("DELETE FROM messages WHERE queue = ? AND sent <= ?")?
            .execute([queue.number, since])?;
        let mut woken = Vec::new();
        let mut taken = Vec::new();
        loop {
            let wanted = limit - i64::try_from(taken.len()).unwrap_or(limit);
            let visible = self.visible(&queue, now, wanted)?;
            let (dead, alive): (Vec<_>, Vec<_>) = self.part_dead(&queue, visible)?;
            for message in &dead {
                woken.extend(self.bury(&queue, message)?);
            }
            for message in alive {
                taken.push(self.take(&queue, &message, now, timeout, request)?);
            }
            if dead.is_empty() || wanted == 0 {
                break;
            }
        }
        let next = if taken.is_empty() { self.next_visible(&queue, now)? } else { None };
        transaction.commit()?;
        self.woken.extend(woken);
        let answer = if taken.is_empty() { json!({}) } else { json!({"Messages": taken}) };
        Ok(Received { answer, next })
    }

    /// Up to so many messages that nobody holds. Of a FIFO queue: none of a group of which somebody holds one.
    fn visible(&self, queue: &Queue, now: i64, limit: i64) -> Result<Vec<Visible>, SqsError> {
        let query = if queue.is_fifo() {
            format!(
                "SELECT {COLUMNS} FROM messages m JOIN contents c USING (number)
                 WHERE m.queue = :queue AND m.visible_at <= :now AND NOT EXISTS (
                     SELECT 1 FROM messages held
                     WHERE held.queue = m.queue AND held.group_id = m.group_id AND held.visible_at > :now
                         AND (held.receipt IS NOT NULL OR held.number < m.number))
                 ORDER BY m.number LIMIT :limit"
            )
        } else {
            format!(
                "SELECT {COLUMNS} FROM messages m JOIN contents c USING (number)
                 WHERE m.queue = :queue AND m.visible_at <= :now
                 ORDER BY m.visible_at, m.number LIMIT :limit"
            )
        };
        let mut statement = self.database.prepare_cached(&query)?;
        let named = named_params! {":queue": queue.number, ":now": now, ":limit": limit};
        let rows = statement.query_map(named, Visible::read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Parts the messages that have been received as often as the queue allows from the others.
    fn part_dead(
        &self,
        queue: &Queue,
        messages: Vec<Visible>,
    ) -> Result<(Vec<Visible>, Vec<Visible>), SqsError> {
        let Some(policy) = queue.redrive_policy() else { return Ok((Vec::new(), messages)) };
        // Without the dead-letter queue there is nowhere to go: the messages stay.
        if self.queue_of_arn(&policy.target)?.is_none() {
            return Ok((Vec::new(), messages));
        }
        Ok(messages.into_iter().partition(|message| message.receive_count >= policy.max_receive_count))
    }

    /// Moves a message to the dead-letter queue, whose name this returns. Its time to live does not begin anew, but
    /// in FIFO queues.
    fn bury(&self, queue: &Queue, message: &Visible) -> Result<Option<String>, SqsError> {
        let policy = queue.redrive_policy();
        let target = policy.map_or(Ok(None), |policy| self.queue_of_arn(&policy.target))?;
        let Some(target) = target else { return Ok(None) };
        let now = self.now();
        let sent = if queue.is_fifo() { now } else { message.sent };
        self.database.execute(
            "UPDATE messages SET queue = ?, sent = ?, visible_at = ?, receipt = NULL, receive_count = 0,
                 earlier_receives = earlier_receives + receive_count
             WHERE number = ?",
            params![target.number, sent, now, message.number],
        )?;
        self.database.execute(
            "UPDATE contents SET source = ? WHERE number = ?",
            params![self.arn(&queue.name), message.number],
        )?;
        Ok(Some(target.name))
    }

    /// Hides a message from others and returns it as the answer shows it.
    fn take(
        &self,
        queue: &Queue,
        message: &Visible,
        now: i64,
        timeout: i64,
        request: Request<'_>,
    ) -> Result<Value, SqsError> {
        let receipt = Uuid::new_v4().simple().to_string();
        self.database
            .prepare_cached(
                "UPDATE messages SET visible_at = ?, receipt = ?, receive_count = receive_count + 1,
                     first_received = coalesce(first_received, ?)
                 WHERE number = ?",
            )?
            .execute(params![now + timeout * 1000, receipt, now, message.number])?;
        let handle = Handle { queue: queue.number, number: message.number, receipt };
        let mut shown = json!({
            "MessageId": message.message_id,
            "ReceiptHandle": handle.to_string(),
            "MD5OfBody": md5_of(message.body.as_bytes()),
            "Body": message.body,
        });
        let system = self.system_attributes(queue, message, now, request);
        if !system.is_empty() {
            shown["Attributes"] = Value::Object(system);
        }
        let patterns = request.texts("MessageAttributeNames");
        let wanted: BTreeMap<_, _> = message
            .attributes
            .iter()
            .filter(|(name, _)| patterns.iter().any(|pattern| matches(pattern, name)))
            .map(|(name, attribute)| (name.clone(), attribute.clone()))
            .collect();
        if !wanted.is_empty() {
            shown["MD5OfMessageAttributes"] = json!(md5_of_attributes(&wanted));
            shown["MessageAttributes"] = json!(wanted);
        }
        Ok(shown)
    }

    fn system_attributes(
        &self,
        queue: &Queue,
        message: &Visible,
        now: i64,
        request: Request<'_>,
    ) -> Map<String, Value> {
        let mut asked = request.texts("AttributeNames");
        asked.extend(request.texts("MessageSystemAttributeNames"));
        let is_asked = |name: &str| asked.contains(&"All") || asked.contains(&name);
        let count = message.earlier_receives + message.receive_count + 1;
        let sequence = queue.is_fifo().then(|| sequence_number(message.number));
        let all = [
            ("SenderId", Some(self.settings.account.clone())),
            ("SentTimestamp", Some(message.sent.to_string())),
            ("ApproximateReceiveCount", Some(count.to_string())),
            ("ApproximateFirstReceiveTimestamp", Some(message.first_received.unwrap_or(now).to_string())),
            ("SequenceNumber", sequence),
            ("MessageDeduplicationId", message.deduplication.clone()),
            ("MessageGroupId", message.group.clone()),
            ("AWSTraceHeader", message.trace_header.clone()),
            ("DeadLetterQueueSourceArn", message.source.clone()),
        ];
        all.into_iter()
            .filter(|(name, _)| is_asked(name))
            .filter_map(|(name, value)| Some((name.to_owned(), json!(value?))))
            .collect()
    }

    fn next_visible(&self, queue: &Queue, now: i64) -> Result<Option<i64>, SqsError> {
        let query = "SELECT min(visible_at) FROM messages WHERE queue = ? AND visible_at > ?";
        Ok(self.database.prepare_cached(query)?.query_row([queue.number, now], |row| row.get(0))?)
    }
}

/// Whether a name of `MessageAttributeNames` means this attribute: `All`, `.*`, `prefix.*`, or the name itself.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix(".*") {
        Some(prefix) => name.starts_with(prefix),
        None => pattern == "All" || pattern == name,
    }
}
