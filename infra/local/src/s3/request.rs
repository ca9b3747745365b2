//! What a request asks of which bucket and key.

use form_urlencoded::parse;
use http::request::Parts;
use http::{HeaderMap, Method, header};
use percent_encoding::percent_decode_str;

use super::S3Error;

/// The longest key, in bytes.
const MAX_KEY: usize = 1024;

/// A request without its body.
pub(super) struct Request<'a> {
    pub(super) method: &'a Method,
    /// Empty if the request is about all buckets.
    pub(super) bucket: String,
    /// Empty if the request is about the bucket.
    pub(super) key: String,
    query: Vec<(String, String)>,
    pub(super) headers: &'a HeaderMap,
}

/// Whether a request is one of S3: by the service for which it is signed, in a header or in its address, or by its host.
pub(crate) fn is_meant(head: &Parts) -> bool {
    let scope = |text: &str| text.contains("/s3/aws4_request") || text.contains("%2Fs3%2Faws4_request");
    let authorization = text(&head.headers, header::AUTHORIZATION.as_str());
    let query = head.uri.query().unwrap_or_default();
    authorization.is_some_and(scope)
        || (head.method != Method::POST && authorization.is_some_and(|text| text.starts_with("AWS ")))
        || scope(query)
        || (query.contains("AWSAccessKeyId=") && query.contains("Signature="))
        || host(head).split('.').any(|label| label == "s3" || label.starts_with("s3-"))
}

/// The host without its port.
fn host(head: &Parts) -> &str {
    let named = text(&head.headers, header::HOST.as_str()).or_else(|| head.uri.host()).unwrap_or_default();
    match named.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => named,
    }
}

/// The bucket that a host names: `bucket.s3.localhost`, `bucket.localhost`.
fn bucket_of_host(host: &str) -> Option<&str> {
    let by_service = host.match_indices(".s3").find(|(at, _)| {
        let rest = &host[at + 3..];
        rest.is_empty() || rest.starts_with(['.', '-'])
    });
    if let Some((at, _)) = by_service {
        return Some(&host[..at]);
    }
    let bucket = host.strip_suffix(".localhost")?;
    (bucket != "s3" && !bucket.starts_with("s3.") && !bucket.starts_with("s3-")).then_some(bucket)
}

impl<'a> Request<'a> {
    pub(super) fn parse(head: &'a Parts) -> Result<Request<'a>, S3Error> {
        let decoded = |text: &str| {
            percent_decode_str(text)
                .decode_utf8()
                .map(|text| text.into_owned())
                .map_err(|_| S3Error::new(400, "InvalidURI", "Couldn't parse the specified URI."))
        };
        let path = decoded(head.uri.path().strip_prefix('/').unwrap_or_default())?;
        let (bucket, key) = match bucket_of_host(host(head)) {
            Some(bucket) => (bucket.to_owned(), path),
            None => match path.split_once('/') {
                Some((bucket, key)) => (bucket.to_owned(), key.to_owned()),
                None => (path, String::new()),
            },
        };
        if key.len() > MAX_KEY {
            return Err(S3Error::new(400, "KeyTooLongError", "Your key is too long"));
        }
        let query = parse(head.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
        Ok(Request { method: &head.method, bucket, key, query, headers: &head.headers })
    }

    /// A parameter of the query; one without a value is empty.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The first of these that the query names.
    pub(super) fn first_of<'n>(&self, names: &[&'n str]) -> Option<&'n str> {
        names.iter().copied().find(|name| self.query(name).is_some())
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        text(self.headers, name)
    }

    /// A number of the query.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, S3Error> {
        let Some(text) = self.query(name).filter(|text| !text.is_empty()) else { return Ok(None) };
        let number = text.parse().map_err(|_| {
            S3Error::invalid_argument(format!("Provided {name} not an integer or within integer range"))
        });
        number.map(Some)
    }

    /// Refuses an address whose time is over. Signatures are not checked here.
    pub(super) fn check_expiry(&self, now: i64) -> Result<(), S3Error> {
        let over = match (self.query("X-Amz-Date"), self.query("X-Amz-Expires"), self.query("Expires")) {
            (Some(date), Some(seconds), _) => {
                let malformed = || {
                    S3Error::new(
                        400,
                        "AuthorizationQueryParametersError",
                        "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\" and X-Amz-Expires a number",
                    )
                };
                let signed =
                    jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", date).map_err(|_| malformed())?;
                let signed = signed.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| malformed())?;
                let seconds: i64 = seconds.parse().map_err(|_| malformed())?;
                if !(0..=604_800).contains(&seconds) {
                    return Err(malformed());
                }
                now >= signed.timestamp().as_millisecond() + seconds * 1000
            }
            (_, _, Some(second)) if self.query("Signature").is_some() => {
                second.parse::<i64>().is_ok_and(|second| now >= second.saturating_mul(1000))
            }
            _ => false,
        };
        if over { Err(S3Error::new(403, "AccessDenied", "Request has expired")) } else { Ok(()) }
    }
}

