//! From the cells of a row to a person.

use unicode_normalization::UnicodeNormalization;

use super::cell::Cell;
use super::columns::Columns;
use super::limits::MAX_RECORD_BYTES;
use super::remark::{Remark, Why};
use super::words::{Field, is_no_address};
use super::{Country, ListRemark, read_email, read_phone};
use crate::text::{is_ignorable, seen};
use crate::{
    ClearWord, EmailAddress, Group, Name, ParticipantId, PhoneNumber, Record, Refusal, Tickets, guard, record,
};

/// What a list says of one field of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Given<T> {
    /// Nothing: the list has no such column, or the cell is blank.
    #[default]
    Absent,
    /// That there is none: `-`, `N/A`, `无`.
    Nothing,
    /// The word that erases a field, see [`Options::clear`](super::Options::clear).
    Cleared,
    /// A value.
    Value(T),
}

impl<T> Given<T> {
    /// The value, if there is one.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Nothing | Self::Cleared => None,
        }
    }

    /// The same of another value.
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> Given<U> {
        match self {
            Self::Absent => Given::Absent,
            Self::Nothing => Given::Nothing,
            Self::Cleared => Given::Cleared,
            Self::Value(value) => Given::Value(convert(value)),
        }
    }

    /// The value, if there is one.
    pub fn as_ref(&self) -> Given<&T> {
        match self {
            Self::Absent => Given::Absent,
            Self::Nothing => Given::Nothing,
            Self::Cleared => Given::Cleared,
            Self::Value(value) => Given::Value(value),
        }
    }
}

impl<T> From<Given<T>> for record::Field<T> {
    /// What is stored stays unless the list has a value or erases it in as many words: `N/A` in a cell is how people say that
    /// they do not know.
    fn from(given: Given<T>) -> Self {
        match given {
            Given::Absent | Given::Nothing => Self::Absent,
            Given::Cleared => Self::Clear,
            Given::Value(value) => Self::Given(value),
        }
    }
}

/// A person as a list has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListPerson {
    /// The organiser's id of the person, or one that was made, see [`super::ids`].
    pub participant_id: ParticipantId,
    /// The person's name; none if the list does not say. A known participant keeps theirs.
    pub name: Option<Name>,
    /// Where an SMS reaches the person.
    pub phone: Given<PhoneNumber>,
    /// Where an e-mail reaches the person.
    pub email: Given<EmailAddress>,
    /// The part of the pool to which the person belongs.
    pub group: Given<Group>,
    /// The person's chances.
    pub tickets: Given<Tickets>,
    /// Whether the organiser keeps the person from winning.
    pub excluded: Given<bool>,
}

/// A person whose id may still have to be made.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) participant_id: Option<ParticipantId>,
    /// There is one if there is no id.
    pub(super) name: Option<Name>,
    pub(super) phone: Given<PhoneNumber>,
    pub(super) email: Given<EmailAddress>,
    pub(super) group: Given<Group>,
    pub(super) tickets: Given<Tickets>,
    pub(super) excluded: Given<bool>,
}

impl From<ListPerson> for Record {
    fn from(person: ListPerson) -> Self {
        let ListPerson { participant_id, name, phone, email, group, tickets, excluded } = person;
        Self {
            participant_id,
            name: name.map_or(record::Field::Absent, record::Field::Given),
            phone: phone.into(),
            email: email.into(),
            group: group.into(),
            tickets: tickets.into(),
            excluded: excluded.into(),
        }
    }
}

impl Draft {
    pub(super) fn with_id(self, participant_id: ParticipantId) -> ListPerson {
        let Self { participant_id: _, name, phone, email, group, tickets, excluded } = self;
        ListPerson { participant_id, name, phone, email, group, tickets, excluded }
    }
}

/// How cells are read.
#[derive(Debug, Clone)]
pub(super) struct Manner {
    pub(super) country: Option<Country>,
    /// Refuse a person whose address cannot be used, instead of taking them without it.
    pub(super) is_strict: bool,
    /// The encoding's name, for bytes that were not of it.
    pub(super) encoding: &'static str,
    /// Whether cells have names such as `C7`.
    pub(super) has_cells: bool,
    /// The word that erases a field.
    pub(super) clear: Option<ClearWord>,
}

/// Where the fields of a row stand: by the columns of a table, or by the members of an object.
pub(super) struct Fields<'a> {
    pub(super) line: u64,
    pub(super) cells: &'a [Cell],
    pub(super) columns: &'a Columns,
}

