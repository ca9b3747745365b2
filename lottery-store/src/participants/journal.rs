//! Who people were before the last import: what it takes to undo it.
//!
//! For each participant that an import changes or withdraws, the former contact is kept as an item of its own, written in
//! the same transaction. A participant added by the import needs none: their contact says so. What is kept is as
//! personal as the contact: it is in the same table, is deleted when the person withdraws or the next import begins, and
//! expires after a week. (Sealing makes it useless, but does not erase it: the role that draws has no permission on that
//! table.)

use futures_util::{TryStreamExt, stream};
use jiff::Timestamp;
use lottery::LotteryId;

use super::import::Import;
use super::{PAGE, StoredContact};
use crate::item::{Attributes, Item, NewItem, flag, number};
use crate::keys::{self, Key, SHARDS};
use crate::read::Order;
use crate::store::Table;
use crate::table::EXPIRES_AT;
use crate::{Store, StoreError};

/// How long an import can be undone, in seconds.
pub(super) const RETENTION_SECONDS: i64 = 7 * 24 * 3_600;

/// Who somebody was before an import.
pub(super) struct Before {
    pub(super) contact: StoredContact,
    pub(super) import: u64,
    /// The import withdrew them; else it changed them.
    pub(super) is_withdrawn: bool,
}

impl Before {
    pub(super) fn from_item(item: &Item) -> Result<Self, StoreError> {
        let attributes = Attributes(item);
        Ok(Self {
            contact: StoredContact::from_item(item)?,
            import: attributes.number("changed_by")?,
            is_withdrawn: attributes.optional_flag("is_withdrawn")?,
        })
    }
}

/// The item that keeps who somebody was whom an import changes.
pub(super) fn changed(import: &Import, before: &StoredContact, now: Timestamp) -> NewItem {
    before
        .at(keys::journal(&import.lottery_id, &before.participant.participant_id))
        .with("changed_by", number(import.number))
        .with(EXPIRES_AT, number(now.as_second() + RETENTION_SECONDS))
}

/// The item that keeps who somebody was whom an import withdraws.
pub(super) fn withdrawn(import: &Import, before: &StoredContact, now: Timestamp) -> NewItem {
    changed(import, before, now).with("is_withdrawn", flag(true))
}

impl Store {
    /// Erases whatever is kept to undo an import of a lottery.
    pub async fn forget_imports(&self, lottery_id: &LotteryId) -> Result<(), StoreError> {
        self.erase_journal(lottery_id).await
    }

    /// Erases what is kept of a lottery, whichever import it was kept for.
    pub(super) async fn erase_journal(&self, lottery_id: &LotteryId) -> Result<(), StoreError> {
        let shards: Vec<_> = (0..SHARDS).map(|shard| self.erase_journal_of(lottery_id, shard)).collect();
        stream::iter(shards.into_iter().map(Ok)).try_for_each_concurrent(8, |shard| shard).await
    }

    async fn erase_journal_of(&self, lottery_id: &LotteryId, shard: u8) -> Result<(), StoreError> {
        let range = keys::journals(lottery_id, shard);
        loop {
            let slice = self.slice(&range, Order::Ascending, None, PAGE).await?;
            let key = |item| {
                let sk = Attributes(item).sort_key()?.to_owned();
                Ok(Key { table: Table::Contacts, pk: range.pk.clone(), sk })
            };
            let keys = slice.items.iter().map(key).collect::<Result<Vec<_>, StoreError>>()?;
            self.delete_many(Table::Contacts, &keys).await?;
            if slice.last.is_none() {
                return Ok(());
            }
        }
    }
}
