//! The winners of a draw as files: for Excel, with groups, and with the alternates after the winners.

use std::io::Cursor;

use axum::body::Body;
use calamine::{Data, Reader as _, Xlsx};
use http::Request;
use http_body_util::BodyExt;
use lottery::seat_changes::LogEnd;
use lottery::selection::{Ranked, Seat};
use lottery::signature::OrganiserKey;
use lottery::timestamp::ProofTimestamp;
use lottery::{Commitment, DrawId, HexBytes, LotteryId, PassedOn};
use lottery_store::{RankedEntry, Withdrawals};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::{Service, now};

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const PEOPLE: [&str; 5] =
    ["张伟,+12025550101,销售部", "=Tracy,+12025550102,Sales", "Aaron,,", "李雷,,Sales", "Bea,,"];

/// A draw of two winners with up to four alternates among five people, ranked by their ids. The first winner has withdrawn and
/// the first alternate has the seat, if so wanted.
async fn drawn(is_forfeited: bool) -> (Service, String) {
    seated(json!([]), [1, 2], is_forfeited).await
}

/// The first entry of a log: this rank withdrew before the round.
fn withdrawn(rank: u32, prize: u32, taken_by: Option<u32>) -> Withdrawals {
    let key = OrganiserKey::from_seed(&[7; 32]);
    let mut end = LogEnd::of_commitment(&Commitment::from([1; 32]));
    let change = end.append(&key, None, rank, taken_by, ProofTimestamp::from_timestamp(now()).unwrap());
    Withdrawals { passed_on: vec![PassedOn { rank, prize, taken_by, reason: None }], changes: vec![change] }
}

/// The same with quotas, and with seats for these ranks.
async fn seated(quota: Value, seats: [u32; 2], is_forfeited: bool) -> (Service, String) {
    let service = Service::with_party().await;
    let lines: String = (1..).zip(PEOPLE).map(|(id, person)| format!("{id},{person}\n")).collect();
    service.import_csv(&format!("participant_id,name,phone,group\n{lines}")).await;
    let prize = json!({ "name": "一等奖", "winners": 2, "quota": quota });
    let body = json!({ "prizes": [prize], "alternates": 4 });
    let draw = service.post("/lotteries/party/draws", body).await.expect(202).json();
    let lottery_id = LotteryId::parse("party").unwrap();
    let draw_id = DrawId::parse(draw["draw_id"].as_str().unwrap()).unwrap();
    let store = &service.store;
    store.take_lottery(&lottery_id, &draw_id).await.unwrap();
    let seal = service.seal(&lottery_id, &draw_id).await;
    let mut sealed: Vec<_> =
        store.chunks(&seal, 0..seal.chunks).await.unwrap().into_iter().flatten().collect();
    sealed.sort_by_key(|sealed| sealed.participant_id.to_string());
    let ranking: Vec<RankedEntry> = (1..)
        .zip(sealed)
        .map(|(rank, sealed)| RankedEntry {
            participant_id: sealed.participant_id,
            member: sealed.member,
            fingerprints: None,
            rank,
            ranked: Ranked {
                label: sealed.entry.label,
                prize: seats.contains(&rank).then_some(0),
                score: HexBytes::from([rank as u8; 32]),
                seat: if seats.contains(&rank) { Seat::Open } else { Seat::Alternate },
            },
            part: lottery::Part::Other,
        })
        .collect();
    store.put_pending_ranking(&lottery_id, &draw_id, &ranking).await.unwrap();
    store.mark_drawn(&lottery_id, &draw_id, now()).await.unwrap();
    let withdrawals = if is_forfeited { withdrawn(1, 0, Some(3)) } else { Withdrawals::default() };
    if is_forfeited {
        service.delete("/lotteries/party/participants/1").await.expect(204);
    }
    store.record_winners(&lottery_id, &draw_id, &withdrawals, now()).await.unwrap();
    (service, format!("/lotteries/party/draws/{draw_id}/winners"))
}

/// The body, and the address of the next part.
async fn get(service: &Service, path: &str, accept: &str, scope: Option<&str>) -> (Vec<u8>, Option<String>) {
    let mut request = Request::get(path).header("accept", accept);
    if let Some(scope) = scope {
        request = request.header("authorization", format!("Bearer {}", service.issuer.token(scope)));
    }
    let response = service.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), 200);
    let next = response.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
    let next = next.map(|link| link[1..].split_once('>').unwrap().0.to_owned());
    (response.into_body().collect().await.unwrap().to_bytes().to_vec(), next)
}

