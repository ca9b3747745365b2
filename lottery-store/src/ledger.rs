//! The ledger: one line for each message to one winner on one channel.
//!
//! A line is claimed before its message is sent and gets its outcome afterwards, so that no message is sent twice. A claim
//! that never gets an outcome becomes UNKNOWN, and only the organiser can have such a message sent again.

use std::collections::HashMap;

use jiff::Timestamp;
use lottery::{Channel, DrawId, LotteryId, NotificationCounts, ParticipantId};
use serde::{Deserialize, Serialize};

use crate::item::{Attributes, Item, text};
use crate::store::Table;
use crate::transaction::Outcome;
use crate::write::Write;
use crate::{Store, StoreError, keys};

/// What a message says. Each kind has lines of its own, so that nobody gets the same message twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotificationKind {
    /// That the participant has won.
    Won,
    /// What the draw was committed to.
    Commitment,
    /// That the participant has not won.
    NotWon,
    /// How the draw ended, to its organiser.
    Summary,
    /// What a winner of a rehearsal would have read, to its organiser.
    Sample,
}

impl NotificationKind {
    /// The kind as the ledger has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Won => "won",
            Self::Commitment => "commitment",
            Self::NotWon => "not_won",
            Self::Summary => "summary",
            Self::Sample => "sample",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let all = [Self::Won, Self::Commitment, Self::NotWon, Self::Summary, Self::Sample];
        all.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// The state of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum NotificationState {
    /// To be sent again, as the organiser asked.
    Pending,
    /// About to be sent.
    Claimed,
    /// Accepted for delivery.
    Sent,
    /// Refused.
    Failed,
    /// Handed over without a response: perhaps sent. Sent again only if the organiser asks.
    Unknown,
}

impl NotificationState {
    const ALL: [Self; 5] = [Self::Pending, Self::Claimed, Self::Sent, Self::Failed, Self::Unknown];

    /// The state as JSON and the ledger have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Claimed => "CLAIMED",
            Self::Sent => "SENT",
            Self::Failed => "FAILED",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// Whether the message has an outcome: SENT, FAILED or UNKNOWN.
    pub fn has_outcome(self) -> bool {
        matches!(self, Self::Sent | Self::Failed | Self::Unknown)
    }

    /// Adds one message in this state to `counts`, which do not count PENDING messages.
    pub fn count_in(self, counts: &mut NotificationCounts) {
        match self {
            Self::Pending => {}
            Self::Claimed => counts.claimed += 1,
            Self::Sent => counts.sent += 1,
            Self::Failed => counts.failed += 1,
            Self::Unknown => counts.unknown += 1,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// The winner.
    pub participant_id: ParticipantId,
    /// The channel.
    pub channel: Channel,
    /// What the message tells.
    pub kind: NotificationKind,
    /// The state of the message.
    pub state: NotificationState,
    /// The id that SNS or SES gave the message.
    pub message_id: Option<String>,
    /// Why the message was not sent.
    pub reason: Option<String>,
    /// When the message came to its state.
    pub at: Timestamp,
    /// The attempts before the organiser had the message sent again, the oldest first.
    pub earlier: Vec<EarlierAttempt>,
}

/// An attempt to send a message, before the organiser had it sent again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarlierAttempt {
    /// The state that the message had.
    pub state: NotificationState,
    /// The id that SNS or SES gave the message.
    pub message_id: Option<String>,
    /// Why the message was not sent.
    pub reason: Option<String>,
    /// When the message had come to its state.
    pub at: Timestamp,
}

impl Notification {
    pub(crate) fn from_item(item: &Item) -> Result<Self, StoreError> {
        let item = Attributes(item);
        Ok(Self {
            participant_id: item.parse("participant_id")?,
            channel: item.parse_with("channel", Channel::parse)?,
            kind: item.parse_with("kind", |kind| NotificationKind::parse(kind).ok_or(()))?,
            state: item.parse_with("state", |state| NotificationState::parse(state).ok_or(()))?,
            message_id: item.optional_text("message_id")?.map(str::to_owned),
            reason: item.optional_text("reason")?.map(str::to_owned),
            at: item.timestamp("at")?,
            earlier: item.optional_json("earlier")?.unwrap_or_default(),
        })
    }
}

/// The line that a run claims.
#[derive(Debug, Clone)]
pub struct NotificationClaim {
    /// The lottery.
    pub lottery_id: LotteryId,
    /// Its draw.
    pub draw_id: DrawId,
    /// The winner.
    pub participant_id: ParticipantId,
    /// The channel.
    pub channel: Channel,
    /// What the message tells.
    pub kind: NotificationKind,
    /// The name of the run. A run records outcomes only of lines that it has claimed.
    pub owner: String,
    /// The time of the claim.
    pub at: Timestamp,
}

/// The outcome of a claimed message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendOutcome {
    /// Accepted for delivery.
    Sent {
        /// The id that SNS or SES gave the message.
        message_id: String,
    },
    /// Refused, so the winner was not notified.
    Failed {
        /// An error code, without anything personal.
        reason: String,
    },
    /// Handed over without a response: perhaps sent.
    Unknown {
        /// What happened, without anything personal.
        reason: String,
    },
}

