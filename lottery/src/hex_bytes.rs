//! Bytes of a fixed number that JSON shows in lower-case hexadecimal: hashes, keys, signatures.

use std::fmt;

use crate::Invalid;
use crate::text::{hex, hex_digit};

/// `N` bytes, written as `2 N` lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HexBytes<const N: usize>([u8; N]);

impl<const N: usize> HexBytes<N> {
    /// Parses lower-case hexadecimal digits, exactly two for each byte.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let refused = || Invalid::new(format!("must be {} lower-case hexadecimal digits", 2 * N));
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != N || !rest.is_empty() {
            return Err(refused());
        }
        let mut bytes = [0; N];
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            let digits = hex_digit(*high).zip(hex_digit(*low)).ok_or_else(refused)?;
            *byte = digits.0 << 4 | digits.1;
        }
        Ok(Self(bytes))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; N] {
        &self.0
    }
}

impl<const N: usize> From<[u8; N]> for HexBytes<N> {
    fn from(bytes: [u8; N]) -> Self {
        Self(bytes)
    }
}

impl<const N: usize> fmt::Display for HexBytes<N> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex(&self.0))
    }
}

impl<const N: usize> fmt::Debug for HexBytes<N> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl<const N: usize> std::str::FromStr for HexBytes<N> {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::parse(text)
    }
}

impl<const N: usize> serde::Serialize for HexBytes<N> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, const N: usize> serde::Deserialize<'de> for HexBytes<N> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_read_as_they_are_written_and_other_spellings_are_refused() {
        let bytes = HexBytes::from([0x00, 0x9f, 0xff]);
        assert_eq!(bytes.to_string(), "009fff");
        assert_eq!(HexBytes::parse("009fff"), Ok(bytes));
        for text in ["009FFF", "009ff", "009fff0", "009fff00", "009ffg", "", "0x9fff", "009ff "] {
            assert!(HexBytes::<3>::parse(text).is_err(), "{text}");
        }
    }
}
