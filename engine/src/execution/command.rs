//! [`Command`]: what is applied to an execution. The stored commands are enough to rebuild it.

use std::sync::Arc;

use crate::data::Json;
use crate::history::{Decoder, Encoder, Malformed};
use crate::model::{ExecutionStatus, MapRunChange, TaskFailure};
use crate::state::MapItem;

/// One input of an execution.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Command {
    /// Start.
    Start,
    /// Continue after a record that was full.
    Continue,
    /// A timer of the execution is due.
    Tick,
    /// A task returned; for a task with a token or a job, its submission did.
    TaskReturned { task: u64, result: Result<Json, TaskFailure> },
    /// A worker took an activity's task.
    TaskTaken { task: u64, worker: Option<Arc<str>> },
    /// A worker or a callback reported that its task is still under way.
    TaskHeartbeat { task: u64 },
    /// A worker, a callback or the end of a job reported the result of a task.
    TaskReported { task: u64, report: Result<Json, Reported> },
    /// A child of a Distributed Map ended.
    ChildClosed { run: u64, index: u64, outcome: Outcome },
    /// A page of the items of a map run was read; the error is a cause.
    ItemsRead { run: u64, page: u64, result: Result<Page, Arc<str>> },
    /// The results of a map run were written, which gives the result of its state; the error is a cause.
    ResultsWritten { run: u64, result: Result<Json, Arc<str>> },
    /// Stop.
    Stop { error: Option<Arc<str>>, cause: Option<Arc<str>> },
    /// Redrive.
    Redrive,
    /// Change the limits of a map run under way.
    UpdateMapRun { arn: Arc<str>, change: MapRunChange },
    /// Fail: something in the engine itself went wrong.
    InternalError { cause: Arc<str> },
}

/// Items that were read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Page {
    pub(crate) items: Vec<MapItem>,
    /// Where the next page begins, as the reader writes it.
    pub(crate) position: Json,
    pub(crate) is_last: bool,
}

/// A reported failure; either string may be missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reported {
    pub(crate) error: Option<Arc<str>>,
    pub(crate) cause: Option<Arc<str>>,
}

/// How an execution ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) status: ExecutionStatus,
    pub(crate) output: Option<Json>,
    pub(crate) error: Option<Arc<str>>,
    pub(crate) cause: Option<Arc<str>>,
}

