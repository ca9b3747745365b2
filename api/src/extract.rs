//! Parsing requests: ids in the path, JSON bodies, paging, accepted types. An error names the location and the remedy.

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap};
use http::request::Parts;
use http::{StatusCode, Uri};
use lottery::claim::ClaimToken;
use lottery::{DrawId, Label, LotteryId, ParticipantId, RepeatId};
use lottery_store::{StoreError, UploadId};
use serde_json::Value;

use crate::claims::unknown_claim;
use crate::error::ApiError;

/// Bytes of a body other than an import.
const MAX_JSON: usize = 64 * 1024;
pub(crate) const DEFAULT_PAGE: usize = 100;
pub(crate) const MAX_PAGE: usize = 1_000;
/// The entries of one page: as many as a proof holds itself.
const MAX_ENTRIES: u64 = lottery::proof::MAX_EMBEDDED_ENTRIES;

/// A lottery named in the path.
pub(crate) struct LotteryPath(pub(crate) LotteryId);

/// A draw named in the path.
pub(crate) struct DrawPath(pub(crate) LotteryId, pub(crate) DrawId);

/// A participant named in the path.
pub(crate) struct ParticipantPath(pub(crate) LotteryId, pub(crate) ParticipantId);

/// An import, named in the path by its number.
pub(crate) struct ImportPath(pub(crate) LotteryId, pub(crate) u64);

/// An event for the webhook of a lottery, named in the path by its id.
pub(crate) struct EventPath(pub(crate) LotteryId, pub(crate) String);

/// A repeating draw of a lottery, named in the path by its id.
pub(crate) struct RepeatPath(pub(crate) LotteryId, pub(crate) RepeatId);

/// The import of an uploaded list, named in the path.
pub(crate) struct UploadPath(pub(crate) LotteryId, pub(crate) UploadId);

/// An entry of a draw, named in the path by its label.
pub(crate) struct EntryPath(pub(crate) LotteryId, pub(crate) DrawId, pub(crate) Label);

/// A rank of a draw.
pub(crate) struct RankPath(pub(crate) LotteryId, pub(crate) DrawId, pub(crate) u32);

/// A claim link's token. One that is malformed is as unknown as one that is invented.
pub(crate) struct ClaimPath(pub(crate) ClaimToken);

/// A token in the path.
struct PathToken(ClaimToken);

impl TryFrom<String> for PathToken {
    type Error = ();

    fn try_from(text: String) -> Result<Self, ()> {
        ClaimToken::parse(&text).map(Self).ok_or(())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ClaimPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let PathToken(token) = parameter(parts, "claim_token", unknown_claim).await?;
        Ok(Self(token))
    }
}

/// 404 for a rank that nobody has.
fn unknown_rank() -> ApiError {
    ApiError::not_found("no winner of this draw has this rank")
}

/// 404 for an unknown entry.
fn unknown_entry() -> ApiError {
    ApiError::not_found("no entry of this draw has this label")
}

/// 404 for an unknown lottery.
pub(crate) fn unknown_lottery() -> ApiError {
    ApiError::not_found("there is no lottery of this id; GET /lotteries lists them")
}

/// 404 for an unknown draw.
pub(crate) fn unknown_draw() -> ApiError {
    ApiError::not_found("there is no draw of this id in this lottery")
}

/// 404 for an unknown repeating draw.
pub(crate) fn unknown_repeat() -> ApiError {
    ApiError::not_found("there is no repeating draw of this id in this lottery")
}

/// 404 for an unknown participant.
pub(crate) fn unknown_participant() -> ApiError {
    ApiError::not_found("there is no participant of this id in this lottery")
}

/// One parameter of the path. A malformed id is treated as not found.
async fn parameter<T: TryFrom<String>>(
    parts: &mut Parts,
    name: &str,
    unknown: fn() -> ApiError,
) -> Result<T, ApiError> {
    let parameters = RawPathParams::from_request_parts(parts, &()).await.map_err(|_| unknown())?;
    let value = parameters.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned());
    value.and_then(|value| T::try_from(value).ok()).ok_or_else(unknown)
}

