//! The log of a draw's seat changes: numbered, signed by the organiser and chained to the commitment, so that none can be
//! left out, put in or denied, and replayed by everybody who checks the draw.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::canonical_json::to_canonical_json;
use crate::seats::{NoSeat, PassedOn, ReplaceReason, Seating};
use crate::signature::OrganiserKey;
use crate::timestamp::ProofTimestamp;
use crate::{Commitment, HexBytes};

/// The most changes that a draw can have.
pub const MAX_CHANGES: usize = 10_000;

/// Why somebody has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Withdrew between the seal and the time of the round.
    Withdrawn,
    /// Was replaced once the winners were official: by the organiser, or for not having claimed the prize.
    Replaced,
}

/// One entry of the log: somebody leaves a seat or, having withdrawn, the line; and who takes the seat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeatChange {
    /// When it was decided.
    pub at: ProofTimestamp,
    /// Why somebody has left.
    pub kind: ChangeKind,
    /// The number of the entry in the log, from 1 without gaps.
    pub number: u32,
    /// The hash of the entry before; the commitment for the first.
    pub previous: HexBytes<32>,
    /// The rank of the entry that left.
    pub rank: u32,
    /// Why the winner was replaced; none for a withdrawal.
    pub reason: Option<ReplaceReason>,
    /// The organiser's signature of this entry's hash.
    pub signature: HexBytes<64>,
    /// The rank of the entry that took the seat; none if nobody fits, or if no seat was left.
    pub taken_by: Option<u32>,
}

/// An entry without its signature: what is hashed and signed.
#[derive(Serialize)]
struct Unsigned {
    at: ProofTimestamp,
    kind: ChangeKind,
    number: u32,
    previous: HexBytes<32>,
    rank: u32,
    reason: Option<ReplaceReason>,
    taken_by: Option<u32>,
}

impl Unsigned {
    fn hash(&self) -> HexBytes<32> {
        let text = to_canonical_json(self).expect("text and numbers of 32 bits have a canonical form");
        HexBytes::from(<[u8; 32]>::from(Sha256::digest(text)))
    }
}

impl SeatChange {
    /// The hash of the entry without its signature, which the next entry names.
    pub fn hash(&self) -> HexBytes<32> {
        let Self { at, kind, number, previous, rank, reason, taken_by, .. } = *self;
        Unsigned { at, kind, number, previous, rank, reason, taken_by }.hash()
    }
}

/// Where a log ends: what the next entry continues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogEnd {
    /// How many entries there are.
    pub length: u32,
    /// The hash of the last entry, or the commitment.
    pub head: HexBytes<32>,
    /// When the last entry was decided.
    pub at: Option<ProofTimestamp>,
}

impl LogEnd {
    /// The end of a log without entries.
    pub fn of_commitment(commitment: &Commitment) -> Self {
        Self { length: 0, head: HexBytes::from(*commitment.as_bytes()), at: None }
    }

    /// The end of this log.
    pub fn of(commitment: &Commitment, changes: &[SeatChange]) -> Self {
        changes.last().map_or_else(|| Self::of_commitment(commitment), Self::after)
    }

    fn after(change: &SeatChange) -> Self {
        Self { length: change.number, head: change.hash(), at: Some(change.at) }
    }

    /// Signs the next entry, and moves behind it. A log never goes back in time, however clocks differ.
    pub fn append(
        &mut self,
        key: &OrganiserKey,
        reason: Option<ReplaceReason>,
        rank: u32,
        taken_by: Option<u32>,
        now: ProofTimestamp,
    ) -> SeatChange {
        let at = self.at.map_or(now, |before| before.max(now));
        let unsigned = self.next(reason, rank, taken_by, at);
        let signature = key.sign_change(&unsigned.hash());
        self.restore(reason, rank, taken_by, at, signature)
    }

    /// The next entry as it was signed before, and moves behind it.
    pub fn restore(
        &mut self,
        reason: Option<ReplaceReason>,
        rank: u32,
        taken_by: Option<u32>,
        at: ProofTimestamp,
        signature: HexBytes<64>,
    ) -> SeatChange {
        let Unsigned { kind, number, previous, .. } = self.next(reason, rank, taken_by, at);
        let change = SeatChange { at, kind, number, previous, rank, reason, signature, taken_by };
        *self = Self::after(&change);
        change
    }

    fn next(
        &self,
        reason: Option<ReplaceReason>,
        rank: u32,
        taken_by: Option<u32>,
        at: ProofTimestamp,
    ) -> Unsigned {
        let kind = if reason.is_some() { ChangeKind::Replaced } else { ChangeKind::Withdrawn };
        Unsigned {
            at,
            kind,
            number: self.length.saturating_add(1),
            previous: self.head,
            rank,
            reason,
            taken_by,
        }
    }
}

