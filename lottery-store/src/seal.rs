//! The seal of a draw: the lottery to itself, then one conditional commit that fixes everything.

use std::time::Duration;

use jiff::Timestamp;
use lottery::beacon::BeaconRound;
use lottery::canonical_json::from_canonical_json;
use lottery::{Draw, DrawId, DrawStatus, HexBytes, LotteryId, Reason};

use crate::chunks::SealedDraw;
use crate::holding::free;
use crate::item::{Attributes, NewItem, json, number, text};
use crate::lotteries::lottery_from;
use crate::transaction::Outcome;
use crate::write::Write;
use crate::{SealAttempt, Store, StoreError, attempts, keys};

/// What came of taking a lottery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TakeLottery {
    /// The draw holds it, now or already.
    Taken,
    /// Another draw holds it.
    Busy(DrawId),
    /// The draw is past the point where it needs the lottery.
    Elsewhere,
    /// There is no such lottery or draw.
    Unknown,
}

/// What came of committing to a seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommitSeal {
    /// It is the draw's seal.
    Committed,
    /// The draw has gone on, by another run, or ended: this is how it is.
    Refused(Box<Draw>),
}

impl Store {
    /// Gives the lottery to the draw, unless another has it: one draw at a time.
    pub async fn take_lottery(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
    ) -> Result<TakeLottery, StoreError> {
        let take = Write::update(keys::lottery(lottery_id), "SET open_draw = :draw")
            .only_if("attribute_exists(pk) AND (attribute_not_exists(open_draw) OR open_draw = :draw)")
            .value(":draw", text(draw_id));
        let waiting = Write::check(keys::draw(lottery_id, draw_id), "#status = :waiting")
            .name("#status", "status")
            .value(":waiting", text(DrawStatus::Waiting));
        let refusals = match self.transact(&[take, waiting]).await? {
            Outcome::Done => return Ok(TakeLottery::Taken),
            Outcome::Refused(refusals) => refusals,
        };
        let there = |place| refusals.item(place).filter(|item| !item.is_empty());
        if refusals.failed(1) {
            return Ok(if there(1).is_some() { TakeLottery::Elsewhere } else { TakeLottery::Unknown });
        }
        let holder = there(0).map(lottery_from).transpose()?.and_then(|lottery| lottery.open_draw);
        Ok(holder.map_or(TakeLottery::Unknown, TakeLottery::Busy))
    }

    /// Makes this the seal of the draw, whose manifest has the lottery's next number. Only one attempt can, and
    /// none that was given up.
    ///
    /// It is tried once, and for so long: a seal names the time of sealing, so that whoever finds another writer in the
    /// way seals anew. [`StoreError::Contended`] says that nothing was committed. After any other error it may have
    /// been, or may be yet: [`Store::redate`] ends that.
    pub async fn commit_seal(
        &self,
        seal: &SealedDraw,
        attempt: &SealAttempt,
        round_at: Timestamp,
        within: Duration,
    ) -> Result<CommitSeal, StoreError> {
        let manifest = &seal.manifest;
        let (lottery_id, draw_id) = (&manifest.lottery_id, &manifest.draw_id);
        let count =
            Write::update(keys::lottery(lottery_id), "SET next_sequence = :next, last_sealed = :draw")
                .only_if("open_draw = :draw AND next_sequence = :sequence")
                .value(":draw", text(draw_id))
                .value(":sequence", number(manifest.sequence))
                .value(":next", number(manifest.sequence + 1));
        let commit = Write::update(
            keys::draw(lottery_id, draw_id),
            "SET #status = :sealed, #sequence = :sequence, sealed_at = :at, entries = :entries, \
             commitment = :commitment, #round = :round, round_at = :round_at",
        )
        .only_if("#status = :waiting")
        .name("#status", "status")
        .name("#sequence", "sequence")
        .name("#round", "round")
        .value(":waiting", text(DrawStatus::Waiting))
        .value(":sealed", text(DrawStatus::Sealed))
        .value(":sequence", number(manifest.sequence))
        .value(":at", text(manifest.sealed_at.timestamp()))
        .value(":entries", number(manifest.entries))
        .value(":commitment", text(manifest.commitment()))
        .value(":round", number(manifest.beacon.round))
        .value(":round_at", text(round_at));
        let keep = Write::put(
            NewItem::at(keys::seal(lottery_id, draw_id))
                .with("manifest", text(manifest.to_canonical_json()))
                .with("signature", json(&seal.signature))
                .with("chain", json(&seal.chain))
                .with("attempt", text(&seal.attempt))
                .with("chunks", number(seal.chunks)),
        );
        let succeed = attempts::succeed(attempt);
        match self.transact_within(&[&count, &commit, &keep, &succeed], within).await? {
            Outcome::Done => Ok(CommitSeal::Committed),
            Outcome::Refused(_) => {
                Ok(CommitSeal::Refused(Box::new(self.known_draw(lottery_id, draw_id).await?)))
            }
        }
    }

