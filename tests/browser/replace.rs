//! Winners who are replaced, and a draw that is closed, as their organiser and everybody else see them, in both languages.

use serde_json::json;

use crate::browser::{Browser, Reader};
use end_to_end_tests::stack;

#[tokio::test]
async fn an_organiser_replaces_an_absent_winner_and_everybody_sees_how_often_and_why() {
    for (reader, count, replaced, closed) in [
        (Reader::ENGLISH, "1 seat was passed on: 1 absent.", "replaced: absent", "The draw is closed"),
        (Reader::CHINESE, "1 个名额已递补：1 个因缺席。", "已更换：缺席", "本次抽奖已结束"),
    ] {
        let stack = stack::start().await;
        let client = stack.client();
        client.lottery_of_employees("party").await;
        let draw = client.run_draw("party", json!({"winners": 3, "alternates": 1})).await;
        let draw = draw["draw_id"].as_str().unwrap();
        let address = format!("/lotteries/party/draws/{draw}");
        let taker =
            client.get(&format!("{address}/winners/1/replace")).await.expect(200)["taker"]["name"].clone();

        let browser = Browser::open(stack.api(), reader).await;
        browser.sign_in(stack.token()).await;
        browser.go(&address).await;
        browser.wait_for("[name=replace-1]").await;
        browser.click("[name=replace-1]").await;
        // Who takes the seat is said, and the organiser may think again.
        browser.wait_for_text("[data-taker]", taker.as_str().unwrap()).await;
        browser.screenshot(&format!("replace-asks-{}", reader.language)).await;
        browser.click("dialog [data-answer=no]").await;
        browser.wait("no dialog", "return !document.querySelector('dialog')").await;
        assert!(browser.texts("[data-passed-on]").await.is_empty());
        browser.click("[name=replace-1]").await;
        browser.wait_for("dialog [data-answer=yes]").await;
        browser.click("dialog [data-answer=yes]").await;
        browser.wait_for_text("[data-passed-on]", count).await;
        browser.wait_for_text(".winners li", replaced).await;
        browser.wait_for_text(".winners .who", taker.as_str().unwrap()).await;
        browser.wait("no second button", "return !document.querySelector('[name=replace-1]')").await;
        browser.screenshot(&format!("replaced-organiser-{}", reader.language)).await;
        client.wait_for_end("party", draw).await;

        let public = browser.open_beside(reader).await;
        public.go(&address).await;
        public.wait_for_text("[data-passed-on]", count).await;
        assert_eq!(public.texts("[name^=replace-]").await, Vec::<String>::new());
        public.screenshot(&format!("replaced-public-{}", reader.language)).await;
        // The reader's own browser replays it.
        public.go(&format!("{address}/check")).await;
        public.wait_for("[data-step=changes][data-state=holds]").await;
        public.screenshot(&format!("replaced-check-{}", reader.language)).await;
        // The new name is on the stage.
        browser.go(&format!("{address}/stage")).await;
        browser.wait_for("body").await;

        browser.go(&address).await;
        browser.wait_for("[name=close-draw]").await;
        browser.run("window.confirm = () => true", json!([])).await;
        browser.click("[name=close-draw]").await;
        browser.wait_for_text("[data-closed]", closed).await;
        browser.wait("no button", "return !document.querySelector('[name^=replace-]')").await;
        assert_eq!(browser.complaints().await, Vec::<String>::new());
        assert_eq!(public.complaints().await, Vec::<String>::new());
    }
}
