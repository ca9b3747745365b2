//! The functions that run in this process, and the faults that strike them on purpose.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aws_config::SdkConfig;
use futures_util::future::BoxFuture;
use serde_json::Value;

use super::{Handlers, InvokeError};
use crate::config::{ACCOUNT, Fault, FaultTime, REGION};
use crate::limits::{Account, Environments};
use crate::lock::locked;

/// A function: JSON in, JSON out.
pub(super) type Function = Arc<dyn Fn(Value) -> BoxFuture<'static, Result<Value, InvokeError>> + Send + Sync>;

/// What runs a function.
enum Runner {
    /// Every invocation shares what it holds.
    Shared(Function),
    /// As on Lambda: each environment holds its own, and runs one invocation at a time.
    Environments(Environments<Function>),
}

/// Functions by name. Each brings what it needs; workflows other than the lottery add theirs by [`Handlers`].
#[derive(Default)]
pub(crate) struct FunctionTable {
    functions: HashMap<&'static str, Runner>,
    faults: Vec<Fault>,
    /// How often each function has been called.
    calls: Mutex<HashMap<String, u64>>,
}

impl FunctionTable {
    /// A table without functions, in which these faults strike.
    pub(crate) fn with_faults(faults: Vec<Fault>) -> FunctionTable {
        FunctionTable { faults, ..FunctionTable::default() }
    }

