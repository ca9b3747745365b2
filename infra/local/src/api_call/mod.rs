//! Requests of other people's APIs, by HTTP Tasks and for API destinations: what the caller wants, and what a connection of
//! EventBridge says more, which counts where both say something.

mod form;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{HttpConnector as _, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use platform::{Chain, https_connector};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::connections::{Authorization, Connection, OAuth, Parameter};
use crate::lock::locked;
pub(crate) use form::{ArrayFormat, encoded};
use form::{encode, encode_pairs};

/// How much of a body is read; one that is longer has a byte more than that.
pub(crate) const MAX_BODY: usize = 1024 * 1024;
/// The methods that a call may have.
pub(crate) const METHODS: [Method; 7] =
    [Method::POST, Method::GET, Method::HEAD, Method::OPTIONS, Method::PUT, Method::PATCH, Method::DELETE];
/// A token is asked for anew so long before it ends.
const TOKEN_MARGIN: Duration = Duration::from_secs(60);
/// How long a token is used of which the server does not say how long it lasts.
const TOKEN_LIFETIME: Duration = Duration::from_secs(300);

/// Why a call has no answer.
#[derive(Debug)]
pub(crate) enum Fault {
    /// There is no such request.
    Request(String),
    /// The authorization server gave no token.
    NoToken(String),
    /// Nobody answered.
    Unanswered(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Fault::Request(message) | Fault::NoToken(message) | Fault::Unanswered(message)) = self;
        formatter.write_str(message)
    }
}

/// A request that is being put together.
#[derive(Clone, Default)]
pub(crate) struct ApiRequest {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    /// A text is sent as it is, anything else as JSON or as a form.
    pub(crate) body: Value,
    pub(crate) format: Option<ArrayFormat>,
}

/// Makes requests, and keeps the tokens that they need.
#[derive(Clone)]
pub(crate) struct ApiCaller {
    connector: SharedHttpConnector,
    /// The tokens of connections with OAuth, and until when they are used.
    tokens: Arc<Mutex<HashMap<OAuth, (String, Instant)>>>,
}

impl ApiCaller {
    /// How long a connection is waited for at most, and an answer.
    pub(crate) fn new(connecting: Duration, answer: Option<Duration>) -> ApiCaller {
        ApiCaller { connector: https_connector(connecting, answer), tokens: Arc::default() }
    }

    /// Makes a request with the authorization of a connection.
    pub(crate) async fn call(
        &self,
        mut request: ApiRequest,
        connection: &Connection,
    ) -> Result<Response<Bytes>, Fault> {
        self.authorize(&mut request, connection).await?;
        self.send_authorized(request, connection).await
    }

    /// Adds the authorization of a connection, for which a token may be asked for.
    pub(crate) async fn authorize(
        &self,
        request: &mut ApiRequest,
        connection: &Connection,
    ) -> Result<(), Fault> {
        let value = match connection.authorization_of_request() {
            Authorization::Basic(basic) => {
                let pair = STANDARD.encode(format!("{}:{}", basic.username, basic.password));
                format!("Basic {pair}")
            }
            Authorization::ApiKey(key) => key.api_key_value.clone(),
            Authorization::OAuth(oauth) => format!("Bearer {}", self.token(connection, oauth).await?),
        };
        let name = header_of(connection).map_err(Fault::Request)?;
        let mut value = HeaderValue::try_from(value)
            .map_err(|_| Fault::Request(format!("the secret of {:?} is no header", connection.name())))?;
        value.set_sensitive(true);
        request.headers.insert(name, value);
        Ok(())
    }

    /// Makes a request that was authorized. A token that is refused is forgotten.
    pub(crate) async fn send_authorized(
        &self,
        request: ApiRequest,
        connection: &Connection,
    ) -> Result<Response<Bytes>, Fault> {
        let response = self.send(request).await?;
        if let Authorization::OAuth(oauth) = connection.authorization_of_request()
            && matches!(
                response.status(),
                StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED
            )
        {
            locked(&self.tokens).remove(oauth);
        }
        Ok(response)
    }

    /// The token of a connection, asked for by its client's credentials (RFC 6749, section 4.4).
    async fn token(&self, connection: &Connection, oauth: &OAuth) -> Result<String, Fault> {
        let now = Instant::now();
        let known = locked(&self.tokens).get(oauth).cloned();
        if let Some((token, _)) = known.filter(|(_, until)| *until > now) {
            return Ok(token);
        }
        let request = request_of_token(oauth).map_err(Fault::Request)?;
        let response = self.send(request).await?;
        let answer: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        let token = answer["access_token"].as_str().filter(|_| response.status().is_success());
        let token = token.ok_or_else(|| {
            let (name, status) = (connection.name(), response.status());
            Fault::NoToken(format!("the authorization server of {name:?} gave no token: {status}"))
        })?;
        let lifetime = answer["expires_in"].as_u64().map_or(TOKEN_LIFETIME, Duration::from_secs);
        let until = now + lifetime.saturating_sub(TOKEN_MARGIN).min(Duration::from_secs(86_400));
        locked(&self.tokens).insert(oauth.clone(), (token.to_owned(), until));
        Ok(token.to_owned())
    }

