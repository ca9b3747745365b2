//! [`Model`]: what it takes to call a service, out of `models.bin`, which the script `compact` beside this file makes.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use flate2::read::DeflateDecoder;
use serde::Deserialize;
use serde_json::Value;

/// A line of JSON, `{service: [offset, length]}`, and after it a raw deflate stream for each service.
static MODELS: &[u8] = include_bytes!("models.bin");

static INDEX: LazyLock<HashMap<String, (usize, usize)>> = LazyLock::new(|| {
    let end = MODELS.iter().position(|byte| *byte == b'\n').unwrap_or_default();
    serde_json::from_slice(&MODELS[..end]).unwrap_or_default()
});

/// The models that have been read.
static READ: Mutex<BTreeMap<String, Arc<Model>>> = Mutex::new(BTreeMap::new());

/// One service.
#[derive(Debug, Deserialize)]
pub(super) struct Model {
    #[serde(rename = "p")]
    pub(super) protocol: Protocol,
    /// The name of its client in the AWS SDK for Java: the first half of its error names.
    #[serde(rename = "i")]
    pub(super) id: String,
    /// The first part of its host name.
    #[serde(rename = "h")]
    pub(super) host: String,
    /// Its name in signatures.
    #[serde(rename = "s")]
    pub(super) signing_name: String,
    #[serde(rename = "v")]
    pub(super) version: String,
    /// What comes before the operation in `X-Amz-Target`.
    #[serde(rename = "t", default)]
    pub(super) target: String,
    #[serde(rename = "j", default)]
    pub(super) json_version: String,
    /// Whether its members begin with a small letter, if they do not say otherwise.
    #[serde(rename = "c", default)]
    camel: u8,
    /// The host of a service that has no regions.
    #[serde(rename = "g", default)]
    pub(super) global_host: Option<String>,
    #[serde(rename = "o")]
    operations: BTreeMap<String, Operation>,
    #[serde(rename = "x")]
    shapes: Vec<Shape>,
    /// The names of its exceptions.
    #[serde(rename = "e")]
    exceptions: Vec<String>,
    /// Exceptions by the code that the service sends instead of the name.
    #[serde(rename = "k", default)]
    codes: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Protocol {
    Json,
    RestJson,
    Query,
    RestXml,
    Ec2,
}

/// Method, path, input, output, wrapper of the result, element of the input; what is missing at the end is null.
#[derive(Debug, Deserialize)]
pub(super) struct Operation(Vec<Value>);

/// A shape by its index, or the letter of a simple type: `s` text, `n` number, `b` boolean, `d` blob, `j` JSON text, `t`
/// timestamp, with the first letter of its format if that is not the protocol's own.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Reference {
    Index(usize),
    Simple(String),
}

