//! Lotteries and draws as the API sees them.

use jiff::{SignedDuration, Timestamp};
use lottery::{Draw, DrawId, DrawRequest, DrawStatus, Locale, LotteryId, NewLottery, Reason};
use lottery_store::{CancelDraw, CreateDraw, CreateLottery, StoreError};
use serde_json::json;
use test_support::dynamodb::{DynamoDb, now, store, store_with_party};

fn draw(lottery_id: &LotteryId, draw_id: &str, created_at: Timestamp) -> Draw {
    DrawRequest::parse(&json!({"winners": 2}), Locale::En, created_at).unwrap().begin(
        lottery_id.clone(),
        DrawId::parse(draw_id).unwrap(),
        created_at,
    )
}

fn reason() -> Reason {
    Reason {
        name: "Cancelled".to_owned(),
        sentence: "the organiser called it off".to_owned(),
        groups: Vec::new(),
    }
}

/// Sets an attribute as the tasks would.
fn set(database: &DynamoDb, pk: &str, sk: &str, name: &str, value: &str) {
    database.set("Lottery", pk, sk, name, value);
}

#[tokio::test]
async fn a_lottery_is_created_once_and_reads_as_it_was_written() {
    let (store, _) = store().await;
    let fields = json!({"id": "gala", "name": "年会", "locale": "zh-CN", "time_zone": "Asia/Shanghai", "open_to_join": true});
    let mut gala = NewLottery::parse(&fields).unwrap().begin([0; 16], now());
    gala.topic_arn = Some("arn:topic".to_owned());
    assert_eq!(store.create_lottery(&gala).await.unwrap(), CreateLottery::Created);
    assert_eq!(store.lottery(&gala.lottery_id).await.unwrap().as_ref(), Some(&gala));
    assert_eq!(store.create_lottery(&gala).await.unwrap(), CreateLottery::Exists);
    assert_eq!(store.lottery(&gala.lottery_id).await.unwrap(), Some(gala));

    let absent = LotteryId::parse("absent").unwrap();
    assert_eq!(store.lottery(&absent).await.unwrap(), None);
}

#[tokio::test]
async fn lotteries_are_listed_by_id_in_pages() {
    let (store, _) = store().await;
    for id in ["c", "a", "d", "b"] {
        let lottery = NewLottery::parse(&json!({"id": id, "name": id})).unwrap().begin([0; 16], now());
        store.create_lottery(&lottery).await.unwrap();
    }
    let first = store.lotteries(None, 3).await.unwrap();
    let ids: Vec<_> = first.items.iter().map(|lottery| lottery.lottery_id.as_str()).collect();
    assert_eq!(ids, ["a", "b", "c"]);
    let second = store.lotteries(first.cursor.as_deref(), 3).await.unwrap();
    assert_eq!((second.items.len(), second.cursor), (1, None));
    assert_eq!(store.lotteries(None, 4).await.unwrap().cursor, None);
    assert!(matches!(store.lotteries(Some("#"), 3).await, Err(StoreError::InvalidCursor)));
}

