//! An organiser's evening, in both languages: from the file of participants to the checked proof, and a draw that fails.

use local_stack::{Fault, FaultTime};
use serde_json::json;

use crate::browser::{Browser, Reader};
use end_to_end_tests::client::phone_of;
use end_to_end_tests::{Client, EMPLOYEES, stack};

/// The words of a language that a test looks for; all others it finds by their place.
struct Words {
    folder: &'static str,
    brought: &'static str,
    refused: &'static str,
    complete: &'static str,
    consistent: &'static str,
    nobody: &'static str,
    failed: &'static str,
}

const ENGLISH: Words = Words {
    folder: "en",
    brought: "11 people are in",
    refused: "is no phone number",
    complete: "complete",
    consistent: "consistent",
    nobody: "who would have won",
    failed: "failed before its winners were official",
};
const CHINESE: Words = Words {
    folder: "zh-CN",
    brought: "11 人已导入",
    refused: "不是电话号码",
    complete: "完成",
    consistent: "一切相符",
    nobody: "本应中奖的人",
    failed: "在中奖结果生效前出错",
};

#[tokio::test]
async fn an_organiser_runs_a_draw_watches_shows_and_checks_it() {
    evening(Reader::ENGLISH, ENGLISH).await;
}

#[tokio::test]
async fn an_organiser_does_the_same_in_chinese() {
    evening(Reader::CHINESE, CHINESE).await;
}

