//! .ods: what LibreOffice and other programs write.
//!
//! Read here and not by calamine, whose reader writes out what a row or a blank says it is repeated: a file of a kilobyte
//! could ask for all the memory there is. A repetition is cut short here at the limits of a list.

use std::io::{BufRead, BufReader, Read};

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

use super::super::ListRemark;
use super::super::cell::{Cell, RawRow};
use super::super::limits::{MAX_COLUMNS, MAX_RECORD_BYTES, MAX_UNPACKED_BYTES, MAX_WORKBOOK_ROWS};
use super::sheet::Rows;
use super::{SheetName, SheetRead, archive, choose};

/// One sheet and its rows.
struct Sheet {
    name: SheetName,
    rows: Vec<RawRow>,
}

pub(super) fn read(bytes: &[u8], wanted: Option<&str>) -> Result<SheetRead, ListRemark> {
    let mut archive = archive::open(bytes)?;
    if is_locked(&mut archive) {
        return Err(ListRemark::WorkbookLocked);
    }
    let content = archive.by_name("content.xml").map_err(|_| ListRemark::WorkbookBroken)?;
    let sheets = sheets(BufReader::new(content.take(MAX_UNPACKED_BYTES)))?;
    let names: Vec<SheetName> = sheets
        .iter()
        .map(|sheet| SheetName { name: sheet.name.name.clone(), is_visible: sheet.name.is_visible })
        .collect();
    let filled: Vec<String> =
        sheets.iter().filter(|sheet| !sheet.rows.is_empty()).map(|sheet| sheet.name.name.clone()).collect();
    let mut rows: Vec<(String, Vec<RawRow>)> =
        sheets.into_iter().map(|sheet| (sheet.name.name, sheet.rows)).collect();
    let mut take = |name: &str| {
        let found = rows.iter_mut().find(|(other, _)| other == name);
        Ok(found.map(|(_, rows)| std::mem::take(rows)).unwrap_or_default())
    };
    choose("ods", &names, wanted, &mut take, |name| filled.iter().any(|other| other == name))
}

fn is_locked<R: Read + std::io::Seek>(archive: &mut zip::ZipArchive<R>) -> bool {
    let Ok(manifest) = archive.by_name("META-INF/manifest.xml") else { return false };
    let mut text = String::new();
    manifest.take(1024 * 1024).read_to_string(&mut text).is_ok() && text.contains("encryption-data")
}

/// Where in the content the reader is.
#[derive(Default)]
struct State {
    sheets: Vec<Sheet>,
    /// Styles of tables that are not shown.
    hidden: Vec<String>,
    style: String,
    rows: Rows,
    row: u32,
    /// How often the current row is repeated.
    row_repeat: u32,
    /// The cells of the current row, each with its first column and how often it is repeated.
    cells: Vec<(u32, u32, Cell)>,
    column: u32,
    cell: Option<OpenCell>,
    /// Elements of a comment that are open.
    comment: u32,
    in_table: bool,
}

/// The cell at hand.
struct OpenCell {
    kind: String,
    value: String,
    text: String,
    paragraphs: u32,
    repeat: u32,
    is_too_long: bool,
}

fn sheets(content: impl BufRead) -> Result<Vec<Sheet>, ListRemark> {
    let mut reader = Reader::from_reader(content);
    let (mut buffer, mut state) = (Vec::new(), State::default());
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer).map_err(|_| ListRemark::WorkbookBroken)? {
            Event::Start(element) => state.open(&element)?,
            Event::Empty(element) => {
                state.open(&element)?;
                state.close(element.name().as_ref())?;
            }
            Event::End(element) => state.close(element.name().as_ref())?,
            Event::Text(text) => state.text(&text.xml10_content())?,
            Event::CData(text) => state.text(&text.xml10_content())?,
            Event::GeneralRef(reference) => {
                let character = match &*reference.xml10_content() {
                    "amp" => Some('&'),
                    "lt" => Some('<'),
                    "gt" => Some('>'),
                    "quot" => Some('"'),
                    "apos" => Some('\''),
                    _ => reference.resolve_char_ref().ok().flatten(),
                };
                let character = character.ok_or(ListRemark::WorkbookBroken)?;
                state.text(character.encode_utf8(&mut [0; 4]))?;
            }
            Event::Eof => return Ok(state.sheets),
            _ => {}
        }
    }
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let attribute = element.try_get_attribute(name).ok()??;
    attribute.normalized_value(XmlVersion::Implicit1_0).ok().map(|value| value.into_owned())
}

fn repeat(element: &BytesStart<'_>, name: &str) -> u32 {
    attribute(element, name).and_then(|text| text.parse().ok()).unwrap_or(1).max(1)
}

