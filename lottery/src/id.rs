//! Identifiers: of a lottery, a draw, a participant, and the random label of an entry.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::text::{hex_digit, text_newtype};
use crate::{Invalid, Refusal};

/// The id of a lottery: lower-case letters, digits and hyphens, at most 63, no hyphen first.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LotteryId(String);

/// The id of a draw within its lottery: lower-case letters, digits and hyphens, at most 40, no hyphen first.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DrawId(String);

/// The organiser's own id of a participant: letters, digits, dots, underscores and hyphens, at most 64.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParticipantId(String);

/// The random label of a participant in every list: a lower-case UUIDv4.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label([u8; Label::LENGTH]);

text_newtype!(LotteryId);
text_newtype!(DrawId);
text_newtype!(ParticipantId);

impl LotteryId {
    /// Parses the id of a lottery.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        slug(text, 63).map(Self)
    }

    /// An id for a lottery whose organiser gave none, from 16 random bytes.
    pub fn from_random(random: [u8; 16]) -> Self {
        Self(base32(&random))
    }
}

impl DrawId {
    /// Parses the id of a draw.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        slug(text, 40).map(Self)
    }

    /// The id of the draw that a request with this idempotency key starts: the same for every repetition.
    pub fn from_idempotency(lottery_id: &LotteryId, key: &str) -> Self {
        let digest =
            Sha256::new().chain_update(lottery_id.as_str()).chain_update([0]).chain_update(key).finalize();
        let mut text = base32(&digest);
        text.truncate(26);
        Self(text)
    }

    /// An id for a draw that was asked for without an idempotency key, from 16 random bytes.
    pub fn from_random(random: [u8; 16]) -> Self {
        Self(base32(&random))
    }
}

impl ParticipantId {
    /// Parses the id of a participant.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let starts_well = text.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
        let fits = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        if !starts_well || !fits || text.len() > 64 {
            return Err(Refusal::NotParticipantId { most: 64 }.into());
        }
        Ok(Self(text.to_owned()))
    }
}

impl Label {
    const LENGTH: usize = 36;

    /// Parses a lower-case UUIDv4.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let refused = || Invalid::new("must be a lower-case UUIDv4");
        let bytes: [u8; Self::LENGTH] = text.as_bytes().try_into().map_err(|_| refused())?;
        let fits = bytes.iter().enumerate().all(|(index, &byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            14 => byte == b'4',
            19 => matches!(byte, b'8' | b'9' | b'a' | b'b'),
            _ => hex_digit(byte).is_some(),
        });
        if fits { Ok(Self(bytes)) } else { Err(refused()) }
    }

    /// The label that 16 random bytes make.
    pub fn from_random(mut random: [u8; 16]) -> Self {
        random[6] = random[6] & 0x0f | 0x40;
        random[8] = random[8] & 0x3f | 0x80;
        let mut text = [b'-'; Self::LENGTH];
        let indexes = (0..Self::LENGTH).filter(|index| !matches!(index, 8 | 13 | 18 | 23));
        let digits = random.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]);
        for (index, digit) in indexes.zip(digits) {
            text[index] = b"0123456789abcdef"[usize::from(digit)];
        }
        Self(text)
    }

    /// The 16 bytes of which [`Label::from_random`] makes this label.
    pub fn to_bytes(self) -> [u8; 16] {
        let mut digits = self.0.iter().filter_map(|byte| hex_digit(*byte));
        std::array::from_fn(|_| digits.next().unwrap_or(0) << 4 | digits.next().unwrap_or(0))
    }

    /// The label as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a label holds ASCII only, both ways in see to it")
    }
}

impl AsRef<[u8]> for Label {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Label({self})")
    }
}

impl std::str::FromStr for Label {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Label {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        Self::parse(&text)
    }
}

