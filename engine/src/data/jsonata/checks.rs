//! The checks that [`super::bounds`] and [`super::guard`] put into an expression: functions of ours that look at an
//! argument and hand it on, or refuse it in AWS's words for an expression that needs too much memory.

use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hash as _, Hasher};
use std::rc::Rc;

use jsonata_core::evaluator::{Evaluator, EvaluatorError};
use jsonata_core::functions::array::values_equal;
use jsonata_core::value::JValue;

use super::functions::{Answer, arguments, fail};
use super::{bounds, guard, messages};

/// The longest picture, and the longest text that is read by one.
const MAX_PICTURE_CHARS: usize = 1_000;

/// The most bytes of the options beside a picture.
const MAX_OPTIONS_BYTES: usize = 10_000;

/// The widest component that a picture of a date or time asks for.
const MAX_PICTURE_WIDTH: usize = 1_000;

/// The largest number that is written in Roman numerals, which are as long as a thousandth of it.
const MAX_ROMAN: f64 = 1e7;

/// The ends of a range that a 64-bit count can be made of.
const MAX_RANGE_END: f64 = 9_007_199_254_740_992.0;

/// The most bytes of a text that is made of as many pieces as another value has.
const MAX_MADE_BYTES: f64 = (1_u32 << 26) as f64;

/// The most bytes of a text that is split: each byte may become a text of its own.
const MAX_SPLIT_BYTES: usize = 2 << 20;

/// The most matches; each is an object.
const MAX_MATCHES: usize = 100_000;

