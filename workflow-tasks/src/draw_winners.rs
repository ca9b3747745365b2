//! Ranks the sealed entries by the beacon's randomness, and writes the ranking as pending.

use std::collections::HashMap;

use futures_util::{StreamExt, TryStreamExt, stream};
use lottery::fingerprint::Fingerprints;
use lottery::ranking::Prk;
use lottery::selection::{Ranked, Selection};
use lottery::{Draw, DrawStatus, Label, Part};
use lottery_store::{MarkDrawn, RankedEntry, RawChunk, SealedDraw, SealedEntry, StoreError};
use serde::Serialize;
use tokio::sync::mpsc;

use crate::{DrawInput, TaskContext, TaskError};

/// The number of chunks that one call reads.
const CHUNKS_PER_READ: u32 = 32;
/// The number of concurrent reads.
const CONCURRENCY: usize = 4;

/// The result.
#[derive(Debug, Serialize)]
pub struct Output {
    /// The number of winners.
    winners: u32,
}

/// Draws the winners. The ranking follows from stored data alone: every run of this task computes the same one.
pub async fn handle(cx: &TaskContext, input: DrawInput) -> Result<Output, TaskError> {
    let DrawInput { lottery_id, draw_id } = &input;
    let draw = cx.store.draw(lottery_id, draw_id).await?.ok_or(TaskError::DrawUnknown)?;
    let output = Output { winners: draw.winners() };
    match draw.status {
        DrawStatus::Sealed => {}
        DrawStatus::Drawn => return Ok(output),
        status if status.has_official_winners() => return Ok(output),
        status => return Err(TaskError::WrongStatus(status)),
    }
    let seal = cx.store.seal(lottery_id, draw_id).await.map_err(TaskError::of_seal)?;
    let seal = seal.ok_or_else(|| TaskError::of_seal(StoreError::Broken("the seal is gone".to_owned())))?;
    let prk = key(cx, &draw, &seal).await?;
    let ranking = identify(cx, &seal, rank(cx, &seal, prk).await?).await?;
    match draw.rehearsal {
        true => cx.store.put_rehearsed_ranking(lottery_id, draw_id, &ranking).await?,
        false => cx.store.put_pending_ranking(lottery_id, draw_id, &ranking).await?,
    }
    match cx.store.mark_drawn(lottery_id, draw_id, cx.clock.now()).await? {
        MarkDrawn::Drawn => Ok(output),
        MarkDrawn::WrongStatus(status) => Err(TaskError::WrongStatus(status)),
    }
}

/// The key of the ranking, from the commitment and the beacon round that the manifest names, which is verified again.
async fn key(cx: &TaskContext, draw: &Draw, seal: &SealedDraw) -> Result<Prk, TaskError> {
    let expected = seal.manifest.beacon.round;
    let round = cx.store.round(&draw.lottery_id, &draw.draw_id).await?;
    let round = round.ok_or(TaskError::BeaconUnavailable(expected))?;
    let randomness = seal.chain.verify(expected, &round);
    let randomness = randomness.map_err(|error| TaskError::of_seal(StoreError::Broken(error.to_string())))?;
    Ok(Prk::extract(seal.manifest.commitment().as_bytes(), randomness.as_bytes()))
}

/// The ranking, with the part of the pool of each entry. A thread of its own ranks chunks while others are being read; memory
/// holds these chunks and the best-ranked entries so far.
async fn rank(cx: &TaskContext, seal: &SealedDraw, prk: Prk) -> Result<Vec<(Ranked, Part)>, TaskError> {
    let (sender, mut receiver) = mpsc::channel::<Vec<RawChunk>>(CONCURRENCY);
    let (prizes, alternates) = (seal.manifest.prizes.clone(), seal.manifest.alternates);
    let ranking = tokio::task::spawn_blocking(move || {
        let mut selection = Selection::new(prk, &prizes, alternates);
        while let Some(chunks) = receiver.blocking_recv() {
            for chunk in chunks {
                chunk.entries()?.iter().for_each(|sealed| selection.offer(&sealed.entry));
            }
        }
        Ok::<_, StoreError>(selection.into_ranking_with_parts())
    });
    // Collected first: a stream over a borrowing closure would not be `Send`.
    let reads: Vec<_> = (0..seal.chunks)
        .step_by(CHUNKS_PER_READ as usize)
        .map(|first| cx.store.raw_chunks(seal, first..(first + CHUNKS_PER_READ).min(seal.chunks)))
        .collect();
    let mut reads = stream::iter(reads).buffer_unordered(CONCURRENCY);
    while let Some(chunks) = reads.try_next().await.map_err(TaskError::of_seal)? {
        if sender.send(chunks).await.is_err() {
            // The thread has found a broken chunk, and returns the error below.
            break;
        }
    }
    drop(sender);
    let ranking = ranking.await.map_err(|error| StoreError::Broken(format!("the ranking: {error}")))?;
    ranking.map_err(TaskError::of_seal)
}

/// Finds the participants with these labels in the seal, and by what later draws recognise them, as long as they are on the list.
async fn identify(
    cx: &TaskContext,
    seal: &SealedDraw,
    ranking: Vec<(Ranked, Part)>,
) -> Result<Vec<RankedEntry>, TaskError> {
    let labels: Vec<Label> = ranking.iter().map(|(ranked, _)| ranked.label).collect();
    let mut sealed = cx.store.sealed_entries(seal, &labels).await.map_err(TaskError::of_seal)?;
    let members: Vec<Label> = sealed.values().map(|sealed| sealed.member).collect();
    let members = cx.store.pool_members(seal.lottery_id(), &members).await?.into_iter();
    let fingerprints: HashMap<Label, Fingerprints> =
        members.filter_map(|member| Some((member.label, member.fingerprints?))).collect();
    let mut identified = Vec::with_capacity(ranking.len());
    for (rank, (ranked, part)) in (1..).zip(ranking) {
        let missing = || TaskError::of_seal(StoreError::Broken(format!("entry {}", ranked.label)));
        let SealedEntry { participant_id, member, .. } = sealed.remove(&ranked.label).ok_or_else(missing)?;
        let fingerprints = fingerprints.get(&member).copied();
        identified.push(RankedEntry { participant_id, member, fingerprints, rank, ranked, part });
    }
    Ok(identified)
}
