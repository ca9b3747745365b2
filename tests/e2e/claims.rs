//! Prizes that have to be claimed: by the link in the message, in time, once; and passed on if they are not.

use std::collections::BTreeMap;
use std::time::Duration;

use local_stack::{CallLog, Limits, ManualClock};
use serde_json::{Value, json};

use end_to_end_tests::client::phone_of;
use end_to_end_tests::process::verify;
use end_to_end_tests::stack::{self, Started};
use end_to_end_tests::{Client, Process, TIMEOUT, eventually};

/// How long winners have here, in seconds.
const TO_CLAIM: u64 = 120;

/// A stack whose time passes at once while nothing happens.
pub(crate) async fn stack_of(log: &CallLog) -> (Started, ManualClock) {
    let clock = ManualClock::new(jiff::Timestamp::now());
    let stack = stack::start_with(|config| {
        config.call_log = Some(log.clone());
        config.limits = Some(Limits::default());
        config.clock = clock.clone().into();
        config.reconcile_every = Duration::from_secs(60);
    })
    .await;
    (stack, clock)
}

/// The tokens of the claim links in the SMS of a draw, by phone.
async fn tokens(client: &Client, draw: &str) -> BTreeMap<String, String> {
    let messages = client.messages(draw).await;
    let sms = messages.iter().filter(|message| message["channel"] == "sms");
    sms.filter_map(|message| {
        let token = message["text"].as_str()?.split("/#/claims/").nth(1)?;
        Some((message["address"].as_str()?.to_owned(), token.to_owned()))
    })
    .collect()
}

async fn full(client: &Client, draw: &str) -> Vec<Value> {
    let page = client.get(&format!("/lotteries/party/draws/{draw}/winners")).await.expect(200);
    page["winners"].as_array().unwrap().clone()
}

/// The token of the winner of this rank.
async fn token_of(client: &Client, draw: &str, rank: u64) -> String {
    eventually("a claim link", async || {
        let winners = full(client, draw).await;
        let winner = winners.iter().find(|winner| winner["rank"] == rank)?;
        let phone = phone_of(winner["participant_id"].as_str().unwrap());
        tokens(client, draw).await.remove(&phone)
    })
    .await
}

/// Two win; one claims, the other is late, and the third in line takes that seat and claims.
pub(crate) async fn one_prize_is_claimed_and_one_passed_on(client: &Client) -> String {
    client.lottery_of_employees("party").await;
    let request = json!({"winners": 2, "claim_within_seconds": TO_CLAIM});
    let draw = client.start_draw("party", request).await;
    let anonymous = client.anonymous();
    let claim = |token: &str| format!("/claims/{token}");
    let first = token_of(client, &draw, 1).await;
    anonymous.post(&claim(&first), &json!({})).await.expect(200);
    let third = token_of(client, &draw, 3).await;
    anonymous.post(&claim(&third), &json!({})).await.expect(200);
    draw
}