/// Why a log does not hold, with the number of the entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("entry {number} {fault}")]
pub struct BrokenLog {
    /// The place of the entry in the list, from 1.
    pub number: usize,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with an entry of a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It has another number than its place.
    #[error("has the number {0}")]
    Number(u32),
    /// It does not follow the entry before.
    #[error("does not name the entry before it")]
    Previous,
    /// It is dated before the entry before.
    #[error("is dated before the entry before it")]
    Time,
    /// It is dated before there were winners.
    #[error("is dated before the round, which came out at {0}")]
    BeforeRound(ProofTimestamp),
    /// A withdrawal that was decided at another time than the first one.
    #[error("is a withdrawal of another time than the first one: all are decided at once")]
    OtherTime,
    /// A withdrawal that belongs before the one before it.
    #[error(
        "is a withdrawal that comes before the one before it: those without a seat by rank, then prize after prize"
    )]
    Order,
    /// A withdrawal with a reason, a replacement without, or a withdrawal after a replacement.
    #[error("is of a kind that does not fit its reason or its place")]
    Kind,
    /// The organiser's key did not sign it.
    #[error("is not signed by the key {0}")]
    Signature(HexBytes<32>),
    /// The draw did not ask its winners to claim their prizes.
    #[error("is for a prize that nobody had to claim")]
    NoClaims,
    /// The winner had more time to claim the prize.
    #[error("is for a prize that could be claimed until {0}")]
    ClaimTime(ProofTimestamp),
    /// Nobody can leave a seat by that rank.
    #[error("cannot be: {0}")]
    Seat(#[from] NoSeat),
    /// Somebody else is the first in line who fits.
    #[error("gives the seat of rank {rank} to {said}, but {first} is the first in line who fits")]
    Taker {
        /// The rank whose seat it is.
        rank: u32,
        /// Who takes it by the entry.
        said: Taker,
        /// Who takes it by the rule.
        first: Taker,
    },
}

/// Who takes a seat, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taker(pub Option<u32>);

impl std::fmt::Display for Taker {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(rank) => write!(formatter, "rank {rank}"),
            None => formatter.write_str("nobody"),
        }
    }
}

/// Applies one entry to the seats, whatever its chain and signature. Returns the seat that it passes on, if it leaves one.
pub fn apply(seating: &mut Seating<'_>, change: &SeatChange) -> Result<Option<PassedOn>, Fault> {
    let SeatChange { rank, reason, taken_by, .. } = *change;
    let prize = match change.kind {
        ChangeKind::Withdrawn => seating.leave(rank)?,
        ChangeKind::Replaced => Some(seating.vacate(rank)?),
    };
    let first = prize.and_then(|prize| seating.pass_on(prize));
    if first != taken_by {
        return Err(Fault::Taker { rank, said: Taker(taken_by), first: Taker(first) });
    }
    Ok(prize.map(|prize| PassedOn { rank, prize, taken_by, reason }))
}

/// What a draw promises to its winners about claiming.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimTerms {
    /// How long a winner has at least, in seconds; none if nobody has to claim.
    pub within_seconds: Option<u32>,
    /// When the winners follow at the earliest: the time of the round.
    pub round_at: ProofTimestamp,
}

impl ClaimTerms {
    /// Whether the seat of a winner who has it since `since` could count as unclaimed at `at`.
    fn check(&self, since: ProofTimestamp, at: ProofTimestamp) -> Result<(), Fault> {
        let within = self.within_seconds.ok_or(Fault::NoClaims)?;
        let until = ProofTimestamp::from_millisecond(since.as_millisecond() + i64::from(within) * 1000);
        match until {
            Ok(until) if at >= until => Ok(()),
            Ok(until) => Err(Fault::ClaimTime(until)),
            // Beyond every calendar.
            Err(_) => Err(Fault::Time),
        }
    }
}

/// What the log of a draw comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replayed {
    /// The seats that were passed on, in order.
    pub passed_on: Vec<PassedOn>,
    /// How many have left the line without having had a seat.
    pub left_line: u32,
}

/// Holds withdrawals to their order, which decides who takes which seat: all at one time, first those without a seat, by
/// rank, then prize after prize, by rank.
#[derive(Default)]
struct Withdrawals {
    /// The time of the first, and the place of the last.
    last: Option<(ProofTimestamp, (Option<u32>, u32))>,
}

impl Withdrawals {
    /// Takes the next, of somebody to whom the ranking gives a seat of this prize, or none.
    fn take(&mut self, at: ProofTimestamp, prize: Option<u32>, rank: u32) -> Result<(), Fault> {
        if let Some((first_at, before)) = self.last {
            if at != first_at {
                return Err(Fault::OtherTime);
            }
            // None is less than every prize.
            if (prize, rank) <= before {
                return Err(Fault::Order);
            }
        }
        self.last = Some((at, (prize, rank)));
        Ok(())
    }
}

