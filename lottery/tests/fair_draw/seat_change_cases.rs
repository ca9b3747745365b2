//! What the shared corpus holds of seats that change hands.

use lottery::ReplaceReason;
use serde_json::{Value, json};

use super::bundles::{Draw, entries, prizes, prizes_of_several, strange_hash};
use super::corpus::{Builder, Change};
use super::loose::Loose;
use super::naive::{bytes, one_prize};
use super::seat_changes::{Evening, claimed_draw, round_at};

/// A draw of which three winners were replaced and one withdrew before the round.
fn evening() -> Evening {
    let mut evening = Evening::new(Draw::seal(entries(24), prizes()));
    evening.leave(2, None);
    for (rank, reason) in
        [(1, ReplaceReason::Absent), (3, ReplaceReason::Declined), (4, ReplaceReason::Unreachable)]
    {
        assert!(evening.leave(rank, Some(reason)));
    }
    evening
}

/// Logs of seat changes: honest ones, and what a cheat or a mistake makes of one.
pub(crate) fn cases(cases: &mut Builder) {
    let mut honest = |name: &str, evening: &Evening| {
        cases.add("honest", name, evening.bundle().into_bytes(), "consistent", None);
    };
    honest("seats that were passed on", &evening());
    let mut few = Evening::new(Draw::seal(entries(9), one_prize(3)));
    for rank in 1..=few.last() {
        few.leave(rank, Some(ReplaceReason::Ineligible));
    }
    honest("replaced until nobody is left", &few);
    let mut behind = Draw::seal(entries(44), prizes_of_several());
    behind.manifest.alternates = 1;
    let mut behind = Evening::new(behind);
    for rank in 1..14 {
        behind.leave(rank, Some(ReplaceReason::Absent));
    }
    honest("seats that go to people behind the ranking", &behind);
    let mut alternate = Evening::new(Draw::seal(entries(24), prizes()));
    let waiting = (1..=alternate.last()).find(|rank| alternate.seating().prize_of(*rank).is_none()).unwrap();
    assert!(alternate.leave(waiting, None) && alternate.leave(1, None));
    honest("an alternate who withdrew", &alternate);
    let mut several = Evening::new(Draw::seal(entries(44), prizes_of_several()));
    several.withdraw(3..14);
    honest("withdrawals in their order", &several);
    claims(cases);
    withdrawals(cases);

    let with = |change: &dyn Fn(&mut Value)| {
        let mut proof: Value = serde_json::from_str(&evening().bundle()).unwrap();
        change(&mut proof);
        Loose { proof }
    };
    for (name, change) in [
        ("a number is missing", &(|log: &mut Vec<Value>| drop(log.remove(1))) as &dyn Fn(&mut Vec<Value>)),
        ("the first entry is missing", &|log| drop(log.remove(0))),
        ("two entries swapped", &|log| log.swap(1, 2)),
        ("two entries swapped and numbered anew", &|log| {
            log.swap(1, 2);
            (log[1]["number"], log[2]["number"]) = (json!(2), json!(3));
        }),
        ("another entry before", &|log| log[2]["previous"] = json!(strange_hash())),
        ("a signature of another entry", &|log| log[1]["signature"] = log[2]["signature"].clone()),
        ("a signature of nobody", &|log| log[1]["signature"] = json!("00".repeat(64))),
        ("another reason", &|log| log[1]["reason"] = json!("declined")),
        ("another taker", &|log| log[1]["taken_by"] = json!(23)),
        ("nobody takes a seat", &|log| log[3]["taken_by"] = Value::Null),
        ("another time", &|log| log[3]["at"] = json!("2026-04-20T12:31:00.001Z")),
        ("an earlier time", &|log| log[3]["at"] = json!("2026-04-20T12:30:59.999Z")),
        ("a withdrawal with a reason", &|log| log[0]["reason"] = json!("absent")),
        ("a replacement without a reason", &|log| log[1]["reason"] = Value::Null),
        ("number 0", &|log| log[0]["number"] = json!(0)),
    ] {
        let proof = with(&|proof| change(proof["changes"].as_array_mut().unwrap()));
        cases.refused("changes", name, &proof);
    }
    forged(cases);
    for (name, field, value) in [
        ("a reason of no kind", "reason", json!("dull")),
        ("a kind of no kind", "kind", json!("claimed")),
        ("a rank that is no number", "rank", json!("1")),
        ("a rank of more than 32 bits", "rank", json!(1_u64 << 32)),
        ("a taker below 0", "taken_by", json!(-1)),
        ("a time without thousandths", "at", json!("2026-04-20T12:31:00Z")),
        ("a signature in capitals", "signature", json!("AB".repeat(64))),
        ("a hash that is too short", "previous", json!("00")),
    ] {
        let proof = with(&|proof| proof["changes"][1][field] = value.clone());
        cases.refused("form", &format!("a seat change: {name}"), &proof);
    }
    for name in ["at", "kind", "number", "previous", "rank", "reason", "signature", "taken_by"] {
        let proof = with(&|proof| drop(proof["changes"][1].as_object_mut().unwrap().remove(name)));
        cases.refused("form", &format!("a seat change without {name}"), &proof);
    }
    for (name, change) in [
        ("changes in version 1", &(|proof: &mut Value| proof["version"] = json!(1)) as Change<'_>),
        ("changes without witnesses", &|proof| drop(proof.as_object_mut().unwrap().remove("witnesses"))),
        ("witnesses without changes", &|proof| drop(proof.as_object_mut().unwrap().remove("changes"))),
        ("changes that are null", &|proof| proof["changes"] = Value::Null),
        ("a seat change with an unknown field", &|proof| proof["changes"][1]["by"] = json!(7)),
    ] {
        cases.refused("form", name, &with(change));
    }
    let unseated = with(&|proof| proof["ranking"] = Value::Null);
    cases.refused("changes", "seat changes without winners", &unseated);
    let undrawn = with(&|proof| (proof["ranking"], proof["beacon"]["round"]) = (Value::Null, Value::Null));
    cases.refused("changes", "seat changes without a round", &undrawn);
    let none = with(&|proof| (proof["ranking"], proof["changes"]) = (Value::Null, json!([])));
    cases.add("unfinished", "no ranking and no seat changes", none.bytes(), "incomplete", None);
    let apart = with(&|proof| proof["entries"] = Value::Null);
    cases.add("unfinished", "seat changes, and entries apart", apart.bytes(), "incomplete", None);
}

/// Withdrawals in another order or at another time than the service writes, though each by the rule and signed.
fn withdrawals(cases: &mut Builder) {
    let draw = || Evening::new(Draw::seal(entries(44), prizes_of_several()));
    let with_prize = |prize: Option<u32>| {
        let evening = draw();
        (1..=evening.last()).filter(|rank| evening.seating().prize_of(*rank) == prize).collect::<Vec<_>>()
    };
    let (first, second, none) = (with_prize(Some(0)), with_prize(Some(1)), with_prize(None));
    let mut refused = |name: &str, change: &dyn Fn(&mut Evening)| {
        let mut evening = draw();
        change(&mut evening);
        cases.add("changes", name, evening.bundle().into_bytes(), "refused", Some("changes"));
    };
    for (name, ranks) in [
        ("withdrawn from a seat before one without", [first[0], none[0]]),
        ("withdrawn from the second prize before the first", [second[0], first[0]]),
        ("withdrawn from one prize, the higher rank before the lower", [first[1], first[0]]),
        ("withdrawn from the line, the higher rank before the lower", [none[1], none[0]]),
    ] {
        refused(name, &|evening| assert!(ranks.iter().all(|rank| evening.leave(*rank, None))));
    }
    refused("withdrawn after having taken a seat", &|evening| {
        assert!(evening.leave(first[0], None));
        let taker = evening.changes[0].taken_by.unwrap();
        assert!(evening.leave(taker, None));
    });
    for (name, from_round) in [("withdrawn", -1), ("withdrawn at another time", 5_000)] {
        refused(&format!("{name}: {from_round} ms from the round"), &|evening| {
            let at = round_at(evening);
            if from_round > 0 {
                evening.append_at(none[0], None, None, at);
            }
            evening.append_at(none[1], None, None, at + from_round);
        });
    }
    refused("replaced a millisecond before the round", &|evening| {
        let mut seating = evening.seating();
        let prize = seating.vacate(first[0]).unwrap();
        let taker = seating.pass_on(prize);
        evening.append_at(first[0], Some(ReplaceReason::Absent), taker, round_at(evening) - 1);
    });
    let mut exact = draw();
    exact.append_at(none[0], None, None, round_at(&exact));
    cases.add("honest", "withdrawn at the round", exact.bundle().into_bytes(), "consistent", None);
}

/// Logs of draws whose winners have to claim.
fn claims(cases: &mut Builder) {
    let unclaimed = Some(ReplaceReason::Unclaimed);
    let mut passed_on = claimed_draw();
    for rank in 1..=passed_on.last() {
        passed_on.leave(rank, if rank % 3 == 0 { Some(ReplaceReason::Absent) } else { unclaimed });
    }
    let bundle = passed_on.bundle().into_bytes();
    cases.add("honest", "unclaimed until nobody is left", bundle, "consistent", None);
    let mut dated = |name: &str, after: i64, step: Option<&'static str>| {
        let mut evening = claimed_draw();
        let mut seating = evening.seating();
        let prize = seating.vacate(1).unwrap();
        let taker = seating.pass_on(prize);
        let at = round_at(&evening) + after;
        evening.append_at(1, unclaimed, taker, at);
        let (kind, verdict) = if step.is_some() { ("changes", "refused") } else { ("honest", "consistent") };
        cases.add(kind, name, evening.bundle().into_bytes(), verdict, step);
    };
    dated("unclaimed at the end of the hour", 3_600_000, None);
    dated("unclaimed a millisecond too early", 3_599_999, Some("changes"));
    let mut soon = claimed_draw();
    assert!(soon.leave(1, unclaimed));
    let taker = soon.changes[0].taken_by.unwrap();
    let mut seating = soon.seating();
    let prize = seating.vacate(taker).unwrap();
    let next = seating.pass_on(prize);
    let at = soon.changes[0].at.as_millisecond() + 3_599_999;
    soon.append_at(taker, unclaimed, next, at);
    let bundle = soon.bundle().into_bytes();
    cases.add("changes", "a seat taken and unclaimed too early", bundle, "refused", Some("changes"));
    let mut unasked = Evening::new(Draw::seal(entries(24), prizes()));
    assert!(unasked.leave(1, unclaimed));
    let bundle = unasked.bundle().into_bytes();
    cases.add("changes", "unclaimed where nobody had to claim", bundle, "refused", Some("changes"));
}

