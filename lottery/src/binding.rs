//! What binds an entry to a person: labels and holders that are new for each draw, and follow from a participant's secret.
//!
//! The secret is the participant's, and kept with the contact data. What a draw reads are two values that come from it: a
//! [`Link`], from which the label of each draw follows, and an [`Identity`], a commitment to who the person is. Neither reveals
//! a name or an address, nor the secret; without the link nobody can tell which entries of two draws are of one person.

use hkdf::Hkdf;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::{DrawId, Holder, Label, LotteryId, Nonce, Participant};

/// From what the labels and holders of a participant follow, draw by draw.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Link([u8; 32]);

/// The commitment to a participant's id, name and addresses.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Identity([u8; 32]);

/// Who a participant is, as a receipt says it. The fields are in the order of canonical JSON.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Person<'a> {
    pub(crate) email: Option<&'a str>,
    pub(crate) name: &'a str,
    pub(crate) participant_id: &'a str,
    pub(crate) phone: Option<&'a str>,
}

impl<'a> Person<'a> {
    pub(crate) fn of(participant: &'a Participant) -> Self {
        Self {
            email: participant.email.as_ref().map(|email| email.as_str()),
            name: participant.name.as_str(),
            participant_id: participant.participant_id.as_str(),
            phone: participant.phone.as_ref().map(|phone| phone.as_str()),
        }
    }
}

impl Link {
    /// The link of the participant with this secret.
    pub fn of(secret: &Nonce) -> Self {
        Self(expand(secret.as_bytes(), &[b"fair-draw link"]))
    }

    /// The link that these 32 bytes are.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The participant's label in a draw.
    pub fn label(&self, lottery_id: &LotteryId, draw_id: &DrawId) -> Label {
        let info: [&[u8]; 4] =
            [b"fair-draw label ", lottery_id.as_str().as_bytes(), b"/", draw_id.as_str().as_bytes()];
        let bytes = expand(&self.0, &info);
        let (label, _) = bytes.split_first_chunk().expect("32 bytes are more than 16");
        Label::from_random(*label)
    }

    /// The holder of the participant's entry in a draw.
    pub fn holder(&self, lottery_id: &LotteryId, draw_id: &DrawId, identity: &Identity) -> Holder {
        let [lottery_id, draw_id] = [lottery_id.as_str().as_bytes(), draw_id.as_str().as_bytes()];
        let info: [&[u8]; 6] = [b"fair-draw holder ", lottery_id, b"/", draw_id, b" ", &identity.0];
        Holder::from_bytes(expand(&self.0, &info))
    }
}

impl Identity {
    /// The commitment to who this participant is.
    pub fn of(secret: &Nonce, participant: &Participant) -> Self {
        Self::commit(secret, Person::of(participant))
    }

    pub(crate) fn commit(secret: &Nonce, person: Person<'_>) -> Self {
        let text = serde_json::to_vec(&person).expect("texts always serialise");
        Self(Sha256::new().chain_update(secret.as_bytes()).chain_update(text).finalize().into())
    }

    /// The commitment that these 32 bytes are.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Link(***)")
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Identity(***)")
    }
}

/// The label in the pool of the participant with this secret. It is published nowhere since manifests have version 2.
pub fn pool_label(secret: &Nonce) -> Label {
    let bytes = expand(secret.as_bytes(), &[b"fair-draw pool"]);
    let (label, _) = bytes.split_first_chunk().expect("32 bytes are more than 16");
    Label::from_random(*label)
}

/// HKDF-Expand (RFC 5869) to 32 bytes.
fn expand(key: &[u8; 32], info: &[&[u8]]) -> [u8; 32] {
    let mut bytes = [0; 32];
    let hkdf = Hkdf::<Sha256>::from_prk(key).expect("32 bytes are as long as the hash");
    hkdf.expand_multi_info(info, &mut bytes).expect("32 bytes are far below HKDF's limit");
    bytes
}

#[cfg(test)]
mod tests {
    use crate::{EmailAddress, Name, ParticipantId, Tickets};

    use super::*;

    fn rose(id: &str, email: &str) -> Participant {
        Participant {
            participant_id: ParticipantId::parse(id).unwrap(),
            name: Name::parse("Rosé \"R\" Tyler").unwrap(),
            phone: None,
            email: Some(EmailAddress::parse(email).unwrap()),
            group: None,
            tickets: Tickets::ONE,
            excluded: false,
        }
    }

    #[test]
    fn an_identity_is_the_hash_of_the_canonical_text() {
        let secret = Nonce::from_random([7; 32]);
        let text =
            r#"{"email":"rose@example.com","name":"Rosé \"R\" Tyler","participant_id":"001","phone":null}"#;
        let expected: [u8; 32] = Sha256::new().chain_update([7; 32]).chain_update(text).finalize().into();
        assert_eq!(Identity::of(&secret, &rose("001", "rose@example.com")).as_bytes(), &expected);
    }

    #[test]
    fn labels_and_holders_are_new_in_each_draw_and_holders_with_each_correction() {
        let secret = Nonce::from_random([7; 32]);
        let (link, lottery_id) = (Link::of(&secret), LotteryId::parse("party").unwrap());
        let [one, two] = ["one", "two"].map(|id| DrawId::parse(id).unwrap());
        assert_ne!(link.label(&lottery_id, &one), link.label(&lottery_id, &two));
        let identity = Identity::of(&secret, &rose("001", "rose@example.com"));
        let holder = link.holder(&lottery_id, &one, &identity);
        assert_ne!(link.holder(&lottery_id, &two, &identity), holder);
        for other in [rose("002", "rose@example.com"), rose("001", "rose@example.org")] {
            assert_ne!(link.holder(&lottery_id, &one, &Identity::of(&secret, &other)), holder);
        }
    }
}
