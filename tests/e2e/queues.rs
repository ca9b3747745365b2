//! SQS as boto3 speaks it: dead letters, order, topics, and a state machine whose task a worker answers over a queue.

use serde_json::{Value, json};

use end_to_end_tests::{python, stack};

#[tokio::test]
async fn boto3_and_a_state_machine_work_over_queues() {
    // The template's role of the state machine knows no queues.
    let stack = stack::start_with(|config| config.iam = None).await;
    let printed = python::run("python3", stack.aws(), &["-c", include_str!("queues.py")]).await;
    let seen: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(
        seen,
        json!({
            "url": true,
            "attributes": true,
            "after": [],
            "dead": ["poison"],
            "code": "AWS.SimpleQueueService.NonExistentQueue",
            "in_order": true,
            "raw": ["hello"],
            "notification": ["Notification", "Greeting", "hello"],
            "announced": "Ada",
            "output": [["Md5OfMessageBody", "MessageId"], "SQS.QueueDoesNotExistException"],
        })
    );
}
