//! Pages of lists: the token says where the next one begins.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::data::Json;
use crate::model::PageCursor;
use crate::protocol::{Exception, Request};

/// The offset in a list that a token names; 0 without one.
pub(super) fn offset(request: &mut Request) -> Result<usize, Exception> {
    let Some(token) = request.text("nextToken", 1, 3096) else { return Ok(0) };
    decode(&token)?.parse().map_err(|_| Exception::invalid_token())
}

/// The cursor that a token names.
pub(super) fn cursor(request: &mut Request) -> Result<Option<PageCursor>, Exception> {
    let Some(token) = request.text("nextToken", 1, 3096) else { return Ok(None) };
    let text = decode(&token)?;
    let parts =
        text.split_once(' ').and_then(|(date, number)| Some((date.parse().ok()?, number.parse().ok()?)));
    let (start_date, number) = parts.ok_or_else(Exception::invalid_token)?;
    Ok(Some(PageCursor { start_date, number }))
}

pub(super) fn cursor_token(cursor: &PageCursor) -> Json {
    encode(&format!("{} {}", cursor.start_date, cursor.number))
}

pub(super) fn offset_token(offset: usize) -> Json {
    encode(&offset.to_string())
}

/// One page of a list that is at hand, and the token of the next.
pub(super) fn slice<T>(items: &[T], offset: usize, limit: usize) -> (&[T], Option<Json>) {
    let start = offset.min(items.len());
    let end = start.saturating_add(limit).min(items.len());
    (&items[start..end], (end < items.len()).then(|| offset_token(end)))
}

fn encode(text: &str) -> Json {
    Json::from(URL_SAFE_NO_PAD.encode(text))
}

fn decode(token: &str) -> Result<String, Exception> {
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| Exception::invalid_token())?;
    String::from_utf8(bytes).map_err(|_| Exception::invalid_token())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_without_gap_or_overlap() {
        let items: Vec<u32> = (0..7).collect();
        let (mut seen, mut at) = (Vec::new(), 0);
        loop {
            let (page, next) = slice(&items, at, 3);
            seen.extend_from_slice(page);
            let Some(next) = next else { break };
            at = decode(next.as_str().unwrap()).unwrap().parse().unwrap();
        }
        assert_eq!(seen, items);
    }

    #[test]
    fn a_token_of_anybody_else_is_refused() {
        for token in ["", "%%%", "bm9wZQ"] {
            let mut request = Request::parse(format!("{{\"nextToken\":\"{token}\"}}").as_bytes()).unwrap();
            assert!(offset(&mut request).is_err() || request.check().is_err(), "{token}");
        }
    }
}
