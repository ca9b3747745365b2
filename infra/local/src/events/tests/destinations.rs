//! API destinations, beside a server that answers as it is asked to.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::*;

/// Answers one request after another with these statuses; gives the address, and later what was asked.
async fn server(statuses: &'static [&'static str]) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = tokio::spawn(async move {
        let mut asked = Vec::new();
        for status in statuses {
            let (mut connection, _) = listener.accept().await.unwrap();
            let (mut request, mut part) = (Vec::new(), [0; 4096]);
            // The body ends with this brace.
            while !request.ends_with(b"}") {
                let read = connection.read(&mut part).await.unwrap();
                request.extend_from_slice(&part[..read]);
            }
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            connection.write_all(answer.as_bytes()).await.unwrap();
            asked.push(String::from_utf8(request).unwrap());
        }
        asked
    });
    (url, asked)
}

impl Fixture {
    /// A destination at this address, and the ARN of it.
    async fn destination(&self, url: &str, authorization: &str, parameters: Value) -> Value {
        let connection =
            json!({"Name": "c", "AuthorizationType": authorization, "AuthParameters": parameters});
        let connection = self.call("CreateConnection", connection).await["ConnectionArn"].clone();
        let destination =
            json!({"Name": "d", "ConnectionArn": connection, "HttpMethod": "PUT", "InvocationEndpoint": url});
        self.call("CreateApiDestination", destination).await["ApiDestinationArn"].clone()
    }

