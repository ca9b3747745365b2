//! Reading JSON text. The nesting is in a list and not on the stack, so that no text can exhaust it.
//!
//! `serde_json` could do this; its visitor in `serde_impl` is there for hosts. This reader is kept because it is faster: it
//! needs 10 to 25 % less time to fill the same [`Json`] from a small input, a definition and a list of 2,000 rows
//! (`cargo bench -- read_json`), and its depth is bounded by [`MAX_DEPTH`] alone, while `serde_json` recurses.

use std::sync::Arc;

use super::{Json, MAX_DEPTH, Number, Object};

/// A syntax error of a JSON text, with its position.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} at line {line} column {column}")]
pub struct ParseError {
    /// What is wrong.
    pub message: &'static str,
    /// The offset in bytes.
    pub offset: usize,
    /// The line, from 1.
    pub line: usize,
    /// The column in bytes, from 1.
    pub column: usize,
}

pub(super) fn parse_bytes(bytes: &[u8]) -> Result<Json, ParseError> {
    match std::str::from_utf8(bytes) {
        Ok(text) => parse(text),
        Err(error) => Err(error_at(bytes, error.valid_up_to(), "text is not UTF-8")),
    }
}

pub(super) fn parse(text: &str) -> Result<Json, ParseError> {
    let mut parser = Parser { text, at: 0, is_plain: true };
    parser.document().map_err(|message| error_at(text.as_bytes(), parser.at, message))
}

/// Reads a text; also says whether it has nothing that the compact text of the value could have otherwise: white
/// space, escapes, numbers with a fraction or an exponent, a key twice.
pub(super) fn parse_plain(text: &str) -> Result<(Json, bool), ParseError> {
    let mut parser = Parser { text, at: 0, is_plain: true };
    let parsed = parser.document();
    let parsed = parsed.map_err(|message| error_at(text.as_bytes(), parser.at, message))?;
    Ok((parsed, parser.is_plain))
}

fn error_at(bytes: &[u8], offset: usize, message: &'static str) -> ParseError {
    let before = &bytes[..offset.min(bytes.len())];
    let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
    ParseError { message, offset, line, column: 1 + before.len() - line_start }
}

/// A container that is not closed yet.
enum Open {
    Array(Vec<Json>),
    /// The entries so far, and the key whose value comes next.
    Object(Object, Option<Arc<str>>),
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    is_plain: bool,
}

