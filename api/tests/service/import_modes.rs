//! Imports as wholes: previews, lists that replace, slices and pieces, undoing, emptying, two at once.

use std::time::Duration;

use http::Method;
use lottery_store::ImportMode;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::lists::codes;
use crate::support::Service;

const PATH: &str = "/lotteries/party/participants";

async fn import(service: &Service, query: &str, body: &str) -> Value {
    service.import_as(query, body).await.expect(200).json()
}

/// `accepted updated unchanged refused withdrawn`.
fn counts(report: &Value) -> [u64; 5] {
    ["accepted", "updated", "unchanged", "refused", "withdrawn"].map(|name| report[name].as_u64().unwrap())
}

fn party() -> lottery::LotteryId {
    lottery::LotteryId::parse("party").unwrap()
}

#[tokio::test]
async fn a_file_with_fewer_columns_or_blank_cells_erases_nothing() {
    let service = Service::with_party().await;
    import(
        &service,
        "",
        "participant_id,name,phone,group,tickets,excluded\n1,Rose,+12025550101,Sales,5,true\n",
    )
    .await;
    let report = import(&service, "", "participant_id,name\n1,Rose Tyler\n").await;
    assert_eq!(counts(&report), [0, 1, 0, 0, 0]);
    let all = ["1 Rose Tyler +12025550101 . Sales 5 true"];
    assert_eq!(service.people().await, all);
    let blank = "participant_id,name,phone,email,group,tickets,excluded\n1,,,,,,\n";
    assert_eq!(counts(&import(&service, "", blank).await), [0, 0, 1, 0, 0]);
    let none = "participant_id,name,phone,email,group\n1,Rose Tyler,N/A,-,-\n";
    assert_eq!(counts(&import(&service, "", none).await), [0, 0, 1, 0, 0]);
    assert_eq!(service.people().await, all);
    // A known participant needs no name; a new one does.
    let ids = import(&service, "", "participant_id,tickets\n1,2\n2,2\n").await;
    assert_eq!((counts(&ids), codes(&ids, "refusals")), ([0, 1, 0, 1, 0], vec!["3:Missing".to_owned()]));
    // Only where a word is said to erase does it, and only that word.
    let clear = "participant_id,phone,group,tickets,excluded\n1,none,-,none,none\n";
    assert_eq!(counts(&import(&service, "clear=none", clear).await), [0, 1, 0, 0, 0]);
    assert_eq!(service.people().await, ["1 Rose Tyler . . Sales"]);
}

