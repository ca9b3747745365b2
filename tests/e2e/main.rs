//! The system from outside: stories told over HTTP to a started stack.

mod auth;
mod aws_tools;
mod command_line;
mod concurrency;
mod draws;
mod failures;
mod import;
mod layering;
mod privacy;
mod recovery;
mod support;
