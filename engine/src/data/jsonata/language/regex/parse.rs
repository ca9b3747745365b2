//! Reads a pattern.

use super::Class;
use crate::data::jsonata::language::error::{Error, Outcome};

/// A part of a pattern.
#[derive(Clone, Debug)]
pub(super) enum Part {
    Char(char),
    Any,
    Class(Class),
    Start,
    End,
    WordBoundary {
        negated: bool,
    },
    Group(usize, Box<Part>),
    BackReference(usize),
    /// To a group by its name, until all names are known.
    Named(String),
    Repeat {
        part: Box<Part>,
        least: usize,
        most: Option<usize>,
        lazy: bool,
        groups: (usize, usize),
    },
    Look {
        part: Box<Part>,
        behind: bool,
        negated: bool,
    },
    Sequence(Vec<Part>),
    Choice(Vec<Part>),
}

pub(super) struct Parsed {
    pub(super) part: Part,
    pub(super) groups: usize,
    pub(super) names: Vec<(String, usize)>,
}

/// How deep groups may be nested.
const MAX_NESTING: usize = 100;

pub(super) fn parse(pattern: &str) -> Outcome<Parsed> {
    let text: Vec<char> = pattern.chars().collect();
    let total = count_groups(&text);
    let mut parser = Parser { pattern, text, at: 0, groups: 0, total, names: Vec::new(), nesting: 0 };
    let part = parser.choice()?;
    if parser.peek() == Some(')') {
        return Err(parser.fault("Unmatched ')'"));
    }
    Ok(Parsed { part, groups: parser.groups, names: parser.names })
}

/// How many groups there are, for references to those that come later.
fn count_groups(text: &[char]) -> usize {
    let (mut count, mut at, mut in_class) = (0, 0, false);
    while at < text.len() {
        match text[at] {
            '\\' => at += 1,
            '[' => in_class = true,
            ']' => in_class = false,
            '(' if !in_class => {
                let is_named = text.get(at + 1..at + 3) == Some(&['?', '<'])
                    && !matches!(text.get(at + 3), Some('=' | '!'));
                count += usize::from(text.get(at + 1) != Some(&'?') || is_named);
            }
            _ => {}
        }
        at += 1;
    }
    count
}

struct Parser<'a> {
    pattern: &'a str,
    text: Vec<char>,
    at: usize,
    groups: usize,
    total: usize,
    names: Vec<(String, usize)>,
    nesting: usize,
}

