//! Items as we write and read them: typed attributes in, typed attributes or [`StoreError::Broken`] out.

use std::collections::HashMap;
use std::fmt::Display;
use std::str::FromStr;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::StoreError;
use crate::keys::{Key, PK, SK};
use crate::store::Table;

/// An item as the SDK has it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// A text attribute.
pub(crate) fn text(value: impl Display) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

/// A number attribute.
pub(crate) fn number(value: impl Display) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// A yes or no.
pub(crate) fn flag(value: bool) -> AttributeValue {
    AttributeValue::Bool(value)
}

/// A binary attribute.
pub(crate) fn bytes(value: impl Into<Vec<u8>>) -> AttributeValue {
    AttributeValue::B(Blob::new(value))
}

/// A structured value, as JSON text.
pub(crate) fn json(value: &impl Serialize) -> AttributeValue {
    AttributeValue::S(serde_json::to_string(value).expect("our own types always serialise"))
}

/// An item about to be written, with its key.
#[derive(Debug, Clone)]
pub(crate) struct NewItem {
    pub(crate) table: Table,
    pub(crate) attributes: Item,
}

impl NewItem {
    /// An item of nothing but its key.
    pub(crate) fn at(key: Key) -> Self {
        Self::sized(key, 0)
    }

    /// The same, with room for so many more attributes.
    pub(crate) fn sized(key: Key, room: usize) -> Self {
        let Key { table, pk, sk } = key;
        let mut attributes = Item::with_capacity(2 + room);
        attributes.insert(PK.to_owned(), AttributeValue::S(pk));
        attributes.insert(SK.to_owned(), AttributeValue::S(sk));
        Self { table, attributes }
    }

    /// With one more attribute.
    pub(crate) fn with(mut self, name: &str, value: AttributeValue) -> Self {
        self.attributes.insert(name.to_owned(), value);
        self
    }

    /// With one more attribute, if there is a value.
    pub(crate) fn with_some(self, name: &str, value: Option<AttributeValue>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }
}

/// An item that was read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attributes<'a>(pub(crate) &'a Item);

impl<'a> Attributes<'a> {
    pub(crate) fn optional_text(self, name: &str) -> Result<Option<&'a str>, StoreError> {
        match self.0.get(name) {
            None | Some(AttributeValue::Null(_)) => Ok(None),
            Some(AttributeValue::S(text)) => Ok(Some(text)),
            Some(_) => Err(self.broken(name)),
        }
    }

    pub(crate) fn text(self, name: &str) -> Result<&'a str, StoreError> {
        self.optional_text(name)?.ok_or_else(|| self.broken(name))
    }

    /// A text attribute, parsed.
    pub(crate) fn parse<T: FromStr>(self, name: &str) -> Result<T, StoreError> {
        self.text(name)?.parse().map_err(|_| self.broken(name))
    }

    /// A text attribute, parsed, if it is there.
    pub(crate) fn parse_optional<T: FromStr>(self, name: &str) -> Result<Option<T>, StoreError> {
        self.optional_text(name)?.map(|text| text.parse().map_err(|_| self.broken(name))).transpose()
    }

    /// A text attribute, read by a type's own parser.
    pub(crate) fn parse_with<T, E>(
        self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, StoreError> {
        parse(self.text(name)?).map_err(|_| self.broken(name))
    }

    pub(crate) fn timestamp(self, name: &str) -> Result<Timestamp, StoreError> {
        self.parse(name)
    }

    pub(crate) fn optional_number<T: FromStr>(self, name: &str) -> Result<Option<T>, StoreError> {
        match self.0.get(name) {
            None => Ok(None),
            Some(AttributeValue::N(digits)) => digits.parse().map(Some).map_err(|_| self.broken(name)),
            Some(_) => Err(self.broken(name)),
        }
    }

    pub(crate) fn number<T: FromStr>(self, name: &str) -> Result<T, StoreError> {
        self.optional_number(name)?.ok_or_else(|| self.broken(name))
    }

    pub(crate) fn flag(self, name: &str) -> Result<bool, StoreError> {
        match self.0.get(name) {
            Some(AttributeValue::Bool(flag)) => Ok(*flag),
            _ => Err(self.broken(name)),
        }
    }

    /// A yes or no that is only written if it is a yes.
    pub(crate) fn optional_flag(self, name: &str) -> Result<bool, StoreError> {
        match self.0.get(name) {
            None => Ok(false),
            Some(_) => self.flag(name),
        }
    }

    pub(crate) fn bytes(self, name: &str) -> Result<&'a [u8], StoreError> {
        match self.0.get(name) {
            Some(AttributeValue::B(blob)) => Ok(blob.as_ref()),
            _ => Err(self.broken(name)),
        }
    }

    pub(crate) fn optional_bytes(self, name: &str) -> Result<Option<&'a [u8]>, StoreError> {
        if self.0.contains_key(name) { self.bytes(name).map(Some) } else { Ok(None) }
    }

    /// An attribute of 32 bytes.
    pub(crate) fn bytes32(self, name: &str) -> Result<[u8; 32], StoreError> {
        self.bytes(name)?.try_into().map_err(|_| self.broken(name))
    }

    /// A structured value that was written as JSON text.
    pub(crate) fn json<T: DeserializeOwned>(self, name: &str) -> Result<T, StoreError> {
        serde_json::from_str(self.text(name)?).map_err(|_| self.broken(name))
    }

    pub(crate) fn optional_json<T: DeserializeOwned>(self, name: &str) -> Result<Option<T>, StoreError> {
        self.optional_text(name)?
            .map(|text| serde_json::from_str(text).map_err(|_| self.broken(name)))
            .transpose()
    }

    pub(crate) fn sort_key(self) -> Result<&'a str, StoreError> {
        self.text(SK)
    }

    /// Names the item and the attribute, never the value.
    fn broken(self, name: &str) -> StoreError {
        let key = |name: &str| match self.0.get(name) {
            Some(AttributeValue::S(text)) => text.clone(),
            _ => "?".to_owned(),
        };
        StoreError::Broken(format!("attribute {name} of {} {}", key(PK), key(SK)))
    }
}
