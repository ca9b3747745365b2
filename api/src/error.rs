//! The responses to requests that fail: RFC 9457 problem details.
//!
//! An [`ApiError`] keeps two texts: the public one for the response, the internal one for the log.
//! The reply's body is written by the [edge](crate::edge), which knows the request id.

use std::borrow::Cow;
use std::fmt;

use axum::response::{IntoResponse, Response};
use draw_start::{ExecutionError, StartError};
use http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use http::{StatusCode, header};
use lottery::feasibility::UnknownGroup;
use lottery::{DrawRequest, DrawRequestError, FieldError};
use lottery_store::StoreError;
use platform::Chain;
use serde_json::{Map, Value, json};

use crate::explanation::Explanation;

/// A request that fails, with a public text for its sender and an internal one for the log.
pub struct ApiError(Box<Problem>);

/// The parts of an error; travels to the edge as a response extension.
#[derive(Clone)]
pub(crate) struct Problem {
    status: StatusCode,
    name: Cow<'static, str>,
    detail: String,
    internal: Option<String>,
    headers: HeaderMap,
    members: Map<String, Value>,
}

impl ApiError {
    /// An error of the given status, problem name (`AlreadyCommitted`) and public sentence.
    pub fn new(status: StatusCode, name: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self(Box::new(Problem {
            status,
            name: name.into(),
            detail: detail.into(),
            internal: None,
            headers: HeaderMap::new(),
            members: Map::new(),
        }))
    }

    /// 400: the request cannot be read.
    pub fn bad_request(name: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, name, detail)
    }

    /// 422: the request can be parsed, but is invalid.
    pub fn invalid(name: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, name, detail)
    }

    /// 404: there is nothing of this name.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NotFound", detail)
    }

    /// 409: the request contradicts the stored state.
    pub fn conflict(name: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, name, detail)
    }

    /// 413: the request is too large.
    pub fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "TooLarge", detail)
    }

    /// 500: a fault of ours. The text goes to the log only.
    pub fn internal(internal: impl fmt::Display) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Internal",
            "something went wrong on our side; the request id finds it in our log",
        )
        .because(internal)
    }

    /// 503: a backend does not respond; the same request may work later.
    pub fn unavailable(internal: impl fmt::Display) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "Unavailable",
            "a service that this API depends on does not respond; send the same request again",
        )
        .because(internal)
        .retry_after(2)
    }

    /// Names the fields at fault as members of `field`.
    #[must_use]
    pub(crate) fn within(mut self, field: &str) -> Self {
        let errors = self.0.members.get_mut("errors").and_then(Value::as_array_mut);
        for error in errors.into_iter().flatten() {
            if let Some(inner) = error["field"].as_str() {
                error["field"] = format!("{field}.{inner}").into();
            }
        }
        self
    }

    /// Adds the text for the log.
    #[must_use]
    pub fn because(mut self, internal: impl fmt::Display) -> Self {
        self.0.internal = Some(internal.to_string());
        self
    }

    /// Says when to try again.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        self.with_header(RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// 422: a field of the request is invalid; `errors` says why in words and in a code.
    pub(crate) fn invalid_field(field: &str, why: Explanation) -> Self {
        Self::invalid("InvalidField", format!("{field}: {why}")).at_field(field, why)
    }

    /// 422: the request has a field that is not known; `detail` says which are.
    pub(crate) fn unknown_field(name: &str, detail: String) -> Self {
        let FieldError { field, reason } = FieldError::unknown(name);
        Self::invalid("InvalidField", detail).at_field(&field, reason.into())
    }

    /// Names a field that is at fault, and why in words and in a code, as one of `errors`.
    #[must_use]
    pub(crate) fn at_field(self, field: &str, why: Explanation) -> Self {
        let mut error =
            Map::from_iter([("field".into(), field.into()), ("detail".into(), why.reason.clone().into())]);
        error.extend(why.into_members().map(|(name, value)| (name.to_owned(), value)));
        self.with_error(error.into())
    }

    /// Names the location of the fault in the request, as `errors: [{field, detail}]`.
    #[must_use]
    pub fn at(self, field: &str) -> Self {
        let error = json!({ "field": field, "detail": self.0.detail });
        self.with_error(error)
    }

    /// Says in a code what the public sentence says.
    #[must_use]
    pub(crate) fn explained(self, why: Explanation) -> Self {
        why.into_members().into_iter().fold(self, |error, (name, value)| error.with_member(name, value))
    }

    fn with_error(mut self, error: Value) -> Self {
        match self.0.members.entry("errors").or_insert_with(|| Value::Array(Vec::new())) {
            Value::Array(errors) => errors.push(error),
            other => *other = Value::Array(vec![error]),
        }
        self
    }

    /// Adds an extension member to the problem document.
    #[must_use]
    pub fn with_member(mut self, name: &str, value: Value) -> Self {
        self.0.members.insert(name.to_owned(), value);
        self
    }

    /// Adds a header to the reply.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    /// The same error, for another request that waited for the same read.
    pub(crate) fn shared(&self) -> Self {
        Self(self.0.clone())
    }

    /// The status that the reply will have.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiError")
            .field("status", &self.0.status)
            .field("name", &self.0.name)
            .field("detail", &self.0.detail)
            .field("internal", &self.0.internal)
            .finish()
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.0.status.into_response();
        response.headers_mut().extend(self.0.headers.clone());
        response.extensions_mut().insert(*self.0);
        response
    }
}

