//! The map of both tables: the keys of each kind of item.
//!
//! | item | table | pk | sk |
//! | --- | --- | --- | --- |
//! | lottery | Lottery | `LOTTERY#l` | `LOTTERY` |
//! | e-mail slots taken | Lottery | `LOTTERY#l` | `EMAIL_SLOTS` |
//! | last import | Lottery | `LOTTERY#l` | `IMPORT` |
//! | ids on the list of an import that replaces, hashed | Lottery | `LOTTERY#l#IMPORT#n` | `SEEN#random` |
//! | import of a list that is uploaded | Lottery | `LOTTERY#l#UPLOADS` | `UPLOAD#i` |
//! | what came of a batch of it | Lottery | `LOTTERY#l#UPLOAD#i` | `BATCH#nnnnnn` |
//! | repeating draw, with what came of its times | Lottery | `LOTTERY#l#REPEATS` | `REPEAT#i` |
//! | counts of the list, a sixteenth | Lottery | `LOTTERY#l#SUMMARY` | `COUNTS#ss` |
//! | groups that are counted by name | Lottery | `LOTTERY#l#SUMMARY` | `GROUPS` |
//! | list of lotteries | Lottery | `LOTTERIES` | `l` |
//! | participant | Lottery | `LOTTERY#l#POOL#x` | `label` |
//! | withdrawal by oneself or by the organiser | Lottery | `LOTTERY#l#WITHDRAWN#x` | `label` |
//! | past winner | Lottery | `LOTTERY#l#PAST_WINNERS` | `p#d` |
//! | draw | Lottery | `LOTTERY#l#DRAW#d` | `META` |
//! | seal of a draw: manifest, signature, chain | Lottery | `LOTTERY#l#DRAW#d` | `SEAL` |
//! | beacon round of a draw | Lottery | `LOTTERY#l#DRAW#d` | `ROUND` |
//! | how far the stage has shown a draw | Lottery | `LOTTERY#l#DRAW#d` | `STAGE` |
//! | winner or alternate | Lottery | `LOTTERY#l#DRAW#d` | `WINNER#rrrrr` |
//! | seat changes from a number on | Lottery | `LOTTERY#l#DRAW#d` | `CHANGES#nnnnn` |
//! | notification of a winner | Lottery | `LOTTERY#l#DRAW#d` | `NOTIFICATION#p#channel#won` |
//! | message to an entry, or to the organiser | Lottery | `LOTTERY#l#DRAW#d#TOLD#ss` | `p#channel#kind` |
//! | wait of a held draw's execution | Lottery | `LOTTERY#l#DRAW#d` | `RELEASE` |
//! | wait of an execution for claims | Lottery | `LOTTERY#l#DRAW#d` | `CLAIM_WAIT` |
//! | claim of a winner, or that there can be none any more | Lottery | `LOTTERY#l#DRAW#d` | `CLAIM#rrrrrrr` |
//! | draw of claim links | Lottery | `CLAIMS#hash` | `DRAW` |
//! | sealed chunk | Lottery | `LOTTERY#l#DRAW#d#CHUNK#attempt#nnnnnn` | `CHUNK` |
//! | time stamps of the commitment | Lottery | `LOTTERY#l#DRAW#d` | `WITNESSES` |
//! | index of the chunks | Lottery | `LOTTERY#l#DRAW#d#INDEX#attempt` | `nnnnnn` |
//! | attempt to seal that may have left chunks | Lottery | `SEAL_ATTEMPTS` | `l#d#attempt` |
//! | list of draws | Lottery | `LOTTERY#l#DRAWS` | `milliseconds#d` |
//! | draw that has not ended | Lottery | `UNFINISHED_DRAWS` | `l#d` |
//! | last draw of an operator's lane | Lottery | `OPERATOR` | `LANE#nn` |
//! | idempotency | Lottery | `IDEMPOTENCY#hash` | `IDEMPOTENCY` |
//! | contact | Contacts | `LOTTERY#l#SHARD#ss` | `PARTICIPANT#p` |
//! | key of the fingerprints | Contacts | `LOTTERY#l` | `FINGERPRINT_KEY` |
//! | addresses of the organiser | Contacts | `LOTTERY#l` | `ORGANISER` |
//! | webhook, with its secrets | Contacts | `LOTTERY#l` | `WEBHOOK` |
//! | delivery of an event to the webhook | Contacts | `LOTTERY#l#WEBHOOK` | `event id` |
//! | contact as it was before the last import | Contacts | `LOTTERY#l#JOURNAL#ss` | `PARTICIPANT#p` |
//! | address taken | Contacts | `LOTTERY#l#ADDRESS#hash` | `ADDRESS` |
//! | messages to an address within an hour | Contacts | `LOTTERY#l#ADDRESS#hash` | `MESSAGES` |
//! | entry whose address is not confirmed | Contacts | `LOTTERY#l#JOIN#hash` | `JOIN` |
//!
//! No id holds a `#`, so no two keys are equal. Contacts are spread over 16 shards, and chunks over as many
//! partitions as there are chunks, because a partition takes 1,000 writes a second. What a draw reads of a
//! participant is kept under the label, by its first digit `x`: labels are random, so that the sixteen
//! partitions fill evenly, and one after the other they are the pool in the order in which it is sealed.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use lottery::claim::ClaimId;
use lottery::joining::mailbox_of;
use lottery::{
    Address, Channel, DrawId, EmailAddress, Label, LotteryId, ParticipantId, PhoneNumber, RepeatId,
};
use sha2::{Digest, Sha256};

