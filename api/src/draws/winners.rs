//! The winners of a draw: in full for those who may read results, masked for everyone else.

use std::collections::HashMap;

use axum::extract::State;
use axum::response::Response;
use http::header::{CONTENT_DISPOSITION, LINK};
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use lottery::{Channel, Draw, ParticipantId};
use lottery_store::{Contact, Notification, Winner};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::csv::quoted;
use super::view::{FirstWinners, MaskedWinner, SeatView};
use super::watched::Watched;
use crate::answer::{Answer, Fit, MAX_ANSWER, carried};
use crate::auth::{MaybeCaller, Scope};
use crate::cache_control::CacheRule;
use crate::error::ApiError;
use crate::extract::{DrawPath, LARGEST_PAGE, WinnersPage, accepted, unknown_draw};
use crate::state::AppState;

/// How many winners the draw's own answer lists.
const WINNERS_SHOWN: usize = 100;
const JSON: &str = "application/json";
const CSV: &str = "text/csv";

/// What became of one notification.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct NotificationView {
    /// `sms` or `email`.
    channel: String,
    /// PENDING (to be sent again), CLAIMED, SENT, FAILED or UNKNOWN.
    state: String,
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
    prize: String,
    /// The winner's rank in the draw, from 1.
    rank: u32,
    /// The organiser's own id of the winner.
    participant_id: String,
    /// The random name under which the winner stands in the list of entries.
    label: String,
    /// The name; absent, like the rest, if the winner has withdrawn.
    name: Option<String>,
    phone: Option<String>,
    email: Option<String>,
    /// What the winner was told, by channel.
    notifications: Vec<NotificationView>,
    #[serde(flatten)]
    seat: SeatView,
}

/// One winner: what is shown depends on the caller.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum WinnerView {
    /// For those who may read results.
    Full(FullWinner),
    /// For everyone.
    Masked(MaskedWinner),
}

/// A page of the winners of a draw, by rank; none before they are official.
#[derive(Serialize, ToSchema)]
pub(crate) struct Winners {
    /// The draw's status.
    status: String,
    winners: Vec<WinnerView>,
    /// How many winners there are, on all pages.
    total: usize,
    /// What to pass as `cursor` for the next page.
    next_cursor: Option<String>,
}

/// Where a page of winners begins, and how long it is.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the query that `WinnersPage` reads")]
pub(crate) struct WinnersQuery {
    /// The `next_cursor` of the page before: the last rank on it.
    #[param(pattern = "^[0-9]{1,9}$")]
    cursor: Option<String>,
    /// How many, at most: 1 to 1000. Absent, it is 1000 for JSON, and all that one answer can hold for CSV.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// The winners of a draw: masked, or in full with the scope `results:read`.
///
/// A CSV that would be too large for one answer ends earlier; then the header `Link` names the next part.
#[utoipa::path(get, path = "/lotteries/{lottery_id}/draws/{draw_id}/winners", tag = "draws", params(WinnersQuery),
    responses((status = 200, description = "The winners by rank, as JSON or CSV by `Accept`", content(
        (Winners = "application/json"), (String = "text/csv")))))]
pub(crate) async fn winners(
    State(state): State<AppState>,
    DrawPath(lottery_id, draw_id): DrawPath,
    caller: MaybeCaller,
    page: WinnersPage,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let media_type = accepted(&headers, &[JSON, CSV])?;
    if caller.may(Scope::ResultsRead) {
        // What is personal is kept by nobody, not even here.
        let draw = state.store.draw(&lottery_id, &draw_id).await?.ok_or_else(unknown_draw)?;
        let answer = answer(&state, &draw, &page, media_type, Shown::InFull, CacheRule::Private).await?;
        tracing::info!(%lottery_id, %draw_id, "read winners in full");
        return Ok(answer.respond(&headers));
    }
    let watched = Watched::read(&state, &lottery_id, &draw_id).await?;
    let WinnersPage { after, limit } = &page;
    let key = state
        .reads
        .key(format_args!("winners/{lottery_id}/{draw_id}/{}/{media_type}/{after}/{limit:?}", watched.tag));
    let lifetime = watched.lifetime(state.reads.freshness());
    let masked = answer(&state, &watched.draw, &page, media_type, Shown::Masked, watched.rule());
    Ok(state.reads.answer(key, lifetime, masked).await?.respond(&headers))
}

