//! Replacing a winner: the seat goes to the first in line who fits, never to somebody chosen; and closing a draw, after which
//! nobody is replaced.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use draw_start::ExecutionError;
use jiff::Timestamp;
use lottery::{FieldError, PassedOn, Refusal, ReplaceReason};
use lottery_store::{CloseDraw, PassedSeat, Replaced, Resumed};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::ranking::{AlternateView, alternate_views};
use super::release::wake;
use super::view::DrawView;
use crate::error::ApiError;
use crate::extract::{DrawPath, JsonBody, RankPath, unknown_draw};
use crate::idempotency::IdempotencyKey;
use crate::state::AppState;
use crate::watch::WatchedDraw;

/// Why a winner is replaced.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "describes the body that `parse` reads")]
pub(crate) struct ReplaceBody {
    /// The reason, which the proof and the public page show.
    reason: ReplaceReasonName,
}

/// A reason.
#[derive(Deserialize, ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code, reason = "describes what `parse` reads")]
pub(crate) enum ReplaceReasonName {
    Absent,
    Declined,
    Unreachable,
    Ineligible,
}

/// The fields that [`parse`] takes.
#[cfg(test)]
pub(crate) const REPLACE_FIELDS: [&str; 1] = ["reason"];

/// A replacement, as an entry of the draw's log.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReplacementView {
    /// The number of the entry in the log of the draw's seat changes, from 1.
    number: u32,
    /// The rank of the entry that left the seat.
    rank: u32,
    /// Why.
    reason: String,
    /// The rank of the entry that took the seat; null if nobody fits.
    taken_by: Option<u32>,
    /// When it was decided.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

/// Who would take a seat.
#[derive(Serialize, ToSchema)]
pub(crate) struct SeatTakerView {
    /// The rank of the winner who would be replaced.
    rank: u32,
    /// The entry that would take the seat; null if nobody fits.
    taker: Option<AlternateView>,
}

/// Who would take the seat of this winner, if the winner were replaced now: the first in line who fits.
#[utoipa::path(get, path = "/lotteries/{lottery_id}/draws/{draw_id}/winners/{rank}/replace", tag = "draws",
    responses((status = 200, description = "Who would take the seat", body = SeatTakerView)))]
pub(crate) async fn seat_taker(
    State(state): State<AppState>,
    RankPath(lottery_id, draw_id, rank): RankPath,
) -> Result<Json<SeatTakerView>, ApiError> {
    let draw = state.store.draw(&lottery_id, &draw_id).await?.ok_or_else(unknown_draw)?;
    let taker = done(state.store.seat_taker(&lottery_id, &draw_id, rank).await?)?.taker;
    let taker = alternate_views(&state, &draw, taker.as_slice()).await?.pop();
    Ok(Json(SeatTakerView { rank, taker }))
}

/// Replace a winner. The seat goes to the first in line who keeps the quotas of the prize, by the ranking that the draw has
/// fixed; everybody else keeps theirs. The new winner is notified, the replaced one gets no further message.
/// Each replacement is a signed entry of the proof, and count and reasons are public.
#[utoipa::path(post, path = "/lotteries/{lottery_id}/draws/{draw_id}/winners/{rank}/replace", tag = "draws",
    request_body = ReplaceBody,
    params((
        "Idempotency-Key" = Option<String>, Header, description = "The same key and body get the same answer",
        min_length = 1, max_length = 255, pattern = "^[!-~]([ -~]*[!-~])?$"
    )),
    responses((status = 200, description = "The winner is replaced", body = ReplacementView)))]
pub(crate) async fn replace(
    State(state): State<AppState>,
    RankPath(lottery_id, draw_id, rank): RankPath,
    key: IdempotencyKey,
    JsonBody { bytes, value }: JsonBody,
) -> Result<Response, ApiError> {
    let reason = parse(&value)?;
    let worker = state.clone();
    let action = async move {
        let (store, signing) = (&worker.store, worker.organiser.key().await?);
        let now = worker.clock.now();
        let replaced = store.replace_winner(&lottery_id, &draw_id, rank, reason, &signing, now).await?;
        let PassedSeat { draw, change, resumed } = done(replaced)?;
        if let Some(Resumed { resumes }) = resumed {
            // Should it not start, the reconciler starts it: the draw says that it needs one.
            match worker.executions.resume(&draw, resumes).await {
                Ok(arn) => store.set_execution(&lottery_id, &draw_id, &arn).await?,
                Err(ExecutionError::Unknown(internal) | ExecutionError::Refused(internal)) => {
                    tracing::warn!(%lottery_id, %draw_id, internal, "an execution is left to the reconciler");
                }
            }
        }
        wake(&worker, &draw).await;
        tracing::info!(%lottery_id, %draw_id, rank, taken_by = change.taken_by, %reason, "replaced a winner");
        let view = ReplacementView {
            number: change.number,
            rank,
            reason: reason.to_string(),
            taken_by: change.taken_by,
            at: change.at.timestamp(),
        };
        Ok(Json(view).into_response())
    };
    // Continues if the caller hangs up: the winner who took the seat should be notified.
    let request = async move { key.once(&state, &bytes, action).await };
    tokio::spawn(tracing::Instrument::in_current_span(request)).await.map_err(ApiError::internal)?
}

