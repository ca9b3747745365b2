//! NDJSON: one JSON object a line.

use super::ListRemark;
use super::json::JsonRow;
use super::limits::MAX_RECORD_BYTES;

/// Cuts lines out of what arrives.
#[derive(Default)]
pub(super) struct Ndjson {
    line: Vec<u8>,
    number: u64,
}

impl Ndjson {
    pub(super) fn push(&mut self, bytes: &[u8], rows: &mut Vec<JsonRow>) {
        let mut pieces = bytes.split(|byte| *byte == b'\n');
        // The piece behind the last newline stays open; `split` always gives at least one piece.
        let open = pieces.next_back().unwrap_or_default();
        for piece in pieces {
            self.extend(piece);
            self.end_line(rows);
        }
        self.extend(open);
    }

    pub(super) fn finish(&mut self, rows: &mut Vec<JsonRow>) {
        self.end_line(rows);
    }

    /// Keeps one byte more than a record may have, which is enough to know that it is too long.
    fn extend(&mut self, piece: &[u8]) {
        let room = (MAX_RECORD_BYTES + 1).saturating_sub(self.line.len());
        self.line.extend_from_slice(&piece[..piece.len().min(room)]);
    }

    fn end_line(&mut self, rows: &mut Vec<JsonRow>) {
        self.number += 1;
        let line = self.line.trim_ascii_start();
        let before = self.line.len() - line.len();
        let line = line.trim_ascii_end();
        if line.len() > MAX_RECORD_BYTES {
            rows.push(JsonRow::unfit(self.number, ListRemark::LineTooLong { most: MAX_RECORD_BYTES }));
        } else if !line.is_empty() {
            rows.push(JsonRow::parse(self.number, before, line));
        }
        self.line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::list::json::tests::shown;

    fn read(body: &str) -> Vec<String> {
        let (mut reader, mut rows) = (Ndjson::default(), Vec::new());
        for piece in body.as_bytes().chunks(7) {
            reader.push(piece, &mut rows);
        }
        reader.finish(&mut rows);
        rows.into_iter().map(shown).collect()
    }

    #[test]
    fn each_line_stands_for_itself() {
        let body = "{\"id\":\"1\"}\r\n\n{\"id\":\"2\",\n[]\n{\"id\":\"3\",\"shoe\":43}\n{\"id\":\"4\"}";
        assert_eq!(
            read(body),
            [
                "1: id=1",
                "3: refused is not JSON: see column 10",
                "4: refused must be an object",
                "5: id=3 shoe=43",
                "6: id=4",
            ]
        );
    }

    #[test]
    fn a_line_that_never_ends_is_not_held() {
        let body = format!("{{\"name\":\"{}\"}}\n{{\"id\":\"2\"}}\n", "x".repeat(20_000));
        assert_eq!(read(&body), ["1: refused is longer than 16384 bytes", "2: id=2"]);
    }
}
