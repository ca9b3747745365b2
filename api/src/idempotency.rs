//! `Idempotency-Key`: a request that is sent again is answered again, not done again.
//!
//! The scope of a key is the caller and the route. While the first request runs, others with its key are refused
//! (409); the mark expires after a minute, should that request have died. Only what was done is remembered: a
//! request that was refused may be sent again under the same key.

use std::fmt::Write;
use std::future::Future;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts, MatchedPath, RawPathParams};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use lottery_store::{Claim, StoredResponse};
use platform::Chain;
use sha2::{Digest, Sha256};

use crate::auth::Caller;
use crate::error::ApiError;
use crate::state::AppState;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const MAX_ANSWER: usize = 64 * 1024;
/// The headers that are stored with a response; all others are set anew.
const KEPT_HEADERS: [HeaderName; 2] = [CONTENT_TYPE, LOCATION];

/// The key that a request carries, if it does, within its caller's scope.
#[derive(Debug, Clone)]
pub(crate) struct IdempotencyKey(Option<Scoped>);

#[derive(Debug, Clone)]
struct Scoped {
    scope: String,
    key: String,
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Some(key) = key(&parts.headers)? else { return Ok(Self(None)) };
        let caller = Caller::from_request_parts(parts, state).await?;
        let scope = format!("{} {}", caller.subject, route(parts, state).await);
        Ok(Self(Some(Scoped { scope, key })))
    }
}

/// The scope of the request: its method, the pattern of its address and the values in it. The spelling of the address does
/// not count: `/lotteries/%70arty/draws` is `/lotteries/party/draws`.
async fn route<S: Send + Sync>(parts: &mut Parts, state: &S) -> String {
    let pattern = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let mut route = format!("{} {pattern}", parts.method);
    if let Ok(parameters) = RawPathParams::from_request_parts(parts, state).await {
        for (name, value) in &parameters {
            let _ = write!(route, " {name}={value:?}");
        }
    }
    route
}

fn key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let key = value.to_str().ok().map(str::trim).filter(|key| (1..=255).contains(&key.len()));
    match key {
        Some(key) => Ok(Some(key.to_owned())),
        None => Err(ApiError::bad_request(
            "BadHeader",
            "Idempotency-Key must have 1 to 255 printable ASCII characters",
        )
        .at("Idempotency-Key")),
    }
}

impl IdempotencyKey {
    /// What an id may derive from, so that the same key makes the same thing: the caller and the key.
    pub(crate) fn seed(&self) -> Option<String> {
        self.0.as_ref().map(|scoped| format!("{}\n{}", scoped.scope, scoped.key))
    }

    /// Does what `action` does once for this key and body.
    pub(crate) async fn once(
        self,
        state: &AppState,
        body: &[u8],
        action: impl Future<Output = Result<Response, ApiError>>,
    ) -> Result<Response, ApiError> {
        let Some(Scoped { scope, key }) = self.0 else { return action.await };
        let body_hash = lottery::hex(&Sha256::digest(body));
        match state.store.claim(&scope, &key, &body_hash, state.clock.now()).await? {
            Claim::New => {}
            Claim::InFlight => {
                return Err(ApiError::conflict(
                    "RequestInFlight",
                    "a request with this Idempotency-Key is being processed; send it again shortly",
                )
                .retry_after(1));
            }
            Claim::Mismatch => {
                return Err(ApiError::invalid(
                    "IdempotencyKeyReused",
                    "this Idempotency-Key was used with another body; use a new key for a new request",
                )
                .at("Idempotency-Key"));
            }
            Claim::Done(stored) => return replay(stored),
        }
        match action.await {
            Ok(response) => {
                let (response, stored) = keep(response).await?;
                // The action is done: a response that cannot be stored is returned all the same.
                if let Err(error) = state.store.finish(&scope, &key, &stored).await {
                    tracing::warn!(error = %Chain(&error), "a response cannot be stored for repeated requests");
                }
                Ok(response)
            }
            Err(error) => {
                if let Err(error) = state.store.release(&scope, &key).await {
                    tracing::warn!(
                        error = %Chain(&error),
                        "an idempotency mark stays until it expires"
                    );
                }
                Err(error)
            }
        }
    }
}

async fn keep(response: Response) -> Result<(Response, StoredResponse), ApiError> {
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, MAX_ANSWER).await.map_err(ApiError::internal)?;
    let headers = KEPT_HEADERS
        .iter()
        .filter_map(|name| Some((name.to_string(), parts.headers.get(name)?.to_str().ok()?.to_owned())))
        .collect();
    let stored = StoredResponse { status: parts.status.as_u16(), headers, body: bytes.to_vec() };
    Ok((Response::from_parts(parts, Body::from(bytes)), stored))
}

fn replay(stored: StoredResponse) -> Result<Response, ApiError> {
    let status = StatusCode::from_u16(stored.status).map_err(ApiError::internal)?;
    let mut response = (status, stored.body).into_response();
    for (name, value) in stored.headers {
        let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) else {
            continue;
        };
        response.headers_mut().insert(name, value);
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}
