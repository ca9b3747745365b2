//! [`Handlers`]: functions of workflows other than the lottery, to run in the process of the stack.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use aws_config::SdkConfig;
use lambda_runtime::Diagnostic;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::InvokeError;
use super::table::Function;

/// What makes a function, given what its clients of AWS are made from.
type Start = Arc<dyn Fn(&SdkConfig) -> Function + Send + Sync>;

/// Lambda functions by name, for [`Config::handlers`](crate::Config::handlers): the same functions that a binary hands to
/// `lambda_runtime::run`.
///
/// A name of the lottery's functions replaces that function.
///
/// ```
/// use lambda_runtime::Diagnostic;
/// use local_stack::Handlers;
///
/// async fn double(number: u32) -> Result<u32, Diagnostic> {
///     number.checked_mul(2).ok_or_else(|| Diagnostic {
///         error_type: "TooLarge".to_owned(),
///         error_message: format!("{number} is too large"),
///     })
/// }
///
/// let handlers = Handlers::default().with("double", |_| double);
/// assert_eq!(handlers.names().collect::<Vec<_>>(), ["double"]);
/// ```
#[derive(Clone, Default)]
pub struct Handlers(BTreeMap<&'static str, Start>);

impl Handlers {
    /// Adds the function `name`. `start` runs once for each of its environments, as a function's `main` does on Lambda,
    /// and returns what handles an invocation. Clients that are made from its argument speak to the stack, and name the
    /// function as the caller.
    ///
    /// The name has letters, digits and hyphens.
    #[must_use]
    pub fn with<I, O, E, T, F>(
        mut self,
        name: &'static str,
        start: impl Fn(&SdkConfig) -> T + Send + Sync + 'static,
    ) -> Handlers
    where
        I: DeserializeOwned + Send + 'static,
        O: Serialize,
        E: Into<Diagnostic>,
        T: Fn(I) -> F + Send + Sync + 'static,
        F: Future<Output = Result<O, E>> + Send + 'static,
    {
        self.0.insert(name, Arc::new(move |sdk| function(start(sdk))));
        self
    }

    /// The names of the functions.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied()
    }

    /// What makes each function.
    pub(crate) fn starts(&self) -> impl Iterator<Item = (&'static str, Start)> {
        self.0.iter().map(|(name, start)| (*name, start.clone()))
    }
}

impl fmt::Debug for Handlers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

/// A handler behind the JSON that Lambda speaks.
fn function<I, O, E, T, F>(handle: T) -> Function
where
    I: DeserializeOwned + Send + 'static,
    O: Serialize,
    E: Into<Diagnostic>,
    T: Fn(I) -> F + Send + Sync + 'static,
    F: Future<Output = Result<O, E>> + Send + 'static,
{
    let handle = Arc::new(handle);
    Arc::new(move |payload| {
        let handle = handle.clone();
        Box::pin(async move {
            // The name that the Rust runtime of Lambda gives to this error.
            let unreadable = |error: serde_json::Error| {
                InvokeError::function("lambda_runtime::deserializer::DeserializeError", &error.to_string())
            };
            let input = serde_json::from_value(payload).map_err(unreadable)?;
            let output = handle(input).await.map_err(|error| {
                let Diagnostic { error_type, error_message } = error.into();
                InvokeError::function(&error_type, &error_message)
            })?;
            serde_json::to_value(output)
                .map_err(|error| InvokeError::function("Runtime.MarshalError", &error.to_string()))
        })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    async fn halve(number: u32) -> Result<u32, Diagnostic> {
        match number % 2 {
            0 => Ok(number / 2),
            _ => Err(Diagnostic {
                error_type: "OddNumber".to_owned(),
                error_message: format!("{number} is odd"),
            }),
        }
    }

    #[tokio::test]
    async fn a_handler_answers_its_output_its_own_error_or_what_the_runtime_says_of_its_input() {
        let handlers = Handlers::default().with("halve", |_| halve);
        let sdk = SdkConfig::builder().build();
        let (name, start) = handlers.starts().next().unwrap();
        assert_eq!(name, "halve");
        let function = start(&sdk);
        assert_eq!(function(json!(8)).await, Ok(json!(4)));
        assert_eq!(function(json!(3)).await, Err(InvokeError::function("OddNumber", "3 is odd")));
        let refused = function(json!("eight")).await.unwrap_err().to_string();
        assert!(refused.contains("DeserializeError") && refused.contains("expected u32"), "{refused}");
    }
}
