//! The page in a real browser: Chromium without a window, driven through WebDriver, on a stack in this process.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue fails")]

mod big_lists;
mod browser;
mod calm;
mod claim;
mod claim_time;
mod connection;
mod executions;
mod graph;
mod guests;
mod hostile;
mod join;
mod languages;
mod line;
mod lists;
mod looks;
mod opted_out;
mod proof;
mod quotas;
mod release;
mod repeats;
mod replace;
mod resend;
mod stage;
mod stage_claims;
mod stage_modules;
mod stage_release;
mod stage_sizes;
mod story;
mod watchers;
mod webhooks;
mod whole_evening;
mod winners;
mod witness;
