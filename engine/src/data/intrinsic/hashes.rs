//! `States.Hash`, and the digests that it shares with JSONata's `$hash`.

use std::borrow::Cow;
use std::fmt::Write;

use sha2::Digest;

use super::Json;
use super::texts::MAX_TEXT;

/// The digest of a text in lower-case hexadecimal, or nothing if there is no such algorithm.
pub(in crate::data) fn digest(text: &str, algorithm: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let digest = match algorithm {
        "MD5" => md5::Md5::digest(bytes).to_vec(),
        "SHA-1" => sha1::Sha1::digest(bytes).to_vec(),
        "SHA-256" => sha2::Sha256::digest(bytes).to_vec(),
        "SHA-384" => sha2::Sha384::digest(bytes).to_vec(),
        "SHA-512" => sha2::Sha512::digest(bytes).to_vec(),
        _ => return None,
    };
    let mut hex = String::with_capacity(digest.len() * 2);
    for byte in digest {
        write!(hex, "{byte:02x}").expect("a String takes everything");
    }
    Some(hex)
}

/// The hash of a text, or of a value's JSON text.
pub(super) fn hash(data: &Json, algorithm: &Json) -> Result<Json, String> {
    let text = match data {
        Json::String(text) => Cow::Borrowed(&**text),
        other => Cow::Owned(other.to_text()),
    };
    if text.chars().count() > MAX_TEXT {
        return Err(format!("The data must not be longer than {MAX_TEXT} characters"));
    }
    algorithm.as_str().and_then(|algorithm| digest(&text, algorithm)).map(Json::from).ok_or_else(|| {
        format!("The algorithm must be one of MD5, SHA-1, SHA-256, SHA-384, SHA-512 but was: {algorithm}")
    })
}
