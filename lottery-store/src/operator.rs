//! The operator's lanes: each numbers the draws of its lotteries without gaps, whatever lottery they are of.

use lottery::manifest::OperatorPlace;
use lottery::{Commitment, DrawId, HexBytes, LotteryId};

use crate::item::{Attributes, Item, NewItem, number, text};
use crate::seal::SealedDraw;
use crate::write::Write;
use crate::{Store, StoreError, keys};

/// The last draw of a lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneHead {
    /// The lane.
    pub lane: u8,
    /// The draw's number in the lane.
    pub sequence: u64,
    /// The draw's commitment.
    pub commitment: Commitment,
    /// The lottery of the draw.
    pub lottery_id: LotteryId,
    /// The draw.
    pub draw_id: DrawId,
    /// The key that has signed the commitment.
    pub public_key: HexBytes<32>,
}

impl LaneHead {
    fn from_item(item: &Item) -> Result<Self, StoreError> {
        let item = Attributes(item);
        Ok(Self {
            lane: item.number("lane")?,
            sequence: item.number("sequence")?,
            commitment: item.parse_with("commitment", Commitment::parse)?,
            lottery_id: item.parse("lottery_id")?,
            draw_id: item.parse("draw_id")?,
            public_key: item.parse_with("public_key", HexBytes::parse)?,
        })
    }
}

impl Store {
    /// The place that the lottery's next draw gets among all draws of the operator, if no other is sealed before.
    pub async fn next_operator_place(&self, lottery_id: &LotteryId) -> Result<OperatorPlace, StoreError> {
        let lane = OperatorPlace::lane_of(lottery_id);
        let head = self.get(&keys::lane(lane)).await?.as_ref().map(LaneHead::from_item).transpose()?;
        Ok(OperatorPlace {
            lane,
            previous_commitment: head.as_ref().map(|head| head.commitment),
            sequence: head.map_or(1, |head| head.sequence + 1),
        })
    }

    /// The heads of the lanes that have any draw.
    pub async fn lane_heads(&self) -> Result<Vec<LaneHead>, StoreError> {
        self.all(&keys::lanes()).await?.iter().map(LaneHead::from_item).collect()
    }
}

/// The part of the commit that takes the place.
pub(crate) fn take_place(seal: &SealedDraw, place: &OperatorPlace) -> Write {
    let item = NewItem::at(keys::lane(place.lane))
        .with("lane", number(place.lane))
        .with("sequence", number(place.sequence))
        .with("commitment", text(seal.manifest.commitment()))
        .with("lottery_id", text(seal.lottery_id()))
        .with("draw_id", text(seal.draw_id()))
        .with("public_key", text(seal.signature.public_key));
    match &place.previous_commitment {
        None => Write::create(item),
        Some(previous) => {
            Write::put(item).only_if("commitment = :previous").value(":previous", text(previous))
        }
    }
}
