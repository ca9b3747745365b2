//! Draws: created, read and listed.

use lottery::{Commitment, Draw, DrawId, DrawStatus, LotteryId};

use crate::claims::{claims, with_claims};
use crate::item::{Attributes, Item, NewItem, flag, json, number, text};
use crate::read::Order;
use crate::release::{hold, with_hold};
use crate::store::Table;
use crate::transaction::Outcome;
use crate::write::Write;
use crate::{NotificationKind, Page, Store, StoreError, keys, notification_counts};

/// The result of [`Store::create_draw`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CreateDraw {
    /// The draw is new.
    Created,
    /// There is a draw with this id already.
    Exists(Box<Draw>),
}

/// The result of [`Store::change_draw`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeDraw {
    /// The draw is changed, and one more execution of it is counted.
    Changed,
    /// It does not wait any more, or was changed or resumed since it was read.
    Superseded,
}

impl Store {
    /// Changes a draw that waits, as it was read, and counts one more execution of it, after `resumes` of them.
    pub async fn change_draw(
        &self,
        before: &Draw,
        after: &Draw,
        resumes: u32,
    ) -> Result<ChangeDraw, StoreError> {
        let count = |name: &str, seen: u32| match seen {
            0 => format!("attribute_not_exists({name})"),
            _ => format!("{name} = :{name}"),
        };
        let condition = format!(
            "#status = :waiting AND {} AND {}",
            count("changes", before.changes),
            count("resumes", resumes)
        );
        let mut write = Write::put(draw_item(after).with("resumes", number(resumes + 1)))
            .only_if(condition)
            .name("#status", "status")
            .value(":waiting", text(DrawStatus::Waiting));
        for (name, seen) in [(":changes", before.changes), (":resumes", resumes)] {
            if seen > 0 {
                write = write.value(name, number(seen));
            }
        }
        match self.write(&write).await? {
            Outcome::Done => Ok(ChangeDraw::Changed),
            Outcome::Refused(_) => Ok(ChangeDraw::Superseded),
        }
    }

    /// Creates a draw, unless its id is taken.
    pub async fn create_draw(&self, draw: &Draw) -> Result<CreateDraw, StoreError> {
        let Draw { lottery_id, draw_id, .. } = draw;
        let writes = [
            Write::create(draw_item(draw)),
            Write::put(NewItem::at(keys::draw_listing(lottery_id, draw_id, draw.created_at))),
            Write::put(NewItem::at(keys::unfinished_draw(lottery_id, draw_id))),
        ];
        match self.transact(&writes).await? {
            Outcome::Done => Ok(CreateDraw::Created),
            Outcome::Refused(refusals) => {
                let found = refusals.item(0).ok_or_else(|| StoreError::Broken(format!("draw {draw_id}")))?;
                Ok(CreateDraw::Exists(Box::new(draw_from(found)?)))
            }
        }
    }

    /// A draw.
    pub async fn draw(&self, lottery_id: &LotteryId, draw_id: &DrawId) -> Result<Option<Draw>, StoreError> {
        self.get(&keys::draw(lottery_id, draw_id)).await?.map(|item| draw_from(&item)).transpose()
    }

