//! Taking the last import back, as long as no draw was sealed since it began.
//!
//! First the participants that the import added are withdrawn, which frees their addresses; then those that it changed or
//! withdrew are restored. Participants that were changed since are left as they are. The work is done in steps, each of
//! which fits into one request; an interrupted undo starts again from the beginning, and finds what is left.

use jiff::Timestamp;
use lottery::{DrawId, EmailAddress, Label, Lottery, LotteryId, ParticipantId};

use super::changes::take_address;
use super::counts::Delta;
use super::import::{Import, ImportState};
use super::journal::Before;
use super::withdraw::Leaving;
use super::{PAGE, StoredContact};
use crate::item::number;
use crate::keys::{self, PARTICIPANT, SHARDS};
use crate::read::Order;
use crate::transaction::Outcome;
use crate::write::Write;
use crate::{Store, StoreError};

/// How often somebody whom others change too is read anew.
const ATTEMPTS: u32 = 8;
/// People who are put back in one step: each is a transaction of its own.
const RESTORED_IN_STEP: usize = 100;

/// What came of a step of taking an import back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UndoImport {
    /// It was made.
    Step(UndoStep),
    /// There is nothing to take back: the import is not the last one, was taken back, or is older than a week.
    Nothing,
    /// A draw was sealed since the import began: its entries hold what was imported.
    Sealed,
    /// This draw holds the lottery.
    Drawing(DrawId),
}

/// What one step did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UndoStep {
    /// People whom the import had brought in, and who have gone.
    pub withdrawn: u64,
    /// People whom the import had changed or withdrawn, and who are as they were.
    pub restored: u64,
    /// People who stay as they are now: somebody has changed them since, or has their address.
    pub kept: u64,
    /// Subscriptions of addresses that are no longer on the list; the caller ends them.
    pub ended: Vec<String>,
    /// Addresses that are on the list again and have no subscription; the caller subscribes them.
    pub resubscribe: Vec<Resubscribe>,
    /// What to ask the next step with; nothing if the import is taken back.
    pub next: Option<String>,
}

/// An address that is on the list again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resubscribe {
    /// Whose it is.
    pub participant_id: ParticipantId,
    /// The address.
    pub email: EmailAddress,
    /// The person's label.
    pub label: Label,
}

/// Where the next step begins.
struct Position {
    phase: Phase,
    shard: u8,
    behind: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The participants that the import added are withdrawn.
    Withdraw,
    /// Who it changed or withdrew is put back.
    Restore(Pass),
}

/// What has happened since the first of the people to be put back was looked at.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Pass {
    /// Some were put back, so that addresses may be free now that were not.
    has_restored: bool,
    /// The address of some was somebody else's.
    has_blocked: bool,
}

enum Restored {
    Back {
        ended: Option<String>,
        resubscribe: Option<Resubscribe>,
    },
    /// Somebody else has changed them since.
    Kept,
    /// Their address is somebody else's.
    Blocked,
    /// The lottery is not free any more, or the import not the last.
    Stopped,
}

impl Import {
    /// Whether it can be taken back now, if it is the last one of this lottery.
    pub fn can_be_undone(&self, lottery: &Lottery, now: Timestamp) -> bool {
        let is_kept = now.as_second() < self.begun_at.as_second() + super::journal::RETENTION_SECONDS;
        is_kept
            && self.state != ImportState::Undone
            && lottery.open_draw.is_none()
            && lottery.next_sequence == self.sequence
    }
}

impl Store {
    /// Takes an import back that is the last of its lottery, step by step: the first without a cursor, each further one with
    /// what the one before gave as [`next`](UndoStep::next).
    pub async fn undo_import(
        &self,
        lottery_id: &LotteryId,
        number: u64,
        cursor: Option<&str>,
        now: Timestamp,
    ) -> Result<UndoImport, StoreError> {
        let position = match cursor {
            None => Position { phase: Phase::Withdraw, shard: 0, behind: None },
            Some(cursor) => Position::parse(cursor).ok_or(StoreError::InvalidCursor)?,
        };
        let (Some(lottery), Some(import)) =
            (self.lottery(lottery_id).await?, self.last_import(lottery_id).await?)
        else {
            return Ok(UndoImport::Nothing);
        };
        if import.number != number {
            return Ok(UndoImport::Nothing);
        }
        if let Some(draw_id) = lottery.open_draw {
            return Ok(UndoImport::Drawing(draw_id));
        }
        if lottery.next_sequence != import.sequence {
            return Ok(UndoImport::Sealed);
        }
        let is_over = import.state == ImportState::Undone
            || now.as_second() >= import.begun_at.as_second() + super::journal::RETENTION_SECONDS;
        if is_over || !self.set_import_state(&import, ImportState::Undoing).await? {
            return Ok(UndoImport::Nothing);
        }
        let step = match position.phase {
            Phase::Withdraw => self.undo_new(&import, position).await?,
            Phase::Restore(pass) => self.undo_changes(&import, pass, position).await?,
        };
        match step {
            Some(step) => {
                if step.next.is_none() {
                    self.erase_journal(lottery_id).await?;
                    self.set_import_state(&import, ImportState::Undone).await?;
                }
                Ok(UndoImport::Step(step))
            }
            // A draw or another import came between: the same question has another answer now.
            None => Box::pin(self.undo_import(lottery_id, number, cursor, now)).await,
        }
    }

