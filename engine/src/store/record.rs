//! [`Record`]: a command of an execution, its time, and the events that followed.

use crate::execution::{Command, Pace};
use crate::history::{Decoder, Encoder, Event, Malformed};

/// The first byte of every record; another layout gets another number. A record of the first layout does not have the
/// number of states that were entered: it was fixed.
const LAYOUT: u8 = 2;
const LAYOUT_OF_FIXED_SLICES: u8 = 1;
/// The layout's number and the checksum of the body.
const HEAD: usize = 9;
/// The approximate size of an event.
const BYTES_OF_AN_EVENT: usize = 40;

/// A record to be written.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) execution: u64,
    pub(crate) sequence: u64,
    pub(crate) body: Vec<u8>,
}

/// A record as it was read.
#[derive(Debug)]
pub(crate) struct StoredRecord {
    /// Milliseconds since 1970.
    pub(crate) now: i64,
    /// How much the execution did in it.
    pub(crate) pace: Pace,
    pub(crate) command: Command,
    pub(crate) events: Vec<Event>,
}

impl Record {
    /// Encodes a record of the time `now`, in milliseconds since 1970. The thread that made the events encodes and drops
    /// them: freeing the memory of another thread is slow.
    pub(crate) fn new(
        execution: u64,
        sequence: u64,
        now: i64,
        command: &Command,
        events: &[Event],
        states: u64,
    ) -> Record {
        let mut encoder = Encoder::with_capacity(64 + events.len() * BYTES_OF_AN_EVENT);
        encoder.byte(LAYOUT);
        // Room for the checksum of the body.
        encoder.bytes(&[0; 8]);
        encoder.events_head(events);
        encoder.signed(now);
        encoder.number(states);
        command.encode(&mut encoder);
        encoder.events(events);
        let mut body = encoder.into_bytes();
        let check = key_of(&body[HEAD..]);
        body[1..HEAD].copy_from_slice(&check.to_le_bytes());
        Record { execution, sequence, body }
    }
}

impl StoredRecord {
    pub(crate) fn decode(bytes: &[u8]) -> Result<StoredRecord, Malformed> {
        let (head, body) = bytes.split_at_checked(HEAD).ok_or(Malformed)?;
        if head[1..] != key_of(body).to_le_bytes() {
            return Err(Malformed);
        }
        let mut decoder = Decoder::new(body);
        let events_head = decoder.events_head()?;
        let record = StoredRecord {
            now: decoder.signed()?,
            pace: match head[0] {
                LAYOUT => Pace::states(decoder.number()?),
                LAYOUT_OF_FIXED_SLICES => Pace::fixed(),
                _ => return Err(Malformed),
            },
            command: Command::decode(&mut decoder)?,
            events: decoder.events(events_head)?,
        };
        if decoder.is_at_end() { Ok(record) } else { Err(Malformed) }
    }
}

/// How many events a record has, without decoding them. Damage is detected when the record is decoded.
pub(crate) fn event_count(bytes: &[u8]) -> usize {
    bytes.get(HEAD..).and_then(|body| Decoder::new(body).events_head().ok()).map_or(0, |(count, _)| count)
}

/// The hash of a text, used as a lookup key and as a checksum: FNV-1a, eight bytes at a time.
pub(crate) fn key_of(bytes: &[u8]) -> i64 {
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ bytes.len() as u64;
    let mut step = |word: u64| {
        hash = (hash ^ word).wrapping_mul(PRIME);
        // The product alone never carries a high bit down.
        hash ^= hash >> 29;
    };
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        step(u64::from_le_bytes(chunk.try_into().expect("a chunk has eight bytes")));
    }
    for byte in chunks.remainder() {
        step(u64::from(*byte));
    }
    hash as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Json;
    use crate::history::{Detail, EventType, Field};

    #[test]
    fn a_record_comes_back_as_it_was_and_damage_is_noticed() {
        let events = vec![Event {
            event_type: EventType::PassStateEntered,
            id: 2,
            previous: 0,
            details: vec![
                (Field::Input, Detail::Data(Json::from(1_i64))),
                (Field::Name, Detail::text("First")),
            ],
        }];
        let now = 1_700_000_000_123;
        let bytes = Record::new(1, 1, now, &Command::Start, &events, 7).body;
        let stored = StoredRecord::decode(&bytes).unwrap();
        assert_eq!((stored.now, stored.command, stored.events), (now, Command::Start, events));
        assert_eq!(stored.pace, Pace::states(7));
        for index in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[index] ^= 0x10;
            assert!(StoredRecord::decode(&damaged).is_err());
            assert!(StoredRecord::decode(&bytes[..index]).is_err());
        }
    }
}
