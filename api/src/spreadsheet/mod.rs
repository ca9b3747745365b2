//! Tables as files that spreadsheet programs open: CSV as [`csv`] writes it, and workbooks as [`xlsx`] does.

pub(crate) mod csv;
pub(crate) mod xlsx;

use std::borrow::Cow;

use http::HeaderValue;

use crate::error::ApiError;

/// The media type of CSV.
pub(crate) const CSV: &str = "text/csv";
/// The media type of a workbook.
pub(crate) const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// The content of one cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell {
    /// A text, which no spreadsheet takes for anything else.
    Text(String),
    /// A number.
    Number(u32),
    /// Nothing.
    Empty,
}

impl Cell {
    pub(crate) fn text(text: impl ToString) -> Self {
        Self::Text(text.to_string())
    }

    /// What its text takes, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Number(_) => 10,
            Self::Empty => 0,
        }
    }

    /// A text, or nothing.
    pub(crate) fn optional(text: Option<impl ToString>) -> Self {
        text.map_or(Self::Empty, Self::text)
    }
}

/// A text without control characters and without those that change the direction of the surrounding text, whatever was
/// stored before names were held to that.
fn clean(text: &str) -> Cow<'_, str> {
    let is_unfit = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
                | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
    };
    match text.contains(is_unfit) {
        false => Cow::Borrowed(text),
        true => Cow::Owned(text.chars().filter(|c| !is_unfit(*c)).collect()),
    }
}

/// The header `Content-Disposition` by which a browser saves an answer under a name.
pub(crate) fn attachment(name: &str) -> Result<HeaderValue, ApiError> {
    HeaderValue::try_from(format!("attachment; filename=\"{name}\"")).map_err(ApiError::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_turns_the_text_or_shows_nothing_reaches_no_file() {
        assert_eq!(clean("a\u{202e}b\u{7}c\r\nd\u{2067}\u{feff}"), "abcd");
        for text in ["张伟", "👨\u{200d}👩\u{200d}👧", "می\u{200c}خواهم", "Rose  Tyler", "❤\u{fe0f}"]
        {
            assert_eq!(clean(text), text);
        }
    }
}
