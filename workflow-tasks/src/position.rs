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
    /// What of the draw is held back or has to be claimed.
    #[serde(default)]
    pub release: Release,
}

/// The state of the waits of a draw in this execution: for releases, and after them for claims.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Whether winners may still be held back.
    pub held: bool,
    /// Whether winners have to claim their prizes.
    #[serde(default)]
    pub claims: bool,
    /// What the last look decided.
    pub next: Next,
    /// The revision up to which what is released is being notified, or was.
    pub seen: u32,
    /// How often the draw had been reopened when everything was notified last, if winners have to claim.
    #[serde(default)]
    pub reopened: u32,
    /// How many looks there were in this execution.
    pub looks: u32,
    /// How long to wait for a release or for claims at most, in seconds; 0 if winners are to be notified now.
    pub wait_seconds: u32,
    /// Whether those who have not won are notified, once everybody is released.
    #[serde(default)]
    pub others: bool,
}

/// What follows a look at what is released, or at the claims.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Next {
    /// Notifying.
    #[default]
    Notify,
    /// Waiting for a release, or for claims.
    Wait,
    /// Looking again at once, since more seats are to be passed on than one look can.
    Again,
    /// Nothing: no claim is waited for any more.
    Done,
}

impl Positions {
    /// The beginning of the ranking, on the channels that the draw asks for.
    pub(crate) fn first(draw: &Draw) -> Self {
        let on =
            |channel| Position { next: u32::from(draw.channels.contains(&channel)), ..Position::default() };
        let (held, claims) = (draw.is_held(), draw.asks_to_claim().is_some());
        let others = draw.notify_others && !draw.channels.is_empty();
        let release = Release { held, claims, others, reopened: draw.reopened, ..Release::default() };
        Self { sms: on(Channel::Sms), email: on(Channel::Email), release }
    }

    /// At the beginning of the ranking again, for what was released since.
    pub(crate) fn restarted(self, draw: &Draw, release: Release) -> Self {
        let first = Self::first(draw);
        let begin = |position: Position, first: Position| Position {
            next: first.next,
            postponed: 0,
            wait_seconds: 0,
            ..position
        };
        Self { sms: begin(self.sms, first.sms), email: begin(self.email, first.email), release }
    }

    /// How long the channel that has something left waits at least, in seconds; none if none has.
    pub(crate) fn wait(&self) -> Option<u32> {
        let left = [self.sms, self.email].into_iter().filter(|position| position.next > 0);
        left.map(|position| position.wait_seconds.max(1)).min()
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
        Self { sms: again(self.sms, Channel::Sms), email: again(self.email, Channel::Email), ..self }
    }
}

/// Twice as long, within bounds.
pub(crate) fn longer(wait_seconds: u32) -> u32 {
    wait_seconds.saturating_mul(2).clamp(2, MAX_WAIT)
}
