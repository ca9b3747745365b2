//! Text with separated fields: CSV as RFC 4180 has it, and its relatives with semicolons, tabs or bars.
//!
//! A quoted field may hold line breaks. A quotation mark that is never closed, or closed in the wrong location, would swallow
//! good lines: then only the line on which the record began is refused, and reading resumes with the line after it.

use super::ListRemark;
use super::cell::{Cell, RawRow};
use super::limits::{MAX_COLUMNS, MAX_RECORD_BYTES};

/// Cuts records out of the text that arrives.
pub(super) struct Delimited {
    delimiter: char,
    /// How many fields each record has, once the header is known.
    width: Option<usize>,
    /// The record at hand and what follows it: valid UTF-8 from `start` on, for text arrives in whole characters.
    buffer: Vec<u8>,
    /// Where in the buffer the record at hand begins.
    start: usize,
    /// How far the buffer has been looked at.
    at: usize,
    state: State,
    /// The line on which the record at hand begins.
    line: u64,
    /// Line breaks within the record at hand.
    breaks: u64,
}

/// Where in a record the reader is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// In front of a field.
    Field,
    /// In a field without quotation marks.
    Plain,
    /// In a quoted field.
    Quoted,
    /// Behind a quotation mark in a quoted field: it closed the field, or it is the first of a pair.
    Quote,
    /// In a line that is refused already.
    Skip,
}

impl Delimited {
    pub(super) fn new(delimiter: char, first_line: u64) -> Self {
        Self {
            delimiter,
            width: None,
            buffer: Vec::new(),
            start: 0,
            at: 0,
            state: State::Field,
            line: first_line,
            breaks: 0,
        }
    }

    pub(super) fn delimiter(&self) -> char {
        self.delimiter
    }

    /// How many fields a record has, once that was said.
    pub(super) fn width(&self) -> Option<usize> {
        self.width
    }

    /// Sets the number of fields of a record, which distinguishes a line break in a quoted field from an unclosed quote.
    pub(super) fn set_width(&mut self, width: usize) {
        self.width = Some(width);
    }

    pub(super) fn push(&mut self, text: &str, rows: &mut Vec<RawRow>) {
        self.buffer.extend_from_slice(text.as_bytes());
        self.read(rows);
        self.buffer.drain(..self.start);
        self.at -= self.start;
        self.start = 0;
    }

    pub(super) fn finish(&mut self, rows: &mut Vec<RawRow>) {
        loop {
            self.read(rows);
            if self.state == State::Quoted {
                self.refuse(ListRemark::QuoteNotClosed, rows);
                continue;
            }
            // A refusal begins anew further up; anything else ends with the text.
            self.end_record(self.buffer.len(), rows);
            if self.start >= self.buffer.len() {
                return;
            }
        }
    }

    fn read(&mut self, rows: &mut Vec<RawRow>) {
        let mut encoded = [0; 4];
        let delimiter = self.delimiter.encode_utf8(&mut encoded).as_bytes();
        while let Some(&byte) = self.buffer.get(self.at) {
            let at = self.at;
            if byte == b'\r' && self.state != State::Quoted {
                match self.buffer.get(at + 1) {
                    // Its newline may come with the next piece.
                    None => return,
                    Some(b'\n') => self.at += 1,
                    // Old files end their lines so.
                    Some(_) => {
                        self.at += 1;
                        self.end_record(at, rows);
                    }
                }
                continue;
            }
            self.at += 1;
            let is_delimiter = byte == delimiter[0] && self.buffer[at..].starts_with(delimiter);
            match (self.state, byte) {
                (State::Field | State::Plain | State::Quote | State::Skip, b'\n') => {
                    self.end_record(at, rows)
                }
                (State::Skip, _) => self.start = self.at,
                (State::Quoted, b'"') => self.state = State::Quote,
                (State::Quoted, b'\n') => self.breaks += 1,
                (State::Quoted, _) => {}
                (State::Quote, b'"') | (State::Field, b'"') => self.state = State::Quoted,
                (State::Field | State::Plain | State::Quote, _) if is_delimiter => {
                    self.at = at + delimiter.len();
                    self.state = State::Field;
                }
                // Blanks between a closing mark and the separator are a habit of some programs.
                (State::Quote, b' ') => {}
                (State::Quote, _) => self.refuse(ListRemark::QuoteMisplaced, rows),
                (State::Field | State::Plain, _) => self.state = State::Plain,
            }
            if self.at.saturating_sub(self.start) > MAX_RECORD_BYTES {
                let why = match self.breaks {
                    0 => ListRemark::LineTooLong { most: MAX_RECORD_BYTES },
                    _ => ListRemark::QuoteNotClosed,
                };
                self.refuse(why, rows);
            }
        }
    }

    /// Refuses the line on which the record began; what follows that line is looked at anew.
    fn refuse(&mut self, why: ListRemark, rows: &mut Vec<RawRow>) {
        rows.push(RawRow { line: self.line, cells: Err(why) });
        match self.buffer[self.start..self.at].iter().position(|byte| *byte == b'\n') {
            Some(end) => {
                self.begin_record(self.start + end + 1);
                self.line += 1;
            }
            None => {
                self.start = self.at;
                self.state = State::Skip;
            }
        }
    }

    fn begin_record(&mut self, start: usize) {
        self.start = start;
        self.at = start;
        self.state = State::Field;
        self.breaks = 0;
    }

