//! The OpenAPI document: what the table of routes says, for programs.

use std::collections::btree_map::Entry;
use std::sync::{Arc, LazyLock};

use axum::extract::Extension;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, Paths};
use utoipa::openapi::schema::{ComponentsBuilder, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Required, ResponseBuilder,
    ServerBuilder,
};
use utoipa::{PartialSchema, ToSchema};

use crate::answer::Answer;
use crate::auth::Access;
use crate::cache_control::CacheRule;
use crate::config::Config;
use crate::explanation::{RefusalCode, RefusalParameters};

const BEARER: &str = "bearer";
const PROBLEM: &str = "application/problem+json";

/// The document, made and written when it is asked for first.
#[derive(Clone)]
pub(crate) struct Document(Arc<LazyLock<Answer, Box<dyn FnOnce() -> Answer + Send>>>);

impl Document {
    pub(crate) fn new(make: impl FnOnce() -> OpenApi + Send + 'static) -> Self {
        let write = || {
            let text = serde_json::to_vec(&make()).expect("the document holds nothing that JSON cannot");
            Answer::new(text, "application/json", CacheRule::Document)
        };
        Self(Arc::new(LazyLock::new(Box::new(write))))
    }
}

/// The OpenAPI document of this service.
#[utoipa::path(get, path = "/openapi.json", tag = "service",
    responses((status = 200, description = "An OpenAPI 3.1 document", content_type = "application/json")))]
pub(crate) async fn document(Extension(document): Extension<Document>, headers: HeaderMap) -> Response {
    document.0.respond(&headers)
}

/// RFC 9457 problem details: every failure is answered with one.
#[derive(ToSchema)]
#[schema(as = Problem)]
#[allow(dead_code, reason = "describes the document that the edge writes")]
pub(crate) struct ProblemSchema {
    /// Names the kind of problem: `/problems/` and its name, such as `/problems/already-committed`.
    r#type: String,
    /// The name in words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What is wrong here, and what to do about it.
    detail: String,
    /// Finds the request in the log; also in the header `x-request-id`.
    request_id: String,
    /// The fields at fault, if fields are.
    errors: Option<Vec<FieldProblem>>,
    #[schema(inline, required = false)]
    code: RefusalCode,
    #[schema(inline, required = false)]
    parameters: RefusalParameters,
    /// The line of an import at which it cannot be read.
    line: Option<u64>,
    /// The field at which it cannot be read.
    column: Option<String>,
}

/// One field at fault.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes the document that the edge writes")]
pub(crate) struct FieldProblem {
    /// Its path in the request.
    field: String,
    /// What is wrong with it.
    detail: String,
    #[schema(inline, required = false)]
    code: RefusalCode,
    #[schema(inline, required = false)]
    parameters: RefusalParameters,
}

/// The document before any route.
pub(crate) fn empty(config: &Config) -> OpenApi {
    let components = ComponentsBuilder::new()
        .schema("Problem", ProblemSchema::schema())
        .schema("FieldProblem", FieldProblem::schema())
        .security_scheme(
            BEARER,
            SecurityScheme::Http(
                HttpBuilder::new()
                    .scheme(HttpAuthScheme::Bearer)
                    .bearer_format("JWT")
                    .description(Some(format!("A token of the issuer {}", config.issuer)))
                    .build(),
            ),
        )
        .build();
    let servers = config.public_url.as_ref().map(|url| vec![ServerBuilder::new().url(url.as_str()).build()]);
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Prize draws")
                .description(Some(
                    "Import participants, open a draw with one POST, watch it, and read its winners.",
                ))
                .version(env!("CARGO_PKG_VERSION"))
                .build(),
        )
        .servers(servers)
        .components(Some(components))
        .build()
}

/// Adds a route to the document.
pub(crate) fn add(document: &mut OpenApi, schemas: Vec<(String, RefOr<Schema>)>, paths: Paths) {
    document.components.get_or_insert_default().schemas.extend(schemas);
    for (path, item) in paths.paths {
        match document.paths.paths.entry(path) {
            Entry::Vacant(entry) => _ = entry.insert(item),
            Entry::Occupied(mut entry) => entry.get_mut().merge_operations(item),
        }
    }
}

/// The redirections that GET of a public address may return.
pub(crate) fn redirections(path: &str, access: Access) -> Vec<(u16, &'static str)> {
    let mut redirections = Vec::new();
    if crate::page::view_of(path).is_some() {
        redirections.push((303, "`Accept` names HTML first, as a browser's does when a person follows a link: `Location` is the page"));
    }
    // Health is always current, and responses that need a token are not cached.
    if access.needed().is_empty() && path != "/healthz" {
        redirections.push((304, "The copy that `If-None-Match` names is still the one"));
    }
    redirections
}

