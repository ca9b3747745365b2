//! Winners that are held back, as their organiser and everybody else see them, in both languages.

use serde_json::json;

use crate::browser::{Browser, Reader};
use end_to_end_tests::stack;

#[tokio::test]
async fn an_organiser_chooses_to_hold_winners_back_and_releases_them() {
    for (reader, title, unnamed) in [
        (Reader::ENGLISH, "Not yet announced", "drawn, not yet announced"),
        (Reader::CHINESE, "尚未公布", "已抽出，尚未公布"),
    ] {
        let stack = stack::start().await;
        let client = stack.client();
        client.lottery_of_employees("party").await;
        let browser = Browser::open(stack.api(), reader).await;
        browser.sign_in(stack.token()).await;
        browser.go("/console/party").await;
        browser.wait_for("select[name=release]").await;
        let chosen =
            browser.run("return document.querySelector('select[name=release]').value", json!([])).await;
        assert_eq!(chosen, "automatic");
        browser.fill("input[name=winners]", "3").await;
        let choose = "const select = document.querySelector('select[name=release]'); select.value = 'manual'; \
                      select.dispatchEvent(new Event('input', { bubbles: true }));";
        browser.run(choose, json!([])).await;
        browser.click(".aside form button[type=submit]").await;
        browser.wait_for_text(".release h2", title).await;
        browser.wait_for("[name^='release-'][aria-label]").await;
        browser.screenshot(&format!("release-organiser-{}", reader.language)).await;
        let hash = browser.run("return location.hash", json!([])).await;
        let draw = hash.as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        assert!(client.messages(&draw).await.is_empty());

        let public = browser.open_beside(reader).await;
        public.go(&format!("/lotteries/party/draws/{draw}")).await;
        public.wait_for("[data-held]").await;
        assert_eq!(public.texts(".winners .who").await, [unnamed; 3]);
        public.screenshot(&format!("release-public-{}", reader.language)).await;

        // One, and then the rest.
        browser.click(".winners li:first-child [name^='release-']").await;
        let two_left = "return document.querySelectorAll('.winners [name^=release-]').length === 2";
        browser.wait("two buttons", two_left).await;
        let named = "return [...document.querySelectorAll('.winners .who')].filter((one) => one.textContent.includes('*')).length === 1";
        public.wait("one name", named).await;
        browser.run("window.confirm = () => true", json!([])).await;
        browser.click("[name=release-all]").await;
        client.wait_for_end("party", &draw).await;
        browser.wait("no button", "return !document.querySelector('[name^=release-]')").await;
        public.wait("nothing held", "return !document.querySelector('[data-held]')").await;
        assert_eq!(client.addressed(&draw, "sms").await.len(), 3);
        assert_eq!(browser.complaints().await, Vec::<String>::new());
        assert_eq!(public.complaints().await, Vec::<String>::new());
    }
}
