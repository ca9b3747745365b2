//! What stands beside the engine when a case was recorded: functions that behave as the case says, and services
//! that answer as the recorded history tells.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use statemachine::data::Json;
use statemachine::{Call, Invoker, ManualClock, TaskFailure};

use crate::case::Case;

/// Whether these needs are within what this host can do.
pub fn can_serve(needs: &[&str]) -> bool {
    const SERVED: &[&str] = &["lambda"];
    !needs.is_empty() && needs.iter().all(|need| SERVED.contains(need))
}

/// The host of one case.
pub struct Host {
    functions: HashMap<String, Value>,
    clock: ManualClock,
    /// How many calls are under way that do not wait for the clock.
    busy: Arc<AtomicUsize>,
    /// The tokens that calls have carried, in their order.
    pub tokens: Arc<Mutex<Vec<String>>>,
}

impl Host {
    pub fn new(case: &Case, clock: ManualClock) -> Host {
        let functions = case.0["mocks"]["lambda"].as_object().cloned().unwrap_or_default();
        Host {
            functions: functions.into_iter().collect(),
            clock,
            busy: Arc::default(),
            tokens: Arc::default(),
        }
    }

    pub fn is_busy(&self) -> bool {
        self.busy.load(Ordering::SeqCst) > 0
    }

    async fn function(behaviour: Value, event: Value, clock: ManualClock) -> Result<Value, TaskFailure> {
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
                let (kind, text) = (behaviour["errorType"].as_str().unwrap(), behaviour["errorMessage"].as_str().unwrap());
                let line = format!("  File \"/var/task/handler.py\", line 2, in handler\n    raise {kind}(\"{text}\")\n");
                let cause = json!({
                    "errorMessage": text,
                    "errorType": kind,
                    "requestId": "00000000-0000-4000-8000-000000000000",
                    "stackTrace": [line],
                });
                Err(TaskFailure { error: kind.to_owned(), cause: cause.to_string() })
            }
            other => panic!("a function behaves in a way unknown here: {other}"),
        }
    }
}

impl Invoker for Host {
    fn supports(&self, _service: &str, _action: &str) -> bool {
        true
    }

    fn invoke(&self, call: Call) -> BoxFuture<'static, Result<Json, TaskFailure>> {
        let parameters: Value = serde_json::from_str(&call.parameters.to_text()).unwrap();
        let name = parameters["FunctionName"].as_str().unwrap_or_default();
        let name = name.rsplit(":function:").next().unwrap_or_default().split(':').next().unwrap_or_default();
        let behaviour = self.functions.get(name).cloned();
        let missing = format!("Function not found: {}", parameters["FunctionName"].as_str().unwrap_or_default());
        let (clock, busy) = (self.clock.clone(), Arc::clone(&self.busy));
        let sleeps = behaviour.as_ref().is_some_and(|behaviour| behaviour["behaviour"] == "sleep_then_echo");
        Box::pin(async move {
            if !sleeps {
                busy.fetch_add(1, Ordering::SeqCst);
            }
            let answer = match behaviour {
                Some(behaviour) => Host::function(behaviour, parameters["Payload"].clone(), clock).await,
                None => {
                    Err(TaskFailure { error: "Lambda.ResourceNotFoundException".to_owned(), cause: missing })
                }
            };
            if !sleeps {
                busy.fetch_sub(1, Ordering::SeqCst);
            }
            answer.map(|value| Json::parse(&value.to_string()).unwrap())
        })
    }
}

/// A host that can be asked how busy it is after the engine has taken it.
pub struct Shared(pub Arc<Host>);

impl Invoker for Shared {
    fn supports(&self, service: &str, action: &str) -> bool {
        self.0.supports(service, action)
    }

    fn invoke(&self, call: Call) -> BoxFuture<'static, Result<Json, TaskFailure>> {
        self.0.invoke(call)
    }
}
