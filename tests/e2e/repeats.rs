//! Draws that repeat: due by a clock that the tests move, started once for each time, described where they cannot start.

use std::path::Path;
use std::time::Duration;

use local_stack::{CallLog, Config, Fault, FaultTime, Limits, ManualClock, Storage};
use reqwest::Method;
use serde_json::{Value, json};

use end_to_end_tests::stack::{self, Started};
use end_to_end_tests::{Client, eventually};

const REPEATS: &str = "/lotteries/party/repeats";
/// How far the clock moves at a time: on a slow machine, too, the next time is not due before the test has seen the last one.
const STEP: Duration = Duration::from_millis(100);
/// Of a request to change something.
const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

/// A Wednesday; on the Sunday after it the clocks of Berlin go forward.
fn wednesday() -> ManualClock {
    ManualClock::new("2027-03-24T12:00:00Z".parse().unwrap())
}

/// A stack with this clock, and what else the test changes.
pub(crate) async fn stack_of(clock: &ManualClock, change: impl FnOnce(&mut Config)) -> Started {
    stack::start_with(|config| {
        config.clock = clock.clone().into();
        // None, but for the clock, which is stopped while something works.
        config.limits = Some(Limits::default());
        config.reconcile_every = Duration::from_secs(60);
        change(config);
    })
    .await
}

/// Ten employees in Berlin.
async fn lottery(client: &Client) {
    let lottery =
        json!({"id": "party", "name": "Party", "time_zone": "Europe/Berlin", "email_through": "ses"});
    client.post("/lotteries", &lottery).await.expect(201);
    client.import("party", end_to_end_tests::EMPLOYEES).await;
}

fn every_friday() -> Value {
    json!({"name": "Friday draw", "every": "week", "weekdays": ["friday"], "time": "17:00", "draw": {"winners": 1}})
}

/// The path of what was made.
async fn made(client: &Client, repeat: &Value) -> String {
    let repeat = client.post(REPEATS, repeat).await.expect(201);
    format!("{REPEATS}/{}", repeat["repeat_id"].as_str().unwrap())
}

async fn change(client: &Client, path: &str, change: Value) -> Value {
    client.send(Method::PATCH, path, &JSON, change.to_string().into()).await.expect(200)
}

async fn delete(client: &Client, path: &str, status: u16) {
    assert_eq!(client.send(Method::DELETE, path, &[], Vec::new()).await.status, status, "{path}");
}

fn move_to(clock: &ManualClock, time: &str) {
    let time: jiff::Timestamp = time.parse().unwrap();
    clock.advance(Duration::try_from(time.duration_since(clock.now())).unwrap());
}

async fn draws(client: &Client) -> Vec<Value> {
    let page = client.get("/lotteries/party/draws").await.expect(200);
    page["draws"].as_array().unwrap().clone()
}

/// What came of this time, once its draw has ended or the reason why there is none is there. The clock does not move until something
/// came of it, so that no function runs out of time.
async fn result_at(stack: &Started, clock: &ManualClock, path: &str, due_at: &str) -> Value {
    let client = stack.client();
    let last = async || client.get(path).await.expect(200)["last"].clone();
    eventually("what came of a time", async || (last().await["due_at"] == due_at).then_some(())).await;
    let result = eventually("the end of a draw", async || {
        let last = last().await;
        let is_final = last["status"].as_str().is_none_or(|it| ["SUCCEEDED", "REJECTED"].contains(&it));
        is_final.then_some(last)
    });
    stack.fast_forward(clock, STEP, result).await
}

/// Calls the function as the Scheduler does.
async fn deliver(stack: &Started, path: &str, time: &str) -> Value {
    let id = path.rsplit('/').next().unwrap();
    let input = json!({"lottery_id": "party", "repeat_id": id, "scheduled_time": time});
    let url = format!("{}/2015-03-31/functions/start-repeat/invocations", stack.aws());
    let answer = end_to_end_tests::http().post(url).body(input.to_string()).send().await.unwrap();
    answer.json().await.unwrap()
}

