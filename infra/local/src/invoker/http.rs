//! HTTP Tasks, `http:invoke`: requests of APIs, by the connections of EventBridge and of a file (`--connections FILE`).
//!
//! The developer's guide of Step Functions says what a task may ask for and what comes back ("Call HTTPS APIs"). Where AWS
//! takes HTTPS alone, this machine's own addresses are also reached over HTTP.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use asl_engine::TaskFailure;
use asl_engine::data::Json;
use aws_smithy_runtime_api::client::http::{HttpConnector as _, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, RANGE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri};
use platform::{Chain, https_connector};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::form::{ArrayFormat, encode, encode_pairs};
use crate::config::REGION;
use crate::connections::{Authorization, Connection, Connections, OAuth, Parameter};
use crate::events::Events;

/// How long a request takes at most, as on AWS.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The largest body that is read. A state takes 256 KiB, which the engine sees to with its own words.
const MAX_BODY: usize = 1024 * 1024;
const METHODS: [Method; 7] =
    [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS, Method::HEAD];
/// A token is asked for anew so long before it ends.
const TOKEN_MARGIN: Duration = Duration::from_secs(60);
/// How long a token is used of which the server does not say how long it lasts.
const TOKEN_LIFETIME: Duration = Duration::from_secs(300);

/// Makes the requests of HTTP Tasks.
#[derive(Clone)]
pub(super) struct HttpTasks {
    connections: Arc<Connections>,
    connector: SharedHttpConnector,
    /// The tokens of connections with OAuth, by their names, and until when they are used.
    tokens: Arc<Mutex<HashMap<String, (String, Instant)>>>,
}

/// A request, as the task and its connection want it.
struct Wanted {
    method: Method,
    url: String,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Value,
    format: Option<ArrayFormat>,
}

impl HttpTasks {
    pub(super) fn new(connections: Connections) -> HttpTasks {
        HttpTasks {
            connections: Arc::new(connections),
            connector: https_connector(Duration::from_secs(5), None),
            tokens: Arc::default(),
        }
    }

    /// Makes the request of a task, and gives the result of the state.
    pub(super) async fn invoke(&self, parameters: &Json, events: &Events) -> Result<Json, TaskFailure> {
        let parameters = Value::from(parameters);
        let connection = &self.connection(&parameters, events).await?;
        let mut wanted = Wanted::of(&parameters).map_err(runtime)?;
        wanted.add(connection).map_err(runtime)?;
        let exchange = async {
            self.authorize(connection, &mut wanted).await?;
            self.send(wanted.into_request().map_err(runtime)?).await
        };
        let response = tokio::time::timeout(TIMEOUT, exchange)
            .await
            .map_err(|_| socket(format!("no answer within {} seconds", TIMEOUT.as_secs())))??;
        result_of(&response).map(Json::from)
    }

    async fn connection(&self, parameters: &Value, events: &Events) -> Result<Connection, TaskFailure> {
        let arn = ["Authentication", "InvocationConfig"]
            .into_iter()
            .find_map(|member| parameters.get(member)?.get("ConnectionArn")?.as_str())
            .ok_or_else(|| runtime("an HTTP Task needs Authentication.ConnectionArn".to_owned()))?;
        let kept = events.connection(arn).await.map_err(|error| runtime(error.to_string()))?;
        let kept = kept.and_then(|kept| serde_json::from_value(kept).ok());
        kept.or_else(|| self.connections.find(arn).cloned()).ok_or_else(|| TaskFailure {
            error: "Events.ConnectionResource.ResourceNotFound".to_owned(),
            cause: format!(
                "there is no connection {arn:?} here; create it in EventBridge, or name it in the file of --connections ({})",
                self.connections.names()
            ),
        })
    }

