//! Seats that change hands: those of who withdrew before the round, and those of winners whom the organiser replaces.
//!
//! The log is kept in items of its own beside the draw, each entry as its signature and what cannot be computed; the draw's
//! own item has the number of entries and who sits where in the end. Both are written by one transaction, on the condition
//! that the log has the length that was seen, so that two who replace at once follow one another.
//!
//! The entry that takes a seat is notified like any winner: a draw that has ended is RECORDED again and needs a further
//! execution, as if messages were reopened; a running one finds that it was reopened, and reads the ledger again before it
//! ends.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use lottery::fingerprint::Fingerprints;
use lottery::seat_changes::{LogEnd, MAX_CHANGES, SeatChange, apply, reach};
use lottery::seats::{NoSeat, Seating};
use lottery::selection::Ranked;
use lottery::signature::OrganiserKey;
use lottery::timestamp::ProofTimestamp;
use lottery::{Draw, DrawId, DrawStatus, HexBytes, Label, LotteryId, Part, PassedOn, ReplaceReason};
use serde::{Deserialize, Serialize};

use crate::chunks::SealedEntry;
use crate::claims::end_claim;
use crate::draws::draw_from;
use crate::item::{Attributes, NewItem, bytes, flag, json, number, text};
use crate::seal::SealedDraw;
use crate::transaction::Outcome;
use crate::winners::RankedEntry;
use crate::write::Write;
use crate::{Store, StoreError, keys};

/// How often a replacement is decided anew while others change the draw.
const ATTEMPTS: u32 = 16;
/// The number of entries in one item, of some 170 bytes each.
const CHANGES_PER_ITEM: usize = 1_000;
/// How far behind the ranking a seat is looked for first; then the whole list is ranked.
const FIRST_REACH: u32 = 4_096;

/// The seats of a draw whose winners withdrew before the round.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Withdrawals {
    /// The seats that were passed on.
    pub passed_on: Vec<PassedOn>,
    /// The log of it; also of alternates who withdrew.
    pub changes: Vec<SeatChange>,
}

/// Who takes a seat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeatTaker {
    /// The rank of the entry that leaves the seat.
    pub rank: u32,
    /// The entry that takes it; none if nobody fits.
    pub taker: Option<RankedEntry>,
}

/// An execution that a draw needs, which the caller starts; if it does not, the reconciler does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resumed {
    /// How often the draw has been resumed, this time included.
    pub resumes: u32,
}

/// Why a winner cannot be replaced, or what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replaced<T> {
    /// It is done, or can be.
    Done(T),
    /// The entry with this rank has left the seat already.
    LeftAlready(Option<PassedOn>),
    /// The entry with this rank has no seat, or there is none.
    NoSeat,
    /// The draw is closed.
    Closed,
    /// The draw has as many seat changes as it can have.
    TooMany,
    /// The draw has no official winners.
    NotOfficial(DrawStatus),
    /// The draw was sealed with another key of the organiser, so that no entry of its log can be signed.
    OtherKey,
    /// There is no such draw.
    Unknown,
}

/// A seat that a replacement passed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedSeat {
    /// The draw as it is now.
    pub draw: Box<Draw>,
    /// The entry of the log.
    pub change: SeatChange,
    /// The execution that the draw needs, if it needs one.
    pub resumed: Option<Resumed>,
}

/// The result of [`Store::close_draw`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CloseDraw {
    /// Nobody can be replaced any more, by this call or before.
    Closed(Box<Draw>),
    /// The draw has no official winners.
    NotOfficial(DrawStatus),
    /// There is no such draw.
    Unknown,
}

/// An entry of the log without what follows from those before it.
#[derive(Serialize, Deserialize)]
struct StoredChange(ProofTimestamp, u32, Option<ReplaceReason>, Option<u32>, HexBytes<64>);

