//! The rows of a sheet as its cells come in.

use calamine::{Data, ExcelDateTime};

use super::super::ListRemark;
use super::super::cell::{Cell, RawRow};
use super::super::limits::{MAX_COLUMNS, MAX_WORKBOOK_CELLS, MAX_WORKBOOK_ROWS};

/// Collects cells, and counts what they take.
#[derive(Default)]
pub(super) struct Rows {
    rows: Vec<RawRow>,
    cells: u64,
}

impl Rows {
    /// Puts a cell, by row and column from 0. Rows come in their order.
    pub(super) fn put(&mut self, row: u32, column: u32, cell: Cell) -> Result<(), ListRemark> {
        if cell.is_blank() {
            return Ok(());
        }
        let line = u64::from(row) + 1;
        if self.rows.last().is_none_or(|last| last.line < line) {
            if self.rows.len() == MAX_WORKBOOK_ROWS {
                return Err(ListRemark::WorkbookRows { most: MAX_WORKBOOK_ROWS });
            }
            self.rows.push(RawRow { line, cells: Ok(Vec::new()) });
        }
        // Out of its order only in a damaged workbook.
        let Some(at) = self.rows.iter().rposition(|row| row.line == line) else {
            return Err(ListRemark::WorkbookBroken);
        };
        let column = column as usize;
        let row = &mut self.rows[at];
        let Ok(cells) = &mut row.cells else { return Ok(()) };
        if column >= MAX_COLUMNS {
            row.cells = Err(ListRemark::TooManyColumns { most: MAX_COLUMNS });
            return Ok(());
        }
        if cells.len() <= column {
            self.cells += (column + 1 - cells.len()) as u64;
            cells.resize(column + 1, Cell::Empty);
        }
        cells[column] = cell;
        if self.cells > MAX_WORKBOOK_CELLS {
            return Err(ListRemark::WorkbookCells { most: MAX_WORKBOOK_CELLS });
        }
        Ok(())
    }

    pub(super) fn into_rows(self) -> Vec<RawRow> {
        self.rows
    }
}

/// A cell's value as text.
pub(super) fn cell(data: Data) -> Cell {
    match data {
        Data::Empty => Cell::Empty,
        Data::Int(number) => Cell::Text(number.to_string()),
        Data::Float(number) => Cell::number(number),
        Data::String(text) => Cell::text(text),
        Data::Bool(flag) => Cell::Bool(flag),
        Data::DateTime(date) => Cell::Date(iso(date)),
        Data::DateTimeIso(text) | Data::DurationIso(text) => Cell::Date(text),
        Data::Error(error) => Cell::Error(error.to_string()),
    }
}

/// A date as ISO 8601, with its time if it has one.
pub(super) fn iso(date: ExcelDateTime) -> String {
    if date.is_duration() {
        return date.as_f64().to_string();
    }
    let (year, month, day, hour, minute, second, _) = date.to_ymd_hms_milli();
    let day = format!("{year:04}-{month:02}-{day:02}");
    if (hour, minute, second) == (0, 0, 0) { day } else { format!("{day} {hour:02}:{minute:02}:{second:02}") }
}