/// The ranks of all who have won, by rank: the winners drawn, and the alternates who took a forfeited seat.
fn ranks(draw: &Draw) -> Vec<u32> {
    if !draw.status.has_official_winners() {
        return Vec::new();
    }
    let mut takers: Vec<u32> = draw.forfeits.iter().filter_map(|forfeit| forfeit.taken_by).collect();
    takers.sort_unstable();
    (1..=draw.winners()).chain(takers).collect()
}

/// The winners behind a rank, and the cursor of those behind these.
async fn page_of(
    state: &AppState,
    draw: &Draw,
    after: u32,
    limit: usize,
) -> Result<(Vec<Winner>, Option<String>), ApiError> {
    let mut wanted = ranks(draw);
    wanted.retain(|rank| *rank > after);
    let goes_on = wanted.len() > limit;
    wanted.truncate(limit);
    let cursor = wanted.last().filter(|_| goes_on).map(u32::to_string);
    Ok((state.store.winners_ranked(draw, wanted).await?, cursor))
}

/// The first winners, for the draw's own answer.
pub(super) async fn first(state: &AppState, draw: &Draw) -> Result<FirstWinners, ApiError> {
    let (winners, next_cursor) = page_of(state, draw, 0, WINNERS_SHOWN).await?;
    let contacts = state.store.contacts_of(&draw.lottery_id, &winners).await?;
    let masked = |winner: &Winner| MaskedWinner::new(winner, contacts.get(&winner.participant_id));
    Ok(FirstWinners { winners: winners.iter().map(masked).collect(), total: ranks(draw).len(), next_cursor })
}

/// How much of a winner is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    InFull,
    Masked,
}

async fn views(
    state: &AppState,
    draw: &Draw,
    winners: Vec<Winner>,
    shown: Shown,
) -> Result<Vec<WinnerView>, ApiError> {
    let (lottery_id, draw_id) = (&draw.lottery_id, &draw.draw_id);
    let mut contacts = state.store.contacts_of(lottery_id, &winners).await?;
    if shown == Shown::Masked {
        let masked = |winner: &Winner| MaskedWinner::new(winner, contacts.get(&winner.participant_id));
        return Ok(winners.iter().map(masked).map(WinnerView::Masked).collect());
    }
    let ids: Vec<_> = winners.iter().map(|winner| winner.participant_id.clone()).collect();
    let mut told: HashMap<ParticipantId, Vec<Notification>> = HashMap::new();
    for channel in Channel::ALL {
        for (id, notification) in state.store.ledger_entries(lottery_id, draw_id, channel, &ids).await? {
            told.entry(id).or_default().push(notification);
        }
    }
    let full = |winner: Winner| {
        let id = &winner.participant_id;
        FullWinner::new(&winner, contacts.remove(id), told.remove(id).unwrap_or_default())
    };
    Ok(winners.into_iter().map(full).map(WinnerView::Full).collect())
}

async fn answer(
    state: &AppState,
    draw: &Draw,
    page: &WinnersPage,
    media_type: &str,
    shown: Shown,
    rule: CacheRule,
) -> Result<Answer, ApiError> {
    match media_type {
        CSV => csv(state, draw, page, shown, rule).await,
        _ => json(state, draw, page, shown, rule).await,
    }
}

async fn json(
    state: &AppState,
    draw: &Draw,
    page: &WinnersPage,
    shown: Shown,
    rule: CacheRule,
) -> Result<Answer, ApiError> {
    let (status, total) = (draw.status.to_string(), ranks(draw).len());
    let mut fit = Fit::new(page.limit.unwrap_or(LARGEST_PAGE));
    loop {
        let (winners, next_cursor) = page_of(state, draw, page.after, fit.limit).await?;
        let winners = views(state, draw, winners, shown).await?;
        let answer = Answer::json(&Winners { status: status.clone(), winners, total, next_cursor }, rule)?;
        if fit.holds(&answer) {
            return Ok(answer);
        }
    }
}