/// The schedules that the Scheduler has.
async fn schedules(stack: &Started) -> Vec<Value> {
    let url = format!("{}/schedules?ScheduleGroup=local-repeats", stack.aws());
    let answer: Value = end_to_end_tests::http().get(url).send().await.unwrap().json().await.unwrap();
    answer["Schedules"].as_array().unwrap().clone()
}

#[tokio::test]
async fn two_fridays_have_two_draws_at_five_although_the_clocks_change_between_them() {
    let clock = wednesday();
    let stack = stack_of(&clock, |_| ()).await;
    let client = stack.client();
    lottery(&client).await;
    let path = made(&client, &every_friday()).await;
    let shown = client.get(&path).await.expect(200);
    assert_eq!(
        shown["next"],
        json!(["2027-03-26T16:00:00Z", "2027-04-02T15:00:00Z", "2027-04-09T15:00:00Z"])
    );
    assert_eq!(
        (&shown["time_zone"], &shown["last"], &shown["missed_at"]),
        (&json!("Europe/Berlin"), &json!(null), &json!(null))
    );
    for (before, due_at, count) in [
        ("2027-03-26T15:59:59Z", "2027-03-26T16:00:00Z", 1),
        ("2027-04-02T14:59:59Z", "2027-04-02T15:00:00Z", 2),
    ] {
        move_to(&clock, before);
        // The list of draws, which everybody may read, is cached for two seconds of this clock: it is not asked yet.
        let results = client.get(&path).await.expect(200)["results"].as_array().unwrap().len();
        assert_eq!(results, count - 1, "{before}");
        clock.advance(Duration::from_secs(1));
        let result = result_at(&stack, &clock, &path, due_at).await;
        assert_eq!((&result["status"], &result["error"]), (&json!("SUCCEEDED"), &json!(null)), "{result}");
        let draws = draws(&client).await;
        assert_eq!((draws.len(), &draws[0]["draw_id"]), (count, &result["draw_id"]));
    }
    // A past winner cannot win again.
    let ids = draws(&client).await.into_iter().map(|draw| draw["draw_id"].as_str().unwrap().to_owned());
    let mut winners = Vec::new();
    for id in ids {
        winners.extend(client.winners("party", &id).await);
    }
    assert_eq!(winners.len(), 2);
    assert_ne!(winners[0], winners[1]);
    assert_eq!(client.get(&path).await.expect(200)["results"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_time_has_one_draw_however_often_it_is_delivered() {
    let clock = wednesday();
    // The answer to the first delivery is lost: Lambda calls the function again.
    let lost = Fault::every("start-repeat", "Lost", FaultTime::After).calls(1..=1);
    let stack = stack_of(&clock, |config| config.faults = vec![lost]).await;
    let client = stack.client();
    lottery(&client).await;
    let path = made(&client, &every_friday()).await;
    let due_at = "2027-03-26T16:00:00Z";
    // Too early, and at a time that is none.
    for time in [due_at, "2027-03-24T11:00:00Z"] {
        let delivered = deliver(&stack, &path, time).await;
        assert!(delivered == "not_due" || delivered["errorType"] == "Lost", "{delivered}");
    }
    assert_eq!(draws(&client).await.len(), 0);
    move_to(&clock, "2027-03-26T16:00:00Z");
    let [one, other] =
        [deliver(&stack, &path, due_at), deliver(&stack, &path, due_at)].map(|delivery| async {
            let delivered = delivery.await;
            assert!(delivered == "started" || delivered["errorType"] == "StoreUnavailable", "{delivered}");
        });
    tokio::join!(one, other);
    assert_eq!(result_at(&stack, &clock, &path, due_at).await["status"], "SUCCEEDED");
    assert_eq!(deliver(&stack, &path, due_at).await, "started");
    move_to(&clock, "2027-03-26T16:30:00Z");
    assert_eq!(deliver(&stack, &path, due_at).await, "started");
    let shown = client.get(&path).await.expect(200);
    assert_eq!((draws(&client).await.len(), shown["results"].as_array().unwrap().len()), (1, 1));
}

#[tokio::test]
async fn a_stack_that_was_stopped_draws_what_is_hours_late_and_tells_what_is_days_late() {
    let (data, clock) = (tempfile::tempdir().unwrap(), wednesday());
    let start = async |data: &Path, faults: Vec<Fault>| {
        let data = data.to_owned();
        stack_of(&clock, |config| {
            config.storage = Storage::Directory(data);
            config.faults = faults;
        })
        .await
    };
    // The delivery is not struck off: the function is called again after the restart.
    let lost = Fault::every("start-repeat", "Lost", FaultTime::After);
    let stack = start(data.path(), vec![lost]).await;
    lottery(&stack.client()).await;
    let path = made(&stack.client(), &every_friday()).await;
    stack.shutdown().await;

    move_to(&clock, "2027-03-26T19:00:00Z");
    let lost = Fault::every("start-repeat", "Lost", FaultTime::After);
    let stack = start(data.path(), vec![lost]).await;
    let client = stack.client();
    eventually("the draw of a late delivery", async || (draws(&client).await.len() == 1).then_some(())).await;
    stack.shutdown().await;

    let stack = start(data.path(), Vec::new()).await;
    let result = result_at(&stack, &clock, &path, "2027-03-26T16:00:00Z").await;
    assert_eq!(result["status"], "SUCCEEDED", "{result}");
    assert_eq!(draws(&stack.client()).await.len(), 1);
    stack.shutdown().await;

    // Two Fridays pass, and two days more.
    move_to(&clock, "2027-04-11T15:00:00Z");
    let stack = start(data.path(), Vec::new()).await;
    let result = result_at(&stack, &clock, &path, "2027-04-09T15:00:00Z").await;
    assert_eq!((&result["error"], &result["draw_id"]), (&json!("Missed"), &json!(null)));
    assert_eq!(draws(&stack.client()).await.len(), 1);
    stack.shutdown().await;
}

#[tokio::test]
async fn a_draw_that_cannot_start_says_why() {
    let clock = wednesday();
    let stack = stack_of(&clock, |_| ()).await;
    let client = stack.client();
    let lottery = json!({"id": "party", "name": "Party", "email_through": "ses"});
    client.post("/lotteries", &lottery).await.expect(201);
    let daily = json!({"name": "Daily", "every": "day", "time": "17:00", "draw": {"winners": 2}});
    let path = made(&client, &daily).await;
    let error = async |day: u32| {
        let due_at = format!("2027-03-{day}T17:00:00Z");
        move_to(&clock, &due_at);
        let result = result_at(&stack, &clock, &path, &due_at).await;
        (result["error"].as_str().unwrap_or_default().to_owned(), result["status"].clone(), result)
    };
    let (name, _, result) = error(24).await;
    assert_eq!((name.as_str(), &result["reason"]), ("EmptyList", &json!("Nobody was on the list.")));

    client.import("party", "participant_id,name\n1,Rose\n").await;
    let (name, status, _) = error(25).await;
    assert_eq!((name.as_str(), status), ("NotEnoughParticipants", json!("REJECTED")));

    client.import("party", end_to_end_tests::EMPLOYEES).await;
    let draw_at = json!({"winners": 1, "draw_at": "2027-03-26T18:00:00Z"});
    let draw = client.start_draw("party", draw_at).await;
    let sealed = eventually("the seal", async || {
        (client.draw("party", &draw).await["status"] == "SEALED").then_some(())
    });
    sealed.await;
    let (name, _, result) = error(26).await;
    assert_eq!(name, "DrawUnderWay", "{result}");
    assert!(result["reason"].as_str().unwrap().contains(&draw), "{result}");
    assert_eq!(draws(&client).await.len(), 2);
}

#[tokio::test]
async fn a_closed_lottery_draws_again_once_it_is_open() {
    let clock = wednesday();
    let stack = stack_of(&clock, |_| ()).await;
    let client = stack.client();
    let lottery = json!({"id": "party", "name": "Party", "email_through": "ses"});
    client.post("/lotteries", &lottery).await.expect(201);
    client.import("party", end_to_end_tests::EMPLOYEES).await;
    let daily = json!({"name": "Daily", "every": "day", "time": "17:00", "draw": {"winners": 2}});
    let path = made(&client, &daily).await;
    change_lottery(&client, json!({"closed": true})).await;
    for day in [24, 25] {
        let due_at = format!("2027-03-{day}T17:00:00Z");
        move_to(&clock, &due_at);
        let result = result_at(&stack, &clock, &path, &due_at).await;
        assert_eq!(
            (&result["error"], &result["draw_id"]),
            (&json!("LotteryClosed"), &Value::Null),
            "{result}"
        );
    }
    change_lottery(&client, json!({"closed": false})).await;
    let due_at = "2027-03-26T17:00:00Z";
    move_to(&clock, due_at);
    let result = result_at(&stack, &clock, &path, due_at).await;
    assert_eq!(result["status"], "SUCCEEDED", "{result}");
    assert_eq!(draws(&client).await.len(), 1);
}

async fn change_lottery(client: &Client, change: Value) {
    client.send(Method::PATCH, "/lotteries/party", &JSON, change.to_string().into()).await.expect(200);
}

#[tokio::test]
async fn what_is_deleted_paused_or_moved_is_not_due_any_more() {
    let clock = wednesday();
    let stack = stack_of(&clock, |_| ()).await;
    let client = stack.client();
    lottery(&client).await;
    let [deleted, paused, moved] = [
        made(&client, &every_friday()).await,
        made(&client, &every_friday()).await,
        made(&client, &every_friday()).await,
    ];
    delete(&client, &deleted, 204).await;
    delete(&client, &deleted, 404).await;
    let shown = change(&client, &paused, json!({"paused": true})).await;
    assert_eq!((&shown["paused"], &shown["next"]), (&json!(true), &json!([])));
    let shown = change(&client, &moved, json!({"every": "month", "day_of_month": "last"})).await;
    assert_eq!((&shown["weekdays"], &shown["next"][0]), (&json!([]), &json!("2027-03-31T15:00:00Z")));
    // The zone of the lottery is that of its draws.
    change_lottery(&client, json!({"time_zone": "Asia/Shanghai"})).await;
    let shown = client.get(&moved).await.expect(200);
    assert_eq!(shown["next"][0], "2027-03-31T09:00:00Z");

    move_to(&clock, "2027-03-31T08:59:59Z");
    for path in [&deleted, &paused] {
        assert_eq!(deliver(&stack, path, "2027-03-26T16:00:00Z").await, "not_due");
    }
    assert_eq!(draws(&client).await.len(), 0);
    clock.advance(Duration::from_secs(1));
    assert_eq!(result_at(&stack, &clock, &moved, "2027-03-31T09:00:00Z").await["status"], "SUCCEEDED");
    change(&client, &paused, json!({"paused": false})).await;
    assert_eq!(client.get(&paused).await.expect(200)["next"][0], "2027-04-02T09:00:00Z");
    assert_eq!((draws(&client).await.len(), schedules(&stack).await.len()), (1, 2));

    let path = "/lotteries/party?expected=10";
    client.send(Method::DELETE, path, &[], Vec::new()).await.expect(200);
    assert!(schedules(&stack).await.is_empty());
}

#[tokio::test]
async fn it_is_checked_at_once_and_belongs_to_its_lottery_and_to_organisers() {
    let clock = wednesday();
    let stack = stack_of(&clock, |_| ()).await;
    let client = stack.client();
    lottery(&client).await;
    for (field, value, at) in [
        ("time", json!("5 pm"), "time"),
        ("weekdays", json!(["someday"]), "weekdays"),
        ("ends_at", json!("2027-03-24T12:00:00Z"), "ends_at"),
        ("draw", json!({}), "draw.winners"),
        ("draw", json!({"winners": 0}), "draw.winners"),
        ("draw", json!({"winners": 1, "closes_at": "2027-06-01T00:00:00Z"}), "draw.closes_at"),
        ("draw", json!({"winners": 1, "channels": ["fax"]}), "draw.channels"),
        (
            "draw",
            json!({"prizes": [{"name": "P", "winners": 1, "quota": [{"group": "nobody", "at_most": 1}]}]}),
            "draw.prizes[0].quota[0]",
        ),
    ] {
        let mut wrong = every_friday();
        wrong[field] = value;
        let refused = client.post(REPEATS, &wrong).await.expect(422);
        assert_eq!(refused["errors"][0]["field"], at, "{refused}");
    }
    let path = made(&client, &every_friday()).await;
    let refused = client.send(Method::PATCH, &path, &JSON, json!({"draw": {}}).to_string().into()).await;
    assert_eq!(refused.expect(422)["errors"][0]["field"], "draw.winners");

    // Another lottery does not have it, and who is no organiser of draws sees nothing of it.
    client
        .post("/lotteries", &json!({"id": "other", "name": "Other", "email_through": "ses"}))
        .await
        .expect(201);
    let elsewhere = path.replace("party", "other");
    client.get(&elsewhere).await.expect(404);
    delete(&client, &elsewhere, 404).await;
    let mut claims = stack.claims();
    claims["scope"] = json!("participants:read participants:write results:read");
    let now = clock.now().as_second();
    (claims["iat"], claims["exp"]) = (json!(now), json!(now + 3600));
    let stranger = Client::organiser(stack.api(), &stack.sign(&claims));
    for (who, status) in [(&stranger, 403), (&client.anonymous(), 401)] {
        who.get(REPEATS).await.expect(status);
        who.post(REPEATS, &every_friday()).await.expect(status);
        delete(who, &path, status).await;
        let body = json!({"paused": true}).to_string().into();
        assert_eq!(who.send(Method::PATCH, &path, &JSON, body).await.status, status);
    }

    // The same key makes the same one; there are twenty at most.
    let key = [JSON[0], ("idempotency-key", "friday")];
    let body = every_friday().to_string();
    for _ in 0..2 {
        client.send(Method::POST, REPEATS, &key, body.clone().into()).await.expect(201);
    }
    for _ in 2..20 {
        client.post(REPEATS, &every_friday()).await.expect(201);
    }
    let refused = client.post(REPEATS, &every_friday()).await.expect(409);
    assert!(refused["type"].as_str().unwrap().ends_with("too-many-repeats"), "{refused}");
    assert_eq!(client.get(REPEATS).await.expect(200)["repeats"].as_array().unwrap().len(), 20);
    assert_eq!(schedules(&stack).await.len(), 20);
}

/// Everything that the API and the function call, for the permissions of their roles.
pub(crate) async fn everything(log: &CallLog) {
    let clock = wednesday();
    let stack = stack_of(&clock, |config| config.call_log = Some(log.clone())).await;
    let client = stack.client();
    lottery(&client).await;
    let mut claimed = every_friday();
    claimed["draw"]["claim_within_seconds"] = json!(60);
    let path = made(&client, &claimed).await;
    change(&client, &path, json!({"name": "Another name"})).await;
    move_to(&clock, "2027-03-26T16:00:00Z");
    eventually("a draw that was started", async || {
        client.get(&path).await.expect(200)["last"]["draw_id"].is_string().then_some(())
    })
    .await;
    delete(&client, &path, 204).await;
}
