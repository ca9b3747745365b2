//! Executions: starting, stopping, redriving, describing and listing them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::active::{ActiveExecution, Replayed};
use super::versions::split_qualified;
use super::{
    Engine, EngineError, ExecutionDescription, ExecutionPage, ExecutionQuery, ExecutionStatus,
    ExecutionSummary, ExecutionsOf, HistoryData, HistoryOrder, HistoryPage, HistoryQuery, Inner, MachineType,
    NewExecution, PageCursor, Refusal, StartedExecution,
};
use crate::execution::{Caller, Command, Execution, Identity, Outcome, Qualified};
use crate::history::Show;
use crate::store::{ExecutionRow, key_of};

/// How long after its end an execution can be redriven, and how long after its start.
const REDRIVABLE_MILLIS: i64 = 14 * 24 * 3600 * 1000;
const OPEN_MILLIS: i64 = 365 * 24 * 3600 * 1000;

impl Engine {
    /// Starts an execution; returns once its start is stored.
    pub async fn start_execution(&self, new: NewExecution) -> Result<StartedExecution, Refusal> {
        let active = self.0.start(new, None).await?;
        Ok(StartedExecution { arn: active.identity.arn.to_string(), start_date: active.identity.start })
    }

    /// Starts an execution of an Express machine and waits for its end.
    pub async fn start_sync_execution(&self, new: NewExecution) -> Result<ExecutionDescription, Refusal> {
        let machine = self.find_state_machine(&new.state_machine_arn);
        if machine.is_some_and(|machine| machine.settings.machine_type != MachineType::Express) {
            return Err(Refusal::StateMachineTypeNotSupported(new.state_machine_arn));
        }
        let active = self.0.start(new, None).await?;
        self.0.wait_for_caller(active.wait_closed()).await.map_err(Refusal::Engine)?;
        self.describe_execution(&active.identity.arn).await
    }

    /// Stops an execution; returns when it stopped, in milliseconds since 1970. Tasks under way are not waited for.
    pub async fn stop_execution(
        &self,
        arn: &str,
        error: Option<String>,
        cause: Option<String>,
    ) -> Result<i64, Refusal> {
        let command = Command::Stop { error: error.map(Into::into), cause: cause.map(Into::into) };
        if let Some(active) = self.0.executions.by_arn(arn) {
            if let Some(applied) = self.0.apply(&active, command).await {
                self.0
                    .wait_for_caller(active.wait_stored(applied.sequence))
                    .await
                    .map_err(Refusal::Engine)?;
                return Ok(applied.now);
            }
            active.wait_closed().await.map_err(Refusal::Engine)?;
        }
        // It has ended already; AWS then returns when.
        let row = self.0.find_execution(arn)?;
        Ok(row.stop.unwrap_or_else(|| self.0.config.clock.now_millis()))
    }

    /// Resumes a failed execution where it failed; returns when, in milliseconds since 1970.
    pub async fn redrive_execution(&self, arn: &str) -> Result<i64, Refusal> {
        let active = self.0.reopen(arn).await?;
        let Some(applied) = self.0.apply(&active, Command::Redrive).await else {
            self.0.executions.remove(&active);
            return Err(Refusal::ExecutionNotRedrivable("Execution cannot be redriven".to_owned()));
        };
        self.0.wait_for_caller(active.wait_stored(applied.sequence)).await.map_err(Refusal::Engine)?;
        Ok(applied.now)
    }

    /// The status, input and output of an execution.
    pub async fn describe_execution(&self, arn: &str) -> Result<ExecutionDescription, Refusal> {
        let row = self.0.find_execution(arn)?;
        self.0.describe(row).ok_or_else(|| Refusal::ExecutionDoesNotExist(arn.to_owned()))
    }

    /// Waits for the end of an execution.
    pub async fn closed(&self, arn: &str) -> Result<ExecutionDescription, Refusal> {
        if let Some(active) = self.0.executions.by_arn(arn) {
            active.wait_closed().await.map_err(Refusal::Engine)?;
        }
        self.describe_execution(arn).await
    }

