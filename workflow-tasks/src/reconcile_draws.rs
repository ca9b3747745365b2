//! Resumes draws whose execution has ended before them.
//!
//! An execution may end before its draw: it gives up after hours as DrawOutstanding, an operator stops it, or its start is lost
//! between two calls of the API. Before the commitment a draw whose execution was stopped is released. After the commitment
//! there is no second chance: the draw is resumed in a further execution, with the same commitment and the same beacon round,
//! until it ends; and once the winners are official the ledger keeps every message from being sent twice. Only a permanent
//! error ends a draw here, as in the state machine.
//!
//! The task also deletes what dead attempts to seal have written.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use lottery::execution::{first_input, name, resume_input};
use lottery::{Draw, DrawStatus};
use lottery_store::{ReleaseWinners, UnfinishedDraw, UnfinishedListing};
use platform::Chain;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use tracing::{Instrument, Span, info, info_span, warn};
use uuid::Uuid;

use crate::executions::{Closed, Execution, Executions, resume_at};
use crate::held;
use crate::notification_summary::NotificationSummary;
use crate::position::Positions;
use crate::release::release;
use crate::{TaskContext, TaskError, TaskInput};

/// How long after its creation a draw may have no execution before the start counts as lost.
pub(crate) const GRACE_PERIOD: Duration = Duration::from_secs(120);
/// The maximum number of draws that one run looks at. An account may call DescribeExecution 10 to 15 times a second, from a
/// bucket of 250 to 300; one run a minute takes a sixth of that.
const MAX_LOOKS: usize = 100;
/// The number of draws that are looked at concurrently.
const CONCURRENCY: usize = 8;
/// How long a draw that waits for its closing time is not looked at again, with a random part of up to two hours more.
const WAITING_LOOK: SignedDuration = SignedDuration::from_hours(4);
const WAITING_SPREAD_SECONDS: i64 = 2 * 3600;

/// The errors of an execution that leaves a draw whose winners are released, or claim, to the next one.
const HANDED_OVER: [&str; 2] = ["ReleasesHandedOver", "ClaimsHandedOver"];

/// The event of the timer, which is ignored.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct Input(IgnoredAny);

impl TaskInput for Input {
    fn span(&self) -> Span {
        info_span!("reconcile")
    }
}

/// The number of unfinished draws by what was done.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Output {
    /// Running, or not due yet: left alone.
    left: usize,
    /// Never started: started.
    started: usize,
    /// Without a running execution: resumed in a new one.
    resumed: usize,
    /// Without a running execution, and resumed later.
    outstanding: usize,
    /// Stopped before the commitment, or failed with a permanent error: released.
    released: usize,
    /// Without a running execution, but every notification has its outcome: ended.
    ended: usize,
    /// Failed to be looked at; the next run tries again.
    failed: usize,
    /// Not looked at in this run.
    later: usize,
    /// Dead attempts to seal, whose chunks were deleted.
    erased: usize,
}

/// What was done to one draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Left,
    Started,
    Resumed,
    Outstanding,
    Released,
    Ended,
    /// Throttled: the next run asks Step Functions again.
    Later,
}

