//! Idempotency keys.

use jiff::{SignedDuration, Timestamp};
use lottery_store::{Claim, Store, StoreError, StoredResponse};
use test_support::dynamodb::{now, store};

fn after(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

fn response() -> StoredResponse {
    StoredResponse {
        status: 202,
        headers: vec![("location".to_owned(), "/lotteries/party/draws/d1".to_owned())],
        body: br#"{"draw_id":"d1"}"#.to_vec(),
    }
}

async fn claim(store: &Store, key: &str, body: &str, at: Timestamp) -> Claim {
    store.claim("rose POST /draws", key, body, at).await.unwrap()
}

#[tokio::test]
async fn a_repetition_waits_and_then_gets_the_first_answer() {
    let (store, _) = store().await;
    assert_eq!(claim(&store, "k", "body", now()).await, Claim::New);
    assert_eq!(claim(&store, "k", "body", after(59)).await, Claim::InFlight);
    store.finish("rose POST /draws", "k", &response()).await.unwrap();
    assert_eq!(claim(&store, "k", "body", after(1000)).await, Claim::Done(response()));
}

#[tokio::test]
async fn another_body_is_a_mismatch_at_any_time() {
    let (store, _) = store().await;
    claim(&store, "k", "body", now()).await;
    assert_eq!(claim(&store, "k", "other", now()).await, Claim::Mismatch);
    assert_eq!(claim(&store, "k", "other", after(61)).await, Claim::Mismatch);
    store.finish("rose POST /draws", "k", &response()).await.unwrap();
    assert_eq!(claim(&store, "k", "other", after(1000)).await, Claim::Mismatch);
}

#[tokio::test]
async fn an_expired_mark_is_taken_over_once() {
    let (store, _) = store().await;
    claim(&store, "k", "body", now()).await;
    assert_eq!(claim(&store, "k", "body", after(60)).await, Claim::New);
    assert_eq!(claim(&store, "k", "body", after(61)).await, Claim::InFlight);
}

#[tokio::test]
async fn an_answer_is_forgotten_after_a_day() {
    let (store, _) = store().await;
    claim(&store, "k", "body", now()).await;
    store.finish("rose POST /draws", "k", &response()).await.unwrap();
    let day = 24 * 60 * 60;
    assert_eq!(claim(&store, "k", "body", after(day - 1)).await, Claim::Done(response()));
    assert_eq!(claim(&store, "k", "other", after(day)).await, Claim::New);
}

#[tokio::test]
async fn a_released_key_is_new_but_an_answered_one_stays() {
    let (store, _) = store().await;
    claim(&store, "k", "body", now()).await;
    store.release("rose POST /draws", "k").await.unwrap();
    assert_eq!(claim(&store, "k", "other", now()).await, Claim::New);
    store.finish("rose POST /draws", "k", &response()).await.unwrap();
    store.release("rose POST /draws", "k").await.unwrap();
    assert_eq!(claim(&store, "k", "other", now()).await, Claim::Done(response()));
}

#[tokio::test]
async fn keys_of_different_scopes_do_not_meet() {
    let (store, _) = store().await;
    claim(&store, "k", "body", now()).await;
    assert_eq!(store.claim("tracy POST /draws", "k", "other", now()).await.unwrap(), Claim::New);
}

#[tokio::test]
async fn an_answer_too_large_to_keep_is_refused() {
    let (store, _) = store().await;
    claim(&store, "k", "body", now()).await;
    let large = StoredResponse { body: vec![b'x'; 380_001], ..response() };
    let finished = store.finish("rose POST /draws", "k", &large).await;
    assert!(matches!(finished, Err(StoreError::TooLarge)));
    let largest = StoredResponse { body: vec![b'x'; 380_000], ..response() };
    store.finish("rose POST /draws", "k", &largest).await.unwrap();
    assert_eq!(claim(&store, "k", "body", after(1)).await, Claim::Done(largest));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_requests_at_once_one_acts() {
    let (store, _) = store().await;
    let requests = (0..8).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { claim(&store, "k", "body", now()).await })
    });
    let mut new = 0;
    for request in requests.collect::<Vec<_>>() {
        match request.await.unwrap() {
            Claim::New => new += 1,
            other => assert_eq!(other, Claim::InFlight),
        }
    }
    assert_eq!(new, 1);
}
