//! The tasks on a real DynamoDB in memory: called in order, twice, at the same time, and with SNS and SES answering badly.

#![allow(clippy::unwrap_used, reason = "a test fails by it, and says where")]

#[path = "../../../lottery-store/tests/store/support.rs"]
#[allow(dead_code, unreachable_pub, reason = "made for the tests of the store, which use all of it")]
mod dynamodb;

mod beacon;
mod deliveries;
mod drand;
mod draw;
mod executions;
mod fair_draw;
mod killed;
mod notifications;
mod reconciler;
mod ses;
mod sns;
mod world;
