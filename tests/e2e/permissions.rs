//! Least privilege: what the functions really call, recorded over many stories, is what their roles in
//! `infra/template.yaml` allow. Nothing missing, nothing more.
//!
//! Nothing missing is also held by every other story: their stacks deny what no role allows (`support::stack`).

use std::collections::BTreeSet;
use std::time::Duration;

use local_stack::{CallLog, Fault, FaultTime, Limits, ManualClock, Permission};
use serde_json::{Value, json};

use crate::{big_lists, claims, repeats};
use end_to_end_tests::client::{email_of, phone_of};
use end_to_end_tests::deployment::{assert_least_privilege, template};
use end_to_end_tests::stack::{self, Started};
use end_to_end_tests::{Client, eventually};

/// The one table that all of these are about.
const TABLE: &str = "arn:aws:dynamodb:us-east-1:123456789012:table/Lottery";

/// Somebody who is owed no e-mail: whether the ledger lacks a line, the contact tells.
const WITHOUT_EMAIL: &str = "participant_id,name,phone\n011,Solo,+12025550111\n";

/// Calls that no story makes, and where they are made: caller, action, resource.
const ELSEWHERE: [(&str, &str, &str); 22] = [
    // Takes back what SNS or SES did not take: workflow-tasks/tests/tasks/notifications.rs.
    ("send-email", "dynamodb:DeleteItem", TABLE),
    ("announce-commitment", "dynamodb:DeleteItem", TABLE),
    ("notify-others", "dynamodb:DeleteItem", TABLE),
    ("notify-organiser", "dynamodb:DeleteItem", TABLE),
    // A winner who withdraws before the round is followed by somebody behind the ranking: workflow-tasks/tests/tasks/replace.rs.
    ("record-winners", "dynamodb:BatchWriteItem", TABLE),
    // Erases what an attempt to seal left that died: workflow-tasks/tests/tasks/reconciler.rs.
    ("reconcile-draws", "dynamodb:BatchWriteItem", TABLE),
    // Events of SES, which the local one does not have: workflow-tasks/tests.
    ("record-delivery", "dynamodb:BatchGetItem", TABLE),
    ("record-delivery", "dynamodb:GetItem", TABLE),
    ("record-delivery", "dynamodb:Query", TABLE),
    ("record-delivery", "dynamodb:UpdateItem", TABLE),
    // The local SES has no configuration sets.
    ("send-email", "ses:SendEmail", "arn:aws:ses:us-east-1:123456789012:configuration-set/local-draws"),
    // Whether SNS has deleted a subscription: api/tests.
    ("api", "sns:GetSubscriptionAttributes", "arn:aws:sns:us-east-1:123456789012:local-lottery-party"),
    // A release that woke nobody, and a task token that is lost: workflow-tasks/tests/tasks/release.rs.
    ("reconcile-draws", "states:SendTaskSuccess", "*"),
    (
        "reconcile-draws",
        "states:StopExecution",
        "arn:aws:states:us-east-1:123456789012:execution:lottery:draw-1",
    ),
    // By addresses that the API has signed: who calls them says no name. tests/e2e/big_lists.rs does.
    ("api", "s3:PutObject", "arn:aws:s3:::lists/uploads/party/i-1"),
    ("api", "s3:GetObject", "arn:aws:s3:::lists/results/party/i-1.ndjson"),
    // Only for an execution that was started and not answered.
    ("api", "states:DescribeExecution", "arn:aws:states:us-east-1:123456789012:execution:lottery:draw-1"),
    (
        "start-repeat",
        "states:DescribeExecution",
        "arn:aws:states:us-east-1:123456789012:execution:lottery:draw-1",
    ),
    // Ends a draw whose execution is refused, by the code that the API runs: api/tests/service.
    ("start-repeat", "dynamodb:DeleteItem", TABLE),
    ("start-repeat", "dynamodb:ConditionCheckItem", TABLE),
    // The Scheduler itself, with the role that it is handed: tests/e2e/repeats.rs.
    (
        "scheduler.amazonaws.com",
        "lambda:InvokeFunction",
        "arn:aws:lambda:us-east-1:123456789012:function:start-repeat",
    ),
    ("scheduler.amazonaws.com", "sqs:SendMessage", "arn:aws:sqs:us-east-1:123456789012:DeadLetters"),
];

