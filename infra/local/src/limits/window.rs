//! Throttling for a while, on purpose: from the first call of a function, for so long of the stack's clock.

use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;

use crate::lock::locked;

/// A time in which calls are throttled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// What is throttled.
    pub of: Throttled,
    /// The function whose first call begins the window, such as `draw-winners`. That call is throttled already.
    pub from_first_call_of: String,
    /// How long it lasts, by the stack's clock.
    pub lasts: Duration,
}

/// What a [`Window`] throttles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Throttled {
    /// Invocations of every function, the API's too.
    EveryFunction,
    /// Invocations of this one.
    Function(String),
    /// Every call of DynamoDB.
    DynamoDb,
    /// Every call of SNS.
    Sns,
    /// Every call of SES.
    Ses,
    /// Every call of Step Functions.
    StepFunctions,
}

impl Window {
    /// Invocations of `function` are throttled from the first one on.
    pub fn of_function(function: &str, lasts: Duration) -> Window {
        Window {
            of: Throttled::Function(function.to_owned()),
            from_first_call_of: function.to_owned(),
            lasts,
        }
    }
}

/// The windows of an account, with the times at which they began.
#[derive(Debug)]
pub(super) struct Windows(Vec<(Window, Mutex<Option<Timestamp>>)>);

impl Windows {
    pub(super) fn new(windows: &[Window]) -> Windows {
        Windows(windows.iter().map(|window| (window.clone(), Mutex::new(None))).collect())
    }

    /// Notes a call of a function, and whether it falls into a window.
    pub(super) fn strike_function(&self, function: &str, now: Timestamp) -> bool {
        for (window, began) in &self.0 {
            if window.from_first_call_of == function {
                locked(began).get_or_insert(now);
            }
        }
        self.strike(now, |of| match of {
            Throttled::EveryFunction => true,
            Throttled::Function(name) => name == function,
            _ => false,
        })
    }

    /// Whether calls of that service are throttled.
    pub(super) fn strike_service(&self, service: &Throttled, now: Timestamp) -> bool {
        !self.0.is_empty() && self.strike(now, |of| of == service)
    }

    fn strike(&self, now: Timestamp, covers: impl Fn(&Throttled) -> bool) -> bool {
        self.0.iter().any(|(window, began)| {
            let began = *locked(began);
            covers(&window.of)
                && began
                    .is_some_and(|began| now.duration_since(began).as_secs_f64() < window.lasts.as_secs_f64())
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_window_begins_with_the_first_call_and_ends_by_the_clock() {
        let minute = Duration::from_secs(60);
        let windows = Windows::new(&[
            Window::of_function("draw-winners", minute),
            Window { of: Throttled::Sns, from_first_call_of: "send-sms".to_owned(), lasts: minute },
        ]);
        let now = Timestamp::UNIX_EPOCH;
        assert!(!windows.strike_function("seal-entries", now));
        assert!(windows.strike_function("draw-winners", now));
        assert!(!windows.strike_function("seal-entries", now), "another function is not throttled");
        assert!(windows.strike_function("draw-winners", now + SignedDuration::from_secs(59)));
        assert!(!windows.strike_function("draw-winners", now + SignedDuration::from_secs(60)));
        assert!(!windows.strike_service(&Throttled::Sns, now));
        assert!(!windows.strike_function("send-sms", now), "the function itself runs");
        assert!(windows.strike_service(&Throttled::Sns, now));
        assert!(!windows.strike_service(&Throttled::DynamoDb, now));
    }
}
