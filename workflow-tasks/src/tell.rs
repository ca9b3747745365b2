//! Tells one winner on one channel, at most once.
//!
//! The ledger entry comes before the call and its outcome after it, with nothing in between: a process that dies there
//! leaves a message of which nobody knows. A run that finds an entry without an outcome says so, and does not send again.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use lottery::{Channel, Draw, EmailAddress, EmailThrough, Lottery};
use lottery_store::{Contact, Notification, NotificationClaim, NotificationState, Settlement, Winner};
use tracing::warn;
use uuid::Uuid;

use crate::due::Due;
use crate::message::{self, Facts};
use crate::pace::Pace;
use crate::publish::{Delivery, Publication, Subscription, publish, subscription};
use crate::{TaskContext, TaskError};

/// After how many calls without an answer a run stops: each leaves a message of which nobody knows.
const MAX_UNANSWERED: usize = 3;
/// After how many subscriptions of which SNS says nothing a run stops.
const MAX_UNAVAILABLE: usize = 3;

/// What became of one winner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// This run has entered this into the ledger.
    Settled(NotificationState),
    /// It was there.
    Found(NotificationState),
    /// Another channel reaches them.
    NothingDue,
    /// Passed over, until then if that is known.
    Later(Option<Timestamp>),
    /// The run stopped before.
    Left,
}

/// Why a run stops before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Its time is up.
    Budget,
    /// The service takes fewer.
    Throttled,
    /// The service cannot be reached, or does not answer.
    Unavailable,
    /// Something of ours fails.
    Error,
}

/// One run over one channel of a draw.
pub(crate) struct Telling<'a> {
    cx: &'a TaskContext,
    lottery: &'a Lottery,
    draw: &'a Draw,
    channel: Channel,
    pace: &'a Pace,
    deadline: Timestamp,
    link: String,
    /// Names this run in the ledger, so that it settles no entry of another run.
    owner: String,
    stop: OnceLock<Stop>,
    unanswered: AtomicUsize,
    unavailable: AtomicUsize,
}

impl<'a> Telling<'a> {
    pub(crate) fn new(
        cx: &'a TaskContext,
        lottery: &'a Lottery,
        draw: &'a Draw,
        channel: Channel,
        pace: &'a Pace,
        deadline: Timestamp,
    ) -> Self {
        let Draw { lottery_id, draw_id, .. } = draw;
        let link = format!("{}/lotteries/{lottery_id}/draws/{draw_id}", cx.config.public_url);
        let owner = Uuid::new_v4().to_string();
        let (unanswered, unavailable) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let stop = OnceLock::new();
        Self { cx, lottery, draw, channel, pace, deadline, link, owner, stop, unanswered, unavailable }
    }

    pub(crate) fn channel(&self) -> Channel {
        self.channel
    }

    pub(crate) fn concurrency(&self) -> usize {
        self.pace.concurrency()
    }

    /// Lets the run end: nothing further is claimed.
    pub(crate) fn stop(&self, why: Stop) {
        let _ = self.stop.set(why);
    }

    /// Why the run ends, if it does.
    pub(crate) fn stopped(&self) -> Option<Stop> {
        self.stop.get().copied()
    }

    /// Tells a winner, whose line of the ledger was read a moment ago.
    pub(crate) async fn tell(
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
        match Due::on(self.channel, &self.draw.channels, contact) {
            // The address that the organiser wanted to be tried again is gone.
            Due::Nothing if is_pending => self.refuse(winner, "NoAddress").await,
            Due::Nothing => Ok(Outcome::NothingDue),
            Due::Unreachable => self.refuse(winner, "NoAddress").await,
            Due::Sms(contact, phone) => {
                let text = message::sms(self.facts(winner, contact, &self.check(contact)));
                self.send(winner, Delivery::Phone { phone: phone.as_str(), text }).await
            }
            Due::Email(contact, address) => match self.lottery.email_through {
                EmailThrough::Sns => self.send_through_topic(winner, contact).await,
                EmailThrough::Ses => self.send_through_ses(winner, contact, address).await,
            },
        }
    }

    /// An earlier run, or one beside this, has been here.
    async fn found(&self, line: &Notification) -> Result<Outcome, TaskError> {
        if line.state != NotificationState::Claimed {
            return Ok(Outcome::Found(line.state));
        }
        let (lottery_id, draw_id) = (&self.draw.lottery_id, &self.draw.draw_id);
        let now = self.cx.clock.now();
        let is_given_up = self.cx.store.give_up_notification(lottery_id, draw_id, line, now).await?;
        warn!(channel = %self.channel, "a notification's run is gone: perhaps sent");
        Ok(match is_given_up {
            true => Outcome::Settled(NotificationState::Unknown),
            false => Outcome::Found(NotificationState::Unknown),
        })
    }

