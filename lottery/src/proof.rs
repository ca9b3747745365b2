//! The proof of a draw: one canonical JSON text with all that is needed to recompute the winners offline.
//!
//! Every field is either covered by the organiser's signature or recomputed from what is. The entries can be
//! a million, so they are never parsed as one value: they stand between two small parts.

use serde::{Deserialize, Serialize};

use crate::beacon::{BeaconRound, Chain};
use crate::canonical_json::{CanonicalError, from_canonical_json, to_canonical_json};
use crate::manifest::Manifest;
use crate::seat_changes::{self, MAX_CHANGES, SeatChange};
use crate::selection::Ranked;
use crate::signature::CommitmentSignature;
use crate::version::numbered;
use crate::witness::{MAX_WITNESSES, Witness};
use crate::{Entry, Label, PrizeList};

/// Up to so many entries are embedded in the proof; longer lists are read separately, page by page.
pub const MAX_EMBEDDED_ENTRIES: u64 = 10_000;

/// A proof but for its entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// The beacon that decides.
    pub beacon: ProofBeacon,
    /// The log of seat changes; [`ProofVersion::One`] has no such field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<Vec<SeatChange>>,
    /// What was committed to.
    pub manifest: Manifest,
    /// Winners and alternates, best first; none as long as they are not official, or if they never were.
    pub ranking: Option<Vec<Ranked>>,
    /// The organiser's signature of the commitment.
    pub signature: CommitmentSignature,
    /// The form of this proof.
    pub version: ProofVersion,
    /// Who else vouches for the time of the commitment; [`ProofVersion::One`] has no such field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witnesses: Option<Vec<Witness>>,
}

impl Proof {
    /// How many people behind the ranking are needed to replay the log of seat changes.
    pub(crate) fn people_behind_ranking(&self) -> u32 {
        let ranked = self.ranking.as_ref().map_or(0, Vec::len);
        seat_changes::reach(self.changes.as_deref().unwrap_or_default(), ranked)
    }
}

/// The form of a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub enum ProofVersion {
    /// Without witnesses and seat changes.
    One,
    /// With witnesses and seat changes, of which there may be none.
    Two,
}

numbered!(ProofVersion { One = 1, Two = 2 });

/// The beacon in a proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProofBeacon {
    /// The parameters, whose hash the manifest names.
    pub chain: Chain,
    /// The round that the manifest names; none before it came out.
    pub round: Option<BeaconRound>,
}

impl Proof {
    /// The proof in the form that its witnesses and seat changes need: the first without any.
    pub fn new(
        beacon: ProofBeacon,
        manifest: Manifest,
        ranking: Option<Vec<Ranked>>,
        signature: CommitmentSignature,
        witnesses: Vec<Witness>,
        changes: Vec<SeatChange>,
    ) -> Self {
        let (version, witnesses, changes) = match witnesses.is_empty() && changes.is_empty() {
            true => (ProofVersion::One, None, None),
            false => (ProofVersion::Two, Some(witnesses), Some(changes)),
        };
        Self { beacon, changes, manifest, ranking, signature, version, witnesses }
    }

    /// Whether it has the fields of its version, and no more witnesses and changes than it may have.
    fn has_form(&self) -> bool {
        match (self.version, &self.witnesses, &self.changes) {
            (ProofVersion::One, None, None) => true,
            (ProofVersion::Two, Some(witnesses), Some(changes)) => {
                witnesses.len() <= MAX_WITNESSES && changes.len() <= MAX_CHANGES
            }
            _ => false,
        }
    }

    /// The line of the ranking that belongs to this label, with its rank from 1.
    pub fn rank_of(&self, label: &Label) -> Option<(usize, &Ranked)> {
        let ranking = self.ranking.as_deref()?;
        (1..).zip(ranking).find(|(_, ranked)| ranked.label == *label)
    }

    /// The canonical text around the entries: what comes before their value, and what comes behind it.
    pub fn around_entries(&self) -> (String, String) {
        let changes = self.changes.as_ref();
        let changes = changes.map_or_else(String::new, |them| format!("\"changes\":{},", canonical(them)));
        let before = format!("{{\"beacon\":{},{changes}\"entries\":", canonical(&self.beacon));
        let witnesses = self.witnesses.as_ref();
        let witnesses =
            witnesses.map_or_else(String::new, |them| format!(",\"witnesses\":{}", canonical(them)));
        let behind = format!(
            ",\"manifest\":{},\"ranking\":{},\"signature\":{},\"version\":{}{}}}",
            self.manifest.to_canonical_json(),
            canonical(&self.ranking),
            canonical(&self.signature),
            canonical(&self.version),
            witnesses,
        );
        (before, behind)
    }

    /// The whole canonical text. Without entries, these are to be read apart.
    pub fn to_canonical_json(&self, entries: Option<&[Entry]>) -> String {
        let (mut text, behind) = self.around_entries();
        match entries {
            None => text.push_str("null"),
            Some(entries) => {
                text.push('[');
                for (place, entry) in entries.iter().enumerate() {
                    if place > 0 {
                        text.push(',');
                    }
                    text.push_str(&entry.to_canonical_json());
                }
                text.push(']');
            }
        }
        text.push_str(&behind);
        text
    }
}

/// A proof as it was received: its small parts parsed, its entries still as their canonical bytes claim to be.
#[derive(Debug, Clone)]
pub(crate) struct Bundle<'a> {
    /// All but the entries.
    pub(crate) proof: Proof,
    /// The bytes between the brackets of the list of entries; none if the entries are read separately.
    pub(crate) entries: Option<&'a [u8]>,
}

impl<'a> Bundle<'a> {
    /// Reads a proof's exact bytes.
    ///
    /// Text within JSON's quotation marks holds no bare quotation mark, so neither mark that is looked for
    /// can stand in a name; and whatever is cut wrongly is refused when the parts are read.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, CanonicalError> {
        const BEFORE: &[u8] = b",\"entries\":";
        const BEHIND: &[u8] = b",\"manifest\":";
        let shape = |what: &str| CanonicalError::Shape(what.to_owned());
        let head = bytes.windows(BEFORE.len()).position(|window| window == BEFORE);
        let head = head.ok_or_else(|| shape("has no entries"))?;
        let tail = bytes.windows(BEHIND.len()).rposition(|window| window == BEHIND);
        let tail =
            tail.filter(|tail| head < *tail).ok_or_else(|| shape("has no manifest behind its entries"))?;
        let entries = bytes.get(head + BEFORE.len()..tail).ok_or_else(|| shape("has no entries"))?;
        let entries = match entries {
            b"null" => None,
            [b'[', list @ .., b']'] => Some(list),
            _ => return Err(shape("has entries that are no list")),
        };
        let around = [&bytes[..head], &bytes[tail..]].concat();
        let proof: Proof = from_canonical_json(&around).map_err(|error| match error {
            CanonicalError::Spelling(place) if place >= head => CanonicalError::Spelling(place - head + tail),
            other => other,
        })?;
        if !proof.has_form() || !proof.manifest.has_form() {
            return Err(shape("has not the fields of its version"));
        }
        let mut prizes = proof.ranking.iter().flatten().filter_map(|ranked| ranked.prize);
        if prizes.any(|prize| prize as usize >= PrizeList::MAX_PRIZES) {
            return Err(shape("ranks an entry for a prize that no draw can have"));
        }
        Ok(Self { proof, entries })
    }
}

fn canonical(value: &impl Serialize) -> String {
    to_canonical_json(value).expect("a proof holds text and whole numbers that any reader keeps")
}
