//! The system from outside: stories over HTTP to a started stack.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue fails")]

mod activities;
mod announcements;
mod auth;
mod aws_tools;
mod big_lists;
mod claims;
mod command_line;
mod concurrency;
mod costs;
mod draw_events;
mod draws;
mod evening;
mod events;
mod executions;
mod failures;
mod fair_draw;
mod fold;
mod guests;
mod harsh;
mod http_tasks;
mod import;
mod infrastructure;
mod jobs;
mod lambda;
mod layering;
mod list;
mod mail;
mod objects;
mod opted_out;
mod organiser;
mod permissions;
mod privacy;
mod queues;
mod quotas;
mod recovery;
mod removal;
mod repeats;
mod smoke;
mod stage;
mod talk;
mod webhooks;
mod witness;
