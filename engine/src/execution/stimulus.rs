//! What happens to an execution from outside. The stored stimuli are enough to come to the same point again.

use std::sync::Arc;

use crate::data::Json;
use crate::engine::{ExecutionStatus, TaskFailure};
use crate::history::{Decoder, Encoder, Malformed};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Stimulus {
    /// It was started.
    Start,
    /// It had more to do than one record holds.
    Continue,
    /// A moment has come for which it had asked.
    Tick,
    /// What was asked answered; for a task with a token or a job, its submission was answered.
    Answered { task: u64, answer: Result<Json, TaskFailure> },
    /// A worker took an activity's task.
    Taken { task: u64, worker: Option<Arc<str>> },
    /// A worker or a callback says that its task goes on.
    Heartbeat { task: u64 },
    /// A worker, a callback or the end of a job reported.
    Reported { task: u64, report: Result<Json, Reported> },
    /// A child of a Distributed Map ended.
    ChildClosed { run: u64, index: u64, outcome: Outcome },
    /// It was stopped.
    Stop { error: Option<Arc<str>>, cause: Option<Arc<str>> },
    /// It was redriven.
    Redrive,
    /// It cannot go on: something in the engine itself failed.
    Broken { cause: Arc<str> },
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

impl Stimulus {
    /// The bytes of the data that it brings.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Stimulus::Answered { answer: Ok(json), .. } | Stimulus::Reported { report: Ok(json), .. } => {
                json.serialized_len()
            }
            Stimulus::ChildClosed { outcome, .. } => outcome.output.as_ref().map_or(0, Json::serialized_len),
            _ => 0,
        }
    }

    pub(crate) fn encode<'a>(&'a self, encoder: &mut Encoder<'a>) {
        match self {
            Stimulus::Start => encoder.byte(0),
            Stimulus::Continue => encoder.byte(1),
            Stimulus::Tick => encoder.byte(2),
            Stimulus::Answered { task, answer } => {
                encoder.byte(3);
                encoder.number(*task);
                match answer {
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
            Stimulus::Taken { task, worker } => {
                encoder.byte(4);
                encoder.number(*task);
                encoder.option(worker.as_ref(), |encoder, worker| encoder.shared_text(worker));
            }
            Stimulus::Heartbeat { task } => {
                encoder.byte(5);
                encoder.number(*task);
            }
            Stimulus::Reported { task, report } => {
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
            Stimulus::ChildClosed { run, index, outcome } => {
                encoder.byte(7);
                encoder.number(*run);
                encoder.number(*index);
                outcome.encode(encoder);
            }
            Stimulus::Stop { error, cause } => {
                encoder.byte(8);
                encoder.option(error.as_ref(), |encoder, text| encoder.shared_text(text));
                encoder.option(cause.as_ref(), |encoder, text| encoder.shared_text(text));
            }
            Stimulus::Redrive => encoder.byte(9),
            Stimulus::Broken { cause } => {
                encoder.byte(10);
                encoder.shared_text(cause);
            }
        }
    }

    pub(crate) fn decode(decoder: &mut Decoder<'_>) -> Result<Stimulus, Malformed> {
        Ok(match decoder.byte()? {
            0 => Stimulus::Start,
            1 => Stimulus::Continue,
            2 => Stimulus::Tick,
            3 => {
                let task = decoder.number()?;
                let answer = match decoder.byte()? {
                    1 => Ok(decoder.json()?),
                    0 => Err(TaskFailure {
                        error: decoder.text()?.to_owned(),
                        cause: decoder.text()?.to_owned(),
                    }),
                    _ => return Err(Malformed),
                };
                Stimulus::Answered { task, answer }
            }
            4 => Stimulus::Taken { task: decoder.number()?, worker: decoder.option(Decoder::shared_text)? },
            5 => Stimulus::Heartbeat { task: decoder.number()? },
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
                Stimulus::Reported { task, report }
            }
            7 => Stimulus::ChildClosed {
                run: decoder.number()?,
                index: decoder.number()?,
                outcome: Outcome::decode(decoder)?,
            },
            8 => Stimulus::Stop {
                error: decoder.option(Decoder::shared_text)?,
                cause: decoder.option(Decoder::shared_text)?,
            },
            9 => Stimulus::Redrive,
            10 => Stimulus::Broken { cause: decoder.shared_text()? },
            _ => return Err(Malformed),
        })
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
