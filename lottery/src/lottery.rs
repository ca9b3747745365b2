//! A lottery: the event with its pool of participants.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::manifest::Version;
use crate::message::SmsSender;
use crate::text::{line, text_newtype};
use crate::{
    CollectText, Commitment, DrawId, FieldError, Invalid, Joining, Locale, LotteryId, Messages, Refusal,
    TimeZoneName,
};

/// What the organiser calls the lottery: 1 to 100 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LotteryName(String);

text_newtype!(LotteryName);

impl LotteryName {
    /// Parses a lottery's name.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        line(text, 100).map(Self)
    }
}

/// What carries the lottery's e-mails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EmailThrough {
    /// The lottery's SNS topic, to which each address is subscribed.
    Sns,
    /// SES, straight to each address.
    Ses,
}

/// A country by its ISO 3166-1 alpha-2 code, such as `CN`. Whether there is one of that code, `list::Country` knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountryCode(String);

text_newtype!(CountryCode);

impl CountryCode {
    /// Parses a code, in either case.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let code = text.trim().to_ascii_uppercase();
        let is_code = code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase());
        if is_code { Ok(Self(code)) } else { Err(Refusal::NotOneOf { values: COUNTRIES }.into()) }
    }
}

/// What a country must be, in words.
pub(crate) const COUNTRIES: &str = "the ISO 3166-1 codes such as CN, DE, US";

/// The event with its pool of participants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lottery {
    /// Names the lottery in paths.
    pub lottery_id: LotteryId,
    /// What the organiser calls it.
    pub name: LotteryName,
    /// The language of its messages.
    pub locale: Locale,
    /// The time zone in which its page and its messages give times.
    pub time_zone: TimeZoneName,
    /// Whose national phone numbers its lists hold; none if only international ones can be read.
    pub country: Option<CountryCode>,
    /// Whether people may enter themselves.
    pub open_to_join: bool,
    /// When and how they enter.
    pub joining: Joining,
    /// The organiser's own words to winners.
    pub messages: Messages,
    /// The name that phones show as the sender of its SMS, where the country allows one.
    pub sms_sender: Option<SmsSender>,
    /// The organiser's words on collecting a prize, for those who claim one.
    pub collect: Option<CollectText>,
    /// When its organiser closed it: nobody is added any more, and no draw begins.
    pub closed_at: Option<Timestamp>,
    /// When its list was deleted with all contact data. The proofs of its draws stay.
    pub deleted_at: Option<Timestamp>,
    /// How often its settings were changed.
    pub settings_revision: u32,
    /// What carries its e-mails.
    pub email_through: EmailThrough,
    /// Its SNS topic, once made.
    pub topic_arn: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// The draw that holds the lottery: at most one at a time.
    pub open_draw: Option<DrawId>,
    /// The number that the next sealed draw gets; the first is 1.
    pub next_sequence: u64,
    /// The draw that was sealed last, which the next manifest names.
    pub last_sealed: Option<DrawId>,
    /// The commitment of that draw, unless older code has sealed it.
    pub last_commitment: Option<Commitment>,
    /// The form of its manifests: that of its beginning, to its end, so that each participant's receipt stays valid.
    pub manifest_version: Version,
}

/// A lottery that an organiser asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLottery {
    /// The id that was asked for, if any.
    pub lottery_id: Option<LotteryId>,
    /// What the organiser calls it.
    pub name: LotteryName,
    /// The language of its messages.
    pub locale: Locale,
    /// The time zone in which its page and its messages give times.
    pub time_zone: TimeZoneName,
    /// Whose national phone numbers its lists hold, if the organiser says.
    pub country: Option<CountryCode>,
    /// Whether people may enter themselves.
    pub open_to_join: bool,
    /// What carries its e-mails, if the organiser says; else SNS.
    pub email_through: Option<EmailThrough>,
}

impl NewLottery {
    /// The fields that [`parse`](Self::parse) takes.
    pub const FIELDS: [&str; 7] =
        ["id", "name", "locale", "time_zone", "country", "open_to_join", "email_through"];

