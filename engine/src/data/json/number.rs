//! [`Number`]: whole numbers stay whole, others are double-precision and written as AWS (Java) writes them.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A JSON number: never infinite, never "not a number".
#[derive(Clone, Debug)]
pub struct Number(Repr);

#[derive(Clone, Debug)]
enum Repr {
    Int(i64),
    /// Above `i64::MAX` only, so that each whole number has one form.
    Large(u64),
    /// Beyond 64 bits: all digits, after a minus sign if it is negative.
    Huge(Arc<str>),
    /// Finite.
    Float(f64),
}

impl Number {
    /// The number, unless it is infinite or not a number.
    pub fn from_f64(value: f64) -> Option<Number> {
        value.is_finite().then_some(Number(Repr::Float(value)))
    }

    /// The number, if it was written without a fraction or exponent and fits.
    pub fn as_i64(&self) -> Option<i64> {
        match self.0 {
            Repr::Int(value) => Some(value),
            Repr::Large(_) | Repr::Huge(_) | Repr::Float(_) => None,
        }
    }

    /// The number, if it was written without a fraction or exponent, is not negative, and fits.
    pub fn as_u64(&self) -> Option<u64> {
        match self.0 {
            Repr::Int(value) => u64::try_from(value).ok(),
            Repr::Large(value) => Some(value),
            Repr::Huge(_) | Repr::Float(_) => None,
        }
    }

    /// The nearest double-precision number.
    pub fn as_f64(&self) -> f64 {
        match &self.0 {
            Repr::Int(value) => *value as f64,
            Repr::Large(value) => *value as f64,
            Repr::Huge(digits) => digits.parse().expect("read as a finite number when it was made"),
            Repr::Float(value) => *value,
        }
    }

    /// Whether it was written without a fraction or exponent.
    pub fn is_integer(&self) -> bool {
        !matches!(self.0, Repr::Float(_))
    }

    /// The whole number that this equals (`2` for `2` and for `2.0`), if there is one and it fits.
    pub fn to_whole(&self) -> Option<i64> {
        match self.0 {
            Repr::Int(value) => Some(value),
            // 2^63 itself does not fit, hence the open upper end.
            Repr::Float(value)
                if value.fract() == 0.0
                    && (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&value) =>
            {
                Some(value as i64)
            }
            Repr::Large(_) | Repr::Huge(_) | Repr::Float(_) => None,
        }
    }

    /// All digits of a whole number beyond 64 bits.
    pub(crate) fn huge_digits(&self) -> Option<&str> {
        match &self.0 {
            Repr::Huge(digits) => Some(digits),
            Repr::Int(_) | Repr::Large(_) | Repr::Float(_) => None,
        }
    }

    /// Reads a number that is known to follow JSON's grammar; nothing if it is beyond what a double can come near to.
    pub(crate) fn from_json_text(text: &str, whole: bool) -> Option<Number> {
        if whole {
            if let Ok(value) = text.parse::<i64>() {
                return Some(Number(Repr::Int(value)));
            }
            if let Ok(value) = text.parse::<u64>() {
                return Some(Number(Repr::Large(value)));
            }
            // Beyond 64 bits.
            let nearest: f64 = text.parse().ok()?;
            return nearest.is_finite().then(|| Number(Repr::Huge(text.into())));
        }
        Number::from_f64(text.parse().ok()?)
    }

    /// Appends the number as AWS writes it.
    pub(super) fn write(&self, out: &mut String) {
        match &self.0 {
            Repr::Int(value) => write_whole(value.unsigned_abs(), *value < 0, out),
            Repr::Large(value) => write_whole(*value, false, out),
            Repr::Huge(digits) => out.push_str(digits),
            Repr::Float(value) => write_float(*value, out),
        }
    }

    /// The length of what [`Number::write`] appends.
    pub(super) fn text_len(&self) -> usize {
        match &self.0 {
            Repr::Int(value) => digits(value.unsigned_abs()) + usize::from(*value < 0),
            Repr::Large(value) => digits(*value),
            Repr::Huge(digits) => digits.len(),
            Repr::Float(value) => {
                let mut length = Length(0);
                write_float(*value, &mut length);
                length.0
            }
        }
    }
}

/// Counts what is written.
struct Length(usize);

impl fmt::Write for Length {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 += text.len();
        Ok(())
    }
}

fn digits(value: u64) -> usize {
    value.checked_ilog10().map_or(1, |log| log as usize + 1)
}

