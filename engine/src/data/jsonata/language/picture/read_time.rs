//! Reading times: in ISO 8601, and by pictures.

use super::super::error::{Error, Outcome};
use super::super::meter::Meter;
use super::super::number::{parse, parse_int};
use super::super::regex::Regex;
use super::calendar::{Civil, DAY, utc};
use super::integer::{Grouping, IntegerFormat, Primary};
use super::time::{DAYS, MONTHS, Marker, Part, component, parse_picture};

/// A time in ISO 8601; nothing if it is written in another way, "not a number" if there is no such time.
pub(crate) fn parse_iso(text: &str) -> Option<f64> {
    let mut reader = Reader { text: text.as_bytes(), at: 0 };
    let year = reader.digits(4)?;
    let mut dates = Vec::new();
    while reader.peek() == Some(b'-')
        && dates.len() < 2
        && reader.is_digits_at(1, 2)
        && reader.at + 3 <= text.len()
    {
        // A zone of negative hours looks like a month; what follows tells them apart.
        let is_zone = reader.is_digits_at(4, 2) && reader.text.get(reader.at + 3) == Some(&b':');
        if is_zone || (reader.is_digits_at(3, 2) && reader.at + 5 == text.len()) {
            break;
        }
        reader.at += 1;
        dates.push(reader.digits(2)?);
    }
    let mut time = None;
    if reader.take(b'T') {
        let hour = reader.digits(2)?;
        reader.take(b':').then_some(())?;
        let minute = reader.digits(2)?;
        reader.take(b':').then_some(())?;
        time = Some((hour, minute, reader.digits(2)?));
    }
    let mut millisecond = 0.0;
    if reader.take(b'.') {
        let start = reader.at;
        while reader.peek().is_some_and(|digit| digit.is_ascii_digit()) {
            reader.at += 1;
        }
        if start == reader.at {
            return None;
        }
        millisecond = (parse(&format!("0.{}", &text[start..reader.at])) * 1000.0).floor();
        if reader.at - start >= 3 {
            millisecond = parse(&text[start..start + 3]);
        }
    }
    let zone = reader.zone()?;
    if reader.at < text.len() {
        return None;
    }
    let (month, day) = (dates.first().copied().unwrap_or(1.0), dates.get(1).copied().unwrap_or(1.0));
    // What the pattern of the reference implementation lets through and no clock or calendar shows.
    if month > 19.0
        || day > 39.0
        || time.is_some_and(|(hour, minute, second)| hour > 29.0 || minute > 59.0 || second > 59.0)
    {
        return None;
    }
    let (hour, minute, second) = time.unwrap_or_default();
    let is_possible = (1.0..=12.0).contains(&month)
        && (1.0..=31.0).contains(&day)
        && (hour < 24.0 || (hour == 24.0 && minute == 0.0 && second == 0.0 && millisecond == 0.0))
        && (time.is_some() || (millisecond == 0.0 && zone.is_none()));
    if !is_possible {
        return Some(f64::NAN);
    }
    // `Date.UTC` would take the years below 100 for others.
    let shift = if year < 100.0 { 400.0 } else { 0.0 };
    let millis = utc(year + shift, month - 1.0, day, [hour, minute, second, millisecond]);
    let shifted = if shift > 0.0 { 146_097.0 * DAY } else { 0.0 };
    Some(millis - shifted - zone.unwrap_or(0.0) * 60_000.0)
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn is_digits_at(&self, ahead: usize, count: usize) -> bool {
        let from = self.at + ahead;
        self.text.get(from..from + count).is_some_and(|digits| digits.iter().all(u8::is_ascii_digit))
    }

    fn digits(&mut self, count: usize) -> Option<f64> {
        if !self.is_digits_at(0, count) {
            return None;
        }
        let digits = std::str::from_utf8(&self.text[self.at..self.at + count]).ok()?;
        self.at += count;
        digits.parse().ok()
    }

    /// The minutes of a zone, or that there is none; gives up at what is no zone.
    fn zone(&mut self) -> Option<Option<f64>> {
        if self.take(b'Z') {
            return Some(Some(0.0));
        }
        let sign = match self.peek() {
            Some(b'+') => 1.0,
            Some(b'-') => -1.0,
            _ => return Some(None),
        };
        self.at += 1;
        let hours = self.digits(2)?;
        self.take(b':');
        let minutes = self.digits(2)?;
        (hours < 30.0 && minutes < 60.0).then_some(Some(sign * (hours * 60.0 + minutes)))
    }
}

/// What is read of a time, by component.
#[derive(Default)]
struct Components(Vec<(char, Option<f64>)>);

impl Components {
    fn get(&self, component: char) -> Option<f64> {
        self.0.iter().rev().find(|(known, _)| *known == component).and_then(|(_, value)| *value)
    }

    fn number(&self, component: char) -> f64 {
        self.get(component).unwrap_or(f64::NAN)
    }

    fn set(&mut self, component: char, value: f64) {
        self.0.push((component, Some(value)));
    }

    /// The components that are there and not zero, as bits.
    fn mask(&self, components: &str) -> u32 {
        components.chars().fold(0, |mask, component| {
            let is_set = self.get(component).is_some_and(|value| value != 0.0 && !value.is_nan());
            mask << 1 | u32::from(is_set)
        })
    }
}

fn is_type(mask: u32, of: u32) -> bool {
    (!of & mask) == 0 && (of & mask) != 0
}

