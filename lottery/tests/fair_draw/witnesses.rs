//! Time stamps of a commitment: what counts, and that all verifiers come to the same end.

use std::path::Path;
use std::process::Command;

use lottery::Commitment;
use lottery::proof::{Proof, ProofVersion};
use lottery::timestamp::ProofTimestamp;
use lottery::verify::{Options, Report, StepName, verify};
use lottery::witness::local::{LocalAuthority, NAME};
use lottery::witness::request::{parse_reply, request};
use lottery::witness::{Kind, MAX_WITNESSES, Roots, Witness, examine};
use serde_json::{Value, json};

use super::bundles::{Draw, entries, prizes};

/// Runs one of the programs in Python beside these tests.
fn python(script: &str, arguments: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(script);
    let output =
        Command::new("python3").arg(script).args(arguments).output().expect("the tests need python3");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Holds the worth of each case's stamp, as we see it and as the second verifier does, against what it is said to be.
fn check(cases: &str) -> Vec<Value> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cases.json");
    std::fs::write(&path, cases).unwrap();
    let second = python("second_verifier/witness.py", &[path.to_str().unwrap()]);
    let cases: Vec<Value> = serde_json::from_str(cases).unwrap();
    assert_eq!(second.lines().count(), cases.len());
    for (case, second) in cases.iter().zip(second.lines()) {
        let text = |field: &str| case[field].as_str().unwrap();
        let worth = examine(
            &serde_json::from_value(json!({"kind": "rfc3161", "token": text("token")})).unwrap(),
            &Commitment::parse(text("commitment")).unwrap(),
            ProofTimestamp::parse(text("round_at")).unwrap(),
            &Roots::parse_pem(text("roots")).unwrap(),
        );
        assert_eq!(serde_json::to_value(worth).unwrap(), case["worth"], "{}", text("name"));
        assert_eq!(serde_json::from_str::<Value>(second).unwrap(), case["worth"], "{}", text("name"));
    }
    cases
}

#[test]
fn kept_stamps_of_openssls_authority_are_worth_the_same_to_both_verifiers_for_ever() {
    let cases = check(include_str!("../vectors/time-stamps.json"));
    let outcome =
        |worth: &Value| worth.get("reason").unwrap_or(&worth["outcome"]).as_str().unwrap().to_owned();
    let outcomes: std::collections::BTreeSet<String> =
        cases.iter().map(|case| outcome(&case["worth"])).collect();
    let expected = ["authority", "expired", "form", "imprint", "late", "purpose", "signature", "witnessed"];
    assert!(outcomes.iter().eq(expected), "{outcomes:?}");
}

#[test]
fn stamps_that_openssls_authority_makes_now_are_worth_what_they_should_be() {
    assert!(check(&python("vectors/time_stamps.py", &[])).len() > 15);
}

/// A draw whose commitment was stamped by these authorities, each by its own clock.
fn stamped(draw: &Draw, stamps: &[(&LocalAuthority, &str)]) -> Proof {
    let commitment = draw.manifest.commitment();
    let witness = |(authority, time): &(&LocalAuthority, &str)| {
        let reply = authority.reply(&request(&commitment), time.parse().unwrap()).unwrap();
        Witness { kind: Kind::Rfc3161, token: parse_reply(&reply, &commitment).unwrap() }
    };
    let proof = draw.proof();
    let witnesses = stamps.iter().map(witness).collect();
    Proof::new(proof.beacon, proof.manifest, proof.ranking, proof.signature, witnesses, Vec::new())
}

fn check_with(roots: Roots, text: &str) -> Report {
    verify(text.as_bytes(), &Options { roots, ..Options::default() })
}

fn step(report: &Report) -> &lottery::verify::Step {
    report.steps.iter().find(|step| step.step == StepName::Witness).unwrap()
}

/// The certificate in PEM.
fn pem(authority: &LocalAuthority) -> String {
    use base64::Engine;
    let body = base64::engine::general_purpose::STANDARD.encode(authority.root());
    format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
}

#[test]
fn a_witnessed_draw_names_its_authority_and_one_without_stamps_says_so() {
    let draw = Draw::seal(entries(40), prizes());
    let authority = LocalAuthority::from_seed(&[3; 32]);
    let at = "2026-04-20T12:30:46Z";
    let proof = stamped(&draw, &[(&authority, at)]);
    assert_eq!(proof.version, ProofVersion::Two);
    let text = proof.to_canonical_json(Some(&draw.entries));
    let known = Roots::parse_pem(&pem(&authority)).unwrap();

    let report = check_with(known.clone(), &text);
    assert!(report.holds && step(&report).holds, "{report}");
    assert!(
        step(&report).found.contains(NAME) && step(&report).found.contains("2026-04-20T12:30:46.001Z"),
        "{report}"
    );
    // To everybody else it is a machine's own clock.
    let report = check_with(Roots::default(), &text);
    assert!(report.holds && report.broken().is_none(), "{report}");
    assert!(
        !step(&report).holds && step(&report).found.contains("unwitnessed: a machine's own clock"),
        "{report}"
    );
    assert!(report.verdict.contains("a machine's own clock alone"), "{report}");
    // The round comes out at 12:30:58; a stamp of that time is too late, and breaks nothing.
    let late = stamped(&draw, &[(&authority, "2026-04-20T12:30:58Z")]).to_canonical_json(Some(&draw.entries));
    let report = check_with(known, &late);
    assert!(
        report.holds && !step(&report).holds && step(&report).found.contains("not surely made before"),
        "{report}"
    );
    let report = super::bundles::check(&draw.bundle());
    assert!(
        report.holds && step(&report).found.starts_with("unwitnessed: nobody but the organiser"),
        "{report}"
    );
}

