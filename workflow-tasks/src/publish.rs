//! One call of SNS Publish or of SES SendEmail, and what its response means for the ledger.

use std::time::Duration;

use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message, MessageTag};
use aws_sdk_sns::config::retry::RetryConfig;
use aws_sdk_sns::config::timeout::TimeoutConfig;
use aws_sdk_sns::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sns::operation::get_subscription_attributes::GetSubscriptionAttributesError;
use aws_sdk_sns::types::MessageAttributeValue;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use lottery::{Draw, Label};

use crate::TaskContext;

/// How long one call may take.
const TIMEOUT: Duration = Duration::from_secs(15);

/// How long SNS may take to say whether a phone has opted out.
const CHECK_TIMEOUT: Duration = Duration::from_secs(3);

/// Why a message was refused: the phone has opted out of SMS.
pub(crate) const OPTED_OUT: &str = "OptedOut";

/// A message to send.
pub(crate) enum Delivery<'a> {
    /// Directly to a phone.
    Phone {
        /// The number.
        phone: &'a str,
        /// The name that the phone shows as the sender, where the country allows one.
        sender: Option<&'a str>,
        /// The text.
        text: String,
    },
    /// Through the lottery's topic, to the one subscription whose filter policy names the label.
    Topic {
        /// The lottery's topic.
        topic_arn: &'a str,
        /// ASCII, on one line.
        subject: String,
        /// The text.
        text: String,
    },
    /// Directly to a mailbox, through SES.
    Mailbox {
        /// The sender's address.
        sender: &'a str,
        /// The address.
        address: &'a str,
        /// The subject.
        subject: String,
        /// The text.
        text: String,
    },
}

/// The result of one call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Publication {
    /// The service accepted the message under this id.
    Accepted(String),
    /// The service is throttling, and has not accepted the message.
    Throttled,
    /// The service was certainly not reached.
    NotReached,
    /// The service refused the message, with this error code.
    Refused(String),
    /// The service may have accepted the message: it must not be sent again.
    Unanswered(&'static str),
}

/// Whether an e-mail through the topic would reach the winner.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Subscription {
    /// The subscription is confirmed.
    Confirmed,
    /// It would not reach the winner, for this reason.
    Refused(String),
    /// SNS is throttling.
    Throttled,
    /// SNS cannot say: the call failed.
    Unavailable,
}

/// Sends a message once, with the ids of the draw and the winner's label in the pool as attributes or tags. Delivery reports of SES and
/// machine-readable messages of the topic contain them.
///
/// The SDK's own retries are off: neither service can deduplicate, so a repeated call is a repeated message.
pub(crate) async fn publish(
    cx: &TaskContext,
    draw: &Draw,
    label: &Label,
    delivery: Delivery<'_>,
) -> Publication {
    let request = match delivery {
        Delivery::Phone { phone, sender, text } => {
            if takes_no_sms(cx, phone).await {
                return Publication::Refused(OPTED_OUT.to_owned());
            }
            let request = cx
                .services
                .sns()
                .publish()
                .phone_number(phone)
                .message(text)
                .message_attributes("AWS.SNS.SMS.SMSType", attribute("String", "Transactional"))
                .message_attributes("AWS.SNS.SMS.MaxPrice", attribute("Number", &cx.config.sms_max_price));
            match sender {
                None => request,
                Some(sender) => {
                    request.message_attributes("AWS.SNS.SMS.SenderID", attribute("String", sender))
                }
            }
        }
        Delivery::Topic { topic_arn, subject, text } => cx
            .services
            .sns()
            .publish()
            .topic_arn(topic_arn)
            .subject(subject)
            .message(text)
            .message_attributes("audience", attribute("String", label.as_str())),
        Delivery::Mailbox { sender, address, subject, text } => {
            return send_email(cx, draw, label, sender, address, message(subject, text)).await;
        }
    };
    let request = request
        .message_attributes("lottery_id", attribute("String", draw.lottery_id.as_str()))
        .message_attributes("draw_id", attribute("String", draw.draw_id.as_str()))
        .message_attributes("label", attribute("String", label.as_str()));
    let once = aws_sdk_sns::config::Builder::new()
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::builder().operation_timeout(TIMEOUT).build());
    match request.customize().config_override(once).send().await {
        Ok(answer) => Publication::Accepted(answer.message_id.unwrap_or_default()),
        Err(error) => classify(&error),
    }
}

/// Whether SNS says that the phone has opted out: it would accept the message and deliver nothing. Where it does not say, the
/// message is sent.
async fn takes_no_sms(cx: &TaskContext, phone: &str) -> bool {
    let once = aws_sdk_sns::config::Builder::new()
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::builder().operation_timeout(CHECK_TIMEOUT).build());
    let check = cx.services.sns().check_if_phone_number_is_opted_out().phone_number(phone);
    check.customize().config_override(once).send().await.is_ok_and(|answer| answer.is_opted_out)
}

