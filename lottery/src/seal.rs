//! Sealing: one pass over the sorted entries gives the Merkle root, the counts of the manifest, and whether
//! the quotas can be kept.

use crate::feasibility::{Eligible, Infeasible};
use crate::merkle::{Hash, MerkleTree, leaf_hash};
use crate::{Entry, Invalid, Label, PrizeList};

/// The entries seen so far. Memory is the tree's height and the named groups.
#[derive(Debug, Clone)]
pub struct Seal<'a> {
    prizes: &'a PrizeList,
    tree: MerkleTree,
    eligible: Eligible,
    tickets: u64,
    last: Option<Label>,
}

/// What the manifest says of the entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealedEntries {
    /// The Merkle root over the entries' canonical JSON, in the order of their labels.
    pub root: Hash,
    /// How many there are, those who cannot win among them.
    pub entries: u64,
    /// How many tickets they have together.
    pub tickets: u64,
}

impl<'a> Seal<'a> {
    /// Nothing sealed yet, for a draw of these prizes.
    pub fn new(prizes: &'a PrizeList) -> Self {
        Self { prizes, tree: MerkleTree::default(), eligible: Eligible::none(prizes), tickets: 0, last: None }
    }

    /// Takes the next entry, whose label must come after the one before. Returns the hash of its leaf.
    pub fn push(&mut self, entry: &Entry) -> Result<Hash, Invalid> {
        if self.last.is_some_and(|last| last >= entry.label) {
            return Err(Invalid::new(format!("{} must come after the label before it", entry.label)));
        }
        self.last = Some(entry.label);
        let leaf_hash = leaf_hash(entry.to_canonical_json().as_bytes());
        self.tree.push_hash(leaf_hash);
        self.tickets += u64::from(entry.tickets.get());
        self.eligible.count(entry);
        Ok(leaf_hash)
    }

    /// What was sealed, if every ranking of it can fill every seat.
    pub fn finish(self) -> Result<SealedEntries, Infeasible> {
        self.eligible.fill(self.prizes)?;
        Ok(SealedEntries { root: self.tree.root(), entries: self.tree.leaves(), tickets: self.tickets })
    }
}
