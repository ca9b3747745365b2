//! Query parameters: an operation accepts those of the OpenAPI document and no others.
//!
//! A misspelt `dry_run` must not start an import.

use std::sync::{Arc, LazyLock};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::Method;
use serde_json::json;
use utoipa::openapi::RefOr;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};

use crate::error::ApiError;
use crate::extract::query;

/// The names of the query parameters of the operations of one address, by the operations' methods.
type Known = Vec<(Method, Vec<String>)>;

/// The query parameters of one address, read from its description with the first request that has any.
pub(crate) struct Parameters(LazyLock<Known, Box<dyn FnOnce() -> Known + Send>>);

impl Parameters {
    pub(crate) fn new(read: impl FnOnce() -> Known + Send + 'static) -> Self {
        Self(LazyLock::new(Box::new(read)))
    }

    fn check(&self, request: &Request) -> Result<(), ApiError> {
        let given = query(request.uri())?;
        if given.is_empty() {
            return Ok(());
        }
        let method = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
        let Some((_, known)) = self.0.iter().find(|(other, _)| other == method) else { return Ok(()) };
        match given.into_iter().find(|(name, _)| !known.contains(name)) {
            Some((name, _)) => Err(unknown(&name, known)),
            None => Ok(()),
        }
    }
}

/// The names of the query parameters that an operation documents.
pub(crate) fn of_query(operation: &Operation) -> Vec<String> {
    let of_query = |parameter: &RefOr<Parameter>| match parameter {
        RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Query => Some(parameter.name.clone()),
        _ => None,
    };
    operation.parameters.iter().flatten().filter_map(of_query).collect()
}

/// Refuses a request with a parameter that its operation does not have.
pub(crate) async fn check(State(known): State<Arc<Parameters>>, request: Request, next: Next) -> Response {
    match known.check(&request) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

fn unknown(name: &str, known: &[String]) -> ApiError {
    let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
    let nearest = known.iter().min_by_key(|other| distance(&shown, other));
    let mend = match nearest {
        None => "this address takes none".to_owned(),
        Some(nearest) => {
            format!("the nearest one is `{nearest}`; this address takes {}", known.join(", "))
        }
    };
    ApiError::bad_request("UnknownParameter", format!("there is no parameter `{shown}`: {mend}"))
        .at(&shown)
        .with_member("parameter", json!(shown))
        .with_member("nearest", json!(nearest))
}

/// How many characters have to be put in, taken out or replaced to make one word of the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, character) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (index, compared) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(character != *compared);
            diagonal = row[index + 1];
            row[index + 1] = replaced.min(row[index] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn words_are_as_far_apart_as_they_are_mistyped() {
        for (one, other, expected) in [
            ("limit", "limit", 0),
            ("limt", "limit", 1),
            ("dry-run", "dry_run", 1),
            ("", "abc", 3),
            ("abc", "cab", 2),
        ] {
            assert_eq!(distance(one, other), expected, "{one} {other}");
        }
    }
}
