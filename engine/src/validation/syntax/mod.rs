//! The JSON text itself: syntax faults in the words of AWS's parser (Jackson), duplicate keys, and positions.
//!
//! This scanner is no second reader of values: [`Json::parse`](crate::data::Json::parse) reads them. It runs where a person
//! wants to know what is wrong with a definition and where, which costs several times as much as reading it; inputs,
//! outputs and stored definitions are never scanned. A property test holds the two to the same grammar.

mod position;
mod tokens;

use std::collections::{HashMap, HashSet};

use tokens::Quoted;

use crate::data::json::MAX_DEPTH;

/// A position in a text; both count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// A fault that keeps the text from being JSON.
#[derive(Debug)]
pub(super) struct SyntaxFault {
    /// Jackson's message, without the position.
    pub(super) message: String,
    /// The position, in Jackson's words.
    pub(super) source: String,
}

/// What a scan finds beside the values.
#[derive(Debug, Default)]
pub(super) struct Outline {
    /// The locations of duplicate keys.
    pub(super) duplicates: Vec<String>,
    /// The position of each key and each item.
    pub(super) positions: HashMap<String, Position>,
}

/// Reads the text once from front to back.
pub(super) fn scan(text: &str) -> Result<Outline, SyntaxFault> {
    let mut scanner = Scanner {
        text,
        bytes: text.as_bytes(),
        at: 0,
        outline: Outline::default(),
        counted: 0,
        reached: Position { line: 1, column: 1 },
    };
    match scanner.document() {
        Ok(()) => Ok(scanner.outline),
        Err(message) => Err(SyntaxFault { message, source: scanner.source() }),
    }
}

const VALUE_EXPECTED: &str = "JSON String, Number, Array, Object or token 'null', 'true' or 'false'";
/// How much of the text Jackson shows.
const SNIPPET: usize = 500;

/// How many positions are noted, and how long their locations may be.
const MAX_POSITIONS: usize = 20_000;
const MAX_LOCATION: usize = 1_000;

/// The location of a part. A part that is too deep has the location of the container around it.
fn within(location: &str, part: &str) -> String {
    if location.len() > MAX_LOCATION {
        return location.to_owned();
    }
    format!("{location}{part}")
}

/// A container that is not closed yet, and the location of what it holds.
enum Open {
    Object { location: String, keys: HashSet<String>, start: usize },
    Array { location: String, next: usize, start: usize },
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    outline: Outline,
    /// How far lines and columns have been counted, and what was reached there; both grow with the scan.
    counted: usize,
    reached: Position,
}

type Scan<T> = Result<T, String>;

impl Scanner<'_> {
    fn document(&mut self) -> Scan<()> {
        let mut open: Vec<Open> = Vec::new();
        let mut location = String::new();
        loop {
            self.skip_space();
            let start = self.at;
            let opened = self.value(&open)?;
            if let Some(bracket) = opened {
                if open.len() >= MAX_DEPTH - 1 {
                    return Err(format!(
                        "Document nesting depth ({}) exceeds the maximum allowed ({MAX_DEPTH})",
                        open.len() + 1
                    ));
                }
                open.push(match bracket {
                    b'{' => {
                        Open::Object { location: std::mem::take(&mut location), keys: HashSet::new(), start }
                    }
                    _ => Open::Array { location: std::mem::take(&mut location), next: 0, start },
                });
            }
            // Close what ends here; leave the loop with `location` naming the value that comes next.
            let mut just_opened = opened.is_some();
            loop {
                self.skip_space();
                let Some(container) = open.last_mut() else {
                    return match self.peek() {
                        None => Ok(()),
                        Some(_) => Err(self.unexpected("Expected end of input")),
                    };
                };
                let (closing, name, start) = match container {
                    Open::Object { start, .. } => (b'}', "Object", *start),
                    Open::Array { start, .. } => (b']', "Array", *start),
                };
                match self.peek() {
                    None => return Err(self.unclosed(name, start)),
                    Some(byte) if byte == closing => {
                        self.at += 1;
                        open.pop();
                        just_opened = false;
                        continue;
                    }
                    Some(b',') if !just_opened => {
                        self.at += 1;
                        self.skip_space();
                    }
                    Some(_) if just_opened => {}
                    Some(_) => {
                        let what = if closing == b'}' { "Object entries" } else { "Array entries" };
                        return Err(self.unexpected(&format!("was expecting comma to separate {what}")));
                    }
                }
                location = match container {
                    Open::Array { location, next, .. } => {
                        let item = within(location, &format!("[{next}]"));
                        *next += 1;
                        self.note(&item, self.at);
                        item
                    }
                    Open::Object { location, keys, .. } => {
                        let parent = location.clone();
                        let key_at = self.at;
                        let key = self.key()?;
                        let child = within(&parent, &format!("/{key}"));
                        if keys.insert(key) {
                            self.note(&child, key_at);
                        } else {
                            self.outline.duplicates.push(child.clone());
                        }
                        child
                    }
                };
                break;
            }
        }
    }

    /// Passes over a scalar, or over the bracket that opens a container.
    fn value(&mut self, open: &[Open]) -> Scan<Option<u8>> {
        match self.peek() {
            Some(bracket @ (b'{' | b'[')) => {
                self.at += 1;
                Ok(Some(bracket))
            }
            Some(b'"') => self.string(Quoted::Value).map(|_| None),
            Some(b'-' | b'0'..=b'9') => self.number().map(|()| None),
            Some(byte) if byte.is_ascii_alphabetic() || byte == b'_' || byte == b'$' || byte >= 0x80 => {
                self.word()
            }
            Some(_) => Err(self.unexpected(&format!("expected a valid value ({VALUE_EXPECTED})"))),
            None => Err(match open.last() {
                Some(Open::Object { .. }) => unended("Object"),
                Some(Open::Array { .. }) => unended("Array"),
                None => "Unexpected end-of-input".to_owned(),
            }),
        }
    }

    fn key(&mut self) -> Scan<String> {
        match self.peek() {
            Some(b'"') => {}
            Some(_) => return Err(self.unexpected("was expecting double-quote to start field name")),
            None => return Err(unended("Object")),
        }
        let key = self.string(Quoted::Name)?;
        self.skip_space();
        match self.peek() {
            Some(b':') => self.at += 1,
            Some(_) => return Err(self.unexpected("was expecting a colon to separate field name and value")),
            None => return Err(unended("Object")),
        }
        Ok(key)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// The next character; there is one whenever this is called.
    fn take_char(&mut self) -> char {
        let next = self.text[self.at..].chars().next().unwrap_or('\u{fffd}');
        self.at = (self.at + next.len_utf8()).min(self.bytes.len());
        next
    }

    fn unexpected(&mut self, expected: &str) -> String {
        let expected = match self.peek() {
            Some(b'/') => {
                "maybe a (non-standard) comment? (not recognized as one since Feature 'ALLOW_COMMENTS' not enabled for parser)"
            }
            _ => expected,
        };
        format!("Unexpected character ({}): {expected}", describe(self.take_char()))
    }
}

