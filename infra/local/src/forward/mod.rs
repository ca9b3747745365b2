//! Calls of AWS services that are not served here, sent on to an endpoint and signed with the user's own credentials.
//!
//! In reading order: `endpoints` (where a service's calls go), `model` (what a service's API is), `request`, `response`,
//! `xml` (its protocol), `emr` (another shape of an API); `jobs` waits for the end of a job, of the kinds in `job_table`.

mod emr;
mod endpoints;
mod job_table;
mod jobs;
mod model;
mod request;
mod response;
mod xml;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use asl_engine::data::Json;
use asl_engine::{ObjectPart, TaskFailure};
use aws_config::environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider};
use aws_config::meta::region::ProvideRegion as _;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime_api::client::http::{HttpConnector as _, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use axum::body::{Body, to_bytes};
use base64::Engine as _;
use bytes::Bytes;
use http::{Request, Response};
use platform::{Chain, https_connector};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use endpoints::Target;
pub use endpoints::{EndpointError, Endpoints};
use model::{Model, Names, Operation};
use request::Parts;
use response::Reader;
pub(crate) use xml::Element;

use crate::events::Events;
use crate::s3::S3;

/// How long a connection is waited for.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The largest answer of the stack's own S3 to a Task state; the state takes 256 KiB of it.
const MAX_LOCAL_BODY: usize = 16 * 1024 * 1024;

/// Sends calls on.
#[derive(Clone)]
pub(crate) struct Forwarder {
    endpoints: Arc<Endpoints>,
    connector: SharedHttpConnector,
    /// The user's own configuration of AWS, read with the first call.
    user: Arc<OnceCell<SdkConfig>>,
}

/// Where a request goes.
enum Destination<'a> {
    Endpoint(&'a Target),
    /// The S3 of the stack.
    S3(&'a S3),
    /// The EventBridge of the stack, and its Scheduler.
    Events(&'a Events),
}

/// Why there is no answer.
enum Failed {
    /// Of the service: the name of the error, and the cause.
    Service(TaskFailure),
    /// Nothing came back, or nothing that could be read.
    Client(String),
}

impl Forwarder {
    pub(crate) fn new(endpoints: Endpoints) -> Forwarder {
        Forwarder {
            endpoints: Arc::new(endpoints),
            connector: https_connector(CONNECT_TIMEOUT, None),
            user: Arc::default(),
        }
    }

    /// Whether calls of this service are sent on although it is served here.
    pub(crate) fn replaces(&self, service: &str) -> bool {
        self.endpoints.names(&model_name(service, ""))
    }

    /// Whether a call can be sent on.
    pub(crate) fn supports(&self, service: &str, action: &str) -> bool {
        let name = model_name(service, action);
        let operation = operation(service, action.strip_suffix(".sync").unwrap_or(action));
        let known = || {
            Model::of(&name).is_some_and(|model| operation.is_some_and(|it| model.operation(it).is_some()))
        };
        self.endpoints.target(&name).is_some() && is_request(service, action) && known()
    }

    /// What can be done about an integration that is not supported: the end of a sentence.
    pub(crate) fn advice(service: &str, action: &str) -> String {
        let name = model_name(service, action);
        if Model::of(&name).is_none() || !is_request(service, action) {
            return "; a mock file with a test case of this state machine answers in its place (--mock-config FILE)"
                .to_owned();
        }
        format!(
            "; mock it with a test case of this state machine (--mock-config FILE), send it to an emulator or a service of \
             your own (--endpoint {name}=URL, --endpoint '*=URL'), or send it to AWS itself (--endpoint {name}=aws)"
        )
    }

    /// Sends a call on and reads the answer.
    pub(crate) async fn call(
        &self,
        service: &str,
        action: &str,
        parameters: &Json,
    ) -> Result<Json, TaskFailure> {
        let name = model_name(service, action);
        let (Some(model), Some(target)) = (Model::of(&name), self.endpoints.target(&name)) else {
            return Err(TaskFailure {
                error: "States.Runtime".to_owned(),
                cause: format!("the integration {service}:{action} is not supported here"),
            });
        };
        self.call_at(&Destination::Endpoint(target), &model, (service, action), parameters).await
    }

    /// Calls the S3 of the stack, as one that is elsewhere is called.
    pub(crate) async fn call_s3(
        &self,
        s3: &S3,
        service: &str,
        action: &str,
        parameters: &Json,
    ) -> Result<Json, TaskFailure> {
        let model = Model::of("s3").ok_or_else(|| no_model_of("S3"))?;
        self.call_at(&Destination::S3(s3), &model, (service, action), parameters).await
    }

    /// Calls the EventBridge of the stack, or its Scheduler, likewise.
    pub(crate) async fn call_events(
        &self,
        events: &Events,
        service: &str,
        action: &str,
        parameters: &Json,
    ) -> Result<Json, TaskFailure> {
        let name = model_name(service, action);
        let model = Model::of(&name).ok_or_else(|| no_model_of(&name))?;
        self.call_at(&Destination::Events(events), &model, (service, action), parameters).await
    }

    async fn call_at(
        &self,
        destination: &Destination<'_>,
        model: &Model,
        (service, action): (&str, &str),
        parameters: &Json,
    ) -> Result<Json, TaskFailure> {
        let is_sdk = service.starts_with("aws-sdk:");
        let mut parameters = Value::from(parameters);
        write_payloads(service, &mut parameters);
        // Step Functions adds it to the answer, which lacks it.
        let job_name = parameters.get("JobName").filter(|_| (service, action) == ("glue", "startJobRun"));
        let job_name = job_name.cloned();
        let is_emr = service == emr::SERVICE;
        let parameters = if is_emr { emr::parameters(action, parameters) } else { parameters };
        let operation = operation(service, action).unwrap_or(action);
        match self.exchange(model, destination, operation, parameters, is_sdk).await {
            Ok(result) => {
                let mut result = if is_emr { emr::result(action, result) } else { result };
                if let (Some(members), Some(job_name)) = (result.as_object_mut(), job_name) {
                    members.insert("JobName".to_owned(), job_name);
                }
                Ok(Json::from(result))
            }
            Err(Failed::Service(failure)) => Err(failure),
            Err(Failed::Client(cause)) => {
                Err(TaskFailure { error: format!("{}.SdkClientException", model.id), cause })
            }
        }
    }

    /// The bytes of an object, or of a range of it: GetObject with these parameters, of the S3 that Task states reach.
    pub(crate) async fn read_object(&self, s3: &S3, parameters: &Json) -> Result<ObjectPart, TaskFailure> {
        let model = Model::of("s3").ok_or_else(|| no_model_of("S3"))?;
        let destination = match self.endpoints.target("s3") {
            Some(target) if self.replaces("s3") => Destination::Endpoint(target),
            _ => Destination::S3(s3),
        };
        let failed = |cause| TaskFailure { error: "S3.SdkClientException".to_owned(), cause };
        let (name, operation) = model.operation("getObject").ok_or_else(|| no_model_of("S3"))?;
        let parts = request::build(&model, name, operation, &Value::from(parameters));
        let response = self.send_to(&destination, &model, parts).await.map_err(failed)?;
        if !response.status().is_success() {
            return Err(failure(&model, "getObject", &response, true));
        }
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let total = header("content-range").and_then(|range| range.rsplit_once('/')?.1.parse().ok());
        Ok(ObjectPart {
            etag: header("etag").map(str::to_owned),
            size: total.unwrap_or(response.body().len() as u64),
            bytes: response.into_body().into(),
        })
    }

    async fn exchange(
        &self,
        model: &Model,
        destination: &Destination<'_>,
        action: &str,
        parameters: Value,
        is_sdk: bool,
    ) -> Result<Value, Failed> {
        let (name, operation) = model
            .operation(action)
            .ok_or_else(|| Failed::Client(format!("{} has no operation {action}", model.id)))?;
        let parts = request::build(model, name, operation, &parameters);
        let response = self.send_to(destination, model, parts).await.map_err(Failed::Client)?;
        let names = if is_sdk { Names::Sdk } else { Names::Service };
        if response.status().is_success() {
            return read(Reader { model, names }, operation, &response, is_sdk).map_err(Failed::Client);
        }
        Err(Failed::Service(failure(model, action, &response, is_sdk)))
    }

    async fn send_to(
        &self,
        destination: &Destination<'_>,
        model: &Model,
        parts: Parts,
    ) -> Result<Response<Bytes>, String> {
        match destination {
            Destination::Endpoint(target) => self.send(model, target, parts).await,
            Destination::S3(s3) => call_here(s3, parts).await,
            Destination::Events(events) => call_events_here(events, parts).await,
        }
    }

    async fn send(&self, model: &Model, target: &Target, parts: Parts) -> Result<Response<Bytes>, String> {
        let Signer { credentials, region } = self.signer(target).await?;
        let base = target.url(model, &region);
        let unreachable = |error: &dyn std::fmt::Display| {
            format!("the endpoint {base} of {} did not answer: {error}", model.id)
        };
        let mut request =
            Request::builder().method(parts.method.as_str()).uri(format!("{base}{}", parts.path));
        for (name, value) in &parts.headers {
            request = request.header(name, value);
        }
        if model.signing_name == "s3" && !parts.body.is_empty() {
            let digest = ring::digest::digest(&ring::digest::SHA256, &parts.body);
            let digest = base64::engine::general_purpose::STANDARD.encode(digest.as_ref());
            request = request.header("x-amz-checksum-sha256", digest);
        }
        let mut request = request.body(parts.body).map_err(|error| unreachable(&error))?;
        let region = if model.global_host.is_some() { "us-east-1" } else { &region };
        sign_request(model, region, &credentials, &mut request)?;
        let request =
            HttpRequest::try_from(request.map(SdkBody::from)).map_err(|error| unreachable(&Chain(&error)))?;
        let response = self.connector.call(request).await.map_err(|error| unreachable(&Chain(&error)))?;
        let response = response.try_into_http1x().map_err(|error| unreachable(&Chain(&error)))?;
        let (head, body) = response.into_parts();
        let body = ByteStream::new(body).collect().await.map_err(|error| unreachable(&Chain(&error)))?;
        Ok(Response::from_parts(head, body.into_bytes()))
    }
}

/// Makes a request of the S3 of the stack.
async fn call_here(s3: &S3, parts: Parts) -> Result<Response<Bytes>, String> {
    let mut request = Request::builder().method(parts.method.as_str()).uri(&parts.path);
    for (name, value) in &parts.headers {
        request = request.header(name, value);
    }
    // The checksum that the SDK of Step Functions asks for.
    request = request.header("x-amz-sdk-checksum-algorithm", "CRC32");
    let request = request.body(()).map_err(|error| error.to_string())?;
    let response = s3.answer(&request.into_parts().0, Body::from(parts.body)).await;
    let (head, body) = response.into_parts();
    let body = to_bytes(body, MAX_LOCAL_BODY).await.map_err(|error| error.to_string())?;
    Ok(Response::from_parts(head, body))
}

/// Answers a request of EventBridge by the stack's own.
async fn call_events_here(events: &Events, parts: Parts) -> Result<Response<Bytes>, String> {
    let mut request = Request::builder().method(parts.method.as_str()).uri(&parts.path);
    for (name, value) in &parts.headers {
        request = request.header(name, value);
    }
    let request = request.body(()).map_err(|error| error.to_string())?;
    Ok(events.answer(&request.into_parts().0, &parts.body).await)
}

fn no_model_of(service: &str) -> TaskFailure {
    TaskFailure { error: "States.Runtime".to_owned(), cause: format!("the model of {service} is missing") }
}

/// The failure of a Task state by the answer of a service.
fn failure(model: &Model, action: &str, response: &Response<Bytes>, is_sdk: bool) -> TaskFailure {
    let names = if is_sdk { Names::Sdk } else { Names::Service };
    let error = Reader { model, names }.error(response);
    let (status, id) = (response.status().as_u16(), request_id(response));
    // The answer to a HEAD has no body that would tell.
    let code = match (action, error.code.as_str()) {
        ("headObject", "404") => "NoSuchKey",
        ("headBucket", "404") => "NoSuchBucket",
        (_, code) => code,
    };
    let message = &error.message;
    if !is_sdk {
        let (prefix, class) = (optimized_name(&model.id), code.strip_suffix("Exception").unwrap_or(code));
        return TaskFailure {
            error: format!("{prefix}.{class}Exception"),
            cause: format!(
                "{message} (Service: Amazon{prefix}; Status Code: {status}; Error Code: {code}; Request ID: {id}; Proxy: null)"
            ),
        };
    }
    // S3 has a second id, and was recorded without the count.
    let extended = response.headers().get("x-amz-id-2").and_then(|id| id.to_str().ok());
    let end = match extended {
        Some(extended) => format!(", Extended Request ID: {extended})"),
        None => ") (SDK Attempt Count: 1)".to_owned(),
    };
    TaskFailure {
        error: model.error_name(code),
        cause: format!("{message} (Service: {}, Status Code: {status}, Request ID: {id}{end}", model.id),
    }
}

fn read(
    reader: Reader<'_>,
    operation: &Operation,
    response: &Response<Bytes>,
    is_sdk: bool,
) -> Result<Value, String> {
    let mut result = reader.result(operation, response)?;
    if !is_sdk && let Some(members) = result.as_object_mut() {
        let (mut single, mut every) = (serde_json::Map::new(), serde_json::Map::new());
        for (name, value) in response.headers() {
            let value = value.to_str().unwrap_or_default();
            single.insert(name.to_string(), json!(value));
            every.insert(name.to_string(), json!([value]));
        }
        let status = response.status().as_u16();
        members.insert(
            "SdkHttpMetadata".to_owned(),
            json!({"AllHttpHeaders": every, "HttpHeaders": single, "HttpStatusCode": status}),
        );
        members.insert("SdkResponseMetadata".to_owned(), json!({"RequestId": request_id(response)}));
    }
    Ok(result)
}

fn request_id(response: &Response<Bytes>) -> String {
    let names = ["x-amzn-requestid", "x-amz-request-id"];
    let found = names.iter().find_map(|name| response.headers().get(*name)?.to_str().ok());
    found.map_or_else(|| uuid::Uuid::new_v4().to_string(), str::to_owned)
}

/// Who signs, and for which region.
struct Signer {
    credentials: Credentials,
    region: String,
}

impl Forwarder {
    /// The user's credentials and region, as all AWS tools find them. An emulator on this machine takes any credentials, so
    /// that for its sake nothing beyond the environment is looked at.
    async fn signer(&self, target: &Target) -> Result<Signer, String> {
        if target.is_on_this_machine() {
            let found = EnvironmentVariableCredentialsProvider::new().provide_credentials().await;
            let credentials = found.unwrap_or_else(|_| Credentials::new("test", "test", None, None, "local"));
            let region = EnvironmentVariableRegionProvider::new().region().await;
            return Ok(Signer { credentials, region: named(region.as_ref()) });
        }
        let user = self.user.get_or_init(user).await;
        let Some(provider) = user.credentials_provider() else {
            return Err("no credentials of AWS were found".to_owned());
        };
        let found = provider.provide_credentials().await;
        let credentials =
            found.map_err(|error| format!("no credentials of AWS were found: {}", Chain(&error)))?;
        Ok(Signer { credentials, region: named(user.region()) })
    }
}

fn named(region: Option<&Region>) -> String {
    region.map_or("us-east-1", Region::as_ref).to_owned()
}

/// The configuration of the person who started the stack. Its `AWS_ENDPOINT_URL` may be the stack itself, and is not used.
async fn user() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest()).http_client(platform::https_client()).load().await
}

fn sign_request(
    model: &Model,
    region: &str,
    credentials: &Credentials,
    request: &mut Request<Vec<u8>>,
) -> Result<(), String> {
    let failed = |error: &dyn std::error::Error| format!("the request could not be signed: {error}");
    let mut settings = SigningSettings::default();
    if model.signing_name == "s3" {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    }
    let identity = credentials.clone().into();
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(&model.signing_name)
        .time(SystemTime::now())
        .settings(settings)
        .build()
        .map_err(|error| failed(&error))?
        .into();
    let headers = request.headers().iter();
    let headers: Vec<(String, String)> = headers
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect();
    let signable = SignableRequest::new(
        request.method().as_str(),
        request.uri().to_string(),
        headers.iter().map(|(name, value)| (name.as_str(), value.as_str())),
        SignableBody::Bytes(request.body()),
    );
    let signable = signable.map_err(|error| failed(&error))?;
    let (instructions, _) = sign(signable, &parameters).map_err(|error| failed(&error))?.into_parts();
    instructions.apply_to_request_http1x(request);
    Ok(())
}

/// The service that an integration's calls go to.
fn model_name(service: &str, action: &str) -> String {
    match (service, action) {
        ("events", _) => "eventbridge".to_owned(),
        ("bedrock", "invokeModel") => "bedrockruntime".to_owned(),
        (emr::SERVICE, _) => "emr".to_owned(),
        _ => service.trim_start_matches("aws-sdk:").replace('-', ""),
    }
}

/// The operation of the service's API that an action is.
fn operation<'a>(service: &str, action: &'a str) -> Option<&'a str> {
    if service == emr::SERVICE { emr::operation(action) } else { Some(action) }
}

