//! The shared corpus: proofs with the verdict and the step that every verifier must come to.
//!
//! `tests/vectors/proofs/` holds it, one file for each kind and one case a line. It is made here, from seeds, and the
//! files must be what is made: `UPDATE_CORPUS=1 cargo test -p lottery --test fair_draw corpus` writes them anew. What each
//! case must come to is written here by hand.

use std::collections::BTreeMap;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lottery::beacon::{BeaconRound, Chain};
use lottery::manifest::NamedRound;
use lottery::timestamp::ProofTimestamp;
use lottery::{Entry, PrizeList};
use serde_json::{Value, json};

use super::bundles::{Draw, entries, prizes, prizes_of_several, strange_hash};
use super::loose::{HALF_PAIR, Loose};
use super::mixed_order;
use super::naive::{bytes, entry, one_prize, prize};
use super::seat_change_cases;
use super::second_manifest;
use super::verifiers::{Others, Said, ours};

/// By kind, the cases in their order.
type Corpus = BTreeMap<&'static str, Vec<Case>>;

struct Case {
    name: String,
    proof: Vec<u8>,
    expected: Said,
}

pub(crate) type Change<'a> = &'a dyn Fn(&mut Value);

/// A small draw, with everything that most cases change.
pub(crate) fn small() -> Loose {
    Loose::of(&Draw::seal(entries(6), one_prize(1)))
}

/// A draw that a recorded round of drand's quicknet decides.
pub(crate) fn quicknet() -> Loose {
    quicknet_of(|draw| draw)
}

/// The same of a draw that was changed before it was sealed.
pub(crate) fn quicknet_of(change: impl Fn(Draw) -> Draw) -> Loose {
    let recorded: Value = serde_json::from_str(include_str!("../vectors/drand-quicknet.json")).unwrap();
    let round: BeaconRound = serde_json::from_value(recorded["rounds"][1].clone()).unwrap();
    let chain = Chain::quicknet();
    let mut draw = change(Draw::seal(entries(6), one_prize(2)));
    let earlier = chain.time_of(round.round).unwrap().as_millisecond() - 10_000;
    draw.manifest.sealed_at = ProofTimestamp::from_millisecond(earlier).unwrap();
    draw.manifest.closes_at = None;
    draw.manifest.beacon = NamedRound::after(&chain, draw.manifest.sealed_at, 10).unwrap();
    let mut proof = draw.proof_with(round);
    proof.beacon.chain = chain;
    Loose { proof: serde_json::from_str(&proof.to_canonical_json(Some(&draw.entries))).unwrap() }
}

#[derive(Default)]
pub(crate) struct Builder(Corpus);

impl Builder {
    pub(crate) fn add(
        &mut self,
        kind: &'static str,
        name: &str,
        proof: Vec<u8>,
        verdict: &str,
        step: Option<&str>,
    ) {
        let expected = Said { verdict: verdict.to_owned(), step: step.map(str::to_owned) };
        self.0.entry(kind).or_default().push(Case { name: name.to_owned(), proof, expected });
    }

    pub(crate) fn draw(&mut self, name: &str, draw: Draw) {
        self.add("honest", name, draw.bundle().into_bytes(), "consistent", None);
    }

    /// A proof that is refused at the step that gives the kind its name.
    pub(crate) fn refused(&mut self, step: &'static str, name: &str, proof: &Loose) {
        self.add(step, name, proof.bytes(), "refused", Some(step));
    }

    /// The small proof changed, and nothing made to fit.
    fn raw(&mut self, step: &'static str, name: &str, change: Change<'_>) {
        let mut proof = small();
        change(&mut proof.proof);
        self.refused(step, name, &proof);
    }

    /// The small proof changed, and all else made to fit: refused at a step, or whole.
    fn resealed(&mut self, step: Option<&'static str>, name: &str, change: Change<'_>) {
        let mut proof = small();
        change(&mut proof.proof);
        proof.reseal();
        match step {
            Some(step) => self.refused(step, name, &proof),
            None => self.add("honest", name, proof.bytes(), "consistent", None),
        }
    }
}

fn corpus() -> Corpus {
    let mut cases = Builder::default();
    honest(&mut cases);
    unfinished(&mut cases);
    form(&mut cases);
    texts(&mut cases);
    numbers(&mut cases);
    manifest_and_round(&mut cases);
    signature(&mut cases);
    randomness(&mut cases);
    lists(&mut cases);
    seat_change_cases::cases(&mut cases);
    stamps(&mut cases);
    mixed_order::cases(&mut cases);
    second_manifest::cases(&mut cases);
    cases.0
}

