//! A state machine, parsed.

/// A parsed state machine.
#[derive(Debug)]
pub struct StateMachine {}
