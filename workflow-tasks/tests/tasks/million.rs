//! What a draw costs, from a thousand participants to a million. Prints its figures; docs/performance.md keeps them.
//!
//! `cargo test --release -p workflow-tasks --test tasks million -- --ignored --nocapture`, with the number of
//! participants in `PARTICIPANTS` (1,000 if absent).

#![allow(clippy::print_stdout, reason = "its figures are what it is for")]

use std::time::{Duration, Instant};

use lottery::proof::{Proof, ProofBeacon};
use lottery::verify::{Options, verify};
use serde_json::json;

use crate::dynamodb;
use crate::world::{PATH, World};

/// The most memory that was resident since the last call, and what is resident now, in MB.
fn resident() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).unwrap_or(0) / 1024
    };
    let seen = (field("VmHWM:"), field("VmRSS:"));
    // Forgets the peak, where the system lets us.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    seen
}

/// Prints what a step took: time, and memory beyond what was resident before (most of which is DynamoDB itself).
fn tell(what: &str, began: Instant, before: u64, calls: &str) -> Duration {
    let took = began.elapsed();
    let (peak, _) = resident();
    println!("{what:26} {:9.3} s   peak +{} MB   {calls}", took.as_secs_f64(), peak.saturating_sub(before));
    took
}

fn calls(world: &World, before: &[usize]) -> (Vec<usize>, String) {
    let operations = ["Query", "BatchGetItem", "GetItem", "PutItem", "BatchWriteItem", "TransactWriteItems"];
    let now = operations.map(|operation| world.dynamodb.calls(operation)).to_vec();
    let made: Vec<_> = operations
        .iter()
        .enumerate()
        .map(|(place, operation)| (operation, now[place] - before.get(place).copied().unwrap_or(0)))
        .filter(|(_, count)| *count > 0)
        .map(|(operation, count)| format!("{count} {operation}"))
        .collect();
    (now, made.join(", "))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes with a million participants"]
async fn a_draw_among_a_million() {
    let count: usize = std::env::var("PARTICIPANTS").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000);
    let winners = (count / 1_000).max(3);
    let world = World::new().await;
    let store = &world.cx.store;
    println!("{count} participants, 2 tickets on average, {winners} winners on 3 prizes with quotas");

    let (began, (_, before)) = (Instant::now(), resident());
    for first in (0..count).step_by(5_000) {
        let people = (first..(first + 5_000).min(count)).map(|number| {
            let group = ["a", "b", "c", "d"][number % 4];
            dynamodb::participant(json!({
                "participant_id": format!("{number:07}"), "name": "Somebody", "tickets": number % 3 + 1,
                "group": group,
            }))
        });
        store.put_participants(&world.lottery_id, people.collect(), dynamodb::now()).await.unwrap();
    }
    let (seen, made) = calls(&world, &[]);
    tell("import", began, before, &made);

    let (began, (_, before)) = (Instant::now(), resident());
    let mut pool = store.pool(&world.lottery_id);
    let mut read = 0;
    while let Some(page) = pool.next().await.unwrap() {
        read += page.len();
    }
    assert_eq!(read, count);
    let (seen, made) = calls(&world, &seen);
    let query = tell("read the pool, no more", began, before, &made);

    let quota = json!([{"group": "a", "at_least": 1}, {"group": "b", "at_most": winners.div_ceil(2)}]);
    let third = |extra: usize| json!({"name": "P", "winners": (winners / 3 + extra).max(1), "quota": quota});
    let prizes = json!([third(0), third(0), third(winners % 3)]);
    let draw_id = world.ask("d1", json!({"prizes": prizes})).await;
    let (mut seen, mut drawing) = (seen, Duration::ZERO);
    for function in PATH {
        let (began, (_, before)) = (Instant::now(), resident());
        world.call(function, &draw_id).await.unwrap();
        let (now, made) = calls(&world, &seen);
        seen = now;
        let took = tell(function, began, before, &made);
        match function {
            "seal-entries" => {
                println!(
                    "{:26} {:9.0} %",
                    "  of the query rate",
                    query.as_secs_f64() / took.as_secs_f64() * 100.0
                );
            }
            "draw-winners" | "record-winners" => drawing += took,
            _ => {}
        }
    }
    println!("{:26} {:9.3} s", "draw and record", drawing.as_secs_f64());

    let seal = store.seal(&world.lottery_id, &draw_id).await.unwrap().unwrap();
    let ranking = store.ranking(&world.draw(&draw_id).await).await.unwrap();
    let ranking = ranking.map(|ranking| ranking.into_iter().map(|entry| entry.ranked).collect());
    let round = store.round(&world.lottery_id, &draw_id).await.unwrap();
    let entries = store.chunks(&seal, 0..seal.chunks).await.unwrap();
    let entries: Vec<_> = entries.into_iter().flatten().map(|sealed| sealed.entry).collect();
    let beacon = ProofBeacon { chain: seal.chain, round };
    let version = lottery::manifest::Version;
    let proof = Proof { beacon, manifest: seal.manifest, ranking, signature: seal.signature, version };
    let text = proof.to_canonical_json(Some(&entries));
    drop(entries);
    let (began, (_, before)) = (Instant::now(), resident());
    let options = Options { threads: std::thread::available_parallelism().ok(), ..Options::default() };
    let report = verify(text.as_bytes(), &options);
    tell("verify", began, before, &format!("a proof of {} MB", text.len() >> 20));
    assert!(report.holds, "{}", report.verdict);
}
