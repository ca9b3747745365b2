//! Repeating draws: "every Friday at 17:00". What an organiser asks for is kept in the store; a schedule of EventBridge, made from
//! it, calls the function that starts a draw when it is due.
//!
//! A schedule alone starts nothing: the function starts what the store says is due. So a new schedule is made before what it is
//! for is stored, and deleted before that is, and a request that ends between the two leaves nothing that draws.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::LOCATION;
use jiff::{SignedDuration, Timestamp};
use lottery::repeat::{MAX_LATENESS, MAX_REPEATS};
use lottery::{
    Draw, DrawId, FieldError, Lottery, LotteryId, Reason, Refusal, Repeat, RepeatId, RepeatResult,
};
use lottery_store::{StoreError, StoredRepeat};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::draws::NewDrawBody;
use crate::error::ApiError;
use crate::extract::{JsonBody, LotteryPath, RepeatPath, unknown_lottery, unknown_repeat};
use crate::idempotency::IdempotencyKey;
use crate::settings::check_not_closed;
use crate::state::{AppState, Schedules};

/// How many of the next times are shown.
const MAX_NEXT: usize = 3;
/// How long after its time a draw counts as on its way.
const GRACE_PERIOD: SignedDuration = SignedDuration::from_mins(10);
/// How often a change that others have come before is made anew.
const ATTEMPTS: u32 = 8;

/// A draw that repeats.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "describes the body that `Repeat` parses")]
pub(crate) struct RepeatBody {
    #[schema(min_length = 1, max_length = 100, example = "Friday draw")]
    name: String,
    every: EveryName,
    /// With `week`: on which days.
    #[schema(min_items = 1, max_items = 7)]
    weekdays: Option<Vec<WeekdayName>>,
    /// With `month`: on which day, 1 to 28, or `last` for its last day.
    #[schema(value_type = Option<Value>, example = "last")]
    day_of_month: Option<Value>,
    /// At what time of day, in the lottery's time zone. When the clocks go forward over this time, that day has no draw.
    #[schema(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$", example = "17:00")]
    time: String,
    /// From when.
    #[schema(format = DateTime)]
    starts_at: Option<String>,
    /// Until when.
    #[schema(format = DateTime)]
    ends_at: Option<String>,
    /// Whether nothing is due until it is resumed; false if absent.
    paused: Option<bool>,
    /// What each draw asks for, as `POST …/draws` takes it, without `closes_at`, `draw_at` and `release_by`.
    draw: NewDrawBody,
}

/// A change of a draw that repeats: a JSON merge patch; `draw` is replaced as a whole.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "describes the body that `Repeat` parses")]
pub(crate) struct RepeatChangeBody {
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    every: Option<EveryName>,
    #[schema(min_items = 1, max_items = 7)]
    weekdays: Option<Vec<WeekdayName>>,
    #[schema(value_type = Option<Value>)]
    day_of_month: Option<Value>,
    #[schema(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    time: Option<String>,
    #[schema(format = DateTime)]
    starts_at: Option<String>,
    #[schema(format = DateTime)]
    ends_at: Option<String>,
    paused: Option<bool>,
    draw: Option<NewDrawBody>,
}

/// How often.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[allow(dead_code, reason = "describes what is parsed as `lottery::Repeat`")]
pub(crate) enum EveryName {
    Day,
    Week,
    Month,
}