#[tokio::test]
async fn a_prize_that_is_not_claimed_in_time_goes_to_the_next_and_everybody_can_check_it() {
    let (stack, clock) = stack_of(&CallLog::default()).await;
    let client = stack.client();
    let story = async {
        client.create_lottery("party").await;
        client.import("party", end_to_end_tests::EMPLOYEES).await;
        let collect = json!({"collect": "Desk 4,\nuntil <b>10 pm</b>"}).to_string().into();
        let patch = [("content-type", "application/json")];
        client.send(reqwest::Method::PATCH, "/lotteries/party", &patch, collect).await.expect(200);
        let request = json!({"winners": 3, "claim_within_seconds": TO_CLAIM});
        let draw = client.start_draw("party", request).await;
        let anonymous = client.anonymous();
        let path = |token: &str| format!("/claims/{token}");
        let [first, second, third] = [
            token_of(&client, &draw, 1).await,
            token_of(&client, &draw, 2).await,
            token_of(&client, &draw, 3).await,
        ];
        let seen = anonymous.get(&path(&first)).await.expect(200);
        assert_eq!((&seen["state"], &seen["prize"]), (&json!("open"), &json!("Prize")));
        assert_eq!(
            (&seen["collect"], &seen["within_seconds"]),
            (&json!("Desk 4,\nuntil <b>10 pm</b>"), &json!(TO_CLAIM))
        );
        assert_eq!(client.draw("party", &draw).await["claims"]["claimed"], 0, "looking claims nothing");

        // Claimed, and claimed again.
        let claimed = anonymous.post(&path(&first), &json!({})).await.expect(200);
        assert_eq!(claimed["state"], "claimed");
        let again = anonymous.post(&path(&first), &json!({})).await.expect(200);
        assert_eq!((&again["claimed_at"], &again["state"]), (&claimed["claimed_at"], &json!("claimed")));
        // Guessed: a character changed anywhere, another rank, nonsense.
        let swap = |token: &str, at: usize| {
            let mut bytes = token.as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            String::from_utf8(bytes).unwrap()
        };
        let mut guesses: Vec<String> = [0, 8, 14, 20, 35].map(|at| swap(&first, at)).into();
        guesses.extend([format!("{}{}", &first[..16], &second[16..]), "x".to_owned(), "A".repeat(36)]);
        for guess in guesses {
            for answer in
                [anonymous.get(&path(&guess)).await, anonymous.post(&path(&guess), &json!({})).await]
            {
                assert!(answer.expect(404)["type"].as_str().unwrap().ends_with("unknown-claim"), "{guess}");
            }
        }
        // Replaced by the organiser: the link says so, and nothing is claimed.
        let seat = format!("/lotteries/party/draws/{draw}/winners/3/replace");
        client.post(&seat, &json!({"reason": "unclaimed"})).await.expect(422);
        client.post(&seat, &json!({"reason": "ineligible"})).await.expect(200);
        let gone = anonymous.post(&path(&third), &json!({})).await.expect(410);
        assert!(gone["type"].as_str().unwrap().ends_with("prize-passed-on"), "{gone}");
        let fourth = token_of(&client, &draw, 4).await;
        anonymous.post(&path(&fourth), &json!({})).await.expect(200);

        // The second does nothing, and the fifth takes the seat.
        let fifth = token_of(&client, &draw, 5).await;
        let late = anonymous.post(&path(&second), &json!({})).await.expect(410);
        assert!(late["type"].as_str().unwrap().ends_with("prize-passed-on"), "{late}");
        assert_eq!(anonymous.get(&path(&second)).await.expect(200)["state"], "passed_on");
        let shown = client.draw("party", &draw).await;
        assert_eq!((&shown["status"], &shown["claims"]["claimed"]), (&json!("RECORDED"), &json!(2)));
        assert_eq!((&shown["claims"]["open"], &shown["claims"]["passed_on"]), (&json!(1), &json!(1)));
        assert_eq!(shown["passed_on"]["unclaimed"], 1);
        anonymous.post(&path(&fifth), &json!({})).await.expect(200);
        let ended = client.wait_for_end("party", &draw).await;
        assert_eq!(ended["status"], "SUCCEEDED", "{ended}");
        (draw, [first, second, third, fourth, fifth])
    };
    let (draw, tokens) = stack.fast_forward(&clock, Duration::from_secs(1), story).await;

    let path = format!("/lotteries/party/draws/{draw}");
    assert_eq!(client.addressed(&draw, "sms").await.len(), 5, "nobody gets two messages");
    let emails = client.messages(&draw).await;
    let emails: Vec<_> = emails.iter().filter(|message| message["channel"] == "email").collect();
    assert!(emails.iter().all(|email| email["text"].as_str().unwrap().contains("/#/claims/")));
    let winners = full(&client, &draw).await;
    let of_rank = |rank: u64| winners.iter().find(|winner| winner["rank"] == rank).unwrap();
    assert_eq!((&of_rank(2)["replaced"], &of_rank(2)["taken_by"]), (&json!("unclaimed"), &json!(5)));
    assert!(of_rank(5)["claimed_at"].is_string() && of_rank(2)["claimed_at"].is_null());
    let accept = [("accept", "text/csv")];
    let file = client.send(reqwest::Method::GET, &format!("{path}/winners"), &accept, "".into()).await;
    assert!(file.text.lines().next().unwrap().ends_with("replaced,claimed_at"));
    // No link is in the proof, in the history, or in what everybody sees.
    let public = client.anonymous();
    let execution = client.draw("party", &draw).await["execution_arn"].as_str().unwrap().to_owned();
    let history = stack
        .step_functions("GetExecutionHistory", json!({"executionArn": execution, "maxResults": 1000}))
        .await
        .to_string();
    let mut texts = vec![("history", history)];
    for more in ["", "/proof", "/winners", "/events"] {
        texts.push((more, public.get(&format!("{path}{more}")).await.text));
    }
    for (place, text) in &texts {
        assert!(tokens.iter().all(|token| !text.contains(token.as_str())), "{place}");
    }
    assert!(texts[0].1.contains("AwaitClaims"), "{}", texts[0].1);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("proof.json");
    std::fs::write(&file, &texts[2].1).unwrap();
    let (holds, said) = verify(&[file.to_str().unwrap()]).await;
    assert!(holds && said.contains("1 ineligible, 1 unclaimed"), "{said}");
    assert!(said.contains("who have 120 s to claim their prizes"), "{said}");
}

/// What the execution of a draw came to in which nobody claims.
struct Size {
    states_entered: usize,
    events: usize,
    /// The longest input or output of a state, in bytes.
    longest_payload: usize,
}

