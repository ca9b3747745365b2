//! Imports as a whole: in pieces, replacing, undone.

use crate::people::everybody;
use jiff::{SignedDuration, Timestamp};
use lottery::{
    Clearing, DrawId, DrawRequest, EmailAddress, Locale, LotteryId, ParticipantFields, ParticipantId, Record,
};
use lottery_store::{
    BeginImport, Import, ImportCounts, ImportMode, ImportState, Recorded, Store, StoreError, TakeLottery,
    UndoImport, UndoStep, WithdrawStep, Withdrawal,
};
use serde_json::{Value, json};
use test_support::dynamodb::{now, store_with_party};

/// A minute later for each: an import replaces only who was there before it.
fn minute(number: i64) -> Timestamp {
    now() + SignedDuration::from_mins(number)
}

fn id(text: &str) -> ParticipantId {
    ParticipantId::parse(text).unwrap()
}

fn record(fields: Value) -> Record {
    Record::parse(&ParticipantFields::from_json(fields).unwrap(), &Clearing::Never).unwrap()
}

fn person(number: u32) -> Record {
    record(
        json!({"participant_id": format!("{number}"), "name": format!("N{number}"), "phone": format!("+1202555{number:04}"), "group": "A"}),
    )
}

async fn begin(store: &Store, party: &LotteryId, mode: ImportMode, at: i64) -> Import {
    match store.begin_import(party, mode, minute(at)).await.unwrap() {
        BeginImport::Begun(import) => import,
        other => panic!("{other:?}"),
    }
}

async fn take(store: &Store, import: &Import, records: &[Record]) -> Vec<Recorded> {
    store.import_records(import, records, import.begun_at).await.unwrap().unwrap()
}

/// Imports a list as a whole.
async fn import(store: &Store, party: &LotteryId, mode: ImportMode, at: i64, records: &[Record]) -> Import {
    let import = begin(store, party, mode, at).await;
    take(store, &import, records).await;
    if mode == ImportMode::Replace {
        withdraw_missing(store, &import).await;
    }
    assert!(store.finish_import(&import).await.unwrap());
    store.last_import(party).await.unwrap().unwrap()
}

async fn withdraw_missing(store: &Store, import: &Import) -> (u64, Vec<String>) {
    let mut replacement = store.replacement(import).await.unwrap();
    let (mut withdrawn, mut ended) = (0, Vec::new());
    loop {
        match replacement.withdraw_next(minute(99)).await.unwrap() {
            WithdrawStep::Withdrawn { count, subscription_arns } => {
                withdrawn += count;
                ended.extend(subscription_arns);
            }
            WithdrawStep::Done => return (withdrawn, ended),
            other => panic!("{other:?}"),
        }
    }
}

/// Undoes the last import, and adds up what its steps say.
async fn undo(store: &Store, party: &LotteryId) -> Result<UndoStep, UndoImport> {
    let number = store.last_import(party).await.unwrap().unwrap().number;
    let mut all = UndoStep::default();
    let mut cursor: Option<String> = None;
    loop {
        match store.undo_import(party, number, cursor.as_deref(), minute(100)).await.unwrap() {
            UndoImport::Step(step) => {
                all.withdrawn += step.withdrawn;
                all.restored += step.restored;
                all.kept += step.kept;
                all.ended.extend(step.ended);
                all.resubscribe.extend(step.resubscribe);
                match step.next {
                    Some(next) => cursor = Some(next),
                    None => return Ok(all),
                }
            }
            other => return Err(other),
        }
    }
}

async fn ids(store: &Store, party: &LotteryId) -> Vec<String> {
    everybody(store, party).await.into_keys().map(|id| id.to_string()).collect()
}

async fn total(store: &Store, party: &LotteryId) -> u64 {
    store.participant_counts(party).await.unwrap().total
}

/// What is stored of everybody but what an import leaves on the contact.
fn stored(database: &test_support::dynamodb::DynamoDb) -> Vec<Value> {
    let mut items = [database.items("Contacts"), database.items("Lottery")].concat();
    items.retain(|item| {
        let pk = item["pk"]["S"].as_str().unwrap();
        pk.contains("SHARD") || pk.contains("POOL") || pk.contains("ADDRESS") || pk.contains("JOURNAL")
    });
    for item in &mut items {
        for name in ["revision", "import", "is_new"] {
            item.as_object_mut().unwrap().remove(name);
        }
    }
    items
}

