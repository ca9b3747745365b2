//! The sealed list after a draw's ranking, ranked again from what is stored: the entries that may take a seat once the
//! alternates have run out.

use lottery::Part;
use lottery::ranking::Prk;
use lottery::selection::{Ranked, Selection};

use crate::seal::SealedDraw;
use crate::{Store, StoreError};

/// The number of chunks that one call reads.
const CHUNKS_PER_READ: u32 = 32;

impl Store {
    /// At most so many people of the sealed list who follow behind the ranking, in their order. All of the list is read.
    pub(crate) async fn behind_ranking(
        &self,
        seal: &SealedDraw,
        most: u32,
    ) -> Result<Vec<(Ranked, Part)>, StoreError> {
        if most == 0 {
            return Ok(Vec::new());
        }
        let broken = |what: &str| StoreError::Broken(format!("{what} of draw {}", seal.draw_id()));
        let round =
            self.round(seal.lottery_id(), seal.draw_id()).await?.ok_or_else(|| broken("the round"))?;
        let randomness = seal.chain.verify(seal.manifest.beacon.round, &round);
        let randomness = randomness.map_err(|_| broken("the round"))?;
        let prk = Prk::extract(seal.manifest.commitment().as_bytes(), randomness.as_bytes());
        let alternates = seal.manifest.alternates;
        let mut selection = Selection::new(prk, &seal.manifest.prizes, alternates.saturating_add(most));
        for first in (0..seal.chunks).step_by(CHUNKS_PER_READ as usize) {
            let last = first.saturating_add(CHUNKS_PER_READ).min(seal.chunks);
            for chunk in self.raw_chunks(seal, first..last).await? {
                chunk.entries()?.iter().for_each(|sealed| selection.offer(&sealed.entry));
            }
        }
        Ok(selection.into_ranking_and_rest(alternates).1)
    }
}