/// Looks at the unfinished draws that are due. An error of one draw does not stop the others.
pub async fn handle(cx: &TaskContext, _: Input) -> Result<Output, TaskError> {
    let state_machine_arn = cx.config.state_machine_arn.as_deref();
    let executions = Executions {
        cx,
        state_machine_arn: state_machine_arn.ok_or(TaskError::NotConfigured("STATE_MACHINE_ARN"))?,
    };
    let (executions, throttled) = (&executions, &AtomicBool::new(false));
    let mut output = Output::default();
    let (mut due, not_due): (Vec<_>, Vec<_>) =
        cx.store.unfinished_draws().await?.into_iter().partition(|draw| is_due(draw, cx.clock.now()));
    output.outstanding = not_due.iter().filter(|draw| draw.is_outstanding).count();
    output.left = not_due.len() - output.outstanding;
    output.later = due.len().saturating_sub(MAX_LOOKS);
    if due.len() > MAX_LOOKS {
        // Each run looks at a random selection.
        due.sort_by_cached_key(|_| Uuid::new_v4());
        due.truncate(MAX_LOOKS);
    }
    match cx.store.delete_dead_attempts(cx.clock.now()).await {
        Ok(erased) => output.erased = erased,
        Err(error) => warn!(cause = %Chain(&error), "chunks of dead attempts not deleted"),
    }
    let mut actions = stream::iter(due)
        .map(|listing| async move {
            let span = info_span!("draw", lottery_id = %listing.lottery_id, draw_id = %listing.draw_id);
            reconcile(executions, throttled, &listing).instrument(span).await
        })
        .buffer_unordered(CONCURRENCY);
    while let Some(action) = actions.next().await {
        *match action {
            Ok(Action::Left) => &mut output.left,
            Ok(Action::Started) => &mut output.started,
            Ok(Action::Resumed) => &mut output.resumed,
            Ok(Action::Outstanding) => &mut output.outstanding,
            Ok(Action::Released) => &mut output.released,
            Ok(Action::Ended) => &mut output.ended,
            Ok(Action::Later) => &mut output.later,
            Err(_) => &mut output.failed,
        } += 1;
    }
    let (resumed, outstanding) = (output.resumed as u64, (output.resumed + output.outstanding) as u64);
    cx.metrics.reconciled(resumed, outstanding, cx.clock.now());
    Ok(output)
}

fn is_due(listing: &UnfinishedListing, now: Timestamp) -> bool {
    listing.look_at.is_none_or(|look_at| look_at <= now)
}

async fn reconcile(
    executions: &Executions<'_>,
    throttled: &AtomicBool,
    listing: &UnfinishedListing,
) -> Result<Action, TaskError> {
    // The bucket is empty: further calls would keep other callers from refilling it.
    if throttled.load(Ordering::Relaxed) {
        return Ok(Action::Later);
    }
    let action = look_at(executions, listing).await;
    match &action {
        Ok(Action::Left | Action::Outstanding) => {}
        Ok(Action::Later) => {
            throttled.store(true, Ordering::Relaxed);
            info!("Step Functions is throttling");
        }
        Ok(action) => info!(?action, "reconciled"),
        Err(error) => warn!(error = error.name(), cause = %Chain(error), "not reconciled"),
    }
    action
}

async fn look_at(executions: &Executions<'_>, listing: &UnfinishedListing) -> Result<Action, TaskError> {
    let cx = executions.cx;
    let UnfinishedListing { lottery_id, draw_id, .. } = listing;
    let Some(UnfinishedDraw { draw, resumes }) = cx.store.unfinished_draw(lottery_id, draw_id).await? else {
        return Ok(Action::Left);
    };
    let closed = match executions.describe(&name(draw_id, resumes)).await? {
        Execution::Throttled => return Ok(Action::Later),
        Execution::Running if held::may_wait(&draw) => {
            match held::look_at(executions, &draw, &name(draw_id, resumes)).await? {
                held::Wait::Sound => return left(cx, listing, &draw).await,
                held::Wait::Lost => return resume(executions, listing, &draw, resumes).await,
            }
        }
        Execution::Running => return left(cx, listing, &draw).await,
        Execution::Closed(closed) => Some(closed),
        Execution::Missing if is_young(&draw, cx.clock.now()) => return Ok(Action::Left),
        Execution::Missing if draw.status == DrawStatus::Waiting && resumes == 0 => {
            let input = first_input(&draw);
            return start(executions, &draw, resumes, input, Action::Started).await;
        }
        // The resume was counted, but its start was lost.
        Execution::Missing if resumes > 0 => {
            let input = resume_input(&draw);
            return start(executions, &draw, resumes, input, Action::Resumed).await;
        }
        Execution::Missing => None,
    };
    // The execution may have ended the draw since the first read, so the writes below are conditional.
    let draw = match cx.store.unfinished_draw(lottery_id, draw_id).await? {
        Some(UnfinishedDraw { draw, resumes: now }) if now == resumes => draw,
        _ => return Ok(Action::Left),
    };
    if let Some(error) = closed.as_ref().and_then(|closed| end(closed, &draw)) {
        return release_draw(cx, &draw, error).await;
    }
    if draw.status == DrawStatus::Recorded {
        let summary = NotificationSummary::read(cx, &draw).await?;
        if summary.is_complete() {
            summary.end_draw(cx, &draw, Positions::default()).await?;
            return Ok(Action::Ended);
        }
    }
    // An execution that has released or asked as often as its history allows has failed at nothing.
    let closed =
        closed.filter(|closed| !closed.error.as_deref().is_some_and(|error| HANDED_OVER.contains(&error)));
    let due_at = closed.map_or(Timestamp::UNIX_EPOCH, |closed| resume_at(closed.began_at, resumes));
    if cx.clock.now() < due_at {
        let listing = UnfinishedListing { look_at: Some(due_at), is_outstanding: true, ..listing.clone() };
        cx.store.look_again(&listing).await?;
        return Ok(Action::Outstanding);
    }
    resume(executions, listing, &draw, resumes).await
}

