//! Filters: the conditions in `[?(…)]`.

use std::cmp::Ordering;

use regex::{Regex, RegexBuilder};

use super::parse::{self, Ending, MAX_NESTING};
use super::walk::{Miss, Walk};
use super::{Cursor, Json, PathError, Route, json};

#[derive(Clone, Debug)]
pub(super) enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    /// The path leads to a value.
    Exists(Operand),
    Compare(Operand, Operator, Operand),
    /// Without a pattern, for a text in its place, nothing matches.
    Matches(Operand, Option<Regex>),
}

/// One side of a comparison.
#[derive(Clone, Debug)]
pub(super) enum Operand {
    Literal(Json),
    /// `@…`: from the value that is filtered.
    Current(Route),
    /// `$…`: from the whole document.
    Document(Route),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    /// Equal, and of one type.
    Same,
    NotSame,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
    SubsetOf,
    Size,
    Empty,
    Contains,
}

/// Signs first by length, so that `<=` is not taken for `<`.
const OPERATORS: [(&str, Operator); 8] = [
    ("===", Operator::Same),
    ("!==", Operator::NotSame),
    ("==", Operator::Equal),
    ("!=", Operator::NotEqual),
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("<", Operator::Less),
    (">", Operator::Greater),
];

fn operator_word(word: &str) -> Option<Operator> {
    Some(match word.to_ascii_lowercase().as_str() {
        "in" => Operator::In,
        "nin" => Operator::NotIn,
        "subsetof" => Operator::SubsetOf,
        "size" => Operator::Size,
        "empty" => Operator::Empty,
        "contains" => Operator::Contains,
        _ => return None,
    })
}

/// A condition, up to what closes it.
pub(super) fn parse(cursor: &mut Cursor<'_>, nesting: usize) -> Result<Filter, PathError> {
    if nesting > MAX_NESTING {
        return cursor.fail("filters are nested too deep");
    }
    joined(cursor, "||", Filter::Or, |cursor| {
        joined(cursor, "&&", Filter::And, |cursor| condition(cursor, nesting))
    })
}