impl State {
    fn open(&mut self, element: &BytesStart<'_>) -> Result<(), ListRemark> {
        if self.comment > 0 {
            self.comment += 1;
            return Ok(());
        }
        match element.name().as_ref() {
            "style:style" => self.style = attribute(element, "style:name").unwrap_or_default(),
            "style:table-properties" if attribute(element, "table:display").as_deref() == Some("false") => {
                self.hidden.push(std::mem::take(&mut self.style));
            }
            "table:table" => {
                let name = attribute(element, "table:name").unwrap_or_default();
                let style = attribute(element, "table:style-name").unwrap_or_default();
                let is_visible = !self.hidden.contains(&style);
                self.sheets.push(Sheet { name: SheetName { name, is_visible }, rows: Vec::new() });
                (self.row, self.in_table) = (0, true);
            }
            "table:table-row" if self.in_table => {
                self.row_repeat = repeat(element, "table:number-rows-repeated");
                self.column = 0;
            }
            "table:table-cell" | "table:covered-table-cell" if self.in_table => {
                let kind = match attribute(element, "calcext:value-type").as_deref() {
                    Some("error") => "error".to_owned(),
                    _ => attribute(element, "office:value-type").unwrap_or_default(),
                };
                let value = match kind.as_str() {
                    "float" | "percentage" | "currency" => attribute(element, "office:value"),
                    "date" => attribute(element, "office:date-value"),
                    "boolean" => attribute(element, "office:boolean-value"),
                    "string" => attribute(element, "office:string-value"),
                    _ => None,
                };
                self.cell = Some(OpenCell {
                    kind,
                    value: value.unwrap_or_default(),
                    text: String::new(),
                    paragraphs: 0,
                    is_too_long: false,
                    repeat: repeat(element, "table:number-columns-repeated"),
                });
            }
            "office:annotation" => self.comment = 1,
            "text:p" => {
                if let Some(cell) = &mut self.cell {
                    cell.paragraphs += 1;
                    if cell.paragraphs > 1 {
                        cell.text.push('\n');
                    }
                }
            }
            "text:s" => {
                let blanks = repeat(element, "text:c").min(MAX_RECORD_BYTES as u32) as usize;
                self.text(&" ".repeat(blanks))?;
            }
            "text:tab" => self.text("\t")?,
            "text:line-break" => self.text("\n")?,
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), ListRemark> {
        let Some(cell) = self.cell.as_mut().filter(|cell| self.comment == 0 && cell.paragraphs > 0) else {
            return Ok(());
        };
        if cell.text.len() + text.len() <= MAX_RECORD_BYTES {
            cell.text.push_str(text);
        } else {
            cell.is_too_long = true;
        }
        Ok(())
    }

    fn close(&mut self, name: &str) -> Result<(), ListRemark> {
        if self.comment > 0 {
            self.comment -= 1;
            return Ok(());
        }
        match name {
            "table:table-cell" | "table:covered-table-cell" => {
                if let Some(cell) = self.cell.take() {
                    let (repeat, cell) = (cell.repeat, cell.read());
                    if !cell.is_blank() {
                        self.cells.push((self.column, repeat, cell));
                    }
                    self.column = self.column.saturating_add(repeat);
                }
            }
            "table:table-row" if self.in_table => self.end_row()?,
            "table:table" => {
                let rows = std::mem::take(&mut self.rows).into_rows();
                if let Some(sheet) = self.sheets.last_mut().filter(|_| self.in_table) {
                    sheet.rows = rows;
                }
                self.in_table = false;
            }
            _ => {}
        }
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), ListRemark> {
        let cells = std::mem::take(&mut self.cells);
        if !cells.is_empty() {
            // One row above the limit is enough to detect the excess.
            for row in 0..self.row_repeat.min(MAX_WORKBOOK_ROWS as u32 + 1) {
                for (first, repeat, cell) in &cells {
                    for column in 0..(*repeat).min(MAX_COLUMNS as u32 + 1) {
                        let column = first.saturating_add(column);
                        self.rows.put(self.row.saturating_add(row), column, cell.clone())?;
                    }
                }
            }
        }
        self.row = self.row.saturating_add(self.row_repeat);
        Ok(())
    }
}

impl OpenCell {
    fn read(self) -> Cell {
        if self.is_too_long {
            return Cell::TooLong;
        }
        match self.kind.as_str() {
            "float" | "percentage" | "currency" => match self.value.parse() {
                Ok(number) => Cell::number(number),
                Err(_) => Cell::text(self.text),
            },
            "date" => Cell::Date(self.value.trim_end_matches("T00:00:00").to_owned()),
            "time" => Cell::Date(self.text),
            "boolean" => Cell::Bool(self.value == "true"),
            "error" => Cell::Error(self.text),
            "string" if !self.value.is_empty() => Cell::text(self.value),
            _ => Cell::text(self.text),
        }
    }
}
