//! The OpenAPI document, held against the router that it describes.

use axum::body::Body;
use http::{Method, Request};
use serde_json::Value;

use crate::support::Service;

/// Every address of the design that this version serves.
const ROUTES: &[(&str, &str)] = &[
    ("get", "/"),
    ("get", "/page/{file}"),
    ("get", "/page/{folder}/{file}"),
    ("get", "/page/{build}/{folder}/{file}"),
    ("get", "/healthz"),
    ("get", "/openapi.json"),
    ("get", "/.well-known/fair-draw.json"),
    ("get", "/lotteries"),
    ("post", "/lotteries"),
    ("get", "/lotteries/{lottery_id}"),
    ("get", "/lotteries/{lottery_id}/settings"),
    ("get", "/lotteries/{lottery_id}/organiser"),
    ("put", "/lotteries/{lottery_id}/organiser"),
    ("get", "/lotteries/{lottery_id}/webhook"),
    ("put", "/lotteries/{lottery_id}/webhook"),
    ("delete", "/lotteries/{lottery_id}/webhook"),
    ("post", "/lotteries/{lottery_id}/webhook/deliveries/{event_id}/retry"),
    ("patch", "/lotteries/{lottery_id}"),
    ("post", "/lotteries/{lottery_id}/messages/preview"),
    ("delete", "/lotteries/{lottery_id}"),
    ("get", "/lotteries/{lottery_id}/head-count"),
    ("post", "/lotteries/{lottery_id}/presence"),
    ("get", "/lotteries/{lottery_id}/participants"),
    ("post", "/lotteries/{lottery_id}/participants"),
    ("delete", "/lotteries/{lottery_id}/participants"),
    ("get", "/lotteries/{lottery_id}/imports"),
    ("post", "/lotteries/{lottery_id}/imports"),
    ("get", "/lotteries/{lottery_id}/imports/last"),
    ("get", "/lotteries/{lottery_id}/imports/{import_id}"),
    ("post", "/lotteries/{lottery_id}/imports/{import_id}/answer"),
    ("post", "/lotteries/{lottery_id}/imports/{import_id}/cancel"),
    ("get", "/lotteries/{lottery_id}/opted-out"),
    ("post", "/lotteries/{lottery_id}/imports/{number}/undo"),
    ("get", "/lotteries/{lottery_id}/counts"),
    ("get", "/lotteries/{lottery_id}/participants/{participant_id}"),
    ("patch", "/lotteries/{lottery_id}/participants/{participant_id}"),
    ("delete", "/lotteries/{lottery_id}/participants/{participant_id}"),
    ("get", "/lotteries/{lottery_id}/participants/{participant_id}/receipt"),
    ("post", "/lotteries/{lottery_id}/join"),
    ("post", "/lotteries/{lottery_id}/join/confirm"),
    ("post", "/lotteries/{lottery_id}/join/link"),
    ("post", "/lotteries/{lottery_id}/entry"),
    ("post", "/lotteries/{lottery_id}/entry/leave"),
    ("post", "/lotteries/{lottery_id}/entry/check-in"),
    ("get", "/claims/{claim_token}"),
    ("post", "/claims/{claim_token}"),
    ("get", "/lotteries/{lottery_id}/draws/{draw_id}/stage"),
    ("put", "/lotteries/{lottery_id}/draws/{draw_id}/stage"),
    ("get", "/lotteries/{lottery_id}/repeats"),
    ("post", "/lotteries/{lottery_id}/repeats"),
    ("get", "/lotteries/{lottery_id}/repeats/{repeat_id}"),
    ("patch", "/lotteries/{lottery_id}/repeats/{repeat_id}"),
    ("delete", "/lotteries/{lottery_id}/repeats/{repeat_id}"),
    ("get", "/lotteries/{lottery_id}/draws"),
    ("post", "/lotteries/{lottery_id}/draws"),
    ("get", "/lotteries/{lottery_id}/draws/{draw_id}"),
    ("patch", "/lotteries/{lottery_id}/draws/{draw_id}"),
    ("get", "/lotteries/{lottery_id}/draws/{draw_id}/events"),
    ("get", "/lotteries/{lottery_id}/draws/{draw_id}/winners"),
    ("get", "/lotteries/{lottery_id}/draws/{draw_id}/notifications"),
    ("post", "/lotteries/{lottery_id}/draws/{draw_id}/notifications/retry"),
    ("post", "/lotteries/{lottery_id}/draws/{draw_id}/release"),
    ("get", "/lotteries/{lottery_id}/draws/{draw_id}/winners/{rank}/replace"),
    ("post", "/lotteries/{lottery_id}/draws/{draw_id}/winners/{rank}/replace"),
    ("post", "/lotteries/{lottery_id}/draws/{draw_id}/close"),
    ("post", "/lotteries/{lottery_id}/draws/{draw_id}/cancel"),
    ("get", "/lotteries/{lottery_id}/draws/{draw_id}/proof"),
    ("get", "/lotteries/{lottery_id}/draws/{draw_id}/entries"),
    ("get", "/lotteries/{lottery_id}/draws/{draw_id}/entries/{label}/inclusion"),
    ("get", "/lotteries/{lottery_id}/draws/{draw_id}/odds"),
];

