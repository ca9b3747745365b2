//! Walking a document along a path.

use std::cell::Cell;
use std::sync::Arc;

use super::{Canonical, Json, Route, Step};

/// Why a path gives no value.
#[derive(Debug, PartialEq)]
pub(super) enum Miss {
    /// There is no such value; the reason is in Jayway's words.
    NotFound(String),
    /// The path ends in an index beyond the array. Jayway reads `null` there, and AWS hands it on as such; only
    /// `IsPresent` and the other comparisons see that nothing is there.
    PastEnd,
    /// Too many values were read, as with several `..` in one path.
    TooMuch,
}

impl Miss {
    /// `null` in place of an item beyond its array; any other reason stays.
    pub(super) fn null_past_end(self) -> Result<Json, Miss> {
        match self {
            Miss::PastEnd => Ok(Json::Null),
            other => Err(other),
        }
    }
}

/// How many values one evaluation may read. A document of 256 KiB has some 130,000 at most.
const MAX_VISITS: usize = 2_000_000;

/// One evaluation: the document that `$` is inside of filters, and how much may still be read.
pub(super) struct Walk<'a> {
    document: &'a Json,
    visits_left: Cell<usize>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(document: &'a Json) -> Walk<'a> {
        Walk { document, visits_left: Cell::new(MAX_VISITS) }
    }

    pub(super) fn document(&self) -> &'a Json {
        self.document
    }

    fn visit(&self) -> Result<(), Miss> {
        let left = self.visits_left.get().checked_sub(1).ok_or(Miss::TooMuch)?;
        self.visits_left.set(left);
        Ok(())
    }

    /// What the route leads to from a value.
    pub(super) fn evaluate(&self, route: &Route, from: &Json) -> Result<Json, Miss> {
        if route.steps_are_definite() {
            let found = definite(&route.steps, from);
            return match &route.function {
                Some(call) => call.evaluate(&found.or_else(Miss::null_past_end)?, self),
                None => found,
            };
        }
        let mut found = Vec::new();
        self.collect(&route.steps, from, &mut found)?;
        match &route.function {
            // As Jayway has it, `$..length()` comes to nothing.
            Some(_) if matches!(route.steps.last(), Some(Step::Descendants)) => Ok(Json::array([])),
            // A function is applied to each value by itself.
            Some(call) => found.iter().map(|value| call.evaluate(value, self)).collect(),
            None => Ok(Json::from(found)),
        }
    }

    /// Adds everything that the steps lead to from a value.
    fn collect(&self, steps: &[Step], value: &Json, found: &mut Vec<Json>) -> Result<(), Miss> {
        self.visit()?;
        let Some((step, rest)) = steps.split_first() else {
            found.push(value.clone());
            return Ok(());
        };
        match (step, value) {
            (Step::Property(name), Json::Object(object)) => match object.get(name) {
                Some(next) => self.collect(rest, next, found),
                None => Ok(()),
            },
            (Step::Properties(names), Json::Object(_)) if rest.is_empty() => {
                found.push(several(names, value));
                Ok(())
            }
            (Step::Properties(names), Json::Object(object)) => names
                .iter()
                .filter_map(|name| object.get(name))
                .try_for_each(|next| self.collect(rest, next, found)),
            (Step::Index(index), Json::Array(items)) => self.collect(rest, item(items, *index), found),
            (Step::Indexes(indexes), Json::Array(items)) => {
                indexes.iter().try_for_each(|index| self.collect(rest, item(items, *index), found))
            }
            (Step::Slice { from, to }, Json::Array(items)) => {
                slice(*from, *to, items.len()).try_for_each(|at| self.collect(rest, item(items, at), found))
            }
            (Step::Wildcard, _) => self.each_child(value, |next| self.collect(rest, next, found)),
            (Step::Filter(filter), Json::Array(items)) => items.iter().try_for_each(|next| {
                self.visit()?;
                if filter.accepts(next, self)? { self.collect(rest, next, found) } else { Ok(()) }
            }),
            (Step::Filter(filter), Json::Object(_)) if filter.accepts(value, self)? => {
                self.collect(rest, value, found)
            }
            (Step::Descendants, _) => {
                if self.is_met(rest.first(), value)? {
                    self.collect(rest, value, found)?;
                }
                self.each_child(value, |next| match next {
                    Json::Array(_) | Json::Object(_) => self.collect(steps, next, found),
                    _ => Ok(()),
                })
            }
            _ => Ok(()),
        }
    }

    /// Whether a value on the way of `..` is one that the next step looks at: a filter is for the value itself, not for its items, and of
    /// several names all have to be there.
    fn is_met(&self, next: Option<&Step>, value: &Json) -> Result<bool, Miss> {
        match (next, value) {
            (Some(Step::Filter(filter)), Json::Array(_)) => filter.accepts(value, self),
            (Some(Step::Properties(names)), Json::Object(object)) => {
                Ok(names.iter().all(|name| object.contains_key(name)))
            }
            _ => Ok(true),
        }
    }

    fn each_child(&self, value: &Json, mut act: impl FnMut(&Json) -> Result<(), Miss>) -> Result<(), Miss> {
        match value {
            Json::Array(items) => items.iter().try_for_each(act),
            Json::Object(object) => object.values().try_for_each(&mut act),
            _ => Ok(()),
        }
    }
}

