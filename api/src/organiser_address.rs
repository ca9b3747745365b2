//! The organiser's own addresses, to which the summary of each draw goes, and everything that a rehearsal sends.

use axum::Json;
use axum::extract::State;
use lottery::list::{Why, read_email, read_phone};
use lottery::{FieldError, Lottery, Refusal};
use lottery_store::OrganiserAddress;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::extract::{JsonBody, LotteryPath, unknown_lottery};
use crate::participants::{country_of, said};
use crate::state::AppState;

/// The fields that [`parse`] takes.
pub(crate) const ORGANISER_FIELDS: [&str; 2] = ["phone", "email"];

/// The addresses; what is absent or null is none.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "describes the body that `parse` reads")]
pub(crate) struct OrganiserBody {
    /// In any international spelling, or the national one of the lottery's country.
    #[schema(example = "+12025550101")]
    phone: Option<String>,
    /// Reached through SES, of which a sender has to be set up.
    #[schema(max_length = 254)]
    email: Option<String>,
}

/// Where the organiser is sent how draws ended.
#[derive(Serialize, ToSchema)]
pub(crate) struct OrganiserView {
    /// The phone number, in E.164.
    phone: Option<String>,
    /// The e-mail address.
    email: Option<String>,
}

impl From<OrganiserAddress> for OrganiserView {
    fn from(OrganiserAddress { phone, email }: OrganiserAddress) -> Self {
        let phone = phone.map(|phone| phone.as_str().to_owned());
        Self { phone, email: email.map(|email| email.as_str().to_owned()) }
    }
}

/// The organiser's own addresses.
#[utoipa::path(get, path = "/lotteries/{lottery_id}/organiser", tag = "lotteries",
    responses((status = 200, description = "The addresses", body = OrganiserView)))]
pub(crate) async fn organiser(
    State(state): State<AppState>,
    LotteryPath(lottery_id): LotteryPath,
) -> Result<Json<OrganiserView>, ApiError> {
    state.store.lottery(&lottery_id).await?.ok_or_else(unknown_lottery)?;
    Ok(Json(state.store.organiser_address(&lottery_id).await?.into()))
}

/// Name the organiser's own addresses, in place of those before. To each goes one message when a draw has ended, and
/// nothing else; of a rehearsal also what winners would have read, one message for each prize, ten at most.
#[utoipa::path(put, path = "/lotteries/{lottery_id}/organiser", tag = "lotteries", request_body = OrganiserBody,
    responses((status = 200, description = "The addresses as they are now", body = OrganiserView)))]
pub(crate) async fn set_organiser(
    State(state): State<AppState>,
    LotteryPath(lottery_id): LotteryPath,
    JsonBody { value, .. }: JsonBody,
) -> Result<Json<OrganiserView>, ApiError> {
    let lottery = state.store.lottery(&lottery_id).await?.ok_or_else(unknown_lottery)?;
    let address = parse(&lottery, &value)?;
    if address.email.is_some() && !state.config.has_email_sender {
        let sentence =
            "this service has no sender for e-mails through SES; give a phone number, or set EMAIL_SENDER";
        return Err(ApiError::invalid("SesUnavailable", sentence).at("email"));
    }
    if !state.store.set_organiser_address(&lottery_id, &address).await? {
        return Err(ApiError::conflict("LotteryDeleted", "this lottery was deleted; its proofs stay"));
    }
    tracing::info!(%lottery_id, "changed the organiser's addresses");
    Ok(Json(address.into()))
}

fn parse(lottery: &Lottery, body: &Value) -> Result<OrganiserAddress, ApiError> {
    let refused = |field: &str, reason| FieldError { field: field.to_owned(), reason };
    let members = body.as_object().ok_or_else(|| refused("organiser", Refusal::NotObject))?;
    if let Some(name) = members.keys().find(|name| !ORGANISER_FIELDS.contains(&name.as_str())) {
        return Err(ApiError::unknown_field(
            name,
            format!("only {} can be given", ORGANISER_FIELDS.join(", ")),
        ));
    }
    let text = |field: &str| match members.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.trim().is_empty())),
        Some(_) => Err(refused(field, Refusal::NotText)),
    };
    let phone = text("phone")?.map(|text| read_phone(text, country_of(lottery))).transpose();
    let phone = phone.map_err(|why| ApiError::invalid_field("phone", why.into()))?;
    let email = text("email")?.map(read_email).transpose();
    let email = email.map_err(|why: Why| ApiError::invalid_field("email", said(&why)))?;
    Ok(OrganiserAddress { phone: phone.map(|read| read.number), email: email.map(|read| read.address) })
}
