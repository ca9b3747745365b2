//! The position of a channel: what one run of a sending task passes to the next, through the state machine.
//!
//! It is only a hint: the ledger says which messages were sent.

use lottery::{Channel, Draw};
use serde::{Deserialize, Serialize};

/// The maximum time that the state machine waits before a service is called again, in seconds. Sending continues at most this
/// long after a daily quota is renewed.
pub(crate) const MAX_WAIT: u32 = 15 * 60;

/// The position of one channel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The rank to resume from; 0 if nothing is left.
    pub next: u32,
    /// The lowest rank that was postponed to a second pass; 0 if there is none.
    pub postponed: u32,
    /// How many seconds the state machine waits before the next run.
    pub wait_seconds: u32,
    /// The number of messages a minute that a throttling service was found to accept; 0 while the configured rate is right.
    pub per_minute: u32,
    /// The number of runs in this execution.
    pub passes: u32,
    /// The number of complete passes over the ranking in this execution.
    pub round: u32,
}

/// The positions of both channels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Positions {
    /// SMS.
    pub sms: Position,
    /// E-mail.
    pub email: Position,
}

impl Positions {
    /// The beginning of the ranking, on the channels that the draw asks for.
    pub(crate) fn first(draw: &Draw) -> Self {
        let on =
            |channel| Position { next: u32::from(draw.channels.contains(&channel)), ..Position::default() };
        Self { sms: on(Channel::Sms), email: on(Channel::Email) }
    }

    /// The beginning of the ranking again, on the channels that have messages left, after a longer wait.
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
