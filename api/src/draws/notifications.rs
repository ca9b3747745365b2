//! The ledger for the organiser: what became of each message, and having those sent again that were not sent.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use draw_start::ExecutionError;
use http::header::LOCATION;
use http::{StatusCode, Uri};
use jiff::Timestamp;
use lottery::{Channel, FieldError, Refusal};
use lottery_store::{
    EarlierAttempt, NotificationLine, NotificationState, Reopened, ReopenedCounts, RetryRequest,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::release::wake;
use crate::error::ApiError;
use crate::extract::{DrawPath, JsonBody, Paging, query, unknown_draw};
use crate::idempotency::IdempotencyKey;
use crate::state::AppState;

/// Pages of the ledger that are read for one response.
const MAX_LOOKS: usize = 10;
/// The ranks that can be named in one request.
const MAX_RANKS: usize = 10_000;

/// What a message was before it was sent again.
#[derive(Serialize, ToSchema)]
pub(crate) struct EarlierAttemptView {
    /// FAILED or UNKNOWN.
    state: String,
    /// Why it was not sent.
    reason: Option<String>,
    /// The id that SNS or SES gave it.
    message_id: Option<String>,
    /// When it had come to this state.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

impl From<EarlierAttempt> for EarlierAttemptView {
    fn from(earlier: EarlierAttempt) -> Self {
        let EarlierAttempt { state, message_id, reason, at } = earlier;
        Self { state: state.as_str().to_owned(), reason, message_id, at }
    }
}

/// One message to one winner.
#[derive(Serialize, ToSchema)]
pub(crate) struct LedgerLine {
    /// The rank of the winner, from 1.
    rank: u32,
    /// The organiser's own id of the winner.
    participant_id: String,
    /// `sms` or `email`.
    channel: String,
    /// PENDING (to be sent again), CLAIMED (being sent), SENT, FAILED or UNKNOWN (perhaps sent).
    #[schema(example = "FAILED")]
    state: String,
    /// Why it was not sent.
    reason: Option<String>,
    /// The id that SNS or SES gave it.
    message_id: Option<String>,
    /// When it came to this state.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// What it was each time before it was sent again, the oldest first.
    earlier: Vec<EarlierAttemptView>,
}

impl From<NotificationLine> for LedgerLine {
    fn from(line: NotificationLine) -> Self {
        let NotificationLine { rank, notification } = line;
        Self {
            rank,
            participant_id: notification.participant_id.to_string(),
            channel: notification.channel.to_string(),
            state: notification.state.as_str().to_owned(),
            reason: notification.reason,
            message_id: notification.message_id,
            at: notification.at,
            earlier: notification.earlier.into_iter().map(Into::into).collect(),
        }
    }
}

/// A page of the ledger, by rank and channel.
#[derive(Serialize, ToSchema)]
pub(crate) struct Ledger {
    notifications: Vec<LedgerLine>,
    /// What to pass as `cursor` for the next page; a page may be short, even empty, and still have a next.
    next_cursor: Option<String>,
}

/// Where a page of the ledger begins, and what it lists.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the query that `notifications` reads")]
pub(crate) struct LedgerQuery {
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// After how many lines the page ends, about: 1 to 1000, 100 if absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// Lists the lines in these states only, such as `FAILED,UNKNOWN`.
    state: Option<String>,
}

/// What became of each message of a draw; with `state=FAILED,UNKNOWN`, which were not sent, or perhaps not, and why.
#[utoipa::path(get, path = "/lotteries/{lottery_id}/draws/{draw_id}/notifications", tag = "draws", params(LedgerQuery),
    responses((status = 200, description = "A page of the ledger", body = Ledger)))]
pub(crate) async fn notifications(
    State(state): State<AppState>,
    DrawPath(lottery_id, draw_id): DrawPath,
    paging: Paging,
    uri: Uri,
) -> Result<Json<Ledger>, ApiError> {
    let states = listed_states(&uri)?;
    let draw = state.store.draw(&lottery_id, &draw_id).await?.ok_or_else(unknown_draw)?;
    let (mut notifications, mut cursor) = (Vec::new(), paging.cursor);
    for _ in 0..MAX_LOOKS {
        let page = state.store.notifications_page(&draw, cursor.as_deref(), paging.limit).await?;
        cursor = page.cursor;
        let listed = page
            .items
            .into_iter()
            .filter(|line| states.as_ref().is_none_or(|states| states.contains(&line.notification.state)));
        notifications.extend(listed.map(LedgerLine::from));
        if cursor.is_none() || notifications.len() >= paging.limit {
            break;
        }
    }
    Ok(Json(Ledger { notifications, next_cursor: cursor }))
}

