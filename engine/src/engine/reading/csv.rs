//! Rows of a text file with delimiters, as RFC 4180 has them.

use std::sync::Arc;

use crate::data::{Json, Object};

/// The fields of the row at the beginning of `bytes`, and where the next row begins. `None`: the row may go on after the
/// bytes, of which `is_end` says whether they are the last.
pub(super) fn row(bytes: &[u8], delimiter: u8, is_end: bool) -> Option<(Vec<String>, usize)> {
    let (mut fields, mut field) = (Vec::new(), Vec::new());
    let (mut is_quoted, mut at) = (false, 0);
    let finish = |field: &mut Vec<u8>| String::from_utf8_lossy(&std::mem::take(field)).into_owned();
    while let Some(byte) = bytes.get(at).copied() {
        at += 1;
        match byte {
            b'"' if is_quoted => match bytes.get(at) {
                Some(b'"') => {
                    field.push(b'"');
                    at += 1;
                }
                None if !is_end => return None,
                _ => is_quoted = false,
            },
            b'"' if field.is_empty() => is_quoted = true,
            _ if is_quoted => field.push(byte),
            b'\n' => {
                if field.last() == Some(&b'\r') {
                    field.pop();
                }
                fields.push(finish(&mut field));
                return Some((fields, at));
            }
            byte if byte == delimiter => fields.push(finish(&mut field)),
            byte => field.push(byte),
        }
    }
    if !is_end || (fields.is_empty() && field.is_empty()) {
        return None;
    }
    if field.last() == Some(&b'\r') {
        field.pop();
    }
    fields.push(finish(&mut field));
    Some((fields, at))
}

/// Whether a row is an empty line, which is no item.
pub(super) fn is_blank(fields: &[String]) -> bool {
    matches!(fields, [only] if only.is_empty())
}

/// The item of a row: what is missing is empty, and what has no header is left out.
pub(super) fn item(headers: &[Arc<str>], fields: Vec<String>) -> Json {
    let mut object = Object::with_capacity(headers.len());
    let mut fields = fields.into_iter();
    for header in headers {
        object.insert(Arc::clone(header), Json::from(fields.next().unwrap_or_default()));
    }
    Json::from(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str, delimiter: u8) -> Vec<Vec<String>> {
        let (mut at, mut rows) = (0, Vec::new());
        while let Some((fields, next)) = row(&text.as_bytes()[at..], delimiter, true) {
            at += next;
            rows.push(fields);
        }
        rows
    }

    #[test]
    fn quoted_fields_hold_delimiters_quotation_marks_and_ends_of_lines() {
        let text = "a,\"b,\"\"c\"\"\nd\",e\r\n\n,,\nlast";
        let expected = [vec!["a", "b,\"c\"\nd", "e"], vec![""], vec!["", "", ""], vec!["last"]];
        assert_eq!(rows(text, b','), expected);
        assert_eq!(rows("a|b\n", b'|'), [vec!["a", "b"]]);
    }

    #[test]
    fn a_row_that_may_go_on_is_not_taken() {
        for text in ["a,b", "\"a\n", "\"a\""] {
            assert_eq!(row(text.as_bytes(), b',', false), None, "{text}");
        }
        assert_eq!(row(b"a\nb", b',', false), Some((vec!["a".to_owned()], 2)));
    }
}
