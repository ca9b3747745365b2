//! Releasing the winners of a held draw: to the public, and to those who notify them.

use axum::Json;
use axum::extract::State;
use lottery::{Draw, FieldError, Refusal};
use lottery_store::{ReleaseRequest, ReleaseWait, Released, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::notifications::Rank;
use crate::error::ApiError;
use crate::extract::{DrawPath, JsonBody, unknown_draw};
use crate::state::AppState;

/// The ranks that can be named in one request.
const MAX_RANKS: usize = 10_000;

/// Which winners to release: exactly one of the fields.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "describes the body that `parse` reads")]
pub(crate) struct ReleaseBody {
    /// True: everything.
    all: Option<bool>,
    /// Those of the prize with this index in the draw's list.
    #[schema(minimum = 0, maximum = 99)]
    prize: Option<u32>,
    /// Those of these ranks. None may stand twice.
    #[schema(min_items = 1, max_items = 10_000)]
    ranks: Option<Vec<Rank>>,
}

/// How many winners of a draw are released.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReleasedWinners {
    /// How many are, of those who have their seats.
    released: u32,
    /// How many have their seats.
    total: u32,
    /// How many this request released.
    newly: u32,
}

/// Release winners of a held draw: from then on the public sees their masked names, and they are notified. What was released
/// stays released, so that pressing twice is as good as once. Nothing about who wins changes.
#[utoipa::path(post, path = "/lotteries/{lottery_id}/draws/{draw_id}/release", tag = "draws", request_body = ReleaseBody,
    responses((status = 200, description = "They are released", body = ReleasedWinners)))]
pub(crate) async fn release(
    State(state): State<AppState>,
    DrawPath(lottery_id, draw_id): DrawPath,
    JsonBody { value, .. }: JsonBody,
) -> Result<Json<ReleasedWinners>, ApiError> {
    let request = parse(&value)?;
    // Continues if the caller hangs up: released winners should be notified.
    let work = async move {
        let draw = state.store.draw(&lottery_id, &draw_id).await?.ok_or_else(unknown_draw)?;
        check_prize(&request, &draw)?;
        let now = state.clock.now();
        let (draw, newly) = match state.store.release_held(&lottery_id, &draw_id, &request, now).await? {
            Released::Done { draw, newly } => (draw, newly),
            Released::NoSeat(index) => {
                let most = u64::from(draw.ranked());
                let refusal = Refusal::OutOfRange { least: 1, most };
                return Err(field(&format!("ranks[{index}]"), refusal).into());
            }
            Released::NotOfficial(status) => {
                let detail = format!("this draw has no official winners who could be released: {status}");
                return Err(
                    ApiError::conflict("NotDrawnYet", detail).with_member("draw_status", json!(status))
                );
            }
            Released::Unknown => return Err(unknown_draw()),
        };
        wake(&state, &draw).await;
        tracing::info!(%lottery_id, %draw_id, newly, "released winners");
        Ok(Json(ReleasedWinners { released: draw.released(), total: draw.seated(), newly }))
    };
    tokio::spawn(tracing::Instrument::in_current_span(work)).await.map_err(ApiError::internal)?
}

/// Ends the wait of the execution, if it waits for what is released now, or for claims that need not be waited for any more.
/// Should that fail, the reconciler does it.
pub(crate) async fn wake(state: &AppState, draw: &Draw) {
    let Draw { lottery_id, draw_id, .. } = draw;
    let mut waiting = Vec::new();
    if let Some(hold) = &draw.hold {
        let wait = state.store.release_wait(lottery_id, draw_id).await;
        waiting.push(complete(state, wait, |seen| hold.revision > seen).await);
    }
    // Nothing has ended the wait yet if it would last however early it began.
    if draw.asks_to_claim().is_some() && draw.ends_claim_wait(0) {
        let wait = state.store.claim_wait(lottery_id, draw_id).await;
        waiting.push(complete(state, wait, |seen| draw.ends_claim_wait(seen)).await);
    }
    for cause in waiting.into_iter().filter_map(Result::err) {
        tracing::warn!(%lottery_id, %draw_id, cause, "an execution is left to the reconciler to be woken");
    }
}

