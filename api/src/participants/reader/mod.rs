//! From the bytes of an import to records, as they arrive: nothing but the record at hand is held.

mod csv;
mod json;
mod ndjson;

use lottery::{FieldError, ParticipantFields};

use csv::Csv;
use json::Json;
use ndjson::Ndjson;

use super::refusal::LineRefusal;
use crate::explanation::Explanation;

/// A record longer than this is refused: participants are small, and an unclosed quotation mark must not take
/// the rest of the file with it.
const LONGEST_RECORD: usize = 16 * 1024;

/// One record of an import: the fields of a participant, or why there are none.
#[derive(Debug)]
pub(crate) struct Record {
    /// The line on which it begins, from 1.
    pub(crate) line: u64,
    /// Its fields.
    pub(crate) fields: Result<ParticipantFields, Unfit>,
}

/// Why a record has no fields to read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unfit {
    /// The field at fault, if one is.
    pub(crate) column: Option<String>,
    /// What is wrong.
    pub(crate) why: Explanation,
}

/// Why nothing of the body can be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    /// The place.
    pub(crate) line: u64,
    /// The field at fault, if one is.
    pub(crate) column: Option<String>,
    /// What is wrong, and the mend.
    pub(crate) why: LineRefusal,
}

impl Unreadable {
    fn new(line: u64, why: LineRefusal) -> Self {
        Self { line, column: None, why }
    }
}

/// The ways in which participants may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// RFC 4180 with a header.
    Csv,
    /// One JSON object a line.
    Ndjson,
    /// A JSON array of objects, or one object.
    Json,
}

impl Format {
    /// The media types taken, for people.
    pub(crate) const TAKEN: &str = "text/csv, application/x-ndjson or application/json";

    /// The format of a media type.
    pub(crate) fn of(media_type: &str) -> Option<Self> {
        match media_type {
            "text/csv" | "application/csv" => Some(Self::Csv),
            "application/x-ndjson"
            | "application/ndjson"
            | "application/jsonl"
            | "application/x-jsonlines" => Some(Self::Ndjson),
            "application/json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// Reads one body.
pub(crate) struct Reader {
    /// The first bytes, until they tell whether there is a byte order mark.
    start: Option<Vec<u8>>,
    body: BodyReader,
}

enum BodyReader {
    Csv(Csv),
    Ndjson(Ndjson),
    Json(Json),
}

impl Reader {
    pub(crate) fn new(format: Format) -> Self {
        let body = match format {
            Format::Csv => BodyReader::Csv(Csv::default()),
            Format::Ndjson => BodyReader::Ndjson(Ndjson::default()),
            Format::Json => BodyReader::Json(Json::default()),
        };
        Self { start: Some(Vec::new()), body }
    }

    /// Takes the next bytes, and adds the records that they complete.
    pub(crate) fn push(&mut self, bytes: &[u8], records: &mut Vec<Record>) -> Result<(), Unreadable> {
        match &mut self.start {
            None => self.push_body(bytes, records),
            Some(start) => {
                start.extend_from_slice(bytes);
                if start.len() < 3 {
                    return Ok(());
                }
                self.begin(records)
            }
        }
    }

    /// The body has ended: adds what is left.
    pub(crate) fn finish(&mut self, records: &mut Vec<Record>) -> Result<(), Unreadable> {
        self.begin(records)?;
        match &mut self.body {
            BodyReader::Csv(csv) => csv.finish(records),
            BodyReader::Ndjson(ndjson) => ndjson.finish(records),
            BodyReader::Json(json) => json.finish(records),
        }
    }

    fn begin(&mut self, records: &mut Vec<Record>) -> Result<(), Unreadable> {
        let Some(start) = self.start.take() else { return Ok(()) };
        if start.starts_with(&[0xff, 0xfe]) || start.starts_with(&[0xfe, 0xff]) {
            return Err(Unreadable::new(1, LineRefusal::Utf16));
        }
        self.push_body(start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&start), records)
    }

    fn push_body(&mut self, bytes: &[u8], records: &mut Vec<Record>) -> Result<(), Unreadable> {
        match &mut self.body {
            BodyReader::Csv(csv) => csv.push(bytes, records),
            BodyReader::Ndjson(ndjson) => {
                ndjson.push(bytes, records);
                Ok(())
            }
            BodyReader::Json(json) => json.push(bytes, records),
        }
    }
}

impl Record {
    fn unfit(line: u64, why: LineRefusal) -> Self {
        Self { line, fields: Err(Unfit { column: None, why: why.into() }) }
    }

    /// The record of one JSON value that begins behind `before` bytes of its line.
    fn of_json(line: u64, before: usize, text: &[u8]) -> Self {
        let value = match serde_json::from_slice(text) {
            Ok(value) => value,
            Err(error) => {
                let column = if error.line() == 1 { before + error.column() } else { error.column() };
                let line = line + (error.line() as u64).saturating_sub(1);
                return Self::unfit(line, LineRefusal::NotJson { column });
            }
        };
        Self { line, fields: ParticipantFields::from_json(value).map_err(Unfit::from) }
    }
}

impl From<FieldError> for Unfit {
    fn from(error: FieldError) -> Self {
        Self { column: Some(error.field), why: error.reason.into() }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use lottery::Participant;

    use super::*;

    /// Reads `body` cut into pieces of every size from 1 up to 9 bytes, and as a whole: always the same records.
    pub(crate) fn read(format: Format, body: impl AsRef<[u8]>) -> Result<Vec<String>, Unreadable> {
        let body = body.as_ref();
        let whole = read_in_pieces(format, body, body.len().max(1));
        for size in 1..10 {
            assert_eq!(read_in_pieces(format, body, size), whole, "in pieces of {size}");
        }
        whole
    }

    fn read_in_pieces(format: Format, body: &[u8], size: usize) -> Result<Vec<String>, Unreadable> {
        let (mut reader, mut records) = (Reader::new(format), Vec::new());
        for piece in body.chunks(size) {
            reader.push(piece, &mut records)?;
        }
        reader.finish(&mut records)?;
        let told = |record: Record| match record.fields {
            Ok(fields) => match Participant::parse(&fields) {
                Ok(one) => format!("{}: {} {}", record.line, one.participant_id, one.name),
                Err(error) => format!("{}: refused {error}", record.line),
            },
            Err(unfit) => {
                format!("{}: unfit {} {}", record.line, unfit.column.unwrap_or_default(), unfit.why)
            }
        };
        Ok(records.into_iter().map(told).collect())
    }

    #[test]
    fn a_byte_order_mark_is_dropped_and_utf_16_is_named() {
        assert_eq!(read(Format::Csv, "\u{feff}participant_id,name\n1,Rose").unwrap(), ["2: 1 Rose"]);
        assert_eq!(
            read(Format::Json, "\u{feff}{\"participant_id\":\"1\",\"name\":\"Rose\"}").unwrap(),
            ["1: 1 Rose"]
        );
        let error = read(Format::Csv, b"\xff\xfep\0a\0").unwrap_err();
        assert!(error.why == LineRefusal::Utf16);
    }

    #[test]
    fn an_empty_body_is_told_in_every_format() {
        for format in [Format::Csv, Format::Ndjson, Format::Json] {
            for body in ["", " \n\n", "\u{feff}"] {
                assert_eq!(read(format, body).unwrap_err().why, LineRefusal::Empty, "{format:?} {body:?}");
            }
        }
    }
}
