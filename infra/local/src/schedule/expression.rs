//! When a schedule is due: `at(…)`, `rate(…)` and `cron(…)`, as EventBridge writes them.
//!
//! <https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html>

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Span, Timestamp};

/// A schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expression {
    /// Once.
    At(DateTime),
    /// Each time that this has passed.
    Rate {
        every: SignedDuration,
        /// Whether the unit's number fits its count, as rules want it.
        is_strict: bool,
    },
    /// At the minutes that fit.
    Cron(Box<Cron>),
}

/// The fields of a cron expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cron {
    minutes: Vec<i16>,
    hours: Vec<i16>,
    months: Vec<i16>,
    years: Vec<i16>,
    days: Days,
}

/// Which days of a month.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Days {
    All,
    OfMonth(Vec<i16>),
    /// The last one, or so many before it.
    Last(i16),
    /// The working day that is nearest to this one.
    NearestWorkday(i16),
    LastWorkday,
    /// By number: Sunday is 1.
    OfWeek(Vec<i16>),
    /// The last such day of the week.
    LastOfWeek(i16),
    /// A day of the week and which of those in the month.
    NthOfWeek(i16, i16),
}

const YEARS: (i16, i16) = (1970, 2199);
const MONTH_NAMES: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAY_NAMES: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

impl Expression {
    /// Reads an expression; `None` if it is none.
    pub(crate) fn parse(text: &str) -> Option<Expression> {
        let (kind, rest) = text.split_once('(')?;
        let inside = rest.strip_suffix(')').filter(|inside| inside.trim() == *inside)?;
        match kind {
            "at" => Some(Expression::At(DateTime::strptime("%Y-%m-%dT%H:%M:%S", inside).ok()?)),
            "rate" => rate(inside),
            "cron" => Cron::parse(inside).map(|cron| Expression::Cron(Box::new(cron))),
            _ => None,
        }
    }

    /// The first time after `after`. What is regular counts from `start`.
    pub(crate) fn next(&self, after: Timestamp, start: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Expression::At(time) => instant(*time, zone).filter(|time| *time > after),
            Expression::Rate { every, .. } => {
                if start > after {
                    return Some(start);
                }
                let passed = after.duration_since(start).as_millis() / every.as_millis().max(1);
                let rounds = i32::try_from(passed + 1).ok()?;
                start.checked_add(every.checked_mul(rounds)?).ok()
            }
            Expression::Cron(cron) => cron.next(after, zone),
        }
    }
}

fn rate(inside: &str) -> Option<Expression> {
    let mut words = inside.split_whitespace();
    let (count, unit) = (words.next()?.parse::<u32>().ok()?, words.next()?);
    if count == 0 || words.next().is_some() {
        return None;
    }
    let minutes = match unit {
        "minute" | "minutes" => 1,
        "hour" | "hours" => 60,
        "day" | "days" => 24 * 60,
        _ => return None,
    };
    let every = SignedDuration::from_mins(i64::from(count) * minutes);
    Some(Expression::Rate { every, is_strict: unit.ends_with('s') == (count > 1) })
}

/// The instant of a local time. A time that the zone leaves out has none; one that comes twice has the first.
fn instant(time: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    let ambiguous = zone.to_ambiguous_timestamp(time);
    match ambiguous.offset() {
        AmbiguousOffset::Gap { .. } => None,
        _ => ambiguous.earlier().ok(),
    }
}

impl Cron {
    fn parse(inside: &str) -> Option<Cron> {
        let fields: Vec<String> = inside.split_whitespace().map(str::to_ascii_uppercase).collect();
        let [minutes, hours, days, months, weekdays, years] = fields.as_slice() else { return None };
        Some(Cron {
            minutes: numbers(minutes, (0, 59), &[])?,
            hours: numbers(hours, (0, 23), &[])?,
            months: numbers(months, (1, 12), &MONTH_NAMES)?,
            years: numbers(years, YEARS, &[])?,
            days: match (days.as_str(), weekdays.as_str()) {
                ("*", "?") | ("?", "*") => Days::All,
                // One of the two says nothing.
                (days, "?") => days_of_month(days)?,
                ("?", weekdays) => days_of_week(weekdays)?,
                _ => return None,
            },
        })
    }

    fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let local = zone.to_datetime(after);
        for year in self.years.iter().filter(|year| **year >= local.year()) {
            for month in &self.months {
                let first = Date::new(*year, i8::try_from(*month).ok()?, 1).ok()?;
                if first.last_of_month() < local.date() {
                    continue;
                }
                let days = (1..=first.days_in_month()).filter_map(|day| first.with().day(day).build().ok());
                for day in days.filter(|day| *day >= local.date() && self.days.contains(*day)) {
                    if let Some(found) = self.on(day, after, zone) {
                        return Some(found);
                    }
                }
            }
        }
        None
    }

    /// The first time of a day after `after`.
    fn on(&self, day: Date, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let times = self.hours.iter().flat_map(|hour| self.minutes.iter().map(move |minute| (hour, minute)));
        let instants = times.filter_map(|(hour, minute)| {
            let time = Time::new(i8::try_from(*hour).ok()?, i8::try_from(*minute).ok()?, 0, 0).ok()?;
            instant(day.to_datetime(time), zone)
        });
        instants.filter(|instant| *instant > after).min()
    }
}

