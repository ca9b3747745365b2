//! CSV as RFC 4180 has it, with a header that names the columns in any order.
//!
//! A quoted field may hold line breaks. A quotation mark that is never closed, or closed in the wrong place,
//! would swallow good lines: then only the line on which the record began is refused, and reading goes on with
//! the line after it.

use std::borrow::Cow;

use lottery::ParticipantFields;

use super::{LONGEST_RECORD, LineRefusal, Record, Unreadable};

/// Finds the ends of records in what arrives.
pub(super) struct Csv {
    header: Option<Header>,
    /// The record at hand and what follows it.
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

struct Header {
    columns: Vec<&'static str>,
}

impl Default for Csv {
    fn default() -> Self {
        Self { header: None, buffer: Vec::new(), start: 0, at: 0, state: State::Field, line: 1, breaks: 0 }
    }
}

impl Csv {
    pub(super) fn push(&mut self, bytes: &[u8], records: &mut Vec<Record>) -> Result<(), Unreadable> {
        self.buffer.extend_from_slice(bytes);
        self.read(records)?;
        self.buffer.drain(..self.start);
        self.at -= self.start;
        self.start = 0;
        Ok(())
    }

    pub(super) fn finish(&mut self, records: &mut Vec<Record>) -> Result<(), Unreadable> {
        loop {
            self.read(records)?;
            if self.state == State::Quoted {
                self.refuse(LineRefusal::QuoteNotClosed, records)?;
                continue;
            }
            // A refusal begins anew further up; anything else ends with the body.
            self.end_record(self.buffer.len(), records)?;
            if self.start >= self.buffer.len() {
                break;
            }
        }
        match self.header {
            Some(_) => Ok(()),
            None => Err(Unreadable::new(1, LineRefusal::Empty)),
        }
    }

    fn read(&mut self, records: &mut Vec<Record>) -> Result<(), Unreadable> {
        while let Some(&byte) = self.buffer.get(self.at) {
            let at = self.at;
            if byte == b'\r' && self.state != State::Quoted {
                match self.buffer.get(at + 1) {
                    // Its newline may come with the next bytes.
                    None => return Ok(()),
                    Some(b'\n') => {
                        self.at += 1;
                        continue;
                    }
                    // Old files end their lines so.
                    Some(_) => {
                        self.at += 1;
                        self.end_record(at, records)?;
                        continue;
                    }
                }
            }
            self.at += 1;
            match (self.state, byte) {
                (State::Field | State::Plain | State::Quote | State::Skip, b'\n') => {
                    self.end_record(at, records)?;
                }
                (State::Skip, _) => self.start = self.at,
                (State::Quoted, b'"') => self.state = State::Quote,
                (State::Quoted, b'\n') => self.breaks += 1,
                (State::Quoted, _) => {}
                (State::Quote, b'"') | (State::Field, b'"') => self.state = State::Quoted,
                (State::Field | State::Plain | State::Quote, b',') => self.state = State::Field,
                (State::Quote, _) => self.refuse(LineRefusal::QuoteMisplaced, records)?,
                (State::Field | State::Plain, _) => self.state = State::Plain,
            }
            if self.at.saturating_sub(self.start) > LONGEST_RECORD {
                let why = match self.breaks {
                    0 => LineRefusal::LineTooLong { most: LONGEST_RECORD },
                    _ => LineRefusal::QuoteNotClosed,
                };
                self.refuse(why, records)?;
            }
        }
        Ok(())
    }

    /// Refuses the line on which the record began; what follows that line is looked at anew.
    fn refuse(&mut self, why: LineRefusal, records: &mut Vec<Record>) -> Result<(), Unreadable> {
        if self.header.is_none() {
            return Err(Unreadable::new(self.line, why));
        }
        records.push(Record::unfit(self.line, why));
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
        Ok(())
    }

    fn begin_record(&mut self, start: usize) {
        self.start = start;
        self.at = start;
        self.state = State::Field;
        self.breaks = 0;
    }