/// All winners behind a rank, as many as one answer can hold.
async fn csv(
    state: &AppState,
    draw: &Draw,
    page: &WinnersPage,
    shown: Shown,
    rule: CacheRule,
) -> Result<Answer, ApiError> {
    let columns = if shown == Shown::InFull { &FULL_COLUMNS[..] } else { &MASKED_COLUMNS };
    let mut text = columns.join(",") + "\r\n";
    let (mut after, mut left, mut size) =
        (page.after, page.limit.unwrap_or(usize::MAX), carried(text.as_bytes()));
    let mut next_cursor = Some(after.to_string());
    while next_cursor.take().is_some() {
        let (winners, cursor) = page_of(state, draw, after, left.min(LARGEST_PAGE)).await?;
        left -= winners.len().min(left);
        next_cursor = cursor;
        for view in views(state, draw, winners, shown).await? {
            let (rank, line) = view.line();
            size += carried(line.as_bytes());
            if size > MAX_ANSWER {
                next_cursor = Some(after.to_string());
                left = 0;
                break;
            }
            text.push_str(&line);
            after = rank;
        }
        if left == 0 {
            break;
        }
    }
    let file = format!("attachment; filename=\"winners-{}.csv\"", draw.draw_id);
    let answer = Answer::new(text, "text/csv; charset=utf-8", rule)
        .with_header(CONTENT_DISPOSITION, HeaderValue::try_from(file).map_err(ApiError::internal)?);
    let Some(cursor) = next_cursor else { return Ok(answer) };
    let (lottery_id, draw_id) = (&draw.lottery_id, &draw.draw_id);
    let next = format!("</lotteries/{lottery_id}/draws/{draw_id}/winners?cursor={cursor}>; rel=\"next\"");
    Ok(answer.with_header(LINK, HeaderValue::try_from(next).map_err(ApiError::internal)?))
}

impl WinnerView {
    /// The rank, and the line of CSV.
    fn line(&self) -> (u32, String) {
        let (rank, cells) = match self {
            Self::Full(winner) => (winner.rank, winner.cells()),
            Self::Masked(winner) => (winner.rank, winner.cells()),
        };
        (rank, cells.iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join(",") + "\r\n")
    }
}

impl FullWinner {
    fn new(winner: &Winner, contact: Option<Contact>, mut told: Vec<Notification>) -> Self {
        told.sort_by_key(|notification| (notification.channel, notification.at));
        let (name, phone, email) = match contact {
            Some(contact) => (Some(contact.name), contact.phone, contact.email),
            None => (None, None, None),
        };
        Self {
            prize: winner.prize.to_string(),
            rank: winner.rank,
            participant_id: winner.participant_id.to_string(),
            label: winner.label.to_string(),
            name: name.map(|name| name.to_string()),
            phone: phone.map(|phone| phone.to_string()),
            email: email.map(|email| email.to_string()),
            notifications: told
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

    fn cells(&self) -> Vec<String> {
        let state = |channel: &str| {
            let last = self.notifications.iter().rfind(|notification| notification.channel == channel);
            last.map(|notification| notification.state.clone()).unwrap_or_default()
        };
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let [forfeited, taken_by, instead_of] = self.seat.cells();
        vec![
            self.rank.to_string(),
            self.prize.clone(),
            self.participant_id.clone(),
            text(&self.name),
            text(&self.phone),
            text(&self.email),
            self.label.clone(),
            state("sms"),
            state("email"),
            forfeited,
            taken_by,
            instead_of,
        ]
    }
}

impl MaskedWinner {
    fn cells(&self) -> Vec<String> {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let [forfeited, taken_by, instead_of] = self.seat.cells();
        vec![
            self.rank.to_string(),
            self.prize.clone(),
            text(&self.name),
            text(&self.phone),
            text(&self.email),
            self.label.clone(),
            forfeited,
            taken_by,
            instead_of,
        ]
    }
}

const FULL_COLUMNS: [&str; 12] = [
    "rank",
    "prize",
    "participant_id",
    "name",
    "phone",
    "email",
    "label",
    "sms_state",
    "email_state",
    "forfeited",
    "taken_by",
    "instead_of",
];
const MASKED_COLUMNS: [&str; 9] =
    ["rank", "prize", "name", "phone", "email", "label", "forfeited", "taken_by", "instead_of"];
