//! What a winner is owed on a channel: a message, nothing, or the word that nobody can reach them.

use lottery::{Channel, EmailAddress, PhoneNumber};
use lottery_store::Contact;

/// What a winner is owed on one channel.
pub(crate) enum Due<'a> {
    /// An SMS to this phone.
    Sms(&'a Contact, &'a PhoneNumber),
    /// An e-mail to this address.
    Email(&'a Contact, &'a EmailAddress),
    /// No address on any channel of the draw, nor, perhaps, a participant any longer: shown as failed,
    /// once, on the draw's first channel.
    Unreachable,
    /// Another channel reaches them.
    Nothing,
}

impl<'a> Due<'a> {
    /// What is due to a winner with this contact, if it still exists, in a draw that tells by `channels`.
    pub(crate) fn on(channel: Channel, channels: &[Channel], contact: Option<&'a Contact>) -> Self {
        let address = |channel| {
            let contact = contact?;
            match channel {
                Channel::Sms => contact.phone.as_ref().map(|phone| Due::Sms(contact, phone)),
                Channel::Email => contact.email.as_ref().map(|email| Due::Email(contact, email)),
            }
        };
        if let Some(due) = address(channel) {
            return due;
        }
        let reachable = channels.iter().any(|&other| address(other).is_some());
        if !reachable && channels.first() == Some(&channel) { Due::Unreachable } else { Due::Nothing }
    }

    /// Whether the ledger must hold an entry in the end.
    pub(crate) fn is_something(&self) -> bool {
        !matches!(self, Due::Nothing)
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
        }
    }

    #[test]
    fn who_has_one_address_is_owed_one_message() {
        let contact = contact(true, false);
        assert!(matches!(Due::on(Channel::Sms, &Channel::ALL, Some(&contact)), Due::Sms(..)));
        assert!(matches!(Due::on(Channel::Email, &Channel::ALL, Some(&contact)), Due::Nothing));
    }

    #[test]
    fn who_has_no_address_is_unreachable_once() {
        let nobody = contact(false, false);
        for contact in [Some(&nobody), None] {
            assert!(matches!(Due::on(Channel::Sms, &Channel::ALL, contact), Due::Unreachable));
            assert!(matches!(Due::on(Channel::Email, &Channel::ALL, contact), Due::Nothing));
        }
    }

    #[test]
    fn an_address_on_a_channel_that_the_draw_does_not_use_reaches_nobody() {
        let contact = contact(false, true);
        assert!(matches!(Due::on(Channel::Sms, &[Channel::Sms], Some(&contact)), Due::Unreachable));
    }
}