    fn end_record(&mut self, end: usize, records: &mut Vec<Record>) -> Result<(), Unreadable> {
        let next = self.at.max(end);
        if self.state == State::Skip {
            self.begin_record(next);
            self.line += 1;
            return Ok(());
        }
        let record = &self.buffer[self.start..end];
        let record = record.strip_suffix(b"\r").unwrap_or(record);
        let line = self.line;
        match (&self.header, std::str::from_utf8(record)) {
            (None, Ok(text)) if text.trim().is_empty() => {}
            (None, Ok(text)) => self.header = Some(Header::parse(text, line)?),
            (None, Err(_)) => return Err(Unreadable::new(line, LineRefusal::NotUtf8)),
            (Some(_), Err(_)) => records.push(Record::unfit(line, LineRefusal::NotUtf8)),
            (Some(header), Ok(text)) => {
                let fields = split(text);
                let is_blank = fields.iter().all(|field| field.trim().is_empty());
                if fields.len() != header.columns.len() && !is_blank && self.breaks > 0 {
                    return self.refuse(LineRefusal::QuoteNotClosed, records);
                }
                if !is_blank {
                    records.push(header.record(line, &fields));
                }
            }
        }
        self.line += 1 + self.breaks;
        self.begin_record(next);
        Ok(())
    }
}

impl Header {
    fn parse(text: &str, line: u64) -> Result<Self, Unreadable> {
        let unreadable = |column: &str, why: LineRefusal| {
            let shown: String = column.chars().filter(|character| !character.is_control()).take(64).collect();
            Unreadable { line, column: Some(shown), why }
        };
        let known = ParticipantFields::NAMES.join(", ");
        let mut columns = Vec::new();
        for field in split(text) {
            let name = field.trim().to_ascii_lowercase();
            let Some(column) = ParticipantFields::NAMES.into_iter().find(|known| *known == name) else {
                let why = if text.contains([';', '\t']) {
                    LineRefusal::WrongSeparator { known }
                } else {
                    LineRefusal::UnknownColumn { known }
                };
                return Err(unreadable(&name, why));
            };
            if columns.contains(&column) {
                return Err(unreadable(column, LineRefusal::ColumnTwice));
            }
            columns.push(column);
        }
        for column in ["participant_id", "name"] {
            if !columns.contains(&column) {
                return Err(unreadable(column, LineRefusal::ColumnMissing { column }));
            }
        }
        Ok(Self { columns })
    }

    fn record(&self, line: u64, fields: &[Cow<'_, str>]) -> Record {
        if fields.len() != self.columns.len() {
            let (found, expected) = (fields.len(), self.columns.len());
            return Record::unfit(line, LineRefusal::FieldCount { found, expected });
        }
        let mut participant = ParticipantFields::default();
        for (column, field) in self.columns.iter().zip(fields) {
            if let Err(error) = participant.set(column, field.as_ref()) {
                return Record { line, fields: Err(error.into()) };
            }
        }
        Record { line, fields: Ok(participant) }
    }
}

/// The fields of a record whose quotation marks are known to be in order.
fn split(record: &str) -> Vec<Cow<'_, str>> {
    let mut fields = Vec::new();
    let mut rest = record;
    loop {
        let (field, behind) = match rest.strip_prefix('"') {
            Some(quoted) => {
                let end = closing(quoted);
                let field = &quoted[..end];
                let behind = quoted.get(end + 1..).unwrap_or_default();
                let field = if field.contains('"') {
                    Cow::Owned(field.replace("\"\"", "\""))
                } else {
                    Cow::Borrowed(field)
                };
                (field, behind.strip_prefix(','))
            }
            None => match rest.split_once(',') {
                Some((field, behind)) => (Cow::Borrowed(field), Some(behind)),
                None => (Cow::Borrowed(rest), None),
            },
        };
        fields.push(field);
        match behind {
            Some(behind) => rest = behind,
            None => return fields,
        }
    }
}

/// Where the closing quotation mark stands: the first that is not one of a pair.
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
    use super::super::Format::Csv;
    use super::super::LineRefusal;
    use super::super::tests::read;

    #[test]
    fn columns_come_in_any_order_and_case() {
        let body = "Name, EMAIL ,participant_id\nRose,rose@example.com,001\r\nTracy,,002\n";
        assert_eq!(read(Csv, body).unwrap(), ["2: 001 Rose", "3: 002 Tracy"]);
    }

