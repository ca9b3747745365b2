//! The repeating draws of a lottery: what each asks for, and what came of the times at which it was due. The schedules that
//! EventBridge holds are made from these; a schedule without one of these starts nothing.

use jiff::Timestamp;
use lottery::repeat::MAX_REPEATS;
use lottery::{LotteryId, Repeat, RepeatId, RepeatResult};
use serde_json::Value;

use crate::item::{Attributes, Item, NewItem, json, number, text};
use crate::read::Order;
use crate::transaction::Outcome;
use crate::write::Write;
use crate::{Store, StoreError, keys};

/// How many results are kept of each.
const MAX_RESULTS: usize = 20;
/// More are never read: above the most, for requests beside one another may make a few too many.
const MAX_READ: usize = 2 * MAX_REPEATS;

/// A repeating draw as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRepeat {
    /// Names it within its lottery.
    pub repeat_id: RepeatId,
    /// What it asks for.
    pub repeat: Repeat,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last: times before are no longer due.
    pub changed_at: Timestamp,
    /// How often it was changed.
    pub revision: u32,
    /// What came of its times, the newest first.
    pub results: Vec<RepeatResult>,
}

impl StoredRepeat {
    fn from_item(item: &Item) -> Result<Self, StoreError> {
        let item = Attributes(item);
        let request: Value = item.json("request")?;
        let repeat =
            Repeat::parse(&request).map_err(|_| StoreError::Broken("a repeating draw".to_owned()))?;
        Ok(Self {
            repeat_id: item.parse("repeat_id")?,
            repeat,
            created_at: item.timestamp("created_at")?,
            changed_at: item.timestamp("changed_at")?,
            revision: item.number("revision")?,
            results: item.optional_json("results")?.unwrap_or_default(),
        })
    }

    /// What came of a time.
    pub fn result_of(&self, due_at: Timestamp) -> Option<&RepeatResult> {
        self.results.iter().find(|result| result.due_at == due_at)
    }
}

impl Store {
    /// Stores a new repeating draw. `false` if the lottery was deleted, or one of this id is there already.
    pub async fn create_repeat(
        &self,
        lottery_id: &LotteryId,
        stored: &StoredRepeat,
    ) -> Result<bool, StoreError> {
        let item = NewItem::at(keys::repeat(lottery_id, &stored.repeat_id))
            .with("repeat_id", text(&stored.repeat_id))
            .with("request", json(&stored.repeat.to_json()))
            .with("created_at", text(stored.created_at))
            .with("changed_at", text(stored.changed_at))
            .with("revision", number(stored.revision));
        let lottery = keys::lottery(lottery_id);
        let is_there = Write::check(lottery, "attribute_exists(pk) AND attribute_not_exists(deleted_at)");
        Ok(matches!(self.transact(&[is_there, Write::create(item)]).await?, Outcome::Done))
    }

    /// The repeating draws of a lottery, the first that was made first.
    pub async fn repeats(&self, lottery_id: &LotteryId) -> Result<Vec<StoredRepeat>, StoreError> {
        let items = self.slice(&keys::repeats(lottery_id), Order::Ascending, None, MAX_READ).await?.items;
        let mut repeats = items.iter().map(StoredRepeat::from_item).collect::<Result<Vec<_>, _>>()?;
        repeats.sort_by(|a, b| (a.created_at, &a.repeat_id).cmp(&(b.created_at, &b.repeat_id)));
        Ok(repeats)
    }

    /// A repeating draw, if there is one of this id.
    pub async fn repeat(
        &self,
        lottery_id: &LotteryId,
        repeat_id: &RepeatId,
    ) -> Result<Option<StoredRepeat>, StoreError> {
        let item = self.get(&keys::repeat(lottery_id, repeat_id)).await?;
        item.as_ref().map(StoredRepeat::from_item).transpose()
    }

    /// Stores what a repeating draw asks for from now on. `false` if it was changed or deleted since it was read.
    pub async fn change_repeat(
        &self,
        lottery_id: &LotteryId,
        read: &StoredRepeat,
        repeat: &Repeat,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let key = keys::repeat(lottery_id, &read.repeat_id);
        let write = Write::update(key, "SET #request = :request, changed_at = :now, revision = :next")
            .only_if("revision = :read")
            .name("#request", "request")
            .value(":request", json(&repeat.to_json()))
            .value(":now", text(now))
            .value(":next", number(read.revision + 1))
            .value(":read", number(read.revision));
        Ok(matches!(self.write(&write.silently()).await?, Outcome::Done))
    }

    /// Records what came of a time. `false` if the repeating draw is gone, or a result of this time or a later one is there.
    pub async fn record_repeat(
        &self,
        lottery_id: &LotteryId,
        read: &StoredRepeat,
        result: &RepeatResult,
    ) -> Result<bool, StoreError> {
        let earlier = read.results.iter().take(MAX_RESULTS - 1);
        let results: Vec<&RepeatResult> = std::iter::once(result).chain(earlier).collect();
        let key = keys::repeat(lottery_id, &read.repeat_id);
        let write = Write::update(key, "SET results = :results, last_due = :due")
            .only_if("attribute_exists(pk) AND (attribute_not_exists(last_due) OR last_due < :due)")
            .value(":results", json(&results))
            .value(":due", number(result.due_at.as_second()));
        Ok(matches!(self.write(&write.silently()).await?, Outcome::Done))
    }

    /// Erases a repeating draw; one that is gone is no error.
    pub async fn delete_repeat(
        &self,
        lottery_id: &LotteryId,
        repeat_id: &RepeatId,
    ) -> Result<(), StoreError> {
        self.write(&Write::delete(keys::repeat(lottery_id, repeat_id))).await.map(|_| ())
    }
}