async fn send_email(
    cx: &TaskContext,
    draw: &Draw,
    label: &Label,
    sender: &str,
    address: &str,
    message: Message,
) -> Publication {
    let request = cx
        .services
        .ses()
        .send_email()
        .from_email_address(sender)
        .destination(Destination::builder().to_addresses(address).build())
        .content(EmailContent::builder().simple(message).build())
        .email_tags(tag("lottery_id", draw.lottery_id.as_str()))
        .email_tags(tag("draw_id", draw.draw_id.as_str()))
        .email_tags(tag("label", label.as_str()))
        .set_configuration_set_name(cx.config.delivery.configuration_set.clone());
    let once = aws_sdk_sesv2::config::Builder::new()
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::builder().operation_timeout(TIMEOUT).build());
    match request.customize().config_override(once).send().await {
        Ok(answer) => Publication::Accepted(answer.message_id.unwrap_or_default()),
        Err(error) => classify(&error),
    }
}

fn message(subject: String, text: String) -> Message {
    const REASON: &str = "the data, the only required field, is set";
    let utf8 = |data: String| Content::builder().data(data).charset("UTF-8").build().expect(REASON);
    Message::builder().subject(utf8(subject)).body(Body::builder().text(utf8(text)).build()).build()
}

fn tag(name: &str, value: &str) -> MessageTag {
    MessageTag::builder().name(name).value(value).build().expect("name and value are set")
}

/// Reads whether the subscription is confirmed. Publish succeeds even when nobody would receive the message.
pub(crate) async fn subscription(cx: &TaskContext, arn: &str) -> Subscription {
    let answer = cx.services.sns().get_subscription_attributes().subscription_arn(arn).send().await;
    match answer {
        Ok(answer) => {
            let pending = answer.attributes.as_ref().and_then(|all| all.get("PendingConfirmation"));
            match pending.map(String::as_str) {
                Some("true") => Subscription::Refused("Unconfirmed".to_owned()),
                _ => Subscription::Confirmed,
            }
        }
        Err(error) => match error.as_service_error() {
            Some(GetSubscriptionAttributesError::NotFoundException(_)) => {
                Subscription::Refused("Unsubscribed".to_owned())
            }
            _ => match classify(&error) {
                Publication::Refused(code) => Subscription::Refused(code),
                Publication::Throttled => Subscription::Throttled,
                _ => Subscription::Unavailable,
            },
        },
    }
}

fn attribute(data_type: &str, value: &str) -> MessageAttributeValue {
    MessageAttributeValue::builder()
        .data_type(data_type)
        .string_value(value)
        .build()
        .expect("the data type, the only required field, is set")
}

/// Classifies a failed call. When in doubt the service may have accepted the message.
fn classify<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Publication {
    match error {
        // Fails before anything is sent, for want of credentials for example.
        SdkError::ConstructionFailure(_) => Publication::NotReached,
        SdkError::DispatchFailure(failure) => {
            let never_connected = failure.as_connector_error().is_some_and(|error| never_connected(error));
            if never_connected { Publication::NotReached } else { Publication::Unanswered("ConnectionLost") }
        }
        SdkError::ServiceError(refusal) => match refusal.raw().status().as_u16() {
            _ if refusal.err().code().is_some_and(asks_to_wait) => Publication::Throttled,
            _ if refusal.err().code().is_some_and(is_about_caller) => Publication::NotReached,
            429 => Publication::Throttled,
            400..=499 if has_opted_out(refusal.err()) => Publication::Refused(OPTED_OUT.to_owned()),
            400..=499 => Publication::Refused(error_code(refusal.err().code())),
            _ => Publication::Unanswered("ServerError"),
        },
        SdkError::TimeoutError(_) => Publication::Unanswered("Timeout"),
        _ => Publication::Unanswered("NoAnswer"),
    }
}

/// Whether SNS or SES asks with this code to send later. A pause of an account's sending ends, as a quota does.
fn asks_to_wait(code: &str) -> bool {
    code == "SendingPausedException" || platform::is_throttling(code)
}

/// Whether SNS refuses an SMS since the phone has opted out of them. It has no code of its own for that.
fn has_opted_out(error: &impl ProvideErrorMetadata) -> bool {
    let says = error.message().is_some_and(|message| message.to_ascii_lowercase().contains("opted out"));
    says || error.code().is_some_and(|code| code.starts_with(OPTED_OUT))
}

/// Whether the code is about the caller and not about the message: expired credentials, or a wrong clock.
fn is_about_caller(code: &str) -> bool {
    matches!(
        code,
        "ExpiredToken"
            | "ExpiredTokenException"
            | "RequestExpired"
            | "RequestTimeTooSkewed"
            | "SignatureDoesNotMatch"
    )
}

/// The error's code alone: its message may repeat the address.
fn error_code(code: Option<&str>) -> String {
    let code: String = code
        .unwrap_or_default()
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '.')
        .take(64)
        .collect();
    if code.is_empty() { "Refused".to_owned() } else { code }
}

/// Whether the connection failed while it was being made, so that nothing can have been sent.
fn never_connected(error: &(dyn std::error::Error + 'static)) -> bool {
    platform::sources(error).any(|error| {
        let connecting = error
            .downcast_ref::<hyper_util::client::legacy::Error>()
            .is_some_and(hyper_util::client::legacy::Error::is_connect);
        let refused = error
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused);
        connecting || refused
    })
}
