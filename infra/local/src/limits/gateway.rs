//! API Gateway and Lambda before the API: each request runs in an execution environment of its own.
//!
//! What an HTTP API answers when it cannot: 429 above the stage's rate, 413 for a body that is too large, 503 when Lambda
//! throttles or takes too long, 500 when the function fails or answers too much.

use std::convert::Infallible;
use std::sync::Arc;

use api::AppState;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, TRANSFER_ENCODING};
use http::{HeaderMap, Method, StatusCode};
use tower::ServiceExt;

use super::rate::Bucket;
use super::{Account, Environments};

/// The function that the gateway invokes.
const FUNCTION: &str = "api";

/// What comes with a request and an answer beside their bodies, in bytes: context, headers, and the JSON around them.
const ENVELOPE: usize = 2_048;

/// What the gateway needs.
pub(crate) struct Gateway {
    /// The account whose limits hold.
    pub(crate) account: Arc<Account>,
    /// Serves what is the local stack's own, below `/local`: there is no gateway before that.
    pub(crate) host: Router,
    /// Whether the gateway may invoke the function.
    pub(crate) may_invoke: bool,
    /// Routes with a rate of their own, such as `GET /lotteries/{lottery_id}`.
    pub(crate) routes: Vec<String>,
}

struct Edge {
    gateway: Gateway,
    environments: Arc<Environments<Router>>,
    routes: Vec<(String, Option<Bucket>)>,
    /// Of all other routes together.
    default: Option<Bucket>,
}

/// The API as the gateway serves it. `start` makes what an execution environment holds: nothing of it is shared.
pub(crate) fn router(gateway: Gateway, start: impl Fn() -> AppState + Send + Sync + 'static) -> Router {
    let account = gateway.account.clone();
    let (now, limits) = (account.now(), account.limits().clone());
    let environments = Arc::new(Environments::new(FUNCTION, account, move || api::router(start())));
    let bucket = |rate: Option<super::Rate>| rate.map(|rate| Bucket::new(rate, now));
    let routes = gateway.routes.iter().map(|route| (route.clone(), bucket(limits.watching_rate))).collect();
    let edge = Arc::new(Edge { gateway, environments, routes, default: bucket(limits.api_rate) });
    Router::new().fallback_service(tower::service_fn(move |request: Request| {
        let edge = edge.clone();
        async move { Ok::<_, Infallible>(edge.answer(request).await) }
    }))
}

