//! The sealed entries of a draw: 512 to a chunk, one item each, and an index over the chunks.
//!
//! 512 is a power of two, so that a chunk is a complete subtree of the Merkle tree over all entries: with the
//! roots of the chunks in the index, the proof of one entry needs one chunk, not all of them.

mod bytes;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range;

use lottery::merkle::{Hash, Inclusion, leaf_hash};
use lottery::{Entry, Label, ParticipantId};

use crate::attempts::SealAttempt;
use crate::item::{Attributes, Item, NewItem, number};
use crate::keys::CHUNKS_PER_INDEX;
use crate::seal::SealedDraw;
use crate::store::Table;
use crate::write::Write;
use crate::{Store, StoreError, keys};

/// The number of entries in a chunk: some 40 KB as a rule, and less than the 400 KB of a DynamoDB item with the longest
/// groups and ids.
pub const CHUNK_ENTRIES: usize = 512;
/// Chunks that are read together.
const CHUNKS_PER_READ: usize = 32;
/// The length of a [`ChunkMark`] in the index, in bytes: a label and a hash.
const MARK_LENGTH: usize = 36 + 32;

/// An entry of a sealed draw, and the participant to whom it belongs. Only the entry is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedEntry {
    /// The entry.
    pub entry: Entry,
    /// The participant.
    pub participant_id: ParticipantId,
    /// The label of the participant in the pool.
    pub member: Label,
}

/// One chunk in the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkMark {
    /// The label of the first entry.
    pub first: Label,
    /// The Merkle root over the entries.
    pub root: Hash,
}

/// An entry with the proof that it is included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryInclusion {
    /// The entry.
    pub entry: Entry,
    /// The proof, at the entry's index, against the draw's Merkle root.
    pub inclusion: Inclusion,
}

impl Store {
    /// Writes one chunk of sealed entries, which was announced by [`Store::announce_chunk`]. It counts if the seal of this
    /// attempt is committed.
    pub async fn put_chunk(
        &self,
        attempt: &SealAttempt,
        chunk: u32,
        entries: &[SealedEntry],
    ) -> Result<(), StoreError> {
        let SealAttempt { lottery_id, draw_id, name, .. } = attempt;
        let item = NewItem::at(keys::chunk(lottery_id, draw_id, name, chunk))
            .with("number", number(chunk))
            .with("entries", crate::item::bytes(bytes::encode(entries)))
            .with("members", crate::item::bytes(bytes::encode_members(entries)));
        self.write(&Write::put(item)).await.map(|_| ())
    }

    /// Writes the index over all chunks of an attempt.
    pub async fn put_chunk_index(
        &self,
        attempt: &SealAttempt,
        marks: &[ChunkMark],
    ) -> Result<(), StoreError> {
        let SealAttempt { lottery_id, draw_id, name, .. } = attempt;
        for (part, marks) in marks.chunks(CHUNKS_PER_INDEX).enumerate() {
            let mut bytes = Vec::with_capacity(marks.len() * MARK_LENGTH);
            for mark in marks {
                bytes.extend_from_slice(mark.first.as_ref());
                bytes.extend_from_slice(mark.root.as_bytes());
            }
            let item = NewItem::at(keys::chunk_index(lottery_id, draw_id, name, part));
            self.write(&Write::put(item.with("marks", crate::item::bytes(bytes)))).await?;
        }
        Ok(())
    }

    /// The chunks of a sealed draw with these numbers, in order.
    pub async fn chunks(
        &self,
        seal: &SealedDraw,
        numbers: Range<u32>,
    ) -> Result<Vec<Vec<SealedEntry>>, StoreError> {
        let chunks = self.raw_chunks(seal, numbers).await?;
        chunks.iter().map(RawChunk::entries).collect()
    }

    /// The chunks with these numbers, in order and not parsed: another thread can parse them.
    pub async fn raw_chunks(
        &self,
        seal: &SealedDraw,
        numbers: Range<u32>,
    ) -> Result<Vec<RawChunk>, StoreError> {
        let key = |number| keys::chunk(seal.lottery_id(), seal.draw_id(), &seal.attempt, number);
        let keys: Vec<_> = numbers.clone().map(key).collect();
        let mut chunks = Vec::with_capacity(keys.len());
        for item in self.get_many(Table::Lottery, &keys).await? {
            chunks.push((Attributes(&item).number::<u32>("number")?, RawChunk(item)));
        }
        chunks.sort_unstable_by_key(|(number, _)| *number);
        if chunks.len() != keys.len() {
            return Err(StoreError::Broken(format!("a chunk of draw {} is missing", seal.draw_id())));
        }
        Ok(chunks.into_iter().map(|(_, chunk)| chunk).collect())
    }

