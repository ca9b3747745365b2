//! Sends one message to one person on one channel, at most once: to a winner, or, of another kind, to a person with an entry.
//!
//! A run claims the line of the ledger before it calls SNS or SES, and records the outcome after the call, with nothing in
//! between. A process that dies there leaves a claimed line; a run that finds one makes it UNKNOWN and does not send again.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use lottery::claim::ClaimKey;
use lottery::message::SmsSender;
use lottery::{
    Address, Channel, Draw, EmailAddress, EmailThrough, Label, Lottery, ParticipantId, PhoneNumber,
};
use lottery_store::{
    Contact, Notification, NotificationClaim, NotificationKind, NotificationState, SendOutcome, Winner,
};
use tracing::warn;
use uuid::Uuid;

use crate::due_message::DueMessage;
use crate::message::{Claim, Facts, Wording};
use crate::pace::Pace;
use crate::publish::{Delivery, Publication, Subscription, publish, subscription};
use crate::{TaskContext, TaskError};

/// The number of calls without a response after which a run stops: each leaves a message that was perhaps sent.
const MAX_UNANSWERED: usize = 3;
/// The number of subscriptions that SNS cannot be asked about after which a run stops.
const MAX_UNAVAILABLE: usize = 3;

/// The result for one winner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// This run has recorded the outcome in the ledger.
    Recorded(NotificationState),
    /// The ledger had the outcome already.
    Found(NotificationState),
    /// No message is due on this channel.
    NothingDue,
    /// Postponed, until this time if it is known.
    Later(Option<Timestamp>),
    /// The run stopped before.
    Left,
}

/// Why a run stops before the end of the ranking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Its time budget is spent.
    Budget,
    /// The service throttles.
    Throttled,
    /// The service cannot be reached, or does not respond.
    Unavailable,
    /// A call of this task failed.
    Error,
}

/// The addresses that are a winner's own.
struct Links {
    /// The own entry, with the receipt.
    check: String,
    /// Where the prize is claimed, if it has to be.
    claim: Option<String>,
}

/// Whom a message is for.
#[derive(Clone, Copy)]
pub(crate) struct Recipient<'a> {
    pub(crate) participant_id: &'a ParticipantId,
    /// The label in the pool.
    pub(crate) member: &'a Label,
}

impl<'a> From<&'a Winner> for Recipient<'a> {
    fn from(winner: &'a Winner) -> Self {
        Self { participant_id: &winner.participant_id, member: &winner.member }
    }
}

/// One run over one channel of a draw.
pub(crate) struct ChannelRun<'a> {
    cx: &'a TaskContext,
    lottery: &'a Lottery,
    draw: &'a Draw,
    channel: Channel,
    kind: NotificationKind,
    pace: &'a Pace,
    deadline: Timestamp,
    link: String,
    /// Makes the addresses at which winners claim, if they have to.
    claim_key: Option<ClaimKey>,
    /// The name of this run in the ledger, so that it records no outcome of another run's claim.
    owner: String,
    stop: OnceLock<Stop>,
    unanswered: AtomicUsize,
    unavailable: AtomicUsize,
}

impl<'a> ChannelRun<'a> {
    pub(crate) fn new(
        cx: &'a TaskContext,
        lottery: &'a Lottery,
        draw: &'a Draw,
        channel: Channel,
        pace: &'a Pace,
        deadline: Timestamp,
        claim_key: Option<ClaimKey>,
    ) -> Self {
        let Draw { lottery_id, draw_id, .. } = draw;
        let link = format!("{}/lotteries/{lottery_id}/draws/{draw_id}", cx.config.public_url);
        let owner = Uuid::new_v4().to_string();
        let (unanswered, unavailable) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let stop = OnceLock::new();
        let kind = NotificationKind::Won;
        Self {
            cx,
            lottery,
            draw,
            channel,
            kind,
            pace,
            deadline,
            link,
            claim_key,
            owner,
            stop,
            unanswered,
            unavailable,
        }
    }

