//! The webhook of a lottery, and what became of each event that it was to hear of. The address and the secrets are kept with the
//! contacts: nothing public shows them, and the role that draws cannot read them.

use jiff::{SignedDuration, Timestamp};
use lottery::webhook::{DrawEvent, Webhook};
use lottery::{Invalid, LotteryId};
use serde::{Deserialize, Serialize};

use crate::item::{Attributes, Item, NewItem, json, number, text};
use crate::read::Order;
use crate::table::EXPIRES_AT;
use crate::transaction::Outcome;
use crate::write::Write;
use crate::{Store, StoreError, keys};

/// How long a delivery is kept after its last attempt.
const RETENTION: SignedDuration = SignedDuration::from_hours(30 * 24);
/// The most deliveries that are read to find the newest.
const MAX_READ: usize = 1_000;

/// The state of the delivery of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WebhookState {
    /// It is to be sent.
    Pending,
    /// An attempt has failed, and there will be another one.
    Retrying,
    /// The receiver has it.
    Delivered,
    /// It was given up: the organiser can have it sent again.
    Dead,
}

impl WebhookState {
    const ALL: [Self; 4] = [Self::Pending, Self::Retrying, Self::Delivered, Self::Dead];

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Retrying => "RETRYING",
            Self::Delivered => "DELIVERED",
            Self::Dead => "DEAD",
        }
    }

    fn parse(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(())
    }
}

/// What became of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookDelivery {
    /// What happened.
    pub event: DrawEvent,
    /// Its state.
    pub state: WebhookState,
    /// How often it was tried.
    pub attempts: u32,
    /// Why the last attempt failed, if it did.
    pub failure: Option<String>,
    /// When it changed last.
    pub at: Timestamp,
}

impl Store {
    /// The webhook of a lottery, if it has one.
    pub async fn webhook(&self, lottery_id: &LotteryId) -> Result<Option<Webhook>, StoreError> {
        self.get(&keys::webhook(lottery_id)).await?.map(|item| webhook_from(&item)).transpose()
    }

    /// Stores the webhook of a lottery in place of the one before; `false` if the lottery was deleted.
    pub async fn set_webhook(&self, lottery_id: &LotteryId, webhook: &Webhook) -> Result<bool, StoreError> {
        let Webhook { url, format, secret, bot_secret } = webhook;
        let item = NewItem::at(keys::webhook(lottery_id))
            .with("url", text(url.as_str()))
            .with("format", text(format.as_str()))
            .with("secret", text(secret.as_str()))
            .with_some("bot_secret", bot_secret.as_ref().map(|secret| text(secret.as_str())));
        let lottery = keys::lottery(lottery_id);
        let is_there = Write::check(lottery, "attribute_exists(pk) AND attribute_not_exists(deleted_at)");
        Ok(matches!(self.transact(&[is_there, Write::put(item)]).await?, Outcome::Done))
    }

    /// Erases the webhook of a lottery. What became of its events stays until it expires.
    pub async fn forget_webhook(&self, lottery_id: &LotteryId) -> Result<(), StoreError> {
        self.write(&Write::delete(keys::webhook(lottery_id))).await.map(|_| ())
    }

    /// What became of an event, if it was tried.
    pub async fn webhook_delivery(
        &self,
        lottery_id: &LotteryId,
        event_id: &str,
    ) -> Result<Option<WebhookDelivery>, StoreError> {
        let item = self.get(&keys::webhook_delivery(lottery_id, event_id)).await?;
        item.map(|item| delivery_from(&item)).transpose()
    }

    /// Writes what became of an event. One that was delivered stays so: a late report of an attempt beside changes nothing.
    pub async fn record_webhook_delivery(&self, delivery: &WebhookDelivery) -> Result<(), StoreError> {
        let write = Write::put(item_of(delivery))
            .only_if("attribute_not_exists(pk) OR #state <> :delivered")
            .name("#state", "state")
            .value(":delivered", text(WebhookState::Delivered.as_str()));
        self.write(&write.silently()).await.map(|_| ())
    }

    /// Makes an event pending again that was given up or delivered; `false` if it is under way, or not known.
    pub async fn reopen_webhook_delivery(
        &self,
        lottery_id: &LotteryId,
        event_id: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let write = Write::update(
            keys::webhook_delivery(lottery_id, event_id),
            "SET #state = :pending, attempts = :none, #at = :now REMOVE failure",
        )
        .only_if("#state IN (:delivered, :dead)")
        .name("#state", "state")
        .name("#at", "at")
        .value(":pending", text(WebhookState::Pending.as_str()))
        .value(":delivered", text(WebhookState::Delivered.as_str()))
        .value(":dead", text(WebhookState::Dead.as_str()))
        .value(":none", number(0))
        .value(":now", text(now));
        Ok(matches!(self.write(&write.silently()).await?, Outcome::Done))
    }

    /// What became of the events of a lottery, the newest first, `limit` at most.
    pub async fn webhook_deliveries(
        &self,
        lottery_id: &LotteryId,
        limit: usize,
    ) -> Result<Vec<WebhookDelivery>, StoreError> {
        let range = keys::webhook_deliveries(lottery_id);
        let items = self.slice(&range, Order::Ascending, None, MAX_READ).await?.items;
        let mut deliveries = items.iter().map(delivery_from).collect::<Result<Vec<_>, _>>()?;
        deliveries.sort_by_key(|delivery| std::cmp::Reverse(delivery.at));
        deliveries.truncate(limit);
        Ok(deliveries)
    }
}

fn webhook_from(item: &Item) -> Result<Webhook, StoreError> {
    let item = Attributes(item);
    Ok(Webhook {
        url: item.parse("url")?,
        format: item.parse("format")?,
        secret: item.parse("secret")?,
        bot_secret: item.parse_optional("bot_secret")?,
    })
}

fn item_of(delivery: &WebhookDelivery) -> NewItem {
    let WebhookDelivery { event, state, attempts, failure, at } = delivery;
    NewItem::at(keys::webhook_delivery(&event.lottery_id, &event.event_id))
        .with("event", json(event))
        .with("state", text(state.as_str()))
        .with("attempts", number(attempts))
        .with_some("failure", failure.as_ref().map(text))
        .with("at", text(at))
        .with(EXPIRES_AT, number(at.as_second().saturating_add(RETENTION.as_secs())))
}

fn delivery_from(item: &Item) -> Result<WebhookDelivery, StoreError> {
    let item = Attributes(item);
    Ok(WebhookDelivery {
        event: item.json("event")?,
        state: item.parse_with("state", WebhookState::parse)?,
        attempts: item.number("attempts")?,
        failure: item.optional_text("failure")?.map(str::to_owned),
        at: item.timestamp("at")?,
    })
}

/// An event's id as it may be part of a key.
pub fn parse_event_id(text: &str) -> Result<&str, Invalid> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let is_id = (1..=256).contains(&text.len()) && text.bytes().all(is_plain);
    if is_id { Ok(text) } else { Err(lottery::Refusal::NotSlug { most: 256 }.into()) }
}
