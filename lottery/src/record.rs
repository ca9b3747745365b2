//! What a list says of one person: each field given, erased on purpose, or not spoken of.
//!
//! A file with fewer columns, or with blank cells, leaves what is stored. Nothing is erased unless the list says so in
//! as many words, and only where the organiser has asked that such words count.

use serde_json::Value;

use crate::text::text_newtype;
use crate::{
    EmailAddress, FieldError, Group, Invalid, Name, Participant, ParticipantFields, ParticipantId,
    PhoneNumber, Refusal, Tickets,
};

/// What a list says of one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Field<T> {
    /// Nothing: there is no such column, or the cell is blank. What is stored stays.
    #[default]
    Absent,
    /// That there is no value: what is stored is erased.
    Clear,
    /// This value.
    Given(T),
}

impl<T: Clone> Field<T> {
    /// The value once the list is imported, where `stored` is the one from before.
    pub fn over(&self, stored: Option<&T>) -> Option<T> {
        match self {
            Self::Absent => stored.cloned(),
            Self::Clear => None,
            Self::Given(value) => Some(value.clone()),
        }
    }
}

impl<T> From<Option<T>> for Field<T> {
    /// The field of a list that speaks of every field.
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Clear, Self::Given)
    }
}

/// The word that erases a field, such as `-`: 1 to 16 characters, compared as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClearWord(String);

text_newtype!(ClearWord);

impl ClearWord {
    /// The maximum length of the word, in characters.
    pub const MAX_LENGTH: usize = 16;

    /// Parses the word.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        crate::text::line(text, Self::MAX_LENGTH).map(Self)
    }
}

impl Default for ClearWord {
    fn default() -> Self {
        Self("-".to_owned())
    }
}

/// What erases a field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Clearing {
    /// Nothing does. A JSON `null` is as good as an absent field: programs write it for whatever they do not know.
    #[default]
    Never,
    /// A JSON `null`, as in a JSON merge patch: for editing one person.
    Null,
    /// This word, and a JSON `null`: for lists that the organiser imports so.
    Word(ClearWord),
}

/// What a list says of one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The organiser's own id of the person: whom the record is about.
    pub participant_id: ParticipantId,
    /// The person's name; [`Field::Clear`] is as good as absent, for everybody has a name.
    pub name: Field<Name>,
    /// Where an SMS reaches the person.
    pub phone: Field<PhoneNumber>,
    /// Where an e-mail reaches the person.
    pub email: Field<EmailAddress>,
    /// The part of the pool to which the person belongs.
    pub group: Field<Group>,
    /// The person's chances; erased, they are one.
    pub tickets: Field<Tickets>,
    /// Whether the organiser keeps the person from winning; erased, the person can win.
    pub excluded: Field<bool>,
}

impl Record {
    /// A record that says nothing but whom it is about.
    pub fn about(participant_id: ParticipantId) -> Self {
        Self {
            participant_id,
            name: Field::Absent,
            phone: Field::Absent,
            email: Field::Absent,
            group: Field::Absent,
            tickets: Field::Absent,
            excluded: Field::Absent,
        }
    }

    /// Parses a record; the error names the first field that is refused. Id and name cannot be erased.
    pub fn parse(fields: &ParticipantFields, clearing: &Clearing) -> Result<Self, FieldError> {
        let reader = Reader { fields, clearing };
        let name = reader.text("name", Name::parse)?;
        if name == Field::Clear {
            return Err(FieldError::new("name", Refusal::Missing));
        }
        Ok(Self {
            participant_id: fields.required("participant_id", ParticipantId::parse)?,
            name,
            phone: reader.text("phone", PhoneNumber::parse)?,
            email: reader.text("email", EmailAddress::parse)?,
            group: reader.text("group", Group::parse)?,
            tickets: reader.field("tickets", ParticipantFields::tickets)?,
            excluded: reader.field("excluded", ParticipantFields::excluded)?,
        })
    }

    /// The person once the list is imported, where `stored` is who they were before. Nobody, if the person is new and the
    /// record has no name.
    pub fn over(&self, stored: Option<&Participant>) -> Option<Participant> {
        let name = match (&self.name, stored) {
            (Field::Given(name), _) => name.clone(),
            (Field::Absent | Field::Clear, stored) => stored?.name.clone(),
        };
        Some(Participant {
            participant_id: self.participant_id.clone(),
            name,
            phone: self.phone.over(stored.and_then(|stored| stored.phone.as_ref())),
            email: self.email.over(stored.and_then(|stored| stored.email.as_ref())),
            group: self.group.over(stored.and_then(|stored| stored.group.as_ref())),
            tickets: self.tickets.over(stored.map(|stored| &stored.tickets)).unwrap_or(Tickets::ONE),
            excluded: self.excluded.over(stored.map(|stored| &stored.excluded)).unwrap_or(false),
        })
    }
}

