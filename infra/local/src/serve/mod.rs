//! The two sockets: who may send what, how much of it is held, and for how long.
//!
//! axum's own server waits for its clients for ever; here every connection is watched ([`connections`]), bodies are
//! counted ([`bodies`]), requests from other sites' pages are refused ([`origin`]), and the organiser comes first
//! ([`admission`]).

mod admission;
mod answers;
mod bodies;
mod connections;
mod limits;
mod origin;
mod stream;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use http::header::CONTENT_LENGTH;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tower::ServiceExt;

use crate::aws::Endpoint;
use crate::health::Health;
use crate::{Issuer, StartError};

use admission::Admission;
use answers::{Answer, Dialect};
use bodies::{Bodies, MAX_HELD_BYTES};
use connections::{Connection, Connections, Order};
use limits::{Limits, raise_descriptors};
pub(crate) use origin::page_origins;
use origin::{Foreign, Hosts};

/// The largest request that DynamoDB takes; nobody else takes more.
const MAX_AWS_BODY: usize = 16 * 1024 * 1024;

/// What is counted for a body of S3, which is read as a stream: a chunk, and the next one.
const MAX_S3_BODY: usize = 2 * 1024 * 1024;

/// What is counted for a body on the API's port: JSON is smaller, and imports are read as a stream.
const MAX_API_BODY: usize = 256 * 1024;

/// What a connection buffers of a request's head, and in each direction of a body. Browsers send less than 16 KiB.
const MAX_BUFFER: usize = 32 * 1024;

/// Answers that clients have not taken yet. Beyond, who takes nothing for [`BLOCKED`] is closed.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// See [`MAX_ANSWER_BYTES`].
const BLOCKED: Duration = Duration::from_secs(2);

/// How often connections are looked at.
const SWEEP: Duration = Duration::from_secs(1);

/// The layers between a socket and its service.
pub(crate) struct Front {
    /// The names of this machine.
    hosts: Hosts,
    /// The connections of this port.
    connections: Arc<Connections>,
    /// The bodies of both ports.
    bodies: Arc<Bodies>,
    /// What is down.
    health: Arc<Health>,
}

impl Front {
    /// The fronts of both ports, the API's first, which share what they hold.
    pub(crate) fn both(
        listeners: [&TcpListener; 2],
        public_hosts: &[String],
        health: &Arc<Health>,
    ) -> io::Result<[Arc<Front>; 2]> {
        let limits = Limits::of_descriptors(raise_descriptors());
        let bodies = Bodies::new(MAX_HELD_BYTES);
        let front = |listener: &TcpListener| -> io::Result<Arc<Front>> {
            Ok(Arc::new(Front {
                hosts: Hosts::new(listener.local_addr()?.ip(), public_hosts),
                connections: Connections::new(limits),
                bodies: bodies.clone(),
                health: health.clone(),
            }))
        };
        let [api, aws] = listeners;
        Ok([front(api)?, front(aws)?])
    }
}

/// The service of a socket.
#[derive(Clone)]
enum Service {
    Api(Router, Arc<Admission>),
    Aws(Arc<Endpoint>),
}

/// Takes an address; `option` is the one that sets it.
pub(crate) async fn listen(address: SocketAddr, option: &'static str) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => StartError::AddressInUse { address, option },
        _ => StartError::Listen { address, option, source },
    })
}

/// Serves the API until `stopped`, and then what has been asked by then.
pub(crate) async fn api(
    listener: TcpListener,
    front: Arc<Front>,
    router: Router,
    organisers: Issuer,
    stopped: watch::Receiver<bool>,
) {
    let cores = available_parallelism().map_or(1, Into::into);
    let admission = Admission::new(organisers, cores, front.connections.capacity());
    serve(listener, front, Service::Api(router, Arc::new(admission)), stopped).await;
}

/// Serves the AWS endpoint likewise.
pub(crate) async fn aws(
    listener: TcpListener,
    front: Arc<Front>,
    endpoint: Arc<Endpoint>,
    stopped: watch::Receiver<bool>,
) {
    serve(listener, front, Service::Aws(endpoint), stopped).await;
}

async fn serve(listener: TcpListener, front: Arc<Front>, service: Service, stopped: watch::Receiver<bool>) {
    // The tasks end with this one, whichever way it ends.
    let mut tasks = JoinSet::new();
    let mut sweeps = tokio::time::interval(SWEEP);
    let mut stopped = std::pin::pin!(until(stopped));
    loop {
        tokio::select! {
            () = stopped.as_mut() => break,
            now = sweeps.tick() => {
                front.connections.sweep(now);
                if front.connections.answer_bytes() > MAX_ANSWER_BYTES {
                    front.connections.close_blocked(BLOCKED, now);
                }
            }
            Some(_) = tasks.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => match front.connections.admit(peer.ip(), Instant::now()) {
                    Some(connection) => {
                        let client = Client { connection, front: front.clone(), service: service.clone(), peer };
                        tasks.spawn(client.serve(stream));
                    }
                    None => answers::refuse(&stream),
                },
                Err(error) => after_failure(&front.connections, &error).await,
            }
        }
    }
    drop(listener);
    front.connections.finish();
    while tasks.join_next().await.is_some() {}
}

