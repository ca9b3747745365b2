//! Writes that meet another transaction on purpose: what DynamoDB refuses when many write at once.

use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::DynamoDbReply;

/// Counts the writes, and refuses every so many-th before it has any effect.
pub(crate) struct Conflicts {
    every: NonZeroU64,
    writes: AtomicU64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Transaction {
    transact_items: Vec<IgnoredAny>,
}

const MESSAGE: &str = "Transaction is ongoing for the item";

impl Conflicts {
    pub(crate) fn new(every: NonZeroU64) -> Conflicts {
        Conflicts { every, writes: AtomicU64::new(0) }
    }

    /// The refusal of this call, if it is one that is to be refused.
    pub(crate) fn strike(&self, operation: &str, body: &[u8]) -> Option<DynamoDbReply> {
        let is_transaction = operation == "TransactWriteItems";
        if !is_transaction && !matches!(operation, "PutItem" | "UpdateItem" | "DeleteItem") {
            return None;
        }
        let writes = self.writes.fetch_add(1, Ordering::Relaxed) + 1;
        if writes % self.every != 0 {
            return None;
        }
        let error = if is_transaction { cancelled(body)? } else { alone() };
        Some(DynamoDbReply { status: 400, body: error.to_string().into_bytes() })
    }
}

/// A transaction is cancelled as a whole, with a reason for each of its items: here the first met another.
fn cancelled(body: &[u8]) -> Option<Value> {
    let items = serde_json::from_slice::<Transaction>(body).ok()?.transact_items.len();
    let reasons = (0..items).map(|index| match index {
        0 => json!({"Code": "TransactionConflict", "Message": MESSAGE}),
        _ => json!({"Code": "None"}),
    });
    let codes = (0..items).map(|index| if index == 0 { "TransactionConflict" } else { "None" });
    Some(json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": format!(
            "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
            codes.collect::<Vec<_>>().join(", ")
        ),
        "CancellationReasons": reasons.collect::<Vec<_>>(),
    }))
}

fn alone() -> Value {
    json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionConflictException",
        "message": MESSAGE,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_so_many_th_write_is_refused_and_no_read() {
        let conflicts = Conflicts::new(NonZeroU64::new(2).unwrap());
        let transaction = br#"{"TransactItems": [{"Put": {}}, {"Update": {}}]}"#;
        let strike = |operation, body: &[u8]| {
            let reply = conflicts.strike(operation, body)?;
            Some(serde_json::from_slice::<Value>(&reply.body).unwrap())
        };
        assert_eq!(strike("GetItem", b"{}"), None);
        assert_eq!(strike("PutItem", b"{}"), None);
        assert_eq!(strike("Query", b"{}"), None);
        let refused = strike("TransactWriteItems", transaction).unwrap();
        assert_eq!(refused["CancellationReasons"][0]["Code"], "TransactionConflict");
        assert_eq!(refused["CancellationReasons"].as_array().unwrap().len(), 2);
        assert_eq!(strike("TransactWriteItems", transaction), None);
        assert!(
            strike("UpdateItem", b"{}").unwrap()["__type"].as_str().unwrap().ends_with("ConflictException")
        );
    }
}