impl Store {
    /// Claims a line before its message is sent. Returns the line instead if it exists and is not pending.
    pub async fn claim_notification(
        &self,
        claim: &NotificationClaim,
    ) -> Result<Option<Notification>, StoreError> {
        match self.write(&claim.put(NotificationState::Claimed, None)).await? {
            Outcome::Done => Ok(None),
            Outcome::Refused(refusals) => match refusals.item(0) {
                // The response to this write was lost, and the SDK repeated it.
                Some(item) if is_claimed_by(item, &claim.owner) => Ok(None),
                Some(item) => Notification::from_item(item).map(Some),
                None => Err(StoreError::Contended),
            },
        }
    }

    /// Releases a claim whose message is known not to have been sent. `false` if the line is no longer claimed by this run.
    pub async fn release_notification(&self, claim: &NotificationClaim) -> Result<bool, StoreError> {
        let ours = "#owner = :owner AND #state = :claimed";
        let on_condition = |write: Write, condition: String| {
            let write = write.only_if(condition).name("#state", "state").name("#owner", "owner");
            write
                .value(":owner", text(&claim.owner))
                .value(":claimed", text(NotificationState::Claimed.as_str()))
        };
        let condition = format!("attribute_not_exists(#state) OR ({ours} AND attribute_not_exists(earlier))");
        if let Outcome::Done = self.write(&on_condition(Write::delete(claim.key()), condition)).await? {
            return Ok(true);
        }
        // A line that was reopened keeps its earlier attempts.
        let pend = Write::update(claim.key(), "SET #state = :pending REMOVE #owner")
            .value(":pending", text(NotificationState::Pending.as_str()));
        Ok(matches!(self.write(&on_condition(pend, ours.to_owned())).await?, Outcome::Done))
    }

    /// Records the outcome of a claimed message. Only the run that claimed the line can.
    pub async fn record_outcome(
        &self,
        claim: &NotificationClaim,
        outcome: &SendOutcome,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (state, name, value) = match outcome {
            SendOutcome::Sent { message_id } => (NotificationState::Sent, "message_id", message_id),
            SendOutcome::Failed { reason } => (NotificationState::Failed, "reason", reason),
            SendOutcome::Unknown { reason } => (NotificationState::Unknown, "reason", reason),
        };
        let unused = if name == "reason" { "message_id" } else { "reason" };
        let record =
            Write::update(claim.key(), "SET #state = :state, #at = :at, #detail = :detail REMOVE #unused")
                .only_if("#owner = :owner")
                .name("#state", "state")
                .name("#at", "at")
                .name("#owner", "owner")
                .name("#detail", name)
                .name("#unused", unused)
                .value(":state", text(state.as_str()))
                .value(":at", text(now))
                .value(":detail", text(value))
                .value(":owner", text(&claim.owner));
        self.write(&record).await?;
        Ok(())
    }

