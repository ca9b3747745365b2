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

/// One child for each item, or for each batch of items. The pairs are an item's input and the item.
pub(super) fn batch(inputs: Vec<(Json, MapItem)>, batching: Option<Batching>) -> Vec<ChildInput> {
    let Some(Batching { input: batch_input, max_items, max_bytes }) = batching else {
        return inputs
            .into_iter()
            .map(|(input, item)| ChildInput { input, items: 1, item: Some(item) })
            .collect();
    };
    let frame = r#"{"BatchInput":,"Items":[]}"#.len() + batch_input.as_ref().map_or(0, Json::serialized_len);
    let fits = |items: &[Json], bytes: usize| {
        max_items.is_none_or(|max| (items.len() as u64) < max)
            && bytes
                <= usize::try_from(max_bytes.unwrap_or(u64::MAX)).unwrap_or(usize::MAX).min(MAX_PAYLOAD_BYTES)
    };
    let mut batches: Vec<Vec<Json>> = Vec::new();
    let mut bytes = 0;
    for (input, _) in inputs {
        let length = input.serialized_len() + 1;
        match batches.last_mut() {
            Some(batch) if fits(batch, bytes + length) => {
                batch.push(input);
                bytes += length;
            }
            _ => {
                batches.push(vec![input]);
                bytes = frame + length;
            }
        }
    }
    batches
        .into_iter()
        .map(|batch| {
            let items = batch.len() as u64;
            let mut object = Object::with_capacity(2);
            if let Some(input) = &batch_input {
                object.insert("BatchInput", input.clone());
            }
            object.insert("Items", Json::array(batch));
            ChildInput { input: Json::from(object), items, item: None }
        })
        .collect()
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
