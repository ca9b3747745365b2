//! SQS as boto3 speaks it: dead letters, order, topics, and a state machine whose task a worker answers over a queue.

use serde_json::{Value, json};

use end_to_end_tests::python::Program;
use end_to_end_tests::{Process, python, stack};

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

#[tokio::test]
async fn what_was_acknowledged_of_a_queue_holds_after_each_kill() {
    let data = tempfile::tempdir().unwrap();
    let script = include_str!("queues_killed.py");
    let notes = data.path().join("notes");
    let notes = notes.to_str().unwrap();
    for _ in 0..3 {
        let stack = Process::start(&data.path().join("stack")).await;
        let mut work = Program::start(script, &stack.aws, &["work", notes]).await;
        assert_eq!(work.says().await, "going");
        stack.kill().await;
        assert_eq!(work.says().await, "ended");
    }
    let stack = Process::start(&data.path().join("stack")).await;
    let seen = python::run("python3", &stack.aws, &["-c", script, "check", notes]).await;
    let seen: Value = serde_json::from_str(&seen).unwrap();
    assert!(["left", "in_order", "dead"].iter().all(|kind| seen[*kind].as_u64() >= Some(15)), "{seen}");
}
