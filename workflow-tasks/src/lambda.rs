//! What the mains of the functions share.

use lambda_runtime::{LambdaEvent, run, service_fn};
use serde::Serialize;
use serde_json::Value;

use crate::task::{TaskInput, call};
use crate::{Config, Function, TaskContext, TaskError};

/// Sets up logging, reads the configuration and makes the clients of `function`.
pub async fn start(function: Function) -> anyhow::Result<TaskContext> {
    lambda_runtime::tracing::init_default_subscriber();
    TaskContext::from_config(function, Config::from_env(function)?).await
}

/// Answers the function's invocations with `handle`, as long as the process lives.
pub async fn serve<I, O, F>(handle: impl Fn(I) -> F) -> anyhow::Result<()>
where
    I: TaskInput,
    O: Serialize,
    F: Future<Output = Result<O, TaskError>>,
{
    let answer = service_fn(|event: LambdaEvent<Value>| call(&handle, event.payload));
    run(answer).await.map_err(anyhow::Error::from_boxed)
}
