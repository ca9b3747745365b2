//! Delivers the inbox's e-mails for real, to the SMTP server of `--smtp-url`.

use lettre::message::{Mailbox, header::ContentType};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use tokio::sync::mpsc;

use crate::StartError;

/// Who sends what comes through a topic, as SNS has a sender of its own.
const NOBODY: &str = "no-reply@localhost";

/// E-mails that wait for the server.
const MAX_OUTGOING: usize = 20_000;

/// An e-mail on its way to the server.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) message_id: String,
    /// Without one it is what SNS would send.
    pub(crate) sender: Option<String>,
    pub(crate) address: String,
    pub(crate) subject: String,
    pub(crate) text: String,
}

/// Takes e-mails for delivery. The inbox has them already: one that cannot be delivered is logged, and lost here alone.
#[derive(Clone, Debug)]
pub(crate) struct Relay(mpsc::Sender<Outgoing>);

impl Relay {
    /// Begins to deliver to the server at `url`, such as `smtp://localhost:1025` or `smtps://user:password@host`.
    pub(crate) fn start(url: &str) -> Result<Relay, StartError> {
        // What is wrong with an address may repeat its password.
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            .map_err(|_| StartError::SmtpUrl(without_password(url)))?
            .build();
        let (sender, mut outgoing) = mpsc::channel(MAX_OUTGOING);
        tokio::spawn(async move {
            while let Some(email) = outgoing.recv().await {
                deliver(&transport, email).await;
            }
        });
        Ok(Relay(sender))
    }

    /// Hands an e-mail over; none are kept in memory for a server that is too slow.
    pub(crate) fn send(&self, email: Outgoing) {
        if let Err(mpsc::error::TrySendError::Full(email)) = self.0.try_send(email) {
            let message_id = email.message_id;
            tracing::warn!(
                message_id,
                "not delivered by SMTP: too many messages wait for the relay; it is in the inbox"
            );
        }
    }
}

async fn deliver(transport: &AsyncSmtpTransport<Tokio1Executor>, email: Outgoing) {
    let message_id = email.message_id.clone();
    let sent = match message(email) {
        Ok(message) => transport.send(message).await.map(drop).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match sent {
        Ok(()) => tracing::debug!(message_id, "delivered by SMTP"),
        Err(error) => tracing::warn!(message_id, error, "not delivered by SMTP; it is in the inbox"),
    }
}

fn message(email: Outgoing) -> Result<Message, Box<dyn std::error::Error + Send + Sync>> {
    let sender: Mailbox = email.sender.as_deref().unwrap_or(NOBODY).parse()?;
    Ok(Message::builder()
        .from(sender)
        .to(email.address.parse()?)
        .subject(email.subject)
        .message_id(Some(format!("<{}@local-stack>", email.message_id)))
        .header(ContentType::TEXT_PLAIN)
        .body(email.text)?)
}

fn without_password(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://…@{host}"),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_e_mail_keeps_its_subject_and_text_in_any_language() {
        let email = Outgoing {
            message_id: "1".to_owned(),
            sender: None,
            address: "rose@example.com".to_owned(),
            subject: "一等奖".to_owned(),
            text: "王小明，您好！".to_owned(),
        };
        let formatted = String::from_utf8(message(email).unwrap().formatted()).unwrap();
        assert!(formatted.contains("To: rose@example.com"), "{formatted}");
        assert!(formatted.contains("Subject: =?utf-8?b?5LiA562J5aWW?="), "{formatted}");
    }

    #[tokio::test]
    async fn an_address_that_is_none_is_named_without_its_password() {
        let error = Relay::start("http://user:secret@host").unwrap_err().to_string();
        assert!(error.contains("http://…@host") && !error.contains("secret"), "{error}");
    }
}
