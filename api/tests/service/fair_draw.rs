//! What anyone can check: proof, entries, inclusions, odds; and entering a lottery oneself.

use jiff::Timestamp;
use lottery::beacon::Period;
use lottery::beacon::local::LocalBeacon;
use lottery::binding::Link;
use lottery::manifest::{Algorithm, Manifest, NamedRound, Version};
use lottery::merkle::{Inclusion, MerkleTree, leaf_hash};
use lottery::receipt::Receipt;
use lottery::seal::Seal;
use lottery::signature::OrganiserKey;
use lottery::timestamp::ProofTimestamp;
use lottery::verify::{Options, verify};
use lottery::{DrawId, Entry, HexBytes, LotteryId};
use lottery_store::{CHUNK_ENTRIES, ChunkMark, SealedDraw, SealedEntry};
use serde_json::{Value, json};

use crate::support::{Service, now};

impl Service {
    /// Seals a draw that holds its lottery, as the tasks would.
    pub(crate) async fn seal(&self, lottery_id: &LotteryId, draw_id: &DrawId) -> SealedDraw {
        let draw = self.store.draw(lottery_id, draw_id).await.unwrap().unwrap();
        let (mut pool, mut entries) = (self.store.pool(lottery_id), Vec::new());
        while let Some(members) = pool.next().await.unwrap() {
            entries.extend(members.into_iter().map(|member| SealedEntry {
                participant_id: member.participant_id,
                member: member.label,
                entry: Entry {
                    excluded: None,
                    group: member.group,
                    holder: member.holder,
                    label: member.label,
                    tickets: member.tickets,
                },
            }));
        }
        let mut seal = Seal::new(&draw.prizes);
        let mut marks = Vec::new();
        let attempt = self.store.begin_attempt(lottery_id, draw_id, "a", now()).await.unwrap();
        for (number, chunk) in (0..).zip(entries.chunks(CHUNK_ENTRIES)) {
            let mut tree = MerkleTree::default();
            for sealed in chunk {
                seal.push(&sealed.entry).unwrap();
                tree.push(sealed.entry.to_canonical_json().as_bytes());
            }
            marks.push(ChunkMark { first: chunk[0].entry.label, root: tree.root() });
            self.store.put_chunk(&attempt, number, chunk).await.unwrap();
        }
        self.store.put_chunk_index(&attempt, &marks).await.unwrap();
        let sealed = seal.finish().unwrap();
        let beacon = beacon();
        let sealed_at = ProofTimestamp::from_timestamp(now()).unwrap();
        let manifest = Manifest {
            algorithm: Algorithm::LowestTicket,
            alternates: 0,
            beacon: NamedRound::after(beacon.chain(), sealed_at, 1).unwrap(),
            claim_within_seconds: None,
            closes_at: None,
            draw_id: draw_id.clone(),
            entries: sealed.entries,
            kind: None,
            lottery_id: lottery_id.clone(),
            margin_seconds: 1,
            previous_commitment: None,
            previous_status: None,
            prizes: draw.prizes.clone(),
            root: sealed.root,
            sealed_at,
            sequence: 1,
            tickets: sealed.tickets,
            version: Version::One,
            exclude_past_winners: None,
            operator: None,
        };
        let signature = OrganiserKey::from_seed(&[1; 32]).sign(&manifest.commitment());
        let chunks = marks.len() as u32;
        let chain = beacon.chain().clone();
        let seal = SealedDraw { manifest, signature, chain, attempt: "a".to_owned(), chunks };
        self.store.commit_seal(&seal, &attempt, 0, now(), std::time::Duration::from_secs(5)).await.unwrap();
        seal
    }
}

fn beacon() -> LocalBeacon {
    let genesis = Timestamp::UNIX_EPOCH.as_second() as u32 + 1_700_000_000;
    LocalBeacon::from_seed(&[3; 32], genesis, Period::try_from(1).unwrap())
}

/// The lottery `party` with so many people, and a draw of one winner, sealed.
async fn sealed(people: usize) -> (Service, String, SealedDraw) {
    let service = Service::with_party().await;
    let lines = (1..=people).map(|n| format!("{n:04},Person {n},+1202555{n:04},{}\n", n % 3 + 1));
    let csv = "participant_id,name,phone,tickets\n".to_owned() + &lines.collect::<String>();
    service.import_csv(&csv).await;
    let draw = service.post("/lotteries/party/draws", json!({ "winners": 1 })).await.expect(202).json();
    let lottery_id = LotteryId::parse("party").unwrap();
    let draw_id = DrawId::parse(draw["draw_id"].as_str().unwrap()).unwrap();
    service.store.take_lottery(&lottery_id, &draw_id).await.unwrap();
    let seal = service.seal(&lottery_id, &draw_id).await;
    (service, format!("/lotteries/party/draws/{draw_id}"), seal)
}