    /// A page of a lottery's draws, the newest first.
    pub async fn draws(
        &self,
        lottery_id: &LotteryId,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Draw>, StoreError> {
        if cursor.is_some_and(|cursor| listed_draw(cursor).is_none()) {
            return Err(StoreError::InvalidCursor);
        }
        let range = keys::draws(lottery_id);
        let listed = self.page_of_sort_keys(&range, Order::Descending, cursor, limit).await?;
        let draw_ids: Vec<_> = listed.items.iter().filter_map(|listing| listed_draw(listing)).collect();
        let draws = self.draws_by_id(lottery_id, &draw_ids).await?;
        Ok(Page { items: draws, cursor: listed.cursor })
    }

    /// The draws with these ids, in their order, without those that do not exist. No id may be given twice.
    pub async fn draws_by_id(
        &self,
        lottery_id: &LotteryId,
        draw_ids: &[DrawId],
    ) -> Result<Vec<Draw>, StoreError> {
        let keys: Vec<_> = draw_ids.iter().map(|draw_id| keys::draw(lottery_id, draw_id)).collect();
        let items = self.get_many(Table::Lottery, &keys).await?;
        let mut draws = items.iter().map(draw_from).collect::<Result<Vec<_>, _>>()?;
        draws.sort_by_key(|draw| draw_ids.iter().position(|draw_id| *draw_id == draw.draw_id));
        Ok(draws)
    }

    /// Stores the ARN of the execution that carries a draw.
    pub async fn set_execution(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        execution_arn: &str,
    ) -> Result<(), StoreError> {
        let write = Write::update(keys::draw(lottery_id, draw_id), "SET execution_arn = :arn")
            .only_if("attribute_exists(pk)")
            .value(":arn", text(execution_arn));
        self.write(&write).await.map(|_| ())
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

/// The draw id in a sort key of the list of draws.
fn listed_draw(listing: &str) -> Option<DrawId> {
    let (milliseconds, draw_id) = listing.split_once('#')?;
    let is_time = milliseconds.len() == 15 && milliseconds.bytes().all(|b| b.is_ascii_digit());
    if is_time { DrawId::parse(draw_id).ok() } else { None }
}

fn draw_item(draw: &Draw) -> NewItem {
    let item = NewItem::at(keys::draw(&draw.lottery_id, &draw.draw_id))
        .with("lottery_id", text(&draw.lottery_id))
        .with("draw_id", text(&draw.draw_id))
        .with("status", text(draw.status))
        .with_some("reason", draw.reason.as_ref().map(json))
        .with("prizes", json(&draw.prizes))
        .with("alternates", number(draw.alternates))
        .with("exclude_past_winners", flag(draw.exclude_past_winners))
        .with_some("present_only", draw.present_only.then_some(flag(true)))
        .with_some("rehearsal", draw.rehearsal.then_some(flag(true)))
        .with_some("announce_commitment", draw.announce_commitment.then_some(flag(true)))
        .with_some("notify_others", draw.notify_others.then_some(flag(true)))
        .with_some("changes", (draw.changes > 0).then(|| number(draw.changes)))
        .with_some("closes_at", draw.closes_at.map(text))
        .with_some("draw_at", draw.draw_at.map(text))
        .with("channels", json(&draw.channels))
        .with("created_at", text(draw.created_at))
        .with_some("sequence", draw.sequence.map(number))
        .with_some("sealed_at", draw.sealed_at.map(text))
        .with_some("entries", draw.entries.map(number))
        .with_some("commitment", draw.commitment.map(text))
        .with_some("round", draw.round.map(number))
        .with_some("round_at", draw.round_at.map(text))
        .with_some("beacon_at", draw.beacon_at.map(text))
        .with_some("drawn_at", draw.drawn_at.map(text))
        .with_some("recorded_at", draw.recorded_at.map(text))
        .with_some("execution_arn", draw.execution_arn.as_ref().map(text))
        .with_some("completed_at", draw.completed_at.map(text))
        .with_some("notifications", draw.notifications.as_ref().map(json))
        .with_some("passed_on", (!draw.passed_on.is_empty()).then(|| json(&draw.passed_on)));
    with_claims(with_hold(item, draw.hold.as_ref()), draw.claims.as_ref())
}

pub(crate) fn draw_from(item: &Item) -> Result<Draw, StoreError> {
    let item = Attributes(item);
    let commitment = match item.optional_text("commitment")? {
        None => None,
        Some(_) => Some(item.parse_with("commitment", Commitment::parse)?),
    };
    Ok(Draw {
        lottery_id: item.parse("lottery_id")?,
        draw_id: item.parse("draw_id")?,
        status: item.parse_with("status", DrawStatus::parse)?,
        reason: item.optional_json("reason")?,
        prizes: item.json("prizes")?,
        alternates: item.number("alternates")?,
        exclude_past_winners: item.flag("exclude_past_winners")?,
        present_only: item.optional_flag("present_only")?,
        rehearsal: item.optional_flag("rehearsal")?,
        announce_commitment: item.optional_flag("announce_commitment")?,
        announced: notification_counts::counts_of(item, NotificationKind::Commitment)?,
        notify_others: item.optional_flag("notify_others")?,
        others_notified: notification_counts::counts_of(item, NotificationKind::NotWon)?,
        closes_at: item.parse_optional("closes_at")?,
        draw_at: item.parse_optional("draw_at")?,
        channels: item.json("channels")?,
        hold: hold(item)?,
        claims: claims(item)?,
        created_at: item.timestamp("created_at")?,
        sequence: item.optional_number("sequence")?,
        sealed_at: item.parse_optional("sealed_at")?,
        entries: item.optional_number("entries")?,
        commitment,
        round: item.optional_number("round")?,
        round_at: item.parse_optional("round_at")?,
        is_seal_confirmed: !item.optional_flag("seal_unconfirmed")?,
        beacon_at: item.parse_optional("beacon_at")?,
        drawn_at: item.parse_optional("drawn_at")?,
        recorded_at: item.parse_optional("recorded_at")?,
        execution_arn: item.optional_text("execution_arn")?.map(str::to_owned),
        completed_at: item.parse_optional("completed_at")?,
        notifications: item.optional_json("notifications")?,
        notified: notification_counts::from_draw_item(item)?,
        reopened: item.optional_number("reopened")?.unwrap_or(0),
        changes: item.optional_number("changes")?.unwrap_or(0),
        passed_on: match item.optional_json("passed_on")? {
            Some(passed_on) => passed_on,
            // As earlier versions called those of withdrawals.
            None => item.optional_json("forfeits")?.unwrap_or_default(),
        },
        seat_changes: item.optional_number("seat_changes")?.unwrap_or(0),
        closed_at: item.parse_optional("closed_at")?,
    })
}
