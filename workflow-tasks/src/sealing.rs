//! One pass over the pool: each page becomes entries, hashes and stored chunks while the next one is being read.
//! Memory holds two pages, the chunks under way, and 68 bytes for each chunk.

use std::collections::HashMap;

use futures_util::future::{BoxFuture, join};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, TryStreamExt};
use lottery::feasibility::Infeasible;
use lottery::merkle::MerkleTree;
use lottery::seal::{Seal, SealedEntries};
use lottery::{Draw, Entry, Exclusion, ParticipantId};
use lottery_store::{CHUNK_ENTRIES, ChunkMark, PoolMember, SealAttempt, SealedEntry, StoreError};
use uuid::Uuid;

use crate::{TaskContext, TaskError};

/// How many chunks are being written at once.
const AT_ONCE: usize = 8;

/// A seal in the making.
pub(crate) struct Sealing<'a> {
    cx: &'a TaskContext,
    draw: &'a Draw,
    /// This run: which run's chunks count is decided by the commit.
    attempt: SealAttempt,
    seal: Seal<'a>,
    /// The entries of the chunk that is not full yet.
    chunk: Vec<SealedEntry>,
    chunk_tree: MerkleTree,
    marks: Vec<ChunkMark>,
    writes: FuturesUnordered<BoxFuture<'a, Result<(), StoreError>>>,
}

impl<'a> Sealing<'a> {
    pub(crate) async fn begin(cx: &'a TaskContext, draw: &'a Draw) -> Result<Self, TaskError> {
        let (name, now) = (Uuid::new_v4().to_string(), cx.clock.now());
        Ok(Self {
            cx,
            draw,
            attempt: cx.store.begin_attempt(&draw.lottery_id, &draw.draw_id, &name, now).await?,
            seal: Seal::new(&draw.prizes),
            chunk: Vec::with_capacity(CHUNK_ENTRIES),
            chunk_tree: MerkleTree::default(),
            marks: Vec::new(),
            writes: FuturesUnordered::new(),
        })
    }

    /// Reads the whole pool in the order of labels; whoever cannot win stays in the list, with the reason.
    pub(crate) async fn read_pool(
        &mut self,
        past_winners: &HashMap<ParticipantId, Exclusion>,
    ) -> Result<(), TaskError> {
        let mut pool = self.cx.store.pool(&self.draw.lottery_id);
        let mut page = pool.next().await?;
        while let Some(members) = page {
            let (next, taken) = join(pool.next(), self.take(members, past_winners)).await;
            taken?;
            page = next?;
        }
        Ok(())
    }

    async fn take(
        &mut self,
        members: Vec<PoolMember>,
        past_winners: &HashMap<ParticipantId, Exclusion>,
    ) -> Result<(), TaskError> {
        for member in members {
            let sealed = sealed_entry(member, past_winners);
            let leaf_hash =
                self.seal.push(&sealed.entry).map_err(|unsorted| StoreError::Broken(unsorted.to_string()))?;
            self.chunk_tree.push_hash(leaf_hash);
            self.chunk.push(sealed);
            if self.chunk.len() == CHUNK_ENTRIES {
                self.close_chunk().await?;
            }
        }
        Ok(())
    }

    async fn close_chunk(&mut self) -> Result<(), TaskError> {
        let entries = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK_ENTRIES));
        let Some(first) = entries.first() else { return Ok(()) };
        let number = u32::try_from(self.marks.len()).map_err(|_| StoreError::TooLarge)?;
        self.marks
            .push(ChunkMark { first: first.entry.label, root: std::mem::take(&mut self.chunk_tree).root() });
        if !self.cx.store.note_chunk(&mut self.attempt, number).await? {
            return Err(TaskError::DrawElsewhere(self.draw.status));
        }
        let (cx, attempt) = (self.cx, self.attempt.clone());
        let write = async move { cx.store.put_chunk(&attempt, number, &entries).await };
        self.writes.push(write.boxed());
        while self.writes.len() >= AT_ONCE {
            self.writes.try_next().await?;
        }
        Ok(())
    }

    /// Waits until everything is written. Gives the attempt, the number of its chunks, and what the manifest says of
    /// the entries, unless they cannot fill the seats.
    pub(crate) async fn finish(
        mut self,
    ) -> Result<(SealAttempt, u32, Result<SealedEntries, Infeasible>), TaskError> {
        self.close_chunk().await?;
        while self.writes.try_next().await?.is_some() {}
        let Self { cx, attempt, seal, marks, .. } = self;
        cx.store.put_chunk_index(&attempt, &marks).await?;
        let chunks = u32::try_from(marks.len()).map_err(|_| StoreError::TooLarge)?;
        Ok((attempt, chunks, seal.finish()))
    }
}

fn sealed_entry(member: PoolMember, past_winners: &HashMap<ParticipantId, Exclusion>) -> SealedEntry {
    let excluded = match member.excluded {
        true => Some(Exclusion::Organiser),
        false => past_winners.get(&member.participant_id).cloned(),
    };
    let PoolMember { participant_id, label, tickets, group, holder, .. } = member;
    SealedEntry { entry: Entry { excluded, group, holder, label, tickets }, participant_id }
}
