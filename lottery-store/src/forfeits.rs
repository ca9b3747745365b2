//! Seats that were not claimed in time: passed on as those of winners who are replaced are, many in one transaction.
//!
//! Each transaction also closes the claims of those who leave, on the condition that they have not claimed. A claim that
//! comes first makes it fail, and everything is decided anew from what is stored then.

use std::collections::HashMap;

use jiff::Timestamp;
use lottery::seat_changes::{MAX_CHANGES, SeatChange, reach};
use lottery::selection::Ranked;
use lottery::signature::OrganiserKey;
use lottery::timestamp::ProofTimestamp;
use lottery::{Draw, DrawId, LotteryId, ReplaceReason};

use crate::claims::end_claim;
use crate::seal::SealedDraw;
use crate::seat_changes::{Line, Replacement, further, items, log_time};
use crate::transaction::Outcome;
use crate::winners::{RankedEntry, Winner};
use crate::write::Write;
use crate::{Store, StoreError};

/// The number of seats that one transaction passes on: of its hundred writes each takes one, and the draw and the log one
/// more.
const SEATS_PER_TRANSACTION: usize = 90;
/// The number of seats that are decided at once, from one reading of the ranking.
const SEATS_AT_ONCE: usize = 10 * SEATS_PER_TRANSACTION;
/// How often a transaction is decided anew while others change the draw or claim.
const ATTEMPTS: u32 = 16;

/// What came of forfeiting seats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forfeited {
    /// So many seats were passed on, or left empty where nobody fits.
    Done {
        /// How many.
        seats: u32,
        /// Whether more are due.
        is_more: bool,
    },
    /// The draw was sealed with another key of the organiser, so that no entry of its log can be signed.
    OtherKey,
    /// There is no such draw, or it has no official winners.
    Unknown,
}

impl Store {
    /// Passes on seats whose winners have not claimed them in time, as many as are decided at once. May be repeated, and run
    /// twice at the same time.
    pub async fn forfeit_unclaimed(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        key: &OrganiserKey,
        now: Timestamp,
    ) -> Result<Forfeited, StoreError> {
        for _ in 0..ATTEMPTS {
            let draw = self.draw(lottery_id, draw_id).await?;
            let Some(draw) = draw.filter(|draw| draw.status.has_official_winners()) else {
                return Ok(Forfeited::Unknown);
            };
            let winners = self.winners(lottery_id, draw_id).await?;
            let before = self.seat_changes(&draw).await?;
            let mut due = due(&draw, &winners, &before, now)?;
            let is_more = due.len() > SEATS_AT_ONCE;
            due.truncate(SEATS_AT_ONCE.min(MAX_CHANGES.saturating_sub(before.len())));
            if due.is_empty() {
                return Ok(Forfeited::Done { seats: 0, is_more: false });
            }
            let seal = self.seal_of(&draw).await?;
            if seal.signature.public_key != key.public_key() {
                return Ok(Forfeited::OtherKey);
            }
            let (changes, behind) = self.decide_forfeits(&draw, &seal, &due, &before, key, now).await?;
            self.put_takers(&draw, &behind).await?;
            let passed_on = self.pass_on(&draw, &changes, now).await?;
            if passed_on > 0 {
                let seats = u32::try_from(passed_on).unwrap_or(u32::MAX);
                return Ok(Forfeited::Done { seats, is_more: is_more || passed_on < changes.len() });
            }
        }
        Err(StoreError::Contended)
    }

    /// Decides who takes the seats of these ranks, and names those of them who come from behind the ranking.
    async fn decide_forfeits(
        &self,
        draw: &Draw,
        seal: &SealedDraw,
        due: &[u32],
        before: &[SeatChange],
        key: &OrganiserKey,
        now: Timestamp,
    ) -> Result<(Vec<PassedSeat>, Vec<RankedEntry>), StoreError> {
        let mut ranking = self.ranked_entries(&draw.lottery_id, &draw.draw_id).await?;
        ranking.retain(|entry| entry.rank <= draw.ranking_length());
        let mut most = reach(before, ranking.len());
        loop {
            let mut line = self.line(draw, seal, &ranking, before, most).await?;
            let Some(changes) = forfeit(&mut line, due, key, log_time(draw, now)?)? else {
                most = further(most);
                continue;
            };
            let takers = changes.iter().filter_map(|passed| passed.change.taken_by);
            let behind: Vec<(u32, Ranked)> =
                takers.filter_map(|rank| Some((rank, line.behind(rank)?.clone()))).collect();
            return Ok((changes, self.identified(seal, behind).await?));
        }
    }

