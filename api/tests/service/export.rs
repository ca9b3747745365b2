//! The list as a file: opened by spreadsheets, and imported again without a change.

use std::io::Cursor;

use axum::body::Body;
use bytes::Bytes;
use calamine::{Data, Reader as _, Xlsx};
use http::{HeaderMap, Method, Request};
use http_body_util::BodyExt;
use lottery::list::{self, ListPerson, Options};
use proptest::prelude::*;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::Service;

const LIST: &str = "/lotteries/party/participants";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const HEADER: &str = "participant_id,name,phone,email,group,tickets,excluded";

async fn with_people(people: &[Value], export_max_people: Option<usize>) -> Service {
    let service = Service::with(|config| {
        config.has_email_sender = true;
        config.export_max_people = export_max_people;
    })
    .await;
    let party = json!({ "id": "party", "name": "Party", "email_through": "ses" });
    service.post("/lotteries", party).await.expect(201);
    for part in people.chunks(500) {
        let report = service
            .import("application/json", Value::from(part.to_vec()).to_string())
            .await
            .expect(200)
            .json();
        assert_eq!(report["refused"], 0, "{report}");
    }
    service
}

/// An answer as bytes.
async fn file_as(service: &Service, scope: &str, path: &str, accept: &str) -> (u16, HeaderMap, Bytes) {
    let token = service.issuer.token(scope);
    let request =
        Request::get(path).header("authorization", format!("Bearer {token}")).header("accept", accept);
    let response = service.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    (parts.status.as_u16(), parts.headers, body.collect().await.unwrap().to_bytes())
}

async fn file(service: &Service, path: &str, accept: &str) -> (HeaderMap, Bytes) {
    let (status, headers, body) = file_as(service, "participants:read", path, accept).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    (headers, body)
}

/// The address of the link with `rel="next"`.
fn next(headers: &HeaderMap) -> Option<String> {
    let link = headers.get("link")?.to_str().unwrap();
    let path = link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap();
    Some(path.to_owned())
}

fn rows(workbook: &[u8]) -> Vec<Vec<Data>> {
    let mut workbook: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(workbook.to_vec())).unwrap();
    let names = workbook.sheet_names();
    assert_eq!(names.len(), 1);
    workbook.worksheet_range(&names[0]).unwrap().rows().map(<[Data]>::to_vec).collect()
}

/// People as their list reads them.
fn read(bytes: &[u8]) -> Vec<ListPerson> {
    let list = list::read(bytes, Options::default()).unwrap();
    list.rows.into_iter().map(|row| row.person.unwrap()).collect()
}

#[tokio::test]
async fn a_csv_begins_with_the_mark_and_holds_no_formula() {
    let people = [
        json!({ "participant_id": "1", "name": "张伟", "phone": "+12025550101", "email": "wei@example.com", "group": "销售部" }),
        json!({ "participant_id": "2", "name": "=1+1", "group": "@home", "tickets": 7 }),
        json!({ "participant_id": "3", "name": "Tyler, \"Rose\"", "group": "a;=b", "excluded": true }),
        json!({ "participant_id": "4", "name": "-Aaron" }),
    ];
    let service = with_people(&people, None).await;
    let (headers, body) = file(&service, LIST, "text/csv").await;
    assert_eq!(headers["content-type"], "text/csv; charset=utf-8");
    assert_eq!(headers["content-disposition"], "attachment; filename=\"participants-party.csv\"");
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(&body[..3], b"\xef\xbb\xbf");
    let expected = format!(
        "\u{feff}{HEADER}\r\n1,张伟,'+12025550101,wei@example.com,销售部,1,false\r\n2,'=1+1,,,'@home,7,false\r\n\
         3,\"Tyler, \"\"Rose\"\"\",,,\"a;=b\",1,true\r\n4,'-Aaron,,,,1,false\r\n"
    );
    assert_eq!(String::from_utf8(body.to_vec()).unwrap(), expected);
    // Nobody at all: a file with a header.
    service.post("/lotteries", json!({ "id": "empty", "name": "Empty" })).await.expect(201);
    let (_, body) = file(&service, "/lotteries/empty/participants", "text/csv").await;
    assert_eq!(String::from_utf8(body.to_vec()).unwrap(), format!("\u{feff}{HEADER}\r\n"));
}