use crate::store::Table;
use crate::{NotificationKind, UploadId};

/// The number of partitions over which a lottery's contacts are spread.
pub(crate) const SHARDS: u8 = 16;
/// The digits that a label may begin with, in their order: the partitions of the pool.
pub(crate) const POOL_DIGITS: &str = "0123456789abcdef";

/// The number of chunks that one item of their index covers, which is some 200 KB.
pub(crate) const CHUNKS_PER_INDEX: usize = 4096;

/// The name of the partition key in both tables.
pub(crate) const PK: &str = "pk";
/// The name of the sort key in both tables.
pub(crate) const SK: &str = "sk";

/// The key of one item, with its table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) table: Table,
    pub(crate) pk: String,
    pub(crate) sk: String,
}

impl Key {
    fn lottery(pk: String, sk: impl Into<String>) -> Self {
        Self { table: Table::Lottery, pk, sk: sk.into() }
    }

    fn contacts(pk: String, sk: impl Into<String>) -> Self {
        Self { table: Table::Contacts, pk, sk: sk.into() }
    }

    /// The key as the SDK takes it.
    pub(crate) fn attributes(&self) -> HashMap<String, AttributeValue> {
        self.clone().into_attributes()
    }

    /// The key as the SDK takes it.
    pub(crate) fn into_attributes(self) -> HashMap<String, AttributeValue> {
        HashMap::from([
            (PK.to_owned(), AttributeValue::S(self.pk)),
            (SK.to_owned(), AttributeValue::S(self.sk)),
        ])
    }
}

/// Items that are read together: one partition, and what their sort keys begin with.
#[derive(Debug, Clone)]
pub(crate) struct Range {
    pub(crate) table: Table,
    pub(crate) pk: String,
    pub(crate) prefix: &'static str,
}

pub(crate) const PARTICIPANT: &str = "PARTICIPANT#";
pub(crate) const COUNTS: &str = "COUNTS#";
pub(crate) const GROUPS: &str = "GROUPS";
const LANE: &str = "LANE#";
pub(crate) const WINNER: &str = "WINNER#";
pub(crate) const NOTIFICATION: &str = "NOTIFICATION#";
pub(crate) const CHANGES: &str = "CHANGES#";
pub(crate) const CLAIM: &str = "CLAIM#";

pub(crate) fn lottery(lottery_id: &LotteryId) -> Key {
    Key::lottery(format!("LOTTERY#{lottery_id}"), "LOTTERY")
}

pub(crate) fn email_slots(lottery_id: &LotteryId) -> Key {
    Key::lottery(format!("LOTTERY#{lottery_id}"), "EMAIL_SLOTS")
}

/// The last import of a lottery.
pub(crate) fn import(lottery_id: &LotteryId) -> Key {
    Key::lottery(format!("LOTTERY#{lottery_id}"), "IMPORT")
}

/// Some of the ids on the list of an import.
pub(crate) fn seen(lottery_id: &LotteryId, import: u64, random: u64) -> Key {
    Key::lottery(seen_of(lottery_id, import).pk, format!("SEEN#{random:016x}"))
}

pub(crate) fn seen_of(lottery_id: &LotteryId, import: u64) -> Range {
    let pk = format!("LOTTERY#{lottery_id}#IMPORT#{import}");
    Range { table: Table::Lottery, pk, prefix: "SEEN#" }
}

