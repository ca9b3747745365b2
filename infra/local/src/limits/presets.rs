//! The quotas of AWS, each with its source. The region is us-east-1, which the stack plays.
//!
//! - Lambda: <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>: 1,000 concurrent executions,
//!   "new AWS accounts have reduced concurrency and memory quotas" (10 in practice), 6 MB for the request and the answer of
//!   a synchronous invocation (6,291,556 bytes in its error message)
//! - API Gateway, HTTP APIs: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>: 30 s,
//!   10 MB; the rates of requests are the stage's, `RequestsPerSecond` and `WatchRequestsPerSecond` in `infra/template.yaml`
//! - Step Functions: <https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html>
//! - SNS: <https://docs.aws.amazon.com/general/latest/gr/sns.html>
//! - SES: <https://docs.aws.amazon.com/ses/latest/dg/quotas.html> and `request-production-access.html`
//! - DynamoDB on demand: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html>

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Limits, Rate};

/// The bucket and the refill rate of each operation of Step Functions that is throttled, in us-east-1.
const STEP_FUNCTIONS: [(&str, f64, f64); 26] = [
    ("CreateActivity", 100.0, 1.0),
    ("CreateStateMachine", 100.0, 1.0),
    ("DeleteActivity", 100.0, 1.0),
    ("DeleteStateMachine", 100.0, 1.0),
    ("DescribeActivity", 200.0, 1.0),
    ("DescribeExecution", 300.0, 15.0),
    ("DescribeMapRun", 200.0, 1.0),
    ("DescribeStateMachine", 200.0, 20.0),
    ("DescribeStateMachineForExecution", 200.0, 1.0),
    ("GetActivityTask", 3_000.0, 500.0),
    ("GetExecutionHistory", 400.0, 20.0),
    ("ListActivities", 100.0, 10.0),
    ("ListExecutions", 200.0, 5.0),
    ("ListMapRuns", 100.0, 1.0),
    ("ListStateMachines", 100.0, 5.0),
    ("ListTagsForResource", 100.0, 1.0),
    ("RedriveExecution", 1_300.0, 300.0),
    ("SendTaskFailure", 3_000.0, 500.0),
    ("SendTaskHeartbeat", 3_000.0, 500.0),
    ("SendTaskSuccess", 3_000.0, 500.0),
    ("StartExecution", 1_300.0, 300.0),
    ("StopExecution", 1_000.0, 200.0),
    ("TagResource", 200.0, 1.0),
    ("TestState", 50.0, 10.0),
    ("UntagResource", 200.0, 1.0),
    ("UpdateStateMachine", 100.0, 1.0),
];

/// Calls a second of each operation of SNS other than publishing.
const SNS: [(&str, f64); 16] = [
    ("CheckIfPhoneNumberIsOptedOut", 50.0),
    ("ConfirmSubscription", 3_000.0),
    ("CreateTopic", 3_000.0),
    ("DeleteTopic", 3_000.0),
    ("GetSubscriptionAttributes", 3_000.0),
    ("GetTopicAttributes", 3_000.0),
    ("ListPhoneNumbersOptedOut", 10.0),
    ("ListSubscriptions", 30.0),
    ("ListSubscriptionsByTopic", 30.0),
    ("ListTagsForResource", 10.0),
    ("ListTopics", 30.0),
    ("OptInPhoneNumber", 20.0),
    ("SetSubscriptionAttributes", 3_000.0),
    ("SetTopicAttributes", 3_000.0),
    ("Subscribe", 100.0),
    ("Unsubscribe", 100.0),
];

impl Limits {
    /// An account that has left the sandboxes and has the usual quotas: Lambda runs 1,000 functions at once, SES sends 14
    /// e-mails a second and 50,000 a day.
    pub fn aws_default() -> Limits {
        Limits {
            lambda_concurrency: Some(1_000),
            function_timeouts: true,
            // A small program for provided.al2023; AWS promises no figure.
            cold_start: Duration::from_millis(80),
            lambda_payload_bytes: Some(6_291_556),
            api_timeout: Some(Duration::from_secs(30)),
            api_body_bytes: Some(10 * 1024 * 1024),
            api_rate: Some(Rate::per_second(100.0)),
            watching_rate: Some(Rate::per_second(100.0)),
            step_functions: STEP_FUNCTIONS
                .iter()
                .map(|(operation, burst, rate)| ((*operation).to_owned(), Rate::new(*burst, *rate)))
                .collect(),
            sms_rate: Some(Rate::per_second(20.0)),
            topic_rate: Some(Rate::per_second(30_000.0)),
            topic_email_rate: Some(Rate::per_second(10.0)),
            sns: SNS
                .iter()
                .map(|(operation, rate)| ((*operation).to_owned(), Rate::per_second(*rate)))
                .collect(),
            ses_rate: Some(Rate::per_second(14.0)),
            ses_per_day: Some(50_000),
            // What a new table can do from the start.
            table_reads: Some(Rate::per_second(12_000.0)),
            table_writes: Some(Rate::per_second(4_000.0)),
            ..Limits::default()
        }
    }

    /// An account that was made today: Lambda runs 10 functions at once, and SES is in its sandbox, where it sends one
    /// e-mail a second, 200 a day, and to verified recipients alone.
    pub fn aws_new_account() -> Limits {
        Limits {
            lambda_concurrency: Some(10),
            ses_rate: Some(Rate::per_second(1.0)),
            ses_per_day: Some(200),
            ses_verified: Some(BTreeSet::new()),
            ..Limits::aws_default()
        }
    }
}