    /// Writes seats that were passed on, many in one transaction, until somebody else changes the draw or claims. Returns how
    /// many were written.
    async fn pass_on(
        &self,
        draw: &Draw,
        changes: &[PassedSeat],
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let (mut draw, mut written) = (draw.clone(), 0);
        for part in changes.chunks(SEATS_PER_TRANSACTION) {
            let mut next = None::<Replacement>;
            for PassedSeat { change, prize } in part {
                let before = next.as_ref().map_or(&draw, |next| &next.after);
                next = Some(Replacement::of(before, change, *prize, 0, now));
            }
            let Some(next) = next else { break };
            let log: Vec<SeatChange> = part.iter().map(|passed| passed.change.clone()).collect();
            let mut writes = vec![next.write(&draw)];
            writes.extend(items(&draw.lottery_id, &draw.draw_id, &log).map(Write::create));
            writes.extend(log.iter().map(|change| end_claim(&draw, change.rank, None)));
            if let Outcome::Refused(_) = self.transact(&writes).await? {
                break;
            }
            draw = next.after;
            written += part.len();
        }
        Ok(written)
    }
}

/// A seat that is passed on: the entry of the log, and the index of the prize.
struct PassedSeat {
    change: SeatChange,
    prize: u32,
}

/// Passes the seats of these ranks on, one after the other. None: the line was not read far enough.
fn forfeit(
    line: &mut Line<'_>,
    due: &[u32],
    key: &OrganiserKey,
    at: ProofTimestamp,
) -> Result<Option<Vec<PassedSeat>>, StoreError> {
    let mut changes = Vec::with_capacity(due.len());
    for rank in due {
        let broken = |fault| StoreError::Broken(format!("the seat of rank {rank}: {fault}"));
        let prize = line.seating.vacate(*rank).map_err(broken)?;
        let taken_by = line.seating.pass_on(prize);
        if taken_by.is_none() && !line.is_whole {
            return Ok(None);
        }
        let change = line.end.append(key, Some(ReplaceReason::Unclaimed), *rank, taken_by, at);
        changes.push(PassedSeat { change, prize });
    }
    Ok(Some(changes))
}

/// The ranks whose time to claim is over, prize after prize, the best rank first. Their winners have had their seats for that
/// long by the log, too, whatever the clocks say: verifiers hold each entry to it.
fn due(
    draw: &Draw,
    winners: &[Winner],
    changes: &[SeatChange],
    now: Timestamp,
) -> Result<Vec<u32>, StoreError> {
    let Some(claims) = draw.asks_to_claim().filter(|_| !draw.is_closed()) else { return Ok(Vec::new()) };
    let taken_at: HashMap<u32, ProofTimestamp> =
        changes.iter().filter_map(|change| Some((change.taken_by?, change.at))).collect();
    // An entry is not dated before the one before it.
    let latest = changes.last().map(|change| change.at);
    let now_in_log = log_time(draw, now)?;
    let now_in_log = latest.map_or(now_in_log, |latest| latest.max(now_in_log));
    let has_had = |rank: u32| {
        let since = taken_at.get(&rank).map(|at| at.timestamp()).or(draw.round_at);
        since.is_none_or(|since| {
            now_in_log.timestamp().duration_since(since).as_secs() >= i64::from(claims.within_seconds)
        })
    };
    let mut due: Vec<(u32, u32)> = winners
        .iter()
        .filter(|winner| winner.has_seat() && winner.claimed_at.is_none())
        .filter(|winner| draw.claim_deadline(winner.rank).is_some_and(|deadline| deadline <= now))
        .filter(|winner| has_had(winner.rank))
        .map(|winner| (winner.prize_index, winner.rank))
        .collect();
    due.sort_unstable();
    Ok(due.into_iter().map(|(_, rank)| rank).collect())
}
