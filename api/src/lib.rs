//! The HTTP API of the lottery: one axum router for Lambda, for the local stack and for tests.
//!
//! [`router`] is the whole service. In reading order:
//!
//! - `routes`: the one table of routes, each with its access; `openapi` says the same to programs
//! - `edge`: what surrounds every request; `auth` and `rate_limit`: the checks before every route
//! - `lotteries`, `participants`, `draws`, `claims`: the handlers; `page`: the page for people
//! - `organiser_address`: where the organiser is sent how draws ended
//! - `webhooks`: the address that hears what happens to draws
//! - `repeats`: draws that repeat, by the schedules of EventBridge
//! - `messenger`: one message to one person, such as a code
//! - `spreadsheet`: tables as CSV and as workbooks
//! - `watch`: draws with their events, their executions, the cache of public reads; `answer`, `cache_control`: responses that
//!   everyone may have, and the rules by which caches keep them
//! - `extract`, `idempotency`, `error`, `refusal`, `explanation`: how requests are read, repeated and refused
//! - `config`, `state`: the configuration, and the clients and clock that handlers use

mod answer;
mod auth;
mod cache_control;
mod claims;
mod config;
mod draws;
mod edge;
mod error;
mod explanation;
mod extract;
mod idempotency;
mod key_page;
mod lotteries;
mod messenger;
mod openapi;
mod organiser;
mod organiser_address;
mod page;
mod parameters;
mod participants;
mod preview;
mod rate_limit;
mod refusal;
mod repeats;
mod routes;
mod settings;
mod spreadsheet;
mod state;
mod watch;
mod webhooks;

pub use auth::{Access, KeysError, Scope, Verifier};
pub use config::{Config, ConfigError, ImportLimits, KeySource, Rate, RateLimits, Settings};
pub use error::ApiError;
pub use organiser::{Organiser, Secret};
pub use rate_limit::RateClass;
pub use routes::{Endpoint, router, router_with};
pub use state::{AppState, ScheduleTarget};