/// The items of these entries, which are all that there are.
pub(crate) fn items(
    lottery_id: &LotteryId,
    draw_id: &DrawId,
    changes: &[SeatChange],
) -> impl Iterator<Item = NewItem> {
    changes.chunks(CHANGES_PER_ITEM).map(move |part| {
        let first = part.first().map_or(1, |change| change.number);
        let stored = part.iter().map(|change| {
            StoredChange(change.at, change.rank, change.reason, change.taken_by, change.signature)
        });
        NewItem::at(keys::seat_changes_from(lottery_id, draw_id, first))
            .with("changes", json(&stored.collect::<Vec<_>>()))
    })
}

/// The line of a draw as its log leaves it, and where the log ends.
pub(crate) struct Line<'a> {
    pub(crate) seating: Seating<'a>,
    pub(crate) end: LogEnd,
    /// Those behind the ranking, as far as they were read.
    behind: Vec<Ranked>,
    /// The length of the ranking.
    ranking: u32,
    /// Whether nobody follows.
    pub(crate) is_whole: bool,
}

impl Line<'_> {
    /// The entry with a rank after the ranking.
    pub(crate) fn behind(&self, rank: u32) -> Option<&Ranked> {
        self.behind.get(rank.checked_sub(self.ranking + 1)? as usize)
    }
}

impl Store {
    /// The log of a draw's seat changes; none before the winners are official.
    pub async fn seat_changes(&self, draw: &Draw) -> Result<Vec<SeatChange>, StoreError> {
        let Some(commitment) = draw.commitment.filter(|_| draw.seat_changes > 0) else {
            return Ok(Vec::new());
        };
        let items = self.all(&keys::seat_changes(&draw.lottery_id, &draw.draw_id)).await?;
        let (mut end, mut changes) = (LogEnd::of_commitment(&commitment), Vec::new());
        for item in &items {
            for stored in Attributes(item).json::<Vec<StoredChange>>("changes")? {
                let StoredChange(at, rank, reason, taken_by, signature) = stored;
                changes.push(end.restore(reason, rank, taken_by, at, signature));
            }
        }
        // A later entry may have been written since the draw was read.
        changes.truncate(draw.seat_changes as usize);
        match changes.len() == draw.seat_changes as usize {
            true => Ok(changes),
            false => Err(StoreError::Broken(format!("the seat changes of draw {}", draw.draw_id))),
        }
    }

    /// Decides what becomes of the seats whose winners withdrew between the seal and the time of the round. None: the draw
    /// was sealed with another key, so that no entry of its log can be signed.
    pub async fn decide_withdrawals(
        &self,
        draw: &Draw,
        key: Option<&OrganiserKey>,
        now: Timestamp,
    ) -> Result<Option<Withdrawals>, StoreError> {
        let (Some(round_at), Some(sealed_at)) = (draw.round_at, draw.sealed_at) else {
            return Ok(Some(Withdrawals::default()));
        };
        let mut ranking = self.ranked_entries(&draw.lottery_id, &draw.draw_id).await?;
        ranking.retain(|entry| entry.rank <= draw.ranking_length());
        let counts = |at: Timestamp| (sealed_at..round_at).contains(&at);
        let withdrawn = self.withdrawn(&draw.lottery_id, ranking.iter().map(|entry| &entry.member)).await?;
        let has_gone = |entry: &&RankedEntry| withdrawn.get(&entry.member).is_some_and(|at| counts(*at));
        let mut gone: BTreeSet<u32> = ranking.iter().filter(has_gone).map(|entry| entry.rank).collect();
        if gone.is_empty() {
            return Ok(Some(Withdrawals::default()));
        }
        let seal = self.seal_of(draw).await?;
        let Some(key) = key.filter(|key| key.public_key() == seal.signature.public_key) else {
            return Ok(None);
        };
        let now = log_time(draw, now)?;
        let mut most = 0;
        loop {
            let mut line = self.line(draw, &seal, &ranking, &[], most).await?;
            let withdrawals = withdraw(&mut line, key, &gone, now);
            let has_empty = withdrawals.passed_on.iter().any(|seat| seat.taken_by.is_none());
            if has_empty && !line.is_whole {
                most = further(most);
                continue;
            }
            let takers = withdrawals.passed_on.iter().filter_map(|seat| seat.taken_by);
            let behind = takers.filter_map(|rank| Some((rank, line.behind(rank)?.clone()))).collect();
            let behind = self.identified(&seal, behind).await?;
            let withdrawn =
                self.withdrawn(&draw.lottery_id, behind.iter().map(|entry| &entry.member)).await?;
            let has_gone = |entry: &&RankedEntry| withdrawn.get(&entry.member).is_some_and(|at| counts(*at));
            let more: Vec<u32> = behind.iter().filter(has_gone).map(|entry| entry.rank).collect();
            if more.is_empty() {
                self.put_takers(draw, &behind).await?;
                return Ok(Some(withdrawals));
            }
            gone.extend(more);
        }
    }

