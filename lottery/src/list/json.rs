//! JSON: one object, or an array of objects whose elements are cut out as they arrive.

use serde_json::{Number, Value};

use super::ListRemark;
use super::cell::Cell;
use super::limits::MAX_RECORD_BYTES;
use super::remark::{Remark, Why};
use crate::Refusal;

/// The members of one object, or why there are none.
#[derive(Debug, PartialEq)]
pub(super) struct JsonRow {
    /// The line on which it begins, from 1.
    pub(super) line: u64,
    /// Name and value of each member.
    pub(super) members: Result<Vec<(String, Cell)>, Why>,
}

impl JsonRow {
    pub(super) fn unfit(line: u64, why: impl Into<Why>) -> Self {
        Self { line, members: Err(why.into()) }
    }

    /// The row of one JSON value that begins behind `before` bytes of its line.
    pub(super) fn parse(line: u64, before: usize, text: &[u8]) -> Self {
        match serde_json::from_slice(text) {
            Ok(Value::Object(members)) => {
                let members = members.into_iter().map(|(name, value)| (name, cell(value))).collect();
                Self { line, members: Ok(members) }
            }
            Ok(_) => Self::unfit(line, Refusal::NotObject),
            Err(error) => {
                let column = if error.line() == 1 { before + error.column() } else { error.column() };
                let line = line + (error.line() as u64).saturating_sub(1);
                Self::unfit(line, ListRemark::NotJson { column })
            }
        }
    }
}

/// Numbers are taken as text: sheets and programs write ids and phone numbers so.
fn cell(value: Value) -> Cell {
    match value {
        Value::Null => Cell::Empty,
        Value::Bool(flag) => Cell::Bool(flag),
        Value::Number(number) => numeral(&number),
        Value::String(text) => Cell::text(text),
        Value::Array(_) | Value::Object(_) => Cell::Nested,
    }
}

fn numeral(number: &Number) -> Cell {
    match number.as_f64() {
        Some(float) if number.is_f64() => Cell::number(float),
        _ => Cell::Text(number.to_string()),
    }
}

/// Follows brackets and strings far enough to find where elements end; serde_json reads them then.
pub(super) struct Json {
    expected: Expected,
    element: Vec<u8>,
    /// Open brackets within the element.
    depth: u32,
    string: Inside,
    line: u64,
    /// Bytes of the line in front of the byte at hand.
    column: usize,
    /// Line and column of the element.
    element_at: (u64, usize),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// The body's first bracket.
    Start,
    /// The one object of the body.
    OnlyObject,
    /// An element or the end, behind `[`.
    FirstElement,
    /// An element, behind a comma.
    Element,
    /// A comma or the end, behind an element.
    Comma,
    /// Nothing but space.
    End,
    /// Nothing more is read.
    Given,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    /// Not in a string.
    Nothing,
    String,
    /// Behind a backslash.
    Escape,
}

impl Default for Json {
    fn default() -> Self {
        Self {
            expected: Expected::Start,
            element: Vec::new(),
            depth: 0,
            string: Inside::Nothing,
            line: 1,
            column: 0,
            element_at: (1, 0),
        }
    }
}

impl Json {
    pub(super) fn push(&mut self, bytes: &[u8], rows: &mut Vec<JsonRow>) -> Result<(), Remark> {
        for &byte in bytes {
            if self.expected == Expected::Given {
                return Ok(());
            }
            if !self.element.is_empty() {
                self.continue_element(byte, rows);
            } else if !byte.is_ascii_whitespace() {
                self.between(byte, rows)?;
            }
            self.column += 1;
            if byte == b'\n' {
                self.line += 1;
                self.column = 0;
            }
        }
        Ok(())
    }

    pub(super) fn finish(&mut self, rows: &mut Vec<JsonRow>) -> Result<(), Remark> {
        match self.expected {
            Expected::Start => Err(Remark::of_line(1, ListRemark::Empty)),
            Expected::End | Expected::Given => Ok(()),
            _ if !self.element.is_empty() => {
                self.give_up(self.element_at.0, ListRemark::JsonNotClosed, rows);
                Ok(())
            }
            _ => {
                self.give_up(self.line, ListRemark::JsonArrayNotClosed, rows);
                Ok(())
            }
        }
    }

    /// A byte outside of every element.
    fn between(&mut self, byte: u8, rows: &mut Vec<JsonRow>) -> Result<(), Remark> {
        match (self.expected, byte) {
            (Expected::Start, b'[') => self.expected = Expected::FirstElement,
            (Expected::Start, b'{') => {
                self.expected = Expected::OnlyObject;
                self.begin_element(byte, rows);
            }
            (Expected::Start, _) => {
                return Err(Remark::of_line(self.line, ListRemark::NotJsonObjects));
            }
            (Expected::FirstElement | Expected::Comma, b']') => self.expected = Expected::End,
            (Expected::Comma, b',') => self.expected = Expected::Element,
            (Expected::Comma, _) => self.give_up(self.line, ListRemark::JsonCommaMissing, rows),
            (Expected::FirstElement | Expected::Element, b',' | b']') => {
                self.give_up(self.line, ListRemark::JsonElementMissing, rows);
            }
            (Expected::FirstElement | Expected::Element, _) => self.begin_element(byte, rows),
            (Expected::End | Expected::OnlyObject, _) => {
                self.give_up(self.line, ListRemark::JsonBehindEnd, rows);
            }
            (Expected::Given, _) => {}
        }
        Ok(())
    }