/// The error with which the draw ends, if it does: a permanent one, or that its execution was stopped before the
/// commitment.
fn end<'a>(closed: &'a Closed, draw: &Draw) -> Option<&'a str> {
    match draw.status {
        DrawStatus::Waiting if closed.is_aborted() => Some(closed.ending),
        DrawStatus::Recorded => None,
        _ => closed.permanent(),
    }
}

/// Leaves a draw whose execution is running. A draw that waits for a closing time far ahead is looked at again in some
/// hours, each at another time; there may be thousands.
async fn left(cx: &TaskContext, listing: &UnfinishedListing, draw: &Draw) -> Result<Action, TaskError> {
    let now = cx.clock.now();
    let spread = i64::try_from(Uuid::new_v4().as_u128() % WAITING_SPREAD_SECONDS.unsigned_abs() as u128);
    let later = now + WAITING_LOOK + SignedDuration::from_secs(spread.unwrap_or(0));
    let closes_at = draw.closes_at.filter(|_| draw.status == DrawStatus::Waiting);
    let look_at = closes_at
        .map(|closes_at| later.min(closes_at + GRACE_PERIOD))
        .filter(|look_at| *look_at > now + GRACE_PERIOD);
    if look_at.is_some() || listing.is_outstanding {
        cx.store.look_again(&UnfinishedListing { look_at, is_outstanding: false, ..listing.clone() }).await?;
    }
    Ok(Action::Left)
}

async fn release_draw(cx: &TaskContext, draw: &Draw, error: &str) -> Result<Action, TaskError> {
    match release(cx, &draw.lottery_id, &draw.draw_id, error).await? {
        ReleaseWinners::Released { .. } => Ok(Action::Released),
        // A task that outlived its execution made the winners official: the next look resumes the draw.
        ReleaseWinners::Official(_) | ReleaseWinners::Unknown => Ok(Action::Left),
    }
}

async fn resume(
    executions: &Executions<'_>,
    listing: &UnfinishedListing,
    draw: &Draw,
    resumes: u32,
) -> Result<Action, TaskError> {
    let cx = executions.cx;
    if !cx.store.count_resume(&draw.lottery_id, &draw.draw_id, resumes).await? {
        return Ok(Action::Left);
    }
    if listing.look_at.is_some() {
        cx.store.look_again(&UnfinishedListing { look_at: None, ..listing.clone() }).await?;
    }
    start(executions, draw, resumes + 1, resume_input(draw), Action::Resumed).await
}

async fn start(
    executions: &Executions<'_>,
    draw: &Draw,
    resumes: u32,
    input: serde_json::Value,
    done: Action,
) -> Result<Action, TaskError> {
    let is_started = executions.start(draw, &name(&draw.draw_id, resumes), input).await?;
    Ok(if is_started { done } else { Action::Later })
}

/// Whether the API may still be starting the execution: it does so right after it has stored the draw.
fn is_young(draw: &Draw, now: Timestamp) -> bool {
    now.duration_since(draw.created_at).unsigned_abs() < GRACE_PERIOD
}