#[test]
fn the_verdict_on_a_public_round_names_who_vouches_for_the_time() {
    let draw = Draw::seal(entries(40), prizes());
    let authority = LocalAuthority::from_seed(&[3; 32]);
    let known = Roots::parse_pem(&pem(&authority)).unwrap();
    // A beacon whose chain the verifier knows takes the role of the public one.
    let verdict = |text: &str, roots: &Roots| {
        let mut options = Options { roots: roots.clone(), ..Options::default() };
        options.pins.chain_hash = Some(draw.beacon.chain().hash());
        verify(text.as_bytes(), &options).verdict
    };
    let text = stamped(&draw, &[(&authority, "2026-04-20T12:30:46Z")]).to_canonical_json(Some(&draw.entries));
    let named = verdict(&text, &known);
    assert!(named.starts_with("HOLDS: ") && named.contains(&format!("{NAME} vouches")), "{named}");
    assert!(!named.contains("the organiser's word"), "{named}");
    let own = verdict(&text, &Roots::default());
    assert!(own.contains("the organiser's word and that of a machine's own clock"), "{own}");
    let quick = verdict(&draw.bundle(), &known);
    assert!(quick.contains("the organiser's word: ") && quick.contains("10 s after sealing"), "{quick}");
}

#[test]
fn a_proof_has_the_fields_of_its_version_and_both_verifiers_hold_it_to_them() {
    let draw = Draw::seal(entries(20), prizes());
    let authority = LocalAuthority::from_seed(&[3; 32]);
    let at = (&authority, "2026-04-20T12:30:46Z");
    let good = stamped(&draw, &[at]).to_canonical_json(Some(&draw.entries));
    let (head, _) = good.split_once(",\"witnesses\":").unwrap();
    let token = good.split("\"token\":\"").nth(1).unwrap().split('"').next().unwrap();
    let with = |witnesses: &str| format!("{head},\"witnesses\":{witnesses}}}");
    let first = draw.bundle();
    let many = |count| stamped(&draw, &vec![at; count]).to_canonical_json(Some(&draw.entries));
    let mut texts =
        vec![(good.clone(), true), (first.clone(), true), (with("[]"), true), (many(MAX_WITNESSES), true)];
    let wrong = [
        many(MAX_WITNESSES + 1),
        format!("{head}}}"),
        with("null"),
        with("{}"),
        first.replacen(",\"version\":1}", ",\"version\":1,\"witnesses\":[]}", 1),
        first.replacen(",\"version\":1}", ",\"version\":3}", 1),
        with(&format!("[{{\"kind\":\"rfc3161\",\"more\":1,\"token\":\"{token}\"}}]")),
        with(&format!("[{{\"kind\":\"rfc3162\",\"token\":\"{token}\"}}]")),
        with(&format!("[{{\"token\":\"{token}\"}}]")),
        with("[{\"kind\":\"rfc3161\",\"token\":\"\"}]"),
        with("[{\"kind\":\"rfc3161\",\"token\":\"AA\"}]"),
        with("[{\"kind\":\"rfc3161\",\"token\":\"AB==\"}]"),
        with("[{\"kind\":\"rfc3161\",\"token\":\"A-==\"}]"),
        with("[{\"kind\":\"rfc3161\",\"token\":7}]"),
        with(&format!("[{{\"kind\":\"rfc3161\",\"token\":\"{}\"}}]", "A".repeat(43_696))),
    ];
    texts.extend(wrong.map(|text| (text, false)));
    // The longest that may be; it is no stamp, but the form does not ask that.
    texts.push((with(&format!("[{{\"kind\":\"rfc3161\",\"token\":\"{}AAA=\"}}]", "A".repeat(43_688))), true));

    let directory = tempfile::tempdir().unwrap();
    let paths: Vec<String> = (0..texts.len())
        .map(|number| directory.path().join(number.to_string()).to_str().unwrap().to_owned())
        .collect();
    texts.iter().zip(&paths).for_each(|((text, _), path)| std::fs::write(path, text).unwrap());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/second_verifier/verify.py");
    let second = Command::new("python3").arg(script).args(&paths).output().unwrap();
    let second = String::from_utf8(second.stdout).unwrap();
    assert_eq!(second.lines().count(), texts.len());
    for ((text, holds), second) in texts.iter().zip(second.lines()) {
        let ours = super::bundles::check(text);
        let second: Value = serde_json::from_str(second).unwrap();
        let end = text.len() - text.len().min(120);
        assert_eq!(
            (ours.holds, second["verdict"] == "consistent"),
            (*holds, *holds),
            "{}\n{ours}\n{second}",
            &text[end..]
        );
        assert!(*holds || ours.broken() == Some(StepName::Form), "{ours}");
        assert_eq!(second["step"], if *holds { Value::Null } else { json!("form") });
    }
    let seen: Value = serde_json::from_str(second.lines().next().unwrap()).unwrap();
    assert_eq!(seen["witnesses"][0]["outcome"], "local", "{seen}");
}