/// The lines of a CSV without its labels, which are random.
fn lines(csv: &[u8]) -> Vec<String> {
    let text = String::from_utf8(csv.to_vec()).unwrap();
    let text = text.strip_prefix('\u{feff}').expect("a byte order mark");
    assert!(text.ends_with("\r\n"));
    let is_label = |cell: &&str| cell.len() == 36 && cell.matches('-').count() == 4;
    let without_label =
        |line: &str| line.split(',').filter(|cell| !is_label(cell)).collect::<Vec<_>>().join(",");
    text.split_terminator("\r\n").map(without_label).collect()
}

const READ: Option<&str> = Some("results:read");

#[tokio::test]
async fn the_file_begins_with_the_mark_and_has_groups_and_alternates() {
    let (service, path) = drawn(false).await;
    let (csv, next) = get(&service, &path, "text/csv", READ).await;
    assert_eq!(&csv[..3], b"\xef\xbb\xbf");
    assert_eq!(next, None);
    let header = "rank,prize,alternate,participant_id,name,group,phone,email,label,sms_state,email_state,forfeited,\
        taken_by,instead_of,replaced,claimed_at";
    let expected = [
        header,
        "1,一等奖,no,1,张伟,销售部,'+12025550101,,,,,,,,",
        "2,一等奖,no,2,'=Tracy,Sales,'+12025550102,,,,,,,,",
        "3,,yes,3,Aaron,,,,,,,,,,",
        "4,,yes,4,李雷,Sales,,,,,,,,,",
        "5,,yes,5,Bea,,,,,,,,,,",
    ];
    assert_eq!(lines(&csv), expected);
}

#[tokio::test]
async fn an_alternate_who_took_a_seat_stands_among_the_winners() {
    let (service, path) = drawn(true).await;
    let (csv, _) = get(&service, &path, "text/csv", READ).await;
    let expected = [
        "1,一等奖,no,1,,,,,,,forfeited,3,,,",
        "2,一等奖,no,2,'=Tracy,Sales,'+12025550102,,,,,,,,",
        "3,一等奖,no,3,Aaron,,,,,,,,1,,",
        "4,,yes,4,李雷,Sales,,,,,,,,,",
        "5,,yes,5,Bea,,,,,,,,,,",
    ];
    assert_eq!(lines(&csv)[1..], expected);
    let (json, _) = get(&service, &path, "application/json", READ).await;
    let json: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!((&json["total"], &json["next_cursor"]), (&json!(3), &Value::Null));
    let ranks = |member: &str| -> Vec<u64> {
        json[member].as_array().unwrap().iter().map(|line| line["rank"].as_u64().unwrap()).collect()
    };
    assert_eq!((ranks("winners"), ranks("alternates")), (vec![1, 2, 3], vec![4, 5]));
    assert_eq!((&json["winners"][1]["group"], &json["winners"][0]["group"]), (&json!("Sales"), &Value::Null));
    assert_eq!(
        (&json["alternates"][0]["name"], &json["alternates"][0]["group"]),
        (&json!("李雷"), &json!("Sales"))
    );
}

/// A group that has enough seats is passed over: its next-ranked is an alternate who is ranked before a winner.
#[tokio::test]
async fn with_quotas_an_alternate_may_stand_before_a_winner() {
    let (service, path) = seated(json!([{"group": "Sales", "at_most": 1}]), [1, 3], false).await;
    let ranks = |json: &[u8], member: &str| -> Vec<u64> {
        let json: Value = serde_json::from_slice(json).unwrap();
        json[member].as_array().unwrap().iter().map(|line| line["rank"].as_u64().unwrap()).collect()
    };
    let (full, _) = get(&service, &path, "application/json", READ).await;
    assert_eq!((ranks(&full, "winners"), ranks(&full, "alternates")), (vec![1, 3], vec![2, 4, 5]));
    let (masked, _) = get(&service, &path, "application/json", None).await;
    assert_eq!(ranks(&masked, "winners"), [1, 3]);
    let (shown, _) = get(&service, path.strip_suffix("/winners").unwrap(), "application/json", None).await;
    assert_eq!(ranks(&shown, "winners"), [1, 3]);
    let (first, _) = get(&service, &format!("{path}?limit=2"), "application/json", None).await;
    assert_eq!(ranks(&first, "winners"), [1]);
    let (rest, _) = get(&service, &format!("{path}?limit=2&cursor=2"), "application/json", None).await;
    assert_eq!(ranks(&rest, "winners"), [3]);
}

