//! `lint`: what is wrong with state machine definitions, one line for each finding.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use asl_engine::validation::{Options, validate};

/// Lints the files. Exits with 1 if AWS would refuse one of them, with 2 if one cannot be read.
pub(crate) fn run(files: &[PathBuf], out: &mut impl Write) -> ExitCode {
    let (mut refused, mut unread) = (false, false);
    for file in files {
        match std::fs::read_to_string(file) {
            Ok(definition) => {
                let report = validate(&definition, &Options::standard());
                refused |= !report.is_valid();
                if out.write_all(report.lint_text(&file.display().to_string()).as_bytes()).is_err() {
                    return ExitCode::from(2);
                }
            }
            Err(error) => {
                unread = true;
                let _ = writeln!(io::stderr(), "local-stack: cannot read {}: {error}", file.display());
            }
        }
    }
    match (unread, refused) {
        (true, _) => ExitCode::from(2),
        (false, true) => ExitCode::FAILURE,
        (false, false) => ExitCode::SUCCESS,
    }
}
