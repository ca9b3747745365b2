//! The pool of a lottery as a draw reads it: who takes part, in the order of labels, and who has won before.

use std::collections::{HashMap, HashSet};

use lottery::{DrawId, Group, Holder, Label, LotteryId, ParticipantId, Tickets};

use crate::draws::draw_from;
use crate::item::{Attributes, Item};
use crate::read::Order;
use crate::store::Table;
use crate::{Store, StoreError, keys};

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
            let slice =
                self.store.slice(&range, Order::Ascending, behind.as_deref(), i32::MAX as usize).await?;
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
