//! What an import answers: how many were taken, and which lines were not, and why.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::explanation::{Explanation, RefusalCode, RefusalParameters};

/// So many refusals are listed; the others are counted.
const LISTED: usize = 1_000;
/// So much of a column's name is told: it may come from the body, and then has any length.
const COLUMN_LENGTH: usize = 64;

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
    /// How many lines were refused for what reason, by its code.
    #[schema(value_type = std::collections::HashMap<String, u64>)]
    pub(crate) refused_by_code: BTreeMap<String, u64>,
    /// Lines that were taken, but whose e-mail address could not be subscribed yet.
    pub(crate) warnings: Vec<Remark>,
    /// What is to be known of the whole.
    #[schema(value_type = Vec<RemarkReason>)]
    pub(crate) notices: Vec<Explanation>,
    /// Addresses that were subscribed.
    #[serde(skip)]
    #[schema(ignore)]
    pub(crate) subscribed: u64,
}

impl Report {
    /// How many lines were looked at.
    pub(crate) fn lines(&self) -> u64 {
        self.accepted + self.updated + self.refused
    }

    pub(crate) fn refuse(&mut self, line: u64, column: Option<String>, why: impl Into<Explanation>) {
        let why = why.into();
        self.refused += 1;
        match self.refused_by_code.get_mut(why.code()) {
            Some(count) => *count += 1,
            None => {
                self.refused_by_code.insert(why.code().to_owned(), 1);
            }
        }
        // A line is read before the lines are stored that stand before it, so that the first thousand are known only
        // at the end; twice as many hold them at any time.
        if self.refusals.len() >= 2 * LISTED {
            self.keep_first();
        }
        let column = column.map(|column| column.chars().take(COLUMN_LENGTH).collect());
        self.refusals.push(Remark { line, column, why });
    }

    pub(crate) fn warn(&mut self, line: u64, column: &str, why: impl Into<Explanation>) {
        if self.warnings.len() < LISTED {
            self.warnings.push(Remark { line, column: Some(column.to_owned()), why: why.into() });
        }
    }

    /// Lines are refused when they are read and when they are stored: puts the refusals in order, and keeps as
    /// many as are listed.
    pub(crate) fn settle(&mut self) {
        self.keep_first();
        self.more_refusals = self.refused - self.refusals.len() as u64;
    }

    fn keep_first(&mut self) {
        self.refusals.sort_by_key(|refusal| refusal.line);
        self.refusals.truncate(LISTED);
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
        assert_eq!(report.refusals[999].line, 1_000);
        assert_eq!(report.refused_by_code, BTreeMap::from([("NotUtf8".to_owned(), 1_500)]));
    }

    #[test]
    fn refused_lines_without_end_take_the_room_of_two_thousand() {
        let mut report = Report::default();
        for line in 1..=50_000 {
            report.refuse(line, Some("x".repeat(1_000)), LineRefusal::NotUtf8);
        }
        assert!(report.refusals.capacity() <= 4 * LISTED, "{}", report.refusals.capacity());
        let longest =
            report.refusals.iter().filter_map(|refusal| refusal.column.as_ref()).map(String::len).max();
        assert_eq!(longest, Some(COLUMN_LENGTH));
        report.settle();
        assert_eq!((report.refused, report.more_refusals), (50_000, 49_000));
    }
}