/// A day of the week.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[allow(dead_code, reason = "describes what is parsed as `lottery::Repeat`")]
pub(crate) enum WeekdayName {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// A draw that repeats, and what came of its times.
#[derive(Serialize, ToSchema)]
pub(crate) struct RepeatView {
    repeat_id: String,
    name: String,
    every: &'static str,
    weekdays: Vec<&'static str>,
    #[schema(value_type = Option<Value>)]
    day_of_month: Option<Value>,
    time: String,
    /// The lottery's time zone.
    time_zone: String,
    #[schema(value_type = Option<String>, format = DateTime)]
    starts_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    ends_at: Option<Timestamp>,
    paused: bool,
    #[schema(value_type = Value)]
    draw: Value,
    /// When it is due next: three times at most, none while it is paused.
    #[schema(value_type = Vec<String>)]
    next: Vec<Timestamp>,
    /// The last time that passed without anything coming of it, such as while the service was down.
    #[schema(value_type = Option<String>, format = DateTime)]
    missed_at: Option<Timestamp>,
    /// What came of its last time.
    last: Option<RepeatResultView>,
    /// What came of its last 20 times, the newest first.
    results: Vec<RepeatResultView>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// What came of a time at which a draw was due.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct RepeatResultView {
    #[schema(value_type = String, format = DateTime)]
    due_at: Timestamp,
    /// The draw that was started.
    draw_id: Option<String>,
    /// In `last`: how far that draw is.
    status: Option<String>,
    /// The name of the reason why no draw was started, or in `last` why it has its status.
    error: Option<String>,
    /// The same as a sentence.
    reason: Option<String>,
    /// The groups that a quota names and nobody is in, if that is the reason.
    groups: Vec<String>,
}

/// The draws of a lottery that repeat.
#[derive(Serialize, ToSchema)]
pub(crate) struct Repeats {
    repeats: Vec<RepeatView>,
}

impl From<&RepeatResult> for RepeatResultView {
    fn from(result: &RepeatResult) -> Self {
        let mut view = Self {
            due_at: result.due_at,
            draw_id: result.draw_id.as_ref().map(ToString::to_string),
            status: None,
            error: None,
            reason: None,
            groups: Vec::new(),
        };
        view.explain(result.reason.as_ref());
        view
    }
}

impl RepeatResultView {
    fn explain(&mut self, reason: Option<&Reason>) {
        self.error = reason.map(|reason| reason.name.clone());
        self.reason = reason.map(|reason| reason.sentence.clone());
        self.groups = reason.iter().flat_map(|reason| &reason.groups).map(ToString::to_string).collect();
    }
}

impl RepeatView {
    async fn of_one(state: &AppState, lottery: &Lottery, stored: &StoredRepeat) -> Result<Self, ApiError> {
        let draw = match last_draw_id(stored) {
            Some(draw_id) => state.store.draw(&lottery.lottery_id, draw_id).await?,
            None => None,
        };
        Ok(Self::new(state.clock.now(), lottery, stored, draw.as_ref()))
    }

    /// The views of several, whose last draws are read together.
    async fn of_all(
        state: &AppState,
        lottery: &Lottery,
        stored: &[StoredRepeat],
    ) -> Result<Vec<Self>, ApiError> {
        let draw_ids: Vec<_> = stored.iter().filter_map(last_draw_id).cloned().collect();
        let draws = state.store.draws_by_id(&lottery.lottery_id, &draw_ids).await?;
        let draw_of = |stored| draws.iter().find(|draw| last_draw_id(stored) == Some(&draw.draw_id));
        let now = state.clock.now();
        Ok(stored.iter().map(|stored| Self::new(now, lottery, stored, draw_of(stored))).collect())
    }

    /// The view of a repeating draw, with its last draw if there is one.
    fn new(now: Timestamp, lottery: &Lottery, stored: &StoredRepeat, draw: Option<&Draw>) -> Self {
        let StoredRepeat { repeat_id, repeat, results, changed_at, created_at, .. } = stored;
        let zone = lottery.time_zone.time_zone();
        let first = repeat.next(now, &zone).filter(|_| !repeat.is_paused);
        let next = std::iter::successors(first, |time| repeat.next(*time, &zone));
        let newest = results.first().map(|result| result.due_at);
        let missed_at = repeat.last(*changed_at, now - GRACE_PERIOD, &zone).filter(|_| !repeat.is_paused);
        let mut last = results.first().map(RepeatResultView::from);
        if let (Some(last), Some(draw)) = (&mut last, draw) {
            last.status = Some(draw.status.to_string());
            last.explain(draw.reason.as_ref());
        }
        Self {
            repeat_id: repeat_id.to_string(),
            name: repeat.name().to_owned(),
            every: repeat.every(),
            weekdays: repeat.weekdays(),
            day_of_month: repeat.day_of_month(),
            time: repeat.time_text(),
            time_zone: lottery.time_zone.to_string(),
            starts_at: repeat.starts_at,
            ends_at: repeat.ends_at,
            paused: repeat.is_paused,
            draw: repeat.draw.clone(),
            next: next.take(MAX_NEXT).collect(),
            missed_at: missed_at.filter(|missed| newest.is_none_or(|newest| newest < *missed)),
            last,
            results: results.iter().map(RepeatResultView::from).collect(),
            created_at: *created_at,
        }
    }
}

/// The draw that the last time has started.
fn last_draw_id(stored: &StoredRepeat) -> Option<&DrawId> {
    stored.results.first()?.draw_id.as_ref()
}

/// The draws of the lottery that repeat, with their next times and what came of the last ones.
#[utoipa::path(get, path = "/lotteries/{lottery_id}/repeats", tag = "draws",
    responses((status = 200, description = "The repeating draws", body = Repeats)))]
