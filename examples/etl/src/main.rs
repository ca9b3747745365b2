//! Starts a local stack with the example, loads the orders of three days, and prints state by state what happened. With
//! `--rows NUMBER` it makes a day of that many orders, loads it, and prints the time and the memory that it took.

use clap::Parser;

/// Loads orders in a local stack.
#[derive(Parser)]
struct Options {
    /// How many orders are made and loaded, in place of the sample
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    rows: Option<u32>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let out = &mut std::io::stdout().lock();
    match Options::parse().rows {
        None => example_etl::run(example_etl::config()?, out).await,
        Some(rows) => example_etl::run_rows(example_etl::config()?, rows, out).await,
    }
}
