//! Files of Apache Parquet: a thread of its own reads the pages of the columns as it comes to them, and waits until the rows
//! before have been taken.

use std::collections::VecDeque;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::civil::{Date, Time};
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use parquet::errors::{ParquetError, Result as Parquet};
use parquet::file::reader::{ChunkReader, FileReader as _, Length, SerializedFileReader};
use parquet::record::reader::RowIter;
use parquet::record::{Field, Row};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::RANGE;
use crate::data::{Json, Number, Object};
use crate::engine::{Call, Invoker};
use crate::state::MapItem;

/// The largest group of rows, and the largest footer, as on AWS.
const MAX_GROUP: i64 = 256 * 1024 * 1024;
const MAX_FOOTER: u32 = 5 * 1024 * 1024;

/// How many ranges are kept, one after another having been read.
const CAPACITY: usize = 16;

/// Rows that are read one after another.
pub(super) struct Rows {
    /// The number of the next row.
    pub(super) at: u64,
    read: mpsc::Receiver<Result<Batch, String>>,
}

/// Some rows, and whether they are the last ones.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) items: Vec<MapItem>,
    pub(super) is_last: bool,
}

impl Rows {
    /// Rows of an object from this one on.
    pub(super) fn open(object: ObjectReader, at: u64) -> Result<Rows, String> {
        let (send, read) = mpsc::channel(1);
        let work = move || {
            // Without a receiver the map run has ended.
            let _ = read_rows(object, at, &send).map_err(|fault| send.blocking_send(Err(fault)));
        };
        std::thread::Builder::new()
            .name("parquet".to_owned())
            .spawn(work)
            .map_err(|error| format!("The Parquet file cannot be read: {error}"))?;
        Ok(Rows { at, read })
    }

    pub(super) async fn next(&mut self) -> Result<Batch, String> {
        let batch = self.read.recv().await;
        let batch = batch.unwrap_or_else(|| Err("The reader of the Parquet file panicked".to_owned()))?;
        self.at += batch.items.len() as u64;
        Ok(batch)
    }
}

fn read_rows(
    object: ObjectReader,
    start: u64,
    send: &mpsc::Sender<Result<Batch, String>>,
) -> Result<(), String> {
    let fault = |error: ParquetError| format!("The Parquet file cannot be read: {error}");
    object.check_footer().map_err(fault)?;
    let file = SerializedFileReader::new(object).map_err(fault)?;
    let (mut batch, mut bytes, mut first) = (Batch::default(), 0, 0);
    for (number, group) in file.metadata().row_groups().iter().enumerate() {
        let end = first + u64::try_from(group.num_rows()).unwrap_or(0);
        if group.total_byte_size() > MAX_GROUP {
            return Err("The Parquet file has a row group of more than 256 MB".to_owned());
        }
        if end > start {
            let reader = file.get_row_group(number).map_err(fault)?;
            for (row, index) in RowIter::from_row_group(None, &*reader).map_err(fault)?.zip(first..end) {
                let row = row.map_err(fault)?;
                if index < start {
                    continue;
                }
                let item = object_of(row);
                bytes += item.serialized_len() as u64;
                batch.items.push(MapItem::from(item));
                if bytes >= RANGE {
                    bytes = 0;
                    if send.blocking_send(Ok(std::mem::take(&mut batch))).is_err() {
                        return Ok(());
                    }
                }
            }
        }
        first = end;
    }
    batch.is_last = true;
    // Without a receiver the map run has ended.
    let _ = send.blocking_send(Ok(batch));
    Ok(())
}

/// A row as an item.
fn object_of(row: Row) -> Json {
    let columns = row.into_columns();
    let mut object = Object::with_capacity(columns.len());
    for (name, field) in columns {
        object.insert(name.as_str(), value_of(field));
    }
    Json::from(object)
}

