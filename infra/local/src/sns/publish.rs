//! Publish: to a phone, or to the subscriptions of a topic whose filter policies want the message.

use std::collections::BTreeSet;

use serde_json::json;
use uuid::Uuid;

use super::inbox::Delivery;
use super::message::Message;
use super::subscription::Subscription;
use super::topic::Topic;
use super::{Answer, Parameters, Sns, SnsError, address};
use crate::sns::filter_policy::Scope;

impl Sns {
    pub(super) fn publish(&mut self, parameters: &Parameters) -> Result<Answer, SnsError> {
        let topic = parameters.get("TopicArn").or_else(|| parameters.get("TargetArn"));
        match (topic, parameters.get("PhoneNumber")) {
            (Some(_), Some(_)) => Err(SnsError::invalid_parameter(
                "PhoneNumber Reason: a message goes to a topic or to a phone number, not to both",
            )),
            (None, None) => Err(SnsError::invalid_parameter(
                "TopicArn or TargetArn Reason: no value for required parameter",
            )),
            (None, Some(phone)) => {
                if !address::is_phone(phone) || self.settings.refuses(phone) {
                    return Err(SnsError::invalid_parameter(format!(
                        "PhoneNumber Reason: {phone} is not valid to publish to"
                    )));
                }
                let message = Message::parse(parameters)?;
                let id = Uuid::new_v4().to_string();
                // Who has opted out is sent nothing, and SNS does not say so.
                if !self.has_opted_out(phone)? {
                    self.deliver(&id, None, &message, &[Delivery::sms(phone, message.text_for("sms"))])?;
                }
                Ok(Answer::of("MessageId", id))
            }
            (Some(topic), None) => {
                let topic = self.topic(topic)?;
                let message = Message::parse(parameters)?;
                check_order(&topic, parameters)?;
                let message = message.in_order(parameters);
                self.publish_to_topic(&topic, &message).map(|id| receipt(&topic, id))
            }
        }
    }

    pub(super) fn publish_batch(&mut self, parameters: &Parameters) -> Result<Answer, SnsError> {
        let topic = self.topic(parameters.require("TopicArn")?)?;
        let entries = parameters.list("PublishBatchRequestEntries");
        check_batch(&entries)?;
        let messages: Vec<(String, Result<Message, SnsError>)> = entries
            .iter()
            .map(|entry| {
                let message = Message::parse(entry).and_then(|message| {
                    check_order(&topic, entry)?;
                    Ok(message.in_order(entry))
                });
                (entry.get("Id").unwrap_or_default().to_owned(), message)
            })
            .collect();
        let size: usize =
            messages.iter().filter_map(|(_, message)| message.as_ref().ok()).map(Message::size).sum();
        if size > 256 * 1024 {
            return Err(SnsError::batch(
                "BatchRequestTooLong",
                "The length of all the messages put together is more than the limit.",
            ));
        }
        let mut successful = Vec::new();
        let mut failed = Vec::new();
        for (id, message) in messages {
            match message.and_then(|message| self.publish_to_topic(&topic, &message)) {
                Ok(message_id) => {
                    let mut members = vec![("Id", Answer::Text(id))];
                    if let Answer::Structure(receipt) = receipt(&topic, message_id) {
                        members.extend(receipt);
                    }
                    successful.push(Answer::Structure(members));
                }
                Err(error) => failed.push(Answer::Structure(vec![
                    ("Id", Answer::Text(id)),
                    ("Code", Answer::Text(error.code.to_owned())),
                    ("Message", Answer::Text(error.message)),
                    ("SenderFault", Answer::Text((error.status < 500).to_string())),
                ])),
            }
        }
        Ok(Answer::Structure(vec![
            ("Successful", Answer::List(successful)),
            ("Failed", Answer::List(failed)),
        ]))
    }

