//! A message as it is sent: its bounds, and the digests that SDKs compare.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::SqsError;
use super::request::Request;

/// How many attributes a message may have.
const MAX_ATTRIBUTES: usize = 10;

/// What a sender gives.
pub(super) struct Outgoing {
    pub(super) body: String,
    pub(super) attributes: BTreeMap<String, Attribute>,
    pub(super) trace_header: Option<Attribute>,
}

/// The value of a message attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attribute {
    #[serde(rename = "DataType")]
    data_type: String,
    #[serde(rename = "StringValue", skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// In Base64.
    #[serde(rename = "BinaryValue", skip_serializing_if = "Option::is_none")]
    binary: Option<String>,
}

impl Outgoing {
    /// Reads what SendMessage and an entry of a batch share.
    pub(super) fn parse(request: Request<'_>) -> Result<Outgoing, SqsError> {
        let body = request.require("MessageBody")?.to_owned();
        if body.is_empty() {
            return Err(SqsError::missing("MessageBody"));
        }
        if !body.chars().all(is_valid) {
            return Err(SqsError::contents());
        }
        let attributes = read_attributes(request.0.get("MessageAttributes"))?;
        if attributes.len() > MAX_ATTRIBUTES {
            return Err(SqsError::invalid(format!(
                "Number of message attributes [{}] exceeds the allowed maximum [{MAX_ATTRIBUTES}].",
                attributes.len()
            )));
        }
        let mut system = read_attributes(request.0.get("MessageSystemAttributes"))?;
        let trace_header = system.remove("AWSTraceHeader");
        if let Some(name) = system.keys().next() {
            return Err(SqsError::invalid(format!("Message system attribute name '{name}' is invalid.")));
        }
        Ok(Outgoing { body, attributes, trace_header })
    }

    /// How many bytes count against the limits.
    pub(super) fn size(&self) -> usize {
        let attributes = self.attributes.iter().map(|(name, attribute)| name.len() + attribute.size());
        self.body.len() + attributes.sum::<usize>()
    }

    /// The digests and the id of the answer.
    pub(super) fn receipt(&self, message_id: &str) -> Value {
        let mut receipt = json!({"MD5OfMessageBody": md5_of(self.body.as_bytes()), "MessageId": message_id});
        if !self.attributes.is_empty() {
            receipt["MD5OfMessageAttributes"] = json!(md5_of_attributes(&self.attributes));
        }
        if let Some(header) = &self.trace_header {
            let header = BTreeMap::from([("AWSTraceHeader".to_owned(), header.clone())]);
            receipt["MD5OfMessageSystemAttributes"] = json!(md5_of_attributes(&header));
        }
        receipt
    }
}

/// Characters that XML 1.0 has.
fn is_valid(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

fn read_attributes(given: Option<&Value>) -> Result<BTreeMap<String, Attribute>, SqsError> {
    let members = given.and_then(Value::as_object);
    members
        .into_iter()
        .flatten()
        .map(|(name, value)| Ok((name.clone(), Attribute::parse(name, Request(value))?)))
        .collect()
}

impl Attribute {
    fn parse(name: &str, value: Request<'_>) -> Result<Attribute, SqsError> {
        let is_name = (1..=256).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
            && !name.starts_with('.')
            && !name.ends_with('.')
            && !name.contains("..");
        if !is_name {
            return Err(SqsError::invalid(format!("The message attribute name '{name}' is invalid.")));
        }
        let data_type = value.text("DataType").unwrap_or_default();
        if data_type.is_empty() {
            return Err(SqsError::invalid(format!(
                "The message attribute '{name}' must contain non-empty message attribute type."
            )));
        }
        let kind = data_type.split('.').next().unwrap_or_default();
        if !["String", "Number", "Binary"].contains(&kind) {
            return Err(SqsError::invalid(format!(
                "The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String."
            )));
        }
        let member = if kind == "Binary" { "BinaryValue" } else { "StringValue" };
        let given = value.text(member).filter(|text| !text.is_empty()).ok_or_else(|| {
            SqsError::invalid(format!(
                "The message attribute '{name}' must contain non-empty message attribute value for message attribute type '{data_type}'."
            ))
        })?;
        let is_readable = match kind {
            "Number" => given.parse::<f64>().is_ok(),
            "Binary" => STANDARD.decode(given).is_ok(),
            _ => given.chars().all(is_valid),
        };
        if !is_readable {
            return Err(SqsError::invalid(format!(
                "Could not cast message attribute '{name}' value to {}.",
                kind.to_lowercase()
            )));
        }
        let (text, binary) = if kind == "Binary" { (None, Some(given)) } else { (Some(given), None) };
        Ok(Attribute {
            data_type: data_type.to_owned(),
            text: text.map(str::to_owned),
            binary: binary.map(str::to_owned),
        })
    }

    /// The text of a `String` or a `Number`.
    pub(super) fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    fn bytes(&self) -> Vec<u8> {
        match (&self.text, &self.binary) {
            (Some(text), _) => text.clone().into_bytes(),
            (None, Some(binary)) => STANDARD.decode(binary).unwrap_or_default(),
            (None, None) => Vec::new(),
        }
    }

    fn size(&self) -> usize {
        self.data_type.len() + self.bytes().len()
    }
}

/// The digest of a body, in hexadecimal digits.
pub(super) fn md5_of(bytes: &[u8]) -> String {
    lottery::hex(&Md5::digest(bytes))
}

/// The digest of attributes: in the order of their names, each part behind its length.
pub(super) fn md5_of_attributes(attributes: &BTreeMap<String, Attribute>) -> String {
    let mut encoded = Vec::new();
    let add = |encoded: &mut Vec<u8>, part: &[u8]| {
        encoded.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        encoded.extend(part);
    };
    for (name, attribute) in attributes {
        add(&mut encoded, name.as_bytes());
        add(&mut encoded, attribute.data_type.as_bytes());
        // The kind of the value is one byte without a length.
        encoded.push(if attribute.binary.is_some() { 2 } else { 1 });
        add(&mut encoded, &attribute.bytes());
    }
    md5_of(&encoded)
}
