//! The parameters of a call: flat names with dots, as the query protocol writes them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::SnsError;

/// Parameters such as `Attributes.entry.1.key`, or a part of them with the beginning of the names cut off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parameters(BTreeMap<String, String>);

/// The members that are maps; the query protocol writes them unlike structures.
const MAPS: [&str; 2] = ["Attributes", "MessageAttributes"];

impl Parameters {
    /// Reads the body of a form.
    pub(crate) fn from_form(body: &[u8]) -> Parameters {
        Parameters(form_urlencoded::parse(body).into_owned().collect())
    }

    /// Reads the JSON shape that a Task state gives.
    pub(crate) fn from_json(parameters: &Value) -> Parameters {
        let mut flat = BTreeMap::new();
        for (name, value) in parameters.as_object().into_iter().flatten() {
            match value {
                // A message may be any JSON in a definition; it is sent as its text.
                Value::String(_) => flatten(name.clone(), value, &mut flat),
                _ if name == "Message" => drop(flat.insert(name.clone(), value.to_string())),
                _ => flatten(name.clone(), value, &mut flat),
            }
        }
        Parameters(flat)
    }

    /// The value of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The value of this name, which the call cannot do without.
    pub(crate) fn require(&self, name: &str) -> Result<&str, SnsError> {
        self.get(name).ok_or_else(|| {
            SnsError::invalid_parameter(format!("{name} Reason: no value for required parameter"))
        })
    }

    /// The items of a list of structures, in order.
    pub(crate) fn list(&self, name: &str) -> Vec<Parameters> {
        self.numbered(name, "member")
    }

    /// The items of a list of texts, in order.
    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        (1..).map_while(|number| self.get(&format!("{name}.member.{number}")).map(str::to_owned)).collect()
    }

    /// The entries of a map from texts to texts.
    pub(crate) fn text_map(&self, name: &str) -> BTreeMap<String, String> {
        self.numbered(name, "entry")
            .into_iter()
            .filter_map(|entry| Some((entry.get("key")?.to_owned(), entry.get("value")?.to_owned())))
            .collect()
    }

    /// The entries of a map from texts to structures.
    pub(crate) fn structure_map(&self, name: &str) -> BTreeMap<String, Parameters> {
        self.numbered(name, "entry")
            .into_iter()
            .filter_map(|entry| Some((entry.get("Name")?.to_owned(), entry.below("Value"))))
            .collect()
    }

    fn numbered(&self, name: &str, word: &str) -> Vec<Parameters> {
        (1..)
            .map(|number| self.below(&format!("{name}.{word}.{number}")))
            .take_while(|item| !item.0.is_empty())
            .collect()
    }

    fn below(&self, name: &str) -> Parameters {
        let start = format!("{name}.");
        let part = self.0.range(start.clone()..).take_while(|(key, _)| key.starts_with(&start));
        Parameters(part.map(|(key, value)| (key[start.len()..].to_owned(), value.clone())).collect())
    }
}

fn flatten(name: String, value: &Value, flat: &mut BTreeMap<String, String>) {
    match value {
        Value::Null => {}
        Value::String(text) => drop(flat.insert(name, text.clone())),
        Value::Bool(_) | Value::Number(_) => drop(flat.insert(name, value.to_string())),
        Value::Array(items) => {
            for (item, number) in items.iter().zip(1..) {
                flatten(format!("{name}.member.{number}"), item, flat);
            }
        }
        Value::Object(members) => {
            let is_map = MAPS.contains(&name.rsplit('.').next().unwrap_or(&name));
            for ((key, member), number) in members.iter().zip(1..) {
                if !is_map {
                    flatten(format!("{name}.{key}"), member, flat);
                } else if member.is_object() {
                    flat.insert(format!("{name}.entry.{number}.Name"), key.clone());
                    flatten(format!("{name}.entry.{number}.Value"), member, flat);
                } else {
                    flat.insert(format!("{name}.entry.{number}.key"), key.clone());
                    flatten(format!("{name}.entry.{number}.value"), member, flat);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_form_and_its_json_shape_are_the_same_call() {
        let form = Parameters::from_form(
            b"Message=a+%26+b&MessageAttributes.entry.1.Name=audience\
              &MessageAttributes.entry.1.Value.DataType=String&MessageAttributes.entry.1.Value.StringValue=x",
        );
        let json = Parameters::from_json(&json!({
            "Message": "a & b",
            "MessageAttributes": {"audience": {"DataType": "String", "StringValue": "x"}},
        }));
        assert_eq!(form, json);
        assert_eq!(form.structure_map("MessageAttributes")["audience"].get("StringValue"), Some("x"));
    }

    #[test]
    fn lists_keep_their_order_beyond_nine_items() {
        let tags: Vec<Value> = (1..=11).map(|n| json!({"Key": format!("k{n}"), "Value": "v"})).collect();
        let list = Parameters::from_json(&json!({ "Tags": tags })).list("Tags");
        assert_eq!(list.len(), 11);
        assert_eq!(list[9].get("Key"), Some("k10"));
    }

    #[test]
    fn a_message_that_is_no_text_is_sent_as_its_json() {
        let call = Parameters::from_json(&json!({"Message": {"Input": 1}}));
        assert_eq!(call.get("Message"), Some(r#"{"Input":1}"#));
    }
}
