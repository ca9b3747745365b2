//! The winners of a draw: in full and with the alternates for callers with `results:read`, masked for all others.

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use lottery::Draw;
use lottery_store::Winner;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::ranking::{AlternateView, RankPage, Shown, WinnerView, alternate_views, page_of, total, views};
use super::view::{FirstWinners, MaskedWinner};
use super::winner_files::{csv_file, workbook};
use crate::answer::{Answer, Fit};
use crate::auth::{MaybeCaller, Scope};
use crate::cache_control::CacheRule;
use crate::error::ApiError;
use crate::extract::{DrawPath, MAX_PAGE, WinnersPage, accepted, unknown_draw};
use crate::spreadsheet::{CSV, XLSX};
use crate::state::AppState;

/// How many winners the draw's own response lists.
const WINNERS_SHOWN: usize = 100;
const JSON: &str = "application/json";

/// A page of the winners of a draw, by rank; none before they are official.
#[derive(Serialize, ToSchema)]
pub(crate) struct Winners {
    /// The draw's status.
    status: String,
    winners: Vec<WinnerView>,
    /// For callers with `results:read`: the alternates who took no seat, by rank. They follow the winners, on the same
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
    /// How many, at most: 1 to 1000. Absent, it is 1000 for JSON, and all that one response can hold for a file.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// The winners of a draw: masked, or in full with the scope `results:read`, and then with the alternates after them.
///
/// A file that would be too large for one response ends earlier; then the header `Link` names the next part.
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
        // Personal data is cached nowhere, not even here.
        let draw = state.store.draw(&lottery_id, &draw_id).await?.ok_or_else(unknown_draw)?;
        let answer = answer(&state, &draw, &page, media_type, Shown::InFull, CacheRule::Private).await?;
        tracing::info!(%lottery_id, %draw_id, "read winners in full");
        return Ok(answer.respond(&headers));
    }
    let watched = state.watched(&lottery_id, &draw_id).await?;
    let WinnersPage { after, limit } = &page;
    let key = state
        .cache
        .key(format_args!("winners/{lottery_id}/{draw_id}/{}/{media_type}/{after}/{limit:?}", watched.tag));
    let lifetime = watched.lifetime(state.cache.freshness());
    let masked = answer(&state, &watched.draw, &page, media_type, Shown::Masked, watched.rule());
    Ok(state.cache.answer(key, lifetime, masked).await?.respond(&headers))
}

/// The first winners, for the draw's own response.
pub(super) async fn first(state: &AppState, draw: &Draw) -> Result<FirstWinners, ApiError> {
    let RankPage { winners, cursor, .. } = page_of(state, draw, 0, WINNERS_SHOWN, Shown::Masked).await?;
    let contacts = state.store.contacts_of(&draw.lottery_id, &winners).await?;
    let masked = |winner: &Winner| MaskedWinner::new(draw, winner, contacts.get(&winner.participant_id));
    let winners_shown = winners.iter().map(masked).collect();
    Ok(FirstWinners { winners: winners_shown, total: total(draw), next_cursor: cursor })
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
    let mut fit = Fit::new(page.limit.unwrap_or(MAX_PAGE));
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
