//! What an error of an AWS client means, and how a log line prints it.

use std::error::Error;
use std::fmt;

/// Whether an AWS service asks with this error code to send fewer requests. DynamoDB also gives some of these codes as
/// reasons of a cancelled transaction. Quotas of a day or a month have such codes too.
#[must_use]
pub fn is_throttling(code: &str) -> bool {
    matches!(
        code,
        "ExecutionLimitExceeded"
            | "KMSThrottling"
            | "KMSThrottlingException"
            | "LimitExceededException"
            | "ProvisionedThroughputExceeded"
            | "ProvisionedThroughputExceededException"
            | "RequestLimitExceeded"
            | "RequestThrottled"
            | "RequestThrottledException"
            | "Throttled"
            | "ThrottledException"
            | "Throttling"
            | "ThrottlingError"
            | "ThrottlingException"
            | "TooManyRequestsException"
    )
}

/// An error and its sources, outermost first.
pub fn sources<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> + use<'a> {
    std::iter::successors(Some(error), |error| (*error).source())
}

/// Prints an error and its sources on one line, separated by `: `. A source whose message ends the message before it is
/// left out.
#[derive(Debug, Clone, Copy)]
pub struct Chain<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut printed = self.0.to_string();
        formatter.write_str(&printed)?;
        for source in sources(self.0).skip(1) {
            let message = source.to_string();
            if !printed.ends_with(&message) {
                write!(formatter, ": {message}")?;
                printed = message;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Layer(&'static str, Option<Box<Layer>>);

    impl fmt::Display for Layer {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str(self.0)
        }
    }

    impl Error for Layer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|source| source as _)
        }
    }

    #[test]
    fn a_chain_names_every_source_once() {
        let refused = Layer("connection refused", None);
        let connect = Layer("cannot connect: connection refused", Some(Box::new(refused)));
        let store = Layer("the store is unavailable", Some(Box::new(connect)));
        assert_eq!(Chain(&store).to_string(), "the store is unavailable: cannot connect: connection refused");
        assert_eq!(sources(&store).count(), 3);
    }
}
