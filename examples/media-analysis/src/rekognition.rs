//! Rekognition on this machine, as far as the callback needs it: it takes a job, and has ended it a moment later. SNS,
//! which tells ReportLabels so on AWS, is played here too. It looks at no video: one called `broken.mp4` fails.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{HttpConnector as _, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A service with an address of its own. Dropping it stops it.
pub struct Rekognition {
    /// Where the API is.
    pub url: String,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

struct Shared {
    connector: SharedHttpConnector,
    /// The Invoke API of the function that is called.
    function: OnceLock<String>,
}

impl Rekognition {
    /// Takes jobs, for which the stack's `report-labels` is called once [`Rekognition::report_to`] says where it is.
    ///
    /// # Errors
    /// If there is no port.
    pub async fn start() -> anyhow::Result<Rekognition> {
        let connector = platform::https_connector(Duration::from_secs(5), None);
        let shared = Arc::new(Shared { connector, function: OnceLock::new() });
        let router = Router::new().route("/", post(start_label_detection)).with_state(shared.clone());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "jobs are no longer taken");
            }
        });
        Ok(Rekognition { url, shared, server })
    }

    /// Says where the stack's functions are called. Only the first one counts.
    pub fn report_to(&self, aws_url: &str) {
        let path = "2015-03-31/functions/report-labels/invocations";
        // A second address is not heard.
        let _ = self.shared.function.set(format!("{aws_url}/{path}"));
    }
}

impl Drop for Rekognition {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Starts a job. The state machine calls no other operation here: those are mocked by file.
async fn start_label_detection(
    State(shared): State<Arc<Shared>>,
    body: String,
) -> Result<Json<Value>, StatusCode> {
    let request: Value = serde_json::from_str(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
    let video = &request["Video"]["S3Object"];
    let job = format!("labels-of-{}", video["Name"].as_str().unwrap_or_default());
    let status = if video["Name"] == "broken.mp4" { "FAILED" } else { "SUCCEEDED" };
    let message = json!({
        "JobId": job,
        "Status": status,
        "API": "StartLabelDetection",
        "JobTag": request["JobTag"],
        "Video": {"S3Bucket": video["Bucket"], "S3ObjectName": video["Name"]},
    });
    let topic = &request["NotificationChannel"]["SNSTopicArn"];
    let event = json!({"Records": [{
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "Sns": {"Type": "Notification", "TopicArn": topic, "Message": message.to_string()},
    }]});
    tokio::spawn(async move {
        if let Err(error) = notify(&shared, &event).await {
            tracing::error!(error, "nobody was notified of a job");
        }
    });
    Ok(Json(json!({"JobId": job})))
}

/// Calls the function, as SNS does for a subscription.
async fn notify(shared: &Shared, event: &Value) -> Result<(), String> {
    let url = shared.function.get().ok_or("no function is known")?;
    let mut request = HttpRequest::new(SdkBody::from(event.to_string()));
    request.set_method("POST").map_err(|error| error.to_string())?;
    request.set_uri(url.as_str()).map_err(|error| error.to_string())?;
    request.headers_mut().insert("x-amz-invocation-type", "Event");
    let response = shared.connector.call(request).await.map_err(|error| error.to_string())?;
    let status = response.status();
    if status.is_success() { Ok(()) } else { Err(format!("the function answers {}", status.as_u16())) }
}
