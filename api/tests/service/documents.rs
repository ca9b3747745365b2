//! The OpenAPI document, held against the router that it describes.

use axum::body::Body;
use http::{Method, Request};
use serde_json::Value;

use crate::support::Service;

/// Every address of the design that this version serves.
const ROUTES: [(&str, &str); 23] = [
    ("get", "/"),
    ("get", "/page/{file}"),
    ("get", "/page/{folder}/{file}"),
    ("get", "/healthz"),
    ("get", "/openapi.json"),
    ("get", "/lotteries"),
    ("post", "/lotteries"),
    ("get", "/lotteries/{lottery_id}"),
    ("get", "/lotteries/{lottery_id}/participants"),
    ("post", "/lotteries/{lottery_id}/participants"),
    ("delete", "/lotteries/{lottery_id}/participants/{participant_id}"),
    ("get", "/lotteries/{lottery_id}/participants/{participant_id}/receipt"),
    ("post", "/lotteries/{lottery_id}/join"),
    ("get", "/lotteries/{lottery_id}/draws"),
    ("post", "/lotteries/{lottery_id}/draws"),
    ("get", "/lotteries/{lottery_id}/draws/{draw_id}"),
    ("get", "/lotteries/{lottery_id}/draws/{draw_id}/events"),
    ("get", "/lotteries/{lottery_id}/draws/{draw_id}/winners"),
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
    let mut expected: Vec<_> = ROUTES.map(|(method, path)| (method.to_owned(), path.to_owned())).to_vec();
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
        let place = format!("{method} {path}: {operation}");
        assert!(operation["summary"].is_string(), "{place}");
        assert!(operation["security"].is_array(), "{place}");
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.keys().any(|status| status.starts_with('2')), "{place}");
        for status in ["429", "500"] {
            let content = &responses[status]["content"]["application/problem+json"]["schema"]["$ref"];
            assert_eq!(content, "#/components/schemas/Problem", "{place}");
        }
        if !operation["security"].as_array().unwrap().is_empty() {
            assert!(responses.contains_key("401"), "{place}");
        }
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        for name in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
            let found = parameters.iter().filter(|one| one["name"] == name && one["in"] == "path").count();
            assert_eq!(found, 1, "{place}");
        }
        assert_eq!(
            method == "post" && !path.ends_with("cancel"),
            operation["requestBody"].is_object(),
            "{place}"
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
