//! Changing a draw that waits for its closing time.
//!
//! The draw is written first, with one more execution counted; then that execution is started, and the one before it stopped. An
//! execution whose start is lost is started by the reconciler, and a list that an earlier execution has read by then is not
//! committed to: the seal is stored only if the draw has been changed just as often as when the list was read.

use axum::Json;
use axum::extract::State;
use draw_start::ExecutionError;
use jiff::SignedDuration;
use lottery::{Draw, DrawRequest, DrawStatus};
use lottery_store::{ChangeDraw, UnfinishedDraw};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::start::{NewPrize, ReleaseName};
use super::view::DrawView;
use crate::error::ApiError;
use crate::extract::{DrawPath, JsonBody, unknown_draw, unknown_lottery};
use crate::state::AppState;
use crate::watch::WatchedDraw;

/// Nearer to its closing time a draw is not changed: sealing may begin.
const LATEST: SignedDuration = SignedDuration::from_secs(5);

/// The fields of [`DrawChangeBody`].
pub(crate) const CHANGE_FIELDS: [&str; 13] = [
    "winners",
    "prizes",
    "alternates",
    "exclude_past_winners",
    "present_only",
    "announce_commitment",
    "notify_others",
    "closes_at",
    "draw_at",
    "channels",
    "release",
    "release_by",
    "claim_within_seconds",
];

/// What changes of a draw: a JSON merge patch (RFC 7396) of the request that started it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "describes the body that is merged into the request of the draw")]
pub(crate) struct DrawChangeBody {
    /// How many win, if there is one prize only.
    #[schema(minimum = 1, maximum = 10_000)]
    winners: Option<u32>,
    #[schema(min_items = 1, max_items = 100)]
    prizes: Option<Vec<NewPrize>>,
    #[schema(minimum = 0, maximum = 10_000)]
    alternates: Option<u32>,
    exclude_past_winners: Option<bool>,
    present_only: Option<bool>,
    announce_commitment: Option<bool>,
    notify_others: Option<bool>,
    /// `null` draws at once.
    #[schema(format = DateTime)]
    closes_at: Option<String>,
    #[schema(format = DateTime)]
    draw_at: Option<String>,
    #[schema(value_type = Option<Vec<super::notifications::ChannelName>>)]
    channels: Option<Vec<String>>,
    release: Option<ReleaseName>,
    #[schema(format = DateTime)]
    release_by: Option<String>,
    #[schema(minimum = 60, maximum = 2_592_000)]
    claim_within_seconds: Option<u32>,
}

/// Change a draw that waits for its closing time, or draw at once.
#[utoipa::path(patch, path = "/lotteries/{lottery_id}/draws/{draw_id}", tag = "draws",
    request_body(content(
        (DrawChangeBody = "application/merge-patch+json"), (DrawChangeBody = "application/json"))),
    responses((status = 200, description = "The draw as it is now", body = DrawView)))]
pub(crate) async fn change(
    State(state): State<AppState>,
    DrawPath(lottery_id, draw_id): DrawPath,
    JsonBody { value, .. }: JsonBody,
) -> Result<Json<DrawView>, ApiError> {
    let lottery = state.store.lottery(&lottery_id).await?.ok_or_else(unknown_lottery)?;
    state.store.draw(&lottery_id, &draw_id).await?.ok_or_else(unknown_draw)?;
    let now = state.clock.now();
    let Some(UnfinishedDraw { draw: before, resumes }) =
        state.store.unfinished_draw(&lottery_id, &draw_id).await?
    else {
        return Err(too_late());
    };
    let waits = before.closes_at.is_some_and(|closes_at| closes_at.duration_since(now) > LATEST);
    if before.status != DrawStatus::Waiting || !waits {
        return Err(too_late());
    }
    let request = DrawRequest::parse(&merged(&before, value)?, lottery.locale, now)?;
    state.starter().check_groups(&lottery_id, Some(&draw_id), &request).await?;
    let mut after = request.begin(lottery_id.clone(), draw_id.clone(), before.created_at);
    after.changes = before.changes + 1;
    if after.rehearsal {
        after.channels = Vec::new();
    }
    if after.asks_to_claim().is_some() {
        state.store.prepare_claims(&lottery_id).await?;
    }
    let worker = state.clone();
    // Continues if the caller hangs up: a draw that is changed should have its execution.
    let change = async move { store(&worker, &before, after, resumes).await };
    let changed = tokio::spawn(tracing::Instrument::in_current_span(change)).await;
    let changed = changed.map_err(ApiError::internal)??;
    tracing::info!(%lottery_id, %draw_id, "changed a draw");
    Ok(Json(super::view(&state, &WatchedDraw::new(changed, state.clock.now())).await?))
}

