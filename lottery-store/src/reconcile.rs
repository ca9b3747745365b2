//! The draws that have not ended, and how often each was resumed: what the reconciler reads.

use jiff::Timestamp;
use lottery::{Draw, DrawId, LotteryId};

use crate::draws::draw_from;
use crate::item::{Attributes, Item, flag, number, text};
use crate::transaction::Outcome;
use crate::write::Write;
use crate::{Store, StoreError, keys};

/// A draw that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnfinishedDraw {
    /// The draw.
    pub draw: Draw,
    /// How often the draw was resumed, each time in a further execution.
    pub resumes: u32,
}

/// A line of the list of draws that have not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnfinishedListing {
    /// The lottery.
    pub lottery_id: LotteryId,
    /// Its draw.
    pub draw_id: DrawId,
    /// The time before which the draw need not be looked at again.
    pub look_at: Option<Timestamp>,
    /// Whether the draw had no running execution when it was last looked at, and waits to be resumed.
    pub is_outstanding: bool,
}

impl UnfinishedListing {
    fn from_item(item: &Item) -> Result<Self, StoreError> {
        let item = Attributes(item);
        let name = item.sort_key()?;
        let ids = name
            .split_once('#')
            .and_then(|(lottery, draw)| Some((LotteryId::parse(lottery).ok()?, DrawId::parse(draw).ok()?)));
        let (lottery_id, draw_id) =
            ids.ok_or_else(|| StoreError::Broken(format!("unfinished draw {name}")))?;
        let look_at = item.parse_optional("look_at")?;
        Ok(Self { lottery_id, draw_id, look_at, is_outstanding: item.optional_flag("is_outstanding")? })
    }
}

impl Store {
    /// The draws that have not ended, of all lotteries. Each must be read again before it is changed.
    pub async fn unfinished_draws(&self) -> Result<Vec<UnfinishedListing>, StoreError> {
        let items = self.all(&keys::unfinished_draws()).await?;
        items.iter().map(UnfinishedListing::from_item).collect()
    }

    /// Stores when a draw that has not ended is looked at again.
    pub async fn look_again(&self, listing: &UnfinishedListing) -> Result<(), StoreError> {
        let UnfinishedListing { lottery_id, draw_id, look_at, is_outstanding } = listing;
        let (set, remove) = match look_at {
            Some(_) => (", look_at = :at", ""),
            None => ("", " REMOVE look_at"),
        };
        let key = keys::unfinished_draw(lottery_id, draw_id);
        let mut note = Write::update(key, format!("SET is_outstanding = :outstanding{set}{remove}"))
            .only_if("attribute_exists(pk)")
            .value(":outstanding", flag(*is_outstanding));
        if let Some(look_at) = look_at {
            note = note.value(":at", text(look_at));
        }
        self.write(&note).await.map(|_| ())
    }

    /// The draw, if it has not ended.
    pub async fn unfinished_draw(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
    ) -> Result<Option<UnfinishedDraw>, StoreError> {
        let Some(item) = self.get(&keys::draw(lottery_id, draw_id)).await? else { return Ok(None) };
        let draw = draw_from(&item)?;
        let resumes = Attributes(&item).optional_number("resumes")?.unwrap_or(0);
        Ok((!draw.status.is_final()).then_some(UnfinishedDraw { draw, resumes }))
    }

    /// Counts one further execution, after `resumes` of them. `false` if another reconciler has counted it.
    pub async fn count_resume(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        resumes: u32,
    ) -> Result<bool, StoreError> {
        let seen = if resumes == 0 { "attribute_not_exists(resumes)" } else { "resumes = :seen" };
        let mut count = Write::update(keys::draw(lottery_id, draw_id), "SET resumes = :next")
            .only_if(format!("attribute_exists(pk) AND {seen}"))
            .value(":next", number(resumes + 1));
        if resumes > 0 {
            count = count.value(":seen", number(resumes));
        }
        Ok(matches!(self.write(&count).await?, Outcome::Done))
    }
}