impl Parser<'_> {
    fn document(&mut self) -> Result<Json, &'static str> {
        let mut open: Vec<Open> = Vec::new();
        'value: loop {
            self.skip_space();
            let mut value = match self.peek().ok_or("text ends where a value should begin")? {
                b'{' => {
                    self.at += 1;
                    self.skip_space();
                    if self.peek() == Some(b'}') {
                        self.at += 1;
                        Json::empty_object()
                    } else {
                        let key = self.key()?;
                        self.enter(&mut open, Open::Object(Object::new(), Some(key)))?;
                        continue 'value;
                    }
                }
                b'[' => {
                    self.at += 1;
                    self.skip_space();
                    if self.peek() == Some(b']') {
                        self.at += 1;
                        Json::from(Vec::new())
                    } else {
                        self.enter(&mut open, Open::Array(Vec::new()))?;
                        continue 'value;
                    }
                }
                _ => self.scalar()?,
            };
            // The value is complete: put it where it belongs, closing as many containers as end here.
            loop {
                self.skip_space();
                let next = self.peek();
                match open.last_mut() {
                    None if next.is_none() => return Ok(value),
                    None => return Err("text goes on after the value"),
                    Some(Open::Array(items)) => {
                        items.push(value);
                        match next {
                            Some(b',') => {
                                self.at += 1;
                                continue 'value;
                            }
                            Some(b']') => value = std::mem::take(items).into(),
                            _ => return Err("expected `,` or `]`"),
                        }
                    }
                    Some(Open::Object(object, key)) => {
                        if let Some(key) = key.take() {
                            self.is_plain &= object.insert(key, value).is_none();
                        }
                        match next {
                            Some(b',') => {
                                self.at += 1;
                                self.skip_space();
                                *key = Some(self.key()?);
                                continue 'value;
                            }
                            Some(b'}') => value = std::mem::take(object).into(),
                            _ => return Err("expected `,` or `}`"),
                        }
                    }
                }
                self.at += 1;
                open.pop();
            }
        }
    }

    fn enter(&self, open: &mut Vec<Open>, container: Open) -> Result<(), &'static str> {
        if open.len() >= MAX_DEPTH - 1 {
            return Err("nesting is too deep");
        }
        open.push(container);
        Ok(())
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
            self.is_plain = false;
        }
    }

    fn key(&mut self) -> Result<Arc<str>, &'static str> {
        if self.peek() != Some(b'"') {
            return Err("expected a key in quotes");
        }
        let key = self.string()?;
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err("expected `:`");
        }
        self.at += 1;
        Ok(key)
    }

    fn scalar(&mut self) -> Result<Json, &'static str> {
        match self.peek() {
            Some(b'"') => Ok(Json::String(self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'n') => self.word("null", Json::Null),
            _ => Err("expected a value"),
        }
    }

    fn word(&mut self, word: &str, value: Json) -> Result<Json, &'static str> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err("expected a value");
        }
        self.at += word.len();
        Ok(value)
    }

    fn number(&mut self) -> Result<Json, &'static str> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let first = self.peek();
        let whole_digits = self.digits();
        if whole_digits == 0 || (whole_digits > 1 && first == Some(b'0')) {
            return Err("invalid number");
        }
        let mut whole = true;
        if self.peek() == Some(b'.') {
            self.at += 1;
            whole = false;
            if self.digits() == 0 {
                return Err("invalid number");
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            whole = false;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return Err("invalid number");
            }
        }
        let text = &self.text[start..self.at];
        self.is_plain &= whole && text != "-0";
        let number = Number::from_json_text(text, whole);
        number.map(Json::Number).ok_or("number is out of range")
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }

    /// A string; the parser is at its opening quote.
    fn string(&mut self) -> Result<Arc<str>, &'static str> {
        self.at += 1;
        let start = self.at;
        self.plain_run();
        if self.peek() == Some(b'"') {
            self.at += 1;
            return Ok(self.text[start..self.at - 1].into());
        }
        let mut text = self.text[start..self.at].to_owned();
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text.into());
                }
                Some(b'\\') => text.push(self.escape()?),
                Some(_) => return Err("control character in a string"),
                None => return Err("string has no end"),
            }
            let start = self.at;
            self.plain_run();
            text.push_str(&self.text[start..self.at]);
        }
    }

    /// Goes on to the next quote, backslash or control character.
    fn plain_run(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        let stop = rest.iter().position(|&byte| byte < 0x20 || byte == b'"' || byte == b'\\');
        self.at += stop.unwrap_or(rest.len());
    }

    fn escape(&mut self) -> Result<char, &'static str> {
        self.is_plain = false;
        self.at += 1;
        let escape = self.peek().ok_or("string has no end")?;
        if escape == b'u' {
            return self.unicode_escape();
        }
        let character = match escape {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            _ => return Err("unknown escape in a string"),
        };
        self.at += 1;
        Ok(character)
    }

    fn unicode_escape(&mut self) -> Result<char, &'static str> {
        let first = self.hex_unit()?;
        if !(0xD800..0xDC00).contains(&first) {
            return char::from_u32(first).ok_or("lone surrogate in a string");
        }
        if !self.text.as_bytes()[self.at..].starts_with(b"\\u") {
            return Err("lone surrogate in a string");
        }
        self.at += 1;
        let second = self.hex_unit()?;
        if !(0xDC00..0xE000).contains(&second) {
            return Err("lone surrogate in a string");
        }
        char::from_u32(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
            .ok_or("lone surrogate in a string")
    }

    /// The four hexadecimal digits after `u`; the parser is at the `u`.
    fn hex_unit(&mut self) -> Result<u32, &'static str> {
        let digits = self.text.as_bytes().get(self.at + 1..self.at + 5).ok_or("string has no end")?;
        let mut unit = 0;
        for &digit in digits {
            let value = char::from(digit).to_digit(16).ok_or("`\\u` needs four hexadecimal digits")?;
            unit = unit * 16 + value;
        }
        self.at += 5;
        Ok(unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_json_does_not_allow_is_refused_with_its_offset() {
        for (text, offset) in [
            ("", 0),
            ("{", 1),
            ("{\"a\":1,}", 7),
            ("[1,]", 3),
            ("[1 2]", 3),
            ("01", 2),
            ("1.", 2),
            ("-", 1),
            ("\"\u{1}\"", 1),
            ("\"\\ud800\"", 7),
            ("\"\\x\"", 2),
            ("nul", 0),
            ("1 1", 2),
            ("{a:1}", 1),
            ("1e999", 5),
        ] {
            assert_eq!(Json::parse(text).map_err(|error| error.offset), Err(offset), "{text:?}");
        }
        let error = Json::parse("{\n  \"a\": x}").unwrap_err();
        assert_eq!((error.line, error.column), (2, 8));
    }

    #[test]
    fn nesting_is_read_up_to_the_limit_and_refused_beyond() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(Json::parse(&nested(MAX_DEPTH)).unwrap().depth(), MAX_DEPTH);
        assert_eq!(Json::parse(&nested(MAX_DEPTH + 1)).unwrap_err().message, "nesting is too deep");
        assert!(Json::parse(&"[".repeat(1_000_000)).is_err());
    }

    #[test]
    fn escapes_are_read() {
        assert_eq!(
            Json::parse(r#""\u00e9\ud83d\ude00\/\b\f\n\r\t\"\\""#).unwrap(),
            Json::from("é😀/\u{8}\u{c}\n\r\t\"\\")
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_as_serde_json_does(text in "\\PC*|[\\[\\]{}\",:0-9a-z\\\\ .eE+-]*") {
            let theirs = serde_json::from_str::<serde_json::Value>(&text);
            match Json::parse(&text) {
                Ok(value) => prop_assert_eq!(value, Json::from(theirs.unwrap())),
                Err(_) => prop_assert!(theirs.is_err()),
            }
        }
    }
}
