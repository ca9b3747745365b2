//! The fair draw from outside: anyone can check it, and nobody gets a second chance.

use std::collections::BTreeSet;
use std::num::NonZeroU64;

use local_stack::{Fault, FaultTime};
use serde_json::{Value, json};

use end_to_end_tests::process::verify;
use end_to_end_tests::stack::Started;
use end_to_end_tests::{eventually, stack};

async fn proof(stack: &Started, draw: &str) -> String {
    let path = format!("/lotteries/party/draws/{draw}/proof");
    let answer = stack.client().anonymous().get(&path).await;
    answer.expect(200);
    answer.text
}

fn id(draw: &Value) -> &str {
    draw["draw_id"].as_str().unwrap()
}

#[tokio::test]
async fn a_proof_is_verified_from_a_file_and_from_its_address_and_a_changed_one_is_refused() {
    let stack = stack::start().await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    let draw = client.run_draw("party", json!({"winners": 2, "alternates": 3})).await;
    assert_eq!(draw["status"], "SUCCEEDED", "{draw}");

    let text = proof(&stack, id(&draw)).await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("proof.json");
    std::fs::write(&file, &text).unwrap();
    let file = file.to_str().unwrap();
    let (holds, said) = verify(&[file, "--commitment", draw["commitment"].as_str().unwrap()]).await;
    assert!(holds && said.contains("NOT PUBLICLY RANDOM"), "{said}");
    let address = format!("{}/lotteries/party/draws/{}", stack.api(), id(&draw));
    let (holds, said) = verify(&["--url", &address]).await;
    assert!(holds, "{said}");

    let winners = client.get(&format!("/lotteries/party/draws/{}/winners", id(&draw))).await.expect(200);
    let receipt = format!(
        "/lotteries/party/participants/{}/receipt",
        winners["winners"][0]["participant_id"].as_str().unwrap()
    );
    let receipt = client.get(&receipt).await;
    receipt.expect(200);
    let kept = directory.path().join("receipt.json");
    std::fs::write(&kept, &receipt.text).unwrap();
    let (holds, said) = verify(&[file, "--receipt", kept.to_str().unwrap()]).await;
    assert!(holds && said.contains("wins prize 1 at rank 1"), "{said}");

    let noted = "ab".repeat(32);
    let (holds, said) = verify(&[file, "--commitment", &noted]).await;
    assert!(!holds && said.contains("not abab"), "whoever noted another commitment sees it: {said}");
    let tampered = directory.path().join("tampered.json");
    std::fs::write(&tampered, text.replacen("\"tickets\":1}", "\"tickets\":2}", 1)).unwrap();
    let (holds, said) = verify(&[tampered.to_str().unwrap()]).await;
    assert!(!holds && said.contains("REFUSED") && said.contains("entries"), "{said}");
}

#[tokio::test]
async fn a_history_is_walked_by_lottery_and_by_operator() {
    let stack = stack::start().await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    for _ in 0..2 {
        let draw = client.run_draw("party", json!({"winners": 2})).await;
        assert_eq!(draw["status"], "SUCCEEDED", "{draw}");
    }
    client.lottery_of_employees("gala").await;
    client.run_draw("gala", json!({"winners": 1})).await;
    let page = client.anonymous().get("/.well-known/fair-draw.json").await.expect(200);
    let sequences = |heads: &Value| -> u64 {
        heads.as_array().unwrap().iter().map(|head| head["sequence"].as_u64().unwrap()).sum()
    };
    assert_eq!((sequences(&page["lotteries"]), sequences(&page["lanes"])), (3, 3), "{page}");
    assert_eq!(page["organiser_keys"].as_array().unwrap().len(), 1);
    for (address, draws) in
        [(format!("{}/lotteries/party", stack.api()), "2 draws"), (stack.api().to_string(), "3 draws")]
    {
        let (holds, said) = verify(&["--history", &address]).await;
        assert!(holds && said.contains(draws), "{said}");
    }
}

