//! Messages in the organiser's own words: texts with placeholders, and how many parts an SMS takes.

use serde::{Deserialize, Serialize};

use crate::text::{is_visible, text_newtype, undamaged};
use crate::{Invalid, Locale, Refusal};

/// The organiser's own words to winners, by language; where there are none, the built-in text is sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Messages {
    /// In English.
    pub en: OwnWording,
    /// In Chinese.
    #[serde(rename = "zh-CN")]
    pub zh_cn: OwnWording,
}

impl Messages {
    /// The words in a language.
    pub fn of(&self, locale: Locale) -> &OwnWording {
        match locale {
            Locale::En => &self.en,
            Locale::ZhCn => &self.zh_cn,
        }
    }

    /// The words in a language, to be changed.
    pub fn of_mut(&mut self, locale: Locale) -> &mut OwnWording {
        match locale {
            Locale::En => &mut self.en,
            Locale::ZhCn => &mut self.zh_cn,
        }
    }
}

/// The organiser's own words in one language, by channel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OwnWording {
    /// The SMS.
    pub sms: Option<Template>,
    /// The subject of the e-mail; SNS takes it only if it is ASCII.
    pub email_subject: Option<Template>,
    /// The text of the e-mail.
    pub email_text: Option<Template>,
    /// The SMS to those who have not won.
    pub others_sms: Option<Template>,
    /// The subject of the e-mail to them.
    pub others_email_subject: Option<Template>,
    /// The text of the e-mail to them.
    pub others_email_text: Option<Template>,
}

/// What the placeholders of a text stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Values<'a> {
    /// `{name}`: the winner.
    pub name: &'a str,
    /// `{prize}`.
    pub prize: &'a str,
    /// `{lottery}`.
    pub lottery: &'a str,
    /// `{link}`: the address of the result.
    pub link: &'a str,
    /// `{entry}`: the address of the winner's own entry, which is too long for most SMS.
    pub entry: &'a str,
    /// `{claim_link}`: the address at which the winner claims the prize; that of the result if nobody has to claim.
    pub claim_link: &'a str,
}

/// A text with placeholders such as `{name}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Template(String);

impl Template {
    /// The placeholders that there are.
    pub const PLACEHOLDERS: [&str; 6] = ["name", "prize", "lottery", "link", "entry", "claim_link"];
    /// The most characters of an SMS.
    pub const MAX_SMS: usize = 320;
    /// The most characters of a subject.
    pub const MAX_SUBJECT: usize = 100;
    /// The most characters of an e-mail.
    pub const MAX_TEXT: usize = 4_000;

    /// Parses a text of one or more lines.
    pub fn parse(text: &str, most: usize) -> Result<Self, Invalid> {
        let text = undamaged(text)?.replace("\r\n", "\n");
        let text = text.trim();
        if !is_visible(text) || text.chars().count() > most {
            return Err(Refusal::Length { most }.into());
        }
        if text.chars().any(|c| c.is_control() && c != '\n') {
            return Err(Refusal::ControlCharacters.into());
        }
        for (_, name) in pieces(text) {
            if let Some(name) = name.filter(|name| !Self::PLACEHOLDERS.contains(name)) {
                return Err(Refusal::UnknownPlaceholder { name: name.chars().take(40).collect() }.into());
            }
        }
        Ok(Self(text.to_owned()))
    }

    /// Parses the subject of an e-mail, which is one line.
    pub fn parse_subject(text: &str) -> Result<Self, Invalid> {
        match text.trim().contains(['\n', '\r']) {
            true => Err(Refusal::ControlCharacters.into()),
            false => Self::parse(text, Self::MAX_SUBJECT),
        }
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text with the placeholders filled in. What is filled in is not looked at again.
    pub fn fill(&self, values: Values<'_>) -> String {
        let mut filled = String::with_capacity(self.0.len());
        for (text, name) in pieces(&self.0) {
            filled.push_str(text);
            filled.push_str(match name {
                Some("name") => values.name,
                Some("prize") => values.prize,
                Some("lottery") => values.lottery,
                Some("link") => values.link,
                Some("entry") => values.entry,
                Some("claim_link") => values.claim_link,
                _ => "",
            });
        }
        filled
    }
}

/// The text before each placeholder, with its name; what is behind the last has none. Braces around anything but a word are
/// text.
fn pieces(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest.take()?;
        let mut from = 0;
        while let Some(open) = text[from..].find('{').map(|at| from + at) {
            let name = text[open + 1..].find('}').map(|length| &text[open + 1..open + 1 + length]);
            let is_word =
                |name: &&str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
            if let Some(name) = name.filter(is_word) {
                rest = Some(&text[open + name.len() + 2..]);
                return Some((&text[..open], Some(name)));
            }
            from = open + 1;
        }
        Some((text, None))
    })
}