impl Problem {
    /// The problem for a reply that carries a bare status, such as one of axum's own rejections.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        let (name, detail) = match status {
            StatusCode::NOT_FOUND => {
                ("NotFound", "there is nothing at this address; /openapi.json lists what is")
            }
            StatusCode::METHOD_NOT_ALLOWED => (
                "MethodNotAllowed",
                "this address does not take this method; the header Allow lists those it takes",
            ),
            StatusCode::PAYLOAD_TOO_LARGE => ("TooLarge", "the request body is too large"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                ("UnsupportedMediaType", "the request body is not of a type that this address takes")
            }
            status if status.is_server_error() => {
                ("Internal", "something went wrong on our side; the request id finds it in our log")
            }
            _ => ("BadRequest", "the request cannot be read"),
        };
        *ApiError::new(status, name, detail).0
    }

    /// The text for the log, if there is one.
    pub(crate) fn internal(&self) -> Option<&str> {
        self.internal.as_deref()
    }

    /// The problem's name, for the log.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The whole reply, with the request id in its body.
    pub(crate) fn into_reply(self, request_id: &str, mut headers: HeaderMap) -> Response {
        let mut document = Map::new();
        document.insert("type".into(), format!("/problems/{}", words(&self.name).join("-")).into());
        document.insert("title".into(), title(&self.name).into());
        document.insert("status".into(), self.status.as_u16().into());
        document.insert("detail".into(), self.detail.into());
        document.insert("request_id".into(), request_id.into());
        for (name, value) in self.members {
            document.entry(name).or_insert(value);
        }
        headers.remove(header::CONTENT_LENGTH);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        (self.status, headers, Value::Object(document).to_string()).into_response()
    }
}

/// The words of a problem's name: `AlreadyCommitted` is `already`, `committed`.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for character in name.chars() {
        match words.last_mut() {
            Some(word) if !character.is_ascii_uppercase() => word.push(character),
            _ => words.push(character.to_ascii_lowercase().to_string()),
        }
    }
    words
}

/// `AlreadyCommitted` as people read it: `Already committed`.
fn title(name: &str) -> String {
    let mut title = words(name).join(" ");
    if let Some(first) = title.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    title
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::InvalidCursor => {
                Self::bad_request("BadQuery", "cursor must be the `next_cursor` of a page of this very list")
                    .at("cursor")
            }
            error if error.is_transient() => Self::unavailable(Chain(&error)),
            error => Self::internal(Chain(&error)),
        }
    }
}

impl From<FieldError> for ApiError {
    fn from(error: FieldError) -> Self {
        Self::invalid_field(&error.field, error.reason.into())
    }
}

