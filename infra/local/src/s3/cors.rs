//! What web pages may send to a bucket: its CORS configuration, and the requests by which browsers ask.
//!
//! DIFFERENCE: AWS answers every request that is signed, and leaves it to the browser who reads the answer. Here nothing is signed by
//! a secret, so a page whose origin no rule allows is not answered; and a rule with a wildcard allows pages of this machine alone: the
//! origin of another one has to be named in full.

use axum::body::Body;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, Uri, header};

use super::request::Request;
use super::service::empty;
use super::{S3, S3Error};
use crate::forward::Element;

/// The most rules of a bucket.
const MAX_RULES: usize = 100;

const METHODS: [&str; 5] = ["GET", "PUT", "POST", "DELETE", "HEAD"];

/// One rule.
#[derive(Debug, Default, PartialEq)]
struct Rule {
    origins: Vec<String>,
    methods: Vec<String>,
    headers: Vec<String>,
    exposed: Vec<String>,
    max_age: Option<u32>,
}

/// What a page asks for.
struct Asked<'a> {
    origin: &'a str,
    method: &'a str,
    /// The headers that it would send, in lower case.
    headers: Vec<String>,
}

impl<'a> Asked<'a> {
    /// What a request asks for; `None` if no page sends it.
    fn of(method: &'a Method, headers: &'a HeaderMap) -> Option<Asked<'a>> {
        let text = |name: header::HeaderName| headers.get(name)?.to_str().ok();
        let origin = text(header::ORIGIN)?;
        if method != Method::OPTIONS {
            return Some(Asked { origin, method: method.as_str(), headers: Vec::new() });
        }
        let named = text(header::ACCESS_CONTROL_REQUEST_HEADERS).unwrap_or_default().split(',');
        let headers = named.map(|name| name.trim().to_ascii_lowercase()).filter(|name| !name.is_empty());
        Some(Asked {
            origin,
            method: text(header::ACCESS_CONTROL_REQUEST_METHOD)?,
            headers: headers.collect(),
        })
    }
}

impl Rule {
    fn allows(&self, asked: &Asked<'_>) -> bool {
        self.origins.iter().any(|pattern| allows_origin(pattern, asked.origin))
            && self.methods.iter().any(|method| method == asked.method)
            && asked.headers.iter().all(|header| {
                self.headers.iter().any(|pattern| matches(&pattern.to_ascii_lowercase(), header))
            })
    }

    /// The headers by which the browser lets the page read the answer.
    fn apply(&self, asked: &Asked<'_>, headers: &mut HeaderMap) {
        let is_for_all = self.origins.iter().any(|origin| origin == "*");
        let mut set = |name: header::HeaderName, value: &str| {
            headers.insert(name, crate::aws::header_value(value));
        };
        set(header::ACCESS_CONTROL_ALLOW_ORIGIN, if is_for_all { "*" } else { asked.origin });
        if !is_for_all {
            set(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
        }
        set(header::ACCESS_CONTROL_ALLOW_METHODS, &self.methods.join(", "));
        if !asked.headers.is_empty() {
            set(header::ACCESS_CONTROL_ALLOW_HEADERS, &asked.headers.join(", "));
        }
        if !self.exposed.is_empty() {
            set(header::ACCESS_CONTROL_EXPOSE_HEADERS, &self.exposed.join(", "));
        }
        if let Some(seconds) = self.max_age {
            set(header::ACCESS_CONTROL_MAX_AGE, &seconds.to_string());
        }
        headers.append(
            header::VARY,
            HeaderValue::from_static("Origin, Access-Control-Request-Headers, Access-Control-Request-Method"),
        );
    }
}

/// Whether a pattern with at most one asterisk is that of a text.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, end)) => {
            text.len() >= start.len() + end.len() && text.starts_with(start) && text.ends_with(end)
        }
    }
}

fn allows_origin(pattern: &str, origin: &str) -> bool {
    matches(pattern, origin) && (!pattern.contains('*') || is_of_this_machine(origin))
}

