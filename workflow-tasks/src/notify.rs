//! One run of a channel's loop: tells winners from a position in the ranking on, for about a minute, at the rate that
//! the service takes, and answers where the next run resumes.
//!
//! No function waits for a service: when it throttles, cannot be reached, or an address is subscribed too shortly, the
//! run ends and the state machine waits. Nothing is given up: what is not settled is come back to.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use lottery::{Channel, Draw, DrawStatus, NotificationCounts, NotificationsByChannel, ParticipantId};
use lottery_store::{NotificationState, Winner};
use platform::Chain;
use serde::Serialize;
use tracing::warn;

use crate::pace::Pace;
use crate::position::{MAX_WAIT, Position, longer};
use crate::tell::{Outcome, Stop, Telling};
use crate::{SendInput, TaskContext, TaskError};

/// How long one run hands messages over; with the calls under way at its end it is less than the function's time-out
/// of 120 s. A state transition costs as much as 7.5 s of this function: see docs/cost.md.
const BUDGET: Duration = Duration::from_secs(60);
/// How many ranks are read at once.
const PAGE: u32 = 500;

/// What one run did.
#[derive(Debug, Serialize)]
pub struct Output {
    /// Where the next run resumes.
    position: Position,
    /// How many of the winners that the run came to have their message.
    sent: u64,
    /// How many of them are known to have none, or perhaps.
    unsent: u64,
}

/// What one run has come to.
#[derive(Default)]
struct Tally {
    /// What this run settled.
    settled: NotificationCounts,
    sent: u64,
    unsent: u64,
    /// The lowest rank that the run did not get to.
    left: Option<u32>,
    /// The lowest rank that the run passed over.
    postponed: Option<u32>,
    /// When the first of those that were passed over can be told.
    until: Option<Timestamp>,
    error: Option<TaskError>,
}

/// Tells winners on one channel.
pub(crate) async fn notify(
    cx: &TaskContext,
    input: SendInput,
    channel: Channel,
) -> Result<Output, TaskError> {
    let SendInput { lottery_id, draw_id, position } = input;
    let draw = cx.store.draw(&lottery_id, &draw_id).await?.ok_or(TaskError::DrawUnknown)?;
    if !draw.status.has_official_winners() {
        return Err(TaskError::DrawElsewhere(draw.status));
    }
    // A draw that has ended is not told any more, nor on a channel that it does not ask for.
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
    let telling = Telling::new(cx, &lottery, &draw, channel, &pace, began + BUDGET);
    let mut tally = Tally::default();
    let mut first = position.next;
    while first <= draw.ranked() && telling.stopped().is_none() {
        let last = first.saturating_add(PAGE - 1).min(draw.ranked());
        if let Err(error) = tell_page(cx, &telling, &draw, first..=last, &mut tally).await {
            tally.error.get_or_insert(error);
            break;
        }
        first = last + 1;
    }
    count(cx, &draw, channel, tally.settled).await;
    if let Some(error) = tally.error {
        return Err(error);
    }
    let stop = telling.stopped();
    let next = match tally.left {
        Some(rank) => rank,
        None if first <= draw.ranked() => first,
        None => 0,
    };
    let position = resume_at(cx, position, &pace, configured, &tally, stop, next, began);
    Ok(Output { position, sent: tally.sent, unsent: tally.unsent })
}

/// Tells the winners of these ranks, many at once.
async fn tell_page(
    cx: &TaskContext,
    telling: &Telling<'_>,
    draw: &Draw,
    ranks: std::ops::RangeInclusive<u32>,
    tally: &mut Tally,
) -> Result<(), TaskError> {
    let mut winners = cx.store.winners_ranked(draw, ranks).await?;
    winners.retain(Winner::has_seat);
    let ids: Vec<ParticipantId> = winners.iter().map(|winner| winner.participant_id.clone()).collect();
    let ledger = cx.store.ledger_entries(&draw.lottery_id, &draw.draw_id, telling.channel(), &ids).await?;
    let settled =
        |winner: &Winner| ledger.get(&winner.participant_id).is_some_and(|line| line.state.is_settled());
    let open: Vec<Winner> = winners.iter().filter(|winner| !settled(winner)).cloned().collect();
    let contacts = cx.store.contacts_of(&draw.lottery_id, &open).await?;
    // Collected first: a stream over a borrowing closure would not be `Send`.
    let told: Vec<_> = winners
        .iter()
        .map(|winner| async {
            let (contact, line) = (contacts.get(&winner.participant_id), ledger.get(&winner.participant_id));
            (winner.rank, telling.tell(winner, contact, line).await)
        })
        .collect();
    let mut told = stream::iter(told).buffer_unordered(telling.concurrency());
    // One winner's error does not take the answers of those who are being told: they are waited for.
    while let Some((rank, outcome)) = told.next().await {
        tally.add(rank, outcome, telling);
    }
    Ok(())
}

impl Tally {
    fn add(&mut self, rank: u32, outcome: Result<Outcome, TaskError>, telling: &Telling<'_>) {
        let lowest = |seen: &mut Option<u32>| *seen = Some(seen.map_or(rank, |lowest| lowest.min(rank)));
        match outcome {
            Ok(Outcome::NothingDue) => {}
            Ok(Outcome::Found(state)) => self.see(state),
            Ok(Outcome::Settled(state)) => {
                match state {
                    NotificationState::Sent => self.settled.sent += 1,
                    NotificationState::Failed => self.settled.failed += 1,
                    _ => self.settled.unknown += 1,
                }
                self.see(state);
            }
            Ok(Outcome::Later(until)) => {
                lowest(&mut self.postponed);
                self.until = [self.until, until].into_iter().flatten().min();
            }
            Ok(Outcome::Left) => lowest(&mut self.left),
            Err(error) => {
                telling.stop(Stop::Error);
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
#[allow(clippy::too_many_arguments, reason = "all that a run has come to, read once")]
fn resume_at(
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
    let progress = tally.settled.sent > 0;
    let wait_seconds = match tally.until {
        _ if next == 0 => 0,
        // The rate is the matter, which is halved.
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
        Some(Stop::Throttled) => pace.slower(usize::try_from(tally.settled.sent).unwrap_or(usize::MAX), took),
        Some(Stop::Unavailable) => before.per_minute,
        _ => Pace::faster(before.per_minute, configured),
    };
    Position { next, postponed, wait_seconds, per_minute, passes: before.passes + 1, round: before.round }
}

/// Counts on the draw's item, for those who watch, and for the operator. The ledger has it all the same.
async fn count(cx: &TaskContext, draw: &Draw, channel: Channel, settled: NotificationCounts) {
    cx.metrics.notifications(channel, settled, cx.clock.now());
    if settled.total() == 0 {
        return;
    }
    let mut counts = NotificationsByChannel::default();
    *counts.on_mut(channel) = settled;
    if let Err(error) = cx.store.count_notifications(&draw.lottery_id, &draw.draw_id, &counts).await {
        warn!(cause = %Chain(&error), "not counted on the draw");
    }
}
