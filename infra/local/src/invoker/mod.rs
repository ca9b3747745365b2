//! What the engine's Task states can ask for here: Lambda functions, SNS, SQS, EventBridge, DynamoDB and S3, and what
//! is sent on to other services.

mod events;
mod http;
mod lambda;
mod sdk;
mod sqs;

use std::sync::Arc;

use asl_engine::data::Json;
use asl_engine::engine::{Secrets, Traced};
use asl_engine::{Call, Clock, Invoker, Job, ObjectPart, TaskFailure};
use futures_util::future::BoxFuture;
use serde_json::Value;

use crate::aws::{CallLog, DynamoDb, Guard, machine_caller, of_dynamodb, of_sns, of_sqs, sns_call};
use crate::config::{ACCOUNT, REGION};
use crate::connections::Connections;
use crate::events::Events;
use crate::forward::{Endpoints, Forwarder};
use crate::functions::Functions;
use crate::limits::{Service, ServiceCall};
use crate::names::pascal_case;
use crate::s3::{self, S3};
use crate::sns::{Parameters, Sns};
use crate::sqs::Queues;
use crate::worker::Worker;

/// The services of the stack, as the engine sees them.
#[derive(Clone)]
pub(crate) struct HostInvoker {
    functions: Arc<Functions>,
    sns: Arc<Worker<Sns>>,
    sqs: Arc<Queues>,
    dynamodb: Arc<DynamoDb>,
    s3: Arc<S3>,
    events: Events,
    call_log: Option<CallLog>,
    guard: Option<Arc<Guard>>,
    forwarder: Forwarder,
    http: http::HttpTasks,
}

impl HostInvoker {
    /// An invoker over these services.
    pub(crate) fn new(
        functions: Arc<Functions>,
        sns: Arc<Worker<Sns>>,
        sqs: Arc<Queues>,
        dynamodb: Arc<DynamoDb>,
        s3: Arc<S3>,
    ) -> HostInvoker {
        let forwarder = Forwarder::new(Endpoints::default());
        let events = Events::new(None, Clock::system(), Vec::new());
        let http = http::HttpTasks::new(Connections::default());
        HostInvoker {
            functions,
            sns,
            sqs,
            dynamodb,
            s3,
            events,
            call_log: None,
            guard: None,
            forwarder,
            http,
        }
    }

    /// The same invoker with this EventBridge instead of an empty one in memory.
    pub(crate) fn with_events(self, events: Events) -> HostInvoker {
        HostInvoker { events, ..self }
    }

    /// The same invoker, which records what it is asked for.
    pub(crate) fn recording(self, call_log: Option<CallLog>) -> HostInvoker {
        HostInvoker { call_log, ..self }
    }

    /// The same invoker, whose calls this guards.
    pub(crate) fn guarded_by(self, guard: Option<Arc<Guard>>) -> HostInvoker {
        HostInvoker { guard, ..self }
    }

    /// The same invoker, which sends calls of other services on to these endpoints.
    pub(crate) fn forwarding_to(self, endpoints: Endpoints) -> HostInvoker {
        HostInvoker { forwarder: Forwarder::new(endpoints), ..self }
    }

    /// The same invoker, whose HTTP Tasks use these connections.
    pub(crate) fn connecting_by(self, connections: Connections) -> HostInvoker {
        HostInvoker { http: http::HttpTasks::new(connections), ..self }
    }

