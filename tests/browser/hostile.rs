//! Names that are markup, run from right to left, are pictures, or never end.

use serde_json::json;

use crate::browser::{Browser, Reader};
use end_to_end_tests::stack;

const MARKUP: &str = r#"<script>document.title="owned"</script><img src=x onerror=alert(1)>"#;
const BACKWARDS: &str = "\u{202e}مرحبا בהצלחה gnp.exe";
const PICTURES: &str = "👩‍👩‍👧‍👦🏳️‍🌈🎉 Zoë";

#[tokio::test]
async fn no_name_of_anything_does_harm_anywhere() {
    let stack = stack::start().await;
    let client = stack.client();
    let long = "Wolfeschlegelsteinhausenbergerdorff".repeat(6).chars().take(200).collect::<String>();
    let prize = MARKUP.chars().take(100).collect::<String>();
    client
        .post("/lotteries", &json!({"id": "hostile", "name": MARKUP, "open_to_join": true}))
        .await
        .expect(201);
    let people = json!([
        {"participant_id": "1", "name": MARKUP, "phone": "+12025550101"},
        {"participant_id": "2", "name": long, "phone": "+12025550102", "group": MARKUP.chars().take(60).collect::<String>()},
        {"participant_id": "3", "name": PICTURES, "phone": "+12025550103", "email": "a@example.com"},
        {"participant_id": "4", "name": "مرحبا بالعالم", "phone": "+12025550104"},
    ]);
    let report = client.post("/lotteries/hostile/participants", &people).await.expect(200);
    assert_eq!(report["accepted"], 4, "{report}");
    let request = json!({"prizes": [{"name": prize, "winners": 2}, {"name": PICTURES, "winners": 2}]});
    let draw = client.run_draw("hostile", request).await;
    let draw = draw["draw_id"].as_str().unwrap();

    let browser = Browser::open(stack.api(), Reader::PHONE).await;
    browser.sign_in(stack.token()).await;
    let path = format!("/lotteries/hostile/draws/{draw}");
    let views = [
        "/".to_owned(),
        "/console".to_owned(),
        "/console/hostile".to_owned(),
        "/lotteries/hostile".to_owned(),
        "/lotteries/hostile/join".to_owned(),
        path.clone(),
        format!("{path}/check"),
        format!("{path}/execution"),
        format!("{path}/stage"),
        "/inbox".to_owned(),
        "/executions".to_owned(),
    ];
    for view in &views {
        browser.go(view).await;
        if view.ends_with("/stage") {
            browser.wait_for(".stage-ready").await;
            browser.press("Space").await;
            browser.wait_for(".stage-announced").await;
            browser.press("a").await;
            browser.wait_for(".stage-names li + li").await;
            browser.screenshot("hostile-stage").await;
        }
        if view == "/console/hostile" {
            let file = format!("{MARKUP}{BACKWARDS}.csv");
            let csv =
                format!("participant_id,name,<b>\n9,\"{}\",<i>\n<u>,x,y\n", MARKUP.replace('"', "\"\""));
            browser.drop_file(".drop", &file, &csv).await;
            browser.wait_for(".preview .remarks.bad").await;
            browser.wait_for_text(".preview h3 bdi", "<script>").await;
            browser.wait_for_text(".sample tbody", "<script>").await;
            browser.wait_for_text(".sample thead", "<b>").await;
            browser.click(".people-table button.edit").await;
        }
        browser.wait_until_still().await;
        let state = browser
            .run(
                "return { title: document.title, scripts: document.querySelectorAll('main script, main img[src=x]').length,
                          wide: document.documentElement.scrollWidth - innerWidth }",
                json!([]),
            )
            .await;
        assert_ne!(state["title"], "owned", "{view}");
        assert_eq!(state["scripts"], 0, "{view}");
        assert!(state["wide"].as_i64().unwrap() <= 0, "{view} is {} px too wide", state["wide"]);
        assert_eq!(browser.complaints().await, Vec::<String>::new(), "{view}");
    }
    browser.go(&path).await;
    browser.wait_for_text(".winners .who", "<script>").await;
    browser.screenshot("hostile-draw").await;
}
