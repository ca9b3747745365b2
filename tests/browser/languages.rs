//! Refusals of the service are shown in the reader's language.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::browser::{Browser, Reader};
use end_to_end_tests::stack;

/// Every character of a text is Chinese, or a symbol that is the same in both languages.
fn is_chinese(text: &str, same: &[&str]) -> bool {
    let mut rest = text.to_owned();
    same.iter().for_each(|part| rest = rest.replace(part, ""));
    !rest.is_empty() && !rest.chars().any(|character| character.is_ascii_alphabetic())
}

#[tokio::test]
async fn refused_lines_and_fields_are_told_in_chinese() {
    let stack = stack::start().await;
    let client = stack.client();
    let lottery = json!({"id": "party", "name": "年会", "locale": "zh-CN", "open_to_join": true});
    client.post("/lotteries", &lottery).await.expect(201);
    let browser = Browser::open(stack.api(), Reader::CHINESE).await;
    browser.sign_in(stack.token()).await;

    browser.go("/console/party").await;
    let csv = "participant_id,name,phone,email,tickets\n\
        1,王小明,+8613800138000,,\n\
        2,李雷,13800138001,,\n\
        3,韩梅梅,,nobody,\n\
        4,,,,\n\
        5,张三,,,1001\n\
        6,李四\n\
        7,赵六,+8613800138000,,\n\
        no/id,孙七,,,\n\
        8,\"周八,,,\n";
    browser.drop_file(".drop", "名单.csv", csv).await;
    browser.wait_for(".preview .remarks.bad .kind").await;
    browser.wait_for(".preview .remarks.warn .kind").await;
    browser
        .wait("all looked at", "return !document.querySelector('.preview').classList.contains('checking')")
        .await;
    let shown = browser.texts(".preview .remarks .kind").await;
    assert!(shown.len() >= 5, "{shown:?}");
    for words in &shown {
        assert!(is_chinese(words, &["rose@example.com", "SNS", "SES v2", "no/id"]), "{words}");
    }
    browser.screenshot("zh-CN-refused").await;
    browser.click(".preview button[name=cancel]").await;
    browser.drop_file(".drop", "名单.csv", "a;b\n1;Rose\n").await;
    browser.wait_for(".preview .outcome .problem").await;
    let shown = browser.texts(".preview .outcome .problem").await;
    assert!(
        is_chinese(
            &shown[0],
            &["name", "participant_id", "phone", "email", "group", "tickets", "excluded", "id"]
        ),
        "{shown:?}"
    );

    // A draw that closes in the past, and a second prize whose quota cannot be met.
    browser.click(".aside details summary").await;
    let past = "const closes = document.querySelector('input[name=closes_at]'); closes.value = '2020-01-01T00:00'; closes.dispatchEvent(new Event('input', { bubbles: true }))";
    browser.run(past, json!([])).await;
    browser.click(".aside form button[type=submit]").await;
    browser.wait_for_text(".aside form .problem", "截止时间：须晚于现在。").await;
    browser.fill("input[name=closes_at]", "").await;
    browser.click(".prizes + p button").await;
    browser.fill("fieldset.prize:nth-child(2) input[name=prize]", "自行车").await;
    browser.click("fieldset.prize:nth-child(2) .row-actions button").await;
    browser.fill("fieldset.prize:nth-child(2) .quota input:not([type=number])", "销售部").await;
    browser.fill("fieldset.prize:nth-child(2) .quota input[type=number]", "3").await;
    browser.click(".aside form button[type=submit]").await;
    browser.wait_for_text(".aside form .problem", "第 2 个奖项").await;
    browser.wait_for_text(".aside form .problem", "保留的名额多于该奖项的中奖人数").await;

    client.import("party", "participant_id,name,phone\n1,王小明,+8613800138000\n").await;
    browser.go("/lotteries/party/join").await;
    browser.fill("input[name=name]", "吴九").await;
    browser.fill("input[name=phone]", "138001").await;
    browser.click("main form button[type=submit]").await;
    browser.wait_for_text("main form .problem", "手机：").await;
    let shown = browser.texts("main form .problem").await;
    assert!(is_chinese(&shown[0], &[]), "{shown:?}");
    browser.fill("input[name=phone]", "+8613800138000").await;
    browser.click("main form button[type=submit]").await;
    // A number that is on the list is answered as a new one.
    browser.wait_for_text(".receipt h2", "报名成功").await;
}

#[tokio::test]
async fn every_code_of_the_api_has_words_in_both_languages() {
    let stack = stack::start().await;
    let document = stack.client().anonymous().get("/openapi.json").await.expect(200);
    let code = &document["components"]["schemas"]["RemarkReason"]["properties"]["code"]["enum"];
    let listed: BTreeSet<String> =
        code.as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned()).collect();
    assert!(listed.len() > 40, "{listed:?}");
    let browser = Browser::open(stack.api(), Reader::ENGLISH).await;
    browser.go("/").await;
    for language in ["en", "zh-CN"] {
        let script = "const { default: texts } = await import(`./page/i18n/${arguments[0]}.js`);
            return Object.keys(texts).filter((name) => name.startsWith('refusal.')).map((name) => name.slice(8))";
        let worded: Value = browser.run(script, json!([language])).await;
        let worded: BTreeSet<String> =
            worded.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect();
        assert_eq!(worded, listed, "{language}");
    }
}
