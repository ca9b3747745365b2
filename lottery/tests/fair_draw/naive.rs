//! The rules of a draw word by word: sort everything, walk the list for each seat. And what tests draw with.

use hkdf::Hkdf;
use lottery::ranking::Prk;
use lottery::selection::{Ranked, Seat, Selection};
use lottery::{Entry, Group, HexBytes, Holder, Label, Prize, PrizeList, PrizeName, Quota, Tickets};
use sha2::{Digest, Sha256};

/// The score of an entry by RFC 5869 alone: HKDF with the label, and with each further ticket's number behind it.
fn score(salt: &[u8], randomness: &[u8], entry: &Entry) -> [u8; 32] {
    let hkdf = Hkdf::<Sha256>::new(Some(salt), randomness);
    let of_ticket = |ticket: u32| {
        let mut info = entry.label.as_str().as_bytes().to_vec();
        if ticket > 0 {
            info.push(0);
            info.extend(ticket.to_be_bytes());
        }
        let mut score = [0; 32];
        hkdf.expand(&info, &mut score).unwrap();
        score
    };
    (0..entry.tickets.get()).map(of_ticket).min().unwrap()
}

/// Whether a quota is about the people of this group, or about those without one.
fn is_of(quota: &Quota, group: &Option<Group>) -> bool {
    match group {
        Some(group) => quota.groups.iter().any(|named| named == group),
        None => quota.without_group,
    }
}

/// Gives seats to people in rank order, of whom only the group matters.
pub(crate) fn seat(groups: &[Option<Group>], prizes: &PrizeList) -> Vec<Option<(u32, Seat)>> {
    let mut seats: Vec<Option<(u32, Seat)>> = vec![None; groups.len()];
    for (place, prize) in prizes.as_slice().iter().enumerate() {
        for quota in &prize.quota {
            for _ in 0..quota.at_least.unwrap_or(0) {
                let next = (0..groups.len()).find(|&i| seats[i].is_none() && is_of(quota, &groups[i]));
                if let Some(next) = next {
                    seats[next] = Some((place as u32, Seat::Reserved));
                }
            }
        }
    }
    for (place, prize) in prizes.as_slice().iter().enumerate() {
        let reserved: u32 = prize.quota.iter().map(|quota| quota.at_least.unwrap_or(0)).sum();
        for _ in 0..prize.winners - reserved {
            let fits = |i: usize| {
                prize.quota.iter().filter(|quota| is_of(quota, &groups[i])).all(|quota| {
                    let same = (0..groups.len()).filter(|&other| {
                        is_of(quota, &groups[other])
                            && seats[other].is_some_and(|(prize, _)| prize == place as u32)
                    });
                    quota.at_most.is_none_or(|most| same.count() < most as usize)
                })
            };
            let next = (0..groups.len()).find(|&i| seats[i].is_none() && fits(i));
            if let Some(next) = next {
                seats[next] = Some((place as u32, Seat::Open));
            }
        }
    }
    seats
}

/// The ranking of a draw, by sorting all entries.
pub(crate) fn rank(
    salt: &[u8],
    randomness: &[u8],
    entries: &[Entry],
    prizes: &PrizeList,
    alternates: u32,
) -> Vec<Ranked> {
    let mut line: Vec<_> = entries
        .iter()
        .filter(|entry| entry.excluded.is_none())
        .map(|entry| (score(salt, randomness, entry), entry))
        .collect();
    line.sort_by(|(one, first), (other, second)| (one, first.label).cmp(&(other, second.label)));
    let groups: Vec<_> = line.iter().map(|(_, entry)| entry.group.clone()).collect();
    let mut left = alternates;
    let mut ranking = Vec::new();
    for ((score, entry), seat) in line.into_iter().zip(seat(&groups, prizes)) {
        let (prize, seat) = match seat {
            Some((prize, seat)) => (Some(prize), seat),
            None if left > 0 => {
                left -= 1;
                (None, Seat::Alternate)
            }
            None => continue,
        };
        ranking.push(Ranked { label: entry.label, prize, score: HexBytes::from(score), seat });
    }
    ranking
}

/// The ranking of a draw, by the code that draws.
pub(crate) fn draw(prk: Prk, entries: &[Entry], prizes: &PrizeList, alternates: u32) -> Vec<Ranked> {
    let mut selection = Selection::new(prk, prizes, alternates);
    entries.iter().for_each(|entry| selection.offer(entry));
    selection.into_ranking()
}

/// 32 bytes that depend on two words only.
pub(crate) fn bytes(word: &str, number: u64) -> [u8; 32] {
    Sha256::new().chain_update(word).chain_update(number.to_be_bytes()).finalize().into()
}

/// The key of the draw with this number.
pub(crate) fn prk(number: u64) -> Prk {
    Prk::extract(&bytes("commitment", number), &bytes("randomness", number))
}

/// An entry by its number. The labels of consecutive numbers are in no order.
pub(crate) fn entry(number: u64, tickets: u32, group: Option<&str>) -> Entry {
    let label = bytes("label", number)[..16].try_into().unwrap();
    let nonce = lottery::Nonce::from_random(bytes("nonce", number));
    let participant_id = lottery::ParticipantId::parse(&number.to_string()).unwrap();
    Entry {
        excluded: None,
        group: group.map(|name| Group::parse(name).unwrap()),
        holder: Holder::commit(&nonce, &participant_id),
        label: Label::from_random(label),
        tickets: Tickets::try_from(tickets).unwrap(),
    }
}

/// A bound for a group: its name, at least, at most. `a+b` are two groups together, `-` are the people without one.
pub(crate) type Bound<'a> = (&'a str, Option<u32>, Option<u32>);

/// A prize with its quotas.
pub(crate) fn prize(winners: u32, quota: &[Bound<'_>]) -> Prize {
    let quota = quota
        .iter()
        .map(|(name, at_least, at_most)| Quota {
            at_least: *at_least,
            at_most: *at_most,
            groups: name
                .split('+')
                .filter(|name| *name != "-")
                .map(|name| Group::parse(name).unwrap())
                .collect(),
            without_group: name.split('+').any(|name| name == "-"),
        })
        .collect();
    Prize { name: PrizeName::parse("Prize").unwrap(), quota, winners }
}

/// A list of one prize without quotas.
pub(crate) fn one_prize(winners: u32) -> PrizeList {
    PrizeList::try_from(vec![prize(winners, &[])]).unwrap()
}
