//! NDJSON: one JSON object a line.

use super::{LONGEST_RECORD, LineRefusal, Record, Unreadable};

/// Cuts lines out of what arrives.
#[derive(Default)]
pub(super) struct Ndjson {
    line: Vec<u8>,
    number: u64,
    found: bool,
}

impl Ndjson {
    pub(super) fn push(&mut self, bytes: &[u8], records: &mut Vec<Record>) {
        let mut pieces = bytes.split(|byte| *byte == b'\n');
        // The piece behind the last newline stays open; `split` always gives at least one piece.
        let open = pieces.next_back().unwrap_or_default();
        for piece in pieces {
            self.extend(piece);
            self.end_line(records);
        }
        self.extend(open);
    }

    pub(super) fn finish(&mut self, records: &mut Vec<Record>) -> Result<(), Unreadable> {
        self.end_line(records);
        if self.found {
            return Ok(());
        }
        Err(Unreadable::new(1, LineRefusal::Empty))
    }

    /// Keeps one byte more than a record may have, which is enough to know that it is too long.
    fn extend(&mut self, piece: &[u8]) {
        let room = (LONGEST_RECORD + 1).saturating_sub(self.line.len());
        self.line.extend_from_slice(&piece[..piece.len().min(room)]);
    }

    fn end_line(&mut self, records: &mut Vec<Record>) {
        self.number += 1;
        let line = self.line.trim_ascii_start();
        let before = self.line.len() - line.len();
        let line = line.trim_ascii_end();
        if line.len() > LONGEST_RECORD {
            records.push(Record::unfit(self.number, LineRefusal::LineTooLong { most: LONGEST_RECORD }));
            self.found = true;
        } else if !line.is_empty() {
            records.push(Record::of_json(self.number, before, line));
            self.found = true;
        }
        self.line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::super::Format::Ndjson;
    use super::super::tests::read;

    #[test]
    fn each_line_stands_for_itself() {
        let body = "{\"participant_id\":\"1\",\"name\":\"Rose\"}\r\n\n{\"participant_id\":\"2\",\n[]\n\
            {\"participant_id\":\"3\",\"name\":\"Aaron\",\"shoe\":43}\n{\"participant_id\":\"4\",\"name\":\"Bob\"}";
        assert_eq!(
            read(Ndjson, body).unwrap(),
            [
                "1: 1 Rose",
                "3: unfit  is not JSON: see column 22",
                "4: unfit participant must be an object",
                "5: unfit shoe is not a known field",
                "6: 4 Bob",
            ]
        );
    }

    #[test]
    fn a_line_that_never_ends_is_not_held() {
        let body = format!(
            "{{\"name\":\"{}\"}}\n{{\"participant_id\":\"2\",\"name\":\"Bob\"}}\n",
            "x".repeat(20_000)
        );
        let told = read(Ndjson, body).unwrap();
        assert_eq!(told, ["1: unfit  is longer than 16384 bytes", "2: 2 Bob"]);
    }

    #[test]
    fn bytes_that_are_not_utf_8_cost_their_own_line_only() {
        let body = b"{\"name\":\"\xff\"}\n{\"participant_id\":\"2\",\"name\":\"Bob\"}";
        let told = read(Ndjson, body).unwrap();
        assert!(told[0].starts_with("1: unfit"), "{told:?}");
        assert_eq!(told[1], "2: 2 Bob");
    }
}
