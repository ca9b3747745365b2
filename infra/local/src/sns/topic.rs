//! Topics: create, delete, list, and their attributes.

use std::collections::BTreeMap;

use rusqlite::params;
use serde_json::json;

use super::{Answer, Parameters, Sns, SnsError, tags};

/// A topic as it is kept.
pub(super) struct Topic {
    pub(super) arn: String,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) tags: BTreeMap<String, String>,
    deleted_subscriptions: i64,
}

impl Topic {
    /// Whether messages keep their order, which asks more of a Publish.
    pub(super) fn is_fifo(&self) -> bool {
        self.arn.ends_with(".fifo")
    }
}

/// What SetTopicAttributes may change.
const SETTABLE: [&str; 10] = [
    "ArchivePolicy",
    "ContentBasedDeduplication",
    "DataProtectionPolicy",
    "DeliveryPolicy",
    "DisplayName",
    "FifoThroughputScope",
    "KmsMasterKeyId",
    "Policy",
    "SignatureVersion",
    "TracingConfig",
];

impl Sns {
    /// The topic with this ARN.
    pub(super) fn topic(&self, arn: &str) -> Result<Topic, SnsError> {
        let elements = arn.split(':').count();
        if elements < 6 {
            return Err(SnsError::invalid_parameter(format!(
                "TopicArn Reason: An ARN must have at least 6 elements, not {elements}"
            )));
        }
        self.find_topic(arn)?.ok_or_else(|| SnsError::not_found("Topic"))
    }

    /// The topic with this ARN, or of this name: here all partitions, regions and accounts are one, so that a
    /// definition written for another account runs as it is.
    pub(super) fn find_topic(&self, arn: &str) -> Result<Option<Topic>, SnsError> {
        let name = arn.rsplit(':').next().unwrap_or(arn);
        let here = format!("arn:aws:sns:{}:{}:{name}", self.settings.region, self.settings.account);
        self.row(
            "SELECT arn, attributes, tags, deleted_subscriptions FROM topics WHERE arn = ?",
            &here,
            |row| {
                Ok(Topic {
                    arn: row.get(0)?,
                    attributes: read_map(&row.get::<_, String>(1)?),
                    tags: read_map(&row.get::<_, String>(2)?),
                    deleted_subscriptions: row.get(3)?,
                })
            },
        )
    }

    pub(super) fn create_topic(&mut self, parameters: &Parameters) -> Result<Answer, SnsError> {
        let name = parameters.require("Name")?;
        let attributes = parameters.text_map("Attributes");
        let fifo = attributes.get("FifoTopic").is_some_and(|value| value == "true");
        if !valid_name(name, fifo) {
            return Err(SnsError::invalid_parameter("Topic Name"));
        }
        for attribute in attributes.keys().filter(|attribute| *attribute != "FifoTopic") {
            check_settable(attribute)?;
        }
        let tags = tags::read(parameters)?;
        let arn = format!("arn:aws:sns:{}:{}:{name}", self.settings.region, self.settings.account);
        match self.find_topic(&arn)? {
            Some(topic) => {
                let same = |(key, value): (&String, &String)| topic.attributes.get(key) == Some(value);
                if !attributes.iter().all(same) {
                    return Err(SnsError::invalid_parameter(
                        "Attributes Reason: Topic already exists with different attributes",
                    ));
                }
                if !tags.is_empty() && tags != topic.tags {
                    return Err(SnsError::invalid_parameter(
                        "Tags Reason: Topic already exists with different tags",
                    ));
                }
            }
            None => {
                self.database.execute(
                    "INSERT INTO topics (arn, attributes, tags) VALUES (?, ?, ?)",
                    params![arn, write_map(&attributes), write_map(&tags)],
                )?;
            }
        }
        Ok(Answer::of("TopicArn", arn))
    }

    pub(super) fn delete_topic(&mut self, parameters: &Parameters) -> Result<Answer, SnsError> {
        let arn = parameters.require("TopicArn")?;
        // Deleting what is not there is no error on AWS either.
        let Some(Topic { arn, .. }) = self.find_topic(arn)? else { return Ok(Answer::empty()) };
        let transaction = self.database.transaction()?;
        transaction.execute("DELETE FROM subscriptions WHERE topic_arn = ?", [&arn])?;
        transaction.execute("DELETE FROM topics WHERE arn = ?", [&arn])?;
        transaction.commit()?;
        Ok(Answer::empty())
    }

