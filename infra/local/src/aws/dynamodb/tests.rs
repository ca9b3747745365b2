use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, Put,
    ReturnValuesOnConditionCheckFailure, ScalarAttributeType, TransactWriteItem,
};

use super::*;
use crate::Confirmation;
use crate::aws::{in_memory, sdk_config};
use crate::trouble::Trouble;

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

async fn create_table(client: &Client) {
    let attribute =
        AttributeDefinition::builder().attribute_name("id").attribute_type(ScalarAttributeType::S);
    client
        .create_table()
        .table_name("items")
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute.build().unwrap())
        .key_schema(KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash).build().unwrap())
        .send()
        .await
        .unwrap();
}

fn health() -> Arc<Health> {
    Arc::new(Health::new(asl_engine::Clock::system()))
}

fn put(id: &str) -> Bytes {
    let item = json!({"id": {"S": id}, "text": {"S": "x".repeat(10_000)}});
    json!({"TableName": "Contacts", "Item": item}).to_string().into()
}

const TABLE: &str = r#"{"TableName": "Contacts", "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]}"#;

/// `tests/program.rs` fills a real disk.
#[tokio::test]
async fn a_disk_that_was_full_is_used_again_and_nothing_accepted_is_lost() {
    let directory = tempfile::tempdir().unwrap();
    let health = health();
    let dynamodb = DynamoDb::open(&directory.path().join("dynamodb.sqlite"), health.clone()).unwrap();
    assert_eq!(dynamodb.call("CreateTable", TABLE.into()).await.status, 200);
    assert_eq!(dynamodb.call("PutItem", put("before")).await.status, 200);
    let sentence = dynamodb.worker.call(|held| held.note(Trouble::Full)).await.unwrap();
    assert!(
        sentence.contains("is full, so that nothing new is accepted; what was accepted is kept"),
        "{sentence}"
    );
    assert_eq!(health.report(), Err(sentence));
    // The file is opened anew for the next call; that the disk takes something is another matter.
    let get = json!({"TableName": "Contacts", "Key": {"id": {"S": "before"}}}).to_string();
    let found = String::from_utf8(dynamodb.call("GetItem", get.into()).await.body).unwrap();
    assert!(found.contains("before"), "{found}");
    assert!(health.report().is_err());
    dynamodb.recover().await;
    assert_eq!(health.report(), Ok(()));
    assert_eq!(dynamodb.call("PutItem", put("after")).await.status, 200);
    dynamodb.stop().await;
}

#[tokio::test]
async fn a_write_is_refused_if_the_log_cannot_be_synced_and_what_was_accepted_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("dynamodb.sqlite");
    let (health, works) = (health(), Arc::new(AtomicBool::new(true)));
    let dynamodb = DynamoDb::open(&path, health.clone()).unwrap();
    let disk = works.clone();
    let replace = move |held: &mut Held| {
        let sync =
            move || disk.load(Ordering::SeqCst).then_some(()).ok_or_else(|| io::Error::other("no disk"));
        held.log = Some(LogSync::start_with("sync", sync).unwrap());
    };
    dynamodb.worker.call(replace).await.unwrap();
    assert_eq!(dynamodb.call("CreateTable", TABLE.into()).await.status, 200);
    assert_eq!(dynamodb.call("PutItem", put("before")).await.status, 200);
    works.store(false, Ordering::SeqCst);
    let refused = dynamodb.call("PutItem", put("refused")).await;
    let said = String::from_utf8(refused.body).unwrap();
    assert!(refused.status == 500 && said.contains("does not read or write"), "{said}");
    let transaction = json!({"TransactItems": [{"Put": serde_json::from_slice::<serde_json::Value>(&put("both")).unwrap()}]});
    assert_eq!(dynamodb.call(TRANSACT_WRITE_ITEMS, transaction.to_string().into()).await.status, 500);
    assert!(health.report().is_err());
    works.store(true, Ordering::SeqCst);
    let get = json!({"TableName": "Contacts", "Key": {"id": {"S": "before"}}}).to_string();
    let found = String::from_utf8(dynamodb.call("GetItem", get.into()).await.body).unwrap();
    assert!(found.contains("before"), "{found}");
    dynamodb.recover().await;
    assert_eq!(health.report(), Ok(()));
    assert_eq!(dynamodb.call("PutItem", put("after")).await.status, 200);
    dynamodb.stop().await;
}

