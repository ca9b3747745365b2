//! The wall of a draw whose prizes have to be claimed: who has claimed, who is waited for, and who took over a seat.

use std::time::Duration;

use local_stack::ManualClock;
use serde_json::{Value, json};

use crate::browser::{Browser, Reader};
use crate::stage::at;
use end_to_end_tests::{Client, eventually, stack};

/// The lines of the wall: the name, and its marks.
const WALL: &str = "
    return [...document.querySelectorAll('.stage-wall li')].map((line) => [
      line.querySelector('bdi').textContent,
      [...line.querySelectorAll('[data-mark]')].map((mark) => mark.dataset.mark).join(),
    ])";

/// The marks that the wall should show, by name.
async fn marks(browser: &Browser, what: &str, expected: &[(&str, &str)]) {
    let mut expected: Vec<Value> = expected.iter().map(|(name, marks)| json!([name, marks])).collect();
    expected.sort_by_key(ToString::to_string);
    let text = expected.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let script = format!(
        "const lines = (() => {{ {WALL} }})().map((one) => JSON.stringify(one)).sort().join();
         return lines === {}",
        json!(text)
    );
    browser.wait(what, &script).await;
}

/// Who has a seat, by rank: the name, and the link to claim.
async fn seats(client: &Client, draw: &str) -> Vec<(u64, String, String)> {
    let page = client.get(&format!("/lotteries/party/draws/{draw}/winners")).await.expect(200);
    let messages = client.messages(draw).await;
    let seated = page["winners"].as_array().unwrap().iter();
    let seated = seated.filter(|one| one["forfeited"] == false && one["replaced"].is_null());
    seated
        .filter_map(|one| {
            let message = messages
                .iter()
                .find(|message| message["channel"] == "sms" && message["address"] == one["phone"])?;
            let token = message["text"].as_str()?.split("/#/claims/").nth(1)?.split_whitespace().next()?;
            Some((one["rank"].as_u64()?, one["name"].as_str()?.to_owned(), token.to_owned()))
        })
        .collect()
}

#[tokio::test]
async fn the_wall_shows_which_prizes_are_claimed_and_who_took_over_a_seat() {
    for reader in [Reader::ENGLISH, Reader::CHINESE] {
        wall_of_claims(reader).await;
    }
}

