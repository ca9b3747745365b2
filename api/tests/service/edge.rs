//! What surrounds every request: request ids, failures as problem documents, headers, rate limits.

use std::net::SocketAddr;

use api::{Access, Endpoint, Rate, RateClass, Scope};
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::routing::get;
use http::{Method, Request};
use serde_json::json;

use crate::support::Service;

#[tokio::test]
async fn a_request_id_comes_back_if_it_is_well_formed() {
    let service = Service::new().await;
    let with_id = |id: &str| Request::get("/nothing").header("x-request-id", id).body(Body::empty()).unwrap();
    let answer = service.call(with_id("abc-123")).await.expect(404);
    assert_eq!(answer.header("x-request-id"), "abc-123");
    assert_eq!(answer.json()["request_id"], "abc-123");
    let answer = service.call(with_id("a b")).await;
    assert_ne!(answer.header("x-request-id"), "a b");
}

#[tokio::test]
async fn what_the_framework_refuses_is_a_problem_document_too() {
    let service = Service::with_party().await;
    service.get("/nothing").await.expect(404);
    let wrong_method = service.delete("/lotteries").await.expect(405);
    assert!(wrong_method.header("allow").contains("POST"), "{:?}", wrong_method.headers);
    let request = service.request(Method::POST, "/lotteries", "text/plain", "{}");
    service.call(request).await.expect(415);
    let request = service.request(Method::POST, "/lotteries", "application/json", "{\n  \"name\": }");
    let malformed = service.call(request).await.expect(400);
    assert!(malformed.json()["detail"].as_str().unwrap().contains("line 2, column"));
    let request = service.request(Method::POST, "/lotteries", "application/json", vec![b' '; 70_000]);
    service.call(request).await.expect(413);
    for key in ["", &"x".repeat(256)] {
        let refused = service.post_with_key("/lotteries", key, json!({ "name": "A" })).await.expect(400);
        assert_eq!(refused.json()["errors"][0]["field"], "Idempotency-Key");
    }
}

#[tokio::test]
async fn answers_are_not_kept_by_caches_and_the_page_runs_nothing_from_elsewhere() {
    let service = Service::with_party().await;
    let answer = service.get_as_organiser("/lotteries/party/participants").await.expect(200);
    assert_eq!(answer.header("cache-control"), "no-store");
    let page = service.get("/").await.expect(200);
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert!(
        !page.body.contains("<script>") && !page.body.contains("style=") && !page.body.contains("onclick")
    );
    assert!(!page.body.contains("http://") && !page.body.contains("https://"));
    for (path, kind) in [("page/style/base.css", "text/css"), ("page/app.js", "text/javascript")] {
        assert!(page.body.contains(path));
        let file = service.get(&format!("/{path}")).await.expect(200);
        assert!(file.header("content-type").starts_with(kind));
        assert!(file.header("content-security-policy").contains("default-src 'none'"));
    }
    service.get("/page/style/none.css").await.expect(404);
    assert_eq!(service.get("/healthz").await.expect(200).json()["status"], "ok");
}

#[tokio::test]
async fn a_caller_who_calls_too_often_is_told_when_to_come_back() {
    let service = Service::with(|config| {
        config.rate_limits.read = Rate { per_second: 1.0, burst: 3.0 };
    })
    .await;
    let from = |address: &str| {
        let address: SocketAddr = address.parse().unwrap();
        let mut request = Request::get("/lotteries").header("x-forwarded-for", "203.0.113.9");
        request = request.extension(ConnectInfo(address));
        request.body(Body::empty()).unwrap()
    };
    for _ in 0..3 {
        service.call(from("192.0.2.1:1000")).await.expect(200);
    }
    let refused = service.call(from("192.0.2.1:2000")).await.expect(429);
    assert_eq!(refused.header("retry-after"), "1");
    service.call(from("192.0.2.2:1000")).await.expect(200);
    service.wait(1);
    service.call(from("192.0.2.1:1000")).await.expect(200);
}

#[tokio::test]
async fn a_panic_is_an_answer_and_shows_nothing_of_itself() {
    let service = Service::new().await;
    let panicking = Endpoint::new(
        Method::GET,
        "/local/{what}",
        Access::Scope(Scope::ResultsRead),
        RateClass::Read,
        "Panic",
        get(|| async {
            if true {
                panic!("secret")
            }
        }),
    );
    let service = service.with_endpoints(vec![panicking]);
    service.get("/local/messages").await.expect(401);
    let failed = service.get_as_organiser("/local/messages").await.expect(500);
    assert!(!failed.body.contains("secret"));
    let document = service.get("/openapi.json").await.json();
    let operation = &document["paths"]["/local/{what}"]["get"];
    assert_eq!(operation["security"], json!([{ "bearer": ["results:read"] }]));
    assert_eq!(operation["parameters"][0]["name"], "what");
}
