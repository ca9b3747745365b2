//! Sends what happens to draws to the webhooks of their lotteries: from a queue, which keeps an event until it is taken.
//!
//! An event that is not taken comes again after a pause that grows, eight times in all; then the organiser sees it as dead, and
//! the queue moves it to its dead letters. An event may come twice: what was delivered is not sent again.

use jiff::Timestamp;
use lottery::webhook::{DrawEvent, MAX_ATTEMPTS, WebhookMessage, pause_after};
use lottery_store::{WebhookDelivery, WebhookState};
use platform::Chain;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tracing::{Instrument, Span, info, info_span, warn};

use crate::webhooks::Webhooks;
use crate::{TaskContext, TaskError, TaskInput};

/// Messages of SQS, as Lambda hands them over.
#[derive(Debug, Deserialize)]
pub struct Input {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    message_id: String,
    receipt_handle: String,
    body: String,
    attributes: RecordAttributes,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RecordAttributes {
    approximate_receive_count: String,
}

impl TaskInput for Input {
    fn span(&self) -> Span {
        info_span!("webhooks", records = self.records.len())
    }
}

/// Which messages are to come again.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    batch_item_failures: Vec<Failed>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failed {
    item_identifier: String,
}

/// Sends each event once. The failure of one does not hold up another.
pub async fn handle(cx: &TaskContext, input: Input) -> Result<Output, TaskError> {
    let webhooks = cx.webhooks();
    let mut batch_item_failures = Vec::new();
    for record in input.records {
        let Some(event) = event_of(&record.body) else {
            warn!("a message of the queue is no event of a draw");
            continue;
        };
        let attempts = record.attributes.approximate_receive_count.parse().unwrap_or(MAX_ATTEMPTS);
        let span = info_span!("webhook", lottery_id = %event.lottery_id, event_id = event.event_id, attempts);
        let outcome = deliver(cx, webhooks, event, attempts).instrument(span.clone()).await;
        let is_done = span.in_scope(|| match &outcome {
            Ok(is_done) => *is_done,
            Err(error) => {
                warn!(error = error.name(), cause = %Chain(error), "an event for a webhook comes again");
                false
            }
        });
        if !is_done {
            // After the last attempt nothing is waited for: the queue moves the message soon.
            let pause = if attempts < MAX_ATTEMPTS { pause_after(attempts) } else { 0 };
            webhooks.come_again(&record.receipt_handle, pause).await;
            batch_item_failures.push(Failed { item_identifier: record.message_id });
        }
    }
    Ok(Output { batch_item_failures })
}

/// The event of a draw within an event of EventBridge.
fn event_of(body: &str) -> Option<DrawEvent> {
    let mut envelope: Map<String, Value> = serde_json::from_str(body).ok()?;
    let mut detail = envelope.remove("detail")?;
    detail.as_object_mut()?.insert("event".to_owned(), envelope.remove("detail-type")?);
    let event: DrawEvent = serde_json::from_value(detail).ok()?;
    lottery_store::parse_event_id(&event.event_id).ok()?;
    Some(event)
}

/// Whether nothing is left to do for the event.
async fn deliver(
    cx: &TaskContext,
    webhooks: Webhooks<'_>,
    event: DrawEvent,
    attempts: u32,
) -> Result<bool, TaskError> {
    let lottery_id = &event.lottery_id;
    let Some(webhook) = cx.store.webhook(lottery_id).await? else { return Ok(true) };
    let earlier = cx.store.webhook_delivery(lottery_id, &event.event_id).await?;
    match earlier.map(|earlier| earlier.state) {
        Some(WebhookState::Delivered) => return Ok(true),
        // The queue gives messages out more often than they are sent, for attempts that broke off.
        Some(WebhookState::Dead) if attempts > MAX_ATTEMPTS => return Ok(false),
        _ => {}
    }
    let Some(lottery) = cx.store.lottery(lottery_id).await? else { return Ok(true) };
    let now = cx.clock.now();
    let message = WebhookMessage::new(&webhook, &lottery, &event, &cx.config.public_url, now);
    let failure = webhooks.send(&webhook, message).await.err();
    let delivery = outcome(event, attempts, failure, cx.clock.now());
    match &delivery.failure {
        None => info!("a webhook has an event"),
        Some(failure) => info!(failure, "a webhook has not taken an event"),
    }
    cx.store.record_webhook_delivery(&delivery).await?;
    Ok(delivery.state == WebhookState::Delivered)
}

fn outcome(event: DrawEvent, attempts: u32, failure: Option<String>, at: Timestamp) -> WebhookDelivery {
    let state = match &failure {
        None => WebhookState::Delivered,
        Some(_) if attempts < MAX_ATTEMPTS => WebhookState::Retrying,
        Some(_) => WebhookState::Dead,
    };
    WebhookDelivery { event, state, attempts, failure, at }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_events_of_draws_are_sent() {
        let event = json!({"detail-type": "DrawFailed", "detail": {"event_id": "1.DrawFailed", "lottery_id": "party",
            "draw_id": "1", "error": "SealBroken"}});
        let parsed = event_of(&event.to_string()).unwrap();
        assert_eq!((parsed.event_type.as_str(), parsed.error.as_deref()), ("DrawFailed", Some("SealBroken")));
        let mut odd = event.clone();
        odd["detail"]["event_id"] = json!("a/b");
        let others = ["", "[]", "{}", "{\"detail\": 1}", &odd.to_string()].map(event_of);
        assert!(others.iter().all(Option::is_none));
    }

    #[test]
    fn the_last_attempt_that_fails_makes_an_event_dead() {
        let event = || {
            event_of(
                r#"{"detail-type": "DrawSealed", "detail": {"event_id": "1", "lottery_id": "p", "draw_id": "1"}}"#,
            )
        };
        let state = |attempts, failure: Option<&str>| {
            outcome(event().unwrap(), attempts, failure.map(str::to_owned), Timestamp::UNIX_EPOCH).state
        };
        assert_eq!(state(MAX_ATTEMPTS - 1, Some("status 500")), WebhookState::Retrying);
        assert_eq!(state(MAX_ATTEMPTS, Some("status 500")), WebhookState::Dead);
        assert_eq!(state(MAX_ATTEMPTS, None), WebhookState::Delivered);
    }
}
