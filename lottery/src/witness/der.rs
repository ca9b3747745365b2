//! The few types of DER that a time stamp is made of: read strictly, so that every verifier comes to the same end, and
//! written.
//!
//! Certificates are kept as the bytes that were signed. Crates that parse them anew write what they understood, which need
//! not be the same; and none reads the fractions of a second that authorities put into their stamps.

/// What does not have the form of a time stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OBJECT_ID: u8 = 0x06;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// A constructed field with a number of its own, `[number]`.
pub(super) const fn field(number: u8) -> u8 {
    0xa0 | number
}

/// A value with its tag, and the bytes of both with the length between.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
    pub(super) whole: &'a [u8],
}

/// What is left of a list of elements.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The content of the one element, of this tag, that these bytes are.
    pub(super) fn only(bytes: &'a [u8], tag: u8) -> Result<Self, Malformed> {
        let mut reader = Self(bytes);
        let content = reader.take(tag)?;
        reader.end()?;
        Ok(content)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Nothing may be left.
    pub(super) fn end(&self) -> Result<(), Malformed> {
        if self.0.is_empty() { Ok(()) } else { Err(Malformed) }
    }

    /// The next element: its tag in one byte, its length in the shortest form.
    pub(super) fn element(&mut self) -> Result<Element<'a>, Malformed> {
        let (&tag, rest) = self.0.split_first().ok_or(Malformed)?;
        let (&short, rest) = rest.split_first().ok_or(Malformed)?;
        if tag & 0x1f == 0x1f {
            return Err(Malformed);
        }
        let (length, rest) = match short {
            0..=0x7f => (usize::from(short), rest),
            0x81..=0x83 => {
                let (digits, rest) = rest.split_at_checked(usize::from(short & 0x7f)).ok_or(Malformed)?;
                let length = digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit));
                if digits[0] == 0 || length < 0x80 {
                    return Err(Malformed);
                }
                (length, rest)
            }
            _ => return Err(Malformed),
        };
        let (content, rest) = rest.split_at_checked(length).ok_or(Malformed)?;
        let whole = &self.0[..self.0.len() - rest.len()];
        self.0 = rest;
        Ok(Element { tag, content, whole })
    }

    /// The next element, which has this tag.
    pub(super) fn expect(&mut self, tag: u8) -> Result<Element<'a>, Malformed> {
        let element = self.element()?;
        if element.tag == tag { Ok(element) } else { Err(Malformed) }
    }

    /// What is in the next element, which has this tag.
    pub(super) fn take(&mut self, tag: u8) -> Result<Reader<'a>, Malformed> {
        self.expect(tag).map(|element| Reader(element.content))
    }

    /// The next element if it has this tag.
    pub(super) fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, Malformed> {
        if self.0.first() == Some(&tag) { self.element().map(Some) } else { Ok(None) }
    }

    /// The next element, a whole number that is not negative and fits.
    pub(super) fn number(&mut self) -> Result<u64, Malformed> {
        number(self.expect(INTEGER)?.content)
    }
}

/// A whole number that is not negative, in the shortest form.
pub(super) fn number(content: &[u8]) -> Result<u64, Malformed> {
    match content {
        [] | [0x80..=0xff, ..] | [0, 0..=0x7f, ..] => Err(Malformed),
        digits if digits.len() > 7 => Err(Malformed),
        digits => Ok(digits.iter().fold(0, |number, digit| number << 8 | u64::from(*digit))),
    }
}

/// The bytes of a BIT STRING of whole bytes.
pub(super) fn whole_bits(content: &[u8]) -> Result<&[u8], Malformed> {
    match content {
        [0, bytes @ ..] => Ok(bytes),
        _ => Err(Malformed),
    }
}

