//! The engine from outside: time, tasks, workers, nested executions, map runs, redrive, and what the disk keeps.

mod disk;
mod map_runs;
mod stage;
mod tasks;
mod time;
