//! From a commitment, randomness and entries to the winners: the lowest keyed hashes win.
//!
//! The score of an entry is HKDF-Expand(PRK, label); of its further tickets, with the ticket's number
//! behind the label, and the lowest counts (DESIGN section 6, steps 7 and 8; the core is the selection of
//! draft-thomson-elegy-vrs). Whoever knows entries and randomness comes to the same winners, in any order
//! of reading and on any number of machines, and needs memory for the winners only.

use std::collections::BinaryHeap;

use hkdf::Hkdf;
use serde::Serialize;
use sha2::Sha256;

use crate::{Entry, Label, Prize, Tickets};

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

/// The best-ranked of the entries offered so far, no more than there are seats.
#[derive(Clone)]
pub struct Selection<L = Label> {
    prk: Prk,
    seats: usize,
    kept: BinaryHeap<(Score, L)>,
}

impl<L: AsRef<[u8]> + Ord + Clone> Selection<L> {
    /// A selection of `seats` entries.
    pub fn new(prk: Prk, seats: usize) -> Self {
        Self { prk, seats, kept: BinaryHeap::new() }
    }

    /// Takes an entry into account that can win. Each entry must be offered once.
    pub fn offer(&mut self, label: &L, tickets: Tickets) {
        let score = self.prk.score(label.as_ref(), tickets);
        let beaten = self.kept.peek().is_some_and(|(worst, last)| (worst, last) <= (&score, label));
        if self.kept.len() < self.seats || !beaten {
            self.keep((score, label.clone()));
        }
    }

    /// Takes into account what another selection of the same draw was offered.
    pub fn merge(&mut self, other: Self) {
        other.kept.into_iter().for_each(|ranked| self.keep(ranked));
    }

    /// The best-ranked entries, best first.
    pub fn into_ranked(self) -> Vec<(Score, L)> {
        self.kept.into_sorted_vec()
    }

    fn keep(&mut self, ranked: (Score, L)) {
        self.kept.push(ranked);
        if self.kept.len() > self.seats {
            self.kept.pop();
        }
    }
}

/// An entry with the prize that it won.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RankedWinner {
    /// The entry's label.
    pub label: Label,
    /// The prize's place in the draw's list, from 0.
    pub prize_index: usize,
    /// The entry's rank among all that could win, from 1.
    pub rank: u32,
}

/// The winners of a draw: the entries that are not excluded, ranked, take the seats of the prizes in order.
/// Fewer entries than seats give fewer winners.
pub fn select<'a>(
    prk: &Prk,
    entries: impl IntoIterator<Item = &'a Entry>,
    prizes: &[Prize],
) -> Vec<RankedWinner> {
    let mut selection = Selection::new(prk.clone(), seats(prizes));
    for entry in entries.into_iter().filter(|entry| entry.excluded.is_none()) {
        selection.offer(&entry.label, entry.tickets);
    }
    award(selection, prizes)
}

/// How many seats the prizes have together.
pub fn seats(prizes: &[Prize]) -> usize {
    prizes.iter().map(|prize| prize.winners as usize).sum()
}