    /// Parses `{id?, name, locale?, time_zone?, country?, open_to_join?, email_through?}`.
    pub fn parse(value: &Value) -> Result<Self, FieldError> {
        let members = value.as_object().ok_or_else(|| FieldError::new("lottery", Refusal::NotObject))?;
        if let Some(field) = members.keys().find(|field| !Self::FIELDS.contains(&field.as_str())) {
            return Err(FieldError::unknown(field));
        }
        let text = |field: &'static str| match members.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(FieldError::new(field, Refusal::NotText)),
        };
        let open_to_join = match members.get("open_to_join") {
            None | Some(Value::Null) => false,
            Some(Value::Bool(open)) => *open,
            Some(_) => return Err(FieldError::new("open_to_join", Refusal::NotBoolean)),
        };
        let email_through = match text("email_through")? {
            None => None,
            Some("sns") => Some(EmailThrough::Sns),
            Some("ses") => Some(EmailThrough::Ses),
            Some(_) => {
                return Err(FieldError::new("email_through", Refusal::NotOneOf { values: "sns, ses" }));
            }
        };
        let name = text("name")?.ok_or_else(|| FieldError::new("name", Refusal::Missing))?;
        Ok(Self {
            lottery_id: parsed("id", text("id")?, LotteryId::parse)?,
            name: LotteryName::parse(name).map_err(|error| error.in_field("name"))?,
            locale: parsed("locale", text("locale")?, Locale::parse)?.unwrap_or(Locale::En),
            time_zone: parsed("time_zone", text("time_zone")?, TimeZoneName::parse)?.unwrap_or_default(),
            country: parsed("country", text("country")?, CountryCode::parse)?,
            open_to_join,
            email_through,
        })
    }

    /// The lottery that begins `now`; `random` names it if the organiser did not.
    pub fn begin(self, random: [u8; 16], now: Timestamp) -> Lottery {
        Lottery {
            lottery_id: self.lottery_id.unwrap_or_else(|| LotteryId::from_random(random)),
            name: self.name,
            locale: self.locale,
            time_zone: self.time_zone,
            country: self.country,
            open_to_join: self.open_to_join,
            joining: Joining::default(),
            messages: Messages::default(),
            sms_sender: None,
            collect: None,
            closed_at: None,
            deleted_at: None,
            settings_revision: 0,
            email_through: self.email_through.unwrap_or(EmailThrough::Sns),
            topic_arn: None,
            created_at: now,
            open_draw: None,
            next_sequence: 1,
            last_sealed: None,
            last_commitment: None,
            manifest_version: Version::Two,
        }
    }
}

fn parsed<T>(
    field: &str,
    text: Option<&str>,
    parse: impl FnOnce(&str) -> Result<T, Invalid>,
) -> Result<Option<T>, FieldError> {
    text.map(parse).transpose().map_err(|error| error.in_field(field))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_name_is_enough() {
        let lottery =
            NewLottery::parse(&json!({"name": "Party"})).unwrap().begin([7; 16], Timestamp::UNIX_EPOCH);
        assert_eq!(lottery.lottery_id, LotteryId::from_random([7; 16]));
        assert_eq!((lottery.locale, lottery.time_zone.as_str()), (Locale::En, "UTC"));
        assert_eq!((lottery.open_to_join, lottery.open_draw, lottery.next_sequence), (false, None, 1));
    }

    #[test]
    fn a_refusal_names_the_field() {
        for (value, field) in [
            (json!([]), "lottery"),
            (json!({}), "name"),
            (json!({"name": ""}), "name"),
            (json!({"name": 1}), "name"),
            (json!({"name": "P", "id": "A b"}), "id"),
            (json!({"name": "P", "locale": "de"}), "locale"),
            (json!({"name": "P", "time_zone": "Mars"}), "time_zone"),
            (json!({"name": "P", "country": "China"}), "country"),
            (json!({"name": "P", "open_to_join": "yes"}), "open_to_join"),
            (json!({"name": "P", "email_through": "pigeon"}), "email_through"),
            (json!({"name": "P", "color": "red"}), "color"),
        ] {
            assert_eq!(NewLottery::parse(&value).unwrap_err().field, field, "{value}");
        }
    }
}