pub(crate) async fn repeats(
    State(state): State<AppState>,
    LotteryPath(lottery_id): LotteryPath,
) -> Result<Json<Repeats>, ApiError> {
    let lottery = state.store.lottery(&lottery_id).await?.ok_or_else(unknown_lottery)?;
    let stored = state.store.repeats(&lottery_id).await?;
    Ok(Json(Repeats { repeats: RepeatView::of_all(&state, &lottery, &stored).await? }))
}

/// Have a draw repeat: every day, on days of the week, or on a day of the month, at a time of day in the lottery's time zone.
/// What it asks for is checked at once as a draw would be. When it is due, a draw starts as by `POST …/draws`, once for each
/// time; if it cannot, the repeating draw says why. A draw that is late by more than 24 hours is not started. A lottery has at
/// most 20 repeating draws.
#[utoipa::path(post, path = "/lotteries/{lottery_id}/repeats", tag = "draws", request_body = RepeatBody,
    params((
        "Idempotency-Key" = Option<String>, Header, description = "The same key and body get the same answer",
        min_length = 1, max_length = 255, pattern = "^[!-~]([ -~]*[!-~])?$"
    )),
    responses((status = 201, description = "Made; `Location` is the repeating draw", body = RepeatView)))]
pub(crate) async fn create_repeat(
    State(state): State<AppState>,
    LotteryPath(lottery_id): LotteryPath,
    key: IdempotencyKey,
    JsonBody { bytes, value }: JsonBody,
) -> Result<Response, ApiError> {
    let repeat_id = match key.seed() {
        Some(seed) => RepeatId::from_idempotency(&lottery_id, &seed),
        None => RepeatId::from_random(Uuid::new_v4().into_bytes()),
    };
    let worker = state.clone();
    let action = async move {
        let lottery = worker.store.lottery(&lottery_id).await?.ok_or_else(unknown_lottery)?;
        check_not_closed(&lottery)?;
        let repeat = check(&worker, &lottery, &value).await?;
        let stored = create(&worker, &lottery, repeat_id, repeat).await?;
        let location = format!("/lotteries/{lottery_id}/repeats/{}", stored.repeat_id);
        tracing::info!(%lottery_id, repeat_id = %stored.repeat_id, "a draw repeats");
        let view = RepeatView::of_one(&worker, &lottery, &stored).await?;
        Ok((StatusCode::CREATED, [(LOCATION, location)], Json(view)).into_response())
    };
    let request = async move { key.once(&state, &bytes, action).await };
    tokio::spawn(tracing::Instrument::in_current_span(request)).await.map_err(ApiError::internal)?
}

