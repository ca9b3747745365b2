//! The form of a text by its beginning: JSON or fields, and what separates these.

use super::ListRemark;
use super::columns::{Mapping, is_header};
use super::delimited::Delimited;
use super::words;

/// So much of a text is looked at, in bytes of UTF-8.
pub(super) const SAMPLE: usize = 64 * 1024;

/// Rows of the sample that are looked at.
const SAMPLE_ROWS: usize = 60;

const DELIMITERS: [char; 6] = [',', '\t', ';', '|', '，', '；'];

/// What a text is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Fields, separated by that character, from the byte on that is given; lines in front of it are counted.
    Fields {
        delimiter: char,
        skip: usize,
        lines: u64,
    },
    Json,
    Ndjson,
}

/// Looks at the beginning of a text.
pub(super) fn shape(text: &str, mapping: &Mapping) -> Result<Shape, ListRemark> {
    let start = text.trim_start_matches(|c: char| c.is_whitespace() || crate::text::is_ignorable(c));
    let is = |word: &str| start.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
    if start.starts_with('<')
        && ["<html", "<!doctype", "<table", "<?xml", "<meta", "<head"].into_iter().any(is)
    {
        let kind = "a web page or XML file, which some programs give the name .xls";
        return Err(ListRemark::WrongKind { kind });
    }
    if is("BEGIN:VCARD") {
        return Err(ListRemark::WrongKind { kind: "a file of contact cards" });
    }
    if start.starts_with('{') {
        let first_line = start.lines().next().unwrap_or_default().trim_end();
        return Ok(if first_line.ends_with('}') { Shape::Ndjson } else { Shape::Json });
    }
    if let Some(rest) = start.strip_prefix('[')
        && rest.trim_start().starts_with(['{', ']', '[', '"'])
    {
        return Ok(Shape::Json);
    }
    if let Some((delimiter, skip)) = declared(text) {
        return Ok(Shape::Fields { delimiter, skip, lines: 1 });
    }
    Ok(Shape::Fields { delimiter: delimiter(text, mapping), skip: 0, lines: 0 })
}

/// The first line `sep=;`, which declares the separator to Excel: the separator, and the bytes of the line.
fn declared(text: &str) -> Option<(char, usize)> {
    let end = text.find(['\n', '\r'])?;
    let line = text[..end].trim_matches(|c: char| c == '"' || c == ' ' || crate::text::is_ignorable(c));
    let value = line.get(..4).filter(|head| head.eq_ignore_ascii_case("sep=")).map(|_| &line[4..])?;
    // A program that took the line for a record adds the commas of the other columns.
    let mut characters = value.chars();
    let delimiter = characters.next()?;
    if !characters.all(|c| c == ',') {
        return None;
    }
    if delimiter.is_alphanumeric() || delimiter == '"' {
        return None;
    }
    let behind = &text[end..];
    let length = if behind.starts_with("\r\n") { 2 } else { 1 };
    Some((delimiter, end + length))
}

/// The separator under which a header is found with the most columns that are understood; else the one that cuts most rows
/// into the same number of fields.
fn delimiter(text: &str, mapping: &Mapping) -> char {
    let sample = &text[..text.floor_char_boundary(SAMPLE)];
    // The last line may be cut short.
    let sample = sample.rsplit_once('\n').map_or(sample, |(whole, _)| whole);
    let mut best = (',', (0, 0, 0));
    for delimiter in DELIMITERS.into_iter().filter(|delimiter| sample.contains(*delimiter)) {
        let (mut reader, mut rows) = (Delimited::new(delimiter, 1), Vec::new());
        for line in sample.split_inclusive('\n') {
            reader.push(line, &mut rows);
            if rows.len() > SAMPLE_ROWS {
                break;
            }
        }
        let rows: Vec<_> =
            rows.iter().filter(|row| !row.is_blank()).filter_map(|row| row.cells.as_ref().ok()).collect();
        let fits = |cells: &&&Vec<_>| is_header(cells) || (mapping.has_names() && mapping.fits(cells));
        let understood = rows.iter().find(fits).map_or(0, |header| {
            let known = header.iter().filter(|cell| words::field_of(cell.as_shown()).is_some()).count();
            known.max(if mapping.has_names() && mapping.fits(header) { mapping.len() } else { 0 })
        });
        let width = rows.iter().map(|cells| cells.len()).max().unwrap_or(0);
        let common = (2..=width.min(64))
            .map(|width| (rows.iter().filter(|cells| cells.len() == width).count(), width))
            .max()
            .unwrap_or_default();
        let score = (understood, common.0, common.1);
        if score > best.1 {
            best = (delimiter, score);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_are_found() {
        for (text, delimiter) in [
            ("id,name\n1,Rose\n", ','),
            ("id;name\n1;Rose\n", ';'),
            ("id;name;note\n1;Rose;a, b, c\n", ';'),
            ("id\tname\n1\tRose, Tyler\n", '\t'),
            ("id|name\n1|Rose\n", '|'),
            ("工号，姓名\n1，张伟\n", '，'),
            ("a, b, c list of 2026\nid;name\n1;Rose\n", ';'),
            ("name\nRose\n", ','),
            ("x;y\n1;2\n3;4\n", ';'),
            ("\"id\";\"name\"\n\"1\";\"Rose\"\n", ';'),
        ] {
            assert_eq!(
                shape(text, &Mapping::default()),
                Ok(Shape::Fields { delimiter, skip: 0, lines: 0 }),
                "{text}"
            );
        }
    }

    #[test]
    fn a_declared_separator_is_taken() {
        for (line, delimiter) in
            [("sep=,", ','), ("sep=;", ';'), ("SEP=\t", '\t'), ("\"sep=|\"", '|'), ("sep=,,", ',')]
        {
            let text = format!("{line}\r\nid;name\n");
            let skip = line.len() + 2;
            assert_eq!(
                shape(&text, &Mapping::default()),
                Ok(Shape::Fields { delimiter, skip, lines: 1 }),
                "{line}"
            );
        }
        assert!(matches!(shape("sep=ab\nid;name\n", &Mapping::default()), Ok(Shape::Fields { skip: 0, .. })));
    }

    #[test]
    fn json_is_told_from_fields() {
        for (text, shape_of) in [
            ("{\"name\":\"Rose\"}\n{\"name\":\"Tracy\"}\n", Shape::Ndjson),
            ("{\"name\":\"Rose\"}", Shape::Ndjson),
            ("{\n\"name\":\"Rose\"\n}", Shape::Json),
            ("\u{feff} [ {\"name\":\"Rose\"}]", Shape::Json),
            ("[]", Shape::Json),
        ] {
            assert_eq!(shape(text, &Mapping::default()), Ok(shape_of), "{text}");
        }
        assert!(matches!(shape("[VIP] name,id\n", &Mapping::default()), Ok(Shape::Fields { .. })));
        for text in ["<!DOCTYPE html><table>", "<?xml version=\"1.0\"?>", "BEGIN:VCARD\nFN:Rose"] {
            assert!(matches!(shape(text, &Mapping::default()), Err(ListRemark::WrongKind { .. })), "{text}");
        }
    }
}