impl Parser<'_> {
    fn fault(&self, what: &str) -> Error {
        Error::uncoded(format!("Invalid regular expression: /{}/: {what}", self.pattern))
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, expected: &str) -> bool {
        let expected: Vec<char> = expected.chars().collect();
        let found = self.text[self.at..].starts_with(&expected);
        if found {
            self.at += expected.len();
        }
        found
    }

    fn choice(&mut self) -> Outcome<Part> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return Err(self.fault("Regular expression too large"));
        }
        let mut choices = vec![self.sequence()?];
        while self.take("|") {
            choices.push(self.sequence()?);
        }
        self.nesting -= 1;
        Ok(if choices.len() == 1 { choices.remove(0) } else { Part::Choice(choices) })
    }

    fn sequence(&mut self) -> Outcome<Part> {
        let mut parts = Vec::new();
        while let Some(next) = self.peek() {
            if matches!(next, '|' | ')') {
                break;
            }
            let before = self.groups;
            let part = self.atom()?;
            parts.push(self.repeated(part, before)?);
        }
        Ok(Part::Sequence(parts))
    }

    fn repeated(&mut self, part: Part, before: usize) -> Outcome<Part> {
        let (least, most) = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => match self.counts() {
                Some((counts, end)) => {
                    self.at = end - 1;
                    counts
                }
                None => return Ok(part),
            },
            _ => return Ok(part),
        };
        self.at += 1;
        let is_assertion = matches!(
            part,
            Part::Start | Part::End | Part::WordBoundary { .. } | Part::Look { behind: true, .. }
        );
        if is_assertion {
            return Err(self.fault("Nothing to repeat"));
        }
        if most.is_some_and(|most| most < least) {
            return Err(self.fault("numbers out of order in {} quantifier"));
        }
        let lazy = self.take("?");
        Ok(Part::Repeat { part: Box::new(part), least, most, lazy, groups: (before, self.groups) })
    }

    /// `{2}`, `{2,}`, `{2,3}`; anything else in braces is a text.
    fn counts(&self) -> Option<((usize, Option<usize>), usize)> {
        let end = self.at + self.text[self.at..].iter().position(|&next| next == '}')?;
        let inner: String = self.text[self.at + 1..end].iter().collect();
        let number = |text: &str| -> Option<usize> {
            let is_number = !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
            is_number.then(|| text.parse().unwrap_or(usize::MAX))
        };
        let counts = match inner.split_once(',') {
            None => {
                let exactly = number(&inner)?;
                (exactly, Some(exactly))
            }
            Some((least, "")) => (number(least)?, None),
            Some((least, most)) => (number(least)?, Some(number(most)?)),
        };
        Some((counts, end + 1))
    }

    fn atom(&mut self) -> Outcome<Part> {
        let next = self.peek().unwrap_or_default();
        self.at += 1;
        Ok(match next {
            '^' => Part::Start,
            '$' => Part::End,
            '.' => Part::Any,
            '(' => self.group()?,
            '[' => Part::Class(self.class()?),
            '\\' => self.escape()?,
            '*' | '+' | '?' => return Err(self.fault("Nothing to repeat")),
            '{' => {
                self.at -= 1;
                if self.counts().is_some() {
                    return Err(self.fault("Nothing to repeat"));
                }
                self.at += 1;
                Part::Char('{')
            }
            other => Part::Char(other),
        })
    }

    fn group(&mut self) -> Outcome<Part> {
        for (sign, behind, negated) in
            [("?=", false, false), ("?!", false, true), ("?<=", true, false), ("?<!", true, true)]
        {
            if self.take(sign) {
                let part = Box::new(self.choice()?);
                self.close()?;
                return Ok(Part::Look { part, behind, negated });
            }
        }
        if self.take("?:") {
            let part = self.choice()?;
            self.close()?;
            return Ok(Part::Sequence(vec![part]));
        }
        self.groups += 1;
        let number = self.groups;
        if self.take("?<") {
            let name = self.name()?;
            if self.names.iter().any(|(known, _)| *known == name) {
                return Err(self.fault("Duplicate capture group name"));
            }
            self.names.push((name, number));
        } else if self.peek() == Some('?') {
            return Err(self.fault("Invalid group"));
        }
        let part = self.choice()?;
        self.close()?;
        Ok(Part::Group(number, Box::new(part)))
    }

    fn close(&mut self) -> Outcome<()> {
        if self.take(")") { Ok(()) } else { Err(self.fault("Unterminated group")) }
    }

    fn name(&mut self) -> Outcome<String> {
        let mut name = String::new();
        loop {
            match self.peek() {
                Some('>') if !name.is_empty() => {
                    self.at += 1;
                    return Ok(name);
                }
                Some(next) if next.is_alphanumeric() || matches!(next, '_' | '$') => {
                    name.push(next);
                    self.at += 1;
                }
                _ => return Err(self.fault("Invalid capture group name")),
            }
        }
    }

    fn escape(&mut self) -> Outcome<Part> {
        let Some(next) = self.peek() else { return Err(self.fault("\\ at end of pattern")) };
        match next {
            'b' | 'B' => {
                self.at += 1;
                return Ok(Part::WordBoundary { negated: next == 'B' });
            }
            '1'..='9' => {
                let digits: String =
                    self.text[self.at..].iter().take_while(|digit| digit.is_ascii_digit()).collect();
                if let Ok(group) = digits.parse::<usize>()
                    && group <= self.total
                {
                    self.at += digits.len();
                    return Ok(Part::BackReference(group));
                }
            }
            'k' if self.text.get(self.at + 1) == Some(&'<') => {
                self.at += 2;
                return Ok(Part::Named(self.name()?));
            }
            _ => {}
        }
        if let Some(class) = class_escape(next) {
            self.at += 1;
            return Ok(Part::Class(class));
        }
        self.character_escape().map(Part::Char)
    }

    /// The character of an escape.
    fn character_escape(&mut self) -> Outcome<char> {
        let Some(next) = self.peek() else { return Err(self.fault("\\ at end of pattern")) };
        self.at += 1;
        Ok(match next {
            't' => '\t',
            'n' => '\n',
            'v' => '\u{b}',
            'f' => '\u{c}',
            'r' => '\r',
            'c' => match self.peek() {
                Some(control) if control.is_ascii_alphabetic() => {
                    self.at += 1;
                    char::from(control as u8 % 32)
                }
                _ => {
                    self.at -= 1;
                    '\\'
                }
            },
            'x' => self.hex(2).and_then(char::from_u32).unwrap_or('x'),
            'u' => self.unicode().unwrap_or('u'),
            '0'..='7' => {
                let mut value = next.to_digit(8).unwrap_or(0);
                while let Some(digit) = self.peek().and_then(|digit| digit.to_digit(8)) {
                    if value * 8 + digit > 0o377 {
                        break;
                    }
                    value = value * 8 + digit;
                    self.at += 1;
                }
                char::from_u32(value).unwrap_or('\0')
            }
            other => other,
        })
    }

    fn hex(&mut self, count: usize) -> Option<u32> {
        let digits: String = self.text.get(self.at..self.at + count)?.iter().collect();
        let value = u32::from_str_radix(&digits, 16).ok().filter(|_| !digits.starts_with('+'))?;
        self.at += count;
        Some(value)
    }

    /// One or, for a pair of halves, two `\uXXXX`.
    fn unicode(&mut self) -> Option<char> {
        let first = self.hex(4)?;
        if !(0xD800..0xDC00).contains(&first) {
            return Some(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let before = self.at;
        if self.take("\\u")
            && let Some(second) = self.hex(4)
            && (0xDC00..0xE000).contains(&second)
        {
            return char::from_u32(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00));
        }
        self.at = before;
        Some(char::REPLACEMENT_CHARACTER)
    }

    fn class(&mut self) -> Outcome<Class> {
        let mut class = Class { negated: self.take("^"), ..Class::default() };
        loop {
            let Some(next) = self.peek() else { return Err(self.fault("Unterminated character class")) };
            if next == ']' {
                self.at += 1;
                return Ok(class);
            }
            let first = self.class_atom()?;
            let is_range =
                self.peek() == Some('-') && self.text.get(self.at + 1).is_some_and(|&after| after != ']');
            if !is_range {
                class.add(first);
                continue;
            }
            self.at += 1;
            let last = self.class_atom()?;
            match (first, last) {
                (ClassAtom::Char(first), ClassAtom::Char(last)) if first <= last => {
                    class.ranges.push((first, last))
                }
                (ClassAtom::Char(_), ClassAtom::Char(_)) => {
                    return Err(self.fault("Range out of order in character class"));
                }
                (first, last) => {
                    class.add(first);
                    class.add(ClassAtom::Char('-'));
                    class.add(last);
                }
            }
        }
    }

    fn class_atom(&mut self) -> Outcome<ClassAtom> {
        let Some(next) = self.peek() else { return Err(self.fault("Unterminated character class")) };
        self.at += 1;
        if next != '\\' {
            return Ok(ClassAtom::Char(next));
        }
        let Some(escaped) = self.peek() else { return Err(self.fault("\\ at end of pattern")) };
        if let Some(class) = class_escape(escaped) {
            self.at += 1;
            return Ok(ClassAtom::Class(class));
        }
        if escaped == 'b' {
            self.at += 1;
            return Ok(ClassAtom::Char('\u{8}'));
        }
        self.character_escape().map(ClassAtom::Char)
    }
}

