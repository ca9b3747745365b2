//! `ItemBatcher`: the inputs of the children of a Distributed Map.

use super::MAX_PAYLOAD_BYTES;
use crate::data::{Json, Object};
use crate::state::{Batching, MapItem};

/// The input of one child.
pub(super) struct ChildInput {
    pub(super) input: Json,
    pub(super) items: u64,
    pub(super) item: Option<MapItem>,
}

/// Puts items together as they come, one child for each item or for each batch of items.
#[derive(Debug)]
pub(super) struct Batcher {
    batching: Option<Batching>,
    /// The items of the batch that is not full.
    items: Vec<Json>,
    bytes: usize,
}

impl Batcher {
    pub(super) fn new(batching: Option<Batching>) -> Batcher {
        Batcher { batching, items: Vec::new(), bytes: 0 }
    }

    /// Adds an item with its input; gives the child that is complete without it, or with it where there are no batches.
    pub(super) fn push(&mut self, input: Json, item: MapItem) -> Option<ChildInput> {
        let Some(batching) = &self.batching else {
            return Some(ChildInput { input, items: 1, item: Some(item) });
        };
        let length = input.serialized_len() + 1;
        let most = usize::try_from(batching.max_bytes.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
        let fits = batching.max_items.is_none_or(|max| (self.items.len() as u64) < max)
            && self.bytes + length <= most.min(MAX_PAYLOAD_BYTES);
        let full = if fits { None } else { self.finish() };
        if self.items.is_empty() {
            let input = self.batching.as_ref().and_then(|batching| batching.input.as_ref());
            self.bytes = r#"{"BatchInput":,"Items":[]}"#.len() + input.map_or(0, Json::serialized_len);
        }
        self.items.push(input);
        self.bytes += length;
        full
    }

    /// The child of the items that are left.
    pub(super) fn finish(&mut self) -> Option<ChildInput> {
        let batch = std::mem::take(&mut self.items);
        if batch.is_empty() {
            return None;
        }
        let items = batch.len() as u64;
        let mut object = Object::with_capacity(2);
        if let Some(input) = self.batching.as_ref().and_then(|batching| batching.input.clone()) {
            object.insert("BatchInput", input);
        }
        object.insert("Items", Json::array(batch));
        Some(ChildInput { input: Json::from(object), items, item: None })
    }

    /// How many items wait for their batch to be full.
    pub(super) fn waiting(&self) -> u64 {
        self.items.len() as u64
    }
}

/// The children of all items. The pairs are an item's input and the item.
fn batch(inputs: Vec<(Json, MapItem)>, batching: Option<Batching>) -> Vec<ChildInput> {
    let mut batcher = Batcher::new(batching);
    let mut children: Vec<ChildInput> =
        inputs.into_iter().filter_map(|(input, item)| batcher.push(input, item)).collect();
    children.extend(batcher.finish());
    children
}

/// The inputs of the children, as TestState shows them.
pub(crate) fn child_inputs(items: Vec<Json>, batching: Batching) -> Vec<Json> {
    let pairs = items.into_iter().map(|input| (input, MapItem::from(Json::Null))).collect();
    batch(pairs, Some(batching)).into_iter().map(|child| child.input).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batches(count: i64, max_items: Option<u64>, max_bytes: Option<u64>) -> Vec<String> {
        let inputs = (0..count).map(|item| (Json::from(item), MapItem::from(Json::from(item)))).collect();
        batch(inputs, Some(Batching { input: Some(Json::from("x")), max_items, max_bytes }))
            .into_iter()
            .map(|child| child.input.to_text())
            .collect()
    }

    #[test]
    fn a_batch_holds_as_many_items_as_it_may() {
        assert_eq!(
            batches(5, Some(2), None),
            [
                r#"{"BatchInput":"x","Items":[0,1]}"#,
                r#"{"BatchInput":"x","Items":[2,3]}"#,
                r#"{"BatchInput":"x","Items":[4]}"#
            ]
        );
    }

    #[test]
    fn a_batch_holds_as_many_bytes_as_it_may() {
        for batch in batches(20, None, Some(36)) {
            assert!(batch.len() <= 36, "{batch}");
        }
    }
}
