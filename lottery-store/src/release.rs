//! Releasing the winners of a held draw, and the token of the execution that waits for it.
//!
//! What is released is kept on the draw's own item, so that a watcher reads that item alone. Every change counts its
//! revision and is made on the condition that nobody made another one meanwhile: releases at the same time add up, and
//! nothing that was released is ever taken back.
//!
//! The waiting execution has an item of its own, which alone holds the task token. A release writes the draw first and
//! reads the token after; the task that waits stores its token first and reads the draw after. So one of the two sees
//! the other, whatever happens in between.

use std::fmt;

use jiff::Timestamp;
use lottery::{Draw, DrawId, DrawStatus, Hold, LotteryId, RankSet, ReleaseMode};

use crate::item::{Attributes, NewItem, bytes, flag, number, text};
use crate::keys::Key;
use crate::transaction::Outcome;
use crate::write::Write;
use crate::{Store, StoreError, keys};

/// How often a release is decided anew whose draw others release from at the same time: each time one of them was done, so
/// that so many may press at once.
const ATTEMPTS: u32 = 64;

/// Which winners to release. All of them must have official seats; others are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReleaseRequest {
    /// Everything, for good.
    All,
    /// Those of the prize with this index in the draw's list.
    Prize(u32),
    /// Those of these ranks. No rank may stand twice.
    Ranks(Vec<u32>),
}

/// What came of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Released {
    /// What was asked for is released, by this call or before.
    Done {
        /// The draw, as it is now.
        draw: Box<Draw>,
        /// How many winners this call released.
        newly: u32,
    },
    /// A rank of the request has never had a seat: its index in the list.
    NoSeat(usize),
    /// The draw has no official winners.
    NotOfficial(DrawStatus),
    /// There is no such draw.
    Unknown,
}

/// A task token. It is shown to nobody and written into no log.
#[derive(Clone, PartialEq, Eq)]
pub struct WaitToken(String);

impl WaitToken {
    /// The token as Step Functions gave it.
    pub fn new(token: String) -> Self {
        Self(token)
    }

    /// The token, for Step Functions.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for WaitToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("WaitToken")
    }
}

/// The visit of a state that writes about the wait: later visits replace what earlier ones wrote, and never the other
/// way about, however late a run of an earlier one comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Visit {
    /// When the state was entered.
    pub entered_at: Timestamp,
    /// How often the state was retried before.
    pub attempt: u32,
}

/// The state of the execution of a draw that waits for a release, or for claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseWait {
    /// The token that resumes it; none while it notifies.
    pub token: Option<WaitToken>,
    /// The revision up to which it has taken what is released; of one that waits for claims, how often the draw had been
    /// reopened.
    pub seen: u32,
}

/// The attributes of the hold on a draw's item.
pub(crate) fn with_hold(item: NewItem, hold: Option<&Hold>) -> NewItem {
    let Some(hold) = hold else { return item };
    item.with("release_mode", text(hold.mode)).with_some("release_by", hold.release_by.map(text))
}

/// The hold of a draw's item.
pub(crate) fn hold(item: Attributes<'_>) -> Result<Option<Hold>, StoreError> {
    if item.optional_text("release_mode")?.is_none() {
        return Ok(None);
    }
    Ok(Some(Hold {
        mode: item.parse_with("release_mode", |mode| ReleaseMode::parse(mode).ok_or(()))?,
        release_by: item.parse_optional("release_by")?,
        released: match item.0.contains_key("released") {
            true => RankSet::from_bytes(item.bytes("released")?),
            false => RankSet::default(),
        },
        is_over: item.optional_flag("release_is_over")?,
        revision: item.optional_number("release_revision")?.unwrap_or(0),
        released_at: item.parse_optional("released_at")?,
    }))
}

impl Store {
    /// Releases winners of a held draw. Of a draw that holds nothing everybody is released already.
    pub async fn release_held(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        request: &ReleaseRequest,
        now: Timestamp,
    ) -> Result<Released, StoreError> {
        let Some(mut draw) = self.draw(lottery_id, draw_id).await? else { return Ok(Released::Unknown) };
        if !draw.status.has_official_winners() {
            return Ok(Released::NotOfficial(draw.status));
        }
        for _ in 0..ATTEMPTS {
            // Anew each time: seats may have been passed on meanwhile.
            let ranks = match self.ranks_to_release(&draw, request).await? {
                Ok(ranks) => ranks,
                Err(index) => return Ok(Released::NoSeat(index)),
            };
            let before = draw.released();
            let Some(hold) = draw.hold.as_ref().filter(|hold| !hold.is_over) else {
                return Ok(Released::Done { draw: Box::new(draw), newly: 0 });
            };
            let mut next = hold.clone();
            for rank in &ranks {
                next.released.insert(*rank);
            }
            let with = Draw { hold: Some(next.clone()), ..draw.clone() };
            next.is_over = *request == ReleaseRequest::All || with.released() >= draw.seated();
            if next == *hold {
                return Ok(Released::Done { draw: Box::new(draw), newly: 0 });
            }
            next.revision += 1;
            next.released_at = Some(now);
            let write = change(&draw, hold.revision, &next, now);
            if let Outcome::Done = self.write(&write).await? {
                draw.hold = Some(next);
                let newly = draw.released().saturating_sub(before);
                return Ok(Released::Done { draw: Box::new(draw), newly });
            }
            draw = self.known_draw(lottery_id, draw_id).await?;
        }
        Err(StoreError::Contended)
    }

