//! How long the odds of a draw take, once for each of its commitments. Prints figures (docs/performance.md).
//!
//!     cargo run --release -p lottery --example odds_speed

use std::io::Write;
use std::time::Instant;

use lottery::odds::Pool;
use lottery::{
    Entry, Group, Holder, Label, Nonce, ParticipantId, Prize, PrizeList, PrizeName, Quota, Tickets,
};

struct Case {
    entries: u32,
    /// Entries have 1 to so many tickets.
    tickets: u32,
    prizes: u32,
    winners: u32,
    /// Every prize limits so many groups.
    groups: u32,
}

const CASES: [Case; 7] = [
    Case { entries: 20_000, tickets: 1_000, prizes: 10, winners: 1_000, groups: 0 },
    Case { entries: 20_000, tickets: 100, prizes: 100, winners: 10_000, groups: 0 },
    Case { entries: 10_100, tickets: 1_000, prizes: 100, winners: 10_000, groups: 0 },
    Case { entries: 1_000_000, tickets: 1_000, prizes: 100, winners: 10_000, groups: 0 },
    Case { entries: 1_000_000, tickets: 1_000, prizes: 100, winners: 100, groups: 0 },
    Case { entries: 60_000, tickets: 1, prizes: 100, winners: 10_000, groups: 50 },
    Case { entries: 200_000, tickets: 1_000, prizes: 100, winners: 10_000, groups: 50 },
];

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "   entries  tickets  prizes  winners  groups   seconds  simulated  largest error")?;
    for case in CASES {
        let prizes = prizes(&case);
        let mut pool = Pool::of(&prizes);
        (0..case.entries).for_each(|number| pool.count(&entry(&case, number)));
        let begun = Instant::now();
        let odds = pool.odds();
        let seconds = begun.elapsed().as_secs_f64();
        let Case { entries, tickets, prizes, winners, groups } = case;
        let simulated = odds.simulated_draws.map_or("no".to_owned(), |draws| draws.to_string());
        let error = odds.classes.iter().map(|class| class.any.error).fold(0.0, f64::max);
        writeln!(
            out,
            "{entries:10} {tickets:8} {prizes:7} {winners:8} {groups:7} {seconds:9.3} {simulated:>10} {error:14.1e}"
        )?;
    }
    Ok(())
}

fn entry(case: &Case, number: u32) -> Entry {
    let id = ParticipantId::parse(&number.to_string()).expect("a number is an id");
    let group = (case.groups > 0).then(|| number / case.tickets % (case.groups + 1));
    Entry {
        excluded: None,
        group: group.map(|group| Group::parse(&group.to_string()).expect("a number is a group")),
        holder: Holder::commit(&Nonce::from_random([0; 32]), &id),
        label: Label::from_random([0; 16]),
        tickets: Tickets::try_from(number % case.tickets + 1).expect("at most 1,000"),
    }
}

fn prizes(case: &Case) -> PrizeList {
    let prize = |_| {
        let winners = case.winners / case.prizes;
        let quota = |group: u32| Quota {
            groups: [Group::parse(&group.to_string()).expect("a number is a group")].into(),
            without_group: false,
            at_least: Some(1),
            at_most: Some(winners),
        };
        Prize {
            name: PrizeName::parse("A prize").expect("it is a name"),
            winners,
            quota: (0..case.groups).map(quota).collect(),
        }
    };
    PrizeList::try_from((0..case.prizes).map(prize).collect::<Vec<_>>()).expect("the prizes fit a draw")
}
