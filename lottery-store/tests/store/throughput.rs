//! Imports at the size of a big event, counted in requests so that no clock is needed.

use lottery_store::PutParticipant;

use test_support::dynamodb::{now, store_with_party, with_phone};

/// What a server spawns must be `Send`; the compiler shows it here and not first in the API.
fn spawnable<F: Future + Send + 'static>(future: F) -> F {
    future
}

#[tokio::test]
async fn an_import_takes_one_transaction_for_33_phones_and_one_read_for_100() {
    let (store, database, party) = store_with_party().await;
    let (transactions, reads) = (database.calls("TransactWriteItems"), database.calls("BatchGetItem"));
    let lines: Vec<_> = (0..1000).map(|n| with_phone(&format!("{n}"), &format!("+1202{n:07}"))).collect();
    let import = async move { store.put_participants(&party, lines, now()).await };
    let answers = spawnable(import).await.unwrap();
    assert!(answers.iter().all(|answer| matches!(answer, PutParticipant::Accepted { .. })));
    assert_eq!(database.calls("TransactWriteItems") - transactions, 1000_usize.div_ceil(33));
    assert_eq!(database.calls("BatchGetItem") - reads, 10);
}
