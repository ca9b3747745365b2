//! Entering a lottery oneself, and the receipt of one's entry.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use lottery::list::{Why, read_email, read_phone};
use lottery::receipt::Receipt;
use lottery::{
    EmailAddress, FieldError, Lottery, Name, Participant, ParticipantFields, ParticipantId, PhoneNumber,
    Record, Refusal, Tickets,
};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::intake::Line;
use super::query::country_of;
use super::remark::{Remark, said};
use super::report::Report;
use super::subscriptions::NoSlot;
use super::taking::Taker;
use crate::error::ApiError;
use crate::extract::{JsonBody, LotteryPath, ParticipantPath, unknown_lottery, unknown_participant};
use crate::refusal::LineRefusal;
use crate::state::AppState;

/// The fields that [`parse`] takes. Groups and tickets are set by the organiser.
pub(crate) const OWN_FIELDS: [&str; 3] = ["name", "phone", "email"];

/// The person who enters.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "describes the body that `Participant` parses")]
pub(crate) struct JoinBody {
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// In any international spelling, or the national one of the lottery's country; a phone number or an e-mail address is
    /// needed, and each enters a lottery once.
    #[schema(example = "+12025550101")]
    phone: Option<String>,
    #[schema(max_length = 254)]
    email: Option<String>,
}

/// A participant's own key to their entries: with it the entry can be found and checked in every list of entries of the lottery.
///
/// A lottery that was created before receipts named the person gives `{label, nonce, participant_id}`.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes the document that `Receipt` is written as")]
pub(crate) struct ReceiptView {
    /// The e-mail address, as it is bound.
    email: Option<String>,
    /// The name, as it is bound.
    name: String,
    participant_id: String,
    /// The phone number, as it is bound.
    phone: Option<String>,
    /// 32 bytes in hexadecimal, from which the label and the commitment `holder` of each draw follow.
    secret: String,
}

/// Enter a lottery that is open to join, and get the receipt.
#[utoipa::path(post, path = "/lotteries/{lottery_id}/join", tag = "participants", request_body = JoinBody,
    responses((status = 201, description = "Entered; keep the receipt", body = ReceiptView)))]
pub(crate) async fn join(
    State(state): State<AppState>,
    LotteryPath(lottery_id): LotteryPath,
    body: JsonBody,
) -> Result<(StatusCode, Json<Receipt>), ApiError> {
    let lottery = state.store.lottery(&lottery_id).await?.ok_or_else(unknown_lottery)?;
    if !lottery.open_to_join {
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "NotOpenToJoin",
            "nobody can enter this lottery by themselves; ask its organiser",
        ));
    }
    let participant = parse(&lottery, body.value)?;
    let participant_id = participant.participant_id.clone();
    // A participant with a phone number can be notified by SMS.
    let no_slot = if participant.phone.is_some() { NoSlot::Warn } else { NoSlot::Refuse };
    let mut report = Report::default();
    let line = Line { line: 1, record: Record::from(participant), sample: None };
    Taker::of_one(&state, &lottery, no_slot).take(vec![line], false, &mut report).await?;
    if let Some(Remark { column, why, .. }) = report.refusals.into_iter().next() {
        let field = column.unwrap_or_default();
        return Err(if why == LineRefusal::AddressTaken.into() {
            ApiError::conflict("AlreadyJoined", format!("this {field} has entered the lottery already"))
                .at(&field)
        } else {
            ApiError::invalid_field(&field, why)
        });
    }
    tracing::info!(%lottery_id, "someone joined");
    Ok((StatusCode::CREATED, Json(receipt_of(&state, &lottery, &participant_id).await?)))
}

fn parse(lottery: &Lottery, body: Value) -> Result<Participant, ApiError> {
    let unknown =
        body.as_object().and_then(|members| members.keys().find(|name| !OWN_FIELDS.contains(&name.as_str())));
    if let Some(name) = unknown {
        let detail = format!("only {} can be given", OWN_FIELDS.join(", "));
        return Err(ApiError::invalid("InvalidField", detail).at(&name.chars().take(64).collect::<String>()));
    }
    let fields = ParticipantFields::from_json(body)?;
    let text = |field: &'static str| match fields.given(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(invalid(field, Refusal::NotText)),
    };
    let name = text("name")?.ok_or_else(|| invalid("name", Refusal::Missing))?;
    let phone = text("phone")?.map(|text| read_phone(text, country_of(lottery)));
    let phone: Option<PhoneNumber> = phone
        .transpose()
        .map_err(|why| ApiError::invalid_field("phone", why.into()))?
        .map(|read| read.number);
    let email: Option<EmailAddress> = text("email")?
        .map(read_email)
        .transpose()
        .map_err(|why: Why| ApiError::invalid_field("email", said(&why)))?
        .map(|read| read.address);
    if phone.is_none() && email.is_none() {
        return Err(invalid("phone", Refusal::NoAddress));
    }
    let participant_id = format!("j-{}", Uuid::new_v4().simple());
    Ok(Participant {
        participant_id: ParticipantId::parse(&participant_id).map_err(ApiError::internal)?,
        name: Name::parse(name).map_err(|error| error.in_field("name"))?,
        phone,
        email,
        group: None,
        tickets: Tickets::ONE,
        excluded: false,
    })
}

fn invalid(field: &str, reason: Refusal) -> ApiError {
    FieldError { field: field.to_owned(), reason }.into()
}

/// The receipt of a participant, to be handed to them.
#[utoipa::path(get, path = "/lotteries/{lottery_id}/participants/{participant_id}/receipt", tag = "participants",
    responses((status = 200, description = "The receipt", body = ReceiptView)))]
pub(crate) async fn receipt(
    State(state): State<AppState>,
    ParticipantPath(lottery_id, participant_id): ParticipantPath,
) -> Result<Json<Receipt>, ApiError> {
    let lottery = state.store.lottery(&lottery_id).await?.ok_or_else(unknown_lottery)?;
    receipt_of(&state, &lottery, &participant_id).await.map(Json)
}

async fn receipt_of(
    state: &AppState,
    lottery: &Lottery,
    participant_id: &ParticipantId,
) -> Result<Receipt, ApiError> {
    let contacts = state.store.contacts(&lottery.lottery_id, std::slice::from_ref(participant_id)).await?;
    let contact = contacts.into_iter().next().ok_or_else(unknown_participant)?;
    Ok(contact.receipt(lottery.manifest_version))
}
