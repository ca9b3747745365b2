//! Everything that is wrong with a definition, at once.
//!
//! [`validate`] reads the text of a definition and reports all faults, each with AWS's code, AWS's message where it is
//! known, and its location. What AWS refuses is an error. What AWS accepts, though it can hardly be meant,
//! is a warning, and so is what AWS has and this engine has not, unless the caller wants that refused.
//!
//! In reading order: `syntax` (the text), `machine` (the outer fields and the nesting), `state` with its tables
//! of fields, `value` (what a field may hold; `path`, `template` and `jsonata` look into it), `choice`, `retry`, `map`,
//! `task` with `integrations`, `graph` (what leads where) and `variables` (who sees whose). `models` holds what is known of AWS's APIs.

pub(crate) mod answers;
mod checker;
mod choice;
mod graph;
mod integrations;
mod jsonata;
mod machine;
mod map;
pub(crate) mod models;
mod path;
mod report;
mod retry;
mod state;
mod syntax;
mod task;
mod template;
mod value;
mod variables;

pub use report::{Finding, Report, Severity, code};
pub use syntax::Position;

use crate::data::Json;
use crate::model::MachineType;
use checker::Checker;

/// The longest definition that is read, in characters.
pub const MAX_DEFINITION_LENGTH: usize = 1_048_576;

/// Whether a host can do an action of a service.
pub type Supports<'a> = &'a dyn Fn(&str, &str) -> bool;

/// What can be done where a host cannot do an action of a service: the end of a sentence.
pub type Advice<'a> = &'a dyn Fn(&str, &str) -> String;

/// How a definition is to be looked at.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Express machines may not do all that standard ones may.
    pub machine_type: MachineType,
    /// Whether the host can do this action of this service, as [`crate::Invoker::supports`] returns it.
    /// `None`: whatever AWS can do.
    pub supports: Option<Supports<'a>>,
    /// What can be done where it cannot, as [`crate::Invoker::advice`] returns it.
    pub advice: Option<Advice<'a>>,
    /// What it means that the engine or its host cannot do what AWS can.
    pub unsupported: Severity,
}

impl Options<'_> {
    /// For a standard machine on a host that can do all that AWS can.
    pub fn standard() -> Options<'static> {
        Options {
            machine_type: MachineType::Standard,
            supports: None,
            advice: None,
            unsupported: Severity::Warning,
        }
    }
}

const NOT_AN_OBJECT: &str = "Definition must be a valid JSON object";

/// Finds all faults of a definition.
pub fn validate(definition: &str, options: &Options<'_>) -> Report {
    let (mut report, parsed) = read(definition);
    if let Some(machine) = parsed {
        let mut checker = Checker::new(options);
        checker.machine(&machine);
        report.findings.extend(checker.into_findings());
    }
    report
}

/// Finds all faults of the definition of a single state without a machine: its transitions may lead anywhere.
pub fn validate_state(definition: &str, options: &Options<'_>) -> Report {
    let (mut report, parsed) = read(definition);
    if let Some(state) = parsed {
        let mut checker = Checker::new(options);
        checker.lone_state(&state);
        report.findings.extend(checker.into_findings());
    }
    report
}

/// The value of the text, and the faults of the text itself.
fn read(definition: &str) -> (Report, Option<Json>) {
    let mut report = Report::default();
    let mut refuse = |code, message: String, location| {
        report.findings.push(Finding { severity: Severity::Error, code, message, location });
    };
    if definition.chars().count() > MAX_DEFINITION_LENGTH {
        refuse(
            code::SCHEMA_VALIDATION_FAILED,
            format!("Definition length exceeds the maximum of {MAX_DEFINITION_LENGTH} characters"),
            None,
        );
        return (report, None);
    }
    if definition.trim().is_empty() {
        refuse(code::SCHEMA_VALIDATION_FAILED, NOT_AN_OBJECT.to_owned(), None);
        return (report, None);
    }
    let outline = match syntax::scan(definition) {
        Ok(outline) => outline,
        Err(fault) => {
            let message = format!("{}\n at {}", fault.message, fault.source);
            refuse(code::INVALID_JSON_DESCRIPTION, message, Some(fault.source));
            return (report, None);
        }
    };
    let machine = match Json::parse(definition) {
        Ok(machine) if machine.is_object() => machine,
        Ok(_) => {
            refuse(code::SCHEMA_VALIDATION_FAILED, NOT_AN_OBJECT.to_owned(), None);
            return (report, None);
        }
        Err(error) => {
            let source = format!("[Source: (String); line: {}, column: {}]", error.line, error.column);
            refuse(code::INVALID_JSON_DESCRIPTION, format!("{}\n at {source}", error.message), Some(source));
            return (report, None);
        }
    };
    for location in outline.duplicates {
        let finding = duplicate(location);
        report.findings.push(finding);
    }
    report.positions = outline.positions;
    (report, Some(machine))
}

/// A duplicate key: AWS refuses it where it is the name of a state, and takes the last one elsewhere.
fn duplicate(location: String) -> Finding {
    let (parent, name) = location.rsplit_once('/').unwrap_or(("", &location));
    if parent.ends_with("/States") {
        return Finding {
            severity: Severity::Error,
            code: code::DUPLICATE_STATE_NAME,
            message: format!("Duplicate State name: {name}"),
            location: Some(location),
        };
    }
    Finding {
        severity: Severity::Warning,
        code: code::DUPLICATE_FIELD,
        message: format!("Field '{name}' is given twice, and the last one counts"),
        location: Some(location),
    }
}

/// Why a text is not JSON, in the words of AWS's parser.
pub(crate) fn json_fault(text: &str) -> Option<String> {
    syntax::scan(text).err().map(|fault| format!("{}\n at {}", fault.message, fault.source))
}
