//! Queues: made, found, listed, changed, emptied and deleted.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, Row, named_params, params};
use serde_json::{Value, json};

use super::attributes::{self, Attributes, RedrivePolicy};
use super::request::Request;
use super::{Sqs, SqsError};

/// A queue as it is kept.
pub(super) struct Queue {
    pub(super) number: i64,
    pub(super) name: String,
    pub(super) attributes: Attributes,
    tags: BTreeMap<String, String>,
    /// Seconds since 1970.
    created: i64,
    modified: i64,
    /// Milliseconds since 1970.
    purged: i64,
}

const COLUMNS: &str = "number, name, attributes, tags, created, modified, purged";

/// How long a queue is not purged again, in milliseconds.
const PURGE_INTERVAL: i64 = 60_000;

impl Queue {
    fn read(row: &Row<'_>) -> rusqlite::Result<Queue> {
        let map = |text: String| serde_json::from_str(&text).unwrap_or_default();
        Ok(Queue {
            number: row.get(0)?,
            name: row.get(1)?,
            attributes: map(row.get(2)?),
            tags: map(row.get(3)?),
            created: row.get(4)?,
            modified: row.get(5)?,
            purged: row.get(6)?,
        })
    }

    /// Whether it keeps an order.
    pub(super) fn is_fifo(&self) -> bool {
        self.name.ends_with(".fifo")
    }

    /// An attribute that is a number; those have defaults.
    pub(super) fn number_of(&self, attribute: &str) -> i64 {
        self.attributes.get(attribute).and_then(|value| value.parse().ok()).unwrap_or_default()
    }

    /// Whether an attribute has this value.
    pub(super) fn has(&self, attribute: &str, value: &str) -> bool {
        self.attributes.get(attribute).is_some_and(|found| found == value)
    }

    /// Messages that were sent before this, in milliseconds, have outlived their time.
    pub(super) fn retained_since(&self, now: i64) -> i64 {
        now - self.number_of("MessageRetentionPeriod") * 1000
    }

    /// Where its messages go that are received too often.
    pub(super) fn redrive_policy(&self) -> Option<RedrivePolicy> {
        RedrivePolicy::parse(self.attributes.get("RedrivePolicy")?).ok()
    }
}

impl Sqs {
    pub(super) fn create_queue(&self, request: Request<'_>) -> Result<Value, SqsError> {
        let name = request.require("QueueName")?;
        let given = request.text_map(&["Attributes"]);
        let is_fifo = name.ends_with(".fifo");
        check_name(name, is_fifo)?;
        if is_fifo && given.get("FifoQueue").is_none_or(|value| value != "true") {
            return Err(SqsError::invalid(
                "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.",
            ));
        }
        attributes::check(&given, is_fifo)?;
        let answer = json!({"QueueUrl": self.url(name)});
        if let Some(existing) = self.find(name)? {
            let differs = given.iter().find(|(name, value)| existing.attributes.get(*name) != Some(value));
            return differs.map_or(Ok(answer), |(name, _)| Err(SqsError::queue_exists(name)));
        }
        let mut all = attributes::defaults(is_fifo);
        all.extend(given);
        all.retain(|_, value| !value.is_empty());
        self.check_redrive(&all, is_fifo)?;
        let tags = request.text_map(&["tags", "Tags"]);
        let now = self.now() / 1000;
        self.database.execute(
            "INSERT INTO queues (name, attributes, tags, created, modified) VALUES (?, ?, ?, ?4, ?4)",
            params![name, json!(all).to_string(), json!(tags).to_string(), now],
        )?;
        Ok(answer)
    }

    pub(super) fn delete_queue(&self, request: Request<'_>) -> Result<Value, SqsError> {
        let queue = self.queue(request)?;
        self.database.execute("DELETE FROM queues WHERE number = ?", [queue.number])?;
        Ok(json!({}))
    }

    pub(super) fn get_queue_url(&self, request: Request<'_>) -> Result<Value, SqsError> {
        let name = request.require("QueueName")?;
        let queue = self.find(name)?.ok_or_else(SqsError::no_such_queue)?;
        Ok(json!({"QueueUrl": self.url(&queue.name)}))
    }

