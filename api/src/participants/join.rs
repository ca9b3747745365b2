//! Entering a lottery oneself, and the receipt of one's entry.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jiff::Timestamp;
use lottery::list::{Why, read_email, read_phone};
use lottery::receipt::Receipt;
use lottery::{
    Address, EmailAddress, FieldError, Group, JoinState, Lottery, Name, OwnWords, Participant,
    ParticipantFields, ParticipantId, PhoneNumber, Record, Refusal, Tickets,
};
use lottery_store::{Contact, Joined, PendingJoin};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::confirm::{PendingView, address_of, begin};
use super::intake::Line;
use super::join_messages::{may_send, send_link};
use super::query::country_of;
use super::remark::{Remark, said};
use super::report::Report;
use super::subscriptions::NoSlot;
use super::taking::Taker;
use super::withdraw_one;
use crate::auth::{MessageCaller, Venue};
use crate::error::ApiError;
use crate::extract::{JsonBody, LotteryPath, ParticipantPath, unknown_lottery, unknown_participant};
use crate::refusal::LineRefusal;
use crate::state::AppState;

/// The fields that [`parse`] takes. Tickets are set by the organiser.
pub(crate) const OWN_FIELDS: [&str; 5] = ["name", "phone", "email", "group", "answer"];

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
    /// One of the groups from which the lottery lets people choose; needed if there are any.
    #[schema(max_length = 64)]
    group: Option<String>,
    /// The answer to the lottery's question, if it has one.
    #[schema(max_length = 200)]
    answer: Option<String>,
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

/// What came of entering.
pub(super) enum Entered {
    /// On the list now.
    New,
    /// Somebody is on the list with this address.
    Known(Address, Box<Contact>),
}

/// Enter a lottery that is open to join, and get the receipt.
///
/// A request with the code shown at the venue is not rate-limited by network address, and its participant is marked as
/// present. The response does not say whether an address takes part: if it does, the receipt is
/// nobody's, and the link to the entry is sent to the address. Where the lottery has addresses confirmed
/// (`joining.confirm_addresses`), a code is sent to the address, with which `POST …/join/confirm` gives the receipt.
#[utoipa::path(post, path = "/lotteries/{lottery_id}/join", tag = "participants", request_body = JoinBody,
    params(("Venue-Code" = Option<String>, Header, description = "The code that is shown at the venue")),
    responses(
        (status = 201, description = "Entered; keep the receipt", body = ReceiptView),
        (status = 202, description = "A message was sent to the address", body = PendingView)))]
pub(crate) async fn join(
    State(state): State<AppState>,
    LotteryPath(lottery_id): LotteryPath,
    venue: Venue,
    caller: MessageCaller,
    body: JsonBody,
) -> Result<Response, ApiError> {
    let began = tokio::time::Instant::now();
    let lottery = state.store.lottery(&lottery_id).await?.ok_or_else(unknown_lottery)?;
    let is_present = venue.is_at(&state, &lottery)?;
    check_open(&lottery, state.clock.now())?;
    let (participant, answer) = parse(&lottery, body.value)?;
    let joining = PendingJoin { participant, answer, is_present };
    check_room(&state, &lottery, 0).await?;
    let response = if lottery.joining.confirm_addresses {
        let address = address_of(&state, &lottery, &joining.participant)?;
        if !is_present {
            caller.count(&state)?;
        }
        (StatusCode::ACCEPTED, Json(begin(&state, &lottery, &address, &joining).await?)).into_response()
    } else {
        (StatusCode::CREATED, Json(enter_unconfirmed(&state, &lottery, &joining).await?)).into_response()
    };
    tokio::time::sleep_until(began + state.config.join_floor).await;
    Ok(response)
}

/// Enters with an address that nobody has confirmed. Somebody whose address is known gets a receipt that is nobody's, so that
/// the response does not tell; the link to the entry goes to the address.
async fn enter_unconfirmed(
    state: &AppState,
    lottery: &Lottery,
    joining: &PendingJoin,
) -> Result<Receipt, ApiError> {
    let lottery_id = &lottery.lottery_id;
    match enter(state, lottery, joining).await? {
        Entered::New => {
            tracing::info!(%lottery_id, "someone joined");
            receipt_of(state, lottery, &joining.participant.participant_id).await
        }
        Entered::Known(address, contact) => {
            if may_send(state, lottery_id, &address).await?
                && let Err(error) = send_link(state, lottery, &address, &contact).await
            {
                tracing::warn!(%lottery_id, ?error, "a link to an entry was not sent");
            }
            Ok(state.store.decoy(lottery_id, lottery.manifest_version, &joining.participant).await?)
        }
    }
}

/// Puts somebody on the list, unless an address is on it.
pub(super) async fn enter(
    state: &AppState,
    lottery: &Lottery,
    joining: &PendingJoin,
) -> Result<Entered, ApiError> {
    let PendingJoin { participant, answer, is_present } = joining.clone();
    let lottery_id = &lottery.lottery_id;
    if let Some((address, contact)) = known_by(state, lottery, &participant).await? {
        return Ok(Entered::Known(address, contact));
    }
    // A participant with a phone number can be notified by SMS.
    let no_slot = if participant.phone.is_some() { NoSlot::Warn } else { NoSlot::Refuse };
    let joined = Joined { answer, holds_mailbox: lottery.joining.one_mailbox, is_present };
    let mut report = Report::default();
    let line = Line { line: 1, record: Record::from(participant.clone()), sample: None };
    Taker::of_one(state, lottery, no_slot, joined).take(vec![line], false, &mut report).await?;
    if let Some(Remark { column, why, .. }) = report.refusals.into_iter().next() {
        // Somebody with the address came in between.
        if why == LineRefusal::AddressTaken.into()
            && let Some((address, contact)) = known_by(state, lottery, &participant).await?
        {
            return Ok(Entered::Known(address, contact));
        }
        return Err(ApiError::invalid_field(&column.unwrap_or_default(), why));
    }
    // Of several who take the last seat at once, each sees whom the others have brought in: none of them stays above the limit.
    if let Err(full) = check_room(state, lottery, 1).await {
        withdraw_one(state, lottery_id, &participant.participant_id).await?;
        return Err(full);
    }
    Ok(Entered::New)
}

