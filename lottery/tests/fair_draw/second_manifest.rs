//! Manifests of the second version: what every verifier must say of them, and receipts that bind a person.

use std::path::Path;
use std::process::Command;

use lottery::binding::{Identity, Link};
use lottery::manifest::Version;
use lottery::receipt::{PersonReceipt, Receipt};
use lottery::verify::{Options, StepName, verify};
use lottery::{
    DrawId, EmailAddress, Entry, LotteryId, Name, Nonce, Participant, ParticipantId, PhoneNumber, Tickets,
};
use serde_json::{Value, json};

use super::bundles::{Draw, entries, prizes};
use super::corpus::{Builder, quicknet_of};
use super::loose::Loose;
use super::naive::{bytes, one_prize};

/// A small draw whose past winners of the draw `spring` are excluded.
pub(crate) fn second() -> Loose {
    Loose::of(&Draw::seal(entries(12), one_prize(1)).second())
}

/// What the shared corpus holds of the second version.
pub(crate) fn cases(cases: &mut Builder) {
    cases.draw("the second version of the manifest", Draw::seal(entries(24), prizes()).second());
    let mut resealed = |step: Option<&'static str>, name: &str, change: &dyn Fn(&mut Value)| {
        let mut proof = second();
        change(&mut proof.proof);
        proof.reseal();
        let name = format!("second version: {name}");
        match step {
            Some(step) => cases.refused(step, &name, &proof),
            None => cases.add("honest", &name, proof.bytes(), "consistent", None),
        }
    };
    let lone = |proof: &mut Value| {
        for entry in proof["entries"].as_array_mut().unwrap() {
            entry["excluded"] = Value::Null;
        }
    };
    resealed(None, "past winners may win, and none is excluded", &|proof| {
        lone(proof);
        proof["manifest"]["exclude_past_winners"] = json!(false);
    });
    resealed(Some("entries"), "past winners may win, but one is excluded", &|proof| {
        proof["manifest"]["exclude_past_winners"] = json!(false);
    });
    resealed(Some("entries"), "past winners before the first draw", &|proof| {
        let manifest = &mut proof["manifest"];
        manifest["sequence"] = json!(1);
        (manifest["previous_commitment"], manifest["previous_status"]) = (Value::Null, Value::Null);
    });
    resealed(Some("entries"), "past winners of this very draw", &|proof| {
        proof["entries"][0]["excluded"] = json!("past_winner:summer");
    });
    resealed(None, "past winners of two draws", &|proof| {
        proof["entries"][0]["excluded"] = json!("past_winner:winter");
    });
    resealed(None, "the first draw of its lane", &|proof| {
        lone(proof);
        first_of_all(proof);
    });
    resealed(Some("manifest"), "the first draw of its lane, and not of its lottery", &|proof| {
        proof["manifest"]["operator"]["sequence"] = json!(1);
        proof["manifest"]["operator"]["previous_commitment"] = Value::Null;
    });
    resealed(None, "a lottery that has its lane alone", &|proof| {
        let before = proof["manifest"]["previous_commitment"].clone();
        proof["manifest"]["operator"]["sequence"] = json!(2);
        proof["manifest"]["operator"]["previous_commitment"] = before;
    });
    resealed(Some("manifest"), "another draw before in a lane of its own", &|proof| {
        proof["manifest"]["operator"]["sequence"] = json!(2);
    });
    resealed(Some("manifest"), "a lower number in the lane than in the lottery", &|proof| {
        proof["manifest"]["sequence"] = json!(8);
    });
    cases.add("honest", "second version: drand's quicknet", quicknet_of(Draw::second).bytes(), "holds", None);
    rehearsals(cases, &lone);
    fields(cases);
}

/// The first draw of its lottery, and of its lane.
fn first_of_all(proof: &mut Value) {
    let manifest = &mut proof["manifest"];
    manifest["sequence"] = json!(1);
    (manifest["previous_commitment"], manifest["previous_status"]) = (Value::Null, Value::Null);
    manifest["operator"]["sequence"] = json!(1);
    manifest["operator"]["previous_commitment"] = Value::Null;
}

