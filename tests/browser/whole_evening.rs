//! A whole evening in Chromium, from an empty data directory to the final wall, in both languages: the list, guests at the
//! door, a rehearsal, a draw that is held for the stage, an absent winner, a prize that nobody claims, and everybody's own
//! answer at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use local_stack::{ManualClock, Storage};
use serde_json::{Value, json};

use crate::browser::{Browser, Reader};
use crate::stage::{at, names};
use end_to_end_tests::process::verify;
use end_to_end_tests::{Client, eventually, stack};

/// What differs between the languages.
struct Words {
    desk: Reader,
    /// The list, as an organiser of that country has it.
    list: fn() -> Vec<u8>,
    guests: [&'static str; 2],
    prizes: [&'static str; 2],
    rehearsal: &'static str,
    passed_on: &'static str,
    won: &'static str,
    closed: &'static str,
    file: &'static str,
}

const ENGLISH: Words = Words {
    desk: Reader::ENGLISH,
    list: || {
        list("participant_id,name,group,phone,email", ["Rose", "Amy", "Donna", "Martha", "Clara", "Bill"])
    },
    guests: ["Nardole Green", "River Song"],
    prizes: ["Bicycle", "Book"],
    rehearsal: "rehearsal",
    passed_on: "2 seats were passed on: 1 absent, 1",
    won: "You have won:",
    closed: "The draw is closed",
    file: "winners",
};
const CHINESE: Words = Words {
    desk: Reader::CHINESE,
    list: || {
        let text =
            list("工号,姓名,部门,手机号,邮箱", ["王小明", "李雷", "韩梅梅", "欧阳娜娜", "赵云", "孙权"]);
        let (bytes, ..) = encoding_rs::GBK.encode(std::str::from_utf8(&text).unwrap());
        bytes.into_owned()
    },
    guests: ["周瑜", "诸葛亮"],
    prizes: ["自行车", "图书"],
    rehearsal: "彩排",
    passed_on: "1 个因未确认领奖",
    won: "恭喜您中奖：",
    closed: "本次抽奖已结束",
    file: "中奖名单",
};

/// Six people, with a header of that language.
fn list(header: &str, people: [&str; 6]) -> Vec<u8> {
    let lines = (1..)
        .zip(people)
        .map(|(n, name)| format!("{n:03},{name},Sales,+8613800138{n:03},p{n}@example.com\n"));
    format!("{header}\n{}", lines.collect::<String>()).into_bytes()
}

fn phone_of_guest(number: usize) -> String {
    format!("+8613900139{number:03}")
}

#[tokio::test]
async fn an_evening_from_an_empty_directory_to_the_wall() {
    evening(ENGLISH).await;
}

#[tokio::test]
async fn an_evening_from_an_empty_directory_to_the_wall_in_chinese() {
    evening(CHINESE).await;
}

/// Everybody who takes part in the story, each with a browser of their own.
struct Evening<'a> {
    words: &'a Words,
    client: Client,
    desk: Browser,
    beamer: Browser,
    phone: Browser,
    /// How a guest's receipt opens "my entry".
    receipts: Vec<String>,
}

async fn evening(words: Words) {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::new(jiff::Timestamp::now());
    let (storage, running) = (Storage::Directory(folder.path().join("data")), clock.clone());
    let stack = stack::start_with(|config| {
        config.storage = storage;
        config.clock = running.into();
    })
    .await;
    // The stack's clock runs as any other does, until the story skips the time to claim.
    let ticks = stack::run_clock(&clock);
    let desk = Browser::open(stack.api(), words.desk).await;
    let beamer = desk.open_beside(Reader { size: (1280, 720), ..words.desk }).await;
    let phone = desk.open_beside(Reader { size: Reader::PHONE.size, ..words.desk }).await;
    let mut evening =
        Evening { words: &words, client: stack.client(), desk, beamer, phone, receipts: Vec::new() };
    desk_and_list(&evening, stack.token()).await;
    guests(&mut evening).await;
    rehearse(&evening).await;
    let draw = start(&evening).await;
    let place = format!("/lotteries/party/draws/{draw}");
    reveal(&evening, &draw, &place).await;
    replace(&evening, &draw, &place).await;
    claim(&evening, &draw, &clock).await;
    close(&evening, &draw, &place).await;
    own_entries(&evening, &draw, &place).await;
    wall(&evening).await;

    let (holds, said) = verify(&["--url", &format!("{}{place}", stack.api())]).await;
    assert!(holds && said.contains("2 seats were passed on: 1 absent, 1 unclaimed"), "{said}");
    for browser in [&evening.desk, &evening.beamer, &evening.phone] {
        assert_eq!(browser.complaints().await, Vec::<String>::new());
    }
    ticks.abort();
}

impl Evening<'_> {
    async fn shot(&self, browser: &Browser, name: &str) {
        browser.wait_until_still().await;
        browser.screenshot(&format!("evening-{}-{name}", self.words.desk.language)).await;
    }

