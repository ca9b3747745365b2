//! Attempts to seal: each writes chunks under a name of its own, and the chunks of one attempt become the draw's. An
//! attempt announces chunks before it writes them, so that the chunks of an attempt that died are found and deleted.

use jiff::{SignedDuration, Timestamp};
use lottery::{DrawId, LotteryId};

use crate::item::{Attributes, Item, NewItem, flag, number, text};
use crate::store::Table;
use crate::transaction::Outcome;
use crate::write::Write;
use crate::{Store, StoreError, keys};

/// The age after which no run can still work on an attempt: far more than the time-outs of its function and its state.
const GIVEN_UP_AFTER: SignedDuration = SignedDuration::from_hours(1);
/// The number of chunks that are announced at a time: a million entries take 31 announcements.
const ANNOUNCE_AHEAD: u32 = 64;

/// One run that seals a draw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealAttempt {
    /// The lottery.
    pub lottery_id: LotteryId,
    /// Its draw.
    pub draw_id: DrawId,
    /// The name of the attempt, which is part of the keys of its chunks.
    pub name: String,
    /// The number of chunks that it may have written.
    announced: u32,
    /// How often its seal was dated: a commit under an earlier date is refused.
    dated: u32,
}

impl SealAttempt {
    fn from_item(item: &Item) -> Result<Self, StoreError> {
        let item = Attributes(item);
        Ok(Self {
            lottery_id: item.parse("lottery_id")?,
            draw_id: item.parse("draw_id")?,
            name: item.text("attempt")?.to_owned(),
            announced: item.number("chunks")?,
            dated: item.optional_number("dated")?.unwrap_or(0),
        })
    }

    fn key(&self) -> keys::Key {
        keys::seal_attempt(&self.lottery_id, &self.draw_id, &self.name)
    }
}

/// The part of the commit that ends the attempt. It refuses an attempt that was given up, since its chunks may be gone,
/// and one that has been dated anew.
pub(crate) fn succeed(attempt: &SealAttempt) -> Write {
    Write::delete(attempt.key())
        .only_if(format!("{IS_ALIVE} AND dated = :dated"))
        .value(":dated", number(attempt.dated))
}

const IS_ALIVE: &str = "attribute_exists(pk) AND attribute_not_exists(given_up)";

impl Store {
    /// Stores a new attempt, before it writes anything.
    pub async fn begin_attempt(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        name: &str,
        now: Timestamp,
    ) -> Result<SealAttempt, StoreError> {
        let (lottery_id, draw_id) = (lottery_id.clone(), draw_id.clone());
        let attempt =
            SealAttempt { lottery_id, draw_id, name: name.to_owned(), announced: ANNOUNCE_AHEAD, dated: 0 };
        let item = NewItem::at(attempt.key())
            .with("lottery_id", text(&attempt.lottery_id))
            .with("draw_id", text(&attempt.draw_id))
            .with("attempt", text(&attempt.name))
            .with("chunks", number(attempt.announced))
            .with("dated", number(attempt.dated))
            .with("begun_at", text(now));
        self.write(&Write::put(item)).await?;
        Ok(attempt)
    }

    /// Announces a chunk before it is written. `false` if the attempt was given up.
    pub async fn announce_chunk(&self, attempt: &mut SealAttempt, chunk: u32) -> Result<bool, StoreError> {
        if chunk < attempt.announced {
            return Ok(true);
        }
        attempt.announced = chunk.saturating_add(ANNOUNCE_AHEAD);
        let announce = Write::update(attempt.key(), "SET chunks = :chunks")
            .only_if(IS_ALIVE)
            .value(":chunks", number(attempt.announced));
        Ok(matches!(self.write(&announce).await?, Outcome::Done))
    }

    /// Gives the attempt a new date, so that a commit under the earlier date is refused: for a commit whose response was
    /// lost. `false` if it is too late: the attempt was committed, or given up.
    pub async fn redate(&self, attempt: &mut SealAttempt) -> Result<bool, StoreError> {
        let redate = Write::update(attempt.key(), "SET dated = :next")
            .only_if(format!("{IS_ALIVE} AND dated = :seen"))
            .value(":seen", number(attempt.dated))
            .value(":next", number(attempt.dated + 1));
        let is_redated = match self.write(&redate).await? {
            Outcome::Done => true,
            // The response to this write was lost, and the SDK repeated it.
            Outcome::Refused(refusals) => refusals.item(0).is_some_and(|item| {
                let item = Attributes(item);
                let is_alive = matches!(item.optional_flag("given_up"), Ok(false));
                is_alive
                    && matches!(item.optional_number::<u32>("dated"), Ok(Some(dated)) if dated == attempt.dated + 1)
            }),
        };
        attempt.dated += u32::from(is_redated);
        Ok(is_redated)
    }

    /// Deletes what an attempt has written that was not committed.
    pub async fn delete_attempt(&self, attempt: &SealAttempt) -> Result<(), StoreError> {
        let SealAttempt { lottery_id, draw_id, name, announced, .. } = attempt;
        let indexes = keys::chunk_indexes(lottery_id, draw_id, name, *announced);
        let chunks = (0..*announced).map(|number| keys::chunk(lottery_id, draw_id, name, number));
        self.delete_many(Table::Lottery, &chunks.chain(indexes).collect::<Vec<_>>()).await?;
        self.write(&Write::delete(attempt.key())).await.map(|_| ())
    }

    /// Gives up the attempts that died without a seal, and deletes what they have written. Returns their number.
    pub async fn delete_dead_attempts(&self, now: Timestamp) -> Result<usize, StoreError> {
        let mut deleted = 0;
        for item in self.all(&keys::seal_attempts()).await? {
            if now.duration_since(Attributes(&item).timestamp("begun_at")?) < GIVEN_UP_AFTER {
                continue;
            }
            let attempt = SealAttempt::from_item(&item)?;
            // From here on the attempt can neither be committed nor announce further chunks.
            let give_up = Write::update(attempt.key(), "SET given_up = :yes")
                .only_if("chunks = :seen")
                .value(":yes", flag(true))
                .value(":seen", number(attempt.announced));
            if let Outcome::Done = self.write(&give_up).await? {
                self.delete_attempt(&attempt).await?;
                deleted += 1;
            }
        }
        Ok(deleted)
    }
}
