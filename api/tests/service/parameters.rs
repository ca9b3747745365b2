//! Query parameters: unknown ones are refused, documented ones are read.

use http::Method;
use serde_json::{Value, json};

use crate::support::Service;

#[tokio::test]
async fn every_operation_refuses_a_parameter_that_it_does_not_have() {
    let service = Service::with_party().await;
    let document = service.get("/openapi.json").await.expect(200).json();
    let mut checked = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        // Files, to which people are sent with whatever others append.
        let is_file = path == "/" || path.starts_with("/page/");
        for (method, operation) in item.as_object().unwrap() {
            let address = path
                .replace("{lottery_id}", "party")
                .replace("{draw_id}", "d1")
                .replace("{participant_id}", "1")
                .replace("{number}", "1")
                .replace("{label}", "x")
                .replace(['{', '}'], "");
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let request =
                service.request(method.clone(), &format!("{address}?expectd=1"), "application/json", "{}");
            let answer = service.call(request).await;
            if is_file {
                assert_ne!(answer.status, 400, "{method} {path}");
                continue;
            }
            let problem = answer.expect(400).json();
            assert_eq!(problem["type"], "/problems/unknown-parameter", "{method} {path}");
            assert_eq!(problem["parameter"], "expectd");
            assert!(operation["responses"]["400"].is_object(), "{method} {path}");
            checked += 1;
        }
    }
    assert!(checked > 20, "{checked}");
}

#[tokio::test]
async fn the_nearest_parameter_is_named_and_nothing_is_done() {
    let service = Service::with_party().await;
    for (query, nearest) in [
        ("dry-run=true", "dry_run"),
        ("replace=true", "sheet"),
        ("Mode=replace", "mode"),
        ("limit=5&dryrun=true", "dry_run"),
    ] {
        let refused = service.import_as(query, b"participant_id,name\n1,Rose\n").await.expect(400).json();
        if query != "replace=true" {
            assert_eq!(refused["nearest"], json!(nearest));
        }
        assert!(
            refused["detail"].as_str().unwrap().contains("this address takes charset, country, mapping"),
            "{refused}"
        );
    }
    assert!(service.people().await.is_empty());
    let refused = service.get("/healthz?verbose=1").await.expect(400).json();
    assert_eq!(
        (&refused["nearest"], refused["detail"].as_str().unwrap().contains("takes none")),
        (&Value::Null, true)
    );
    // A caller without access learns only that.
    let request =
        http::Request::get("/lotteries/party/imports/last?x=1").body(axum::body::Body::empty()).unwrap();
    service.call(request).await.expect(401);
}

/// A parameter that takes any text, and cursors that are read after the import or the draw that they belong to is found.
const NOT_CHECKED: [(&str, &str); 3] = [
    ("/lotteries/{lottery_id}/participants", "sheet"),
    ("/lotteries/{lottery_id}/draws/{draw_id}/notifications", "cursor"),
    ("/lotteries/{lottery_id}/imports/{number}/undo", "cursor"),
];

#[tokio::test]
async fn every_documented_parameter_is_read() {
    let service = Service::with_party().await;
    let document = service.get("/openapi.json").await.expect(200).json();
    let malformed = "!".repeat(300);
    let mut checked = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        let address = path
            .replace("{lottery_id}", "party")
            .replace("{draw_id}", "d1")
            .replace("{number}", "1")
            .replace(['{', '}'], "");
        for (method, operation) in item.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            for name in parameters.filter(|one| one["in"] == "query").map(|one| one["name"].as_str().unwrap())
            {
                if NOT_CHECKED.contains(&(path.as_str(), name)) {
                    continue;
                }
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
                let address = format!("{address}?{name}={malformed}");
                let answer = service.call(service.request(method, &address, "text/csv", "")).await;
                assert_eq!(answer.status, 400, "{address}: {}", answer.body);
                assert_eq!(answer.json()["errors"][0]["field"], name, "{address}: {}", answer.body);
                checked += 1;
            }
        }
    }
    assert!(checked > 25, "{checked}");
}
