//! The whole router, request by request, on a DynamoDB in memory and scripted SNS and Step Functions.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

mod auth;
mod aws;
mod documents;
mod draws;
mod edge;
mod fair_draw;
mod imports;
mod logs;
mod lotteries;
mod results;
mod support;
mod tokens;
