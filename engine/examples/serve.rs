//! The engine alone over HTTP, without any AWS service beside it: `serve [PORT] [DIRECTORY]`.
//!
//! With a directory, executions survive the process; without one everything is in memory. The environment
//! variable `LAMBDA_ENDPOINT` is not read here: Task states can only use activities, task tokens and nested
//! executions.

use asl_engine::service::Service;
use asl_engine::{Config, Engine, Storage};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let port: u16 = arguments.next().as_deref().unwrap_or("4566").parse()?;
    let storage = arguments.next().map_or(Storage::Memory, |directory| Storage::Directory(directory.into()));
    let engine = Engine::start(Config { storage, ..Config::in_memory() }).await?;
    let app = axum::Router::new().fallback(answer).with_state(Service::new(engine.clone()));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    axum::serve(listener, app).with_graceful_shutdown(async { drop(tokio::signal::ctrl_c().await) }).await?;
    engine.shutdown().await;
    Ok(())
}

async fn answer(State(service): State<Service>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default();
    let reply = service.call(operation, &body).await;
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, "application/x-amz-json-1.0")], reply.body).into_response()
}
