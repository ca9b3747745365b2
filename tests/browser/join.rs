//! Joining by oneself: the code to scan, the receipt, and one entry for each address.

use qrcodegen::{Mask, QrCode, QrCodeEcc, QrSegment, Version};
use serde_json::{Value, json};

use crate::browser::{Browser, Reader};
use end_to_end_tests::stack;

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
    browser
        .wait("the refusal", "return document.querySelector('main form .problem')?.textContent.length > 0")
        .await;

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
