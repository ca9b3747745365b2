//! Functions in an account with limits: 429 where too many run, and bounds of what goes in and out.

use std::sync::Arc;
use std::time::Instant;

use asl_engine::data::Json;

use super::{FunctionTable, InvokeError, RemoteFunctions, in_process, log};
use crate::limits::Account;

/// Functions, and the account whose limits hold.
pub(crate) struct LimitedFunctions {
    runner: Arc<Runner>,
    account: Arc<Account>,
}

/// Who runs them.
enum Runner {
    InProcess(FunctionTable),
    Remote(RemoteFunctions),
}

impl Runner {
    async fn invoke_with_log(&self, name: &str, payload: Json) -> (Result<Json, InvokeError>, String) {
        let began = Instant::now();
        let (result, kept) = match self {
            Runner::InProcess(table) => (in_process(table, name, &payload).await, None),
            Runner::Remote(remote) => remote.invoke_with_log(name, &payload).await,
        };
        (result, kept.unwrap_or_else(|| log::tail(began.elapsed())))
    }
}

impl LimitedFunctions {
    /// Functions of this process.
    pub(crate) fn in_process(table: FunctionTable, account: Arc<Account>) -> LimitedFunctions {
        LimitedFunctions { runner: Arc::new(Runner::InProcess(table)), account }
    }

    /// Functions elsewhere.
    pub(crate) fn remote(remote: RemoteFunctions, account: Arc<Account>) -> LimitedFunctions {
        LimitedFunctions { runner: Arc::new(Runner::Remote(remote)), account }
    }

    /// Calls a function. It runs to its end even if the caller goes away, and counts until then.
    pub(super) async fn invoke_with_log(
        &self,
        name: &str,
        payload: Json,
    ) -> (Result<Json, InvokeError>, String) {
        let limit = self.account.limits().lambda_payload_bytes;
        let is_too_large = |value: &Json| limit.is_some_and(|limit| value.verbatim().len() > limit);
        if is_too_large(&payload) {
            let limit = limit.unwrap_or(0);
            let refusal = InvokeError::Service {
                status: 413,
                exception: "RequestTooLargeException".to_owned(),
                message: format!(
                    "Request must be smaller than {limit} bytes for the InvokeFunction operation"
                ),
            };
            return (Err(refusal), String::new());
        }
        let permit = match self.account.admit(name) {
            Ok(permit) => permit,
            Err(throttled) => return (Err(throttled), String::new()),
        };
        let (runner, function) = (self.runner.clone(), name.to_owned());
        let invocation = tokio::spawn(async move {
            let outcome = runner.invoke_with_log(&function, payload).await;
            drop(permit);
            outcome
        });
        match invocation.await {
            Ok((Ok(answer), log)) if is_too_large(&answer) => {
                let message = format!(
                    "Response payload size exceeded maximum allowed payload size ({} bytes).",
                    limit.unwrap_or(0)
                );
                (Err(InvokeError::function("Function.ResponseSizeTooLarge", &message)), log)
            }
            Ok(outcome) => outcome,
            Err(error) => {
                tracing::error!(function = name, %error, "an invocation broke down");
                let message = "the function exited without an answer";
                (Err(InvokeError::function("Runtime.ExitError", message)), String::new())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use asl_engine::ManualClock;
    use jiff::Timestamp;
    use serde_json::{Value, json};

    use super::*;
    use crate::functions::Functions;
    use crate::iam::FunctionFigures;

    struct Fixture {
        functions: Functions,
        account: Arc<Account>,
        clock: ManualClock,
    }

    impl Fixture {
        /// `count` counts within its environment, `hang` never ends, `grow` returns a text of so many characters.
        fn new(limits: &str) -> Fixture {
            let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
            let figures = FunctionFigures { memory_mb: 256, timeout: Duration::from_secs(90) };
            let figures = ["count", "hang", "grow"].map(|name| (name.to_owned(), figures));
            let account =
                Account::new(limits.parse().unwrap(), clock.clone().into(), BTreeMap::from(figures));
            let mut table = FunctionTable::default();
            table.add_environments("count", &account, || {
                let counter = std::sync::atomic::AtomicU64::new(0);
                move |_| {
                    let count = counter.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
                    async move { Ok(json!(count)) }
                }
            });
            table.add_environments("hang", &account, || |_| std::future::pending());
            table.add_environments("grow", &account, || {
                |payload: Value| async move {
                    Ok(json!("x".repeat(payload["characters"].as_u64().unwrap() as usize)))
                }
            });
            let functions = LimitedFunctions::in_process(table, account.clone());
            Fixture { functions: Functions::Limited(functions), account, clock }
        }
    }

    fn name(outcome: Result<Json, InvokeError>) -> String {
        match outcome.unwrap_err() {
            InvokeError::Function { payload } => payload["errorType"].as_str().unwrap().to_owned(),
            InvokeError::Service { exception, .. } => exception,
            InvokeError::Unreachable(text) => text,
        }
    }

    #[tokio::test]
    async fn a_function_that_takes_too_long_times_out_and_its_place_is_free_again() {
        let fixture = Fixture::new("function-timeouts=on,lambda-concurrency=1");
        let hanging = fixture.functions.invoke("hang", json!({}));
        let moving = async {
            while fixture.account.activity().changes == 0 {
                tokio::task::yield_now().await;
            }
            let throttled = fixture.functions.invoke("count", json!({})).await;
            assert_eq!(name(throttled), "TooManyRequestsException");
            loop {
                fixture.clock.advance(Duration::from_secs(1));
                tokio::task::yield_now().await;
            }
        };
        let outcome = tokio::select! {
            outcome = hanging => outcome,
            () = moving => unreachable!("it moves the clock for ever"),
        };
        assert_eq!(name(outcome), "Sandbox.Timedout");
        assert_eq!(fixture.functions.invoke("count", json!({})).await, Ok(Json::from(1)));
        assert!(fixture.account.functions()["hang"].gb_seconds >= 22.5, "the whole time is billed");
    }

    #[tokio::test]
    async fn an_environment_is_used_again_and_keeps_what_it_holds() {
        let fixture = Fixture::new("lambda-concurrency=10");
        assert_eq!(fixture.functions.invoke("count", json!({})).await, Ok(Json::from(1)));
        assert_eq!(fixture.functions.invoke("count:live", json!({})).await, Ok(Json::from(2)));
        assert_eq!(fixture.account.functions()["count"].cold_starts, 1);
    }

    #[tokio::test]
    async fn what_is_too_large_is_refused_on_the_way_in_and_out() {
        let fixture = Fixture::new("lambda-payload-bytes=1000");
        let large = json!({"characters": 1, "more": "x".repeat(1_000)});
        assert_eq!(name(fixture.functions.invoke("grow", large).await), "RequestTooLargeException");
        let answer = fixture.functions.invoke("grow", json!({"characters": 1_000})).await;
        assert_eq!(name(answer), "Function.ResponseSizeTooLarge");
        assert!(fixture.functions.invoke("grow", json!({"characters": 900})).await.is_ok());
    }

    #[tokio::test]
    async fn a_window_throttles_from_the_first_call_until_its_time_is_over() {
        let fixture = Fixture::new("throttle=count:60");
        for _ in 0..3 {
            let outcome = fixture.functions.invoke("count", json!({})).await;
            assert_eq!(name(outcome), "TooManyRequestsException");
            fixture.clock.advance(Duration::from_secs(20));
        }
        assert_eq!(fixture.functions.invoke("count", json!({})).await, Ok(Json::from(1)));
    }
}
