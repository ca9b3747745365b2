//! Items that are read from objects, and results that are written to others.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use asl_engine::data::Json;
use asl_engine::engine::{ExecutionDescription, MachineType, NewExecution, NewStateMachine};
use asl_engine::{Call, Config, Engine, Invoker, ObjectPart, TaskFailure};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

/// A store of objects, with the ranges that were read.
#[derive(Clone, Default)]
pub(crate) struct Objects(Arc<Mutex<BTreeMap<String, Vec<u8>>>>, Arc<Mutex<Vec<String>>>);

impl Invoker for Objects {
    fn supports(&self, _service: &str, _action: &str) -> bool {
        true
    }

    fn invoke(&self, call: Call) -> BoxFuture<'static, Result<Json, TaskFailure>> {
        let text = |name| call.parameters.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
        let answer = match call.action.as_str() {
            "putObject" if text("Bucket") == "closed" => {
                Err(TaskFailure { error: "S3.AccessDenied".to_owned(), cause: "Access Denied".to_owned() })
            }
            "putObject" => {
                self.0.lock().unwrap().insert(text("Key"), text("Body").into_bytes());
                Ok(Json::empty_object())
            }
            "listObjectsV2" if !text("Prefix").is_empty() => {
                Ok(self.listed(&text("Prefix"), &text("ContinuationToken")))
            }
            "listObjectsV2" if text("ContinuationToken").is_empty() => Ok(Json::parse(
                r#"{"Contents": [{"Key": "a", "Size": 1, "ETag": "\"e\"", "LastModified": "2026-01-01T00:00:00Z", "StorageClass": "STANDARD"}],
                    "NextContinuationToken": "t"}"#,
            )
            .unwrap()),
            "listObjectsV2" => Ok(Json::parse(r#"{"Contents": [{"Key": "b", "Size": 2}]}"#).unwrap()),
            other => panic!("{other}"),
        };
        std::future::ready(answer).boxed()
    }

    fn read_object(&self, call: Call) -> BoxFuture<'static, Result<ObjectPart, TaskFailure>> {
        let text = |name| call.parameters.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
        self.1.lock().unwrap().push(text("Range"));
        let objects = self.0.lock().unwrap();
        let Some(object) = objects.get(&text("Key")) else {
            let cause = "The specified key does not exist.".to_owned();
            return std::future::ready(Err(TaskFailure { error: "S3.NoSuchKey".to_owned(), cause })).boxed();
        };
        let range = text("Range");
        let (first, last) = range.strip_prefix("bytes=").unwrap().split_once('-').unwrap();
        let (first, last) = (first.parse::<usize>().unwrap(), last.parse::<usize>().unwrap());
        let bytes = object[first.min(object.len())..object.len().min(last + 1)].to_vec();
        let part = ObjectPart { etag: Some("\"e\"".to_owned()), size: object.len() as u64, bytes };
        std::future::ready(Ok(part)).boxed()
    }
}

impl Objects {
    pub(crate) fn with(key: &str, bytes: impl Into<Vec<u8>>) -> Objects {
        Objects::default().and(key, bytes)
    }

    pub(crate) fn and(self, key: &str, bytes: impl Into<Vec<u8>>) -> Objects {
        self.0.lock().unwrap().insert(key.to_owned(), bytes.into());
        self
    }

    /// The first object with this prefix after a key, and the way to the next.
    fn listed(&self, prefix: &str, after: &str) -> Json {
        let objects = self.0.lock().unwrap();
        let mut found = objects.iter().filter(|(key, _)| key.starts_with(prefix) && key.as_str() > after);
        let Some((key, bytes)) = found.next() else { return Json::empty_object() };
        let content = [("Key", Json::from(key.as_str())), ("Size", Json::from(bytes.len() as u64))];
        let mut answer = vec![("Contents", Json::array([Json::object(content)]))];
        if found.next().is_some() {
            answer.push(("NextContinuationToken", Json::from(key.as_str())));
        }
        Json::object(answer)
    }

