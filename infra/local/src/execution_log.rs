//! The log of executions whose state machine has a `loggingConfiguration`: to the terminal and to a file, a JSON object in
//! each line, as Step Functions sends them to CloudWatch.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use asl_engine::{ExecutionLog, LogEntry};

use crate::StartError;

/// Logs executions.
pub(crate) struct Log {
    file: Option<Mutex<File>>,
}

impl Log {
    /// A log to the terminal, and to the end of this file if there is one.
    pub(crate) fn open(path: Option<&Path>) -> Result<Log, StartError> {
        let file = match path {
            None => None,
            Some(path) => {
                let opened = File::options().create(true).append(true).open(path);
                let file = opened.map_err(|error| StartError::SetUp {
                    what: format!("the execution log {}", path.display()),
                    reason: error.to_string(),
                })?;
                Some(Mutex::new(file))
            }
        };
        Ok(Log { file })
    }
}

impl ExecutionLog for Log {
    fn log(&self, entry: LogEntry<'_>) {
        tracing::info!(target: "execution_log", group = entry.log_group_arn, "{}", entry.line);
        let Some(file) = &self.file else { return };
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = file.write_all(format!("{}\n", entry.line).as_bytes()) {
            tracing::warn!(%error, "the execution log cannot be written");
        }
    }
}
