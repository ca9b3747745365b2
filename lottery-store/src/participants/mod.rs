//! Participants: imported, listed, withdrawn.
//!
//! A participant is two items written in one transaction: label, nonce commitment and tickets in the Lottery
//! table, which is all that a draw reads, and the contact with everything personal. Each phone number and
//! e-mail address is an item of its own, so that it is unique within a lottery. The same transactions keep the counts of
//! the list ([`counts`]) and the former contacts of the participants that an import changes ([`journal`]).
//!
//! In reading order: [`put`] writes participants, [`changes`] says what that takes, [`plan`] says what it would do; [`import`]
//! is what belongs together of them, [`pieces`] what its pieces have in common, [`replace`] withdraws who is no longer on a list,
//! [`undo`] takes an import back; [`list`] is for reading.

mod changes;
mod counts;
mod import;
mod journal;
mod list;
mod pieces;
mod plan;
mod presence;
mod put;
mod replace;
mod undo;
mod withdraw;

use jiff::Timestamp;
use lottery::binding::{Identity, Link, pool_label};
use lottery::fingerprint::FingerprintKey;
use lottery::joining::mailbox_of;
use lottery::{
    EmailAddress, Group, Holder, Label, LotteryId, Name, Nonce, OwnWords, Participant, ParticipantId,
    PhoneNumber, Tickets,
};

use crate::item::{Attributes, Item, NewItem, bytes, flag, number, text};
use crate::keys::Key;
use crate::{StoreError, keys};

pub(crate) use counts::counted_from_the_beginning;
pub use counts::{MAX_GROUPS, ParticipantCounts};
pub use import::{BeginImport, Import, ImportCounts, ImportMode, ImportState};
pub use list::{GroupIs, ListAnswer, ListQuery, MAX_SORTED, Only, Sort};
pub use plan::{ImportPlan, PlanCounts, Planned};
pub use presence::Presence;
pub use put::{Joined, PutParticipant, Recorded};
pub use replace::{Replacement, WithdrawStep};
pub use undo::{Resubscribe, UndoImport, UndoStep};
pub use withdraw::Withdrawal;

/// How many items of a partition are asked for at once where all of them are read: some of what an answer of DynamoDB holds.
const PAGE: usize = 1_000;

/// A participant as the organiser's list shows it; masking is up to the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParticipantSummary {
    /// The organiser's own id of the person.
    pub participant_id: ParticipantId,
    /// The person's name.
    pub name: Name,
    /// Where an SMS reaches the person.
    pub phone: Option<PhoneNumber>,
    /// Where an e-mail reaches the person.
    pub email: Option<EmailAddress>,
    /// The part of the pool to which the person belongs.
    pub group: Option<Group>,
    /// The person's chances.
    pub tickets: Tickets,
    /// Whether the organiser keeps the person from winning.
    pub excluded: bool,
    /// When the person was first imported.
    pub registered_at: Timestamp,
    /// When the person was marked as present, if they are.
    pub present_at: Option<Timestamp>,
    /// What the person answered when they joined.
    pub answer: Option<OwnWords>,
    /// The random label in every list.
    pub label: Label,
}

/// A contact as it is stored: the participant, and what was given at the first import.
#[derive(Debug, Clone)]
struct StoredContact {
    participant: Participant,
    label: Label,
    nonce: Nonce,
    registered_at: Timestamp,
    subscription_arn: Option<String>,
    subscribed_at: Option<Timestamp>,
    /// The import that wrote it, unless somebody else has changed it since.
    import: Option<u64>,
    /// Whether that import brought the person in.
    is_new: bool,
    /// When they were marked as present.
    present_at: Option<Timestamp>,
    /// What they answered when they joined.
    answer: Option<OwnWords>,
    /// Whether they hold their whole mailbox, aliases included.
    holds_mailbox: bool,
    /// Grows with each change, so that a change rests on what was read.
    revision: u64,
}

impl StoredContact {
    fn new(participant: Participant, now: Timestamp) -> Self {
        let nonce = Nonce::from_random(rand::random());
        Self {
            participant,
            label: pool_label(&nonce),
            nonce,
            registered_at: now,
            subscription_arn: None,
            subscribed_at: None,
            import: None,
            is_new: false,
            present_at: None,
            answer: None,
            holds_mailbox: false,
            revision: 1,
        }
    }

    /// The items by which its addresses stand once per lottery, each with its field's name.
    fn address_keys(&self, lottery_id: &LotteryId) -> Vec<(&'static str, Key)> {
        wanted_keys(lottery_id, &self.participant, self.holds_mailbox)
    }

    fn contact_item(&self, lottery_id: &LotteryId) -> NewItem {
        self.at(keys::contact(lottery_id, &self.participant.participant_id))
    }

