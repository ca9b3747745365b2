//! Newtypes over text: one way in (`parse`), and serde through it.

use std::borrow::Cow;

use crate::{Invalid, Refusal};

/// Implements the conversions of a newtype over `String` that has `fn parse(&str) -> Result<Self, Invalid>`. Where what
/// is stored or sealed must stay as it is while `parse` makes more of what comes in, a second function reads the former.
macro_rules! text_newtype {
    ($name:ident) => {
        text_newtype!($name, parse);
    };
    ($name:ident, $stored:ident) => {
        impl $name {
            /// The value as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::Invalid;
            fn from_str(text: &str) -> Result<Self, $crate::Invalid> {
                Self::$stored(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::Invalid;
            fn try_from(text: String) -> Result<Self, $crate::Invalid> {
                Self::$stored(&text)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Self::$stored(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

/// `Debug` that shows nothing of a personal value, so that no log line can.
macro_rules! personal {
    ($name:ident) => {
        impl std::fmt::Debug for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(concat!(stringify!($name), "(***)"))
            }
        }
    };
}

pub(crate) use personal;
pub(crate) use text_newtype;

/// One line of text that people read: trimmed, 1 to `max_length` characters, no control characters.
pub(crate) fn line(text: &str, max_length: usize) -> Result<String, Invalid> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > max_length {
        return Err(Refusal::Length { most: max_length }.into());
    }
    if text.chars().any(char::is_control) {
        return Err(Refusal::ControlCharacters.into());
    }
    Ok(text.to_owned())
}

/// What people see of a text: without the characters that show nothing or turn its direction, white space at its ends
/// left out. A joiner stays between two characters of a script or an emoji that is written with it.
pub(crate) fn seen(text: &str) -> Cow<'_, str> {
    let is_outside = |c: char| c.is_whitespace() || (is_ignorable(c) && !is_selector(c));
    let text = text.trim_matches(is_outside);
    if !text.contains(is_ignorable) {
        return Cow::Borrowed(text);
    }
    let mut seen = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        let joins = is_joiner(character)
            && seen.chars().next_back().is_some_and(|before| !before.is_ascii() && !is_joiner(before))
            && rest.peek().is_some_and(|after| !after.is_ascii() && !is_ignorable(*after));
        if joins || is_selector(character) || !is_ignorable(character) {
            seen.push(character);
        }
    }
    Cow::Owned(seen)
}

/// Each run of blanks as one blank. Control characters other than tabs stay, and are refused later.
pub(crate) fn folded(text: &str) -> String {
    let is_blank = |c: char| c == '\t' || (c.is_whitespace() && !c.is_control());
    text.split(is_blank).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Whether any character of `text` can be seen.
pub(crate) fn is_visible(text: &str) -> bool {
    text.chars().any(|c| {
        !c.is_whitespace()
            && !c.is_control()
            && !is_ignorable(c)
            && !matches!(c, '\u{2800}' | '\u{fffc}')
            && !unicode_normalization::char::is_combining_mark(c)
    })
}

/// Refuses text that was damaged on its way: U+FFFD replaces a lost character, and U+FFFE and U+FFFF are none.
pub(crate) fn undamaged(text: &str) -> Result<&str, Invalid> {
    match text.contains(['\u{fffd}', '\u{fffe}', '\u{ffff}']) {
        true => Err(Refusal::ReplacementCharacter.into()),
        false => Ok(text),
    }
}

fn is_joiner(character: char) -> bool {
    matches!(character, '\u{200c}' | '\u{200d}')
}

/// Chooses among the forms of the character before it, such as an emoji or one of several forms of a Han character.
fn is_selector(character: char) -> bool {
    matches!(character, '\u{180b}'..='\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0020}'..='\u{e007f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Unicode's `Default_Ignorable_Code_Point`: what is not shown.
pub(crate) fn is_ignorable(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// The lower-case hexadecimal digits of `bytes`, two for each.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    // A large list has several hashes for each person: formatting them with `write!` took 3 % of an import.
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).collect()
}

/// The 32 bytes that are written as 64 lower-case hexadecimal digits.
pub(crate) fn unhex32(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = hex_digit(pair[0])? << 4 | hex_digit(pair[1])?;
    }
    Some(bytes)
}

/// The value of one lower-case hexadecimal digit.
pub(crate) fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shows_nothing_is_left_out_and_what_joins_stays() {
        for (text, shown) in [
            ("\u{200b}Rose\u{feff}", "Rose"),
            ("\u{a0} Rose \u{3000}", "Rose"),
            ("\u{202e}gnp.exe", "gnp.exe"),
            ("Ro\u{200d}se", "Rose"),
            ("Ro\u{ad}se", "Rose"),
            ("👨\u{200d}👩\u{200d}👧", "👨\u{200d}👩\u{200d}👧"),
            ("❤\u{fe0f}", "❤\u{fe0f}"),
            ("می\u{200c}خواهم", "می\u{200c}خواهم"),
            ("张伟", "张伟"),
        ] {
            assert_eq!(seen(text), shown, "{text:?}");
        }
    }

    #[test]
    fn a_text_of_nothing_visible_is_told_apart() {
        for text in ["", "\u{200b}", "\u{3164}\u{2800}", "\u{301}", " \u{200d} ", "\u{202e}"] {
            assert!(!is_visible(text), "{text:?}");
        }
        for text in ["a", "张", "👨", "·", "\u{200b}a"] {
            assert!(is_visible(text), "{text:?}");
        }
    }
}
