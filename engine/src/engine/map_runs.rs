//! Map runs: starting the children of Distributed Maps, and describing the runs.

use std::sync::Arc;

use super::active::{ActiveExecution, Replayed};
use super::{Engine, ExecutionStatus, Inner, MapRunChange, MapRunDescription, Refusal};
use crate::execution::{ChildStart, Command, Identity, MapChild, MapRunState, Outcome};
use crate::store::ExecutionRow;

impl Engine {
    /// The map runs of an execution, in the order in which they began.
    pub async fn map_runs(&self, execution_arn: &str) -> Result<Vec<MapRunDescription>, Refusal> {
        let row = self.0.find_execution(execution_arn)?;
        self.0.map_runs_of(row)
    }

    /// The map run with this ARN.
    pub async fn map_run(&self, arn: &str) -> Result<MapRunDescription, Refusal> {
        let row = self.0.store.map_run_execution(arn)?;
        let row = row.ok_or_else(|| Refusal::ResourceNotFound(arn.to_owned()))?;
        let runs = self.0.map_runs_of(row)?;
        runs.into_iter().find(|run| run.arn == arn).ok_or_else(|| Refusal::ResourceNotFound(arn.to_owned()))
    }
}

impl Engine {
    /// Changes the limits of a map run under way.
    pub async fn update_map_run(&self, arn: &str, change: MapRunChange) -> Result<(), Refusal> {
        let run = self.map_run(arn).await?;
        let command = Command::UpdateMapRun { arn: arn.into(), change };
        let applied = match self.0.executions.by_arn(&run.execution_arn) {
            Some(active) => self.0.apply(&active, command).await.map(|applied| (active, applied)),
            None => None,
        };
        let (active, applied) = applied
            .ok_or_else(|| Refusal::Invalid("Map Run has completed and cannot be updated".to_owned()))?;
        self.0.wait_for_caller(active.wait_stored(applied.sequence)).await.map_err(Refusal::Engine)
    }
}

impl Inner {
    /// The map runs of an execution, from its stored records.
    fn map_runs_of(&self, row: ExecutionRow) -> Result<Vec<MapRunDescription>, Refusal> {
        let Replayed { identity, execution, .. } = self.replay(row).map_err(Refusal::Engine)?;
        Ok(execution.map_runs().into_iter().map(|run| describe(&identity, run)).collect())
    }

    /// Starts a child of a Distributed Map, or finds the child that was started before a crash.
    pub(super) async fn start_child(self: &Arc<Inner>, parent: &Arc<ActiveExecution>, start: ChildStart) {
        if self.executions.by_arn(&start.arn).is_some() {
            return;
        }
        match self.store.execution(&start.arn) {
            Ok(None) => self.start_new_child(parent, start).await,
            Ok(Some(row)) => self.find_child(parent, &start, row).await,
            Err(error) => {
                tracing::error!(%error, child = &*start.arn, "a child of a map run cannot be looked up")
            }
        }
    }

    async fn start_new_child(self: &Arc<Inner>, parent: &Arc<ActiveExecution>, start: ChildStart) {
        let of = &parent.identity;
        let identity = Identity {
            number: self.next_number(),
            arn: start.arn,
            name: start.name,
            state_machine_arn: Arc::clone(&of.state_machine_arn),
            state_machine_name: Arc::clone(&of.state_machine_name),
            role_arn: Arc::clone(&of.role_arn),
            region: Arc::clone(&of.region),
            execution_type: start.execution_type,
            input: start.input,
            start: self.config.clock.now_millis(),
            seed: uuid::Uuid::new_v4().as_u128(),
            trace_header: None,
            map_child: Some(MapChild {
                parent: of.number,
                run: start.run,
                index: start.index,
                map_run_arn: start.map_run_arn,
                state: start.state,
                items: start.items,
                item: start.item,
                source: start.source,
            }),
            caller: None,
            qualified: None,
            test_case: of.test_case.clone(),
            wait_scale: of.wait_scale,
        };
        let active = ActiveExecution::new(Arc::new(identity), Arc::clone(&parent.machine));
        let active = Arc::new(active.with_mocks(parent.mocked.clone()));
        if self.executions.add(&active).is_ok() {
            self.apply(&active, Command::Start).await;
        }
    }

    /// A child that was started before: its end is reported again, or it is redriven with its parent.
    async fn find_child(
        self: &Arc<Inner>,
        parent: &Arc<ActiveExecution>,
        start: &ChildStart,
        row: ExecutionRow,
    ) {
        let Some(outcome) = row.outcome.clone() else { return };
        if outcome.status != ExecutionStatus::Succeeded && row.redrives < start.redrives {
            match self.replay(row) {
                Ok(replayed) => {
                    let active = ActiveExecution::resumed(replayed).with_mocks(parent.mocked.clone());
                    let active = Arc::new(active);
                    if self.executions.add(&active).is_ok()
                        && self.apply(&active, Command::Redrive).await.is_none()
                    {
                        self.executions.remove(&active);
                        self.child_ended(parent, start, outcome).await;
                    }
                }
                Err(error) => {
                    tracing::error!(%error, child = &*start.arn, "a child of a map run cannot be redriven");
                    self.child_ended(parent, start, outcome).await;
                }
            }
            return;
        }
        self.child_ended(parent, start, outcome).await;
    }

    async fn child_ended(
        self: &Arc<Inner>,
        parent: &Arc<ActiveExecution>,
        start: &ChildStart,
        outcome: Outcome,
    ) {
        self.apply(parent, Command::ChildClosed { run: start.run, index: start.index, outcome }).await;
    }
}

fn describe(identity: &Identity, run: MapRunState) -> MapRunDescription {
    MapRunDescription {
        arn: run.arn.to_string(),
        execution_arn: identity.arn.to_string(),
        state_machine_arn: identity.state_machine_arn.to_string(),
        status: run.status,
        start_date: run.start,
        stop_date: run.stop,
        max_concurrency: run.max_concurrency,
        tolerated_failure_count: run.tolerance.count.unwrap_or(0),
        tolerated_failure_percentage: run.tolerance.percentage.unwrap_or(0.0),
        item_counts: run.items,
        execution_counts: run.executions,
        redrive_count: run.redrive_count,
        redrive_date: run.redrive_date,
    }
}
