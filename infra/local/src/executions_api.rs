//! Executions and state machines over HTTP, for the page of the local stack: a list that is searched where it is stored, one
//! execution with its history, the linter, and the operations of Step Functions themselves.

use api::{Access, ApiError, Endpoint, RateClass, Scope};
use asl_engine::engine::{
    ExecutionDescription, ExecutionSearch, ExecutionStatus, HistoryData, HistoryOrder, HistoryQuery,
};
use asl_engine::service::Service;
use asl_engine::validation::{Options, validate};
use asl_engine::{Engine, Refusal};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::routing::{MethodRouter, get, post};
use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::local_api::Query;

/// How many executions an answer has where the request does not say, and how many at most.
const PAGE: usize = 50;
const MAX_PAGE: usize = 1_000;

/// The most events of an execution in one answer.
const EVENTS: usize = 5_000;

/// The operations of Step Functions that the page may call.
const OPERATIONS: [&str; 20] = [
    "CreateStateMachine",
    "DeleteStateMachine",
    "DeleteStateMachineVersion",
    "DescribeExecution",
    "DescribeMapRun",
    "DescribeStateMachine",
    "ListExecutions",
    "ListMapRuns",
    "ListStateMachines",
    "ListStateMachineVersions",
    "PublishStateMachineVersion",
    "RedriveExecution",
    "SendTaskFailure",
    "SendTaskHeartbeat",
    "SendTaskSuccess",
    "StartExecution",
    "StartSyncExecution",
    "StopExecution",
    "TestState",
    "UpdateStateMachine",
];

/// The routes, to be served beside those of the API.
pub(crate) fn endpoints(engine: &Engine) -> Vec<Endpoint> {
    let endpoint =
        |method, path, class, scope, summary, parameters: &[&str], handler: MethodRouter<Engine>| {
            let handler = handler.with_state(engine.clone());
            Endpoint::new(method, path, Access::Scope(scope), class, summary, parameters, handler)
        };
    vec![
        endpoint(
            Method::GET,
            "/local/executions",
            RateClass::Read,
            Scope::ResultsRead,
            "List the executions of every state machine, newest first, page by page, with how many there are in each status",
            &["status", "state_machine", "name", "from", "to", "limit", "cursor"],
            get(list),
        ),
        endpoint(
            Method::GET,
            "/local/executions/{execution}",
            RateClass::Read,
            Scope::ResultsRead,
            "Show an execution, by name or ARN, with its history",
            &["after"],
            get(show),
        ),
        endpoint(
            Method::POST,
            "/local/lint",
            RateClass::Write,
            Scope::ResultsRead,
            "Find the faults of the state machine definition in the body, each with its line",
            &[],
            post(lint),
        ),
        endpoint(
            Method::POST,
            "/local/step-functions/{operation}",
            RateClass::Write,
            Scope::DrawsWrite,
            "Do an operation of Step Functions, such as StartExecution, with the body that AWS takes",
            &[],
            post(operation),
        ),
    ]
}

async fn list(State(engine): State<Engine>, RawQuery(query): RawQuery) -> Result<Json<Value>, ApiError> {
    let query = Query::parse(query.as_deref());
    let filled = |name: &str| query.get(name).filter(|text| !text.is_empty());
    let status = filled("status").map(|word| {
        ExecutionStatus::parse(word).ok_or_else(|| {
            ApiError::invalid("UnknownStatus", "status is RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED")
        })
    });
    let time = |name: &str| {
        let parsed = filled(name).map(|text| {
            text.parse::<Timestamp>().map(Timestamp::as_millisecond).map_err(|_| {
                ApiError::invalid(
                    "NotATimestamp",
                    format!("{name} is a timestamp such as 2026-11-28T18:00:00Z"),
                )
            })
        });
        parsed.transpose()
    };
    let cursor = filled("cursor").map(|text| {
        text.parse::<u64>().map_err(|_| ApiError::invalid("UnknownCursor", "cursor is that of another page"))
    });
    let search = ExecutionSearch {
        state_machine: filled("state_machine").map(str::to_owned),
        status: status.transpose()?,
        name: filled("name").map(str::to_owned),
        started_from: time("from")?,
        started_before: time("to")?,
        limit: query.number("limit")?.map_or(PAGE, |limit| (limit as usize).clamp(1, MAX_PAGE)),
        after: cursor.transpose()?,
    };
    let page = engine.search_executions(&search).await.map_err(ApiError::internal)?;
    let counts =
        engine.count_executions(search.state_machine.as_deref()).await.map_err(ApiError::internal)?;
    let executions: Vec<Value> = page
        .executions
        .iter()
        .map(|execution| {
            json!({
                "name": execution.name,
                "execution_arn": execution.arn,
                "state_machine_arn": execution.state_machine_arn,
                "status": execution.status.as_str(),
                "started_at": timestamp(execution.start_date),
                "stopped_at": execution.stop_date.map(timestamp),
                "redrives": execution.redrive_count,
            })
        })
        .collect();
    let counts: Map<String, Value> =
        counts.into_iter().map(|(status, count)| (status.as_str().to_owned(), count.into())).collect();
    let machines = engine.state_machines();
    let machines: Vec<&str> = machines.iter().map(|machine| machine.settings.name.as_str()).collect();
    Ok(Json(json!({
        "executions": executions,
        "next_cursor": page.next.map(|cursor| cursor.number.to_string()),
        "counts": counts,
        "state_machines": machines,
    })))
}

