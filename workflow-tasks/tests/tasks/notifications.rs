//! The ledger, held against every way in which a Publish can end. Never twice; every unsent one visible.

use std::time::Duration;

use aws_sdk_sns::config::{BehaviorVersion, Credentials, Region};
use lottery::{DrawId, DrawStatus, ParticipantId};
use lottery_store::{NotificationClaim, NotificationKind, NotificationState};
use serde_json::json;
use workflow_tasks::Clock;

use test_support::dynamodb;
use test_support::sns::Reply;
use test_world::{PATH, TOPIC, World};

use NotificationState::{Failed, Sent, Unknown};

/// A recorded draw whose one winner has a phone.
async fn one_winner() -> (World, DrawId) {
    let world = World::with_phones(1).await;
    let draw_id = world.ask("d1", json!({"winners": 1})).await;
    world.record(&draw_id).await;
    (world, draw_id)
}

/// A recorded draw whose one winner has a subscription to the lottery's topic.
async fn one_subscriber(subscription: &str) -> (World, DrawId) {
    let world = World::new().await;
    world.import_subscriber("001", subscription).await;
    let draw_id = world.ask("d1", json!({"winners": 1})).await;
    world.record(&draw_id).await;
    (world, draw_id)
}

#[tokio::test(start_paused = true)]
async fn each_answer_of_sns_has_its_entry_and_no_second_run_sends_again() {
    let cases = [
        (Reply::Accept, Sent, None, 1),
        (Reply::Refuse(400, "InvalidParameter"), Failed, Some("InvalidParameter"), 0),
        (Reply::Refuse(403, "AuthorizationError"), Failed, Some("AuthorizationError"), 0),
        (Reply::Break(500), Unknown, Some("ServerError"), 1),
        (Reply::Break(503), Unknown, Some("ServerError"), 1),
        (Reply::LoseAnswer, Unknown, Some("ConnectionLost"), 1),
        (Reply::Hang, Unknown, Some("Timeout"), 1),
    ];
    for (reply, state, reason, taken) in cases {
        let (world, draw_id) = one_winner().await;
        world.sns.reply([reply]);
        let answer = world.notify(&draw_id).await.remove(0).unwrap();
        let sent = usize::from(state == Sent);
        assert_eq!((&answer["sent"], &answer["unsent"]), (&json!(sent), &json!(1 - sent)), "{reply:?}");
        assert_eq!(answer["position"]["next"], json!(0), "{reply:?}");
        assert_eq!(world.only_entry(&draw_id).await, Some((state, reason.map(str::to_owned))), "{reply:?}");

        assert_eq!(world.notify(&draw_id).await.remove(0).unwrap(), answer);
        assert_eq!(world.sns.calls(), 1, "{reply:?}");
        assert_eq!(world.sns.taken().len(), taken, "{reply:?}");
    }
}

#[tokio::test]
async fn what_sns_has_not_taken_is_sent_by_a_later_run_after_growing_waits() {
    for reply in [
        Reply::Refuse(429, "Throttled"),
        Reply::Refuse(400, "ThrottlingException"),
        Reply::Refuse(503, "Throttling"),
        Reply::NotReached,
    ] {
        let (world, draw_id) = one_winner().await;
        world.sns.reply([reply, reply, reply]);
        let (position, waits) = world.send_all("send-sms", &draw_id, world.first()["sms"].clone()).await;
        assert_eq!(world.only_entry(&draw_id).await, Some((Sent, None)), "{reply:?}");
        assert_eq!((world.sns.calls(), world.sns.taken().len()), (4, 1), "{reply:?}");
        assert_eq!((waits, &position["passes"]), (vec![2, 4, 8], &json!(4)), "{reply:?}");
    }
}

#[tokio::test]
async fn no_run_waits_while_sns_throttles_and_waits_grow_to_a_quarter_of_an_hour() {
    let (world, draw_id) = one_winner().await;
    let began = world.clock.now();
    world.sns.reply([Reply::Refuse(429, "Throttled"); 13]);
    let answer = world.notify(&draw_id).await.remove(0).unwrap();
    assert_eq!((&answer["position"]["next"], &answer["position"]["wait_seconds"]), (&json!(1), &json!(2)));
    assert_eq!(world.only_entry(&draw_id).await, None, "as if nobody had tried");
    assert_eq!(world.clock.now(), began, "the state machine waits, not the function");

    let (_, waits) = world.send_all("send-sms", &draw_id, answer["position"].clone()).await;
    assert_eq!(waits, [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900]);
    assert_eq!(world.only_entry(&draw_id).await, Some((Sent, None)));
}

