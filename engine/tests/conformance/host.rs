//! The environment of the engine when a case was recorded: functions that behave as the case says, and services
//! that answer as the recorded history tells.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use asl_engine::data::Json;
use asl_engine::{Call, Invoker, ManualClock, TaskFailure};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use crate::case::Case;

/// Whether this host has what a case needs beside the engine.
pub(crate) fn can_serve(case: &Case) -> bool {
    let needs = case.needs();
    let replayed =
        ["activity", "callback", "dynamodb", "events", "mock_config", "secretsmanager", "sns", "sqs"];
    let api_alone = ["logs", "prior_state_machine", "stop_execution"];
    let only = |allowed: &[&str]| needs.iter().all(|need| allowed.contains(need));
    if needs.is_empty() {
        return false;
    }
    let functions = only(&["lambda", "credentials"]) && case.0["mocks"]["lambda"].is_object();
    let services = only(&replayed) && case.history().is_some();
    // What a Task asked of S3 is replayed; what a Map reads and writes is in the setup of the case.
    let objects = only(&["s3"]) && case.history().is_some();
    // A call of the engine's own API that failed needs nothing to be there.
    let refused = only(&["sfn"]) && case.has_event("TaskFailed") && !case.has_event("TaskSubmitted");
    functions || services || objects || refused || only(&api_alone)
}

/// The host of one case.
pub(crate) struct Host {
    functions: HashMap<String, Value>,
    /// What the services answered, call by call.
    answers: Mutex<VecDeque<Result<Value, TaskFailure>>>,
    clock: ManualClock,
    /// How many calls are under way that do not wait for the clock.
    busy: Arc<AtomicUsize>,
    /// The objects of the case, by bucket and key.
    objects: HashMap<String, String>,
    /// The tokens that calls have carried, and that nobody has answered yet.
    pub(crate) tokens: Mutex<VecDeque<String>>,
}

impl Host {
    pub(crate) fn new(case: &Case, clock: ManualClock) -> Host {
        let functions = case.0["mocks"]["lambda"].as_object().cloned().unwrap_or_default();
        Host {
            functions: functions.into_iter().collect(),
            objects: objects(case),
            answers: Mutex::new(case.history().map(|history| answers(history)).unwrap_or_default()),
            clock,
            busy: Arc::default(),
            tokens: Mutex::default(),
        }
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::SeqCst) > 0
    }

    fn call_function(&self, parameters: &Value) -> BoxFuture<'static, Result<Json, TaskFailure>> {
        let given = parameters["FunctionName"].as_str().unwrap_or_default();
        let name =
            given.rsplit(":function:").next().unwrap_or_default().split(':').next().unwrap_or_default();
        let Some(behaviour) = self.functions.get(name).cloned() else {
            let cause = format!("Function not found: {given}");
            return Box::pin(async {
                Err(TaskFailure { error: "Lambda.ResourceNotFoundException".to_owned(), cause })
            });
        };
        let event = parameters["Payload"].clone();
        let asks_for_log = parameters["LogType"] == "Tail";
        let (clock, busy) = (self.clock.clone(), Arc::clone(&self.busy));
        let sleeps = behaviour["behaviour"] == "sleep_then_echo";
        Box::pin(async move {
            if !sleeps {
                busy.fetch_add(1, Ordering::SeqCst);
            }
            let answer = function(&behaviour, event, clock).await;
            if !sleeps {
                busy.fetch_sub(1, Ordering::SeqCst);
            }
            answer.map(|payload| match asks_for_log {
                true => to_json(json!({"Payload": payload, "LogResult": "TE9H"})),
                false => to_json(payload),
            })
        })
    }
}

