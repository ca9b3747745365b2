//! A proof as JSON, of which anything can be changed, and whose hashes, signatures and ranking can be made to fit again.

use lottery::beacon::local::LocalBeacon;
use lottery::beacon::{Chain, Period};
use lottery::manifest::{Manifest, NamedRound};
use lottery::merkle::{MerkleTree, leaf_hash};
use lottery::ranking::Prk;
use lottery::signature::OrganiserKey;
use lottery::{Commitment, Entry};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::bundles::Draw;
use super::naive::{self, bytes};

/// Half a surrogate pair, which no Rust string holds: this character is written as the escape `\ud800`.
pub(crate) const HALF_PAIR: &str = "\u{f8ff}";

/// A proof that need not be one.
#[derive(Clone)]
pub(crate) struct Loose {
    pub(crate) proof: Value,
}

/// The canonical text of a value whose names are ASCII, whatever was added to it or taken out.
pub(crate) fn text(value: &Value) -> String {
    let mut sorted = value.clone();
    sorted.sort_all_objects();
    sorted.to_string().replace(HALF_PAIR, "\\ud800")
}

impl Loose {
    /// The honest proof of a draw.
    pub(crate) fn of(draw: &Draw) -> Self {
        Self { proof: serde_json::from_str(&draw.bundle()).unwrap() }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        text(&self.proof).into_bytes()
    }

    pub(crate) fn manifest(&mut self) -> &mut Value {
        &mut self.proof["manifest"]
    }

    /// Counts the entries anew, their tickets, their root.
    pub(crate) fn recount(&mut self) {
        let Some(entries) = self.proof["entries"].as_array() else { return };
        let mut tree = MerkleTree::default();
        entries.iter().for_each(|entry| {
            tree.push_hash(leaf_hash(text(entry).as_bytes()));
        });
        let tickets: u64 =
            entries.iter().filter_map(|entry| entry["tickets"].as_u64()).fold(0, u64::saturating_add);
        let (count, root) = (entries.len(), tree.root());
        if let Some(manifest) = self.proof["manifest"].as_object_mut() {
            manifest.insert("entries".into(), json!(count));
            manifest.insert("tickets".into(), json!(tickets));
            manifest.insert("root".into(), json!(root));
        }
    }

    /// Names the round that follows from the time of sealing, of the chain as it is.
    pub(crate) fn name_round(&mut self) {
        let chain = serde_json::from_value::<Chain>(self.proof["beacon"]["chain"].clone());
        let manifest = serde_json::from_value::<Manifest>(self.proof["manifest"].clone());
        if let (Ok(chain), Ok(manifest)) = (chain, manifest)
            && let Ok(named) = NamedRound::after(&chain, manifest.sealed_at, manifest.margin_seconds)
        {
            self.proof["manifest"]["beacon"] = json!(named);
        }
    }

    /// The commitment to the manifest as it is.
    pub(crate) fn commitment(&self) -> Commitment {
        Commitment::from(<[u8; 32]>::from(Sha256::digest(text(&self.proof["manifest"]))))
    }

    /// Signs the manifest as it is.
    pub(crate) fn sign(&mut self) {
        let organiser = OrganiserKey::from_seed(&bytes("organiser", 1));
        let signature = json!(organiser.sign(&self.commitment()));
        if let Some(proof) = self.proof.as_object_mut() {
            proof.insert("signature".into(), signature);
        }
    }

    /// Has the local beacon sign the round that is named.
    pub(crate) fn publish_round(&mut self) {
        let named = self.proof["manifest"]["beacon"]["round"].as_u64();
        if let (Some(round), Some(beacon)) =
            (named, self.proof.get_mut("beacon").and_then(Value::as_object_mut))
        {
            let signer =
                LocalBeacon::from_seed(&bytes("beacon", 1), 1_750_000_000, Period::try_from(3).unwrap());
            beacon.insert("round".into(), json!(signer.round(round)));
        }
    }

    /// Ranks the entries anew, as far as they and the manifest can be read.
    pub(crate) fn rank(&mut self) {
        let entries = serde_json::from_value::<Vec<Entry>>(self.proof["entries"].clone());
        let manifest = serde_json::from_value::<Manifest>(self.proof["manifest"].clone());
        let randomness = self.proof["beacon"]["round"]["randomness"].as_str().map(str::to_owned);
        if let (Ok(entries), Ok(manifest), Some(randomness)) = (entries, manifest, randomness)
            && let Ok(randomness) = lottery::HexBytes::<32>::parse(&randomness)
        {
            let prk = Prk::extract(self.commitment().as_bytes(), randomness.as_bytes());
            let ranking = naive::draw(prk, &entries, &manifest.prizes, manifest.alternates);
            self.proof["ranking"] = json!(ranking);
        }
    }

    /// Makes all of it fit again, as an organiser would who also owns the beacon.
    pub(crate) fn reseal(&mut self) {
        self.recount();
        self.name_round();
        self.sign();
        self.publish_round();
        self.rank();
    }
}
