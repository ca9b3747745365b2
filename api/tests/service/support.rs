//! A service of its own for each test, and a client that holds every failure to what all failures have in common.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use api::{AppState, Config, Verifier};
use aws_smithy_runtime_api::client::http::{SharedHttpClient, SharedHttpConnector, http_client_fn};
use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use jiff::{SignedDuration, Timestamp};
use lottery_store::{Store, Tables};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::aws::{Aws, MACHINE};
use crate::tokens::{ALL_SCOPES, AUDIENCE, ISSUER, Issuer};

/// The time at which a test begins.
pub(crate) fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

/// A service and all that it rests on.
pub(crate) struct Service {
    pub(crate) router: Router,
    state: AppState,
    pub(crate) aws: Aws,
    pub(crate) store: Store,
    pub(crate) issuer: Issuer,
    pub(crate) time: Arc<Mutex<Timestamp>>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}")).to_str().unwrap()
    }

    /// The name at the end of the problem's type.
    pub(crate) fn problem(&self) -> String {
        let problem = self.json();
        problem["type"].as_str().unwrap().strip_prefix("/problems/").unwrap().to_owned()
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self
    }
}

/// A connector as an SDK client.
pub(crate) fn client(aws: &Aws) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(aws.clone());
    http_client_fn(move |_, _| connector.clone())
}

macro_rules! sdk_config {
    ($sdk:ident, $aws:expr) => {
        $sdk::Config::builder()
            .behavior_version($sdk::config::BehaviorVersion::latest())
            .region($sdk::config::Region::new("us-east-1"))
            .credentials_provider($sdk::config::Credentials::new("test", "test", None, None, "test"))
            .endpoint_url("http://aws.invalid")
            .sleep_impl(NoWaiting)
            .stalled_stream_protection($sdk::config::StalledStreamProtectionConfig::disabled())
            .http_client(client($aws))
            .build()
    };
}

/// A clock on which every pause before a further attempt is over at once, and no time-out ever comes.
#[derive(Debug)]
struct NoWaiting;

/// The SDK pauses for less, and times out after more.
const SHORTEST_TIMEOUT: Duration = Duration::from_secs(5);

impl aws_sdk_dynamodb::config::AsyncSleep for NoWaiting {
    fn sleep(&self, duration: Duration) -> aws_sdk_dynamodb::config::Sleep {
        if duration >= SHORTEST_TIMEOUT {
            return aws_sdk_dynamodb::config::Sleep::new(std::future::pending());
        }
        aws_sdk_dynamodb::config::Sleep::new(std::future::ready(()))
    }
}