impl Days {
    fn contains(&self, day: Date) -> bool {
        let of_month = i16::from(day.day());
        let weekday = i16::from(day.weekday().to_sunday_one_offset());
        let last = i16::from(day.days_in_month());
        match self {
            Days::All => true,
            Days::OfMonth(days) => days.contains(&of_month),
            Days::Last(before) => of_month == last - before,
            Days::NearestWorkday(wanted) => nearest_workday(day, (*wanted).min(last)) == Some(day),
            Days::LastWorkday => nearest_workday(day, last) == Some(day),
            Days::OfWeek(weekdays) => weekdays.contains(&weekday),
            Days::LastOfWeek(wanted) => weekday == *wanted && of_month + 7 > last,
            Days::NthOfWeek(wanted, which) => weekday == *wanted && (of_month - 1) / 7 + 1 == *which,
        }
    }
}

/// The working day of the same month that is nearest to the day with this number.
fn nearest_workday(in_month: Date, wanted: i16) -> Option<Date> {
    let day = in_month.with().day(i8::try_from(wanted).ok()?).build().ok()?;
    let moved = match day.weekday() {
        Weekday::Saturday if day.day() == 1 => 2,
        Weekday::Saturday => -1,
        Weekday::Sunday if day.day() == day.days_in_month() => -2,
        Weekday::Sunday => 1,
        _ => 0,
    };
    day.checked_add(Span::new().days(moved)).ok()
}

fn days_of_month(text: &str) -> Option<Days> {
    if text == "LW" {
        return Some(Days::LastWorkday);
    }
    if let Some(before) = text.strip_prefix('L') {
        let before = if before.is_empty() { 0 } else { before.strip_prefix('-')?.parse().ok()? };
        return (0..=30).contains(&before).then_some(Days::Last(before));
    }
    if let Some(day) = text.strip_suffix('W') {
        return number(day, (1, 31), &[]).map(Days::NearestWorkday);
    }
    numbers(text, (1, 31), &[]).map(Days::OfMonth)
}

fn days_of_week(text: &str) -> Option<Days> {
    if let Some((day, which)) = text.split_once('#') {
        let day = number(day, (1, 7), &DAY_NAMES)?;
        return Some(Days::NthOfWeek(day, number(which, (1, 5), &[])?));
    }
    if text == "L" {
        return Some(Days::OfWeek(vec![7]));
    }
    if let Some(day) = text.strip_suffix('L') {
        return number(day, (1, 7), &DAY_NAMES).map(Days::LastOfWeek);
    }
    numbers(text, (1, 7), &DAY_NAMES).map(Days::OfWeek)
}

/// The numbers of a field such as `*`, `5`, `1-5`, `MON-FRI`, `0/15`, `1,3`, in order.
fn numbers(text: &str, bounds: (i16, i16), names: &[&str]) -> Option<Vec<i16>> {
    let (lowest, highest) = bounds;
    let mut found = Vec::new();
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step.parse::<i16>().ok().filter(|step| *step > 0)?)),
            None => (part, None),
        };
        let (from, to) = match (range, range.split_once('-')) {
            ("*", _) => bounds,
            (_, Some((from, to))) => (number(from, bounds, names)?, number(to, bounds, names)?),
            (one, None) => {
                let one = number(one, bounds, names)?;
                (one, if step.is_some() { highest } else { one })
            }
        };
        let step = usize::from(step.unwrap_or(1).unsigned_abs());
        // A range may go round, as FRI-MON does.
        let end = if from <= to { to } else { to + highest - lowest + 1 };
        let around =
            (from..=end).step_by(step).map(|it| if it > highest { it - highest + lowest - 1 } else { it });
        found.extend(around);
    }
    found.sort_unstable();
    found.dedup();
    Some(found)
}

