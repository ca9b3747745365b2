//! A draw: one run that picks winners from the pool.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::seats::PassedOn;
use crate::text::{hex, line, text_newtype, unhex32};
use crate::{Channel, Claims, DrawId, Group, Hold, Invalid, Locale, LotteryId, PrizeList, Quota};

/// The name of a prize: 1 to 100 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PrizeName(String);

text_newtype!(PrizeName);

impl PrizeName {
    /// Parses a prize's name.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        line(text, 100).map(Self)
    }

    /// The name of the prize of a draw that was requested by a number of winners only.
    pub fn unnamed(locale: Locale) -> Self {
        let name = match locale {
            Locale::En => "Prize",
            Locale::ZhCn => "奖品",
        };
        Self(name.to_owned())
    }
}

/// A prize, with its number of winners.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prize {
    /// The name.
    pub name: PrizeName,
    /// The limits on how many of the winners come from which groups.
    #[serde(default)]
    pub quota: Vec<Quota>,
    /// The number of winners.
    pub winners: u32,
}

/// The status of a draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DrawStatus {
    /// Accepted; nothing is committed.
    Waiting,
    /// The entries are fixed and the commitment is stored.
    Sealed,
    /// Winners are chosen, not yet official.
    Drawn,
    /// Winners are official, and are being notified.
    Recorded,
    /// Every winner was notified.
    Succeeded,
    /// Winners are official, but some could not be notified.
    Incomplete,
    /// The request could not be met; nobody was drawn.
    Rejected,
    /// A step failed permanently before the commitment; nobody won.
    Failed,
    /// The organiser cancelled the draw before the commitment.
    Cancelled,
    /// A step failed permanently after the commitment; entries and commitment stay public.
    Abandoned,
}

impl DrawStatus {
    /// Every status, in the order in which a draw may come to it.
    pub const ALL: [Self; 10] = [
        Self::Waiting,
        Self::Sealed,
        Self::Drawn,
        Self::Recorded,
        Self::Succeeded,
        Self::Incomplete,
        Self::Rejected,
        Self::Failed,
        Self::Cancelled,
        Self::Abandoned,
    ];

    /// Parses a status.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| Invalid::new("is no status of a draw"))
    }

    /// The status as JSON has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "WAITING",
            Self::Sealed => "SEALED",
            Self::Drawn => "DRAWN",
            Self::Recorded => "RECORDED",
            Self::Succeeded => "SUCCEEDED",
            Self::Incomplete => "INCOMPLETE",
            Self::Rejected => "REJECTED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
            Self::Abandoned => "ABANDONED",
        }
    }

    /// Whether the draw has ended.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Waiting | Self::Sealed | Self::Drawn | Self::Recorded)
    }

    /// Whether the draw's winners are official, for ever.
    pub fn has_official_winners(self) -> bool {
        matches!(self, Self::Recorded | Self::Succeeded | Self::Incomplete)
    }
}

impl fmt::Display for DrawStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Why a draw has its status: the name of an error, and a sentence. Neither holds personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The error's name, such as `NotEnoughParticipants`.
    pub name: String,
    /// What the error means for this draw, for people.
    pub sentence: String,
    /// The groups that a quota names and nobody is in, if that is the error.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Group>,
}

/// The hash that fixes a draw before its randomness is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commitment([u8; 32]);

impl Commitment {
    /// Parses 64 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        unhex32(text).map(Self).ok_or_else(|| Invalid::new("must be 64 lower-case hexadecimal digits"))
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for Commitment {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Commitment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex(&self.0))
    }
}

impl Serialize for Commitment {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Commitment {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// The number of messages of a draw in each state of the ledger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationCounts {
    /// About to be sent.
    pub claimed: u64,
    /// Accepted for delivery.
    pub sent: u64,
    /// Refused.
    pub failed: u64,
    /// Handed over without a response: perhaps sent. Sent again only if the organiser asks.
    pub unknown: u64,
}

impl NotificationCounts {
    /// The sum of both.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            claimed: self.claimed + other.claimed,
            sent: self.sent + other.sent,
            failed: self.failed + other.failed,
            unknown: self.unknown + other.unknown,
        }
    }

    /// The number of messages in all states.
    pub fn total(self) -> u64 {
        self.claimed + self.sent + self.failed + self.unknown
    }
}

/// The number of messages of a draw in each state, by channel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationsByChannel {
    /// Those by SMS.
    pub sms: NotificationCounts,
    /// Those by e-mail.
    pub email: NotificationCounts,
}

impl NotificationsByChannel {
    /// Those on this channel.
    pub fn on(&self, channel: Channel) -> NotificationCounts {
        match channel {
            Channel::Sms => self.sms,
            Channel::Email => self.email,
        }
    }

    /// Those on this channel, to be changed.
    pub fn on_mut(&mut self, channel: Channel) -> &mut NotificationCounts {
        match channel {
            Channel::Sms => &mut self.sms,
            Channel::Email => &mut self.email,
        }
    }

    /// Those on all channels.
    pub fn total(&self) -> NotificationCounts {
        self.sms.plus(self.email)
    }
}