impl Command {
    /// The bytes of the data that it brings.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Command::TaskReturned { result: Ok(json), .. }
            | Command::TaskReported { report: Ok(json), .. } => json.serialized_len(),
            Command::ItemsRead { result: Ok(page), .. } => {
                page.items.iter().map(|item| item.value.serialized_len()).sum()
            }
            Command::ChildClosed { outcome, .. } => outcome.output.as_ref().map_or(0, Json::serialized_len),
            _ => 0,
        }
    }

    pub(crate) fn encode<'a>(&'a self, encoder: &mut Encoder<'a>) {
        match self {
            Command::Start => encoder.byte(0),
            Command::Continue => encoder.byte(1),
            Command::Tick => encoder.byte(2),
            Command::TaskReturned { task, result } => {
                encoder.byte(3);
                encoder.number(*task);
                match result {
                    Ok(json) => {
                        encoder.byte(1);
                        encoder.json(json);
                    }
                    Err(failure) => {
                        encoder.byte(0);
                        encoder.text(&failure.error);
                        encoder.text(&failure.cause);
                    }
                }
            }
            Command::TaskTaken { task, worker } => {
                encoder.byte(4);
                encoder.number(*task);
                encoder.option(worker.as_ref(), |encoder, worker| encoder.shared_text(worker));
            }
            Command::TaskHeartbeat { task } => {
                encoder.byte(5);
                encoder.number(*task);
            }
            Command::TaskReported { task, report } => {
                encoder.byte(6);
                encoder.number(*task);
                match report {
                    Ok(json) => {
                        encoder.byte(1);
                        encoder.json(json);
                    }
                    Err(reported) => {
                        encoder.byte(0);
                        encoder.option(reported.error.as_ref(), |encoder, text| encoder.shared_text(text));
                        encoder.option(reported.cause.as_ref(), |encoder, text| encoder.shared_text(text));
                    }
                }
            }
            Command::ChildClosed { run, index, outcome } => {
                encoder.byte(7);
                encoder.number(*run);
                encoder.number(*index);
                outcome.encode(encoder);
            }
            Command::Stop { error, cause } => {
                encoder.byte(8);
                encoder.option(error.as_ref(), |encoder, text| encoder.shared_text(text));
                encoder.option(cause.as_ref(), |encoder, text| encoder.shared_text(text));
            }
            Command::Redrive => encoder.byte(9),
            Command::InternalError { cause } => {
                encoder.byte(10);
                encoder.shared_text(cause);
            }
            Command::ItemsRead { run, page, result } => {
                encoder.byte(12);
                encoder.number(*run);
                encoder.number(*page);
                match result {
                    Ok(page) => {
                        encoder.byte(1);
                        page.encode(encoder);
                    }
                    Err(cause) => {
                        encoder.byte(0);
                        encoder.shared_text(cause);
                    }
                }
            }
            Command::ResultsWritten { run, result } => {
                encoder.byte(13);
                encoder.number(*run);
                match result {
                    Ok(json) => {
                        encoder.byte(1);
                        encoder.json(json);
                    }
                    Err(cause) => {
                        encoder.byte(0);
                        encoder.shared_text(cause);
                    }
                }
            }
            Command::UpdateMapRun { arn, change } => {
                encoder.byte(11);
                encoder.shared_text(arn);
                encoder.option(change.max_concurrency.as_ref(), |encoder, number| encoder.number(*number));
                encoder.option(change.tolerated_failure_count.as_ref(), |encoder, number| {
                    encoder.number(*number);
                });
                encoder.option(change.tolerated_failure_percentage.as_ref(), |encoder, percentage| {
                    encoder.number(percentage.to_bits());
                });
            }
        }
    }

    pub(crate) fn decode(decoder: &mut Decoder<'_>) -> Result<Command, Malformed> {
        Ok(match decoder.byte()? {
            0 => Command::Start,
            1 => Command::Continue,
            2 => Command::Tick,
            3 => {
                let task = decoder.number()?;
                let result = match decoder.byte()? {
                    1 => Ok(decoder.json()?),
                    0 => Err(TaskFailure {
                        error: decoder.text()?.to_owned(),
                        cause: decoder.text()?.to_owned(),
                    }),
                    _ => return Err(Malformed),
                };
                Command::TaskReturned { task, result }
            }
            4 => {
                Command::TaskTaken { task: decoder.number()?, worker: decoder.option(Decoder::shared_text)? }
            }
            5 => Command::TaskHeartbeat { task: decoder.number()? },
            6 => {
                let task = decoder.number()?;
                let report = match decoder.byte()? {
                    1 => Ok(decoder.json()?),
                    0 => Err(Reported {
                        error: decoder.option(Decoder::shared_text)?,
                        cause: decoder.option(Decoder::shared_text)?,
                    }),
                    _ => return Err(Malformed),
                };
                Command::TaskReported { task, report }
            }
            7 => Command::ChildClosed {
                run: decoder.number()?,
                index: decoder.number()?,
                outcome: Outcome::decode(decoder)?,
            },
            8 => Command::Stop {
                error: decoder.option(Decoder::shared_text)?,
                cause: decoder.option(Decoder::shared_text)?,
            },
            9 => Command::Redrive,
            10 => Command::InternalError { cause: decoder.shared_text()? },
            11 => Command::UpdateMapRun {
                arn: decoder.shared_text()?,
                change: MapRunChange {
                    max_concurrency: decoder.option(Decoder::number)?,
                    tolerated_failure_count: decoder.option(Decoder::number)?,
                    tolerated_failure_percentage: decoder
                        .option(|decoder| decoder.number().map(f64::from_bits))?,
                },
            },
            12 => Command::ItemsRead {
                run: decoder.number()?,
                page: decoder.number()?,
                result: match decoder.byte()? {
                    1 => Ok(Page::decode(decoder)?),
                    0 => Err(decoder.shared_text()?),
                    _ => return Err(Malformed),
                },
            },
            13 => Command::ResultsWritten {
                run: decoder.number()?,
                result: match decoder.byte()? {
                    1 => Ok(decoder.json()?),
                    0 => Err(decoder.shared_text()?),
                    _ => return Err(Malformed),
                },
            },
            _ => return Err(Malformed),
        })
    }
}

impl Page {
    fn encode<'a>(&'a self, encoder: &mut Encoder<'a>) {
        encoder.number(self.items.len() as u64);
        for item in &self.items {
            encoder.option(item.key.as_ref(), |encoder, key| encoder.shared_text(key));
            encoder.json(&item.value);
        }
        encoder.json(&self.position);
        encoder.byte(u8::from(self.is_last));
    }

    fn decode(decoder: &mut Decoder<'_>) -> Result<Page, Malformed> {
        let count = decoder.number()?;
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(MapItem { key: decoder.option(Decoder::shared_text)?, value: decoder.json()? });
        }
        Ok(Page { items, position: decoder.json()?, is_last: decoder.byte()? == 1 })
    }
}

impl Outcome {
    pub(crate) fn encode<'a>(&'a self, encoder: &mut Encoder<'a>) {
        encoder.byte(match self.status {
            ExecutionStatus::Running => 0,
            ExecutionStatus::Succeeded => 1,
            ExecutionStatus::Failed => 2,
            ExecutionStatus::TimedOut => 3,
            ExecutionStatus::Aborted => 4,
            ExecutionStatus::PendingRedrive => 5,
        });
        encoder.option(self.output.as_ref(), Encoder::json);
        encoder.option(self.error.as_ref(), |encoder, text| encoder.shared_text(text));
        encoder.option(self.cause.as_ref(), |encoder, text| encoder.shared_text(text));
    }

    pub(crate) fn decode(decoder: &mut Decoder<'_>) -> Result<Outcome, Malformed> {
        let status = match decoder.byte()? {
            0 => ExecutionStatus::Running,
            1 => ExecutionStatus::Succeeded,
            2 => ExecutionStatus::Failed,
            3 => ExecutionStatus::TimedOut,
            4 => ExecutionStatus::Aborted,
            5 => ExecutionStatus::PendingRedrive,
            _ => return Err(Malformed),
        };
        Ok(Outcome {
            status,
            output: decoder.option(Decoder::json)?,
            error: decoder.option(Decoder::shared_text)?,
            cause: decoder.option(Decoder::shared_text)?,
        })
    }
}