    /// What the beamer shows, at both sizes that beamers have.
    async fn shot_of_stage(&self, name: &str) {
        for (width, height) in [(1920, 1080), (1280, 720)] {
            let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
            self.beamer.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
            // The stage moves all the time: its next pictures are waited for, not its rest.
            let drawn = "for (let n = 0; n < 10; n += 1) await new Promise(requestAnimationFrame)";
            self.beamer.run(drawn, json!([])).await;
            let shot = format!("evening-{}-{name}-{width}", self.words.desk.language);
            self.beamer.screenshot(&shot).await;
        }
    }

    /// Everybody who has a place among the winners, and their ranks.
    async fn seats(&self, draw: &str) -> Vec<Value> {
        let page = self.client.get(&format!("/lotteries/party/draws/{draw}/winners")).await.expect(200);
        let has_seat = |one: &&Value| one["forfeited"] == false && one["replaced"].is_null();
        page["winners"].as_array().unwrap().iter().filter(has_seat).cloned().collect()
    }

    /// The links by which prizes are claimed, by phone.
    async fn claim_links(&self, draw: &str) -> BTreeMap<String, String> {
        let messages = self.client.messages(draw).await;
        let sms = messages.iter().filter(|message| message["channel"] == "sms");
        sms.filter_map(|message| {
            let (_, token) = message["text"].as_str()?.split_once("/#/claims/")?;
            let token = token.split_whitespace().next()?;
            Some((message["address"].as_str()?.to_owned(), token.to_owned()))
        })
        .collect()
    }
}

/// A lottery is made, and the list dropped on it.
async fn desk_and_list(evening: &Evening<'_>, token: &str) {
    let desk = &evening.desk;
    desk.sign_in(token).await;
    desk.fill("input[name=name]", "Party 2026").await;
    desk.fill("input[name=id]", "party").await;
    desk.click("input[name=open_to_join]").await;
    desk.click("main form button[type=submit]").await;
    desk.drop_bytes(".drop", "list.csv", &(evening.words.list)()).await;
    desk.click(".preview:not(.checking) button[name=import]:enabled").await;
    desk.wait("six people", "return document.querySelectorAll('.people-table button.edit').length === 6")
        .await;
    evening.shot(desk, "list").await;
    let settings = json!({"venue_code": "KRT7PQ", "collect": "Desk 4 · 四号台"}).to_string();
    let headers = [("content-type", "application/merge-patch+json")];
    evening
        .client
        .send(reqwest::Method::PATCH, "/lotteries/party", &headers, settings.into())
        .await
        .expect(200);
    evening.beamer.sign_in(token).await;
    evening.beamer.go("/lotteries/party/stage").await;
    evening.beamer.wait_for_text(".stage-venue", "KRT7PQ").await;
}

