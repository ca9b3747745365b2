//! The query protocol of SNS and STS: a form comes in, XML goes out.

use std::fmt::Write;

use bytes::Bytes;
use http::{Response, StatusCode, header};
use uuid::Uuid;

use crate::config::ACCOUNT;
use crate::sns::{Answer, NAMESPACE, Parameters, Sns, SnsError, escaped};
use crate::worker::Worker;

/// The API version in a form that says that SNS is meant.
const SNS_VERSION: &str = "2010-03-31";

/// The API version in a form that says that STS is meant.
const STS_VERSION: &str = "2011-06-15";

/// Whether a form is one of SNS, and not of STS.
pub(super) fn is_of_sns(parameters: &Parameters) -> bool {
    parameters.get("Version").is_none_or(|version| version == SNS_VERSION)
}

/// Answers a form.
pub(crate) async fn answer(sns: &Worker<Sns>, body: &[u8]) -> Response<Bytes> {
    let parameters = Parameters::from_form(body);
    let action = parameters.get("Action").unwrap_or_default().to_owned();
    match parameters.get("Version") {
        Some(STS_VERSION) => sts(&action),
        Some(SNS_VERSION) | None => {
            let called = action.clone();
            let outcome = sns
                .call(move |sns| sns.call(&called, &parameters))
                .await
                .unwrap_or_else(|error| Err(SnsError::internal(error.to_string())));
            match outcome {
                Ok(answer) => success(&action, &answer),
                Err(error) => failure(&error),
            }
        }
        Some(version) => failure(&SnsError::unknown_action(&format!("{action} of {version}"))),
    }
}

/// STS knows one thing here, which the command line asks at every turn: who one is.
fn sts(action: &str) -> Response<Bytes> {
    let id = Uuid::new_v4();
    if action != "GetCallerIdentity" {
        return failure(&SnsError::unknown_action(action));
    }
    let xml = format!(
        r#"<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <GetCallerIdentityResult>
    <Arn>arn:aws:iam::{ACCOUNT}:root</Arn>
    <UserId>{ACCOUNT}</UserId>
    <Account>{ACCOUNT}</Account>
  </GetCallerIdentityResult>
  <ResponseMetadata>
    <RequestId>{id}</RequestId>
  </ResponseMetadata>
</GetCallerIdentityResponse>
"#
    );
    respond(StatusCode::OK, &id, xml)
}

fn success(action: &str, answer: &Answer) -> Response<Bytes> {
    let id = Uuid::new_v4();
    respond(StatusCode::OK, &id, answer.to_xml(action, &id.to_string()))
}

pub(super) fn failure(error: &SnsError) -> Response<Bytes> {
    let id = Uuid::new_v4();
    let who = if error.status < 500 { "Sender" } else { "Receiver" };
    let mut xml = String::new();
    let _ = write!(
        xml,
        "<ErrorResponse xmlns=\"{NAMESPACE}\">\n  <Error>\n    <Type>{who}</Type>\n    <Code>{}</Code>\n    \
         <Message>{}</Message>\n  </Error>\n  <RequestId>{id}</RequestId>\n</ErrorResponse>\n",
        error.code,
        escaped(&error.message)
    );
    respond(StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST), &id, xml)
}

fn respond(status: StatusCode, id: &Uuid, xml: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(xml));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/xml"));
    headers.insert("x-amzn-requestid", super::header_value(id));
    response
}
