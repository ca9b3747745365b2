//! `verify-draw` checks the proof of a draw and says in one sentence what it found.
//!
//! Exit code 0: everything holds, winners included. 1: it does not, or something is missing. 2: wrong usage.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Parser;
use lottery::beacon::BeaconRound;
use lottery::receipt::Receipt;
use lottery::verify::{Options, Pins, verify};
use lottery::witness::Roots;
use lottery::{Commitment, Entry, HexBytes};
use serde::Deserialize;

/// Checks offline that the winners of a draw follow from what was committed to beforehand.
#[derive(Parser)]
#[command(name = "verify-draw", version)]
struct Arguments {
    /// The proof, as the API's `…/draws/{draw_id}/proof` gives it.
    #[arg(required_unless_present = "url", conflicts_with = "url")]
    proof: Option<PathBuf>,
    /// The address of a draw (`…/lotteries/{lottery_id}/draws/{draw_id}`), to read proof and entries from.
    #[arg(long)]
    url: Option<String>,
    /// The commitment as you noted it before the round came out, in hexadecimal.
    #[arg(long, value_parser = Commitment::parse)]
    commitment: Option<Commitment>,
    /// The organiser's public key as you know it, in hexadecimal.
    #[arg(long, value_parser = HexBytes::<32>::parse)]
    organiser_key: Option<HexBytes<32>>,
    /// The beacon's public key as you know it, in hexadecimal; drand quicknet's is known.
    #[arg(long, value_parser = HexBytes::<96>::parse)]
    beacon_key: Option<HexBytes<96>>,
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
    let proof = match (&arguments.proof, &arguments.url) {
        (Some(path), _) => read(path)?,
        (None, Some(url)) => fetch(url)?,
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
    let mut roots = Roots::default();
    for path in &arguments.tsa_root {
        let text = String::from_utf8(read(path)?).context("no text")?;
        let own = Roots::parse_pem(&text);
        roots = roots.with(own.with_context(|| format!("{} is no root certificate", path.display()))?);
    }
    let options = Options {
        pins: Pins {
            commitment: arguments.commitment,
            organiser_key: arguments.organiser_key,
            beacon_key: arguments.beacon_key,
        },
        receipt: receipt.transpose()?,
        round: round.transpose()?,
        roots,
        threads: std::thread::available_parallelism().ok(),
    };
    let report = verify(&proof, &options);
    let text = if arguments.json { report.to_json() + "\n" } else { report.to_string() };
    std::io::stdout().write_all(text.as_bytes()).context("cannot write the report")?;
    Ok(report.holds)
}

fn read(path: &PathBuf) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Reads a draw's proof, and its entries page by page where the proof leaves them out.
fn fetch(draw: &str) -> anyhow::Result<Vec<u8>> {
    const WITHOUT: &str = ",\"entries\":null,";
    let draw = draw.trim_end_matches('/');
    let proof = get(&format!("{draw}/proof"), None)?;
    let proof = String::from_utf8(proof).context("the proof is no UTF-8 text")?;
    let Some((before, behind)) = proof.split_once(WITHOUT) else { return Ok(proof.into_bytes()) };

    /// One page of the API's `…/entries`.
    #[derive(Deserialize)]
    struct Page {
        entries: Vec<Entry>,
        next_cursor: Option<String>,
    }
    let mut whole = format!("{before},\"entries\":[");
    let (mut cursor, mut first) = (None, true);
    loop {
        let page = get(&format!("{draw}/entries"), cursor.as_deref())?;
        let page: Page = serde_json::from_slice(&page).context("a page of entries is malformed")?;
        for entry in page.entries {
            if !std::mem::take(&mut first) {
                whole.push(',');
            }
            whole.push_str(&entry.to_canonical_json());
        }
        match page.next_cursor {
            Some(next) if cursor.as_ref() == Some(&next) => bail!("the pages of entries never end"),
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    whole.push_str("],");
    whole.push_str(behind);
    Ok(whole.into_bytes())
}

fn get(url: &str, cursor: Option<&str>) -> anyhow::Result<Vec<u8>> {
    /// Far above any page or proof without long lists.
    const MOST_BYTES: u64 = 64 << 20;
    let request = ureq::get(url);
    let request = match cursor {
        Some(cursor) => request.query("cursor", cursor),
        None => request,
    };
    let mut response = request.call().with_context(|| format!("cannot read {url}"))?;
    response
        .body_mut()
        .with_config()
        .limit(MOST_BYTES)
        .read_to_vec()
        .with_context(|| format!("cannot read {url}"))
}
