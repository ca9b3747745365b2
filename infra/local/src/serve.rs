//! The two sockets.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use axum::{Router, ServiceExt};
use http::StatusCode;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::StartError;
use crate::aws::Endpoint;

/// The largest request that DynamoDB takes; nobody else takes more.
const MAX_AWS_BODY: usize = 16 * 1024 * 1024;

/// Takes an address; `option` is the one that sets it.
pub(crate) async fn listen(address: SocketAddr, option: &'static str) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => StartError::AddressInUse { address, option },
        _ => StartError::Listen { address, option, source },
    })
}

/// Serves the API until `stopped`, and then what has been asked by then.
pub(crate) async fn api(listener: TcpListener, router: Router, stopped: watch::Receiver<bool>) {
    let listener = listener.tap_io(without_delay);
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let served = axum::serve(listener, service).with_graceful_shutdown(until(stopped)).await;
    tell("API", served);
}

/// Serves the AWS endpoint likewise.
///
/// There is a single route, so that no router stands between the socket and the endpoint.
pub(crate) async fn aws(listener: TcpListener, endpoint: Arc<Endpoint>, stopped: watch::Receiver<bool>) {
    let listener = listener.tap_io(without_delay);
    let service = tower::service_fn(move |request: Request| {
        let endpoint = endpoint.clone();
        async move { Ok::<_, Infallible>(answer(&endpoint, request).await) }
    });
    let service = ServiceExt::<Request>::into_make_service(service);
    let served = axum::serve(listener, service).with_graceful_shutdown(until(stopped)).await;
    tell("AWS", served);
}

async fn answer(endpoint: &Endpoint, request: Request) -> Response {
    let (head, body) = request.into_parts();
    match to_bytes(body, MAX_AWS_BODY).await {
        Ok(body) => endpoint.answer(&head, body).await.map(Body::from),
        Err(_) => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
    }
}

/// Answers are small and go at once.
fn without_delay(stream: &mut tokio::net::TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps its delay");
    }
}

async fn until(mut stopped: watch::Receiver<bool>) {
    // A sender that is gone means the same.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

fn tell(which: &str, served: io::Result<()>) {
    if let Err(error) = served {
        tracing::error!(socket = which, %error, "the server broke off");
    }
}
