//! Quotas in the form of a draw: chosen from the groups of the list, and a mistyped one corrected in its field.

use serde_json::{Value, json};

use crate::browser::{Browser, Reader};
use end_to_end_tests::stack;

const PEOPLE: &str = "participant_id,name,group\n\
    1,张伟,管理层\n2,李娜,管理层\n3,王芳,市场部\n4,刘洋,市场部\n5,陈静,市场部\n6,杨帆,研发部\n7,赵磊,研发部\n8,周杰,\n";
const ADD_QUOTA: &str = "fieldset.prize .row-actions > button:first-child";

#[tokio::test]
async fn groups_are_chosen_with_their_sizes_and_an_unknown_one_is_mended_at_its_quota() {
    for (reader, folder) in [(Reader::CHINESE, "zh-CN"), (Reader::ENGLISH, "en")] {
        let stack = stack::start().await;
        let client = stack.client();
        client.post("/lotteries", &json!({"id": "party", "name": "年会"})).await.expect(201);
        client.import("party", PEOPLE).await;
        let browser = Browser::open(stack.api(), reader).await;
        browser.sign_in(stack.token()).await;
        browser.go("/console/party").await;
        browser.fill("fieldset.prize input[name=prize]", "一等奖").await;
        browser.fill("fieldset.prize input[name=winners]", "2").await;
        browser.click(ADD_QUOTA).await;
        browser.wait_for(".quota .choices input[value='研发部']").await;
        let listed = browser.texts(".quota .choices label").await;
        let listed: Vec<_> = listed.iter().map(|text| text.trim()).collect();
        assert_eq!(listed[..3], ["市场部 3", "研发部 2", "管理层 2"], "{listed:?}");
        assert!(listed[3].ends_with(" 1") && listed.len() == 4, "people without a group: {listed:?}");
        browser.click(".quota .choices input[value='市场部']").await;
        browser.click(".quota .choices input[value='研发部']").await;
        browser.wait_for_text(".quota summary", "市场部 + 研发部").await;
        browser.fill(".quota input[type=number]", "1").await;
        browser.click(ADD_QUOTA).await;
        browser.click(".quota:nth-child(2) .choices input[value='管理层']").await;
        browser.click(".quota:nth-child(2) .choices input[name=without_group]").await;
        browser.fill(".quota:nth-child(2) > .field:nth-of-type(3) input", "0").await;
        browser.wait_until_still().await;
        browser.run("document.querySelector('.quota').scrollIntoView()", json!([])).await;
        browser.screenshot(&format!("{folder}-quotas")).await;

        // The group is renamed on the list behind the form's back.
        client.import("party", &PEOPLE.replace("管理层", "管理层领导")).await;
        browser.click(".aside form button[type=submit]").await;
        browser.wait_for_text(".quota:nth-child(2) .quota-problem", "管理层").await;
        browser.wait_for_text(".aside form > .problem", "管理层").await;
        browser.screenshot(&format!("{folder}-unknown-group")).await;
        let kept = "return [...document.querySelectorAll('.aside form input:not([type=checkbox])')].map((one) => one.value)";
        let before = browser.run(kept, json!([])).await;
        assert!(before.as_array().unwrap().contains(&json!("一等奖")), "{before}");
        browser.click(".quota:nth-child(2) .quota-problem button").await;
        browser.wait_for_text(".quota:nth-child(2) summary", "管理层领导 + ").await;
        assert_eq!(browser.texts(".quota-problem .problem").await, Vec::<String>::new());
        browser.click(".aside form button[type=submit]").await;
        browser.wait_for(".draw-head h1").await;
        browser.wait_for_text(".rules", "市场部 + 研发部").await;
        browser.wait_for_text(".rules", "管理层领导 + ").await;
        browser.screenshot(&format!("{folder}-rules")).await;
        let hash = browser.run("return location.hash", json!([])).await;
        let draw = hash.as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        let ended = client.wait_for_end("party", &draw).await;
        assert!(ended["commitment"].is_string(), "{ended}");
        let winners = client.winners("party", &draw).await;
        assert!(winners.iter().all(|id| !["1", "2", "8"].contains(&id.as_str())), "{winners:?}");
        browser.go(&format!("/lotteries/party/draws/{draw}/check")).await;
        browser.wait_for(".verdict[data-verdict=consistent]").await;
        assert_eq!(browser.complaints().await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn groups_are_typed_where_the_list_has_none_yet() {
    let stack = stack::start().await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    let browser = Browser::open(stack.api(), Reader::ENGLISH).await;
    browser.sign_in(stack.token()).await;
    browser.go("/console/party").await;
    browser.click(ADD_QUOTA).await;
    browser.fill(".quota input[name=group]", "Sales").await;
    browser.click(".quota .typed button").await;
    browser.fill(".quota .typed .field:nth-child(2) input", "Support").await;
    browser.fill(".quota > .field:nth-of-type(3) input", "1").await;
    browser.click(".aside form button[type=submit]").await;
    // Its winners would be notified at once: the form asks first.
    browser.click("dialog [data-answer=yes]").await;
    browser.wait_for_text(".quota-problem", "Sales").await;
    browser.wait_for_text(".quota-problem", "Support").await;
    assert_eq!(client.get("/lotteries/party").await.expect(200)["draws"], json!([]));
    let typed = "return [...document.querySelectorAll('.quota .typed input')].map((one) => one.value)";
    assert_eq!(browser.run(typed, json!([])).await, json!(["Sales", "Support"]));
}

/// The lines and seats that were worked out by hand for every verifier.
const VECTORS: &str = "../lottery/tests/vectors/quota-seats.json";

#[tokio::test]
async fn the_browser_gives_the_seats_that_were_worked_out_by_hand_and_knows_one_form_of_each_quota() {
    let stack = stack::start().await;
    let browser = Browser::open(stack.api(), Reader::ENGLISH).await;
    browser.go("/").await;
    let vectors: Value = serde_json::from_str(&std::fs::read_to_string(VECTORS).unwrap()).unwrap();
    for case in vectors["cases"].as_array().unwrap() {
        let script = "
            const { ranking } = await import('./page/verify/ranking.js');
            const { proofShape, fits } = await import('./page/verify/shape.js');
            const [{ prizes, line, alternates }] = arguments;
            const people = line.map((group, i) => ({ label: String(i), score: Uint8Array.of(i), group }));
            const found = ranking(people, { prizes, alternates });
            const seats = line.map((_, i) => found.find((one) => one.label === String(i)));
            return { fits: fits(prizes, proofShape().manifest.prizes), seats: seats.map((one) => (one ? [one.prize, one.seat] : null)) }";
        let found = browser.run(script, json!([case])).await;
        assert_eq!(found, json!({"fits": true, "seats": case["seats"]}), "{}", case["what"]);
    }
    let script = "
        const { proofShape, fits } = await import('./page/verify/shape.js');
        return arguments[0].map((quota) => fits([{ name: 'P', winners: 2, quota }], proofShape().manifest.prizes))";
    let bounds = |mut quota: Value| {
        quota["at_least"] = Value::Null;
        quota["at_most"] = json!(1);
        quota
    };
    let one = bounds(json!({"group": "a"}));
    let wrong = [
        vec![bounds(json!({}))],
        vec![bounds(json!({"groups": ["a", "b"]}))],
        vec![bounds(json!({"without_group": true}))],
        vec![bounds(json!({"groups": ["a"], "without_group": false}))],
        vec![bounds(json!({"groups": [], "without_group": false}))],
        vec![bounds(json!({"groups": ["b", "a"], "without_group": false}))],
        vec![bounds(json!({"groups": ["a", "a"], "without_group": true}))],
        vec![bounds(json!({"groups": ["𠀀", "～"], "without_group": false}))],
        vec![bounds(json!({"group": "a", "groups": ["a", "b"], "without_group": false}))],
        vec![bounds(json!({"groups": ["a", "b"], "without_group": 1}))],
        vec![one.clone(), one.clone()],
        vec![one.clone(), bounds(json!({"groups": ["a", "b"], "without_group": false}))],
        vec![bounds(json!({"groups": [], "without_group": true})); 2],
        (0..51).map(|n| bounds(json!({"group": format!("{n}")}))).collect(),
    ];
    let found = browser.run(script, json!([wrong])).await;
    assert_eq!(found, json!(vec![false; wrong.len()]));
    assert_eq!(browser.run(script, json!([[[one]]])).await, json!([true]));
}
