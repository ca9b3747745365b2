use std::time::Duration;

use asl_engine::ManualClock;
use serde_json::{Value, json};

use super::{Queues, SqsError, in_memory, settings};

struct Fixture {
    queues: Queues,
    clock: ManualClock,
}

impl Fixture {
    fn new() -> Fixture {
        let clock = ManualClock::new("2026-11-28T12:00:00Z".parse().unwrap());
        Fixture { queues: in_memory(clock.clone().into()), clock }
    }

    async fn call(&self, operation: &str, request: Value) -> Result<Value, SqsError> {
        self.queues.call(operation, request).await
    }

    async fn create(&self, name: &str, attributes: Value) -> String {
        let answer = self.call("CreateQueue", json!({"QueueName": name, "Attributes": attributes})).await;
        answer.unwrap()["QueueUrl"].as_str().unwrap().to_owned()
    }

    async fn send(&self, url: &str, body: &str) -> Value {
        self.call("SendMessage", json!({"QueueUrl": url, "MessageBody": body})).await.unwrap()
    }

    async fn send_in(&self, url: &str, group: &str, body: &str) -> Value {
        let request = json!({
            "QueueUrl": url, "MessageBody": body, "MessageGroupId": group, "MessageDeduplicationId": body,
        });
        self.call("SendMessage", request).await.unwrap()
    }

    /// The messages of one receipt of up to ten, with all attributes.
    async fn receive(&self, url: &str) -> Vec<Value> {
        let request = json!({
            "QueueUrl": url, "MaxNumberOfMessages": 10,
            "AttributeNames": ["All"], "MessageAttributeNames": ["All"],
        });
        let answer = self.call("ReceiveMessage", request).await.unwrap();
        answer["Messages"].as_array().cloned().unwrap_or_default()
    }

    /// The same, while the clock moves.
    async fn receive_while_time_passes(&self, url: &str) -> Vec<Value> {
        let mut receiving = std::pin::pin!(self.receive(url));
        loop {
            tokio::select! {
                messages = &mut receiving => return messages,
                () = tokio::time::sleep(Duration::from_millis(1)) => self.pass(1),
            }
        }
    }

    async fn bodies(&self, url: &str) -> Vec<String> {
        bodies(&self.receive(url).await)
    }

