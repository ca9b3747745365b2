//! Chances without quotas, by numerical integration of an exact formula.

use super::{Chance, ClassOdds, Odds};
use crate::PrizeList;

/// Bounds the error of the integration and of rounding; tests hold it against enumeration.
const ERROR: f64 = 1e-7;

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
    let mut seats = 0;
    // The chance to be among the winners of the prizes so far, for each class.
    let mut so_far = vec![vec![0.0; classes.len()]];
    for prize in prizes.as_slice() {
        seats += u64::from(prize.winners);
        so_far.push(inclusion(&classes, seats));
    }
    let error = if classes.len() < 2 { 0.0 } else { ERROR };
    let chance = |chance: f64| Chance { chance: chance.clamp(0.0, 1.0), error };
    let classes = kinds.iter().enumerate().map(|(place, kind)| {
        let any = chance(so_far[so_far.len() - 1][place]);
        let of_prizes = so_far.windows(2).map(|pair| chance(pair[1][place] - pair[0][place]));
        ClassOdds::of(kind, any, of_prizes.collect())
    });
    Odds { simulated_draws: None, classes: classes.collect() }
}

/// The chance of one entry of each class to be among the first `seats`.
fn inclusion(classes: &[Class], seats: u64) -> Vec<f64> {
    let entries: u64 = classes.iter().map(|class| class.entries).sum();
    if seats >= entries {
        return vec![1.0; classes.len()];
    }
    if let [_] = classes {
        return vec![seats as f64 / entries as f64];
    }
    // Before `from` fewer than all seats are taken for sure, after `to` none is left for sure.
    let spread = |t: f64| 10.0 * moments(classes, t).1.sqrt() + 40.0;
    let from = bisect(|t| moments(classes, t).0 + spread(t) < seats as f64);
    let to = bisect(|t| moments(classes, t).0 - spread(t) < seats as f64);
    let mut chances: Vec<_> = classes.iter().map(|class| 1.0 - (-class.rate * from).exp()).collect();
    for (left, right) in panels(from, to) {
        let (middle, half) = ((left + right) / 2.0, (right - left) / 2.0);
        for (node, weight) in RULE {
            for t in [middle - half * node, middle + half * node] {
                let below = fewer_than(classes, seats, t);
                for ((chance, class), below) in chances.iter_mut().zip(classes).zip(below) {
                    *chance += half * weight * class.rate * (-class.rate * t).exp() * below;
                }
            }
        }
    }
    chances
}

/// Intervals between two moments, finer towards the first, where fast clocks ring, and where seats run out.
fn panels(from: f64, to: f64) -> Vec<(f64, f64)> {
    let mut panels = Vec::new();
    let mut right = to;
    for halving in 0..34 {
        let left = if halving == 33 { from } else { from + (right - from) / 2.0 };
        let parts = if halving < 5 { 8 } else { 1 };
        let width = (right - left) / f64::from(parts);
        panels.extend(
            (0..parts).map(|part| (left + width * f64::from(part), left + width * f64::from(part + 1))),
        );
        right = left;
    }
    panels
}

/// The last moment of which a condition holds that holds at 0 at the latest; by 60, every clock has rung.
fn bisect(holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 60.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if holds(middle) { low = middle } else { high = middle }
    }
    low
}

/// Mean and variance of how many clocks have rung by `t`.
fn moments(classes: &[Class], t: f64) -> (f64, f64) {
    classes.iter().fold((0.0, 0.0), |(mean, variance), class| {
        let rung = -(-class.rate * t).exp_m1();
        let (n, variance_of_one) = (class.entries as f64, rung * (1.0 - rung));
        (mean + n * rung, variance + n * variance_of_one)
    })
}

