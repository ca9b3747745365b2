//! An organiser finds the messages that were not sent, and has them sent again.

use serde_json::json;

use crate::browser::{Browser, Reader};
use end_to_end_tests::{eventually, stack};

#[tokio::test]
async fn messages_that_failed_are_named_and_sent_again_and_those_perhaps_sent_with_a_warning() {
    let stack = stack::start_with(|config| {
        // The phones of 001 and 002 are refused by the carrier at first.
        config.refuse = vec!["+12025550101".to_owned(), "+12025550102".to_owned()];
    })
    .await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    let draw = client.run_draw("party", json!({"winners": 10, "channels": ["sms"]})).await;
    assert_eq!(draw["status"], "INCOMPLETE", "{draw}");
    let failed = draw["notifications"]["sms"]["failed"].as_u64().unwrap();
    assert!(failed > 0, "{draw}");
    let draw = draw["draw_id"].as_str().unwrap();
    let path = format!("/lotteries/party/draws/{draw}");

    let browser = Browser::open(stack.api(), Reader::ENGLISH).await;
    browser.go(&path).await;
    browser.wait_for_text(".small-table", "SMS").await;
    assert!(browser.texts(".resend").await.is_empty(), "only the organiser sends");
    browser.sign_in(stack.token()).await;
    browser.go(&path).await;
    browser.wait_for_text(".resend", &format!("Not sent: {failed}")).await;
    browser.click(".resend details summary").await;
    let rows = format!("return document.querySelectorAll('.resend tbody tr').length === {failed}");
    browser.wait("each unsent message", &rows).await;
    browser.wait_for_text(".resend tbody tr", "not sent").await;
    browser.wait_for_text(".resend tbody tr", "refused as invalid").await;
    browser.run("document.querySelector('.resend').scrollIntoView()", json!([])).await;
    browser.wait_until_still().await;
    browser.screenshot("send-again").await;
    browser.click(".resend button[type=submit]").await;
    // The draw continues, and ends again: refused once more, so that it can be sent again once more.
    let ledger = format!("{path}/notifications?state=FAILED");
    let line = eventually("a second attempt", async || {
        let found = client.get(&ledger).await.expect(200)["notifications"][0].clone();
        (!found["earlier"][0].is_null()).then_some(found)
    })
    .await;
    assert_eq!(line["earlier"].as_array().unwrap().len(), 1, "{line}");
    let ended = client.wait_for_end("party", draw).await;
    assert_eq!(ended["notifications"]["sms"]["failed"].as_u64(), Some(failed), "{ended}");
    browser.wait_for_text(".resend", &format!("Not sent: {failed}")).await;
    let addressed = client.addressed(draw, "sms").await;
    assert_eq!(addressed.len() as u64, 10 - failed, "no phone gets two messages");
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}
