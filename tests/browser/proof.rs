//! The proof as the browser checks it: what holds, holds; what was touched, is refused at the right step.

use serde_json::{Value, json};

use crate::browser::{Browser, Reader};
use end_to_end_tests::stack;

/// Touches a proof.
type Change<'a> = &'a dyn Fn(&mut Value);

/// Verifies a proof with the page's own module.
const VERIFY: &str = "
    const { verify } = await import('./page/verify/steps.js');
    const reported = [];
    const verdict = await verify(new TextEncoder().encode(arguments[0]), { readEntries: null, noted: arguments[1], receipt: null }, (one) => reported.push(one));
    const last = reported.at(-1);
    return { verdict, step: last.step, state: last.state, reason: last.reason }";

#[tokio::test]
async fn a_touched_proof_is_refused_and_the_step_is_named() {
    let stack = stack::start().await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    let request = json!({"prizes": [{"name": "Bicycle", "winners": 2}, {"name": "Book", "winners": 1}], "alternates": 2});
    let draw = client.run_draw("party", request).await;
    let path = format!("/lotteries/party/draws/{}", draw["draw_id"].as_str().unwrap());
    let text = client.anonymous().get(&format!("{path}/proof")).await.text;
    let browser = Browser::open(stack.api(), Reader::ENGLISH).await;
    browser.go("/").await;
    let verify = async |text: &str, noted: Option<&str>| browser.run(VERIFY, json!([text, noted])).await;

    let commitment = draw["commitment"].as_str().unwrap();
    assert_eq!(verify(&text, Some(commitment)).await["verdict"], "consistent");
    let other = "0".repeat(64);
    assert_eq!(verify(&text, Some(&other)).await["step"], "commitment");

    let touched = |change: Change<'_>| {
        let mut proof: Value = serde_json::from_str(&text).unwrap();
        change(&mut proof);
        // The members of a proof stand in order already, and stay so.
        proof.to_string()
    };
    let cases: [(&str, Change<'_>); 8] = [
        ("form", &|proof| proof["extra"] = json!(1)),
        ("manifest", &|proof| proof["manifest"]["sequence"] = json!(7)),
        ("signature", &|proof| proof["manifest"]["prizes"][0]["winners"] = json!(1)),
        ("round", &|proof| proof["beacon"]["chain"]["period"] = json!(77)),
        ("randomness", &|proof| {
            let round = proof["beacon"]["round"]["round"].as_u64().unwrap();
            proof["beacon"]["round"]["round"] = json!(round + 1);
        }),
        ("entries", &|proof| {
            proof["entries"].as_array_mut().unwrap().remove(3);
        }),
        ("entries", &|proof| proof["entries"].as_array_mut().unwrap().swap(0, 1)),
        ("ranking", &|proof| proof["ranking"].as_array_mut().unwrap().swap(0, 1)),
    ];
    for (step, change) in cases {
        let found = verify(&touched(change), None).await;
        assert_eq!((&found["verdict"], &found["step"]), (&json!("broken"), &json!(step)), "{found}");
    }
    assert_eq!(verify(&format!("{text} "), None).await["reason"], "form_canonical");
    assert_eq!(verify("{", None).await["reason"], "form_json");

    // In the view: one character changed in the file that a reader kept.
    browser.go(&format!("{path}/check").replacen(stack.api(), "", 1)).await;
    browser.wait_for(".verdict[data-verdict=consistent]").await;
    browser.fill("input.mono", &other).await;
    browser.click("main form button").await;
    browser.wait_for(".verdict[data-verdict=broken]").await;
    browser.wait_for("[data-step=commitment][data-state=broken]").await;
}

#[tokio::test]
async fn our_own_hashes_are_those_of_the_browser() {
    let stack = stack::start().await;
    let browser = Browser::open(stack.api(), Reader::ENGLISH).await;
    browser.go("/").await;
    let script = "
        const { hex, hmac, sha256 } = await import('./page/verify/bytes.js');
        const wrong = [];
        for (const length of [0, 1, 3, 55, 56, 57, 63, 64, 65, 119, 120, 121, 1000, 4096]) {
          const bytes = crypto.getRandomValues(new Uint8Array(length));
          if (hex(sha256(bytes)) !== hex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)))) wrong.push(`hash ${length}`);
          const key = crypto.getRandomValues(new Uint8Array(32));
          const theirs = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
          if (hex(hmac(key)(bytes)) !== hex(new Uint8Array(await crypto.subtle.sign('HMAC', theirs, bytes)))) wrong.push(`hmac ${length}`);
        }
        return wrong";
    assert_eq!(browser.run(script, json!([])).await, json!([]));
}

/// The shared corpus of proofs, each with what every verifier must say of it. `PROOFS=FOLDER` names another, such as one
/// that `lottery/tests/fair_draw/differential.rs` has recorded.
const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../lottery/tests/vectors/proofs");

#[tokio::test]
async fn the_browser_judges_the_corpus_as_the_other_verifiers_do() {
    let stack = stack::start().await;
    let browser = Browser::open(stack.api(), Reader::ENGLISH).await;
    browser.go("/").await;
    let script = "
        const { verify } = await import('./page/verify/steps.js');
        const said = [];
        for (const { proof, proof_base64 } of arguments[0]) {
          const bytes = proof === undefined ? Uint8Array.from(atob(proof_base64), (one) => one.charCodeAt(0)) : new TextEncoder().encode(proof);
          let last = null;
          const verdict = await verify(bytes, {}, (step) => { last = step; });
          said.push(verdict === 'broken' ? `refused at ${last.step}` : verdict === 'unseated' ? 'incomplete' : verdict);
        }
        return said";
    let (mut wrong, mut count) = (Vec::new(), 0);
    let folder = std::env::var("PROOFS").unwrap_or_else(|_| CORPUS.to_owned());
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let cases: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for cases in cases.chunks(50) {
            let said = browser.run(script, json!([cases])).await;
            for (case, said) in cases.iter().zip(said.as_array().unwrap()) {
                let expected = match case["step"].as_str() {
                    Some(step) => format!("refused at {step}"),
                    None => case["verdict"].as_str().unwrap().to_owned(),
                };
                if *said != json!(expected) {
                    wrong.push(format!("{}: {said}, not {expected}", case["name"]));
                }
                count += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 300, "{count}");
}
