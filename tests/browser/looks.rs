//! What every view owes its readers: no barriers, little to load, and each text in both languages.

use std::collections::BTreeSet;

use serde_json::json;

use crate::browser::{Browser, Reader};
use end_to_end_tests::{python, stack};

#[tokio::test]
async fn axe_finds_nothing_serious_on_any_view() {
    let axe = axe().await;
    let stack = stack::start().await;
    let client = stack.client();
    client
        .post(
            "/lotteries",
            &json!({"id": "party", "name": "年会 2026", "locale": "zh-CN", "open_to_join": true}),
        )
        .await
        .expect(201);
    client.import("party", end_to_end_tests::EMPLOYEES).await;
    let draw = client
        .run_draw(
            "party",
            json!({"prizes": [{"name": "自行车", "winners": 1}, {"name": "Book", "winners": 3}]}),
        )
        .await;
    let path = format!("/lotteries/party/draws/{}", draw["draw_id"].as_str().unwrap());

    let readers = [Reader::ENGLISH, Reader::CHINESE, Reader { scheme: "dark", ..Reader::PHONE }];
    for (reader, name) in readers.into_iter().zip(["light", "dark", "phone"]) {
        let browser = Browser::open(stack.api(), reader).await;
        browser.go("/console").await;
        scan(&browser, &axe, "signing in").await;
        browser.sign_in(stack.token()).await;
        let views = [
            ("home", "/"),
            ("console", "/console"),
            ("organise", "/console/party"),
            ("lottery", "/lotteries/party"),
            ("join", "/lotteries/party/join"),
            ("draw", &path),
            ("check", &format!("{path}/check")),
            ("execution", &format!("{path}/execution")),
            ("stage", &format!("{path}/stage")),
            ("inbox", "/inbox"),
            ("executions", "/executions"),
            ("machines", "/state-machines"),
            (
                "machine",
                "/state-machines/arn%3Aaws%3Astates%3Aus-east-1%3A123456789012%3AstateMachine%3Alottery",
            ),
            ("missing", "/nothing/here"),
        ];
        for (view, path) in views {
            browser.go(path).await;
            browser.wait_until_still().await;
            browser.screenshot(&format!("{name}-{view}")).await;
            scan(&browser, &axe, &format!("{name} {view}")).await;
        }
        browser.go("/console/party").await;
        let list = "工号,姓名,手机号,备注\n1,王伟,13800130001,x\n,李娜,,\n3,张敏,138,\n";
        browser.drop_file(".drop", "list.csv", list).await;
        browser.wait_for(".preview:not(.checking) .remarks.bad").await;
        browser.wait_until_still().await;
        browser.screenshot(&format!("{name}-preview")).await;
        scan(&browser, &axe, &format!("{name} preview")).await;
    }
}

/// The script that finds barriers.
pub(crate) async fn axe() -> String {
    let python = python::tool("python3").await;
    let tools = python.ancestors().nth(3).unwrap();
    std::fs::read_to_string(tools.join(".axe/axe_playwright_python/axe.min.js")).unwrap()
}

/// Fails if a view has serious barriers.
pub(crate) async fn scan(browser: &Browser, axe: &str, view: &str) {
    let script = "
        const found = await axe.run(document, { resultTypes: ['violations'] });
        return found.violations.filter((one) => ['serious', 'critical'].includes(one.impact))
          .map((one) => `${one.id}: ${one.nodes.map((node) => node.target.join(' ') + ' ' + node.failureSummary).join(' | ')}`)";
    let has_axe = browser.run("return Boolean(window.axe)", json!([])).await;
    if has_axe == json!(false) {
        browser.devtools("Runtime.evaluate", json!({ "expression": axe })).await;
    }
    let found = browser.run(script, json!([])).await;
    assert_eq!(found, json!([]), "{view}");
}

#[tokio::test]
async fn the_first_view_is_light_and_nothing_comes_from_elsewhere() {
    let stack = stack::start().await;
    stack.client().create_lottery("party").await;
    let browser = Browser::open(stack.api(), Reader::ENGLISH).await;
    browser.go("/").await;
    browser.wait_for(".cards li").await;
    let script = "
        const all = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
        return { bytes: all.reduce((sum, one) => sum + one.transferSize, 0), hosts: [...new Set(all.map((one) => new URL(one.name).host))], own: location.host }";
    let loaded = browser.run(script, json!([])).await;
    assert!(loaded["bytes"].as_u64().unwrap() < 80_000, "{loaded}");
    assert!(loaded["bytes"].as_u64().unwrap() > 10_000, "{loaded}");
    assert_eq!(loaded["hosts"], json!([loaded["own"]]), "{loaded}");
}

#[tokio::test]
async fn both_languages_have_every_text_with_the_same_places() {
    let stack = stack::start().await;
    let browser = Browser::open(stack.api(), Reader::CHINESE).await;
    browser.go("/").await;
    assert_eq!(browser.run("return document.documentElement.lang", json!([])).await, "zh-CN");
    let script = "
        const places = (text) => (text.match(/\\{\\w+\\}/g) ?? []).sort().join();
        const load = async (name) => Object.entries((await import(`./page/i18n/${name}.js`)).default).map(([key, text]) => `${key} ${places(text)}`);
        return [await load('en'), await load('zh-CN')]";
    let both = browser.run(script, json!([])).await;
    let texts = |index: usize| {
        let list = both[index].as_array().unwrap().iter();
        list.map(|text| text.as_str().unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    assert!(texts(0).len() > 200);
    assert_eq!(texts(0).symmetric_difference(&texts(1)).collect::<Vec<_>>(), Vec::<&String>::new());
    // Switched by hand, it stays.
    browser.run("const picker = document.querySelector('.tools select'); picker.value = 'en'; picker.dispatchEvent(new Event('change'))", json!([])).await;
    browser.wait_for_text("h1", "Prize draws").await;
    browser.go("/console").await;
    browser.wait_for_text("h1", "Organiser").await;
}

#[tokio::test]
async fn a_person_who_follows_a_link_sees_the_view_and_a_program_the_data() {
    let stack = stack::start().await;
    stack.client().create_lottery("party").await;
    let browser = Browser::open(stack.api(), Reader::ENGLISH).await;
    browser.visit(&format!("{}/lotteries/party", stack.api())).await;
    browser.wait_for_text("h1", "Company party").await;
    let answer = stack.client().anonymous().get("/lotteries/party").await.expect(200);
    assert_eq!(answer["name"], "Company party");
}
