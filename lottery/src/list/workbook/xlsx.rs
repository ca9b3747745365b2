//! .xlsx and .xlsm: cells are read one after the other, so that two that lie far apart cost no rectangle between them.

use std::io::Cursor;

use calamine::{DataRef, Reader, Xlsx, XlsxError};

use super::super::ListRemark;
use super::super::cell::{Cell, RawRow};
use super::sheet::{Rows, iso};
use super::{SheetRead, choose, worksheets};

type Workbook<'a> = Xlsx<Cursor<&'a [u8]>>;

pub(super) fn read(bytes: &[u8], wanted: Option<&str>) -> Result<SheetRead, ListRemark> {
    let mut workbook: Workbook<'_> = Xlsx::new(Cursor::new(bytes)).map_err(broken)?;
    let sheets = worksheets(workbook.sheets_metadata());
    let workbook = std::cell::RefCell::new(&mut workbook);
    choose(
        "xlsx",
        &sheets,
        wanted,
        |name| rows(&mut workbook.borrow_mut(), name),
        |name| holds_anything(&mut workbook.borrow_mut(), name),
    )
}

fn broken(error: XlsxError) -> ListRemark {
    match error {
        XlsxError::Password => ListRemark::WorkbookLocked,
        _ => ListRemark::WorkbookBroken,
    }
}

fn rows(workbook: &mut Workbook<'_>, name: &str) -> Result<Vec<RawRow>, ListRemark> {
    let mut cells = workbook.worksheet_cells_reader(name).map_err(broken)?;
    let mut rows = Rows::default();
    while let Some(cell) = cells.next_cell().map_err(broken)? {
        let (row, column) = cell.get_position();
        rows.put(row, column, value(cell.get_value()))?;
    }
    Ok(rows.into_rows())
}

fn holds_anything(workbook: &mut Workbook<'_>, name: &str) -> bool {
    let Ok(mut cells) = workbook.worksheet_cells_reader(name) else { return false };
    std::iter::from_fn(|| cells.next_cell().ok().flatten()).any(|cell| !value(cell.get_value()).is_blank())
}

fn value(data: &DataRef<'_>) -> Cell {
    match data {
        DataRef::Empty => Cell::Empty,
        DataRef::Int(number) => Cell::Text(number.to_string()),
        DataRef::Float(number) => Cell::number(*number),
        DataRef::String(text) => Cell::text(text.as_str()),
        DataRef::SharedString(text) => Cell::text(*text),
        DataRef::Bool(flag) => Cell::Bool(*flag),
        DataRef::DateTime(date) => Cell::Date(iso(*date)),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => Cell::Date(text.clone()),
        DataRef::Error(error) => Cell::Error(error.to_string()),
    }
}