#[tokio::test]
async fn a_list_in_pieces_is_one_import() {
    let (store, _, party) = store_with_party().await;
    let import = begin(&store, &party, ImportMode::Merge, 0).await;
    take(&store, &import, &[person(1), person(2)]).await;
    let again = store.last_import(&party).await.unwrap().unwrap();
    assert_eq!((again.number, again.state), (1, ImportState::Running));
    take(&store, &again, &[person(2), person(3), record(json!({"participant_id": "4", "tickets": 2}))]).await;
    assert!(store.finish_import(&import).await.unwrap());
    let last = store.last_import(&party).await.unwrap().unwrap();
    assert_eq!(last.state, ImportState::Finished);
    assert_eq!(last.counts, ImportCounts { new: 3, changed: 0, unchanged: 1, refused: 1, withdrawn: 0 });
    assert_eq!(ids(&store, &party).await, ["1", "2", "3"]);
    assert_eq!(store.import_records(&import, &[person(9)], minute(1)).await.unwrap(), None, "it is over");
    assert_eq!(total(&store, &party).await, 3);
}

#[tokio::test]
async fn the_list_of_an_empty_lottery_is_not_looked_up_and_taken_alike() {
    let (store, database, party) = store_with_party().await;
    let first = begin(&store, &party, ImportMode::Merge, 0).await;
    let list: Vec<_> = (0..300).map(person).collect();
    let reads = database.calls("BatchGetItem");
    take(&store, &first, &list[..200]).await;
    assert_eq!(database.calls("BatchGetItem"), reads);
    // A piece whose answer was lost comes again; and a line whose phone is somebody's.
    let thief = record(json!({"participant_id": "thief", "name": "T", "phone": "+12025550007"}));
    let answers = take(&store, &first, &[&list[150..], &[thief]].concat()).await;
    assert!(answers[..50].iter().all(|answer| matches!(answer, Recorded::Unchanged { .. })));
    assert!(answers[50..150].iter().all(|answer| matches!(answer, Recorded::New { .. })));
    assert_eq!(answers[150], Recorded::AddressTaken { field: "phone" });
    assert_eq!(total(&store, &party).await, 300);
}

#[tokio::test]
async fn a_list_that_replaces_withdraws_who_is_not_on_it_in_the_end() {
    let (store, database, party) = store_with_party().await;
    import(&store, &party, ImportMode::Merge, 0, &(0..40).map(person).collect::<Vec<_>>()).await;
    let joined = format!("j-{}", "0123456789abcdef".repeat(2));
    let own = record(json!({"participant_id": joined, "name": "Own", "phone": "+12025559999"}));
    store.put_records(&party, &[own], minute(1)).await.unwrap();

    let second = begin(&store, &party, ImportMode::Replace, 2).await;
    take(&store, &second, &(30..50).map(person).collect::<Vec<_>>()).await;
    store.keep_on_list(&second, &[id("5")], minute(2)).await.unwrap();
    assert_eq!(total(&store, &party).await, 51, "nobody is withdrawn before the end");
    store
        .put_records(&party, &[record(json!({"participant_id": "late", "name": "Late"}))], minute(3))
        .await
        .unwrap();

    assert_eq!(store.replacement(&second).await.unwrap().missing().await.unwrap(), 29);
    assert_eq!(withdraw_missing(&store, &second).await.0, 29);
    store.finish_import(&second).await.unwrap();
    let left = ids(&store, &party).await;
    let mut expected: Vec<_> =
        (30..50).map(|n| n.to_string()).chain(["5".to_owned(), "late".to_owned(), joined]).collect();
    expected.sort();
    assert_eq!(left, expected);
    assert_eq!(total(&store, &party).await, 23);
    assert_eq!(store.last_import(&party).await.unwrap().unwrap().counts.withdrawn, 29);
    assert!(!database.dump("Lottery").contains("SEEN#"), "what was remembered of the list is gone");
    // Their numbers are free again.
    let reused = record(json!({"participant_id": "x", "name": "X", "phone": "+12025550000"}));
    assert!(matches!(
        store.put_records(&party, &[reused], minute(4)).await.unwrap()[0],
        Recorded::New { .. }
    ));
}

