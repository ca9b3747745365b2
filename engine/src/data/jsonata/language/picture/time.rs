//! Times: reading their pictures, and writing them.

use super::super::error::{Error, Outcome};
use super::super::meter::Meter;
use super::super::number::{parse_int, to_text};
use super::calendar::{Civil, DAY, Month, utc, weeks};
use super::integer::{Grouping, IntegerFormat, Primary};
use super::{MAX_PICTURE, check_picture};

const ISO: &str = "[Y0001]-[M01]-[D01]T[H01]:[m01]:[s01].[f001][Z01:01t]";

pub(super) const DAYS: [&str; 8] =
    ["", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A part of a picture.
#[derive(Debug)]
pub(super) enum Part {
    Literal(String),
    Marker(Marker),
}

/// `[D01]`
#[derive(Debug)]
pub(super) struct Marker {
    pub(super) component: char,
    /// The last sign of the presentation.
    modifier: Option<char>,
    pub(super) names: Option<Names>,
    pub(super) format: Option<IntegerFormat>,
    /// How many digits a year, month or day has; -1 for any number.
    pub(super) width: Option<i64>,
    pub(super) max: Option<f64>,
    has_width: bool,
}

/// How names are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    Lower,
    Upper,
    Title,
}

pub(super) fn parse_picture(picture: &str) -> Outcome<Vec<Part>> {
    check_picture(picture)?;
    let text: Vec<char> = picture.chars().collect();
    let mut parts = Vec::new();
    let literal = |parts: &mut Vec<Part>, start: usize, end: usize| {
        if end > start {
            let text: String = text[start..end].iter().collect();
            parts.push(Part::Literal(text.replace("]]", "]")));
        }
    };
    let (mut start, mut at) = (0, 0);
    while at < text.len() {
        if text[at] == '[' {
            literal(&mut parts, start, at);
            if text.get(at + 1) == Some(&'[') {
                parts.push(Part::Literal("[".to_owned()));
                at += 2;
                start = at;
                continue;
            }
            let length = text[at..].iter().position(|&character| character == ']');
            let end = at + length.ok_or_else(|| Error::new("D3135"))?;
            let marker: String =
                text[at + 1..end].iter().filter(|character| !character.is_whitespace()).collect();
            parts.push(Part::Marker(Marker::parse(&marker)?));
            at = end;
            start = at + 1;
        }
        at += 1;
    }
    literal(&mut parts, start, at);
    Ok(parts)
}

fn default_presentation(component: char) -> Option<&'static str> {
    Some(match component {
        'Y' | 'M' | 'D' | 'd' | 'W' | 'w' | 'X' | 'x' | 'H' | 'h' | 'f' => "1",
        'F' | 'P' | 'C' | 'E' => "n",
        'm' | 's' => "01",
        'Z' | 'z' => "01:01",
        _ => return None,
    })
}

/// A width as it is written; nothing for `*` and for what is left out.
fn width(text: Option<&str>) -> Option<f64> {
    text.filter(|text| *text != "*").map(parse_int)
}

