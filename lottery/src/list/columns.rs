//! Which column of a list holds what: found in its header, or said by the caller.

use serde::Serialize;
use serde_json::Value;

use super::ListRemark;
use super::cell::Cell;
use super::words::{self, Field};
use crate::{FieldError, Refusal};

/// What the caller says that columns hold. Columns that it does not name are read by their header.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapping {
    columns: Vec<(Column, Option<Field>)>,
}

/// A column, by its number from 1 or by its header.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Column {
    Number(usize),
    Header(String),
}

impl Mapping {
    /// Parses a JSON object from columns to fields: `{"工号": "participant_id", "3": "phone", "备注": null}`. A column is named
    /// by its header or by its number from 1, a field as the API names it or as `first_name` or `last_name`; null leaves
    /// the column out.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let refused = |refusal: Refusal| FieldError::new("mapping", refusal);
        let value: Value = serde_json::from_str(text).map_err(|_| refused(Refusal::NotObject))?;
        let Value::Object(members) = value else { return Err(refused(Refusal::NotObject)) };
        let mut columns = Vec::new();
        for (column, field) in members {
            let field = match field {
                Value::Null => None,
                Value::String(name) => {
                    let field = Field::parse(&name);
                    Some(field.ok_or_else(|| refused(Refusal::NotOneOf { values: FIELDS }))?)
                }
                _ => return Err(refused(Refusal::NotOneOf { values: FIELDS })),
            };
            if field.is_some() && columns.iter().any(|(_, other)| *other == field) {
                return Err(refused(Refusal::StandsTwice));
            }
            let number = column.parse().ok().filter(|number| *number > 0);
            columns.push((number.map_or(Column::Header(column), Column::Number), field));
        }
        Ok(Self { columns })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// How many columns it names.
    pub(super) fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether a row could be the header that this mapping means: it has every column that is named by its header.
    pub(super) fn fits(&self, header: &[Cell]) -> bool {
        let has = |name: &str| header.iter().any(|cell| is_same(cell.as_shown(), name));
        self.columns.iter().all(|(column, _)| match column {
            Column::Header(name) => has(name),
            Column::Number(number) => *number <= header.len(),
        })
    }

    /// Whether of every column is known what it holds: by its header, or because it is named here, be it to leave it out.
    fn says_all(&self, columns: &Columns) -> bool {
        let is_known = |(index, column): (usize, &ColumnRead)| {
            column.field.is_some() || column.header.is_empty() || self.of(index, &column.header).is_some()
        };
        columns.read.iter().enumerate().all(is_known)
    }

    /// Whether it names any column by its header.
    pub(super) fn has_names(&self) -> bool {
        self.columns.iter().any(|(column, _)| matches!(column, Column::Header(_)))
    }

    /// What it says of one column.
    fn of(&self, index: usize, header: &str) -> Option<Option<Field>> {
        let is_meant = |column: &Column| match column {
            Column::Number(number) => *number == index + 1,
            Column::Header(name) => is_same(header, name),
        };
        self.columns.iter().find(|(column, _)| is_meant(column)).map(|(_, field)| *field)
    }
}

const FIELDS: &str =
    "participant_id, name, phone, email, group, tickets, excluded, first_name, last_name, or null";

fn is_same(one: &str, other: &str) -> bool {
    let (key, name) = (words::key(one), words::key(other));
    if name.is_empty() { one.trim() == other.trim() } else { key == name }
}

/// A column of the list and what it is taken for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnRead {
    /// Its header; empty in a list without a header row.
    pub header: String,
    /// The field that it holds; none if it is kept out.
    pub field: Option<&'static str>,
}

/// The column of each field of a participant.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Columns {
    /// By field: the index of its column.
    index: [Option<usize>; Field::ALL.len()],
    /// The header's cells as they are compared; none if there is no header.
    header: Vec<String>,
    pub(super) read: Vec<ColumnRead>,
    /// Whether the caller said to leave a column out, by its index.
    left_out: Vec<bool>,
    pub(super) width: usize,
}

