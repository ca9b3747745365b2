//! Claiming a prize by the link that a winner got: what it is for, and one confirmation.
//!
//! The link alone says whose it is; a link that is invented is refused before anything of a draw is read. Neither link nor
//! name is written into a log.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use jiff::Timestamp;
use lottery::claim::ClaimToken;
use lottery::{Draw, Lottery};
use lottery_store::{Claimed, Winner};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::draws::wake;
use crate::error::ApiError;
use crate::extract::ClaimPath;
use crate::state::AppState;

/// A prize that is to be claimed, as the holder of its link sees it.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClaimView {
    lottery_id: String,
    draw_id: String,
    /// What people call the lottery.
    lottery: String,
    /// The lottery's time zone.
    time_zone: String,
    /// The prize.
    prize: String,
    /// The rank in the draw.
    rank: u32,
    state: ClaimState,
    /// When it was claimed.
    #[schema(value_type = Option<String>, format = DateTime)]
    claimed_at: Option<Timestamp>,
    /// Until when it can be claimed; null while other winners are still being notified, since the time counts from then.
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// How long a winner has, in seconds.
    within_seconds: u32,
    /// The organiser's words on collecting the prize.
    collect: Option<String>,
}

/// The state of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ClaimState {
    /// It can be claimed.
    Open,
    /// It is claimed.
    Claimed,
    /// The time to claim is over.
    Late,
    /// The seat was passed on.
    PassedOn,
}

impl ClaimState {
    /// The state of a winner's claim.
    pub(crate) fn of(draw: &Draw, winner: &Winner, now: Timestamp) -> Self {
        match (winner.has_seat(), winner.claimed_at) {
            (false, _) => Self::PassedOn,
            (true, Some(_)) => Self::Claimed,
            (true, None) => match draw.claim_deadline(winner.rank) {
                Some(deadline) if deadline <= now => Self::Late,
                _ => Self::Open,
            },
        }
    }
}

/// What a link is for.
struct Claim {
    lottery: Lottery,
    draw: Draw,
    winner: Winner,
}

impl Claim {
    fn view(&self, now: Timestamp) -> ClaimView {
        let Self { lottery, draw, winner } = self;
        ClaimView {
            lottery_id: draw.lottery_id.to_string(),
            draw_id: draw.draw_id.to_string(),
            lottery: lottery.name.to_string(),
            time_zone: lottery.time_zone.to_string(),
            prize: winner.prize.to_string(),
            rank: winner.rank,
            state: ClaimState::of(draw, winner, now),
            claimed_at: winner.claimed_at,
            until: draw.claim_deadline(winner.rank),
            within_seconds: draw.claims.as_ref().map_or(0, |claims| claims.within_seconds),
            collect: lottery.collect.as_ref().map(|collect| collect.as_str().to_owned()),
        }
    }
}

/// What a claim link is for. Looking claims nothing.
#[utoipa::path(get, path = "/claims/{claim_token}", tag = "claims",
    responses((status = 200, description = "The prize, and how its claim stands", body = ClaimView)))]
pub(crate) async fn claim(
    State(state): State<AppState>,
    ClaimPath(token): ClaimPath,
) -> Result<Json<ClaimView>, ApiError> {
    Ok(Json(find(&state, &token).await?.view(state.clock.now())))
}

/// Claim the prize of a claim link.
///
/// It may be repeated: what is claimed stays claimed. Too late, or once the seat was passed on, it is refused.
#[utoipa::path(post, path = "/claims/{claim_token}", tag = "claims",
    responses((status = 200, description = "The prize is claimed", body = ClaimView)))]
pub(crate) async fn confirm(
    State(state): State<AppState>,
    ClaimPath(token): ClaimPath,
) -> Result<Json<ClaimView>, ApiError> {
    // Continues if the caller hangs up: the last claim ends the wait.
    let work = async move {
        let mut claim = find(&state, &token).await?;
        let now = state.clock.now();
        match ClaimState::of(&claim.draw, &claim.winner, now) {
            ClaimState::Claimed => return Ok(Json(claim.view(now))),
            ClaimState::Open => {}
            ClaimState::Late => return Err(too_late(claim.draw.claim_deadline(claim.winner.rank))),
            ClaimState::PassedOn => return Err(passed_on()),
        }
        let Draw { lottery_id, draw_id, .. } = &claim.draw;
        match state.store.claim_prize(&claim.draw, claim.winner.rank, now).await? {
            Claimed::Left => return Err(passed_on()),
            Claimed::Done { at, newly } => {
                claim.winner.claimed_at = Some(at);
                if newly {
                    let draw = state.store.draw(lottery_id, draw_id).await?;
                    if let Some(draw) = draw {
                        wake(&state, &draw).await;
                    }
                    tracing::info!(%lottery_id, %draw_id, rank = claim.winner.rank, "claimed a prize");
                }
            }
        }
        Ok(Json(claim.view(now)))
    };
    tokio::spawn(tracing::Instrument::in_current_span(work)).await.map_err(ApiError::internal)?
}

/// What a link is for, if it was made for something.
async fn find(state: &AppState, token: &ClaimToken) -> Result<Claim, ApiError> {
    let store = &state.store;
    let (lottery_id, draw_id) = store.draw_of_claim(token).await?.ok_or_else(unknown_claim)?;
    let draw = store.draw(&lottery_id, &draw_id).await?.ok_or_else(unknown_claim)?;
    let is_told =
        draw.asks_to_claim().is_some() && draw.status.has_official_winners() && draw.is_released(token.rank);
    if !is_told {
        return Err(unknown_claim());
    }
    let winner = store.winners_ranked(&draw, [token.rank]).await?.pop().ok_or_else(unknown_claim)?;
    let lottery = store.lottery(&lottery_id).await?.ok_or_else(unknown_claim)?;
    Ok(Claim { lottery, draw, winner })
}

/// 404 for a link that was made for no prize.
pub(crate) fn unknown_claim() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "UnknownClaim", "no prize is claimed by this link")
}

fn too_late(until: Option<Timestamp>) -> ApiError {
    ApiError::new(StatusCode::GONE, "ClaimTooLate", "the time to claim this prize is over")
        .with_member("until", json!(until))
}

fn passed_on() -> ApiError {
    let detail = "this prize has gone to somebody else: it was not claimed in time, or the organiser replaced the winner";
    ApiError::new(StatusCode::GONE, "PrizePassedOn", detail)
}
