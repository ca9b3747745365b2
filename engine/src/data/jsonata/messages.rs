//! AWS's words for what goes wrong in an expression: those of the reference implementation, in sentences of its own.

use crate::data::jsonata::language::{Bound, Error};

/// What is nested too deep to be read, in words of our own.
const NOT_READ: &str = "The expression could not be read";

/// The parser's message without its code, as AWS returns it.
pub(super) fn parsing(error: &Error) -> String {
    match error.bound() {
        Some(_) => NOT_READ.to_owned(),
        None => error.message(),
    }
}

/// The end of the sentence about a failed evaluation.
pub(super) fn evaluation(error: &Error) -> String {
    match (error.bound(), error.code()) {
        (Some(Bound::Memory), _) => {
            format!("threw an error during evaluation: {}", Error::memory().message())
        }
        (None, Some(code)) => format!("threw an error during evaluation. {code}: {}", error.message()),
        _ => format!("threw an error during evaluation: {}", error.message()),
    }
}
