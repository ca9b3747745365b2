//! The ledger for the organiser: its lines by rank, and reopening lines so that their messages are sent again.
//!
//! Nothing is sent again unless the organiser asks. A reopened line is PENDING and keeps its earlier attempts; then the draw
//! goes back to RECORDED, so that an execution sends the pending messages. The order matters: a call that dies in between has
//! changed nothing that a task acts on, and the next call finds the pending lines.

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use lottery::{Channel, Draw, DrawId, DrawStatus, LotteryId, NotificationsByChannel, ParticipantId};

use crate::item::{Attributes, NewItem, json, number, text};
use crate::ledger::{EarlierAttempt, Notification, NotificationKind, NotificationState};
use crate::transaction::Outcome;
use crate::winners::Winner;
use crate::write::Write;
use crate::{Page, Store, StoreError, keys, notification_counts};

/// How often a change of the draw is decided anew while tasks change it too.
const MAX_ATTEMPTS: u32 = 8;
/// The number of lines that are reopened concurrently.
const CONCURRENCY: usize = 16;
/// The maximum number of ranks on one page.
const MAX_RANKS: u32 = 100;

/// Which messages to send again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryRequest {
    /// Messages in one of these states; only FAILED and UNKNOWN can be reopened. An UNKNOWN message may reach its winner
    /// twice.
    pub states: Vec<NotificationState>,
    /// Messages on one of these channels.
    pub channels: Vec<Channel>,
    /// Messages to the winners with these ranks; to all winners if none are given. No rank may be given twice.
    pub ranks: Option<Vec<u32>>,
}

impl Default for RetryRequest {
    /// All messages that are known not to have been sent.
    fn default() -> Self {
        Self { states: vec![NotificationState::Failed], channels: Channel::ALL.to_vec(), ranks: None }
    }
}

/// How many messages will be sent again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReopenedCounts {
    /// By SMS.
    pub sms: u64,
    /// By e-mail.
    pub email: u64,
}

/// The result of [`Store::reopen_notifications`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reopened {
    /// The draw is RECORDED again, and needs a further execution; see `lottery::execution`. If the caller does not start
    /// it, the reconciler does.
    Resume {
        /// The draw as it is now.
        draw: Box<Draw>,
        /// How often the draw has been resumed, this time included.
        resumes: u32,
        /// How many messages the execution will send.
        counts: ReopenedCounts,
    },
    /// The execution that notifies the winners is running, and sends these messages too.
    UnderWay(ReopenedCounts),
    /// No message matches the request.
    Nothing,
    /// The draw has no official winners.
    NotOfficial(DrawStatus),
    /// There is no such draw.
    Unknown,
}

/// A line of the ledger, with the rank of its winner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotificationLine {
    /// The rank, from 1.
    pub rank: u32,
    /// The line.
    pub notification: Notification,
}

