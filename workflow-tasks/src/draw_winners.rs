//! Ranks the sealed entries and writes the winners as pending.

use std::collections::HashMap;

use futures_util::{StreamExt, TryStreamExt, stream};
use lottery::ranking::{Prk, Selection, award, seats};
use lottery::{Draw, DrawStatus, Label, ParticipantId, Tickets};
use lottery_store::{MarkDrawn, SealedEntry, Winner};
use ring::rand::{SecureRandom, SystemRandom};
use serde::Serialize;

use crate::{DrawInput, TaskContext, TaskError};

/// How many chunks are read at once.
const AT_ONCE: usize = 8;

/// What was drawn.
#[derive(Debug, Serialize)]
pub struct Output {
    /// How many winners there are.
    winners: usize,
}

/// Draws the winners. The randomness is stored before anything is ranked, so that every run of this task
/// comes to the same winners.
pub async fn handle(cx: &TaskContext, input: DrawInput) -> Result<Output, TaskError> {
    let DrawInput { lottery_id, draw_id } = &input;
    let draw = cx.store.draw(lottery_id, draw_id).await?.ok_or(TaskError::DrawUnknown)?;
    match draw.status {
        DrawStatus::Sealed => {}
        DrawStatus::Drawn => return Ok(Output { winners: seats(&draw.prizes) }),
        status if status.has_official_winners() => return Ok(Output { winners: seats(&draw.prizes) }),
        status => return Err(TaskError::DrawElsewhere(status)),
    }
    let randomness = cx.store.store_randomness_once(lottery_id, draw_id, random_bytes()?).await?;
    let commitment = draw.commitment.ok_or(TaskError::DrawElsewhere(draw.status))?;
    let winners = rank(cx, &draw, Prk::extract(commitment.as_bytes(), &randomness)).await?;
    cx.store.put_pending_winners(lottery_id, draw_id, &winners).await?;
    match cx.store.mark_drawn(lottery_id, draw_id).await? {
        MarkDrawn::Drawn => Ok(Output { winners: winners.len() }),
        MarkDrawn::Elsewhere(status) => Err(TaskError::DrawElsewhere(status)),
    }
}

/// The winners, by reading the chunks in whatever order they come: the ranking does not depend on it.
/// Memory holds the best-ranked so far, and the chunks under way.
async fn rank(cx: &TaskContext, draw: &Draw, prk: Prk) -> Result<Vec<Winner>, TaskError> {
    let (lottery_id, draw_id) = (&draw.lottery_id, &draw.draw_id);
    let seal = cx.store.seal(lottery_id, draw_id).await?.ok_or(TaskError::DrawElsewhere(draw.status))?;
    let seats = seats(&draw.prizes);
    let mut selection = Selection::new(prk.clone(), seats);
    let reads = (0..seal.chunks).map(|number| cx.store.chunk(lottery_id, draw_id, &seal.attempt, number));
    let mut chunks = stream::iter(reads).buffer_unordered(AT_ONCE);
    while let Some(chunk) = chunks.try_next().await? {
        for SealedEntry { entry, participant_id } in chunk {
            if entry.excluded.is_none() {
                let candidate = Candidate { label: entry.label, tickets: entry.tickets, participant_id };
                selection.offer(&candidate, entry.tickets);
            }
        }
    }

    let mut ranked = Selection::new(prk, seats);
    let mut holders = HashMap::new();
    for (_, candidate) in selection.into_ranked() {
        ranked.offer(&candidate.label, candidate.tickets);
        holders.insert(candidate.label, candidate.participant_id);
    }
    let winners = award(ranked, &draw.prizes).into_iter().map(|winner| Winner {
        participant_id: holders.remove(&winner.label).expect("each ranked label has its holder"),
        label: winner.label,
        prize: draw.prizes[winner.prize_index].name.clone(),
        prize_index: u32::try_from(winner.prize_index).expect("a draw has far fewer prizes"),
        rank: winner.rank,
    });
    Ok(winners.collect())
}

/// An entry in the ranking, with who stands behind it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    label: Label,
    tickets: Tickets,
    participant_id: ParticipantId,
}

impl AsRef<[u8]> for Candidate {
    fn as_ref(&self) -> &[u8] {
        self.label.as_ref()
    }
}

fn random_bytes() -> Result<[u8; 32], TaskError> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| TaskError::NoRandomness)?;
    Ok(bytes)
}
