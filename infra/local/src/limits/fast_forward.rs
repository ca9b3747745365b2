//! Moving a clock while nothing happens: hours of waiting pass in seconds.

use std::future::Future;
use std::time::Duration;

use asl_engine::ManualClock;

use crate::Stack;

/// How many looks in a row must see that nothing began or ended, and that no call is under way.
const QUIET: u32 = 2;

/// How often that is looked at.
const TICK: Duration = Duration::from_millis(1);

/// Moves `clock`, which must be that of `stack`, until `work` is done, and returns its outcome.
///
/// The clock is stopped while something works, so that neither the speed of this machine nor what else it does shows in any
/// figure: what calls take, [`Limits::latency`](crate::Limits::latency) says. When nothing has begun or ended for some
/// milliseconds it jumps to the time at which the next task wakes up that sleeps, `step` at most: timers of executions
/// fall due then. For a stack with limits; without them nothing says what is under way.
pub async fn fast_forward<T>(
    stack: &Stack,
    clock: &ManualClock,
    step: Duration,
    work: impl Future<Output = T>,
) -> T {
    tokio::pin!(work);
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut seen, mut quiet) = (stack.activity(), 0);
    loop {
        tokio::select! {
            biased;
            outcome = &mut work => return outcome,
            _ = ticks.tick() => {}
        }
        let activity = stack.activity();
        let is_quiet = !activity.is_some_and(|it| it.is_busy()) && activity == seen;
        quiet = if is_quiet { quiet + 1 } else { 0 };
        seen = activity;
        if quiet < QUIET {
            continue;
        }
        quiet = 0;
        let until_wake = activity.and_then(|it| it.next_wake).map(|due| {
            // Who should be awake by now is on the way.
            Duration::try_from(due.duration_since(clock.now())).unwrap_or(TICK)
        });
        clock.advance(until_wake.map_or(step, |left| left.clamp(TICK, step)));
    }
}
