//! [`Pace`]: how much an execution does before its record is cut and others have their turn.

use std::time::Instant;

/// How many states a record has at most; large outputs count for more. In records of the first layout it is the only
/// thing that cuts them, so that another number would fold stored executions differently.
const STATES: u64 = 1_000;

/// So many bytes of output count as another state.
const OUTPUT_BYTES: usize = 4_096;

/// The clock is looked at after so many states: that costs as much as a tenth of a state.
const STATES_BETWEEN_LOOKS: u64 = 4;

/// How much more may be done, and how much was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace {
    limit: Limit,
    worked: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limit {
    /// Until then, and no more than this.
    Until { instant: Instant, left: u64 },
    /// Exactly so many states, as a record says.
    States(u64),
    /// What a record of the first layout had.
    Fixed { left: u64 },
}

impl Default for Pace {
    fn default() -> Pace {
        Pace::states(0)
    }
}

impl Pace {
    /// Until a time, but one state in any case.
    pub(crate) fn until(instant: Instant) -> Pace {
        Pace { limit: Limit::Until { instant, left: STATES }, worked: 0 }
    }

    /// Exactly so many states.
    pub(crate) fn states(states: u64) -> Pace {
        Pace { limit: Limit::States(states), worked: 0 }
    }

    /// That of the first layout of records.
    pub(crate) fn fixed() -> Pace {
        Pace { limit: Limit::Fixed { left: STATES }, worked: 0 }
    }

    /// Whether timers are looked at when an execution continues. They were not in records of the first layout.
    pub(super) fn ticks(&self) -> bool {
        !matches!(self.limit, Limit::Fixed { .. })
    }

    pub(super) fn count_state(&mut self) {
        self.worked += 1;
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

    /// Whether the record is to be cut. Once it is, it stays so.
    pub(super) fn is_over(&mut self) -> bool {
        match &mut self.limit {
            Limit::States(states) => self.worked >= *states,
            Limit::Fixed { left } => *left == 0,
            Limit::Until { instant, left } => {
                let looks = self.worked > 0 && self.worked.is_multiple_of(STATES_BETWEEN_LOOKS);
                if looks && Instant::now() >= *instant {
                    *left = 0;
                }
                *left == 0 && self.worked > 0
            }
        }
    }

    /// How many states were worked through.
    pub(super) fn worked(&self) -> u64 {
        self.worked
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
        pace.worked()
    }

    #[test]
    fn a_record_is_cut_by_time_by_states_and_by_bytes_and_what_it_says_is_exact() {
        let far = Instant::now() + Duration::from_secs(3600);
        assert_eq!(states_until_over(Pace::until(Instant::now())), STATES_BETWEEN_LOOKS);
        assert_eq!(states_until_over(Pace::until(far)), STATES);
        assert_eq!(states_until_over(Pace::fixed()), STATES);
        assert_eq!(states_until_over(Pace::states(1_234)), 1_234);
        let mut large = Pace::until(far);
        large.count_output(OUTPUT_BYTES * STATES as usize);
        assert!(!large.is_over(), "one state in any case");
        assert_eq!(states_until_over(large), 1);
    }
}
