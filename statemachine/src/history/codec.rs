//! Events and values as bytes: what a record on disk is made of.
//!
//! A value that occurs several times in a record (the output of one state is the input of the next) is written
//! once. It is found again by the identity of its node, not by comparing, so that writing costs what is new.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use crate::data::{Json, Number, Object};
use crate::history::{Detail, Details, Event, EventType, Field};

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const INTEGER: u8 = 3;
const FLOAT: u8 = 4;
const TEXT: u8 = 5;
const ARRAY: u8 = 6;
const OBJECT: u8 = 7;
const SEEN: u8 = 8;
const UNSIGNED: u8 = 9;

const DETAIL_TEXT: u8 = 0;
const DETAIL_NUMBER: u8 = 1;
const DETAIL_DATA: u8 = 2;
const DETAIL_MEMBERS: u8 = 3;
const DETAIL_VARIABLES: u8 = 4;

/// Bytes that are no record of ours.
#[derive(Debug, thiserror::Error)]
#[error("the record is damaged")]
pub(crate) struct Malformed;

/// Hashes the address of a node, which is as good as random already but for its low bits.
#[derive(Default)]
struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_usize(usize::from(*byte));
        }
    }

    fn write_usize(&mut self, address: usize) {
        self.0 = (self.0 ^ address as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(26);
    }
}

/// Writes values. It lives as long as the record: nodes seen before must not be dropped meanwhile, which
/// `keep` sees to.
#[derive(Default)]
pub(crate) struct Encoder {
    bytes: Vec<u8>,
    seen: HashMap<usize, u32, BuildHasherDefault<AddressHasher>>,
    /// Clones of what was numbered, so that no other value can come to live at the same address.
    keep: Vec<Json>,
    next: u32,
}

impl Encoder {
    /// What was written.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub(crate) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// A number, short if it is small.
    pub(crate) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    /// A number that may be below zero, short if it is close to it.
    pub(crate) fn signed(&mut self, number: i64) {
        self.number(((number << 1) ^ (number >> 63)) as u64);
    }

    /// A text that is not looked up.
    pub(crate) fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// A text that may have come before.
    pub(crate) fn shared_text(&mut self, text: &Arc<str>) {
        // Very short texts cost less to write again than to remember.
        let is_short = text.len() < 4;
        let address = Arc::as_ptr(text).cast::<u8>() as usize;
        if is_short || !self.seen_before(address, || Json::String(Arc::clone(text))) {
            self.byte(TEXT);
            self.text(text);
        }
    }

    /// An optional value.
    pub(crate) fn option<T>(&mut self, value: Option<&T>, write: impl FnOnce(&mut Encoder, &T)) {
        match value {
            None => self.byte(0),
            Some(value) => {
                self.byte(1);
                write(self, value);
            }
        }
    }

    pub(crate) fn json(&mut self, json: &Json) {
        match json {
            Json::Null => self.byte(NULL),
            Json::Bool(false) => self.byte(FALSE),
            Json::Bool(true) => self.byte(TRUE),
            Json::Number(number) => self.json_number(*number),
            Json::String(text) => self.shared_text(text),
            Json::Array(array) => {
                if self.seen_before(Arc::as_ptr(array) as usize, || json.clone()) {
                    return;
                }
                self.byte(ARRAY);
                self.number(array.len() as u64);
                for item in array.iter() {
                    self.json(item);
                }
            }
            Json::Object(object) => {
                if self.seen_before(Arc::as_ptr(object) as usize, || json.clone()) {
                    return;
                }
                self.byte(OBJECT);
                self.number(object.len() as u64);
                for (name, value) in object.iter() {
                    self.shared_text(name);
                    self.json(value);
                }
            }
        }
    }

    fn json_number(&mut self, number: Number) {
        // `as_i64` and `as_u64` also answer for 2.0, which must stay a float.
        if number.is_integer() {
            if let Some(integer) = number.as_i64() {
                self.byte(INTEGER);
                return self.signed(integer);
            }
            if let Some(unsigned) = number.as_u64() {
                self.byte(UNSIGNED);
                return self.number(unsigned);
            }
        }
        self.byte(FLOAT);
        self.bytes.extend_from_slice(&number.as_f64().to_le_bytes());
    }

