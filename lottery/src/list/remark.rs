//! What a reader has to say about a list: why a line is refused, and what should be known about one that was taken.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::limits::MAX_REMARKS;
use crate::Refusal;

crate::refusals! {
    /// What is said of a list or of one of its lines, as the end of a sentence that begins with its location.
    #[allow(missing_docs, reason = "the sentence of each says it")]
    pub enum ListRemark {
        #[error("the list is empty")]
        Empty,
        #[error("is no text and no workbook; send a list as .xlsx, .xls, .ods, CSV or JSON")]
        NotTextFile,
        #[error("is {kind}; save the list as .xlsx or CSV, and send that file")]
        WrongKind { kind: &'static str },
        #[error("the encoding of the text cannot be told; save it as UTF-8 (in Excel: `CSV UTF-8`), or name it with `charset`")]
        UnknownEncoding,
        #[error("{charset} is no encoding that can be read; name one such as utf-8, utf-16le, gb18030, big5 or windows-1252")]
        UnknownCharset { charset: String },
        #[error("holds bytes that are not {encoding}; save the file as UTF-8 (in Excel: `CSV UTF-8`), or name its encoding with `charset`")]
        NotDecodable { encoding: &'static str },
        #[error("is longer than {most} bytes")]
        LineTooLong { most: usize },
        #[error("its quotation mark is never closed")]
        QuoteNotClosed,
        #[error("a quotation mark within a quoted field must be doubled, and after the closing one a separator must follow")]
        QuoteMisplaced,
        #[error("has {found} fields, but the header has {expected}; quote a field that holds a separator")]
        FieldCount { found: usize, expected: usize },
        #[error("has more than {most} columns")]
        TooManyColumns { most: usize },
        #[error("no header was found; its columns may be named as people name them (such as {known}), or say with `mapping` what each column holds")]
        HeaderNotFound { known: &'static str },
        #[error("{columns} could each be the {field}; say with `mapping` which one is")]
        ColumnAmbiguous { field: &'static str, columns: String },
        #[error("no column holds names; name one such as `name` or `姓名`, or say with `mapping` which one it is")]
        NameColumnMissing,
        #[error("the mapping names the column {column}, which the list does not have")]
        MappedColumnMissing { column: String },
        #[error("these columns are kept out: {columns}")]
        ColumnsKeptOut { columns: String },
        #[error("is taken for a title above the header, and left out")]
        TitleLeftOut,
        #[error("repeats the header, and is left out")]
        HeaderRepeated,
        #[error("names the columns in another order; they are read so from here on")]
        HeaderChanged,
        #[error("is taken for a line of totals, and left out")]
        TotalsLeftOut,
        #[error("is taken for a note below the list, and left out")]
        NoteLeftOut,
        #[error("is not JSON: see column {column}")]
        NotJson { column: usize },
        #[error("the body must be a JSON object or an array of objects")]
        NotJsonObjects,
        #[error("is longer than {most} bytes; from here on the JSON is not read")]
        JsonTooLong { most: usize },
        #[error("begins here and never ends; from here on the JSON is not read")]
        JsonNotClosed,
        #[error("the array ends without its closing bracket; from here on the JSON is not read")]
        JsonArrayNotClosed,
        #[error("a comma is missing in front of it; from here on the JSON is not read")]
        JsonCommaMissing,
        #[error("an element is missing between two commas; from here on the JSON is not read")]
        JsonElementMissing,
        #[error("stands behind the end of the JSON; from here on the JSON is not read")]
        JsonBehindEnd,
        #[error("the workbook cannot be opened; open it in a spreadsheet program and save it as .xlsx")]
        WorkbookBroken,
        #[error("the workbook is locked with a password; save it without")]
        WorkbookLocked,
        #[error("the workbook has more than {most} bytes; save the sheet as CSV")]
        WorkbookTooLarge { most: usize },
        #[error("the workbook unpacks to more than {most} bytes; save the sheet as CSV")]
        WorkbookUnpacksTooLarge { most: u64 },
        #[error("the sheet has more than {most} rows; save it as CSV")]
        WorkbookRows { most: usize },
        #[error("the workbook has more than {most} cells, or two that lie as far apart; save the sheet as CSV")]
        WorkbookCells { most: u64 },
        #[error("no sheet of the workbook holds anything")]
        WorkbookEmpty,
        #[error("the workbook has no sheet {sheet}")]
        SheetMissing { sheet: String },
        #[error("only the sheet {sheet} is read; these hold something too: {others}")]
        SheetsLeftOut { sheet: String, others: String },
        #[error("{hidden}: hidden, and not read")]
        SheetsHidden { hidden: String },
        #[error("stands on line {first_line} too: an id names one person")]
        IdTwice { first_line: u64 },
        #[error("is the person of line {first_line}: the same name with the same address")]
        PersonTwice { first_line: u64 },
        #[error("may be the person of line {first_line}: the same name but for case, blanks or width")]
        LikelyDouble { first_line: u64 },
        #[error("the list has more than {most} rows; send it in pieces")]
        TooManyRows { most: usize },
        #[error("a list of more than {most} people needs a column with their ids, such as `id` or `工号`")]
        TooManyWithoutIds { most: usize },
        #[error("a spreadsheet wrote the number as {shown}, and its digits are lost; set the column to Text there, and type it in again")]
        NumberSpoilt { shown: String },
        #[error("a spreadsheet took it for a date; set the column to Text there, and type it in again")]
        DateNotText,
        #[error("holds the error {shown} of a spreadsheet's formula")]
        CellError { shown: String },
        #[error("is no phone number")]
        PhoneNotNumber,
        #[error("is a national phone number; name its `country`, or write it with + and the country's code")]
        PhoneNeedsCountry,
        #[error("is no phone number that the plan of {country} has; a digit is missing or too much")]
        PhoneNotInPlan { country: String },
        #[error("is no phone number of any country; a digit is missing or too much")]
        PhoneNoCountry,
        #[error("is in no range of numbers that the plan of {country} has assigned; check it")]
        PhoneUnassigned { country: String },
        #[error("is a fixed line: an SMS may not reach it")]
        PhoneFixedLine,
        #[error("is read as a number of {country}, as if a + stood in front of it")]
        PhoneWithoutPlus { country: String },
        #[error("holds several numbers; the first one is taken")]
        PhoneSeveral,
        #[error("the part before the @ holds letters that mail systems do not all take; only ASCII is sent to")]
        EmailLocalPart,
        #[error("the domain is none that can exist")]
        EmailDomain,
        #[error("holds several addresses; the first one is taken")]
        EmailSeveral,
        #[error("held characters that show nothing or turn the direction of the text; they are left out")]
        InvisibleLeftOut,
        #[error("does not look like a name; if it is one, send the list with a header such as `name`")]
        NotName,
        #[error("must be yes or no")]
        NotYesOrNo,
    }
}

/// What is said: of one value as the domain says it, or of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Why {
    /// A value that the domain refuses.
    Value(Refusal),
    /// Anything else.
    List(ListRemark),
}

impl Why {
    /// The code, which does not change while the sentence may.
    pub fn code(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or_default();
        value["code"].as_str().unwrap_or_default().to_owned()
    }
}

impl fmt::Display for Why {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(refusal) => refusal.fmt(formatter),
            Self::List(remark) => remark.fmt(formatter),
        }
    }
}

impl From<Refusal> for Why {
    fn from(refusal: Refusal) -> Self {
        Self::Value(refusal)
    }
}

impl From<ListRemark> for Why {
    fn from(remark: ListRemark) -> Self {
        Self::List(remark)
    }
}

/// A remark and its location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("line {line}: {}{why}", column.as_deref().map(|column| format!("{column}: ")).unwrap_or_default())]
pub struct Remark {
    /// The line of the text or the row of the sheet, from 1.
    pub line: u64,
    /// The cell of the sheet, such as `C7`, if the list is a workbook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cell: Option<String>,
    /// The field, if one is concerned, by the name that the API gives it.
    pub column: Option<String>,
    /// What is said.
    #[serde(flatten)]
    pub why: Why,
}

impl Remark {
    /// Of a line as a whole.
    pub(super) fn of_line(line: u64, why: impl Into<Why>) -> Self {
        Self { line, cell: None, column: None, why: why.into() }
    }

    /// Of one field of a line.
    pub(super) fn of_field(line: u64, field: &str, why: impl Into<Why>) -> Self {
        Self { line, cell: None, column: Some(field.to_owned()), why: why.into() }
    }
}

/// Remarks in their order: the first [`MAX_REMARKS`] in full, all of them counted by their code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remarks {
    listed: Vec<Remark>,
    counts: BTreeMap<String, u64>,
}