/// The import of an uploaded list.
pub(crate) fn upload(lottery_id: &LotteryId, upload_id: &UploadId) -> Key {
    Key::lottery(uploads(lottery_id).pk, format!("UPLOAD#{upload_id}"))
}

pub(crate) fn uploads(lottery_id: &LotteryId) -> Range {
    Range { table: Table::Lottery, pk: format!("LOTTERY#{lottery_id}#UPLOADS"), prefix: "UPLOAD#" }
}

/// What came of a batch of an uploaded list.
pub(crate) fn upload_batch(lottery_id: &LotteryId, upload_id: &UploadId, batch: u32) -> Key {
    Key::lottery(upload_batches(lottery_id, upload_id).pk, format!("BATCH#{batch:06}"))
}

pub(crate) fn upload_batches(lottery_id: &LotteryId, upload_id: &UploadId) -> Range {
    let pk = format!("LOTTERY#{lottery_id}#UPLOAD#{upload_id}");
    Range { table: Table::Lottery, pk, prefix: "BATCH#" }
}

/// A repeating draw.
pub(crate) fn repeat(lottery_id: &LotteryId, repeat_id: &RepeatId) -> Key {
    Key::lottery(repeats(lottery_id).pk, format!("REPEAT#{repeat_id}"))
}

pub(crate) fn repeats(lottery_id: &LotteryId) -> Range {
    Range { table: Table::Lottery, pk: format!("LOTTERY#{lottery_id}#REPEATS"), prefix: "REPEAT#" }
}

/// A part of the counts of a lottery's list: as many parts as shards, so that imports do not wait for each other.
pub(crate) fn counts(lottery_id: &LotteryId, part: u8) -> Key {
    Key::lottery(summary(lottery_id).pk, format!("{COUNTS}{part:02}"))
}

/// The groups that are counted by name.
pub(crate) fn groups(lottery_id: &LotteryId) -> Key {
    Key::lottery(summary(lottery_id).pk, GROUPS)
}

/// All counts of a lottery's list, and the groups.
pub(crate) fn summary(lottery_id: &LotteryId) -> Range {
    Range { table: Table::Lottery, pk: format!("LOTTERY#{lottery_id}#SUMMARY"), prefix: "" }
}

/// The last draw of a lane of the operator.
pub(crate) fn lane(lane: u8) -> Key {
    Key::lottery(lanes().pk, format!("{LANE}{lane:02}"))
}

pub(crate) fn lanes() -> Range {
    Range { table: Table::Lottery, pk: "OPERATOR".to_owned(), prefix: LANE }
}

/// The key of a lottery's fingerprints.
pub(crate) fn fingerprint_key(lottery_id: &LotteryId) -> Key {
    Key::contacts(format!("LOTTERY#{lottery_id}"), "FINGERPRINT_KEY")
}

/// The organiser's own addresses.
pub(crate) fn organiser(lottery_id: &LotteryId) -> Key {
    Key::contacts(format!("LOTTERY#{lottery_id}"), "ORGANISER")
}

/// The webhook of a lottery.
pub(crate) fn webhook(lottery_id: &LotteryId) -> Key {
    Key::contacts(format!("LOTTERY#{lottery_id}"), "WEBHOOK")
}

/// What became of an event that a webhook was to hear of.
pub(crate) fn webhook_delivery(lottery_id: &LotteryId, event_id: &str) -> Key {
    Key::contacts(webhook_deliveries(lottery_id).pk, event_id)
}

pub(crate) fn webhook_deliveries(lottery_id: &LotteryId) -> Range {
    Range { table: Table::Contacts, pk: format!("LOTTERY#{lottery_id}#WEBHOOK"), prefix: "" }
}

pub(crate) fn lottery_listing(lottery_id: &LotteryId) -> Key {
    Key::lottery(lotteries().pk, lottery_id.as_str())
}

pub(crate) fn lotteries() -> Range {
    Range { table: Table::Lottery, pk: "LOTTERIES".to_owned(), prefix: "" }
}

/// The shard that holds a participant: by hash, so that consecutive ids spread.
pub(crate) fn shard(participant_id: &ParticipantId) -> u8 {
    Sha256::digest(participant_id.as_str())[0] % SHARDS
}

fn shard_pk(lottery_id: &LotteryId, shard: u8) -> String {
    format!("LOTTERY#{lottery_id}#SHARD#{shard:02}")
}

