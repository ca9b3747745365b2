//! Guests on their phones: the receipt that stays, the one sentence about a draw, the door; and what the organiser sets for them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::browser::{Browser, Reader};
use end_to_end_tests::{Client, stack};

const CHINESE_PHONE: Reader = Reader { size: (390, 844), ..Reader::CHINESE };
const PROJECTOR: Reader = Reader { size: (1280, 720), ..Reader::ENGLISH };

async fn change(client: &Client, settings: Value) {
    let headers = [("content-type", "application/merge-patch+json")];
    let body = settings.to_string().into();
    client.send(reqwest::Method::PATCH, "/lotteries/party", &headers, body).await.expect(200);
}

async fn open_party(client: &Client, settings: Value) {
    client
        .post("/lotteries", &json!({"id": "party", "name": "Party 年会", "open_to_join": true}))
        .await
        .expect(201);
    change(client, settings).await;
}

#[tokio::test]
async fn a_guest_joins_at_the_venue_sees_that_they_are_in_and_then_that_they_have_won() {
    for (reader, waiting, won) in [
        (Reader::PHONE, "You are in. Nothing has been drawn yet.", "You have won:"),
        (CHINESE_PHONE, "您已报名，还没有开奖。", "恭喜您中奖："),
    ] {
        let stack = stack::start().await;
        let client = stack.client();
        let rules =
            json!({"venue_code": "KRT7PQ", "join_groups": ["Sales", "研发"], "join_question": "Table?"});
        open_party(&client, rules).await;
        let browser = Browser::open(stack.api(), reader).await;
        browser.go("/lotteries/party/join?venue=KRT7PQ").await;
        browser.fill("input[name=name]", "王小明").await;
        browser.fill("input[name=phone]", "+86 138 0013 8000").await;
        browser.fill("input[name=answer]", "7").await;
        let choose = "const list = document.querySelector('select[name=group]'); list.value = 'Sales';";
        browser.run(choose, json!([])).await;
        browser.screenshot(&format!("guest-join-{}", reader.language)).await;
        browser.click("main form button[type=submit]").await;
        browser.wait_for(".receipt .short-code").await;
        // The receipt stays: after a reload, and wherever the guest goes on the page.
        browser.go("/lotteries/party/join").await;
        browser.wait_for(".receipt .short-code").await;
        browser.click(".receipt a.primary").await;
        browser.wait_for_text(".me .big", waiting).await;
        browser.wait_for("[data-present=yes]").await;
        browser.screenshot(&format!("guest-in-{}", reader.language)).await;

        let draw =
            client.run_draw("party", json!({"prizes": [{"name": "自行车 Bicycle", "winners": 1}]})).await;
        assert_eq!(draw["status"], "SUCCEEDED", "{draw}");
        browser.go("/lotteries/party/me").await;
        browser.wait_for_text(".me .big[data-result=won]", won).await;
        browser.screenshot(&format!("guest-won-{}", reader.language)).await;
        browser.click(".answer .actions .button").await;
        browser.wait_for("[data-step=receipt][data-state=holds]").await;

        // A participant who leaves is forgotten.
        browser.go("/lotteries/party/me").await;
        browser.wait_for("button[name=leave]").await;
        browser.click("button[name=leave]").await;
        browser.click("dialog [data-answer=yes]").await;
        browser.wait_for(".big[data-result=left]").await;
        let kept = browser.run("return localStorage.getItem('receipt:party')", json!([])).await;
        assert_eq!(kept, Value::Null);
        assert_eq!(client.get("/lotteries/party/head-count").await.expect(200)["people"], 0);
        assert_eq!(browser.complaints().await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_receipt_is_opened_by_a_link_and_never_sent_in_an_address() {
    let stack = stack::start().await;
    let client = stack.client();
    open_party(&client, json!({})).await;
    let guest = json!({"name": "Rose", "phone": "+12025550101"});
    let receipt = client.anonymous().post("/lotteries/party/join", &guest).await.expect(201);
    let link = |receipt: &Value| URL_SAFE_NO_PAD.encode(receipt.to_string());
    let words = link(&receipt);
    let browser = Browser::open(stack.api(), Reader::PHONE).await;
    browser.go(&format!("/lotteries/party/me?receipt={words}")).await;
    browser.wait_for(".me .big[data-result=in]").await;
    let hash = browser.run("return location.hash", json!([])).await;
    assert_eq!(hash, "#/lotteries/party/me", "the receipt is taken out of the address that is shown");
    let asked = "return performance.getEntriesByType('resource').map((one) => one.name).join(' ')";
    let asked = browser.run(asked, json!([])).await;
    for part in [words.as_str(), receipt["secret"].as_str().unwrap(), "Rose"] {
        assert!(!asked.as_str().unwrap().contains(part), "{asked}");
    }
    // A receipt of nobody is said to be so.
    browser.run("localStorage.clear()", json!([])).await;
    let mut forged = receipt.clone();
    forged["secret"] = json!("0".repeat(64));
    browser.go(&format!("/lotteries/party/me?receipt={}", link(&forged))).await;
    browser.wait_for(".me .big[data-result=unknown]").await;
}

#[tokio::test]
async fn the_lobby_shows_the_venues_code_and_the_door_marks_who_comes() {
    let stack = stack::start().await;
    let client = stack.client();
    open_party(&client, json!({"venue_code": "KRT7PQ"})).await;
    let guest = json!({"name": "Rose Tyler", "phone": "+12025550101"});
    let receipt = client.anonymous().post("/lotteries/party/join", &guest).await.expect(201);
    let browser = Browser::open(stack.api(), PROJECTOR).await;
    browser.sign_in(stack.token()).await;
    browser.go("/lotteries/party/stage").await;
    browser.wait_for_text(".stage-venue", "KRT7PQ").await;
    browser.wait_for_text(".stage-count", "1").await;
    browser.screenshot("lobby-venue").await;

    browser.go("/console/party/door").await;
    let entry = client.anonymous().post("/lotteries/party/entry", &receipt).await.expect(200);
    let code = entry["code"].as_str().unwrap().to_lowercase();
    browser.fill("input[name=who]", &code).await;
    browser.click(".door form button[type=submit]").await;
    browser.wait_for_text(".door-last", "Rose Tyler").await;
    browser.wait_for_text(".head-count", "1 of 1").await;
    browser.fill("input[name=who]", "tyler").await;
    browser.click(".door form button[type=submit]").await;
    browser.wait_for(".door-list button").await;
    browser.screenshot("door").await;
    browser.click(".door-list button").await;
    browser.wait_for_text(".head-count", "0 of 1").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test]
async fn an_organiser_sets_the_rules_closes_and_deletes_a_lottery() {
    for reader in [PROJECTOR, Reader::CHINESE] {
        let stack = stack::start().await;
        let client = stack.client();
        open_party(&client, json!({"time_zone": "Asia/Shanghai"})).await;
        let guest = json!({"name": "Rose", "phone": "+12025550101"});
        client.anonymous().post("/lotteries/party/join", &guest).await.expect(201);
        let browser = Browser::open(stack.api(), reader).await;
        browser.sign_in(stack.token()).await;
        browser.go("/console/party").await;
        browser.click(".settings summary").await;
        browser.wait_for("[data-settings=joining]").await;
        // A field for a time is typed into by parts, in the order of the reader's country.
        let choose = "document.querySelector('[data-settings=joining] [name=join_closes_at]').value = '2027-12-18T18:00';";
        browser.run(choose, json!([])).await;
        browser.fill("[data-settings=joining] [name=join_max_people]", "300").await;
        browser.click("button[name=new-code]").await;
        browser.screenshot(&format!("settings-{}", reader.language)).await;
        browser.click("[data-settings=joining] button[type=submit]").await;
        let saved =
            "return document.querySelector('[data-settings=joining] button[type=submit]').disabled === false";
        browser.wait("the settings are saved", saved).await;
        let settings = client.get("/lotteries/party/settings").await.expect(200);
        assert_eq!(settings["joining"]["closes_at"], "2027-12-18T10:00:00Z", "in the lottery's time zone");
        assert_eq!(settings["joining"]["max_people"], 300);
        assert_eq!(settings["venue_code"].as_str().unwrap().len(), 6);
        // Where a summary of each draw goes, in the national spelling.
        browser.fill("[data-settings=organiser] [name=organiser_phone]", "138 0013 8000").await;
        browser.fill("[data-settings=organiser] [name=organiser_email]", "desk@example.com").await;
        browser.click("[data-settings=organiser] button[type=submit]").await;
        let stored = "return document.querySelector('[name=organiser_phone]').value === '+8613800138000'";
        browser.wait("the organiser's addresses", stored).await;
        let own = json!({"phone": "+8613800138000", "email": "desk@example.com"});
        assert_eq!(client.get("/lotteries/party/organiser").await.expect(200), own);
        browser.click("button[name=close]").await;
        browser.wait_for(".aside .notice").await;
        browser.click(".settings summary").await;
        browser.wait_for("button[name=delete]").await;
        browser.click("button[name=delete]").await;
        browser.fill("dialog input[name=typed]", "party").await;
        browser.click("dialog [data-answer=yes]").await;
        browser.wait("the console", "return location.hash === '#/console'").await;
        assert_eq!(client.get("/lotteries/party/head-count").await.expect(200)["people"], 0);
        assert!(client.get("/lotteries/party").await.expect(200)["deleted_at"].is_string());
        assert_eq!(client.get("/lotteries/party/organiser").await.expect(200)["phone"], Value::Null);
        assert_eq!(browser.complaints().await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_time_that_the_clocks_skip_or_show_twice_is_known() {
    let stack = stack::start().await;
    let browser = Browser::open(stack.api(), Reader::ENGLISH).await;
    browser.go("/").await;
    let script = "const { instantsOf, instantAfter, typedIn } = await import('./page/zone.js');
        const at = (zone, typed) => instantsOf(zone, typed).map((instant) => new Date(instant).toISOString());
        return {
          plain: at('Asia/Shanghai', '2027-12-18T18:00'),
          skipped: at('America/New_York', '2027-03-14T02:30'),
          next: new Date(instantAfter('America/New_York', '2027-03-14T02:30')).toISOString(),
          twice: at('Europe/Berlin', '2027-10-31T02:30'),
          half: at('Australia/Lord_Howe', '2027-04-04T01:45'),
          back: typedIn('Asia/Shanghai', '2027-12-18T10:00:00Z'),
        }";
    let found = browser.run(script, json!([])).await;
    assert_eq!(
        found,
        json!({
            "plain": ["2027-12-18T10:00:00.000Z"],
            "skipped": [],
            "next": "2027-03-14T07:00:00.000Z",
            "twice": ["2027-10-31T00:30:00.000Z", "2027-10-31T01:30:00.000Z"],
            "half": ["2027-04-03T14:45:00.000Z", "2027-04-03T15:15:00.000Z"],
            "back": "2027-12-18T18:00",
        })
    );
}

#[tokio::test]
async fn a_rehearsal_says_what_it_is_wherever_it_is_shown() {
    for (reader, banner) in
        [(Reader::PHONE, "This is a rehearsal, not a draw"), (CHINESE_PHONE, "这是彩排，不是抽奖")]
    {
        let stack = stack::start().await;
        let client = stack.client();
        client.lottery_of_employees("party").await;
        let rehearsed = client.run_draw("party", json!({"winners": 2, "rehearsal": true})).await;
        let draw = rehearsed["draw_id"].as_str().unwrap();
        let browser = Browser::open(stack.api(), reader).await;
        browser.go("/lotteries/party").await;
        browser.wait_for("[data-rehearsal]").await;
        browser.go(&format!("/lotteries/party/draws/{draw}")).await;
        browser.wait_for_text(".rehearsal", banner).await;
        browser.screenshot(&format!("rehearsal-{}", reader.language)).await;
        browser.go(&format!("/lotteries/party/draws/{draw}/check")).await;
        browser.wait_for_text(".verdict[data-verdict=rehearsal]", banner).await;
        assert_eq!(browser.complaints().await, Vec::<String>::new());
    }
}