#[test]
fn partial_files_in_any_order_never_erase() {
    // Over the whole path from bytes to the store, for random pairs of files.
    const COLUMNS: [&str; 6] = ["name", "phone", "email", "group", "tickets", "excluded"];
    type File = (Vec<bool>, Vec<Option<usize>>);
    let file =
        || (prop::collection::vec(any::<bool>(), 6), prop::collection::vec(prop::option::of(0_usize..3), 6));
    let value = |column: usize, value: usize| match COLUMNS[column] {
        "name" => ["Rose", "Tracy", "Bob"][value].to_owned(),
        "phone" => format!("+120255501{value:02}"),
        "email" => format!("p{value}@example.com"),
        "group" => ["A", "B", "C"][value].to_owned(),
        "tickets" => (value + 2).to_string(),
        _ => "true".to_owned(),
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut runner = TestRunner::new(Config::with_cases(12));
    let outcome = runner.run(&(file(), file()), |files| {
        runtime.block_on(async {
            let service = Service::with_party().await;
            let full = "participant_id,name,phone,email,group,tickets,excluded\n\
                1,Rose,+12025550199,rose@example.com,X,9,true\n";
            import(&service, "", full).await;
            let mut expected: Vec<String> =
                ["Rose", "+12025550199", "rose@example.com", "X", "9", "true"].map(str::to_owned).to_vec();
            for (columns, cells) in [&files.0, &files.1] as [&File; 2] {
                let mut header = "participant_id".to_owned();
                let mut row = "1".to_owned();
                for column in (0..COLUMNS.len()).filter(|column| columns[*column]) {
                    let cell = cells[column].map(|cell| value(column, cell)).unwrap_or_default();
                    if !cell.is_empty() {
                        expected[column].clone_from(&cell);
                    }
                    header.push_str(&format!(",{}", COLUMNS[column]));
                    row.push_str(&format!(",{cell}"));
                }
                if header == "participant_id" {
                    continue;
                }
                import(&service, "", &format!("{header}\n{row}\n")).await;
            }
            prop_assert_eq!(service.people().await, [format!("1 {}", expected.join(" "))]);
            Ok(())
        })
    });
    outcome.unwrap();
}

#[tokio::test]
async fn a_preview_counts_what_would_happen_and_begins_nothing() {
    let service = Service::with_party().await;
    let first = import(&service, "", "participant_id,name\n1,A\n2,B\n3,C\n").await;
    assert_eq!(first["import"], json!({ "number": 1, "state": "FINISHED", "mode": "merge" }));
    service.wait(1);
    let second = "participant_id,name\n1,A\n2,Bob\n4,D\n5,\n4,E\n";
    let planned = import(&service, "mode=replace&dry_run=true", second).await;
    assert_eq!(counts(&planned), [1, 1, 1, 2, 1]);
    assert_eq!(codes(&planned, "refusals"), ["5:Missing", "6:IdTwice"]);
    assert_eq!(planned["sample"].as_array().unwrap().len(), 5);
    assert_eq!(
        (&planned["sample"][3]["refused"]["code"], &planned["sample"][1]["name"]),
        (&json!("Missing"), &json!("Bob"))
    );
    // A preview of a part does not reckon who is missing.
    let part = import(&service, "mode=replace&dry_run=true&limit=2", second).await;
    assert_eq!(
        (&part["withdrawn"], &part["next_offset"], &part["rows"]),
        (&Value::Null, &json!(2), &json!(5))
    );
    let last = service.get_as_organiser("/lotteries/party/imports/last").await.expect(200).json();
    assert_eq!((&last["number"], &last["can_undo"]), (&json!(1), &json!(true)));
    assert_eq!(service.people().await, ["1 A", "2 B", "3 C"]);
    // The import does what the preview said.
    let done = import(&service, "mode=replace", second).await;
    assert_eq!((counts(&done), &done["refusals"]), (counts(&planned), &planned["refusals"]));
    assert_eq!(service.people().await, ["1 A", "2 Bob", "4 D"]);
}

#[tokio::test]
async fn a_line_that_is_refused_withdraws_nobody() {
    let service = Service::with_party().await;
    import(&service, "", "participant_id,name,tickets\n1,A,1\n2,B,1\n3,C,1\n4,D,1\n5,E,1\n").await;
    service.wait(1);
    // 2: too many tickets. 3: a comma too much. 4: an invisible name. 5 is gone.
    let body = "participant_id,name,tickets\n1,A,1\n2,B,100000\n3,C,1,x,y\n4,\u{200b},1\n6,,\n";
    for query in ["mode=replace&dry_run=true", "mode=replace"] {
        let report = import(&service, query, body).await;
        assert_eq!(counts(&report), [0, 0, 1, 4, 1], "{query}");
    }
    assert_eq!(service.people().await, ["1 A", "2 B", "3 C", "4 D"]);
    let last = service.get_as_organiser("/lotteries/party/imports/last").await.expect(200).json();
    assert_eq!(
        (&last["refused"], &last["withdrawn"], &last["mode"]),
        (&json!(4), &json!(1), &json!("replace"))
    );
}

#[tokio::test]
async fn a_list_with_nobody_on_it_replaces_nothing() {
    let service = Service::with_party().await;
    import(&service, "", "participant_id,name\n1,A\n").await;
    service.wait(1);
    for body in ["participant_id,name\n", "participant_id,name\n,A\n", "participant_id,name\n1,\u{200b}\n"] {
        let refused = service.import_as("mode=replace", body).await.expect(409);
        assert_eq!(refused.problem(), "nobody-on-list", "{body:?}");
    }
    assert_eq!(service.people().await, ["1 A"]);
    // A list that adds nobody is no error, and leaves the import before it to be undone.
    let report = import(&service, "", "participant_id,name\n").await;
    assert_eq!((counts(&report), &report["import"]), ([0; 5], &Value::Null));
}

#[tokio::test]
async fn slices_give_the_same_as_the_whole() {
    let mut body = "participant_id,name,phone\n".to_owned();
    (0..700).for_each(|n| body.push_str(&format!("{n},Name {n},+1202555{n:04}\n")));
    body.push_str("3,Again,\nx y,Bad id,\n");
    let whole = Service::with_party().await;
    let expected = import(&whole, "", &body).await;
    let sliced = Service::with_party().await;
    let (mut offset, mut number, mut total) = (0, None, [0; 5]);
    let (mut refusals, mut warnings, mut requests) = (Vec::new(), Vec::new(), 0);
    loop {
        let continued = number.map(|number: u64| format!("&import={number}")).unwrap_or_default();
        let more = if offset < 600 { "&more=true" } else { "" };
        let report = import(&sliced, &format!("limit=200&offset={offset}{continued}{more}"), &body).await;
        assert_eq!(report["rows"], 702);
        number = report["import"]["number"].as_u64();
        total.iter_mut().zip(counts(&report)).for_each(|(sum, count)| *sum += count);
        refusals.extend(codes(&report, "refusals"));
        warnings.extend(codes(&report, "warnings"));
        requests += 1;
        assert_eq!(report["import"]["state"], if more.is_empty() { "FINISHED" } else { "RUNNING" });
        match report["next_offset"].as_u64() {
            Some(next) => offset = next,
            None => break,
        }
    }
    assert_eq!((requests, number, total), (4, Some(1), counts(&expected)));
    assert_eq!((refusals, warnings), (codes(&expected, "refusals"), codes(&expected, "warnings")));
    assert_eq!(sliced.people().await, whole.people().await);
    let last = sliced.get_as_organiser("/lotteries/party/imports/last").await.expect(200).json();
    assert_eq!(
        (&last["accepted"], &last["refused"], &last["state"]),
        (&json!(700), &json!(2), &json!("FINISHED"))
    );
}

#[tokio::test]
async fn pieces_of_a_list_are_one_import_that_replaces_and_an_id_in_two_of_them_is_refused() {
    let service = Service::with_party().await;
    import(&service, "", "participant_id,name\n1,A\n2,B\n9,Z\n").await;
    service.wait(1);
    let first = import(&service, "mode=replace&more=true", "participant_id,name\n1,Anna\n3,C\n").await;
    assert_eq!(first["import"], json!({ "number": 2, "state": "RUNNING", "mode": "replace" }));
    // A piece that is sent again, after its answer was lost, changes nothing.
    let again = import(&service, "import=2&more=true", "participant_id,name\n1,Anna\n3,C\n").await;
    assert_eq!(counts(&again), [0, 0, 2, 0, 0]);
    let second = import(&service, "import=2", "participant_id,name\n3,Carol\n2,B\n").await;
    assert_eq!(
        (counts(&second), codes(&second, "refusals")),
        ([0, 0, 1, 1, 1], vec!["2:IdInEarlierPiece".to_owned()])
    );
    assert_eq!(second["import"]["state"], "FINISHED");
    assert_eq!(service.people().await, ["1 Anna", "2 B", "3 C"]);
    // It is over; asking for its end once more is no error.
    assert_eq!(import(&service, "import=2", "").await["import"]["state"], "FINISHED");
    let over = service.import_as("import=2", "participant_id,name\n4,D\n").await.expect(409);
    assert_eq!(over.problem(), "import-over");
    assert_eq!(service.import_as("import=7", "").await.expect(409).problem(), "import-over");
    let other = service.import_as("import=2&mode=merge", "").await.expect(400).json();
    assert_eq!(other["errors"][0]["field"], "mode");
    // Without a number an empty body is what it is.
    service.import_as("", "").await.expect(400);
}

#[tokio::test]
async fn withdrawals_that_take_longer_than_a_request_go_on_with_the_next() {
    let service = Service::with(|config| config.import.withdraw_for = Duration::ZERO).await;
    service.create_party().await;
    let lines: String = (0..60).map(|n| format!("{n},Name {n}\n")).collect();
    import(&service, "", &format!("participant_id,name\n{lines}")).await;
    service.wait(1);
    let mut report = import(&service, "mode=replace", "participant_id,name\n0,Name 0\n").await;
    let (mut withdrawn, mut requests) = (report["withdrawn"].as_u64().unwrap(), 1);
    while report["import"]["state"] == "RUNNING" {
        report = import(&service, "import=2", "").await;
        withdrawn += report["withdrawn"].as_u64().unwrap();
        requests += 1;
    }
    assert!(requests > 2, "{requests}");
    assert_eq!((withdrawn, service.people().await), (59, vec!["0 Name 0".to_owned()]));
}

#[tokio::test]
async fn an_import_is_taken_back_with_its_subscriptions() {
    let service = Service::with_party().await;
    import(&service, "", "participant_id,name,email\n1,A,a@example.com\n2,B,\n3,C,c@example.com\n").await;
    let before = service.people().await;
    service.wait(1);
    let report = import(
        &service,
        "mode=replace",
        "participant_id,name,email\n1,Anna,aa@example.com\n2,B,\n4,D,d@example.com\n",
    )
    .await;
    assert_eq!(counts(&report), [1, 1, 1, 0, 1]);
    let endpoints = |service: &Service| {
        let mut all: Vec<String> =
            service.aws.script().subscriptions.iter().map(|one| one.endpoint.clone()).collect();
        all.sort();
        all
    };
    assert_eq!(endpoints(&service), ["aa@example.com", "d@example.com"]);
    let undone = service.post("/lotteries/party/imports/2/undo", json!({})).await.expect(200).json();
    assert_eq!(undone, json!({ "withdrawn": 1, "restored": 2, "kept": 0, "next_cursor": null }));
    assert_eq!(service.people().await, before);
    assert_eq!(endpoints(&service), ["a@example.com", "c@example.com"]);
    let last = service.get_as_organiser("/lotteries/party/imports/last").await.expect(200).json();
    assert_eq!((&last["state"], &last["can_undo"]), (&json!("UNDONE"), &json!(false)));
    for number in [1, 2, 3] {
        let path = format!("/lotteries/party/imports/{number}/undo");
        assert_eq!(service.post(&path, json!({})).await.expect(409).problem(), "nothing-to-undo");
    }
    let path = "/lotteries/party/imports/2/undo?cursor=nonsense";
    assert_eq!(service.post(path, json!({})).await.expect(400).problem(), "bad-query");
    service.post("/lotteries/party/imports/two/undo", json!({})).await.expect(404);
    service.get_as_organiser("/lotteries/none/imports/last").await.expect(404);
}

#[tokio::test]
async fn undoing_in_steps_ends_where_undoing_at_once_does() {
    let service = Service::with(|config| config.import.withdraw_for = Duration::ZERO).await;
    service.create_party().await;
    import(&service, "", "participant_id,name\n1,A\n").await;
    import(&service, "", "participant_id,name\n1,Anna\n2,B\n").await;
    let (mut path, mut requests) = ("/lotteries/party/imports/2/undo".to_owned(), 0);
    loop {
        let step = service.post(&path, json!({})).await.expect(200).json();
        requests += 1;
        match step["next_cursor"].as_str() {
            Some(cursor) => path = format!("/lotteries/party/imports/2/undo?cursor={cursor}"),
            None => break,
        }
    }
    assert!(requests > 2, "{requests}");
    assert_eq!(service.people().await, ["1 A"]);
}

#[tokio::test]
async fn a_list_is_emptied_if_it_is_the_one_that_was_seen_and_comes_back() {
    let service = Service::new().await;
    let body = json!({ "id": "party", "name": "Party", "open_to_join": true });
    service.post("/lotteries", body).await.expect(201);
    import(&service, "", "participant_id,name,email\n1,A,a@example.com\n2,B,\n").await;
    service
        .post("/lotteries/party/join", json!({ "name": "Guest", "phone": "+12025550101" }))
        .await
        .expect(201);
    let before = service.people().await;
    service.wait(1);
    for query in ["", "?expected=", "?expected=all"] {
        assert_eq!(service.delete(&format!("{PATH}{query}")).await.expect(400).problem(), "bad-query");
    }
    let differs = service.delete(&format!("{PATH}?expected=2")).await.expect(409);
    assert_eq!((differs.problem().as_str(), &differs.json()["total"]), ("count-differs", &json!(3)));
    assert_eq!(service.people().await.len(), 3);
    let emptied = service.delete(&format!("{PATH}?expected=3")).await.expect(200).json();
    assert_eq!(
        emptied,
        json!({ "import": { "number": 2, "state": "FINISHED", "mode": "replace" }, "withdrawn": 3, "remaining": 0 })
    );
    assert!(service.people().await.is_empty() && service.aws.script().subscriptions.is_empty());
    service.post("/lotteries/party/imports/2/undo", json!({})).await.expect(200);
    assert_eq!(service.people().await, before);
    service.delete("/lotteries/none/participants?expected=0").await.expect(404);
}

#[tokio::test]
async fn emptying_goes_on_where_a_request_ended() {
    let service = Service::with(|config| config.import.withdraw_for = Duration::ZERO).await;
    service.create_party().await;
    let lines: String = (0..40).map(|n| format!("{n},Name {n}\n")).collect();
    import(&service, "", &format!("participant_id,name\n{lines}")).await;
    service.wait(1);
    let mut remaining = 40;
    while remaining > 0 {
        let emptied = service.delete(&format!("{PATH}?expected={remaining}")).await.expect(200).json();
        assert_eq!(emptied["import"]["number"], 2, "{emptied}");
        let left = emptied["remaining"].as_u64().unwrap();
        assert_eq!(emptied["withdrawn"], remaining - left);
        remaining = left;
    }
    assert!(service.people().await.is_empty());
}

#[tokio::test]
async fn two_lists_that_add_people_at_once_are_both_taken() {
    let service = Service::with_party().await;
    let list = |first: u32| {
        let lines: String = (first..first + 2_000).map(|n| format!("{n},Name {n}\n")).collect();
        format!("participant_id,name\n{lines}")
    };
    let (one, other) = (list(1_000), list(2_000));
    let (one, other) = tokio::join!(import(&service, "", &one), import(&service, "", &other));
    for report in [&one, &other] {
        assert_eq!(
            (report["refused"].as_u64(), report["import"]["state"].as_str()),
            (Some(0), Some("FINISHED"))
        );
    }
    let all = |name: &str| one[name].as_u64().unwrap() + other[name].as_u64().unwrap();
    assert_eq!((all("accepted"), all("unchanged"), all("updated")), (3_000, 1_000, 0));
    assert_eq!(service.people().await.len(), 3_000);
    let mut numbers = [one["import"]["number"].as_u64(), other["import"]["number"].as_u64()];
    numbers.sort();
    assert_eq!(numbers, [Some(1), Some(2)]);
}

#[tokio::test]
async fn an_import_that_was_followed_by_another_withdraws_nobody() {
    let service = Service::with_party().await;
    import(&service, "", "participant_id,name\n1,A\n2,B\n").await;
    service.wait(1);
    import(&service, "mode=replace&more=true", "participant_id,name\n1,A\n").await;
    // Somebody else begins another meanwhile.
    service.store.begin_import(&party(), ImportMode::Merge, crate::support::now()).await.unwrap();
    let over = service.import_as("import=2", "participant_id,name\n3,C\n").await.expect(409);
    assert_eq!(over.problem(), "import-over");
    assert_eq!(service.people().await, ["1 A", "2 B"]);
}

#[tokio::test]
async fn on_lambda_a_long_file_is_taken_in_slices_of_two_thousand() {
    let service = Service::with(|config| config.import = api::ImportLimits::LAMBDA).await;
    service.create_party().await;
    let lines: String = (0..2_001).map(|n| format!("{n},Name {n}\n")).collect();
    let body = format!("participant_id,name\n{lines}");
    let refused = service.import_as("", body.as_str()).await.expect(413).json();
    let detail = refused["detail"].as_str().unwrap();
    assert!(detail.contains("`limit` of up to 2000") && detail.contains("`offset`"), "{detail}");
    service.import_as("limit=2001", body.as_str()).await.expect(413);
    let first = import(&service, "limit=2000&more=true", &body).await;
    assert_eq!((&first["accepted"], &first["next_offset"]), (&json!(2_000), &json!(2_000)));
    let second = import(&service, "limit=2000&offset=2000&import=1", &body).await;
    assert_eq!((counts(&second), &second["next_offset"]), ([1, 0, 0, 0, 0], &Value::Null));
    assert_eq!(service.people().await.len(), 2_001);
}

#[tokio::test]
async fn people_are_counted_by_a_request_that_failed_midway() {
    let service = Service::with_party().await;
    let lines: String = (0..2_000).map(|n| format!("{n},{}\n", "x".repeat(60))).collect();
    let pieces = vec![
        Ok(bytes::Bytes::from(format!("participant_id,name\n{lines}"))),
        Err(std::io::Error::other("the connection is gone")),
    ];
    let body = axum::body::Body::from_stream(futures_util::stream::iter(pieces));
    let request = service.request(Method::POST, &format!("{PATH}?more=true"), "text/csv", body);
    let refused = service.call(request).await.expect(400).json();
    // The same file continues the same import.
    assert_eq!(refused["import"], 1);
    let report = import(&service, "import=1", &format!("participant_id,name\n{lines}")).await;
    let taken = refused["accepted"].as_u64().unwrap();
    assert_eq!(counts(&report), [2_000 - taken, 0, taken, 0, 0]);
    let undone = service.post("/lotteries/party/imports/1/undo", json!({})).await.expect(200).json();
    assert_eq!((&undone["withdrawn"], service.people().await.len()), (&json!(2_000), 0));
}

#[tokio::test]
async fn while_a_draw_holds_the_lottery_its_list_is_not_replaced_emptied_or_taken_back() {
    let service = Service::with_party().await;
    import(&service, "", "participant_id,name\n1,A\n2,B\n").await;
    service.wait(1);
    // One list that replaces has begun, and another import may not.
    import(&service, "mode=replace&more=true", "participant_id,name\n1,A\n").await;
    let draw = service.post("/lotteries/party/draws", json!({ "winners": 1 })).await.expect(202).json();
    let draw_id = lottery::DrawId::parse(draw["draw_id"].as_str().unwrap()).unwrap();
    service.store.take_lottery(&party(), &draw_id).await.unwrap();
    let waiting = import(&service, "import=2", "").await;
    assert_eq!((&waiting["import"]["state"], &waiting["withdrawn"]), (&json!("RUNNING"), &json!(0)));
    assert_eq!(waiting["notices"][0]["code"], "WithdrawalWaits");
    assert_eq!(waiting["notices"][0]["parameters"]["draw"], draw["draw_id"]);
    for answer in [
        service.import_as("mode=replace", "participant_id,name\n1,A\n").await,
        service.delete(&format!("{PATH}?expected=2")).await,
        service.post("/lotteries/party/imports/2/undo", json!({})).await,
    ] {
        assert_eq!(answer.expect(409).problem(), "drawing");
    }
    let last = service.get_as_organiser("/lotteries/party/imports/last").await.expect(200).json();
    assert_eq!((&last["number"], &last["can_undo"]), (&json!(2), &json!(false)));
    // A list that adds people is taken at any time.
    let report = import(&service, "", "participant_id,name\n3,C\n").await;
    assert_eq!(counts(&report), [1, 0, 0, 0, 0]);
    assert_eq!(service.people().await, ["1 A", "2 B", "3 C"]);
}

#[tokio::test]
async fn one_person_is_added_beside_the_last_import() {
    let service = Service::with_party().await;
    import(&service, "", "participant_id,name\n1,A\n").await;
    let rose = json!({ "participant_id": "2", "name": "Rose", "phone": "none" });
    let report = import(&service, "", &rose.to_string()).await;
    assert_eq!((counts(&report), &report["import"]), ([1, 0, 0, 0, 0], &Value::Null));
    let last = service.get_as_organiser("/lotteries/party/imports/last").await.expect(200).json();
    assert_eq!((&last["number"], &last["accepted"], &last["can_undo"]), (&json!(1), &json!(1), &json!(true)));
    service.post("/lotteries/party/imports/1/undo", json!({})).await.expect(200);
    assert_eq!(service.people().await, ["2 Rose"]);
}
