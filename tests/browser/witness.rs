//! Time stamps of a commitment as the browser checks them.

use std::path::Path;

use serde_json::{Value, json};

use crate::browser::{Browser, Reader};
use end_to_end_tests::stack;

/// What each case's stamp is worth to the page's own module.
const WORTH: &str = "
    const { fromBase64, worth } = await import('./page/verify/witness.js');
    const { unhex } = await import('./page/verify/bytes.js');
    const found = [];
    for (const one of arguments[0]) found.push(await worth(fromBase64(one.token), unhex(one.commitment), Date.parse(one.round_at), one.roots));
    return found";

#[tokio::test]
async fn the_page_finds_every_kept_stamp_worth_what_the_other_verifiers_do() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../lottery/tests/vectors/time-stamps.json");
    let cases: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(cases).unwrap()).unwrap();
    let stack = stack::start().await;
    let browser = Browser::open(stack.api(), Reader::ENGLISH).await;
    browser.go("/").await;
    let found = browser.run(WORTH, json!([cases])).await;
    for (case, found) in cases.iter().zip(found.as_array().unwrap()) {
        assert_eq!(*found, case["worth"], "{}", case["name"]);
    }
    assert!(cases.len() > 15);
}

#[tokio::test]
async fn the_check_of_a_draw_says_whose_clock_has_stamped_it() {
    let stack = stack::start().await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    let draw = client.run_draw("party", json!({"winners": 2})).await;
    let path = format!("/lotteries/party/draws/{}", draw["draw_id"].as_str().unwrap());
    for (reader, words) in [(Reader::ENGLISH, "own clock"), (Reader::CHINESE, "自己的时钟")] {
        let browser = Browser::open(stack.api(), reader).await;
        browser.go(&format!("{path}/check")).await;
        browser.wait_for(".verdict[data-verdict=consistent]").await;
        browser.wait_for("[data-step=witness][data-state=open]").await;
        browser.wait_for_text("[data-step=witness]", words).await;
    }
}