    /// Runs a Map with these fields, whose children run these states.
    pub(crate) async fn run(&self, fields: &str, states: &str) -> ExecutionDescription {
        let engine =
            Engine::start(Config { invoker: Arc::new(self.clone()), ..Config::in_memory() }).await.unwrap();
        let definition = format!(
            r#"{{"StartAt": "Each", "States": {{"Each": {{"Type": "Map", "Label": "each", "End": true, {fields},
                "ItemProcessor": {{"ProcessorConfig": {{"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}, {states}}}}}}}}}"#
        );
        let machine = NewStateMachine {
            machine_type: MachineType::Standard,
            ..NewStateMachine::standard("m", &definition)
        };
        let machine = engine.create_state_machine(machine).await.unwrap();
        let input = Json::parse(r#"{"limit": 3}"#).unwrap();
        let execution = engine.start_execution(NewExecution::new(&machine.arn, input)).await.unwrap();
        let ended = engine.closed(&execution.arn).await.unwrap();
        engine.shutdown().await;
        ended
    }

    async fn read(&self, config: &str) -> String {
        let fields = format!(
            r#""ItemReader": {{"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {config},
                "Parameters": {{"Bucket": "b", "Key": "k"}}}}"#
        );
        shown(&self.run(&fields, PASS).await)
    }
}

pub(crate) const PASS: &str = r#""StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": true}}"#;

pub(crate) fn shown(ended: &ExecutionDescription) -> String {
    let failed = || {
        format!(
            "{}: {}",
            ended.error.as_deref().unwrap_or_default(),
            ended.cause.as_deref().unwrap_or_default()
        )
    };
    ended.output.as_ref().map_or_else(failed, Json::to_text)
}

#[tokio::test]
async fn each_format_is_read_item_by_item() {
    for (text, config, expected) in [
        (
            "a;b\n1;\"x;y\"\n\n2",
            r#"{"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW", "CSVDelimiter": "SEMICOLON"}"#,
            r#"[{"a":"1","b":"x;y"},{"a":"2","b":""}]"#,
        ),
        (
            "1,2\n3,4\n",
            r#"{"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": ["n"], "MaxItems": 1}"#,
            r#"[{"n":"1"}]"#,
        ),
        ("1\n\n{\"a\": [2]}\n\"x\"", r#"{"InputType": "JSONL"}"#, r#"[1,{"a":[2]},"x"]"#),
        ("[1, 2, 3, 4, 5]", r#"{"InputType": "JSON", "MaxItemsPath": "$.limit"}"#, "[1,2,3]"),
        (
            r#"{"skip": {"a": "]"}, "x/y": [[0], {"items": ["one", {"two": 2}]}]}"#,
            r#"{"InputType": "JSON", "ItemsPointer": "/x~1y/1/items"}"#,
            r#"["one",{"two":2}]"#,
        ),
        (
            r#"{"a": 1, "b": [2]}"#,
            r#"{"InputType": "JSON"}"#,
            r#"[{"Key":"a","Value":1},{"Key":"b","Value":[2]}]"#,
        ),
        ("[]", r#"{"InputType": "JSON"}"#, "[]"),
        ("", r#"{"InputType": "JSONL"}"#, "[]"),
        ("[1, 2", r#"{"InputType": "JSON"}"#, "States.ItemReaderFailed: The JSON file ends within its items"),
        (
            "7",
            r#"{"InputType": "JSON"}"#,
            "States.ItemReaderFailed: The ItemsPointer leads to no array and no object of the JSON file",
        ),
    ] {
        assert_eq!(Objects::with("k", text).read(config).await, expected, "{text}");
    }
    let missing = Objects::default().read(r#"{"InputType": "JSONL"}"#).await;
    assert_eq!(missing, "States.ItemReaderFailed: The specified key does not exist.");
}

#[tokio::test]
async fn a_large_file_is_read_in_ranges_and_every_byte_but_the_torn_items_once() {
    let rows: String = (0..40_000).map(|row| format!("{row},{}\n", "é".repeat(20))).collect();
    let objects = Objects::with("k", format!("n,text\n{rows}"));
    let fields = r#""ItemReader": {"Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}, "Parameters": {"Bucket": "b", "Key": "k"}},
        "ItemSelector": {"n.$": "$$.Map.Item.Value.n", "index.$": "$$.Map.Item.Index"},
        "ItemBatcher": {"MaxItemsPerBatch": 1000}"#;
    let sum = r#""StartAt": "Sum", "States": {"Sum": {"Type": "Pass", "QueryLanguage": "JSONata", "End": true,
        "Output": "{% [$sum($states.input.Items.n.$number()), $sum($states.input.Items.index)] %}"}}"#;
    let ended = objects.run(fields, sum).await;
    let sums = Json::parse(&shown(&ended)).unwrap();
    let batches = sums.as_array().unwrap();
    let total = |at: usize| batches.iter().filter_map(|batch| batch.at(at)?.as_u64()).sum::<u64>();
    let expected = 39_999 * 40_000 / 2;
    assert_eq!((batches.len(), total(0), total(1)), (40, expected, expected));
    let ranges = objects.1.lock().unwrap().len();
    let size = objects.0.lock().unwrap()["k"].len();
    assert!(ranges <= size / (256 * 1024) + 2, "{ranges} ranges of {size} bytes");
}

#[tokio::test]
async fn the_objects_of_a_bucket_are_items_and_say_where_they_are() {
    let fields = r#""ItemReader": {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": "b"}},
        "ItemSelector": {"object.$": "$$.Map.Item.Value", "source.$": "$$.Map.Item.Source"}"#;
    let ended = Objects::default().run(fields, PASS).await;
    assert_eq!(
        shown(&ended),
        r#"[{"object":{"Etag":"\"e\"","Key":"a","LastModified":1767225600,"Size":1,"StorageClass":"STANDARD"},"source":"S3://b"},{"object":{"Key":"b","Size":2},"source":"S3://b"}]"#
    );
}

fn writer(bucket: &str, config: &str, tolerated: u32) -> String {
    format!(
        r#""ItemReader": {{"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {{"InputType": "JSONL"}},
            "Parameters": {{"Bucket": "b", "Key": "k"}}}}, "ToleratedFailureCount": {tolerated}, "MaxConcurrency": 1,
        "ResultWriter": {{"Resource": "arn:aws:states:::s3:putObject", {config} "Parameters": {{"Bucket": "{bucket}", "Prefix": "out/"}}}}"#
    )
}

const FAIL_AT_3: &str = r#""StartAt": "Is3", "States": {
    "Is3": {"Type": "Choice", "Choices": [{"Variable": "$", "NumericEquals": 3, "Next": "Fail"}], "Default": "Pass"},
    "Fail": {"Type": "Fail", "Error": "Three", "Cause": "as told"},
    "Pass": {"Type": "Pass", "Result": ["x", "y"], "End": true}}"#;

fn written(objects: &Objects, name: &str) -> Json {
    let objects = objects.0.lock().unwrap();
    let text = objects.iter().find(|(key, _)| key.ends_with(name)).map(|(_, text)| text.clone());
    Json::parse_bytes(&text.unwrap_or_else(|| b"null".to_vec())).unwrap()
}

#[tokio::test]
async fn results_are_written_by_status_with_their_executions() {
    let objects = Objects::with("k", "1\n3\n5\n");
    let ended = objects.run(&writer("b", "", 1), FAIL_AT_3).await;
    let output = ended.output.clone().unwrap_or_else(|| panic!("{}", shown(&ended)));
    let arn = output.get("MapRunArn").and_then(Json::as_str).unwrap();
    let key = output.get("ResultWriterDetails").and_then(|details| details.get("Key")?.as_str()).unwrap();
    assert_eq!(key, format!("out/{}/manifest.json", arn.rsplit(':').next().unwrap()));
    let files = written(&objects, "manifest.json").get("ResultFiles").cloned().unwrap();
    let count = |status: &str| files.get(status).and_then(Json::as_array).unwrap().len();
    assert_eq!((count("SUCCEEDED"), count("FAILED"), count("PENDING")), (1, 1, 0));
    let succeeded = written(&objects, "SUCCEEDED_0.json");
    let first = succeeded.at(0).unwrap();
    let text = |entry: &Json, name: &str| entry.get(name).and_then(Json::as_str).map(str::to_owned);
    assert_eq!(text(first, "Input").as_deref(), Some("1"));
    assert_eq!(text(first, "Output").as_deref(), Some(r#"["x","y"]"#));
    assert_eq!(text(first, "Status").as_deref(), Some("SUCCEEDED"));
    assert!(text(first, "StateMachineArn").unwrap().ends_with(":stateMachine:m/each"));
    let failed = written(&objects, "FAILED_0.json");
    let failed = failed.at(0).unwrap();
    assert_eq!(
        (text(failed, "Error").as_deref(), text(failed, "Cause").as_deref()),
        (Some("Three"), Some("as told"))
    );

    let flat = r#""WriterConfig": {"Transformation": "FLATTEN", "OutputType": "JSON"},"#;
    objects.run(&writer("b", flat, 1), FAIL_AT_3).await;
    let objects = Objects::with("k", "1\n5\n");
    objects.run(&writer("b", flat, 1), FAIL_AT_3).await;
    assert_eq!(written(&objects, "SUCCEEDED_0.json").to_text(), r#"["x","y","x","y"]"#);
}

#[tokio::test]
async fn a_map_run_that_fails_writes_what_it_has_and_what_it_did_not_start() {
    let objects = Objects::with("k", "1\n3\n5\n");
    let ended = objects.run(&writer("b", "", 0), FAIL_AT_3).await;
    assert!(shown(&ended).starts_with("States.ExceedToleratedFailureThreshold: "), "{}", shown(&ended));
    let count = |name: &str| written(&objects, name).as_array().map_or(0, <[Json]>::len);
    assert_eq!((count("SUCCEEDED_0.json"), count("FAILED_0.json"), count("PENDING_0.json")), (1, 1, 1));

    let ended = Objects::with("k", "1\n").run(&writer("closed", "", 0), FAIL_AT_3).await;
    assert_eq!(shown(&ended), "States.ResultWriterFailed: Access Denied");
}
