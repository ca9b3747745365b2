//! Joining by oneself: the code to scan, the receipt, and one entry for each address.

use qrcodegen::{Mask, QrCode, QrCodeEcc, QrSegment, Version};
use serde_json::{Value, json};

use crate::browser::{Browser, Reader};
use end_to_end_tests::{Client, stack};

#[tokio::test]
async fn somebody_joins_with_a_phone_and_finds_their_entry_with_the_receipt() {
    let stack = stack::start().await;
    let client = stack.client();
    client.post("/lotteries", &json!({"id": "fair", "name": "Fair", "open_to_join": true})).await.expect(201);
    let browser = Browser::open(stack.api(), Reader::PHONE).await;

    browser.go("/lotteries/fair").await;
    browser.wait_for(".qr").await;
    browser.screenshot("phone-scan").await;
    browser.click(".join-card .button").await;
    browser.fill("input[name=name]", "王小明").await;
    browser.fill("input[name=phone]", "+86 138 0013 8000").await;
    browser.click("main form button[type=submit]").await;
    browser.wait_for(".receipt pre").await;
    browser.screenshot("phone-receipt").await;
    let kept = browser.run("return localStorage.getItem('receipt:fair')", json!([])).await;
    let receipt = kept.as_str().unwrap().to_owned();

    browser.go("/lotteries/fair/join").await;
    browser.click("button[name=another]").await;
    browser.fill("input[name=name]", "Somebody else").await;
    browser.fill("input[name=phone]", "+8613800138000").await;
    browser.click("main form button[type=submit]").await;
    // The response is that of a new entry; the receipt that is kept stays, and the owner of the number gets the link.
    browser.wait_for(".receipt pre").await;
    let still = browser.run("return localStorage.getItem('receipt:fair')", json!([])).await;
    assert_eq!(still, kept);
    let count = client.anonymous().get("/lotteries/fair/head-count").await.expect(200);
    assert_eq!(count["people"], 1);
    let message = client.get("/local/messages?address=%2B8613800138000").await.expect(200);
    assert!(message["messages"].to_string().contains("/me?receipt="), "{message}");

    let draw = client.run_draw("fair", json!({"winners": 1})).await;
    assert_eq!(draw["status"], "SUCCEEDED", "{draw}");
    browser.go(&format!("/lotteries/fair/draws/{}/check", draw["draw_id"].as_str().unwrap())).await;
    browser.wait_for(".verdict[data-verdict=consistent]").await;
    browser.fill("textarea", &receipt).await;
    browser.click("main form button").await;
    browser.wait_for("[data-step=receipt][data-state=holds]").await;
    browser.wait_for_text("[data-step=receipt]", "won").await;
    let mut forged: Value = serde_json::from_str(&receipt).unwrap();
    forged["participant_id"] = json!("somebody-else");
    browser.fill("textarea", &forged.to_string()).await;
    browser.click("main form button").await;
    browser.wait_for("[data-step=receipt][data-state=broken]").await;
}

/// The text of the last message to an address.
async fn last_message(client: &Client, address: &str) -> String {
    let found = client.get(&format!("/local/messages?address={address}")).await.expect(200);
    let last = found["messages"].as_array().unwrap().last().unwrap().clone();
    last["text"].as_str().or(last["message"].as_str()).expect("a text").to_owned()
}

#[tokio::test]
async fn an_address_is_confirmed_by_a_code_and_a_lost_receipt_comes_back_by_a_link() {
    let stack = stack::start().await;
    let client = stack.client();
    let lottery = json!({"id": "fair", "name": "Fair", "open_to_join": true});
    client.post("/lotteries", &lottery).await.expect(201);
    let body = json!({"join_confirm_addresses": true}).to_string().into();
    let json = [("content-type", "application/json")];
    client.send(reqwest::Method::PATCH, "/lotteries/fair", &json, body).await.expect(200);
    let browser = Browser::open(stack.api(), Reader::PHONE).await;
    browser.go("/lotteries/fair/join").await;
    browser.fill("input[name=name]", "王小明").await;
    browser.fill("input[name=email]", "ming@example.com").await;
    browser.click("main form button[type=submit]").await;
    browser.wait_for("form[name=confirm] input[name=code]").await;
    browser.screenshot("phone-confirm").await;
    let text = last_message(&client, "ming@example.com").await;
    let is_code = |run: &&str| run.len() == 6;
    let code = text.split(|c: char| !c.is_ascii_digit()).find(is_code).expect("a code").to_owned();
    let wrong = if code == "000000" { "000001" } else { "000000" };
    browser.fill("input[name=code]", wrong).await;
    browser.click("form[name=confirm] button[type=submit]").await;
    let shown = "return document.querySelector('form[name=confirm] .problem').textContent.length > 0";
    browser.wait("the refusal", shown).await;
    browser.fill("input[name=code]", &code).await;
    browser.click("form[name=confirm] button[type=submit]").await;
    browser.wait_for(".receipt pre").await;

    // The receipt is lost; the link to the entry brings it back.
    browser.run("localStorage.clear()", json!([])).await;
    browser.go("/lotteries/fair/me").await;
    browser.fill("form[name=link] input[name=address]", "ming@example.com").await;
    browser.screenshot("phone-lost-receipt").await;
    browser.click("form[name=link] button[type=submit]").await;
    browser.wait_for("form[name=link] .notice").await;
    let text = last_message(&client, "ming@example.com").await;
    let link = text.split_whitespace().find(|word| word.contains("/me?receipt=")).expect("a link");
    let (_, view) = link.split_once("/#").unwrap();
    browser.go(view).await;
    browser.wait_for("[data-result=in]").await;
    browser.screenshot("phone-found-again").await;
}

#[tokio::test]
async fn the_codes_are_those_of_another_encoder() {
    let stack = stack::start().await;
    let browser = Browser::open(stack.api(), Reader::ENGLISH).await;
    browser.go("/").await;
    for length in [1, 14, 15, 40, 62, 100, 150, 180, 213, 250, 330, 400] {
        let text: String = "https://lottery.example/#/lotteries/年/".chars().cycle().take(length).collect();
        let text = if text.len() > 400 { text.chars().take(length / 2).collect() } else { text };
        let script = "const { encode } = await import('./page/qr.js'); const { version, mask, dark } = encode(arguments[0]);
            return { version, mask, rows: dark.map((row) => row.map(Number).join('')) }";
        let ours = browser.run(script, json!([text])).await;
        let mask = ours["mask"].as_u64().unwrap() as u8;
        let segments = [QrSegment::make_bytes(text.as_bytes())];
        let (least, most) = (Version::new(1), Version::new(15));
        let theirs = QrCode::encode_segments_advanced(
            &segments,
            QrCodeEcc::Medium,
            least,
            most,
            Some(Mask::new(mask)),
            false,
        )
        .unwrap();
        let rows: Vec<String> = (0..theirs.size())
            .map(|y| (0..theirs.size()).map(|x| if theirs.get_module(x, y) { '1' } else { '0' }).collect())
            .collect();
        assert_eq!(ours["version"], theirs.version().value(), "{length}");
        assert_eq!(ours["rows"], json!(rows), "{length}");
    }
}
