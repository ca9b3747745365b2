//! The message that is due to a winner on a channel.

use lottery::{Channel, EmailAddress, PhoneNumber};
use lottery_store::Contact;

/// The message that is due to a winner on one channel.
pub(crate) enum DueMessage<'a> {
    /// An SMS to this phone.
    Sms(&'a Contact, &'a PhoneNumber),
    /// An e-mail to this address.
    Email(&'a Contact, &'a EmailAddress),
    /// None, because the winner has no address on any channel of the draw or has withdrawn: recorded as FAILED, once, on the
    /// draw's first channel.
    Unreachable,
    /// None, because the winner has an address on another channel.
    Nothing,
}

impl<'a> DueMessage<'a> {
    /// What is due to a winner with this contact, if it still exists, in a draw that notifies on `channels`.
    pub(crate) fn on(channel: Channel, channels: &[Channel], contact: Option<&'a Contact>) -> Self {
        let address = |channel| {
            let contact = contact?;
            match channel {
                Channel::Sms => contact.phone.as_ref().map(|phone| DueMessage::Sms(contact, phone)),
                Channel::Email => contact.email.as_ref().map(|email| DueMessage::Email(contact, email)),
            }
        };
        if let Some(due) = address(channel) {
            return due;
        }
        let reachable = channels.iter().any(|&other| address(other).is_some());
        if !reachable && channels.first() == Some(&channel) {
            DueMessage::Unreachable
        } else {
            DueMessage::Nothing
        }
    }

    /// Whether the ledger must have a line for it before the draw ends.
    pub(crate) fn needs_line(&self) -> bool {
        !matches!(self, DueMessage::Nothing)
    }
}

#[cfg(test)]
mod tests {
    use lottery::{EmailAddress, Label, Name, Nonce, ParticipantId};

    use super::*;

    fn contact(phone: bool, email: bool) -> Contact {
        Contact {
            participant_id: ParticipantId::parse("001").unwrap(),
            name: Name::parse("Rose").unwrap(),
            phone: phone.then(|| PhoneNumber::parse("+12025550101").unwrap()),
            group: None,
            email: email.then(|| EmailAddress::parse("rose@example.com").unwrap()),
            subscription_arn: None,
            subscribed_at: None,
            label: Label::from_random([1; 16]),
            nonce: Nonce::from_random([2; 32]),
            is_present: false,
        }
    }

    #[test]
    fn one_message_is_due_to_a_winner_with_one_address() {
        let contact = contact(true, false);
        assert!(matches!(DueMessage::on(Channel::Sms, &Channel::ALL, Some(&contact)), DueMessage::Sms(..)));
        assert!(matches!(DueMessage::on(Channel::Email, &Channel::ALL, Some(&contact)), DueMessage::Nothing));
    }

    #[test]
    fn a_winner_without_an_address_is_unreachable_once() {
        let nobody = contact(false, false);
        for contact in [Some(&nobody), None] {
            assert!(matches!(DueMessage::on(Channel::Sms, &Channel::ALL, contact), DueMessage::Unreachable));
            assert!(matches!(DueMessage::on(Channel::Email, &Channel::ALL, contact), DueMessage::Nothing));
        }
    }

    #[test]
    fn an_address_on_a_channel_that_the_draw_does_not_use_reaches_nobody() {
        let contact = contact(false, true);
        assert!(matches!(
            DueMessage::on(Channel::Sms, &[Channel::Sms], Some(&contact)),
            DueMessage::Unreachable
        ));
    }
}