/// A structure (`o`), a list (`e`), a map (`m`) or any JSON (`j`).
#[derive(Debug, Default, Deserialize)]
pub(super) struct Shape {
    /// The members that differ from what is assumed of them, by their names with a capital letter; all of them in XML.
    #[serde(rename = "o", default)]
    pub(super) members: Option<BTreeMap<String, Member>>,
    /// The member that is the body.
    #[serde(rename = "p", default)]
    pub(super) payload: Option<String>,
    #[serde(rename = "e", default, deserialize_with = "present")]
    pub(super) element: Option<Option<Reference>>,
    /// The name of an element of the list in XML.
    #[serde(rename = "w", default)]
    pub(super) element_name: Option<String>,
    #[serde(rename = "m", default, deserialize_with = "present")]
    pub(super) value: Option<Option<Reference>>,
    /// The names of key and value of the map in XML.
    #[serde(rename = "k", default)]
    pub(super) entry: Option<(String, String)>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Member {
    #[serde(rename = "s", default)]
    pub(super) shape: Option<Reference>,
    /// Its name on the wire.
    #[serde(rename = "w", default)]
    wire: Option<String>,
    /// Its name in a query of EC2.
    #[serde(rename = "q", default)]
    pub(super) query: Option<String>,
    /// Its name in the AWS SDK for Java, if that is no capital letter and the rest.
    #[serde(rename = "n", default)]
    name: Option<String>,
    /// `u` in the path, `q` in the query string, `h` a header, `H` headers with a prefix, `c` the status.
    #[serde(rename = "l", default)]
    pub(super) location: Option<char>,
    #[serde(rename = "f", default)]
    pub(super) flat: u8,
    /// Whether it is an attribute in XML.
    #[serde(rename = "a", default)]
    pub(super) attribute: u8,
    #[serde(rename = "x", default)]
    pub(super) namespace: Option<String>,
    /// Whether a new UUID is sent if it is not given.
    #[serde(rename = "i", default)]
    pub(super) token: u8,
}

/// Keeps the difference between null and nothing.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Reference>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl Model {
    /// The model of a service, by the name that an integration has for it.
    pub(super) fn of(service: &str) -> Option<Arc<Model>> {
        let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(model) = read.get(service) {
            return Some(Arc::clone(model));
        }
        let (offset, length) = *INDEX.get(service)?;
        let start = MODELS.iter().position(|byte| *byte == b'\n')? + 1 + offset;
        let mut text = String::new();
        DeflateDecoder::new(MODELS.get(start..start + length)?).read_to_string(&mut text).ok()?;
        let model = match serde_json::from_str::<Model>(&text) {
            Ok(model) => Arc::new(model),
            Err(error) => {
                tracing::error!(%error, service, "the model of a service cannot be read");
                return None;
            }
        };
        read.insert(service.to_owned(), Arc::clone(&model));
        Some(model)
    }

    /// The name and the operation of an action: `putItem` is `PutItem`.
    pub(super) fn operation(&self, action: &str) -> Option<(&str, &Operation)> {
        self.operations
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(action))
            .map(|(name, operation)| (name.as_str(), operation))
    }

    pub(super) fn shape(&self, reference: &Reference) -> Option<&Shape> {
        match reference {
            Reference::Index(index) => self.shapes.get(*index),
            Reference::Simple(_) => None,
        }
    }

    /// The name on the wire of a member by its name with a capital letter.
    pub(super) fn wire_name(&self, name: &str, member: Option<&Member>) -> String {
        match member.and_then(|member| member.wire.as_deref()) {
            Some(wire) => wire.to_owned(),
            None if self.camel == 1 => small(name),
            None => name.to_owned(),
        }
    }

    pub(super) fn is_camel(&self) -> bool {
        self.camel == 1
    }

    /// The name of an error as Step Functions' `aws-sdk:` integrations have it, by the code that the service sent.
    pub(super) fn error_name(&self, code: &str) -> String {
        let name = self.codes.get(code).map_or(code, String::as_str);
        let id = &self.id;
        match self.exceptions.iter().any(|exception| exception == name) {
            true => {
                let name = name.strip_suffix("Fault").unwrap_or(name);
                let name = name.strip_suffix("Exception").unwrap_or(name);
                format!("{id}.{}Exception", java_name(name))
            }
            false => format!("{id}.{id}Exception"),
        }
    }
}

impl Operation {
    fn text(&self, index: usize) -> Option<&str> {
        self.0.get(index)?.as_str()
    }

    fn reference(&self, index: usize) -> Option<Reference> {
        Reference::deserialize(self.0.get(index)?).ok()
    }

    pub(super) fn method(&self) -> &str {
        self.text(0).unwrap_or("POST")
    }

    pub(super) fn path(&self) -> &str {
        self.text(1).unwrap_or("/")
    }

    pub(super) fn input(&self) -> Option<Reference> {
        self.reference(2)
    }

    pub(super) fn output(&self) -> Option<Reference> {
        self.reference(3)
    }

    /// The element that holds the result in an answer of the query protocol.
    pub(super) fn wrapper(&self) -> Option<&str> {
        self.text(4)
    }