/// The operation of a request, as far as permissions tell operations apart, and the permissions that it needs on AWS.
pub(crate) fn needed(head: &Parts) -> (&'static str, Vec<(String, String)>) {
    let Ok(request) = Request::parse(head) else { return ("Unknown", Vec::new()) };
    let operation = match (head.method.as_str(), request.bucket.is_empty(), request.key.is_empty()) {
        (_, true, _) => "ListAllMyBuckets",
        ("GET" | "HEAD", _, true) => "ListBucket",
        ("GET" | "HEAD", _, false) => "GetObject",
        ("DELETE", _, true) => "DeleteBucket",
        ("DELETE", _, false) => "DeleteObject",
        ("PUT", _, true) => "CreateBucket",
        (_, _, true) => "DeleteObject",
        (_, _, false) => "PutObject",
    };
    let Request { bucket, key, .. } = &request;
    let slash = if key.is_empty() { "" } else { "/" };
    (operation, vec![(format!("s3:{operation}"), format!("arn:aws:s3:::{bucket}{slash}{key}"))])
}

/// Checks the name of a new bucket.
pub(super) fn check_bucket_name(name: &str) -> Result<(), S3Error> {
    let is_usual = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = name.as_bytes();
    let is_valid = (3..=63).contains(&bytes.len())
        && bytes.iter().all(|byte| is_usual(*byte) || matches!(byte, b'-' | b'.'))
        && bytes.first().is_some_and(|byte| is_usual(*byte))
        && bytes.last().is_some_and(|byte| is_usual(*byte))
        && !name.contains("..")
        && name.parse::<std::net::Ipv4Addr>().is_err();
    if is_valid {
        return Ok(());
    }
    Err(S3Error::new(400, "InvalidBucketName", "The specified bucket is not valid."))
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = http::Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_request_of_s3_is_known_by_its_signature_or_its_host() {
        let signed = (
            "authorization",
            "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/s3/aws4_request, SignedHeaders=host",
        );
        let other = (
            "authorization",
            "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/sns/aws4_request, SignedHeaders=host",
        );
        assert!(is_meant(&head("GET", "/b/k", &[("host", "localhost:4566"), signed])));
        assert!(!is_meant(&head("POST", "/", &[("host", "localhost:4566"), other])));
        assert!(is_meant(&head(
            "GET",
            "/b/k?X-Amz-Credential=k%2F20260101%2Fus-east-1%2Fs3%2Faws4_request",
            &[("host", "127.0.0.1:4566")]
        )));
        assert!(is_meant(&head(
            "GET",
            "/b/k?AWSAccessKeyId=k&Signature=s&Expires=1",
            &[("host", "127.0.0.1:4566")]
        )));
        assert!(is_meant(&head("GET", "/k", &[("host", "b.s3.localhost:4566")])));
        assert!(!is_meant(&head("GET", "/public/latest", &[("host", "localhost:4566")])));
    }

    #[test]
    fn the_bucket_is_in_the_host_or_first_in_the_path() {
        for (host, uri, bucket, key) in [
            ("localhost:4566", "/b/a/b%20c", "b", "a/b c"),
            ("127.0.0.1:4566", "/b", "b", ""),
            ("my.bucket.s3.localhost:4566", "/a/b", "my.bucket", "a/b"),
            ("b.localhost:4566", "/k", "b", "k"),
            ("s3.localhost:4566", "/b/k", "b", "k"),
            ("b.s3.us-east-1.amazonaws.com", "/k", "b", "k"),
        ] {
            let head = head("GET", uri, &[("host", host)]);
            let request = Request::parse(&head).unwrap();
            assert_eq!((request.bucket.as_str(), request.key.as_str()), (bucket, key), "{host}{uri}");
        }
    }

    #[test]
    fn an_address_that_was_signed_for_a_time_ends_with_it() {
        let head = head("GET", "/b/k?X-Amz-Date=20260101T000000Z&X-Amz-Expires=60", &[]);
        let request = Request::parse(&head).unwrap();
        let signed = 1_767_225_600_000;
        assert!(request.check_expiry(signed + 59_999).is_ok());
        assert_eq!(request.check_expiry(signed + 60_000).unwrap_err().code, "AccessDenied");
    }

    #[test]
    fn names_of_buckets_are_those_of_s3() {
        for name in ["abc", "my.bucket-1"] {
            assert!(check_bucket_name(name).is_ok(), "{name}");
        }
        for name in ["ab", "Abc", "a..b", "-ab", "192.168.0.1", "a_b"] {
            assert!(check_bucket_name(name).is_err(), "{name}");
        }
    }
}
