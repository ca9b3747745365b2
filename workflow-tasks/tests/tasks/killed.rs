//! A process killed at any of its calls: what was done counts, what was not is done again, and nothing is drawn twice.

use std::collections::HashSet;

use lottery::DrawId;
use lottery::ranking::Prk;
use lottery::selection::Selection;
use lottery_store::{NotificationState, SealedDraw};
use serde_json::json;

use test_world::{Kill, PATH, World};

/// The bytes of the proof, which must be what its own commitment and round foretell.
async fn foretold_proof(world: &World, draw_id: &DrawId) -> String {
    let (proof, entries) = world.proof(draw_id).await;
    let round = proof.beacon.round.as_ref().unwrap();
    let prk = Prk::extract(proof.manifest.commitment().as_bytes(), round.randomness.as_bytes());
    let mut selection = Selection::new(prk, &proof.manifest.prizes, proof.manifest.alternates);
    entries.iter().for_each(|entry| selection.offer(entry));
    assert_eq!(proof.ranking, Some(selection.into_ranking()));
    proof.to_canonical_json(Some(&entries))
}

async fn seal(world: &World, draw_id: &DrawId) -> Option<SealedDraw> {
    world.cx.store.seal(&world.lottery_id, draw_id).await.unwrap()
}

#[tokio::test]
async fn a_task_killed_at_any_of_its_calls_and_run_again_comes_to_the_same_proof() {
    let world = World::with_phones(5).await;
    let (mut draws, mut kills) = (0, 0);
    for (step, function) in PATH.into_iter().enumerate() {
        for at in [Kill::BeforeCall, Kill::AfterCall] {
            for call in 1.. {
                draws += 1;
                let request = json!({"winners": 2, "alternates": 1, "exclude_past_winners": false});
                let draw_id = world.ask(&format!("d{draws}"), request).await;
                for earlier in &PATH[..step] {
                    world.call(earlier, &draw_id).await.unwrap();
                }
                let is_killed = world.kill(function, &draw_id, at, call).await;
                let sealed = seal(&world, &draw_id).await;
                // The next execution goes through all of it.
                for function in PATH {
                    world.call(function, &draw_id).await.unwrap();
                }
                let place = format!("{function}, killed at call {call}, {at:?}");
                let first = foretold_proof(&world, &draw_id).await;
                assert!(sealed.is_none() || sealed == seal(&world, &draw_id).await, "{place}");
                for function in PATH {
                    world.call(function, &draw_id).await.unwrap();
                }
                assert_eq!(foretold_proof(&world, &draw_id).await, first, "{place}");
                let draw = world.draw(&draw_id).await;
                assert_eq!(draw.sequence, Some(draws), "one commitment and no more: {place}");
                assert_eq!(world.winners(&draw_id).await.len(), 2, "{place}");
                assert_eq!(world.open_draw().await, None, "{place}");
                if !is_killed {
                    break;
                }
                kills += 1;
            }
        }
    }
    assert!(kills > 60, "{kills}");
}

#[tokio::test]
async fn a_sending_task_killed_at_any_of_its_calls_tells_nobody_twice_and_forgets_nobody() {
    let world = World::with_phones(4).await;
    let (mut draws, mut unknown, mut notified) = (0, 0, 0);
    for at in [Kill::BeforeCall, Kill::AfterCall] {
        for call in 1.. {
            draws += 1;
            let request = json!({"winners": 4, "channels": ["sms"], "exclude_past_winners": false});
            let draw_id = world.ask(&format!("d{draws}"), request).await;
            world.record(&draw_id).await;
            let before = world.sns.taken().len();
            let position = json!({"position": world.first()["sms"]});
            let is_killed = world.kill_with("send-sms", &draw_id, position, at, call).await;
            world.run_resumed(&draw_id).await;
            let place = format!("killed at call {call}, {at:?}");
            let ledger = world.ledger(&draw_id).await;
            assert!(
                ledger.len() == 4 && ledger.iter().all(|line| line.state.has_outcome()),
                "{place}: {ledger:?}"
            );
            let sent = ledger.iter().filter(|line| line.state == NotificationState::Sent).count();
            let taken: Vec<_> = world.sns.taken().split_off(before).into_iter().map(|it| it.to).collect();
            let distinct: HashSet<_> = taken.iter().collect();
            assert_eq!(distinct.len(), taken.len(), "{place}: nobody is told twice");
            assert!((sent..=4).contains(&taken.len()), "{place}: {sent} sent, {} taken", taken.len());
            let counts = world.draw(&draw_id).await.notified.sms;
            assert_eq!((counts.sent, counts.unknown), (sent as u64, 4 - sent as u64), "{place}");
            (unknown, notified) = (unknown + 4 - sent, notified + sent);
            if !is_killed {
                break;
            }
        }
    }
    assert!(unknown > 0 && notified > 2 * unknown, "{unknown} unknown, {notified} sent");
}
