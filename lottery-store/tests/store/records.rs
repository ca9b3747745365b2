//! Partial lists, plans, and the counts of a list.

use std::collections::BTreeMap;

use crate::people::everybody;
use lottery::{ClearWord, Clearing, Group, LotteryId, Participant, ParticipantFields, ParticipantId, Record};
use lottery_store::{
    GroupIs, ListAnswer, ListQuery, Only, ParticipantCounts, PlanCounts, Planned, Recorded, Sort, Store,
    StoreError, Withdrawal,
};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use test_support::dynamodb::{now, participant, store_with_party};

fn record(fields: Value) -> Record {
    record_in(fields, &Clearing::Never)
}

fn record_in(fields: Value, clearing: &Clearing) -> Record {
    Record::parse(&ParticipantFields::from_json(fields).unwrap(), clearing).unwrap()
}

fn rose() -> Value {
    json!({
        "participant_id": "1", "name": "Rose", "phone": "+12025550101", "email": "rose@example.com",
        "group": "Sales", "tickets": 5, "excluded": true
    })
}

async fn put(store: &Store, party: &LotteryId, records: &[Record]) -> Vec<Recorded> {
    store.put_records(party, records, now()).await.unwrap()
}

#[tokio::test]
async fn a_corrected_name_erases_neither_addresses_nor_the_exclusion() {
    let (store, database, party) = store_with_party().await;
    put(&store, &party, &[record(rose())]).await;
    let answers =
        put(&store, &party, &[record(json!({"participant_id": "1", "name": "Rose Tyler", "phone": ""}))])
            .await;
    assert!(matches!(&answers[0], Recorded::Changed { fields, .. } if fields == &["name"]), "{answers:?}");
    let expected = Participant { name: lottery::Name::parse("Rose Tyler").unwrap(), ..participant(rose()) };
    assert_eq!(everybody(&store, &party).await[&expected.participant_id], expected);
    assert!(database.dump("Lottery").contains(r#""excluded":{"BOOL":true}"#), "the draw reads it too");
}

#[tokio::test]
async fn the_word_of_clear_mode_erases() {
    let (store, database, party) = store_with_party().await;
    put(&store, &party, &[record(rose())]).await;
    let cleared = json!({"participant_id": "1", "phone": "-", "excluded": "-"});
    let answers = put(&store, &party, &[record_in(cleared, &Clearing::Word(ClearWord::default()))]).await;
    assert!(
        matches!(&answers[0], Recorded::Changed { fields, .. } if fields == &["phone", "excluded"]),
        "{answers:?}"
    );
    assert!(!database.dump("Lottery").contains("excluded\":{\"BOOL"));
    let other = record(json!({"participant_id": "2", "name": "T", "phone": "+12025550101"}));
    assert!(matches!(put(&store, &party, &[other]).await[0], Recorded::New { .. }), "the number is free");
}

#[tokio::test]
async fn who_is_new_needs_a_name_and_who_is_known_does_not() {
    let (store, _, party) = store_with_party().await;
    put(&store, &party, &[record(rose())]).await;
    let answers = put(
        &store,
        &party,
        &[
            record(json!({"participant_id": "2", "tickets": 2})),
            record(json!({"participant_id": "1", "tickets": 2})),
        ],
    )
    .await;
    assert_eq!(answers[0], Recorded::NameMissing);
    assert!(matches!(&answers[1], Recorded::Changed { fields, .. } if fields == &["tickets"]));
    assert_eq!(everybody(&store, &party).await.len(), 1);
}

#[tokio::test]
async fn who_stays_as_they_are_is_not_written() {
    let (store, database, party) = store_with_party().await;
    let list: Vec<_> = (0..300)
        .map(|n| record(json!({"participant_id": format!("{n}"), "name": "N", "phone": format!("+1202555{n:04}"), "group": "A"})))
        .collect();
    put(&store, &party, &list).await;
    let writes =
        || ["TransactWriteItems", "PutItem", "UpdateItem", "BatchWriteItem"].map(|it| database.calls(it));
    let before = writes();
    let mut again = list.clone();
    again[7] = record(json!({"participant_id": "7", "name": "Seven"}));
    let answers = put(&store, &party, &again).await;
    let changed = answers.iter().filter(|answer| !matches!(answer, Recorded::Unchanged { .. })).count();
    assert_eq!(changed, 1);
    let [transactions, puts, updates, batches] = writes();
    assert_eq!([transactions, puts, updates, batches], [before[0] + 1, before[1], before[2], before[3]]);
}

#[tokio::test]
async fn a_plan_says_what_an_import_does_and_writes_nothing() {
    let (store, database, party) = store_with_party().await;
    let stored = [
        rose(),
        json!({"participant_id": "2", "name": "Tracy", "phone": "+12025550102"}),
        json!({"participant_id": "3", "name": "Li", "email": "li@example.com"}),
    ];
    put(&store, &party, &stored.map(record)).await;
    let before = (database.items("Lottery"), database.items("Contacts"));
    let batches = [
        vec![
            record(json!({"participant_id": "1", "name": "Rose", "phone": "+12025550109"})), // frees 0101 …
            record(json!({"participant_id": "4", "name": "New", "phone": "+12025550101"})),  // … for this one
            record(json!({"participant_id": "5", "name": "Late", "phone": "+12025550101"})), // which now has it
            record(json!({"participant_id": "6", "tickets": 3})), // new without a name
        ],
        vec![
            record(json!({"participant_id": "7", "name": "Other", "phone": "+12025550101"})), // across batches too
            record(json!({"participant_id": "2", "name": "Tracy", "tickets": 1})),
            record(json!({"participant_id": "8", "name": "Thief", "email": "LI@example.com"})),
        ],
    ];
    let mut plan = store.plan_import(&party);
    let mut planned = Vec::new();
    for batch in &batches {
        planned.extend(plan.add(batch).await.unwrap());
    }
    assert_eq!(
        planned,
        [
            Planned::Changed { fields: vec!["phone"] },
            Planned::New,
            Planned::AddressTaken { field: "phone" },
            Planned::NameMissing,
            Planned::AddressTaken { field: "phone" },
            Planned::Unchanged,
            Planned::AddressTaken { field: "email" },
        ]
    );
    assert_eq!(plan.counts(), PlanCounts { new: 1, changed: 1, unchanged: 1, refused: 4 });
    assert_eq!(plan.add(&batches[0][..1]).await.unwrap(), [Planned::Twice]);
    assert!((database.items("Lottery"), database.items("Contacts")) == before, "nothing was written");

    // And the import does just that.
    let mut done = Vec::new();
    for batch in &batches {
        done.extend(put(&store, &party, batch).await);
    }
    for (planned, done) in planned.iter().zip(&done) {
        let agrees = match (planned, done) {
            (Planned::Changed { fields }, Recorded::Changed { fields: changed, .. }) => fields == changed,
            (Planned::AddressTaken { field }, Recorded::AddressTaken { field: taken }) => field == taken,
            (Planned::New, Recorded::New { .. })
            | (Planned::Unchanged, Recorded::Unchanged { .. })
            | (Planned::NameMissing, Recorded::NameMissing) => true,
            _ => false,
        };
        assert!(agrees, "{planned:?} {done:?}");
    }
}

/// What a list of so many people counts, computed from the list itself.
fn counted(people: &BTreeMap<ParticipantId, Participant>) -> ParticipantCounts {
    let mut counts = ParticipantCounts::default();
    for person in people.values() {
        counts.total += 1;
        counts.with_phone += u64::from(person.phone.is_some());
        counts.with_email += u64::from(person.email.is_some());
        counts.unreachable += u64::from(person.phone.is_none() && person.email.is_none());
        counts.excluded += u64::from(person.excluded);
        counts.tickets += if person.excluded { 0 } else { u64::from(person.tickets.get()) };
        match &person.group {
            Some(group) => *counts.groups.entry(group.clone()).or_default() += 1,
            None => counts.without_group += 1,
        }
    }
    counts
}

fn cells() -> impl Strategy<Value = Value> {
    let maybe = |strategy: BoxedStrategy<Value>| prop_oneof![3 => strategy, 1 => Just(json!("")), 1 => Just(Value::Null)];
    (
        0u8..8,
        maybe("[A-Z][a-z]{1,5}".prop_map(Value::from).boxed()),
        maybe((0u8..12).prop_map(|n| json!(format!("+12025550{n:03}"))).boxed()),
        maybe((0u8..12).prop_map(|n| json!(format!("p{n}@example.com"))).boxed()),
        maybe(prop_oneof![Just(json!("Sales")), Just(json!("IT")), Just(json!("HR"))].boxed()),
        maybe((1u32..9).prop_map(|n| json!(n)).boxed()),
        maybe(any::<bool>().prop_map(Value::from).boxed()),
    )
        .prop_map(|(id, name, phone, email, group, tickets, excluded)| {
            json!({"participant_id": id.to_string(), "name": name, "phone": phone, "email": email, "group": group,
                   "tickets": tickets, "excluded": excluded})
        })
}

/// A list with only some of its columns.
fn partial_list() -> impl Strategy<Value = Vec<Value>> {
    let columns = prop::collection::vec(any::<bool>(), 6);
    (columns, prop::collection::vec(cells(), 0..10)).prop_map(|(columns, mut rows)| {
        for row in &mut rows {
            let row = row.as_object_mut().unwrap();
            for (name, is_there) in ParticipantFields::NAMES[1..].iter().zip(&columns) {
                if !is_there {
                    row.remove(*name);
                }
            }
        }
        rows
    })
}

/// What a row says of a field, if it says anything.
fn says(row: &Value, field: &str) -> Option<String> {
    let cell = match &row[field] {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    (!cell.is_empty()).then_some(cell)
}

fn held(person: &Participant, field: &str) -> Option<String> {
    match field {
        "name" => Some(person.name.to_string()),
        "phone" => person.phone.as_ref().map(ToString::to_string),
        "email" => person.email.as_ref().map(ToString::to_string),
        "group" => person.group.as_ref().map(ToString::to_string),
        "tickets" => Some(person.tickets.get().to_string()),
        _ => Some(person.excluded.to_string()),
    }
}

#[test]
fn of_random_pairs_of_lists_the_second_never_erases_and_the_counts_are_exact() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut runner = TestRunner::new(ProptestConfig::with_cases(48));
    runner
        .run(&(partial_list(), partial_list()), |(first, second)| {
            runtime.block_on(async {
                let (store, _, party) = store_with_party().await;
                let records = |rows: &[Value]| rows.iter().cloned().map(record).collect::<Vec<_>>();
                put(&store, &party, &records(&first)).await;
                let before = everybody(&store, &party).await;
                let answers = put(&store, &party, &records(&second)).await;
                let after = everybody(&store, &party).await;
                for (id, person) in &before {
                    for field in &ParticipantFields::NAMES[1..] {
                        let rows = second.iter().zip(&answers).filter(|(row, answer)| {
                            row["participant_id"] == id.as_str()
                                && !matches!(answer, Recorded::AddressTaken { .. })
                        });
                        let said = rows.rev().find_map(|(row, _)| says(row, field));
                        let expected = said.or_else(|| held(person, field));
                        prop_assert_eq!(held(&after[id], field), expected, "{} of {}", field, id);
                    }
                }
                prop_assert_eq!(store.participant_counts(&party).await.unwrap(), counted(&after));
                Ok(())
            })
        })
        .unwrap();
}

#[tokio::test]
async fn whoever_withdraws_is_taken_off_the_counts() {
    let (store, _, party) = store_with_party().await;
    put(
        &store,
        &party,
        &[record(rose()), record(json!({"participant_id": "2", "name": "T", "group": "IT"}))],
    )
    .await;
    let id = ParticipantId::parse("1").unwrap();
    assert!(matches!(store.withdraw_participant(&party, &id, now()).await.unwrap(), Withdrawal::Gone { .. }));
    assert_eq!(store.withdraw_participant(&party, &id, now()).await.unwrap(), Withdrawal::Unknown);
    assert_eq!(store.participant_counts(&party).await.unwrap(), counted(&everybody(&store, &party).await));
}

#[tokio::test]
async fn groups_behind_the_first_two_hundred_are_counted_together() {
    let (store, _, party) = store_with_party().await;
    let list: Vec<_> = (0..260)
        .map(|n| record(json!({"participant_id": format!("{n}"), "name": "N", "group": format!("G{n:03}")})))
        .collect();
    put(&store, &party, &list[..130]).await;
    put(&store, &party, &list[130..]).await;
    let counts = store.participant_counts(&party).await.unwrap();
    assert_eq!((counts.total, counts.groups.len(), counts.in_other_groups), (260, 200, 60));
    for n in 0..260 {
        store
            .withdraw_participant(&party, &ParticipantId::parse(&n.to_string()).unwrap(), now())
            .await
            .unwrap();
    }
    assert_eq!(store.participant_counts(&party).await.unwrap(), ParticipantCounts::default());
}

#[tokio::test]
async fn a_lottery_from_before_the_counters_is_counted_one_by_one() {
    let (store, database, party) = store_with_party().await;
    put(&store, &party, &[record(rose())]).await;
    let expected = store.participant_counts(&party).await.unwrap();
    assert_eq!(expected.groups[&Group::parse("Sales").unwrap()], 1);
    for part in 0..16 {
        database.delete("Lottery", "LOTTERY#party#SUMMARY", &format!("COUNTS#{part:02}"));
    }
    database.delete("Lottery", "LOTTERY#party#SUMMARY", "GROUPS");
    assert_eq!(store.participant_counts(&party).await.unwrap(), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn imports_at_once_count_everybody_once() {
    let (store, _, party) = store_with_party().await;
    let imports = (0..6).map(|import| {
        let (store, party) = (store.clone(), party.clone());
        tokio::spawn(async move {
            // Each two imports share half of their people.
            let list: Vec<_> = (import * 20..import * 20 + 40)
                .map(|n| record(json!({"participant_id": format!("{n}"), "name": format!("N{import}"), "group": format!("G{}", n % 3)})))
                .collect();
            store.put_records(&party, &list, now()).await.unwrap()
        })
    });
    for import in imports.collect::<Vec<_>>() {
        import.await.unwrap();
    }
    let people = everybody(&store, &party).await;
    assert_eq!(people.len(), 140);
    assert_eq!(store.participant_counts(&party).await.unwrap(), counted(&people));
}

#[tokio::test]
async fn the_list_can_be_searched_filtered_and_sorted() {
    let (store, _, party) = store_with_party().await;
    let people = [
        json!({"participant_id": "3", "name": "王小明", "phone": "+8613800138000", "group": "Ｓａｌｅｓ"}),
        json!({"participant_id": "1", "name": "rose", "email": "rose@example.com", "tickets": 3, "excluded": true}),
        json!({"participant_id": "2", "name": "Rose Tyler", "group": "Sales", "tickets": 9}),
        json!({"participant_id": "4", "name": "Oscar", "phone": "+12025550104"}),
    ];
    put(&store, &party, &people.map(record)).await;
    let ids = async |query: ListQuery| {
        let mut ids = Vec::new();
        let mut query = ListQuery { limit: 1, ..query };
        loop {
            let ListAnswer::Page(page) = store.list(&party, &query).await.unwrap() else {
                panic!("a short list")
            };
            ids.extend(page.items.into_iter().map(|it| it.participant_id.to_string()));
            match page.cursor {
                Some(next) => query.cursor = Some(next),
                None => return ids.join(" "),
            }
        }
    };
    let all = ListQuery::default;
    let search = |text: &str| ListQuery { search: Some(text.to_owned()), ..all() };
    for (query, expected) in [
        (all(), "1 2 3 4"),
        (ListQuery { sort: Sort::Name, ..all() }, "4 1 2 3"),
        (ListQuery { sort: Sort::Tickets, ..all() }, "2 1 3 4"),
        (ListQuery { sort: Sort::Newest, ..all() }, "1 2 3 4"),
        (ListQuery { sort: Sort::Name, ..search("ＲＯＳＥ") }, "1 2"),
        (search("138 0013"), "3"),
        (search("ＳＡＬＥＳ"), "2 3"),
        (search("  "), "1 2 3 4"),
        (ListQuery { only: Some(Only::WithPhone), ..all() }, "3 4"),
        (ListQuery { only: Some(Only::WithEmail), ..all() }, "1"),
        (ListQuery { only: Some(Only::Unreachable), ..all() }, "2"),
        (ListQuery { only: Some(Only::Excluded), ..all() }, "1"),
        (ListQuery { group: Some(GroupIs::Absent), sort: Sort::Name, ..all() }, "4 1"),
        (
            ListQuery {
                group: Some(GroupIs::Named(Group::parse("Sales").unwrap())),
                only: Some(Only::Unreachable),
                ..all()
            },
            "2",
        ),
    ] {
        assert_eq!(ids(query.clone()).await, expected, "{query:?}");
    }
    let by_group = ids(ListQuery { sort: Sort::Group, ..all() }).await;
    assert!(by_group.ends_with("1 4"), "who has no group stands last: {by_group}");
    let unknown = ListQuery { sort: Sort::Name, cursor: Some("nobody".to_owned()), ..all() };
    assert!(matches!(store.list(&party, &unknown).await, Err(StoreError::InvalidCursor)));
    let one = store.participant(&party, &ParticipantId::parse("4").unwrap()).await.unwrap().unwrap();
    assert_eq!(one.name.as_str(), "Oscar");
}
