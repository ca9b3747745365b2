//! Big lists: uploaded to S3, imported by a state machine of their own.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use local_stack::{Fault, FaultTime};
use reqwest::Method;
use serde_json::{Value, json};

use end_to_end_tests::stack;
use end_to_end_tests::{Client, Process, eventually};

/// A lottery whose e-mails go through SES.
pub(crate) async fn create(client: &Client) {
    let body = json!({"id": "party", "name": "Company party", "email_through": "ses"});
    client.post("/lotteries", &body).await.expect(201);
}

fn path(import: &str, rest: &str) -> String {
    format!("/lotteries/party/imports/{import}{rest}")
}

/// Asks for an address and sends the file there. Returns the import's id.
pub(crate) async fn upload(client: &Client, file: &[u8], asked: Value) -> String {
    let mut body = json!({"bytes": file.len()});
    body.as_object_mut().unwrap().extend(asked.as_object().cloned().unwrap_or_default());
    let begun = client.post("/lotteries/party/imports", &body).await.expect(201);
    let url = begun["upload"]["url"].as_str().unwrap();
    assert_eq!(begun["upload"]["method"], "PUT");
    let sent = end_to_end_tests::http().put(url).body(file.to_vec()).send().await.unwrap();
    assert!(sent.status().is_success(), "{:?}", sent.text().await);
    begun["import_id"].as_str().unwrap().to_owned()
}

/// Waits until an import is in this state.
pub(crate) async fn wait_for(client: &Client, import: &str, state: &str) -> Value {
    eventually(&format!("an import that is {state}"), async || {
        let view = client.get(&path(import, "")).await.expect(200);
        let is_over = ["SUCCEEDED", "FAILED", "CANCELLED"].contains(&view["state"].as_str().unwrap());
        assert!(!is_over || view["state"] == state, "{view:#}");
        (view["state"] == state).then_some(view)
    })
    .await
}

async fn people(client: &Client) -> u64 {
    client.get("/lotteries/party/counts").await.expect(200)["total"].as_u64().unwrap()
}

pub(crate) fn list(count: usize) -> String {
    (0..count).fold("phone,name,participant_id\n".to_owned(), |mut csv, number| {
        writeln!(csv, "+86138{number:08},Person {number},p-{number}").unwrap();
        csv
    })
}