    /// Waits for something that needs retries.
    async fn while_time_passes<T>(&self, awaited: impl Future<Output = T>) -> T {
        let moving = async {
            loop {
                self.clock.advance(Duration::from_secs(1));
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            done = awaited => done,
            () = moving => unreachable!("it moves for ever"),
        }
    }
}

#[tokio::test]
async fn a_destination_is_called_with_all_that_target_and_connection_say() {
    let fixture = Fixture::new().await;
    let (url, asked) = server(&["503 Busy", "200 OK"]).await;
    let parameters = json!({
        "ApiKeyAuthParameters": {"ApiKeyName": "X-Key", "ApiKeyValue": "hush"},
        "InvocationHttpParameters": {
            "HeaderParameters": [{"Key": "X-From", "Value": "connection"}],
            "QueryStringParameters": [{"Key": "v", "Value": "1 2"}],
            "BodyParameters": [{"Key": "added", "Value": "yes", "IsValueSecret": true}],
        },
    });
    let arn = fixture.destination(&format!("{url}/orders/*/x"), "API_KEY", parameters).await;
    let shown = fixture.call("DescribeConnection", json!({"Name": "c"})).await;
    assert_eq!(shown["AuthParameters"]["ApiKeyAuthParameters"], json!({"ApiKeyName": "X-Key"}));
    assert!(!shown.to_string().contains("yes"), "{shown}");
    let http =
        json!({"PathParameterValues": ["a/b"], "HeaderParameters": {"X-Own": "own", "X-From": "target"}});
    fixture.rule("r", json!({"Arn": arn, "HttpParameters": http, "InputPath": "$.detail"})).await;
    fixture.put(json!({"n": 1})).await;
    let asked = fixture.while_time_passes(asked).await.unwrap();
    assert_eq!(asked.len(), 2);
    let request = asked[1].to_ascii_lowercase();
    assert!(request.starts_with("put /orders/a%2fb/x?v=1%202 http/1.1\r\n"), "{request}");
    for header in [
        "x-key: hush\r\n",
        "x-own: own\r\n",
        "x-from: connection\r\n",
        "content-type: application/json; charset=utf-8\r\n",
        "user-agent: amazon/eventbridge/apidestinations\r\n",
    ] {
        assert!(request.contains(header), "{header}: {request}");
    }
    assert!(request.ends_with(r#"{"n":1,"added":"yes"}"#), "{request}");
}

#[tokio::test]
async fn a_destination_that_refuses_is_not_asked_again() {
    let fixture = Fixture::new().await;
    let dead = fixture.queue("dead").await;
    let (url, asked) = server(&["404 Not Found"]).await;
    let parameters = json!({"BasicAuthParameters": {"Username": "u", "Password": "p"}});
    let arn = fixture.destination(&url, "BASIC", parameters).await;
    fixture.rule("r", json!({"Arn": arn, "DeadLetterConfig": {"Arn": dead}})).await;
    fixture.put(json!({"n": 1})).await;
    let message = fixture.received("dead").await;
    assert_eq!(message["MessageAttributes"]["ERROR_CODE"]["StringValue"], "HTTP_404");
    assert!(asked.await.unwrap()[0].to_ascii_lowercase().contains("authorization: basic dtpw\r\n"));
}

#[tokio::test]
async fn connections_and_destinations_are_listed_changed_refused_and_deleted() {
    let fixture = Fixture::new().await;
    let parameters = json!({"BasicAuthParameters": {"Username": "u", "Password": "p"}});
    fixture.destination("https://example.com/*", "BASIC", parameters.clone()).await;
    let connection = fixture.call("DescribeConnection", json!({"Name": "c"})).await["ConnectionArn"].clone();
    let of = |endpoint: &str, method: &str, arn: &Value| json!({"Name": "e", "ConnectionArn": arn, "HttpMethod": method, "InvocationEndpoint": endpoint});
    for (operation, request, name, words) in [
        (
            "CreateConnection",
            json!({"Name": "c"}),
            "ResourceAlreadyExistsException",
            "Connection c already exists.",
        ),
        (
            "CreateConnection",
            json!({"Name": "o", "AuthorizationType": "OAUTH_CLIENT_CREDENTIALS"}),
            "ValidationException",
            "Parameter AuthParameters is not valid.",
        ),
        (
            "CreateConnection",
            json!({"Name": "o", "AuthorizationType": "API_KEY", "AuthParameters": parameters}),
            "ValidationException",
            "the parameters of ApiKey are missing",
        ),
        (
            "CreateConnection",
            json!({"Name": "o", "AuthParameters": parameters}),
            "ValidationException",
            "'authorizationType'",
        ),
        (
            "CreateApiDestination",
            of("ftp://x", "GET", &connection),
            "ValidationException",
            "InvocationEndpoint",
        ),
        (
            "CreateApiDestination",
            of("http://x", "LINK", &connection),
            "ValidationException",
            "enum value set",
        ),
        (
            "CreateApiDestination",
            of("http://x", "GET", &json!("c")),
            "ResourceNotFoundException",
            "does not exist.",
        ),
        (
            "UpdateApiDestination",
            json!({"Name": "e"}),
            "ResourceNotFoundException",
            "Failed to update the api-destination(s). An api-destination 'e' does not exist.",
        ),
    ] {
        let (found, message) = fixture.refusal(operation, request.clone()).await;
        assert!(found == name && message.contains(words), "{operation} {request}: {found} {message}");
    }
    fixture.call("UpdateApiDestination", json!({"Name": "d", "HttpMethod": "POST"})).await;
    let shown = fixture.call("DescribeApiDestination", json!({"Name": "d"})).await;
    assert_eq!((&shown["HttpMethod"], &shown["ApiDestinationState"]), (&json!("POST"), &json!("ACTIVE")));
    let listed = fixture.call("ListConnections", json!({})).await;
    assert_eq!(
        (&listed["Connections"][0]["Name"], listed["Connections"][0].get("AuthParameters")),
        (&json!("c"), None)
    );
    fixture.call("DeleteApiDestination", json!({"Name": "d"})).await;
    let deleted = fixture.call("DeleteConnection", json!({"Name": "c"})).await;
    assert_eq!(deleted["ConnectionState"], "DELETING");
    assert_eq!(fixture.call("ListApiDestinations", json!({})).await, json!({"ApiDestinations": []}));
}

/// An API whose tokens hold for one call, with the server that gives them, which is down at first. It reports the calls that it accepted.
async fn api_with_tokens() -> (String, tokio::sync::mpsc::UnboundedReceiver<String>) {
    use std::sync::atomic::AtomicUsize;

    use axum::Router;
    use axum::routing::{any, post};
    use http::{HeaderMap, StatusCode};

    let (call_seen, calls) = tokio::sync::mpsc::unbounded_channel();
    let (asked, used) = (Arc::new(AtomicUsize::new(0)), AtomicUsize::new(0));
    let token = async move |headers: HeaderMap, form: String| {
        let number = asked.fetch_add(1, Ordering::SeqCst);
        assert_eq!(headers["x-tenant"], "t");
        let expected = "grant_type=client_credentials&client_id=me&client_secret=hush&scope=write%20read";
        match number {
            0 => Err(StatusCode::SERVICE_UNAVAILABLE),
            _ if form != expected => Err(StatusCode::BAD_REQUEST),
            _ => Ok(axum::Json(json!({"access_token": format!("token-{number}"), "expires_in": 3600}))),
        }
    };
    let used = Arc::new(used);
    let call = async move |headers: HeaderMap, body: String| {
        let number = used.load(Ordering::SeqCst) + 1;
        if headers["authorization"] != format!("Bearer token-{number}") {
            return StatusCode::UNAUTHORIZED;
        }
        used.store(number, Ordering::SeqCst);
        call_seen.send(body).unwrap();
        StatusCode::OK
    };
    let router = Router::new().route("/token", post(token)).route("/call", any(call));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, calls)
}

#[tokio::test]
async fn a_destination_by_oauth_is_called_with_a_token_and_with_a_new_one_where_it_is_refused() {
    let fixture = Fixture::new().await;
    let (url, mut calls) = api_with_tokens().await;
    let parameters = json!({"OAuthParameters": {
        "AuthorizationEndpoint": format!("{url}/token"), "HttpMethod": "POST",
        "ClientParameters": {"ClientID": "me", "ClientSecret": "hush"},
        "OAuthHttpParameters": {
            "HeaderParameters": [{"Key": "X-Tenant", "Value": "t"}],
            "BodyParameters": [{"Key": "scope", "Value": "write read", "IsValueSecret": true}]}}});
    let arn =
        fixture.destination(&format!("{url}/call"), "OAUTH_CLIENT_CREDENTIALS", parameters.clone()).await;
    let shown = fixture.call("DescribeConnection", json!({"Name": "c"})).await;
    let client = &shown["AuthParameters"]["OAuthParameters"]["ClientParameters"];
    assert_eq!(client, &json!({"ClientID": "me"}));
    assert!(!shown.to_string().contains("write read") && !shown.to_string().contains("hush"), "{shown}");
    fixture.rule("r", json!({"Arn": arn, "InputPath": "$.detail"})).await;
    // The first call waits for the server of tokens; the second one's token is spent.
    for number in 1..=2 {
        fixture.put(json!({"n": number})).await;
        let body = fixture.while_time_passes(calls.recv()).await.unwrap();
        assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), json!({"n": number}));
    }
    assert!(calls.try_recv().is_err());
    let refused = json!({"Name": "c", "AuthorizationType": "BASIC"});
    let (name, message) = fixture.refusal("UpdateConnection", refused).await;
    assert!(name == "ValidationException" && message.contains("Basic are missing"), "{message}");
}

#[tokio::test]
async fn a_client_that_gets_no_token_ends_in_the_dead_letters() {
    let fixture = Fixture::new().await;
    let dead = fixture.queue("dead").await;
    let (url, mut calls) = api_with_tokens().await;
    let parameters = json!({"OAuthParameters": {
        "AuthorizationEndpoint": format!("{url}/token"), "HttpMethod": "POST",
        "ClientParameters": {"ClientID": "me", "ClientSecret": "wrong"},
        "OAuthHttpParameters": {"HeaderParameters": [{"Key": "X-Tenant", "Value": "t"}]}}});
    let arn = fixture.destination(&format!("{url}/call"), "OAUTH_CLIENT_CREDENTIALS", parameters).await;
    let policy = json!({"MaximumRetryAttempts": 2});
    fixture.rule("r", json!({"Arn": arn, "RetryPolicy": policy, "DeadLetterConfig": {"Arn": dead}})).await;
    fixture.put(json!({})).await;
    let message = fixture.while_time_passes(fixture.received("dead")).await;
    let said = message["MessageAttributes"]["ERROR_MESSAGE"]["StringValue"].as_str().unwrap();
    assert!(said.contains("gave no token: 400"), "{said}");
    assert!(calls.try_recv().is_err());
}