    /// A page of executions, newest first.
    pub async fn list_executions(&self, query: ExecutionQuery) -> Result<ExecutionPage, Refusal> {
        let arn = match &query.of {
            ExecutionsOf::StateMachine(arn) => {
                let machine = self.0.machines.find(arn);
                let machine = machine.ok_or_else(|| Refusal::StateMachineDoesNotExist(arn.clone()))?;
                if machine.settings.machine_type == MachineType::Express {
                    return Err(Refusal::StateMachineTypeNotSupported(arn.clone()));
                }
                split_qualified(arn).map_or(arn.as_str(), |(machine, _)| machine)
            }
            ExecutionsOf::MapRun(arn) => {
                if self.0.store.map_run_execution(arn)?.is_none() {
                    return Err(Refusal::ResourceNotFound(arn.clone()));
                }
                arn
            }
        };
        let owner = key_of(arn.as_bytes());
        let mut executions = Vec::new();
        let mut before = query.after.as_ref().map(|cursor| cursor.number);
        // A filter may leave a page short, which is then filled up; one more than wanted shows whether there are more.
        loop {
            let rows = self.0.store.executions_of(owner, before, query.status, query.limit + 1)?;
            let is_last = rows.len() <= query.limit;
            before = rows.last().map(|row| row.number);
            executions.extend(rows.into_iter().filter(|row| passes(row, &query)));
            if is_last || executions.len() > query.limit {
                break;
            }
        }
        let has_more = executions.len() > query.limit;
        executions.truncate(query.limit);
        let next = match executions.last() {
            Some(row) if has_more => Some(PageCursor {
                start_date: row.identity.as_ref().map_or(0, |identity| identity.start),
                number: row.number,
            }),
            _ => None,
        };
        Ok(ExecutionPage { executions: executions.iter().filter_map(summary).collect(), next })
    }

    /// Events of an execution's history.
    pub async fn execution_history(&self, arn: &str, query: HistoryQuery) -> Result<HistoryPage, Refusal> {
        let row = self.0.find_execution(arn)?;
        let show = match query.data {
            HistoryData::Included => Show::Everything,
            HistoryData::Left => Show::WithoutData,
        };
        let forward = |total: usize| query.skip.min(total)..query.skip.saturating_add(query.limit).min(total);
        let range = |total: usize| match query.order {
            HistoryOrder::Forward => forward(total),
            HistoryOrder::Reverse => total - forward(total).end..total - forward(total).start,
        };
        let slice = self.0.store.events(row.number, range).inspect_err(|error| {
            tracing::error!(%error, arn, "the history of an execution cannot be read");
        })?;
        let slice = slice.ok_or_else(|| Refusal::ExecutionDoesNotExist(arn.to_owned()))?;
        let mut events: Vec<_> = slice.events.iter().map(|(now, event)| event.render(*now, show)).collect();
        if query.order == HistoryOrder::Reverse {
            events.reverse();
        }
        Ok(HistoryPage { events, more: slice.total > query.skip.saturating_add(query.limit) })
    }
}

impl Inner {
    /// Starts an execution, or returns the one that the same request started.
    pub(super) async fn start(
        self: &Arc<Inner>,
        new: NewExecution,
        caller: Option<Caller>,
    ) -> Result<Arc<ActiveExecution>, Refusal> {
        // A nested start waits for the store: a failure here would be one of the execution.
        if caller.is_none() {
            self.check_store()?;
        }
        let (machine_arn, test_case) = self.split_test_case(&new.state_machine_arn);
        let (machine, qualified) = self
            .machines
            .to_start(machine_arn)
            .ok_or_else(|| Refusal::StateMachineDoesNotExist(new.state_machine_arn.clone()))?;
        let settings = &machine.description.settings;
        self.check_test_case(&settings.name, test_case)?;
        let is_express = settings.machine_type == MachineType::Express;
        let is_named = new.name.is_some();
        let name = new.name.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
        let arn = if is_express {
            format!("{}:express:{}:{name}:{}", self.arn_prefix(), settings.name, uuid::Uuid::new_v4())
        } else {
            format!("{}:execution:{}:{name}", self.arn_prefix(), settings.name)
        };
        let identity = Identity {
            number: self.next_number(),
            arn: arn.into(),
            name: name.into(),
            state_machine_arn: machine.description.arn.as_str().into(),
            state_machine_name: settings.name.as_str().into(),
            role_arn: settings.role_arn.as_str().into(),
            region: self.config.region.as_str().into(),
            execution_type: settings.machine_type,
            input: new.input,
            start: self.config.clock.now_millis(),
            seed: uuid::Uuid::new_v4().as_u128(),
            trace_header: new.trace_header.map(Into::into),
            map_child: None,
            caller,
            qualified,
            test_case: test_case.map(Into::into),
            wait_scale: self.config.wait_scale,
        };
        let mocked = self.mocked(&identity);
        let active = Arc::new(ActiveExecution::new(Arc::new(identity), machine).with_mocks(mocked));
        if let Some(started) = self.claim_arn(&active).await? {
            return Ok(started);
        }
        // A name that was made here is new; one of the caller's may have been used.
        if is_named
            && !is_express
            && let Some(started) = self.find_earlier(&active)?
        {
            return Ok(started);
        }
        let applied =
            self.apply(&active, Command::Start).await.ok_or(Refusal::Engine(EngineError::Stopped))?;
        let stored = active.wait_stored(applied.sequence);
        let stored = if caller.is_some() { stored.await } else { self.wait_for_caller(stored).await };
        stored.map_err(Refusal::Engine)?;
        Ok(active)
    }