/// Two guests join by the address in the code on the wall, and are let in at the door.
async fn guests(evening: &mut Evening<'_>) {
    for number in 0..2 {
        let phone = &evening.phone;
        phone.go("/lotteries/party/join?venue=KRT7PQ").await;
        phone.run("localStorage.clear()", json!([])).await;
        phone.go("/lotteries/party/join?venue=KRT7PQ").await;
        phone.fill("input[name=name]", evening.words.guests[number]).await;
        phone.fill("input[name=phone]", &phone_of_guest(number)).await;
        phone.click("main form button[type=submit]").await;
        phone.wait_for(".receipt .short-code").await;
        let code = phone.texts(".receipt .short-code").await.remove(0);
        let kept = phone.run("return localStorage.getItem('receipt:party')", json!([])).await;
        evening.receipts.push(kept.as_str().unwrap().to_owned());
        evening.desk.go("/console/party/door").await;
        evening.desk.fill("input[name=who]", &code.to_lowercase()).await;
        evening.desk.click(".door form button[type=submit]").await;
        evening.desk.wait_for_text(".door-last", evening.words.guests[number]).await;
    }
    evening.shot(&evening.phone, "guest").await;
    evening.shot(&evening.desk, "door").await;
    evening.beamer.wait_for_text(".stage-count", "8").await;
    evening.shot_of_stage("lobby").await;
}

/// A rehearsal is marked as one, tells nobody, and takes no number.
async fn rehearse(evening: &Evening<'_>) {
    let desk = &evening.desk;
    desk.go("/console/party").await;
    desk.click("input[name=rehearsal]").await;
    desk.click(".aside form button[type=submit]").await;
    desk.wait_for(".draw-head h1").await;
    let draw = shown_draw(desk).await;
    let ended = evening.client.wait_for_end("party", &draw).await;
    assert_eq!((&ended["status"], &ended["sequence"]), (&json!("SUCCEEDED"), &Value::Null), "{ended}");
    desk.wait_for_text("main", evening.words.rehearsal).await;
    let named =
        "return [...document.querySelectorAll('.winners .who')].some((one) => !one.querySelector('em'))";
    desk.wait("the name of who would have won", named).await;
    evening.shot(desk, "rehearsal").await;
    assert!(evening.client.messages(&draw).await.is_empty());
}

async fn shown_draw(desk: &Browser) -> String {
    let hash = desk.run("return location.hash", json!([])).await;
    hash.as_str().unwrap().rsplit('/').next().unwrap().to_owned()
}

/// The draw: two prizes, held for the stage, announced to everybody before its round, to be claimed within five minutes.
async fn start(evening: &Evening<'_>) -> String {
    let desk = &evening.desk;
    desk.go("/console/party").await;
    desk.wait_for("fieldset.prize").await;
    desk.fill("fieldset.prize input[name=prize]", evening.words.prizes[0]).await;
    desk.click(".prizes + p button").await;
    desk.fill("fieldset.prize:nth-child(2) input[name=prize]", evening.words.prizes[1]).await;
    desk.fill("fieldset.prize:nth-child(2) input[name=winners]", "3").await;
    let options = "
        const form = document.querySelector('.aside form');
        form.querySelector('details').open = true;
        const choose = (name, value) => {
          const place = form.querySelector(`[name=${name}]`);
          place.value = value;
          place.dispatchEvent(new Event('input', { bubbles: true }));
        };
        choose('claim_count', '5');
        choose('claim_unit', '60');
        choose('release', 'on_reveal');
        // The form asks for minutes; nobody should have to wait for one here.
        const drawAt = form.querySelector('[name=draw_at]');
        drawAt.step = 1;
        const then = new Date(Date.now() + 14000);
        choose('draw_at', new Date(then - then.getTimezoneOffset() * 60000).toISOString().slice(0, 19));";
    desk.run(options, json!([])).await;
    desk.click("input[name=announce_commitment]").await;
    evening.shot(desk, "draw-form").await;
    desk.click(".aside form button[type=submit]").await;
    desk.wait_for(".draw-head h1").await;
    shown_draw(desk).await
}