    /// The ranks that a request releases of a draw as it is, but for a request of everything; or the index of a rank that
    /// has never had a seat.
    async fn ranks_to_release(
        &self,
        draw: &Draw,
        request: &ReleaseRequest,
    ) -> Result<Result<Vec<u32>, usize>, StoreError> {
        if !draw.is_held() {
            return Ok(Ok(Vec::new()));
        }
        let seated = match request {
            ReleaseRequest::All => Vec::new(),
            ReleaseRequest::Prize(prize) => {
                let mut winners = self.winners(&draw.lottery_id, &draw.draw_id).await?;
                winners.retain(|winner| winner.prize_index == *prize);
                winners
            }
            ReleaseRequest::Ranks(ranks) => {
                let winners = self.winners_ranked(draw, ranks.iter().copied()).await?;
                let index = ranks.iter().position(|rank| winners.iter().all(|one| one.rank != *rank));
                if let Some(index) = index {
                    return Ok(Err(index));
                }
                winners
            }
        };
        let seated = seated.iter().filter(|winner| winner.has_seat() && draw.left_by(winner.rank).is_none());
        Ok(Ok(seated.map(|winner| winner.rank).collect()))
    }

    /// The state of the execution of a held draw; none before its first wait.
    pub async fn release_wait(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
    ) -> Result<Option<ReleaseWait>, StoreError> {
        self.wait_at(&keys::release_wait(lottery_id, draw_id)).await
    }

    /// The state of an execution, from the item at this key.
    pub(crate) async fn wait_at(&self, key: &Key) -> Result<Option<ReleaseWait>, StoreError> {
        let Some(item) = self.get(key).await? else { return Ok(None) };
        let item = Attributes(&item);
        let token = item.optional_text("token")?.map(|token| WaitToken::new(token.to_owned()));
        Ok(Some(ReleaseWait { token, seen: item.number("seen")? }))
    }

    /// Records the state of the execution of a held draw, unless a later visit has recorded one.
    pub async fn note_release_wait(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        visit: Visit,
        wait: &ReleaseWait,
    ) -> Result<(), StoreError> {
        self.note_wait(keys::release_wait(lottery_id, draw_id), visit, wait).await
    }

    /// Records the state of an execution in the item at this key, unless a later visit has noted something.
    pub(crate) async fn note_wait(
        &self,
        key: Key,
        visit: Visit,
        wait: &ReleaseWait,
    ) -> Result<(), StoreError> {
        let (set, remove) = match wait.token {
            Some(_) => (", #token = :token", ""),
            None => ("", " REMOVE #token"),
        };
        let mut note = Write::update(
            key,
            format!("SET entered_at = :entered, attempt = :attempt, seen = :seen{set}{remove}"),
        )
        .only_if(
            "attribute_not_exists(entered_at) OR entered_at < :entered \
                     OR (entered_at = :entered AND attempt <= :attempt)",
        )
        .name("#token", "token")
        .value(":entered", number(visit.entered_at.as_microsecond()))
        .value(":attempt", number(visit.attempt))
        .value(":seen", number(wait.seen))
        .silently();
        if let Some(token) = &wait.token {
            note = note.value(":token", text(token.reveal()));
        }
        self.write(&note).await.map(|_| ())
    }
}

/// The draw as it is after a release, if nobody has released anything since `revision`.
fn change(draw: &Draw, revision: u32, next: &Hold, now: Timestamp) -> Write {
    let seen = match revision {
        0 => "attribute_not_exists(release_revision)",
        _ => "release_revision = :seen",
    };
    let over = if next.is_over { ", release_is_over = :over" } else { "" };
    let released = if next.released.is_empty() { "" } else { ", released = :released" };
    let mut change = Write::update(
        keys::draw(&draw.lottery_id, &draw.draw_id),
        format!("SET release_revision = :revision, released_at = :now{released}{over}"),
    )
    .only_if(format!("attribute_exists(pk) AND {seen}"))
    .value(":revision", number(next.revision))
    .value(":now", text(now))
    .silently();
    if !next.released.is_empty() {
        change = change.value(":released", bytes(next.released.as_bytes()));
    }
    if revision > 0 {
        change = change.value(":seen", number(revision));
    }
    if next.is_over {
        change = change.value(":over", flag(true));
    }
    change
}
