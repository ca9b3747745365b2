//! The inbox: what phones and mailboxes would have received.

use std::collections::BTreeMap;

use rusqlite::{named_params, params};
use uuid::Uuid;

use super::message::Message;
use super::subscription::Subscription;
use super::topic::{read_map, write_map};
use super::{Sns, SnsError};
use crate::config::Confirmation;
use crate::smtp::Outgoing;

/// A delivered message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InboxMessage {
    /// Its number in the order of delivery.
    pub(crate) number: i64,
    /// The id that Publish returned.
    pub(crate) message_id: String,
    /// `sms` or `email`.
    pub(crate) channel: String,
    /// The phone number or e-mail address.
    pub(crate) address: String,
    /// The subject of an e-mail.
    pub(crate) subject: Option<String>,
    /// What it says.
    pub(crate) text: String,
    /// The attributes it was published with.
    pub(crate) attributes: BTreeMap<String, String>,
    /// When it was published, in RFC 3339.
    pub(crate) time: String,
}

/// Which messages are asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct InboxQuery {
    /// Only those published with an attribute of this name and value.
    pub(crate) attribute: Option<(&'static str, String)>,
    /// Only those to this address.
    pub(crate) address: Option<String>,
    /// Only those after this number.
    pub(crate) after: i64,
    /// The newest of them, and at most this many.
    pub(crate) limit: u32,
}

/// An e-mail that did not come through a topic.
pub(crate) struct Email {
    /// Who sends it.
    pub(crate) sender: String,
    /// Whom it goes to.
    pub(crate) addresses: Vec<String>,
    /// What it is about.
    pub(crate) subject: String,
    /// What it says.
    pub(crate) text: String,
    /// What it can be found by.
    pub(crate) tags: BTreeMap<String, String>,
}

/// One message on its way to one address.
pub(super) enum Delivery {
    Sms { phone: String, text: String },
    Email { address: String, subject: String, text: String },
}

impl Delivery {
    pub(super) fn sms(phone: &str, text: &str) -> Delivery {
        Delivery::Sms { phone: phone.to_owned(), text: text.to_owned() }
    }

    pub(super) fn email(address: &str, subject: &str, text: impl Into<String>) -> Delivery {
        Delivery::Email { address: address.to_owned(), subject: subject.to_owned(), text: text.into() }
    }

    /// The columns `channel`, `address`, `subject` and `text` of the inbox.
    fn columns(&self) -> (&'static str, &str, Option<&str>, &str) {
        match self {
            Delivery::Sms { phone, text } => ("sms", phone, None, text),
            Delivery::Email { address, subject, text } => ("email", address, Some(subject), text),
        }
    }
}

/// What the deliveries of one message have in common.
struct Published<'a> {
    message_id: &'a str,
    /// The topic that it was published to, if it was one.
    topic_arn: Option<&'a str>,
    /// A JSON object of texts.
    attributes: &'a str,
    /// The sender of an e-mail that did not come through a topic.
    sender: Option<&'a str>,
}

impl Sns {
    /// The messages that a query asks for, oldest first.
    pub(crate) fn messages(&self, query: &InboxQuery) -> Result<Vec<InboxMessage>, SnsError> {
        self.noted(self.read_messages(query))
    }

