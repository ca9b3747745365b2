//! The marks by which later draws of a lottery know who has won before.

use std::collections::{HashMap, HashSet};

use lottery::{Draw, DrawId, LotteryId, ParticipantId};

use crate::draws::draw_from;
use crate::item::{Attributes, Item, NewItem, number, text};
use crate::store::Table;
use crate::winners::RankedEntry;
use crate::{Store, StoreError, keys};

/// A participant's rank in a draw. It is written before the winners are official, for alternates too.
struct Mark {
    participant_id: ParticipantId,
    draw_id: DrawId,
    rank: u32,
    is_alternate: bool,
}

impl Mark {
    fn from_item(item: &Item) -> Result<Self, StoreError> {
        let item = Attributes(item);
        Ok(Self {
            participant_id: item.parse("participant_id")?,
            draw_id: item.parse("draw_id")?,
            rank: item.number("rank")?,
            is_alternate: item.optional_number::<u32>("prize_index")?.is_none(),
        })
    }

    /// Whether the participant has a seat of the draw, whose winners are official.
    fn has_seat(&self, draw: &Draw) -> bool {
        let had_one = !self.is_alternate || draw.taken_by(self.rank).is_some();
        had_one && draw.left_by(self.rank).is_none()
    }
}

/// The mark of one row of a ranking.
pub(crate) fn mark(lottery_id: &LotteryId, draw_id: &DrawId, entry: &RankedEntry) -> NewItem {
    NewItem::at(keys::past_winner(lottery_id, &entry.participant_id, draw_id))
        .with("participant_id", text(&entry.participant_id))
        .with("draw_id", text(draw_id))
        .with("rank", number(entry.rank))
        .with_some("prize_index", entry.ranked.prize.map(number))
}

impl Store {
    /// The participants who have won in this lottery, each with the draw. Certain only while a draw holds the lottery.
    ///
    /// A mark counts if the winners of its draw are official and the participant has a seat.
    pub async fn past_winners(
        &self,
        lottery_id: &LotteryId,
    ) -> Result<HashMap<ParticipantId, DrawId>, StoreError> {
        let marks = self.all(&keys::past_winners(lottery_id)).await?;
        let marks = marks.iter().map(Mark::from_item).collect::<Result<Vec<_>, _>>()?;
        let draws: HashSet<&DrawId> = marks.iter().map(|mark| &mark.draw_id).collect();
        let draws: Vec<_> = draws.into_iter().map(|draw_id| keys::draw(lottery_id, draw_id)).collect();
        let mut official = HashMap::new();
        for item in self.get_many(Table::Lottery, &draws).await? {
            let draw = draw_from(&item)?;
            if draw.status.has_official_winners() {
                official.insert(draw.draw_id.clone(), draw);
            }
        }
        let has_won = |mark: &Mark| official.get(&mark.draw_id).is_some_and(|draw| mark.has_seat(draw));
        let won = marks.into_iter().filter(has_won);
        Ok(won.map(|mark| (mark.participant_id, mark.draw_id)).collect())
    }
}