#[tokio::test]
async fn the_proof_holds_no_personal_data_and_its_labels_are_random() {
    let stack = stack::start().await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    let draw = client.run_draw("party", json!({"winners": 2})).await;
    let text = proof(&stack, id(&draw)).await;
    for line in end_to_end_tests::EMPLOYEES.lines().skip(1) {
        for personal in line.split(',').skip(1).filter(|field| field.len() > 3) {
            assert!(!text.contains(personal), "{personal}");
        }
    }
    let other = stack::start().await;
    other.client().lottery_of_employees("party").await;
    let draw = other.client().run_draw("party", json!({"winners": 2})).await;
    let labels = |text: &str| -> BTreeSet<String> {
        let proof: Value = serde_json::from_str(text).unwrap();
        proof["entries"].as_array().unwrap().iter().map(|entry| entry["label"].to_string()).collect()
    };
    assert!(labels(&text).is_disjoint(&labels(&proof(&other, id(&draw)).await)));
}

#[tokio::test]
async fn a_commitment_is_told_before_its_round_and_cannot_be_cancelled() {
    let late = Fault::every("fetch-beacon", "BeaconUnavailable", FaultTime::Before).calls(1..=2);
    let stack = stack::start_with(|config| config.faults = vec![late]).await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    let draw = client.start_draw("party", json!({"winners": 2})).await;
    let sealed = eventually("the commitment", async || {
        let draw = client.draw("party", &draw).await;
        draw["commitment"].is_string().then_some(draw)
    })
    .await;
    assert_eq!(sealed["status"], "SEALED", "{sealed}");
    assert!(sealed["round"].is_u64() && sealed["round_at"].is_string(), "{sealed}");
    let path = format!("/lotteries/party/draws/{draw}");
    let refused = client.post(&format!("{path}/cancel"), &json!({})).await.expect(409);
    assert!(refused["type"].as_str().unwrap().ends_with("already-committed"), "{refused}");
    let lottery = client.anonymous().get("/lotteries/party").await.expect(200);
    assert_eq!(lottery["draws"][0]["commitment"], sealed["commitment"]);

    let ended = client.wait_for_end("party", &draw).await;
    assert_eq!(ended["status"], "SUCCEEDED", "a late beacon keeps the draw waiting, no more: {ended}");
    assert_eq!(ended["commitment"], sealed["commitment"]);
    let events = client.anonymous().get(&format!("{path}/events")).await.text;
    assert!(events.contains(sealed["commitment"].as_str().unwrap()), "{events}");
}

#[tokio::test]
async fn who_withdraws_between_seal_and_record_forfeits_the_seat_and_is_told_nothing() {
    let late = Fault::every("fetch-beacon", "BeaconUnavailable", FaultTime::Before).calls(1..=2);
    let stack = stack::start_with(|config| config.faults = vec![late]).await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    let draw = client.start_draw("party", json!({"winners": 8, "alternates": 2, "channels": ["sms"]})).await;
    eventually("the seal", async || (client.draw("party", &draw).await["status"] == "SEALED").then_some(()))
        .await;
    let withdrawn = ["001", "002", "003"];
    for participant in withdrawn {
        let path = format!("/lotteries/party/participants/{participant}");
        let answer = client.send(reqwest::Method::DELETE, &path, &[], Vec::new()).await;
        assert_eq!(answer.status, 204, "{}", answer.text);
    }
    let ended = client.wait_for_end("party", &draw).await;
    assert_eq!(ended["status"], "SUCCEEDED", "everybody who has a seat was told: {ended}");

    let path = format!("/lotteries/party/draws/{draw}/winners");
    let winners = client.get(&path).await.expect(200)["winners"].as_array().unwrap().clone();
    let (gone, seated): (Vec<_>, Vec<_>) = winners.iter().partition(|winner| winner["forfeited"] == true);
    let ids = |winners: &[&Value]| -> BTreeSet<String> {
        winners.iter().map(|winner| winner["participant_id"].as_str().unwrap().to_owned()).collect()
    };
    assert!(!gone.is_empty(), "eight of ten win, and three have gone");
    assert!(ids(&gone).iter().all(|id| withdrawn.contains(&&**id)));
    assert!(ids(&seated).iter().all(|id| !withdrawn.contains(&&**id)));
    assert_eq!(seated.len(), 7, "all who are left have a seat: {winners:?}");
    for winner in &gone {
        let taker = seated.iter().find(|taker| taker["instead_of"] == winner["rank"]);
        assert_eq!(taker.map_or(&Value::Null, |taker| &taker["rank"]), &winner["taken_by"]);
    }
    let phones = ids(&seated).iter().map(|id| end_to_end_tests::client::phone_of(id)).collect();
    assert_eq!(client.addressed(&draw, "sms").await, phones);
    let public = client.anonymous().get(&path).await.expect(200);
    let shown = |winners: &Value| -> Vec<Value> {
        let seat = |winner: &Value| json!([winner["rank"], winner["forfeited"], winner["taken_by"]]);
        winners.as_array().unwrap().iter().map(seat).collect()
    };
    assert_eq!(shown(&public["winners"]), shown(&json!(winners)), "everyone sees what became of the seats");
    assert_eq!(shown(&ended["winners"]), shown(&json!(winners)));
    let address = format!("{}/lotteries/party/draws/{draw}", stack.api());
    let (holds, said) = verify(&["--url", &address]).await;
    assert!(holds && said.contains("8 winners and 2 alternates"), "{said}");
}

