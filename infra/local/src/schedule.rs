//! What runs on a timer: functions, as EventBridge Scheduler calls them on AWS, and the database's own sweep.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::aws::DynamoDb;
use crate::functions::Functions;

/// A function and how often it is called.
pub(crate) struct Schedule {
    /// The function's name.
    pub(crate) function: &'static str,
    /// The time from one call to the next.
    pub(crate) every: Duration,
}

impl Schedule {
    /// Calls the function at its times, one call after the other, for ever.
    pub(crate) async fn run(self, functions: Arc<Functions>) {
        let mut times = times(self.every);
        loop {
            times.tick().await;
            match functions.invoke(self.function, json!({})).await {
                Ok(result) => tracing::debug!(function = self.function, %result, "ran on schedule"),
                Err(error) => tracing::warn!(function = self.function, %error, "failed on schedule"),
            }
        }
    }
}

/// Lets DynamoDB delete what has expired, once a minute, for ever. (AWS takes up to a few days.)
pub(crate) async fn sweep(dynamodb: Arc<DynamoDb>) {
    let mut times = times(Duration::from_secs(60));
    loop {
        times.tick().await;
        dynamodb.sweep().await;
    }
}

/// Ticks, the first of which comes after `every`; a late one does not make the next come early.
fn times(every: Duration) -> tokio::time::Interval {
    let mut times = interval_at(Instant::now() + every, every.max(Duration::from_millis(1)));
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    times
}
