//! [`Random`]: random numbers that come again when an execution is replayed.

use std::cell::Cell;

use sha2::{Digest, Sha256};

/// A generator whose n-th number follows from its seed and n alone: the first eight bytes of SHA-256(seed, n).
///
/// A stored execution keeps the seed and how many numbers were drawn. The algorithm is part of what is stored:
/// another one would replay old executions differently.
#[derive(Clone, Debug)]
pub struct Random {
    seed: u128,
    drawn: Cell<u64>,
}

impl Random {
    /// The generator of a seed, from its first number on.
    pub fn new(seed: u128) -> Random {
        Random::resume(seed, 0)
    }

    /// The generator of a seed after this many numbers.
    pub fn resume(seed: u128, drawn: u64) -> Random {
        Random { seed, drawn: Cell::new(drawn) }
    }

    /// The generator of a text: the same text, the same numbers.
    pub fn from_text(text: &str) -> Random {
        let digest = Sha256::digest(text.as_bytes());
        Random::new(u128::from_be_bytes(first_bytes(&digest)))
    }

    /// How many numbers have been drawn.
    pub fn drawn(&self) -> u64 {
        self.drawn.get()
    }

    /// The next number.
    pub fn next_u64(&self) -> u64 {
        let index = self.drawn.get();
        self.drawn.set(index.wrapping_add(1));
        let digest =
            Sha256::new().chain_update(self.seed.to_be_bytes()).chain_update(index.to_be_bytes()).finalize();
        u64::from_be_bytes(first_bytes(&digest))
    }

    /// The next number, from 0 up to but without 1.
    pub fn next_f64(&self) -> f64 {
        // 53 bits are what a double can distinguish between 0 and 1.
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A random UUID (version 4).
    pub fn uuid(&self) -> String {
        let bits = u128::from(self.next_u64()) << 64 | u128::from(self.next_u64());
        uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid().to_string()
    }
}

fn first_bytes<const N: usize>(digest: &[u8]) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&digest[..N]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resumed_generator_goes_on_where_it_was() {
        let random = Random::new(7);
        let first: Vec<_> = (0..5).map(|_| random.next_u64()).collect();
        let resumed = Random::resume(7, 3);
        assert_eq!([resumed.next_u64(), resumed.next_u64()], first[3..]);
        assert_ne!(Random::new(8).next_u64(), first[0]);
    }

    #[test]
    fn the_numbers_of_a_seed_never_change() {
        assert_eq!(Random::new(1).next_u64(), 0x71fa_a70e_1da0_0be5);
    }

    #[test]
    fn a_uuid_is_of_version_4() {
        let text = Random::new(1).uuid();
        assert_eq!((text.len(), &text[14..15]), (36, "4"));
    }

    #[test]
    fn fractions_lie_between_zero_and_one() {
        let random = Random::new(3);
        assert!((0..1000).map(|_| random.next_f64()).all(|value| (0.0..1.0).contains(&value)));
    }
}
