//! One run over a channel: notifies winners from a position in the ranking on, for about a minute, at the rate that the
//! service accepts, and returns where the next run resumes.
//!
//! A run does not wait for a service: if the service throttles or cannot be reached, or if a subscription is too recent, the
//! run ends and the state machine waits. A later run resumes with every message that has no outcome.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use lottery::claim::ClaimKey;
use lottery::{Channel, Draw, DrawStatus, NotificationCounts, NotificationsByChannel, ParticipantId};
use lottery_store::{NotificationState, StoreError, Winner};
use platform::Chain;
use serde::Serialize;
use tracing::warn;

use crate::notify_winner::{ChannelRun, Outcome, Stop};
use crate::pace::Pace;
use crate::position::{MAX_WAIT, Position, longer};
use crate::{SendInput, TaskContext, TaskError};

/// How long one run starts sending messages. With the calls still running at its end it takes less than the function's
/// time-out of 120 s. A state transition costs as much as 7.5 s of this function: see docs/cost.md.
const BUDGET: Duration = Duration::from_secs(60);
/// The number of ranks that are read in one call.
const PAGE: u32 = 500;

/// What one run did.
#[derive(Debug, Serialize)]
pub struct Output {
    /// Where the next run resumes.
    pub(crate) position: Position,
    /// The number of winners in the run's part of the ranking whose message is sent.
    pub(crate) sent: u64,
    /// The number of winners whose message is FAILED or UNKNOWN.
    pub(crate) unsent: u64,
}

/// The results of one run so far.
#[derive(Default)]
pub(crate) struct Tally {
    /// The outcomes that this run recorded.
    pub(crate) recorded: NotificationCounts,
    pub(crate) sent: u64,
    pub(crate) unsent: u64,
    /// The lowest rank that the run did not reach.
    pub(crate) left: Option<u32>,
    /// The lowest rank that the run postponed.
    postponed: Option<u32>,
    /// When the first of the postponed winners can be notified.
    until: Option<Timestamp>,
    pub(crate) error: Option<TaskError>,
}

/// Notifies winners on one channel.
pub(crate) async fn notify(
    cx: &TaskContext,
    input: SendInput,
    channel: Channel,
) -> Result<Output, TaskError> {
    let SendInput { lottery_id, draw_id, position } = input;
    let draw = cx.store.draw(&lottery_id, &draw_id).await?.ok_or(TaskError::DrawUnknown)?;
    if !draw.status.has_official_winners() {
        return Err(TaskError::WrongStatus(draw.status));
    }
    // Nothing is sent for a draw that has ended, nor on a channel that it does not ask for.
    if draw.status != DrawStatus::Recorded || position.next == 0 {
        let position = Position { next: 0, postponed: 0, wait_seconds: 0, ..position };
        return Ok(Output { position, sent: 0, unsent: 0 });
    }
    let lottery = cx.store.lottery(&lottery_id).await?.ok_or(TaskError::DrawUnknown)?;
    let began = cx.clock.now();
    let configured = match channel {
        Channel::Sms => cx.config.delivery.sms_per_second,
        Channel::Email => cx.config.delivery.emails_per_second,
    };
    let pace = Pace::new(configured, position.per_minute, began);
    let claim_key = claim_key(cx, &draw).await?;
    let run = ChannelRun::new(cx, &lottery, &draw, channel, &pace, began + BUDGET, claim_key);
    let mut tally = Tally::default();
    let mut first = position.next;
    let mut now = draw.clone();
    while first <= now.ranked() && run.stopped().is_none() {
        let last = first.saturating_add(PAGE - 1).min(now.ranked());
        if let Err(error) = notify_page(cx, &run, &now, first..=last, &mut tally).await {
            tally.error.get_or_insert(error);
            break;
        }
        first = next_rank(&now, last + 1);
        if first <= now.ranked() {
            // Seats may have been passed on: who has left one is not notified any more.
            now = cx.store.draw(&draw.lottery_id, &draw.draw_id).await?.ok_or(TaskError::DrawUnknown)?;
        }
    }
    count(cx, &draw, channel, tally.recorded).await;
    if let Some(error) = tally.error {
        return Err(error);
    }
    let stop = run.stopped();
    let next = match tally.left {
        Some(rank) => rank,
        None if first <= now.ranked() => first,
        None => 0,
    };
    let position = resume_at(cx, position, &pace, configured, &tally, stop, next, began);
    Ok(Output { position, sent: tally.sent, unsent: tally.unsent })
}

/// What makes the addresses at which the winners of a draw claim; none if they need not.
async fn claim_key(cx: &TaskContext, draw: &Draw) -> Result<Option<ClaimKey>, TaskError> {
    if draw.asks_to_claim().is_none() {
        return Ok(None);
    }
    let key = cx.store.claim_key(&draw.lottery_id).await?;
    let missing = || StoreError::Broken(format!("the key of the claim links of {}", draw.lottery_id));
    Ok(Some(key.ok_or_else(missing)?))
}

/// The first rank from this one on that may have a seat. Behind the ranking only those have one who took it from somebody.
fn next_rank(draw: &Draw, rank: u32) -> u32 {
    if rank <= draw.ranking_length() {
        return rank;
    }
    let takers = draw.passed_on.iter().filter_map(|seat| seat.taken_by).filter(|taker| *taker >= rank);
    takers.min().unwrap_or(rank)
}