impl Service {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A service with other settings.
    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let issuer = Issuer::new("key-1");
        let mut config = Config::new(MACHINE, ISSUER, AUDIENCE);
        // Tests change stored items without the service's knowledge.
        config.read_freshness = Duration::ZERO;
        change(&mut config);
        let verifier = Verifier::inline(&issuer.jwks(), &config).unwrap();
        Self::with_verifier(config, verifier, issuer).await
    }

    pub(crate) async fn with_verifier(config: Config, verifier: Verifier, issuer: Issuer) -> Self {
        let aws = Aws::new();
        let tables = Tables { lottery: "Lottery".to_owned(), contacts: "Contacts".to_owned() };
        let dynamodb = aws_sdk_dynamodb::Client::from_conf(sdk_config!(aws_sdk_dynamodb, &aws));
        let store = Store::new(dynamodb, tables);
        store.create_missing_tables().await.unwrap();
        let sns = aws_sdk_sns::Client::from_conf(sdk_config!(aws_sdk_sns, &aws));
        let sfn = aws_sdk_sfn::Client::from_conf(sdk_config!(aws_sdk_sfn, &aws));
        let time = Arc::new(Mutex::new(now()));
        let moved = Arc::clone(&time);
        let clock = Arc::new(move || *moved.lock().unwrap());
        let has_email_sender = config.has_email_sender;
        let state = AppState::new(config, store.clone(), sns, sfn, verifier, clock).with_organiser(
            api::Organiser::Key(lottery::signature::OrganiserKey::from_seed(&[7; 32]).into()),
        );
        let ses = aws_sdk_sesv2::Client::from_conf(sdk_config!(aws_sdk_sesv2, &aws));
        let state = if has_email_sender { state.with_email(ses, "lottery@example.com") } else { state };
        Self { router: api::router(state.clone()), state, aws, store, issuer, time }
    }

    /// The same service with routes of a host.
    pub(crate) fn with_endpoints(mut self, endpoints: Vec<api::Endpoint>) -> Self {
        self.router = api::router_with(self.state.clone(), endpoints);
        self
    }

    /// A service with the lottery `party`.
    pub(crate) async fn with_party() -> Self {
        let service = Self::new().await;
        service.create_party().await;
        service
    }

    pub(crate) async fn create_party(&self) {
        self.post("/lotteries", json!({ "id": "party", "name": "Party" })).await.expect(201);
    }

    pub(crate) fn wait(&self, seconds: i64) {
        *self.time.lock().unwrap() += SignedDuration::from_secs(seconds);
    }

    /// A request with a body and the organiser's token.
    pub(crate) fn request(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: impl Into<Body>,
    ) -> Request<Body> {
        Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", self.issuer.token(ALL_SCOPES)))
            .header("content-type", content_type)
            .body(body.into())
            .unwrap()
    }

    /// Without a token.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// Without a token, with a header.
    pub(crate) async fn get_with(&self, path: &str, name: &str, value: &str) -> Answer {
        self.call(Request::get(path).header(name, value).body(Body::empty()).unwrap()).await
    }

    /// With the organiser's token.
    pub(crate) async fn get_as_organiser(&self, path: &str) -> Answer {
        self.call(self.request(Method::GET, path, "application/json", Body::empty())).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(self.request(Method::POST, path, "application/json", body.to_string())).await
    }

    pub(crate) async fn post_with_key(&self, path: &str, key: &str, body: Value) -> Answer {
        let mut request = self.request(Method::POST, path, "application/json", body.to_string());
        request.headers_mut().insert("idempotency-key", key.parse().unwrap());
        self.call(request).await
    }

    /// The organiser's token for as long as a test may take.
    pub(crate) fn lasting_token(&self) -> String {
        let mut claims = crate::tokens::claims(ALL_SCOPES);
        claims["exp"] = json!(4_102_444_800_i64);
        self.issuer.sign(&claims)
    }

    /// Imports CSV into `party` with a token.
    pub(crate) async fn import_with(&self, token: &str, body: &'static str) -> Value {
        let path = "/lotteries/party/participants";
        let mut request = self.request(Method::POST, path, "text/csv", body);
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        self.call(request).await.expect(200).json()
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call(self.request(Method::DELETE, path, "application/json", Body::empty())).await
    }

    /// Imports into `party`.
    pub(crate) async fn import(&self, content_type: &str, body: impl Into<Body>) -> Answer {
        self.call(self.request(Method::POST, "/lotteries/party/participants", content_type, body)).await
    }

    pub(crate) async fn import_csv(&self, body: &str) -> Value {
        self.import("text/csv", body.to_owned()).await.expect(200).json()
    }

    /// Sends a request; whatever fails must be a problem document with a request id.
    pub(crate) async fn call(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        let answer = Answer { status: parts.status, headers: parts.headers, body };
        let request_id = answer.header("x-request-id");
        assert!(!request_id.is_empty());
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        if answer.status.is_client_error() || answer.status.is_server_error() {
            assert_eq!(answer.header("content-type"), "application/problem+json", "{}", answer.body);
            let problem = answer.json();
            assert_eq!(problem["status"], answer.status.as_u16());
            assert_eq!(problem["request_id"], request_id);
            for member in ["title", "detail"] {
                assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{problem}");
            }
            assert!(!answer.problem().is_empty());
        }
        answer
    }
}