impl Remarks {
    /// Adds a remark.
    pub fn push(&mut self, remark: Remark) {
        *self.counts.entry(remark.why.code()).or_default() += 1;
        if self.listed.len() < MAX_REMARKS {
            self.listed.push(remark);
        }
    }

    /// The first [`MAX_REMARKS`].
    pub fn listed(&self) -> &[Remark] {
        &self.listed
    }

    /// How many there are of each code, those included that are not listed.
    pub fn counts(&self) -> &BTreeMap<String, u64> {
        &self.counts
    }

    /// How many there are in all.
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_one_meaning() {
        let both: Vec<_> = ListRemark::CODES.iter().filter(|code| Refusal::CODES.contains(code)).collect();
        assert!(both.is_empty(), "{both:?}");
    }

    #[test]
    fn a_thousand_remarks_are_listed_and_all_are_counted() {
        let mut remarks = Remarks::default();
        for line in 1..=1_500 {
            remarks.push(Remark::of_line(line, ListRemark::QuoteMisplaced));
        }
        remarks.push(Remark::of_field(7, "name", Refusal::Missing));
        assert_eq!((remarks.listed().len(), remarks.total()), (1_000, 1_501));
        assert_eq!(remarks.counts()["QuoteMisplaced"], 1_500);
        assert_eq!(remarks.counts()["Missing"], 1);
    }

    #[test]
    fn a_remark_is_told_with_its_code_and_parameters() {
        let remark = Remark::of_field(3, "participant_id", ListRemark::IdTwice { first_line: 2 });
        assert_eq!(
            remark.to_string(),
            "line 3: participant_id: stands on line 2 too: an id names one person"
        );
        assert_eq!(
            serde_json::to_value(&remark).unwrap(),
            serde_json::json!({"line": 3, "column": "participant_id", "code": "IdTwice", "parameters": {"first_line": 2}})
        );
    }
}