#[tokio::test]
async fn an_abandoned_draw_stays_public_and_the_next_one_names_it() {
    let fault = Fault::every("record-winners", "SealBroken", FaultTime::Before).calls(1..=1);
    let stack = stack::start_with(|config| config.faults = vec![fault]).await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    let abandoned = client.run_draw("party", json!({"winners": 2})).await;
    assert_eq!(abandoned["status"], "ABANDONED", "{abandoned}");
    let address = format!("{}/lotteries/party/draws/{}", stack.api(), id(&abandoned));
    let (holds, said) = verify(&["--url", &address]).await;
    assert!(!holds && said.contains("would have won"), "{said}");

    let next = client.run_draw("party", json!({"winners": 10})).await;
    assert_eq!(next["status"], "SUCCEEDED", "nobody has won before: {next}");
    let named: Value = serde_json::from_str(&proof(&stack, id(&next)).await).unwrap();
    assert_eq!(named["manifest"]["previous_status"], "ABANDONED");
    assert_eq!(named["manifest"]["previous_commitment"], abandoned["commitment"]);
    let lottery = client.anonymous().get("/lotteries/party").await.expect(200);
    let numbers: Vec<_> =
        lottery["draws"].as_array().unwrap().iter().map(|draw| draw["sequence"].clone()).collect();
    assert_eq!(numbers, [2, 1], "no number is missing: {lottery}");
}

#[tokio::test]
async fn prizes_with_quotas_tickets_and_exclusions_are_drawn_and_proven() {
    let stack = stack::start().await;
    let client = stack.client();
    client.create_lottery("party").await;
    let people: String = (1..=60)
        .map(|n| format!("{n:03},Person {n},{},{},{}\n", ["sales", "works"][n % 2], n % 9 + 1, n == 7))
        .collect();
    let csv = format!("participant_id,name,group,tickets,excluded\n{people}");
    assert_eq!(client.import("party", &csv).await["accepted"], 60);
    let quota = json!([{"group": "sales", "at_least": 2}, {"group": "works", "at_most": 3}]);
    let prizes = json!([{"name": "Car", "winners": 1}, {"name": "Bicycle", "winners": 6, "quota": quota}]);
    let draw = client.run_draw("party", json!({"prizes": prizes, "alternates": 5})).await;
    let winners = client.winners("party", id(&draw)).await;
    assert_eq!(winners.len(), 7, "{draw}");
    assert!(!winners.contains(&"007".to_owned()));
    let address = format!("{}/lotteries/party/draws/{}", stack.api(), id(&draw));
    let (holds, said) = verify(&["--url", &address]).await;
    assert!(holds && said.contains("7 winners and 5 alternates"), "{said}");
    let odds =
        client.anonymous().get(&format!("/lotteries/party/draws/{}/odds", id(&draw))).await.expect(200);
    assert!(odds["simulated_draws"].as_u64().unwrap() > 1_000, "{odds}");
}