impl From<DrawRequestError> for ApiError {
    fn from(error: DrawRequestError) -> Self {
        let (name, detail) = (error.name(), error.to_string());
        match error {
            DrawRequestError::Field(field) => field.into(),
            DrawRequestError::NoWinners | DrawRequestError::TooManyWinners(_) => {
                Self::invalid(name, detail).at("winners")
            }
        }
    }
}

impl From<StartError> for ApiError {
    fn from(error: StartError) -> Self {
        let sentence = error.to_string();
        match error {
            StartError::Closed => Self::conflict("LotteryClosed", sentence),
            StartError::Request(error) => error.into(),
            StartError::ChannelUnavailable { .. } => {
                Self::invalid("ChannelUnavailable", sentence).at("channels")
            }
            StartError::UnknownGroup { request, unknown } => of_unknown_groups(&request, &unknown),
            StartError::AnotherDraw => Self::invalid(
                "IdempotencyKeyReused",
                "this Idempotency-Key started another draw of this lottery; use a new key for a new draw",
            )
            .at("Idempotency-Key"),
            StartError::Store(error) => error.into(),
            StartError::Execution(ExecutionError::Unknown(internal)) => Self::unavailable(internal),
            StartError::Execution(ExecutionError::Refused(internal)) => Self::internal(internal),
        }
    }
}

fn of_unknown_groups(request: &DrawRequest, unknown: &[UnknownGroup]) -> ApiError {
    let why = |unknown: &UnknownGroup| Explanation::from(unknown.refusal());
    let detail = unknown.iter().map(|unknown| why(unknown).reason).collect::<Vec<_>>().join("; ");
    let mut error = ApiError::invalid("UnknownGroup", detail);
    if let Some(first) = unknown.first() {
        error = error.explained(why(first));
    }
    for (index, prize) in request.prizes.as_slice().iter().enumerate() {
        for (number, quota) in prize.quota.iter().enumerate() {
            for unknown in unknown.iter().filter(|unknown| quota.groups.contains(&unknown.group)) {
                error = error.at_field(&format!("prizes[{index}].quota[{number}]"), why(unknown));
            }
        }
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_name_reads_as_a_title() {
        assert_eq!(title("AlreadyCommitted"), "Already committed");
        assert_eq!(title("NotFound"), "Not found");
        assert_eq!(words("AlreadyCommitted").join("-"), "already-committed");
    }

    #[tokio::test]
    async fn members_cannot_replace_what_the_standard_names() {
        let error = ApiError::conflict("Exists", "it exists").with_member("status", json!(200));
        let reply = error.0.into_reply("r", HeaderMap::new());
        assert_eq!(reply.status(), StatusCode::CONFLICT);
        let body = axum::body::to_bytes(reply.into_body(), usize::MAX).await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["status"], 409);
    }

    /// The names of the members of an object that begin a document, and of those of its schema.
    async fn written_and_documented(
        error: ApiError,
        pointer: &str,
        schema: impl serde::Serialize,
    ) -> [Vec<String>; 2] {
        let reply = error.0.into_reply("r", HeaderMap::new());
        let body = axum::body::to_bytes(reply.into_body(), usize::MAX).await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        let schema = serde_json::to_value(schema).unwrap();
        [body.pointer(pointer).unwrap(), &schema["properties"]].map(|object| {
            let mut names: Vec<String> = object.as_object().unwrap().keys().cloned().collect();
            names.sort();
            names
        })
    }

    #[tokio::test]
    async fn a_problem_has_the_members_that_are_documented() {
        use utoipa::PartialSchema;

        use crate::openapi::{FieldProblem, ProblemSchema};

        let unknown = || Explanation::from(lottery::Refusal::UnknownField);
        let error = ApiError::invalid_field("color", unknown())
            .explained(unknown())
            .with_member("line", json!(1))
            .with_member("column", json!("color"));
        let [written, documented] = written_and_documented(error, "", ProblemSchema::schema()).await;
        assert_eq!(written, documented);
        let error = ApiError::invalid_field("color", unknown());
        let [written, documented] = written_and_documented(error, "/errors/0", FieldProblem::schema()).await;
        assert_eq!(written, documented);
    }
}
