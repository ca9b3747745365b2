//! A person of the pool, parsed from the fields of a CSV line or a JSON object.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

use crate::text::{folded, is_visible, line, personal, seen, text_newtype, undamaged};
use crate::{EmailAddress, FieldError, Invalid, ParticipantId, PhoneNumber, Refusal};

/// A person's name as the organiser writes it: 1 to 200 characters, one of them visible.
#[derive(Clone, PartialEq, Eq)]
pub struct Name(String);

/// A part of the pool, such as a department: 1 to 64 characters.
///
/// What comes in is compared after Unicode's NFKC, with white space at its ends left out and blanks within it folded to one:
/// `Ｓａｌｅｓ` and `Sales ` are one group. What is sealed is read as it is, which the protocol has in NFC.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Group(String);

text_newtype!(Name, stored);
text_newtype!(Group, stored);
personal!(Name);

impl Name {
    /// The maximum length of a name, in characters.
    pub const MAX_LENGTH: usize = 200;

    /// Parses a person's name. Characters that show nothing or turn the direction of the text are left out; refused is a
    /// name of which then nothing can be seen, or one that was damaged on its way.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let shown = seen(undamaged(text)?);
        if !text.trim().is_empty() && !is_visible(&shown) {
            return Err(Refusal::NothingVisible.into());
        }
        line(&shown, Self::MAX_LENGTH).map(Self)
    }

    /// Reads a name that is stored.
    pub(crate) fn stored(text: &str) -> Result<Self, Invalid> {
        line(text, Self::MAX_LENGTH).map(Self)
    }
}

impl Group {
    /// The maximum length of a group's name, in characters.
    pub const MAX_LENGTH: usize = 64;

    /// Parses a group's name; equal-looking spellings become one.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let shown: String = seen(undamaged(text)?).nfkc().collect();
        if !text.trim().is_empty() && !is_visible(&shown) {
            return Err(Refusal::NothingVisible.into());
        }
        line(&folded(&shown), Self::MAX_LENGTH).map(Self)
    }

    /// The group as [`Group::parse`] spells it. A list that was imported before groups were compared after NFKC may hold
    /// another spelling.
    pub fn respelled(self) -> Self {
        match self.0.is_ascii() && !self.0.contains("  ") {
            true => self,
            false => Self::parse(&self.0).unwrap_or(self),
        }
    }

    /// Reads a group's name that is stored or sealed, as the protocol has it: in NFC.
    pub fn stored(text: &str) -> Result<Self, Invalid> {
        line(&text.nfc().collect::<String>(), Self::MAX_LENGTH).map(Self)
    }
}

/// How many chances a participant has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Tickets(u32);

impl Tickets {
    /// One chance, what everybody has who is given no other number.
    pub const ONE: Self = Self(1);
    const MAX: u32 = 1000;
    const OUT_OF_RANGE: Refusal = Refusal::OutOfRange { least: 1, most: Self::MAX as u64 };

    /// The number of chances.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for Tickets {
    type Error = Invalid;
    fn try_from(number: u32) -> Result<Self, Invalid> {
        if (1..=Self::MAX).contains(&number) { Ok(Self(number)) } else { Err(Self::OUT_OF_RANGE.into()) }
    }
}

impl From<Tickets> for u32 {
    fn from(tickets: Tickets) -> Self {
        tickets.0
    }
}

/// A person of the pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participant {
    /// The organiser's own id of the person.
    pub participant_id: ParticipantId,
    /// The person's name.
    pub name: Name,
    /// Where an SMS reaches the person.
    pub phone: Option<PhoneNumber>,
    /// Where an e-mail reaches the person.
    pub email: Option<EmailAddress>,
    /// The part of the pool to which the person belongs.
    pub group: Option<Group>,
    /// The person's chances.
    pub tickets: Tickets,
    /// Whether the organiser keeps the person from winning; the list of entries says so.
    pub excluded: bool,
}

