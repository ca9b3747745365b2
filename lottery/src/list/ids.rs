//! Ids: those of a list are compared with each other, and a list without any has them made.
//!
//! A made id is `p-` and 20 letters and digits, the beginning of the SHA-256 of what identifies the person:
//!
//! - a name that occurs once in the list: the name alone. The person keeps the id when their phone number is corrected, when
//!   the list is sorted another way, and when others come or go.
//! - a name that occurs several times: the name and the phone number, or else the e-mail address. These persons keep their
//!   ids when the list is sorted another way; a person whose address is corrected gets a new id, because nothing else
//!   distinguishes them.
//! - a name that occurs several times without an address: the name and the number of its occurrence. The first has the id of
//!   a name that occurs once.
//!
//! Names are compared in NFKC and lower case without blanks. The same name with the same address twice is one person: the
//! second line is refused. No two lines of a list get one id: a digest that is taken is counted on.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

use super::cell::Cell;
use super::limits::{MAX_ROWS, MAX_ROWS_COMPARED, MAX_ROWS_WITHOUT_IDS};
use super::person::{Draft, Given};
use super::remark::Remark;
use super::{ListRemark, Row};
use crate::ParticipantId;
use crate::id::base32;
use crate::text::is_ignorable;

/// Assigns ids, and detects duplicate persons.
#[derive(Default)]
pub(super) struct Ids {
    seen: SeenLines,
    /// The hash of each name as it is compared, with what tells its spelling and address from another's.
    names: HashMap<u64, Named>,
    /// People without ids, until the list has ended.
    held: Vec<Held>,
    rows: usize,
    /// So many rows keep their cells.
    shown_rows: usize,
}

/// The line of each id, by the hash of the id in two halves, so that an entry takes 12 bytes. The hashes that begin alike are
/// together, in order, and each such list grows by an eighth: of a million ids a table that doubles would take twice the
/// memory, and a B-tree half as much again.
#[derive(Default)]
struct SeenLines(Vec<Vec<([u32; 2], u32)>>);

impl SeenLines {
    /// The bits by which hashes are together: 250 of a million in each list.
    const BITS: u32 = 12;

    /// Keeps the line of an id, unless the id has one: that line is returned.
    fn insert(&mut self, hash: u64, line: u32) -> Option<u32> {
        if self.0.is_empty() {
            self.0.resize_with(1 << Self::BITS, Vec::new);
        }
        let alike = &mut self.0[(hash >> (u64::BITS - Self::BITS)) as usize];
        let hash = [(hash >> 32) as u32, hash as u32];
        match alike.binary_search_by_key(&hash, |(hash, _)| *hash) {
            Ok(index) => Some(alike[index].1),
            Err(index) => {
                if alike.len() == alike.capacity() {
                    alike.reserve_exact(alike.len() / 8 + 1);
                }
                alike.insert(index, (hash, line));
                None
            }
        }
    }
}

struct Named {
    line: u32,
    spelling: u64,
    has_address: bool,
}

struct Held {
    line: u64,
    draft: Draft,
    warnings: Vec<Remark>,
    cells: Vec<String>,
}

impl Ids {
    pub(super) fn new(shown_rows: usize) -> Self {
        Self { shown_rows, ..Self::default() }
    }

    /// Takes a person with an id, and gives the row; holds a person without.
    pub(super) fn take(
        &mut self,
        line: u64,
        mut draft: Draft,
        mut warnings: Vec<Remark>,
        cells: &[Cell],
    ) -> Result<Option<Row>, Remark> {
        self.rows += 1;
        if self.rows > MAX_ROWS {
            return Err(Remark::of_line(line, ListRemark::TooManyRows { most: MAX_ROWS }));
        }
        let kept = if self.rows <= self.shown_rows { shown(cells) } else { Vec::new() };
        let Some(participant_id) = draft.participant_id.take() else {
            if self.held.len() == MAX_ROWS_WITHOUT_IDS {
                return Err(Remark::of_line(
                    line,
                    ListRemark::TooManyWithoutIds { most: MAX_ROWS_WITHOUT_IDS },
                ));
            }
            self.held.push(Held { line, draft, warnings, cells: kept });
            return Ok(None);
        };
        let short = u32::try_from(line).unwrap_or(u32::MAX);
        if let Some(first_line) = self.seen.insert(hashed(participant_id.as_str()), short) {
            let why = ListRemark::IdTwice { first_line: first_line.into() };
            let person = Err(Remark::of_field(line, "participant_id", why));
            let participant_id = Some(participant_id);
            return Ok(Some(Row { line, person, warnings: Vec::new(), participant_id, cells: shown(cells) }));
        }
        warnings.extend(self.likely_double(line, &draft));
        Ok(Some(Row {
            line,
            person: Ok(draft.with_id(participant_id)),
            warnings,
            participant_id: None,
            cells: kept,
        }))
    }

