//! A real process is killed after each stored record in turn and started anew: the output is the same, the history
//! differs in times alone, and no task whose answer is stored is asked again.
//!
//! The longer run kills at random moments instead, for as many seeds as asked:
//! `RECOVERY_SEEDS=1000 cargo test --release -p asl-engine --test recovery -- --ignored at_random`

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "recovery/machines.rs"]
mod machines;
#[path = "recovery/process.rs"]
mod process;

use std::path::Path;

use machines::{MACHINES, Machine};
use process::{Told, answers_stored, run};

/// What a run without any interruption tells.
fn undisturbed(machine: usize) -> Told {
    let directory = tempfile::tempdir().unwrap();
    run(directory.path(), machine, None).expect("a run that nobody kills ends")
}

/// Kills a process by its n-th record, starts another one, and holds what came of it against the undisturbed run.
fn killed_after(machine: usize, record: usize, undisturbed: &Told) -> bool {
    let directory = tempfile::tempdir().unwrap();
    if let Some(rerun) = run(directory.path(), machine, Some(record)) {
        assert_eq!(rerun.story, undisturbed.story);
        return false;
    }
    finish(directory.path(), machine, undisturbed, &format!("killed after record {record}"));
    true
}

fn finish(directory: &Path, machine: usize, undisturbed: &Told, when: &str) {
    let answered = answers_stored(directory);
    let rerun = run(directory, machine, None).expect("a run that nobody kills ends");
    let name = MACHINES[machine].name;
    assert_eq!(rerun.story, undisturbed.story, "{name}, {when}");
    assert_eq!(
        rerun.calls.len(),
        undisturbed.calls.len() - answered,
        "{name}, {when}: {answered} answers were stored, then it asked for {:?}",
        rerun.calls
    );
}

#[test]
fn whatever_the_moment_of_the_kill_the_execution_ends_as_if_there_had_been_none() {
    for (machine, Machine { name, at_least_records, .. }) in MACHINES.iter().enumerate() {
        let undisturbed = undisturbed(machine);
        let mut record = 1;
        while killed_after(machine, record, &undisturbed) {
            record += 1;
        }
        assert!(record > *at_least_records, "{name} has {record} records");
    }
}

#[test]
#[ignore = "takes minutes; see the top of this file"]
fn at_random_moments_likewise() {
    let seeds: u64 = std::env::var("RECOVERY_SEEDS").map_or(1000, |seeds| seeds.parse().unwrap());
    let undisturbed: Vec<Told> = (0..MACHINES.len()).map(undisturbed).collect();
    for seed in 0..seeds {
        let random = asl_engine::data::Random::new(u128::from(seed));
        let machine = (random.next_u64() % MACHINES.len() as u64) as usize;
        let directory = tempfile::tempdir().unwrap();
        let kills = 1 + random.next_u64() % 3;
        for _ in 0..kills {
            process::run_and_kill(directory.path(), machine, random.next_u64() % 60_000);
        }
        let rerun = run(directory.path(), machine, None).expect("a run that nobody kills ends");
        assert_eq!(rerun.story, undisturbed[machine].story, "{}, seed {seed}", MACHINES[machine].name);
    }
}

#[test]
#[ignore = "the process that the tests above start and kill"]
fn the_process() {
    process::main();
}
