//! What the reconciler needs: the draws that have not ended, and how often each was gone on with.

use lottery::{Draw, DrawId, LotteryId};

use crate::draws::draw_from;
use crate::item::{Attributes, number};
use crate::transaction::Outcome;
use crate::write::Write;
use crate::{Store, StoreError, keys};

/// A draw that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnfinishedDraw {
    /// The draw.
    pub draw: Draw,
    /// How many further executions were counted for it, after the first.
    pub resumes: u32,
}

impl Store {
    /// The draws that have not ended, of all lotteries. Each must be looked at anew before anything is done.
    pub async fn unfinished_draws(&self) -> Result<Vec<(LotteryId, DrawId)>, StoreError> {
        let items = self.all(&keys::unfinished_draws()).await?;
        items
            .iter()
            .map(|item| {
                let name = Attributes(item).sort_key()?;
                name.split_once('#')
                    .and_then(|(lottery, draw)| {
                        Some((LotteryId::parse(lottery).ok()?, DrawId::parse(draw).ok()?))
                    })
                    .ok_or_else(|| StoreError::Broken(format!("unfinished draw {name}")))
            })
            .collect()
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

    /// Counts one further execution after `resumes`. `false` if another reconciler was faster.
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
