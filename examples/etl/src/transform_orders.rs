//! Behind the state `TransformBatch`: a batch of orders, in euros, as a Parquet file.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::DisplayErrorContext;
use lambda_runtime::Diagnostic;
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::{basic::Compression, schema::parser::parse_message_type};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The columns. Amounts are cents, so that sums are exact.
const SCHEMA: &str = "message order {
    required int64 id; required int64 cents; required int64 euro_cents;
    required binary placed_at (utf8); required binary customer (utf8); required binary currency (utf8);
}";

/// A batch, and where its file goes.
#[derive(Debug, Deserialize)]
pub struct Input {
    key: String,
    /// What a unit of each currency is worth, in millionths of a euro.
    rates: BTreeMap<String, i64>,
    /// Lines of the CSV file, by the names of its columns.
    orders: Vec<Map<String, Value>>,
}

/// What has become of it.
#[derive(Debug, PartialEq, Serialize)]
pub struct Output {
    key: String,
    orders: usize,
    /// Orders that could not be read, each with the reason.
    rejected: Vec<String>,
}

/// Why there is no file.
#[derive(Debug, PartialEq)]
pub enum Failure {
    /// Most of the orders cannot be read, which another attempt would not change. The first reason.
    Garbled(String),
    /// The file could not be made or stored.
    Store(String),
}

/// `Retry` of the state machine names these errors.
impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Diagnostic {
        let (error_type, error_message) = match failure {
            Failure::Garbled(reason) => ("BatchGarbled", format!("most orders cannot be read: {reason}")),
            Failure::Store(reason) => ("StoreError", reason),
        };
        Diagnostic { error_type: error_type.to_owned(), error_message }
    }
}

/// An order, as the columns have it: first the numbers, then the texts.
#[derive(Debug, PartialEq)]
struct Order {
    numbers: [i64; 3],
    texts: [String; 3],
}

/// Converts the orders of a batch and stores those that can be read. A second run stores the same.
///
/// # Errors
/// If most orders cannot be read, or S3 fails.
pub async fn handle(s3: &Client, warehouse: &str, input: Input) -> Result<Output, Failure> {
    let (mut orders, mut rejected) = (Vec::new(), Vec::new());
    for row in &input.orders {
        match order(row, &input.rates) {
            Ok(order) => orders.push(order),
            Err(reason) => rejected.push(format!("{reason} in {}", Value::from(row.clone()))),
        }
    }
    if rejected.len() > orders.len() {
        return Err(Failure::Garbled(rejected.swap_remove(0)));
    }
    let file = parquet(&orders).map_err(|error| Failure::Store(error.to_string()))?;
    let put = s3.put_object().bucket(warehouse).key(&input.key).body(file.into());
    put.send().await.map_err(|error| Failure::Store(DisplayErrorContext(error).to_string()))?;
    tracing::info!(key = input.key, orders = orders.len(), rejected = rejected.len(), "a batch");
    Ok(Output { key: input.key, orders: orders.len(), rejected })
}

fn order(row: &Map<String, Value>, rates: &BTreeMap<String, i64>) -> Result<Order, String> {
    let text = |name: &str| row.get(name).and_then(Value::as_str).ok_or_else(|| format!("no {name}"));
    let currency = text("currency")?;
    let rate = rates.get(currency).ok_or_else(|| format!("no rate of the currency {currency:?}"))?;
    let amount = text("amount")?;
    let cents = cents(amount).ok_or_else(|| format!("no amount with cents: {amount:?}"))?;
    // Rounded half up, in numbers that no product of the two exceeds.
    let euro_cents = (i128::from(cents) * i128::from(*rate) + 500_000) / 1_000_000;
    let euro_cents = i64::try_from(euro_cents).map_err(|_| format!("too large an amount: {amount}"))?;
    let id = text("id")?.parse().map_err(|_| "no number as id".to_owned())?;
    let texts = [text("placed_at")?.to_owned(), text("customer")?.to_owned(), currency.to_owned()];
    Ok(Order { numbers: [id, cents, euro_cents], texts })
}

/// `12.34` as 1234.
fn cents(amount: &str) -> Option<i64> {
    let (units, cents) = amount.split_once('.')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_amount = is_number(units) && is_number(cents) && cents.len() == 2;
    is_amount.then(|| units.parse::<i64>().ok()?.checked_mul(100)?.checked_add(cents.parse().ok()?))?
}

/// A file with one group of rows, column by column.
fn parquet(orders: &[Order]) -> Result<Vec<u8>, ParquetError> {
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let mut file = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties))?;
    let mut rows = file.next_row_group()?;
    for index in 0.. {
        let Some(mut column) = rows.next_column()? else { break };
        if index < 3 {
            let values: Vec<i64> = orders.iter().map(|order| order.numbers[index]).collect();
            column.typed::<Int64Type>().write_batch(&values, None, None)?;
        } else {
            let text = |order: &Order| ByteArray::from(order.texts[index - 3].as_str());
            let values: Vec<ByteArray> = orders.iter().map(text).collect();
            column.typed::<ByteArrayType>().write_batch(&values, None, None)?;
        }
        column.close()?;
    }
    rows.close()?;
    file.into_inner()
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_amount_has_whole_cents_and_fits() {
        let cents =
            ["12.34", "0.05", "12", "12.3", "-1.00", "1e2.00", "9223372036854775807.00"].map(super::cents);
        assert_eq!(cents, [Some(1_234), Some(5), None, None, None, None, None]);
    }
}
