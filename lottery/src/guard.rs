//! The guard that keeps a spreadsheet from taking a cell of a CSV for a formula: an apostrophe in front of it.
//!
//! Whatever is written with it is read without it, so that an export that is imported again changes nothing. For that a text
//! that looks as if it were guarded already gets a second apostrophe.

use std::borrow::Cow;

/// The characters with which a spreadsheet program takes a cell for a formula if they come first, in both widths; and the other
/// dashes, which alone mean a missing value.
const FORMULA: [char; 10] =
    ['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}', '\u{2013}', '\u{2014}'];

/// The text of a cell that no spreadsheet takes for a formula.
pub fn guarded(text: &str) -> Cow<'_, str> {
    if needs_guard(text) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// What [`guarded`] was given.
pub fn unguarded(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|text| needs_guard(text)).unwrap_or(cell)
}

fn needs_guard(text: &str) -> bool {
    let text = text.trim_start_matches('\'');
    text.starts_with(['\t', '\r', '\n']) || text.trim_start().starts_with(FORMULA)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_and_each_is_read_back() {
        for (text, cell) in [
            ("Rose", "Rose"),
            ("=1+1", "'=1+1"),
            ("+12025550101", "'+12025550101"),
            ("\u{ff1d}1", "'\u{ff1d}1"),
            (" =1", "' =1"),
            ("\tx", "'\tx"),
            ("'=1", "''=1"),
            ("''=1", "'''=1"),
            ("'tis", "'tis"),
            ("'", "'"),
            ("", ""),
        ] {
            assert_eq!(guarded(text), cell, "{text:?}");
            assert_eq!(unguarded(cell), text, "{cell:?}");
        }
    }
}
