//! Subscriptions: made, confirmed, listed, filtered and ended.

use std::collections::BTreeMap;

use rusqlite::{Row, params};
use uuid::Uuid;

use super::filter_policy::{FilterPolicy, Scope};
use super::topic::{paged, read_map, write_map};
use super::{Answer, Parameters, Sns, SnsError, address};
use crate::config::Confirmation;

/// A subscription as it is kept.
pub(super) struct Subscription {
    pub(super) arn: String,
    pub(super) topic_arn: String,
    pub(super) protocol: String,
    pub(super) endpoint: String,
    pub(super) confirmed: bool,
    pub(super) token: String,
    pub(super) attributes: BTreeMap<String, String>,
}

/// The columns that [`Subscription::read`] takes, the page number first.
const COLUMNS: &str = "number, arn, topic_arn, protocol, endpoint, confirmed, token, attributes";

/// How many subscriptions of a topic may have a filter policy, as on AWS by default.
const MAX_FILTER_POLICIES: i64 = 200;

/// What subscribers may set.
const SETTABLE: [&str; 6] = [
    "DeliveryPolicy",
    "FilterPolicy",
    "FilterPolicyScope",
    "RawMessageDelivery",
    "RedrivePolicy",
    "SubscriptionRoleArn",
];

impl Subscription {
    fn read(row: &Row<'_>) -> rusqlite::Result<Subscription> {
        Ok(Subscription {
            arn: row.get(1)?,
            topic_arn: row.get(2)?,
            protocol: row.get(3)?,
            endpoint: row.get(4)?,
            confirmed: row.get(5)?,
            token: row.get(6)?,
            attributes: read_map(&row.get::<_, String>(7)?),
        })
    }

    /// What the policy looks at.
    pub(super) fn scope(&self) -> Scope {
        let word = self.attributes.get("FilterPolicyScope").map_or("MessageAttributes", String::as_str);
        Scope::parse(word).unwrap_or(Scope::Attributes)
    }

    /// The policy, if there is one. It has been checked when it was set.
    pub(super) fn filter_policy(&self) -> Option<FilterPolicy> {
        let text = self.attributes.get("FilterPolicy")?;
        FilterPolicy::parse(text, self.scope()).ok()
    }

    fn check_attributes(&self) -> Result<(), SnsError> {
        for name in self.attributes.keys() {
            if !SETTABLE.contains(&name.as_str()) {
                return Err(SnsError::invalid_parameter("AttributeName"));
            }
        }
        let scope = match self.attributes.get("FilterPolicyScope") {
            Some(word) => Scope::parse(word)?,
            None => Scope::Attributes,
        };
        match self.attributes.get("FilterPolicy") {
            Some(policy) => FilterPolicy::parse(policy, scope).map(drop),
            None => Ok(()),
        }
    }

    fn set(&mut self, name: &str, value: &str) {
        // An empty policy takes the filter away.
        if name == "FilterPolicy" && matches!(value.trim(), "" | "{}") {
            self.attributes.remove(name);
        } else {
            self.attributes.insert(name.to_owned(), value.to_owned());
        }
    }

    fn summary(&self, owner: &str) -> Answer {
        let arn = if self.confirmed { self.arn.clone() } else { "PendingConfirmation".to_owned() };
        Answer::Structure(vec![
            ("SubscriptionArn", Answer::Text(arn)),
            ("Owner", Answer::Text(owner.to_owned())),
            ("Protocol", Answer::Text(self.protocol.clone())),
            ("Endpoint", Answer::Text(self.endpoint.clone())),
            ("TopicArn", Answer::Text(self.topic_arn.clone())),
        ])
    }
}