    async fn send_through_topic(&self, winner: &Winner, contact: &Contact) -> Result<Outcome, TaskError> {
        let (Some(topic_arn), Some(arn)) = (&self.lottery.topic_arn, &contact.subscription_arn) else {
            return self.refuse(winner, "Unconfirmed").await;
        };
        let in_effect = contact.subscribed_at.map(|at| at + self.cx.config.delivery.filter_policy_delay);
        if let Some(in_effect) = in_effect.filter(|in_effect| *in_effect > self.cx.clock.now()) {
            return Ok(Outcome::Later(Some(in_effect)));
        }
        match subscription(self.cx, arn).await {
            Subscription::Refused(reason) => self.refuse(winner, &reason).await,
            Subscription::Throttled => {
                self.stop(Stop::Throttled);
                Ok(Outcome::Left)
            }
            // One alone does not keep the others waiting.
            Subscription::Unavailable => {
                if self.unavailable.fetch_add(1, Ordering::Relaxed) + 1 >= MAX_UNAVAILABLE {
                    self.stop(Stop::Unavailable);
                }
                Ok(Outcome::Later(None))
            }
            Subscription::Confirmed => {
                let email = message::email(self.facts(winner, contact, &self.check(contact)));
                let (subject, text) = (email.subject, email.text);
                self.send(winner, Delivery::Topic { topic_arn, subject, text }).await
            }
        }
    }

    async fn send_through_ses(
        &self,
        winner: &Winner,
        contact: &Contact,
        address: &EmailAddress,
    ) -> Result<Outcome, TaskError> {
        let Some(sender) = &self.cx.config.email_sender else {
            return self.refuse(winner, "NoSender").await;
        };
        let email = message::letter(self.facts(winner, contact, &self.check(contact)));
        let (subject, text) = (email.subject, email.text);
        self.send(winner, Delivery::Mailbox { sender, address: address.as_str(), subject, text }).await
    }

    /// Waits for its turn; then claims, publishes, settles. What the service has not taken is as it was before.
    async fn send(&self, winner: &Winner, delivery: Delivery<'_>) -> Result<Outcome, TaskError> {
        if !self.pace.turn(self.cx.clock.as_ref(), self.deadline).await {
            self.stop(Stop::Budget);
        }
        if self.stopped().is_some() {
            return Ok(Outcome::Left);
        }
        let claim = self.claim(winner);
        if let Some(line) = self.cx.store.claim_notification(&claim).await? {
            return self.found(&line).await;
        }
        let settlement = match publish(self.cx, self.draw, &winner.label, delivery).await {
            Publication::Accepted(message_id) => Settlement::Sent { message_id },
            Publication::Refused(reason) => Settlement::Failed { reason },
            Publication::Unanswered(reason) => {
                if self.unanswered.fetch_add(1, Ordering::Relaxed) + 1 >= MAX_UNANSWERED {
                    self.stop(Stop::Unavailable);
                }
                Settlement::Unknown { reason: reason.to_owned() }
            }
            Publication::Throttled => return self.take_back(&claim, Stop::Throttled).await,
            Publication::NotReached => return self.take_back(&claim, Stop::Unavailable).await,
        };
        let state = self.state_of(&settlement);
        self.cx.store.settle_notification(&claim, &settlement, self.cx.clock.now()).await?;
        Ok(Outcome::Settled(state))
    }

    async fn take_back(&self, claim: &NotificationClaim, why: Stop) -> Result<Outcome, TaskError> {
        self.stop(why);
        match self.cx.store.release_notification(claim).await? {
            true => Ok(Outcome::Left),
            // A run beside this one has given the entry up meanwhile.
            false => Ok(Outcome::Found(NotificationState::Unknown)),
        }
    }

    /// Enters into the ledger that nothing can be sent, without ever claiming.
    async fn refuse(&self, winner: &Winner, reason: &str) -> Result<Outcome, TaskError> {
        match self.cx.store.refuse_notification(&self.claim(winner), reason).await? {
            None => Ok(Outcome::Settled(NotificationState::Failed)),
            Some(line) => self.found(&line).await,
        }
    }

    fn claim(&self, winner: &Winner) -> NotificationClaim {
        NotificationClaim {
            lottery_id: self.draw.lottery_id.clone(),
            draw_id: self.draw.draw_id.clone(),
            participant_id: winner.participant_id.clone(),
            channel: self.channel,
            owner: self.owner.clone(),
            at: self.cx.clock.now(),
        }
    }

    fn state_of(&self, settlement: &Settlement) -> NotificationState {
        let (state, reason) = match settlement {
            Settlement::Sent { .. } => return NotificationState::Sent,
            Settlement::Failed { reason } => (NotificationState::Failed, reason),
            Settlement::Unknown { reason } => (NotificationState::Unknown, reason),
        };
        warn!(channel = %self.channel, state = state.as_str(), reason = reason.as_str(), "notification not sent");
        state
    }

    /// Where the page checks the draw. The receipt stands behind the `#`, which no browser sends to a server.
    fn check(&self, contact: &Contact) -> String {
        let Draw { lottery_id, draw_id, .. } = self.draw;
        let receipt = contact.receipt();
        let receipt = format!("{},{},{}", receipt.label, receipt.nonce, receipt.participant_id);
        let public_url = &self.cx.config.public_url;
        format!("{public_url}/#/lotteries/{lottery_id}/draws/{draw_id}/check?receipt={receipt}")
    }

    fn facts<'f>(&'f self, winner: &'f Winner, contact: &'f Contact, check: &'f str) -> Facts<'f> {
        Facts {
            locale: self.lottery.locale,
            lottery_id: self.lottery.lottery_id.as_str(),
            lottery: self.lottery.name.as_str(),
            prize: winner.prize.as_str(),
            winner: contact.name.as_str(),
            link: &self.link,
            check,
        }
    }
}
