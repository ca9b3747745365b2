//! Imports of many lines, some of them bad.

use std::fmt::Write as _;

use reqwest::Method;
use serde_json::{Value, json};

use end_to_end_tests::stack;

/// `count` good lines with a phone each, in a column order of their own.
fn participants(count: usize) -> String {
    (0..count).fold("phone,name,participant_id\n".to_owned(), |mut csv, number| {
        writeln!(csv, "+86138{number:08},Person {number},p-{number}").unwrap();
        csv
    })
}

#[tokio::test]
async fn ten_bad_lines_among_thousands_are_named_and_the_others_taken() {
    let stack = stack::start().await;
    let client = stack.client();
    client.create_lottery("party").await;
    let bad = [100, 200, 300, 400, 500, 600, 700, 800, 900, 2000];
    let mut lines: Vec<_> = participants(3000).lines().map(str::to_owned).collect();
    for line in bad {
        lines[line - 1] = format!("call me maybe,Person,bad {line}");
    }
    let report = client.import("party", &lines.join("\n")).await;
    assert_eq!((&report["accepted"], &report["refused"]), (&json!(2990), &json!(10)), "{report}");
    let named = report["refusals"].as_array().unwrap().iter();
    let named: Vec<_> = named.map(|refusal| (refusal["line"].clone(), refusal["column"].clone())).collect();
    assert_eq!(named, bad.map(|line| (json!(line), json!("participant_id"))));

    let draw = client.run_draw("party", json!({"winners": 100})).await;
    assert_eq!(draw["status"], "SUCCEEDED", "{draw}");
    assert_eq!(client.winners("party", draw["draw_id"].as_str().unwrap()).await.len(), 100);
}

#[tokio::test]
async fn every_format_gives_the_same_people() {
    let stack = stack::start().await;
    let client = stack.client();
    let person = json!({"participant_id": "1", "name": "Rose", "phone": "+12025550101"});
    let other = json!({"participant_id": "2", "name": "Aaron", "email": "aaron@example.com"});
    let bodies = [
        ("text/csv", "\u{feff}email,participant_id,phone,name\r\n,1,+1 202-555-0101,\"Rose\"\r\naaron@example.com,2,,Aaron\r\n".to_owned()),
        ("application/x-ndjson", format!("{person}\n{other}\n")),
        ("application/json", json!([person, other]).to_string()),
    ];
    let mut seen: Vec<Value> = Vec::new();
    for (number, (content_type, body)) in bodies.into_iter().enumerate() {
        let lottery = format!("party-{number}");
        client.create_lottery(&lottery).await;
        let path = format!("/lotteries/{lottery}/participants");
        let report = client
            .send(Method::POST, &path, &[("content-type", content_type)], body.into())
            .await
            .expect(200);
        assert_eq!(report["accepted"], 2, "{content_type}: {report}");
        let mut page = client.get(&path).await.expect(200);
        let people = page["participants"].as_array_mut().unwrap();
        for person in people.iter_mut() {
            // Each list gives its people a time and a code of their own.
            person.as_object_mut().unwrap().retain(|field, _| field != "registered_at" && field != "code");
        }
        people.sort_by_key(|person| person["participant_id"].to_string());
        seen.push(page["participants"].clone());
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0], seen[2]);
    assert!(seen[0].to_string().contains("+12025550101"), "its organiser sees the list in full: {}", seen[0]);
}
