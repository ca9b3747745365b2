//! How the bytes of a request come into the database: chunk by chunk, with their checksums.

use std::sync::Arc;

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt as _;
use md5::{Digest as _, Md5};
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};

use super::chunked::Decoder;
use super::contents::Segment;
use super::database::CHUNK;
use super::request::Request;
use super::store::{Bytes, Headers, Store};
use super::{ContentId, S3, S3Error};
use crate::worker::Worker;

/// The largest object, and the largest part, of one request.
const MAX_OBJECT: u64 = 5 * 1024 * 1024 * 1024;

/// The largest document of a request.
const MAX_DOCUMENT: usize = 4 * 1024 * 1024;

/// What a request brought.
pub(super) struct Received {
    pub(super) bytes: Bytes,
    pub(super) size: u64,
    /// The MD5 sum in hexadecimal digits, which is the ETag.
    pub(super) md5: String,
    /// The checksums that the client named, by their headers.
    pub(super) checksums: Headers,
}

/// Bytes that nothing uses yet; they are dropped if their request does not come to its end.
pub(super) struct Unfinished {
    worker: Arc<Worker<Store>>,
    content: Option<ContentId>,
}

impl Unfinished {
    /// The bytes are used now.
    pub(super) fn keep(mut self) {
        self.content = None;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(content) = self.content.take() {
            self.worker.post(move |store| store.discard(content));
        }
    }
}

/// The sums over all bytes of a request.
struct Sums {
    md5: Md5,
    crc32: crc32fast::Hasher,
    sha1: Option<Context>,
    sha256: Option<Context>,
}

impl Sums {
    fn new(request: &Request<'_>) -> Sums {
        let announces = |name: &str| {
            let trailer = request.header("x-amz-trailer").unwrap_or_default();
            request.header(name).is_some() || trailer.eq_ignore_ascii_case(name)
        };
        let wants_sha256 = announces("x-amz-checksum-sha256") || content_sha256(request).is_some();
        Sums {
            md5: Md5::new(),
            crc32: crc32fast::Hasher::new(),
            sha1: announces("x-amz-checksum-sha1").then(|| Context::new(&SHA1_FOR_LEGACY_USE_ONLY)),
            sha256: wants_sha256.then(|| Context::new(&SHA256)),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        self.crc32.update(bytes);
        for context in [&mut self.sha1, &mut self.sha256].into_iter().flatten() {
            context.update(bytes);
        }
    }
}

/// The sum of the payload for which a request is signed.
fn content_sha256<'r>(request: &'r Request<'_>) -> Option<&'r str> {
    let sum = request.header("x-amz-content-sha256")?;
    (sum.len() == 64 && sum.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(sum)
}

impl S3 {
    /// Takes the bytes of a request. With `Stored` segments comes what drops them if they are not used.
    pub(super) async fn receive(
        &self,
        request: &Request<'_>,
        body: Body,
    ) -> Result<(Received, Option<Unfinished>), S3Error> {
        let length = request.header("x-amz-decoded-content-length").or(request.header("content-length"));
        let announced = length.and_then(|length| length.parse::<u64>().ok());
        if announced.is_some_and(|length| length > MAX_OBJECT) {
            return Err(too_large());
        }
        let is_chunked =
            request.header("x-amz-content-sha256").is_some_and(|sum| sum.starts_with("STREAMING-"))
                || request.header("content-encoding").is_some_and(|coding| coding.contains("aws-chunked"));
        let mut decoder = is_chunked.then(Decoder::default);
        let (mut sums, mut buffer, mut size) = (Sums::new(request), Vec::new(), 0_u64);
        let mut unfinished: Option<Unfinished> = None;
        let mut stored = 0_u64;
        let mut pieces = body.into_data_stream();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|_| incomplete())?;
            let before = buffer.len();
            match &mut decoder {
                Some(decoder) => decoder.decode(&piece, &mut buffer)?,
                None => buffer.extend_from_slice(&piece),
            }
            sums.update(&buffer[before..]);
            size += (buffer.len() - before) as u64;
            if size > MAX_OBJECT {
                return Err(too_large());
            }
            while buffer.len() > CHUNK {
                let rest = buffer.split_off(CHUNK);
                let chunk = std::mem::replace(&mut buffer, rest);
                self.store_chunk(&mut unfinished, &mut stored, chunk).await?;
            }
        }
        if decoder.as_ref().is_some_and(|decoder| !decoder.is_complete())
            || announced.is_some_and(|length| length != size)
        {
            return Err(incomplete());
        }
        let trailers = decoder.map(|decoder| decoder.trailers).unwrap_or_default();
        let (md5, checksums) = check(request, &trailers, sums)?;
        let bytes = if unfinished.is_some() {
            self.store_chunk(&mut unfinished, &mut stored, buffer).await?;
            let content = unfinished.as_ref().and_then(|unfinished| unfinished.content);
            Bytes::Stored(content.map(|content| Segment { content, length: size }).into_iter().collect())
        } else {
            Bytes::Small(buffer)
        };
        Ok((Received { bytes, size, md5, checksums }, unfinished))
    }