    /// Who would take the seat of this rank if its winner were replaced now.
    pub async fn seat_taker(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        rank: u32,
    ) -> Result<Replaced<SeatTaker>, StoreError> {
        let Some(draw) = self.draw(lottery_id, draw_id).await? else { return Ok(Replaced::Unknown) };
        let seal = match self.replaceable(&draw, rank).await? {
            Replaced::Done(seal) => seal,
            other => return Ok(other.without()),
        };
        let (line, _, taken_by) = match self.next_taker(&draw, &seal, rank).await? {
            Ok(found) => found,
            Err(refused) => return Ok(refused),
        };
        let taker = match taken_by {
            None => None,
            Some(taker) => match line.behind(taker) {
                Some(ranked) => self.identified(&seal, vec![(taker, ranked.clone())]).await?.pop(),
                None => self.entries_ranked(&draw, [taker]).await?.pop(),
            },
        };
        Ok(Replaced::Done(SeatTaker { rank, taker }))
    }

    /// Replaces a winner: the seat goes to the first in line who fits, which is written into the log. May be repeated after
    /// an error; then [`Replaced::LeftAlready`] says that it was done.
    pub async fn replace_winner(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        rank: u32,
        reason: ReplaceReason,
        key: &OrganiserKey,
        now: Timestamp,
    ) -> Result<Replaced<PassedSeat>, StoreError> {
        for _ in 0..ATTEMPTS {
            let Some(item) = self.get(&keys::draw(lottery_id, draw_id)).await? else {
                return Ok(Replaced::Unknown);
            };
            let draw = draw_from(&item)?;
            let seal = match self.replaceable(&draw, rank).await? {
                Replaced::Done(seal) if seal.signature.public_key == key.public_key() => seal,
                Replaced::Done(_) => return Ok(Replaced::OtherKey),
                other => return Ok(other.without()),
            };
            let (mut line, prize, taken_by) = match self.next_taker(&draw, &seal, rank).await? {
                Ok(found) => found,
                Err(refused) => return Ok(refused),
            };
            let behind = taken_by.and_then(|taker| Some((taker, line.behind(taker)?.clone())));
            let behind = self.identified(&seal, behind.into_iter().collect()).await?;
            self.put_takers(&draw, &behind).await?;
            let change = line.end.append(key, Some(reason), rank, taken_by, log_time(&draw, now)?);
            let resumes = Attributes(&item).optional_number::<u32>("resumes")?.unwrap_or(0);
            let mut next = Replacement::of(&draw, &change, prize, resumes, now);
            let mut ends = None;
            if draw.asks_to_claim().is_some() {
                let claimed_at = self.claim_of(&draw, rank).await?;
                next.had_claimed = claimed_at.is_some();
                ends = Some(end_claim(&draw, rank, claimed_at));
            }
            let mut writes = vec![next.write(&draw)];
            writes.extend(ends);
            writes.extend(items(lottery_id, draw_id, std::slice::from_ref(&change)).map(Write::create));
            if next.resumes.is_some() {
                writes.push(Write::put(NewItem::at(keys::unfinished_draw(lottery_id, draw_id))));
            }
            if let Outcome::Done = self.transact(&writes).await? {
                let draw = Box::new(self.known_draw(lottery_id, draw_id).await?);
                let resumed = next.resumes.map(|resumes| Resumed { resumes });
                return Ok(Replaced::Done(PassedSeat { draw, change, resumed }));
            }
        }
        Err(StoreError::Contended)
    }