/// The winners are called up one by one, and each phone rings after its name was shown.
async fn reveal(evening: &Evening<'_>, draw: &str, place: &str) {
    let beamer = &evening.beamer;
    beamer.go(&format!("{place}/stage")).await;
    beamer.wait_for(".stage[data-phase=commitment] .stage-hash").await;
    evening.shot_of_stage("commitment").await;
    beamer.wait_for(".stage-ready").await;
    assert!(evening.claim_links(draw).await.is_empty());
    let mut revealed = 0;
    // The prize that more people win comes first.
    for (prize, winners) in [(1, 3), (0, 1)] {
        beamer.press("Space").await;
        at(beamer, "prize").await;
        beamer.wait_for_text(".stage-announced", evening.words.prizes[prize]).await;
        if prize == 1 {
            evening.shot_of_stage("prize").await;
        }
        for _ in 0..winners {
            beamer.press("Space").await;
            at(beamer, "roll").await;
            beamer.press("Space").await;
            names(beamer, 1).await;
            revealed += 1;
            let notified = eventually("the message after the reveal", async || {
                let notified = evening.claim_links(draw).await;
                (notified.len() >= revealed).then_some(notified)
            })
            .await;
            assert_eq!(notified.len(), revealed, "nobody is notified before the hall has seen the name");
        }
    }
    evening.shot_of_stage("name").await;
}

/// The winner of the first rank is not there.
async fn replace(evening: &Evening<'_>, draw: &str, place: &str) {
    let desk = &evening.desk;
    desk.go(place).await;
    desk.click("[name=replace-1]").await;
    desk.wait_for("[data-taker]").await;
    evening.shot(desk, "replace").await;
    desk.click("dialog [data-answer=yes]").await;
    desk.wait_for("[data-passed-on]").await;
    eventually("the message to the taker", async || {
        (evening.claim_links(draw).await.len() == 5).then_some(())
    })
    .await;
}

/// All claim but the last, whose prize goes to the next in line, who claims it.
async fn claim(evening: &Evening<'_>, draw: &str, clock: &ManualClock) {
    let seats = evening.seats(draw).await;
    assert_eq!(seats.len(), 4, "{seats:?}");
    let links = evening.claim_links(draw).await;
    let link = |seat: &Value| links[seat["phone"].as_str().unwrap()].clone();
    let (absent_minded, eager) = seats.split_last().unwrap();
    for seat in eager {
        let phone = &evening.phone;
        phone.go("/").await;
        phone.go(&format!("/claims/{}", link(seat))).await;
        phone.wait_for_text("[data-collect]", "Desk 4").await;
        evening.shot(phone, "claim").await;
        phone.click("button[name=claim]").await;
        phone.wait_for("[data-claimed]").await;
    }
    evening.shot(&evening.phone, "claimed").await;
    clock.advance(Duration::from_secs(310));
    let taker = eventually("the taker's message", async || {
        let known: BTreeSet<_> = links.keys().cloned().collect();
        evening.claim_links(draw).await.into_iter().find(|(phone, _)| !known.contains(phone))
    })
    .await;
    let late = evening.client.anonymous().post(&format!("/claims/{}", link(absent_minded)), &json!({})).await;
    late.expect(410);
    evening.client.anonymous().post(&format!("/claims/{}", taker.1), &json!({})).await.expect(200);
    let ended = evening.client.wait_for_end("party", draw).await;
    assert_eq!(ended["status"], "SUCCEEDED", "{ended}");
}

