//! The store against a DynamoDB in memory, reached through the SDK.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod throughput;

mod contention;
mod draws;
mod idempotency;
mod imports;
mod ledger;
mod participants;
mod people;
mod records;
