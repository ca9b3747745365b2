//! The API as a client meets it.
#![allow(clippy::unwrap_used, reason = "what a test sets up is there, or the test fails")]

mod client;
mod logging;
mod mocks;
mod observing;
mod operations;
mod refusals;
mod test_state;
mod verbatim;
mod versions;