    /// None if a condition of the undoing does not hold any more.
    async fn undo_new(&self, import: &Import, position: Position) -> Result<Option<UndoStep>, StoreError> {
        let Position { shard, behind, .. } = position;
        let range = keys::contacts(&import.lottery_id, shard);
        let slice = self.slice(&range, Order::Ascending, behind.as_deref(), PAGE).await?;
        let mut leaving = Vec::new();
        for item in &slice.items {
            let contact = StoredContact::from_item(item)?;
            if contact.is_new && contact.import == Some(import.number) {
                leaving.push(Leaving { contact, journal: None });
            }
        }
        let wanted = leaving.len() as u64;
        let left = self.withdraw_together(&import.lottery_id, &conditions(import), leaving).await?;
        if left.stopped_by.is_some() && left.withdrawn == 0 {
            return Ok(None);
        }
        let next = match slice.last {
            // Somebody who was changed meanwhile is looked at again.
            _ if left.withdrawn < wanted => Position { phase: Phase::Withdraw, shard, behind },
            Some(last) => Position { phase: Phase::Withdraw, shard, behind: Some(last) },
            None if shard + 1 < SHARDS => Position { phase: Phase::Withdraw, shard: shard + 1, behind: None },
            None => Position { phase: Phase::Restore(Pass::default()), shard: 0, behind: None },
        };
        Ok(Some(UndoStep {
            withdrawn: left.withdrawn,
            ended: left.subscription_arns,
            next: Some(next.to_cursor()),
            ..UndoStep::default()
        }))
    }

    async fn undo_changes(
        &self,
        import: &Import,
        mut pass: Pass,
        position: Position,
    ) -> Result<Option<UndoStep>, StoreError> {
        let range = keys::journals(&import.lottery_id, position.shard);
        let behind = position.behind.as_deref();
        let slice = self.slice(&range, Order::Ascending, behind, RESTORED_IN_STEP).await?;
        let mut step = UndoStep::default();
        for item in &slice.items {
            let before = Before::from_item(item)?;
            if before.import != import.number {
                continue;
            }
            match self.restore(import, &before).await? {
                Restored::Stopped if step.restored == 0 => return Ok(None),
                Restored::Stopped => {
                    step.next = Some(Position { phase: Phase::Restore(pass), ..position }.to_cursor());
                    return Ok(Some(step));
                }
                Restored::Kept => step.kept += 1,
                Restored::Blocked => pass.has_blocked = true,
                Restored::Back { ended, resubscribe } => {
                    step.restored += 1;
                    step.ended.extend(ended);
                    step.resubscribe.extend(resubscribe);
                    pass.has_restored = true;
                }
            }
        }
        let shard = position.shard;
        let next = match slice.last {
            Some(last) => Some(Position { phase: Phase::Restore(pass), shard, behind: Some(last) }),
            None if shard + 1 < SHARDS => {
                Some(Position { phase: Phase::Restore(pass), shard: shard + 1, behind: None })
            }
            // Who was put back may have freed an address that another waits for.
            None if pass.has_blocked && pass.has_restored => {
                Some(Position { phase: Phase::Restore(Pass::default()), shard: 0, behind: None })
            }
            None => None,
        };
        if next.is_none() && pass.has_blocked {
            step.kept += self.count_journal(import).await?;
        }
        step.next = next.map(|next| next.to_cursor());
        Ok(Some(step))
    }

