//! How a draw lets go of its lottery: part of every transaction that makes its winners official, or ends it without.

use lottery::{DrawId, LotteryId};

use crate::item::text;
use crate::write::Write;
use crate::{Store, StoreError, keys};

/// Frees the lottery, which the draw must hold.
pub(crate) fn free(lottery_id: &LotteryId, draw_id: &DrawId) -> Write {
    Write::update(keys::lottery(lottery_id), "REMOVE open_draw")
        .only_if("open_draw = :draw")
        .value(":draw", text(draw_id))
}

impl Store {
    /// Frees the lottery if the draw holds it; a draw may end before it has come so far. Whether it still is as it was
    /// seen here, the transaction checks.
    pub(crate) async fn let_go(&self, lottery_id: &LotteryId, draw_id: &DrawId) -> Result<Write, StoreError> {
        let holder = self.lottery(lottery_id).await?.and_then(|lottery| lottery.open_draw);
        if holder.as_ref() == Some(draw_id) {
            return Ok(free(lottery_id, draw_id));
        }
        let is_free_of_it = "attribute_not_exists(open_draw) OR open_draw <> :draw";
        Ok(Write::check(keys::lottery(lottery_id), is_free_of_it).value(":draw", text(draw_id)))
    }
}