    /// The contact as an item at this key.
    fn at(&self, key: Key) -> NewItem {
        let participant = &self.participant;
        NewItem::sized(key, 17)
            .with("participant_id", text(&participant.participant_id))
            .with("name", text(&participant.name))
            .with_some("phone", participant.phone.as_ref().map(text))
            .with_some("email", participant.email.as_ref().map(text))
            .with_some("group", participant.group.as_ref().map(text))
            .with("tickets", number(participant.tickets.get()))
            .with_some("excluded", participant.excluded.then_some(flag(true)))
            .with("label", text(self.label))
            .with("nonce", bytes(self.nonce.as_bytes().as_slice()))
            .with("registered_at", text(self.registered_at))
            .with_some("subscription_arn", self.subscription_arn.as_ref().map(text))
            .with_some("subscribed_at", self.subscribed_at.map(text))
            .with_some("import", self.import.map(number))
            .with_some("is_new", self.is_new.then_some(flag(true)))
            .with_some("present_at", self.present_at.map(text))
            .with_some("answer", self.answer.as_ref().map(text))
            .with_some("holds_mailbox", self.holds_mailbox.then_some(flag(true)))
            .with("revision", number(self.revision))
    }

    /// What a draw reads: no name, no address, and the nonce only in commitments and in what labels follow from. (`holder` is
    /// for lotteries whose manifests have the first version.)
    fn participant_item(&self, lottery_id: &LotteryId, key: &FingerprintKey) -> NewItem {
        let participant = &self.participant;
        NewItem::sized(keys::participant(lottery_id, &self.label), 10)
            .with("participant_id", text(&participant.participant_id))
            .with("label", text(self.label))
            .with("holder", text(Holder::commit(&self.nonce, &participant.participant_id)))
            .with("link", bytes(Link::of(&self.nonce).as_bytes().as_slice()))
            .with("identity", bytes(Identity::of(&self.nonce, participant).as_bytes().as_slice()))
            .with("fingerprints", bytes(key.of(participant).to_bytes()))
            .with("tickets", number(participant.tickets.get()))
            .with_some("group", participant.group.as_ref().map(text))
            .with_some("excluded", participant.excluded.then_some(flag(true)))
            .with_some("present", self.present_at.map(|_| flag(true)))
    }

    fn from_item(item: &Item) -> Result<Self, StoreError> {
        let attributes = Attributes(item);
        let summary = ParticipantSummary::from_item(item)?;
        Ok(Self {
            registered_at: summary.registered_at,
            participant: Participant {
                participant_id: summary.participant_id,
                name: summary.name,
                phone: summary.phone,
                email: summary.email,
                group: summary.group,
                tickets: summary.tickets,
                excluded: summary.excluded,
            },
            label: summary.label,
            present_at: summary.present_at,
            answer: summary.answer,
            holds_mailbox: attributes.optional_flag("holds_mailbox")?,
            nonce: Nonce::from_random(attributes.bytes32("nonce")?),
            subscription_arn: attributes.optional_text("subscription_arn")?.map(str::to_owned),
            subscribed_at: attributes.parse_optional("subscribed_at")?,
            import: attributes.optional_number("import")?,
            is_new: attributes.optional_flag("is_new")?,
            revision: attributes.number("revision")?,
        })
    }
}

impl ParticipantSummary {
    fn from_item(item: &Item) -> Result<Self, StoreError> {
        let item = Attributes(item);
        let tickets: u32 = item.number("tickets")?;
        Ok(Self {
            participant_id: item.parse("participant_id")?,
            name: item.parse("name")?,
            phone: item.parse_optional("phone")?,
            email: item.parse_optional("email")?,
            group: item.parse_optional("group")?,
            tickets: Tickets::try_from(tickets).map_err(|_| StoreError::Broken("tickets".to_owned()))?,
            excluded: item.optional_flag("excluded")?,
            registered_at: item.timestamp("registered_at")?,
            present_at: item.parse_optional("present_at")?,
            answer: item.parse_optional("answer")?,
            label: item.parse("label")?,
        })
    }
}

/// The items by which a participant's addresses stand once per lottery, each with its field's name.
fn address_keys(lottery_id: &LotteryId, participant: &Participant) -> Vec<(&'static str, Key)> {
    let phone = participant.phone.as_ref().map(|phone| ("phone", keys::phone(lottery_id, phone)));
    let email = participant.email.as_ref().map(|email| ("email", keys::email(lottery_id, email)));
    phone.into_iter().chain(email).collect()
}

/// The same, with the whole mailbox, aliases included, if it is to stand once.
fn wanted_keys(
    lottery_id: &LotteryId,
    participant: &Participant,
    holds_mailbox: bool,
) -> Vec<(&'static str, Key)> {
    let mut wanted = address_keys(lottery_id, participant);
    if let Some(email) = participant.email.as_ref().filter(|_| holds_mailbox) {
        wanted.push(("email", keys::mailbox(lottery_id, &mailbox_of(email))));
    }
    wanted
}
