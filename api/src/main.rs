//! The API: on Lambda with API Gateway, otherwise a plain server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use api::{AppState, KeySource, Organiser, Settings, Verifier, router};
use aws_config::timeout::TimeoutConfig;
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use axum::response::Response;
use http::HeaderValue;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use lottery_store::{Store, Tables};
use platform::{S3Presigner, Scheduler, SystemClock};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    platform::start_log(|_| true);
    let settings = Settings::from_lookup(|name| std::env::var(name).ok())?;
    let listen = settings.listen.clone();
    let service = router(state(settings).await?);
    if std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some() {
        let service = service.layer(axum::middleware::map_response(carried_as_file));
        return lambda_http::run(service).await.map_err(|error| anyhow::anyhow!(error));
    }
    let listener = TcpListener::bind(&listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    tracing::info!(address = %listener.local_addr()?, "listening");
    axum::serve(listener, service.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(stopped())
        .await
        .context("the server failed")
}

/// `lambda_http` decodes what is text, and drops the byte order mark that a spreadsheet program knows a CSV by; what has an
/// encoding it carries as bytes.
async fn carried_as_file(mut response: Response) -> Response {
    let is_csv = |value: &HeaderValue| value.as_bytes().starts_with(b"text/csv");
    if response.headers().get(CONTENT_TYPE).is_some_and(is_csv) {
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("identity"));
    }
    response
}

async fn state(settings: Settings) -> anyhow::Result<AppState> {
    let sdk = platform::sdk_config("api", timeouts()).await;
    let tables = Tables { lottery: settings.lottery_table, contacts: settings.contacts_table };
    let store = Store::new(aws_sdk_dynamodb::Client::new(&sdk), tables);
    let verifier = match settings.keys {
        KeySource::Inline(document) => Verifier::inline(&document, &settings.api)?,
        KeySource::Url(url) => Verifier::from_url(url, keys_connector(), &settings.api),
    };
    let sns = aws_sdk_sns::Client::new(&sdk);
    let sfn = aws_sdk_sfn::Client::new(&sdk);
    let organiser = match settings.organiser_secret_arn {
        Some(arn) => Organiser::secret(aws_sdk_secretsmanager::Client::new(&sdk), arn),
        None => Organiser::Absent,
    };
    let state = AppState::new(settings.api, store, sns, sfn, verifier, Arc::new(SystemClock));
    let state = match settings.email_sender {
        Some(sender) => state.with_email(aws_sdk_sesv2::Client::new(&sdk), sender),
        None => state,
    };
    let state = match settings.webhook_queue_url {
        Some(url) => state.with_webhook_queue(aws_sdk_sqs::Client::new(&sdk), url),
        None => state,
    };
    let state = match settings.lists_bucket {
        Some(bucket) => {
            let presigner = S3Presigner::new(&sdk).context("AWS_REGION is not set")?;
            state.with_lists(presigner, bucket)
        }
        None => state,
    };
    let state = match settings.schedules {
        Some(target) => {
            let connector = platform::https_connector(Duration::from_secs(3), Some(Duration::from_secs(6)));
            let scheduler = Scheduler::new(&sdk, connector, target.group.clone());
            state.with_schedules(scheduler.context("AWS_REGION is not set")?, target)
        }
        None => state,
    };
    Ok(state.with_organiser(organiser))
}

/// How long a call of AWS may take, for all clients. An attempt that hangs is repeated by the SDK, three in all, and the
/// whole of it ends before the 30 seconds that API Gateway and the function have.
fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .read_timeout(Duration::from_secs(6))
        .operation_attempt_timeout(Duration::from_secs(6))
        .operation_timeout(Duration::from_secs(20))
        .build()
}

/// The connector of requests to the token issuer.
fn keys_connector() -> SharedHttpConnector {
    platform::https_connector(Duration::from_secs(3), Some(Duration::from_secs(5)))
}

/// Until Ctrl-C, or the signal by which containers are stopped.
async fn stopped() {
    let interrupted = async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::error!(%error, "cannot wait for Ctrl-C");
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = interrupted => {}
        () = terminated() => {}
    }
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};

    match signal(SignalKind::terminate()) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(error) => {
            tracing::error!(%error, "cannot wait for SIGTERM");
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending::<()>().await;
}
