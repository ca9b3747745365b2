//! Repeating draws: on which days and at what time of day one is due in the lottery's time zone, and what each asks for.
//!
//! A time is that of the clock on the wall: at 17:00 in summer and in winter. A time that the clocks leave out when they go
//! forward does not come; one that comes twice when they go back comes once, as EventBridge Scheduler has it.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::text::{line, text_newtype};
use crate::{DrawId, FieldError, Invalid, LotteryId, Reason, Refusal};

/// The id of a repeating draw within its lottery: 26 lower-case letters and digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RepeatId(String);

text_newtype!(RepeatId);

impl RepeatId {
    /// Parses an id.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        DrawId::parse(text).map(|id| Self(id.as_str().to_owned()))
    }

    /// An id from 16 random bytes.
    pub fn from_random(random: [u8; 16]) -> Self {
        Self(DrawId::from_random(random).as_str().to_owned())
    }

    /// The id of what a request with this idempotency key makes: the same for every repetition.
    pub fn from_idempotency(lottery_id: &LotteryId, key: &str) -> Self {
        Self(DrawId::from_idempotency(lottery_id, key).as_str().to_owned())
    }

    /// The id of the draw that is due at a time: the same however often the time is delivered.
    pub fn draw_at(&self, lottery_id: &LotteryId, due_at: Timestamp) -> DrawId {
        DrawId::from_idempotency(lottery_id, &format!("repeat\n{self}\n{due_at}"))
    }
}

/// On which days a draw is due.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Days {
    Daily,
    /// At least one, from Monday to Sunday, each once.
    Weekly(Vec<Weekday>),
    /// A day that every month has.
    Monthly(u8),
    LastOfMonth,
}

/// The days of the week with their names here and in a cron expression, in their order.
const WEEKDAYS: [(Weekday, &str, &str); 7] = [
    (Weekday::Monday, "monday", "MON"),
    (Weekday::Tuesday, "tuesday", "TUE"),
    (Weekday::Wednesday, "wednesday", "WED"),
    (Weekday::Thursday, "thursday", "THU"),
    (Weekday::Friday, "friday", "FRI"),
    (Weekday::Saturday, "saturday", "SAT"),
    (Weekday::Sunday, "sunday", "SUN"),
];
const WEEKDAY_NAMES: &str = "monday, tuesday, wednesday, thursday, friday, saturday, sunday";

/// What repeats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeat {
    name: String,
    days: Days,
    time: Time,
    /// Nothing is due before.
    pub starts_at: Option<Timestamp>,
    /// Nothing is due after.
    pub ends_at: Option<Timestamp>,
    /// Whether nothing is due until the organiser resumes it.
    pub is_paused: bool,
    /// What each draw asks for, as [`DrawRequest`](crate::DrawRequest) parses it.
    pub draw: Value,
}

impl Repeat {
    /// The fields that [`parse`](Self::parse) takes.
    pub const FIELDS: [&str; 9] =
        ["name", "every", "weekdays", "day_of_month", "time", "starts_at", "ends_at", "paused", "draw"];
    /// The last day that every month has.
    const MAX_DAY: u64 = 28;
    /// The times of one draw: a draw that repeats has none.
    const TIMES_OF_ONE_DRAW: [&str; 3] = ["closes_at", "draw_at", "release_by"];

    /// Parses `{name, every, weekdays?, day_of_month?, time, starts_at?, ends_at?, paused?, draw}`. Of `draw` only that it is an
    /// object without times of its own: the rest [`DrawRequest`](crate::DrawRequest) knows.
    pub fn parse(value: &Value) -> Result<Self, FieldError> {
        let members = value.as_object().ok_or_else(|| FieldError::new("repeat", Refusal::NotObject))?;
        if let Some(field) = members.keys().find(|field| !Self::FIELDS.contains(&field.as_str())) {
            return Err(FieldError::unknown(field));
        }
        let name = text(members, "name")?.ok_or_else(|| FieldError::new("name", Refusal::Missing))?;
        let starts_at = timestamp(members, "starts_at")?;
        let ends_at = timestamp(members, "ends_at")?;
        if let (Some(starts_at), Some(ends_at)) = (starts_at, ends_at)
            && ends_at <= starts_at
        {
            return Err(FieldError::new("ends_at", Refusal::NotAfter { other: "starts_at" }));
        }
        Ok(Self {
            name: line(name, 100).map_err(|why| why.in_field("name"))?,
            days: Days::parse(members)?,
            time: time_of_day(members)?,
            starts_at,
            ends_at,
            is_paused: match members.get("paused") {
                None | Some(Value::Null) => false,
                Some(Value::Bool(paused)) => *paused,
                Some(_) => return Err(FieldError::new("paused", Refusal::NotBoolean)),
            },
            draw: draw(members)?,
        })
    }

