//! The attributes of queues: which there are, what they may be, and what they are if nobody says.

use std::collections::BTreeMap;

use serde_json::Value;

use super::SqsError;

/// Attributes by name, as texts.
pub(super) type Attributes = BTreeMap<String, String>;

/// How large a message may be, and a batch.
pub(super) const MAX_SIZE: i64 = 1024 * 1024;

/// Attributes that are whole numbers: bounds, and what they are by default.
const NUMBERS: [(&str, i64, i64, Option<i64>); 6] = [
    ("DelaySeconds", 0, 900, Some(0)),
    ("KmsDataKeyReusePeriodSeconds", 60, 86_400, None),
    ("MaximumMessageSize", 1024, MAX_SIZE, Some(MAX_SIZE)),
    ("MessageRetentionPeriod", 60, 1_209_600, Some(345_600)),
    ("ReceiveMessageWaitTimeSeconds", 0, 20, Some(0)),
    ("VisibilityTimeout", 0, 43_200, Some(30)),
];

/// Attributes of FIFO queues: what they may be, and what they are by default.
const OF_FIFO: [(&str, [&str; 2], &str); 3] = [
    ("ContentBasedDeduplication", ["true", "false"], "false"),
    ("DeduplicationScope", ["queue", "messageGroup"], "queue"),
    ("FifoThroughputLimit", ["perQueue", "perMessageGroupId"], "perQueue"),
];

/// What [`super::Sqs`] counts or knows of a queue.
pub(super) const COMPUTED: [&str; 6] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "QueueArn",
];

/// Checks attributes that somebody sets, on their own.
pub(super) fn check(attributes: &Attributes, is_fifo: bool) -> Result<(), SqsError> {
    for (name, value) in attributes {
        if let Some((_, least, most, _)) = NUMBERS.iter().find(|(number, ..)| number == name) {
            let number = value.parse::<i64>().map_err(|_| SqsError::attribute_value(name))?;
            if !(*least..=*most).contains(&number) {
                return Err(SqsError::attribute_value(name));
            }
        } else if let Some((_, values, _)) = OF_FIFO.iter().find(|(of_fifo, ..)| of_fifo == name) {
            if !is_fifo {
                return Err(SqsError::unknown_attribute(name));
            }
            if !values.contains(&value.as_str()) {
                return Err(SqsError::attribute_value(name));
            }
        } else {
            match name.as_str() {
                "RedrivePolicy" if !value.is_empty() => drop(RedrivePolicy::parse(value)?),
                "RedriveAllowPolicy" | "Policy" if !value.is_empty() => {
                    let parsed = serde_json::from_str::<Value>(value);
                    if !parsed.is_ok_and(|policy| policy.is_object()) {
                        return Err(SqsError::attribute_value(name));
                    }
                }
                "RedrivePolicy" | "RedriveAllowPolicy" | "Policy" | "KmsMasterKeyId" => {}
                "SqsManagedSseEnabled" if matches!(value.as_str(), "true" | "false") => {}
                "SqsManagedSseEnabled" => return Err(SqsError::attribute_value(name)),
                "FifoQueue" if is_fifo && value == "true" => {}
                _ => return Err(SqsError::unknown_attribute(name)),
            }
        }
    }
    Ok(())
}

/// What a new queue has before anything is set.
pub(super) fn defaults(is_fifo: bool) -> Attributes {
    let numbers = NUMBERS.iter().filter_map(|(name, _, _, value)| Some((*name, value.as_ref()?.to_string())));
    let of_fifo = OF_FIFO.iter().map(|(name, _, value)| (*name, (*value).to_owned()));
    let of_fifo = of_fifo.chain([("FifoQueue", "true".to_owned())]).filter(|_| is_fifo);
    let encrypted = [("SqsManagedSseEnabled", "true".to_owned())];
    numbers.chain(of_fifo).chain(encrypted).map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Whether a queue can be asked for this attribute.
pub(super) fn is_known(name: &str) -> bool {
    let others = ["All", "FifoQueue", "KmsMasterKeyId", "Policy", "RedriveAllowPolicy", "RedrivePolicy"];
    NUMBERS.iter().any(|(number, ..)| *number == name)
        || OF_FIFO.iter().any(|(of_fifo, ..)| *of_fifo == name)
        || COMPUTED.contains(&name)
        || others.contains(&name)
        || name == "SqsManagedSseEnabled"
}

/// Where messages go that are received too often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RedrivePolicy {
    /// The ARN of the dead-letter queue.
    pub(super) target: String,
    /// How often a message may be received.
    pub(super) max_receive_count: i64,
}

impl RedrivePolicy {
    /// Reads the text of the attribute; the count may be a number or a text.
    pub(super) fn parse(text: &str) -> Result<RedrivePolicy, SqsError> {
        let refused = |reason: &str| SqsError::invalid_value("RedrivePolicy", text, reason);
        let policy: Value =
            serde_json::from_str(text).map_err(|_| refused("Redrive policy is not a valid JSON map."))?;
        let target = policy["deadLetterTargetArn"].as_str().ok_or_else(|| {
            refused("Redrive policy does not contain mandatory attribute: deadLetterTargetArn.")
        })?;
        let count = &policy["maxReceiveCount"];
        if count.is_null() {
            return Err(refused("Redrive policy does not contain mandatory attribute: maxReceiveCount."));
        }
        let count = count.as_i64().or_else(|| count.as_str()?.parse().ok());
        let max_receive_count = count.filter(|count| (1..=1000).contains(count)).ok_or_else(|| {
            refused("Invalid value for maxReceiveCount: it must be a whole number between 1 and 1000.")
        })?;
        Ok(RedrivePolicy { target: target.to_owned(), max_receive_count })
    }
}
