//! The whole system in one process: API, engine, DynamoDB, SNS and an inbox.
