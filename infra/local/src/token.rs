//! The organiser's token, which lasts thirty days: a stack that runs longer makes a new one in time.

use std::path::PathBuf;
use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::data_directory::write_secret;
use crate::lock::locked;
use crate::{Issuer, StartError};

/// Half of a token's life.
const RENEWED_AFTER: SignedDuration = SignedDuration::from_hours(15 * 24);

/// The current token, and where it is written.
pub(crate) struct Token {
    issuer: Issuer,
    file: Option<PathBuf>,
    issued_at: Mutex<Timestamp>,
    current: watch::Sender<String>,
}

impl Token {
    /// Makes a token, and writes it to this file.
    pub(crate) fn new(issuer: Issuer, file: Option<PathBuf>, now: Timestamp) -> Result<Token, StartError> {
        let token = Token {
            current: watch::Sender::new(issuer.sign(&issuer.claims_at(now))),
            issuer,
            file,
            issued_at: Mutex::new(now),
        };
        token.write()?;
        Ok(token)
    }

    /// The current token, and each that comes after it.
    pub(crate) fn subscribe(&self) -> watch::Receiver<String> {
        self.current.subscribe()
    }

    /// Makes another if this one has lived for half its time. The old one is valid until it expires.
    pub(crate) fn renew_in_time(&self, now: Timestamp) {
        let mut issued_at = locked(&self.issued_at);
        if now.duration_since(*issued_at) < RENEWED_AFTER {
            return;
        }
        *issued_at = now;
        self.current.send_replace(self.issuer.sign(&self.issuer.claims_at(now)));
        match self.write() {
            Ok(()) => tracing::info!(file = ?self.file, "the organiser's token was renewed"),
            Err(error) => {
                tracing::warn!(%error, "the renewed token could not be written");
                // Once more at the next look.
                *issued_at = now - RENEWED_AFTER;
            }
        }
    }

    fn write(&self) -> Result<(), StartError> {
        let Some(path) = &self.file else { return Ok(()) };
        write_secret(path, self.current.borrow().as_bytes())
            .map_err(|source| StartError::Unwritable { path: path.clone(), source })
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::Value;

    use super::*;

    fn expiry(token: &str) -> i64 {
        let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
        serde_json::from_slice::<Value>(&claims).unwrap()["exp"].as_i64().unwrap()
    }

    #[test]
    fn a_token_is_renewed_while_it_is_good() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("organiser.token");
        let start: Timestamp = "2026-11-28T12:00:00Z".parse().unwrap();
        let day = |days: i64| start + SignedDuration::from_hours(24 * days);
        let token = Token::new(Issuer::in_memory(), Some(path.clone()), start).unwrap();
        let read = || std::fs::read_to_string(&path).unwrap();
        let first = read();
        assert_eq!(expiry(&first), day(30).as_second());
        token.renew_in_time(day(14));
        assert_eq!(read(), first);
        for days in [15, 30, 45] {
            token.renew_in_time(day(days));
            assert_eq!(expiry(&read()), day(days + 30).as_second());
            assert_eq!(*token.subscribe().borrow(), read());
        }
    }
}
