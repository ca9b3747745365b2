//! One pass over the pool: pages are read and gathered by a thread of their own, and then, in the order of labels, hashed and
//! written as chunks, concurrently.

use futures_util::future::join;
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use lottery::feasibility::Infeasible;
use lottery::manifest::Version;
use lottery::merkle::{Hash, MerkleTree};
use lottery::seal::{Seal, SealedEntries};
use lottery::{Draw, PrizeList};
use lottery_store::{CHUNK_ENTRIES, ChunkMark, PoolMember, SealAttempt, SealedEntry, StoreError};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use uuid::Uuid;

use crate::gathering::Gathering;
use crate::past_winners::PastWinners;
use crate::{TaskContext, TaskError};

/// The number of chunks that are written concurrently.
const CONCURRENCY: usize = 8;

/// What was written; it counts once it is committed to.
pub(crate) struct Written {
    /// The attempt of this run. The commit decides which attempt's chunks count.
    pub(crate) attempt: SealAttempt,
    /// The number of chunks.
    pub(crate) chunks: u32,
    /// The counts and the root for the manifest, unless the entries cannot fill the seats.
    pub(crate) entries: Result<SealedEntries, Infeasible>,
}

/// The entries of a chunk, and the root over them.
struct Chunk {
    entries: Vec<SealedEntry>,
    root: Hash,
}

/// Reads the whole pool and writes it as chunks, in the order of the labels that it has in this draw. Entries that cannot win are
/// included, with the reason.
pub(crate) async fn write_entries(
    cx: &TaskContext,
    draw: &Draw,
    version: Version,
    past_winners: PastWinners,
) -> Result<Written, TaskError> {
    let (name, now) = (Uuid::new_v4().to_string(), cx.clock.now());
    let mut attempt = cx.store.begin_attempt(&draw.lottery_id, &draw.draw_id, &name, now).await?;
    let (to_hash, pages) = channel(1);
    let (to_write, chunks) = channel(CONCURRENCY);
    let prizes = draw.prizes.clone();
    let gathering = Gathering::new(draw, version, past_winners);
    let hashing = tokio::task::spawn_blocking(move || hash(&prizes, gathering, pages, &to_write));
    let (read, marks) = join(read(cx, draw, to_hash), write(cx, &mut attempt, chunks)).await;
    // Each of the three stops when another does; the results are checked in the order in which an error spreads.
    let marks = marks?;
    read?;
    let hashed = hashing.await.map_err(|error| StoreError::Broken(format!("the hashing: {error}")))?;
    let entries = hashed?;
    cx.store.put_chunk_index(&attempt, &marks).await?;
    let chunks = u32::try_from(marks.len()).map_err(|_| StoreError::TooLarge)?;
    Ok(Written { attempt, chunks, entries })
}

async fn read(cx: &TaskContext, draw: &Draw, pages: Sender<Vec<PoolMember>>) -> Result<(), TaskError> {
    let mut pool = cx.store.pool(&draw.lottery_id);
    while let Some(members) = pool.next().await? {
        if pages.send(members).await.is_err() {
            break;
        }
    }
    Ok(())
}

fn hash(
    prizes: &PrizeList,
    mut gathering: Gathering,
    mut pages: Receiver<Vec<PoolMember>>,
    chunks: &Sender<Chunk>,
) -> Result<Result<SealedEntries, Infeasible>, StoreError> {
    while let Some(members) = pages.blocking_recv() {
        for member in members {
            gathering.take(member)?;
        }
    }
    let (mut seal, mut tree) = (Seal::new(prizes), MerkleTree::default());
    let mut entries = Vec::with_capacity(CHUNK_ENTRIES);
    for sealed in gathering.into_sorted() {
        let sealed = sealed?;
        let leaf_hash =
            seal.push(&sealed.entry).map_err(|unsorted| StoreError::Broken(unsorted.to_string()))?;
        tree.push_hash(leaf_hash);
        entries.push(sealed);
        if entries.len() == CHUNK_ENTRIES {
            let entries = std::mem::replace(&mut entries, Vec::with_capacity(CHUNK_ENTRIES));
            let chunk = Chunk { entries, root: std::mem::take(&mut tree).root() };
            if chunks.blocking_send(chunk).is_err() {
                // Writing has failed, and returns the error.
                return Ok(seal.finish());
            }
        }
    }
    if !entries.is_empty() {
        let _ = chunks.blocking_send(Chunk { entries, root: tree.root() });
    }
    Ok(seal.finish())
}

async fn write(
    cx: &TaskContext,
    attempt: &mut SealAttempt,
    chunks: Receiver<Chunk>,
) -> Result<Vec<ChunkMark>, TaskError> {
    // One stream, so that the writes are polled while the next chunk is awaited and announced: a call that is not polled
    // runs into its time-out although its response has arrived.
    let announced = stream::try_unfold((attempt, chunks, 0), |(attempt, mut chunks, number)| async move {
        let Some(chunk) = chunks.recv().await else { return Ok(None) };
        if !cx.store.announce_chunk(attempt, number).await? {
            return Err(TaskError::AttemptGivenUp);
        }
        let announced = (attempt.clone(), number, chunk);
        Ok(Some((announced, (attempt, chunks, number + 1))))
    });
    // Boxed, or the compiler cannot prove that it is `Send`.
    let announced = announced.boxed();
    let writes = announced.map_ok(|(attempt, number, Chunk { entries, root })| {
        let write = async move {
            let first =
                entries.first().ok_or_else(|| StoreError::Broken("a chunk without entries".to_owned()))?;
            let mark = ChunkMark { first: first.entry.label, root };
            cx.store.put_chunk(&attempt, number, &entries).await?;
            Ok((number, mark))
        };
        write.boxed()
    });
    let mut marks: Vec<(u32, ChunkMark)> = writes.try_buffer_unordered(CONCURRENCY).try_collect().await?;
    marks.sort_unstable_by_key(|(number, _)| *number);
    Ok(marks.into_iter().map(|(_, mark)| mark).collect())
}
