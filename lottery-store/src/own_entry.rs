//! What became of one participant in the draws of a lottery.

use lottery::receipt::Receipt;
use lottery::{Draw, Entry, LotteryId, ParticipantId};

use crate::item::Attributes;
use crate::store::Table;
use crate::winners::Winner;
use crate::{Contact, Store, StoreError, keys};

/// The place of a receipt's holder in one draw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnPlace {
    /// The entry in the sealed list; none if the draw is not sealed, or was sealed without the holder.
    pub entry: Option<Entry>,
    /// The seat, kept or passed on, if the winners are official and the holder is one of them.
    pub winner: Option<Winner>,
}

impl Store {
    /// The contact that a receipt opens; none if the person has left, or the receipt is no one's.
    pub async fn holder_of(
        &self,
        lottery_id: &LotteryId,
        receipt: &Receipt,
    ) -> Result<Option<Contact>, StoreError> {
        let found = self.contacts(lottery_id, std::slice::from_ref(receipt.participant_id())).await?;
        // The secret alone: a name or an address may have been corrected since the receipt was given.
        Ok(found.into_iter().find(|contact| receipt.is_of(&contact.nonce)))
    }

    /// The place of a receipt's holder in each of these draws of one lottery, in their order. Only an entry that the
    /// receipt explains counts, so that nobody learns anything by a label alone.
    pub async fn own_places(&self, draws: &[Draw], receipt: &Receipt) -> Result<Vec<OwnPlace>, StoreError> {
        let ranks = self.ranks_of(draws, receipt.participant_id()).await?;
        let mut places = Vec::with_capacity(draws.len());
        for (draw, rank) in draws.iter().zip(ranks) {
            let seal = match draw.commitment {
                None => None,
                Some(_) => self.seal(&draw.lottery_id, &draw.draw_id).await?,
            };
            // A receipt for the other version of manifests has no entry in this draw.
            let label = seal.as_ref().and_then(|seal| receipt.label(&seal.manifest).ok());
            let entry = match seal.as_ref().zip(label) {
                None => None,
                Some((seal, label)) => {
                    let entry =
                        self.sealed_entries(seal, &[label]).await?.remove(&label).map(|sealed| sealed.entry);
                    entry.filter(|entry| receipt.owns(entry, &seal.manifest))
                }
            };
            let rank = rank.filter(|_| entry.is_some() && draw.status.has_official_winners());
            let winner = self.winners_ranked(draw, rank).await?.pop();
            places.push(OwnPlace { entry, winner: winner.filter(|winner| Some(winner.label) == label) });
        }
        Ok(places)
    }

    /// The participant's rank in each of these draws, winners and alternates, official or not.
    async fn ranks_of(
        &self,
        draws: &[Draw],
        participant_id: &ParticipantId,
    ) -> Result<Vec<Option<u32>>, StoreError> {
        let key = |draw: &Draw| keys::past_winner(&draw.lottery_id, participant_id, &draw.draw_id);
        let marks = self.get_many(Table::Lottery, &draws.iter().map(key).collect::<Vec<_>>()).await?;
        let mut ranks = vec![None; draws.len()];
        for mark in &marks {
            let mark = Attributes(mark);
            let draw_id = mark.text("draw_id")?;
            if let Some(index) = draws.iter().position(|draw| draw.draw_id.as_str() == draw_id) {
                ranks[index] = Some(mark.number("rank")?);
            }
        }
        Ok(ranks)
    }
}
