//! What came of a draw: official winners, how to reach them, and what they were told.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use lottery::receipt::Receipt;
use lottery::selection::{Ranked, Seat};
use lottery::{
    Channel, Draw, DrawId, EmailAddress, Forfeit, Group, HexBytes, Label, LotteryId, Name, Nonce, Part,
    ParticipantId, PhoneNumber, PrizeName,
};
use serde::{Deserialize, Serialize};

use crate::item::{Attributes, Item};
use crate::store::Table;
use crate::{Store, StoreError, keys};

/// An entry with the prize it won, and who stands behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Winner {
    /// Who won.
    pub participant_id: ParticipantId,
    /// Under which label.
    pub label: Label,
    /// What was won.
    pub prize: PrizeName,
    /// The prize's place in the draw's list, from 0.
    pub prize_index: u32,
    /// The entry's rank in the published ranking, from 1.
    pub rank: u32,
    /// The seat that this winner forfeited, and who took it.
    pub forfeit: Option<Forfeit>,
    /// The rank of the winner who forfeited this seat, if this one took it.
    pub instead_of: Option<u32>,
}

/// A line of a draw's ranking, a winner or an alternate, and who stands behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RankedEntry {
    /// Who.
    pub participant_id: ParticipantId,
    /// The rank, from 1.
    pub rank: u32,
    /// Label, score and seat.
    pub ranked: Ranked,
    /// The part of the pool to which the entry belongs.
    pub part: Part,
}

impl RankedEntry {
    pub(crate) fn from_item(item: &Item) -> Result<Self, StoreError> {
        let item = Attributes(item);
        let part = match item.parse_optional("group")? {
            Some(group) => Part::Group(group),
            None if item.optional_flag("without_group")? => Part::WithoutGroup,
            None => Part::Other,
        };
        Ok(Self {
            participant_id: item.parse("participant_id")?,
            rank: item.number("rank")?,
            ranked: Ranked {
                label: item.parse("label")?,
                prize: item.optional_number("prize_index")?,
                score: item.parse_with("score", HexBytes::parse)?,
                seat: item.json::<Seat>("seat")?,
            },
            part,
        })
    }
}

impl Winner {
    /// Whether the prize is this winner's in the end.
    pub fn has_seat(&self) -> bool {
        self.forfeit.is_none()
    }

    /// The row of a winner names its prize by the place in the draw's list. The row of an alternate names none,
    /// who is a winner if a forfeited seat was taken.
    pub(crate) fn from_item(item: &Item, draw: &Draw) -> Result<Option<Self>, StoreError> {
        let RankedEntry { participant_id, rank, ranked, .. } = RankedEntry::from_item(item)?;
        let taken = draw.taken_by(rank);
        let Some(prize_index) = ranked.prize.or(taken.map(|seat| seat.prize)) else { return Ok(None) };
        let prize = draw.prizes.as_slice().get(prize_index as usize);
        let prize =
            prize.ok_or_else(|| StoreError::Broken(format!("prize_index of draw {}", draw.draw_id)))?;
        let prize = prize.name.clone();
        let (forfeit, instead_of) = (draw.forfeited_by(rank), taken.map(|seat| seat.rank));
        Ok(Some(Self { participant_id, label: ranked.label, prize, prize_index, rank, forfeit, instead_of }))
    }
}

/// How to reach a participant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// Whom.
    pub participant_id: ParticipantId,
    /// By which name.
    pub name: Name,
    /// By SMS.
    pub phone: Option<PhoneNumber>,
    /// By e-mail.
    pub email: Option<EmailAddress>,
    /// Of which group.
    pub group: Option<Group>,
    /// The address's subscription to the lottery's topic.
    pub subscription_arn: Option<String>,
    /// When that subscription was made: its filter policy takes effect some minutes later.
    pub subscribed_at: Option<Timestamp>,
    /// Under which label in every list.
    pub label: Label,
    /// What opens the commitment to who stands behind the label.
    pub nonce: Nonce,
}

impl Contact {
    /// The participant's own key to their entry.
    pub fn receipt(&self) -> Receipt {
        Receipt::new(self.label, &self.nonce, self.participant_id.clone())
    }
}

/// How far one message has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum NotificationState {
    /// To be sent again, by the organiser's word.
    Pending,
    /// About to be sent.
    Claimed,
    /// Accepted for delivery.
    Sent,
    /// Refused.
    Failed,
    /// Handed over without an answer: perhaps sent, and sent again by the organiser's word alone.
    Unknown,
}

impl NotificationState {
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

    /// Whether the message has come to an outcome.
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Sent | Self::Failed | Self::Unknown)
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Pending, Self::Claimed, Self::Sent, Self::Failed, Self::Unknown]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

/// One line of the ledger: one message to one winner on one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// To whom.
    pub participant_id: ParticipantId,
    /// On which channel.
    pub channel: Channel,
    /// Which of the messages that a winner can get.
    pub kind: String,
    /// How far it has come.
    pub state: NotificationState,
    /// The id that SNS gave it.
    pub message_id: Option<String>,
    /// Why it was not sent.
    pub reason: Option<String>,
    /// When it came to its state.
    pub at: Timestamp,
    /// What it was each time before the organiser had it sent again, the oldest first.
    pub earlier: Vec<EarlierAttempt>,
}

