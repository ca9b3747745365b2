//! How names and addresses look to the public: enough to know oneself, too little to know another.

use crate::{EmailAddress, Name, PhoneNumber};

/// `Rose Tyler` is `R*** T***`; `王小明` is `王**`.
pub fn name(name: &Name) -> String {
    name.as_str().split_whitespace().map(word).collect::<Vec<_>>().join(" ")
}

/// `+12025550101` is `***01`.
pub fn phone(phone: &PhoneNumber) -> String {
    let digits = phone.as_str();
    format!("***{}", &digits[digits.len().saturating_sub(2)..])
}

/// `rose@mail.example.com` is `r***@m***.com`.
pub fn email(email: &EmailAddress) -> String {
    let (local, domain) = email.parts();
    let first = |text: &str| text.chars().next().map(String::from).unwrap_or_default();
    let top_level = domain.rsplit('.').next().unwrap_or_default();
    format!("{}***@{}***.{top_level}", first(local), first(domain))
}

/// In scripts that write one syllable or more with each character, each further one becomes a star;
/// in alphabets even the length would tell too much.
fn word(word: &str) -> String {
    let mut characters = word.chars();
    match characters.next() {
        None => String::new(),
        Some(first) if is_east_asian(first) => {
            std::iter::once(first).chain(characters.map(|_| '*')).collect()
        }
        Some(first) => format!("{first}***"),
    }
}

/// Chinese characters, kana and Hangul syllables.
fn is_east_asian(character: char) -> bool {
    matches!(character,
        '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_the_first_letter_of_each_word() {
        for (full, masked) in [
            ("Rose", "R***"),
            ("Rose Tyler", "R*** T***"),
            ("Émile  Zola", "É*** Z***"),
            ("A", "A***"),
            ("王小明", "王**"),
            ("李雷", "李*"),
            ("欧阳 明月", "欧* 明*"),
            ("𠮷田太郎", "𠮷***"),
            ("王 Rose", "王 R***"),
        ] {
            assert_eq!(name(&Name::parse(full).unwrap()), masked);
        }
    }

    #[test]
    fn phones_keep_their_last_two_digits() {
        assert_eq!(phone(&PhoneNumber::parse("+12025550101").unwrap()), "***01");
    }

    #[test]
    fn e_mails_keep_two_letters_and_the_top_level_domain() {
        assert_eq!(email(&EmailAddress::parse("rose@mail.example.com").unwrap()), "r***@m***.com");
    }
}
