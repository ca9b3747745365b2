//! HTTP Tasks, `http:invoke`: requests of APIs, by the connections of EventBridge and of a file (`--connections FILE`).
//!
//! The developer's guide of Step Functions says what a task may ask for and what comes back ("Call HTTPS APIs"). Where AWS
//! takes HTTPS alone, this machine's own addresses are also reached over HTTP.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use asl_engine::TaskFailure;
use asl_engine::data::Json;
use asl_engine::engine::{HttpExchange, Secrets, Traced};
use bytes::Bytes;
use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue, RANGE, USER_AGENT};
use serde_json::{Map, Value, json};

use crate::api_call::{
    ApiCaller, ApiRequest, ArrayFormat, Fault, MAX_BODY, checked_url, header_name, header_value, method,
};
use crate::config::REGION;
use crate::connections::{Connection, Connections};
use crate::events::Events;

/// How long a request takes at most, as on AWS.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Makes the requests of HTTP Tasks.
#[derive(Clone)]
pub(super) struct HttpTasks {
    connections: Arc<Connections>,
    caller: ApiCaller,
}

impl HttpTasks {
    pub(super) fn new(connections: Connections) -> HttpTasks {
        HttpTasks { connections: Arc::new(connections), caller: ApiCaller::new(Duration::from_secs(5), None) }
    }

    /// Makes the request of a task, and gives the result of the state.
    pub(super) async fn invoke(&self, parameters: &Json, events: &Events) -> Result<Json, TaskFailure> {
        self.attempt(parameters, events, None).await
    }

    /// The same, with the request and its response.
    pub(super) async fn invoke_traced(&self, parameters: &Json, events: &Events, secrets: Secrets) -> Traced {
        let mut exchange = None;
        let result = self.attempt(parameters, events, Some((secrets, &mut exchange))).await;
        Traced { result, exchange }
    }

    async fn attempt(
        &self,
        parameters: &Json,
        events: &Events,
        mut trace: Option<(Secrets, &mut Option<HttpExchange>)>,
    ) -> Result<Json, TaskFailure> {
        let parameters = Value::from(parameters);
        let connection = &self.connection(&parameters, events).await?;
        let mut request = request(&parameters, connection).map_err(runtime)?;
        let exchange = async {
            self.caller.authorize(&mut request, connection).await?;
            if let Some((secrets, shown)) = &mut trace {
                let visible = match secrets {
                    Secrets::Revealed => Ok(request.clone()),
                    Secrets::Hidden => request.clone().without(connection),
                };
                let visible = visible.and_then(ApiRequest::into_request).map_err(Fault::Request)?;
                **shown = Some(trace::request(&visible));
            }
            self.caller.send_authorized(request, connection).await
        };
        let response = tokio::time::timeout(TIMEOUT, exchange)
            .await
            .map_err(|_| socket(format!("no answer within {} seconds", TIMEOUT.as_secs())))?
            .map_err(failure)?;
        if let Some((_, Some(shown))) = &mut trace {
            shown.response = Some(trace::response(&response));
        }
        result_of(&response).map(Json::from)
    }

    async fn connection(&self, parameters: &Value, events: &Events) -> Result<Connection, TaskFailure> {
        let arn = ["Authentication", "InvocationConfig"]
            .into_iter()
            .find_map(|member| parameters.get(member)?.get("ConnectionArn")?.as_str())
            .ok_or_else(|| runtime("an HTTP Task needs Authentication.ConnectionArn".to_owned()))?;
        let kept = events.connection(arn).await.map_err(|error| runtime(error.to_string()))?;
        kept.or_else(|| self.connections.find(arn).cloned()).ok_or_else(|| TaskFailure {
            error: "Events.ConnectionResource.ResourceNotFound".to_owned(),
            cause: format!(
                "there is no connection {arn:?} here; create it in EventBridge, or name it in the file of --connections ({})",
                self.connections.names()
            ),
        })
    }
}

/// What the task wants, with what its connection says more.
fn request(parameters: &Value, connection: &Connection) -> Result<ApiRequest, String> {
    let text = |name: &str| parameters[name].as_str().ok_or(format!("an HTTP Task needs {name}, a text"));
    let mut request = ApiRequest {
        method: method(text("Method")?)?,
        url: checked_url(text("ApiEndpoint")?).map_err(|fault| format!("ApiEndpoint {fault}"))?,
        body: parameters["RequestBody"].clone(),
        format: ArrayFormat::of(&parameters["Transform"])?,
        ..ApiRequest::default()
    };
    for (name, value) in members(parameters, "QueryParameters")? {
        request.query.extend(texts(value).map(|text| (name.clone(), text)));
    }
    for (name, value) in members(parameters, "Headers")? {
        for text in texts(value) {
            request.headers.append(header_name(name)?, header_value(name, &text)?);
        }
    }
    request.add(connection)?;
    // Step Functions writes these itself.
    request.headers.insert(RANGE, HeaderValue::from_static("bytes=0-262144"));
    let agent = format!("Amazon|StepFunctions|HttpInvoke|{REGION}");
    request.headers.insert(USER_AGENT, header_value("User-Agent", &agent)?);
    Ok(request)
}

fn members<'a>(
    parameters: &'a Value,
    name: &str,
) -> Result<impl Iterator<Item = (&'a String, &'a Value)>, String> {
    static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    match &parameters[name] {
        Value::Null => Ok(NONE.iter()),
        Value::Object(members) => Ok(members.iter()),
        _ => Err(format!("{name} is no object")),
    }
}

/// A value as text; an array is several.
fn texts(value: &Value) -> impl Iterator<Item = String> + '_ {
    let items = match value {
        Value::Array(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned))
}

/// The result of the state, or the failure that a status other than 2xx is.
fn result_of(response: &Response<Bytes>) -> Result<Value, TaskFailure> {
    if response.body().len() > MAX_BODY {
        return Err(runtime("the response is larger than a state takes".to_owned()));
    }
    let kind = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.to_ascii_lowercase();
    let text = std::str::from_utf8(response.body()).ok();
    let is_binary =
        ["application/octet-stream", "image/", "video/", "audio/"].iter().any(|it| kind.starts_with(it));
    let status = response.status();
    if !status.is_success() {
        let error = format!("States.Http.StatusCode.{}", status.as_u16());
        return Err(TaskFailure { error, cause: text.unwrap_or_default().to_owned() });
    }
    let Some(text) = text.filter(|_| !is_binary || response.body().is_empty()) else {
        return Err(runtime(format!("the response is no text, but {kind:?}")));
    };
    let body = match serde_json::from_str(text) {
        Ok(body) if kind.contains("json") => body,
        _ => json!(text),
    };
    let mut headers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, value) in response.headers() {
        headers.entry(name.as_str()).or_default().extend(value.to_str().ok());
    }
    Ok(json!({
        "Headers": headers,
        "ResponseBody": body,
        "StatusCode": status.as_u16(),
        "StatusText": status.canonical_reason().unwrap_or_default(),
    }))
}

fn failure(fault: Fault) -> TaskFailure {
    match fault {
        Fault::Request(cause) => runtime(cause),
        Fault::Unanswered(cause) => socket(cause),
        Fault::NoToken(cause) => {
            TaskFailure { error: "Events.ConnectionResource.InvalidConnectionState".to_owned(), cause }
        }
    }
}

fn runtime(cause: String) -> TaskFailure {
    TaskFailure { error: "States.Runtime".to_owned(), cause }
}

fn socket(cause: String) -> TaskFailure {
    TaskFailure { error: "States.Http.Socket".to_owned(), cause }
}

mod trace;

#[cfg(test)]
mod tests;
