//! The organiser's list: by participant id over all shards, searched and filtered as it is read; or in another order.
//!
//! By id is the order in which the shards are kept, so that a page costs what it holds. Any other order needs the whole
//! list read for each page, of which only the page is held: it is for lists of up to [`MAX_SORTED`].

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashSet, VecDeque};

use futures_util::future::try_join_all;
use lottery::receipt::short_code;
use lottery::search::{Search, fold};
use lottery::{Group, LotteryId, ParticipantId, PhoneNumber};

use super::{PAGE, ParticipantSummary};
use crate::item::Attributes;
use crate::keys::{PARTICIPANT, Range, SHARDS};
use crate::read::Order;
use crate::store::Table;
use crate::{Page, Store, StoreError, keys};

/// How many participants one page of a search scans; a search with few matches continues from the cursor.
const MAX_SCANNED: usize = 10_000;
/// How many participants a shard is asked for at once.
const SMALLEST_SLICE: usize = 8;
const SEARCH_SLICE: usize = 200;

/// Lists of more people are given by id alone.
pub const MAX_SORTED: u64 = 100_000;

/// What part of a list is asked for, and in what order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// A part of an id, a name, an address or a group; compared without case, width and blanks.
    pub search: Option<String>,
    /// Searches ids and groups alone: who sees the rest masked should not find it either.
    pub is_masked: bool,
    /// Only these.
    pub only: Option<Only>,
    /// Only of this group.
    pub group: Option<GroupIs>,
    /// The order.
    pub sort: Sort,
    /// The cursor of the page before.
    pub cursor: Option<String>,
    /// How many, at most: 1 to 1000 by id, 1 to [`MAX_SORTED`] in another order.
    pub limit: usize,
}

/// Of which group somebody is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupIs {
    /// Of this one.
    Named(Group),
    /// Of none.
    Absent,
}

/// Some of the people on a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Only {
    /// Those with a phone number.
    WithPhone,
    /// Those with an e-mail address.
    WithEmail,
    /// Those with neither.
    Unreachable,
    /// Those whom the organiser keeps from winning.
    Excluded,
    /// Those who are marked as present.
    Present,
}

/// The order of a list. Ties are ordered by id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sort {
    /// By id.
    #[default]
    Id,
    /// By name, without case and width.
    Name,
    /// By group, those without one last.
    Group,
    /// The most chances first.
    Tickets,
    /// Who came last first.
    Newest,
}

/// What came of asking for a part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListAnswer {
    /// The part.
    Page(Page<ParticipantSummary>),
    /// The list has more than [`MAX_SORTED`] people, and can be had by id alone.
    TooManyToSort {
        /// How many it has.
        total: u64,
    },
}

/// One shard, read slice by slice.
struct Shard {
    range: Range,
    slice: usize,
    buffer: VecDeque<ParticipantSummary>,
    behind: Option<String>,
    exhausted: bool,
}

impl Shard {
    /// Reads on if what was read is used up.
    async fn fill(&mut self, store: &Store) -> Result<(), StoreError> {
        while self.buffer.is_empty() && !self.exhausted {
            let behind = self.behind.as_deref();
            let slice = store.slice(&self.range, Order::Ascending, behind, self.slice).await?;
            self.exhausted = slice.last.is_none();
            self.behind = slice.last;
            self.buffer =
                slice.items.iter().map(ParticipantSummary::from_item).collect::<Result<_, StoreError>>()?;
        }
        Ok(())
    }
}

/// All shards of a lottery as one list, by participant id.
struct Shards(Vec<Shard>);

impl Shards {
    fn new(lottery_id: &LotteryId, behind: Option<&ParticipantId>, slice: usize) -> Self {
        let shard = |number| Shard {
            range: keys::contacts(lottery_id, number),
            slice,
            buffer: VecDeque::new(),
            behind: behind.map(|id| format!("{PARTICIPANT}{id}")),
            exhausted: false,
        };
        Self((0..SHARDS).map(shard).collect())
    }

    /// The shard that holds the next participant; none at the end of the list.
    async fn next(&mut self, store: &Store) -> Result<Option<&mut Shard>, StoreError> {
        try_join_all(self.0.iter_mut().map(|shard| shard.fill(store))).await?;
        let heads = self.0.iter_mut().filter(|shard| !shard.buffer.is_empty());
        Ok(heads.min_by(|one, other| one.buffer[0].participant_id.cmp(&other.buffer[0].participant_id)))
    }
}