    /// Records that the winner cannot be notified, without an attempt. Returns the line instead if it exists and is not
    /// pending.
    pub async fn refuse_notification(
        &self,
        claim: &NotificationClaim,
        reason: &str,
    ) -> Result<Option<Notification>, StoreError> {
        match self.write(&claim.put(NotificationState::Failed, Some(reason))).await? {
            Outcome::Done => Ok(None),
            Outcome::Refused(refusals) => refusals.item(0).map(Notification::from_item).transpose(),
        }
    }

    /// Makes a claimed line UNKNOWN, since its run is gone. `false` if the line has got an outcome meanwhile.
    pub async fn give_up_notification(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        notification: &Notification,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (participant_id, channel) = (&notification.participant_id, notification.channel);
        let key = keys::notification(lottery_id, draw_id, participant_id, channel, notification.kind);
        let give_up = Write::update(key, "SET #state = :unknown, #at = :at, #reason = :reason")
            .only_if("#state = :claimed")
            .name("#state", "state")
            .name("#at", "at")
            .name("#reason", "reason")
            .value(":claimed", text(NotificationState::Claimed.as_str()))
            .value(":unknown", text(NotificationState::Unknown.as_str()))
            .value(":at", text(now))
            .value(":reason", text("Interrupted"));
        Ok(matches!(self.write(&give_up).await?, Outcome::Done))
    }

    /// The ledger of a draw, of messages to winners.
    pub async fn notifications(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
    ) -> Result<Vec<Notification>, StoreError> {
        let items = self.all(&keys::notifications(lottery_id, draw_id)).await?;
        items.iter().map(Notification::from_item).collect()
    }

    /// The lines of these winners on one channel, by winner.
    pub async fn ledger_lines(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        channel: Channel,
        winners: &[ParticipantId],
    ) -> Result<HashMap<ParticipantId, Notification>, StoreError> {
        self.ledger_lines_of(NotificationKind::Won, lottery_id, draw_id, channel, winners).await
    }

    /// The lines of one kind of these participants on one channel, by participant.
    pub async fn ledger_lines_of(
        &self,
        kind: NotificationKind,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        channel: Channel,
        participants: &[ParticipantId],
    ) -> Result<HashMap<ParticipantId, Notification>, StoreError> {
        let keys: Vec<_> = participants
            .iter()
            .map(|participant| keys::notification(lottery_id, draw_id, participant, channel, kind))
            .collect();
        let items = self.get_many(Table::Lottery, &keys).await?;
        let lines = items.iter().map(Notification::from_item);
        lines.map(|line| line.map(|line| (line.participant_id.clone(), line))).collect()
    }
}

impl NotificationClaim {
    fn key(&self) -> keys::Key {
        keys::notification(&self.lottery_id, &self.draw_id, &self.participant_id, self.channel, self.kind)
    }

    /// Creates the line, or replaces a pending one.
    fn put(&self, state: NotificationState, reason: Option<&str>) -> Write {
        let (set, remove) = if reason.is_some() { (", #reason = :reason", "") } else { ("", ", #reason") };
        let mut put = Write::update(
            self.key(),
            format!(
                "SET participant_id = :participant, channel = :channel, kind = :kind, #state = :state, \
                 #owner = :owner, #at = :at{set} REMOVE message_id{remove}"
            ),
        )
        .only_if("attribute_not_exists(pk) OR #state = :pending")
        .name("#state", "state")
        .name("#owner", "owner")
        .name("#at", "at")
        .name("#reason", "reason")
        .value(":participant", text(&self.participant_id))
        .value(":channel", text(self.channel))
        .value(":kind", text(self.kind.as_str()))
        .value(":state", text(state.as_str()))
        .value(":pending", text(NotificationState::Pending.as_str()))
        .value(":owner", text(&self.owner))
        .value(":at", text(self.at));
        if let Some(reason) = reason {
            put = put.value(":reason", text(reason));
        }
        put
    }
}

fn is_claimed_by(item: &Item, owner: &str) -> bool {
    let is = |name, value| matches!(Attributes(item).optional_text(name), Ok(Some(found)) if found == value);
    is("owner", owner) && is("state", NotificationState::Claimed.as_str())
}
