//! The randomness beacon: a chain of rounds, each signed at a known time by a key that nobody in the
//! lottery holds. The round of a draw is computed from its manifest, never chosen.
//!
//! The chain is drand's: its formats, its signature scheme, its hash over the chain's parameters. The
//! public chain `quicknet` is compiled in; [`local`] makes a chain of one's own, which proves nothing to others.

pub mod local;

use drand_verify::{G2PubkeyRfc, Pubkey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::timestamp::ProofTimestamp;
use crate::{HexBytes, Invalid};

/// How the rounds are signed: BLS on G1 (RFC 9380), each round by itself. The one scheme that is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scheme {
    /// drand's `bls-unchained-g1-rfc9380`.
    #[serde(rename = "bls-unchained-g1-rfc9380")]
    BlsUnchainedG1Rfc9380,
}

/// The parameters of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chain {
    /// What the chain is called, such as `quicknet`.
    pub beacon_id: String,
    /// When round 1 came out, in seconds since 1970.
    pub genesis_time: u32,
    /// The hash of the group that made the key.
    pub group_hash: HexBytes<32>,
    /// Seconds between two rounds.
    pub period: Period,
    /// The key that every round is verified with.
    pub public_key: HexBytes<96>,
    /// How rounds are signed.
    pub scheme: Scheme,
}

/// Seconds between two rounds, at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Period(u32);

/// What the first byte of a compressed point has set if the point is the one at infinity.
const INFINITY: u8 = 0x40;

/// One round as the beacon published it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BeaconRound {
    /// SHA-256 of the signature: the random value.
    pub randomness: HexBytes<32>,
    /// The round's number, from 1.
    pub round: u64,
    /// The beacon's signature of the number.
    pub signature: HexBytes<48>,
}

/// A random value that a beacon's signature vouches for. There is no other way to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Randomness(HexBytes<32>);

/// Why a beacon's answer is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BeaconError {
    /// The answer is about another round than the one asked for.
    #[error("the beacon answered round {answered} instead of round {expected}")]
    AnotherRound {
        /// The round that was asked for.
        expected: u64,
        /// The round that came.
        answered: u64,
    },
    /// The signature is not the beacon's.
    #[error("the signature of round {0} is not made by the beacon's key")]
    Signature(u64),
    /// The chain's public key is no key.
    #[error("the beacon's public key is no point of the curve, or the one at infinity")]
    PublicKey,
    /// The random value is not the hash of the signature.
    #[error("the randomness of round {0} is not the SHA-256 of its signature")]
    Randomness(u64),
    /// The parameters are not those whose hash is named.
    #[error("the chain's parameters have the hash {computed}, not {named}")]
    ChainHash {
        /// The hash of the parameters.
        computed: HexBytes<32>,
        /// The hash that was named.
        named: HexBytes<32>,
    },
    /// Not an answer of drand's HTTP API.
    #[error("the beacon's answer is malformed: {0}")]
    Malformed(String),
}

impl Chain {
    /// drand's public chain that is used where nothing else is asked for.
    pub fn quicknet() -> Self {
        let hex = "holds hexadecimal digits of the right number, a test reads them";
        Self {
            beacon_id: "quicknet".to_owned(),
            genesis_time: 1_692_803_367,
            group_hash: HexBytes::parse("f477d5c89f21a17c863a7f937c6a6d15859414d2be09cd448d4279af331c5d3e")
                .expect(hex),
            period: Period(3),
            public_key: HexBytes::parse(concat!(
                "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d106451",
                "0d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a",
            ))
            .expect(hex),
            scheme: Scheme::BlsUnchainedG1Rfc9380,
        }
    }

    /// Whether rounds of this chain are random to the public: true of quicknet alone.
    pub fn is_public(&self) -> bool {
        *self == Self::quicknet()
    }

    /// What names the chain: drand's hash over its parameters.
    pub fn hash(&self) -> HexBytes<32> {
        let mut hasher = Sha256::new()
            .chain_update(self.period.0.to_be_bytes())
            .chain_update(i64::from(self.genesis_time).to_be_bytes())
            .chain_update(self.public_key.as_bytes())
            .chain_update(self.group_hash.as_bytes());
        if !self.beacon_id.is_empty() && self.beacon_id != "default" {
            hasher.update(&self.beacon_id);
        }
        HexBytes::from(<[u8; 32]>::from(hasher.finalize()))
    }

