//! Takes the lottery, fixes who takes part in the draw, and commits to it.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use lottery::feasibility::Infeasible;
use lottery::manifest::{Algorithm, Manifest, NamedRound, Version};
use lottery::moment::Moment;
use lottery::seal::SealedEntries;
use lottery::{Draw, DrawId, DrawStatus, Exclusion, Invalid, Reason};
use lottery_store::{CommitSeal, ReleaseWinners, SealedDraw, StoreError, TakeLottery};
use serde::Serialize;

use crate::sealing::{PastWinners, Written, write_entries};
use crate::{DrawInput, TaskContext, TaskError, release_winners};

/// How often a commit that other writers are in the way of is made anew.
const ATTEMPTS: u32 = 8;
/// How far the clock of the state machine may be ahead of ours.
const CLOCK_SKEW: Duration = Duration::from_secs(5);

/// What was sealed.
#[derive(Debug, Serialize)]
pub struct Output {
    /// How many entries take part, those that cannot win included.
    entries: u64,
    /// When the beacon round comes out that decides.
    round_at: Timestamp,
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
    let past_winners = past_winners(cx, &draw).await?;
    let Written { attempt, chunks, entries } = write_entries(cx, &draw, past_winners).await?;
    let outcome = match entries {
        Err(infeasible) => reject(cx, &draw, &infeasible).await?,
        Ok(sealed) => commit(cx, &draw, sealed, &attempt.name, chunks).await?,
    };
    match outcome {
        None => found(&cx.store.draw(lottery_id, draw_id).await?.ok_or(TaskError::DrawUnknown)?),
        // Another run of this task was faster, or the draw was rejected, cancelled or released meanwhile.
        Some(draw) => {
            cx.store.erase_attempt(&attempt).await?;
            found(&draw)
        }
    }
}

/// What an earlier run has come to.
fn found(draw: &Draw) -> Result<Output, TaskError> {
    let sentence = || draw.reason.as_ref().map(|reason| reason.sentence.clone()).unwrap_or_default();
    let reason = draw.reason.as_ref().map(|reason| reason.name.as_str());
    match (draw.status, draw.entries.zip(draw.round_at)) {
        (DrawStatus::Rejected, _) if reason == Some("QuotaNotSatisfiable") => {
            Err(TaskError::QuotaNotSatisfiable(sentence()))
        }
        (DrawStatus::Rejected, _) => Err(TaskError::NotEnoughParticipants(sentence())),
        (DrawStatus::Cancelled, _) => Err(TaskError::DrawCancelled),
        (status, Some((entries, round_at)))
            if matches!(status, DrawStatus::Sealed | DrawStatus::Drawn) || status.has_official_winners() =>
        {
            Ok(Output { entries, round_at })
        }
        (status, _) => Err(TaskError::DrawElsewhere(status)),
    }
}

/// Who cannot win because they have, and when.
async fn past_winners(cx: &TaskContext, draw: &Draw) -> Result<PastWinners, TaskError> {
    if !draw.exclude_past_winners {
        return Ok(HashMap::new());
    }
    let won = cx.store.past_winners(&draw.lottery_id).await?.into_iter();
    Ok(won.map(|(participant_id, draw_id)| (participant_id, Exclusion::PastWinner(draw_id))).collect())
}

async fn reject(cx: &TaskContext, draw: &Draw, infeasible: &Infeasible) -> Result<Option<Draw>, TaskError> {
    let reason = Reason { name: infeasible.name().to_owned(), sentence: sentence(infeasible) };
    let now = cx.clock.now();
    Ok(Some(cx.store.reject_draw(&draw.lottery_id, &draw.draw_id, &reason, now).await?))
}

