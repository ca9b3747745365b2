//! The stage of a draw: the commitment that stays, prize after prize from the smallest, names of those alone who have a seat.

use jiff::{SignedDuration, Timestamp};
use local_stack::{Fault, FaultTime};
use serde_json::json;

use crate::browser::{Browser, Reader};
use end_to_end_tests::{eventually, stack};

/// Waits until the stage is at a screen.
pub(crate) async fn at(browser: &Browser, phase: &str) {
    browser.wait_for(&format!(".stage[data-phase={phase}]")).await;
}

/// Waits until so many names are revealed.
pub(crate) async fn names(browser: &Browser, count: usize) {
    let script = format!("return document.querySelectorAll('.stage-names li').length === {count}");
    browser.wait(&format!("{count} names"), &script).await;
}

#[tokio::test]
async fn the_stage_counts_down_holds_the_commitment_and_calls_up_who_has_a_seat() {
    // The round comes late, so that the sealed list can be looked at, and some of it withdraw.
    let late = Fault::every("fetch-beacon", "BeaconUnavailable", FaultTime::Before).calls(1..=2);
    let stack = stack::start_with(|config| config.faults = vec![late]).await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    let browser = Browser::open(stack.api(), Reader::ENGLISH).await;
    let closes_at = Timestamp::now() + SignedDuration::from_secs(6);
    let request = json!({"winners": 8, "alternates": 2, "closes_at": closes_at.to_string()});
    let draw = client.start_draw("party", request).await;
    let path = format!("/lotteries/party/draws/{draw}");

    let watch = async {
        browser.go(&format!("{path}/stage")).await;
        browser.wait_for(".stage[data-phase=waiting] .stage-countdown").await;
        let shown = browser.texts(".stage-countdown").await.remove(0);
        assert!(shown.starts_with("00:0"), "{shown}");
        browser.screenshot("stage-countdown").await;
        browser.wait_for(".stage[data-phase=commitment] .stage-hash").await;
    };
    // Before the round's time, however slow the browser is: a seat is forfeited by those alone who have left by then.
    let leave = async {
        eventually("a commitment", async || {
            client.draw("party", &draw).await["commitment"].is_string().then_some(())
        })
        .await;
        for participant in ["001", "002", "003"] {
            let path = format!("/lotteries/party/participants/{participant}");
            client.send(reqwest::Method::DELETE, &path, &[], Vec::new()).await;
        }
    };
    tokio::join!(watch, leave);
    let commitment = browser.texts(".stage-hash .grouped").await.remove(0);
    assert_eq!(commitment, client.draw("party", &draw).await["commitment"]);
    browser.wait_for_text(".stage-prize", "10 entries").await;
    browser.screenshot("stage-commitment").await;

    // The winners are official, and the commitment stays until somebody continues.
    browser.wait_for(".stage-ready").await;
    at(&browser, "commitment").await;
    assert_eq!(browser.texts(".stage-hash .grouped").await, [commitment.as_str()]);
    let winners = client.get(&format!("{path}/winners")).await.expect(200)["winners"].clone();
    let winners = winners.as_array().unwrap();
    let gone: Vec<_> = winners.iter().filter(|winner| winner["forfeited"] == true).collect();
    assert!(!gone.is_empty(), "eight of ten win, and three have gone");
    // A click continues as the space bar does.
    browser.click(".stage-hash").await;
    at(&browser, "prize").await;
    browser.wait_for_text(".stage-calm", "7 winners").await;
    browser.press("Space").await;
    at(&browser, "roll").await;
    browser.wait_for_text(".stage-fixed", "The motion decides nothing").await;
    browser.press("Space").await;
    names(&browser, 7).await;
    browser.wait_until_still().await;
    browser.screenshot("stage-all").await;
    browser.press("f").await;
    browser.wait("full screen", "return document.fullscreenElement?.classList.contains('stage')").await;
    // The controls go away while nobody moves the mouse, and the keys work on.
    browser
        .wait(
            "hidden controls",
            "return getComputedStyle(document.querySelector('.stage-foot')).opacity === '0'",
        )
        .await;
    browser.press("f").await;
    browser.wait("the window again", "return document.fullscreenElement === null").await;

    // Who wants no motion gets the same names, at once.
    let still = json!([{"name": "prefers-reduced-motion", "value": "reduce"}]);
    browser.devtools("Emulation.setEmulatedMedia", json!({ "features": still })).await;
    browser.press("Left").await;
    at(&browser, "prize").await;
    browser.press("Space").await;
    browser.press("Space").await;
    names(&browser, 7).await;
    let moving = "return document.getAnimations().filter((one) => one.playState === 'running' && one.effect.getTiming().duration > 1).length";
    assert_eq!(browser.run(moving, json!([])).await, 0);
    let announced = "return document.querySelector('.stage-center').getAttribute('role')";
    assert_eq!(browser.run(announced, json!([])).await, "status");

    browser.go(&path).await;
    browser.wait_for_text(".draw-head .badge", "complete").await;
    let seats =
        browser.texts(".winners li").await.into_iter().filter(|text| text.contains("the seat is forfeited"));
    assert_eq!(seats.count(), gone.len());
    for taker in winners.iter().filter(|winner| winner["instead_of"].is_number()) {
        browser.wait_for_text(".winners li", &format!("in the seat of rank {}", taker["instead_of"])).await;
    }
    browser.wait_until_still().await;
    browser.screenshot("forfeited-seats").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test]
