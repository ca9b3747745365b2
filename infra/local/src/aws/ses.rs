//! The one operation of SES v2 that the lottery calls: SendEmail, into the inbox.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::header_value;
use crate::sns::{Email, Sns, SnsError};
use crate::worker::Worker;

/// Where SendEmail is.
pub(super) const PATH: &str = "/v2/email/outbound-emails";

/// The request, as far as it is understood here.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SendEmail {
    from_email_address: String,
    destination: Destination,
    content: EmailContent,
    #[serde(default)]
    email_tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Destination {
    #[serde(default)]
    to_addresses: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EmailContent {
    simple: Simple,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Simple {
    subject: Content,
    body: Body,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Body {
    text: Content,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Content {
    data: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    name: String,
    value: String,
}

impl SendEmail {
    /// Reads a request.
    pub(super) fn parse(body: &[u8]) -> Result<SendEmail, String> {
        serde_json::from_slice(body)
            .map_err(|error| format!("the local SES does not understand this: {error}"))
    }

    /// Whom it is sent to.
    pub(super) fn addresses(&self) -> &[String] {
        &self.destination.to_addresses
    }

    /// Who sends it.
    pub(super) fn sender(&self) -> &str {
        &self.from_email_address
    }
}

/// Puts the e-mail into the inbox, and answers as SES does.
pub(super) async fn answer(sns: &Worker<Sns>, request: Result<SendEmail, String>) -> Response<Bytes> {
    let request = match request {
        Ok(request) => request,
        Err(sentence) => return refusal(400, "BadRequestException", &sentence),
    };
    let email = Email {
        sender: request.from_email_address,
        addresses: request.destination.to_addresses,
        subject: request.content.simple.subject.data,
        text: request.content.simple.body.text.data,
        tags: request.email_tags.into_iter().map(|tag| (tag.name, tag.value)).collect::<BTreeMap<_, _>>(),
    };
    if email.addresses.is_empty() {
        return refusal(400, "BadRequestException", "the local SES sends to ToAddresses only");
    }
    let sent = sns.call(move |sns| sns.accept(&email)).await;
    match sent.unwrap_or_else(|error| Err(SnsError::internal(error.to_string()))) {
        Ok(Some(message_id)) => respond(200, &json!({ "MessageId": message_id })),
        Ok(None) => refusal(400, "MessageRejected", "Email address is not verified."),
        Err(error) => refusal(500, "InternalServiceException", &error.message),
    }
}

pub(super) fn refusal(status: u16, exception: &str, message: &str) -> Response<Bytes> {
    let mut response = respond(status, &json!({ "message": message }));
    response.headers_mut().insert("x-amzn-errortype", header_value(exception));
    response
}

fn respond(status: u16, body: &serde_json::Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("x-amzn-requestid", header_value(Uuid::new_v4()));
    response
}
