//! Signatures of functions: `<s-(nf)?:a<s>>`. They check arguments and put the context where one is left out.

use super::error::{Error, Outcome};
use super::meter::Meter;
use super::value::Value;

/// A signature.
#[derive(Debug)]
pub(crate) struct Signature {
    params: Vec<Param>,
}

#[derive(Debug, Default)]
struct Param {
    /// The symbols of the types that it takes.
    types: String,
    /// As written: `s`, `a`, `(sf)`.
    name: String,
    repeat: Repeat,
    /// `-`: the context takes its place.
    context: bool,
    subtype: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Repeat {
    #[default]
    Once,
    Optional,
    LazyOptional,
    Many,
    LazyMany,
}

impl Signature {
    pub(super) fn parse(text: &str) -> Outcome<Signature> {
        let text: Vec<char> = text.chars().collect();
        let mut params: Vec<Param> = Vec::new();
        let mut at = 1;
        while at < text.len() {
            let symbol = text[at];
            let mut push = |types: &str, name: String| {
                params.push(Param { types: types.to_owned(), name, ..Param::default() });
            };
            match symbol {
                ':' => break,
                's' | 'n' | 'b' | 'l' | 'o' => push(&format!("{symbol}m"), symbol.to_string()),
                'a' | 'x' => push("asnblfom", symbol.to_string()),
                'f' => push("f", symbol.to_string()),
                'j' => push("asnblom", symbol.to_string()),
                '(' => {
                    let end = closing(&text, at, '(', ')');
                    let choice: String = text[at + 1..end.min(text.len())].iter().collect();
                    if choice.contains('<') {
                        return Err(Error::new("S0402").with_value_text(&choice));
                    }
                    push(&format!("{choice}m"), format!("({choice})"));
                    at = end;
                }
                '-' | '?' | '+' => {
                    if let Some(param) = params.last_mut() {
                        param.context |= symbol == '-';
                        param.repeat = repeated(param.repeat, symbol)?;
                    }
                }
                '<' => {
                    let end = closing(&text, at, '<', '>');
                    match params.last_mut() {
                        Some(param) if matches!(param.name.as_str(), "a" | "f") => {
                            param.subtype = Some(text[at + 1..end.min(text.len())].iter().collect());
                        }
                        _ => return Err(Error::new("S0401")),
                    }
                    at = end;
                }
                _ => {}
            }
            at += 1;
        }
        Ok(Signature { params })
    }

    /// The arguments as the function takes them.
    pub(super) fn validate(&self, args: &[Value], context: &Value, meter: &mut Meter) -> Outcome<Vec<Value>> {
        let supplied: Vec<char> = args.iter().map(symbol).collect();
        meter.steps(args.len())?;
        let Some(matches) = self.matched(&supplied, true) else { return Err(self.mismatch(&supplied)) };
        let mut valid = Vec::with_capacity(self.params.len());
        let mut index = 0;
        for (param, count) in self.params.iter().zip(matches) {
            let mut arg = args.get(index).cloned().unwrap_or_default();
            if count == 0 {
                if param.context {
                    if !param.types.contains(symbol(context)) {
                        return Err(Error::new("T0411").with_index(index + 1));
                    }
                    valid.push(context.clone());
                } else {
                    valid.push(arg);
                    index += 1;
                }
                continue;
            }
            let given: String = supplied[index..index + count].iter().collect();
            for single in given.chars() {
                if param.name == "a" {
                    arg = match single {
                        'm' => Value::Undefined,
                        _ => param.array(args[index].clone(), single, &given, index, meter)?,
                    };
                }
                valid.push(arg.clone());
                index += 1;
            }
        }
        Ok(valid)
    }

    /// How many arguments each parameter takes: the first of the ways that a pattern would try.
    fn matched(&self, supplied: &[char], to_end: bool) -> Option<Vec<usize>> {
        self.matched_from(&self.params, supplied, 0, to_end)
    }

    fn matched_from(
        &self,
        params: &[Param],
        supplied: &[char],
        from: usize,
        to_end: bool,
    ) -> Option<Vec<usize>> {
        let Some((param, rest)) = params.split_first() else {
            return (!to_end || from == supplied.len()).then(Vec::new);
        };
        let most = supplied[from..].iter().take_while(|&&symbol| param.types.contains(symbol)).count();
        let counts: Vec<usize> = match param.repeat {
            Repeat::Once => vec![1],
            Repeat::Optional => vec![1, 0],
            Repeat::LazyOptional => vec![0, 1],
            Repeat::Many => (1..=most).rev().collect(),
            Repeat::LazyMany => (1..=most).collect(),
        };
        counts.into_iter().filter(|count| *count <= most).find_map(|count| {
            let mut counts = self.matched_from(rest, supplied, from + count, to_end)?;
            counts.insert(0, count);
            Some(counts)
        })
    }

    fn mismatch(&self, supplied: &[char]) -> Error {
        let mut good_to = 0;
        for end in 1..=self.params.len() {
            match self.matched_from(&self.params[..end], supplied, 0, false) {
                Some(counts) => good_to = counts.iter().sum(),
                None => break,
            }
        }
        Error::new("T0410").with_index(good_to + 1)
    }
}

impl Param {
    /// An argument where an array is asked for: a single value becomes one.
    fn array(
        &self,
        arg: Value,
        single: char,
        given: &str,
        index: usize,
        meter: &mut Meter,
    ) -> Outcome<Value> {
        if let Some(subtype) = &self.subtype {
            let is_allowed = match &arg {
                Value::Array(array) => {
                    meter.steps(array.len())?;
                    let mut symbols = array.iter().map(|item| symbol(&item));
                    match symbols.next() {
                        None => true,
                        Some(first) => subtype.starts_with(first) && symbols.all(|other| other == first),
                    }
                }
                _ => given == subtype,
            };
            if !is_allowed {
                let kind = match subtype.as_str() {
                    "a" => "arrays",
                    "b" => "booleans",
                    "f" => "functions",
                    "n" => "numbers",
                    "o" => "objects",
                    _ => "strings",
                };
                return Err(Error::new("T0412").with_index(index + 1).with_text(kind));
            }
        }
        if single == 'a' { Ok(arg) } else { Value::array(vec![arg], meter) }
    }
}

fn repeated(repeat: Repeat, symbol: char) -> Outcome<Repeat> {
    Ok(match (repeat, symbol) {
        (Repeat::Once, '+') => Repeat::Many,
        (Repeat::Once, _) => Repeat::Optional,
        (Repeat::Optional, '-' | '?') => Repeat::LazyOptional,
        (Repeat::Many, '-' | '?') => Repeat::LazyMany,
        _ => return Err(Error::uncoded("Invalid regular expression: Nothing to repeat")),
    })
}

fn closing(text: &[char], start: usize, open: char, close: char) -> usize {
    let mut depth = 1;
    let mut at = start;
    while at < text.len() {
        at += 1;
        match text.get(at) {
            Some(symbol) if *symbol == close => {
                depth -= 1;
                if depth == 0 {
                    break;
                }
            }
            Some(symbol) if *symbol == open => depth += 1,
            _ => {}
        }
    }
    at
}

fn symbol(value: &Value) -> char {
    match value {
        Value::Undefined => 'm',
        Value::Null => 'l',
        Value::Bool(_) => 'b',
        Value::Number(_) | Value::Exact(_) => 'n',
        Value::Text(_) => 's',
        Value::Array(_) | Value::Tuples(_) => 'a',
        Value::Object(_) => 'o',
        Value::Function(_) => 'f',
    }
}
