//! Search, filter and order of the list, and the page of the store that they select.

use axum::extract::FromRequestParts;
use http::request::Parts;
use lottery::{Group, LotteryId};
use lottery_store::{GroupIs, ListAnswer, ListQuery, MAX_SORTED, Only, Page, ParticipantSummary, Sort};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::error::ApiError;
use crate::extract::{DEFAULT_PAGE, page_limit, query as pairs};
use crate::refusal::ListRefusal;
use crate::state::AppState;

/// The most characters of a search; the longest field has fewer.
const MAX_SEARCH: usize = 256;

/// Some of the people.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(dead_code, reason = "describes the query that `ListRequest` reads")]
pub(crate) enum OnlyParameter {
    WithPhone,
    WithEmail,
    Unreachable,
    Excluded,
    Present,
}

/// The order.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(dead_code, reason = "describes the query that `ListRequest` reads")]
pub(crate) enum SortParameter {
    Id,
    Name,
    Group,
    Tickets,
    Newest,
}

/// Search, filter and order of the list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the query that `ListRequest` reads")]
pub(crate) struct SearchQuery {
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many, at most: 1 to 1000. Absent, it is 100 for JSON, and all that one response can hold for a file.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// A part of an id, a name, an address or a group, in any case and width; of a phone number as people write it. Without
    /// the scope `participants:read` a part of an id or a group.
    #[param(max_length = 256)]
    search: Option<String>,
    /// Only those with a phone number, with an e-mail address, with neither, or those who cannot win.
    #[param(inline)]
    only: Option<OnlyParameter>,
    /// Only those of this group.
    group: Option<String>,
    /// Only those without a group.
    without_group: Option<bool>,
    /// The order; by id if absent. `tickets`: the most first; `newest`: who came last first. Lists of more than 100,000 people
    /// can be had by id alone.
    #[param(inline)]
    sort: Option<SortParameter>,
}

/// The query of a list.
pub(crate) struct ListRequest {
    /// Its limit is for JSON.
    pub(super) query: ListQuery,
    /// The limit, if one is given.
    pub(super) limit: Option<usize>,
}

impl<S: Send + Sync> FromRequestParts<S> for ListRequest {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut request = Self { query: ListQuery::default(), limit: None };
        let query = &mut request.query;
        for (name, value) in pairs(&parts.uri)? {
            let refused =
                |reason: &str| ApiError::bad_request("BadQuery", format!("{name} {reason}")).at(&name);
            if value.trim().is_empty() {
                continue;
            }
            match name.as_str() {
                "cursor" => query.cursor = Some(value),
                "limit" => request.limit = Some(page_limit(&value)?),
                "search" if value.chars().count() > MAX_SEARCH => {
                    return Err(refused(&format!("must have at most {MAX_SEARCH} characters")));
                }
                "search" => query.search = Some(value),
                "only" => {
                    query.only = Some(match value.as_str() {
                        "with_phone" => Only::WithPhone,
                        "with_email" => Only::WithEmail,
                        "unreachable" => Only::Unreachable,
                        "excluded" => Only::Excluded,
                        "present" => Only::Present,
                        _ => {
                            return Err(refused(
                                "must be one of: with_phone, with_email, unreachable, excluded",
                            ));
                        }
                    });
                }
                "sort" => {
                    query.sort = match value.as_str() {
                        "id" => Sort::Id,
                        "name" => Sort::Name,
                        "group" => Sort::Group,
                        "tickets" => Sort::Tickets,
                        "newest" => Sort::Newest,
                        _ => return Err(refused("must be one of: id, name, group, tickets, newest")),
                    };
                }
                "group" | "without_group" if query.group.is_some() => {
                    return Err(refused("cannot be combined with group or without_group"));
                }
                "group" => {
                    let group = Group::parse(&value).map_err(|why| refused(&why.to_string()))?;
                    query.group = Some(GroupIs::Named(group));
                }
                "without_group" => match value.as_str() {
                    "true" => query.group = Some(GroupIs::Absent),
                    "false" => {}
                    _ => return Err(refused("must be true or false")),
                },
                _ => {}
            }
        }
        query.limit = request.limit.unwrap_or(DEFAULT_PAGE);
        Ok(request)
    }
}

/// A page of the list.
pub(super) async fn page(
    state: &AppState,
    lottery_id: &LotteryId,
    query: &ListQuery,
) -> Result<Page<ParticipantSummary>, ApiError> {
    match state.store.list(lottery_id, query).await? {
        ListAnswer::Page(page) => Ok(page),
        ListAnswer::TooManyToSort { total } => {
            let why = ListRefusal::TooManyToSort { total, most: MAX_SORTED };
            Err(ApiError::invalid("TooManyToSort", why.to_string()).at("sort").explained(why.into()))
        }
    }
}
