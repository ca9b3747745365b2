//! What an organiser changes of a lottery: a JSON merge patch, parsed once.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::joining::{Joining, Question, VenueCode};
use crate::message::{Messages, OwnWording, SmsSender, Template};
use crate::{
    CollectText, CountryCode, FieldError, Group, Invalid, Locale, Lottery, LotteryName, Refusal, TimeZoneName,
};

/// A change of a lottery: what it names is changed, `null` takes it away, what it leaves out stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LotteryChange {
    members: Map<String, Value>,
}

impl LotteryChange {
    /// The fields that [`parse`](Self::parse) takes.
    pub const FIELDS: [&str; 17] = [
        "name",
        "locale",
        "time_zone",
        "country",
        "closed",
        "open_to_join",
        "join_opens_at",
        "join_closes_at",
        "join_max_people",
        "join_groups",
        "join_question",
        "join_one_mailbox",
        "join_confirm_addresses",
        "venue_code",
        "sms_sender",
        "messages",
        "collect",
    ];
    /// The languages of `messages`.
    pub const LANGUAGES: [&str; 2] = ["en", "zh-CN"];
    /// The fields of the words in one language.
    pub const WORDING_FIELDS: [&str; 6] =
        ["sms", "email_subject", "email_text", "others_sms", "others_email_subject", "others_email_text"];

    /// Takes the fields of a change; [`apply`](Self::apply) reads their values.
    pub fn parse(value: Value) -> Result<Self, FieldError> {
        let Value::Object(members) = value else {
            return Err(FieldError::new("lottery", Refusal::NotObject));
        };
        match members.keys().find(|name| !Self::FIELDS.contains(&name.as_str())) {
            Some(name) => Err(FieldError::unknown(name)),
            None => Ok(Self { members }),
        }
    }

    /// Changes the lottery.
    pub fn apply(&self, lottery: &mut Lottery, now: Timestamp) -> Result<(), FieldError> {
        for (name, value) in &self.members {
            match name.as_str() {
                "messages" => apply_messages(value, &mut lottery.messages)?,
                name => {
                    apply_one(name, value, lottery, now).map_err(|refusal| FieldError::new(name, refusal))?
                }
            }
        }
        let Joining { opens_at, closes_at, .. } = lottery.joining;
        if opens_at.zip(closes_at).is_some_and(|(opens_at, closes_at)| closes_at <= opens_at) {
            return Err(FieldError::new("join_closes_at", Refusal::NotAfter { other: "join_opens_at" }));
        }
        Ok(())
    }
}

fn apply_one(name: &str, value: &Value, lottery: &mut Lottery, now: Timestamp) -> Result<(), Refusal> {
    let joining = &mut lottery.joining;
    match name {
        "name" => lottery.name = required(value, LotteryName::parse)?,
        "locale" => lottery.locale = required(value, Locale::parse)?,
        "time_zone" => lottery.time_zone = required(value, TimeZoneName::parse)?,
        "country" => lottery.country = optional(value, CountryCode::parse)?,
        "collect" => lottery.collect = optional(value, CollectText::parse)?,
        "closed" => {
            lottery.closed_at = flag(value)?.then(|| lottery.closed_at.unwrap_or(now));
        }
        "open_to_join" => lottery.open_to_join = flag(value)?,
        "join_opens_at" => joining.opens_at = time(value)?,
        "join_closes_at" => joining.closes_at = time(value)?,
        "join_max_people" => joining.max_people = max_people(value)?,
        "join_groups" => joining.groups = groups(value)?,
        "join_question" => joining.question = optional(value, Question::parse)?,
        "join_one_mailbox" => joining.one_mailbox = flag(value)?,
        "join_confirm_addresses" => joining.confirm_addresses = flag(value)?,
        "sms_sender" => lottery.sms_sender = optional(value, SmsSender::parse)?,
        _ => joining.venue_code = optional(value, VenueCode::parse)?,
    }
    Ok(())
}