/// The organiser closes the draw, and takes the files along.
async fn close(evening: &Evening<'_>, draw: &str, place: &str) {
    let desk = &evening.desk;
    desk.go("/").await;
    desk.go(place).await;
    desk.wait_for_text("[data-passed-on]", evening.words.passed_on).await;
    desk.run("window.confirm = () => true", json!([])).await;
    desk.click("[name=close-draw]").await;
    desk.wait_for_text("[data-closed]", evening.words.closed).await;
    evening.shot(desk, "closed").await;
    desk.click("[name=winners-csv]").await;
    let file =
        std::fs::read_to_string(desk.downloaded(&format!("{}-party-{draw}.csv", evening.words.file)).await)
            .unwrap();
    for seat in evening.seats(draw).await {
        assert!(file.contains(seat["name"].as_str().unwrap()), "{file}");
    }
}

/// Everybody sees what became of them: whom the list has by the link that announced the draw, guests by their receipts.
async fn own_entries(evening: &Evening<'_>, draw: &str, place: &str) {
    let winners: BTreeSet<String> =
        evening.seats(draw).await.iter().map(|seat| seat["phone"].as_str().unwrap().to_owned()).collect();
    assert_eq!(winners.len(), 4);
    let mut links = BTreeMap::new();
    for message in evening.client.messages(draw).await {
        let text = message["text"].as_str().unwrap();
        let Some((_, receipt)) = text.split_once("/me?receipt=") else { continue };
        let receipt = receipt.split_whitespace().next().unwrap();
        let address = message["address"].as_str().unwrap();
        let phone = match address.strip_prefix('p').and_then(|rest| rest.strip_suffix("@example.com")) {
            Some(number) => format!("+8613800138{:03}", number.parse::<u32>().unwrap()),
            None => address.to_owned(),
        };
        links.insert(phone, format!("/lotteries/party/me?receipt={receipt}"));
    }
    let (phone, mut results) = (&evening.phone, Vec::new());
    for (number, receipt) in evening.receipts.iter().enumerate() {
        phone.go("/").await;
        phone.run("localStorage.setItem('receipt:party', arguments[0])", json!([receipt])).await;
        results
            .push(own_entry(evening, "/lotteries/party/me", winners.contains(&phone_of_guest(number))).await);
        links.remove(&phone_of_guest(number));
    }
    assert_eq!(links.len(), 6, "everybody on the list was told of the commitment: {links:?}");
    for (number, link) in &links {
        results.push(own_entry(evening, link, winners.contains(number)).await);
    }
    let count = |result: &str| results.iter().filter(|found| *found == result).count();
    assert_eq!((count("won"), count("passed_on"), count("not_won")), (4, 2, 2), "{results:?}");
    evening.shot(phone, "own-entry").await;
    phone.click(".answer .actions .button").await;
    phone.wait_for("[data-step=changes][data-state=holds]").await;
    phone.wait_for("[data-step=receipt][data-state=holds]").await;
    assert_eq!(evening.client.anonymous().get(&format!("{place}/proof")).await.status, 200);
}

/// What somebody's own page says of the draw.
async fn own_entry(evening: &Evening<'_>, view: &str, has_won: bool) -> String {
    let phone = &evening.phone;
    phone.go("/").await;
    phone.go(view).await;
    let shown = "return document.querySelector('.me .big')?.dataset.result";
    let result = phone.wait("the result", shown).await.as_str().unwrap().to_owned();
    assert_eq!(result == "won", has_won, "{view}");
    if has_won {
        phone.wait_for_text(".me .big", evening.words.won).await;
    }
    result
}

/// The last screen: everybody who has a seat now.
async fn wall(evening: &Evening<'_>) {
    evening.beamer.press("Space").await;
    at(&evening.beamer, "wall").await;
    evening
        .beamer
        .wait("four names", "return document.querySelectorAll('.stage-wall li').length === 4")
        .await;
    evening.shot_of_stage("wall").await;
    evening.beamer.wait_until_still().await;
    let out = "return [...document.querySelectorAll('.stage-wall li')].filter((one) => one.getBoundingClientRect().right > innerWidth).length";
    assert_eq!(evening.beamer.run(out, json!([])).await, 0, "everybody is on the screen");
}
