//! No bytes are taken for people that are none, and none take more than bounded time and memory.

use lottery::list::{Batch, Options, Reader, read};
use proptest::prelude::*;
use rust_xlsxwriter::Workbook;

use super::support::*;

fn accepted(bytes: &[u8]) -> usize {
    read(bytes, Options::default())
        .map_or(0, |list| list.rows.iter().filter(|row| row.person.is_ok()).count())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn random_bytes_are_no_people(bytes in prop::collection::vec(any::<u8>(), 48..2_000)) {
        prop_assert_eq!(accepted(&bytes), 0);
    }

    /// The upper half alone: what every old encoding has characters for.
    #[test]
    fn random_bytes_of_old_encodings_are_no_people(bytes in prop::collection::vec(0x80_u8.., 48..1_000)) {
        prop_assert_eq!(accepted(&bytes), 0);
    }

    /// Whatever the text, reading ends, and each person has a name that can be seen.
    #[test]
    fn text_of_any_kind_is_read_or_refused(text in "\\PC{0,200}", rows in "([a-z0-9,;\"\n\r\t|@+张伟\u{200b}\u{fffd}]{0,12}\n){0,20}") {
        for text in [text.clone(), format!("participant_id,name,phone\n{rows}"), format!("{text}\nname\n{rows}")] {
            if let Ok(list) = read(text.as_bytes(), Options::default()) {
                for row in &list.rows {
                    if let Ok(person) = &row.person {
                        let is_seen = |c: char| !c.is_whitespace() && !matches!(c, '\u{200b}' | '\u{fffd}');
                        let shows_anything = |name: &lottery::Name| name.as_str().chars().any(is_seen);
                        prop_assert!(person.name.as_ref().is_none_or(shows_anything));
                    }
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// A workbook with some bytes changed is read or refused, and nothing panics out of it.
    #[test]
    fn a_damaged_workbook_is_read_or_refused(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..30)) {
        let mut workbook = Workbook::new();
        workbook.add_worksheet().write(0, 0, "name").unwrap().write(1, 0, "Rose").unwrap();
        let mut bytes = workbook.save_to_buffer().unwrap();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = read(&bytes, Options::default());
    }

    #[test]
    fn bytes_behind_a_workbooks_beginning_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..3_000), is_old in any::<bool>()) {
        let start: &[u8] = if is_old { b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" } else { b"PK\x03\x04" };
        prop_assert_eq!(accepted(&[start, &bytes].concat()), 0);
    }
}

#[test]
fn refusals_without_end_do_not_fill_the_memory_of_a_batch() {
    let mut reader = Reader::new(Options::default());
    let mut batch = Batch::default();
    reader.push(b"participant_id,name\n", &mut batch).unwrap();
    let mut refused = 0;
    for _ in 0..200 {
        reader.push("x y,\n".repeat(1_000).as_bytes(), &mut batch).unwrap();
        refused += batch.rows.drain(..).filter(|row| row.person.is_err()).count();
    }
    reader.finish(&mut batch).unwrap();
    assert!(refused > 180_000, "{refused}");
}

#[test]
fn a_quotation_mark_that_is_never_closed_takes_time_in_proportion() {
    let text = format!("participant_id,name\n{}", "1,\"never closed\n".repeat(20_000));
    assert_eq!(list(text, Options::default()).rows.len(), 20_000);
}
