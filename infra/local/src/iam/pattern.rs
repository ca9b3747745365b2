//! Wildcards of policies: `*` is any text, `?` any one character.

/// Whether the text matches the pattern.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where the last `*` is, and the end of what it matches so far.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(character) if *character == '?' || *character == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((index, end)) = star else { return false };
                star = Some((index, end + 1));
                (p, t) = (index + 1, end + 1);
            }
        }
    }
    pattern[p..].iter().all(|character| *character == '*')
}

/// Whether an ARN matches: each of its six parts for itself, so that a wildcard does not reach over a colon; the sixth
/// part is the rest. Parts that the pattern lacks are `*`.
pub(super) fn matches_arn(pattern: &str, arn: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let patterns: Vec<&str> = pattern.splitn(6, ':').collect();
    if parts.len() < 6 || patterns[0] != "arn" {
        return pattern == arn;
    }
    parts.iter().enumerate().all(|(index, part)| matches(patterns.get(index).unwrap_or(&"*"), part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_text_and_a_question_mark_one_character() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("*", "", true),
            ("*", "anything", true),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "aXcYb", false),
            ("a*bc", "abbbc", true),
            ("?at", "cat", true),
            ("?at", "at", false),
            ("a?", "aé", true),
            ("abc", "abcd", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    /// From "IAM JSON policy elements: Resource", with the ARNs that it gives.
    #[test]
    fn a_wildcard_stays_within_its_part_of_an_arn() {
        for (pattern, arn, expected) in [
            ("arn:aws:iam::123456789012:u*", "arn:aws:iam::123456789012:user/Bob", true),
            (
                "arn:aws:iam::123456789012:user/accounting/*",
                "arn:aws:iam::123456789012:user/accounting/Bob",
                true,
            ),
            ("arn:aws:sns:*:*:*", "arn:aws:sns:us-east-1:123456789012:topic:subscription", true),
            ("arn:*:sns:*", "arn:aws:sns:us-east-1:123456789012:topic", true),
            ("arn:aws:sqs", "arn:aws:sqs:us-east-1:123456789012:queue", true),
            // `arn:*` does not swallow the service.
            ("arn:*:topic", "arn:aws:sns:us-east-1:123456789012:topic", false),
            ("arn:aws:sns:us-east-1:123456789012:a-*", "arn:aws:sns:us-east-1:123456789012:b-a-1", false),
            ("arn:aws:sns:*:*:*", "+15550001111", false),
            ("*", "+15550001111", true),
        ] {
            assert_eq!(matches_arn(pattern, arn), expected, "{pattern} {arn}");
        }
    }
}
