//! Held winners: official and provable as soon as they are recorded, named to the public and notified once released.
//!
//! Nothing about who wins depends on a release: the ranking follows from the commitment and the beacon round, and is
//! public before anybody is released.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{Draw, FieldError, Refusal};

/// Who or what releases the winners of a held draw. To the service both are the same; the page follows the word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleaseMode {
    /// The stage, as it reveals them.
    OnReveal,
    /// The organiser.
    Manual,
}

impl ReleaseMode {
    /// Every mode.
    pub const ALL: [Self; 2] = [Self::OnReveal, Self::Manual];

    /// The mode as JSON has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OnReveal => "on_reveal",
            Self::Manual => "manual",
        }
    }

    /// The mode of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text)
    }
}

impl fmt::Display for ReleaseMode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// What a draw holds back, and what of it is released.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Who releases.
    pub mode: ReleaseMode,
    /// By when everything is released, as the organiser asked for; [`Hold::DEFAULT`] after the recording if absent.
    pub release_by: Option<Timestamp>,
    /// The ranks that are released.
    pub released: RankSet,
    /// Whether everything is, seats that change hands later included.
    pub is_over: bool,
    /// How often something was released.
    pub revision: u32,
    /// When something was released last.
    pub released_at: Option<Timestamp>,
}

impl Hold {
    /// How long after the recording everything is released if the organiser names no time.
    pub const DEFAULT: SignedDuration = SignedDuration::from_hours(24);
    /// How far ahead a time of release may lie, in days after the closing time.
    pub const MAX_DAYS: u32 = 30;

    /// A hold of which nothing is released.
    pub fn new(mode: ReleaseMode, release_by: Option<Timestamp>) -> Self {
        let released = RankSet::default();
        Self { mode, release_by, released, is_over: false, revision: 0, released_at: None }
    }

    /// Parses the fields `release` and `release_by` of a request; none for a draw that is released automatically.
    pub(crate) fn parse(
        release: Option<&Value>,
        release_by: Option<&Value>,
        closes_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Option<Self>, FieldError> {
        let refused = |reason| FieldError::new("release_by", reason);
        let release_by = match release_by {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => {
                Some(text.parse::<Timestamp>().map_err(|_| refused(Refusal::NotTime))?)
            }
            Some(_) => return Err(refused(Refusal::NotText)),
        };
        let values = "automatic, on_reveal, manual";
        let mode = match release {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if text == "automatic" => None,
            Some(Value::String(text)) => match ReleaseMode::parse(text) {
                Some(mode) => Some(mode),
                None => return Err(FieldError::new("release", Refusal::NotOneOf { values })),
            },
            Some(_) => return Err(FieldError::new("release", Refusal::NotOneOf { values })),
        };
        let Some(mode) = mode else {
            return match release_by {
                Some(_) => Err(refused(Refusal::NotBeside { other: "release: automatic" })),
                None => Ok(None),
            };
        };
        let start = closes_at.map_or(now, |closes_at| closes_at.max(now));
        if release_by.is_some_and(|release_by| release_by <= start) {
            return Err(refused(Refusal::NotInFuture));
        }
        let furthest = SignedDuration::from_hours(24 * i64::from(Self::MAX_DAYS));
        if release_by.is_some_and(|release_by| release_by.duration_since(start) > furthest) {
            return Err(refused(Refusal::TooFarAhead { days: Self::MAX_DAYS }));
        }
        Ok(Some(Self::new(mode, release_by)))
    }
}

/// A set of ranks, from 1: one bit for each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RankSet(Vec<u8>);

impl RankSet {
    /// The set with these bits, the lowest rank first.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    /// The bits, the lowest rank first.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether the rank is in the set.
    pub fn contains(&self, rank: u32) -> bool {
        let Some((byte, bit)) = place(rank) else { return false };
        self.0.get(byte).is_some_and(|byte| byte & bit != 0)
    }

    /// Adds a rank, and returns whether it is new. There is no rank 0.
    pub fn insert(&mut self, rank: u32) -> bool {
        let Some((byte, bit)) = place(rank) else { return false };
        if self.0.len() <= byte {
            self.0.resize(byte + 1, 0);
        }
        let is_new = self.0[byte] & bit == 0;
        self.0[byte] |= bit;
        is_new
    }

    /// How many ranks are in the set.
    pub fn len(&self) -> u32 {
        self.0.iter().map(|byte| byte.count_ones()).sum()
    }

