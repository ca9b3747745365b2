//! The functions over arrays.

use std::collections::HashSet;

use super::Json;
use super::numbers::rounded;

/// The longest array that a range may have, as AWS documents it.
const MAX_RANGE: i64 = 1000;

fn items(value: &Json) -> Result<&[Json], String> {
    value.as_array().ok_or_else(|| format!("The argument must be an array but was: {value}"))
}

/// Cuts an array into arrays of `size` items; the last one has what is left.
pub(super) fn partition(array: &Json, size: &Json) -> Result<Json, String> {
    let size = rounded(size)?;
    match usize::try_from(size) {
        Ok(size) if size > 0 => {
            Ok(items(array)?.chunks(size).map(|chunk| Json::array(chunk.iter().cloned())).collect())
        }
        _ => Err(format!("The chunk size must be a positive integer but was: {size}")),
    }
}

pub(super) fn contains(array: &Json, value: &Json) -> Result<Json, String> {
    Ok(items(array)?.contains(value).into())
}

/// The numbers from `first` to `last`, both included, `step` apart.
pub(super) fn range(first: &Json, last: &Json, step: &Json) -> Result<Json, String> {
    let (first, last, step) = (rounded(first)?, rounded(last)?, rounded(step)?);
    if step == 0 {
        return Err("The increment must not be 0".to_owned());
    }
    let distance = last.checked_sub(first).ok_or("The range is too long")?;
    if distance.signum() == -step.signum() {
        return Ok(Json::array([]));
    }
    let steps = distance / step;
    if steps >= MAX_RANGE {
        return Err(format!("The range must not have more than {MAX_RANGE} items"));
    }
    Ok((0..=steps).map(|at| Json::from(first + at * step)).collect())
}

pub(super) fn get_item(array: &Json, index: &Json) -> Result<Json, String> {
    let items = items(array)?;
    let at = index.as_number().and_then(|number| usize::try_from(number.to_whole()?).ok());
    at.and_then(|at| items.get(at))
        .cloned()
        .ok_or_else(|| format!("The index {index} is out of bounds for an array of length {}", items.len()))
}

pub(super) fn length(array: &Json) -> Result<Json, String> {
    Ok(items(array)?.len().into())
}

/// The items without those that equal an earlier one.
#[expect(
    clippy::mutable_key_type,
    reason = "the remembered length, the one thing that changes, is not hashed"
)]
pub(super) fn unique(array: &Json) -> Result<Json, String> {
    let mut seen = HashSet::new();
    Ok(items(array)?.iter().filter(|item| seen.insert(*item)).cloned().collect())
}
