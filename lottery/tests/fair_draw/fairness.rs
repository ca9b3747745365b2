//! Statistics of many draws by the code that draws, with fixed seeds; and three well-known wrong selectors that
//! the same tests catch.

use lottery::PrizeList;
use lottery::selection::Seat;

use super::naive::{self, Bound, bytes, draw, entry, one_prize, prize, prk};
use super::statistics::{deviation, inclusion, pairs};

const N: usize = 200;
const K: usize = 5;
const DRAWS: u64 = 100_000;

/// A fair selector stays below this in every test (one in some 4,000 chance for each, were the seeds not fixed).
const FAIR: f64 = 3.5;
/// A biased one is far above in at least one test.
const BIASED: f64 = 20.0;

/// What many draws of K from N gave, each winner as a number below N, in rank order.
struct Tally {
    included: Vec<u64>,
    together: Vec<Vec<u64>>,
    at_rank: Vec<Vec<u64>>,
}

impl Tally {
    fn of(mut select: impl FnMut(u64) -> Vec<usize>) -> Self {
        let mut tally =
            Self { included: vec![0; N], together: vec![vec![0; N]; N], at_rank: vec![vec![0; N]; K] };
        for number in 0..DRAWS {
            let winners = select(number);
            assert_eq!(winners.len(), K);
            for (rank, &winner) in winners.iter().enumerate() {
                tally.included[winner] += 1;
                tally.at_rank[rank][winner] += 1;
                for &other in &winners[..rank] {
                    tally.together[winner.max(other)][winner.min(other)] += 1;
                }
            }
        }
        tally
    }

    fn inclusion(&self) -> f64 {
        inclusion(&self.included, (0..DRAWS).map(|_| K))
    }

    fn pairs(&self) -> f64 {
        pairs(&self.together, K, DRAWS)
    }

    /// Whether each rank goes to every entry equally often.
    fn ranks(&self) -> Vec<f64> {
        self.at_rank.iter().map(|counts| inclusion(counts, (0..DRAWS).map(|_| 1))).collect()
    }
}

#[test]
fn entries_pairs_and_rank_positions_are_drawn_equally_often() {
    let entries: Vec<_> = (0..N as u64).map(|number| entry(number, 1, None)).collect();
    let numbers: std::collections::HashMap<_, _> = entries.iter().map(|entry| entry.label).zip(0..).collect();
    let prizes = PrizeList::try_from(vec![prize(2, &[]), prize(3, &[])]).unwrap();
    let tally = Tally::of(|number| {
        draw(prk(number), &entries, &prizes, 0).iter().map(|ranked| numbers[&ranked.label]).collect()
    });
    assert!(tally.inclusion().abs() < FAIR, "inclusion {}", tally.inclusion());
    assert!(tally.pairs().abs() < FAIR, "pairs {}", tally.pairs());
    assert!(tally.ranks().iter().all(|rank| rank.abs() < FAIR), "ranks {:?}", tally.ranks());
}

/// Bytes of a good source, for selectors that use them badly.
struct Bytes {
    number: u64,
    block: [u8; 32],
    used: usize,
}

impl Bytes {
    fn of(draw: u64) -> Self {
        Self { number: draw << 20, block: bytes("bytes", draw << 20), used: 0 }
    }

    fn byte(&mut self) -> u8 {
        if self.used == self.block.len() {
            self.number += 1;
            *self = Self { number: self.number, block: bytes("bytes", self.number), used: 0 };
        }
        self.used += 1;
        self.block[self.used - 1]
    }

    fn word(&mut self) -> usize {
        u32::from_be_bytes([self.byte(), self.byte(), self.byte(), self.byte()]) as usize
    }
}

#[test]
fn a_correct_shuffle_passes_the_same_tests() {
    let tally = Tally::of(|number| {
        let (mut bytes, mut line) = (Bytes::of(number), (0..N).collect::<Vec<_>>());
        for place in 0..K {
            line.swap(place, place + bytes.word() % (N - place));
        }
        line[..K].to_vec()
    });
    assert!(tally.inclusion().abs() < FAIR && tally.pairs().abs() < FAIR);
    assert!(tally.ranks().iter().all(|rank| rank.abs() < FAIR));
}

#[test]
fn an_index_modulo_the_draws_left_is_caught() {
    let tally = Tally::of(|number| {
        let (mut bytes, mut line) = (Bytes::of(number), (0..N).collect::<Vec<_>>());
        (0..K).map(|drawn| line.remove(bytes.word() % (K - drawn))).collect()
    });
    assert!(tally.inclusion() > BIASED, "{}", tally.inclusion());
}

#[test]
fn an_8_bit_modulo_is_caught() {
    let tally = Tally::of(|number| {
        let (mut bytes, mut line) = (Bytes::of(number), (0..N).collect::<Vec<_>>());
        (0..K).map(|_| line.remove(usize::from(bytes.byte()) % line.len())).collect()
    });
    assert!(tally.inclusion() > BIASED, "{}", tally.inclusion());
    assert!(tally.ranks()[0] > BIASED, "{}", tally.ranks()[0]);
}

