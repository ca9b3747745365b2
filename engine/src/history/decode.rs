//! [`Decoder`]: bytes to values and events.

use std::sync::Arc;

use super::codec::*;
use super::{Detail, Details, Event, EventType, Field};
use crate::data::{Json, Number, Object};

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
            HUGE => {
                let digits = self.text()?;
                let are_digits =
                    digits.strip_prefix('-').unwrap_or(digits).bytes().all(|it| it.is_ascii_digit());
                let number = Number::from_json_text(digits, true).filter(|_| are_digits);
                Json::Number(number.ok_or(Malformed)?)
            }
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
                let index = self.reserve();
                let length = self.length()?;
                let mut items = Vec::with_capacity(length);
                for _ in 0..length {
                    items.push(self.json()?);
                }
                self.fill(index, Json::from(items))
            }
            OBJECT => {
                let index = self.reserve();
                let length = self.length()?;
                let mut object = Object::with_capacity(length);
                for _ in 0..length {
                    let name = self.shared_text()?;
                    let value = self.json()?;
                    object.insert(name, value);
                }
                self.fill(index, Json::from(object))
            }
            VERBATIM => {
                let index = self.reserve();
                let value = Json::parse_verbatim(self.text()?).map_err(|_| Malformed)?;
                self.fill(index, value)
            }
            SEEN => {
                let number = usize::try_from(self.number()?).map_err(|_| Malformed)?;
                self.nodes.get(number).and_then(Clone::clone).ok_or(Malformed)?
            }
            _ => return Err(Malformed),
        })
    }

    /// A node gets its number before its members get theirs, as in writing.
    fn reserve(&mut self) -> usize {
        self.nodes.push(None);
        self.nodes.len() - 1
    }

    fn fill(&mut self, index: usize, node: Json) -> Json {
        self.nodes[index] = Some(node.clone());
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