    /// Adds a function whose error is a name and a message.
    pub(crate) fn add<F>(&mut self, name: &'static str, function: impl Fn(Value) -> F + Send + Sync + 'static)
    where
        F: Future<Output = Result<Value, (&'static str, String)>> + Send + 'static,
    {
        self.functions.insert(name, Runner::Shared(boxed(function)));
    }

    /// Adds a function that runs in environments of its own, each of which `start` makes.
    pub(crate) fn add_environments<T, F>(
        &mut self,
        name: &'static str,
        account: &Arc<Account>,
        start: impl Fn() -> T + Send + Sync + 'static,
    ) where
        T: Fn(Value) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Value, (&'static str, String)>> + Send + 'static,
    {
        let environments = Environments::new(name, account.clone(), move || boxed(start()));
        self.functions.insert(name, Runner::Environments(environments));
    }

    /// Adds handlers, which replace functions of the same names. `sdk_config` is what the clients of a function are made from.
    pub(crate) fn add_handlers(
        &mut self,
        handlers: &Handlers,
        account: Option<&Arc<Account>>,
        sdk_config: impl Fn(&'static str) -> SdkConfig,
    ) {
        for (name, start) in handlers.starts() {
            let sdk = sdk_config(name);
            let runner = match account {
                None => Runner::Shared(start(&sdk)),
                Some(account) => {
                    Runner::Environments(Environments::new(name, account.clone(), move || start(&sdk)))
                }
            };
            self.functions.insert(name, runner);
        }
    }

    /// Calls a function. It runs to its end even if the caller goes away, as on Lambda, and if it panics then
    /// this call alone fails.
    pub(crate) async fn invoke(&self, name: &str, payload: Value) -> Result<Value, InvokeError> {
        let Some(runner) = self.functions.get(name) else {
            return Err(InvokeError::Service {
                status: 404,
                exception: "ResourceNotFoundException".to_owned(),
                message: format!(
                    "Function not found: arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}:$LATEST"
                ),
            });
        };
        let fault = self.fault_of_this_call(name);
        let failure =
            fault.map(|fault| InvokeError::function(&fault.error, "the function failed on purpose"));
        if let (Some(Fault { time: FaultTime::Before, .. }), Some(failure)) = (fault, &failure) {
            return Err(failure.clone());
        }
        let result = match runner {
            Runner::Shared(function) => tokio::spawn(function(payload)).await.unwrap_or_else(|error| {
                tracing::error!(function = name, %error, "a task broke down");
                Err(exited())
            }),
            Runner::Environments(environments) => run(environments, payload).await,
        };
        match failure {
            Some(failure) => Err(failure),
            None => result,
        }
    }

    fn fault_of_this_call(&self, name: &str) -> Option<&Fault> {
        if self.faults.is_empty() {
            return None;
        }
        let mut calls = locked(&self.calls);
        let call = calls.entry(name.to_owned()).or_default();
        *call += 1;
        self.faults.iter().find(|fault| fault.function == name && fault.calls.contains(call))
    }
}

/// Runs one invocation in an environment, within the time that the function has.
async fn run(environments: &Environments<Function>, payload: Value) -> Result<Value, InvokeError> {
    let (account, name) = (environments.account(), environments.function());
    let environment = environments.take().await;
    let work = tokio::spawn(environment(payload));
    let stop = work.abort_handle();
    let limit = account.timeout_of(name);
    match account.within(limit, work).await {
        Some(Ok(result)) => {
            environments.give_back(environment);
            result
        }
        Some(Err(error)) => {
            tracing::error!(function = name, %error, "a task broke down");
            Err(exited())
        }
        None => {
            stop.abort();
            let seconds = limit.unwrap_or_default().as_secs_f64();
            let message = format!("Error: Task timed out after {seconds:.2} seconds");
            Err(InvokeError::function("Sandbox.Timedout", &message))
        }
    }
}

fn exited() -> InvokeError {
    InvokeError::function("Runtime.ExitError", "the function exited without an answer")
}

fn boxed<F>(function: impl Fn(Value) -> F + Send + Sync + 'static) -> Function
where
    F: Future<Output = Result<Value, (&'static str, String)>> + Send + 'static,
{
    Arc::new(move |payload| {
        let outcome = function(payload);
        Box::pin(
            async move { outcome.await.map_err(|(name, message)| InvokeError::function(name, &message)) },
        )
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use serde_json::json;

    use super::*;

    /// A table with `count`, which counts its calls, and `panic`.
    fn table(faults: Vec<Fault>) -> (FunctionTable, Arc<AtomicU64>) {
        let counter = Arc::new(AtomicU64::new(0));
        let mut table = FunctionTable::with_faults(faults);
        let counted = counter.clone();
        table.add("count", move |_| {
            let count = counted.fetch_add(1, Ordering::SeqCst) + 1;
            async move { Ok(json!(count)) }
        });
        table.add("panic", |_| async { panic!("on purpose") });
        table.add("refuse", |_| async { Err(("LotteryBusy", "the lottery is held".to_owned())) });
        (table, counter)
    }

    #[tokio::test]
    async fn a_panic_is_a_failed_call_and_no_more() {
        let (table, _) = table(Vec::new());
        let error = table.invoke("panic", json!({})).await.unwrap_err();
        assert_eq!(
            error,
            InvokeError::function("Runtime.ExitError", "the function exited without an answer")
        );
        assert_eq!(table.invoke("count", json!({})).await, Ok(json!(1)));
    }

    #[tokio::test]
    async fn an_error_keeps_its_name() {
        let (table, _) = table(Vec::new());
        let error = table.invoke("refuse", json!({})).await.unwrap_err();
        assert_eq!(error, InvokeError::function("LotteryBusy", "the lottery is held"));
    }

    #[tokio::test]
    async fn a_fault_strikes_the_calls_it_names_before_or_after_the_effect() {
        let (table, counter) = table(vec![
            Fault::every("count", "Lost", FaultTime::After).calls(2..=2),
            Fault::every("count", "Refused", FaultTime::Before).calls(3..=4),
        ]);
        let mut outcomes = Vec::new();
        for _ in 0..5 {
            outcomes.push(table.invoke("count", json!({})).await.map_err(|error| match error {
                InvokeError::Function { payload } => payload["errorType"].clone(),
                other => panic!("{other}"),
            }));
        }
        let refused = Err(json!("Refused"));
        assert_eq!(outcomes, [Ok(json!(1)), Err(json!("Lost")), refused.clone(), refused, Ok(json!(3))]);
        assert_eq!(counter.load(Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn a_function_that_is_not_there_is_named() {
        let (table, _) = table(Vec::new());
        let error = table.invoke("nobody", json!({})).await.unwrap_err().to_string();
        assert!(error.ends_with(":function:nobody:$LATEST"), "{error}");
    }
}
