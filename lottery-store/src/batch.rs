//! Many writes without conditions, in the batches that DynamoDB takes.

use aws_sdk_dynamodb::types::{DeleteRequest, PutRequest, WriteRequest};
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::item::NewItem;
use crate::keys::Key;
use crate::store::Table;
use crate::{Store, StoreError};

/// The maximum number of writes in one BatchWriteItem.
const MAX_WRITES: usize = 25;
/// Batches in flight at the same time.
const CONCURRENCY: usize = 8;

impl Store {
    /// Writes all the items, of one table; not in one transaction. No key may stand twice.
    pub(crate) async fn put_many(&self, table: Table, items: &[NewItem]) -> Result<(), StoreError> {
        let put = |item: &NewItem| {
            let request = PutRequest::builder().set_item(Some(item.attributes.clone())).build();
            WriteRequest::builder().put_request(request.expect("the item is set")).build()
        };
        self.write_many(table, items.iter().map(put).collect()).await
    }

    /// Erases the items at these keys of one table; not in one transaction. No key may stand twice.
    pub(crate) async fn delete_many(&self, table: Table, keys: &[Key]) -> Result<(), StoreError> {
        let delete = |key: &Key| {
            let request = DeleteRequest::builder().set_key(Some(key.attributes())).build();
            WriteRequest::builder().delete_request(request.expect("the key is set")).build()
        };
        self.write_many(table, keys.iter().map(delete).collect()).await
    }

    async fn write_many(&self, table: Table, requests: Vec<WriteRequest>) -> Result<(), StoreError> {
        // Collected first: a stream over a borrowing closure would not be `Send` for callers that need it.
        let batches: Vec<_> =
            requests.chunks(MAX_WRITES).map(|batch| self.write_batch(table, batch.to_vec())).collect();
        stream::iter(batches).buffer_unordered(CONCURRENCY).try_collect().await
    }

    /// DynamoDB may take only a part of a batch; the rest is sent again.
    async fn write_batch(&self, table: Table, mut pending: Vec<WriteRequest>) -> Result<(), StoreError> {
        let name = self.table_name(table);
        let mut attempt = 1;
        while !pending.is_empty() {
            let count = pending.len();
            let answer = self
                .client
                .batch_write_item()
                .request_items(name, pending)
                .send()
                .await
                .map_err(StoreError::from_sdk)?;
            pending = answer.unprocessed_items.and_then(|mut tables| tables.remove(name)).unwrap_or_default();
            if pending.len() == count {
                attempt = self
                    .wait_for_turn(attempt, StoreError::Throttled("items stay unprocessed".into()))
                    .await?;
            }
        }
        Ok(())
    }
}
