//! What only several draws show: gaps, forks, hidden lotteries, wrong exclusions.

use lottery::history::{Heads, History, LaneHead, LotteryHead};
use lottery::manifest::OperatorPlace;
use lottery::verify::{Options, verify};
use lottery::{Commitment, DrawId, DrawStatus, Entry, Exclusion, LotteryId};

use super::bundles::Draw;
use super::naive::{bytes, entry, one_prize};

type Change<'a> = &'a dyn Fn(&mut Vec<Draw>);

fn people(past_winners: &[(&str, usize)]) -> Vec<Entry> {
    let mut people: Vec<_> = (0..20).map(|number| entry(number, 1, None)).collect();
    let draws = past_winners.iter().flat_map(|(draw, count)| std::iter::repeat_n(*draw, *count));
    for (entry, draw) in people.iter_mut().zip(draws) {
        entry.excluded = Some(Exclusion::PastWinner(DrawId::parse(draw).unwrap()));
    }
    people.sort_by_key(|entry| entry.label);
    people
}

/// Three draws of a lottery, one after the other.
fn three() -> Vec<Draw> {
    [("one", vec![]), ("two", vec![("one", 2)]), ("three", vec![("one", 2), ("two", 1)])]
        .into_iter()
        .map(|(name, past)| {
            let mut draw = Draw::seal(people(&past), one_prize(2)).second();
            draw.manifest.draw_id = DrawId::parse(name).unwrap();
            draw
        })
        .collect()
}

/// Numbers the draws and has each name the one before.
fn link(draws: &mut [Draw]) {
    let mut previous: Option<Commitment> = None;
    for (sequence, draw) in (1..).zip(draws) {
        let manifest = &mut draw.manifest;
        manifest.sequence = sequence;
        (manifest.previous_commitment, manifest.previous_status) =
            (previous, previous.map(|_| DrawStatus::Succeeded));
        let lane = OperatorPlace::lane_of(&manifest.lottery_id);
        manifest.operator = Some(OperatorPlace { lane, previous_commitment: previous, sequence });
        previous = Some(manifest.commitment());
    }
}

fn heads(draws: &[Draw]) -> Heads {
    let last = &draws[draws.len() - 1];
    let (manifest, commitment) = (&last.manifest, last.manifest.commitment());
    let sequence = draws.len() as u64;
    Heads {
        organiser_keys: vec![last.proof().signature.public_key],
        lanes: vec![LaneHead { lane: manifest.operator.unwrap().lane, sequence, commitment }],
        lotteries: vec![LotteryHead {
            lottery_id: manifest.lottery_id.clone(),
            sequence,
            commitment: Some(commitment),
        }],
    }
}

fn history(draws: &[Draw]) -> History {
    let mut history = History::default();
    for draw in draws {
        history.add(&verify(draw.bundle().as_bytes(), &Options::default()));
    }
    history
}

/// What is found after draws were changed, and all linked again if they are to be.
fn faults(is_linked: bool, change: Change<'_>) -> Vec<String> {
    let mut draws = three();
    link(&mut draws);
    let heads = heads(&draws);
    change(&mut draws);
    if is_linked {
        link(&mut draws);
        return history(&draws).faults(&self::heads(&draws));
    }
    history(&draws).faults(&heads)
}

#[test]
fn an_honest_history_holds() {
    let mut draws = three();
    link(&mut draws);
    let (history, heads) = (history(&draws), heads(&draws));
    assert_eq!(history.faults(&heads), Vec::<String>::new());
    assert_eq!(history.faults_of_lottery(&heads.lotteries[0]), Vec::<String>::new());
    assert_eq!((history.faults_of_draws().len(), history.draws()), (0, 3));
}

#[test]
fn whatever_is_hidden_or_written_anew_is_found() {
    let remanufactured: Change<'_> = &|draws| draws[1].manifest.alternates = 9;
    for (what, is_linked, change, found) in [
        (
            "a draw that is not shown",
            false,
            (&|draws: &mut Vec<Draw>| drop(draws.remove(1))) as Change<'_>,
            "missing",
        ),
        ("the last draw that is not shown", false, &|draws| drop(draws.pop()), "of 3 that were sealed"),
        ("a draw that was written anew", false, remanufactured, "names another draw before it"),
        ("another draw under the last number", false, &|draws| draws[2].manifest.alternates = 9, "key page"),
        (
            "another version in between",
            false,
            &|draws| {
                draws[0].manifest.version = lottery::manifest::Version::One;
                (draws[0].manifest.exclude_past_winners, draws[0].manifest.operator) = (None, None);
            },
            "version",
        ),
        (
            "more past winners than have won",
            true,
            &|draws| {
                draws[1] = Draw {
                    manifest: draws[1].manifest.clone(),
                    ..Draw::seal(people(&[("one", 3)]), one_prize(2))
                };
                let sealed = Draw::seal(people(&[("one", 3)]), one_prize(2)).manifest;
                draws[1].manifest.root = sealed.root;
            },
            "excludes 3 as winners of one, which has 2",
        ),
        (
            "winners of a draw that was never",
            true,
            &|draws| {
                draws[2].manifest.root = Draw::seal(people(&[("never", 1)]), one_prize(2)).manifest.root;
                draws[2].entries = people(&[("never", 1)]);
            },
            "which was not before it",
        ),
    ] {
        let faults = faults(is_linked, change).join("\n");
        assert!(faults.contains(found), "{what}: {faults}");
    }
}

#[test]
fn a_second_lottery_that_is_kept_silent_leaves_a_gap() {
    let lane = OperatorPlace::lane_of(&three()[0].manifest.lottery_id);
    let names = (0..).map(|number| LotteryId::parse(&format!("silent-{number}")).unwrap());
    let silent = names.into_iter().find(|name| OperatorPlace::lane_of(name) == lane).unwrap();
    let mut draws = three();
    link(&mut draws);
    // The second number of the lane went to a draw of the other lottery.
    let hidden = Commitment::from(bytes("hidden", 1));
    for (draw, sequence) in draws.iter_mut().zip([1, 3, 4]) {
        draw.manifest.operator.as_mut().unwrap().sequence = sequence;
    }
    draws[1].manifest.operator.as_mut().unwrap().previous_commitment = Some(hidden);
    let (first, second) = (draws[1].manifest.commitment(), &mut draws[2].manifest);
    second.previous_commitment = Some(first);
    second.operator.as_mut().unwrap().previous_commitment = Some(first);
    let mut heads = heads(&draws);
    heads.lanes[0].sequence = 4;
    let faults = history(&draws).faults(&heads).join("\n");
    assert!(faults.contains("draw number 2 is shown nowhere"), "{silent}: {faults}");
}