async fn stack_with(log: &CallLog, faults: Vec<Fault>) -> Started {
    stack::start_with(|config| {
        config.call_log = Some(log.clone());
        config.faults = faults;
    })
    .await
}

/// A query of SNS, as somebody else makes it.
async fn sns(stack: &Started, form: &[(&str, &str)]) {
    let mut form = form.to_vec();
    form.push(("Version", "2010-03-31"));
    let body: Vec<String> = form.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let answer = end_to_end_tests::http()
        .post(stack.aws())
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body.join("&").replace('@', "%40"))
        .send()
        .await
        .unwrap();
    assert!(answer.status().is_success(), "{:?}", answer.text().await);
}

/// Everything that an organiser can do over HTTP, with a draw that goes well.
async fn an_organiser_does_everything(log: &CallLog) {
    let stack = stack_with(log, Vec::new()).await;
    let client = stack.client();
    client.create_lottery("party").await;
    // Somebody has subscribed one of the addresses already, to everything.
    let topic = "arn:aws:sns:us-east-1:123456789012:local-lottery-party";
    let email = email_of("001");
    let form = [("Action", "Subscribe"), ("TopicArn", topic), ("Protocol", "email"), ("Endpoint", &*email)];
    sns(&stack, &form).await;
    let report = client.import("party", end_to_end_tests::EMPLOYEES).await;
    assert_eq!(report["accepted"], 10, "{report}");

    client.import("party", "participant_id,name,email\n002,Somebody,somebody.else@example.com\n").await;
    // The list again in the position of the one that is there, and taken back.
    let path = "/lotteries/party/participants?mode=replace";
    let csv = [("content-type", "text/csv")];
    client.send(reqwest::Method::POST, path, &csv, end_to_end_tests::EMPLOYEES.into()).await.expect(200);
    client.post("/lotteries/party/imports/3/undo", &json!({})).await.expect(200);
    client.import("party", "participant_id,name\n002,Tracy\n").await;
    client.get("/lotteries").await.expect(200);
    client.get("/lotteries/party").await.expect(200);
    client.get("/lotteries/party/participants?limit=3&search=a").await.expect(200);
    client.get("/lotteries/party/participants?sort=name").await.expect(200);
    client.get("/lotteries/party/counts").await.expect(200);
    client.get("/lotteries/party/opted-out").await.expect(200);
    let patch = [("content-type", "application/json")];
    let email = json!({"email": "somebody.again@example.com"}).to_string().into();
    client.send(reqwest::Method::PATCH, "/lotteries/party/participants/002", &patch, email).await.expect(200);
    client.send(reqwest::Method::DELETE, "/lotteries/party/participants/003", &[], Vec::new()).await;

    // Through the topic, to somebody who has lost their receipt.
    let lost = json!({ "email": email_of("001") });
    client.anonymous().post("/lotteries/party/join/link", &lost).await;

    for winners in [2, 2] {
        let draw = client.run_draw("party", json!({ "winners": winners })).await;
        assert_eq!(draw["status"], "SUCCEEDED", "{draw}");
        let path = format!("/lotteries/party/draws/{}", draw["draw_id"].as_str().unwrap());
        for more in ["", "/winners", "/events"] {
            client.get(&format!("{path}{more}")).await;
        }
        client.anonymous().get(&format!("{path}/winners")).await.expect(200);
    }
    for channel in ["sms", "email"] {
        everybody_is_told(&client, channel).await;
    }
    let draw = client.start_draw("party", json!({"winners": 2, "release": "manual"})).await;
    let address = format!("/lotteries/party/draws/{draw}/release");
    eventually("the winners", async || {
        (client.draw("party", &draw).await["status"] == "RECORDED").then_some(())
    })
    .await;
    for body in [json!({"ranks": [1]}), json!({"prize": 0})] {
        client.post(&address, &body).await.expect(200);
    }
    client.wait_for_end("party", &draw).await;
    a_winner_is_replaced(&client, &draw).await;
    somebody_withdraws_before_the_round(&client).await;
    let waiting = json!({"winners": 1, "closes_at": "2027-06-01T00:00:00Z"});
    let key = [("idempotency-key", "k"), ("content-type", "application/json")];
    let path = "/lotteries/party/draws";
    let draw = client.send(reqwest::Method::POST, path, &key, waiting.to_string().into()).await.expect(202);
    client.send(reqwest::Method::POST, path, &key, waiting.to_string().into()).await.expect(202);
    let path = format!("{path}/{}/cancel", draw["draw_id"].as_str().unwrap());
    client.post(&path, &json!({})).await.expect(200);
}

