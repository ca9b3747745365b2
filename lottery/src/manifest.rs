//! The manifest: everything that fixes a draw before its randomness is known. Its hash is the commitment.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::beacon::{Chain, Scheme};
use crate::canonical_json::to_canonical_json;
use crate::merkle::Hash;
use crate::timestamp::ProofTimestamp;
use crate::version::numbered;
use crate::{Commitment, DrawId, DrawStatus, HexBytes, Invalid, LotteryId, PrizeList};

/// The form of a manifest, and what the labels and holders of its entries are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub enum Version {
    /// Labels are the same in every draw of a lottery, and holders bind an id.
    One,
    /// Labels are new in each draw, and holders bind a person. The manifest says whether past winners are excluded, and has a
    /// number among all draws of the operator.
    Two,
}

/// A draw's place among all draws of its operator.
///
/// They are numbered in [`OperatorPlace::LANES`] lanes, each without gaps, and a lottery has one lane for good: so that two draws
/// seldom wait for each other's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatorPlace {
    /// The lane of the lottery.
    pub lane: u8,
    /// The commitment of the draw before in the lane, if it is not the first.
    pub previous_commitment: Option<Commitment>,
    /// The number in the lane, from 1.
    pub sequence: u64,
}

impl OperatorPlace {
    /// How many lanes there are.
    pub const LANES: u8 = 16;

    /// The place of a rehearsal: none.
    pub fn of_rehearsal(lottery_id: &LotteryId) -> Self {
        Self { lane: Self::lane_of(lottery_id), previous_commitment: None, sequence: 0 }
    }

    /// The lane of a lottery: the first hexadecimal digit of the hash of its id.
    pub fn lane_of(lottery_id: &LotteryId) -> u8 {
        Sha256::digest(lottery_id.as_str())[0] >> 4
    }

    fn check(&self, manifest: &Manifest) -> Result<(), Invalid> {
        if self.lane != Self::lane_of(&manifest.lottery_id) {
            return Err(Invalid::new("stands in another lane of the operator than its lottery"));
        }
        if manifest.is_rehearsal() {
            let has_place = self.sequence > 0 || self.previous_commitment.is_some();
            return if has_place { Err(Invalid::new("must have no place, as a rehearsal")) } else { Ok(()) };
        }
        if self.sequence == 0 {
            return Err(Invalid::new("must count from 1 in its lane"));
        }
        if self.previous_commitment.is_none() != (self.sequence == 1) {
            return Err(Invalid::new("must name the draw before in its lane, unless it is the first"));
        }
        // Every draw of the lottery has a number in the lane too.
        if self.sequence < manifest.sequence {
            return Err(Invalid::new(
                "has a lower number in its lane than in its lottery, whose draws all count there",
            ));
        }
        if self.sequence == manifest.sequence && self.previous_commitment != manifest.previous_commitment {
            return Err(Invalid::new(
                "names another draw before in its lane than in its lottery, which has the lane alone",
            ));
        }
        Ok(())
    }
}

/// How winners follow from entries and randomness. There is one way so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    /// HKDF-SHA256 scores, the lowest of an entry's tickets, reserved seats before open ones.
    #[serde(rename = "hkdf-sha256-lowest-ticket")]
    LowestTicket,
}

/// What is fixed, if it is not a draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A rehearsal on a copy of the list: nobody wins anything by it.
    Rehearsal,
}

/// The beacon round that will decide a draw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedRound {
    /// The hash of the chain's parameters.
    pub chain_hash: HexBytes<32>,
    /// The chain's key.
    pub public_key: HexBytes<96>,
    /// The round's number.
    pub round: u64,
    /// How the chain signs.
    pub scheme: Scheme,
}

/// Everything that fixes a draw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// How winners follow.
    pub algorithm: Algorithm,
    /// The number of alternates, who are ranked after the winners and may take forfeited seats.
    pub alternates: u32,
    /// The round that decides.
    pub beacon: NamedRound,
    /// How long a winner has to claim the prize, if it must be claimed.
    pub claim_within_seconds: Option<u32>,
    /// Until when entries were taken, if that was said beforehand.
    pub closes_at: Option<ProofTimestamp>,
    /// The draw.
    pub draw_id: DrawId,
    /// How many entries the list has.
    pub entries: u64,
    /// Whether those cannot win who have won in an earlier draw of the lottery; since [`Version::Two`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclude_past_winners: Option<bool>,
    /// What this is, if it is not a draw. The manifest of a draw has no such member.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub kind: Option<Kind>,
    /// The lottery.
    pub lottery_id: LotteryId,
    /// How long after sealing the round comes out at the earliest.
    pub margin_seconds: u32,
    /// The draw's place among all of the operator's; since [`Version::Two`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<OperatorPlace>,
    /// The commitment of the draw before, if it is not the lottery's first.
    pub previous_commitment: Option<Commitment>,
    /// What had become of the draw before.
    pub previous_status: Option<DrawStatus>,
    /// What can be won.
    pub prizes: PrizeList,
    /// The Merkle root of the entries.
    pub root: Hash,
    /// When the list was fixed.
    pub sealed_at: ProofTimestamp,
    /// The draw's number in its lottery, without gaps from 1.
    pub sequence: u64,
    /// How many tickets the entries have together.
    pub tickets: u64,
    /// The form of this manifest.
    pub version: Version,
}

