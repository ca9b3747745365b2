//! Nested executions: `states:startExecution`, alone, `.sync` and `.sync:2`.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::data::{Json, Object};
use crate::engine::{ExecutionDescription, ExecutionStatus};
use crate::integration::Pattern;

/// What a nested start asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NestedRequest {
    pub(crate) state_machine_arn: String,
    pub(crate) name: Option<String>,
    pub(crate) input: Json,
}

impl NestedRequest {
    /// Reads the parameters of the state; the error is the cause of its failure.
    pub(crate) fn read(parameters: &Json) -> Result<NestedRequest, String> {
        let text = |member: &str| parameters.get(member).and_then(Json::as_str).map(str::to_owned);
        let input = match parameters.get("Input").or_else(|| parameters.get("input")) {
            // A text is JSON text, as the API has it.
            Some(Json::String(text)) => Json::parse(text).unwrap_or_else(|_| Json::String(text.clone())),
            Some(Json::Null) | None => Json::empty_object(),
            Some(json) => json.clone(),
        };
        Ok(NestedRequest {
            state_machine_arn: text("StateMachineArn")
                .ok_or_else(|| "The field 'StateMachineArn' is required but was missing".to_owned())?,
            name: text("Name"),
            input,
        })
    }
}

/// The answer to the start of a nested execution.
pub(crate) fn started_answer(arn: &str, start_millis: i64, request_id: &str, now_millis: i64) -> Json {
    Json::object([
        ("ExecutionArn", Json::string(arn)),
        ("SdkHttpMetadata", json_metadata(request_id, now_millis, 161)),
        ("SdkResponseMetadata", Json::object([("RequestId", Json::string(request_id))])),
        ("StartDate", Json::from(start_millis)),
    ])
}

/// The answer when a nested execution has ended: output, or error and cause of `States.TaskFailed`.
pub(crate) fn closed_answer(pattern: Pattern, child: &ExecutionDescription) -> Result<Json, Json> {
    let payload = |json: &Json| match pattern {
        Pattern::Sync2 => json.clone(),
        _ => Json::from(json.to_text()),
    };
    let included = || Json::object([("Included", Json::Bool(true))]);
    let failed = child.status != ExecutionStatus::Succeeded;
    let mut answer = Object::with_capacity(12);
    if let Some(cause) = &child.cause {
        answer.insert("Cause", Json::string(cause.as_str()));
    }
    if let Some(error) = &child.error {
        answer.insert("Error", Json::string(error.as_str()));
    }
    answer.insert("ExecutionArn", Json::string(child.arn.as_str()));
    // The cause of a failure is a text that holds texts, whichever the pattern.
    answer.insert("Input", if failed { Json::from(child.input.to_text()) } else { payload(&child.input) });
    answer.insert("InputDetails", included());
    answer.insert("Name", Json::string(child.name.as_str()));
    if let Some(output) = &child.output {
        answer.insert("Output", payload(output));
        answer.insert("OutputDetails", included());
    }
    answer.insert("StartDate", Json::from(child.start_date));
    answer.insert("StateMachineArn", Json::string(child.state_machine_arn.as_str()));
    answer.insert("Status", Json::string(child.status.as_str()));
    answer.insert("StopDate", Json::from(child.stop_date.unwrap_or(child.start_date)));
    if failed { Err(Json::from(answer)) } else { Ok(Json::from(answer)) }
}

/// What the optimized integrations tell of an answer in the AWS JSON protocol.
pub(crate) fn json_metadata(request_id: &str, at_millis: i64, length: usize) -> Json {
    sdk_metadata(&[
        ("x-amzn-RequestId", request_id),
        ("connection", "keep-alive"),
        ("Content-Length", &length.to_string()),
        ("Date", &http_date(at_millis)),
        ("Content-Type", "application/x-amz-json-1.0"),
    ])
}

/// What the optimized integrations tell of an HTTP answer with these headers.
pub(super) fn sdk_metadata(headers: &[(&str, &str)]) -> Json {
    let all = headers.iter().map(|(name, value)| (*name, Json::array([Json::string(*value)])));
    let plain = headers.iter().map(|(name, value)| (*name, Json::string(*value)));
    Json::object([
        ("AllHttpHeaders", Json::from(all.collect::<Object>())),
        ("HttpHeaders", Json::from(plain.collect::<Object>())),
        ("HttpStatusCode", Json::from(200_i64)),
    ])
}

pub(super) fn http_date(at_millis: i64) -> String {
    let moment = Timestamp::from_millisecond(at_millis).unwrap_or(Timestamp::UNIX_EPOCH);
    moment.to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_dates_are_as_rfc_9110_has_them() {
        assert_eq!(http_date(784_111_777_000), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
