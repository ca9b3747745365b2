//! Tokens of an issuer that only these tests know.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};

use crate::support::now;

pub(crate) const ISSUER: &str = "https://issuer.example";
pub(crate) const AUDIENCE: &str = "lottery";
pub(crate) const ALL_SCOPES: &str = "draws:write participants:read participants:write results:read";

/// One key of the issuer.
pub(crate) struct Issuer {
    pair: Ed25519KeyPair,
    id: &'static str,
}

impl Issuer {
    pub(crate) fn new(id: &'static str) -> Self {
        Self::with_secret(id, id)
    }

    /// The same key id with another key.
    pub(crate) fn with_secret(id: &'static str, secret: &str) -> Self {
        let mut seed = [0; 32];
        seed[..secret.len()].copy_from_slice(secret.as_bytes());
        Self { pair: Ed25519KeyPair::from_seed_unchecked(&seed).unwrap(), id }
    }

    pub(crate) fn jwk(&self) -> Value {
        let x = URL_SAFE_NO_PAD.encode(self.pair.public_key().as_ref());
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": self.id, "x": x, "alg": "EdDSA", "use": "sig" })
    }

    pub(crate) fn jwks(&self) -> String {
        json!({ "keys": [self.jwk()] }).to_string()
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        let message = unsigned(&json!({ "alg": "EdDSA", "typ": "JWT", "kid": self.id }), claims);
        let signature = URL_SAFE_NO_PAD.encode(self.pair.sign(message.as_bytes()).as_ref());
        format!("{message}.{signature}")
    }

    pub(crate) fn token(&self, scope: &str) -> String {
        self.sign(&claims(scope))
    }
}

/// The claims of a good token.
pub(crate) fn claims(scope: &str) -> Value {
    let now = now().as_second();
    json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "organiser", "exp": now + 3600, "scope": scope })
}

/// Header and claims, without a signature.
pub(crate) fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}
