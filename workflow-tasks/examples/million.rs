//! Prints what a draw costs, step by step, on a DynamoDB in memory: the table that docs/performance.md keeps.
//!
//!     cargo run --release -p workflow-tasks --example million -- 1000 10000 100000 1000000

#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on stops where it is")]
#![allow(clippy::print_stdout, reason = "its figures are what it is for")]

use std::time::Instant;

use lottery::ranking::Prk;
use lottery::selection::Selection;
use lottery::verify::{Options, verify};
use lottery::{DrawStatus, Label, Tickets};
use serde_json::json;

use test_support::dynamodb;
use test_world::{PATH, World};

/// One step that is being measured.
struct Step<'a> {
    world: &'a World,
    began: Instant,
    resident: u64,
    units: (f64, f64),
}

impl<'a> Step<'a> {
    fn begin(world: &'a World) -> Self {
        let (_, resident) = memory();
        Self { world, began: Instant::now(), resident, units: world.dynamodb.units() }
    }

    /// Prints a line of the table, and gives the seconds.
    fn end(self, count: usize, what: &str) -> f64 {
        let took = self.began.elapsed().as_secs_f64();
        let (peak, _) = memory();
        let (read, written) = self.world.dynamodb.units();
        println!(
            "| {count} | {what} | {took:.3} s | {:.2} µs | {} MB | {:.0} | {:.0} |",
            took / count as f64 * 1e6,
            peak.saturating_sub(self.resident),
            read - self.units.0,
            written - self.units.1
        );
        took
    }
}

/// The most memory that was resident since the last call, and what is resident now, in MB.
fn memory() -> (u64, u64) {
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

/// HMAC-SHA256 of one core under one key, a second: what a ranking that did nothing else would score.
fn hmac_rate() -> f64 {
    let (prk, tickets) = (Prk::extract(b"salt", b"randomness"), Tickets::try_from(1_000).unwrap());
    let began = Instant::now();
    let labels = (0..1_000u16).map(|number| Label::from_random([number as u8; 16]));
    let lowest = labels.map(|label| prk.score(label.as_ref(), tickets)).min();
    assert!(lowest.is_some());
    1e6 / began.elapsed().as_secs_f64()
}

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), String> {
    let counts = std::env::args().skip(1).map(|count| match count.parse() {
        // The shares of the three prizes come out even.
        Ok(count) if count > 0 && count % 100 == 0 => Ok(count),
        _ => Err(format!("hundreds of participants are wanted, such as 1000 or 1000000, not '{count}'")),
    });
    let counts: Vec<usize> = counts.collect::<Result<_, _>>()?;
    println!("| participants | step | time | for each | memory | units read | units written |");
    println!("| ---: | --- | ---: | ---: | ---: | ---: | ---: |");
    let mut rates = Vec::new();
    for count in counts {
        rates.push(measure(count).await);
    }
    println!("{}", rates.join("\n"));
    Ok(())
}

/// Imports, seals, draws, records and verifies; 2 tickets on average, and 1,000 winners on 3 prizes with quotas. Answers
/// how the rates compare.
async fn measure(count: usize) -> String {
    let world = World::new().await;
    world.dynamodb.meter();
    let store = &world.cx.store;

    let step = Step::begin(&world);
    let mut tickets = 0;
    for first in (0..count).step_by(5_000) {
        let people = (first..(first + 5_000).min(count)).map(|number| {
            let group = ["a", "b", "c", "d"][number % 4];
            tickets += number % 3 + 1;
            dynamodb::participant(json!({
                "participant_id": format!("{number:07}"), "name": "Somebody", "tickets": number % 3 + 1,
                "group": group,
            }))
        });
        store.put_participants(&world.lottery_id, people.collect(), dynamodb::now()).await.unwrap();
    }
    step.end(count, "import");

    let mut query = 0.0;
    // The first time finds nothing in the processor's caches; the seal comes after it too.
    for what in ["query the pool, the first time", "query the pool, no more"] {
        let step = Step::begin(&world);
        let (mut pool, mut read) = (store.pool(&world.lottery_id), 0);
        while let Some(page) = pool.next().await.unwrap() {
            read += page.len();
        }
        assert_eq!(read, count);
        query = step.end(count, what);
    }

    let winners = (count / 10).min(1_000);
    let prize = |name: &str, winners: usize| {
        let quota = json!([{"group": "a", "at_least": winners / 10}, {"group": "b", "at_most": winners / 2}]);
        json!({"name": name, "winners": winners, "quota": quota})
    };
    let prizes = json!([
        prize("Car", winners / 10),
        prize("Bicycle", winners * 3 / 10),
        prize("Book", winners * 6 / 10)
    ]);
    let draw_id = world.ask("d1", json!({ "prizes": prizes })).await;
    let mut seal = 0.0;
    for function in PATH {
        world.wait_for_beacon(&draw_id).await;
        let step = Step::begin(&world);
        world.call(function, &draw_id).await.unwrap();
        let took = step.end(count, function);
        if function == "seal-entries" {
            seal = took;
        }
    }
    assert_eq!(world.status(&draw_id).await, DrawStatus::Recorded);
    assert_eq!(world.winners(&draw_id).await.len(), winners);

    let (published, entries) = world.proof(&draw_id).await;
    let text = published.to_canonical_json(Some(&entries));
    let step = Step::begin(&world);
    let prk = Prk::extract(published.manifest.commitment().as_bytes(), b"any randomness");
    let mut selection = Selection::new(prk, &published.manifest.prizes, 0);
    entries.iter().for_each(|entry| selection.offer(entry));
    assert_eq!(selection.into_ranking().len(), winners);
    let rank = step.end(count, "rank by one thread, no more");
    drop(entries);
    let step = Step::begin(&world);
    let options = Options { threads: std::thread::available_parallelism().ok(), ..Options::default() };
    let report = verify(text.as_bytes(), &options);
    step.end(count, "verify");
    assert!(report.holds, "{}", report.verdict);

    let (ranked, hmac) = (tickets as f64 / rank, hmac_rate());
    format!(
        "{count}: sealed at {:.0} % of the query rate; {:.2} M tickets ranked a second, {:.0} % of one core's {:.2} M HMAC-SHA256",
        query / seal * 100.0,
        ranked / 1e6,
        ranked / hmac * 100.0,
        hmac / 1e6
    )
}
