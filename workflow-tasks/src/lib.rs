//! The functions behind the Task states of the lottery state machine.
