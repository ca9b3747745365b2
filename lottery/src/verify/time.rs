//! Who vouches that a commitment was made before its round.

use super::{Report, Step, StepName};
use crate::Commitment;
use crate::manifest::Manifest;
use crate::proof::Proof;
use crate::timestamp::ProofTimestamp;
use crate::witness::{Roots, Worth, examine as examine_stamp};

/// The step `witness`. A stamp that does not count leaves the step open: the proof is what it is without the stamp.
pub(super) fn examine(
    proof: &Proof,
    commitment: &Commitment,
    round_at: ProofTimestamp,
    roots: &Roots,
    report: &mut Report,
) {
    let stamps = proof.witnesses.iter().flatten();
    report.witnesses = stamps.map(|stamp| examine_stamp(stamp, commitment, round_at, roots)).collect();
    let found: Vec<_> = report.witnesses.iter().map(shown).collect();
    let holds = report.witnesses.iter().any(|worth| matches!(worth, Worth::Witnessed { .. }));
    let found = match (holds, found.is_empty()) {
        (true, _) => found.join("; "),
        (false, true) => "unwitnessed: nobody but the organiser says when the commitment was made".to_owned(),
        (false, false) => format!("unwitnessed: {}", found.join("; ")),
    };
    report.steps.push(Step { step: StepName::Witness, holds, open: !holds, found });
}

fn shown(worth: &Worth) -> String {
    match worth {
        Worth::Witnessed { authority, before } => format!("{authority} had the commitment by {before}"),
        Worth::Local { before } => {
            format!("a machine's own clock had the commitment by {before}, which proves nothing to others")
        }
        Worth::Nothing { reason } => format!("a stamp does not count: {reason}"),
    }
}

/// The authorities that have witnessed the time, each once.
fn authorities(witnesses: &[Worth]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for worth in witnesses {
        if let Worth::Witnessed { authority, .. } = worth
            && !names.contains(&authority.as_str())
        {
            names.push(authority);
        }
    }
    names
}

/// The end of the verdict on a draw by a public round.
pub(super) fn in_words(is_noted: bool, manifest: &Manifest, witnesses: &[Worth]) -> String {
    let names = authorities(witnesses).join(" and ");
    let noted = "that commitment is the one you noted, so if you noted it before the round's time nobody could know the winners";
    match (is_noted, names.is_empty()) {
        (true, true) => format!("and {noted}"),
        (true, false) => format!("and {noted}, as {names} vouches as well"),
        (false, false) => format!(
            "and {names} vouches by a time stamp that the commitment was made before the round's time, when nobody could know \
             the winners"
        ),
        (false, true) => format!(
            "but that the commitment was made before the round is {}: only who noted it before can tell, with --commitment{}",
            whose_word(witnesses),
            quick(manifest),
        ),
    }
}

fn whose_word(witnesses: &[Worth]) -> &'static str {
    if witnesses.iter().any(|worth| matches!(worth, Worth::Local { .. })) {
        "the organiser's word and that of a machine's own clock"
    } else {
        "the organiser's word"
    }
}

/// Between sealing and a round that comes within a minute nobody can be expected to note anything.
fn quick(manifest: &Manifest) -> String {
    match manifest.margin_seconds {
        seconds @ ..60 => format!(", for which {seconds} s after sealing left hardly any time"),
        _ => String::new(),
    }
}

/// What the verdict on a draw by a beacon of one's own says of a clock of one's own.
pub(super) fn of_own_clock(witnesses: &[Worth]) -> &'static str {
    if witnesses.iter().any(|worth| matches!(worth, Worth::Local { .. })) {
        ", and the time of the commitment is stamped by a machine's own clock alone"
    } else {
        ""
    }
}
