//! What the mains of the functions share.

use lambda_runtime::{LambdaEvent, run, service_fn};
use serde::Serialize;
use serde_json::Value;
use tracing::Metadata;

use crate::task::{TaskInput, call};
use crate::{Config, Function, TaskContext, TaskError};

/// Sets up logging, reads the configuration and makes the context of `function`.
pub async fn start(function: Function) -> anyhow::Result<TaskContext> {
    // An expected refusal is no ERROR, and the task has said what it was.
    platform::start_log(|line| !repeats_an_error(line));
    Ok(TaskContext::from_config(function, Config::from_env(function)?).await)
}

/// The same for a function that signs.
pub async fn start_signing(function: Function) -> anyhow::Result<TaskContext> {
    start(function).await?.with_organiser_key().await
}

/// Handles the function's invocations with `handle` until the process ends.
pub async fn serve<I, O, F>(handle: impl Fn(I) -> F) -> anyhow::Result<()>
where
    I: TaskInput,
    O: Serialize,
    F: Future<Output = Result<O, TaskError>>,
{
    let answer = service_fn(|event: LambdaEvent<Value>| call(&handle, event.payload));
    run(answer).await.map_err(anyhow::Error::from_boxed)
}

/// The runtime's line about an error of a function has the message alone; that about a panic has a field more.
fn repeats_an_error(line: &Metadata<'_>) -> bool {
    line.target() == "lambda_runtime::layers::panic"
        && line.is_event()
        && line.fields().field("error").is_none()
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use tracing::error;
    use tracing_subscriber::filter::FilterFn;
    use tracing_subscriber::fmt::MakeWriter;
    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::{fmt, registry};

    use super::*;

    /// Keeps what is logged.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Kept {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    #[test]
    fn the_runtimes_line_about_a_refusal_is_left_out_and_that_about_a_panic_is_not() {
        let kept = Kept::default();
        let layer = fmt::layer().without_time().with_ansi(false).with_writer(kept.clone());
        let subscriber = registry().with(FilterFn::new(|line| !repeats_an_error(line))).with(layer);
        tracing::subscriber::with_default(subscriber, || {
            // As lambda_runtime/src/layers/panic.rs has them.
            error!(target: "lambda_runtime::layers::panic", "{:?}", TaskError::DrawUnknown);
            error!(target: "lambda_runtime::layers::panic", error = ?"boom", "user handler panicked");
            error!("ours");
        });
        let kept = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        assert!(!kept.contains("DrawUnknown"), "{kept}");
        assert!(kept.contains("user handler panicked") && kept.contains("ours"), "{kept}");
    }
}
