//! Who of a pool has won before: recognised by label, by id and name, by phone number or by mailbox, each as a keyed hash.

use std::collections::HashMap;
use std::hash::Hash;

use lottery::{DrawId, Label, ParticipantId};
use lottery_store::{PastWinner, PoolMember};

/// By what a member of the pool is recognised as a past winner, the surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Recognised {
    /// The label in the pool, which a person keeps as long as they are on the list.
    Label,
    /// The id with the name; the id alone for winners whom older code has marked.
    Person,
    Phone,
    Email,
}

/// Finds past winners in a pool of which each member is looked at once.
///
/// For each past winner one member is excluded, the most certain match: so no more are excluded than have won, even if an
/// address now belongs to another participant.
#[derive(Default)]
pub(crate) struct PastWinners {
    won: Vec<PastWinner>,
    labels: HashMap<Label, Vec<usize>>,
    ids: HashMap<ParticipantId, Vec<usize>>,
    people: HashMap<[u8; 16], Vec<usize>>,
    phones: HashMap<[u8; 16], Vec<usize>>,
    emails: HashMap<[u8; 16], Vec<usize>>,
    /// By the past winner, the member recognised surest so far, with their place.
    found: HashMap<usize, (Recognised, Label, usize)>,
}

impl PastWinners {
    pub(crate) fn of(won: Vec<PastWinner>) -> Self {
        let mut past = Self::default();
        for (index, winner) in won.iter().enumerate() {
            match winner.member {
                Some(label) => add(&mut past.labels, Some(label), index),
                None => add(&mut past.ids, Some(winner.participant_id.clone()), index),
            }
            let fingerprints = winner.fingerprints.as_ref();
            add(&mut past.people, fingerprints.map(|found| found.person), index);
            add(&mut past.phones, fingerprints.and_then(|found| found.phone), index);
            add(&mut past.emails, fingerprints.and_then(|found| found.email), index);
        }
        Self { won, ..past }
    }

    /// Looks at the member with this place in the list.
    pub(crate) fn look_at(&mut self, place: usize, member: &PoolMember) {
        if self.won.is_empty() {
            return;
        }
        let fingerprints = member.fingerprints.as_ref();
        let known = [
            (Recognised::Label, self.labels.get(&member.label)),
            (Recognised::Person, self.ids.get(&member.participant_id)),
            (Recognised::Person, fingerprints.and_then(|found| self.people.get(&found.person))),
            (Recognised::Phone, fingerprints.and_then(|found| self.phones.get(&found.phone?))),
            (Recognised::Email, fingerprints.and_then(|found| self.emails.get(&found.email?))),
        ];
        for (by, winners) in known {
            for winner in winners.into_iter().flatten() {
                let found = (by, member.label, place);
                let surest = self.found.entry(*winner).or_insert(found);
                *surest = found.min(*surest);
            }
        }
    }

    /// The places of the members who have won before, each with the draw.
    pub(crate) fn into_places(self) -> HashMap<usize, DrawId> {
        let Self { won, found, .. } = self;
        let mut found: Vec<_> = found.into_iter().map(|(winner, (.., place))| (winner, place)).collect();
        found.sort_unstable();
        let mut places = HashMap::with_capacity(found.len());
        for (winner, place) in found {
            places.entry(place).or_insert_with(|| won[winner].draw_id.clone());
        }
        places
    }
}

fn add<K: Eq + Hash>(index: &mut HashMap<K, Vec<usize>>, key: Option<K>, winner: usize) {
    if let Some(key) = key {
        index.entry(key).or_default().push(winner);
    }
}

#[cfg(test)]
mod tests {
    use lottery::fingerprint::Fingerprints;
    use lottery::{Holder, Tickets};

    use super::*;

    fn fingerprints(person: u8, phone: u8, email: u8) -> Option<Fingerprints> {
        let some = |byte: u8| (byte > 0).then_some([byte; 16]);
        Some(Fingerprints { person: [person; 16], phone: some(phone), email: some(email) })
    }

    fn member(label: u8, id: &str, fingerprints: Option<Fingerprints>) -> PoolMember {
        PoolMember {
            participant_id: ParticipantId::parse(id).unwrap(),
            label: Label::from_random([label; 16]),
            tickets: Tickets::ONE,
            group: None,
            holder: Holder::from_bytes([0; 32]),
            binding: None,
            fingerprints,
            excluded: false,
            present: false,
        }
    }

    fn won(label: Option<u8>, id: &str, fingerprints: Option<Fingerprints>) -> PastWinner {
        PastWinner {
            draw_id: DrawId::parse("first").unwrap(),
            participant_id: ParticipantId::parse(id).unwrap(),
            member: label.map(|label| Label::from_random([label; 16])),
            fingerprints,
        }
    }

    fn excluded(won: Vec<PastWinner>, pool: &[PoolMember]) -> Vec<usize> {
        let mut past = PastWinners::of(won);
        pool.iter().enumerate().for_each(|(place, member)| past.look_at(place, member));
        let mut places: Vec<_> = past.into_places().into_keys().collect();
        places.sort_unstable();
        places
    }

    #[test]
    fn an_address_is_recognised_under_a_new_id_and_an_old_id_alone_is_not() {
        let rose = || won(Some(1), "001", fingerprints(1, 1, 1));
        let by_phone = member(2, "900", fingerprints(2, 1, 0));
        let by_email = member(3, "901", fingerprints(3, 0, 1));
        let another = member(4, "001", fingerprints(4, 4, 4));
        assert_eq!(excluded(vec![rose()], &[another.clone(), by_phone.clone()]), [1]);
        assert_eq!(excluded(vec![rose()], &[another, by_email.clone()]), [1]);
        // Two people share what one winner had: the phone number counts for more.
        assert_eq!(excluded(vec![rose()], &[by_email, by_phone]), [1]);
    }

    #[test]
    fn who_is_still_on_the_list_is_meant_whoever_has_their_former_address() {
        let rose = won(Some(1), "001", fingerprints(1, 1, 1));
        let heir = member(2, "900", fingerprints(2, 1, 1));
        let herself = member(1, "001", fingerprints(1, 7, 7));
        assert_eq!(excluded(vec![rose], &[heir, herself]), [1]);
    }

    #[test]
    fn winners_whom_older_code_has_marked_are_known_by_their_id() {
        let pool = [member(4, "001", fingerprints(4, 4, 4)), member(5, "002", None)];
        assert_eq!(excluded(vec![won(None, "002", None)], &pool), [1]);
    }
}
