//! Where JSON values begin and end in bytes of which only a part is there.

/// The end of the value at the beginning of `bytes`; `None` if it may go on after them, of which `is_end` says whether
/// they are the last.
pub(super) fn end_of_value(bytes: &[u8], is_end: bool) -> Option<usize> {
    let mut skipper = Skipper::default();
    match skipper.skip(bytes) {
        Some(end) => Some(end),
        None if is_end && !bytes.is_empty() => Some(bytes.len()),
        None => None,
    }
}

/// Passes over one value, piece by piece.
#[derive(Default)]
pub(super) struct Skipper {
    depth: usize,
    in_text: bool,
    escaped: bool,
    began: bool,
}

impl Skipper {
    /// How many of these bytes the value still has, if it ends among them.
    pub(super) fn skip(&mut self, bytes: &[u8]) -> Option<usize> {
        for (at, byte) in bytes.iter().copied().enumerate() {
            if self.in_text {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => {
                        self.in_text = false;
                        if self.depth == 0 {
                            return Some(at + 1);
                        }
                    }
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_text = true,
                b'{' | b'[' => self.depth += 1,
                // The end of what holds the value.
                b'}' | b']' if self.depth == 0 => return Some(at),
                b'}' | b']' => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Some(at + 1);
                    }
                }
                b',' | b' ' | b'\n' | b'\r' | b'\t' if self.depth == 0 && self.began => return Some(at),
                _ => {}
            }
            self.began |= !byte.is_ascii_whitespace();
        }
        None
    }
}

/// How many bytes of white space there are, and of commas with it.
pub(super) fn blanks(bytes: &[u8], commas: bool) -> usize {
    bytes.iter().take_while(|byte| byte.is_ascii_whitespace() || (commas && **byte == b',')).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_ends_where_it_ends() {
        for (text, end) in [
            (r#"{"a": "}\"", "b": [1]}, 2"#, Some(22)),
            (r#""a,b" "#, Some(5)),
            ("12, 3", Some(2)),
            ("12]", Some(2)),
            ("12", None),
            (r#"{"a": "#, None),
            ("[[1],[2", None),
        ] {
            assert_eq!(end_of_value(text.as_bytes(), false), end, "{text}");
        }
        assert_eq!(end_of_value(b"12", true), Some(2));
    }

    #[test]
    fn a_value_is_passed_over_in_pieces() {
        let text = br#"{"a": ["\"]}", {}], "b": 1} rest"#;
        for size in 1..text.len() {
            let (mut skipper, mut at) = (Skipper::default(), 0);
            let end = loop {
                let piece = &text[at..(at + size).min(text.len())];
                match skipper.skip(piece) {
                    Some(end) => break at + end,
                    None => at += piece.len(),
                }
            };
            assert_eq!(&text[end..], b" rest", "{size}");
        }
    }
}