/// The organiser's own words: what is named of them is changed, `null` brings the built-in text back.
fn apply_messages(value: &Value, messages: &mut Messages) -> Result<(), FieldError> {
    let languages = match value {
        Value::Null => {
            *messages = Messages::default();
            return Ok(());
        }
        Value::Object(languages) => languages,
        _ => return Err(FieldError::new("messages", Refusal::NotObject)),
    };
    for (language, value) in languages {
        let path = format!("messages.{language}");
        let locale = Locale::parse(language).map_err(|_| FieldError::unknown(&path))?;
        *messages.of_mut(locale) = wording(value, messages.of(locale), &path)?;
    }
    Ok(())
}

/// Words in one language, changed.
fn wording(value: &Value, before: &OwnWording, path: &str) -> Result<OwnWording, FieldError> {
    let fields = match value {
        Value::Null => return Ok(OwnWording::default()),
        Value::Object(fields) => fields,
        _ => return Err(FieldError::new(path, Refusal::NotObject)),
    };
    let mut wording = before.clone();
    for (name, value) in fields {
        let path = format!("{path}.{name}");
        let refused = |refusal| FieldError::new(path.clone(), refusal);
        match name.as_str() {
            "sms" => wording.sms = template(value, Template::MAX_SMS).map_err(refused)?,
            "email_text" => wording.email_text = template(value, Template::MAX_TEXT).map_err(refused)?,
            "email_subject" => {
                wording.email_subject = optional(value, Template::parse_subject).map_err(refused)?;
            }
            "others_sms" => wording.others_sms = template(value, Template::MAX_SMS).map_err(refused)?,
            "others_email_text" => {
                wording.others_email_text = template(value, Template::MAX_TEXT).map_err(refused)?;
            }
            "others_email_subject" => {
                wording.others_email_subject = optional(value, Template::parse_subject).map_err(refused)?;
            }
            _ => return Err(FieldError::unknown(&path)),
        }
    }
    Ok(wording)
}

impl OwnWording {
    /// Parses words in one language, of which each may be absent.
    pub fn parse(value: &Value, path: &str) -> Result<Self, FieldError> {
        wording(value, &Self::default(), path)
    }
}

fn template(value: &Value, most: usize) -> Result<Option<Template>, Refusal> {
    optional(value, |text| Template::parse(text, most))
}

fn required<T>(value: &Value, parse: impl FnOnce(&str) -> Result<T, Invalid>) -> Result<T, Refusal> {
    optional(value, parse)?.ok_or(Refusal::Missing)
}

/// The parsed text; none for JSON's null and blank text.
fn optional<T>(value: &Value, parse: impl FnOnce(&str) -> Result<T, Invalid>) -> Result<Option<T>, Refusal> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.trim().is_empty() => Ok(None),
        Value::String(text) => parse(text).map(Some).map_err(Refusal::from),
        _ => Err(Refusal::NotText),
    }
}

fn flag(value: &Value) -> Result<bool, Refusal> {
    match value {
        Value::Null => Ok(false),
        Value::Bool(flag) => Ok(*flag),
        _ => Err(Refusal::NotBoolean),
    }
}

fn time(value: &Value) -> Result<Option<Timestamp>, Refusal> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => text.parse().map(Some).map_err(|_| Refusal::NotTime),
        _ => Err(Refusal::NotText),
    }
}

fn max_people(value: &Value) -> Result<Option<u32>, Refusal> {
    let most = Joining::MAX_PEOPLE;
    match value {
        Value::Null => Ok(None),
        value => value
            .as_u64()
            .and_then(|count| u32::try_from(count).ok())
            .filter(|count| (1..=most).contains(count))
            .map(Some)
            .ok_or(Refusal::OutOfRange { least: 1, most: u64::from(most) }),
    }
}