impl Store {
    /// Those on the list who have one of these phone numbers, in the order of their ids.
    pub async fn participants_with_phones(
        &self,
        lottery_id: &LotteryId,
        phones: &HashSet<PhoneNumber>,
    ) -> Result<Vec<ParticipantSummary>, StoreError> {
        let keys: Vec<_> = phones.iter().map(|phone| keys::phone(lottery_id, phone)).collect();
        let holders = self.get_many(Table::Contacts, &keys).await?;
        let mut contacts = Vec::with_capacity(holders.len());
        for holder in &holders {
            let participant_id: ParticipantId = Attributes(holder).parse("participant_id")?;
            contacts.push(keys::contact(lottery_id, &participant_id));
        }
        let found = self.get_many(Table::Contacts, &contacts).await?;
        let mut people: Vec<_> = found.iter().map(ParticipantSummary::from_item).collect::<Result<_, _>>()?;
        people.retain(|person| person.phone.as_ref().is_some_and(|phone| phones.contains(phone)));
        people.sort_by(|one, other| one.participant_id.as_str().cmp(other.participant_id.as_str()));
        Ok(people)
    }

    /// A page of the participants, by id. A search keeps those whose id, name, address or group holds the text,
    /// in any case and width; its pages may hold fewer than asked for, even none, and still have a next.
    pub async fn participants(
        &self,
        lottery_id: &LotteryId,
        cursor: Option<&str>,
        limit: usize,
        search: Option<&str>,
    ) -> Result<Page<ParticipantSummary>, StoreError> {
        let (search, cursor) = (search.map(str::to_owned), cursor.map(str::to_owned));
        self.page_by_id(lottery_id, &ListQuery { search, cursor, limit, ..ListQuery::default() }).await
    }

    /// A part of the list of a lottery. A page may hold fewer than asked for, even none, and still have a next.
    pub async fn list(&self, lottery_id: &LotteryId, query: &ListQuery) -> Result<ListAnswer, StoreError> {
        if query.sort == Sort::Id {
            return self.page_by_id(lottery_id, query).await.map(ListAnswer::Page);
        }
        let total = self.participant_counts(lottery_id).await?.total;
        if total > MAX_SORTED {
            return Ok(ListAnswer::TooManyToSort { total });
        }
        self.page_sorted(lottery_id, query).await.map(ListAnswer::Page)
    }

    /// One participant.
    pub async fn participant(
        &self,
        lottery_id: &LotteryId,
        participant_id: &ParticipantId,
    ) -> Result<Option<ParticipantSummary>, StoreError> {
        let item = self.get(&keys::contact(lottery_id, participant_id)).await?;
        item.as_ref().map(ParticipantSummary::from_item).transpose()
    }

    async fn page_by_id(
        &self,
        lottery_id: &LotteryId,
        query: &ListQuery,
    ) -> Result<Page<ParticipantSummary>, StoreError> {
        let behind = query.cursor.as_deref().map(ParticipantId::parse).transpose();
        let behind = behind.map_err(|_| StoreError::InvalidCursor)?;
        let limit = query.limit.clamp(1, 1000);
        let filter = Filter::new(query);
        // Ids are spread evenly, so that a shard holds about a sixteenth of the page.
        let slice = match filter.keeps_all() {
            false => SEARCH_SLICE,
            true => (limit / 8).max(SMALLEST_SLICE),
        };
        let mut shards = Shards::new(lottery_id, behind.as_ref(), slice);
        let mut items = Vec::new();
        let mut last = None;
        for looked_at in 0.. {
            let Some(shard) = shards.next(self).await? else {
                last = None;
                break;
            };
            if items.len() == limit || looked_at == MAX_SCANNED {
                break;
            }
            let Some(participant) = shard.buffer.pop_front() else { break };
            last = Some(participant.participant_id.to_string());
            if filter.keeps(&participant) {
                items.push(participant);
            }
        }
        Ok(Page { items, cursor: last })
    }

