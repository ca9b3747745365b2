//! [`Value`]: what an expression computes with. It views a [`Json`] as it is, without converting it.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use indexmap::IndexMap;

use super::error::{Error, Outcome};
use super::function::Function;
use super::meter::Meter;
use crate::data::json::{self, MAX_DEPTH};
use crate::data::{Json, Number};

/// A value of the language.
#[derive(Clone, Debug, Default)]
pub(crate) enum Value {
    /// Nothing: what a path that leads nowhere gives.
    #[default]
    Undefined,
    Null,
    Bool(bool),
    Number(f64),
    /// A whole number of the input that a double cannot hold; arithmetic takes the nearest double.
    Exact(Number),
    Text(Arc<str>),
    Array(Array),
    Object(Object),
    Function(Rc<Function>),
    /// The bindings that `@`, `#` and `%` carry along a path.
    Tuples(Rc<Vec<Tuple>>),
}

/// One item on its way through a path, with what was bound to it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tuple {
    pub(super) context: Value,
    pub(super) bound: Vec<(u32, Value)>,
}

impl Tuple {
    pub(super) fn of(context: Value) -> Tuple {
        Tuple { context, bound: Vec::new() }
    }

    pub(super) fn set(&mut self, name: u32, value: Value) {
        match self.bound.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.bound.push((name, value)),
        }
    }
}

/// An array and its marks.
#[derive(Clone, Debug)]
pub(crate) struct Array {
    items: Items,
    pub(super) marks: Marks,
}

/// What an array is besides its items. The language flattens sequences and leaves the other arrays as they are.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Marks {
    /// Made by a path: one item is itself, none for nothing.
    pub(super) sequence: bool,
    /// A sequence that stays an array with one item: `[]`.
    pub(super) keep_singleton: bool,
    /// Written in brackets, so that a path does not flatten it.
    pub(super) constructed: bool,
    /// The sequence around an input that is an array itself.
    pub(super) outer: bool,
}

impl Marks {
    pub(super) const SEQUENCE: Marks =
        Marks { sequence: true, keep_singleton: false, constructed: false, outer: false };
}

#[derive(Clone, Debug)]
enum Items {
    Json(Arc<json::Array>),
    Made(Rc<Made>),
}

#[derive(Debug)]
struct Made {
    items: Vec<Value>,
    /// How deep values are nested in it.
    level: usize,
}

impl Array {
    /// An array of values; refused if they are nested too deep.
    pub(super) fn made(items: Vec<Value>, marks: Marks, meter: &mut Meter) -> Outcome<Array> {
        meter.array(items.len())?;
        let level = 1 + items.iter().map(Value::level).max().unwrap_or(0);
        check_level(level)?;
        Ok(Array { items: Items::Made(Rc::new(Made { items, level })), marks })
    }

    pub(super) fn len(&self) -> usize {
        match &self.items {
            Items::Json(items) => items.len(),
            Items::Made(made) => made.items.len(),
        }
    }

    pub(super) fn get(&self, index: usize) -> Option<Value> {
        match &self.items {
            Items::Json(items) => items.get(index).map(Value::from),
            Items::Made(made) => made.items.get(index).cloned(),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Value> + '_ {
        (0..self.len()).map(|index| self.get(index).unwrap_or_default())
    }

    pub(crate) fn to_vec(&self) -> Vec<Value> {
        self.iter().collect()
    }

    fn is_same(&self, other: &Array) -> bool {
        match (&self.items, &other.items) {
            (Items::Json(left), Items::Json(right)) => Arc::ptr_eq(left, right),
            (Items::Made(left), Items::Made(right)) => Rc::ptr_eq(left, right),
            _ => false,
        }
    }
}

/// An object.
#[derive(Clone, Debug)]
pub(crate) enum Object {
    Json(Arc<json::Object>),
    Made(Rc<MadeObject>),
}

/// An object that an expression made. A transform changes the ones that it has copied.
#[derive(Debug)]
pub(crate) struct MadeObject {
    entries: RefCell<IndexMap<Arc<str>, Value>>,
    level: usize,
}

impl Object {
    pub(super) fn made(entries: IndexMap<Arc<str>, Value>, meter: &mut Meter) -> Outcome<Object> {
        meter.object(entries.len())?;
        let level = 1 + entries.values().map(Value::level).max().unwrap_or(0);
        check_level(level)?;
        let mut entries = entries;
        sort_keys(&mut entries);
        Ok(Object::Made(Rc::new(MadeObject { entries: RefCell::new(entries), level })))
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Object::Json(object) => object.len(),
            Object::Made(made) => made.entries.borrow().len(),
        }
    }

