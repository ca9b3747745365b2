//! Attempts to seal: each writes chunks under a name of its own, and one attempt's chunks become the draw's. What
//! an attempt may have written is noted beforehand, so that the chunks of one that died are found and erased.

use jiff::{SignedDuration, Timestamp};
use lottery::{DrawId, LotteryId};

use crate::chunks::INDEXED;
use crate::item::{Attributes, Item, NewItem, flag, number, text};
use crate::store::Table;
use crate::transaction::Outcome;
use crate::write::Write;
use crate::{Store, StoreError, keys};

/// How old an attempt is that nobody can be at work on: far beyond the time-out of its function and its state.
const GIVEN_UP_AFTER: SignedDuration = SignedDuration::from_hours(1);
/// How many chunks are noted at once: a million entries are noted in 31 steps.
const NOTED: u32 = 64;

/// One run that seals a draw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealAttempt {
    /// The lottery.
    pub lottery_id: LotteryId,
    /// Its draw.
    pub draw_id: DrawId,
    /// Names the attempt: its chunks bear the name.
    pub name: String,
    /// How many chunks it may have written.
    noted: u32,
    /// How often its seal was dated: a commit under an earlier date never counts.
    dated: u32,
}

impl SealAttempt {
    fn from_item(item: &Item) -> Result<Self, StoreError> {
        let item = Attributes(item);
        Ok(Self {
            lottery_id: item.parse("lottery_id")?,
            draw_id: item.parse("draw_id")?,
            name: item.text("attempt")?.to_owned(),
            noted: item.number("chunks")?,
            dated: item.optional_number("dated")?.unwrap_or(0),
        })
    }

    fn key(&self) -> keys::Key {
        keys::seal_attempt(&self.lottery_id, &self.draw_id, &self.name)
    }
}

/// That the attempt becomes the seal: part of the transaction that commits to it. An attempt that was given up
/// never does, since its chunks may be gone, nor one that was dated anew since.
pub(crate) fn succeed(attempt: &SealAttempt) -> Write {
    Write::delete(attempt.key())
        .only_if(format!("{IS_ALIVE} AND dated = :dated"))
        .value(":dated", number(attempt.dated))
}

const IS_ALIVE: &str = "attribute_exists(pk) AND attribute_not_exists(given_up)";

impl Store {
    /// Notes an attempt, of a new name, before it writes anything.
    pub async fn begin_attempt(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        name: &str,
        now: Timestamp,
    ) -> Result<SealAttempt, StoreError> {
        let (lottery_id, draw_id) = (lottery_id.clone(), draw_id.clone());
        let attempt = SealAttempt { lottery_id, draw_id, name: name.to_owned(), noted: NOTED, dated: 0 };
        let item = NewItem::at(attempt.key())
            .with("lottery_id", text(&attempt.lottery_id))
            .with("draw_id", text(&attempt.draw_id))
            .with("attempt", text(&attempt.name))
            .with("chunks", number(attempt.noted))
            .with("dated", number(attempt.dated))
            .with("begun_at", text(now));
        self.write(&Write::put(item)).await?;
        Ok(attempt)
    }

    /// Sees to it that a chunk is noted before it is written. `false` if the attempt was given up.
    pub async fn note_chunk(&self, attempt: &mut SealAttempt, place: u32) -> Result<bool, StoreError> {
        if place < attempt.noted {
            return Ok(true);
        }
        attempt.noted = place.saturating_add(NOTED);
        let note = Write::update(attempt.key(), "SET chunks = :chunks")
            .only_if(IS_ALIVE)
            .value(":chunks", number(attempt.noted));
        Ok(matches!(self.write(&note).await?, Outcome::Done))
    }

    /// Sees to it that no commit of the attempt under its present date counts any more, for one whose answer was
    /// lost, and dates the attempt anew. `false` if it is too late for that: the attempt was committed to, or given up.
    pub async fn redate(&self, attempt: &mut SealAttempt) -> Result<bool, StoreError> {
        let redate = Write::update(attempt.key(), "SET dated = :next")
            .only_if(format!("{IS_ALIVE} AND dated = :seen"))
            .value(":seen", number(attempt.dated))
            .value(":next", number(attempt.dated + 1));
        let is_redated = match self.write(&redate).await? {
            Outcome::Done => true,
            // The answer to our own write was lost, and the SDK repeated it.
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

    /// Erases what an attempt has written that was not committed to.
    pub async fn erase_attempt(&self, attempt: &SealAttempt) -> Result<(), StoreError> {
        let SealAttempt { lottery_id, draw_id, name, noted, .. } = attempt;
        let indexes = (0..(*noted as usize).div_ceil(INDEXED))
            .map(|part| keys::chunk_index(lottery_id, draw_id, name, part));
        let chunks = (0..*noted).map(|number| keys::chunk(lottery_id, draw_id, name, number));
        self.delete_many(Table::Lottery, &chunks.chain(indexes).collect::<Vec<_>>()).await?;
        self.write(&Write::delete(attempt.key())).await.map(|_| ())
    }

    /// Gives up the attempts that died without a seal, and erases what they have written. Answers how many.
    pub async fn erase_dead_attempts(&self, now: Timestamp) -> Result<usize, StoreError> {
        let mut erased = 0;
        for item in self.all(&keys::seal_attempts()).await? {
            if now.duration_since(Attributes(&item).timestamp("begun_at")?) < GIVEN_UP_AFTER {
                continue;
            }
            let attempt = SealAttempt::from_item(&item)?;
            // From here on it cannot be committed to, nor note further chunks.
            let give_up = Write::update(attempt.key(), "SET given_up = :yes")
                .only_if("chunks = :seen")
                .value(":yes", flag(true))
                .value(":seen", number(attempt.noted));
            if let Outcome::Done = self.write(&give_up).await? {
                self.erase_attempt(&attempt).await?;
                erased += 1;
            }
        }
        Ok(erased)
    }
}
