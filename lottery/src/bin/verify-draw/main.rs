//! `verify-draw` checks the proof of a draw and says in one sentence what it found.
//!
//! Exit code 0: everything holds, winners included. 1: it does not, or something is missing. 2: wrong usage.

mod reading;

use std::convert::Infallible;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Parser;
use lottery::beacon::BeaconRound;
use lottery::history::{History, LotteryHead};
use lottery::receipt::Receipt;
use lottery::verify::{Options, Pins, verify};
use lottery::witness::Roots;
use lottery::{Commitment, HexBytes, LotteryId};

/// Checks offline that the winners of a draw follow from what was committed to beforehand.
#[derive(Parser)]
#[command(name = "verify-draw", version)]
struct Arguments {
    /// The proof, as the API's `…/draws/{draw_id}/proof` gives it.
    #[arg(required_unless_present_any = ["url", "history"], conflicts_with = "url")]
    proof: Option<PathBuf>,
    /// The address of a draw (`…/lotteries/{lottery_id}/draws/{draw_id}`), to read proof and entries from.
    #[arg(long)]
    url: Option<String>,
    /// The address of a lottery (`…/lotteries/{lottery_id}`), or of the service, to verify every draw of it and that none is missing.
    #[arg(long, value_name = "URL", conflicts_with_all = ["proof", "url", "commitment", "receipt", "round", "json"])]
    history: Option<String>,
    /// The commitment as you noted it before the round came out, in hexadecimal.
    #[arg(long, value_parser = Commitment::parse)]
    commitment: Option<Commitment>,
    /// The organiser's public key as you know it, in hexadecimal.
    #[arg(long, value_parser = HexBytes::<32>::parse)]
    organiser_key: Option<HexBytes<32>>,
    /// The hash of the beacon's chain as you know it, in hexadecimal; drand quicknet's is known.
    #[arg(long, value_parser = HexBytes::<32>::parse)]
    chain_hash: Option<HexBytes<32>>,
    /// Refused: it says what to give instead.
    #[arg(long, hide = true, value_parser = refuse_beacon_key)]
    beacon_key: Option<Infallible>,
    /// Root certificates (PEM) of time-stamp authorities that you trust, beside the public ones that are known; may be
    /// repeated.
    #[arg(long, value_name = "FILE")]
    tsa_root: Vec<PathBuf>,
    /// A participant's receipt (JSON), to show their own place.
    #[arg(long)]
    receipt: Option<PathBuf>,
    /// The beacon's answer for the round (JSON), for a draw that was published without it.
    #[arg(long)]
    round: Option<PathBuf>,
    /// Where to keep the complete proof that `--url` read.
    #[arg(long, requires = "url")]
    save: Option<PathBuf>,
    /// Prints the report as JSON.
    #[arg(long)]
    json: bool,
}

/// The beacon's key alone does not say when its rounds come out, so that it does not tell an old round from the right one.
fn refuse_beacon_key(_: &str) -> Result<Infallible, &'static str> {
    Err("a key does not say when its rounds come out; give the hash of the chain, which does: --chain-hash")
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // Nothing is left to do if even this cannot be written.
            let _ = writeln!(std::io::stderr(), "verify-draw: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    if let Some(url) = &arguments.history {
        return walk(url, &options(arguments, None, None)?);
    }
    let proof = match (&arguments.proof, &arguments.url) {
        (Some(path), _) => read(path)?,
        (None, Some(url)) => reading::proof(url.trim_end_matches('/'))?,
        (None, None) => bail!("neither a file nor --url was given"),
    };
    if let Some(path) = &arguments.save {
        std::fs::write(path, &proof).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let receipt = arguments.receipt.as_ref().map(|path| -> anyhow::Result<Receipt> {
        serde_json::from_slice(&read(path)?).with_context(|| format!("{} is no receipt", path.display()))
    });
    let round = arguments.round.as_ref().map(|path| -> anyhow::Result<BeaconRound> {
        BeaconRound::parse_answer(&read(path)?).with_context(|| format!("{} is no round", path.display()))
    });
    let options = options(arguments, receipt.transpose()?, round.transpose()?)?;
    let report = verify(&proof, &options);
    let text = if arguments.json { report.to_json() + "\n" } else { report.to_string() };
    std::io::stdout().write_all(text.as_bytes()).context("cannot write the report")?;
    Ok(report.holds)
}

fn options(
    arguments: &Arguments,
    receipt: Option<Receipt>,
    round: Option<BeaconRound>,
) -> anyhow::Result<Options> {
    let mut roots = Roots::default();
    for path in &arguments.tsa_root {
        let text = String::from_utf8(read(path)?).context("no text")?;
        let own = Roots::parse_pem(&text);
        roots = roots.with(own.with_context(|| format!("{} is no root certificate", path.display()))?);
    }
    Ok(Options {
        pins: Pins {
            commitment: arguments.commitment,
            organiser_key: arguments.organiser_key,
            chain_hash: arguments.chain_hash,
        },
        receipt,
        round,
        roots,
        threads: std::thread::available_parallelism().ok(),
    })
}

fn read(path: &PathBuf) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Verifies every draw of a lottery, or of all, and what they show together.
fn walk(url: &str, options: &Options) -> anyhow::Result<bool> {
    let url = url.trim_end_matches('/');
    let (service, lottery_id) = match url.rsplit_once("/lotteries/") {
        Some((service, lottery_id)) => (service, Some(LotteryId::parse(lottery_id)?)),
        None => (url, None),
    };
    let heads = reading::heads(service)?;
    let mut out = std::io::stdout();
    let mut history = History::default();
    let mut faults = Vec::new();
    let is_meant = |head: &&LotteryHead| lottery_id.as_ref().is_none_or(|meant| head.lottery_id == *meant);
    for head in heads.lotteries.iter().filter(is_meant) {
        let lottery = format!("{service}/lotteries/{}", head.lottery_id);
        for draw_id in reading::sealed_draws(&lottery)? {
            let report = verify(&reading::proof(&format!("{lottery}/draws/{draw_id}"))?, options);
            writeln!(out, "{}/{draw_id}: {}", head.lottery_id, report.verdict)?;
            history.add(&report);
        }
        if lottery_id.is_some() {
            faults.extend(history.faults_of_lottery(head));
        }
    }
    match lottery_id {
        Some(_) => faults.extend(history.faults_of_draws()),
        None => faults.extend(history.faults(&heads)),
    }
    for fault in &faults {
        writeln!(out, "WRONG   {fault}")?;
    }
    let draws = history.draws();
    match (faults.is_empty(), lottery_id) {
        (false, _) => writeln!(out, "REFUSED: {} faults in the history of {draws} draws.", faults.len())?,
        (true, Some(_)) => writeln!(out, "The history holds: {draws} draws of this lottery, none missing.")?,
        (true, None) => writeln!(out, "The history holds: {draws} draws of this operator, none missing.")?,
    }
    Ok(faults.is_empty())
}