impl Edge {
    async fn answer(&self, request: Request) -> Response {
        if request.uri().path().starts_with("/local/") {
            return match self.gateway.host.clone().oneshot(request).await {
                Ok(response) => response,
            };
        }
        let (account, limits) = (&self.gateway.account, self.gateway.account.limits());
        let bucket = self.bucket(request.method(), request.uri().path());
        if bucket.is_some_and(|bucket| !bucket.take(1.0, account.now())) {
            return refusal(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests");
        }
        let (head, body) = request.into_parts();
        let Ok(body) = to_bytes(body, limits.api_body_bytes.unwrap_or(usize::MAX)).await else {
            return refusal(StatusCode::PAYLOAD_TOO_LARGE, "Request Too Long");
        };
        if !self.gateway.may_invoke {
            return refusal(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error");
        }
        // A body that is not text goes in base 64.
        let as_json = if is_text(&head.headers) { text_in_json(&body) } else { body.len().div_ceil(3) * 4 };
        if limits.lambda_payload_bytes.is_some_and(|limit| as_json + ENVELOPE > limit) {
            return refusal(StatusCode::PAYLOAD_TOO_LARGE, "Request Too Long");
        }
        let Ok(permit) = account.admit(FUNCTION) else {
            return refusal(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable");
        };
        let environments = self.environments.clone();
        // It runs to its end even if nobody waits any more.
        let invocation = tokio::spawn(async move {
            let answer = invoke(&environments, Request::from_parts(head, Body::from(body))).await;
            drop(permit);
            answer
        });
        match account.within(limits.api_timeout, invocation).await {
            None => refusal(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
            Some(Ok(Some(answer))) => answer,
            Some(Ok(None) | Err(_)) => refusal(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
        }
    }
}

impl Edge {
    /// What counts such requests: the most specific route that they match.
    fn bucket(&self, method: &Method, path: &str) -> Option<&Bucket> {
        let matching = self.routes.iter().filter_map(|(route, bucket)| {
            let (of, pattern) = route.split_once(' ')?;
            (of == method.as_str()).then(|| literals(pattern, path)).flatten().map(|count| (count, bucket))
        });
        match matching.max_by_key(|(count, _)| *count) {
            Some((_, bucket)) => bucket.as_ref(),
            None => self.default.as_ref(),
        }
    }
}

/// How many segments of the path the pattern names, if it matches: `{x}` is any segment, `{x+}` all that are left.
fn literals(pattern: &str, path: &str) -> Option<usize> {
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    let mut count = 0;
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(count),
            (Some(segment), Some(_)) if segment.starts_with('{') => {
                if segment.ends_with("+}") {
                    return Some(count);
                }
            }
            (Some(segment), Some(one)) if segment == one => count += 1,
            _ => return None,
        }
    }
}

/// The answer of the function; `None` if it failed, was too slow or said too much.
async fn invoke(environments: &Environments<Router>, request: Request) -> Option<Response> {
    let account = environments.account();
    let environment = environments.take().await;
    let service = environment.clone();
    // A function that breaks down takes its environment with it.
    let work = tokio::spawn(async move {
        let Ok(response) = service.oneshot(request).await;
        let (head, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.ok()?;
        Some((head, body))
    });
    let stop = work.abort_handle();
    let Some(outcome) = account.within(account.timeout_of(environments.function()), work).await else {
        stop.abort();
        return None;
    };
    let (mut head, body) = outcome.ok().flatten()?;
    environments.give_back(environment);
    let as_json = if is_text(&head.headers) { text_in_json(&body) } else { body.len().div_ceil(3) * 4 };
    if account.limits().lambda_payload_bytes.is_some_and(|limit| as_json + ENVELOPE > limit) {
        tracing::error!(
            bytes = as_json,
            "the answer is too large for Lambda (Function.ResponseSizeTooLarge)"
        );
        return None;
    }
    head.headers.remove(TRANSFER_ENCODING);
    head.headers.remove(CONTENT_LENGTH);
    Some(Response::from_parts(head, Body::from(body)))
}

/// Whether the Lambda runtime writes such a body as it is.
fn is_text(headers: &HeaderMap) -> bool {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("text/plain");
    let is_compressed = headers.contains_key(http::header::CONTENT_ENCODING);
    !is_compressed
        && [
            "text/",
            "application/json",
            "application/problem+json",
            "application/javascript",
            "application/xml",
        ]
        .iter()
        .any(|text| media_type.starts_with(text))
}

/// How long a text is within JSON.
fn text_in_json(text: &Bytes) -> usize {
    let escaped = |byte: &u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 2,
        0..0x20 => 6,
        _ => 1,
    };
    text.iter().map(escaped).sum()
}

fn refusal(status: StatusCode, message: &str) -> Response {
    let mut response = Response::new(Body::from(format!("{{\"message\":\"{message}\"}}")));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_grows_in_json_and_another_body_in_base_64() {
        assert_eq!(text_in_json(&Bytes::from_static(b"a\"b\n")), 6);
        assert_eq!(text_in_json(&Bytes::from_static(b"\x01")), 6);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        assert!(is_text(&headers));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("image/png"));
        assert!(!is_text(&headers));
    }

    #[test]
    fn a_route_matches_the_paths_that_api_gateway_matches() {
        for (pattern, path, expected) in [
            ("/", "/", Some(2)),
            ("/lotteries", "/lotteries", Some(2)),
            ("/lotteries/{id}", "/lotteries/party", Some(2)),
            ("/lotteries/{id}", "/lotteries/party/draws", None),
            ("/lotteries/{id}/draws/{draw}/events", "/lotteries/a/draws/b/events", Some(4)),
            ("/page/{file+}", "/page/i18n/en.js", Some(2)),
        ] {
            assert_eq!(literals(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[tokio::test]
    async fn a_refusal_is_worded_as_api_gateway_words_it() {
        let answer = refusal(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable");
        assert_eq!(answer.status(), 503);
        let body = to_bytes(answer.into_body(), 100).await.unwrap();
        assert_eq!(body, Bytes::from_static(b"{\"message\":\"Service Unavailable\"}"));
    }
}