impl Columns {
    /// A list of names, one a line, in the column of that index.
    pub(super) fn of_names(index: usize) -> Self {
        let mut columns = Self { width: index + 1, ..Self::default() };
        columns.index[Field::Name as usize] = Some(index);
        columns.read = (0..=index)
            .map(|at| ColumnRead { header: String::new(), field: (at == index).then_some("name") })
            .collect();
        columns
    }

    /// Where columns are said by their number, and no row is a header.
    pub(super) fn without_header(mapping: &Mapping, width: usize) -> Result<Self, ListRemark> {
        let blank = vec![Cell::Empty; width];
        let columns = Self::from_header(&blank, mapping)?;
        Ok(Self { header: Vec::new(), ..columns })
    }

    /// Reads a header. Without names it holds who is known by their id alone; a column that nobody understands may be the one
    /// with the names, though.
    pub(super) fn from_header(cells: &[Cell], mapping: &Mapping) -> Result<Self, ListRemark> {
        let columns = Self::of_cells(cells, mapping)?;
        let has_all = mapping.says_all(&columns);
        if columns.has_names() || (columns.at(Field::ParticipantId).is_some() && has_all) {
            Ok(columns)
        } else {
            Err(ListRemark::NameColumnMissing)
        }
    }

    /// Reads the members of an object, which may leave out what is not known.
    pub(super) fn of_object(names: &[Cell], mapping: &Mapping) -> Result<Self, ListRemark> {
        let columns = Self::of_cells(names, mapping)?;
        let is_about_somebody = columns.has_names() || columns.at(Field::ParticipantId).is_some();
        if is_about_somebody { Ok(columns) } else { Err(ListRemark::NameColumnMissing) }
    }

    fn has_names(&self) -> bool {
        [Field::Name, Field::FirstName, Field::LastName].into_iter().any(|field| self.at(field).is_some())
    }

    fn of_cells(cells: &[Cell], mapping: &Mapping) -> Result<Self, ListRemark> {
        let width =
            cells.iter().rposition(|cell| !cell.is_blank()).map_or(0, |last| last + 1).max(mapping.width());
        if let Some(column) = mapping.missing(cells) {
            return Err(ListRemark::MappedColumnMissing { column });
        }
        let shown = |index: usize| cells.get(index).map(|cell| shown(cell.as_shown())).unwrap_or_default();
        let mut candidates: Vec<(usize, Field, u8)> = Vec::new();
        let mut left_out = vec![false; width];
        for (index, is_left_out) in left_out.iter_mut().enumerate() {
            let header = shown(index);
            match mapping.of(index, &header) {
                Some(Some(field)) => candidates.push((index, field, 0)),
                Some(None) => *is_left_out = true,
                None => {
                    let is_taken =
                        |field: Field| mapping.columns.iter().any(|(_, other)| *other == Some(field));
                    if let Some((field, rank)) =
                        words::field_of(&header).filter(|(field, _)| !is_taken(*field))
                    {
                        candidates.push((index, field, rank + 1));
                    }
                }
            }
        }
        let mut columns = Self { width, left_out, ..Self::default() };
        for field in Field::ALL {
            let of_field = || candidates.iter().filter(|(_, other, _)| *other == field);
            let Some(best) = of_field().map(|(_, _, rank)| *rank).min() else { continue };
            let mut best_ones = of_field().filter(|(_, _, rank)| *rank == best);
            columns.index[field as usize] = best_ones.next().map(|(index, _, _)| *index);
            if best_ones.next().is_some() {
                let names = of_field().filter(|(_, _, rank)| *rank == best);
                let names: Vec<_> = names.map(|(index, _, _)| named(*index, &shown(*index))).collect();
                return Err(ListRemark::ColumnAmbiguous { field: field.name(), columns: names.join(", ") });
            }
        }
        // A column with the whole name leaves its parts aside.
        if columns.at(Field::Name).is_some() {
            columns.index[Field::FirstName as usize] = None;
            columns.index[Field::LastName as usize] = None;
        }
        columns.read = (0..width)
            .map(|index| ColumnRead {
                header: shown(index),
                field: Field::ALL
                    .into_iter()
                    .find(|field| columns.at(*field) == Some(index))
                    .map(Field::name),
            })
            .collect();
        columns.header = (0..width).map(|index| words::key(&shown(index))).collect();
        Ok(columns)
    }