    /// Writes a reference and says so, if the node is known; otherwise numbers it.
    fn seen_before(&mut self, address: usize, keep: impl FnOnce() -> Json) -> bool {
        match self.seen.entry(address) {
            std::collections::hash_map::Entry::Occupied(entry) => {
                let number = *entry.get();
                self.byte(SEEN);
                self.number(u64::from(number));
                true
            }
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(self.next);
                self.next += 1;
                self.keep.push(keep());
                false
            }
        }
    }

    /// How many events a record has, and the number of the first.
    pub(crate) fn events_head(&mut self, events: &[Event]) {
        self.number(events.len() as u64);
        self.number(events.first().map_or(0, |event| event.id));
    }

    /// The events of a record, without the head.
    pub(crate) fn events(&mut self, events: &[Event]) {
        for event in events {
            self.byte(event.event_type.code());
            self.number(event.id.wrapping_sub(event.previous));
            self.byte(event.details.len() as u8);
            for (field, detail) in &event.details {
                self.byte(field.code());
                self.detail(detail);
            }
        }
    }

    fn detail(&mut self, detail: &Detail) {
        match detail {
            Detail::Text(text) => {
                self.byte(DETAIL_TEXT);
                self.shared_text(text);
            }
            Detail::Number(number) => {
                self.byte(DETAIL_NUMBER);
                self.number(*number);
            }
            Detail::Data(json) => {
                self.byte(DETAIL_DATA);
                self.json(json);
            }
            Detail::Members(json) => {
                self.byte(DETAIL_MEMBERS);
                self.json(json);
            }
            Detail::Variables(variables) => {
                self.byte(DETAIL_VARIABLES);
                self.number(variables.len() as u64);
                for (name, value) in variables.iter() {
                    self.shared_text(name);
                    self.json(value);
                }
            }
        }
    }
}

