//! A process killed at any of its calls: what was done counts, what was not is done again, and nothing is drawn twice.

use lottery::DrawId;
use lottery::ranking::Prk;
use lottery::selection::Selection;
use lottery_store::SealedDraw;
use serde_json::json;

use crate::world::{Moment, PATH, World};

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
        for at in [Moment::BeforeIt, Moment::AfterIt] {
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
