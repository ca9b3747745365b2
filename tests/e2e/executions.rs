//! The routes of the executions page: a list that is searched, the linter, the operations of Step Functions.

use serde_json::{Value, json};

use end_to_end_tests::stack;

const ROLE: &str = "arn:aws:iam::123456789012:role/any";

#[tokio::test]
async fn executions_are_searched_page_by_page_with_counts() {
    let stack = stack::start().await;
    let client = stack.client();
    let call = async |operation: &str, body: Value| {
        client.post(&format!("/local/step-functions/{operation}"), &body).await
    };
    let machine = async |name: &str, state: Value| {
        let definition = json!({"StartAt": "A", "States": {"A": state}}).to_string();
        let body = json!({"name": name, "definition": definition, "roleArn": ROLE});
        call("CreateStateMachine", body).await.expect(200)["stateMachineArn"].as_str().unwrap().to_owned()
    };
    let passing = machine("passing", json!({"Type": "Pass", "End": true})).await;
    let failing = machine("failing", json!({"Type": "Fail", "Error": "No"})).await;
    for number in 0..7 {
        for arn in [&passing, &failing] {
            let body = json!({"stateMachineArn": arn, "name": format!("run-{number}"), "input": "{}"});
            call("StartExecution", body).await.expect(200);
        }
    }
    // The last of them has ended.
    let list = async |query: &str| client.get(&format!("/local/executions?{query}")).await.expect(200);
    end_to_end_tests::eventually("all to end", async || {
        let found = list("").await;
        (found["counts"]["SUCCEEDED"] == 7 && found["counts"]["FAILED"] == 7).then_some(())
    })
    .await;

    let names = |page: &Value| -> Vec<String> {
        let found = page["executions"].as_array().unwrap().iter();
        found
            .map(|one| format!("{} {}", one["name"].as_str().unwrap(), one["status"].as_str().unwrap()))
            .collect()
    };
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = list(&format!("limit=4&cursor={cursor}")).await;
        seen.extend(names(&page));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = next.to_owned();
    }
    assert_eq!(seen.len(), 14, "{seen:?}");
    assert_eq!((seen[0].as_str(), seen[13].as_str()), ("run-6 FAILED", "run-0 SUCCEEDED"));

    let found = list("status=FAILED&limit=3").await;
    assert_eq!(names(&found), ["run-6 FAILED", "run-5 FAILED", "run-4 FAILED"]);
    let found = list("state_machine=passing&name=n-3").await;
    assert_eq!(names(&found), ["run-3 SUCCEEDED"]);
    assert_eq!(found["counts"], json!({"SUCCEEDED": 7}));
    let third = found["executions"][0]["started_at"].as_str().unwrap();
    let from = list(&format!("state_machine=passing&from={third}")).await;
    let before = list(&format!("state_machine=passing&to={third}")).await;
    assert_eq!(names(&from).len() + names(&before).len(), 7);
    assert!(names(&from).contains(&"run-3 SUCCEEDED".to_owned()), "{from}");
    for wrong in ["status=LOST", "from=yesterday", "cursor=x", "limit=x"] {
        assert_eq!(client.get(&format!("/local/executions?{wrong}")).await.status, 422, "{wrong}");
    }

    // Refusals have the names that AWS gives them, and what the page has no business with is not there.
    let refused = call(
        "StopExecution",
        json!({"executionArn": format!("{passing}x").replace("stateMachine", "execution") + ":no"}),
    )
    .await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    assert!(refused.json()["type"].as_str().unwrap().contains("xecution"), "{}", refused.text);
    assert_eq!(call("CreateActivity", json!({"name": "any"})).await.status, 404);
    assert_eq!(
        client.anonymous().post("/local/step-functions/ListStateMachines", &json!({})).await.status,
        401
    );
}

#[tokio::test]
async fn a_definition_is_looked_through_line_by_line() {
    let stack = stack::start().await;
    let client = stack.client();
    let text =
        "{\n \"StartAt\": \"A\",\n \"States\": {\n  \"A\": {\"Type\": \"Pass\",\n   \"Next\": \"B\"}\n }\n}";
    let lint = async |text: &str| {
        let headers = [("content-type", "text/plain")];
        let answer = client.send(reqwest::Method::POST, "/local/lint", &headers, text.into()).await;
        answer.expect(200)["findings"].as_array().unwrap().clone()
    };
    let findings = lint(text).await;
    let missing = findings.iter().find(|one| one["code"] == "MISSING_TRANSITION_TARGET").unwrap();
    assert_eq!(
        (missing["severity"].as_str(), missing["line"].as_u64()),
        (Some("ERROR"), Some(5)),
        "{findings:?}"
    );
    let findings = lint("{\n]").await;
    assert!(findings[0]["location"].as_str().unwrap().contains("line: 2"), "{findings:?}");
    let whole = r#"{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}"#;
    assert_eq!(lint(whole).await, Vec::<Value>::new());
}
