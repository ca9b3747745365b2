//! Access to the routes: every route declares it, and a guard enforces it.

mod keys;
mod verifier;

use std::collections::BTreeSet;
use std::convert::Infallible;

use axum::extract::{FromRequestParts, MatchedPath, RawPathParams, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use http::{StatusCode, request::Parts};
use jiff::Timestamp;
use lottery::{Lottery, VenueCode};
use tracing::Span;

pub use keys::KeysError;
pub use verifier::Verifier;

use crate::edge::Route;
use crate::error::ApiError;
use crate::rate_limit::{Counted, Payer, RateClass, caller_address};
use crate::state::AppState;
use verifier::Refusal;

/// What a token may permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Create lotteries, start and cancel draws.
    DrawsWrite,
    /// See the list of participants in full.
    ParticipantsRead,
    /// Import, edit and withdraw participants; see the list masked.
    ParticipantsWrite,
    /// See winners in full.
    ResultsRead,
}

impl Scope {
    const ALL: [Self; 4] =
        [Self::DrawsWrite, Self::ParticipantsRead, Self::ParticipantsWrite, Self::ResultsRead];

    /// The scope as it is spelled in a token, after the configured prefix.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DrawsWrite => "draws:write",
            Self::ParticipantsRead => "participants:read",
            Self::ParticipantsWrite => "participants:write",
            Self::ResultsRead => "results:read",
        }
    }
}

/// The header with the code that is shown at the venue.
pub(crate) const VENUE_CODE: &str = "venue-code";

/// The access to a route. Each route has exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everyone.
    Public,
    /// Everyone; a token with the scope sees more.
    PublicOr(Scope),
    /// Only a token with the scope.
    Scope(Scope),
    /// Only a token with one of the two scopes; with the first it sees more.
    Either(Scope, Scope),
}

impl Access {
    /// The scopes of which a token must have one; none where no token is needed.
    pub(crate) fn needed(self) -> Vec<Scope> {
        match self {
            Self::Public | Self::PublicOr(_) => Vec::new(),
            Self::Scope(scope) => vec![scope],
            Self::Either(first, second) => vec![first, second],
        }
    }
}

/// The caller of a request: known on routes with [`Access::Scope`] and [`Access::Either`], and on those with
/// [`Access::PublicOr`] if a token was sent.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The token's subject.
    pub(crate) subject: String,
    scopes: BTreeSet<Scope>,
}

impl Caller {
    pub(crate) fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| ApiError::internal("a handler asks for the caller on a public route"))
    }
}

/// The caller of a route that is open to everyone, if they sent a token.
#[derive(Debug, Clone)]
pub(crate) struct MaybeCaller(Option<Caller>);

impl MaybeCaller {
    pub(crate) fn may(&self, scope: Scope) -> bool {
        self.0.as_ref().is_some_and(|caller| caller.may(scope))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for MaybeCaller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(parts.extensions.get::<Caller>().cloned()))
    }
}

/// What the guard of one route knows.
#[derive(Clone)]
pub(crate) struct Guard {
    pub(crate) state: AppState,
    pub(crate) access: Access,
    pub(crate) class: RateClass,
}

/// Checks the token, counts the call, names lottery and draw for the log, then lets the route run.
pub(crate) async fn guard(
    State(guard): State<Guard>,
    path: MatchedPath,
    parameters: RawPathParams,
    mut request: Request,
    next: Next,
) -> Response {
    for (name, value) in &parameters {
        // Only what has the shape of an identifier reaches the log.
        let is_id =
            value.len() <= 64 && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if is_id && (name == "lottery_id" || name == "draw_id") {
            Span::current().record(name, value);
        }
    }
    let mut response = match guard.admit(&mut request).await {
        // Some reads use POST, so that their parameters appear in no URL.
        Ok(()) if request.method().is_safe() || guard.class == RateClass::Read => next.run(request).await,
        Ok(()) => {
            let response = next.run(request).await;
            guard.state.cache.wrote();
            response
        }
        Err(error) => error.into_response(),
    };
    response.extensions_mut().insert(Route(path));
    response
}

impl Guard {
    async fn admit(&self, request: &mut Request) -> Result<(), ApiError> {
        let now = self.state.clock.now();
        let address = Payer::at(caller_address(request.extensions()));
        let caller = match self.caller(request.headers(), now).await {
            Ok(caller) => caller,
            Err(error) => {
                // What is refused here must not spend what those with a token may call.
                let counted = match error.status() {
                    StatusCode::UNAUTHORIZED => Counted::Unauthenticated,
                    _ => Counted::Class(self.class),
                };
                self.count(address, counted, now)?;
                return Err(error);
            }
        };
        let payer = caller.as_ref().map_or(address, |caller| Payer::principal(&caller.subject));
        // Whether the code is right, the route knows; there a wrong one is counted like a call without any.
        let counted = match self.class {
            RateClass::Join if request.headers().contains_key(VENUE_CODE) => Counted::Venue,
            class => Counted::Class(class),
        };
        self.count(payer, counted, now)?;
        let Some(caller) = caller else { return Ok(()) };
        let needed = self.access.needed();
        if let Some(first) = needed.first()
            && !needed.iter().any(|scope| caller.may(*scope))
        {
            return Err(forbidden(&self.state.config.scope_prefix, *first));
        }
        request.extensions_mut().insert(caller);
        Ok(())
    }