/// One of each: asked about, in the place of others whose addresses have subscriptions, cancelled, refused.
pub(crate) async fn everything(client: &Client) {
    client.create_lottery("party").await;
    let people = "participant_id,name,phone,email\np-1,Rose,+12025550101,rose@example.com\nq-1,Tracy,,tracy@example.com\n";
    client.import("party", people).await;
    let mut file = "participant_id,name,phone\np-1,Rose,+12025550199\nbad id,Nobody,\n".to_owned();
    (0..2_100).for_each(|number| writeln!(file, "r-{number},Person {number},").unwrap());
    let import = upload(client, file.as_bytes(), json!({"mode": "replace", "preview": true})).await;
    wait_for(client, &import, "ASKING").await;
    client.post(&path(&import, "/answer"), &json!({"settings": {"country": "CN"}})).await.expect(200);
    let view = wait_for(client, &import, "SUCCEEDED").await;
    assert_eq!((&view["updated"], &view["withdrawn"]), (&json!(1), &json!(1)), "{view:#}");
    end_to_end_tests::http().get(view["result_url"].as_str().unwrap()).send().await.unwrap();
    client.get("/lotteries/party/imports").await.expect(200);
    let import = upload(client, list(10).as_bytes(), json!({"preview": true})).await;
    wait_for(client, &import, "ASKING").await;
    client.post(&path(&import, "/cancel"), &json!({})).await.expect(200);
    // What an import before it left unfinished is erased.
    let unfinished = "/lotteries/party/participants?mode=replace&more=true";
    let csv = [("content-type", "text/csv")];
    client.send(Method::POST, unfinished, &csv, people.into()).await.expect(200);
    let import = upload(client, list(10).as_bytes(), json!({})).await;
    wait_for(client, &import, "SUCCEEDED").await;
    let import = upload(client, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01", json!({})).await;
    wait_for(client, &import, "FAILED").await;
}

/// An import that replaces, and fails when it has begun.
pub(crate) async fn one_that_fails(client: &Client) {
    create(client).await;
    let import = upload(client, list(3_000).as_bytes(), json!({"mode": "replace"})).await;
    let failed = wait_for(client, &import, "FAILED").await;
    assert_eq!(failed["failure"]["code"], "States.ExceedToleratedFailureThreshold", "{failed:#}");
}

#[tokio::test]
async fn a_list_goes_through_s3_into_a_draw_and_can_be_taken_back() {
    let stack = stack::start().await;
    let client = stack.client();
    create(&client).await;
    let mut csv = list(5_000);
    csv.push_str("call me maybe,Nobody,bad id\n+8613800000007,Double,p-double\n+8613900000000,Again,p-7\n");
    let import = upload(&client, csv.as_bytes(), json!({})).await;
    let view = wait_for(&client, &import, "SUCCEEDED").await;
    assert_eq!(
        (&view["rows"], &view["batches"], &view["batches_done"]),
        (&json!(5003), &json!(3), &json!(3))
    );
    assert_eq!((&view["accepted"], &view["refused"]), (&json!(5001), &json!(2)), "{view:#}");
    assert_eq!(view["import"], json!({"number": 1, "state": "FINISHED", "mode": "merge"}));
    let refused: Vec<_> = view["refusals"].as_array().unwrap().iter().map(|line| &line["line"]).collect();
    assert_eq!(refused, [5002, 5004]);
    assert_eq!(view["warnings"][0]["code"], "AddressTaken", "{view:#}");
    let result = end_to_end_tests::http().get(view["result_url"].as_str().unwrap()).send().await.unwrap();
    let result = result.text().await.unwrap();
    assert!(result.lines().any(|line| line.contains("\"cells\":[\"call me maybe\"")), "{result}");
    let last = client.get("/lotteries/party/imports/last").await.expect(200);
    assert_eq!(
        (&last["accepted"], &last["refused"], &last["state"]),
        (&json!(5001), &json!(2), &json!("FINISHED"))
    );
    assert_eq!(people(&client).await, 5001);

    // Once more, in another order: nobody is new, nobody is twice.
    let again = upload(&client, csv.as_bytes(), json!({"mode": "replace"})).await;
    let again = wait_for(&client, &again, "SUCCEEDED").await;
    assert_eq!(
        (&again["unchanged"], &again["accepted"], &again["withdrawn"]),
        (&json!(5001), &json!(0), &json!(0))
    );
    let short = upload(&client, list(3_000).as_bytes(), json!({"mode": "replace"})).await;
    let short = wait_for(&client, &short, "SUCCEEDED").await;
    assert_eq!(
        (&short["unchanged"], &short["withdrawn"], &short["can_undo"]),
        (&json!(3000), &json!(2001), &json!(true))
    );
    assert_eq!(people(&client).await, 3000);
    let mut undone = client.post("/lotteries/party/imports/3/undo", &json!({})).await.expect(200);
    while let Some(cursor) = undone["next_cursor"].as_str() {
        let next = format!("/lotteries/party/imports/3/undo?cursor={cursor}");
        undone = client.post(&next, &json!({})).await.expect(200);
    }
    assert_eq!(people(&client).await, 5001);
    let listed = client.get("/lotteries/party/imports").await.expect(200);
    assert_eq!(listed["imports"].as_array().unwrap().len(), 3);
    let draw = client.run_draw("party", json!({"winners": 3})).await;
    assert_eq!((&draw["status"], &draw["entries"]), (&json!("SUCCEEDED"), &json!(5001)), "{draw:#}");
}

#[tokio::test]
async fn an_organiser_is_asked_where_a_list_is_unclear_and_the_answer_is_taken() {
    let stack = stack::start().await;
    let client = stack.client();
    create(&client).await;
    let csv = "Kennung,Wer da kommt\nA-1,Rose\nA-2,Tracy\n";
    let import = upload(&client, csv.as_bytes(), json!({})).await;
    let asked = wait_for(&client, &import, "ASKING").await;
    assert!(asked["inspection"]["unreadable"]["code"].is_string(), "{asked:#}");
    assert_eq!(people(&client).await, 0);
    let answer = path(&import, "/answer");
    let wrong = json!({"settings": {"mapping": {"Kennung": "shoe_size"}}});
    assert_eq!(client.post(&answer, &wrong).await.expect(422)["errors"][0]["field"], "mapping");
    let mapping = json!({"Kennung": "participant_id", "Wer da kommt": "name"});
    let settings = json!({"settings": {"mapping": mapping, "header_row": "1"}});
    client.post(&answer, &settings).await.expect(200);
    let view = wait_for(&client, &import, "SUCCEEDED").await;
    assert_eq!((&view["accepted"], &view["refused"]), (&json!(2), &json!(0)), "{view:#}");
    client.post(&answer, &settings).await.expect(409);

    // Looked at again with other settings, it is shown as it is read then; what becomes of the others is said at the end.
    let import = upload(&client, csv.as_bytes(), json!({"preview": true})).await;
    let asked = wait_for(&client, &import, "ASKING").await;
    let inspection = &asked["inspection"];
    assert_eq!((&inspection["looks"], &asked["mode"]), (&json!(1), &json!("merge")), "{asked:#}");
    assert_eq!(inspection["sample"][0]["cells"], json!(["Kennung", "Wer da kommt"]));
    assert_eq!(inspection["sample"][2]["cells"], json!(["A-2", "Tracy"]));
    let again = json!({"settings": {"mapping": {"1": "participant_id", "2": "name"}, "header_row": "1"}, "preview": true});
    client.post(&path(&import, "/answer"), &again).await.expect(200);
    let asked = eventually("the second look", async || {
        let view = client.get(&path(&import, "")).await.expect(200);
        (view["state"] == "ASKING" && view["inspection"]["looks"] == 2).then_some(view)
    })
    .await;
    let inspection = &asked["inspection"];
    assert_eq!((&inspection["rows"], &inspection["unreadable"]), (&json!(2), &json!(null)), "{asked:#}");
    assert_eq!(inspection["sample"][0]["name"], "Rose");
    let decided = json!({"settings": again["settings"], "mode": "replace"});
    client.post(&path(&import, "/answer"), &json!({"settings": {}, "mode": "shoes"})).await.expect(422);
    client.post(&path(&import, "/answer"), &decided).await.expect(200);
    let view = wait_for(&client, &import, "SUCCEEDED").await;
    assert_eq!((&view["mode"], &view["unchanged"]), (&json!("replace"), &json!(2)), "{view:#}");

    // GBK is a guess, and is asked about; the names come in as they are.
    let gbk: &[u8] = b"\xb9\xa4\xba\xc5,\xd0\xd5\xc3\xfb\nB-1,\xd5\xc5\xce\xb0\nB-2,\xc0\xee\xc4\xc8\n";
    let import = upload(&client, gbk, json!({"preview": true})).await;
    let asked = wait_for(&client, &import, "ASKING").await;
    assert_eq!(asked["inspection"]["sample"][0]["name"], "张伟", "{asked:#}");
    client.post(&path(&import, "/answer"), &json!({"settings": {"charset": "gbk"}})).await.expect(200);
    assert_eq!(wait_for(&client, &import, "SUCCEEDED").await["accepted"], 2);
}

#[tokio::test]
async fn an_import_is_cancelled_and_a_second_event_imports_nothing() {
    let stack = stack::start().await;
    let client = stack.client();
    create(&client).await;
    let import = upload(&client, list(10).as_bytes(), json!({"preview": true})).await;
    wait_for(&client, &import, "ASKING").await;
    let cancelled = client.post(&path(&import, "/cancel"), &json!({})).await.expect(200);
    assert_eq!(cancelled["state"], "CANCELLED");
    client.post(&path(&import, "/cancel"), &json!({})).await.expect(200);
    client.post(&path(&import, "/answer"), &json!({"settings": {}})).await.expect(409);
    assert_eq!(people(&client).await, 0);

    let import = upload(&client, list(10).as_bytes(), json!({})).await;
    wait_for(&client, &import, "SUCCEEDED").await;
    client.post(&path(&import, "/cancel"), &json!({})).await.expect(409);
    // EventBridge delivers an event at least once.
    let input = json!({"object": {"key": format!("uploads/party/{import}"), "etag": "0"}});
    let machine = "arn:aws:states:us-east-1:123456789012:stateMachine:import-participants";
    let request = json!({"stateMachineArn": machine, "input": input.to_string()});
    let started = stack.step_functions("StartExecution", request).await;
    let request = json!({"executionArn": started["executionArn"]});
    let ended = eventually("the end of the second execution", async || {
        let ended = stack.step_functions("DescribeExecution", request.clone()).await;
        (ended["status"] != "RUNNING").then_some(ended)
    })
    .await;
    assert_eq!((&ended["status"], &ended["error"]), (&json!("FAILED"), &json!("ImportOver")));
    let view = client.get(&path(&import, "")).await.expect(200);
    assert_eq!((&view["state"], &view["accepted"]), (&json!("SUCCEEDED"), &json!(10)));

    // What is no list is refused, and what is too large is not even uploaded.
    let import = upload(&client, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01", json!({})).await;
    let failed = wait_for(&client, &import, "FAILED").await;
    assert!(failed["failure"]["reason"].is_string(), "{failed:#}");
    client.post("/lotteries/party/imports", &json!({"bytes": 1_u64 << 30})).await.expect(422);
    client.post("/lotteries/party/imports", &json!({"bytes": 1, "shoes": 2})).await.expect(422);
    client.get(&path("i-0000000000000000000000000000", "")).await;
}

#[tokio::test]
async fn a_batch_that_runs_again_is_counted_once() {
    let faults = ["split-list", "import-batch", "finish-import"]
        .map(|task| Fault::every(task, "StoreUnavailable", FaultTime::After).calls(1..=1));
    let stack = stack::start_with(|config| config.faults = faults.into()).await;
    let client = stack.client();
    create(&client).await;
    client.import("party", "participant_id,name\np-1,Other\np-2,Person 2\n").await;
    let import = upload(&client, list(2_500).as_bytes(), json!({})).await;
    let view = wait_for(&client, &import, "SUCCEEDED").await;
    let counts = ["accepted", "updated", "unchanged", "refused"].map(|name| view[name].clone());
    assert_eq!(counts, [2498, 2, 0, 0], "{view:#}");
    assert_eq!(people(&client).await, 2_500);
}

#[tokio::test]
async fn a_stack_that_is_killed_imports_exactly_the_people_of_the_list() {
    let directory = tempfile::tempdir().unwrap();
    let stack = Process::start(directory.path()).await;
    let client = stack.client();
    create(&client).await;
    let import = upload(&client, list(12_000).as_bytes(), json!({})).await;
    eventually("some batches", async || {
        let view = client.get(&path(&import, "")).await.expect(200);
        (view["batches_done"].as_u64().unwrap() > 0).then_some(())
    })
    .await;
    stack.kill().await;
    let stack = Process::start(directory.path()).await;
    let client = stack.client();
    let view = wait_for(&client, &import, "SUCCEEDED").await;
    assert_eq!((&view["accepted"], &view["refused"]), (&json!(12_000), &json!(0)), "{view:#}");
    let (mut seen, mut next) = (BTreeSet::new(), String::new());
    loop {
        let page = client.get(&format!("/lotteries/party/participants?limit=1000{next}")).await.expect(200);
        let ids = page["participants"].as_array().unwrap().iter();
        seen.extend(ids.map(|person| person["participant_id"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    let expected: BTreeSet<String> = (0..12_000).map(|number| format!("p-{number}")).collect();
    assert_eq!(seen, expected);
    // Nothing of the list stays in the bucket.
    let listed = end_to_end_tests::http()
        .request(Method::GET, format!("{}/lists?list-type=2&prefix=uploads/", stack.aws))
        .header("authorization", "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/s3/aws4_request")
        .send();
    let listed = listed.await.unwrap().text().await.unwrap();
    assert!(listed.contains("<KeyCount>0</KeyCount>"), "{listed}");
}

#[tokio::test]
async fn the_bucket_and_its_rule_are_created_with_the_first_upload() {
    let directory = tempfile::tempdir().unwrap();
    let exist = || ["s3.sqlite", "events.sqlite"].map(|file| directory.path().join(file).exists());
    let stack = Process::start(directory.path()).await;
    create(&stack.client()).await;
    assert_eq!(exist(), [false, false], "who uploads nothing pays nothing");
    let import = upload(&stack.client(), list(10).as_bytes(), json!({})).await;
    wait_for(&stack.client(), &import, "SUCCEEDED").await;
    assert_eq!(exist(), [true, true]);
    stack.interrupt().await;
    // They are there already, and used again.
    let stack = Process::start(directory.path()).await;
    let import = upload(&stack.client(), list(11).as_bytes(), json!({})).await;
    assert_eq!(wait_for(&stack.client(), &import, "SUCCEEDED").await["accepted"], 1);
    stack.interrupt().await;
}