    async fn authorize(&self, connection: &Connection, wanted: &mut Wanted) -> Result<(), TaskFailure> {
        let (name, value) = match connection.authorization_of_request() {
            Authorization::Basic(basic) => {
                let pair = STANDARD.encode(format!("{}:{}", basic.username, basic.password));
                (AUTHORIZATION, format!("Basic {pair}"))
            }
            Authorization::ApiKey(key) => {
                let name = HeaderName::try_from(&key.api_key_name)
                    .map_err(|_| runtime(format!("{:?} is no name of a header", key.api_key_name)))?;
                (name, key.api_key_value.clone())
            }
            Authorization::OAuth(oauth) => {
                (AUTHORIZATION, format!("Bearer {}", self.token(connection, oauth).await?))
            }
        };
        let mut value = HeaderValue::try_from(value)
            .map_err(|_| runtime(format!("the secret of {:?} is no header", connection.name())))?;
        value.set_sensitive(true);
        wanted.headers.insert(name, value);
        Ok(())
    }

    /// The token of a connection, asked for by its client's credentials (RFC 6749, section 4.4).
    async fn token(&self, connection: &Connection, oauth: &OAuth) -> Result<String, TaskFailure> {
        let now = Instant::now();
        let known =
            self.tokens.lock().unwrap_or_else(PoisonError::into_inner).get(connection.name()).cloned();
        if let Some((token, _)) = known.filter(|(_, until)| *until > now) {
            return Ok(token);
        }
        let client = &oauth.client_parameters;
        let mut form = vec![
            ("grant_type".to_owned(), "client_credentials".to_owned()),
            ("client_id".to_owned(), client.id.clone()),
            ("client_secret".to_owned(), client.secret.clone()),
        ];
        form.extend(pairs(&oauth.http_parameters.body_parameters));
        let mut request = Wanted {
            method: method(&oauth.http_method).map_err(runtime)?,
            url: checked(&oauth.authorization_endpoint).map_err(runtime)?,
            query: pairs(&oauth.http_parameters.query_string_parameters).collect(),
            headers: HeaderMap::new(),
            body: Value::String(encode_pairs(&form)),
            format: None,
        };
        request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        request.add_headers(&oauth.http_parameters.header_parameters).map_err(runtime)?;
        let response = self.send(request.into_request().map_err(runtime)?).await?;
        let answer: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        let token = answer["access_token"].as_str().filter(|_| response.status().is_success());
        let token = token.ok_or_else(|| TaskFailure {
            error: "Events.ConnectionResource.InvalidConnectionState".to_owned(),
            cause: format!(
                "the authorization server of {:?} gave no token: {}",
                connection.name(),
                response.status()
            ),
        })?;
        let lifetime = answer["expires_in"].as_u64().map_or(TOKEN_LIFETIME, Duration::from_secs);
        let until = now + lifetime.saturating_sub(TOKEN_MARGIN).min(Duration::from_secs(86_400));
        let kept = (token.to_owned(), until);
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).insert(connection.name().to_owned(), kept);
        Ok(token.to_owned())
    }

    async fn send(&self, request: Request<String>) -> Result<Response<Bytes>, TaskFailure> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        let failed = |error: &(dyn std::error::Error + 'static)| socket(format!("{host}: {}", Chain(error)));
        let request = HttpRequest::try_from(request.map(SdkBody::from)).map_err(|error| failed(&error))?;
        let response = self.connector.call(request).await.map_err(|error| failed(&error))?;
        let response = response.try_into_http1x().map_err(|error| failed(&error))?;
        let (head, body) = response.into_parts();
        let (mut body, mut read) = (ByteStream::new(body), Vec::new());
        while let Some(piece) = body.try_next().await.map_err(|error| failed(&error))? {
            read.extend_from_slice(&piece);
            if read.len() > MAX_BODY {
                return Err(runtime("the response is larger than a state takes".to_owned()));
            }
        }
        Ok(Response::from_parts(head, Bytes::from(read)))
    }
}

impl Wanted {
    fn of(parameters: &Value) -> Result<Wanted, String> {
        let text = |name: &str| parameters[name].as_str().ok_or(format!("an HTTP Task needs {name}, a text"));
        let mut wanted = Wanted {
            method: method(text("Method")?)?,
            url: checked(text("ApiEndpoint")?)?,
            query: Vec::new(),
            headers: HeaderMap::new(),
            body: parameters["RequestBody"].clone(),
            format: ArrayFormat::of(&parameters["Transform"])?,
        };
        for (name, value) in members(parameters, "QueryParameters")? {
            wanted.query.extend(texts(value).map(|text| (name.clone(), text)));
        }
        for (name, value) in members(parameters, "Headers")? {
            for text in texts(value) {
                wanted.headers.append(header_name(name)?, header_value(name, &text)?);
            }
        }
        Ok(wanted)
    }

