//! Starting a draw on an organiser's request; `draw_start` does it.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use draw_start::Started;
use http::StatusCode;
use http::header::LOCATION;
use lottery::{Channel, Draw, DrawId, Lottery};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::ApiError;
use crate::explanation::Explanation;
use crate::extract::{JsonBody, LotteryPath, unknown_lottery};
use crate::idempotency::IdempotencyKey;
use crate::refusal::Notice;
use crate::state::AppState;

/// The draw to start: either `winners`, or `prizes`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "describes the body that `DrawRequest` parses")]
pub(crate) struct NewDrawBody {
    /// How many win, if there is one prize only.
    #[schema(example = 2, minimum = 1, maximum = 10_000)]
    winners: Option<u32>,
    /// The prizes in the order in which they are drawn: 10,000 winners of all together at most.
    #[schema(min_items = 1, max_items = 100)]
    prizes: Option<Vec<NewPrize>>,
    /// How many are ranked after the winners, for forfeited seats; none if absent.
    #[schema(minimum = 0, maximum = 10_000)]
    alternates: Option<u32>,
    /// Whether past winners of the lottery cannot win; true if absent.
    exclude_past_winners: Option<bool>,
    /// Whether only those can win who are marked as present when the list is sealed; false if absent.
    present_only: Option<bool>,
    /// A rehearsal: everything runs on a copy of the list. It has no number, nobody counts as a past winner, no participant is
    /// notified, and its manifest is marked as a rehearsal; false if absent.
    rehearsal: Option<bool>,
    /// Whether the commitment, the round and the link to their own entry are sent to everybody on the sealed list who has an
    /// address, until the round: one message for each; false if absent.
    announce_commitment: Option<bool>,
    /// Whether those who took part and have not won are notified of that, once all winners are released: one message for each; false
    /// if absent.
    notify_others: Option<bool>,
    /// Until when to wait before the entries are sealed: at most 360 days ahead.
    #[schema(format = DateTime)]
    closes_at: Option<String>,
    /// When the beacon round comes out that decides: later than `closes_at`, at most 360 days ahead. Minutes or days between
    /// sealing and round let others note, stamp and check the commitment; without it the round follows within seconds.
    #[schema(format = DateTime)]
    draw_at: Option<String>,
    /// How to notify the winners: `sms`, `email`, or nobody by an empty list; if absent, by all channels that there are where
    /// the service runs, and nobody if the list has no address at all.
    #[schema(value_type = Option<Vec<super::notifications::ChannelName>>)]
    channels: Option<Vec<String>>,
    /// When winners are named to the public and notified: at once, or when they are released, by the stage as it reveals
    /// them or by hand; at once if absent.
    release: Option<ReleaseName>,
    /// With the latter two: by when everything is released, at most 30 days ahead; 24 hours after the winners are recorded
    /// if absent.
    #[schema(format = DateTime)]
    release_by: Option<String>,
    /// How long each winner has to claim the prize by the link in the message, in seconds: a minute to 30 days. A seat that is
    /// not claimed goes to the first in line who fits, who has as long again. Absent, nobody has to claim. In a rehearsal
    /// nobody is asked.
    #[schema(minimum = 60, maximum = 2_592_000)]
    claim_within_seconds: Option<u32>,
}

/// When winners are named to the public and notified.
#[derive(Deserialize, ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code, reason = "describes what is parsed as `lottery::Hold`")]
pub(crate) enum ReleaseName {
    Automatic,
    OnReveal,
    Manual,
}

/// A prize to be drawn.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "describes the body that `DrawRequest` parses")]
pub(crate) struct NewPrize {
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// How many win it.
    #[schema(minimum = 1, maximum = 10_000)]
    winners: u32,
    /// How many of them come from which groups; at most 50 groups are named in all, the people without one counted as
    /// one. A group without members on the list is refused as `UnknownGroup`.
    #[schema(max_items = 50)]
    quota: Option<Vec<NewQuota>>,
}

