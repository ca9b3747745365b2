//! What surrounds every request: request ids, failures as problem documents, headers, rate limits.

use std::net::SocketAddr;

use api::{Access, Endpoint, Rate, RateClass, Scope};
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::routing::get;
use http::{Method, Request};
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
use lambda_http::request::RequestContext;
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
    let build = page.body.split_once("\"page/").unwrap().1.split_once('/').unwrap().0;
    for (path, kind) in [("style/base.css", "text/css"), ("app.js", "text/javascript")] {
        assert!(page.body.contains(&format!("\"page/{build}/{path}\"")));
        let file = service.get(&format!("/page/{build}/{path}")).await.expect(200);
        assert!(file.header("content-type").starts_with(kind));
        assert!(file.header("content-security-policy").contains("default-src 'none'"));
        assert_eq!(file.header("cache-control"), "public, max-age=31536000, immutable");
        let without = service.get(&format!("/page/{path}")).await.expect(200);
        assert_eq!((without.header("cache-control"), &without.body), ("public, no-cache", &file.body));
        service.get(&format!("/page/0123456789abcdef/{path}")).await.expect(404);
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
        &[],
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

#[tokio::test]
async fn the_gateways_request_id_is_answered_and_in_every_failure() {
    let service = Service::new().await;
    let mut context = ApiGatewayV2httpRequestContext::default();
    context.request_id = Some("JKJaXmPLvHcESHA=".to_owned());
    let request = Request::get("/nothing")
        .header("x-request-id", "the-callers-own")
        .extension(RequestContext::ApiGatewayV2(context));
    let answer = service.call(request.body(Body::empty()).unwrap()).await.expect(404);
    assert_eq!(answer.header("x-request-id"), "JKJaXmPLvHcESHA=");
    assert_eq!(answer.json()["request_id"], "JKJaXmPLvHcESHA=");
}

#[tokio::test]
async fn whoever_has_no_token_spends_nothing_of_the_organisers_calls() {
    let service = Service::with(|config| {
        config.rate_limits.write = Rate { per_second: 1.0, burst: 5.0 };
        config.rate_limits.read = Rate { per_second: 1.0, burst: 5.0 };
    })
    .await;
    let address: SocketAddr = "192.0.2.1:1000".parse().unwrap();
    let without = |method: Method, path: &str, token: Option<&str>| {
        let mut request = Request::builder().method(method).uri(path).extension(ConnectInfo(address));
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        request.body(Body::empty()).unwrap()
    };
    let mut statuses = Vec::new();
    for _ in 0..8 {
        let draw = service.call(without(Method::POST, "/lotteries", None)).await;
        let forged = service.call(without(Method::POST, "/lotteries", Some("e30.e30.e30"))).await;
        statuses.extend([draw.status.as_u16(), forged.status.as_u16()]);
    }
    assert_eq!((statuses[0], statuses[15]), (401, 429), "{statuses:?}");
    while service.call(without(Method::GET, "/lotteries", None)).await.status == 200 {}
    // The organiser calls from the same address.
    for n in 0..4 {
        let body = json!({ "name": format!("Party {n}") }).to_string();
        let mut request = service.request(Method::POST, "/lotteries", "application/json", body);
        request.extensions_mut().insert(ConnectInfo(address));
        service.call(request).await.expect(201);
        let mut request = service.request(Method::GET, "/lotteries", "application/json", Body::empty());
        request.extensions_mut().insert(ConnectInfo(address));
        service.call(request).await.expect(200);
    }
}