fn honest(cases: &mut Builder) {
    let mut first = Draw::seal(entries(5), one_prize(2));
    first.manifest.sequence = 1;
    (first.manifest.previous_commitment, first.manifest.previous_status) = (None, None);
    first.manifest.closes_at = None;
    first.manifest.claim_within_seconds = Some(86_400);
    cases.draw("the first draw of a lottery", first);
    cases.draw("one entry", Draw::seal(entries(1), one_prize(1)));
    cases.draw("prizes, quotas, tickets, excluded entries", Draw::seal(entries(24), prizes()));
    cases.draw(
        "quotas of several groups and of people without one",
        Draw::seal(entries(44), prizes_of_several()),
    );
    let many = vec![prize(1, &[]); 100];
    cases.draw("100 prizes", Draw::seal(entries(130), PrizeList::try_from(many).unwrap()));
    let mut none = Draw::seal(entries(6), one_prize(1));
    none.manifest.alternates = 0;
    cases.draw("no alternates", none);
    let mut more = Draw::seal(entries(6), one_prize(1));
    more.manifest.alternates = u32::MAX;
    cases.draw("more alternates than entries", more);
    let mut heavy: Vec<_> = (0..4).map(|number| entry(number, 1000, None)).collect();
    heavy.sort_by_key(|entry| entry.label);
    cases.draw("1000 tickets", Draw::seal(heavy, one_prize(1)));
    let unicode = ["研发", "Ｓales", "e\u{301}té", "\u{1f6b2}", "\u{202e}gnp", "a\u{200b}b", "IT"];
    let mut people: Vec<_> = (0..14)
        .map(|number| entry(number, 1, Some(unicode[number as usize % 7]).filter(|_| number != 9)))
        .collect();
    people.sort_by_key(|entry| entry.label);
    let quota =
        PrizeList::try_from(vec![prize(3, &[("研发+-", Some(1), Some(2)), ("\u{1f6b2}", Some(1), None)])])
            .unwrap();
    cases.draw("groups of many scripts", Draw::seal(people, quota));
    cases.add("honest", "drand's quicknet", quicknet().bytes(), "holds", None);
}

fn unfinished(cases: &mut Builder) {
    let mut with = |name: &str, change: Change<'_>, refused: Option<&str>| {
        let mut proof = small();
        change(&mut proof.proof);
        cases.add("unfinished", name, proof.bytes(), refused.map_or("incomplete", |_| "refused"), refused);
    };
    let null = |proof: &mut Value, parts: &[&str]| {
        parts.iter().for_each(|part| *proof.pointer_mut(part).unwrap() = Value::Null);
    };
    with("no ranking", &|proof| null(proof, &["/ranking"]), None);
    with("neither round nor ranking", &|proof| null(proof, &["/ranking", "/beacon/round"]), None);
    with("entries apart", &|proof| null(proof, &["/entries"]), None);
    with("entries apart, no ranking", &|proof| null(proof, &["/entries", "/ranking"]), None);
    with("entries apart, no round", &|proof| null(proof, &["/entries", "/ranking", "/beacon/round"]), None);
    with(
        "entries apart, a ranking without a round",
        &|proof| null(proof, &["/entries", "/beacon/round"]),
        None,
    );
    with("a ranking without a round", &|proof| null(proof, &["/beacon/round"]), Some("ranking"));
    with(
        "an empty ranking without a round",
        &|proof| {
            null(proof, &["/beacon/round"]);
            proof["ranking"] = json!([]);
        },
        Some("ranking"),
    );
    with(
        "no ranking, but a forged round",
        &|proof| {
            null(proof, &["/ranking"]);
            proof["beacon"]["round"]["randomness"] = json!(strange_hash());
        },
        Some("randomness"),
    );
    let mut unfillable = small();
    unfillable.proof["manifest"]["prizes"][0]["winners"] = json!(9);
    unfillable.reseal();
    unfillable.proof["ranking"] = Value::Null;
    cases.add(
        "unfinished",
        "no ranking, and a seat stays empty",
        unfillable.bytes(),
        "refused",
        Some("ranking"),
    );
}