    /// Claims the ARN of an execution that is about to start, or returns the execution in memory that the same request
    /// started.
    async fn claim_arn(
        &self,
        active: &Arc<ActiveExecution>,
    ) -> Result<Option<Arc<ActiveExecution>>, Refusal> {
        while let Err(other) = self.executions.add(active) {
            // The other one holds the ARN once its start is stored.
            match other.wait_stored(1).await {
                Ok(()) if is_same_request(&other.identity, &active.identity) => return Ok(Some(other)),
                Ok(()) => return Err(Refusal::ExecutionAlreadyExists(active.identity.arn.to_string())),
                Err(error) if self.store.has_failed() => return Err(Refusal::Engine(error)),
                // It gives the ARN up, as an earlier execution has it. That takes no time: no need to sleep.
                Err(_) => tokio::task::yield_now().await,
            }
        }
        Ok(None)
    }

    /// Looks for a stored execution with the ARN that `active` has claimed, which is given up if there is one.
    fn find_earlier(&self, active: &Arc<ActiveExecution>) -> Result<Option<Arc<ActiveExecution>>, Refusal> {
        let found = match self.store.execution(&active.identity.arn) {
            Ok(None) => return Ok(None),
            Ok(Some(row)) => self.find_again(row, active).map(Some),
            Err(error) => Err(error.into()),
        };
        self.executions.remove(active);
        active.mark_lost();
        found
    }

    /// An earlier execution has this name. Only the task that started it gets it back.
    fn find_again(&self, row: ExecutionRow, new: &ActiveExecution) -> Result<Arc<ActiveExecution>, Refusal> {
        let exists = || Refusal::ExecutionAlreadyExists(new.identity.arn.to_string());
        let identity = row.identity.map_err(|_| exists())?;
        if identity.caller.is_some() && identity.caller == new.identity.caller {
            let machine = Arc::clone(&new.machine);
            return Ok(Arc::new(ActiveExecution::new(Arc::new(identity), machine)));
        }
        Err(exists())
    }

    pub(super) fn find_execution(&self, arn: &str) -> Result<ExecutionRow, Refusal> {
        self.store.execution(arn)?.ok_or_else(|| Refusal::ExecutionDoesNotExist(arn.to_owned()))
    }

    /// Folds the records of an execution into what it was.
    pub(super) fn replay(&self, row: ExecutionRow) -> Result<Replayed, EngineError> {
        let damaged = |record: u64| EngineError::Damaged { execution: row.number, record };
        let machine = self.machines.revision(row.revision).ok_or_else(|| damaged(0))?;
        let identity = Arc::new(row.identity.map_err(|_| damaged(0))?);
        let records = self.store.records(row.number)?;
        let mut execution = Execution::new(Arc::clone(&identity), &machine.description.machine);
        let mut sequence = 0;
        for record in records {
            sequence += 1;
            let applied =
                catch_unwind(AssertUnwindSafe(|| execution.apply(&record.command, record.now, record.pace)));
            let effects = applied.ok().flatten().ok_or_else(|| damaged(sequence))?;
            if effects.events != record.events {
                return Err(EngineError::Diverged { execution: row.number, record: sequence });
            }
        }
        Ok(Replayed { identity, machine, execution, sequence })
    }

    /// Brings a closed execution back into memory.
    async fn reopen(self: &Arc<Inner>, arn: &str) -> Result<Arc<ActiveExecution>, Refusal> {
        let row = self.find_execution(arn)?;
        if let Ok(identity) = &row.identity {
            self.redrivable(identity, row.status(), row.stop).map_err(Refusal::ExecutionNotRedrivable)?;
        }
        let replayed = self.replay(row).map_err(Refusal::Engine)?;
        if replayed.sequence == 0 {
            return Err(Refusal::ExecutionNotRedrivable("Execution history is not kept any more".to_owned()));
        }
        let mocked = self.mocked(&replayed.identity);
        let active = Arc::new(ActiveExecution::resumed(replayed).with_mocks(mocked));
        self.executions.add(&active).map_err(|_| {
            Refusal::ExecutionNotRedrivable("Execution is RUNNING and cannot be redriven".to_owned())
        })?;
        Ok(active)
    }

