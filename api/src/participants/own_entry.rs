//! What people do with their receipts: see what became of them in each draw, and leave.
//!
//! The receipt is sent in the body of a POST, since an address is written into logs.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use jiff::Timestamp;
use lottery::claim::ClaimKey;
use lottery::receipt::Receipt;
use lottery::{Draw, DrawStatus, Exclusion, FieldError, LotteryId, Refusal};
use lottery_store::{OwnPlace, Winner};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::withdraw_one;
use crate::claims::ClaimState;
use crate::error::ApiError;
use crate::extract::{JsonBody, LotteryPath, unknown_lottery};
use crate::state::AppState;

/// How many draws, the newest, are shown to a participant.
const DRAWS: usize = 10;

/// The fields of [`ReceiptBody`].
#[cfg(test)]
pub(crate) const RECEIPT_FIELDS: [&str; 7] =
    ["email", "label", "name", "nonce", "participant_id", "phone", "secret"];

/// A receipt, as it was given: with `email`, `name`, `phone` and `secret`, or, in a lottery that was created before receipts named
/// the person, with `label` and `nonce`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "describes the body that is read as `lottery::Receipt`")]
pub(crate) struct ReceiptBody {
    email: Option<String>,
    label: Option<String>,
    name: Option<String>,
    nonce: Option<String>,
    participant_id: String,
    phone: Option<String>,
    secret: Option<String>,
}

/// What a lottery knows of the holder of a receipt.
#[derive(Serialize, ToSchema)]
pub(crate) struct OwnEntry {
    /// The short name of the receipt, to be compared with the organiser's list.
    #[schema(example = "A3F9-20C1")]
    code: String,
    /// Whether the holder is on the list now, and so in the next draw.
    on_list: bool,
    /// Whether the holder is marked as present.
    present: bool,
    /// The newest draws that the holder could be in, the newest first.
    draws: Vec<OwnDraw>,
}

/// What became of the holder in one draw.
#[derive(Serialize, ToSchema)]
pub(crate) struct OwnDraw {
    draw_id: String,
    /// Its number in the lottery, once it is sealed.
    sequence: Option<u64>,
    status: String,
    result: OwnResult,
    /// The prize, if the result is `won` or `passed_on`.
    prize: Option<String>,
    /// The rank in the draw, with the prize.
    rank: Option<u32>,
    /// The state of the claim, if a prize was won that has to be claimed.
    claim: Option<OwnClaim>,
}

/// The state of the holder's claim.
#[derive(Serialize, ToSchema)]
pub(crate) struct OwnClaim {
    state: ClaimState,
    /// Until when the prize can be claimed; null while other winners are still being notified.
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// What the claim link holds.
    token: String,
}

impl OwnClaim {
    /// The claim of a winner who has been notified.
    fn of(draw: &Draw, winner: &Winner, key: Option<&ClaimKey>, now: Timestamp) -> Option<Self> {
        let key = key.filter(|_| draw.asks_to_claim().is_some())?;
        Some(Self {
            state: ClaimState::of(draw, winner, now),
            until: draw.claim_deadline(winner.rank),
            token: key.token(&draw.lottery_id, &draw.draw_id, winner.rank).reveal(),
        })
    }
}

/// What became of somebody in a draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OwnResult {
    /// The list is not sealed yet: every participant on it takes part.
    Waiting,
    /// On the sealed list; nobody is drawn yet.
    Sealed,
    /// The draw is over, or its list is sealed, without the holder on it.
    NotIn,
    /// On the sealed list, but cannot win: won before.
    WonBefore,
    /// On the sealed list, but cannot win: the organiser said so.
    Excluded,
    /// On the sealed list, but cannot win: only those who were there could.
    Absent,
    /// Drawn; the organiser has not announced it yet.
    NotAnnounced,
    Won,
    /// Was drawn, and the seat went on to somebody else.
    PassedOn,
    NotWon,
    /// The draw ended without winners.
    NoWinners,
}

impl OwnResult {
    fn of(draw: &Draw, place: &OwnPlace) -> Self {
        let Some(entry) = &place.entry else {
            return match draw.status {
                DrawStatus::Waiting => Self::Waiting,
                status if status.is_final() && !status.has_official_winners() => Self::NoWinners,
                _ => Self::NotIn,
            };
        };
        if draw.status.is_final() && !draw.status.has_official_winners() {
            return Self::NoWinners;
        }
        match &entry.excluded {
            Some(Exclusion::PastWinner(_)) => return Self::WonBefore,
            Some(Exclusion::Organiser) => return Self::Excluded,
            Some(Exclusion::Absent) => return Self::Absent,
            None => {}
        }
        if !draw.status.has_official_winners() {
            return Self::Sealed;
        }
        match &place.winner {
            // As long as anybody is held back, it is not known to anybody who has not won.
            None if draw.is_held() && draw.released() < draw.seated() => Self::NotAnnounced,
            None => Self::NotWon,
            Some(winner) if !draw.is_released(winner.rank) => Self::NotAnnounced,
            Some(winner) if winner.has_seat() => Self::Won,
            Some(_) => Self::PassedOn,
        }
    }
}

