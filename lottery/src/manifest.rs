//! The manifest: everything that fixes a draw before its randomness is known. Its hash is the commitment.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::beacon::{Chain, Scheme};
use crate::canonical_json::to_canonical_json;
use crate::merkle::Hash;
use crate::moment::Moment;
use crate::{Commitment, DrawId, DrawStatus, HexBytes, Invalid, LotteryId, PrizeList};

/// The version of the manifest's and the proof's form: the number 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Version;

/// How winners follow from entries and randomness. There is one way so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    /// HKDF-SHA256 scores, the lowest of an entry's tickets, reserved seats before open ones.
    #[serde(rename = "hkdf-sha256-lowest-ticket")]
    LowestTicket,
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
    pub closes_at: Option<Moment>,
    /// The draw.
    pub draw_id: DrawId,
    /// How many entries the list has.
    pub entries: u64,
    /// The lottery.
    pub lottery_id: LotteryId,
    /// How long after sealing the round comes out at the earliest.
    pub margin_seconds: u32,
    /// The commitment of the draw before, if it is not the lottery's first.
    pub previous_commitment: Option<Commitment>,
    /// What had become of the draw before.
    pub previous_status: Option<DrawStatus>,
    /// What can be won.
    pub prizes: PrizeList,
    /// The Merkle root of the entries.
    pub root: Hash,
    /// When the list was fixed.
    pub sealed_at: Moment,
    /// The draw's number in its lottery, without gaps from 1.
    pub sequence: u64,
    /// How many tickets the entries have together.
    pub tickets: u64,
    /// The form of this manifest.
    pub version: Version,
}

impl NamedRound {
    /// The first round of `chain` that comes out no earlier than `margin_seconds` after sealing.
    pub fn after(chain: &Chain, sealed_at: Moment, margin_seconds: u32) -> Result<Self, Invalid> {
        let earliest =
            Moment::from_millisecond(sealed_at.as_millisecond() + i64::from(margin_seconds) * 1000)?;
        Ok(Self {
            chain_hash: chain.hash(),
            public_key: chain.public_key,
            round: chain.first_round_at(earliest),
            scheme: chain.scheme,
        })
    }
}

impl Manifest {
    /// The text that is committed to.
    pub fn to_canonical_json(&self) -> String {
        to_canonical_json(self).expect("a manifest holds text and whole numbers that any reader keeps")
    }

    /// The commitment: SHA-256 of the canonical text.
    pub fn commitment(&self) -> Commitment {
        Commitment::from(<[u8; 32]>::from(Sha256::digest(self.to_canonical_json())))
    }

    /// Whether what the manifest says of itself can be.
    pub fn check(&self) -> Result<(), Invalid> {
        let first = self.sequence == 1;
        if self.sequence == 0 {
            return Err(Invalid::new("sequence must count from 1"));
        }
        if self.previous_commitment.is_none() != first || self.previous_status.is_none() != first {
            return Err(Invalid::new("must name the previous draw and its status, unless it is the first"));
        }
        if self.closes_at.is_some_and(|closes_at| self.sealed_at < closes_at) {
            return Err(Invalid::new("was sealed before the time until which entries were taken"));
        }
        Ok(())
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

impl TryFrom<u32> for Version {
    type Error = Invalid;
    fn try_from(number: u32) -> Result<Self, Invalid> {
        if number == 1 { Ok(Self) } else { Err(Invalid::new("is a version that is not known here")) }
    }
}

impl From<Version> for u32 {
    fn from(_: Version) -> Self {
        1
    }
}
