//! The time stamps of a draw's commitment, beside its seal.

use lottery::witness::Witness;
use lottery::{Commitment, DrawId, LotteryId};

use crate::item::{Attributes, NewItem, json, text};
use crate::write::Write;
use crate::{Store, StoreError, keys};

impl Store {
    /// Keeps the time stamps of a commitment, unless the draw has some: of several runs the first counts.
    pub async fn keep_witnesses(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        commitment: &Commitment,
        witnesses: &[Witness],
    ) -> Result<(), StoreError> {
        let item = NewItem::at(keys::witnesses(lottery_id, draw_id))
            .with("commitment", text(commitment))
            .with("witnesses", json(&witnesses));
        self.write(&Write::create(item)).await.map(|_| ())
    }

    /// The time stamps of this commitment of a draw; none if there are none.
    pub async fn witnesses(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        commitment: &Commitment,
    ) -> Result<Vec<Witness>, StoreError> {
        let Some(item) = self.get(&keys::witnesses(lottery_id, draw_id)).await? else {
            return Ok(Vec::new());
        };
        let item = Attributes(&item);
        let is_of_it = item.parse_with("commitment", Commitment::parse)? == *commitment;
        if is_of_it { item.json("witnesses") } else { Ok(Vec::new()) }
    }
}
