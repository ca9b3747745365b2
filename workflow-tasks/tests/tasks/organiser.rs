//! The organiser is sent how a draw ended, once, to an address of their own; and of a rehearsal what winners would have read.

use lottery::{DrawId, DrawStatus, PhoneNumber};
use lottery_store::OrganiserAddress;
use serde_json::{Value, json};

use test_support::sns::{Message, Reply};
use test_world::{Kill, World};

const ORGANISER: &str = "+12025559000";

/// A lottery of so many people, whose organiser has a phone.
async fn world(people: usize) -> World {
    let world = World::with_phones(people).await;
    let phone = Some(PhoneNumber::parse(ORGANISER).unwrap());
    let address = OrganiserAddress { phone, email: None };
    assert!(world.cx.store.set_organiser_address(&world.lottery_id, &address).await.unwrap());
    world
}

async fn run(world: &World, id: &str, request: Value) -> DrawId {
    let draw_id = world.ask(id, request).await;
    world.run(&draw_id).await;
    draw_id
}

fn to_organiser(world: &World) -> Vec<Message> {
    world.sns.taken().into_iter().filter(|message| message.to == ORGANISER).collect()
}

#[tokio::test]
async fn a_summary_with_the_numbers_goes_to_the_organiser_once_even_if_the_draw_ends_again() {
    let world = world(5).await;
    world.sns.reply([Reply::Refuse(400, "OptedOut")]);
    let request = json!({"winners": 3, "alternates": 2, "channels": ["sms"]});
    let draw_id = run(&world, "d1", request).await;
    assert_eq!(world.status(&draw_id).await, DrawStatus::Incomplete);
    assert_eq!(world.call("notify-organiser", &draw_id).await.unwrap(), json!({"sent": 1, "unsent": 0}));
    let summary = to_organiser(&world).remove(0).text;
    for part in [
        "Draw of Party",
        "Winners: 3, alternates: 2",
        "2 sent, 1 failed (1 opted out), 0 unknown",
        "https://lottery.example/lotteries/party/draws/d1",
    ] {
        assert!(summary.contains(part), "{part}: {summary}");
    }
    assert_eq!(world.call("notify-organiser", &draw_id).await.unwrap(), json!({"sent": 1, "unsent": 0}));
    assert_eq!(to_organiser(&world).len(), 1);
    // It is no message to a winner, and changes nothing of the draw.
    assert_eq!(world.ledger(&draw_id).await.len(), 3);
    assert_eq!(world.status(&draw_id).await, DrawStatus::Incomplete);
}

#[tokio::test]
async fn a_draw_that_failed_says_so_and_one_that_goes_on_or_has_no_address_says_nothing() {
    let world = world(5).await;
    let draw_id = world.ask("d1", json!({"winners": 1, "channels": ["sms"]})).await;
    world.call("notify-organiser", &draw_id).await.unwrap();
    world.call("seal-entries", &draw_id).await.unwrap();
    let released =
        world.call_with("release-winners", &draw_id, json!({"error": "SealBroken"})).await.unwrap();
    assert_eq!(released["released"], true);
    assert!(to_organiser(&world).is_empty());
    world.call("notify-organiser", &draw_id).await.unwrap();
    let text = to_organiser(&world).remove(0).text;
    assert!(text.contains("ended without winners") && text.contains("SealBroken"), "{text}");

    let nobody = OrganiserAddress::default();
    assert!(world.cx.store.set_organiser_address(&world.lottery_id, &nobody).await.unwrap());
    let draw_id = run(&world, "d2", json!({"winners": 1, "channels": ["sms"]})).await;
    assert_eq!(world.call("notify-organiser", &draw_id).await.unwrap(), json!({"sent": 0, "unsent": 0}));
    assert_eq!(to_organiser(&world).len(), 1);
}

#[tokio::test]
async fn of_a_rehearsal_the_organiser_alone_reads_one_sample_a_prize_and_the_summary_all_marked() {
    let world = world(60).await;
    let prizes: Vec<_> = (1..=12).map(|n| json!({"name": format!("Prize {n}"), "winners": 4})).collect();
    let request = json!({"prizes": prizes, "rehearsal": true, "channels": []});
    let draw_id = run(&world, "d1", request).await;
    for _ in 0..2 {
        let answer = world.call("notify-organiser", &draw_id).await.unwrap();
        assert_eq!(answer, json!({"sent": 11, "unsent": 0}));
    }
    let taken = world.sns.taken();
    assert_eq!((taken.len(), to_organiser(&world).len()), (11, 11), "ten prizes, and the summary");
    for (n, message) in (1..).zip(&taken) {
        assert!(message.text.contains("REHEARSAL"), "{}", message.text);
        // No participant's own link, receipt or claim goes to somebody else.
        assert!(!message.text.contains("receipt=") && !message.text.contains("claims/"), "{}", message.text);
        if n <= 10 {
            assert!(message.text.contains(&format!("You have won: Prize {n}")), "{}", message.text);
        }
    }
    assert!(taken[10].text.contains("not the draw") && taken[10].text.contains("Winners: 48"));
    assert!(world.ledger(&draw_id).await.is_empty());
}

#[tokio::test]
async fn a_service_that_throttles_is_asked_again_and_one_that_refuses_is_not() {
    let world = world(2).await;
    let draw_id = run(&world, "d1", json!({"winners": 1, "channels": []})).await;
    world.sns.reply([Reply::Refuse(429, "Throttled")]);
    let error = world.call("notify-organiser", &draw_id).await.unwrap_err();
    assert_eq!(error.name(), "MessageNotTaken");
    assert_eq!(world.call("notify-organiser", &draw_id).await.unwrap(), json!({"sent": 1, "unsent": 0}));
    assert_eq!(to_organiser(&world).len(), 1);

    let draw_id = run(&world, "d2", json!({"winners": 1, "channels": []})).await;
    world.sns.reply([Reply::Refuse(400, "InvalidParameter")]);
    for _ in 0..2 {
        assert_eq!(world.call("notify-organiser", &draw_id).await.unwrap(), json!({"sent": 0, "unsent": 1}));
    }
    assert_eq!(to_organiser(&world).len(), 1);
}

#[tokio::test]
async fn a_run_killed_at_any_of_its_calls_sends_the_organiser_nothing_twice() {
    let world = world(3).await;
    let mut draws = 0;
    for at in [Kill::BeforeCall, Kill::AfterCall] {
        for call in 1.. {
            draws += 1;
            let request = json!({"winners": 1, "channels": [], "rehearsal": true});
            let draw_id = run(&world, &format!("d{draws}"), request).await;
            let is_killed = world.kill("notify-organiser", &draw_id, at, call).await;
            let answer = world.call("notify-organiser", &draw_id).await.unwrap();
            assert_eq!(answer["sent"].as_u64().unwrap() + answer["unsent"].as_u64().unwrap(), 2, "{answer}");
            let about = to_organiser(&world);
            let about = about.iter().filter(|message| message.attributes["draw_id"] == draw_id.as_str());
            let mut texts: Vec<_> = about.map(|message| &message.text).collect();
            let sent = texts.len();
            texts.sort();
            texts.dedup();
            assert_eq!(texts.len(), sent, "twice: call {call}, {at:?}");
            if !is_killed {
                break;
            }
        }
    }
    assert!(draws > 10, "{draws}");
}