    fn publish_to_topic(&mut self, topic: &Topic, message: &Message) -> Result<String, SnsError> {
        let id = Uuid::new_v4().to_string();
        let attributes = message.attributes_to_filter();
        let body = message.body_to_filter();
        let wanted_by = |subscription: &Subscription| match subscription.filter_policy() {
            None => true,
            Some(policy) => policy.accepts(match subscription.scope() {
                Scope::Attributes => &attributes,
                Scope::Body => &body,
            }),
        };
        let (refused, reached): (Vec<_>, Vec<_>) = self
            .confirmed_subscriptions(&topic.arn)?
            .into_iter()
            .filter(wanted_by)
            .partition(|subscription| self.settings.refuses(&subscription.endpoint));
        if reached.is_empty() && !refused.is_empty() {
            return Err(SnsError::endpoint_disabled());
        }
        let (queues, mut reached): (Vec<_>, Vec<_>) =
            reached.into_iter().partition(|subscription| subscription.protocol == "sqs");
        let phones = reached.iter().filter(|subscription| subscription.protocol == "sms");
        let opted_out: Vec<bool> =
            phones.map(|phone| self.has_opted_out(&phone.endpoint)).collect::<Result<_, _>>()?;
        let mut opted_out = opted_out.into_iter();
        reached.retain(|subscription| subscription.protocol != "sms" || opted_out.next() != Some(true));
        for subscription in &queues {
            self.deliver_to_queue(&id, &topic.arn, message, subscription)?;
        }
        let deliveries: Vec<Delivery> = reached
            .iter()
            .map(|subscription| match subscription.protocol.as_str() {
                "sms" => Delivery::sms(&subscription.endpoint, message.text_for("sms")),
                "email-json" => {
                    let envelope = json!({
                        "Type": "Notification",
                        "MessageId": id,
                        "TopicArn": topic.arn,
                        "Subject": message.subject,
                        "Message": message.text_for("email-json"),
                        "Timestamp": self.settings.clock.now().to_string(),
                    });
                    Delivery::email(&subscription.endpoint, subject(message), envelope.to_string())
                }
                _ => Delivery::email(&subscription.endpoint, subject(message), message.text_for("email")),
            })
            .collect();
        self.deliver(&id, Some(&topic.arn), message, &deliveries)?;
        Ok(id)
    }
}

fn subject(message: &Message) -> &str {
    message.subject.as_deref().unwrap_or("AWS Notification Message")
}

fn receipt(topic: &Topic, message_id: String) -> Answer {
    let mut members = vec![("MessageId", Answer::Text(message_id))];
    if topic.is_fifo() {
        // Version 7 UUIDs grow with time; the first half of one is a number that does.
        let (high, _) = Uuid::now_v7().as_u64_pair();
        members.push(("SequenceNumber", Answer::Text(format!("{high:020}"))));
    }
    Answer::Structure(members)
}

/// What topics that keep an order ask for, and others refuse.
fn check_order(topic: &Topic, parameters: &Parameters) -> Result<(), SnsError> {
    let has_deduplication_id = parameters.get("MessageDeduplicationId").is_some();
    if topic.is_fifo() {
        if parameters.get("MessageGroupId").is_none() {
            return Err(SnsError::invalid_parameter(
                "The MessageGroupId parameter is required for FIFO topics",
            ));
        }
        let by_content =
            topic.attributes.get("ContentBasedDeduplication").is_some_and(|value| value == "true");
        if !by_content && !has_deduplication_id {
            return Err(SnsError::invalid_parameter(
                "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
            ));
        }
    } else if has_deduplication_id {
        return Err(SnsError::invalid_parameter(
            "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type",
        ));
    }
    Ok(())
}

fn check_batch(entries: &[Parameters]) -> Result<(), SnsError> {
    let ids: BTreeSet<&str> = entries.iter().filter_map(|entry| entry.get("Id")).collect();
    if entries.is_empty() {
        Err(SnsError::batch("EmptyBatchRequest", "The batch request doesn't contain any entries."))
    } else if entries.len() > 10 {
        Err(SnsError::batch(
            "TooManyEntriesInBatchRequest",
            "The batch request contains more entries than permissible.",
        ))
    } else if ids.iter().any(|id| {
        !(1..=80).contains(&id.len())
            || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    }) {
        Err(SnsError::batch(
            "InvalidBatchEntryId",
            "The Id of a batch entry in a batch request doesn't abide by the specification.",
        ))
    } else if ids.len() != entries.len() {
        Err(SnsError::batch(
            "BatchEntryIdsNotDistinct",
            "Two or more batch entries in the request have the same Id.",
        ))
    } else {
        Ok(())
    }
}