    #[test]
    fn quoted_fields_hold_commas_quotation_marks_and_line_breaks() {
        let body = "participant_id,name,group\n1,\"Rose, \"\"R\"\"\",\n2,\"Tra\ncy\",x\n3,\"Aaron\",\"a\"\r\n4,Bob \"B\",\"\"";
        assert_eq!(
            read(Csv, body).unwrap(),
            [
                "2: 1 Rose, \"R\"",
                "3: refused name: must not hold control characters",
                "5: 3 Aaron",
                "6: 4 Bob \"B\""
            ]
        );
    }

    #[test]
    fn every_kind_of_line_end_works() {
        for end in ["\n", "\r\n", "\r"] {
            let body = ["participant_id,name", "1,Rose", "", "2,Tracy", ""].join(end);
            assert_eq!(read(Csv, body).unwrap(), ["2: 1 Rose", "4: 2 Tracy"], "{end:?}");
        }
    }

    #[test]
    fn an_unclosed_quotation_mark_costs_its_own_line_only() {
        let body = "participant_id,name\n1,Rose\n2,\"Tracy\n3,Aaron\n4,\"Bob\"\n5,Yigal";
        let told = read(Csv, body).unwrap();
        assert_eq!(told[0], "2: 1 Rose");
        assert!(told[1].starts_with("3: unfit  a quotation mark"), "{told:?}");
        assert_eq!(told[2..], ["4: 3 Aaron", "5: 4 Bob", "6: 5 Yigal"]);
        let told = read(Csv, "participant_id,name\n1,\"Rose\n2,Tracy\n3,Aaron").unwrap();
        assert!(told[0].starts_with("2: unfit  its quotation mark"), "{told:?}");
        assert_eq!(told[1..], ["3: 2 Tracy", "4: 3 Aaron"]);
        let told = read(Csv, "participant_id,name\n1,\"Rose\n2,Tracy\n3,Aaron\",x\n4,Bob").unwrap();
        assert!(told[0].starts_with("2: unfit"), "{told:?}");
        assert_eq!(told[1], "3: 2 Tracy");
        assert_eq!(told.last().unwrap(), "5: 4 Bob");
    }

    #[test]
    fn an_unclosed_quotation_mark_in_a_long_file_loses_no_good_line() {
        let mut body = "participant_id,name\n0,\"Rose\n".to_owned();
        for n in 1..3_000 {
            body.push_str(&format!("{n},Tracy\n"));
        }
        let told = read(Csv, &body).unwrap();
        assert_eq!(told.len(), 3_000);
        assert!(told[0].starts_with("2: unfit"));
        assert_eq!(told[2_999], "3001: 2999 Tracy");
    }

    #[test]
    fn wrong_counts_long_lines_and_other_encodings_are_refused_with_their_line() {
        let mut body = b"participant_id,name\n1,Rose,x\n2\n3,".to_vec();
        body.extend(std::iter::repeat_n(b'x', 20_000));
        body.extend(b"\n4,\xc4\xe3\n5,Yigal\n ,\n");
        let told = read(Csv, body).unwrap();
        assert_eq!(told.len(), 5, "{told:?}");
        assert!(told[0].starts_with("2: unfit  has 3 fields"));
        assert!(told[1].starts_with("3: unfit  has 1 fields"));
        assert!(told[2].starts_with("4: unfit  is longer"));
        assert!(told[3].starts_with("5: unfit  is not UTF-8"));
        assert_eq!(told[4], "6: 5 Yigal");
    }

    #[test]
    fn a_header_that_cannot_stand_is_refused_with_the_column_and_the_mend() {
        for (header, column, told) in [
            ("participant_id,name,shoe\n", "shoe", "in any order: participant_id, name"),
            ("participant_id;name\n", "participant_id;name", "separate the columns with commas"),
            ("participant_id,name,name\n", "name", "twice"),
            ("name\n", "participant_id", "must name the column participant_id"),
            ("1,Rose", "1", "in any order"),
        ] {
            let error = read(Csv, header).unwrap_err();
            assert_eq!((error.line, error.column.as_deref()), (1, Some(column)));
            assert!(error.why.to_string().contains(told), "{}", error.why);
        }
        assert!(read(Csv, "participant_id,\"name\n1,Rose").unwrap_err().why == LineRefusal::QuoteNotClosed);
    }
}
