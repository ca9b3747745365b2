//! SNS on loopback: topics, subscriptions with their filter policies, and an inbox instead of phones and mailboxes.
//!
//! [`Sns::call`] is the whole API, by action name. What is accepted is on disk before it is answered.

mod address;
mod answer;
mod database;
mod error;
mod filter_policy;
mod inbox;
mod message;
mod opt_out;
mod parameters;
mod publish;
mod queue;
mod subscription;
mod tags;
#[cfg(test)]
mod tests;
mod topic;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use asl_engine::Clock;
use rusqlite::Connection;

pub(crate) use answer::{Answer, NAMESPACE, escaped};
pub(crate) use error::SnsError;
pub(crate) use inbox::{Email, InboxMessage, InboxQuery};
pub(crate) use parameters::Parameters;

use crate::config::Confirmation;
use crate::health::{Fault, Health};
use crate::smtp::Relay;
use crate::sqs::Queues;
use crate::trouble::{Trouble, has_room};

/// The newest messages that the inbox keeps without a file: some 100 MB.
const MAX_MESSAGES_IN_MEMORY: i64 = 50_000;

/// The newest messages that the inbox keeps in a file: some 2 GB.
const MAX_MESSAGES_ON_DISK: i64 = 1_000_000;

/// What the health check calls this part.
const PART: &str = "SNS";

/// The service: what it keeps, and how it behaves.
pub(crate) struct Sns {
    database: Connection,
    settings: Settings,
}

/// How the service behaves.
#[derive(Clone)]
pub(crate) struct Settings {
    /// The region of the ARNs.
    pub(crate) region: String,
    /// The account of the ARNs.
    pub(crate) account: String,
    /// Where the time of a message comes from.
    pub(crate) clock: Clock,
    /// What happens to the request to confirm an e-mail subscription.
    pub(crate) confirmation: Confirmation,
    /// Who delivers e-mails for real, if anybody does.
    relay: Option<Relay>,
    /// Where subscriptions of queues are delivered.
    queues: Option<Arc<Queues>>,
    /// Records the failures of the database.
    health: Option<Arc<Health>>,
    /// Where the database is; without a path it is in memory.
    path: Option<PathBuf>,
    /// Phones and e-mail addresses that get nothing, in the form of [`address::normalised`].
    refused: HashSet<String>,
}

impl Settings {
    /// Messages to one of the addresses `refused` are answered with an error.
    pub(crate) fn new(
        region: &str,
        account: &str,
        clock: Clock,
        confirmation: Confirmation,
        refused: &[String],
    ) -> Settings {
        let refused = refused.iter().map(|address| address::normalised(address)).collect();
        let (region, account) = (region.to_owned(), account.to_owned());
        Settings {
            region,
            account,
            clock,
            confirmation,
            relay: None,
            queues: None,
            health: None,
            path: None,
            refused,
        }
    }

    /// E-mails go to this relay too, beside the inbox.
    pub(crate) fn with_relay(self, relay: Option<Relay>) -> Settings {
        Settings { relay, ..self }
    }

    /// Subscriptions of queues are delivered to these.
    pub(crate) fn with_queues(self, queues: Arc<Queues>) -> Settings {
        Settings { queues: Some(queues), ..self }
    }

    /// The database is in this file, or in memory, and `health` records its failures.
    pub(crate) fn with_file(self, path: Option<PathBuf>, health: Arc<Health>) -> Settings {
        Settings { path, health: Some(health), ..self }
    }

    /// How many messages the inbox keeps: the newest.
    fn max_messages(&self) -> i64 {
        if self.path.is_some() { MAX_MESSAGES_ON_DISK } else { MAX_MESSAGES_IN_MEMORY }
    }

    fn refuses(&self, address: &str) -> bool {
        !self.refused.is_empty() && self.refused.contains(&address::normalised(address))
    }
}

impl Sns {
    /// Opens the service over a database, whose tables are created if they are not there.
    pub(crate) fn open(database: Connection, settings: Settings) -> rusqlite::Result<Sns> {
        database::prepare(&database)?;
        Ok(Sns { database, settings })
    }

