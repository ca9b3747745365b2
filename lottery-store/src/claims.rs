//! The claims of a draw's winners, and the draws of claim links.
//!
//! What became of a claim is an item of its own for each rank, which is written once by the first to come: the winner who
//! claims, or the transaction that passes the seat on. So of a claim and a forfeiture at the same time exactly one happens.
//! How many have claimed is counted on the draw's item, for those who watch and for the execution that waits; the items
//! decide.

use std::collections::HashMap;

use jiff::Timestamp;
use lottery::claim::{ClaimId, ClaimKey, ClaimToken};
use lottery::fingerprint::FingerprintKey;
use lottery::{ClaimRound, Claims, Draw, DrawId, LotteryId};

use crate::item::{Attributes, Item, NewItem, flag, json, number, text};
use crate::release::{ReleaseWait, Visit};
use crate::store::Table;
use crate::transaction::Outcome;
use crate::winners::Winner;
use crate::write::Write;
use crate::{Store, StoreError, keys};

/// What came of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// It is claimed, by this call or before.
    Done {
        /// When.
        at: Timestamp,
        /// Whether by this call.
        newly: bool,
    },
    /// The seat was passed on.
    Left,
}

/// The attributes of the claims on a draw's item.
pub(crate) fn with_claims(item: NewItem, claims: Option<&Claims>) -> NewItem {
    item.with_some("claim_within_seconds", claims.map(|claims| number(claims.within_seconds)))
}

/// The claims of a draw's item.
pub(crate) fn claims(item: Attributes<'_>) -> Result<Option<Claims>, StoreError> {
    let Some(within_seconds) = item.optional_number("claim_within_seconds")? else { return Ok(None) };
    // Below zero for a moment, if a winner who was counted late is replaced meanwhile.
    let claimed = item.optional_number::<i64>("claimed")?.unwrap_or(0);
    Ok(Some(Claims {
        within_seconds,
        claimed: u32::try_from(claimed.max(0)).unwrap_or(u32::MAX),
        rounds: item.optional_json("claim_rounds")?.unwrap_or_default(),
    }))
}

/// Adds to winners what these items say of their claims.
pub(crate) fn add_claims(winners: &mut [Winner], items: &[Item]) -> Result<(), StoreError> {
    let mut claimed = HashMap::with_capacity(items.len());
    for item in items {
        let item = Attributes(item);
        if let Some(at) = item.parse_optional::<Timestamp>("claimed_at")? {
            claimed.insert(item.number::<u32>("rank")?, at);
        }
    }
    for winner in winners {
        winner.claimed_at = claimed.get(&winner.rank).copied();
    }
    Ok(())
}

/// The part of a transaction that lets nobody claim this rank any more: what was found of its claim must not have changed.
pub(crate) fn end_claim(draw: &Draw, rank: u32, claimed_at: Option<Timestamp>) -> Write {
    let key = keys::claim(&draw.lottery_id, &draw.draw_id, rank);
    match claimed_at {
        None => Write::create(NewItem::at(key).with("rank", number(rank)).with("has_left", flag(true))),
        Some(at) => Write::update(key, "SET has_left = :left")
            .only_if("claimed_at = :at AND attribute_not_exists(has_left)")
            .value(":left", flag(true))
            .value(":at", text(at)),
    }
}

impl Store {
    /// The key of a lottery's claim links; none if the lottery has no secret yet.
    pub async fn claim_key(&self, lottery_id: &LotteryId) -> Result<Option<ClaimKey>, StoreError> {
        // As contacts are read, so that a reader of those needs no further permission.
        let keys = [keys::fingerprint_key(lottery_id)];
        let item = self.get_many(Table::Contacts, &keys).await?.pop();
        let secret = item.map(|item| Attributes(&item).bytes32("key")).transpose()?;
        Ok(secret.map(|secret| ClaimKey::of(&FingerprintKey::from_random(secret))))
    }

    /// Sees to it that a lottery has a key for claim links.
    pub async fn prepare_claims(&self, lottery_id: &LotteryId) -> Result<(), StoreError> {
        self.fingerprint_key(lottery_id).await.map(|_| ())
    }

    /// Makes a draw findable by its claim links.
    pub async fn publish_claim_links(&self, draw: &Draw) -> Result<(), StoreError> {
        let Draw { lottery_id, draw_id, .. } = draw;
        let item = NewItem::at(keys::claim_link(&ClaimId::of(lottery_id, draw_id)))
            .with("lottery_id", text(lottery_id))
            .with("draw_id", text(draw_id));
        let write = Write::put(item)
            .only_if("attribute_not_exists(pk) OR (lottery_id = :lottery_id AND draw_id = :draw_id)")
            .value(":lottery_id", text(lottery_id))
            .value(":draw_id", text(draw_id))
            .silently();
        match self.write(&write).await? {
            Outcome::Done => Ok(()),
            // Two draws with one hash of 64 bits.
            Outcome::Refused(_) => Err(StoreError::Broken(format!("the claim links of draw {draw_id}"))),
        }
    }