async fn create(
    state: &AppState,
    lottery: &Lottery,
    repeat_id: RepeatId,
    repeat: Repeat,
) -> Result<StoredRepeat, ApiError> {
    let lottery_id = &lottery.lottery_id;
    let others = state.store.repeats(lottery_id).await?;
    if others.len() >= MAX_REPEATS && others.iter().all(|other| other.repeat_id != repeat_id) {
        let detail = format!(
            "this lottery has {MAX_REPEATS} repeating draws, the most there can be; delete one first"
        );
        return Err(ApiError::conflict("TooManyRepeats", detail));
    }
    let now = state.clock.now();
    let stored = StoredRepeat {
        repeat_id,
        repeat,
        created_at: now,
        changed_at: now,
        revision: 0,
        results: Vec::new(),
    };
    put_schedule(state, lottery, &stored.repeat_id, &stored.repeat).await?;
    if state.store.create_repeat(lottery_id, &stored).await? {
        return Ok(stored);
    }
    // The same request before it was not answered; or the lottery was deleted meanwhile.
    match state.store.repeat(lottery_id, &stored.repeat_id).await? {
        Some(found) => Ok(found),
        None => {
            schedules(state)?
                .scheduler
                .delete(stored.repeat_id.as_str())
                .await
                .map_err(ApiError::unavailable)?;
            Err(ApiError::conflict("LotteryDeleted", "this lottery was deleted; its proofs stay"))
        }
    }
}

/// One repeating draw, with its next times and what came of the last ones.
#[utoipa::path(get, path = "/lotteries/{lottery_id}/repeats/{repeat_id}", tag = "draws",
    responses((status = 200, description = "The repeating draw", body = RepeatView)))]
pub(crate) async fn repeat(
    State(state): State<AppState>,
    RepeatPath(lottery_id, repeat_id): RepeatPath,
) -> Result<Json<RepeatView>, ApiError> {
    let lottery = state.store.lottery(&lottery_id).await?.ok_or_else(unknown_lottery)?;
    let stored = state.store.repeat(&lottery_id, &repeat_id).await?.ok_or_else(unknown_repeat)?;
    Ok(Json(RepeatView::of_one(&state, &lottery, &stored).await?))
}

/// Change a repeating draw, pause it (`{"paused": true}`) or resume it: what the body names is changed, `null` takes it away, what
/// it leaves out stays. Times before the change are no longer due.
#[utoipa::path(patch, path = "/lotteries/{lottery_id}/repeats/{repeat_id}", tag = "draws",
    request_body(content(
        (RepeatChangeBody = "application/merge-patch+json"), (RepeatChangeBody = "application/json"))),
    responses((status = 200, description = "The repeating draw as it is now", body = RepeatView)))]
pub(crate) async fn change_repeat(
    State(state): State<AppState>,
    RepeatPath(lottery_id, repeat_id): RepeatPath,
    JsonBody { value, .. }: JsonBody,
) -> Result<Json<RepeatView>, ApiError> {
    let Value::Object(change) = value else {
        return Err(FieldError { field: "repeat".to_owned(), reason: Refusal::NotObject }.into());
    };
    for _ in 0..ATTEMPTS {
        let lottery = state.store.lottery(&lottery_id).await?.ok_or_else(unknown_lottery)?;
        let mut stored = state.store.repeat(&lottery_id, &repeat_id).await?.ok_or_else(unknown_repeat)?;
        let mut request = stored.repeat.to_json();
        if let Some(members) = request.as_object_mut() {
            if change.contains_key("every") {
                members.remove("weekdays");
                members.remove("day_of_month");
            }
            members.extend(change.clone());
        }
        let repeat = check(&state, &lottery, &request).await?;
        let now = state.clock.now();
        if !state.store.change_repeat(&lottery_id, &stored, &repeat, now).await? {
            continue;
        }
        put_schedule(&state, &lottery, &repeat_id, &repeat).await?;
        (stored.repeat, stored.changed_at) = (repeat, now);
        tracing::info!(%lottery_id, %repeat_id, "changed a repeating draw");
        return Ok(Json(RepeatView::of_one(&state, &lottery, &stored).await?));
    }
    Err(StoreError::Contended.into())
}

/// Delete a repeating draw: nothing more is due. Draws that it has started stay.
#[utoipa::path(delete, path = "/lotteries/{lottery_id}/repeats/{repeat_id}", tag = "draws",
    responses((status = 204, description = "It is gone")))]