impl OwnDraw {
    fn of(draw: &Draw, place: OwnPlace, key: Option<&ClaimKey>, now: Timestamp) -> Self {
        let result = OwnResult::of(draw, &place);
        let shown = place.winner.filter(|_| matches!(result, OwnResult::Won | OwnResult::PassedOn));
        Self {
            draw_id: draw.draw_id.to_string(),
            sequence: draw.sequence,
            status: draw.status.to_string(),
            result,
            claim: shown.as_ref().and_then(|winner| OwnClaim::of(draw, winner, key, now)),
            rank: shown.as_ref().map(|winner| winner.rank),
            prize: shown.map(|winner| winner.prize.to_string()),
        }
    }
}

/// What became of the holder of a receipt. Nothing is learnt with a receipt that is no one's.
#[utoipa::path(post, path = "/lotteries/{lottery_id}/entry", tag = "participants", request_body = ReceiptBody,
    responses((status = 200, description = "On the list, and in each draw", body = OwnEntry)))]
pub(crate) async fn own_entry(
    State(state): State<AppState>,
    LotteryPath(lottery_id): LotteryPath,
    body: JsonBody,
) -> Result<Json<OwnEntry>, ApiError> {
    let receipt = read_receipt(body.value)?;
    state.store.lottery(&lottery_id).await?.ok_or_else(unknown_lottery)?;
    let holder = state.store.holder_of(&lottery_id, &receipt).await?;
    // A person who entered with a known address reads the same as anybody who has just entered.
    let on_list = holder.is_some() || state.store.is_decoy(&lottery_id, &receipt).await?;
    let draws = state.store.draws(&lottery_id, None, DRAWS).await?.items;
    // Nobody wins anything by a rehearsal.
    let draws: Vec<Draw> = draws.into_iter().filter(|draw| !draw.rehearsal).collect();
    let places = state.store.own_places(&draws, &receipt).await?;
    if !on_list && places.iter().all(|place| place.entry.is_none()) {
        return Err(unknown_receipt());
    }
    let draws = draws.iter().zip(places);
    // A participant who has left is not in the waiting draws.
    let draws = draws.filter(|(_, place)| on_list || place.entry.is_some());
    let (key, now) = (state.store.claim_key(&lottery_id).await?, state.clock.now());
    let draws = draws.map(|(draw, place)| OwnDraw::of(draw, place, key.as_ref(), now)).collect();
    let present = holder.is_some_and(|holder| holder.is_present);
    Ok(Json(OwnEntry { code: receipt.code(), on_list, present, draws }))
}

/// Leave a lottery by oneself: name and addresses are erased, and no further draw has the entry. A seat that was won is passed
/// on if the draw can still do so.
#[utoipa::path(post, path = "/lotteries/{lottery_id}/entry/leave", tag = "participants", request_body = ReceiptBody,
    responses((status = 204, description = "Left")))]
pub(crate) async fn leave(
    State(state): State<AppState>,
    LotteryPath(lottery_id): LotteryPath,
    body: JsonBody,
) -> Result<StatusCode, ApiError> {
    let receipt = read_receipt(body.value)?;
    if let Some(holder) = holder_or_decoy(&state, &lottery_id, &receipt).await? {
        withdraw_one(&state, &lottery_id, &holder.participant_id).await?;
        state.cache.wrote();
        tracing::info!(%lottery_id, "somebody left");
    }
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn holder(
    state: &AppState,
    lottery_id: &LotteryId,
    receipt: &Receipt,
) -> Result<lottery_store::Contact, ApiError> {
    state.store.holder_of(lottery_id, receipt).await?.ok_or_else(unknown_receipt)
}

/// The holder of a receipt; none if the receipt was given for an address that was known, which the response does not say.
pub(super) async fn holder_or_decoy(
    state: &AppState,
    lottery_id: &LotteryId,
    receipt: &Receipt,
) -> Result<Option<lottery_store::Contact>, ApiError> {
    match state.store.holder_of(lottery_id, receipt).await? {
        None if !state.store.is_decoy(lottery_id, receipt).await? => Err(unknown_receipt()),
        holder => Ok(holder),
    }
}

/// Reads a receipt.
pub(super) fn read_receipt(body: Value) -> Result<Receipt, ApiError> {
    let malformed = || FieldError {
        field: "receipt".to_owned(),
        reason: Refusal::Malformed {
            sentence: "must be a receipt: email, name, participant_id, phone, secret".to_owned(),
        },
    };
    serde_json::from_value(body).map_err(|_| malformed().into())
}

fn unknown_receipt() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "UnknownReceipt", "this receipt is nobody's in this lottery")
}
