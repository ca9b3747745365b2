//! Reading a pattern. The reasons of refusal are those of AWS's Event Ruler, without the place in the text.

use std::net::IpAddr;

use serde_json::{Map, Value};

use super::matcher::{Bound, Cidr, Matcher, Range, Text, Wildcard};
use super::{Fields, Node};

/// How deep a pattern may nest.
const MAX_DEPTH: usize = 64;

/// Members that have another meaning in conditions, and so cannot be members of an alternative.
const RESERVED: [&str; 9] = [
    "exactly",
    "prefix",
    "suffix",
    "anything-but",
    "numeric",
    "exists",
    "cidr",
    "equals-ignore-case",
    "wildcard",
];

pub(super) fn pattern(text: &str) -> Result<Fields, String> {
    match serde_json::from_str(text) {
        Ok(Value::Object(members)) => fields(&members, Place::Outside, 0),
        Ok(_) => Err("Filter is not an object".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Where an object of a pattern is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Outside,
    /// In a list of alternatives.
    InOr,
}

fn fields(object: &Map<String, Value>, place: Place, depth: usize) -> Result<Fields, String> {
    if object.is_empty() {
        return Err("Empty objects are not allowed".to_owned());
    }
    if depth > MAX_DEPTH {
        return Err("The pattern is nested too deep".to_owned());
    }
    let mut fields = Fields::default();
    for (name, value) in object {
        if name == "$or" {
            fields.alternatives.push(alternatives(value, depth)?);
            continue;
        }
        if place == Place::InOr && RESERVED.contains(&name.as_str()) {
            return Err(format!("{name} is Ruler reserved fieldName which cannot be used inside $or."));
        }
        let node = match value {
            Value::Object(members) => Node::Object(self::fields(members, place, depth + 1)?),
            Value::Array(items) if items.is_empty() => return Err("Empty arrays are not allowed".to_owned()),
            Value::Array(items) => Node::Leaf(items.iter().map(matcher).collect::<Result<_, _>>()?),
            _ => return Err(format!("\"{name}\" must be an object or an array")),
        };
        fields.members.push(nested(name, node));
    }
    Ok(fields)
}

/// `a.b` is the member `b` of the member `a`.
fn nested(name: &str, node: Node) -> (String, Node) {
    match name.split_once('.') {
        Some((outer, inner)) => {
            let members = vec![nested(inner, node)];
            (outer.to_owned(), Node::Object(Fields { members, alternatives: Vec::new() }))
        }
        None => (name.to_owned(), node),
    }
}

fn alternatives(value: &Value, depth: usize) -> Result<Vec<Fields>, String> {
    let Value::Array(items) = value else {
        return Err("It must be an Array followed with $or.".to_owned());
    };
    let read = items.iter().map(|item| match item {
        Value::Object(members) => fields(members, Place::InOr, depth + 1),
        _ => Err("Only JSON object is allowed in array of $or relationship.".to_owned()),
    });
    let read: Vec<Fields> = read.collect::<Result<_, _>>()?;
    if read.len() < 2 {
        return Err("There must have at least 2 Objects in $or relationship.".to_owned());
    }
    Ok(read)
}

fn matcher(value: &Value) -> Result<Matcher, String> {
    match value {
        Value::Object(members) => {
            let (name, argument) = only_member(members)?.ok_or("Match expression name not found")?;
            condition(name, argument)
        }
        Value::Array(_) => Err("Match value must be String, number, true, false, or null".to_owned()),
        value => Ok(Matcher::Exactly(value.clone())),
    }
}

/// The one member of a condition.
fn only_member(members: &Map<String, Value>) -> Result<Option<(&String, &Value)>, String> {
    if members.len() > 1 {
        return Err("Only one key allowed in match expression".to_owned());
    }
    Ok(members.iter().next())
}

fn condition(name: &str, argument: &Value) -> Result<Matcher, String> {
    let text = || argument.as_str().ok_or_else(|| format!("{name} match pattern must be a string"));
    match name {
        "exactly" => text()
            .map(|text| Matcher::Exactly(text.into()))
            .map_err(|_| "exact match pattern must be a string".into()),
        "prefix" => Ok(Matcher::Prefix(cased(name, argument)?)),
        "suffix" => Ok(Matcher::Suffix(cased(name, argument)?)),
        "equals-ignore-case" => Ok(Matcher::EqualsIgnoreCase(text()?.to_lowercase())),
        "wildcard" => Ok(Matcher::Wildcard(wildcard(text()?)?)),
        "numeric" => Ok(Matcher::Numeric(range(argument)?)),
        "exists" => match argument {
            Value::Bool(expected) => Ok(Matcher::Exists(*expected)),
            _ => Err("exists match pattern must be either true or false.".to_owned()),
        },
        // The Event Ruler says prefix here, too.
        "cidr" => Ok(Matcher::Cidr(cidr(argument.as_str().ok_or("prefix match pattern must be a string")?)?)),
        "anything-but" => anything_but(argument),
        _ => Err(format!("Unrecognized match type {name}")),
    }
}

/// The argument of `prefix` or `suffix`: a text, or one in any case.
fn cased(name: &str, argument: &Value) -> Result<Text, String> {
    match argument {
        Value::String(text) => Ok(Text::AsItIs(text.clone())),
        Value::Object(members) => match only_member(members)? {
            Some((inner, Value::String(text))) if inner == "equals-ignore-case" => {
                Ok(Text::AnyCase(text.to_lowercase()))
            }
            Some((inner, _)) if inner == "equals-ignore-case" => {
                Err("equals-ignore-case match pattern must be a string".to_owned())
            }
            Some((inner, _)) => Err(format!("Unsupported {name} pattern: {inner}")),
            None => Err(format!("{name} expression name not found")),
        },
        _ => Err(format!("{name} match pattern must be a string")),
    }
}

fn anything_but(argument: &Value) -> Result<Matcher, String> {
    match argument {
        Value::String(_) | Value::Number(_) => {
            Ok(Matcher::AnythingBut(vec![Matcher::Exactly(argument.clone())]))
        }
        Value::Array(items) => {
            if items.iter().any(|item| !item.is_string() && !item.is_number()) {
                return Err("Inside anything but list, start|null|boolean is not supported.".to_owned());
            }
            let strings = items.iter().filter(|item| item.is_string()).count();
            if items.is_empty() || (strings != 0 && strings != items.len()) {
                return Err(
                    "Inside anything but list, either all values are number or string, mixed type is not supported"
                        .to_owned(),
                );
            }
            Ok(Matcher::AnythingBut(items.iter().cloned().map(Matcher::Exactly).collect()))
        }
        Value::Object(members) => {
            let (name, argument) = only_member(members)?.ok_or("Anything-But expression name not found")?;
            anything_but_condition(name, argument)
        }
        _ => Err("Value of anything-but must be an array or single string/number value.".to_owned()),
    }
}

/// `anything-but` over another condition, which takes a text or a list of texts.
fn anything_but_condition(name: &str, argument: &Value) -> Result<Matcher, String> {
    if !matches!(name, "prefix" | "suffix" | "equals-ignore-case" | "wildcard") {
        return Err(format!("Unsupported anything-but pattern: {name}"));
    }
    let items = match argument {
        Value::Array(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    let is_end = matches!(name, "prefix" | "suffix");
    let read = items.iter().map(|item| match item {
        Value::String(text) if text.is_empty() && is_end => Err("Null prefix/suffix not allowed".to_owned()),
        Value::String(_) => condition(name, item),
        Value::Object(_) if is_end => {
            Err("Value of anything-but must be an array or single string/number value.".to_owned())
        }
        _ if is_end => Err("prefix/suffix match pattern must be a string".to_owned()),
        _ if name == "wildcard" => Err("wildcard match pattern must be a string".to_owned()),
        _ => Err(format!("Inside anything-but/{name} list, number|start|null|boolean is not supported.")),
    });
    let read: Vec<Matcher> = read.collect::<Result<_, _>>()?;
    if read.is_empty() {
        return Err("Empty arrays are not allowed".to_owned());
    }
    Ok(Matcher::AnythingBut(read))
}

fn range(argument: &Value) -> Result<Range, String> {
    let Value::Array(items) = argument else {
        return Err("Value of numeric must be an array.".to_owned());
    };
    let operator = |index: usize| match items.get(index) {
        Some(Value::String(operator)) => Ok(operator.as_str()),
        other => Err(other.map(Value::to_string).unwrap_or_default()),
    };
    let number = |index: usize, of: &str| {
        items.get(index).and_then(Value::as_f64).ok_or_else(|| format!("Value of {of} must be numeric"))
    };
    let first = operator(0).map_err(|found| format!("Invalid member in numeric match: {found}"))?;
    let ends_after = |count: usize| {
        if items.len() > count { Err("Too many elements in numeric expression".to_owned()) } else { Ok(()) }
    };
    let bottom = match first {
        "=" => {
            let value = number(1, "equals")?;
            ends_after(2)?;
            return Ok(Range { bottom: Bound::Closed(value), top: Bound::Closed(value) });
        }
        "<" | "<=" => {
            let value = number(1, first)?;
            ends_after(2)?;
            let top = if first == "<" { Bound::Open(value) } else { Bound::Closed(value) };
            return Ok(Range { bottom: Bound::None, top });
        }
        ">" => Bound::Open(number(1, first)?),
        ">=" => Bound::Closed(number(1, first)?),
        other => return Err(format!("Unrecognized numeric range operator: {other}")),
    };
    if items.len() == 2 {
        return Ok(Range { bottom, top: Bound::None });
    }
    let second = operator(2).map_err(|found| format!("Bad value in numeric range: {found}"))?;
    if !matches!(second, "<" | "<=") {
        return Err(format!("Bad numeric range operator: {second}"));
    }
    let top = number(3, second)?;
    if items.len() > 4 {
        return Err("Too many terms in numeric range expression".to_owned());
    }
    if number(1, first)? >= top {
        return Err("Bottom must be less than top".to_owned());
    }
    Ok(Range { bottom, top: if second == "<" { Bound::Open(top) } else { Bound::Closed(top) } })
}

fn cidr(text: &str) -> Result<Cidr, String> {
    let mut parts = text.split('/');
    let (Some(address), Some(bits), None) = (parts.next(), parts.next(), parts.next()) else {
        return Err("Malformed CIDR, one '/' required".to_owned());
    };
    let bits: i64 = bits.parse().map_err(|_| "Malformed CIDR, mask bits must be an integer")?;
    let bits = u32::try_from(bits).map_err(|_| "Malformed CIDR, mask bits must not be negative")?;
    let address: IpAddr = address.parse().map_err(|_| format!("Nonstandard IP address: {address}"))?;
    match address {
        IpAddr::V4(_) if bits > 31 => Err("IPv4 mask bits must be < 32".to_owned()),
        IpAddr::V6(_) if bits > 127 => Err("IPv6 mask bits must be < 128".to_owned()),
        _ => Ok(Cidr { address, bits }),
    }
}

fn wildcard(text: &str) -> Result<Wildcard, String> {
    let mut parts = vec![String::new()];
    // The Event Ruler counts the quotation mark before the text.
    let mut characters = (1..).zip(text.chars()).peekable();
    while let Some((position, character)) = characters.next() {
        match character {
            '*' => {
                if characters.peek().is_some_and(|(_, next)| *next == '*') {
                    return Err(format!("Consecutive wildcard characters at pos {position}"));
                }
                parts.push(String::new());
            }
            '\\' => match characters.next() {
                Some((_, escaped @ ('*' | '\\'))) => {
                    parts.last_mut().into_iter().for_each(|it| it.push(escaped))
                }
                _ => return Err(format!("Invalid escape character at pos {position}")),
            },
            other => parts.last_mut().into_iter().for_each(|it| it.push(other)),
        }
    }
    Ok(Wildcard(parts))
}
