//! Ids, and duplicate persons.

use lottery::ClearWord;
use lottery::list::{ListRemark, Options, Why};

use super::support::*;

fn default() -> Options {
    Options::default()
}

/// Each person's name and made id.
fn made(text: &str) -> Vec<(String, String)> {
    let list = list(text, default());
    assert!(list.detected.ids_made);
    let row = |row: lottery::list::Row| {
        let person = row.person.unwrap();
        let phone = person.phone.value().map(|phone| phone.to_string()).unwrap_or_default();
        (format!("{} {phone}", person.name.unwrap()).trim().to_owned(), person.participant_id.to_string())
    };
    let mut made: Vec<_> = list.rows.into_iter().map(row).collect();
    made.sort();
    made
}

#[test]
fn one_id_twice_in_a_list_is_refused_with_both_lines() {
    let list = list("participant_id,name\n12,Rose\n13,Bob\n12,Tracy\n12,Eve\n", default());
    assert_eq!(people(&list), ["12 Rose", "13 Bob", "4: IdTwice", "5: IdTwice"]);
    let why = &list.rows[2].person.as_ref().unwrap_err().why;
    assert_eq!(*why, Why::List(ListRemark::IdTwice { first_line: 2 }));
}

#[test]
fn likely_doubles_are_warned_of() {
    let list_of = list(
        "participant_id,name\n1,Rose Tyler\n2,rose tyler\n3,Rose  Tyler\n4,Ｒｏｓｅ Tyler\n5,Bob\n",
        default(),
    );
    assert_eq!(list_of.rows.len(), 5);
    assert_eq!(remarks(&list_of), ["3: name LikelyDouble", "4: name LikelyDouble", "5: name LikelyDouble"]);
    // Two people of one name, each with a number of their own, are two people.
    let list_of =
        list("participant_id,name,phone\n1,Rose Tyler,+12025550101\n2,Rose Tyler,+12025550102\n", default());
    assert_eq!(remarks(&list_of), [""; 0]);
}

#[test]
fn made_ids_stay_when_the_list_comes_again_in_any_order() {
    let text = "name,phone\nRose,+12025550101\nTracy,+12025550102\n张伟,+12025550103\n张伟,+12025550104\nBob,\nBob,\n";
    let first = made(text);
    let mut ids: Vec<_> = first.iter().map(|(_, id)| id.clone()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 6);
    assert_eq!(made(text), first);
    let mut lines: Vec<_> = text.lines().skip(1).collect();
    lines.reverse();
    assert_eq!(made(&format!("name,phone\n{}\n", lines.join("\n"))), first);
}

#[test]
fn a_person_keeps_the_made_id_when_the_phone_number_is_corrected() {
    let id_of = |text: &str, name: &str| {
        let made = made(text);
        made.into_iter().find(|(person, _)| person.starts_with(name)).unwrap().1
    };
    let before = id_of("name,phone\nRose,+12025550101\nTracy,+12025550102\n", "Rose");
    assert_eq!(id_of("name,phone\nEve,\nTracy,+12025550102\nrose,+12025550109\n", "rose"), before);
    assert_eq!(id_of("name\nRose\n", "Rose"), before);
    assert_eq!(id_of("name,group\nＲｏｓｅ,Sales\n", "Ｒｏｓｅ"), before);
}

#[test]
fn the_same_person_twice_is_one_person() {
    let list = list("name,phone\nRose,+12025550101\nBob,\nrose ,+1 202 555 0101\nBob,\n", default());
    assert_eq!(names(&list), ["Rose", "Bob", "4: PersonTwice", "Bob"]);
    let why = &list.rows[2].person.as_ref().unwrap_err().why;
    assert_eq!(*why, Why::List(ListRemark::PersonTwice { first_line: 2 }));
}

#[test]
fn a_refused_row_keeps_its_id_and_its_cells() {
    let text =
        "participant_id,name,tickets\n1,Rose,9999\n2,Tracy\n3,\u{200b},1\n,Bob,1\n1,Again,1\nx y,Eve,1\n";
    let list = list(text, Options::default());
    let rows: Vec<_> = list
        .rows
        .iter()
        .map(|row| (row.participant_id.as_ref().map_or("-", |id| id.as_str()), row.cells.join("|")))
        .collect();
    let expected = [
        ("1", "1|Rose|9999"),
        ("2", "2|Tracy"),
        ("3", "3|\u{200b}|1"),
        ("-", "|Bob|1"),
        ("-", ""),
        ("-", "x y|Eve|1"),
    ];
    assert_eq!(rows, expected.map(|(id, cells)| (id, cells.to_owned())));
    // The last but one was read: the line with that id in front of it was refused.
    assert_eq!(list.rows[4].person.as_ref().unwrap().participant_id.as_str(), "1");
    let objects = r#"[{"participant_id":"7","name":"Rose","tickets":-1}]"#;
    let row = &self::list(objects, Options::default()).rows[0];
    assert_eq!((row.participant_id.as_ref().unwrap().as_str(), row.cells.len()), ("7", 0));
}

#[test]
fn a_list_of_ids_changes_who_is_known() {
    let list = list("participant_id,name,tickets\n1,,2\n,Rose,1\n", Options::default());
    assert_eq!(people(&list), ["1 ? . . . 2", "3: Missing"]);
    assert_eq!(people(&self::list("工号,票数\n7,3\n", Options::default())), ["7 ? . . . 3"]);
    assert_eq!(refusal("工号,备注,票数\n7,x,3\n", Options::default()), "NameColumnMissing");
}

#[test]
fn one_word_erases_where_it_is_said_to() {
    let options = || Options { clear: Some(ClearWord::parse("-").unwrap()), ..Options::default() };
    let text =
        "id,name,phone,email,group,tickets,excluded\n1,Rose,-,-,-,-,-\n2,Tracy,N/A,无,—,,no\n3,-,,,,,\n";
    assert_eq!(
        people(&list(text, options())),
        ["1 Rose cleared cleared cleared . cleared", "2 Tracy - - - . false", "4: Missing"]
    );
    assert_eq!(people(&list(text, Options::default()))[0], "1 Rose - - - . -");
}