/// Of those who have left their seats: what a run that is gone has claimed becomes UNKNOWN, and stays visible so.
async fn give_up_claims(
    cx: &TaskContext,
    draw: &Draw,
    run: &ChannelRun<'_>,
    winners: &[Winner],
) -> Result<(), TaskError> {
    let left: Vec<_> = winners.iter().filter(|winner| !winner.has_seat()).collect();
    let ids: Vec<_> = left.iter().map(|winner| winner.participant_id.clone()).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let (lottery_id, draw_id) = (&draw.lottery_id, &draw.draw_id);
    for line in cx.store.ledger_lines(lottery_id, draw_id, run.channel(), &ids).await?.values() {
        if line.state == NotificationState::Claimed {
            cx.store.give_up_notification(lottery_id, draw_id, line, cx.clock.now()).await?;
        }
    }
    Ok(())
}

/// Notifies the winners with these ranks, many concurrently.
async fn notify_page(
    cx: &TaskContext,
    run: &ChannelRun<'_>,
    draw: &Draw,
    ranks: std::ops::RangeInclusive<u32>,
    tally: &mut Tally,
) -> Result<(), TaskError> {
    // Who is held back is not even read.
    let mut winners = cx.store.winners_ranked(draw, ranks.filter(|rank| draw.is_released(*rank))).await?;
    give_up_claims(cx, draw, run, &winners).await?;
    winners.retain(Winner::has_seat);
    let ids: Vec<ParticipantId> = winners.iter().map(|winner| winner.participant_id.clone()).collect();
    let ledger = cx.store.ledger_lines(&draw.lottery_id, &draw.draw_id, run.channel(), &ids).await?;
    let recorded =
        |winner: &Winner| ledger.get(&winner.participant_id).is_some_and(|line| line.state.has_outcome());
    let open: Vec<Winner> = winners.iter().filter(|winner| !recorded(winner)).cloned().collect();
    let contacts = cx.store.contacts_of(&draw.lottery_id, &open).await?;
    // Collected first: a stream over a borrowing closure would not be `Send`.
    let notifying: Vec<_> = winners
        .iter()
        .map(|winner| async {
            let (contact, line) = (contacts.get(&winner.participant_id), ledger.get(&winner.participant_id));
            (winner.rank, run.notify(winner, contact, line).await)
        })
        .collect();
    let mut notifying = stream::iter(notifying).buffer_unordered(run.concurrency());
    // After an error the messages being sent are still waited for: their outcomes must be recorded.
    while let Some((rank, outcome)) = notifying.next().await {
        tally.add(rank, outcome, run);
    }
    Ok(())
}

impl Tally {
    /// Adds what came of one message; `rank` is its place in what the run goes through.
    pub(crate) fn add(&mut self, rank: u32, outcome: Result<Outcome, TaskError>, run: &ChannelRun<'_>) {
        let lowest = |seen: &mut Option<u32>| *seen = Some(seen.map_or(rank, |lowest| lowest.min(rank)));
        match outcome {
            Ok(Outcome::NothingDue) => {}
            Ok(Outcome::Found(state)) => self.see(state),
            Ok(Outcome::Recorded(state)) => {
                state.count_in(&mut self.recorded);
                self.see(state);
            }
            Ok(Outcome::Later(until)) => {
                lowest(&mut self.postponed);
                self.until = [self.until, until].into_iter().flatten().min();
            }
            Ok(Outcome::Left) => lowest(&mut self.left),
            Err(error) => {
                run.stop(Stop::Error);
                self.error.get_or_insert(error);
            }
        }
    }

    fn see(&mut self, state: NotificationState) {
        match state {
            NotificationState::Sent => self.sent += 1,
            _ => self.unsent += 1,
        }
    }
}

/// Where the next run resumes, and when.
#[allow(clippy::too_many_arguments, reason = "all results of a run, read once")]
pub(crate) fn resume_at(
    cx: &TaskContext,
    before: Position,
    pace: &Pace,
    configured: Option<f64>,
    tally: &Tally,
    stop: Option<Stop>,
    next: u32,
    began: Timestamp,
) -> Position {
    let now = cx.clock.now();
    let is_at_end = next == 0;
    let postponed = [Some(before.postponed).filter(|rank| *rank > 0), tally.postponed];
    let postponed = postponed.into_iter().flatten().min().unwrap_or(0);
    let (next, postponed) = if is_at_end { (postponed, 0) } else { (next, postponed) };
    let refused = matches!(stop, Some(Stop::Throttled | Stop::Unavailable));
    let progress = tally.recorded.sent > 0;
    let wait_seconds = match tally.until {
        _ if next == 0 => 0,
        // The rate was too high, and is halved.
        _ if refused && progress => 2,
        _ if refused => longer(before.wait_seconds),
        Some(until) if is_at_end => {
            let seconds = until.duration_since(now).as_secs() + 1;
            u32::try_from(seconds).unwrap_or(1).clamp(1, MAX_WAIT)
        }
        None if is_at_end => longer(before.wait_seconds),
        _ => 0,
    };
    let took = now.duration_since(began).unsigned_abs();
    let per_minute = match stop {
        Some(Stop::Throttled) => {
            pace.slower(usize::try_from(tally.recorded.sent).unwrap_or(usize::MAX), took)
        }
        Some(Stop::Unavailable) => before.per_minute,
        _ => Pace::faster(before.per_minute, configured),
    };
    Position { next, postponed, wait_seconds, per_minute, passes: before.passes + 1, round: before.round }
}

/// Counts on the draw's item, for those who watch the draw, and for the operator's metrics. The ledger remains the source.
async fn count(cx: &TaskContext, draw: &Draw, channel: Channel, recorded: NotificationCounts) {
    cx.metrics.notifications(channel, recorded, cx.clock.now());
    if recorded.total() == 0 {
        return;
    }
    let mut counts = NotificationsByChannel::default();
    *counts.on_mut(channel) = recorded;
    if let Err(error) = cx.store.count_notifications(&draw.lottery_id, &draw.draw_id, &counts).await {
        warn!(cause = %Chain(&error), "not counted on the draw");
    }
}
