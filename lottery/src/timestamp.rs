//! A timestamp as manifests and proofs write it: UTC with exactly three digits of a second, in the years 0001 to 9998.

use std::fmt;

use jiff::Timestamp;

use crate::Invalid;

/// From 0001-01-01T00:00:00.000Z to 9998-12-31T23:59:59.999Z, in milliseconds since 1970: what every calendar has.
const RANGE: std::ops::RangeInclusive<i64> = -62_135_596_800_000..=253_370_764_799_999;

/// Milliseconds since 1970, written as `2026-04-20T12:30:45.000Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProofTimestamp(Timestamp);

impl ProofTimestamp {
    /// The first whole millisecond that is not before `timestamp`.
    pub fn from_timestamp(timestamp: Timestamp) -> Result<Self, Invalid> {
        let milliseconds = timestamp.as_nanosecond().div_euclid(1_000_000);
        let rounds_up = timestamp.as_nanosecond().rem_euclid(1_000_000) != 0;
        i64::try_from(milliseconds + i128::from(rounds_up))
            .map_err(|_| Invalid::new("lies outside the calendar"))
            .and_then(Self::from_millisecond)
    }

    /// The timestamp this many milliseconds after 1970, in the years 0001 to 9998.
    pub fn from_millisecond(milliseconds: i64) -> Result<Self, Invalid> {
        Some(milliseconds)
            .filter(|milliseconds| RANGE.contains(milliseconds))
            .and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok())
            .map(Self)
            .ok_or_else(|| Invalid::new("lies outside the calendar"))
    }

    /// Parses the one spelling that a manifest has.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let refused = || Invalid::new("must be a timestamp such as 2026-04-20T12:30:45.000Z");
        let timestamp = Self(text.parse().map_err(|_| refused())?);
        match timestamp.to_string() == text && RANGE.contains(&timestamp.as_millisecond()) {
            true => Ok(timestamp),
            false => Err(refused()),
        }
    }

    /// Milliseconds since 1970.
    pub fn as_millisecond(self) -> i64 {
        self.0.as_millisecond()
    }

    /// The same timestamp for calculations.
    pub fn timestamp(self) -> Timestamp {
        self.0
    }
}

impl fmt::Display for ProofTimestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:.3}", self.0)
    }
}

impl serde::Serialize for ProofTimestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for ProofTimestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_has_one_spelling() {
        let timestamp = ProofTimestamp::parse("2026-04-20T12:30:45.120Z").unwrap();
        assert_eq!(timestamp.to_string(), "2026-04-20T12:30:45.120Z");
        for text in
            ["2026-04-20T12:30:45Z", "2026-04-20T12:30:45.12Z", "2026-04-20T12:30:45.120+00:00", "now"]
        {
            assert!(ProofTimestamp::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn timestamps_are_those_of_the_years_that_every_calendar_has() {
        for (first, outside) in [
            ("0001-01-01T00:00:00.000Z", "0000-12-31T23:59:59.999Z"),
            ("9998-12-31T23:59:59.999Z", "9999-01-01T00:00:00.000Z"),
        ] {
            let timestamp = ProofTimestamp::parse(first).unwrap();
            assert_eq!(ProofTimestamp::from_millisecond(timestamp.as_millisecond()), Ok(timestamp));
            assert!(ProofTimestamp::parse(outside).is_err(), "{outside}");
        }
        assert!(ProofTimestamp::from_millisecond(*RANGE.start() - 1).is_err());
        assert!(ProofTimestamp::from_millisecond(*RANGE.end() + 1).is_err());
    }

    #[test]
    fn a_timestamp_rounds_up_so_that_nothing_is_dated_before_it_happened() {
        for (timestamp, expected) in [
            ("2026-04-20T12:30:45.1200001Z", "2026-04-20T12:30:45.121Z"),
            ("2026-04-20T12:30:45.12Z", "2026-04-20T12:30:45.120Z"),
            ("1969-12-31T23:59:59.9999Z", "1970-01-01T00:00:00.000Z"),
        ] {
            let rounded = ProofTimestamp::from_timestamp(timestamp.parse().unwrap()).unwrap();
            assert_eq!(rounded.to_string(), expected);
        }
    }
}
