//! The content of one cell, and the row around it.

use super::ListRemark;

/// A cell as its source has it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Cell {
    /// Nothing.
    #[default]
    Empty,
    /// Text, and a number whose digits are all there.
    Text(String),
    /// A number that has lost digits, as its source shows it.
    Spoilt(String),
    /// A date that a spreadsheet made of what was typed, as ISO 8601.
    Date(String),
    /// True or false.
    Bool(bool),
    /// The error of a formula, such as `#N/A`.
    Error(String),
    /// An array or an object of JSON.
    Nested,
    /// More text than a record may have.
    TooLong,
}

impl Cell {
    /// Of a text field.
    pub(super) fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::Empty } else { Self::Text(text) }
    }

    /// Of a number that a spreadsheet or JSON holds in binary. From 10^15 on a spreadsheet has lost digits.
    pub(super) fn number(number: f64) -> Self {
        const EXACT: f64 = 1e15;
        if number.fract() == 0.0 && number.abs() < EXACT {
            return Self::Text(format!("{number:.0}"));
        }
        if number.abs() >= EXACT || !number.is_finite() {
            return Self::Spoilt(format!("{number:E}"));
        }
        Self::Text(number.to_string())
    }

    /// The text of a cell that is shown as it is.
    pub(super) fn as_shown(&self) -> &str {
        match self {
            Self::Empty | Self::Nested | Self::TooLong => "",
            Self::Text(text) | Self::Spoilt(text) | Self::Date(text) | Self::Error(text) => text,
            Self::Bool(true) => "true",
            Self::Bool(false) => "false",
        }
    }

    /// Whether there is nothing to be seen in it.
    pub(super) fn is_blank(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Text(text) => text.chars().all(|c| c.is_whitespace() || crate::text::is_ignorable(c)),
            _ => false,
        }
    }
}

/// A row of a table, before anybody knows what its columns hold.
#[derive(Debug, PartialEq)]
pub(super) struct RawRow {
    /// Where it begins, from 1.
    pub(super) line: u64,
    /// Its cells, or why it has none.
    pub(super) cells: Result<Vec<Cell>, ListRemark>,
}

impl RawRow {
    pub(super) fn is_blank(&self) -> bool {
        self.cells.as_ref().is_ok_and(|cells| cells.iter().all(Cell::is_blank))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_text_without_loss_or_are_told_to_be_spoilt() {
        for (number, text) in [
            (13_800_138_000.0, "13800138000"),
            (7.0, "7"),
            (1.5, "1.5"),
            (0.0, "0"),
            (999_999_999_999_999.0, "999999999999999"),
        ] {
            assert_eq!(Cell::number(number), Cell::Text(text.to_owned()));
        }
        assert_eq!(Cell::number(110_101_199_003_071_230.0), Cell::Spoilt("1.1010119900307123E17".to_owned()));
        assert!(matches!(Cell::number(f64::NAN), Cell::Spoilt(_)));
    }
}
