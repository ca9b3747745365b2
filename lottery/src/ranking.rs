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