/// The name that a phone shows as the sender of an SMS: 1 to 11 letters and digits, with at least one letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmsSender(String);

text_newtype!(SmsSender);

impl SmsSender {
    /// Parses a sender's name.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let name = text.trim();
        let fits = (1..=11).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && name.bytes().any(|byte| byte.is_ascii_alphabetic());
        if fits { Ok(Self(name.to_owned())) } else { Err(Refusal::NotSmsSender.into()) }
    }
}

/// The two alphabets of an SMS; a phone network takes the second as soon as one character needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Alphabet {
    /// GSM 03.38: 160 characters in one SMS.
    Gsm7,
    /// UCS-2: 70 characters in one SMS.
    Ucs2,
}

/// The basic characters of GSM 03.38 beyond ASCII letters and digits, and the extended ones that count twice.
const GSM7_BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà";
const GSM7_EXTENDED: &str = "^{}\\[~]|€";

impl Alphabet {
    /// The alphabet that a text takes.
    pub fn of(text: &str) -> Self {
        if text.chars().all(is_gsm7) { Self::Gsm7 } else { Self::Ucs2 }
    }

    /// How much one SMS holds.
    pub fn limit(self) -> usize {
        match self {
            Self::Gsm7 => 160,
            Self::Ucs2 => 70,
        }
    }

    /// How much an SMS of so many parts holds.
    pub fn capacity(self, parts: usize) -> usize {
        if parts <= 1 { self.limit() } else { parts * self.part() }
    }

    /// How much each part of a longer SMS holds.
    fn part(self) -> usize {
        match self {
            Self::Gsm7 => 153,
            Self::Ucs2 => 67,
        }
    }

    /// How much a character takes.
    fn units(self, character: char) -> usize {
        match self {
            Self::Gsm7 if GSM7_EXTENDED.contains(character) => 2,
            Self::Gsm7 => 1,
            Self::Ucs2 => character.len_utf16(),
        }
    }

    /// How much a text takes.
    pub fn length(self, text: &str) -> usize {
        text.chars().map(|character| self.units(character)).sum()
    }

    /// In how many parts a text is sent: what takes two units is in one of them whole.
    pub fn parts(self, text: &str) -> usize {
        if self.length(text) <= self.limit() {
            return 1;
        }
        let (mut parts, mut used) = (1, 0);
        for units in text.chars().map(|character| self.units(character)) {
            if used + units > self.part() {
                (parts, used) = (parts + 1, 0);
            }
            used += units;
        }
        parts
    }

    /// The mark that replaces text that was cut.
    pub fn ellipsis(self) -> &'static str {
        match self {
            Self::Gsm7 => "...",
            Self::Ucs2 => "…",
        }
    }
}

fn is_gsm7(c: char) -> bool {
    c.is_ascii_alphanumeric() || GSM7_BASIC.contains(c) || GSM7_EXTENDED.contains(c)
}

/// Characters that are typed by habit or by word processors, each with what GSM-7 has in its place.
const PLAIN: [(&str, &str); 10] = [
    ("‘’‚‛′`´", "'"),
    ("“”„‟″«»", "\""),
    ("‐‑‒–—―−", "-"),
    ("…", "..."),
    ("\u{a0}\u{2002}\u{2003}\u{2009}\u{202f}\u{3000}\t", " "),
    ("•·", "*"),
    ("×", "x"),
    ("™", "TM"),
    ("©", "(c)"),
    ("®", "(R)"),
];

/// What GSM-7 has in the place of a character, if it has something.
pub fn plain_form(character: char) -> Option<&'static str> {
    PLAIN.iter().find(|(characters, _)| characters.contains(character)).map(|(_, plain)| *plain)
}