/// Writes into an operation what follows from its declaration: security, path parameters, failures.
pub(crate) fn complete(
    operation: &mut Operation,
    path: &str,
    access: Access,
    scope_prefix: &str,
    failures: &[u16],
    takes_any: bool,
    redirections: &[(u16, &'static str)],
) {
    let bearer = |scope: crate::auth::Scope| {
        SecurityRequirement::new(BEARER, [format!("{scope_prefix}{}", scope.as_str())])
    };
    operation.security = Some(match access {
        Access::Public => Vec::new(),
        Access::PublicOr(scope) => vec![SecurityRequirement::default(), bearer(scope)],
        Access::Scope(_) | Access::Either(..) => access.needed().into_iter().map(bearer).collect(),
    });
    for name in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
        let name = name.trim_start_matches('*');
        let parameters = operation.parameters.get_or_insert_default();
        let is_declared = |one: &RefOr<Parameter>| matches!(one, RefOr::T(one) if one.name == name);
        if !parameters.iter().any(is_declared) {
            parameters.push(RefOr::T(path_parameter(name)));
        }
    }
    for (status, description) in redirections {
        let response = ResponseBuilder::new().description(*description).build();
        operation.responses.responses.entry(status.to_string()).or_insert(RefOr::T(response));
    }
    // A parameter that the operation does not have is refused.
    let unknown_parameter: &[u16] = if takes_any { &[] } else { &[400] };
    for &status in failures.iter().chain(common_failures(access)).chain(unknown_parameter) {
        let response = ResponseBuilder::new()
            .description(failure_text(status))
            .content(PROBLEM, ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build())
            .build();
        operation.responses.responses.entry(status.to_string()).or_insert(RefOr::T(response));
    }
}

/// A query parameter of a route of the service's host.
pub(crate) fn query_parameter(name: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .schema(Some(ObjectBuilder::new().schema_type(SchemaType::new(Type::String)).build()))
        .build()
}

fn path_parameter(name: &str) -> Parameter {
    let description = match name {
        "lottery_id" => "Names the lottery",
        "draw_id" => "Names the draw within its lottery",
        "event_id" => "The id of an event of a draw",
        "participant_id" => "The organiser's own id of the participant",
        "label" => "The random name of an entry",
        "rank" => "The rank of a winner, from 1",
        "claim_token" => "What a winner's claim link holds; whoever has it can claim",
        "number" => "The number of the import within its lottery",
        _ => "A part of the address",
    };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(description))
        .schema(Some(ObjectBuilder::new().schema_type(SchemaType::new(Type::String)).build()))
        .build()
}

/// The statuses that every route may answer with, beside its own.
fn common_failures(access: Access) -> &'static [u16] {
    match access {
        Access::Public => &[429, 500, 503],
        Access::PublicOr(_) => &[401, 429, 500, 503],
        Access::Scope(_) | Access::Either(..) => &[401, 403, 429, 500, 503],
    }
}

/// What a status says of a failed request, for the document.
fn failure_text(status: u16) -> &'static str {
    match StatusCode::from_u16(status) {
        Ok(StatusCode::BAD_REQUEST) => "The request cannot be read; `detail` says where and what to do",
        Ok(StatusCode::UNAUTHORIZED) => "No token, or one that does not count",
        Ok(StatusCode::FORBIDDEN) => "The token lacks the scope, or the lottery is not open to join",
        Ok(StatusCode::NOT_FOUND) => "There is no such lottery, draw, participant or claim",
        Ok(StatusCode::NOT_ACCEPTABLE) => "None of the accepted types is offered",
        Ok(StatusCode::REQUEST_TIMEOUT) => "The body stopped arriving",
        Ok(StatusCode::CONFLICT) => "It contradicts what is there, or a request with this key is in flight",
        Ok(StatusCode::GONE) => "It was there, and is over",
        Ok(StatusCode::PAYLOAD_TOO_LARGE) => "More than one request may carry",
        Ok(StatusCode::UNSUPPORTED_MEDIA_TYPE) => "The body is of a type that is not accepted",
        Ok(StatusCode::UNPROCESSABLE_ENTITY) => "The request is invalid; `errors` names the fields",
        Ok(StatusCode::TOO_MANY_REQUESTS) => {
            "Too many requests from this caller; `Retry-After` says when again"
        }
        Ok(StatusCode::SERVICE_UNAVAILABLE) => {
            "A backend of the API does not respond; the same request may work later"
        }
        _ => "A fault on our side",
    }
}
