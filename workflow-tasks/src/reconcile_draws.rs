//! Brings draws to an end whose execution is gone.
//!
//! No catcher sees an execution that was stopped, timed out or failed outside its states, and a start may be
//! lost between the API's two calls. Before the commitment such a draw is released. After it there is no second
//! chance: it goes on in a further execution, with the same commitment and the same beacon round; and after the
//! winners are official the ledger keeps every message from being sent twice.
//!
//! It also erases what an attempt to seal has written that died before it could be committed to.

use std::time::Duration;

use aws_sdk_sfn::operation::describe_execution::DescribeExecutionError;
use aws_sdk_sfn::operation::start_execution::StartExecutionError;
use aws_sdk_sfn::types::ExecutionStatus;
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use lottery::{Draw, DrawId, DrawStatus, LotteryId};
use lottery_store::{ReleaseWinners, UnfinishedDraw};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tracing::{Instrument, Span, info, info_span, warn};

use crate::release_winners::reason;
use crate::standing::{Standing, settle};
use crate::task::Causes;
use crate::{TaskContext, TaskError, TaskInput};

/// How long a draw may be without its execution before the start counts as lost.
const GRACE: Duration = Duration::from_secs(120);
/// How many executions are started for a recorded draw before it is ended without.
const MOST_RESUMES: u32 = 3;
/// How many executions are started for a draw whose round is known before it is abandoned. A draw that waits for
/// its round is gone on with for as long as it takes.
const MOST_RESUMES_TO_DRAW: u32 = 20;
/// How many draws are looked at at once.
const AT_ONCE: usize = 8;

/// Whatever the timer sends.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct Input(IgnoredAny);

impl TaskInput for Input {
    fn span(&self) -> Span {
        info_span!("reconcile")
    }
}

/// What was done to the draws that had not ended.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Output {
    /// Under way, or not due yet: left alone.
    left: usize,
    /// Never started: started.
    started: usize,
    /// Gone after the commitment: gone on with in a new execution.
    resumed: usize,
    /// Gone before the commitment, or again and again after it: released.
    released: usize,
    /// Gone with everything settled: ended.
    ended: usize,
    /// Could not be looked at; the next run tries again.
    failed: usize,
    /// Attempts to seal that died, whose chunks were erased.
    erased: usize,
}

/// What was done to one draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Left,
    Started,
    Resumed,
    Released,
    Ended,
}

