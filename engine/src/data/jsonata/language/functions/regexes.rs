//! Functions that search: for texts, for patterns, or with a function of the expression as the matcher.

use std::rc::Rc;
use std::sync::Arc;

use indexmap::IndexMap;

use super::super::error::{Error, Outcome};
use super::super::evaluate::Evaluator;
use super::super::function::{Function, NextMatch};
use super::super::number;
use super::super::regex::Regex;
use super::super::text::{is_truthy, offset_of_unit, units};
use super::super::value::Value;
use super::{argument, double, text, type_error};

/// A match.
struct Found {
    text: Value,
    /// In bytes.
    start: usize,
    end: usize,
    groups: Vec<Value>,
    next: Next,
}

enum Next {
    Pattern { regex: Arc<Regex>, from: usize },
    Function(Value),
}

/// The pattern behind a function.
fn pattern_of(function: &Value) -> Option<&Arc<Regex>> {
    match function {
        Value::Function(function) => match &**function {
            Function::Pattern(regex) => Some(regex),
            Function::Wrapped { function, .. } => pattern_of(function),
            _ => None,
        },
        _ => None,
    }
}

fn first(cx: &mut Evaluator<'_>, matcher: &Value, text: &Arc<str>) -> Outcome<Option<Found>> {
    if let Some(regex) = pattern_of(matcher) {
        return search(cx, regex, text, 0);
    }
    if !matcher.is_function() {
        return type_error("matcher");
    }
    let answer = cx.apply_argument(matcher, vec![Value::Text(Arc::clone(text))])?;
    found_by_function(answer, text)
}

fn following(cx: &mut Evaluator<'_>, found: Next, text: &Arc<str>) -> Outcome<Option<Found>> {
    match found {
        Next::Pattern { regex, from } => {
            if from >= text.len() {
                return Ok(None);
            }
            let next = search(cx, &regex, text, from)?;
            if next.as_ref().is_some_and(|next| next.start == next.end) {
                return Err(Error::new("D1004").with_value_text(&regex.source));
            }
            Ok(next)
        }
        Next::Function(next) => {
            let answer = cx.apply_argument(&next, vec![Value::Undefined])?;
            found_by_function(answer, text)
        }
    }
}

fn search(
    cx: &mut Evaluator<'_>,
    regex: &Arc<Regex>,
    text: &Arc<str>,
    from: usize,
) -> Outcome<Option<Found>> {
    let Some(found) = regex.find(text, from, &mut cx.meter)? else { return Ok(None) };
    cx.meter.object(found.len() + 8)?;
    let mut parts = found.iter().map(|range| match range {
        Some((start, end)) => Value::from(&text[*start..*end]),
        None => Value::Undefined,
    });
    let whole = parts.next().unwrap_or_default();
    let groups = parts.collect();
    let (start, end) = found.first().copied().flatten().unwrap_or((from, from));
    Ok(Some(Found {
        text: whole,
        start,
        end,
        groups,
        next: Next::Pattern { regex: Arc::clone(regex), from: end },
    }))
}

/// A match as a function of the expression describes it.
fn found_by_function(answer: Value, text: &str) -> Outcome<Option<Found>> {
    let object = match &answer {
        Value::Undefined => return Ok(None),
        Value::Object(object) => object,
        other if is_truthy(other) => return Err(Error::new("T1010")),
        _ => return type_error("matcher"),
    };
    let (start, end, groups, next) =
        (object.get("start"), object.get("end"), object.get("groups"), object.get("next"));
    if start.as_double().is_none() && !groups.is_array() && !next.is_function() {
        return Err(Error::new("T1010"));
    }
    let offset = |value: &Value| offset_of_unit(text, value.as_double().unwrap_or(f64::NAN));
    Ok(Some(Found {
        text: object.get("match"),
        start: offset(&start),
        end: offset(&end),
        groups: super::super::evaluate::flat(&groups),
        next: Next::Function(next),
    }))
}

/// A pattern that is called.
pub(crate) fn call(cx: &mut Evaluator<'_>, regex: &Arc<Regex>, args: &[Value]) -> Outcome<Value> {
    let Value::Text(text) = argument(args, 0) else { return type_error("pattern") };
    let from = offset_of_unit(text, argument(args, 1).as_double().unwrap_or(0.0));
    match search(cx, regex, text, from)? {
        Some(found) => described(cx, found, text),
        None => Ok(Value::Undefined),
    }
}

