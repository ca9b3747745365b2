//! The `Resource` of a Task: who does the task, and its events.

mod job;
mod lambda;
mod nested;

use std::sync::Arc;

use crate::history::EventType;

pub(crate) use lambda::{envelope as lambda_envelope, request as lambda_request};
pub(crate) use nested::{billing, closed_result, described, json_metadata, started_result, sync_result};

/// What a Task's `Resource` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Resource {
    /// A Lambda function by its ARN alone, of any partition, region and account.
    Function {
        /// The ARN.
        arn: Arc<str>,
    },
    /// An activity, for which workers come.
    Activity {
        /// The ARN.
        arn: Arc<str>,
    },
    /// A call to a service.
    Service(ServiceCall),
}

/// The `SERVICE:ACTION.PATTERN` of a resource ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServiceCall {
    /// `lambda`, `sns`, `states`, `aws-sdk:dynamodb`, …
    pub(crate) service: Arc<str>,
    /// `invoke`, `publish`, `startExecution`, …
    pub(crate) action: Arc<str>,
    /// What the state waits for.
    pub(crate) pattern: Pattern,
    /// The action with its pattern, as histories show it.
    pub(crate) shown: Arc<str>,
}

/// What a service task waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// The service's response.
    Request,
    /// `.waitForTaskToken`: a report with the task's token.
    Callback,
    /// `.sync`: the end of the job.
    Sync,
    /// `.sync:2`: the same, with output as JSON instead of text.
    Sync2,
}

impl Pattern {
    /// An action without its pattern, and the pattern: `startExecution.sync` is `startExecution` and [`Pattern::Sync`].
    pub(crate) fn split(action: &str) -> (&str, Pattern) {
        let suffixes =
            [(".waitForTaskToken", Pattern::Callback), (".sync:2", Pattern::Sync2), (".sync", Pattern::Sync)];
        let split =
            suffixes.into_iter().find_map(|(suffix, pattern)| Some((action.strip_suffix(suffix)?, pattern)));
        split.unwrap_or((action, Pattern::Request))
    }
}

impl Resource {
    /// Parses the `Resource` of a Task state; the error is a sentence about the fault.
    pub(crate) fn parse(arn: &str) -> Result<Resource, String> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let [prefix, partition, service, region, account, rest] = parts[..] else {
            return Err(format!("'{arn}' is not a valid ARN"));
        };
        if prefix != "arn" || partition.is_empty() || rest.is_empty() {
            return Err(format!("'{arn}' is not a valid ARN"));
        }
        match service {
            "lambda" if rest.strip_prefix("function:").is_some_and(|name| !name.is_empty()) => {
                Ok(Resource::Function { arn: arn.into() })
            }
            "states" if rest.strip_prefix("activity:").is_some_and(|name| !name.is_empty()) => {
                Ok(Resource::Activity { arn: arn.into() })
            }
            "states" if region.is_empty() && account.is_empty() => ServiceCall::parse(rest)
                .map(Resource::Service)
                .ok_or_else(|| format!("'{arn}' names no integration")),
            _ => Err(format!("'{arn}' names no integration")),
        }
    }

    /// The service and action that the host must support, with `.sync` where the end of a job is waited for; `None` for what
    /// the engine does itself.
    pub(crate) fn needed_of_host(&self) -> Option<(&str, &str)> {
        match self {
            Resource::Function { .. } => Some(("lambda", "invoke")),
            Resource::Activity { .. } => None,
            Resource::Service(call) if call.is_own() => None,
            Resource::Service(call) => match call.pattern {
                Pattern::Request | Pattern::Callback => Some((&call.service, &call.action)),
                Pattern::Sync | Pattern::Sync2 => Some((&call.service, &call.shown)),
            },
        }
    }
}

impl ServiceCall {
    fn parse(rest: &str) -> Option<ServiceCall> {
        let (service, shown) = match rest.strip_prefix("aws-sdk:") {
            Some(rest) => {
                let (service, action) = rest.split_once(':')?;
                (format!("aws-sdk:{service}"), action)
            }
            None => {
                let (service, action) = rest.split_once(':')?;
                (service.to_owned(), action)
            }
        };
        let (action, pattern) = Pattern::split(shown);
        if service.ends_with(':') || service.is_empty() || action.is_empty() || action.contains([':', '.']) {
            return None;
        }
        Some(ServiceCall { service: service.into(), action: action.into(), pattern, shown: shown.into() })
    }

