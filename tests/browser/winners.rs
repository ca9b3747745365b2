//! A draw with many winners: the list comes page by page, and the stage calls up all.

use serde_json::json;

use crate::browser::{Browser, Reader};
use end_to_end_tests::stack;

#[tokio::test]
async fn many_winners_come_page_by_page_for_everyone_and_for_the_organiser() {
    let stack = stack::start().await;
    let client = stack.client();
    client.create_lottery("party").await;
    let mut csv = "participant_id,name,phone\n".to_owned();
    for n in 1..=450 {
        csv.push_str(&format!("p{n},Person {n},+1202{:07}\n", 5_000_000 + n));
    }
    client.import("party", &csv).await;
    let draw = client.run_draw("party", json!({"winners": 430})).await;
    let path = format!("/lotteries/party/draws/{}", draw["draw_id"].as_str().unwrap());
    assert_eq!(draw["winners"].as_array().unwrap().len(), 100);

    let browser = Browser::open(stack.api(), Reader::ENGLISH).await;
    let shown = async |count: usize| {
        let script = format!("return document.querySelectorAll('.winners li').length === {count}");
        browser.wait(&format!("{count} winners"), &script).await;
    };
    browser.go(&path).await;
    shown(100).await;
    browser.wait_for_text(".more", "100 of 430 winners").await;
    browser.run("document.querySelector('.more').scrollIntoView({ block: 'center' })", json!([])).await;
    browser.screenshot("winners-first-page").await;
    browser.click(".more button").await;
    shown(300).await;
    browser.click(".more button").await;
    shown(430).await;
    browser.wait("no further page", "return document.querySelector('.more') === null").await;
    let ranks = browser.texts(".winners .rank").await;
    assert_eq!(ranks, (1..=430).map(|rank| rank.to_string()).collect::<Vec<_>>());

    browser.sign_in(stack.token()).await;
    browser.go(&path).await;
    shown(200).await;
    browser.wait_for_text(".winners .who", "Person ").await;
    browser.click(".more button").await;
    shown(400).await;

    browser.go(&format!("{path}/stage")).await;
    browser.wait_for(".stage-ready").await;
    browser.press("Space").await;
    browser.wait_for_text(".stage-calm", "430 winners").await;
    // All at once are more than a page can hold: they come on several, and none is left out.
    browser.press("a").await;
    browser.wait_for_text(".stage-of", "430 winners").await;
    browser.wait_for_text(".stage-pages", "1 / ").await;
    browser.press("Space").await;
    browser.wait("all names", "return document.querySelectorAll('.stage-wall li').length === 430").await;
    browser.press("m").await;
    browser.wait("masked names", "return [...document.querySelectorAll('.stage-wall li')].every((one) => one.textContent.includes('*'))").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}
