//! What the functions would cost on AWS.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use crate::lock::locked;

/// What AWS would have billed so far. Durations are those of the stack's clock.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bill {
    /// What each function used, by its name.
    pub functions: BTreeMap<String, FunctionBill>,
    /// States that executions have entered.
    pub state_transitions: u64,
}

/// What one function used.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FunctionBill {
    /// Invocations that ran.
    pub invocations: u64,
    /// Execution environments that were started for them.
    pub cold_starts: u64,
    /// Invocations that were refused with 429.
    pub throttles: u64,
    /// The most invocations at once.
    pub peak_concurrency: u32,
    /// Gigabytes of memory times seconds, the start of environments included.
    pub gb_seconds: f64,
}

impl Bill {
    /// Invocations of all functions.
    pub fn invocations(&self) -> u64 {
        self.functions.values().map(|it| it.invocations).sum()
    }

    /// Refused invocations of all functions.
    pub fn throttles(&self) -> u64 {
        self.functions.values().map(|it| it.throttles).sum()
    }

    /// Gigabyte-seconds of all functions.
    pub fn gb_seconds(&self) -> f64 {
        self.functions.values().map(|it| it.gb_seconds).sum()
    }
}

impl fmt::Display for Bill {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} invocations, {:.1} GB-seconds, {} throttled, {} state transitions",
            self.invocations(),
            self.gb_seconds(),
            self.throttles(),
            self.state_transitions
        )
    }
}

/// Adds up.
#[derive(Debug, Default)]
pub(super) struct Meter(Mutex<BTreeMap<String, FunctionBill>>);

impl Meter {
    pub(super) fn functions(&self) -> BTreeMap<String, FunctionBill> {
        locked(&self.0).clone()
    }

    pub(super) fn began(&self, function: &str, running: u32) {
        self.change(function, |bill| {
            bill.invocations += 1;
            bill.peak_concurrency = bill.peak_concurrency.max(running);
        });
    }

    pub(super) fn throttled(&self, function: &str) {
        self.change(function, |bill| bill.throttles += 1);
    }

    pub(super) fn started_environment(&self, function: &str) {
        self.change(function, |bill| bill.cold_starts += 1);
    }

    /// Each millisecond that has begun is billed.
    pub(super) fn ended(&self, function: &str, took: Duration, memory_mb: u32) {
        let millis = took.as_micros().div_ceil(1_000).max(1) as f64;
        self.change(function, |bill| {
            bill.gb_seconds += millis / 1_000.0 * f64::from(memory_mb) / 1_024.0;
        });
    }

    fn change(&self, function: &str, change: impl FnOnce(&mut FunctionBill)) {
        let mut functions = locked(&self.0);
        match functions.get_mut(function) {
            Some(bill) => change(bill),
            None => change(functions.entry(function.to_owned()).or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_times_time_is_billed_by_the_millisecond() {
        let meter = Meter::default();
        meter.began("api", 1);
        meter.ended("api", Duration::from_micros(999_001), 512);
        meter.throttled("api");
        let bill = Bill { functions: meter.functions(), state_transitions: 3 };
        assert_eq!(bill.gb_seconds(), 0.5);
        assert_eq!(bill.to_string(), "1 invocations, 0.5 GB-seconds, 1 throttled, 3 state transitions");
    }
}