/// Commits to what was sealed. Answers the draw as it is if it could not: then nothing was committed.
async fn commit(
    cx: &TaskContext,
    draw: &Draw,
    sealed: SealedEntries,
    attempt: &str,
    chunks: u32,
) -> Result<Option<Draw>, TaskError> {
    let key = cx.organiser_key.as_ref().ok_or(TaskError::NotConfigured("ORGANISER_SECRET_ARN"))?;
    let chain = &cx.config.beacon.chain;
    wait_until_closed(cx, draw).await?;
    for _ in 0..ATTEMPTS {
        // Each attempt has its own time of sealing, and so its own round: none is held for later.
        let manifest = manifest(cx, draw, sealed).await?;
        let round_at = chain.time_of(manifest.beacon.round).map_err(outside_calendar)?.timestamp();
        let signature = key.sign(&manifest.commitment());
        let seal =
            SealedDraw { manifest, signature, chain: chain.clone(), attempt: attempt.to_owned(), chunks };
        match cx.store.commit_seal(&seal, round_at).await {
            Ok(CommitSeal::Committed) if cx.clock.now() < round_at => return Ok(None),
            Ok(CommitSeal::Committed) => return abandon(cx, draw).await,
            Ok(CommitSeal::Refused(draw)) => return Ok(Some(*draw)),
            Err(StoreError::Contended | StoreError::Throttled(_)) => {
                cx.clock.sleep(Duration::from_millis(50)).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Contended.into())
}

async fn manifest(cx: &TaskContext, draw: &Draw, sealed: SealedEntries) -> Result<Manifest, TaskError> {
    let lottery = cx.store.lottery(&draw.lottery_id).await?.ok_or(TaskError::DrawUnknown)?;
    let previous = match &lottery.last_sealed {
        None => None,
        Some(previous) => Some(committed(cx, draw, previous).await?),
    };
    let sealed_at = Moment::from_timestamp(cx.clock.now()).map_err(outside_calendar)?;
    let margin_seconds = cx.config.beacon.margin_seconds;
    let beacon =
        NamedRound::after(&cx.config.beacon.chain, sealed_at, margin_seconds).map_err(outside_calendar)?;
    Ok(Manifest {
        algorithm: Algorithm::LowestTicket,
        alternates: draw.alternates,
        beacon,
        claim_within_seconds: None,
        closes_at: draw.closes_at.map(Moment::from_timestamp).transpose().map_err(outside_calendar)?,
        draw_id: draw.draw_id.clone(),
        entries: sealed.entries,
        lottery_id: draw.lottery_id.clone(),
        margin_seconds,
        previous_commitment: previous.as_ref().and_then(|previous| previous.commitment),
        previous_status: previous.map(|previous| previous.status),
        prizes: draw.prizes.clone(),
        root: sealed.root,
        sealed_at,
        sequence: lottery.next_sequence,
        tickets: sealed.tickets,
        version: Version,
    })
}

/// The draw before this one. Whoever seals holds the lottery, so that it has ended or is telling its winners.
async fn committed(cx: &TaskContext, draw: &Draw, previous: &DrawId) -> Result<Draw, TaskError> {
    let found = cx.store.draw(&draw.lottery_id, previous).await?;
    let found = found.filter(|previous| previous.commitment.is_some());
    found.ok_or_else(|| StoreError::Broken(format!("draw {previous}, sealed before, is missing")).into())
}

/// A list is not fixed before the time until which entries are taken, by our own clock.
async fn wait_until_closed(cx: &TaskContext, draw: &Draw) -> Result<(), TaskError> {
    let Some(closes_at) = draw.closes_at else { return Ok(()) };
    let early = closes_at.duration_since(cx.clock.now());
    match Duration::try_from(early) {
        Ok(early) if early > CLOCK_SKEW => Err(TaskError::DrawElsewhere(draw.status)),
        Ok(early) if !early.is_zero() => {
            cx.clock.sleep(early).await;
            Ok(())
        }
        // It is past.
        _ => Ok(()),
    }
}

/// The commitment was stored so late that its round may have been known: the draw cannot count.
async fn abandon(cx: &TaskContext, draw: &Draw) -> Result<Option<Draw>, TaskError> {
    let reason = release_winners::reason(TaskError::SealedTooLate.name());
    let released = cx.store.release_winners(&draw.lottery_id, &draw.draw_id, &reason, cx.clock.now()).await?;
    match released {
        ReleaseWinners::Released => Err(TaskError::SealedTooLate),
        ReleaseWinners::Official(_) | ReleaseWinners::Unknown => Ok(None),
    }
}

fn outside_calendar(_: Invalid) -> TaskError {
    StoreError::Broken("a moment outside the calendar".to_owned()).into()
}

fn sentence(infeasible: &Infeasible) -> String {
    let counted = |count: u64, thing| format!("{count} {thing}{}", if count == 1 { "" } else { "s" });
    match infeasible {
        Infeasible::NotEnoughParticipants { eligible, winners } => format!(
            "{} asked for, but only {} can win.",
            counted(*winners, "winner"),
            counted(*eligible, "participant")
        ),
        of_quotas => {
            let mut sentence = of_quotas.to_string();
            if let Some(first) = sentence.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            sentence + "."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_of_a_rejected_draw_counts_both_sides() {
        let not_enough = |winners, eligible| Infeasible::NotEnoughParticipants { eligible, winners };
        assert_eq!(sentence(&not_enough(11, 1)), "11 winners asked for, but only 1 participant can win.");
        assert_eq!(sentence(&not_enough(1, 0)), "1 winner asked for, but only 0 participants can win.");
        let seats = Infeasible::SeatsMayStayEmpty { prize: 1, name: "Car".to_owned(), sure: 1, winners: 2 };
        assert_eq!(sentence(&seats), "With its quotas, prize 1 (Car) is sure to fill only 1 of its 2 seats.");
    }
}
