//! Timestamps as the States Language writes them: ISO 8601 with date, time and offset.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;

use super::Json;

/// Reads an "ISO-8601 extended offset date-time": `2016-03-14T01:59:00Z`, `2016-03-14T01:59:00.5+01:00`.
///
/// `T` and `Z` are capitals, and nothing is left out but the fraction; the fraction has up to nine digits.
pub fn parse(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    if !text.is_ascii() || bytes.len() < 20 {
        return None;
    }
    let date = Date::new(number(&bytes[0..4])?, small(&bytes[5..7])?, small(&bytes[8..10])?).ok()?;
    if (bytes[4], bytes[7], bytes[10], bytes[13], bytes[16]) != (b'-', b'-', b'T', b':', b':') {
        return None;
    }
    let (fraction, offset) = split_fraction(&bytes[19..])?;
    let time =
        Time::new(small(&bytes[11..13])?, small(&bytes[14..16])?, small(&bytes[17..19])?, fraction).ok()?;
    parse_offset(offset)?.to_timestamp(DateTime::from_parts(date, time)).ok()
}

/// The seconds since 1970 of a timestamp.
pub(crate) fn seconds_of(text: &str) -> Option<i64> {
    parse(text).map(Timestamp::as_second)
}

/// The timestamp so many milliseconds after 1970, as a JSON string.
pub(crate) fn from_millis(millis: i64) -> Json {
    Json::from(format(Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH)))
}

/// Writes a timestamp as AWS does: in UTC, with milliseconds.
pub fn format(timestamp: Timestamp) -> String {
    let time = Offset::UTC.to_datetime(timestamp);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        time.year(),
        time.month(),
        time.day(),
        time.hour(),
        time.minute(),
        time.second(),
        time.millisecond()
    )
}

fn number(digits: &[u8]) -> Option<i16> {
    digits
        .iter()
        .try_fold(0i16, |value, digit| digit.is_ascii_digit().then(|| value * 10 + i16::from(digit - b'0')))
}

fn small(digits: &[u8]) -> Option<i8> {
    number(digits)?.try_into().ok()
}

/// Nanoseconds, and what follows them.
fn split_fraction(rest: &[u8]) -> Option<(i32, &[u8])> {
    let Some(digits_on) = rest.strip_prefix(b".") else { return Some((0, rest)) };
    let count = digits_on.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=9).contains(&count) {
        return None;
    }
    let value = digits_on[..count].iter().fold(0, |value, digit| value * 10 + i32::from(digit - b'0'));
    Some((value * 10_i32.pow(9 - count as u32), &digits_on[count..]))
}

fn parse_offset(text: &[u8]) -> Option<Offset> {
    if text == b"Z" {
        return Some(Offset::UTC);
    }
    let sign = match text.first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    if text.len() != 6 || text[3] != b':' {
        return None;
    }
    let (hours, minutes) = (i32::from(small(&text[1..3])?), i32::from(small(&text[4..6])?));
    if hours > 18 || minutes > 59 {
        return None;
    }
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_read_with_fraction_and_offset() {
        for (text, written) in [
            ("2016-03-14T01:59:00Z", "2016-03-14T01:59:00.000Z"),
            ("2016-03-05T21:29:29.243167252Z", "2016-03-05T21:29:29.243Z"),
            ("2012-10-09T19:00:55+01:00", "2012-10-09T18:00:55.000Z"),
            ("2026-11-22T10:56:38.00-00:30", "2026-11-22T11:26:38.000Z"),
        ] {
            assert_eq!(parse(text).map(format).as_deref(), Some(written), "{text}");
        }
    }

    #[test]
    fn anything_else_is_no_timestamp() {
        for text in [
            "",
            "2023-02-24",
            "2012-10-09T19:00:55",
            "2016-12-05 21:29:29Z",
            "2016-13-05T21:29:29Z",
            "2016-12-05T25:29:29Z",
            "05-12-2016T21:29:29Z",
            "2016-12-05t21:29:29Z",
            "2016-12-05T21:29:29z",
            "2016-12-05T21:29:29.Z",
            "2016-12-05T21:29:29+1:00",
            "2016-12-05T21:29:29Zé",
            "2016-12-05T21:29:2éZ",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
