//! Proofs that are changed in their structure, not their bytes: three verifiers must say the same of each.
//!
//!     MUTATIONS=50000 SEED=1 cargo test -p lottery --test fair_draw differential -- --nocapture
//!
//! `RECORD=FILE` also writes each proof with what `verify-draw` said of it, in the form of the shared corpus, so that a
//! browser can be asked the same (`PROOFS=FOLDER`, tests/browser/proof.rs).
//!
//! A change is a field removed, added, copied or set to `null`, to another type or to a bound; items swapped, doubled or
//! dropped; text with what Unicode has at its edges; another spelling. Afterwards the proof is left as it is, or signed
//! anew, or made to fit as far as it can: entries counted, round named and published, winners ranked.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lottery::timestamp::ProofTimestamp;
use lottery::{PrizeList, ReplaceReason};
use serde_json::{Value, json};

use super::bundles::{Draw, entries, prizes, prizes_of_several};
use super::corpus::quicknet;
use super::loose::{HALF_PAIR, Loose};
use super::naive::{one_prize, prize};
use super::rehearsal::rehearsal;
use super::seat_changes::Evening;
use super::verifiers::{Others, Said, ours};

/// Steele, Lea and Flood's SplitMix64 (2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ bits >> 31
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    fn one_of<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

/// Honest proofs of several shapes.
fn honest() -> Vec<Loose> {
    let mut first = Draw::seal(entries(5), one_prize(2));
    first.manifest.sequence = 1;
    (first.manifest.previous_commitment, first.manifest.previous_status) = (None, None);
    first.manifest.closes_at = None;
    first.manifest.claim_within_seconds = Some(86_400);
    let mut early = Draw::seal(entries(4), one_prize(1));
    // Before the beacon's first round, which is the one that decides.
    early.manifest.sealed_at = ProofTimestamp::parse("2001-02-03T04:05:06.007Z").unwrap();
    early.manifest.closes_at = None;
    let mut early = Loose::of(&early);
    early.reseal();
    let mut unfinished = Loose::of(&Draw::seal(entries(5), one_prize(1)));
    unfinished.proof["ranking"] = Value::Null;
    let mut sealed = unfinished.clone();
    sealed.proof["beacon"]["round"] = Value::Null;
    let mut apart = Loose::of(&first);
    apart.proof["entries"] = Value::Null;
    let unicode = PrizeList::try_from(vec![prize(1, &[("研发+-", Some(1), None)]), prize(1, &[])]).unwrap();
    let mut named = Loose::of(&Draw::seal(entries(9), unicode));
    named.manifest()["prizes"][0]["name"] = json!("\u{feff}Rad \u{1f6b2}\u{200b}");
    named.reseal();
    vec![
        super::second_manifest::second(),
        Loose::of(&Draw::seal(entries(1), one_prize(1))),
        Loose::of(&first),
        Loose::of(&Draw::seal(entries(30), prizes())),
        Loose::of(&Draw::seal(entries(44), prizes_of_several())),
        early,
        unfinished,
        sealed,
        apart,
        named,
        Loose::of(&rehearsal()),
        quicknet(),
        passed_on(),
    ]
}

/// A draw of which seats were passed on.
fn passed_on() -> Loose {
    let mut evening = Evening::new(Draw::seal(entries(24), prizes()));
    evening.leave(2, None);
    for rank in [1, 3, 7] {
        evening.leave(rank, Some(ReplaceReason::Absent));
    }
    Loose { proof: serde_json::from_str(&evening.bundle()).unwrap() }
}

/// The addresses of everything in a value, as JSON pointers.
fn addresses(value: &Value) -> Vec<String> {
    let mut found = vec![String::new()];
    match value {
        Value::Array(items) => items.iter().enumerate().for_each(|(index, item)| {
            found.extend(addresses(item).into_iter().map(|rest| format!("/{index}{rest}")));
        }),
        Value::Object(members) => members.iter().for_each(|(name, member)| {
            found.extend(addresses(member).into_iter().map(|rest| format!("/{name}{rest}")));
        }),
        _ => {}
    }
    found
}

/// Where to change something: no part is so large that others are never chosen.
fn somewhere(proof: &Value, random: &mut Random) -> String {
    let parts =
        ["/manifest", "/manifest", "/manifest/prizes", "/beacon", "/entries", "/ranking", "/signature", ""];
    let part = *random.one_of(&parts);
    let Some(inside) = proof.pointer(part) else { return String::new() };
    let addresses = addresses(inside);
    format!("{part}{}", random.one_of(&addresses))
}

