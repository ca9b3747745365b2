//! Deliveries to queues of SQS: the message alone if the subscription asks for that, a notification otherwise.

use serde_json::json;

use super::message::Message;
use super::subscription::Subscription;
use super::{Sns, SnsError};

impl Sns {
    /// Puts a message into the queue of a subscription. As on AWS a publish does not fail for a queue that is gone, or
    /// that does not take the message; it fails where the message cannot be stored.
    pub(super) fn deliver_to_queue(
        &self,
        id: &str,
        topic_arn: &str,
        message: &Message,
        subscription: &Subscription,
    ) -> Result<(), SnsError> {
        let Some(queues) = &self.settings.queues else { return Ok(()) };
        let name = subscription.endpoint.rsplit(':').next().unwrap_or_default();
        let is_raw = subscription.attributes.get("RawMessageDelivery").is_some_and(|value| value == "true");
        let text = message.text_for("sqs");
        let mut request = json!({"QueueUrl": format!("{}/{name}", queues.base_url())});
        if is_raw {
            request["MessageBody"] = json!(text);
            request["MessageAttributes"] = message.queue_attributes();
        } else {
            let base = queues.base_url();
            let unsubscribe = format!("{base}/?Action=Unsubscribe&SubscriptionArn={}", subscription.arn);
            let notification = self.notification(id, topic_arn, message, &unsubscribe);
            request["MessageBody"] = json!(notification.to_string());
        }
        if let Some(group) = &message.order.group {
            request["MessageGroupId"] = json!(group);
        }
        if name.ends_with(".fifo") {
            let id = message.order.deduplication.clone().unwrap_or_else(|| content_id(text));
            request["MessageDeduplicationId"] = json!(id);
        }
        match queues.send_blocking(request) {
            Ok(_) => Ok(()),
            Err(error) if error.status >= 500 => Err(SnsError::internal(error.message)),
            Err(error) => {
                let queue = &subscription.endpoint;
                tracing::warn!(%error, queue, "a message of a topic was not delivered to its queue");
                Ok(())
            }
        }
    }

    fn notification(
        &self,
        id: &str,
        topic_arn: &str,
        message: &Message,
        unsubscribe: &str,
    ) -> serde_json::Value {
        let mut notification = json!({
            "Type": "Notification",
            "MessageId": id,
            "TopicArn": topic_arn,
            "Message": message.text_for("sqs"),
            "Timestamp": self.settings.clock.now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
            "SignatureVersion": "1",
            "Signature": "",
            "SigningCertURL": "",
            "UnsubscribeURL": unsubscribe,
        });
        if let Some(subject) = &message.subject {
            notification["Subject"] = json!(subject);
        }
        let attributes = message.notified_attributes();
        if attributes.as_object().is_some_and(|attributes| !attributes.is_empty()) {
            notification["MessageAttributes"] = attributes;
        }
        notification
    }
}

/// The id of a message in a topic that knows messages by their content.
fn content_id(text: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