#[tokio::test]
async fn there_is_nothing_to_check_before_the_entries_are_sealed() {
    let service = Service::with_party().await;
    let draw = service.post("/lotteries/party/draws", json!({ "winners": 1 })).await.expect(202).json();
    let path = format!("/lotteries/party/draws/{}", draw["draw_id"].as_str().unwrap());
    let label = "0f8fad5b-d9cb-469f-a165-70867728950e";
    for route in ["proof", "entries", "odds", &format!("entries/{label}/inclusion")] {
        let answer = service.get(&format!("{path}/{route}")).await.expect(409);
        assert_eq!(answer.problem(), "not-sealed", "{route}");
        service.get(&format!("/lotteries/party/draws/unknown/{route}")).await.expect(404);
    }
}

#[tokio::test]
async fn the_proof_grows_with_the_draw_and_its_bytes_verify() {
    let (service, path, seal) = sealed(20).await;
    let check = |text: &str| verify(text.as_bytes(), &Options::default());
    let answer = service.get(&format!("{path}/proof")).await.expect(200);
    assert_eq!(answer.header("content-type"), "application/json");
    let report = check(&answer.body);
    assert!(!report.holds && report.verdict.starts_with("INCOMPLETE"), "{}", report.verdict);
    assert_eq!(report.commitment, Some(seal.manifest.commitment()));
    let draw = service.get(&path).await.expect(200).json();
    assert_eq!(draw["commitment"], seal.manifest.commitment().to_string());
    assert_eq!(draw["round"], seal.manifest.beacon.round);

    let round = beacon().round(seal.manifest.beacon.round);
    service.store.put_round(seal.lottery_id(), seal.draw_id(), &round, jiff::Timestamp::now()).await.unwrap();
    // Whom the round has named could still be withdrawn: nobody learns it from here before the winners are official.
    let report = check(&service.get(&format!("{path}/proof")).await.expect(200).body);
    assert!(!report.holds && report.verdict.contains("which this proof does not have"), "{}", report.verdict);
    let text = service.get(&format!("{path}/proof")).await.expect(200).body;
    // Quoted: hexadecimal digits hold any four of them by chance.
    assert!(!["Person", "\"0001\"", "+1202555"].iter().any(|personal| text.contains(personal)), "{text}");
}

#[tokio::test]
async fn entries_come_page_by_page_and_each_has_the_proof_of_its_place() {
    let (service, path, seal) = sealed(1_100).await;
    let mut entries = Vec::new();
    let mut cursor = Some("0".to_owned());
    while let Some(from) = cursor {
        let page = service.get(&format!("{path}/entries?limit=300&cursor={from}")).await.expect(200).json();
        entries.extend(page["entries"].as_array().unwrap().clone());
        cursor = page["next_cursor"].as_str().map(str::to_owned);
    }
    let whole = service.get(&format!("{path}/entries")).await.expect(200).json();
    assert_eq!((&whole["entries"], &whole["next_cursor"]), (&json!(entries), &Value::Null));
    assert_eq!(entries.len(), 1_100);
    assert!(entries.is_sorted_by_key(|entry| entry["label"].as_str().unwrap().to_owned()));
    for bad in ["cursor=x", "limit=0", "limit=10001"] {
        service.get(&format!("{path}/entries?{bad}")).await.expect(400);
    }
    let past_the_end = service.get(&format!("{path}/entries?cursor=99999")).await.expect(200).json();
    assert_eq!(past_the_end["entries"], json!([]));

    for index in [0, 511, 512, 1_099] {
        let label = entries[index]["label"].as_str().unwrap();
        let found = service.get(&format!("{path}/entries/{label}/inclusion")).await.expect(200).json();
        assert_eq!(found["entry"], entries[index]);
        let entry: Entry = serde_json::from_value(found["entry"].clone()).unwrap();
        let inclusion: Inclusion = serde_json::from_value(found["inclusion"].clone()).unwrap();
        let root = inclusion.root(leaf_hash(entry.to_canonical_json().as_bytes()));
        assert_eq!(root, Some(seal.manifest.root));
        assert_eq!(found["root"], seal.manifest.root.to_string());
    }
    let nobody = "0f8fad5b-d9cb-469f-a165-70867728950e";
    service.get(&format!("{path}/entries/{nobody}/inclusion")).await.expect(404);
    service.get(&format!("{path}/entries/nonsense/inclusion")).await.expect(404);
}