/// The one value that definite steps lead to.
pub(super) fn definite(steps: &[Step], from: &Json) -> Result<Json, Miss> {
    let mut value = from;
    for (at, step) in steps.iter().enumerate() {
        let next = match (step, value) {
            (Step::Property(name), Json::Object(object)) => object.get(name),
            (Step::Index(index), Json::Array(items)) => match offset(*index, items.len()) {
                Some(offset) => Some(&items[offset]),
                None if at + 1 == steps.len() => return Err(Miss::PastEnd),
                None => Some(&Json::Null),
            },
            (Step::Properties(names), Json::Object(_)) => return Ok(several(names, value)),
            _ => return Err(Miss::NotFound(unsuitable(steps, at, value))),
        };
        value = next.ok_or_else(|| Miss::NotFound(absent(steps, at)))?;
    }
    Ok(value.clone())
}

/// Jayway's words for a step whose name or index is not there.
fn absent(steps: &[Step], at: usize) -> String {
    if matches!(steps[at], Step::Property(_)) && at + 1 < steps.len() {
        format!("Missing property in path {}", Canonical(&steps[..=at]))
    } else {
        format!("No results for path: {}", Canonical(steps))
    }
}

/// Jayway's words for a step into a value of the wrong kind.
fn unsuitable(steps: &[Step], at: usize, value: &Json) -> String {
    let step = &steps[at];
    let before = Canonical(&steps[..at]);
    match (step, value) {
        (Step::Index(_), Json::Null) => format!("The path {before} is null"),
        (Step::Index(_), _) => {
            format!("Filter: {step} can only be applied to arrays. Current context is: {value}")
        }
        _ => format!(
            "Expected to find an object with property {step} in path {before} but found '{}'. This is not a \
             json object according to the JsonProvider: 'com.jayway.jsonpath.spi.json.JacksonJsonProvider'.",
            java_class(value)
        ),
    }
}

fn java_class(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "java.lang.Boolean",
        Json::Number(number) if !number.is_integer() => "java.lang.Double",
        Json::Number(number) => match number.as_i64().map(i32::try_from) {
            Some(Ok(_)) => "java.lang.Integer",
            Some(Err(_)) => "java.lang.Long",
            None => "java.math.BigInteger",
        },
        Json::String(_) => "java.lang.String",
        Json::Array(_) => "java.util.ArrayList",
        Json::Object(_) => "java.util.LinkedHashMap",
    }
}

/// The object of those names that are there.
fn several(names: &[Arc<str>], value: &Json) -> Json {
    let there = names.iter().filter_map(|name| Some((Arc::clone(name), value.get(name)?.clone())));
    Json::object(there)
}

/// The item at an index, or `null` beyond the array, as Jayway reads it.
fn item(items: &[Json], index: i64) -> &Json {
    offset(index, items.len()).map_or(&Json::Null, |offset| &items[offset])
}

/// The offset of an index, which counts from the end if it is negative.
pub(super) fn offset(index: i64, len: usize) -> Option<usize> {
    let at = if index < 0 { index.checked_add(i64::try_from(len).ok()?)? } else { index };
    usize::try_from(at).ok().filter(|&at| at < len)
}

/// The indices of a slice, which Jayway counts from the end only once it looks an item up: `[-2:1]` of two items has the first one
/// twice, and `[1:-1]` none.
fn slice(from: Option<i64>, to: Option<i64>, len: usize) -> std::ops::Range<i64> {
    let len = i64::try_from(len).unwrap_or(i64::MAX);
    match (from, to) {
        (None, None) => 0..len,
        (Some(from), None) => {
            if from < 0 {
                (len + from).max(0)..len
            } else {
                from..len
            }
        }
        (None, Some(to)) => 0..if to < 0 { len + to } else { to.min(len) },
        (Some(from), Some(to)) => from..to.min(len),
    }
}