enum ClassAtom {
    Char(char),
    Class(Class),
}

impl Class {
    fn add(&mut self, atom: ClassAtom) {
        match atom {
            ClassAtom::Char(character) => self.ranges.push((character, character)),
            ClassAtom::Class(class) if class.negated => self.ranges.extend(complement(&class.ranges)),
            ClassAtom::Class(class) => self.ranges.extend(class.ranges),
        }
    }
}

/// All other characters. The ranges are in order.
fn complement(ranges: &[(char, char)]) -> Vec<(char, char)> {
    let mut rest = Vec::new();
    let mut from = 0;
    for (first, last) in ranges {
        let before = u32::from(*first).checked_sub(1).filter(|before| *before >= from);
        if let (Some(start), Some(end)) = (char::from_u32(from), before.and_then(char::from_u32)) {
            rest.push((start, end));
        }
        from = u32::from(*last) + 1;
    }
    rest.extend(char::from_u32(from).map(|start| (start, char::MAX)));
    rest
}

/// `\d`, `\w`, `\s` and their opposites.
fn class_escape(escape: char) -> Option<Class> {
    let ranges: &[(char, char)] = match escape {
        'd' | 'D' => &[('0', '9')],
        'w' | 'W' => &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
        's' | 'S' => &[
            ('\t', '\r'),
            (' ', ' '),
            ('\u{a0}', '\u{a0}'),
            ('\u{1680}', '\u{1680}'),
            ('\u{2000}', '\u{200a}'),
            ('\u{2028}', '\u{2029}'),
            ('\u{202f}', '\u{202f}'),
            ('\u{205f}', '\u{205f}'),
            ('\u{3000}', '\u{3000}'),
            ('\u{feff}', '\u{feff}'),
        ],
        _ => return None,
    };
    Some(Class { ranges: ranges.to_vec(), negated: escape.is_ascii_uppercase() })
}