    /// The element that a request is in XML, and its namespace.
    pub(super) fn element(&self) -> Option<(&str, Option<&str>)> {
        let element = self.0.get(5)?;
        Some((element.get(0)?.as_str()?, element.get(1).and_then(Value::as_str)))
    }
}

impl Shape {
    /// A member by the name that a definition has for it: the service's own, or that of the AWS SDK for Java.
    pub(super) fn member(&self, given: &str) -> Option<(&str, &Member)> {
        let members = self.members.as_ref()?;
        if let Some((name, member)) = members.get_key_value(given) {
            return Some((name, member));
        }
        let found = members
            .iter()
            .find(|(name, member)| member.name.as_deref() == Some(given) || name.eq_ignore_ascii_case(given));
        found.map(|(name, member)| (name.as_str(), member))
    }
}

impl Member {
    /// The name that a result has for it.
    pub(super) fn shown<'a>(&'a self, name: &'a str, names: Names) -> &'a str {
        match (names, &self.name) {
            // The SDK makes an exception of these, as recorded: `ChecksumCRC32`.
            (Names::Sdk, Some(java)) if !name.starts_with("Checksum") => java,
            _ => name,
        }
    }
}

/// How results name their members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    /// As the AWS SDK for Java does: `Md5OfMessageBody`.
    Sdk,
    /// As the service does, with a capital letter: `MD5OfMessageBody`.
    Service,
}

/// A name with a small letter at its beginning.
pub(super) fn small(name: &str) -> String {
    change_first(name, |first| first.to_ascii_lowercase())
}

/// A name with a capital letter at its beginning.
pub(super) fn capital(name: &str) -> String {
    change_first(name, |first| first.to_ascii_uppercase())
}

fn change_first(name: &str, change: impl FnOnce(char) -> char) -> String {
    let mut characters = name.chars();
    characters.next().map(change).into_iter().chain(characters).collect()
}

/// The name of a class of the AWS SDK for Java: `KMSDisabled` is `KmsDisabled`.
fn java_name(name: &str) -> String {
    let characters: Vec<char> = name.chars().collect();
    let is_capital = |index: usize| characters.get(index).is_some_and(char::is_ascii_uppercase);
    let mut java = String::with_capacity(name.len());
    for (index, character) in characters.iter().enumerate() {
        // Within a row of capitals, the last one begins the next word if a small one follows.
        let continues = index > 0 && is_capital(index - 1);
        let begins_word = characters.get(index + 1).is_some_and(char::is_ascii_lowercase);
        let lower = character.is_ascii_uppercase() && continues && !begins_word;
        match character {
            '.' | '_' | '-' => {}
            _ if lower => java.push(character.to_ascii_lowercase()),
            _ => java.push(*character),
        }
    }
    capital(&java)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_can_be_read() {
        assert!(INDEX.len() > 400);
        for service in INDEX.keys() {
            let model = Model::of(service).unwrap_or_else(|| panic!("{service}"));
            for operation in model.operations.values() {
                for reference in [operation.input(), operation.output()].into_iter().flatten() {
                    if let Reference::Index(_) = reference {
                        assert!(model.shape(&reference).is_some(), "{service}");
                    }
                }
            }
        }
    }

    #[test]
    fn errors_are_named_as_step_functions_names_them() {
        let name = |service: &str, code: &str| Model::of(service).unwrap().error_name(code);
        assert_eq!(name("s3", "NoSuchKey"), "S3.NoSuchKeyException");
        assert_eq!(name("kinesis", "KMSDisabledException"), "Kinesis.KmsDisabledException");
        assert_eq!(name("ssm", "ParameterNotFound"), "Ssm.ParameterNotFoundException");
        assert_eq!(
            name("secretsmanager", "ResourceNotFoundException"),
            "SecretsManager.ResourceNotFoundException"
        );
        assert_eq!(name("glue", "Throttled"), "Glue.GlueException");
        assert_eq!(name("rds", "DBInstanceNotFound"), "Rds.DbInstanceNotFoundException");
    }
}