    /// Ends the time in which winners can be replaced.
    pub async fn close_draw(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        now: Timestamp,
    ) -> Result<CloseDraw, StoreError> {
        let Some(draw) = self.draw(lottery_id, draw_id).await? else { return Ok(CloseDraw::Unknown) };
        if !draw.status.has_official_winners() {
            return Ok(CloseDraw::NotOfficial(draw.status));
        }
        let close = Write::update(keys::draw(lottery_id, draw_id), "SET closed_at = :now")
            .only_if("attribute_exists(pk) AND attribute_not_exists(closed_at)")
            .value(":now", text(now));
        self.write(&close).await?;
        Ok(CloseDraw::Closed(Box::new(self.known_draw(lottery_id, draw_id).await?)))
    }

    /// The seal of a draw of which this rank can be replaced, as far as the draw's own item says.
    async fn replaceable(&self, draw: &Draw, rank: u32) -> Result<Replaced<SealedDraw>, StoreError> {
        Ok(match draw.left_by(rank) {
            _ if !draw.status.has_official_winners() => Replaced::NotOfficial(draw.status),
            _ if draw.is_closed() => Replaced::Closed,
            Some(left) => Replaced::LeftAlready(Some(left)),
            None if draw.seat_changes as usize >= MAX_CHANGES => Replaced::TooMany,
            None => Replaced::Done(self.seal_of(draw).await?),
        })
    }

    /// The line with the seat of this rank passed on, the index of the prize, and the rank of the entry that takes it.
    async fn next_taker<'a, T>(
        &self,
        draw: &'a Draw,
        seal: &SealedDraw,
        rank: u32,
    ) -> Result<Result<(Line<'a>, u32, Option<u32>), Replaced<T>>, StoreError> {
        let mut ranking = self.ranked_entries(&draw.lottery_id, &draw.draw_id).await?;
        ranking.retain(|entry| entry.rank <= draw.ranking_length());
        let changes = self.seat_changes(draw).await?;
        let mut most = reach(&changes, ranking.len());
        loop {
            let mut line = self.line(draw, seal, &ranking, &changes, most).await?;
            let prize = match line.seating.vacate(rank) {
                Ok(prize) => prize,
                Err(NoSeat::Gone(_)) => return Ok(Err(Replaced::LeftAlready(None))),
                Err(NoSeat::Unknown(_) | NoSeat::Waiting(_)) => return Ok(Err(Replaced::NoSeat)),
            };
            let taken_by = line.seating.pass_on(prize);
            if taken_by.is_some() || line.is_whole {
                return Ok(Ok((line, prize, taken_by)));
            }
            most = further(most);
        }
    }

    /// The line of a draw after these changes, with at most so many people behind the ranking.
    pub(crate) async fn line<'a>(
        &self,
        draw: &'a Draw,
        seal: &SealedDraw,
        ranking: &[RankedEntry],
        changes: &[SeatChange],
        most: u32,
    ) -> Result<Line<'a>, StoreError> {
        // A ranking that is shorter than it could be holds everybody who can win.
        let is_all = ranking.len() < draw.ranking_length() as usize;
        let behind = if is_all { Vec::new() } else { self.behind_ranking(seal, most).await? };
        let places = ranking.iter().map(|entry| (entry.ranked.prize, entry.part.clone()));
        let mut seating = Seating::new(&draw.prizes, places);
        let is_whole = is_all || behind.len() < most as usize;
        let (behind, parts): (Vec<Ranked>, Vec<Part>) = behind.into_iter().unzip();
        let ranking = seating.last_rank();
        seating.extend(parts);
        for change in changes {
            let broken = |fault| StoreError::Broken(format!("seat change {}: {fault}", change.number));
            apply(&mut seating, change).map_err(broken)?;
        }
        let end = LogEnd::of(&seal.manifest.commitment(), changes);
        Ok(Line { seating, end, behind, ranking, is_whole })
    }

    /// Writes the rows of those who take seats from behind the ranking. They count once the draw says that they have seats.
    pub(crate) async fn put_takers(&self, draw: &Draw, takers: &[RankedEntry]) -> Result<(), StoreError> {
        match draw.rehearsal {
            true => self.put_rehearsed_ranking(&draw.lottery_id, &draw.draw_id, takers).await,
            false => self.put_pending_ranking(&draw.lottery_id, &draw.draw_id, takers).await,
        }
    }

    /// The rows of people behind the ranking, by rank.
    pub(crate) async fn identified(
        &self,
        seal: &SealedDraw,
        people: Vec<(u32, Ranked)>,
    ) -> Result<Vec<RankedEntry>, StoreError> {
        if people.is_empty() {
            return Ok(Vec::new());
        }
        let labels: Vec<Label> = people.iter().map(|(_, ranked)| ranked.label).collect();
        let mut sealed = self.sealed_entries(seal, &labels).await?;
        let members: Vec<Label> = sealed.values().map(|sealed| sealed.member).collect();
        let members = self.pool_members(seal.lottery_id(), &members).await?.into_iter();
        let fingerprints: HashMap<Label, Fingerprints> =
            members.filter_map(|member| Some((member.label, member.fingerprints?))).collect();
        let identify = |(rank, ranked): (u32, Ranked)| {
            let missing = || StoreError::Broken(format!("entry {}", ranked.label));
            let SealedEntry { participant_id, member, .. } =
                sealed.remove(&ranked.label).ok_or_else(missing)?;
            let fingerprints = fingerprints.get(&member).copied();
            // The list is ranked anew whenever somebody behind the ranking matters.
            Ok(RankedEntry { participant_id, member, fingerprints, rank, ranked, part: Part::Other })
        };
        people.into_iter().map(identify).collect()
    }

    pub(crate) async fn seal_of(&self, draw: &Draw) -> Result<SealedDraw, StoreError> {
        let seal = self.seal(&draw.lottery_id, &draw.draw_id).await?;
        seal.ok_or_else(|| StoreError::Broken(format!("the seal of draw {}", draw.draw_id)))
    }
}

