use std::sync::atomic::{AtomicUsize, Ordering};

use asl_engine::Clock;
use axum::body::to_bytes;
use axum::extract::Request as Received;
use axum::response::IntoResponse;
use axum::routing::{any, post};
use axum::{Json as Answer, Router};

use super::*;

/// A server that answers what it was asked, and some paths of its own.
async fn server() -> (String, Arc<AtomicUsize>) {
    let tokens = Arc::new(AtomicUsize::new(0));
    let given = tokens.clone();
    let router = Router::new()
        .route("/text", any(|| async { "just text" }))
        .route("/no", any(|| async { (http::StatusCode::NOT_FOUND, "there is no such thing") }))
        .route(
            "/picture",
            any(|| async { ([(CONTENT_TYPE, "image/png")], vec![0x89, b'P']).into_response() }),
        )
        .route("/large", any(|| async { "x".repeat(2 * MAX_BODY) }))
        .route(
            "/token",
            post(async move |body: String| {
                let number = given.fetch_add(1, Ordering::SeqCst) + 1;
                assert!(
                    body.contains("grant_type=client_credentials") && body.contains("client_id=me"),
                    "{body}"
                );
                Answer(json!({"access_token": format!("token-{number}"), "expires_in": 3600}))
            }),
        )
        .fallback(async |request: Received| {
            let (head, body) = request.into_parts();
            let body = to_bytes(body, MAX_BODY).await.unwrap();
            let headers: BTreeMap<_, _> =
                head.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
            let seen = json!({
                "method": head.method.as_str(), "path": head.uri.path(), "query": head.uri.query(),
                "headers": headers, "body": String::from_utf8_lossy(&body),
            });
            ([("x-twice", "1"), ("x-twice", "2")], Answer(seen)).into_response()
        });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, tokens)
}

fn tasks(address: &str) -> HttpTasks {
    let text = json!({"Connections": [
        {"Name": "basic", "AuthorizationType": "BASIC", "AuthParameters": {
            "BasicAuthParameters": {"Username": "u", "Password": "p"},
            "InvocationHttpParameters": {
                "HeaderParameters": [{"Key": "X-From", "Value": "connection"}],
                "QueryStringParameters": [{"Key": "tenant", "Value": "a b"}],
                "BodyParameters": [{"Key": "source", "Value": "connection", "IsValueSecret": true}]}}},
        {"Name": "key", "AuthorizationType": "API_KEY", "AuthParameters": {
            "ApiKeyAuthParameters": {"ApiKeyName": "X-Key", "ApiKeyValue": "k"}}},
        {"Name": "oauth", "AuthorizationType": "OAUTH_CLIENT_CREDENTIALS", "AuthParameters": {"OAuthParameters": {
            "AuthorizationEndpoint": format!("{address}/token"), "HttpMethod": "POST",
            "ClientParameters": {"ClientID": "me", "ClientSecret": "s"}}}},
    ]});
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("connections.json");
    std::fs::write(&file, text.to_string()).unwrap();
    HttpTasks::new(Connections::read(&file).unwrap())
}

async fn ask(tasks: &HttpTasks, connection: &str, url: &str, more: Value) -> Result<Value, TaskFailure> {
    let arn = format!("arn:aws:events:us-east-1:123456789012:connection/{connection}/1");
    let mut parameters =
        json!({"ApiEndpoint": url, "Method": "GET", "Authentication": {"ConnectionArn": arn}});
    let members = parameters.as_object_mut().unwrap();
    members.extend(more.as_object().unwrap().clone());
    invoke(tasks, parameters, &Events::new(None, Clock::system(), Vec::new())).await
}

async fn invoke(tasks: &HttpTasks, parameters: Value, events: &Events) -> Result<Value, TaskFailure> {
    tasks.invoke(&Json::from(parameters), events).await.map(|result| Value::from(&result))
}

