//! DeleteMessage and ChangeMessageVisibility, by the receipt handle of the last receipt.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rusqlite::{OptionalExtension, params};
use serde_json::{Value, json};

use super::queue::Queue;
use super::request::Request;
use super::{Sqs, SqsError, failed_entry};

/// What a receipt handle names.
pub(super) struct Handle {
    pub(super) queue: i64,
    pub(super) number: i64,
    /// Of one receipt of the message.
    pub(super) receipt: String,
}

impl fmt::Display for Handle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Handle { queue, number, receipt } = self;
        formatter.write_str(&URL_SAFE_NO_PAD.encode(format!("{queue} {number} {receipt}")))
    }
}

impl Handle {
    fn parse(text: &str, queue: &Queue) -> Result<Handle, SqsError> {
        let read = || {
            let decoded = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
            let mut parts = decoded.split(' ');
            let handle = Handle {
                queue: parts.next()?.parse().ok()?,
                number: parts.next()?.parse().ok()?,
                receipt: parts.next()?.to_owned(),
            };
            (handle.queue == queue.number && parts.next().is_none()).then_some(handle)
        };
        read().ok_or_else(|| SqsError::receipt_handle(text))
    }
}

/// What is done with a message that was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Delete,
    Visibility,
}

impl Sqs {
    pub(super) fn change(&mut self, change: Change, request: Request<'_>) -> Result<Value, SqsError> {
        let queue = self.queue(request)?;
        self.change_one(change, &queue, request)?;
        self.woken.push(queue.name);
        Ok(json!({}))
    }

    pub(super) fn change_batch(&mut self, change: Change, request: Request<'_>) -> Result<Value, SqsError> {
        let queue = self.queue(request)?;
        let operation = match change {
            Change::Delete => "DeleteMessageBatch",
            Change::Visibility => "ChangeMessageVisibilityBatch",
        };
        let transaction = self.database.unchecked_transaction()?;
        let (mut successful, mut failed) = (Vec::new(), Vec::new());
        for (id, entry) in request.entries(operation)? {
            match self.change_one(change, &queue, entry) {
                Ok(()) => successful.push(json!({"Id": id})),
                Err(error) if !error.is_sender_fault() => return Err(error),
                Err(error) => failed.push(failed_entry(id, &error)),
            }
        }
        transaction.commit()?;
        self.woken.push(queue.name);
        Ok(json!({"Successful": successful, "Failed": failed}))
    }

    fn change_one(&self, change: Change, queue: &Queue, request: Request<'_>) -> Result<(), SqsError> {
        let text = request.require("ReceiptHandle")?;
        let handle = Handle::parse(text, queue)?;
        match change {
            Change::Delete => self.delete(queue, &handle, text),
            Change::Visibility => {
                let timeout = request
                    .integer("VisibilityTimeout", 0..=43_200)?
                    .ok_or_else(|| SqsError::missing("VisibilityTimeout"))?;
                self.change_visibility(queue, &handle, text, timeout)
            }
        }
    }

    /// Deletes a message; one that is gone is deleted. A FIFO queue takes the handle of the last receipt only, while it counts.
    fn delete(&self, queue: &Queue, handle: &Handle, text: &str) -> Result<(), SqsError> {
        if queue.is_fifo() {
            let held = self.held(queue, handle)?;
            if held.is_some_and(|(receipt, visible_at)| {
                receipt.as_deref() != Some(&handle.receipt) || visible_at <= self.now()
            }) {
                return Err(SqsError::invalid_value(
                    "ReceiptHandle",
                    text,
                    "The receipt handle has expired.",
                ));
            }
        }
        self.database
            .prepare_cached("DELETE FROM messages WHERE number = ? AND queue = ?")?
            .execute([handle.number, queue.number])?;
        Ok(())
    }

    fn change_visibility(
        &self,
        queue: &Queue,
        handle: &Handle,
        text: &str,
        timeout: i64,
    ) -> Result<(), SqsError> {
        let now = self.now();
        let held = self.held(queue, handle)?;
        let is_held = held.is_some_and(|(receipt, visible_at)| {
            visible_at > now && receipt.as_deref() == Some(&handle.receipt)
        });
        if !is_held {
            return Err(SqsError::invalid_value(
                "ReceiptHandle",
                text,
                "Message does not exist or is not available for visibility timeout change.",
            ));
        }
        self.database.execute(
            "UPDATE messages SET visible_at = ? WHERE number = ?",
            params![now + timeout * 1000, handle.number],
        )?;
        Ok(())
    }

    /// The last receipt of a message, and when the message becomes visible; `None` if the message is gone.
    fn held(&self, queue: &Queue, handle: &Handle) -> Result<Option<(Option<String>, i64)>, SqsError> {
        let query = "SELECT receipt, visible_at FROM messages WHERE number = ? AND queue = ?";
        let mut statement = self.database.prepare_cached(query)?;
        let row = statement.query_row([handle.number, queue.number], |row| Ok((row.get(0)?, row.get(1)?)));
        Ok(row.optional()?)
    }
}
