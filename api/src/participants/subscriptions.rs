//! The e-mail addresses of an import: each is subscribed to the lottery's SNS topic, with a filter policy that lets
//! only what is meant for everyone or for this very entry through.
//!
//! SNS allows a topic only so many filter policies, so a slot is reserved before a participant is stored, and
//! given back if no subscription came of it. SNS deletes a subscription that nobody has confirmed within 48 hours, and one
//! that its owner ends. So a line that is imported once more asks for each subscription that old whether it is still
//! there; one that is not gives its slot back, and its address is subscribed, that is asked, anew.

use std::collections::HashSet;

use aws_sdk_sns::error::{DisplayErrorContext, ProvideErrorMetadata};
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::SignedDuration;
use lottery::{EmailAddress, EmailThrough, Field, Label, Lottery, ParticipantId, Record};
use lottery_store::{Contact, Recorded, Resubscribe};
use platform::Chain;
use serde_json::json;

use super::intake::Line;
use super::remark::Remark;
use super::report::Report;
use crate::error::ApiError;
use crate::refusal::LineRefusal;
use crate::state::AppState;

/// Subscriptions made concurrently.
const CONCURRENCY: usize = 8;
const FILTER_POLICY: &str = "FilterPolicy";
/// SNS deletes a subscription that is not confirmed within this time.
const CONFIRMED_WITHIN: SignedDuration = SignedDuration::from_hours(48);

/// What becomes of a person with an e-mail address for which there is no slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoSlot {
    /// They are taken, with a warning: the address is stored, and nothing is sent to it.
    Warn,
    /// They are not taken.
    Refuse,
}

/// The subscriptions of one batch.
pub(super) struct Subscriptions<'a> {
    state: &'a AppState,
    lottery: &'a Lottery,
    /// Participants with an e-mail address who have a subscription already, and so a slot.
    holders: HashSet<ParticipantId>,
    /// Participants whose address gets no slot.
    without: HashSet<ParticipantId>,
    reserved: u64,
    /// Reserved slots that subscriptions now use; below zero if more were freed than used.
    used: i64,
    wanted: Vec<Wanted>,
    ended: Vec<(u64, String)>,
}

/// A subscription to make.
struct Wanted {
    line: u64,
    participant_id: ParticipantId,
    email: EmailAddress,
    label: Label,
}

impl<'a> Subscriptions<'a> {
    pub(super) fn new(state: &'a AppState, lottery: &'a Lottery) -> Self {
        Self {
            state,
            lottery,
            holders: HashSet::new(),
            without: HashSet::new(),
            reserved: 0,
            used: 0,
            wanted: Vec::new(),
            ended: Vec::new(),
        }
    }

    /// Reserves slots for the addresses of a batch that have none. An address that gets none is stored without a subscription,
    /// or its line refused.
    pub(super) async fn reserve(
        &mut self,
        batch: Vec<Line>,
        no_slot: NoSlot,
        report: &mut Report,
    ) -> Result<Vec<Line>, ApiError> {
        if self.lottery.email_through == EmailThrough::Ses {
            return Ok(batch);
        }
        let has_email = |line: &Line| matches!(line.record.email, Field::Given(_));
        let ids: HashSet<&ParticipantId> =
            batch.iter().filter(|line| has_email(line)).map(|line| &line.record.participant_id).collect();
        if ids.is_empty() {
            return Ok(batch);
        }
        let ids: Vec<ParticipantId> = ids.into_iter().cloned().collect();
        let contacts = self.state.store.contacts(&self.lottery.lottery_id, &ids).await?;
        self.holders = self.holding(contacts).await?;
        let needed = ids.iter().filter(|id| !self.holders.contains(*id)).count() as u64;
        let limit = self.state.config.email_subscription_limit;
        self.reserved = match (needed, &self.lottery.topic_arn) {
            (0, _) | (_, None) => 0,
            _ => self.state.store.reserve_email_slots(&self.lottery.lottery_id, needed, limit).await?,
        };
        let mut left = self.reserved;
        let mut granted: HashSet<ParticipantId> = HashSet::new();
        let mut kept = Vec::with_capacity(batch.len());
        for line in batch {
            let id = &line.record.participant_id;
            let has_slot = !has_email(&line) || self.holders.contains(id) || granted.contains(id);
            match (has_slot, left, no_slot) {
                (true, ..) => {}
                (false, 0, NoSlot::Refuse) => {
                    report.refuse(Remark::of_field(line.line, "email", self.no_slot()));
                    continue;
                }
                (false, 0, NoSlot::Warn) => {
                    report.warn(Remark::of_field(line.line, "email", self.no_slot()));
                    self.without.insert(id.clone());
                }
                (false, ..) => {
                    left -= 1;
                    granted.insert(id.clone());
                }
            }
            kept.push(line);
        }
        Ok(kept)
    }

