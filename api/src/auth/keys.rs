//! The issuer's public keys: given inline, or fetched from a JWKS address and cached.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::byte_stream::ByteStream;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Fetched keys are refreshed after this time.
const FRESH: Duration = Duration::from_secs(60 * 60);
/// An unknown key id asks for the keys again, but not more often than this, however many such tokens come.
const PAUSE: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(5);
const MAX_DOCUMENT: usize = 512 * 1024;

/// Keys that cannot be had or read.
#[derive(Debug, Clone, Error)]
#[error("{0}")]
pub struct KeysError(String);

/// One public key and the one algorithm that it is for.
pub(super) struct Key {
    pub(super) id: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) decoding: DecodingKey,
}

/// A JWKS document. Each key is read for itself, so that one of a new kind does not lose the others.
#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

/// Reads a JWKS document; keys for other uses or algorithms than ours are left out.
pub(super) fn parse(document: &str) -> Result<Vec<Key>, KeysError> {
    let set: KeySet = serde_json::from_str(document)
        .map_err(|error| KeysError(format!("the JWKS document cannot be read: {error}")))?;
    let keys: Vec<Key> = set
        .keys
        .into_iter()
        .filter_map(|key| serde_json::from_value::<Jwk>(key).ok())
        .filter(|jwk| !matches!(jwk.common.public_key_use, Some(PublicKeyUse::Encryption)))
        .filter_map(|jwk| {
            let algorithm = match &jwk.algorithm {
                AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
                    Algorithm::EdDSA
                }
                AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => {
                    Algorithm::ES256
                }
                AlgorithmParameters::RSA(_) => Algorithm::RS256,
                _ => return None,
            };
            let decoding = DecodingKey::from_jwk(&jwk).ok()?;
            Some(Key { id: jwk.common.key_id.clone(), algorithm, decoding })
        })
        .collect();
    if keys.is_empty() {
        return Err(KeysError("the JWKS document holds no Ed25519, P-256 or RSA signing key".to_owned()));
    }
    Ok(keys)
}

/// Where keys come from.
pub(super) enum Keys {
    Inline(Arc<Vec<Key>>),
    Remote(Remote),
}

impl Keys {
    /// The keys to try for a token that names the key `id`.
    pub(super) async fn with(&self, id: Option<&str>) -> Result<Arc<Vec<Key>>, KeysError> {
        match self {
            Self::Inline(keys) => Ok(Arc::clone(keys)),
            Self::Remote(remote) => remote.with(id).await,
        }
    }
}

/// Keys at an address.
pub(super) struct Remote {
    url: String,
    connector: SharedHttpConnector,
    known: RwLock<Known>,
    /// Held while fetching, so that many requests with an unknown key ask once.
    fetching: Mutex<Option<Instant>>,
}

#[derive(Clone, Default)]
struct Known {
    keys: Arc<Vec<Key>>,
    fetched_at: Option<Instant>,
}

impl Known {
    fn answers(&self, id: Option<&str>) -> bool {
        let is_fresh = self.fetched_at.is_some_and(|at| at.elapsed() < FRESH);
        is_fresh && id.is_none_or(|id| self.keys.iter().any(|key| key.id.as_deref() == Some(id)))
    }
}

impl Remote {
    pub(super) fn new(url: String, connector: SharedHttpConnector) -> Self {
        Self { url, connector, known: RwLock::default(), fetching: Mutex::new(None) }
    }

    async fn with(&self, id: Option<&str>) -> Result<Arc<Vec<Key>>, KeysError> {
        let known = self.known();
        if known.answers(id) {
            return Ok(known.keys);
        }
        let mut last_try = self.fetching.lock().await;
        let known = self.known();
        if known.answers(id) {
            return Ok(known.keys);
        }
        if last_try.is_some_and(|at| at.elapsed() < PAUSE) {
            return known.usable("the keys were requested shortly before");
        }
        *last_try = Some(Instant::now());
        match tokio::time::timeout(TIMEOUT, self.fetch()).await.unwrap_or(Err("no answer in time".to_owned()))
        {
            Ok(keys) => {
                let known = Known { keys: Arc::new(keys), fetched_at: Some(Instant::now()) };
                *self.known.write().unwrap_or_else(PoisonError::into_inner) = known.clone();
                Ok(known.keys)
            }
            Err(reason) => {
                tracing::warn!(url = self.url, reason, "the token issuer's keys cannot be fetched");
                known.usable(&reason)
            }
        }
    }

    fn known(&self) -> Known {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn fetch(&self) -> Result<Vec<Key>, String> {
        let request = HttpRequest::get(self.url.as_str()).map_err(|error| error.to_string())?;
        let response = self.connector.call(request).await.map_err(|error| error.to_string())?;
        if !response.status().is_success() {
            return Err(format!("status {}", response.status().as_u16()));
        }
        let mut body = ByteStream::new(response.into_body());
        let mut document = Vec::new();
        while let Some(chunk) = body.next().await {
            document.extend_from_slice(&chunk.map_err(|error| error.to_string())?);
            if document.len() > MAX_DOCUMENT {
                return Err("the document is too long".to_owned());
            }
        }
        let document = String::from_utf8(document).map_err(|error| error.to_string())?;
        parse(&document).map_err(|error| error.to_string())
    }
}

impl Known {
    /// Old keys are better than none while the issuer does not respond.
    fn usable(self, reason: &str) -> Result<Arc<Vec<Key>>, KeysError> {
        if self.keys.is_empty() {
            return Err(KeysError(format!("no keys of the token issuer: {reason}")));
        }
        Ok(self.keys)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline(keys) => write!(f, "Inline({} keys)", keys.len()),
            Self::Remote(remote) => write!(f, "Remote({})", remote.url),
        }
    }
}
