//! Sends one message to one person at once: a code, or the link to their own entry. What a draw has to tell is sent by its
//! tasks, through the ledger.

use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent};
use aws_sdk_sns::error::{DisplayErrorContext, ProvideErrorMetadata};
use aws_sdk_sns::types::MessageAttributeValue;
use lottery::{EmailAddress, EmailThrough, Lottery, PhoneNumber};
use lottery_store::Contact;

use crate::error::ApiError;
use crate::state::AppState;

/// SES, with the sender of its e-mails.
#[derive(Clone)]
pub(crate) struct EmailService {
    pub(crate) ses: aws_sdk_sesv2::Client,
    pub(crate) sender: String,
}

/// A message, as each channel has it.
pub(crate) struct Message {
    pub(crate) sms: String,
    /// In ASCII, if it may go through a topic.
    pub(crate) subject: String,
    pub(crate) email: String,
}

/// Where a message goes.
pub(crate) enum Recipient<'a> {
    Phone(&'a PhoneNumber),
    Mailbox(&'a EmailAddress),
    /// Through the lottery's topic, to the subscription of one label.
    Topic {
        topic_arn: &'a str,
        contact: &'a Contact,
    },
}

impl<'a> Recipient<'a> {
    /// The e-mail address of somebody on the list; none if no e-mail reaches it.
    pub(crate) fn of_email(lottery: &'a Lottery, contact: &'a Contact) -> Option<Self> {
        match lottery.email_through {
            EmailThrough::Ses => contact.email.as_ref().map(Self::Mailbox),
            EmailThrough::Sns => {
                let topic_arn =
                    lottery.topic_arn.as_deref().filter(|_| contact.subscription_arn.is_some())?;
                Some(Self::Topic { topic_arn, contact })
            }
        }
    }
}

impl AppState {
    /// Sends a message. An address that the service refuses counts as sent to: the caller learns nothing of it.
    ///
    /// # Errors
    /// 503 if the service does not take messages now.
    pub(crate) async fn send(
        &self,
        lottery: &Lottery,
        to: Recipient<'_>,
        message: Message,
    ) -> Result<(), ApiError> {
        let text = |value: &str| attribute("String", value);
        let request = match to {
            Recipient::Mailbox(address) => return self.send_email(address, message).await,
            Recipient::Phone(phone) => {
                let request = (self.sns.publish().phone_number(phone.as_str()).message(message.sms))
                    .message_attributes("AWS.SNS.SMS.SMSType", text("Transactional"))
                    .message_attributes(
                        "AWS.SNS.SMS.MaxPrice",
                        attribute("Number", &self.config.sms_max_price),
                    );
                match &lottery.sms_sender {
                    None => request,
                    Some(sender) => request.message_attributes("AWS.SNS.SMS.SenderID", text(sender.as_str())),
                }
            }
            Recipient::Topic { topic_arn, contact } => {
                let publish = self.sns.publish().topic_arn(topic_arn).subject(message.subject);
                let publish = publish.message(message.email);
                publish.message_attributes("audience", text(contact.label.as_str()))
            }
        };
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => refused(error.code(), error.raw_response().map(|raw| raw.status().as_u16()))
                .ok_or_else(|| ApiError::unavailable(DisplayErrorContext(error))),
        }
    }

    async fn send_email(&self, address: &EmailAddress, message: Message) -> Result<(), ApiError> {
        const REASON: &str = "the data, the only required field, is set";
        let Some(EmailService { ses, sender }) = &self.email else {
            return Err(ApiError::unavailable("there is no sender for e-mails through SES"));
        };
        let utf8 = |data: String| Content::builder().data(data).charset("UTF-8").build().expect(REASON);
        let simple = aws_sdk_sesv2::types::Message::builder()
            .subject(utf8(message.subject))
            .body(Body::builder().text(utf8(message.email)).build())
            .build();
        let sent = ses
            .send_email()
            .from_email_address(sender)
            .destination(Destination::builder().to_addresses(address.as_str()).build())
            .content(EmailContent::builder().simple(simple).build())
            .send()
            .await;
        match sent {
            Ok(_) => Ok(()),
            Err(error) => refused(error.code(), error.raw_response().map(|raw| raw.status().as_u16()))
                .ok_or_else(|| ApiError::unavailable(DisplayErrorContext(error))),
        }
    }

    /// The address of somebody's own entry, with the receipt behind the `#`, which no browser sends to a server; none if the
    /// service does not know its own address.
    pub(crate) fn entry_link(&self, lottery: &Lottery, contact: &Contact) -> Option<String> {
        let url = self.config.message_url.as_ref().or(self.config.public_url.as_ref());
        if url.is_none() {
            tracing::warn!("no link can be sent: PUBLIC_URL is not set");
        }
        let receipt = contact.receipt(lottery.manifest_version).to_link();
        Some(format!("{}/#/lotteries/{}/me?receipt={receipt}", url?, lottery.lottery_id))
    }
}

/// Whether a service refuses the message for good, as it does an address that has opted out.
fn refused(code: Option<&str>, status: Option<u16>) -> Option<()> {
    let code = code.unwrap_or("none");
    let is_refused = status.is_some_and(|status| (400..500).contains(&status) && status != 429);
    if !is_refused || platform::is_throttling(code) {
        return None;
    }
    tracing::warn!(code, "a message is refused");
    Some(())
}

fn attribute(data_type: &str, value: &str) -> MessageAttributeValue {
    MessageAttributeValue::builder()
        .data_type(data_type)
        .string_value(value)
        .build()
        .expect("the data type, the only required field, is set")
}