/// Asks so many winners of so many people, none of whom claims: every prize is passed on until nobody is left. The draw may take
/// so long by the clock on the wall.
async fn nobody_claims(people: usize, winners: usize, limit: Duration) -> Size {
    let (stack, clock) = stack_of(&CallLog::default()).await;
    let client = stack.client();
    let story = async {
        client.create_lottery("party").await;
        let lines: Vec<_> = (0..people).map(|n| format!("{n:05},Somebody,+120255{n:05}\n")).collect();
        for some in lines.chunks(2_000) {
            client.import("party", &format!("participant_id,name,phone\n{}", some.concat())).await;
        }
        let request = json!({"winners": winners, "claim_within_seconds": 3_600, "channels": ["sms"]});
        let draw = client.start_draw("party", request).await;
        client.wait_for_end_within(limit, "party", &draw).await
    };
    let draw = stack.fast_forward(&clock, Duration::from_secs(60), story).await;
    // A draw passes on no more seats than that.
    let passed_on = json!(people.min(10_000));
    assert_eq!((&draw["status"], &draw["passed_on"]["unclaimed"]), (&json!("SUCCEEDED"), &passed_on));
    let request = json!({"executionArn": draw["execution_arn"], "maxResults": 1000});
    let history = stack.step_functions("GetExecutionHistory", request).await;
    assert!(history["nextToken"].is_null(), "more than a page of events");
    let events = history["events"].as_array().unwrap();
    let details = |name: &'static str| events.iter().map(move |event| &event[name]);
    let inputs = details("stateEnteredEventDetails").filter_map(|it| it["input"].as_str());
    let outputs = details("stateExitedEventDetails").filter_map(|it| it["output"].as_str());
    // The clock moves by a minute while a call is under way, which can end it, or a call that it makes: an attempt more is three
    // events.
    let was_lost = |event: &&Value| {
        ["TimedOut", "Failed"].iter().any(|end| event["type"].as_str().unwrap().ends_with(end))
    };
    let lost = events.iter().filter(was_lost).count();
    Size {
        states_entered: details("stateEnteredEventDetails").filter(|it| !it.is_null()).count(),
        events: events.len() - 3 * lost,
        longest_payload: inputs.chain(outputs).map(str::len).max().unwrap(),
    }
}

#[tokio::test]
async fn what_a_round_of_claims_costs_does_not_depend_on_how_many_winners_there_are() {
    let few = nobody_claims(30, 12, TIMEOUT).await;
    let many = nobody_claims(300, 120, TIMEOUT).await;
    assert_eq!((few.states_entered, few.events), (many.states_entered, many.events));
    // Three rounds: docs/cost.md says what one is.
    assert!(few.states_entered < 30 + 3 * 24, "{} states", few.states_entered);
    assert!(few.events < 100 + 3 * 80, "{} events", few.events);
}

/// Minutes in a debug build: `cargo nextest run --run-ignored only -E 'test(ten_thousand_winners)' --no-capture`.
#[tokio::test]
#[ignore = "minutes"]
#[expect(clippy::print_stderr, reason = "what the run is for")]
async fn ten_thousand_winners_are_asked_in_one_state_and_their_seats_passed_on() {
    let size = nobody_claims(12_000, 10_000, 10 * TIMEOUT).await;
    eprintln!(
        "{} states entered, {} events, {} bytes the longest payload",
        size.states_entered, size.events, size.longest_payload
    );
    assert!(size.states_entered < 30 + 3 * 24 && size.events < 100 + 3 * 80);
    assert!(size.longest_payload < 256 * 1024);
}

/// How long after a claim the stack is killed, in milliseconds.
const DELAYS: [u64; 5] = [0, 2, 5, 15, 60];

#[tokio::test]
async fn a_killed_stack_keeps_every_claim_waits_on_and_writes_no_link_into_its_log() {
    let data = tempfile::tempdir().unwrap();
    let mut stack = Process::start(data.path()).await;
    stack.client().lottery_of_employees("party").await;
    let request = json!({"winners": DELAYS.len() + 1, "claim_within_seconds": 3_600, "channels": ["sms"]});
    let draw = stack.client().start_draw("party", request).await;
    let waits = async |client: &Client| {
        eventually("the wait for claims", async || {
            (client.draw("party", &draw).await["current_state"] == "AwaitClaims").then_some(())
        })
        .await;
    };
    waits(&stack.client()).await;
    let tokens: Vec<String> = tokens(&stack.client(), &draw).await.into_values().collect();
    assert_eq!(tokens.len(), DELAYS.len() + 1);
    let mut logs = String::new();
    for (token, delay) in tokens.iter().zip(DELAYS) {
        let client = stack.client().anonymous();
        let claim = client.post(&format!("/claims/{token}"), &json!({})).await.expect(200);
        tokio::time::sleep(Duration::from_millis(delay)).await;
        logs += &stack.log();
        stack.kill().await;
        stack = Process::start(data.path()).await;
        let after = stack.client().get(&format!("/claims/{token}")).await.expect(200);
        assert_eq!((&after["state"], &after["claimed_at"]), (&json!("claimed"), &claim["claimed_at"]));
        waits(&stack.client()).await;
    }
    let client = stack.client();
    assert_eq!(client.draw("party", &draw).await["claims"]["open"], 1);
    // The last claim ends the wait of an execution that has outlived five processes.
    client.anonymous().post(&format!("/claims/{}", tokens.last().unwrap()), &json!({})).await.expect(200);
    assert_eq!(client.wait_for_end("party", &draw).await["status"], "SUCCEEDED");
    assert_eq!(client.addressed(&draw, "sms").await.len(), DELAYS.len() + 1, "nobody gets two messages");
    logs += &stack.log();
    assert!(logs.contains("claimed a prize") && tokens.iter().all(|token| !logs.contains(token.as_str())));
}
