//! Entering where the organiser has addresses confirmed: an entry counts once the code that was sent to its address is given
//! back. Until then nothing tells whether the address takes part already.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use jiff::Timestamp;
use lottery::receipt::Receipt;
use lottery::{Address, EmailThrough, FieldError, JoinCode, Lottery, Participant, Refusal};
use lottery_store::{JoinTry, PendingJoin};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::join::{Entered, ReceiptView, check_open, check_room, enter, invalid, known_by, receipt_of};
use super::join_messages::{may_send, send_code, send_link};
use crate::error::ApiError;
use crate::extract::{JsonBody, LotteryPath, unknown_lottery};
use crate::state::AppState;

/// An entry that counts once the code is given back.
#[derive(Serialize, ToSchema)]
pub(crate) struct PendingView {
    /// Names the entry when the code is given back; it is nobody else's business.
    join_id: String,
    /// Until when the code counts.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// The fields of [`ConfirmBody`].
pub(crate) const CONFIRM_FIELDS: [&str; 2] = ["join_id", "code"];

/// A code that is given back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "describes the body that `parse` reads")]
pub(crate) struct ConfirmBody {
    join_id: String,
    /// The six digits that were sent to the address.
    #[schema(example = "402917")]
    code: String,
}

/// The one address of somebody who enters, to which a code can be sent.
pub(super) fn address_of(
    state: &AppState,
    lottery: &Lottery,
    participant: &Participant,
) -> Result<Address, ApiError> {
    let takes_sms = state.config.channels.contains(&lottery::Channel::Sms);
    let takes_email = lottery.email_through == EmailThrough::Ses && state.email.is_some();
    match (&participant.phone, &participant.email) {
        (Some(phone), None) if takes_sms => Ok(Address::Phone(phone.clone())),
        (None, Some(email)) if takes_email => Ok(Address::Email(email.clone())),
        (Some(_), Some(_)) => Err(invalid("email", Refusal::OneAddress)),
        (Some(_), None) => Err(invalid("phone", Refusal::CannotConfirm { other: "give an e-mail address" })),
        _ => Err(invalid("email", Refusal::CannotConfirm { other: "give a phone number" })),
    }
}

/// Begins an entry: a code is sent to its address, or, if somebody with it is on the list, the link to their entry. Both are
/// answered alike.
pub(super) async fn begin(
    state: &AppState,
    lottery: &Lottery,
    address: &Address,
    pending: &PendingJoin,
) -> Result<PendingView, ApiError> {
    let now = state.clock.now();
    let join_id = Uuid::new_v4().simple().to_string();
    if may_send(state, &lottery.lottery_id, address).await? {
        match known_by(state, lottery, &pending.participant).await? {
            Some((address, contact)) => send_link(state, lottery, &address, &contact).await?,
            None => {
                let code = state.store.begin_join(&lottery.lottery_id, &join_id, pending, now).await?;
                send_code(state, lottery, address, &code).await?;
            }
        }
    } else {
        tracing::info!(lottery_id = %lottery.lottery_id, "an address has had its messages for this hour");
    }
    Ok(PendingView { join_id, expires_at: now + PendingJoin::LASTS })
}

/// Give back the code that was sent to an address, and get the receipt.
///
/// After five wrong codes, or ten minutes, the entry is gone; entering again gives a new code.
#[utoipa::path(post, path = "/lotteries/{lottery_id}/join/confirm", tag = "participants", request_body = ConfirmBody,
    responses((status = 201, description = "Entered; keep the receipt", body = ReceiptView)))]
pub(crate) async fn confirm(
    State(state): State<AppState>,
    LotteryPath(lottery_id): LotteryPath,
    body: JsonBody,
) -> Result<(StatusCode, Json<Receipt>), ApiError> {
    let (join_id, code) = parse(&body.value)?;
    let lottery = state.store.lottery(&lottery_id).await?.ok_or_else(unknown_lottery)?;
    check_open(&lottery, state.clock.now())?;
    let tried = state.store.try_join(&lottery_id, &join_id, &code, state.clock.now()).await?;
    let JoinTry::Right(pending) = tried else {
        let sentence = "this is not the code that was sent, or it counts no longer; join again for a new one";
        return Err(ApiError::new(StatusCode::FORBIDDEN, "WrongCode", sentence).at("code"));
    };
    let participant_id = &pending.participant.participant_id;
    let is_in = !state.store.contacts(&lottery_id, std::slice::from_ref(participant_id)).await?.is_empty();
    if !is_in {
        check_room(&state, &lottery, 0).await?;
        if let Entered::Known(_, contact) = enter(&state, &lottery, &pending).await? {
            // The address is theirs, and so is the entry that it has got meanwhile.
            return Ok((StatusCode::CREATED, Json(contact.receipt(lottery.manifest_version))));
        }
        tracing::info!(%lottery_id, "someone joined");
    }
    Ok((StatusCode::CREATED, Json(receipt_of(&state, &lottery, participant_id).await?)))
}

fn parse(body: &Value) -> Result<(String, JoinCode), ApiError> {
    let Value::Object(members) = body else { return Err(invalid("join", Refusal::NotObject)) };
    if let Some(name) = members.keys().find(|name| !CONFIRM_FIELDS.contains(&name.as_str())) {
        return Err(invalid(&name.chars().take(64).collect::<String>(), Refusal::UnknownField));
    }
    let text = |field: &'static str| match members.get(field) {
        Some(Value::String(text)) => Ok(text.as_str()),
        None | Some(Value::Null) => Err(invalid(field, Refusal::Missing)),
        Some(_) => Err(invalid(field, Refusal::NotText)),
    };
    let code = JoinCode::parse(text("code")?);
    let code = code.map_err(|why| FieldError { field: "code".to_owned(), reason: why.into() })?;
    Ok((text("join_id")?.chars().take(64).collect(), code))
}