/// Close a draw: from then on nobody is replaced. It cannot be opened again.
#[utoipa::path(post, path = "/lotteries/{lottery_id}/draws/{draw_id}/close", tag = "draws",
    responses((status = 200, description = "The draw is closed", body = DrawView)))]
pub(crate) async fn close(
    State(state): State<AppState>,
    DrawPath(lottery_id, draw_id): DrawPath,
) -> Result<Json<DrawView>, ApiError> {
    let draw = match state.store.close_draw(&lottery_id, &draw_id, state.clock.now()).await? {
        CloseDraw::Closed(draw) => *draw,
        CloseDraw::NotOfficial(status) => return Err(not_official(status)),
        CloseDraw::Unknown => return Err(unknown_draw()),
    };
    wake(&state, &draw).await;
    tracing::info!(%lottery_id, %draw_id, "closed a draw");
    Ok(Json(super::view(&state, &WatchedDraw::new(draw, state.clock.now())).await?))
}

/// What came of it, or why nothing did.
fn done<T>(replaced: Replaced<T>) -> Result<T, ApiError> {
    Err(match replaced {
        Replaced::Done(done) => return Ok(done),
        Replaced::LeftAlready(left) => left_already(left),
        Replaced::NoSeat => ApiError::not_found("no winner of this draw has this rank"),
        Replaced::Closed => {
            ApiError::conflict("DrawClosed", "this draw is closed: nobody is replaced any more")
        }
        Replaced::TooMany => {
            ApiError::conflict("TooManyChanges", "this draw has as many seat changes as a draw can have")
        }
        Replaced::NotOfficial(status) => not_official(status),
        Replaced::OtherKey => ApiError::conflict(
            "OtherOrganiserKey",
            "this draw was sealed with another key of the organiser, so that no replacement can be signed",
        ),
        Replaced::Unknown => unknown_draw(),
    })
}

fn left_already(left: Option<PassedOn>) -> ApiError {
    let error = ApiError::conflict("SeatPassedOn", "whoever has this rank has left the seat already");
    match left {
        Some(PassedOn { taken_by, reason, .. }) => error
            .with_member("taken_by", json!(taken_by))
            .with_member("reason", json!(reason.map(ReplaceReason::as_str))),
        None => error,
    }
}

fn not_official(status: lottery::DrawStatus) -> ApiError {
    let detail = format!("this draw has no official winners: {status}");
    ApiError::conflict("NoOfficialWinners", detail).with_member("draw_status", json!(status))
}

fn parse(body: &Value) -> Result<ReplaceReason, FieldError> {
    let field = |name: &str, reason| FieldError { field: name.to_owned(), reason };
    let members = body.as_object().ok_or_else(|| field("body", Refusal::NotObject))?;
    if let Some(unknown) = members.keys().find(|name| *name != "reason") {
        return Err(FieldError::unknown(unknown));
    }
    let given = members.get("reason").filter(|given| !given.is_null());
    let given = given.ok_or_else(|| field("reason", Refusal::Missing))?;
    let values = "absent, declined, unreachable, ineligible";
    // That a prize was not claimed in time is nobody's word.
    let is_organisers = |reason: &ReplaceReason| ReplaceReason::OF_ORGANISER.contains(reason);
    let reason = given.as_str().and_then(ReplaceReason::parse).filter(is_organisers);
    reason.ok_or_else(|| field("reason", Refusal::NotOneOf { values }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_winner_is_replaced_for_one_of_four_reasons() {
        for reason in ReplaceReason::OF_ORGANISER {
            assert_eq!(parse(&json!({ "reason": reason })).unwrap(), reason);
        }
        for (body, field) in [
            (json!([]), "body"),
            (json!({}), "reason"),
            (json!({"reason": null}), "reason"),
            (json!({"reason": "dull"}), "reason"),
            (json!({"reason": "unclaimed"}), "reason"),
            (json!({"reason": "absent", "by": 7}), "by"),
        ] {
            assert_eq!(parse(&body).unwrap_err().field, field, "{body}");
        }
    }
}
