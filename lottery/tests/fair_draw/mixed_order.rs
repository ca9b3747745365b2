//! Keys and signatures that are not of the subgroup of the order L: the equation decides, with k reduced modulo L.
//!
//! A verifier that does not reduce k, or multiplies by the cofactor, comes to other ends here.

use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use curve25519_dalek::scalar::Scalar;
use lottery::HexBytes;
use serde_json::json;
use sha2::{Digest, Sha512};

use super::corpus::{Builder, small};
use super::naive::bytes;

/// A key with a part of order 8 and a signature by it, of which `suits` likes what k is modulo 8, reduced and not. R has this
/// many times the part of order 8.
fn signed(commitment: &[u8], part_of_r: u8, suits: impl Fn(u8, u8) -> bool) -> (HexBytes<32>, HexBytes<64>) {
    let secret = Scalar::from_bytes_mod_order(bytes("mixed", 1));
    let key = (secret * ED25519_BASEPOINT_POINT + EIGHT_TORSION[1]).compress().to_bytes();
    let signatures = (1_u64..).map(|number| {
        let nonce = Scalar::from(number);
        let r = nonce * ED25519_BASEPOINT_POINT + EIGHT_TORSION[usize::from(part_of_r)];
        let r = r.compress().to_bytes();
        let hash = Sha512::digest([&r[..], &key, b"fair-draw commitment 1\n", commitment].concat());
        let whole: [u8; 64] = hash.into();
        let k = Scalar::from_bytes_mod_order_wide(&whole);
        let s = nonce + k * secret;
        let signature: [u8; 64] = [r, s.to_bytes()].concat().try_into().expect("two halves");
        (k.as_bytes()[0] % 8, whole[0] % 8, signature)
    });
    let found = signatures.into_iter().find(|(reduced, whole, _)| suits(*reduced, *whole));
    let (.., signature) = found.expect("one in a few suits");
    (HexBytes::from(key), HexBytes::from(signature))
}

pub(crate) fn cases(cases: &mut Builder) {
    let mut add = |name: &str, holds: bool, part_of_r: u8, suits: &dyn Fn(u8, u8) -> bool| {
        let mut proof = small();
        let (key, signature) = signed(proof.commitment().as_bytes(), part_of_r, suits);
        proof.proof["signature"] = json!({"public_key": key, "signature": signature});
        let name = format!("a key of mixed order: {name}");
        match holds {
            true => cases.add("honest", &name, proof.bytes(), "consistent", None),
            false => cases.refused("signature", &name, &proof),
        }
    };
    add("k modulo L is a multiple of 8", true, 0, &|reduced, whole| reduced == 0 && whole != 0);
    add("k before it is reduced is one", false, 0, &|reduced, whole| reduced != 0 && whole == 0);
    add("neither is", false, 0, &|reduced, whole| reduced != 0 && whole != 0);
    add("R makes up for it", true, 3, &|reduced, whole| (reduced + 3) % 8 == 0 && (whole + 3) % 8 != 0);
    add("R makes up for k before it is reduced", false, 3, &|reduced, whole| {
        (reduced + 3) % 8 != 0 && (whole + 3) % 8 == 0
    });
}
