//! The tasks and the API as Lambda processes over the runtime API, of `cargo lambda watch`.

use local_stack::Issuer;
use serde_json::json;

use end_to_end_tests::lambda::Lambda;
use end_to_end_tests::{Client, stack};

use crate::big_lists;

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
    let messages = stack.client().messages(draw_id).await;
    assert_eq!(messages.len(), 4, "an SMS and an e-mail for each winner: {messages:?}");

    // Lambda carries files in Base64: the byte order mark and a workbook's bytes arrive as they were sent.
    let file = async |accept: &str| {
        let list = format!("{}/lambda-url/api/lotteries/party/participants", lambda.url);
        let request = end_to_end_tests::http().get(list).bearer_auth(stack.token()).header("accept", accept);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        response.bytes().await.unwrap()
    };
    let csv = file("text/csv").await;
    assert!(csv.starts_with(b"\xef\xbb\xbfparticipant_id,"), "{csv:?}");
    assert_eq!(csv.iter().filter(|byte| **byte == b'\n').count(), 11);
    let workbook = file("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet").await;
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
    let execution = end_to_end_tests::eventually("the execution's end", async || {
        let execution = client.get(&path).await.expect(200);
        (execution["status"] != "RUNNING").then_some(execution)
    })
    .await;
    assert_eq!(execution["error"], "NotEnoughParticipants", "{execution}");
}

#[tokio::test]
async fn a_big_list_is_imported_by_lambda_processes() {
    let mut lambda = Lambda::start().await;
    let stack = stack::start_with(|config| config.lambda_endpoint = Some(lambda.url.clone())).await;
    lambda.run_import_tasks(stack.aws());
    let client = stack.client();
    big_lists::create(&client).await;
    let import = big_lists::upload(&client, big_lists::list(2_500).as_bytes(), json!({})).await;
    let view = big_lists::wait_for(&client, &import, "SUCCEEDED").await;
    assert_eq!((&view["accepted"], &view["batches_done"]), (&json!(2_500), &json!(2)), "{view:#}");
    // What is no list ends the import, by the other tasks.
    let import = big_lists::upload(&client, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01", json!({})).await;
    big_lists::wait_for(&client, &import, "FAILED").await;
}
