//! The engine from outside: time, tasks, workers, nested executions, map runs, redrive, crowds, and what the disk keeps.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod clock;
mod crowd;
mod disk;
mod failures;
mod fairness;
mod fidelity;
mod full_disk;
mod harm;
mod limits;
mod many_objects;
mod map_runs;
mod objects;
mod parquet;
mod stage;
mod story;
mod tasks;
mod time;
mod words;