/// Completes the task that waits so, if its wait is over.
async fn complete(
    state: &AppState,
    wait: Result<Option<ReleaseWait>, StoreError>,
    is_over: impl Fn(u32) -> bool,
) -> Result<(), String> {
    match wait {
        Ok(Some(ReleaseWait { token: Some(token), seen })) if is_over(seen) => {
            state.executions.complete(&token).await
        }
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

fn check_prize(request: &ReleaseRequest, draw: &Draw) -> Result<(), FieldError> {
    let prizes = draw.prizes.as_slice().len() as u64;
    match request {
        ReleaseRequest::Prize(prize) if u64::from(*prize) >= prizes => {
            Err(field("prize", Refusal::OutOfRange { least: 0, most: prizes - 1 }))
        }
        _ => Ok(()),
    }
}

fn parse(body: &Value) -> Result<ReleaseRequest, FieldError> {
    let members = body.as_object().ok_or_else(|| field("body", Refusal::NotObject))?;
    let mut request = None;
    for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
        let Some((_, read)) = RELEASE_FIELDS.iter().find(|(known, _)| known == name) else {
            return Err(FieldError::unknown(name));
        };
        if request.replace(read(value)?).is_some() {
            return Err(field(name, Refusal::NotBeside { other: "all, prize, ranks" }));
        }
    }
    request.ok_or_else(|| field("all", Refusal::Missing))
}

/// Reads one field of the body.
type ReadField = fn(&Value) -> Result<ReleaseRequest, FieldError>;

/// The fields that [`parse`] takes.
pub(crate) const RELEASE_FIELDS: [(&str, ReadField); 3] = [
    ("all", |value| match value {
        Value::Bool(true) => Ok(ReleaseRequest::All),
        _ => Err(field("all", Refusal::NotOneOf { values: "true" })),
    }),
    ("prize", |value| {
        let prize = value.as_u64().and_then(|prize| u32::try_from(prize).ok());
        prize.map(ReleaseRequest::Prize).ok_or_else(|| field("prize", Refusal::NotCount { least: 0 }))
    }),
    ("ranks", |value| ranks(value).map(ReleaseRequest::Ranks)),
];

fn ranks(value: &Value) -> Result<Vec<u32>, FieldError> {
    let items = value.as_array().ok_or_else(|| field("ranks", Refusal::NotArray))?;
    if items.is_empty() || items.len() > MAX_RANKS {
        return Err(field("ranks", Refusal::OutOfRange { least: 1, most: MAX_RANKS as u64 }));
    }
    let mut ranks = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let rank = item.as_u64().and_then(|rank| u32::try_from(rank).ok()).filter(|rank| *rank > 0);
        ranks.push(rank.ok_or_else(|| field(&format!("ranks[{index}]"), Refusal::NotCount { least: 1 }))?);
    }
    let mut sorted = ranks.clone();
    sorted.sort_unstable();
    match sorted.windows(2).any(|pair| pair[0] == pair[1]) {
        true => Err(field("ranks", Refusal::StandsTwice)),
        false => Ok(ranks),
    }
}

fn field(name: &str, reason: Refusal) -> FieldError {
    FieldError { field: name.to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_field_says_who_is_released() {
        assert_eq!(parse(&json!({"all": true})).unwrap(), ReleaseRequest::All);
        assert_eq!(parse(&json!({"prize": 0, "all": null})).unwrap(), ReleaseRequest::Prize(0));
        assert_eq!(parse(&json!({"ranks": [3, 7]})).unwrap(), ReleaseRequest::Ranks(vec![3, 7]));
    }

    #[test]
    fn what_cannot_be_released_is_named() {
        for (body, field) in [
            (json!([]), "body"),
            (json!({}), "all"),
            (json!({"all": false}), "all"),
            (json!({"prize": -1}), "prize"),
            (json!({"ranks": []}), "ranks"),
            (json!({"ranks": [1, 1]}), "ranks"),
            (json!({"ranks": [1, 0]}), "ranks[1]"),
            (json!({"everybody": true}), "everybody"),
            (json!({"all": true, "prize": 0}), "prize"),
        ] {
            assert_eq!(parse(&body).unwrap_err().field, field, "{body}");
        }
    }
}
