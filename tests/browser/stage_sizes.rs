//! Whatever the names, the prizes and the size of the projector: every winner is seen, and nothing is pushed off the screen.

use serde_json::{Value, json};

use crate::browser::{Browser, Reader};
use crate::stage::{at, names};
use end_to_end_tests::{Client, stack};

/// The elements of a grid that lie outside of the window or over each other, and how large the smallest name is.
const SEEN: &str = "
    const boxes = [...document.querySelectorAll('.stage-names li')].map((one) => one.getBoundingClientRect());
    const foot = document.querySelector('.stage-foot').getBoundingClientRect().top;
    const head = document.querySelector('.stage-heading').getBoundingClientRect().bottom;
    const out = boxes.filter((box) => box.left < -1 || box.right > innerWidth + 1 || box.top < head - 2 || box.bottom > foot + 2).length;
    const over = boxes.filter((one, i) => boxes.some((other, j) => j > i && one.left < other.right - 2 && other.left < one.right - 2 && one.top < other.bottom - 2 && other.top < one.bottom - 2)).length;
    const sizes = [...document.querySelectorAll('.stage-name')].map((one) => parseFloat(getComputedStyle(one).fontSize));
    return { out, over, smallest: Math.min(...sizes), wide: document.documentElement.scrollWidth - innerWidth, high: document.documentElement.scrollHeight - innerHeight };";

/// Takes the show back to its beginning: another projector begins anew.
async fn rewind(client: &Client, path: &str, order: Value, batches: Value) {
    let position =
        json!({"screen": "commitment", "prize": 0, "from": 0, "to": 0, "order": order, "batches": batches});
    let after = client.get(path).await.expect(200)["revision"].clone();
    let body = json!({"after": after, "position": position}).to_string().into_bytes();
    let headers = [("content-type", "application/json")];
    client.send(reqwest::Method::PUT, path, &headers, body).await.expect(200);
}

async fn seen(browser: &Browser, what: &str) -> Value {
    browser.wait_until_still().await;
    let seen = browser.run(SEEN, json!([])).await;
    for fault in ["out", "over", "wide", "high"] {
        assert!(seen[fault].as_f64().unwrap() <= 0.0, "{what}: {seen}");
    }
    seen
}

