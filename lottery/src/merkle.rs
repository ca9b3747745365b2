//! Merkle trees as RFC 6962 (section 2.1) defines them: one hash commits to a list, and a few hashes
//! prove that it contains one item. Leaves are read once, in order; memory is the tree's height.

use sha2::{Digest, Sha256};

use crate::HexBytes;

/// A node of the tree.
pub type Hash = HexBytes<32>;

/// The hash of a leaf: SHA-256(0x00 ‖ leaf).
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    Hash::from(<[u8; 32]>::from(Sha256::new().chain_update([0]).chain_update(leaf).finalize()))
}

/// The hash of an inner node: SHA-256(0x01 ‖ left ‖ right).
fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut node = [1; 65];
    node[1..33].copy_from_slice(left.as_bytes());
    node[33..].copy_from_slice(right.as_bytes());
    Hash::from(<[u8; 32]>::from(Sha256::digest(node)))
}

/// The tree over the leaves pushed so far, as the roots of its complete subtrees, largest first.
#[derive(Debug, Clone, Default)]
pub struct MerkleTree {
    subtrees: Vec<Hash>,
    leaves: u64,
}

impl MerkleTree {
    /// Adds the next leaf.
    pub fn push(&mut self, leaf: &[u8]) {
        self.push_hash(leaf_hash(leaf));
    }

    /// Adds the next leaf by its hash.
    pub fn push_hash(&mut self, leaf_hash: Hash) {
        // Each trailing one bit of the count is a complete subtree that the new leaf completes further.
        let mut node = leaf_hash;
        for _ in 0..self.leaves.trailing_ones() {
            let left = self.subtrees.pop().expect("there is one subtree for each one bit of the count");
            node = node_hash(&left, &node);
        }
        self.subtrees.push(node);
        self.leaves += 1;
    }

    /// How many leaves were pushed.
    pub fn leaves(&self) -> u64 {
        self.leaves
    }

    /// The root over all leaves; of an empty tree, SHA-256 of nothing.
    pub fn root(&self) -> Hash {
        let from_right = self.subtrees.iter().rev().copied();
        from_right
            .reduce(|right, left| node_hash(&left, &right))
            .unwrap_or_else(|| Hash::from(<[u8; 32]>::from(Sha256::digest([]))))
    }
}

/// The root over leaf hashes that are all in memory, computed by several threads if allowed.
pub(crate) fn root_of(leaf_hashes: &[Hash], threads: usize) -> Hash {
    if threads < 2 || leaf_hashes.len() < 2 {
        let mut tree = MerkleTree::default();
        leaf_hashes.iter().for_each(|leaf_hash| tree.push_hash(*leaf_hash));
        return tree.root();
    }
    // RFC 6962 splits at the largest power of two below the number of leaves.
    let split = leaf_hashes.len().div_ceil(2).next_power_of_two();
    let (left, right) = leaf_hashes.split_at(split);
    let (left, right) = std::thread::scope(|scope| {
        let other = scope.spawn(|| root_of(right, threads / 2));
        (root_of(left, threads - threads / 2), other.join())
    });
    node_hash(&left, &right.expect("hashing does not panic"))
}

/// Proves that a tree has one leaf at an index.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inclusion {
    /// The index of the leaf, from 0.
    pub index: u64,
    /// The number of leaves.
    pub leaves: u64,
    /// The hashes of the sibling nodes from the leaf up to the root.
    pub path: Vec<Hash>,
}

impl Inclusion {
    /// The proof for the leaf at `index`, from the hashes of all leaves in order; none if there is no such leaf.
    pub fn prove(leaf_hashes: impl IntoIterator<Item = Hash>, index: u64) -> Option<Self> {
        let mut subtrees: Vec<(Hash, bool)> = Vec::new();
        let (mut leaves, mut path) = (0u64, Vec::new());
        let mut join = |(left, left_holds): (Hash, bool), (right, right_holds): (Hash, bool)| {
            if left_holds {
                path.push(right);
            }
            if right_holds {
                path.push(left);
            }
            (node_hash(&left, &right), left_holds || right_holds)
        };
        for leaf_hash in leaf_hashes {
            let mut node = (leaf_hash, leaves == index);
            for _ in 0..leaves.trailing_ones() {
                let left = subtrees.pop().expect("there is one subtree for each one bit of the count");
                node = join(left, node);
            }
            subtrees.push(node);
            leaves += 1;
        }
        subtrees.into_iter().rev().reduce(|right, left| join(left, right));
        (index < leaves).then_some(Self { index, leaves, path })
    }

    /// The root of the tree that has a leaf with this hash at this index (RFC 9162, section 2.1.3.2);
    /// none if the path has another length than the tree's shape asks for.
    pub fn root(&self, leaf_hash: Hash) -> Option<Hash> {
        let (mut index, mut last) = (self.index, self.leaves.checked_sub(1)?);
        if index > last {
            return None;
        }
        let mut node = leaf_hash;
        for sibling in &self.path {
            if last == 0 {
                return None;
            }
            if index % 2 == 1 || index == last {
                node = node_hash(sibling, &node);
                // A node without a right sibling moves up unchanged until it has a left one.
                while index % 2 == 0 && index != 0 {
                    index >>= 1;
                    last >>= 1;
                }
            } else {
                node = node_hash(&node, sibling);
            }
            index >>= 1;
            last >>= 1;
        }
        (last == 0).then_some(node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 6962, section 2.1, word by word.
    fn naive_root(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Hash::from(<[u8; 32]>::from(Sha256::digest([]))),
            [leaf] => *leaf,
            _ => {
                let mut split = 1;
                while split * 2 < leaves.len() {
                    split *= 2;
                }
                node_hash(&naive_root(&leaves[..split]), &naive_root(&leaves[split..]))
            }
        }
    }

    fn hashes(count: u64) -> Vec<Hash> {
        (0..count).map(|number| leaf_hash(&number.to_be_bytes())).collect()
    }

    #[test]
    fn the_streamed_root_is_the_recursive_one() {
        for count in 0..70 {
            let leaves = hashes(count);
            for threads in 1..4 {
                assert_eq!(root_of(&leaves, threads), naive_root(&leaves), "{count} leaves");
            }
        }
    }

    #[test]
    fn every_leaf_of_every_small_tree_has_a_proof_and_no_other_leaf_fits_it() {
        for count in 1..34 {
            let leaves = hashes(count);
            let root = naive_root(&leaves);
            assert_eq!(Inclusion::prove(leaves.iter().copied(), count), None);
            for index in 0..count {
                let proof = Inclusion::prove(leaves.iter().copied(), index).unwrap();
                assert_eq!(proof.root(leaves[index as usize]), Some(root));
                assert_ne!(proof.root(leaf_hash(b"another")), Some(root));
                let mut long = proof.clone();
                long.path.push(root);
                assert_eq!(long.root(leaves[index as usize]), None);
                let mut short = proof.clone();
                if short.path.pop().is_some() {
                    assert_eq!(short.root(leaves[index as usize]), None);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn a_proof_from_outside_never_panics(index: u64, leaves: u64, steps in 0usize..80) {
            let path = hashes(steps as u64);
            let _ = Inclusion { index, leaves, path }.root(leaf_hash(b""));
        }
    }
}