async fn the_show_goes_on_after_a_reload_in_step_with_a_phone_and_from_the_smallest_prize() {
    let stack = stack::start().await;
    let client = stack.client();
    client.create_lottery("party").await;
    let mut csv = "participant_id,name,group\n".to_owned();
    for n in 1..=40 {
        // Two of each name, in the same group.
        csv.push_str(&format!("p{n},Person {},Sales\n", n % 20));
    }
    client.import("party", &csv).await;
    let prizes = json!([{"name": "First", "winners": 1}, {"name": "Second", "winners": 3}, {"name": "Third", "winners": 12}]);
    let draw = client.run_draw("party", json!({"prizes": prizes, "alternates": 4})).await;
    let place = format!("/lotteries/party/draws/{}", draw["draw_id"].as_str().unwrap());
    let path = format!("{place}/stage");
    let browser = Browser::open(stack.api(), Reader::ENGLISH).await;
    browser.sign_in(stack.token()).await;
    browser.go(&path).await;
    browser.wait_for(".stage-ready").await;

    // By default the prize that most win comes first; the keyboard moves the first one up.
    browser.press("o").await;
    browser.wait_for(".stage-setup").await;
    let order =
        "return [...document.querySelectorAll('.setup-prize strong')].map((one) => one.textContent).join()";
    assert_eq!(browser.run(order, json!([])).await, "Third,Second,First");
    browser.run("document.querySelector('[data-prize=\"1\"] .setup-handle').focus()", json!([])).await;
    browser.press("Up").await;
    browser
        .wait(
            "another order",
            "return document.querySelector('.setup-prize strong').textContent === 'Second'",
        )
        .await;
    // Dragged back.
    let drag = "
        const line = (prize) => document.querySelector(`.setup-prizes [data-prize=\"${prize}\"]`);
        const send = (element, type) => element.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: new DataTransfer() }));
        send(line(2), 'dragstart'); send(line(1), 'dragover'); send(line(1), 'drop');";
    browser.run(drag, json!([])).await;
    browser.wait("the order as before", &format!("{order} === 'Third,Second,First'")).await;
    browser.press("Escape").await;
    browser.wait("no panel", "return document.querySelector('.stage-setup') === null").await;

    browser.press("Space").await;
    browser.wait_for_text(".stage-announced", "Third").await;
    browser.press("Space").await;
    at(&browser, "roll").await;
    browser.press("Space").await;
    names(&browser, 10).await;
    // Two people have each name: the id tells which of them is meant.
    let winners = client.winners("party", draw["draw_id"].as_str().unwrap()).await;
    for under in browser.texts(".stage-under").await {
        let id = under.strip_prefix("Sales · ").unwrap_or_else(|| panic!("{under}"));
        assert!(winners.iter().any(|winner| winner == id), "{id}");
    }
    let shown = browser.texts(".stage-names li").await;
    browser
        .wait(
            "the service knows",
            &format!("return (await (await fetch('.{path}')).json()).position?.to === 10"),
        )
        .await;

    // Another screen is there at once, and a phone moves both.
    let screen = browser.tab_now().await;
    let phone = browser.open_tab().await;
    browser.go(&format!("{place}/remote")).await;
    browser.fill("input[name=token]", stack.token()).await;
    browser.click("form button[type=submit]").await;
    browser.wait_for_text(".remote-screen", "Names are shown").await;
    browser.wait_for_text(".remote-prize", "Third").await;
    browser.screenshot("stage-remote").await;
    browser.click("button[name=next]").await;
    browser.wait_for_text(".remote-screen", "in motion").await;
    browser.tab(&screen).await;
    at(&browser, "roll").await;
    browser.tab(&phone).await;
    browser.click("button[name=next]").await;
    browser.wait_for_text(".remote-screen", "Names are shown").await;
    browser.tab(&screen).await;
    names(&browser, 2).await;
    browser.press("Left").await;
    names(&browser, 10).await;
    assert_eq!(browser.texts(".stage-names li").await, shown);

    // The page is left and opened again in the middle of the show, also where its browser has forgotten everything.
    browser.go(&path).await;
    names(&browser, 10).await;
    assert_eq!(browser.texts(".stage-names li").await, shown);
    browser
        .wait(
            "nothing to send",
            &format!(
                "return JSON.parse(localStorage.getItem('stage-position{}'))?.isDirty === false",
                place.replace("/lotteries", "").replace("/draws", "")
            ),
        )
        .await;
    browser.run("localStorage.clear()", json!([])).await;
    browser.go(&path).await;
    names(&browser, 10).await;
    assert_eq!(browser.texts(".stage-names li").await, shown);

    // To the end: the rest of the third, the second one by one, the first, and the wall.
    for (phase, count) in [
        ("roll", 0),
        ("names", 2),
        ("prize", 0),
        ("roll", 0),
        ("names", 1),
        ("roll", 0),
        ("names", 1),
        ("roll", 0),
        ("names", 1),
        ("prize", 0),
        ("roll", 0),
        ("names", 1),
    ] {
        browser.press("Space").await;
        at(&browser, phase).await;
        names(&browser, count).await;
    }
    browser.press("Space").await;
    at(&browser, "wall").await;
    browser.wait("16 winners", "return document.querySelectorAll('.stage-wall li').length === 16").await;
    assert_eq!(browser.texts(".stage-wall h2 bdi").await, ["First", "Second", "Third"]);
    browser.press("n").await;
    browser
        .wait("4 alternates too", "return document.querySelectorAll('.stage-wall li').length === 20")
        .await;
    browser.wait_until_still().await;
    browser.screenshot("stage-wall").await;
    // What is muted stays so.
    browser.press("s").await;
    browser.wait_for_text(".stage-foot", "Sound on").await;
    browser.go(&path).await;
    browser.wait_for_text(".stage-foot", "Sound on").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test]