impl Marker {
    fn parse(marker: &str) -> Outcome<Marker> {
        let mut characters = marker.chars();
        let component = characters.next();
        let (presentation, widths) = match marker.rsplit_once(',') {
            Some((presentation, widths)) => (presentation, Some(widths)),
            None => (marker, None),
        };
        let (min, max) = match widths.map(|widths| widths.split_once('-').unwrap_or((widths, "*"))) {
            Some((min, max)) => (width(Some(min)), width(Some(max))),
            None => (None, None),
        };
        let too_wide = |width: f64| width > MAX_PICTURE as f64;
        if min.is_some_and(too_wide) || max.is_some_and(too_wide) {
            return Err(Error::memory());
        }
        let mut presentation: String = presentation.chars().skip(1).collect();
        let mut modifier = None;
        if presentation.chars().count() > 1
            && let Some(last) = presentation.chars().last().filter(|last| "atco".contains(*last))
        {
            modifier = Some(last);
            presentation.pop();
        }
        if presentation.is_empty() {
            let default = component.and_then(default_presentation);
            let shown = component.map(String::from).unwrap_or_default();
            presentation = default.ok_or_else(|| Error::new("D3132").with_value_text(&shown))?.to_owned();
        }
        let component = component.unwrap_or_default();
        let mut result = Marker {
            component,
            modifier,
            names: None,
            format: None,
            width: None,
            max,
            has_width: widths.is_some(),
        };
        if presentation.starts_with('n') {
            result.names = Some(Names::Lower);
        } else if let Some(rest) = presentation.strip_prefix('N') {
            result.names = Some(if rest.starts_with('n') { Names::Title } else { Names::Upper });
        } else if "YMDdFWwXxHhmsf".contains(component) {
            let modifier = modifier.map(|modifier| format!(";{modifier}")).unwrap_or_default();
            let mut format = IntegerFormat::parse(&format!("{presentation}{modifier}"))?;
            result.width = result.widen(&mut format, min);
            result.format = Some(format);
        }
        if matches!(component, 'Z' | 'z') {
            result.format = Some(IntegerFormat::parse(&presentation)?);
        }
        Ok(result)
    }

    /// Gives a format its least width, and says how many digits a year, month or day has.
    fn widen(&self, format: &mut IntegerFormat, min: Option<f64>) -> Option<i64> {
        let is_date = "YMD".contains(self.component);
        let max = self.max.filter(|_| is_date);
        let Primary::Decimal(decimal) = &mut format.primary else {
            return is_date.then_some(max.map_or(-1, |max| max as i64));
        };
        if let Some(min) = min
            && (decimal.mandatory as f64) < min
        {
            decimal.mandatory = min as usize;
        }
        if !is_date {
            return None;
        }
        if let Some(max) = max {
            decimal.mandatory = max as usize;
            return Some(max as i64);
        }
        let digits = decimal.mandatory + decimal.optional;
        Some(if digits >= 2 { digits as i64 } else { -1 })
    }
}

/// One component of a time, as a number.
pub(super) fn component(date: &Civil, component: char) -> f64 {
    let year = Month(date.year, 0.0);
    let month = Month(date.year, date.month);
    let today = utc(date.year, date.month, date.day, [0.0; 4]);
    match component {
        'Y' => date.year,
        'M' => date.month + 1.0,
        'D' => date.day,
        'd' => (today - utc(date.year, 0.0, 1.0, [0.0; 4])) / DAY + 1.0,
        'F' if date.weekday == 0.0 => 7.0,
        'F' => date.weekday,
        'W' => {
            let next = Month(date.year + 1.0, 0.0);
            week(today, year, next, Month(date.year - 1.0, 0.0), 52.0)
        }
        'w' => week(today, month, month.next(), month.previous(), 4.0),
        'X' => {
            let (from, to) = (year.first_week(), Month(date.year + 1.0, 0.0).first_week());
            if date.time < from {
                date.year - 1.0
            } else if date.time >= to {
                date.year + 1.0
            } else {
                date.year
            }
        }
        'x' => {
            let (from, to) = (month.first_week(), month.next().first_week());
            if date.time < from {
                month.previous().1 + 1.0
            } else if date.time >= to {
                month.next().1 + 1.0
            } else {
                date.month + 1.0
            }
        }
        'H' => date.hour,
        'h' if date.hour % 12.0 == 0.0 => 12.0,
        'h' => date.hour % 12.0,
        'm' => date.minute,
        's' => date.second,
        'f' => date.millisecond,
        _ => f64::NAN,
    }
}

fn week(today: f64, this: Month, next: Month, previous: Month, most: f64) -> f64 {
    let mut week = weeks(this.first_week(), today);
    if week > most {
        if today >= next.first_week() {
            week = 1.0;
        }
    } else if week < 1.0 {
        week = weeks(previous.first_week(), today);
    }
    week.floor()
}

