//! Where a participant can be reached: phone numbers in E.164, e-mail addresses.

use crate::text::{personal, text_newtype};
use crate::{Invalid, Refusal};

/// A phone number in E.164: `+` and 8 to 15 digits.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PhoneNumber(String);

/// An e-mail address, its domain in lower case.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EmailAddress(String);

/// One address of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// For SMS.
    Phone(PhoneNumber),
    /// For e-mail.
    Email(EmailAddress),
}

text_newtype!(PhoneNumber);
text_newtype!(EmailAddress);
personal!(PhoneNumber);
personal!(EmailAddress);

impl PhoneNumber {
    /// Parses an international number; spaces and hyphens are dropped.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let number: String = text.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
        let fits = number.strip_prefix('+').is_some_and(|digits| {
            (8..=15).contains(&digits.len())
                && digits.bytes().all(|b| b.is_ascii_digit())
                && !digits.starts_with('0')
        });
        if fits { Ok(Self(number)) } else { Err(Refusal::NotPhoneNumber.into()) }
    }
}

impl EmailAddress {
    /// Parses an address as mail systems use it: an unquoted local part and a domain name, in ASCII.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let refused = || Invalid::from(Refusal::NotEmailAddress);
        let text = text.trim();
        if text.len() > 254 {
            return Err(Refusal::TooLong { most: 254 }.into());
        }
        let (local, domain) = text.rsplit_once('@').ok_or_else(refused)?;
        if !is_local_part(local) || !is_domain(domain) {
            return Err(refused());
        }
        Ok(Self(format!("{local}@{}", domain.to_ascii_lowercase())))
    }

    /// The parts before and after the `@`.
    pub(crate) fn parts(&self) -> (&str, &str) {
        self.0.rsplit_once('@').expect("an e-mail address holds an @, parsing sees to it")
    }

    /// What makes two addresses one mailbox in practice: nobody tells apart the case of a local part.
    pub fn mailbox(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

/// RFC 5321 `Dot-string`, at most 64 characters.
fn is_local_part(local: &str) -> bool {
    let is_atom = |atom: &str| {
        !atom.is_empty()
            && atom.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b))
    };
    local.len() <= 64 && local.split('.').all(is_atom)
}

/// A domain name of at least two labels whose last is no number.
fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = domain.rsplit('.').next().unwrap_or_default();
    domain.contains('.') && domain.split('.').all(is_label) && !last.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phone_numbers_are_e164_after_dropping_spaces_and_hyphens() {
        for (text, number) in [
            ("+12025550101", "+12025550101"),
            ("+1 202-555-0101", "+12025550101"),
            (" +49 1575 0000001", "+4915750000001"),
            ("+12345678", "+12345678"),
            ("+123456789012345", "+123456789012345"),
        ] {
            assert_eq!(PhoneNumber::parse(text).unwrap().as_str(), number);
        }
        for text in [
            "",
            "+",
            "12025550101",
            "+1234567",
            "+1234567890123456",
            "+0123456789",
            "+1202555010a",
            "++12025550101",
            "+١٢٣٤٥٦٧٨٩",
            "+1(202)5550101",
        ] {
            assert!(PhoneNumber::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn e_mail_addresses_keep_their_local_part_and_lower_their_domain() {
        assert_eq!(EmailAddress::parse("Rose.T+x@Example.COM").unwrap().as_str(), "Rose.T+x@example.com");
        assert_eq!(EmailAddress::parse("Rose@Example.com").unwrap().mailbox(), "rose@example.com");
        for text in [
            "",
            "@",
            "rose",
            "rose@",
            "@example.com",
            "rose@example",
            "ro se@example.com",
            ".rose@example.com",
            "rose.@example.com",
            "ro..se@example.com",
            "rose@-example.com",
            "rose@example-.com",
            "rose@example..com",
            "rose@127.0.0.1",
            "röse@example.com",
            "rose@exämple.com",
            "a@b@example.com",
            "rose@example.com\n.evil",
            "\"rose\"@example.com",
        ] {
            assert!(EmailAddress::parse(text).is_err(), "{text}");
        }
        let long = format!("{}@{}.com", "a".repeat(64), "b.".repeat(92) + "c");
        assert_eq!(long.len(), 254);
        assert!(EmailAddress::parse(&long).is_ok());
        assert!(EmailAddress::parse(&format!("{}@example.com", "a".repeat(65))).is_err());
    }

    #[test]
    fn addresses_do_not_show_in_debug_output() {
        let shown = format!(
            "{:?} {:?}",
            PhoneNumber::parse("+12025550101").unwrap(),
            EmailAddress::parse("rose@example.com").unwrap()
        );
        assert_eq!(shown, "PhoneNumber(***) EmailAddress(***)");
    }
}
