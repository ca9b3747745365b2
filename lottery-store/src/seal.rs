//! What the seal of a draw needs: the lottery to itself, the pool, past winners, and the sealed chunks.

use std::collections::{HashMap, HashSet};

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use lottery::{
    Commitment, Draw, DrawId, DrawStatus, Entry, Group, Holder, Label, LotteryId, ParticipantId, Reason,
    Tickets,
};
use serde::{Deserialize, Serialize};

use crate::draws::draw_from;
use crate::item::{Attributes, Item, NewItem, json, number, text};
use crate::lotteries::lottery_from;
use crate::read::Order;
use crate::store::Table;
use crate::transaction::Outcome;
use crate::write::Write;
use crate::{Store, StoreError, keys};

/// How many shards of the pool are read at once.
const AT_ONCE: usize = 4;

/// What came of taking a lottery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TakeLottery {
    /// The draw holds it, now or already.
    Taken,
    /// Another draw holds it.
    Busy(DrawId),
    /// The draw is past the point where it needs the lottery.
    Elsewhere,
    /// There is no such lottery or draw.
    Unknown,
}

/// A participant as the drawing role may see it: nothing personal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolMember {
    /// The organiser's own id of the person.
    pub participant_id: ParticipantId,
    /// The random name in every list.
    pub label: Label,
    /// The chances.
    pub tickets: Tickets,
    /// The part of the pool.
    pub group: Option<Group>,
    /// The commitment to who stands behind the label.
    pub holder: Holder,
}

/// An entry of a sealed draw, and who stands behind it. The id is ours; only the entry is published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedEntry {
    /// The entry.
    pub entry: Entry,
    /// Who stands behind it.
    pub participant_id: ParticipantId,
}

/// What is stored of a seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// Names the run that wrote the chunks: other runs may have left theirs beside them.
    pub attempt: String,
    /// How many chunks there are.
    pub chunks: u32,
    /// How many entries they hold.
    pub entries: u64,
    /// What is committed to.
    pub commitment: Commitment,
    /// When.
    pub sealed_at: Timestamp,
}

/// What came of committing to a seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommitSeal {
    /// It is the draw's seal.
    Committed,
    /// The draw has gone on, by another run, or ended: this is how it is.
    Refused(Box<Draw>),
}

impl Store {
    /// Gives the lottery to the draw, unless another has it: one draw at a time.
    pub async fn take_lottery(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
    ) -> Result<TakeLottery, StoreError> {
        let take = Write::update(keys::lottery(lottery_id), "SET open_draw = :draw")
            .only_if("attribute_exists(pk) AND (attribute_not_exists(open_draw) OR open_draw = :draw)")
            .value(":draw", text(draw_id));
        let waiting = Write::check(keys::draw(lottery_id, draw_id), "#status = :waiting")
            .name("#status", "status")
            .value(":waiting", text(DrawStatus::Waiting));
        let refusals = match self.transact(&[take, waiting]).await? {
            Outcome::Done => return Ok(TakeLottery::Taken),
            Outcome::Refused(refusals) => refusals,
        };
        let there = |place| refusals.item(place).filter(|item| !item.is_empty());
        if refusals.failed(1) {
            return Ok(if there(1).is_some() { TakeLottery::Elsewhere } else { TakeLottery::Unknown });
        }
        let holder = there(0).map(lottery_from).transpose()?.and_then(|lottery| lottery.open_draw);
        Ok(holder.map_or(TakeLottery::Unknown, TakeLottery::Busy))
    }

    /// The whole pool of a lottery, in no order; each participant read once.
    pub async fn pool(&self, lottery_id: &LotteryId) -> Result<Vec<PoolMember>, StoreError> {
        let shards = (0..keys::SHARDS).map(|shard| self.pool_shard(lottery_id, shard));
        stream::iter(shards)
            .buffer_unordered(AT_ONCE)
            .try_fold(Vec::new(), |mut pool, shard| async move {
                pool.extend(shard);
                Ok(pool)
            })
            .await
    }

    async fn pool_shard(&self, lottery_id: &LotteryId, shard: u8) -> Result<Vec<PoolMember>, StoreError> {
        let range = keys::participants(lottery_id, shard);
        let mut members = Vec::new();
        let mut behind = None;
        loop {
            let slice = self.slice(&range, Order::Ascending, behind.as_deref(), i32::MAX as usize).await?;
            for item in &slice.items {
                members.push(pool_member_from(item)?);
            }
            behind = slice.last;
            if behind.is_none() {
                return Ok(members);
            }
        }
    }

    /// Who has won in this lottery, and in which draw. Certain only while a draw holds the lottery.
    pub async fn past_winners(
        &self,
        lottery_id: &LotteryId,
    ) -> Result<HashMap<ParticipantId, DrawId>, StoreError> {
        let marks = self.all(&keys::past_winners(lottery_id)).await?;
        let marks = marks
            .iter()
            .map(|mark| Ok((Attributes(mark).parse("participant_id")?, Attributes(mark).parse("draw_id")?)))
            .collect::<Result<Vec<(ParticipantId, DrawId)>, StoreError>>()?;
        let draws: HashSet<&DrawId> = marks.iter().map(|(_, draw_id)| draw_id).collect();
        let draws: Vec<_> = draws.into_iter().map(|draw_id| keys::draw(lottery_id, draw_id)).collect();
        let mut official = HashSet::new();
        for item in self.get_many(Table::Lottery, &draws).await? {
            let draw = draw_from(&item)?;
            if draw.status.has_official_winners() {
                official.insert(draw.draw_id);
            }
        }
        Ok(marks.into_iter().filter(|(_, draw_id)| official.contains(draw_id)).collect())
    }