#[tokio::test]
async fn a_draw_is_created_once_and_reads_as_it_was_written() {
    let (store, database, party) = store_with_party().await;
    let mut first = draw(&party, "d1", now());
    first.closes_at = Some(now() + SignedDuration::from_hours(1));
    first.draw_at = Some(now() + SignedDuration::from_hours(3));
    assert_eq!(store.create_draw(&first).await.unwrap(), CreateDraw::Created);
    let mut again = first.clone();
    again.created_at = now() + SignedDuration::from_secs(5);
    assert_eq!(store.create_draw(&again).await.unwrap(), CreateDraw::Exists(Box::new(first.clone())));
    assert_eq!(store.draws(&party, None, 10).await.unwrap().items, [first.clone()]);
    assert!(database.dump("Lottery").contains("UNFINISHED_DRAWS"));

    store.set_execution(&party, &first.draw_id, "arn:execution").await.unwrap();
    first.execution_arn = Some("arn:execution".to_owned());
    assert_eq!(store.draw(&party, &first.draw_id).await.unwrap(), Some(first));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_requests_for_one_draw_one_creates_it() {
    let (store, _, party) = store_with_party().await;
    let requests = (0..8).map(|_| {
        let (store, draw) = (store.clone(), draw(&party, "d1", now()));
        tokio::spawn(async move { store.create_draw(&draw).await.unwrap() })
    });
    let mut created = 0;
    for request in requests.collect::<Vec<_>>() {
        created += usize::from(request.await.unwrap() == CreateDraw::Created);
    }
    assert_eq!(created, 1);
}

#[tokio::test]
async fn draws_are_listed_newest_first_in_pages() {
    let (store, _, party) = store_with_party().await;
    for (place, draw_id) in ["z", "y", "a", "m", "b"].into_iter().enumerate() {
        let created_at = now() + SignedDuration::from_millis(place as i64);
        store.create_draw(&draw(&party, draw_id, created_at)).await.unwrap();
    }
    let mut seen = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = store.draws(&party, cursor.as_deref(), 2).await.unwrap();
        seen.extend(page.items.into_iter().map(|draw| draw.draw_id.to_string()));
        match page.cursor {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, ["b", "m", "a", "y", "z"]);
    for cursor in ["", "x", "1#a", "000000000000000#A B"] {
        assert!(
            matches!(store.draws(&party, Some(cursor), 2).await, Err(StoreError::InvalidCursor)),
            "{cursor}"
        );
    }
}

#[tokio::test]
async fn a_waiting_draw_is_cancelled_and_its_lottery_freed() {
    let (store, database, party) = store_with_party().await;
    let draw = draw(&party, "d1", now());
    store.create_draw(&draw).await.unwrap();
    set(&database, "LOTTERY#party", "LOTTERY", "open_draw", "d1");
    let later = now() + SignedDuration::from_secs(9);
    assert_eq!(
        store.cancel_draw(&party, &draw.draw_id, &reason(), later).await.unwrap(),
        CancelDraw::Cancelled
    );

    let cancelled = store.draw(&party, &draw.draw_id).await.unwrap().unwrap();
    assert_eq!((cancelled.status, cancelled.reason), (DrawStatus::Cancelled, Some(reason())));
    assert_eq!(cancelled.completed_at, Some(later));
    assert_eq!(store.lottery(&party).await.unwrap().unwrap().open_draw, None);
    assert!(!database.dump("Lottery").contains("UNFINISHED_DRAWS"));
    assert_eq!(
        store.cancel_draw(&party, &draw.draw_id, &reason(), later).await.unwrap(),
        CancelDraw::Final(DrawStatus::Cancelled)
    );
}

#[tokio::test]
async fn a_cancellation_leaves_the_lottery_to_the_draw_that_holds_it() {
    let (store, database, party) = store_with_party().await;
    let draw = draw(&party, "d1", now());
    store.create_draw(&draw).await.unwrap();
    set(&database, "LOTTERY#party", "LOTTERY", "open_draw", "d2");
    assert_eq!(
        store.cancel_draw(&party, &draw.draw_id, &reason(), now()).await.unwrap(),
        CancelDraw::Cancelled
    );
    let holder = store.lottery(&party).await.unwrap().unwrap().open_draw;
    assert_eq!(holder, Some(DrawId::parse("d2").unwrap()));
}

#[tokio::test]
async fn a_committed_draw_cannot_be_cancelled() {
    for status in DrawStatus::ALL {
        let (store, database, party) = store_with_party().await;
        let draw = draw(&party, "d1", now());
        store.create_draw(&draw).await.unwrap();
        set(&database, "LOTTERY#party#DRAW#d1", "META", "status", status.as_str());
        let expected = match status {
            DrawStatus::Waiting => CancelDraw::Cancelled,
            DrawStatus::Sealed | DrawStatus::Drawn => CancelDraw::AlreadyCommitted(status),
            status if status.has_official_winners() => CancelDraw::AlreadyCommitted(status),
            _ => CancelDraw::Final(status),
        };
        assert_eq!(store.cancel_draw(&party, &draw.draw_id, &reason(), now()).await.unwrap(), expected);
        let left = store.draw(&party, &draw.draw_id).await.unwrap().unwrap().status;
        assert_eq!(
            left == DrawStatus::Cancelled,
            matches!(status, DrawStatus::Waiting | DrawStatus::Cancelled)
        );
    }
    let (store, _, party) = store_with_party().await;
    let unknown = DrawId::parse("unknown").unwrap();
    assert_eq!(store.cancel_draw(&party, &unknown, &reason(), now()).await.unwrap(), CancelDraw::Unknown);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_cancellations_one_cancels() {
    let (store, database, party) = store_with_party().await;
    let draw = draw(&party, "d1", now());
    store.create_draw(&draw).await.unwrap();
    set(&database, "LOTTERY#party", "LOTTERY", "open_draw", "d1");
    let requests = (0..8).map(|_| {
        let (store, party, draw_id) = (store.clone(), party.clone(), draw.draw_id.clone());
        tokio::spawn(async move { store.cancel_draw(&party, &draw_id, &reason(), now()).await.unwrap() })
    });
    let mut cancelled = 0;
    for request in requests.collect::<Vec<_>>() {
        match request.await.unwrap() {
            CancelDraw::Cancelled => cancelled += 1,
            other => assert_eq!(other, CancelDraw::Final(DrawStatus::Cancelled)),
        }
    }
    assert_eq!(cancelled, 1);
}

#[tokio::test]
async fn a_cancellation_that_another_write_overtook_is_decided_anew() {
    let (store, database, party) = store_with_party().await;
    let draw = draw(&party, "d1", now());
    store.create_draw(&draw).await.unwrap();
    let reasons = ["None", "ConditionalCheckFailed", "None"].map(|code| json!({"Code": code}));
    let overtaken = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "CancellationReasons": reasons
    });
    database.fail_next("TransactWriteItems", 400, overtaken);
    assert_eq!(
        store.cancel_draw(&party, &draw.draw_id, &reason(), now()).await.unwrap(),
        CancelDraw::Cancelled
    );
}

