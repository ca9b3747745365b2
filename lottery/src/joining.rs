//! How people enter a lottery by themselves: when, how many, and what they say of themselves.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::text::{folded, is_visible, line, personal, seen, text_newtype, undamaged};
use crate::{EmailAddress, Group, Invalid, Lottery, Refusal};

/// The rules of joining, beyond whether it is open at all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Joining {
    /// From when people may enter; at once if absent.
    pub opens_at: Option<Timestamp>,
    /// Until when people may enter; without end if absent.
    pub closes_at: Option<Timestamp>,
    /// So many people on the list, and nobody enters any more.
    pub max_people: Option<u32>,
    /// The groups from which a participant chooses one when joining; no choice if empty.
    pub groups: Vec<Group>,
    /// A question that a participant answers when joining; none if absent.
    pub question: Option<Question>,
    /// Whether aliases of one mailbox count as one address.
    pub one_mailbox: bool,
    /// Whether an entry counts only after the code that is sent to its address has been given back.
    pub confirm_addresses: bool,
    /// The code shown at the venue: requests that carry it are not rate-limited by network address.
    pub venue_code: Option<VenueCode>,
}

/// Whether people may enter at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinState {
    /// They may.
    Open,
    /// They may later.
    NotYet,
    /// They could before.
    Over,
    /// They may not by themselves.
    NotOpen,
}

impl JoinState {
    /// The state as JSON has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::NotYet => "not_yet",
            Self::Over => "over",
            Self::NotOpen => "not_open",
        }
    }
}

impl Joining {
    /// The most groups to choose from.
    pub const MAX_GROUPS: usize = 50;
    /// The most people up to whom joining may be open.
    pub const MAX_PEOPLE: u32 = 1_000_000;
}

impl Lottery {
    /// Whether people may enter by themselves at this time, as far as the number of people does not matter.
    pub fn join_state(&self, now: Timestamp) -> JoinState {
        let Joining { opens_at, closes_at, .. } = self.joining;
        if self.closed_at.is_some() || !self.open_to_join {
            JoinState::NotOpen
        } else if closes_at.is_some_and(|closes_at| now >= closes_at) {
            JoinState::Over
        } else if opens_at.is_some_and(|opens_at| now < opens_at) {
            JoinState::NotYet
        } else {
            JoinState::Open
        }
    }
}

/// The question that a participant answers when joining: 1 to 100 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question(String);

text_newtype!(Question);

impl Question {
    /// Parses a question.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        line(text, 100).map(Self)
    }
}

/// What somebody answered: 1 to 200 characters, one of them visible.
#[derive(Clone, PartialEq, Eq)]
pub struct OwnWords(String);

text_newtype!(OwnWords, stored);
personal!(OwnWords);

impl OwnWords {
    /// Parses an answer.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let shown = folded(&seen(undamaged(text)?));
        if !text.trim().is_empty() && !is_visible(&shown) {
            return Err(Refusal::NothingVisible.into());
        }
        line(&shown, 200).map(Self)
    }

    fn stored(text: &str) -> Result<Self, Invalid> {
        line(text, 200).map(Self)
    }
}

/// A code that is shown at the venue: 4 to 12 letters and digits, in capitals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VenueCode(String);

text_newtype!(VenueCode);

impl VenueCode {
    /// Parses a code, however it was typed.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let is_between = |c: &char| c.is_whitespace() || matches!(c, '-' | '–');
        let code: String =
            text.chars().filter(|c| !is_between(c)).map(|c| c.to_ascii_uppercase()).take(13).collect();
        let is_code = (4..=12).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if is_code { Ok(Self(code)) } else { Err(Refusal::NotVenueCode.into()) }
    }
}

/// The code that is sent to an address, by which a person who enters shows that it is theirs: six digits.
#[derive(Clone, PartialEq, Eq)]
pub struct JoinCode(String);

text_newtype!(JoinCode);
personal!(JoinCode);

impl JoinCode {
    /// The code that random bytes give.
    pub fn from_random(random: u64) -> Self {
        Self(format!("{:06}", random % 1_000_000))
    }

