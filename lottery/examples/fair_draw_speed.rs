//! Prints how fast a draw is sealed, ranked and verified. On Linux the times of one thread are its processor
//! time, so that they hold on a busy machine too; with two threads it is the time on the clock.
//!
//!     cargo run --release -p lottery --example fair_draw_speed -- 1000000

use std::io::Write;
use std::num::NonZeroUsize;
use std::time::Instant;

use lottery::beacon::Period;
use lottery::beacon::local::LocalBeacon;
use lottery::manifest::{Algorithm, Manifest, NamedRound, Version};
use lottery::proof::{Proof, ProofBeacon};
use lottery::ranking::Prk;
use lottery::seal::Seal;
use lottery::selection::Selection;
use lottery::signature::OrganiserKey;
use lottery::timestamp::ProofTimestamp;
use lottery::verify::{Options, verify};
use lottery::{
    DrawId, Entry, Group, Holder, Invalid, Label, LotteryId, Nonce, ParticipantId, PrizeList, Tickets,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = std::io::stdout();
    let count: u64 = std::env::args().nth(1).map_or(Ok(1_000_000), |count| count.parse())?;
    let prizes: PrizeList = serde_json::from_str(
        r#"[{"name":"Car","winners":1},
            {"name":"Bicycle","winners":99,"quota":[{"group":"G1","at_least":10},{"group":"G2","at_most":40}]},
            {"name":"Book","winners":900,"quota":[{"group":"G3","at_least":100,"at_most":300}]}]"#,
    )?;
    let mut entries: Vec<Entry> = (0..count).map(entry).collect::<Result<_, _>>()?;
    entries.sort_by_key(|entry| entry.label);
    let tickets: u64 = entries.iter().map(|entry| u64::from(entry.tickets.get())).sum();

    let start = thread_time();
    let prk = Prk::extract(b"salt", b"randomness");
    let label = Label::from_random([1; 16]);
    let lowest =
        (0..2_000).map(|_| prk.score(label.as_ref(), Tickets::try_from(1000).unwrap_or(Tickets::ONE))).min();
    let rate = 2_000_000.0 / (thread_time() - start) / 1e6;
    writeln!(
        out,
        "HMAC-SHA256, one core        {rate:>8.2} M/s ({:02x})",
        lowest.map_or(0, |score| score.as_bytes()[0])
    )?;

    let start = thread_time();
    let mut seal = Seal::new(&prizes);
    for entry in &entries {
        seal.push(entry)?;
    }
    let sealed = seal.finish()?;
    let time = thread_time() - start;
    writeln!(
        out,
        "seal {count} entries         {time:>8.3} s  ({:.2} M entries/s)",
        count as f64 / time / 1e6
    )?;

    let beacon = LocalBeacon::from_seed(&[1; 32], 1_750_000_000, Period::try_from(3)?);
    let sealed_at = ProofTimestamp::parse("2026-04-20T12:30:45.000Z")?;
    let manifest = Manifest {
        algorithm: Algorithm::LowestTicket,
        alternates: 100,
        beacon: NamedRound::after(beacon.chain(), sealed_at, 10)?,
        claim_within_seconds: None,
        closes_at: None,
        draw_id: DrawId::parse("speed")?,
        entries: sealed.entries,
        kind: None,
        lottery_id: LotteryId::parse("speed")?,
        margin_seconds: 10,
        previous_commitment: None,
        previous_status: None,
        prizes: prizes.clone(),
        root: sealed.root,
        sealed_at,
        sequence: 1,
        tickets: sealed.tickets,
        version: Version::One,
        exclude_past_winners: None,
        operator: None,
    };
    let round = beacon.round(manifest.beacon.round);
    let commitment = manifest.commitment();

    let start = thread_time();
    let prk = Prk::extract(commitment.as_bytes(), round.randomness.as_bytes());
    let mut selection = Selection::new(prk, &prizes, manifest.alternates);
    entries.iter().for_each(|entry| selection.offer(entry));
    let ranking = selection.into_ranking();
    let time = thread_time() - start;
    writeln!(
        out,
        "rank {tickets} tickets        {time:>8.3} s  ({:.2} M tickets/s)",
        tickets as f64 / time / 1e6
    )?;

    let signature = OrganiserKey::from_seed(&[2; 32]).sign(&commitment);
    let beacon = ProofBeacon { chain: beacon.chain().clone(), round: Some(round) };
    let proof = Proof::new(beacon, manifest, Some(ranking), signature, Vec::new(), Vec::new());
    let bundle = proof.to_canonical_json(Some(&entries));
    drop(entries);
    for threads in [1, 2] {
        let (start, clock) = (thread_time(), Instant::now());
        let report =
            verify(bundle.as_bytes(), &Options { threads: NonZeroUsize::new(threads), ..Options::default() });
        let time = if threads == 1 { thread_time() - start } else { clock.elapsed().as_secs_f64() };
        let megabytes = bundle.len() as f64 / 1e6;
        writeln!(
            out,
            "verify {megabytes:.0} MB, {threads} thread(s)   {time:>8.3} s  (holds: {})",
            report.holds
        )?;
    }
    Ok(())
}

/// An entry with 1 to 3 tickets, one of five groups, and a label that looks random.
fn entry(number: u64) -> Result<Entry, Invalid> {
    let mixed = u128::from(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)) << 64 | u128::from(number);
    let nonce = Nonce::from_random([number as u8; 32]);
    Ok(Entry {
        excluded: None,
        group: Some(Group::parse(&format!("G{}", number % 5))?),
        holder: Holder::commit(&nonce, &ParticipantId::parse(&number.to_string())?),
        label: Label::from_random(mixed.to_be_bytes()),
        tickets: Tickets::try_from((number % 3 + 1) as u32)?,
    })
}

/// Seconds that this thread has computed so far; where the system does not say, seconds on the clock.
fn thread_time() -> f64 {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    let start = *START;
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|times| times.split(' ').next()?.parse::<f64>().ok())
        .map_or_else(|| start.elapsed().as_secs_f64(), |nanoseconds| nanoseconds / 1e9)
}
