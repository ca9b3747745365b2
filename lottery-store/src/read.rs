//! Reads: one item, many by key, ranges of a partition. All of them strongly consistent.

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::item::{Attributes, Item, text};
use crate::keys::{Key, PK, Range, SK};
use crate::store::Table;
use crate::{Page, Store, StoreError};

/// The maximum number of keys in one BatchGetItem.
const MAX_KEYS: usize = 100;
/// The number of concurrent batches.
const CONCURRENCY: usize = 8;

/// The order in which a range is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Ascending,
    Descending,
}

/// Some items of a range.
pub(crate) struct Slice {
    pub(crate) items: Vec<Item>,
    /// The sort key after which the range continues, if it does.
    pub(crate) last: Option<String>,
}

impl Store {
    /// One item.
    pub(crate) async fn get(&self, key: &Key) -> Result<Option<Item>, StoreError> {
        let response = self
            .client
            .get_item()
            .table_name(self.table_name(key.table))
            .set_key(Some(key.attributes()))
            .consistent_read(true)
            .send()
            .await
            .map_err(StoreError::from_sdk)?;
        Ok(response.item)
    }

    /// The items with these keys of one table, in no order, without those that do not exist. No key may be given twice.
    pub(crate) async fn get_many(&self, table: Table, keys: &[Key]) -> Result<Vec<Item>, StoreError> {
        // Collected first: a stream over a borrowing closure would not be `Send` for callers that need it.
        let batches: Vec<_> = keys.chunks(MAX_KEYS).map(|keys| self.get_batch(table, keys)).collect();
        stream::iter(batches).buffer_unordered(CONCURRENCY).try_concat().await
    }

    /// Reads one batch. DynamoDB may return only a part of it; the rest is requested again.
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
            let response = self
                .client
                .batch_get_item()
                .request_items(name, wanted)
                .send()
                .await
                .map_err(StoreError::from_sdk)?;
            let found = response.responses.and_then(|mut tables| tables.remove(name)).unwrap_or_default();
            let progress = !found.is_empty();
            items.extend(found);
            let rest = response.unprocessed_keys.and_then(|mut tables| tables.remove(name));
            pending = rest.map(|rest| rest.keys).unwrap_or_default();
            if !pending.is_empty() && !progress {
                attempt = self
                    .wait_for_turn(attempt, StoreError::Throttled("keys stay unprocessed".into()))
                    .await?;
            }
        }
        Ok(items)
    }

    /// Up to `limit` items of a range, or as many as one response holds, after a sort key.
    pub(crate) async fn slice(
        &self,
        range: &Range,
        order: Order,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Slice, StoreError> {
        let start = after.map(|sk| {
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
        let response = query.send().await.map_err(StoreError::from_sdk)?;
        let last = response.last_evaluated_key.and_then(|mut key| match key.remove(SK) {
            Some(AttributeValue::S(sk)) => Some(sk),
            _ => None,
        });
        Ok(Slice { items: response.items.unwrap_or_default(), last })
    }

    /// A page of the sort keys of a range; the cursor is the last of them.
    pub(crate) async fn page_of_sort_keys(
        &self,
        range: &Range,
        order: Order,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<String>, StoreError> {
        let limit = limit.clamp(1, MAX_KEYS);
        // One more than requested shows whether there is a next page.
        let slice = self.slice(range, order, after, limit + 1).await?;
        let sort_key = |item: &Item| Attributes(item).sort_key().map(str::to_owned);
        let mut items = slice.items.iter().map(sort_key).collect::<Result<Vec<_>, _>>()?;
        let continues = items.len() > limit;
        items.truncate(limit);
        let cursor = items.last().filter(|_| continues).cloned();
        Ok(Page { items, cursor })
    }

    /// Every item of a range. For ranges whose size is bounded, such as the winners of a draw.
    pub(crate) async fn all(&self, range: &Range) -> Result<Vec<Item>, StoreError> {
        let mut items = Vec::new();
        let mut after = None;
        loop {
            let slice = self.slice(range, Order::Ascending, after.as_deref(), i32::MAX as usize).await?;
            items.extend(slice.items);
            match slice.last {
                Some(last) => after = Some(last),
                None => return Ok(items),
            }
        }
    }
}
