//! The sealed entries of a draw: 512 to a chunk, one item each, and an index over the chunks.
//!
//! 512 is a power of two, so that a chunk is a complete subtree of the Merkle tree over all entries: with the
//! roots of the chunks in the index, the proof of one entry's place needs one chunk, not all of them.

mod bytes;

use std::ops::Range;

use lottery::beacon::Chain;
use lottery::manifest::Manifest;
use lottery::merkle::{Hash, Inclusion, leaf_hash};
use lottery::signature::CommitmentSignature;
use lottery::{DrawId, Entry, Label, LotteryId, ParticipantId};

use crate::attempts::SealAttempt;
use crate::item::{Attributes, Item, NewItem, number};
use crate::store::Table;
use crate::write::Write;
use crate::{Store, StoreError, keys};

/// How many entries a chunk holds: some 40 KB as a rule, and with the longest groups and ids less than the
/// 400 KB that DynamoDB allows.
pub const CHUNK_ENTRIES: usize = 512;
/// How many chunks one item of the index covers: some 200 KB.
pub(crate) const INDEXED: usize = 4096;
const MARK: usize = 36 + 32;

/// An entry of a sealed draw, and who stands behind it. The id is ours; only the entry is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedEntry {
    /// The entry.
    pub entry: Entry,
    /// Who stands behind it.
    pub participant_id: ParticipantId,
}

/// What the index says of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkMark {
    /// The label of its first entry.
    pub first: Label,
    /// The Merkle root over its entries.
    pub root: Hash,
}

/// The seal of a draw: what was committed to, and where its entries are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedDraw {
    /// What was committed to.
    pub manifest: Manifest,
    /// By whom.
    pub signature: CommitmentSignature,
    /// The beacon whose round decides.
    pub chain: Chain,
    /// Names the run that wrote the chunks: other runs may have left theirs beside them.
    pub attempt: String,
    /// How many chunks there are.
    pub chunks: u32,
}

impl SealedDraw {
    /// The lottery.
    pub fn lottery_id(&self) -> &LotteryId {
        &self.manifest.lottery_id
    }

    /// The draw.
    pub fn draw_id(&self) -> &DrawId {
        &self.manifest.draw_id
    }
}

/// An entry with the proof of its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryInclusion {
    /// The entry.
    pub entry: Entry,
    /// That it stands at its place under the draw's Merkle root.
    pub inclusion: Inclusion,
}

impl Store {
    /// Writes one chunk of sealed entries, which was noted. It counts if the seal of this attempt is committed.
    pub async fn put_chunk(
        &self,
        attempt: &SealAttempt,
        place: u32,
        entries: &[SealedEntry],
    ) -> Result<(), StoreError> {
        let SealAttempt { lottery_id, draw_id, name, .. } = attempt;
        let item = NewItem::at(keys::chunk(lottery_id, draw_id, name, place))
            .with("number", number(place))
            .with("entries", crate::item::bytes(bytes::encode(entries)));
        self.write(&Write::put(item)).await.map(|_| ())
    }

    /// Writes the index over all chunks of an attempt.
    pub async fn put_chunk_index(
        &self,
        attempt: &SealAttempt,
        marks: &[ChunkMark],
    ) -> Result<(), StoreError> {
        let SealAttempt { lottery_id, draw_id, name, .. } = attempt;
        for (part, marks) in marks.chunks(INDEXED).enumerate() {
            let mut bytes = Vec::with_capacity(marks.len() * MARK);
            for mark in marks {
                bytes.extend_from_slice(mark.first.as_ref());
                bytes.extend_from_slice(mark.root.as_bytes());
            }
            let item = NewItem::at(keys::chunk_index(lottery_id, draw_id, name, part));
            self.write(&Write::put(item.with("marks", crate::item::bytes(bytes)))).await?;
        }
        Ok(())
    }

    /// Some chunks of a sealed draw, in order.
    pub async fn chunks(
        &self,
        seal: &SealedDraw,
        numbers: Range<u32>,
    ) -> Result<Vec<Vec<SealedEntry>>, StoreError> {
        let chunks = self.raw_chunks(seal, numbers).await?;
        chunks.iter().map(RawChunk::entries).collect()
    }

    /// Some chunks of a sealed draw, in order and not parsed yet: that may be done by another thread.
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

    /// The sealed entry with this label, if there is one.
    pub async fn sealed_entry(
        &self,
        seal: &SealedDraw,
        label: &Label,
    ) -> Result<Option<SealedEntry>, StoreError> {
        let marks = self.chunk_index(seal).await?;
        let Some((_, entries)) = self.chunk_of(seal, &marks, label).await? else { return Ok(None) };
        Ok(entries.into_iter().find(|sealed| sealed.entry.label == *label))
    }

    /// The entry with this label and the proof of its place, if there is one.
    pub async fn entry_inclusion(
        &self,
        seal: &SealedDraw,
        label: &Label,
    ) -> Result<Option<EntryInclusion>, StoreError> {
        let marks = self.chunk_index(seal).await?;
        let Some((number, entries)) = self.chunk_of(seal, &marks, label).await? else { return Ok(None) };
        let Some(place) = entries.iter().position(|sealed| sealed.entry.label == *label) else {
            return Ok(None);
        };
        let leaves = entries.iter().map(|sealed| leaf_hash(sealed.entry.to_canonical_json().as_bytes()));
        let within = Inclusion::prove(leaves, place as u64);
        let above = Inclusion::prove(marks.iter().map(|mark| mark.root), number as u64);
        let path = within.into_iter().chain(above).flat_map(|proof| proof.path).collect();
        let index = (number * CHUNK_ENTRIES + place) as u64;
        let inclusion = Inclusion { index, leaves: seal.manifest.entries, path };
        Ok(entries.into_iter().nth(place).map(|sealed| EntryInclusion { entry: sealed.entry, inclusion }))
    }

    /// The chunk in which a label must stand if it stands anywhere, with its number.
    async fn chunk_of(
        &self,
        seal: &SealedDraw,
        marks: &[ChunkMark],
        label: &Label,
    ) -> Result<Option<(usize, Vec<SealedEntry>)>, StoreError> {
        let behind = marks.partition_point(|mark| mark.first <= *label);
        let Some(number) = behind.checked_sub(1) else { return Ok(None) };
        let place = u32::try_from(number).map_err(|_| StoreError::TooLarge)?;
        let chunk = self.chunks(seal, place..place + 1).await?.pop();
        Ok(chunk.map(|entries| (number, entries)))
    }

    async fn chunk_index(&self, seal: &SealedDraw) -> Result<Vec<ChunkMark>, StoreError> {
        let mut marks = Vec::with_capacity(seal.chunks as usize);
        for part in 0..(seal.chunks as usize).div_ceil(INDEXED) {
            let key = keys::chunk_index(seal.lottery_id(), seal.draw_id(), &seal.attempt, part);
            let item = self.get(&key).await?.ok_or_else(|| broken_index(seal))?;
            for mark in Attributes(&item).bytes("marks")?.chunks(MARK) {
                marks.push(mark_from(mark).ok_or_else(|| broken_index(seal))?);
            }
        }
        if marks.len() == seal.chunks as usize { Ok(marks) } else { Err(broken_index(seal)) }
    }
}

/// A chunk as it was read.
#[derive(Debug)]
pub struct RawChunk(Item);

impl RawChunk {
    /// The entries in it.
    pub fn entries(&self) -> Result<Vec<SealedEntry>, StoreError> {
        let entries = bytes::decode(Attributes(&self.0).bytes("entries")?);
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
