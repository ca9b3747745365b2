//! The organiser's signing key, with which replacements are signed. It is read when it is needed first: most calls of the API
//! never need it.

use std::fmt;
use std::sync::Arc;

use lottery::signature::OrganiserKey;
use tokio::sync::OnceCell;

use crate::error::ApiError;

/// Where the organiser's key comes from.
#[derive(Clone)]
pub enum Organiser {
    /// There is none: nothing can be signed.
    Absent,
    /// The key itself.
    Key(Arc<OrganiserKey>),
    /// A secret in Secrets Manager.
    Secret(Arc<Secret>),
}

/// A secret, and the key that is made of it once it has been read.
pub struct Secret {
    client: aws_sdk_secretsmanager::Client,
    arn: String,
    key: OnceCell<OrganiserKey>,
}

impl Organiser {
    /// The key whose secret has this ARN.
    #[must_use]
    pub fn secret(client: aws_sdk_secretsmanager::Client, arn: String) -> Self {
        Self::Secret(Arc::new(Secret { client, arn, key: OnceCell::new() }))
    }

    /// The key.
    pub(crate) async fn key(&self) -> Result<OrganiserKey, ApiError> {
        match self {
            Self::Absent => Err(ApiError::internal("ORGANISER_SECRET_ARN is not set")),
            Self::Key(key) => Ok(OrganiserKey::clone(key)),
            Self::Secret(secret) => secret.key.get_or_try_init(|| secret.read()).await.cloned(),
        }
    }
}

impl Secret {
    async fn read(&self) -> Result<OrganiserKey, ApiError> {
        let answer = self.client.get_secret_value().secret_id(&self.arn).send().await;
        let answer = answer.map_err(ApiError::unavailable)?;
        let secret = answer.secret_string.ok_or_else(|| ApiError::internal("the secret holds no text"))?;
        Ok(OrganiserKey::from_secret(secret.as_bytes()))
    }
}

impl fmt::Debug for Organiser {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Organiser")
    }
}
