//! Where executions and their histories are stored.

use std::path::PathBuf;

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
