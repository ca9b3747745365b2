//! The winners of a draw as files: CSV and workbooks, in as few parts as can be carried.

use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, LINK};
use lottery::Draw;

use super::ranking::{
    AlternateView, FullWinner, RankPage, Shown, WinnerView, alternate_views, page_of, views,
};
use super::view::MaskedWinner;
use crate::answer::{Answer, MAX_ANSWER, carried_as_file};
use crate::cache_control::CacheRule;
use crate::error::ApiError;
use crate::extract::{MAX_PAGE, WinnersPage};
use crate::spreadsheet::xlsx::Sheet;
use crate::spreadsheet::{Cell, XLSX, attachment, csv};
use crate::state::AppState;

/// The most text of a workbook, in bytes: with the XML around it, packed and in Base64, Lambda can carry it.
const MAX_WORKBOOK_TEXT: usize = 3_000_000;

/// The lines of a file after a rank, each with its rank, and whether more follow.
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
                page_of(state, draw, self.after, self.left.min(MAX_PAGE), shown).await?;
            self.left -= (winners.len() + alternates.len()).min(self.left);
            let winners = views(state, draw, winners, shown).await?;
            lines.extend(winners.iter().map(WinnerView::line));
            let alternates = alternate_views(state, draw, &alternates).await?;
            lines.extend(alternates.iter().map(|alternate| (alternate.rank, alternate.cells())));
            lines.sort_by_key(|(rank, _)| *rank);
            let next = cursor.and_then(|cursor| cursor.parse().ok());
            self.has_more = next.is_some();
            self.after = next.unwrap_or(self.after);
        }
        Ok(lines)
    }
}

fn columns(shown: Shown) -> &'static [&'static str] {
    if shown == Shown::InFull { &FULL_COLUMNS } else { &MASKED_COLUMNS }
}

/// The winners after a rank as CSV, as many as one response can hold.
pub(super) async fn csv_file(
    state: &AppState,
    draw: &Draw,
    page: &WinnersPage,
    shown: Shown,
    rule: CacheRule,
) -> Result<Answer, ApiError> {
    let mut text = csv::head(columns(shown));
    let (mut last, mut size, mut lines) = (page.after, text.len(), Lines::of(page));
    'file: loop {
        let next = lines.next(state, draw, shown).await?;
        if next.is_empty() {
            break;
        }
        for (rank, cells) in next {
            let line = csv::line(&cells);
            size += line.len();
            if carried_as_file(size) > MAX_ANSWER {
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
pub(super) async fn workbook(
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

/// A response as a file, with the address of its next part.
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
            nothing(),
            nothing(),
        ]
    }
}

impl FullWinner {
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

const FULL_COLUMNS: [&str; 16] = [
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
    "replaced",
    "claimed_at",
];
const MASKED_COLUMNS: [&str; 11] = [
    "rank",
    "prize",
    "name",
    "phone",
    "email",
    "label",
    "forfeited",
    "taken_by",
    "instead_of",
    "replaced",
    "claimed_at",
];