    /// The committed seal of a draw, if there is one.
    pub async fn seal(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
    ) -> Result<Option<SealedDraw>, StoreError> {
        let Some(item) = self.get(&keys::seal(lottery_id, draw_id)).await? else { return Ok(None) };
        let item = Attributes(&item);
        Ok(Some(SealedDraw {
            manifest: item.parse_with("manifest", |text| from_canonical_json(text.as_bytes()))?,
            signature: item.json("signature")?,
            chain: item.json("chain")?,
            attempt: item.text("attempt")?.to_owned(),
            chunks: item.number("chunks")?,
        }))
    }

    /// Keeps the beacon's round of a draw, fetched `now`, unless the draw has it.
    pub async fn keep_round(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        round: &BeaconRound,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let item = NewItem::at(keys::round(lottery_id, draw_id))
            .with("round", number(round.round))
            .with("signature", text(round.signature));
        // A round has one signature that verifies, so that whoever was faster has kept the same.
        let note = Write::update(keys::draw(lottery_id, draw_id), "SET beacon_at = :now")
            .only_if("attribute_exists(pk)")
            .value(":now", text(now));
        self.transact(&[Write::create(item), note]).await.map(|_| ())
    }

    /// The beacon's round of a draw, once it was fetched.
    pub async fn round(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
    ) -> Result<Option<BeaconRound>, StoreError> {
        let Some(item) = self.get(&keys::round(lottery_id, draw_id)).await? else { return Ok(None) };
        let item = Attributes(&item);
        Ok(Some(BeaconRound::new(item.number("round")?, item.parse_with("signature", HexBytes::parse)?)))
    }

    /// Ends a draw whose request cannot be met, and frees its lottery. Answers how the draw is then: another
    /// run may have been faster, or the draw may have been cancelled.
    pub async fn reject_draw(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        reason: &Reason,
        now: Timestamp,
    ) -> Result<Draw, StoreError> {
        let reject = Write::update(
            keys::draw(lottery_id, draw_id),
            "SET #status = :rejected, reason = :reason, completed_at = :now",
        )
        .only_if("#status = :waiting")
        .name("#status", "status")
        .value(":waiting", text(DrawStatus::Waiting))
        .value(":rejected", text(DrawStatus::Rejected))
        .value(":reason", json(reason))
        .value(":now", text(now));
        let free = free(lottery_id, draw_id);
        let writes = [reject, free, Write::delete(keys::unfinished_draw(lottery_id, draw_id))];
        self.transact(&writes).await?;
        self.known_draw(lottery_id, draw_id).await
    }

    /// A draw that has been read before.
    pub(crate) async fn known_draw(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
    ) -> Result<Draw, StoreError> {
        let draw = self.draw(lottery_id, draw_id).await?;
        draw.ok_or_else(|| StoreError::Broken(format!("draw {draw_id} is missing")))
    }
}
