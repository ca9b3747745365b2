//! The winners and alternates of a draw, read by rank, in full or masked.

use std::collections::HashMap;

use jiff::Timestamp;
use lottery::{Channel, Draw, ParticipantId};
use lottery_store::{Contact, Notification, RankedEntry, Winner};
use serde::Serialize;
use utoipa::ToSchema;

use super::view::{MaskedWinner, SeatView};
use crate::error::ApiError;
use crate::state::AppState;

/// What became of one notification.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct NotificationView {
    /// `sms` or `email`.
    pub(super) channel: String,
    /// PENDING (to be sent again), CLAIMED, SENT, FAILED or UNKNOWN.
    pub(super) state: String,
    /// Why it was not sent.
    reason: Option<String>,
    /// The id that SNS or SES gave it.
    message_id: Option<String>,
    /// When it came to this state.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

/// A winner, in full.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FullWinner {
    /// The prize won.
    pub(super) prize: String,
    /// The winner's rank in the draw, from 1.
    pub(super) rank: u32,
    /// The organiser's own id of the winner.
    pub(super) participant_id: String,
    /// The winner's random name in the list of entries.
    pub(super) label: String,
    /// Whether the winner is released: until then the public sees no name and no message is sent.
    pub(super) released: bool,
    /// The name; absent, like the rest, if the winner has withdrawn.
    pub(super) name: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) email: Option<String>,
    /// The group, as it is on the list now.
    pub(super) group: Option<String>,
    /// The winner's notifications, by channel.
    pub(super) notifications: Vec<NotificationView>,
    #[serde(flatten)]
    pub(super) seat: SeatView,
}

/// An alternate, in full: takes a seat that a winner forfeits, the best rank first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AlternateView {
    /// The rank in the draw, greater than the last winner's.
    pub(super) rank: u32,
    /// The organiser's own id of the alternate.
    pub(super) participant_id: String,
    /// The alternate's random name in the list of entries.
    pub(super) label: String,
    /// The name; absent, like the rest, if the alternate has withdrawn.
    pub(super) name: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) email: Option<String>,
    /// The group, as it is on the list now.
    pub(super) group: Option<String>,
}

/// One winner: what is shown depends on the caller.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum WinnerView {
    /// For callers with `results:read`.
    Full(FullWinner),
    /// For everyone.
    Masked(MaskedWinner),
}

/// The number of winners: those drawn, and the entries that took a vacated seat.
pub(super) fn total(draw: &Draw) -> usize {
    if !draw.status.has_official_winners() {
        return 0;
    }
    draw.winners() as usize + draw.passed_on.iter().filter(|seat| seat.taken_by.is_some()).count()
}

/// The ranks among which those are that are shown, by rank.
fn shown_ranks(draw: &Draw, shown: Shown) -> Vec<u32> {
    if !draw.status.has_official_winners() {
        return Vec::new();
    }
    // A quota passes over the best-ranked of a group that has enough: an alternate is then ranked before a winner.
    if shown == Shown::InFull || draw.prizes.has_quotas() {
        // A ranking ends with the entries.
        let entries = draw.entries.and_then(|entries| u32::try_from(entries).ok()).unwrap_or(u32::MAX);
        let length = draw.ranking_length().min(entries);
        return (1..=length).chain(takers(draw).into_iter().filter(|rank| *rank > length)).collect();
    }
    (1..=draw.winners()).chain(takers(draw)).collect()
}

/// The ranks of those who took a seat that was left.
fn takers(draw: &Draw) -> Vec<u32> {
    let mut takers: Vec<u32> = draw.passed_on.iter().filter_map(|seat| seat.taken_by).collect();
    takers.sort_unstable();
    takers
}

/// A part of the ranking, and the cursor of the next one.
pub(super) struct RankPage {
    pub(super) winners: Vec<Winner>,
    pub(super) alternates: Vec<RankedEntry>,
    pub(super) cursor: Option<String>,
}

