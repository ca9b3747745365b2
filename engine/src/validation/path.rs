//! JSONPath: what is a path, a reference path or a call of an intrinsic function, and what only looks like one.

use crate::data::{JsonPath, Selector};

const NOT_A_PATH: &str = "Value must be a valid JSONPath.";

pub(super) fn json_path_fault(text: &str) -> Option<String> {
    JsonPath::parse(text).is_err().then(|| NOT_A_PATH.to_owned())
}

pub(super) fn call_fault(text: &str) -> Option<String> {
    Selector::parse(text).is_err().then(|| NOT_A_PATH.to_owned())
}

/// Where a reference path may begin.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Roots {
    Input,
    InputAndVariables,
    All,
}

/// A reference path names one node: no wildcard, no slice, no filter, no descent.
pub(super) fn reference_path_fault(text: &str, roots: Roots) -> Option<String> {
    let fault = "Value is not a Reference Path";
    if !text.starts_with('$') {
        return Some(format!("{fault}: Reference path didn't start with '$'"));
    }
    let root_fits = match roots {
        Roots::All => true,
        Roots::InputAndVariables => !text.starts_with("$$"),
        Roots::Input => matches!(text.as_bytes().get(1), None | Some(b'.' | b'[')),
    };
    if !root_fits || json_path_fault(text).is_some() || is_ambiguous(text) {
        return Some(fault.to_owned());
    }
    None
}

/// Whether a path may name more than one node.
fn is_ambiguous(path: &str) -> bool {
    let mut quoted = None;
    let mut bracketed = false;
    let mut last = ' ';
    for character in path.chars() {
        match quoted {
            Some(quote) if character == quote && last != '\\' => quoted = None,
            Some(_) => {}
            None => match character {
                '\'' | '"' if bracketed => quoted = Some(character),
                '[' => bracketed = true,
                ']' => bracketed = false,
                '*' | '?' | '@' => return true,
                ':' | ',' if bracketed => return true,
                '.' if last == '.' => return true,
                _ => {}
            },
        }
        last = character;
    }
    false
}

pub(super) fn looks_like_path(text: &str) -> bool {
    text == "$$" || ["$.", "$$.", "$["].iter().any(|start| text.starts_with(start))
}

pub(super) fn looks_like_call(text: &str) -> bool {
    text.starts_with("States.")
}