/// Makes the checks of these names known to an evaluator.
pub(super) fn register(evaluator: &mut Evaluator, names: &[&'static str]) {
    let notes = Rc::new(Notes::default());
    for name in names.iter().copied() {
        let notes = Rc::clone(&notes);
        let registered = match name {
            bounds::RANGE_END => evaluator.register_fn(name, range_end),
            bounds::PICTURE => evaluator.register_fn(name, picture),
            bounds::NOTED => evaluator.register_fn(name, move |given: &[JValue]| noted(given, &notes)),
            bounds::INTEGER_PICTURE => {
                evaluator.register_fn(name, move |given: &[JValue]| integer_picture(given, &notes))
            }
            bounds::SEPARATOR | bounds::REPLACEMENT => {
                evaluator.register_fn(name, move |given: &[JValue]| piece(given, &notes))
            }
            bounds::WIDTH => evaluator.register_fn(name, width),
            bounds::SPLIT => evaluator.register_fn(name, split),
            bounds::LIMIT => evaluator.register_fn(name, limit),
            bounds::MATCHES => evaluator.register_fn(name, matches),
            bounds::ZIPPED => evaluator.register_fn(name, zipped),
            bounds::INDENTED => evaluator.register_fn(name, indented),
            bounds::DISTINCT => evaluator.register_fn(name, distinct),
            bounds::KEYS => evaluator.register_fn(name, keys),
            _ => evaluator.register_fn(name, bounded),
        };
        registered.expect("no built-in function has a space in its name");
    }
}

/// The sizes of first arguments, until the last arguments of the same calls have been evaluated.
#[derive(Default)]
struct Notes(RefCell<Vec<f64>>);

fn too_much<T>() -> Result<T, EvaluatorError> {
    fail(messages::MEMORY_LIMIT)
}

fn if_allowed(value: &JValue, is_allowed: bool) -> Answer {
    if is_allowed { Ok(value.clone()) } else { too_much() }
}

/// A value, if it is not too large.
fn bounded(given: &[JValue]) -> Answer {
    let [value] = arguments("", given)?;
    if_allowed(value, !guard::is_too_large(value))
}

/// An end of a range.
fn range_end(given: &[JValue]) -> Answer {
    let [end] = arguments("", given)?;
    if_allowed(end, end.as_f64().is_none_or(|end| !end.is_finite() || end.abs() <= MAX_RANGE_END))
}

/// An argument of a function that reads or writes by a picture.
fn picture(given: &[JValue]) -> Answer {
    let [value] = arguments("", given)?;
    let is_allowed = match value {
        JValue::String(text) => is_picture_allowed(text),
        JValue::Object(_) | JValue::Array(_) => !guard::is_larger(value, MAX_OPTIONS_BYTES),
        _ => true,
    };
    if_allowed(value, is_allowed)
}

fn is_picture_allowed(text: &str) -> bool {
    text.chars().take(MAX_PICTURE_CHARS + 1).count() <= MAX_PICTURE_CHARS && !has_wide_component(text)
}

/// Whether a picture has a component such as `[Y,1000000]`.
fn has_wide_component(text: &str) -> bool {
    text.split('[').skip(1).any(|component| {
        let component = component.split(']').next().unwrap_or_default();
        let widths = component.split(',').skip(1).flat_map(|width| width.split('-'));
        widths.map(str::trim).any(|width| {
            let digits = width.chars().filter(char::is_ascii_digit).count();
            digits > 0 && width.parse::<usize>().map_or(digits > 3, |width| width > MAX_PICTURE_WIDTH)
        })
    })
}

/// Notes how large a first argument is: a number, the bytes of a text, the items of an array.
fn noted(given: &[JValue], notes: &Notes) -> Answer {
    let [value] = arguments("", given)?;
    notes.0.borrow_mut().push(match value {
        JValue::Number(number) => number.abs(),
        JValue::String(text) => text.len() as f64,
        JValue::Array(items) => items.len() as f64,
        _ => 1.0,
    });
    Ok(value.clone())
}

fn take_note(notes: &Notes) -> f64 {
    notes.0.borrow_mut().pop().unwrap_or(f64::INFINITY)
}

/// The picture of `$formatInteger`, whose number has been noted.
fn integer_picture(given: &[JValue], notes: &Notes) -> Answer {
    let [value] = arguments("", given)?;
    let number = take_note(notes);
    let Some(text) = value.as_str() else { return Ok(value.clone()) };
    let is_roman = text.starts_with(['i', 'I']);
    if_allowed(value, is_picture_allowed(text) && !(is_roman && number > MAX_ROMAN))
}

/// A text that is put between items or replaces matches, of which there may be as many as have been noted.
fn piece(given: &[JValue], notes: &Notes) -> Answer {
    let [value] = arguments("", given)?;
    let count = take_note(notes);
    let length = value.as_str().map_or(0, str::len) as f64;
    if_allowed(value, length == 0.0 || (count + 1.0) * length <= MAX_MADE_BYTES)
}

/// The width that a text is padded to.
fn width(given: &[JValue]) -> Answer {
    let [width] = arguments("", given)?;
    if_allowed(width, width.as_f64().is_none_or(|width| width.abs() <= guard::MAX_VALUE_BYTES as f64))
}

fn split(given: &[JValue]) -> Answer {
    let [text] = arguments("", given)?;
    if_allowed(text, text.as_str().is_none_or(|text| text.len() <= MAX_SPLIT_BYTES))
}

/// How many matches are looked for.
fn limit(given: &[JValue]) -> Answer {
    let [limit] = arguments("", given)?;
    Ok(match limit {
        JValue::Undefined => JValue::Number(MAX_MATCHES as f64 + 1.0),
        JValue::Number(number) => JValue::Number(number.min(MAX_MATCHES as f64 + 1.0)),
        other => other.clone(),
    })
}

fn matches(given: &[JValue]) -> Answer {
    let [found] = arguments("", given)?;
    if_allowed(found, found.as_array().is_none_or(|found| found.len() <= MAX_MATCHES))
}

/// One of so many arrays that are put side by side.
fn zipped(given: &[JValue]) -> Answer {
    let [array, count] = arguments("", given)?;
    let items = array.as_array().map_or(1, Vec::len) as f64;
    if_allowed(array, items * count.as_f64().unwrap_or(1.0) <= 2.0 * super::MAX_SEQUENCE as f64)
}

/// A value that is written with two spaces before each line for each level.
fn indented(given: &[JValue]) -> Answer {
    fn spend(value: &JValue, budget: &mut usize, depth: usize) -> Option<()> {
        *budget = budget.checked_sub(2 * depth + 8)?;
        match value {
            JValue::Array(items) => items.iter().try_for_each(|item| spend(item, budget, depth + 1)),
            JValue::Object(entries) => entries.values().try_for_each(|item| spend(item, budget, depth + 1)),
            _ => Some(()),
        }
    }
    let [value] = arguments("", given)?;
    let mut budget = MAX_MADE_BYTES as usize;
    if_allowed(value, !guard::is_too_large(value) && spend(value, &mut budget, 0).is_some())
}

/// `$distinct`, in a time that grows with the items and not with their square.
fn distinct(given: &[JValue]) -> Answer {
    let [value] = arguments("distinct", given)?;
    let JValue::Array(items) = value else { return Ok(value.clone()) };
    if items.len() <= 1 {
        return Ok(value.clone());
    }
    if guard::is_too_large(value) {
        return too_much();
    }
    let hashing = RandomState::new();
    let mut seen: HashMap<u64, Vec<&JValue>> = HashMap::new();
    let mut kept = Vec::new();
    for item in items.iter() {
        let mut hasher = hashing.build_hasher();
        hash_value(item, &hashing, &mut hasher);
        let alike = seen.entry(hasher.finish()).or_default();
        if !alike.iter().any(|known| values_equal(known, item)) {
            alike.push(item);
            kept.push(item.clone());
        }
    }
    let mut kept = JValue::array(kept);
    if items.sequence {
        kept.mark_sequence();
    }
    Ok(kept)
}

/// Equal values hash alike: the order of members does not count, and neither does the sign of zero.
fn hash_value(value: &JValue, hashing: &RandomState, hasher: &mut impl Hasher) {
    match value {
        JValue::Bool(value) => value.hash(hasher),
        JValue::Number(number) => (number + 0.0).to_bits().hash(hasher),
        JValue::String(text) => text.hash(hasher),
        JValue::Array(items) => {
            items.len().hash(hasher);
            items.iter().for_each(|item| hash_value(item, hashing, hasher));
        }
        JValue::Object(entries) => {
            let members = entries.iter().map(|(key, value)| {
                let mut hasher = hashing.build_hasher();
                key.hash(&mut hasher);
                hash_value(value, hashing, &mut hasher);
                hasher.finish()
            });
            members.fold(0_u64, u64::wrapping_add).hash(hasher);
        }
        _ => {}
    }
}

/// `$keys`: those of an object, or of all objects of an array, each once.
fn keys(given: &[JValue]) -> Answer {
    let [value] = arguments("keys", given)?;
    let mut keys = Vec::new();
    match value {
        JValue::Object(entries) => keys.extend(entries.keys().map(|key| JValue::string(key.as_str()))),
        JValue::Array(items) => {
            let mut seen = std::collections::HashSet::new();
            let members = items.iter().filter_map(|item| item.as_object()).flat_map(|entries| entries.keys());
            keys.extend(
                members.filter(|key| seen.insert(key.as_str())).map(|key| JValue::string(key.as_str())),
            );
        }
        _ => {}
    }
    if keys.len() > super::MAX_SEQUENCE {
        return too_much();
    }
    Ok(JValue::sequence(keys).unwrap_sequence())
}
