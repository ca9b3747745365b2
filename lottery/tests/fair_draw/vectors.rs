//! Published worked examples, none made by this code; the beacon's are held in `lottery::beacon`.

use lottery::merkle::{MerkleTree, leaf_hash};
use lottery::ranking::Prk;
use lottery::{HexBytes, Tickets};
use md5::Md5;
use serde_json::Value;
use sha2::{Digest, Sha256};

fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|place| u8::from_str_radix(&text[place..place + 2], 16).unwrap()).collect()
}

/// The colour names of CSS3, as the draft lists them.
const COLOURS: &str = include_str!("../vectors/css3-colours.txt");

#[test]
fn the_selection_is_that_of_draft_thomson_elegy_vrs() {
    let example = read(include_str!("../vectors/elegy-vrs.json"));
    let colours: Vec<String> = COLOURS.split_whitespace().map(str::to_owned).collect();
    assert_eq!(colours.len(), 147);
    // One-time codes: the hash applied again and again to the secret.
    let mut code = example["secret"].as_str().unwrap().as_bytes().to_vec();
    for times in 1..=10 {
        code = Sha256::digest(&code).to_vec();
        if let Some(known) = example["codes"].get(format!("H^{times}")) {
            assert_eq!(unhex(known.as_str().unwrap()), code);
        }
    }
    for (code, selected) in example["selections"].as_object().unwrap() {
        let salt = unhex(example["codes"][code].as_str().unwrap());
        let prk = Prk::extract(&salt, example["ikm"].as_str().unwrap().as_bytes());
        let selected = selected.as_array().unwrap();
        let score = |colour: &String| (prk.score(colour.as_bytes(), Tickets::ONE), colour.clone());
        let mut ranked: Vec<_> = colours.iter().map(score).collect();
        ranked.sort();
        for ((score, colour), expected) in ranked.iter().zip(selected) {
            assert_eq!(expected[1], *colour);
            // The draft prints the first 27 digits.
            assert_eq!(HexBytes::from(*score.as_bytes()).to_string()[..27], *expected[0].as_str().unwrap());
        }
    }
}

#[test]
fn merkle_roots_are_those_of_certificate_transparency() {
    let example = read(include_str!("../vectors/rfc6962.json"));
    let mut tree = MerkleTree::default();
    assert_eq!(tree.root().as_bytes().as_slice(), Sha256::digest([]).as_slice());
    let mut held = 0;
    for leaf in example["leaves_hex"].as_array().unwrap() {
        tree.push(&unhex(leaf.as_str().unwrap()));
        if let Some(root) = example["roots"].get(tree.leaves().to_string()) {
            assert_eq!(tree.root().to_string(), root.as_str().unwrap());
            held += 1;
        }
    }
    assert_eq!(held, 3);
    assert_ne!(leaf_hash(b""), MerkleTree::default().root(), "an empty leaf is no empty tree");
}

#[test]
fn hkdf_is_that_of_rfc_5869() {
    let example = read(include_str!("../vectors/hkdf.json"));
    let bytes = |name: &str| unhex(example[name].as_str().unwrap());
    let hkdf = hkdf::Hkdf::<Sha256>::new(Some(&bytes("salt")), &bytes("ikm"));
    let mut okm = vec![0; example["length"].as_u64().unwrap() as usize];
    hkdf.expand(&bytes("info"), &mut okm).unwrap();
    assert_eq!(okm, bytes("okm"));
    // A score is the first 32 bytes of the same expansion.
    let score = Prk::extract(&bytes("salt"), &bytes("ikm")).score(&bytes("info"), Tickets::ONE);
    assert_eq!(score.as_bytes(), &okm[..32]);
}

/// RFC 3797 selects otherwise: by a hash modulo the number of entries left. Its published picks are repeated
/// here for comparison, so that the difference is known to be one of design.
#[test]
fn rfc_3797s_own_selection_gives_its_published_picks() {
    let example = read(include_str!("../vectors/rfc3797.json"));
    let mut places: Vec<u64> = (1..=example["pool"].as_array().unwrap().len() as u64).collect();
    for (number, pick) in (0u16..).zip(example["picks"].as_array().unwrap()) {
        let digest = Md5::new()
            .chain_update(number.to_be_bytes())
            .chain_update(example["key"].as_str().unwrap())
            .chain_update(number.to_be_bytes())
            .finalize();
        assert_eq!(unhex(pick["md5"].as_str().unwrap()), digest.as_slice());
        assert_eq!(pick["remaining"], places.len());
        let left = places.len() as u128;
        let index = digest.iter().fold(0, |value, byte| (value << 8 | u128::from(*byte)) % left);
        assert_eq!(pick["selected"], places.remove(index as usize));
    }
}
