//! The report of an import: how many people were taken, which lines were refused, and why.

use std::collections::BTreeMap;

use lottery::Record;
use lottery::list::{ListPerson, Row};
use lottery_store::{Import, ImportMode, ImportState};
use serde::Serialize;
use utoipa::ToSchema;

use super::detected::{DetectedView, cells_of};
use super::remark::{Remark, RemarkReason};
use crate::explanation::Explanation;

/// How many refusals are listed, how many warnings, and how many refused rows as cells; the others are counted.
const MAX_LISTED: usize = 1_000;
/// Characters of a column's name that are reported: it may come from the body and have any length.
const MAX_COLUMN_LENGTH: usize = 64;
/// Bytes of the cells of refused rows that are reported.
const MAX_CELL_BYTES: usize = 512 * 1024;
/// Rows that a dry run shows.
pub(super) const SAMPLE: usize = 20;

/// The import that a request belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ImportView {
    /// Counts the imports of the lottery, from 1.
    pub(crate) number: u64,
    /// `RUNNING`: further requests may come, or are needed. `FINISHED`: it is complete. `UNDOING`, `UNDONE`: it is being taken
    /// back, or was.
    #[schema(pattern = "^(RUNNING|FINISHED|UNDOING|UNDONE)$")]
    pub(crate) state: &'static str,
    /// `merge` or `replace`.
    #[schema(pattern = "^(merge|replace)$")]
    pub(crate) mode: &'static str,
}

impl From<&Import> for ImportView {
    fn from(import: &Import) -> Self {
        Self {
            number: import.number,
            state: match import.state {
                ImportState::Running => "RUNNING",
                ImportState::Finished => "FINISHED",
                ImportState::Undoing => "UNDOING",
                ImportState::Undone => "UNDONE",
            },
            mode: match import.mode {
                ImportMode::Merge => "merge",
                ImportMode::Replace => "replace",
            },
        }
    }
}

/// A row as it is read, for a preview.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct SampleRow {
    /// The line of the text or the row of the sheet, from 1.
    pub(super) line: u64,
    participant_id: Option<String>,
    name: Option<String>,
    phone: Option<String>,
    email: Option<String>,
    group: Option<String>,
    tickets: Option<u32>,
    excluded: Option<bool>,
    /// Why the row would not be taken.
    pub(super) refused: Option<Remark>,
    /// The cells of a table as they are shown, in the order of `detected.columns`; those of columns that are kept out among
    /// them.
    cells: Vec<String>,
}

impl SampleRow {
    pub(super) fn of(row: &Row) -> Self {
        match &row.person {
            Ok(person) => Self { cells: row.cells.clone(), ..Self::of_person(row.line, person.clone()) },
            Err(remark) => Self {
                line: row.line,
                participant_id: row.participant_id.as_ref().map(ToString::to_string),
                refused: Some(remark.clone().into()),
                cells: row.cells.clone(),
                ..Self::default()
            },
        }
    }

    fn of_person(line: u64, person: ListPerson) -> Self {
        let ListPerson { participant_id, name, phone, email, group, tickets, excluded } = person;
        Self {
            line,
            participant_id: Some(participant_id.to_string()),
            name: name.map(|name| name.to_string()),
            phone: phone.value().map(|phone| phone.to_string()),
            email: email.value().map(|email| email.to_string()),
            group: group.value().map(|group| group.to_string()),
            tickets: tickets.value().map(|tickets| tickets.get()),
            excluded: excluded.value(),
            refused: None,
            cells: Vec::new(),
        }
    }

    /// Leaves out an address that the person would not get.
    pub(super) fn without(&mut self, field: &str) {
        match field {
            "phone" => self.phone = None,
            "email" => self.email = None,
            _ => {}
        }
    }
}

/// A row that was refused, as its cells show it, so that it can be corrected and sent again.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RefusedRow {
    pub(super) line: u64,
    /// In the order of `detected.columns`.
    pub(super) cells: Vec<String>,
}

