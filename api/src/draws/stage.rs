//! The position of a draw's stage: its organiser moves it, on the stage or on a phone, and every screen follows. A position
//! holds prizes and counts, and no names.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use lottery::Draw;
use lottery_store::{MoveStage, StageRecord};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::answer::Answer;
use crate::auth::{MaybeCaller, Scope};
use crate::cache_control::CacheRule;
use crate::error::ApiError;
use crate::extract::{DrawPath, JsonBody};
use crate::state::AppState;

/// The most winners that one reveal can show.
const MAX_BATCH: u32 = 10_000;

/// What the stage shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StageScreen {
    /// The commitment, until the organiser continues.
    Commitment,
    /// A prize is announced.
    Prize,
    /// The list is in motion.
    Roll,
    /// Names are shown.
    Names,
    /// All winners, by prize.
    Wall,
}

/// A position of the show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StagePosition {
    /// What is shown.
    screen: StageScreen,
    /// The prize, by its index in the draw's prizes; it means nothing for `commitment` and `wall`.
    prize: usize,
    /// The first of the winners of the prize that this reveal shows, counted from 0.
    from: u32,
    /// Behind the last of them.
    to: u32,
    /// The prizes in the order in which they are revealed: each index once.
    order: Vec<usize>,
    /// How many winners one reveal shows, by prize: from 1 to 10,000.
    batches: Vec<u32>,
}

/// The position of a draw's stage.
#[derive(Serialize, ToSchema)]
pub(crate) struct StageView {
    /// How often the stage was moved: 0 if never.
    revision: u64,
    /// Where it is; null if it was never moved.
    position: Option<StagePosition>,
}

/// A move of the stage.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StageMove {
    /// The revision of the position that the caller has seen; 0 if it has seen none.
    after: u64,
    /// The new position.
    position: StagePosition,
}

impl StageView {
    fn new(record: Option<StageRecord>) -> Result<Self, ApiError> {
        let Some(StageRecord { revision, position }) = record else {
            return Ok(Self { revision: 0, position: None });
        };
        Ok(Self { revision, position: Some(serde_json::from_str(&position).map_err(ApiError::internal)?) })
    }
}

impl StagePosition {
    /// Why the stage of this draw cannot be at this position.
    fn fault(&self, draw: &Draw) -> Option<String> {
        let prizes = draw.prizes.as_slice();
        let mut order = self.order.clone();
        order.sort_unstable();
        if !order.iter().copied().eq(0..prizes.len()) {
            return Some(format!("order must name each of the {} prizes of the draw once", prizes.len()));
        }
        if self.batches.len() != prizes.len()
            || !self.batches.iter().all(|batch| (1..=MAX_BATCH).contains(batch))
        {
            return Some(format!("batches must hold a number from 1 to {MAX_BATCH} for each prize"));
        }
        let Some(prize) = prizes.get(self.prize) else {
            return Some("prize must be the index of a prize of the draw".to_owned());
        };
        let shown = self.from <= self.to && self.to <= prize.winners;
        (!shown).then(|| format!("from and to must lie in order from 0 to {}", prize.winners))
    }
}

/// How far the draw has been shown on its stage. Screens that keep in step ask about once a second.
#[utoipa::path(get, path = "/lotteries/{lottery_id}/draws/{draw_id}/stage", tag = "draws",
    responses((status = 200, description = "The position", body = StageView)))]
pub(crate) async fn stage(
    State(state): State<AppState>,
    DrawPath(lottery_id, draw_id): DrawPath,
    caller: MaybeCaller,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    state.watched(&lottery_id, &draw_id).await?;
    if caller.may(Scope::DrawsWrite) {
        let view = StageView::new(state.store.stage(&lottery_id, &draw_id).await?)?;
        return Ok(Answer::json(&view, CacheRule::Private)?.respond(&headers));
    }
    let key = state.cache.key(format_args!("stage/{lottery_id}/{draw_id}"));
    let rule = CacheRule::UnderWay;
    let answer = async {
        let view = StageView::new(state.store.stage(&lottery_id, &draw_id).await?)?;
        Answer::json(&view, rule)
    };
    let lifetime = rule.lifetime(state.cache.freshness());
    Ok(state.cache.answer(key, lifetime, answer).await?.respond(&headers))
}

/// Move the stage of a draw, from the position that the caller has seen: of two who move it at once, one does.
#[utoipa::path(put, path = "/lotteries/{lottery_id}/draws/{draw_id}/stage", tag = "draws", request_body = StageMove,
    responses((status = 200, description = "The stage is there", body = StageView)))]
pub(crate) async fn move_stage(
    State(state): State<AppState>,
    DrawPath(lottery_id, draw_id): DrawPath,
    JsonBody { value, .. }: JsonBody,
) -> Result<Json<StageView>, ApiError> {
    let invalid = |detail: String| ApiError::invalid("InvalidStage", detail);
    let StageMove { after, position } =
        serde_json::from_value(value).map_err(|error| invalid(format!("this is no move: {error}")))?;
    let watched = state.watched(&lottery_id, &draw_id).await?;
    if let Some(fault) = position.fault(&watched.draw) {
        return Err(invalid(fault));
    }
    let text = serde_json::to_string(&position).map_err(ApiError::internal)?;
    match state.store.move_stage(&lottery_id, &draw_id, after, &text).await? {
        MoveStage::Moved(revision) => Ok(Json(StageView { revision, position: Some(position) })),
        MoveStage::Superseded(found) => {
            let detail = "the stage was moved meanwhile; GET it and decide anew";
            let found = StageView::new(found)?;
            Err(ApiError::conflict("StageMoved", detail)
                .with_member("revision", json!(found.revision))
                .with_member("position", json!(found.position)))
        }
    }
}
