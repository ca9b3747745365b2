//! The schedules of EventBridge Scheduler: made, changed and deleted by signed requests. Its SDK is four hundred kilobytes for
//! three requests of one kind.

use std::time::{Duration, SystemTime};

use aws_config::{Region, SdkConfig};
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;

/// How often a request is sent that gets no answer, or one that may pass, and the pause after the first time.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(200);
/// The most of an answer that is read.
const MAX_BYTES: usize = 64 * 1024;

/// Makes, changes and deletes the schedules of one group.
#[derive(Debug, Clone)]
pub struct Scheduler {
    credentials: SharedCredentialsProvider,
    region: Region,
    /// The endpoint of a Scheduler that is not AWS's.
    endpoint: Option<String>,
    connector: SharedHttpConnector,
    group: String,
}

/// What a request of the Scheduler came to, if it came to nothing.
#[derive(Debug)]
pub struct SchedulerError(String);

impl std::fmt::Display for SchedulerError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "EventBridge Scheduler: {}", self.0)
    }
}

impl std::error::Error for SchedulerError {}

impl SchedulerError {
    fn of(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

impl Scheduler {
    /// Signs with the credentials of `sdk`, for its region and its endpoint; `None` where it lacks credentials or a region.
    #[must_use]
    pub fn new(sdk: &SdkConfig, connector: SharedHttpConnector, group: impl Into<String>) -> Option<Self> {
        Some(Self {
            credentials: sdk.credentials_provider()?,
            region: sdk.region()?.clone(),
            endpoint: sdk.endpoint_url().map(|url| url.trim_end_matches('/').to_owned()),
            connector,
            group: group.into(),
        })
    }

    /// Makes the schedule `name` as `schedule` describes it, or changes the one that is there. `schedule` is the JSON text of the
    /// members of CreateSchedule without the name and the group.
    ///
    /// # Errors
    ///
    /// If the Scheduler refuses it, or does not answer.
    pub async fn put(&self, name: &str, schedule: &str) -> Result<(), SchedulerError> {
        let body = match schedule.strip_prefix('{') {
            Some(rest) => format!("{{\"GroupName\":\"{}\",{rest}", self.group),
            None => return Err(SchedulerError::of("a schedule is a JSON object")),
        };
        let path = format!("/schedules/{name}");
        let (status, answer) = self.send("PUT", &path, &body).await?;
        if status != 404 {
            return accepted(status, &answer);
        }
        match self.send("POST", &path, &body).await? {
            // Somebody else has made it meanwhile, or the answer to the first attempt was lost.
            (409, _) => {
                let (status, answer) = self.send("PUT", &path, &body).await?;
                accepted(status, &answer)
            }
            (status, answer) => accepted(status, &answer),
        }
    }

    /// Deletes the schedule `name`; one that is gone is no error.
    ///
    /// # Errors
    ///
    /// If the Scheduler refuses it, or does not answer.
    pub async fn delete(&self, name: &str) -> Result<(), SchedulerError> {
        let path = format!("/schedules/{name}?groupName={}", self.group);
        match self.send("DELETE", &path, "").await? {
            (404, _) => Ok(()),
            (status, answer) => accepted(status, &answer),
        }
    }

    /// The status and the body of the answer.
    async fn send(&self, method: &str, path: &str, body: &str) -> Result<(u16, String), SchedulerError> {
        let mut attempt = 1;
        loop {
            let answer = self.attempt(method, path, body).await;
            let may_pass = !matches!(answer, Ok((status, _)) if status < 500 && status != 429);
            if !may_pass || attempt == ATTEMPTS {
                return answer;
            }
            tokio::time::sleep(PAUSE * attempt).await;
            attempt += 1;
        }
    }

    async fn attempt(&self, method: &str, path: &str, body: &str) -> Result<(u16, String), SchedulerError> {
        let identity = self.credentials.provide_credentials().await.map_err(SchedulerError::of)?.into();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(self.region.as_ref())
            .name("scheduler")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(SchedulerError::of)?
            .into();
        let url = format!("{}{path}", self.base());
        let signable = SignableRequest::new(
            method,
            &url,
            std::iter::once(("content-type", "application/json")),
            SignableBody::Bytes(body.as_bytes()),
        );
        let signed = sign(signable.map_err(SchedulerError::of)?, &parameters).map_err(SchedulerError::of)?;
        let (instructions, _) = signed.into_parts();
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method(method).map_err(SchedulerError::of)?;
        request.set_uri(url.as_str()).map_err(SchedulerError::of)?;
        request.headers_mut().insert("content-type", "application/json");
        for (name, value) in instructions.headers() {
            request.headers_mut().insert(name.to_owned(), value.to_owned());
        }
        let response = self.connector.call(request).await.map_err(SchedulerError::of)?;
        let status = response.status().as_u16();
        let answer = read(response.into_body()).await?;
        Ok((status, answer))
    }

    fn base(&self) -> String {
        let region = &self.region;
        match &self.endpoint {
            Some(endpoint) => endpoint.clone(),
            None if region.as_ref().starts_with("cn-") => {
                format!("https://scheduler.{region}.amazonaws.com.cn")
            }
            None => format!("https://scheduler.{region}.amazonaws.com"),
        }
    }
}

fn accepted(status: u16, answer: &str) -> Result<(), SchedulerError> {
    match status {
        200..=299 => Ok(()),
        _ => Err(SchedulerError(format!("status {status}: {answer}"))),
    }
}

/// The body of an answer, of which the Scheduler's have some hundred bytes.
async fn read(body: SdkBody) -> Result<String, SchedulerError> {
    let mut stream = ByteStream::new(body);
    let mut bytes = Vec::new();
    while let Some(piece) = stream.try_next().await.map_err(SchedulerError::of)? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > MAX_BYTES {
            return Err(SchedulerError::of("the answer is too large"));
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
