//! What the store does when DynamoDB says no: other transactions, throttling, failures.

use lottery_store::{PutParticipant, StoreError};
use serde_json::{Value, json};
use test_support::dynamodb::{now, put, store_with_party, with_phone};

/// How DynamoDB cancels a transaction of three writes, by the reason of each.
fn cancelled(codes: [&str; 3]) -> Value {
    json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": format!("Transaction cancelled [{}]", codes.join(", ")),
        "CancellationReasons": codes.map(|code| json!({"Code": code}))
    })
}

fn error(name: &str) -> Value {
    json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{name}"), "message": name})
}

#[tokio::test]
async fn a_transaction_that_met_others_is_repeated() {
    let (store, database, party) = store_with_party().await;
    let before = database.calls("TransactWriteItems");
    for codes in [
        ["None", "TransactionConflict", "None"],
        ["ThrottlingError", "None", "TransactionConflict"],
        ["ProvisionedThroughputExceeded", "None", "None"],
    ] {
        database.fail_next("TransactWriteItems", 400, cancelled(codes));
    }
    let answer = put(&store, &party, with_phone("1", "+12025550101")).await;
    assert!(matches!(answer, PutParticipant::Accepted { .. }));
    assert_eq!(database.calls("TransactWriteItems") - before, 4);
}

#[tokio::test]
async fn a_transaction_that_always_meets_others_is_given_up_as_transient() {
    let (store, database, party) = store_with_party().await;
    let before = database.calls("TransactWriteItems");
    for _ in 0..100 {
        database.fail_next("TransactWriteItems", 400, cancelled(["TransactionConflict", "None", "None"]));
    }
    let error =
        store.put_participants(&party, vec![with_phone("1", "+12025550101")], now()).await.unwrap_err();
    assert!(matches!(error, StoreError::Contended), "{error:?}");
    assert!(error.is_transient());
    let calls = database.calls("TransactWriteItems") - before;
    assert!((5..=20).contains(&calls), "{calls}");
}

#[tokio::test]
async fn a_condition_that_did_not_hold_is_an_answer_even_beside_a_conflict() {
    let (store, database, party) = store_with_party().await;
    database.fail_next(
        "TransactWriteItems",
        400,
        cancelled(["TransactionConflict", "None", "ConditionalCheckFailed"]),
    );
    let before = database.calls("TransactWriteItems");
    let answer = put(&store, &party, with_phone("1", "+12025550101")).await;
    assert!(matches!(answer, PutParticipant::Accepted { .. }), "decided anew, alone: {answer:?}");
    assert_eq!(database.calls("TransactWriteItems") - before, 2);
}

#[tokio::test]
async fn a_transaction_cancelled_for_another_reason_is_not_repeated() {
    let (store, database, party) = store_with_party().await;
    let before = database.calls("TransactWriteItems");
    database.fail_next(
        "TransactWriteItems",
        400,
        cancelled(["ValidationError", "TransactionConflict", "None"]),
    );
    let error =
        store.put_participants(&party, vec![with_phone("1", "+12025550101")], now()).await.unwrap_err();
    assert!(matches!(error, StoreError::Refused(_)), "{error:?}");
    assert!(!error.is_transient());
    assert_eq!(database.calls("TransactWriteItems") - before, 1);
}

#[tokio::test]
async fn a_single_write_that_met_a_transaction_is_repeated() {
    let (store, database, party) = store_with_party().await;
    database.fail_next("UpdateItem", 400, error("TransactionConflictException"));
    assert_eq!(store.reserve_email_slots(&party, 1, 1).await.unwrap(), 1);
    assert_eq!(store.reserve_email_slots(&party, 1, 1).await.unwrap(), 0, "the slot was taken once");
}

#[tokio::test]
async fn errors_are_sorted_by_what_a_caller_can_do() {
    for (status, name, transient) in [
        (400, "ThrottlingException", true),
        (400, "ProvisionedThroughputExceededException", true),
        (500, "InternalServerError", true),
        (400, "ResourceNotFoundException", false),
        (400, "AccessDeniedException", false),
    ] {
        let (store, database, party) = store_with_party().await;
        for _ in 0..50 {
            database.fail_next("GetItem", status, error(name));
        }
        let found = store.lottery(&party).await.unwrap_err();
        assert_eq!(found.is_transient(), transient, "{name}: {found:?}");
    }
}

#[tokio::test]
async fn the_tables_can_be_asked_for_again() {
    let (store, database, _) = store_with_party().await;
    let before = database.calls("UpdateTimeToLive");
    store.create_missing_tables().await.unwrap();
    assert_eq!((before, database.calls("UpdateTimeToLive")), (2, 2));
}

#[tokio::test]
async fn a_table_whose_time_to_live_was_not_set_any_more_gets_it_at_the_next_start() {
    let (store, database) = test_support::dynamodb::empty();
    database.fail_next("UpdateTimeToLive", 400, error("AccessDeniedException"));
    store.create_missing_tables().await.unwrap_err();
    store.create_missing_tables().await.unwrap();
    assert_eq!(database.calls("UpdateTimeToLive"), 3);
    store.create_missing_tables().await.unwrap();
    assert_eq!(database.calls("UpdateTimeToLive"), 3, "it is set");
}