pub(super) async fn page_of(
    state: &AppState,
    draw: &Draw,
    after: u32,
    limit: usize,
    shown: Shown,
) -> Result<RankPage, ApiError> {
    let mut wanted = shown_ranks(draw, shown);
    wanted.retain(|rank| *rank > after);
    let goes_on = wanted.len() > limit;
    wanted.truncate(limit);
    let cursor = wanted.last().filter(|_| goes_on).map(u32::to_string);
    let winners = state.store.winners_ranked(draw, wanted.iter().copied()).await?;
    let mut others = wanted;
    others.retain(|rank| !winners.iter().any(|winner| winner.rank == *rank));
    let alternates = match shown == Shown::Masked || others.is_empty() {
        true => Vec::new(),
        false => state.store.entries_ranked(draw, others).await?,
    };
    Ok(RankPage { winners, alternates, cursor })
}

/// How much of a winner is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    InFull,
    Masked,
}

pub(super) async fn views(
    state: &AppState,
    draw: &Draw,
    winners: Vec<Winner>,
    shown: Shown,
) -> Result<Vec<WinnerView>, ApiError> {
    let (lottery_id, draw_id) = (&draw.lottery_id, &draw.draw_id);
    let mut contacts = state.store.contacts_of(lottery_id, &winners).await?;
    if shown == Shown::Masked {
        let masked = |winner: &Winner| MaskedWinner::new(draw, winner, contacts.get(&winner.participant_id));
        return Ok(winners.iter().map(masked).map(WinnerView::Masked).collect());
    }
    let ids: Vec<_> = winners.iter().map(|winner| winner.participant_id.clone()).collect();
    let mut notifications: HashMap<ParticipantId, Vec<Notification>> = HashMap::new();
    for channel in Channel::ALL {
        for (id, notification) in state.store.ledger_lines(lottery_id, draw_id, channel, &ids).await? {
            notifications.entry(id).or_default().push(notification);
        }
    }
    let full = |winner: Winner| {
        let id = &winner.participant_id;
        FullWinner::new(draw, &winner, contacts.remove(id), notifications.remove(id).unwrap_or_default())
    };
    Ok(winners.into_iter().map(full).map(WinnerView::Full).collect())
}

pub(super) async fn alternate_views(
    state: &AppState,
    draw: &Draw,
    alternates: &[RankedEntry],
) -> Result<Vec<AlternateView>, ApiError> {
    let people = alternates.iter().map(|line| (&line.participant_id, line.member));
    let mut contacts = state.store.contacts_labelled(&draw.lottery_id, people).await?;
    Ok(alternates
        .iter()
        .map(|line| AlternateView::new(line, contacts.remove(&line.participant_id)))
        .collect())
}

impl AlternateView {
    fn new(line: &RankedEntry, contact: Option<Contact>) -> Self {
        let RankedEntry { participant_id, rank, ranked, .. } = line;
        let (name, phone, email, group) = reached(contact);
        Self {
            rank: *rank,
            participant_id: participant_id.to_string(),
            label: ranked.label.to_string(),
            name,
            phone,
            email,
            group,
        }
    }
}

/// Name, phone number, e-mail address and group; none of a withdrawn participant.
fn reached(contact: Option<Contact>) -> (Option<String>, Option<String>, Option<String>, Option<String>) {
    let Some(Contact { name, phone, email, group, .. }) = contact else { return (None, None, None, None) };
    let (phone, email) = (phone.map(|phone| phone.to_string()), email.map(|email| email.to_string()));
    (Some(name.to_string()), phone, email, group.map(|group| group.to_string()))
}

impl FullWinner {
    fn new(
        draw: &Draw,
        winner: &Winner,
        contact: Option<Contact>,
        mut notifications: Vec<Notification>,
    ) -> Self {
        notifications.sort_by_key(|notification| (notification.channel, notification.at));
        let (name, phone, email, group) = reached(contact);
        Self {
            prize: winner.prize.to_string(),
            rank: winner.rank,
            participant_id: winner.participant_id.to_string(),
            label: winner.label.to_string(),
            released: draw.is_released(winner.rank),
            name,
            phone,
            email,
            group,
            notifications: notifications
                .into_iter()
                .map(|notification| NotificationView {
                    channel: notification.channel.to_string(),
                    state: notification.state.as_str().to_owned(),
                    reason: notification.reason,
                    message_id: notification.message_id,
                    at: notification.at,
                })
                .collect(),
            seat: SeatView::of(winner),
        }
    }
}
