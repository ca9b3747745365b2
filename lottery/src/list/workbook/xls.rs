//! .xls: what Excel wrote until 2003, and other programs still do.
//!
//! Its reader builds the rectangle around the cells of every sheet, and two cells in opposite corners are enough for half a
//! gigabyte. So the records are looked at first, and the rectangles are counted.

use std::io::{Cursor, Read};

use calamine::{Reader, Xls, XlsError};

use super::super::ListRemark;
use super::super::cell::RawRow;
use super::super::limits::MAX_WORKBOOK_CELLS;
use super::sheet::{Rows, cell};
use super::{SheetRead, choose, worksheets};

pub(super) fn read(bytes: &[u8], wanted: Option<&str>) -> Result<SheetRead, ListRemark> {
    check(bytes)?;
    let mut workbook: Xls<_> = Xls::new(Cursor::new(bytes)).map_err(|error| match error {
        XlsError::Password => ListRemark::WorkbookLocked,
        _ => ListRemark::WorkbookBroken,
    })?;
    let sheets = worksheets(workbook.sheets_metadata());
    let workbook = std::cell::RefCell::new(&mut workbook);
    let rows = |name: &str| -> Result<Vec<RawRow>, ListRemark> {
        let range = workbook.borrow_mut().worksheet_range(name).map_err(|_| ListRemark::WorkbookBroken)?;
        let (first_row, first_column) = range.start().unwrap_or_default();
        let mut rows = Rows::default();
        for (row, column, data) in range.used_cells() {
            rows.put(first_row + row as u32, first_column + column as u32, cell(data.clone()))?;
        }
        Ok(rows.into_rows())
    };
    choose("xls", &sheets, wanted, rows, |name| rows(name).is_ok_and(|rows| !rows.is_empty()))
}

/// Says what the container holds, and counts the rectangles of its sheets.
fn check(bytes: &[u8]) -> Result<(), ListRemark> {
    let mut file = cfb::CompoundFile::open(Cursor::new(bytes)).map_err(|_| ListRemark::WorkbookBroken)?;
    if file.exists("/EncryptedPackage") || file.exists("/EncryptionInfo") {
        return Err(ListRemark::WorkbookLocked);
    }
    if file.exists("/WordDocument") {
        return Err(ListRemark::WrongKind { kind: "a Word document" });
    }
    let mut found = false;
    for name in ["/Workbook", "/Book", "/WORKBOOK", "/BOOK"] {
        if !file.is_stream(name) {
            continue;
        }
        found = true;
        let mut records = Vec::new();
        let stream = file.open_stream(name).map_err(|_| ListRemark::WorkbookBroken)?;
        stream.take(bytes.len() as u64).read_to_end(&mut records).map_err(|_| ListRemark::WorkbookBroken)?;
        if cells(&records) > MAX_WORKBOOK_CELLS {
            return Err(ListRemark::WorkbookCells { most: MAX_WORKBOOK_CELLS });
        }
    }
    if found { Ok(()) } else { Err(ListRemark::WrongKind { kind: "a document of a former Office" }) }
}

/// How many cells the rectangles around the cells of all sheets have.
fn cells(mut records: &[u8]) -> u64 {
    let mut total = 0_u64;
    let mut around: Option<Rectangle> = None;
    while let [kind_low, kind_high, length_low, length_high, rest @ ..] = records {
        let kind = u16::from_le_bytes([*kind_low, *kind_high]);
        let length = usize::from(u16::from_le_bytes([*length_low, *length_high]));
        let (data, behind) = rest.split_at(length.min(rest.len()));
        records = behind;
        match kind {
            // The beginning of a sheet; sheets are read by their offset, and may share records: each end closes one.
            0x0809 | 0x0409 | 0x0209 | 0x0009 | 0x000a => {
                total = total.saturating_add(around.take().map_or(0, |around| around.area()));
            }
            0x0203 | 0x0204 | 0x0205 | 0x00d6 | 0x027e | 0x00fd | 0x00bd | 0x0006 | 0x0207 | 0x0200 => {
                for (row, column) in corners(kind, data) {
                    around.get_or_insert(Rectangle::at(row, column)).include(row, column);
                }
            }
            _ => {}
        }
    }
    total.saturating_add(around.map_or(0, |around| around.area()))
}

/// The cells that a record has, by their first and last.
fn corners(kind: u16, data: &[u8]) -> impl Iterator<Item = (u64, u64)> {
    let word = |at: usize| data.get(at..at + 2).map(|two| u64::from(u16::from_le_bytes([two[0], two[1]])));
    let first = match kind {
        // A text that belongs to the formula before it, and the size that the sheet says it has.
        0x0207 | 0x0200 => None,
        _ => word(0).zip(word(2)),
    };
    let last = match (kind, first) {
        // Six bytes a cell, from the first column on.
        (0x00bd, Some((row, column))) => Some((row, column + (data.len() as u64).saturating_sub(6) / 6)),
        _ => None,
    };
    first.into_iter().chain(last)
}

struct Rectangle {
    top: u64,
    left: u64,
    bottom: u64,
    right: u64,
}

impl Rectangle {
    fn at(row: u64, column: u64) -> Self {
        Self { top: row, left: column, bottom: row, right: column }
    }

    fn include(&mut self, row: u64, column: u64) {
        self.top = self.top.min(row);
        self.bottom = self.bottom.max(row);
        self.left = self.left.min(column);
        self.right = self.right.max(column);
    }

    fn area(&self) -> u64 {
        (self.bottom - self.top + 1) * (self.right - self.left + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u16, data: &[u8]) -> Vec<u8> {
        let mut bytes = kind.to_le_bytes().to_vec();
        bytes.extend((data.len() as u16).to_le_bytes());
        bytes.extend(data);
        bytes
    }

    #[test]
    fn two_cells_in_opposite_corners_count_as_all_between_them() {
        let number = |row: u16, column: u16| {
            let mut data = row.to_le_bytes().to_vec();
            data.extend(column.to_le_bytes());
            data.extend([0; 10]);
            record(0x0203, &data)
        };
        let sheet =
            [record(0x0809, &[0; 16]), number(0, 0), number(65_535, 255), record(0x000a, &[])].concat();
        assert_eq!(cells(&sheet), 65_536 * 256);
        assert_eq!(cells(&[sheet.clone(), sheet].concat()), 2 * 65_536 * 256);
        assert_eq!(cells(&number(7, 7)), 1);
        assert_eq!(cells(&[]), 0);
        assert_eq!(cells(b"\x03\x02\xff\xff\x00"), 0);
    }
}
