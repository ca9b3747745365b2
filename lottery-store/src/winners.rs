//! The rows of winners and alternates.
//!
//! They are written as pending, and one transaction on the draw's status makes all of them official at once: the pivot.
//! Before the pivot a draw can be released; after it, the draw can only complete.

use jiff::Timestamp;
use lottery::fingerprint::Fingerprints;
use lottery::selection::{Ranked, Seat};
use lottery::{
    Draw, DrawId, DrawStatus, HexBytes, Label, LotteryId, Part, ParticipantId, PassedOn, PrizeName,
};

use crate::claims::add_claims;
use crate::draw_status::Transition;
use crate::item::{Attributes, Item, NewItem, flag, json, number, text};
use crate::lottery_lock::release;
use crate::past_winners::mark;
use crate::seat_changes::{self, Withdrawals};
use crate::store::Table;
use crate::transaction::Outcome;
use crate::write::Write;
use crate::{Store, StoreError, keys};

/// An entry with the prize it won, and the participant to whom it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Winner {
    /// The participant.
    pub participant_id: ParticipantId,
    /// The label of the entry.
    pub label: Label,
    /// The label of the participant in the pool.
    pub member: Label,
    /// The prize.
    pub prize: PrizeName,
    /// The index of the prize in the draw's list, from 0.
    pub prize_index: u32,
    /// The entry's rank in the published ranking, from 1.
    pub rank: u32,
    /// The seat that this winner left, why, and who took it.
    pub left: Option<PassedOn>,
    /// The rank of the entry that left this seat, if this winner took it.
    pub instead_of: Option<u32>,
    /// When the winner claimed the prize, in a draw that asks for it.
    pub claimed_at: Option<Timestamp>,
}

/// A row of a draw's ranking, a winner or an alternate, and the participant to whom it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RankedEntry {
    /// The participant.
    pub participant_id: ParticipantId,
    /// The label of the participant in the pool.
    pub member: Label,
    /// What later draws recognise the participant by; none of one who has withdrawn.
    pub fingerprints: Option<Fingerprints>,
    /// The rank, from 1.
    pub rank: u32,
    /// Label, score and seat.
    pub ranked: Ranked,
    /// The part of the pool to which the entry belongs.
    pub part: Part,
}

/// The result of [`Store::mark_drawn`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkDrawn {
    /// The winners are drawn, now or already.
    Drawn,
    /// The draw has ended with this status.
    WrongStatus(DrawStatus),
}

/// The result of [`Store::record_winners`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordWinners {
    /// The winners are official, now or already.
    Recorded(Box<Draw>),
    /// The draw has no winners that could become official.
    WrongStatus(DrawStatus),
    /// There is no such draw.
    Unknown,
}

impl RankedEntry {
    fn from_item(item: &Item) -> Result<Self, StoreError> {
        let item = Attributes(item);
        let part = match item.parse_optional("group")? {
            Some(group) => Part::Group(group),
            None if item.optional_flag("without_group")? => Part::WithoutGroup,
            None => Part::Other,
        };
        Ok(Self {
            participant_id: item.parse("participant_id")?,
            member: match item.parse_optional("member")? {
                Some(member) => member,
                None => item.parse("label")?,
            },
            // Only the mark for later draws holds them.
            fingerprints: None,
            rank: item.number("rank")?,
            ranked: Ranked {
                label: item.parse("label")?,
                prize: item.optional_number("prize_index")?,
                score: item.parse_with("score", HexBytes::parse)?,
                seat: item.json::<Seat>("seat")?,
            },
            part,
        })
    }

    fn to_item(&self, lottery_id: &LotteryId, draw_id: &DrawId) -> NewItem {
        let Self { participant_id, member, rank, ranked, part, .. } = self;
        NewItem::at(keys::winner(lottery_id, draw_id, *rank))
            .with("participant_id", text(participant_id))
            .with("label", text(ranked.label))
            .with("member", text(member))
            .with_some("prize_index", ranked.prize.map(number))
            .with("rank", number(rank))
            .with("score", text(ranked.score))
            .with("seat", json(&ranked.seat))
            .with_some("group", part.group().map(text))
            .with_some("without_group", (*part == Part::WithoutGroup).then(|| flag(true)))
    }
}

impl Winner {
    /// Whether the winner has not left the seat.
    pub fn has_seat(&self) -> bool {
        self.left.is_none()
    }

