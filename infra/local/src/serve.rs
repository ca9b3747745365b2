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

#[cfg(test)]
mod tests {
    use http::Request as Sent;

    use super::*;
    use crate::Confirmation;
    use crate::aws::in_memory;
    use crate::http_client::HttpClient;

    /// Asks an endpoint on a socket; gives status and body.
    async fn asked(requests: Vec<Sent<String>>) -> Vec<(u16, String)> {
        let listener = listen(([127, 0, 0, 1], 0).into(), "--aws-listen").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let server = tokio::spawn(aws(listener, in_memory(Confirmation::ByItself, &[]), stopped));
        let client = HttpClient::new();
        let mut answers = Vec::new();
        for mut request in requests {
            *request.uri_mut() = format!("http://{address}{}", request.uri()).parse().unwrap();
            let answer = client.send(request).await.unwrap();
            answers.push((answer.status().as_u16(), String::from_utf8(answer.body().to_vec()).unwrap()));
        }
        drop(client);
        stop.send_replace(true);
        server.await.unwrap();
        answers
    }

    fn form(body: &str) -> Sent<String> {
        let kind = "application/x-www-form-urlencoded; charset=utf-8";
        Sent::post("/").header("content-type", kind).body(body.to_owned()).unwrap()
    }

    fn target(target: &str, body: &str) -> Sent<String> {
        Sent::post("/").header("x-amz-target", target).body(body.to_owned()).unwrap()
    }

    #[tokio::test]
    async fn one_address_answers_for_every_service() {
        let answers = asked(vec![
            Sent::get("/").body(String::new()).unwrap(),
            form("Action=GetCallerIdentity&Version=2011-06-15"),
            form("Action=ListTopics&Version=2010-03-31"),
            target("DynamoDB_20120810.ListTables", "{}"),
        ])
        .await;
        let words =
            ["AWS endpoint", "<Account>123456789012</Account>", "<ListTopicsResult>", r#"{"TableNames":[]}"#];
        for ((status, body), words) in answers.iter().zip(words) {
            assert_eq!(*status, 200, "{body}");
            assert!(body.contains(words), "{body}");
        }
    }

    #[tokio::test]
    async fn what_nobody_serves_is_refused_in_the_protocol_of_the_caller() {
        let answers = asked(vec![
            target("Kinesis_20131202.ListStreams", "{}"),
            target("DynamoDB_20120810.Invent", "{}"),
            target("AWSStepFunctions.ListStateMachines", "{}"),
            form("Action=Invent&Version=2010-03-31"),
            form("Action=AssumeRole&Version=2011-06-15"),
            Sent::get("/bucket/key").body(String::new()).unwrap(),
        ])
        .await;
        let expected = [
            (400, "UnknownOperationException"),
            (400, "UnknownOperationException"),
            // The engine is not there yet.
            (503, "ServiceUnavailable"),
            (400, "<Code>InvalidAction</Code>"),
            (400, "<Code>InvalidAction</Code>"),
            (404, "nothing here"),
        ];
        for ((status, body), (expected, words)) in answers.iter().zip(expected) {
            assert_eq!(*status, expected, "{body}");
            assert!(body.contains(words), "{body}");
        }
    }

    #[tokio::test]
    async fn a_request_beyond_every_limit_is_refused() {
        let answers = asked(vec![target("DynamoDB_20120810.PutItem", &"x".repeat(MAX_AWS_BODY + 1))]).await;
        assert_eq!(answers[0].0, 413);
    }
}
