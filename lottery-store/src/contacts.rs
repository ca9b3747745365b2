//! How participants are reached: names, addresses and receipts, from the table of contacts.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use lottery::joining::mailbox_of;
use lottery::manifest::Version;
use lottery::receipt::Receipt;
use lottery::{
    Address, EmailAddress, Group, Label, LotteryId, Name, Nonce, Participant, ParticipantId, PhoneNumber,
    Tickets,
};

use crate::item::{Attributes, Item};
use crate::keys::Key;
use crate::store::Table;
use crate::winners::Winner;
use crate::{Store, StoreError, keys};

/// How a participant is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// The participant.
    pub participant_id: ParticipantId,
    /// The name in messages.
    pub name: Name,
    /// The phone number for SMS.
    pub phone: Option<PhoneNumber>,
    /// The e-mail address.
    pub email: Option<EmailAddress>,
    /// The group, if the participant is in one.
    pub group: Option<Group>,
    /// The address's subscription to the lottery's topic.
    pub subscription_arn: Option<String>,
    /// When that subscription was made: its filter policy takes effect some minutes later.
    pub subscribed_at: Option<Timestamp>,
    /// The label of the participant in the pool.
    pub label: Label,
    /// The participant's secret: labels and holders follow from it.
    pub nonce: Nonce,
    /// Whether the participant is marked as present.
    pub is_present: bool,
}

impl Contact {
    /// The receipt with which the participant finds and checks their own entry in draws of this version.
    pub fn receipt(&self, version: Version) -> Receipt {
        let participant = Participant {
            participant_id: self.participant_id.clone(),
            name: self.name.clone(),
            phone: self.phone.clone(),
            email: self.email.clone(),
            group: None,
            tickets: Tickets::ONE,
            excluded: false,
        };
        Receipt::new(version, self.label, &self.nonce, &participant)
    }

    fn from_item(item: &Item) -> Result<Self, StoreError> {
        let item = Attributes(item);
        Ok(Self {
            participant_id: item.parse("participant_id")?,
            name: item.parse("name")?,
            phone: item.parse_optional("phone")?,
            email: item.parse_optional("email")?,
            group: item.parse_optional("group")?,
            subscription_arn: item.optional_text("subscription_arn")?.map(str::to_owned),
            subscribed_at: item.parse_optional("subscribed_at")?,
            label: item.parse("label")?,
            nonce: Nonce::from_random(item.bytes32("nonce")?),
            is_present: item.optional_text("present_at")?.is_some(),
        })
    }
}

impl Store {
    /// The contacts of these winners, without those who have withdrawn. An id may be given to another person after a
    /// withdrawal: the label says who won.
    pub async fn contacts_of(
        &self,
        lottery_id: &LotteryId,
        winners: &[Winner],
    ) -> Result<HashMap<ParticipantId, Contact>, StoreError> {
        let people = winners.iter().map(|winner| (&winner.participant_id, winner.member));
        self.contacts_labelled(lottery_id, people).await
    }

    /// The contacts of the participants with these ids who still have these labels in the pool.
    pub async fn contacts_labelled<'a>(
        &self,
        lottery_id: &LotteryId,
        people: impl IntoIterator<Item = (&'a ParticipantId, Label)>,
    ) -> Result<HashMap<ParticipantId, Contact>, StoreError> {
        let (ids, labels): (Vec<_>, HashSet<_>) =
            people.into_iter().map(|(id, label)| (id.clone(), label)).unzip();
        let contacts = self.contacts(lottery_id, &ids).await?.into_iter();
        let same_person = contacts.filter(|contact| labels.contains(&contact.label));
        Ok(same_person.map(|contact| (contact.participant_id.clone(), contact)).collect())
    }

    /// The contact that has this address in a lottery.
    pub async fn contact_at(
        &self,
        lottery_id: &LotteryId,
        address: &Address,
    ) -> Result<Option<Contact>, StoreError> {
        let key = match address {
            Address::Phone(phone) => keys::phone(lottery_id, phone),
            Address::Email(email) => keys::email(lottery_id, email),
        };
        self.contact_behind(lottery_id, key).await
    }

    /// The contact that holds the mailbox of this address, aliases included, in a lottery.
    pub async fn contact_of_mailbox(
        &self,
        lottery_id: &LotteryId,
        email: &EmailAddress,
    ) -> Result<Option<Contact>, StoreError> {
        let mailbox = mailbox_of(email);
        let holder = self.contact_behind(lottery_id, keys::mailbox(lottery_id, &mailbox)).await?;
        match (holder, EmailAddress::parse(&mailbox)) {
            (None, Ok(plain)) => self.contact_at(lottery_id, &Address::Email(plain)).await,
            (holder, _) => Ok(holder),
        }
    }

    async fn contact_behind(&self, lottery_id: &LotteryId, key: Key) -> Result<Option<Contact>, StoreError> {
        let Some(item) = self.get(&key).await? else { return Ok(None) };
        let participant_id: ParticipantId = Attributes(&item).parse("participant_id")?;
        Ok(self.contacts(lottery_id, &[participant_id]).await?.pop())
    }

    /// The contacts of these participants, without those who have withdrawn; in no order.
    pub async fn contacts(
        &self,
        lottery_id: &LotteryId,
        participant_ids: &[ParticipantId],
    ) -> Result<Vec<Contact>, StoreError> {
        let distinct: HashSet<_> = participant_ids.iter().collect();
        let keys: Vec<_> = distinct.into_iter().map(|id| keys::contact(lottery_id, id)).collect();
        let items = self.get_many(Table::Contacts, &keys).await?;
        items.iter().map(Contact::from_item).collect()
    }
}
