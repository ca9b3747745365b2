//! Which parts of the stack are down, in sentences for its operator: what `/healthz` says.

use std::collections::BTreeMap;
use std::sync::Mutex;

use asl_engine::Clock;

use crate::lock::locked;

/// What is known of the parts.
pub(crate) struct Health {
    clock: Clock,
    faults: Mutex<BTreeMap<&'static str, Fault>>,
    /// Parts that are asked.
    checks: Mutex<Vec<Check>>,
}

/// Whether a part works; if not, a sentence that says why.
type Check = Box<dyn Fn() -> Result<(), String> + Send + Sync>;

/// Why a part does not work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It may work again: it is tried each second.
    Passing(String),
    /// It takes a person.
    Lasting(String),
}

impl Health {
    /// Everything is well as far as one knows.
    pub(crate) fn new(clock: Clock) -> Health {
        let health = Health { clock: clock.clone(), faults: Mutex::default(), checks: Mutex::default() };
        health.also(move || clock_fault(&clock).map_or(Ok(()), Err));
        health
    }

    /// Asks a part, too, whenever somebody asks for the health. The answer must come at once.
    pub(crate) fn also(&self, check: impl Fn() -> Result<(), String> + Send + Sync + 'static) {
        locked(&self.checks).push(Box::new(check));
    }

    /// The clock that the stack goes by.
    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// A sentence about everything that is down.
    pub(crate) fn report(&self) -> Result<(), String> {
        let checks = locked(&self.checks);
        let mut sentences: Vec<String> = checks.iter().filter_map(|check| check().err()).collect();
        let faults = locked(&self.faults);
        sentences.extend(faults.values().map(|fault| match fault {
            Fault::Passing(sentence) | Fault::Lasting(sentence) => sentence.clone(),
        }));
        if sentences.is_empty() { Ok(()) } else { Err(sentences.join("; ")) }
    }

    /// A part does not work. What takes a person stays so.
    pub(crate) fn failed(&self, part: &'static str, fault: Fault) {
        let mut faults = locked(&self.faults);
        let known = faults.get(part);
        if known == Some(&fault) || matches!((known, &fault), (Some(Fault::Lasting(_)), Fault::Passing(_))) {
            return;
        }
        match &fault {
            Fault::Passing(sentence) => tracing::error!(part, sentence, "a part is down, and is tried again"),
            Fault::Lasting(sentence) => tracing::error!(part, sentence, "a part is down"),
        }
        faults.insert(part, fault);
    }

    /// A part works.
    pub(crate) fn recovered(&self, part: &'static str) {
        let mut faults = locked(&self.faults);
        if matches!(faults.get(part), Some(Fault::Passing(_))) {
            faults.remove(part);
            tracing::info!(part, "a part works again");
        }
    }

    /// What is wrong with a part, if it may work again.
    pub(crate) fn is_passing(&self, part: &'static str) -> bool {
        let faults = locked(&self.faults);
        matches!(faults.get(part), Some(Fault::Passing(_)))
    }
}

/// A clock before 1970 has timestamps that HTTP and the tokens cannot say.
pub(crate) fn clock_fault(clock: &Clock) -> Option<String> {
    let now = clock.now();
    (now < jiff::Timestamp::UNIX_EPOCH)
        .then(|| format!("the clock of this machine shows {now}, a time before 1970; set the clock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_a_person_does_not_pass_by_itself() {
        let health = Health::new(Clock::system());
        assert_eq!(health.report(), Ok(()));
        health.failed("DynamoDB", Fault::Passing("the disk is full".to_owned()));
        assert_eq!(health.report(), Err("the disk is full".to_owned()));
        health.recovered("DynamoDB");
        assert_eq!(health.report(), Ok(()));
        health.failed("DynamoDB", Fault::Lasting("a page is damaged".to_owned()));
        health.failed("DynamoDB", Fault::Passing("the disk is full".to_owned()));
        health.recovered("DynamoDB");
        assert_eq!(health.report(), Err("a page is damaged".to_owned()));
        health.failed("SNS", Fault::Passing("its disk is full".to_owned()));
        assert_eq!(health.report(), Err("a page is damaged; its disk is full".to_owned()));
    }

    #[test]
    fn a_part_that_is_asked_is_told_with_the_others() {
        let health = Health::new(Clock::system());
        health.also(|| Err("the engine is down".to_owned()));
        health.failed("SNS", Fault::Passing("its disk is full".to_owned()));
        assert_eq!(health.report(), Err("the engine is down; its disk is full".to_owned()));
    }

    #[test]
    fn a_clock_before_1970_is_told() {
        let clock = asl_engine::ManualClock::new("1969-12-31T23:59:59Z".parse().unwrap());
        let health = Health::new(clock.clone().into());
        assert!(health.report().unwrap_err().contains("before 1970"));
        clock.advance(std::time::Duration::from_secs(1));
        assert_eq!(health.report(), Ok(()));
    }
}
