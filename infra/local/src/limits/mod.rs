//! A harsh AWS: the quotas of an account, which the local stack applies only when it is configured to.
//!
//! [`Limits`] says which; without them nothing here is ever reached. In reading order:
//!
//! - `settings`: [`Limits`], what `--limits` can set; `presets`: the figures of AWS with their sources
//! - `rate`: token buckets; `window`: throttling for a while, on purpose
//! - `account`: what the functions of one account share: concurrency, windows, rates and the bill
//! - `environments`: execution environments of a function, each with a state of its own
//! - `services`: the rates of Step Functions, SNS, SES and DynamoDB
//! - `gateway`: API Gateway and Lambda before the API; `meter`: what it would cost
//! - `fast_forward`: moving a clock while nothing happens
//!
//! Rates, windows, time-outs and the bill read the stack's clock, so that a test moves time and does not sleep.

mod account;
mod environments;
mod fast_forward;
mod gateway;
mod meter;
mod presets;
mod rate;
mod services;
mod settings;
mod transitions;
mod window;

pub(crate) use account::{Account, Activity, ServiceCall};
pub(crate) use environments::Environments;
pub use fast_forward::fast_forward;
pub(crate) use gateway::{Gateway, router};
pub use meter::{Bill, FunctionBill};
pub use rate::Rate;
pub(crate) use services::{Refusal, Service};
pub use settings::{Limits, LimitsError};
pub(crate) use transitions::state_transitions;
pub use window::{Throttled, Window};
