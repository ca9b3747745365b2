//! Records delivery reports of SES in the ledger: for UNKNOWN messages, and for messages that bounced. The events of a
//! configuration set come through EventBridge, and have the tags of the message.
//!
//! Events: <https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html>

use std::collections::HashMap;

use lottery::{Channel, DrawId, Label, LotteryId};
use lottery_store::Delivery;
use serde::{Deserialize, Serialize};
use tracing::{Span, info_span};

use crate::{TaskContext, TaskError, TaskInput};

/// An event of EventBridge from SES.
#[derive(Debug, Deserialize)]
pub struct Input {
    detail: Detail,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    event_type: String,
    mail: Mail,
    bounce: Option<Bounce>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mail {
    message_id: String,
    #[serde(default)]
    tags: HashMap<String, Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounce {
    bounce_type: String,
}

/// The result.
#[derive(Debug, Serialize)]
pub struct Output {
    /// Whether the event changed the ledger.
    recorded: bool,
}

impl TaskInput for Input {
    fn span(&self) -> Span {
        let [lottery_id, draw_id] = ["lottery_id", "draw_id"].map(|name| self.tag(name).unwrap_or_default());
        info_span!("delivery", lottery_id, draw_id, event = self.detail.event_type)
    }
}

impl Input {
    fn tag(&self, name: &str) -> Option<&str> {
        self.detail.mail.tags.get(name)?.first().map(String::as_str)
    }

    /// The message that the event is about; none if this service did not send it.
    fn message(&self) -> Option<(LotteryId, DrawId, Label)> {
        let lottery_id = LotteryId::parse(self.tag("lottery_id")?).ok()?;
        let draw_id = DrawId::parse(self.tag("draw_id")?).ok()?;
        Some((lottery_id, draw_id, self.tag("label")?.parse().ok()?))
    }

    /// The report on the message. A transient bounce, such as an automatic reply, does not change a SENT message.
    fn delivery(&self) -> Option<Delivery> {
        match self.detail.event_type.as_str() {
            "Send" | "Delivery" | "Complaint" => Some(Delivery::Accepted),
            "Reject" => Some(Delivery::Failed("Rejected")),
            "Bounce" => match self.detail.bounce.as_ref()?.bounce_type.as_str() {
                "Transient" => Some(Delivery::FailedIfUnknown("Bounced")),
                _ => Some(Delivery::Failed("Bounced")),
            },
            _ => None,
        }
    }
}

/// Records an event. Events may come twice, in any order, and for messages that are not in any ledger.
pub async fn handle(cx: &TaskContext, input: Input) -> Result<Output, TaskError> {
    let (Some((lottery_id, draw_id, label)), Some(delivery)) = (input.message(), input.delivery()) else {
        return Ok(Output { recorded: false });
    };
    let message_id = &input.detail.mail.message_id;
    let mut members = cx.store.pool_members(&lottery_id, &[label]).await?;
    let participant_id = match members.pop() {
        Some(member) => member.participant_id,
        // A participant who has withdrawn since is in the ranking.
        None => {
            let ranking = cx.store.ranked_entries(&lottery_id, &draw_id).await?;
            match ranking.into_iter().find(|entry| entry.member == label) {
                Some(entry) => entry.participant_id,
                None => return Ok(Output { recorded: false }),
            }
        }
    };
    let recorded = cx
        .store
        .record_delivery(
            &lottery_id,
            &draw_id,
            &participant_id,
            Channel::Email,
            message_id,
            delivery,
            cx.clock.now(),
        )
        .await?;
    Ok(Output { recorded })
}
