//! Who may call what, tested from the OpenAPI document, so that no route can be forgotten.

use api::{Config, Verifier};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use axum::body::Body;
use http::{Method, Request};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

use crate::aws::MACHINE;
use crate::support::{Answer, Service, now};
use crate::tokens::{ALL_SCOPES, AUDIENCE, ISSUER, Issuer, claims, unsigned};

/// Every operation of the document: method, address with its parameters filled, scope if one is needed.
async fn operations(service: &Service) -> Vec<(Method, String, Vec<String>, bool)> {
    let document = service.get("/openapi.json").await.expect(200).json();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let path = path
                .replace("{lottery_id}", "party")
                .replace("{draw_id}", "draw")
                .replace("{participant_id}", "001");
            let security = operation["security"].as_array().expect("every operation declares its security");
            let scope = |one: &Value| one.get("bearer")?[0].as_str().map(str::to_owned);
            let scopes: Vec<String> = security.iter().filter_map(scope).collect();
            let is_optional = security.iter().any(|one| one.as_object().unwrap().is_empty());
            operations.push((method, path, scopes, is_optional));
        }
    }
    operations
}

async fn call(service: &Service, method: &Method, path: &str, token: Option<&str>) -> Answer {
    let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    service.call(request.body(Body::from("{}")).unwrap()).await
}

fn bad_tokens(issuer: &Issuer) -> Vec<(&'static str, String)> {
    let with = |name: &str, value: Value| {
        let mut claims = claims(ALL_SCOPES);
        claims[name] = value;
        claims
    };
    let without = |name: &str| {
        let mut claims = claims(ALL_SCOPES);
        claims.as_object_mut().unwrap().remove(name);
        claims
    };
    let good = issuer.token(ALL_SCOPES);
    let (message, signature) = good.rsplit_once('.').unwrap();
    let forged = {
        let (header, _) = message.split_once('.').unwrap();
        let payload = unsigned(&json!({}), &with("sub", json!("other")));
        format!("{header}.{}.{signature}", payload.split_once('.').unwrap().1)
    };
    let seconds = now().as_second();
    vec![
        ("nothing", String::new()),
        ("no JWT", "abc".to_owned()),
        ("expired", issuer.sign(&with("exp", json!(seconds - 60)))),
        ("no expiry", issuer.sign(&without("exp"))),
        ("expiry as text", issuer.sign(&with("exp", json!("tomorrow")))),
        ("not yet valid", issuer.sign(&with("nbf", json!(seconds + 600)))),
        ("other issuer", issuer.sign(&with("iss", json!("https://other.example")))),
        ("no issuer", issuer.sign(&without("iss"))),
        ("other audience", issuer.sign(&with("aud", json!(["other"])))),
        ("no audience", issuer.sign(&without("aud"))),
        ("no subject", issuer.sign(&without("sub"))),
        ("another key of the same name", Issuer::with_secret("key-1", "other").token(ALL_SCOPES)),
        ("another key", Issuer::new("key-2").token(ALL_SCOPES)),
        ("alg none", format!("{}.", unsigned(&json!({ "alg": "none" }), &claims(ALL_SCOPES)))),
        ("alg None", format!("{}.{signature}", unsigned(&json!({ "alg": "None" }), &claims(ALL_SCOPES)))),
        (
            "alg HS256 over the public key",
            format!(
                "{}.{signature}",
                unsigned(&json!({ "alg": "HS256", "kid": "key-1" }), &claims(ALL_SCOPES))
            ),
        ),
        ("claims changed", forged),
        ("signature cut off", message.to_owned()),
    ]
}

