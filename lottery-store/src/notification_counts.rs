//! The counters of sent, failed and unknown messages on a draw's item: those who watch a draw read that item alone.

use lottery::{Channel, DrawId, LotteryId, NotificationCounts, NotificationsByChannel};

use crate::item::{Attributes, number};
use crate::write::Write;
use crate::{NotificationKind, Store, StoreError, keys};

/// Sets every counter, with the values that [`values`] adds.
pub(crate) const SET: &str = "sms_sent = :sms_sent, sms_failed = :sms_failed, sms_unknown = :sms_unknown, \
                              email_sent = :email_sent, email_failed = :email_failed, email_unknown = :email_unknown";
/// Adds to every counter.
pub(crate) const ADD: &str = "ADD sms_sent :sms_sent, sms_failed :sms_failed, sms_unknown :sms_unknown, \
                              email_sent :email_sent, email_failed :email_failed, email_unknown :email_unknown";

/// The values that [`SET`] and [`ADD`] name.
pub(crate) fn values(write: Write, counts: &NotificationsByChannel) -> Write {
    differences(write, counts, &NotificationsByChannel::default())
}

/// The values that [`ADD`] names: `more` minus `less`.
pub(crate) fn differences(
    mut write: Write,
    more: &NotificationsByChannel,
    less: &NotificationsByChannel,
) -> Write {
    let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    for channel in Channel::ALL {
        let (more, less) = (more.on(channel), less.on(channel));
        for (name, more, less) in [
            ("sent", more.sent, less.sent),
            ("failed", more.failed, less.failed),
            ("unknown", more.unknown, less.unknown),
        ] {
            let difference = signed(more) - signed(less);
            write = write.value(&format!(":{}_{name}", prefix(channel)), number(difference));
        }
    }
    write
}

/// The counters of a draw's item.
pub(crate) fn from_draw_item(item: Attributes<'_>) -> Result<NotificationsByChannel, StoreError> {
    let mut counts = NotificationsByChannel::default();
    for channel in Channel::ALL {
        let count = |name: &str| {
            let counted: i64 =
                item.optional_number(&format!("{}_{name}", prefix(channel)))?.unwrap_or_default();
            // If a run died before it counted, a later subtraction may make the counter negative.
            Ok::<_, StoreError>(counted.max(0).unsigned_abs())
        };
        *counts.on_mut(channel) = NotificationCounts {
            claimed: 0,
            sent: count("sent")?,
            failed: count("failed")?,
            unknown: count("unknown")?,
        };
    }
    Ok(counts)
}

/// The counters of messages of a kind to those on the sealed list.
pub(crate) fn counts_of(
    item: Attributes<'_>,
    kind: NotificationKind,
) -> Result<NotificationCounts, StoreError> {
    let count = |state: &str| {
        let counted: Option<u64> = item.optional_number(&format!("{}_{state}", kind.as_str()))?;
        Ok::<_, StoreError>(counted.unwrap_or_default())
    };
    let (sent, failed) = (count("sent")?, count("failed")?);
    Ok(NotificationCounts { claimed: 0, sent, failed, unknown: count("unknown")? })
}

fn prefix(channel: Channel) -> &'static str {
    match channel {
        Channel::Sms => "sms",
        Channel::Email => "email",
    }
}

impl Store {
    /// Adds `counts` to the draw's counters of messages of a kind to those on the sealed list.
    pub async fn count_told(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        kind: NotificationKind,
        counts: &NotificationCounts,
    ) -> Result<(), StoreError> {
        let kind = kind.as_str();
        let add = format!("ADD {kind}_sent :sent, {kind}_failed :failed, {kind}_unknown :unknown");
        let count = Write::update(keys::draw(lottery_id, draw_id), add)
            .only_if("attribute_exists(pk)")
            .value(":sent", number(counts.sent))
            .value(":failed", number(counts.failed))
            .value(":unknown", number(counts.unknown));
        self.write(&count).await.map(|_| ())
    }

    /// Adds `counts` to the counters of the draw.
    pub async fn count_notifications(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        counts: &NotificationsByChannel,
    ) -> Result<(), StoreError> {
        let count = Write::update(keys::draw(lottery_id, draw_id), ADD).only_if("attribute_exists(pk)");
        self.write(&values(count, counts)).await.map(|_| ())
    }
}