const STATES: [NotificationState; 5] = [
    NotificationState::Pending,
    NotificationState::Claimed,
    NotificationState::Sent,
    NotificationState::Failed,
    NotificationState::Unknown,
];

fn listed_states(uri: &Uri) -> Result<Option<Vec<NotificationState>>, ApiError> {
    let asked = query(uri)?.into_iter().find_map(|(name, value)| (name == "state").then_some(value));
    let Some(asked) = asked.filter(|asked| !asked.is_empty()) else { return Ok(None) };
    let named = |name: &str| STATES.into_iter().find(|state| state.as_str() == name.trim());
    let states: Option<Vec<_>> = asked.split(',').map(named).collect();
    states.map(Some).ok_or_else(|| {
        let names = STATES.map(NotificationState::as_str).join(", ");
        ApiError::bad_request("BadQuery", format!("state must list some of: {names}")).at("state")
    })
}

/// Which messages to send again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "describes the body that `parse` reads")]
pub(crate) struct RetryBody {
    /// Those in these states; `["FAILED"]` if absent. UNKNOWN ones were perhaps sent and may arrive twice.
    #[schema(min_items = 1, example = json!(["FAILED"]))]
    states: Option<Vec<RetriedState>>,
    /// Those on these channels; all if absent.
    #[schema(min_items = 1)]
    channels: Option<Vec<ChannelName>>,
    /// Those to the winners of these ranks; all if absent. None may be repeated.
    #[schema(min_items = 1, max_items = 10_000)]
    ranks: Option<Vec<Rank>>,
}

/// A state whose messages can be sent again.
#[derive(Deserialize, ToSchema)]
#[schema(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(dead_code, reason = "describes what `parse` reads")]
pub(crate) enum RetriedState {
    Failed,
    Unknown,
}

/// How winners are notified.
#[derive(Deserialize, ToSchema)]
#[schema(rename_all = "lowercase")]
#[allow(dead_code, reason = "describes what is parsed as `lottery::Channel`")]
pub(crate) enum ChannelName {
    Sms,
    Email,
}

/// A rank, from 1.
#[derive(Deserialize, ToSchema)]
#[schema(value_type = u32, minimum = 1)]
#[allow(dead_code, reason = "describes what `parse` reads")]
pub(crate) struct Rank(u32);

/// How many messages are sent again.
#[derive(Serialize, ToSchema)]
pub(crate) struct Retried {
    /// By SMS.
    sms: u64,
    /// By e-mail.
    email: u64,
}

/// Send messages of a draw again that failed; those whose outcome is unknown only if they are named, since they may
/// arrive twice. A repeated request sends once.
#[utoipa::path(post, path = "/lotteries/{lottery_id}/draws/{draw_id}/notifications/retry", tag = "draws",
    request_body = RetryBody,
    params((
        "Idempotency-Key" = Option<String>, Header, description = "The same key and body get the same answer",
        min_length = 1, max_length = 255, pattern = "^[!-~]([ -~]*[!-~])?$"
    )),
    responses((status = 202, description = "How many messages will be sent again: none, if none is as the body wants it",
        body = Retried)))]
pub(crate) async fn retry(
    State(state): State<AppState>,
    DrawPath(lottery_id, draw_id): DrawPath,
    key: IdempotencyKey,
    JsonBody { bytes, value }: JsonBody,
) -> Result<Response, ApiError> {
    let request = parse(&value)?;
    let worker = state.clone();
    let action = async move {
        let now = worker.clock.now();
        let counts = match worker.store.reopen_notifications(&lottery_id, &draw_id, &request, now).await? {
            Reopened::Resume { draw, resumes, counts } => {
                // Should it not start, the reconciler starts it: the draw says that it needs one.
                match worker.executions.resume(&draw, resumes).await {
                    Ok(arn) => worker.store.set_execution(&lottery_id, &draw_id, &arn).await?,
                    Err(ExecutionError::Unknown(internal) | ExecutionError::Refused(internal)) => {
                        tracing::warn!(%lottery_id, %draw_id, internal, "an execution is left to the reconciler");
                    }
                }
                counts
            }
            Reopened::UnderWay(counts) => {
                if let Some(draw) = worker.store.draw(&lottery_id, &draw_id).await? {
                    wake(&worker, &draw).await;
                }
                counts
            }
            Reopened::Nothing => ReopenedCounts::default(),
            Reopened::NotOfficial(status) => {
                let detail = format!("this draw has no official winners who could be notified: {status}");
                return Err(
                    ApiError::conflict("NoOfficialWinners", detail).with_member("draw_status", json!(status))
                );
            }
            Reopened::Unknown => return Err(unknown_draw()),
        };
        tracing::info!(%lottery_id, %draw_id, sms = counts.sms, email = counts.email, "sends messages again");
        let location = format!("/lotteries/{lottery_id}/draws/{draw_id}");
        let body = Json(Retried { sms: counts.sms, email: counts.email });
        Ok((StatusCode::ACCEPTED, [(LOCATION, location)], body).into_response())
    };
    // Continues if the caller hangs up: what is reopened should be sent.
    let request = async move { key.once(&state, &bytes, action).await };
    tokio::spawn(tracing::Instrument::in_current_span(request)).await.map_err(ApiError::internal)?
}