    /// What [`parse`](Self::parse) takes.
    pub fn to_json(&self) -> Value {
        let mut value = json!({
            "name": self.name, "time": self.time_text(), "starts_at": self.starts_at, "ends_at": self.ends_at,
            "paused": self.is_paused, "draw": self.draw, "every": self.every(),
        });
        if let Days::Weekly(_) = self.days {
            value["weekdays"] = json!(self.weekdays());
        }
        if let Some(day) = self.day_of_month() {
            value["day_of_month"] = day;
        }
        value
    }

    /// What the organiser calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `day`, `week` or `month`.
    pub fn every(&self) -> &'static str {
        match self.days {
            Days::Daily => "day",
            Days::Weekly(_) => "week",
            Days::Monthly(_) | Days::LastOfMonth => "month",
        }
    }

    /// The names of the days of the week, if it is weekly.
    pub fn weekdays(&self) -> Vec<&'static str> {
        let Days::Weekly(days) = &self.days else { return Vec::new() };
        WEEKDAYS.iter().filter(|(day, ..)| days.contains(day)).map(|(_, name, _)| *name).collect()
    }

    /// The day of the month as a number, or `last`, if it is monthly.
    pub fn day_of_month(&self) -> Option<Value> {
        match self.days {
            Days::Monthly(day) => Some(json!(day)),
            Days::LastOfMonth => Some(json!("last")),
            Days::Daily | Days::Weekly(_) => None,
        }
    }

    /// The time of day, such as `17:00`.
    pub fn time_text(&self) -> String {
        format!("{:02}:{:02}", self.time.hour(), self.time.minute())
    }

    /// The same as EventBridge Scheduler takes it; the time zone is a parameter of its own.
    pub fn cron(&self) -> String {
        let (minute, hour) = (self.time.minute(), self.time.hour());
        let days = match &self.days {
            Days::Daily => "* * ? *".to_owned(),
            Days::Monthly(day) => format!("{day} * ? *"),
            Days::LastOfMonth => "L * ? *".to_owned(),
            Days::Weekly(days) => {
                let names = WEEKDAYS.iter().filter(|(day, ..)| days.contains(day)).map(|(.., name)| *name);
                format!("? * {} *", names.collect::<Vec<_>>().join(","))
            }
        };
        format!("cron({minute} {hour} {days})")
    }

    /// When it is due first after `after`, whether it is paused or not.
    pub fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        // More than twelve months, each of which may leave the time out.
        const MAX_DAYS: usize = 400;
        let begin = self.starts_at.and_then(|at| at.checked_sub(SignedDuration::from_nanos(1)).ok());
        let after = begin.map_or(after, |begin| begin.max(after));
        let first = zone.to_datetime(after).date();
        let days = std::iter::successors(Some(first), |day| day.tomorrow().ok()).take(MAX_DAYS);
        let mut times = days.filter(|day| self.days.contains(*day)).filter_map(|day| self.on(day, zone));
        let next = times.find(|time| *time > after)?;
        self.ends_at.is_none_or(|end| next <= end).then_some(next)
    }

    /// When it was due last, after `since` and until `now`.
    pub fn last(&self, since: Timestamp, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        // Two months, one of which may leave the time out.
        const LOOK_BACK: SignedDuration = SignedDuration::from_hours(24 * 64);
        let since = now.checked_sub(LOOK_BACK).map_or(since, |look| look.max(since));
        let times = std::iter::successors(self.next(since, zone), |time| self.next(*time, zone));
        times.take_while(|time| *time <= now).last()
    }

    /// Whether it is due at this very second.
    pub fn is_due_at(&self, time: Timestamp, zone: &TimeZone) -> bool {
        let before = time.checked_sub(SignedDuration::from_secs(1));
        before.is_ok_and(|before| self.next(before, zone) == Some(time))
    }

    fn on(&self, day: Date, zone: &TimeZone) -> Option<Timestamp> {
        let local = zone.to_ambiguous_timestamp(day.to_datetime(self.time));
        match local.offset() {
            AmbiguousOffset::Gap { .. } => None,
            _ => local.earlier().ok(),
        }
    }
}

