//! Lists of participants as people have them: from bytes in any encoding and form to people, each with their line.
//!
//! In reading order:
//!
//! - [`Reader`] takes the bytes as they arrive and gives rows; [`read`] takes them all at once. What was found out about the
//!   list is in [`Detected`]
//! - [`Options`]: what the caller knows better; [`Mapping`] says what the columns hold, [`Charset`] the encoding,
//!   [`Country`] whose phone numbers these are; [`ListSettings`] is the same as JSON
//! - `encoding` and `plausible` make text of the bytes; `delimited`, `json`, `ndjson` and `workbook` make cells of it;
//!   `words` and `columns` know what people call the columns; `table` finds the header and leaves out what is no person;
//!   `person`, [`read_phone`] and [`read_email`] read the values; [`ids`] gives ids to those who have none
//! - [`Remark`]: why a line is refused, or what should be known about it, with a code that does not change
//! - [`limits`]: what bounds memory and time
//!
//! Nothing is decoded with replacement characters, nothing that was damaged is taken, and what is guessed or left out is said.
//! CSV, NDJSON and JSON are read as they arrive and not held, except in two cases: a list without ids until it has ended, and
//! up to 256 KiB while the encoding is in doubt. A workbook is held as a whole.

use crate::{ClearWord, ParticipantId};

mod cell;
mod columns;
mod country;
mod delimited;
mod email;
mod encoding;
mod json;
mod ndjson;
mod person;
mod phone;
mod plausible;
mod reader;
mod remark;
mod settings;
mod sniff;
mod table;
mod words;
mod workbook;

pub mod ids;
pub mod limits;

pub use columns::{ColumnRead, Mapping};
pub use country::Country;
pub use email::{ReadEmail, read_email};
pub use encoding::{Certainty, Charset};
pub use person::{Given, ListPerson, cell_name};
pub use phone::{ReadPhone, read_phone};
pub use reader::Reader;
pub use remark::{ListRemark, Remark, Remarks, Why};
pub use settings::{ListSettings, SettingRefused, is_question};
pub use words::Field;

/// What the caller knows about a list.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The encoding of the text. A byte order mark outweighs it.
    pub charset: Option<Charset>,
    /// Whose national phone numbers the list holds.
    pub country: Option<Country>,
    /// What columns hold.
    pub mapping: Mapping,
    /// The row of the header.
    pub header_row: HeaderRow,
    /// The sheet of a workbook.
    pub sheet: Option<String>,
    /// Refuses a person whose phone number or e-mail address cannot be used. Otherwise the person is taken without it, with a
    /// warning.
    pub strict: bool,
    /// The word that, as the content of a cell, erases the field.
    pub clear: Option<ClearWord>,
    /// So many rows, the first ones, keep their cells though they are taken: for a preview.
    pub shown_rows: usize,
}

/// The row of a table's header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HeaderRow {
    /// It is looked for.
    #[default]
    Find,
    /// On that line, from 1.
    Line(u64),
    /// Nowhere: every row is a person.
    None,
}

/// The form of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// Text with separated fields.
    Csv,
    /// Names alone, one a line.
    Names,
    /// A JSON array of objects, or one object.
    Json,
    /// One JSON object a line.
    Ndjson,
    /// Excel's format since 2007.
    Xlsx,
    /// Excel's format until 2003.
    Xls,
    /// LibreOffice's format.
    Ods,
}

/// A row of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The line of the text or the row of the sheet on which it begins, from 1.
    pub line: u64,
    /// The person, or why there is none.
    pub person: Result<ListPerson, Remark>,
    /// What should be known about the person.
    pub warnings: Vec<Remark>,
    /// Of a row that is refused, the id, if it can be read.
    pub participant_id: Option<ParticipantId>,
    /// The cells of a row that is refused or one of the first, as they are shown; none of JSON, or of a line that cannot be cut
    /// into cells.
    pub cells: Vec<String>,
}

/// What reading gives: rows, and remarks on lines that are no people and on the list as a whole.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The rows, in their order.
    pub rows: Vec<Row>,
    /// What was left out, and what should be known about the list.
    pub remarks: Vec<Remark>,
}

/// What was found out about a list. It is whole once the list has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detected {
    /// The form.
    pub form: Option<Form>,
    /// The encoding by its WHATWG name, and how sure it is; none of a workbook.
    pub encoding: Option<(&'static str, Certainty)>,
    /// What separates the fields of a CSV.
    pub delimiter: Option<char>,
    /// The sheet that was read.
    pub sheet: Option<String>,
    /// The line of the header.
    pub header_line: Option<u64>,
    /// The columns and what they are taken for.
    pub columns: Vec<ColumnRead>,
    /// Whether ids were made, because the list has none.
    pub ids_made: bool,
}

/// A list that was read as a whole.
#[derive(Debug)]
pub struct List {
    /// Its rows.
    pub rows: Vec<Row>,
    /// What was left out, and what should be known about it.
    pub remarks: Vec<Remark>,
    /// What was found out about it.
    pub detected: Detected,
}

/// Reads a list as a whole; the error says why nothing of it can be read.
pub fn read(bytes: &[u8], options: Options) -> Result<List, Remark> {
    let (mut reader, mut batch) = (Reader::new(options), Batch::default());
    for piece in bytes.chunks(64 * 1024) {
        reader.push(piece, &mut batch)?;
    }
    reader.finish(&mut batch)?;
    Ok(List { rows: batch.rows, remarks: batch.remarks, detected: reader.detected() })
}