    /// Adds what the connection adds to each request; where both say something, the connection counts.
    fn add(&mut self, connection: &Connection) -> Result<(), String> {
        let parameters = connection.parameters();
        for (name, value) in pairs(&parameters.query_string_parameters) {
            self.query.retain(|(other, _)| *other != name);
            self.query.push((name, value));
        }
        self.add_headers(&parameters.header_parameters)?;
        if !parameters.body_parameters.is_empty() {
            if self.body.is_null() {
                self.body = json!({});
            }
            let body =
                self.body.as_object_mut().ok_or("the connection adds to RequestBody, which is no object")?;
            body.extend(pairs(&parameters.body_parameters).map(|(name, value)| (name, Value::String(value))));
        }
        Ok(())
    }

    fn add_headers(&mut self, parameters: &[Parameter]) -> Result<(), String> {
        for Parameter { key, value, .. } in parameters {
            self.headers.insert(header_name(key)?, header_value(key, value)?);
        }
        Ok(())
    }

    fn into_request(mut self) -> Result<Request<String>, String> {
        let (body, kind) = match (self.format, &self.body) {
            (_, Value::Null) => (String::new(), None),
            (Some(format), body) => (encode(body, format)?, Some("application/x-www-form-urlencoded")),
            (None, Value::String(text)) => (text.clone(), Some("application/json")),
            (None, body) => (body.to_string(), Some("application/json")),
        };
        if let Some(kind) = kind {
            self.headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(kind));
        }
        // Step Functions writes these itself.
        self.headers.remove(HOST);
        self.headers.insert(RANGE, HeaderValue::from_static("bytes=0-262144"));
        let agent = format!("Amazon|StepFunctions|HttpInvoke|{REGION}");
        self.headers.insert(USER_AGENT, HeaderValue::try_from(agent).map_err(|error| error.to_string())?);
        let mut url = self.url;
        if !self.query.is_empty() {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str(&encode_pairs(&self.query));
        }
        let mut request = Request::builder().method(self.method).uri(&url);
        if let Some(headers) = request.headers_mut() {
            *headers = self.headers;
        }
        request.body(body).map_err(|error| format!("{url:?} is no address: {error}"))
    }
}

/// An address that may be reached: HTTPS, and HTTP of this machine.
fn checked(url: &str) -> Result<String, String> {
    let refused = || format!("ApiEndpoint {url:?} is not the URL of an HTTPS endpoint");
    let parsed: Uri = url.parse().map_err(|_| refused())?;
    let is_own = matches!(parsed.host(), Some("localhost" | "127.0.0.1" | "[::1]"));
    match parsed.scheme_str() {
        Some("https") => Ok(url.to_owned()),
        Some("http") if is_own => Ok(url.to_owned()),
        _ => Err(refused()),
    }
}

fn method(name: &str) -> Result<Method, String> {
    METHODS.into_iter().find(|method| method.as_str() == name).ok_or_else(|| {
        format!("the method {name:?} is none of {}", METHODS.each_ref().map(Method::as_str).join(", "))
    })
}

fn header_name(name: &str) -> Result<HeaderName, String> {
    HeaderName::try_from(name).map_err(|_| format!("{name:?} is no name of a header"))
}

fn header_value(name: &str, text: &str) -> Result<HeaderValue, String> {
    HeaderValue::try_from(text)
        .map_err(|_| format!("the header {name:?} holds characters that no header may hold"))
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

fn pairs(parameters: &[Parameter]) -> impl Iterator<Item = (String, String)> + '_ {
    parameters.iter().map(|parameter| (parameter.key.clone(), parameter.value.clone()))
}

/// The result of the state, or the failure that a status other than 2xx is.
fn result_of(response: &Response<Bytes>) -> Result<Value, TaskFailure> {
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

fn runtime(cause: String) -> TaskFailure {
    TaskFailure { error: "States.Runtime".to_owned(), cause }
}

fn socket(cause: String) -> TaskFailure {
    TaskFailure { error: "States.Http.Socket".to_owned(), cause }
}

#[cfg(test)]
mod tests;
