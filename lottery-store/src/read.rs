//! Reads: one item, many by key, ranges of a partition. All of them strongly consistent.

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::item::{Attributes, Item, text};
use crate::keys::{Key, PK, Range, SK};
use crate::store::Table;
use crate::{Page, Store, StoreError};

/// The most keys that DynamoDB takes in one BatchGetItem.
const MOST_KEYS: usize = 100;
/// How many batches are under way at once.
const AT_ONCE: usize = 8;

/// In which order a range is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Ascending,
    Descending,
}

/// Some items of a range.
pub(crate) struct Slice {
    pub(crate) items: Vec<Item>,
    /// The sort key behind which the range goes on, if it does.
    pub(crate) last: Option<String>,
}

impl Store {
    /// One item.
    pub(crate) async fn get(&self, key: &Key) -> Result<Option<Item>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(self.table_name(key.table))
            .set_key(Some(key.attributes()))
            .consistent_read(true)
            .send()
            .await
            .map_err(StoreError::from_sdk)?;
        Ok(answer.item)
    }

    /// The items at these keys of one table that are there, in no order. No key may stand twice.
    pub(crate) async fn get_many(&self, table: Table, keys: &[Key]) -> Result<Vec<Item>, StoreError> {
        // Collected first: a stream over a borrowing closure would not be `Send` for callers that need it.
        let batches: Vec<_> = keys.chunks(MOST_KEYS).map(|keys| self.get_batch(table, keys)).collect();
        stream::iter(batches).buffer_unordered(AT_ONCE).try_concat().await
    }

    /// DynamoDB may answer only a part of a batch; the rest is asked again.
    async fn get_batch(&self, table: Table, keys: &[Key]) -> Result<Vec<Item>, StoreError> {
        let mut items = Vec::with_capacity(keys.len());
        let name = self.table_name(table);
        let mut pending: Vec<_> = keys.iter().map(Key::attributes).collect();
        let mut attempt = 1;
        while !pending.is_empty() {
            let wanted = KeysAndAttributes::builder()
                .set_keys(Some(pending))
                .consistent_read(true)
                .build()
                .expect("the keys are set");
            let answer = self
                .client
                .batch_get_item()
                .request_items(name, wanted)
                .send()
                .await
                .map_err(StoreError::from_sdk)?;
            let found = answer.responses.and_then(|mut tables| tables.remove(name)).unwrap_or_default();
            let progress = !found.is_empty();
            items.extend(found);
            let rest = answer.unprocessed_keys.and_then(|mut tables| tables.remove(name));
            pending = rest.map(|rest| rest.keys).unwrap_or_default();
            if !pending.is_empty() && !progress {
                attempt = self
                    .wait_for_turn(attempt, StoreError::Throttled("keys stay unprocessed".into()))
                    .await?;
            }
        }
        Ok(items)
    }

    /// Up to `limit` items of a range, or as many as one answer holds, from behind a sort key.
    pub(crate) async fn slice(
        &self,
        range: &Range,
        order: Order,
        behind: Option<&str>,
        limit: usize,
    ) -> Result<Slice, StoreError> {
        let start = behind.map(|sk| {
            std::collections::HashMap::from([
                (PK.to_owned(), text(&range.pk)),
                (SK.to_owned(), AttributeValue::S(sk.to_owned())),
            ])
        });
        let mut query = self
            .client
            .query()
            .table_name(self.table_name(range.table))
            .expression_attribute_values(":pk", text(&range.pk))
            .consistent_read(true)
            .scan_index_forward(order == Order::Ascending)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start);
        query = if range.prefix.is_empty() {
            query.key_condition_expression(format!("{PK} = :pk"))
        } else {
            query
                .key_condition_expression(format!("{PK} = :pk AND begins_with({SK}, :prefix)"))
                .expression_attribute_values(":prefix", text(range.prefix))
        };
        let answer = query.send().await.map_err(StoreError::from_sdk)?;
        let last = answer.last_evaluated_key.and_then(|mut key| match key.remove(SK) {
            Some(AttributeValue::S(sk)) => Some(sk),
            _ => None,
        });
        Ok(Slice { items: answer.items.unwrap_or_default(), last })
    }

    /// A page of the sort keys of a range; the cursor is the last of them.
    pub(crate) async fn page_of_sort_keys(
        &self,
        range: &Range,
        order: Order,
        behind: Option<&str>,
        limit: usize,
    ) -> Result<Page<String>, StoreError> {
        let limit = limit.clamp(1, MOST_KEYS);
        // One more than asked for tells whether there is a next page.
        let slice = self.slice(range, order, behind, limit + 1).await?;
        let sort_key = |item: &Item| Attributes(item).sort_key().map(str::to_owned);
        let mut items = slice.items.iter().map(sort_key).collect::<Result<Vec<_>, _>>()?;
        let goes_on = items.len() > limit;
        items.truncate(limit);
        let cursor = items.last().filter(|_| goes_on).cloned();
        Ok(Page { items, cursor })
    }

    /// Every item of a range. For ranges whose size is bounded, such as the winners of a draw.
    pub(crate) async fn all(&self, range: &Range) -> Result<Vec<Item>, StoreError> {
        let mut items = Vec::new();
        let mut behind = None;
        loop {
            let slice = self.slice(range, Order::Ascending, behind.as_deref(), i32::MAX as usize).await?;
            items.extend(slice.items);
            match slice.last {
                Some(last) => behind = Some(last),
                None => return Ok(items),
            }
        }
    }
}
