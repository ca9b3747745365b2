//! Takes the lottery and fixes who takes part in the draw.

use std::collections::HashMap;

use futures_util::{StreamExt, TryStreamExt, stream};
use lottery::ranking::seats;
use lottery::{Commitment, Draw, DrawStatus, Entry, Exclusion, ParticipantId, Reason};
use lottery_store::{CommitSeal, Seal, SealedEntry, TakeLottery};
use serde::Serialize;
use uuid::Uuid;

use crate::{DrawInput, TaskContext, TaskError};

/// How many entries one stored chunk holds: some 90 KB as a rule, and with the longest groups and ids
/// still less than the 400 KB that DynamoDB allows.
const CHUNK: usize = 500;
/// How many chunks are written at once.
const AT_ONCE: usize = 8;

/// What was sealed.
#[derive(Debug, Serialize)]
pub struct Output {
    /// How many entries take part, those that cannot win included.
    entries: u64,
}

/// Seals the entries; a second run finds what the first has sealed.
///
/// The lottery is taken before past winners are read, so that no other draw of the lottery can make
/// winners official in between.
pub async fn handle(cx: &TaskContext, input: DrawInput) -> Result<Output, TaskError> {
    let DrawInput { lottery_id, draw_id } = &input;
    match cx.store.take_lottery(lottery_id, draw_id).await? {
        TakeLottery::Taken | TakeLottery::Elsewhere => {}
        TakeLottery::Busy(other) => return Err(TaskError::LotteryBusy(other)),
        TakeLottery::Unknown => return Err(TaskError::DrawUnknown),
    }
    let draw = cx.store.draw(lottery_id, draw_id).await?.ok_or(TaskError::DrawUnknown)?;
    if draw.status != DrawStatus::Waiting {
        return found(&draw);
    }
    let entries = read_entries(cx, &draw).await?;
    let wanted = seats(&draw.prizes);
    let eligible = entries.iter().filter(|sealed| sealed.entry.excluded.is_none()).count();
    if eligible < wanted {
        let sentence = not_enough(wanted, eligible);
        let reason = Reason { name: "NotEnoughParticipants".to_owned(), sentence };
        let draw = cx.store.reject_draw(lottery_id, draw_id, &reason, cx.clock.now()).await?;
        return found(&draw);
    }
    let seal = Seal {
        attempt: Uuid::new_v4().to_string(),
        chunks: u32::try_from(entries.len().div_ceil(CHUNK)).expect("a pool of 2^32 chunks fits no memory"),
        entries: entries.len() as u64,
        commitment: Commitment::to_draw_id(draw_id),
        sealed_at: cx.clock.now(),
    };
    write_chunks(cx, &draw, &seal, &entries).await?;
    match cx.store.commit_seal(lottery_id, draw_id, &seal).await? {
        CommitSeal::Committed => Ok(Output { entries: seal.entries }),
        // Another run of this task was faster, or the draw has been cancelled or released meanwhile.
        CommitSeal::Refused(draw) => found(&draw),
    }
}

/// What an earlier run has come to.
fn found(draw: &Draw) -> Result<Output, TaskError> {
    match (draw.status, draw.entries) {
        (DrawStatus::Rejected, _) => {
            let sentence = draw.reason.as_ref().map(|reason| reason.sentence.clone());
            Err(TaskError::NotEnoughParticipants(sentence.unwrap_or_default()))
        }
        (DrawStatus::Cancelled, _) => Err(TaskError::DrawCancelled),
        (DrawStatus::Sealed | DrawStatus::Drawn, Some(entries)) => Ok(Output { entries }),
        (status, Some(entries)) if status.has_official_winners() => Ok(Output { entries }),
        (status, _) => Err(TaskError::DrawElsewhere(status)),
    }
}

/// The whole pool in the order of labels, with those who cannot win marked.
async fn read_entries(cx: &TaskContext, draw: &Draw) -> Result<Vec<SealedEntry>, TaskError> {
    let past_winners = match draw.exclude_past_winners {
        true => cx.store.past_winners(&draw.lottery_id).await?,
        false => HashMap::new(),
    };
    let excluded = |participant_id: &ParticipantId| {
        past_winners.get(participant_id).map(|draw_id| Exclusion::PastWinner(draw_id.clone()))
    };
    let mut entries: Vec<SealedEntry> = cx
        .store
        .pool(&draw.lottery_id)
        .await?
        .into_iter()
        .map(|member| SealedEntry {
            entry: Entry {
                excluded: excluded(&member.participant_id),
                group: member.group,
                holder: member.holder,
                label: member.label,
                tickets: member.tickets,
            },
            participant_id: member.participant_id,
        })
        .collect();
    entries.sort_unstable_by_key(|sealed| sealed.entry.label);
    Ok(entries)
}

/// Writes the chunks under the name of this attempt; which attempt counts is decided by the commit.
async fn write_chunks(
    cx: &TaskContext,
    draw: &Draw,
    seal: &Seal,
    entries: &[SealedEntry],
) -> Result<(), TaskError> {
    // Collected first: a stream over a borrowing closure would not be `Send`.
    let writes: Vec<_> = (0..)
        .zip(entries.chunks(CHUNK))
        .map(|(number, chunk)| {
            cx.store.put_chunk(&draw.lottery_id, &draw.draw_id, &seal.attempt, number, chunk)
        })
        .collect();
    stream::iter(writes).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
    Ok(())
}

fn not_enough(wanted: usize, eligible: usize) -> String {
    let counted = |count: usize, thing| format!("{count} {thing}{}", if count == 1 { "" } else { "s" });
    format!("{} asked for, but only {} can win.", counted(wanted, "winner"), counted(eligible, "participant"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_of_a_rejected_draw_counts_both_sides() {
        assert_eq!(not_enough(11, 1), "11 winners asked for, but only 1 participant can win.");
        assert_eq!(not_enough(1, 0), "1 winner asked for, but only 0 participants can win.");
    }
}
