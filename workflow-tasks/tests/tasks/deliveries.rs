//! What SES reports of e-mails, as AWS documents its events on EventBridge, and what the ledger then says.

use lottery::{DrawId, DrawStatus};
use lottery_store::NotificationState;
use serde_json::{Value, json};
use workflow_tasks::invoke;

use crate::ses::one_reader;
use test_support::sns::Reply;
use test_world::World;

use NotificationState::{Failed, Sent, Unknown};

/// An event as in docs.aws.amazon.com/ses/latest/dg/monitor-sending-using-event-publishing-setup-eventbridge.html, with
/// the tags of a message of ours.
async fn event(world: &World, draw_id: &DrawId, event_type: &str, message_id: &str, more: Value) -> Value {
    let label = world.cx.store.winners(&world.lottery_id, draw_id).await.unwrap()[0].member;
    let mut event = json!({
        "version": "0",
        "id": "12345678-1234-1234-1234-123456789012",
        "detail-type": format!("Email {event_type}"),
        "source": "aws.ses",
        "account": "123456789012",
        "time": "2026-11-22T17:00:00Z",
        "region": "us-east-1",
        "resources": ["arn:aws:ses:us-east-1:123456789012:configuration-set/lottery"],
        "detail": {
            "eventType": event_type,
            "mail": {
                "timestamp": "2026-11-22T17:00:00.000Z",
                "source": "draws@example.com",
                "sourceArn": "arn:aws:ses:us-east-1:123456789012:identity/example.com",
                "sendingAccountId": "123456789012",
                "messageId": message_id,
                "destination": ["p001@example.com"],
                "headersTruncated": false,
                "headers": [{"name": "From", "value": "draws@example.com"}],
                "commonHeaders": {"from": ["draws@example.com"], "to": ["p001@example.com"], "messageId": message_id},
                "tags": {
                    "ses:operation": ["SendEmail"],
                    "ses:configuration-set": ["lottery"],
                    "ses:source-ip": ["192.0.2.1"],
                    "ses:from-domain": ["example.com"],
                    "ses:caller-identity": ["send-email"],
                    "lottery_id": [world.lottery_id],
                    "draw_id": [draw_id],
                    "label": [label]
                }
            }
        }
    });
    event["detail"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event
}

fn bounce(bounce_type: &str) -> Value {
    json!({"bounce": {
        "feedbackId": "01000157c44f053b-61b59c11-9236-11e6-8f96-7be8aexample-000000",
        "bounceType": bounce_type,
        "bounceSubType": "General",
        "bouncedRecipients": [{
            "emailAddress": "p001@example.com", "action": "failed", "status": "5.1.1",
            "diagnosticCode": "smtp; 550 5.1.1 user unknown"
        }],
        "timestamp": "2026-11-22T17:00:40.000Z",
        "reportingMTA": "dsn; mta.example.com"
    }})
}

fn delivered() -> Value {
    json!({"delivery": {
        "timestamp": "2026-11-22T17:00:01.000Z", "processingTimeMillis": 1000, "recipients": ["p001@example.com"],
        "smtpResponse": "250 2.6.0 Message received", "remoteMtaIp": "192.0.2.9", "reportingMTA": "mta.example.com"
    }})
}

/// The ledger and the draw's counters after one event, from a message that SES answered so.
async fn after(
    reply: Reply,
    event_type: &str,
    message_id: &str,
    more: Value,
) -> (bool, NotificationState, Option<String>) {
    let (world, ses, draw_id) = one_reader().await;
    ses.reply([reply]);
    world.run_resumed(&draw_id).await;
    let event = event(&world, &draw_id, event_type, message_id, more).await;
    let answer = invoke(&world.cx, "record-delivery", event.clone()).await.unwrap();
    assert!(!answer.to_string().contains("example.com"));
    let again = invoke(&world.cx, "record-delivery", event).await.unwrap();
    assert_eq!(again["recorded"], json!(false), "an event may come twice");
    let (state, reason) = world.only_entry(&draw_id).await.unwrap();
    let counts = world.draw(&draw_id).await.notified.email;
    let expected = [Sent, Failed, Unknown].map(|one| u64::from(one == state));
    assert_eq!([counts.sent, counts.failed, counts.unknown], expected, "{event_type}");
    (answer["recorded"] == json!(true), state, reason)
}

#[tokio::test]
async fn a_message_of_which_nobody_knew_is_settled_by_what_ses_reports() {
    let bounced = || Some("Bounced".to_owned());
    for (event_type, more, state, reason) in [
        ("Send", json!({"send": {}}), Sent, None),
        ("Delivery", delivered(), Sent, None),
        ("Complaint", json!({"complaint": {"complaintFeedbackType": "abuse"}}), Sent, None),
        ("Bounce", bounce("Permanent"), Failed, bounced()),
        ("Bounce", bounce("Transient"), Failed, bounced()),
        ("Reject", json!({"reject": {"reason": "Bad content"}}), Failed, Some("Rejected".to_owned())),
    ] {
        let found = after(Reply::LoseAnswer, event_type, "m-7", more).await;
        assert_eq!(found, (true, state, reason), "{event_type}");
    }
    let opened = after(Reply::LoseAnswer, "Open", "m-7", json!({"open": {}})).await;
    assert_eq!((opened.0, opened.1), (false, Unknown));
}

#[tokio::test]
async fn a_message_that_came_back_for_good_has_failed() {
    let bounced = (true, Failed, Some("Bounced".to_owned()));
    assert_eq!(after(Reply::Accept, "Bounce", "m-1", bounce("Permanent")).await, bounced);
    assert_eq!(after(Reply::Accept, "Bounce", "m-1", bounce("Undetermined")).await, bounced);
    // Somebody on holiday; and a message that is another by now.
    assert_eq!(after(Reply::Accept, "Bounce", "m-1", bounce("Transient")).await, (false, Sent, None));
    assert_eq!(after(Reply::Accept, "Bounce", "m-0", bounce("Permanent")).await, (false, Sent, None));
    assert_eq!(after(Reply::Accept, "Delivery", "m-1", delivered()).await, (false, Sent, None));
}

#[tokio::test]
async fn what_ses_reports_before_the_end_lets_a_draw_succeed() {
    let (world, ses, draw_id) = one_reader().await;
    ses.reply([Reply::LoseAnswer]);
    world.notify(&draw_id).await;
    let event = event(&world, &draw_id, "Delivery", "m-7", delivered()).await;
    invoke(&world.cx, "record-delivery", event).await.unwrap();
    world.run_resumed(&draw_id).await;
    assert_eq!(world.status(&draw_id).await, DrawStatus::Succeeded);
}

#[tokio::test]
async fn who_has_withdrawn_is_found_in_the_ranking() {
    let (world, ses, draw_id) = one_reader().await;
    ses.reply([Reply::LoseAnswer]);
    world.run_resumed(&draw_id).await;
    let event = event(&world, &draw_id, "Delivery", "m-7", delivered()).await;
    world.withdraw(&lottery::ParticipantId::parse("001").unwrap()).await;
    assert_eq!(invoke(&world.cx, "record-delivery", event).await.unwrap()["recorded"], json!(true));
}

#[tokio::test]
async fn an_event_that_is_about_no_message_of_ours_changes_nothing() {
    let (world, _, draw_id) = one_reader().await;
    world.run_resumed(&draw_id).await;
    let ours = event(&world, &draw_id, "Bounce", "m-1", bounce("Permanent")).await;
    let other = json!({"lottery_id": ["letters"], "draw_id": ["d9"], "label": ours["detail"]["mail"]["tags"]["label"]});
    for tags in [json!({}), json!({"lottery_id": ["A B"], "draw_id": ["d1"], "label": ["x"]}), other] {
        let mut event = ours.clone();
        event["detail"]["mail"]["tags"] = tags;
        let answer = invoke(&world.cx, "record-delivery", event).await.unwrap();
        assert_eq!(answer, json!({"recorded": false}));
    }
    assert_eq!(world.only_entry(&draw_id).await, Some((Sent, None)));
}
