//! How an authority is asked for a stamp, and what it answers (RFC 3161, sections 2.4 and 3.4): over HTTP, with
//! [`REQUEST_TYPE`] to and [`REPLY_TYPE`] fro.

use super::der::{BOOLEAN, INTEGER, Malformed, OBJECT_ID, OCTET_STRING, Reader, SEQUENCE, element, sequence};
use super::{TokenBytes, is_about};
use crate::{Commitment, Invalid};

/// The content type of a request.
pub const REQUEST_TYPE: &str = "application/timestamp-query";
/// The content type of a reply.
pub const REPLY_TYPE: &str = "application/timestamp-reply";

const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];

/// A request for a stamp of this commitment, with the certificates of its signer. It has no nonce: a commitment is new, so
/// that no earlier stamp can be about it.
pub fn request(commitment: &Commitment) -> Vec<u8> {
    sequence(&[&element(INTEGER, [1]), &imprint(commitment.as_bytes()), &element(BOOLEAN, [0xff])])
}

/// What is stamped: a hash by SHA-256.
pub(super) fn imprint(hash: &[u8]) -> Vec<u8> {
    let algorithm = sequence(&[&element(OBJECT_ID, SHA256), &[5, 0]]);
    sequence(&[&algorithm, &element(OCTET_STRING, hash)])
}

/// The stamp in the reply to [`request`], if the authority made one and it is about this commitment.
pub fn parse_reply(reply: &[u8], commitment: &Commitment) -> Result<TokenBytes, Invalid> {
    let (status, token) = read_reply(reply).map_err(|Malformed| Invalid::new("is no reply of RFC 3161"))?;
    // Granted, or granted with changes.
    if status > 1 {
        return Err(Invalid::new(format!("refuses the request with status {status}")));
    }
    let token = TokenBytes::new(token.to_vec())?;
    if is_about(&token, commitment) { Ok(token) } else { Err(Invalid::new("is about something else")) }
}

fn read_reply(reply: &[u8]) -> Result<(u64, &[u8]), Malformed> {
    let mut reply = Reader::only(reply, SEQUENCE)?;
    let status = reply.take(SEQUENCE)?.number()?;
    let token = if reply.is_empty() { &[] } else { reply.expect(SEQUENCE)?.whole };
    reply.end()?;
    Ok((status, token))
}

/// The hash that a request asks to stamp, and its nonce as encoded there.
pub(super) fn parse_request(request: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let mut request = Reader::only(request, SEQUENCE)?;
    request.number()?;
    let mut imprint = request.take(SEQUENCE)?;
    if imprint.take(SEQUENCE)?.expect(OBJECT_ID)?.content != SHA256 {
        return Err(Malformed);
    }
    let hash = imprint.expect(OCTET_STRING)?.content;
    imprint.end()?;
    request.optional(OBJECT_ID)?;
    let nonce = request.optional(INTEGER)?.map_or(&[][..], |nonce| nonce.whole);
    request.optional(BOOLEAN)?;
    request.end()?;
    if hash.len() == 32 { Ok((hash, nonce)) } else { Err(Malformed) }
}
