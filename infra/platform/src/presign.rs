//! Presigned URLs of S3. The SDK of S3 can make them too, with two hundred kilobytes of rules and formats that a function
//! which never calls S3 has no use for.

use std::time::{Duration, SystemTime};

use aws_config::{Region, SdkConfig};
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{
    PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4::SigningParams;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stands in the path of an object as it is.
const PATH: &AsciiSet = &QUERY.remove(b'/');
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Makes URLs by which somebody without credentials of their own may send one kind of request for one object.
#[derive(Debug, Clone)]
pub struct S3Presigner {
    credentials: SharedCredentialsProvider,
    region: Region,
    /// The endpoint of an S3 that is not AWS's.
    endpoint: Option<String>,
}

impl S3Presigner {
    /// Signs with the credentials of `sdk`, for its region and its endpoint; `None` where it lacks credentials or a region.
    #[must_use]
    pub fn new(sdk: &SdkConfig) -> Option<Self> {
        Some(Self {
            credentials: sdk.credentials_provider()?,
            region: sdk.region()?.clone(),
            endpoint: sdk.endpoint_url().map(|url| url.trim_end_matches('/').to_owned()),
        })
    }

    /// The URL of one request with `method`, valid from `now` for `lasts`: at most seven days, and no longer than the
    /// credentials. Whoever sends the request must send `headers` with it, in lower case and unchanged.
    ///
    /// # Errors
    ///
    /// If there are no credentials now, or the request cannot be signed.
    pub async fn url(
        &self,
        method: &str,
        (bucket, key): (&str, &str),
        headers: &[(&str, &str)],
        now: SystemTime,
        lasts: Duration,
    ) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(lasts);
        let identity = self.credentials.provide_credentials().await?.into();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(self.region.as_ref())
            .name("s3")
            .time(now)
            .settings(settings)
            .build()?
            .into();
        let url = self.unsigned(bucket, key);
        let request =
            SignableRequest::new(method, &url, headers.iter().copied(), SignableBody::UnsignedPayload)?;
        let (signed, _) = sign(request, &parameters)?.into_parts();
        let (_, query) = signed.into_parts();
        let query = query.iter().map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, QUERY)));
        Ok(format!("{url}?{}", query.collect::<Vec<_>>().join("&")))
    }

    /// The address of a bucket, which those of all its objects begin with. It ends with a slash.
    #[must_use]
    pub fn bucket_url(&self, bucket: &str) -> String {
        self.unsigned(bucket, "")
    }

    /// The address of an object. An endpoint of one's own may have no name for each bucket.
    fn unsigned(&self, bucket: &str, key: &str) -> String {
        let key = utf8_percent_encode(key, PATH);
        let region = &self.region;
        match &self.endpoint {
            Some(endpoint) => format!("{endpoint}/{bucket}/{key}"),
            None if region.as_ref().starts_with("cn-") => {
                format!("https://{bucket}.s3.{region}.amazonaws.com.cn/{key}")
            }
            None => format!("https://{bucket}.s3.{region}.amazonaws.com/{key}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use aws_credential_types::Credentials;

    use super::*;

    fn presigner(region: &'static str, endpoint: Option<&str>) -> S3Presigner {
        let credentials = Credentials::new(
            "AKIAIOSFODNN7EXAMPLE",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            None,
            None,
            "test",
        );
        let mut sdk = SdkConfig::builder()
            .region(Region::new(region))
            .credentials_provider(SharedCredentialsProvider::new(credentials));
        sdk.set_endpoint_url(endpoint.map(ToOwned::to_owned));
        S3Presigner::new(&sdk.build()).unwrap()
    }

    /// The example of "Authenticating Requests: Using Query Parameters" in the API reference of S3 is signed for the host
    /// `examplebucket.s3.amazonaws.com`; here the region stands in it, as in all hosts since 2019.
    #[tokio::test]
    async fn a_url_names_the_request_and_how_long_it_may_be_sent() {
        let now = UNIX_EPOCH + Duration::from_secs(1_369_353_600);
        let day = Duration::from_secs(86_400);
        let aws = presigner("us-east-1", None);
        let url = aws.url("GET", ("examplebucket", "a b/test.txt"), &[], now, day).await.unwrap();
        let (object, query) = url.split_once('?').unwrap();
        assert_eq!(object, "https://examplebucket.s3.us-east-1.amazonaws.com/a%20b/test.txt");
        for part in [
            "X-Amz-Algorithm=AWS4-HMAC-SHA256",
            "X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request",
            "X-Amz-Date=20130524T000000Z",
            "X-Amz-Expires=86400",
            "X-Amz-SignedHeaders=host",
        ] {
            assert!(query.split('&').any(|one| one == part), "{part} is not in {query}");
        }
        let signature = query.split('&').find_map(|part| part.strip_prefix("X-Amz-Signature=")).unwrap();
        assert_eq!(signature.len(), 64);
    }

    #[tokio::test]
    async fn a_signature_is_that_of_the_method_the_object_and_the_headers() {
        let now = UNIX_EPOCH + Duration::from_secs(1_369_353_600);
        let hour = Duration::from_secs(3_600);
        let local = presigner("us-east-1", Some("http://127.0.0.1:8083/"));
        let put = local.url("PUT", ("lists", "one"), &[("content-length", "5")], now, hour).await.unwrap();
        assert!(put.starts_with("http://127.0.0.1:8083/lists/one?"), "{put}");
        assert!(put.contains("X-Amz-SignedHeaders=content-length%3Bhost"), "{put}");
        let others = [
            local.url("PUT", ("lists", "one"), &[("content-length", "6")], now, hour).await.unwrap(),
            local.url("GET", ("lists", "one"), &[("content-length", "5")], now, hour).await.unwrap(),
            local.url("PUT", ("lists", "two"), &[("content-length", "5")], now, hour).await.unwrap(),
        ];
        let signature = |url: &str| url.rsplit_once("X-Amz-Signature=").unwrap().1.to_owned();
        for other in others {
            assert_ne!(signature(&put), signature(&other));
        }
    }

    #[test]
    fn buckets_in_china_have_another_host() {
        let china = presigner("cn-north-1", None);
        assert_eq!(china.unsigned("lists", "one"), "https://lists.s3.cn-north-1.amazonaws.com.cn/one");
        assert_eq!(china.bucket_url("lists"), "https://lists.s3.cn-north-1.amazonaws.com.cn/");
    }
}