pub(crate) async fn delete_repeat(
    State(state): State<AppState>,
    RepeatPath(lottery_id, repeat_id): RepeatPath,
) -> Result<StatusCode, ApiError> {
    state.store.lottery(&lottery_id).await?.ok_or_else(unknown_lottery)?;
    state.store.repeat(&lottery_id, &repeat_id).await?.ok_or_else(unknown_repeat)?;
    delete(&state, &lottery_id, &repeat_id).await?;
    tracing::info!(%lottery_id, %repeat_id, "deleted a repeating draw");
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes every repeating draw of a lottery.
pub(crate) async fn delete_all(state: &AppState, lottery_id: &LotteryId) -> Result<(), ApiError> {
    for stored in state.store.repeats(lottery_id).await? {
        delete(state, lottery_id, &stored.repeat_id).await?;
    }
    Ok(())
}

/// Has the schedules of a lottery follow its time zone.
pub(crate) async fn follow_time_zone(state: &AppState, lottery: &Lottery) -> Result<(), ApiError> {
    for stored in state.store.repeats(&lottery.lottery_id).await? {
        put_schedule(state, lottery, &stored.repeat_id, &stored.repeat).await?;
    }
    Ok(())
}

async fn delete(state: &AppState, lottery_id: &LotteryId, repeat_id: &RepeatId) -> Result<(), ApiError> {
    schedules(state)?.scheduler.delete(repeat_id.as_str()).await.map_err(ApiError::unavailable)?;
    Ok(state.store.delete_repeat(lottery_id, repeat_id).await?)
}

/// Refuses what could not be drawn if it were due now.
async fn check(state: &AppState, lottery: &Lottery, request: &Value) -> Result<Repeat, ApiError> {
    let repeat = Repeat::parse(request)?;
    let starter = state.starter();
    if repeat.ends_at.is_some_and(|end| end <= starter.now) {
        return Err(FieldError { field: "ends_at".to_owned(), reason: Refusal::NotInFuture }.into());
    }
    let draw = starter.check(lottery, &repeat.draw).await;
    let draw = draw.map_err(|error| ApiError::from(error).within("draw"))?;
    if draw.claims.is_some() {
        state.store.prepare_claims(&lottery.lottery_id).await?;
    }
    Ok(repeat)
}

fn schedules(state: &AppState) -> Result<&Schedules, ApiError> {
    state.schedules.as_ref().ok_or_else(|| ApiError::unavailable("REPEATS_GROUP is not set"))
}

/// Makes or changes the schedule of a repeating draw.
async fn put_schedule(
    state: &AppState,
    lottery: &Lottery,
    repeat_id: &RepeatId,
    repeat: &Repeat,
) -> Result<(), ApiError> {
    let Schedules { scheduler, target } = schedules(state)?;
    let input = json!({"lottery_id": lottery.lottery_id, "repeat_id": repeat_id,
        "scheduled_time": "<aws.scheduler.scheduled-time>"});
    let mut schedule = json!({
        "Description": format!("A repeating draw of the lottery {}", lottery.lottery_id),
        "ScheduleExpression": repeat.cron(),
        "ScheduleExpressionTimezone": lottery.time_zone,
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "State": if repeat.is_paused { "DISABLED" } else { "ENABLED" },
        "Target": {
            "Arn": target.function_arn, "RoleArn": target.role_arn, "Input": input.to_string(),
            "RetryPolicy": {"MaximumEventAgeInSeconds": MAX_LATENESS.as_secs(), "MaximumRetryAttempts": 185},
        },
    });
    if let Some(queue) = &target.dead_letters_arn {
        schedule["Target"]["DeadLetterConfig"] = json!({"Arn": queue});
    }
    let now = state.clock.now();
    // The Scheduler takes no start that has passed.
    if let Some(starts_at) = repeat.starts_at.filter(|start| *start > now) {
        schedule["StartDate"] = json!(starts_at.as_second());
    }
    if let Some(ends_at) = repeat.ends_at.filter(|end| *end > now) {
        schedule["EndDate"] = json!(ends_at.as_second());
    }
    let put = scheduler.put(repeat_id.as_str(), &schedule.to_string()).await;
    put.map_err(ApiError::unavailable)
}
