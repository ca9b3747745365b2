//! A local beacon, for trials and tests: the same formats and the same verification as drand, but the holder of its
//! seed knows every round in advance.

use bls12_381::hash_to_curve::{ExpandMsgXmd, HashToCurve};
use bls12_381::{G1Affine, G1Projective, G2Affine, G2Projective, Scalar};
use sha2::{Digest, Sha256};

use super::{BeaconRound, Chain, Period, Scheme};
use crate::HexBytes;

/// The domain of drand's signatures on G1.
const DOMAIN: &[u8] = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_";

/// A beacon with its secret key.
#[derive(Clone)]
pub struct LocalBeacon {
    secret: Scalar,
    chain: Chain,
}

impl LocalBeacon {
    /// The beacon whose key is made of these 32 random bytes, and whose first round comes out at `genesis_time`.
    pub fn from_seed(seed: &[u8; 32], genesis_time: u32, period: Period) -> Self {
        let mut wide = [0; 64];
        for (number, half) in (0u8..).zip(wide.chunks_exact_mut(32)) {
            half.copy_from_slice(&Sha256::new().chain_update([number]).chain_update(seed).finalize());
        }
        let secret = Scalar::from_bytes_wide(&wide);
        let public_key = G2Affine::from(G2Projective::generator() * secret).to_compressed();
        let group_hash = <[u8; 32]>::from(Sha256::digest(public_key));
        let chain = Chain {
            beacon_id: "local".to_owned(),
            genesis_time,
            group_hash: HexBytes::from(group_hash),
            period,
            public_key: HexBytes::from(public_key),
            scheme: Scheme::BlsUnchainedG1Rfc9380,
        };
        Self { secret, chain }
    }

    /// The chain's parameters.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Signs a round. Its time is the caller's business: a beacon publishes no round before its time.
    pub fn round(&self, round: u64) -> BeaconRound {
        let message = Sha256::digest(round.to_be_bytes());
        let point: G1Projective =
            HashToCurve::<ExpandMsgXmd<sha2_of_bls::Sha256>>::hash_to_curve(message, DOMAIN);
        BeaconRound::new(round, HexBytes::from(G1Affine::from(point * self.secret).to_compressed()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_rounds_verify_with_its_own_chain_only() {
        let [beacon, other] = [1, 2]
            .map(|seed| LocalBeacon::from_seed(&[seed; 32], 1_800_000_000, Period::try_from(1).unwrap()));
        let round = beacon.round(7);
        assert!(beacon.chain().verify(7, &round).is_ok());
        assert!(other.chain().verify(7, &round).is_err());
        assert!(!beacon.chain().is_public());
        assert_ne!(beacon.round(8).randomness, round.randomness);
    }
}
