//! The winners of a draw: in full for those who may read results, with the alternates; masked for everyone else.

use std::collections::HashMap;

use axum::extract::State;
use axum::response::Response;
use http::header::{CONTENT_DISPOSITION, LINK};
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use lottery::{Channel, Draw, ParticipantId};
use lottery_store::{Contact, Notification, RankedEntry, Winner};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::view::{FirstWinners, MaskedWinner, SeatView};
use super::watched::Watched;
use crate::answer::{Answer, Fit, MAX_ANSWER, carried};
use crate::auth::{MaybeCaller, Scope};
use crate::cache_control::CacheRule;
use crate::error::ApiError;
use crate::extract::{DrawPath, LARGEST_PAGE, WinnersPage, accepted, unknown_draw};
use crate::spreadsheet::xlsx::Sheet;
use crate::spreadsheet::{CSV, Cell, XLSX, attachment, csv};
use crate::state::AppState;

/// How many winners the draw's own answer lists.
const WINNERS_SHOWN: usize = 100;
const JSON: &str = "application/json";
/// The most text of a workbook, in bytes: with the XML around it, packed and in Base64, Lambda can carry it.
const MAX_WORKBOOK_TEXT: usize = 3_000_000;

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
    /// The group, as it stands on the list now.
    group: Option<String>,
    /// What the winner was told, by channel.
    notifications: Vec<NotificationView>,
    #[serde(flatten)]
    seat: SeatView,
}

/// An alternate, in full: takes a seat that a winner forfeits, the best rank first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AlternateView {
    /// The rank in the draw, from the one behind the last winner's.
    rank: u32,
    /// The organiser's own id of the alternate.
    participant_id: String,
    /// The random name under which the alternate stands in the list of entries.
    label: String,
    /// The name; absent, like the rest, if the alternate has withdrawn.
    name: Option<String>,
    phone: Option<String>,
    email: Option<String>,
    /// The group, as it stands on the list now.
    group: Option<String>,
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
    /// For those who may read results: the alternates who took no seat, by rank. They stand behind the winners, on the same
    /// pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    alternates: Option<Vec<AlternateView>>,
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
    /// How many, at most: 1 to 1000. Absent, it is 1000 for JSON, and all that one answer can hold for a file.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// The winners of a draw: masked, or in full with the scope `results:read`, and then with the alternates behind them.