async fn show(
    State(engine): State<Engine>,
    Path(execution): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let query = Query::parse(query.as_deref());
    let described = find(&engine, &execution).await?;
    let after = query.number("after")?.unwrap_or(0) as usize;
    let page = HistoryQuery {
        skip: after,
        limit: EVENTS,
        order: HistoryOrder::Forward,
        data: HistoryData::Included,
    };
    let history = engine.execution_history(&described.arn, page).await.map_err(refused)?;
    let mut shown = description(&described);
    if after == 0 {
        let machine = engine.state_machine_of_execution(&described.arn).await.map_err(refused)?;
        let definition: Value = serde_json::from_str(&machine.settings.definition).unwrap_or_default();
        shown.insert("definition".to_owned(), definition);
    }
    shown.insert("events".to_owned(), history.events.iter().map(Value::from).collect());
    shown.insert("more_events".to_owned(), json!(history.more));
    Ok(Json(Value::Object(shown)))
}

async fn lint(definition: String) -> Json<Value> {
    let report = validate(&definition, &Options::standard());
    let findings: Vec<Value> = report
        .findings
        .iter()
        .map(|finding| {
            let (line, column) = report.line_and_column(finding).unzip();
            json!({
                "severity": finding.severity.as_str(),
                "code": finding.code,
                "message": finding.message,
                "location": finding.location,
                "line": line,
                "column": column,
            })
        })
        .collect();
    Json(json!({"findings": findings}))
}

async fn operation(
    State(engine): State<Engine>,
    Path(operation): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    if !OPERATIONS.contains(&operation.as_str()) {
        return Err(ApiError::not_found("there is no such operation here"));
    }
    let reply = Service::new(engine).call(&operation, &body).await;
    let answer: Value = serde_json::from_str(&reply.body).map_err(ApiError::internal)?;
    if reply.status == 200 {
        return Ok(Json(answer));
    }
    if reply.status >= 500 {
        return Err(ApiError::unavailable(answer));
    }
    let name = answer["__type"].as_str().unwrap_or_default();
    let name = name.rsplit('#').next().unwrap_or_default().to_owned();
    let message = answer["message"].as_str().unwrap_or_default();
    Err(ApiError::new(StatusCode::BAD_REQUEST, name, message))
}

/// The execution of this ARN, or of this name in any state machine.
async fn find(engine: &Engine, execution: &str) -> Result<ExecutionDescription, ApiError> {
    if execution.starts_with("arn:") {
        return engine.describe_execution(execution).await.map_err(refused);
    }
    for machine in engine.state_machines() {
        let arn = lottery::execution::arn(&machine.arn, execution);
        match engine.describe_execution(&arn).await {
            Err(Refusal::ExecutionDoesNotExist(_)) => {}
            found => return found.map_err(refused),
        }
    }
    Err(ApiError::not_found("there is no such execution"))
}

fn description(execution: &ExecutionDescription) -> Map<String, Value> {
    let redrivable = execution.redrive_status.as_ref();
    let members = json!({
        "name": execution.name,
        "execution_arn": execution.arn,
        "state_machine_arn": execution.state_machine_arn,
        "status": execution.status.as_str(),
        "started_at": timestamp(execution.start_date),
        "stopped_at": execution.stop_date.map(timestamp),
        "input": Value::from(&execution.input),
        "output": execution.output.as_ref().map(Value::from),
        "error": execution.error,
        "cause": execution.cause,
        "redrives": execution.redrive_count,
        "redrivable": redrivable.is_ok(),
        "not_redrivable": redrivable.err(),
        "map_run_arn": execution.map_run_arn,
    });
    match members {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn refused(refusal: Refusal) -> ApiError {
    match refusal {
        Refusal::ExecutionDoesNotExist(_) | Refusal::StateMachineDoesNotExist(_) => {
            ApiError::not_found("there is no such execution")
        }
        Refusal::StateMachineTypeNotSupported(_) => {
            ApiError::not_found("executions of Express state machines are not kept")
        }
        refusal => ApiError::internal(refusal),
    }
}

/// Milliseconds since 1970 as RFC 3339.
fn timestamp(milliseconds: i64) -> Option<String> {
    Timestamp::from_millisecond(milliseconds).ok().map(|timestamp| timestamp.to_string())
}