    /// Who of these has a subscription still. The others' are forgotten.
    async fn holding(&self, contacts: Vec<Contact>) -> Result<HashSet<ParticipantId>, ApiError> {
        let (state, lottery_id, now) = (self.state, &self.lottery.lottery_id, self.state.clock.now());
        let asked: Vec<_> = contacts
            .into_iter()
            .filter_map(|contact| {
                let arn = contact.subscription_arn?;
                let is_old = contact.subscribed_at.is_none_or(|at| now.duration_since(at) > CONFIRMED_WITHIN);
                Some((contact.participant_id, arn, is_old))
            })
            .map(|(id, arn, is_old)| async move {
                if is_old && is_gone(state, &arn).await {
                    state.store.forget_subscription(lottery_id, &id, &arn).await?;
                    tracing::info!(%lottery_id, "forgot a subscription that SNS has no more");
                    return Ok(None);
                }
                Ok::<_, ApiError>(Some(id))
            })
            .collect();
        let holding = stream::iter(asked).buffer_unordered(CONCURRENCY);
        holding.try_filter_map(|id| std::future::ready(Ok(id))).try_collect().await
    }

    fn no_slot(&self) -> LineRefusal {
        match self.lottery.topic_arn {
            Some(_) => LineRefusal::EmailsFull { most: self.state.config.email_subscription_limit },
            None => LineRefusal::NoEmailTopic,
        }
    }

    /// Takes notice of what came of storing a record.
    pub(super) fn note(&mut self, line: u64, record: &Record, recorded: Recorded) {
        let (label, current, former) = match recorded {
            Recorded::AddressTaken { .. } | Recorded::NameMissing => return,
            Recorded::New { label, .. } => (label, None, None),
            Recorded::Changed { label, subscription_arn, former_subscription_arn, .. } => {
                (label, subscription_arn, former_subscription_arn)
            }
            Recorded::Unchanged { label, subscription_arn, .. } => (label, subscription_arn, None),
        };
        if let Some(former) = former {
            self.ended.push((line, former));
        }
        let participant_id = record.participant_id.clone();
        if self.lottery.email_through == EmailThrough::Ses || self.without.contains(&participant_id) {
            return;
        }
        if let (Field::Given(email), None) = (&record.email, current) {
            self.wanted.push(Wanted { line, participant_id, email: email.clone(), label });
        }
    }

    /// Ends and makes the subscriptions noted so far, and releases the slots that are left.
    pub(super) async fn apply(mut self, report: &mut Report) -> Result<(), ApiError> {
        for (line, subscription_arn) in std::mem::take(&mut self.ended) {
            match end(self.state, &subscription_arn).await {
                Ok(()) => self.used -= 1,
                Err(error) => {
                    tracing::warn!(?error, "a subscription cannot be ended");
                    report.warn(Remark::of_field(line, "email", LineRefusal::EmailNotUnsubscribed));
                }
            }
        }
        let (state, lottery) = (self.state, self.lottery);
        let wanted = std::mem::take(&mut self.wanted);
        let made: Vec<_> = stream::iter(wanted)
            .map(|wanted| async move {
                let made = subscribe(state, lottery, &wanted).await;
                (wanted.line, made)
            })
            .buffer_unordered(CONCURRENCY)
            .collect()
            .await;
        for (line, made) in made {
            match made {
                Ok(true) => {
                    self.used += 1;
                    report.subscribed += 1;
                }
                Ok(false) => {}
                Err(reason) => report.warn(Remark::of_field(line, "email", reason)),
            }
        }
        self.give_back().await
    }

    /// Nothing was stored: all slots are free again.
    pub(super) async fn give_back_all(self) -> Result<(), ApiError> {
        self.give_back().await
    }