#[tokio::test]
async fn one_ten_and_sixty_winners_fit_every_screen_in_both_languages() {
    let stack = stack::start().await;
    let client = stack.client();
    type Person = fn(u32) -> String;
    let lists: [(&str, &str, Reader, [&str; 3], Person); 2] = [
        (
            "party",
            "Northwind year-end party 2026",
            Reader::ENGLISH,
            ["Electric bicycle", "Weekend in Lisbon", "Book voucher"],
            |n| {
                let first = ["Rose", "Amelia", "Tracy", "Liam", "Olivia", "Emma", "Lucas"][n as usize % 7];
                let last = ["Tyler", "Pond", "Smith", "Jones", "Martinez", "Anderson"][n as usize % 6];
                format!("{first} {last}")
            },
        ),
        (
            "nianhui",
            "星河科技 2026 年会",
            Reader::CHINESE,
            ["一等奖 · 电动自行车", "二等奖 · 平板电脑", "三等奖 · 购物卡"],
            |n| {
                let family = ["王", "李", "张", "刘", "陈", "欧阳"][n as usize % 6];
                let given = ["伟", "芳", "秀英", "子轩", "梓涵", "磊", "静怡"][n as usize % 7];
                format!("{family}{given}")
            },
        ),
    ];
    for (id, name, reader, prizes, person) in lists {
        client.post("/lotteries", &json!({"id": id, "name": name, "open_to_join": true})).await.expect(201);
        let group = |n: u32| ["Sales", "研发中心", "Finance", "市场部"][n as usize % 4];
        let lines = (1..=120).map(|n| format!("p{n},{},{}\n", person(n), group(n)));
        client.import(id, &format!("participant_id,name,group\n{}", lines.collect::<String>())).await;
        let prizes = json!([{"name": prizes[0], "winners": 1}, {"name": prizes[1], "winners": 10}, {"name": prizes[2], "winners": 60}]);
        let draw = client.run_draw(id, json!({ "prizes": prizes })).await;
        let path = format!("/lotteries/{id}/draws/{}/stage", draw["draw_id"].as_str().unwrap());
        for size in [(1280, 720), (1920, 1080)] {
            let browser = Browser::open(stack.api(), Reader { size, ..reader }).await;
            browser.sign_in(stack.token()).await;
            let shot = async |screen: &str| {
                browser
                    .screenshot(&format!("stage-{}-{}x{}-{screen}", reader.language, size.0, size.1))
                    .await;
            };
            rewind(&client, &path, json!([2, 1, 0]), json!([1, 10, 60])).await;
            browser.go(&path).await;
            browser.wait_for(".stage-ready").await;
            shot("commitment").await;
            for count in [60, 10, 1] {
                browser.press("Space").await;
                at(&browser, "prize").await;
                browser.press("Space").await;
                at(&browser, "roll").await;
                shot(&format!("roll-{count}")).await;
                browser.press("Space").await;
                names(&browser, count).await;
                let found = seen(&browser, &format!("{size:?} {id} {count}")).await;
                // Readable from the last row: a fortieth of the height, at least.
                assert!(found["smallest"].as_f64().unwrap() >= f64::from(size.1) / 40.0, "{found}");
                shot(&format!("names-{count}")).await;
            }
            browser.press("Space").await;
            at(&browser, "wall").await;
            browser
                .wait("71 names", "return document.querySelectorAll('.stage-wall li').length === 71")
                .await;
            browser.wait_until_still().await;
            // Each name is on one of the pages, whole.
            let out = "
                const place = document.querySelector('.stage-wall-place').getBoundingClientRect();
                const stride = place.width + parseFloat(getComputedStyle(document.querySelector('.stage-wall-columns')).columnGap);
                return [...document.querySelectorAll('.stage-wall li')].filter((one) => {
                  const box = one.getBoundingClientRect();
                  const x = box.left - place.left;
                  return x - Math.floor(x / stride + 0.001) * stride + box.width > place.width + 1 || box.bottom > place.bottom + 1;
                }).length";
            assert_eq!(browser.run(out, json!([])).await, 0, "{size:?} {id}");
            shot("wall").await;
            assert_eq!(browser.complaints().await, Vec::<String>::new());
        }
    }
}

#[tokio::test]
async fn long_names_groups_and_prizes_push_no_winner_off_the_screen() {
    let stack = stack::start().await;
    let client = stack.client();
    client.create_lottery("party").await;
    let long = |n: u32| {
        format!("Wolfeschlegelsteinhausenbergerdorff {} {n}", "Hubert Blaine Wolfeschlegel ".repeat(5))
    };
    let group = "Department of Everything that Nobody Else Feels Responsible for";
    let people: Vec<_> = (1..=30)
        .map(|n| json!({"participant_id": format!("p{n}"), "name": if n % 3 == 0 { long(n) } else { format!("Li {n}") }, "group": group}))
        .collect();
    client.post("/lotteries/party/participants", &json!(people)).await.expect(200);
    let prize =
        "A weekend for two with half board in a hotel that has a name which nobody can remember for long, ok";
    let prizes = json!([{"name": prize, "winners": 12}, {"name": "Z".repeat(100), "winners": 1}]);
    let draw = client.run_draw("party", json!({ "prizes": prizes })).await;
    let path = format!("/lotteries/party/draws/{}/stage", draw["draw_id"].as_str().unwrap());
    for size in [(1280, 720), (1024, 768), (390, 844)] {
        let browser = Browser::open(stack.api(), Reader { size, ..Reader::ENGLISH }).await;
        browser.sign_in(stack.token()).await;
        rewind(&client, &path, json!([0, 1]), json!([60, 1])).await;
        browser.go(&path).await;
        browser.wait_for(".stage-ready").await;
        browser.press("Space").await;
        browser.press("a").await;
        browser.wait_for(".stage-names li").await;
        seen(&browser, &format!("{size:?}, twelve")).await;
        browser.screenshot(&format!("stage-long-{}", size.0)).await;
        browser.press("Space").await;
        at(&browser, "prize").await;
        browser.press("a").await;
        names(&browser, 1).await;
        seen(&browser, &format!("{size:?}, one")).await;
        assert_eq!(browser.complaints().await, Vec::<String>::new());
    }
}