#[tokio::test]
async fn the_odds_are_those_of_the_tickets() {
    let (service, path, _) = sealed(30).await;
    let odds = service.get(&format!("{path}/odds")).await.expect(200).json();
    assert_eq!(odds["simulated_draws"], Value::Null);
    let classes = odds["classes"].as_array().unwrap();
    assert_eq!(classes.len(), 3);
    for class in classes {
        let expected = class["tickets"].as_f64().unwrap() / 60.0;
        let chance = class["any"]["chance"].as_f64().unwrap();
        assert!((chance - expected).abs() < 1e-6, "{class}");
    }
}

#[tokio::test]
async fn one_enters_an_open_lottery_once_and_gets_the_receipt_that_the_organiser_can_give_again() {
    let service = Service::new().await;
    let party = json!({ "id": "party", "name": "Party", "open_to_join": true });
    service.post("/lotteries", party).await.expect(201);
    let join = |body: Value| {
        let request = http::Request::post("/lotteries/party/join").header("content-type", "application/json");
        service.call(request.body(body.to_string().into()).unwrap())
    };
    let receipt = join(json!({ "name": "Rose", "phone": "+12025550147" })).await.expect(201).json();
    let id = receipt["participant_id"].as_str().unwrap();
    let path = format!("/lotteries/party/participants/{id}/receipt");
    assert_eq!(service.get_as_organiser(&path).await.expect(200).json(), receipt);
    service.get(&path).await.expect(401);
    let parsed: Receipt = serde_json::from_value(receipt.clone()).unwrap();
    let lottery_id = LotteryId::parse("party").unwrap();
    let Receipt::Two(person) = &parsed else { panic!("{parsed:?}") };
    assert_eq!(
        (person.name.as_str(), person.phone.as_deref(), person.email.as_deref()),
        ("Rose", Some("+12025550147"), None)
    );
    assert_ne!(person.secret, HexBytes::from([0; 32]));
    let members = service.store.pool(&lottery_id).next().await.unwrap().unwrap();
    let link = Link::of(&lottery::Nonce::from_random(*person.secret.as_bytes()));
    assert_eq!(members[0].binding.unwrap().0.as_bytes(), link.as_bytes());

    let again = join(json!({ "name": "Rose again", "phone": "+1 202 555 0147" })).await.expect(201).json();
    let decoy: Receipt = serde_json::from_value(again).unwrap();
    assert!(service.store.holder_of(&lottery_id, &decoy).await.unwrap().is_none(), "it opens nothing");
    for (body, field) in [
        (json!({ "name": "Rose" }), "phone"),
        (json!({ "name": "", "phone": "+12025550148" }), "name"),
        (json!({ "name": "Rose", "phone": "1" }), "phone"),
        (json!({ "name": "Rose", "phone": "+12025550148", "tickets": 1000 }), "tickets"),
        (json!({ "name": "Rose", "phone": "+12025550148", "participant_id": "001" }), "participant_id"),
    ] {
        let answer = join(body).await.expect(422).json();
        assert_eq!(answer["errors"][0]["field"], field, "{answer}");
    }
}

#[tokio::test]
async fn nobody_enters_a_lottery_that_is_not_open_or_does_not_exist() {
    let service = Service::with_party().await;
    let body = json!({ "name": "Rose", "phone": "+12025550147" });
    let closed = service.post("/lotteries/party/join", body.clone()).await.expect(403);
    assert_eq!(closed.problem(), "not-open-to-join");
    service.post("/lotteries/nowhere/join", body).await.expect(404);
}

#[tokio::test]
async fn whoever_enters_very_often_is_asked_to_wait() {
    let service =
        Service::with(|config| config.rate_limits.join = api::Rate { per_second: 1.0, burst: 2.0 }).await;
    let mut statuses = Vec::new();
    for n in 0..3 {
        let body = json!({ "name": "Rose", "phone": format!("+1202555014{n}") });
        statuses.push(service.post("/lotteries/nowhere/join", body).await.status.as_u16());
    }
    assert_eq!(statuses, [404, 404, 429]);
}