impl Fields<'_> {
    fn cell(&self, field: Field) -> &Cell {
        self.columns.at(field).and_then(|index| self.cells.get(index)).unwrap_or(&Cell::Empty)
    }

    fn has(&self, field: Field) -> bool {
        self.columns.at(field).is_some()
    }

    fn remark(&self, manner: &Manner, field: Field, why: impl Into<Why>) -> Remark {
        let mut remark = Remark::of_field(self.line, field.name(), why);
        if manner.has_cells {
            remark.cell = self.columns.at(field).map(|index| cell_name(index, self.line));
        }
        remark
    }
}

/// The name of a sheet's cell, such as `C7`, by the index of its column from 0 and its row from 1.
pub fn cell_name(index: usize, row: u64) -> String {
    format!("{}{row}", column_name(index))
}

/// The name of a sheet's column: `A` to `Z`, `AA` and so on.
fn column_name(index: usize) -> String {
    let (mut rest, mut name) = (index + 1, String::new());
    while rest > 0 {
        rest -= 1;
        name.insert(0, char::from(b'A' + (rest % 26) as u8));
        rest /= 26;
    }
    name
}

/// Reads a person; adds what should be known about them to `warnings`.
pub(super) fn read(
    fields: &Fields<'_>,
    manner: &Manner,
    warnings: &mut Vec<Remark>,
) -> Result<Draft, Remark> {
    let refuse = |field: Field, why: Why| fields.remark(manner, field, why);
    let text = |field: Field| plain(fields.cell(field), manner).map_err(|why| refuse(field, why));
    let participant_id = match text(Field::ParticipantId)? {
        None if fields.has(Field::ParticipantId) => {
            return Err(refuse(Field::ParticipantId, Refusal::Missing.into()));
        }
        None => None,
        Some(id) => Some(parse_id(&id).map_err(|why| refuse(Field::ParticipantId, why))?),
    };
    let name = read_name(fields, manner, warnings)?;
    if name.is_none() && participant_id.is_none() {
        return Err(refuse(Field::Name, Refusal::Missing.into()));
    }
    let phone = {
        let read = address(fields.cell(Field::Phone), manner, |text| {
            read_phone(text, manner.country).map(|read| (read.number, read.doubt)).map_err(Why::from)
        });
        keep(read, fields, Field::Phone, manner, warnings)?
    };
    let email = {
        let read = address(fields.cell(Field::Email), manner, |text| {
            read_email(text).map(|read| (read.address, read.doubt))
        });
        keep(read, fields, Field::Email, manner, warnings)?
    };
    let is_cleared = |field: Field| manner.clears(fields.cell(field));
    let group = match text(Field::Group)? {
        None => Given::Absent,
        Some(_) if is_cleared(Field::Group) => Given::Cleared,
        // Guarded, as an export of ours has it, a dash is a group of that name.
        Some(_) if is_dash(fields.cell(Field::Group).as_shown().trim()) => Given::Nothing,
        Some(text) => {
            let parsed = Group::parse(&text).map_err(|error| error.in_field("group").reason);
            Given::Value(parsed.map_err(|why| refuse(Field::Group, why.into()))?)
        }
    };
    if matches!(fields.cell(Field::Group), Cell::Date(_)) {
        warnings.push(refuse(Field::Group, ListRemark::DateNotText.into()));
    }
    let tickets = match text(Field::Tickets)? {
        None => Given::Absent,
        Some(_) if is_cleared(Field::Tickets) => Given::Cleared,
        Some(text) if is_dash(&text) => Given::Nothing,
        Some(text) => Given::Value(parse_tickets(&text).map_err(|why| refuse(Field::Tickets, why))?),
    };
    let excluded = match (fields.cell(Field::Excluded), text(Field::Excluded)?) {
        (Cell::Bool(flag), _) => Given::Value(*flag),
        (_, None) => Given::Absent,
        (_, Some(_)) if is_cleared(Field::Excluded) => Given::Cleared,
        (_, Some(text)) => match parse_flag(&text) {
            Ok(flag) => Given::Value(flag),
            // A placeholder for a missing value must not include a participant whom the organiser excludes.
            Err(_) if is_no_address(&text) => Given::Nothing,
            Err(why) => return Err(refuse(Field::Excluded, why)),
        },
    };
    Ok(Draft { participant_id, name, phone, email, group, tickets, excluded })
}

impl Manner {
    /// Whether a cell holds the word that erases its field.
    fn clears(&self, cell: &Cell) -> bool {
        self.clear.as_ref().is_some_and(|word| word.as_str() == cell.as_shown().trim())
    }
}

