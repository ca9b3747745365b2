//! The two DynamoDB tables of the lottery: the one crate that knows keys and conditions.
