//! Lists as people have them, through the public interface: bytes in, people and remarks out.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod addresses;
mod export;
mod files;
mod ids;
#[cfg(feature = "read-list")]
mod program;
mod robust;
mod round_trip;
mod support;
mod workbooks;