    pub(super) fn get(&self, key: &str) -> Value {
        match self {
            Object::Json(object) => object.get(key).map(Value::from).unwrap_or_default(),
            Object::Made(made) => made.entries.borrow().get(key).cloned().unwrap_or_default(),
        }
    }

    fn contains(&self, key: &str) -> bool {
        match self {
            Object::Json(object) => object.contains_key(key),
            Object::Made(made) => made.entries.borrow().contains_key(key),
        }
    }

    /// The entries in JavaScript's order: keys that are array indices first, by number, then the others as written.
    pub(super) fn entries(&self) -> Vec<(Arc<str>, Value)> {
        match self {
            Object::Json(object) => {
                let mut entries: Vec<_> =
                    object.iter().map(|(key, value)| (Arc::clone(key), Value::from(value))).collect();
                if entries.iter().any(|(key, _)| index_key(key).is_some()) {
                    entries.sort_by_key(|(key, _)| index_key(key).unwrap_or(u64::MAX));
                }
                entries
            }
            Object::Made(made) => {
                let entries = made.entries.borrow();
                entries.iter().map(|(key, value)| (Arc::clone(key), value.clone())).collect()
            }
        }
    }

    pub(super) fn keys(&self) -> Vec<Arc<str>> {
        self.entries().into_iter().map(|(key, _)| key).collect()
    }

    /// Sets an entry of a copied object.
    pub(super) fn set(&self, key: Arc<str>, value: Value) {
        if let Object::Made(made) = self {
            let mut entries = made.entries.borrow_mut();
            entries.insert(key, value);
            sort_keys(&mut entries);
        }
    }

    /// Takes an entry out of a copied object.
    pub(super) fn delete(&self, key: &str) {
        if let Object::Made(made) = self {
            made.entries.borrow_mut().shift_remove(key);
        }
    }

    fn is_same(&self, other: &Object) -> bool {
        match (self, other) {
            (Object::Json(left), Object::Json(right)) => Arc::ptr_eq(left, right),
            (Object::Made(left), Object::Made(right)) => Rc::ptr_eq(left, right),
            _ => false,
        }
    }
}

/// Whether a key is an array index, which JavaScript orders by number before all other keys.
fn index_key(key: &str) -> Option<u64> {
    let is_canonical = key.len() <= 10 && key.bytes().all(|byte| byte.is_ascii_digit());
    if !is_canonical || key.is_empty() || (key.len() > 1 && key.starts_with('0')) {
        return None;
    }
    key.parse().ok().filter(|index| *index < u64::from(u32::MAX))
}

/// Puts keys into JavaScript's order.
pub(super) fn sort_keys<V>(entries: &mut IndexMap<Arc<str>, V>) {
    if entries.keys().any(|key| index_key(key).is_some()) {
        entries.sort_by(|left, _, right, _| {
            let rank = |key: &str| index_key(key).unwrap_or(u64::MAX);
            rank(left).cmp(&rank(right))
        });
    }
}

/// Values are walked and dropped recursively.
pub(super) fn check_level(level: usize) -> Outcome<()> {
    if level > MAX_DEPTH { Err(Error::memory()) } else { Ok(()) }
}