#[tokio::test]
async fn a_workbook_holds_text_as_text_and_numbers_as_numbers() {
    let people = [
        json!({ "participant_id": "007", "name": "=1+1", "phone": "+12025550101", "tickets": 7 }),
        json!({ "participant_id": "1E5", "name": "_x0041_ 张伟 👨\u{200d}👩\u{200d}👧", "email": "wei@example.com", "excluded": true }),
    ];
    let service = with_people(&people, None).await;
    let (headers, body) = file(&service, LIST, XLSX).await;
    assert_eq!(headers["content-type"], XLSX);
    assert_eq!(headers["content-disposition"], "attachment; filename=\"participants-party.xlsx\"");
    let text = |text: &str| if text.is_empty() { Data::Empty } else { Data::String(text.to_owned()) };
    let expected = [
        HEADER.split(',').map(text).collect::<Vec<_>>(),
        vec![
            text("007"),
            text("=1+1"),
            text("+12025550101"),
            text(""),
            text(""),
            Data::Float(7.0),
            text("false"),
        ],
        vec![
            text("1E5"),
            text("_x0041_ 张伟 👨\u{200d}👩\u{200d}👧"),
            text(""),
            text("wei@example.com"),
            text(""),
            Data::Float(1.0),
            text("true"),
        ],
    ];
    assert_eq!(rows(&body), expected);
}

#[tokio::test]
async fn only_those_who_may_read_the_list_get_it_as_a_file() {
    let service = with_people(&[json!({ "participant_id": "1", "name": "Rosalind" })], None).await;
    for accept in ["text/csv", XLSX] {
        for scope in ["participants:write", "draws:write results:read", ""] {
            let (status, headers, body) = file_as(&service, scope, LIST, accept).await;
            assert_eq!(status, 403, "{scope} {accept}");
            assert!(headers["www-authenticate"].to_str().unwrap().contains("participants:read"));
            assert!(!String::from_utf8_lossy(&body).contains("Rosalind"));
        }
    }
    let (status, ..) = file_as(&service, "participants:read", LIST, "image/png").await;
    assert_eq!(status, 406);
}

#[tokio::test]
async fn a_file_is_of_what_is_asked_for_in_its_order() {
    let people = [
        json!({ "participant_id": "1", "name": "Rose", "group": "Sales" }),
        json!({ "participant_id": "2", "name": "Tracy", "group": "Board" }),
        json!({ "participant_id": "3", "name": "Aaron", "group": "Sales", "tickets": 3 }),
    ];
    let service = with_people(&people, None).await;
    for (query, ids) in [
        ("group=Sales", &["1", "3"][..]),
        ("sort=name", &["3", "1", "2"]),
        ("sort=tickets&group=Sales", &["3", "1"]),
        ("search=tracy", &["2"]),
        ("search=nobody", &[]),
        ("cursor=1", &["2", "3"]),
    ] {
        for accept in ["text/csv", XLSX] {
            let (headers, body) = file(&service, &format!("{LIST}?{query}"), accept).await;
            assert!(next(&headers).is_none());
            if ids.is_empty() {
                continue;
            }
            let found: Vec<String> =
                read(&body).iter().map(|person| person.participant_id.to_string()).collect();
            assert_eq!(found, ids, "{query} {accept}");
        }
    }
    let (status, ..) =
        file_as(&service, "participants:read", &format!("{LIST}?sorted=name"), "text/csv").await;
    assert_eq!(status, 400);
}

/// Two and a half thousand people.
fn many() -> Vec<Value> {
    let person = |n: u32| {
        json!({ "participant_id": format!("{n:05}"), "name": format!("王 {n}"), "phone": format!("+1202555{n:04}"),
            "email": format!("p{n}@example.com"), "group": format!("Group {}", n % 7), "tickets": n % 3 + 1 })
    };
    (1..=2_500).map(person).collect()
}

#[tokio::test]
async fn everybody_of_a_long_list_is_in_the_file_once() {
    let service = with_people(&many(), None).await;
    let (headers, csv) = file(&service, LIST, "text/csv").await;
    assert!(next(&headers).is_none());
    let (_, workbook) = file(&service, LIST, XLSX).await;
    let people = read(&csv);
    assert_eq!(people, read(&workbook));
    let ids: Vec<String> = people.iter().map(|person| person.participant_id.to_string()).collect();
    assert_eq!(ids, (1..=2_500).map(|n| format!("{n:05}")).collect::<Vec<_>>());
    assert_eq!(people[1234].name.as_ref().unwrap().as_str(), "王 1235");
    assert_eq!(people[1234].email.as_ref().value().unwrap().as_str(), "p1235@example.com");
}

#[tokio::test]
async fn where_an_answer_has_a_limit_the_parts_of_a_csv_are_the_whole() {
    let service = with_people(&many(), Some(1_100)).await;
    for query in ["", "?sort=name", "?group=Group%203&search=%E7%8E%8B"] {
        let (mut people, mut parts) = (Vec::new(), 0);
        let mut path = Some(format!("{LIST}{query}"));
        while let Some(at) = path {
            let (headers, part) = file(&service, &at, "text/csv").await;
            let part = read(&part);
            assert!(part.len() <= 1_100);
            people.extend(part.into_iter().map(|person| person.participant_id.to_string()));
            parts += 1;
            path = next(&headers);
            assert!(parts < 10, "{at} goes round");
        }
        let expected = if query.contains("group") { 357 } else { 2_500 };
        assert_eq!(people.len(), expected, "{query}");
        people.sort();
        people.dedup();
        assert_eq!(people.len(), expected, "{query}");
    }
    // A workbook cannot be continued by another: it is whole, or refused.
    let (status, _, body) = file_as(&service, "participants:read", LIST, XLSX).await;
    let refused: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        (status, &refused["code"], &refused["parameters"]["most"]),
        (413, &json!("WorkbookFull"), &json!(1_100))
    );
    let (headers, body) = file(&service, &format!("{LIST}?group=Group%203"), XLSX).await;
    assert_eq!((read(&body).len(), next(&headers)), (357, None));
    // Unless a part is asked for.
    let (headers, body) = file(&service, &format!("{LIST}?limit=1000"), XLSX).await;
    assert_eq!(read(&body).len(), 1_000);
    assert!(next(&headers).unwrap().ends_with("?limit=1000&cursor=01000"));
}