    fn end_record(&mut self, end: usize, rows: &mut Vec<RawRow>) {
        let next = self.at.max(end);
        if self.state == State::Skip {
            self.begin_record(next);
            self.line += 1;
            return;
        }
        let record = &self.buffer[self.start..end];
        let record = record.strip_suffix(b"\r").unwrap_or(record);
        let record = String::from_utf8_lossy(record);
        let cells = self.split(&record);
        let fits = self.width.is_none_or(|width| has_width(&cells, width));
        if !fits && self.breaks > 0 {
            return self.refuse(ListRemark::QuoteNotClosed, rows);
        }
        let cells = if cells.len() > MAX_COLUMNS {
            Err(ListRemark::TooManyColumns { most: MAX_COLUMNS })
        } else {
            Ok(cells)
        };
        rows.push(RawRow { line: self.line, cells });
        self.line += 1 + self.breaks;
        self.begin_record(next);
    }

    /// The fields of a record whose quotation marks are known to be in order.
    fn split(&self, record: &str) -> Vec<Cell> {
        let mut cells = Vec::with_capacity(self.width.unwrap_or(8));
        let mut rest = record;
        loop {
            let behind = match rest.strip_prefix('"') {
                Some(quoted) => {
                    let end = closing(quoted);
                    let field = &quoted[..end];
                    let field =
                        if field.contains('"') { field.replace("\"\"", "\"") } else { field.to_owned() };
                    cells.push(Cell::text(field));
                    let behind = quoted.get(end + 1..).unwrap_or_default().trim_start_matches(' ');
                    behind.strip_prefix(self.delimiter)
                }
                None => match rest.split_once(self.delimiter) {
                    Some((field, behind)) => {
                        cells.push(Cell::text(field));
                        Some(behind)
                    }
                    None => {
                        cells.push(Cell::text(rest));
                        None
                    }
                },
            };
            match behind {
                Some(behind) => rest = behind,
                None => return cells,
            }
        }
    }
}

/// Whether a row has as many cells as the header, blank ones behind them aside.
pub(super) fn has_width(cells: &[Cell], width: usize) -> bool {
    match cells.len() {
        found if found < width => cells.iter().all(Cell::is_blank),
        _ => cells[width..].iter().all(Cell::is_blank),
    }
}

/// The position of the quotation mark that closes a field.
fn closing(quoted: &str) -> usize {
    let bytes = quoted.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'"' {
            if bytes.get(at + 1) != Some(&b'"') {
                return at;
            }
            at += 1;
        }
        at += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `text` cut into pieces of every size from 1 up to 9 characters, and as a whole: always the same rows.
    fn read(delimiter: char, text: &str) -> Vec<String> {
        let whole = read_in_pieces(delimiter, text, text.chars().count().max(1));
        for size in 1..10 {
            assert_eq!(read_in_pieces(delimiter, text, size), whole, "in pieces of {size}");
        }
        whole
    }

    fn read_in_pieces(delimiter: char, text: &str, size: usize) -> Vec<String> {
        let (mut reader, mut rows) = (Delimited::new(delimiter, 1), Vec::new());
        let characters: Vec<char> = text.chars().collect();
        for piece in characters.chunks(size) {
            reader.push(&piece.iter().collect::<String>(), &mut rows);
        }
        reader.finish(&mut rows);
        let shown = |row: RawRow| match row.cells {
            Ok(cells) => {
                let cells: Vec<_> = cells.iter().map(Cell::as_shown).collect();
                format!("{}: {}", row.line, cells.join("|"))
            }
            Err(why) => format!("{}: refused {why}", row.line),
        };
        rows.into_iter().filter(|row| !row.is_blank()).map(shown).collect()
    }

    #[test]
    fn fields_are_separated_by_any_character() {
        for delimiter in [',', ';', '\t', '|', '，'] {
            let text = format!("a{delimiter}b\n1{delimiter}\"x{delimiter}y\"\n");
            assert_eq!(read(delimiter, &text), ["1: a|b", &format!("2: 1|x{delimiter}y")]);
        }
    }

    #[test]
    fn quoted_fields_hold_separators_marks_and_line_breaks() {
        assert_eq!(
            read(',', "a,b\r\n1,\"Last, \"\"one\"\"\"\r\n2,\"two\nlines\"\n3,\"x\" ,\r4,y"),
            ["1: a|b", "2: 1|Last, \"one\"", "3: 2|two\nlines", "5: 3|x|", "6: 4|y"]
        );
    }

    #[test]
    fn a_stray_mark_costs_its_own_line_only() {
        let records = read(',', "a,b\n1,\"Rose\" Tyler\n2,Tracy\n3,\"never closed\n4,Bob\n");
        assert_eq!(records[0], "1: a|b");
        assert!(records[1].starts_with("2: refused a quotation mark"), "{records:?}");
        assert_eq!(records[2], "3: 2|Tracy");
        assert!(records[3].starts_with("4: refused its quotation mark"), "{records:?}");
        assert_eq!(records[4], "5: 4|Bob");
    }

    #[test]
    fn a_line_that_never_ends_is_not_held() {
        let mut reader = Delimited::new(',', 1);
        let mut rows = Vec::new();
        for _ in 0..1_000 {
            reader.push(&"x".repeat(1_000), &mut rows);
            assert!(reader.buffer.len() <= MAX_RECORD_BYTES + 1_000);
        }
        reader.push("\n1,Rose\n", &mut rows);
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].cells, Err(ListRemark::LineTooLong { most: MAX_RECORD_BYTES }));
        assert_eq!(rows[1].line, 2);
    }
}