impl serde::Serialize for Label {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for Label {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// Lower-case letters, digits and hyphens, at most `max_length`, no hyphen first: safe in paths, keys and names on AWS.
fn slug(text: &str, max_length: usize) -> Result<String, Invalid> {
    let fits = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if text.is_empty() || text.len() > max_length || !fits || text.starts_with('-') {
        return Err(Refusal::NotSlug { most: max_length }.into());
    }
    Ok(text.to_owned())
}

/// RFC 4648 base32 in lower case, without padding.
pub(crate) fn base32(bytes: &[u8]) -> String {
    let (mut text, mut held, mut bits) = (String::new(), 0u32, 0);
    for &byte in bytes {
        held = held << 8 | u32::from(byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(base32_digit(held >> bits));
        }
    }
    if bits > 0 {
        text.push(base32_digit(held << (5 - bits)));
    }
    text
}

fn base32_digit(value: u32) -> char {
    char::from(b"abcdefghijklmnopqrstuvwxyz234567"[(value & 31) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_follows_the_rfc_4648_vectors() {
        for (plain, encoded) in [
            ("", ""),
            ("f", "my"),
            ("fo", "mzxq"),
            ("foo", "mzxw6"),
            ("foob", "mzxw6yq"),
            ("fooba", "mzxw6ytb"),
            ("foobar", "mzxw6ytboi"),
        ] {
            assert_eq!(base32(plain.as_bytes()), encoded);
        }
    }

    #[test]
    fn ids_outside_their_alphabet_are_refused() {
        for text in ["", "-a", "A", "a b", "a#b", "ä", "a_b"] {
            assert!(LotteryId::parse(text).is_err(), "{text}");
            assert!(DrawId::parse(text).is_err(), "{text}");
        }
        for text in ["", "-a", ".a", "a b", "a#b", "ä", "a/b"] {
            assert!(ParticipantId::parse(text).is_err(), "{text}");
        }
        assert!(LotteryId::parse(&"a".repeat(63)).is_ok());
        assert!(LotteryId::parse(&"a".repeat(64)).is_err());
        assert!(DrawId::parse(&"a".repeat(40)).is_ok());
        assert!(DrawId::parse(&"a".repeat(41)).is_err());
        assert!(ParticipantId::parse("Rose.T_1-2").is_ok());
        assert!(ParticipantId::parse(&"a".repeat(65)).is_err());
    }

    #[test]
    fn an_idempotency_key_gives_one_draw_id_in_its_lottery() {
        let (party, gala) = (LotteryId::parse("party").unwrap(), LotteryId::parse("gala").unwrap());
        let draw_id = DrawId::from_idempotency(&party, "key-1");
        assert_eq!(draw_id.as_str().len(), 26);
        assert_eq!(DrawId::parse(draw_id.as_str()), Ok(draw_id.clone()));
        assert_eq!(DrawId::from_idempotency(&party, "key-1"), draw_id);
        assert_ne!(DrawId::from_idempotency(&party, "key-2"), draw_id);
        assert_ne!(DrawId::from_idempotency(&gala, "key-1"), draw_id);
    }

    #[test]
    fn made_ids_parse() {
        for random in [[0; 16], [255; 16], *b"0123456789abcdef"] {
            let label = Label::from_random(random);
            assert_eq!(Label::parse(label.as_str()), Ok(label));
            assert_eq!(Label::from_random(label.to_bytes()), label);
            assert!(DrawId::parse(DrawId::from_random(random).as_str()).is_ok());
            assert!(LotteryId::parse(LotteryId::from_random(random).as_str()).is_ok());
        }
        assert_eq!(Label::from_random([255; 16]).as_str(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }

    #[test]
    fn a_label_is_a_lower_case_uuid_of_version_4() {
        assert!(Label::parse("0f8fad5b-d9cb-469f-a165-70867728950e").is_ok());
        for text in [
            "0F8FAD5B-D9CB-469F-A165-70867728950E",
            "0f8fad5b-d9cb-169f-a165-70867728950e",
            "0f8fad5b-d9cb-469f-7165-70867728950e",
            "0f8fad5bd9cb469fa16570867728950e",
            "0f8fad5b-d9cb-469f-a165-70867728950g",
            "",
        ] {
            assert!(Label::parse(text).is_err(), "{text}");
        }
    }
}
