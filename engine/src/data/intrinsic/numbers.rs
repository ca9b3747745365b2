//! The functions over numbers.

use super::Json;
use crate::data::{Number, Random};

/// A number rounded to the nearest whole one, halves upwards, as Java's `Math.round` does.
pub(super) fn rounded(value: &Json) -> Result<i64, String> {
    let number =
        value.as_number().ok_or_else(|| format!("The argument must be a number but was: {value}"))?;
    let nearest = || {
        let float = number.as_f64();
        // Adding a half first would round 0.49999999999999994 up.
        let below = float.floor();
        Number::from_f64(if float - below >= 0.5 { below + 1.0 } else { below })?.to_whole()
    };
    number.to_whole().or_else(nearest).ok_or_else(|| format!("The argument is out of range: {value}"))
}

pub(super) fn add(left: &Json, right: &Json) -> Result<Json, String> {
    let sum = rounded(left)?.checked_add(rounded(right)?);
    sum.map(Json::from).ok_or_else(|| "The sum is out of range".to_owned())
}

/// A whole number from `start` up to but without `end`.
pub(super) fn random(start: &Json, end: &Json, random: &Random) -> Result<Json, String> {
    let (start, end) = (rounded(start)?, rounded(end)?);
    let width = end.checked_sub(start).filter(|width| *width > 0);
    let Some(width) = width.and_then(|width| u64::try_from(width).ok()) else {
        return Err(format!("The start number must be less than the end number: {start} and {end}"));
    };
    // The product's upper half spreads 2^64 values evenly over the width, to within one part in 2^64 / width.
    let offset = (u128::from(random.next_u64()) * u128::from(width)) >> 64;
    Ok(Json::from(start + offset as i64))
}

/// The same number each time for the same seed.
pub(super) fn seeded_random(start: &Json, end: &Json, seed: &Json) -> Result<Json, String> {
    let seed = rounded(seed)?;
    random(start, end, &Random::new(seed as u128))
}