    /// The row of a winner has the index of its prize. The row of an alternate has none; an alternate who took a seat
    /// that somebody left is a winner with the prize of that seat.
    fn from_item(item: &Item, draw: &Draw) -> Result<Option<Self>, StoreError> {
        let RankedEntry { participant_id, member, rank, ranked, .. } = RankedEntry::from_item(item)?;
        let taken = draw.taken_by(rank);
        let Some(prize_index) = ranked.prize.or(taken.map(|seat| seat.prize)) else { return Ok(None) };
        let prize = draw.prizes.as_slice().get(prize_index as usize);
        let prize =
            prize.ok_or_else(|| StoreError::Broken(format!("prize_index of draw {}", draw.draw_id)))?;
        let prize = prize.name.clone();
        let (left, instead_of) = (draw.left_by(rank), taken.map(|seat| seat.rank));
        let label = ranked.label;
        Ok(Some(Self {
            participant_id,
            label,
            member,
            prize,
            prize_index,
            rank,
            left,
            instead_of,
            claimed_at: None,
        }))
    }
}

impl Store {
    /// Writes the rows of the ranking, and marks for later draws on those who win or may take a forfeited seat. Neither
    /// counts before [`Store::record_winners`].
    pub async fn put_pending_ranking(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        ranking: &[RankedEntry],
    ) -> Result<(), StoreError> {
        let row =
            |entry| [RankedEntry::to_item(entry, lottery_id, draw_id), mark(lottery_id, draw_id, entry)];
        let items = ranking.iter().flat_map(row);
        self.put_many(Table::Lottery, &items.collect::<Vec<_>>()).await
    }

    /// Writes the rows of the ranking of a rehearsal, of which no later draw takes note.
    pub async fn put_rehearsed_ranking(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        ranking: &[RankedEntry],
    ) -> Result<(), StoreError> {
        let rows = ranking.iter().map(|entry| entry.to_item(lottery_id, draw_id));
        self.put_many(Table::Lottery, &rows.collect::<Vec<_>>()).await
    }

    /// Declares the winners' rows complete.
    pub async fn mark_drawn(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        now: Timestamp,
    ) -> Result<MarkDrawn, StoreError> {
        let (from, to) = (DrawStatus::Sealed, DrawStatus::Drawn);
        let mark =
            Transition { lottery_id, draw_id, from, to }.write(", drawn_at = :now").value(":now", text(now));
        if let Outcome::Done = self.write(&mark).await? {
            return Ok(MarkDrawn::Drawn);
        }
        match self.known_draw(lottery_id, draw_id).await?.status {
            DrawStatus::Drawn => Ok(MarkDrawn::Drawn),
            status if status.has_official_winners() => Ok(MarkDrawn::Drawn),
            status => Ok(MarkDrawn::WrongStatus(status)),
        }
    }

    /// The pivot: makes the winners official, all but those who withdrew before the round, and releases the lottery. Of
    /// several calls the first decides who that is.
    pub async fn record_winners(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        withdrawals: &Withdrawals,
        now: Timestamp,
    ) -> Result<RecordWinners, StoreError> {
        let release = release(lottery_id, draw_id);
        self.record_as(lottery_id, draw_id, withdrawals, now, Some(release)).await
    }

    /// Ends the drawing of a rehearsal, which holds no lottery.
    pub async fn record_rehearsed(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        withdrawals: &Withdrawals,
        now: Timestamp,
    ) -> Result<RecordWinners, StoreError> {
        self.record_as(lottery_id, draw_id, withdrawals, now, None).await
    }

    async fn record_as(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        withdrawals: &Withdrawals,
        now: Timestamp,
        release: Option<Write>,
    ) -> Result<RecordWinners, StoreError> {
        let Withdrawals { passed_on, changes } = withdrawals;
        let set = if changes.is_empty() { "" } else { ", passed_on = :passed_on, seat_changes = :changes" };
        let (from, to) = (DrawStatus::Drawn, DrawStatus::Recorded);
        let mut record = Transition { lottery_id, draw_id, from, to }
            .write(&format!(", recorded_at = :now{set}"))
            .value(":now", text(now));
        if !changes.is_empty() {
            record = record.value(":passed_on", json(passed_on)).value(":changes", number(changes.len()));
        }
        let mut writes: Vec<Write> = [record].into_iter().chain(release).collect();
        writes.extend(seat_changes::items(lottery_id, draw_id, changes).map(Write::put));
        // The draw says whether this transaction or an earlier one made the winners official.
        self.transact(&writes).await?;
        match self.draw(lottery_id, draw_id).await? {
            None => Ok(RecordWinners::Unknown),
            Some(draw) if draw.status.has_official_winners() => Ok(RecordWinners::Recorded(Box::new(draw))),
            Some(draw) => Ok(RecordWinners::WrongStatus(draw.status)),
        }
    }

