//! The receipt: what a participant holds to find their own entry in a published list.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::binding::{Identity, Link, Person};
use crate::manifest::{Manifest, Version};
use crate::{Entry, HexBytes, Holder, Label, Nonce, Participant, ParticipantId};

/// A participant's own key to their entries. It is personal: only the organiser and the participant hold it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Receipt {
    /// For draws whose manifest has version 1: the label is the same in every draw.
    One(LabelReceipt),
    /// For draws whose manifest has version 2: labels follow from the secret, and the receipt names the person.
    Two(PersonReceipt),
}

/// A receipt that names no person.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelReceipt {
    /// The label of the participant in every list of the lottery.
    pub label: Label,
    /// Keeps others from finding the participant with a label by trying ids.
    pub nonce: HexBytes<32>,
    /// The organiser's id of the participant.
    pub participant_id: ParticipantId,
}

/// A receipt that names the person. Texts count as they stand, character by character.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonReceipt {
    /// The e-mail address, its domain in lower case.
    pub email: Option<String>,
    /// The name.
    pub name: String,
    /// The organiser's id of the participant.
    pub participant_id: ParticipantId,
    /// The phone number in E.164.
    pub phone: Option<String>,
    /// From what the label of each draw follows.
    pub secret: HexBytes<32>,
}

/// Why a receipt does not explain an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unexplained {
    /// The receipt belongs to draws of the other version.
    #[error("the receipt is for draws whose manifest has the other version")]
    Version,
    /// No entry has the participant's label.
    #[error("no entry has the label {0}")]
    Label(Label),
    /// The entry has the participant's label, but another holder.
    #[error(
        "the entry {0} has the receipt's label, but is bound to something else: name or addresses were corrected between \
         receipt and draw, or the entry was given to somebody else"
    )]
    Holder(Label),
}

impl Receipt {
    /// The receipt of a participant for draws of this version, with the label that draws of version 1 have.
    pub fn new(version: Version, label: Label, secret: &Nonce, participant: &Participant) -> Self {
        let secret = HexBytes::from(*secret.as_bytes());
        let participant_id = participant.participant_id.clone();
        match version {
            Version::One => Self::One(LabelReceipt { label, nonce: secret, participant_id }),
            Version::Two => {
                let Person { email, name, phone, .. } = Person::of(participant);
                let [email, phone] = [email, phone].map(|address| address.map(str::to_owned));
                Self::Two(PersonReceipt { email, name: name.to_owned(), participant_id, phone, secret })
            }
        }
    }

    /// The receipt's short name, such as `A3F9-20C1`: what two people at a door compare. It opens nothing.
    pub fn code(&self) -> String {
        short_code(&self.label)
    }

    /// Whether this entry is the participant's: no other nonce or id gives its holder.
    pub fn holds(&self, entry: &Entry) -> bool {
        let nonce = Nonce::from_random(*self.nonce.as_bytes());
        entry.label == self.label && entry.holder == Holder::commit(&nonce, &self.participant_id)
    }
}

/// The first eight digits of a label, as people read them aloud.
pub fn short_code(label: &Label) -> String {
    let digits = label.as_str()[..8].to_ascii_uppercase();
    format!("{}-{}", &digits[..4], &digits[4..])
}

/// The beginning of a label that a short code names, however it was typed; none if it is no such code.
pub fn parse_code(text: &str) -> Option<String> {
    let is_between = |c: &char| c.is_whitespace() || matches!(c, '-' | '–' | '_' | '.');
    let digits: String = text.chars().filter(|c| !is_between(c)).map(|c| c.to_ascii_lowercase()).collect();
    (digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_was_typed() {
        let label = Label::from_random([0xab; 16]);
        assert_eq!(short_code(&label), "ABAB-ABAB");
        for text in ["ABAB-ABAB", " abab abab ", "ABABABAB", "abab–abab"] {
            assert_eq!(parse_code(text).as_deref(), Some("abababab"), "{text}");
        }
        for text in ["", "ABAB-ABA", "ABAB-ABAG", "ABAB-ABAB-A", "年年年年年年年年"] {
            assert_eq!(parse_code(text), None, "{text}");
        }
    }
}
