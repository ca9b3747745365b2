//! The service by its operations, with queues, functions and a state machine behind it.

mod destinations;
mod schedules;

use std::time::Duration;

use asl_engine::service::Service;
use asl_engine::{Engine, ManualClock};
use bytes::Bytes;
use http::{Request, Response};
use serde_json::json;

use super::*;
use crate::functions::{FunctionTable, Functions, RemoteFunctions};
use crate::sns::Sns;
use crate::sqs::{self, Queues};

const QUEUES: &str = "arn:aws:sqs:us-east-1:123456789012";

/// The service and what is around it, by a clock that the test moves.
struct Fixture {
    clock: ManualClock,
    events: Events,
    queues: Arc<Queues>,
    engine: Engine,
}

impl Fixture {
    async fn new() -> Fixture {
        let fixture = Fixture::waiting(None).await;
        fixture.complete(Functions::InProcess(FunctionTable::default())).await;
        fixture
    }

    /// One that does not deliver yet.
    async fn waiting(file: Option<PathBuf>) -> Fixture {
        let clock = ManualClock::new("2026-11-29T12:00:00Z".parse().unwrap());
        let queues = Arc::new(sqs::in_memory(clock.clone().into()));
        let mut config = asl_engine::Config::in_memory();
        config.clock = clock.clone().into();
        let engine = Engine::start(config).await.unwrap();
        let events = Events::new(file, clock.clone().into(), Vec::new());
        Fixture { clock, events, queues, engine }
    }

    async fn complete(&self, functions: Functions) {
        let clock: Clock = self.clock.clone().into();
        let settings = crate::sns::Settings::new(
            crate::config::REGION,
            crate::config::ACCOUNT,
            clock,
            crate::Confirmation::ByItself,
            &[],
        );
        let settings = settings.with_queues(self.queues.clone());
        let sns = Sns::open(Connection::open_in_memory().unwrap(), settings).unwrap();
        let targets = Targets {
            sqs: self.queues.clone(),
            sns: Arc::new(Worker::start("sns", sns).unwrap()),
            step_functions: Service::new(self.engine.clone()),
            functions: Arc::new(functions),
            invoker: asl_engine::Config::in_memory().invoker,
        };
        self.events.complete(targets).await.unwrap();
    }

    async fn call(&self, operation: &str, request: Value) -> Value {
        let answer = self.events.call(operation, request.clone()).await;
        answer.unwrap_or_else(|error| panic!("{operation} {request}: {error:?}"))
    }

    async fn refusal(&self, operation: &str, request: Value) -> (&'static str, String) {
        let error = self.events.call(operation, request).await.expect_err(operation);
        (error.name, error.message)
    }

    async fn queue(&self, name: &str) -> String {
        self.queues.call("CreateQueue", json!({"QueueName": name})).await.unwrap();
        format!("{QUEUES}:{name}")
    }