/// A time in milliseconds since 1970, rounded up: UTCTime, or GeneralizedTime with a fraction of up to nine digits.
pub(super) fn time(element: Element<'_>) -> Result<i64, Malformed> {
    let text = std::str::from_utf8(element.content).ok().and_then(|text| text.strip_suffix('Z'));
    let text = text.ok_or(Malformed)?;
    let text = match element.tag {
        UTC_TIME if text.len() == 12 => {
            format!("{}{text}", if text.as_bytes()[0] < b'5' { "20" } else { "19" })
        }
        GENERALIZED_TIME => text.to_owned(),
        _ => return Err(Malformed),
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let is_fraction = whole.len() == text.len()
        || (1..=9).contains(&fraction.len()) && !fraction.ends_with('0') && element.tag == GENERALIZED_TIME;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() != 14 || !digits(whole) || !digits(fraction) || !is_fraction {
        return Err(Malformed);
    }
    let spelled = format!(
        "{}-{}-{}T{}:{}:{}",
        &whole[..4],
        &whole[4..6],
        &whole[6..8],
        &whole[8..10],
        &whole[10..12],
        &whole[12..]
    );
    // A leap second has no number of its own, and no certificate is older.
    if &whole[12..] == "60" || whole < "1950" {
        return Err(Malformed);
    }
    // Certificates without an end name the last second of the year 9999, which is later than any `jiff::Timestamp`.
    let time = spelled.parse::<jiff::civil::DateTime>().map_err(|_| Malformed)?;
    let seconds = time.duration_since(jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0)).as_secs();
    let nanoseconds: i64 = format!("{fraction:0<9}").parse().map_err(|_| Malformed)?;
    Ok(seconds * 1000 + (nanoseconds + 999_999) / 1_000_000)
}

/// An element of this tag and content.
pub(super) fn element(tag: u8, content: impl AsRef<[u8]>) -> Vec<u8> {
    let content = content.as_ref();
    let mut bytes = vec![tag];
    match content.len() {
        short @ 0..=0x7f => bytes.push(short as u8),
        long => {
            let digits = long.to_be_bytes();
            let digits = &digits[digits.iter().take_while(|digit| **digit == 0).count()..];
            bytes.push(0x80 | digits.len() as u8);
            bytes.extend_from_slice(digits);
        }
    }
    bytes.extend_from_slice(content);
    bytes
}

/// A SEQUENCE of these elements.
pub(super) fn sequence(elements: &[&[u8]]) -> Vec<u8> {
    element(SEQUENCE, elements.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_reads_as_it_is_written_and_no_other_length_is_taken() {
        for length in [0, 1, 127, 128, 255, 256, 65_535, 65_536] {
            let bytes = element(OCTET_STRING, vec![7; length]);
            let content = Reader::only(&bytes, OCTET_STRING).unwrap();
            assert_eq!(content.0.len(), length);
            assert!(Reader::only(&bytes[..bytes.len() - 1], OCTET_STRING).is_err());
        }
        for wrong in [&[4, 0x81, 1, 0][..], &[4, 0x80, 0, 0], &[4, 0x82, 0, 0x80], &[0x1f, 1, 0], &[4], &[]] {
            assert!(Reader::new(wrong).element().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_time_rounds_up_and_has_one_spelling() {
        let read = |tag, text: &str| time(Element { tag, content: text.as_bytes(), whole: &[] });
        assert_eq!(read(GENERALIZED_TIME, "20260420123045Z"), Ok(1_776_688_245_000));
        assert_eq!(read(UTC_TIME, "260420123045Z"), Ok(1_776_688_245_000));
        assert_eq!(read(GENERALIZED_TIME, "20260420123045.1200001Z"), Ok(1_776_688_245_121));
        assert_eq!(read(UTC_TIME, "500101000000Z"), Ok(-631_152_000_000));
        for text in [
            "20260420123045",
            "20260420123045.Z",
            "20260420123045.10Z",
            "20260431123045Z",
            "20260420123060Z",
            "2026042012304Z",
        ] {
            assert!(read(GENERALIZED_TIME, text).is_err(), "{text}");
        }
        assert!(read(UTC_TIME, "260420123045.1Z").is_err());
    }

    #[test]
    fn a_number_has_one_spelling() {
        assert_eq!((number(&[0]), number(&[0, 0x80]), number(&[1, 0])), (Ok(0), Ok(128), Ok(256)));
        for wrong in [&[][..], &[0x80], &[0, 1], &[1; 8]] {
            assert!(number(wrong).is_err(), "{wrong:?}");
        }
    }
}
