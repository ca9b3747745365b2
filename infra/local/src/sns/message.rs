//! A message as it is published.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Parameters, SnsError};

/// What one Publish sends.
pub(super) struct Message {
    pub(super) subject: Option<String>,
    text: String,
    /// With `MessageStructure` `json`: the text for each protocol.
    by_protocol: Option<BTreeMap<String, String>>,
    attributes: BTreeMap<String, Attribute>,
    /// The group and the deduplication id, which queues that keep an order need.
    pub(super) order: Order,
}

/// Where a message belongs in a FIFO topic.
#[derive(Default)]
pub(super) struct Order {
    pub(super) group: Option<String>,
    pub(super) deduplication: Option<String>,
}

struct Attribute {
    data_type: String,
    value: String,
}

/// At most 256 KiB, attributes included.
const MAX_SIZE: usize = 256 * 1024;

impl Message {
    /// Reads the parameters that a Publish and an entry of a batch share.
    pub(super) fn parse(parameters: &Parameters) -> Result<Message, SnsError> {
        let subject = parameters.get("Subject").map(str::to_owned);
        if subject.as_deref().is_some_and(|subject| !valid_subject(subject)) {
            return Err(SnsError::invalid_parameter("Subject"));
        }
        let text = parameters.get("Message").unwrap_or_default().to_owned();
        if text.is_empty() {
            return Err(SnsError::invalid_parameter("Empty message"));
        }
        let by_protocol = match parameters.get("MessageStructure") {
            Some("json") => Some(texts_by_protocol(&text)?),
            None | Some("") => None,
            Some(_) => return Err(SnsError::invalid_parameter("MessageStructure")),
        };
        let attributes = parameters
            .structure_map("MessageAttributes")
            .into_iter()
            .map(|(name, value)| Attribute::parse(&name, &value).map(|attribute| (name, attribute)))
            .collect::<Result<_, _>>()?;
        let message = Message { subject, text, by_protocol, attributes, order: Order::default() };
        if message.size() > MAX_SIZE {
            return Err(SnsError::invalid_parameter("Message too long"));
        }
        Ok(message)
    }

    /// The same message in the order that these parameters say.
    pub(super) fn in_order(self, parameters: &Parameters) -> Message {
        let text = |name: &str| parameters.get(name).map(str::to_owned);
        Message {
            order: Order { group: text("MessageGroupId"), deduplication: text("MessageDeduplicationId") },
            ..self
        }
    }

    /// How many bytes count against the limits.
    pub(super) fn size(&self) -> usize {
        let attributes = self
            .attributes
            .iter()
            .map(|(name, attribute)| name.len() + attribute.data_type.len() + attribute.value.len());
        self.text.len() + attributes.sum::<usize>()
    }

    /// The text that is delivered by this protocol.
    pub(super) fn text_for(&self, protocol: &str) -> &str {
        match &self.by_protocol {
            Some(texts) => texts.get(protocol).or_else(|| texts.get("default")).unwrap_or(&self.text),
            None => &self.text,
        }
    }

    /// The text as it was published.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The attributes as a filter policy sees them.
    pub(super) fn attributes_to_filter(&self) -> Map<String, Value> {
        let value = |attribute: &Attribute| match attribute.data_type.split('.').next() {
            Some("Number") => serde_json::from_str(&attribute.value).ok(),
            Some("String") if attribute.data_type == "String.Array" => {
                serde_json::from_str(&attribute.value).ok()
            }
            Some("String") => Some(Value::String(attribute.value.clone())),
            _ => None,
        };
        self.attributes
            .iter()
            .filter_map(|(name, attribute)| Some((name.clone(), value(attribute)?)))
            .collect()
    }

    /// The body as a filter policy sees it; nothing, if it is no JSON object.
    pub(super) fn body_to_filter(&self) -> Map<String, Value> {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// The attributes in the form of SQS.
    pub(super) fn queue_attributes(&self) -> Value {
        let attribute = |attribute: &Attribute| {
            let member =
                if attribute.data_type.starts_with("Binary") { "BinaryValue" } else { "StringValue" };
            json!({"DataType": attribute.data_type, member: attribute.value})
        };
        self.attributes
            .iter()
            .map(|(name, value)| (name.clone(), attribute(value)))
            .collect::<Map<_, _>>()
            .into()
    }

    /// The attributes as a notification shows them.
    pub(super) fn notified_attributes(&self) -> Value {
        let shown = |attribute: &Attribute| json!({"Type": attribute.data_type, "Value": attribute.value});
        self.attributes.iter().map(|(name, value)| (name.clone(), shown(value))).collect::<Map<_, _>>().into()
    }

    /// The attributes by name, as the inbox shows them.
    pub(super) fn attribute_values(&self) -> BTreeMap<String, String> {
        self.attributes.iter().map(|(name, attribute)| (name.clone(), attribute.value.clone())).collect()
    }
}

impl Attribute {
    fn parse(name: &str, parameters: &Parameters) -> Result<Attribute, SnsError> {
        let data_type = parameters.get("DataType").unwrap_or_default();
        if data_type.is_empty() {
            return Err(SnsError::invalid_value(format!(
                "The message attribute '{name}' must contain non-empty message attribute type."
            )));
        }
        let kind = data_type.split('.').next().unwrap_or_default();
        if !["String", "Number", "Binary"].contains(&kind) {
            return Err(SnsError::invalid_value(format!(
                "The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String."
            )));
        }
        let field = if kind == "Binary" { "BinaryValue" } else { "StringValue" };
        let value = parameters.get(field).unwrap_or_default();
        if value.is_empty() {
            return Err(SnsError::invalid_value(format!(
                "The message attribute '{name}' must contain non-empty message attribute value for message attribute type '{data_type}'."
            )));
        }
        if kind == "Number" && value.parse::<f64>().is_err() {
            return Err(SnsError::invalid_value(format!(
                "Could not cast message attribute '{name}' value to number."
            )));
        }
        Ok(Attribute { data_type: data_type.to_owned(), value: value.to_owned() })
    }
}

/// ASCII without control characters, shorter than 100, and not beginning with a space.
fn valid_subject(subject: &str) -> bool {
    (1..100).contains(&subject.len())
        && subject.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_control())
        && !subject.starts_with(' ')
}

fn texts_by_protocol(text: &str) -> Result<BTreeMap<String, String>, SnsError> {
    let Ok(Value::Object(texts)) = serde_json::from_str(text) else {
        return Err(SnsError::invalid_parameter("Message Structure - JSON message body failed to parse"));
    };
    let texts: BTreeMap<String, String> = texts
        .into_iter()
        .filter_map(|(protocol, text)| match text {
            Value::String(text) => Some((protocol, text)),
            _ => None,
        })
        .collect();
    if !texts.contains_key("default") {
        return Err(SnsError::invalid_parameter("Message Structure - No default entry in JSON message body"));
    }
    Ok(texts)
}
