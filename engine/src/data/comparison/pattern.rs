//! The patterns of `StringMatches`: `*` matches any text, `\*` for a star, `\\` for a backslash.

/// A pattern, cut at its wildcards.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pattern {
    first: String,
    /// What follows each wildcard.
    rest: Vec<String>,
}

impl Pattern {
    pub(super) fn parse(text: &str) -> Pattern {
        let mut pieces = Vec::new();
        let mut current = String::new();
        let mut characters = text.chars();
        while let Some(c) = characters.next() {
            match c {
                '*' => pieces.push(std::mem::take(&mut current)),
                '\\' => match characters.clone().next() {
                    Some(escaped @ ('*' | '\\')) => {
                        characters.next();
                        current.push(escaped);
                    }
                    _ => current.push('\\'),
                },
                c => current.push(c),
            }
        }
        pieces.push(current);
        Pattern { first: pieces.remove(0), rest: pieces }
    }

    /// Whether the whole text matches. Taking the earliest match of each piece is enough, and linear.
    pub(super) fn matches(&self, text: &str) -> bool {
        let Some((last, between)) = self.rest.split_last() else { return text == self.first };
        let Some(mut text) = text.strip_prefix(self.first.as_str()) else { return false };
        for piece in between {
            match text.find(piece.as_str()) {
                Some(at) => text = &text[at + piece.len()..],
                None => return false,
            }
        }
        text.ends_with(last.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_text() {
        for (pattern, text, matches) in [
            ("log-*.txt", "log-1.txt", true),
            ("log-*.txt", "log-.txt", true),
            ("log-*.txt", "log-1.txt.gz", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*bc", "abcb", false),
            ("ab*ba", "aba", false),
            (r"a\*b", "a*b", true),
            (r"a\*b", "aXb", false),
            (r"a\\*", r"a\x", true),
            (r"a\x", r"a\x", true),
            ("*\u{e9}*", "caf\u{e9}s", true),
        ] {
            assert_eq!(Pattern::parse(pattern).matches(text), matches, "{pattern} {text}");
        }
    }
}
