//! What a program of the lottery runs on: a clock, a log, TLS, the configuration of AWS clients, and the errors of those
//! clients.
//!
//! - [`Clock`]: the current time and waiting, as a port that tests move
//! - [`start_log`]: the log of a Lambda function
//! - [`sdk_config`] and [`https_connector`]: the one TLS implementation, for AWS clients and for other HTTPS requests
//! - [`S3Presigner`]: URLs by which a browser sends a file to S3
//! - [`Scheduler`]: makes, changes and deletes schedules of EventBridge
//! - [`is_throttling`], [`Chain`] and [`sources`]: what an error of a client means, and how a log line prints it

mod clock;
mod error;
mod http;
mod log;
mod presign;
mod scheduler;

pub use clock::{Clock, SystemClock};
pub use error::{Chain, is_throttling, sources};
pub use http::{https_client, https_connector, https_connector_with_resolver, sdk_config};
pub use log::start_log;
pub use presign::S3Presigner;
pub use scheduler::{Scheduler, SchedulerError};
