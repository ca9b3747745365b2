//! Sealed entries as bytes, some 75 for each: a million of them are stored at every draw, and read again.
//!
//! An entry is label (36) ‖ tickets (BE2) ‖ holder (32) ‖ participant id ‖ group ‖ excluded, each of the last
//! three as its length in BE2 and its text, of which the empty one says that there is none.

use lottery::{Entry, Exclusion, Group, Holder, Label, ParticipantId, Tickets};

use super::SealedEntry;

pub(super) fn encode(entries: &[SealedEntry]) -> Vec<u8> {
    let mut out = Vec::with_capacity(entries.len() * 96);
    for SealedEntry { entry, participant_id, .. } in entries {
        out.extend_from_slice(entry.label.as_ref());
        let tickets = u16::try_from(entry.tickets.get()).expect("an entry has at most 1,000 tickets");
        out.extend_from_slice(&tickets.to_be_bytes());
        out.extend_from_slice(entry.holder.as_bytes());
        push_text(participant_id.as_str(), &mut out);
        push_text(entry.group.as_ref().map_or("", Group::as_str), &mut out);
        push_text(&entry.excluded.as_ref().map(Exclusion::to_string).unwrap_or_default(), &mut out);
    }
    out
}

/// The labels of the participants in the pool, 16 bytes each.
pub(super) fn encode_members(entries: &[SealedEntry]) -> Vec<u8> {
    entries.iter().flat_map(|sealed| sealed.member.to_bytes()).collect()
}

fn push_text(text: &str, out: &mut Vec<u8>) {
    let length = u16::try_from(text.len()).expect("ids and groups are far shorter");
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// None if these are not the bytes of entries. Older code has stored no members: they had the labels of their entries.
pub(super) fn decode(mut bytes: &[u8], members: Option<&[u8]>) -> Option<Vec<SealedEntry>> {
    let mut entries = Vec::with_capacity(super::CHUNK_ENTRIES);
    while !bytes.is_empty() {
        entries.push(entry(&mut bytes)?);
    }
    if let Some(members) = members {
        let (members, rest) = members.as_chunks::<16>();
        if members.len() != entries.len() || !rest.is_empty() {
            return None;
        }
        for (sealed, member) in entries.iter_mut().zip(members) {
            sealed.member = Label::from_random(*member);
        }
    }
    Some(entries)
}

fn entry(bytes: &mut &[u8]) -> Option<SealedEntry> {
    let label = Label::parse(std::str::from_utf8(take(bytes, 36)?).ok()?).ok()?;
    let tickets = u16::from_be_bytes(take(bytes, 2)?.try_into().ok()?);
    let holder = Holder::from_bytes(take(bytes, 32)?.try_into().ok()?);
    let participant_id = ParticipantId::parse(text(bytes)?).ok()?;
    let group = Some(text(bytes)?).filter(|group| !group.is_empty()).map(Group::stored);
    let excluded = Some(text(bytes)?).filter(|reason| !reason.is_empty()).map(Exclusion::parse);
    let entry = Entry {
        excluded: excluded.transpose().ok()?,
        group: group.transpose().ok()?,
        holder,
        label,
        tickets: Tickets::try_from(u32::from(tickets)).ok()?,
    };
    let member = entry.label;
    Some(SealedEntry { entry, participant_id, member })
}

fn text<'a>(bytes: &mut &'a [u8]) -> Option<&'a str> {
    let length = u16::from_be_bytes(take(bytes, 2)?.try_into().ok()?);
    std::str::from_utf8(take(bytes, usize::from(length))?).ok()
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use lottery::{DrawId, Nonce};

    use super::*;

    fn entries() -> Vec<SealedEntry> {
        let past = Exclusion::PastWinner(DrawId::parse("d1").unwrap());
        let kinds = [(None, None), (Some("Büro"), Some(past)), (Some("a"), Some(Exclusion::Organiser))];
        let entry = |(number, (group, excluded)): (u8, (Option<&str>, Option<Exclusion>))| {
            let participant_id = ParticipantId::parse(&format!("p-{number}")).unwrap();
            let entry = Entry {
                excluded,
                group: group.map(|group| Group::parse(group).unwrap()),
                holder: Holder::commit(&Nonce::from_random([number; 32]), &participant_id),
                label: Label::from_random([number; 16]),
                tickets: Tickets::try_from(u32::from(number) * 500).unwrap(),
            };
            let member = Label::from_random([number + 100; 16]);
            SealedEntry { entry, participant_id, member }
        };
        (1..).zip(kinds).map(|(number, kind)| entry((number.min(2), kind))).collect()
    }

    #[test]
    fn entries_read_as_they_are_written() {
        let members = encode_members(&entries());
        assert_eq!(decode(&encode(&entries()), Some(&members)), Some(entries()));
        assert_eq!(decode(&[], Some(&[])), Some(vec![]));
        assert_eq!(decode(&encode(&entries()), Some(&members[1..])), None);
        let older = decode(&encode(&entries()), None).unwrap();
        assert!(older.iter().all(|sealed| sealed.member == sealed.entry.label));
    }

    #[test]
    fn cut_or_foreign_bytes_are_no_entries() {
        let bytes = encode(&entries()[..1]);
        for length in 1..bytes.len() {
            assert_eq!(decode(&bytes[..length], None), None, "{length}");
        }
        assert_eq!(decode(&[0xff; 200], None), None);
    }

    #[test]
    fn a_chunk_of_the_longest_entries_fits_an_item() {
        let longest = SealedEntry {
            participant_id: ParticipantId::parse(&"p".repeat(64)).unwrap(),
            member: Label::from_random([0; 16]),
            entry: Entry {
                excluded: Some(Exclusion::PastWinner(DrawId::parse(&"d".repeat(40)).unwrap())),
                group: Some(Group::parse(&"𠀀".repeat(64)).unwrap()),
                ..entries()[0].entry.clone()
            },
        };
        let longest = vec![longest; super::super::CHUNK_ENTRIES];
        let length = encode(&longest).len() + encode_members(&longest).len();
        assert!(length < 400_000, "{length}");
    }
}
