//! The pool of a lottery as a draw reads it: who takes part, in the order of labels, and who has won before.

use std::collections::{HashMap, HashSet};

use lottery::{Draw, DrawId, Group, Holder, Label, LotteryId, ParticipantId, Tickets};

use crate::draws::draw_from;
use crate::item::{Attributes, Item};
use crate::read::Order;
use crate::store::Table;
use crate::{Store, StoreError, keys};

/// Most of what an answer of DynamoDB holds, 1 MB of some 180 bytes each. The embedded one fetches as many as it may before
/// it looks at their size: without a bound the whole rest of a partition, page after page.
const PAGE: usize = 4_096;

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
    /// Whether the organiser keeps the person from winning.
    pub excluded: bool,
}

/// Reads a pool page by page. Each participant is read once, strongly consistent.
#[derive(Debug)]
pub struct PoolReader<'a> {
    store: &'a Store,
    lottery_id: LotteryId,
    /// The partitions that are still to be read.
    digits: std::str::Chars<'static>,
    /// The partition being read, and the label to go on behind.
    reading: Option<(char, Option<String>)>,
}

impl PoolReader<'_> {
    /// The next members of the pool, by label: as many as one answer of DynamoDB holds. None at its end.
    pub async fn next(&mut self) -> Result<Option<Vec<PoolMember>>, StoreError> {
        loop {
            let next = self.reading.take().or_else(|| self.digits.next().map(|digit| (digit, None)));
            let Some((digit, behind)) = next else { return Ok(None) };
            let range = keys::pool(&self.lottery_id, digit);
            let slice = self.store.slice(&range, Order::Ascending, behind.as_deref(), PAGE).await?;
            self.reading = slice.last.map(|last| (digit, Some(last)));
            if !slice.items.is_empty() {
                return slice.items.iter().map(pool_member_from).collect::<Result<_, _>>().map(Some);
            }
        }
    }
}

impl Store {
    /// The pool of a lottery in the order of labels.
    pub fn pool(&self, lottery_id: &LotteryId) -> PoolReader<'_> {
        let digits = keys::POOL_DIGITS.chars();
        PoolReader { store: self, lottery_id: lottery_id.clone(), digits, reading: None }
    }

    /// The members of the pool who have these labels and have not withdrawn, in no order.
    pub async fn pool_members(
        &self,
        lottery_id: &LotteryId,
        labels: &[Label],
    ) -> Result<Vec<PoolMember>, StoreError> {
        let keys: Vec<_> = labels.iter().map(|label| keys::participant(lottery_id, label)).collect();
        let items = self.get_many(Table::Lottery, &keys).await?;
        items.iter().map(pool_member_from).collect()
    }

    /// Who has won in this lottery, and in which draw. Certain only while a draw holds the lottery.
    ///
    /// Every line of a ranking is marked before the winners are official; it counts if it has a seat in the end.
    pub async fn past_winners(
        &self,
        lottery_id: &LotteryId,
    ) -> Result<HashMap<ParticipantId, DrawId>, StoreError> {
        let marks = self.all(&keys::past_winners(lottery_id)).await?;
        let marks = marks.iter().map(Mark::from_item).collect::<Result<Vec<_>, _>>()?;
        let draws: HashSet<&DrawId> = marks.iter().map(|mark| &mark.draw_id).collect();
        let draws: Vec<_> = draws.into_iter().map(|draw_id| keys::draw(lottery_id, draw_id)).collect();
        let mut official = HashMap::new();
        for item in self.get_many(Table::Lottery, &draws).await? {
            let draw = draw_from(&item)?;
            if draw.status.has_official_winners() {
                official.insert(draw.draw_id.clone(), draw);
            }
        }
        let has_won = |mark: &Mark| official.get(&mark.draw_id).is_some_and(|draw| mark.has_seat(draw));
        let won = marks.into_iter().filter(has_won);
        Ok(won.map(|mark| (mark.participant_id, mark.draw_id)).collect())
    }
}

/// That a participant stands in the ranking of a draw.
struct Mark {
    participant_id: ParticipantId,
    draw_id: DrawId,
    rank: u32,
    is_alternate: bool,
}

impl Mark {
    fn from_item(item: &Item) -> Result<Self, StoreError> {
        let item = Attributes(item);
        Ok(Self {
            participant_id: item.parse("participant_id")?,
            draw_id: item.parse("draw_id")?,
            rank: item.number("rank")?,
            is_alternate: item.optional_number::<u32>("prize_index")?.is_none(),
        })
    }

    /// Whether the one who is marked has a seat of the draw, whose winners are official.
    fn has_seat(&self, draw: &Draw) -> bool {
        match self.is_alternate {
            true => draw.taken_by(self.rank).is_some(),
            false => draw.forfeited_by(self.rank).is_none(),
        }
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
        excluded: item.optional_flag("excluded")?,
    })
}
