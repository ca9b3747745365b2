//! [`Matcher`]: a condition on a single value.

use std::net::IpAddr;

use serde_json::Value;

/// A condition on a text, a number, `true`, `false` or `null`.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Matcher {
    /// This very value; numbers by their value.
    Exactly(Value),
    Prefix(Text),
    Suffix(Text),
    EqualsIgnoreCase(String),
    Wildcard(Wildcard),
    Numeric(Range),
    /// Whether there is a value; of the field, not of one value.
    Exists(bool),
    Cidr(Cidr),
    /// None of these.
    AnythingBut(Vec<Matcher>),
}

/// A text that is compared as it is or without regard to case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Text {
    AsItIs(String),
    AnyCase(String),
}

/// Numbers between bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Range {
    pub(super) bottom: Bound,
    pub(super) top: Bound,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Bound {
    None,
    /// The bound itself is within.
    Closed(f64),
    Open(f64),
}

/// A text with `*` for any characters: the parts between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wildcard(pub(super) Vec<String>);

/// A range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cidr {
    pub(super) address: IpAddr,
    pub(super) bits: u32,
}

impl Matcher {
    /// Whether it holds. [`Matcher::Exists`] is about the field and is asked there.
    pub(super) fn matches(&self, value: &Value) -> bool {
        let text = value.as_str();
        match self {
            Matcher::Exactly(Value::Number(expected)) => value
                .as_number()
                .is_some_and(|number| number == expected || number.as_f64() == expected.as_f64()),
            Matcher::Exactly(expected) => value == expected,
            Matcher::Prefix(prefix) => {
                text.is_some_and(|text| prefix.holds(text, |text, part| text.starts_with(part)))
            }
            Matcher::Suffix(suffix) => {
                text.is_some_and(|text| suffix.holds(text, |text, part| text.ends_with(part)))
            }
            Matcher::EqualsIgnoreCase(expected) => text.is_some_and(|text| text.to_lowercase() == *expected),
            Matcher::Wildcard(wildcard) => text.is_some_and(|text| wildcard.matches(text)),
            Matcher::Numeric(range) => value.as_f64().is_some_and(|number| range.contains(number)),
            Matcher::Exists(expected) => *expected,
            Matcher::Cidr(cidr) => {
                text.and_then(|text| text.parse().ok()).is_some_and(|it| cidr.contains(it))
            }
            Matcher::AnythingBut(matchers) => !matchers.iter().any(|matcher| matcher.matches(value)),
        }
    }
}

impl Text {
    fn holds(&self, text: &str, compare: impl Fn(&str, &str) -> bool) -> bool {
        match self {
            Text::AsItIs(part) => compare(text, part),
            Text::AnyCase(part) => compare(&text.to_lowercase(), part),
        }
    }
}

impl Range {
    fn contains(&self, number: f64) -> bool {
        let above = match self.bottom {
            Bound::None => true,
            Bound::Closed(bound) => number >= bound,
            Bound::Open(bound) => number > bound,
        };
        above
            && match self.top {
                Bound::None => true,
                Bound::Closed(bound) => number <= bound,
                Bound::Open(bound) => number < bound,
            }
    }
}

impl Wildcard {
    fn matches(&self, text: &str) -> bool {
        let [first, rest @ ..] = self.0.as_slice() else { return false };
        let [middle @ .., last] = rest else { return text == first };
        let Some(mut text) = text.strip_prefix(first.as_str()) else { return false };
        for part in middle {
            // The first place is the best: it leaves most for the parts that follow.
            let Some(start) = text.find(part.as_str()) else { return false };
            text = &text[start + part.len()..];
        }
        text.ends_with(last.as_str())
    }
}

impl Cidr {
    fn contains(&self, address: IpAddr) -> bool {
        let shared = |a: u128, b: u128, width: u32| {
            let rest = width - self.bits.min(width);
            a.checked_shr(rest).unwrap_or(0) == b.checked_shr(rest).unwrap_or(0)
        };
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => shared(own.to_bits().into(), other.to_bits().into(), 32),
            (IpAddr::V6(own), IpAddr::V6(other)) => shared(own.to_bits(), other.to_bits(), 128),
            _ => false,
        }
    }
}
