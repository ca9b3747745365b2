//! How the bytes of an object go out: chunk by chunk, with ranges and conditions.

use std::ops::Range;
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use http::{Response, StatusCode, header};
use jiff::Timestamp;

use super::contents::Segment;
use super::database::CHUNK;
use super::request::Request;
use super::store::{Object, Store};
use super::{S3, S3Error};
use crate::worker::Worker;

/// Keeps the bytes of an object as long as they are being read.
struct Pinned {
    worker: Arc<Worker<Store>>,
    segments: Vec<Segment>,
}

impl Drop for Pinned {
    fn drop(&mut self) {
        let segments = std::mem::take(&mut self.segments);
        self.worker.post(move |store| store.unpin(&segments));
    }
}

impl S3 {
    /// Answers GetObject or HeadObject.
    pub(super) async fn get_object(
        &self,
        request: &Request<'_>,
        is_head: bool,
    ) -> Result<Response<Body>, S3Error> {
        let (bucket, key) = (request.bucket.clone(), request.key.clone());
        let range_text = request.header("range").map(str::to_owned);
        let (object, first) = self
            .on_store(move |store| {
                let object = store.object(&bucket, &key)?;
                let mut first = Vec::new();
                // What fits into a chunk is read at once; of more the bytes are kept until they are sent.
                if !is_head && object.size > CHUNK as u64 {
                    store.pin(&object.segments);
                } else if !is_head {
                    while (first.len() as u64) < object.size {
                        let piece = store.read(&object.segments, first.len() as u64, object.size)?;
                        first.extend_from_slice(&piece);
                    }
                }
                Ok((object, first))
            })
            .await?;
        let is_pinned = !is_head && object.size > CHUNK as u64;
        let pinned = if is_pinned {
            Some(Pinned { worker: Arc::clone(self.worker().await?), segments: object.segments.clone() })
        } else {
            None
        };
        if let Some(status) = condition(request, &object)? {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = status;
            describe(&mut response, &object, request);
            response.headers_mut().remove(header::CONTENT_LENGTH);
            return Ok(response);
        }
        let range = range_text.as_deref().map_or(Ok(None), |text| byte_range(text, object.size))?;
        let bytes = range.clone().unwrap_or(0..object.size);
        let body = match pinned {
            _ if is_head => Body::empty(),
            Some(pinned) => stream(pinned, bytes.clone()),
            None => Body::from(Bytes::from(first).slice(bytes.start as usize..bytes.end as usize)),
        };
        let mut response = Response::new(body);
        describe(&mut response, &object, request);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_LENGTH, crate::aws::header_value(bytes.end - bytes.start));
        if range.is_some() {
            let shown = format!("bytes {}-{}/{}", bytes.start, bytes.end - 1, object.size);
            headers.insert(header::CONTENT_RANGE, crate::aws::header_value(shown));
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        }
        Ok(response)
    }
}

fn stream(pinned: Pinned, range: Range<u64>) -> Body {
    let chunks = futures_util::stream::try_unfold((pinned, range), |(pinned, range)| async move {
        if range.is_empty() {
            return Ok(None);
        }
        let (segments, Range { start, end }) = (pinned.segments.clone(), range);
        let read = pinned.worker.call(move |store| store.read(&segments, start, end)).await;
        let bytes =
            read.map_err(std::io::Error::other)?.map_err(|error| std::io::Error::other(error.message))?;
        if bytes.is_empty() {
            return Err(std::io::Error::other("the object ends early"));
        }
        let next = start + bytes.len() as u64;
        Ok(Some((Bytes::from(bytes), (pinned, next..end))))
    });
    Body::from_stream(chunks)
}

/// The headers that tell of an object.
fn describe(response: &mut Response<Body>, object: &Object, request: &Request<'_>) {
    let shows_checksums = request.header("x-amz-checksum-mode").is_some_and(|mode| mode.eq_ignore_ascii_case("ENABLED"))
        // A checksum is that of the whole.
        && request.header("range").is_none();
    let headers = response.headers_mut();
    let mut insert = |name: &str, value: &str| {
        if let Ok(name) = header::HeaderName::try_from(name) {
            headers.insert(name, crate::aws::header_value(value));
        }
    };
    insert("content-type", "binary/octet-stream");
    for (name, value) in &object.headers {
        if shows_checksums || !name.starts_with("x-amz-checksum-") {
            insert(name, value);
        }
    }
    let overrides = [
        "content-type",
        "content-language",
        "expires",
        "cache-control",
        "content-disposition",
        "content-encoding",
    ];
    for name in overrides {
        if let Some(value) = request.query(&format!("response-{name}")) {
            insert(name, value);
        }
    }
    insert("accept-ranges", "bytes");
    insert("etag", &format!("\"{}\"", object.etag));
    insert("last-modified", &http_time(object.modified));
    insert("content-length", &object.size.to_string());
    insert("x-amz-server-side-encryption", "AES256");
    if !object.tags.is_empty() {
        insert("x-amz-tagging-count", &object.tags.len().to_string());
    }
}

pub(super) fn http_time(millis: i64) -> String {
    let timestamp = Timestamp::from_millisecond(millis).unwrap_or_default();
    timestamp.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// What the conditions of a read come to: nothing, `304 Not Modified`, or a refusal.
fn condition(request: &Request<'_>, object: &Object) -> Result<Option<StatusCode>, S3Error> {
    let names = |header: &str| {
        header.split(',').any(|one| {
            let one = one.trim().trim_start_matches("W/").trim_matches('"');
            one == "*" || one == object.etag
        })
    };
    // Headers have whole seconds.
    let time = |name: &str| {
        let zoned = jiff::fmt::rfc2822::parse(request.header(name)?).ok()?;
        Some(zoned.timestamp().as_second())
    };
    let modified = object.modified.div_euclid(1000);
    match request.header("if-match") {
        Some(header) if !names(header) => return Err(S3Error::precondition_failed()),
        None if time("if-unmodified-since").is_some_and(|time| modified > time) => {
            return Err(S3Error::precondition_failed());
        }
        _ => {}
    }
    let is_unchanged = match request.header("if-none-match") {
        Some(header) => names(header),
        None => time("if-modified-since").is_some_and(|time| modified <= time),
    };
    Ok(is_unchanged.then_some(StatusCode::NOT_MODIFIED))
}

/// The bytes that a `Range` names; `None` if it is none that S3 knows, and everything is sent.
pub(super) fn byte_range(text: &str, size: u64) -> Result<Option<Range<u64>>, S3Error> {
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Ok(None);
    };
    let unsatisfiable = || S3Error::new(416, "InvalidRange", "The requested range is not satisfiable");
    let range = match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => first..last.saturating_add(1).min(size),
        (Ok(first), Err(_)) if last.trim().is_empty() => first..size,
        (Err(_), Ok(count)) if first.trim().is_empty() => size.saturating_sub(count)..size,
        _ => return Ok(None),
    };
    if range.is_empty() { Err(unsatisfiable()) } else { Ok(Some(range)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_http() {
        for (text, range) in [
            ("bytes=0-0", Some(0..1)),
            ("bytes=2-", Some(2..10)),
            ("bytes=-3", Some(7..10)),
            ("bytes=8-100", Some(8..10)),
            ("bytes=-100", Some(0..10)),
            ("bytes=5-2", None),
            ("lines=1-2", None),
        ] {
            assert_eq!(byte_range(text, 10), Ok(range), "{text}");
        }
        for text in ["bytes=10-", "bytes=10-12", "bytes=-0"] {
            assert_eq!(byte_range(text, 10).unwrap_err().code, "InvalidRange", "{text}");
        }
    }
}
