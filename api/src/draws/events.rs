//! The events of a draw as server-sent events.
//!
//! A response ends after the first events that follow the one named by the client; the client asks again with
//! `Last-Event-ID`, or `?after=`, after the time in `retry`. Where requests may wait, one without new events waits for some
//! seconds, and all waiting requests share one read of the draw. On Lambda none waits: `retry` says when a step may have
//! happened. Once the draw has ended and the client has all events, the response is 204, which makes an `EventSource` stop.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, VARY};
use http::{HeaderMap, StatusCode, Uri};
use lottery::{DrawId, LotteryId};
use serde::Deserialize;
use tokio::time::Instant;
use utoipa::IntoParams;

use crate::answer::Answer;
use crate::error::ApiError;
use crate::extract::{DrawPath, query};
use crate::state::AppState;
use crate::watch::{PublicEvent, WatchedDraw};

/// A waiting request reads the draw at this interval.
const PAUSE: Duration = Duration::from_millis(300);
/// Where requests wait, the client asks again after this time.
const RETRY: Duration = Duration::from_millis(300);
/// A proxy may close a response without data: a comment is sent at this interval.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
const EVENT_STREAM: &str = "text/event-stream";

/// From which event on.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the query that `after` reads")]
pub(crate) struct EventsQuery {
    /// The last event received, like `Last-Event-ID`, for which caches need no rule of their own; it counts if both are given.
    #[param(minimum = 0)]
    after: Option<u64>,
}

/// The events of a draw, as they happen.
#[utoipa::path(get, path = "/lotteries/{lottery_id}/draws/{draw_id}/events", tag = "draws",
    params(EventsQuery, ("Last-Event-ID" = Option<String>, Header, description = "The last event received; only later ones follow")),
    responses(
        (status = 200, description = "Events, each a JSON object. It ends after the first ones, and `retry` says when to ask again",
            body = PublicEvent, content_type = "text/event-stream"),
        (status = 204, description = "The draw has ended and all its events were received")))]
pub(crate) async fn events(
    State(state): State<AppState>,
    DrawPath(lottery_id, draw_id): DrawPath,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let after = after(&uri, &headers)?;
    let watched = state.watched(&lottery_id, &draw_id).await?;
    if watched.events() > after {
        let key = state.cache.key(format_args!("events/{lottery_id}/{draw_id}/{}/{after}", watched.tag));
        let answer = async {
            let body = [&retry(retry_of(&state, &watched))[..], &watched.after(after)].concat();
            Ok(Answer::new(body, EVENT_STREAM, watched.rule()))
        };
        let lifetime = watched.lifetime(state.cache.freshness());
        return Ok(state.cache.answer(key, lifetime, answer).await?.respond(&headers));
    }
    if watched.draw.status.is_final() {
        let rule = watched.rule();
        let headers = [(CACHE_CONTROL, rule.header()), (VARY, rule.varies_by())];
        return Ok((StatusCode::NO_CONTENT, headers).into_response());
    }
    if state.config.events_wait.is_zero() {
        let answer = Answer::new(retry(retry_of(&state, &watched)), EVENT_STREAM, watched.rule());
        return Ok(answer.respond(&headers));
    }
    let now = Instant::now();
    let until = now + state.config.events_wait;
    let wait =
        Wait { state, lottery_id, draw_id, after, until, comment_at: now + KEEP_ALIVE, is_over: false };
    let news = stream::unfold(wait, |mut wait| async {
        let part = wait.next().await?;
        Some((Ok::<_, Infallible>(part), wait))
    });
    let begun = stream::iter([Ok(Bytes::from(retry(RETRY)))]);
    let headers = [(CONTENT_TYPE, EVENT_STREAM), (CACHE_CONTROL, "no-store")];
    Ok((headers, Body::from_stream(begun.chain(news))).into_response())
}

/// Waits for the first events after a known one.
struct Wait {
    state: AppState,
    lottery_id: LotteryId,
    draw_id: DrawId,
    after: u64,
    until: Instant,
    comment_at: Instant,
    is_over: bool,
}

impl Wait {
    /// The next part of the response; none after new events were sent or the time is over.
    async fn next(&mut self) -> Option<Bytes> {
        while !self.is_over && Instant::now() < self.until {
            tokio::time::sleep(PAUSE).await;
            match self.state.watched(&self.lottery_id, &self.draw_id).await {
                Ok(watched) if watched.events() > self.after => {
                    self.is_over = true;
                    return Some(watched.after(self.after));
                }
                Ok(watched) => self.is_over = watched.draw.status.is_final(),
                // The response has begun; the client asks again and gets the error then.
                Err(error) => {
                    tracing::warn!(?error, "a draw cannot be read for its watchers");
                    self.is_over = true;
                }
            }
            if Instant::now() >= self.comment_at {
                self.comment_at += KEEP_ALIVE;
                return Some(Bytes::from_static(b":\n\n"));
            }
        }
        None
    }
}

/// When the client should ask again.
fn retry_of(state: &AppState, watched: &WatchedDraw) -> Duration {
    if state.config.events_wait.is_zero() { watched.next_look(state.clock.now()) } else { RETRY }
}

fn retry(pause: Duration) -> Vec<u8> {
    format!("retry: {}\n\n", pause.as_millis()).into_bytes()
}

/// The last event that the client has.
fn after(uri: &Uri, headers: &HeaderMap) -> Result<u64, ApiError> {
    let asked = query(uri)?.into_iter().find_map(|(name, value)| (name == "after").then_some(value));
    let (name, text) = match asked {
        Some(after) => ("after", after),
        None => match headers.get("last-event-id") {
            None => return Ok(0),
            Some(value) => ("Last-Event-ID", value.to_str().unwrap_or("?").trim().to_owned()),
        },
    };
    if text.is_empty() {
        return Ok(0);
    }
    // The sign would be read, too.
    let id = text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    id.ok_or_else(|| {
        let problem = if name == "after" { "BadQuery" } else { "BadHeader" };
        ApiError::bad_request(problem, format!("{name} must be the id of an event of this draw")).at(name)
    })
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn after_of(query: &str, header: Option<&'static str>) -> Result<u64, ApiError> {
        let headers =
            header.map(|id| (HeaderName::from_static("last-event-id"), HeaderValue::from_static(id)));
        after(&format!("/events{query}").parse().unwrap(), &HeaderMap::from_iter(headers))
    }

    #[test]
    fn the_last_event_is_named_by_the_header_or_the_query() {
        assert_eq!(after_of("", None).unwrap(), 0);
        assert_eq!(after_of("", Some("")).unwrap(), 0);
        assert_eq!(after_of("", Some("7")).unwrap(), 7);
        assert_eq!(after_of("?after=8", Some("7")).unwrap(), 8);
        for bad in ["x", "-1", "+1", "7-", "99999999999999999999"] {
            assert!(after_of("", Some(bad)).is_err(), "{bad}");
        }
        assert!(after_of("?after=x", None).is_err());
    }
}