    /// Does what the action of the API says.
    pub(crate) fn call(&mut self, action: &str, parameters: &Parameters) -> Result<Answer, SnsError> {
        let outcome = self.act(action, parameters);
        self.noted(outcome)
    }

    /// Tells the health check of a database that failed, and the caller in its words.
    fn noted<T>(&self, outcome: Result<T, SnsError>) -> Result<T, SnsError> {
        outcome.map_err(|error| {
            let trouble = if error.status == 500 { Trouble::of(&error.message) } else { None };
            let (Some(trouble), Some(health)) = (trouble, &self.settings.health) else { return error };
            let fault = trouble.fault("the SNS", self.settings.path.as_deref());
            let (Fault::Passing(sentence) | Fault::Lasting(sentence)) = fault.clone();
            health.failed(PART, fault);
            error.in_words(sentence)
        })
    }

    /// Tries whether a database that failed works again, over a new connection.
    pub(crate) fn recover(&mut self) {
        let (Some(path), Some(health)) = (self.settings.path.clone(), self.settings.health.clone()) else {
            return;
        };
        if !health.is_passing(PART) || has_room(&path).is_err() {
            return;
        }
        let opened = Connection::open(&path).and_then(|database| {
            database::prepare(&database)?;
            Ok(database)
        });
        match opened {
            Ok(database) => {
                self.database = database;
                health.recovered(PART);
            }
            Err(error) => tracing::debug!(%error, "the database of the local SNS could not be opened anew"),
        }
    }

    fn act(&mut self, action: &str, parameters: &Parameters) -> Result<Answer, SnsError> {
        match action {
            "CreateTopic" => self.create_topic(parameters),
            "DeleteTopic" => self.delete_topic(parameters),
            "ListTopics" => self.list_topics(parameters),
            "GetTopicAttributes" => self.get_topic_attributes(parameters),
            "SetTopicAttributes" => self.set_topic_attributes(parameters),
            "Subscribe" => self.subscribe(parameters),
            "ConfirmSubscription" => self.confirm_subscription(parameters),
            "Unsubscribe" => self.unsubscribe(parameters),
            "ListSubscriptions" => self.list_subscriptions(parameters),
            "ListSubscriptionsByTopic" => self.list_subscriptions_by_topic(parameters),
            "GetSubscriptionAttributes" => self.get_subscription_attributes(parameters),
            "SetSubscriptionAttributes" => self.set_subscription_attributes(parameters),
            "Publish" => self.publish(parameters),
            "PublishBatch" => self.publish_batch(parameters),
            "TagResource" => self.tag_resource(parameters),
            "UntagResource" => self.untag_resource(parameters),
            "ListTagsForResource" => self.list_tags_for_resource(parameters),
            "CheckIfPhoneNumberIsOptedOut" => self.check_if_phone_number_is_opted_out(parameters),
            "ListPhoneNumbersOptedOut" => self.list_phone_numbers_opted_out(parameters),
            "OptInPhoneNumber" => self.opt_in_phone_number(parameters),
            _ => Err(SnsError::unknown_action(action)),
        }
    }

    /// Whether [`Sns::call`] knows this action.
    pub(crate) fn has(action: &str) -> bool {
        ACTIONS.contains(&action)
    }
}

/// Every action that [`Sns::call`] has an arm for.
const ACTIONS: [&str; 20] = [
    "CreateTopic",
    "DeleteTopic",
    "ListTopics",
    "GetTopicAttributes",
    "SetTopicAttributes",
    "Subscribe",
    "ConfirmSubscription",
    "Unsubscribe",
    "ListSubscriptions",
    "ListSubscriptionsByTopic",
    "GetSubscriptionAttributes",
    "SetSubscriptionAttributes",
    "Publish",
    "PublishBatch",
    "TagResource",
    "UntagResource",
    "ListTagsForResource",
    "CheckIfPhoneNumberIsOptedOut",
    "ListPhoneNumbersOptedOut",
    "OptInPhoneNumber",
];
