//! [`Encoder`]: values and events to bytes.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hasher};
use std::marker::PhantomData;
use std::sync::Arc;

use super::codec::*;
use super::{Detail, Event};
use crate::data::{Json, Number};

/// How often a node that was not seen before comes, more or less.
const BYTES_BETWEEN_NODES: usize = 32;

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

/// Writes values that outlive it: no other value can come to live at an address that it has seen.
#[derive(Default)]
pub(crate) struct Encoder<'a> {
    bytes: Vec<u8>,
    seen: HashMap<usize, u32, BuildHasherDefault<AddressHasher>>,
    values: PhantomData<&'a Json>,
}

impl<'a> Encoder<'a> {
    /// An encoder that expects to write so many bytes.
    pub(crate) fn with_capacity(bytes: usize) -> Encoder<'a> {
        let seen =
            HashMap::with_capacity_and_hasher(bytes / BYTES_BETWEEN_NODES, BuildHasherDefault::default());
        Encoder { bytes: Vec::with_capacity(bytes), seen, values: PhantomData }
    }

    /// What was written.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// How many bytes have been written.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// Bytes as they are.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
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
    pub(crate) fn shared_text(&mut self, text: &'a Arc<str>) {
        // Very short texts cost less to write again than to remember.
        let is_short = text.len() < 4;
        let address = Arc::as_ptr(text).cast::<u8>() as usize;
        if is_short || !self.seen_before(address) {
            self.byte(TEXT);
            self.text(text);
        }
    }

    /// An optional value.
    pub(crate) fn option<T>(&mut self, value: Option<&'a T>, write: impl FnOnce(&mut Self, &'a T)) {
        match value {
            None => self.byte(0),
            Some(value) => {
                self.byte(1);
                write(self, value);
            }
        }
    }

    pub(crate) fn json(&mut self, json: &'a Json) {
        match json {
            Json::Null => self.byte(NULL),
            Json::Bool(false) => self.byte(FALSE),
            Json::Bool(true) => self.byte(TRUE),
            Json::Number(number) => self.json_number(number),
            Json::String(text) => self.shared_text(text),
            Json::Array(array) => {
                if self.seen_before(Arc::as_ptr(array) as usize) {
                    return;
                }
                if let Some(text) = json.kept_text() {
                    return self.verbatim(text);
                }
                self.byte(ARRAY);
                self.number(array.len() as u64);
                for item in array.iter() {
                    self.json(item);
                }
            }
            Json::Object(object) => {
                if self.seen_before(Arc::as_ptr(object) as usize) {
                    return;
                }
                if let Some(text) = json.kept_text() {
                    return self.verbatim(text);
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

    /// A container as the text that it was read from.
    fn verbatim(&mut self, text: &str) {
        self.byte(VERBATIM);
        self.text(text);
    }

    fn json_number(&mut self, number: &Number) {
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
            if let Some(digits) = number.huge_digits() {
                self.byte(HUGE);
                return self.text(digits);
            }
        }
        self.byte(FLOAT);
        self.bytes.extend_from_slice(&number.as_f64().to_le_bytes());
    }

    /// Writes a reference and says so, if the node is known; otherwise numbers it.
    fn seen_before(&mut self, address: usize) -> bool {
        let next = self.seen.len() as u32;
        match self.seen.entry(address) {
            Entry::Occupied(entry) => {
                let number = *entry.get();
                self.byte(SEEN);
                self.number(u64::from(number));
                true
            }
            Entry::Vacant(entry) => {
                entry.insert(next);
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
    pub(crate) fn events(&mut self, events: &'a [Event]) {
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

    fn detail(&mut self, detail: &'a Detail) {
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
