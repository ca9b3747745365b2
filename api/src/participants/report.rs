//! What an import answers: how many were taken, and which lines were not, and why.

use serde::Serialize;
use utoipa::ToSchema;

use crate::explanation::{Explanation, RefusalCode, RefusalParameters};

/// So many refusals are listed; the others are counted.
const LISTED: usize = 1_000;

/// A line that was not taken, or one that was taken with something to be known about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Remark {
    /// The line of the body, from 1; the header of a CSV counts.
    pub(crate) line: u64,
    /// The field at fault, if one is.
    #[schema(example = "phone")]
    pub(crate) column: Option<String>,
    /// What is wrong.
    #[serde(flatten)]
    #[schema(value_type = RemarkReason)]
    pub(crate) why: Explanation,
}

/// What is wrong with a line.
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

/// What came of an import.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Report {
    /// New participants.
    pub(crate) accepted: u64,
    /// Participants that were there and are now as imported.
    pub(crate) updated: u64,
    /// Lines that were not taken.
    pub(crate) refused: u64,
    /// Those lines, in their order: at most 1,000.
    pub(crate) refusals: Vec<Remark>,
    /// How many refused lines are not listed.
    pub(crate) more_refusals: u64,
    /// Lines that were taken, but whose e-mail address could not be subscribed yet.
    pub(crate) warnings: Vec<Remark>,
}

impl Report {
    /// How many lines were looked at.
    pub(crate) fn lines(&self) -> u64 {
        self.accepted + self.updated + self.refused
    }

    pub(crate) fn refuse(&mut self, line: u64, column: Option<String>, why: impl Into<Explanation>) {
        self.refused += 1;
        self.refusals.push(Remark { line, column, why: why.into() });
    }

    pub(crate) fn warn(&mut self, line: u64, column: &str, why: impl Into<Explanation>) {
        if self.warnings.len() < LISTED {
            self.warnings.push(Remark { line, column: Some(column.to_owned()), why: why.into() });
        }
    }

    /// Lines are refused when they are read and when they are stored: puts the refusals in order, and keeps as
    /// many as are listed.
    pub(crate) fn settle(&mut self) {
        self.refusals.sort_by_key(|refusal| refusal.line);
        self.refusals.truncate(LISTED);
        self.more_refusals = self.refused - self.refusals.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::participants::LineRefusal;

    #[test]
    fn a_thousand_refusals_are_listed_in_order_and_the_rest_counted() {
        let mut report = Report::default();
        for line in (1..=1_500).rev() {
            report.refuse(line, None, LineRefusal::NotUtf8);
        }
        report.settle();
        assert_eq!((report.refused, report.refusals.len(), report.more_refusals), (1_500, 1_000, 500));
        assert_eq!(report.refusals[0].line, 1);
    }
}