    /// The same, for messages of another kind.
    pub(crate) fn of_kind(self, kind: NotificationKind) -> Self {
        Self { kind, ..self }
    }

    /// The address of the result of the draw.
    pub(crate) fn link(&self) -> &str {
        &self.link
    }

    pub(crate) fn channel(&self) -> Channel {
        self.channel
    }

    pub(crate) fn concurrency(&self) -> usize {
        self.pace.concurrency()
    }

    /// Stops the run: it claims no further line.
    pub(crate) fn stop(&self, why: Stop) {
        let _ = self.stop.set(why);
    }

    /// Why the run stops, if it does.
    pub(crate) fn stopped(&self) -> Option<Stop> {
        self.stop.get().copied()
    }

    /// Notifies a winner. `line` is the winner's line of the ledger as it was read just before.
    pub(crate) async fn notify(
        &self,
        winner: &Winner,
        contact: Option<&Contact>,
        line: Option<&Notification>,
    ) -> Result<Outcome, TaskError> {
        let is_pending = match line {
            Some(line) if line.state != NotificationState::Pending => return self.found(line).await,
            line => line.is_some(),
        };
        if self.stopped().is_some() {
            return Ok(Outcome::Left);
        }
        let to = Recipient::from(winner);
        let due = DueMessage::on(self.channel, &self.draw.channels, contact);
        match due {
            // The address to which the organiser wanted the message sent again is gone.
            DueMessage::Nothing if is_pending => self.refuse(to, "NoAddress").await,
            DueMessage::Nothing => Ok(Outcome::NothingDue),
            DueMessage::Unreachable => self.refuse(to, "NoAddress").await,
            DueMessage::Sms(contact, _) | DueMessage::Email(contact, _) => {
                let links = self.links(winner, contact);
                self.send_due(to, &due, &self.facts(winner, contact, &links)).await
            }
        }
    }

    /// Sends a message of another kind to somebody with an entry; `line` is that of the ledger as it was read just before.
    pub(crate) async fn tell(
        &self,
        to: Recipient<'_>,
        due: &DueMessage<'_>,
        line: Option<&Notification>,
        wording: &(dyn Wording + Sync),
    ) -> Result<Outcome, TaskError> {
        match line {
            Some(line) => self.found(line).await,
            None if self.stopped().is_some() => Ok(Outcome::Left),
            None => self.send_due(to, due, wording).await,
        }
    }

    /// Sends a message to an address of the organiser, who is not on the list; an e-mail always through SES.
    pub(crate) async fn tell_organiser(
        &self,
        to: Recipient<'_>,
        address: &Address,
        line: Option<&Notification>,
        wording: &(dyn Wording + Sync),
    ) -> Result<Outcome, TaskError> {
        match (line, address) {
            (Some(line), _) => self.found(line).await,
            (None, _) if self.stopped().is_some() => Ok(Outcome::Left),
            (None, Address::Phone(phone)) => self.send_sms(to, phone, wording).await,
            (None, Address::Email(email)) => self.send_through_ses(to, email, wording).await,
        }
    }

    async fn send_due(
        &self,
        to: Recipient<'_>,
        due: &DueMessage<'_>,
        wording: &(dyn Wording + Sync),
    ) -> Result<Outcome, TaskError> {
        match due {
            DueMessage::Sms(_, phone) => self.send_sms(to, phone, wording).await,
            DueMessage::Email(contact, address) => match self.lottery.email_through {
                EmailThrough::Sns => self.send_through_topic(to, contact, wording).await,
                EmailThrough::Ses => self.send_through_ses(to, address, wording).await,
            },
            DueMessage::Unreachable | DueMessage::Nothing => Ok(Outcome::NothingDue),
        }
    }