#[tokio::test]
async fn a_dry_run_says_how_many_a_list_would_withdraw() {
    let (store, _, party) = store_with_party().await;
    import(&store, &party, ImportMode::Merge, 0, &(0..40).map(person).collect::<Vec<_>>()).await;
    let mut plan = store.plan_import(&party);
    plan.add(&(30..50).map(person).collect::<Vec<_>>()).await.unwrap();
    plan.keep(&[id("5")]);
    assert_eq!(plan.missing().await.unwrap(), 29);
    assert_eq!((plan.counts().new, plan.counts().unchanged), (10, 10));
}

#[tokio::test]
async fn a_list_without_anybody_empties_the_lottery_and_can_be_undone() {
    let (store, database, party) = store_with_party().await;
    import(&store, &party, ImportMode::Merge, 0, &(0..30).map(person).collect::<Vec<_>>()).await;
    let before = stored(&database);
    import(&store, &party, ImportMode::Replace, 1, &[]).await;
    assert_eq!(total(&store, &party).await, 0);
    assert_eq!(undo(&store, &party).await.unwrap().restored, 30);
    assert!(stored(&database) == before, "labels, nonces and dates are those of before");
    assert_eq!(total(&store, &party).await, 30);
}

#[tokio::test]
async fn withdrawals_that_break_off_leave_everybody_who_is_on_the_list_and_go_on() {
    let (store, database, party) = store_with_party().await;
    import(&store, &party, ImportMode::Merge, 0, &(0..200).map(person).collect::<Vec<_>>()).await;
    let second = begin(&store, &party, ImportMode::Replace, 1).await;
    take(&store, &second, &(150..250).map(person).collect::<Vec<_>>()).await;
    let mut replacement = store.replacement(&second).await.unwrap();
    replacement.withdraw_next(minute(1)).await.unwrap();
    let error = json!({"__type": "com.amazonaws.dynamodb.v20120810#AccessDeniedException", "message": "no"});
    database.fail_next("TransactWriteItems", 400, error);
    assert!(matches!(replacement.withdraw_next(minute(1)).await, Err(StoreError::Refused(_))));
    let left = ids(&store, &party).await;
    assert!((150..250).all(|n| left.contains(&n.to_string())));
    assert!(left.len() > 100 && left.len() < 250, "{}", left.len());
    // Another process takes the import up.
    let resumed = store.last_import(&party).await.unwrap().unwrap();
    withdraw_missing(&store, &resumed).await;
    assert_eq!(ids(&store, &party).await.len(), 100);
    assert_eq!(total(&store, &party).await, 100);
}

/// Lets a draw take the lottery, as sealing does.
fn open_draw(database: &test_support::dynamodb::DynamoDb, draw_id: Option<&str>) {
    match draw_id {
        Some(draw_id) => database.set("Lottery", "LOTTERY#party", "LOTTERY", "open_draw", draw_id),
        None => {
            let update = json!({"TableName": "Lottery", "Key": {"pk": {"S": "LOTTERY#party"}, "sk": {"S": "LOTTERY"}},
                "UpdateExpression": "REMOVE open_draw"});
            database.act("UpdateItem", &update.to_string()).unwrap();
        }
    }
}

#[tokio::test]
async fn while_a_draw_holds_the_lottery_nobody_is_withdrawn_and_lists_that_merge_are_taken() {
    let (store, database, party) = store_with_party().await;
    import(&store, &party, ImportMode::Merge, 0, &(0..10).map(person).collect::<Vec<_>>()).await;
    let replacing = begin(&store, &party, ImportMode::Replace, 1).await;
    take(&store, &replacing, &[person(1)]).await;
    let mut replacement = store.replacement(&replacing).await.unwrap();

    open_draw(&database, Some("d1"));
    let draw_id = DrawId::parse("d1").unwrap();
    let stopped = replacement.withdraw_next(minute(1)).await.unwrap();
    assert_eq!(stopped, WithdrawStep::Drawing { draw_id: draw_id.clone(), subscription_arns: vec![] });
    let refused = store.begin_import(&party, ImportMode::Replace, minute(2)).await.unwrap();
    assert_eq!(refused, BeginImport::Drawing(draw_id.clone()));
    assert_eq!(undo(&store, &party).await, Err(UndoImport::Drawing(draw_id)));
    assert_eq!(ids(&store, &party).await.len(), 10);
    take(&store, &replacing, &[person(50)]).await;
    assert_eq!(ids(&store, &party).await.len(), 11);

    open_draw(&database, None);
    assert_eq!(withdraw_missing(&store, &replacing).await.0, 9);
}