impl<S: Send + Sync> FromRequestParts<S> for LotteryPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(Self(parameter(parts, "lottery_id", unknown_lottery).await?))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for DrawPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let lottery_id = parameter(parts, "lottery_id", unknown_lottery).await?;
        Ok(Self(lottery_id, parameter(parts, "draw_id", unknown_draw).await?))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ParticipantPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let lottery_id = parameter(parts, "lottery_id", unknown_lottery).await?;
        Ok(Self(lottery_id, parameter(parts, "participant_id", unknown_participant).await?))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ImportPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let unknown = || ApiError::not_found("an import is named by its number");
        let lottery_id = parameter(parts, "lottery_id", unknown_lottery).await?;
        let number: String = parameter(parts, "number", unknown).await?;
        Ok(Self(lottery_id, number.parse().map_err(|_| unknown())?))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for EventPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let unknown = || ApiError::not_found("there is no delivery of this event");
        let lottery_id = parameter(parts, "lottery_id", unknown_lottery).await?;
        let event_id: String = parameter(parts, "event_id", unknown).await?;
        lottery_store::parse_event_id(&event_id).map_err(|_| unknown())?;
        Ok(Self(lottery_id, event_id))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RepeatPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let lottery_id = parameter(parts, "lottery_id", unknown_lottery).await?;
        Ok(Self(lottery_id, parameter(parts, "repeat_id", unknown_repeat).await?))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for UploadPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let unknown = || ApiError::not_found("there is no import of this id in this lottery");
        let lottery_id = parameter(parts, "lottery_id", unknown_lottery).await?;
        let import_id: String = parameter(parts, "import_id", unknown).await?;
        Ok(Self(lottery_id, UploadId::parse(&import_id).ok_or_else(unknown)?))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for EntryPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let lottery_id = parameter(parts, "lottery_id", unknown_lottery).await?;
        let draw_id = parameter(parts, "draw_id", unknown_draw).await?;
        Ok(Self(lottery_id, draw_id, parameter(parts, "label", unknown_entry).await?))
    }
}

/// A rank from 1, in the path.
struct PathRank(u32);

impl TryFrom<String> for PathRank {
    type Error = ();

    fn try_from(text: String) -> Result<Self, ()> {
        let is_plain =
            text.len() <= 9 && text.bytes().all(|digit| digit.is_ascii_digit()) && !text.starts_with('0');
        if is_plain { text.parse().map(Self).map_err(|_| ()) } else { Err(()) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RankPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let lottery_id = parameter(parts, "lottery_id", unknown_lottery).await?;
        let draw_id = parameter(parts, "draw_id", unknown_draw).await?;
        let PathRank(rank) = parameter(parts, "rank", unknown_rank).await?;
        Ok(Self(lottery_id, draw_id, rank))
    }
}

/// A JSON body, with its bytes, by which repeated requests are recognised.
pub(crate) struct JsonBody {
    pub(crate) bytes: Bytes,
    pub(crate) value: Value,
}

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let media_type = media_type(request.headers());
        let is_json = media_type
            .as_deref()
            .is_some_and(|media_type| media_type == "application/json" || media_type.ends_with("+json"));
        if !is_json {
            return Err(unsupported("application/json"));
        }
        let bytes = whole(request.into_body(), MAX_JSON).await?;
        let value = serde_json::from_slice(&bytes).map_err(|error| {
            // serde_json's message may quote the body; the position is enough.
            let (line, column) = (error.line(), error.column());
            ApiError::bad_request(
                "MalformedJson",
                format!("the body is not JSON: see line {line}, column {column}"),
            )
        })?;
        Ok(Self { bytes, value })
    }
}

/// The whole of a body, up to `limit` bytes.
pub(crate) async fn whole(body: Body, limit: usize) -> Result<Bytes, ApiError> {
    to_bytes(body, limit).await.map_err(|error| {
        let is_too_long = std::error::Error::source(&error)
            .is_some_and(|source| source.is::<http_body_util::LengthLimitError>());
        if is_too_long {
            ApiError::too_large(format!("the body may hold at most {limit} bytes"))
        } else {
            ApiError::bad_request("Incomplete", "the body ended early").because(error)
        }
    })
}

/// 415: the type of the body is not accepted; `taken` lists those that are.
pub(crate) fn unsupported(taken: &str) -> ApiError {
    ApiError::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "UnsupportedMediaType",
        format!("send the body as {taken} and say so in the header Content-Type"),
    )
}

/// The media type of the body, in lower case and without parameters.
pub(crate) fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let media_type = value.split(';').next()?.trim();
    Some(media_type.to_ascii_lowercase())
}

/// Paging: `?cursor=&limit=`.
pub(crate) struct Paging {
    pub(crate) cursor: Option<String>,
    pub(crate) limit: usize,
}

impl<S: Send + Sync> FromRequestParts<S> for Paging {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut paging = Self { cursor: None, limit: DEFAULT_PAGE };
        for (name, value) in query(&parts.uri)? {
            match name.as_str() {
                "cursor" => paging.cursor = Some(value).filter(|cursor| !cursor.is_empty()),
                "limit" => paging.limit = page_limit(&value)?,
                _ => {}
            }
        }
        Ok(paging)
    }
}

/// A page of entries: `?cursor=&limit=`, the cursor being the index of its first entry.
pub(crate) struct EntriesPage {
    pub(crate) first: u64,
    pub(crate) limit: u64,
}

