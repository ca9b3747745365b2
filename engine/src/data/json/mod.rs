//! [`Json`]: the value that states pass on. A clone costs a reference count; a change copies only what is shared.

mod number;
mod object;
mod parse;
mod serde_impl;
mod text;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

pub use number::Number;
pub use object::{Array, Object};
pub use parse::ParseError;

/// How deep arrays and objects may be nested in a text that is parsed.
///
/// The same figure bounds what an execution may build: values are walked and dropped recursively, so a loop that
/// wraps its own output again and again has to be stopped by comparing [`Json::depth`] with it.
pub const MAX_DEPTH: usize = 1000;

/// A JSON value.
///
/// Equality is deep; numbers compare by value (`1 == 1.0`) and objects without regard to the order of their keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Json {
    /// `null`
    #[default]
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number
    Number(Number),
    /// A text
    String(Arc<str>),
    /// An array
    Array(Arc<Array>),
    /// An object, in the order in which its keys were written
    Object(Arc<Object>),
}

impl Json {
    /// Reads a JSON text; refuses anything after the value and nesting beyond [`MAX_DEPTH`].
    pub fn parse(text: &str) -> Result<Json, ParseError> {
        parse::parse(text)
    }

    /// Reads a JSON text given as bytes; they have to be UTF-8.
    pub fn parse_bytes(bytes: &[u8]) -> Result<Json, ParseError> {
        parse::parse_bytes(bytes)
    }

    /// Reads a JSON text as [`Json::parse`] does; [`Json::verbatim`] gives the same text again, as long as the value is
    /// handed on whole. Only arrays and objects keep their texts.
    pub fn parse_verbatim(text: &str) -> Result<Json, ParseError> {
        let (mut value, is_plain) = parse::parse_plain(text)?;
        if !is_plain {
            value.set_verbatim(text);
        }
        Ok(value)
    }

