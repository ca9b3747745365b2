//! The webhook of a lottery: an address of the organiser's that hears what happens to its draws, and what became of each event.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use jiff::Timestamp;
use lottery::webhook::{DrawEvent, Webhook, WebhookFormat, WebhookSecret, WebhookUrl};
use lottery::{FieldError, LotteryId, Refusal};
use lottery_store::{WebhookDelivery, WebhookState};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::ApiError;
use crate::extract::{EventPath, JsonBody, LotteryPath, unknown_lottery};
use crate::state::AppState;

/// The fields that [`parse`] takes.
pub(crate) const WEBHOOK_FIELDS: [&str; 3] = ["url", "format", "bot_secret"];

/// How many deliveries are shown.
const MAX_SHOWN: usize = 50;

/// The address that is to hear of draws.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "describes the body that `parse` reads")]
pub(crate) struct WebhookBody {
    /// HTTPS, of a host on the public Internet.
    #[schema(example = "https://example.com/hook", max_length = 1000)]
    url: String,
    /// The form of the messages; our own JSON if absent.
    format: Option<WebhookFormatName>,
    /// The secret that a bot of DingTalk or Feishu shows if it asks for signatures.
    #[schema(min_length = 1, max_length = 200)]
    bot_secret: Option<String>,
}

/// The form of the messages to a webhook.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[allow(dead_code, reason = "describes what is parsed as `lottery::webhook::WebhookFormat`")]
pub(crate) enum WebhookFormatName {
    Json,
    Wecom,
    Dingtalk,
    Feishu,
    Slack,
}

/// The webhook of a lottery, as far as it is shown.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookView {
    /// Scheme and host of the address; the rest may be a key. Null if the lottery has no webhook.
    url: Option<String>,
    #[schema(value_type = Option<WebhookFormatName>)]
    format: Option<WebhookFormat>,
    /// Whether messages are signed for the bot, too.
    has_bot_secret: bool,
    /// What became of the last events, the newest first; kept for 30 days.
    deliveries: Vec<DeliveryView>,
}

/// What became of one event.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeliveryView {
    event_id: String,
    /// Such as `DrawCompleted`.
    event: String,
    draw_id: String,
    #[schema(value_type = DeliveryStateName)]
    state: WebhookState,
    /// How often it was tried; eight times at most.
    attempts: u32,
    /// Why the last attempt failed, such as `status 500`.
    failure: Option<String>,
    /// When it changed last.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

/// The state of the delivery of an event.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(dead_code, reason = "describes `lottery_store::WebhookState`")]
pub(crate) enum DeliveryStateName {
    Pending,
    Retrying,
    Delivered,
    Dead,
}

/// A webhook that was just set.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewWebhookView {
    #[serde(flatten)]
    webhook: WebhookView,
    /// Signs every message. It is shown by this response alone.
    #[schema(example = "whsec_9f86d081884c7d659a2feaa0c55ad015")]
    secret: String,
}

impl From<WebhookDelivery> for DeliveryView {
    fn from(delivery: WebhookDelivery) -> Self {
        let WebhookDelivery { event, state, attempts, failure, at } = delivery;
        let DrawEvent { event_id, event_type, draw_id, .. } = event;
        Self { event_id, event: event_type, draw_id: draw_id.to_string(), state, attempts, failure, at }
    }
}

async fn view(
    state: &AppState,
    lottery_id: &LotteryId,
    webhook: Option<&Webhook>,
) -> Result<WebhookView, ApiError> {
    let deliveries = state.store.webhook_deliveries(lottery_id, MAX_SHOWN).await?;
    Ok(WebhookView {
        url: webhook.map(|webhook| webhook.url.shown()),
        format: webhook.map(|webhook| webhook.format),
        has_bot_secret: webhook.is_some_and(|webhook| webhook.bot_secret.is_some()),
        deliveries: deliveries.into_iter().map(DeliveryView::from).collect(),
    })
}

/// The webhook of the lottery, and what became of the last events.
#[utoipa::path(get, path = "/lotteries/{lottery_id}/webhook", tag = "lotteries",
    responses((status = 200, description = "The webhook", body = WebhookView)))]
pub(crate) async fn webhook(
    State(state): State<AppState>,
    LotteryPath(lottery_id): LotteryPath,
) -> Result<Json<WebhookView>, ApiError> {
    state.store.lottery(&lottery_id).await?.ok_or_else(unknown_lottery)?;
    let webhook = state.store.webhook(&lottery_id).await?;
    Ok(Json(view(&state, &lottery_id, webhook.as_ref()).await?))
}

/// Name the address that hears what happens to the draws of the lottery, in place of the one before. Each request makes a new
/// secret, which only its response shows.
///
/// An event is sent by POST, signed by `Lottery-Signature: t=<seconds>,v1=<HMAC-SHA256 of "<seconds>.<body>" in hex>`. What the
/// receiver does not answer with 2xx within ten seconds comes again, eight times within about three hours.
#[utoipa::path(put, path = "/lotteries/{lottery_id}/webhook", tag = "lotteries", request_body = WebhookBody,
    responses((status = 200, description = "The webhook, with its secret", body = NewWebhookView)))]
