//! The tasks and the API as Lambda processes over the runtime API, behind `cargo lambda watch`.

use local_stack::Issuer;
use serde_json::json;

use crate::support::lambda::Lambda;
use crate::support::{Client, stack};

#[tokio::test]
async fn a_whole_draw_runs_with_every_function_as_a_lambda_process() {
    let mut lambda = Lambda::start().await;
    let stack = stack::start_with(|config| config.lambda_endpoint = Some(lambda.url.clone())).await;
    lambda.run_tasks(stack.aws()).await;
    lambda.run(
        "api",
        stack.aws(),
        &[
            ("STATE_MACHINE_ARN", "arn:aws:states:us-east-1:123456789012:stateMachine:lottery"),
            ("TOPIC_PREFIX", "local-lottery-"),
            ("TOKEN_ISSUER", Issuer::NAME),
            ("TOKEN_AUDIENCE", Issuer::AUDIENCE),
            ("JWKS", &stack.jwks()),
        ],
    );

    // cargo lambda's own address of the function, in place of API Gateway.
    let client = Client::organiser(&format!("{}/lambda-url/api", lambda.url), stack.token());
    client.lottery_of_employees("party").await;
    let draw = client.run_draw("party", json!({"winners": 2})).await;
    assert_eq!(draw["status"], "SUCCEEDED", "{draw}");
    let draw_id = draw["draw_id"].as_str().unwrap();
    assert_eq!(client.winners("party", draw_id).await.len(), 2);
    let told = stack.client().messages(draw_id).await;
    assert_eq!(told.len(), 4, "an SMS and an e-mail for each winner: {told:?}");

    // Lambda carries a text as it is, and a workbook in Base64.
    let path = "/lotteries/party/participants";
    let csv = client.send(reqwest::Method::GET, path, &[("accept", "text/csv")], Vec::new()).await;
    assert_eq!((csv.status.as_u16(), csv.text.lines().count()), (200, 11), "{}", csv.text);
    let workbook = crate::support::http().get(format!("{}/lambda-url/api{path}", lambda.url));
    let workbook = workbook
        .bearer_auth(stack.token())
        .header("accept", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet");
    let workbook = workbook.send().await.unwrap().bytes().await.unwrap();
    assert!(workbook.starts_with(b"PK\x03\x04"), "{workbook:?}");

    // The tasks ran as processes: the stack has none in its own.
    let callers: std::collections::BTreeSet<_> =
        stack.calls().permissions().into_iter().map(|call| call.caller).collect();
    assert!(callers.contains("seal-entries") && callers.contains("send-email"), "{callers:?}");
}

#[tokio::test]
async fn an_error_of_a_lambda_process_is_caught_by_its_name() {
    let mut lambda = Lambda::start().await;
    let stack = stack::start_with(|config| config.lambda_endpoint = Some(lambda.url.clone())).await;
    lambda.run_tasks(stack.aws()).await;
    let client = stack.client();
    client.lottery_of_employees("party").await;

    let draw = client.run_draw("party", json!({"winners": 11})).await;
    assert_eq!(draw["status"], "REJECTED", "{draw}");
    assert_eq!(draw["reason"]["name"], "NotEnoughParticipants", "{draw}");
    let path = format!("/local/executions/draw-{}", draw["draw_id"].as_str().unwrap());
    let execution = crate::support::eventually("the execution's end", async || {
        let execution = client.get(&path).await.expect(200);
        (execution["status"] != "RUNNING").then_some(execution)
    })
    .await;
    assert_eq!(execution["error"], "NotEnoughParticipants", "{execution}");
}