/// What the draw is committed to, and who has not won.
async fn everybody_is_told(client: &Client, channel: &str) {
    let draw_at = (jiff::Timestamp::now() + jiff::SignedDuration::from_secs(10)).to_string();
    let request = json!({"winners": 1, "channels": [channel], "draw_at": draw_at, "exclude_past_winners": false,
        "announce_commitment": true, "notify_others": true});
    let draw = client.run_draw("party", request).await;
    assert_eq!(draw["announced"]["unknown"], 0, "{draw}");
}

/// Somebody behind the ranking takes the seat, and is notified in a further execution.
async fn a_winner_is_replaced(client: &Client, draw: &str) {
    let path = format!("/lotteries/party/draws/{draw}");
    let seat = format!("{path}/winners/1/replace");
    client.get(&seat).await.expect(200);
    let replaced = client.post(&seat, &json!({"reason": "absent"})).await.expect(200);
    assert!(replaced["taken_by"].is_number(), "{replaced}");
    client.wait_for_end("party", draw).await;
    client.post(&format!("{path}/close"), &json!({})).await.expect(200);
}

/// Everybody is ranked, so that each withdrawal is an entry of the log.
async fn somebody_withdraws_before_the_round(client: &Client) {
    let everybody = json!({"winners": 1, "alternates": 20, "exclude_past_winners": false});
    let draw = client.start_draw("party", everybody).await;
    eventually("the seal", async || (client.draw("party", &draw).await["status"] == "SEALED").then_some(()))
        .await;
    client.send(reqwest::Method::DELETE, "/lotteries/party/participants/005", &[], Vec::new()).await;
    client.wait_for_end("party", &draw).await;
}

async fn a_draw_through_ses(log: &CallLog) {
    let stack = stack_with(log, Vec::new()).await;
    let client = stack.client();
    let lottery = json!({"id": "party", "name": "Party", "email_through": "ses"});
    client.post("/lotteries", &lottery).await.expect(201);
    client.import("party", end_to_end_tests::EMPLOYEES).await;
    for (field, address) in [("email", email_of("001")), ("phone", phone_of("001"))] {
        client.anonymous().post("/lotteries/party/join/link", &json!({ field: address })).await;
    }
    let draw = client.run_draw("party", json!({"winners": 1})).await;
    assert_eq!(draw["status"], "SUCCEEDED", "{draw}");
    everybody_is_told(&client, "email").await;
    the_organiser_is_notified(&client).await;
}

/// How a draw ended, and what the winners of a rehearsal would have read.
async fn the_organiser_is_notified(client: &Client) {
    let own = [("phone", "+12025559000"), ("email", "organiser@example.com")];
    let path = "/lotteries/party/organiser";
    let json = [("content-type", "application/json")];
    let body = json!({own[0].0: own[0].1, own[1].0: own[1].1}).to_string().into();
    client.send(reqwest::Method::PUT, path, &json, body).await.expect(200);
    client.get(path).await.expect(200);
    for (rehearsal, count) in [(false, 2), (true, 4)] {
        let draw = client.run_draw("party", json!({"winners": 1, "rehearsal": rehearsal})).await;
        eventually("the messages to the organiser", async || {
            let messages = client.messages(draw["draw_id"].as_str().unwrap()).await;
            let own_messages =
                messages.iter().filter(|message| own.iter().any(|(_, to)| message["address"] == *to));
            (own_messages.count() == count).then_some(())
        })
        .await;
    }
}

