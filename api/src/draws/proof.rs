//! The verifiable parts of a draw: the proof, its entries, and the inclusion proof of one entry.

use std::fmt::Display;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use lottery::merkle::Inclusion;
use lottery::proof::{MAX_EMBEDDED_ENTRIES, Proof, ProofBeacon};
use lottery::{Commitment, Draw, DrawId, Entry, HexBytes, LotteryId};
use lottery_store::{CHUNK_ENTRIES, SealedDraw};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::answer::{Answer, Fit, MAX_ANSWER};
use crate::cache_control::CacheRule;
use crate::error::ApiError;
use crate::extract::{DrawPath, EntriesPage, EntryPath};
use crate::state::AppState;
use crate::watch::WatchedDraw;

/// A draw whose seal is requested.
pub(super) struct Sealed {
    watched: Arc<WatchedDraw>,
}

impl Sealed {
    pub(super) async fn read(
        state: &AppState,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
    ) -> Result<Self, ApiError> {
        Ok(Self { watched: state.watched(lottery_id, draw_id).await? })
    }

    /// The rule for responses that depend on the seal alone.
    pub(super) fn rule(&self) -> CacheRule {
        self.watched.seal_rule()
    }

    /// A key for a value that depends on the seal alone: another seal has another commitment.
    pub(super) fn key(&self, what: &str, more: impl Display) -> String {
        let Draw { lottery_id, draw_id, commitment, .. } = &self.watched.draw;
        let commitment = commitment.map(|commitment| commitment.to_string()).unwrap_or_default();
        format!("{what}/{lottery_id}/{draw_id}/{commitment}/{:?}/{more}", self.rule())
    }

    /// The draw with its seal.
    ///
    /// # Errors
    /// `NotSealed` (409) before the draw is sealed.
    pub(super) async fn seal(&self, state: &AppState) -> Result<(&Draw, SealedDraw), ApiError> {
        let draw = &self.watched.draw;
        let seal = state.store.seal(&draw.lottery_id, &draw.draw_id).await?.ok_or_else(|| {
            ApiError::conflict(
                "NotSealed",
                "this draw has not sealed any entries, so there is nothing to check yet",
            )
        })?;
        Ok((draw, seal))
    }

    /// Responds with a value that depends on the seal alone.
    pub(super) async fn respond(
        &self,
        state: &AppState,
        key: String,
        answer: impl Future<Output = Result<Answer, ApiError>> + Send,
        headers: &HeaderMap,
    ) -> Result<Response, ApiError> {
        let lifetime = self.rule().lifetime(state.cache.freshness());
        Ok(state.cache.answer(key, lifetime, answer).await?.respond(headers))
    }
}

/// The proof of a draw, as canonical JSON whose very bytes count. `verify-draw` checks it offline.
///
/// It holds the entries themselves up to 10,000, if one response can hold them; more are read from `entries`. Before the
/// winners are official it says no more than what is committed to: neither the beacon round nor a ranking. Time stamps of the
/// commitment are in `witnesses` and seats that were passed on in `changes`, either of which makes it version 2.
#[utoipa::path(get, path = "/lotteries/{lottery_id}/draws/{draw_id}/proof", tag = "fair draw",
    responses((status = 200, description = "The proof, in the form that docs/fair-draw.md specifies", body = Object)))]