/// Rehearsals, which every verifier tells from draws.
fn rehearsals(cases: &mut Builder, lone: &dyn Fn(&mut Value)) {
    let rehearse = |proof: &mut Value| {
        first_of_all(proof);
        proof["manifest"]["kind"] = json!("rehearsal");
        (proof["manifest"]["sequence"], proof["manifest"]["operator"]["sequence"]) = (json!(0), json!(0));
    };
    let mut add = |name: &str, verdict: &str, step: Option<&str>, change: &dyn Fn(&mut Value)| {
        let mut proof = second();
        rehearse(&mut proof.proof);
        change(&mut proof.proof);
        proof.reseal();
        cases.add("rehearsals", &format!("second version: {name}"), proof.bytes(), verdict, step);
    };
    add("past winners are excluded", "rehearsal", None, &|_| ());
    add("nobody is excluded", "rehearsal", None, lone);
    let refused = [
        ("a number in the lottery", "/manifest/sequence", json!(1)),
        ("a number in the lane", "/manifest/operator/sequence", json!(1)),
        ("a draw before in the lane", "/manifest/operator/previous_commitment", json!("00".repeat(32))),
        ("a draw before", "/manifest/previous_commitment", json!("00".repeat(32))),
        ("a status of the draw before", "/manifest/previous_status", json!("ABANDONED")),
    ];
    for (name, field, value) in refused {
        add(name, "refused", Some("manifest"), &|proof| *proof.pointer_mut(field).unwrap() = value.clone());
    }
    for (name, kind) in [("null", Value::Null), ("draw", json!("draw")), ("a list", json!(["rehearsal"]))] {
        let name = format!("the kind is {name}");
        add(&name, "refused", Some("form"), &|proof| proof["manifest"]["kind"] = kind.clone());
    }
    let mut first = Loose::of(&super::rehearsal::rehearsal());
    cases.add("rehearsals", "first version", first.bytes(), "rehearsal", None);
    first.proof["entries"] = Value::Null;
    cases.add("rehearsals", "entries apart", first.bytes(), "incomplete", None);
    let mut unseated = Loose::of(&super::rehearsal::rehearsal());
    unseated.proof["ranking"] = Value::Null;
    cases.add("rehearsals", "no ranking", unseated.bytes(), "incomplete", None);
}

/// Fields that are missing, unknown, out of their bounds or out of place.
fn fields(cases: &mut Builder) {
    let mut refused = |step: &'static str, name: &str, change: &dyn Fn(&mut Value)| {
        let mut proof = second();
        change(&mut proof.proof);
        proof.reseal();
        cases.refused(step, &format!("second version: {name}"), &proof);
    };
    for (name, field, value) in [
        ("the lane counts from 1", "sequence", json!(0)),
        ("the first of its lane names one before", "sequence", json!(1)),
        ("none before in its lane", "previous_commitment", Value::Null),
        (
            "another lane",
            "lane",
            json!((second().proof["manifest"]["operator"]["lane"].as_u64().unwrap() + 1) % 16),
        ),
    ] {
        refused("manifest", name, &|proof| proof["manifest"]["operator"][field] = value.clone());
    }
    for (name, field, value) in [
        ("lane 16", "/operator/lane", json!(16)),
        ("lane -1", "/operator/lane", json!(-1)),
        ("a lane that is text", "/operator/lane", json!("1")),
        ("a large sequence in the lane", "/operator/sequence", json!(1u64 << 53)),
        ("a short commitment in the lane", "/operator/previous_commitment", json!("00")),
        ("no operator", "/operator", Value::Null),
        ("exclude_past_winners is null", "/exclude_past_winners", Value::Null),
        ("exclude_past_winners is a number", "/exclude_past_winners", json!(1)),
        ("the fields of the second in the first", "/version", json!(1)),
        ("a third version", "/version", json!(3)),
    ] {
        refused("form", name, &|proof| {
            *proof["manifest"].pointer_mut(field).unwrap() = value.clone();
        });
    }
    for name in ["exclude_past_winners", "operator"] {
        refused("form", &format!("without {name}"), &|proof| {
            proof["manifest"].as_object_mut().unwrap().remove(name);
        });
    }
    refused("form", "a field too many in the operator's place", &|proof| {
        proof["manifest"]["operator"]["unknown"] = Value::Null;
    });
    refused("form", "the first version calls itself the second", &|proof| {
        let manifest = proof["manifest"].as_object_mut().unwrap();
        manifest.remove("exclude_past_winners");
        manifest.remove("operator");
    });
}

fn person(number: u64) -> Participant {
    Participant {
        participant_id: ParticipantId::parse(&number.to_string()).unwrap(),
        name: Name::parse(&format!("Rosé \"{number}\" 王\u{1f6b2}")).unwrap(),
        phone: (!number.is_multiple_of(3))
            .then(|| PhoneNumber::parse(&format!("+1202555{number:04}")).unwrap()),
        email: (!number.is_multiple_of(2))
            .then(|| EmailAddress::parse(&format!("Rose.{number}@example.com")).unwrap()),
        group: None,
        tickets: Tickets::ONE,
        excluded: false,
    }
}