async fn evening(reader: Reader, words: Words) {
    let stack = stack::start_with(|config| {
        config.faults =
            vec![Fault::every("record-winners", "SealBroken", FaultTime::Before).calls(2..=u64::MAX)];
    })
    .await;
    let client = stack.client();
    let browser = Browser::open(stack.api(), reader).await;
    let shot = async |name: &str| {
        browser.wait_until_still().await;
        browser.screenshot(&format!("{}-{name}", words.folder)).await;
    };

    browser.go("/").await;
    shot("home").await;
    browser.sign_in(stack.token()).await;
    create_lottery(&browser).await;
    import(&browser, &words).await;
    shot("participants").await;
    // Who has no phone shall not win: the story looks for every winner's phone.
    client.import("party", "participant_id,excluded\n011,yes\n").await;

    let draw = start_draw(&browser).await;
    watch(&browser).await;
    browser.click("[data-act=fit]").await;
    browser.click("[data-state=SealEntries]").await;
    browser.wait_for_text(".state-details h2", "SealEntries").await;
    browser.click(".state-details details.json summary").await;
    browser.wait_for_text(".state-details pre", &draw).await;
    shot("execution").await;

    let names = on_stage(&browser, &client, &draw).await;
    shot("stage").await;
    inbox(&browser, &client, &draw, &names).await;
    shot("inbox").await;
    check(&browser, &draw, &words).await;
    shot("check").await;

    a_draw_fails(&browser, &client, &words).await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

async fn create_lottery(browser: &Browser) {
    browser.fill("input[name=name]", "Company party 2026").await;
    browser.fill("input[name=id]", "party").await;
    browser.click("input[name=open_to_join]").await;
    browser.click("main form button[type=submit]").await;
    browser.wait_for(".drop").await;
}

async fn import(browser: &Browser, words: &Words) {
    let csv = format!("{EMPLOYEES}011,Nobody,not a phone,nobody@example.com\n012\n");
    browser.drop_file(".drop", "employees.csv", &csv).await;
    browser.wait_for_text(".preview .remarks.warn", words.refused).await;
    browser
        .wait(
            "the refused line",
            "return document.querySelector('.preview .remarks.bad .at')?.textContent.includes('13')",
        )
        .await;
    browser.click(".preview button[name=import]:enabled").await;
    browser.wait_for_text(".result h3", words.brought).await;
    let shown = async |count: usize| {
        let script =
            format!("return document.querySelectorAll('.people-table button.edit').length === {count}");
        browser.wait(&format!("{count} people"), &script).await;
    };
    shown(11).await;
    browser.fill("input[type=search]", "rose").await;
    shown(1).await;
    browser.fill("input[type=search]", "").await;
    shown(11).await;
}

/// Fills in the form of a draw with two prizes that closes in some seconds, and starts it; gives its id.
async fn start_draw(browser: &Browser) -> String {
    browser.fill("fieldset.prize input[name=prize]", "Bicycle").await;
    browser.click("fieldset.prize ~ p button, .prizes + p button").await;
    browser.fill("fieldset.prize:nth-child(2) input[name=prize]", "红包").await;
    browser.fill("fieldset.prize:nth-child(2) input[name=winners]", "2").await;
    // The form asks for minutes; nobody should have to wait for one here.
    let closes = "
        const closes = document.querySelector('input[name=closes_at]');
        const then = new Date(Date.now() + 8000);
        closes.step = 1;
        closes.value = new Date(then - then.getTimezoneOffset() * 60000).toISOString().slice(0, 19);";
    browser.run(closes, json!([])).await;
    browser.click(".aside form button[type=submit]").await;
    browser.wait_for(".draw-head h1").await;
    let hash = browser.run("return location.hash", json!([])).await;
    hash.as_str().unwrap().rsplit('/').next().unwrap().to_owned()
}

/// The states that a draw goes through, in the order in which they are entered; the two channels run beside each other.
const WAY: [&str; 13] = [
    "WaitUntilClosed",
    "SealEntries",
    "StampCommitment",
    "WaitForBeacon",
    "FetchBeacon",
    "DrawWinners",
    "RecordWinners",
    "Notify",
    "SmsDone",
    "SendSms",
    "EmailDone",
    "SendEmail",
    "CompleteDraw",
];

/// Watches the draw from its closing time on, and sees each state turn: entered, then succeeded.
async fn watch(browser: &Browser) {
    browser.click(".actions a[href$=execution]").await;
    browser.wait_for("[data-state=WaitUntilClosed][data-status=active]").await;
    let keep_turns = "
        window.turns = [];
        const keep = (records) => {
          // A state may turn more than once before this is called: its former value is in the next record of it.
          records.forEach((record, i) => {
            const next = records.slice(i + 1).find((other) => other.target === record.target);
            const status = next ? next.oldValue : record.target.dataset.status;
            if (status !== record.oldValue) window.turns.push([record.target.dataset.state, status, performance.now()]);
          });
        };
        const states = document.querySelector('svg.machine');
        new MutationObserver(keep).observe(states, { subtree: true, attributeFilter: ['data-status'], attributeOldValue: true });";
    browser.run(keep_turns, json!([])).await;
    browser.wait_for(".facts [data-status=SUCCEEDED]").await;
    let turns = browser.run("return window.turns", json!([])).await;
    let turns: Vec<(String, String, f64)> = serde_json::from_value(turns).unwrap();
    let turn = |state: &str, status: &str| {
        let found = turns.iter().find(|(name, to, _)| name == state && to == status);
        found.unwrap_or_else(|| panic!("{state} was not seen to be {status}: {turns:?}")).2
    };
    for state in WAY {
        if state != "WaitUntilClosed" {
            // Long enough to be seen, not only to be recorded.
            assert!(turn(state, "succeeded") - turn(state, "active") > 10.0, "{state}: {turns:?}");
        }
        browser.wait_for(&format!("[data-state={state}][data-status=succeeded]")).await;
    }
    for pair in WAY[..7].windows(2).filter(|pair| pair[0] != "WaitUntilClosed") {
        assert!(turn(pair[0], "succeeded") <= turn(pair[1], "active"), "{pair:?}: {turns:?}");
    }
}

/// Reveals all winners with the space bar; gives their names in that order.
async fn on_stage(browser: &Browser, client: &Client, draw: &str) -> Vec<String> {
    let answer = client.get(&format!("/lotteries/party/draws/{draw}/winners")).await.expect(200);
    let names: Vec<String> = answer["winners"]
        .as_array()
        .unwrap()
        .iter()
        .map(|winner| winner["name"].as_str().unwrap().to_owned())
        .collect();
    browser.go(&format!("/lotteries/party/draws/{draw}/stage")).await;
    browser.wait_for(".stage-ready").await;
    let mut shown = Vec::new();
    // The prize that more people win comes first; few are called up one by one.
    for (prize, winners) in [("红包", 2), ("Bicycle", 1)] {
        browser.press("Space").await;
        browser.wait_for_text(".stage-announced", prize).await;
        for _ in 0..winners {
            browser.press("Space").await;
            browser.wait_for(".stage[data-phase=roll]").await;
            browser.press("Space").await;
            browser.wait_for(".stage[data-phase=names] .stage-names.one li").await;
            shown.extend(browser.texts(".stage-name").await);
        }
    }
    let (mut drawn, mut revealed) = (names.clone(), shown.clone());
    drawn.sort();
    revealed.sort();
    assert_eq!(revealed, drawn);
    browser.press("m").await;
    browser.wait_for_text(".stage-name", "*").await;
    browser.press("m").await;
    browser.wait_for_text(".stage-name", shown.last().unwrap()).await;
    shown
}

async fn inbox(browser: &Browser, client: &Client, draw: &str, names: &[String]) {
    let winners = client.winners("party", draw).await;
    browser.go("/inbox").await;
    for participant in &winners {
        browser.wait_for_text(".phone h3", &phone_of(participant)).await;
    }
    for name in names {
        browser.wait_for_text(".bubble", name).await;
    }
    browser.click(".mail summary").await;
    browser.wait_for_text(".message-text", &format!("/lotteries/party/draws/{draw}")).await;
}

/// What everyone sees: the numbered draw, masked winners, and the proof that holds.
async fn check(browser: &Browser, draw: &str, words: &Words) {
    browser.go("/lotteries/party").await;
    browser.wait_for(&format!("[data-draw=\"{draw}\"] [data-status=SUCCEEDED]")).await;
    browser.wait_for(".qr").await;
    browser.screenshot(&format!("{}-lottery", words.folder)).await;
    browser.click(&format!("[data-draw=\"{draw}\"] a")).await;
    browser.wait_for_text(".draw-head .badge", words.complete).await;
    browser.wait_for(".winners li").await;
    browser.screenshot(&format!("{}-draw", words.folder)).await;
    browser.click(".actions .primary").await;
    browser.wait_for(".verdict[data-verdict=consistent]").await;
    browser.wait_for_text(".verdict", words.consistent).await;
    for step in ["form", "manifest", "signature", "round", "randomness", "entries", "ranking"] {
        browser.wait_for(&format!("[data-step={step}][data-state=holds]")).await;
    }
    browser.wait_for("[data-step=witness][data-state=open]").await;
}

/// Recording fails for good: nobody is left half a winner, and the picture shows the way of the compensation.
async fn a_draw_fails(browser: &Browser, client: &Client, words: &Words) {
    let failed = client.run_draw("party", json!({"winners": 2})).await;
    let draw = failed["draw_id"].as_str().unwrap();
    browser.go(&format!("/lotteries/party/draws/{draw}/execution")).await;
    browser.wait_for(".facts [data-status=FAILED]").await;
    browser.wait_for("[data-state=RecordWinners][data-status=caught]").await;
    for state in ["ReleaseWinners", "WasReleased", "AlertOfFailure", "NotifyOrganiser", "HowItEnded"] {
        browser.wait_for(&format!("[data-state={state}][data-status=succeeded]")).await;
    }
    browser.wait_for("[data-state=DrawFailed][data-status=failed]").await;
    browser.wait_for("[data-state=Notify][data-status=idle]").await;
    let way = [
        "RecordWinners",
        "ReleaseWinners",
        "WasReleased",
        "AlertOfFailure",
        "NotifyOrganiser",
        "HowItEnded",
        "PutDrawFailed",
        "DrawFailed",
        "end",
    ];
    for pair in way.windows(2) {
        browser.wait_for(&format!(".line.taken[data-from=\"{}\"][data-to=\"{}\"]", pair[0], pair[1])).await;
    }
    browser.wait_for_text(".state-details .reason", "SealBroken").await;
    browser.screenshot(&format!("{}-compensation", words.folder)).await;
    browser.go(&format!("/lotteries/party/draws/{draw}/stage")).await;
    browser.wait_for(".stage[data-phase=over]").await;
    browser.wait_for_text(".stage-note", words.nobody).await;
    browser.wait_for_text(".stage-calm", words.failed).await;
    browser.screenshot(&format!("{}-stage-failed", words.folder)).await;
}
