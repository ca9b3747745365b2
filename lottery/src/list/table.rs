//! From rows of cells to people: finds the header, and leaves out what is no person.

use super::cell::{Cell, RawRow};
use super::columns::{Columns, Mapping, is_header};
use super::delimited::has_width;
use super::limits::MAX_ROWS_ABOVE_HEADER;
use super::person::{self, Draft, Fields, Manner};
use super::remark::Remark;
use super::words::{self, Field};
use super::{HeaderRow, ListRemark};
use crate::ParticipantId;

/// A person of a row, or why there is none.
pub(super) struct Read {
    pub(super) line: u64,
    pub(super) draft: Result<Draft, Remark>,
    pub(super) warnings: Vec<Remark>,
    /// The id, if it can be read though the row is refused.
    pub(super) participant_id: Option<ParticipantId>,
    pub(super) cells: Vec<Cell>,
}

impl Read {
    /// A row that is refused as a whole.
    pub(super) fn refused(line: u64, why: ListRemark, cells: Vec<Cell>) -> Self {
        let draft = Err(Remark::of_line(line, why));
        Self { line, draft, warnings: Vec::new(), participant_id: None, cells }
    }
}

/// One table on its way.
pub(super) struct Table {
    mapping: Mapping,
    header_row: HeaderRow,
    manner: Manner,
    /// Rows that were seen before the header was found.
    above: Vec<RawRow>,
    columns: Option<Columns>,
    header_line: Option<u64>,
    /// A list of names alone, one a row.
    is_headless: bool,
    /// Whether a row below the header was read.
    has_rows: bool,
}

impl Table {
    pub(super) fn new(mapping: Mapping, header_row: HeaderRow, manner: Manner) -> Self {
        Self {
            mapping,
            header_row,
            manner,
            above: Vec::new(),
            columns: None,
            header_line: None,
            is_headless: false,
            has_rows: false,
        }
    }

    pub(super) fn set_encoding(&mut self, encoding: &'static str) {
        self.manner.encoding = encoding;
    }

    /// The cells have names, such as `C7`.
    pub(super) fn set_cells(&mut self) {
        self.manner.has_cells = true;
    }

    pub(super) fn manner(&self) -> &Manner {
        &self.manner
    }

    pub(super) fn columns(&self) -> Option<&Columns> {
        self.columns.as_ref()
    }

    pub(super) fn header_line(&self) -> Option<u64> {
        self.header_line
    }

    /// How many cells a row has, once that is known.
    pub(super) fn width(&self) -> Option<usize> {
        let is_known = !self.is_headless && !self.may_be_title();
        self.columns.as_ref().filter(|_| is_known).map(|columns| columns.width)
    }

    /// Whether what was taken for the header could be a title that sounds like one, such as `员工名单`: a single cell with no
    /// row read below it yet.
    fn may_be_title(&self) -> bool {
        header_row_is_found(self.header_row)
            && self.mapping.is_empty()
            && !self.has_rows
            && !self.is_headless
            && self.columns.as_ref().is_some_and(|columns| columns.width == 1)
    }

    /// The line of the title that was taken for the header, if this row is the header.
    fn title_above(&self, row: &RawRow) -> Option<u64> {
        let is_wider_header =
            |cells: &Vec<Cell>| cells.iter().filter(|cell| !cell.is_blank()).count() > 1 && is_header(cells);
        self.header_line.filter(|_| self.may_be_title() && row.cells.as_ref().is_ok_and(is_wider_header))
    }

    /// Takes the next row.
    pub(super) fn push(
        &mut self,
        row: RawRow,
        read: &mut Vec<Read>,
        remarks: &mut Vec<Remark>,
    ) -> Result<(), Remark> {
        if let Some(line) = self.title_above(&row) {
            remarks.push(Remark::of_line(line, ListRemark::TitleLeftOut));
            self.above = vec![row];
            return self.begin(read, remarks);
        }
        if self.columns.is_some() {
            let before = read.len();
            self.read(row, read, remarks);
            self.has_rows |= read.len() > before;
            return Ok(());
        }
        if row.is_blank() {
            return Ok(());
        }
        self.above.push(row);
        let Some(row) = self.above.last() else { return Ok(()) };
        let is_header = match (self.header_row, &row.cells) {
            (HeaderRow::None, _) | (_, Err(_)) => false,
            (HeaderRow::Line(line), Ok(_)) => row.line == line,
            (HeaderRow::Find, Ok(cells)) if self.mapping.is_empty() => is_header(cells),
            (HeaderRow::Find, Ok(cells)) => {
                is_header(cells) || (self.mapping.has_names() && self.mapping.fits(cells))
            }
        };
        if is_header {
            return self.begin(read, remarks);
        }
        if self.above.len() > MAX_ROWS_ABOVE_HEADER {
            return self.begin_without_header(read, remarks);
        }
        Ok(())
    }