fn number(text: &str, (lowest, highest): (i16, i16), names: &[&str]) -> Option<i16> {
    let named = names.iter().position(|name| *name == text).and_then(|index| i16::try_from(index + 1).ok());
    let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = named.or_else(|| text.parse().ok().filter(|_| is_digits))?;
    (lowest..=highest).contains(&number).then_some(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// The times that follow one another.
    fn times(expression: &str, after: &str, zone: &str) -> Vec<String> {
        let (expression, zone) = (Expression::parse(expression).unwrap(), TimeZone::get(zone).unwrap());
        let mut after = time(after);
        let mut found = Vec::new();
        while found.len() < 3
            && let Some(next) = expression.next(after, time("2026-01-01T00:00:30Z"), &zone)
        {
            found.push(next.to_string());
            after = next;
        }
        found
    }

    #[test]
    fn a_cron_expression_is_due_when_the_documentation_says() {
        for (expression, expected) in [
            (
                "cron(15 10 ? * 6L 2026-2027)",
                ["2026-01-30T10:15:00Z", "2026-02-27T10:15:00Z", "2026-03-27T10:15:00Z"],
            ),
            ("cron(0 10 * * ? *)", ["2026-01-01T10:00:00Z", "2026-01-02T10:00:00Z", "2026-01-03T10:00:00Z"]),
            (
                "cron(0 18 ? * MON-FRI *)",
                ["2026-01-01T18:00:00Z", "2026-01-02T18:00:00Z", "2026-01-05T18:00:00Z"],
            ),
            ("cron(0 8 1 * ? *)", ["2026-01-01T08:00:00Z", "2026-02-01T08:00:00Z", "2026-03-01T08:00:00Z"]),
            (
                "cron(0/10 * ? * MON-FRI *)",
                ["2026-01-01T00:10:00Z", "2026-01-01T00:20:00Z", "2026-01-01T00:30:00Z"],
            ),
            ("cron(0 9 ? * 2#1 *)", ["2026-01-05T09:00:00Z", "2026-02-02T09:00:00Z", "2026-03-02T09:00:00Z"]),
            ("cron(0 0 L * ? *)", ["2026-01-31T00:00:00Z", "2026-02-28T00:00:00Z", "2026-03-31T00:00:00Z"]),
            ("cron(0 0 L-2 * ? *)", ["2026-01-29T00:00:00Z", "2026-02-26T00:00:00Z", "2026-03-29T00:00:00Z"]),
            ("cron(0 0 1W * ? *)", ["2026-02-02T00:00:00Z", "2026-03-02T00:00:00Z", "2026-04-01T00:00:00Z"]),
            ("cron(0 0 LW * ? *)", ["2026-01-30T00:00:00Z", "2026-02-27T00:00:00Z", "2026-03-31T00:00:00Z"]),
            (
                "cron(0 0 31 JAN,mar ? *)",
                ["2026-01-31T00:00:00Z", "2026-03-31T00:00:00Z", "2027-01-31T00:00:00Z"],
            ),
            (
                "cron(0 0 ? * FRI-SUN *)",
                ["2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z", "2026-01-04T00:00:00Z"],
            ),
            ("rate(5 minutes)", ["2026-01-01T00:05:30Z", "2026-01-01T00:10:30Z", "2026-01-01T00:15:30Z"]),
        ] {
            assert_eq!(times(expression, "2026-01-01T00:01:00Z", "UTC"), expected, "{expression}");
        }
        assert_eq!(times("cron(0 0 29 2 ? 2027)", "2026-01-01T00:00:00Z", "UTC"), [""; 0]);
    }

    #[test]
    fn a_zone_leaves_out_an_hour_and_has_another_one_once() {
        let berlin = |expression: &str, after: &str| times(expression, after, "Europe/Berlin");
        assert_eq!(
            berlin("cron(30 2 * * ? *)", "2026-03-28T00:00:00Z"),
            ["2026-03-28T01:30:00Z", "2026-03-30T00:30:00Z", "2026-03-31T00:30:00Z"]
        );
        assert_eq!(
            berlin("cron(30 2 * * ? *)", "2026-10-24T12:00:00Z"),
            ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z", "2026-10-27T01:30:00Z"]
        );
        assert_eq!(berlin("at(2026-07-01T12:00:00)", "2026-01-01T00:00:00Z"), ["2026-07-01T10:00:00Z"]);
    }

    #[test]
    fn what_is_no_schedule_is_told_from_what_is() {
        for text in [
            "",
            "rate(0 minutes)",
            "rate(5 seconds)",
            "rate(-5 minutes)",
            "rate(5 minutes",
            "at(2026-07-01)",
            "cron(0 10 * * ?)",
            "cron(0 10 * * * *)",
            "cron(0 10 ? * ? *)",
            "cron(60 10 * * ? *)",
            "cron(0 10 * * ? 1969)",
            "cron(0 10 ? * 8 *)",
            "cron(0/0 10 * * ? *)",
            "cron(+5 10 * * ? *)",
            "every(5 minutes)",
            " rate(10 minutes)",
            "rate( 10 minutes )",
            "rate(10 minutess)",
            "at(2021-12-31T23:59:59Z)",
            "cron(0 dummy ? * MON-FRI *)",
        ] {
            assert_eq!(Expression::parse(text), None, "{text}");
        }
        let is_strict =
            |text| matches!(Expression::parse(text), Some(Expression::Rate { is_strict: true, .. }));
        assert!(is_strict("rate(1 hour)") && is_strict("rate(2 days)") && !is_strict("rate(1 hours)"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_and_each_time_is_later(text in "cron\\([0-9*?/,LW# -]{0,24}\\)", start in 0_i64..4_000_000_000) {
            if let Some(expression) = Expression::parse(&text) {
                let after = Timestamp::from_second(start).unwrap();
                if let Some(next) = expression.next(after, after, &TimeZone::UTC) {
                    prop_assert!(next > after);
                }
            }
        }
    }
}
