//! A response that everyone may have: serialised once, with its tag, and the rule by which caches keep it.

use std::io::Write;
use std::sync::OnceLock;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::cache_control::CacheRule;
use crate::error::ApiError;

/// The largest response as Lambda carries it, in bytes: Lambda takes no response beyond 6,291,556, in which the
/// body is a JSON string between headers and cookies.
pub(crate) const MAX_ANSWER: usize = 5_500_000;

/// What a text takes within a JSON string, in bytes.
pub(crate) fn carried(text: &[u8]) -> usize {
    let escaped = |byte: &u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 1,
        0..=0x1f => 5,
        _ => 0,
    };
    text.len() + text.iter().map(escaped).sum::<usize>()
}

/// What so many bytes of a file take: Lambda carries them in Base64.
pub(crate) fn carried_as_file(bytes: usize) -> usize {
    bytes.div_ceil(3) * 4
}

/// A body with the headers by which caches keep it.
#[derive(Debug)]
pub(crate) struct Answer {
    body: Bytes,
    content_type: &'static str,
    /// Strong: another body has another tag.
    tag: HeaderValue,
    rule: CacheRule,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// The body for those who accept gzip, unless it is never compressed.
    compressed: Option<OnceLock<Compressed>>,
}

/// A body in gzip, which is another body, and so has a tag of its own.
#[derive(Debug)]
struct Compressed {
    body: Bytes,
    tag: HeaderValue,
}

impl Compressed {
    fn of(body: &[u8]) -> Self {
        let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 3), Compression::best());
        let body = encoder.write_all(body).and_then(|()| encoder.finish());
        let body = Bytes::from(body.expect("a Vec takes whatever is written"));
        Self { tag: tag(&body), body }
    }
}

impl Answer {
    pub(crate) fn json(value: &impl Serialize, rule: CacheRule) -> Result<Self, ApiError> {
        let body = serde_json::to_vec(value).map_err(ApiError::internal)?;
        Ok(Self::new(body, "application/json", rule))
    }

    pub(crate) fn new(body: impl Into<Bytes>, content_type: &'static str, rule: CacheRule) -> Self {
        let body = body.into();
        let tag = tag(&body);
        Self { body, content_type, tag, rule, headers: Vec::new(), compressed: None }
    }

    /// The same, sent in gzip to those who accept it. It is compressed once, when it is first asked for so.
    pub(crate) fn compressible(self) -> Self {
        Self { compressed: Some(OnceLock::new()), ..self }
    }

    /// With one more header.
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Its size in the cache.
    pub(crate) fn bytes(&self) -> usize {
        self.body.len()
    }

    /// The body as Lambda carries it, in bytes.
    pub(crate) fn carried(&self) -> usize {
        carried(&self.body)
    }

    /// The whole response, or 304 if the caller's copy is still current.
    pub(crate) fn respond(&self, request: &HeaderMap) -> Response {
        let compressed = self.compressed.as_ref().filter(|_| accepts_gzip(request));
        let compressed = compressed.map(|once| once.get_or_init(|| Compressed::of(&self.body)));
        let (body, tag) = compressed.map_or((&self.body, &self.tag), |gzip| (&gzip.body, &gzip.tag));
        let is_known = is_known(request, tag);
        let body = if is_known { Body::empty() } else { Body::from(Bytes::clone(body)) };
        let mut response = body.into_response();
        let headers = response.headers_mut();
        headers.insert(ETAG, tag.clone());
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(self.rule.header()));
        headers.insert(VARY, HeaderValue::from_static(self.rule.varies_by()));
        if self.compressed.is_some() {
            headers.append(VARY, HeaderValue::from_static("accept-encoding"));
        }
        if compressed.is_some() && !is_known {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        for (name, value) in &self.headers {
            headers.insert(name, value.clone());
        }
        if is_known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else {
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        }
        response
    }
}

/// Whether the caller takes gzip. `gzip;q=0` refuses it.
fn accepts_gzip(request: &HeaderMap) -> bool {
    let codings = request.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    codings.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse::<f32>);
        name.trim().eq_ignore_ascii_case("gzip") && weight.is_ok_and(|weight| weight > 0.0)
    })
}

/// A strong tag of these bytes.
pub(crate) fn tag(bytes: &[u8]) -> HeaderValue {
    let digest = lottery::hex(&Sha256::digest(bytes)[..12]);
    HeaderValue::try_from(format!("\"{digest}\"")).expect("hexadecimal digits are valid in a header")
}

/// Whether the caller has what this tag names.
pub(crate) fn is_known(request: &HeaderMap, tag: &HeaderValue) -> bool {
    let known = request.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    known.flat_map(|value| value.split(',')).any(|known| {
        let known = known.trim();
        known == "*" || known.strip_prefix("W/").unwrap_or(known).as_bytes() == tag.as_bytes()
    })
}