    /// Handles a line that an earlier or a concurrent run has written.
    async fn found(&self, line: &Notification) -> Result<Outcome, TaskError> {
        if line.state != NotificationState::Claimed {
            return Ok(Outcome::Found(line.state));
        }
        let (lottery_id, draw_id) = (&self.draw.lottery_id, &self.draw.draw_id);
        let now = self.cx.clock.now();
        let is_given_up = self.cx.store.give_up_notification(lottery_id, draw_id, line, now).await?;
        warn!(channel = %self.channel, "the run that claimed a notification is gone: perhaps sent");
        Ok(match is_given_up {
            true => Outcome::Recorded(NotificationState::Unknown),
            false => Outcome::Found(NotificationState::Unknown),
        })
    }

    async fn send_sms(
        &self,
        to: Recipient<'_>,
        phone: &PhoneNumber,
        wording: &(dyn Wording + Sync),
    ) -> Result<Outcome, TaskError> {
        let sender = self.lottery.sms_sender.as_ref().map(SmsSender::as_str);
        self.send(to, Delivery::Phone { phone: phone.as_str(), sender, text: wording.sms() }).await
    }

    async fn send_through_topic(
        &self,
        to: Recipient<'_>,
        contact: &Contact,
        wording: &(dyn Wording + Sync),
    ) -> Result<Outcome, TaskError> {
        let (Some(topic_arn), Some(arn)) = (&self.lottery.topic_arn, &contact.subscription_arn) else {
            return self.refuse(to, "Unconfirmed").await;
        };
        let in_effect = contact.subscribed_at.map(|at| at + self.cx.config.delivery.filter_policy_delay);
        if let Some(in_effect) = in_effect.filter(|in_effect| *in_effect > self.cx.clock.now()) {
            return Ok(Outcome::Later(Some(in_effect)));
        }
        match subscription(self.cx, arn).await {
            Subscription::Refused(reason) => self.refuse(to, &reason).await,
            Subscription::Throttled => {
                self.stop(Stop::Throttled);
                Ok(Outcome::Left)
            }
            // A single one does not stop the run.
            Subscription::Unavailable => {
                if self.unavailable.fetch_add(1, Ordering::Relaxed) + 1 >= MAX_UNAVAILABLE {
                    self.stop(Stop::Unavailable);
                }
                Ok(Outcome::Later(None))
            }
            Subscription::Confirmed => {
                let email = wording.topic_email();
                let (subject, text) = (email.subject, email.text);
                self.send(to, Delivery::Topic { topic_arn, subject, text }).await
            }
        }
    }

    async fn send_through_ses(
        &self,
        to: Recipient<'_>,
        address: &EmailAddress,
        wording: &(dyn Wording + Sync),
    ) -> Result<Outcome, TaskError> {
        let Some(sender) = &self.cx.config.email_sender else {
            return self.refuse(to, "NoSender").await;
        };
        let email = wording.ses_email();
        let (subject, text) = (email.subject, email.text);
        self.send(to, Delivery::Mailbox { sender, address: address.as_str(), subject, text }).await
    }

    /// Waits for its turn; then claims the line, sends the message and records the outcome. If the service is known not to have
    /// accepted the message, the claim is released.
    async fn send(&self, to: Recipient<'_>, delivery: Delivery<'_>) -> Result<Outcome, TaskError> {
        if !self.pace.turn(self.cx.clock.as_ref(), self.deadline).await {
            self.stop(Stop::Budget);
        }
        if self.stopped().is_some() {
            return Ok(Outcome::Left);
        }
        let claim = self.claim(to);
        if let Some(line) = self.cx.store.claim_notification(&claim).await? {
            return self.found(&line).await;
        }
        let outcome = match publish(self.cx, self.draw, to.member, delivery).await {
            Publication::Accepted(message_id) => SendOutcome::Sent { message_id },
            Publication::Refused(reason) => SendOutcome::Failed { reason },
            Publication::Unanswered(reason) => {
                if self.unanswered.fetch_add(1, Ordering::Relaxed) + 1 >= MAX_UNANSWERED {
                    self.stop(Stop::Unavailable);
                }
                SendOutcome::Unknown { reason: reason.to_owned() }
            }
            Publication::Throttled => return self.release_claim(&claim, Stop::Throttled).await,
            Publication::NotReached => return self.release_claim(&claim, Stop::Unavailable).await,
        };
        let state = self.state_of(&outcome);
        self.cx.store.record_outcome(&claim, &outcome, self.cx.clock.now()).await?;
        Ok(Outcome::Recorded(state))
    }

