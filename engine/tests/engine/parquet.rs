//! Items in files of Apache Parquet, written by the crate that reads them.

use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{
    ByteArray, ByteArrayType, DoubleType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type,
};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use crate::objects::{Objects, PASS, shown};

/// A file with the columns `n` and `text`, in groups of so many rows.
fn table(rows: std::ops::Range<i64>, per_group: usize, compression: Compression) -> Vec<u8> {
    let schema = "message m { required int64 n; optional binary text (UTF8); }";
    let properties = WriterProperties::builder().set_compression(compression).build();
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).unwrap();
    let rows: Vec<i64> = rows.collect();
    for rows in rows.chunks(per_group) {
        let mut group = writer.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int64Type>().write_batch(rows, None, None).unwrap();
        column.close().unwrap();
        // Each third one is null.
        let there: Vec<i16> = rows.iter().map(|row| i16::from(row % 3 != 0)).collect();
        let texts = rows.iter().filter(|row| *row % 3 != 0).map(|row| format!("é{row}").into_bytes().into());
        let texts: Vec<ByteArray> = texts.collect();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<ByteArrayType>().write_batch(&texts, Some(&there), None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
    }
    writer.into_inner().unwrap()
}

async fn read(objects: Objects, more: &str, states: &str) -> String {
    let fields = format!(
        r#""ItemReader": {{"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {{"InputType": "PARQUET"}},
            "Parameters": {{"Bucket": "b", "Key": "k"}}}} {more}"#
    );
    shown(&objects.run(&fields, states).await)
}

#[tokio::test]
async fn rows_are_items_by_the_names_of_their_columns() {
    for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::GZIP(Default::default())]
    {
        let objects = Objects::with("k", table(0..3, 2, compression));
        let expected = r#"[{"n":0,"text":null},{"n":1,"text":"é1"},{"n":2,"text":"é2"}]"#;
        assert_eq!(read(objects, "", PASS).await, expected, "{compression}");
    }
    assert_eq!(read(Objects::with("k", table(0..0, 1, Compression::SNAPPY)), "", PASS).await, "[]");
}

#[tokio::test]
async fn values_that_json_has_no_type_for_are_texts() {
    let schema = "message m { required int32 day (DATE); required int64 at (TIMESTAMP(MICROS, true));
        required fixed_len_byte_array(2) price (DECIMAL(4, 2)); required binary raw; required double ratio; }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int32Type>().write_batch(&[20_786], None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int64Type>().write_batch(&[1_795_910_400_000_001], None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let price = FixedLenByteArray::from(vec![0x04, 0xD2]);
    column.typed::<FixedLenByteArrayType>().write_batch(&[price], None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<ByteArrayType>().write_batch(&[ByteArray::from(vec![0, 255])], None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<DoubleType>().write_batch(&[0.1], None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    let objects = Objects::with("k", writer.into_inner().unwrap());
    assert_eq!(
        read(objects, "", PASS).await,
        r#"[{"day":"2026-11-29","at":"2026-11-29T00:00:00.000001Z","price":"12.34","raw":"AP8=","ratio":0.1}]"#
    );
}

#[tokio::test]
async fn a_large_table_is_read_in_pages_and_every_row_once() {
    let objects = Objects::with("k", table(0..50_000, 20_000, Compression::SNAPPY));
    let sum = r#""StartAt": "Sum", "States": {"Sum": {"Type": "Pass", "QueryLanguage": "JSONata", "End": true,
        "Output": "{% $sum($states.input.Items.n) %}"}}"#;
    let sums = read(objects, r#", "ItemBatcher": {"MaxItemsPerBatch": 1000}"#, sum).await;
    let sums: Vec<u64> = serde_json::from_str(&sums).unwrap();
    assert_eq!((sums.len(), sums.iter().sum::<u64>()), (50, 49_999 * 50_000 / 2));
}

#[tokio::test]
async fn what_is_no_parquet_fails_with_what_is_wrong() {
    let whole = table(0..100, 100, Compression::SNAPPY);
    let mut long_footer = whole.clone();
    let end = long_footer.len();
    long_footer[end - 8..end - 4].copy_from_slice(&u32::MAX.to_le_bytes());
    let mut torn = whole.clone();
    torn[40..120].fill(0xAA);
    for (bytes, fault) in [
        (Vec::new(), "too short"),
        (b"n,text\n1,one\n".to_vec(), "The Parquet file cannot be read"),
        (whole[..end / 2].to_vec(), "The Parquet file cannot be read"),
        (long_footer, "its footer is longer than 5 MB"),
        (torn, "Parquet file"),
    ] {
        let failed = read(Objects::with("k", bytes), "", PASS).await;
        assert!(failed.starts_with("States.ItemReaderFailed: ") && failed.contains(fault), "{failed}");
    }
}
