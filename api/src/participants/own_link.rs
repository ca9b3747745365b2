//! A lost receipt: the link to one's own entry, sent to the address that the entry has.

use axum::extract::State;
use http::StatusCode;
use lottery::list::{Why, read_email, read_phone};
use lottery::{Address, Lottery, Refusal};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::join::{given, invalid};
use super::join_messages::{may_send, send_link};
use super::query::country_of;
use super::remark::said;
use crate::auth::MessageCaller;
use crate::error::ApiError;
use crate::extract::{JsonBody, LotteryPath, unknown_lottery};
use crate::state::AppState;

/// The fields of [`LinkBody`].
pub(crate) const LINK_FIELDS: [&str; 2] = ["email", "phone"];

/// The address with which somebody has entered: one of the two.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "describes the body that `address_in` reads")]
pub(crate) struct LinkBody {
    #[schema(max_length = 254)]
    email: Option<String>,
    #[schema(example = "+12025550101")]
    phone: Option<String>,
}

/// Have the link to one's own entry sent to the address with which one has entered.
///
/// The response is the same whether somebody with this address takes part or not. At most five messages are sent to an address
/// within an hour.
#[utoipa::path(post, path = "/lotteries/{lottery_id}/join/link", tag = "participants", request_body = LinkBody,
    responses((status = 202, description = "Sent, if somebody with this address takes part")))]
pub(crate) async fn send_own_link(
    State(state): State<AppState>,
    LotteryPath(lottery_id): LotteryPath,
    caller: MessageCaller,
    body: JsonBody,
) -> Result<StatusCode, ApiError> {
    let began = tokio::time::Instant::now();
    let lottery = state.store.lottery(&lottery_id).await?.ok_or_else(unknown_lottery)?;
    let address = address_in(&lottery, &body.value)?;
    caller.count(&state)?;
    // Counted for addresses without an entry too, so that both are the same work.
    if may_send(&state, &lottery_id, &address).await?
        && let Some(contact) = state.store.contact_at(&lottery_id, &address).await?
        && let Err(error) = send_link(&state, &lottery, &address, &contact).await
    {
        tracing::warn!(?error, "a link to an entry was not sent");
    }
    tokio::time::sleep_until(began + state.config.join_floor).await;
    Ok(StatusCode::ACCEPTED)
}

fn address_in(lottery: &Lottery, body: &Value) -> Result<Address, ApiError> {
    let Value::Object(members) = body else { return Err(invalid("link", Refusal::NotObject)) };
    if let Some(name) = members.keys().find(|name| !LINK_FIELDS.contains(&name.as_str())) {
        return Err(invalid(&name.chars().take(64).collect::<String>(), Refusal::UnknownField));
    }
    let text = |field: &'static str| given(field, members.get(field));
    match (text("phone")?, text("email")?) {
        (Some(phone), None) => {
            let read = read_phone(phone, country_of(lottery));
            Ok(Address::Phone(read.map_err(|why| ApiError::invalid_field("phone", why.into()))?.number))
        }
        (None, Some(email)) => {
            let read = read_email(email);
            let read = read.map_err(|why: Why| ApiError::invalid_field("email", said(&why)))?;
            Ok(Address::Email(read.address))
        }
        (None, None) => Err(invalid("phone", Refusal::NoAddress)),
        (Some(_), Some(_)) => Err(invalid("email", Refusal::NotBeside { other: "phone" })),
    }
}
