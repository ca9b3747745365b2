//! Reads draws, lotteries and the key page from a service.

use anyhow::{Context, bail};
use lottery::history::{Heads, LaneHead, LotteryHead};
use lottery::{DrawId, Entry, HexBytes};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A draw's proof, and its entries page by page where the proof leaves them out.
pub(crate) fn proof(draw: &str) -> anyhow::Result<Vec<u8>> {
    const WITHOUT: &str = ",\"entries\":null,";
    let proof = get(&format!("{draw}/proof"), None)?;
    let proof = String::from_utf8(proof).context("the proof is no UTF-8 text")?;
    let Some((before, behind)) = proof.split_once(WITHOUT) else { return Ok(proof.into_bytes()) };

    /// One page of the API's `…/entries`.
    #[derive(Deserialize)]
    struct Page {
        entries: Vec<Entry>,
        next_cursor: Option<String>,
    }
    let mut whole = format!("{before},\"entries\":[");
    let mut first = true;
    pages(&format!("{draw}/entries"), |Page { entries, next_cursor }| {
        for entry in entries {
            if !std::mem::take(&mut first) {
                whole.push(',');
            }
            whole.push_str(&entry.to_canonical_json());
        }
        next_cursor
    })?;
    whole.push_str("],");
    whole.push_str(behind);
    Ok(whole.into_bytes())
}

/// The draws of a lottery that were sealed.
pub(crate) fn sealed_draws(lottery: &str) -> anyhow::Result<Vec<DrawId>> {
    /// One page of the API's `…/draws`.
    #[derive(Deserialize)]
    struct Page {
        draws: Vec<Draw>,
        next_cursor: Option<String>,
    }
    #[derive(Deserialize)]
    struct Draw {
        draw_id: DrawId,
        sequence: Option<u64>,
    }
    let mut sealed = Vec::new();
    pages(&format!("{lottery}/draws"), |Page { draws, next_cursor }| {
        sealed.extend(draws.into_iter().filter(|draw| draw.sequence.is_some()).map(|draw| draw.draw_id));
        next_cursor
    })?;
    Ok(sealed)
}

/// The operator's key page, with all lotteries.
pub(crate) fn heads(service: &str) -> anyhow::Result<Heads> {
    /// One page of the key page.
    #[derive(Deserialize)]
    struct Page {
        organiser_keys: Vec<HexBytes<32>>,
        lanes: Vec<LaneHead>,
        lotteries: Vec<LotteryHead>,
        next_cursor: Option<String>,
    }
    let mut heads = Heads::default();
    pages(&format!("{service}/.well-known/fair-draw.json"), |page: Page| {
        (heads.organiser_keys, heads.lanes) = (page.organiser_keys, page.lanes);
        heads.lotteries.extend(page.lotteries);
        page.next_cursor
    })?;
    Ok(heads)
}

/// Reads page after page; `take` answers the cursor of the next.
fn pages<T: DeserializeOwned>(url: &str, mut take: impl FnMut(T) -> Option<String>) -> anyhow::Result<()> {
    let mut cursor: Option<String> = None;
    loop {
        let page = get(url, cursor.as_deref())?;
        let page = serde_json::from_slice(&page).with_context(|| format!("{url} answers something else"))?;
        match take(page) {
            Some(next) if cursor.as_ref() == Some(&next) => bail!("the pages of {url} never end"),
            Some(next) => cursor = Some(next),
            None => return Ok(()),
        }
    }
}

fn get(url: &str, cursor: Option<&str>) -> anyhow::Result<Vec<u8>> {
    /// Far above any page or proof without long lists.
    const MAX_BYTES: u64 = 64 << 20;
    let request = ureq::get(url);
    let request = match cursor {
        Some(cursor) => request.query("cursor", cursor),
        None => request,
    };
    let mut response = request.call().with_context(|| format!("cannot read {url}"))?;
    response
        .body_mut()
        .with_config()
        .limit(MAX_BYTES)
        .read_to_vec()
        .with_context(|| format!("cannot read {url}"))
}
