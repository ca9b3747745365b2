//! Who may do what, over HTTP, from the OpenAPI document: a new route cannot be forgotten.

use reqwest::Method;
use serde_json::Value;

use end_to_end_tests::{client::Client, stack};

/// One operation of the document.
#[derive(Debug)]
struct Operation {
    method: Method,
    /// With the parameters filled in.
    path: String,
    scopes: Vec<String>,
    /// Whether it answers everybody, and those with the scope in full.
    open: bool,
}

fn operations(openapi: &Value) -> Vec<Operation> {
    let mut operations = Vec::new();
    for (path, item) in openapi["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            if operation.get("responses").is_none() {
                continue;
            }
            let security: Vec<_> = operation["security"].as_array().into_iter().flatten().collect();
            let open = security.iter().any(|entry| entry.as_object().unwrap().is_empty());
            let scopes = security.iter().flat_map(|entry| entry.as_object().unwrap().values());
            let scopes = scopes.flat_map(|scopes| scopes.as_array().unwrap());
            let scopes = scopes.map(|scope| scope.as_str().unwrap().to_owned()).collect();
            let path = path
                .split('/')
                .map(|part| if part.starts_with('{') { "some-id" } else { part })
                .collect::<Vec<_>>()
                .join("/");
            operations.push(Operation { method, path, scopes, open });
        }
    }
    operations
}

#[tokio::test]
async fn every_route_that_is_not_public_refuses_who_may_not_enter() {
    let stack = stack::start().await;
    let organiser = stack.client();
    let openapi = organiser.get("/openapi.json").await.expect(200);
    let operations = operations(&openapi);
    let guarded: Vec<_> = operations.iter().filter(|operation| !operation.scopes.is_empty()).collect();
    assert!(guarded.len() >= 8, "{operations:?}");
    for path in ["/local/messages", "/local/executions"] {
        assert!(guarded.iter().any(|operation| operation.path == path), "{path} is not guarded: {guarded:?}");
    }

    let claims = |change: &dyn Fn(&mut Value)| {
        let mut claims = stack.claims();
        change(&mut claims);
        claims
    };
    let expired = stack.sign(&claims(&|claims| claims["exp"] = 1_000_000_000.into()));
    let other_issuer = stack.sign(&claims(&|claims| claims["iss"] = "https://elsewhere.example".into()));
    let scopeless = stack.sign(&claims(&|claims| claims["scope"] = "".into()));
    let unsigned = stack.unsigned(&stack.claims());
    let other_key = stack.sign_with_another_key(&stack.claims());
    for Operation { method, path, scopes, open } in guarded {
        let refused = async |token: &str| {
            let client = Client::organiser(stack.api(), token);
            client.send(method.clone(), path, &[], Vec::new()).await.status.as_u16()
        };
        let nobody = organiser.anonymous().send(method.clone(), path, &[], Vec::new()).await;
        assert_eq!(nobody.header("content-type"), Some("application/problem+json"), "{method} {path}");
        if *open {
            assert_eq!(nobody.status, 404, "{method} {path} answers everybody, if there were such a draw");
        } else {
            assert_eq!(nobody.status, 401, "{method} {path} without a token");
            assert!(nobody.header("www-authenticate").is_some(), "{method} {path}");
        }
        for (what, token) in [
            ("an expired token", &expired),
            ("another issuer's token", &other_issuer),
            ("an unsigned token", &unsigned),
            ("a token of another key", &other_key),
            ("no token at all", &"nonsense".to_owned()),
        ] {
            assert_eq!(refused(token).await, 401, "{method} {path} with {what}");
        }
        if *open {
            continue;
        }
        assert_eq!(refused(&scopeless).await, 403, "{method} {path} without a scope");
        let others =
            ["draws:write", "participants:read", "participants:write", "results:read"].map(str::to_owned);
        let others = others.into_iter().filter(|scope| !scopes.contains(scope)).collect::<Vec<_>>().join(" ");
        let token = stack.sign(&claims(&|claims| claims["scope"] = others.clone().into()));
        assert_eq!(refused(&token).await, 403, "{method} {path} with {others}");
        let token = stack.sign(&claims(&|claims| claims["scope"] = scopes.join(" ").into()));
        let status = refused(&token).await;
        assert!(![401, 403].contains(&status), "{method} {path} with its own scope: {status}");
    }
}
