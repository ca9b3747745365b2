//! Chances without quotas, by numerical integration of an exact formula.
//!
//! Time is cut into panels that all prizes share: at most some hundred, for a draw has at most 10,000 winners. At a time the
//! distribution of how many clocks have rung is computed once, from the few frequencies that matter; for an entry of each
//! class its own clock is then taken out.

mod rung;

use super::{Chance, ClassOdds, Odds};
use crate::PrizeList;
use rung::Rung;

/// Bounds the error of the integration and of rounding; tests hold it against enumeration.
const ERROR: f64 = 1e-7;
/// By then every clock has rung: the slowest rate is 1.
const END: f64 = 60.0;
/// The longest panel, in units of time.
const LONGEST: f64 = 2.0;
/// The longest panel, in standard deviations of the time at which the next seat is taken.
const DEVIATIONS: f64 = 4.0;

/// Positive nodes and weights of Gauss and Legendre's rule of 8 points.
const RULE: [(f64, f64); 4] = [
    (0.183_434_642_495_649_8, 0.362_683_783_378_362),
    (0.525_532_409_916_329, 0.313_706_645_877_887_3),
    (0.796_666_477_413_626_7, 0.222_381_034_453_374_5),
    (0.960_289_856_497_536_3, 0.101_228_536_290_376_3),
];

/// Entries of one number of tickets.
#[derive(Clone, Copy)]
struct Class {
    rate: f64,
    entries: u64,
}

pub(super) fn odds(kinds: &[super::Class], prizes: &PrizeList) -> Odds {
    let classes: Vec<_> =
        kinds.iter().map(|kind| Class { rate: f64::from(kind.tickets), entries: kind.entries }).collect();
    let mut taken = 0;
    let seats = prizes.as_slice().iter().map(|prize| {
        taken += u64::from(prize.winners);
        taken
    });
    // The chance to be among the winners of the prizes so far, for each class.
    let mut so_far = vec![vec![0.0; classes.len()]];
    so_far.extend(inclusion(&classes, &seats.collect::<Vec<_>>()));
    let error = if classes.len() < 2 { 0.0 } else { ERROR };
    let chance = |chance: f64| Chance { chance: chance.clamp(0.0, 1.0), error };
    let classes = kinds.iter().enumerate().map(|(place, kind)| {
        let any = chance(so_far[so_far.len() - 1][place]);
        let of_prizes = so_far.windows(2).map(|pair| chance(pair[1][place] - pair[0][place]));
        ClassOdds::of(kind, any, of_prizes.collect())
    });
    Odds { simulated_draws: None, classes: classes.collect() }
}

/// For each of these numbers of seats, in ascending order, the chance of one entry of each class to be among the first so many.
fn inclusion(classes: &[Class], seats: &[u64]) -> Vec<Vec<f64>> {
    let entries: u64 = classes.iter().map(|class| class.entries).sum();
    if let [_] = classes {
        return seats.iter().map(|seats| vec![(*seats as f64 / entries as f64).min(1.0)]).collect();
    }
    let is_certain = |seats: u64| if seats >= entries { 1.0 } else { 0.0 };
    let mut chances: Vec<_> = seats.iter().map(|seats| vec![is_certain(*seats); classes.len()]).collect();
    for (left, right) in panels(classes) {
        let (early, late) = (moments(classes, left), moments(classes, right));
        let mut uncertain = Vec::new();
        for (index, wanted) in seats.iter().enumerate().filter(|(_, wanted)| **wanted < entries) {
            if late.mean + reach(late.variance.sqrt()) < *wanted as f64 {
                // Fewer have rung for sure.
                for (chance, class) in chances[index].iter_mut().zip(classes) {
                    *chance += (-class.rate * left).exp() - (-class.rate * right).exp();
                }
            } else if early.mean - reach(early.variance.sqrt()) <= *wanted as f64 {
                uncertain.push(index);
            }
        }
        let (middle, half) = ((left + right) / 2.0, (right - left) / 2.0);
        let nodes = RULE.iter().flat_map(|(node, weight)| [(-node, weight), (*node, weight)]);
        for (node, weight) in nodes.filter(|_| !uncertain.is_empty()) {
            let t = middle + half * node;
            let densities: Vec<_> =
                classes.iter().map(|class| half * weight * class.rate * (-class.rate * t).exp()).collect();
            let wanted: Vec<_> = uncertain.iter().map(|index| seats[*index]).collect();
            let below = Rung::by(classes, t).fewer_than(&wanted);
            for (index, below) in uncertain.iter().zip(below) {
                for ((chance, density), below) in chances[*index].iter_mut().zip(&densities).zip(below) {
                    *chance += density * below;
                }
            }
        }
    }
    chances
}