async fn until(mut stopped: watch::Receiver<bool>) {
    // A sender that is gone means the same.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// A client that is gone already is no matter; without descriptors another one has to go.
async fn after_failure(connections: &Connections, error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        return;
    }
    tracing::warn!(%error, connections = connections.count(), "a connection could not be taken");
    connections.evict_one(Instant::now());
    tokio::time::sleep(Duration::from_millis(20)).await;
}

/// One connection with all that serves it.
struct Client {
    connection: Arc<Connection>,
    front: Arc<Front>,
    service: Service,
    peer: SocketAddr,
}

impl Client {
    async fn serve(self, stream: TcpStream) {
        // Answers are small and go at once.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps its delay");
        }
        let local = stream.local_addr().map_or(self.peer.ip(), |address| address.ip());
        let io = TokioIo::new(stream::Watched::new(stream, self.connection.clone()));
        let mut orders = self.connection.orders();
        let client = &self;
        let service = hyper::service::service_fn(move |request| async move {
            Ok::<_, Infallible>(client.answer(request, local).await)
        });
        let served = http1::Builder::new()
            .max_buf_size(MAX_BUFFER)
            // hyper's own date cannot say a time before 1970, and panics.
            .auto_date_header(false)
            .serve_connection(io, service);
        let mut served = std::pin::pin!(served);
        loop {
            tokio::select! {
                _ = served.as_mut() => break,
                // The connection holds the sender.
                Ok(()) = orders.changed() => match *orders.borrow_and_update() {
                    Order::Serve => {}
                    Order::Finish => served.as_mut().graceful_shutdown(),
                    Order::Close => break,
                },
            }
        }
        self.front.connections.ended(&self.connection);
    }

    async fn answer(&self, request: Request<Incoming>, local: IpAddr) -> Response<answers::Tracked> {
        let (head, body) = request.into_parts();
        let is_of_s3 = matches!(self.service, Service::Aws(_)) && crate::s3::is_meant(&head);
        let counted = match self.service {
            Service::Api(..) => MAX_API_BODY,
            Service::Aws(_) if is_of_s3 => MAX_S3_BODY,
            Service::Aws(_) => MAX_AWS_BODY,
        };
        let now = Instant::now();
        let (lease, held) = self.front.bodies.begin(counted, now);
        self.connection.begin_request(&lease, now);
        let dialect = Dialect::of(&self.service, &head.headers);
        let foreign = match (self.front.hosts.check(&head, local).err(), &self.service) {
            // A bucket says itself which pages may use it.
            (Some(Foreign::Origin(_)), Service::Aws(endpoint))
                if is_of_s3 && endpoint.s3.allows_page(&head).await =>
            {
                None
            }
            (foreign, _) => foreign,
        };
        let refusal = match foreign {
            Some(foreign) => Some(Answer::foreign(&foreign)),
            None => crate::health::clock_fault(self.front.health.clock()).map(Answer::down),
        };
        let body = Body::new(bodies::Counted::new(body, self.front.bodies.clone(), lease.clone()));
        let path_is_healthz = head.uri.path() == "/healthz";
        let mut response = match (refusal, &self.service) {
            (Some(refusal), _) => refusal.in_dialect(dialect),
            (None, Service::Api(router, admission)) => match admission.admit(admission.class(&head)).await {
                Ok(turn) => {
                    let mut request = Request::from_parts(head, body);
                    request.extensions_mut().insert(ConnectInfo(self.peer));
                    let response =
                        router.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
                    drop(turn);
                    response
                }
                Err(admission::Busy) => Answer::busy().in_dialect(dialect),
            },
            (None, Service::Aws(endpoint)) if is_of_s3 => endpoint.answer_s3(&head, body).await,
            (None, Service::Aws(endpoint)) => aws_answer(endpoint, Request::from_parts(head, body)).await,
        };
        if let Some(stop) = lease.stopped() {
            response = answers::after_stop(stop, response, dialect);
        } else if response.status().is_server_error() && !path_is_healthz && dialect == Dialect::Api {
            // What the API guesses is worth less than what is known.
            if let Err(sentence) = self.front.health.report() {
                response = Answer::down(sentence).in_place_of(response);
            }
        }
        answers::set_date(&mut response);
        drop(held);
        answers::tracked(response, self.connection.clone())
    }
}

async fn aws_answer(endpoint: &Arc<Endpoint>, request: Request<Body>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let too_large = || {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        response
    };
    let length =
        head.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > MAX_AWS_BODY as u64) {
        return too_large();
    }
    match to_bytes(body, MAX_AWS_BODY).await {
        Ok(body) => endpoint.answer(&head, body).await.map(Body::from),
        Err(_) => too_large(),
    }
}