    /// Records the call and lets it through, if it may.
    async fn admit(&self, call: &Call) -> Result<Option<ServiceCall>, TaskFailure> {
        if self.call_log.is_none() && self.guard.is_none() {
            return Ok(None);
        }
        let caller = caller_of(&call.execution_arn);
        let service = call.service.trim_start_matches("aws-sdk:");
        let operation = pascal_case(&call.action);
        let parameters = || Parameters::from_json(&Value::from(&call.parameters));
        let needed = match service {
            "lambda" => {
                let name = call.parameters.get("FunctionName").and_then(Json::as_str).unwrap_or_default();
                let name = name.split_once("function:").map_or(name, |(_, rest)| rest);
                let name = name.split(':').next().unwrap_or_default();
                let function = format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}");
                vec![("lambda:InvokeFunction".to_owned(), function)]
            }
            "sns" => of_sns(&parameters(), &operation),
            "s3" => of_s3(&operation, &call.parameters),
            "sqs" => of_sqs(&operation, &Value::from(&call.parameters)),
            "events" | "eventbridge" | "scheduler" => events::needed(service, &operation, &call.parameters),
            _ => of_dynamodb(&operation, Value::from(&call.parameters).to_string().as_bytes()),
        };
        let refused = match &self.guard {
            None => Ok(None),
            // Lambda has its own limits, which its answer shows.
            Some(guard) if service == "lambda" => guard.allow(Some(&caller), &needed).map(|()| None),
            Some(guard) if matches!(service, "s3" | "sqs" | "events" | "eventbridge" | "scheduler") => {
                guard.allow(Some(&caller), &needed).map(|()| guard.unlimited_call())
            }
            Some(guard) => {
                let tables = || needed.iter().map(|(_, table)| table.clone()).collect();
                let limited = match service {
                    "sns" => sns_call(&operation, &parameters()),
                    _ => Service::DynamoDb(&operation, tables()),
                };
                guard.admit(Some(&caller), &needed, &limited).await
            }
        };
        let under_way = refused.map_err(|refused| refused.of_task(&call.service))?;
        if let Some(log) = &self.call_log {
            log.note(&caller, &format!("{service}:{operation}"), 0.0, needed);
        }
        Ok(under_way)
    }

    /// A call that no limit of a service holds back, while it is under way.
    fn unlimited_call(&self) -> Option<ServiceCall> {
        self.guard.as_ref().and_then(|guard| guard.unlimited_call())
    }

    async fn answer(self, call: Call) -> Result<Json, TaskFailure> {
        // The calls that are under way count until the answer is there.
        if !is_served(&call.service, &call.action) || self.forwarder.replaces(&call.service) {
            let _under_way = self.unlimited_call();
            return self.forwarder.call(&call.service, &call.action, &call.parameters).await;
        }
        if call.service == "http" {
            let _under_way = self.unlimited_call();
            return self.http.invoke(&call.parameters, &self.events).await;
        }
        let _under_way = self.admit(&call).await?;
        match call.service.as_str() {
            "lambda" => lambda::invoke(&self.functions, &call.parameters).await,
            "aws-sdk:lambda" => lambda::invoke_as_sdk(&self.functions, &call.parameters).await,
            "sns" => {
                sdk::sns(&self.sns, &call.action, Value::from(&call.parameters), sdk::Wording::Optimized)
                    .await
            }
            "aws-sdk:sns" => {
                sdk::sns(&self.sns, &call.action, Value::from(&call.parameters), sdk::Wording::Sdk).await
            }
            "sqs" => sqs::call(&self.sqs, &call.action, &call.parameters, sdk::Wording::Optimized).await,
            "aws-sdk:sqs" => sqs::call(&self.sqs, &call.action, &call.parameters, sdk::Wording::Sdk).await,
            "dynamodb" => {
                sdk::dynamodb(&self.dynamodb, &call.action, &call.parameters, sdk::Wording::Optimized).await
            }
            "aws-sdk:dynamodb" => {
                sdk::dynamodb(&self.dynamodb, &call.action, &call.parameters, sdk::Wording::Sdk).await
            }
            "s3" | "aws-sdk:s3" => {
                self.forwarder.call_s3(&self.s3, &call.service, &call.action, &call.parameters).await
            }
            "events" => events::put(&self.forwarder, &self.events, &call).await,
            "aws-sdk:eventbridge" | "aws-sdk:scheduler" => {
                self.forwarder.call_events(&self.events, &call.service, &call.action, &call.parameters).await
            }
            service => Err(TaskFailure {
                error: "States.Runtime".to_owned(),
                cause: format!("the local stack has no service {service}"),
            }),
        }
    }
}