    fn begin_element(&mut self, byte: u8, rows: &mut Vec<JsonRow>) {
        self.element_at = (self.line, self.column);
        self.depth = 0;
        self.string = Inside::Nothing;
        self.continue_element(byte, rows);
    }

    fn continue_element(&mut self, byte: u8, rows: &mut Vec<JsonRow>) {
        match (self.string, byte) {
            (Inside::Escape, _) => self.string = Inside::String,
            (Inside::String, b'\\') => self.string = Inside::Escape,
            (Inside::String, b'"') => self.string = Inside::Nothing,
            (Inside::String, _) => {}
            (Inside::Nothing, b'"') => self.string = Inside::String,
            (Inside::Nothing, b'{' | b'[') => self.depth += 1,
            (Inside::Nothing, b',' | b']') if self.depth == 0 => {
                // A bare word or number ends in front of what follows it.
                self.end_element(rows);
                self.expected = if byte == b',' { Expected::Element } else { Expected::End };
                return;
            }
            (Inside::Nothing, b'}' | b']') => self.depth = self.depth.saturating_sub(1),
            (Inside::Nothing, _) => {}
        }
        self.element.push(byte);
        if self.element.len() > MAX_RECORD_BYTES {
            self.give_up(self.element_at.0, ListRemark::JsonTooLong { most: MAX_RECORD_BYTES }, rows);
        } else if self.depth == 0 && self.string == Inside::Nothing && matches!(byte, b'}' | b']' | b'"') {
            self.end_element(rows);
        }
    }

    fn end_element(&mut self, rows: &mut Vec<JsonRow>) {
        let (line, column) = self.element_at;
        rows.push(JsonRow::parse(line, column, &self.element));
        self.element.clear();
        self.expected = if self.expected == Expected::OnlyObject { Expected::End } else { Expected::Comma };
    }

    /// In JSON nothing tells where the next element begins once one is broken: what follows is not read.
    fn give_up(&mut self, line: u64, why: ListRemark, rows: &mut Vec<JsonRow>) {
        rows.push(JsonRow::unfit(line, why));
        self.element.clear();
        self.expected = Expected::Given;
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn shown(row: JsonRow) -> String {
        match row.members {
            Ok(members) => {
                let members: Vec<_> =
                    members.iter().map(|(name, cell)| format!("{name}={}", cell.as_shown())).collect();
                format!("{}: {}", row.line, members.join(" "))
            }
            Err(why) => format!("{}: refused {why}", row.line),
        }
    }

    fn read(body: &str) -> Result<Vec<String>, Remark> {
        let whole = read_in_pieces(body, body.len().max(1));
        for size in 1..10 {
            assert_eq!(read_in_pieces(body, size), whole, "in pieces of {size}");
        }
        whole
    }

    fn read_in_pieces(body: &str, size: usize) -> Result<Vec<String>, Remark> {
        let (mut reader, mut rows) = (Json::default(), Vec::new());
        for piece in body.as_bytes().chunks(size) {
            reader.push(piece, &mut rows)?;
        }
        reader.finish(&mut rows)?;
        Ok(rows.into_iter().map(shown).collect())
    }

    #[test]
    fn one_object_or_an_array_of_them() {
        assert_eq!(read(r#" {"id":"1","name":"Ro\"}se"} "#).unwrap(), ["1: id=1 name=Ro\"}se"]);
        assert_eq!(read("[]").unwrap(), [""; 0]);
        let body = "[\n {\"id\":1,\"name\":\"Rose\"},\n {\"id\":13800138000,\n  \"name\":null}\n]";
        assert_eq!(read(body).unwrap(), ["2: id=1 name=Rose", "3: id=13800138000 name="]);
    }

    #[test]
    fn a_bad_element_does_not_lose_the_next() {
        let body = "[{\"id\":\"1\",},\n7,\n\"x\",\n[{}],\n{\"id\":\"3\",\"name\":\"Aaron\"}]";
        assert_eq!(
            read(body).unwrap(),
            [
                "1: refused is not JSON: see column 12",
                "2: refused must be an object",
                "3: refused must be an object",
                "4: refused must be an object",
                "5: id=3 name=Aaron",
            ]
        );
    }

    #[test]
    fn what_cannot_be_followed_is_told_with_its_line_and_keeps_what_came_before() {
        let good = "{\"name\":\"Rose\"}";
        for (body, message) in [
            (format!("[{good}\n{good}]"), "2: refused a comma is missing"),
            (format!("[{good},,\n{good}]"), "1: refused an element is missing"),
            (format!("[{good},\n]"), "2: refused an element is missing"),
            (format!("[{good},\n{{\"a\":"), "2: refused begins here and never ends"),
            (format!("[{good}\n"), "2: refused the array ends without"),
            (format!("[{good}]\nx"), "2: refused stands behind the end"),
            (format!("{good}{good}"), "1: refused stands behind the end"),
            (format!("[{good},\n\"{}", "x".repeat(20_000)), "2: refused is longer than"),
        ] {
            let rows = read(&body).unwrap();
            assert_eq!(rows.len(), 2, "{rows:?}");
            assert_eq!(rows[0], "1: name=Rose");
            assert!(rows[1].starts_with(message), "{rows:?}");
        }
    }

    #[test]
    fn text_that_is_no_object_or_array_is_unreadable() {
        assert_eq!(read("name\nRose").unwrap_err().why, ListRemark::NotJsonObjects.into());
    }
}