/// Whether a call is one request and one answer, or a job that can be watched to its end: the integrations that are more than
/// one operation of an API cannot be sent on.
fn is_request(service: &str, action: &str) -> bool {
    let is_compound = match service {
        "apigateway" | "http" | "aps" | "bedrock-agentcore" => true,
        emr::SERVICE => operation(service, action.strip_suffix(".sync").unwrap_or(action)).is_none(),
        "eks" => matches!(action, "runJob" | "runJob.sync" | "call"),
        _ => false,
    };
    !is_compound && (!action.contains('.') || Forwarder::is_job(service, action))
}

/// Optimized integrations take JSON where their service wants a text of JSON.
fn write_payloads(service: &str, parameters: &mut Value) {
    let write = |holder: &mut Value, name: &str| {
        if let Some(value) = holder.get_mut(name).filter(|value| !value.is_string()) {
            *value = json!(value.to_string());
        }
    };
    match service {
        "sqs" => write(parameters, "MessageBody"),
        "events" => {
            let entries = parameters.get_mut("Entries").and_then(Value::as_array_mut);
            entries.into_iter().flatten().for_each(|entry| write(entry, "Detail"));
        }
        _ => {}
    }
}

/// The first half of an optimized integration's error names.
fn optimized_name(id: &str) -> String {
    match id {
        "Sqs" | "Ecs" | "Sns" => id.to_uppercase(),
        _ => id.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers one request; gives the endpoint, and later what was asked.
    async fn service(status: &'static str, body: &'static str) -> (String, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = tokio::spawn(async move {
            let (mut connection, _) = listener.accept().await.unwrap();
            let (mut asked, mut part) = (Vec::new(), [0; 4096]);
            // The body ends with this brace.
            while !asked.ends_with(b"}") {
                let read = connection.read(&mut part).await.unwrap();
                asked.extend_from_slice(&part[..read]);
            }
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            connection.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8(asked).unwrap()
        });
        (url, asked)
    }

    fn forwarder(option: &str) -> Forwarder {
        let mut endpoints = Endpoints::default();
        endpoints.add(option).unwrap();
        Forwarder::new(endpoints)
    }

    #[tokio::test]
    async fn a_call_is_signed_for_its_service_and_answered_in_the_words_of_step_functions() {
        let (url, asked) = service("200 OK", r#"{"Labels":[{"Name":"Ticket","Confidence":99.5}]}"#).await;
        let forwarder = forwarder(&format!("rekognition={url}"));
        let parameters = Json::from(json!({"Image": {"S3Object": {"Bucket": "b", "Name": "n"}}}));
        let answer = forwarder.call("aws-sdk:rekognition", "detectLabels", &parameters).await.unwrap();
        assert_eq!(Value::from(&answer)["Labels"][0]["Name"], "Ticket");
        let asked = asked.await.unwrap().to_ascii_lowercase();
        assert!(asked.starts_with("post / http/1.1\r\n"), "{asked}");
        assert!(asked.contains("x-amz-target: rekognitionservice.detectlabels"), "{asked}");
        assert!(asked.contains("authorization: aws4-hmac-sha256 credential="), "{asked}");
        assert!(asked.contains("/rekognition/aws4_request"), "{asked}");

        let body = r#"{"__type":"InvalidImageFormatException","Message":"no picture"}"#;
        let (url, _asked) = service("400 Bad Request", body).await;
        let failure = self::forwarder(&format!("*={url}"))
            .call("aws-sdk:rekognition", "detectLabels", &parameters)
            .await
            .unwrap_err();
        assert_eq!(failure.error, "Rekognition.InvalidImageFormatException");
        assert!(
            failure.cause.starts_with("no picture (Service: Rekognition, Status Code: 400, Request ID: "),
            "{}",
            failure.cause
        );
    }

    #[tokio::test]
    async fn an_endpoint_that_is_not_there_is_named() {
        let failure = forwarder("glue=http://127.0.0.1:1")
            .call("aws-sdk:glue", "getDatabase", &Json::from(json!({"Name": "d"})))
            .await
            .unwrap_err();
        assert_eq!(failure.error, "Glue.SdkClientException");
        assert!(
            failure.cause.starts_with("the endpoint http://127.0.0.1:1 of Glue did not answer: "),
            "{}",
            failure.cause
        );
    }

    #[test]
    fn what_is_one_request_to_a_known_service_can_be_sent_on() {
        let forwarder = forwarder("*=http://127.0.0.1:5000");
        for (service, action) in [
            ("sqs", "sendMessage"),
            ("events", "putEvents"),
            ("aws-sdk:s3", "getObject"),
            ("bedrock", "invokeModel"),
            ("codebuild", "startBuild.sync"),
        ] {
            assert!(forwarder.supports(service, action), "{service}:{action}");
        }
        for (service, action) in
            [("codebuild", "stopBuild.sync"), ("http", "invoke"), ("aws-sdk:s3", "flyAway")]
        {
            assert!(!forwarder.supports(service, action), "{service}:{action}");
        }
        assert!(Forwarder::advice("aws-sdk:glue", "getTable").contains("--endpoint glue=aws"));
        assert!(Forwarder::advice("codebuild", "startBuild.sync").contains("--endpoint codebuild=URL"));
        assert!(!Forwarder::advice("eks", "runJob.sync").contains("--endpoint"));
    }
}
