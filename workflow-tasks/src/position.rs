//! Where the loop of a channel stands: what one run of a sending task leaves to the next, through the state machine.
//!
//! It is a hint and no more: who was told, the ledger knows.

use lottery::{Channel, Draw};
use serde::{Deserialize, Serialize};

/// The longest that the state machine waits before it asks a service again, in seconds. A quota of a day is met
/// within so much of its end.
pub(crate) const MAX_WAIT: u32 = 15 * 60;

/// Where one channel stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The rank to resume from; 0 if nothing is left.
    pub next: u32,
    /// The lowest rank that was passed over and is come back to at the end; 0 if there is none.
    pub postponed: u32,
    /// How many seconds the state machine waits before the next run.
    pub wait_seconds: u32,
    /// How many messages a minute a service that throttles was found to take; 0 while the configured rate is right.
    pub per_minute: u32,
    /// How many runs there were in this execution.
    pub passes: u32,
    /// How often the ranking was gone through in this execution.
    pub round: u32,
}

/// Where both channels stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Positions {
    /// SMS.
    pub sms: Position,
    /// E-mail.
    pub email: Position,
}

impl Positions {
    /// At the beginning of the ranking, on the channels that the draw asks for.
    pub(crate) fn first(draw: &Draw) -> Self {
        let on =
            |channel| Position { next: u32::from(draw.channels.contains(&channel)), ..Position::default() };
        Self { sms: on(Channel::Sms), email: on(Channel::Email) }
    }

    /// At the beginning again, on the channels that have something left, after a wait that grows.
    pub(crate) fn again(self, is_left: impl Fn(Channel) -> bool) -> Self {
        let again = |position: Position, channel| Position {
            next: u32::from(is_left(channel)),
            postponed: 0,
            wait_seconds: longer(position.wait_seconds),
            round: position.round + 1,
            ..position
        };
        Self { sms: again(self.sms, Channel::Sms), email: again(self.email, Channel::Email) }
    }
}

/// Twice as long, within bounds.
pub(crate) fn longer(wait_seconds: u32) -> u32 {
    wait_seconds.saturating_mul(2).clamp(2, MAX_WAIT)
}
