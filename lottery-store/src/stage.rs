//! How far a draw has been shown on its stage: written by the presenter, read by every screen.

use lottery::{DrawId, LotteryId};

use crate::item::{Attributes, Item, NewItem, number, text};
use crate::transaction::Outcome;
use crate::write::Write;
use crate::{Store, StoreError, keys};

/// How far a draw has been shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageRecord {
    /// How often it was written: 1 for the first position.
    pub revision: u64,
    /// The position, as the caller writes it: the store does not look into it. At most a few kilobytes.
    pub position: String,
}

/// The result of writing a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MoveStage {
    /// It was written, under this revision.
    Moved(u64),
    /// Another writer was first, and this is what is there; `None` if nothing is.
    Superseded(Option<StageRecord>),
}

impl Store {
    /// The position of a draw's stage, if one was written.
    pub async fn stage(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
    ) -> Result<Option<StageRecord>, StoreError> {
        self.get(&keys::stage(lottery_id, draw_id)).await?.map(|item| record_from(&item)).transpose()
    }

    /// Writes the position of a draw's stage, if the one there has the revision `after`; 0 if there is none.
    pub async fn move_stage(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        after: u64,
        position: &str,
    ) -> Result<MoveStage, StoreError> {
        let revision = after.saturating_add(1);
        let item = NewItem::at(keys::stage(lottery_id, draw_id))
            .with("revision", number(revision))
            .with("stage", text(position));
        let write = if after == 0 {
            Write::create(item)
        } else {
            Write::put(item).only_if("revision = :after").value(":after", number(after))
        };
        match self.write(&write).await? {
            Outcome::Done => Ok(MoveStage::Moved(revision)),
            Outcome::Refused(refusals) => {
                let found = refusals.item(0).filter(|item| !item.is_empty());
                Ok(MoveStage::Superseded(found.map(record_from).transpose()?))
            }
        }
    }
}

fn record_from(item: &Item) -> Result<StageRecord, StoreError> {
    let item = Attributes(item);
    Ok(StageRecord { revision: item.number("revision")?, position: item.text("stage")?.to_owned() })
}