    /// Reads the whole list, and holds one page of it.
    async fn page_sorted(
        &self,
        lottery_id: &LotteryId,
        query: &ListQuery,
    ) -> Result<Page<ParticipantSummary>, StoreError> {
        // The cursor holds an id and no personal data, because it appears in URLs and logs.
        let behind = match query.cursor.as_deref().map(ParticipantId::parse) {
            None => None,
            Some(Err(_)) => return Err(StoreError::InvalidCursor),
            Some(Ok(id)) => {
                let participant =
                    self.participant(lottery_id, &id).await?.ok_or(StoreError::InvalidCursor)?;
                Some(Ranked { sort: query.sort, participant })
            }
        };
        let limit = query.limit.clamp(1, MAX_SORTED as usize);
        let filter = Filter::new(query);
        // The largest of those kept is on top; one more than asked for tells whether there is a next page.
        let mut kept: BinaryHeap<Ranked> = BinaryHeap::new();
        for shard in 0..SHARDS {
            let range = keys::contacts(lottery_id, shard);
            let mut last = None;
            loop {
                let slice = self.slice(&range, Order::Ascending, last.as_deref(), PAGE).await?;
                for item in &slice.items {
                    let participant = ParticipantSummary::from_item(item)?;
                    if !filter.keeps(&participant) {
                        continue;
                    }
                    let ranked = Ranked { sort: query.sort, participant };
                    if behind.as_ref().is_none_or(|behind| ranked > *behind) {
                        kept.push(ranked);
                        if kept.len() > limit + 1 {
                            kept.pop();
                        }
                    }
                }
                match slice.last {
                    Some(next) => last = Some(next),
                    None => break,
                }
            }
        }
        let mut items: Vec<_> = kept.into_sorted_vec().into_iter().map(|ranked| ranked.participant).collect();
        let goes_on = items.len() > limit;
        items.truncate(limit);
        let cursor = items.last().filter(|_| goes_on).map(|last| last.participant_id.to_string());
        Ok(Page { items, cursor })
    }
}

/// Whom a query keeps.
struct Filter<'a> {
    search: Option<Search>,
    query: &'a ListQuery,
}

impl<'a> Filter<'a> {
    fn new(query: &'a ListQuery) -> Self {
        Self { search: query.search.as_deref().and_then(Search::new), query }
    }

    fn keeps_all(&self) -> bool {
        self.search.is_none() && self.query.only.is_none() && self.query.group.is_none()
    }

    fn keeps(&self, participant: &ParticipantSummary) -> bool {
        let is_of_group = match &self.query.group {
            None => true,
            Some(GroupIs::Absent) => participant.group.is_none(),
            Some(GroupIs::Named(group)) => participant.group.as_ref() == Some(group),
        };
        let (phone, email) = (participant.phone.is_some(), participant.email.is_some());
        let is_one_of = match self.query.only {
            None => true,
            Some(Only::WithPhone) => phone,
            Some(Only::WithEmail) => email,
            Some(Only::Unreachable) => !phone && !email,
            Some(Only::Excluded) => participant.excluded,
            Some(Only::Present) => participant.present_at.is_some(),
        };
        is_of_group
            && is_one_of
            && self.search.as_ref().is_none_or(|search| match self.query.is_masked {
                true => participant.shows(search),
                false => participant.shows(search) || participant.hides(search),
            })
    }
}

/// A participant in the order of a query.
struct Ranked {
    sort: Sort,
    participant: ParticipantSummary,
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        let (one, two) = (&self.participant, &other.participant);
        let by_sort = match self.sort {
            Sort::Id => Ordering::Equal,
            Sort::Name => fold(one.name.as_str()).cmp(&fold(two.name.as_str())),
            Sort::Group => match (&one.group, &two.group) {
                (Some(one), Some(two)) => one.cmp(two),
                (one, two) => one.is_none().cmp(&two.is_none()),
            },
            Sort::Tickets => two.tickets.cmp(&one.tickets),
            Sort::Newest => two.registered_at.cmp(&one.registered_at),
        };
        by_sort.then_with(|| one.participant_id.cmp(&two.participant_id))
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ranked {}

impl ParticipantSummary {
    /// Whether a field that is never masked contains the text.
    fn shows(&self, search: &Search) -> bool {
        let group = self.group.as_ref().map(|group| group.as_str());
        [Some(self.participant_id.as_str()), group].into_iter().flatten().any(|field| search.is_in(field))
            || search.is_in(&short_code(&self.label))
    }

    /// Whether a field that may be masked contains the text.
    fn hides(&self, search: &Search) -> bool {
        let phone = self.phone.as_ref().map(|phone| phone.as_str());
        let email = self.email.as_ref().map(|email| email.as_str());
        [Some(self.name.as_str()), email].into_iter().flatten().any(|field| search.is_in(field))
            || phone.is_some_and(|phone| search.is_in(phone) || search.is_in_phone(phone))
    }
}