/// What a function of the recordings does.
async fn function(behaviour: &Value, event: Value, clock: ManualClock) -> Result<Value, TaskFailure> {
    match behaviour["behaviour"].as_str().unwrap_or_default() {
        "echo" => Ok(event),
        "sleep_then_echo" => {
            let seconds = Duration::from_secs_f64(behaviour["seconds"].as_f64().unwrap());
            let due = clock.now().checked_add(seconds).unwrap();
            while clock.now() < due {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            Ok(event)
        }
        "return" => Ok(behaviour["value"].clone()),
        "return_text" => Ok(behaviour["text"].clone()),
        "return_repeated" => {
            let count = usize::try_from(behaviour["bytes"].as_u64().unwrap()).unwrap();
            Ok(Value::from(behaviour["char"].as_str().unwrap().repeat(count)))
        }
        "error" => {
            let (kind, text) =
                (behaviour["errorType"].as_str().unwrap(), behaviour["errorMessage"].as_str().unwrap());
            // The recorded functions were of two makes.
            let (line, argument) =
                if text.is_empty() { (9, String::new()) } else { (2, format!("\"{text}\"")) };
            let trace = format!(
                "  File \"/var/task/handler.py\", line {line}, in handler\n    raise {kind}({argument})\n"
            );
            let cause = json!({
                "errorMessage": text,
                "errorType": kind,
                "requestId": "00000000-0000-4000-8000-000000000000",
                "stackTrace": [trace],
            });
            Err(TaskFailure { error: kind.to_owned(), cause: cause.to_string() })
        }
        other => panic!("a function behaves in a way unknown here: {other}"),
    }
}

impl Invoker for Host {
    fn supports(&self, _service: &str, _action: &str) -> bool {
        true
    }

    fn invoke(&self, call: Call) -> BoxFuture<'static, Result<Json, TaskFailure>> {
        let parameters: Value = serde_json::from_str(&call.parameters.to_text()).unwrap();
        if call.service == "lambda" && !self.functions.is_empty() {
            return self.call_function(&parameters);
        }
        if let Some(token) = find_token(&parameters) {
            self.tokens.lock().unwrap().push_back(token);
        }
        if call.service == "s3" && call.action == "getObject" {
            let object = format!("{}/{}", text(&parameters["Bucket"]), text(&parameters["Key"]));
            let body = self.objects.get(&object).cloned().expect("the case has set up what it reads");
            return Box::pin(async move { Ok(to_json(json!({"Body": body, "ETag": "\"e\""}))) });
        }
        let answer = self.answers.lock().unwrap().pop_front();
        Box::pin(async move { answer.expect("the recording has an answer for every call").map(to_json) })
    }
}

fn to_json(value: Value) -> Json {
    Json::parse(&value.to_string()).unwrap()
}

/// The value of a recorded payload, which may have been parsed already.
pub(crate) fn payload(value: &Value) -> Value {
    match value {
        Value::String(text) => serde_json::from_str(text).unwrap_or_else(|_| value.clone()),
        _ => value.clone(),
    }
}

/// A recorded text, which may have been parsed as JSON.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The objects that the case put before its execution.
fn objects(case: &Case) -> HashMap<String, String> {
    let setup = case.0["mocks"]["setup"].as_array().into_iter().flatten();
    let put = setup.filter(|step| step["operation"] == "put_object").map(|step| {
        let params = &step["params"];
        (format!("{}/{}", text(&params["Bucket"]), text(&params["Key"])), text(&params["Body"]))
    });
    put.collect()
}

/// What the services answered, from the events of a history.
fn answers(history: &[Value]) -> VecDeque<Result<Value, TaskFailure>> {
    let mut submitted = false;
    let mut answers = VecDeque::new();
    for event in history {
        match event["type"].as_str().unwrap_or_default() {
            "TaskScheduled" => submitted = false,
            "TaskSubmitted" => {
                submitted = true;
                answers.push_back(Ok(payload(&event["taskSubmittedEventDetails"]["output"])));
            }
            "TaskSucceeded" if !submitted => {
                answers.push_back(Ok(payload(&event["taskSucceededEventDetails"]["output"])));
            }
            "TaskFailed" if !submitted => {
                let details = &event["taskFailedEventDetails"];
                answers.push_back(Err(TaskFailure {
                    error: text(&details["error"]),
                    cause: text(&details["cause"]),
                }));
            }
            _ => {}
        }
    }
    answers
}

fn find_token(parameters: &Value) -> Option<String> {
    match parameters {
        Value::Object(object) => object.iter().find_map(|(key, value)| match value {
            Value::String(token) if key == "TaskToken" => Some(token.clone()),
            _ => find_token(value),
        }),
        Value::Array(items) => items.iter().find_map(find_token),
        _ => None,
    }
}

/// A host that can be asked how busy it is after the engine has taken it.
pub(crate) struct Shared(pub(crate) Arc<Host>);

impl Invoker for Shared {
    fn supports(&self, service: &str, action: &str) -> bool {
        self.0.supports(service, action)
    }

    fn invoke(&self, call: Call) -> BoxFuture<'static, Result<Json, TaskFailure>> {
        self.0.invoke(call)
    }
}