    async fn release_claim(&self, claim: &NotificationClaim, why: Stop) -> Result<Outcome, TaskError> {
        self.stop(why);
        match self.cx.store.release_notification(claim).await? {
            true => Ok(Outcome::Left),
            // A concurrent run has made the line UNKNOWN meanwhile.
            false => Ok(Outcome::Found(NotificationState::Unknown)),
        }
    }

    /// Records that somebody cannot be notified, without a claim.
    async fn refuse(&self, to: Recipient<'_>, reason: &str) -> Result<Outcome, TaskError> {
        match self.cx.store.refuse_notification(&self.claim(to), reason).await? {
            None => Ok(Outcome::Recorded(NotificationState::Failed)),
            Some(line) => self.found(&line).await,
        }
    }

    fn claim(&self, to: Recipient<'_>) -> NotificationClaim {
        NotificationClaim {
            lottery_id: self.draw.lottery_id.clone(),
            draw_id: self.draw.draw_id.clone(),
            participant_id: to.participant_id.clone(),
            channel: self.channel,
            kind: self.kind,
            owner: self.owner.clone(),
            at: self.cx.clock.now(),
        }
    }

    fn state_of(&self, outcome: &SendOutcome) -> NotificationState {
        let (state, reason) = match outcome {
            SendOutcome::Sent { .. } => return NotificationState::Sent,
            SendOutcome::Failed { reason } => (NotificationState::Failed, reason),
            SendOutcome::Unknown { reason } => (NotificationState::Unknown, reason),
        };
        warn!(channel = %self.channel, state = state.as_str(), reason = reason.as_str(), "notification not sent");
        state
    }

    /// The address of somebody's own entry, from which the draw is checked. The receipt is after the `#`, which no browser sends to a server.
    pub(crate) fn check(&self, contact: &Contact) -> String {
        let lottery_id = &self.draw.lottery_id;
        let receipt = contact.receipt(self.lottery.manifest_version).to_link();
        let public_url = &self.cx.config.public_url;
        format!("{public_url}/#/lotteries/{lottery_id}/me?receipt={receipt}")
    }

    /// The winner's own addresses. That for claiming is after the `#`, too.
    fn links(&self, winner: &Winner, contact: &Contact) -> Links {
        let Draw { lottery_id, draw_id, .. } = self.draw;
        let claim = self.claim_key.as_ref().map(|key| {
            let token = key.token(lottery_id, draw_id, winner.rank).reveal();
            format!("{}/#/claims/{token}", self.cx.config.public_url)
        });
        Links { check: self.check(contact), claim }
    }

    fn facts<'f>(&'f self, winner: &'f Winner, contact: &'f Contact, links: &'f Links) -> Facts<'f> {
        let within_seconds = self.draw.claims.as_ref().map_or(0, |claims| claims.within_seconds);
        Facts {
            locale: self.lottery.locale,
            lottery_id: self.lottery.lottery_id.as_str(),
            lottery: self.lottery.name.as_str(),
            prize: winner.prize.as_str(),
            winner: contact.name.as_str(),
            link: &self.link,
            check: &links.check,
            claim: links.claim.as_deref().map(|link| Claim { link, within_seconds }),
            own: self.lottery.messages.of(self.lottery.locale),
        }
    }
}
