//! What TestState shows of the request of an HTTP Task and of the response.

use asl_engine::engine::{HttpExchange, HttpResponse};
use bytes::Bytes;
use http::{HeaderMap, Request, Response};

/// A request that has no answer yet.
pub(super) fn request(request: &Request<String>) -> HttpExchange {
    HttpExchange {
        method: request.method().to_string(),
        url: request.uri().to_string(),
        headers: headers(request.headers()),
        body: Some(request.body().clone()).filter(|body| !body.is_empty()),
        response: None,
    }
}

/// Its answer.
pub(super) fn response(response: &Response<Bytes>) -> HttpResponse {
    HttpResponse {
        status: response.status().as_u16(),
        message: response.status().canonical_reason().unwrap_or_default().to_owned(),
        headers: headers(response.headers()),
        body: std::str::from_utf8(response.body()).ok().map(str::to_owned),
    }
}

fn headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}
