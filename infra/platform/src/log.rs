//! Where the lines of a Lambda function's log go, and which of them.

use std::str::FromStr;

use tracing::Metadata;
use tracing_subscriber::filter::{FilterFn, LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{fmt, registry};

/// Starts the log of a function as the Lambda runtime does by default, but for the lines that `is_kept` refuses. The
/// settings are those of [Lambda's logging controls] and `RUST_LOG`:
///
/// - `RUST_LOG`: levels by module, such as `info,hyper=debug`
/// - `AWS_LAMBDA_LOG_LEVEL`: the level where `RUST_LOG` is not set; INFO by default
/// - `AWS_LAMBDA_LOG_FORMAT=JSON`: an object a line
///
/// The runtime's own subscriber also filters by the fields of spans. That takes a compiler of regular expressions, which is a
/// twentieth of a function.
///
/// # Panics
///
/// If the process has a log already.
///
/// [Lambda's logging controls]: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
pub fn start_log(is_kept: fn(&Metadata<'_>) -> bool) {
    let setting = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let filter = lines(setting("RUST_LOG").as_deref(), setting("AWS_LAMBDA_LOG_LEVEL").as_deref());
    let subscriber = registry().with(filter).with(FilterFn::new(is_kept));
    let layer = fmt::layer().with_target(false).without_time();
    match setting("AWS_LAMBDA_LOG_FORMAT") {
        Some(format) if format.eq_ignore_ascii_case("json") => subscriber.with(layer.json()).init(),
        _ => subscriber.with(layer).init(),
    }
}

/// The lines that `RUST_LOG` and Lambda's level let through. What cannot be read counts as not set.
fn lines(rust_log: Option<&str>, level: Option<&str>) -> Targets {
    rust_log.and_then(|directives| Targets::from_str(directives).ok()).unwrap_or_else(|| {
        let level = level.and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO);
        Targets::new().with_default(level)
    })
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn lines_follow_rust_log_before_lambdas_level() {
        let by_default = lines(None, None);
        assert!(by_default.would_enable("api", &Level::INFO));
        assert!(!by_default.would_enable("api", &Level::DEBUG));

        let by_level = lines(None, Some("WARN"));
        assert!(by_level.would_enable("api", &Level::WARN) && !by_level.would_enable("api", &Level::INFO));

        let by_module = lines(Some("warn,hyper=debug"), Some("ERROR"));
        assert!(by_module.would_enable("hyper::client", &Level::DEBUG));
        assert!(by_module.would_enable("api", &Level::WARN) && !by_module.would_enable("api", &Level::INFO));
    }

    #[test]
    fn a_setting_that_cannot_be_read_counts_as_not_set() {
        for (rust_log, level) in [(Some("api=loud"), Some("WARN")), (None, Some("loud"))] {
            let filter = lines(rust_log, level);
            assert!(filter.would_enable("api", &Level::WARN), "{rust_log:?} {level:?}");
            assert!(!filter.would_enable("api", &Level::DEBUG), "{rust_log:?} {level:?}");
        }
    }
}
