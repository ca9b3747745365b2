//! Reads a long list of entries from its canonical bytes: strictly, one entry at a time, in several parts at once.

use crate::canonical_json::write_text;
use crate::{Entry, Exclusion, Group, Holder, Label, Tickets};

/// Entries from the bytes between a list's brackets.
pub(crate) struct EntryReader<'a> {
    rest: &'a [u8],
    first: bool,
}

/// The bytes are no canonical entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

impl<'a> EntryReader<'a> {
    pub(crate) fn new(list: &'a [u8]) -> Self {
        Self { rest: list, first: true }
    }

    fn entry(&mut self) -> Option<(Entry, &'a [u8])> {
        if !std::mem::take(&mut self.first) {
            self.literal(b",")?;
        }
        let start = self.rest;
        self.literal(b"{\"excluded\":")?;
        let excluded = self.text_or_null()?.map(|text| Exclusion::parse(&text)).transpose().ok()?;
        self.literal(b",\"group\":")?;
        let group = match self.text_or_null()? {
            None => None,
            // The name must be spelled as it is kept: trimmed, in NFC.
            Some(text) => Some(Group::stored(&text).ok().filter(|group| group.as_str() == text)?),
        };
        self.literal(b",\"holder\":")?;
        let holder = Holder::parse(&self.text()?).ok()?;
        self.literal(b",\"label\":")?;
        let label = Label::parse(&self.text()?).ok()?;
        self.literal(b",\"tickets\":")?;
        let tickets = self.tickets()?;
        self.literal(b"}")?;
        let bytes = &start[..start.len() - self.rest.len()];
        Some((Entry { excluded, group, holder, label, tickets }, bytes))
    }

    fn literal(&mut self, literal: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(literal)?;
        Some(())
    }

    fn text_or_null(&mut self) -> Option<Option<String>> {
        if self.literal(b"null").is_some() {
            return Some(None);
        }
        self.text().map(Some)
    }

    /// Text in quotation marks, in its canonical spelling.
    fn text(&mut self) -> Option<String> {
        let inside = self.rest.strip_prefix(b"\"")?;
        let plain = inside.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
        if inside[plain] == b'"' {
            self.rest = &inside[plain + 1..];
            return String::from_utf8(inside[..plain].to_vec()).ok();
        }
        let mut values = serde_json::Deserializer::from_slice(self.rest).into_iter::<String>();
        let text = values.next()?.ok()?;
        let (spelled, rest) = self.rest.split_at(values.byte_offset());
        let mut canonical = String::new();
        write_text(&text, &mut canonical);
        self.rest = rest;
        (canonical.as_bytes() == spelled).then_some(text)
    }

    fn tickets(&mut self) -> Option<Tickets> {
        let digits = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (number, rest) = self.rest.split_at(digits);
        self.rest = rest;
        let number = std::str::from_utf8(number).ok().filter(|number| !number.starts_with('0'))?;
        Tickets::try_from(number.parse::<u32>().ok()?).ok()
    }
}

impl<'a> Iterator for EntryReader<'a> {
    type Item = Result<(Entry, &'a [u8]), Malformed>;

    /// The next entry with its bytes. Nothing follows a malformed one.
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let entry = self.entry().ok_or(Malformed);
        if entry.is_err() {
            self.rest = &[];
        }
        Some(entry)
    }
}

/// Cuts a list into at most `parts` lists of about the same length, between two entries.
pub(crate) fn split(list: &[u8], parts: usize) -> Vec<&[u8]> {
    // Cannot occur within text, whose quotation marks are escaped.
    const BETWEEN: &[u8] = b"},{\"";
    let (mut rest, mut cut) = (list, Vec::new());
    for left in (2..=parts).rev() {
        let from = rest.len() / left;
        let Some(offset) = rest[from..].windows(BETWEEN.len()).position(|window| window == BETWEEN) else {
            break;
        };
        let (part, after) = rest.split_at(from + offset + 1);
        cut.push(part);
        rest = &after[1..];
    }
    cut.push(rest);
    cut
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DrawId, Nonce, ParticipantId};

    fn entries() -> Vec<Entry> {
        let groups = [None, Some("Büro"), Some("\"},{\"excluded\":"), Some("a\\b")];
        (0..40u8)
            .map(|number| {
                let participant_id = ParticipantId::parse(&number.to_string()).unwrap();
                Entry {
                    excluded: match number % 3 {
                        0 => None,
                        1 => Some(Exclusion::Organiser),
                        _ => Some(Exclusion::PastWinner(DrawId::parse("d-1").unwrap())),
                    },
                    group: groups[usize::from(number) % 4].map(|name| Group::parse(name).unwrap()),
                    holder: Holder::commit(&Nonce::from_random([number; 32]), &participant_id),
                    label: Label::from_random([number; 16]),
                    tickets: Tickets::try_from(u32::from(number) * 25 + 1).unwrap(),
                }
            })
            .collect()
    }

    fn list(entries: &[Entry]) -> String {
        entries.iter().map(Entry::to_canonical_json).collect::<Vec<_>>().join(",")
    }

    #[test]
    fn a_list_reads_as_it_is_written_in_any_number_of_parts() {
        let entries = entries();
        let text = list(&entries);
        for parts in [1, 2, 3, 7, 40, 100] {
            let split = split(text.as_bytes(), parts);
            assert_eq!(split.len(), parts.min(split.len()));
            let read = split.into_iter().flat_map(EntryReader::new).map(|read| {
                let (entry, bytes) = read.unwrap();
                assert_eq!(entry.to_canonical_json().as_bytes(), bytes);
                entry
            });
            assert_eq!(read.collect::<Vec<_>>(), entries, "{parts} parts");
        }
        assert_eq!(split(text.as_bytes(), 4).len(), 4);
        assert!(EntryReader::new(b"").next().is_none());
    }

    #[test]
    fn every_other_spelling_is_refused() {
        let text = entries()[1].to_canonical_json();
        assert!(text.contains("\"organiser\"") && text.contains("\"Büro\"") && text.ends_with(":26}"));
        for (from, to) in [
            ("{\"excluded\"", "{ \"excluded\""),
            ("\"organiser\"", "\"organizer\""),
            ("\"organiser\"", "\"\\u006frganiser\""),
            ("Büro", " Büro"),
            ("Büro", "Bu\u{308}ro"),
            ("Büro", "B\u{7}ro"),
            (":26}", ":026}"),
            (":26}", ":26.0}"),
            (":26}", ":0}"),
            (":26}", ":1001}"),
            (":26}", ":}"),
            (":26}", ":26,\"name\":\"x\"}"),
            ("\"group\":\"Büro\",", ""),
            ("}", "},"),
            ("}", "}x"),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text);
            assert!(EntryReader::new(changed.as_bytes()).any(|entry| entry.is_err()), "{changed}");
        }
    }
}