impl From<Participant> for Record {
    /// A record that speaks of every field: what the person does not have is erased.
    fn from(participant: Participant) -> Self {
        Self {
            participant_id: participant.participant_id,
            name: Field::Given(participant.name),
            phone: participant.phone.into(),
            email: participant.email.into(),
            group: participant.group.into(),
            tickets: Field::Given(participant.tickets),
            excluded: Field::Given(participant.excluded),
        }
    }
}

impl Participant {
    /// The names of the fields in which two states of a person differ, in the order of [`ParticipantFields::NAMES`].
    pub fn changes(&self, other: &Participant) -> Vec<&'static str> {
        let differs = [
            ("name", self.name != other.name),
            ("phone", self.phone != other.phone),
            ("email", self.email != other.email),
            ("group", self.group != other.group),
            ("tickets", self.tickets != other.tickets),
            ("excluded", self.excluded != other.excluded),
        ];
        differs.into_iter().filter(|(_, differs)| *differs).map(|(field, _)| field).collect()
    }
}

struct Reader<'a> {
    fields: &'a ParticipantFields,
    clearing: &'a Clearing,
}

impl Reader<'_> {
    fn text<T>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, Invalid>,
    ) -> Result<Field<T>, FieldError> {
        self.field(name, |fields| fields.required(name, parse))
    }

    /// A field; `read` is asked for its value if it has one.
    fn field<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(&ParticipantFields) -> Result<T, FieldError>,
    ) -> Result<Field<T>, FieldError> {
        let clears =
            |text: &str| matches!(self.clearing, Clearing::Word(word) if word.as_str() == text.trim());
        match self.fields.given(name) {
            None => Ok(Field::Absent),
            Some(Value::Null) if *self.clearing == Clearing::Never => Ok(Field::Absent),
            Some(Value::Null) => Ok(Field::Clear),
            Some(Value::String(text)) if clears(text) => Ok(Field::Clear),
            Some(Value::String(text)) if text.trim().is_empty() => Ok(Field::Absent),
            Some(_) => read(self.fields).map(Field::Given),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(value: Value, clearing: &Clearing) -> Record {
        Record::parse(&ParticipantFields::from_json(value).unwrap(), clearing).unwrap()
    }

    fn rose() -> Participant {
        let full = json!({
            "participant_id": "1", "name": "Rose", "phone": "+12025550101", "email": "rose@example.com",
            "group": "Sales", "tickets": 5, "excluded": true
        });
        record(full, &Clearing::Never).over(None).unwrap()
    }

    #[test]
    fn a_corrected_name_leaves_everything_else() {
        let corrected = record(json!({"participant_id": "1", "name": "Rose Tyler"}), &Clearing::Never);
        let merged = corrected.over(Some(&rose())).unwrap();
        assert_eq!(merged.changes(&rose()), ["name"]);
    }

    #[test]
    fn blank_cells_and_nulls_leave_what_is_stored() {
        let blank = json!({
            "participant_id": "1", "name": null, "phone": "", "email": " ", "group": null, "tickets": "", "excluded": null
        });
        assert_eq!(record(blank, &Clearing::Never), Record::about(rose().participant_id));
    }

    #[test]
    fn the_word_erases_where_it_is_asked_for_and_is_a_value_elsewhere() {
        let word = json!({
            "participant_id": "1", "phone": " - ", "email": null, "group": "-", "tickets": "-", "excluded": "-"
        });
        let erased = record(word, &Clearing::Word(ClearWord::default())).over(Some(&rose())).unwrap();
        assert_eq!(erased.changes(&rose()), ["phone", "email", "group", "tickets", "excluded"]);
        assert_eq!(
            (erased.phone, erased.group, erased.tickets, erased.excluded),
            (None, None, Tickets::ONE, false)
        );
        let value = record(json!({"participant_id": "1", "group": "-"}), &Clearing::Never);
        assert_eq!(value.group, Field::Given(Group::parse("-").unwrap()));
    }

    #[test]
    fn null_erases_in_an_edit_of_one_person_and_a_word_does_not() {
        let edit = record(json!({"participant_id": "1", "phone": null, "group": "-"}), &Clearing::Null);
        assert_eq!(edit.phone, Field::Clear);
        assert!(matches!(edit.group, Field::Given(_)));
    }

    #[test]
    fn nobody_comes_in_without_a_name_or_loses_it() {
        assert_eq!(record(json!({"participant_id": "1", "tickets": 2}), &Clearing::Never).over(None), None);
        let fields = ParticipantFields::from_json(json!({"participant_id": "1", "name": null})).unwrap();
        let refused = Record::parse(&fields, &Clearing::Null).unwrap_err();
        assert_eq!((refused.field.as_str(), refused.reason), ("name", Refusal::Missing));
    }

    #[test]
    fn a_record_of_every_field_is_the_person() {
        assert_eq!(Record::from(rose()).over(None), Some(rose()));
        let bare = Participant { phone: None, email: None, group: None, ..rose() };
        assert_eq!(Record::from(bare.clone()).over(Some(&rose())), Some(bare));
    }
}