/// For an entry of each class, the probability that fewer than `seats` of the other clocks have rung by `t`.
fn fewer_than(classes: &[Class], seats: u64, t: f64) -> Vec<f64> {
    let (mean, variance) = moments(classes, t);
    let entries: u64 = classes.iter().map(|class| class.entries).sum();
    // A window that holds all but a negligible part of the distribution; counts outside fold back into it.
    let reach = (10.0 * variance.sqrt() + 40.0).ceil();
    let first = (mean - reach).max(0.0).floor() as u64;
    let width = (2.0 * reach) as u64 + 2;
    let (first, width) =
        if first + width > entries { (first.min(entries), entries + 1) } else { (first, width) };
    let first = if width == entries + 1 { 0 } else { first };
    if seats <= first {
        return vec![0.0; classes.len()];
    }
    if seats >= first + width {
        return vec![1.0; classes.len()];
    }
    let counted = seats - first;
    let mut sums = vec![counted as f64; classes.len()];
    // The values at a frequency and at its negative are conjugates: half of them suffice.
    for frequency in 1..=width / 2 {
        let angle = std::f64::consts::TAU * frequency as f64 / width as f64;
        let step = Complex::unit(angle);
        let back = Complex::unit(-angle);
        // The sum of back^m for m from `first` to `seats − 1`.
        let window =
            back.power(first).times(Complex::ONE.minus(back.power(counted)).over(Complex::ONE.minus(back)));
        let twice = if frequency * 2 == width { 1.0 } else { 2.0 };
        for (sum, others) in sums.iter_mut().zip(characteristic(classes, step, t)) {
            *sum += twice * window.times(others).re;
        }
    }
    sums.into_iter().map(|sum| (sum / width as f64).clamp(0.0, 1.0)).collect()
}

/// For each class, the characteristic function of how many clocks have rung, one clock of that class left out.
fn characteristic(classes: &[Class], step: Complex, t: f64) -> Vec<Complex> {
    let of_one = |class: &Class| {
        let rung = -(-class.rate * t).exp_m1();
        Complex { re: 1.0 - rung + rung * step.re, im: rung * step.im }
    };
    let ones: Vec<_> = classes.iter().map(of_one).collect();
    let all_but_one = classes.iter().zip(&ones).map(|(class, one)| one.power(class.entries - 1));
    let all_but_one = all_but_one.fold(Complex::ONE, Complex::times);
    let mut before = Complex::ONE;
    let mut products: Vec<_> = ones
        .iter()
        .map(|one| {
            let product = before;
            before = before.times(*one);
            product
        })
        .collect();
    let mut behind = all_but_one;
    for (product, one) in products.iter_mut().zip(&ones).rev() {
        *product = product.times(behind);
        behind = behind.times(*one);
    }
    products
}

/// A complex number.
#[derive(Clone, Copy)]
struct Complex {
    re: f64,
    im: f64,
}

impl Complex {
    const ONE: Self = Self { re: 1.0, im: 0.0 };

    fn unit(angle: f64) -> Self {
        Self { re: angle.cos(), im: angle.sin() }
    }

    fn times(self, other: Self) -> Self {
        Self { re: self.re * other.re - self.im * other.im, im: self.re * other.im + self.im * other.re }
    }

    fn minus(self, other: Self) -> Self {
        Self { re: self.re - other.re, im: self.im - other.im }
    }

    fn over(self, other: Self) -> Self {
        let length = other.re * other.re + other.im * other.im;
        self.times(Self { re: other.re / length, im: -other.im / length })
    }

    fn power(self, mut exponent: u64) -> Self {
        let (mut base, mut power) = (self, Self::ONE);
        while exponent > 0 {
            if exponent % 2 == 1 {
                power = power.times(base);
            }
            base = base.times(base);
            exponent /= 2;
        }
        power
    }
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
        ] {
            let classes: Vec<_> =
                std::iter::zip(&entries, &rates).map(|(&entries, &rate)| Class { rate, entries }).collect();
            let chances = inclusion(&classes, seats);
            for (wanted, chance) in chances.iter().enumerate() {
                let expected = enumerate(&mut entries.clone(), &rates, seats, wanted);
                assert!((chance - expected).abs() < ERROR, "{entries:?} {rates:?}: {chance} not {expected}");
            }
        }
    }

    #[test]
    fn the_chances_of_all_entries_add_up_to_the_seats() {
        for (entries, seats) in
            [([1727, 561, 258], 270), ([400_000, 300_000, 300_000], 1_000), ([50, 40, 7], 96)]
        {
            let classes: Vec<_> = std::iter::zip([1.0, 2.0, 3.0], entries)
                .map(|(rate, entries)| Class { rate, entries })
                .collect();
            let expected: f64 = inclusion(&classes, seats)
                .iter()
                .zip(entries)
                .map(|(chance, entries)| chance * entries as f64)
                .sum();
            let error = ERROR * classes.iter().map(|class| class.entries as f64).sum::<f64>();
            assert!((expected - seats as f64).abs() < error, "{entries:?}: {expected} instead of {seats}");
        }
    }
}