///
/// A file that would be too large for one answer ends earlier; then the header `Link` names the next part.
#[utoipa::path(get, path = "/lotteries/{lottery_id}/draws/{draw_id}/winners", tag = "draws", params(WinnersQuery),
    responses((status = 200, description = "The winners by rank, as JSON, CSV or XLSX by `Accept`", content(
        (Winners = "application/json"), (String = "text/csv"),
        (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")))))]
pub(crate) async fn winners(
    State(state): State<AppState>,
    DrawPath(lottery_id, draw_id): DrawPath,
    caller: MaybeCaller,
    page: WinnersPage,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let media_type = accepted(&headers, &[JSON, CSV, XLSX])?;
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

/// How many have won: the winners drawn, and the alternates who took a forfeited seat.
fn total(draw: &Draw) -> usize {
    if !draw.status.has_official_winners() {
        return 0;
    }
    draw.winners() as usize + draw.forfeits.iter().filter(|forfeit| forfeit.taken_by.is_some()).count()
}

/// The ranks among which those are that are shown, by rank.
fn shown_ranks(draw: &Draw, shown: Shown) -> Vec<u32> {
    if !draw.status.has_official_winners() {
        return Vec::new();
    }
    // A quota passes over the best-ranked of a group that has enough: an alternate then stands before a winner.
    if shown == Shown::InFull || draw.prizes.has_quotas() {
        // A ranking ends with the entries.
        let entries = draw.entries.and_then(|entries| u32::try_from(entries).ok()).unwrap_or(u32::MAX);
        return (1..=draw.ranked().min(entries)).collect();
    }
    let mut takers: Vec<u32> = draw.forfeits.iter().filter_map(|forfeit| forfeit.taken_by).collect();
    takers.sort_unstable();
    (1..=draw.winners()).chain(takers).collect()
}

/// A part of the ranking, and the cursor of what is behind it.
struct RankPage {
    winners: Vec<Winner>,
    alternates: Vec<RankedEntry>,
    cursor: Option<String>,
}

async fn page_of(
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
    let mut behind = wanted;
    behind.retain(|rank| !winners.iter().any(|winner| winner.rank == *rank));
    let alternates = match shown == Shown::Masked || behind.is_empty() {
        true => Vec::new(),
        false => state.store.lines_ranked(draw, behind).await?,
    };
    Ok(RankPage { winners, alternates, cursor })
}

/// The first winners, for the draw's own answer.
pub(super) async fn first(state: &AppState, draw: &Draw) -> Result<FirstWinners, ApiError> {
    let RankPage { winners, cursor, .. } = page_of(state, draw, 0, WINNERS_SHOWN, Shown::Masked).await?;
    let contacts = state.store.contacts_of(&draw.lottery_id, &winners).await?;
    let masked = |winner: &Winner| MaskedWinner::new(winner, contacts.get(&winner.participant_id));
    let winners_shown = winners.iter().map(masked).collect();
    Ok(FirstWinners { winners: winners_shown, total: total(draw), next_cursor: cursor })
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

async fn alternate_views(
    state: &AppState,
    draw: &Draw,
    alternates: &[RankedEntry],
) -> Result<Vec<AlternateView>, ApiError> {
    let people = alternates.iter().map(|line| (&line.participant_id, line.ranked.label));
    let mut contacts = state.store.contacts_behind(&draw.lottery_id, people).await?;
    Ok(alternates
        .iter()
        .map(|line| AlternateView::new(line, contacts.remove(&line.participant_id)))
        .collect())
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
        CSV => csv_file(state, draw, page, shown, rule).await,
        XLSX => workbook(state, draw, page, shown, rule).await,
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
    let (status, total) = (draw.status.to_string(), total(draw));
    let mut fit = Fit::new(page.limit.unwrap_or(LARGEST_PAGE));
    loop {
        let RankPage { winners, alternates, cursor: next_cursor } =
            page_of(state, draw, page.after, fit.limit, shown).await?;
        let winners = views(state, draw, winners, shown).await?;
        let alternates = match shown {
            Shown::InFull => Some(alternate_views(state, draw, &alternates).await?),
            Shown::Masked => None,
        };
        let answer = Winners { status: status.clone(), winners, alternates, total, next_cursor };
        let answer = Answer::json(&answer, rule)?;
        if fit.holds(&answer) {
            return Ok(answer);
        }
    }
}

/// The lines of a file behind a rank, each with its rank, and whether more are behind them.
struct Lines {
    after: u32,
    left: usize,
    has_more: bool,
}

impl Lines {
    fn of(page: &WinnersPage) -> Self {
        Self { after: page.after, left: page.limit.unwrap_or(usize::MAX), has_more: true }
    }

    /// The next lines; none at the end.
    async fn next(
        &mut self,
        state: &AppState,
        draw: &Draw,
        shown: Shown,
    ) -> Result<Vec<(u32, Vec<Cell>)>, ApiError> {
        let mut lines: Vec<(u32, Vec<Cell>)> = Vec::new();
        // A ranking may be shorter than it could be, and then a page is empty.
        while lines.is_empty() && self.has_more && self.left > 0 {
            let RankPage { winners, alternates, cursor } =
                page_of(state, draw, self.after, self.left.min(LARGEST_PAGE), shown).await?;
            self.left -= (winners.len() + alternates.len()).min(self.left);
            let winners = views(state, draw, winners, shown).await?;
            lines.extend(winners.iter().map(WinnerView::line));
            let alternates = alternate_views(state, draw, &alternates).await?;
            lines.extend(alternates.iter().map(|alternate| (alternate.rank, alternate.cells())));
            lines.sort_by_key(|(rank, _)| *rank);
            let behind = cursor.and_then(|cursor| cursor.parse().ok());
            self.has_more = behind.is_some();
            self.after = behind.unwrap_or(self.after);
        }
        Ok(lines)
    }
}

fn columns(shown: Shown) -> &'static [&'static str] {
    if shown == Shown::InFull { &FULL_COLUMNS } else { &MASKED_COLUMNS }
}

/// All winners behind a rank as CSV, as many as one answer can hold.
async fn csv_file(
    state: &AppState,
    draw: &Draw,
    page: &WinnersPage,
    shown: Shown,
    rule: CacheRule,
) -> Result<Answer, ApiError> {
    let mut text = csv::head(columns(shown));
    let (mut last, mut size, mut lines) = (page.after, carried(text.as_bytes()), Lines::of(page));
    'file: loop {
        let next = lines.next(state, draw, shown).await?;
        if next.is_empty() {
            break;
        }
        for (rank, cells) in next {
            let line = csv::line(&cells);
            size += carried(line.as_bytes());
            if size > MAX_ANSWER {
                lines.has_more = true;
                break 'file;
            }
            text.push_str(&line);
            last = rank;
        }
    }
    file(Answer::new(text, "text/csv; charset=utf-8", rule), draw, "csv", lines.has_more.then_some(last))
}

/// The same as a workbook.
async fn workbook(
    state: &AppState,
    draw: &Draw,
    page: &WinnersPage,
    shown: Shown,
    rule: CacheRule,
) -> Result<Answer, ApiError> {
    let mut sheet = Sheet::new(columns(shown))?;
    let (mut last, mut size, mut lines) = (page.after, 0, Lines::of(page));
    'file: loop {
        let next = lines.next(state, draw, shown).await?;
        if next.is_empty() {
            break;
        }
        for (rank, cells) in next {
            size += cells.iter().map(Cell::bytes).sum::<usize>();
            if size > MAX_WORKBOOK_TEXT || !sheet.push(&cells)? {
                lines.has_more = true;
                break 'file;
            }
            last = rank;
        }
    }
    let answer = Answer::new(sheet.into_bytes().await?, XLSX, rule);
    file(answer, draw, "xlsx", lines.has_more.then_some(last))
}

/// An answer as a file, with the address of its next part.
fn file(answer: Answer, draw: &Draw, ending: &str, next: Option<u32>) -> Result<Answer, ApiError> {
    let (lottery_id, draw_id) = (&draw.lottery_id, &draw.draw_id);
    let name = attachment(&format!("winners-{draw_id}.{ending}"))?;
    let answer = answer.with_header(CONTENT_DISPOSITION, name);
    let Some(cursor) = next else { return Ok(answer) };
    let next = format!("</lotteries/{lottery_id}/draws/{draw_id}/winners?cursor={cursor}>; rel=\"next\"");
    Ok(answer.with_header(LINK, HeaderValue::try_from(next).map_err(ApiError::internal)?))
}

impl WinnerView {
    /// The rank, and the cells of the line.
    fn line(&self) -> (u32, Vec<Cell>) {
        match self {
            Self::Full(winner) => (winner.rank, winner.cells()),
            Self::Masked(winner) => (winner.rank, winner.cells()),
        }
    }
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

    fn cells(&self) -> Vec<Cell> {
        let Self { rank, participant_id, label, name, phone, email, group } = self;
        let nothing = || Cell::Empty;
        vec![
            Cell::Number(*rank),
            nothing(),
            Cell::text("yes"),
            Cell::text(participant_id),
            Cell::optional(name.as_ref()),
            Cell::optional(group.as_ref()),
            Cell::optional(phone.as_ref()),
            Cell::optional(email.as_ref()),
            Cell::text(label),
            nothing(),
            nothing(),
            nothing(),
            nothing(),
            nothing(),
        ]
    }
}

/// Name, phone number, e-mail address and group of somebody who may have withdrawn.
fn reached(contact: Option<Contact>) -> (Option<String>, Option<String>, Option<String>, Option<String>) {
    let Some(Contact { name, phone, email, group, .. }) = contact else { return (None, None, None, None) };
    let (phone, email) = (phone.map(|phone| phone.to_string()), email.map(|email| email.to_string()));
    (Some(name.to_string()), phone, email, group.map(|group| group.to_string()))
}

impl FullWinner {
    fn new(winner: &Winner, contact: Option<Contact>, mut told: Vec<Notification>) -> Self {
        told.sort_by_key(|notification| (notification.channel, notification.at));
        let (name, phone, email, group) = reached(contact);
        Self {
            prize: winner.prize.to_string(),
            rank: winner.rank,
            participant_id: winner.participant_id.to_string(),
            label: winner.label.to_string(),
            name,
            phone,
            email,
            group,
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

    fn cells(&self) -> Vec<Cell> {
        let state = |channel: &str| {
            let last = self.notifications.iter().rfind(|notification| notification.channel == channel);
            Cell::optional(last.map(|notification| &notification.state))
        };
        let mut cells = vec![
            Cell::Number(self.rank),
            Cell::text(&self.prize),
            Cell::text("no"),
            Cell::text(&self.participant_id),
            Cell::optional(self.name.as_ref()),
            Cell::optional(self.group.as_ref()),
            Cell::optional(self.phone.as_ref()),
            Cell::optional(self.email.as_ref()),
            Cell::text(&self.label),
            state("sms"),
            state("email"),
        ];
        cells.extend(self.seat.cells());
        cells
    }
}

impl MaskedWinner {
    fn cells(&self) -> Vec<Cell> {
        let mut cells = vec![
            Cell::Number(self.rank),
            Cell::text(&self.prize),
            Cell::optional(self.name.as_ref()),
            Cell::optional(self.phone.as_ref()),
            Cell::optional(self.email.as_ref()),
            Cell::text(&self.label),
        ];
        cells.extend(self.seat.cells());
        cells
    }
}

const FULL_COLUMNS: [&str; 14] = [
    "rank",
    "prize",
    "alternate",
    "participant_id",
    "name",
    "group",
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
