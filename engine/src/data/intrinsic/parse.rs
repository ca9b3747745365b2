//! Reading invocations.

use super::format::FormatTemplate;
use super::{Argument, Call, Function};
use crate::data::cursor::{Cursor, PathError};
use crate::data::{Json, JsonPath};

/// How deep invocations may be nested, as AWS documents it.
const MAX_NESTING: usize = 10;

pub(super) fn whole(text: &str) -> Result<Call, PathError> {
    let mut cursor = Cursor::new(text.trim());
    let call = call(&mut cursor, 0)?;
    if cursor.at_end() { Ok(call) } else { cursor.fail("unexpected character after an intrinsic function") }
}

fn call(cursor: &mut Cursor<'_>, nesting: usize) -> Result<Call, PathError> {
    if nesting > MAX_NESTING {
        return cursor.fail(format!("intrinsic functions are nested more than {MAX_NESTING} deep"));
    }
    let start = cursor.offset();
    if !cursor.eat("States.") {
        return cursor.fail("expected `States.` and the name of an intrinsic function");
    }
    let name = cursor.identifier();
    let Some(function) = Function::named(name) else {
        return cursor.fail(format!("unknown intrinsic function `States.{name}`"));
    };
    cursor.expect("(")?;
    let mut arguments = Vec::new();
    cursor.skip_space();
    if !cursor.eat(")") {
        loop {
            cursor.skip_space();
            let first_of_format = function == Function::Format && arguments.is_empty();
            arguments.push(argument(cursor, nesting, first_of_format)?);
            cursor.skip_space();
            if cursor.eat(")") {
                break;
            }
            cursor.expect(",")?;
        }
    }
    let (fewest, most) = function.arity();
    if !(fewest..=most).contains(&arguments.len()) {
        return cursor.fail(format!("`States.{name}` does not take {} arguments", arguments.len()));
    }
    Ok(Call { text: cursor.since(start).into(), function, arguments })
}

fn argument(cursor: &mut Cursor<'_>, nesting: usize, first_of_format: bool) -> Result<Argument, PathError> {
    match cursor.peek() {
        Some('$') => Ok(Argument::Path(JsonPath::parse_within(cursor)?)),
        Some('S') => Ok(Argument::Call(call(cursor, nesting + 1)?)),
        Some('\'') if first_of_format => {
            let raw = quoted(cursor)?;
            match FormatTemplate::parse(raw) {
                Ok(template) => Ok(Argument::Template(template)),
                Err(reason) => cursor.fail(reason),
            }
        }
        Some('\'') => {
            let raw = quoted(cursor)?;
            match unescape(raw) {
                Ok(text) => Ok(Argument::Literal(text.into())),
                Err(reason) => cursor.fail(reason),
            }
        }
        _ => {
            let word = cursor.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.'));
            match Json::parse(word) {
                Ok(value) => Ok(Argument::Literal(value)),
                Err(_) => cursor.fail("expected a text in quotes, a number, a path or an intrinsic function"),
            }
        }
    }
}

/// A text in single quotes, with its escapes still in it.
fn quoted<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str, PathError> {
    cursor.expect("'")?;
    let start = cursor.offset();
    loop {
        match cursor.peek() {
            Some('\'') => {
                let raw = cursor.since(start);
                cursor.next();
                return Ok(raw);
            }
            Some('\\') => {
                cursor.next();
                cursor.next();
            }
            Some(_) => {
                cursor.next();
            }
            None => return cursor.fail("the text in quotes has no end"),
        }
    }
}

/// Takes the backslash away before `'`, `{`, `}` and `\`; before anything else it is an error, as the spec says.
fn unescape(raw: &str) -> Result<String, String> {
    let mut text = String::with_capacity(raw.len());
    let mut characters = raw.chars();
    while let Some(c) = characters.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        match characters.next() {
            Some(escaped @ ('\'' | '{' | '}' | '\\')) => text.push(escaped),
            _ => return Err("a backslash stands before `'`, `{`, `}` or `\\` only".to_owned()),
        }
    }
    Ok(text)
}