/// What Step Functions knows of an execution.
enum Execution {
    Running,
    Missing,
    /// Closed, in this way.
    Closed(&'static str),
}

/// Looks at every draw that has not ended. One draw's error does not keep the others waiting.
pub async fn handle(cx: &TaskContext, _: Input) -> Result<Output, TaskError> {
    let state_machine_arn = cx.config.state_machine_arn.as_deref();
    let executions = Executions {
        cx,
        state_machine_arn: state_machine_arn.ok_or(TaskError::NotConfigured("STATE_MACHINE_ARN"))?,
    };
    let executions = &executions;
    let draws = cx.store.unfinished_draws().await?;
    let mut output = Output::default();
    match cx.store.erase_dead_attempts(cx.clock.now()).await {
        Ok(erased) => output.erased = erased,
        Err(error) => warn!(cause = %Causes(&error), "chunks of dead attempts not erased"),
    }
    let mut actions = stream::iter(draws)
        .map(|(lottery_id, draw_id)| async move {
            let span = info_span!("draw", %lottery_id, %draw_id);
            reconcile(executions, &lottery_id, &draw_id).instrument(span).await
        })
        .buffer_unordered(AT_ONCE);
    while let Some(action) = actions.next().await {
        *match action {
            Ok(Action::Left) => &mut output.left,
            Ok(Action::Started) => &mut output.started,
            Ok(Action::Resumed) => &mut output.resumed,
            Ok(Action::Released) => &mut output.released,
            Ok(Action::Ended) => &mut output.ended,
            Err(_) => &mut output.failed,
        } += 1;
    }
    Ok(output)
}

async fn reconcile(
    executions: &Executions<'_>,
    lottery_id: &LotteryId,
    draw_id: &DrawId,
) -> Result<Action, TaskError> {
    let action = look_at(executions, lottery_id, draw_id).await;
    match &action {
        Ok(Action::Left) => {}
        Ok(action) => info!(?action, "reconciled"),
        Err(error) => warn!(error = error.name(), cause = %Causes(error), "not reconciled"),
    }
    action
}

async fn look_at(
    executions: &Executions<'_>,
    lottery_id: &LotteryId,
    draw_id: &DrawId,
) -> Result<Action, TaskError> {
    let cx = executions.cx;
    let Some(UnfinishedDraw { draw, resumes }) = cx.store.unfinished_draw(lottery_id, draw_id).await? else {
        return Ok(Action::Left);
    };
    let ending = match executions.describe(&name(draw_id, resumes)).await? {
        Execution::Running => return Ok(Action::Left),
        Execution::Closed(ending) => ending,
        Execution::Missing if is_young(&draw, cx.clock.now()) => return Ok(Action::Left),
        Execution::Missing if draw.status == DrawStatus::Waiting => {
            executions.start(&draw, &name(draw_id, resumes), first_input(&draw)).await?;
            return Ok(Action::Started);
        }
        // Counted, but the start was lost.
        Execution::Missing if resumes > 0 => {
            executions.start(&draw, &name(draw_id, resumes), resume_input(&draw)).await?;
            return Ok(Action::Resumed);
        }
        Execution::Missing => "ExecutionLost",
    };
    // The execution may have ended the draw between the two looks, so what follows rests on conditions.
    match cx.store.unfinished_draw(lottery_id, draw_id).await? {
        None => Ok(Action::Left),
        Some(UnfinishedDraw { draw, resumes: now }) if now == resumes => match draw.status {
            DrawStatus::Waiting => release(cx, &draw, ending).await,
            DrawStatus::Sealed | DrawStatus::Drawn => go_on(executions, &draw, resumes, ending).await,
            _ => go_forward(executions, &draw, resumes).await,
        },
        Some(_) => Ok(Action::Left),
    }
}

async fn release(cx: &TaskContext, draw: &Draw, ending: &str) -> Result<Action, TaskError> {
    let (lottery_id, draw_id) = (&draw.lottery_id, &draw.draw_id);
    match cx.store.release_winners(lottery_id, draw_id, &reason(ending), cx.clock.now()).await? {
        ReleaseWinners::Released => Ok(Action::Released),
        // A task that outlived its execution was faster: the next look goes forward.
        ReleaseWinners::Official(_) | ReleaseWinners::Unknown => Ok(Action::Left),
    }
}

/// The draw is committed to: it is drawn by what was committed to, or by nothing.
async fn go_on(
    executions: &Executions<'_>,
    draw: &Draw,
    resumes: u32,
    ending: &str,
) -> Result<Action, TaskError> {
    let cx = executions.cx;
    let gives_up =
        resumes >= MOST_RESUMES_TO_DRAW && cx.store.round(&draw.lottery_id, &draw.draw_id).await?.is_some();
    if gives_up { release(cx, draw, ending).await } else { resume(executions, draw, resumes).await }
}

async fn go_forward(executions: &Executions<'_>, draw: &Draw, resumes: u32) -> Result<Action, TaskError> {
    let cx = executions.cx;
    let standing = Standing::read(cx, draw).await?;
    if standing.is_settled() {
        standing.end(cx, draw).await?;
        return Ok(Action::Ended);
    }
    if resumes >= MOST_RESUMES {
        settle(cx, draw).await?.end(cx, draw).await?;
        return Ok(Action::Ended);
    }
    resume(executions, draw, resumes).await
}

async fn resume(executions: &Executions<'_>, draw: &Draw, resumes: u32) -> Result<Action, TaskError> {
    if !executions.cx.store.count_resume(&draw.lottery_id, &draw.draw_id, resumes).await? {
        return Ok(Action::Left);
    }
    executions.start(draw, &name(&draw.draw_id, resumes + 1), resume_input(draw)).await?;
    Ok(Action::Resumed)
}

/// The API gives a draw its execution right after it has stored it.
fn is_young(draw: &Draw, now: Timestamp) -> bool {
    now.duration_since(draw.created_at).unsigned_abs() < GRACE
}

/// The name of a draw's execution. A name is used once, so that a start repeated is one start.
fn name(draw_id: &DrawId, resumes: u32) -> String {
    match resumes {
        0 => format!("draw-{draw_id}"),
        resumes => format!("draw-{draw_id}-r{resumes}"),
    }
}

/// What the API starts an execution with.
fn first_input(draw: &Draw) -> serde_json::Value {
    let mut input = json!({ "lottery_id": draw.lottery_id, "draw_id": draw.draw_id });
    if let Some(closes_at) = draw.closes_at {
        input["closes_at"] = json!(closes_at);
    }
    input
}

/// Before the winners are official the tasks are gone through again: each finds what it has done.
fn resume_input(draw: &Draw) -> serde_json::Value {
    let mut input = json!({ "lottery_id": draw.lottery_id, "draw_id": draw.draw_id });
    if draw.status == DrawStatus::Recorded {
        input["resume_from"] = json!("RecordWinners");
    }
    input
}

/// The executions of the lottery's state machine.
struct Executions<'a> {
    cx: &'a TaskContext,
    state_machine_arn: &'a str,
}

impl Executions<'_> {
    async fn describe(&self, name: &str) -> Result<Execution, TaskError> {
        let arn = lottery_store::execution_arn(self.state_machine_arn, name);
        let described = self.cx.sfn.describe_execution().execution_arn(arn).send().await;
        match described {
            Ok(execution) => Ok(match execution.status {
                ExecutionStatus::Succeeded => Execution::Closed("ExecutionSucceeded"),
                ExecutionStatus::Failed => Execution::Closed("ExecutionFailed"),
                ExecutionStatus::TimedOut => Execution::Closed("ExecutionTimedOut"),
                ExecutionStatus::Aborted => Execution::Closed("ExecutionAborted"),
                _ => Execution::Running,
            }),
            Err(error) => match error.as_service_error() {
                Some(DescribeExecutionError::ExecutionDoesNotExist(_)) => Ok(Execution::Missing),
                _ => Err(TaskError::ExecutionsUnavailable(error.into())),
            },
        }
    }

    async fn start(&self, draw: &Draw, name: &str, input: serde_json::Value) -> Result<(), TaskError> {
        let started = self
            .cx
            .sfn
            .start_execution()
            .state_machine_arn(self.state_machine_arn)
            .name(name)
            .input(input.to_string())
            .send()
            .await;
        match started {
            Ok(answer) => {
                let (lottery_id, draw_id) = (&draw.lottery_id, &draw.draw_id);
                self.cx.store.set_execution(lottery_id, draw_id, &answer.execution_arn).await?;
                Ok(())
            }
            Err(error) => match error.as_service_error() {
                // Somebody else has started it in between.
                Some(StartExecutionError::ExecutionAlreadyExists(_)) => Ok(()),
                _ => Err(TaskError::ExecutionsUnavailable(error.into())),
            },
        }
    }
}
