//! Phones and e-mail addresses, as far as SNS looks at them.

/// An address in the form in which two spellings of the same one are equal.
pub(crate) fn normalised(address: &str) -> String {
    let address = address.trim();
    if address.contains('@') {
        return address.to_lowercase();
    }
    address.chars().filter(|character| !matches!(character, ' ' | '-')).collect()
}

/// Whether this is a phone number in E.164: a plus sign and up to fifteen digits.
pub(crate) fn is_phone(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (2..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0')
    })
}

/// Whether this looks like an e-mail address.
pub(crate) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    !local.is_empty()
        && !domain.is_empty()
        && text.len() <= 256
        && !text.chars().any(|character| character.is_whitespace() || character.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_address_are_equal() {
        assert_eq!(normalised(" +1 555-0100 "), normalised("+15550100"));
        assert_eq!(normalised("Rose@Example.com"), normalised("rose@example.com"));
    }

    #[test]
    fn a_phone_has_a_plus_and_digits_only() {
        assert!(is_phone("+15550100"));
        for wrong in ["15550100", "+", "+1555x100", "+0155501", "+1234567890123456"] {
            assert!(!is_phone(wrong), "{wrong}");
        }
    }
}
