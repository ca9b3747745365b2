//! The metrics of the functions, in CloudWatch's embedded metric format: log lines from which CloudWatch makes metrics.
//!
//! Format: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::fmt;
use std::io::Write;
use std::sync::Arc;

use jiff::Timestamp;
use lottery::{Channel, DrawStatus, NotificationCounts};
use serde_json::{Value, json};

/// Writes one line.
type Sink = Arc<dyn Fn(&str) + Send + Sync>;

/// Writes metrics to the log, or nowhere.
#[derive(Clone, Default)]
pub struct Metrics(Option<(String, Sink)>);

impl Metrics {
    /// To the standard output, under this namespace if there is one.
    pub fn new(namespace: Option<String>) -> Self {
        let print: Sink = Arc::new(|line: &str| {
            // A task does not fail because a metric cannot be written.
            let _ = writeln!(std::io::stdout().lock(), "{line}");
        });
        Self(namespace.map(|namespace| (namespace, print)))
    }

    /// Writes to `write`, for tests.
    pub fn with_sink(namespace: &str, sink: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Some((namespace.to_owned(), Arc::new(sink))))
    }

    /// Counts the messages of one run by outcome.
    pub(crate) fn notifications(&self, channel: Channel, counts: NotificationCounts, now: Timestamp) {
        let NotificationCounts { sent, failed, unknown, .. } = counts;
        if counts.total() > 0 {
            let counts = [
                ("NotificationsSent", sent),
                ("NotificationsFailed", failed),
                ("NotificationsUnknown", unknown),
            ];
            self.write(Some(("Channel", channel.as_str())), &counts, now);
        }
    }

    /// Counts a draw that has ended.
    pub(crate) fn draw_ended(&self, status: DrawStatus, now: Timestamp) {
        self.write(Some(("Status", status.as_str())), &[("DrawsEnded", 1)], now);
    }

    /// Counts the draws that one run of the reconciler resumed, and those that it found without a running execution.
    pub(crate) fn reconciled(&self, resumed: u64, outstanding: u64, now: Timestamp) {
        self.write(None, &[("DrawsResumed", resumed), ("DrawsOutstanding", outstanding)], now);
    }

    fn write(&self, dimension: Option<(&str, &str)>, counts: &[(&str, u64)], now: Timestamp) {
        let Some((namespace, sink)) = &self.0 else { return };
        let metrics: Vec<Value> =
            counts.iter().map(|(name, _)| json!({"Name": name, "Unit": "Count"})).collect();
        let dimensions: Vec<&str> = dimension.iter().map(|(name, _)| *name).collect();
        let mut line = json!({
            "_aws": {
                "Timestamp": now.as_millisecond(),
                "CloudWatchMetrics": [{"Namespace": namespace, "Dimensions": [dimensions], "Metrics": metrics}],
            },
        });
        if let Some((name, value)) = dimension {
            line[name] = json!(value);
        }
        for (name, count) in counts {
            line[*name] = json!(count);
        }
        sink(&line.to_string());
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Metrics").field(&self.0.as_ref().map(|(namespace, _)| namespace)).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn a_line_is_in_the_embedded_metric_format() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = lines.clone();
        let metrics = Metrics::with_sink("lottery", move |line| sink.lock().unwrap().push(line.to_owned()));
        let now = Timestamp::from_millisecond(1_700_000_000_123).unwrap();
        let counts = NotificationCounts { sent: 3, unknown: 1, ..NotificationCounts::default() };
        metrics.notifications(Channel::Sms, counts, now);
        metrics.notifications(Channel::Email, NotificationCounts::default(), now);
        metrics.reconciled(2, 5, now);
        let lines: Vec<Value> =
            lines.lock().unwrap().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2, "what did not happen is not counted");
        let names = ["NotificationsSent", "NotificationsFailed", "NotificationsUnknown"];
        assert_eq!(
            lines[0],
            json!({
                "_aws": {"Timestamp": 1_700_000_000_123_i64, "CloudWatchMetrics": [{
                    "Namespace": "lottery", "Dimensions": [["Channel"]],
                    "Metrics": names.map(|name| json!({"Name": name, "Unit": "Count"}))
                }]},
                "Channel": "sms", "NotificationsSent": 3, "NotificationsFailed": 0, "NotificationsUnknown": 1
            })
        );
        assert_eq!(lines[1]["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([[]]));
        assert_eq!((&lines[1]["DrawsResumed"], &lines[1]["DrawsOutstanding"]), (&json!(2), &json!(5)));
        Metrics::default().draw_ended(DrawStatus::Succeeded, now);
    }
}
