//! The border of every task: JSON in, JSON out, and the span that its log lines carry.

use lottery::{DrawId, LotteryId};
use platform::Chain;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::{Instrument, Span, error, info, info_span, warn};

use crate::TaskError;
use crate::error::Surprise;
use crate::position::{Position, Positions};

/// What a task takes.
pub trait TaskInput: DeserializeOwned {
    /// The span of the task's log lines: ids, and nothing personal.
    fn span(&self) -> Span;
}

/// The input of most tasks: which draw.
#[derive(Debug, Clone, Deserialize)]
pub struct DrawInput {
    /// The lottery.
    pub lottery_id: LotteryId,
    /// Its draw.
    pub draw_id: DrawId,
}

/// The input of the tasks that notify: which draw, and where its channel stands.
#[derive(Debug, Clone, Deserialize)]
pub struct SendInput {
    /// The lottery.
    pub lottery_id: LotteryId,
    /// Its draw.
    pub draw_id: DrawId,
    /// Where the channel stands.
    pub position: Position,
}

/// The input of the tasks that end a draw: which draw, and where its channels stand.
#[derive(Debug, Clone, Deserialize)]
pub struct EndInput {
    /// The lottery.
    pub lottery_id: LotteryId,
    /// Its draw.
    pub draw_id: DrawId,
    /// Where the channels stand.
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

/// Lets `handle` answer one payload.
pub(crate) async fn call<I, O, F>(handle: impl FnOnce(I) -> F, payload: Value) -> Result<Value, TaskError>
where
    I: TaskInput,
    O: Serialize,
    F: Future<Output = Result<O, TaskError>>,
{
    // What serde says of a wrong value repeats the value, so it stays out of error and log.
    let input: I = serde_json::from_value(payload).map_err(|_| TaskError::WrongInput)?;
    let span = input.span();
    async move {
        // Boxed, since the futures of SDK calls are large and deep.
        match Box::pin(handle(input)).await {
            Ok(output) => Ok(serde_json::to_value(output).expect("the outputs of tasks are plain data")),
            // One line for each, whose level is what an operator's alarms go by.
            Err(error) => {
                let (name, cause) = (error.name(), Chain(&error));
                match error.surprise() {
                    Surprise::Expected => info!(error = name, %cause, "refused"),
                    Surprise::Passing => warn!(error = name, %cause, "failed"),
                    Surprise::Wrong => error!(error = name, %cause, "failed"),
                }
                Err(error)
            }
        }
    }
    .instrument(span)
    .await
}