/// The characters of a text because of which it takes UCS-2, each once, in their order.
pub fn forcing(text: &str) -> Vec<char> {
    let mut found = Vec::new();
    for character in text.chars().filter(|c| !is_gsm7(*c)) {
        if !found.contains(&character) {
            found.push(character);
        }
    }
    found
}

/// The text with the plain form of every character that has one.
pub fn in_plain_form(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match plain_form(character).filter(|_| !is_gsm7(character)) {
            Some(form) => plain.push_str(form),
            None => plain.push(character),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> Values<'static> {
        Values {
            name: "Rose {prize}",
            prize: "a bicycle",
            lottery: "Party",
            link: "https://l.example/d",
            entry: "https://l.example/#/e",
            claim_link: "https://l.example/#/c",
        }
    }

    fn fill(text: &str) -> String {
        Template::parse(text, 320).unwrap().fill(values())
    }

    #[test]
    fn placeholders_are_filled_in_once() {
        assert_eq!(
            fill("Hi {name}, {prize} from {lottery}!\nCollect it at the desk. {link}"),
            "Hi Rose {prize}, a bicycle from Party!\nCollect it at the desk. https://l.example/d"
        );
        assert_eq!(fill("{name}{name}"), "Rose {prize}Rose {prize}");
        for text in ["{", "}", "{}", "a { b } c", "{ name }", "{{", "100 % {-}"] {
            assert_eq!(fill(text), text);
        }
        assert_eq!(fill("{{name}}"), "{Rose {prize}}");
    }

    #[test]
    fn a_text_that_cannot_be_sent_is_refused() {
        for (text, refusal) in [
            ("Hi {nmae}", Refusal::UnknownPlaceholder { name: "nmae".to_owned() }),
            (" ", Refusal::Length { most: 20 }),
            ("123456789012345678901", Refusal::Length { most: 20 }),
            ("a\u{7}b", Refusal::ControlCharacters),
            ("a\u{fffd}b", Refusal::ReplacementCharacter),
        ] {
            assert_eq!(Template::parse(text, 20).map_err(Refusal::from), Err(refusal), "{text}");
        }
        assert!(Template::parse_subject("two\nlines").is_err());
    }

    #[test]
    fn a_senders_name_is_one_that_phones_show() {
        for text in ["Party", "A", "2026Party", " AcmeEvents1 "] {
            assert_eq!(SmsSender::parse(text).unwrap().as_str(), text.trim());
        }
        for text in ["", "2026", "Twelve12Long", "Acme Corp", "Acme-1", "年会", "é"] {
            assert_eq!(SmsSender::parse(text).map_err(Refusal::from), Err(Refusal::NotSmsSender), "{text}");
        }
    }

    #[test]
    fn an_sms_is_counted_in_parts_as_the_network_does() {
        for (text, alphabet, parts) in [
            ("a".repeat(160), Alphabet::Gsm7, 1),
            ("a".repeat(161), Alphabet::Gsm7, 2),
            ("a".repeat(306), Alphabet::Gsm7, 2),
            ("a".repeat(307), Alphabet::Gsm7, 3),
            ("€".repeat(80), Alphabet::Gsm7, 1),
            // An extended character is in one part whole: 76 of them fill 152 of 153.
            ("€".repeat(153), Alphabet::Gsm7, 3),
            ("年".repeat(70), Alphabet::Ucs2, 1),
            ("年".repeat(71), Alphabet::Ucs2, 2),
            ("👍".repeat(67), Alphabet::Ucs2, 3),
        ] {
            assert_eq!((Alphabet::of(&text), Alphabet::of(&text).parts(&text)), (alphabet, parts), "{text}");
        }
    }

    #[test]
    fn characters_that_cost_half_of_an_sms_are_named_with_their_plain_forms() {
        let text = "“Rose” – you’ve won… 年";
        assert_eq!(forcing(text), ['“', '”', '–', '’', '…', '年']);
        let plain = in_plain_form(text);
        assert_eq!(plain, "\"Rose\" - you've won... 年");
        assert_eq!(forcing(&plain), ['年']);
        for (characters, form) in PLAIN {
            assert_eq!(Alphabet::of(form), Alphabet::Gsm7, "{characters}");
        }
    }
}