impl<T> Replaced<T> {
    /// The same refusal of something else.
    fn without<U>(self) -> Replaced<U> {
        match self {
            Self::Done(_) | Self::NoSeat => Replaced::NoSeat,
            Self::LeftAlready(left) => Replaced::LeftAlready(left),
            Self::Closed => Replaced::Closed,
            Self::TooMany => Replaced::TooMany,
            Self::NotOfficial(status) => Replaced::NotOfficial(status),
            Self::OtherKey => Replaced::OtherKey,
            Self::Unknown => Replaced::Unknown,
        }
    }
}

/// Withdraws those of these ranks: who has no seat first, then prize after prize, the best rank first.
fn withdraw(
    line: &mut Line<'_>,
    key: &OrganiserKey,
    gone: &BTreeSet<u32>,
    now: ProofTimestamp,
) -> Withdrawals {
    let mut gone: Vec<_> = gone.iter().map(|rank| (line.seating.prize_of(*rank), *rank)).collect();
    gone.sort_unstable();
    gone.truncate(MAX_CHANGES);
    let mut withdrawals = Withdrawals::default();
    for (_, rank) in gone {
        let Ok(prize) = line.seating.leave(rank) else { continue };
        let taken_by = prize.and_then(|prize| line.seating.pass_on(prize));
        withdrawals.passed_on.extend(prize.map(|prize| PassedOn { rank, prize, taken_by, reason: None }));
        withdrawals.changes.push(line.end.append(key, None, rank, taken_by, now));
    }
    withdrawals
}

/// How far behind the ranking to look next.
pub(crate) fn further(most: u32) -> u32 {
    if most < FIRST_REACH { FIRST_REACH } else { u32::MAX }
}

pub(crate) fn proof_timestamp(now: Timestamp) -> Result<ProofTimestamp, StoreError> {
    ProofTimestamp::from_timestamp(now).map_err(|_| StoreError::Broken(format!("the clock: {now}")))
}