async fn document(service: &Service) -> Value {
    service.get("/openapi.json").await.expect(200).json()
}

#[tokio::test]
async fn the_document_lists_exactly_the_routes_and_each_is_there() {
    let service = Service::new().await;
    let document = document(&service).await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut listed: Vec<(String, String)> = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            listed.push((method.clone(), path.clone()));
        }
    }
    listed.sort();
    let mut expected: Vec<_> =
        ROUTES.iter().map(|(method, path)| ((*method).to_owned(), (*path).to_owned())).collect();
    expected.sort();
    assert_eq!(listed, expected);
    for (method, path) in ROUTES {
        let path = path.replace('{', "x").replace('}', "");
        let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
        let request = Request::builder().method(&method).uri(&path).body(Body::empty()).unwrap();
        let answer = service.call(request).await;
        let is_routed = answer.status != 405 && !answer.body.contains("nothing at this address");
        assert!(is_routed, "{method} {path} answers {}", answer.status);
    }
}

#[tokio::test]
async fn every_operation_tells_its_parameters_answers_failures_and_security() {
    let service = Service::new().await;
    let document = document(&service).await;
    for (method, path) in ROUTES {
        let operation = &document["paths"][path][method];
        let operation_text = format!("{method} {path}: {operation}");
        assert!(operation["summary"].is_string(), "{operation_text}");
        assert!(operation["security"].is_array(), "{operation_text}");
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.keys().any(|status| status.starts_with('2')), "{operation_text}");
        for status in ["429", "500"] {
            let content = &responses[status]["content"]["application/problem+json"]["schema"]["$ref"];
            assert_eq!(content, "#/components/schemas/Problem", "{operation_text}");
        }
        if !operation["security"].as_array().unwrap().is_empty() {
            assert!(responses.contains_key("401"), "{operation_text}");
        }
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        for name in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
            let found = parameters.iter().filter(|one| one["name"] == name && one["in"] == "path").count();
            assert_eq!(found, 1, "{operation_text}");
        }
        assert_eq!(
            ["post", "patch", "put"].contains(method)
                && !["cancel", "undo", "close", "{claim_token}", "{event_id}/retry"]
                    .iter()
                    .any(|action| path.ends_with(action)),
            operation["requestBody"].is_object(),
            "{operation_text}"
        );
    }
}

