//! [`Pace`]: how much an execution does before its record ends and others have their turn.

use std::time::Instant;

/// How many states a record has at most; large outputs count for more. In records of the first layout it is the only
/// bound, so that another number would replay stored executions differently.
const MAX_STATES: u64 = 1_000;

/// So many bytes of output count as another state.
const OUTPUT_BYTES: usize = 4_096;

/// The clock is read after so many states: reading it costs a tenth of a state.
const STATES_PER_CLOCK_READ: u64 = 4;

/// How much more may be done, and how much was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace {
    limit: Limit,
    entered: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limit {
    /// Until this time, and no more than this.
    Until { instant: Instant, left: u64 },
    /// Exactly so many states, as a stored record has.
    States(u64),
    /// The bound of a record of the first layout.
    Fixed { left: u64 },
}

impl Default for Pace {
    fn default() -> Pace {
        Pace::states(0)
    }
}

impl Pace {
    /// Until a time, but at least one state.
    pub(crate) fn until(instant: Instant) -> Pace {
        Pace { limit: Limit::Until { instant, left: MAX_STATES }, entered: 0 }
    }

    /// Exactly so many states.
    pub(crate) fn states(states: u64) -> Pace {
        Pace { limit: Limit::States(states), entered: 0 }
    }

    /// The pace of the first layout of records.
    pub(crate) fn fixed() -> Pace {
        Pace { limit: Limit::Fixed { left: MAX_STATES }, entered: 0 }
    }

    /// Whether due timers fire when an execution continues. In records of the first layout they did not.
    pub(super) fn ticks(&self) -> bool {
        !matches!(self.limit, Limit::Fixed { .. })
    }

    pub(super) fn count_state(&mut self) {
        self.entered += 1;
        self.count(1);
    }

    pub(super) fn count_output(&mut self, bytes: usize) {
        self.count((bytes / OUTPUT_BYTES) as u64);
    }

    fn count(&mut self, states: u64) {
        if let Limit::Until { left, .. } | Limit::Fixed { left } = &mut self.limit {
            *left = left.saturating_sub(states);
        }
    }

    /// Whether the record ends here. Once it does, it stays so.
    pub(super) fn is_over(&mut self) -> bool {
        match &mut self.limit {
            Limit::States(states) => self.entered >= *states,
            Limit::Fixed { left } => *left == 0,
            Limit::Until { instant, left } => {
                let reads_clock = self.entered > 0 && self.entered.is_multiple_of(STATES_PER_CLOCK_READ);
                if reads_clock && Instant::now() >= *instant {
                    *left = 0;
                }
                *left == 0 && self.entered > 0
            }
        }
    }

    /// How many states were entered.
    pub(super) fn entered(&self) -> u64 {
        self.entered
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn states_until_over(mut pace: Pace) -> u64 {
        while !pace.is_over() {
            pace.count_state();
        }
        assert!(pace.is_over());
        pace.entered()
    }

    #[test]
    fn a_record_ends_by_time_by_states_and_by_bytes_and_its_number_of_states_is_exact() {
        let far = Instant::now() + Duration::from_secs(3600);
        assert_eq!(states_until_over(Pace::until(Instant::now())), STATES_PER_CLOCK_READ);
        assert_eq!(states_until_over(Pace::until(far)), MAX_STATES);
        assert_eq!(states_until_over(Pace::fixed()), MAX_STATES);
        assert_eq!(states_until_over(Pace::states(1_234)), 1_234);
        let mut large = Pace::until(far);
        large.count_output(OUTPUT_BYTES * MAX_STATES as usize);
        assert!(!large.is_over(), "one state in any case");
        assert_eq!(states_until_over(large), 1);
    }
}
