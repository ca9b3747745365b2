//! The store against a DynamoDB in memory, reached through the SDK.

mod support;

mod contention;
mod draws;
mod idempotency;
mod participants;
