//! The functions that Step Functions adds to JSONata: `$partition`, `$range`, `$hash`, `$random`, `$uuid`, `$parse`;
//! and those of the language that draw random numbers, so that they draw the same again when replayed.
//!
//! They answer as AWS does, also where the documents are silent: a missing argument often makes the answer
//! undefined rather than an error, and fractions are cut off.

use std::rc::Rc;

use jsonata_core::evaluator::{Evaluator, EvaluatorError};
use jsonata_core::value::JValue;

use super::{MAX_SEQUENCE, convert, messages};
use crate::data::intrinsic::digest;
use crate::data::{Json, Random};

pub(super) type Answer = Result<JValue, EvaluatorError>;

/// Makes those of the functions known that an expression calls. Gives back the generator that they draw from.
pub(super) fn register(evaluator: &mut Evaluator, called: &[String], random: &Random) -> Option<Rc<Random>> {
    let mut generator = None;
    for name in called {
        let registered = match name.as_str() {
            "partition" => evaluator.register_fn("partition", partition),
            "range" => evaluator.register_fn("range", range),
            "hash" => evaluator.register_fn("hash", hash_text),
            "parse" => evaluator.register_fn("parse", parse),
            // AWS has no `$eval`.
            "eval" => evaluator.register_fn_override("eval", no_function),
            "random" | "uuid" | "shuffle" => {
                let random = Rc::clone(generator.get_or_insert_with(|| Rc::new(random.clone())));
                match name.as_str() {
                    "random" => {
                        evaluator.register_fn_override("random", move |given: &[JValue]| draw(given, &random))
                    }
                    "shuffle" => evaluator
                        .register_fn_override("shuffle", move |given: &[JValue]| shuffle(given, &random)),
                    _ => evaluator.register_fn("uuid", move |given: &[JValue]| uuid(given, &random)),
                }
            }
            _ => Ok(()),
        };
        registered.expect("the name is not built in, or is one that may be replaced");
    }
    generator
}

pub(super) fn fail<T>(message: impl Into<String>) -> Result<T, EvaluatorError> {
    Err(EvaluatorError::EvaluationError(message.into()))
}

fn mismatch<T>(function: &str, argument: usize) -> Result<T, EvaluatorError> {
    fail(format!("T0410: Argument {argument} of function \"{function}\" does not match function signature"))
}

/// The arguments, `N` of them, those left out being undefined; one too many is refused.
pub(super) fn arguments<'a, const N: usize>(
    function: &str,
    given: &'a [JValue],
) -> Result<[&'a JValue; N], EvaluatorError> {
    if given.len() > N {
        return mismatch(function, N + 1);
    }
    Ok(std::array::from_fn(|at| given.get(at).unwrap_or(&JValue::Undefined)))
}

/// A number with its fraction cut off.
fn whole(function: &str, argument: usize, value: &JValue) -> Result<i64, EvaluatorError> {
    match value {
        JValue::Number(number) => Ok(*number as i64),
        _ => mismatch(function, argument),
    }
}

fn no_function(_given: &[JValue]) -> Answer {
    fail("T1006: Attempted to invoke a non-function")
}

fn partition(given: &[JValue]) -> Answer {
    let [array, size] = arguments("partition", given)?;
    let items = match array {
        JValue::Undefined => return Ok(JValue::Undefined),
        JValue::Array(items) => items,
        _ => return fail("T0412: Argument 1 of function \"partition\" must be an array of undefined"),
    };
    let size = match size {
        JValue::Undefined => items.len() as i64,
        size => whole("partition", 2, size)?,
    };
    if size < 0 {
        return fail("D3137: Second argument must be zero or greater");
    }
    if size == 0 || items.is_empty() {
        return Ok(JValue::Undefined);
    }
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    Ok(JValue::array(items.chunks(size).map(|chunk| JValue::array(chunk.to_vec())).collect()))
}

fn range(given: &[JValue]) -> Answer {
    let [first, last, step] = arguments("range", given)?;
    let (first, last) = (whole("range", 1, first)?, whole("range", 2, last)?);
    let step = match step {
        JValue::Undefined => return Ok(JValue::Undefined),
        step => whole("range", 3, step)?,
    };
    // The widest span does not fit into 64 bits.
    let (span, step) = (i128::from(last) - i128::from(first), i128::from(step));
    if step == 0 || span.signum() == -step.signum() {
        return Ok(JValue::Undefined);
    }
    let steps = span / step;
    if steps >= MAX_SEQUENCE as i128 {
        return fail(messages::MEMORY_LIMIT);
    }
    // A sequence, so that a single number comes out by itself, as AWS answers.
    let numbers = (0..=steps).map(|at| JValue::Number((i128::from(first) + at * step) as f64));
    Ok(JValue::sequence(numbers.collect()).unwrap_sequence())
}

fn hash_text(given: &[JValue]) -> Answer {
    let [text, algorithm] = arguments("hash", given)?;
    let Some(text) = text.as_str() else { return mismatch("hash", 1) };
    let algorithm = match algorithm {
        JValue::Undefined => return Ok(JValue::Undefined),
        JValue::String(algorithm) => algorithm,
        _ => return mismatch("hash", 2),
    };
    match digest(text, algorithm) {
        Some(digest) => Ok(JValue::string(digest)),
        None => fail(format!(
            "D3137: Hash algorithm '{algorithm}' must be one of SHA-1, SHA-384, SHA-256, SHA-512, MD5"
        )),
    }
}

fn parse(given: &[JValue]) -> Answer {
    let [text] = arguments("parse", given)?;
    match text {
        JValue::Undefined => Ok(JValue::Undefined),
        JValue::String(text) => match Json::parse(text) {
            Ok(value) => Ok(convert::from_json(&value)),
            Err(_) => fail("D3137: Invalid JSON"),
        },
        _ => mismatch("parse", 1),
    }
}

fn draw(given: &[JValue], random: &Random) -> Answer {
    let [seed] = arguments("random", given)?;
    Ok(JValue::Number(match seed {
        JValue::Undefined => random.next_f64(),
        seed => java_random(whole("random", 1, seed)?),
    }))
}

/// The first `nextDouble()` of Java's `Random` with this seed, which is what AWS answers.
fn java_random(seed: i64) -> f64 {
    const MULTIPLIER: u64 = 0x5_DEEC_E66D;
    const MASK: u64 = (1 << 48) - 1;
    let mut state = (seed as u64 ^ MULTIPLIER) & MASK;
    let mut next = |bits: u32| {
        state = state.wrapping_mul(MULTIPLIER).wrapping_add(0xB) & MASK;
        state >> (48 - bits)
    };
    let (upper, lower) = (next(26), next(27));
    ((upper << 27) + lower) as f64 / (1u64 << 53) as f64
}

/// The language's own function, drawing from the execution's generator.
fn shuffle(given: &[JValue], random: &Random) -> Answer {
    let [array] = arguments("shuffle", given)?;
    let JValue::Array(items) = array else { return Ok(array.clone()) };
    let mut items = items.to_vec();
    for last in (1..items.len()).rev() {
        let index = (u128::from(random.next_u64()) * (last as u128 + 1)) >> 64;
        items.swap(last, index as usize);
    }
    Ok(JValue::array(items))
}

fn uuid(given: &[JValue], random: &Random) -> Answer {
    let [] = arguments("uuid", given)?;
    Ok(JValue::string(random.uuid()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeded_numbers_are_those_of_java() {
        assert_eq!(java_random(42), 0.727_563_680_032_868_1);
    }
}