async fn store(state: &AppState, before: &Draw, mut after: Draw, resumes: u32) -> Result<Draw, ApiError> {
    match state.store.change_draw(before, &after, resumes).await? {
        ChangeDraw::Changed => {}
        ChangeDraw::Superseded => return Err(too_late()),
    }
    match state.executions.resume(&after, resumes + 1).await {
        Ok(arn) => {
            state.store.set_execution(&after.lottery_id, &after.draw_id, &arn).await?;
            after.execution_arn = Some(arn);
        }
        // The reconciler starts what was counted and is not there.
        Err(ExecutionError::Unknown(internal)) => return Err(ApiError::unavailable(internal)),
        Err(ExecutionError::Refused(internal)) => return Err(ApiError::internal(internal)),
    }
    state.executions.stop_earlier(&after.draw_id, resumes).await?;
    Ok(after)
}

/// The request of the draw with the change in it.
fn merged(draw: &Draw, change: Value) -> Result<Value, ApiError> {
    let Value::Object(change) = change else {
        return Err(ApiError::invalid("InvalidField", "the change must be an object").at("draw"));
    };
    if let Some(name) = change.keys().find(|name| !CHANGE_FIELDS.contains(&name.as_str())) {
        let detail = format!("only {} can be changed", CHANGE_FIELDS.join(", "));
        return Err(ApiError::unknown_field(name, detail));
    }
    let mut request = Map::new();
    request.insert("prizes".to_owned(), json!(draw.prizes));
    request.insert("alternates".to_owned(), json!(draw.alternates));
    request.insert("exclude_past_winners".to_owned(), json!(draw.exclude_past_winners));
    request.insert("present_only".to_owned(), json!(draw.present_only));
    request.insert("rehearsal".to_owned(), json!(draw.rehearsal));
    request.insert("announce_commitment".to_owned(), json!(draw.announce_commitment));
    request.insert("notify_others".to_owned(), json!(draw.notify_others));
    request.insert("closes_at".to_owned(), json!(draw.closes_at));
    request.insert("draw_at".to_owned(), json!(draw.draw_at));
    request.insert("channels".to_owned(), json!(draw.channels));
    if let Some(hold) = &draw.hold {
        request.insert("release".to_owned(), json!(hold.mode.as_str()));
        request.insert("release_by".to_owned(), json!(hold.release_by));
    }
    if let Some(claims) = &draw.claims {
        request.insert("claim_within_seconds".to_owned(), json!(claims.within_seconds));
    }
    if change.get("winners").is_some_and(|winners| !winners.is_null()) {
        request.remove("prizes");
    }
    for (name, value) in change {
        match value {
            Value::Null => request.remove(&name),
            value => request.insert(name, value),
        };
    }
    for prize in request.get_mut("prizes").and_then(Value::as_array_mut).into_iter().flatten() {
        without_nulls(prize);
    }
    Ok(Value::Object(request))
}

/// A stored prize as a request has it: what is null there is absent here.
fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(without_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

fn too_late() -> ApiError {
    ApiError::conflict(
        "TooLateToChange",
        "only a draw that waits for its closing time can be changed, up to some seconds before it; cancel it and start another",
    )
}