/// The id of a row that is refused, if it can be read.
pub(super) fn id_of(fields: &Fields<'_>, manner: &Manner) -> Option<ParticipantId> {
    let id = plain(fields.cell(Field::ParticipantId), manner).ok()??;
    parse_id(&id).ok()
}

fn read_name(
    fields: &Fields<'_>,
    manner: &Manner,
    warnings: &mut Vec<Remark>,
) -> Result<Option<Name>, Remark> {
    let refuse = |field: Field, why: Why| fields.remark(manner, field, why);
    let text = |field: Field| plain(fields.cell(field), manner).map_err(|why| refuse(field, why));
    let field = if fields.has(Field::Name) {
        Field::Name
    } else if fields.has(Field::FirstName) {
        Field::FirstName
    } else {
        Field::LastName
    };
    let written = match field {
        Field::Name => text(Field::Name)?,
        _ => joined(text(Field::FirstName)?, text(Field::LastName)?),
    };
    let Some(written) = written else { return Ok(None) };
    if manner.clears(fields.cell(field)) {
        return Err(fields.remark(manner, Field::Name, Refusal::Missing));
    }
    if matches!(fields.cell(field), Cell::Date(_)) {
        return Err(refuse(field, ListRemark::DateNotText.into()));
    }
    // A line break within a cell reads as a blank.
    let one_line: String =
        written.chars().map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { c }).collect();
    let name = Name::parse(&one_line)
        .map_err(|error| fields.remark(manner, Field::Name, error.in_field("name").reason))?;
    let is_cleaned = one_line.trim().chars().filter(|c| is_ignorable(*c)).count()
        != name.as_str().chars().filter(|c| is_ignorable(*c)).count();
    if is_cleaned {
        warnings.push(fields.remark(manner, Field::Name, ListRemark::InvisibleLeftOut));
    }
    Ok(Some(name))
}

/// First and last name in the order of their script.
fn joined(first: Option<String>, last: Option<String>) -> Option<String> {
    let is_han = |text: &str| {
        text.trim().chars().all(
            |c| matches!(c, '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{20000}'..='\u{3ffff}'),
        )
    };
    match (first, last) {
        (Some(first), Some(last)) if is_han(&first) && is_han(&last) => {
            Some(format!("{}{}", last.trim(), first.trim()))
        }
        (Some(first), Some(last)) => Some(format!("{} {}", first.trim(), last.trim())),
        (first, last) => first.or(last),
    }
}

/// The text of a cell; none if it is blank. The guards that spreadsheets need are taken off: an apostrophe in front of a
/// formula's sign, and `="…"` around a number.
fn plain(cell: &Cell, manner: &Manner) -> Result<Option<String>, Why> {
    let text = match cell {
        Cell::Nested => return Err(Refusal::NotText.into()),
        Cell::TooLong => return Err(ListRemark::LineTooLong { most: MAX_RECORD_BYTES }.into()),
        Cell::Spoilt(shown) => return Err(ListRemark::NumberSpoilt { shown: shown.clone() }.into()),
        Cell::Error(shown) => return Err(ListRemark::CellError { shown: shown.clone() }.into()),
        Cell::Empty => return Ok(None),
        // A cell of blanks holds nothing; one of characters that show nothing was meant to hold something.
        cell if cell.as_shown().trim().is_empty() => return Ok(None),
        cell => unguarded(cell.as_shown().trim()),
    };
    if text.contains(super::encoding::UNDECODABLE) {
        return Err(ListRemark::NotDecodable { encoding: manner.encoding }.into());
    }
    if text.contains('\u{fffd}') {
        return Err(Refusal::ReplacementCharacter.into());
    }
    Ok(Some(text.to_owned()))
}

fn unguarded(text: &str) -> &str {
    if let Some(quoted) = text.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"'))
        && !quoted.contains('"')
    {
        return quoted;
    }
    guard::unguarded(text)
}

type Address<T> = Result<Given<(T, Option<ListRemark>)>, Why>;

fn address<T>(
    cell: &Cell,
    manner: &Manner,
    read: impl FnOnce(&str) -> Result<(T, Option<ListRemark>), Why>,
) -> Address<T> {
    if let Cell::Error(shown) = cell
        && shown == "#N/A"
    {
        return Ok(Given::Nothing);
    }
    let Some(text) = plain(cell, manner)? else { return Ok(Given::Absent) };
    if manner.clears(cell) {
        return Ok(Given::Cleared);
    }
    if is_no_address(&text) {
        return Ok(Given::Nothing);
    }
    read(&text).map(Given::Value)
}

