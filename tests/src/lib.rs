//! What every story needs: a started stack, and a client with the API's verbs.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue fails")]
#![allow(missing_docs, reason = "the names say what a test does with them")]

pub mod client;
pub mod deployment;
pub mod lambda;
pub mod process;
pub mod python;
pub mod scripted;
pub mod stack;

pub use client::Client;
pub use process::Process;

use std::time::{Duration, Instant};

/// The ten employees of the README, as they are imported there.
pub use local_stack::demo::EMPLOYEES;

/// How long a story waits for something that must happen. Far above what it takes: reaching it is a failure.
pub const TIMEOUT: Duration = Duration::from_secs(90);

/// An HTTP client.
pub fn http() -> reqwest::Client {
    // The first caller installs the TLS cryptography for the whole process.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

/// Asks again until `probe` gives a value.
///
/// # Panics
/// When [`TIMEOUT`] is over, naming `what`.
pub async fn eventually<T, F: AsyncFnMut() -> Option<T>>(what: &str, probe: F) -> T {
    eventually_within(TIMEOUT, what, probe).await
}

/// Asks again until `probe` gives a value, for what takes longer than others.
///
/// # Panics
/// When `limit` is over, naming `what`.
pub async fn eventually_within<T, F: AsyncFnMut() -> Option<T>>(
    limit: Duration,
    what: &str,
    mut probe: F,
) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        assert!(began.elapsed() < limit, "gave up waiting for {what}");
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}