fn numbers() -> Vec<Value> {
    let mut numbers: Vec<Value> = [0u64, 1, 2, 10, 50, 99, 100, 1000, 1001, 10_000, 10_001, 1 << 31]
        .into_iter()
        .chain([u64::from(u32::MAX), 1 << 32, (1 << 53) - 1, 1 << 53, u64::MAX, 1_692_803_367])
        .map(|number| json!(number))
        .collect();
    numbers.extend([json!(-1), json!(1.5), json!(1.0), json!(1e300)]);
    numbers
}

/// Text that verifiers could take for different things.
const TEXTS: [&str; 28] = [
    "\u{feff}",
    "\u{a0}",
    "\u{85}",
    "\u{1f}",
    "\0",
    "\u{7f}",
    "\u{2028}",
    "\u{3000}",
    "\u{180e}",
    "\u{200b}",
    "\u{202e}",
    "\u{1680}",
    "\u{205f}",
    "\u{fffd}",
    "\u{ffff}",
    "e\u{301}",
    "\u{e9}",
    "\u{212b}",
    "\u{1f6b2}",
    "\"",
    "\\",
    "\n",
    "0",
    "z",
    "A",
    " ",
    "\u{ac00}\u{11a8}",
    HALF_PAIR,
];

const MOMENTS: [&str; 14] = [
    "0000-12-31T23:59:59.999Z",
    "0001-01-01T00:00:00.000Z",
    "1969-12-31T23:59:59.999Z",
    "2024-02-29T00:00:00.000Z",
    "2025-02-29T00:00:00.000Z",
    "2026-04-20T24:00:00.000Z",
    "2026-04-20T23:59:60.000Z",
    "2026-04-20T12:30:45.12Z",
    "2026-04-20t12:30:45.120z",
    "2026-04-20T12:30:45.120+00:00",
    "9998-12-31T23:59:59.999Z",
    "9999-01-01T00:00:00.000Z",
    "9999-12-31T23:59:59.999Z",
    "2026-04-20T12:30:45.120Z ",
];

const STATUSES: [&str; 6] = ["WAITING", "SEALED", "ABANDONED", "CLOSED", "succeeded", "INCOMPLETE"];

fn changed_text(text: &str, random: &mut Random) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    let at = random.below(characters.len() + 1);
    match random.below(10) {
        0 => return (*random.one_of(&MOMENTS)).to_owned(),
        1 => return (*random.one_of(&STATUSES)).to_owned(),
        2 => return random.one_of(&TEXTS).repeat([0, 1, 40, 41, 63, 64, 65, 100, 101][random.below(9)]),
        3 => return format!("{text}{}", random.one_of(&TEXTS)),
        4 => return format!("{}{text}", random.one_of(&TEXTS)),
        5 => return text.to_uppercase(),
        6 => characters.truncate(at),
        7 => characters.splice(at..at, random.one_of(&TEXTS).chars()).for_each(drop),
        8 if at < characters.len() => characters[at] = *random.one_of(&['0', 'f', 'g', '-', '_', 'A']),
        _ => characters.reverse(),
    }
    characters.into_iter().collect()
}

/// Changes one thing.
fn change(proof: &mut Value, random: &mut Random) {
    let (here, elsewhere) = (somewhere(proof, random), somewhere(proof, random));
    let other = proof.pointer(&elsewhere).cloned().unwrap_or_default();
    let Some(value) = proof.pointer_mut(&here) else { return };
    let replaced = match (random.below(12), &mut *value) {
        (0, _) => Some(Value::Null),
        (1, _) => Some(
            random.one_of(&[json!([]), json!({}), json!(""), json!(true), json!(false), json!(0)]).clone(),
        ),
        (2, _) => Some(other),
        (_, Value::Object(members)) => {
            let names: Vec<_> = members.keys().cloned().collect();
            match (random.below(3), names.is_empty()) {
                (0, _) => drop(members.insert(
                    random.one_of(&["extra", "group", "groups", "__proto__", "ä"]).to_string(),
                    other,
                )),
                (1, false) => drop(members.remove(random.one_of(&names))),
                (_, false) => {
                    let (one, two) = (random.one_of(&names), random.one_of(&names));
                    let (first, second) = (members[one].clone(), members[two].clone());
                    members.insert(one.clone(), second);
                    members.insert(two.clone(), first);
                }
                _ => {}
            }
            None
        }
        (_, Value::Array(items)) => {
            let (one, two) = (random.below(items.len()), random.below(items.len()));
            match random.below(5) {
                _ if items.is_empty() => items.push(other),
                0 => items.swap(one, two),
                1 => items.insert(one, items[two].clone()),
                2 => items.truncate(one),
                3 => items.reverse(),
                _ => drop(items.remove(one)),
            }
            None
        }
        (3..8, Value::Number(number)) => {
            let number = number.as_u64().unwrap_or_default();
            Some(json!(if random.below(2) == 0 {
                number.saturating_add(1)
            } else {
                number.saturating_sub(1)
            }))
        }
        (_, Value::Number(_)) => Some(random.one_of(&numbers()).clone()),
        (_, Value::String(text)) => Some(json!(changed_text(text, random))),
        (_, Value::Bool(truth)) => Some(json!(!*truth)),
        (_, Value::Null) => {
            let texts = ["2026-04-20T12:30:00.000Z", "organiser", "past_winner:a", "SUCCEEDED", "Vertrieb"];
            Some(if random.below(2) == 0 {
                random.one_of(&numbers()).clone()
            } else {
                json!(random.one_of(&texts))
            })
        }
    };
    if let Some(replaced) = replaced {
        *value = replaced;
    }
}

