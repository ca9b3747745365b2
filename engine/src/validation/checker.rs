//! [`Checker`]: the findings, and what all checks know of the machine around.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Finding, Options, Severity, code};
use crate::fields::Language;

/// Checks a definition and collects its faults.
pub(super) struct Checker<'a> {
    pub(super) options: &'a Options<'a>,
    /// The language of the whole machine.
    pub(super) language: Language,
    /// How many machines are around the one that is checked.
    pub(super) depth: usize,
    pub(super) state_names: HashSet<Arc<str>>,
    pub(super) labels: HashSet<Arc<str>>,
    findings: Vec<Finding>,
}

impl<'a> Checker<'a> {
    pub(super) fn new(options: &'a Options<'a>) -> Checker<'a> {
        Checker {
            options,
            language: Language::JsonPath,
            depth: 0,
            state_names: HashSet::new(),
            labels: HashSet::new(),
            findings: Vec::new(),
        }
    }

    pub(super) fn into_findings(self) -> Vec<Finding> {
        self.findings
    }

    fn push(&mut self, severity: Severity, code: &'static str, location: Option<&str>, message: String) {
        self.findings.push(Finding { severity, code, message, location: location.map(str::to_owned) });
    }

    /// A fault in the most common class.
    pub(super) fn schema(&mut self, location: &str, message: impl Into<String>) {
        self.error(code::SCHEMA_VALIDATION_FAILED, location, message);
    }

    pub(super) fn error(&mut self, code: &'static str, location: &str, message: impl Into<String>) {
        self.push(Severity::Error, code, Some(location), message.into());
    }

    pub(super) fn error_nowhere(&mut self, code: &'static str, message: impl Into<String>) {
        self.push(Severity::Error, code, None, message.into());
    }

    pub(super) fn warn(&mut self, code: &'static str, location: &str, message: impl Into<String>) {
        self.push(Severity::Warning, code, Some(location), message.into());
    }

    /// AWS has it, and the engine or its host has not.
    pub(super) fn unsupported(&mut self, location: &str, message: impl Into<String>) {
        self.push(self.options.unsupported, code::NOT_SUPPORTED_HERE, Some(location), message.into());
    }

    /// Whether there is an error at exactly this location.
    pub(super) fn has_error_at(&self, location: &str) -> bool {
        let refused = |finding: &Finding| {
            finding.severity == Severity::Error && finding.location.as_deref() == Some(location)
        };
        self.findings.iter().any(refused)
    }
}
