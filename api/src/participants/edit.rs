//! Editing one person.

use axum::Json;
use axum::extract::State;
use lottery::list::{read_email, read_phone};
use lottery::{Clearing, FieldError, Lottery, ParticipantFields, ParticipantId, Record, Refusal};
use lottery_store::Recorded;
use serde_json::Value;
use utoipa::ToSchema;

use super::country_of;
use super::intake::Line;
use super::list::{Person, Shown};
use super::remark::{Remark, said};
use super::report::Report;
use super::subscriptions::{NoSlot, Subscriptions};
use crate::auth::Caller;
use crate::error::ApiError;
use crate::extract::{JsonBody, ParticipantPath, unknown_lottery, unknown_participant};
use crate::refusal::{LineRefusal, ListRefusal};
use crate::state::AppState;

/// What changes of a person: a JSON merge patch (RFC 7396).
#[derive(serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "describes the body that `read` reads")]
pub(crate) struct ParticipantEdit {
    /// May be given, but cannot be changed.
    participant_id: Option<String>,
    /// Cannot be erased.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// As people of the lottery's country write it, or international; `null` erases it, and so does a blank text.
    #[schema(example = "+12025550101")]
    phone: Option<String>,
    /// `null` erases it, and so does a blank text.
    #[schema(max_length = 254, example = "rose@example.com")]
    email: Option<String>,
    /// `null` erases it, and so does a blank text.
    #[schema(max_length = 64)]
    group: Option<String>,
    /// `null` makes it 1.
    #[schema(minimum = 1, maximum = 1000)]
    tickets: Option<u32>,
    /// `null` makes it `false`.
    excluded: Option<bool>,
}

/// A participant who was edited.
#[derive(serde::Serialize, ToSchema)]
pub(crate) struct Edited {
    #[serde(flatten)]
    person: Person,
    /// What should be known, such as an address that could not be subscribed yet.
    warnings: Vec<Remark>,
}

/// Edit a participant: what the body names is changed, `null` erases, what it leaves out stays.
///
/// A new e-mail address is subscribed, and the former one's subscription ended. A draw that is sealed already stays as it is.
#[utoipa::path(patch, path = "/lotteries/{lottery_id}/participants/{participant_id}", tag = "participants",
    request_body(content(
        (ParticipantEdit = "application/merge-patch+json"), (ParticipantEdit = "application/json"))),
    responses((status = 200, description = "The participant as it is now", body = Edited)))]
pub(crate) async fn edit(
    State(state): State<AppState>,
    ParticipantPath(lottery_id, participant_id): ParticipantPath,
    caller: Caller,
    JsonBody { value, .. }: JsonBody,
) -> Result<Json<Edited>, ApiError> {
    let lottery = state.store.lottery(&lottery_id).await?.ok_or_else(unknown_lottery)?;
    let record = read(value, &participant_id, &lottery)?;
    let worker = state.clone();
    // Continues if the caller hangs up: an address that is stored should be subscribed.
    let stored = async move { store(&worker, &lottery, record).await };
    let stored = tokio::spawn(tracing::Instrument::in_current_span(stored)).await;
    let warnings = stored.map_err(ApiError::internal)??;
    tracing::info!(%lottery_id, "edited a participant");
    let found = state.store.participant(&lottery_id, &participant_id).await?;
    let person = Person::new(found.ok_or_else(unknown_participant)?, Shown::to(&caller));
    Ok(Json(Edited { person, warnings }))
}

/// What the body says of the person. Addresses are read as those of a list are.
fn read(mut body: Value, participant_id: &ParticipantId, lottery: &Lottery) -> Result<Record, ApiError> {
    let Value::Object(members) = &mut body else {
        return Err(FieldError { field: "body".to_owned(), reason: Refusal::NotObject }.into());
    };
    if members.get("participant_id").is_some_and(|id| id.as_str() != Some(participant_id.as_str())) {
        return Err(ApiError::invalid_field("participant_id", ListRefusal::OtherId.into()));
    }
    members.insert("participant_id".to_owned(), participant_id.as_str().into());
    for (name, value) in members.iter_mut() {
        let Value::String(text) = &*value else { continue };
        *value = match name.as_str() {
            _ if text.trim().is_empty() => Value::Null,
            "phone" => match read_phone(text, country_of(lottery)) {
                Ok(phone) => phone.number.as_str().into(),
                Err(why) => return Err(ApiError::invalid_field(name, why.into())),
            },
            "email" => match read_email(text) {
                Ok(email) => email.address.as_str().into(),
                Err(why) => return Err(ApiError::invalid_field(name, said(&why))),
            },
            _ => continue,
        };
    }
    Ok(Record::parse(&ParticipantFields::from_json(body)?, &Clearing::Null)?)
}

/// Changes the person, and the subscription of their address; what should be known of it.
async fn store(state: &AppState, lottery: &Lottery, record: Record) -> Result<Vec<Remark>, ApiError> {
    let lottery_id = &lottery.lottery_id;
    let mut subscriptions = Subscriptions::new(state, lottery);
    let mut report = Report::default();
    // An address for which there is no slot is stored, and the response says that nothing is sent to it.
    let line = Line { line: 1, record: record.clone(), sample: None };
    subscriptions.reserve(vec![line], NoSlot::Warn, &mut report).await?;
    let edited = state.store.edit_participant(lottery_id, &record, state.clock.now()).await;
    let refused = match edited {
        Ok(Some(Recorded::AddressTaken { field })) => taken(field),
        Ok(None | Some(Recorded::NameMissing)) => unknown_participant(),
        Err(error) => error.into(),
        Ok(Some(recorded)) => {
            subscriptions.note(1, &record, recorded);
            subscriptions.apply(&mut report).await?;
            return Ok(report.warnings);
        }
    };
    subscriptions.give_back_all().await?;
    Err(refused)
}

fn taken(field: &str) -> ApiError {
    let why = LineRefusal::AddressTaken;
    ApiError::conflict("AddressTaken", format!("{field}: {why}")).at(field).explained(why.into())
}
