//! The issuer of access tokens: on AWS any OIDC provider, here a key of the stack's own.

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde_json::{Value, json};

use crate::StartError;
use crate::data_directory::write_secret;

/// Signs tokens with Ed25519.
#[derive(Clone, Debug)]
pub struct Issuer {
    key: Arc<Ed25519KeyPair>,
    key_id: String,
}

impl Issuer {
    /// The `iss` of its tokens.
    pub const NAME: &str = "urn:local-stack";

    /// The `aud` of its tokens.
    pub const AUDIENCE: &str = "lottery";

    const THIRTY_DAYS: i64 = 30 * 24 * 60 * 60;

    /// An issuer with a key of its own, which is gone with the process.
    pub fn in_memory() -> Issuer {
        Issuer::from_pkcs8(&new_key()).expect("ring reads the key that it has made")
    }

    /// An issuer with the key in this file, which is created if it is not there.
    pub(crate) fn open(path: &Path) -> Result<Issuer, StartError> {
        let key = match std::fs::read(path) {
            Ok(key) => key,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let key = new_key();
                write_secret(path, &key)
                    .map_err(|source| StartError::Unwritable { path: path.to_owned(), source })?;
                key
            }
            Err(source) => return Err(StartError::Unwritable { path: path.to_owned(), source }),
        };
        Issuer::from_pkcs8(&key).ok_or_else(|| StartError::Damaged {
            path: path.to_owned(),
            reason: "it does not hold the Ed25519 key that signs access tokens; put it back from a backup, or move it away to \
                     have a new one made, after which tokens that programs hold no longer count"
                .to_owned(),
        })
    }

    fn from_pkcs8(document: &[u8]) -> Option<Issuer> {
        let key = Ed25519KeyPair::from_pkcs8(document).ok()?;
        let digest = ring::digest::digest(&ring::digest::SHA256, key.public_key().as_ref());
        let key_id = URL_SAFE_NO_PAD.encode(&digest.as_ref()[..12]);
        Some(Issuer { key: Arc::new(key), key_id })
    }

    /// The public key as a JSON Web Key Set.
    pub fn jwks(&self) -> String {
        json!({"keys": [{
            "kty": "OKP",
            "crv": "Ed25519",
            "alg": "EdDSA",
            "use": "sig",
            "kid": self.key_id,
            "x": URL_SAFE_NO_PAD.encode(self.key.public_key().as_ref()),
        }]})
        .to_string()
    }

    /// What the organiser's token says: every scope, for thirty days from now.
    pub fn claims(&self) -> Value {
        self.claims_at(Timestamp::now())
    }

    /// The same, for thirty days from `now`.
    pub(crate) fn claims_at(&self, now: Timestamp) -> Value {
        let now = now.as_second();
        json!({
            "iss": Self::NAME,
            "sub": "organiser",
            "aud": Self::AUDIENCE,
            "iat": now,
            "exp": now + Self::THIRTY_DAYS,
            "scope": "draws:write participants:read participants:write results:read",
        })
    }

    /// A JSON Web Token that makes these claims.
    pub fn sign(&self, claims: &Value) -> String {
        let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": self.key_id});
        let encoded = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let signed = format!("{}.{}", encoded(&header), encoded(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.key.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    /// Whether this is a token of this issuer, expired or not.
    pub(crate) fn has_signed(&self, token: &str) -> bool {
        let Some((signed, signature)) = token.rsplit_once('.') else { return false };
        let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else { return false };
        let key = UnparsedPublicKey::new(&ED25519, self.key.public_key().as_ref());
        key.verify(signed.as_bytes(), &signature).is_ok()
    }
}

fn new_key() -> Vec<u8> {
    Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
        .expect("the operating system gives random bytes")
        .as_ref()
        .to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    #[test]
    fn a_token_is_verified_by_the_published_key() {
        let issuer = Issuer::in_memory();
        let token = issuer.sign(&issuer.claims());
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let keys: Value = serde_json::from_str(&issuer.jwks()).unwrap();
        let key = UnparsedPublicKey::new(&ED25519, bytes(keys["keys"][0]["x"].as_str().unwrap()));
        key.verify(signed.as_bytes(), &bytes(signature)).unwrap();
        assert!(key.verify(b"other", &bytes(signature)).is_err());
        let header: Value = serde_json::from_slice(&bytes(signed.split('.').next().unwrap())).unwrap();
        assert_eq!(header["kid"], keys["keys"][0]["kid"]);
    }

    #[test]
    fn the_key_stays_the_same_over_a_restart() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("issuer.key");
        let first = Issuer::open(&path).unwrap().jwks();
        assert_eq!(Issuer::open(&path).unwrap().jwks(), first);
        std::fs::write(&path, "no key").unwrap();
        assert!(matches!(Issuer::open(&path), Err(StartError::Damaged { .. })));
    }
}
