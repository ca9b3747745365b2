//! An SNS that answers as scripted: for the ways in which a call can fail.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;

/// How one Publish is answered.
#[derive(Debug, Clone, Copy)]
pub enum Reply {
    Accept,
    /// Refused with this status and code; nothing is delivered.
    Refuse(u16, &'static str),
    /// The connection is refused; nothing arrives.
    NotReached,
    /// Delivered, but the connection breaks before the answer.
    LoseAnswer,
    /// Delivered, but never answered.
    Hang,
    /// Delivered, and yet answered with this status of a server's error.
    Break(u16),
}

/// What SNS took.
#[derive(Debug, Clone)]
pub struct Message {
    /// A phone number, or the label that is the audience of a message to the topic.
    pub to: String,
    pub subject: Option<String>,
    pub text: String,
    pub attributes: HashMap<String, String>,
}

#[derive(Clone, Default)]
pub struct Sns(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    replies: VecDeque<Reply>,
    taken: Vec<Message>,
    calls: usize,
    opted_out: HashSet<String>,
}

impl Sns {
    /// This phone has replied STOP.
    pub fn opt_out(&self, phone: &str) {
        self.0.lock().unwrap().opted_out.insert(phone.to_owned());
    }

    /// This phone has replied START.
    pub fn opt_in(&self, phone: &str) {
        self.0.lock().unwrap().opted_out.remove(phone);
    }

    /// Answers the next Publishes so, and those after with acceptance.
    pub fn reply(&self, replies: impl IntoIterator<Item = Reply>) {
        self.0.lock().unwrap().replies.extend(replies);
    }

    /// Everything that SNS took, whatever it answered.
    pub fn taken(&self) -> Vec<Message> {
        self.0.lock().unwrap().taken.clone()
    }

    /// How often Publish was called.
    pub fn calls(&self) -> usize {
        self.0.lock().unwrap().calls
    }

    /// Whether no recipient got two messages on one channel.
    pub fn notified_nobody_twice(&self) -> bool {
        let taken = self.taken();
        let distinct: std::collections::HashSet<_> = taken.iter().map(|message| &message.to).collect();
        distinct.len() == taken.len()
    }

    fn publish(&self, fields: &HashMap<String, String>) -> Reply {
        let mut state = self.0.lock().unwrap();
        state.calls += 1;
        let reply = state.replies.pop_front().unwrap_or(Reply::Accept);
        if matches!(reply, Reply::Accept | Reply::LoseAnswer | Reply::Hang | Reply::Break(_)) {
            let attributes: HashMap<String, String> = (1..)
                .map_while(|number| {
                    let entry = |name: &str| fields.get(&format!("MessageAttributes.entry.{number}.{name}"));
                    Some((entry("Name")?.clone(), entry("Value.StringValue")?.clone()))
                })
                .collect();
            let to = fields.get("PhoneNumber").or_else(|| attributes.get("audience"));
            state.taken.push(Message {
                to: to.expect("a message has a phone or an audience").clone(),
                subject: fields.get("Subject").cloned(),
                text: fields["Message"].clone(),
                attributes,
            });
        }
        reply
    }
}

impl HttpConnector for Sns {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = request.body().bytes().unwrap_or_default();
        let fields: HashMap<String, String> = form_urlencoded::parse(body).into_owned().collect();
        let reply = match fields["Action"].as_str() {
            "Publish" => self.publish(&fields),
            "GetSubscriptionAttributes" => return subscription(&fields["SubscriptionArn"]),
            "CheckIfPhoneNumberIsOptedOut" => {
                let is_opted_out = self.0.lock().unwrap().opted_out.contains(&fields["phoneNumber"]);
                return checked(is_opted_out);
            }
            other => panic!("the tasks are not meant to call {other}"),
        };
        HttpConnectorFuture::new(async move {
            // What runs beside it may continue while the call is under way.
            tokio::task::yield_now().await;
            match reply {
                Reply::Accept => Ok(answer(
                    200,
                    "<PublishResponse><PublishResult><MessageId>m-1</MessageId></PublishResult></PublishResponse>",
                )),
                Reply::Refuse(status, code) => Ok(error(status, code)),
                Reply::Break(status) => Ok(error(status, "InternalFailure")),
                Reply::NotReached => Err(ConnectorError::io(
                    std::io::Error::from(std::io::ErrorKind::ConnectionRefused).into(),
                )),
                Reply::LoseAnswer => {
                    Err(ConnectorError::io(std::io::Error::from(std::io::ErrorKind::ConnectionReset).into()))
                }
                Reply::Hang => std::future::pending().await,
            }
        })
    }
}

fn checked(is_opted_out: bool) -> HttpConnectorFuture {
    HttpConnectorFuture::ready(Ok(answer(
        200,
        &format!(
            "<CheckIfPhoneNumberIsOptedOutResponse><CheckIfPhoneNumberIsOptedOutResult><isOptedOut>{is_opted_out}\
             </isOptedOut></CheckIfPhoneNumberIsOptedOutResult></CheckIfPhoneNumberIsOptedOutResponse>"
        ),
    )))
}

/// The state of a subscription, by the end of its ARN.
fn subscription(arn: &str) -> HttpConnectorFuture {
    let pending = |pending: bool| {
        let attributes = format!("<entry><key>PendingConfirmation</key><value>{pending}</value></entry>");
        answer(
            200,
            &format!(
                "<GetSubscriptionAttributesResponse><GetSubscriptionAttributesResult><Attributes>{attributes}\
                 </Attributes></GetSubscriptionAttributesResult></GetSubscriptionAttributesResponse>"
            ),
        )
    };
    HttpConnectorFuture::ready(Ok(match arn.rsplit(':').next() {
        Some("confirmed") => pending(false),
        Some("pending") => pending(true),
        Some("gone") => error(404, "NotFound"),
        _ => error(503, "ServiceUnavailable"),
    }))
}

/// The message of an error may repeat the address, as that of AWS does.
fn error(status: u16, code: &str) -> HttpResponse {
    answer(
        status,
        &format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code>\
             <Message>Invalid parameter: PhoneNumber Reason: +12025550001 is not valid</Message></Error>\
             <RequestId>r</RequestId></ErrorResponse>"
        ),
    )
}

fn answer(status: u16, body: &str) -> HttpResponse {
    HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body))
}

impl fmt::Debug for Sns {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sns")
    }
}
