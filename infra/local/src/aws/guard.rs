//! Checks before every call of AWS in a stack with limits or permissions: may the caller, and is there room.

use std::sync::Arc;

use asl_engine::TaskFailure;
use bytes::Bytes;
use http::Response;
use serde_json::json;
use uuid::Uuid;

use super::{json as json_response, query, ses};
use crate::iam::Template;
use crate::limits::{Account, Refusal, Service, ServiceCall};
use crate::sns::{Parameters, SnsError};

/// Limits, permissions, or both.
pub(crate) struct Guard {
    iam: Option<Template>,
    account: Option<Arc<Account>>,
}

/// Why a call is not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// No policy allows it.
    Denied(String),
    /// There is no room now.
    Throttled(Refusal),
}

impl Guard {
    /// A guard, if there is anything to guard.
    pub(crate) fn new(iam: Option<Template>, account: Option<Arc<Account>>) -> Option<Arc<Guard>> {
        (iam.is_some() || account.is_some()).then(|| Arc::new(Guard { iam, account }))
    }

    /// Lets a call through, which is under way until the value is dropped. `needed` are pairs of action and resource.
    pub(crate) async fn admit(
        &self,
        caller: Option<&str>,
        needed: &[(String, String)],
        call: &Service<'_>,
    ) -> Result<Option<ServiceCall>, Refused> {
        self.allow(caller, needed)?;
        // What CloudFormation does on AWS is no call of the stack's.
        let Some(account) = self.account.as_ref().filter(|_| caller != Some("set-up")) else {
            return Ok(None);
        };
        let under_way = account.service_call().await;
        account.take(call).map_err(Refused::Throttled)?;
        Ok(Some(under_way))
    }

    /// Whether the caller may.
    pub(crate) fn allow(&self, caller: Option<&str>, needed: &[(String, String)]) -> Result<(), Refused> {
        match (&self.iam, caller) {
            (Some(iam), Some(caller)) => {
                iam.check(caller, needed).map_err(|denied| Refused::Denied(denied.message))
            }
            _ => Ok(()),
        }
    }

    /// Notes a call of a service without limits, which is under way until the value is dropped.
    pub(crate) fn unlimited_call(&self) -> Option<ServiceCall> {
        self.account.as_ref().map(Account::unlimited_call)
    }

    /// Charges the tables of a call with the units that it used.
    pub(crate) fn charge(&self, operation: &str, needed: &[(String, String)], units: f64) {
        let Some(account) = &self.account else { return };
        let tables = tables(needed);
        for table in &tables {
            account.charge_table(operation, table, units / tables.len() as f64);
        }
    }
}

/// The tables of a call, each once.
pub(super) fn tables(needed: &[(String, String)]) -> Vec<String> {
    let mut tables: Vec<String> = needed.iter().map(|(_, table)| table.clone()).collect();
    tables.sort_unstable();
    tables.dedup();
    tables
}

/// What a call of SNS counts as.
pub(crate) fn of_sns<'a>(action: &'a str, parameters: &Parameters) -> Service<'a> {
    match action {
        "Publish" if parameters.get("PhoneNumber").is_some() => Service::Sms,
        "Publish" => Service::Topic(1),
        "PublishBatch" => Service::Topic(parameters.list("PublishBatchRequestEntries").len()),
        other => Service::Sns(other),
    }
}

impl Refused {
    pub(super) fn message(&self) -> &str {
        match self {
            Refused::Denied(message) => message,
            Refused::Throttled(refusal) => &refusal.message,
        }
    }