    /// The table has ended.
    pub(super) fn finish(&mut self, read: &mut Vec<Read>, remarks: &mut Vec<Remark>) -> Result<(), Remark> {
        if self.columns.is_some() {
            return Ok(());
        }
        if self.above.is_empty() {
            return Err(Remark::of_line(1, ListRemark::Empty));
        }
        self.begin_without_header(read, remarks)
    }

    /// The last row that came is the header; those above it are titles.
    fn begin(&mut self, read: &mut Vec<Read>, remarks: &mut Vec<Remark>) -> Result<(), Remark> {
        let Some(header) = self.above.pop() else { return Ok(()) };
        let titles = std::mem::take(&mut self.above);
        let cells = header.cells.unwrap_or_default();
        let columns =
            Columns::from_header(&cells, &self.mapping).map_err(|why| Remark::of_line(header.line, why))?;
        for title in titles {
            let line = title.line;
            // A row with as many cells as the header has columns is data that a header below it does not describe.
            let filled =
                title.cells.as_ref().map_or(0, |cells| cells.iter().filter(|cell| !cell.is_blank()).count());
            if filled > 1 && filled >= columns.understood() && header_row_is_found(self.header_row) {
                let why = ListRemark::HeaderNotFound { known: words::KNOWN };
                read.push(Read::refused(line, why, title.cells.unwrap_or_default()));
            } else {
                remarks.push(Remark::of_line(line, ListRemark::TitleLeftOut));
            }
        }
        self.header_line = Some(header.line);
        self.set(header.line, columns, remarks);
        Ok(())
    }

    fn set(&mut self, line: u64, columns: Columns, remarks: &mut Vec<Remark>) {
        if let Some(kept_out) = columns.kept_out() {
            remarks.push(Remark::of_line(line, ListRemark::ColumnsKeptOut { columns: kept_out }));
        }
        self.columns = Some(columns);
    }

    /// No row is a header: the caller said what the columns hold, or this is a list of names, one a row.
    fn begin_without_header(
        &mut self,
        read: &mut Vec<Read>,
        remarks: &mut Vec<Remark>,
    ) -> Result<(), Remark> {
        let mut rows = std::mem::take(&mut self.above);
        let first = rows.first().map_or(1, |row| row.line);
        let cells = |row: &RawRow| row.cells.as_ref().map_or(0, Vec::len);
        let columns = if !self.mapping.is_empty() && !self.mapping.has_names() {
            let width = rows.iter().map(cells).max().unwrap_or(0);
            // A table mostly has a header, and one in unknown words is one nevertheless.
            if self.header_row == HeaderRow::Find
                && rows.first().is_some_and(|row| looks_like_header(row, rows.get(1)))
            {
                self.above = vec![rows.remove(0)];
                self.begin(read, remarks)?;
                return rows.into_iter().try_for_each(|row| self.push(row, read, remarks));
            }
            Columns::without_header(&self.mapping, width).map_err(|why| Remark::of_line(first, why))?
        } else {
            let index = names_alone(&rows).filter(|_| self.mapping.is_empty());
            let Some(index) = index else {
                let why = match self.mapping.is_empty() {
                    true => first_fault(&rows).unwrap_or(ListRemark::HeaderNotFound { known: words::KNOWN }),
                    false => {
                        let cells = rows.iter().find_map(|row| row.cells.as_ref().ok());
                        Columns::from_header(cells.map_or(&[], Vec::as_slice), &self.mapping)
                            .err()
                            .unwrap_or(ListRemark::HeaderNotFound { known: words::KNOWN })
                    }
                };
                return Err(Remark::of_line(first, why));
            };
            self.is_headless = true;
            Columns::of_names(index)
        };
        self.set(first, columns, remarks);
        for row in rows {
            self.read(row, read, remarks);
        }
        Ok(())
    }

    fn read(&mut self, row: RawRow, read: &mut Vec<Read>, remarks: &mut Vec<Remark>) {
        if row.is_blank() {
            return;
        }
        let line = row.line;
        let Some(columns) = &self.columns else { return };
        let cells = match row.cells {
            Ok(cells) => cells,
            Err(why) => return read.push(Read::refused(line, why, Vec::new())),
        };
        if columns.is_repeated_by(&cells) {
            return remarks.push(Remark::of_line(line, ListRemark::HeaderRepeated));
        }
        if let Some(why) = no_person(&cells, columns) {
            return remarks.push(Remark::of_line(line, why));
        }
        if let Some(changed) = self.changed_header(&cells) {
            remarks.push(Remark::of_line(line, ListRemark::HeaderChanged));
            return self.set(line, changed, remarks);
        }
        // A sheet says nothing about blank cells at the end of a row.
        let fits =
            has_width(&cells, columns.width) || (self.manner.has_cells && cells.len() <= columns.width);
        let id_of = |cells: &[Cell]| person::id_of(&Fields { line, cells, columns }, &self.manner);
        if !fits {
            // A list of names where one line has more: no name, or the separator is not meant.
            let why = ListRemark::FieldCount { found: cells.len(), expected: columns.width };
            let participant_id = id_of(&cells);
            return read.push(Read { participant_id, ..Read::refused(line, why, cells) });
        }
        if self.is_headless && !cells.iter().any(|cell| is_name(cell.as_shown())) {
            return read.push(Read::refused(line, ListRemark::NotName, cells));
        }
        let mut warnings = Vec::new();
        let draft = person::read(&Fields { line, cells: &cells, columns }, &self.manner, &mut warnings);
        let participant_id = if draft.is_err() { id_of(&cells) } else { None };
        read.push(Read { line, draft, warnings, participant_id, cells });
    }

