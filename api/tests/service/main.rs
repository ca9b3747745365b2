//! The whole router, request by request, on a DynamoDB in memory and scripted SNS and Step Functions.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

mod auth;
mod aws;
mod documents;
mod draws;
mod edge;
mod edit;
mod export;
mod fair_draw;
mod guests;
mod import_modes;
mod imports;
mod join_privacy;
mod list;
mod lists;
mod logs;
mod lotteries;
mod notifications;
mod opted_out;
mod parameters;
mod quotas;
mod results;
mod sizes;
mod support;
mod tokens;
mod watching;
mod winner_files;