/// An address that cannot be used is left out with a warning, unless asked otherwise. Damaged bytes cost the whole line:
/// what is wrong then is the list.
fn keep<T>(
    read: Address<T>,
    fields: &Fields<'_>,
    field: Field,
    manner: &Manner,
    warnings: &mut Vec<Remark>,
) -> Result<Given<T>, Remark> {
    match read {
        Ok(Given::Absent) => Ok(Given::Absent),
        Ok(Given::Nothing) => Ok(Given::Nothing),
        Ok(Given::Cleared) => Ok(Given::Cleared),
        Ok(Given::Value((address, doubt))) => {
            warnings.extend(doubt.map(|doubt| fields.remark(manner, field, doubt)));
            Ok(Given::Value(address))
        }
        Err(why) => {
            let is_damage = matches!(
                why,
                Why::List(ListRemark::NotDecodable { .. }) | Why::Value(Refusal::ReplacementCharacter)
            );
            let remark = fields.remark(manner, field, why);
            if manner.is_strict || is_damage {
                return Err(remark);
            }
            warnings.push(remark);
            // What is stored stays: a spoilt column must not erase the addresses of a good one.
            Ok(Given::Absent)
        }
    }
}

fn is_dash(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| matches!(c, '-' | '—' | '–' | '－'))
}

fn parse_id(text: &str) -> Result<ParticipantId, Why> {
    // What has lost digits has a fraction or a sign: `1E5` may be somebody's id.
    if let Some(shown) = super::phone::spoilt(text).filter(|shown| shown.contains(['.', ',', '+'])) {
        return Err(ListRemark::NumberSpoilt { shown }.into());
    }
    let narrowed: String = seen(text).nfkc().collect();
    ParticipantId::parse(narrowed.trim()).map_err(|error| error.in_field("participant_id").reason.into())
}

fn parse_tickets(text: &str) -> Result<Tickets, Why> {
    let narrowed: String = seen(text).nfkc().collect();
    let whole = narrowed.trim().trim_end_matches(['张', '票']);
    let whole = whole.strip_suffix(".0").unwrap_or(whole);
    let tickets = whole.trim().parse::<u32>().ok().and_then(|number| Tickets::try_from(number).ok());
    tickets.ok_or_else(|| Why::from(Refusal::OutOfRange { least: 1, most: 1000 }))
}

fn parse_flag(text: &str) -> Result<bool, Why> {
    let word = seen(text).nfkc().collect::<String>().to_lowercase();
    match word.trim() {
        "true" | "yes" | "y" | "1" | "x" | "✓" | "✔" | "√" | "t" | "on" | "是" | "对" | "excluded"
        | "排除" | "不参与" | "有" | "ja" | "wahr" => Ok(true),
        "false" | "no" | "n" | "0" | "f" | "off" | "否" | "不" | "参与" | "nein" | "falsch" => Ok(false),
        _ => Err(ListRemark::NotYesOrNo.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_names_its_columns_by_letters() {
        for (index, name) in
            [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA"), (701, "ZZ"), (702, "AAA")]
        {
            assert_eq!(column_name(index), name);
        }
    }

    #[test]
    fn yes_and_no_are_read_as_people_write_them() {
        for (text, flag) in [
            ("yes", true),
            ("Y", true),
            ("1", true),
            ("x", true),
            ("是", true),
            ("TRUE", true),
            ("✓", true),
            ("no", false),
            ("0", false),
            ("否", false),
            ("FALSE", false),
        ] {
            assert_eq!(parse_flag(text), Ok(flag), "{text}");
        }
        assert_eq!(parse_flag("perhaps"), Err(ListRemark::NotYesOrNo.into()));
    }

    #[test]
    fn guards_of_spreadsheets_are_taken_off() {
        for (text, plain) in [
            ("'+12025550101", "+12025550101"),
            ("'=cmd", "=cmd"),
            ("=\"007\"", "007"),
            ("'tis", "'tis"),
            ("O'Neil", "O'Neil"),
            ("=1+1", "=1+1"),
        ] {
            assert_eq!(unguarded(text), plain);
        }
    }

    #[test]
    fn parts_of_a_name_are_joined_in_the_order_of_their_script() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(joined(some("Rose"), some("Tyler")), some("Rose Tyler"));
        assert_eq!(joined(some("伟"), some("张")), some("张伟"));
        assert_eq!(joined(some("Rose"), None), some("Rose"));
        assert_eq!(joined(None, None), None);
    }
}
