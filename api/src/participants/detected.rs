//! What was detected in a list: its form, its encoding, its columns.

use lottery::list::{Certainty, Detected, Form};
use lottery::{Field, Record};
use serde::Serialize;
use utoipa::ToSchema;

/// What was found out about a list.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct DetectedView {
    /// `csv`, `names` (one a line), `json`, `ndjson`, `xlsx`, `xls` or `ods`; null of an empty body.
    #[schema(value_type = Option<String>, example = "csv")]
    form: Option<Form>,
    /// The encoding of the text; null of a workbook.
    encoding: Option<EncodingView>,
    /// What separates the fields of a CSV.
    #[schema(value_type = Option<String>, example = ",")]
    delimiter: Option<char>,
    /// The sheet that was read.
    sheet: Option<String>,
    /// The line of the header; null if there is none.
    header_line: Option<u64>,
    /// The columns, in their order.
    pub(super) columns: Vec<ColumnView>,
    /// Whether ids were made, because the list has none.
    ids_made: bool,
}

/// An encoding.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EncodingView {
    /// By its WHATWG name.
    #[schema(example = "gb18030")]
    name: String,
    /// `named` by the caller, `sure` by a byte order mark or the bytes, or `guessed`.
    #[schema(pattern = "^(named|sure|guessed)$")]
    certainty: &'static str,
}

/// A column of the list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ColumnView {
    /// Its header; empty without one.
    #[schema(example = "工号")]
    header: String,
    /// The field that it is taken for; null if it is kept out.
    #[schema(example = "participant_id")]
    pub(super) field: Option<&'static str>,
}

impl DetectedView {
    pub(super) fn is_workbook(&self) -> bool {
        matches!(self.form, Some(Form::Xlsx | Form::Xls | Form::Ods))
    }
}

impl From<Detected> for DetectedView {
    fn from(detected: Detected) -> Self {
        let certainty = |certainty| match certainty {
            Certainty::Named => "named",
            Certainty::Sure => "sure",
            Certainty::Guessed => "guessed",
        };
        Self {
            form: detected.form,
            encoding: detected.encoding.map(|(name, sure)| EncodingView {
                name: name.to_ascii_lowercase(),
                certainty: certainty(sure),
            }),
            delimiter: detected.delimiter,
            sheet: detected.sheet,
            header_line: detected.header_line,
            columns: detected
                .columns
                .into_iter()
                .map(|column| ColumnView { header: column.header, field: column.field })
                .collect(),
            ids_made: detected.ids_made,
        }
    }
}

/// The cells of a person as they were read, in the order of the list's columns.
pub(super) fn cells_of(record: &Record, columns: &[ColumnView]) -> Vec<String> {
    fn shown<T: ToString>(field: &Field<T>) -> Option<String> {
        match field {
            Field::Given(value) => Some(value.to_string()),
            Field::Absent | Field::Clear => None,
        }
    }
    let cell = |field: &str| match field {
        "participant_id" => Some(record.participant_id.to_string()),
        "name" => shown(&record.name),
        "phone" => shown(&record.phone),
        "email" => shown(&record.email),
        "group" => shown(&record.group),
        "tickets" => match &record.tickets {
            Field::Given(tickets) => Some(tickets.get().to_string()),
            Field::Absent | Field::Clear => None,
        },
        "excluded" => shown(&record.excluded),
        _ => None,
    };
    columns.iter().map(|column| column.field.and_then(cell).unwrap_or_default()).collect()
}
