//! Functions of another Lambda Invoke API: `cargo lambda watch`, or any other.

use asl_engine::data::Json;
use http::{Request, Uri, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC as ALL, utf8_percent_encode};
use serde_json::Value;

use super::InvokeError;
use crate::StartError;
use crate::http_client::HttpClient;

/// What a function's name may not put into the path as it is.
const NON_ALPHANUMERIC: &AsciiSet = &ALL.remove(b'-').remove(b'_');

/// A client of a Lambda Invoke API.
pub(crate) struct RemoteFunctions {
    url: String,
    client: HttpClient,
}

impl RemoteFunctions {
    /// Will call the API at this address, such as `http://127.0.0.1:9000`.
    pub(crate) fn new(url: &str) -> Result<RemoteFunctions, StartError> {
        let parsed: Option<Uri> = url.parse().ok();
        if !parsed.is_some_and(|uri| uri.scheme_str() == Some("http") && uri.host().is_some()) {
            return Err(StartError::LambdaEndpoint(url.to_owned()));
        }
        Ok(RemoteFunctions { url: url.trim_end_matches('/').to_owned(), client: HttpClient::new() })
    }

    /// Calls a function. The state that asks has its own limit on how long that may take.
    pub(crate) async fn invoke(&self, name: &str, payload: &Json) -> Result<Json, InvokeError> {
        self.call(name, payload, "None").await.0
    }

    /// The same, and the tail of the function's log, if the API keeps one.
    pub(crate) async fn invoke_with_log(
        &self,
        name: &str,
        payload: &Json,
    ) -> (Result<Json, InvokeError>, Option<String>) {
        self.call(name, payload, "Tail").await
    }

    async fn call(
        &self,
        name: &str,
        payload: &Json,
        log_type: &str,
    ) -> (Result<Json, InvokeError>, Option<String>) {
        let unreachable = |error: &dyn std::fmt::Display| {
            let sentence = format!("the Lambda endpoint {} did not answer: {error}", self.url);
            (Err(InvokeError::Unreachable(sentence)), None)
        };
        let path_name = utf8_percent_encode(name, NON_ALPHANUMERIC);
        let request = Request::post(format!("{}/2015-03-31/functions/{path_name}/invocations", self.url))
            .header(header::CONTENT_TYPE, "application/json")
            .header("x-amz-log-type", log_type)
            .body(payload.verbatim().into_owned());
        let request = match request {
            Ok(request) => request,
            Err(error) => return unreachable(&error),
        };
        let response = match self.client.send(request).await {
            Ok(response) => response,
            Err(error) => return unreachable(&error),
        };
        let header =
            |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let function_failed = header("x-amz-function-error").is_some();
        let status = response.status().as_u16();
        let result = read(status, function_failed, header("x-amzn-errortype"), response.body());
        (result, header("x-amz-log-result"))
    }
}

/// Reads an answer of Lambda: a result, or one of three kinds of failure.
fn read(
    status: u16,
    function_failed: bool,
    exception: Option<String>,
    body: &[u8],
) -> Result<Json, InvokeError> {
    let payload = match std::str::from_utf8(body) {
        Ok("") => Some(Json::Null),
        Ok(text) => Json::parse_verbatim(text).ok(),
        Err(_) => None,
    };
    let has_error_type =
        || payload.as_ref().is_some_and(|it| it.get("errorType").is_some_and(|it| it.as_str().is_some()));
    // `cargo lambda` tells of a failed function with status 500 and without the header that AWS sets.
    let failed_as_cargo_lambda_tells = status == 500 && has_error_type();
    if function_failed || failed_as_cargo_lambda_tells {
        return Err(InvokeError::Function { payload: payload.as_ref().map_or(Value::Null, Value::from) });
    }
    match payload {
        Some(result) if (200..300).contains(&status) => Ok(result),
        payload => {
            let message = payload.as_ref().and_then(|it| it.get("Message").or_else(|| it.get("message")));
            let message =
                message.and_then(Json::as_str).unwrap_or("the answer is not what Lambda answers").to_owned();
            let exception = exception.unwrap_or_else(|| match status {
                429 => "TooManyRequestsException".to_owned(),
                404 => "ResourceNotFoundException".to_owned(),
                _ => "ServiceException".to_owned(),
            });
            // The header may have a namespace before or a documentation link after the name.
            let exception = exception.split(':').next().unwrap_or_default().to_owned();
            Err(InvokeError::Service { status, exception, message })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_function_is_told_in_two_ways() {
        let body = br#"{"errorType":"LotteryBusy","errorMessage":"held"}"#;
        for (status, header) in [(200, true), (500, false)] {
            let error = read(status, header, None, body).unwrap_err();
            assert_eq!(error, InvokeError::function("LotteryBusy", "held"), "{status}");
        }
    }

    #[test]
    fn a_refusal_of_lambda_keeps_its_name() {
        let body = br#"{"Type":"User","Message":"Function not found: x"}"#;
        let error =
            read(404, false, Some("ResourceNotFoundException:http://x".to_owned()), body).unwrap_err();
        assert_eq!(error.to_string(), "ResourceNotFoundException: Function not found: x");
        let error = read(502, false, None, b"<html>").unwrap_err();
        assert!(error.to_string().starts_with("ServiceException: "), "{error}");
    }

    #[test]
    fn a_result_is_any_json() {
        let read = |body| read(200, false, None, body).unwrap();
        assert_eq!(read(b"[1, 2.0]").verbatim(), "[1, 2.0]");
        assert_eq!(read(b""), Json::Null);
    }

    #[tokio::test]
    async fn an_endpoint_that_is_not_there_is_named() {
        let remote = RemoteFunctions::new("http://127.0.0.1:1/").unwrap();
        let error = remote.invoke("x", &Json::empty_object()).await.unwrap_err();
        assert!(
            matches!(&error, InvokeError::Unreachable(text) if text.contains("http://127.0.0.1:1 ")),
            "{error}"
        );
        assert!(RemoteFunctions::new("127.0.0.1:9000").is_err());
        assert!(RemoteFunctions::new("https://example.com").is_err());
    }
}
