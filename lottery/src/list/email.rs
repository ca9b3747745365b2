//! E-mail addresses as people write them: with a display name, in brackets, with an international domain.

use super::ListRemark;
use crate::text::is_ignorable;
use crate::{EmailAddress, Refusal};

use super::remark::Why;

/// An address that was read, and what should be known about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadEmail {
    /// The address, its domain in ASCII.
    pub address: EmailAddress,
    /// A doubt that does not keep it from being used.
    pub doubt: Option<ListRemark>,
}

/// Reads one cell: `rose@example.com`, `Rose <rose@example.com>`, `mailto:rose@example.com`. Characters that show nothing are
/// left out, full-width ones are narrowed, an international domain becomes its ASCII form (UTS 46). Of several addresses the
/// first is taken.
pub fn read_email(text: &str) -> Result<ReadEmail, Why> {
    if text.len() > 2_000 {
        return Err(Refusal::TooLong { most: 254 }.into());
    }
    let text: String = text.chars().filter(|c| !is_ignorable(*c)).map(narrow).collect();
    // A separator in a quoted display name parts nothing.
    let is_between = |c: char| matches!(c, ';' | ',' | '、' | '\n' | ' ' | '|' | '/');
    let text = text.trim().trim_end_matches(is_between);
    if let Some(address) = bracketed(text).or(Some(text)).filter(|one| one.matches('@').count() == 1) {
        return one(address).map(|address| ReadEmail { address, doubt: None });
    }
    let parts = text.split([';', ',', '、', '\n', ' ', '|']).filter(|part| part.contains('@'));
    let mut read = parts.filter_map(|part| one(bracketed(part).unwrap_or(part)).ok());
    match (read.next(), read.next()) {
        (Some(address), Some(_)) => Ok(ReadEmail { address, doubt: Some(ListRemark::EmailSeveral) }),
        _ => Err(Refusal::NotEmailAddress.into()),
    }
}

/// The content of the angle brackets at the end.
fn bracketed(text: &str) -> Option<&str> {
    let (_, address) = text.strip_suffix('>')?.rsplit_once('<')?;
    (text.matches('<').count() == 1).then_some(address.trim())
}

fn narrow(character: char) -> char {
    match character {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(character) - 0xfee0).unwrap_or(character),
        '\u{fe6b}' => '@',
        '\u{2010}' | '\u{2011}' => '-',
        character if character.is_whitespace() && character != '\n' => ' ',
        character => character,
    }
}

fn one(text: &str) -> Result<EmailAddress, Why> {
    let text = text.trim().trim_matches(['\'', '"']).trim();
    let text =
        text.get(..7).filter(|start| start.eq_ignore_ascii_case("mailto:")).map_or(text, |_| &text[7..]);
    let (local, domain) = text.rsplit_once('@').ok_or(Refusal::NotEmailAddress)?;
    if text.is_ascii() {
        return EmailAddress::parse(text).map_err(|_| Refusal::NotEmailAddress.into());
    }
    if !local.is_ascii() {
        return Err(ListRemark::EmailLocalPart.into());
    }
    let domain = idna::domain_to_ascii_strict(domain).map_err(|_| ListRemark::EmailDomain)?;
    EmailAddress::parse(&format!("{local}@{domain}")).map_err(|_| Refusal::NotEmailAddress.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_in_every_spelling() {
        for (text, address) in [
            ("rose@example.com", "rose@example.com"),
            ("Rose@Example.COM", "Rose@example.com"),
            ("Rose <rose@example.com>", "rose@example.com"),
            ("\"Tyler, Rose\" <rose@example.com>", "rose@example.com"),
            ("<rose@example.com>", "rose@example.com"),
            ("mailto:rose@example.com", "rose@example.com"),
            ("MAILTO:rose@example.com", "rose@example.com"),
            ("\u{200b}rose@example.com\u{a0}", "rose@example.com"),
            ("rose\u{ad}@example.com", "rose@example.com"),
            ("\u{202a}rose@example.com\u{202c}", "rose@example.com"),
            ("rose＠example．com", "rose@example.com"),
            ("rose@example.com;", "rose@example.com"),
            ("'rose@example.com'", "rose@example.com"),
            ("rose@müller.example", "rose@xn--mller-kva.example"),
            ("rose@MÜLLER.example", "rose@xn--mller-kva.example"),
            ("rose@xn--mller-kva.example", "rose@xn--mller-kva.example"),
            ("rose@例子.example", "rose@xn--fsqu00a.example"),
            ("rose@例子。example", "rose@xn--fsqu00a.example"),
        ] {
            assert_eq!(
                read_email(text).map(|read| read.address.to_string()).as_deref(),
                Ok(address),
                "{text:?}"
            );
        }
    }

    #[test]
    fn what_is_no_address_is_told() {
        for text in [
            "rose",
            "rose@",
            "@example.com",
            "rose@example",
            "ro se@example.com",
            "rose@@example.com",
            "rose at example.com",
        ] {
            assert_eq!(read_email(text), Err(Refusal::NotEmailAddress.into()), "{text}");
        }
        assert_eq!(read_email("röse@example.com"), Err(ListRemark::EmailLocalPart.into()));
        assert_eq!(read_email("张伟@example.com"), Err(ListRemark::EmailLocalPart.into()));
        assert_eq!(read_email("rose@-ü-.example"), Err(ListRemark::EmailDomain.into()));
    }

    #[test]
    fn of_several_addresses_the_first_is_taken() {
        for text in [
            "rose@example.com; tracy@example.com",
            "rose@example.com,tracy@example.com",
            "rose@example.com\ntracy@example.com",
        ] {
            let read = read_email(text).unwrap();
            assert_eq!(
                (read.address.as_str(), read.doubt),
                ("rose@example.com", Some(ListRemark::EmailSeveral))
            );
        }
    }
}
