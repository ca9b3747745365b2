//! Who is there: marked by the organiser at the door, or by themselves with the code that is shown at the venue; and how many
//! are in, for everybody.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use lottery::receipt::{Receipt, parse_code};
use lottery::{FieldError, LotteryId, ParticipantId, Refusal};
use lottery_store::Presence;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::list::{Person, Shown};
use super::own_entry::{ReceiptBody, holder, holder_or_decoy, read_receipt};
use crate::answer::Answer;
use crate::auth::{Caller, Venue};
use crate::cache_control::CacheRule;
use crate::error::ApiError;
use crate::extract::{JsonBody, LotteryPath, unknown_lottery, unknown_participant};
use crate::state::AppState;

/// The fields of [`PresenceBody`].
pub(crate) const PRESENCE_FIELDS: [&str; 4] = ["participant_id", "code", "receipt", "present"];

/// Who is there, named in one of three ways.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "describes the body that `Marked` reads")]
pub(crate) struct PresenceBody {
    participant_id: Option<String>,
    /// The short name of their receipt.
    #[schema(example = "A3F9-20C1")]
    code: Option<String>,
    /// Their receipt, as their code says it.
    receipt: Option<ReceiptBody>,
    /// Whether they are there; true if absent.
    present: Option<bool>,
}

/// A participant who was marked.
#[derive(Serialize, ToSchema)]
pub(crate) struct Marked {
    #[serde(flatten)]
    person: Person,
    /// Whether they were not marked so before.
    is_new: bool,
}

/// How many are in.
#[derive(Serialize, ToSchema)]
pub(crate) struct HeadCount {
    /// How many are on the list.
    people: u64,
    /// How many of them are marked as present.
    present: u64,
    /// How many the list takes at most by joining; null without such a limit.
    max_people: Option<u32>,
    /// Whether people may enter: `open`, `full`, `not_yet`, `over` or `not_open`.
    joining: String,
}

/// Mark a participant as present, or as not: by id, by the short name or the whole of their receipt.
#[utoipa::path(post, path = "/lotteries/{lottery_id}/presence", tag = "participants", request_body = PresenceBody,
    responses((status = 200, description = "The participant as they are now", body = Marked)))]
pub(crate) async fn mark(
    State(state): State<AppState>,
    LotteryPath(lottery_id): LotteryPath,
    caller: Caller,
    JsonBody { value, .. }: JsonBody,
) -> Result<Json<Marked>, ApiError> {
    let (participant_id, is_present) = whom(&state, &lottery_id, value).await?;
    let (person, is_new) = mark_one(&state, &lottery_id, &participant_id, is_present, &caller).await?;
    Ok(Json(Marked { person, is_new }))
}

async fn mark_one(
    state: &AppState,
    lottery_id: &LotteryId,
    participant_id: &ParticipantId,
    is_present: bool,
    caller: &Caller,
) -> Result<(Person, bool), ApiError> {
    let now = state.clock.now();
    match state.store.mark_presence(lottery_id, participant_id, is_present, now).await? {
        Presence::Marked { person, is_new } => Ok((Person::new(*person, Shown::to(caller)), is_new)),
        Presence::Unknown => Err(unknown_participant()),
    }
}

/// Who is named, and whether they are there.
async fn whom(
    state: &AppState,
    lottery_id: &LotteryId,
    value: Value,
) -> Result<(ParticipantId, bool), ApiError> {
    let refused = |field: &str, reason| ApiError::from(FieldError { field: field.to_owned(), reason });
    let Value::Object(mut members) = value else { return Err(refused("presence", Refusal::NotObject)) };
    if let Some(name) = members.keys().find(|name| !PRESENCE_FIELDS.contains(&name.as_str())) {
        return Err(FieldError::unknown(name).into());
    }
    let is_present = match members.remove("present") {
        None | Some(Value::Null) => true,
        Some(Value::Bool(is_present)) => is_present,
        Some(_) => return Err(refused("present", Refusal::NotBoolean)),
    };
    members.retain(|_, value| !value.is_null());
    if members.len() > 1 {
        return Err(refused("participant_id", Refusal::NotBeside { other: "code or receipt" }));
    }
    let participant_id = match members.into_iter().next() {
        None => return Err(refused("participant_id", Refusal::Missing)),
        Some((field, Value::String(text))) if field == "participant_id" => {
            ParticipantId::parse(&text).map_err(|error| error.in_field(field))?
        }
        Some((field, Value::String(text))) if field == "code" => of_code(state, lottery_id, &text).await?,
        Some((field, receipt)) if field == "receipt" => {
            let receipt: Receipt = read_receipt(receipt)?;
            holder(state, lottery_id, &receipt).await?.participant_id
        }
        Some((field, _)) => return Err(refused(&field, Refusal::NotText)),
    };
    Ok((participant_id, is_present))
}