/// What a message was before the organiser had it sent again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarlierAttempt {
    /// How far it had come.
    pub state: NotificationState,
    /// The id that SNS or SES gave it.
    pub message_id: Option<String>,
    /// Why it was not sent.
    pub reason: Option<String>,
    /// When it had come to its state.
    pub at: Timestamp,
}

impl Notification {
    pub(crate) fn from_item(item: &Item) -> Result<Self, StoreError> {
        let item = Attributes(item);
        Ok(Self {
            participant_id: item.parse("participant_id")?,
            channel: item.parse_with("channel", Channel::parse)?,
            kind: item.text("kind")?.to_owned(),
            state: item.parse_with("state", |state| NotificationState::parse(state).ok_or(()))?,
            message_id: item.optional_text("message_id")?.map(str::to_owned),
            reason: item.optional_text("reason")?.map(str::to_owned),
            at: item.timestamp("at")?,
            earlier: item.optional_json("earlier")?.unwrap_or_default(),
        })
    }
}

impl Store {
    /// The winners of a draw by rank, those who forfeited their seats too, once they are official; before that, none.
    pub async fn winners(&self, lottery_id: &LotteryId, draw_id: &DrawId) -> Result<Vec<Winner>, StoreError> {
        let draw = self.draw(lottery_id, draw_id).await?;
        let Some(draw) = draw.filter(|draw| draw.status.has_official_winners()) else {
            return Ok(Vec::new());
        };
        let items = self.all(&keys::winners(lottery_id, draw_id)).await?;
        items.iter().filter_map(|item| Winner::from_item(item, &draw).transpose()).collect()
    }

    /// The published ranking of a draw, winners and alternates; none before the winners are official.
    pub async fn ranking(&self, draw: &Draw) -> Result<Option<Vec<RankedEntry>>, StoreError> {
        if !draw.status.has_official_winners() {
            return Ok(None);
        }
        self.ranked_entries(&draw.lottery_id, &draw.draw_id).await.map(Some)
    }

    /// The ranking of a draw as it is written, be it official or not.
    pub async fn ranked_entries(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
    ) -> Result<Vec<RankedEntry>, StoreError> {
        let items = self.all(&keys::winners(lottery_id, draw_id)).await?;
        items.iter().map(RankedEntry::from_item).collect()
    }

    /// How to reach these winners, as far as they have not withdrawn. An id may be given to somebody else after a
    /// withdrawal: who won is said by the label.
    pub async fn contacts_of(
        &self,
        lottery_id: &LotteryId,
        winners: &[Winner],
    ) -> Result<HashMap<ParticipantId, Contact>, StoreError> {
        self.contacts_behind(lottery_id, winners.iter().map(|winner| (&winner.participant_id, winner.label)))
            .await
    }

    /// How to reach those who stand behind these ids and labels, as far as they have not withdrawn.
    pub async fn contacts_behind<'a>(
        &self,
        lottery_id: &LotteryId,
        people: impl IntoIterator<Item = (&'a ParticipantId, Label)>,
    ) -> Result<HashMap<ParticipantId, Contact>, StoreError> {
        let (ids, labels): (Vec<_>, HashSet<_>) =
            people.into_iter().map(|(id, label)| (id.clone(), label)).unzip();
        let contacts = self.contacts(lottery_id, &ids).await?.into_iter();
        let theirs = contacts.filter(|contact| labels.contains(&contact.label));
        Ok(theirs.map(|contact| (contact.participant_id.clone(), contact)).collect())
    }

    /// How to reach these participants, as far as they have not withdrawn; in no order.
    pub async fn contacts(
        &self,
        lottery_id: &LotteryId,
        participant_ids: &[ParticipantId],
    ) -> Result<Vec<Contact>, StoreError> {
        let distinct: HashSet<_> = participant_ids.iter().collect();
        let keys: Vec<_> = distinct.into_iter().map(|id| keys::contact(lottery_id, id)).collect();
        let items = self.get_many(Table::Contacts, &keys).await?;
        items.iter().map(contact_from).collect()
    }

    /// The ledger of a draw.
    pub async fn notifications(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
    ) -> Result<Vec<Notification>, StoreError> {
        let items = self.all(&keys::notifications(lottery_id, draw_id)).await?;
        items.iter().map(Notification::from_item).collect()
    }
}

fn contact_from(item: &Item) -> Result<Contact, StoreError> {
    let item = Attributes(item);
    Ok(Contact {
        participant_id: item.parse("participant_id")?,
        name: item.parse("name")?,
        phone: item.parse_optional("phone")?,
        email: item.parse_optional("email")?,
        group: item.parse_optional("group")?,
        subscription_arn: item.optional_text("subscription_arn")?.map(str::to_owned),
        subscribed_at: item.parse_optional("subscribed_at")?,
        label: item.parse("label")?,
        nonce: Nonce::from_random(item.bytes32("nonce")?),
    })
}
