//! Time stamps of a commitment, from outside: a draw of the local stack is stamped, and checked with programs of others.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::process::Command;

use end_to_end_tests::Client;
use end_to_end_tests::process::verify;
use end_to_end_tests::stack;

/// A file of the project.
fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

async fn openssl(directory: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new("openssl").args(arguments).current_dir(directory).output().await.unwrap();
    (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

/// A draw of two winners, with the text of its proof.
async fn draw(client: &Client) -> (Value, String) {
    client.lottery_of_employees("party").await;
    let draw = client.run_draw("party", json!({"winners": 2})).await;
    assert_eq!(draw["status"], "SUCCEEDED", "{draw}");
    let path = format!("/lotteries/party/draws/{}/proof", draw["draw_id"].as_str().unwrap());
    let answer = client.anonymous().get(&path).await;
    answer.expect(200);
    (draw, answer.text)
}

#[tokio::test]
async fn a_draw_is_stamped_and_the_verdict_says_by_whose_clock() {
    use base64::Engine;
    let stack = stack::start().await;
    let (draw, text) = draw(&stack.client()).await;
    let proof: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&proof["version"], proof["witnesses"].as_array().map(Vec::len)), (&json!(2), Some(1)));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("proof.json");
    std::fs::write(&file, &text).unwrap();
    let (holds, said) = verify(&[file.to_str().unwrap()]).await;
    assert!(
        holds && said.contains("open    witness    unwitnessed: a machine's own clock had the commitment by"),
        "{said}"
    );
    assert!(said.contains("stamped by a machine's own clock alone"), "{said}");

    // A verifier that trusts that machine accepts the time as witnessed, and so does OpenSSL.
    let token = proof["witnesses"][0]["token"].as_str().unwrap();
    let token = base64::engine::general_purpose::STANDARD.decode(token).unwrap();
    std::fs::write(directory.path().join("token"), token).unwrap();
    let print = ["pkcs7", "-inform", "DER", "-in", "token", "-print_certs", "-out", "certificates.pem"];
    let (read, said) = openssl(directory.path(), &print).await;
    assert!(read, "{said}");
    let roots = directory.path().join("certificates.pem");
    let (holds, said) = verify(&[file.to_str().unwrap(), "--tsa-root", roots.to_str().unwrap()]).await;
    assert!(holds && said.contains("ok      witness    Local time-stamp authority"), "{said}");
    let commitment = draw["commitment"].as_str().unwrap();
    for (digest, is_it) in [(commitment, true), (&"ab".repeat(32), false)] {
        let check =
            ["ts", "-verify", "-token_in", "-in", "token", "-digest", digest, "-CAfile", "certificates.pem"];
        let (verified, said) = openssl(directory.path(), &check).await;
        assert_eq!(verified, is_it, "{said}");
    }

    // A stamp that is taken away or touched leaves the draw as it is, unwitnessed.
    let touched = text.replacen("\"token\":\"MII", "\"token\":\"MIE", 1);
    std::fs::write(&file, touched).unwrap();
    let (holds, said) = verify(&[file.to_str().unwrap()]).await;
    assert!(holds && said.contains("a stamp does not count"), "{said}");
}

#[tokio::test]
async fn authorities_that_are_dead_or_silent_leave_a_draw_unwitnessed_and_are_not_waited_for() {
    // It takes connections, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let authorities = [silent.local_addr().unwrap(), gone].map(|address| format!("http://{address}/tsr"));
    let stack = stack::start_with(|config| config.authorities = authorities.to_vec()).await;
    let (draw, text) = draw(&stack.client()).await;
    let proof: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&proof["version"], &proof["witnesses"]), (&json!(1), &Value::Null));
    let address = format!("{}/lotteries/party/draws/{}", stack.api(), draw["draw_id"].as_str().unwrap());
    let (holds, said) = verify(&["--url", &address]).await;
    assert!(holds && said.contains("unwitnessed: nobody but the organiser"), "{said}");
}

#[test]
fn the_page_pins_the_same_authorities_as_the_verifier() {
    let certificates = |path: &str| -> Vec<String> {
        let text = std::fs::read_to_string(project(path)).unwrap();
        let rest = text.split("-----BEGIN CERTIFICATE-----").skip(1);
        rest.map(|rest| rest.split("-----END").next().unwrap().trim().to_owned()).collect()
    };
    let pinned = certificates("lottery/src/witness/roots.pem");
    assert_eq!(pinned.len(), 4);
    assert_eq!(certificates("api/web/verify/roots.js"), pinned);
}
