//! What is said of one line of a list.

use lottery::list::{Why, cell_name};
use serde::Serialize;
use utoipa::ToSchema;

use super::detected::ColumnView;
use crate::explanation::{Explanation, RefusalCode, RefusalParameters};

/// A line that was not taken, or one that was taken with something to be known about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Remark {
    /// The line of the text or the row of the sheet, from 1; the header counts.
    pub(crate) line: u64,
    /// The cell of the sheet, if the list is a workbook.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "C7")]
    pub(crate) cell: Option<String>,
    /// The field at fault, if one is.
    #[schema(example = "phone")]
    pub(crate) column: Option<String>,
    /// What is wrong.
    #[serde(flatten)]
    #[schema(value_type = RemarkReason)]
    pub(crate) why: Explanation,
}

/// What is wrong with a line, or to be known.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes the members of `Explanation`")]
pub(crate) struct RemarkReason {
    /// What is wrong, in English.
    #[schema(example = "must have 1 to 200 characters")]
    reason: String,
    #[schema(inline, example = "Length")]
    code: RefusalCode,
    #[schema(inline)]
    parameters: RefusalParameters,
}

impl Remark {
    /// Of a field of a line.
    pub(super) fn of_field(line: u64, column: &str, why: impl Into<Explanation>) -> Self {
        Self { line, cell: None, column: Some(column.to_owned()), why: why.into() }
    }

    /// Names the cell that the remark is about, where what was read is refused later.
    pub(super) fn name_cell(&mut self, columns: &[ColumnView]) {
        let Some(field) = self.column.as_deref().filter(|_| self.cell.is_none()) else { return };
        let index = columns.iter().position(|column| column.field == Some(field));
        self.cell = index.map(|index| cell_name(index, self.line));
    }
}

impl From<lottery::list::Remark> for Remark {
    fn from(remark: lottery::list::Remark) -> Self {
        let lottery::list::Remark { line, cell, column, why } = remark;
        Self { line, cell, column, why: said(&why) }
    }
}

/// What reading a list says, with its code.
pub(crate) fn said(why: &Why) -> Explanation {
    match why {
        Why::Value(refusal) => refusal.clone().into(),
        Why::List(remark) => remark.clone().into(),
    }
}
