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

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::{Arc, Mutex};

    use aws_credential_types::Credentials;
    use aws_smithy_runtime_api::client::http::HttpConnectorFuture;
    use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
    use aws_smithy_runtime_api::client::result::ConnectorError;

    use super::*;

    const SCHEDULE: &str = r#"{"State":"ENABLED"}"#;

    /// A Scheduler that gives these answers, one after another: a status, or none for a lost connection.
    #[derive(Debug, Clone)]
    struct Answers(Arc<Mutex<VecDeque<Option<u16>>>>, Arc<Mutex<Vec<HttpRequest>>>);

    impl HttpConnector for Answers {
        fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
            self.1.lock().unwrap().push(request);
            let answer = self.0.lock().unwrap().pop_front().expect("no more requests than answers");
            HttpConnectorFuture::ready(match answer {
                Some(status) => {
                    Ok(HttpResponse::new(status.try_into().unwrap(), SdkBody::from("the answer")))
                }
                None => Err(ConnectorError::io("cut off".into())),
            })
        }
    }

    impl Answers {
        fn new(answers: impl IntoIterator<Item = Option<u16>>) -> Self {
            Self(Arc::new(Mutex::new(answers.into_iter().collect())), Arc::default())
        }

        fn scheduler(&self, region: &'static str, endpoint: Option<&str>) -> Scheduler {
            let credentials =
                SharedCredentialsProvider::new(Credentials::new("key", "secret", None, None, "test"));
            let mut sdk = SdkConfig::builder().region(Region::new(region)).credentials_provider(credentials);
            sdk.set_endpoint_url(endpoint.map(ToOwned::to_owned));
            Scheduler::new(&sdk.build(), SharedHttpConnector::new(self.clone()), "lottery").unwrap()
        }

        /// What was asked for, as a method, a URL and a body. Each answer was needed.
        fn requests(&self) -> Vec<(String, String, String)> {
            assert!(self.0.lock().unwrap().is_empty(), "an answer was not asked for");
            let text = |body: &SdkBody| String::from_utf8(body.bytes().unwrap().to_vec()).unwrap();
            let requests = self.1.lock().unwrap();
            let shown =
                requests.iter().map(|it| (it.method().to_owned(), it.uri().to_owned(), text(it.body())));
            shown.collect()
        }

        fn methods(&self) -> Vec<String> {
            self.requests().into_iter().map(|(method, ..)| method).collect()
        }
    }

    #[tokio::test]
    async fn a_schedule_is_changed_or_made_in_its_group_by_signed_requests() {
        let answers = Answers::new([Some(404), Some(200)]);
        let scheduler = answers.scheduler("eu-central-1", None);
        scheduler.put("weekly", SCHEDULE).await.unwrap();
        let (url, body) = (
            "https://scheduler.eu-central-1.amazonaws.com/schedules/weekly".to_owned(),
            r#"{"GroupName":"lottery","State":"ENABLED"}"#.to_owned(),
        );
        let of = |method: &str| (method.to_owned(), url.clone(), body.clone());
        assert_eq!(answers.requests(), [of("PUT"), of("POST")]);
        for request in answers.1.lock().unwrap().iter() {
            let signed = request.headers().get("authorization").unwrap();
            assert!(
                signed.contains("/eu-central-1/scheduler/aws4_request, SignedHeaders=content-type;host;"),
                "{signed}"
            );
        }
    }

    #[tokio::test]
    async fn two_who_make_a_schedule_at_once_both_succeed() {
        let answers = Answers::new([404, 409, 200].map(Some));
        answers.scheduler("us-east-1", None).put("weekly", SCHEDULE).await.unwrap();
        assert_eq!(answers.methods(), ["PUT", "POST", "PUT"]);
    }

    #[tokio::test]
    async fn a_schedule_that_is_gone_is_deleted() {
        let answers = Answers::new([Some(404)]);
        answers.scheduler("cn-north-1", None).delete("weekly").await.unwrap();
        let url = "https://scheduler.cn-north-1.amazonaws.com.cn/schedules/weekly?groupName=lottery";
        assert_eq!(answers.requests(), [("DELETE".to_owned(), url.to_owned(), String::new())]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_pass_is_tried_three_times_and_a_refusal_once() {
        let answers = Answers::new([None, Some(429), Some(200)]);
        let local = Some("http://127.0.0.1:4566/");
        answers.scheduler("us-east-1", local).put("weekly", SCHEDULE).await.unwrap();
        assert_eq!(answers.requests()[2].1, "http://127.0.0.1:4566/schedules/weekly");

        let answers = Answers::new([500, 503, 500].map(Some));
        let error = answers.scheduler("us-east-1", local).delete("weekly").await.unwrap_err();
        assert_eq!(error.to_string(), "EventBridge Scheduler: status 500: the answer");
        assert_eq!(answers.methods().len(), 3);

        let answers = Answers::new([Some(400)]);
        let error = answers.scheduler("us-east-1", local).put("weekly", SCHEDULE).await.unwrap_err();
        assert_eq!(error.to_string(), "EventBridge Scheduler: status 400: the answer");
        assert_eq!(answers.methods(), ["PUT"]);
    }
}
