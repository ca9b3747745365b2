//! What every story needs: a started stack, and a client with the API's verbs.

pub(crate) mod client;
pub(crate) mod deployment;
pub(crate) mod lambda;
pub(crate) mod process;
pub(crate) mod python;
pub(crate) mod stack;
#[path = "../../infra/summary.rs"]
pub(crate) mod summary;

pub(crate) use client::Client;
pub(crate) use process::Process;

use std::time::{Duration, Instant};

/// The ten employees of the README, as they are imported there.
pub(crate) use local_stack::demo::EMPLOYEES;

/// How long a story waits for something that must happen. Far above what it takes: reaching it is a failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// An HTTP client.
pub(crate) fn http() -> reqwest::Client {
    // Whoever comes first names the cryptography of TLS for the whole process.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

/// Asks again until `probe` gives a value.
///
/// # Panics
/// When [`PATIENCE`] is over, naming `what`.
pub(crate) async fn eventually<T, F: AsyncFnMut() -> Option<T>>(what: &str, mut probe: F) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "gave up waiting for {what}");
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}
