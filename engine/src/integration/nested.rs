//! Nested executions: `states:startExecution`, alone, `.sync` and `.sync:2`.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::data::{Json, Object};
use crate::integration::Pattern;
use crate::model::{ExecutionDescription, ExecutionStatus};

/// The result of starting a nested execution.
pub(crate) fn started_result(arn: &str, start_millis: i64, request_id: &str, now_millis: i64) -> Json {
    // Of the response as AWS writes it: `{"executionArn":"…","startDate":1.688136139123E9}`.
    let length = arn.len() + 48;
    Json::object([
        ("ExecutionArn", Json::string(arn)),
        ("SdkHttpMetadata", json_metadata(request_id, now_millis, length)),
        ("SdkResponseMetadata", Json::object([("RequestId", Json::string(request_id))])),
        ("StartDate", Json::from(start_millis)),
    ])
}

/// The result when a nested execution has ended: output, or error and cause of `States.TaskFailed`.
pub(crate) fn closed_result(pattern: Pattern, child: &ExecutionDescription) -> Result<Json, Json> {
    let failed = child.status != ExecutionStatus::Succeeded;
    let result = described(child, Json::from, |payload| match pattern {
        // The cause of a failure is a text that holds texts, whichever the pattern.
        Pattern::Sync2 if !failed => payload.clone().without_verbatim(),
        _ => Json::string(payload.verbatim()),
    });
    if failed { Err(result) } else { Ok(result) }
}

/// DescribeExecution as a Task shows it, its timestamps and payloads as the integration writes them.
pub(crate) fn described(
    execution: &ExecutionDescription,
    timestamp: impl Fn(i64) -> Json,
    payload: impl Fn(&Json) -> Json,
) -> Json {
    let included = || Json::object([("Included", Json::Bool(true))]);
    let mut result = Object::with_capacity(16);
    if let Some(cause) = &execution.cause {
        result.insert("Cause", Json::string(cause.as_str()));
    }
    if let Some(error) = &execution.error {
        result.insert("Error", Json::string(error.as_str()));
    }
    result.insert("ExecutionArn", Json::string(execution.arn.as_str()));
    result.insert("Input", payload(&execution.input));
    result.insert("InputDetails", included());
    result.insert("Name", Json::string(execution.name.as_str()));
    if let Some(output) = &execution.output {
        result.insert("Output", payload(output));
        result.insert("OutputDetails", included());
    }
    let (redrivable, reason) = execution.redrive_words();
    result.insert("RedriveCount", Json::from(execution.redrive_count));
    if let Some(redriven) = execution.redrive_date {
        result.insert("RedriveDate", timestamp(redriven));
    }
    result.insert("RedriveStatus", Json::string(redrivable));
    if let Some(reason) = reason {
        result.insert("RedriveStatusReason", Json::string(reason));
    }
    result.insert("StartDate", timestamp(execution.start_date));
    if let Some(alias) = &execution.state_machine_alias_arn {
        result.insert("StateMachineAliasArn", Json::string(alias.as_str()));
    }
    result.insert("StateMachineArn", Json::string(execution.state_machine_arn.as_str()));
    if let Some(version) = &execution.state_machine_version_arn {
        result.insert("StateMachineVersionArn", Json::string(version.as_str()));
    }
    result.insert("Status", Json::string(execution.status.as_str()));
    if let Some(stopped) = execution.stop_date {
        result.insert("StopDate", timestamp(stopped));
    }
    Json::from(result)
}

/// StartSyncExecution as `aws-sdk:sfn` shows it.
pub(crate) fn sync_result(ended: &ExecutionDescription, timestamp: impl Fn(i64) -> Json) -> Json {
    let described = described(ended, timestamp, |payload| Json::string(payload.verbatim()));
    let mut result = Object::with_capacity(13);
    let (milliseconds, megabytes) = billing(ended);
    result.insert(
        "BillingDetails",
        Json::object([
            ("BilledDurationInMilliseconds", Json::from(milliseconds)),
            ("BilledMemoryUsedInMB", Json::from(megabytes)),
        ]),
    );
    for (name, value) in described.as_object().into_iter().flat_map(Object::iter) {
        if !name.starts_with("Redrive") {
            result.insert(Arc::clone(name), value.clone());
        }
    }
    Json::from(result)
}

/// What AWS bills of an Express execution: milliseconds in steps of 100, and memory in steps of 64 MB.
pub(crate) fn billing(execution: &ExecutionDescription) -> (u64, u64) {
    let millis = execution.stop_date.unwrap_or(execution.start_date) - execution.start_date;
    (millis.max(1).unsigned_abs().div_ceil(100) * 100, 64)
}

/// The metadata of a reply in the AWS JSON protocol, as the optimized integrations return it.
pub(crate) fn json_metadata(request_id: &str, at_millis: i64, length: usize) -> Json {
    sdk_metadata(&[
        ("x-amzn-RequestId", request_id),
        ("connection", "keep-alive"),
        ("Content-Length", &length.to_string()),
        ("Date", &http_date(at_millis)),
        ("Content-Type", "application/x-amz-json-1.0"),
    ])
}

/// The metadata of a reply with these headers, as the optimized integrations return it.
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
    let timestamp = Timestamp::from_millisecond(at_millis).unwrap_or(Timestamp::UNIX_EPOCH);
    timestamp.to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_dates_are_as_rfc_9110_has_them() {
        assert_eq!(http_date(784_111_777_000), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
