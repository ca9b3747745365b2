//! The marks by which later draws of a lottery know who has won before, whatever the organiser's ids are by then.

use std::collections::{HashMap, HashSet};

use lottery::fingerprint::Fingerprints;
use lottery::{Draw, DrawId, Label, LotteryId, ParticipantId};

use crate::draws::draw_from;
use crate::item::{Attributes, Item, NewItem, bytes, number, text};
use crate::store::Table;
use crate::winners::RankedEntry;
use crate::{Store, StoreError, keys};

/// Somebody who has won in this lottery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastWinner {
    /// A draw in which they have a seat.
    pub draw_id: DrawId,
    /// The organiser's id of them at that time.
    pub participant_id: ParticipantId,
    /// Their label in the pool; none if older code has marked them.
    pub member: Option<Label>,
    /// What else they are recognised by.
    pub fingerprints: Option<Fingerprints>,
}

/// A participant's rank in a draw. It is written before the winners are official, for alternates too.
struct Mark {
    winner: PastWinner,
    rank: u32,
    is_alternate: bool,
}

impl Mark {
    fn from_item(item: &Item) -> Result<Self, StoreError> {
        let item = Attributes(item);
        let fingerprints = item.optional_bytes("fingerprints")?;
        let broken = || StoreError::Broken("attribute fingerprints".to_owned());
        let read = |bytes| Fingerprints::from_bytes(bytes).ok_or_else(broken);
        Ok(Self {
            winner: PastWinner {
                draw_id: item.parse("draw_id")?,
                participant_id: item.parse("participant_id")?,
                member: item.parse_optional("member")?,
                fingerprints: fingerprints.map(read).transpose()?,
            },
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

/// The mark of one row of a ranking. It stays when the participant withdraws.
pub(crate) fn mark(lottery_id: &LotteryId, draw_id: &DrawId, entry: &RankedEntry) -> NewItem {
    NewItem::at(keys::past_winner(lottery_id, &entry.participant_id, draw_id))
        .with("participant_id", text(&entry.participant_id))
        .with("draw_id", text(draw_id))
        .with("member", text(entry.member))
        .with_some("fingerprints", entry.fingerprints.map(|found| bytes(found.to_bytes())))
        .with("rank", number(entry.rank))
        .with_some("prize_index", entry.ranked.prize.map(number))
}

impl Store {
    /// Those who have won in this lottery, each once. Certain only while a draw holds the lottery.
    ///
    /// A mark counts if the winners of its draw are official and the participant has a seat.
    pub async fn past_winners(&self, lottery_id: &LotteryId) -> Result<Vec<PastWinner>, StoreError> {
        let marks = self.all(&keys::past_winners(lottery_id)).await?;
        let marks = marks.iter().map(Mark::from_item).collect::<Result<Vec<_>, _>>()?;
        let draws: HashSet<&DrawId> = marks.iter().map(|mark| &mark.winner.draw_id).collect();
        let draws: Vec<_> = draws.into_iter().map(|draw_id| keys::draw(lottery_id, draw_id)).collect();
        let mut official = HashMap::new();
        for item in self.get_many(Table::Lottery, &draws).await? {
            let draw = draw_from(&item)?;
            if draw.status.has_official_winners() {
                official.insert(draw.draw_id.clone(), draw);
            }
        }
        let has_won =
            |mark: &Mark| official.get(&mark.winner.draw_id).is_some_and(|draw| mark.has_seat(draw));
        let mut met = HashSet::new();
        let won = marks.into_iter().filter(has_won).map(|mark| mark.winner);
        Ok(won.filter(|won| met.insert((won.member, won.participant_id.clone()))).collect())
    }
}