pub(crate) async fn proof(
    State(state): State<AppState>,
    DrawPath(lottery_id, draw_id): DrawPath,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let sealed = Sealed::read(&state, &lottery_id, &draw_id).await?;
    let rule = sealed.watched.proof_rule();
    let key = sealed.key("proof", format_args!("{rule:?}/{}", sealed.watched.draw.seat_changes));
    let answer = async {
        let (draw, seal) = sealed.seal(&state).await?;
        // Before the winners are official nobody learns from here who they are, to withdraw them in time.
        let is_official = draw.status.has_official_winners() || draw.status.is_final();
        let round = if is_official { state.store.round(&lottery_id, &draw_id).await? } else { None };
        let changes = state.store.seat_changes(draw).await?;
        let ranking = state.store.ranking(draw).await?;
        let entries = match seal.manifest.entries {
            few if few <= MAX_EMBEDDED_ENTRIES => Some(read_entries(&state, &seal, 0, few).await?),
            _ => None,
        };
        let witnesses = state.store.witnesses(&lottery_id, &draw_id, &seal.manifest.commitment()).await?;
        let ranking = ranking.map(|ranking| ranking.into_iter().map(|entry| entry.ranked).collect());
        let beacon = ProofBeacon { chain: seal.chain, round };
        let proof = Proof::new(beacon, seal.manifest, ranking, seal.signature, witnesses, changes);
        let whole = json_text(proof.to_canonical_json(entries.as_deref()), rule);
        if whole.carried() <= MAX_ANSWER {
            Ok(whole)
        } else {
            Ok(json_text(proof.to_canonical_json(None), rule))
        }
    };
    let lifetime = rule.lifetime(state.cache.freshness());
    Ok(state.cache.answer(key, lifetime, answer).await?.respond(&headers))
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
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let sealed = Sealed::read(&state, &lottery_id, &draw_id).await?;
    let key = sealed.key("entries", format_args!("{}/{}", page.first, page.limit));
    let answer = async {
        let (_, seal) = sealed.seal(&state).await?;
        let mut fit = Fit::new(page.limit as usize);
        loop {
            let end = page.first.saturating_add(fit.limit as u64).min(seal.manifest.entries);
            let entries = read_entries(&state, &seal, page.first, end).await?;
            let entries: Vec<String> = entries.iter().map(Entry::to_canonical_json).collect();
            let next = if end < seal.manifest.entries { format!("\"{end}\"") } else { "null".to_owned() };
            let text = format!("{{\"entries\":[{}],\"next_cursor\":{next}}}", entries.join(","));
            let answer = json_text(text, sealed.rule());
            if fit.holds(&answer) {
                return Ok(answer);
            }
        }
    };
    sealed.respond(&state, key, answer, &headers).await
}

/// The entries from index `first` up to, but not including, index `end`.
async fn read_entries(
    state: &AppState,
    seal: &SealedDraw,
    first: u64,
    end: u64,
) -> Result<Vec<Entry>, ApiError> {
    if first >= end {
        return Ok(Vec::new());
    }
    let chunk = CHUNK_ENTRIES as u64;
    // There are no more chunks than a u32 counts.
    let number = |chunks: u64| u32::try_from(chunks).map_err(ApiError::internal);
    let chunks = number(first / chunk)?..number(end.div_ceil(chunk))?;
    let skipped = first - u64::from(chunks.start) * chunk;
    let sealed = state.store.chunks(seal, chunks).await?.into_iter().flatten();
    let wanted = sealed.skip(skipped as usize).take((end - first) as usize);
    Ok(wanted.map(|sealed| sealed.entry).collect())
}

/// An entry with the proof that it is at its index.
#[derive(Serialize, ToSchema)]
pub(crate) struct EntryInclusionView {
    /// The entry; its leaf is SHA-256(0x00 ‖ its canonical JSON).
    #[schema(value_type = Object)]
    entry: Entry,
    /// Its index from 0, the number of entries, and the hashes from the leaf up to the root (RFC 9162).
    #[schema(value_type = Object)]
    inclusion: Inclusion,
    /// The Merkle root that the draw commits to.
    #[schema(value_type = String)]
    root: HexBytes<32>,
    /// The draw's commitment, which holds the root.
    #[schema(value_type = String)]
    commitment: Commitment,
}

/// One entry, with its inclusion proof.
#[utoipa::path(get, path = "/lotteries/{lottery_id}/draws/{draw_id}/entries/{label}/inclusion", tag = "fair draw",
    responses((status = 200, description = "The entry and its proof", body = EntryInclusionView)))]
pub(crate) async fn inclusion(
    State(state): State<AppState>,
    EntryPath(lottery_id, draw_id, label): EntryPath,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let sealed = Sealed::read(&state, &lottery_id, &draw_id).await?;
    let key = sealed.key("inclusion", label);
    let answer = async {
        let (_, seal) = sealed.seal(&state).await?;
        let found = state.store.entry_inclusion(&seal, &label).await?;
        let found = found.ok_or_else(|| ApiError::not_found("no entry of this draw has this label"))?;
        let view = EntryInclusionView {
            entry: found.entry,
            inclusion: found.inclusion,
            root: seal.manifest.root,
            commitment: seal.manifest.commitment(),
        };
        Answer::json(&view, sealed.rule())
    };
    sealed.respond(&state, key, answer, &headers).await
}

fn json_text(text: String, rule: CacheRule) -> Answer {
    Answer::new(text, "application/json", rule)
}
