//! The ledger for the organiser: its lines by rank, and having messages sent again that were not sent, or perhaps not.
//!
//! Nothing is sent again by itself. A line that the organiser reopens is PENDING and keeps what it was; then the draw
//! goes back to RECORDED, so that an execution sends what is pending. In this order: a call that dies in between has
//! changed nothing that anybody acts on, and the next one finds the pending lines.

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use lottery::{Channel, Draw, DrawId, DrawStatus, LotteryId, NotificationsByChannel, ParticipantId};

use crate::item::{Attributes, NewItem, json, number, text};
use crate::ledger::KIND;
use crate::results::{EarlierAttempt, Notification, NotificationState, Winner};
use crate::transaction::Outcome;
use crate::write::Write;
use crate::{Page, Store, StoreError, counting, keys};

/// How often a change of the draw that the tasks race with is decided anew.
const ATTEMPTS: u32 = 8;
/// How many lines are reopened at once.
const CONCURRENCY: usize = 16;
/// The most ranks on one page.
const MAX_RANKS: u32 = 100;

/// Which messages to send again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryRequest {
    /// Those in one of these states; of the states only FAILED and UNKNOWN can be reopened. UNKNOWN ones may reach
    /// somebody twice.
    pub states: Vec<NotificationState>,
    /// Those on one of these channels.
    pub channels: Vec<Channel>,
    /// Those of the winners with these ranks; all if there are none given. No rank may stand twice.
    pub ranks: Option<Vec<u32>>,
}

impl Default for RetryRequest {
    /// What is known not to have been sent, on every channel, to everybody.
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

/// What came of having messages sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reopened {
    /// The draw is RECORDED again, and needs its next execution: `draw-<draw_id>-r<resumes>`, from `RecordWinners`.
    /// Should it not be started, the reconciler starts it.
    Resume {
        /// The draw, as it is now.
        draw: Box<Draw>,
        /// The number of the execution.
        resumes: u32,
        /// How many messages it will send.
        counts: ReopenedCounts,
    },
    /// The execution that tells the winners is under way, and sends these too.
    UnderWay(ReopenedCounts),
    /// No message is as the request wants it.
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
    /// What became of the message.
    pub notification: Notification,
}

impl Store {
    /// A page of the ledger of a draw by rank and channel: the lines of up to `limit` winners, at most 100. The cursor
    /// is the last rank of the page.
    pub async fn notifications_page(
        &self,
        draw: &Draw,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<NotificationLine>, StoreError> {
        let behind = cursor.map(str::parse::<u32>).transpose().map_err(|_| StoreError::InvalidCursor)?;
        let behind = behind.unwrap_or(0);
        let limit = u32::try_from(limit).unwrap_or(MAX_RANKS).clamp(1, MAX_RANKS);
        let last = behind.saturating_add(limit).min(draw.ranked());
        if !draw.status.has_official_winners() || behind >= last {
            return Ok(Page { items: Vec::new(), cursor: None });
        }
        let winners = self.winners_ranked(draw, behind + 1..=last).await?;
        let lines = self.lines(draw, &winners, &Channel::ALL).await?;
        Ok(Page { items: lines, cursor: (last < draw.ranked()).then(|| last.to_string()) })
    }

    /// Has messages of a draw sent again: see the module. May be repeated after an error.
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
        let winners = match &request.ranks {
            Some(ranks) => self.winners_ranked(&draw, ranks.iter().copied()).await?,
            None => self.winners_ranked(&draw, 1..=draw.ranked()).await?,
        };
        let lines = self.lines(&draw, &winners, &request.channels).await?;
        // Collected first: a stream over a borrowing closure would not be `Send` for callers that need it.
        let reopening: Vec<_> = lines
            .iter()
            .filter(|line| is_wanted(&line.notification, request))
            .map(|line| self.reopen(&draw, &line.notification, now))
            .collect();
        let reopened: Vec<_> = stream::iter(reopening).buffer_unordered(CONCURRENCY).try_collect().await?;
        let (mut counts, mut were) = (ReopenedCounts::default(), NotificationsByChannel::default());
        for (channel, was) in reopened.into_iter().flatten() {
            *match channel {
                Channel::Sms => &mut counts.sms,
                Channel::Email => &mut counts.email,
            } += 1;
            match was {
                NotificationState::Failed => were.on_mut(channel).failed += 1,
                NotificationState::Unknown => were.on_mut(channel).unknown += 1,
                _ => {}
            }
        }
        if counts == ReopenedCounts::default() {
            return Ok(Reopened::Nothing);
        }
        self.reopen_draw(lottery_id, draw_id, counts, &were).await
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
            let mut ledger = self.ledger_entries(&draw.lottery_id, &draw.draw_id, channel, &ids).await?;
            lines.extend(winners.iter().filter_map(|winner| {
                let notification = ledger.remove(&winner.participant_id)?;
                Some(NotificationLine { rank: winner.rank, notification })
            }));
        }
        lines.sort_by_key(|line| (line.rank, line.notification.channel));
        Ok(lines)
    }

    /// Makes a line pending that is still as it was read; answers its channel and what it was.
    async fn reopen(
        &self,
        draw: &Draw,
        line: &Notification,
        now: Timestamp,
    ) -> Result<Option<(Channel, NotificationState)>, StoreError> {
        let answer = Ok(Some((line.channel, line.state)));
        if line.state == NotificationState::Pending {
            return answer;
        }
        let mut earlier = line.earlier.clone();
        earlier.push(EarlierAttempt {
            state: line.state,
            message_id: line.message_id.clone(),
            reason: line.reason.clone(),
            at: line.at,
        });
        let (lottery_id, draw_id) = (&draw.lottery_id, &draw.draw_id);
        let key = keys::notification(lottery_id, draw_id, &line.participant_id, line.channel, KIND);
        // Without its owner, who can settle it no more.
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
            Outcome::Done => answer,
            Outcome::Refused(_) => Ok(None),
        }
    }

    /// Sees to it that pending lines are sent: by the execution under way, or by a further one.
    async fn reopen_draw(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        counts: ReopenedCounts,
        were: &NotificationsByChannel,
    ) -> Result<Reopened, StoreError> {
        let key = || keys::draw(lottery_id, draw_id);
        for _ in 0..ATTEMPTS {
            let draw = self.known_draw(lottery_id, draw_id).await?;
            let change = |set: &str| {
                let change = Write::update(key(), format!("SET reopened = :reopened{set} {}", counting::ADD))
                    .only_if(format!(
                        "#status = :seen AND {}",
                        if draw.reopened == 0 {
                            "attribute_not_exists(reopened)"
                        } else {
                            "reopened = :before"
                        }
                    ))
                    .name("#status", "status")
                    .value(":seen", text(draw.status))
                    .value(":reopened", number(draw.reopened + 1));
                let change = counting::differences(change, &NotificationsByChannel::default(), were);
                if draw.reopened == 0 { change } else { change.value(":before", number(draw.reopened)) }
            };
            if draw.status == DrawStatus::Recorded {
                // An execution that is just ending the draw finds that it was reopened, and looks again.
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

/// Pending lines too, which a call before this may have left so.
fn is_wanted(line: &Notification, request: &RetryRequest) -> bool {
    match line.state {
        NotificationState::Pending => true,
        NotificationState::Failed | NotificationState::Unknown => request.states.contains(&line.state),
        NotificationState::Claimed | NotificationState::Sent => false,
    }
}