    async fn send(&self, request: ApiRequest) -> Result<Response<Bytes>, Fault> {
        let request = request.into_request().map_err(Fault::Request)?;
        let host = request.uri().host().unwrap_or_default().to_owned();
        let failed = |error: &(dyn std::error::Error + 'static)| {
            Fault::Unanswered(format!("{host}: {}", Chain(error)))
        };
        let request = HttpRequest::try_from(request.map(SdkBody::from)).map_err(|error| failed(&error))?;
        let response = self.connector.call(request).await.map_err(|error| failed(&error))?;
        let response = response.try_into_http1x().map_err(|error| failed(&error))?;
        let (head, body) = response.into_parts();
        let (mut body, mut read) = (ByteStream::new(body), Vec::new());
        while let Some(piece) = body.try_next().await.map_err(|error| failed(&error))? {
            read.extend_from_slice(&piece);
            if read.len() > MAX_BODY {
                read.truncate(MAX_BODY + 1);
                break;
            }
        }
        Ok(Response::from_parts(head, Bytes::from(read)))
    }
}

fn request_of_token(oauth: &OAuth) -> Result<ApiRequest, String> {
    let (client, parameters) = (&oauth.client_parameters, &oauth.http_parameters);
    let mut form = vec![
        ("grant_type".to_owned(), "client_credentials".to_owned()),
        ("client_id".to_owned(), client.id.clone()),
        ("client_secret".to_owned(), client.secret.clone()),
    ];
    form.extend(pairs(&parameters.body_parameters));
    let mut request = ApiRequest {
        method: method(&oauth.http_method)?,
        url: checked_url(&oauth.authorization_endpoint)?,
        query: pairs(&parameters.query_string_parameters).collect(),
        body: Value::String(encode_pairs(&form)),
        ..ApiRequest::default()
    };
    request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    request.add_headers(&parameters.header_parameters)?;
    Ok(request)
}

impl ApiRequest {
    /// Adds what the connection adds to each request; where both say something, the connection counts.
    pub(crate) fn add(&mut self, connection: &Connection) -> Result<(), String> {
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
            let body = self.body.as_object_mut();
            let body = body.ok_or("the connection adds to the body of the request, which is no object")?;
            body.extend(pairs(&parameters.body_parameters).map(|(name, value)| (name, Value::String(value))));
        }
        Ok(())
    }

    /// The request without what the connection has added to it, for eyes that may not see secrets.
    pub(crate) fn without(mut self, connection: &Connection) -> Result<ApiRequest, String> {
        let has = |parameters: &[Parameter], name: &str| parameters.iter().any(|it| it.key == name);
        let parameters = connection.parameters();
        self.query.retain(|(name, _)| !has(&parameters.query_string_parameters, name));
        for Parameter { key, .. } in &parameters.header_parameters {
            self.headers.remove(key.as_str());
        }
        self.headers.remove(header_of(connection)?);
        if let Some(body) = self.body.as_object_mut() {
            let before = body.len();
            body.retain(|name, _| !has(&parameters.body_parameters, name));
            if body.is_empty() && before > 0 {
                self.body = Value::Null;
            }
        }
        Ok(self)
    }

    fn add_headers(&mut self, parameters: &[Parameter]) -> Result<(), String> {
        for Parameter { key, value, .. } in parameters {
            self.headers.insert(header_name(key)?, header_value(key, value)?);
        }
        Ok(())
    }

    /// The request as it is sent.
    pub(crate) fn into_request(mut self) -> Result<Request<String>, String> {
        let (body, kind) = match (self.format, &self.body) {
            (_, Value::Null) => (String::new(), None),
            (Some(format), body) => (encode(body, format)?, Some("application/x-www-form-urlencoded")),
            (None, Value::String(text)) => (text.clone(), Some("application/json")),
            (None, body) => (body.to_string(), Some("application/json")),
        };
        if let Some(kind) = kind {
            self.headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(kind));
        }
        // It is the address that says this.
        self.headers.remove(HOST);
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

/// The header that has a connection's secret.
fn header_of(connection: &Connection) -> Result<HeaderName, String> {
    match connection.authorization_of_request() {
        Authorization::ApiKey(key) => header_name(&key.api_key_name),
        Authorization::Basic(_) | Authorization::OAuth(_) => Ok(AUTHORIZATION),
    }
}

/// An address that may be reached: HTTPS, and HTTP of this machine.
pub(crate) fn checked_url(url: &str) -> Result<String, String> {
    let refused = || format!("{url:?} is not the URL of an HTTPS endpoint");
    let parsed: Uri = url.parse().map_err(|_| refused())?;
    let is_own = matches!(parsed.host(), Some("localhost" | "127.0.0.1" | "[::1]"));
    match parsed.scheme_str() {
        Some("https") => Ok(url.to_owned()),
        Some("http") if is_own => Ok(url.to_owned()),
        _ => Err(refused()),
    }
}

/// One of [`METHODS`].
pub(crate) fn method(name: &str) -> Result<Method, String> {
    METHODS.into_iter().find(|method| method.as_str() == name).ok_or_else(|| {
        format!("the method {name:?} is none of {}", METHODS.each_ref().map(Method::as_str).join(", "))
    })
}

pub(crate) fn header_name(name: &str) -> Result<HeaderName, String> {
    HeaderName::try_from(name).map_err(|_| format!("{name:?} is no name of a header"))
}

pub(crate) fn header_value(name: &str, text: &str) -> Result<HeaderValue, String> {
    HeaderValue::try_from(text)
        .map_err(|_| format!("the header {name:?} holds characters that no header may hold"))
}

fn pairs(parameters: &[Parameter]) -> impl Iterator<Item = (String, String)> + '_ {
    parameters.iter().map(|parameter| (parameter.key.clone(), parameter.value.clone()))
}
