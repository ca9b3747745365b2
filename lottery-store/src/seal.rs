//! The seal of a draw, stored by one conditional commit that fixes everything.

use std::time::Duration;

use jiff::Timestamp;
use lottery::beacon::Chain;
use lottery::canonical_json::from_canonical_json;
use lottery::manifest::Manifest;
use lottery::signature::CommitmentSignature;
use lottery::{Draw, DrawId, DrawStatus, LotteryId};

use crate::draw_status::{STATUS_IS_FROM, Transition};
use crate::item::{Attributes, NewItem, flag, json, number, text};
use crate::operator::take_place;
use crate::transaction::Outcome;
use crate::write::Write;
use crate::{SealAttempt, Store, StoreError, attempts, keys};

/// The index of the write of a commit that takes a place among the operator's draws.
const PLACE: usize = 4;

/// The seal of a draw: what was committed to, and where its entries are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedDraw {
    /// The manifest, which is committed to.
    pub manifest: Manifest,
    /// The organiser's signature of the commitment.
    pub signature: CommitmentSignature,
    /// The beacon whose round decides.
    pub chain: Chain,
    /// The name of the attempt that wrote the chunks. Other attempts may have left chunks of their own.
    pub attempt: String,
    /// The number of chunks.
    pub chunks: u32,
}

impl SealedDraw {
    /// The lottery.
    pub fn lottery_id(&self) -> &LotteryId {
        &self.manifest.lottery_id
    }

    /// The draw.
    pub fn draw_id(&self) -> &DrawId {
        &self.manifest.draw_id
    }
}

/// The result of [`Store::commit_seal`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommitSeal {
    /// The seal is the draw's seal.
    Committed,
    /// Another run has sealed the draw, or it has ended: the draw as it is now.
    Refused(Box<Draw>),
    /// Another lottery has taken the place among the operator's draws meanwhile: nothing was committed.
    PlaceTaken,
}

impl Store {
    /// Stores the seal of the draw, whose manifest has the lottery's next number. Only one attempt can, and none that was
    /// given up; and only if the draw has been changed just as often as when its list was read. The seal of a rehearsal takes
    /// no number, and leaves the lottery as it is.
    ///
    /// The write is sent once and waited for no longer than `timeout`: a seal names the time of sealing, so after contention
    /// the caller makes a new seal. [`StoreError::Contended`] means that nothing was committed. After any other error the
    /// seal may have been committed, or may still be: [`Store::redate`] prevents that.
    pub async fn commit_seal(
        &self,
        seal: &SealedDraw,
        attempt: &SealAttempt,
        changes: u32,
        round_at: Timestamp,
        timeout: Duration,
    ) -> Result<CommitSeal, StoreError> {
        let manifest = &seal.manifest;
        let (lottery_id, draw_id) = (&manifest.lottery_id, &manifest.draw_id);
        let count = Write::update(
            keys::lottery(lottery_id),
            "SET next_sequence = :next, last_sealed = :draw, last_commitment = :commitment",
        )
        .only_if("open_draw = :draw AND next_sequence = :sequence")
        .value(":draw", text(draw_id))
        .value(":sequence", number(manifest.sequence))
        .value(":next", number(manifest.sequence + 1))
        .value(":commitment", text(manifest.commitment()));
        let (from, to) = (DrawStatus::Waiting, DrawStatus::Sealed);
        let set_sequence = if manifest.is_rehearsal() { "" } else { ", #sequence = :sequence" };
        let unchanged = match changes {
            0 => "attribute_not_exists(changes)",
            _ => "changes = :changes",
        };
        let mut commit = Transition { lottery_id, draw_id, from, to }
            .write(&format!(
                "{set_sequence}, sealed_at = :at, entries = :entries, commitment = :commitment, \
                 #round = :round, round_at = :round_at, seal_unconfirmed = :yes"
            ))
            .only_if(format!("{STATUS_IS_FROM} AND {unchanged}"))
            .name("#round", "round")
            .value(":at", text(manifest.sealed_at.timestamp()))
            .value(":entries", number(manifest.entries))
            .value(":commitment", text(manifest.commitment()))
            .value(":round", number(manifest.beacon.round))
            .value(":round_at", text(round_at))
            .value(":yes", flag(true));
        if !manifest.is_rehearsal() {
            commit = commit.name("#sequence", "sequence").value(":sequence", number(manifest.sequence));
        }
        if changes > 0 {
            commit = commit.value(":changes", number(changes));
        }
        let put = Write::put(
            NewItem::at(keys::seal(lottery_id, draw_id))
                .with("manifest", text(manifest.to_canonical_json()))
                .with("signature", json(&seal.signature))
                .with("chain", json(&seal.chain))
                .with("attempt", text(&seal.attempt))
                .with("chunks", number(seal.chunks)),
        );
        let succeed = attempts::succeed(attempt);
        // A rehearsal takes no number, neither of its lottery nor of the operator. The place is the last write ([`PLACE`]).
        let counts = (!manifest.is_rehearsal()).then_some(&count);
        let place = manifest.operator.as_ref().filter(|_| counts.is_some());
        let place = place.map(|place| take_place(seal, place));
        let writes: Vec<_> = [&commit, &put, &succeed].into_iter().chain(counts).chain(&place).collect();
        match self.transact_within(&writes, timeout).await? {
            Outcome::Done => Ok(CommitSeal::Committed),
            Outcome::Refused(refusals)
                if refusals.failed(PLACE) && !(0..PLACE).any(|write| refusals.failed(write)) =>
            {
                Ok(CommitSeal::PlaceTaken)
            }
            Outcome::Refused(_) => {
                Ok(CommitSeal::Refused(Box::new(self.known_draw(lottery_id, draw_id).await?)))
            }
        }
    }

    /// Notes that the commitment was seen to be stored before its round's time, which is what the caller has to know. Until then
    /// a run that finds the draw sealed cannot tell.
    pub async fn confirm_seal(&self, lottery_id: &LotteryId, draw_id: &DrawId) -> Result<(), StoreError> {
        let confirm = Write::update(keys::draw(lottery_id, draw_id), "REMOVE seal_unconfirmed")
            .only_if("attribute_exists(seal_unconfirmed)");
        // Refused if another run has confirmed it.
        self.write(&confirm).await.map(|_| ())
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
}
