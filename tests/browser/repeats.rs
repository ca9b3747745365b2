//! An organiser has a draw repeat on the page, sees its next times and what came of the last one, pauses it and deletes it.

use std::time::Duration;

use local_stack::{Limits, ManualClock};

use crate::browser::{Browser, Reader};
use end_to_end_tests::stack;

#[tokio::test]
async fn a_draw_repeats_every_friday_and_says_what_came_of_the_last_time() {
    let clock = ManualClock::new(jiff::Timestamp::now());
    let stack = stack::start_with(|config| {
        config.clock = clock.clone().into();
        // None, but for the clock, which is stopped while something works.
        config.limits = Some(Limits::default());
    })
    .await;
    let client = stack.client();
    client.create_lottery("party").await;

    let browser = Browser::open(stack.api(), Reader::ENGLISH).await;
    browser.go("/console/party").await;
    browser.sign_in(stack.token()).await;
    browser.go("/console/party").await;
    browser.click(".repeats summary").await;
    browser.wait_for_text(".repeats [role=status]", "No draw repeats.").await;
    browser.fill(".repeats input[name=repeat_name]", "Friday draw").await;
    browser.click(".repeats button[type=submit]").await;
    browser.wait_for_text(".repeat p", "Every Friday at 17:00").await;
    assert_eq!(browser.texts(".repeat li time").await.len(), 3);

    let repeats = client.get("/lotteries/party/repeats").await.expect(200);
    let due_at: jiff::Timestamp = repeats["repeats"][0]["next"][0].as_str().unwrap().parse().unwrap();
    clock.advance(Duration::try_from(due_at.duration_since(clock.now())).unwrap());
    // The page asks again within seconds; the token is that of last week.
    browser.wait_for_text(".repeat .last", "Nobody was on the list.").await;
    browser.screenshot("repeats").await;

    browser.click(".repeat button[name=pause]").await;
    browser.wait_for_text(".repeat", "paused").await;
    browser.click(".repeat button[name=pause]").await;
    browser.wait_for_text(".repeat button[name=pause]", "Pause").await;
    browser.click(".repeat button[name=delete_repeat]").await;
    browser.click("dialog button[data-answer=yes]").await;
    browser.wait_for_text(".repeats [role=status]", "No draw repeats.").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test]
async fn the_form_reads_well_in_chinese() {
    let stack = stack::start().await;
    let client = stack.client();
    client.create_lottery("party").await;
    let browser = Browser::open(stack.api(), Reader::CHINESE).await;
    browser.go("/console/party").await;
    browser.sign_in(stack.token()).await;
    browser.go("/console/party").await;
    browser.click(".repeats summary").await;
    browser.fill(".repeats input[name=repeat_name]", "周五抽奖").await;
    browser.click(".repeats button[type=submit]").await;
    browser.wait_for_text(".repeat p", "每逢星期五 17:00").await;
    browser.screenshot("repeats-zh").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}
