//! Behind the state `VerifyLoad`: reads what was written, and holds it against what the shop has booked.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{DisplayErrorContext, SdkError};
use bytes::Bytes;
use lambda_runtime::Diagnostic;
use parquet::column::reader::get_typed_column_reader;
use parquet::data_type::Int64Type;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use serde::{Deserialize, Serialize};

/// The column `euro_cents`.
const EURO_CENTS: usize = 2;

/// How much of a day may be missing, in orders and in money: orders that could not be read, and batches that failed.
const TOLERATED_PERCENT: i64 = 5;

/// The prefix of the files, and what they should come to.
#[derive(Debug, Deserialize)]
pub struct Input {
    prefix: String,
    ledger: Sums,
}

/// Orders and their amounts.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Sums {
    orders: i64,
    euro_cents: i64,
}

/// Why the load cannot be published.
#[derive(Debug, PartialEq)]
pub enum Failure {
    /// Too much is missing.
    Incomplete(String),
    /// There is more than the shop has booked: something was loaded twice, or is of another day.
    Excess(String),
    /// A file could not be read. That can pass.
    Read(String),
}

/// `Retry` of the state machine names these errors.
impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Diagnostic {
        let (error_type, error_message) = match failure {
            Failure::Incomplete(reason) => ("LoadIncomplete", reason),
            Failure::Excess(reason) => ("LoadExceedsLedger", reason),
            Failure::Read(reason) => ("ReadError", reason),
        };
        Diagnostic { error_type: error_type.to_owned(), error_message }
    }
}

impl From<ParquetError> for Failure {
    fn from(error: ParquetError) -> Failure {
        Failure::Read(error.to_string())
    }
}

impl<E: std::error::Error + 'static> From<SdkError<E>> for Failure {
    fn from(error: SdkError<E>) -> Failure {
        Failure::Read(DisplayErrorContext(error).to_string())
    }
}

/// Counts and sums what the files hold. It holds one of them at a time.
///
/// # Errors
/// If it is not what the shop has booked, or cannot be read.
pub async fn handle(s3: &Client, warehouse: &str, input: Input) -> Result<Sums, Failure> {
    let list = s3.list_objects_v2().bucket(warehouse).prefix(&input.prefix);
    let mut pages = list.into_paginator().send();
    let mut loaded = Sums::default();
    while let Some(page) = pages.next().await {
        for key in page?.contents().iter().filter_map(|object| object.key()) {
            let object = s3.get_object().bucket(warehouse).key(key).send().await?;
            let body = object.body.collect().await.map_err(|error| Failure::Read(error.to_string()))?;
            let file = sums(body.into_bytes())?;
            loaded.orders += file.orders;
            loaded.euro_cents += file.euro_cents;
        }
    }
    tracing::info!(?loaded, ledger = ?input.ledger, "what was written");
    check(loaded, input.ledger)
}

/// What a file holds. Of its columns one is read.
fn sums(file: Bytes) -> Result<Sums, ParquetError> {
    let file = SerializedFileReader::new(file)?;
    let mut sums = Sums::default();
    for group in 0..file.num_row_groups() {
        let rows = file.get_row_group(group)?;
        let expected = rows.metadata().num_rows();
        let mut column = get_typed_column_reader::<Int64Type>(rows.get_column_reader(EURO_CENTS)?);
        let mut values = Vec::new();
        while column.read_records(8_192, None, None, &mut values)?.0 > 0 {}
        if i64::try_from(values.len()) != Ok(expected) {
            return Err(ParquetError::General(format!("{} of {expected} rows", values.len())));
        }
        sums.orders += expected;
        sums.euro_cents += values.iter().sum::<i64>();
    }
    Ok(sums)
}

fn check(loaded: Sums, ledger: Sums) -> Result<Sums, Failure> {
    let sentence = format!(
        "{} of {} orders were written, {} of {} euro cents",
        loaded.orders, ledger.orders, loaded.euro_cents, ledger.euro_cents
    );
    let pairs = [(loaded.orders, ledger.orders), (loaded.euro_cents, ledger.euro_cents)];
    if pairs.iter().any(|(loaded, ledger)| loaded > ledger) {
        return Err(Failure::Excess(sentence));
    }
    let is_enough = |loaded: i64, ledger: i64| (ledger - loaded) * 100 <= ledger * TOLERATED_PERCENT;
    match pairs.iter().all(|(loaded, ledger)| is_enough(*loaded, *ledger)) {
        true => Ok(loaded),
        false => Err(Failure::Incomplete(sentence)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_is_neither_more_than_what_was_booked_nor_much_less() {
        let of = |orders, euro_cents| Sums { orders, euro_cents };
        let ledger = of(100, 1_000);
        assert_eq!(check(of(95, 950), ledger), Ok(of(95, 950)));
        for (orders, euro_cents) in [(94, 1_000), (100, 949), (0, 0)] {
            assert!(matches!(check(of(orders, euro_cents), ledger), Err(Failure::Incomplete(_))));
        }
        for (orders, euro_cents) in [(101, 1_000), (100, 1_001)] {
            assert!(matches!(check(of(orders, euro_cents), ledger), Err(Failure::Excess(_))));
        }
    }
}
