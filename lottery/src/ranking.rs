//! From a commitment, randomness and an entry to its score: the lowest keyed hashes win.
//!
//! The score of an entry is HKDF-Expand(PRK, label); of its further tickets, with the ticket's number
//! behind the label, and the lowest counts (docs/fair-draw.md; the core is the selection of
//! draft-thomson-elegy-vrs). Everybody who knows the entries and the randomness computes the same winners, in any order
//! of reading and on any number of machines, and needs memory for the winners only.

use hkdf::Hkdf;
use sha2::Sha256;

use crate::Tickets;

/// The keyed hash that scores the entries of one draw.
///
/// The key is absorbed once and its state cloned for each score, which saves half of the hashing.
#[derive(Clone)]
pub struct Prk(Hkdf<Sha256>);

/// What an entry is ranked by: the lowest wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Score([u8; 32]);

impl Prk {
    /// HKDF-Extract with the commitment as salt.
    pub fn extract(salt: &[u8], randomness: &[u8]) -> Self {
        Self(Hkdf::new(Some(salt), randomness))
    }

    /// The score of an entry: the lowest of its tickets' scores.
    pub fn score(&self, label: &[u8], tickets: Tickets) -> Score {
        let further = (1..tickets.get()).map(|ticket| self.expand(&[label, &[0], &ticket.to_be_bytes()]));
        further.fold(self.expand(&[label]), Score::min)
    }

    fn expand(&self, info: &[&[u8]]) -> Score {
        let mut score = [0; 32];
        self.0.expand_multi_info(info, &mut score).expect("32 bytes are far below HKDF's limit");
        Score(score)
    }
}

impl Score {
    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Label;

    #[test]
    fn an_entry_ranks_by_the_lowest_of_its_tickets() {
        let prk = Prk::extract(b"commitment", b"randomness");
        let label = Label::from_random([9; 16]);
        let tickets = |number: u32| Tickets::try_from(number).unwrap();
        let alone: Vec<_> = (0..50u32)
            .map(|ticket| match ticket {
                0 => prk.expand(&[label.as_ref()]),
                _ => prk.expand(&[label.as_ref(), &[0], &ticket.to_be_bytes()]),
            })
            .collect();
        for number in [1, 2, 50] {
            let lowest = alone[..number as usize].iter().min().unwrap();
            assert_eq!(prk.score(label.as_ref(), tickets(number)), *lowest);
        }
    }

    #[test]
    fn other_randomness_or_another_commitment_scores_otherwise() {
        let label = Label::from_random([9; 16]);
        let score = |salt: &[u8], randomness: &[u8]| {
            Prk::extract(salt, randomness).score(label.as_ref(), Tickets::ONE)
        };
        let scores = [
            score(b"commitment", b"randomness"),
            score(b"commitment", b"Randomness"),
            score(b"Commitment", b"randomness"),
        ];
        assert!(scores[0] != scores[1] && scores[0] != scores[2] && scores[1] != scores[2]);
    }
}