impl Sns {
    pub(super) fn subscribe(&mut self, parameters: &Parameters) -> Result<Answer, SnsError> {
        let topic = self.topic(parameters.require("TopicArn")?)?;
        let protocol = parameters.require("Protocol")?;
        let endpoint = parameters
            .get("Endpoint")
            .filter(|endpoint| !endpoint.is_empty())
            .ok_or_else(|| SnsError::invalid("Endpoint not specified in subscription"))?;
        check_endpoint(protocol, endpoint)?;
        if protocol == "sqs" && endpoint.ends_with(".fifo") && !topic.is_fifo() {
            return Err(SnsError::invalid_parameter(
                "Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics",
            ));
        }
        let asks_for_consent = !matches!(protocol, "sms" | "sqs");
        let mut subscription = Subscription {
            arn: format!("{}:{}", topic.arn, Uuid::new_v4()),
            topic_arn: topic.arn,
            protocol: protocol.to_owned(),
            endpoint: endpoint.to_owned(),
            confirmed: !asks_for_consent || self.settings.confirmation == Confirmation::ByItself,
            token: format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple()),
            attributes: BTreeMap::new(),
        };
        for (name, value) in parameters.text_map("Attributes") {
            subscription.set(&name, &value);
        }
        subscription.check_attributes()?;
        let subscription = match self.same_subscription(&subscription)? {
            Some(existing) if existing.attributes != subscription.attributes => {
                return Err(SnsError::invalid_parameter(
                    "Attributes Reason: Subscription already exists with different attributes",
                ));
            }
            Some(existing) => existing,
            None => {
                self.check_filter_policy_count(&subscription)?;
                self.insert_subscription(&subscription)?;
                if asks_for_consent {
                    self.ask_for_confirmation(&subscription)?;
                }
                subscription
            }
        };
        let wants_arn = parameters.get("ReturnSubscriptionArn") == Some("true");
        let shown_arn =
            if wants_arn || !asks_for_consent { subscription.arn } else { "pending confirmation".to_owned() };
        Ok(Answer::of("SubscriptionArn", shown_arn))
    }

    pub(super) fn confirm_subscription(&mut self, parameters: &Parameters) -> Result<Answer, SnsError> {
        let topic = self.topic(parameters.require("TopicArn")?)?;
        let token = parameters.require("Token")?;
        let query = format!("SELECT {COLUMNS} FROM subscriptions WHERE token = ?");
        let subscription = self
            .row(&query, token, Subscription::read)?
            .filter(|subscription| subscription.topic_arn == topic.arn)
            .ok_or_else(|| SnsError::invalid_parameter("Token"))?;
        self.database.execute("UPDATE subscriptions SET confirmed = 1 WHERE arn = ?", [&subscription.arn])?;
        Ok(Answer::of("SubscriptionArn", subscription.arn))
    }

    pub(super) fn unsubscribe(&mut self, parameters: &Parameters) -> Result<Answer, SnsError> {
        let arn = parameters.require("SubscriptionArn")?;
        check_subscription_arn(arn)?;
        // Ending what is not there is no error on AWS either.
        let transaction = self.database.transaction()?;
        transaction.execute(
            "UPDATE topics SET deleted_subscriptions = deleted_subscriptions + 1
             WHERE arn = (SELECT topic_arn FROM subscriptions WHERE arn = ?)",
            [arn],
        )?;
        transaction.execute("DELETE FROM subscriptions WHERE arn = ?", [arn])?;
        transaction.commit()?;
        Ok(Answer::empty())
    }

    pub(super) fn list_subscriptions(&self, parameters: &Parameters) -> Result<Answer, SnsError> {
        self.list("WHERE number > :after AND :of = ''", "", parameters)
    }

    pub(super) fn list_subscriptions_by_topic(&self, parameters: &Parameters) -> Result<Answer, SnsError> {
        let topic = self.topic(parameters.require("TopicArn")?)?;
        self.list("WHERE number > :after AND topic_arn = :of", &topic.arn, parameters)
    }

    pub(super) fn get_subscription_attributes(&self, parameters: &Parameters) -> Result<Answer, SnsError> {
        let subscription = self.subscription(parameters.require("SubscriptionArn")?)?;
        let pending = (!subscription.confirmed).to_string();
        let mut attributes: BTreeMap<String, String> = BTreeMap::from([
            ("SubscriptionArn".to_owned(), subscription.arn.clone()),
            ("TopicArn".to_owned(), subscription.topic_arn.clone()),
            ("Protocol".to_owned(), subscription.protocol.clone()),
            ("Endpoint".to_owned(), subscription.endpoint.clone()),
            ("Owner".to_owned(), self.settings.account.clone()),
            ("PendingConfirmation".to_owned(), pending),
            ("ConfirmationWasAuthenticated".to_owned(), "false".to_owned()),
            ("RawMessageDelivery".to_owned(), "false".to_owned()),
            ("SubscriptionPrincipal".to_owned(), format!("arn:aws:iam::{}:root", self.settings.account)),
        ]);
        if subscription.attributes.contains_key("FilterPolicy") {
            attributes.insert("FilterPolicyScope".to_owned(), "MessageAttributes".to_owned());
        }
        attributes.extend(subscription.attributes);
        Ok(Answer::Structure(vec![("Attributes", Answer::Map(attributes.into_iter().collect()))]))
    }

    pub(super) fn set_subscription_attributes(
        &mut self,
        parameters: &Parameters,
    ) -> Result<Answer, SnsError> {
        let mut subscription = self.subscription(parameters.require("SubscriptionArn")?)?;
        let had_policy = subscription.attributes.contains_key("FilterPolicy");
        subscription
            .set(parameters.require("AttributeName")?, parameters.get("AttributeValue").unwrap_or_default());
        subscription.check_attributes()?;
        if !had_policy {
            self.check_filter_policy_count(&subscription)?;
        }
        self.database.execute(
            "UPDATE subscriptions SET attributes = ? WHERE arn = ?",
            params![write_map(&subscription.attributes), subscription.arn],
        )?;
        Ok(Answer::empty())
    }

    /// The confirmed subscriptions of a topic, in the order in which they were made.
    pub(super) fn confirmed_subscriptions(&self, topic_arn: &str) -> Result<Vec<Subscription>, SnsError> {
        let query =
            format!("SELECT {COLUMNS} FROM subscriptions WHERE topic_arn = ? AND confirmed ORDER BY number");
        let mut statement = self.database.prepare_cached(&query)?;
        let rows = statement.query_map([topic_arn], Subscription::read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn subscription(&self, arn: &str) -> Result<Subscription, SnsError> {
        check_subscription_arn(arn)?;
        let query = format!("SELECT {COLUMNS} FROM subscriptions WHERE arn = ?");
        self.row(&query, arn, Subscription::read)?.ok_or_else(|| SnsError::not_found("Subscription"))
    }

    fn same_subscription(&self, new: &Subscription) -> Result<Option<Subscription>, SnsError> {
        let query = format!(
            "SELECT {COLUMNS} FROM subscriptions WHERE topic_arn = ? AND protocol = ? AND endpoint = ?"
        );
        let mut statement = self.database.prepare_cached(&query)?;
        let mut rows =
            statement.query_map(params![new.topic_arn, new.protocol, new.endpoint], Subscription::read)?;
        Ok(rows.next().transpose()?)
    }

    fn insert_subscription(&self, new: &Subscription) -> Result<(), SnsError> {
        self.database.execute(
            "INSERT INTO subscriptions (arn, topic_arn, protocol, endpoint, confirmed, token, attributes)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
            params![
                new.arn,
                new.topic_arn,
                new.protocol,
                new.endpoint,
                new.confirmed,
                new.token,
                write_map(&new.attributes)
            ],
        )?;
        Ok(())
    }

    fn check_filter_policy_count(&self, new: &Subscription) -> Result<(), SnsError> {
        if !new.attributes.contains_key("FilterPolicy") {
            return Ok(());
        }
        let query = "SELECT count(*) FROM subscriptions
                     WHERE topic_arn = ? AND json_extract(attributes, '$.FilterPolicy') IS NOT NULL";
        let count = self.row(query, &new.topic_arn, |row| row.get::<_, i64>(0))?.unwrap_or(0);
        if count >= MAX_FILTER_POLICIES { Err(SnsError::too_many_filter_policies()) } else { Ok(()) }
    }

    fn list(&self, condition: &str, of: &str, parameters: &Parameters) -> Result<Answer, SnsError> {
        let query = format!("SELECT {COLUMNS} FROM subscriptions {condition} ORDER BY number LIMIT :limit");
        let (subscriptions, next) = self.page(&query, of, parameters.get("NextToken"), Subscription::read)?;
        let summaries = subscriptions.iter().map(|each| each.summary(&self.settings.account)).collect();
        Ok(paged("Subscriptions", summaries, next))
    }
}

fn check_endpoint(protocol: &str, endpoint: &str) -> Result<(), SnsError> {
    match protocol {
        "sms" if address::is_phone(endpoint) => Ok(()),
        "sms" => Err(SnsError::invalid(format!("Invalid SMS endpoint: {endpoint}"))),
        "email" | "email-json" if address::is_email(endpoint) => Ok(()),
        "email" | "email-json" => Err(SnsError::invalid_parameter("Email address")),
        "sqs" if endpoint.starts_with("arn:") && endpoint.split(':').nth(2) == Some("sqs") => Ok(()),
        "sqs" => Err(SnsError::invalid_parameter("SQS endpoint ARN")),
        "http" | "https" | "lambda" | "application" | "firehose" => {
            Err(SnsError::invalid_parameter(format!(
                "Protocol Reason: the local SNS delivers to sms, email, email-json and sqs, not to {protocol}"
            )))
        }
        _ => Err(SnsError::invalid_parameter(format!(
            "Amazon SNS does not support this protocol string: {protocol}"
        ))),
    }
}

fn check_subscription_arn(arn: &str) -> Result<(), SnsError> {
    let elements = arn.split(':').count();
    if elements < 6 {
        return Err(SnsError::invalid_parameter(format!(
            "SubscriptionArn Reason: An ARN must have at least 6 elements, not {elements}"
        )));
    }
    Ok(())
}