    /// The draw of a token that was made for it; none if the token was made for none. A token that is invented costs the same
    /// reads as one that was made.
    pub async fn draw_of_claim(&self, token: &ClaimToken) -> Result<Option<(LotteryId, DrawId)>, StoreError> {
        let found = self.get(&keys::claim_link(&token.claim_id)).await?;
        let ids = match &found {
            Some(item) => {
                let item = Attributes(item);
                Some((item.parse::<LotteryId>("lottery_id")?, item.parse::<DrawId>("draw_id")?))
            }
            None => None,
        };
        let nobody = || LotteryId::parse("none").ok().zip(DrawId::parse("none").ok());
        let Some((lottery_id, draw_id)) = ids.clone().or_else(nobody) else { return Ok(None) };
        let key = self.claim_key(&lottery_id).await?;
        let key = key.unwrap_or_else(|| ClaimKey::of(&FingerprintKey::from_random([0; 32])));
        let is_made = key.made(token, &lottery_id, &draw_id);
        Ok(ids.filter(|_| is_made))
    }

    /// Claims the prize of a winner who has a seat. Whether there is still time, the caller knows.
    pub async fn claim_prize(&self, draw: &Draw, rank: u32, now: Timestamp) -> Result<Claimed, StoreError> {
        let Draw { lottery_id, draw_id, .. } = draw;
        let claim = NewItem::at(keys::claim(lottery_id, draw_id, rank))
            .with("rank", number(rank))
            .with("claimed_at", text(now));
        if let Outcome::Refused(refusals) = self.write(&Write::create(claim)).await? {
            let found = refusals.item(0).map(Attributes);
            let found = found.ok_or_else(|| StoreError::Broken(format!("claim of draw {draw_id}")))?;
            match found.parse_optional("claimed_at")? {
                _ if found.optional_flag("has_left")? => return Ok(Claimed::Left),
                None => return Ok(Claimed::Left),
                // Written by this call, whose answer was lost and which was repeated.
                Some(at) if at == now => {}
                Some(at) => return Ok(Claimed::Done { at, newly: false }),
            }
        }
        let count = Write::update(keys::draw(lottery_id, draw_id), "ADD claimed :one")
            .only_if("attribute_exists(pk)")
            .value(":one", number(1))
            .silently();
        self.write(&count).await?;
        Ok(Claimed::Done { at: now, newly: true })
    }

    /// When this rank claimed its prize.
    pub(crate) async fn claim_of(&self, draw: &Draw, rank: u32) -> Result<Option<Timestamp>, StoreError> {
        let Some(item) = self.get(&keys::claim(&draw.lottery_id, &draw.draw_id, rank)).await? else {
            return Ok(None);
        };
        Attributes(&item).parse_optional("claimed_at")
    }

    /// Counts the claims anew, unless one was counted since the draw was read.
    pub async fn recount_claims(&self, draw: &Draw, claimed: u32) -> Result<(), StoreError> {
        let Some(claims) = draw.asks_to_claim().filter(|claims| claims.claimed != claimed) else {
            return Ok(());
        };
        let unchanged = match claims.claimed {
            0 => "attribute_not_exists(claimed) OR claimed <= :seen",
            _ => "claimed = :seen",
        };
        let write = Write::update(keys::draw(&draw.lottery_id, &draw.draw_id), "SET claimed = :claimed")
            .only_if(format!("attribute_exists(pk) AND ({unchanged})"))
            .value(":claimed", number(claimed))
            .value(":seen", number(claims.claimed))
            .silently();
        self.write(&write).await.map(|_| ())
    }

    /// Opens a round of claims for those who have seats now and were in no earlier one, and returns the draw with it; none if
    /// the draw has changed since it was read.
    pub async fn open_claim_round(&self, draw: &Draw, now: Timestamp) -> Result<Option<Draw>, StoreError> {
        let mut after = draw.clone();
        let Some(claims) = &mut after.claims else { return Ok(None) };
        let passed_on = u32::try_from(draw.passed_on.len()).unwrap_or(u32::MAX);
        claims.rounds.push(ClaimRound { passed_on, opened_at: now });
        let mut write =
            Write::update(keys::draw(&draw.lottery_id, &draw.draw_id), "SET claim_rounds = :rounds")
                .value(":rounds", json(&claims.rounds))
                .name("#status", "status")
                .value(":status", text(draw.status))
                .silently();
        let mut conditions = vec!["#status = :status AND attribute_not_exists(closed_at)".to_owned()];
        let before = draw.claims.as_ref().map_or(&[][..], |claims| &claims.rounds);
        match before {
            [] => conditions.push("attribute_not_exists(claim_rounds)".to_owned()),
            before => {
                conditions.push("claim_rounds = :before".to_owned());
                write = write.value(":before", json(&before));
            }
        }
        match draw.reopened {
            0 => conditions.push("attribute_not_exists(reopened)".to_owned()),
            reopened => {
                conditions.push("reopened = :reopened".to_owned());
                write = write.value(":reopened", number(reopened));
            }
        }
        match self.write(&write.only_if(conditions.join(" AND "))).await? {
            Outcome::Done => Ok(Some(after)),
            Outcome::Refused(_) => Ok(None),
        }
    }

    /// The state of the execution of a draw that waits for claims; none before its first look.
    pub async fn claim_wait(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
    ) -> Result<Option<ReleaseWait>, StoreError> {
        self.wait_at(&keys::claim_wait(lottery_id, draw_id)).await
    }

    /// Records the state of the execution of a draw that waits for claims, unless a later visit has noted something.
    pub async fn note_claim_wait(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        visit: Visit,
        wait: &ReleaseWait,
    ) -> Result<(), StoreError> {
        self.note_wait(keys::claim_wait(lottery_id, draw_id), visit, wait).await
    }
}