/// Gives the seats of the prizes, in order, to the ranked entries.
pub fn award(selection: Selection, prizes: &[Prize]) -> Vec<RankedWinner> {
    let seats = prizes
        .iter()
        .enumerate()
        .flat_map(|(prize_index, prize)| std::iter::repeat_n(prize_index, prize.winners as usize));
    let ranked = selection.into_ranked().into_iter();
    (1..)
        .zip(seats.zip(ranked))
        .map(|(rank, (prize_index, (_, label)))| RankedWinner { label, prize_index, rank })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Exclusion, Holder, Nonce, ParticipantId, PrizeName};

    fn prk() -> Prk {
        Prk::extract(b"commitment", b"randomness")
    }

    fn prizes(winners: &[u32]) -> Vec<Prize> {
        let prize = |winners: &u32| Prize {
            name: PrizeName::parse("P").unwrap(),
            quota: Vec::new(),
            winners: *winners,
        };
        winners.iter().map(prize).collect()
    }

    fn entries(count: u16) -> Vec<Entry> {
        let entry = |number: u16| {
            let [high, low] = number.to_be_bytes();
            let mut random = [0; 16];
            (random[0], random[1]) = (high, low);
            Entry {
                excluded: None,
                group: None,
                holder: Holder::commit(&Nonce::from_random([0; 32]), &ParticipantId::parse("1").unwrap()),
                label: Label::from_random(random),
                tickets: Tickets::try_from(u32::from(number % 3 + 1)).unwrap(),
            }
        };
        (0..count).map(entry).collect()
    }

    /// The ranking in the simplest way: score all, sort all.
    fn sorted(entries: &[Entry]) -> Vec<Label> {
        let mut ranked: Vec<_> = entries
            .iter()
            .map(|entry| (prk().score(entry.label.as_ref(), entry.tickets), entry.label))
            .collect();
        ranked.sort();
        ranked.into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn an_entry_ranks_by_the_lowest_of_its_tickets() {
        let label = Label::from_random([9; 16]);
        let tickets = |number: u32| Tickets::try_from(number).unwrap();
        let alone: Vec<_> = (0..50u32)
            .map(|ticket| match ticket {
                0 => prk().expand(&[label.as_ref()]),
                _ => prk().expand(&[label.as_ref(), &[0], &ticket.to_be_bytes()]),
            })
            .collect();
        for number in [1, 2, 50] {
            let lowest = alone[..number as usize].iter().min().unwrap();
            assert_eq!(prk().score(label.as_ref(), tickets(number)), *lowest);
        }
    }

    #[test]
    fn prizes_are_given_in_order_of_rank() {
        let entries = entries(10);
        let winners = select(&prk(), &entries, &prizes(&[1, 3]));
        assert_eq!(winners.iter().map(|winner| winner.rank).collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert_eq!(winners.iter().map(|winner| winner.prize_index).collect::<Vec<_>>(), [0, 1, 1, 1]);
        assert_eq!(winners.iter().map(|winner| winner.label).collect::<Vec<_>>(), sorted(&entries)[..4]);
        assert_eq!(select(&prk(), &entries, &prizes(&[1, 3])), winners);
    }

    #[test]
    fn an_excluded_entry_does_not_win() {
        let mut entries = entries(10);
        let best = sorted(&entries)[0];
        let excluded = entries.iter_mut().find(|entry| entry.label == best).unwrap();
        excluded.excluded = Some(Exclusion::Organiser);
        let winners = select(&prk(), &entries, &prizes(&[10]));
        assert_eq!(winners.len(), 9);
        assert!(winners.iter().all(|winner| winner.label != best));
    }

    #[test]
    fn other_randomness_or_another_commitment_draws_others() {
        let entries = entries(1000);
        let draw = |prk: Prk| select(&prk, &entries, &prizes(&[5]));
        let drawn = draw(prk());
        assert_ne!(draw(Prk::extract(b"commitment", b"Randomness")), drawn);
        assert_ne!(draw(Prk::extract(b"Commitment", b"randomness")), drawn);
    }

    proptest! {
        #[test]
        fn streaming_selects_what_sorting_everything_does(count in 0u16..300, seats in 0u32..40) {
            let entries = entries(count);
            let winners = select(&prk(), &entries, &prizes(&[seats]));
            let expected: Vec<_> = sorted(&entries).into_iter().take(seats as usize).collect();
            prop_assert_eq!(winners.into_iter().map(|winner| winner.label).collect::<Vec<_>>(), expected);
        }

        #[test]
        fn merged_selections_are_one_selection(count in 0u16..300, seats in 0u32..40, parts in 1usize..6) {
            let prizes = prizes(&[seats]);
            let entries = entries(count);
            let mut merged = Selection::new(prk(), seats as usize);
            for part in 0..parts {
                let mut selection = Selection::new(prk(), seats as usize);
                for entry in entries.iter().rev().skip(part).step_by(parts) {
                    selection.offer(&entry.label, entry.tickets);
                }
                merged.merge(selection);
            }
            prop_assert_eq!(award(merged, &prizes), select(&prk(), &entries, &prizes));
        }
    }
}
