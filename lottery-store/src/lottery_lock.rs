//! The lock on a lottery: one draw at a time holds it, from before it reads past winners until its winners are official
//! or it ends without winners.

use lottery::{DrawId, DrawStatus, LotteryId};

use crate::draws::draw_from;
use crate::item::text;
use crate::lotteries::lottery_from;
use crate::transaction::Outcome;
use crate::write::Write;
use crate::{Store, StoreError, keys};

/// The result of [`Store::take_lottery`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TakeLottery {
    /// The draw holds the lottery, now or already.
    Taken,
    /// Another draw holds it.
    Busy(DrawId),
    /// The draw is a rehearsal, which runs beside any draw and takes no lock.
    Rehearsal,
    /// The draw is not WAITING: it does not need the lottery any more.
    WrongStatus,
    /// There is no such lottery or draw.
    Unknown,
}

/// Releases the lottery, which the draw must hold.
pub(crate) fn release(lottery_id: &LotteryId, draw_id: &DrawId) -> Write {
    Write::update(keys::lottery(lottery_id), "REMOVE open_draw")
        .only_if("open_draw = :draw")
        .value(":draw", text(draw_id))
}

impl Store {
    /// Gives the lottery to the draw, unless another draw holds it.
    pub async fn take_lottery(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
    ) -> Result<TakeLottery, StoreError> {
        let take = Write::update(keys::lottery(lottery_id), "SET open_draw = :draw")
            .only_if("attribute_exists(pk) AND (attribute_not_exists(open_draw) OR open_draw = :draw)")
            .value(":draw", text(draw_id));
        let waiting = Write::check(
            keys::draw(lottery_id, draw_id),
            "#status = :waiting AND attribute_not_exists(rehearsal)",
        )
        .name("#status", "status")
        .value(":waiting", text(DrawStatus::Waiting));
        let refusals = match self.transact(&[take, waiting]).await? {
            Outcome::Done => return Ok(TakeLottery::Taken),
            Outcome::Refused(refusals) => refusals,
        };
        let found = |index| refusals.item(index).filter(|item| !item.is_empty());
        if refusals.failed(1) {
            return match found(1).map(draw_from).transpose()? {
                None => Ok(TakeLottery::Unknown),
                Some(draw) if draw.rehearsal && draw.status == DrawStatus::Waiting => {
                    Ok(TakeLottery::Rehearsal)
                }
                Some(_) => Ok(TakeLottery::WrongStatus),
            };
        }
        let holder = found(0).map(lottery_from).transpose()?.and_then(|lottery| lottery.open_draw);
        Ok(holder.map_or(TakeLottery::Unknown, TakeLottery::Busy))
    }

    /// Releases the lottery if the draw holds it; a draw may end before it takes the lottery. The transaction checks
    /// that the holder has not changed since it was read here.
    pub(crate) async fn release_if_held(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
    ) -> Result<Write, StoreError> {
        let holder = self.lottery(lottery_id).await?.and_then(|lottery| lottery.open_draw);
        if holder.as_ref() == Some(draw_id) {
            return Ok(release(lottery_id, draw_id));
        }
        let is_not_held = "attribute_not_exists(open_draw) OR open_draw <> :draw";
        Ok(Write::check(keys::lottery(lottery_id), is_not_held).value(":draw", text(draw_id)))
    }
}
