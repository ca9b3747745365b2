//! What anyone can check of a draw: the proof, its entries, and one entry's place among them.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use lottery::manifest::Version;
use lottery::merkle::Inclusion;
use lottery::proof::{MOST_ENTRIES_WITHIN, Proof, ProofBeacon};
use lottery::{Commitment, Draw, DrawId, Entry, HexBytes, LotteryId};
use lottery_store::{CHUNK_ENTRIES, SealedDraw};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::error::ApiError;
use crate::extract::{DrawPath, EntriesPage, EntryPath, unknown_draw};
use crate::state::AppState;

/// A draw with its seal, or why there is none.
pub(super) async fn sealed(
    state: &AppState,
    lottery_id: &LotteryId,
    draw_id: &DrawId,
) -> Result<(Draw, SealedDraw), ApiError> {
    let draw = state.store.draw(lottery_id, draw_id).await?.ok_or_else(unknown_draw)?;
    let seal = state.store.seal(lottery_id, draw_id).await?.ok_or_else(|| {
        ApiError::conflict(
            "NotSealed",
            "this draw has not sealed any entries, so there is nothing to check yet",
        )
    })?;
    Ok((draw, seal))
}

/// The proof of a draw, as canonical JSON whose very bytes count. `verify-draw` checks it offline.
///
/// It holds the entries themselves up to 10,000; more are read from `entries`. Before the beacon round is known it
/// says no more than what is committed to, and before the winners are official it names none.
#[utoipa::path(get, path = "/lotteries/{lottery_id}/draws/{draw_id}/proof", tag = "fair draw",
    responses((status = 200, description = "The proof, in the form that docs/fair-draw.md specifies", body = Object)))]
pub(crate) async fn proof(
    State(state): State<AppState>,
    DrawPath(lottery_id, draw_id): DrawPath,
) -> Result<Response, ApiError> {
    let (draw, seal) = sealed(&state, &lottery_id, &draw_id).await?;
    let round = state.store.round(&lottery_id, &draw_id).await?;
    let ranking = state.store.ranking(&draw).await?;
    let entries = match seal.manifest.entries {
        few if few <= MOST_ENTRIES_WITHIN => Some(read_entries(&state, &seal, 0, few).await?),
        _ => None,
    };
    let proof = Proof {
        beacon: ProofBeacon { chain: seal.chain, round },
        manifest: seal.manifest,
        ranking: ranking.map(|ranking| ranking.into_iter().map(|entry| entry.ranked).collect()),
        signature: seal.signature,
        version: Version,
    };
    Ok(json_text(proof.to_canonical_json(entries.as_deref())))
}

/// Where a page of entries begins, and how long it is.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the query that `EntriesPage` reads")]
pub(crate) struct EntriesQuery {
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many, at most: 1 to 10,000, which is what an absent limit means.
    #[param(minimum = 1, maximum = 10_000)]
    limit: Option<usize>,
}

/// A page of entries.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes the document that is written as canonical JSON")]
pub(crate) struct Entries {
    /// Entries in the order of their labels, each in its canonical form.
    entries: Vec<Object>,
    /// What to pass as `cursor` for the next page.
    next_cursor: Option<String>,
}

/// Any JSON object.
#[derive(ToSchema)]
pub(crate) struct Object {}

/// The entries of a sealed draw, in the order in which they are committed to.
#[utoipa::path(get, path = "/lotteries/{lottery_id}/draws/{draw_id}/entries", tag = "fair draw",
    params(EntriesQuery), responses((status = 200, description = "A page of entries", body = Entries)))]
pub(crate) async fn entries(
    State(state): State<AppState>,
    DrawPath(lottery_id, draw_id): DrawPath,
    page: EntriesPage,
) -> Result<Response, ApiError> {
    let (_, seal) = sealed(&state, &lottery_id, &draw_id).await?;
    let behind = page.first.saturating_add(page.limit).min(seal.manifest.entries);
    let entries = read_entries(&state, &seal, page.first, behind).await?;
    let mut text = String::from("{\"entries\":[");
    for (place, entry) in entries.iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        text.push_str(&entry.to_canonical_json());
    }
    text.push_str("],\"next_cursor\":");
    if behind < seal.manifest.entries {
        text.push_str(&format!("\"{behind}\""));
    } else {
        text.push_str("null");
    }
    text.push('}');
    Ok(json_text(text))
}

/// The entries from one place to before another, both counted from 0.
async fn read_entries(
    state: &AppState,
    seal: &SealedDraw,
    first: u64,
    behind: u64,
) -> Result<Vec<Entry>, ApiError> {
    if first >= behind {
        return Ok(Vec::new());
    }
    let chunk = CHUNK_ENTRIES as u64;
    // There are no more chunks than a u32 counts.
    let number = |chunks: u64| u32::try_from(chunks).map_err(ApiError::internal);
    let chunks = number(first / chunk)?..number(behind.div_ceil(chunk))?;
    let skipped = first - u64::from(chunks.start) * chunk;
    let sealed = state.store.chunks(seal, chunks).await?.into_iter().flatten();
    let wanted = sealed.skip(skipped as usize).take((behind - first) as usize);
    Ok(wanted.map(|sealed| sealed.entry).collect())
}

/// An entry with the proof that it stands in its place.
#[derive(Serialize, ToSchema)]
pub(crate) struct EntryInclusionView {
    /// The entry; its leaf is SHA-256(0x00 ‖ its canonical JSON).
    #[schema(value_type = Object)]
    entry: Entry,
    /// Its place from 0, the number of entries, and the hashes from the leaf up to the root (RFC 9162).
    #[schema(value_type = Object)]
    inclusion: Inclusion,
    /// The Merkle root that the draw commits to.
    #[schema(value_type = String)]
    root: HexBytes<32>,
    /// The draw's commitment, which holds the root.
    #[schema(value_type = String)]
    commitment: Commitment,
}

/// One entry, with the proof of its place among all.
#[utoipa::path(get, path = "/lotteries/{lottery_id}/draws/{draw_id}/entries/{label}/inclusion", tag = "fair draw",
    responses((status = 200, description = "The entry and its proof", body = EntryInclusionView)))]
pub(crate) async fn inclusion(
    State(state): State<AppState>,
    EntryPath(lottery_id, draw_id, label): EntryPath,
) -> Result<Json<EntryInclusionView>, ApiError> {
    let (_, seal) = sealed(&state, &lottery_id, &draw_id).await?;
    let found = state.store.entry_inclusion(&seal, &label).await?;
    let found = found.ok_or_else(|| ApiError::not_found("no entry of this draw has this label"))?;
    Ok(Json(EntryInclusionView {
        entry: found.entry,
        inclusion: found.inclusion,
        root: seal.manifest.root,
        commitment: seal.manifest.commitment(),
    }))
}

fn json_text(text: String) -> Response {
    ([(CONTENT_TYPE, "application/json")], text).into_response()
}
