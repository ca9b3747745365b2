//! Workbooks: .xlsx and .xlsm, .xls, .ods.
//!
//! A workbook is read as a whole, within limits that are checked before anything is built in memory: its archive is unpacked
//! once to count its bytes, the cells of an .xls are counted from its records. Formulas are never computed, what they gave
//! when the workbook was saved is read; macros, links and pictures are not looked at.

mod archive;
mod ods;
mod sheet;
mod xls;
mod xlsx;

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::ListRemark;
use super::cell::RawRow;
use super::limits::MAX_WORKBOOK_BYTES;

/// The rows of one sheet.
#[derive(Debug)]
pub(super) struct SheetRead {
    /// `xlsx`, `xls` or `ods`.
    pub(super) kind: &'static str,
    pub(super) name: String,
    pub(super) rows: Vec<RawRow>,
    /// What is to be said about the other sheets.
    pub(super) remarks: Vec<ListRemark>,
}

/// What the first bytes of a body say that it is, apart from text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Binary {
    /// An archive, perhaps around a workbook.
    Archive,
    /// The container of Office's former formats.
    Compound,
    /// Something else that is named to people.
    Other(&'static str),
}

/// So many bytes tell what a body is.
pub(super) const MAGIC: usize = 8;

impl Binary {
    /// Looks at the first bytes.
    pub(super) fn of(start: &[u8]) -> Option<Self> {
        const KNOWN: [(&[u8], Binary); 13] = [
            (b"PK\x03\x04", Binary::Archive),
            (b"PK\x05\x06", Binary::Archive),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Binary::Compound),
            (b"%PDF", Binary::Other("a PDF document")),
            (b"\x89PNG", Binary::Other("a picture")),
            (b"\xff\xd8\xff", Binary::Other("a picture")),
            (b"GIF8", Binary::Other("a picture")),
            (b"\x1f\x8b", Binary::Other("a compressed file")),
            (b"Rar!", Binary::Other("a compressed archive")),
            (b"7z\xbc\xaf", Binary::Other("a compressed archive")),
            (b"BZh", Binary::Other("a compressed file")),
            (b"SQLite ", Binary::Other("a database")),
            (b"{\\rtf", Binary::Other("a text document")),
        ];
        KNOWN.into_iter().find(|(magic, _)| start.starts_with(magic)).map(|(_, binary)| binary)
    }
}

/// Reads the sheet of that name, or else the first visible one that holds anything.
pub(super) fn read(bytes: &[u8], binary: Binary, sheet: Option<&str>) -> Result<SheetRead, ListRemark> {
    if bytes.len() > MAX_WORKBOOK_BYTES {
        return Err(ListRemark::WorkbookTooLarge { most: MAX_WORKBOOK_BYTES });
    }
    let read = || match binary {
        Binary::Archive => match archive::check(bytes)? {
            archive::Kind::Xlsx => xlsx::read(bytes, sheet),
            archive::Kind::Ods => ods::read(bytes, sheet),
        },
        Binary::Compound => xls::read(bytes, sheet),
        Binary::Other(kind) => Err(ListRemark::WrongKind { kind }),
    };
    // The formats are old and their readers many: one that loses its way refuses the file, and nothing else.
    catch_unwind(AssertUnwindSafe(read)).unwrap_or(Err(ListRemark::WorkbookBroken))
}

/// A sheet as the workbook names it.
struct SheetName {
    name: String,
    is_visible: bool,
}

/// The sheets of a workbook that hold rows: charts and macros are none.
fn worksheets(sheets: &[calamine::Sheet]) -> Vec<SheetName> {
    let worksheets = sheets.iter().filter(|sheet| matches!(sheet.typ, calamine::SheetType::WorkSheet));
    worksheets
        .map(|sheet| SheetName {
            name: sheet.name.clone(),
            is_visible: matches!(sheet.visible, calamine::SheetVisible::Visible),
        })
        .collect()
}

/// Chooses a sheet: `read` gives its rows, `holds_anything` looks at one without reading it whole.
fn choose(
    kind: &'static str,
    sheets: &[SheetName],
    wanted: Option<&str>,
    mut read: impl FnMut(&str) -> Result<Vec<RawRow>, ListRemark>,
    mut holds_anything: impl FnMut(&str) -> bool,
) -> Result<SheetRead, ListRemark> {
    let mut remarks = Vec::new();
    let mut chosen = None;
    match wanted {
        Some(wanted) => {
            let missing = || ListRemark::SheetMissing { sheet: shown(wanted) };
            let sheet = sheets.iter().find(|sheet| sheet.name == wanted).ok_or_else(missing)?;
            chosen = Some((sheet, read(&sheet.name)?));
        }
        None => {
            for sheet in sheets.iter().filter(|sheet| sheet.is_visible) {
                let rows = read(&sheet.name)?;
                if !rows.is_empty() {
                    chosen = Some((sheet, rows));
                    break;
                }
            }
        }
    }
    let (sheet, rows) = chosen.filter(|(_, rows)| !rows.is_empty()).ok_or(ListRemark::WorkbookEmpty)?;
    let mut others = |is_visible: bool| {
        let others = sheets.iter().filter(|other| other.name != sheet.name && other.is_visible == is_visible);
        let mut names: Vec<String> = Vec::new();
        for other in others.take(20) {
            if holds_anything(&other.name) {
                names.push(shown(&other.name));
            }
        }
        (!names.is_empty()).then(|| names.join(", "))
    };
    if let Some(others) = others(true) {
        remarks.push(ListRemark::SheetsLeftOut { sheet: shown(&sheet.name), others });
    }
    if let Some(hidden) = others(false) {
        remarks.push(ListRemark::SheetsHidden { hidden });
    }
    Ok(SheetRead { kind, name: shown(&sheet.name), rows, remarks })
}

fn shown(name: &str) -> String {
    crate::text::seen(name).chars().filter(|c| !c.is_control()).take(64).collect()
}
