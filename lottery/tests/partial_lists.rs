//! Partial lists never erase: random pairs of lists of the same people, with random columns and blanks.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;

use lottery::{Clearing, Participant, ParticipantFields, ParticipantId, Record};
use proptest::prelude::*;
use serde_json::{Value, json};

/// A list: the columns that it has, and for each person the cells of all columns, blank ones included.
#[derive(Debug, Clone)]
struct List {
    columns: Vec<bool>,
    rows: Vec<(u8, Vec<Value>)>,
}

const COLUMNS: [&str; 6] = ["name", "phone", "email", "group", "tickets", "excluded"];

fn cells() -> impl Strategy<Value = Vec<Value>> {
    let blank = || prop_oneof![Just(json!("")), Just(json!("  ")), Just(json!(null))];
    let or_blank = |value: BoxedStrategy<Value>| prop_oneof![2 => value, 1 => blank()];
    (
        or_blank("[A-Z][a-z]{1,9}".prop_map(Value::from).boxed()),
        or_blank((0u32..10_000).prop_map(|n| json!(format!("+1202555{n:04}"))).boxed()),
        or_blank((0u32..10_000).prop_map(|n| json!(format!("p{n}@example.com"))).boxed()),
        or_blank(prop_oneof![Just(json!("Sales")), Just(json!("IT"))].boxed()),
        or_blank((1u32..=1000).prop_map(|n| json!(n)).boxed()),
        or_blank(any::<bool>().prop_map(Value::from).boxed()),
    )
        .prop_map(|(name, phone, email, group, tickets, excluded)| {
            vec![name, phone, email, group, tickets, excluded]
        })
}

fn list() -> impl Strategy<Value = List> {
    let rows = prop::collection::vec((0u8..12, cells()), 0..12);
    (prop::collection::vec(any::<bool>(), 6), rows).prop_map(|(columns, rows)| List { columns, rows })
}

impl List {
    fn records(&self) -> Vec<Record> {
        let record = |(id, cells): &(u8, Vec<Value>)| {
            let mut fields = ParticipantFields::default();
            fields.set("participant_id", format!("{id}")).unwrap();
            for (index, column) in COLUMNS.iter().enumerate().filter(|(index, _)| self.columns[*index]) {
                fields.set(column, cells[index].clone()).unwrap();
            }
            Record::parse(&fields, &Clearing::Never).unwrap()
        };
        self.rows.iter().map(record).collect()
    }

    /// What the list says of a field of a person: the last cell that is not blank, if the column is there.
    fn says(&self, id: &ParticipantId, column: &str) -> Option<String> {
        let index = COLUMNS.iter().position(|known| *known == column).unwrap();
        let cells = self.rows.iter().filter(|(row, _)| row.to_string() == id.as_str());
        let cells = cells.filter(|_| self.columns[index]).map(|(_, cells)| shown(&cells[index]));
        cells.rev().find(|cell| !cell.trim().is_empty())
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

fn import(people: &mut BTreeMap<ParticipantId, Participant>, list: &List) {
    for record in list.records() {
        if let Some(merged) = record.over(people.get(&record.participant_id)) {
            people.insert(record.participant_id, merged);
        }
    }
}

fn held(person: &Participant, column: &str) -> Option<String> {
    match column {
        "name" => Some(person.name.to_string()),
        "phone" => person.phone.as_ref().map(ToString::to_string),
        "email" => person.email.as_ref().map(ToString::to_string),
        "group" => person.group.as_ref().map(ToString::to_string),
        "tickets" => Some(person.tickets.get().to_string()),
        _ => Some(person.excluded.to_string()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_partial_list_changes_what_it_says_and_nothing_else(first in list(), second in list()) {
        let mut people = BTreeMap::new();
        import(&mut people, &first);
        let before = people.clone();
        import(&mut people, &second);
        for (id, person) in &before {
            let now = &people[id];
            for column in COLUMNS {
                let expected = second.says(id, column).or_else(|| held(person, column));
                prop_assert_eq!(held(now, column), expected, "{} of {}", column, id);
            }
        }
    }
}