impl<S: Send + Sync> FromRequestParts<S> for EntriesPage {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut page = Self { first: 0, limit: MAX_ENTRIES };
        for (name, value) in query(&parts.uri)? {
            match name.as_str() {
                "cursor" if !value.is_empty() => {
                    page.first = value.parse().map_err(|_| StoreError::InvalidCursor)?;
                }
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=MAX_ENTRIES).contains(limit));
                    page.limit = limit.ok_or_else(|| {
                        let detail = format!("limit must be a whole number from 1 to {MAX_ENTRIES}");
                        ApiError::bad_request("BadQuery", detail).at("limit")
                    })?;
                }
                _ => {}
            }
        }
        Ok(page)
    }
}

/// A page of classes of entries: `?cursor=&limit=`, the cursor being the index of its first class.
pub(crate) struct ClassesPage {
    pub(crate) first: usize,
    pub(crate) limit: usize,
}

impl<S: Send + Sync> FromRequestParts<S> for ClassesPage {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Paging { cursor, limit, .. } = Paging::from_request_parts(parts, state).await?;
        let first = cursor.map_or(Ok(0), |cursor| cursor.parse().map_err(|_| StoreError::InvalidCursor))?;
        Ok(Self { first, limit })
    }
}

/// A page of winners: `?cursor=&limit=`, the cursor being the last rank of the page before.
pub(crate) struct WinnersPage {
    pub(crate) after: u32,
    pub(crate) limit: Option<usize>,
}

impl<S: Send + Sync> FromRequestParts<S> for WinnersPage {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut page = Self { after: 0, limit: None };
        for (name, value) in query(&parts.uri)? {
            match name.as_str() {
                "cursor" if !value.is_empty() => {
                    page.after = value.parse().map_err(|_| StoreError::InvalidCursor)?;
                }
                "limit" => page.limit = Some(page_limit(&value)?),
                _ => {}
            }
        }
        Ok(page)
    }
}

/// The limit of a page, from 1 to [`MAX_PAGE`].
pub(crate) fn page_limit(value: &str) -> Result<usize, ApiError> {
    value.parse().ok().filter(|limit| (1..=MAX_PAGE).contains(limit)).ok_or_else(|| {
        let detail = format!("limit must be a whole number from 1 to {MAX_PAGE}");
        ApiError::bad_request("BadQuery", detail).at("limit")
    })
}

/// The query parameters, in their order.
pub(crate) fn query(uri: &Uri) -> Result<Vec<(String, String)>, ApiError> {
    axum::extract::Query::<Vec<(String, String)>>::try_from_uri(uri)
        .map(|query| query.0)
        .map_err(|_| ApiError::bad_request("BadQuery", "the query of the address cannot be parsed"))
}

/// The offered media type that the request likes best.
pub(crate) fn accepted<'a>(headers: &HeaderMap, offered: &[&'a str]) -> Result<&'a str, ApiError> {
    let mut wishes: Vec<(String, f32)> = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|wish| {
            let mut parts = wish.split(';').map(str::trim);
            let media_type = parts.next()?.to_ascii_lowercase();
            let quality =
                parts.find_map(|part| part.strip_prefix("q=")).map_or(1.0, |q| q.parse().unwrap_or(0.0));
            Some((media_type, quality))
        })
        .filter(|(media_type, quality)| !media_type.is_empty() && *quality > 0.0)
        .collect();
    if wishes.is_empty() {
        wishes.push(("*/*".to_owned(), 1.0));
    }
    wishes.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let offer = wishes.iter().find_map(|(wish, _)| {
        offered.iter().find(|offer| match wish.strip_suffix("/*") {
            Some("*") => true,
            Some(kind) => offer.split('/').next() == Some(kind),
            None => *wish == **offer,
        })
    });
    offer.copied().ok_or_else(|| {
        let detail = format!("this address answers with {}", offered.join(" or "));
        ApiError::new(StatusCode::NOT_ACCEPTABLE, "NotAcceptable", detail)
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const OFFERED: [&str; 2] = ["application/json", "text/csv"];

    fn accepted_for(accept: &str) -> Option<&'static str> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_str(accept).unwrap());
        accepted(&headers, &OFFERED).ok()
    }

    #[test]
    fn the_best_liked_offer_is_chosen() {
        assert_eq!(accepted(&HeaderMap::new(), &OFFERED).unwrap(), "application/json");
        assert_eq!(accepted_for("text/csv"), Some("text/csv"));
        assert_eq!(accepted_for("text/*"), Some("text/csv"));
        assert_eq!(accepted_for("text/html, */*;q=0.1"), Some("application/json"));
        assert_eq!(accepted_for("application/json;q=0.2, text/csv;q=0.8"), Some("text/csv"));
        assert_eq!(accepted_for("image/png"), None);
        assert_eq!(accepted_for("text/csv;q=0"), Some("application/json"));
    }
}