    /// The index of a field's column.
    pub(super) fn at(&self, field: Field) -> Option<usize> {
        self.index[field as usize]
    }

    /// The headers of columns that hold no field, though nobody said to leave them out.
    pub(super) fn not_understood(&self) -> impl Iterator<Item = &str> {
        let is_meant = |index: usize| self.left_out.get(index).copied().unwrap_or(false);
        let columns = self.read.iter().enumerate().filter(move |(index, column)| {
            column.field.is_none() && !column.header.is_empty() && !is_meant(*index)
        });
        columns.map(|(_, column)| column.header.as_str())
    }

    /// These headers, as they are named to people.
    pub(super) fn kept_out(&self) -> Option<String> {
        let mut names: Vec<_> = self.not_understood().map(str::to_owned).collect();
        let more = names.len().saturating_sub(20);
        names.truncate(20);
        if more > 0 {
            names.push(format!("and {more} more"));
        }
        (!names.is_empty()).then(|| names.join(", "))
    }

    /// How many columns with anything in the header there are of which a field was understood.
    pub(super) fn understood(&self) -> usize {
        self.index.iter().flatten().count()
    }

    /// Whether a row says the same as the header.
    pub(super) fn is_repeated_by(&self, cells: &[Cell]) -> bool {
        let mut named = 0;
        !self.header.is_empty()
            && self.header.iter().enumerate().all(|(index, key)| {
                let cell = cells.get(index).map(|cell| words::key(cell.as_shown())).unwrap_or_default();
                named += usize::from(!key.is_empty());
                cell == *key
            })
            && named > 0
    }
}

impl Mapping {
    /// The largest number of a column that it names.
    fn width(&self) -> usize {
        let numbers = self.columns.iter().filter_map(|(column, _)| match column {
            Column::Number(number) => Some(*number),
            Column::Header(_) => None,
        });
        numbers.max().unwrap_or(0).min(super::limits::MAX_COLUMNS)
    }

    /// A header that it names and a row does not have.
    fn missing(&self, cells: &[Cell]) -> Option<String> {
        if !self.has_names() {
            return None;
        }
        let is_missing = |name: &&String| !cells.iter().any(|cell| is_same(cell.as_shown(), name));
        let headers = self.columns.iter().filter_map(|(column, _)| match column {
            Column::Header(name) => Some(name),
            Column::Number(_) => None,
        });
        headers.filter(|name| !name.is_empty()).find(is_missing).map(|name| shown(name))
    }
}

/// Whether a row can be a header: it names a column of names, or two other columns, and holds nothing that only people have.
pub(super) fn is_header(cells: &[Cell]) -> bool {
    let known: Vec<_> =
        cells.iter().filter_map(|cell| words::field_of(cell.as_shown())).map(|(field, _)| field).collect();
    let names_people =
        known.iter().any(|field| matches!(field, Field::Name | Field::FirstName | Field::LastName));
    let is_data = |cell: &Cell| {
        let text = cell.as_shown();
        (text.contains('@') && text.contains('.')) || text.chars().filter(char::is_ascii_digit).count() >= 5
    };
    (names_people || known.len() >= 2) && !cells.iter().any(is_data)
}

/// A header as people may read it: one short line without anything unseen.
fn shown(header: &str) -> String {
    let seen = crate::text::seen(header);
    crate::text::folded(
        &seen.chars().map(|c| if c.is_control() { ' ' } else { c }).take(64).collect::<String>(),
    )
}