impl NamedRound {
    /// The first round of `chain` that comes out no earlier than `margin_seconds` after sealing.
    pub fn after(chain: &Chain, sealed_at: ProofTimestamp, margin_seconds: u32) -> Result<Self, Invalid> {
        let earliest =
            ProofTimestamp::from_millisecond(sealed_at.as_millisecond() + i64::from(margin_seconds) * 1000)?;
        Ok(Self {
            chain_hash: chain.hash(),
            public_key: chain.public_key,
            round: chain.first_round_at(earliest),
            scheme: chain.scheme,
        })
    }
}

impl Manifest {
    /// Whether this is a rehearsal, and no draw.
    pub fn is_rehearsal(&self) -> bool {
        self.kind == Some(Kind::Rehearsal)
    }

    /// The text that is committed to.
    pub fn to_canonical_json(&self) -> String {
        to_canonical_json(self).expect("a manifest holds text and whole numbers that any reader keeps")
    }

    /// The commitment: SHA-256 of the canonical text.
    pub fn commitment(&self) -> Commitment {
        Commitment::from(<[u8; 32]>::from(Sha256::digest(self.to_canonical_json())))
    }

    /// Whether it has the fields of its version.
    pub(crate) fn has_form(&self) -> bool {
        match (self.version, self.exclude_past_winners, &self.operator) {
            (Version::One, None, None) => true,
            (Version::Two, Some(_), Some(place)) => place.lane < OperatorPlace::LANES,
            _ => false,
        }
    }

    /// Whether entries can have been excluded for having won in these draws.
    pub fn check_past_winners<'a>(&self, draws: impl IntoIterator<Item = &'a DrawId>) -> Result<(), Invalid> {
        if self.version == Version::One {
            return Ok(());
        }
        for draw_id in draws {
            if self.exclude_past_winners == Some(false) {
                return Err(Invalid::new("past winners are excluded, which the manifest denies"));
            }
            if self.sequence == 1 || *draw_id == self.draw_id {
                return Err(Invalid::new(format!(
                    "past winners of {draw_id} are excluded, which is no earlier draw"
                )));
            }
        }
        Ok(())
    }

    /// Whether what the manifest says of itself can be.
    pub fn check(&self) -> Result<(), Invalid> {
        let first = match self.kind {
            Some(Kind::Rehearsal) if self.sequence > 0 => {
                return Err(Invalid::new("must have no number, as a rehearsal"));
            }
            // A rehearsal is not part of the sequence of draws.
            Some(Kind::Rehearsal) => true,
            None if self.sequence == 0 => return Err(Invalid::new("sequence must count from 1")),
            None => self.sequence == 1,
        };
        if self.previous_commitment.is_none() != first || self.previous_status.is_none() != first {
            return Err(Invalid::new("must name the previous draw and its status, unless it is the first"));
        }
        if self.closes_at.is_some_and(|closes_at| self.sealed_at < closes_at) {
            return Err(Invalid::new("was sealed before the time until which entries were taken"));
        }
        self.operator.map_or(Ok(()), |place| place.check(self))
    }

    /// Whether the round is the one that follows from the time of sealing.
    pub fn check_round(&self, chain: &Chain) -> Result<(), Invalid> {
        let named = NamedRound::after(chain, self.sealed_at, self.margin_seconds)?;
        if self.beacon.chain_hash != named.chain_hash {
            return Err(Invalid::new(format!(
                "the beacon's parameters have the hash {}, the manifest names {}",
                named.chain_hash, self.beacon.chain_hash
            )));
        }
        if self.beacon.public_key != named.public_key || self.beacon.scheme != named.scheme {
            return Err(Invalid::new("the beacon's key or scheme is not the one in the manifest"));
        }
        if self.beacon.round != named.round {
            return Err(Invalid::new(format!(
                "the manifest names round {}, but its time of sealing and margin give round {}",
                self.beacon.round, named.round
            )));
        }
        Ok(())
    }
}

/// Reads a member that may be absent, but not null.
fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Kind>, D::Error> {
    Kind::deserialize(deserializer).map(Some)
}

numbered!(Version { One = 1, Two = 2 });
