//! Cells of CSV that open in any spreadsheet as the text that they are.

/// What makes a spreadsheet take a cell for a formula where it comes first, in both widths.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

/// A cell that no spreadsheet takes for a formula, quoted where RFC 4180 asks for it; and where it holds a semicolon, which
/// in many countries ends a cell, so that what stands behind it would begin one.
pub(super) fn quoted(cell: &str) -> String {
    let is_formula = cell.starts_with(['\t', '\r', '\n']) || cell.trim_start().starts_with(FORMULA);
    let cell = if is_formula { format!("'{cell}") } else { cell.to_owned() };
    let is_quoted = cell.contains([',', ';', '"', '\t', '\n', '\r']);
    if is_quoted { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
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
    }

    #[test]
    fn full_width_signs_and_signs_behind_space_are_formulas_too() {
        for cell in ["＝1+1", "＋1", "－1", "＠SUM", " =1", "\u{3000}＝1"] {
            assert_eq!(quoted(cell), format!("'{cell}"));
        }
    }

    #[test]
    fn a_semicolon_begins_no_cell() {
        assert_eq!(quoted("Rose;=1+1"), "\"Rose;=1+1\"");
        assert_eq!(quoted("Rose\t=1+1"), "\"Rose\t=1+1\"");
    }
}
