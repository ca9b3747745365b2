//! What the tests of several crates share.
//!
//! - [`dynamodb`]: a DynamoDB in memory that fails on request, and a store on it
//! - [`sns`]: an SNS whose replies a test scripts
//! - [`executions`]: a Step Functions that knows executions by name and status
//! - [`template`]: the template of the deployment, its intrinsic functions filled
//!
//! The fakes are connectors: the SDK's requests go straight to them, without a socket.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue fails")]
#![allow(missing_docs, reason = "the names say what a test does with them")]

pub mod dynamodb;
pub mod executions;
pub mod sns;
pub mod template;