/// `next` of what a called pattern gives.
pub(crate) fn call_next(cx: &mut Evaluator<'_>, next: &NextMatch) -> Outcome<Value> {
    let following =
        following(cx, Next::Pattern { regex: Arc::clone(&next.regex), from: next.from }, &next.text)?;
    match following {
        Some(found) => described(cx, found, &next.text),
        None => Ok(Value::Undefined),
    }
}

fn described(cx: &mut Evaluator<'_>, found: Found, text: &Arc<str>) -> Outcome<Value> {
    let unit = |offset: usize| Value::Number(units(&text[..offset]) as f64);
    let next = match found.next {
        Next::Pattern { regex, from } => {
            Value::Function(Rc::new(Function::NextMatch(NextMatch { regex, text: Arc::clone(text), from })))
        }
        Next::Function(function) => function,
    };
    let entries = IndexMap::from([
        ("match".into(), found.text),
        ("start".into(), unit(found.start)),
        ("end".into(), unit(found.end)),
        ("groups".into(), Value::array(found.groups, &mut cx.meter)?),
        ("next".into(), next),
    ]);
    Value::object(entries, &mut cx.meter)
}

pub(super) fn contains(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    let Some(whole) = text("contains", args, 0)? else { return Ok(Value::Undefined) };
    Ok(Value::Bool(match argument(args, 1) {
        Value::Text(part) => {
            cx.meter.steps(whole.len() / 16)?;
            whole.contains(&**part)
        }
        matcher => first(cx, matcher, whole)?.is_some(),
    }))
}

pub(super) fn find(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    let Some(whole) = text("match", args, 0)? else { return Ok(Value::Undefined) };
    let limit = double("match", args, 2)?;
    if limit.is_some_and(|limit| limit < 0.0) {
        return Err(Error::new("D3040"));
    }
    let limit = limit.unwrap_or(f64::INFINITY);
    let mut matches = Vec::new();
    let (mut offset, mut unit) = (0, 0);
    let mut found = if limit > 0.0 { first(cx, argument(args, 1), whole)? } else { None };
    while let Some(this) = found {
        if matches.len() as f64 >= limit {
            break;
        }
        let index = if this.start >= offset {
            unit + units(&whole[offset..this.start])
        } else {
            units(&whole[..this.start])
        };
        (offset, unit) = (this.start, index);
        let entries = IndexMap::from([
            ("match".into(), this.text),
            ("index".into(), Value::Number(index as f64)),
            ("groups".into(), Value::array(this.groups, &mut cx.meter)?),
        ]);
        matches.push(Value::object(entries, &mut cx.meter)?);
        found = following(cx, this.next, whole)?;
    }
    Value::sequence(matches, &mut cx.meter)
}

pub(super) fn split(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    let Some(whole) = text("split", args, 0)? else { return Ok(Value::Undefined) };
    let limit = double("split", args, 2)?;
    if limit.is_some_and(|limit| limit < 0.0) {
        return Err(Error::new("D3020"));
    }
    let limit = limit.unwrap_or(f64::INFINITY);
    let mut parts: Vec<Value> = Vec::new();
    if limit > 0.0 {
        match argument(args, 1) {
            Value::Text(separator) => {
                let pieces = if separator.is_empty() {
                    whole.chars().count()
                } else {
                    whole.matches(&**separator).count() + 1
                };
                let most = if limit.is_finite() { pieces.min(limit as usize) } else { pieces };
                cx.meter.array(most * 2)?;
                if separator.is_empty() {
                    parts.extend(whole.chars().take(most).map(|part| Value::from(&*part.to_string())));
                } else {
                    parts.extend(whole.split(&**separator).take(most).map(Value::from));
                }
            }
            matcher => {
                let mut start = 0;
                let mut found = first(cx, matcher, whole)?;
                while let Some(this) = found {
                    if parts.len() as f64 >= limit {
                        break;
                    }
                    parts.push(Value::from(&whole[start.min(this.start)..this.start]));
                    start = this.end;
                    found = following(cx, this.next, whole)?;
                }
                if (parts.len() as f64) < limit {
                    parts.push(Value::from(&whole[start..]));
                }
            }
        }
    }
    Value::array(parts, &mut cx.meter)
}