/// Reads a time by a picture: nothing if it does not match.
pub(crate) fn parse_time(text: &str, picture: &str, now: f64, meter: &mut Meter) -> Outcome<Option<f64>> {
    let parts = parse_picture(picture)?;
    meter.steps(picture.len() * 4)?;
    let mut pattern = "^".to_owned();
    for part in &parts {
        let part = match part {
            Part::Literal(text) => escaped(text),
            Part::Marker(marker) => marker.pattern()?,
        };
        pattern.push_str(&format!("({part})"));
    }
    pattern.push('$');
    let regex = Regex::ignoring_case(&pattern)?;
    let Some(groups) = regex.find(text, 0, meter)? else { return Ok(None) };
    let mut components = Components::default();
    for (part, group) in parts.iter().zip(groups.iter().skip(1)) {
        if let (Part::Marker(marker), Some((start, end))) = (part, group) {
            components.0.push((marker.component, marker.read(&text[*start..*end])?));
        }
    }
    if components.0.is_empty() {
        return Ok(None);
    }
    complete(components, now).map(Some)
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        if ".*+?^${}()|[]\\".contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// Fills in what is missing: what is larger from the current time, what is smaller with its least value.
fn complete(mut components: Components, now: f64) -> Outcome<f64> {
    let mask = components.mask("YXMxWwdD");
    let date_a = is_type(mask, 161);
    let date_b = !date_a && is_type(mask, 130);
    let date_c = is_type(mask, 84);
    let date_d = !date_c && is_type(mask, 72);
    let mask = components.mask("PHhmsf");
    let time_b = !is_type(mask, 23) && is_type(mask, 47);
    let dates = if date_b {
        "YD"
    } else if date_c {
        "XxwF"
    } else if date_d {
        "XWF"
    } else {
        "YMD"
    };
    let now = Civil::of(now);
    let (mut has_started, mut has_ended) = (false, false);
    for part in dates.chars().chain(if time_b { "Phmsf" } else { "Hmsf" }.chars()) {
        if components.get(part).is_some() {
            has_started = true;
            if has_ended {
                return Err(Error::new("D3136"));
            }
        } else if has_started {
            components.set(part, if "MDd".contains(part) { 1.0 } else { 0.0 });
            has_ended = true;
        } else {
            components.set(part, component(&now, part));
        }
    }
    let month = components.number('M');
    let (mut month, mut day) = (if month > 0.0 { month - 1.0 } else { 0.0 }, components.number('D'));
    let year = components.number('Y');
    if date_b {
        let first = utc(year, 0.0, 1.0, [0.0; 4]);
        let derived = Civil::of(first + (components.number('d') - 1.0) * DAY);
        (month, day) = (derived.month, derived.day);
    }
    if date_c || date_d {
        return Err(Error::new("D3136"));
    }
    let mut hour = components.number('H');
    if time_b {
        hour = components.number('h');
        if hour == 12.0 {
            hour = 0.0;
        }
        if components.get('P') == Some(1.0) {
            hour += 12.0;
        }
    }
    let rest = [hour, components.number('m'), components.number('s'), components.number('f')];
    let zone = components.get('Z').filter(|zone| *zone != 0.0).or(components.get('z')).unwrap_or(0.0);
    Ok(utc(year, month, day, rest) - zone * 60_000.0)
}

impl Marker {
    fn separator(format: &IntegerFormat) -> Option<char> {
        match &format.primary {
            Primary::Decimal(decimal) => match decimal.grouping {
                Grouping::Regular { separator, .. } => Some(separator),
                Grouping::Irregular(_) => None,
            },
            _ => None,
        }
    }

    fn pattern(&self) -> Outcome<String> {
        match (self.component, &self.format) {
            ('Z' | 'z', Some(format)) => {
                let separator = Marker::separator(format).map(|separator| format!("{separator}[0-9]+"));
                let prefix = if self.component == 'z' { "GMT" } else { "" };
                Ok(format!("{prefix}[-+][0-9]+{}", separator.unwrap_or_default()))
            }
            (_, Some(format)) => format.pattern(self.width),
            ('M' | 'x' | 'F' | 'P', None) => Ok("[a-zA-Z]+".to_owned()),
            (other, None) => Err(Error::new("D3133").with_value_text(&other.to_string())),
        }
    }

    fn read(&self, text: &str) -> Outcome<Option<f64>> {
        let format = match (&self.format, self.component) {
            (Some(format), 'Z' | 'z') => return Ok(Some(self.read_zone(format, text))),
            (Some(format), _) => format,
            (None, 'P') => {
                return Ok(match text {
                    "am" | "AM" => Some(0.0),
                    "pm" | "PM" => Some(1.0),
                    _ => None,
                });
            }
            (None, component) => {
                let (names, first): (&[&str], f64) =
                    if component == 'F' { (&DAYS[1..], 1.0) } else { (&MONTHS, 1.0) };
                let max = self.max.filter(|max| *max != 0.0 && !max.is_nan());
                let shortened = |name: &str| -> String {
                    max.map_or_else(
                        || name.to_owned(),
                        |max| name.chars().take(max.max(0.0) as usize).collect(),
                    )
                };
                let found = names.iter().rposition(|name| shortened(name) == text);
                return Ok(found.map(|at| at as f64 + first));
            }
        };
        format.read(text).map(Some)
    }

    fn read_zone(&self, format: &IntegerFormat, text: &str) -> f64 {
        let text = if self.component == 'z' { &text[3..] } else { text };
        let (hours, minutes) =
            match Marker::separator(format).and_then(|separator| text.split_once(separator)) {
                Some((hours, minutes)) => (parse_int(hours), parse_int(minutes)),
                None if text.len() <= 3 => (parse_int(text), 0.0),
                None => (parse_int(&text[..3]), parse_int(&text[3..])),
            };
        hours * 60.0 + minutes
    }
}