/// What belongs to the form, fields left out or added in each part, and other spellings.
fn form(cases: &mut Builder) {
    for part in [
        "",
        "/beacon",
        "/beacon/chain",
        "/beacon/round",
        "/manifest",
        "/manifest/beacon",
        "/manifest/prizes/0",
        "/ranking/0",
        "/signature",
    ] {
        cases.raw("form", &format!("an unknown field in {part}"), &|proof| {
            proof.pointer_mut(part).unwrap()["unknown"] = Value::Null;
        });
        let names: Vec<_> =
            small().proof.pointer(part).unwrap().as_object().unwrap().keys().cloned().collect();
        for name in names {
            cases.raw("form", &format!("no {part}/{name}"), &|proof| {
                proof.pointer_mut(part).unwrap().as_object_mut().unwrap().remove(&name);
            });
            let may_be_null = ["round", "ranking", "entries", "claim_within_seconds", "closes_at"]
                .contains(&&*name)
                && !(part == "/beacon/round" || part == "/manifest")
                || ["claim_within_seconds", "closes_at"].contains(&&*name)
                || name.starts_with("previous_")
                || (part == "/ranking/0" && name == "prize");
            if !may_be_null {
                cases.raw("form", &format!("null in {part}/{name}"), &|proof| {
                    proof.pointer_mut(part).unwrap()[&name] = Value::Null;
                });
            }
        }
    }
    let text = String::from_utf8(small().bytes()).unwrap();
    for (name, spelled) in [
        ("a line feed behind it", text.clone() + "\n"),
        ("a byte order mark", format!("\u{feff}{text}")),
        ("a blank", text.replacen("{\"beacon\":{", "{\"beacon\": {", 1)),
        ("a fraction", text.replacen("\"version\":1", "\"version\":1.0", 1)),
        ("an exponent", text.replacen("\"version\":1", "\"version\":1e0", 1)),
        ("a negative zero", text.replacen("\"alternates\":3", "\"alternates\":-0", 1)),
        ("an escape that is not needed", text.replacen("Prize", "Pri\\u007ae", 1)),
        ("a slash escaped", text.replacen("Prize", "Pri\\/ze", 1)),
        ("a field twice", text.replacen("{\"beacon\":", "{\"beacon\":null,\"beacon\":", 1)),
        (
            "a field twice behind the entries",
            text.replacen("\"version\":1}", "\"version\":1,\"version\":1}", 1),
        ),
        ("another order", text.replacen("{\"at_", "{", 0).replacen("\"public_key\":", "\"public_kez\":", 1)),
        ("entries that are an object", text.replacen("\"entries\":[", "\"entries\":{", 1)),
        ("nothing", String::new()),
        ("a number", "1".to_owned()),
        ("an array in place of an object", text.replacen("\"quota\":[]", "\"quota\":{}", 1)),
        (
            "deep nesting",
            text.replacen("\"quota\":[]", &format!("\"quota\":{}{}", "[".repeat(5000), "]".repeat(5000)), 1),
        ),
        (
            "a number of 5000 digits",
            text.replacen("\"alternates\":3", &format!("\"alternates\":{}", "9".repeat(5000)), 1),
        ),
    ] {
        assert_ne!(spelled, text, "{name}");
        cases.add("form", name, spelled.into_bytes(), "refused", Some("form"));
    }
    let mut no_utf8 = small().bytes();
    let at = text.find("Prize").unwrap();
    no_utf8[at] = 0xff;
    cases.add("form", "no UTF-8", no_utf8, "refused", Some("form"));
}

fn texts(cases: &mut Builder) {
    for (name, at_the_ends, inside) in [
        ("U+FEFF", None, None),
        ("U+200B", None, None),
        ("U+202E", None, None),
        ("U+180E", None, None),
        ("U+00A0", Some("form"), None),
        ("U+2003", Some("form"), None),
        ("U+2028", Some("form"), None),
        ("U+3000", Some("form"), None),
        ("U+0020", Some("form"), None),
        ("U+0085", Some("form"), Some("form")),
        ("U+001F", Some("form"), Some("form")),
        ("U+007F", Some("form"), Some("form")),
        ("U+0000", Some("form"), Some("form")),
        ("half a surrogate pair", Some("form"), Some("form")),
    ] {
        let number = name.strip_prefix("U+").map(|digits| u32::from_str_radix(digits, 16).unwrap());
        let odd = number.and_then(char::from_u32).map_or(HALF_PAIR.to_owned(), String::from);
        for (place, text, step) in [
            ("first", format!("{odd}x"), at_the_ends),
            ("last", format!("x{odd}"), at_the_ends),
            ("inside", format!("x{odd}y"), inside),
        ] {
            cases.resealed(step, &format!("{name} {place} in a prize's name"), &|proof| {
                proof["manifest"]["prizes"][0]["name"] = json!(text);
            });
            cases.resealed(step.map(|_| "entries"), &format!("{name} {place} in a group"), &|proof| {
                proof["entries"][0]["group"] = json!(text);
            });
        }
    }
    for (name, text, step) in [
        ("100 characters, each two of UTF-16", "\u{1f6b2}".repeat(100), None),
        ("101 characters", "x".repeat(101), Some("form")),
        ("no character", String::new(), Some("form")),
        ("another form than NFC", "e\u{301}".to_owned(), None),
        ("quotation marks", "\"},{\"excluded\":\\".to_owned(), None),
        ("the marks between entries", ",\"entries\":[],\"manifest\":".to_owned(), None),
    ] {
        cases.resealed(step, &format!("a prize's name of {name}"), &|proof| {
            proof["manifest"]["prizes"][0]["name"] = json!(text);
        });
    }
    for (name, text, step) in [
        ("64 characters", "\u{1f6b2}".repeat(64), None),
        ("65 characters", "x".repeat(65), Some("entries")),
        ("no character", String::new(), Some("entries")),
        ("another form than NFC", "e\u{301}".to_owned(), Some("entries")),
        ("the marks between entries", "},{\"excluded\":null],\"manifest\":".to_owned(), None),
    ] {
        cases.resealed(step, &format!("a group of {name}"), &|proof| {
            proof["entries"][0]["group"] = json!(text)
        });
    }
    cases.resealed(Some("form"), "half a surrogate pair in beacon_id", &|proof| {
        proof["beacon"]["chain"]["beacon_id"] = json!(HALF_PAIR);
    });
    for name in ["", "default", "\u{feff}", "\0", "lokal ü"] {
        cases.resealed(None, &format!("the beacon_id {name:?}"), &|proof| {
            proof["beacon"]["chain"]["beacon_id"] = json!(name);
        });
    }
}

