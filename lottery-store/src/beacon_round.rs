//! The beacon round whose randomness decides a draw, stored once it has been fetched.

use jiff::Timestamp;
use lottery::beacon::BeaconRound;
use lottery::{DrawId, HexBytes, LotteryId};

use crate::item::{Attributes, NewItem, number, text};
use crate::write::Write;
use crate::{Store, StoreError, keys};

impl Store {
    /// Stores the beacon round of a draw, fetched `now`, unless it is stored already.
    pub async fn put_round(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        round: &BeaconRound,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let item = NewItem::at(keys::round(lottery_id, draw_id))
            .with("round", number(round.round))
            .with("signature", text(round.signature));
        let fetched = Write::update(keys::draw(lottery_id, draw_id), "SET beacon_at = :now")
            .only_if("attribute_exists(pk)")
            .value(":now", text(now));
        // A round has exactly one valid signature, so a concurrent writer stores the same value.
        self.transact(&[Write::create(item), fetched]).await.map(|_| ())
    }

    /// The beacon round of a draw, if it has been fetched.
    pub async fn round(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
    ) -> Result<Option<BeaconRound>, StoreError> {
        let Some(item) = self.get(&keys::round(lottery_id, draw_id)).await? else { return Ok(None) };
        let item = Attributes(&item);
        Ok(Some(BeaconRound::new(item.number("round")?, item.parse_with("signature", HexBytes::parse)?)))
    }
}
