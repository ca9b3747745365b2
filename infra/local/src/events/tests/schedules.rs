//! Rules with schedules, and those of the Scheduler, by a clock that the test moves.

use super::*;

#[tokio::test]
async fn rules_and_schedules_call_their_targets_when_their_time_comes() {
    let fixture = Fixture::new().await;
    let queue = fixture.queue("q").await;
    fixture.call("PutRule", json!({"Name": "tick", "ScheduleExpression": "rate(5 minutes)"})).await;
    fixture.target("tick", json!({"Arn": queue})).await;
    // What was missed comes once.
    fixture.clock.advance(Duration::from_secs(16 * 60));
    let event = fixture.received_body("q").await;
    assert_eq!((&event["detail-type"], &event["source"]), (&json!("Scheduled Event"), &json!("aws.events")));
    assert_eq!(event["time"], "2026-11-29T12:05:00Z");
    fixture.clock.advance(Duration::from_secs(4 * 60));
    assert_eq!(fixture.received_body("q").await["time"], "2026-11-29T12:20:00Z");
    fixture.call("DisableRule", json!({"Name": "tick"})).await;

    let target = json!({"Arn": queue, "RoleArn": "arn:aws:iam::123456789012:role/r",
        "Input": "{\"at\": \"<aws.scheduler.scheduled-time>\"}"});
    let schedule = json!({"ScheduleExpression": "at(2026-11-29T14:00:00)", "ScheduleExpressionTimezone": "Europe/Berlin",
        "FlexibleTimeWindow": {"Mode": "OFF"}, "Target": target, "ActionAfterCompletion": "DELETE"});
    let (status, made) = fixture.schedule("POST", "/schedules/once", schedule.clone()).await;
    assert_eq!(
        (status, &made["ScheduleArn"]),
        (200, &json!("arn:aws:scheduler:us-east-1:123456789012:schedule/default/once"))
    );
    assert_eq!(fixture.schedule("POST", "/schedules/once", schedule.clone()).await.0, 409);
    let (_, shown) = fixture.schedule("GET", "/schedules/once?groupName=default", json!({})).await;
    assert_eq!((&shown["State"], &shown["Target"]), (&json!("ENABLED"), &target));
    let (_, listed) = fixture.schedule("GET", "/schedules?NamePrefix=on", json!({})).await;
    assert_eq!(listed["Schedules"][0]["Name"], "once");
    fixture.clock.advance(Duration::from_secs(40 * 60));
    assert_eq!(fixture.received_body("q").await, json!({"at": "2026-11-29T13:00:00Z"}));
    let (status, answer) = fixture.schedule("GET", "/schedules/once", json!({})).await;
    assert_eq!((status, &answer["message"]), (404, &json!("Schedule once does not exist.")));
}

#[tokio::test]
async fn schedules_are_grouped_changed_and_refused() {
    let fixture = Fixture::new().await;
    let target = json!({"Arn": format!("{QUEUES}:q"), "RoleArn": "arn:aws:iam::123456789012:role/r"});
    let schedule = json!({"GroupName": "g", "ScheduleExpression": "rate(1 hours)", "FlexibleTimeWindow": {"Mode": "OFF"}, "Target": target});
    assert_eq!(fixture.schedule("POST", "/schedules/s", schedule.clone()).await.0, 404);
    assert_eq!(fixture.schedule("POST", "/schedule-groups/g", json!({})).await.0, 200);
    assert_eq!(fixture.schedule("POST", "/schedules/s", schedule.clone()).await.0, 200);
    let mut changed = schedule.clone();
    changed["State"] = json!("DISABLED");
    assert_eq!(fixture.schedule("PUT", "/schedules/s", changed).await.0, 200);
    assert_eq!(fixture.schedule("GET", "/schedules/s?groupName=g", json!({})).await.1["State"], "DISABLED");
    for (member, value, words) in [
        ("ScheduleExpression", json!("rate(x)"), "Invalid Schedule Expression rate(x)."),
        ("ScheduleExpressionTimezone", json!("Mars/Olympus"), "not a valid time zone"),
        ("FlexibleTimeWindow", json!(null), "'flexibleTimeWindow'"),
        ("Target", json!({"Arn": format!("{QUEUES}:q")}), "'roleArn'"),
        (
            "Target",
            json!({"Arn": "arn:aws:scheduler:::aws-sdk:glue:startJobRun", "RoleArn": "r"}),
            "cannot call glue:startJobRun",
        ),
        ("ActionAfterCompletion", json!("KEEP"), "enum value set: [NONE, DELETE]"),
    ] {
        let mut refused = schedule.clone();
        refused[member] = value;
        let (status, answer) = fixture.schedule("POST", "/schedules/other", refused).await;
        assert!(status == 400 && answer["message"].as_str().unwrap().contains(words), "{member}: {answer}");
    }
    assert_eq!(fixture.schedule("DELETE", "/schedule-groups/g", json!({})).await.0, 200);
    assert_eq!(fixture.schedule("DELETE", "/schedules/s?groupName=g", json!({})).await.0, 404);
}