#[tokio::test]
async fn an_alternate_who_has_withdrawn_has_no_name_left() {
    let (service, path) = drawn(false).await;
    service.delete("/lotteries/party/participants/4").await.expect(204);
    // The id is somebody else's by now.
    service.import_csv("participant_id,name\n4,Gary\n").await;
    let (csv, _) = get(&service, &path, "text/csv", READ).await;
    assert_eq!(lines(&csv)[4], "4,,yes,4,,,,,,,,,,,");
}

#[tokio::test]
async fn pages_and_parts_go_on_from_the_winners_to_the_alternates() {
    let (service, path) = drawn(false).await;
    let (mut ranks, mut next) = (Vec::new(), Some(format!("{path}?limit=2")));
    while let Some(at) = next {
        let (json, _) = get(&service, &at, "application/json", READ).await;
        let json: Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(json["total"], 2);
        let both = ["winners", "alternates"].map(|member| json[member].as_array().unwrap().clone()).concat();
        ranks.extend(both.iter().map(|line| line["rank"].as_u64().unwrap()));
        next = json["next_cursor"].as_str().map(|cursor| format!("{path}?limit=2&cursor={cursor}"));
    }
    assert_eq!(ranks, [1, 2, 3, 4, 5]);
    for accept in ["text/csv", XLSX] {
        let (part, next) = get(&service, &format!("{path}?limit=3"), accept, READ).await;
        assert!(next.as_ref().is_some_and(|next| next.ends_with("/winners?cursor=3")), "{next:?}");
        if accept == "text/csv" {
            assert_eq!(lines(&part).len(), 4);
        }
    }
}

#[tokio::test]
async fn a_workbook_of_winners_holds_text_as_text() {
    let (service, path) = drawn(false).await;
    let (file, next) = get(&service, &path, XLSX, READ).await;
    assert_eq!(next, None);
    let mut workbook: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(file)).unwrap();
    let range = workbook.worksheet_range("Sheet1").unwrap();
    assert_eq!(range.height(), 6);
    let text = |text: &str| Some(Data::String(text.to_owned()));
    let cell = |row, column| range.get_value((row, column)).cloned();
    assert_eq!((cell(0, 0), cell(0, 5)), (text("rank"), text("group")));
    assert_eq!((cell(1, 0), cell(1, 1), cell(1, 4)), (Some(Data::Float(1.0)), text("一等奖"), text("张伟")));
    assert_eq!((cell(1, 6), cell(2, 4)), (text("+12025550101"), text("=Tracy")));
    assert_eq!((cell(4, 2), cell(4, 4)), (text("yes"), text("李雷")));
}

#[tokio::test]
async fn everybody_else_sees_masked_winners_and_no_alternates() {
    let (service, path) = drawn(true).await;
    for scope in [None, Some("participants:read"), Some("draws:write participants:write")] {
        let (json, _) = get(&service, &path, "application/json", scope).await;
        let json: Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(json["winners"].as_array().unwrap().len(), 3);
        assert!(json.get("alternates").is_none() && json["winners"][1].get("group").is_none(), "{json}");
        let (csv, _) = get(&service, &path, "text/csv", scope).await;
        let lines = lines(&csv);
        assert_eq!(
            lines[0],
            "rank,prize,name,phone,email,label,forfeited,taken_by,instead_of,replaced,claimed_at"
        );
        assert_eq!(
            lines[1..],
            ["1,一等奖,,,,forfeited,3,,,", "2,一等奖,'=***,***02,,,,,,", "3,一等奖,A***,,,,,1,,"]
        );
        let (file, _) = get(&service, &path, XLSX, scope).await;
        let mut workbook: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(file)).unwrap();
        let text = format!("{:?}", workbook.worksheet_range("Sheet1").unwrap());
        for personal in ["Tracy", "李雷", "12025550102", "Sales"] {
            assert!(!text.contains(personal), "{scope:?} {text}");
        }
    }
}

#[tokio::test]
async fn before_anybody_has_won_the_file_is_its_header() {
    let service = Service::with_party().await;
    service.import_csv("participant_id,name\n1,Rose\n").await;
    let draw = service
        .post("/lotteries/party/draws", json!({ "winners": 1, "alternates": 3 }))
        .await
        .expect(202)
        .json();
    let path = format!("/lotteries/party/draws/{}/winners", draw["draw_id"].as_str().unwrap());
    for scope in [None, READ] {
        let (csv, next) = get(&service, &path, "text/csv", scope).await;
        assert_eq!((lines(&csv).len(), next), (1, None));
        get(&service, &path, XLSX, scope).await;
    }
}
