//! Executions: started, stopped, redriven, shown, listed, and their histories.

use super::answer::Answer;
use super::machines::{Included, included_data};
use super::page;
use super::{Outcome, Service};
use crate::data::Json;
use crate::integration::billing;
use crate::model::{
    ExecutionDescription, ExecutionQuery, ExecutionStatus, ExecutionsOf, HistoryData, HistoryOrder,
    HistoryQuery, MachineType,
};
use crate::protocol::{
    EXECUTIONS, Exception, Request, Stop, arn, arn::ResourceType, execution_arn, new_execution,
    type_not_supported,
};

impl Service {
    pub(super) async fn start_execution(&self, request: &mut Request) -> Outcome {
        let new = new_execution(request)?;
        self.machine(&new.state_machine_arn)?;
        let started = self.engine.start_execution(new).await?;
        Ok(Answer::new()
            .with("executionArn", started.arn.as_str())
            .timestamp("startDate", started.start_date)
            .done())
    }

    pub(super) async fn start_sync_execution(&self, request: &mut Request) -> Outcome {
        let included = included_data(request);
        let new = new_execution(request)?;
        let machine = self.machine(&new.state_machine_arn)?;
        if machine.settings.machine_type == MachineType::Standard {
            return Err(type_not_supported());
        }
        let execution = self.engine.start_sync_execution(new).await?;
        let (milliseconds, megabytes) = billing(&execution);
        let billing = Answer::new()
            .with("billedDurationInMilliseconds", milliseconds)
            .with("billedMemoryUsedInMB", megabytes)
            .done();
        Ok(summary(&execution, included)
            .with("name", execution.name.as_str())
            .with("billingDetails", billing)
            .with_some("traceHeader", execution.trace_header.as_deref())
            .done())
    }

    pub(super) async fn stop_execution(&self, request: &mut Request) -> Outcome {
        let Stop { execution_arn, error, cause } = Stop::read(request)?;
        let stopped = self.engine.stop_execution(&execution_arn, error, cause).await?;
        Ok(Answer::new().timestamp("stopDate", stopped).done())
    }

    pub(super) async fn redrive_execution(&self, request: &mut Request) -> Outcome {
        let execution_arn = request.required_text("executionArn", 1, 256);
        request.text("clientToken", 1, 64);
        request.check()?;
        if arn::check(&execution_arn, EXECUTIONS)? == ResourceType::Express {
            return Err(type_not_supported());
        }
        let redriven = self.engine.redrive_execution(&execution_arn).await?;
        Ok(Answer::new().timestamp("redriveDate", redriven).done())
    }

    /// DIFFERENCE: executions of Express machines are shown too; AWS shows them in CloudWatch Logs only.
    pub(super) async fn describe_execution(&self, request: &mut Request) -> Outcome {
        let included = included_data(request);
        let execution_arn = execution_arn(request)?;
        let execution = self.engine.describe_execution(&execution_arn).await?;
        let (redrivable, reason) = execution.redrive_words();
        Ok(summary(&execution, included)
            .with("name", execution.name.as_str())
            .with_some("mapRunArn", execution.map_run_arn.as_deref())
            .with_some("traceHeader", execution.trace_header.as_deref())
            .with("redriveCount", execution.redrive_count)
            .some_timestamp("redriveDate", execution.redrive_date)
            .with("redriveStatus", redrivable)
            .with_some("redriveStatusReason", reason)
            .with_some("stateMachineVersionArn", execution.state_machine_version_arn.as_deref())
            .with_some("stateMachineAliasArn", execution.state_machine_alias_arn.as_deref())
            .done())
    }