/// What came of an import.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Report {
    /// The import that the rows belong to; null of a dry run, of one person as JSON, and where nothing was taken.
    pub(crate) import: Option<ImportView>,
    /// Whether the request was a dry run, which stores nothing.
    pub(crate) dry_run: bool,
    /// What was found out about the list.
    pub(crate) detected: DetectedView,
    /// Rows of people in the body, those included that were passed over.
    pub(crate) rows: u64,
    /// The `offset` of the next request, if `limit` left rows for it.
    pub(crate) next_offset: Option<u64>,
    /// New participants.
    pub(crate) accepted: u64,
    /// Participants that were there and were changed.
    pub(crate) updated: u64,
    /// Participants that were there and are as the list says.
    pub(crate) unchanged: u64,
    /// Lines that were not taken.
    pub(crate) refused: u64,
    /// Participants that are not on the list and were withdrawn; null of a dry run that does not reckon them.
    pub(crate) withdrawn: Option<u64>,
    /// Lines that were not taken, in their order: at most 1,000.
    pub(crate) refusals: Vec<Remark>,
    /// How many refused lines are not listed.
    pub(crate) more_refusals: u64,
    /// How many lines were refused for what reason, by its code.
    #[schema(value_type = std::collections::HashMap<String, u64>)]
    pub(crate) refused_by_code: BTreeMap<String, u64>,
    /// Refused rows as cells, of a table: at most 1,000, and at most half a megabyte.
    pub(crate) refused_rows: Vec<RefusedRow>,
    /// What is to be known of lines that were taken, and what of the list was left out: at most 1,000.
    pub(crate) warnings: Vec<Remark>,
    /// How many warnings are not listed.
    pub(crate) more_warnings: u64,
    /// How many warnings there are, by their code.
    #[schema(value_type = std::collections::HashMap<String, u64>)]
    pub(crate) warned_by_code: BTreeMap<String, u64>,
    /// What is to be known of the whole.
    #[schema(value_type = Vec<RemarkReason>)]
    pub(crate) notices: Vec<Explanation>,
    /// The first rows as they were read, of a dry run.
    pub(crate) sample: Vec<SampleRow>,
    /// Addresses that were subscribed.
    #[serde(skip)]
    #[schema(ignore)]
    pub(crate) subscribed: u64,
    /// Those who were read and not taken, until the columns are known.
    #[serde(skip)]
    #[schema(ignore)]
    refused_records: Vec<(u64, Record)>,
    /// Bytes in `refused_rows`.
    #[serde(skip)]
    #[schema(ignore)]
    cell_bytes: usize,
}

impl Report {
    /// Of an import, or of a dry run.
    pub(super) fn of(dry_run: bool) -> Self {
        Self { dry_run, ..Self::default() }
    }

    /// How many lines were looked at.
    pub(crate) fn lines(&self) -> u64 {
        self.accepted + self.updated + self.unchanged + self.refused
    }

    pub(crate) fn refuse(&mut self, remark: impl Into<Remark>) {
        self.refused += 1;
        add(&mut self.refusals, &mut self.refused_by_code, remark.into());
    }

    pub(crate) fn warn(&mut self, remark: impl Into<Remark>) {
        add(&mut self.warnings, &mut self.warned_by_code, remark.into());
    }

    /// Shows a row if it is one of the first; returns its index in the sample.
    pub(super) fn show(&mut self, row: &Row) -> Option<usize> {
        if self.sample.len() == SAMPLE {
            return None;
        }
        self.sample.push(SampleRow::of(row));
        Some(self.sample.len() - 1)
    }

    /// Keeps the cells of a row that was refused.
    pub(super) fn keep_cells(&mut self, line: u64, cells: Vec<String>) {
        let bytes: usize = cells.iter().map(|cell| cell.len() + 4).sum();
        let has_room = self.refused_rows.len() < MAX_LISTED && self.cell_bytes + bytes <= MAX_CELL_BYTES;
        if !cells.is_empty() && has_room {
            self.cell_bytes += bytes;
            self.refused_rows.push(RefusedRow { line, cells });
        }
    }

