//! `ResultWriter`: the results of a map run, from the stored children, as files of an object store or as the state's own.

use std::sync::Arc;

use super::active::ActiveExecution;
use super::{Call, Inner};
use crate::data::{Json, timestamp};
use crate::execution::{ChildStart, Command, Export};
use crate::model::ExecutionStatus;
use crate::state::{Transformation, WriteRequest};
use crate::store::{ExecutionRow, key_of};

/// How much a file holds before the next one begins.
///
/// DIFFERENCE: on AWS files have up to 5 GB.
const MAX_FILE: usize = 16 * 1024 * 1024;

/// How many children are read at once.
const PAGE: usize = 500;

/// The files of one status.
struct Files {
    name: &'static str,
    lines: bool,
    buffer: String,
    /// `Key` and `Size` of those that are written.
    written: Vec<Json>,
}

impl Inner {
    /// Writes the results of a map run, and applies the state's own result.
    pub(super) fn write_results(self: &Arc<Inner>, active: &Arc<ActiveExecution>, export: Export) {
        let (engine, active) = (Arc::clone(self), Arc::clone(active));
        self.runtime.spawn(async move {
            let run = export.run;
            let result = engine.export(&active, &export).await.map_err(Into::into);
            engine.apply(&active, Command::ResultsWritten { run, result }).await;
        });
    }

    async fn export(&self, active: &ActiveExecution, export: &Export) -> Result<Json, String> {
        let Export { map_run_arn, request, pending, closed, .. } = export;
        let mut writer = Writer::new(self, active, export);
        let (mut after, mut found) = (0, 0);
        loop {
            let mut rows = self
                .store
                .children_of(key_of(map_run_arn.as_bytes()), after, PAGE)
                .map_err(|error| error.to_string())?;
            let Some(last) = rows.last() else { break };
            after = last.number;
            rows.sort_by_key(|row| {
                row.identity.as_ref().ok().and_then(|it| Some(it.map_child.as_ref()?.index))
            });
            for row in rows {
                found += u64::from(row.outcome.is_some());
                writer.add_child(&row).await?;
            }
        }
        if found < *closed {
            return Err(format!(
                "{closed} child executions have ended, and {found} are still known: an engine in memory forgets the oldest ones"
            ));
        }
        for child in pending {
            writer.add_pending(child).await?;
        }
        writer.finish(request, map_run_arn).await
    }
}

/// The results under way to where they go.
struct Writer<'a> {
    engine: &'a Inner,
    active: &'a ActiveExecution,
    request: &'a WriteRequest,
    /// What the keys of all files begin with.
    folder: String,
    files: [Files; 3],
    /// The results where they are the state's own.
    own: Vec<Json>,
}

const FAILED: usize = 0;
const PENDING: usize = 1;
const SUCCEEDED: usize = 2;