    /// Whether no rank is in the set.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The byte of a rank, and its bit there.
fn place(rank: u32) -> Option<(usize, u8)> {
    let index = rank.checked_sub(1)?;
    Some((usize::try_from(index / 8).ok()?, 1 << (index % 8)))
}

impl Draw {
    /// Whether some of its winners may still be held back.
    pub fn is_held(&self) -> bool {
        self.hold.as_ref().is_some_and(|hold| !hold.is_over)
    }

    /// Whether the public may know who the winner of this rank is.
    pub fn is_released(&self, rank: u32) -> bool {
        self.hold.as_ref().is_none_or(|hold| hold.is_over || hold.released.contains(rank))
    }

    /// By when everything is released; none for a draw that holds nothing, or whose winners are not recorded and that
    /// names no time.
    pub fn release_by(&self) -> Option<Timestamp> {
        let hold = self.hold.as_ref()?;
        hold.release_by.or_else(|| Some(self.recorded_at? + Hold::DEFAULT))
    }

    /// How many winners have their seats, once the winners are official.
    pub fn seated(&self) -> u32 {
        if !self.status.has_official_winners() {
            return 0;
        }
        let empty = self.passed_on.iter().filter(|seat| seat.taken_by.is_none()).count();
        self.winners().saturating_sub(u32::try_from(empty).unwrap_or(u32::MAX))
    }

    /// How many of those who have their seats are released.
    pub fn released(&self) -> u32 {
        match &self.hold {
            Some(hold) if !hold.is_over => {
                let left = self.passed_on.iter().filter(|seat| hold.released.contains(seat.rank)).count();
                let left = u32::try_from(left).unwrap_or(u32::MAX);
                hold.released.len().saturating_sub(left).min(self.seated())
            }
            _ => self.seated(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn parse(release: Value, release_by: Value, closes_at: Option<&str>) -> Result<Option<Hold>, String> {
        let hold =
            Hold::parse(Some(&release), Some(&release_by), closes_at.map(at), at("2026-11-28T12:00:00Z"));
        hold.map_err(|error| error.to_string())
    }

    #[test]
    fn a_draw_holds_nothing_unless_it_is_asked_to() {
        assert_eq!(parse(Value::Null, Value::Null, None), Ok(None));
        assert_eq!(parse(json!("automatic"), Value::Null, None), Ok(None));
        for mode in ReleaseMode::ALL {
            assert_eq!(parse(json!(mode.as_str()), Value::Null, None), Ok(Some(Hold::new(mode, None))));
        }
    }

    #[test]
    fn a_time_of_release_is_after_the_closing_time_and_within_thirty_days() {
        let by = |time: &str, closes_at| parse(json!("manual"), json!(time), closes_at);
        assert!(by("2026-11-28T12:00:01Z", None).is_ok());
        assert!(by("2026-12-28T12:00:00Z", None).is_ok());
        assert!(by("2026-12-28T12:00:01Z", None).unwrap_err().contains("30 days"));
        assert!(by("2026-11-28T12:00:00Z", None).unwrap_err().contains("future"));
        let closes_at = Some("2027-01-01T00:00:00Z");
        assert!(by("2027-01-01T00:00:00Z", closes_at).is_err());
        assert!(by("2027-01-31T00:00:00Z", closes_at).is_ok());
    }

    #[test]
    fn what_cannot_stand_is_refused_where_it_is() {
        for (release, release_by, field) in [
            (json!("later"), Value::Null, "release:"),
            (json!(true), Value::Null, "release:"),
            (json!("manual"), json!("tonight"), "release_by:"),
            (json!("manual"), json!(5), "release_by:"),
            (json!("automatic"), json!("2026-11-29T12:00:00Z"), "release_by:"),
        ] {
            let error = parse(release.clone(), release_by, None).unwrap_err();
            assert!(error.starts_with(field), "{release}: {error}");
        }
    }

    #[test]
    fn a_set_of_ranks_keeps_each_once_and_reads_as_it_is_written() {
        let mut set = RankSet::default();
        assert!(!set.insert(0) && set.is_empty());
        for rank in [1, 8, 9, 20_000] {
            assert!(!set.contains(rank));
            assert!(set.insert(rank) && !set.insert(rank));
        }
        assert_eq!(set.len(), 4);
        assert_eq!(set.as_bytes().len(), 2_500);
        let read = RankSet::from_bytes(set.as_bytes());
        assert!([1, 8, 9, 20_000].into_iter().all(|rank| read.contains(rank)));
        assert!([0, 2, 7, 10, 19_999, 20_001, u32::MAX].into_iter().all(|rank| !read.contains(rank)));
    }
}
