//! CSV that opens in any spreadsheet program as the text that it is.

use lottery::guard::guarded;

use super::{Cell, clean};

/// By this Excel knows that a file is UTF-8, wherever it runs.
pub(crate) const BYTE_ORDER_MARK: char = '\u{feff}';

/// The mark and the header, with which a file begins.
pub(crate) fn head(columns: &[&str]) -> String {
    format!("{BYTE_ORDER_MARK}{}\r\n", columns.join(","))
}

/// A line of a file.
pub(crate) fn line(cells: &[Cell]) -> String {
    let cells: Vec<String> = cells
        .iter()
        .map(|cell| match cell {
            Cell::Text(text) => quoted(text),
            Cell::Number(number) => number.to_string(),
            Cell::Empty => String::new(),
        })
        .collect();
    cells.join(",") + "\r\n"
}

/// A cell that no spreadsheet takes for a formula, quoted where RFC 4180 asks for it; and where it holds a semicolon, which
/// in many countries ends a cell, so that the text after it would begin one.
fn quoted(text: &str) -> String {
    let text = clean(text);
    let cell = guarded(&text);
    let is_quoted = cell.contains([',', ';', '"']);
    if is_quoted { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.into_owned() }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn no_cell_is_a_formula() {
        assert_eq!(quoted("Rose"), "Rose");
        assert_eq!(quoted("=1+1"), "'=1+1");
        assert_eq!(quoted("+12025550101"), "'+12025550101");
        assert_eq!(quoted("@SUM(A1)"), "'@SUM(A1)");
        assert_eq!(quoted("-2"), "'-2");
        assert_eq!(quoted("=HYPERLINK(\"x\",\"y\")"), "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\"");
        assert_eq!(quoted("Tyler, Rose"), "\"Tyler, Rose\"");
        assert_eq!(quoted("\t=1+1"), "'=1+1");
        assert_eq!(quoted("\r\n@SUM(A1)"), "'@SUM(A1)");
    }

    #[test]
    fn full_width_signs_and_signs_behind_space_are_formulas_too() {
        for cell in ["＝1+1", "＋1", "－1", "＠SUM", " =1", "\u{3000}＝1"] {
            assert_eq!(quoted(cell), format!("'{cell}"));
        }
    }

    #[test]
    fn an_apostrophe_of_ones_own_stays_when_the_guard_is_taken_off() {
        assert_eq!(quoted("'tis"), "'tis");
        assert_eq!(quoted("O'Neil"), "O'Neil");
        assert_eq!(quoted("'=1"), "''=1");
    }

    #[test]
    fn a_semicolon_begins_no_cell() {
        assert_eq!(quoted("Rose;=1+1"), "\"Rose;=1+1\"");
        assert_eq!(quoted("Rose\t=1+1"), "Rose=1+1");
    }
}