/// Replays a log from the seats that the ranking gives, holding each entry to its number, its chain, its signature, its time
/// and order, the rule and the time that its winner had to claim.
///
/// The seating must hold the sealed list as far as the log can reach: see [`reach`].
pub fn replay(
    changes: &[SeatChange],
    commitment: &Commitment,
    organiser_key: &HexBytes<32>,
    claims: ClaimTerms,
    seating: &mut Seating<'_>,
) -> Result<Replayed, BrokenLog> {
    let mut end = LogEnd::of_commitment(commitment);
    let mut replayed = Replayed::default();
    let mut withdrawals = Withdrawals::default();
    // By rank, since when those have a seat who took it.
    let mut taken_at = HashMap::new();
    let mut is_replacing = false;
    for (number, change) in (1..).zip(changes) {
        let broken = |fault| BrokenLog { number, fault };
        if usize::try_from(change.number) != Ok(number) {
            return Err(broken(Fault::Number(change.number)));
        }
        if change.previous != end.head {
            return Err(broken(Fault::Previous));
        }
        if change.at < claims.round_at {
            return Err(broken(Fault::BeforeRound(claims.round_at)));
        }
        if end.at.is_some_and(|before| change.at < before) {
            return Err(broken(Fault::Time));
        }
        let is_replaced = change.kind == ChangeKind::Replaced;
        if is_replaced != change.reason.is_some() || (is_replacing && !is_replaced) {
            return Err(broken(Fault::Kind));
        }
        is_replacing = is_replaced;
        let hash = change.hash();
        if !crate::signature::is_change_signed(organiser_key, &hash, &change.signature) {
            return Err(broken(Fault::Signature(*organiser_key)));
        }
        if change.kind == ChangeKind::Withdrawn {
            let by_ranking = seating.prize_of(change.rank).filter(|_| !taken_at.contains_key(&change.rank));
            withdrawals.take(change.at, by_ranking, change.rank).map_err(broken)?;
        }
        match apply(seating, change).map_err(broken)? {
            Some(passed_on) => replayed.passed_on.push(passed_on),
            None => replayed.left_line += 1,
        }
        if change.reason == Some(ReplaceReason::Unclaimed) {
            let since = taken_at.get(&change.rank).copied().unwrap_or(claims.round_at);
            claims.check(since, change.at).map_err(broken)?;
        }
        taken_at.extend(change.taken_by.map(|taker| (taker, change.at)));
        end = LogEnd::after(change);
    }
    Ok(replayed)
}

/// How many people behind a ranking of so many a log can reach: all of them if a seat stays empty, for then nobody fits.
pub fn reach(changes: &[SeatChange], ranked: usize) -> u32 {
    let last = changes.iter().map(|change| change.taken_by.map_or(u32::MAX, |taker| taker.max(change.rank)));
    last.max().unwrap_or(0).saturating_sub(u32::try_from(ranked).unwrap_or(u32::MAX))
}

/// How many seats were passed on, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct PassedOnCounts {
    /// By a withdrawal before the round.
    pub withdrawn: u32,
    /// By absence.
    pub absent: u32,
    /// By a winner who did not want the prize.
    pub declined: u32,
    /// By a winner who could not be reached.
    pub unreachable: u32,
    /// By a winner who may not have the prize.
    pub ineligible: u32,
    /// By a winner who did not claim the prize in time.
    pub unclaimed: u32,
    /// How many of them nobody took.
    pub empty: u32,
}

impl PassedOnCounts {
    /// Counts these.
    pub fn of(passed_on: &[PassedOn]) -> Self {
        let mut counts = Self::default();
        for one in passed_on {
            *match one.reason {
                None => &mut counts.withdrawn,
                Some(ReplaceReason::Absent) => &mut counts.absent,
                Some(ReplaceReason::Declined) => &mut counts.declined,
                Some(ReplaceReason::Unreachable) => &mut counts.unreachable,
                Some(ReplaceReason::Ineligible) => &mut counts.ineligible,
                Some(ReplaceReason::Unclaimed) => &mut counts.unclaimed,
            } += 1;
            counts.empty += u32::from(one.taken_by.is_none());
        }
        counts
    }

    /// How many seats were passed on.
    pub fn total(&self) -> u32 {
        self.withdrawn + self.absent + self.declined + self.unreachable + self.ineligible + self.unclaimed
    }

    /// Such as `3 seats were passed on: 2 absent, 1 declined`; empty without any.
    pub fn in_words(&self) -> String {
        let were = match self.total() {
            0 => return String::new(),
            1 => "1 seat was passed on".to_owned(),
            total => format!("{total} seats were passed on"),
        };
        let counts = [
            (self.withdrawn, "withdrawn before the round"),
            (self.absent, "absent"),
            (self.declined, "declined"),
            (self.unreachable, "unreachable"),
            (self.ineligible, "ineligible"),
            (self.unclaimed, "unclaimed"),
        ];
        let counts = counts.iter().filter(|(count, _)| *count > 0);
        let counts: Vec<_> = counts.map(|(count, word)| format!("{count} {word}")).collect();
        let empty = match self.empty {
            0 => String::new(),
            empty => format!("; {empty} of them to nobody"),
        };
        format!("{were}: {}{empty}", counts.join(", "))
    }
}
