//! Calls of API destinations.

use std::time::Duration;

use aws_smithy_runtime_api::client::http::{HttpConnector as _, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Request;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use platform::Chain;
use serde_json::Value;

use super::deliveries::Delivery;
use super::targets::{Failure, Remedy};

/// How long a connection and an answer are waited for, as on AWS.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);

/// Calls a destination with a payload.
pub(super) async fn call(
    connector: &SharedHttpConnector,
    (destination, connection): &(Value, Value),
    delivery: &Delivery,
) -> Result<(), Failure> {
    let request = request(destination, connection, delivery)
        .map_err(|message| failed("INVALID_PARAMETER", message, Remedy::None))?;
    let unanswered = |message: String| failed("SDK_CLIENT_ERROR", message, Remedy::Retry);
    let request = HttpRequest::try_from(request.map(SdkBody::from))
        .map_err(|error| unanswered(Chain(&error).to_string()))?;
    let answered = tokio::time::timeout(TIMEOUT, connector.call(request)).await;
    let response = answered
        .map_err(|_| unanswered("the destination did not answer in time".to_owned()))?
        .map_err(|error| unanswered(Chain(&error).to_string()))?;
    let status = response.status().as_u16();
    let remedy = match status {
        200..=299 => return Ok(()),
        409 | 429 | 500.. => Remedy::Retry,
        _ => Remedy::None,
    };
    Err(failed(
        &format!("HTTP_{status}"),
        format!("the destination answered with the status {status}"),
        remedy,
    ))
}

fn failed(code: &str, message: String, remedy: Remedy) -> Failure {
    Failure { code: code.to_owned(), message, remedy }
}

/// The request: what the target says comes before what the connection says.
fn request(destination: &Value, connection: &Value, delivery: &Delivery) -> Result<Request<String>, String> {
    let parameters = &delivery.target["HttpParameters"];
    let added = &connection["AuthParameters"]["InvocationHttpParameters"];
    let mut url = String::new();
    let mut values = parameters["PathParameterValues"].as_array().into_iter().flatten();
    for character in destination["InvocationEndpoint"].as_str().unwrap_or_default().chars() {
        match character {
            '*' => url.push_str(&encoded(values.next().and_then(Value::as_str).unwrap_or("*"))),
            other => url.push(other),
        }
    }
    for (name, value) in
        pairs(&added["QueryStringParameters"]).chain(pairs(&parameters["QueryStringParameters"]))
    {
        let separator = if url.contains('?') { '&' } else { '?' };
        url.push_str(&format!("{separator}{}={}", encoded(name), encoded(value)));
    }
    let method = destination["HttpMethod"].as_str().unwrap_or("POST");
    let mut request = Request::builder().method(method).uri(url);
    let headers = request.headers_mut().ok_or("the address of the destination is none")?;
    let mut set = |name: &str, value: &str| -> Result<(), String> {
        let name: http::HeaderName = name.parse().map_err(|_| format!("{name:?} is no name of a header"))?;
        headers.insert(name, value.parse().map_err(|_| "the value of a header is none".to_owned())?);
        Ok(())
    };
    set("content-type", "application/json; charset=utf-8")?;
    set("user-agent", "Amazon/EventBridge/ApiDestinations")?;
    for (name, value) in pairs(&added["HeaderParameters"]).chain(pairs(&parameters["HeaderParameters"])) {
        set(name, value)?;
    }
    let text =
        |holder: &str, name: &str| connection["AuthParameters"][holder][name].as_str().unwrap_or_default();
    match connection["AuthorizationType"].as_str() {
        Some("BASIC") => {
            let holder = "BasicAuthParameters";
            let both = format!("{}:{}", text(holder, "Username"), text(holder, "Password"));
            set("authorization", &format!("Basic {}", STANDARD.encode(both)))?;
        }
        _ => set(text("ApiKeyAuthParameters", "ApiKeyName"), text("ApiKeyAuthParameters", "ApiKeyValue"))?,
    }
    request.body(body(&delivery.payload, &added["BodyParameters"])).map_err(|error| error.to_string())
}

/// The payload with the members that a connection adds to an object.
fn body(payload: &str, added: &Value) -> String {
    let mut pairs = pairs(added).peekable();
    match serde_json::from_str(payload) {
        Ok(Value::Object(mut members)) if pairs.peek().is_some() => {
            members.extend(pairs.map(|(name, value)| (name.to_owned(), Value::from(value))));
            Value::Object(members).to_string()
        }
        _ => payload.to_owned(),
    }
}

/// Names and values, of a target's object or of a connection's list.
fn pairs(value: &Value) -> Box<dyn Iterator<Item = (&str, &str)> + '_> {
    match value {
        Value::Object(members) => {
            Box::new(members.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?))))
        }
        Value::Array(items) => {
            Box::new(items.iter().filter_map(|item| Some((item["Key"].as_str()?, item["Value"].as_str()?))))
        }
        _ => Box::new(std::iter::empty()),
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