fn parse(body: &Value) -> Result<RetryRequest, FieldError> {
    let members = body.as_object().ok_or_else(|| field("body", Refusal::NotObject))?;
    let mut request = RetryRequest::default();
    for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
        let Some((known, read)) = RETRY_FIELDS.iter().find(|(known, _)| known == name) else {
            return Err(FieldError::unknown(name));
        };
        read(&mut request, known, value)?;
    }
    Ok(request)
}

/// Reads one field of the body into the request.
type ReadField = fn(&mut RetryRequest, &str, &Value) -> Result<(), FieldError>;

/// The fields that [`parse`] takes.
pub(crate) const RETRY_FIELDS: [(&str, ReadField); 3] = [
    ("states", |request, name, value| list(name, value, retried_state).map(|states| request.states = states)),
    ("channels", |request, name, value| {
        list(name, value, channel).map(|channels| request.channels = channels)
    }),
    ("ranks", |request, name, value| {
        let mut ranks = list(name, value, rank)?;
        ranks.sort_unstable();
        if ranks.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(field(name, Refusal::StandsTwice));
        }
        request.ranks = Some(ranks);
        Ok(())
    }),
];

fn field(name: &str, reason: Refusal) -> FieldError {
    FieldError { field: name.to_owned(), reason }
}

/// A list that is not empty.
fn list<T>(
    name: &str,
    value: &Value,
    item: impl Fn(&Value) -> Result<T, Refusal>,
) -> Result<Vec<T>, FieldError> {
    let items = value.as_array().ok_or_else(|| field(name, Refusal::NotArray))?;
    if items.is_empty() || items.len() > MAX_RANKS {
        return Err(field(name, Refusal::OutOfRange { least: 1, most: MAX_RANKS as u64 }));
    }
    let items = items.iter().enumerate();
    items
        .map(|(index, value)| item(value).map_err(|reason| field(&format!("{name}[{index}]"), reason)))
        .collect()
}

fn retried_state(value: &Value) -> Result<NotificationState, Refusal> {
    match value.as_str() {
        Some("FAILED") => Ok(NotificationState::Failed),
        Some("UNKNOWN") => Ok(NotificationState::Unknown),
        _ => Err(Refusal::NotOneOf { values: "FAILED, UNKNOWN" }),
    }
}

fn channel(value: &Value) -> Result<Channel, Refusal> {
    let named = Channel::ALL.into_iter().find(|channel| value.as_str() == Some(channel.to_string().as_str()));
    named.ok_or(Refusal::NotOneOf { values: "sms, email" })
}

fn rank(value: &Value) -> Result<u32, Refusal> {
    let rank = value.as_u64().and_then(|rank| u32::try_from(rank).ok()).filter(|rank| *rank > 0);
    rank.ok_or(Refusal::NotCount { least: 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_failed_is_sent_again_unless_more_is_named() {
        assert_eq!(parse(&json!({})).unwrap(), RetryRequest::default());
        let request = parse(&json!({"states": ["UNKNOWN"], "channels": ["email"], "ranks": [3, 1]})).unwrap();
        assert_eq!(request.states, [NotificationState::Unknown]);
        assert_eq!((request.channels, request.ranks), (vec![Channel::Email], Some(vec![1, 3])));
    }

    #[test]
    fn what_cannot_be_sent_again_is_named() {
        for (body, field) in [
            (json!([]), "body"),
            (json!({ "states": "FAILED" }), "states"),
            (json!({ "states": [] }), "states"),
            (json!({ "states": ["FAILED", "SENT"] }), "states[1]"),
            (json!({ "channels": ["fax"] }), "channels[0]"),
            (json!({ "ranks": [0] }), "ranks[0]"),
            (json!({ "ranks": [2, 1, 2] }), "ranks"),
            (json!({ "rank": [1] }), "rank"),
        ] {
            assert_eq!(parse(&body).unwrap_err().field, field, "{body}");
        }
    }
}