#[tokio::test]
async fn another_import_that_begins_ends_the_withdrawals() {
    let (store, _, party) = store_with_party().await;
    import(&store, &party, ImportMode::Merge, 0, &(0..10).map(person).collect::<Vec<_>>()).await;
    let first = begin(&store, &party, ImportMode::Replace, 1).await;
    take(&store, &first, &[person(1)]).await;
    let mut replacement = store.replacement(&first).await.unwrap();
    begin(&store, &party, ImportMode::Merge, 2).await;
    assert_eq!(
        replacement.withdraw_next(minute(3)).await.unwrap(),
        WithdrawStep::Over { subscription_arns: vec![] }
    );
    assert_eq!(ids(&store, &party).await.len(), 10);
    assert!(!store.finish_import(&first).await.unwrap());
}

#[tokio::test]
async fn an_import_can_be_taken_back() {
    let (store, database, party) = store_with_party().await;
    let old = [
        record(
            json!({"participant_id": "1", "name": "Rose", "phone": "+12025550101", "email": "rose@example.com",
                      "group": "Sales", "tickets": 5, "excluded": true}),
        ),
        record(json!({"participant_id": "2", "name": "Tracy", "phone": "+12025550102"})),
        record(json!({"participant_id": "3", "name": "Li", "phone": "+12025550103"})),
        record(json!({"participant_id": "4", "name": "Out", "email": "out@example.com"})),
    ];
    import(&store, &party, ImportMode::Merge, 0, &old).await;
    for (participant_id, email) in [("1", "rose@example.com"), ("4", "out@example.com")] {
        let email = EmailAddress::parse(email).unwrap();
        let arn = format!("arn:{participant_id}");
        assert!(store.set_subscription(&party, &id(participant_id), &email, &arn, now()).await.unwrap());
    }
    let before = everybody(&store, &party).await;
    let counts = store.participant_counts(&party).await.unwrap();
    // Rose moves on, Tracy gets her number and Li gets Tracy's, a new one comes, and 4 is not on the list.
    let new = [
        record(
            json!({"participant_id": "1", "name": "Rose T", "phone": "+12025550109", "email": "rt@example.com", "excluded": false}),
        ),
        record(json!({"participant_id": "2", "name": "Tracy", "phone": "+12025550101"})),
        record(json!({"participant_id": "3", "name": "Li", "phone": "+12025550102"})),
        record(json!({"participant_id": "5", "name": "New", "phone": "+12025550103"})),
    ];
    import(&store, &party, ImportMode::Replace, 1, &new).await;
    assert_eq!(ids(&store, &party).await, ["1", "2", "3", "5"]);

    let undone = undo(&store, &party).await.unwrap();
    assert_eq!((undone.withdrawn, undone.restored, undone.kept), (1, 4, 0));
    let resubscribe: Vec<_> = undone.resubscribe.iter().map(|it| it.email.as_str()).collect();
    assert_eq!(
        (resubscribe.len(), undone.ended.len()),
        (2, 0),
        "the caller ended both subscriptions at the import"
    );
    assert_eq!(everybody(&store, &party).await, before);
    assert_eq!(store.participant_counts(&party).await.unwrap(), counts);
    assert_eq!(database.dump("Contacts").matches("#ADDRESS#").count(), 5);
    assert!(!database.dump("Contacts").contains("JOURNAL"), "nothing is kept any more");
    assert_eq!(undo(&store, &party).await, Err(UndoImport::Nothing));
}