    /// Deletes the rows of a draw that ended without winners. A row that a late run writes afterwards does no harm: the
    /// status of the draw says that it does not count.
    pub(crate) async fn delete_pending_winners(&self, draw: &Draw) -> Result<(), StoreError> {
        let (lottery_id, draw_id) = (&draw.lottery_id, &draw.draw_id);
        let ranking = self.ranked_entries(lottery_id, draw_id).await?;
        let rows = ranking.iter().map(|entry| keys::winner(lottery_id, draw_id, entry.rank));
        let marks = ranking.iter().map(|entry| keys::past_winner(lottery_id, &entry.participant_id, draw_id));
        self.delete_many(Table::Lottery, &rows.chain(marks).collect::<Vec<_>>()).await
    }

    /// The winners of a draw by rank, those who left their seats too; none before they are official.
    pub async fn winners(&self, lottery_id: &LotteryId, draw_id: &DrawId) -> Result<Vec<Winner>, StoreError> {
        let draw = self.draw(lottery_id, draw_id).await?;
        let Some(draw) = draw.filter(|draw| draw.status.has_official_winners()) else {
            return Ok(Vec::new());
        };
        let items = self.all(&keys::winners(lottery_id, draw_id)).await?;
        let winners = items.iter().filter_map(|item| Winner::from_item(item, &draw).transpose());
        let mut winners = winners.collect::<Result<Vec<_>, _>>()?;
        // The key of a rank of more than five digits sorts before others.
        winners.sort_by_key(|winner| winner.rank);
        if draw.asks_to_claim().is_some() {
            let claims = self.all(&keys::claims(lottery_id, draw_id)).await?;
            add_claims(&mut winners, &claims)?;
        }
        Ok(winners)
    }

    /// The winners with these ranks, by rank. The draw says whether they are official, and each winner whether the seat
    /// was left. No rank may be given twice.
    pub async fn winners_ranked(
        &self,
        draw: &Draw,
        ranks: impl IntoIterator<Item = u32>,
    ) -> Result<Vec<Winner>, StoreError> {
        let items = self.rows_ranked(draw, ranks).await?;
        let winners = items.iter().filter_map(|item| Winner::from_item(item, draw).transpose());
        let mut winners = winners.collect::<Result<Vec<_>, _>>()?;
        winners.sort_by_key(|winner| winner.rank);
        if draw.asks_to_claim().is_some() {
            let key = |winner: &Winner| keys::claim(&draw.lottery_id, &draw.draw_id, winner.rank);
            let keys: Vec<_> = winners.iter().map(key).collect();
            add_claims(&mut winners, &self.get_many(Table::Lottery, &keys).await?)?;
        }
        Ok(winners)
    }

    /// The rows of the ranking with these ranks, winners and alternates, by rank; see [`Store::winners_ranked`].
    pub async fn entries_ranked(
        &self,
        draw: &Draw,
        ranks: impl IntoIterator<Item = u32>,
    ) -> Result<Vec<RankedEntry>, StoreError> {
        let items = self.rows_ranked(draw, ranks).await?;
        let mut entries = items.iter().map(RankedEntry::from_item).collect::<Result<Vec<_>, _>>()?;
        entries.sort_by_key(|entry| entry.rank);
        Ok(entries)
    }

    async fn rows_ranked(
        &self,
        draw: &Draw,
        ranks: impl IntoIterator<Item = u32>,
    ) -> Result<Vec<Item>, StoreError> {
        let ranks = ranks.into_iter();
        let keys: Vec<_> = ranks.map(|rank| keys::winner(&draw.lottery_id, &draw.draw_id, rank)).collect();
        self.get_many(Table::Lottery, &keys).await
    }

    /// The published ranking of a draw, winners and alternates; none before the winners are official.
    pub async fn ranking(&self, draw: &Draw) -> Result<Option<Vec<RankedEntry>>, StoreError> {
        if !draw.status.has_official_winners() {
            return Ok(None);
        }
        let mut ranking = self.ranked_entries(&draw.lottery_id, &draw.draw_id).await?;
        ranking.retain(|entry| entry.rank <= draw.ranking_length());
        Ok(Some(ranking))
    }

    /// The ranking of a draw as it is stored, official or pending, and the entries after it that may take a seat.
    pub async fn ranked_entries(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
    ) -> Result<Vec<RankedEntry>, StoreError> {
        let items = self.all(&keys::winners(lottery_id, draw_id)).await?;
        let mut entries = items.iter().map(RankedEntry::from_item).collect::<Result<Vec<_>, _>>()?;
        entries.sort_by_key(|entry| entry.rank);
        Ok(entries)
    }
}
