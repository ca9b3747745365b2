//! The entries of a proof: read strictly, hashed and offered for selection in one pass, by several threads if allowed.

use std::collections::BTreeMap;

use crate::entry_list::{EntryReader, split};
use crate::manifest::Manifest;
use crate::merkle::{Hash, leaf_hash, root_of};
use crate::receipt::{Receipt, Unexplained};
use crate::seats::PassedOn;
use crate::selection::{Ranked, Selection};
use crate::verify::changes::Line;
use crate::{DrawId, Entry, Exclusion, Label};

/// What one pass over a list of entries found.
pub(super) struct ReadEntries<'p> {
    pub(super) count: u64,
    pub(super) tickets: u64,
    pub(super) selection: Option<Selection<'p>>,
    /// The entry that was looked for, with its place from 0.
    pub(super) wanted: Option<(u64, Entry)>,
    /// How many are excluded for having won in each draw.
    pub(super) past_winners: BTreeMap<DrawId, u64>,
    leaf_hashes: Vec<Hash>,
    first: Option<Label>,
    last: Option<Label>,
}

impl<'p> ReadEntries<'p> {
    /// Reads a list. `selection` is one that nothing was offered to; `wanted` is a label to look for.
    pub(super) fn read(
        list: &[u8],
        selection: Option<&Selection<'p>>,
        wanted: Option<Label>,
        threads: usize,
    ) -> Result<Self, String> {
        let mut parts = split(list, threads);
        let first = parts.remove(0);
        let (first, others) = std::thread::scope(|scope| {
            let others: Vec<_> = parts
                .into_iter()
                .map(|part| scope.spawn(move || Self::read_part(part, selection.cloned(), wanted)))
                .collect();
            let first = Self::read_part(first, selection.cloned(), wanted);
            let others: Vec<_> =
                others.into_iter().map(|part| part.join().expect("reading does not panic")).collect();
            (first, others)
        });
        others.into_iter().try_fold(first?, |whole, part| whole.followed_by(part?))
    }

    fn read_part(
        list: &[u8],
        selection: Option<Selection<'p>>,
        wanted: Option<Label>,
    ) -> Result<Self, String> {
        let mut read = Self {
            count: 0,
            tickets: 0,
            selection,
            wanted: None,
            past_winners: BTreeMap::new(),
            leaf_hashes: Vec::with_capacity(list.len() / 150),
            first: None,
            last: None,
        };
        for entry in EntryReader::new(list) {
            let (entry, bytes) = entry.map_err(|_| match read.last {
                Some(last) => format!("what follows the entry {last} is no entry in its canonical form"),
                None => "the first entry is not in its canonical form".to_owned(),
            })?;
            if read.last.is_some_and(|last| last >= entry.label) {
                return Err(out_of_order(&entry.label));
            }
            read.leaf_hashes.push(leaf_hash(bytes));
            read.tickets += u64::from(entry.tickets.get());
            if let Some(selection) = &mut read.selection {
                selection.offer(&entry);
            }
            read.first.get_or_insert(entry.label);
            read.last = Some(entry.label);
            if wanted == Some(entry.label) {
                read.wanted = Some((read.count, entry.clone()));
            }
            if let Some(Exclusion::PastWinner(draw_id)) = entry.excluded {
                *read.past_winners.entry(draw_id).or_default() += 1;
            }
            read.count += 1;
        }
        Ok(read)
    }

    /// Takes in the part that follows in the list.
    fn followed_by(mut self, next: Self) -> Result<Self, String> {
        if let (Some(last), Some(first)) = (self.last, next.first)
            && last >= first
        {
            return Err(out_of_order(&first));
        }
        if let Some((place, entry)) = next.wanted {
            self.wanted = Some((self.count + place, entry));
        }
        if let (Some(selection), Some(other)) = (&mut self.selection, next.selection) {
            selection.merge(other);
        }
        for (draw_id, count) in next.past_winners {
            *self.past_winners.entry(draw_id).or_default() += count;
        }
        self.count += next.count;
        self.tickets += next.tickets;
        self.leaf_hashes.extend(next.leaf_hashes);
        self.last = next.last.or(self.last);
        Ok(self)
    }

    /// Whether these are the entries that the manifest commits to.
    pub(super) fn check(self, manifest: &Manifest, threads: usize) -> Result<Self, String> {
        if self.count != manifest.entries {
            return Err(format!("there are {}, the manifest says {}", self.count, manifest.entries));
        }
        if self.tickets != manifest.tickets {
            return Err(format!(
                "they have {} tickets, the manifest says {}",
                self.tickets, manifest.tickets
            ));
        }
        let root = root_of(&self.leaf_hashes, threads);
        if root != manifest.root {
            return Err(format!("their Merkle root is {root}, the manifest says {}", manifest.root));
        }
        manifest.check_past_winners(self.past_winners.keys()).map_err(|reason| reason.to_string())?;
        Ok(self)
    }
}

fn out_of_order(label: &Label) -> String {
    format!("the entry {label} does not stand in the order of the labels")
}

/// What a receipt shows its owner: their entry, and what became of it.
pub(super) fn own_place(
    receipt: &Receipt,
    manifest: &Manifest,
    entry: Option<(u64, &Entry)>,
    line: Option<&Line>,
    passed_on: &[PassedOn],
) -> Result<String, String> {
    let label = receipt.label(manifest).map_err(|reason| reason.to_string())?;
    let (place, entry) = entry.ok_or_else(|| Unexplained::Label(label).to_string())?;
    receipt.explains(entry, manifest).map_err(|reason| reason.to_string())?;
    let became = match (&entry.excluded, line) {
        (Some(excluded), _) => format!("cannot win ({excluded})"),
        (None, None) => "waits for the round".to_owned(),
        (None, Some(line)) => match line.rank_of(&label) {
            Some((rank, ranked)) => became(rank, ranked, passed_on, line.is_in_ranking(rank)),
            None => "does not win".to_owned(),
        },
    };
    let (id, tickets) = (receipt.participant_id(), entry.tickets.get());
    Ok(format!("{id} is entry {} with {tickets} tickets, and {became}", place + 1))
}

/// The outcome of the entry with this rank.
fn became(rank: u32, ranked: &Ranked, passed_on: &[PassedOn], is_in_ranking: bool) -> String {
    let left = passed_on.iter().find(|seat| seat.rank == rank);
    let took = passed_on.iter().find(|seat| seat.taken_by == Some(rank));
    let prize = ranked.prize.or(took.map(|seat| seat.prize)).map(|prize| prize + 1);
    match (prize, left, took) {
        (Some(prize), None, None) => format!("wins prize {prize} at rank {rank}"),
        (Some(prize), None, Some(seat)) => {
            format!("wins prize {prize} at rank {rank}, having taken the seat of rank {}", seat.rank)
        }
        (Some(prize), Some(seat), _) => match seat.reason {
            Some(reason) => format!("had won prize {prize} at rank {rank}, and was replaced as {reason}"),
            None => format!("had won prize {prize} at rank {rank}, and withdrew before the round"),
        },
        (None, ..) if is_in_ranking => format!("is an alternate at rank {rank}"),
        (None, ..) => "does not win".to_owned(),
    }
}
