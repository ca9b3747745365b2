//! AWS's words for what goes wrong in an expression.
//!
//! AWS returns the messages of the reference implementation; some of the evaluator's own differ.

use jsonata_core::parser::ParserError;

/// What the evaluator and the measuring functions say when a value grows too large.
pub(super) const MEMORY_LIMIT: &str =
    "Expression evaluation memory limit exceeded: Check for excessive memory usage";

pub(super) const STACK_OVERFLOW: &str = "Stack overflow error: Check for non-terminating recursive function. Consider rewriting as tail-recursive.";
/// The limits of the evaluator, in words of our own.
pub(super) const NOT_EVALUATED: &str = "The expression could not be evaluated";
pub(super) const NOT_READ: &str = "The expression could not be read";

const TIMEOUT: &str = "Expression evaluation timeout: Check for infinite loop";

/// The parser's message without its code, as AWS returns it.
pub(super) fn parsing(error: &ParserError) -> String {
    let message = error.to_string();
    let message = message.strip_prefix("Invalid syntax: ").unwrap_or(&message);
    let message = message.strip_prefix("Invalid number: ").unwrap_or(message);
    let (_, message) = split_code(message).unwrap_or(("", message));
    name_signs(message)
}

/// Puts signs in quotes where the parser writes the names of its tokens.
fn name_signs(message: &str) -> String {
    const SIGNS: [(&str, &str); 34] = [
        ("LeftParen", "("),
        ("RightParen", ")"),
        ("LeftBracket", "["),
        ("RightBracket", "]"),
        ("LeftBrace", "{"),
        ("RightBrace", "}"),
        ("Comma", ","),
        ("Semicolon", ";"),
        ("ColonEqual", ":="),
        ("Colon", ":"),
        ("DotDot", ".."),
        ("Dot", "."),
        ("QuestionQuestion", "??"),
        ("QuestionColon", "?:"),
        ("Question", "?"),
        ("TildeArrow", "~>"),
        ("Caret", "^"),
        ("Pipe", "|"),
        ("Hash", "#"),
        ("At", "@"),
        ("Plus", "+"),
        ("StarStar", "**"),
        ("Star", "*"),
        ("Slash", "/"),
        ("Percent", "%"),
        ("NotEqual", "!="),
        ("LessThanOrEqual", "<="),
        ("GreaterThanOrEqual", ">="),
        ("LessThan", "<"),
        ("GreaterThan", ">"),
        ("Equal", "="),
        ("Ampersand", "&"),
        ("Eof", "(end)"),
        ("In", "in"),
    ];
    let words = message.split(' ').map(|word| {
        let (bare, comma) = word.strip_suffix(',').map_or((word, ""), |bare| (bare, ","));
        match SIGNS.iter().find(|(name, _)| *name == bare) {
            Some((_, sign)) => format!("\"{sign}\"{comma}"),
            None => word.to_owned(),
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The end of the sentence about a failed evaluation. `called` are the functions that the expression calls.
pub(super) fn evaluation(message: &str, called: &[String]) -> String {
    let bound = match split_code(message) {
        Some(("D1011" | "U1001", _)) => STACK_OVERFLOW,
        Some(("D1012", _)) => TIMEOUT,
        Some(("D2014" | "D2015", _)) => MEMORY_LIMIT,
        Some((code, message)) => {
            return format!("threw an error during evaluation. {code}: {}", reworded(code, message, called));
        }
        None => message,
    };
    format!("threw an error during evaluation: {bound}")
}

/// `T0410` and what follows it.
fn split_code(message: &str) -> Option<(&str, &str)> {
    let code = jsonata_core::evaluator::error_code_prefix(message)?;
    Some((code, message[code.len() + 1..].trim_start()))
}

/// The reference implementation's words, where they follow from the evaluator's.
fn reworded(code: &str, message: &str, called: &[String]) -> String {
    match code {
        "T1006" => "Attempted to invoke a non-function".to_owned(),
        "T2001" | "T2002" => quote_operator(message),
        "D3030" => {
            match message.strip_prefix("Cannot convert '").and_then(|rest| rest.strip_suffix("' to number")) {
                Some(value) => format!("Unable to cast value to a number: \"{value}\""),
                None => message.to_owned(),
            }
        }
        "T0410" | "T0412" => name_function(message, called).unwrap_or_else(|| message.to_owned()),
        _ => message.to_owned(),
    }
}

/// `of the + operator` becomes `of the "+" operator`.
fn quote_operator(message: &str) -> String {
    let words: Vec<_> = message.split(' ').collect();
    let quoted = words.iter().enumerate().map(|(at, word)| match words.get(at + 1) {
        Some(&"operator") if !word.starts_with('"') => format!("\"{word}\""),
        _ => (*word).to_owned(),
    });
    quoted.collect::<Vec<_>>().join(" ")
}

/// The evaluator does not say whose argument is wrong; with one function called there is no doubt.
fn name_function(message: &str, called: &[String]) -> Option<String> {
    let mut functions = called.iter().filter(|name| !name.contains(' '));
    let function = functions.next().filter(|first| functions.all(|other| other == *first))?;
    let (index, rest) = message.strip_prefix("Argument ")?.split_once(' ')?;
    match rest.strip_prefix("must be an array of ") {
        Some(kind) => {
            let kind = kind.to_lowercase();
            Some(format!("Argument {index} of function \"{function}\" must be an array of \"{kind}s\""))
        }
        None if rest.starts_with("must be ") => {
            Some(format!("Argument {index} of function \"{function}\" does not match function signature"))
        }
        None => None,
    }
}