#[tokio::test]
async fn whoever_was_changed_since_stays_as_they_are() {
    let (store, _, party) = store_with_party().await;
    import(&store, &party, ImportMode::Merge, 0, &[person(1), person(2), person(3)]).await;
    let renamed =
        [1, 2, 3, 4, 5].map(|n| record(json!({"participant_id": format!("{n}"), "name": "Renamed"})));
    import(&store, &party, ImportMode::Merge, 1, &renamed).await;
    let edit = [1, 4].map(|n| record(json!({"participant_id": format!("{n}"), "name": "By hand"})));
    store.put_records(&party, &edit, minute(2)).await.unwrap();
    store.withdraw_participant(&party, &id("2"), now()).await.unwrap();

    let undone = undo(&store, &party).await.unwrap();
    assert_eq!((undone.withdrawn, undone.restored, undone.kept), (1, 1, 1));
    let people = everybody(&store, &party).await;
    let names: Vec<_> = people.iter().map(|(id, person)| (id.as_str(), person.name.as_str())).collect();
    assert_eq!(names, [("1", "By hand"), ("3", "N3"), ("4", "By hand")]);
}

#[tokio::test]
async fn whoever_withdraws_leaves_nothing_to_be_put_back() {
    let (store, database, party) = store_with_party().await;
    let secret = record(json!({"participant_id": "1", "name": "Zaphod", "phone": "+12025550199"}));
    import(&store, &party, ImportMode::Merge, 0, &[secret]).await;
    import(&store, &party, ImportMode::Replace, 1, &[]).await;
    assert!(database.dump("Contacts").contains("Zaphod"), "kept to undo it");
    assert_eq!(store.withdraw_participant(&party, &id("1"), now()).await.unwrap(), Withdrawal::Unknown);
    assert!(!database.dump("Contacts").contains("Zaphod"));
    assert_eq!(undo(&store, &party).await.unwrap().restored, 0);
}

#[tokio::test]
async fn nothing_personal_of_an_import_is_in_the_lottery_table_and_the_next_one_erases_what_was_kept() {
    let (store, database, party) = store_with_party().await;
    let secret = record(
        json!({"participant_id": "1", "name": "Zaphod", "phone": "+12025550199", "email": "zaphod@example.com"}),
    );
    import(&store, &party, ImportMode::Merge, 0, &[secret]).await;
    let second = begin(&store, &party, ImportMode::Replace, 1).await;
    take(&store, &second, &[record(json!({"participant_id": "1", "name": "Ford"}))]).await;
    assert!(database.dump("Contacts").contains("Zaphod"));
    for personal in ["Zaphod", "2025550199", "zaphod", "Ford"] {
        assert!(!database.dump("Lottery").contains(personal), "{personal}");
    }
    begin(&store, &party, ImportMode::Merge, 2).await;
    assert!(!database.dump("Contacts").contains("Zaphod"));
    assert!(!database.dump("Lottery").contains("SEEN#"));
}

#[tokio::test]
async fn once_a_draw_was_sealed_an_import_stays() {
    let (store, database, party) = store_with_party().await;
    import(&store, &party, ImportMode::Merge, 0, &[person(1)]).await;
    let update = json!({"TableName": "Lottery", "Key": {"pk": {"S": "LOTTERY#party"}, "sk": {"S": "LOTTERY"}},
        "UpdateExpression": "SET next_sequence = :next", "ExpressionAttributeValues": {":next": {"N": "2"}}});
    database.act("UpdateItem", &update.to_string()).unwrap();
    assert_eq!(undo(&store, &party).await, Err(UndoImport::Sealed));
    assert_eq!(ids(&store, &party).await, ["1"]);
}

#[tokio::test]
async fn an_undoing_that_broke_off_is_completed_from_the_beginning() {
    let (store, database, party) = store_with_party().await;
    import(&store, &party, ImportMode::Merge, 0, &(0..60).map(person).collect::<Vec<_>>()).await;
    let before = everybody(&store, &party).await;
    let changed: Vec<_> =
        (0..120).map(|n| record(json!({"participant_id": format!("{n}"), "name": "Changed"}))).collect();
    let second = begin(&store, &party, ImportMode::Merge, 1).await;
    take(&store, &second, &changed).await;
    // Undone in mid-import, and the process ends after some steps.
    let mut cursor: Option<String> = None;
    for _ in 0..20 {
        let UndoImport::Step(step) =
            store.undo_import(&party, 2, cursor.as_deref(), minute(2)).await.unwrap()
        else {
            panic!("a step")
        };
        cursor = step.next;
    }
    assert_eq!(
        store.import_records(&second, &changed, minute(3)).await.unwrap(),
        None,
        "no piece comes after"
    );
    database.fail_next(
        "TransactWriteItems",
        400,
        json!({"__type": "com.amazonaws.dynamodb.v20120810#AccessDeniedException", "message": "no"}),
    );
    assert!(store.undo_import(&party, 2, cursor.as_deref(), minute(2)).await.is_err());
    undo(&store, &party).await.unwrap();
    assert_eq!(everybody(&store, &party).await, before);
    assert_eq!(total(&store, &party).await, 60);
}

