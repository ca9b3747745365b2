//! Runs of Distributed Map states.

use super::answer::Answer;
use super::page;
use super::{Outcome, Service};
use crate::data::Json;
use crate::model::{MapRunChange, MapRunCounts};
use crate::protocol::{Request, arn, arn::ResourceType};

impl Service {
    pub(super) async fn list_map_runs(&self, request: &mut Request) -> Outcome {
        let execution_arn = request.required_text("executionArn", 1, 256);
        let limit = request.max_results(100, 1000);
        let offset = page::offset(request)?;
        request.check()?;
        arn::check(&execution_arn, &[ResourceType::Execution])?;
        let runs = self.engine.map_runs(&execution_arn).await?;
        let (runs, next) = page::slice(&runs, offset, limit);
        let runs = runs.iter().map(|run| {
            Answer::new()
                .with("mapRunArn", run.arn.as_str())
                .with("executionArn", run.execution_arn.as_str())
                .with("stateMachineArn", run.state_machine_arn.as_str())
                .timestamp("startDate", run.start_date)
                .some_timestamp("stopDate", run.stop_date)
                .done()
        });
        Ok(Answer::new().with("mapRuns", Json::array(runs)).with_some("nextToken", next).done())
    }

    pub(super) async fn describe_map_run(&self, request: &mut Request) -> Outcome {
        let map_run_arn = request.required_text("mapRunArn", 1, 2000);
        request.check()?;
        arn::check(&map_run_arn, &[ResourceType::MapRun])?;
        let run = self.engine.map_run(&map_run_arn).await?;
        Ok(Answer::new()
            .with("mapRunArn", run.arn.as_str())
            .with("executionArn", run.execution_arn.as_str())
            .with("status", run.status.as_str())
            .timestamp("startDate", run.start_date)
            .some_timestamp("stopDate", run.stop_date)
            .with("maxConcurrency", run.max_concurrency)
            .with("toleratedFailurePercentage", run.tolerated_failure_percentage)
            .with("toleratedFailureCount", run.tolerated_failure_count)
            .with("itemCounts", counts(&run.item_counts))
            .with("executionCounts", counts(&run.execution_counts))
            .with("redriveCount", run.redrive_count)
            .some_timestamp("redriveDate", run.redrive_date)
            .done())
    }
}

impl Service {
    pub(super) async fn update_map_run(&self, request: &mut Request) -> Outcome {
        let map_run_arn = request.required_text("mapRunArn", 1, 2000);
        let whole = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok());
        let change = MapRunChange {
            max_concurrency: whole(request.integer("maxConcurrency", 0, i64::from(i32::MAX))),
            tolerated_failure_count: whole(request.integer("toleratedFailureCount", 0, i64::MAX)),
            tolerated_failure_percentage: request.number("toleratedFailurePercentage", 0.0, 100.0),
        };
        request.check()?;
        arn::check(&map_run_arn, &[ResourceType::MapRun])?;
        self.engine.update_map_run(&map_run_arn, change).await?;
        Ok(Json::empty_object())
    }
}

fn counts(counts: &MapRunCounts) -> Json {
    Answer::new()
        .with("pending", counts.pending)
        .with("running", counts.running)
        .with("succeeded", counts.succeeded)
        .with("failed", counts.failed)
        .with("timedOut", counts.timed_out)
        .with("aborted", counts.aborted)
        .with("total", counts.total)
        // Results are written to an object store only, and there is none.
        .with("resultsWritten", 0)
        .with("failuresNotRedrivable", counts.failures_not_redrivable)
        .with("pendingRedrive", counts.pending_redrive)
        .done()
}
