//! `inspectionData`: the values on the way from input to output.

use super::super::answer::Answer;
use crate::data::{Json, JsonPath, ReferencePath, Scope, Template};
use crate::engine::HttpExchange;

/// What the fields of a state made of its data, as far as it came.
#[derive(Default)]
pub(super) struct Inspection {
    values: Vec<(&'static str, Json)>,
    /// The request of an HTTP Task and its response.
    pub(super) exchange: Option<HttpExchange>,
    pub(super) error_details: ErrorDetails,
    pub(super) max_concurrency: Option<u64>,
    pub(super) tolerated_failure_count: Option<u64>,
    pub(super) tolerated_failure_percentage: Option<f64>,
}

/// What was done about an error.
#[derive(Default)]
pub(super) struct ErrorDetails {
    pub(super) catch_index: Option<usize>,
    pub(super) retry_index: Option<usize>,
    pub(super) retry_backoff_interval_seconds: Option<u64>,
}

impl Inspection {
    pub(super) fn record(&mut self, name: &'static str, value: &Json) {
        self.values.push((name, Json::string(value.verbatim())));
    }

    /// The items of a Map, which AWS lists with blanks between them.
    pub(super) fn record_items(&mut self, items: &[Json]) {
        let items: Vec<_> = items.iter().map(Json::to_text).collect();
        self.values.push(("afterItemsPath", Json::from(format!("[{}]", items.join(", ")))));
    }

    pub(super) fn into_json(self) -> Json {
        let mut answer = Answer::new();
        for (name, value) in self.values {
            answer = answer.with(name, value);
        }
        if let Some(exchange) = &self.exchange {
            answer =
                answer.with("request", request_of(exchange)).with_some("response", response_of(exchange));
        }
        let details = self.error_details;
        if details.catch_index.is_some() || details.retry_index.is_some() {
            let details = Answer::new()
                .with_some("catchIndex", details.catch_index)
                .with_some("retryIndex", details.retry_index)
                .with_some("retryBackoffIntervalSeconds", details.retry_backoff_interval_seconds);
            answer = answer.with("errorDetails", details.done());
        }
        answer
            .with_some("maxConcurrency", self.max_concurrency)
            .with_some("toleratedFailureCount", self.tolerated_failure_count)
            .with_some("toleratedFailurePercentage", self.tolerated_failure_percentage)
            .done()
    }
}

/// `request` of an HTTP Task, in AWS's form: every member is a text.
fn request_of(exchange: &HttpExchange) -> Json {
    Answer::new()
        .with("protocol", protocol(exchange))
        .with("method", exchange.method.as_str())
        .with("url", exchange.url.as_str())
        .with("headers", headers(&exchange.headers))
        .with_some("body", exchange.body.as_deref())
        .done()
}

/// `response` of an HTTP Task.
fn response_of(exchange: &HttpExchange) -> Option<Json> {
    let response = exchange.response.as_ref()?;
    let answer = Answer::new()
        .with("protocol", protocol(exchange))
        .with("statusCode", response.status.to_string())
        .with("statusMessage", response.message.as_str())
        .with("headers", headers(&response.headers))
        .with_some("body", response.body.as_deref());
    Some(answer.done())
}

fn protocol(exchange: &HttpExchange) -> &str {
    exchange.url.split_once("://").map_or("https", |(protocol, _)| protocol)
}

/// Headers as AWS shows them: `[name: value, name: value]`.
fn headers(headers: &[(String, String)]) -> String {
    let headers: Vec<_> = headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    format!("[{}]", headers.join(", "))
}

/// The JSONPath fields of a state, evaluated one by one to show what each of them gives. Whether they fail is reported
/// by the state itself; here a field that fails only ends the list.
pub(super) struct Fields<'a> {
    pub(super) state: &'a Json,
    pub(super) scope: Scope<'a>,
}

impl Fields<'_> {
    /// The input after `InputPath`.
    pub(super) fn after_input_path(&self) -> Option<Json> {
        match self.state.get("InputPath") {
            None => Some(self.scope.input.clone()),
            Some(Json::Null) => Some(Json::empty_object()),
            Some(path) => JsonPath::parse(path.as_str()?).ok()?.query(&self.scope).ok(),
        }
    }

    /// What a template makes of a value.
    pub(super) fn after_template(&self, field: &str, value: &Json) -> Option<Json> {
        match self.state.get(field) {
            None => Some(value.clone()),
            Some(template) => Template::parse(template).ok()?.evaluate(&self.scope.with_input(value)).ok(),
        }
    }

    /// The items of a Map.
    pub(super) fn after_items_path(&self, selected: &Json) -> Option<Json> {
        match self.state.get("ItemsPath") {
            None => Some(selected.clone()),
            Some(path) => JsonPath::parse(path.as_str()?).ok()?.query(&self.scope.with_input(selected)).ok(),
        }
    }

    /// The input with the result in it.
    pub(super) fn after_result_path(&self, result: &Json) -> Option<Json> {
        match self.state.get("ResultPath") {
            None => Some(result.clone()),
            Some(Json::Null) => Some(self.scope.input.clone()),
            Some(path) => match path.as_str()? {
                "$" => Some(result.clone()),
                path => ReferencePath::parse(path).ok()?.set(self.scope.input.clone(), result.clone()).ok(),
            },
        }
    }
}