#[tokio::test]
async fn every_reference_of_the_document_is_defined() {
    let service = Service::new().await;
    let document = document(&service).await;
    let text = document.to_string();
    let references: Vec<_> = text
        .match_indices("\"$ref\":\"#/")
        .map(|(at, _)| {
            let rest = &text[at + 8..];
            rest[..rest.find('"').unwrap()].to_owned()
        })
        .collect();
    assert!(references.len() > 30);
    for reference in references {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference} is not defined");
    }
}

/// What the parsers refuse, the document refuses, and what it lists is taken.
#[tokio::test]
async fn bounds_in_the_document_are_those_of_the_parsers() {
    let service = Service::with_party().await;
    let document = document(&service).await;
    let bound = |schema: &str, field: &str, bound: &str| {
        let found = &document["components"]["schemas"][schema]["properties"][field][bound];
        found.as_u64().unwrap_or_else(|| panic!("{schema}.{field} has no {bound}"))
    };
    let tickets = bound("NewParticipant", "tickets", "maximum");
    assert_eq!(bound("NewParticipant", "tickets", "minimum"), 1);
    let participant = |id: &str, tickets: u64, name: usize| serde_json::json!({ "participant_id": id, "name": "x".repeat(name), "tickets": tickets });
    let name = bound("NewParticipant", "name", "maxLength") as usize;
    let id = "p".repeat(bound("NewParticipant", "participant_id", "maxLength") as usize);
    let lines = [
        participant(&id, tickets, name),
        participant("2", tickets + 1, name),
        participant("3", 1, name + 1),
        participant(&format!("{id}p"), 1, name),
        participant("5", 0, name),
    ];
    let report =
        service.import("application/json", Value::from(lines.to_vec()).to_string()).await.expect(200);
    assert_eq!(
        (&report.json()["accepted"], &report.json()["refused"]),
        (&1.into(), &4.into()),
        "{}",
        report.body
    );

    let prizes = bound("NewDrawBody", "prizes", "maxItems") as usize;
    let alternates = bound("NewDrawBody", "alternates", "maximum");
    let prize = bound("NewPrize", "name", "maxLength") as usize;
    let draw = |prizes: usize, alternates: u64, name: usize| {
        let prize = serde_json::json!({ "name": "x".repeat(name), "winners": 1 });
        serde_json::json!({ "prizes": vec![prize; prizes], "alternates": alternates })
    };
    for (body, status) in [
        (draw(prizes, alternates, prize), 202),
        (draw(prizes + 1, alternates, prize), 422),
        (draw(prizes, alternates + 1, prize), 422),
        (draw(prizes, alternates, prize + 1), 422),
    ] {
        service.post("/lotteries/party/draws", body).await.expect(status);
    }
    for (winners, status) in [(bound("NewDrawBody", "winners", "maximum"), 202), (10_001, 422)] {
        let body = serde_json::json!({ "winners": winners });
        service.post("/lotteries/party/draws", body).await.expect(status);
    }
}

#[tokio::test]
async fn every_status_that_is_answered_is_in_the_document() {
    let service = Service::with_party().await;
    let document = document(&service).await;
    let answered = |path: &str, method: &str, status: u16| {
        let responses = &document["paths"][path][method]["responses"];
        assert!(responses[status.to_string()].is_object(), "{method} {path} may answer {status}");
    };
    let html = service.get_with("/lotteries/party", "accept", "text/html,*/*").await;
    answered("/lotteries/{lottery_id}", "get", html.status.as_u16());
    assert_eq!(html.status, 303);
    let list = service.get("/lotteries").await.expect(200);
    let known = service.get_with("/lotteries", "if-none-match", list.header("etag")).await.expect(304);
    answered("/lotteries", "get", known.status.as_u16());
    answered("/page/{file}", "get", 304);
    service.get("/lotteries/party/draws/none/winners?limit=0").await.expect(400);
    answered("/lotteries/{lottery_id}/draws/{draw_id}/winners", "get", 400);
    answered("/lotteries/{lottery_id}/draws/{draw_id}/odds", "get", 400);
}
