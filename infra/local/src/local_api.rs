//! What only the local stack has over HTTP: the inbox here, executions and state machines in `executions_api`.

use std::sync::Arc;

use api::{Access, ApiError, Endpoint, RateClass, Scope};
use asl_engine::Engine;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::routing::{delete, get, post};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::executions_api;
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
    let replying = Endpoint::new(
        Method::POST,
        "/local/replies",
        Access::Scope(Scope::ParticipantsWrite),
        RateClass::Write,
        "Reply to an SMS from a phone, as {\"phone\", \"text\"}: STOP opts it out of SMS, START in again",
        &[],
        post(reply).with_state(state.clone()),
    );
    let mut endpoints = vec![
        erasing,
        replying,
        endpoint(
            "/local/messages",
            "List the messages that SNS delivered, newest last",
            &["draw_id", "address", "after"],
            get(messages),
        ),
    ];
    endpoints.extend(executions_api::endpoints(&state.engine));
    endpoints
}

/// The most messages in one answer: the newest.
const MAX_MESSAGES: u32 = 10_000;

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

/// What a phone sends back.
#[derive(Deserialize)]
struct Reply {
    phone: String,
    text: String,
}

async fn reply(State(state): State<LocalApi>, body: Bytes) -> Result<Json<Value>, ApiError> {
    let Reply { phone, text } = serde_json::from_slice(&body)
        .map_err(|error| ApiError::invalid("NoReply", format!("a reply is {{phone, text}}: {error}")))?;
    let opted_out = state.sns.call(move |sns| sns.reply(&phone, &text)).await;
    match opted_out.map_err(ApiError::unavailable)? {
        Ok(opted_out) => Ok(Json(json!({ "opted_out": opted_out }))),
        Err(error) if error.status < 500 => Err(ApiError::invalid("NoPhone", error.message)),
        Err(error) => Err(ApiError::internal(error)),
    }
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
    if let Some(sender) = message.attributes.get("AWS.SNS.SMS.SenderID") {
        shown["sender"] = json!(sender);
    }
    if let Some(draw_id) = message.attributes.get("draw_id") {
        shown["draw_id"] = json!(draw_id);
    }
    shown
}

/// The parameters after the question mark.
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(query: Option<&str>) -> Query {
        Query(form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn number(&self, name: &str) -> Result<Option<u32>, ApiError> {
        self.get(name)
            .map(|text| {
                text.parse().map_err(|_| ApiError::invalid("NotANumber", format!("{name} is a whole number")))
            })
            .transpose()
    }
}
