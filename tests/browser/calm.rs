//! An organiser loses nothing that was typed, and a screen without a token says so and can be signed in.

use serde_json::json;

use crate::browser::{Browser, Reader};
use end_to_end_tests::stack;

const SPOIL: &str = "sessionStorage.setItem('organiser-token', 'spoilt')";
const PRIZE: &str = "return document.querySelector('fieldset.prize input[name=prize]')?.value";

#[tokio::test]
async fn an_expired_token_a_link_and_another_language_cost_nothing_that_was_typed() {
    let stack = stack::start().await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    let browser = Browser::open(stack.api(), Reader::ENGLISH).await;
    browser.sign_in(stack.token()).await;
    browser.go("/console/party").await;
    browser.fill("fieldset.prize input[name=prize]", "My long typed prize").await;

    // Another view, and another language: asked first.
    browser.run("location.hash = '#/'", json!([])).await;
    browser.wait_for_text("dialog h2", "Leave without starting the draw?").await;
    browser.click("dialog [data-answer=no]").await;
    let picker = "const picker = document.querySelector('header select'); picker.value = 'zh-CN'; picker.dispatchEvent(new Event('change'))";
    browser.run(picker, json!([])).await;
    browser.click("dialog [data-answer=no]").await;
    assert_eq!(browser.run(PRIZE, json!([])).await, "My long typed prize");

    // The token counts no more: another one is asked for over the view, and the draw starts from what was typed.
    browser.run(SPOIL, json!([])).await;
    browser.click(".aside form button[type=submit]").await;
    browser.wait_for_text("dialog h2", "Your token has expired").await;
    browser.screenshot("token-expired").await;
    browser.fill("dialog input[name=token]", stack.token()).await;
    browser.click("dialog form button[type=submit]").await;
    browser.wait("the view as it was", "return !document.querySelector('dialog')").await;
    assert_eq!(browser.run(PRIZE, json!([])).await, "My long typed prize");
    // Winners would be notified at once, so it is asked.
    browser.wait_for(".aside form button[type=submit]:enabled").await;
    browser.click(".aside form button[type=submit]").await;
    browser.wait_for_text("dialog", "10 on the list").await;
    browser.screenshot("draw-now").await;
    browser.click("dialog [data-answer=yes]").await;
    browser.wait_for_text(".draw-head h1", "My long typed prize").await;
    // The way back to the desk, where the draws come before the list.
    browser.click(".actions a[href='#/console/party']").await;
    browser.wait_for(".draws-so-far [data-draw]").await;
    let order = "
        const draws = document.querySelector('.draws-so-far');
        return Boolean(draws.compareDocumentPosition(document.querySelector('.people-table')) & Node.DOCUMENT_POSITION_FOLLOWING)";
    assert_eq!(browser.wait("the order", order).await, true);
}

#[tokio::test]
async fn a_stage_without_a_token_says_why_names_are_masked_and_is_signed_in_where_it_is() {
    let stack = stack::start().await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    let draw = client.run_draw("party", json!({"winners": 1})).await;
    let browser = Browser::open(stack.api(), Reader { size: (1280, 720), ..Reader::ENGLISH }).await;
    browser.go(&format!("/lotteries/party/draws/{}/stage", draw["draw_id"].as_str().unwrap())).await;
    browser.wait_for(".stage-ready").await;
    browser.wait_for_text("[name=sign-in]", "Names are masked: sign in").await;
    browser.screenshot("stage-masked").await;
    browser.click("[name=sign-in]").await;
    browser.fill("dialog input[name=token]", stack.token()).await;
    browser.click("dialog form button[type=submit]").await;
    browser
        .wait(
            "signed in",
            "return document.querySelector('.stage-ready') && !document.querySelector('[name=sign-in]')",
        )
        .await;
    for _ in 0..3 {
        browser.press("Space").await;
    }
    let name =
        client.get(&format!("/lotteries/party/draws/{}/winners", draw["draw_id"].as_str().unwrap())).await;
    let name = name.expect(200)["winners"][0]["name"].as_str().unwrap().to_owned();
    browser.wait_for_text(".stage-name", &name).await;
}

#[tokio::test]
async fn on_a_phone_the_way_in_comes_first_and_over_a_slow_connection_something_is_seen_to_load() {
    let stack = stack::start().await;
    let client = stack.client();
    client
        .post("/lotteries", &json!({"id": "party", "name": "Party", "open_to_join": true}))
        .await
        .expect(201);
    let browser = Browser::open(stack.api(), Reader::PHONE).await;
    browser.go("/lotteries/party").await;
    browser.wait_for(".join-card .button").await;
    let place = "
        const button = document.querySelector('.join-card .button').getBoundingClientRect();
        return [button.bottom <= innerHeight, document.querySelector('.join-card .qr').getClientRects().length]";
    assert_eq!(browser.run(place, json!([])).await, json!([true, 0]));
    browser.screenshot("phone-lottery").await;

    let slow = json!({"offline": false, "latency": 1500, "downloadThroughput": 500_000, "uploadThroughput": 500_000});
    browser.devtools("Network.enable", json!({})).await;
    browser.devtools("Network.emulateNetworkConditions", slow).await;
    let seen = "
        location.hash = '#/lotteries/party/join';
        for (let n = 0; n < 100 && !document.querySelector('main .loading'); n += 1) await new Promise((then) => setTimeout(then, 20));
        return document.querySelector('main .loading')?.getAttribute('role')";
    assert_eq!(browser.run(seen, json!([])).await, "status");
    browser
        .wait(
            "the form",
            "return document.querySelector('input[name=phone]') && !document.querySelector('.loading')",
        )
        .await;
}
