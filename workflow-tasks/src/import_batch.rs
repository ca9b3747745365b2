//! Imports one batch of an uploaded list. It may run any number of times: people are stored once, and who was stored by an earlier
//! run is counted as that run found them.

use lottery::{EmailThrough, Field, Lottery, Record};
use lottery_store::{BatchCounts, Import, ImportMode, ImportState, Recorded, Upload};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tracing::Span;

use crate::batch::{self, BatchLine, batch_key, outcome_key};
use crate::upload::{UploadInput, lottery_of, settings};
use crate::{TaskContext, TaskError, TaskInput};

/// The upload, and the number of the batch.
#[derive(Debug, Deserialize)]
pub struct BatchInput {
    /// The upload.
    #[serde(flatten)]
    pub upload: UploadInput,
    /// The batch.
    pub batch: u32,
}

impl TaskInput for BatchInput {
    fn span(&self) -> Span {
        self.upload.span()
    }
}

/// What it leaves to the state machine: nothing. What came of the batch is stored.
#[derive(Debug, Serialize)]
pub struct Imported {}

/// Imports the batch.
pub async fn handle(cx: &TaskContext, input: BatchInput) -> Result<Imported, TaskError> {
    let upload = input.upload.upload(cx).await?;
    let lottery = lottery_of(cx, &upload).await?;
    let objects = cx.lists()?;
    let file = objects.read(&batch_key(&upload.upload_id, input.batch)).await?;
    let mut batch = Importing {
        cx,
        lottery: &lottery,
        target: target(cx, &upload).await?,
        is_strict: settings(&upload)?.strict,
        counts: BatchCounts::default(),
        outcome: Vec::new(),
    };
    batch.import(batch::read(&file)?).await?;
    let Importing { counts, mut outcome, .. } = batch;
    if !outcome.is_empty() {
        outcome.sort_by_key(|remark| remark["line"].as_u64());
        let lines = outcome.iter().flat_map(|remark| format!("{remark}\n").into_bytes());
        objects.put(&outcome_key(&upload.upload_id, input.batch), lines.collect()).await?;
    }
    cx.store.put_upload_batch(&upload, input.batch, counts).await?;
    Ok(Imported {})
}

/// To what the people of a batch are added.
enum Target {
    Import(Import),
    /// Another list that adds people has begun meanwhile: these are taken like edits.
    Superseded,
}

async fn target(cx: &TaskContext, upload: &Upload) -> Result<Target, TaskError> {
    let last = cx.store.last_import(&upload.lottery_id).await?.ok_or(TaskError::ImportOver)?;
    let number = upload.import.ok_or(TaskError::ImportOver)?;
    match last.state {
        ImportState::Running if last.number == number => Ok(Target::Import(last)),
        _ if last.number > number && upload.mode == ImportMode::Merge => Ok(Target::Superseded),
        _ => Err(TaskError::ImportOver),
    }
}

struct Importing<'a> {
    cx: &'a TaskContext,
    lottery: &'a Lottery,
    target: Target,
    is_strict: bool,
    counts: BatchCounts,
    /// What is said of lines.
    outcome: Vec<Value>,
}

