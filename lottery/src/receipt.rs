//! The receipt: what a participant holds to find their own entry in a published list.

use serde::{Deserialize, Serialize};

use crate::{Entry, HexBytes, Holder, Label, Nonce, ParticipantId};

/// A participant's own key to their entry. It is personal: only the organiser and the participant hold it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The label of the participant in every list of the lottery.
    pub label: Label,
    /// Keeps others from finding the participant with a label by trying ids.
    pub nonce: HexBytes<32>,
    /// The organiser's id of the participant.
    pub participant_id: ParticipantId,
}

impl Receipt {
    /// The receipt of a participant.
    pub fn new(label: Label, nonce: &Nonce, participant_id: ParticipantId) -> Self {
        Self { label, nonce: HexBytes::from(*nonce.as_bytes()), participant_id }
    }

    /// Whether this entry is the participant's: no other nonce or id gives its holder.
    pub fn holds(&self, entry: &Entry) -> bool {
        let nonce = Nonce::from_random(*self.nonce.as_bytes());
        entry.label == self.label && entry.holder == Holder::commit(&nonce, &self.participant_id)
    }
}