fn is_of_this_machine(origin: &str) -> bool {
    let Ok(origin) = origin.parse::<Uri>() else { return false };
    let Some(host) = origin.host() else { return false };
    match host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

/// The rules of a document.
fn rules(document: &str) -> Result<Vec<Rule>, S3Error> {
    let root = Element::parse(document).filter(|root| root.name == "CORSConfiguration");
    let root = root.ok_or_else(S3Error::malformed_xml)?;
    let rules: Vec<Rule> =
        root.children.iter().filter(|child| child.name == "CORSRule").map(rule).collect::<Result<_, _>>()?;
    if rules.is_empty() || rules.len() > MAX_RULES {
        return Err(S3Error::malformed_xml());
    }
    Ok(rules)
}

fn rule(element: &Element) -> Result<Rule, S3Error> {
    let mut rule = Rule::default();
    for child in &element.children {
        let text = child.text.trim().to_owned();
        let one_wildcard = |what: &str| match text.matches('*').count() {
            0 | 1 => Ok(text.clone()),
            _ => Err(S3Error::new(
                400,
                "InvalidRequest",
                format!("{what} \"{text}\" can not have more than one wildcard."),
            )),
        };
        match child.name.as_str() {
            "AllowedOrigin" => rule.origins.push(one_wildcard("AllowedOrigin")?),
            "AllowedHeader" => rule.headers.push(one_wildcard("AllowedHeader")?),
            "AllowedMethod" if METHODS.contains(&text.as_str()) => rule.methods.push(text),
            "AllowedMethod" => {
                return Err(S3Error::new(
                    400,
                    "InvalidRequest",
                    format!("Found unsupported HTTP method in CORS config. Unsupported method is {text}"),
                ));
            }
            "ExposeHeader" => rule.exposed.push(text),
            "MaxAgeSeconds" => rule.max_age = Some(text.parse().map_err(|_| S3Error::malformed_xml())?),
            _ => {}
        }
    }
    if rule.origins.is_empty() || rule.methods.is_empty() {
        return Err(S3Error::malformed_xml());
    }
    Ok(rule)
}

/// Refuses a document that S3 would refuse.
pub(super) fn check(document: &str) -> Result<(), S3Error> {
    rules(document).map(drop)
}

impl S3 {
    /// Whether the rules of a bucket allow a page's request.
    pub(crate) async fn allows_page(&self, head: &Parts) -> bool {
        let Ok(request) = Request::parse(head) else { return false };
        self.rule_for(&request.bucket, &head.method, &head.headers).await.is_some()
    }

    async fn rule_for<'a>(
        &self,
        bucket: &str,
        method: &'a Method,
        headers: &'a HeaderMap,
    ) -> Option<(Rule, Asked<'a>)> {
        let asked = Asked::of(method, headers)?;
        let document = self.cors_document(bucket).await.ok()??;
        let rule = rules(&document).ok()?.into_iter().find(|rule| rule.allows(&asked))?;
        Some((rule, asked))
    }

    async fn cors_document(&self, bucket: &str) -> Result<Option<String>, S3Error> {
        let bucket = bucket.to_owned();
        self.on_store(move |store| store.configuration(&bucket, "cors")).await
    }

    /// Answers the question of a browser whether a page may send a request.
    pub(super) async fn preflight(&self, request: &Request<'_>) -> Result<Response<Body>, S3Error> {
        if Asked::of(request.method, request.headers).is_none() {
            let message = "Insufficient information. Origin request header needed.";
            return Err(S3Error::new(400, "BadRequest", message));
        }
        let forbidden = |why: &str| Err(S3Error::new(403, "AccessForbidden", format!("CORSResponse: {why}")));
        if self.cors_document(&request.bucket).await?.is_none() {
            return forbidden("CORS is not enabled for this bucket.");
        }
        match self.rule_for(&request.bucket, request.method, request.headers).await {
            Some((rule, asked)) => {
                let mut response = empty(200);
                rule.apply(&asked, response.headers_mut());
                Ok(response)
            }
            None => forbidden(
                "This CORS request is not allowed. This is usually because the evalution of Origin, request method / \
                 Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.",
            ),
        }
    }

    /// Lets the page that sent a request read its answer, as far as the bucket's rules allow it.
    pub(super) async fn share(&self, head: &Parts, response: &mut Response<Body>) {
        if head.method == Method::OPTIONS || !head.headers.contains_key(header::ORIGIN) {
            return;
        }
        let Ok(request) = Request::parse(head) else { return };
        if let Some((rule, asked)) = self.rule_for(&request.bucket, &head.method, &head.headers).await {
            rule.apply(&asked, response.headers_mut());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_are_for_pages_of_this_machine() {
        for (pattern, origin, expected) in [
            ("*", "http://localhost:3000", true),
            ("*", "http://127.0.0.1:8080", true),
            ("*", "http://[::1]:8080", true),
            ("*", "https://evil.example", false),
            ("*", "https://localhost.evil.example", false),
            ("*", "null", false),
            ("http://localhost:*", "http://localhost:3000", true),
            ("https://*.example", "https://evil.example", false),
            ("https://draw.example", "https://draw.example", true),
            ("https://draw.example", "https://draw.example.evil", false),
        ] {
            assert_eq!(allows_origin(pattern, origin), expected, "{pattern} {origin}");
        }
        assert!(matches("x-amz-*", "x-amz-date") && !matches("x-amz-*", "content-type"));
    }

    #[test]
    fn documents_that_s3_refuses_are_refused() {
        let one = |rule: &str| format!("<CORSConfiguration><CORSRule>{rule}</CORSRule></CORSConfiguration>");
        let good = one("<AllowedOrigin>*</AllowedOrigin><AllowedMethod>PUT</AllowedMethod>");
        assert!(check(&good).is_ok());
        for (document, code) in [
            (String::new(), "MalformedXML"),
            ("<CORSConfiguration/>".to_owned(), "MalformedXML"),
            (one("<AllowedOrigin>*</AllowedOrigin>"), "MalformedXML"),
            (one("<AllowedMethod>PUT</AllowedMethod>"), "MalformedXML"),
            (good.replace("PUT", "PATCH"), "InvalidRequest"),
            (good.replace("*", "http://*.*"), "InvalidRequest"),
        ] {
            assert_eq!(check(&document).unwrap_err().code, code, "{document}");
        }
    }
}
