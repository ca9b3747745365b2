//! The organiser's list: by participant id over all shards, with a search.

use std::collections::VecDeque;

use futures_util::future::try_join_all;
use lottery::{LotteryId, ParticipantId};

use super::ParticipantSummary;
use crate::keys::{PARTICIPANT, Range, SHARDS};
use crate::read::Order;
use crate::{Page, Store, StoreError, keys};

/// How many participants one page of a search looks at; a search that finds little goes on with the cursor.
const MOST_SEARCHED: usize = 10_000;
/// How many participants a shard is asked for at once.
const SMALLEST_SLICE: usize = 8;
const SEARCH_SLICE: usize = 200;

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
    /// A page of the participants, by id. A search keeps those whose id, name, address or group holds the text,
    /// in any case; its pages may hold fewer than asked for, even none, and still have a next.
    pub async fn participants(
        &self,
        lottery_id: &LotteryId,
        cursor: Option<&str>,
        limit: usize,
        search: Option<&str>,
    ) -> Result<Page<ParticipantSummary>, StoreError> {
        let behind = cursor.map(ParticipantId::parse).transpose().map_err(|_| StoreError::InvalidCursor)?;
        let limit = limit.clamp(1, 1000);
        let search = search.map(str::to_lowercase);
        // Ids are spread evenly, so that a shard holds about a sixteenth of the page.
        let slice = match search {
            Some(_) => SEARCH_SLICE,
            None => (limit / 8).max(SMALLEST_SLICE),
        };
        let mut shards = Shards::new(lottery_id, behind.as_ref(), slice);
        let mut items = Vec::new();
        let mut last = None;
        for looked_at in 0.. {
            let Some(shard) = shards.next(self).await? else {
                last = None;
                break;
            };
            if items.len() == limit || looked_at == MOST_SEARCHED {
                break;
            }
            let Some(participant) = shard.buffer.pop_front() else { break };
            last = Some(participant.participant_id.to_string());
            if search.as_ref().is_none_or(|search| participant.holds(search)) {
                items.push(participant);
            }
        }
        Ok(Page { items, cursor: last })
    }
}

impl ParticipantSummary {
    /// Whether a field holds the text, which is in lower case.
    fn holds(&self, search: &str) -> bool {
        let phone = self.phone.as_ref().map(|phone| phone.as_str());
        let email = self.email.as_ref().map(|email| email.as_str());
        let group = self.group.as_ref().map(|group| group.as_str());
        [Some(self.participant_id.as_str()), Some(self.name.as_str()), phone, email, group]
            .into_iter()
            .flatten()
            .any(|text| text.to_lowercase().contains(search))
    }
}
