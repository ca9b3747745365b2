//! No answer is larger than Lambda can carry, whatever names people have.

use jiff::SignedDuration;
use lottery::selection::{Ranked, Seat};
use lottery::{DrawId, DrawRequest, HexBytes, Locale, LotteryId, ParticipantId};
use lottery_store::{RankedEntry, Withdrawals};
use serde_json::{Value, json};

use crate::support::{Answer, Service, now};

/// The largest response of a function, in bytes.
const LAMBDA: usize = 6_291_556;
const WINNERS: u32 = 10_000;
/// Draws with the longest rules, more than one answer can hold.
const DRAWS: u8 = 40;

/// An answer as `lambda_http` hands it to Lambda: the body is a JSON string.
fn carried(answer: &Answer) -> usize {
    let headers: usize =
        answer.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 6).sum();
    serde_json::to_string(&answer.body).unwrap().len() + headers + 200
}

/// A draw of ten thousand winners whose names, addresses, groups and prize are as long as they may be.
async fn large() -> (Service, String) {
    let service = Service::with(|config| {
        config.has_email_sender = true;
        config.export_max_people = Some(20_000);
    })
    .await;
    let party = json!({ "id": "party", "name": "Party", "email_through": "ses" });
    service.post("/lotteries", party).await.expect(201);
    let (name, group, prize) = ("🎉 ".repeat(99) + "🎉🎉", "😀".repeat(64), "🏆".repeat(100));
    let people: Vec<String> = (1..=WINNERS)
        .map(|n| {
            let id = format!("{n:064}");
            let email =
                format!("{n:0>64}@{}.example", format!("{}.", "x".repeat(60)).repeat(2) + &"y".repeat(58));
            json!({ "participant_id": id, "name": name, "phone": format!("+1202{n:011}"), "email": email,
                "group": group, "tickets": n % 1000 + 1 })
            .to_string()
        })
        .collect();
    for part in people.chunks(2_500) {
        let report = service.import("application/x-ndjson", part.join("\n")).await.expect(200).json();
        assert_eq!(report["refused"], 0, "{}", report["refusals"][0]);
    }
    let prizes = json!([{ "name": prize, "winners": WINNERS }]);
    let draw = service.post("/lotteries/party/draws", json!({ "prizes": prizes })).await.expect(202).json();
    let lottery_id = LotteryId::parse("party").unwrap();
    let draw_id = DrawId::parse(draw["draw_id"].as_str().unwrap()).unwrap();
    let store = &service.store;
    store.take_lottery(&lottery_id, &draw_id).await.unwrap();
    let seal = service.seal(&lottery_id, &draw_id).await;
    let sealed = store.chunks(&seal, 0..seal.chunks).await.unwrap();
    let ranking: Vec<RankedEntry> = (1..)
        .zip(sealed.into_iter().flatten())
        .map(|(rank, sealed)| RankedEntry {
            participant_id: ParticipantId::parse(sealed.participant_id.as_str()).unwrap(),
            member: sealed.member,
            fingerprints: None,
            rank,
            ranked: Ranked {
                label: sealed.entry.label,
                prize: Some(0),
                score: HexBytes::from([0xff; 32]),
                seat: Seat::Reserved,
            },
            part: lottery::Part::Other,
        })
        .collect();
    assert_eq!(ranking.len(), WINNERS as usize);
    store.put_pending_ranking(&lottery_id, &draw_id, &ranking).await.unwrap();
    store.mark_drawn(&lottery_id, &draw_id, now()).await.unwrap();
    store.record_winners(&lottery_id, &draw_id, &Withdrawals::default(), now()).await.unwrap();
    (service, format!("/lotteries/party/draws/{draw_id}"))
}

