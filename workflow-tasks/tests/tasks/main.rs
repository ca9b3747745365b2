//! The tasks on a real DynamoDB in memory: called in order, twice, at the same time, and with SNS and SES answering badly.

#![allow(clippy::unwrap_used, reason = "a test fails by it, and says where")]

mod announcements;
mod claims;
mod deliveries;
mod drand;
mod draw;
mod fair_draw;
mod killed;
mod notifications;
mod organiser;
mod people;
mod reconciler;
mod release;
mod repeats;
mod replace;
mod ses;
mod stamps;