#[tokio::test]
async fn a_draw_whose_quotas_cannot_be_kept_is_rejected_before_it_takes_a_number() {
    let stack = stack::start().await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    client
        .import(
            "party",
            "participant_id,name,phone,email,group\n011,Rose Smith,+12025550111,few@example.com,few\n",
        )
        .await;
    let quota = json!([{"group": "few", "at_least": 2}]);
    let prizes = json!([{"name": "Car", "winners": 2, "quota": quota}]);
    let draw = client.run_draw("party", json!({ "prizes": prizes })).await;
    assert_eq!(
        (&draw["status"], &draw["reason"]["name"]),
        (&json!("REJECTED"), &json!("QuotaNotSatisfiable"))
    );
    let next = client.run_draw("party", json!({"winners": 1})).await;
    assert_eq!((&next["status"], &next["sequence"]), (&json!("SUCCEEDED"), &json!(1)));
}

#[tokio::test]
async fn many_draws_at_once_beside_imports_withdrawals_and_conflicts_keep_to_the_rules() {
    // Every third write of whatever function meets another transaction, and has to be tried again.
    let stack = stack::start_with(|config| config.conflict_every = NonZeroU64::new(3)).await;
    let client = stack.client();
    client.create_lottery("party").await;
    let person = |n: usize| format!("{n:04},Person {n},+1202{n:07}\n");
    let crowd = |range: std::ops::Range<usize>| {
        "participant_id,name,phone\n".to_owned() + &range.map(person).collect::<String>()
    };
    assert_eq!(client.import("party", &crowd(0..300)).await["accepted"], 300);
    let mut draws = Vec::new();
    for _ in 0..20 {
        draws.push(client.start_draw("party", json!({"winners": 2, "channels": ["sms"]})).await);
    }
    // Until the last draw has ended, so that every seal and every record has them beside it.
    let comings_and_goings = async {
        for batch in 1.. {
            let came = client.import("party", &crowd(300 * batch..300 * batch + 30)).await;
            assert_eq!(came["accepted"], 30, "{came}");
            for gone in [batch, 300 * batch] {
                let path = format!("/lotteries/party/participants/{gone:04}");
                client.send(reqwest::Method::DELETE, &path, &[], Vec::new()).await;
            }
        }
    };
    let ends = async {
        let mut ends = Vec::new();
        for draw in &draws {
            ends.push(client.wait_for_end("party", draw).await);
        }
        ends
    };
    let ends = tokio::select! {
        ends = ends => ends,
        () = comings_and_goings => unreachable!("people come and go for ever"),
    };
    let (mut winners, mut numbers) = (Vec::new(), BTreeSet::new());
    for (draw, ended) in draws.iter().zip(&ends) {
        assert!(["SUCCEEDED", "INCOMPLETE"].contains(&ended["status"].as_str().unwrap()), "{ended}");
        numbers.insert(ended["sequence"].as_u64().unwrap());
        let list = client.get(&format!("/lotteries/party/draws/{draw}/winners")).await.expect(200);
        let list = list["winners"].as_array().unwrap();
        // A winner who withdrew before the winners were official stays in the list, beside who took the seat.
        let taken = list.iter().filter(|winner| winner["taken_by"].is_u64()).count();
        assert_eq!(list.len(), 2 + taken, "{list:?}");
        let seated = list.iter().filter(|winner| winner["forfeited"] == false);
        winners.extend(seated.map(|winner| winner["participant_id"].as_str().unwrap().to_owned()));
        assert!(client.addressed(draw, "sms").await.len() <= 2);
        let address = format!("{}/lotteries/party/draws/{draw}", stack.api());
        let (holds, said) = verify(&["--url", &address]).await;
        assert!(holds, "{said}");
    }
    assert_eq!(numbers, (1..=20).collect());
    assert_eq!(
        winners.iter().collect::<BTreeSet<_>>().len(),
        winners.len(),
        "nobody wins twice: {winners:?}"
    );
}
