//! [`Fields`]: the members of a definition's objects, read with the location of each fault.

use std::sync::Arc;

use crate::data::{Json, Object};

/// A fault of a definition and its location. [`crate::validation`] finds all faults at once; this is the first one that
/// parsing meets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} at {location}")]
pub struct DefinitionError {
    /// The location, such as `/States/Wait/Seconds`.
    pub location: String,
    /// The fault.
    pub message: String,
}

impl DefinitionError {
    fn new(location: impl Into<String>, message: impl Into<String>) -> DefinitionError {
        DefinitionError { location: location.into(), message: message.into() }
    }
}

/// How the fields of a state select and shape data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    JsonPath,
    Jsonata,
}

impl Language {
    /// `QueryLanguage` of a machine or state, or the language around it.
    pub(crate) fn parse(fields: &Fields<'_>, outer: Language) -> Result<Language, DefinitionError> {
        match fields.optional_text("QueryLanguage")? {
            None => Ok(outer),
            Some("JSONPath") => Ok(Language::JsonPath),
            Some("JSONata") => Ok(Language::Jsonata),
            Some(_) => Err(fields.wrong("QueryLanguage", "must be JSONPath or JSONata")),
        }
    }

    /// The language in which AWS validates: only the exact word is JSONPath, and any other value is JSONata.
    pub(crate) fn resolve(field: Option<&Json>, inherited: Language) -> Language {
        match field {
            None => inherited,
            Some(value) if value.as_str() == Some("JSONPath") => Language::JsonPath,
            Some(_) => Language::Jsonata,
        }
    }

    /// The value of `QueryLanguage`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Language::JsonPath => "JSONPath",
            Language::Jsonata => "JSONata",
        }
    }
}

/// An object of a definition, and its location.
pub(crate) struct Fields<'a> {
    object: &'a Object,
    location: String,
    /// How many states are around it.
    depth: usize,
}

impl<'a> Fields<'a> {
    /// The members of a definition, which must be an object.
    pub(crate) fn of(definition: &'a Json) -> Result<Fields<'a>, DefinitionError> {
        Fields::at(definition, String::new(), 0)
    }

    fn at(json: &'a Json, location: String, depth: usize) -> Result<Fields<'a>, DefinitionError> {
        match json.as_object() {
            Some(object) => Ok(Fields { object, location, depth }),
            None => Err(DefinitionError::new(location, "must be an object")),
        }
    }

    /// How many states are around it.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// Its members, in their order.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&'a Arc<str>, &'a Json)> + use<'a> {
        self.object.iter()
    }

    /// Its members, each of which is a state.
    pub(crate) fn states(&self) -> impl Iterator<Item = Result<(&'a Arc<str>, Fields<'a>), DefinitionError>> {
        self.entries()
            .map(|(name, state)| Ok((name, Fields::at(state, self.location_of(name), self.depth + 1)?)))
    }

    /// An error about a member.
    pub(crate) fn wrong(&self, field: &str, message: &str) -> DefinitionError {
        DefinitionError::new(format!("{}/{field}", self.location), message)
    }

    /// The location of a member.
    fn location_of(&self, field: &str) -> String {
        format!("{}/{field}", self.location)
    }

    /// Whether the member is present, `null` included.
    pub(crate) fn has(&self, field: &str) -> bool {
        self.object.get(field).is_some()
    }

    /// A member of any type.
    pub(crate) fn json(&self, field: &str) -> Option<&'a Json> {
        self.object.get(field)
    }

    /// A member that must be a text.
    pub(crate) fn text(&self, field: &str) -> Result<&'a str, DefinitionError> {
        self.optional_text(field)?.ok_or_else(|| self.wrong(field, "is missing"))
    }

    /// A member that must be a text if it is there.
    pub(crate) fn optional_text(&self, field: &str) -> Result<Option<&'a str>, DefinitionError> {
        self.optional(field, "must be a string", Json::as_str)
    }

    /// A member that must be true or false if it is there.
    pub(crate) fn optional_bool(&self, field: &str) -> Result<Option<bool>, DefinitionError> {
        self.optional(field, "must be true or false", Json::as_bool)
    }

    /// A member that must be a whole number of at least 0 if it is there.
    pub(crate) fn optional_whole(&self, field: &str) -> Result<Option<u64>, DefinitionError> {
        self.optional(field, "must be a whole number of at least 0", whole)
    }

    /// A member that must be a number if it is there.
    pub(crate) fn optional_number(&self, field: &str) -> Result<Option<f64>, DefinitionError> {
        self.optional(field, "must be a number", Json::as_f64)
    }

    /// A member that must be an object.
    pub(crate) fn object(&self, field: &str) -> Result<Fields<'a>, DefinitionError> {
        let json = self.json(field).ok_or_else(|| self.wrong(field, "is missing"))?;
        Fields::at(json, self.location_of(field), self.depth)
    }

    /// A member that must be an object if it is there.
    pub(crate) fn optional_object(&self, field: &str) -> Result<Option<Fields<'a>>, DefinitionError> {
        self.json(field).map(|json| Fields::at(json, self.location_of(field), self.depth)).transpose()
    }

    /// A member that must be a list of objects if it is there.
    pub(crate) fn objects(&self, field: &str) -> Result<Vec<Fields<'a>>, DefinitionError> {
        let Some(json) = self.json(field) else { return Ok(Vec::new()) };
        let items = json.as_array().ok_or_else(|| self.wrong(field, "must be a list"))?;
        items
            .iter()
            .enumerate()
            .map(|(index, item)| Fields::at(item, format!("{}/{field}/{index}", self.location), self.depth))
            .collect()
    }

    fn optional<T>(
        &self,
        field: &str,
        otherwise: &str,
        read: impl Fn(&'a Json) -> Option<T>,
    ) -> Result<Option<T>, DefinitionError> {
        match self.json(field) {
            None => Ok(None),
            Some(json) => read(json).map(Some).ok_or_else(|| self.wrong(field, otherwise)),
        }
    }
}

/// `3` and `3.0`, but neither `-3` nor `3.5`.
fn whole(json: &Json) -> Option<u64> {
    json.as_number()?.to_whole().and_then(|whole| u64::try_from(whole).ok())
}