    async fn give_back(&self) -> Result<(), ApiError> {
        let left = i64::try_from(self.reserved).unwrap_or(i64::MAX).saturating_sub(self.used);
        match u64::try_from(left) {
            Ok(left) if left > 0 => {
                self.state.store.release_email_slots(&self.lottery.lottery_id, left).await?;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// Subscribes an address and notes the subscription. `false` if the participant has gone meanwhile; the error is for
/// the report of the import.
async fn subscribe(state: &AppState, lottery: &Lottery, wanted: &Wanted) -> Result<bool, LineRefusal> {
    let Some(topic_arn) = &lottery.topic_arn else {
        return Err(LineRefusal::NoEmailTopic);
    };
    let policy = json!({ "audience": ["everyone", wanted.label] }).to_string();
    let subscription = || {
        let subscribe = state.sns.subscribe().topic_arn(topic_arn).protocol("email");
        subscribe.endpoint(wanted.email.as_str()).return_subscription_arn(true)
    };
    let first = subscription().attributes(FILTER_POLICY, &policy).send().await;
    let subscription_arn = match first {
        Ok(output) => output.subscription_arn,
        // It was subscribed before under another label: the subscription is found and its policy replaced.
        Err(error) if exists_with_other_attributes(&error) => {
            let found = subscription().send().await.map_err(|error| refusal(&error))?;
            if let Some(arn) = &found.subscription_arn {
                let set = state.sns.set_subscription_attributes().subscription_arn(arn);
                let set = set.attribute_name(FILTER_POLICY).attribute_value(&policy).send().await;
                set.map_err(|error| refusal(&error))?;
            }
            found.subscription_arn
        }
        Err(error) => return Err(refusal(&error)),
    };
    let subscription_arn = subscription_arn.ok_or(LineRefusal::EmailNotSubscribed)?;
    let lottery_id = &lottery.lottery_id;
    let noted = state
        .store
        .set_subscription(
            lottery_id,
            &wanted.participant_id,
            &wanted.email,
            &subscription_arn,
            state.clock.now(),
        )
        .await;
    match noted {
        Ok(true) => Ok(true),
        Ok(false) => {
            if let Err(error) = end(state, &subscription_arn).await {
                tracing::warn!(?error, "a subscription of a participant who has gone cannot be ended");
            }
            Ok(false)
        }
        Err(error) => {
            tracing::warn!(error = %Chain(&error), "a subscription cannot be noted");
            Err(LineRefusal::EmailNotSubscribed)
        }
    }
}

/// Ends the subscriptions of people who have left the list, and gives their slots back. One that SNS does not end keeps its
/// slot.
pub(super) async fn end_all(state: &AppState, lottery: &Lottery, arns: Vec<String>) -> Result<(), ApiError> {
    let ended =
        stream::iter(arns).map(|arn| async move { end(state, &arn).await }).buffer_unordered(CONCURRENCY);
    let is_ended = |outcome: Result<(), ApiError>| {
        if let Err(error) = &outcome {
            tracing::warn!(?error, "a subscription cannot be ended");
        }
        std::future::ready(outcome.is_ok().then_some(()))
    };
    let count = ended.filter_map(is_ended).count().await as u64;
    if count > 0 {
        state.store.release_email_slots(&lottery.lottery_id, count).await?;
    }
    Ok(())
}

/// Subscribes addresses that are on the list again, as far as there are slots.
pub(super) async fn resubscribe(
    state: &AppState,
    lottery: &Lottery,
    addresses: Vec<Resubscribe>,
) -> Result<(), ApiError> {
    if addresses.is_empty() || lottery.email_through == EmailThrough::Ses || lottery.topic_arn.is_none() {
        return Ok(());
    }
    let limit = state.config.email_subscription_limit;
    let needed = addresses.len() as u64;
    let reserved = state.store.reserve_email_slots(&lottery.lottery_id, needed, limit).await?;
    let wanted = addresses.into_iter().take(usize::try_from(reserved).unwrap_or(usize::MAX));
    let made: Vec<_> = stream::iter(wanted)
        .map(|Resubscribe { participant_id, email, label }| async move {
            let wanted = Wanted { line: 0, participant_id, email, label };
            subscribe(state, lottery, &wanted).await
        })
        .buffer_unordered(CONCURRENCY)
        .collect()
        .await;
    let used = made.iter().filter(|made| matches!(made, Ok(true))).count() as u64;
    if reserved > used {
        state.store.release_email_slots(&lottery.lottery_id, reserved - used).await?;
    }
    Ok(())
}

/// Whether SNS has a subscription no more. What it does not say for certain, it has.
async fn is_gone(state: &AppState, subscription_arn: &str) -> bool {
    let asked = state.sns.get_subscription_attributes().subscription_arn(subscription_arn).send().await;
    match asked {
        Ok(_) => false,
        Err(error) => {
            let code = error.code().unwrap_or("none");
            let is_gone = matches!(code, "NotFound" | "NotFoundException");
            if !is_gone {
                tracing::warn!(code, "SNS does not say whether a subscription is still there");
            }
            is_gone
        }
    }
}

fn exists_with_other_attributes(error: &impl ProvideErrorMetadata) -> bool {
    error.code() == Some("InvalidParameter")
        && error.message().is_some_and(|message| message.contains("already exists with different attributes"))
}

fn refusal(error: &(impl ProvideErrorMetadata + std::error::Error)) -> LineRefusal {
    let code = error.code().unwrap_or("none");
    tracing::warn!(code, "SNS does not subscribe an address");
    match code {
        "FilterPolicyLimitExceeded" | "FilterPolicyLimitExceededException" | "SubscriptionLimitExceeded" => {
            LineRefusal::EmailAccountFull
        }
        "InvalidParameter" | "InvalidParameterException" => LineRefusal::EmailNotTaken,
        _ => LineRefusal::EmailNotSubscribed,
    }
}

/// Ends a subscription. One that is gone, or was never confirmed and so expires by itself, is as good as ended.
pub(super) async fn end(state: &AppState, subscription_arn: &str) -> Result<(), ApiError> {
    match state.sns.unsubscribe().subscription_arn(subscription_arn).send().await {
        Ok(_) => Ok(()),
        Err(error)
            if matches!(
                error.code(),
                Some("NotFound" | "NotFoundException" | "InvalidParameter" | "InvalidParameterException")
            ) =>
        {
            Ok(())
        }
        Err(error) => Err(ApiError::unavailable(DisplayErrorContext(error))),
    }
}