/// The length of a page so that it fits into a response: a page that is too large is made again, shorter.
pub(crate) struct Fit {
    pub(crate) limit: usize,
}

impl Fit {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit }
    }

    /// Whether this response fits; shortens the page if it does not. A single item always fits.
    pub(crate) fn holds(&mut self, answer: &Answer) -> bool {
        let carried = answer.carried();
        if carried <= MAX_ANSWER || self.limit <= 1 {
            return true;
        }
        // The items need not be of one size: a little less than their average allows.
        self.limit = (self.limit * MAX_ANSWER / carried * 9 / 10).clamp(1, self.limit - 1);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_that_is_the_same_is_not_sent_again() {
        let answer = Answer::json(&"draw", CacheRule::UnderWay).unwrap();
        let asked = |known: &str| {
            let headers = HeaderMap::from_iter([(IF_NONE_MATCH, HeaderValue::from_str(known).unwrap())]);
            answer.respond(&headers).status().as_u16()
        };
        let tag = answer.tag.to_str().unwrap().to_owned();
        assert_eq!(answer.respond(&HeaderMap::new()).status(), 200);
        assert_eq!(asked(&tag), 304);
        assert_eq!(asked(&format!("\"other\", W/{tag}")), 304);
        assert_eq!(asked("*"), 304);
        assert_eq!(asked("\"other\""), 200);
        let other = Answer::json(&"drawn", CacheRule::UnderWay).unwrap();
        assert_ne!(other.tag, answer.tag);
    }

    #[test]
    fn a_body_is_compressed_for_those_who_accept_it_and_has_another_tag() {
        let text = "the same words again and again; ".repeat(100);
        let answer = Answer::new(text.clone(), "text/plain", CacheRule::Immutable).compressible();
        let asked = |pairs: &[(HeaderName, &str)]| {
            let pairs =
                pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap()));
            answer.respond(&HeaderMap::from_iter(pairs))
        };
        let is_gzip = |response: &Response| response.headers().contains_key(CONTENT_ENCODING);
        for accepted in ["gzip", "deflate, GZIP;q=0.5, br", "br;q=1.0, gzip; q=1"] {
            assert!(is_gzip(&asked(&[(ACCEPT_ENCODING, accepted)])), "{accepted}");
        }
        for refused in ["", "br", "gzip;q=0", "gzip;q=0.0", "gzip;q=no", "x-gzipped"] {
            assert!(!is_gzip(&asked(&[(ACCEPT_ENCODING, refused)])), "{refused}");
        }
        let (plain, gzip) = (asked(&[]), asked(&[(ACCEPT_ENCODING, "gzip")]));
        assert_ne!(plain.headers()[ETAG], gzip.headers()[ETAG]);
        for response in [&plain, &gzip] {
            let varies: Vec<_> = response.headers().get_all(VARY).iter().collect();
            assert_eq!(varies, ["accept", "accept-encoding"]);
        }
        let tag = gzip.headers()[ETAG].to_str().unwrap();
        let again = asked(&[(ACCEPT_ENCODING, "gzip"), (IF_NONE_MATCH, tag)]);
        assert_eq!((again.status().as_u16(), is_gzip(&again)), (304, false));
        assert_eq!(asked(&[(IF_NONE_MATCH, tag)]).status(), 200, "the plain body is another");
        let compressed = Compressed::of(text.as_bytes()).body;
        let mut read = String::new();
        std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&*compressed), &mut read).unwrap();
        assert!(read == text && compressed.len() < text.len() / 10);
    }

    #[test]
    fn a_body_is_measured_as_lambda_carries_it() {
        for text in ["plain", "\"quoted\"", "back\\slash", "line\r\n\u{1}", "王小明 🎉"] {
            let carried_by_lambda = serde_json::to_string(text).unwrap().len() - 2;
            assert_eq!(carried(text.as_bytes()), carried_by_lambda, "{text}");
        }
    }

    #[test]
    fn a_page_that_is_too_large_is_made_shorter() {
        let made = |limit, bytes| {
            let mut fit = Fit::new(limit);
            loop {
                let answer = Answer::new(vec![b'x'; fit.limit * bytes], "text/plain", CacheRule::List);
                if fit.holds(&answer) {
                    return answer.bytes();
                }
            }
        };
        assert!((4_000_000..=MAX_ANSWER).contains(&made(1_000, 100_000)));
        assert_eq!(made(10, 100_000), 1_000_000);
        assert_eq!(made(10, 6_000_000), 6_000_000);
    }
}