/// One run that picks winners from the pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draw {
    /// The lottery whose pool it draws from.
    pub lottery_id: LotteryId,
    /// The id of the draw within the lottery.
    pub draw_id: DrawId,
    /// The status.
    pub status: DrawStatus,
    /// Why the draw has this status, if not by success.
    pub reason: Option<Reason>,
    /// The prizes in the order of drawing.
    pub prizes: PrizeList,
    /// The number of alternates, who are ranked after the winners and may take forfeited seats.
    pub alternates: u32,
    /// Whether those who won in this lottery before cannot win again.
    pub exclude_past_winners: bool,
    /// Whether only those can win who are marked as present when it is sealed.
    pub present_only: bool,
    /// Whether it is a rehearsal: it has no number, no past winners, and tells no participant.
    pub rehearsal: bool,
    /// Whether the commitment is sent to everybody on the sealed list who has an address.
    pub announce_commitment: bool,
    /// The states of those messages so far.
    pub announced: NotificationCounts,
    /// Whether those who took part and have not won are notified of that.
    pub notify_others: bool,
    /// The states of those messages so far.
    pub others_notified: NotificationCounts,
    /// The time before which the entries are not sealed.
    pub closes_at: Option<Timestamp>,
    /// The time at which the deciding round is published, or shortly after; without it, as soon as possible after sealing.
    pub draw_at: Option<Timestamp>,
    /// The channels on which winners are notified.
    pub channels: Vec<Channel>,
    /// The winners that it holds back once they are official; none if they are named and notified at once.
    pub hold: Option<Hold>,
    /// How its winners claim their prizes; none if they need not.
    pub claims: Option<Claims>,
    /// When the draw was requested.
    pub created_at: Timestamp,
    /// Its gap-free number in the lottery, once sealed.
    pub sequence: Option<u64>,
    /// When its entries were fixed.
    pub sealed_at: Option<Timestamp>,
    /// The number of entries that were fixed.
    pub entries: Option<u64>,
    /// The commitment to the entries and everything else that decides.
    pub commitment: Option<Commitment>,
    /// The beacon round that decides it, named when its entries were fixed.
    pub round: Option<u64>,
    /// When that round is published.
    pub round_at: Option<Timestamp>,
    /// Whether the commitment was seen to be stored before that time. (Draws that older code has sealed count as seen.)
    pub is_seal_confirmed: bool,
    /// When that round was fetched and verified.
    pub beacon_at: Option<Timestamp>,
    /// When its winners were chosen.
    pub drawn_at: Option<Timestamp>,
    /// When its winners became official.
    pub recorded_at: Option<Timestamp>,
    /// The execution that carries it.
    pub execution_arn: Option<String>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// The states of its messages when it ended.
    pub notifications: Option<NotificationCounts>,
    /// The states of its messages so far, as the tasks that send them last counted; exact once the draw has ended.
    pub notified: NotificationsByChannel,
    /// How often the organiser reopened messages.
    pub reopened: u32,
    /// How often it was changed while it waited.
    pub changes: u32,
    /// The seats that were passed on, in order: of those who withdrew before the round, then of those who were replaced.
    pub passed_on: Vec<PassedOn>,
    /// How many entries the log of seat changes has.
    pub seat_changes: u32,
    /// When the organiser closed the draw: from then on nobody is replaced.
    pub closed_at: Option<Timestamp>,
}

impl Draw {
    /// The last rank that may have a seat: of the ranking, or of somebody behind it who took one.
    pub fn ranked(&self) -> u32 {
        let takers = self.passed_on.iter().filter_map(|seat| seat.taken_by).max();
        self.ranking_length().max(takers.unwrap_or(0))
    }

    /// The maximum number of rows of the ranking: winners and alternates.
    pub fn ranking_length(&self) -> u32 {
        self.winners().saturating_add(self.alternates)
    }

    /// Whether nobody can be replaced any more. That is so too of a draw whose seats were passed on by an earlier version,
    /// which kept no log of it.
    pub fn is_closed(&self) -> bool {
        self.closed_at.is_some() || (self.seat_changes == 0 && !self.passed_on.is_empty())
    }

    /// The seat that this rank left, if there is one.
    pub fn left_by(&self, rank: u32) -> Option<PassedOn> {
        self.passed_on.iter().find(|seat| seat.rank == rank).copied()
    }

    /// The seat that this rank took from somebody who left it, if there is one.
    pub fn taken_by(&self, rank: u32) -> Option<PassedOn> {
        self.passed_on.iter().find(|seat| seat.taken_by == Some(rank)).copied()
    }

    /// The number of winners of all prizes together.
    pub fn winners(&self) -> u32 {
        self.prizes.as_slice().iter().map(|prize| prize.winners).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_reads_as_it_is_written() {
        for status in DrawStatus::ALL {
            assert_eq!(DrawStatus::parse(status.as_str()), Ok(status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
        assert!(DrawStatus::parse("DONE").is_err());
    }

    #[test]
    fn a_commitment_reads_as_it_is_written() {
        let commitment = Commitment::from([0xab; 32]);
        assert_eq!(commitment.to_string(), "ab".repeat(32));
        assert_eq!(Commitment::parse(&commitment.to_string()), Ok(commitment));
        assert!(Commitment::parse(&commitment.to_string().to_uppercase()).is_err());
    }
}
