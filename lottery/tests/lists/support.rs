//! Reading a list and saying in short what came of it.

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};
use lottery::list::{Country, Given, HeaderRow, List, ListPerson, Mapping, Options, Remark, Why, read};

/// Options of a list of Chinese phone numbers.
pub(crate) fn chinese() -> Options {
    Options { country: Some(Country::parse("CN").unwrap()), ..Options::default() }
}

pub(crate) fn with_mapping(mapping: &str) -> Options {
    Options { mapping: Mapping::parse(mapping).unwrap(), ..Options::default() }
}

pub(crate) fn without_header(mapping: &str) -> Options {
    Options { header_row: HeaderRow::None, ..with_mapping(mapping) }
}

/// Reads a list that can be read.
#[track_caller]
pub(crate) fn list(bytes: impl AsRef<[u8]>, options: Options) -> List {
    match read(bytes.as_ref(), options) {
        Ok(list) => list,
        Err(remark) => panic!("the list was refused: {remark}"),
    }
}

/// Why a list cannot be read, by its code.
#[track_caller]
pub(crate) fn refusal(bytes: impl AsRef<[u8]>, options: Options) -> String {
    match read(bytes.as_ref(), options) {
        Ok(list) => panic!("the list was read: {:?}", people(&list)),
        Err(remark) => remark.why.code(),
    }
}

/// Each person as `id name phone email group tickets excluded`, with a dot for what is absent a dash for what is said to be
/// none, and a question mark in place of a name that the list does not say; each refused line as `line: code`.
pub(crate) fn people(list: &List) -> Vec<String> {
    let describe_row = |row: &lottery::list::Row| match &row.person {
        Ok(person) => describe(person),
        Err(remark) => format!("{}: {}", row.line, remark.why.code()),
    };
    list.rows.iter().map(describe_row).collect()
}

fn describe(person: &ListPerson) -> String {
    fn shown<T: std::fmt::Display>(given: Given<T>) -> String {
        match given {
            Given::Absent => ".".to_owned(),
            Given::Nothing => "-".to_owned(),
            Given::Cleared => "cleared".to_owned(),
            Given::Value(value) => value.to_string(),
        }
    }
    let parts = [
        shown(person.phone.as_ref()),
        shown(person.email.as_ref()),
        shown(person.group.as_ref()),
        match person.tickets {
            Given::Value(tickets) => tickets.get().to_string(),
            _ => ".".to_owned(),
        },
        shown(person.excluded),
    ];
    let name = person.name.as_ref().map_or("?", |name| name.as_str());
    let mut text = format!("{} {name}", person.participant_id);
    // What is absent at the end is left out.
    let last = parts.iter().rposition(|part| part != ".").map_or(0, |last| last + 1);
    for part in &parts[..last] {
        text.push(' ');
        text.push_str(part);
    }
    text
}

/// The names alone, and the codes of refused lines.
pub(crate) fn names(list: &List) -> Vec<String> {
    let describe_row = |row: &lottery::list::Row| match &row.person {
        Ok(person) => person.name.as_ref().map_or("?", |name| name.as_str()).to_owned(),
        Err(remark) => format!("{}: {}", row.line, remark.why.code()),
    };
    list.rows.iter().map(describe_row).collect()
}

/// The codes of everything that is remarked and warned of, with their lines.
pub(crate) fn remarks(list: &List) -> Vec<String> {
    let warnings = list.rows.iter().flat_map(|row| &row.warnings);
    let mut all: Vec<&Remark> = list.remarks.iter().chain(warnings).collect();
    all.sort_by_key(|remark| remark.line);
    let describe_remark = |remark: &&Remark| {
        let column = remark.column.as_deref().map(|column| format!(" {column}")).unwrap_or_default();
        format!("{}:{column} {}", remark.line, Why::code(&remark.why))
    };
    all.iter().map(describe_remark).collect()
}

/// Writes text in an encoding, if it has every character.
pub(crate) fn encode(encoding: &'static Encoding, text: &str) -> Option<Vec<u8>> {
    if encoding == UTF_16LE || encoding == UTF_16BE {
        let to_bytes = if encoding == UTF_16LE { u16::to_le_bytes } else { u16::to_be_bytes };
        return Some(text.encode_utf16().flat_map(to_bytes).collect());
    }
    let (bytes, _, had_errors) = encoding.encode(text);
    (!had_errors).then(|| bytes.into_owned())
}
