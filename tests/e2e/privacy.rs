//! No phone, e-mail or name where it does not belong.

use reqwest::Method;
use serde_json::{Value, json};

use end_to_end_tests::{Process, python};

/// Planted in the pool; none of these may be found anywhere but in the inbox and in scoped answers.
const PLANTED: [&str; 4] = ["Zebulon", "Quackenbush", "5550199", "zq-secret"];

#[tokio::test]
async fn histories_logs_and_open_answers_hold_no_personal_data() {
    let data = tempfile::tempdir().unwrap();
    let stack = Process::start_with(data.path(), &["--refuse", "+12025550199"]).await;
    let client = stack.client();
    client.create_lottery("party").await;
    let csv = "participant_id,name,phone,email\n\
               p-1,Zebulon Quackenbush,+1 202 555 0199,zq-secret@example.com\n\
               p-2,Zebulon Quackenbush,+12025550199,other@example.com\n\
               p-3,Zebulon Quackenbush,not a phone zq-secret,\n";
    let strict = "/lotteries/party/participants?strict=true";
    let report =
        client.send(Method::POST, strict, &[("content-type", "text/csv")], csv.into()).await.expect(200);
    assert_eq!((&report["accepted"], &report["refused"]), (&json!(1), &json!(2)), "{report}");
    let ended = client.run_draw("party", json!({"winners": 1})).await;
    assert_eq!(ended["status"], "INCOMPLETE", "the planted phone refuses: {ended}");
    let rejected = client.run_draw("party", json!({"winners": 5})).await;
    assert_eq!(rejected["status"], "REJECTED");
    let withdrawn = "/lotteries/party/participants/p-1";
    client.send(Method::DELETE, withdrawn, &[], Vec::new()).await;

    let mut seen = vec![("the log".to_owned(), stack.log())];
    let openapi = client.get("/openapi.json").await.expect(200);
    for (path, operations) in openapi["paths"].as_object().unwrap() {
        if operations.get("get").is_none() || path.ends_with("/events") {
            continue;
        }
        let path = path.replace("{lottery_id}", "party");
        for draw in [&ended, &rejected] {
            let path = path.replace("{draw_id}", draw["draw_id"].as_str().unwrap());
            let answer = client.anonymous().get(&path).await;
            seen.push((path, format!("{:?}{}", answer.headers, answer.text)));
        }
    }
    for draw in [&ended, &rejected] {
        let arn = draw["execution_arn"].as_str().unwrap();
        for call in ["get-execution-history", "describe-execution"] {
            let text = python::run("aws", &stack.aws, &["stepfunctions", call, "--execution-arn", arn]).await;
            assert!(text.contains("party"), "{text}");
            seen.push((format!("{call} of {arn}"), text));
        }
    }
    for (origin, text) in &seen {
        for planted in PLANTED {
            assert!(
                !text.to_lowercase().contains(&planted.to_lowercase()),
                "{planted} is in {origin}: {text}"
            );
        }
    }

    // The control: the search finds what is there. The inbox holds the address of the winner.
    let inbox = client.get("/local/messages").await.expect(200);
    assert!(inbox.to_string().contains(PLANTED[3]), "{inbox}");
    assert!(matches!(&inbox["messages"], Value::Array(messages) if !messages.is_empty()));
}
