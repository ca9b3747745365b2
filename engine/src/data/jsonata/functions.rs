//! The functions that Step Functions adds to JSONata: `$partition`, `$range`, `$hash`, `$random`, `$uuid`, `$parse`.
//!
//! They answer as AWS does, also where the documents are silent: a missing argument often makes the answer
//! undefined rather than an error, and fractions are cut off.

use crate::data::Json;
use crate::data::intrinsic::digest;
use crate::data::jsonata::language::{Error, Host, HostFunction, Meter, Outcome, Value};

static FUNCTIONS: [HostFunction; 6] = [
    HostFunction { name: "hash", arity: 2, run: hash },
    HostFunction { name: "parse", arity: 1, run: parse },
    HostFunction { name: "partition", arity: 2, run: partition },
    HostFunction { name: "random", arity: 1, run: random },
    HostFunction { name: "range", arity: 3, run: range },
    HostFunction { name: "uuid", arity: 0, run: uuid },
];

/// The function of a name.
pub(super) fn named(name: &str) -> Option<&'static HostFunction> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

fn mismatch<T>(function: &str, argument: usize) -> Outcome<T> {
    Err(Error::new("T0410").with_index(argument).with_token(function))
}

fn fail<T>(message: impl Into<String>) -> Outcome<T> {
    Err(Error::new("D3137").with_text(message))
}

/// The arguments, `N` of them, those left out being undefined; one too many is refused.
fn arguments<const N: usize>(function: &str, given: &[Value]) -> Outcome<[Value; N]> {
    if given.len() > N {
        return mismatch(function, N + 1);
    }
    Ok(std::array::from_fn(|at| given.get(at).cloned().unwrap_or_default()))
}

/// A number with its fraction cut off.
fn whole(function: &str, argument: usize, value: &Value) -> Outcome<i64> {
    match value.as_double() {
        Some(number) => Ok(number as i64),
        None => mismatch(function, argument),
    }
}

fn partition(_host: &dyn Host, given: &[Value], meter: &mut Meter) -> Outcome<Value> {
    let [array, size] = arguments("partition", given)?;
    let items = match &array {
        Value::Undefined => return Ok(Value::Undefined),
        Value::Array(array) => array.to_vec(),
        _ => return Err(Error::new("T0412").with_index(1).with_token("partition")),
    };
    let size = match &size {
        Value::Undefined => items.len() as i64,
        size => whole("partition", 2, size)?,
    };
    if size < 0 {
        return fail("Second argument must be zero or greater");
    }
    if size == 0 || items.is_empty() {
        return Ok(Value::Undefined);
    }
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let mut chunks = Vec::new();
    for chunk in items.chunks(size) {
        chunks.push(Value::array(chunk.to_vec(), meter)?);
    }
    Value::array(chunks, meter)
}

fn range(_host: &dyn Host, given: &[Value], meter: &mut Meter) -> Outcome<Value> {
    let [first, last, step] = arguments("range", given)?;
    let (first, last) = (whole("range", 1, &first)?, whole("range", 2, &last)?);
    let step = match &step {
        Value::Undefined => return Ok(Value::Undefined),
        step => whole("range", 3, step)?,
    };
    // The widest span does not fit into 64 bits.
    let (span, step) = (i128::from(last) - i128::from(first), i128::from(step));
    if step == 0 || span.signum() == -step.signum() {
        return Ok(Value::Undefined);
    }
    let steps = span / step;
    meter.array(usize::try_from(steps).unwrap_or(usize::MAX).saturating_add(1))?;
    // A sequence, so that a single number comes out by itself, as AWS answers.
    let numbers = (0..=steps).map(|at| Value::from((i128::from(first) + at * step) as f64));
    Value::sequence(numbers.collect(), meter)
}

fn hash(_host: &dyn Host, given: &[Value], meter: &mut Meter) -> Outcome<Value> {
    let [text, algorithm] = arguments("hash", given)?;
    let Some(text) = text.as_text() else { return mismatch("hash", 1) };
    let algorithm = match &algorithm {
        Value::Undefined => return Ok(Value::Undefined),
        Value::Text(algorithm) => algorithm,
        _ => return mismatch("hash", 2),
    };
    meter.text(text.len())?;
    match digest(text, algorithm) {
        Some(digest) => Ok(Value::from(&*digest)),
        None => {
            fail(format!("Hash algorithm '{algorithm}' must be one of SHA-1, SHA-384, SHA-256, SHA-512, MD5"))
        }
    }
}

fn parse(_host: &dyn Host, given: &[Value], meter: &mut Meter) -> Outcome<Value> {
    let [text] = arguments("parse", given)?;
    match &text {
        Value::Undefined => Ok(Value::Undefined),
        Value::Text(text) => {
            // A value takes several times the memory of its text.
            meter.text(text.len())?;
            meter.array(text.len() / 8)?;
            match Json::parse(text) {
                Ok(value) => Ok(Value::from(&value)),
                Err(_) => fail("Invalid JSON"),
            }
        }
        _ => mismatch("parse", 1),
    }
}

fn random(host: &dyn Host, given: &[Value], _meter: &mut Meter) -> Outcome<Value> {
    let [seed] = arguments("random", given)?;
    Ok(Value::from(match &seed {
        // 53 bits are what a double can distinguish between 0 and 1.
        Value::Undefined => (host.random() >> 11) as f64 / (1u64 << 53) as f64,
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

fn uuid(host: &dyn Host, given: &[Value], _meter: &mut Meter) -> Outcome<Value> {
    let [] = arguments("uuid", given)?;
    let bits = u128::from(host.random()) << 64 | u128::from(host.random());
    let uuid = uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid();
    Ok(Value::from(&*uuid.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeded_numbers_are_those_of_java() {
        assert_eq!(java_random(42), 0.727_563_680_032_868_1);
    }
}