/// What the organiser signs, and the rule forbids.
fn forged(cases: &mut Builder) {
    let seated = |evening: &Evening| {
        (1..=evening.last()).find(|rank| evening.seating().prize_of(*rank).is_some()).unwrap()
    };
    let absent = Some(ReplaceReason::Absent);
    let mut signed = |name: &str, change: &dyn Fn(&mut Evening)| {
        let mut evening = evening();
        change(&mut evening);
        cases.add("changes", name, evening.bundle().into_bytes(), "refused", Some("changes"));
    };
    signed("replaced by choice", &|evening| evening.append(seated(evening), absent, Some(evening.last())));
    signed("replaced by nobody", &|evening| evening.append(seated(evening), absent, None));
    signed("replaced by somebody with a seat", &|evening| {
        let rank = seated(evening);
        let other = (rank + 1..=evening.last()).find(|rank| evening.seating().prize_of(*rank).is_some());
        evening.append(rank, absent, other);
    });
    signed("replaced by rank 0", &|evening| evening.append(seated(evening), absent, Some(0)));
    signed("replaced by a rank behind the list", &|evening| {
        evening.append(seated(evening), absent, Some(evening.last() + 1));
    });
    signed("replaced twice", &|evening| evening.append(1, absent, Some(evening.last())));
    signed("rank 0 replaced", &|evening| evening.append(0, absent, None));
    signed("an alternate replaced", &|evening| evening.append(evening.last(), absent, None));
    signed("a rank behind the list replaced", &|evening| evening.append(evening.last() + 1, absent, None));
    signed("an alternate passed over by a withdrawal after a replacement", &|evening| {
        assert!(evening.leave(evening.last(), None));
    });
    let mut by_another = Evening::new(Draw::seal(entries(24), prizes()));
    let organiser = by_another.draw.organiser.clone();
    by_another.draw.organiser = lottery::signature::OrganiserKey::from_seed(&bytes("another", 1));
    by_another.leave(1, absent);
    by_another.draw.organiser = organiser;
    cases.add(
        "changes",
        "signed by another key",
        by_another.bundle().into_bytes(),
        "refused",
        Some("changes"),
    );
}