    pub(super) fn list_queues(&self, request: Request<'_>) -> Result<Value, SqsError> {
        let prefix = request.text("QueueNamePrefix").unwrap_or_default();
        let names = self.names("SELECT name FROM queues ORDER BY name", None)?;
        let names = names.into_iter().filter(|name| name.starts_with(prefix)).collect();
        self.listed(request, names, "QueueUrls")
    }

    pub(super) fn list_dead_letter_source_queues(&self, request: Request<'_>) -> Result<Value, SqsError> {
        let queue = self.queue(request)?;
        let query = "SELECT name FROM queues
                     WHERE json_extract(json_extract(attributes, '$.RedrivePolicy'), '$.deadLetterTargetArn') = ?
                     ORDER BY name";
        let names = self.names(query, Some(&self.arn(&queue.name)))?;
        self.listed(request, names, "queueUrls")
    }

    fn names(&self, query: &str, parameter: Option<&str>) -> Result<Vec<String>, SqsError> {
        let mut statement = self.database.prepare_cached(query)?;
        let rows = statement.query_map(rusqlite::params_from_iter(parameter), |row| row.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// A page of queues: a caller that names no size gets the first thousand and no token, as on AWS.
    fn listed(&self, request: Request<'_>, names: Vec<String>, member: &str) -> Result<Value, SqsError> {
        let size = request.integer("MaxResults", 1..=1000)?;
        let after = request.text("NextToken").unwrap_or_default();
        let limit = usize::try_from(size.unwrap_or(1000)).unwrap_or(1000);
        let mut following = names.into_iter().filter(|name| name.as_str() > after);
        let page: Vec<String> = following.by_ref().take(limit).collect();
        let mut answer = json!({member: page.iter().map(|name| self.url(name)).collect::<Vec<_>>()});
        if size.is_some() && following.next().is_some() {
            answer["NextToken"] = json!(page.last());
        }
        Ok(answer)
    }

    pub(super) fn get_queue_attributes(&self, request: Request<'_>) -> Result<Value, SqsError> {
        let queue = self.queue(request)?;
        let asked = request.texts("AttributeNames");
        if let Some(unknown) = asked.iter().find(|name| !attributes::is_known(name)) {
            return Err(SqsError::unknown_attribute(unknown));
        }
        if asked.is_empty() {
            return Ok(json!({}));
        }
        let is_asked = |name: &str| asked.contains(&"All") || asked.contains(&name);
        let mut found = queue.attributes.clone();
        let counted = attributes::COMPUTED.iter().any(|name| is_asked(name));
        if counted {
            found.extend(self.computed(&queue)?);
        }
        found.retain(|name, _| is_asked(name));
        Ok(json!({"Attributes": found}))
    }

    fn computed(&self, queue: &Queue) -> Result<Attributes, SqsError> {
        let now = self.now();
        let query = "SELECT count(*) FILTER (WHERE visible_at <= :now),
                            count(*) FILTER (WHERE visible_at > :now AND receipt IS NULL),
                            count(*) FILTER (WHERE visible_at > :now AND receipt IS NOT NULL)
                     FROM messages WHERE queue = :queue AND sent > :since";
        let named = named_params! {":now": now, ":queue": queue.number, ":since": queue.retained_since(now)};
        let counts: [i64; 3] = self
            .database
            .prepare_cached(query)?
            .query_row(named, |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))?;
        let values = [
            counts[0].to_string(),
            counts[1].to_string(),
            counts[2].to_string(),
            queue.created.to_string(),
            queue.modified.to_string(),
            self.arn(&queue.name),
        ];
        Ok(attributes::COMPUTED.iter().map(|name| (*name).to_owned()).zip(values).collect())
    }

    pub(super) fn set_queue_attributes(&self, request: Request<'_>) -> Result<Value, SqsError> {
        let mut queue = self.queue(request)?;
        let given = request.text_map(&["Attributes"]);
        attributes::check(&given, queue.is_fifo())?;
        queue.attributes.extend(given);
        // An empty text takes a policy away.
        queue.attributes.retain(|_, value| !value.is_empty());
        self.check_redrive(&queue.attributes, queue.is_fifo())?;
        self.database.execute(
            "UPDATE queues SET attributes = ?, modified = ? WHERE number = ?",
            params![json!(queue.attributes).to_string(), self.now() / 1000, queue.number],
        )?;
        Ok(json!({}))
    }

    /// A dead-letter queue must be there, and of the same type.
    fn check_redrive(&self, attributes: &Attributes, is_fifo: bool) -> Result<(), SqsError> {
        let Some(text) = attributes.get("RedrivePolicy") else { return Ok(()) };
        let refused = |reason: &str| SqsError::invalid_value("RedrivePolicy", text, reason);
        let policy = RedrivePolicy::parse(text)?;
        let target = self
            .queue_of_arn(&policy.target)?
            .ok_or_else(|| refused("Dead letter target does not exist."))?;
        if target.is_fifo() != is_fifo {
            return Err(refused("Dead-letter queue must be same type of queue as the source."));
        }
        Ok(())
    }

    pub(super) fn purge_queue(&self, request: Request<'_>) -> Result<Value, SqsError> {
        let queue = self.queue(request)?;
        let now = self.now();
        if queue.purged != 0 && now < queue.purged + PURGE_INTERVAL {
            return Err(SqsError::purge_in_progress(&queue.name));
        }
        let transaction = self.database.unchecked_transaction()?;
        transaction.execute("DELETE FROM messages WHERE queue = ?", [queue.number])?;
        transaction.execute("UPDATE queues SET purged = ? WHERE number = ?", [now, queue.number])?;
        transaction.commit()?;
        Ok(json!({}))
    }

    pub(super) fn tag_queue(&self, request: Request<'_>) -> Result<Value, SqsError> {
        let mut queue = self.queue(request)?;
        queue.tags.extend(request.text_map(&["Tags", "tags"]));
        self.write_tags(&queue)
    }

    pub(super) fn untag_queue(&self, request: Request<'_>) -> Result<Value, SqsError> {
        let mut queue = self.queue(request)?;
        for key in request.texts("TagKeys") {
            queue.tags.remove(key);
        }
        self.write_tags(&queue)
    }

    fn write_tags(&self, queue: &Queue) -> Result<Value, SqsError> {
        if queue.tags.len() > 50 {
            return Err(SqsError::invalid(format!("Too many tags added for queue {}.", queue.name)));
        }
        self.database.execute(
            "UPDATE queues SET tags = ? WHERE number = ?",
            params![json!(queue.tags).to_string(), queue.number],
        )?;
        Ok(json!({}))
    }

    pub(super) fn list_queue_tags(&self, request: Request<'_>) -> Result<Value, SqsError> {
        let queue = self.queue(request)?;
        Ok(if queue.tags.is_empty() { json!({}) } else { json!({"Tags": queue.tags}) })
    }

    /// The queue of a request: the last segment of its URL names it, whatever the host.
    pub(super) fn queue(&self, request: Request<'_>) -> Result<Queue, SqsError> {
        let url = request.require("QueueUrl")?;
        let name = url.rsplit('/').next().unwrap_or_default();
        self.find(name)?.ok_or_else(SqsError::no_such_queue)
    }

    /// The queue of an ARN of this account.
    pub(super) fn queue_of_arn(&self, arn: &str) -> Result<Option<Queue>, SqsError> {
        match arn.rsplit(':').next() {
            Some(name) if self.arn(name) == arn => self.find(name),
            _ => Ok(None),
        }
    }

    fn find(&self, name: &str) -> Result<Option<Queue>, SqsError> {
        let query = format!("SELECT {COLUMNS} FROM queues WHERE name = ?");
        Ok(self.database.prepare_cached(&query)?.query_row([name], Queue::read).optional()?)
    }
}

fn check_name(name: &str, is_fifo: bool) -> Result<(), SqsError> {
    let stem = if is_fifo { name.trim_end_matches(".fifo") } else { name };
    let is_valid = (1..=80).contains(&name.len())
        && !stem.is_empty()
        && stem.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if is_valid {
        return Ok(());
    }
    Err(SqsError::invalid(
        "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
    ))
}
