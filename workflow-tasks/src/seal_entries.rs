//! Takes the lottery, fixes the entries of the draw, and commits to them.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use lottery::feasibility::Infeasible;
use lottery::manifest::{Algorithm, Kind, Manifest, NamedRound, OperatorPlace, Version};
use lottery::seal::SealedEntries;
use lottery::timestamp::ProofTimestamp;
use lottery::{Commitment, Draw, DrawId, DrawStatus, Invalid, Lottery, Reason};
use lottery_store::{CommitSeal, ReleaseWinners, SealAttempt, SealedDraw, StoreError, TakeLottery};
use platform::Chain;
use serde::Serialize;
use tracing::warn;
use uuid::Uuid;

use crate::past_winners::PastWinners;
use crate::release::release;
use crate::sealing::{Written, write_entries};
use crate::{DrawInput, TaskContext, TaskError};

/// How often a contended commit is made anew: others may take many places in the operator's lane meanwhile.
const MAX_ATTEMPTS: u32 = 100;
/// How far the clock of the state machine may be ahead of the function's.
const CLOCK_SKEW: Duration = Duration::from_secs(5);
/// How far the function's clock may be behind the beacon's: less than any margin.
const MAX_BEHIND: SignedDuration = SignedDuration::from_secs(1);
/// The timeout of the commit, however far away the round is.
const MAX_COMMIT: Duration = Duration::from_secs(60);
/// The maximum margin for a slow store, in seconds.
const MAX_MARGIN: u32 = 60;

/// What was sealed.
#[derive(Debug, Serialize)]
pub struct Output {
    /// The number of entries, those that cannot win included.
    entries: u64,
    /// When the beacon round that decides is published.
    round_at: Timestamp,
    /// Whether the commitment is to be sent to those on the list.
    announce: bool,
}

/// Seals the entries; a second run finds what the first has sealed.
///
/// The lottery is taken before past winners are read, so that no other draw of the lottery can make
/// winners official in between.
pub async fn handle(cx: &TaskContext, input: DrawInput) -> Result<Output, TaskError> {
    let DrawInput { lottery_id, draw_id } = &input;
    match cx.store.take_lottery(lottery_id, draw_id).await? {
        TakeLottery::Taken | TakeLottery::Rehearsal | TakeLottery::WrongStatus => {}
        TakeLottery::Busy(other) => return Err(TaskError::LotteryBusy(other)),
        TakeLottery::Unknown => return Err(TaskError::DrawUnknown),
    }
    let draw = cx.store.draw(lottery_id, draw_id).await?.ok_or(TaskError::DrawUnknown)?;
    if draw.status != DrawStatus::Waiting {
        return found_in_time(cx, draw).await;
    }
    let lottery = cx.store.lottery(lottery_id).await?.ok_or(TaskError::DrawUnknown)?;
    let past_winners = past_winners(cx, &draw).await?;
    let Written { mut attempt, chunks, entries } =
        write_entries(cx, &draw, lottery.manifest_version, past_winners).await?;
    let outcome = match entries {
        Err(infeasible) => reject(cx, &draw, &infeasible).await?,
        Ok(sealed) => commit(cx, &draw, sealed, &mut attempt, chunks).await?,
    };
    match outcome {
        None => found(&cx.store.draw(lottery_id, draw_id).await?.ok_or(TaskError::DrawUnknown)?),
        // Another run of this task has sealed the draw, or it was rejected, cancelled or released meanwhile.
        Some(draw) => {
            cx.store.delete_attempt(&attempt).await?;
            found(&draw)
        }
    }
}

/// The result of an earlier run, which may have ended between the commit and its confirmation.
async fn found_in_time(cx: &TaskContext, draw: Draw) -> Result<Output, TaskError> {
    if let (DrawStatus::Sealed, false, Some(round_at)) = (draw.status, draw.is_seal_confirmed, draw.round_at)
    {
        in_time(cx, &draw, round_at).await?;
    }
    found(&draw)
}