/// Another spelling of the same, or of nearly the same.
fn respell(bytes: &mut Vec<u8>, random: &mut Random) {
    let text = String::from_utf8(std::mem::take(bytes)).unwrap();
    let respelled = match random.below(9) {
        0 => text + "\n",
        1 => format!("\u{feff}{text}"),
        2 => text.replacen(":1,", ":1.0,", 1),
        3 => text.replacen(":1,", ":1e0,", 1),
        4 => text.replacen("\"version\"", "\"\\u0076ersion\"", 1),
        5 => text.replacen("{\"", "{\"version\":1,\"", random.below(4)),
        6 => text.replacen("null", "[[[", random.below(3)),
        7 => text.replacen(",\"", ", \"", random.below(40)),
        _ => {
            let at = random.below(text.len());
            *bytes = text.into_bytes();
            bytes[at] = *random.one_of(&[b' ', b'"', b'0', b'\\', 0xff, b'[', b'}']);
            return;
        }
    };
    *bytes = respelled.into_bytes();
}

fn mutated(honest: &[Loose], random: &mut Random) -> Vec<u8> {
    let mut proof = random.one_of(honest).clone();
    for _ in 0..[0, 1, 1, 1, 1, 2, 3][random.below(7)] {
        change(&mut proof.proof, random);
    }
    match random.below(4) {
        0 => {}
        1 => proof.sign(),
        2 => {
            proof.recount();
            proof.sign();
            proof.rank();
        }
        _ => proof.reseal(),
    }
    let mut bytes = proof.bytes();
    if random.below(12) == 0 {
        respell(&mut bytes, random);
    }
    bytes
}

/// A proof as a line of the shared corpus.
fn line(number: u64, proof: &[u8], said: &Said) -> String {
    let mut case = json!({
        "name": format!("mutation {number}"),
        "proof_base64": STANDARD.encode(proof),
        "verdict": said.verdict,
    });
    if let Some(step) = &said.step {
        case["step"] = json!(step);
    }
    case.to_string()
}

#[test]
fn differential() {
    let given = |name: &str, default: u64| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let (mutations, mut random) = (given("MUTATIONS", 500), Random(given("SEED", 1)));
    let honest = honest();
    for proof in &honest {
        assert_ne!(ours(&proof.bytes()).verdict, "refused", "{}", super::loose::text(&proof.proof));
    }
    let mut record = std::env::var("RECORD").ok().map(|path| BufWriter::new(File::create(path).unwrap()));
    let (mut others, mut said, mut disagreements) = (Others::start(), BTreeMap::<_, u64>::new(), 0);
    let first = mutated(&honest, &mut random);
    others.ask(&first);
    let mut asked = first;
    for number in 0..mutations {
        // The next proof is made and sent before the answers are heard, so that all three work at once.
        let next = mutated(&honest, &mut random);
        others.ask(&next);
        let proof = std::mem::replace(&mut asked, next);
        let ours = ours(&proof);
        for (name, theirs) in others.hear() {
            if theirs != ours {
                disagreements += 1;
                let mut out = std::io::stderr();
                let text = String::from_utf8_lossy(&proof);
                writeln!(out, "{number}: verify-draw says {ours:?}, {name} says {theirs:?}\n{text}\n")
                    .unwrap();
            }
        }
        if let Some(record) = &mut record {
            writeln!(record, "{}", line(number, &proof, &ours)).unwrap();
        }
        *said.entry((ours.verdict, ours.step)).or_default() += 1;
    }
    writeln!(std::io::stderr(), "{mutations} mutations, {disagreements} disagreements: {said:#?}").unwrap();
    assert_eq!(disagreements, 0);
    // Half of the changes would say little if all of them ended at the first step.
    assert!(said.len() >= 9, "{said:?}");
}