pub(crate) fn participant(lottery_id: &LotteryId, label: &Label) -> Key {
    let digit = &label.as_str()[..1];
    Key::lottery(format!("LOTTERY#{lottery_id}#POOL#{digit}"), label.as_str())
}

/// The time at which the participant with this label withdrew.
pub(crate) fn withdrawn(lottery_id: &LotteryId, label: &Label) -> Key {
    let digit = &label.as_str()[..1];
    Key::lottery(format!("LOTTERY#{lottery_id}#WITHDRAWN#{digit}"), label.as_str())
}

/// The participants whose labels begin with this digit, by label.
pub(crate) fn pool(lottery_id: &LotteryId, digit: char) -> Range {
    Range { table: Table::Lottery, pk: format!("LOTTERY#{lottery_id}#POOL#{digit}"), prefix: "" }
}

pub(crate) fn contact(lottery_id: &LotteryId, participant_id: &ParticipantId) -> Key {
    Key::contacts(shard_pk(lottery_id, shard(participant_id)), format!("{PARTICIPANT}{participant_id}"))
}

pub(crate) fn contacts(lottery_id: &LotteryId, shard: u8) -> Range {
    Range { table: Table::Contacts, pk: shard_pk(lottery_id, shard), prefix: PARTICIPANT }
}

fn journal_pk(lottery_id: &LotteryId, shard: u8) -> String {
    format!("LOTTERY#{lottery_id}#JOURNAL#{shard:02}")
}

/// A contact as it was before the last import.
pub(crate) fn journal(lottery_id: &LotteryId, participant_id: &ParticipantId) -> Key {
    Key::contacts(journal_pk(lottery_id, shard(participant_id)), format!("{PARTICIPANT}{participant_id}"))
}

pub(crate) fn journals(lottery_id: &LotteryId, shard: u8) -> Range {
    Range { table: Table::Contacts, pk: journal_pk(lottery_id, shard), prefix: PARTICIPANT }
}

pub(crate) fn phone(lottery_id: &LotteryId, phone: &PhoneNumber) -> Key {
    address(lottery_id, "phone", phone.as_str())
}

pub(crate) fn email(lottery_id: &LotteryId, email: &EmailAddress) -> Key {
    address(lottery_id, "email", &email.mailbox())
}

/// A mailbox, which several addresses reach.
pub(crate) fn mailbox(lottery_id: &LotteryId, mailbox: &str) -> Key {
    address(lottery_id, "mailbox", mailbox)
}

/// Addresses are hashed, so that a key in an error or a metric does not reveal one.
fn address(lottery_id: &LotteryId, kind: &str, address: &str) -> Key {
    let hash = hash(&[lottery_id.as_str(), kind, address]);
    Key::contacts(format!("LOTTERY#{lottery_id}#ADDRESS#{hash}"), "ADDRESS")
}

/// How many messages somebody has had sent to an address within an hour. Aliases of one mailbox count together.
pub(crate) fn messages_to(lottery_id: &LotteryId, to: &Address) -> Key {
    let key = match to {
        Address::Phone(number) => phone(lottery_id, number),
        Address::Email(address) => mailbox(lottery_id, &mailbox_of(address)),
    };
    Key { sk: "MESSAGES".to_owned(), ..key }
}

/// An entry whose address is not confirmed, by the hash of the id that only the person who enters has.
pub(crate) fn pending_join(lottery_id: &LotteryId, join_id: &str) -> Key {
    let hash = hash(&[lottery_id.as_str(), "join", join_id]);
    Key::contacts(format!("LOTTERY#{lottery_id}#JOIN#{hash}"), "JOIN")
}

/// Written before the draw's winners are official, so it counts only if the draw says that they are.
pub(crate) fn past_winner(lottery_id: &LotteryId, participant_id: &ParticipantId, draw_id: &DrawId) -> Key {
    Key::lottery(past_winners(lottery_id).pk, format!("{participant_id}#{draw_id}"))
}

pub(crate) fn past_winners(lottery_id: &LotteryId) -> Range {
    Range { table: Table::Lottery, pk: format!("LOTTERY#{lottery_id}#PAST_WINNERS"), prefix: "" }
}

fn draw_pk(lottery_id: &LotteryId, draw_id: &DrawId) -> String {
    format!("LOTTERY#{lottery_id}#DRAW#{draw_id}")
}

pub(crate) fn draw(lottery_id: &LotteryId, draw_id: &DrawId) -> Key {
    Key::lottery(draw_pk(lottery_id, draw_id), "META")
}

