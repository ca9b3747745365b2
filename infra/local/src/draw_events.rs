//! What the lottery's template makes of EventBridge and of SQS on AWS, so that other systems and the webhooks of organisers
//! hear what happens to draws: a bus, a rule, a queue with its dead letters; and what Lambda does, which hands the messages
//! of the queue to their function.

use std::sync::Arc;
use std::time::Duration;

use lottery::webhook::MAX_RECEIVES;
use serde_json::{Value, json};

use crate::StartError;
use crate::config::{ACCOUNT, REGION};
use crate::definitions::DRAW_EVENTS;
use crate::events::Operation;
use crate::functions::Functions;
use crate::sqs::Queues;

/// The queue of events for webhooks, and where those go that no webhook took.
const QUEUE: &str = "WebhookEvents";
const DEAD_LETTERS: &str = "WebhookDeadLetters";
/// How long a message is with the function before it comes again, in seconds: as on AWS.
const VISIBILITY: u32 = 720;
/// How many messages the function gets at a time: as on AWS.
const BATCH: u32 = 10;
/// How long a poll waits, in seconds; the next one follows at once.
const POLL: u32 = 20;
/// The pause after a poll that failed.
const PAUSE: Duration = Duration::from_secs(1);

/// The address of the queue of events for webhooks.
pub(crate) fn queue_url(aws_url: &str) -> String {
    format!("{aws_url}/{ACCOUNT}/{QUEUE}")
}

fn arn(queue: &str) -> String {
    format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}")
}

/// What creates the bus and its rule.
pub(crate) fn bus() -> [Operation; 3] {
    let bus = json!({"Name": DRAW_EVENTS, "Description": "What happens to the draws, by ids alone"});
    let rule = json!({"Name": QUEUE, "EventBusName": DRAW_EVENTS,
        "EventPattern": json!({"source": ["lottery"]}).to_string()});
    let targets = json!({"Rule": QUEUE, "EventBusName": DRAW_EVENTS,
        "Targets": [{"Id": "webhooks", "Arn": arn(QUEUE)}]});
    [("CreateEventBus", bus), ("PutRule", rule), ("PutTargets", targets)]
}

/// Creates the queues that are not there yet, and gives those that an earlier version has created the attributes of this one.
pub(crate) async fn create_queues(sqs: &Queues) -> Result<(), StartError> {
    let redrive = json!({"deadLetterTargetArn": arn(DEAD_LETTERS), "maxReceiveCount": MAX_RECEIVES});
    let attributes =
        json!({"VisibilityTimeout": VISIBILITY.to_string(), "RedrivePolicy": redrive.to_string()});
    create_queue(sqs, DEAD_LETTERS, json!({"MessageRetentionPeriod": "1209600"})).await?;
    create_queue(sqs, QUEUE, attributes).await
}

async fn create_queue(sqs: &Queues, name: &str, attributes: Value) -> Result<(), StartError> {
    let created = sqs.call("CreateQueue", json!({"QueueName": name, "Attributes": attributes})).await;
    let ready = match created {
        Err(error) if error.name == "QueueNameExists" => {
            let url = format!("{}/{ACCOUNT}/{name}", sqs.base_url());
            sqs.call("SetQueueAttributes", json!({"QueueUrl": url, "Attributes": attributes})).await
        }
        created => created,
    };
    ready.map(drop).map_err(|error| StartError::SetUp {
        what: "the queues of events for webhooks".to_owned(),
        reason: error.to_string(),
    })
}

/// Hands the messages of the queue to their function, for ever; what the function does not take comes again.
pub(crate) async fn hand_over(sqs: Arc<Queues>, functions: Arc<Functions>) {
    let url = queue_url(sqs.base_url());
    loop {
        let request = json!({"QueueUrl": url, "MaxNumberOfMessages": BATCH, "WaitTimeSeconds": POLL,
            "AttributeNames": ["All"]});
        let messages = match sqs.call("ReceiveMessage", request).await {
            Ok(mut answer) => answer["Messages"].take(),
            Err(error) => {
                tracing::debug!(%error, "the queue of the webhooks cannot be read");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let Some(messages) = messages.as_array() else { continue };
        let records: Vec<Value> = messages.iter().map(record).collect();
        let kept = match functions.invoke("send-webhook", json!({ "Records": records })).await {
            Ok(answer) => Value::from(&answer)["batchItemFailures"].clone(),
            Err(error) => {
                tracing::warn!(%error, "events for webhooks come again");
                continue;
            }
        };
        for message in messages {
            let is_kept = |kept: &Value| kept["itemIdentifier"] == message["MessageId"];
            if kept.as_array().into_iter().flatten().any(is_kept) {
                continue;
            }
            let done = json!({"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]});
            if let Err(error) = sqs.call("DeleteMessage", done).await {
                tracing::warn!(%error, "an event for webhooks comes again");
            }
        }
    }
}

/// A message as Lambda hands it to a function.
fn record(message: &Value) -> Value {
    json!({
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": arn(QUEUE),
        "awsRegion": REGION,
    })
}

#[cfg(test)]
mod tests {
    use asl_engine::Clock;

    use super::*;
    use crate::sqs::in_memory;

    #[tokio::test]
    async fn a_queue_of_an_earlier_version_gets_the_attributes_of_this_one() {
        let sqs = in_memory(Clock::system());
        create_queue(&sqs, QUEUE, json!({"VisibilityTimeout": "30"})).await.unwrap();
        for _start in 1..=2 {
            create_queues(&sqs).await.unwrap();
            let asked = json!({"QueueUrl": queue_url(sqs.base_url()), "AttributeNames": ["All"]});
            let attributes = sqs.call("GetQueueAttributes", asked).await.unwrap()["Attributes"].take();
            assert_eq!(attributes["VisibilityTimeout"], VISIBILITY.to_string());
            let policy: Value = serde_json::from_str(attributes["RedrivePolicy"].as_str().unwrap()).unwrap();
            assert_eq!(policy["maxReceiveCount"], MAX_RECEIVES);
        }
    }

    #[test]
    fn the_queue_on_aws_has_the_same_figures() {
        let (_, queue) = crate::iam::EMBEDDED.split_once("\n  WebhookEvents:\n").unwrap();
        let (queue, _) = queue.split_once("\n\n").unwrap();
        for figure in
            [format!("maxReceiveCount: {MAX_RECEIVES}}}"), format!("VisibilityTimeout: {VISIBILITY}\n")]
        {
            assert!(queue.contains(&figure), "{figure} is not in {queue}");
        }
    }
}