impl From<&Json> for Value {
    fn from(value: &Json) -> Value {
        match value {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(number) => Value::from_number(number),
            Json::String(text) => Value::Text(Arc::clone(text)),
            Json::Array(items) => {
                Value::Array(Array { items: Items::Json(Arc::clone(items)), marks: Marks::default() })
            }
            Json::Object(object) => Value::Object(Object::Json(Arc::clone(object))),
        }
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Value {
        Value::Number(number)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Bool(value)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.into())
    }
}

/// The last whole number up to which a double holds all of them.
const MAX_SAFE: u64 = 1 << 53;

impl Value {
    fn from_number(number: &Number) -> Value {
        match number.as_i64() {
            Some(whole) if whole.unsigned_abs() > MAX_SAFE => Value::Exact(number.clone()),
            None if number.is_integer() => Value::Exact(number.clone()),
            _ => Value::Number(number.as_f64()),
        }
    }

    /// A text, which counts as memory.
    pub(super) fn text(text: String, meter: &mut Meter) -> Outcome<Value> {
        meter.text(text.len())?;
        Ok(Value::Text(text.into()))
    }

    /// An array of values.
    pub(crate) fn array(items: Vec<Value>, meter: &mut Meter) -> Outcome<Value> {
        Array::made(items, Marks::default(), meter).map(Value::Array)
    }

    /// A sequence of values.
    pub(crate) fn sequence(items: Vec<Value>, meter: &mut Meter) -> Outcome<Value> {
        Array::made(items, Marks::SEQUENCE, meter).map(Value::Array)
    }

    pub(super) fn object(entries: IndexMap<Arc<str>, Value>, meter: &mut Meter) -> Outcome<Value> {
        Object::made(entries, meter).map(Value::Object)
    }

    pub(crate) fn is_undefined(&self) -> bool {
        matches!(self, Value::Undefined)
    }

    pub(super) fn is_array(&self) -> bool {
        matches!(self, Value::Array(_))
    }

    pub(super) fn is_function(&self) -> bool {
        matches!(self, Value::Function(_))
    }

    pub(crate) fn as_text(&self) -> Option<&Arc<str>> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The double, if this is a number of any kind, infinite ones among them.
    pub(crate) fn as_double(&self) -> Option<f64> {
        match self {
            Value::Number(number) => Some(*number),
            Value::Exact(number) => Some(number.as_f64()),
            _ => None,
        }
    }

    /// The double, if this is a number; an infinite one is an error.
    pub(super) fn as_numeric(&self) -> Outcome<Option<f64>> {
        match self.as_double() {
            Some(number) if number.is_infinite() => Err(Error::new("D1001").with_value(self)),
            Some(number) if number.is_nan() => Ok(None),
            number => Ok(number),
        }
    }

    /// How deep values are nested in this one, functions' variables among them.
    pub(super) fn level(&self) -> usize {
        match self {
            Value::Array(array) => match &array.items {
                Items::Json(items) => Json::Array(Arc::clone(items)).depth(),
                Items::Made(made) => made.level,
            },
            Value::Object(Object::Json(object)) => Json::Object(Arc::clone(object)).depth(),
            Value::Object(Object::Made(made)) => made.level,
            Value::Function(function) => function.level(),
            Value::Tuples(tuples) => {
                let levels = tuples.iter().flat_map(|tuple| {
                    tuple.bound.iter().map(|(_, value)| value.level()).chain([tuple.context.level()])
                });
                1 + levels.max().unwrap_or(0)
            }
            _ => 0,
        }
    }