    pub(super) async fn list_executions(&self, request: &mut Request) -> Outcome {
        let machine_arn = request.text("stateMachineArn", 1, 256);
        let map_run_arn = request.text("mapRunArn", 1, 2000);
        let statuses = &["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE"];
        let status = request.word("statusFilter", statuses);
        let redriven = request.word("redriveFilter", &["REDRIVEN", "NOT_REDRIVEN"]);
        let limit = request.max_results(100, 1000);
        let after = page::cursor(request)?;
        request.check()?;
        let of = match (machine_arn, map_run_arn) {
            (Some(arn), None) => {
                arn::check(&arn, &[ResourceType::StateMachine])?;
                // Only children of a map run wait for a redrive.
                if status.as_deref() == Some("PENDING_REDRIVE") {
                    return Err(Exception::validation(
                        "The status filter 'PENDING_REDRIVE' is valid only with a MapRun ARN",
                    ));
                }
                if self.machine(&arn)?.settings.machine_type == MachineType::Express {
                    return Err(type_not_supported());
                }
                ExecutionsOf::StateMachine(arn)
            }
            (None, Some(arn)) => {
                arn::check(&arn, &[ResourceType::MapRun])?;
                ExecutionsOf::MapRun(arn)
            }
            (None, None) => {
                return Err(Exception::validation("Must provide a StateMachine ARN or MapRun ARN"));
            }
            (Some(_), Some(_)) => {
                return Err(Exception::validation(
                    "Must specify exactly one of 'stateMachineArn' and 'mapRunArn'",
                ));
            }
        };
        let query = ExecutionQuery {
            of,
            status: status.as_deref().and_then(ExecutionStatus::parse),
            redriven: redriven.map(|word| word == "REDRIVEN"),
            limit,
            after,
        };
        let page = self.engine.list_executions(query).await?;
        let executions = page.executions.iter().map(|execution| {
            Answer::new()
                .with("executionArn", execution.arn.as_str())
                .with("stateMachineArn", execution.state_machine_arn.as_str())
                .with("name", execution.name.as_str())
                .with("status", execution.status.as_str())
                .timestamp("startDate", execution.start_date)
                .some_timestamp("stopDate", execution.stop_date)
                .with_some("mapRunArn", execution.map_run_arn.as_deref())
                .with_some("itemCount", execution.item_count)
                .with("redriveCount", execution.redrive_count)
                .some_timestamp("redriveDate", execution.redrive_date)
                .with_some("stateMachineVersionArn", execution.state_machine_version_arn.as_deref())
                .with_some("stateMachineAliasArn", execution.state_machine_alias_arn.as_deref())
                .done()
        });
        Ok(Answer::new()
            .with("executions", Json::array(executions))
            .with_some("nextToken", page.next.as_ref().map(page::cursor_token))
            .done())
    }

    pub(super) async fn execution_history(&self, request: &mut Request) -> Outcome {
        let execution_arn = request.required_text("executionArn", 1, 256);
        let limit = request.max_results(100, 1000);
        let order = match request.flag("reverseOrder") {
            Some(true) => HistoryOrder::Reverse,
            _ => HistoryOrder::Forward,
        };
        let data = match request.flag("includeExecutionData") {
            Some(false) => HistoryData::Left,
            _ => HistoryData::Included,
        };
        let skip = page::offset(request)?;
        request.check()?;
        if arn::check(&execution_arn, EXECUTIONS)? == ResourceType::Express {
            return Err(type_not_supported());
        }
        let query = HistoryQuery { skip, limit, order, data };
        let page = self.engine.execution_history(&execution_arn, query).await?;
        let next = page.more.then(|| page::offset_token(skip + page.events.len()));
        Ok(Answer::new().with("events", Json::array(page.events)).with_some("nextToken", next).done())
    }
}

/// What DescribeExecution and StartSyncExecution have in common.
fn summary(execution: &ExecutionDescription, included: Included) -> Answer {
    let details = || Answer::new().with("included", included == Included::AllData).done();
    let answer = Answer::new()
        .with("executionArn", execution.arn.as_str())
        .with("stateMachineArn", execution.state_machine_arn.as_str())
        .with("status", execution.status.as_str())
        .timestamp("startDate", execution.start_date)
        .some_timestamp("stopDate", execution.stop_date);
    if included == Included::MetadataOnly {
        return answer;
    }
    let answer =
        answer.with("input", Json::string(execution.input.verbatim())).with("inputDetails", details());
    let answer = match &execution.output {
        Some(output) => {
            answer.with("output", Json::string(output.verbatim())).with("outputDetails", details())
        }
        None => answer,
    };
    answer.with_some("error", execution.error.as_deref()).with_some("cause", execution.cause.as_deref())
}
