//! From a sealed draw to official winners, or back to nothing.
//!
//! Winners are written as rows that do not count, and one transaction on the draw's status makes all of them
//! official at once: the pivot. The same status decides what is released and what goes forward.

use jiff::Timestamp;
use lottery::{Draw, DrawId, DrawStatus, Forfeit, LotteryId, NotificationsByChannel, Part, Reason};

use crate::holding::free;
use crate::item::{NewItem, flag, json, number, text};
use crate::results::{RankedEntry, Winner};
use crate::store::Table;
use crate::transaction::Outcome;
use crate::write::Write;
use crate::{Store, StoreError, counting, keys};

/// How often a release that other writers race with is decided anew.
const ATTEMPTS: u32 = 8;

/// What came of declaring the winners drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkDrawn {
    /// They are, now or already.
    Drawn,
    /// The draw has ended meanwhile.
    Elsewhere(DrawStatus),
}

/// What came of making winners official.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordWinners {
    /// They are, now or already.
    Recorded(Box<Draw>),
    /// The draw has no winners that could be.
    Elsewhere(DrawStatus),
    /// There is no such draw.
    Unknown,
}

/// What came of releasing winners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReleaseWinners {
    /// Nobody has won, and the draw does not hold its lottery.
    Released {
        /// How the draw has ended by this call; nothing if it had ended before.
        by_this_call: Option<DrawStatus>,
    },
    /// The winners were official already.
    Official(Box<Draw>),
    /// There is no such draw.
    Unknown,
}

impl Store {
    /// Writes the rows of the ranking, and marks for later draws of those who win, or may take a forfeited seat.
    /// Neither counts before [`Store::record_winners`].
    pub async fn put_pending_ranking(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        ranking: &[RankedEntry],
    ) -> Result<(), StoreError> {
        let marks = ranking.iter().map(|RankedEntry { participant_id, rank, ranked, .. }| {
            NewItem::at(keys::past_winner(lottery_id, participant_id, draw_id))
                .with("participant_id", text(participant_id))
                .with("draw_id", text(draw_id))
                .with("rank", number(rank))
                .with_some("prize_index", ranked.prize.map(number))
        });
        let rows = ranking.iter().map(|RankedEntry { participant_id, rank, ranked, part }| {
            NewItem::at(keys::winner(lottery_id, draw_id, *rank))
                .with("participant_id", text(participant_id))
                .with("label", text(ranked.label))
                .with_some("prize_index", ranked.prize.map(number))
                .with("rank", number(rank))
                .with("score", text(ranked.score))
                .with("seat", json(&ranked.seat))
                .with_some("group", part.group().map(text))
                .with_some("without_group", (*part == Part::WithoutGroup).then(|| flag(true)))
        });
        self.put_many(Table::Lottery, &rows.chain(marks).collect::<Vec<_>>()).await
    }

    /// Declares the winners' rows complete.
    pub async fn mark_drawn(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        now: Timestamp,
    ) -> Result<MarkDrawn, StoreError> {
        let mark = Write::update(keys::draw(lottery_id, draw_id), "SET #status = :drawn, drawn_at = :now")
            .value(":now", text(now))
            .only_if("#status = :sealed")
            .name("#status", "status")
            .value(":sealed", text(DrawStatus::Sealed))
            .value(":drawn", text(DrawStatus::Drawn));
        if let Outcome::Done = self.write(&mark).await? {
            return Ok(MarkDrawn::Drawn);
        }
        match self.known_draw(lottery_id, draw_id).await?.status {
            DrawStatus::Drawn => Ok(MarkDrawn::Drawn),
            status if status.has_official_winners() => Ok(MarkDrawn::Drawn),
            status => Ok(MarkDrawn::Elsewhere(status)),
        }
    }

    /// The pivot: makes the winners official, all but those who forfeit their seats, and frees the lottery. Of
    /// several calls the first decides who forfeits.
    pub async fn record_winners(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        forfeits: &[Forfeit],
        now: Timestamp,
    ) -> Result<RecordWinners, StoreError> {
        let set_forfeits = if forfeits.is_empty() { "" } else { ", forfeits = :forfeits" };
        let mut record = Write::update(
            keys::draw(lottery_id, draw_id),
            format!("SET #status = :recorded, recorded_at = :now{set_forfeits}"),
        )
        .only_if("#status = :drawn")
        .name("#status", "status")
        .value(":drawn", text(DrawStatus::Drawn))
        .value(":recorded", text(DrawStatus::Recorded))
        .value(":now", text(now));
        if !forfeits.is_empty() {
            record = record.value(":forfeits", json(&forfeits));
        }
        // Whether this transaction was the one or an earlier one was, the draw now says.
        self.transact(&[record, free(lottery_id, draw_id)]).await?;
        match self.draw(lottery_id, draw_id).await? {
            None => Ok(RecordWinners::Unknown),
            Some(draw) if draw.status.has_official_winners() => Ok(RecordWinners::Recorded(Box::new(draw))),
            Some(draw) => Ok(RecordWinners::Elsewhere(draw.status)),
        }
    }