fn joined(
    cursor: &mut Cursor<'_>,
    sign: &str,
    join: fn(Vec<Filter>) -> Filter,
    mut part: impl FnMut(&mut Cursor<'_>) -> Result<Filter, PathError>,
) -> Result<Filter, PathError> {
    let mut parts = vec![part(cursor)?];
    loop {
        cursor.skip_space();
        if !cursor.eat(sign) {
            break;
        }
        parts.push(part(cursor)?);
    }
    Ok(if parts.len() == 1 { parts.remove(0) } else { join(parts) })
}

fn condition(cursor: &mut Cursor<'_>, nesting: usize) -> Result<Filter, PathError> {
    let mut negated = false;
    cursor.skip_space();
    while cursor.eat("!") {
        negated = !negated;
        cursor.skip_space();
    }
    let filter = if cursor.eat("(") {
        let inner = parse(cursor, nesting + 1)?;
        cursor.skip_space();
        cursor.expect(")")?;
        inner
    } else {
        comparison(cursor, nesting)?
    };
    Ok(if negated { Filter::Not(Box::new(filter)) } else { filter })
}

fn comparison(cursor: &mut Cursor<'_>, nesting: usize) -> Result<Filter, PathError> {
    let left = operand(cursor, nesting)?;
    cursor.skip_space();
    if cursor.eat("=~") {
        cursor.skip_space();
        if matches!(cursor.peek(), Some('\'' | '"')) {
            parse::quoted(cursor)?;
            return Ok(Filter::Matches(left, None));
        }
        return Ok(Filter::Matches(left, Some(pattern(cursor)?)));
    }
    let sign = OPERATORS.iter().find(|(sign, _)| cursor.rest().starts_with(sign));
    let operator = match sign {
        Some((sign, operator)) => {
            cursor.eat(sign);
            *operator
        }
        None => match cursor.identifier() {
            "" if matches!(left, Operand::Literal(_)) => return cursor.fail("expected an operator"),
            "" => return Ok(Filter::Exists(left)),
            word => match operator_word(word) {
                Some(operator) => operator,
                None => return cursor.fail(format!("unknown operator `{word}`")),
            },
        },
    };
    cursor.skip_space();
    let right = operand(cursor, nesting)?;
    Ok(Filter::Compare(left, operator, right))
}

/// A path from `@` or `$`, or a literal.
pub(super) fn operand(cursor: &mut Cursor<'_>, nesting: usize) -> Result<Operand, PathError> {
    if cursor.eat("@") {
        return Ok(Operand::Current(parse::route(cursor, Ending::Delimiter, nesting + 1)?));
    }
    if cursor.eat("$") {
        return Ok(Operand::Document(parse::route(cursor, Ending::Delimiter, nesting + 1)?));
    }
    match cursor.peek() {
        Some('\'' | '"') => Ok(Operand::Literal(Json::from(parse::quoted(cursor)?))),
        Some('[' | '{') => json_literal(cursor),
        _ => {
            let word = cursor.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'));
            let has_exponent =
                word.starts_with(|c: char| c == '-' || c.is_ascii_digit()) && word.contains(['e', 'E']);
            match Json::parse(word) {
                Ok(_) if has_exponent => cursor.fail("a number in a filter has no exponent"),
                Ok(value) => Ok(Operand::Literal(value)),
                Err(_) => {
                    cursor.fail("expected a path, a text in quotes, a number, `true`, `false` or `null`")
                }
            }
        }
    }
}

/// A literal array or object: up to its closing bracket, with texts in single quotes allowed as Jayway does.
fn json_literal(cursor: &mut Cursor<'_>) -> Result<Operand, PathError> {
    let mut text = String::new();
    let mut open = 0usize;
    while let Some(c) = cursor.peek() {
        match c {
            '\'' | '"' => {
                json::quote(&parse::quoted(cursor)?, &mut text);
                continue;
            }
            '[' | '{' => open += 1,
            ']' | '}' => open -= 1,
            _ => {}
        }
        text.push(c);
        cursor.next();
        if open == 0 {
            break;
        }
    }
    match Json::parse(&text) {
        Ok(value) => Ok(Operand::Literal(value)),
        Err(error) => cursor.fail(error.message),
    }
}

/// `/pattern/flags`; the whole text has to match.
fn pattern(cursor: &mut Cursor<'_>) -> Result<Regex, PathError> {
    cursor.expect("/")?;
    let mut pattern = String::new();
    loop {
        match cursor.next() {
            Some('/') => break,
            Some('\\') => match cursor.next() {
                Some('/') => pattern.push('/'),
                Some(escaped) => pattern.extend(['\\', escaped]),
                None => return cursor.fail("the pattern has no end"),
            },
            Some(c) => pattern.push(c),
            None => return cursor.fail("the pattern has no end"),
        }
    }
    let flags = cursor.take_while(|c| c.is_ascii_alphabetic());
    let built = RegexBuilder::new(&format!(r"\A(?:{pattern})\z"))
        .case_insensitive(flags.contains('i'))
        .multi_line(flags.contains('m'))
        .dot_matches_new_line(flags.contains('s'))
        .ignore_whitespace(flags.contains('x'))
        .size_limit(1 << 20)
        .build();
    built.or_else(|_| cursor.fail("the pattern is not a regular expression"))
}

impl Filter {
    /// Whether a value passes.
    pub(super) fn accepts(&self, value: &Json, walk: &Walk<'_>) -> Result<bool, Miss> {
        match self {
            Filter::And(parts) => {
                for part in parts {
                    if !part.accepts(value, walk)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Filter::Or(parts) => {
                for part in parts {
                    if part.accepts(value, walk)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Filter::Not(part) => Ok(!part.accepts(value, walk)?),
            Filter::Exists(operand) => Ok(operand.resolve(value, walk)?.is_some()),
            Filter::Matches(operand, regex) => {
                let (Some(value), Some(regex)) = (operand.resolve(value, walk)?, regex) else {
                    return Ok(false);
                };
                Ok(match &value {
                    Json::String(text) => regex.is_match(text),
                    other => regex.is_match(&other.to_text()),
                })
            }
            Filter::Compare(left, operator, right) => {
                let (left, right) = (left.resolve(value, walk)?, right.resolve(value, walk)?);
                Ok(match (left, right) {
                    (Some(left), Some(right)) => compare(&left, *operator, &right),
                    // What is not there equals nothing, and so differs from everything.
                    _ => matches!(operator, Operator::NotEqual | Operator::NotSame | Operator::NotIn),
                })
            }
        }
    }
}

impl Operand {
    /// The value, or nothing where the path leads nowhere.
    pub(super) fn resolve(&self, value: &Json, walk: &Walk<'_>) -> Result<Option<Json>, Miss> {
        let found = match self {
            Operand::Literal(literal) => return Ok(Some(literal.clone())),
            Operand::Current(route) => walk.evaluate(route, value),
            Operand::Document(route) => walk.evaluate(route, walk.document()),
        };
        match found.or_else(Miss::null_past_end) {
            Ok(value) => Ok(Some(value)),
            Err(Miss::TooMuch) => Err(Miss::TooMuch),
            Err(_) => Ok(None),
        }
    }
}

fn compare(left: &Json, operator: Operator, right: &Json) -> bool {
    let items = |value: &Json| value.as_array().map(<[Json]>::to_vec).unwrap_or_default();
    let among = |value: &Json, list: &Json| items(list).iter().any(|item| equal(value, item));
    match operator {
        Operator::Equal => equal(left, right),
        Operator::NotEqual => !equal(left, right),
        Operator::Same => left.type_name() == right.type_name() && equal(left, right),
        Operator::NotSame => left.type_name() != right.type_name() || !equal(left, right),
        Operator::Less => order(left, right) == Some(Ordering::Less),
        Operator::LessOrEqual => order(left, right).is_some_and(Ordering::is_le),
        Operator::Greater => order(left, right) == Some(Ordering::Greater),
        Operator::GreaterOrEqual => order(left, right).is_some_and(Ordering::is_ge),
        Operator::In => among(left, right),
        Operator::NotIn => !among(left, right),
        Operator::SubsetOf => left.is_array() && items(left).iter().all(|item| among(item, right)),
        Operator::Size => {
            !left.is_object() && length(left).is_some_and(|length| Json::from(length) == *right)
        }
        Operator::Empty => length(left).map(|length| length == 0) == right.as_bool(),
        Operator::Contains => match (left, right) {
            (Json::String(text), Json::String(part)) => text.contains(&**part),
            (Json::Array(_), _) => among(right, left),
            _ => false,
        },
    }
}

/// Equality as Jayway has it: a number equals a text that reads as that number, a text a number that is written so.
fn equal(left: &Json, right: &Json) -> bool {
    match (left, right) {
        (Json::Number(number), Json::String(text)) => {
            text.parse::<f64>().is_ok_and(|value| value == number.as_f64())
        }
        (Json::String(text), Json::Number(_)) => **text == *right.to_text(),
        _ => left == right,
    }
}

fn order(left: &Json, right: &Json) -> Option<Ordering> {
    match (left, right) {
        (Json::Number(left), Json::Number(right)) => Some(left.cmp(right)),
        (Json::String(left), Json::String(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

fn length(value: &Json) -> Option<usize> {
    match value {
        Json::String(text) => Some(text.chars().count()),
        Json::Array(items) => Some(items.len()),
        Json::Object(object) => Some(object.len()),
        _ => None,
    }
}
