//! The calendar, as JavaScript's `Date` computes with it: in UTC, in milliseconds.

pub(super) const DAY: f64 = 86_400_000.0;

/// The latest time that a `Date` holds.
const MAX_TIME: f64 = 8.64e15;

/// A time taken apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Civil {
    pub(super) year: f64,
    /// From 0.
    pub(super) month: f64,
    pub(super) day: f64,
    pub(super) weekday: f64,
    pub(super) hour: f64,
    pub(super) minute: f64,
    pub(super) second: f64,
    pub(super) millisecond: f64,
    pub(super) time: f64,
}

/// The days from 1970 to a date of the Gregorian calendar. The month counts from 0.
fn days_from_civil(year: i64, month: i64) -> i64 {
    let (year, month) = (year + month.div_euclid(12), month.rem_euclid(12));
    let year = if month < 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted = (month + 10) % 12;
    let day_of_year = (153 * shifted + 2) / 5;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

impl Civil {
    /// Takes a time apart; all is "not a number" if it is beyond what a `Date` holds.
    pub(super) fn of(time: f64) -> Civil {
        if !time.is_finite() || time.abs() > MAX_TIME {
            let nan = f64::NAN;
            return Civil {
                year: nan,
                month: nan,
                day: nan,
                weekday: nan,
                hour: nan,
                minute: nan,
                second: nan,
                millisecond: nan,
                time: nan,
            };
        }
        let time = time.trunc();
        let days = (time / DAY).floor();
        let rest = time - days * DAY;
        let shifted = days as i64 + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let month = (shifted_month + 2) % 12;
        let year = year_of_era + era * 400 + i64::from(month < 2);
        Civil {
            year: year as f64,
            month: month as f64,
            day: (day_of_year - (153 * shifted_month + 2) / 5 + 1) as f64,
            weekday: (days as i64 + 4).rem_euclid(7) as f64,
            hour: (rest / 3_600_000.0).floor(),
            minute: (rest / 60_000.0).floor() % 60.0,
            second: (rest / 1000.0).floor() % 60.0,
            millisecond: rest % 1000.0,
            time,
        }
    }
}

/// `Date.UTC`: years from 0 to 99 are those of the twentieth century.
pub(super) fn utc(year: f64, month: f64, day: f64, [hour, minute, second, millisecond]: [f64; 4]) -> f64 {
    let parts = [year, month, day, hour, minute, second, millisecond];
    if parts.iter().any(|part| !part.is_finite() || part.abs() > 1e15) {
        return f64::NAN;
    }
    let year = year.trunc();
    let year = if (0.0..100.0).contains(&year) { year + 1900.0 } else { year };
    if year.abs() > 400_000.0 || month.abs() > 5_000_000.0 {
        return f64::NAN;
    }
    let days = days_from_civil(year as i64, month.trunc() as i64) as f64 + day.trunc() - 1.0;
    let time = days * DAY
        + hour.trunc() * 3_600_000.0
        + minute.trunc() * 60_000.0
        + second.trunc() * 1000.0
        + millisecond.trunc();
    if time.abs() > MAX_TIME { f64::NAN } else { time }
}

/// A month of a year; the month counts from 0.
#[derive(Clone, Copy)]
pub(super) struct Month(pub(super) f64, pub(super) f64);

impl Month {
    pub(super) fn next(self) -> Month {
        if self.1 == 11.0 { Month(self.0 + 1.0, 0.0) } else { Month(self.0, self.1 + 1.0) }
    }

    pub(super) fn previous(self) -> Month {
        if self.1 == 0.0 { Month(self.0 - 1.0, 11.0) } else { Month(self.0, self.1 - 1.0) }
    }

    /// The Monday of the first week, which has at least four of its days.
    pub(super) fn first_week(self) -> f64 {
        let first = utc(self.0, self.1, 1.0, [0.0; 4]);
        let weekday = Civil::of(first).weekday;
        let weekday = if weekday == 0.0 { 7.0 } else { weekday };
        if weekday > 4.0 { first + (8.0 - weekday) * DAY } else { first - (weekday - 1.0) * DAY }
    }
}

/// The number of a week that begins so long after the first.
pub(super) fn weeks(from: f64, to: f64) -> f64 {
    (to - from) / (DAY * 7.0) + 1.0
}
