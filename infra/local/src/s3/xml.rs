//! The documents of S3: written, and read.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::S3Error;
use super::store::Headers;
use crate::forward::Element;

const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// What `encoding-type=url` leaves as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b'/');

/// A document under way.
pub(super) struct Document {
    text: String,
    open: Vec<&'static str>,
}

impl Document {
    /// A document with this root element.
    pub(super) fn new(root: &'static str) -> Document {
        let text = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root} xmlns=\"{NAMESPACE}\">");
        Document { text, open: vec![root] }
    }

    /// An element with a text.
    pub(super) fn leaf(&mut self, name: &str, text: &str) -> &mut Document {
        let _ = write!(self.text, "<{name}>{}</{name}>", escaped(text));
        self
    }

    /// Begins an element.
    pub(super) fn begin(&mut self, name: &'static str) -> &mut Document {
        let _ = write!(self.text, "<{name}>");
        self.open.push(name);
        self
    }

    /// Ends the element that was begun last.
    pub(super) fn end(&mut self) -> &mut Document {
        if let Some(name) = self.open.pop() {
            let _ = write!(self.text, "</{name}>");
        }
        self
    }

    pub(super) fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.end();
        }
        self.text
    }
}

/// An error as S3 answers it.
pub(super) fn error(error: &S3Error, resource: &str, request_id: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{}</Code><Message>{}</Message><Resource>{}</Resource><RequestId>{request_id}</RequestId></Error>",
        error.code,
        escaped(&error.message),
        escaped(resource)
    )
}

/// A text in an element. XML has no way to hold most control characters; who lists such keys asks for `encoding-type=url`.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\r' | '\n' => {
                let _ = write!(out, "&#{};", character as u32);
            }
            _ => out.push(character),
        }
    }
    out
}

/// A key in a listing with this `encoding-type`.
pub(super) fn key(key: &str, encoding: Option<&str>) -> String {
    match encoding {
        Some(_) => utf8_percent_encode(key, ENCODED).to_string(),
        None => key.to_owned(),
    }
}

/// A time in a document.
pub(super) fn time(millis: i64) -> String {
    let timestamp = Timestamp::from_millisecond(millis).unwrap_or_default();
    timestamp.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
}

/// The keys of `DeleteObjects`, and whether successes are to be left out.
pub(super) fn read_delete(text: &str) -> Result<(Vec<String>, bool), S3Error> {
    let root =
        Element::parse(text).filter(|root| root.name == "Delete").ok_or_else(S3Error::malformed_xml)?;
    let is_quiet = root.child("Quiet").is_some_and(|quiet| quiet.text == "true");
    let objects = root.children.iter().filter(|child| child.name == "Object");
    let keys: Option<Vec<String>> =
        objects.map(|object| object.child("Key").map(|key| key.text.clone())).collect();
    match keys {
        Some(keys) if (1..=1000).contains(&keys.len()) => Ok((keys, is_quiet)),
        _ => Err(S3Error::malformed_xml()),
    }
}

/// The parts of `CompleteMultipartUpload`: numbers and ETags.
pub(super) fn read_parts(text: &str) -> Result<Vec<(u16, String)>, S3Error> {
    let root = Element::parse(text)
        .filter(|root| root.name == "CompleteMultipartUpload")
        .ok_or_else(S3Error::malformed_xml)?;
    let parts = root.children.iter().filter(|child| child.name == "Part");
    let read: Option<Vec<(u16, String)>> = parts
        .map(|part| {
            let number = part.child("PartNumber")?.text.trim().parse().ok()?;
            Some((number, part.child("ETag")?.text.trim().to_owned()))
        })
        .collect();
    read.filter(|parts| !parts.is_empty()).ok_or_else(S3Error::malformed_xml)
}

/// The tags of a `Tagging` document.
pub(super) fn read_tags(text: &str) -> Result<Headers, S3Error> {
    let root =
        Element::parse(text).filter(|root| root.name == "Tagging").ok_or_else(S3Error::malformed_xml)?;
    let set = root.child("TagSet").ok_or_else(S3Error::malformed_xml)?;
    let pairs = set.children.iter().map(|tag| {
        let text = |name| Some(tag.child(name)?.text.clone());
        Some((text("Key")?, text("Value")?))
    });
    checked(pairs.collect::<Option<_>>().ok_or_else(S3Error::malformed_xml)?)
}

/// The tags of the header `x-amz-tagging`.
pub(super) fn tags_of_header(text: &str) -> Result<Headers, S3Error> {
    checked(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
}

fn checked(tags: BTreeMap<String, String>) -> Result<Headers, S3Error> {
    let is_valid = tags.len() <= 10
        && tags
            .iter()
            .all(|(key, value)| (1..=128).contains(&key.chars().count()) && value.chars().count() <= 256);
    if is_valid {
        Ok(tags)
    } else {
        Err(S3Error::new(400, "InvalidTag", "An object has at most 10 tags, of up to 128 and 256 characters"))
    }
}

/// A `Tagging` document.
pub(super) fn tagging(tags: &Headers) -> String {
    let mut document = Document::new("Tagging");
    document.begin("TagSet");
    for (key, value) in tags {
        document.begin("Tag").leaf("Key", key).leaf("Value", value).end();
    }
    document.finish()
}