impl Importing<'_> {
    async fn import(&mut self, lines: Vec<BatchLine>) -> Result<(), TaskError> {
        let (mut people, mut kept) = (Vec::new(), Vec::new());
        for line in lines {
            match line {
                BatchLine::Person { line, record } => people.push((line, batch::record(record)?)),
                BatchLine::Warning { remark } => self.warn(remark),
                BatchLine::Refused { participant_id, remark } => {
                    kept.extend(participant_id.and_then(|id| lottery::ParticipantId::parse(&id).ok()));
                    self.refuse(remark);
                }
            }
        }
        if let Target::Import(import) = &self.target {
            self.cx.store.keep_on_list(import, &kept, self.cx.clock.now()).await?;
        }
        if self.lottery.email_through == EmailThrough::Sns {
            self.leave_out_emails(&mut people);
        }
        // Once more for each address that belongs to another participant.
        while !people.is_empty() {
            people = self.take(people).await?;
        }
        Ok(())
    }

    /// Takes people, and returns those that are to be taken without an address.
    async fn take(&mut self, people: Vec<(u64, Record)>) -> Result<Vec<(u64, Record)>, TaskError> {
        let records: Vec<Record> = people.iter().map(|(_, record)| record.clone()).collect();
        let (store, now) = (&self.cx.store, self.cx.clock.now());
        let (recorded, written) = match &self.target {
            Target::Import(import) => {
                let recorded = store.import_records(import, &records, now).await?;
                let recorded = recorded.ok_or(TaskError::ImportOver)?;
                let written = match recorded.iter().any(|it| matches!(it, Recorded::Unchanged { .. })) {
                    true => store.written_by_import(import, &records).await?,
                    false => vec![None; records.len()],
                };
                (recorded, written)
            }
            Target::Superseded => {
                (store.put_records(&self.lottery.lottery_id, &records, now).await?, vec![None; records.len()])
            }
        };
        let mut again = Vec::new();
        for (((line, mut record), recorded), written) in people.into_iter().zip(recorded).zip(written) {
            match (recorded, written) {
                (Recorded::New { .. }, _) | (Recorded::Unchanged { .. }, Some(true)) => self.counts.new += 1,
                // No address that has a subscription is changed: where there are any, addresses are left out.
                (Recorded::Changed { .. }, _) | (Recorded::Unchanged { .. }, Some(false)) => {
                    self.counts.changed += 1;
                }
                (Recorded::Unchanged { .. }, None) => self.counts.unchanged += 1,
                (Recorded::NameMissing, _) => self.refuse(remark(line, "name", &lottery::Refusal::Missing)),
                (Recorded::AddressTaken { field }, _) if self.is_strict => {
                    self.refuse(remark(line, field, &BatchRemark::AddressTaken));
                }
                (Recorded::AddressTaken { field }, _) => {
                    self.warn(remark(line, field, &BatchRemark::AddressTaken));
                    match field {
                        "phone" => record.phone = Field::Absent,
                        _ => record.email = Field::Absent,
                    }
                    again.push((line, record));
                }
            }
        }
        Ok(again)
    }

    /// SNS has room for so few addresses that a big list does not subscribe any: the addresses are left as they are stored.
    fn leave_out_emails(&mut self, people: &mut [(u64, Record)]) {
        for (line, record) in people {
            if std::mem::take(&mut record.email) != Field::Absent {
                self.warn(remark(*line, "email", &BatchRemark::EmailThroughSns));
            }
        }
    }

    fn refuse(&mut self, mut remark: Value) {
        self.counts.refused += 1;
        remark["refused"] = json!(true);
        self.outcome.push(remark);
    }

    fn warn(&mut self, mut remark: Value) {
        self.counts.warnings += 1;
        remark["refused"] = json!(false);
        self.outcome.push(remark);
    }
}

lottery::refusals! {
    /// What is said of an address of a line.
    pub enum BatchRemark {
        #[error("belongs to another participant of this lottery")]
        /// The address is another participant's.
        AddressTaken,
        #[error(
            "is left out: a big list takes no e-mail addresses into a lottery whose e-mails go through SNS, which reaches few of \
             them; use a lottery with SES v2 (`email_through: \"ses\"`)"
        )]
        /// E-mails of the lottery go through SNS.
        EmailThroughSns,
    }
}

fn remark<R: Serialize + std::fmt::Display>(line: u64, column: &str, why: &R) -> Value {
    let said = json!(why);
    let parameters = said.get("parameters").cloned().unwrap_or_else(|| json!({}));
    json!({"line": line, "column": column, "reason": why.to_string(), "code": said["code"], "parameters": parameters})
}