/// The text ends between the parts of a container, not after one of them.
fn unended(container: &str) -> String {
    format!("Unexpected end-of-input within/between {container} entries")
}

/// A character in Jackson's words.
fn describe(character: char) -> String {
    if u32::from(character) < 32 {
        return format!("(CTRL-CHAR, code {})", u32::from(character));
    }
    format!("'{character}' (code {})", u32::from(character))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Json;
    use proptest::prelude::*;

    fn fault(text: &str) -> String {
        let fault = scan(text).unwrap_err();
        format!("{}\n at {}", fault.message, fault.source)
    }

    #[test]
    fn faults_are_reported_in_the_words_of_jackson() {
        for (text, expected) in [
            (
                "not a definition",
                "Unrecognized token 'not': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')\n at [Source: (String)\"not a definition\"; line: 1, column: 4]",
            ),
            (
                "{a: 1}",
                "Unexpected character ('a' (code 97)): was expecting double-quote to start field name\n at [Source: (String)\"{a: 1}\"; line: 1, column: 3]",
            ),
            (
                "{\"a\": 1\n\"b\": 2}",
                "Unexpected character ('\"' (code 34)): was expecting comma to separate Object entries\n at [Source: (String)\"{\"a\": 1\n\"b\": 2}\"; line: 2, column: 2]",
            ),
            (
                "{",
                "Unexpected end-of-input: expected close marker for Object (start marker at [Source: (String)\"{\"; line: 1, column: 1])\n at [Source: (String)\"{\"; line: 1, column: 2]",
            ),
            (
                "{\"a\": \"b",
                "Unexpected end-of-input: was expecting closing quote for a string value\n at [Source: (String)\"{\"a\": \"b\"; line: 1, column: 9]",
            ),
            (
                "{\"a\":",
                "Unexpected end-of-input within/between Object entries\n at [Source: (String)\"{\"a\":\"; line: 1, column: 6]",
            ),
            (
                "[1, // one",
                "Unexpected character ('/' (code 47)): maybe a (non-standard) comment? (not recognized as one since Feature 'ALLOW_COMMENTS' not enabled for parser)\n at [Source: (String)\"[1, // one\"; line: 1, column: 6]",
            ),
            (
                "{\"a\":1,}",
                "Unexpected character ('}' (code 125)): was expecting double-quote to start field name\n at [Source: (String)\"{\"a\":1,}\"; line: 1, column: 9]",
            ),
        ] {
            assert_eq!(fault(text), expected);
        }
    }

    #[test]
    fn duplicate_keys_and_the_positions_of_all_are_reported() {
        let outline = scan("{\"States\": {\"A\": [1, {\"x\": 2}],\n  \"A\": 3}}").unwrap();
        assert_eq!(outline.duplicates, ["/States/A"]);
        assert_eq!(outline.positions["/States/A[1]/x"], Position { line: 1, column: 23 });
    }

    #[test]
    fn much_in_one_line_and_much_very_deep_is_scanned_in_seconds() {
        let wide = format!("[{}1]", "{\"a\":1},".repeat(200_000));
        let deep = format!("{}{}{}", "[".repeat(900), "1,".repeat(500_000), "1");
        let started = std::time::Instant::now();
        assert!(scan(&wide).is_ok());
        assert!(scan(&deep).is_err());
        assert!(started.elapsed() < std::time::Duration::from_secs(20));
    }

    proptest! {
        #[test]
        fn what_the_scanner_takes_the_parser_takes_too(text in "\\PC*|[\\[\\]{}\",:0-9a-z\\\\ .eE+-]*") {
            if Json::parse(&text).is_ok() {
                prop_assert!(scan(&text).is_ok());
            }
        }
    }
}