    /// Keeps a person who was read and not taken.
    pub(super) fn keep_record(&mut self, line: u64, record: Record) {
        if self.refused_records.len() < MAX_LISTED {
            self.refused_records.push((line, record));
        }
    }

    /// Lines are refused when they are read and when they are stored: puts the remarks in order, and keeps as many as are
    /// listed.
    pub(crate) fn finish(&mut self) {
        keep_first(&mut self.refusals);
        keep_first(&mut self.warnings);
        for (line, record) in std::mem::take(&mut self.refused_records) {
            let cells = cells_of(&record, &self.detected.columns);
            self.keep_cells(line, cells);
        }
        self.refused_rows.sort_by_key(|row| row.line);
        if self.detected.is_workbook() {
            let samples = self.sample.iter_mut().filter_map(|row| row.refused.as_mut());
            let remarks = self.refusals.iter_mut().chain(&mut self.warnings).chain(samples);
            remarks.for_each(|remark| remark.name_cell(&self.detected.columns));
        }
        self.more_refusals = self.refused - self.refusals.len() as u64;
        self.more_warnings = self.warned_by_code.values().sum::<u64>() - self.warnings.len() as u64;
    }
}

fn add(listed: &mut Vec<Remark>, counts: &mut BTreeMap<String, u64>, mut remark: Remark) {
    match counts.get_mut(remark.why.code()) {
        Some(count) => *count += 1,
        None => {
            counts.insert(remark.why.code().to_owned(), 1);
        }
    }
    // A line may be read before earlier lines are stored, so that the first thousand are known only at the end;
    // twice as many hold them at any time.
    if listed.len() >= 2 * MAX_LISTED {
        keep_first(listed);
    }
    remark.column = remark.column.map(|column| column.chars().take(MAX_COLUMN_LENGTH).collect());
    listed.push(remark);
}

fn keep_first(remarks: &mut Vec<Remark>) {
    remarks.sort_by_key(|remark| remark.line);
    remarks.truncate(MAX_LISTED);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::LineRefusal;

    fn refusal(line: u64, column: String) -> Remark {
        Remark::of_field(line, &column, LineRefusal::AddressTaken)
    }

    #[test]
    fn a_thousand_refusals_are_listed_in_order_and_the_rest_counted() {
        let mut report = Report::default();
        for line in (1..=1_500).rev() {
            report.refuse(refusal(line, "phone".to_owned()));
            report.warn(refusal(line, "email".to_owned()));
        }
        report.finish();
        assert_eq!((report.refused, report.refusals.len(), report.more_refusals), (1_500, 1_000, 500));
        assert_eq!((report.warnings.len(), report.more_warnings), (1_000, 500));
        assert_eq!(report.refusals[0].line, 1);
        assert_eq!(report.refusals[999].line, 1_000);
        assert_eq!(report.refused_by_code, BTreeMap::from([("AddressTaken".to_owned(), 1_500)]));
    }

    #[test]
    fn refused_lines_without_end_take_the_room_of_two_thousand() {
        let mut report = Report::default();
        for line in 1..=50_000 {
            report.refuse(refusal(line, "x".repeat(1_000)));
            report.keep_cells(line, vec!["x".repeat(10_000)]);
        }
        assert!(report.refusals.capacity() <= 4 * MAX_LISTED, "{}", report.refusals.capacity());
        let longest =
            report.refusals.iter().filter_map(|refusal| refusal.column.as_ref()).map(String::len).max();
        assert_eq!(longest, Some(MAX_COLUMN_LENGTH));
        report.finish();
        assert_eq!((report.refused, report.more_refusals), (50_000, 49_000));
        assert_eq!(report.refused_rows.len(), MAX_CELL_BYTES / 10_004);
    }
}
