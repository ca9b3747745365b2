//! The page that people see first, and the health check. Its files are part of the binary.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use serde::Serialize;
use utoipa::ToSchema;

/// Nothing from elsewhere, nothing inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page.
#[utoipa::path(get, path = "/", tag = "page",
    responses((status = 200, description = "The page, for people", content_type = "text/html")))]
pub(crate) async fn index() -> Response {
    file("text/html; charset=utf-8", include_str!("../web/index.html"))
}

/// The page's style sheet.
#[utoipa::path(get, path = "/page.css", tag = "page",
    responses((status = 200, description = "A part of the page", content_type = "text/css")))]
pub(crate) async fn style() -> Response {
    file("text/css; charset=utf-8", include_str!("../web/page.css"))
}

/// The page's script.
#[utoipa::path(get, path = "/page.js", tag = "page",
    responses((status = 200, description = "A part of the page", content_type = "text/javascript")))]
pub(crate) async fn script() -> Response {
    file("text/javascript; charset=utf-8", include_str!("../web/page.js"))
}

fn file(content_type: &'static str, content: &'static str) -> Response {
    let headers =
        [(CONTENT_TYPE, content_type), (CONTENT_SECURITY_POLICY, POLICY), (CACHE_CONTROL, "max-age=60")];
    (headers, content).into_response()
}

/// That the service runs.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// Always `ok`.
    status: &'static str,
    /// The version of this service.
    version: &'static str,
}

/// Liveness: answers without asking anything behind it.
#[utoipa::path(get, path = "/healthz", tag = "service",
    responses((status = 200, description = "The service runs", body = Health)))]
pub(crate) async fn health() -> Json<Health> {
    Json(Health { status: "ok", version: env!("CARGO_PKG_VERSION") })
}