pub(super) fn replace(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    let Some(whole) = text("replace", args, 0)? else { return Ok(Value::Undefined) };
    if argument(args, 1).as_text().is_some_and(|pattern| pattern.is_empty()) {
        return Err(Error::new("D3010"));
    }
    let limit = double("replace", args, 3)?;
    if limit.is_some_and(|limit| limit < 0.0) {
        return Err(Error::new("D3011"));
    }
    let limit = limit.unwrap_or(f64::INFINITY);
    if limit <= 0.0 || limit.is_nan() {
        return Ok(args[0].clone());
    }
    let mut replaced = String::new();
    let mut position = 0;
    let mut count = 0.0;
    if let Value::Text(pattern) = argument(args, 1) {
        while let Some(at) = whole[position..].find(&**pattern).filter(|_| count < limit) {
            replaced.push_str(&whole[position..position + at]);
            match argument(args, 2) {
                Value::Text(replacement) => replaced.push_str(replacement),
                Value::Undefined => replaced.push_str("undefined"),
                _ => return type_error("replace"),
            }
            position += at + pattern.len();
            count += 1.0;
            cx.meter.steps(1 + at / 16)?;
            if replaced.len() > cx.meter.text_limit() {
                return Err(Error::memory());
            }
        }
        replaced.push_str(&whole[position..]);
        return Value::text(replaced, &mut cx.meter);
    }
    let mut found = first(cx, argument(args, 1), whole)?;
    while let Some(this) = found {
        if count >= limit {
            break;
        }
        replaced.push_str(whole.get(position..this.start).unwrap_or_default());
        replaced.push_str(&replacement(cx, argument(args, 2), &this, whole)?);
        if replaced.len() > cx.meter.text_limit() {
            return Err(Error::memory());
        }
        let length = this.text.as_text().map_or(0, |text| text.len());
        position = (this.start + length).min(whole.len());
        count += 1.0;
        found = following(cx, this.next, whole)?;
    }
    replaced.push_str(whole.get(position..).unwrap_or_default());
    Value::text(replaced, &mut cx.meter)
}

/// What a match is replaced by.
fn replacement(cx: &mut Evaluator<'_>, with: &Value, found: &Found, whole: &Arc<str>) -> Outcome<String> {
    let function = match with {
        Value::Text(template) => return Ok(filled(template, found)),
        Value::Function(_) => with,
        _ => return type_error("replace"),
    };
    let next = match &found.next {
        Next::Pattern { regex, from } => Next::Pattern { regex: Arc::clone(regex), from: *from },
        Next::Function(next) => Next::Function(next.clone()),
    };
    let copy = Found { text: found.text.clone(), groups: found.groups.clone(), next, ..*found };
    let described = described(cx, copy, whole)?;
    match cx.apply_argument(function, vec![described])? {
        Value::Text(text) => Ok(text.to_string()),
        _ => Err(Error::new("D3012")),
    }
}

/// A text with `$0`, `$1`, … and `$$`.
fn filled(template: &str, found: &Found) -> String {
    let characters: Vec<char> = template.chars().collect();
    let part = |from: usize, to: usize| -> String {
        characters[from.min(characters.len())..to.min(characters.len())].iter().collect()
    };
    let groups = found.groups.len();
    let digits = if groups == 0 { 1 } else { (groups as f64).log10().floor() as usize + 1 };
    let mut filled = String::new();
    let mut position = 0;
    while let Some(dollar) = characters.iter().skip(position).position(|&character| character == '$') {
        let dollar = position + dollar;
        filled.push_str(&part(position, dollar));
        position = dollar + 1;
        match characters.get(position) {
            Some('$') => {
                filled.push('$');
                position += 1;
            }
            Some('0') => {
                filled.push_str(found.text.as_text().map_or("", |text| text));
                position += 1;
            }
            _ => {
                let mut index = number::parse_int(&part(position, position + digits));
                if digits > 1 && index > groups as f64 {
                    index = number::parse_int(&part(position, position + digits - 1));
                }
                if index.is_nan() {
                    filled.push('$');
                } else {
                    let group = (index >= 1.0).then(|| found.groups.get(index as usize - 1)).flatten();
                    filled.push_str(group.and_then(Value::as_text).map_or("", |text| text));
                    position += number::to_text(index).len();
                }
            }
        }
    }
    filled.push_str(&part(position, characters.len()));
    filled
}