    /// Appends a chunk to the content, which the first one begins.
    pub(super) async fn store_chunk(
        &self,
        unfinished: &mut Option<Unfinished>,
        stored: &mut u64,
        chunk: Vec<u8>,
    ) -> Result<(), S3Error> {
        let content = match unfinished.as_ref().and_then(|unfinished| unfinished.content) {
            Some(content) => content,
            None => {
                let content = self.on_store(Store::begin_content).await?;
                let worker = Arc::clone(self.worker().await?);
                *unfinished = Some(Unfinished { worker, content: Some(content) });
                content
            }
        };
        let (start, length) = (*stored, chunk.len() as u64);
        if length > 0 {
            self.on_store(move |store| store.append(content, start, &chunk)).await?;
            *stored += length;
        }
        Ok(())
    }

    /// The content of bytes that fit into a chunk, stored for a part.
    pub(super) async fn stored(
        &self,
        bytes: Bytes,
        unfinished: &mut Option<Unfinished>,
    ) -> Result<ContentId, S3Error> {
        match bytes {
            Bytes::Small(bytes) => self.store_chunk(unfinished, &mut 0, bytes).await?,
            Bytes::Stored(_) => {}
        }
        let content = unfinished.as_ref().and_then(|unfinished| unfinished.content);
        content.ok_or_else(|| S3Error::unavailable("The bytes of the part are gone"))
    }
}

/// Holds the sums against what the client says they are: the MD5 sum, and the checksums to keep with the object.
fn check(
    request: &Request<'_>,
    trailers: &[(String, String)],
    sums: Sums,
) -> Result<(String, Headers), S3Error> {
    let Sums { md5, crc32, sha1, sha256 } = sums;
    let md5 = md5.finalize();
    let bad = || {
        S3Error::new(
            400,
            "BadDigest",
            "The Content-MD5 or checksum you specified did not match what we received.",
        )
    };
    if let Some(given) = request.header("content-md5") {
        let decoded = STANDARD.decode(given).ok().filter(|sum| sum.len() == 16);
        let invalid = || S3Error::new(400, "InvalidDigest", "The Content-MD5 you specified was invalid.");
        if decoded.ok_or_else(invalid)?[..] != md5[..] {
            return Err(bad());
        }
    }
    let sha256 = sha256.map(Context::finish);
    if let (Some(given), Some(sum)) = (content_sha256(request), &sha256)
        && !given.eq_ignore_ascii_case(&lottery::hex(sum.as_ref()))
    {
        return Err(S3Error::new(
            400,
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        ));
    }
    let crc32 = STANDARD.encode(crc32.finalize().to_be_bytes());
    let computed = [
        ("x-amz-checksum-crc32", Some(crc32.clone())),
        ("x-amz-checksum-sha1", sha1.map(|sum| STANDARD.encode(sum.finish().as_ref()))),
        ("x-amz-checksum-sha256", sha256.as_ref().map(|sum| STANDARD.encode(sum.as_ref()))),
        // Those are kept as the client gives them.
        ("x-amz-checksum-crc32c", None),
        ("x-amz-checksum-crc64nvme", None),
    ];
    let mut kept = Headers::new();
    for (name, computed) in computed {
        let trailer = trailers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let Some(given) = request.header(name).or(trailer) else { continue };
        if computed.is_some_and(|computed| computed != given) {
            return Err(bad());
        }
        kept.insert(name.to_owned(), given.to_owned());
    }
    if kept.is_empty() && request.header("x-amz-sdk-checksum-algorithm") == Some("CRC32") {
        kept.insert("x-amz-checksum-crc32".to_owned(), crc32);
    }
    Ok((lottery::hex(&md5), kept))
}

/// The document in the body of a request.
pub(super) async fn document(request: &Request<'_>, body: Body) -> Result<String, S3Error> {
    let is_chunked = request.header("x-amz-content-sha256").is_some_and(|sum| sum.starts_with("STREAMING-"));
    let mut decoder = is_chunked.then(Decoder::default);
    let (mut pieces, mut document) = (body.into_data_stream(), Vec::new());
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| incomplete())?;
        match &mut decoder {
            Some(decoder) => decoder.decode(&piece, &mut document)?,
            None => document.extend_from_slice(&piece),
        }
        if document.len() > MAX_DOCUMENT {
            return Err(S3Error::new(400, "MaxMessageLengthExceeded", "Your request was too big."));
        }
    }
    String::from_utf8(document).map_err(|_| S3Error::malformed_xml())
}

fn too_large() -> S3Error {
    S3Error::new(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
}

fn incomplete() -> S3Error {
    S3Error::new(
        400,
        "IncompleteBody",
        "You did not provide the number of bytes specified by the Content-Length HTTP header",
    )
}
