//! The receipt: what a participant holds to find their own entry in a published list.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::binding::{Identity, Link, Person, pool_label};
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

    /// The receipt as encoded in the URL of the page that checks a draw: its JSON in base64url without padding.
    pub fn to_link(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).expect("texts always serialise"))
    }

    /// The organiser's id of the participant.
    pub fn participant_id(&self) -> &ParticipantId {
        match self {
            Self::One(receipt) => &receipt.participant_id,
            Self::Two(receipt) => &receipt.participant_id,
        }
    }

    /// The participant's label in a draw.
    pub fn label(&self, manifest: &Manifest) -> Result<Label, Unexplained> {
        match (self, manifest.version) {
            (Self::One(receipt), Version::One) => Ok(receipt.label),
            (Self::Two(receipt), Version::Two) => {
                Ok(receipt.link().label(&manifest.lottery_id, &manifest.draw_id))
            }
            _ => Err(Unexplained::Version),
        }
    }

    /// Whether the entry with the participant's label is bound to this receipt: no other receipt gives its holder.
    pub fn explains(&self, entry: &Entry, manifest: &Manifest) -> Result<(), Unexplained> {
        let label = self.label(manifest)?;
        let holder = match self {
            Self::One(receipt) => {
                let nonce = Nonce::from_random(*receipt.nonce.as_bytes());
                Holder::commit(&nonce, &receipt.participant_id)
            }
            Self::Two(receipt) => {
                let identity = receipt.identity();
                receipt.link().holder(&manifest.lottery_id, &manifest.draw_id, &identity)
            }
        };
        match (entry.label == label, entry.holder == holder) {
            (false, _) => Err(Unexplained::Label(label)),
            (true, false) => Err(Unexplained::Holder(label)),
            (true, true) => Ok(()),
        }
    }
}

impl Receipt {
    /// The receipt's short name, such as `A3F9-20C1`: what two people at a door compare. It opens nothing.
    pub fn code(&self) -> String {
        match self {
            Self::One(receipt) => short_code(&receipt.label),
            Self::Two(receipt) => short_code(&pool_label(&receipt.secret())),
        }
    }

    /// The version of the manifests for which it is.
    pub fn version(&self) -> Version {
        match self {
            Self::One(_) => Version::One,
            Self::Two(_) => Version::Two,
        }
    }

    /// Whether the entry is the participant's, also if their name or address was corrected since the receipt was given:
    /// in manifests of version 2 nobody else can know the label before it is published.
    pub fn owns(&self, entry: &Entry, manifest: &Manifest) -> bool {
        match self.explains(entry, manifest) {
            Ok(()) => true,
            Err(Unexplained::Holder(_)) => matches!(self, Self::Two(_)),
            Err(_) => false,
        }
    }

    /// Whether it is the receipt of the participant with this secret.
    pub fn is_of(&self, secret: &Nonce) -> bool {
        self.secret() == secret.as_bytes()
    }

    /// The participant's secret, as the receipt says it.
    pub fn secret(&self) -> &[u8; 32] {
        match self {
            Self::One(receipt) => receipt.nonce.as_bytes(),
            Self::Two(receipt) => receipt.secret.as_bytes(),
        }
    }
}

impl PersonReceipt {
    fn secret(&self) -> Nonce {
        Nonce::from_random(*self.secret.as_bytes())
    }

    fn link(&self) -> Link {
        Link::of(&self.secret())
    }

    fn identity(&self) -> Identity {
        let person = Person {
            email: self.email.as_deref(),
            name: &self.name,
            participant_id: self.participant_id.as_str(),
            phone: self.phone.as_deref(),
        };
        Identity::commit(&self.secret(), person)
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Receipt(***)")
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