#[tokio::test]
async fn a_connection_of_eventbridge_comes_before_one_of_the_file() {
    let (address, _) = server().await;
    let (tasks, events) = (tasks(&address), Events::new(None, Clock::system(), Vec::new()));
    let made = json!({"Name": "key", "AuthorizationType": "API_KEY", "AuthParameters": {
        "ApiKeyAuthParameters": {"ApiKeyName": "X-Key", "ApiKeyValue": "of EventBridge"}}});
    let arn = events.call("CreateConnection", made).await.unwrap()["ConnectionArn"].clone();
    let parameters =
        json!({"ApiEndpoint": address, "Method": "GET", "InvocationConfig": {"ConnectionArn": arn}});
    let result = invoke(&tasks, parameters, &events).await.unwrap();
    assert_eq!(result["ResponseBody"]["headers"]["x-key"], "of EventBridge");
}

#[tokio::test]
async fn a_request_has_what_the_task_and_the_connection_say_and_the_connection_counts() {
    let (address, _) = server().await;
    let tasks = tasks(&address);
    let more = json!({
        "Method": "POST", "RequestBody": {"amount": 1, "source": "task"},
        "Headers": {"X-From": "task", "X-Own": "yes", "User-Agent": "other"},
        "QueryParameters": {"tenant": "z", "tag": ["x", "y"]},
    });
    let result = ask(&tasks, "basic", &format!("{address}/pay?once=1"), more).await.unwrap();
    assert_eq!((&result["StatusCode"], &result["StatusText"]), (&json!(200), &json!("OK")));
    assert_eq!(result["Headers"]["content-type"], json!(["application/json"]));
    let seen = &result["ResponseBody"];
    assert_eq!(seen["query"], "once=1&tag=x&tag=y&tenant=a%20b");
    let headers = &seen["headers"];
    assert_eq!(headers["authorization"], "Basic dTpw");
    assert_eq!((&headers["x-from"], &headers["x-own"]), (&json!("connection"), &json!("yes")));
    assert_eq!(headers["user-agent"], "Amazon|StepFunctions|HttpInvoke|us-east-1");
    assert_eq!(
        (&headers["range"], &headers["content-type"]),
        (&json!("bytes=0-262144"), &json!("application/json"))
    );
    let body: Value = serde_json::from_str(seen["body"].as_str().unwrap()).unwrap();
    assert_eq!(body, json!({"amount": 1, "source": "connection"}));
}

