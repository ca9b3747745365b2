//! The HTTP API of the lottery: one axum router for Lambda, for the local stack and for tests.
//!
//! [`router`] is the whole service. In reading order:
//!
//! - `routes`: the one table of routes, each with who may call it; `openapi` says the same to programs
//! - `edge`: what surrounds every request; `auth` and `rate_limit`: what stands before every route
//! - `lotteries`, `participants`, `draws`: the handlers; `page`: the page for people
//! - `spreadsheet`: tables as CSV and as workbooks
//! - `kept`: what was read lately; `answer`, `cache_control`: how it is answered to everyone, and kept by caches
//! - `extract`, `idempotency`, `error`, `explanation`: how requests are read, repeated and refused
//! - `config`, `state`: what the service is told and lent

mod answer;
mod auth;
mod cache_control;
mod config;
mod draws;
mod edge;
mod error;
mod explanation;
mod extract;
mod idempotency;
mod kept;
mod lotteries;
mod openapi;
mod page;
mod parameters;
mod participants;
mod rate_limit;
mod routes;
mod spreadsheet;
mod state;

pub use auth::{Access, KeysError, Scope, Verifier};
pub use config::{Config, ConfigError, ImportLimits, KeySource, Rate, RateLimits, Settings};
pub use error::ApiError;
pub use rate_limit::RateClass;
pub use routes::{Endpoint, router, router_with};
pub use state::AppState;
