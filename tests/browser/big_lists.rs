//! Lists that are too large for one request: sent to the storage, looked at there, and imported by a state machine, while somebody
//! watches or has left.

use std::fmt::Write as _;

use local_stack::{Fault, FaultTime};
use serde_json::{Value, json};

use crate::browser::{Browser, Reader};
use crate::lists::{choose, console, everyone, lottery};
use crate::looks::{axe, scan};
use end_to_end_tests::{Client, stack};

/// A list above what is sent directly, 4 MiB: so many people, with a long note each.
const PEOPLE: usize = 20_000;

fn list(header: &str) -> String {
    let note = "x".repeat(200);
    let mut csv = format!("{header}\n");
    for n in 1..=PEOPLE {
        // One id comes again far behind, one cannot be one, one number lacks digits.
        let (id, phone) = match n {
            15_000 => ("7".to_owned(), format!("1380{n:07}")),
            4 => ("a/b".to_owned(), format!("1380{n:07}")),
            9 => (n.to_string(), "138001".to_owned()),
            _ => (n.to_string(), format!("1380{n:07}")),
        };
        writeln!(csv, "{id},王{n},{phone},{note}").unwrap();
    }
    assert!(csv.len() > 4 * 1024 * 1024, "{}", csv.len());
    csv
}

/// How fast the browser sends, in bytes a second; `None` without a limit.
async fn send_at(browser: &Browser, speed: Option<u64>) {
    browser.devtools("Network.enable", json!({})).await;
    let upload = speed.map_or(json!(-1), |speed| json!(speed));
    let values =
        json!({"offline": false, "latency": 0, "downloadThroughput": -1, "uploadThroughput": upload});
    browser.devtools("Network.emulateNetworkConditions", values).await;
}

async fn total(client: &Client) -> u64 {
    client.get("/lotteries/party/counts").await.expect(200)["total"].as_u64().unwrap()
}

async fn imports(client: &Client) -> Vec<Value> {
    client.get("/lotteries/party/imports").await.expect(200)["imports"].as_array().unwrap().clone()
}

/// Makes a choice of the form.
async fn set(browser: &Browser, name: &str, value: &str) {
    let script = "const select = document.querySelector(`.question:not(.checking) [name=\"${arguments[0]}\"]`); select.value = arguments[1]; select.dispatchEvent(new Event('change'))";
    browser.wait_for(&format!(".question:not(.checking) [name={name}]")).await;
    browser.run(script, json!([name, value])).await;
}

async fn import(browser: &Browser) {
    browser.click(".question:not(.checking) button[name=import]:enabled").await;
}

async fn is_held(browser: &Browser) -> Value {
    browser.run("return !dispatchEvent(new Event('beforeunload', { cancelable: true }))", json!([])).await
}

async fn screenshot(browser: &Browser, name: &str) {
    browser.wait_until_still().await;
    browser.screenshot(name).await;
}