/// Reads what an [`Encoder`] wrote. Nodes that were one are one again.
pub(crate) struct Decoder<'a> {
    bytes: &'a [u8],
    nodes: Vec<Option<Json>>,
    depth: usize,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Decoder<'a> {
        Decoder { bytes, nodes: Vec::new(), depth: 0 }
    }

    /// What is left to read.
    pub(crate) fn is_at_end(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Malformed> {
        let (first, rest) = self.bytes.split_first().ok_or(Malformed)?;
        self.bytes = rest;
        Ok(*first)
    }

    pub(crate) fn number(&mut self) -> Result<u64, Malformed> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Malformed)
    }

    pub(crate) fn signed(&mut self) -> Result<i64, Malformed> {
        let number = self.number()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.bytes.split_at_checked(length).ok_or(Malformed)?;
        self.bytes = rest;
        Ok(taken)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Malformed> {
        let length = self.length()?;
        std::str::from_utf8(self.take(length)?).map_err(|_| Malformed)
    }

    /// A length of things of at least a byte each, so that damage cannot ask for all the memory.
    fn length(&mut self) -> Result<usize, Malformed> {
        let length = usize::try_from(self.number()?).map_err(|_| Malformed)?;
        if length > self.bytes.len() { Err(Malformed) } else { Ok(length) }
    }

    pub(crate) fn shared_text(&mut self) -> Result<Arc<str>, Malformed> {
        match self.json()? {
            Json::String(text) => Ok(text),
            _ => Err(Malformed),
        }
    }

    pub(crate) fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Decoder<'a>) -> Result<T, Malformed>,
    ) -> Result<Option<T>, Malformed> {
        match self.byte()? {
            0 => Ok(None),
            1 => read(self).map(Some),
            _ => Err(Malformed),
        }
    }

    pub(crate) fn json(&mut self) -> Result<Json, Malformed> {
        self.depth += 1;
        if self.depth > crate::data::json::MAX_DEPTH + 8 {
            return Err(Malformed);
        }
        let json = self.json_node()?;
        self.depth -= 1;
        Ok(json)
    }

    fn json_node(&mut self) -> Result<Json, Malformed> {
        Ok(match self.byte()? {
            NULL => Json::Null,
            FALSE => Json::Bool(false),
            TRUE => Json::Bool(true),
            INTEGER => Json::from(self.signed()?),
            UNSIGNED => Json::from(self.number()?),
            FLOAT => {
                let bytes = self.take(8)?.try_into().map_err(|_| Malformed)?;
                Json::from(f64::from_le_bytes(bytes))
            }
            TEXT => {
                let text = Json::string(self.text()?);
                if text.as_str().is_some_and(|text| text.len() >= 4) {
                    self.nodes.push(Some(text.clone()));
                }
                text
            }
            ARRAY => {
                let place = self.place();
                let length = self.length()?;
                let mut items = Vec::with_capacity(length);
                for _ in 0..length {
                    items.push(self.json()?);
                }
                self.settle(place, Json::from(items))
            }
            OBJECT => {
                let place = self.place();
                let length = self.length()?;
                let mut object = Object::with_capacity(length);
                for _ in 0..length {
                    let name = self.shared_text()?;
                    let value = self.json()?;
                    object.insert(name, value);
                }
                self.settle(place, Json::from(object))
            }
            SEEN => {
                let number = usize::try_from(self.number()?).map_err(|_| Malformed)?;
                self.nodes.get(number).and_then(Clone::clone).ok_or(Malformed)?
            }
            _ => return Err(Malformed),
        })
    }

    /// A node gets its number before its members get theirs, as in writing.
    fn place(&mut self) -> usize {
        self.nodes.push(None);
        self.nodes.len() - 1
    }

    fn settle(&mut self, place: usize, node: Json) -> Json {
        self.nodes[place] = Some(node.clone());
        node
    }

    /// How many events there are, and the number of the first.
    pub(crate) fn events_head(&mut self) -> Result<(usize, u64), Malformed> {
        Ok((usize::try_from(self.number()?).map_err(|_| Malformed)?, self.number()?))
    }

    pub(crate) fn events(&mut self, (count, first): (usize, u64)) -> Result<Vec<Event>, Malformed> {
        // An event takes a few bytes at the least.
        if count > self.bytes.len() {
            return Err(Malformed);
        }
        let mut events = Vec::with_capacity(count);
        for id in (first..).take(count) {
            let event_type = EventType::from_code(self.byte()?).ok_or(Malformed)?;
            let previous = id.wrapping_sub(self.number()?);
            let length = usize::from(self.byte()?);
            let mut details = Details::with_capacity(length);
            for _ in 0..length {
                let field = Field::from_code(self.byte()?).ok_or(Malformed)?;
                details.push((field, self.detail()?));
            }
            events.push(Event { event_type, id, previous, details });
        }
        Ok(events)
    }

    fn detail(&mut self) -> Result<Detail, Malformed> {
        Ok(match self.byte()? {
            DETAIL_TEXT => Detail::Text(self.shared_text()?),
            DETAIL_NUMBER => Detail::Number(self.number()?),
            DETAIL_DATA => Detail::Data(self.json()?),
            DETAIL_MEMBERS => Detail::Members(self.json()?),
            DETAIL_VARIABLES => {
                let length = self.length()?;
                let mut variables = Vec::with_capacity(length);
                for _ in 0..length {
                    variables.push((self.shared_text()?, self.json()?));
                }
                Detail::Variables(variables.into())
            }
            _ => return Err(Malformed),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(json: &Json) -> Json {
        let mut encoder = Encoder::default();
        encoder.json(json);
        encoder.json(json);
        let bytes = encoder.into_bytes();
        let mut decoder = Decoder::new(&bytes);
        let first = decoder.json().unwrap();
        assert_eq!(decoder.json().unwrap(), first);
        assert!(decoder.is_at_end());
        first
    }

    #[test]
    fn values_come_back_as_they_were() {
        let text = r#"{"a":[1,-1,2.0,1e300,18446744073709551615,null,true,false,"longer text","longer text"],"b":{},"":""}"#;
        let json = Json::parse(text).unwrap();
        assert_eq!(there_and_back(&json).to_text(), json.to_text());
    }

    #[test]
    fn a_value_used_again_costs_a_few_bytes() {
        let json = Json::array((0..100).map(Json::from));
        let mut encoder = Encoder::default();
        encoder.json(&json);
        let once = encoder.bytes.len();
        encoder.json(&json);
        assert!(encoder.bytes.len() - once < 4);
    }

    #[test]
    fn cut_or_changed_bytes_are_refused_or_differ_but_never_panic() {
        let json = Json::parse(r#"{"a":[1,2,{"b":"some text"}],"c":"some text"}"#).unwrap();
        let mut encoder = Encoder::default();
        encoder.json(&json);
        let bytes = encoder.into_bytes();
        for end in 0..bytes.len() {
            assert!(Decoder::new(&bytes[..end]).json().is_err());
        }
        for place in 0..bytes.len() {
            for value in 0..=255 {
                let mut changed = bytes.clone();
                changed[place] = value;
                let _ = Decoder::new(&changed).json();
            }
        }
    }
}