/// Writes a time by a picture, or in ISO 8601.
pub(crate) fn format_time(
    millis: f64,
    picture: Option<&str>,
    zone: Option<&str>,
    meter: &mut Meter,
) -> Outcome<String> {
    let offset = zone.map_or(0.0, parse_int);
    let (hours, minutes) = ((offset / 100.0).floor(), offset % 100.0);
    let parts = parse_picture(picture.unwrap_or(ISO))?;
    let date = Civil::of(millis + (60.0 * hours + minutes) * 60_000.0);
    let mut written = String::new();
    for part in &parts {
        match part {
            Part::Literal(text) => written.push_str(text),
            Part::Marker(marker) => written.push_str(&marker.write(&date, hours, minutes, meter)?),
        }
    }
    Ok(written)
}

impl Marker {
    fn write(&self, date: &Civil, hours: f64, minutes: f64, meter: &mut Meter) -> Outcome<String> {
        let mut value = component(date, self.component);
        match self.component {
            'P' => {
                let half = if date.hour >= 12.0 { "pm" } else { "am" };
                return Ok(if self.names == Some(Names::Upper) {
                    half.to_uppercase()
                } else {
                    half.to_owned()
                });
            }
            'C' | 'E' => return Ok("ISO".to_owned()),
            'Z' | 'z' => return self.write_zone(hours, minutes, meter),
            'Y' => {
                if let Some(width) = self.width.filter(|width| *width != -1) {
                    value %= 10f64.powi(width as i32);
                } else if self.width.is_none() {
                    // A year by name has no width, and JavaScript's remainder then is none either.
                    value = f64::NAN;
                }
            }
            _ => {}
        }
        if self.component == 'f' || self.names.is_none() {
            return match &self.format {
                Some(format) => format.write(value, meter),
                // A component that nobody knows.
                None if default_presentation(self.component).is_none() => Ok("undefined".to_owned()),
                None => Err(Error::uncoded("Cannot read properties of undefined (reading 'primary')")),
            };
        }
        let name = match self.component {
            'M' | 'x' => MONTHS.get((value - 1.0) as usize).filter(|_| value >= 1.0),
            'F' => DAYS.get(value as usize).filter(|_| value >= 1.0),
            known if default_presentation(known).is_none() => return Ok("undefined".to_owned()),
            other => return Err(Error::new("D3133").with_value_text(&other.to_string())),
        };
        let Some(name) = name else {
            // A time that no date holds.
            let is_read = self.names != Some(Names::Title) || self.has_width;
            let fault = Error::uncoded("Cannot read properties of undefined (reading 'length')");
            return if is_read { Err(fault) } else { Ok("undefined".to_owned()) };
        };
        let name = match self.names {
            Some(Names::Upper) => name.to_uppercase(),
            Some(Names::Lower) => name.to_lowercase(),
            _ => (*name).to_owned(),
        };
        Ok(match self.max {
            Some(max) if max < name.len() as f64 => name.chars().take(max.max(0.0) as usize).collect(),
            _ => name,
        })
    }

    fn write_zone(&self, hours: f64, minutes: f64, meter: &mut Meter) -> Outcome<String> {
        let offset = hours * 100.0 + minutes;
        let Some(format) = &self.format else { return Ok(to_text(offset)) };
        let mut written = match &format.primary {
            Primary::Decimal(decimal) if matches!(decimal.grouping, Grouping::Irregular(_)) => {
                match decimal.mandatory {
                    1 | 2 => {
                        let mut written = format.write(hours, meter)?;
                        if minutes != 0.0 {
                            written.push(':');
                            written.push_str(&IntegerFormat::parse("00")?.write(minutes.floor(), meter)?);
                        }
                        written
                    }
                    3 | 4 => format.write(offset, meter)?,
                    digits => return Err(Error::new("D3134").with_value_text(&digits.to_string())),
                }
            }
            Primary::Decimal(_) => format.write(offset, meter)?,
            _ => return Err(Error::new("D3134")),
        };
        if offset >= 0.0 {
            written.insert(0, '+');
        }
        if self.component == 'z' {
            written.insert_str(0, "GMT");
        }
        if offset == 0.0 && self.modifier == Some('t') {
            return Ok("Z".to_owned());
        }
        Ok(written)
    }
}