#[tokio::test]
async fn a_large_list_is_sent_shown_imported_while_nobody_looks_and_taken_back() {
    let axe = axe().await;
    let stack = stack::start().await;
    let client = stack.client();
    lottery(&client, "party").await;
    let browser = console(stack.api(), stack.token(), Reader::ENGLISH, "party").await;
    send_at(&browser, Some(1_000_000)).await;
    browser.drop_file(".drop", "staff.csv", &list("id,name,phone,notes")).await;
    browser.wait_for_text(".sending .far", " MB sent").await;
    browser.screenshot("big-sending").await;
    scan(&browser, &axe, "sending").await;

    // It is not left unasked.
    browser.click(".brand").await;
    browser.wait_for_text("dialog.ask h2", "Stop sending the list?").await;
    browser.click("dialog.ask [data-answer=no]").await;
    assert_eq!(is_held(&browser).await, true);
    send_at(&browser, None).await;

    // Nobody is in before the organiser has seen what will be.
    browser.wait_for_text(".question .outcome", "the first").await;
    assert_eq!((is_held(&browser).await, total(&client).await), (json!(false), 0));
    let fields = browser.texts(".sample thead select option:checked").await;
    assert_eq!(fields, ["Id", "Name", "Phone", "(leave out)"]);
    browser.wait_for_text(".sample tbody", "+8613800000001").await;
    browser.wait_for_text(".question .remarks.bad", "Line 5").await;
    browser.wait_for_text(".question .remarks.warn", "Line 10").await;
    screenshot(&browser, "big-question").await;
    scan(&browser, &axe, "question").await;
    import(&browser).await;

    // The page is loaded anew in the middle, and finds the import again.
    browser.wait_for(".following[data-state=importing]").await;
    browser.wait_for_text(".following .far", "of 20,000 people").await;
    browser.screenshot("big-following").await;
    scan(&browser, &axe, "following").await;
    browser.go("/console/party").await;
    browser.wait_for_text(".following h3, .big-result .quiet", "staff.csv").await;
    browser.wait_for_text(".big-result h3", "19,998 people are in").await;
    assert_eq!(total(&client).await, 19_998);
    browser.wait_for_text(".people .total", "19,998").await;
    browser.wait_for_text(".big-result .remarks.bad", "Line 15,001").await;
    screenshot(&browser, "big-result").await;
    scan(&browser, &axe, "result").await;

    // The refused lines, as a file to correct.
    browser.click(".big-result button[name=refused]").await;
    let refused = std::fs::read_to_string(browser.downloaded("staff-to-correct.csv").await).unwrap();
    let lines: Vec<_> =
        refused.lines().map(|line| line.split(',').take(3).collect::<Vec<_>>().join(",")).collect();
    assert_eq!(lines, ["\u{feff}id,name,phone", "a/b,王4,13800000004", "7,王15000,13800015000"]);

    // Loaded anew once more it is still there, and is taken back.
    browser.go("/console/party").await;
    browser.click(".big-result button[name=undo]").await;
    browser.click("dialog.ask [data-answer=yes]").await;
    browser.wait_for_text(".big-result .undo", "19,998 withdrawn").await;
    assert_eq!(total(&client).await, 0);
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test]
async fn columns_of_a_large_list_are_said_and_it_replaces_the_list() {
    let stack = stack::start().await;
    let client = stack.client();
    lottery(&client, "party").await;
    client.import("party", "participant_id,name\n1,王伟\nold,李娜\n").await;
    let browser = console(stack.api(), stack.token(), Reader::CHINESE, "party").await;
    browser.drop_file(".drop", "名单.csv", &list("代号甲,代号乙,代号丙,代号丁")).await;
    browser.wait_for(".question .problem").await;
    browser.wait_for_text(".question .sample tbody", "王2").await;
    screenshot(&browser, "big-blind").await;
    set(&browser, "column-1", "name").await;
    browser.wait_for_text(".question .outcome", "名单前").await;
    set(&browser, "column-0", "participant_id").await;
    browser.wait_for_text(".question:not(.checking) .remarks.bad", "第 5 行").await;
    set(&browser, "column-2", "phone").await;
    browser.wait_for_text(".question:not(.checking) .sample tbody", "+8613800000001").await;
    choose(&browser, ".question input[value=replace]").await;
    browser.wait_for_text(".question button[name=import]", "用这份名单替换").await;
    screenshot(&browser, "big-question-zh").await;
    import(&browser).await;
    browser.wait_for_text("dialog.ask h2", "替换整份名单吗").await;
    browser.click("dialog.ask [data-answer=no]").await;
    assert_eq!(total(&client).await, 2);
    import(&browser).await;
    browser.click("dialog.ask [data-answer=yes]").await;
    browser.wait_for(".following[data-state=importing]").await;
    browser.screenshot("big-following-zh").await;
    browser.wait_for_text(".big-result [data-figure=withdrawn] strong", "1").await;
    browser.wait_for_text(".big-result h3", "19,998 人已导入").await;
    assert_eq!(total(&client).await, 19_998);
    screenshot(&browser, "big-result-zh").await;
    let first = &everyone(&client, "party").await[0];
    assert_eq!((first[1].as_deref(), first[3].as_deref()), (Some("王1"), Some("+8613800000001")));
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_list_that_does_not_arrive_is_sent_again_and_an_import_is_stopped() {
    // The store is down after five of ten batches.
    let fault = Fault::every("import-batch", "StoreUnavailable", FaultTime::Before).calls(6..=10_000);
    let stack = stack::start_with(|config| config.faults = vec![fault]).await;
    let client = stack.client();
    lottery(&client, "party").await;
    let browser = console(stack.api(), stack.token(), Reader::PHONE, "party").await;
    let csv = list("id,name,phone,notes");
    let fits = async |what: &str| {
        screenshot(&browser, &format!("big-{what}")).await;
        let wide = browser.run("return document.documentElement.scrollWidth - innerWidth", json!([])).await;
        assert!(wide.as_i64().unwrap() <= 0, "{what} is {wide} px too wide");
    };
    let blocked = async |urls: Value| {
        browser.devtools("Network.enable", json!({})).await;
        browser.devtools("Network.setBlockedURLs", json!({ "urls": urls })).await;
    };
    blocked(json!(["*/lists/uploads/*"])).await;
    browser.drop_file(".drop", "staff.csv", &csv).await;
    browser.wait_for_text(".sending .problem", "did not arrive").await;
    fits("lost").await;
    blocked(json!([])).await;
    send_at(&browser, Some(300_000)).await;
    browser.click(".sending button[name=again]").await;
    browser.wait_for_text(".sending .far", " MB sent").await;

    // Loaded anew while it is sent, it says what happened.
    browser.run("addEventListener('beforeunload', (event) => event.stopImmediatePropagation(), { capture: true })", json!([])).await;
    browser.go("/console/party").await;
    browser.wait_for_text(".interrupted .problem", "still being sent").await;
    fits("interrupted").await;
    assert_eq!(total(&client).await, 0);
    send_at(&browser, None).await;

    // Dropped again and put aside, nobody is in.
    browser.drop_file(".drop", "staff.csv", &csv).await;
    browser.click(".question button[name=cancel]").await;
    browser.click("dialog.ask [data-answer=yes]").await;
    browser.wait_for_text(".import-stage .notice", "Nobody was imported").await;
    let states: Vec<_> = imports(&client).await.iter().map(|one| one["state"].clone()).collect();
    assert_eq!(states, ["CANCELLED", "CANCELLED"]);

    // Stopped in the middle, who is in stays in, and is taken back.
    browser.drop_file(".drop", "staff.csv", &csv).await;
    browser.wait_for(".question").await;
    import(&browser).await;
    browser.wait_for_text(".following[data-state=importing] .far", "9,999 of 20,000 people").await;
    browser.click(".following button[name=stop]").await;
    fits("stop").await;
    browser.click("dialog.ask [data-answer=yes]").await;
    browser.wait_for_text(".big-result h3", "Stopped: 9,998 people are in").await;
    assert_eq!(total(&client).await, 9_998);
    fits("stopped").await;
    browser.click(".big-result button[name=undo]").await;
    browser.click("dialog.ask [data-answer=yes]").await;
    browser.wait_for_text(".big-result .undo", "Taken back").await;
    assert_eq!(total(&client).await, 0);
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}