impl Days {
    fn parse(members: &Map<String, Value>) -> Result<Self, FieldError> {
        let refused = |field: &str, reason| FieldError::new(field, reason);
        let every = text(members, "every")?.ok_or_else(|| refused("every", Refusal::Missing))?;
        if !["day", "week", "month"].contains(&every) {
            return Err(refused("every", Refusal::NotOneOf { values: "day, week, month" }));
        }
        let given = |field: &str| members.get(field).filter(|value| !value.is_null());
        for (field, of) in [("weekdays", "week"), ("day_of_month", "month")] {
            if every != of && given(field).is_some() {
                return Err(refused(field, Refusal::NotBeside { other: "this every" }));
            }
        }
        match every {
            "week" => {
                let names = given("weekdays").ok_or_else(|| refused("weekdays", Refusal::Missing))?;
                let names = names.as_array().ok_or_else(|| refused("weekdays", Refusal::NotArray))?;
                let named = |name: &Value| WEEKDAYS.iter().find(|(_, known, _)| name == known);
                let days: Option<Vec<Weekday>> =
                    names.iter().map(|name| named(name).map(|(day, ..)| *day)).collect();
                let days = days.filter(|days| !days.is_empty());
                let unknown = || refused("weekdays", Refusal::NotOneOf { values: WEEKDAY_NAMES });
                days.map(Self::Weekly).ok_or_else(unknown)
            }
            "month" => match given("day_of_month") {
                None => Err(refused("day_of_month", Refusal::Missing)),
                Some(Value::String(last)) if last == "last" => Ok(Self::LastOfMonth),
                Some(day) => {
                    let day = day.as_u64().filter(|day| (1..=Repeat::MAX_DAY).contains(day));
                    let day = day.and_then(|day| u8::try_from(day).ok());
                    let unknown =
                        || refused("day_of_month", Refusal::NotOneOf { values: "1 to 28, \"last\"" });
                    day.map(Self::Monthly).ok_or_else(unknown)
                }
            },
            _ => Ok(Self::Daily),
        }
    }

    fn contains(&self, day: Date) -> bool {
        match self {
            Self::Daily => true,
            Self::Weekly(days) => days.contains(&day.weekday()),
            Self::Monthly(number) => u8::try_from(day.day()) == Ok(*number),
            Self::LastOfMonth => day == day.last_of_month(),
        }
    }
}

fn text<'a>(members: &'a Map<String, Value>, field: &str) -> Result<Option<&'a str>, FieldError> {
    match members.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(FieldError::new(field, Refusal::NotText)),
    }
}

fn timestamp(members: &Map<String, Value>, field: &str) -> Result<Option<Timestamp>, FieldError> {
    let time = text(members, field)?.map(str::parse).transpose();
    time.map_err(|_| FieldError::new(field, Refusal::NotTime))
}

/// Hours and minutes, two digits each.
fn time_of_day(members: &Map<String, Value>) -> Result<Time, FieldError> {
    let text = text(members, "time")?.ok_or_else(|| FieldError::new("time", Refusal::Missing))?;
    let digits = |text: &str| match text.len() {
        2 if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    };
    let time = text.split_once(':').and_then(|(hour, minute)| {
        let (hour, minute) = (digits(hour)?, digits(minute)?);
        Time::new(hour, minute, 0, 0).ok()
    });
    time.ok_or_else(|| FieldError::new("time", Refusal::NotTimeOfDay))
}

