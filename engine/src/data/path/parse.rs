//! Reading paths.

use std::sync::Arc;

use super::filter::{self, Operand};
use super::function::{Function, FunctionCall};
use super::{Cursor, JsonPath, PathError, Root, Route, Step};

/// What may come after a path.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// Nothing: the path is the whole text, and names may hold nearly any character.
    Text,
    /// A comma, a bracket, an operator or a space, none of which can then be part of a name without quotes.
    Delimiter,
}

/// How deep filters and function arguments may be nested in one another.
pub(super) const MAX_NESTING: usize = 16;

/// A path from its root on.
pub(super) fn path(cursor: &mut Cursor<'_>, ending: Ending) -> Result<JsonPath, PathError> {
    let start = cursor.offset();
    if !cursor.eat("$") {
        return cursor.fail("a path begins with `$`");
    }
    let root = if cursor.eat("$") {
        Root::Context
    } else {
        match cursor.identifier() {
            "" => Root::Input,
            name if name.starts_with(|c: char| c.is_numeric()) => {
                return cursor.fail("the name of a variable begins with a letter or `_`");
            }
            name => Root::Variable(name.into()),
        }
    };
    let route = route(cursor, ending, 0)?;
    Ok(JsonPath { text: cursor.since(start).into(), root, route })
}

/// The steps after a root or after `@`.
pub(super) fn route(cursor: &mut Cursor<'_>, ending: Ending, nesting: usize) -> Result<Route, PathError> {
    if nesting > MAX_NESTING {
        return cursor.fail("filters are nested too deep");
    }
    let mut route = Route::default();
    loop {
        if cursor.eat("..") {
            route.steps.push(Step::Descendants);
            match cursor.peek() {
                Some('[') => {}
                _ => named_step(cursor, ending, nesting, &mut route)?,
            }
        } else if cursor.eat(".") {
            // Jayway, and so AWS, takes a dot before a bracket: `$.a.['b c']`.
            if cursor.peek() != Some('[') {
                named_step(cursor, ending, nesting, &mut route)?;
            }
        } else if cursor.eat("[") {
            route.steps.push(bracket(cursor, nesting)?);
        } else {
            return Ok(route);
        }
        if route.function.is_some() {
            return Ok(route);
        }
    }
}

/// What comes after a dot: `*`, a name, or a function.
fn named_step(
    cursor: &mut Cursor<'_>,
    ending: Ending,
    nesting: usize,
    route: &mut Route,
) -> Result<(), PathError> {
    if cursor.eat("*") {
        route.steps.push(Step::Wildcard);
        return Ok(());
    }
    let name = cursor.take_while(|c| belongs_to_name(c, ending));
    if name.is_empty() {
        return cursor.fail("expected a name");
    }
    if !cursor.eat("(") {
        route.steps.push(Step::Property(name.into()));
        return Ok(());
    }
    let function = Function::named(name);
    let arguments = arguments(cursor, nesting)?;
    route.function = Some(Box::new(FunctionCall { function, arguments }));
    Ok(())
}

fn belongs_to_name(c: char, ending: Ending) -> bool {
    !matches!(c, '.' | '[' | ']' | '(' | ')' | '*' | '?' | '\'' | '"')
        && !c.is_whitespace()
        && (ending == Ending::Text || !matches!(c, ',' | '=' | '<' | '>' | '!' | '&' | '|' | '~' | '}' | '{'))
}

fn arguments(cursor: &mut Cursor<'_>, nesting: usize) -> Result<Vec<Operand>, PathError> {
    let mut arguments = Vec::new();
    cursor.skip_space();
    if cursor.eat(")") {
        return Ok(arguments);
    }
    loop {
        cursor.skip_space();
        arguments.push(filter::operand(cursor, nesting + 1)?);
        cursor.skip_space();
        if cursor.eat(")") {
            return Ok(arguments);
        }
        cursor.expect(",")?;
    }
}

/// The content between `[` and `]`, and the closing bracket.
fn bracket(cursor: &mut Cursor<'_>, nesting: usize) -> Result<Step, PathError> {
    cursor.skip_space();
    let step = match cursor.peek() {
        Some('*') => {
            cursor.next();
            Step::Wildcard
        }
        Some('?') => {
            cursor.next();
            cursor.skip_space();
            cursor.expect("(")?;
            let filter = filter::parse(cursor, nesting + 1)?;
            cursor.skip_space();
            cursor.expect(")")?;
            Step::Filter(filter)
        }
        Some('\'' | '"') => names(cursor)?,
        Some('-' | ':' | '0'..='9') => numbers(cursor)?,
        _ => return cursor.fail("expected a name in quotes, an index, a slice, `*` or a filter"),
    };
    cursor.skip_space();
    cursor.expect("]")?;
    Ok(step)
}

fn names(cursor: &mut Cursor<'_>) -> Result<Step, PathError> {
    let mut names: Vec<Arc<str>> = Vec::new();
    loop {
        cursor.skip_space();
        names.push(quoted(cursor)?.into());
        cursor.skip_space();
        if !cursor.eat(",") {
            break;
        }
    }
    Ok(if names.len() == 1 { Step::Property(names.remove(0)) } else { Step::Properties(names) })
}

/// A text in single or double quotes; a backslash takes the next character as it is.
pub(super) fn quoted(cursor: &mut Cursor<'_>) -> Result<String, PathError> {
    let Some(quote @ ('\'' | '"')) = cursor.next() else {
        return cursor.fail("expected a text in quotes");
    };
    let mut text = String::new();
    loop {
        match cursor.next() {
            Some('\\') => match cursor.next() {
                Some(escaped) => text.push(escaped),
                None => return cursor.fail("the text in quotes has no end"),
            },
            Some(c) if c == quote => return Ok(text),
            Some(c) => text.push(c),
            None => return cursor.fail("the text in quotes has no end"),
        }
    }
}

/// An index, several of them, or a slice.
fn numbers(cursor: &mut Cursor<'_>) -> Result<Step, PathError> {
    let first = number(cursor)?;
    cursor.skip_space();
    if cursor.eat(":") {
        cursor.skip_space();
        let to = number(cursor)?;
        cursor.skip_space();
        // Jayway reads a step and does nothing with it.
        if cursor.eat(":") {
            number(cursor)?;
        }
        if first.is_none() && to.is_none() {
            return cursor.fail("a slice has a beginning or an end");
        }
        return Ok(Step::Slice { from: first, to });
    }
    let Some(first) = first else { return cursor.fail("expected a number") };
    let mut indexes = vec![first];
    while cursor.eat(",") {
        cursor.skip_space();
        let Some(index) = number(cursor)? else { return cursor.fail("expected a number") };
        indexes.push(index);
        cursor.skip_space();
    }
    Ok(if indexes.len() == 1 { Step::Index(first) } else { Step::Indexes(indexes) })
}

fn number(cursor: &mut Cursor<'_>) -> Result<Option<i64>, PathError> {
    let start = cursor.offset();
    cursor.eat("-");
    cursor.take_while(|c| c.is_ascii_digit());
    match cursor.since(start) {
        "" => Ok(None),
        digits => match digits.parse::<i32>() {
            Ok(number) => Ok(Some(number.into())),
            Err(_) => cursor.fail("expected a number"),
        },
    }
}
