//! [`Report`]: the findings of a validation, as diagnostics, as CreateStateMachine's refusal, as lines for a terminal.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::syntax::Position;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The definition is accepted all the same.
    Warning,
    /// The definition is refused.
    Error,
}

impl Severity {
    /// AWS's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "ERROR",
            Severity::Warning => "WARNING",
        }
    }
}

/// One fault of a definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether it refuses the definition.
    pub severity: Severity,
    /// AWS's code, one of [`code`].
    pub code: &'static str,
    /// What is wrong, in AWS's words where they are known.
    pub message: String,
    /// Where, such as `/States/Draw/Retry[0]/BackoffRate`.
    pub location: Option<String>,
}

/// The codes of findings. Those of AWS keep AWS's names; the last four are ours.
pub mod code {
    /// The text is not JSON.
    pub const INVALID_JSON_DESCRIPTION: &str = "INVALID_JSON_DESCRIPTION";
    /// A field is missing, unknown, of the wrong type or out of range.
    pub const SCHEMA_VALIDATION_FAILED: &str = "SCHEMA_VALIDATION_FAILED";
    /// No state ends the execution.
    pub const MISSING_END_STATE: &str = "MISSING_END_STATE";
    /// A transition leads nowhere, or no transition leads to a state.
    pub const MISSING_TRANSITION_TARGET: &str = "MISSING_TRANSITION_TARGET";
    /// Two states have one name.
    pub const DUPLICATE_STATE_NAME: &str = "DUPLICATE_STATE_NAME";
    /// The name of a state is empty or too long.
    pub const INVALID_STATE_NAME: &str = "INVALID_STATE_NAME";
    /// Two Map states have one label.
    pub const DUPLICATE_LABEL_NAME: &str = "DUPLICATE_LABEL_NAME";
    /// A label is too long or has a character that it may not have.
    pub const INVALID_LABEL_NAME: &str = "INVALID_LABEL_NAME";
    /// State machines are nested too deep.
    pub const TOO_DEEPLY_NESTED: &str = "TOO_DEEPLY_NESTED";
    /// A JSONata expression does not parse.
    pub const INVALID_JSONATA_EXPRESSION: &str = "INVALID_JSONATA_EXPRESSION";
    /// A JSONata expression uses what Step Functions leaves out.
    pub const UNSUPPORTED_JSONATA_EXPRESSION: &str = "UNSUPPORTED_JSONATA_EXPRESSION";
    /// `Assign` names a variable that no program may set.
    pub const RESERVED_VARIABLE_NAME: &str = "RESERVED_VARIABLE_NAME";
    /// `Assign` has a name that is none.
    pub const INVALID_VARIABLE_NAME: &str = "INVALID_VARIABLE_NAME";
    /// A value looks like a path, but its key does not end with `.$`.
    pub const NO_DOLLAR: &str = "NO_DOLLAR";
    /// A value looks like a path, but its field does not end with `Path`.
    pub const NO_PATH: &str = "NO_PATH";
    /// A path in the `Result` of a Pass state, which is not evaluated.
    pub const PASS_RESULT_IS_STATIC: &str = "PASS_RESULT_IS_STATIC";
    /// AWS has it, this engine does not.
    pub const NOT_SUPPORTED_HERE: &str = "NOT_SUPPORTED_HERE";
    /// An object has one key twice.
    pub const DUPLICATE_FIELD: &str = "DUPLICATE_FIELD";
    /// A `${placeholder}` that nothing has filled.
    pub const UNFILLED_PLACEHOLDER: &str = "UNFILLED_PLACEHOLDER";
    /// Accepted by AWS, and hardly what was meant.
    pub const SUSPICIOUS_VALUE: &str = "SUSPICIOUS_VALUE";
}

/// How many faults a refusal names.
const MAX_REPORTED: usize = 100;

/// All findings of one definition.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// In the order of the definition.
    pub findings: Vec<Finding>,
    pub(super) positions: HashMap<String, Position>,
}

impl Report {
    /// Whether nothing refuses the definition.
    pub fn is_valid(&self) -> bool {
        self.errors().next().is_none()
    }

    /// The findings that refuse it.
    pub fn errors(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.severity == Severity::Error)
    }

    /// The message of AWS's `InvalidDefinition`, if the definition is refused. What only this engine lacks is
    /// named if AWS would accept the definition.
    pub fn refusal(&self) -> Option<String> {
        let is_of_aws = |finding: &&Finding| finding.code != code::NOT_SUPPORTED_HERE;
        let aws_refuses = self.errors().any(|finding| is_of_aws(&finding));
        let faults: Vec<String> = self
            .errors()
            .filter(|finding| !aws_refuses || is_of_aws(finding))
            .take(MAX_REPORTED)
            .map(|finding| {
                let location = finding.location.as_deref().unwrap_or("null");
                format!("{}: {} at {location}", finding.code, finding.message)
            })
            .collect();
        (!faults.is_empty()).then(|| format!("Invalid State Machine Definition: '{}'", faults.join(", ")))
    }

    /// One line for each finding, for a terminal or a CI log: `FILE:LINE:COLUMN: ERROR CODE: MESSAGE (LOCATION)`.
    pub fn lint_text(&self, file: &str) -> String {
        let mut text = String::new();
        for finding in &self.findings {
            text.push_str(file);
            if let Some(position) = finding.location.as_deref().and_then(|location| self.position(location)) {
                let _ = write!(text, ":{}:{}", position.line, position.column);
            }
            let message = finding.message.replace('\n', " ");
            let _ = write!(text, ": {} {}: {message}", finding.severity.as_str(), finding.code);
            match &finding.location {
                Some(location) if location.starts_with('/') => {
                    let _ = writeln!(text, " ({location})");
                }
                _ => text.push('\n'),
            }
        }
        text
    }

    /// The line and the column of a finding, from 1; of the nearest value around it where it has none of its own.
    pub fn line_and_column(&self, finding: &Finding) -> Option<(usize, usize)> {
        let position = self.position(finding.location.as_deref()?)?;
        Some((position.line, position.column))
    }

    /// The position of a location, or of the nearest one around it.
    fn position(&self, location: &str) -> Option<Position> {
        let mut location = location;
        loop {
            if let Some(position) = self.positions.get(location) {
                return Some(*position);
            }
            let end = location.rfind(['/', '['])?;
            location = &location[..end];
        }
    }
}
