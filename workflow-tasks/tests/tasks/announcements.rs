//! The commitment goes to everybody on the sealed list, once, and no longer than until the round; losers can check with it.

use std::time::Duration;

use lottery::verify::{Options, Pins, StepName, verify};
use lottery::{Commitment, DrawId, DrawStatus};
use serde_json::{Value, json};
use workflow_tasks::Clock;

use test_support::dynamodb;
use test_support::sns::{Message, Reply};
use test_world::{Kill, PATH, World};

/// An hour lies between seal and round.
async fn sealed(world: &World, id: &str, more: Value) -> DrawId {
    let draw_at = (world.clock.now() + Duration::from_secs(3_600)).to_string();
    let mut request = json!({"announce_commitment": true, "draw_at": draw_at});
    if more["prizes"].is_null() {
        request["winners"] = json!(1);
    }
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let draw_id = world.ask(id, request).await;
    let sealed = world.call("seal-entries", &draw_id).await.unwrap();
    assert_eq!(sealed["announce"], json!(true), "{sealed}");
    draw_id
}

async fn announce(world: &World, draw_id: &DrawId) -> (Value, Vec<u64>) {
    world.send_all("announce-commitment", draw_id, world.first()["sms"].clone()).await
}

/// What was sent about a draw.
fn about(world: &World, draw_id: &DrawId) -> Vec<Message> {
    let taken = world.sns.taken().into_iter();
    taken.filter(|message| message.attributes["draw_id"] == draw_id.as_str()).collect()
}

#[tokio::test]
async fn everybody_with_an_address_is_told_once_with_commitment_round_and_their_own_code() {
    let world = World::with_phones(3).await;
    // By e-mail alone who has both, and nobody who has neither.
    world.import_subscriber("subscriber", "confirmed").await;
    let both = json!({"participant_id": "both", "name": "Both", "phone": "+12025559999"});
    world.import(dynamodb::participant(both)).await;
    let nobody = json!({"participant_id": "nobody", "name": "Nobody", "group": "unreachable"});
    world.import(dynamodb::participant(nobody)).await;
    // The winner has an address.
    let quota = json!([{"group": "unreachable", "at_most": 0}]);
    let prizes = json!([{"name": "Car", "winners": 1, "quota": quota}]);
    let draw_id = sealed(&world, "d1", json!({ "prizes": prizes })).await;
    let (position, waits) = announce(&world, &draw_id).await;
    assert_eq!((&position["next"], waits), (&json!(0), vec![]), "{position}");
    let draw = world.draw(&draw_id).await;
    let messages = about(&world, &draw_id);
    assert_eq!(messages.len(), 5);
    assert!(world.sns.notified_nobody_twice());
    let mut codes = std::collections::HashSet::new();
    for message in &messages {
        for part in [draw.commitment.unwrap().to_string(), draw.round.unwrap().to_string()] {
            assert!(message.text.contains(&part), "{}", message.text);
        }
        let label = lottery::Label::parse(&message.attributes["label"]).unwrap();
        let code = lottery::receipt::short_code(&label);
        assert!(message.text.contains(&code), "{}", message.text);
        codes.insert(code);
    }
    assert_eq!(codes.len(), 5);
    assert_eq!((draw.announced.sent, draw.announced.failed, draw.announced.unknown), (5, 0, 0));

    // An execution that begins again, and the draw itself: those lines are of another kind.
    announce(&world, &draw_id).await;
    assert_eq!(about(&world, &draw_id).len(), 5);
    assert!(world.ledger(&draw_id).await.is_empty());
    world.run(&draw_id).await;
    assert_eq!(world.status(&draw_id).await, DrawStatus::Succeeded);
    assert_eq!(about(&world, &draw_id).len(), 6, "and the winner, that they have won");
}

#[tokio::test]
async fn nobody_is_told_unless_the_organiser_wishes_nor_in_a_draw_without_channels() {
    let world = World::with_phones(2).await;
    for (id, request) in [
        ("d1", json!({"winners": 1, "exclude_past_winners": false})),
        ("d2", json!({"winners": 1, "announce_commitment": true, "channels": []})),
    ] {
        let draw_id = world.ask(id, request).await;
        assert_eq!(world.call("seal-entries", &draw_id).await.unwrap()["announce"], json!(false));
        let answer =
            world.call_with("announce-commitment", &draw_id, json!({"position": world.first()["sms"]}));
        assert_eq!(answer.await.unwrap()["position"]["next"], json!(0));
        for function in &PATH[1..] {
            world.call(function, &draw_id).await.unwrap();
        }
    }
    assert!(world.sns.taken().is_empty());
}