/// A commit that was not synced by SQLite is on disk when it is answered: the sync is asked of a thread beside it.
#[tokio::test]
async fn neither_a_write_nor_a_read_of_it_is_answered_before_the_log_is_synced() {
    let directory = tempfile::tempdir().unwrap();
    let dynamodb = Arc::new(DynamoDb::open(&directory.path().join("dynamodb.sqlite"), health()).unwrap());
    assert_eq!(dynamodb.call("CreateTable", TABLE.into()).await.status, 200);
    let (go, may_sync) = std::sync::mpsc::channel::<()>();
    let (begun, mut syncs) = tokio::sync::mpsc::unbounded_channel();
    let replace = move |held: &mut Held| {
        let sync = move || {
            let _ = begun.send(());
            may_sync.recv().map_err(io::Error::other)
        };
        held.log = Some(LogSync::start_with("sync", sync).unwrap());
    };
    dynamodb.worker.call(replace).await.unwrap();
    let call = |operation: &'static str, body: Bytes| {
        let dynamodb = dynamodb.clone();
        tokio::spawn(async move { dynamodb.call(operation, body).await })
    };
    let written = call("PutItem", put("one"));
    syncs.recv().await.unwrap();
    let get = json!({"TableName": "Contacts", "Key": {"id": {"S": "one"}}}).to_string();
    let read = call("GetItem", get.into());
    // The thread of the database has answered both as far as it can.
    while dynamodb.worker.call(|held| held.log.as_ref().unwrap().waiting()).await.unwrap() < 2 {
        tokio::task::yield_now().await;
    }
    assert!(!written.is_finished() && !read.is_finished());
    go.send(()).unwrap();
    assert_eq!(written.await.unwrap().status, 200);
    syncs.recv().await.unwrap();
    assert!(!read.is_finished());
    go.send(()).unwrap();
    assert!(String::from_utf8(read.await.unwrap().body).unwrap().contains("one"));
}

#[tokio::test]
async fn a_call_that_panicked_does_not_take_the_database_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let dynamodb = DynamoDb::open(&directory.path().join("dynamodb.sqlite"), health()).unwrap();
    assert_eq!(dynamodb.call("CreateTable", TABLE.into()).await.status, 200);
    let stuck = dynamodb.worker.call(|held| held.note(Trouble::Stuck)).await.unwrap();
    assert!(stuck.contains("did not finish a request"), "{stuck}");
    assert_eq!(dynamodb.call("PutItem", put("after")).await.status, 200);
    dynamodb.recover().await;
    assert_eq!(dynamodb.health.report(), Ok(()));
    dynamodb.stop().await;
}

#[tokio::test]
async fn a_database_in_memory_that_is_full_says_so_for_good() {
    let dynamodb = DynamoDb::in_memory(health()).unwrap();
    let sentence = dynamodb.worker.call(|held| held.note(Trouble::Full)).await.unwrap();
    assert!(sentence.contains("in memory is full") && sentence.contains("--data-dir"), "{sentence}");
    dynamodb.recover().await;
    assert_eq!(dynamodb.health.report(), Err(sentence));
}

#[tokio::test]
async fn a_page_damaged_while_running_is_told_truly() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("dynamodb.sqlite");
    let first = DynamoDb::open(&path, health()).unwrap();
    first.call("CreateTable", TABLE.into()).await;
    for item in 0..50 {
        assert_eq!(first.call("PutItem", put(&item.to_string())).await.status, 200);
    }
    first.stop().await;
    drop(first);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..].fill(0xff);
    std::fs::write(&path, bytes).unwrap();
    let health = health();
    // What can be read of it is enough to open it.
    let dynamodb = DynamoDb::open(&path, health.clone()).unwrap();
    let answer = dynamodb.call("Scan", r#"{"TableName": "Contacts"}"#.into()).await;
    let words = String::from_utf8(answer.body).unwrap();
    assert_eq!(answer.status, 500);
    assert!(words.contains("has a damaged page") && words.contains("asking again does not help"), "{words}");
    dynamodb.recover().await;
    assert!(health.report().unwrap_err().contains("damaged page"), "it does not pass by itself");
}

#[tokio::test]
async fn what_was_erased_is_in_no_file_afterwards() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("dynamodb.sqlite");
    let dynamodb = DynamoDb::open(&path, health()).unwrap();
    dynamodb.call("CreateTable", TABLE.into()).await;
    assert_eq!(dynamodb.call("PutItem", put("rose-of-the-attic")).await.status, 200);
    assert_eq!(dynamodb.call("PutItem", put("someone-else")).await.status, 200);
    let is_there = |name: &str| {
        std::fs::read_dir(directory.path()).unwrap().any(|file| {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            bytes.windows(name.len()).any(|window| window == name.as_bytes())
        })
    };
    let delete = json!({"TableName": "Contacts", "Key": {"id": {"S": "rose-of-the-attic"}}}).to_string();
    assert_eq!(dynamodb.call("DeleteItem", delete.into()).await.status, 200);
    assert!(is_there("rose-of-the-attic"), "SQLite alone leaves it");
    dynamodb.scrub().await;
    assert!(!is_there("rose-of-the-attic") && is_there("someone-else"));
    dynamodb.stop().await;
}