    /// Puts somebody back as they were.
    async fn restore(&self, import: &Import, before: &Before) -> Result<Restored, StoreError> {
        let lottery_id = &import.lottery_id;
        let participant = &before.contact.participant;
        let key = keys::contact(lottery_id, &participant.participant_id);
        let forget = Write::delete(keys::journal(lottery_id, &participant.participant_id));
        let fingerprint_key = self.fingerprint_key(lottery_id).await?;
        for _ in 0..ATTEMPTS {
            let current = self.get(&key).await?.as_ref().map(StoredContact::from_item).transpose()?;
            let is_as_imported = match &current {
                Some(current) => current.import == Some(import.number),
                None => before.is_withdrawn,
            };
            if !is_as_imported {
                self.write(&forget).await?;
                return Ok(Restored::Kept);
            }
            let (contact, ended) = put_back(before, current.as_ref());
            let wanted = contact.address_keys(lottery_id);
            let held = current.as_ref().map(|current| current.address_keys(lottery_id));
            let held = held.unwrap_or_default();
            let people = [Some(participant), current.as_ref().map(|current| &current.participant)];
            let groups = people.into_iter().flatten().filter_map(|person| person.group.as_ref()).collect();
            let groups = self.counted_groups(lottery_id, &groups).await?;

            let mut writes = conditions(import).to_vec();
            let rewrite = Write::put(contact.contact_item(lottery_id));
            writes.push(match &current {
                None => rewrite.only_if("attribute_not_exists(pk)"),
                Some(current) => {
                    rewrite.only_if("revision = :revision").value(":revision", number(current.revision))
                }
            });
            writes.push(Write::put(contact.participant_item(lottery_id, &fingerprint_key)));
            writes.push(forget.clone());
            let first_address = writes.len();
            let new = wanted.iter().filter(|address| !held.contains(address));
            writes.extend(new.map(|(_, key)| take_address(key.clone(), &participant.participant_id)));
            let last_address = writes.len();
            let freed = held.iter().filter(|address| !wanted.contains(address));
            writes.extend(freed.map(|(_, key)| Write::delete(key.clone())));
            let delta = Delta::of_contacts(current.as_ref(), Some(&contact), &groups);
            writes.extend(delta.write(lottery_id, rand::random()));
            match self.transact(&writes).await? {
                Outcome::Done => {
                    let email = contact.participant.email.filter(|_| contact.subscription_arn.is_none());
                    let participant_id = contact.participant.participant_id;
                    let resubscribe =
                        email.map(|email| Resubscribe { participant_id, email, label: contact.label });
                    return Ok(Restored::Back { ended, resubscribe });
                }
                Outcome::Refused(refusals) if (0..CONDITIONS).any(|place| refusals.failed(place)) => {
                    return Ok(Restored::Stopped);
                }
                // Not as they were read: their addresses may be their own by now.
                Outcome::Refused(refusals) if refusals.failed(CONDITIONS) => {}
                Outcome::Refused(refusals)
                    if (first_address..last_address).any(|place| refusals.failed(place)) =>
                {
                    return Ok(Restored::Blocked);
                }
                Outcome::Refused(_) => {}
            }
        }
        Err(StoreError::Contended)
    }

    async fn count_journal(&self, import: &Import) -> Result<u64, StoreError> {
        let mut count = 0;
        for shard in 0..SHARDS {
            let range = keys::journals(&import.lottery_id, shard);
            let mut behind = None;
            loop {
                let slice = self.slice(&range, Order::Ascending, behind.as_deref(), PAGE).await?;
                for item in &slice.items {
                    count += u64::from(Before::from_item(item)?.import == import.number);
                }
                match slice.last {
                    Some(last) => behind = Some(last),
                    None => break,
                }
            }
        }
        Ok(count)
    }
}

/// The contact from before, with the subscription that its address has now; and the subscription that is to be ended.
fn put_back(before: &Before, current: Option<&StoredContact>) -> (StoredContact, Option<String>) {
    let current_email = current.and_then(|current| current.participant.email.as_ref());
    let current_arn = current.and_then(|current| current.subscription_arn.clone());
    let keeps_email = before.contact.participant.email.as_ref() == current_email;
    let (kept, ended) = if keeps_email { (current_arn, None) } else { (None, current_arn) };
    let contact = StoredContact {
        subscription_arn: kept,
        present_at: current.map_or(before.contact.present_at, |current| current.present_at),
        revision: before.contact.revision.max(current.map_or(0, |current| current.revision)) + 1,
        ..before.contact.clone()
    };
    (contact, ended)
}

const CONDITIONS: usize = 2;

/// That no draw holds the lottery or was sealed since the import began, and that no other import has begun.
fn conditions(import: &Import) -> [Write; CONDITIONS] {
    let unsealed = Write::check(
        keys::lottery(&import.lottery_id),
        "attribute_not_exists(open_draw) AND next_sequence = :sequence",
    );
    [unsealed.value(":sequence", number(import.sequence)), import.is_last()]
}

impl Position {
    fn to_cursor(&self) -> String {
        let phase = match self.phase {
            Phase::Withdraw => "w--".to_owned(),
            Phase::Restore(Pass { has_restored, has_blocked }) => {
                format!("r{}{}", u8::from(has_restored), u8::from(has_blocked))
            }
        };
        let behind = self.behind.as_deref().and_then(|behind| behind.strip_prefix(PARTICIPANT));
        format!("{phase}{:02}{}", self.shard, behind.unwrap_or_default())
    }

    fn parse(cursor: &str) -> Option<Self> {
        let (phase, rest) = cursor.split_at_checked(3)?;
        let (shard, behind) = rest.split_at_checked(2)?;
        let flag = |place: usize| match &phase[place..=place] {
            "0" => Some(false),
            "1" => Some(true),
            _ => None,
        };
        let phase = match phase {
            "w--" => Phase::Withdraw,
            _ if phase.starts_with('r') && phase.is_ascii() => {
                Phase::Restore(Pass { has_restored: flag(1)?, has_blocked: flag(2)? })
            }
            _ => return None,
        };
        let shard = shard.parse().ok().filter(|shard| *shard < SHARDS)?;
        let behind = match behind {
            "" => None,
            id => Some(format!("{PARTICIPANT}{}", ParticipantId::parse(id).ok()?)),
        };
        Some(Self { phase, shard, behind })
    }
}
