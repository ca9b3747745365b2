//! What answers are made of.

use crate::data::Json;

/// Builds an object, leaving out what is not there.
#[derive(Default)]
pub(super) struct Answer(Vec<(&'static str, Json)>);

impl Answer {
    pub(super) fn new() -> Answer {
        Answer::default()
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<Json>) -> Answer {
        self.0.push((name, value.into()));
        self
    }

    /// Only if there is a value.
    pub(super) fn with_some(self, name: &'static str, value: Option<impl Into<Json>>) -> Answer {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// A timestamp given in milliseconds, as the seconds of AWS JSON 1.0.
    pub(super) fn timestamp(self, name: &'static str, millis: i64) -> Answer {
        self.with(name, millis as f64 / 1000.0)
    }

    pub(super) fn some_timestamp(self, name: &'static str, millis: Option<i64>) -> Answer {
        match millis {
            Some(millis) => self.timestamp(name, millis),
            None => self,
        }
    }

    pub(super) fn done(self) -> Json {
        Json::object(self.0)
    }
}