#[tokio::test]
async fn messages_are_handed_over_at_the_configured_rate_for_a_minute_a_run() {
    let mut world = World::with_phones(70).await;
    world.cx.config.delivery.sms_per_second = Some(1.0);
    let draw_id = world.ask("d1", json!({"winners": 70, "channels": ["sms"]})).await;
    world.record(&draw_id).await;
    let began = world.clock.now();
    let answer = world.notify(&draw_id).await.remove(0).unwrap();
    let took = world.clock.now().duration_since(began).as_secs();
    assert_eq!((&answer["sent"], took), (&json!(60), 59));
    assert_eq!((&answer["position"]["next"], &answer["position"]["wait_seconds"]), (&json!(61), &json!(0)));
    let counted = world.draw(&draw_id).await.notified.sms;
    assert_eq!((counted.sent, counted.failed), (60, 0), "who watches sees how far it has come");
    let (position, waits) = world.send_all("send-sms", &draw_id, answer["position"].clone()).await;
    assert_eq!((&position["passes"], waits), (&json!(2), vec![]));
    assert_eq!((world.sns.taken().len(), world.sns.notified_nobody_twice()), (70, true));
}

#[tokio::test]
async fn a_service_that_takes_fewer_than_it_should_is_asked_for_fewer_and_for_more_again() {
    let mut world = World::with_phones(30).await;
    world.cx.config.delivery.sms_per_second = Some(20.0);
    let draw_id = world.ask("d1", json!({"winners": 30, "channels": ["sms"]})).await;
    world.record(&draw_id).await;
    world.sns.reply([Reply::Accept, Reply::Accept, Reply::Refuse(429, "Throttled")]);
    let answer = world.notify(&draw_id).await.remove(0).unwrap();
    let position = &answer["position"];
    assert_eq!((&position["per_minute"], &position["wait_seconds"]), (&json!(600), &json!(2)), "{position}");
    let (position, _) = world.send_all("send-sms", &draw_id, position.clone()).await;
    assert_eq!(position["per_minute"], json!(900), "half as much again");
    assert!(world.sns.notified_nobody_twice());
    assert_eq!(world.sns.taken().len(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_breaks_leaves_few_messages_of_which_nobody_knows() {
    let world = World::with_phones(100).await;
    let draw_id = world.ask("d1", json!({"winners": 100, "channels": ["sms"]})).await;
    world.record(&draw_id).await;
    world.sns.reply([Reply::Break(503); 60]);
    let answer = world.notify(&draw_id).await.remove(0).unwrap();
    let unknown = world.ledger(&draw_id).await.len();
    assert!((3..=18).contains(&unknown), "those that were under way when it was seen: {unknown}");
    assert_eq!(answer["position"]["wait_seconds"], json!(2));
    world.send_all("send-sms", &draw_id, answer["position"].clone()).await;
    let ledger = world.ledger(&draw_id).await;
    let unknown = ledger.iter().filter(|line| line.state == Unknown).count();
    assert_eq!((ledger.len(), unknown), (100, 60), "nobody is forgotten, and nobody is told twice");
    assert!(world.sns.notified_nobody_twice());
}

#[tokio::test]
async fn a_connection_that_a_real_client_cannot_make_counts_as_not_taken() {
    let (mut world, draw_id) = one_winner().await;
    // A port that was free a moment ago and is closed again.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let sns = aws_sdk_sns::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(format!("http://127.0.0.1:{port}"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    world.cx.services = world.cx.services.clone().with_sns(aws_sdk_sns::Client::from_conf(sns));
    let answer = world.notify(&draw_id).await.remove(0).unwrap();
    assert_eq!((&answer["position"]["next"], &answer["position"]["wait_seconds"]), (&json!(1), &json!(2)));
    assert_eq!(world.only_entry(&draw_id).await, None);
}

#[tokio::test]
async fn an_entry_whose_run_is_gone_becomes_unknown_and_is_never_sent() {
    let (world, draw_id) = one_winner().await;
    claim(&world, &draw_id, "killed").await;
    world.notify(&draw_id).await.remove(0).unwrap();
    assert_eq!(world.only_entry(&draw_id).await, Some((Unknown, Some("Interrupted".to_owned()))));
    assert_eq!(world.sns.calls(), 0);
}

#[tokio::test]
async fn a_run_that_was_thought_gone_still_settles_its_entry() {
    let (world, draw_id) = one_winner().await;
    let claim = claim(&world, &draw_id, "slow").await;
    world.notify(&draw_id).await.remove(0).unwrap();
    let sent = lottery_store::SendOutcome::Sent { message_id: "m-2".to_owned() };
    world.cx.store.record_outcome(&claim, &sent, dynamodb::now()).await.unwrap();
    assert_eq!(world.only_entry(&draw_id).await, Some((Sent, None)));

    let stranger = NotificationClaim { owner: "other".to_owned(), ..claim };
    let failed = lottery_store::SendOutcome::Failed { reason: "X".to_owned() };
    world.cx.store.record_outcome(&stranger, &failed, dynamodb::now()).await.unwrap();
    assert!(!world.cx.store.release_notification(&stranger).await.unwrap());
    assert_eq!(world.only_entry(&draw_id).await, Some((Sent, None)));
}

#[tokio::test(start_paused = true)]
async fn a_claim_repeated_because_its_answer_was_lost_is_still_ours() {
    let (world, draw_id) = one_winner().await;
    let claim = claim(&world, &draw_id, "me").await;
    assert_eq!(world.cx.store.claim_notification(&claim).await.unwrap(), None);
    let other = NotificationClaim { owner: "other".to_owned(), ..claim };
    assert!(world.cx.store.claim_notification(&other).await.unwrap().is_some());
}

#[tokio::test]
async fn runs_beside_each_other_while_sns_throttles_tell_nobody_twice() {
    let world = World::with_phones(6).await;
    let draw_id = world.ask("d1", json!({"winners": 6})).await;
    world.record(&draw_id).await;
    world.sns.reply([Reply::Refuse(429, "Throttled"); 5]);
    futures_util::future::join_all((0..3).map(|_| world.notify(&draw_id))).await;
    assert!(world.sns.notified_nobody_twice());
    world.send_all("send-sms", &draw_id, world.first()["sms"].clone()).await;
    let ledger = world.ledger(&draw_id).await;
    assert_eq!(ledger.len(), 6);
    assert!(world.sns.notified_nobody_twice());
    let sent = ledger.iter().filter(|entry| entry.state == Sent).count();
    assert_eq!(sent, world.sns.taken().len());
}

#[tokio::test]
async fn an_e_mail_goes_to_the_topic_with_the_winners_own_label_as_audience() {
    let (world, draw_id) = one_subscriber("confirmed").await;
    world.run(&draw_id).await;
    let winner = world.cx.store.winners(&world.lottery_id, &draw_id).await.unwrap().remove(0);
    let taken = world.sns.taken();
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].to, winner.member.as_str());
    assert_eq!(taken[0].subject.as_deref(), Some("You have won: Prize (Party)"));
    assert!(taken[0].text.contains("https://lottery.example/lotteries/party/draws/d1"));
    assert_eq!(world.status(&draw_id).await, DrawStatus::Succeeded);
}

#[tokio::test]
async fn an_e_mail_that_nobody_would_receive_is_a_visible_failure() {
    for (subscription, reason) in [("pending", "Unconfirmed"), ("gone", "Unsubscribed")] {
        let (world, draw_id) = one_subscriber(subscription).await;
        world.run(&draw_id).await;
        assert_eq!(world.only_entry(&draw_id).await, Some((Failed, Some(reason.to_owned()))));
        assert_eq!(world.sns.calls(), 0);
        let draw = world.draw(&draw_id).await;
        assert_eq!(draw.status, DrawStatus::Incomplete);
        assert_eq!(draw.reason.unwrap().name, "NotificationsUnsent");
    }
}

#[tokio::test]
async fn an_address_that_was_never_subscribed_is_unconfirmed() {
    let world = World::new().await;
    let fields = json!({"participant_id": "001", "name": "Rose", "email": "rose@example.com"});
    world.import(dynamodb::participant(fields)).await;
    let draw_id = world.ask("d1", json!({"winners": 1})).await;
    world.run(&draw_id).await;
    assert_eq!(world.only_entry(&draw_id).await, Some((Failed, Some("Unconfirmed".to_owned()))));
}

#[tokio::test(start_paused = true)]
async fn an_e_mail_waits_while_sns_does_not_say_whether_it_would_be_received() {
    let (world, draw_id) = one_subscriber("down").await;
    let answer = world.notify(&draw_id).await.remove(1).unwrap();
    assert_eq!((&answer["position"]["next"], &answer["position"]["wait_seconds"]), (&json!(1), &json!(2)));
    assert_eq!(world.only_entry(&draw_id).await, None);
}

#[tokio::test]
async fn who_has_one_address_needs_no_other_and_who_has_none_is_shown() {
    let world = World::new().await;
    world.import(dynamodb::with_phone("001", "+12025550001")).await;
    world.import_subscriber("002", "confirmed").await;
    world.import(dynamodb::participant(json!({"participant_id": "003", "name": "Nobody"}))).await;
    let draw_id = world.ask("d1", json!({"winners": 3})).await;
    world.run(&draw_id).await;
    let mut ledger: Vec<_> = world
        .ledger(&draw_id)
        .await
        .into_iter()
        .map(|entry| (entry.participant_id.to_string(), entry.channel.as_str(), entry.state, entry.reason))
        .collect();
    ledger.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(
        ledger,
        [
            ("001".to_owned(), "sms", Sent, None),
            ("002".to_owned(), "email", Sent, None),
            ("003".to_owned(), "sms", Failed, Some("NoAddress".to_owned())),
        ]
    );
    let draw = world.draw(&draw_id).await;
    assert_eq!(draw.status, DrawStatus::Incomplete);
    assert_eq!(
        draw.reason.unwrap().sentence,
        "1 of 3 notifications are not known to be sent: 1 failed, 0 have an unknown outcome."
    );
}

#[tokio::test]
async fn who_withdrew_after_being_told_leaves_the_draw_complete() {
    let (world, draw_id) = one_winner().await;
    world.notify(&draw_id).await;
    let winner = ParticipantId::parse("001").unwrap();
    world.withdraw(&winner).await;
    assert_eq!(world.end("complete-draw", &draw_id, &world.first()).await["outcome"], "COMPLETE");
}

#[tokio::test]
async fn who_withdrew_before_being_told_is_shown() {
    let (world, draw_id) = one_winner().await;
    let winner = ParticipantId::parse("001").unwrap();
    world.withdraw(&winner).await;
    world.notify(&draw_id).await;
    assert_eq!(world.only_entry(&draw_id).await, Some((Failed, Some("NoAddress".to_owned()))));
    assert_eq!(world.sns.calls(), 0);
}

#[tokio::test]
async fn a_draw_is_told_only_on_the_channels_that_were_asked_for() {
    let world = World::new().await;
    world.import_subscriber("001", "confirmed").await;
    let draw_id = world.ask("d1", json!({"winners": 1, "channels": ["sms"]})).await;
    world.run(&draw_id).await;
    assert_eq!(world.only_entry(&draw_id).await, Some((Failed, Some("NoAddress".to_owned()))));
    assert_eq!(world.sns.calls(), 0);
}

#[tokio::test]
async fn what_was_never_attempted_keeps_the_draw_open_until_it_was() {
    let world = World::with_phones(3).await;
    let draw_id = world.ask("d1", json!({"winners": 3, "channels": ["sms"]})).await;
    world.record(&draw_id).await;
    let winner = world.winners(&draw_id).await[1].clone();
    claim_for(&world, &draw_id, &winner, "killed").await;
    for function in ["complete-draw", "mark-incomplete"] {
        let ended = world.end(function, &draw_id, &world.first()).await;
        assert_eq!(ended["outcome"], "UNTOUCHED", "{function}");
        let (sms, email) = (&ended["notify"]["sms"], &ended["notify"]["email"]);
        assert_eq!((&sms["next"], &sms["round"], &email["next"]), (&json!(1), &json!(1), &json!(0)));
        assert_eq!(world.status(&draw_id).await, DrawStatus::Recorded);
    }
    world.run_resumed(&draw_id).await;
    let mut reasons: Vec<_> =
        world.ledger(&draw_id).await.into_iter().map(|entry| (entry.state.as_str(), entry.reason)).collect();
    reasons.sort();
    let interrupted = ("UNKNOWN", Some("Interrupted".to_owned()));
    assert_eq!(reasons, [("SENT", None), ("SENT", None), interrupted]);
    let draw = world.draw(&draw_id).await;
    assert_eq!(draw.status, DrawStatus::Incomplete);
    let counts = draw.notifications.unwrap();
    assert_eq!((counts.sent, counts.failed, counts.unknown), (2, 0, 1));
    assert_eq!(world.winners(&draw_id).await.len(), 3);
    world.notify(&draw_id).await;
    assert_eq!(world.sns.taken().len(), 2, "a draw that has ended tells nobody");
}

#[tokio::test]
async fn nothing_is_sent_to_a_phone_that_has_opted_out_until_it_opts_in() {
    let world = World::with_phones(3).await;
    let draw_id = world.ask("d1", json!({"winners": 3, "channels": ["sms"]})).await;
    let contacts = world.dynamodb.items("Contacts");
    let phone = contacts.iter().find_map(|item| item["phone"]["S"].as_str()).unwrap();
    world.sns.opt_out(phone);
    world.run(&draw_id).await;
    let draw = world.draw(&draw_id).await;
    assert_eq!((draw.notified.sms.sent, draw.notified.sms.failed, draw.notified.sms.unknown), (2, 1, 0));
    assert_eq!((world.sns.calls(), world.sns.taken().len()), (2, 2), "SNS would have taken it for nothing");

    world.sns.opt_in(phone);
    let request = lottery_store::RetryRequest::default();
    let (lottery_id, now) = (&world.lottery_id, world.clock.now());
    world.cx.store.reopen_notifications(lottery_id, &draw_id, &request, now).await.unwrap();
    world.run_resumed(&draw_id).await;
    assert_eq!(world.status(&draw_id).await, DrawStatus::Succeeded);
    assert!(world.sns.taken().len() == 3 && world.sns.notified_nobody_twice());
}

#[tokio::test]
async fn what_the_organiser_reopens_is_sent_by_a_further_execution_and_nothing_else() {
    let world = World::with_phones(3).await;
    let draw_id = world.ask("d1", json!({"winners": 3, "channels": ["sms"]})).await;
    world.sns.reply([Reply::Refuse(400, "OptedOut"), Reply::LoseAnswer]);
    world.run(&draw_id).await;
    assert_eq!(world.status(&draw_id).await, DrawStatus::Incomplete);
    let taken = world.sns.taken().len();
    assert_eq!(taken, 2, "one was refused");

    let request = lottery_store::RetryRequest::default();
    let (lottery_id, now) = (&world.lottery_id, world.clock.now());
    world.cx.store.reopen_notifications(lottery_id, &draw_id, &request, now).await.unwrap();
    world.run_resumed(&draw_id).await;
    assert_eq!(world.sns.taken().len(), taken + 1);
    assert!(world.sns.notified_nobody_twice(), "the one of which nobody knows was not asked for");
    let draw = world.draw(&draw_id).await;
    assert_eq!(
        (draw.status, draw.notified.sms.sent, draw.notified.sms.unknown),
        (DrawStatus::Incomplete, 2, 1)
    );
    assert_eq!(draw.notified.sms.failed, 0);

    let request = lottery_store::RetryRequest { states: vec![Unknown], ..request };
    world.cx.store.reopen_notifications(lottery_id, &draw_id, &request, now).await.unwrap();
    world.run_resumed(&draw_id).await;
    assert_eq!(world.status(&draw_id).await, DrawStatus::Succeeded);
    assert!(!world.sns.notified_nobody_twice(), "by the organiser's word");
}

#[tokio::test]
async fn an_address_subscribed_too_shortly_waits_for_its_filter_policy_and_keeps_nobody_waiting() {
    let mut world = World::new().await;
    world.cx.config.delivery.filter_policy_delay = Duration::from_secs(900);
    for id in ["001", "002", "003"] {
        world.import_subscriber(id, "confirmed").await;
    }
    let contacts = world.dynamodb.items("Contacts");
    let young = contacts.iter().find(|item| item["sk"]["S"] == "PARTICIPANT#002").unwrap();
    let at = (world.clock.now() - Duration::from_secs(100)).to_string();
    let (pk, sk) = (young["pk"]["S"].as_str().unwrap(), young["sk"]["S"].as_str().unwrap());
    world.dynamodb.set("Contacts", pk, sk, "subscribed_at", &at);
    let draw_id = world.ask("d1", json!({"winners": 3, "channels": ["email"]})).await;
    world.record(&draw_id).await;
    let answer = world.notify(&draw_id).await.remove(0).unwrap();
    assert_eq!((&answer["sent"], world.sns.taken().len()), (&json!(2), 2));
    let wait = answer["position"]["wait_seconds"].as_u64().unwrap();
    assert!((780..=801).contains(&wait), "{wait}");
    let (_, waits) = world.send_all("send-email", &draw_id, answer["position"].clone()).await;
    assert_eq!(waits, [wait]);
    assert_eq!((world.sns.taken().len(), world.sns.notified_nobody_twice()), (3, true));
}

#[tokio::test]
async fn what_a_run_settles_is_counted_for_the_operator() {
    let mut world = World::with_phones(2).await;
    let lines = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let sink = lines.clone();
    world.cx.metrics =
        workflow_tasks::Metrics::with_sink("lottery", move |line| sink.lock().unwrap().push(line.to_owned()));
    let draw_id = world.ask("d1", json!({"winners": 2, "channels": ["sms"]})).await;
    world.sns.reply([Reply::Refuse(400, "OptedOut")]);
    world.run(&draw_id).await;
    let counted = |name: &str, dimension: &str, value: &str| -> u64 {
        let lines = lines.lock().unwrap();
        let lines = lines.iter().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        lines.filter(|line| line[dimension] == value).filter_map(|line| line[name].as_u64()).sum()
    };
    assert_eq!(counted("NotificationsSent", "Channel", "sms"), 1);
    assert_eq!(counted("NotificationsFailed", "Channel", "sms"), 1);
    assert_eq!(counted("DrawsEnded", "Status", "INCOMPLETE"), 1);
}

#[tokio::test]
async fn marking_a_draw_whose_every_message_was_sent_lets_it_succeed() {
    let (world, draw_id) = one_winner().await;
    world.notify(&draw_id).await;
    assert_eq!(world.end("mark-incomplete", &draw_id, &world.first()).await["outcome"], "COMPLETE");
    assert_eq!(world.status(&draw_id).await, DrawStatus::Succeeded);
}

#[tokio::test]
async fn no_answer_of_a_task_holds_anything_personal() {
    let world = World::with_phones(3).await;
    world.import_subscriber("004", "confirmed").await;
    world.sns.reply([Reply::Refuse(400, "InvalidParameter")]);
    let draw_id = world.ask("d1", json!({"winners": 4})).await;
    let mut answers = String::new();
    for function in PATH {
        answers += &world.call(function, &draw_id).await.unwrap().to_string();
    }
    for answer in world.notify(&draw_id).await {
        answers += &answer.unwrap().to_string();
    }
    for function in ["complete-draw", "mark-incomplete"] {
        answers += &world.end(function, &draw_id, &world.first()).await.to_string();
    }
    let lottery_table = world.dynamodb.dump("Lottery");
    for personal in ["+1202555", "Name 0", "Rose", "example.com"] {
        assert!(!answers.contains(personal), "{answers}");
        assert!(!lottery_table.contains(personal), "{personal} in the drawing role's table");
    }
    assert!(!lottery_table.contains(TOPIC.replace("party", "other").as_str()));
}

async fn claim(world: &World, draw_id: &DrawId, owner: &str) -> NotificationClaim {
    claim_for(world, draw_id, "001", owner).await
}

async fn claim_for(world: &World, draw_id: &DrawId, winner: &str, owner: &str) -> NotificationClaim {
    let claim = NotificationClaim {
        lottery_id: world.lottery_id.clone(),
        draw_id: draw_id.clone(),
        participant_id: ParticipantId::parse(winner).unwrap(),
        channel: lottery::Channel::Sms,
        kind: NotificationKind::Won,
        owner: owner.to_owned(),
        at: dynamodb::now(),
    };
    world.cx.store.claim_notification(&claim).await.unwrap();
    claim
}

#[tokio::test]
async fn an_sms_has_the_senders_name_that_the_organiser_has_set() {
    let world = World::with_phones(1).await;
    let mut lottery = world.cx.store.lottery(&world.lottery_id).await.unwrap().unwrap();
    lottery.sms_sender = Some(lottery::message::SmsSender::parse("YearParty").unwrap());
    assert!(world.cx.store.change_settings(&lottery).await.unwrap());
    let draw_id = world.ask("d1", json!({"winners": 1})).await;
    world.run(&draw_id).await;
    let taken = world.sns.taken();
    assert_eq!(taken[0].attributes["AWS.SNS.SMS.SenderID"], "YearParty");
}
