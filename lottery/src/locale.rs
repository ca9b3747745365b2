//! The language and the time zone in which a lottery speaks to people.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::text::text_newtype;
use crate::{Invalid, Refusal};

/// The language of a lottery's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Locale {
    /// English.
    #[serde(rename = "en")]
    En,
    /// Chinese in simplified characters.
    #[serde(rename = "zh-CN")]
    ZhCn,
}

impl Locale {
    /// Parses a language tag.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        match text {
            "en" => Ok(Self::En),
            "zh-CN" => Ok(Self::ZhCn),
            _ => Err(Refusal::NotOneOf { values: "en, zh-CN" }.into()),
        }
    }

    /// The language tag.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::ZhCn => "zh-CN",
        }
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A time zone of the IANA database, such as `Europe/Berlin`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeZoneName(String);

text_newtype!(TimeZoneName);

impl TimeZoneName {
    /// Parses a name that the time zone database knows.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let refused = |_| Invalid::from(Refusal::NotTimeZone);
        let zone = jiff::tz::TimeZone::get(text).map_err(refused)?;
        Ok(Self(zone.iana_name().unwrap_or(text).to_owned()))
    }

    /// The time zone itself.
    pub fn time_zone(&self) -> jiff::tz::TimeZone {
        jiff::tz::TimeZone::get(&self.0).unwrap_or(jiff::tz::TimeZone::UTC)
    }
}

impl Default for TimeZoneName {
    fn default() -> Self {
        Self("UTC".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_zones_are_those_of_the_database() {
        for text in ["UTC", "Europe/Berlin", "Asia/Shanghai"] {
            let name = TimeZoneName::parse(text).unwrap();
            assert_eq!(name.as_str(), text);
            assert_eq!(name.time_zone().iana_name(), Some(text));
        }
        for text in ["", "Mars/Olympus", "+02:00", "../etc/passwd"] {
            assert!(TimeZoneName::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_the_two_languages_are_known() {
        for locale in [Locale::En, Locale::ZhCn] {
            assert_eq!(Locale::parse(locale.as_str()), Ok(locale));
        }
        assert!(Locale::parse("de").is_err());
    }
}
