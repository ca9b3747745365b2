//! [`Meter`]: how much an evaluation may do. Every step and every byte that is made counts; nothing looks at a clock,
//! so that an expression that is replayed ends as it did before.

use super::error::{Error, Outcome};

/// What one evaluation may need.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Steps: parts of the expression that are evaluated, items that are visited, tries of a pattern.
    pub(crate) steps: u64,
    /// Bytes of all values that are made, also of those that are given up again.
    pub(crate) bytes: u64,
    /// Bytes of one text, and eight for each item of one array.
    pub(crate) value_bytes: usize,
    /// How deep evaluation may nest.
    pub(crate) depth: usize,
}

/// How deep functions of the language may call each other without an expression in between.
const MAX_CALLS: usize = 100;

/// The memory of one value in an array or a variable.
const VALUE_BYTES: u64 = 32;

/// What is left of the limits.
#[derive(Debug)]
pub(crate) struct Meter {
    limits: Limits,
    depth: usize,
    calls: usize,
}

impl Meter {
    pub(crate) fn new(limits: Limits) -> Meter {
        Meter { limits, depth: 0, calls: 0 }
    }

    pub(super) fn step(&mut self) -> Outcome<()> {
        self.steps(1)
    }

    pub(super) fn steps(&mut self, steps: usize) -> Outcome<()> {
        match self.limits.steps.checked_sub(steps as u64) {
            Some(left) => {
                self.limits.steps = left;
                Ok(())
            }
            None => Err(Error::timeout()),
        }
    }

    fn bytes(&mut self, bytes: u64) -> Outcome<()> {
        match self.limits.bytes.checked_sub(bytes) {
            Some(left) => {
                self.limits.bytes = left;
                Ok(())
            }
            None => Err(Error::memory()),
        }
    }

    /// A text of so many bytes is made.
    pub(crate) fn text(&mut self, bytes: usize) -> Outcome<()> {
        if bytes > self.limits.value_bytes {
            return Err(Error::memory());
        }
        self.steps(bytes / 64)?;
        self.bytes(bytes as u64 + VALUE_BYTES)
    }

    /// The most bytes of one text.
    pub(super) fn text_limit(&self) -> usize {
        self.limits.value_bytes
    }

    /// An array of so many items is made.
    pub(crate) fn array(&mut self, items: usize) -> Outcome<()> {
        if items > self.limits.value_bytes / 8 {
            return Err(Error::memory());
        }
        self.steps(items / 8)?;
        self.bytes((items as u64 + 2) * VALUE_BYTES)
    }

    /// An object of so many entries is made.
    pub(super) fn object(&mut self, entries: usize) -> Outcome<()> {
        self.steps(entries / 4)?;
        self.bytes((entries as u64 + 1) * 4 * VALUE_BYTES)
    }

    /// Variables are kept with a function that sees them.
    pub(super) fn captured(&mut self) -> Outcome<()> {
        self.bytes(8 * VALUE_BYTES)
    }

    /// A part of the expression begins.
    pub(super) fn enter(&mut self) -> Outcome<()> {
        self.step()?;
        self.depth += 1;
        if self.depth > self.limits.depth { Err(Error::stack()) } else { Ok(()) }
    }

    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }

    /// A function is called.
    pub(super) fn call(&mut self) -> Outcome<()> {
        self.step()?;
        self.calls += 1;
        if self.calls > MAX_CALLS + self.limits.depth { Err(Error::stack()) } else { Ok(()) }
    }

    pub(super) fn returned(&mut self) {
        self.calls -= 1;
    }
}