/// A draw in which these faults strike ends so; what is waited for meanwhile passes at once.
async fn a_draw_with(log: &CallLog, faults: Vec<Fault>, request: Value, status: &str) -> (Started, Client) {
    let clock = ManualClock::new(jiff::Timestamp::now());
    let stack = stack::start_with(|config| {
        config.call_log = Some(log.clone());
        config.faults = faults;
        // None, but for the clock, which is stopped while something works.
        config.limits = Some(Limits::default());
        config.clock = clock.clone().into();
        config.reconcile_every = Duration::from_secs(60);
    })
    .await;
    let client = stack.client();
    let story = async {
        client.lottery_of_employees("party").await;
        client.import("party", WITHOUT_EMAIL).await;
        client.run_draw("party", request).await
    };
    let draw = stack.fast_forward(&clock, Duration::from_secs(1), story).await;
    assert_eq!(draw["status"], status, "{draw}");
    (stack, client)
}

async fn draws_that_fail(log: &CallLog) {
    // The one error that ends a draw: it can never pass.
    let breaks = |function: &str| Fault::every(function, "SealBroken", FaultTime::Before);
    let fails = |function: &str| Fault::every(function, "Broken", FaultTime::Before);
    let two = json!({"winners": 2});
    a_draw_with(log, Vec::new(), json!({"winners": 12}), "REJECTED").await;
    a_draw_with(log, vec![breaks("seal-entries")], two.clone(), "FAILED").await;
    let (stack, _) = a_draw_with(log, vec![breaks("record-winners")], two.clone(), "ABANDONED").await;
    pending_winners_are_erased(log, "release-winners").await;
    drop(stack);
    // The reconciler: the execution ended without ending the draw, before the pivot and after it.
    let lost = vec![breaks("record-winners"), fails("release-winners").calls(1..=1)];
    a_draw_with(log, lost, two.clone(), "ABANDONED").await;
    let unended = vec![fails("complete-draw"), fails("mark-incomplete")];
    a_draw_with(log, unended, json!({"winners": 11}), "SUCCEEDED").await;
    // One winner cannot be notified: the alert and the draw say so.
    let refused = end_to_end_tests::client::phone_of("004");
    let stack = stack::start_with(|config| {
        config.call_log = Some(log.clone());
        config.refuse = vec![refused];
    })
    .await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    client.import("party", WITHOUT_EMAIL).await;
    let draw = client.run_draw("party", json!({"winners": 11})).await;
    assert_eq!(draw["status"], "INCOMPLETE", "{draw}");
}

/// This comes after the draw's end can be seen, so the stack must live that long.
async fn pending_winners_are_erased(log: &CallLog, caller: &str) {
    let is_erasure = |call: &Permission| call.caller == caller && call.action == "dynamodb:BatchWriteItem";
    eventually("the erasure of pending winners", async || {
        log.permissions().iter().any(is_erasure).then_some(())
    })
    .await;
}

/// Somebody stops the execution of a draw that waits: it is looked at again in some hours.
async fn a_stopped_execution(log: &CallLog) {
    let (stack, clock) = claims::stack_of(log).await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    let closes_at = (clock.now() + Duration::from_secs(86_400)).to_string();
    let draw = client.start_draw("party", json!({"winners": 1, "closes_at": closes_at})).await;
    let execution = client.draw("party", &draw).await["execution_arn"].as_str().unwrap().to_owned();
    stack.stop_execution(&execution).await;
    let end = client.wait_for_end("party", &draw);
    let step = Duration::from_secs(30);
    assert_eq!(stack.fast_forward(&clock, step, end).await["status"], "FAILED");
}

/// A prize that is not claimed goes to somebody behind the ranking.
async fn a_prize_is_passed_on(log: &CallLog) {
    let (stack, clock) = claims::stack_of(log).await;
    let client = stack.client();
    let story = async {
        let draw = claims::one_prize_is_claimed_and_one_passed_on(&client).await;
        client.wait_for_end("party", &draw).await
    };
    assert_eq!(stack.fast_forward(&clock, Duration::from_secs(1), story).await["status"], "SUCCEEDED");
}

