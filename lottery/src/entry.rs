//! An entry: a participant's line in one sealed draw, without anything personal.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{DrawId, Group, Invalid, Label, ParticipantId, Tickets};

/// 32 random bytes that keep a [`Holder`] from being guessed; kept and erased with the contact data.
#[derive(Clone, PartialEq, Eq)]
pub struct Nonce([u8; 32]);

impl Nonce {
    /// The nonce that these random bytes are.
    pub fn from_random(random: [u8; 32]) -> Self {
        Self(random)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Nonce(***)")
    }
}

/// The commitment to the participant with a label, which does not reveal the participant:
/// base64url(SHA-256(nonce ‖ participant id)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder([u8; 32]);

impl Holder {
    /// The commitment to this participant.
    pub fn commit(nonce: &Nonce, participant_id: &ParticipantId) -> Self {
        Self(Sha256::new().chain_update(nonce.0).chain_update(participant_id.as_str()).finalize().into())
    }

    /// The holder that these 32 bytes are.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Parses 43 characters of base64url.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        URL_SAFE_NO_PAD
            .decode(text)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or_else(|| Invalid::new("must be 32 bytes in base64url"))
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl Serialize for Holder {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Holder {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// Why an entry cannot win.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exclusion {
    /// Won in this draw of the lottery already.
    PastWinner(DrawId),
    /// The organiser said so.
    Organiser,
    /// Was not marked as present, in a draw among those who are.
    Absent,
}

impl Exclusion {
    /// Parses `past_winner:<draw_id>`, `organiser` or `absent`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        match text.split_once(':') {
            None if text == "organiser" => Ok(Self::Organiser),
            None if text == "absent" => Ok(Self::Absent),
            Some(("past_winner", draw_id)) => DrawId::parse(draw_id).map(Self::PastWinner),
            _ => Err(Invalid::new("must be absent, organiser or past_winner:<draw_id>")),
        }
    }
}

impl fmt::Display for Exclusion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PastWinner(draw_id) => write!(formatter, "past_winner:{draw_id}"),
            Self::Organiser => formatter.write_str("organiser"),
            Self::Absent => formatter.write_str("absent"),
        }
    }
}

impl Serialize for Exclusion {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Exclusion {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// A participant's line in one sealed draw.
///
/// The fields are in the order that canonical JSON (RFC 8785) gives them, so that what serde writes is canonical.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Why it cannot win, if it cannot.
    pub excluded: Option<Exclusion>,
    /// The part of the pool to which it belongs.
    pub group: Option<Group>,
    /// The commitment to the participant.
    pub holder: Holder,
    /// Its random name.
    pub label: Label,
    /// Its chances.
    pub tickets: Tickets,
}

impl Entry {
    /// The canonical JSON text that is committed to.
    pub fn to_canonical_json(&self) -> String {
        serde_json::to_string(self).expect("an entry holds text and numbers only, which always serialise")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        let participant_id = ParticipantId::parse("001").unwrap();
        Entry {
            excluded: None,
            group: Some(Group::parse("Büro \"2\"\\").unwrap()),
            holder: Holder::commit(&Nonce::from_random([1; 32]), &participant_id),
            label: Label::from_random([0; 16]),
            tickets: Tickets::ONE,
        }
    }

    #[test]
    fn the_serialised_form_is_canonical_json() {
        assert_eq!(
            entry().to_canonical_json(),
            concat!(
                r#"{"excluded":null,"group":"Büro \"2\"\\","holder":""#,
                "X5OnRLGDVZEhZe6pVHF8elhll2WIEulY1eyV5f9D38A",
                r#"","label":"00000000-0000-4000-8000-000000000000","tickets":1}"#
            )
        );
    }

    #[test]
    fn an_entry_reads_as_it_is_written() {
        let past_winner = Exclusion::PastWinner(DrawId::parse("d1").unwrap());
        for excluded in [None, Some(Exclusion::Organiser), Some(Exclusion::Absent), Some(past_winner)] {
            let entry = Entry { excluded, ..entry() };
            let read: Entry = serde_json::from_str(&entry.to_canonical_json()).unwrap();
            assert_eq!(read, entry);
        }
    }

    #[test]
    fn another_nonce_or_participant_is_another_holder() {
        let [one, two] = ["1", "2"].map(|text| ParticipantId::parse(text).unwrap());
        let [nonce, other] = [1, 2].map(|byte| Nonce::from_random([byte; 32]));
        let holder = Holder::commit(&nonce, &one);
        assert_ne!(Holder::commit(&other, &one), holder);
        assert_ne!(Holder::commit(&nonce, &two), holder);
        assert_eq!(Holder::parse(&holder.to_string()), Ok(holder));
    }

    #[test]
    fn a_malformed_exclusion_is_refused() {
        for text in ["", "past_winner", "past_winner:", "past_winner:A B", "organiser:x", "absent:x", "other"]
        {
            assert!(Exclusion::parse(text).is_err(), "{text}");
        }
    }
}