#[tokio::test]
async fn no_answer_about_ten_thousand_winners_is_too_large_and_all_are_on_some_page() {
    let (service, path) = large().await;
    for route in ["", "/events", "/winners", "/proof", "/entries", "/odds"] {
        let answer = service.get(&format!("{path}{route}")).await.expect(200);
        assert!(carried(&answer) < LAMBDA, "{route}: {}", carried(&answer));
    }
    for route in [
        format!("{path}/winners"),
        format!("{path}/winners?limit=1000"),
        format!("{path}/notifications?limit=1000"),
        "/lotteries/party/participants?limit=1000".to_owned(),
    ] {
        let answer = service.get_as_organiser(&route).await.expect(200);
        assert!(carried(&answer) < LAMBDA, "{route}: {}", carried(&answer));
    }
    let draw = service.get(&path).await.json();
    assert_eq!((draw["winners"].as_array().unwrap().len(), &draw["winners_total"]), (100, &json!(WINNERS)));
    assert_eq!(draw["winners_next_cursor"], "100");

    let (mut ranks, mut query) = (Vec::new(), String::new());
    loop {
        let page = service.get_as_organiser(&format!("{path}/winners{query}")).await.expect(200).json();
        assert_eq!(page["total"], WINNERS);
        ranks.extend(
            page["winners"].as_array().unwrap().iter().map(|winner| winner["rank"].as_u64().unwrap()),
        );
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        query = format!("?cursor={cursor}");
    }
    assert_eq!(ranks, Vec::from_iter(1..=u64::from(WINNERS)));

    // CSV comes whole, or in as few parts as can be carried.
    for path in [format!("{path}/winners"), "/lotteries/party/participants".to_owned()] {
        let (mut lines, mut parts, mut query) = (0, 0, String::new());
        loop {
            let mut request = service.request(http::Method::GET, &format!("{path}{query}"), "text/csv", "");
            request.headers_mut().insert("accept", "text/csv".parse().unwrap());
            let part = service.call(request).await.expect(200);
            assert!(carried(&part) < LAMBDA, "{}", carried(&part));
            lines += part.body.lines().count() - 1;
            parts += 1;
            let Some(link) = part.headers.get("link").map(|link| link.to_str().unwrap().to_owned()) else {
                break;
            };
            assert!(carried(&part) > LAMBDA / 2, "{}", carried(&part));
            let cursor = link.split_once("cursor=").unwrap().1.split_once('>').unwrap().0.to_owned();
            assert!(link.ends_with("rel=\"next\""), "{link}");
            query = format!("?cursor={cursor}");
        }
        assert_eq!(lines, WINNERS as usize, "{path}");
        assert!((2..=6).contains(&parts), "{path}: {parts}");
    }
    service.get(&format!("{path}/winners?cursor=x")).await.expect(400);
}

#[tokio::test]
async fn lists_of_draws_with_long_rules_are_shortened_and_go_on() {
    let service = Service::with_party().await;
    let quotas: Vec<Value> =
        (0..5).map(|n| json!({ "group": format!("{n}{}", "😀".repeat(63)), "at_most": 9 })).collect();
    let prizes: Vec<Value> =
        (0..100).map(|n| json!({ "name": format!("{n}"), "winners": 9, "quota": quotas })).collect();
    let request = DrawRequest::parse(&json!({ "prizes": prizes }), Locale::En, now()).unwrap();
    for n in 0..DRAWS {
        let (lottery_id, draw_id) = (LotteryId::parse("party").unwrap(), DrawId::from_random([n; 16]));
        let draw = request.clone().begin(lottery_id, draw_id, now() + SignedDuration::from_secs(n.into()));
        service.store.create_draw(&draw).await.unwrap();
    }
    let lottery = service.get("/lotteries/party").await.expect(200);
    let first = service.get("/lotteries/party/draws?limit=1000").await.expect(200);
    for answer in [&lottery, &first] {
        assert!((LAMBDA / 2..LAMBDA).contains(&carried(answer)), "{}", carried(answer));
    }
    let mut count = first.json()["draws"].as_array().unwrap().len();
    let mut cursor = first.json()["next_cursor"].as_str().map(str::to_owned);
    while let Some(at) = cursor {
        let page = service
            .get(&format!("/lotteries/party/draws?limit=1000&cursor={}", at.replace('#', "%23")))
            .await
            .expect(200)
            .json();
        count += page["draws"].as_array().unwrap().len();
        cursor = page["next_cursor"].as_str().map(str::to_owned);
    }
    assert_eq!(count, usize::from(DRAWS));
}
