//! The text that an organiser types to find a participant, compared as people compare: without case, width or accents' spelling.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

/// A text that is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    folded: String,
    /// The digits, if the text may be a part of a phone number.
    digits: Option<String>,
}

impl Search {
    /// A search for this text; none if it is blank.
    pub fn new(text: &str) -> Option<Self> {
        let folded = fold(text.trim()).into_owned();
        if folded.is_empty() {
            return None;
        }
        let may_be_phone =
            folded.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | '(' | ')' | '.' | ' '));
        let digits: String = folded.chars().filter(char::is_ascii_digit).collect();
        Some(Self { folded, digits: Some(digits).filter(|digits| may_be_phone && !digits.is_empty()) })
    }

    /// Whether a field contains the text.
    pub fn is_in(&self, field: &str) -> bool {
        fold(field).contains(&self.folded)
    }

    /// Whether a phone number contains the text, however it is written.
    pub fn is_in_phone(&self, phone: &str) -> bool {
        self.digits.as_ref().is_some_and(|digits| phone.contains(digits.as_str()))
    }
}

/// A text without what people take for the same: in NFKC, in lower case, each run of blanks as one.
pub fn fold(text: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !byte.is_ascii_uppercase();
    if text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut folded = String::with_capacity(text.len());
    for character in text.nfkc().flat_map(char::to_lowercase) {
        match character.is_whitespace() {
            true if folded.ends_with(' ') => {}
            true => folded.push(' '),
            false => folded.push(character),
        }
    }
    Cow::Owned(folded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_width_and_blanks_do_not_matter() {
        for (search, field) in [
            ("ROSE", "Rose Tyler"),
            ("ｓａｌｅｓ", "Sales"),
            ("sales", "Ｓａｌｅｓ"),
            ("rose  tyler", "Rose\u{3000}Tyler"),
            ("cafe\u{301}", "Café"),
            ("小", "王小明"),
            ("büRO", "Büro"),
        ] {
            assert!(Search::new(search).unwrap().is_in(field), "{search} in {field}");
        }
        assert!(!Search::new("tracy").unwrap().is_in("Rose"));
        assert_eq!(Search::new(" \u{3000}"), None);
    }

    #[test]
    fn a_phone_number_is_found_however_it_is_written() {
        for search in ["202-555", "(202) 555 0101", "+1 202", "２０２５５５", "0101"] {
            assert!(Search::new(search).unwrap().is_in_phone("+12025550101"), "{search}");
        }
        for search in ["rose", "+", "999"] {
            assert!(!Search::new(search).unwrap().is_in_phone("+12025550101"), "{search}");
        }
    }
}