/// The participant whose receipt has this short name.
async fn of_code(state: &AppState, lottery_id: &LotteryId, text: &str) -> Result<ParticipantId, ApiError> {
    let unknown =
        || ApiError::new(StatusCode::NOT_FOUND, "UnknownCode", "nobody on the list has this code").at("code");
    let digits = parse_code(text).ok_or_else(unknown)?;
    let mut found = state.store.pool_members_beginning(lottery_id, &digits, 2).await?;
    match (found.pop(), found.pop()) {
        (None, _) => Err(unknown()),
        (Some(member), None) => Ok(member.participant_id),
        (Some(_), Some(_)) => {
            Err(ApiError::conflict("SeveralOfCode", "several people have this code; find the person by name")
                .at("code"))
        }
    }
}

/// Check in by oneself, with the receipt and the code that is shown at the venue.
#[utoipa::path(post, path = "/lotteries/{lottery_id}/entry/check-in", tag = "participants", request_body = ReceiptBody,
    params(("Venue-Code" = String, Header, description = "The code that is shown at the venue")),
    responses((status = 204, description = "Marked as present")))]
pub(crate) async fn check_in(
    State(state): State<AppState>,
    LotteryPath(lottery_id): LotteryPath,
    venue: Venue,
    body: JsonBody,
) -> Result<StatusCode, ApiError> {
    let receipt = read_receipt(body.value)?;
    let lottery = state.store.lottery(&lottery_id).await?.ok_or_else(unknown_lottery)?;
    if !venue.is_at(&state, &lottery)? {
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "NoVenueCode",
            "whoever checks in sends the code that is shown at the venue",
        ));
    }
    let Some(holder) = holder_or_decoy(&state, &lottery_id, &receipt).await? else {
        return Ok(StatusCode::NO_CONTENT);
    };
    let participant_id = holder.participant_id;
    match state.store.mark_presence(&lottery_id, &participant_id, true, state.clock.now()).await? {
        Presence::Marked { .. } => Ok(StatusCode::NO_CONTENT),
        Presence::Unknown => Err(unknown_participant()),
    }
}

/// How many are in, for everybody.
#[utoipa::path(get, path = "/lotteries/{lottery_id}/head-count", tag = "participants",
    responses((status = 200, description = "The numbers, at most some seconds old", body = HeadCount)))]
pub(crate) async fn head_count(
    State(state): State<AppState>,
    LotteryPath(lottery_id): LotteryPath,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let key = state.cache.key(format_args!("head-count/{lottery_id}"));
    let answer = async {
        let lottery = state.store.lottery(&lottery_id).await?.ok_or_else(unknown_lottery)?;
        let counts = state.store.participant_counts(&lottery_id).await?;
        let max_people = lottery.joining.max_people;
        let is_full = max_people.is_some_and(|most| counts.total >= u64::from(most));
        let joining = match lottery.join_state(state.clock.now()) {
            lottery::JoinState::Open if is_full => "full",
            open => open.as_str(),
        };
        let view = HeadCount {
            people: counts.total,
            present: counts.present,
            max_people,
            joining: joining.to_owned(),
        };
        Answer::json(&view, CacheRule::List)
    };
    Ok(state.cache.answer(key, state.cache.freshness(), answer).await?.respond(&headers))
}