    /// The caller, by the token; none where no token is needed and no valid one was sent.
    async fn caller(&self, headers: &HeaderMap, now: Timestamp) -> Result<Option<Caller>, ApiError> {
        let token = match (self.access, bearer(headers)) {
            (Access::Public, Err(_)) | (Access::Public | Access::PublicOr(_), Ok(None)) => return Ok(None),
            (_, Err(refusal)) => return Err(unauthorized(refusal)),
            (Access::Scope(_) | Access::Either(..), Ok(None)) => return Err(unauthorized(Refusal::Missing)),
            (_, Ok(Some(token))) => token,
        };
        let verified = match (self.state.verifier.verify(token, now).await, self.access) {
            (Ok(verified), _) => verified,
            // A public route is open to those whose token does not count, too.
            (Err(_), Access::Public) => return Ok(None),
            (Err(refusal), _) => return Err(unauthorized(refusal)),
        };
        let prefix = self.state.config.scope_prefix.as_str();
        let holds = |scope: &Scope| {
            verified.scopes.iter().any(|held| held.strip_prefix(prefix) == Some(scope.as_str()))
        };
        let scopes = Scope::ALL.into_iter().filter(holds).collect();
        Ok(Some(Caller { subject: verified.subject, scopes }))
    }

    fn count(&self, payer: Payer, counted: Counted, now: Timestamp) -> Result<(), ApiError> {
        self.state.limiter.take(payer, counted, now).map_err(too_many)
    }
}

/// 429: the caller's calls are spent for so many seconds.
fn too_many(seconds: u64) -> ApiError {
    let detail = format!("too many requests; try again in {seconds} s");
    ApiError::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", detail).retry_after(seconds)
}

/// The code that a caller says is shown at the venue, and where the call comes from.
pub(crate) struct Venue {
    code: Option<VenueCode>,
    is_named: bool,
    payer: Payer,
}

impl<S: Send + Sync> FromRequestParts<S> for Venue {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let named = parts.headers.get(VENUE_CODE);
        let code = named.and_then(|value| value.to_str().ok()).and_then(|text| VenueCode::parse(text).ok());
        let payer = Payer::at(caller_address(&parts.extensions));
        Ok(Self { code, is_named: named.is_some(), payer })
    }
}

impl Venue {
    /// Whether the caller knows the lottery's code.
    ///
    /// # Errors
    /// 403 if the code is another, 429 if the caller has tried too many: a wrong code is counted as a call without one, so
    /// that none is found by trying.
    pub(crate) fn is_at(&self, state: &AppState, lottery: &Lottery) -> Result<bool, ApiError> {
        let expected = lottery.joining.venue_code.as_ref();
        if !self.is_named || (expected.is_some() && self.code.as_ref() == expected) {
            return Ok(self.is_named);
        }
        let now = state.clock.now();
        state.limiter.take(self.payer, Counted::Class(RateClass::Join), now).map_err(too_many)?;
        match expected {
            // The lottery has no code any more: as good as none was sent.
            None => Ok(false),
            Some(_) => Err(ApiError::new(
                StatusCode::FORBIDDEN,
                "WrongVenueCode",
                "this is not the code that is shown at the venue; scan it there",
            )
            .at("venue_code")),
        }
    }
}

/// Where a call comes from that has a message sent to an address.
pub(crate) struct MessageCaller(Payer);

impl<S: Send + Sync> FromRequestParts<S> for MessageCaller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(Payer::at(caller_address(&parts.extensions))))
    }
}

impl MessageCaller {
    /// Counts one message.
    ///
    /// # Errors
    /// 429 if the caller has had too many sent.
    pub(crate) fn count(&self, state: &AppState) -> Result<(), ApiError> {
        state.limiter.take(self.0, Counted::Message, state.clock.now()).map_err(too_many)
    }
}

/// The token of the `Authorization` header.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Refusal::Invalid("more than one Authorization header"));
    }
    let text = value.to_str().map_err(|_| Refusal::Invalid("the Authorization header is not text"))?;
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token.trim())),
        _ => Err(Refusal::Invalid("the Authorization header must be `Bearer <token>`")),
    }
}

fn unauthorized(refusal: Refusal) -> ApiError {
    match refusal {
        Refusal::Missing => ApiError::new(
            StatusCode::UNAUTHORIZED,
            "Unauthorized",
            "this call needs a token: send it as `Authorization: Bearer <token>`",
        )
        .with_header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"lottery\"")),
        Refusal::Invalid(reason) => {
            let challenge = format!(
                "Bearer realm=\"lottery\", error=\"invalid_token\", error_description=\"{}\"",
                reason.replace(['"', '`'], "'")
            );
            let challenge = HeaderValue::from_str(&challenge)
                .unwrap_or(HeaderValue::from_static("Bearer error=\"invalid_token\""));
            ApiError::new(StatusCode::UNAUTHORIZED, "Unauthorized", format!("the token is refused: {reason}"))
                .with_header(WWW_AUTHENTICATE, challenge)
        }
        Refusal::KeysUnavailable(internal) => ApiError::unavailable(internal),
    }
}

/// 403: the token lacks the scope.
pub(crate) fn forbidden(prefix: &str, scope: Scope) -> ApiError {
    let scope = format!("{prefix}{}", scope.as_str());
    let error = ApiError::new(
        StatusCode::FORBIDDEN,
        "Forbidden",
        format!("the token lacks the scope `{scope}` that this call needs"),
    );
    match HeaderValue::from_str(&format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"")) {
        Ok(challenge) => error.with_header(WWW_AUTHENTICATE, challenge),
        Err(_) => error,
    }
}
