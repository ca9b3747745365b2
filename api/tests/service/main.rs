//! The whole router, request by request, on a DynamoDB in memory and scripted SNS and Step Functions.

mod auth;
mod aws;
mod documents;
mod draws;
mod edge;
mod imports;
mod lotteries;
mod results;
mod support;
mod tokens;
