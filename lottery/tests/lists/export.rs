//! An export is read back unchanged: importing an exported list changes nothing.

use lottery::guard::guarded;
use lottery::list::Options;
use lottery::{EmailAddress, Group, Name, Participant, ParticipantId, PhoneNumber, Record, Tickets};
use proptest::prelude::*;

use super::support::*;

const HEADER: &str = "participant_id,name,phone,email,group,tickets,excluded";

/// A cell as an export writes it: guarded, and quoted where something in it could end it.
fn cell(text: &str) -> String {
    let text = guarded(text);
    let is_quoted = text.contains([',', ';', '"', '\t', '\n', '\r']);
    if is_quoted { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.into_owned() }
}

fn exported(people: &[Participant]) -> String {
    fn shown<T: ToString>(value: Option<&T>) -> String {
        value.map(ToString::to_string).unwrap_or_default()
    }
    let line = |person: &Participant| {
        let cells = [
            person.participant_id.to_string(),
            person.name.to_string(),
            shown(person.phone.as_ref()),
            shown(person.email.as_ref()),
            shown(person.group.as_ref()),
            person.tickets.get().to_string(),
            person.excluded.to_string(),
        ];
        cells.map(|text| cell(&text)).join(",")
    };
    let lines: Vec<_> = people.iter().map(line).collect();
    format!("\u{feff}{HEADER}\r\n{}\r\n", lines.join("\r\n"))
}

/// Texts with what spreadsheets, CSV and readers of lists could stumble over.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[=+@'\"＝＋－＠-]{1,3}[a-zA-Z0-9张伟,;\"' =-]{0,8}",
        "[\\PC]{1,20}",
        "[a-zA-Z张伟李娜·, ;'\"\t-]{1,12}",
        prop::sample::select(vec![
            "Total",
            "合计",
            "name",
            "姓名",
            "N/A",
            "-",
            "无",
            "true",
            "1.38E+10",
            "007",
            "sep=,",
            "Note: x",
            "备注",
            "=\"x\"",
            "'=\"x\"",
            "''",
            "2026-01-02",
            "#N/A",
        ])
        .prop_map(str::to_owned),
    ]
}

fn participant() -> impl Strategy<Value = Participant> {
    let phone = prop::option::of(0..100_u32);
    let email = prop::option::of("[a-z]{1,6}@[a-z]{1,6}\\.example");
    (
        "[A-Za-z0-9][A-Za-z0-9._-]{0,8}",
        text(),
        phone,
        email,
        prop::option::of(text()),
        1..=1000_u32,
        any::<bool>(),
    )
        .prop_filter_map(
            "must be a participant",
            |(id, name, phone, email, group, tickets, excluded)| {
                Some(Participant {
                    participant_id: ParticipantId::parse(&id).ok()?,
                    name: Name::parse(&name).ok()?,
                    phone: phone.map(|n| PhoneNumber::parse(&format!("+120255501{n:02}")).unwrap()),
                    email: email.map(|email| EmailAddress::parse(&email).unwrap()),
                    group: group.and_then(|group| Group::parse(&group).ok()),
                    tickets: Tickets::try_from(tickets).ok()?,
                    excluded,
                })
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn an_export_that_is_imported_again_changes_nothing(people in prop::collection::vec(participant(), 1..12)) {
        let mut people = people;
        people.sort_by(|one, other| one.participant_id.cmp(&other.participant_id));
        people.dedup_by(|one, other| one.participant_id == other.participant_id);
        // An id that a spreadsheet could have corrupted is reported, not accepted.
        people.retain(|person| !person.participant_id.as_str().contains(['E', 'e']));
        prop_assume!(!people.is_empty());
        let csv = exported(&people);
        let list = list(&csv, Options::default());
        prop_assert_eq!(list.rows.len(), people.len(), "{}", csv);
        for (row, person) in list.rows.into_iter().zip(&people) {
            let record = Record::from(row.person.map_err(|why| TestCaseError::fail(format!("{why}: {csv}")))?);
            // For an empty lottery, and for one in which the person is.
            let read = record.over(None);
            prop_assert_eq!(read.as_ref(), Some(person), "{}", csv);
            let merged = record.over(Some(person)).unwrap();
            prop_assert!(merged.changes(person).is_empty(), "{}", csv);
        }
    }
}

#[test]
fn whoever_is_called_total_is_a_person_of_an_export() {
    let person = Participant {
        participant_id: ParticipantId::parse("1").unwrap(),
        name: Name::parse("Total").unwrap(),
        phone: None,
        email: None,
        group: None,
        tickets: Tickets::ONE,
        excluded: false,
    };
    assert_eq!(people(&list(exported(&[person]), Options::default())), ["1 Total . . . 1 false"]);
}
