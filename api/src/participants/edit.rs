//! Editing one person.

use axum::Json;
use axum::extract::State;
use http::Uri;
use lottery::list::{Country, read_email, read_phone};
use lottery::{
    Clearing, Field, FieldError, Lottery, Participant, ParticipantFields, ParticipantId, Record, Refusal,
};
use lottery_store::{ParticipantSummary, PutParticipant, Recorded};
use serde_json::Value;
use utoipa::ToSchema;

use super::LineRefusal;
use super::list::{ListRefusal, Person, Shown};
use super::report::{Remark, Report};
use super::subscriptions::Subscriptions;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::extract::{JsonBody, ParticipantPath, known_query, unknown_lottery, unknown_participant};
use crate::state::AppState;

/// What changes of a person: a JSON merge patch (RFC 7396).
#[derive(serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "describes the body that `read` reads")]
pub(crate) struct ParticipantEdit {
    /// May stand here, but cannot be changed.
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
    uri: Uri,
    JsonBody { value, .. }: JsonBody,
) -> Result<Json<Edited>, ApiError> {
    known_query(&uri, &[])?;
    let lottery = state.store.lottery(&lottery_id).await?.ok_or_else(unknown_lottery)?;
    let record = read(value, &participant_id, &lottery)?;
    let worker = state.clone();
    // Goes on if the caller hangs up: an address that is stored should be subscribed.
    let stored = async move { store(&worker, &lottery, &record).await };
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
        let refused = |reason: Refusal| FieldError { field: name.clone(), reason };
        *value = match name.as_str() {
            _ if text.trim().is_empty() => Value::Null,
            "phone" => {
                let phone = read_phone(text, country(lottery));
                phone.map_err(|_| refused(Refusal::NotPhoneNumber))?.number.as_str().into()
            }
            "email" => {
                let email = read_email(text);
                email.map_err(|_| refused(Refusal::NotEmailAddress))?.address.as_str().into()
            }
            _ => continue,
        };
    }
    Ok(Record::parse(&ParticipantFields::from_json(body)?, &Clearing::Null)?)
}

/// Whose national phone numbers the lottery's people have.
fn country(lottery: &Lottery) -> Option<Country> {
    Country::default_of(lottery.locale, &lottery.time_zone)
}

/// Changes the person, and the subscription of their address; what should be known of it.
async fn store(state: &AppState, lottery: &Lottery, record: &Record) -> Result<Vec<Remark>, ApiError> {
    let lottery_id = &lottery.lottery_id;
    let found = state.store.participant(lottery_id, &record.participant_id).await?;
    let before = participant(found.ok_or_else(unknown_participant)?);
    let Some(after) = record.over(Some(&before)) else { return Err(unknown_participant()) };
    let mut subscriptions = Subscriptions::new(state, lottery);
    let mut report = Report::default();
    let speaks_of_email = record.email != Field::Absent;
    if speaks_of_email && after.email != before.email {
        subscriptions.reserve(vec![(1, after.clone())], &mut report).await?;
        if let Some(Remark { why, .. }) = report.refusals.pop() {
            let refused = ApiError::conflict("EmailsFull", format!("email: {}", why.reason));
            return Err(refused.at("email").explained(why));
        }
    }
    let edited = state.store.edit_participant(lottery_id, record, state.clock.now()).await;
    let recorded = match edited {
        Ok(Some(Recorded::AddressTaken { field })) => {
            subscriptions.give_back_all().await?;
            return Err(taken(field));
        }
        Ok(Some(recorded)) => recorded,
        Ok(None) => {
            subscriptions.give_back_all().await?;
            return Err(unknown_participant());
        }
        Err(error) => {
            subscriptions.give_back_all().await?;
            return Err(error.into());
        }
    };
    if let Recorded::Changed { email, label, subscription_arn, former_subscription_arn, .. } = recorded
        && speaks_of_email
    {
        let put = PutParticipant::Updated { label, subscription_arn, former_subscription_arn };
        subscriptions.note(1, Participant { email, ..after }, put);
    }
    subscriptions.settle(&mut report).await?;
    Ok(report.warnings)
}

fn taken(field: &str) -> ApiError {
    let why = LineRefusal::AddressTaken;
    ApiError::conflict("AddressTaken", format!("{field}: {why}")).at(field).explained(why.into())
}

fn participant(summary: ParticipantSummary) -> Participant {
    let ParticipantSummary { participant_id, name, phone, email, group, tickets, excluded, .. } = summary;
    Participant { participant_id, name, phone, email, group, tickets, excluded }
}