#[tokio::test]
async fn nothing_is_sent_once_the_round_is_near_and_the_draw_goes_on() {
    let mut world = World::with_phones(200).await;
    world.cx.config.delivery.sms_per_second = Some(1.0);
    let soon = (world.clock.now() + Duration::from_secs(90)).to_string();
    let draw_id = sealed(&world, "d1", json!({"draw_at": soon, "channels": ["sms"]})).await;
    let began = world.clock.now();
    let (position, _) = announce(&world, &draw_id).await;
    let round_at = world.draw(&draw_id).await.round_at.unwrap();
    assert!(world.clock.now() < round_at, "{position}");
    let sent = about(&world, &draw_id).len();
    let seconds = round_at.duration_since(began).as_secs() as usize;
    assert!((seconds - 4..=seconds).contains(&sent), "{sent} in {seconds} s");
    assert_eq!(world.draw(&draw_id).await.announced.sent, sent as u64);
    world.run(&draw_id).await;
    announce(&world, &draw_id).await;
    assert_eq!(about(&world, &draw_id).len(), sent + 1, "only the winner gets a message after the round");
}

#[tokio::test]
async fn a_service_that_throttles_is_waited_for_and_one_that_refuses_is_counted() {
    let world = World::with_phones(4).await;
    let draw_id = sealed(&world, "d1", json!({"channels": ["sms"]})).await;
    world.sns.reply([Reply::Refuse(429, "Throttled"), Reply::Refuse(429, "Throttled")]);
    let (_, waits) = announce(&world, &draw_id).await;
    assert!(!waits.is_empty());
    assert_eq!((about(&world, &draw_id).len(), world.sns.notified_nobody_twice()), (4, true));

    let world = World::with_phones(4).await;
    let draw_id = sealed(&world, "d1", json!({"channels": ["sms"]})).await;
    world.sns.reply([Reply::Refuse(400, "InvalidParameter"), Reply::LoseAnswer]);
    announce(&world, &draw_id).await;
    let counted = world.draw(&draw_id).await.announced;
    assert_eq!((counted.sent, counted.failed, counted.unknown), (2, 1, 1));
    world.run(&draw_id).await;
    assert_eq!(
        world.status(&draw_id).await,
        DrawStatus::Succeeded,
        "it says nothing about the winners' messages"
    );
}

#[tokio::test]
async fn a_run_killed_at_any_of_its_calls_tells_nobody_twice() {
    let world = World::with_phones(3).await;
    let mut draws = 0;
    for at in [Kill::BeforeCall, Kill::AfterCall] {
        for call in 1.. {
            draws += 1;
            let more = json!({"channels": ["sms"], "exclude_past_winners": false});
            let draw_id = sealed(&world, &format!("d{draws}"), more).await;
            let position = json!({"position": world.first()["sms"]});
            let is_killed = world.kill_with("announce-commitment", &draw_id, position, at, call).await;
            announce(&world, &draw_id).await;
            let mut to: Vec<_> = about(&world, &draw_id).into_iter().map(|message| message.to).collect();
            let sent = to.len();
            to.sort();
            to.dedup();
            assert_eq!(to.len(), sent, "twice: call {call}, {at:?}");
            // Of what was under way when the process died nobody knows; it is not sent again.
            let unknown = world.draw(&draw_id).await.announced.unknown;
            assert!(sent as u64 + unknown >= 3, "forgotten: call {call}, {at:?}");
            for function in &PATH[1..] {
                world.call(function, &draw_id).await.unwrap();
            }
            if !is_killed {
                break;
            }
        }
    }
    assert!(draws > 20, "{draws}");
}

/// What losers and winners were sent before the round exposes an organiser who seals the list anew once it is known.
#[tokio::test]
async fn with_what_a_loser_was_sent_another_list_is_refused() {
    let world = World::with_phones(5).await;
    let draw_id = sealed(&world, "d1", json!({"channels": ["sms"]})).await;
    announce(&world, &draw_id).await;
    world.run(&draw_id).await;
    let winner = world.winners(&draw_id).await.remove(0);
    let all = about(&world, &draw_id);
    let loser = all.iter().find(|message| !message.to.ends_with(&winner[1..])).unwrap();
    let words = loser.text.split(|c: char| !c.is_ascii_hexdigit());
    let noted = Commitment::parse(words.into_iter().find(|word| word.len() == 64).unwrap()).unwrap();
    let check = async |draw_id: &DrawId| {
        let (proof, entries) = world.proof(draw_id).await;
        let pins = Pins { commitment: Some(noted), ..Pins::default() };
        let options = Options { pins, ..Options::default() };
        verify(proof.to_canonical_json(Some(&entries)).as_bytes(), &options)
    };
    let report = check(&draw_id).await;
    assert!(report.holds, "{report}");
    // The same people and prizes, sealed and drawn again: by itself it holds, but it is not what the message to the loser said.
    let other = world.ask("d2", json!({"winners": 1, "channels": [], "exclude_past_winners": false})).await;
    world.record(&other).await;
    let report = check(&other).await;
    let last = report.steps.last().map(|step| step.step);
    assert_eq!((report.holds, last), (false, Some(StepName::Commitment)), "{report}");
}

