//! Tells one batch of winners on one channel, each at most once.
//!
//! The ledger entry comes before the call and its outcome after it. A run that finds an entry without an
//! outcome knows only that somebody may have been told: it says so, and does not send again.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use lottery::{Channel, Draw, DrawStatus, EmailAddress, EmailThrough, Lottery, ParticipantId};
use lottery_store::{Contact, Notification, NotificationState, Settlement, Winner};
use serde::Serialize;
use tracing::warn;
use uuid::Uuid;

use crate::due::Due;
use crate::message::{self, Facts};
use crate::publish::{Delivery, Publication, Subscription, publish, subscription};
use crate::{BatchInput, TaskContext, TaskError, batches};

/// How long one run works before it leaves the rest to the next; less than its function's time-out of 120 s.
const BUDGET: Duration = Duration::from_secs(80);
/// How many messages of a batch are under way at once.
const AT_ONCE: usize = 4;
/// The first and the longest pause before SNS is asked again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// What became of a batch.
#[derive(Debug, Serialize)]
pub struct Output {
    batch: u32,
    sent: usize,
    unsent: usize,
}

/// What became of one winner of the batch.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Sent,
    Unsent,
    NothingDue,
    /// SNS took it not yet, and the ledger holds nothing of it.
    Postponed,
}

/// One run over one batch.
struct Run<'a> {
    cx: &'a TaskContext,
    lottery: Lottery,
    draw: Draw,
    channel: Channel,
    link: String,
    /// Names this run in the ledger, so that it settles no entry of another run.
    owner: String,
    deadline: Timestamp,
}

/// Tells the winners of one batch on one channel.
pub(crate) async fn notify(
    cx: &TaskContext,
    input: BatchInput,
    channel: Channel,
) -> Result<Output, TaskError> {
    let BatchInput { lottery_id, draw_id, batch } = input;
    let draw = cx.store.draw(&lottery_id, &draw_id).await?.ok_or(TaskError::DrawUnknown)?;
    if !draw.status.has_official_winners() {
        return Err(TaskError::DrawElsewhere(draw.status));
    }
    let lottery = cx.store.lottery(&lottery_id).await?.ok_or(TaskError::DrawUnknown)?;
    let ranks = batches::ranks(draw.ranked(), batch);
    let mut winners = cx.store.winners_ranked(&draw, ranks).await?;
    winners.retain(Winner::has_seat);
    let ids: Vec<ParticipantId> = winners.iter().map(|winner| winner.participant_id.clone()).collect();
    let contacts = cx.store.contacts_of(&lottery_id, &winners).await?;
    let ledger = cx.store.ledger_entries(&lottery_id, &draw_id, channel, &ids).await?;

    let run = Run {
        cx,
        link: format!("{}/lotteries/{lottery_id}/draws/{draw_id}", cx.config.public_url),
        lottery,
        draw,
        channel,
        owner: Uuid::new_v4().to_string(),
        deadline: cx.clock.now() + BUDGET,
    };
    let run = &run;
    // Collected first: a stream over a borrowing closure would not be `Send`.
    let told: Vec<_> = winners
        .iter()
        .map(|winner| {
            run.tell(winner, contacts.get(&winner.participant_id), ledger.get(&winner.participant_id))
        })
        .collect();
    let outcomes: Vec<Result<Outcome, TaskError>> =
        stream::iter(told).buffer_unordered(AT_ONCE).collect().await;
    // One winner's error does not keep the others from being told; it fails the batch afterwards.
    let outcomes = outcomes.into_iter().collect::<Result<Vec<_>, _>>()?;
    let count = |wanted| outcomes.iter().filter(|&&outcome| outcome == wanted).count();
    match count(Outcome::Postponed) {
        0 => Ok(Output { batch, sent: count(Outcome::Sent), unsent: count(Outcome::Unsent) }),
        postponed => Err(TaskError::DeliveryUnavailable { postponed }),
    }
}

