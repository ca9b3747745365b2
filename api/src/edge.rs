//! The outermost layer: request ids, the access log, panics, security headers, problem documents.
//!
//! Every response has a request id, and every error is a problem document, whatever a handler returned.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use lambda_http::request::RequestContext;
use tracing::{Instrument, field};
use uuid::Uuid;

use crate::error::{ApiError, Problem};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The address pattern that a request matched; the guard leaves it on the response for the access log, because
/// the address itself may hold a participant's id.
#[derive(Clone)]
pub(crate) struct Route(pub(crate) MatchedPath);

/// Runs a request and finishes its response.
pub(crate) async fn edge(request: Request, next: Next) -> Response {
    let request_id = request_id(&request);
    let lambda = request.extensions().get::<lambda_http::Context>();
    let method = request.method().clone();
    let started = Instant::now();
    let span = tracing::info_span!(
        "request",
        request_id = %request_id,
        lambda_request_id = lambda.map(|context| context.request_id.as_str()),
        trace = lambda.and_then(|context| context.xray_trace_id.as_deref()),
        lottery_id = field::Empty,
        draw_id = field::Empty,
    );
    async {
        let response = match AssertUnwindSafe(next.run(request)).catch_unwind().await {
            Ok(response) => response,
            Err(_) => ApiError::internal("the handler panicked").into_response(),
        };
        finish(response, &request_id, &method, started)
    }
    .instrument(span)
    .await
}

fn finish(mut response: Response, request_id: &str, method: &Method, started: Instant) -> Response {
    let status = response.status();
    let route = response.extensions_mut().remove::<Route>();
    let route = route.as_ref().map_or("none", |route| route.0.as_str());
    let milliseconds = started.elapsed().as_millis() as u64;

    let problem = response.extensions_mut().remove::<Problem>();
    let is_error = status.is_client_error() || status.is_server_error();
    if is_error {
        let problem = problem.unwrap_or_else(|| Problem::of_status(status));
        let (name, internal) = (problem.name(), problem.internal().unwrap_or(""));
        if status.is_server_error() {
            tracing::error!(%method, route, status = status.as_u16(), problem = name, internal, milliseconds);
        } else {
            tracing::info!(%method, route, status = status.as_u16(), problem = name, internal, milliseconds);
        }
        let headers = std::mem::take(response.headers_mut());
        response = problem.into_reply(request_id, headers);
    } else {
        tracing::info!(%method, route, status = status.as_u16(), milliseconds);
    }
    harden(response.headers_mut());
    if let Ok(value) = HeaderValue::from_str(request_id) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    response
}

/// By what a request is found in the logs: API Gateway's id of it, which the gateway's access log has too; elsewhere the
/// caller's own id if it is safe to log, otherwise a new one.
fn request_id(request: &Request) -> String {
    let gateway = request.extensions().get::<RequestContext>().and_then(|context| match context {
        RequestContext::ApiGatewayV2(context) => context.request_id.as_deref(),
        RequestContext::ApiGatewayV1(context) => context.request_id.as_deref(),
        _ => None,
    });
    let own = || request.headers().get(X_REQUEST_ID).and_then(|value| value.to_str().ok());
    let is_fit = |id: &&str| {
        (1..=128).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:=".contains(&byte))
    };
    let id = gateway.filter(is_fit).or_else(|| own().filter(is_fit));
    id.map_or_else(|| Uuid::new_v4().to_string(), str::to_owned)
}

/// Headers that restrict what a browser does with a response; those of a handler take precedence.
fn harden(headers: &mut HeaderMap) {
    const DEFAULTS: [(HeaderName, &str); 7] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ];
    for (name, value) in DEFAULTS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// Answers an address that no route has.
pub(crate) async fn not_found() -> StatusCode {
    StatusCode::NOT_FOUND
}

/// Answers a method that a route does not take.
pub(crate) async fn method_not_allowed() -> StatusCode {
    StatusCode::METHOD_NOT_ALLOWED
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn id_for(sent: &str) -> String {
        let request = Request::get("/").header(X_REQUEST_ID, sent);
        request_id(&request.body(Body::empty()).unwrap())
    }

    #[test]
    fn a_well_formed_request_id_is_kept() {
        assert_eq!(
            id_for("Root=1-67891233-abcdef012345678912345678"),
            "Root=1-67891233-abcdef012345678912345678"
        );
    }

    #[test]
    fn a_request_id_that_could_forge_a_log_line_is_replaced() {
        for sent in ["", "a b", "x\"y", &"a".repeat(129)] {
            assert_ne!(id_for(sent), sent);
        }
    }
}