fn write_whole(mut value: u64, negative: bool, out: &mut String) {
    let mut buffer = [0u8; 20];
    let mut at = buffer.len();
    loop {
        at -= 1;
        buffer[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    if negative {
        out.push('-');
    }
    out.extend(buffer[at..].iter().map(|&digit| char::from(digit)));
}

/// Java's `Double.toString`: plain between 10^-3 and 10^7 with at least one decimal, else `1.5E10`.
fn write_float(value: f64, out: &mut impl fmt::Write) {
    let magnitude = value.abs();
    let written = if value == 0.0 || (1e-3..1e7).contains(&magnitude) {
        write!(out, "{value:?}")
    } else {
        // `{:e}` gives the shortest digits that read back as the same number: `1e10`, `1.5e-7`.
        let text = format!("{value:e}");
        match text.split_once('e') {
            Some((digits, exponent)) if digits.contains('.') => write!(out, "{digits}E{exponent}"),
            Some((digits, exponent)) => write!(out, "{digits}.0E{exponent}"),
            None => write!(out, "{text}"),
        }
    };
    written.expect("neither a String nor a length fails");
}

/// The order of two whole numbers by their digits, which have no leading zeros.
fn compare_digits(left: &str, right: &str) -> Ordering {
    let magnitude = |left: &str, right: &str| left.len().cmp(&right.len()).then_with(|| left.cmp(right));
    match (left.strip_prefix('-'), right.strip_prefix('-')) {
        (None, None) => magnitude(left, right),
        (Some(left), Some(right)) => magnitude(right, left),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
    }
}

/// Numbers are equal by value: `1` equals `1.0`.
impl PartialEq for Number {
    fn eq(&self, other: &Number) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

impl Hash for Number {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Equal numbers have the same nearest double; adding zero takes the sign from a negative zero.
        (self.as_f64() + 0.0).to_bits().hash(state);
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Number) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Number) -> Ordering {
        match (&self.0, &other.0) {
            (Repr::Int(left), Repr::Int(right)) => left.cmp(right),
            (Repr::Large(left), Repr::Large(right)) => left.cmp(right),
            (Repr::Int(_), Repr::Large(_)) => Ordering::Less,
            (Repr::Large(_), Repr::Int(_)) => Ordering::Greater,
            (Repr::Huge(left), Repr::Huge(right)) => compare_digits(left, right),
            _ => self.as_f64().partial_cmp(&other.as_f64()).expect("numbers are finite"),
        }
    }
}

impl From<i32> for Number {
    fn from(value: i32) -> Number {
        Number(Repr::Int(value.into()))
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Number {
        Number(Repr::Int(value))
    }
}

impl From<u32> for Number {
    fn from(value: u32) -> Number {
        Number(Repr::Int(value.into()))
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Number {
        Number(i64::try_from(value).map_or(Repr::Large(value), Repr::Int))
    }
}

impl From<usize> for Number {
    fn from(value: usize) -> Number {
        Number::from(value as u64)
    }
}

/// As AWS writes it.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.write(&mut text);
        f.write_str(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: f64) -> String {
        Number::from_f64(value).unwrap().to_string()
    }

    #[test]
    fn floats_are_written_as_java_writes_them() {
        assert_eq!(written(1.0), "1.0");
        assert_eq!(written(0.0), "0.0");
        assert_eq!(written(-1.5), "-1.5");
        assert_eq!(written(0.001), "0.001");
        assert_eq!(written(0.0001), "1.0E-4");
        assert_eq!(written(1_234_567.5), "1234567.5");
        assert_eq!(written(1e7), "1.0E7");
        assert_eq!(written(-1.25e-9), "-1.25E-9");
    }

    #[test]
    fn whole_numbers_keep_every_digit() {
        for value in [i64::MIN, -1, 0, 9, 10, i64::MAX] {
            assert_eq!(Number::from(value).to_string(), value.to_string());
            assert_eq!(Number::from(value).text_len(), value.to_string().len());
        }
        assert_eq!(Number::from(u64::MAX).to_string(), u64::MAX.to_string());
    }

    #[test]
    fn whole_numbers_beyond_64_bits_keep_their_digits_and_their_order() {
        let read = |text: &str| Number::from_json_text(text, true).unwrap();
        let texts = [
            "-123456789012345678901234567891",
            "-123456789012345678901234567890",
            "-9223372036854775809",
            "5",
            "18446744073709551616",
            "123456789012345678901234567890",
            "123456789012345678901234567891",
        ];
        for text in texts {
            assert_eq!(read(text).to_string(), text);
            assert_eq!(read(text).text_len(), text.len());
            assert!(read(text).is_integer());
        }
        let mut sorted: Vec<Number> = texts.iter().rev().map(|text| read(text)).collect();
        sorted.sort();
        assert_eq!(sorted.iter().map(Number::to_string).collect::<Vec<_>>(), texts);
        assert_eq!(read("-0").to_string(), "0");
        assert!(Number::from_json_text(&"9".repeat(400), true).is_none());
    }

    #[test]
    fn a_number_without_a_fraction_is_whole_however_it_is_written() {
        assert_eq!(Number::from_f64(2.0).unwrap().to_whole(), Some(2));
        assert_eq!(Number::from_f64(2.5).unwrap().to_whole(), None);
        assert_eq!(Number::from_f64(1e300).unwrap().to_whole(), None);
        assert_eq!(Number::from_f64(f64::NAN), None);
    }
}