/// How far from its mean a count of this standard deviation can be: the chance that it is further is below 10⁻¹⁰, by
/// Bernstein's inequality.
fn reach(deviation: f64) -> f64 {
    7.0 * deviation + 20.0
}

/// Panels from the beginning to the end, on each of which the chances are smooth: none is longer than the time before it, nor
/// than some standard deviations of the time at which the next seat is taken.
fn panels(classes: &[Class]) -> Vec<(f64, f64)> {
    let longest = |t: f64| {
        let Moments { variance, speed, .. } = moments(classes, t);
        (DEVIATIONS * variance.sqrt() / speed).min(t).min(LONGEST)
    };
    // Until then one clock has rung.
    let mut left = 1.0 / moments(classes, 0.0).speed;
    let mut panels = vec![(0.0, left)];
    while left < END {
        let mut width = longest(left);
        while longest(left + width) < width / 2.0 {
            width /= 2.0;
        }
        panels.push((left, left + width));
        left += width;
    }
    panels
}

/// How many clocks have rung by a time.
struct Moments {
    mean: f64,
    variance: f64,
    /// How the mean grows.
    speed: f64,
}

fn moments(classes: &[Class], t: f64) -> Moments {
    let mut moments = Moments { mean: 0.0, variance: 0.0, speed: 0.0 };
    for class in classes {
        let (n, left) = (class.entries as f64, (-class.rate * t).exp());
        let rung = -(-class.rate * t).exp_m1();
        moments.mean += n * rung;
        moments.variance += n * rung * left;
        moments.speed += n * class.rate * left;
    }
    moments
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The chance by enumeration: who is next, in proportion to tickets, until the seats are taken.
    fn enumerate(left: &mut [u64], rates: &[f64], seats: u64, wanted: usize) -> f64 {
        if seats == 0 {
            return 0.0;
        }
        let total: f64 = left.iter().zip(rates).map(|(left, rate)| *left as f64 * rate).sum();
        let mut chance = rates[wanted] / total;
        for class in 0..left.len() {
            // The wanted entry itself stays in the line of its class.
            let others = left[class] - u64::from(class == wanted);
            if others > 0 {
                left[class] -= 1;
                let next = others as f64 * rates[class] / total;
                chance += next * enumerate(left, rates, seats - 1, wanted);
                left[class] += 1;
            }
        }
        chance
    }

    #[test]
    fn small_draws_agree_with_enumeration() {
        for (entries, rates, seats) in [
            (vec![3, 4], vec![1.0, 2.0], 3),
            (vec![5, 2, 1], vec![1.0, 10.0, 1000.0], 4),
            (vec![1, 1, 1], vec![1.0, 2.0, 3.0], 2),
            (vec![6, 6], vec![999.0, 1000.0], 1),
            (vec![2, 2], vec![1.0, 1000.0], 3),
            // The heavy ones have rung long before it is uncertain again how many have.
            (vec![3, 2, 5], vec![5.0, 942.0, 1.0], 8),
        ] {
            let classes: Vec<_> =
                std::iter::zip(&entries, &rates).map(|(&entries, &rate)| Class { rate, entries }).collect();
            let chances = inclusion(&classes, &[seats]).remove(0);
            for (wanted, chance) in chances.iter().enumerate() {
                let expected = enumerate(&mut entries.clone(), &rates, seats, wanted);
                assert!((chance - expected).abs() < ERROR, "{entries:?} {rates:?}: {chance} not {expected}");
            }
        }
    }

    #[test]
    fn the_chances_of_all_entries_add_up_to_the_seats() {
        for (entries, seats) in [
            ([1727, 561, 258], 270),
            ([400_000, 300_000, 300_000], 10_000),
            ([50, 40, 7], 96),
            ([2000, 1000, 9], 3000),
        ] {
            let classes: Vec<_> = std::iter::zip([1.0, 2.0, 3.0], entries)
                .map(|(rate, entries)| Class { rate, entries })
                .collect();
            let expected: f64 = inclusion(&classes, &[seats])[0]
                .iter()
                .zip(entries)
                .map(|(chance, entries)| chance * entries as f64)
                .sum();
            let error = ERROR * classes.iter().map(|class| class.entries as f64).sum::<f64>();
            assert!((expected - seats as f64).abs() < error, "{entries:?}: {expected} instead of {seats}");
        }
    }
}