#[tokio::test]
async fn a_cursor_that_was_not_given_out_is_refused() {
    let (store, _, party) = store_with_party().await;
    import(&store, &party, ImportMode::Merge, 0, &[person(1)]).await;
    for cursor in ["", "w", "x--00", "r2000", "w--16", "w--00a#b", "r\u{e9}000"] {
        let refused = store.undo_import(&party, 1, Some(cursor), minute(1)).await;
        assert!(matches!(refused, Err(StoreError::InvalidCursor)), "{cursor}");
    }
    for (number, at) in [(2, 1), (0, 1), (1, 60 * 24 * 7)] {
        assert_eq!(store.undo_import(&party, number, None, minute(at)).await.unwrap(), UndoImport::Nothing);
    }
    assert_eq!(ids(&store, &party).await, ["1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_imports_at_once_everybody_is_in_and_the_last_can_be_undone() {
    let (store, _, party) = store_with_party().await;
    let first = begin(&store, &party, ImportMode::Merge, 0).await;
    let second = begin(&store, &party, ImportMode::Merge, 0).await;
    assert_eq!(
        store.import_records(&first, &[person(1)], minute(0)).await.unwrap(),
        None,
        "followed by another"
    );
    let pieces = (0..4u32).map(|piece| {
        let (store, second) = (store.clone(), second.clone());
        tokio::spawn(async move {
            // The pieces overlap, as when one is sent again.
            let list: Vec<_> = (piece * 30..piece * 30 + 60).map(person).collect();
            store.import_records(&second, &list, minute(1)).await.unwrap().unwrap()
        })
    });
    for piece in pieces.collect::<Vec<_>>() {
        piece.await.unwrap();
    }
    assert_eq!((ids(&store, &party).await.len(), total(&store, &party).await), (150, 150));
    assert_eq!(undo(&store, &party).await.unwrap().withdrawn, 150);
    assert_eq!(total(&store, &party).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn once_a_draw_has_taken_the_lottery_nobody_else_is_withdrawn() {
    let (store, _, party) = store_with_party().await;
    import(&store, &party, ImportMode::Merge, 0, &(0..400).map(person).collect::<Vec<_>>()).await;
    let emptying = begin(&store, &party, ImportMode::Replace, 1).await;
    let draw_id = DrawId::parse("d1").unwrap();
    let draw = DrawRequest::parse(&json!({"winners": 2}), Locale::En, now()).unwrap();
    store.create_draw(&draw.begin(party.clone(), draw_id.clone(), now())).await.unwrap();

    let withdrawals = {
        let (store, emptying) = (store.clone(), emptying.clone());
        tokio::spawn(async move {
            let mut replacement = store.replacement(&emptying).await.unwrap();
            loop {
                match replacement.withdraw_next(minute(1)).await.unwrap() {
                    WithdrawStep::Withdrawn { .. } => tokio::task::yield_now().await,
                    other => return other,
                }
            }
        })
    };
    while total(&store, &party).await > 300 {
        tokio::task::yield_now().await;
    }
    assert_eq!(store.take_lottery(&party, &draw_id).await.unwrap(), TakeLottery::Taken);
    let sealed = ids(&store, &party).await;
    let ended = withdrawals.await.unwrap();
    assert!(matches!(ended, WithdrawStep::Drawing { .. } | WithdrawStep::Done), "{ended:?}");
    assert_eq!(ids(&store, &party).await, sealed, "the draw reads who is on the list, and they stay");
    assert_eq!(total(&store, &party).await, sealed.len() as u64);
}