    /// Whether the engine itself does this: nested executions and reports on its own tasks.
    pub(crate) fn is_own(&self) -> bool {
        match &*self.service {
            "states" => &*self.action == "startExecution",
            "aws-sdk:sfn" => matches!(
                &*self.action,
                "startExecution"
                    | "startSyncExecution"
                    | "stopExecution"
                    | "describeExecution"
                    | "sendTaskSuccess"
                    | "sendTaskFailure"
                    | "sendTaskHeartbeat"
            ),
            _ => false,
        }
    }

    /// Whether this is the optimized Lambda integration, whose result is wrapped.
    pub(crate) fn is_lambda_invoke(&self) -> bool {
        &*self.service == "lambda" && &*self.action == "invoke"
    }
}

/// The event types of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TaskEvents {
    pub(crate) scheduled: EventType,
    pub(crate) started: EventType,
    pub(crate) succeeded: EventType,
    pub(crate) failed: EventType,
    pub(crate) timed_out: EventType,
}

impl Resource {
    /// The event types for tasks of this resource.
    pub(crate) fn events(&self) -> TaskEvents {
        match self {
            Resource::Function { .. } => TaskEvents {
                scheduled: EventType::LambdaFunctionScheduled,
                started: EventType::LambdaFunctionStarted,
                succeeded: EventType::LambdaFunctionSucceeded,
                failed: EventType::LambdaFunctionFailed,
                timed_out: EventType::LambdaFunctionTimedOut,
            },
            Resource::Activity { .. } => TaskEvents {
                scheduled: EventType::ActivityScheduled,
                started: EventType::ActivityStarted,
                succeeded: EventType::ActivitySucceeded,
                failed: EventType::ActivityFailed,
                timed_out: EventType::ActivityTimedOut,
            },
            Resource::Service(_) => TaskEvents {
                scheduled: EventType::TaskScheduled,
                started: EventType::TaskStarted,
                succeeded: EventType::TaskSucceeded,
                failed: EventType::TaskFailed,
                timed_out: EventType::TaskTimedOut,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(arn: &str) -> ServiceCall {
        match Resource::parse(arn) {
            Ok(Resource::Service(call)) => call,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn functions_of_any_partition_and_region_are_accepted() {
        for arn in [
            "arn:aws:lambda:us-east-1:123456789012:function:draw",
            "arn:aws-cn:lambda:cn-north-1:123456789012:function:draw:live",
        ] {
            assert_eq!(Resource::parse(arn), Ok(Resource::Function { arn: arn.into() }));
        }
    }

    #[test]
    fn service_action_and_pattern_are_read_apart() {
        let call = service("arn:aws:states:::states:startExecution.sync:2");
        assert_eq!(
            (&*call.service, &*call.action, call.pattern),
            ("states", "startExecution", Pattern::Sync2)
        );
        let call = service("arn:aws:states:::aws-sdk:dynamodb:getItem");
        assert_eq!(
            (&*call.service, &*call.action, call.pattern),
            ("aws-sdk:dynamodb", "getItem", Pattern::Request)
        );
        let call = service("arn:aws-cn:states:::sqs:sendMessage.waitForTaskToken");
        assert_eq!((&*call.shown, call.pattern), ("sendMessage.waitForTaskToken", Pattern::Callback));
    }

    #[test]
    fn what_is_no_resource_is_refused() {
        for arn in [
            "",
            "lambda",
            "arn:aws:states:::lambda",
            "arn:aws:states:::lambda:",
            "arn:aws:states:::aws-sdk:x",
            "arn:aws:states:::lambda:invoke.later",
            "arn:aws:lambda:us-east-1:123456789012:function:",
        ] {
            assert!(Resource::parse(arn).is_err(), "{arn}");
        }
    }
}
