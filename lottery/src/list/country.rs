//! The country whose national phone numbers a list holds.

use std::fmt;

use rlibphonenumber::Region;

use crate::lottery::COUNTRIES;
use crate::{CountryCode, Invalid, Locale, Lottery, Refusal, TimeZoneName};

/// A country that has a plan of phone numbers, by its ISO 3166-1 alpha-2 code such as `CN`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Country(pub(super) Region);

/// For each country its time zones by their IANA names, the former names included. From tzdata's `zone.tab` and `backward`.
const ZONES: &str = include_str!("zones.txt");

impl Country {
    /// Parses an alpha-2 code, in either case.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let code = text.trim().to_ascii_uppercase();
        let refused = || Invalid::from(Refusal::NotOneOf { values: COUNTRIES });
        if code.len() != 2 || !code.bytes().all(|byte| byte.is_ascii_uppercase()) || code == "ZZ" {
            return Err(refused());
        }
        let region = Region::try_from(code.as_str()).map_err(|_| refused())?;
        let has_plan = rlibphonenumber::PHONE_NUMBER_UTIL.get_country_code_for_region(region).is_some();
        if has_plan { Ok(Self(region)) } else { Err(refused()) }
    }

    /// The code as the lottery stores it.
    pub fn code(self) -> CountryCode {
        CountryCode::parse(&self.to_string()).expect("a region is named by two letters")
    }

    /// The country in which a time zone lies.
    pub fn of_time_zone(zone: &str) -> Option<Self> {
        let has_zone = |line: &&str| line.split(' ').skip(1).any(|name| name == zone);
        let (code, _) = ZONES.lines().find(has_zone)?.split_once(' ')?;
        Self::parse(code).ok()
    }

    /// Whose national phone numbers are meant in a lottery.
    pub fn of_lottery(lottery: &Lottery) -> Option<Self> {
        let stored = lottery.country.as_ref().and_then(|code| Self::parse(code.as_str()).ok());
        stored.or_else(|| Self::default_of(lottery.locale, &lottery.time_zone))
    }

    /// The country of a lottery that names none: the one of its time zone; else, of a lottery in Chinese, China. A lottery
    /// in English whose time zone is UTC may be anywhere: it has none.
    pub fn default_of(locale: Locale, time_zone: &TimeZoneName) -> Option<Self> {
        Self::of_time_zone(time_zone.as_str()).or_else(|| match locale {
            Locale::ZhCn => Self::parse("CN").ok(),
            Locale::En => None,
        })
    }
}

impl fmt::Display for Country {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Country({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_are_named_by_two_letters() {
        for (text, code) in [("CN", "CN"), (" de ", "DE"), ("us", "US"), ("hk", "HK")] {
            assert_eq!(Country::parse(text).unwrap().to_string(), code);
        }
        for text in ["", "C", "CHN", "86", "XX", "ZZ", "中国"] {
            assert!(Country::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_lottery_has_the_country_of_its_time_zone_or_of_its_language() {
        let default_of = |locale: &str, zone: &str| {
            let country =
                Country::default_of(Locale::parse(locale).unwrap(), &TimeZoneName::parse(zone).unwrap());
            country.map(|country| country.to_string())
        };
        for (locale, zone, country) in [
            ("zh-CN", "Asia/Shanghai", Some("CN")),
            ("zh-CN", "UTC", Some("CN")),
            ("en", "Asia/Shanghai", Some("CN")),
            ("en", "PRC", Some("CN")),
            ("en", "Europe/Berlin", Some("DE")),
            ("en", "America/New_York", Some("US")),
            ("zh-CN", "Asia/Taipei", Some("TW")),
            ("en", "UTC", None),
        ] {
            assert_eq!(default_of(locale, zone).as_deref(), country, "{locale} {zone}");
        }
    }

    #[test]
    fn every_line_of_the_table_names_a_country() {
        let unknown: Vec<_> =
            ZONES.lines().map(|line| &line[..2]).filter(|code| Country::parse(code).is_err()).collect();
        // Islands without a plan of their own.
        assert_eq!(unknown, ["GS", "PN", "TF", "UM"]);
    }
}
