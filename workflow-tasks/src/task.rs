//! The boundary of every task: JSON in, JSON out, and the span of its log lines.

use jiff::Timestamp;
use lottery::{DrawId, LotteryId};
use lottery_store::{ReleaseWait, Visit, WaitToken};
use platform::Chain;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::{Instrument, Span, error, info, info_span, warn};

use crate::TaskError;
use crate::error::Severity;
use crate::position::{Position, Positions};

/// The input of a task.
pub trait TaskInput: DeserializeOwned {
    /// The span of the task's log lines: ids, and nothing personal.
    fn span(&self) -> Span;
}

/// The input of most tasks: a draw.
#[derive(Debug, Clone, Deserialize)]
pub struct DrawInput {
    /// The lottery.
    pub lottery_id: LotteryId,
    /// Its draw.
    pub draw_id: DrawId,
}

/// The input of the tasks that notify: a draw, and the position of the channel.
#[derive(Debug, Clone, Deserialize)]
pub struct SendInput {
    /// The lottery.
    pub lottery_id: LotteryId,
    /// Its draw.
    pub draw_id: DrawId,
    /// The position of the channel.
    pub position: Position,
}

/// The input of the tasks that end a draw: the draw, and the positions of its channels.
#[derive(Debug, Clone, Deserialize)]
pub struct EndInput {
    /// The lottery.
    pub lottery_id: LotteryId,
    /// Its draw.
    pub draw_id: DrawId,
    /// The positions of the channels.
    pub notify: Positions,
}

impl TaskInput for DrawInput {
    fn span(&self) -> Span {
        info_span!("task", lottery_id = %self.lottery_id, draw_id = %self.draw_id)
    }
}

impl TaskInput for SendInput {
    fn span(&self) -> Span {
        info_span!("task", lottery_id = %self.lottery_id, draw_id = %self.draw_id, next = self.position.next)
    }
}

impl TaskInput for EndInput {
    fn span(&self) -> Span {
        info_span!("task", lottery_id = %self.lottery_id, draw_id = %self.draw_id)
    }
}

/// Calls `handle` with one payload.
pub(crate) async fn call<I, O, F>(handle: impl FnOnce(I) -> F, payload: Value) -> Result<Value, TaskError>
where
    I: TaskInput,
    O: Serialize,
    F: Future<Output = Result<O, TaskError>>,
{
    // The message of serde repeats the wrong value, so it goes neither into the error nor into the log.
    let input: I = serde_json::from_value(payload).map_err(|_| TaskError::WrongInput)?;
    let span = input.span();
    async move {
        // Boxed, since the futures of SDK calls are large and deep.
        match Box::pin(handle(input)).await {
            Ok(output) => Ok(serde_json::to_value(output).expect("the outputs of tasks are plain data")),
            // One line for each error; the operator's alarms use its level.
            Err(error) => {
                let (name, cause) = (error.name(), Chain(&error));
                match error.severity() {
                    Severity::Expected => info!(error = name, %cause, "refused"),
                    Severity::Transient => warn!(error = name, %cause, "failed"),
                    Severity::Fault => error!(error = name, %cause, "failed"),
                }
                Err(error)
            }
        }
    }
    .instrument(span)
    .await
}

/// Which draw, how its notifications stand, and which visit of the state this is.
#[derive(Debug, Clone, Deserialize)]
pub struct LookInput {
    /// The draw.
    #[serde(flatten)]
    pub draw: DrawInput,
    /// Where the channels stand.
    pub notify: Positions,
    /// When the state was entered.
    pub entered_at: Timestamp,
}

impl TaskInput for LookInput {
    fn span(&self) -> Span {
        self.draw.span()
    }
}

/// Which draw waits, with which token, and for what.
#[derive(Debug, Clone, Deserialize)]
pub struct WaitInput {
    /// The draw.
    #[serde(flatten)]
    pub draw: DrawInput,
    /// The token of this wait.
    #[serde(deserialize_with = "token")]
    pub token: WaitToken,
    /// Up to where everything has been notified: the revision of the release, or, in a wait for claims (`reopened`), how often the
    /// draw had been reopened.
    #[serde(alias = "reopened")]
    pub seen: u32,
    /// When the state was entered.
    pub entered_at: Timestamp,
    /// How often it was retried.
    pub attempt: u32,
}

fn token<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<WaitToken, D::Error> {
    String::deserialize(deserializer).map(WaitToken::new)
}

impl WaitInput {
    /// What is stored with the draw: which visit of the state waits, and with which token.
    pub(crate) fn stored(&self) -> (Visit, ReleaseWait) {
        let visit = Visit { entered_at: self.entered_at, attempt: self.attempt };
        (visit, ReleaseWait { token: Some(self.token.clone()), seen: self.seen })
    }
}

impl TaskInput for WaitInput {
    fn span(&self) -> Span {
        self.draw.span()
    }
}

/// What it leaves to the state machine, which waits for the token: nothing.
#[derive(Debug, Serialize)]
pub struct Waiting {}
