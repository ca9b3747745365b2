//! JSON: one object, or an array of objects whose elements are cut out as they arrive.

use super::{LONGEST_RECORD, LineRefusal, Record, Unreadable};

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
    element_place: (u64, usize),
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
            element_place: (1, 0),
        }
    }
}

impl Json {
    pub(super) fn push(&mut self, bytes: &[u8], records: &mut Vec<Record>) -> Result<(), Unreadable> {
        for &byte in bytes {
            if self.expected == Expected::Given {
                return Ok(());
            }
            if !self.element.is_empty() {
                self.continue_element(byte, records);
            } else if !byte.is_ascii_whitespace() {
                self.between(byte, records)?;
            }
            self.column += 1;
            if byte == b'\n' {
                self.line += 1;
                self.column = 0;
            }
        }
        Ok(())
    }

    pub(super) fn finish(&mut self, records: &mut Vec<Record>) -> Result<(), Unreadable> {
        match self.expected {
            Expected::Start => Err(Unreadable::new(1, LineRefusal::Empty)),
            Expected::End | Expected::Given => Ok(()),
            _ if !self.element.is_empty() => {
                self.give_up(self.element_place.0, LineRefusal::JsonNotClosed, records);
                Ok(())
            }
            _ => {
                self.give_up(self.line, LineRefusal::JsonArrayNotClosed, records);
                Ok(())
            }
        }
    }

    /// A byte outside of every element.
    fn between(&mut self, byte: u8, records: &mut Vec<Record>) -> Result<(), Unreadable> {
        match (self.expected, byte) {
            (Expected::Start, b'[') => self.expected = Expected::FirstElement,
            (Expected::Start, b'{') => {
                self.expected = Expected::OnlyObject;
                self.begin_element(byte, records);
            }
            (Expected::Start, _) => {
                return Err(Unreadable::new(self.line, LineRefusal::NotJsonObjects));
            }
            (Expected::FirstElement | Expected::Comma, b']') => self.expected = Expected::End,
            (Expected::Comma, b',') => self.expected = Expected::Element,
            (Expected::Comma, _) => self.give_up(self.line, LineRefusal::JsonCommaMissing, records),
            (Expected::FirstElement | Expected::Element, b',' | b']') => {
                self.give_up(self.line, LineRefusal::JsonElementMissing, records);
            }
            (Expected::FirstElement | Expected::Element, _) => self.begin_element(byte, records),
            (Expected::End | Expected::OnlyObject, _) => {
                self.give_up(self.line, LineRefusal::JsonBehindEnd, records);
            }
            (Expected::Given, _) => {}
        }
        Ok(())
    }

    fn begin_element(&mut self, byte: u8, records: &mut Vec<Record>) {
        self.element_place = (self.line, self.column);
        self.depth = 0;
        self.string = Inside::Nothing;
        self.continue_element(byte, records);
    }

    fn continue_element(&mut self, byte: u8, records: &mut Vec<Record>) {
        match (self.string, byte) {
            (Inside::Escape, _) => self.string = Inside::String,
            (Inside::String, b'\\') => self.string = Inside::Escape,
            (Inside::String, b'"') => self.string = Inside::Nothing,
            (Inside::String, _) => {}
            (Inside::Nothing, b'"') => self.string = Inside::String,
            (Inside::Nothing, b'{' | b'[') => self.depth += 1,
            (Inside::Nothing, b',' | b']') if self.depth == 0 => {
                // A bare word or number ends in front of what follows it.
                self.end_element(records);
                self.expected = if byte == b',' { Expected::Element } else { Expected::End };
                return;
            }
            (Inside::Nothing, b'}' | b']') => self.depth = self.depth.saturating_sub(1),
            (Inside::Nothing, _) => {}
        }
        self.element.push(byte);
        if self.element.len() > LONGEST_RECORD {
            self.give_up(self.element_place.0, LineRefusal::JsonTooLong { most: LONGEST_RECORD }, records);
        } else if self.depth == 0 && self.string == Inside::Nothing && matches!(byte, b'}' | b']' | b'"') {
            self.end_element(records);
        }
    }

    fn end_element(&mut self, records: &mut Vec<Record>) {
        let (line, column) = self.element_place;
        records.push(Record::of_json(line, column, &self.element));
        self.element.clear();
        self.expected = if self.expected == Expected::OnlyObject { Expected::End } else { Expected::Comma };
    }

    /// In JSON nothing tells where the next element begins once one is broken: what follows is not read.
    fn give_up(&mut self, line: u64, why: LineRefusal, records: &mut Vec<Record>) {
        records.push(Record::unfit(line, why));
        self.element.clear();
        self.expected = Expected::Given;
    }
}

#[cfg(test)]
mod tests {
    use super::super::Format::Json;
    use super::super::LineRefusal;
    use super::super::tests::read;

    #[test]
    fn one_object_or_an_array_of_them() {
        assert_eq!(read(Json, r#" {"participant_id":"1","name":"Ro\"}se"} "#).unwrap(), ["1: 1 Ro\"}se"]);
        assert_eq!(read(Json, "[]").unwrap(), [""; 0]);
        let body = "[\n {\"participant_id\":\"1\",\"name\":\"Rose\"},\n {\"participant_id\":\"2\",\n  \"name\":\"Tracy\"}\n]";
        assert_eq!(read(Json, body).unwrap(), ["2: 1 Rose", "3: 2 Tracy"]);
    }

    #[test]
    fn a_bad_element_does_not_lose_the_next() {
        let body = "[{\"participant_id\":\"1\",},\n7,\n\"x\",\n[{}],\n{\"participant_id\":\"2\",\"name\":{\"a\":[1]}},\n\
            {\"participant_id\":\"3\",\"name\":\"Aaron\"}]";
        assert_eq!(
            read(Json, body).unwrap(),
            [
                "1: unfit  is not JSON: see column 24",
                "2: unfit participant must be an object",
                "3: unfit participant must be an object",
                "4: unfit participant must be an object",
                "5: refused name: must be text",
                "6: 3 Aaron",
            ]
        );
    }

    #[test]
    fn what_cannot_be_followed_is_told_with_its_line_and_keeps_what_came_before() {
        let good = "{\"participant_id\":\"1\",\"name\":\"Rose\"}";
        for (body, told) in [
            (format!("[{good}\n{good}]"), "2: unfit  a comma is missing"),
            (format!("[{good},,\n{good}]"), "1: unfit  an element is missing"),
            (format!("[{good},\n]"), "2: unfit  an element is missing"),
            (format!("[{good},\n{{\"a\":"), "2: unfit  begins here and never ends"),
            (format!("[{good}\n"), "2: unfit  the array ends without"),
            (format!("[{good}]\nx"), "2: unfit  stands behind the end"),
            (format!("{good}{good}"), "1: unfit  stands behind the end"),
            (format!("[{good},\n\"{}", "x".repeat(20_000)), "2: unfit  is longer than"),
        ] {
            let records = read(Json, &body).unwrap();
            assert_eq!(records.len(), 2, "{records:?}");
            assert_eq!(records[0], "1: 1 Rose");
            assert!(records[1].starts_with(told), "{records:?}");
        }
    }

    #[test]
    fn a_body_that_is_no_object_or_array_is_unreadable() {
        assert!(read(Json, "participant_id,name\n1,Rose").unwrap_err().why == LineRefusal::NotJsonObjects);
    }
}