fn numbers(cases: &mut Builder) {
    let (u32_max, exact) = (u64::from(u32::MAX), (1u64 << 53) - 1);
    for (field, inside, outside) in [
        ("/manifest/alternates", vec![0, u32_max], vec![u32_max + 1]),
        ("/manifest/claim_within_seconds", vec![0, u32_max], vec![u32_max + 1]),
        ("/manifest/margin_seconds", vec![0, u32_max], vec![u32_max + 1]),
        ("/manifest/sequence", vec![exact], vec![exact + 1, u64::MAX]),
        ("/beacon/chain/genesis_time", vec![0, u32_max], vec![u32_max + 1, exact]),
        ("/beacon/chain/period", vec![1, u32_max], vec![0, u32_max + 1]),
        ("/manifest/prizes/0/winners", vec![], vec![0, 10_001, u32_max + 1]),
        ("/manifest/version", vec![], vec![0, 3, u32_max + 1]),
        ("/version", vec![], vec![0, 3]),
    ] {
        for (number, step) in
            inside.iter().map(|n| (n, None)).chain(outside.iter().map(|n| (n, Some("form"))))
        {
            cases.resealed(step, &format!("{field} is {number}"), &|proof| {
                *proof.pointer_mut(field).unwrap() = json!(number);
            });
        }
        for value in [json!(-1), json!(1.5), json!("1"), json!(true), json!([]), json!({})] {
            cases.resealed(Some("form"), &format!("{field} is {value}"), &|proof| {
                *proof.pointer_mut(field).unwrap() = value.clone();
            });
        }
    }
    for (number, step) in
        [(0, "ranking"), (99, "ranking"), (100, "form"), (u32_max, "form"), (u32_max + 1, "form")]
    {
        cases.raw(step, &format!("the prize {number} of an alternate"), &|proof| {
            proof["ranking"][1]["prize"] = json!(number);
        });
    }
    for (field, numbers) in [("/manifest/entries", [0, exact]), ("/manifest/tickets", [0, exact])] {
        for number in numbers {
            let mut proof = small();
            *proof.proof.pointer_mut(field).unwrap() = json!(number);
            proof.sign();
            cases.refused("entries", &format!("{field} is {number}"), &proof);
        }
    }
    for value in [json!(0), json!(1001), json!(1.5), json!(1.0), json!(-1), json!("1"), Value::Null] {
        cases.resealed(Some("entries"), &format!("an entry's tickets are {value}"), &|proof| {
            proof["entries"][2]["tickets"] = value.clone();
        });
    }
}

