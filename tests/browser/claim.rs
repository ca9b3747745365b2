//! A winner claims the prize on a phone, and the organiser sees the claims; in both languages.

use serde_json::json;

use crate::browser::{Browser, Reader};
use end_to_end_tests::{eventually, stack};

const CHINESE_PHONE: Reader = Reader { size: (390, 844), ..Reader::CHINESE };

#[tokio::test]
async fn a_winner_claims_the_prize_by_one_press_and_the_organiser_sees_it() {
    for (phone, desk, sentence, confirmed, open, counts) in [
        (
            Reader::PHONE,
            Reader::ENGLISH,
            "You have won:",
            "You have confirmed.",
            "not claimed yet",
            "1 claimed, 1 open",
        ),
        (
            CHINESE_PHONE,
            Reader::CHINESE,
            "恭喜您中奖：",
            "您已确认",
            "尚未确认领奖",
            "已确认 1 个，待确认 1 个",
        ),
    ] {
        let stack = stack::start().await;
        let client = stack.client();
        client.lottery_of_employees("party").await;
        let patch = [("content-type", "application/merge-patch+json")];
        let collect = json!({"collect": "Desk 4, <b>until 22:00</b>\nBring your ID. 请带证件。"});
        let collect = collect.to_string().into();
        client.send(reqwest::Method::PATCH, "/lotteries/party", &patch, collect).await.expect(200);
        let request =
            json!({"prizes": [{"name": "自行车 Bicycle", "winners": 2}], "claim_within_seconds": 259_200});
        let draw = client.start_draw("party", request).await;
        let token = eventually("a claim link", async || {
            let messages = client.messages(&draw).await;
            let text = messages.iter().find(|message| message["channel"] == "sms")?["text"].as_str()?;
            text.split("/#/claims/").nth(1).map(str::to_owned)
        })
        .await;
        eventually("the wait for claims", async || {
            (client.draw("party", &draw).await["current_state"] == "AwaitClaims").then_some(())
        })
        .await;

        let browser = Browser::open(stack.api(), phone).await;
        browser.go(&format!("/claims/{token}")).await;
        browser.wait_for_text(".claim .big[data-claim=open]", sentence).await;
        browser.wait_for_text("[data-collect]", "<b>until 22:00</b>").await;
        browser.screenshot(&format!("claim-open-{}", phone.language)).await;
        browser.click("button[name=claim]").await;
        browser.wait_for_text("[data-claimed]", confirmed).await;
        browser.wait("no second button", "return !document.querySelector('[name=claim]')").await;
        browser.screenshot(&format!("claim-claimed-{}", phone.language)).await;
        // The same link again: still claimed.
        browser.go("/").await;
        browser.go(&format!("/claims/{token}")).await;
        browser.wait_for("[data-claim=claimed]").await;

        let organiser = browser.open_beside(desk).await;
        organiser.sign_in(stack.token()).await;
        organiser.go(&format!("/lotteries/party/draws/{draw}")).await;
        organiser.wait_for_text("[data-claims]", counts).await;
        organiser.wait_for("[data-claimed=yes]").await;
        organiser.wait_for_text("[data-claimed=no]", open).await;
        organiser.screenshot(&format!("claims-organiser-{}", desk.language)).await;
        assert_eq!(browser.complaints().await, Vec::<String>::new());
        assert_eq!(organiser.complaints().await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_link_that_is_nobodys_says_so_in_both_languages() {
    for (reader, words) in
        [(Reader::PHONE, "No prize is claimed by this link."), (CHINESE_PHONE, "此链接无对应奖品")]
    {
        let stack = stack::start().await;
        let browser = Browser::open(stack.api(), reader).await;
        browser.go(&format!("/claims/{}", "A".repeat(36))).await;
        browser.wait_for_text(".claim .problem", words).await;
        assert!(browser.texts("button[name=claim]").await.is_empty());
    }
}