    /// Reads the answer to `GET /<chain hash>/info` of drand's HTTP API; its `hash` must be that of its parameters.
    pub fn parse_info(answer: &[u8]) -> Result<Self, BeaconError> {
        let info: Info =
            serde_json::from_slice(answer).map_err(|error| BeaconError::Malformed(error.to_string()))?;
        let chain = Self {
            beacon_id: info.metadata.map(|metadata| metadata.beacon_id).unwrap_or_default(),
            genesis_time: info.genesis_time,
            group_hash: info.group_hash,
            period: info.period,
            public_key: info.public_key,
            scheme: info.scheme,
        };
        match chain.hash() {
            computed if computed == info.hash => Ok(chain),
            computed => Err(BeaconError::ChainHash { computed, named: info.hash }),
        }
    }

    /// The first round whose time is not before `time`.
    pub fn first_round_at(&self, time: ProofTimestamp) -> u64 {
        let since_genesis = time.as_millisecond() - i64::from(self.genesis_time) * 1000;
        let since_genesis = u64::try_from(since_genesis).unwrap_or(0);
        since_genesis.div_ceil(u64::from(self.period.0) * 1000) + 1
    }

    /// When a round comes out.
    pub fn time_of(&self, round: u64) -> Result<ProofTimestamp, Invalid> {
        let outside = || Invalid::new("lies outside the calendar");
        round
            .checked_sub(1)
            .and_then(|periods| periods.checked_mul(u64::from(self.period.0)))
            .and_then(|seconds| seconds.checked_add(u64::from(self.genesis_time))?.checked_mul(1000))
            .and_then(|milliseconds| i64::try_from(milliseconds).ok())
            .ok_or_else(outside)
            .and_then(ProofTimestamp::from_millisecond)
    }

    /// The randomness of round `expected`, if `answer` is that round and signed by the chain's key.
    pub fn verify(&self, expected: u64, answer: &BeaconRound) -> Result<Randomness, BeaconError> {
        if answer.round != expected {
            return Err(BeaconError::AnotherRound { expected, answered: answer.round });
        }
        // With the point at infinity for a key, the same point signs every round.
        if self.public_key.as_bytes()[0] & INFINITY != 0 {
            return Err(BeaconError::PublicKey);
        }
        if answer.signature.as_bytes()[0] & INFINITY != 0 {
            return Err(BeaconError::Signature(expected));
        }
        let key = G2PubkeyRfc::from_fixed(*self.public_key.as_bytes()).map_err(|_| BeaconError::PublicKey)?;
        match key.verify(expected, &[], answer.signature.as_bytes()) {
            Ok(true) => {}
            Ok(false) | Err(_) => return Err(BeaconError::Signature(expected)),
        }
        if answer.randomness != randomness_of(&answer.signature) {
            return Err(BeaconError::Randomness(expected));
        }
        Ok(Randomness(answer.randomness))
    }
}

impl BeaconRound {
    /// A round by its signature, from which its randomness follows.
    pub fn new(round: u64, signature: HexBytes<48>) -> Self {
        Self { randomness: randomness_of(&signature), round, signature }
    }

    /// Reads the answer to `GET /<chain hash>/public/<round>` of drand's HTTP API. What it says of the
    /// randomness is ignored: that follows from the signature, which is still to be verified.
    pub fn parse_answer(answer: &[u8]) -> Result<Self, BeaconError> {
        #[derive(Deserialize)]
        struct Answer {
            round: u64,
            signature: HexBytes<48>,
        }
        let answer: Answer =
            serde_json::from_slice(answer).map_err(|error| BeaconError::Malformed(error.to_string()))?;
        Ok(Self::new(answer.round, answer.signature))
    }
}