    /// A rule for events of the source `app`, with this target.
    async fn rule(&self, name: &str, target: Value) {
        self.call("PutRule", json!({"Name": name, "EventPattern": r#"{"source": ["app"]}"#})).await;
        self.target(name, target).await;
    }

    async fn target(&self, rule: &str, mut target: Value) {
        target["Id"] = json!("t");
        self.call("PutTargets", json!({"Rule": rule, "Targets": [target]})).await;
    }

    async fn put(&self, detail: Value) {
        let entry = json!({"Source": "app", "DetailType": "Said", "Detail": detail.to_string()});
        let answer = self.call("PutEvents", json!({"Entries": [entry]})).await;
        assert_eq!(answer["FailedEntryCount"], 0, "{answer}");
    }

    /// The next message of a queue.
    async fn received(&self, queue: &str) -> Value {
        let url = format!("http://localhost:4566/123456789012/{queue}");
        let ask = json!({"QueueUrl": url, "WaitTimeSeconds": 20, "MessageAttributeNames": ["All"]});
        let asking = async {
            loop {
                let answer = self.queues.call("ReceiveMessage", ask.clone()).await.unwrap();
                if let Some(message) = answer["Messages"].get(0) {
                    break message.clone();
                }
            }
        };
        let message = tokio::time::timeout(Duration::from_secs(20), asking).await.expect("a message");
        let handle = &message["ReceiptHandle"];
        self.queues.call("DeleteMessage", json!({"QueueUrl": url, "ReceiptHandle": handle})).await.unwrap();
        message
    }

    async fn received_body(&self, queue: &str) -> Value {
        serde_json::from_str(self.received(queue).await["Body"].as_str().unwrap()).unwrap()
    }

    /// A request of the Scheduler.
    async fn schedule(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let head = Request::builder().method(method).uri(path).body(()).unwrap().into_parts().0;
        assert!(is_meant(&head));
        let answer: Response<Bytes> = self.events.answer(&head, body.to_string().as_bytes()).await;
        (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap())
    }
}

#[tokio::test]
async fn buses_rules_and_targets_are_made_shown_and_removed() {
    let fixture = Fixture::new().await;
    let made = fixture.call("CreateEventBus", json!({"Name": "orders"})).await;
    assert_eq!(made["EventBusArn"], "arn:aws:events:us-east-1:123456789012:event-bus/orders");
    let buses = fixture.call("ListEventBuses", json!({"Limit": 1})).await;
    assert_eq!(buses["EventBuses"][0]["Name"], "default");
    let buses = fixture.call("ListEventBuses", json!({"NextToken": buses["NextToken"]})).await;
    assert_eq!((&buses["EventBuses"][0]["Name"], buses.get("NextToken")), (&json!("orders"), None));
    let rule = json!({"Name": "r", "EventBusName": made["EventBusArn"], "EventPattern": r#"{"source":["a"]}"#, "Tags": [{"Key": "k", "Value": "v"}]});
    let arn = fixture.call("PutRule", rule).await["RuleArn"].clone();
    assert_eq!(arn, "arn:aws:events:us-east-1:123456789012:rule/orders/r");
    assert_eq!(
        fixture.call("DescribeRule", json!({"Name": "r", "EventBusName": "orders"})).await,
        json!({"Name": "r", "Arn": arn, "EventPattern": r#"{"source":["a"]}"#, "State": "ENABLED",
            "EventBusName": "orders", "CreatedBy": "123456789012"})
    );
    let tags = fixture.call("ListTagsForResource", json!({"ResourceARN": arn})).await;
    assert_eq!(tags, json!({"Tags": [{"Key": "k", "Value": "v"}]}));
    let queue = format!("{QUEUES}:q");
    let of_rule = json!({"Rule": "r", "EventBusName": "orders"});
    let targets = json!([{"Id": "1", "Arn": queue}, {"Id": "2", "Arn": queue, "Input": "{}"}]);
    fixture.call("PutTargets", json!({"Rule": "r", "EventBusName": "orders", "Targets": targets})).await;
    assert_eq!(fixture.call("ListTargetsByRule", of_rule.clone()).await, json!({"Targets": targets}));
    let by_target = json!({"TargetArn": queue, "EventBusName": "orders"});
    assert_eq!(fixture.call("ListRuleNamesByTarget", by_target).await, json!({"RuleNames": ["r"]}));
    fixture.call("DisableRule", json!({"Name": "r", "EventBusName": "orders"})).await;
    let rules = fixture.call("ListRules", json!({"EventBusName": "orders", "NamePrefix": "r"})).await;
    assert_eq!(rules["Rules"][0]["State"], "DISABLED");

    let (name, words) = fixture.refusal("DeleteRule", json!({"Name": "r", "EventBusName": "orders"})).await;
    assert_eq!((name, &*words), ("ValidationException", "Rule can't be deleted since it has targets."));
    let remove = json!({"Rule": "r", "EventBusName": "orders", "Ids": ["1", "2", "3"]});
    assert_eq!(fixture.call("RemoveTargets", remove).await["FailedEntries"][0]["TargetId"], "3");
    fixture.call("DeleteRule", json!({"Name": "r", "EventBusName": "orders"})).await;
    fixture.call("DeleteEventBus", json!({"Name": "orders"})).await;
    let (name, words) = fixture.refusal("DescribeEventBus", json!({"Name": "orders"})).await;
    assert_eq!((name, &*words), ("ResourceNotFoundException", "Event bus orders does not exist."));
}

#[tokio::test]
async fn permissions_of_a_bus_are_shown_as_its_policy() {
    let fixture = Fixture::new().await;
    let put = json!({"Action": "events:PutEvents", "Principal": "111111111111", "StatementId": "s"});
    fixture.call("PutPermission", put).await;
    let policy = fixture.call("DescribeEventBus", json!({})).await["Policy"].clone();
    let statement = json!({"Sid": "s", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
        "Action": "events:PutEvents", "Resource": "arn:aws:events:us-east-1:123456789012:event-bus/default"});
    let shown: Value = serde_json::from_str(policy.as_str().unwrap()).unwrap();
    assert_eq!(shown, json!({"Version": "2012-10-17", "Statement": [statement]}));
    let (name, words) = fixture.refusal("RemovePermission", json!({"StatementId": "t"})).await;
    assert_eq!(
        (name, &*words),
        ("ResourceNotFoundException", "Statement with the provided id does not exist.")
    );
    fixture.call("RemovePermission", json!({"StatementId": "s"})).await;
    assert_eq!(fixture.call("DescribeEventBus", json!({})).await.get("Policy"), None);
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused() {
    let fixture = Fixture::new().await;
    fixture.call("PutRule", json!({"Name": "r", "ScheduleExpression": "rate(1 minute)"})).await;
    fixture.call("CreateEventBus", json!({"Name": "b"})).await;
    let target = |arn: &str| json!({"Rule": "r", "Targets": [{"Id": "t", "Arn": arn}]});
    let policy =
        json!({"Id": "t", "Arn": format!("{QUEUES}:q"), "RetryPolicy": {"MaximumRetryAttempts": 186}});
    for (operation, request, name, words) in [
        ("PutRule", json!({}), "ValidationException", "Value null at 'name'"),
        (
            "PutRule",
            json!({"Name": "a b", "EventPattern": "{}"}),
            "ValidationException",
            "regular expression pattern",
        ),
        (
            "PutRule",
            json!({"Name": "r"}),
            "ValidationException",
            "Parameter(s) EventPattern or ScheduleExpression must be specified.",
        ),
        (
            "PutRule",
            json!({"Name": "r", "ScheduleExpression": "rate(1 minutes)"}),
            "ValidationException",
            "Parameter ScheduleExpression is not valid.",
        ),
        (
            "PutRule",
            json!({"Name": "r", "EventBusName": "b", "ScheduleExpression": "rate(1 minute)"}),
            "ValidationException",
            "only on the default event bus",
        ),
        (
            "PutRule",
            json!({"Name": "r", "EventPattern": r#"{"source":"a"}"#}),
            "InvalidEventPatternException",
            "Event pattern is not valid. Reason: \"source\" must be an object or an array",
        ),
        (
            "PutRule",
            json!({"Name": "r", "EventPattern": r#"{"source":["a"]}"#, "State": "ON"}),
            "ValidationException",
            "enum value set",
        ),
        (
            "PutTargets",
            json!({"Rule": "none", "Targets": []}),
            "ResourceNotFoundException",
            "Rule none does not exist on EventBus default.",
        ),
        ("PutTargets", target("q"), "ValidationException", "Provided Arn is not in correct format."),
        (
            "PutTargets",
            target("arn:aws:firehose:us-east-1:1:deliverystream/x"),
            "ValidationException",
            "the local stack delivers to",
        ),
        (
            "PutTargets",
            target("arn:aws:sqs:us-east-1:123456789012:q.fifo"),
            "ValidationException",
            "SqsParameters must be specified for target: t.",
        ),
        ("PutTargets", json!({"Rule": "r", "Targets": [policy]}), "ValidationException", "between 0 and 185"),
        (
            "PutTargets",
            json!({"Rule": "r", "Targets": [{"Id": "!", "Arn": "a"}]}),
            "ValidationException",
            "Value '!' at 'targets.1.member.id'",
        ),
        (
            "TagResource",
            json!({"ResourceARN": "arn:aws:events:us-east-1:123456789012:rule/x", "Tags": []}),
            "ResourceNotFoundException",
            "Rule x does not exist on EventBus default.",
        ),
        (
            "DeleteEventBus",
            json!({"Name": "default"}),
            "ValidationException",
            "Cannot delete event bus default.",
        ),
        (
            "CreateEventBus",
            json!({"Name": "b"}),
            "ResourceAlreadyExistsException",
            "Event bus b already exists.",
        ),
        ("PutEvents", json!({"Entries": []}), "ValidationException", "greater than or equal to 1"),
        (
            "PutEvents",
            json!({"Entries": vec![json!({}); 11]}),
            "ValidationException",
            "less than or equal to 10",
        ),
        (
            "PutEvents",
            json!({"Entries": [{"Source": "a".repeat(262_145)}]}),
            "ValidationException",
            "Total size of the entries",
        ),
        (
            "TestEventPattern",
            json!({"EventPattern": "[]", "Event": "{}"}),
            "InvalidEventPatternException",
            "Filter is not an object",
        ),
        ("StartReplay", json!({}), "UnknownOperationException", "StartReplay"),
    ] {
        let (found, message) = fixture.refusal(operation, request.clone()).await;
        assert!(found == name && message.contains(words), "{operation} {request}: {found} {message}");
    }
    let entries = json!([
        {"DetailType": "t", "Detail": "{}"},
        {"Source": "app", "DetailType": "t", "Detail": "[]"},
        {"Source": "aws.s3", "DetailType": "t", "Detail": "{}"},
        {"Source": "app", "DetailType": "t", "Detail": "{}", "EventBusName": "nowhere"},
    ]);
    let answer = fixture.call("PutEvents", json!({"Entries": entries})).await;
    let codes: Vec<_> =
        answer["Entries"].as_array().unwrap().iter().map(|entry| entry["ErrorCode"].as_str()).collect();
    let expected =
        [Some("InvalidArgument"), Some("MalformedDetail"), Some("NotAuthorizedForSourceException"), None];
    assert_eq!((codes.as_slice(), &answer["FailedEntryCount"]), (&expected[..], &json!(3)));
}

#[tokio::test]
async fn an_event_goes_to_each_target_in_the_form_that_it_asks_for() {
    let fixture = Fixture::new().await;
    for name in ["all", "part", "filled", "beyond"] {
        fixture.queue(name).await;
    }
    fixture.rule("all", json!({"Arn": format!("{QUEUES}:all")})).await;
    fixture.rule("part", json!({"Arn": format!("{QUEUES}:part"), "InputPath": "$.detail"})).await;
    let transformer = json!({"InputPathsMap": {"n": "$.detail.n"}, "InputTemplate": "{\"number\": <n>, \"rule\": \"<aws.events.rule-name>\"}"});
    fixture.rule("filled", json!({"Arn": format!("{QUEUES}:filled"), "InputTransformer": transformer})).await;
    let bus = fixture.call("CreateEventBus", json!({"Name": "other"})).await["EventBusArn"].clone();
    fixture.rule("on", json!({"Arn": bus})).await;
    fixture.call("PutRule", json!({"Name": "b", "EventBusName": "other", "EventPattern": r#"{"detail": {"n": [{"numeric": [">", 1]}]}}"#})).await;
    let beyond = json!([{"Id": "t", "Arn": format!("{QUEUES}:beyond")}]);
    fixture.call("PutTargets", json!({"Rule": "b", "EventBusName": "other", "Targets": beyond})).await;

    fixture.put(json!({"n": 1})).await;
    fixture.put(json!({"n": 2.50})).await;
    let all = fixture.received_body("all").await;
    let names: Vec<_> = all.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        ["version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"]
    );
    assert_eq!((&all["time"], &all["detail"]), (&json!("2026-11-29T12:00:00Z"), &json!({"n": 1})));
    assert_eq!(fixture.received_body("part").await, json!({"n": 1}));
    assert_eq!(fixture.received_body("filled").await, json!({"number": 1, "rule": "filled"}));
    assert_eq!(fixture.received_body("beyond").await["detail"], json!({"n": 2.5}));
}

#[tokio::test]
async fn an_event_starts_an_execution_once_however_often_it_is_delivered() {
    let fixture = Fixture::new().await;
    let service = Service::new(fixture.engine.clone());
    let machine = json!({"name": "m", "roleArn": "arn:aws:iam::123456789012:role/r",
        "definition": r#"{"StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}"#});
    let made = service.call("CreateStateMachine", machine.to_string().as_bytes()).await;
    let arn = serde_json::from_str::<Value>(&made.body).unwrap()["stateMachineArn"].clone();
    let target = json!({"Arn": arn});
    let targets = fixture.events.0.targets().unwrap();
    let delivery = deliveries::Delivery {
        number: 1,
        origin: "rule".to_owned(),
        target: target.clone(),
        payload: r#"{"a": 1}"#.to_owned(),
        event: None,
        event_id: "e".to_owned(),
        hops: 0,
        created: 0,
        attempts: 0,
    };
    for _ in 0..2 {
        targets.deliver(arn.as_str().unwrap(), targets::Kind::StateMachine, &delivery).await.unwrap();
    }
    let listed = service.call("ListExecutions", json!({"stateMachineArn": arn}).to_string().as_bytes()).await;
    let listed: Value = serde_json::from_str(&listed.body).unwrap();
    assert_eq!(listed["executions"].as_array().unwrap().len(), 1);
    assert_eq!(listed["executions"][0]["name"], "e_1");
}

#[tokio::test]
async fn what_no_target_takes_becomes_a_dead_letter_with_its_reasons() {
    let fixture = Fixture::waiting(None).await;
    // Nobody listens there.
    fixture.complete(Functions::Remote(RemoteFunctions::new("http://127.0.0.1:1").unwrap())).await;
    let dead = fixture.queue("dead").await;
    let dead_letters = json!({"Arn": dead});
    fixture
        .rule(
            "gone",
            json!({"Arn": format!("{QUEUES}:gone"), "DeadLetterConfig": dead_letters, "Input": "{}"}),
        )
        .await;
    fixture.put(json!({"n": 1})).await;
    let dead = fixture.received("dead").await;
    let attribute = |dead: &Value, name: &str| dead["MessageAttributes"][name]["StringValue"].clone();
    assert_eq!(
        serde_json::from_str::<Value>(dead["Body"].as_str().unwrap()).unwrap()["detail"],
        json!({"n": 1})
    );
    assert_eq!(attribute(&dead, "ERROR_CODE"), "AWS.SimpleQueueService.NonExistentQueue");
    assert_eq!(attribute(&dead, "RULE_ARN"), "arn:aws:events:us-east-1:123456789012:rule/gone");
    assert_eq!(attribute(&dead, "RETRY_ATTEMPTS"), Value::Null);
    fixture.call("DisableRule", json!({"Name": "gone"})).await;

    let function = "arn:aws:lambda:us-east-1:123456789012:function:away";
    let policy = json!({"MaximumRetryAttempts": 2});
    fixture
        .rule("away", json!({"Arn": function, "DeadLetterConfig": dead_letters, "RetryPolicy": policy}))
        .await;
    fixture.put(json!({"n": 2})).await;
    let moving = async {
        loop {
            fixture.clock.advance(Duration::from_secs(1));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let dead = tokio::select! {
        dead = fixture.received("dead") => dead,
        () = moving => unreachable!("it moves for ever"),
    };
    assert_eq!(attribute(&dead, "RETRY_ATTEMPTS"), "2");
    assert_eq!(attribute(&dead, "EXHAUSTED_RETRY_CONDITION"), "MaximumRetryAttempts");
}

#[tokio::test]
async fn what_was_accepted_is_delivered_by_the_process_that_comes_after() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("events.sqlite");
    let before = Fixture::waiting(Some(file.clone())).await;
    before.rule("r", json!({"Arn": format!("{QUEUES}:q")})).await;
    before.put(json!({"n": 1})).await;
    before.events.stop().await;
    let after = Fixture::waiting(Some(file.clone())).await;
    after.queue("q").await;
    after.complete(Functions::InProcess(FunctionTable::default())).await;
    assert_eq!(after.received_body("q").await["detail"], json!({"n": 1}));
    assert!(!after.events.has_rules_for("aws.s3"), "none of its events could meet the rule");
    after.call("PutRule", json!({"Name": "o", "EventPattern": r#"{"source": ["aws.s3"]}"#})).await;
    after.target("o", json!({"Arn": format!("{QUEUES}:q")})).await;
    assert!(after.events.has_rules_for("aws.s3") && !after.events.has_rules_for("aws.states"));
    // Before its first request nothing is opened.
    let other = Fixture::waiting(Some(directory.path().join("none.sqlite"))).await;
    other.complete(Functions::InProcess(FunctionTable::default())).await;
    assert!(!other.events.has_rules_for("aws.s3") && !directory.path().join("none.sqlite").exists());
}

#[tokio::test]
async fn a_request_that_panics_takes_nothing_with_it() {
    let fixture = Fixture::new().await;
    let panicked = fixture.events.0.on_store(|store| -> Result<(), EventsError> {
        store.in_transaction(|store| {
            store.database.execute("INSERT INTO groups (name, created) VALUES ('g', 0)", [])?;
            panic!("on purpose")
        })
    });
    assert_eq!(panicked.await.unwrap_err().status, 503);
    assert_eq!(fixture.schedule("POST", "/schedule-groups/g", json!({})).await.0, 200);
}