    /// The text that this value was read from, if it was kept; otherwise the compact text.
    pub fn verbatim(&self) -> Cow<'_, str> {
        self.kept_text().map_or_else(|| Cow::Owned(self.to_text()), Cow::Borrowed)
    }

    /// The text that this value was read from, if it was kept and is not the compact one.
    pub(crate) fn kept_text(&self) -> Option<&str> {
        match self {
            Json::Array(array) => array.verbatim.as_ref().map(|text| &***text),
            Json::Object(object) => object.verbatim.as_ref().map(|text| &***text),
            _ => None,
        }
    }

    /// Keeps the text that an array or an object was read from, unless it is the compact one.
    fn set_verbatim(&mut self, text: &str) {
        if matches!(self, Json::Array(_) | Json::Object(_)) && self.to_text() != text {
            let text = Some(Arc::new(text.into()));
            match self {
                Json::Array(array) => Arc::make_mut(array).verbatim = text,
                Json::Object(object) => Arc::make_mut(object).verbatim = text,
                _ => {}
            }
        }
    }

    /// The same value with the compact text: that of a value which was evaluated, not handed on.
    pub(crate) fn without_verbatim(mut self) -> Json {
        if self.kept_text().is_some() {
            match &mut self {
                Json::Array(array) => Arc::make_mut(array).verbatim = None,
                Json::Object(object) => Arc::make_mut(object).verbatim = None,
                _ => {}
            }
        }
        self
    }

    /// An array of values each of which was handed on whole: its text is made of theirs.
    pub(crate) fn joined(items: Vec<Json>) -> Json {
        if items.iter().all(|item| item.kept_text().is_none()) {
            return Json::from(items);
        }
        let texts: Vec<_> = items.iter().map(Json::verbatim).collect();
        let text = format!("[{}]", texts.join(","));
        let mut array = Json::array(items.into_iter().map(Json::without_verbatim));
        array.set_verbatim(&text);
        array
    }

    /// An object without keys.
    pub fn empty_object() -> Json {
        Json::Object(Arc::default())
    }

    /// An object of these entries; of equal keys the last one counts.
    pub fn object<K: Into<Arc<str>>>(entries: impl IntoIterator<Item = (K, Json)>) -> Json {
        entries.into_iter().map(|(key, value)| (key.into(), value)).collect::<Object>().into()
    }

    /// An array of these items.
    pub fn array(items: impl IntoIterator<Item = Json>) -> Json {
        items.into_iter().collect()
    }

    /// A text.
    pub fn string(text: impl Into<Arc<str>>) -> Json {
        Json::String(text.into())
    }

    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Json::Null)
    }

    /// Whether this is an object.
    pub fn is_object(&self) -> bool {
        matches!(self, Json::Object(_))
    }

    /// Whether this is an array.
    pub fn is_array(&self) -> bool {
        matches!(self, Json::Array(_))
    }

    /// The text, if this is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Json::String(text) => Some(text),
            _ => None,
        }
    }

    /// The truth value, if this is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Json::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The number, if this is one.
    pub fn as_number(&self) -> Option<&Number> {
        match self {
            Json::Number(number) => Some(number),
            _ => None,
        }
    }

    /// The whole number, if this is one written without a fraction and it fits.
    pub fn as_i64(&self) -> Option<i64> {
        self.as_number()?.as_i64()
    }

    /// The whole number, if this is one written without a fraction, not negative, and it fits.
    pub fn as_u64(&self) -> Option<u64> {
        self.as_number()?.as_u64()
    }

    /// The nearest floating-point number, if this is a number.
    pub fn as_f64(&self) -> Option<f64> {
        self.as_number().map(Number::as_f64)
    }

    /// The items, if this is an array.
    pub fn as_array(&self) -> Option<&[Json]> {
        match self {
            Json::Array(array) => Some(array),
            _ => None,
        }
    }

    /// The entries, if this is an object.
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Json::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The items to change, if this is an array; copies the list of them if another value shares it.
    pub fn as_array_mut(&mut self) -> Option<&mut Vec<Json>> {
        match self {
            Json::Array(array) => Some(Arc::make_mut(array).items_mut()),
            _ => None,
        }
    }

    /// The entries to change, if this is an object; copies the list of them if another value shares it.
    pub fn as_object_mut(&mut self) -> Option<&mut Object> {
        match self {
            Json::Object(object) => Some(Arc::make_mut(object)),
            _ => None,
        }
    }

    /// The value under a key, if this is an object that has it.
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.as_object()?.get(key)
    }

    /// The item at an index, if this is an array of that length.
    pub fn at(&self, index: usize) -> Option<&Json> {
        self.as_array()?.get(index)
    }

    /// The length in bytes of the compact JSON text, without writing it. Arrays and objects remember theirs.
    pub fn serialized_len(&self) -> usize {
        text::measure(self).len
    }

    /// How deep arrays and objects are nested: 0 for a scalar, 1 for `[]`. Remembered like the length.
    pub fn depth(&self) -> usize {
        text::measure(self).depth
    }

    /// The compact JSON text.
    pub fn to_text(&self) -> String {
        let mut text = String::with_capacity(self.serialized_len());
        text::write(self, &mut text);
        text
    }

    /// Appends the compact JSON text.
    pub fn write_text(&self, out: &mut String) {
        text::write(self, out);
    }

    /// What AWS calls the type of this value in its messages: `string`, `number`, `object`, …
    pub fn type_name(&self) -> &'static str {
        match self {
            Json::Null => "null",
            Json::Bool(_) => "boolean",
            Json::Number(_) => "number",
            Json::String(_) => "string",
            Json::Array(_) => "array",
            Json::Object(_) => "object",
        }
    }
}

/// Compact JSON text, as AWS writes it.
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

/// A text that is written into messages or JSON as a quoted JSON string.
pub fn quote(text: &str, out: &mut String) {
    text::write_string(text, out);
}

