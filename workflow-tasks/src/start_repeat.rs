//! Starts the draw of a repeating draw that is due, for EventBridge Scheduler: as a request to the API would, once for each
//! time.
//!
//! The Scheduler may deliver a time twice, or late, and Lambda tries again after an error: the draw's id follows from the time,
//! and what came of a time is recorded once. What cannot pass by itself is recorded where the organiser sees it.

use draw_start::{ExecutionError, StartError, Starter};
use jiff::{SignedDuration, Timestamp};
use lottery::repeat::MAX_LATENESS;
use lottery::{Lottery, LotteryId, Reason, RepeatId, RepeatResult};
use lottery_store::StoredRepeat;
use serde::{Deserialize, Serialize};
use tracing::{Span, info, info_span};

use crate::{TaskContext, TaskError, TaskInput};

/// What the schedule of a repeating draw hands over.
#[derive(Debug, Deserialize)]
pub struct Input {
    lottery_id: LotteryId,
    repeat_id: RepeatId,
    /// The time that it was scheduled for.
    scheduled_time: Timestamp,
}

impl TaskInput for Input {
    fn span(&self) -> Span {
        info_span!("repeat", lottery_id = %self.lottery_id, repeat_id = %self.repeat_id, at = %self.scheduled_time)
    }
}

/// What came of a time, as the log says it.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Output {
    /// A draw was started, now or by a delivery before.
    Started,
    /// No draw could be started; the repeating draw says why.
    NotStarted,
    /// Nothing is due: the repeating draw was deleted, paused or changed.
    NotDue,
}

/// Starts the draw that is due.
pub async fn handle(cx: &TaskContext, input: Input) -> Result<Output, TaskError> {
    let Input { lottery_id, repeat_id, scheduled_time } = input;
    let Some(lottery) = cx.store.lottery(&lottery_id).await? else { return Ok(not_due("no lottery")) };
    let Some(stored) = cx.store.repeat(&lottery_id, &repeat_id).await? else {
        return Ok(not_due("deleted"));
    };
    let (zone, now) = (lottery.time_zone.time_zone(), cx.clock.now());
    if let Some(result) = stored.result_of(scheduled_time) {
        return Ok(output_of(result));
    }
    let repeat = &stored.repeat;
    let is_due = scheduled_time <= now && repeat.is_due_at(scheduled_time, &zone);
    if repeat.is_paused || !is_due {
        return Ok(not_due("paused or changed"));
    }
    // A schedule that was held up delivers the first time that it missed: only the last one that is due still counts.
    let just_before = scheduled_time - SignedDuration::from_secs(1);
    let due_at = repeat.last(just_before, now, &zone).unwrap_or(scheduled_time);
    let result = match due_at == scheduled_time || stored.result_of(due_at).is_none() {
        true => start(cx, &lottery, &stored, due_at, now).await?,
        false => return Ok(not_due("a later time has been delivered")),
    };
    if !cx.store.record_repeat(&lottery_id, &stored, &result).await? {
        info!("another delivery has recorded what came of this time");
    }
    Ok(output_of(&result))
}

/// Starts the draw that is due at a time, or says why it does not start.
async fn start(
    cx: &TaskContext,
    lottery: &Lottery,
    stored: &StoredRepeat,
    due_at: Timestamp,
    now: Timestamp,
) -> Result<RepeatResult, TaskError> {
    let draw_id = stored.repeat_id.draw_at(&lottery.lottery_id, due_at);
    let starter = Starter {
        store: &cx.store,
        executions: cx.services.sfn(),
        state_machine_arn: cx
            .config
            .state_machine_arn
            .as_deref()
            .ok_or(TaskError::NotConfigured("STATE_MACHINE_ARN"))?,
        channels: &cx.config.channels,
        now,
    };
    let result = |draw_id, reason| RepeatResult { due_at, at: now, draw_id, reason };
    // A delivery before has written the draw, and was cut off before it recorded that.
    if let Some(draw) = cx.store.draw(&lottery.lottery_id, &draw_id).await? {
        if let Err(error) = starter.carry(draw).await {
            retry_unless_refused(error)?;
        }
        return Ok(result(Some(draw_id), None));
    }
    if let Some(reason) = obstacle(cx, lottery, due_at, now).await? {
        return Ok(result(None, Some(reason)));
    }
    match starter.start(lottery, draw_id.clone(), &stored.repeat.draw).await {
        Ok(_) => Ok(result(Some(draw_id), None)),
        Err(error) => match error.reason() {
            Some(reason) => {
                info!(error = reason.name, "a draw that is due cannot start");
                Ok(result(None, Some(reason)))
            }
            None => retry_unless_refused(error).map(|()| result(Some(draw_id), None)),
        },
    }
}

/// Why no draw is to start at all: nobody looks at one that comes days late, and an empty list has no winners.
async fn obstacle(
    cx: &TaskContext,
    lottery: &Lottery,
    due_at: Timestamp,
    now: Timestamp,
) -> Result<Option<Reason>, TaskError> {
    let reason = |name: &str, sentence: String| {
        info!(error = name, "a draw that is due does not start");
        Some(Reason { name: name.to_owned(), sentence, groups: Vec::new() })
    };
    if now.duration_since(due_at) > MAX_LATENESS {
        let hours = MAX_LATENESS.as_hours();
        let sentence =
            format!("The service was down at that time, and for more than {hours} hours after it.");
        return Ok(reason("Missed", sentence));
    }
    if lottery.closed_at.is_some() {
        return Ok(None);
    }
    if let Some(open) = &lottery.open_draw {
        return Ok(reason(
            "DrawUnderWay",
            format!("Draw {open} was under way; a lottery draws once at a time."),
        ));
    }
    if cx.store.participant_counts(&lottery.lottery_id).await?.total == 0 {
        return Ok(reason("EmptyList", "Nobody was on the list.".to_owned()));
    }
    Ok(None)
}

/// What has to be tried again, as an error; an execution that is refused for good has ended its draw, which says so.
fn retry_unless_refused(error: StartError) -> Result<(), TaskError> {
    match error {
        StartError::Store(error) => Err(error.into()),
        StartError::Execution(ExecutionError::Refused(_)) => Ok(()),
        error => Err(TaskError::ExecutionsUnavailable(error.into())),
    }
}

fn not_due(why: &str) -> Output {
    info!(why, "nothing is due");
    Output::NotDue
}

fn output_of(result: &RepeatResult) -> Output {
    match result.draw_id {
        Some(_) => Output::Started,
        None => Output::NotStarted,
    }
}