#[tokio::test]
async fn an_export_that_cannot_be_read_to_its_end_is_cut_and_not_short() {
    let service = with_people(&many(), None).await;
    let token = service.issuer.token("participants:read");
    let request =
        Request::get(LIST).header("authorization", format!("Bearer {token}")).header("accept", "text/csv");
    let response = service.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), 200);
    for _ in 0..100 {
        service.aws.fail_next("Query", 500, "InternalServerError");
    }
    response.into_body().collect().await.expect_err("the caller learns that it is not all");
    // Before the answer has begun, the failure is reported as any other.
    let (status, _, body) = file_as(&service, "participants:read", LIST, "text/csv").await;
    assert_eq!(status, 503, "{}", String::from_utf8_lossy(&body));
}

/// Texts that people, spreadsheets and formulas begin, end and part cells with.
fn text() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec![
        "=",
        "+",
        "-",
        "@",
        "'",
        "\"",
        ",",
        ";",
        "＝",
        "＋",
        "－",
        "＠",
        "|",
        "_x0041_",
        "\u{3000}",
        "王",
        "伟",
        "é",
        "e\u{301}",
        "👨\u{200d}👩\u{200d}👧",
        "a",
        "B",
        " ",
        "7",
        "E",
        "0",
        ".",
        "(",
        "%",
        "\\",
        "#",
        "/",
        "<",
        "&amp;",
        "合计",
        "Total",
        "N/A",
        "无",
        "sep=",
        "name",
        "姓名",
        "𠮷",
        "ß",
        "١",
    ]);
    prop::collection::vec(odd, 1..8).prop_map(|parts| parts.concat())
}

fn person(number: usize) -> impl Strategy<Value = Value> {
    let group = prop::option::of(text());
    let mailbox = prop::sample::select(vec!["p", "+p", "=p", "-p", "o'neil"]);
    (text(), any::<bool>(), prop::option::of(mailbox), group, 1_u32..=1000, any::<bool>()).prop_map(
        move |(name, has_phone, mailbox, group, tickets, excluded)| {
            json!({ "participant_id": format!("p-{number}"), "name": name,
                "phone": has_phone.then(|| format!("+1202555{number:04}")),
                "email": mailbox.map(|mailbox| format!("{mailbox}{number}@example.com")),
                "group": group, "tickets": tickets, "excluded": excluded })
        },
    )
}

/// One list: the number of a person is in their id and addresses.
fn list_of_people() -> impl Strategy<Value = Vec<Value>> {
    (1_usize..12).prop_flat_map(|people| (0..people).map(person).collect::<Vec<_>>())
}

async fn import(service: &Service, lottery: &str, file: &Bytes) -> Value {
    let path = format!("/lotteries/{lottery}/participants");
    let request = service.request(Method::POST, &path, "application/octet-stream", file.clone());
    service.call(request).await.expect(200).json()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_export_that_is_imported_changes_nothing_and_is_the_same_elsewhere(people in list_of_people()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let service = with_people(&[], None).await;
            // What the domain does not take as a name or a group is no case.
            let body = Value::from(people.clone()).to_string();
            let report = service.import("application/json", body).await.expect(200).json();
            let taken = &report["accepted"];
            if taken == 0 {
                return;
            }
            let (_, exported) = file(&service, LIST, "text/csv").await;
            for (other, accept) in [("csv", "text/csv"), ("xlsx", XLSX)] {
                let (_, bytes) = file(&service, LIST, accept).await;
                let again = import(&service, "party", &bytes).await;
                assert_eq!(&again["unchanged"], taken, "{other}: {again}");
                assert_eq!((&again["refused"], &again["updated"]), (&json!(0), &json!(0)), "{other}: {again}");
                service.post("/lotteries", json!({ "id": other, "name": other, "email_through": "ses" })).await.expect(201);
                let elsewhere = import(&service, other, &bytes).await;
                assert_eq!(&elsewhere["accepted"], taken, "{other}: {elsewhere}");
                let (_, copy) = file(&service, &format!("/lotteries/{other}/participants"), "text/csv").await;
                assert_eq!(String::from_utf8_lossy(&copy), String::from_utf8_lossy(&exported), "{other}");
            }
        });
    }
}
