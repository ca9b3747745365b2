//! The orders of a day, from a CSV file in S3 and a SQL database: converted, written as Parquet, verified, then published.
//!
//! - [`transform_orders`], [`verify_load`]: the Lambda functions; `src/bin` has a binary for each
//! - [`Database`]: the shop's database on this machine, SQLite behind the RDS Data API
//! - [`config`], [`run`]: a local stack with the example, and the orders of `data/` loaded in it
//! - [`run_rows`]: a day of as many orders as are wanted, timed

mod database;
mod sample;
pub mod transform_orders;
pub mod verify_load;

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_sfn::types::ExecutionStatus::{Failed, Succeeded};
pub use database::Database;
use example_support::{Ended, LocalStack, TIMEOUT};
use local_stack::{Config, Deployment, Handlers, Lottery, Template};
use serde_json::{Value, json};

use sample::{DAYS, MADE};

/// The state machine that the template deploys.
const MACHINE: &str = "arn:aws:states:us-east-1:123456789012:stateMachine:etl";

/// How long a day of millions of orders may take.
const LONG_TIMEOUT: Duration = Duration::from_secs(1_800);

/// The functions of the template, as their binaries run them.
pub fn handlers() -> Handlers {
    let handlers = Handlers::default().with("transform-orders", |sdk| {
        let s3 = Client::new(sdk);
        move |input| {
            let s3 = s3.clone();
            async move { transform_orders::handle(&s3, "warehouse", input).await }
        }
    });
    handlers.with("verify-load", |sdk| {
        let s3 = Client::new(sdk);
        move |input| {
            let s3 = s3.clone();
            async move { verify_load::handle(&s3, "warehouse", input).await }
        }
    })
}

/// A stack in memory that has what the template deploys, and allows what its roles allow.
///
/// # Errors
/// If the template cannot be used.
pub fn config() -> anyhow::Result<Config> {
    let template = Template::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("template.yaml"))?;
    Ok(Config {
        lottery: Lottery::Absent,
        handlers: handlers(),
        iam: Some(template.clone()),
        deployment: Some(Deployment { template, test_case: None }),
        ..Config::in_memory()
    })
}

/// Starts the stack, loads the orders of three days, and prints what happened state by state.
///
/// # Errors
/// If the stack does not start, or a day has another end than the README says.
pub async fn run(config: Config, out: &mut impl Write) -> anyhow::Result<()> {
    let shop = Shop::start(config, None).await?;
    for (day, file) in DAYS {
        shop.upload(day, file.to_owned()).await?;
    }
    let before = shop.load("2026-11-26", 20, TIMEOUT, out).await?;
    ensure!(before.status == Succeeded, "the first day failed by {:?}: {:?}", before.error, before.cause);
    shop.show(out).await?;

    let ended = shop.load("2026-11-27", 20, TIMEOUT, out).await?;
    ensure!(ended.output["orders"] == 477, "of the second day {} were loaded", ended.output);
    shop.show(out).await?;

    let published = shop.current().await?;
    let ended = shop.load("2026-11-28", 20, TIMEOUT, out).await?;
    ensure!(ended.status == Failed, "the third day is {}", ended.status.as_str());
    ensure!(ended.error.as_deref() == Some("LoadIncomplete"), "it failed by {:?}", ended.error);
    ensure!(shop.current().await? == published, "a load that failed has been published");
    shop.show(out).await?;

    let ended = shop.load("2026-11-29", 20, TIMEOUT, out).await?;
    ensure!(ended.error.as_deref() == Some("States.QueryEvaluationError"), "it failed by {:?}", ended.error);
    shop.stack.shutdown().await?;
    writeln!(out, "\nEach load has ended as it should.")?;
    Ok(())
}

/// Makes a day of this many orders, loads it, and prints the time and the memory that it took.
///
/// # Errors
/// If the stack does not start, or an order is missing afterwards.
pub async fn run_rows(config: Config, rows: u32, out: &mut impl Write) -> anyhow::Result<()> {
    let (file, euro_cents) = sample::orders(rows);
    let megabytes = file.len() / 1_000_000;
    let shop = Shop::start(config, Some((MADE, rows.into(), euro_cents))).await?;
    shop.upload(MADE, file).await?;
    let began = Instant::now();
    let ended = shop.load(MADE, 2_000, LONG_TIMEOUT, out).await?;
    let took = began.elapsed().as_secs_f64();
    let expected = json!({"day": MADE, "orders": rows, "euro_cents": euro_cents});
    ensure!(ended.output == expected, "{} was loaded, not {expected}; {:?}", ended.output, ended.cause);
    shop.show(out).await?;
    shop.stack.shutdown().await?;
    let memory = peak_memory().map_or_else(String::new, |megabytes| format!(", {megabytes} MB of memory"));
    writeln!(out, "\n{rows} orders, a file of {megabytes} MB: {took:.1} s{memory}")?;
    Ok(())
}

