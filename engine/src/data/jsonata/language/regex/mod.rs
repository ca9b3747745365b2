//! Patterns, as ECMAScript has them: a matcher that goes back over its choices, each try counted by the meter.
//!
//! Crates were tried on paper: `regex` lacks backward references and looking around, `fancy-regex` has another syntax
//! and other rules for groups in repetitions, `regress` has the right ones and no bound on its time.

mod compile;
mod parse;
mod run;

use super::error::Outcome;
use super::meter::Meter;

/// A pattern, ready to be searched for.
#[derive(Debug)]
pub(crate) struct Regex {
    /// As it was written.
    pub(super) source: String,
    code: Vec<Instruction>,
    /// How many groups it has.
    groups: usize,
    /// How many positions a match keeps: ends of groups, and beginnings of iterations.
    slots: usize,
    multiline: bool,
    ignore_case: bool,
}

/// One step of the matcher. `back` goes through the text from right to left, inside `(?<=…)`.
#[derive(Clone, Debug)]
enum Instruction {
    Char {
        character: char,
        back: bool,
    },
    /// Any character but an end of a line.
    Any {
        back: bool,
    },
    Class {
        class: Class,
        back: bool,
    },
    Start,
    End,
    WordBoundary {
        negated: bool,
    },
    BackReference {
        group: usize,
        back: bool,
    },
    /// Continues at the first, and at the second if that fails.
    Split {
        first: usize,
        second: usize,
    },
    Jump(usize),
    Save(usize),
    /// Forgets groups, at the beginning of an iteration.
    Reset {
        from: usize,
        to: usize,
    },
    /// Fails if nothing was matched since the position was saved.
    Progress(usize),
    /// Matches what follows up to its `Match` without moving, and continues behind it.
    Look {
        negated: bool,
        next: usize,
    },
    Match,
}

/// A set of characters.
#[derive(Clone, Debug, Default)]
struct Class {
    ranges: Vec<(char, char)>,
    negated: bool,
}

impl Class {
    fn has(&self, character: char) -> bool {
        self.ranges.iter().any(|(first, last)| (*first..=*last).contains(&character))
    }
}

/// The byte ranges of a match and of its groups.
pub(super) type Groups = Vec<Option<(usize, usize)>>;

impl Regex {
    /// Reads a pattern with its flags, `i` and `m`.
    pub(super) fn new(pattern: &str, flags: &str) -> Outcome<Regex> {
        parse::parse(pattern).and_then(|parsed| compile::compile(pattern, flags, parsed))
    }

    /// A pattern of the language's own, without regard to case.
    pub(super) fn ignoring_case(pattern: &str) -> Outcome<Regex> {
        Regex::new(pattern, "i")
    }

    /// The first match at or after an offset.
    pub(super) fn find(&self, text: &str, from: usize, meter: &mut Meter) -> Outcome<Option<Groups>> {
        run::find(self, text, from, meter)
    }
}

/// What `i` compares.
fn fold(character: char) -> char {
    if character.is_ascii() {
        return character.to_ascii_uppercase();
    }
    let mut upper = character.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(single), None) if !single.is_ascii() => single,
        _ => character,
    }
}

fn is_line_end(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{2028}' | '\u{2029}')
}

fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::jsonata::language::Limits;

    fn find(pattern: &str, flags: &str, text: &str) -> Option<Vec<Option<String>>> {
        let mut meter =
            Meter::new(Limits { steps: 1_000_000, bytes: 1 << 24, value_bytes: 1 << 20, depth: 10 });
        let regex = Regex::new(pattern, flags).unwrap();
        let found = regex.find(text, 0, &mut meter).unwrap()?;
        Some(found.into_iter().map(|range| range.map(|(start, end)| text[start..end].to_owned())).collect())
    }

    fn gives(pattern: &str, text: &str, expected: &[Option<&str>]) {
        let expected: Vec<_> = expected.iter().map(|part| part.map(str::to_owned)).collect();
        assert_eq!(find(pattern, "", text), Some(expected), "/{pattern}/ in {text:?}");
    }

    #[test]
    fn patterns_match_as_in_ecmascript() {
        gives("a+b", "xaab", &[Some("aab")]);
        gives("(x)?(b)", "ab", &[Some("b"), None, Some("b")]);
        gives("(?:(a)|b)*", "ab", &[Some("ab"), None]);
        gives("(a*)*", "aa", &[Some("aa"), Some("aa")]);
        gives(
            "(z)((a+)?(b+)?(c))*",
            "zaacbbbcac",
            &[Some("zaacbbbcac"), Some("z"), Some("ac"), Some("a"), None, Some("c")],
        );
        gives(r"(\w)\1", "abba", &[Some("bb"), Some("b")]);
        gives(r"(?<=\$)\d+(\.\d*)?", "a $10.53", &[Some("10.53"), Some(".53")]);
        gives(r"(?<!a)b", "abcb", &[Some("b")]);
        gives("a(?=b)", "acab", &[Some("a")]);
        gives("a{2,3}?", "aaaa", &[Some("aa")]);
        gives("a{,3}", "a{,3}", &[Some("a{,3}")]);
        gives(r"[\d-x]+", "a1-x", &[Some("1-x")]);
        gives(r"(?<year>\d{4})-\k<year>", "2020-2021 2021-2021", &[Some("2021-2021"), Some("2021")]);
        gives(r"\bfoo\b", "afoo foo", &[Some("foo")]);
        assert_eq!(find("é+", "i", "aÉé").unwrap()[0].as_deref(), Some("Éé"));
        assert_eq!(find("^b$", "m", "a\nb\nc").unwrap()[0].as_deref(), Some("b"));
        assert_eq!(find("^b$", "", "a\nb\nc"), None);
        for wrong in ["(", ")", "a**", "[b-a]", "[a", "\\", "a{2,1}", "(?<n>a)(?<n>b)"] {
            assert!(Regex::new(wrong, "").is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_would_be_tried_for_ever_is_ended() {
        let mut meter =
            Meter::new(Limits { steps: 1_000_000, bytes: 1 << 30, value_bytes: 1 << 20, depth: 10 });
        let regex = Regex::new("(a|aa|a*)*b", "").unwrap();
        let text = "a".repeat(40);
        assert!(regex.find(&text, 0, &mut meter).is_err());
    }
}