fn groups(value: &Value) -> Result<Vec<Group>, Refusal> {
    let names = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(names) => names,
        _ => return Err(Refusal::NotArray),
    };
    if names.len() > Joining::MAX_GROUPS {
        return Err(Refusal::TooManyGroups { most: Joining::MAX_GROUPS });
    }
    let mut groups: Vec<Group> = Vec::with_capacity(names.len());
    for name in names {
        let group = Group::parse(name.as_str().ok_or(Refusal::NotText)?).map_err(Refusal::from)?;
        if groups.contains(&group) {
            return Err(Refusal::GroupTwice { group: group.to_string() });
        }
        groups.push(group);
    }
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::NewLottery;

    fn lottery() -> Lottery {
        NewLottery::parse(&json!({"name": "Party"})).unwrap().begin([1; 16], Timestamp::UNIX_EPOCH)
    }

    fn changed(change: Value) -> Result<Lottery, FieldError> {
        let mut lottery = lottery();
        let now = "2026-12-01T12:00:00Z".parse().unwrap();
        LotteryChange::parse(change)?.apply(&mut lottery, now)?;
        Ok(lottery)
    }

    #[test]
    fn what_a_change_names_is_changed_and_the_rest_stays() {
        let changed = changed(json!({
            "name": "Year-end party", "time_zone": "Asia/Shanghai", "open_to_join": true, "closed": true,
            "join_max_people": 300, "join_groups": ["Sales", "\u{ff32}&D"], "venue_code": "krt7-pq"
        }));
        let changed = changed.unwrap();
        assert_eq!((changed.name.as_str(), changed.time_zone.as_str()), ("Year-end party", "Asia/Shanghai"));
        assert_eq!((changed.locale, changed.country.clone()), (lottery().locale, lottery().country));
        assert!(changed.open_to_join && changed.closed_at.is_some());
        assert_eq!(changed.joining.max_people, Some(300));
        assert_eq!(changed.joining.groups.iter().map(Group::as_str).collect::<Vec<_>>(), ["Sales", "R&D"]);
        assert_eq!(changed.joining.venue_code.unwrap().as_str(), "KRT7PQ");
    }

    #[test]
    fn own_words_are_changed_by_language_and_channel() {
        let mut lottery = lottery();
        let mut apply = |change: Value| {
            LotteryChange::parse(change).unwrap().apply(&mut lottery, Timestamp::UNIX_EPOCH).unwrap();
            let text = |template: &Option<Template>| template.as_ref().map(|one| one.as_str().to_owned());
            let Messages { en, zh_cn } = &lottery.messages;
            (text(&en.sms), text(&en.email_text), text(&zh_cn.sms))
        };
        let own = |text: &str| Some(text.to_owned());
        let words = json!({"en": {"sms": "Hi {name}", "email_text": "Hi"}, "zh-CN": {"sms": "{name}，您好"}});
        assert_eq!(apply(json!({"messages": words})), (own("Hi {name}"), own("Hi"), own("{name}，您好")));
        let fewer = json!({"messages": {"en": {"sms": null}}});
        assert_eq!(apply(fewer), (None, own("Hi"), own("{name}，您好")));
        assert_eq!(apply(json!({"messages": {"zh-CN": null}})), (None, own("Hi"), None));
        assert_eq!(apply(json!({"messages": null})), (None, None, None));
    }

    #[test]
    fn a_refusal_names_the_field() {
        for (change, field) in [
            (json!([]), "lottery"),
            (json!({"color": "red"}), "color"),
            (json!({"name": null}), "name"),
            (json!({"name": " "}), "name"),
            (json!({"time_zone": "Mars"}), "time_zone"),
            (json!({"closed": "yes"}), "closed"),
            (json!({"join_opens_at": "tomorrow"}), "join_opens_at"),
            (
                json!({"join_opens_at": "2026-12-18T18:00:00Z", "join_closes_at": "2026-12-18T18:00:00Z"}),
                "join_closes_at",
            ),
            (json!({"join_max_people": 0}), "join_max_people"),
            (json!({"join_groups": "Sales"}), "join_groups"),
            (json!({"join_groups": ["Sales", "\u{ff33}ales"]}), "join_groups"),
            (json!({"venue_code": "a b"}), "venue_code"),
            (json!({"sms_sender": "2026"}), "sms_sender"),
            (json!({"collect": "x".repeat(501)}), "collect"),
            (json!({"messages": {"de": {}}}), "messages.de"),
            (json!({"messages": {"en": {"sms": "Hi {nmae}"}}}), "messages.en.sms"),
            (json!({"messages": {"en": {"fax": "Hi"}}}), "messages.en.fax"),
        ] {
            assert_eq!(changed(change.clone()).unwrap_err().field, field, "{change}");
        }
    }
}