pub(crate) fn seal(lottery_id: &LotteryId, draw_id: &DrawId) -> Key {
    Key::lottery(draw_pk(lottery_id, draw_id), "SEAL")
}

pub(crate) fn round(lottery_id: &LotteryId, draw_id: &DrawId) -> Key {
    Key::lottery(draw_pk(lottery_id, draw_id), "ROUND")
}

pub(crate) fn stage(lottery_id: &LotteryId, draw_id: &DrawId) -> Key {
    Key::lottery(draw_pk(lottery_id, draw_id), "STAGE")
}

/// The state of the execution of a held draw, with its task token.
pub(crate) fn release_wait(lottery_id: &LotteryId, draw_id: &DrawId) -> Key {
    Key::lottery(draw_pk(lottery_id, draw_id), "RELEASE")
}

/// The state of the execution of a draw that waits for claims, with its task token.
pub(crate) fn claim_wait(lottery_id: &LotteryId, draw_id: &DrawId) -> Key {
    Key::lottery(draw_pk(lottery_id, draw_id), "CLAIM_WAIT")
}

/// The draw of a claim link.
pub(crate) fn claim_link(claim_id: &ClaimId) -> Key {
    Key::lottery(format!("CLAIMS#{claim_id}"), "DRAW")
}

/// What became of the claim of a rank: there is none as long as the winner has neither claimed nor left.
pub(crate) fn claim(lottery_id: &LotteryId, draw_id: &DrawId, rank: u32) -> Key {
    Key::lottery(draw_pk(lottery_id, draw_id), format!("{CLAIM}{rank:07}"))
}

pub(crate) fn claims(lottery_id: &LotteryId, draw_id: &DrawId) -> Range {
    Range { table: Table::Lottery, pk: draw_pk(lottery_id, draw_id), prefix: CLAIM }
}

/// The time stamps of a draw's commitment.
pub(crate) fn witnesses(lottery_id: &LotteryId, draw_id: &DrawId) -> Key {
    Key::lottery(draw_pk(lottery_id, draw_id), "WITNESSES")
}

pub(crate) fn winner(lottery_id: &LotteryId, draw_id: &DrawId, rank: u32) -> Key {
    Key::lottery(draw_pk(lottery_id, draw_id), format!("{WINNER}{rank:05}"))
}

pub(crate) fn winners(lottery_id: &LotteryId, draw_id: &DrawId) -> Range {
    Range { table: Table::Lottery, pk: draw_pk(lottery_id, draw_id), prefix: WINNER }
}

/// The seat changes of a draw from this number on.
pub(crate) fn seat_changes_from(lottery_id: &LotteryId, draw_id: &DrawId, number: u32) -> Key {
    Key::lottery(draw_pk(lottery_id, draw_id), format!("{CHANGES}{number:05}"))
}

pub(crate) fn seat_changes(lottery_id: &LotteryId, draw_id: &DrawId) -> Range {
    Range { table: Table::Lottery, pk: draw_pk(lottery_id, draw_id), prefix: CHANGES }
}

pub(crate) fn notification(
    lottery_id: &LotteryId,
    draw_id: &DrawId,
    participant_id: &ParticipantId,
    channel: Channel,
    kind: NotificationKind,
) -> Key {
    let sk = format!("{participant_id}#{channel}#{}", kind.as_str());
    match kind {
        NotificationKind::Won => Key::lottery(draw_pk(lottery_id, draw_id), format!("{NOTIFICATION}{sk}")),
        // Apart, and spread: there may be one for each entry, and nobody reads them all.
        NotificationKind::Commitment
        | NotificationKind::NotWon
        | NotificationKind::Summary
        | NotificationKind::Sample => {
            let shard = shard(participant_id);
            Key::lottery(format!("{}#TOLD#{shard:02}", draw_pk(lottery_id, draw_id)), sk)
        }
    }
}

pub(crate) fn notifications(lottery_id: &LotteryId, draw_id: &DrawId) -> Range {
    Range { table: Table::Lottery, pk: draw_pk(lottery_id, draw_id), prefix: NOTIFICATION }
}

pub(crate) fn chunk(lottery_id: &LotteryId, draw_id: &DrawId, attempt: &str, number: u32) -> Key {
    Key::lottery(format!("{}#CHUNK#{attempt}#{number:06}", draw_pk(lottery_id, draw_id)), "CHUNK")
}