async fn wall_of_claims(reader: Reader) {
    let clock = ManualClock::new(jiff::Timestamp::now());
    let running = clock.clone();
    let stack = stack::start_with(|config| config.clock = running.into()).await;
    let ticks = stack::run_clock(&clock);
    let client = stack.client();
    client.lottery_of_employees("party").await;
    let prizes = json!([{"name": "自行车 Bicycle", "winners": 1}, {"name": "图书 Book", "winners": 3}]);
    let request = json!({"prizes": prizes, "alternates": 3, "claim_within_seconds": 600});
    let draw = client.start_draw("party", request).await;
    let path = format!("/lotteries/party/draws/{draw}");
    let first = eventually("the links to claim", async || {
        let seats = seats(&client, &draw).await;
        (seats.len() == 4 && client.draw("party", &draw).await["current_state"] == "AwaitClaims")
            .then_some(seats)
    })
    .await;

    let browser = Browser::open(stack.api(), Reader { size: (1280, 720), ..reader }).await;
    browser.sign_in(stack.token()).await;
    browser.go(&format!("{path}/stage")).await;
    browser.wait_for(".stage-ready").await;
    for _ in 0..30 {
        if !browser.texts(".stage[data-phase=wall] h1").await.is_empty() {
            break;
        }
        browser.press("Space").await;
    }
    at(&browser, "wall").await;
    let [one, two, three, four] = first.as_slice() else { panic!("{first:?}") };
    let all_open: Vec<_> = first.iter().map(|(_, name, _)| (name.as_str(), "open")).collect();
    marks(&browser, "four who are waited for", &all_open).await;

    // A claim is seen beside the name; the wall is not made anew, so the pages turn on and only that line is spoken.
    let keep = "window.kept = document.querySelector('.stage-wall');
        window.spoken = [];
        new MutationObserver((changes) => changes.forEach((change) => change.addedNodes.forEach(() => {
          const line = change.target.closest('.stage-wall li');
          if (line) window.spoken.push(line.textContent);
        }))).observe(document.querySelector('.stage-center'), { childList: true, subtree: true });";
    browser.run(keep, json!([])).await;
    client.anonymous().post(&format!("/claims/{}", two.2), &json!({})).await.expect(200);
    let expected = [(&*one.1, "open"), (&*two.1, "claimed"), (&*three.1, "open"), (&*four.1, "open")];
    marks(&browser, "one claim", &expected).await;
    assert_eq!(
        browser.run("return window.kept === document.querySelector('.stage-wall')", json!([])).await,
        true
    );
    let spoken = browser.run("return [...new Set(window.spoken)]", json!([])).await;
    let word = if reader.language == "en-US" { "claimed" } else { "已确认领奖" };
    let spoken: Vec<&str> = spoken.as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(spoken.len() == 1 && spoken[0].contains(&two.1) && spoken[0].contains(word), "{spoken:?}");
    let region = "const center = document.querySelector('.stage-center'); return [center.getAttribute('role'), center.getAttribute('aria-atomic')]";
    assert_eq!(browser.run(region, json!([])).await, json!(["status", "false"]));

    // Somebody is not there: the next in line is shown in the same place.
    let seat = format!("{path}/winners/{}/replace", three.0);
    client.post(&seat, &json!({"reason": "absent"})).await.expect(200);
    let taker = eventually("the link of who took over", async || {
        let known = |name: &str| first.iter().any(|seat| seat.1 == name);
        seats(&client, &draw).await.into_iter().find(|(_, name, _)| !known(name))
    })
    .await;
    let expected =
        [(&*one.1, "open"), (&*two.1, "claimed"), (&*taker.1, "open,tookOver"), (&*four.1, "open")];
    marks(&browser, "who took over", &expected).await;

    // Without motion, and at both sizes of a projector, all of it is on the screen.
    let still = json!([{"name": "prefers-reduced-motion", "value": "reduce"}]);
    browser.devtools("Emulation.setEmulatedMedia", json!({ "features": still })).await;
    for (_, _, token) in [one, &taker] {
        client.anonymous().post(&format!("/claims/{token}"), &json!({})).await.expect(200);
    }
    let expected =
        [(&*one.1, "claimed"), (&*two.1, "claimed"), (&*taker.1, "claimed,tookOver"), (&*four.1, "open")];
    marks(&browser, "three claims", &expected).await;
    let legend = browser.texts("[data-legend]").await;
    assert_eq!(legend.len(), 3, "{legend:?}");
    assert!(legend[0].contains('3') && legend[1].contains('1') && legend[2].contains('1'), "{legend:?}");
    for (width, height) in [(1920, 1080), (1280, 720)] {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        browser.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
        browser
            .run("for (let n = 0; n < 5; n += 1) await new Promise(requestAnimationFrame)", json!([]))
            .await;
        let out = "
            const place = document.querySelector('.stage-wall-place').getBoundingClientRect();
            const sizes = [...document.querySelectorAll('.stage-wall li')].map((one) => parseFloat(getComputedStyle(one).fontSize));
            const out = [...document.querySelectorAll('.stage-wall li, .stage-legend span')].filter((one) => {
              const box = one.getBoundingClientRect();
              return box.left < -1 || box.right > innerWidth + 1 || box.bottom > place.bottom + 1 || one.scrollWidth > one.clientWidth + 1 && one.tagName === 'LI';
            }).length;
            return [out, Math.min(...sizes) >= innerHeight / 40]";
        assert_eq!(browser.run(out, json!([])).await, json!([0, true]));
        browser.screenshot(&format!("stage-claims-{}-{width}", reader.language)).await;
    }

    // The time is over: the last seat goes to somebody else, who is waited for in turn.
    clock.advance(Duration::from_secs(610));
    let last = eventually("the next in line", async || {
        let seats = seats(&client, &draw).await;
        let known = |name: &str| name == taker.1 || first.iter().any(|seat| seat.1 == name);
        seats.into_iter().find(|(_, name, _)| !known(name))
    })
    .await;
    let expected = [
        (&*one.1, "claimed"),
        (&*two.1, "claimed"),
        (&*taker.1, "claimed,tookOver"),
        (&*last.1, "open,tookOver"),
    ];
    marks(&browser, "a seat that was passed on", &expected).await;
    // The draw is closed: what nobody has claimed is not waited for any more.
    client.post(&format!("{path}/close"), &json!({})).await.expect(200);
    let expected = [
        (&*one.1, "claimed"),
        (&*two.1, "claimed"),
        (&*taker.1, "claimed,tookOver"),
        (&*last.1, "unclaimed,tookOver"),
    ];
    marks(&browser, "a prize that is not claimed", &expected).await;
    browser.screenshot(&format!("stage-claims-{}-closed", reader.language)).await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    ticks.abort();
}