/// Who calls: the state machine of an execution, or the Scheduler.
fn caller_of(arn: &str) -> String {
    // `…:execution:MACHINE:NAME`, `…:express:MACHINE:NAME:ID`, and `…:execution:MACHINE/LABEL:NAME` of a Distributed Map.
    match arn.split(':').nth(6) {
        Some(machine) => machine_caller(machine.split('/').next().unwrap_or(machine)),
        None => "scheduler".to_owned(),
    }
}

/// Whether the stack has the action itself.
fn is_served(service: &str, action: &str) -> bool {
    match service {
        "lambda" | "aws-sdk:lambda" => action == "invoke",
        "http" => action == "invoke",
        "sns" => action == "publish",
        "sqs" => action == "sendMessage",
        "dynamodb" => matches!(action, "getItem" | "putItem" | "updateItem" | "deleteItem"),
        "aws-sdk:sqs" => Queues::has(&pascal_case(action)),
        "aws-sdk:sns" => Sns::has(&pascal_case(action)),
        "aws-sdk:dynamodb" => DynamoDb::has(&pascal_case(action)),
        "s3" => matches!(action, "getObject" | "putObject" | "listObjectsV2"),
        "events" => action == "putEvents",
        "aws-sdk:eventbridge" | "aws-sdk:scheduler" => {
            crate::events::has(service.trim_start_matches("aws-sdk:"), &pascal_case(action))
        }
        "aws-sdk:s3" => s3::has(&pascal_case(action)),
        _ => false,
    }
}

/// What a call of S3 by a Task state needs on AWS.
fn of_s3(operation: &str, parameters: &Json) -> Vec<(String, String)> {
    let text = |name| parameters.get(name).and_then(Json::as_str).unwrap_or_default();
    if operation == "DeleteObjects" {
        let parameters = Value::from(parameters);
        let objects = parameters["Delete"]["Objects"].as_array().into_iter().flatten();
        let keys = objects.map(|object| object["Key"].as_str().unwrap_or_default());
        let object = |key| format!("arn:aws:s3:::{}/{key}", text("Bucket"));
        return keys.map(|key| ("s3:DeleteObject".to_owned(), object(key))).collect();
    }
    let (action, slash) = match operation {
        "ListObjects" | "ListObjectsV2" => ("ListBucket", ""),
        "HeadObject" => ("GetObject", "/"),
        "CopyObject" => ("PutObject", "/"),
        other => (other, if text("Key").is_empty() { "" } else { "/" }),
    };
    vec![(format!("s3:{action}"), format!("arn:aws:s3:::{}{slash}{}", text("Bucket"), text("Key")))]
}

impl Invoker for HostInvoker {
    fn supports(&self, service: &str, action: &str) -> bool {
        is_served(service, action) || self.forwarder.supports(service, action)
    }

    fn advice(&self, service: &str, action: &str) -> String {
        Forwarder::advice(service, action)
    }

