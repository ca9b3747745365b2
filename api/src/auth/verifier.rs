//! Checks a bearer token: signature, issuer, audience, times.
//!
//! The algorithm is the key's, never the token's choice: `none` and HMAC have no key here that would fit them.

use std::sync::Arc;

use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use jiff::Timestamp;
use jsonwebtoken::{Validation, decode, decode_header};
use serde_json::{Map, Value};

use super::keys::{self, Key, Keys, KeysError, Remote};
use crate::config::Config;

/// Clocks of issuer and service may differ by this much.
const LEEWAY_SECONDS: f64 = 30.0;
const MAX_TOKEN: usize = 8 * 1024;

/// Knows the issuer's keys and checks tokens against them.
#[derive(Debug, Clone)]
pub struct Verifier(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    keys: Keys,
    issuer: String,
    audience: String,
}

/// What a good token says.
#[derive(Debug)]
pub(super) struct Verified {
    pub(super) subject: String,
    pub(super) scopes: Vec<String>,
}

/// Why a token does not count. The reason of `Invalid` is public.
#[derive(Debug)]
pub(super) enum Refusal {
    Missing,
    Invalid(&'static str),
    KeysUnavailable(KeysError),
}

impl Verifier {
    /// A verifier with the keys of a JWKS document.
    ///
    /// # Errors
    /// The document cannot be read or holds no key that could be used.
    pub fn inline(jwks: &str, config: &Config) -> Result<Self, KeysError> {
        Ok(Self::new(Keys::Inline(Arc::new(keys::parse(jwks)?)), config))
    }

    /// A verifier that fetches the keys when it needs them, keeps them, and asks again for a key it does not
    /// know.
    #[must_use]
    pub fn from_url(url: impl Into<String>, connector: SharedHttpConnector, config: &Config) -> Self {
        Self::new(Keys::Remote(Remote::new(url.into(), connector)), config)
    }

    fn new(keys: Keys, config: &Config) -> Self {
        Self(Arc::new(Parts { keys, issuer: config.issuer.clone(), audience: config.audience.clone() }))
    }

    pub(super) async fn verify(&self, token: &str, now: Timestamp) -> Result<Verified, Refusal> {
        if token.len() > MAX_TOKEN {
            return Err(Refusal::Invalid("it is too long"));
        }
        let header = decode_header(token).map_err(|_| Refusal::Invalid("it is not a signed JWT"))?;
        if header.crit.is_some() {
            return Err(Refusal::Invalid("its header asks for extensions that are not supported"));
        }
        let id = header.kid.as_deref();
        let keys = self.0.keys.with(id).await.map_err(Refusal::KeysUnavailable)?;
        let claims = keys
            .iter()
            .filter(|key| key.algorithm == header.alg)
            .filter(|key| id.is_none() || key.id.is_none() || key.id.as_deref() == id)
            .find_map(|key| signed_claims(token, key))
            .ok_or(Refusal::Invalid("its signature is not of a key that this service trusts"))?;
        self.0.check(&claims, now)
    }
}

/// The claims if the key signed them. Times, issuer and audience are checked below, by our own clock.
fn signed_claims(token: &str, key: &Key) -> Option<Map<String, Value>> {
    let mut validation = Validation::new(key.algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    decode::<Map<String, Value>>(token, &key.decoding, &validation).ok().map(|token| token.claims)
}

impl Parts {
    fn check(&self, claims: &Map<String, Value>, now: Timestamp) -> Result<Verified, Refusal> {
        let now = now.as_second() as f64;
        match claims.get("exp").and_then(Value::as_f64) {
            None => return Err(Refusal::Invalid("it has no expiry")),
            Some(expiry) if expiry + LEEWAY_SECONDS <= now => return Err(Refusal::Invalid("it has expired")),
            Some(_) => {}
        }
        match claims.get("nbf") {
            None => {}
            Some(start) => match start.as_f64() {
                Some(start) if start - LEEWAY_SECONDS <= now => {}
                _ => return Err(Refusal::Invalid("it is not valid yet")),
            },
        }
        if text(claims, "iss") != Some(&self.issuer) {
            return Err(Refusal::Invalid("it is of another issuer"));
        }
        let is_for_us = match claims.get("aud") {
            Some(Value::String(audience)) => *audience == self.audience,
            Some(Value::Array(audiences)) => audiences.iter().any(|one| one.as_str() == Some(&self.audience)),
            Some(_) => false,
            // Cognito's access tokens name the client instead.
            None => text(claims, "client_id") == Some(&self.audience),
        };
        if !is_for_us {
            return Err(Refusal::Invalid("it is for another audience"));
        }
        let subject = text(claims, "sub")
            .or_else(|| text(claims, "client_id"))
            .filter(|subject| !subject.is_empty())
            .ok_or(Refusal::Invalid("it names no subject"))?;
        Ok(Verified { subject: subject.to_owned(), scopes: scopes(claims) })
    }
}

fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    claims.get(name).and_then(Value::as_str)
}

/// `scope` is one string (RFC 8693), `scp` a string or a list, as issuers write it.
fn scopes(claims: &Map<String, Value>) -> Vec<String> {
    let words = |value: &Value| -> Vec<String> {
        match value {
            Value::String(text) => text.split(' ').map(str::to_owned).collect(),
            Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    };
    ["scope", "scp"].iter().filter_map(|name| claims.get(*name)).flat_map(words).collect()
}
