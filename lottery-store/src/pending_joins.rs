//! Entries whose address is not confirmed yet. They are on no list, and gone after some minutes.
//!
//! The item is found by the hash of an id that only the person who enters has, and the code is stored as a hash over that id, so that
//! nobody who reads the table can try all codes.

use jiff::{SignedDuration, Timestamp};
use lottery::{Address, JoinCode, LotteryId, OwnWords, Participant, Tickets};

use crate::item::{Attributes, Item, NewItem, flag, number, text};
use crate::table::EXPIRES_AT;
use crate::transaction::Outcome;
use crate::write::Write;
use crate::{Store, StoreError, keys};

/// How long the count of messages to an address lasts, in seconds.
const HOUR: i64 = 3600;

/// Somebody who enters, before their address is confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingJoin {
    /// Who they say they are.
    pub participant: Participant,
    /// The answer to the lottery's question.
    pub answer: Option<OwnWords>,
    /// Whether they sent the venue's code.
    pub is_present: bool,
}

/// What came of giving a code back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JoinTry {
    /// It is the one that was sent.
    Right(Box<PendingJoin>),
    /// It is another; or there is no such entry, its time is over, or its tries are spent.
    Wrong,
}

impl PendingJoin {
    /// For how long the code counts.
    pub const LASTS: SignedDuration = SignedDuration::from_mins(10);
    /// How many codes may be given back for one entry.
    pub const TRIES: u32 = 5;

    fn from_item(item: &Item) -> Result<Self, StoreError> {
        let item = Attributes(item);
        let participant = Participant {
            participant_id: item.parse("participant_id")?,
            name: item.parse("name")?,
            phone: item.parse_optional("phone")?,
            email: item.parse_optional("email")?,
            group: item.parse_optional("group")?,
            tickets: Tickets::ONE,
            excluded: false,
        };
        let answer = item.parse_optional("answer")?;
        Ok(Self { participant, answer, is_present: item.optional_flag("is_present")? })
    }
}

fn hash_of(lottery_id: &LotteryId, join_id: &str, code: &JoinCode) -> String {
    keys::hash(&[lottery_id.as_str(), "code", join_id, code.as_str()])
}

impl Store {
    /// Keeps an entry until its address is confirmed, and returns the code to be sent there.
    pub async fn begin_join(
        &self,
        lottery_id: &LotteryId,
        join_id: &str,
        pending: &PendingJoin,
        now: Timestamp,
    ) -> Result<JoinCode, StoreError> {
        let code = JoinCode::from_random(rand::random());
        let Participant { participant_id, name, phone, email, group, .. } = &pending.participant;
        let item = NewItem::at(keys::pending_join(lottery_id, join_id))
            .with("participant_id", text(participant_id))
            .with("name", text(name))
            .with_some("phone", phone.as_ref().map(text))
            .with_some("email", email.as_ref().map(text))
            .with_some("group", group.as_ref().map(text))
            .with_some("answer", pending.answer.as_ref().map(text))
            .with("is_present", flag(pending.is_present))
            .with("code", text(hash_of(lottery_id, join_id, &code)))
            .with("tries", number(0))
            .with(EXPIRES_AT, number((now + PendingJoin::LASTS).as_second()));
        self.write(&Write::put(item)).await?;
        Ok(code)
    }

    /// Compares a code that is given back, and counts the try. The entry stays until its time is over, so that a repeated
    /// call gets the same response.
    pub async fn try_join(
        &self,
        lottery_id: &LotteryId,
        join_id: &str,
        code: &JoinCode,
        now: Timestamp,
    ) -> Result<JoinTry, StoreError> {
        let key = keys::pending_join(lottery_id, join_id);
        let count = Write::update(key.clone(), "SET tries = tries + :one")
            .only_if(format!("attribute_exists(pk) AND tries < :most AND {EXPIRES_AT} > :now"))
            .value(":one", number(1))
            .value(":most", number(PendingJoin::TRIES))
            .value(":now", number(now.as_second()))
            .silently();
        if let Outcome::Refused(_) = self.write(&count).await? {
            return Ok(JoinTry::Wrong);
        }
        let Some(item) = self.get(&key).await? else { return Ok(JoinTry::Wrong) };
        if Attributes(&item).text("code")? != hash_of(lottery_id, join_id, code) {
            return Ok(JoinTry::Wrong);
        }
        Ok(JoinTry::Right(Box::new(PendingJoin::from_item(&item)?)))
    }

    /// Counts a message that somebody asks to have sent to an address: at most `most` within an hour. `false` if this is one too
    /// many.
    pub async fn count_message(
        &self,
        lottery_id: &LotteryId,
        address: &Address,
        most: u32,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (key, now) = (keys::messages_to(lottery_id, address), now.as_second());
        let first = NewItem::at(key.clone()).with("messages", number(1)).with(EXPIRES_AT, number(now + HOUR));
        let begin = Write::put(first)
            .only_if(format!("attribute_not_exists(pk) OR {EXPIRES_AT} <= :now"))
            .value(":now", number(now))
            .silently();
        if let Outcome::Done = self.write(&begin).await? {
            return Ok(true);
        }
        let count = Write::update(key, "SET messages = messages + :one")
            .only_if("messages < :most")
            .value(":one", number(1))
            .value(":most", number(most))
            .silently();
        Ok(matches!(self.write(&count).await?, Outcome::Done))
    }
}