/// The fields of a participant as they come in, by name and in any order.
#[derive(Default)]
pub struct ParticipantFields {
    values: [Option<Value>; ParticipantFields::NAMES.len()],
}

impl ParticipantFields {
    /// The names of the fields, as JSON and CSV spell them.
    pub const NAMES: [&str; 7] = ["participant_id", "name", "phone", "email", "group", "tickets", "excluded"];

    /// Sets one field. Refused are names that are not known and a field that comes twice.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) -> Result<(), FieldError> {
        let index = Self::index(name).ok_or_else(|| FieldError::unknown(name))?;
        match self.values[index].replace(value.into()) {
            None => Ok(()),
            Some(_) => Err(FieldError::new(name, Refusal::StandsTwice)),
        }
    }

    /// Takes the fields of a JSON object.
    pub fn from_json(value: Value) -> Result<Self, FieldError> {
        let Value::Object(members) = value else {
            return Err(FieldError::new("participant", Refusal::NotObject));
        };
        let mut fields = Self::default();
        for (name, value) in members {
            fields.set(&name, value)?;
        }
        Ok(fields)
    }

    /// A field as it came in, JSON's null and blank text included.
    pub fn given(&self, name: &'static str) -> Option<&Value> {
        self.values[Self::index(name)?].as_ref()
    }

    fn index(name: &str) -> Option<usize> {
        Self::NAMES.iter().position(|known| *known == name)
    }

    /// A field's value; null and the empty text are as good as absent.
    fn value(&self, name: &'static str) -> Option<&Value> {
        match self.given(name)? {
            Value::Null => None,
            Value::String(text) if text.trim().is_empty() => None,
            value => Some(value),
        }
    }

    fn optional<T>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, Invalid>,
    ) -> Result<Option<T>, FieldError> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(text)) => parse(text.trim()).map(Some).map_err(|error| error.in_field(name)),
            Some(_) => Err(FieldError::new(name, Refusal::NotText)),
        }
    }

    pub(crate) fn required<T>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, Invalid>,
    ) -> Result<T, FieldError> {
        self.optional(name, parse)?.ok_or_else(|| FieldError::new(name, Refusal::Missing))
    }

    pub(crate) fn tickets(&self) -> Result<Tickets, FieldError> {
        let number = match self.value("tickets") {
            None => return Ok(Tickets::ONE),
            Some(Value::Number(number)) => number.as_u64(),
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(_) => None,
        };
        number
            .and_then(|number| u32::try_from(number).ok())
            .and_then(|number| Tickets::try_from(number).ok())
            .ok_or_else(|| FieldError::new("tickets", Tickets::OUT_OF_RANGE))
    }

    pub(crate) fn excluded(&self) -> Result<bool, FieldError> {
        let refused = || FieldError::new("excluded", Refusal::NotBoolean);
        match self.value("excluded") {
            None => Ok(false),
            Some(Value::Bool(excluded)) => Ok(*excluded),
            Some(Value::String(text)) => text.trim().to_ascii_lowercase().parse().map_err(|_| refused()),
            Some(_) => Err(refused()),
        }
    }
}

impl fmt::Debug for ParticipantFields {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ParticipantFields(***)")
    }
}