#[test]
fn a_shuffle_that_swaps_each_place_with_any_is_caught() {
    let tally = Tally::of(|number| {
        let (mut bytes, mut line) = (Bytes::of(number), (0..N).collect::<Vec<_>>());
        (0..N).for_each(|place| line.swap(place, bytes.word() % N));
        line[..K].to_vec()
    });
    assert!(tally.inclusion() > BIASED, "{}", tally.inclusion());
}

#[test]
fn tickets_are_drawn_as_often_as_in_a_real_weighted_lottery() {
    let published: serde_json::Value =
        serde_json::from_str(include_str!("../vectors/weighted-inclusion.json")).unwrap();
    let number = |value: &serde_json::Value| value.as_u64().unwrap();
    let classes = published["by_tickets"].as_array().unwrap();
    let mut entries = Vec::new();
    for class in classes {
        for _ in 0..number(&class["entrants"]) {
            entries.push(entry(entries.len() as u64, number(&class["tickets"]) as u32, None));
        }
    }
    assert_eq!(entries.len() as u64, number(&published["entrants"]));
    let tickets: std::collections::HashMap<_, _> =
        entries.iter().map(|entry| (entry.label, entry.tickets.get())).collect();
    let (draws, prizes) = (2_000, one_prize(number(&published["drawn"]) as u32));
    let mut drawn = [0u64; 6];
    for number in 0..draws {
        for ranked in draw(prk(number), &entries, &prizes, 0) {
            drawn[tickets[&ranked.label] as usize] += 1;
        }
    }
    for class in classes {
        let offered = (draws * number(&class["entrants"])) as f64;
        let share = drawn[number(&class["tickets"]) as usize] as f64 / offered;
        let expected = class["percent"].as_f64().unwrap() / 100.0;
        // Half of the last published digit, and four standard errors of these draws.
        let error = 0.0005 + 4.0 * (expected * (1.0 - expected) / offered).sqrt();
        assert!((share - expected).abs() < error, "{class}: drawn {share:.4}, error {error:.4}");
    }
}

#[test]
fn within_a_group_quotas_favour_nobody() {
    let bounds: [Bound<'_>; 2] = [("a", Some(2), Some(3)), ("b", None, Some(2))];
    let prizes = PrizeList::try_from(vec![prize(6, &bounds), prize(2, &bounds[..1])]).unwrap();
    let groups = [Some("a"), Some("b"), None];
    let entries: Vec<_> = (0..60).map(|number| entry(number, 1, groups[number as usize % 3])).collect();
    let numbers: std::collections::HashMap<_, _> = entries.iter().map(|entry| entry.label).zip(0..).collect();
    let (mut counts, mut drawn) = ([vec![0; 20], vec![0; 20], vec![0; 20]], [vec![], vec![], vec![]]);
    for number in 0..30_000 {
        let (mut seats, mut of_first) = ([0; 3], [0; 3]);
        for ranked in draw(prk(number), &entries, &prizes, 0) {
            let winner: usize = numbers[&ranked.label];
            counts[winner % 3][winner / 3] += 1;
            seats[winner % 3] += 1;
            of_first[winner % 3] += usize::from(ranked.prize == Some(0));
            assert!(ranked.seat != Seat::Reserved || winner.is_multiple_of(3));
        }
        assert_eq!(seats.iter().sum::<usize>(), 8);
        assert!((2..=3).contains(&of_first[0]) && of_first[1] <= 2, "{of_first:?}");
        std::iter::zip(&mut drawn, seats).for_each(|(drawn, seats)| drawn.push(seats));
    }
    for (counts, drawn) in std::iter::zip(&counts, drawn) {
        let deviation = inclusion(counts, drawn);
        assert!(deviation.abs() < FAIR, "{deviation}");
    }
}

#[test]
fn the_statistics_themselves_are_right() {
    // The 95 % points of chi-square with 10 and 100 degrees of freedom are 18.307 and 124.342.
    for (chi_square, degrees) in [(18.307, 10.0), (124.342, 100.0)] {
        assert!((deviation(chi_square, degrees) - 1.645).abs() < 0.01);
    }
    // By hand: 3 entries, 2 draws of 1; (n − 1)/(n − k) · Σ (O − E)²/E with E = 2/3.
    let by_hand = 2.0 / 2.0 * (2.0 * (2.0f64 / 3.0).powi(2) + (4.0f64 / 3.0).powi(2)) / (2.0 / 3.0);
    assert!((inclusion(&[2, 0, 0], [1, 1]) - deviation(by_hand, 2.0)).abs() < 1e-12);
    assert_eq!(naive::bytes("a", 1), naive::bytes("a", 1));
}