    /// Two exports put together, the second with its columns in another order.
    fn changed_header(&self, cells: &[Cell]) -> Option<Columns> {
        let filled = || cells.iter().filter(|cell| !cell.is_blank());
        let is_other = self.mapping.is_empty()
            && filled().count() >= 2
            && filled().all(|cell| words::field_of(cell.as_shown()).is_some());
        is_other.then(|| Columns::from_header(cells, &self.mapping).ok()).flatten()
    }
}

fn header_row_is_found(header_row: HeaderRow) -> bool {
    header_row == HeaderRow::Find
}

/// The first row that could not be cut into cells: of a text that is no table at all, it says most.
fn first_fault(rows: &[RawRow]) -> Option<ListRemark> {
    rows.first()?.cells.as_ref().err().cloned()
}

/// Whether a row has no digits where the next one has.
fn looks_like_header(row: &RawRow, next: Option<&RawRow>) -> bool {
    let has_data = |row: &RawRow| {
        let is_data = |cell: &Cell| cell.as_shown().contains(|c: char| c == '@' || c.is_ascii_digit());
        row.cells.as_ref().is_ok_and(|cells| cells.iter().any(is_data))
    };
    !has_data(row) && next.is_some_and(has_data)
}

/// The index of the one column that holds anything, if what it holds could be names.
fn names_alone(rows: &[RawRow]) -> Option<usize> {
    let (mut column, mut names, mut all) = (None, 0, 0);
    for row in rows {
        let Ok(cells) = &row.cells else { continue };
        let mut filled = cells.iter().enumerate().filter(|(_, cell)| !cell.is_blank());
        let (index, cell) = filled.next()?;
        if filled.next().is_some() || *column.get_or_insert(index) != index {
            return None;
        }
        all += 1;
        names += usize::from(is_name(cell.as_shown()));
    }
    (names > 0 && names * 5 >= all * 4).then_some(column?)
}

/// Whether a text could be a person's name: mostly letters, nothing that programs write.
fn is_name(text: &str) -> bool {
    let shown = text.trim();
    let alphabetic = shown.chars().filter(|c| c.is_alphabetic()).count();
    let others = shown
        .chars()
        .filter(|c| !c.is_alphabetic() && !c.is_whitespace() && !crate::text::is_ignorable(*c))
        .count();
    let is_odd = |c: char| {
        matches!(
            c,
            '{' | '}'
                | '<'
                | '>'
                | '['
                | ']'
                | '|'
                | '\\'
                | '='
                | '@'
                | '/'
                | '%'
                | '^'
                | '~'
                | '`'
                | '$'
                | '#'
                | ';'
        ) || c.is_control()
            || matches!(c, '\u{fffd}'..='\u{ffff}')
    };
    alphabetic > 0
        && alphabetic >= others
        && !shown.contains(is_odd)
        && shown.chars().count() <= crate::Name::MAX_LENGTH
}

/// Why a row is no person: totals, or a note below the list. A row with an address is a person, whatever their name.
fn no_person(cells: &[Cell], columns: &Columns) -> Option<ListRemark> {
    let cell = |field: Field| columns.at(field).and_then(|index| cells.get(index)).map_or("", Cell::as_shown);
    let is_reachable = |text: &str| !words::is_no_address(text);
    if is_reachable(cell(Field::Phone)) || is_reachable(cell(Field::Email)) {
        return None;
    }
    // As an export of ours says of everybody, whatever their name.
    if matches!(cell(Field::Excluded).trim(), "true" | "false") {
        return None;
    }
    let first = cells.iter().find(|cell| !cell.is_blank()).map_or("", Cell::as_shown);
    let names = [first, cell(Field::ParticipantId), cell(Field::Name)];
    if names.into_iter().any(words::is_total) {
        return Some(ListRemark::TotalsLeftOut);
    }
    let filled = cells.iter().filter(|cell| !cell.is_blank()).count();
    (filled <= 2 && words::is_note(first)).then_some(ListRemark::NoteLeftOut)
}