async fn guests_see_the_way_in_and_the_count_grow_before_the_draw() {
    let stack = stack::start().await;
    let client = stack.client();
    client
        .post("/lotteries", &json!({"id": "party", "name": "Company party", "open_to_join": true}))
        .await
        .expect(201);
    client.import("party", end_to_end_tests::EMPLOYEES).await;
    let browser = Browser::open(stack.api(), Reader::ENGLISH).await;
    browser.sign_in(stack.token()).await;
    browser.go("/lotteries/party/stage").await;
    browser.wait_for(".stage-join .qr").await;
    browser.wait_for_text(".stage-count", "10").await;
    // A phone cannot follow an address of this machine alone, and the stage says so.
    browser.wait_for_text(".stage-warning", "127.0.0.1").await;
    let guest = json!({"name": "Rose", "email": "guest@example.com"});
    client.anonymous().post("/lotteries/party/join", &guest).await.expect(201);
    browser.wait_for_text(".stage-count", "11").await;
    browser.screenshot("stage-lobby").await;
    // The stage turns to the draw by itself.
    let closes_at = Timestamp::now() + SignedDuration::from_secs(60);
    let draw = client.start_draw("party", json!({"winners": 2, "closes_at": closes_at.to_string()})).await;
    let there = format!("return location.hash === '#/lotteries/party/draws/{draw}/stage'");
    browser.wait("the stage of the draw", &there).await;
    browser.wait_for(".stage[data-phase=waiting] .stage-countdown").await;
    browser.wait_for_text(".stage-count", "11").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test]
