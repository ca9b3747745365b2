//! What an engine is started with.

use std::path::PathBuf;
use std::sync::Arc;

use crate::clock::Clock;
use crate::engine::Invoker;

/// What [`crate::Engine::start`] needs to know.
#[derive(Clone)]
pub struct Config {
    /// Where executions and their histories are kept.
    pub storage: Storage,
    /// The region in the ARNs that the engine gives out, such as `us-east-1`.
    pub region: String,
    /// The account in the ARNs that the engine gives out: twelve digits.
    pub account: String,
    /// Where the engine reads the time.
    pub clock: Clock,
    /// Who does the work of Task states.
    pub invoker: Arc<dyn Invoker>,
}

/// Where an engine keeps what it must remember.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Storage {
    /// In a database in this directory, which is created if it is not there. One engine at a time.
    Directory(PathBuf),
    /// In memory: everything is gone with the process, and of closed executions the last 10,000 are kept.
    Memory,
}