    /// Writes one chunk of sealed entries. It counts if the seal of this attempt is committed.
    pub async fn put_chunk(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        attempt: &str,
        number: u32,
        entries: &[SealedEntry],
    ) -> Result<(), StoreError> {
        let item =
            NewItem::at(keys::chunk(lottery_id, draw_id, attempt, number)).with("entries", json(&entries));
        self.write(&Write::put(item)).await.map(|_| ())
    }

    /// One chunk of sealed entries.
    pub async fn chunk(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        attempt: &str,
        number: u32,
    ) -> Result<Vec<SealedEntry>, StoreError> {
        let item = self.get(&keys::chunk(lottery_id, draw_id, attempt, number)).await?;
        let item =
            item.ok_or_else(|| StoreError::Broken(format!("chunk {number} of draw {draw_id} is missing")))?;
        Attributes(&item).json("entries")
    }

    /// Makes this the seal of the draw, and gives the draw the lottery's next number. Only one attempt can.
    pub async fn commit_seal(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        seal: &Seal,
    ) -> Result<CommitSeal, StoreError> {
        // The number cannot change in between: whoever seals holds the lottery.
        let Some(lottery) = self.lottery(lottery_id).await? else {
            return Err(StoreError::Broken(format!("lottery {lottery_id} is missing")));
        };
        let count = Write::update(keys::lottery(lottery_id), "SET next_sequence = :next")
            .only_if("open_draw = :draw AND next_sequence = :sequence")
            .value(":draw", text(draw_id))
            .value(":sequence", number(lottery.next_sequence))
            .value(":next", number(lottery.next_sequence + 1));
        let commit = Write::update(
            keys::draw(lottery_id, draw_id),
            "SET #status = :sealed, #sequence = :sequence, sealed_at = :at, entries = :entries, \
             commitment = :commitment, seal_attempt = :attempt, chunks = :chunks",
        )
        .only_if("#status = :waiting")
        .name("#status", "status")
        .name("#sequence", "sequence")
        .value(":waiting", text(DrawStatus::Waiting))
        .value(":sealed", text(DrawStatus::Sealed))
        .value(":sequence", number(lottery.next_sequence))
        .value(":at", text(seal.sealed_at))
        .value(":entries", number(seal.entries))
        .value(":commitment", text(seal.commitment))
        .value(":attempt", text(&seal.attempt))
        .value(":chunks", number(seal.chunks));
        match self.transact(&[count, commit]).await? {
            Outcome::Done => Ok(CommitSeal::Committed),
            Outcome::Refused(_) => {
                Ok(CommitSeal::Refused(Box::new(self.known_draw(lottery_id, draw_id).await?)))
            }
        }
    }

    /// The committed seal of a draw, if there is one.
    pub async fn seal(&self, lottery_id: &LotteryId, draw_id: &DrawId) -> Result<Option<Seal>, StoreError> {
        let Some(item) = self.get(&keys::draw(lottery_id, draw_id)).await? else { return Ok(None) };
        let item = Attributes(&item);
        let Some(attempt) = item.optional_text("seal_attempt")? else { return Ok(None) };
        Ok(Some(Seal {
            attempt: attempt.to_owned(),
            chunks: item.number("chunks")?,
            entries: item.number("entries")?,
            commitment: item.parse_with("commitment", Commitment::parse)?,
            sealed_at: item.timestamp("sealed_at")?,
        }))
    }

    /// Ends a draw whose request cannot be met, and frees its lottery. Answers how the draw is then: another
    /// run may have been faster, or the draw may have been cancelled.
    pub async fn reject_draw(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        reason: &Reason,
        now: Timestamp,
    ) -> Result<Draw, StoreError> {
        let reject = Write::update(
            keys::draw(lottery_id, draw_id),
            "SET #status = :rejected, reason = :reason, completed_at = :now",
        )
        .only_if("#status = :waiting")
        .name("#status", "status")
        .value(":waiting", text(DrawStatus::Waiting))
        .value(":rejected", text(DrawStatus::Rejected))
        .value(":reason", json(reason))
        .value(":now", text(now));
        let free = Write::update(keys::lottery(lottery_id), "REMOVE open_draw")
            .only_if("open_draw = :draw")
            .value(":draw", text(draw_id));
        let writes = [reject, free, Write::delete(keys::unfinished_draw(lottery_id, draw_id))];
        self.transact(&writes).await?;
        self.known_draw(lottery_id, draw_id).await
    }

    /// A draw that has been read before.
    pub(crate) async fn known_draw(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
    ) -> Result<Draw, StoreError> {
        let draw = self.draw(lottery_id, draw_id).await?;
        draw.ok_or_else(|| StoreError::Broken(format!("draw {draw_id} is missing")))
    }
}

fn pool_member_from(item: &Item) -> Result<PoolMember, StoreError> {
    let item = Attributes(item);
    let tickets: u32 = item.number("tickets")?;
    Ok(PoolMember {
        participant_id: item.parse("participant_id")?,
        label: item.parse("label")?,
        tickets: Tickets::try_from(tickets)
            .map_err(|_| StoreError::Broken("attribute tickets".to_owned()))?,
        group: item.parse_optional("group")?,
        holder: item.parse_with("holder", Holder::parse)?,
    })
}