fn manifest_and_round(cases: &mut Builder) {
    cases.resealed(Some("manifest"), "sequence 0", &|proof| proof["manifest"]["sequence"] = json!(0));
    cases.resealed(Some("manifest"), "the first draw names one before", &|proof| {
        proof["manifest"]["sequence"] = json!(1);
    });
    for name in ["previous_commitment", "previous_status"] {
        cases.resealed(Some("manifest"), &format!("no {name}"), &|proof| {
            proof["manifest"][name] = Value::Null
        });
    }
    cases.resealed(Some("manifest"), "sealed before it closed", &|proof| {
        proof["manifest"]["closes_at"] = json!("2026-04-20T12:30:45.121Z");
    });
    cases.resealed(None, "sealed as it closed", &|proof| {
        proof["manifest"]["closes_at"] = json!("2026-04-20T12:30:45.120Z");
    });
    for status in [
        "WAITING",
        "SEALED",
        "DRAWN",
        "RECORDED",
        "SUCCEEDED",
        "INCOMPLETE",
        "REJECTED",
        "FAILED",
        "CANCELLED",
    ] {
        cases.resealed(None, &format!("after a draw that is {status}"), &|proof| {
            proof["manifest"]["previous_status"] = json!(status);
        });
    }
    for status in ["RUNNING", "succeeded", ""] {
        cases.resealed(Some("form"), &format!("after a draw that is {status:?}"), &|proof| {
            proof["manifest"]["previous_status"] = json!(status);
        });
    }
    for (timestamp, step) in [
        ("0001-01-01T00:00:00.000Z", None),
        ("1969-12-31T23:59:59.999Z", None),
        ("2024-02-29T23:59:59.999Z", None),
        ("9998-12-31T23:59:00.000Z", None),
        ("9998-12-31T23:59:59.999Z", Some("round")),
        ("0000-12-31T23:59:59.999Z", Some("form")),
        ("9999-01-01T00:00:00.000Z", Some("form")),
        ("9999-12-31T23:59:59.999Z", Some("form")),
        ("+10000-01-01T00:00:00.000Z", Some("form")),
        ("2025-02-29T00:00:00.000Z", Some("form")),
        ("2026-04-31T00:00:00.000Z", Some("form")),
        ("2026-04-20T24:00:00.000Z", Some("form")),
        ("2026-04-20T23:59:60.000Z", Some("form")),
        ("2026-04-20T12:30:45Z", Some("form")),
        ("2026-04-20T12:30:45.12Z", Some("form")),
        ("2026-04-20t12:30:45.120z", Some("form")),
        ("2026-04-20T12:30:45.120+00:00", Some("form")),
        ("2026-04-20 12:30:45.120Z", Some("form")),
        ("٢٠٢٦-04-20T12:30:45.120Z", Some("form")),
    ] {
        cases.resealed(step, &format!("sealed at {timestamp}"), &|proof| {
            proof["manifest"]["closes_at"] = Value::Null;
            proof["manifest"]["sealed_at"] = json!(timestamp);
        });
    }
    for (name, text, step) in [
        ("/manifest/draw_id", "-a", "form"),
        ("/manifest/draw_id", "A", "form"),
        ("/manifest/draw_id", "", "form"),
        ("/manifest/lottery_id", "a_b", "form"),
        ("/manifest/algorithm", "another", "form"),
        ("/manifest/beacon/scheme", "pedersen-bls-unchained", "form"),
        ("/beacon/chain/scheme", "pedersen-bls-chained", "form"),
        ("/beacon/chain/group_hash", "AA", "form"),
        ("/manifest/root", "", "form"),
    ] {
        cases.raw(step, &format!("{name} is {text:?}"), &|proof| {
            *proof.pointer_mut(name).unwrap() = json!(text)
        });
    }
    for (length, name, step) in [
        (40, "draw_id", None),
        (41, "draw_id", Some("form")),
        (63, "lottery_id", None),
        (64, "lottery_id", Some("form")),
    ] {
        cases.resealed(step, &format!("{name} of {length} characters"), &|proof| {
            proof["manifest"][name] = json!("a".repeat(length));
        });
    }
    for offset in [-1i64, 1, 1000] {
        let mut proof = small();
        let round = proof.proof["manifest"]["beacon"]["round"].as_i64().unwrap();
        proof.proof["manifest"]["beacon"]["round"] = json!(round + offset);
        proof.sign();
        proof.publish_round();
        proof.rank();
        cases.refused("round", &format!("the round {offset:+} from the one that follows"), &proof);
    }
    let mut zero = small();
    zero.proof["manifest"]["beacon"]["round"] = json!(0);
    zero.sign();
    cases.refused("round", "round 0", &zero);
    cases.raw("round", "another chain", &|proof| {
        proof["beacon"]["chain"]["group_hash"] = json!(strange_hash())
    });
    cases.raw("round", "another period", &|proof| proof["beacon"]["chain"]["period"] = json!(4));
    let mut keys = small();
    keys.proof["manifest"]["beacon"]["public_key"] = json!("8".repeat(192));
    keys.sign();
    cases.refused("round", "a key in the manifest that is not the chain's", &keys);
}

