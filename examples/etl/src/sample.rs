//! The orders of three days, and of one with as many as are wanted.

use std::fmt::Write as _;

/// Days and their files: one as it should be, one with lines and a whole batch that cannot be read, one that ends in the
/// middle.
pub(crate) const DAYS: [(&str, &str); 3] = [
    ("2026-11-26", include_str!("../data/2026-11-26.csv")),
    ("2026-11-27", include_str!("../data/2026-11-27.csv")),
    ("2026-11-28", include_str!("../data/2026-11-28.csv")),
];

/// The day of a file that was made.
pub(crate) const MADE: &str = "2026-11-25";

/// A file of this many orders, and what they come to in euro cents.
pub(crate) fn orders(count: u32) -> (String, i64) {
    let mut file = String::from("id,placed_at,customer,currency,amount\n");
    let mut euro_cents = 0;
    for number in 0..count {
        let second = u64::from(number) * 86_400 / u64::from(count);
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        let (currency, rate) =
            [("EUR", 1_000_000), ("USD", 920_000), ("GBP", 1_170_000)][number as usize % 3];
        // Spread by a number without a factor in common with the range.
        let cents = 100 + u64::from(number) * 7_919 % 99_900;
        euro_cents += (cents * rate + 500_000) / 1_000_000;
        let (customer, euros, cents) = (number % 5_003, cents / 100, cents % 100);
        // Writing to a text cannot fail.
        let _ = writeln!(
            file,
            "{number},{MADE}T{hour:02}:{minute:02}:{second:02}Z,C-{customer},{currency},{euros}.{cents:02}"
        );
    }
    (file, i64::try_from(euro_cents).unwrap_or(i64::MAX))
}
