//! `Retry` and `Catch`.

use crate::data::{Json, JsonataTemplate, Random, Scope, Template};
use crate::fields::{DefinitionError, Fields, Language};
use crate::state::StateIndices;
use crate::state::processing::{ResultPath, jsonata, template};
use crate::state::{ErrorNames, Finished, StateError, guarded};

/// The retriers and catchers of a state, in their order.
#[derive(Debug)]
pub(crate) struct Handlers {
    pub(crate) retry: Vec<Retrier>,
    pub(crate) catch: Vec<Catcher>,
}

/// One item of `Retry`.
#[derive(Debug)]
pub(crate) struct Retrier {
    errors: ErrorNames,
    interval_seconds: f64,
    max_attempts: u64,
    backoff_rate: f64,
    max_delay_seconds: Option<f64>,
    jitter: Jitter,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Jitter {
    None,
    Full,
}

/// One item of `Catch`.
#[derive(Debug)]
pub(crate) struct Catcher {
    /// Its index in `Catch`, for the names of fields.
    index: usize,
    errors: ErrorNames,
    pub(crate) next: usize,
    output: CatcherOutput,
}

#[derive(Debug)]
enum CatcherOutput {
    JsonPath { result_path: ResultPath, assign: Option<Template> },
    Jsonata { output: Option<JsonataTemplate>, assign: Option<JsonataTemplate> },
}

impl Handlers {
    pub(crate) fn parse(
        fields: &Fields<'_>,
        language: Language,
        indices: &StateIndices<'_>,
    ) -> Result<Handlers, DefinitionError> {
        let retry = fields.objects("Retry")?;
        let catch = fields.objects("Catch")?;
        Ok(Handlers {
            retry: retry.iter().map(Retrier::parse).collect::<Result<_, _>>()?,
            catch: catch
                .iter()
                .enumerate()
                .map(|(index, item)| Catcher::parse(index, item, language, indices))
                .collect::<Result<_, _>>()?,
        })
    }

    /// The first retrier that names the error, and its index.
    pub(crate) fn retrier(&self, error: &StateError) -> Option<(usize, &Retrier)> {
        self.retry.iter().enumerate().find(|(_, retrier)| retrier.errors.include(error))
    }

    /// The first catcher that names the error, and its index.
    pub(crate) fn catcher(&self, error: &StateError) -> Option<(usize, &Catcher)> {
        self.catch.iter().enumerate().find(|(_, catcher)| catcher.errors.include(error))
    }
}

impl Retrier {
    fn parse(fields: &Fields<'_>) -> Result<Retrier, DefinitionError> {
        let jitter = match fields.optional_text("JitterStrategy")? {
            None | Some("NONE") => Jitter::None,
            Some("FULL") => Jitter::Full,
            Some(_) => return Err(fields.wrong("JitterStrategy", "must be FULL or NONE")),
        };
        Ok(Retrier {
            errors: ErrorNames::parse(fields)?,
            interval_seconds: fields.optional_number("IntervalSeconds")?.unwrap_or(1.0),
            max_attempts: fields.optional_whole("MaxAttempts")?.unwrap_or(3),
            backoff_rate: fields.optional_number("BackoffRate")?.unwrap_or(2.0),
            max_delay_seconds: fields.optional_number("MaxDelaySeconds")?,
            jitter,
        })
    }

    /// Whether it tries again after so many retries.
    pub(crate) fn has_attempts(&self, done: u64) -> bool {
        done < self.max_attempts
    }

    /// How many milliseconds to wait before trying again after `done` retries by this retrier; `None` if it has
    /// no more attempts.
    pub(crate) fn delay(&self, done: u64, random: &Random) -> Option<i64> {
        if !self.has_attempts(done) {
            return None;
        }
        let max_delay = self.max_delay_seconds.unwrap_or(31_622_400.0);
        let seconds = (self.interval_seconds * self.backoff_rate.powf(done as f64)).min(max_delay);
        let millis = seconds * 1000.0;
        Some(match self.jitter {
            Jitter::None => millis as i64,
            Jitter::Full => (random.next_f64() * millis) as i64,
        })
    }
}

impl Catcher {
    fn parse(
        index: usize,
        fields: &Fields<'_>,
        language: Language,
        indices: &StateIndices<'_>,
    ) -> Result<Catcher, DefinitionError> {
        let output = match language {
            Language::JsonPath => CatcherOutput::JsonPath {
                result_path: ResultPath::parse(fields)?,
                assign: template(fields, "Assign")?,
            },
            Language::Jsonata => CatcherOutput::Jsonata {
                output: jsonata(fields, "Output")?,
                assign: jsonata(fields, "Assign")?,
            },
        };
        Ok(Catcher { index, errors: ErrorNames::parse(fields)?, next: indices.of(fields, "Next")?, output })
    }

    /// The input of the state that the catcher leads to.
    pub(crate) fn catch(&self, cx: &Scope<'_>, error: &StateError) -> Result<Finished, StateError> {
        let caught: Json = error.output();
        guarded(|| match &self.output {
            CatcherOutput::JsonPath { result_path, assign } => {
                let assigned = match assign {
                    None => None,
                    Some(assign) => Some(assign.evaluate(&cx.with_input(&caught))?),
                };
                Ok(Finished { output: result_path.put(cx.input, caught)?, assigned })
            }
            CatcherOutput::Jsonata { output, assign } => {
                let scope = cx.with_error(&caught);
                let assigned = assign
                    .as_ref()
                    .map(|assign| assign.evaluate(&scope, &format!("Catch[{}]/Assign", self.index)))
                    .transpose()?;
                let output = match output {
                    None => caught.clone(),
                    Some(output) => output.evaluate(&scope, &format!("Catch[{}]/Output", self.index))?,
                };
                Ok(Finished { output, assigned })
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retrier(json: &str) -> Retrier {
        Retrier::parse(&Fields::of(&Json::parse(json).unwrap()).unwrap()).unwrap()
    }

    #[test]
    fn the_delay_grows_by_the_backoff_rate_up_to_its_limit_and_then_ends() {
        let retrier = retrier(
            r#"{"ErrorEquals":["E"],"IntervalSeconds":3,"MaxAttempts":3,"BackoffRate":2,"MaxDelaySeconds":8}"#,
        );
        let random = Random::new(1);
        let delays: Vec<_> = (0..4).map(|done| retrier.delay(done, &random)).collect();
        assert_eq!(delays, [Some(3000), Some(6000), Some(8000), None]);
    }

    #[test]
    fn full_jitter_waits_anything_up_to_the_delay() {
        let retrier = retrier(
            r#"{"ErrorEquals":["E"],"IntervalSeconds":10,"MaxAttempts":99999999,"JitterStrategy":"FULL"}"#,
        );
        let random = Random::new(1);
        let delays: Vec<_> = (0..100).filter_map(|_| retrier.delay(0, &random)).collect();
        assert!(delays.iter().all(|delay| (0..10_000).contains(delay)));
        assert!(delays.iter().any(|delay| *delay < 2_000) && delays.iter().any(|delay| *delay > 8_000));
    }
}