fn secret(number: u64) -> Nonce {
    Nonce::from_random(bytes("secret", number))
}

/// A draw of people whose labels and holders follow from their secrets, in a lottery.
fn draw_of_people(draw_id: &str) -> Draw {
    let (lottery_id, draw_id) = (LotteryId::parse("party-2026").unwrap(), DrawId::parse(draw_id).unwrap());
    let mut people: Vec<Entry> = (0..20)
        .map(|number| {
            let link = Link::of(&secret(number));
            let identity = Identity::of(&secret(number), &person(number));
            Entry {
                excluded: None,
                group: None,
                holder: link.holder(&lottery_id, &draw_id, &identity),
                label: link.label(&lottery_id, &draw_id),
                tickets: Tickets::ONE,
            }
        })
        .collect();
    people.sort_by_key(|entry| entry.label);
    let mut draw = Draw::seal(people, one_prize(2)).second();
    draw.manifest.draw_id = draw_id;
    draw
}

fn receipt(number: u64) -> PersonReceipt {
    let label = draw_of_people("summer").entries[0].label;
    match Receipt::new(Version::Two, label, &secret(number), &person(number)) {
        Receipt::Two(receipt) => receipt,
        Receipt::One(_) => panic!("a receipt of the first version"),
    }
}

fn ours(draw: &Draw, receipt: PersonReceipt) -> Option<StepName> {
    let options = Options { receipt: Some(Receipt::Two(receipt)), ..Options::default() };
    let report = verify(draw.bundle().as_bytes(), &options);
    assert_eq!(report.holds, report.broken().is_none(), "{report}");
    report.broken()
}

/// What the verifier in Python says of a receipt.
fn second_verifier(draw: &Draw, receipt: &Value) -> Value {
    let directory = tempfile::tempdir().unwrap();
    let [proof, kept] = ["proof.json", "receipt.json"].map(|name| directory.path().join(name));
    std::fs::write(&proof, draw.bundle()).unwrap();
    std::fs::write(&kept, receipt.to_string()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/second_verifier/verify.py");
    let python = Command::new("python3").arg(script).arg("--receipt").args([kept, proof]).output();
    serde_json::from_slice(&python.expect("the tests need python3").stdout).unwrap()
}

#[test]
fn one_receipt_finds_its_owner_in_every_draw_under_another_label() {
    let draws = ["summer", "autumn"].map(draw_of_people);
    for draw in &draws {
        for number in 0..20 {
            assert_eq!(ours(draw, receipt(number)), None);
        }
        for number in [0, 1, 3] {
            let said = second_verifier(draw, &json!(receipt(number)));
            assert_eq!(said["verdict"], "consistent", "{said}");
        }
    }
    let [one, two] = draws.map(|draw| draw.entries);
    let is_in_both =
        |entry: &Entry| two.iter().any(|other| other.label == entry.label || other.holder == entry.holder);
    assert!(!one.iter().any(is_in_both), "labels and holders are new in each draw");
}

#[test]
fn an_entry_is_bound_to_one_person_and_no_other_receipt_explains_it() {
    let draw = draw_of_people("summer");
    let right = receipt(7);
    let changed: [(&str, Value); 5] = [
        ("name", json!("Rose Tyler")),
        ("participant_id", json!("8")),
        ("phone", Value::Null),
        ("email", json!("rose.7@example.com")),
        ("secret", json!(lottery::hex(&bytes("secret", 999)))),
    ];
    for (field, value) in changed {
        let mut wrong = json!(right);
        wrong[field] = value;
        let said = second_verifier(&draw, &wrong);
        assert_eq!((&said["verdict"], &said["step"]), (&json!("refused"), &json!("receipt")), "{field}");
        assert_eq!(ours(&draw, serde_json::from_value(wrong).unwrap()), Some(StepName::Receipt), "{field}");
    }
}

#[test]
fn a_receipt_is_for_manifests_of_its_own_version() {
    let mut draw = draw_of_people("summer");
    let first = json!({ "label": draw.entries[0].label, "nonce": receipt(1).secret, "participant_id": "1" });
    let said = second_verifier(&draw, &first);
    assert_eq!(said["step"], "receipt", "{said}");
    let options = Options { receipt: serde_json::from_value(first).unwrap(), ..Options::default() };
    assert_eq!(verify(draw.bundle().as_bytes(), &options).broken(), Some(StepName::Receipt));
    draw.manifest.version = Version::One;
    (draw.manifest.exclude_past_winners, draw.manifest.operator) = (None, None);
    assert_eq!(ours(&draw, receipt(1)), Some(StepName::Receipt));
}