impl Participant {
    /// Parses a participant; the error names the first field that is refused.
    pub fn parse(fields: &ParticipantFields) -> Result<Self, FieldError> {
        Ok(Self {
            participant_id: fields.required("participant_id", ParticipantId::parse)?,
            name: fields.required("name", Name::parse)?,
            phone: fields.optional("phone", PhoneNumber::parse)?,
            email: fields.optional("email", EmailAddress::parse)?,
            group: fields.optional("group", Group::parse)?,
            tickets: fields.tickets()?,
            excluded: fields.excluded()?,
        })
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_group_of_an_old_list_is_spelled_as_a_new_one() {
        for (stored, respelled) in [
            ("\u{ff33}ales", "Sales"),
            ("Sales  Team", "Sales Team"),
            ("Sales\u{200b}", "Sales"),
            ("Sales", "Sales"),
            ("\u{fffd}", "\u{fffd}"),
        ] {
            assert_eq!(super::Group::stored(stored).unwrap().respelled().as_str(), respelled);
        }
    }

    use serde_json::json;

    use super::*;

    fn parse(value: Value) -> Result<Participant, FieldError> {
        Participant::parse(&ParticipantFields::from_json(value)?)
    }

    #[test]
    fn a_full_participant_parses() {
        let rose = parse(json!({
            "participant_id": "001", "name": " Rose ", "phone": "+1 202-555-0101",
            "email": "rose@Example.com", "group": "Cafe\u{301}", "tickets": 1
        }))
        .unwrap();
        assert_eq!(rose.participant_id.as_str(), "001");
        assert_eq!(rose.name.as_str(), "Rose");
        assert_eq!(rose.phone.unwrap().as_str(), "+12025550101");
        assert_eq!(rose.email.unwrap().as_str(), "rose@example.com");
        assert_eq!(rose.group.unwrap().as_str(), "Caf\u{e9}");
        assert_eq!(rose.tickets, Tickets::ONE);
    }

    #[test]
    fn empty_and_null_fields_are_absent() {
        let rose =
            parse(json!({"participant_id": "1", "name": "Rose", "phone": "", "email": null, "tickets": " "}));
        assert_eq!(rose.as_ref().map(|rose| (&rose.phone, &rose.email)), Ok((&None, &None)));
    }

    #[test]
    fn a_refusal_names_the_field() {
        for (value, field) in [
            (json!({"name": "Rose"}), "participant_id"),
            (json!({"participant_id": "1"}), "name"),
            (json!({"participant_id": "1", "name": "a\u{7}b"}), "name"),
            (json!({"participant_id": "1", "name": "a".repeat(201)}), "name"),
            (json!({"participant_id": 1, "name": "Rose"}), "participant_id"),
            (json!({"participant_id": "1", "name": "Rose", "phone": "0123"}), "phone"),
            (json!({"participant_id": "1", "name": "Rose", "email": "rose"}), "email"),
            (json!({"participant_id": "1", "name": "Rose", "group": "g".repeat(65)}), "group"),
            (json!({"participant_id": "1", "name": "Rose", "tickets": 0}), "tickets"),
            (json!({"participant_id": "1", "name": "Rose", "tickets": 1.5}), "tickets"),
            (json!({"participant_id": "1", "name": "Rose", "tickets": "many"}), "tickets"),
            (json!({"participant_id": "1", "name": "Rose", "nickname": "R"}), "nickname"),
            (json!(["Rose"]), "participant"),
        ] {
            assert_eq!(parse(value.clone()).unwrap_err().field, field, "{value}");
        }
    }

    #[test]
    fn tickets_go_from_1_to_1000() {
        let parse =
            |tickets: Value| parse(json!({"participant_id": "1", "name": "Rose", "tickets": tickets}));
        for (value, tickets) in [(json!(2), 2), (json!("2"), 2), (json!(1000), 1000)] {
            assert_eq!(parse(value).unwrap().tickets.get(), tickets);
        }
        assert_eq!(parse(json!(1001)).unwrap_err().to_string(), "tickets: must be a whole number, 1 to 1000");
    }

    #[test]
    fn whom_the_organiser_excludes_is_marked() {
        let parse =
            |excluded: Value| parse(json!({"participant_id": "1", "name": "Rose", "excluded": excluded}));
        for (value, excluded) in
            [(json!(true), true), (json!("TRUE"), true), (json!(""), false), (json!(null), false)]
        {
            assert_eq!(parse(value).unwrap().excluded, excluded);
        }
        assert_eq!(parse(json!("perhaps")).unwrap_err().field, "excluded");
    }

    #[test]
    fn a_field_that_comes_twice_is_refused() {
        let mut fields = ParticipantFields::default();
        fields.set("name", "Rose").unwrap();
        assert_eq!(fields.set("name", "Tracy").unwrap_err().to_string(), "name: stands twice");
    }
}