#[tokio::test]
async fn every_route_that_is_not_public_refuses_without_a_valid_token() {
    let service = Service::with_party().await;
    let guarded: Vec<_> =
        operations(&service).await.into_iter().filter(|(_, _, scopes, _)| !scopes.is_empty()).collect();
    assert!(guarded.len() >= 6);
    for (method, path, scopes, is_optional) in guarded {
        // So many calls without a valid token are above the limit of one address, but for the time between them.
        service.wait(10);
        if !is_optional {
            let refused = call(&service, &method, &path, None).await.expect(401);
            assert!(refused.header("www-authenticate").starts_with("Bearer"));
        }
        for (what, token) in bad_tokens(&service.issuer) {
            let refused = call(&service, &method, &path, Some(&token)).await;
            assert_eq!(refused.status, 401, "{method} {path} with {what}: {}", refused.body);
            assert!(refused.header("www-authenticate").starts_with("Bearer"));
        }
        let other: Vec<_> =
            ALL_SCOPES.split(' ').filter(|one| !scopes.iter().any(|scope| scope == one)).collect();
        for others in [other.join(" "), String::new(), format!("{}x", scopes[0])] {
            let answer = call(&service, &method, &path, Some(&service.issuer.token(&others))).await;
            if is_optional {
                assert!(answer.status != 401 && answer.status != 403, "{method} {path}");
            } else {
                assert_eq!(answer.status, 403, "{method} {path} with {others}");
                assert!(answer.header("www-authenticate").contains("insufficient_scope"));
            }
        }
        for scope in scopes {
            let good = call(&service, &method, &path, Some(&service.issuer.token(&scope))).await;
            assert!(good.status != 401 && good.status != 403, "{method} {path}: {}", good.body);
        }
    }
}

#[tokio::test]
async fn public_routes_ask_for_no_token_and_look_at_none() {
    let service = Service::with_party().await;
    for (method, path, scopes, _) in operations(&service).await {
        if scopes.is_empty() {
            // Whether a lottery is open to join decides who may enter it, a receipt what its holder may do, and a claim
            // link whose prize it is.
            let own = [
                "/join",
                "/join/confirm",
                "/join/link",
                "/entry",
                "/entry/leave",
                "/entry/check-in",
                "/claims/{claim_token}",
            ];
            let is_own = own.iter().any(|end| path.ends_with(end));
            assert!(method == Method::GET || is_own, "{path}: what changes something is never public");
            if is_own {
                continue;
            }
            for token in [None, Some("rubbish")] {
                let answer = call(&service, &method, &path, token).await;
                assert!(answer.status != 401 && answer.status != 403, "{path}");
            }
        }
    }
}

#[tokio::test]
async fn a_schemes_case_and_other_ways_to_write_scopes_are_taken() {
    let service = Service::with_party().await;
    let path = "/lotteries/party/participants";
    for claims in [
        claims("openid participants:write"),
        {
            let mut claims = claims("");
            claims["scp"] = json!(["participants:write"]);
            claims
        },
        {
            // Cognito's access tokens name the client instead of an audience.
            let mut claims = claims("participants:write");
            claims.as_object_mut().unwrap().remove("aud");
            claims["client_id"] = json!(AUDIENCE);
            claims
        },
    ] {
        let token = service.issuer.sign(&claims);
        let request = Request::get(path).header("authorization", format!("bearer {token}"));
        service.call(request.body(Body::empty()).unwrap()).await.expect(200);
    }
}

#[tokio::test]
async fn scopes_stand_behind_the_configured_prefix() {
    let service = Service::with(|config| config.scope_prefix = "lottery/".to_owned()).await;
    let body = || Body::from(json!({ "name": "A" }).to_string());
    let request = |scope: &str| {
        Request::post("/lotteries")
            .header("authorization", format!("Bearer {}", service.issuer.token(scope)))
            .header("content-type", "application/json")
            .body(body())
            .unwrap()
    };
    service.call(request("draws:write")).await.expect(403);
    service.call(request("lottery/draws:write")).await.expect(201);
    let document = service.get("/openapi.json").await.json();
    assert_eq!(document["paths"]["/lotteries"]["post"]["security"][0]["bearer"][0], "lottery/draws:write");
}

#[tokio::test]
async fn a_token_ends_when_its_time_is_over() {
    let service = Service::with_party().await;
    let token = service.issuer.token(ALL_SCOPES);
    let path = "/lotteries/party/participants";
    service.wait(3600 + 29);
    call(&service, &Method::GET, path, Some(&token)).await.expect(200);
    service.wait(1);
    call(&service, &Method::GET, path, Some(&token)).await.expect(401);
}

/// A JWKS address that counts how often it is asked.
#[derive(Debug, Clone, Default)]
struct Jwks(Arc<Mutex<(u32, String)>>);