async fn theme_logo_and_pictures_stay_on_the_machine_of_the_stage() {
    let stack = stack::start().await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    let draw = client.run_draw("party", json!({"prizes": [{"name": "Bicycle", "winners": 2}]})).await;
    let path = format!("/lotteries/party/draws/{}/stage", draw["draw_id"].as_str().unwrap());
    let browser = Browser::open(stack.api(), Reader::ENGLISH).await;
    browser.sign_in(stack.token()).await;
    browser.go(&path).await;
    browser.wait_for(".stage-ready").await;
    browser.press("o").await;
    browser.wait_for(".stage-setup").await;
    let choose = "
        const canvas = document.createElement('canvas');
        canvas.width = 3000; canvas.height = 1500;
        const context = canvas.getContext('2d');
        context.fillStyle = 'rgb(20, 120, 200)'; context.fillRect(0, 0, 3000, 1500);
        const blob = await new Promise((resolve) => canvas.toBlob(resolve));
        const give = (name, parts) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File(parts, 'picture.png'));
          const input = document.querySelector(`.stage-setup [name='${name}']`);
          input.files = transfer.files;
          input.dispatchEvent(new Event('change'));
        };
        give('logo', [blob]); give('prize/Bicycle', [blob]);
        const theme = document.querySelector('.stage-setup [name=theme]');
        theme.value = 'midnight'; theme.dispatchEvent(new Event('change'));
        window.give = give;";
    browser.run(choose, json!([])).await;
    browser.wait_for(".stage[data-theme=midnight] .stage-logo-picture").await;
    browser.wait_for("[data-prize='0'] .setup-thumb").await;
    // What is no picture is refused, and the one that is there stays.
    browser.run("window.give('logo', ['no picture'])", json!([])).await;
    browser.wait_for_text(".stage-setup .problem", "picture.png").await;
    browser.press("Escape").await;

    browser.go(&path).await;
    browser.wait_for(".stage[data-theme=midnight] .stage-logo-picture").await;
    browser.wait_for(".stage-ready").await;
    browser.press("Space").await;
    // Drawn, and no larger than a stage needs.
    browser
        .wait(
            "the picture",
            "
        const canvas = document.querySelector('.stage-picture');
        if (!canvas || canvas.width !== 1920 || canvas.height !== 960) return false;
        const [red, green, blue] = canvas.getContext('2d').getImageData(900, 400, 1, 1).data;
        return Math.abs(red - 20) < 8 && Math.abs(green - 120) < 8 && Math.abs(blue - 200) < 8",
        )
        .await;
    browser.wait_until_still().await;
    browser.screenshot("stage-picture").await;
    let sent = browser.run("return performance.getEntriesByType('resource').filter((one) => /\\.(png|webp)|blob:/.test(one.name)).length", json!([])).await;
    assert_eq!(sent, 0);
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}
