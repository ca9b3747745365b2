//! The operator's key page: the key that signs commitments, and the last draw of each lane and lottery.
//!
//! A copy kept by anyone shows later whether a draw was hidden, or the history was rewritten (`verify-draw --history`).

use std::collections::BTreeSet;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use lottery::{Lottery, LotteryId};
use lottery_store::LaneHead;
use serde::Serialize;
use utoipa::ToSchema;

use crate::answer::Answer;
use crate::cache_control::CacheRule;
use crate::error::ApiError;
use crate::extract::Paging;
use crate::lotteries::PagingQuery;
use crate::state::AppState;

/// The key page; its lotteries are paged.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeyPage {
    /// The Ed25519 keys that have signed the last draws of the lanes, in hexadecimal: one, unless the operator has changed it.
    organiser_keys: Vec<String>,
    /// The last draw of each lane that has any: all draws of this operator are numbered in 16 lanes without gaps.
    lanes: Vec<LaneView>,
    /// The last draw of each lottery that has any.
    lotteries: Vec<HeadView>,
    /// What to pass as `cursor` for the next page of lotteries.
    next_cursor: Option<String>,
}

/// The last draw of a lane.
#[derive(Serialize, ToSchema)]
pub(crate) struct LaneView {
    /// 0 to 15: the first four bits of the SHA-256 of a lottery's id.
    lane: u8,
    /// The draw's number in the lane, which is how many have been sealed in it.
    sequence: u64,
    commitment: String,
    lottery_id: String,
    draw_id: String,
}

/// The last draw of a lottery.
#[derive(Serialize, ToSchema)]
pub(crate) struct HeadView {
    lottery_id: String,
    /// The draw's number in the lottery, which is how many have been sealed.
    sequence: u64,
    /// The draw that was sealed last.
    draw_id: String,
    /// Its commitment; null if it was sealed before the key page existed.
    commitment: Option<String>,
}

impl From<&LaneHead> for LaneView {
    fn from(head: &LaneHead) -> Self {
        Self {
            lane: head.lane,
            sequence: head.sequence,
            commitment: head.commitment.to_string(),
            lottery_id: head.lottery_id.to_string(),
            draw_id: head.draw_id.to_string(),
        }
    }
}

impl HeadView {
    fn of(lottery: &Lottery) -> Option<Self> {
        Some(Self {
            lottery_id: LotteryId::to_string(&lottery.lottery_id),
            sequence: lottery.next_sequence.checked_sub(1)?,
            draw_id: lottery.last_sealed.as_ref()?.to_string(),
            commitment: lottery.last_commitment.map(|commitment| commitment.to_string()),
        })
    }
}

/// The operator's key, and the last draws of all lotteries.
#[utoipa::path(get, path = "/.well-known/fair-draw.json", tag = "fair draw", params(PagingQuery),
    responses((status = 200, description = "The key page", body = KeyPage)))]
pub(crate) async fn key_page(
    State(state): State<AppState>,
    paging: Paging,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (cursor, limit) = (paging.cursor.as_deref(), paging.limit);
    let key = state.cache.key(format_args!("key page/{limit}/{}", cursor.unwrap_or_default()));
    let answer = async {
        // The lotteries first: a draw that is sealed meanwhile is missing in them, not in its lane.
        let page = state.store.lotteries(cursor, limit).await?;
        let lanes = state.store.lane_heads().await?;
        let keys: BTreeSet<_> = lanes.iter().map(|head| head.public_key).collect();
        let view = KeyPage {
            organiser_keys: keys.iter().map(ToString::to_string).collect(),
            lanes: lanes.iter().map(LaneView::from).collect(),
            lotteries: page.items.iter().filter_map(HeadView::of).collect(),
            next_cursor: page.cursor,
        };
        Answer::json(&view, CacheRule::List)
    };
    Ok(state.cache.answer(key, state.cache.freshness(), answer).await?.respond(&headers))
}