/// The result of an earlier run.
fn found(draw: &Draw) -> Result<Output, TaskError> {
    let sentence = || draw.reason.as_ref().map(|reason| reason.sentence.clone()).unwrap_or_default();
    let reason = draw.reason.as_ref().map(|reason| reason.name.as_str());
    match (draw.status, draw.entries.zip(draw.round_at)) {
        (DrawStatus::Rejected, _) => Err(match reason {
            Some("UnknownGroup") => TaskError::UnknownGroup(sentence()),
            Some("QuotaNotSatisfiable") => TaskError::QuotaNotSatisfiable(sentence()),
            _ => TaskError::NotEnoughParticipants(sentence()),
        }),
        (DrawStatus::Cancelled, _) => Err(TaskError::DrawCancelled),
        // Nothing was committed: the attempt was given up, or another draw holds the lottery now.
        (DrawStatus::Waiting, _) => Err(TaskError::AttemptGivenUp),
        (status, Some((entries, round_at)))
            if matches!(status, DrawStatus::Sealed | DrawStatus::Drawn) || status.has_official_winners() =>
        {
            let announce = draw.announce_commitment && !draw.channels.is_empty();
            Ok(Output { entries, round_at, announce })
        }
        (status, _) => Err(TaskError::WrongStatus(status)),
    }
}

/// The participants who cannot win because they have won before.
async fn past_winners(cx: &TaskContext, draw: &Draw) -> Result<PastWinners, TaskError> {
    if !draw.exclude_past_winners {
        return Ok(PastWinners::default());
    }
    Ok(PastWinners::of(cx.store.past_winners(&draw.lottery_id).await?))
}

async fn reject(cx: &TaskContext, draw: &Draw, infeasible: &Infeasible) -> Result<Option<Draw>, TaskError> {
    let groups = match infeasible {
        Infeasible::UnknownGroup(unknown) => unknown.iter().map(|unknown| unknown.group.clone()).collect(),
        _ => Vec::new(),
    };
    let reason = Reason { name: infeasible.name().to_owned(), sentence: sentence(infeasible), groups };
    let now = cx.clock.now();
    let rejected = cx.store.reject_draw(&draw.lottery_id, &draw.draw_id, &reason, now).await?;
    if rejected.status == DrawStatus::Rejected {
        cx.metrics.draw_ended(rejected.status, now);
    }
    Ok(Some(rejected))
}