impl Store {
    /// A page of the ledger of a draw by rank and channel: the lines of up to `limit` winners, at most 100. The cursor
    /// is the last rank of the page before.
    pub async fn notifications_page(
        &self,
        draw: &Draw,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<NotificationLine>, StoreError> {
        let after = cursor.map(str::parse::<u32>).transpose().map_err(|_| StoreError::InvalidCursor)?;
        let after = after.unwrap_or(0);
        let limit = u32::try_from(limit).unwrap_or(MAX_RANKS).clamp(1, MAX_RANKS);
        let last = after.saturating_add(limit).min(draw.ranked());
        if !draw.status.has_official_winners() || after >= last {
            return Ok(Page { items: Vec::new(), cursor: None });
        }
        let winners = self.winners_ranked(draw, after + 1..=last).await?;
        let lines = self.lines(draw, &winners, &Channel::ALL).await?;
        Ok(Page { items: lines, cursor: (last < draw.ranked()).then(|| last.to_string()) })
    }

    /// Has messages of a draw sent again. May be repeated after an error.
    pub async fn reopen_notifications(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        request: &RetryRequest,
        now: Timestamp,
    ) -> Result<Reopened, StoreError> {
        let Some(draw) = self.draw(lottery_id, draw_id).await? else { return Ok(Reopened::Unknown) };
        if !draw.status.has_official_winners() {
            return Ok(Reopened::NotOfficial(draw.status));
        }
        let mut winners = match &request.ranks {
            Some(ranks) => self.winners_ranked(&draw, ranks.iter().copied()).await?,
            None => self.winners(lottery_id, draw_id).await?,
        };
        // Who has left the seat gets no further message.
        winners.retain(Winner::has_seat);
        let lines = self.lines(&draw, &winners, &request.channels).await?;
        // Collected first: a stream over a borrowing closure would not be `Send` for callers that need it.
        let reopening: Vec<_> = lines
            .iter()
            .filter(|line| matches(&line.notification, request))
            .map(|line| self.reopen(&draw, &line.notification, now))
            .collect();
        let reopened: Vec<_> = stream::iter(reopening).buffer_unordered(CONCURRENCY).try_collect().await?;
        let (mut counts, mut before) = (ReopenedCounts::default(), NotificationsByChannel::default());
        for (channel, state) in reopened.into_iter().flatten() {
            *match channel {
                Channel::Sms => &mut counts.sms,
                Channel::Email => &mut counts.email,
            } += 1;
            state.count_in(before.on_mut(channel));
        }
        if counts == ReopenedCounts::default() {
            return Ok(Reopened::Nothing);
        }
        self.reopen_draw(lottery_id, draw_id, counts, &before).await
    }

    async fn lines(
        &self,
        draw: &Draw,
        winners: &[Winner],
        channels: &[Channel],
    ) -> Result<Vec<NotificationLine>, StoreError> {
        let mut lines = Vec::new();
        let ids: Vec<ParticipantId> = winners.iter().map(|winner| winner.participant_id.clone()).collect();
        for &channel in channels {
            let mut ledger = self.ledger_lines(&draw.lottery_id, &draw.draw_id, channel, &ids).await?;
            lines.extend(winners.iter().filter_map(|winner| {
                let notification = ledger.remove(&winner.participant_id)?;
                Some(NotificationLine { rank: winner.rank, notification })
            }));
        }
        lines.sort_by_key(|line| (line.rank, line.notification.channel));
        Ok(lines)
    }

    /// Makes a line pending if it is still as it was read. Returns its channel and the state that it had.
    async fn reopen(
        &self,
        draw: &Draw,
        line: &Notification,
        now: Timestamp,
    ) -> Result<Option<(Channel, NotificationState)>, StoreError> {
        let reopened = Ok(Some((line.channel, line.state)));
        if line.state == NotificationState::Pending {
            return reopened;
        }
        let mut earlier = line.earlier.clone();
        earlier.push(EarlierAttempt {
            state: line.state,
            message_id: line.message_id.clone(),
            reason: line.reason.clone(),
            at: line.at,
        });
        let (lottery_id, draw_id) = (&draw.lottery_id, &draw.draw_id);
        let key = keys::notification(
            lottery_id,
            draw_id,
            &line.participant_id,
            line.channel,
            NotificationKind::Won,
        );
        // Without its owner, which can no longer record an outcome.
        let pend = Write::update(
            key,
            "SET #state = :pending, #at = :now, earlier = :earlier REMOVE #owner, #reason, message_id",
        )
        .only_if("#state = :seen AND #at = :seen_at")
        .name("#state", "state")
        .name("#at", "at")
        .name("#owner", "owner")
        .name("#reason", "reason")
        .value(":pending", text(NotificationState::Pending.as_str()))
        .value(":now", text(now))
        .value(":earlier", json(&earlier))
        .value(":seen", text(line.state.as_str()))
        .value(":seen_at", text(line.at));
        match self.write(&pend).await? {
            Outcome::Done => reopened,
            Outcome::Refused(_) => Ok(None),
        }
    }

    /// Makes an execution send the pending lines: the one that is running, or a further one.
    async fn reopen_draw(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        counts: ReopenedCounts,
        before: &NotificationsByChannel,
    ) -> Result<Reopened, StoreError> {
        let key = || keys::draw(lottery_id, draw_id);
        for _ in 0..MAX_ATTEMPTS {
            let draw = self.known_draw(lottery_id, draw_id).await?;
            let change = |set: &str| {
                let change = Write::update(
                    key(),
                    format!("SET reopened = :reopened{set} {}", notification_counts::ADD),
                )
                .only_if(format!(
                    "#status = :seen AND {}",
                    if draw.reopened == 0 { "attribute_not_exists(reopened)" } else { "reopened = :before" }
                ))
                .name("#status", "status")
                .value(":seen", text(draw.status))
                .value(":reopened", number(draw.reopened + 1));
                let change =
                    notification_counts::differences(change, &NotificationsByChannel::default(), before);
                if draw.reopened == 0 { change } else { change.value(":before", number(draw.reopened)) }
            };
            if draw.status == DrawStatus::Recorded {
                // An execution that is about to end the draw finds that it was reopened, and reads the ledger again.
                if let Outcome::Done = self.write(&change("")).await? {
                    return Ok(Reopened::UnderWay(counts));
                }
                continue;
            }
            let item = self.get(&key()).await?.unwrap_or_default();
            let resumes = Attributes(&item).optional_number::<u32>("resumes")?.unwrap_or(0) + 1;
            let back = change(
                ", #status = :recorded, resumes = :resumes REMOVE completed_at, notifications, reason",
            )
            .value(":recorded", text(DrawStatus::Recorded))
            .value(":resumes", number(resumes));
            let unfinished = Write::put(NewItem::at(keys::unfinished_draw(lottery_id, draw_id)));
            if let Outcome::Done = self.transact(&[back, unfinished]).await? {
                let draw = Box::new(self.known_draw(lottery_id, draw_id).await?);
                return Ok(Reopened::Resume { draw, resumes, counts });
            }
        }
        Err(StoreError::Contended)
    }
}

/// Pending lines match too: an earlier call may have died after it had made them pending.
fn matches(line: &Notification, request: &RetryRequest) -> bool {
    match line.state {
        NotificationState::Pending => true,
        NotificationState::Failed | NotificationState::Unknown => request.states.contains(&line.state),
        NotificationState::Claimed | NotificationState::Sent => false,
    }
}
