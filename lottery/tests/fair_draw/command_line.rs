//! `verify-draw` as people run it: a file or the API's address, exit codes, JSON.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Command, Output};

use lottery::Entry;
use serde_json::Value;

use super::bundles::{Draw, entries, prizes};
use super::naive::{bytes, entry};

fn verify_draw(arguments: &[&str]) -> (i32, Output) {
    let output = Command::new(env!("CARGO_BIN_EXE_verify-draw")).args(arguments).output().unwrap();
    (output.status.code().unwrap(), output)
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Answers HTTP requests for a draw whose entries are read in pages of seven, as long as the tests run.
fn serve(draw: &Draw) -> String {
    const PAGE: usize = 7;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/lotteries/party-2026/draws/summer", listener.local_addr().unwrap());
    let (proof, entries) = (draw.proof().to_canonical_json(None), draw.entries.clone());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut request = String::new();
            stream.read_line(&mut request).unwrap();
            let mut header = String::new();
            while stream.read_line(&mut header).unwrap() > 2 {
                header.clear();
            }
            let path = request.split(' ').nth(1).unwrap().strip_prefix("/lotteries/party-2026/draws/summer");
            let (status, body) = match path.unwrap_or_default() {
                "/proof" => ("200 OK", proof.clone()),
                path if path.starts_with("/entries") => {
                    let from = path.split_once("cursor=").map_or(0, |(_, cursor)| cursor.parse().unwrap());
                    let to = entries.len().min(from + PAGE);
                    let page: Vec<_> = entries[from..to].iter().map(Entry::to_canonical_json).collect();
                    let next = if to < entries.len() { format!("\"{to}\"") } else { "null".to_owned() };
                    // Another spelling than the canonical one: the page is no part of the proof.
                    ("200 OK", format!("{{\"next_cursor\": {next}, \"entries\": [{}]}}", page.join(" , ")))
                }
                _ => ("404 Not Found", "{}".to_owned()),
            };
            let length = body.len();
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
            stream.get_mut().write_all((head + &body).as_bytes()).unwrap();
        }
    });
    address
}

#[test]
fn a_file_is_verified_and_the_exit_code_says_the_verdict() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let draw = Draw::seal(entries(40), prizes());
    let good = file("good.json", &draw.bundle());
    let bad = file("bad.json", &draw.bundle().replacen("\"tickets\":2}", "\"tickets\":9}", 1));

    let (code, output) = verify_draw(&[&good]);
    assert_eq!(code, 0, "{output:?}");
    assert_eq!(text(&output.stdout).lines().count(), 11, "one line for each step, and the verdict");
    let (code, output) = verify_draw(&[&good, "--chain-hash", &draw.beacon.chain().hash().to_string()]);
    assert!(code == 0 && text(&output.stdout).contains("HOLDS: "), "{output:?}");
    let (code, output) = verify_draw(&[&good, "--beacon-key", &draw.beacon.chain().public_key.to_string()]);
    assert!(code == 2 && text(&output.stderr).contains("--chain-hash"), "{output:?}");
    let (code, output) = verify_draw(&[&bad]);
    assert_eq!(code, 1);
    assert!(text(&output.stdout).contains("the step 'entries' does not hold"), "{output:?}");

    let (code, output) = verify_draw(&[&good, "--json", "--commitment", &"0".repeat(64)]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((code, &report["holds"]), (1, &Value::Bool(false)));
    assert_eq!(report["steps"][2]["step"], "commitment");
    let (code, output) =
        verify_draw(&[&good, "--json", "--commitment", &draw.manifest.commitment().to_string()]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((code, &report["holds"]), (0, &Value::Bool(true)), "{report}");

    let nonce = lottery::Nonce::from_random(bytes("nonce", 4));
    let participant_id = lottery::ParticipantId::parse("4").unwrap();
    let nonce = lottery::HexBytes::from(*nonce.as_bytes());
    let receipt = lottery::receipt::LabelReceipt { label: entry(4, 1, None).label, nonce, participant_id };
    let receipt = file("receipt.json", &serde_json::to_string(&receipt).unwrap());
    let (code, output) = verify_draw(&[&good, "--receipt", &receipt]);
    assert_eq!(code, 0, "{output:?}");
    assert!(text(&output.stdout).contains("4 is entry "), "{output:?}");
}

#[test]
fn an_abandoned_draw_is_recomputed_with_the_beacons_answer() {
    let directory = tempfile::tempdir().unwrap();
    let draw = Draw::seal(entries(40), prizes());
    let mut proof = draw.proof();
    (proof.ranking, proof.beacon.round) = (None, None);
    let paths = [
        (directory.path().join("proof.json"), proof.to_canonical_json(Some(&draw.entries))),
        (directory.path().join("round.json"), serde_json::to_string(&draw.round()).unwrap()),
    ];
    let [proof, round] = paths.map(|(path, content)| {
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    });
    let (code, output) = verify_draw(&[&proof, "--round", &round, "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(code, 1, "there is no proof that anybody won");
    assert_eq!(report["ranking"], serde_json::to_value(draw.proof().ranking).unwrap());
}

#[test]
fn entries_are_read_from_the_api_page_by_page() {
    let draw = Draw::seal(entries(60), prizes());
    let directory = tempfile::tempdir().unwrap();
    let saved = directory.path().join("whole.json");
    let (code, output) = verify_draw(&["--url", &serve(&draw), "--save", saved.to_str().unwrap()]);
    assert_eq!(code, 0, "{output:?}");
    assert_eq!(std::fs::read_to_string(saved).unwrap(), draw.bundle());
    let (code, output) = verify_draw(&["--url", &(serve(&draw) + "-other")]);
    assert_eq!(code, 1);
    assert!(text(&output.stderr).contains("cannot read http://"), "{output:?}");
}

#[test]
fn wrong_usage_has_its_own_exit_code() {
    for arguments in [&[][..], &["--url"], &["a", "--url", "http://localhost"], &["a", "--commitment", "12"]]
    {
        assert_eq!(verify_draw(arguments).0, 2, "{arguments:?}");
    }
    let (code, output) = verify_draw(&["/does/not/exist"]);
    assert_eq!(code, 1);
    assert!(text(&output.stderr).starts_with("verify-draw: cannot read"), "{output:?}");
}