    /// Parses a code, however it was typed.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let digits: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').take(7).collect();
        let is_code = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit());
        if is_code { Ok(Self(digits)) } else { Err(Refusal::NotJoinCode.into()) }
    }
}

/// The providers that leave dots in the name of a mailbox out of account.
const WITHOUT_DOTS: [&str; 2] = ["gmail.com", "googlemail.com"];

/// The mailbox that an address and its aliases reach: without what follows a plus, and where the provider does so too,
/// without dots.
pub fn mailbox_of(address: &EmailAddress) -> String {
    let mailbox = address.mailbox();
    let Some((name, domain)) = mailbox.split_once('@') else { return mailbox };
    let plain = name.split_once('+').map_or(name, |(plain, _)| plain);
    let plain = if plain.is_empty() { name } else { plain };
    if WITHOUT_DOTS.contains(&domain) {
        format!("{}@gmail.com", plain.replace('.', ""))
    } else {
        format!("{plain}@{domain}")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::NewLottery;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn people_enter_between_the_two_times_and_never_a_closed_lottery() {
        let new = NewLottery::parse(&json!({"name": "Party", "open_to_join": true})).unwrap();
        let mut lottery = new.begin([1; 16], Timestamp::UNIX_EPOCH);
        lottery.joining.opens_at = Some(at("2026-12-18T18:00:00Z"));
        lottery.joining.closes_at = Some(at("2026-12-18T20:00:00Z"));
        for (now, state) in [
            ("2026-12-18T17:59:59Z", JoinState::NotYet),
            ("2026-12-18T18:00:00Z", JoinState::Open),
            ("2026-12-18T19:59:59Z", JoinState::Open),
            ("2026-12-18T20:00:00Z", JoinState::Over),
        ] {
            assert_eq!(lottery.join_state(at(now)), state, "{now}");
        }
        lottery.closed_at = Some(at("2026-12-18T18:00:00Z"));
        assert_eq!(lottery.join_state(at("2026-12-18T19:00:00Z")), JoinState::NotOpen);
        lottery.closed_at = None;
        lottery.open_to_join = false;
        assert_eq!(lottery.join_state(at("2026-12-18T19:00:00Z")), JoinState::NotOpen);
    }

    #[test]
    fn aliases_reach_one_mailbox() {
        for (address, mailbox) in [
            ("Rose@example.com", "rose@example.com"),
            ("rose+party@example.com", "rose@example.com"),
            ("ro.se@example.com", "ro.se@example.com"),
            ("r.o.s.e+2@gmail.com", "rose@gmail.com"),
            ("rose@googlemail.com", "rose@gmail.com"),
            ("+rose@example.com", "+rose@example.com"),
        ] {
            assert_eq!(mailbox_of(&EmailAddress::parse(address).unwrap()), mailbox);
        }
    }

    #[test]
    fn a_venue_code_is_read_however_it_was_typed() {
        for text in ["KRT7 PQ", "krt7-pq", " KRT7PQ "] {
            assert_eq!(VenueCode::parse(text).unwrap().as_str(), "KRT7PQ");
        }
        for text in ["", "abc", "abcdefghijklm", "ab_cd", "年会年会"] {
            assert!(VenueCode::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_code_of_six_digits_is_read_however_it_was_typed() {
        assert_eq!(JoinCode::from_random(41_000_042).as_str(), "000042");
        for text in ["000042", " 000 042 ", "000-042"] {
            assert_eq!(JoinCode::parse(text).unwrap().as_str(), "000042");
        }
        for text in ["", "00042", "0000421", "00004a", "\u{664}00042"] {
            assert!(JoinCode::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rules_of_joining_read_as_they_are_written_and_older_ones_too() {
        let rules = Joining {
            max_people: Some(300),
            groups: vec![Group::parse("Sales").unwrap()],
            question: Some(Question::parse("Your table?").unwrap()),
            ..Joining::default()
        };
        let text = serde_json::to_string(&rules).unwrap();
        assert_eq!(serde_json::from_str::<Joining>(&text).unwrap(), rules);
        assert_eq!(serde_json::from_str::<Joining>("{}").unwrap(), Joining::default());
    }
}