    /// The list has ended: gives those who were held their ids.
    pub(super) fn finish(&mut self, rows: &mut Vec<Row>) {
        let held = std::mem::take(&mut self.held);
        let mut counts: HashMap<u64, u32> = HashMap::new();
        for one in &held {
            *counts.entry(hashed(&one.draft.name_key())).or_default() += 1;
        }
        let mut lines: HashMap<ParticipantId, u64> = HashMap::with_capacity(held.len());
        for Held { line, draft, mut warnings, cells } in held {
            let name = draft.name_key();
            let address = address_key(&draft);
            let is_alone = counts.get(&hashed(&name)).is_some_and(|count| *count == 1);
            let key = if is_alone { None } else { address.as_deref() };
            let mut count = 1;
            let person = loop {
                let participant_id = made(&name, key, count);
                match lines.get(&participant_id) {
                    None => {
                        lines.insert(participant_id.clone(), line);
                        warnings.extend(self.likely_double(line, &draft));
                        break Ok(draft.with_id(participant_id));
                    }
                    Some(first_line) if key.is_some() => {
                        let first_line = *first_line;
                        break Err(Remark::of_line(line, ListRemark::PersonTwice { first_line }));
                    }
                    Some(_) => count += 1,
                }
            };
            let warnings = if person.is_ok() { warnings } else { Vec::new() };
            // The person is in the list already: there is no line to correct.
            rows.push(Row { line, person, warnings, participant_id: None, cells });
        }
    }

    /// Two people of one name are two people; one name in two spellings, or without an address to tell them apart, is
    /// worth a look.
    fn likely_double(&mut self, line: u64, draft: &Draft) -> Option<Remark> {
        let spelling = hashed(draft.name.as_ref()?.as_str());
        let name = hashed(&draft.name_key());
        let has_address = address_key(draft).is_some();
        match self.names.get(&name) {
            Some(first) => {
                let are_two = first.spelling == spelling && first.has_address && has_address;
                let first_line = u64::from(first.line);
                (!are_two).then(|| Remark::of_field(line, "name", ListRemark::LikelyDouble { first_line }))
            }
            None => {
                if self.names.len() < MAX_ROWS_COMPARED {
                    let line = u32::try_from(line).unwrap_or(u32::MAX);
                    self.names.insert(name, Named { line, spelling, has_address });
                }
                None
            }
        }
    }
}

impl Draft {
    /// The name as it is compared; empty if there is none.
    fn name_key(&self) -> String {
        self.name.as_ref().map(|name| name_key(name.as_str())).unwrap_or_default()
    }
}

/// Cells as people see them.
pub(super) fn shown(cells: &[Cell]) -> Vec<String> {
    cells.iter().map(|cell| cell.as_shown().to_owned()).collect()
}

/// A name as it is compared: in NFKC and lower case, without blanks and what shows nothing.
pub(super) fn name_key(name: &str) -> String {
    let kept = name.chars().filter(|c| !is_ignorable(*c)).nfkc().filter(|c| !c.is_whitespace());
    kept.flat_map(char::to_lowercase).collect()
}

fn address_key(draft: &Draft) -> Option<String> {
    match (&draft.phone, &draft.email) {
        (Given::Value(phone), _) => Some(phone.as_str().to_owned()),
        (_, Given::Value(email)) => Some(email.mailbox()),
        _ => None,
    }
}

fn made(name: &str, address: Option<&str>, count: u32) -> ParticipantId {
    let mut digest = Sha256::new();
    digest.update(b"lottery list participant\0");
    digest.update(name);
    if let Some(address) = address {
        digest.update(b"\0address\0");
        digest.update(address);
    }
    if count > 1 {
        digest.update(format!("\0count\0{count}"));
    }
    let mut text = base32(&digest.finalize());
    text.truncate(20);
    ParticipantId::parse(&format!("p-{text}")).expect("base32 has letters and digits only")
}

/// The standard hasher without random keys: the same list gives the same answer.
fn hashed(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