    fn invoke(&self, call: Call) -> BoxFuture<'static, Result<Json, TaskFailure>> {
        Box::pin(self.clone().answer(call))
    }

    fn finish_job(&self, job: Job) -> BoxFuture<'static, Result<Json, TaskFailure>> {
        let forwarder = self.forwarder.clone();
        Box::pin(async move { forwarder.finish_job(&job).await })
    }

    fn stop_job(&self, job: Job) -> BoxFuture<'static, ()> {
        let forwarder = self.forwarder.clone();
        Box::pin(async move { forwarder.stop_job(&job).await })
    }

    fn invoke_traced(&self, call: Call, secrets: Secrets) -> BoxFuture<'static, Traced> {
        let host = self.clone();
        Box::pin(async move {
            if call.service == "http" && !host.forwarder.replaces(&call.service) {
                let _under_way = host.unlimited_call();
                return host.http.invoke_traced(&call.parameters, &host.events, secrets).await;
            }
            Traced { result: host.answer(call).await, exchange: None }
        })
    }

    fn read_object(&self, call: Call) -> BoxFuture<'static, Result<ObjectPart, TaskFailure>> {
        let host = self.clone();
        Box::pin(async move {
            let is_served = !host.forwarder.replaces(&call.service);
            let _under_way = if is_served { host.admit(&call).await? } else { host.unlimited_call() };
            host.forwarder.read_object(&host.s3, &call.parameters).await
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::Confirmation;
    use crate::aws::in_memory;
    use crate::functions::FunctionTable;
    use crate::limits::{Account, Limits};

    struct Fixture(HostInvoker);

    impl Fixture {
        fn new() -> Fixture {
            let endpoint = in_memory(Confirmation::ByItself, &[]);
            let mut table = FunctionTable::default();
            table.add("echo", |payload| async { Ok(payload) });
            table.add("fail", |_| async { Err(("LotteryBusy", "held".to_owned())) });
            let functions = Arc::new(Functions::InProcess(table));
            let (sns, sqs) = (endpoint.sns.clone(), endpoint.sqs.clone());
            let (dynamodb, s3) = (endpoint.dynamodb.clone(), endpoint.s3.clone());
            Fixture(HostInvoker::new(functions, sns, sqs, dynamodb, s3))
        }

        async fn call(&self, service: &str, action: &str, parameters: Value) -> Result<Value, TaskFailure> {
            let call = Call {
                service: service.to_owned(),
                action: action.to_owned(),
                parameters: Json::from(parameters),
                execution_arn: "arn:aws:states:us-east-1:123456789012:execution:m:e".to_owned(),
                timeout: Some(Duration::from_secs(1)),
            };
            self.0.invoke(call).await.map(Value::from)
        }
    }

    #[tokio::test]
    async fn a_call_is_under_way_until_it_is_answered() {
        let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut endpoints = Endpoints::default();
        endpoints.add(&format!("*=http://{}", server.local_addr().unwrap())).unwrap();
        let account = Account::new(Limits::default(), Clock::system(), BTreeMap::new());
        let Fixture(host) = Fixture::new();
        let guard = Guard::new(None, Some(account.clone()));
        let fixture = Fixture(host.guarded_by(guard).forwarding_to(endpoints));
        let call = async {
            fixture.call("aws-sdk:translate", "listLanguages", json!({})).await.unwrap_err();
        };
        tokio::pin!(call);
        let socket = tokio::select! {
            () = &mut call => panic!("nobody has answered"),
            accepted = server.accept() => accepted.unwrap().0,
        };
        // A clock that is moved while nothing happens does not move now: the time limit of the state is no shorter for it.
        assert!(account.activity().is_busy());
        drop((socket, server));
        call.await;
        assert!(!account.activity().is_busy());
    }

    #[tokio::test]
    async fn a_function_answers_its_payload_or_its_own_error() {
        let fixture = Fixture::new();
        let call = json!({"FunctionName": "arn:aws-cn:lambda:cn-north-1:1:function:echo:live", "Payload": {"a": [1]}});
        assert_eq!(fixture.call("lambda", "invoke", call.clone()).await, Ok(json!({"a": [1]})));
        let answer = fixture.call("aws-sdk:lambda", "invoke", call).await.unwrap();
        assert_eq!(answer["Payload"], json!(r#"{"a":[1]}"#));
        let failure = fixture.call("lambda", "invoke", json!({"FunctionName": "fail"})).await.unwrap_err();
        assert_eq!(
            (failure.error.as_str(), failure.cause.as_str()),
            ("LotteryBusy", r#"{"errorType":"LotteryBusy","errorMessage":"held"}"#)
        );
        let failure = fixture.call("lambda", "invoke", json!({"FunctionName": "nobody"})).await.unwrap_err();
        assert_eq!(failure.error, "Lambda.ResourceNotFoundException");
    }

    #[tokio::test]
    async fn a_function_answers_with_the_tail_of_its_log_if_that_is_asked_for() {
        use base64::Engine as _;
        let fixture = Fixture::new();
        let call = json!({"FunctionName": "echo", "Payload": [1], "LogType": "Tail"});
        for (service, payload) in [("lambda", json!([1])), ("aws-sdk:lambda", json!("[1]"))] {
            let answer = fixture.call(service, "invoke", call.clone()).await.unwrap();
            assert_eq!(answer["Payload"], payload);
            let log = answer["LogResult"].as_str().unwrap();
            let log = base64::engine::general_purpose::STANDARD.decode(log).unwrap();
            let lines: Vec<_> = std::str::from_utf8(&log).unwrap().lines().collect();
            let beginnings = ["START RequestId: ", "END RequestId: ", "REPORT RequestId: "];
            assert_eq!(lines.len(), 3);
            assert!(
                lines.iter().zip(beginnings).all(|(line, beginning)| line.starts_with(beginning)),
                "{lines:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_publish_tells_how_it_went_unless_it_is_an_sdk_call() {
        let fixture = Fixture::new();
        let topic =
            fixture.call("aws-sdk:sns", "createTopic", json!({"Name": "t"})).await.unwrap()["TopicArn"]
                .clone();
        let call = json!({"TopicArn": topic, "Message": {"any": "json"}});
        let answer = fixture.call("sns", "publish", call.clone()).await.unwrap();
        assert_eq!(answer["SdkHttpMetadata"]["HttpHeaders"]["Content-Length"], "294");
        assert_eq!(answer["SdkHttpMetadata"]["AllHttpHeaders"]["Content-Type"], json!(["text/xml"]));
        assert!(answer["SdkResponseMetadata"]["RequestId"].is_string());
        let answer = fixture.call("aws-sdk:sns", "publish", call).await.unwrap();
        assert_eq!(answer.as_object().unwrap().keys().collect::<Vec<_>>(), ["MessageId"]);
    }

    #[tokio::test]
    async fn dynamodb_writes_reads_and_words_its_errors() {
        let fixture = Fixture::new();
        let table = json!({
            "TableName": "items",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        });
        fixture.call("aws-sdk:dynamodb", "createTable", table).await.unwrap();
        let item = json!({"id": {"S": "1"}, "data": {"S": "HelloWorld"}});
        let put = json!({"TableName": "items", "Item": item});
        let answer = fixture.call("dynamodb", "putItem", put.clone()).await.unwrap();
        assert_eq!(answer["SdkHttpMetadata"]["HttpHeaders"]["Content-Length"], "2");
        let get = json!({"TableName": "items", "Key": {"id": {"S": "1"}}});
        assert_eq!(fixture.call("dynamodb", "getItem", get).await.unwrap()["Item"], item);
        let query = json!({
            "TableName": "items",
            "KeyConditionExpression": "id = :id",
            "ExpressionAttributeValues": {":id": {"S": "1"}},
        });
        let answer = fixture.call("aws-sdk:dynamodb", "query", query).await.unwrap();
        assert_eq!(answer, json!({"Count": 1, "Items": [item], "ScannedCount": 1}));

        let conditional =
            json!({"TableName": "items", "Item": item, "ConditionExpression": "attribute_not_exists(id)"});
        let failure = fixture.call("dynamodb", "putItem", conditional).await.unwrap_err();
        assert_eq!(failure.error, "DynamoDB.ConditionalCheckFailedException");
        let failure =
            fixture.call("aws-sdk:dynamodb", "putItem", json!({"TableName": "items", "Item": null})).await;
        let TaskFailure { error, cause } = failure.unwrap_err();
        assert_eq!(error, "DynamoDb.DynamoDbException");
        let words = "1 validation error detected: Value null at 'item' failed to satisfy constraint: Member must not be null (Service: DynamoDb, Status Code: 400, Request ID: ";
        assert!(cause.starts_with(words), "{cause}");
    }

    #[tokio::test]
    async fn objects_are_written_read_and_listed_in_the_words_of_step_functions() {
        let fixture = Fixture::new();
        fixture.call("aws-sdk:s3", "createBucket", json!({"Bucket": "bucket"})).await.unwrap();
        // As AWS was recorded: `false` is the text of it.
        let put = json!({"Bucket": "bucket", "Key": "k", "Body": false});
        assert_eq!(
            fixture.call("aws-sdk:s3", "putObject", put).await.unwrap(),
            json!({"ChecksumCRC32": "K81oMA==", "ChecksumType": "FULL_OBJECT",
                "ETag": "\"68934a3e9455fa72420237eb05902327\"", "ServerSideEncryption": "AES256"})
        );
        let mut got =
            fixture.call("aws-sdk:s3", "getObject", json!({"Bucket": "bucket", "Key": "k"})).await.unwrap();
        got.as_object_mut().unwrap().remove("LastModified");
        assert_eq!(
            got,
            json!({"AcceptRanges": "bytes", "Body": "false", "ContentLength": 5, "ContentType": "application/octet-stream",
                "ETag": "\"68934a3e9455fa72420237eb05902327\"", "Metadata": {}, "ServerSideEncryption": "AES256"})
        );
        let put = json!({"Bucket": "bucket", "Key": "o", "Body": {"a": [1]}});
        fixture.call("s3", "putObject", put).await.unwrap();
        let got = fixture.call("s3", "getObject", json!({"Bucket": "bucket", "Key": "o"})).await.unwrap();
        assert_eq!(
            (&got["Body"], &got["SdkHttpMetadata"]["HttpStatusCode"]),
            (&json!(r#"{"a":[1]}"#), &json!(200))
        );
        let copy = json!({"Bucket": "bucket", "Key": "copy", "CopySource": "bucket/o"});
        fixture.call("aws-sdk:s3", "copyObject", copy).await.unwrap();
        let listed = fixture.call("aws-sdk:s3", "listObjectsV2", json!({"Bucket": "bucket"})).await.unwrap();
        let keys: Vec<_> =
            listed["Contents"].as_array().unwrap().iter().map(|one| one["Key"].clone()).collect();
        assert_eq!(keys, ["copy", "k", "o"]);
        let delete = json!({"Bucket": "bucket", "Delete": {"Objects": [{"Key": "copy"}, {"Key": "k"}]}});
        let deleted = fixture.call("aws-sdk:s3", "deleteObjects", delete).await.unwrap();
        assert_eq!(deleted["Deleted"], json!([{"Key": "copy"}, {"Key": "k"}]));
        for (action, parameters, error) in [
            ("getObject", json!({"Bucket": "bucket", "Key": "none"}), "S3.NoSuchKeyException"),
            ("headObject", json!({"Bucket": "bucket", "Key": "none"}), "S3.NoSuchKeyException"),
            ("listObjects", json!({"Bucket": "nobody"}), "S3.NoSuchBucketException"),
        ] {
            let failure = fixture.call("aws-sdk:s3", action, parameters).await.unwrap_err();
            assert_eq!(failure.error, error, "{action}: {}", failure.cause);
        }
    }

    #[test]
    fn a_deletion_of_many_objects_needs_the_permission_to_delete_each() {
        let request = json!({"Bucket": "b", "Delete": {"Objects": [{"Key": "x/1"}, {"Key": "x/2"}]}});
        let needed = of_s3("DeleteObjects", &Json::from(request));
        let object = |key| ("s3:DeleteObject".to_owned(), format!("arn:aws:s3:::b/{key}"));
        assert_eq!(needed, [object("x/1"), object("x/2")]);
    }

    #[test]
    fn what_the_stack_does_not_have_is_not_supported() {
        let Fixture(invoker) = Fixture::new();
        assert!(invoker.supports("aws-sdk:sns", "listTopics"));
        assert!(invoker.supports("aws-sdk:sqs", "receiveMessage"));
        assert!(invoker.supports("aws-sdk:dynamodb", "transactWriteItems"));
        for (service, action) in [
            ("dynamodb", "query"),
            ("sns", "subscribe"),
            ("aws-sdk:sns", "addPermission"),
            ("sqs", "receiveMessage"),
            ("aws-sdk:sqs", "addPermission"),
        ] {
            assert!(!invoker.supports(service, action), "{service}:{action}");
        }
    }
}