    /// In AWS JSON: of Step Functions and DynamoDB, which have namespaces of their own.
    pub(super) fn in_json(&self, service: JsonService) -> Response<Bytes> {
        let name = match (self, service) {
            (Refused::Denied(_), JsonService::StepFunctions | JsonService::Events) => {
                "AccessDeniedException".to_owned()
            }
            (Refused::Denied(_), JsonService::DynamoDb) => {
                "com.amazon.coral.service#AccessDeniedException".to_owned()
            }
            (Refused::Denied(_), JsonService::Sqs) => "com.amazon.coral.service#AccessDenied".to_owned(),
            (
                Refused::Throttled(refusal),
                JsonService::StepFunctions | JsonService::Sqs | JsonService::Events,
            ) => refusal.code.to_owned(),
            (Refused::Throttled(refusal), JsonService::DynamoDb) => {
                format!("com.amazonaws.dynamodb.v20120810#{}", refusal.code)
            }
        };
        let body = json!({"__type": name, "message": self.message()});
        json_response(400, body.to_string().into())
    }

    /// In the query protocol, as SNS answers.
    pub(super) fn in_xml(&self) -> Response<Bytes> {
        query::failure(&self.of_sns())
    }

    /// In the REST protocol, as SES answers.
    pub(super) fn of_ses(&self) -> Response<Bytes> {
        match self {
            Refused::Denied(message) => ses::refusal(403, "AccessDeniedException", message),
            Refused::Throttled(refusal) => ses::refusal(refusal.status, refusal.code, &refusal.message),
        }
    }

    fn of_sns(&self) -> SnsError {
        let (code, status) = match self {
            Refused::Denied(_) => ("AuthorizationError", 403),
            Refused::Throttled(refusal) => (refusal.code, refusal.status),
        };
        SnsError { code, status, message: self.message().to_owned() }
    }

    /// The failure of a Task state that calls this service by an optimized integration, or by `aws-sdk:`.
    pub(crate) fn of_task(&self, service: &str) -> TaskFailure {
        let is_denied = matches!(self, Refused::Denied(_));
        let id = Uuid::new_v4();
        let (error, code, status) = match (service, self) {
            ("lambda", _) => ("Lambda.AWSLambdaException", "AccessDeniedException", 403),
            ("aws-sdk:lambda", _) => ("Lambda.LambdaException", "AccessDeniedException", 403),
            ("sns", Refused::Throttled(_)) => ("SNS.ThrottledException", "Throttled", 429),
            ("sns", _) => ("SNS.AuthorizationErrorException", "AuthorizationError", 403),
            ("aws-sdk:sns", Refused::Throttled(_)) => ("Sns.ThrottledException", "Throttled", 429),
            ("aws-sdk:sns", _) => ("Sns.AuthorizationErrorException", "AuthorizationError", 403),
            ("s3", _) => ("S3.AmazonS3Exception", "AccessDenied", 403),
            ("aws-sdk:s3", _) => ("S3.S3Exception", "AccessDenied", 403),
            ("sqs", _) => ("SQS.AmazonSQSException", "AccessDenied", 403),
            ("aws-sdk:sqs", _) => ("Sqs.SqsException", "AccessDenied", 403),
            ("events", _) => ("EventBridge.AmazonEventBridgeException", "AccessDeniedException", 400),
            ("aws-sdk:eventbridge", _) => ("EventBridge.EventBridgeException", "AccessDeniedException", 400),
            ("aws-sdk:scheduler", _) => ("Scheduler.SchedulerException", "AccessDeniedException", 403),
            ("dynamodb", _) if is_denied => {
                ("DynamoDB.AmazonDynamoDBException", "AccessDeniedException", 400)
            }
            ("dynamodb", _) => ("DynamoDB.ThrottlingException", "ThrottlingException", 400),
            (_, _) if is_denied => ("DynamoDb.DynamoDbException", "AccessDeniedException", 400),
            _ => ("DynamoDb.ThrottlingException", "ThrottlingException", 400),
        };
        let message = self.message();
        let cause = match service.strip_prefix("aws-sdk:") {
            Some(name) => format!("{message} (Service: {name}, Status Code: {status}, Request ID: {id})"),
            None => format!(
                "{message} (Service: Amazon{service}; Status Code: {status}; Error Code: {code}; Request ID: {id}; Proxy: null)"
            ),
        };
        TaskFailure { error: error.to_owned(), cause }
    }
}

/// A service that speaks AWS JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JsonService {
    StepFunctions,
    DynamoDb,
    Sqs,
    Events,
}