/// Who is on the list with an address of somebody who enters, or, where a mailbox enters once, with an alias of it.
pub(super) async fn known_by(
    state: &AppState,
    lottery: &Lottery,
    participant: &Participant,
) -> Result<Option<(Address, Box<Contact>)>, ApiError> {
    let (store, lottery_id) = (&state.store, &lottery.lottery_id);
    let phone = participant.phone.clone().map(Address::Phone);
    let email = participant.email.clone().map(Address::Email);
    for address in phone.into_iter().chain(email) {
        let known = match &address {
            Address::Email(email) if lottery.joining.one_mailbox => {
                store.contact_of_mailbox(lottery_id, email).await?
            }
            address => store.contact_at(lottery_id, address).await?,
        };
        if let Some(contact) = known {
            return Ok(Some((address, Box::new(contact))));
        }
    }
    Ok(None)
}

/// Refuses to let people enter when they may not.
pub(super) fn check_open(lottery: &Lottery, now: Timestamp) -> Result<(), ApiError> {
    let refused = |name: &'static str, sentence| ApiError::new(StatusCode::FORBIDDEN, name, sentence);
    match lottery.join_state(now) {
        JoinState::Open => Ok(()),
        JoinState::NotYet => Err(refused("JoiningNotYetOpen", "entering this lottery is not open yet")
            .with_member("opens_at", json!(lottery.joining.opens_at))),
        JoinState::Over => Err(refused("JoiningOver", "the time for entering this lottery is over")),
        JoinState::NotOpen => {
            Err(refused("NotOpenToJoin", "nobody can enter this lottery by themselves; ask its organiser"))
        }
    }
}

/// Refuses somebody for whom there is no room, who is counted already if `own` is 1.
pub(super) async fn check_room(state: &AppState, lottery: &Lottery, own: u64) -> Result<(), ApiError> {
    let Some(most) = lottery.joining.max_people.map(u64::from) else { return Ok(()) };
    let total = state.store.participant_counts(&lottery.lottery_id).await?.total;
    if total < most + own {
        return Ok(());
    }
    let sentence = format!("this lottery takes at most {most} people, and they are all in");
    Err(ApiError::conflict("LotteryFull", sentence).with_member("max_people", json!(most)))
}

fn parse(lottery: &Lottery, body: Value) -> Result<(Participant, Option<OwnWords>), ApiError> {
    let mut body = body;
    let unknown =
        body.as_object().and_then(|members| members.keys().find(|name| !OWN_FIELDS.contains(&name.as_str())));
    if let Some(name) = unknown {
        let detail = format!("only {} can be given", OWN_FIELDS.join(", "));
        return Err(ApiError::unknown_field(name, detail));
    }
    let answer = body.as_object_mut().and_then(|members| members.remove("answer"));
    let fields = ParticipantFields::from_json(body)?;
    let text = |field: &'static str| given(field, fields.given(field));
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
    let participant = Participant {
        participant_id: ParticipantId::parse(&participant_id).map_err(ApiError::internal)?,
        name: Name::parse(name).map_err(|error| error.in_field("name"))?,
        phone,
        email,
        group: parse_group(lottery, text("group")?)?,
        tickets: Tickets::ONE,
        excluded: false,
    };
    Ok((participant, parse_answer(lottery, given("answer", answer.as_ref())?)?))
}

/// The text of a field; none if it is null or blank.
pub(super) fn given<'a>(field: &str, value: Option<&'a Value>) -> Result<Option<&'a str>, ApiError> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(invalid(field, Refusal::NotText)),
    }
}

/// The group that was chosen among those of the lottery.
fn parse_group(lottery: &Lottery, text: Option<&str>) -> Result<Option<Group>, ApiError> {
    let groups = &lottery.joining.groups;
    match text {
        None if groups.is_empty() => Ok(None),
        None => Err(invalid("group", Refusal::Missing)),
        Some(_) if groups.is_empty() => Err(invalid("group", Refusal::UnknownField)),
        Some(text) => {
            let group = Group::parse(text).map_err(|error| error.in_field("group"))?;
            if groups.contains(&group) {
                return Ok(Some(group));
            }
            let nearest = groups.iter().map(Group::to_string).take(5).collect();
            Err(invalid("group", Refusal::UnknownGroup { group: group.to_string(), nearest }))
        }
    }
}

fn parse_answer(lottery: &Lottery, text: Option<&str>) -> Result<Option<OwnWords>, ApiError> {
    match text {
        None => Ok(None),
        Some(_) if lottery.joining.question.is_none() => Err(invalid("answer", Refusal::UnknownField)),
        Some(text) => Ok(Some(OwnWords::parse(text).map_err(|error| error.in_field("answer"))?)),
    }
}

pub(super) fn invalid(field: &str, reason: Refusal) -> ApiError {
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

pub(super) async fn receipt_of(
    state: &AppState,
    lottery: &Lottery,
    participant_id: &ParticipantId,
) -> Result<Receipt, ApiError> {
    let contacts = state.store.contacts(&lottery.lottery_id, std::slice::from_ref(participant_id)).await?;
    let contact = contacts.into_iter().next().ok_or_else(unknown_participant)?;
    Ok(contact.receipt(lottery.manifest_version))
}
