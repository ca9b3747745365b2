//! `States.Hash` and JSONata's `$hash`.

use std::borrow::Cow;
use std::fmt::Write;

use sha2::Digest;

use super::Json;
use super::texts::MAX_TEXT;

/// The hash of a text, or of a value's JSON text, in lower-case hexadecimal.
pub(crate) fn hash(data: &Json, algorithm: &Json) -> Result<Json, String> {
    let text = match data {
        Json::String(text) => Cow::Borrowed(&**text),
        other => Cow::Owned(other.to_text()),
    };
    if text.chars().count() > MAX_TEXT {
        return Err(format!("The data must not be longer than {MAX_TEXT} characters"));
    }
    let bytes = text.as_bytes();
    let digest = match algorithm.as_str() {
        Some("MD5") => md5::Md5::digest(bytes).to_vec(),
        Some("SHA-1") => sha1::Sha1::digest(bytes).to_vec(),
        Some("SHA-256") => sha2::Sha256::digest(bytes).to_vec(),
        Some("SHA-384") => sha2::Sha384::digest(bytes).to_vec(),
        Some("SHA-512") => sha2::Sha512::digest(bytes).to_vec(),
        _ => {
            return Err(format!(
                "The algorithm must be one of MD5, SHA-1, SHA-256, SHA-384, SHA-512 but was: {algorithm}"
            ));
        }
    };
    let mut hex = String::with_capacity(digest.len() * 2);
    for byte in digest {
        write!(hex, "{byte:02x}").expect("a String takes everything");
    }
    Ok(hex.into())
}
