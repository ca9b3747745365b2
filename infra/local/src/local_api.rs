//! What only the local stack has over HTTP: the inbox, and every execution with its history.

use std::sync::Arc;

use api::{Access, ApiError, Endpoint, RateClass, Scope};
use asl_engine::engine::{
    ExecutionDescription, ExecutionQuery, ExecutionStatus, ExecutionsOf, HistoryData, HistoryOrder,
    HistoryQuery,
};
use asl_engine::{Engine, Refusal};
use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::routing::{delete, get};
use http::Method;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::sns::{InboxMessage, InboxQuery, Sns};
use crate::worker::Worker;

/// What the handlers are lent.
#[derive(Clone)]
pub(crate) struct LocalApi {
    /// Holds the inbox.
    pub(crate) sns: Arc<Worker<Sns>>,
    /// Holds the executions.
    pub(crate) engine: Engine,
}

/// The routes, to be served beside those of the API.
pub(crate) fn endpoints(state: &LocalApi) -> Vec<Endpoint> {
    let endpoint = |path, summary, parameters: &[&str], handler: axum::routing::MethodRouter<LocalApi>| {
        let handler = handler.with_state(state.clone());
        let access = Access::Scope(Scope::ResultsRead);
        Endpoint::new(Method::GET, path, access, RateClass::Read, summary, parameters, handler)
    };
    let erasing = Endpoint::new(
        Method::DELETE,
        "/local/messages",
        Access::Scope(Scope::ParticipantsWrite),
        RateClass::Write,
        "Erase what the messages to `?address=` say, as for somebody who has withdrawn",
        &["address"],
        delete(erase_messages).with_state(state.clone()),
    );
    vec![
        erasing,
        endpoint(
            "/local/messages",
            "List the messages that SNS delivered, newest last",
            &["draw_id", "address", "after"],
            get(messages),
        ),
        endpoint(
            "/local/executions",
            "List the executions of every state machine, newest first",
            &["status", "state_machine"],
            get(executions),
        ),
        endpoint(
            "/local/executions/{execution}",
            "Show an execution, by name or ARN, with its history",
            &["after"],
            get(execution),
        ),
    ]
}

/// The most messages in one answer: the newest.
const MAX_MESSAGES: u32 = 10_000;

/// The most executions, or events of one, in one answer.
const PAGE: usize = 1_000;

async fn messages(State(state): State<LocalApi>, RawQuery(query): RawQuery) -> Result<Json<Value>, ApiError> {
    let query = Query::parse(query.as_deref());
    let wanted = InboxQuery {
        attribute: query.get("draw_id").map(|id| ("draw_id", id.to_owned())),
        address: query.get("address").map(str::to_owned),
        after: query.number("after")?.unwrap_or(0) as i64,
        limit: MAX_MESSAGES,
    };
    let messages = state
        .sns
        .call(move |sns| sns.messages(&wanted))
        .await
        .map_err(ApiError::unavailable)?
        .map_err(ApiError::internal)?;
    Ok(Json(json!({"messages": messages.iter().map(message).collect::<Vec<_>>()})))
}

async fn erase_messages(
    State(state): State<LocalApi>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let query = Query::parse(query.as_deref());
    let address = query.get("address").filter(|address| !address.is_empty());
    let address = address
        .ok_or_else(|| ApiError::invalid("NoAddress", "address is the phone number or e-mail address"))?
        .to_owned();
    let erased = state
        .sns
        .call(move |sns| sns.erase_messages(&address))
        .await
        .map_err(ApiError::unavailable)?
        .map_err(ApiError::internal)?;
    Ok(Json(json!({"erased": erased})))
}

fn message(message: &InboxMessage) -> Value {
    let mut shown = json!({
        "number": message.number,
        "message_id": message.message_id,
        "channel": message.channel,
        "address": message.address,
        "text": message.text,
        "time": message.time,
    });
    if let Some(subject) = &message.subject {
        shown["subject"] = json!(subject);
    }
    if let Some(draw_id) = message.attributes.get("draw_id") {
        shown["draw_id"] = json!(draw_id);
    }
    shown
}

async fn executions(
    State(state): State<LocalApi>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let query = Query::parse(query.as_deref());
    let status = match query.get("status") {
        Some(word) => Some(ExecutionStatus::parse(word).ok_or_else(|| {
            ApiError::invalid("UnknownStatus", "status is RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED")
        })?),
        None => None,
    };
    let mut found = Vec::new();
    for machine in state.engine.state_machines() {
        if query.get("state_machine").is_some_and(|name| name != machine.settings.name && name != machine.arn)
        {
            continue;
        }
        let of = ExecutionsOf::StateMachine(machine.arn.clone());
        let page = ExecutionQuery { of, status, redriven: None, limit: PAGE, after: None };
        match state.engine.list_executions(page).await {
            Ok(page) => found.extend(page.executions),
            // Express machines have none to list, and a machine may have been deleted by now.
            Err(Refusal::StateMachineTypeNotSupported(_) | Refusal::StateMachineDoesNotExist(_)) => {}
            Err(error) => return Err(ApiError::internal(error)),
        }
    }
    found.sort_by_key(|execution| std::cmp::Reverse(execution.start_date));
    found.truncate(PAGE);
    let shown: Vec<Value> = found
        .iter()
        .map(|execution| {
            json!({
                "name": execution.name,
                "execution_arn": execution.arn,
                "state_machine_arn": execution.state_machine_arn,
                "status": execution.status.as_str(),
                "started_at": timestamp(execution.start_date),
                "stopped_at": execution.stop_date.map(timestamp),
            })
        })
        .collect();
    Ok(Json(json!({ "executions": shown })))
}

async fn execution(
    State(state): State<LocalApi>,
    Path(execution): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let query = Query::parse(query.as_deref());
    let described = find(&state.engine, &execution).await?;
    let after = query.number("after")?.unwrap_or(0) as usize;
    let page =
        HistoryQuery { skip: after, limit: PAGE, order: HistoryOrder::Forward, data: HistoryData::Included };
    let history = state.engine.execution_history(&described.arn, page).await.map_err(refused)?;
    let machine = state.engine.state_machine_of_execution(&described.arn).await.map_err(refused)?;
    let definition: Value = serde_json::from_str(&machine.settings.definition).unwrap_or_default();
    let mut shown = description(&described);
    shown.insert("definition".to_owned(), definition);
    shown.insert("events".to_owned(), history.events.iter().map(Value::from).collect());
    shown.insert("more_events".to_owned(), json!(history.more));
    Ok(Json(Value::Object(shown)))
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

/// The parameters after the question mark.
struct Query(Vec<(String, String)>);

impl Query {
    fn parse(query: Option<&str>) -> Query {
        Query(form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn number(&self, name: &str) -> Result<Option<u32>, ApiError> {
        self.get(name)
            .map(|text| {
                text.parse().map_err(|_| ApiError::invalid("NotANumber", format!("{name} is a whole number")))
            })
            .transpose()
    }
}