    fn redrivable(
        &self,
        identity: &Identity,
        status: ExecutionStatus,
        stop: Option<i64>,
    ) -> Result<(), String> {
        match status {
            ExecutionStatus::Running | ExecutionStatus::Succeeded | ExecutionStatus::PendingRedrive => {
                return Err(format!("Execution is {} and cannot be redriven", status.as_str()));
            }
            ExecutionStatus::Failed | ExecutionStatus::TimedOut | ExecutionStatus::Aborted => {}
        }
        if identity.map_child.is_some() {
            return Err(
                "Execution was started by a Map Run and can only be redriven by its parent".to_owned()
            );
        }
        let now = self.config.clock.now_millis();
        if now - stop.unwrap_or(now) > REDRIVABLE_MILLIS || now - identity.start > OPEN_MILLIS {
            return Err("Execution is past the redrivable period".to_owned());
        }
        Ok(())
    }

    pub(super) fn describe(&self, row: ExecutionRow) -> Option<ExecutionDescription> {
        let ExecutionRow { stop, redrives, redrive_date, identity, outcome, .. } = row;
        Some(self.describe_at(&identity.ok()?, outcome, Progress { stop, redrives, redrive_date }))
    }

    /// An execution as it was, or is, with this outcome.
    pub(super) fn describe_at(
        &self,
        identity: &Identity,
        outcome: Option<Outcome>,
        progress: Progress,
    ) -> ExecutionDescription {
        let Progress { stop, redrives, redrive_date } = progress;
        let running = Outcome { status: ExecutionStatus::Running, output: None, error: None, cause: None };
        let Outcome { status, output, error, cause } = outcome.unwrap_or(running);
        ExecutionDescription {
            arn: identity.arn.to_string(),
            state_machine_arn: identity.state_machine_arn.to_string(),
            name: identity.name.to_string(),
            status,
            start_date: identity.start,
            stop_date: stop,
            input: identity.input.clone(),
            output,
            error: error.map(|text| text.to_string()),
            cause: cause.map(|text| text.to_string()),
            map_run_arn: identity.map_child.as_ref().map(|child| child.map_run_arn.to_string()),
            item_count: identity.map_child.as_ref().map(|child| child.items),
            trace_header: identity.trace_header.as_ref().map(|text| text.to_string()),
            redrive_count: redrives,
            redrive_date,
            state_machine_version_arn: version_arn(identity.qualified.as_ref()),
            state_machine_alias_arn: alias_arn(identity.qualified.as_ref()),
            redrive_status: self.redrivable(identity, status, stop),
        }
    }
}

/// How far an execution has come.
#[derive(Clone, Copy)]
pub(super) struct Progress {
    pub(super) stop: Option<i64>,
    pub(super) redrives: u32,
    pub(super) redrive_date: Option<i64>,
}

/// Whether a second request for the same name is the first one again.
fn is_same_request(first: &Identity, second: &Identity) -> bool {
    first.input == second.input && first.caller == second.caller
}

fn passes(row: &ExecutionRow, query: &ExecutionQuery) -> bool {
    query.redriven.is_none_or(|redriven| redriven == (row.redrives > 0)) && is_of(row, &query.of)
}

/// Whether an execution was started of the version or the alias that a list is requested of.
fn is_of(row: &ExecutionRow, of: &ExecutionsOf) -> bool {
    let ExecutionsOf::StateMachine(arn) = of else { return true };
    if split_qualified(arn).is_none() {
        return true;
    }
    let qualified = row.identity.as_ref().ok().and_then(|identity| identity.qualified.as_ref());
    qualified.is_some_and(|qualified| {
        *qualified.version_arn == **arn || qualified.alias_arn.as_deref() == Some(arn)
    })
}

pub(super) fn summary(row: &ExecutionRow) -> Option<ExecutionSummary> {
    let identity = row.identity.as_ref().ok()?;
    Some(ExecutionSummary {
        arn: identity.arn.to_string(),
        state_machine_arn: identity.state_machine_arn.to_string(),
        name: identity.name.to_string(),
        status: row.status(),
        start_date: identity.start,
        stop_date: row.stop,
        map_run_arn: identity.map_child.as_ref().map(|child| child.map_run_arn.to_string()),
        item_count: identity.map_child.as_ref().map(|child| child.items),
        redrive_count: row.redrives,
        redrive_date: row.redrive_date,
        state_machine_version_arn: version_arn(identity.qualified.as_ref()),
        state_machine_alias_arn: alias_arn(identity.qualified.as_ref()),
    })
}

fn version_arn(qualified: Option<&Qualified>) -> Option<String> {
    qualified.map(|qualified| qualified.version_arn.to_string())
}

fn alias_arn(qualified: Option<&Qualified>) -> Option<String> {
    qualified?.alias_arn.as_deref().map(str::to_owned)
}