#[tokio::test]
async fn winners_are_told_only_once_they_are_official() {
    let (store, database, party) = store_with_party().await;
    let draw = draw(&party, "d1", now());
    store.create_draw(&draw).await.unwrap();
    let label = "0f8fad5b-d9cb-469f-a165-70867728950e";
    for (rank, participant_id) in [("2", "002"), ("1", "001")] {
        database.put(
            "Lottery",
            "LOTTERY#party#DRAW#d1",
            &format!("WINNER#0000{rank}"),
            json!({
                "participant_id": {"S": participant_id}, "label": {"S": label},
                "prize_index": {"N": "0"}, "rank": {"N": rank}, "score": {"S": "ab".repeat(32)},
                "seat": {"S": "\"open\""}
            }),
        );
    }
    for status in DrawStatus::ALL {
        set(&database, "LOTTERY#party#DRAW#d1", "META", "status", status.as_str());
        let winners = store.winners(&party, &draw.draw_id).await.unwrap();
        let shown: Vec<_> =
            winners.iter().map(|w| (w.rank, w.participant_id.as_str(), w.prize.as_str())).collect();
        if status.has_official_winners() {
            assert_eq!(shown, [(1, "001", "Prize"), (2, "002", "Prize")]);
        } else {
            assert!(shown.is_empty(), "{status}");
        }
    }
}

#[tokio::test]
async fn a_broken_item_is_named_without_its_value() {
    let (store, database, party) = store_with_party().await;
    set(&database, "LOTTERY#party", "LOTTERY", "created_at", "SECRET");
    let error = store.lottery(&party).await.unwrap_err();
    let StoreError::Broken(item) = &error else { panic!("{error}") };
    assert!(item.contains("created_at") && item.contains("LOTTERY#party"), "{item}");
    assert!(!format!("{error:?}").contains("SECRET"));
    assert!(!error.is_transient());
}