impl Randomness {
    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

impl Period {
    /// The number of seconds.
    pub fn seconds(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for Period {
    type Error = Invalid;
    fn try_from(seconds: u32) -> Result<Self, Invalid> {
        if seconds == 0 { Err(Invalid::new("must be at least 1 second")) } else { Ok(Self(seconds)) }
    }
}

impl From<Period> for u32 {
    fn from(period: Period) -> Self {
        period.0
    }
}

/// The answer of drand's HTTP API about a chain.
#[derive(Deserialize)]
struct Info {
    genesis_time: u32,
    #[serde(rename = "groupHash")]
    group_hash: HexBytes<32>,
    hash: HexBytes<32>,
    metadata: Option<Metadata>,
    period: Period,
    public_key: HexBytes<96>,
    #[serde(rename = "schemeID")]
    scheme: Scheme,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(rename = "beaconID")]
    beacon_id: String,
}

fn randomness_of(signature: &HexBytes<48>) -> HexBytes<32> {
    HexBytes::from(<[u8; 32]>::from(Sha256::digest(signature.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn recorded() -> Value {
        serde_json::from_str(include_str!("../../tests/vectors/drand-quicknet.json")).unwrap()
    }

    fn rounds() -> Vec<BeaconRound> {
        serde_json::from_value(recorded()["rounds"].clone()).unwrap()
    }

    #[test]
    fn quicknet_is_the_chain_that_drand_publishes() {
        let (recorded, chain) = (recorded(), Chain::quicknet());
        assert_eq!(chain.hash().to_string(), recorded["chain_hash"].as_str().unwrap());
        let mut shown = serde_json::to_value(&chain).unwrap();
        let members = shown.as_object_mut().unwrap();
        members.insert("chain_hash".into(), json!(chain.hash()));
        for (name, value) in members {
            assert_eq!(recorded[name.as_str()], *value, "{name}");
        }
        assert!(chain.is_public());
    }

    #[test]
    fn recorded_rounds_verify_and_give_their_randomness() {
        for round in rounds() {
            let randomness = Chain::quicknet().verify(round.round, &round).unwrap();
            assert_eq!(randomness.as_bytes(), round.randomness.as_bytes());
            assert_eq!(BeaconRound::new(round.round, round.signature), round);
        }
    }

    #[test]
    fn another_round_or_signature_or_randomness_or_key_is_refused() {
        let (chain, rounds) = (Chain::quicknet(), rounds());
        let (one, other) = (&rounds[0], &rounds[1]);
        let another = BeaconError::AnotherRound { expected: other.round, answered: one.round };
        assert_eq!(chain.verify(other.round, one), Err(another));
        let forged = BeaconRound { round: one.round, ..other.clone() };
        assert_eq!(chain.verify(one.round, &forged), Err(BeaconError::Signature(one.round)));
        let changed = BeaconRound { randomness: other.randomness, ..one.clone() };
        assert_eq!(chain.verify(one.round, &changed), Err(BeaconError::Randomness(one.round)));
        let no_point = Chain { public_key: HexBytes::from([7; 96]), ..chain };
        assert_eq!(no_point.verify(one.round, one), Err(BeaconError::PublicKey));
        let (mut key, mut signature) = ([0; 96], [0; 48]);
        (key[0], signature[0]) = (0xc0, 0xc0);
        let infinity = Chain { public_key: HexBytes::from(key), ..Chain::quicknet() };
        let round = BeaconRound::new(1, HexBytes::from(signature));
        assert_eq!(infinity.verify(1, &round), Err(BeaconError::PublicKey));
        assert_eq!(Chain::quicknet().verify(1, &round), Err(BeaconError::Signature(1)));
    }

    #[test]
    fn rounds_and_times_belong_together_as_recorded() {
        let chain = Chain::quicknet();
        for known in recorded()["round_at"].as_array().unwrap() {
            let timestamp = known["time"].as_str().unwrap().parse().unwrap();
            let time = ProofTimestamp::from_timestamp(timestamp).unwrap();
            let round = known["round"].as_u64().unwrap();
            assert_eq!(chain.first_round_at(time), round);
            assert_eq!(chain.time_of(round), Ok(time));
            let later = ProofTimestamp::from_millisecond(time.as_millisecond() + 1).unwrap();
            assert_eq!(chain.first_round_at(later), round + 1, "a round that is out already is never taken");
        }
        assert_eq!(chain.first_round_at(ProofTimestamp::from_millisecond(0).unwrap()), 1);
        assert!(chain.time_of(0).is_err());
        assert!(chain.time_of(u64::MAX).is_err());
    }

    #[test]
    fn answers_of_drands_api_are_read_and_their_hash_recomputed() {
        let chain = Chain::quicknet();
        let mut info = json!({
            "public_key": chain.public_key, "period": 3, "genesis_time": 1692803367, "hash": chain.hash(),
            "groupHash": chain.group_hash, "schemeID": "bls-unchained-g1-rfc9380", "metadata": {"beaconID": "quicknet"},
        });
        assert_eq!(Chain::parse_info(info.to_string().as_bytes()), Ok(chain));
        info["period"] = json!(30);
        assert!(matches!(Chain::parse_info(info.to_string().as_bytes()), Err(BeaconError::ChainHash { .. })));
        info["period"] = json!(0);
        assert!(matches!(Chain::parse_info(info.to_string().as_bytes()), Err(BeaconError::Malformed(_))));
        let round = &rounds()[0];
        let answer = json!({"round": round.round, "signature": round.signature, "randomness": "x", "new": 1});
        assert_eq!(BeaconRound::parse_answer(answer.to_string().as_bytes()).as_ref(), Ok(round));
        assert!(BeaconRound::parse_answer(b"{}").is_err());
    }
}
