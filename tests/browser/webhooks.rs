//! An organiser names an address on the page, sees that it did not take an event, and has it sent again.

use std::time::Duration;

use local_stack::{Limits, ManualClock};
use serde_json::json;

use crate::browser::{Browser, Reader};
use end_to_end_tests::{eventually, stack};

#[tokio::test]
async fn an_event_that_no_receiver_took_is_named_and_sent_again() {
    let clock = ManualClock::new(jiff::Timestamp::now());
    let stack = stack::start_with(|config| {
        config.clock = clock.clone().into();
        // None, but for the clock, which is stopped while something works.
        config.limits = Some(Limits::default());
        config.reconcile_every = Duration::from_secs(60);
    })
    .await;
    let client = stack.client();
    client.lottery_of_employees("party").await;

    let browser = Browser::open(stack.api(), Reader::ENGLISH).await;
    browser.go("/console/party").await;
    browser.sign_in(stack.token()).await;
    browser.go("/console/party").await;
    browser.click(".webhook summary").await;
    browser.wait_for_text(".webhook [role=status]", "No address hears of the draws.").await;
    // Nobody listens there.
    browser.fill(".webhook input[name=webhook_url]", "http://127.0.0.1:1/hook?key=1").await;
    browser.click(".webhook button[type=submit]").await;
    browser.wait_for_text(".webhook .notice", "whsec_").await;
    browser.wait_for_text(".webhook [role=status]", "http://127.0.0.1:1 hears of the draws").await;

    let story = async {
        client.run_draw("party", json!({"winners": 2})).await;
        eventually("dead deliveries", async || {
            let deliveries = client.get("/lotteries/party/webhook").await.expect(200)["deliveries"].clone();
            let deliveries = deliveries.as_array().unwrap();
            (deliveries.len() == 3 && deliveries.iter().all(|it| it["state"] == "DEAD")).then_some(())
        })
        .await;
    };
    stack.fast_forward(&clock, Duration::from_secs(60), story).await;
    browser.wait_for_text(".webhook tr[data-state=DEAD]", "not delivered").await;
    browser.wait_for_text(".webhook tr[data-state=DEAD]", "the host cannot be reached").await;
    browser.screenshot("webhook").await;
    browser.click(".webhook tr[data-state=DEAD] button").await;
    let again = async { browser.wait_for(".webhook tr[data-state=RETRYING]").await };
    stack.fast_forward(&clock, Duration::from_millis(100), again).await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}