fn signature(cases: &mut Builder) {
    let base = format!("58{}", "66".repeat(31));
    let one = format!("01{}", "00".repeat(31));
    let small_order = [
        ("the identity", format!("01{}", "00".repeat(31))),
        ("the identity with the sign of -0", format!("01{}80", "00".repeat(30))),
        ("the identity, not reduced", format!("ee{}7f", "ff".repeat(30))),
        ("the identity, not reduced, with a sign", format!("ee{}", "ff".repeat(31))),
        ("order 2", format!("ec{}7f", "ff".repeat(30))),
        ("order 2 with the sign of -0", format!("ec{}", "ff".repeat(31))),
        ("order 4", "00".repeat(32)),
        ("order 4, the other", format!("{}80", "00".repeat(31))),
        ("order 4, not reduced", format!("ed{}7f", "ff".repeat(30))),
        ("order 8", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05".to_owned()),
        (
            "order 8, the second",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85".to_owned(),
        ),
        ("order 8, the third", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a".to_owned()),
        (
            "order 8, the fourth",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa".to_owned(),
        ),
        ("a y above the field", format!("f0{}7f", "ff".repeat(30))),
        ("no point", format!("02{}", "00".repeat(31))),
    ];
    for (name, point) in &small_order {
        // With such a key, the base point and 1 are a signature of everything, or of every second, fourth, eighth text.
        cases.raw("signature", &format!("the key is {name}"), &|proof| {
            proof["signature"] = json!({"public_key": point, "signature": format!("{base}{one}")});
        });
        cases.raw("signature", &format!("R is {name}"), &|proof| {
            let signature = proof["signature"]["signature"].as_str().unwrap().to_owned();
            proof["signature"]["signature"] = json!(format!("{point}{}", &signature[64..]));
        });
    }
    cases.raw("signature", "the identity signs with 0", &|proof| {
        proof["signature"] = json!({"public_key": one, "signature": format!("{one}{}", "00".repeat(32))});
    });
    cases.raw("signature", "S and the order of the group", &|proof| {
        // S + L is the same number modulo L, and must not be a second signature.
        const ORDER: [u8; 32] = [
            0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
        ];
        let signature = proof["signature"]["signature"].as_str().unwrap().to_owned();
        let signature = lottery::HexBytes::<64>::parse(&signature).unwrap();
        let mut sum = *signature.as_bytes();
        let mut carry = 0;
        for (byte, order) in sum[32..].iter_mut().zip(ORDER) {
            let added = u16::from(*byte) + u16::from(order) + carry;
            (*byte, carry) = (added as u8, added >> 8);
        }
        proof["signature"]["signature"] = json!(lottery::HexBytes::from(sum));
    });
    cases.raw("signature", "another key", &|proof| proof["signature"]["public_key"] = json!(strange_hash()));
    cases.raw("signature", "another manifest", &|proof| proof["manifest"]["alternates"] = json!(2));
    cases.raw("form", "a signature in capitals", &|proof| {
        proof["signature"]["signature"] =
            json!(proof["signature"]["signature"].as_str().unwrap().to_uppercase());
    });
}

fn randomness(cases: &mut Builder) {
    let signed = |proof: &mut Value, signature: String| {
        let parsed = lottery::HexBytes::<48>::parse(&signature).unwrap();
        let round = proof["manifest"]["beacon"]["round"].as_u64().unwrap();
        proof["beacon"]["round"] = json!(BeaconRound::new(round, parsed));
    };
    let honest = small().proof["beacon"]["round"]["signature"].as_str().unwrap().to_owned();
    let negated = format!("{:02x}{}", u8::from_str_radix(&honest[..2], 16).unwrap() ^ 0x20, &honest[2..]);
    let infinity = format!("c0{}", "00".repeat(47));
    let arbitrary = format!("{}{}", "a7".repeat(16), lottery::HexBytes::from(bytes("arbitrary", 1)));
    for (name, signature) in [
        ("arbitrary bytes", arbitrary.clone()),
        ("the point with the other sign", negated),
        ("the point at infinity", infinity.clone()),
        ("the point at infinity with a sign", format!("e0{}", "00".repeat(47))),
        ("bytes of 0", "00".repeat(48)),
        ("a point that is not compressed", format!("0{}", &honest[1..])),
        ("an x above the field", format!("9a{}", "ff".repeat(47))),
        // x = 4 is on the curve, and not in the subgroup.
        ("a point outside of the subgroup", format!("80{}04", "00".repeat(46))),
    ] {
        let mut proof = small();
        signed(&mut proof.proof, signature);
        proof.rank();
        cases.refused("randomness", &format!("signed with {name}"), &proof);
    }
    let mut forged = quicknet();
    signed(&mut forged.proof, arbitrary);
    forged.rank();
    cases.refused("randomness", "a made-up round of quicknet", &forged);
    let mut swapped = quicknet();
    let recorded: Value = serde_json::from_str(include_str!("../vectors/drand-quicknet.json")).unwrap();
    signed(&mut swapped.proof, recorded["rounds"][0]["signature"].as_str().unwrap().to_owned());
    swapped.rank();
    cases.refused("randomness", "another round of quicknet under this number", &swapped);
    for (name, key) in [
        ("the point at infinity", format!("c0{}", "00".repeat(95))),
        ("no point", "07".repeat(96)),
        ("a key that is not compressed", "00".repeat(96)),
    ] {
        let mut proof = small();
        proof.proof["beacon"]["chain"]["public_key"] = json!(key);
        proof.reseal();
        signed(&mut proof.proof, infinity.clone());
        proof.rank();
        cases.refused("randomness", &format!("the chain's key is {name}"), &proof);
    }
    cases.raw("randomness", "the round before", &|proof| {
        let round = proof["beacon"]["round"]["round"].as_u64().unwrap();
        proof["beacon"]["round"]["round"] = json!(round - 1);
    });
    cases.raw("randomness", "another random value", &|proof| {
        proof["beacon"]["round"]["randomness"] = json!(strange_hash());
    });
}

/// Entries, ranking, quotas.
fn lists(cases: &mut Builder) {
    let mut with = |name: &str, change: Change<'_>| cases.raw("entries", name, change);
    with("an entry less", &|proof| drop(proof["entries"].as_array_mut().unwrap().pop()));
    with("no entry", &|proof| proof["entries"] = json!([]));
    with("two entries swapped", &|proof| proof["entries"].as_array_mut().unwrap().swap(1, 2));
    with("another ticket", &|proof| proof["entries"][1]["tickets"] = json!(999));
    with("an unknown field in an entry", &|proof| proof["entries"][1]["extra"] = Value::Null);
    with("an entry that is null", &|proof| proof["entries"][1] = Value::Null);
    with("a label in capitals", &|proof| {
        proof["entries"][1]["label"] = json!(proof["entries"][1]["label"].as_str().unwrap().to_uppercase());
    });
    let text = String::from_utf8(small().bytes()).unwrap();
    for (name, spelled) in [
        ("a blank between entries", text.replacen("},{\"excluded\"", "}, {\"excluded\"", 1)),
        ("no JSON between the brackets", text.replacen("\"excluded\":null", "\"excluded\":nul", 1)),
        ("a ticket as 1.0", text.replacen("\"tickets\":", "\"tickets\":1.0,\"tickets\":", 1)),
        (
            "an entry of deep nesting",
            text.replacen("\"excluded\":null", &format!("\"excluded\":{}", "[".repeat(5000)), 1),
        ),
        ("brackets that close early", text.replacen("},{\"excluded\"", "}],[{\"excluded\"", 1)),
    ] {
        assert_ne!(spelled, text, "{name}");
        cases.add("entries", name, spelled.into_bytes(), "refused", Some("entries"));
    }
    let mut no_utf8 = small().bytes();
    let at = text.find("\"excluded\"").unwrap() + 3;
    no_utf8[at] = 0xff;
    cases.add("entries", "no UTF-8 in an entry", no_utf8, "refused", Some("entries"));
    for (name, field, value, step) in [
        ("excluded without a word", "excluded", json!(""), Some("entries")),
        ("excluded by another word", "excluded", json!("Organiser"), Some("entries")),
        ("a past winner of no draw", "excluded", json!("past_winner:"), Some("entries")),
        ("a past winner of a long draw", "excluded", json!(format!("past_winner:{}", "a".repeat(40))), None),
        (
            "a past winner of too long a draw",
            "excluded",
            json!(format!("past_winner:{}", "a".repeat(41))),
            Some("entries"),
        ),
        ("a holder of 42 characters", "holder", json!("A".repeat(42)), Some("entries")),
        ("a holder with bits left over", "holder", json!(format!("{}B", "A".repeat(42))), Some("entries")),
        ("a holder with padding", "holder", json!(format!("{}=", "A".repeat(43))), Some("entries")),
        ("a holder of zeros", "holder", json!("A".repeat(43)), None),
    ] {
        cases.resealed(step, name, &|proof| proof["entries"][0][field] = value.clone());
    }
    let same = |proof: &mut Value| {
        let first = proof["entries"][0].clone();
        proof["entries"].as_array_mut().unwrap().insert(0, first);
    };
    cases.resealed(Some("entries"), "an entry twice", &same);
    cases.resealed(None, "two entries with one holder", &|proof| {
        proof["entries"][0]["holder"] = proof["entries"][1]["holder"].clone();
    });

    let mut with = |name: &str, change: Change<'_>| cases.raw("ranking", name, change);
    with("two ranks swapped", &|proof| proof["ranking"].as_array_mut().unwrap().swap(0, 1));
    with("a rank less", &|proof| drop(proof["ranking"].as_array_mut().unwrap().pop()));
    with("an empty ranking", &|proof| proof["ranking"] = json!([]));
    with("another score", &|proof| proof["ranking"][0]["score"] = json!(strange_hash()));
    with("another seat", &|proof| proof["ranking"][0]["seat"] = json!("reserved"));
    with("a rank twice", &|proof| {
        let last = proof["ranking"][1].clone();
        proof["ranking"].as_array_mut().unwrap().push(last);
    });
    cases.raw("form", "a seat of no kind", &|proof| proof["ranking"][0]["seat"] = json!("best"));
    cases.resealed(Some("ranking"), "more winners than entries", &|proof| {
        proof["manifest"]["prizes"][0]["winners"] = json!(9);
    });
    cases.resealed(Some("ranking"), "nobody in the group that a seat is reserved for", &|proof| {
        proof["manifest"]["prizes"][0]["quota"] =
            json!([{"at_least": 1, "at_most": null, "group": "nobody"}]);
    });
    quotas(cases);
}

fn quotas(cases: &mut Builder) {
    let limit = |group: Value| json!({"at_least": null, "at_most": 1, "group": group});
    let several = |groups: Value, without: Value| json!({"at_least": null, "at_most": 1, "groups": groups, "without_group": without});
    let (most, over) = (json!(u32::MAX), json!(u64::from(u32::MAX) + 1));
    for (name, quota, step) in [
        ("a group that is null", json!([limit(Value::Null)]), Some("form")),
        ("a group with half a surrogate pair", json!([limit(json!(HALF_PAIR))]), Some("form")),
        ("a group that is not in NFC", json!([limit(json!("e\u{301}"))]), Some("form")),
        ("a group that ends with U+FEFF", json!([limit(json!("x\u{feff}"))]), None),
        ("a group that ends with U+3000", json!([limit(json!("x\u{3000}"))]), Some("form")),
        ("a group twice", json!([limit(json!("a")), limit(json!("a"))]), Some("form")),
        ("no bound", json!([{"at_least": null, "at_most": null, "group": "a"}]), Some("form")),
        ("at_least above at_most", json!([{"at_least": 1, "at_most": 0, "group": "a"}]), Some("form")),
        ("at_least 0", json!([{"at_least": 0, "at_most": null, "group": "a"}]), None),
        ("at_least above the winners", json!([{"at_least": 2, "at_most": null, "group": "a"}]), Some("form")),
        ("at_least of 32 bits", json!([{"at_least": most, "at_most": null, "group": "a"}]), Some("form")),
        ("at_most of 32 bits", json!([{"at_least": null, "at_most": most, "group": "a"}]), None),
        ("at_most of more", json!([{"at_least": null, "at_most": over, "group": "a"}]), Some("form")),
        ("several groups", json!([several(json!(["a", "b"]), json!(false))]), None),
        ("a group and the people without one", json!([several(json!(["a"]), json!(true))]), None),
        ("the people without a group alone", json!([several(json!([]), json!(true))]), None),
        ("one group in the form of several", json!([several(json!(["a"]), json!(false))]), Some("form")),
        ("no group", json!([several(json!([]), json!(false))]), Some("form")),
        ("groups that descend", json!([several(json!(["b", "a"]), json!(false))]), Some("form")),
        (
            "groups in the order of UTF-8",
            json!([several(json!(["\u{ffff}", "\u{10000}"]), json!(false))]),
            None,
        ),
        (
            "groups in the order of UTF-16",
            json!([several(json!(["\u{10000}", "\u{ffff}"]), json!(false))]),
            Some("form"),
        ),
        ("without_group that is 1", json!([several(json!(["a", "b"]), json!(1))]), Some("form")),
        (
            "both forms",
            json!([{"at_least": null, "at_most": 1, "group": "a", "groups": ["a", "b"], "without_group": false}]),
            Some("form"),
        ),
        ("50 groups", json!((0..50).map(|i| limit(json!(format!("g{i}")))).collect::<Vec<_>>()), None),
        (
            "51 groups",
            json!((0..51).map(|i| limit(json!(format!("g{i}")))).collect::<Vec<_>>()),
            Some("form"),
        ),
    ] {
        cases.resealed(step, &format!("a quota: {name}"), &|proof| {
            proof["manifest"]["prizes"][0]["quota"] = quota.clone()
        });
    }
    for (name, count, winners, step) in [
        ("100 prizes", 100, 1, Some("ranking")),
        ("101 prizes", 101, 1, Some("form")),
        ("10,001 winners", 3, 3667, Some("form")),
    ] {
        cases.resealed(step, name, &|proof| {
            proof["manifest"]["prizes"] =
                json!(vec![json!({"name": "x", "quota": [], "winners": winners}); count]);
        });
    }
    cases.resealed(Some("form"), "no prize", &|proof| proof["manifest"]["prizes"] = json!([]));
}

/// How a time stamp is spelled. What one is worth changes no verdict: `time-stamps.json` holds that.
fn stamps(cases: &mut Builder) {
    for (name, token, step) in [
        ("one byte that is no time stamp", "AA==", None),
        ("bits left over", "AB==", Some("form")),
        ("no padding", "AA", Some("form")),
        ("a line break", "AA\n==", Some("form")),
        ("the letters of base64url", "_-8=", Some("form")),
        ("nothing", "", Some("form")),
    ] {
        let mut proof = small();
        proof.proof["version"] = json!(2);
        proof.proof["changes"] = json!([]);
        proof.proof["witnesses"] = json!([{"kind": "rfc3161", "token": token}]);
        let (kind, verdict) = step.map_or(("honest", "consistent"), |step| (step, "refused"));
        cases.add(kind, &format!("a time stamp: {name}"), proof.bytes(), verdict, step);
    }
}

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/proofs")
}

/// The lines of one file.
fn file(cases: &[Case]) -> String {
    let lines = cases.iter().map(|Case { name, proof, expected }| {
        let (field, proof) = match str::from_utf8(proof) {
            Ok(text) => ("proof", text.to_owned()),
            Err(_) => ("proof_base64", STANDARD.encode(proof)),
        };
        let mut line = json!({"name": name, "verdict": expected.verdict, field: proof});
        if let Some(step) = &expected.step {
            line["step"] = json!(step);
        }
        line.to_string() + "\n"
    });
    lines.collect()
}

#[test]
fn corpus_files_are_what_is_made_here() {
    let corpus = corpus();
    for (kind, cases) in &corpus {
        let path = directory().join(format!("{kind}.ndjson"));
        let made = file(cases);
        if std::env::var_os("UPDATE_CORPUS").is_some() {
            std::fs::create_dir_all(directory()).unwrap();
            std::fs::write(&path, &made).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == made, "{} is out of date: run this test with UPDATE_CORPUS=1", path.display());
    }
    assert_eq!(std::fs::read_dir(directory()).unwrap().count(), corpus.len());
}

#[test]
fn corpus_has_one_answer_from_every_verifier() {
    let (mut others, mut wrong) = (Others::start(), Vec::new());
    let mut count = 0;
    for (kind, cases) in corpus() {
        for Case { name, proof, expected } in cases {
            others.ask(&proof);
            let said = std::iter::once(("verify-draw", ours(&proof))).chain(others.hear());
            let differing = said.filter(|(_, said)| *said != expected);
            wrong.extend(
                differing.map(|(who, said)| format!("{kind}, {name}: {who} says {said:?}, not {expected:?}")),
            );
            count += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 300, "{count}");
}

#[test]
fn corpus_of_entries_is_what_a_seal_takes() {
    // Every entry of the honest cases reads as it is written.
    for case in corpus().remove("honest").unwrap() {
        let proof: Value = serde_json::from_slice(&case.proof).unwrap();
        for entry in proof["entries"].as_array().unwrap() {
            let read: Entry = serde_json::from_value(entry.clone()).unwrap();
            assert_eq!(read.to_canonical_json(), entry.to_string(), "{}", case.name);
        }
    }
}