    /// The sealed entries with these labels, by label; those that are not in the list are missing. Reads each chunk that holds
    /// any of them once.
    pub async fn sealed_entries(
        &self,
        seal: &SealedDraw,
        labels: &[Label],
    ) -> Result<HashMap<Label, SealedEntry>, StoreError> {
        let marks = self.chunk_index(seal).await?;
        let wanted: HashSet<&Label> = labels.iter().collect();
        let index = |label: &Label| marks.partition_point(|mark| mark.first <= *label).checked_sub(1);
        let numbers: BTreeSet<usize> = labels.iter().filter_map(index).collect();
        let numbers = numbers.into_iter().map(|index| u32::try_from(index).map_err(|_| StoreError::TooLarge));
        let numbers = numbers.collect::<Result<Vec<_>, _>>()?;
        let mut found = HashMap::with_capacity(labels.len());
        for few in numbers.chunks(CHUNKS_PER_READ) {
            let keys: Vec<_> = few
                .iter()
                .map(|number| keys::chunk(seal.lottery_id(), seal.draw_id(), &seal.attempt, *number))
                .collect();
            for item in self.get_many(Table::Lottery, &keys).await? {
                let entries = RawChunk(item).entries()?.into_iter();
                let entries = entries.filter(|sealed| wanted.contains(&sealed.entry.label));
                found.extend(entries.map(|sealed| (sealed.entry.label, sealed)));
            }
        }
        Ok(found)
    }

    /// The entry with this label and the proof that it is included, if there is one.
    pub async fn entry_inclusion(
        &self,
        seal: &SealedDraw,
        label: &Label,
    ) -> Result<Option<EntryInclusion>, StoreError> {
        let marks = self.chunk_index(seal).await?;
        let Some((number, entries)) = self.chunk_of(seal, &marks, label).await? else { return Ok(None) };
        let Some(position) = entries.iter().position(|sealed| sealed.entry.label == *label) else {
            return Ok(None);
        };
        let leaves = entries.iter().map(|sealed| leaf_hash(sealed.entry.to_canonical_json().as_bytes()));
        let within = Inclusion::prove(leaves, position as u64);
        let above = Inclusion::prove(marks.iter().map(|mark| mark.root), number as u64);
        let path = within.into_iter().chain(above).flat_map(|proof| proof.path).collect();
        let index = (number * CHUNK_ENTRIES + position) as u64;
        let inclusion = Inclusion { index, leaves: seal.manifest.entries, path };
        Ok(entries.into_iter().nth(position).map(|sealed| EntryInclusion { entry: sealed.entry, inclusion }))
    }

    /// The chunk that holds the entry with this label if there is one, with the number of the chunk.
    async fn chunk_of(
        &self,
        seal: &SealedDraw,
        marks: &[ChunkMark],
        label: &Label,
    ) -> Result<Option<(usize, Vec<SealedEntry>)>, StoreError> {
        let after = marks.partition_point(|mark| mark.first <= *label);
        let Some(index) = after.checked_sub(1) else { return Ok(None) };
        let number = u32::try_from(index).map_err(|_| StoreError::TooLarge)?;
        let chunk = self.chunks(seal, number..number + 1).await?.pop();
        Ok(chunk.map(|entries| (index, entries)))
    }

    async fn chunk_index(&self, seal: &SealedDraw) -> Result<Vec<ChunkMark>, StoreError> {
        let mut marks = Vec::with_capacity(seal.chunks as usize);
        let (lottery_id, draw_id) = (seal.lottery_id(), seal.draw_id());
        for key in keys::chunk_indexes(lottery_id, draw_id, &seal.attempt, seal.chunks) {
            let item = self.get(&key).await?.ok_or_else(|| broken_index(seal))?;
            for mark in Attributes(&item).bytes("marks")?.chunks(MARK_LENGTH) {
                marks.push(mark_from(mark).ok_or_else(|| broken_index(seal))?);
            }
        }
        if marks.len() == seal.chunks as usize { Ok(marks) } else { Err(broken_index(seal)) }
    }
}

/// A chunk that is not parsed yet.
#[derive(Debug)]
pub struct RawChunk(Item);

impl RawChunk {
    /// The entries in it.
    pub fn entries(&self) -> Result<Vec<SealedEntry>, StoreError> {
        let item = Attributes(&self.0);
        let entries = bytes::decode(item.bytes("entries")?, item.optional_bytes("members")?);
        entries.ok_or_else(|| StoreError::Broken("a chunk of sealed entries".to_owned()))
    }
}

fn mark_from(bytes: &[u8]) -> Option<ChunkMark> {
    let (label, root) = bytes.split_at_checked(36)?;
    let first = Label::parse(std::str::from_utf8(label).ok()?).ok()?;
    Some(ChunkMark { first, root: Hash::from(<[u8; 32]>::try_from(root).ok()?) })
}

fn broken_index(seal: &SealedDraw) -> StoreError {
    StoreError::Broken(format!("the index of draw {}", seal.draw_id()))
}
