//! Strings, numbers and words.

use super::{Scan, Scanner, VALUE_EXPECTED, describe};

/// The kind of a string; Jackson has a message for each.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Quoted {
    Name,
    Value,
}

impl Scanner<'_> {
    /// The raw content of a string; escapes stay as they are, which is enough for a location.
    pub(super) fn string(&mut self, quoted: Quoted) -> Scan<String> {
        self.at += 1;
        let start = self.at;
        loop {
            match self.peek() {
                None => {
                    let at = match quoted {
                        Quoted::Name => " in field name",
                        Quoted::Value => ": was expecting closing quote for a string value",
                    };
                    return Err(format!("Unexpected end-of-input{at}"));
                }
                Some(b'"') => {
                    self.at += 1;
                    return Ok(self.text[start..self.at - 1].to_owned());
                }
                Some(b'\\') => {
                    self.at += 1;
                    match self.peek() {
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
                        Some(b'u') => self.hexadecimal()?,
                        Some(_) => {
                            let escape = self.take_char();
                            return Err(format!("Unrecognized character escape {}", describe(escape)));
                        }
                        None => return Err("Unexpected end-of-input in character escape sequence".to_owned()),
                    }
                }
                Some(control @ 0..=0x1f) => {
                    self.at += 1;
                    let what = match quoted {
                        Quoted::Name => "name",
                        Quoted::Value => "string value",
                    };
                    return Err(format!(
                        "Illegal unquoted character ((CTRL-CHAR, code {control})): has to be escaped using backslash to be included in {what}"
                    ));
                }
                Some(_) => {
                    self.take_char();
                }
            }
        }
    }

    fn hexadecimal(&mut self) -> Scan<()> {
        self.at += 1;
        for _ in 0..4 {
            match self.peek() {
                Some(byte) if byte.is_ascii_hexdigit() => self.at += 1,
                Some(_) => return Err(self.unexpected("expected a hex-digit for character escape sequence")),
                None => return Err("Unexpected end-of-input in character escape sequence".to_owned()),
            }
        }
        Ok(())
    }

    pub(super) fn number(&mut self) -> Scan<()> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') && matches!(self.bytes.get(self.at + 1), Some(b'0'..=b'9')) {
            self.at += 1;
            return Err("Invalid numeric value: Leading zeroes not allowed".to_owned());
        }
        self.digits("expected digit (0-9) to follow minus sign, for valid numeric value")?;
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits("Decimal point not followed by a digit")?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits("Exponent indicator not followed by a digit")?;
        }
        Ok(())
    }

    fn digits(&mut self, otherwise: &str) -> Scan<()> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(match self.peek() {
                Some(_) => format!(
                    "Unexpected character ({}) in numeric value: {otherwise}",
                    describe(self.take_char())
                ),
                None => "Unexpected end-of-input in a Number value".to_owned(),
            });
        }
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        Ok(())
    }

    pub(super) fn word(&mut self) -> Scan<Option<u8>> {
        let start = self.at;
        let rest = &self.text[start..];
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '$').unwrap_or(rest.len());
        self.at += end;
        match &rest[..end] {
            "true" | "false" | "null" => Ok(None),
            word => Err(format!("Unrecognized token '{word}': was expecting ({VALUE_EXPECTED})")),
        }
    }
}
