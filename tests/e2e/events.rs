//! EventBridge as boto3 speaks it: events of S3 and of state machines, schedules, dead letters, and `kill -9` before a
//! delivery.

use serde_json::{Value, json};

use end_to_end_tests::{Process, python, stack};

#[tokio::test]
async fn boto3_and_state_machines_work_over_events() {
    // The template's role of the state machine knows no events.
    let stack = stack::start_with(|config| config.iam = None).await;
    let printed = python::run("python3", stack.aws(), &["-c", include_str!("events.py")]).await;
    let seen: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(
        seen,
        json!({
            "notification": {},
            "ended": [
                "Step Functions Execution Status Change",
                "SUCCEEDED",
                {"upload": "people.csv", "said": "people.csv of uploads"},
            ],
            "removed": ["uploads", "people.csv", "DeleteObject"],
            "started": 1,
            "said": [{"n": 2}, true],
            "caught": [
                {"Entries": [{"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}], "FailedEntryCount": 1},
                "Scheduler.ResourceNotFoundException",
            ],
            "answers": [0, 200, "ENABLED"],
            "schedules": ["hourly", "once"],
            "due": {"due": true},
            "gone": "Schedule once does not exist.",
            "bad": "\"source\" must be an object or an array",
        })
    );
}

#[tokio::test]
async fn an_event_that_was_accepted_is_delivered_after_a_kill() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let endpoint = format!("http://127.0.0.1:{port}");
    let options = ["--lambda-endpoint", endpoint.as_str()];
    let data = tempfile::tempdir().unwrap();
    let script = include_str!("events_killed.py");
    let stack = Process::start_with(data.path(), &options).await;
    python::run("python3", &stack.aws, &["-c", script, "put"]).await;
    stack.kill().await;
    let stack = Process::start_with(data.path(), &options).await;
    let invoked = python::run("python3", &stack.aws, &["-c", script, "receive", &port.to_string()]).await;
    assert_eq!(invoked.trim(), r#"["patient"]"#);
}
