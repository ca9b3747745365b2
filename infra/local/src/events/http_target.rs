//! Calls of API destinations.

use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderValue, USER_AGENT};
use serde_json::Value;

use super::deliveries::Delivery;
use super::targets::{Failure, Remedy};
use crate::api_call::{ApiCaller, ApiRequest, Fault, encoded, header_name, header_value, method};
use crate::connections::Connection;

/// How long a connection and an answer are waited for, as on AWS.
const TIMEOUT: Duration = Duration::from_secs(5);

pub(super) fn caller() -> ApiCaller {
    ApiCaller::new(TIMEOUT, Some(TIMEOUT))
}

/// Calls a destination with a payload.
pub(super) async fn call(
    caller: &ApiCaller,
    (destination, connection): &(Value, Connection),
    delivery: &Delivery,
) -> Result<(), Failure> {
    let request = request(destination, connection, delivery)
        .map_err(|message| failed("INVALID_PARAMETER", message, Remedy::None))?;
    let unanswered = || Fault::Unanswered("the destination did not answer in time".to_owned());
    let answered = tokio::time::timeout(TIMEOUT, caller.call(request, connection)).await;
    let response = answered.unwrap_or_else(|_| Err(unanswered())).map_err(|fault| match fault {
        Fault::Request(message) => failed("INVALID_PARAMETER", message, Remedy::None),
        fault => failed("SDK_CLIENT_ERROR", fault.to_string(), Remedy::Retry),
    })?;
    let status = response.status().as_u16();
    let remedy = match status {
        200..=299 => return Ok(()),
        // Of the first two a new token may be the remedy.
        401 | 407 | 409 | 429 | 500.. => Remedy::Retry,
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

/// What destination and target say, with what the connection says more.
fn request(destination: &Value, connection: &Connection, delivery: &Delivery) -> Result<ApiRequest, String> {
    let parameters = &delivery.target["HttpParameters"];
    let mut values = parameters["PathParameterValues"].as_array().into_iter().flatten();
    let mut url = String::new();
    for character in destination["InvocationEndpoint"].as_str().unwrap_or_default().chars() {
        match character {
            '*' => {
                let value = values.next().and_then(Value::as_str).unwrap_or("*");
                url.extend(encoded(value));
            }
            other => url.push(other),
        }
    }
    let query = pairs(&parameters["QueryStringParameters"]);
    let mut request = ApiRequest {
        method: method(destination["HttpMethod"].as_str().unwrap_or("POST"))?,
        url,
        query: query.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        body: Value::from(delivery.payload.as_str()),
        ..ApiRequest::default()
    };
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    request.headers.insert(CONTENT_TYPE, json);
    for (name, value) in pairs(&parameters["HeaderParameters"]) {
        request.headers.insert(header_name(name)?, header_value(name, value)?);
    }
    // Only an object takes members.
    if !connection.parameters().body_parameters.is_empty()
        && let Ok(body @ Value::Object(_)) = serde_json::from_str(&delivery.payload)
    {
        request.body = body;
    }
    request.add(connection)?;
    let agent = HeaderValue::from_static("Amazon/EventBridge/ApiDestinations");
    request.headers.insert(USER_AGENT, agent);
    Ok(request)
}

/// The names and values of an object.
fn pairs(value: &Value) -> impl Iterator<Item = (&str, &str)> {
    let members = value.as_object().into_iter().flatten();
    members.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
}