    /// JavaScript's `===`.
    pub(super) fn is_identical(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Undefined, Value::Undefined) | (Value::Null, Value::Null) => true,
            (Value::Bool(left), Value::Bool(right)) => left == right,
            (Value::Text(left), Value::Text(right)) => left == right,
            (Value::Array(left), Value::Array(right)) => left.is_same(right),
            (Value::Object(left), Value::Object(right)) => left.is_same(right),
            (Value::Function(left), Value::Function(right)) => Rc::ptr_eq(left, right),
            _ => match (self.as_double(), other.as_double()) {
                (Some(left), Some(right)) => left == right,
                _ => false,
            },
        }
    }

    /// Whether two values are equal in all that they hold.
    pub(super) fn equals(&self, other: &Value, meter: &mut Meter) -> Outcome<bool> {
        meter.step()?;
        if self.is_identical(other) {
            // What holds "not a number" equals itself as well: it is the same value.
            return Ok(true);
        }
        match (self, other) {
            (Value::Array(left), Value::Array(right)) => {
                if left.len() != right.len() {
                    return Ok(false);
                }
                for (left, right) in left.iter().zip(right.iter()) {
                    if !left.equals(&right, meter)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            (Value::Object(left), Value::Object(right)) => {
                if left.len() != right.len() {
                    return Ok(false);
                }
                for (key, value) in left.entries() {
                    if !right.contains(&key) || !value.equals(&right.get(&key), meter)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// The value as JSON: nothing if it is undefined. Functions and what is larger than the bytes allow are refused.
    pub(crate) fn to_json(&self, bytes: usize) -> Result<Option<Json>, Refusal> {
        let mut budget = bytes;
        to_json(self, &mut budget)
    }
}

/// Why a value cannot leave an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is or holds a function.
    Function,
    /// It is larger than is allowed. Values share their parts, so that a few bytes of memory can be any amount of text.
    TooLarge,
}

fn to_json(value: &Value, budget: &mut usize) -> Result<Option<Json>, Refusal> {
    *budget = budget.checked_sub(8).ok_or(Refusal::TooLarge)?;
    let mut spend = |bytes: usize| match budget.checked_sub(bytes) {
        Some(left) => {
            *budget = left;
            Ok(())
        }
        None => Err(Refusal::TooLarge),
    };
    Ok(Some(match value {
        Value::Undefined | Value::Tuples(_) => return Ok(None),
        Value::Null => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Number(number) => number_to_json(*number),
        Value::Exact(number) => Json::Number(number.clone()),
        Value::Text(text) => {
            spend(text.len())?;
            Json::String(Arc::clone(text))
        }
        Value::Array(array) => match &array.items {
            Items::Json(items) => {
                let json = Json::Array(Arc::clone(items));
                spend(json.serialized_len())?;
                json
            }
            Items::Made(made) => {
                let mut list = Vec::with_capacity(made.items.len());
                for item in &made.items {
                    list.push(to_json(item, budget)?.unwrap_or(Json::Null));
                }
                list.into()
            }
        },
        Value::Object(Object::Json(object)) => {
            let json = Json::Object(Arc::clone(object));
            spend(json.serialized_len())?;
            json
        }
        Value::Object(Object::Made(made)) => {
            let entries = made.entries.borrow();
            let mut object = json::Object::with_capacity(entries.len());
            for (key, value) in entries.iter() {
                *budget = budget.checked_sub(key.len()).ok_or(Refusal::TooLarge)?;
                if let Some(value) = to_json(value, budget)? {
                    object.insert(Arc::clone(key), value);
                }
            }
            object.into()
        }
        Value::Function(_) => return Err(Refusal::Function),
    }))
}

/// Whole numbers are written without a fraction; what JSON cannot write becomes JavaScript's name for it, as AWS
/// answers `1/0` with `"Infinity"`.
fn number_to_json(number: f64) -> Json {
    match Number::from_f64(number) {
        Some(number) => number.to_whole().map_or(Json::Number(number), Json::from),
        None if number.is_nan() => Json::from("NaN"),
        None if number > 0.0 => Json::from("Infinity"),
        None => Json::from("-Infinity"),
    }
}
