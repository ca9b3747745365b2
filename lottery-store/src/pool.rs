//! The pool of a lottery as a draw reads it: its participants in the order of labels.

use lottery::binding::{Identity, Link};
use lottery::fingerprint::Fingerprints;
use lottery::{Group, Holder, Label, LotteryId, ParticipantId, Tickets};

use crate::item::{Attributes, Item};
use crate::read::Order;
use crate::store::Table;
use crate::{Store, StoreError, keys};

/// The maximum number of items in a page. A response of DynamoDB holds 1 MB, some 3,500 items of 300 bytes each; but
/// the embedded DynamoDB fetches every item up to the limit before it adds up their sizes.
const PAGE: usize = 4_096;

/// A participant as the drawing role may see it: nothing personal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolMember {
    /// The organiser's own id of the participant.
    pub participant_id: ParticipantId,
    /// The random label in the pool, and in every list of a lottery whose manifests have the first version.
    pub label: Label,
    /// The number of chances.
    pub tickets: Tickets,
    /// The group, if the participant is in one.
    pub group: Option<Group>,
    /// The commitment to the id of the participant, for manifests of the first version.
    pub holder: Holder,
    /// What labels and holders follow from in manifests of the second version; none if older code has stored the participant.
    pub binding: Option<(Link, Identity)>,
    /// What later draws recognise a winner by.
    pub fingerprints: Option<Fingerprints>,
    /// Whether the organiser has excluded the participant from winning.
    pub excluded: bool,
    /// Whether the participant is marked as present.
    pub present: bool,
}

/// Reads a pool page by page. Each participant is read once, strongly consistent.
#[derive(Debug)]
pub struct PoolReader<'a> {
    store: &'a Store,
    lottery_id: LotteryId,
    /// The partitions that are still to be read.
    digits: std::str::Chars<'static>,
    /// The partition being read, and the label after which to continue.
    reading: Option<(char, Option<String>)>,
}

impl PoolReader<'_> {
    /// The next members of the pool, by label: at most one response of DynamoDB. None at the end of the pool.
    pub async fn next(&mut self) -> Result<Option<Vec<PoolMember>>, StoreError> {
        loop {
            let next = self.reading.take().or_else(|| self.digits.next().map(|digit| (digit, None)));
            let Some((digit, after)) = next else { return Ok(None) };
            let range = keys::pool(&self.lottery_id, digit);
            let slice = self.store.slice(&range, Order::Ascending, after.as_deref(), PAGE).await?;
            self.reading = slice.last.map(|last| (digit, Some(last)));
            if !slice.items.is_empty() {
                return slice.items.iter().map(pool_member_from).collect::<Result<_, _>>().map(Some);
            }
        }
    }
}

impl Store {
    /// The pool of a lottery in the order of labels.
    pub fn pool(&self, lottery_id: &LotteryId) -> PoolReader<'_> {
        let digits = keys::POOL_DIGITS.chars();
        PoolReader { store: self, lottery_id: lottery_id.clone(), digits, reading: None }
    }

    /// The members of the pool whose labels begin with these digits, by label: at most so many.
    pub async fn pool_members_beginning(
        &self,
        lottery_id: &LotteryId,
        digits: &str,
        limit: usize,
    ) -> Result<Vec<PoolMember>, StoreError> {
        let Some(digit) = digits.chars().next() else { return Ok(Vec::new()) };
        // The digits come before every label that begins with them.
        let range = keys::pool(lottery_id, digit);
        let slice = self.slice(&range, Order::Ascending, Some(digits), limit).await?;
        let members = slice.items.iter().map(pool_member_from).collect::<Result<Vec<_>, _>>()?;
        Ok(members.into_iter().take_while(|member| member.label.as_str().starts_with(digits)).collect())
    }

    /// The members of the pool who have these labels and have not withdrawn, in no order.
    pub async fn pool_members(
        &self,
        lottery_id: &LotteryId,
        labels: &[Label],
    ) -> Result<Vec<PoolMember>, StoreError> {
        let keys: Vec<_> = labels.iter().map(|label| keys::participant(lottery_id, label)).collect();
        let items = self.get_many(Table::Lottery, &keys).await?;
        items.iter().map(pool_member_from).collect()
    }
}

fn pool_member_from(item: &Item) -> Result<PoolMember, StoreError> {
    let item = Attributes(item);
    let tickets: u32 = item.number("tickets")?;
    let broken = |name: &str| StoreError::Broken(format!("attribute {name}"));
    let binding = match item.optional_bytes("link")? {
        None => None,
        Some(_) => {
            Some((Link::from_bytes(item.bytes32("link")?), Identity::from_bytes(item.bytes32("identity")?)))
        }
    };
    let fingerprints = item.optional_bytes("fingerprints")?;
    let fingerprints = fingerprints
        .map(|bytes| Fingerprints::from_bytes(bytes).ok_or_else(|| broken("fingerprints")))
        .transpose()?;
    Ok(PoolMember {
        participant_id: item.parse("participant_id")?,
        label: item.parse("label")?,
        tickets: Tickets::try_from(tickets).map_err(|_| broken("tickets"))?,
        group: item.parse_optional("group")?,
        holder: item.parse_with("holder", Holder::parse)?,
        excluded: item.optional_flag("excluded")?,
        binding,
        fingerprints,
        present: item.optional_flag("present")?,
    })
}
