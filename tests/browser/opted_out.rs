//! Before a draw the form says who has opted out of SMS, and what reaches them instead.

use serde_json::json;

use crate::browser::{Browser, Reader};
use end_to_end_tests::stack;

const PEOPLE: &str = "participant_id,name,phone,email\n\
    1,Rose Tyler,+12025550101,rose@example.com\n2,王小明,+12025550102,\n3,Martha Jones,+12025550103,\n";
const NOTICE: &str = ".opted-out";

#[tokio::test]
async fn the_form_of_a_draw_names_those_who_have_opted_out_of_sms() {
    let words = [
        (
            Reader::ENGLISH,
            "en",
            "2 people on the list have opted out of SMS and get none: Rose Tyler, 王小明. 1 of them gets an e-mail. 1 gets no message at all.",
            "2 get no message at all.",
        ),
        (
            Reader::CHINESE,
            "zh-CN",
            "名单上有 2 人已退订短信，收不到短信：Rose Tyler、王小明。其中 1 人会收到电子邮件。1 人收不到任何消息。",
            "2 人收不到任何消息。",
        ),
    ];
    for (reader, folder, text, without_email) in words {
        let stack = stack::start().await;
        let client = stack.client();
        client.post("/lotteries", &json!({"id": "party", "name": "年会"})).await.expect(201);
        client.import("party", PEOPLE).await;
        for phone in ["+12025550101", "+12025550102", "+12025559999"] {
            let stop = json!({"phone": phone, "text": "STOP"});
            client.post("/local/replies", &stop).await.expect(200);
        }
        let browser = Browser::open(stack.api(), reader).await;
        browser.sign_in(stack.token()).await;
        browser.go("/console/party").await;
        browser.wait_for_text(NOTICE, text).await;
        browser.run("document.querySelector('.opted-out').scrollIntoView()", json!([])).await;
        browser.wait_until_still().await;
        browser.screenshot(&format!("{folder}-opted-out")).await;
        // Asked again before the draw starts.
        browser.fill("fieldset.prize input[name=prize]", "一等奖").await;
        browser.click("form.card button[type=submit]").await;
        browser.wait_for_text("dialog p:nth-of-type(2)", text).await;
        browser.click("dialog button[data-answer=no]").await;

        browser.click("form.card details summary").await;
        let channel = "form.card fieldset label.check:nth-of-type(2) input";
        browser.click(channel).await;
        browser.wait_for_text(NOTICE, without_email).await;
        browser.click("form.card fieldset label.check:nth-of-type(1) input").await;
        let hidden = "return document.querySelector('.opted-out').hidden";
        browser.wait("nothing to tell without SMS", hidden).await;
        assert_eq!(browser.complaints().await, Vec::<String>::new());
    }
}