    /// Erases what messages to an address say and whom they went to; gives how many. That there were messages stays.
    pub(crate) fn erase_messages(&mut self, address: &str) -> Result<usize, SnsError> {
        let erased = self.database.execute(
            "UPDATE messages SET address = '', subject = NULL, text = '', attributes = '{}' WHERE address = ?",
            [address],
        );
        // Old pages lie in the log, too.
        let erased = erased.and_then(|erased| {
            self.database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(erased))
        });
        self.noted(erased.map_err(SnsError::from))
    }

    fn read_messages(&self, query: &InboxQuery) -> Result<Vec<InboxMessage>, SnsError> {
        let mut statement = self.database.prepare_cached(
            "SELECT number, message_id, channel, address, subject, text, attributes, time FROM messages
             WHERE number > :after
               AND (:address IS NULL OR address = :address)
               AND (:name IS NULL OR json_extract(attributes, '$.\"' || :name || '\"') = :value)
             ORDER BY number DESC LIMIT :limit",
        )?;
        let (name, value) = query.attribute.as_ref().map(|(name, value)| (*name, value.as_str())).unzip();
        let rows = statement.query_map(
            named_params! {
                ":after": query.after,
                ":address": query.address,
                ":name": name,
                ":value": value,
                ":limit": query.limit,
            },
            |row| {
                Ok(InboxMessage {
                    number: row.get(0)?,
                    message_id: row.get(1)?,
                    channel: row.get(2)?,
                    address: row.get(3)?,
                    subject: row.get(4)?,
                    text: row.get(5)?,
                    attributes: read_map(&row.get::<_, String>(6)?),
                    time: row.get(7)?,
                })
            },
        )?;
        let mut messages = rows.collect::<rusqlite::Result<Vec<_>>>()?;
        messages.reverse();
        Ok(messages)
    }

    /// Delivers an e-mail that SES was asked to send, and returns its id; `None` if an address is refused.
    pub(crate) fn accept(&mut self, email: &Email) -> Result<Option<String>, SnsError> {
        if email.addresses.iter().any(|address| self.settings.refuses(address)) {
            return Ok(None);
        }
        let message_id = Uuid::new_v4().to_string();
        let delivery = |address: &String| Delivery::email(address, &email.subject, email.text.as_str());
        let deliveries: Vec<Delivery> = email.addresses.iter().map(delivery).collect();
        let published = Published {
            message_id: &message_id,
            topic_arn: None,
            attributes: &write_map(&email.tags),
            sender: Some(&email.sender),
        };
        let inserted = self.insert_messages(&published, &deliveries);
        self.noted(inserted)?;
        Ok(Some(message_id))
    }

    /// Puts the message into the inbox once for each delivery, all of them or none.
    pub(super) fn deliver(
        &mut self,
        message_id: &str,
        topic_arn: Option<&str>,
        message: &Message,
        deliveries: &[Delivery],
    ) -> Result<(), SnsError> {
        let attributes = write_map(&message.attribute_values());
        tracing::debug!(message_id, deliveries = deliveries.len(), bytes = message.text().len(), "published");
        let published = Published { message_id, topic_arn, attributes: &attributes, sender: None };
        self.insert_messages(&published, deliveries)
    }

    /// Delivers the message that says how a new subscription is confirmed, or that it has been.
    pub(super) fn ask_for_confirmation(&mut self, subscription: &Subscription) -> Result<(), SnsError> {
        let how = match self.settings.confirmation {
            Confirmation::ByItself => "The local SNS has confirmed this subscription by itself.".to_owned(),
            Confirmation::ByToken => {
                format!("To confirm it, call ConfirmSubscription with this token: {}", subscription.token)
            }
        };
        let text =
            format!("You have chosen to subscribe to the topic:\n{}\n\n{how}\n", subscription.topic_arn);
        let delivery =
            Delivery::email(&subscription.endpoint, "AWS Notification - Subscription Confirmation", text);
        let published = Published {
            message_id: &Uuid::new_v4().to_string(),
            topic_arn: Some(&subscription.topic_arn),
            attributes: "{}",
            sender: None,
        };
        self.insert_messages(&published, &[delivery])
    }

    fn insert_messages(
        &mut self,
        published: &Published<'_>,
        deliveries: &[Delivery],
    ) -> Result<(), SnsError> {
        if deliveries.is_empty() {
            return Ok(());
        }
        let time = self.settings.clock.now().to_string();
        let transaction = self.database.transaction()?;
        for delivery in deliveries {
            let (channel, address, subject, text) = delivery.columns();
            transaction
                .prepare_cached(
                    "INSERT INTO messages (message_id, channel, address, subject, text, attributes, topic_arn, time)
                     VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                )?
                .execute(params![
                    published.message_id,
                    channel,
                    address,
                    subject,
                    text,
                    published.attributes,
                    published.topic_arn,
                    time
                ])?;
        }
        // The oldest are deleted, so that the inbox does not grow for ever.
        let newest = transaction.last_insert_rowid();
        transaction
            .prepare_cached("DELETE FROM messages WHERE number <= ?")?
            .execute([newest.saturating_sub(self.settings.max_messages())])?;
        transaction.commit()?;
        if let Some(relay) = &self.settings.relay {
            for delivery in deliveries {
                if let Delivery::Email { address, subject, text } = delivery {
                    relay.send(Outgoing {
                        message_id: published.message_id.to_owned(),
                        sender: published.sender.map(str::to_owned),
                        address: address.clone(),
                        subject: subject.clone(),
                        text: text.clone(),
                    });
                }
            }
        }
        Ok(())
    }
}