/// The most memory that this process has had, in megabytes. Linux says it.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kibibytes * 1024 / 1_000_000)
}

/// The stack, with the shop's database beside it and a queue for what SNS tells.
struct Shop {
    stack: LocalStack,
    s3: Client,
    sqs: aws_sdk_sqs::Client,
    news: String,
    /// Served as long as this lives.
    _database: Database,
}

impl Shop {
    /// `day` is one more in the database: its orders, and their euro cents.
    async fn start(mut config: Config, day: Option<(&str, i64, i64)>) -> anyhow::Result<Shop> {
        let database = Database::start(day).await?;
        config.endpoints.add(&format!("rds-data={}", database.url))?;
        let stack = LocalStack::start(config).await?;
        let sqs = aws_sdk_sqs::Client::new(&stack.sdk);
        let queue = sqs.create_queue().queue_name("reader").send().await?;
        let subscribe = aws_sdk_sns::Client::new(&stack.sdk).subscribe().protocol("sqs");
        let subscribe = subscribe.topic_arn("arn:aws:sns:us-east-1:123456789012:News");
        let raw = subscribe.attributes("RawMessageDelivery", "true");
        raw.endpoint("arn:aws:sqs:us-east-1:123456789012:reader").send().await?;
        let news = queue.queue_url.context("a queue has an address")?;
        Ok(Shop { s3: Client::new(&stack.sdk), sqs, news, stack, _database: database })
    }

    /// Puts the orders of a day where the shop leaves them.
    async fn upload(&self, day: &str, file: String) -> anyhow::Result<()> {
        let put = self.s3.put_object().bucket("source").key(format!("orders/{day}.csv"));
        put.body(ByteStream::from(file.into_bytes())).send().await?;
        Ok(())
    }

    /// Starts the load of a day as the schedule does in the night after it, and follows it to its end.
    async fn load(
        &self,
        day: &str,
        orders_per_batch: u32,
        timeout: Duration,
        out: &mut impl Write,
    ) -> anyhow::Result<Ended> {
        writeln!(out, "\nThe orders of {day}")?;
        let (month, number) = day.rsplit_once('-').context("a day has a number")?;
        let next = number.parse::<u32>()? + 1;
        let input = json!({"scheduled": format!("{month}-{next:02}T03:00:00Z"), "orders_per_batch": orders_per_batch});
        let execution = self.stack.start_execution(MACHINE, &input).await?;
        let ended = self.stack.follow_within(&execution, timeout, out).await?;
        let received = self.sqs.receive_message().queue_url(&self.news).wait_time_seconds(5).send().await?;
        for message in received.messages() {
            writeln!(out, "  news       {}", message.body().unwrap_or_default())?;
            let delete = self.sqs.delete_message().queue_url(&self.news);
            delete.receipt_handle(message.receipt_handle().unwrap_or_default()).send().await?;
        }
        Ok(ended)
    }

    /// What readers of the warehouse find first.
    async fn current(&self) -> anyhow::Result<Value> {
        let current = self.s3.get_object().bucket("warehouse").key("current.json").send().await?;
        Ok(serde_json::from_slice(&current.body.collect().await?.into_bytes())?)
    }

    /// Prints what is published.
    async fn show(&self, out: &mut impl Write) -> anyhow::Result<()> {
        let current = self.current().await?;
        let prefix = current["orders"].as_str().context("it names the files")?;
        let list = self.s3.list_objects_v2().bucket("warehouse").prefix(prefix);
        let pages = list.into_paginator().send().try_collect().await?;
        let files: usize = pages.iter().map(|page| page.contents().len()).sum();
        writeln!(
            out,
            "  published  {}: {} orders in {} files",
            current["day"].as_str().unwrap_or_default(),
            current["count"],
            files
        )?;
        Ok(())
    }
}
