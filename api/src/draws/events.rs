//! The events of a draw as server-sent events.
//!
//! A response waits up to 20 s for events and ends after the first ones; the client comes back with
//! `Last-Event-ID`. So it works behind API Gateway too, which keeps no response open for long. Once the
//! execution has ended and all is told, the answer is 204, which tells an `EventSource` to stop.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use http::{HeaderMap, StatusCode};
use lottery::{DrawId, LotteryId};
use tokio::time::Instant;

use super::history::{Committed, Progress, PublicEvent};
use crate::error::{ApiError, chain};
use crate::extract::{DrawPath, unknown_draw};
use crate::state::AppState;

const LONGEST_WAIT: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(500);
/// The client comes back after this time.
const RETRY: Duration = Duration::from_millis(300);
const MOST_EVENTS: usize = 500;

/// The events of a draw, as they happen.
#[utoipa::path(get, path = "/lotteries/{lottery_id}/draws/{draw_id}/events", tag = "draws",
    params(("Last-Event-ID" = Option<String>, Header, description = "The last event received; only later ones follow")),
    responses(
        (status = 200, description = "Events, each a JSON object; ends after the first ones or 20 s", body = PublicEvent,
            content_type = "text/event-stream"),
        (status = 204, description = "The draw has ended and all its events were received")))]
pub(crate) async fn events(
    State(state): State<AppState>,
    DrawPath(lottery_id, draw_id): DrawPath,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let draw = state.store.draw(&lottery_id, &draw_id).await?.ok_or_else(unknown_draw)?;
    let arn = draw.execution_arn.unwrap_or_else(|| state.executions.arn(&draw_id));
    let resumed = resumption(&arn);
    let after = last_event_id(&headers, resumed.as_deref())?;
    let (events, progress) = state.executions.events(&arn, after, MOST_EVENTS).await?;
    let is_over = match progress {
        Progress::NotBegun => draw.status.is_final(),
        Progress::Running => false,
        Progress::Ended => true,
    };
    if events.is_empty() && is_over {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let wait = Wait { state, lottery_id, draw_id, arn, after, until: Instant::now() + LONGEST_WAIT };
    let told = stream::once(wait.events(events)).flat_map(move |events| {
        let resumed = resumed.clone();
        stream::iter(events.into_iter().map(move |one| Ok::<_, Infallible>(event(&one, resumed.as_deref()))))
    });
    let body = stream::iter([Ok(Event::default().retry(RETRY))]).chain(told);
    Ok(Sse::new(body).keep_alive(KeepAlive::new().interval(Duration::from_secs(5))).into_response())
}

/// Waits for the first events behind one that is known.
struct Wait {
    state: AppState,
    lottery_id: LotteryId,
    draw_id: DrawId,
    arn: String,
    after: i64,
    until: Instant,
}

impl Wait {
    async fn events(self, mut events: Vec<PublicEvent>) -> Vec<PublicEvent> {
        while events.is_empty() && Instant::now() < self.until {
            tokio::time::sleep(PAUSE).await;
            match self.state.executions.events(&self.arn, self.after, MOST_EVENTS).await {
                Ok((new, progress)) => {
                    events = new;
                    if progress == Progress::Ended {
                        break;
                    }
                }
                // The response has begun; the client comes back and is told then.
                Err(error) => {
                    tracing::warn!(?error, "the history of a draw cannot be read");
                    break;
                }
            }
        }
        self.tell_commitment(&mut events).await;
        events
    }

    /// The commitment goes out with the news that the entries are sealed.
    async fn tell_commitment(&self, events: &mut [PublicEvent]) {
        let Some(sealed) = events.iter_mut().find(|event| event.ends_sealing()) else { return };
        match self.state.store.draw(&self.lottery_id, &self.draw_id).await {
            Ok(draw) => {
                sealed.committed = draw.and_then(|draw| {
                    let commitment = draw.commitment?.to_string();
                    Some(Committed { commitment, round: draw.round, round_at: draw.round_at })
                });
            }
            // The draw itself tells it too.
            Err(error) => tracing::warn!(error = chain(&error), "the commitment of a draw cannot be read"),
        }
    }
}

/// The end of an execution's name that tells a resumed execution from the draw's first: `r1`.
fn resumption(execution_arn: &str) -> Option<String> {
    let (_, end) = execution_arn.rsplit_once('-')?;
    let is_resumed =
        end.strip_prefix('r').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    is_resumed.then(|| end.to_owned())
}

fn event(event: &PublicEvent, resumed: Option<&str>) -> Event {
    let data = serde_json::to_string(event).expect("an event holds nothing that JSON cannot");
    let id = match resumed {
        Some(resumed) => format!("{resumed}-{}", event.id),
        None => event.id.to_string(),
    };
    Event::default().id(id).data(data)
}

/// The last event that the client has: none, if it is of another execution of the draw.
fn last_event_id(headers: &HeaderMap, resumed: Option<&str>) -> Result<i64, ApiError> {
    let Some(value) = headers.get("last-event-id").filter(|value| !value.is_empty()) else { return Ok(0) };
    let text = value.to_str().unwrap_or_default().trim();
    let (execution, id) = match text.rsplit_once('-') {
        Some((execution, id)) => (Some(execution), id),
        None => (None, text),
    };
    let id: i64 = id.parse().ok().filter(|id| *id >= 0).ok_or_else(|| {
        ApiError::bad_request("BadHeader", "Last-Event-ID must be the id of an event of this draw")
            .at("Last-Event-ID")
    })?;
    Ok(if execution == resumed { id } else { 0 })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn an_event_id_counts_for_its_own_execution_only() {
        let resumed = resumption("arn:aws:states:x:1:execution:lottery:draw-abc-r2");
        assert_eq!(resumed.as_deref(), Some("r2"));
        assert_eq!(resumption("arn:aws:states:x:1:execution:lottery:draw-abc"), None);
        let after = |id: &'static str, resumed| {
            let headers = HeaderMap::from_iter([(
                http::HeaderName::from_static("last-event-id"),
                HeaderValue::from_static(id),
            )]);
            last_event_id(&headers, resumed)
        };
        assert_eq!(after("7", None).unwrap(), 7);
        assert_eq!(after("r2-7", Some("r2")).unwrap(), 7);
        assert_eq!(after("7", Some("r2")).unwrap(), 0);
        assert!(after("x", None).is_err());
        assert!(after("7-", None).is_err());
    }
}