    /// Ends a draw whose winners are not official, and lets go of its lottery. Before the commitment it has
    /// failed; after it, it is abandoned: once its round is out anybody can compute who would have won, so it
    /// keeps its number and commitment for all to see.
    pub async fn release_winners(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        reason: &Reason,
        now: Timestamp,
    ) -> Result<ReleaseWinners, StoreError> {
        let mut by_this_call = None;
        for _ in 0..ATTEMPTS {
            let Some(draw) = self.draw(lottery_id, draw_id).await? else {
                return Ok(ReleaseWinners::Unknown);
            };
            if draw.status.has_official_winners() {
                return Ok(ReleaseWinners::Official(Box::new(draw)));
            }
            if draw.status.is_final() {
                self.erase_pending_winners(&draw).await?;
                return Ok(ReleaseWinners::Released { by_this_call });
            }
            let let_go = self.let_go(lottery_id, draw_id).await?;
            let end = match draw.status {
                DrawStatus::Waiting => DrawStatus::Failed,
                _ => DrawStatus::Abandoned,
            };
            let fail = Write::update(
                keys::draw(lottery_id, draw_id),
                "SET #status = :end, reason = :reason, completed_at = :now",
            )
            .only_if("#status = :seen")
            .name("#status", "status")
            .value(":seen", text(draw.status))
            .value(":end", text(end))
            .value(":reason", json(reason))
            .value(":now", text(now));
            // Decided by reading again, whether it was done or not.
            let writes = [fail, let_go, Write::delete(keys::unfinished_draw(lottery_id, draw_id))];
            if let Outcome::Done = self.transact(&writes).await? {
                by_this_call = Some(end);
            }
        }
        Err(StoreError::Contended)
    }

    /// Nothing stays drawn. The rows count for nothing any more, so a row that a late run still writes does no harm.
    async fn erase_pending_winners(&self, draw: &Draw) -> Result<(), StoreError> {
        let (lottery_id, draw_id) = (&draw.lottery_id, &draw.draw_id);
        let ranking = self.ranked_entries(lottery_id, draw_id).await?;
        let rows = ranking.iter().map(|entry| keys::winner(lottery_id, draw_id, entry.rank));
        let marks = ranking.iter().map(|entry| keys::past_winner(lottery_id, &entry.participant_id, draw_id));
        self.delete_many(Table::Lottery, &rows.chain(marks).collect::<Vec<_>>()).await
    }

    /// The winners of these ranks, by rank. Whether they are official the caller knows from the draw, and whether
    /// they forfeited their seats they say themselves. No rank may stand twice.
    pub async fn winners_ranked(
        &self,
        draw: &Draw,
        ranks: impl IntoIterator<Item = u32>,
    ) -> Result<Vec<Winner>, StoreError> {
        let ranks = ranks.into_iter();
        let keys: Vec<_> = ranks.map(|rank| keys::winner(&draw.lottery_id, &draw.draw_id, rank)).collect();
        let items = self.get_many(Table::Lottery, &keys).await?;
        let winners = items.iter().filter_map(|item| Winner::from_item(item, draw).transpose());
        let mut winners = winners.collect::<Result<Vec<_>, _>>()?;
        winners.sort_by_key(|winner| winner.rank);
        Ok(winners)
    }

    /// The lines of the ranking of these ranks, winners and alternates, by rank; see [`Store::winners_ranked`].
    pub async fn lines_ranked(
        &self,
        draw: &Draw,
        ranks: impl IntoIterator<Item = u32>,
    ) -> Result<Vec<RankedEntry>, StoreError> {
        let ranks = ranks.into_iter();
        let keys: Vec<_> = ranks.map(|rank| keys::winner(&draw.lottery_id, &draw.draw_id, rank)).collect();
        let items = self.get_many(Table::Lottery, &keys).await?;
        let mut lines = items.iter().map(RankedEntry::from_item).collect::<Result<Vec<_>, _>>()?;
        lines.sort_by_key(|line| line.rank);
        Ok(lines)
    }

    /// Ends a draw whose winners are official, with the counts of its ledger. `false` if the organiser has had
    /// messages reopened since the draw was read: it has not ended then. A draw that has ended already stays as it is.
    pub async fn end_draw(
        &self,
        draw: &Draw,
        status: DrawStatus,
        reason: Option<&Reason>,
        counts: &NotificationsByChannel,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let set_reason = if reason.is_some() { ", reason = :reason" } else { "" };
        let seen = match draw.reopened {
            0 => "attribute_not_exists(reopened)",
            _ => "reopened = :seen",
        };
        let mut end = Write::update(
            keys::draw(&draw.lottery_id, &draw.draw_id),
            format!(
                "SET #status = :status, completed_at = :now, notifications = :counts, {}{set_reason}",
                counting::SET
            ),
        )
        .only_if(format!("#status = :recorded AND {seen}"))
        .name("#status", "status")
        .value(":recorded", text(DrawStatus::Recorded))
        .value(":status", text(status))
        .value(":now", text(now))
        .value(":counts", json(&counts.total()));
        end = counting::values(end, counts);
        if draw.reopened > 0 {
            end = end.value(":seen", number(draw.reopened));
        }
        if let Some(reason) = reason {
            end = end.value(":reason", json(reason));
        }
        let writes = [end, Write::delete(keys::unfinished_draw(&draw.lottery_id, &draw.draw_id))];
        match self.transact(&writes).await? {
            Outcome::Done => Ok(true),
            Outcome::Refused(_) => {
                let found = self.known_draw(&draw.lottery_id, &draw.draw_id).await?;
                Ok(found.status.is_final())
            }
        }
    }
}