pub(crate) fn chunk_index(lottery_id: &LotteryId, draw_id: &DrawId, attempt: &str, part: usize) -> Key {
    Key::lottery(format!("{}#INDEX#{attempt}", draw_pk(lottery_id, draw_id)), format!("{part:06}"))
}

/// The items of the index over `chunks` chunks.
pub(crate) fn chunk_indexes(
    lottery_id: &LotteryId,
    draw_id: &DrawId,
    attempt: &str,
    chunks: u32,
) -> impl Iterator<Item = Key> {
    let parts = (chunks as usize).div_ceil(CHUNKS_PER_INDEX);
    (0..parts).map(move |part| chunk_index(lottery_id, draw_id, attempt, part))
}

pub(crate) fn seal_attempt(lottery_id: &LotteryId, draw_id: &DrawId, attempt: &str) -> Key {
    Key::lottery(seal_attempts().pk, format!("{lottery_id}#{draw_id}#{attempt}"))
}

pub(crate) fn seal_attempts() -> Range {
    Range { table: Table::Lottery, pk: "SEAL_ATTEMPTS".to_owned(), prefix: "" }
}

/// Sorts by time of creation.
pub(crate) fn draw_listing(lottery_id: &LotteryId, draw_id: &DrawId, created_at: Timestamp) -> Key {
    let milliseconds = created_at.as_millisecond().max(0);
    Key::lottery(draws(lottery_id).pk, format!("{milliseconds:015}#{draw_id}"))
}

pub(crate) fn draws(lottery_id: &LotteryId) -> Range {
    Range { table: Table::Lottery, pk: format!("LOTTERY#{lottery_id}#DRAWS"), prefix: "" }
}

pub(crate) fn unfinished_draw(lottery_id: &LotteryId, draw_id: &DrawId) -> Key {
    Key::lottery(unfinished_draws().pk, format!("{lottery_id}#{draw_id}"))
}

pub(crate) fn unfinished_draws() -> Range {
    Range { table: Table::Lottery, pk: "UNFINISHED_DRAWS".to_owned(), prefix: "" }
}

/// Caller, route and key come from outside in any length: the hash is short and has no `#`.
pub(crate) fn idempotency(scope: &str, key: &str) -> Key {
    Key::lottery(format!("IDEMPOTENCY#{}", hash(&[scope, key])), "IDEMPOTENCY")
}

/// SHA-256 over parts, each with its length before it, so that no two lists of parts have the same hash.
pub(crate) fn hash(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    lottery::hex(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_is_one_address_in_any_case() {
        let lottery_id = LotteryId::parse("party").unwrap();
        let [lower, upper] =
            ["rose@example.com", "Rose@Example.com"].map(|text| EmailAddress::parse(text).unwrap());
        assert_eq!(email(&lottery_id, &lower), email(&lottery_id, &upper));
        let gala = LotteryId::parse("gala").unwrap();
        assert_ne!(email(&lottery_id, &lower), email(&gala, &lower));
    }

    #[test]
    fn idempotency_keys_that_only_join_alike_differ() {
        assert_ne!(idempotency("ab", "c"), idempotency("a", "bc"));
    }

    #[test]
    fn draws_sort_by_the_time_of_their_creation() {
        let lottery_id = LotteryId::parse("party").unwrap();
        let listing = |draw_id: &str, second: i64| {
            let created_at = Timestamp::from_second(second).unwrap();
            draw_listing(&lottery_id, &DrawId::parse(draw_id).unwrap(), created_at).sk
        };
        assert!(listing("z", 999_999_999) < listing("a", 1_000_000_000));
    }

    #[test]
    fn the_pools_partitions_one_after_the_other_are_in_the_order_of_labels() {
        let lottery_id = LotteryId::parse("party").unwrap();
        let mut labels: Vec<_> = (0..=255).map(|byte| Label::from_random([byte; 16])).collect();
        labels.sort_unstable();
        let partitions: Vec<_> = labels.iter().map(|label| participant(&lottery_id, label).pk).collect();
        assert!(partitions.is_sorted());
        let pools: Vec<_> = POOL_DIGITS.chars().map(|digit| pool(&lottery_id, digit).pk).collect();
        assert!(pools.is_sorted() && partitions.iter().all(|partition| pools.contains(partition)));
    }

    #[test]
    fn consecutive_participants_reach_every_shard() {
        let shards: std::collections::HashSet<u8> =
            (0..200).map(|n| shard(&ParticipantId::parse(&format!("{n:03}")).unwrap())).collect();
        assert_eq!(shards.len(), usize::from(SHARDS));
    }
}
