//! The list over HTTP: exported while it is read, mended, imported again.

use std::fmt::Write as _;

use reqwest::Method;
use serde_json::json;

use end_to_end_tests::stack::{self, Started};

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const PEOPLE: usize = 3_000;

/// A file as its bytes: a text would lose the byte order mark.
async fn file(stack: &Started, lottery: &str, accept: &str) -> Vec<u8> {
    let address = format!("{}/lotteries/{lottery}/participants", stack.api());
    let request = end_to_end_tests::http().get(address).bearer_auth(stack.token()).header("accept", accept);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.bytes().await.unwrap().to_vec()
}

#[tokio::test]
async fn a_list_is_mended_exported_and_imported_again() {
    let stack = stack::start().await;
    let client = stack.client();
    client.create_lottery("party").await;
    let csv = (0..PEOPLE).fold("participant_id,name,phone,group\n".to_owned(), |mut csv, number| {
        writeln!(csv, "p-{number:04},王 {number},+86138{number:08},部门 {}", number % 9).unwrap();
        csv
    });
    assert_eq!(client.import("party", &csv).await["accepted"], PEOPLE);
    let patch = json!({ "name": "=张伟", "group": null }).to_string();
    let path = "/lotteries/party/participants/p-1234";
    let headers = [("content-type", "application/merge-patch+json")];
    let mended = client.send(Method::PATCH, path, &headers, patch.into()).await.expect(200);
    assert_eq!((&mended["name"], &mended["masked"]), (&json!("=张伟"), &json!(false)), "{mended}");

    let exported = file(&stack, "party", "text/csv").await;
    let text = String::from_utf8(exported.clone()).unwrap();
    assert!(text.starts_with("\u{feff}participant_id,name,phone,email,group,tickets,excluded\r\n"));
    assert_eq!(text.lines().count(), PEOPLE + 1);
    assert!(text.contains("\r\np-1234,'=张伟,'+8613800001234,,,1,false\r\n"));
    let workbook = file(&stack, "party", XLSX).await;
    for (lottery, bytes) in [("from-csv", &exported), ("from-xlsx", &workbook)] {
        client.create_lottery(lottery).await;
        let path = format!("/lotteries/{lottery}/participants");
        let report = client.send(Method::POST, &path, &[], bytes.clone()).await.expect(200);
        assert_eq!(report["accepted"], PEOPLE, "{report}");
        assert!(file(&stack, lottery, "text/csv").await == exported, "{lottery} is another list");
        // And where it came from, nothing changes.
        let again =
            client.send(Method::POST, "/lotteries/party/participants", &[], bytes.clone()).await.expect(200);
        assert_eq!(again["unchanged"], PEOPLE, "{again}");
    }
    let counts = client.get("/lotteries/from-xlsx/counts").await.expect(200);
    assert_eq!((&counts["total"], &counts["without_group"]), (&json!(PEOPLE), &json!(1)), "{counts}");
}