impl Run<'_> {
    async fn tell(
        &self,
        winner: &Winner,
        contact: Option<&Contact>,
        entry: Option<&Notification>,
    ) -> Result<Outcome, TaskError> {
        if let Some(entry) = entry {
            return self.found(entry).await;
        }
        // The draw has ended: whatever has no entry was not due, and stays so.
        if self.draw.status != DrawStatus::Recorded {
            return Ok(Outcome::NothingDue);
        }
        match Due::on(self.channel, &self.draw.channels, contact) {
            Due::Nothing => Ok(Outcome::NothingDue),
            Due::Unreachable => self.refuse(winner, "NoAddress").await,
            Due::Sms(contact, phone) => {
                let text = message::sms(self.facts(winner, contact, &self.check(contact)));
                self.send(winner, || Delivery::Phone { phone: phone.as_str(), text: text.clone() }).await
            }
            Due::Email(contact, address) => match self.lottery.email_through {
                EmailThrough::Sns => self.send_through_topic(winner, contact).await,
                EmailThrough::Ses => self.send_through_ses(winner, contact, address).await,
            },
        }
    }

    /// An earlier run, or one beside this, has been here.
    async fn found(&self, entry: &Notification) -> Result<Outcome, TaskError> {
        match entry.state {
            NotificationState::Sent => Ok(Outcome::Sent),
            NotificationState::Failed | NotificationState::Unknown => Ok(Outcome::Unsent),
            NotificationState::Pending => Ok(Outcome::Postponed),
            NotificationState::Claimed => {
                let (lottery_id, draw_id) = (&self.draw.lottery_id, &self.draw.draw_id);
                self.cx.store.give_up_notification(lottery_id, draw_id, entry, self.cx.clock.now()).await?;
                Ok(Outcome::Unsent)
            }
        }
    }

    async fn send_through_topic(&self, winner: &Winner, contact: &Contact) -> Result<Outcome, TaskError> {
        let (Some(topic_arn), Some(arn)) = (&self.lottery.topic_arn, &contact.subscription_arn) else {
            return self.refuse(winner, "Unconfirmed").await;
        };
        match subscription(self.cx, arn).await {
            Subscription::Refused(reason) => self.refuse(winner, &reason).await,
            Subscription::Unavailable => Ok(Outcome::Postponed),
            Subscription::Confirmed => {
                let email = message::email(self.facts(winner, contact, &self.check(contact)));
                self.send(winner, || Delivery::Topic {
                    topic_arn,
                    label: &winner.label,
                    subject: email.subject.clone(),
                    text: email.text.clone(),
                })
                .await
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
        self.send(winner, || Delivery::Mailbox {
            sender,
            address: address.as_str(),
            subject: email.subject.clone(),
            text: email.text.clone(),
        })
        .await
    }

    /// Claims, publishes, settles; while the service takes the message not yet, releases and tries again.
    async fn send<'m>(
        &self,
        winner: &Winner,
        delivery: impl Fn() -> Delivery<'m>,
    ) -> Result<Outcome, TaskError> {
        let mut pause = PAUSES.0;
        loop {
            if self.cx.clock.now() >= self.deadline {
                return Ok(Outcome::Postponed);
            }
            let claim = self.claim(winner);
            if let Some(entry) = self.cx.store.claim_notification(&claim).await? {
                return self.found(&entry).await;
            }
            let settlement = match publish(self.cx, &self.draw, delivery()).await {
                Publication::Accepted(message_id) => Settlement::Sent { message_id },
                Publication::Refused(reason) => Settlement::Failed { reason },
                Publication::Unanswered(reason) => Settlement::Unknown { reason: reason.to_owned() },
                Publication::NotTaken => {
                    if !self.cx.store.release_notification(&claim).await? {
                        // A run beside this one has given the entry up meanwhile.
                        return Ok(Outcome::Unsent);
                    }
                    self.cx.clock.sleep(pause).await;
                    pause = (pause * 2).min(PAUSES.1);
                    continue;
                }
            };
            let outcome = self.outcome(&settlement);
            self.cx.store.settle_notification(&claim, &settlement, self.cx.clock.now()).await?;
            return Ok(outcome);
        }
    }

    /// Enters into the ledger that nothing can be sent, without ever claiming.
    async fn refuse(&self, winner: &Winner, reason: &str) -> Result<Outcome, TaskError> {
        let claim = self.claim(winner);
        match self.cx.store.refuse_notification(&claim, reason).await? {
            None => Ok(Outcome::Unsent),
            Some(entry) => self.found(&entry).await,
        }
    }

    fn claim(&self, winner: &Winner) -> lottery_store::NotificationClaim {
        lottery_store::NotificationClaim {
            lottery_id: self.draw.lottery_id.clone(),
            draw_id: self.draw.draw_id.clone(),
            participant_id: winner.participant_id.clone(),
            channel: self.channel,
            owner: self.owner.clone(),
            at: self.cx.clock.now(),
        }
    }

    fn outcome(&self, settlement: &Settlement) -> Outcome {
        match settlement {
            Settlement::Sent { .. } => Outcome::Sent,
            Settlement::Failed { reason } | Settlement::Unknown { reason } => {
                warn!(channel = %self.channel, reason = reason.as_str(), "notification not sent");
                Outcome::Unsent
            }
        }
    }

    /// Where the page checks the draw. The receipt stands behind the `#`, which no browser sends to a server.
    fn check(&self, contact: &Contact) -> String {
        let Draw { lottery_id, draw_id, .. } = &self.draw;
        let receipt = contact.receipt();
        let receipt = format!("{},{},{}", receipt.label, receipt.nonce, receipt.participant_id);
        format!(
            "{}/#/lotteries/{lottery_id}/draws/{draw_id}/check?receipt={receipt}",
            self.cx.config.public_url
        )
    }

    fn facts<'a>(&'a self, winner: &'a Winner, contact: &'a Contact, check: &'a str) -> Facts<'a> {
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