impl<'a> Writer<'a> {
    fn new(engine: &'a Inner, active: &'a ActiveExecution, export: &'a Export) -> Writer<'a> {
        let id = export.map_run_arn.rsplit(':').next().unwrap_or_default();
        let prefix = export.request.target.as_ref().and_then(|target| target.get("Prefix")?.as_str());
        let folder = match prefix.map(|prefix| prefix.trim_end_matches('/')) {
            None | Some("") => format!("{id}/"),
            Some(prefix) => format!("{prefix}/{id}/"),
        };
        let lines = export.request.lines;
        let files = ["FAILED", "PENDING", "SUCCEEDED"].map(|name| Files {
            name,
            lines,
            buffer: String::new(),
            written: Vec::new(),
        });
        Writer { engine, active, request: &export.request, folder, files, own: Vec::new() }
    }

    async fn add_child(&mut self, row: &ExecutionRow) -> Result<(), String> {
        let status = row.status();
        let output = row.outcome.as_ref().and_then(|outcome| outcome.output.as_ref());
        match (status, self.request.transformation, output) {
            (ExecutionStatus::Succeeded, Transformation::Compact, Some(output)) => {
                self.add(SUCCEEDED, output.clone()).await
            }
            (ExecutionStatus::Succeeded, Transformation::Flatten, Some(output)) => match output.as_array() {
                None => self.add(SUCCEEDED, output.clone()).await,
                Some(items) => {
                    for item in items {
                        self.add(SUCCEEDED, item.clone()).await?;
                    }
                    Ok(())
                }
            },
            (ExecutionStatus::Succeeded, _, _) => self.add(SUCCEEDED, described(row)).await,
            _ => self.add(FAILED, described(row)).await,
        }
    }

    async fn add_pending(&mut self, child: &ChildStart) -> Result<(), String> {
        let input = Json::string(child.input.verbatim());
        let included = Json::object([("Included", Json::from(true))]);
        let entry = [
            ("ExecutionArn", Json::String(Arc::clone(&child.arn))),
            ("Input", input),
            ("InputDetails", included),
            ("Name", Json::String(Arc::clone(&child.name))),
            ("Status", Json::string("PENDING")),
        ];
        self.add(PENDING, Json::object(entry)).await
    }

    async fn add(&mut self, kind: usize, entry: Json) -> Result<(), String> {
        if self.request.target.is_none() {
            self.own.push(entry);
            return Ok(());
        }
        let files = &mut self.files[kind];
        if files.lines {
            entry.write_text(&mut files.buffer);
            files.buffer.push('\n');
        } else {
            files.buffer.push(if files.buffer.is_empty() { '[' } else { ',' });
            entry.write_text(&mut files.buffer);
        }
        if files.buffer.len() >= MAX_FILE { self.flush(kind).await } else { Ok(()) }
    }

    async fn flush(&mut self, kind: usize) -> Result<(), String> {
        let files = &mut self.files[kind];
        if files.buffer.is_empty() {
            return Ok(());
        }
        let mut text = std::mem::take(&mut files.buffer);
        if !files.lines {
            text.push(']');
        }
        let end = if files.lines { "jsonl" } else { "json" };
        let key = format!("{}{}_{}.{end}", self.folder, files.name, files.written.len());
        let size = text.len() as u64;
        self.put(&key, text).await?;
        let entry = Json::object([("Key", Json::from(key)), ("Size", Json::from(size))]);
        self.files[kind].written.push(entry);
        Ok(())
    }

    async fn put(&self, key: &str, text: String) -> Result<(), String> {
        let mut parameters =
            self.request.target.as_ref().and_then(Json::as_object).cloned().unwrap_or_default();
        parameters.remove("Prefix");
        parameters.insert("Key", Json::string(key));
        parameters.insert("Body", Json::from(text));
        let call = Call {
            service: "s3".to_owned(),
            action: "putObject".to_owned(),
            parameters: Json::from(parameters),
            execution_arn: self.active.identity.arn.to_string(),
            timeout: None,
        };
        self.engine.invoke(call).await.map(drop).map_err(|failure| failure.cause)
    }

    async fn finish(mut self, request: &WriteRequest, map_run_arn: &Arc<str>) -> Result<Json, String> {
        let Some(target) = &request.target else { return Ok(Json::array(self.own)) };
        for kind in [FAILED, PENDING, SUCCEEDED] {
            self.flush(kind).await?;
        }
        let bucket = target.get("Bucket").cloned().unwrap_or_default();
        let files = self.files.iter().map(|files| (files.name, Json::array(files.written.iter().cloned())));
        let manifest = Json::object([
            ("DestinationBucket", bucket.clone()),
            ("MapRunArn", Json::String(Arc::clone(map_run_arn))),
            ("ResultFiles", Json::object(files)),
        ]);
        let key = format!("{}manifest.json", self.folder);
        self.put(&key, manifest.to_text()).await?;
        Ok(Json::object([
            ("MapRunArn", Json::String(Arc::clone(map_run_arn))),
            ("ResultWriterDetails", Json::object([("Bucket", bucket), ("Key", Json::from(key))])),
        ]))
    }
}

/// A child execution with its metadata.
fn described(row: &ExecutionRow) -> Json {
    let Ok(identity) = &row.identity else { return Json::Null };
    let included = || Json::object([("Included", Json::from(true))]);
    let status = match row.status() {
        // It is being stopped.
        ExecutionStatus::Running => ExecutionStatus::Aborted,
        status => status,
    };
    let mut entry = crate::data::Object::with_capacity(14);
    let mut insert = |name: &'static str, value: Json| entry.insert(name, value);
    let outcome = row.outcome.as_ref();
    if let Some(cause) = outcome.and_then(|outcome| outcome.cause.as_ref()) {
        insert("Cause", Json::String(Arc::clone(cause)));
    }
    if let Some(error) = outcome.and_then(|outcome| outcome.error.as_ref()) {
        insert("Error", Json::String(Arc::clone(error)));
    }
    insert("ExecutionArn", Json::String(Arc::clone(&identity.arn)));
    insert("Input", Json::string(identity.input.verbatim()));
    insert("InputDetails", included());
    insert("Name", Json::String(Arc::clone(&identity.name)));
    if let Some(output) = outcome.and_then(|outcome| outcome.output.as_ref()) {
        insert("Output", Json::string(output.verbatim()));
        insert("OutputDetails", included());
    }
    insert("RedriveCount", Json::from(u64::from(row.redrives)));
    if status == ExecutionStatus::Succeeded {
        insert("RedriveStatus", Json::string("NOT_REDRIVABLE"));
        insert("RedriveStatusReason", Json::string("Execution is SUCCEEDED and cannot be redriven"));
    } else {
        insert("RedriveStatus", Json::string("REDRIVABLE_BY_MAP_RUN"));
    }
    insert("StartDate", timestamp::from_millis(identity.start));
    let label = identity.arn.split('/').nth(1).and_then(|rest| rest.split(':').next()).unwrap_or_default();
    insert("StateMachineArn", Json::from(format!("{}/{label}", identity.state_machine_arn)));
    insert("Status", Json::string(status.as_str()));
    if let Some(stop) = row.stop {
        insert("StopDate", timestamp::from_millis(stop));
    }
    Json::from(entry)
}