#[tokio::test]
async fn a_long_log_is_emptied_once_nothing_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("dynamodb.sqlite");
    let dynamodb = DynamoDb::open(&path, health()).unwrap();
    dynamodb.call("CreateTable", TABLE.into()).await;
    let log_length = || std::fs::metadata(sibling(&path, "-wal")).unwrap().len();
    let rest = async |most| dynamodb.worker.call(move |held| held.empty_log_at_rest(most)).await.unwrap();
    assert_eq!(dynamodb.call("PutItem", put("rose")).await.status, 200);
    rest(0).await;
    assert!(log_length() > 0, "it was just written to");
    rest(u64::MAX).await;
    assert!(log_length() > 0, "it is short enough");
    rest(0).await;
    assert_eq!(log_length(), 0);
    let get = json!({"TableName": "Contacts", "Key": {"id": {"S": "rose"}}}).to_string();
    let found = dynamodb.call("GetItem", get.into()).await;
    assert!(String::from_utf8(found.body).unwrap().contains("rose"));
    dynamodb.stop().await;
}

#[tokio::test]
async fn the_sdk_writes_reads_and_is_refused() {
    let endpoint = in_memory(Confirmation::ByItself, &[]);
    let client = Client::new(&sdk_config(&endpoint, "test"));
    create_table(&client).await;
    let put = || {
        client
            .put_item()
            .table_name("items")
            .item("id", text("1"))
            .condition_expression("attribute_not_exists(id)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    };
    put().send().await.unwrap();
    let error = put().send().await.unwrap_err().into_service_error();
    let aws_sdk_dynamodb::operation::put_item::PutItemError::ConditionalCheckFailedException(refusal) = error
    else {
        panic!("{error}")
    };
    assert_eq!(refusal.item.unwrap()["id"], text("1"));
    let item = client.get_item().table_name("items").key("id", text("1")).send().await.unwrap().item.unwrap();
    assert_eq!(item["id"], text("1"));
    let error = client.get_item().table_name("none").key("id", text("1")).send().await.unwrap_err();
    assert_eq!(error.code(), Some("ResourceNotFoundException"));
}

#[tokio::test]
async fn a_cancelled_transaction_tells_its_reasons() {
    let endpoint = in_memory(Confirmation::ByItself, &[]);
    let client = Client::new(&sdk_config(&endpoint, "test"));
    create_table(&client).await;
    let put = |condition: &str| {
        let put = Put::builder().table_name("items").item("id", text("1")).condition_expression(condition);
        TransactWriteItem::builder().put(put.build().unwrap()).build()
    };
    let error = client.transact_write_items().transact_items(put("attribute_exists(id)")).send().await;
    let error = error.unwrap_err().into_service_error();
    let aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError::TransactionCanceledException(
        cancelled,
    ) = error
    else {
        panic!("{error}")
    };
    assert_eq!(cancelled.cancellation_reasons()[0].code(), Some("ConditionalCheckFailed"));
}

/// A transaction that adds one to a counter.
fn add(counter: &str) -> Bytes {
    let update = json!({"TableName": "Contacts", "Key": {"id": {"S": counter}},
        "UpdateExpression": "ADD #count :one", "ExpressionAttributeNames": {"#count": "count"},
        "ExpressionAttributeValues": {":one": {"N": "1"}}});
    json!({"TransactItems": [{"Update": update}]}).to_string().into()
}

async fn count(dynamodb: &DynamoDb, counter: &str) -> serde_json::Value {
    let get = json!({"TableName": "Contacts", "Key": {"id": {"S": counter}}}).to_string();
    let reply = dynamodb.call("GetItem", get.into()).await;
    serde_json::from_slice::<serde_json::Value>(&reply.body).unwrap()["Item"]["count"]["N"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transactions_at_once_are_each_made_once_and_kept_and_reads_go_between() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("dynamodb.sqlite");
    let dynamodb = Arc::new(DynamoDb::open(&path, health()).unwrap());
    dynamodb.call("CreateTable", TABLE.into()).await;
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..200 {
        let dynamodb = dynamodb.clone();
        calls.spawn(async move {
            let counter = format!("counter-{}", number % 3);
            assert_eq!(dynamodb.call("TransactWriteItems", add(&counter)).await.status, 200);
            // What was answered is there for everybody.
            assert_ne!(count(&dynamodb, &counter).await, serde_json::Value::Null);
        });
    }
    while let Some(done) = calls.join_next().await {
        done.unwrap();
    }
    let dynamodb = Arc::into_inner(dynamodb).unwrap();
    // As after `kill -9`: nothing is stopped in order.
    let again = DynamoDb::open(&path, health()).unwrap();
    for (counter, expected) in [("counter-0", "67"), ("counter-1", "67"), ("counter-2", "66")] {
        assert_eq!(count(&again, counter).await, expected);
    }
    dynamodb.stop().await;
    assert_eq!(dynamodb.call("TransactWriteItems", add("counter-0")).await.status, 503);
    again.stop().await;
}

#[tokio::test]
async fn a_null_item_is_refused_in_the_words_of_aws() {
    let endpoint = in_memory(Confirmation::ByItself, &[]);
    let reply =
        endpoint.dynamodb.call("PutItem", br#"{"TableName":"items","Item":null}"#.as_slice().into()).await;
    let body = String::from_utf8(reply.body).unwrap();
    assert!(
        body.contains("1 validation error detected: Value null at 'item' failed to satisfy constraint: Member must not be null"),
        "{body}"
    );
    assert_eq!(reply.status, 400);
}
