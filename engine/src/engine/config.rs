//! What an engine is started with.

use std::path::PathBuf;
use std::sync::Arc;

use crate::clock::Clock;
use crate::engine::{Invoker, NoServices};

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

impl Config {
    /// An engine in memory without services, such as an example or a test wants: the system's clock, region `us-east-1`,
    /// account `123456789012`. Task states may use activities, task tokens and nested executions.
    pub fn in_memory() -> Config {
        Config {
            storage: Storage::Memory,
            region: "us-east-1".to_owned(),
            account: "123456789012".to_owned(),
            clock: Clock::system(),
            invoker: Arc::new(NoServices),
        }
    }
}

/// Where an engine keeps what it must remember.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Storage {
    /// In a database in this directory, which is created if it is not there. One engine at a time.
    Directory(PathBuf),
    /// In memory: everything is gone with the process, and of closed executions the last ones are kept, within
    /// [`MemoryBounds::default`].
    Memory,
    /// The same, within other bounds.
    BoundedMemory(MemoryBounds),
}

/// What an engine in memory keeps of executions that have closed. What goes beyond either bound goes, oldest first;
/// an execution under way is never touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryBounds {
    /// How many of them keep their histories. Of ten times as many it is known for five minutes how they ended.
    pub executions: usize,
    /// The bytes of their histories together, as they are stored; the process needs about a third more.
    pub history_bytes: usize,
}

impl Default for MemoryBounds {
    /// 10,000 executions with 96 MiB of histories.
    fn default() -> MemoryBounds {
        MemoryBounds { executions: 10_000, history_bytes: 96 << 20 }
    }
}