/// A value as JSON: what JSON has no type for is a text.
fn value_of(field: Field) -> Json {
    let float = |value: f64| Number::from_f64(value).map_or(Json::Null, Json::from);
    // By its digits: 0.1 stays 0.1.
    let short = |value: f32| value.to_string().parse().map_or(Json::Null, float);
    match field {
        Field::Null => Json::Null,
        Field::Bool(value) => Json::from(value),
        Field::Byte(value) => Json::from(i64::from(value)),
        Field::Short(value) => Json::from(i64::from(value)),
        Field::Int(value) => Json::from(i64::from(value)),
        Field::Long(value) => Json::from(value),
        Field::UByte(value) => Json::from(u64::from(value)),
        Field::UShort(value) => Json::from(u64::from(value)),
        Field::UInt(value) => Json::from(u64::from(value)),
        Field::ULong(value) => Json::from(value),
        Field::Float16(value) => short(value.to_f32()),
        Field::Float(value) => short(value),
        Field::Double(value) => float(value),
        Field::Str(text) => Json::from(text),
        Field::Bytes(bytes) => Json::from(STANDARD.encode(bytes.data())),
        Field::Date(days) => {
            let date = Date::constant(1970, 1, 1).checked_add(i64::from(days).days());
            date.map_or(Json::Null, |date| Json::from(date.to_string()))
        }
        Field::TimeMillis(value) => time(SignedDuration::from_millis(i64::from(value))),
        Field::TimeMicros(value) => time(SignedDuration::from_micros(value)),
        Field::TimestampMillis(value) => timestamp(Timestamp::from_millisecond(value)),
        Field::TimestampMicros(value) => timestamp(Timestamp::from_microsecond(value)),
        Field::Group(row) => object_of(row),
        Field::ListInternal(list) => list.elements().iter().cloned().map(value_of).collect(),
        Field::MapInternal(map) => {
            let mut object = Object::with_capacity(map.entries().len());
            for (key, value) in map.entries() {
                let name = match value_of(key.clone()) {
                    Json::String(name) => name,
                    other => other.to_text().into(),
                };
                object.insert(name, value_of(value.clone()));
            }
            Json::from(object)
        }
        decimal @ Field::Decimal(_) => Json::from(decimal.to_string()),
    }
}

fn time(since_midnight: SignedDuration) -> Json {
    let time = Time::midnight().checked_add(since_midnight);
    time.map_or(Json::Null, |time| Json::from(time.to_string()))
}

fn timestamp(timestamp: Result<Timestamp, jiff::Error>) -> Json {
    timestamp.map_or(Json::Null, |timestamp| Json::from(timestamp.to_string()))
}

/// An object that a thread reads in ranges.
pub(super) struct ObjectReader {
    pub(super) invoker: Arc<dyn Invoker>,
    /// The call without a range.
    pub(super) call: Call,
    pub(super) size: u64,
    pub(super) runtime: Handle,
    /// The last ranges that were read, by their numbers.
    pub(super) kept: Mutex<VecDeque<(u64, bytes::Bytes)>>,
}

impl ObjectReader {
    /// The footer says how long it is, and that is believed no further than AWS does.
    fn check_footer(&self) -> Parquet<()> {
        let end = self.size.checked_sub(8).ok_or(ParquetError::General("it is too short".to_owned()))?;
        let length = self.get_bytes(end, 4)?;
        let length: [u8; 4] = length[..].try_into().unwrap_or_default();
        if u32::from_le_bytes(length) > MAX_FOOTER {
            return Err(ParquetError::General("its footer is longer than 5 MB".to_owned()));
        }
        Ok(())
    }

    fn range(&self, number: u64) -> Parquet<bytes::Bytes> {
        let kept = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, bytes)) = kept().iter().find(|(known, _)| *known == number) {
            return Ok(bytes.clone());
        }
        let mut call = self.call.clone();
        let first = number * RANGE;
        if let Some(parameters) = call.parameters.as_object_mut() {
            let last = (first + RANGE).min(self.size) - 1;
            parameters.insert("Range", Json::from(format!("bytes={first}-{last}")));
        }
        let part = self.runtime.block_on(self.invoker.read_object(call));
        let part = part.map_err(|failure| ParquetError::General(failure.cause))?;
        let bytes = bytes::Bytes::from(part.bytes);
        let mut kept = kept();
        kept.truncate(CAPACITY - 1);
        kept.push_front((number, bytes.clone()));
        Ok(bytes)
    }
}

impl Length for ObjectReader {
    fn len(&self) -> u64 {
        self.size
    }
}

impl ChunkReader for ObjectReader {
    type T = std::io::Cursor<bytes::Bytes>;

    /// The bytes up to the end of a range, which hold any header of a page.
    fn get_read(&self, start: u64) -> Parquet<Self::T> {
        let left = usize::try_from(self.size.saturating_sub(start)).unwrap_or(usize::MAX);
        let length = left.min(RANGE as usize);
        Ok(std::io::Cursor::new(self.get_bytes(start, length)?))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Parquet<bytes::Bytes> {
        let end = start.checked_add(length as u64).filter(|end| *end <= self.size);
        let end = end.ok_or(ParquetError::EOF("it ends before what it names".to_owned()))?;
        let mut bytes = Vec::with_capacity(length);
        let mut at = start;
        while at < end {
            let range = self.range(at / RANGE)?;
            let wanted = usize::try_from(end - at).unwrap_or(usize::MAX);
            let offset = usize::try_from(at % RANGE).unwrap_or(usize::MAX).min(range.len());
            let read = (&range[offset..]).take(wanted as u64).read_to_end(&mut bytes)?;
            if read == 0 {
                return Err(ParquetError::EOF("the object store gave fewer bytes than it has".to_owned()));
            }
            at += read as u64;
        }
        Ok(bytes::Bytes::from(bytes))
    }
}
