//! A rehearsal is named first by every verifier, and is no way to a draw: neither it nor a draw can be passed off as the other.

use lottery::manifest::Kind;
use lottery::verify::Outcome;

use super::bundles::{Draw, check, entries};
use super::naive::one_prize;
use super::verifiers::{Others, Said, ours};

pub(crate) fn rehearsal() -> Draw {
    let mut draw = Draw::seal(entries(9), one_prize(2));
    draw.manifest.kind = Some(Kind::Rehearsal);
    draw.manifest.sequence = 0;
    (draw.manifest.previous_commitment, draw.manifest.previous_status) = (None, None);
    draw
}

/// What all three say.
fn all_say(bundle: &str, verdict: &str, step: Option<&str>) {
    let expected = Said { verdict: verdict.to_owned(), step: step.map(str::to_owned) };
    let mut others = Others::start();
    others.ask(bundle.as_bytes());
    assert_eq!(ours(bundle.as_bytes()), expected);
    for (name, said) in others.hear() {
        assert_eq!(said, expected, "{name}");
    }
}

#[test]
fn every_verifier_says_first_that_it_is_a_rehearsal() {
    let bundle = rehearsal().bundle();
    let report = check(&bundle);
    assert!(report.rehearsal && !report.holds && report.outcome == Outcome::Rehearsal, "{report}");
    let text = report.to_string();
    assert!(text.starts_with("This is a rehearsal, not a draw.\n"), "{text}");
    assert!(text.contains("REHEARSAL, NOT A DRAW"), "{text}");
    all_say(&bundle, "rehearsal", None);
}

#[test]
fn a_rehearsal_with_a_number_and_a_draw_without_one_are_refused() {
    let mut numbered = rehearsal();
    numbered.manifest.sequence = 3;
    all_say(&numbered.bundle(), "refused", Some("manifest"));
    let mut chained = rehearsal();
    chained.manifest.previous_commitment = Some(lottery::Commitment::from([7; 32]));
    all_say(&chained.bundle(), "refused", Some("manifest"));
    let mut unnumbered = Draw::seal(entries(9), one_prize(2));
    unnumbered.manifest.sequence = 0;
    all_say(&unnumbered.bundle(), "refused", Some("manifest"));
}

#[test]
fn a_rehearsal_whose_kind_is_taken_out_is_no_draw() {
    let bundle = rehearsal().bundle();
    let passed_off =
        bundle.replace("\"kind\":\"rehearsal\",", "").replace("\"sequence\":0", "\"sequence\":1");
    assert_ne!(bundle, passed_off);
    // It was signed as what it is.
    all_say(&passed_off, "refused", Some("signature"));
    let other = bundle.replace("\"kind\":\"rehearsal\"", "\"kind\":\"draw\"");
    all_say(&other, "refused", Some("form"));
}
