//! What came of a draw, as everyone may see it, kept for a moment: many may watch the same draw.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lottery::{Draw, DrawStatus, mask};
use lottery_store::{Contact, Store, Winner};
use tokio::time::Instant;

use super::view::{CountsByChannel, MaskedWinner, SeatView};
use crate::error::ApiError;

/// A result is read no more often than this while it may change.
const FRESH: Duration = Duration::from_millis(800);
/// Then only a withdrawal changes it.
const FRESH_AFTER_THE_END: Duration = Duration::from_secs(5);
const KEPT: usize = 64;

/// Masked winners and notification counts.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) winners: Vec<MaskedWinner>,
    pub(crate) counts: CountsByChannel,
}

type Slot = Arc<tokio::sync::Mutex<Option<Kept>>>;

struct Kept {
    status: DrawStatus,
    read_at: Instant,
    outcome: Arc<Outcome>,
}

/// The outcomes asked for lately.
#[derive(Default)]
pub(crate) struct Results {
    slots: Mutex<HashMap<String, (Instant, Slot)>>,
}

impl Results {
    /// The outcome of a draw; empty before its winners are official.
    pub(crate) async fn of(&self, store: &Store, draw: &Draw) -> Result<Arc<Outcome>, ApiError> {
        if !draw.status.has_official_winners() {
            return Ok(Arc::default());
        }
        let slot = self.slot(format!("{}/{}", draw.lottery_id, draw.draw_id));
        // Held while reading, so that many who ask at once read once.
        let mut kept = slot.lock().await;
        let fresh = if draw.status.is_final() { FRESH_AFTER_THE_END } else { FRESH };
        if let Some(kept) = &*kept
            && kept.status == draw.status
            && kept.read_at.elapsed() < fresh
        {
            return Ok(Arc::clone(&kept.outcome));
        }
        let outcome = Arc::new(read(store, draw).await?);
        *kept = Some(Kept { status: draw.status, read_at: Instant::now(), outcome: Arc::clone(&outcome) });
        Ok(outcome)
    }

    fn slot(&self, name: String) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if !slots.contains_key(&name) && slots.len() >= KEPT {
            let oldest =
                slots.iter().min_by_key(|(_, (asked_at, _))| *asked_at).map(|(name, _)| name.clone());
            if let Some(oldest) = oldest {
                slots.remove(&oldest);
            }
        }
        let slot = slots.entry(name).or_insert_with(|| (Instant::now(), Slot::default()));
        slot.0 = Instant::now();
        Arc::clone(&slot.1)
    }
}

async fn read(store: &Store, draw: &Draw) -> Result<Outcome, ApiError> {
    let (lottery_id, draw_id) = (&draw.lottery_id, &draw.draw_id);
    let winners = store.winners(lottery_id, draw_id).await?;
    let contacts = store.contacts_of(lottery_id, &winners).await?;
    let notifications = store.notifications(lottery_id, draw_id).await?;
    let winners = winners.iter().map(|winner| masked(winner, contacts.get(&winner.participant_id))).collect();
    Ok(Outcome { winners, counts: CountsByChannel::of(&notifications) })
}

/// A winner for everyone.
pub(super) fn masked(winner: &Winner, contact: Option<&Contact>) -> MaskedWinner {
    MaskedWinner {
        prize: winner.prize.to_string(),
        rank: winner.rank,
        label: winner.label.to_string(),
        name: contact.map(|contact| mask::name(&contact.name)),
        phone: contact.and_then(|contact| contact.phone.as_ref()).map(mask::phone),
        email: contact.and_then(|contact| contact.email.as_ref()).map(mask::email),
        seat: SeatView::of(winner),
    }
}
