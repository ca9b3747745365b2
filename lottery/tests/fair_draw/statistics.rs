//! Chi-square tests for draws without replacement.

/// How far a chi-square value lies from what is expected, in standard deviations (Wilson and Hilferty 1931).
pub(crate) fn deviation(chi_square: f64, degrees: f64) -> f64 {
    let spread = 2.0 / (9.0 * degrees);
    ((chi_square / degrees).cbrt() - (1.0 - spread)) / spread.sqrt()
}

/// Whether `n` entries are drawn equally often, where each draw takes some of them without replacement.
///
/// One draw of `k` has the covariance `k (n − k) / (n (n − 1)) · (I − J/n)`, so that the sum of squares over
/// that factor is a chi-square with n − 1 degrees of freedom; with a constant `k` that is
/// `(n − 1)/(n − k) · Σ (O − E)²/E` with `E = N k/n` (Joe 1993).
pub(crate) fn inclusion(counts: &[u64], drawn: impl IntoIterator<Item = usize>) -> f64 {
    let n = counts.len() as f64;
    let mut factor = 0.0;
    for k in drawn {
        factor += k as f64 * (n - k as f64) / (n * (n - 1.0));
    }
    deviation(squares(counts) / factor, n - 1.0)
}

/// Whether all pairs of `n` entries are drawn together equally often in `draws` draws of `k`, beyond what the
/// entries' own counts say.
///
/// The counts of pairs form the Johnson scheme J(n, 2): their covariance has one eigenvalue on the part that the
/// entries' counts determine, and one on the remaining n (n − 3)/2 dimensions, which are tested here.
pub(crate) fn pairs(together: &[Vec<u64>], k: usize, draws: u64) -> f64 {
    let (n, k) = (together.len() as f64, k as f64);
    let all = (0..together.len()).flat_map(|i| (0..i).map(move |j| together[i][j])).collect::<Vec<_>>();
    let of_each: Vec<u64> = (0..together.len())
        .map(|i| (0..together.len()).filter(|&j| j != i).map(|j| together[i.max(j)][i.min(j)]).sum())
        .collect();
    let beyond = squares(&all) - squares(&of_each) / (n - 2.0);
    let two = k * (k - 1.0) / (n * (n - 1.0));
    let three = two * (k - 2.0) / (n - 2.0);
    let four = three * (k - 3.0) / (n - 3.0);
    let eigenvalue = (two - two * two) - 2.0 * (three - two * two) + (four - two * two);
    deviation(beyond / (draws as f64 * eigenvalue), n * (n - 3.0) / 2.0)
}

fn squares(counts: &[u64]) -> f64 {
    let mean = counts.iter().sum::<u64>() as f64 / counts.len() as f64;
    counts.iter().map(|count| (*count as f64 - mean).powi(2)).sum()
}