impl HttpConnector for Jwks {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        assert_eq!(request.uri(), "https://issuer.example/jwks.json");
        let jwks = self.clone();
        HttpConnectorFuture::new(async move {
            tokio::task::yield_now().await;
            let mut state = jwks.0.lock().unwrap();
            state.0 += 1;
            let status = if state.1.is_empty() { 500 } else { 200 };
            Ok(HttpResponse::new(status.try_into().unwrap(), SdkBody::from(state.1.clone())))
        })
    }
}

impl Jwks {
    fn publish(&self, issuers: &[&Issuer]) {
        let keys: Vec<_> = issuers.iter().map(|issuer| issuer.jwk()).collect();
        self.0.lock().unwrap().1 = json!({ "keys": keys }).to_string();
    }

    fn asked(&self) -> u32 {
        self.0.lock().unwrap().0
    }
}

#[tokio::test(start_paused = true)]
async fn keys_are_fetched_once_kept_and_asked_for_again_for_a_new_key() {
    let (old, new, unknown) = (Issuer::new("old"), Issuer::new("new"), Issuer::new("unknown"));
    let jwks = Jwks::default();
    let config = Config::new(MACHINE, ISSUER, AUDIENCE);
    let connector = SharedHttpConnector::new(jwks.clone());
    let verifier = Verifier::from_url("https://issuer.example/jwks.json", connector, &config);
    let service = Service::with_verifier(config, verifier, Issuer::new("old")).await;
    let path = "/lotteries/party/participants";
    let get = |issuer: &Issuer| {
        let token = issuer.token(ALL_SCOPES);
        let service = &service;
        async move { call(service, &Method::GET, path, Some(&token)).await }
    };

    get(&old).await.expect(503);
    assert_eq!(jwks.asked(), 1);
    jwks.publish(&[&old]);
    tokio::time::advance(std::time::Duration::from_secs(11)).await;

    let together: Vec<Answer> = futures_util::future::join_all((0..8).map(|_| get(&old))).await;
    assert!(
        together.iter().all(|answer| answer.status == 404),
        "the token is good, the lottery is not there"
    );
    assert_eq!(jwks.asked(), 2, "eight requests ask once");

    jwks.publish(&[&old, &new]);
    get(&new).await.expect(401);
    tokio::time::advance(std::time::Duration::from_secs(11)).await;
    get(&new).await.expect(404);
    assert_eq!(jwks.asked(), 3);
    for _ in 0..5 {
        get(&unknown).await.expect(401);
    }
    assert_eq!(jwks.asked(), 3, "unknown keys cannot make us ask all the time");

    jwks.0.lock().unwrap().1.clear();
    tokio::time::advance(std::time::Duration::from_secs(2 * 3600)).await;
    get(&new).await.expect(404);
    assert_eq!(jwks.asked(), 4, "old keys serve while the issuer does not answer");
}

/// Signed elsewhere, with OpenSSL; the private keys are gone. They hold until 2100.
const VECTORS: &str = include_str!("tokens.json");

#[tokio::test]
async fn tokens_signed_with_rsa_and_ecdsa_are_taken() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let config = Config::new(MACHINE, ISSUER, AUDIENCE);
    let verifier = Verifier::inline(&vectors["jwks"].to_string(), &config).unwrap();
    let service = Service::with_verifier(config, verifier, Issuer::new("key-1")).await;
    let tokens = vectors["tokens"].as_object().unwrap();
    assert_eq!(tokens.len(), 2);
    for (algorithm, token) in tokens {
        let token = token.as_str().unwrap();
        let answer = call(&service, &Method::GET, "/lotteries/none/participants", Some(token)).await;
        assert_eq!(answer.status, 404, "{algorithm}: {}", answer.body);
        let changed = format!("{}A", &token[..token.len() - 1]);
        let changed = if changed == token { format!("{}B", &token[..token.len() - 1]) } else { changed };
        let middle = token.len() - 20;
        let flipped = if token.as_bytes()[middle] == b'A' { "B" } else { "A" };
        let changed = format!("{}{flipped}{}", &changed[..middle], &token[middle + 1..]);
        call(&service, &Method::GET, "/lotteries/none/participants", Some(&changed)).await.expect(401);
    }
}