/// Commits to the sealed entries. Returns the draw as it is if another run has changed it: then nothing was committed.
///
/// The commitment is public as soon as it is stored, and that must happen before its round is published. So the write is
/// sent only before that time, and its response is waited for only until then. Without a response it is unknown whether
/// the commitment is stored; then the attempt is dated anew, which the store refuses if it is, and which makes the store
/// refuse the earlier write if it is not. So a seal that is too late is replaced by one with a later round, as long as
/// nothing was published.
async fn commit(
    cx: &TaskContext,
    draw: &Draw,
    sealed: SealedEntries,
    attempt: &mut SealAttempt,
    chunks: u32,
) -> Result<Option<Draw>, TaskError> {
    let key = cx.organiser_key.as_ref().ok_or(TaskError::NotConfigured("ORGANISER_SECRET_ARN"))?;
    let chain = &cx.config.beacon.chain;
    wait_until_closed(cx, draw).await?;
    refuse_slow_clock(cx).await?;
    let mut margin = cx.config.beacon.margin_seconds;
    for _ in 0..MAX_ATTEMPTS {
        let read_at = cx.clock.now();
        let before = before(cx, draw).await?;
        // If the store is slow now, the commit gets more time.
        margin = margin.max(slack(cx.clock.now().duration_since(read_at)));
        let margin_seconds = margin.max(until(draw.draw_at, cx.clock.now()));
        // Each attempt has its own time of sealing, and so its own round.
        let manifest = manifest(cx, draw, sealed, before, margin_seconds)?;
        let commitment = manifest.commitment();
        let round_at = chain.time_of(manifest.beacon.round).map_err(outside_calendar)?.timestamp();
        let (signature, chain) = (key.sign(&commitment), chain.clone());
        let seal = SealedDraw { manifest, signature, chain, attempt: attempt.name.clone(), chunks };
        let left = Duration::try_from(round_at.duration_since(cx.clock.now())).unwrap_or_default();
        if left.is_zero() {
            margin = longer(margin);
            continue;
        }
        match cx.store.commit_seal(&seal, attempt, draw.changes, round_at, left.min(MAX_COMMIT)).await {
            Ok(CommitSeal::Committed) => return in_time(cx, draw, round_at).await,
            // The response to this write was lost, and the SDK repeated it.
            Ok(CommitSeal::Refused(found)) if found.commitment == Some(commitment) => {
                return in_time(cx, draw, round_at).await;
            }
            Ok(CommitSeal::Refused(draw)) => return Ok(Some(*draw)),
            Ok(CommitSeal::PlaceTaken) | Err(StoreError::Contended | StoreError::Throttled(_)) => {
                // Those who wait for one place in a lane do not come back at the same time.
                let jitter = Uuid::new_v4().as_bytes()[0];
                cx.clock.sleep(Duration::from_millis(20 + u64::from(jitter) / 4)).await;
            }
            Err(error) if error.is_transient() => {
                warn!(cause = %Chain(&error), "no response to the commit of a seal");
                if !cx.store.redate(attempt).await? {
                    return unanswered(cx, draw, commitment, round_at).await;
                }
                margin = longer(margin);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Contended.into())
}

/// Refuses to seal by a slow clock: a round that is published already, but lies in the future by the function's clock, shows
/// that a seal could be dated before its round and made after it. If no relay responds, nothing is known.
async fn refuse_slow_clock(cx: &TaskContext) -> Result<(), TaskError> {
    let chain = &cx.config.beacon.chain;
    let Some(latest) = cx.relays().latest(chain).await else { return Ok(()) };
    let published_at = chain.time_of(latest).map_err(outside_calendar)?.timestamp();
    let behind = published_at.duration_since(cx.clock.now());
    if behind > MAX_BEHIND { Err(TaskError::ClockBehind(behind.as_secs())) } else { Ok(()) }
}

/// Continues if the commitment is seen to be stored before its round is published, which is noted; otherwise abandons the draw.
async fn in_time(cx: &TaskContext, draw: &Draw, round_at: Timestamp) -> Result<Option<Draw>, TaskError> {
    if cx.clock.now() < round_at {
        cx.store.confirm_seal(&draw.lottery_id, &draw.draw_id).await?;
        return Ok(None);
    }
    let found = cx.store.draw(&draw.lottery_id, &draw.draw_id).await?;
    // Another run may have seen it in time.
    if found.is_some_and(|found| found.is_seal_confirmed && found.commitment.is_some()) {
        return Ok(None);
    }
    abandon(cx, draw).await
}

/// Finds out whether a commitment is stored whose write had no response and whose attempt cannot be dated anew.
async fn unanswered(
    cx: &TaskContext,
    draw: &Draw,
    commitment: Commitment,
    round_at: Timestamp,
) -> Result<Option<Draw>, TaskError> {
    let found = cx.store.draw(&draw.lottery_id, &draw.draw_id).await?.ok_or(TaskError::DrawUnknown)?;
    match found.status {
        DrawStatus::Waiting => Err(TaskError::AttemptGivenUp),
        DrawStatus::Sealed if found.commitment == Some(commitment) => in_time(cx, draw, round_at).await,
        _ => Ok(Some(found)),
    }
}

/// The margin, in seconds, for a write that takes as long as the reads just now took.
fn slack(took: SignedDuration) -> u32 {
    let seconds = took.as_secs_f64().max(0.0) * 4.0;
    if seconds < 1.0 { 0 } else { (seconds.ceil() as u32).min(MAX_MARGIN) }
}

/// The margin, in seconds, with which the round comes out no earlier than at `draw_at`.
fn until(draw_at: Option<Timestamp>, now: Timestamp) -> u32 {
    let seconds = draw_at.map_or(0.0, |draw_at| draw_at.duration_since(now).as_secs_f64().ceil());
    // Below zero and beyond what fits, `as` takes the nearest number.
    seconds as u32
}

fn longer(margin: u32) -> u32 {
    margin.saturating_mul(2).min(MAX_MARGIN.max(margin))
}

/// What a seal comes after.
struct Before {
    lottery: Lottery,
    /// The draw of the lottery that was sealed before this one.
    previous: Option<Draw>,
    /// The place among all draws of the operator; none in manifests of the first version.
    place: Option<OperatorPlace>,
}

async fn before(cx: &TaskContext, draw: &Draw) -> Result<Before, TaskError> {
    let lottery = cx.store.lottery(&draw.lottery_id).await?.ok_or(TaskError::DrawUnknown)?;
    let previous = match &lottery.last_sealed {
        // A rehearsal is not part of the sequence of draws.
        _ if draw.rehearsal => None,
        None => None,
        Some(previous) => Some(committed(cx, draw, previous).await?),
    };
    let place = match lottery.manifest_version {
        Version::One => None,
        Version::Two if draw.rehearsal => Some(OperatorPlace::of_rehearsal(&draw.lottery_id)),
        Version::Two => Some(cx.store.next_operator_place(&draw.lottery_id).await?),
    };
    Ok(Before { lottery, previous, place })
}

fn manifest(
    cx: &TaskContext,
    draw: &Draw,
    sealed: SealedEntries,
    Before { lottery, previous, place }: Before,
    margin_seconds: u32,
) -> Result<Manifest, TaskError> {
    let sealed_at = ProofTimestamp::from_timestamp(cx.clock.now()).map_err(outside_calendar)?;
    let beacon =
        NamedRound::after(&cx.config.beacon.chain, sealed_at, margin_seconds).map_err(outside_calendar)?;
    Ok(Manifest {
        algorithm: Algorithm::LowestTicket,
        alternates: draw.alternates,
        beacon,
        claim_within_seconds: draw.claims.as_ref().map(|claims| claims.within_seconds),
        closes_at: draw
            .closes_at
            .map(ProofTimestamp::from_timestamp)
            .transpose()
            .map_err(outside_calendar)?,
        draw_id: draw.draw_id.clone(),
        entries: sealed.entries,
        exclude_past_winners: place.map(|_| draw.exclude_past_winners),
        kind: draw.rehearsal.then_some(Kind::Rehearsal),
        lottery_id: draw.lottery_id.clone(),
        margin_seconds,
        operator: place,
        previous_commitment: previous.as_ref().and_then(|previous| previous.commitment),
        previous_status: previous.map(|previous| previous.status),
        prizes: draw.prizes.clone(),
        root: sealed.root,
        sealed_at,
        sequence: if draw.rehearsal { 0 } else { lottery.next_sequence },
        tickets: sealed.tickets,
        version: lottery.manifest_version,
    })
}

/// The draw before this one. This draw holds the lottery, so the other one has ended or is notifying its winners.
async fn committed(cx: &TaskContext, draw: &Draw, previous: &DrawId) -> Result<Draw, TaskError> {
    let found = cx.store.draw(&draw.lottery_id, previous).await?;
    let found = found.filter(|previous| previous.commitment.is_some());
    found.ok_or_else(|| StoreError::Broken(format!("draw {previous}, sealed before, is missing")).into())
}

/// Waits until entries are closed, by the clock of this function.
async fn wait_until_closed(cx: &TaskContext, draw: &Draw) -> Result<(), TaskError> {
    let Some(closes_at) = draw.closes_at else { return Ok(()) };
    let early = closes_at.duration_since(cx.clock.now());
    match Duration::try_from(early) {
        Ok(early) if early > CLOCK_SKEW => Err(TaskError::NotClosedYet),
        Ok(early) if !early.is_zero() => {
            cx.clock.sleep(early).await;
            Ok(())
        }
        // Entries are closed already.
        _ => Ok(()),
    }
}

/// Ends a draw whose commitment was stored so late that its round may have been known. Sealing it again would be a second
/// chance.
async fn abandon(cx: &TaskContext, draw: &Draw) -> Result<Option<Draw>, TaskError> {
    let error = TaskError::SealedTooLate;
    match release(cx, &draw.lottery_id, &draw.draw_id, error.name()).await? {
        ReleaseWinners::Released { .. } => Err(error),
        ReleaseWinners::Official(_) | ReleaseWinners::Unknown => Ok(None),
    }
}

fn outside_calendar(_: Invalid) -> TaskError {
    StoreError::Broken("a timestamp outside the calendar".to_owned()).into()
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
    use lottery::Group;
    use lottery::feasibility::UnknownGroup;

    use super::*;

    #[test]
    fn the_sentence_of_a_rejected_draw_counts_both_sides() {
        let not_enough = |winners, eligible| Infeasible::NotEnoughParticipants { eligible, winners };
        let group = |name: &str| Group::parse(name).unwrap();
        assert_eq!(sentence(&not_enough(11, 1)), "11 winners asked for, but only 1 participant can win.");
        assert_eq!(sentence(&not_enough(1, 0)), "1 winner asked for, but only 0 participants can win.");
        let unknown = UnknownGroup { group: group("sales"), nearest: vec![group("Sales"), group("Support")] };
        assert_eq!(
            sentence(&Infeasible::UnknownGroup(vec![unknown])),
            "Nobody on the list is in the group sales; the nearest are: Sales, Support."
        );
        let seats = Infeasible::SeatsMayStayEmpty { prize: 1, name: "Car".to_owned(), sure: 1, winners: 2 };
        assert_eq!(sentence(&seats), "With its quotas, prize 1 (Car) is sure to fill only 1 of its 2 seats.");
    }
}
