//! The organiser's signature of a commitment: Ed25519 (RFC 8032), so that a commitment cannot be put into an
//! organiser's mouth, nor denied.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Commitment, HexBytes};

/// The prefix of the commitment in the signed message, so that no other use of the key yields a valid signature.
const DOMAIN: &[u8] = b"fair-draw commitment 1\n";
/// The prefix of the hash of a seat change in the signed message.
const CHANGE_DOMAIN: &[u8] = b"fair-draw seat change 1\n";

/// The organiser's signing key.
#[derive(Clone)]
pub struct OrganiserKey(SigningKey);

/// A signature of a commitment, with the key that checks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommitmentSignature {
    /// The organiser's public key.
    pub public_key: HexBytes<32>,
    /// The signature of `fair-draw commitment 1`, a line feed, and the 32 bytes of the commitment.
    pub signature: HexBytes<64>,
}

/// The signature is not the key's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature of the commitment is not made by the key {0}")]
pub struct WrongSignature(HexBytes<32>);

impl OrganiserKey {
    /// The key that this secret seed makes.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The key whose seed is the SHA-256 of a secret text; blanks around it do not count.
    pub fn from_secret(secret: &[u8]) -> Self {
        Self::from_seed(&Sha256::digest(secret.trim_ascii()).into())
    }

    /// The key that others check signatures with.
    pub fn public_key(&self) -> HexBytes<32> {
        HexBytes::from(self.0.verifying_key().to_bytes())
    }

    /// Signs a commitment.
    pub fn sign(&self, commitment: &Commitment) -> CommitmentSignature {
        let signature = HexBytes::from(self.0.sign(&message(commitment)).to_bytes());
        CommitmentSignature { public_key: self.public_key(), signature }
    }

    /// Signs the hash of a seat change.
    pub(crate) fn sign_change(&self, hash: &HexBytes<32>) -> HexBytes<64> {
        HexBytes::from(self.0.sign(&[CHANGE_DOMAIN, hash.as_bytes()].concat()).to_bytes())
    }
}

impl CommitmentSignature {
    /// Whether the key signed this commitment. Keys and signatures of small order, or with a second spelling, are refused.
    pub fn verify(&self, commitment: &Commitment) -> Result<(), WrongSignature> {
        match is_signed(&self.public_key, &message(commitment), &self.signature) {
            true => Ok(()),
            false => Err(WrongSignature(self.public_key)),
        }
    }
}

/// Whether the key signed the hash of a seat change, as strictly as [`CommitmentSignature::verify`].
pub(crate) fn is_change_signed(key: &HexBytes<32>, hash: &HexBytes<32>, signature: &HexBytes<64>) -> bool {
    is_signed(key, &[CHANGE_DOMAIN, hash.as_bytes()].concat(), signature)
}

fn is_signed(key: &HexBytes<32>, message: &[u8], signature: &HexBytes<64>) -> bool {
    let Ok(verifying) = VerifyingKey::from_bytes(key.as_bytes()) else { return false };
    let signature = Signature::from_bytes(signature.as_bytes());
    is_reduced(key.as_bytes()) && verifying.verify_strict(message, &signature).is_ok()
}

/// Whether the y of an encoded point is below 2^255 − 19. Decoding takes others too and reduces them.
fn is_reduced(point: &[u8; 32]) -> bool {
    let [lowest, middle @ .., highest] = point;
    *lowest < 0xed || highest & 0x7f != 0x7f || middle.iter().any(|byte| *byte != 0xff)
}

fn message(commitment: &Commitment) -> Vec<u8> {
    [DOMAIN, commitment.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_that_of_rfc_8032_test_1() {
        let seed = HexBytes::<32>::parse("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
        assert_eq!(
            OrganiserKey::from_seed(seed.unwrap().as_bytes()).public_key().to_string(),
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
        );
    }

    #[test]
    fn a_signature_holds_for_its_commitment_and_key_only() {
        let key = OrganiserKey::from_seed(&[1; 32]);
        let [one, other] = [1, 2].map(|byte| Commitment::from([byte; 32]));
        let signature = key.sign(&one);
        assert_eq!(signature.verify(&one), Ok(()));
        assert!(signature.verify(&other).is_err());
        let of_another = OrganiserKey::from_seed(&[2; 32]).public_key();
        assert!(CommitmentSignature { public_key: of_another, ..signature }.verify(&one).is_err());
        let weak = CommitmentSignature { public_key: HexBytes::from([0; 32]), ..signature };
        assert!(weak.verify(&one).is_err());
    }
}
