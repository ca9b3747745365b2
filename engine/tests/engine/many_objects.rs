//! Items in many objects, that a listing or a manifest names, and in objects that are packed.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::objects::{Objects, PASS, shown};

fn packed(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// What a Map makes of an `ItemReader`: its items with where each comes from, or its error.
async fn read(objects: &Objects, action: &str, config: &str, place: &str) -> String {
    let fields = format!(
        r#""ItemReader": {{"Resource": "arn:aws:states:::s3:{action}", "ReaderConfig": {config},
            "Parameters": {{"Bucket": "b", {place}}}}},
            "ItemSelector": {{"of.$": "$$.Map.Item.Source", "is.$": "$$.Map.Item.Value"}}"#
    );
    shown(&objects.run(&fields, PASS).await)
}

const INVENTORY: &str = r#"{"sourceBucket": "s", "destinationBucket": "arn:aws:s3:::d", "version": "2016-11-30",
    "fileFormat": "CSV", "fileSchema": "Bucket, Key, Size", "files": [{"key": "data/1.csv.gz", "size": 1},
    {"key": "data/2.csv", "size": 0}, {"key": "data/3.csv.gz", "size": 1}]}"#;

fn inventory(manifest: &str) -> Objects {
    Objects::with("k", manifest)
        .and("data/1.csv.gz", packed("\"s\",\"a/\",\"0\"\n\"s\",\"a/b, c.csv\",\"339\"\n"))
        .and("data/2.csv", "")
        .and("data/3.csv.gz", packed("\"s\",\"d\",\"1\"\n"))
}

#[tokio::test]
async fn the_rows_of_an_inventory_have_the_columns_of_its_manifest() {
    let rows = r#"[{"of":"S3://d/data/1.csv.gz","is":{"Bucket":"s","Key":"a/","Size":"0"}},{"of":"S3://d/data/1.csv.gz","is":{"Bucket":"s","Key":"a/b, c.csv","Size":"339"}},{"of":"S3://d/data/3.csv.gz","is":{"Bucket":"s","Key":"d","Size":"1"}}]"#;
    for config in [r#"{"InputType": "MANIFEST"}"#, r#"{"ManifestType": "S3_INVENTORY"}"#] {
        assert_eq!(read(&inventory(INVENTORY), "getObject", config, r#""Key": "k""#).await, rows, "{config}");
    }
    let given = r#"{"InputType": "MANIFEST", "CSVHeaderLocation": "GIVEN", "CSVHeaders": ["of", "key"], "MaxItems": 1}"#;
    let first = r#"[{"of":"S3://d/data/1.csv.gz","is":{"of":"s","key":"a/"}}]"#;
    assert_eq!(read(&inventory(INVENTORY), "getObject", given, r#""Key": "k""#).await, first);
}

#[tokio::test]
async fn what_is_no_inventory_fails_with_what_is_wrong() {
    for (objects, fault) in [
        (Objects::default(), "The specified key does not exist."),
        (Objects::with("k", "a,b"), "The file holds an item that is no JSON"),
        (Objects::with("k", "{}"), "The manifest is none of an S3 inventory"),
        (inventory(&INVENTORY.replace("\"CSV\"", "\"ORC\"")), "must be CSV"),
        (
            inventory(&INVENTORY.replace("1.csv.gz", "4.csv.gz")),
            "d/data/4.csv.gz: The specified key does not",
        ),
        (inventory(INVENTORY).and("data/1.csv.gz", "s,a,0"), "d/data/1.csv.gz: The file cannot be unpacked"),
        (inventory(INVENTORY).and("data/1.csv.gz", &packed("s,a,0\n")[..20]), "cannot be unpacked as gzip"),
    ] {
        let failed = read(&objects, "getObject", r#"{"InputType": "MANIFEST"}"#, r#""Key": "k""#).await;
        assert!(failed.starts_with("States.ItemReaderFailed: ") && failed.contains(fault), "{failed}");
    }
}

#[tokio::test]
async fn the_objects_of_a_listing_and_of_an_unload_are_read_one_after_another() {
    let objects = Objects::with("in/1.jsonl", "{\"n\": 1}\n{\"n\": 2}\n")
        .and("in/2.jsonl", "")
        .and("in/3.jsonl", "3")
        .and("other", "4")
        .and("k", "s3://b/in/3.jsonl\ns3://b/in/1.jsonl\n");
    let flatten = r#"{"InputType": "JSONL", "Transformation": "LOAD_AND_FLATTEN"}"#;
    assert_eq!(
        read(&objects, "listObjectsV2", flatten, r#""Prefix": "in/""#).await,
        r#"[{"of":"S3://b/in/1.jsonl","is":{"n":1}},{"of":"S3://b/in/1.jsonl","is":{"n":2}},{"of":"S3://b/in/3.jsonl","is":3}]"#
    );
    let unload = r#"{"InputType": "JSONL", "ManifestType": "ATHENA_DATA"}"#;
    assert_eq!(
        read(&objects, "getObject", unload, r#""Key": "k""#).await,
        r#"[{"of":"S3://b/in/3.jsonl","is":3},{"of":"S3://b/in/1.jsonl","is":{"n":1}},{"of":"S3://b/in/1.jsonl","is":{"n":2}}]"#
    );
    let wrong = read(&objects.and("k", "https://example.com/a"), "getObject", unload, r#""Key": "k""#).await;
    assert!(wrong.contains("which is no object of S3"), "{wrong}");
}

#[tokio::test]
async fn packed_objects_of_any_size_are_read_in_pages() {
    let rows: String =
        (0..60_000).map(|row| format!("{{\"n\": {row}, \"text\": \"{}\"}}\n", "é".repeat(20))).collect();
    let sum = r#""StartAt": "Sum", "States": {"Sum": {"Type": "Pass", "QueryLanguage": "JSONata", "End": true,
        "Output": "{% $sum($states.input.Items.n) %}"}}"#;
    let array = format!("{{\"x\": 1, \"rows\": [{}]}}", rows.trim_end().replace('\n', ","));
    for (text, config) in
        [(&rows, r#"{"InputType": "JSONL"}"#), (&array, r#"{"InputType": "JSON", "ItemsPointer": "/rows"}"#)]
    {
        let fields = format!(
            r#""ItemReader": {{"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {config},
                "Parameters": {{"Bucket": "b", "Key": "k.gz"}}}}, "ItemBatcher": {{"MaxItemsPerBatch": 10000}}"#
        );
        let ended = Objects::with("k.gz", packed(text)).run(&fields, sum).await;
        let sums: Vec<u64> = serde_json::from_str(&shown(&ended)).unwrap();
        assert_eq!(sums.iter().sum::<u64>(), 59_999 * 60_000 / 2, "{config}");
    }
}