    async fn change(&self, operation: &str, url: &str, message: &Value, timeout: Option<i64>) {
        let mut request = json!({"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]});
        if let Some(timeout) = timeout {
            request["VisibilityTimeout"] = json!(timeout);
        }
        self.call(operation, request).await.unwrap();
    }

    fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

fn bodies(messages: &[Value]) -> Vec<String> {
    messages.iter().map(|message| message["Body"].as_str().unwrap().to_owned()).collect()
}

fn arn(name: &str) -> String {
    format!("arn:aws:sqs:us-east-1:123456789012:{name}")
}

#[tokio::test]
async fn a_message_is_hidden_while_somebody_has_it_and_gone_when_deleted() {
    let fixture = Fixture::new();
    let url = fixture.create("jobs", json!({"VisibilityTimeout": "20"})).await;
    fixture.send(&url, "one").await;
    assert_eq!(fixture.bodies(&url).await, ["one"]);
    fixture.pass(19);
    assert!(fixture.bodies(&url).await.is_empty());
    fixture.pass(1);
    let again = fixture.receive(&url).await;
    assert_eq!(again[0]["Attributes"]["ApproximateReceiveCount"], "2");
    fixture.change("ChangeMessageVisibility", &url, &again[0], Some(0)).await;
    let again = fixture.receive(&url).await;
    fixture.change("DeleteMessage", &url, &again[0], None).await;
    fixture.pass(60);
    assert!(fixture.bodies(&url).await.is_empty());
}

#[tokio::test]
async fn delays_and_retention_follow_the_clock_and_are_counted() {
    let fixture = Fixture::new();
    let url = fixture.create("jobs", json!({"DelaySeconds": "5", "MessageRetentionPeriod": "60"})).await;
    fixture.send(&url, "one").await;
    let counts = async || {
        let request = json!({"QueueUrl": url, "AttributeNames": ["All"]});
        let attributes = fixture.call("GetQueueAttributes", request).await.unwrap()["Attributes"].clone();
        ["", "NotVisible", "Delayed"].map(|which| {
            attributes[format!("ApproximateNumberOfMessages{which}")].as_str().unwrap().to_owned()
        })
    };
    assert_eq!(counts().await, ["0", "0", "1"]);
    assert!(fixture.bodies(&url).await.is_empty());
    fixture.pass(5);
    assert_eq!(counts().await, ["1", "0", "0"]);
    assert_eq!(fixture.bodies(&url).await, ["one"]);
    assert_eq!(counts().await, ["0", "1", "0"]);
    fixture.pass(60);
    assert_eq!(counts().await, ["0", "0", "0"]);
    assert!(fixture.bodies(&url).await.is_empty());
}

#[tokio::test]
async fn a_group_keeps_its_order_and_waits_for_the_message_that_somebody_has() {
    let fixture = Fixture::new();
    let url = fixture.create("jobs.fifo", json!({"FifoQueue": "true"})).await;
    for (group, body) in [("a", "a1"), ("a", "a2"), ("b", "b1")] {
        fixture.send_in(&url, group, body).await;
    }
    let one = json!({"QueueUrl": url, "MaxNumberOfMessages": 1});
    let first = fixture.call("ReceiveMessage", one).await.unwrap()["Messages"][0].clone();
    assert_eq!(first["Body"], "a1");
    assert_eq!(fixture.bodies(&url).await, ["b1"], "a2 waits for a1");
    fixture.change("DeleteMessage", &url, &first, None).await;
    let second = fixture.receive(&url).await;
    assert_eq!(bodies(&second), ["a2"]);
    fixture.send_in(&url, "a", "a3").await;
    fixture.pass(30);
    assert_eq!(fixture.bodies(&url).await, ["a2", "b1", "a3"], "in the order in which they were sent");
    let late = json!({"QueueUrl": url, "ReceiptHandle": second[0]["ReceiptHandle"]});
    let refused = fixture.call("DeleteMessage", late).await.unwrap_err();
    assert!(refused.message.ends_with("Reason: The receipt handle has expired."), "{refused}");
}

#[tokio::test]
async fn a_deduplication_id_counts_for_five_minutes() {
    let fixture = Fixture::new();
    let attributes = json!({"FifoQueue": "true", "ContentBasedDeduplication": "true"});
    let url = fixture.create("jobs.fifo", attributes).await;
    let request = json!({"QueueUrl": url, "MessageBody": "same", "MessageGroupId": "a"});
    let first = fixture.call("SendMessage", request.clone()).await.unwrap();
    fixture.pass(299);
    assert_eq!(fixture.call("SendMessage", request.clone()).await.unwrap(), first);
    fixture.pass(1);
    let third = fixture.call("SendMessage", request).await.unwrap();
    assert_ne!(third["MessageId"], first["MessageId"]);
    assert!(third["SequenceNumber"].as_str() > first["SequenceNumber"].as_str());
    assert_eq!(fixture.bodies(&url).await, ["same", "same"]);
}

#[tokio::test]
async fn what_is_received_too_often_becomes_a_dead_letter_and_can_go_back() {
    let fixture = Fixture::new();
    let dead = fixture.create("dead", json!({})).await;
    let policy = json!({"deadLetterTargetArn": arn("dead"), "maxReceiveCount": 2}).to_string();
    let attributes = json!({"RedrivePolicy": policy, "VisibilityTimeout": "0"});
    let url = fixture.create("jobs", attributes).await;
    fixture.send(&url, "poison").await;
    assert_eq!(fixture.bodies(&url).await, ["poison"]);
    assert_eq!(fixture.bodies(&url).await, ["poison"]);
    assert!(fixture.bodies(&url).await.is_empty());
    let sources = fixture.call("ListDeadLetterSourceQueues", json!({"QueueUrl": dead})).await.unwrap();
    assert_eq!(sources, json!({"queueUrls": [url]}));
    let buried = fixture.receive(&dead).await;
    assert_eq!(buried[0]["Attributes"]["DeadLetterQueueSourceArn"], arn("jobs"));
    assert_eq!(buried[0]["Attributes"]["ApproximateReceiveCount"], "3");
    fixture.pass(30);
    fixture.call("StartMessageMoveTask", json!({"SourceArn": arn("dead")})).await.unwrap();
    let tasks = fixture.call("ListMessageMoveTasks", json!({"SourceArn": arn("dead")})).await.unwrap();
    assert_eq!(tasks["Results"][0]["ApproximateNumberOfMessagesMoved"], 1);
    let back = fixture.receive(&url).await;
    assert_eq!(
        (bodies(&back), &back[0]["Attributes"]["ApproximateReceiveCount"]),
        (vec!["poison".to_owned()], &json!("1"))
    );
}

#[tokio::test]
async fn a_poller_is_woken_by_a_message_and_by_the_end_of_a_delay() {
    let fixture = Fixture::new();
    let url = fixture.create("jobs", json!({"ReceiveMessageWaitTimeSeconds": "20"})).await;
    let (messages, _) = tokio::join!(fixture.receive(&url), async {
        tokio::task::yield_now().await;
        fixture.send(&url, "sent while somebody polls").await
    });
    assert_eq!(bodies(&messages), ["sent while somebody polls"]);
    fixture.change("DeleteMessage", &url, &messages[0], None).await;

    let delayed = json!({"QueueUrl": url, "MessageBody": "late", "DelaySeconds": 7});
    fixture.call("SendMessage", delayed).await.unwrap();
    let began = fixture.clock.now();
    let messages = fixture.receive_while_time_passes(&url).await;
    assert_eq!(bodies(&messages), ["late"]);
    assert!(fixture.clock.now().duration_since(began).as_secs() >= 7);
    fixture.change("DeleteMessage", &url, &messages[0], None).await;
    let began = fixture.clock.now();
    assert!(fixture.receive_while_time_passes(&url).await.is_empty());
    assert!(fixture.clock.now().duration_since(began).as_secs() >= 20);
}

#[tokio::test]
async fn attributes_come_with_the_digests_that_sdks_compare() {
    let fixture = Fixture::new();
    let url = fixture.create("jobs", json!({})).await;
    let attributes = json!({
        "count": {"DataType": "Number", "StringValue": "42"},
        "bytes": {"DataType": "Binary", "BinaryValue": "AAEC"},
    });
    let request = json!({"QueueUrl": url, "MessageBody": "hello", "MessageAttributes": attributes});
    let sent = fixture.call("SendMessage", request).await.unwrap();
    assert_eq!(sent["MD5OfMessageBody"], "5d41402abc4b2a76b9719d911017c592");
    let received = fixture.receive(&url).await;
    assert_eq!(received[0]["MD5OfMessageAttributes"], sent["MD5OfMessageAttributes"]);
    assert_eq!(received[0]["MessageAttributes"], attributes);
}

#[tokio::test]
async fn a_batch_takes_what_is_right_and_names_what_is_not() {
    let fixture = Fixture::new();
    let url = fixture.create("jobs", json!({"MaximumMessageSize": "1024"})).await;
    let entries = json!([
        {"Id": "right", "MessageBody": "one"},
        {"Id": "large", "MessageBody": "x".repeat(1025)},
        {"Id": "odd", "MessageBody": "\u{0}"},
    ]);
    let answer =
        fixture.call("SendMessageBatch", json!({"QueueUrl": url, "Entries": entries})).await.unwrap();
    assert_eq!(answer["Successful"][0]["Id"], "right");
    let codes: Vec<_> =
        answer["Failed"].as_array().unwrap().iter().map(|entry| entry["Code"].clone()).collect();
    assert_eq!(codes, ["InvalidParameterValue", "InvalidMessageContents"]);
    assert_eq!(fixture.bodies(&url).await, ["one"]);
    for (entries, name) in [
        (json!([]), "EmptyBatchRequest"),
        (
            json!([{"Id": "a", "MessageBody": "1"}, {"Id": "a", "MessageBody": "2"}]),
            "BatchEntryIdsNotDistinct",
        ),
        (json!([{"Id": "a b", "MessageBody": "1"}]), "InvalidBatchEntryId"),
        (vec![json!({"Id": "a", "MessageBody": "1"}); 11].into(), "TooManyEntriesInBatchRequest"),
    ] {
        let request = json!({"QueueUrl": url, "Entries": entries});
        assert_eq!(fixture.call("SendMessageBatch", request).await.unwrap_err().name, name);
    }
}

#[tokio::test]
async fn what_aws_refuses_is_refused_in_its_words() {
    let fixture = Fixture::new();
    let url = fixture.create("jobs", json!({"DelaySeconds": "1"})).await;
    let again = json!({"QueueName": "jobs", "Attributes": {"DelaySeconds": "1"}});
    assert_eq!(fixture.call("CreateQueue", again).await.unwrap()["QueueUrl"], url);
    let fifo = fixture.create("jobs.fifo", json!({"FifoQueue": "true"})).await;
    let missing = json!({"deadLetterTargetArn": arn("nowhere"), "maxReceiveCount": 2}).to_string();
    for (operation, request, code) in [
        ("GetQueueUrl", json!({"QueueName": "nowhere"}), "AWS.SimpleQueueService.NonExistentQueue"),
        (
            "CreateQueue",
            json!({"QueueName": "jobs", "Attributes": {"DelaySeconds": "2"}}),
            "QueueAlreadyExists",
        ),
        ("CreateQueue", json!({"QueueName": "a b"}), "InvalidParameterValue"),
        ("CreateQueue", json!({"QueueName": "a.fifo"}), "InvalidParameterValue"),
        (
            "CreateQueue",
            json!({"QueueName": "a", "Attributes": {"DelaySeconds": "901"}}),
            "InvalidAttributeValue",
        ),
        ("CreateQueue", json!({"QueueName": "a", "Attributes": {"Colour": "red"}}), "InvalidAttributeName"),
        (
            "CreateQueue",
            json!({"QueueName": "a", "Attributes": {"RedrivePolicy": missing}}),
            "InvalidParameterValue",
        ),
        ("SendMessage", json!({"QueueUrl": url}), "MissingParameter"),
        ("SendMessage", json!({"QueueUrl": fifo, "MessageBody": "x"}), "MissingParameter"),
        (
            "SendMessage",
            json!({"QueueUrl": fifo, "MessageBody": "x", "MessageGroupId": "g"}),
            "InvalidParameterValue",
        ),
        ("ReceiveMessage", json!({"QueueUrl": url, "MaxNumberOfMessages": 11}), "InvalidParameterValue"),
        ("DeleteMessage", json!({"QueueUrl": url, "ReceiptHandle": "x"}), "ReceiptHandleIsInvalid"),
        ("AddPermission", json!({"QueueUrl": url}), "AWS.SimpleQueueService.UnsupportedOperation"),
    ] {
        let refused = fixture.call(operation, request.clone()).await.unwrap_err();
        assert_eq!((refused.code, refused.status), (code, 400), "{operation} {request}");
    }
    fixture.call("PurgeQueue", json!({"QueueUrl": url})).await.unwrap();
    let refused = fixture.call("PurgeQueue", json!({"QueueUrl": url})).await.unwrap_err();
    assert_eq!(refused.name, "PurgeQueueInProgress");
}

#[tokio::test]
async fn queues_and_messages_survive_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let open = || {
        let path = Some(directory.path().join("sqs.sqlite"));
        Queues::start(settings(asl_engine::Clock::system(), path)).unwrap()
    };
    let queues = open();
    let request = json!({"QueueName": "jobs", "tags": {"team": "draws"}});
    let url = queues.call("CreateQueue", request).await.unwrap()["QueueUrl"].clone();
    let send = |body: String| queues.call("SendMessage", json!({"QueueUrl": url, "MessageBody": body}));
    let sent = futures_util::future::join_all((0..50).map(|number| send(number.to_string()))).await;
    assert!(sent.iter().all(Result::is_ok));
    queues.stop().await;
    drop(queues);

    let queues = open();
    let tags = queues.call("ListQueueTags", json!({"QueueUrl": url})).await.unwrap();
    assert_eq!(tags, json!({"Tags": {"team": "draws"}}));
    let request = json!({"QueueUrl": url, "AttributeNames": ["ApproximateNumberOfMessages"]});
    let attributes = queues.call("GetQueueAttributes", request).await.unwrap();
    assert_eq!(attributes["Attributes"]["ApproximateNumberOfMessages"], "50");
}