impl std::str::FromStr for Json {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Json, ParseError> {
        Json::parse(text)
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Json {
        Json::Bool(value)
    }
}

impl From<Number> for Json {
    fn from(value: Number) -> Json {
        Json::Number(value)
    }
}

macro_rules! from_whole_number {
    ($($kind:ty),*) => {$(
        impl From<$kind> for Json {
            fn from(value: $kind) -> Json {
                Json::Number(Number::from(value))
            }
        }
    )*};
}
from_whole_number!(i32, i64, u32, u64, usize);

/// A number that JSON cannot write (infinite, not a number) becomes `null`.
impl From<f64> for Json {
    fn from(value: f64) -> Json {
        Number::from_f64(value).map_or(Json::Null, Json::Number)
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Json {
        Json::String(text.into())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Json {
        Json::String(text.into())
    }
}

impl From<Arc<str>> for Json {
    fn from(text: Arc<str>) -> Json {
        Json::String(text)
    }
}

impl From<Vec<Json>> for Json {
    fn from(items: Vec<Json>) -> Json {
        Json::Array(Arc::new(Array::from(items)))
    }
}

impl From<Object> for Json {
    fn from(object: Object) -> Json {
        Json::Object(Arc::new(object))
    }
}

impl<T: Into<Json>> From<Option<T>> for Json {
    fn from(value: Option<T>) -> Json {
        value.map_or(Json::Null, Into::into)
    }
}

impl FromIterator<Json> for Json {
    fn from_iter<I: IntoIterator<Item = Json>>(items: I) -> Json {
        items.into_iter().collect::<Vec<_>>().into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Any value, some ten levels deep and as wide.
    fn any_json() -> impl Strategy<Value = Json> {
        let scalar = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            any::<u64>().prop_map(Json::from),
            any::<f64>().prop_map(Json::from),
            any::<String>().prop_map(Json::from),
        ];
        scalar.prop_recursive(6, 60, 20, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..20).prop_map(Json::from),
                prop::collection::vec((any::<String>(), inner), 0..20).prop_map(Json::object),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(value in any_json()) {
            let text = value.to_text();
            let read = Json::parse(&text).unwrap();
            prop_assert_eq!(&read, &value);
            prop_assert_eq!(read.to_text(), text.clone());
            prop_assert_eq!(value.serialized_len(), text.len());
            prop_assert_eq!(read.depth(), value.depth());
        }

        #[test]
        fn equal_values_have_equal_hashes(value in any_json()) {
            use std::hash::BuildHasher;
            let hasher = std::collections::hash_map::RandomState::new();
            let reversed = match &value {
                Json::Object(object) => Json::object(object.iter().rev().map(|(k, v)| (k.clone(), v.clone()))),
                other => other.clone(),
            };
            prop_assert_eq!(&reversed, &value);
            prop_assert_eq!(hasher.hash_one(&reversed), hasher.hash_one(&value));
        }
    }

    #[test]
    fn a_change_to_a_clone_leaves_the_original_as_it_was() {
        let original = Json::parse(r#"{"a":{"b":[1]},"c":2}"#).unwrap();
        let mut copy = original.clone();
        let inner = copy.as_object_mut().unwrap().get_mut("a").unwrap();
        inner.as_object_mut().unwrap().insert("d", Json::from(3));
        assert_eq!(original.to_text(), r#"{"a":{"b":[1]},"c":2}"#);
        assert_eq!(copy.to_text(), r#"{"a":{"b":[1],"d":3},"c":2}"#);
    }

    #[test]
    fn a_value_that_is_handed_on_whole_keeps_its_text() {
        for text in ["{ \"a\" : 1.0 }", r#"["\u00e9","\/"]"#, r#"{"a":1,"a":2}"#, "[1e2]", "[-0]", "[1]\n"] {
            let value = Json::parse_verbatim(text).unwrap();
            assert_eq!(value.verbatim(), text);
            assert_eq!(value, Json::parse(text).unwrap());
            assert_eq!(value.clone().without_verbatim().verbatim(), value.to_text());
            let mut changed = value.clone();
            match &mut changed {
                Json::Array(array) => Arc::make_mut(array).items_mut().push(Json::Null),
                changed => drop(changed.as_object_mut().unwrap().insert("b", Json::Null)),
            }
            assert_eq!(changed.verbatim(), changed.to_text());
            assert_eq!(value.verbatim(), text);
        }
        assert!(Json::parse_verbatim(r#"{"a":[1,-2,"b"]}"#).unwrap().kept_text().is_none());
        let joined = Json::joined(vec![Json::parse_verbatim("[ 1 ]").unwrap(), Json::from(2)]);
        assert_eq!((&*joined.verbatim(), joined.to_text()), ("[[ 1 ],2]", "[[1],2]".to_owned()));
    }

    #[test]
    fn a_clone_shares_what_it_holds() {
        let original = Json::parse(r#"{"a":[1,2,3]}"#).unwrap();
        let (Json::Object(left), Json::Object(right)) = (&original, &original.clone()) else {
            panic!("both are objects")
        };
        assert!(Arc::ptr_eq(left, right));
    }

    #[test]
    fn equality_looks_at_values_and_not_at_how_they_are_written() {
        assert_eq!(
            Json::parse(r#"{"a":1,"b":[2.0]}"#).unwrap(),
            Json::parse(r#"{"b":[2],"a":1.0}"#).unwrap()
        );
        assert_ne!(Json::parse("1").unwrap(), Json::parse("true").unwrap());
        assert_ne!(Json::parse(r#"{"a":1}"#).unwrap(), Json::parse(r#"{"a":1,"b":1}"#).unwrap());
    }

    #[test]
    fn of_equal_keys_the_last_value_counts_at_the_place_of_the_first() {
        assert_eq!(Json::parse(r#"{"a":1,"b":2,"a":3}"#).unwrap().to_text(), r#"{"a":3,"b":2}"#);
    }
}