/// How many winners of a prize come from a group, or from several groups together: at least, at most, or both.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "describes the body that `DrawRequest` parses")]
pub(crate) struct NewQuota {
    /// A group that is on the list, as it is spelled there but for width and blanks.
    #[schema(min_length = 1, max_length = 64)]
    group: Option<String>,
    /// Instead of `group`: several groups together. A group is named by one quota of a prize at most.
    #[schema(min_items = 1, max_items = 50)]
    groups: Option<Vec<String>>,
    /// True: the people without a group, alone or together with `group` or `groups`.
    without_group: Option<bool>,
    #[schema(minimum = 0)]
    at_least: Option<u32>,
    #[schema(minimum = 0)]
    at_most: Option<u32>,
}

/// A draw that was started.
#[derive(Serialize, ToSchema)]
pub(crate) struct StartedDraw {
    lottery_id: String,
    /// Names the draw within its lottery.
    draw_id: String,
    /// The execution that carries it.
    execution_arn: Option<String>,
    /// How far it is; WAITING if it was started by this request.
    status: String,
    /// What is to be known of it.
    #[schema(value_type = Vec<crate::participants::RemarkReason>)]
    notices: Vec<Explanation>,
}

/// Start a draw. `{"winners": 2}` is enough.
///
/// A quota for a group without members on the list is refused at once (422 `UnknownGroup`, with the names that come
/// nearest), unless the list has more groups than are counted; a draw that closes later is started, with a notice, since the
/// list may still come. Before anything is sealed the same is looked at again, and the draw is REJECTED with that name.
#[utoipa::path(post, path = "/lotteries/{lottery_id}/draws", tag = "draws", request_body = NewDrawBody,
    params((
        "Idempotency-Key" = Option<String>, Header, description = "The same key and body get the same answer",
        min_length = 1, max_length = 255, pattern = "^[!-~]([ -~]*[!-~])?$"
    )),
    responses((status = 202, description = "Started; `Location` is the draw", body = StartedDraw)))]
pub(crate) async fn start(
    State(state): State<AppState>,
    LotteryPath(lottery_id): LotteryPath,
    key: IdempotencyKey,
    JsonBody { bytes, value }: JsonBody,
) -> Result<Response, ApiError> {
    let draw_id = match key.seed() {
        Some(seed) => DrawId::from_idempotency(&lottery_id, &seed),
        None => DrawId::from_random(Uuid::new_v4().into_bytes()),
    };
    let worker = state.clone();
    let action = async move {
        let lottery = worker.store.lottery(&lottery_id).await?.ok_or_else(unknown_lottery)?;
        let Started { draw, unknown } = worker.starter().start(&lottery, draw_id, &value).await?;
        let mut notices: Vec<Explanation> = unknown.iter().map(|one| one.refusal().into()).collect();
        notices.extend(notice_of_email(&worker, &lottery, &draw));
        Ok(answer(&draw, notices))
    };
    // Continues if the caller hangs up: a draw that is written should be started.
    let request = async move { key.once(&state, &bytes, action).await };
    tokio::spawn(tracing::Instrument::in_current_span(request)).await.map_err(ApiError::internal)?
}

/// Explains a delay of e-mails to an organiser who imports and draws at once.
fn notice_of_email(state: &AppState, lottery: &Lottery, draw: &Draw) -> Option<Explanation> {
    let by_email = draw.channels.contains(&Channel::Email);
    let notice = by_email.then(|| Notice::of_email(lottery, state.config.filter_policy_wait));
    notice.flatten().map(Explanation::from)
}

fn answer(draw: &Draw, notices: Vec<Explanation>) -> Response {
    let location = format!("/lotteries/{}/draws/{}", draw.lottery_id, draw.draw_id);
    let body = StartedDraw {
        lottery_id: draw.lottery_id.to_string(),
        draw_id: draw.draw_id.to_string(),
        execution_arn: draw.execution_arn.clone(),
        status: draw.status.to_string(),
        notices,
    };
    (StatusCode::ACCEPTED, [(LOCATION, location)], Json(body)).into_response()
}