/// The time of a draw's log now: never before the round, although a clock may be a little behind it. Verifiers hold each
/// entry to that.
pub(crate) fn log_time(draw: &Draw, now: Timestamp) -> Result<ProofTimestamp, StoreError> {
    proof_timestamp(draw.round_at.map_or(now, |round_at| round_at.max(now)))
}

/// What a replacement makes of a draw.
pub(crate) struct Replacement {
    /// The draw with the seat passed on, and with what is released then.
    pub(crate) after: Draw,
    /// How often the draw has been resumed afterwards, if it has ended and somebody is to be notified.
    resumes: Option<u32>,
    /// Whether the winner who left had claimed the prize.
    had_claimed: bool,
}

impl Replacement {
    pub(crate) fn of(draw: &Draw, change: &SeatChange, prize: u32, resumes: u32, now: Timestamp) -> Self {
        let SeatChange { rank, reason, taken_by, number, .. } = *change;
        let mut after = draw.clone();
        after.passed_on.push(PassedOn { rank, prize, taken_by, reason });
        after.seat_changes = number;
        after.reopened += 1;
        if let Some(hold) = after.hold.as_mut().filter(|hold| !hold.is_over) {
            // The entry that takes a seat is released with the seat.
            if let Some(taker) = taken_by.filter(|_| hold.released.contains(rank)) {
                hold.released.insert(taker);
            }
            hold.revision += 1;
            hold.released_at = Some(now);
        }
        let is_over = after.released() >= after.seated();
        if let Some(hold) = &mut after.hold {
            hold.is_over |= is_over;
        }
        let is_notified = taken_by.is_some() && !draw.channels.is_empty();
        let resumes = (draw.status.is_final() && is_notified).then_some(resumes + 1);
        Self { after, resumes, had_claimed: false }
    }

    /// The change of the draw, if nobody else has changed it in what this rests on.
    pub(crate) fn write(&self, draw: &Draw) -> Write {
        let Self { after, resumes, had_claimed } = self;
        let mut set = "SET passed_on = :passed_on, seat_changes = :length, reopened = :reopened".to_owned();
        let mut conditions = vec!["#status = :seen AND attribute_not_exists(closed_at)".to_owned()];
        let mut values = Vec::new();
        let mut unchanged = |name: &str, placeholder: &'static str, before: u32| match before {
            0 => conditions.push(format!("attribute_not_exists({name})")),
            before => {
                conditions.push(format!("{name} = {placeholder}"));
                values.push((placeholder, number(before)));
            }
        };
        unchanged("seat_changes", ":length_before", draw.seat_changes);
        unchanged("reopened", ":reopened_before", draw.reopened);
        let held = draw.hold.as_ref().filter(|hold| !hold.is_over).zip(after.hold.as_ref());
        if let Some((before, after)) = held {
            unchanged("release_revision", ":revision_before", before.revision);
            set += ", release_revision = :revision, released_at = :released_at";
            values.push((":revision", number(after.revision)));
            values.push((":released_at", text(after.released_at.unwrap_or_default())));
            if !after.released.is_empty() {
                set += ", released = :released";
                values.push((":released", bytes(after.released.as_bytes())));
            }
            if after.is_over {
                set += ", release_is_over = :over";
                values.push((":over", flag(true)));
            }
        }
        if let Some(resumes) = resumes {
            set += ", #status = :recorded, resumes = :resumes REMOVE completed_at, notifications, reason";
            values.push((":recorded", text(DrawStatus::Recorded)));
            values.push((":resumes", number(resumes)));
        }
        if *had_claimed {
            // Not set: the claim may be counted only after this.
            set += " ADD claimed :one_less";
            values.push((":one_less", number(-1)));
        }
        let write = Write::update(keys::draw(&draw.lottery_id, &draw.draw_id), set)
            .only_if(conditions.join(" AND "))
            .name("#status", "status")
            .value(":seen", text(draw.status))
            .value(":passed_on", json(&after.passed_on))
            .value(":length", number(after.seat_changes))
            .value(":reopened", number(after.reopened));
        values.into_iter().fold(write, |write, (placeholder, value)| write.value(placeholder, value))
    }
}
