//! How many clocks have rung by a time, and how many of the others for an entry of each class.

use super::{Class, moments, reach};

/// From this standard deviation on, a clock is taken out by a series.
const SERIES_FROM: f64 = 16.0;
/// The terms of that series: the next is below 10⁻¹⁰.
const TERMS: usize = 13;
/// A frequency whose value is smaller adds nothing, nor do those above it.
const NEGLIGIBLE: f64 = 1e-13;

/// The distribution of the number of clocks that have rung, by its Fourier transform over a window of counts that holds all
/// but a negligible part; counts outside fold back into it.
pub(super) struct Rung {
    /// For each class, the chance that one of its clocks has rung.
    chances: Vec<f64>,
    deviation: f64,
    first: u64,
    width: u64,
    /// The characteristic function at the frequencies above 0 that matter. Its value at the negative frequency is the conjugate,
    /// and half of them suffice.
    values: Vec<Complex>,
}

impl Rung {
    pub(super) fn by(classes: &[Class], t: f64) -> Self {
        let found = moments(classes, t);
        let deviation = found.variance.sqrt();
        let reach = reach(deviation).ceil();
        let first = (found.mean - reach).max(0.0).floor() as u64;
        let width = 2 * reach as u64 + 2;
        let chances: Vec<_> = classes.iter().map(|class| -(-class.rate * t).exp_m1()).collect();
        let mut values = Vec::new();
        for frequency in 1..=width / 2 {
            let step = Complex::unit(angle(frequency, width));
            let of_one = |rung: &f64| Complex { re: 1.0 - rung + rung * step.re, im: rung * step.im };
            let powers = chances.iter().zip(classes).map(|(rung, class)| of_one(rung).power(class.entries));
            let value = powers.fold(Complex::ONE, Complex::times);
            if value.re.hypot(value.im) < NEGLIGIBLE {
                break;
            }
            values.push(value);
        }
        Self { chances, deviation, first, width, values }
    }

    /// For each of these numbers of seats and an entry of each class, the chance that fewer of the other clocks have rung.
    pub(super) fn fewer_than(&self, seats: &[u64]) -> Vec<Vec<f64>> {
        if self.deviation < SERIES_FROM { self.by_division(seats) } else { self.by_series(seats) }
    }

    /// The frequencies with their values, which count twice but for the highest.
    fn frequencies(&self) -> impl Iterator<Item = (u64, Complex)> + '_ {
        (1..).zip(&self.values).map(|(frequency, value)| {
            let times = if frequency * 2 == self.width { 1.0 } else { 2.0 };
            (frequency, value.scaled(times / self.width as f64))
        })
    }

    /// Of `N = N′ + B`, where `B` is a clock that has rung with the chance `p`, the distribution of `N′`: each count of `N`
    /// is made of two neighbours of `N′`, and gives the one if the other is known. Begun at the end from which errors shrink.
    fn by_division(&self, seats: &[u64]) -> Vec<Vec<f64>> {
        let width = self.width as usize;
        let mut counts = vec![1.0 / self.width as f64; width];
        for (frequency, value) in self.frequencies() {
            let back = Complex::unit(-angle(frequency, self.width));
            let mut term = value.times(self.back(frequency, self.first));
            for count in &mut counts {
                *count += term.re;
                term = term.times(back);
            }
        }
        let mut found = vec![Vec::with_capacity(self.chances.len()); seats.len()];
        let mut others = vec![0.0; width];
        for p in &self.chances {
            if *p <= 0.5 {
                let mut before = 0.0;
                for (other, count) in others.iter_mut().zip(&counts) {
                    before = (count - p * before) / (1.0 - p);
                    *other = before;
                }
            } else {
                let mut behind = 0.0;
                for place in (0..width).rev() {
                    others[place] = behind;
                    behind = (counts[place] - (1.0 - p) * behind) / p;
                }
            }
            let mut below = 0.0;
            let mut counted = 0;
            for (found, seats) in found.iter_mut().zip(seats) {
                let until = (seats.saturating_sub(self.first) as usize).min(width);
                below += others[counted.min(until)..until].iter().sum::<f64>();
                counted = until;
                found.push(below.clamp(0.0, 1.0));
            }
        }
        found
    }

    /// With the difference `∇f(k) = f(k) − f(k − 1)`, `N′` is below any `k` with the chance `Σ pʲ ∇ʲ P(N < k)`: the wider the
    /// distribution, the faster its differences vanish.
    fn by_series(&self, seats: &[u64]) -> Vec<Vec<f64>> {
        let of_seats = |seats: &u64| {
            if *seats <= self.first {
                return vec![0.0; self.chances.len()];
            }
            if *seats >= self.first + self.width {
                return vec![1.0; self.chances.len()];
            }
            let differences = self.differences(*seats);
            let sum = |p: &f64| differences.iter().rev().fold(0.0, |sum, term| sum * p + term);
            self.chances.iter().map(|p| sum(p).clamp(0.0, 1.0)).collect()
        };
        seats.iter().map(of_seats).collect()
    }

    fn differences(&self, seats: u64) -> [f64; TERMS] {
        let mut differences = [0.0; TERMS];
        differences[0] = (seats - self.first) as f64 / self.width as f64;
        differences[1] = 1.0 / self.width as f64;
        for (frequency, value) in self.frequencies() {
            let step = Complex::unit(angle(frequency, self.width));
            let back = Complex { im: -step.im, ..step };
            // The sum of back^m for m from `first` to `seats − 1`.
            let ends = self.back(frequency, self.first).minus(self.back(frequency, seats));
            differences[0] += value.times(ends.over(Complex::ONE.minus(back))).re;
            let mut term = value.times(self.back(frequency, seats - 1));
            for difference in &mut differences[1..] {
                *difference += term.re;
                term = term.times(Complex::ONE.minus(step));
            }
        }
        differences
    }

    /// e^(−2πi · frequency · count / width).
    fn back(&self, frequency: u64, count: u64) -> Complex {
        Complex::unit(-angle(frequency * (count % self.width) % self.width, self.width))
    }
}

fn angle(frequency: u64, width: u64) -> f64 {
    std::f64::consts::TAU * frequency as f64 / width as f64
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

    fn scaled(self, by: f64) -> Self {
        Self { re: self.re * by, im: self.im * by }
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

    #[test]
    fn both_ways_to_take_a_clock_out_agree() {
        let classes: Vec<_> = (1..=40).map(|rate| Class { rate: f64::from(rate), entries: 200 }).collect();
        for t in [0.02, 0.05, 0.2] {
            let rung = Rung::by(&classes, t);
            assert!(rung.deviation > SERIES_FROM, "{}", rung.deviation);
            let middle = rung.first + rung.width / 2;
            let seats: Vec<_> = [60, 30, 5, 0].map(|below| middle - below).to_vec();
            let both = std::iter::zip(rung.by_division(&seats), rung.by_series(&seats));
            for (one, other) in both.flat_map(|(one, other)| std::iter::zip(one, other)) {
                assert!((one - other).abs() < 1e-9, "{t}: {one} {other}");
            }
        }
    }
}