/// Nobody listens where a webhook is: its events are given up, and sent again.
async fn a_webhook_takes_nothing(log: &CallLog) {
    let (stack, clock) = claims::stack_of(log).await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    let path = "/lotteries/party/webhook";
    let (json, body) = ([("content-type", "application/json")], json!({"url": "http://127.0.0.1:1/"}));
    client.send(reqwest::Method::PUT, path, &json, body.to_string().into()).await.expect(200);
    let story = async {
        client.run_draw("party", json!({"winners": 1})).await;
        let dead = eventually("a dead delivery", async || {
            let deliveries = client.get(path).await.expect(200)["deliveries"].clone();
            deliveries.as_array().unwrap().iter().find(|it| it["state"] == "DEAD").cloned()
        })
        .await;
        let again = format!("{path}/deliveries/{}/retry", dead["event_id"].as_str().unwrap());
        client.post(&again, &json!({})).await.expect(202);
    };
    stack.fast_forward(&clock, Duration::from_secs(60), story).await;
    client.send(reqwest::Method::DELETE, path, &[], Vec::new()).await;
}

/// Lists by S3: taken, refused, asked about, cancelled, in the place of others.
async fn big_lists(log: &CallLog) {
    let stack = stack_with(log, Vec::new()).await;
    big_lists::everything(&stack.client()).await;
    let broken = Fault::every("import-batch", "StoreBroken", FaultTime::After);
    let stack = stack_with(log, vec![broken]).await;
    big_lists::one_that_fails(&stack.client()).await;
    let is_erasure =
        |call: &Permission| call.caller == "fail-import" && call.action == "dynamodb:BatchWriteItem";
    eventually("the end of the import", async || log.permissions().iter().any(is_erasure).then_some(()))
        .await;
}

async fn two_draws_at_once(log: &CallLog) {
    let stack = stack_with(log, Vec::new()).await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    let first = client.start_draw("party", json!({"winners": 1})).await;
    let second = client.start_draw("party", json!({"winners": 1})).await;
    client.wait_for_end("party", &first).await;
    client.wait_for_end("party", &second).await;
}

/// SNS and SES take less than is sent.
async fn throttled_deliveries(log: &CallLog) {
    // Without a rate of SES the tasks know of none, and find the topic's by being throttled.
    for (through, limits) in [
        ("sns", "topic-email-rate=1,throttle-sns=send-sms:2"),
        ("ses", "sms-rate=2,ses-rate=2,throttle-sns=send-sms:2"),
    ] {
        let stack = stack::start_with(|config| {
            config.call_log = Some(log.clone());
            config.limits = Some(limits.parse().unwrap());
        })
        .await;
        let client = stack.client();
        let lottery = json!({"id": "party", "name": "Party", "email_through": through});
        client.post("/lotteries", &lottery).await.expect(201);
        client.import("party", end_to_end_tests::EMPLOYEES).await;
        let draw = client.run_draw("party", json!({"winners": 6})).await;
        assert_eq!(draw["status"], "SUCCEEDED", "{draw}");
    }
}

#[tokio::test]
async fn every_role_allows_what_is_called_and_nothing_more() {
    let log = CallLog::default();
    tokio::join!(
        an_organiser_does_everything(&log),
        a_draw_through_ses(&log),
        draws_that_fail(&log),
        two_draws_at_once(&log),
        a_prize_is_passed_on(&log),
        a_stopped_execution(&log),
        throttled_deliveries(&log),
        a_webhook_takes_nothing(&log),
        big_lists(&log),
        repeats::everything(&log),
    );

    let template = template();
    let mut recorded: BTreeSet<Permission> =
        log.permissions().into_iter().filter(|call| template.has(&call.caller)).collect();
    for (caller, action, resource) in ELSEWHERE {
        let [caller, action, resource] = [caller, action, resource].map(str::to_owned);
        let call = Permission { caller, action, resource };
        assert!(recorded.insert(call.clone()), "{call:?} is recorded by now");
    }
    assert!(template.removals().unwrap().len() > 100, "the roles of the template were not found");
    assert_least_privilege(&template, recorded);
}