fn named(index: usize, header: &str) -> String {
    if header.is_empty() { format!("column {}", index + 1) } else { header.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(header: &str) -> Vec<Cell> {
        header.split(',').map(Cell::text).collect()
    }

    fn read(header: &str, mapping: &str) -> Result<Vec<Option<&'static str>>, ListRemark> {
        let mapping = if mapping.is_empty() { Mapping::default() } else { Mapping::parse(mapping).unwrap() };
        let columns = Columns::from_header(&cells(header), &mapping)?;
        Ok(columns.read.into_iter().map(|column| column.field).collect())
    }

    #[test]
    fn a_header_is_read_by_its_words() {
        let some = |names: &[&'static str]| {
            Ok(names.iter().map(|name| (!name.is_empty()).then_some(*name)).collect())
        };
        for (header, fields) in [
            ("ID,Full Name,Phone Number,E-mail", some(&["participant_id", "name", "phone", "email"])),
            (
                "序号,工号,姓名,部门,手机号,邮箱,备注",
                some(&["", "participant_id", "name", "group", "phone", "email", ""]),
            ),
            ("participant_id,name,,", some(&["participant_id", "name"])),
            ("First Name,Last Name,Team", some(&["first_name", "last_name", "group"])),
            ("Name,First Name,Last Name", some(&["name", "", ""])),
            ("姓名,手机,电话", some(&["name", "phone", ""])),
            ("name,department,company", some(&["name", "group", ""])),
            ("工号,编号,姓名", some(&["participant_id", "", "name"])),
            ("participant_id,id,name", some(&["participant_id", "", "name"])),
        ] {
            assert_eq!(read(header, ""), fields, "{header}");
        }
    }

    #[test]
    fn a_duplicate_column_is_ambiguous() {
        let remark = read("name,Phone 1,Phone 2", "");
        let columns = "Phone 1, Phone 2".to_owned();
        assert_eq!(remark, Err(ListRemark::ColumnAmbiguous { field: "phone", columns }));
        assert_eq!(
            read("name,Phone 1,Phone 2", r#"{"Phone 2":"phone"}"#),
            Ok(vec![Some("name"), None, Some("phone")])
        );
        assert_eq!(read("name,phone,phone", r#"{"3":"phone"}"#), Ok(vec![Some("name"), None, Some("phone")]));
        assert!(read("name,name", "").is_err());
        assert_eq!(read("手机号,邮箱", ""), Err(ListRemark::NameColumnMissing));
    }

    #[test]
    fn a_list_of_ids_needs_no_names_if_no_column_is_in_doubt() {
        assert_eq!(read("participant_id,tickets", ""), Ok(vec![Some("participant_id"), Some("tickets")]));
        assert_eq!(read("工号,备注,票数", ""), Err(ListRemark::NameColumnMissing));
        assert_eq!(
            read("工号,备注,票数", r#"{"备注":null}"#),
            Ok(vec![Some("participant_id"), None, Some("tickets")])
        );
    }

    #[test]
    fn the_caller_may_say_what_a_column_holds() {
        let mapping = r#"{"wer":"name","2":"phone","Mail":null}"#;
        assert_eq!(read("Wer,?,Mail", mapping), Ok(vec![Some("name"), Some("phone"), None]));
        let column = "wer".to_owned();
        assert_eq!(read("name,phone", mapping), Err(ListRemark::MappedColumnMissing { column }));
        for (mapping, remark) in [
            ("name", "mapping: must be an object"),
            ("[]", "mapping: must be an object"),
            (r#"{"a":"nickname"}"#, "mapping: must be one of"),
            (r#"{"a":1}"#, "mapping: must be one of"),
            (r#"{"a":"name","b":"name"}"#, "mapping: stands twice"),
        ] {
            assert!(Mapping::parse(mapping).unwrap_err().to_string().starts_with(remark), "{mapping}");
        }
    }

    #[test]
    fn further_columns_are_named() {
        let columns = Columns::from_header(&cells("name,Badge,,Notes"), &Mapping::default()).unwrap();
        assert_eq!(columns.kept_out().as_deref(), Some("Badge, Notes"));
        assert_eq!(
            Columns::from_header(&cells("name,phone,,"), &Mapping::default()).unwrap().kept_out(),
            None
        );
    }

    #[test]
    fn a_header_is_told_from_titles_and_people() {
        for header in ["participant_id,name", "姓名", "Rose,name", "部门,手机号"] {
            assert!(is_header(&cells(header)), "{header}");
        }
        for row in
            ["2026 年会抽奖,,", "1,Rose,+12025550101", "张伟", "部门,张伟", "id", "name,rose@example.com"]
        {
            assert!(!is_header(&cells(row)), "{row}");
        }
    }
}