/// A draw that is to tell those who have not won, recorded.
async fn recorded(world: &World, id: &str, more: Value) -> (DrawId, Value) {
    let mut request = json!({"winners": 1, "notify_others": true, "exclude_past_winners": false});
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let draw_id = world.ask(id, request).await;
    world.record(&draw_id).await;
    let notify = world.call("record-winners", &draw_id).await.unwrap()["notify"].clone();
    (draw_id, notify["release"].clone())
}

async fn tell_others(world: &World, draw_id: &DrawId) {
    world.send_all("notify-others", draw_id, world.first()["sms"].clone()).await;
}

#[tokio::test]
async fn who_took_part_and_did_not_win_is_told_once_and_nobody_else() {
    let world = World::with_phones(5).await;
    let excluded = json!({"participant_id": "x", "name": "X", "phone": "+12025559999", "excluded": true});
    world.import(dynamodb::participant(excluded)).await;
    let (draw_id, release) = recorded(&world, "d1", json!({})).await;
    assert_eq!(release["others"], json!(true), "{release}");
    tell_others(&world, &draw_id).await;
    tell_others(&world, &draw_id).await;
    let winner = world.winners(&draw_id).await.remove(0);
    let sent = about(&world, &draw_id);
    assert_eq!((sent.len(), world.sns.notified_nobody_twice()), (4, true));
    assert!(!sent.iter().any(|message| message.to.ends_with(&winner[1..]) || message.to.ends_with("9999")));
    assert!(sent.iter().all(|message| message.text.contains("You have not won this time")));
    assert_eq!(world.draw(&draw_id).await.others_notified.sent, 4);
    world.run_resumed(&draw_id).await;
    assert_eq!(world.status(&draw_id).await, DrawStatus::Succeeded);
    assert_eq!(about(&world, &draw_id).len(), 5);
    tell_others(&world, &draw_id).await;
    assert_eq!(about(&world, &draw_id).len(), 5, "a draw that has ended tells nobody");
}

#[tokio::test]
async fn nobody_is_told_that_they_have_not_won_while_winners_are_held_back_or_if_nobody_asked() {
    let world = World::with_phones(3).await;
    let (held, release) = recorded(&world, "d1", json!({"release": "manual"})).await;
    assert_eq!((&release["held"], &release["others"]), (&json!(true), &json!(true)));
    tell_others(&world, &held).await;
    let (unasked, release) = recorded(&world, "d2", json!({"notify_others": false})).await;
    assert_eq!(release["others"], json!(false));
    tell_others(&world, &unasked).await;
    let (silent, release) = recorded(&world, "d3", json!({"channels": []})).await;
    assert_eq!(release["others"], json!(false));
    tell_others(&world, &silent).await;
    assert!(world.sns.taken().is_empty());
}

#[tokio::test]
async fn a_run_that_tells_others_and_is_killed_at_any_of_its_calls_tells_nobody_twice() {
    let world = World::with_phones(3).await;
    let mut draws = 0;
    for at in [Kill::BeforeCall, Kill::AfterCall] {
        for call in 1.. {
            draws += 1;
            let (draw_id, _) = recorded(&world, &format!("d{draws}"), json!({"channels": ["sms"]})).await;
            let position = json!({"position": world.first()["sms"]});
            let is_killed = world.kill_with("notify-others", &draw_id, position, at, call).await;
            tell_others(&world, &draw_id).await;
            let mut to: Vec<_> = about(&world, &draw_id).into_iter().map(|message| message.to).collect();
            let sent = to.len();
            to.sort();
            to.dedup();
            assert_eq!(to.len(), sent, "twice: call {call}, {at:?}");
            let unknown = world.draw(&draw_id).await.others_notified.unknown;
            assert!(sent as u64 + unknown >= 2, "forgotten: call {call}, {at:?}");
            world.run_resumed(&draw_id).await;
            if !is_killed {
                break;
            }
        }
    }
    assert!(draws > 20, "{draws}");
}