pub(crate) async fn set_webhook(
    State(state): State<AppState>,
    LotteryPath(lottery_id): LotteryPath,
    JsonBody { value, .. }: JsonBody,
) -> Result<Json<NewWebhookView>, ApiError> {
    state.store.lottery(&lottery_id).await?.ok_or_else(unknown_lottery)?;
    let secret = format!("whsec_{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let secret = WebhookSecret::parse(&secret).map_err(ApiError::internal)?;
    let webhook = parse(&state, &value, secret)?;
    if !state.store.set_webhook(&lottery_id, &webhook).await? {
        return Err(ApiError::conflict("LotteryDeleted", "this lottery was deleted; its proofs stay"));
    }
    tracing::info!(%lottery_id, format = webhook.format.as_str(), "set a webhook");
    let secret = webhook.secret.as_str().to_owned();
    Ok(Json(NewWebhookView { webhook: view(&state, &lottery_id, Some(&webhook)).await?, secret }))
}

/// Take the webhook away: nothing more is sent.
#[utoipa::path(delete, path = "/lotteries/{lottery_id}/webhook", tag = "lotteries",
    responses((status = 204, description = "The lottery has no webhook any more")))]
pub(crate) async fn forget_webhook(
    State(state): State<AppState>,
    LotteryPath(lottery_id): LotteryPath,
) -> Result<StatusCode, ApiError> {
    state.store.lottery(&lottery_id).await?.ok_or_else(unknown_lottery)?;
    state.store.forget_webhook(&lottery_id).await?;
    tracing::info!(%lottery_id, "took a webhook away");
    Ok(StatusCode::NO_CONTENT)
}

/// Send an event again that was given up, or that was delivered.
#[utoipa::path(post, path = "/lotteries/{lottery_id}/webhook/deliveries/{event_id}/retry", tag = "lotteries",
    responses((status = 202, description = "It is sent again", body = DeliveryView)))]
pub(crate) async fn retry_webhook(
    State(state): State<AppState>,
    EventPath(lottery_id, event_id): EventPath,
) -> Result<(StatusCode, Json<DeliveryView>), ApiError> {
    state.store.lottery(&lottery_id).await?.ok_or_else(unknown_lottery)?;
    let unknown = || ApiError::not_found("there is no delivery of this event");
    state.store.webhook_delivery(&lottery_id, &event_id).await?.ok_or_else(unknown)?;
    if state.store.webhook(&lottery_id).await?.is_none() {
        return Err(ApiError::conflict("NoWebhook", "this lottery has no webhook; set one first"));
    }
    if !state.store.reopen_webhook_delivery(&lottery_id, &event_id, state.clock.now()).await? {
        return Err(ApiError::conflict("DeliveryUnderWay", "this event is being sent; wait for its outcome"));
    }
    let delivery = state.store.webhook_delivery(&lottery_id, &event_id).await?.ok_or_else(unknown)?;
    send(&state, &delivery.event).await?;
    tracing::info!(%lottery_id, event_id, "an event is sent to a webhook again");
    Ok((StatusCode::ACCEPTED, Json(delivery.into())))
}

/// Puts an event into the queue of the webhooks, in the form that EventBridge puts it there.
async fn send(state: &AppState, event: &DrawEvent) -> Result<(), ApiError> {
    let Some((sqs, url)) = &state.webhook_queue else {
        return Err(ApiError::unavailable("WEBHOOK_QUEUE_URL is not set"));
    };
    let mut detail = serde_json::to_value(event).map_err(ApiError::internal)?;
    let event_type = detail["event"].take();
    if let Some(members) = detail.as_object_mut() {
        members.remove("event");
    }
    let body = json!({"source": "lottery", "detail-type": event_type, "detail": detail});
    let sent = sqs.send_message().queue_url(url).message_body(body.to_string()).send().await;
    sent.map(drop).map_err(|error| ApiError::unavailable(aws_sdk_sqs::error::DisplayErrorContext(error)))
}

fn parse(state: &AppState, body: &Value, secret: WebhookSecret) -> Result<Webhook, ApiError> {
    let refused = |field: &str, reason| FieldError { field: field.to_owned(), reason };
    let members = body.as_object().ok_or_else(|| refused("webhook", Refusal::NotObject))?;
    if let Some(name) = members.keys().find(|name| !WEBHOOK_FIELDS.contains(&name.as_str())) {
        return Err(ApiError::unknown_field(
            name,
            format!("only {} can be given", WEBHOOK_FIELDS.join(", ")),
        ));
    }
    let text = |field: &str| match members.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.trim().is_empty())),
        Some(_) => Err(refused(field, Refusal::NotText)),
    };
    let url = text("url")?.ok_or_else(|| refused("url", Refusal::Missing))?;
    let url = WebhookUrl::parse(url, state.config.webhook_reach).map_err(|why| why.in_field("url"))?;
    let format = text("format")?.map_or(Ok(WebhookFormat::Json), WebhookFormat::parse);
    let format = format.map_err(|why| why.in_field("format"))?;
    let bot_secret = text("bot_secret")?.map(WebhookSecret::parse).transpose();
    let bot_secret = bot_secret.map_err(|why| why.in_field("bot_secret"))?;
    if bot_secret.is_some() && !format.has_bot_secret() {
        return Err(refused("bot_secret", Refusal::NotBeside { other: "this format" }).into());
    }
    Ok(Webhook { url, format, secret, bot_secret })
}