fn draw(members: &Map<String, Value>) -> Result<Value, FieldError> {
    let draw = members.get("draw").filter(|draw| !draw.is_null());
    let draw = draw.ok_or_else(|| FieldError::new("draw", Refusal::Missing))?;
    let settings = draw.as_object().ok_or_else(|| FieldError::new("draw", Refusal::NotObject))?;
    let given = |field: &&str| settings.get(*field).is_some_and(|value| !value.is_null());
    match Repeat::TIMES_OF_ONE_DRAW.iter().find(|field| given(field)) {
        Some(field) => Err(FieldError::new(format!("draw.{field}"), Refusal::NotInRepeat)),
        None => Ok(draw.clone()),
    }
}

/// What came of a time at which a repeating draw was due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepeatResult {
    /// The time.
    pub due_at: Timestamp,
    /// When it came to this.
    pub at: Timestamp,
    /// The draw that was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draw_id: Option<DrawId>,
    /// Why none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// How late a draw may start: longer, and it is recorded as missed. EventBridge Scheduler tries for as long.
pub const MAX_LATENESS: SignedDuration = SignedDuration::from_hours(24);

/// The most repeating draws of one lottery.
pub const MAX_REPEATS: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn repeat(more: Value) -> Result<Repeat, FieldError> {
        let mut value = json!({"name": "Friday draw", "every": "week", "weekdays": ["friday"], "time": "17:00",
            "draw": {"winners": 1}});
        for (name, given) in more.as_object().unwrap() {
            value[name] = given.clone();
        }
        Repeat::parse(&value)
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    fn next_times(repeat: &Repeat, after: &str, zone: &TimeZone) -> Vec<String> {
        let first = repeat.next(at(after), zone);
        let times = std::iter::successors(first, |time| repeat.next(*time, zone));
        times.take(3).map(|time| zone.to_datetime(time).to_string()).collect()
    }

    #[test]
    fn every_friday_at_five_stays_at_five_when_the_clocks_change() {
        let repeat = repeat(json!({})).unwrap();
        let berlin = zone("Europe/Berlin");
        assert_eq!(repeat.cron(), "cron(0 17 ? * FRI *)");
        let times = next_times(&repeat, "2026-03-20T16:00:00Z", &berlin);
        assert_eq!(times, ["2026-03-27T17:00:00", "2026-04-03T17:00:00", "2026-04-10T17:00:00"]);
        // In winter that is 16:00 in UTC, in summer 15:00.
        assert_eq!(repeat.next(at("2026-03-20T16:00:00Z"), &berlin), Some(at("2026-03-27T16:00:00Z")));
        assert_eq!(repeat.next(at("2026-03-27T16:00:00Z"), &berlin), Some(at("2026-04-03T15:00:00Z")));
        assert!(repeat.is_due_at(at("2026-04-03T15:00:00Z"), &berlin));
        assert!(!repeat.is_due_at(at("2026-04-03T16:00:00Z"), &berlin));
    }

    #[test]
    fn a_time_that_the_clocks_leave_out_does_not_come_and_one_that_comes_twice_comes_once() {
        let daily = repeat(json!({"every": "day", "weekdays": null, "time": "02:30"})).unwrap();
        let berlin = zone("Europe/Berlin");
        let times = next_times(&daily, "2026-03-28T00:00:00Z", &berlin);
        assert_eq!(times, ["2026-03-28T02:30:00", "2026-03-30T02:30:00", "2026-03-31T02:30:00"]);
        let times = next_times(&daily, "2026-10-24T12:00:00Z", &berlin);
        assert_eq!(times, ["2026-10-25T02:30:00", "2026-10-26T02:30:00", "2026-10-27T02:30:00"]);
    }

    #[test]
    fn a_month_has_each_of_its_days_and_a_last_one() {
        let shanghai = zone("Asia/Shanghai");
        let monthly = |day: Value| repeat(json!({"every": "month", "weekdays": null, "day_of_month": day}));
        let last = monthly(json!("last")).unwrap();
        assert_eq!(last.cron(), "cron(0 17 L * ? *)");
        let times = next_times(&last, "2028-01-31T09:00:00Z", &shanghai);
        assert_eq!(times, ["2028-02-29T17:00:00", "2028-03-31T17:00:00", "2028-04-30T17:00:00"]);
        let first = monthly(json!(1)).unwrap();
        assert_eq!(first.cron(), "cron(0 17 1 * ? *)");
        assert_eq!(next_times(&first, "2026-12-01T09:00:00Z", &shanghai)[0], "2027-01-01T17:00:00");
        for wrong in [json!(0), json!(29), json!("first"), json!(1.5), json!(null)] {
            assert_eq!(monthly(wrong).unwrap_err().field, "day_of_month");
        }
    }

    #[test]
    fn nothing_is_due_before_the_start_or_after_the_end() {
        let between = json!({"starts_at": "2026-12-04T17:00:00Z", "ends_at": "2026-12-11T17:00:00Z"});
        let repeat = repeat(between).unwrap();
        let times = next_times(&repeat, "2026-11-01T00:00:00Z", &TimeZone::UTC);
        assert_eq!(times, ["2026-12-04T17:00:00", "2026-12-11T17:00:00"]);
        let last = |since, now| repeat.last(at(since), at(now), &TimeZone::UTC);
        assert_eq!(last("2026-11-01T00:00:00Z", "2027-01-05T00:00:00Z"), Some(at("2026-12-11T17:00:00Z")));
        assert_eq!(last("2026-12-05T00:00:00Z", "2026-12-11T16:59:59Z"), None);
    }

    #[test]
    fn what_was_parsed_is_written_as_it_was_asked_for() {
        for more in [
            json!({"weekdays": ["sunday", "monday", "monday"]}),
            json!({"every": "day", "weekdays": null}),
            json!({"every": "month", "weekdays": null, "day_of_month": "last", "paused": true}),
            json!({"starts_at": "2026-12-04T17:00:00Z"}),
        ] {
            let parsed = repeat(more).unwrap();
            let again = Repeat::parse(&parsed.to_json()).unwrap();
            assert_eq!((again.to_json(), again.cron()), (parsed.to_json(), parsed.cron()));
        }
        assert_eq!(
            repeat(json!({"weekdays": ["sunday", "monday"]})).unwrap().cron(),
            "cron(0 17 ? * MON,SUN *)"
        );
    }

    #[test]
    fn a_refusal_names_the_field() {
        for (more, field) in [
            (json!({"name": ""}), "name"),
            (json!({"name": null}), "name"),
            (json!({"every": "year"}), "every"),
            (json!({"every": null}), "every"),
            (json!({"every": "day"}), "weekdays"),
            (json!({"day_of_month": 3}), "day_of_month"),
            (json!({"weekdays": []}), "weekdays"),
            (json!({"weekdays": ["fri"]}), "weekdays"),
            (json!({"weekdays": "friday"}), "weekdays"),
            (json!({"time": "5 pm"}), "time"),
            (json!({"time": "24:00"}), "time"),
            (json!({"time": "7:00"}), "time"),
            (json!({"time": "+7:00"}), "time"),
            (json!({"time": "17:00:00"}), "time"),
            (json!({"ends_at": "soon"}), "ends_at"),
            (json!({"starts_at": "2026-12-04T17:00:00Z", "ends_at": "2026-12-04T17:00:00Z"}), "ends_at"),
            (json!({"paused": "no"}), "paused"),
            (json!({"draw": null}), "draw"),
            (json!({"draw": [1]}), "draw"),
            (json!({"draw": {"winners": 1, "draw_at": "2026-12-04T17:00:00Z"}}), "draw.draw_at"),
            (json!({"draw": {"winners": 1, "closes_at": "2026-12-04T17:00:00Z"}}), "draw.closes_at"),
            (json!({"cron": "* * * * *"}), "cron"),
        ] {
            assert_eq!(repeat(more.clone()).unwrap_err().field, field, "{more}");
        }
    }

    #[test]
    fn a_time_has_one_draw_and_each_time_another() {
        let lottery_id = LotteryId::parse("party").unwrap();
        let id = RepeatId::from_random([7; 16]);
        let (friday, next) = (at("2026-12-04T16:00:00Z"), at("2026-12-11T16:00:00Z"));
        assert_eq!(id.draw_at(&lottery_id, friday), id.draw_at(&lottery_id, friday));
        assert_ne!(id.draw_at(&lottery_id, friday), id.draw_at(&lottery_id, next));
        assert_ne!(
            RepeatId::from_random([8; 16]).draw_at(&lottery_id, friday),
            id.draw_at(&lottery_id, friday)
        );
    }
}
