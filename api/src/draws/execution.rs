//! The execution that carries a draw, as Step Functions knows it: start, stop, and what has happened so far.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_sfn::Client;
use aws_sdk_sfn::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use jiff::Timestamp;
use lottery::{Draw, DrawId};
use serde_json::json;
use tokio::time::Instant;

use super::history::{History, Progress, PublicEvent};
use crate::error::ApiError;

/// However many watch a draw, its history is read no more often than this.
const REFRESH: Duration = Duration::from_millis(400);
/// Histories kept; the longest unasked is dropped first.
const KEPT: usize = 64;
const EVENTS_PER_CALL: i32 = 100;

/// Executions of the one state machine.
pub(crate) struct Executions {
    client: Client,
    state_machine_arn: String,
    watched: Mutex<HashMap<String, Watched>>,
}

#[derive(Clone)]
struct Watched {
    history: Arc<tokio::sync::Mutex<Cached>>,
    asked_at: Instant,
}

#[derive(Default)]
struct Cached {
    history: History,
    read_at: Option<Instant>,
}

impl Executions {
    pub(crate) fn new(client: Client, state_machine_arn: String) -> Self {
        Self { client, state_machine_arn, watched: Mutex::default() }
    }

    /// The ARN that the execution of a draw has: its name follows from the draw's id.
    pub(crate) fn arn(&self, draw_id: &DrawId) -> String {
        lottery_store::execution_arn(&self.state_machine_arn, &name(draw_id))
    }

    /// Starts the execution of a draw. Started already, running or closed, is as good.
    pub(crate) async fn start(&self, draw: &Draw) -> Result<String, StartError> {
        let mut input = json!({ "lottery_id": draw.lottery_id, "draw_id": draw.draw_id });
        if let Some(closes_at) = draw.closes_at {
            input["closes_at"] = json!(closes_at);
        }
        let started = self
            .client
            .start_execution()
            .state_machine_arn(&self.state_machine_arn)
            .name(name(&draw.draw_id))
            .input(input.to_string())
            .send()
            .await;
        match started {
            Ok(output) => Ok(output.execution_arn),
            Err(error) if error.code() == Some("ExecutionAlreadyExists") => {
                self.existing(&draw.draw_id).await
            }
            Err(error) => Err(StartError::of(error)),
        }
    }

    async fn existing(&self, draw_id: &DrawId) -> Result<String, StartError> {
        let described = self.client.describe_execution().execution_arn(self.arn(draw_id)).send().await;
        described.map(|output| output.execution_arn).map_err(StartError::of)
    }

    /// Stops the execution of a draw; one that is closed, or never began, is stopped.
    pub(crate) async fn stop(&self, draw_id: &DrawId) -> Result<(), ApiError> {
        let stopped = self
            .client
            .stop_execution()
            .execution_arn(self.arn(draw_id))
            .error("DrawCancelled")
            .cause("The organiser cancelled the draw")
            .send()
            .await;
        match stopped {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some("ExecutionDoesNotExist") => Ok(()),
            Err(error) => Err(ApiError::unavailable(DisplayErrorContext(error))),
        }
    }

    /// The states that an execution is in, as far as they can be known now; `None` if they cannot.
    pub(crate) async fn current_states(&self, execution_arn: &str) -> Option<Vec<String>> {
        self.with_history(execution_arn, History::open_states).await.ok()
    }

    /// The events behind `after`, and how far the execution has come.
    pub(crate) async fn events(
        &self,
        execution_arn: &str,
        after: i64,
        most: usize,
    ) -> Result<(Vec<PublicEvent>, Progress), ApiError> {
        self.with_history(execution_arn, |history| (history.after(after, most), history.progress())).await
    }

    async fn with_history<T>(
        &self,
        execution_arn: &str,
        look: impl FnOnce(&History) -> T,
    ) -> Result<T, ApiError> {
        let shared = self.watched(execution_arn);
        // Held while reading, so that many who ask at once read once.
        let mut cached = shared.lock().await;
        let is_fresh = cached.read_at.is_some_and(|at| at.elapsed() < REFRESH);
        if !is_fresh && !cached.history.has_ended() {
            self.refresh(execution_arn, &mut cached.history).await?;
            cached.read_at = Some(Instant::now());
        }
        Ok(look(&cached.history))
    }

    fn watched(&self, execution_arn: &str) -> Arc<tokio::sync::Mutex<Cached>> {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        if !watched.contains_key(execution_arn) && watched.len() >= KEPT {
            let oldest = watched.iter().min_by_key(|(_, one)| one.asked_at).map(|(arn, _)| arn.clone());
            if let Some(oldest) = oldest {
                watched.remove(&oldest);
            }
        }
        let one = watched
            .entry(execution_arn.to_owned())
            .or_insert_with(|| Watched { history: Arc::default(), asked_at: Instant::now() });
        one.asked_at = Instant::now();
        Arc::clone(&one.history)
    }

    /// Reads backwards from the newest event to the first that is known.
    async fn refresh(&self, execution_arn: &str, history: &mut History) -> Result<(), ApiError> {
        let (mut new, mut token) = (Vec::new(), None);
        loop {
            let page = self
                .client
                .get_execution_history()
                .execution_arn(execution_arn)
                .reverse_order(true)
                .include_execution_data(false)
                .max_results(EVENTS_PER_CALL)
                .set_next_token(token)
                .send()
                .await;
            let page = match page {
                Ok(page) => page,
                // Accepted a moment ago, or started again by the reconciler under another name.
                Err(error) if error.code() == Some("ExecutionDoesNotExist") => return Ok(()),
                Err(error) => return Err(ApiError::unavailable(DisplayErrorContext(error))),
            };
            let reaches_known = page.events.iter().any(|event| event.id <= history.last_id());
            new.extend(page.events);
            token = page.next_token;
            if reaches_known || token.is_none() {
                break;
            }
        }
        history.extend(new);
        Ok(())
    }
}

/// The name of a draw's execution.
fn name(draw_id: &DrawId) -> String {
    format!("draw-{draw_id}")
}

/// Why an execution did not start.
#[derive(Debug)]
pub(crate) enum StartError {
    /// Perhaps it did: there was no answer, or one that says nothing about it.
    Unknown(String),
    /// It did not, and will not.
    Refused(String),
}

impl StartError {
    fn of<E>(error: SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let refused = matches!(
            error.code(),
            Some(
                "StateMachineDoesNotExist"
                    | "StateMachineDeleting"
                    | "InvalidArn"
                    | "InvalidName"
                    | "InvalidExecutionInput"
                    | "ValidationException"
                    | "AccessDeniedException"
            )
        );
        let text = DisplayErrorContext(error).to_string();
        if refused { Self::Refused(text) } else { Self::Unknown(text) }
    }
}

/// A moment as Step Functions gives it, to the millisecond: it comes as a floating-point number of seconds.
pub(super) fn moment(time: &aws_smithy_types::DateTime) -> Option<Timestamp> {
    Timestamp::from_nanosecond(time.as_nanos()).ok()?.round(jiff::Unit::Millisecond).ok()
}
