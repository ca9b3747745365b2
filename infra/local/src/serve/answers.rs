//! Responses that the port itself makes, in the format of its service, and the bodies of all responses.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderMap, HeaderValue, RETRY_AFTER,
};
use http::{Response, StatusCode};
use http_body::{Body as _, Frame, SizeHint};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use serde_json::json;
use tokio::net::TcpStream;
use uuid::Uuid;

use super::Service;
use super::bodies::Stop;
use super::connections::Connection;
use super::origin::Foreign;

/// The format of failures on this port, for this client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Problem documents.
    Api,
    /// The JSON protocols of AWS.
    AwsJson,
    /// The query protocol of SNS and STS.
    AwsQuery,
}

impl Dialect {
    pub(super) fn of(service: &Service, headers: &HeaderMap) -> Dialect {
        let is_form = || {
            let kind = headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
            kind.starts_with(b"application/x-www-form-urlencoded") && !headers.contains_key("x-amz-target")
        };
        match service {
            Service::Api(..) => Dialect::Api,
            Service::Aws(_) if is_form() => Dialect::AwsQuery,
            Service::Aws(_) => Dialect::AwsJson,
        }
    }
}

/// An answer of the port.
pub(super) struct Answer {
    status: StatusCode,
    /// As problem documents have it, such as `Busy`.
    name: &'static str,
    /// As AWS has it.
    aws_name: &'static str,
    sentence: String,
    retry_after: Option<u64>,
}

impl Answer {
    pub(super) fn foreign(foreign: &Foreign) -> Answer {
        let sentence = foreign.sentence();
        Answer {
            status: StatusCode::FORBIDDEN,
            name: "Foreign",
            aws_name: "AccessDeniedException",
            sentence,
            retry_after: None,
        }
    }

    pub(super) fn busy() -> Answer {
        let sentence =
            "too many calls are in progress, and this one did not get its turn; try again in a second"
                .to_owned();
        Answer::unavailable("Busy", sentence, Some(1))
    }

    pub(super) fn down(sentence: String) -> Answer {
        Answer::unavailable("Down", sentence, Some(5))
    }

    fn unavailable(name: &'static str, sentence: String, retry_after: Option<u64>) -> Answer {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Answer { status, name, aws_name: "ServiceUnavailable", sentence, retry_after }
    }

    pub(super) fn stopped(stop: Stop) -> Answer {
        match stop {
            Stop::TimedOut => Answer {
                status: StatusCode::REQUEST_TIMEOUT,
                name: "Timeout",
                aws_name: "RequestTimeout",
                sentence: "the request body stopped arriving, or came too slowly; send the request again"
                    .to_owned(),
                retry_after: None,
            },
            Stop::NoRoom => {
                let sentence = "so many large requests are under way that there is no room for this one; send it again in a second";
                Answer::unavailable("Busy", sentence.to_owned(), Some(1))
            }
        }
    }

    pub(super) fn in_dialect(self, dialect: Dialect) -> Response<Body> {
        let (kind, text) = match dialect {
            Dialect::Api => ("application/problem+json", self.problem(None)),
            Dialect::AwsJson => (
                "application/x-amz-json-1.0",
                json!({"__type": self.aws_name, "message": self.sentence, "Message": self.sentence})
                    .to_string(),
            ),
            Dialect::AwsQuery => ("text/xml", self.xml()),
        };
        let mut response = Response::new(Body::from(text));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        if dialect != Dialect::Api {
            headers.insert("x-amzn-errortype", HeaderValue::from_static(self.aws_name));
        }
        self.common(headers);
        response
    }

    /// The same status and headers as `response`, with what is known beside it.
    pub(super) fn in_place_of(self, response: Response<Body>) -> Response<Body> {
        let (mut head, _) = response.into_parts();
        let request_id = head.headers.get("x-request-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
        head.status = self.status;
        head.headers.remove(CONTENT_LENGTH);
        head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        self.common(&mut head.headers);
        Response::from_parts(head, Body::from(self.problem(request_id)))
    }

    fn common(&self, headers: &mut HeaderMap) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
    }

    fn problem(&self, request_id: Option<String>) -> String {
        json!({
            "type": format!("/problems/{}", self.name.to_ascii_lowercase()),
            "title": self.name,
            "status": self.status.as_u16(),
            "detail": self.sentence,
            "request_id": request_id.unwrap_or_else(|| Uuid::new_v4().to_string()),
        })
        .to_string()
    }

    fn xml(&self) -> String {
        let who = if self.status.is_client_error() { "Sender" } else { "Receiver" };
        format!(
            "<ErrorResponse xmlns=\"{}\">\n  <Error>\n    <Type>{who}</Type>\n    <Code>{}</Code>\n    \
             <Message>{}</Message>\n  </Error>\n  <RequestId>{}</RequestId>\n</ErrorResponse>\n",
            crate::sns::NAMESPACE,
            self.aws_name,
            crate::sns::escaped(&self.sentence),
            Uuid::new_v4()
        )
    }
}

/// The answer to a request whose body was given up. What the handler says of that itself is kept: an import tells how
/// far it has come.
pub(super) fn after_stop(stop: Stop, said: Response<Body>, dialect: Dialect) -> Response<Body> {
    let mut response = match said.status() {
        StatusCode::REQUEST_TIMEOUT | StatusCode::SERVICE_UNAVAILABLE => said,
        _ => Answer::stopped(stop).in_dialect(dialect),
    };
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Tells a client without a connection to come again, if that can be said at once.
pub(super) fn refuse(stream: &TcpStream) {
    const TEXT: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 2\r\nconnection: close\r\n\
                          content-type: text/plain\r\ncontent-length: 44\r\n\r\nall connections are in use; try again later\n";
    // A client with too small a receive buffer gets no answer.
    let _ = stream.try_write(TEXT);
}

/// Says when the answer was made, if the clock shows a time that HTTP can say.
pub(super) fn set_date(response: &mut Response<Body>) {
    static PRINTER: DateTimePrinter = DateTimePrinter::new();
    let now = Timestamp::now();
    if now >= Timestamp::UNIX_EPOCH
        && let Ok(text) = PRINTER.timestamp_to_rfc9110_string(&now)
        && let Ok(value) = HeaderValue::try_from(text)
    {
        response.headers_mut().insert(DATE, value);
    }
}

/// A response body that reports its end to the connection.
pub(super) struct Tracked {
    body: Body,
    connection: Arc<Connection>,
}

/// The response with its body tracked from here on.
pub(super) fn tracked(response: Response<Body>, connection: Arc<Connection>) -> Response<Tracked> {
    let bytes = response.body().size_hint().exact().unwrap_or(0);
    connection.begin_answer(usize::try_from(bytes).unwrap_or(usize::MAX));
    response.map(|body| Tracked { body, connection })
}

impl Drop for Tracked {
    fn drop(&mut self) {
        self.connection.end_answer();
    }
}

impl http_body::Body for Tracked {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