#[tokio::test]
async fn a_body_is_sent_as_a_form_where_the_task_says_so() {
    let (address, _) = server().await;
    let more = json!({
        "Method": "PUT", "RequestBody": {"items": ["a", "b"]},
        "Transform": {"RequestBodyEncoding": "URL_ENCODED", "RequestEncodingOptions": {"ArrayFormat": "REPEAT"}},
    });
    let result = ask(&tasks(&address), "key", &format!("{address}/form"), more).await.unwrap();
    let seen = &result["ResponseBody"];
    assert_eq!((&seen["method"], &seen["body"]), (&json!("PUT"), &json!("items=a&items=b")));
    assert_eq!(seen["headers"]["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(seen["headers"]["x-key"], "k");
}

#[tokio::test]
async fn a_token_is_asked_for_once_as_long_as_it_lasts() {
    let (address, given) = server().await;
    let tasks = tasks(&address);
    for _ in 0..3 {
        let result = ask(&tasks, "oauth", &address, json!({})).await.unwrap();
        assert_eq!(result["ResponseBody"]["headers"]["authorization"], "Bearer token-1");
    }
    assert_eq!(given.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_is_no_answer_is_an_error_that_a_state_can_catch() {
    let (address, _) = server().await;
    let tasks = tasks(&address);
    let text = ask(&tasks, "key", &format!("{address}/text"), json!({})).await.unwrap();
    assert_eq!(text["ResponseBody"], "just text");
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for (connection, url, more, error, cause) in [
        ("key", format!("{address}/no"), json!({}), "States.Http.StatusCode.404", "there is no such thing"),
        ("key", format!("{address}/picture"), json!({}), "States.Runtime", "image/png"),
        ("key", format!("{address}/large"), json!({}), "States.Runtime", "larger"),
        ("key", format!("http://{gone}/"), json!({}), "States.Http.Socket", "127.0.0.1"),
        ("key", "http://example.com/".to_owned(), json!({}), "States.Runtime", "HTTPS"),
        ("key", "not a url".to_owned(), json!({}), "States.Runtime", "ApiEndpoint"),
        ("key", address.clone(), json!({"Method": "BREW"}), "States.Runtime", "BREW"),
        ("key", address.clone(), json!({"Headers": {"a b": "c"}}), "States.Runtime", "a b"),
        ("key", address.clone(), json!({"Headers": {"a": "c\n"}}), "States.Runtime", "\"a\""),
        ("key", address.clone(), json!({"QueryParameters": "a=b"}), "States.Runtime", "QueryParameters"),
        ("basic", address.clone(), json!({"RequestBody": "text"}), "States.Runtime", "which is no object"),
        (
            "other",
            address.clone(),
            json!({}),
            "Events.ConnectionResource.ResourceNotFound",
            "basic, key, oauth",
        ),
        ("key", address.clone(), json!({"Authentication": {}}), "States.Runtime", "ConnectionArn"),
    ] {
        let failed = ask(&tasks, connection, &url, more).await.unwrap_err();
        assert_eq!(failed.error, error, "{url}: {}", failed.cause);
        assert!(failed.cause.contains(cause), "{url}: {}", failed.cause);
    }
}

#[tokio::test]
async fn a_trace_shows_the_request_without_what_the_connection_adds_unless_secrets_are_revealed() {
    let (address, _) = server().await;
    let tasks = tasks(&address);
    let arn = "arn:aws:events:us-east-1:123456789012:connection/basic/1";
    let parameters = Json::from(json!({
        "ApiEndpoint": format!("{address}/pay"), "Method": "POST", "Authentication": {"ConnectionArn": arn},
        "Headers": {"X-Own": "yes"}, "QueryParameters": {"tag": "x"}, "RequestBody": {"amount": 1},
    }));
    let events = Events::new(None, Clock::system(), Vec::new());
    let mut shown = Vec::new();
    for secrets in [Secrets::Hidden, Secrets::Revealed] {
        let traced = tasks.invoke_traced(&parameters, &events, secrets).await;
        assert_eq!(
            Value::from(&traced.result.unwrap())["ResponseBody"]["headers"]["authorization"],
            "Basic dTpw"
        );
        let exchange = traced.exchange.unwrap();
        let response = exchange.response.as_ref().unwrap();
        assert_eq!((response.status, response.message.as_str()), (200, "OK"));
        assert!(response.body.as_ref().unwrap().contains("\"x-own\":\"yes\""));
        shown.push(exchange);
    }
    let [hidden, revealed] = shown.try_into().unwrap();
    let names = |exchange: &HttpExchange| {
        let mut names: Vec<_> = exchange.headers.iter().map(|(name, _)| name.clone()).collect();
        names.sort();
        names.join(" ")
    };
    assert_eq!(names(&hidden), "content-type range user-agent x-own");
    assert_eq!(names(&revealed), "authorization content-type range user-agent x-from x-own");
    assert_eq!(hidden.url, format!("{address}/pay?tag=x"));
    assert_eq!(revealed.url, format!("{address}/pay?tag=x&tenant=a%20b"));
    assert_eq!(hidden.body.unwrap(), r#"{"amount":1}"#);
    assert_eq!(revealed.body.unwrap(), r#"{"amount":1,"source":"connection"}"#);
}

#[tokio::test]
async fn a_trace_shows_what_failed_as_far_as_it_came() {
    let (address, _) = server().await;
    let (tasks, events) = (tasks(&address), Events::new(None, Clock::system(), Vec::new()));
    let arn = "arn:aws:events:us-east-1:123456789012:connection/key/1";
    let ask = |url: String| {
        Json::from(json!({"ApiEndpoint": url, "Method": "GET", "Authentication": {"ConnectionArn": arn}}))
    };
    let refused = tasks.invoke_traced(&ask(format!("{address}/no")), &events, Secrets::Hidden).await;
    assert_eq!(refused.result.unwrap_err().error, "States.Http.StatusCode.404");
    let response = refused.exchange.unwrap().response.unwrap();
    assert_eq!((response.status, response.body.as_deref()), (404, Some("there is no such thing")));
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let silent = tasks.invoke_traced(&ask(format!("http://{gone}/")), &events, Secrets::Hidden).await;
    assert!(silent.result.is_err());
    assert_eq!(silent.exchange.unwrap().response, None);
    let unmade = tasks.invoke_traced(&ask("http://example.com/".to_owned()), &events, Secrets::Hidden).await;
    assert_eq!(unmade.exchange, None);
}
