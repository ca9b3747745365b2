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
}

#[tokio::test]
async fn a_destination_is_called_with_all_that_target_and_connection_say() {
    let fixture = Fixture::new().await;
    let (url, asked) = server(&["503 Busy", "200 OK"]).await;
    let parameters = json!({
        "ApiKeyAuthParameters": {"ApiKeyName": "X-Key", "ApiKeyValue": "hush"},
        "InvocationHttpParameters": {
            "QueryStringParameters": [{"Key": "v", "Value": "1 2"}],
            "BodyParameters": [{"Key": "added", "Value": "yes", "IsValueSecret": true}],
        },
    });
    let arn = fixture.destination(&format!("{url}/orders/*/x"), "API_KEY", parameters).await;
    let shown = fixture.call("DescribeConnection", json!({"Name": "c"})).await;
    assert_eq!(shown["AuthParameters"]["ApiKeyAuthParameters"], json!({"ApiKeyName": "X-Key"}));
    assert!(!shown.to_string().contains("yes"), "{shown}");
    let http = json!({"PathParameterValues": ["a/b"], "HeaderParameters": {"X-Own": "own"}});
    fixture.rule("r", json!({"Arn": arn, "HttpParameters": http, "InputPath": "$.detail"})).await;
    fixture.put(json!({"n": 1})).await;
    let moving = async {
        loop {
            fixture.clock.advance(Duration::from_secs(1));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let asked = tokio::select! {
        asked = asked => asked.unwrap(),
        () = moving => unreachable!("it moves for ever"),
    };
    assert_eq!(asked.len(), 2);
    let request = asked[1].to_ascii_lowercase();
    assert!(request.starts_with("put /orders/a%2fb/x?v=1%202 http/1.1\r\n"), "{request}");
    for header in ["x-key: hush\r\n", "x-own: own\r\n", "content-type: application/json; charset=utf-8\r\n"] {
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
            "not by OAUTH_CLIENT_CREDENTIALS",
        ),
        (
            "CreateConnection",
            json!({"Name": "o", "AuthorizationType": "API_KEY", "AuthParameters": parameters}),
            "ValidationException",
            "'apiKeyAuthParameters'",
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