    pub(super) fn list_topics(&self, parameters: &Parameters) -> Result<Answer, SnsError> {
        let (arns, next) = self.page(
            "SELECT number, arn FROM topics WHERE number > :after AND :of = '' ORDER BY number LIMIT :limit",
            "",
            parameters.get("NextToken"),
            |row| row.get::<_, String>(1),
        )?;
        let topics = arns.into_iter().map(|arn| Answer::of("TopicArn", arn)).collect();
        Ok(paged("Topics", topics, next))
    }

    pub(super) fn get_topic_attributes(&self, parameters: &Parameters) -> Result<Answer, SnsError> {
        let topic = self.topic(parameters.require("TopicArn")?)?;
        let counted = |confirmed: bool| {
            self.database
                .prepare_cached("SELECT count(*) FROM subscriptions WHERE topic_arn = ? AND confirmed = ?")?
                .query_row(params![topic.arn, confirmed], |row| row.get::<_, i64>(0))
        };
        let mut attributes: BTreeMap<String, String> = BTreeMap::from([
            ("TopicArn".to_owned(), topic.arn.clone()),
            ("Owner".to_owned(), self.settings.account.clone()),
            ("DisplayName".to_owned(), String::new()),
            ("Policy".to_owned(), default_policy(&topic.arn, &self.settings.account)),
            ("EffectiveDeliveryPolicy".to_owned(), EFFECTIVE_DELIVERY_POLICY.to_owned()),
            ("SubscriptionsConfirmed".to_owned(), counted(true)?.to_string()),
            ("SubscriptionsPending".to_owned(), counted(false)?.to_string()),
            ("SubscriptionsDeleted".to_owned(), topic.deleted_subscriptions.to_string()),
        ]);
        if topic.is_fifo() {
            attributes.insert("ContentBasedDeduplication".to_owned(), "false".to_owned());
        }
        attributes.extend(topic.attributes);
        Ok(Answer::Structure(vec![("Attributes", Answer::Map(attributes.into_iter().collect()))]))
    }

    pub(super) fn set_topic_attributes(&mut self, parameters: &Parameters) -> Result<Answer, SnsError> {
        let mut topic = self.topic(parameters.require("TopicArn")?)?;
        let name = parameters.require("AttributeName")?;
        check_settable(name)?;
        let value = parameters.get("AttributeValue").unwrap_or_default();
        topic.attributes.insert(name.to_owned(), value.to_owned());
        self.database.execute(
            "UPDATE topics SET attributes = ? WHERE arn = ?",
            params![write_map(&topic.attributes), topic.arn],
        )?;
        Ok(Answer::empty())
    }
}

fn valid_name(name: &str, fifo: bool) -> bool {
    let stem = if fifo { name.strip_suffix(".fifo") } else { Some(name) };
    (1..=256).contains(&name.len())
        && stem.is_some_and(|stem| {
            !stem.is_empty() && stem.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        })
}

fn check_settable(attribute: &str) -> Result<(), SnsError> {
    if SETTABLE.contains(&attribute)
        || attribute.ends_with("FeedbackRoleArn")
        || attribute.ends_with("FeedbackSampleRate")
    {
        Ok(())
    } else {
        Err(SnsError::invalid_parameter("AttributeName"))
    }
}

/// A list and the token of its next page.
pub(super) fn paged(name: &'static str, items: Vec<Answer>, next: Option<String>) -> Answer {
    let mut members = vec![(name, Answer::List(items))];
    members.extend(next.map(|token| ("NextToken", Answer::Text(token))));
    Answer::Structure(members)
}

/// Texts by name as they are kept. The database holds only what [`write_map`] wrote.
pub(super) fn read_map(text: &str) -> BTreeMap<String, String> {
    serde_json::from_str(text).unwrap_or_default()
}

/// The form in which texts by name are kept.
pub(super) fn write_map(map: &BTreeMap<String, String>) -> String {
    json!(map).to_string()
}

const EFFECTIVE_DELIVERY_POLICY: &str = r#"{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"disableSubscriptionOverrides":false,"defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}}"#;

/// What AWS gives a topic without a policy of its own: only its owner may use it.
fn default_policy(arn: &str, account: &str) -> String {
    json!({
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [{
            "Sid": "__default_statement_ID",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": [
                "SNS:GetTopicAttributes", "SNS:SetTopicAttributes", "SNS:AddPermission", "SNS:RemovePermission",
                "SNS:DeleteTopic", "SNS:Subscribe", "SNS:ListSubscriptionsByTopic", "SNS:Publish"
            ],
            "Resource": arn,
            "Condition": {"StringEquals": {"AWS:SourceOwner": account}}
        }]
    })
    .to_string()
}
