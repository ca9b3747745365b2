//! Who called which operation of AWS on what: the permissions that the same program needs there, and what it uses up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Value, json};

use super::text;
use crate::config::{ACCOUNT, REGION};
use crate::definitions::LOTTERY;
use crate::sns::Parameters;

/// Records the calls of callers that say who they are: by the application name of an SDK client, which the functions
/// set to their own names. The lottery's state machine is the caller `states`, another one `states:NAME`.
#[derive(Clone, Debug, Default)]
pub struct CallLog(Arc<Mutex<Recorded>>);

/// One kind of call, as a policy of IAM allows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    /// The function, such as `send-sms`; `states` for the lottery's state machine, `states:NAME` for another one.
    pub caller: String,
    /// The action, such as `dynamodb:PutItem`. A transaction needs the action of each of its items.
    pub action: String,
    /// The ARN; for an SMS, which has none, `phone number`.
    pub resource: String,
}

/// What calls of one operation came to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// How many there were.
    pub calls: u64,
    /// What DynamoDB charges for them, in request units of reading or writing.
    pub units: f64,
}

#[derive(Debug, Default)]
struct Recorded {
    permissions: BTreeSet<Permission>,
    usage: BTreeMap<(String, String), Usage>,
}

impl CallLog {
    /// Every kind of call so far.
    pub fn permissions(&self) -> BTreeSet<Permission> {
        self.recorded().permissions.clone()
    }

    /// What was used so far, by caller and operation such as `dynamodb:TransactWriteItems`.
    pub fn usage(&self) -> BTreeMap<(String, String), Usage> {
        self.recorded().usage.clone()
    }

    fn recorded(&self) -> MutexGuard<'_, Recorded> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes one call that needs these permissions: pairs of action and resource.
    pub(crate) fn note(&self, caller: &str, operation: &str, units: f64, needed: Vec<(String, String)>) {
        let mut recorded = self.recorded();
        for (action, resource) in needed {
            recorded.permissions.insert(Permission { caller: caller.to_owned(), action, resource });
        }
        let usage = recorded.usage.entry((caller.to_owned(), operation.to_owned())).or_default();
        usage.calls += 1;
        usage.units += units;
    }
}

/// Who calls: the function whose name is the access key of the signature, or else the application that an SDK client
/// says it belongs to, `app/NAME` among the words of its user agent.
pub(super) fn caller(headers: &HeaderMap) -> Option<String> {
    let key = text(headers, "authorization").and_then(|it| it.split_once("Credential="));
    let key = key.and_then(|(_, credential)| credential.split('/').next());
    if let Some(key) = key.filter(|key| *key == "api" || workflow_tasks::Function::parse(key).is_ok()) {
        return Some(key.to_owned());
    }
    let agent = text(headers, "x-amz-user-agent").or_else(|| text(headers, "user-agent"))?;
    agent.split(' ').find_map(|word| word.strip_prefix("app/")).map(str::to_owned)
}

/// A state machine as a caller.
pub(crate) fn machine_caller(name: &str) -> String {
    if name == LOTTERY.name { "states".to_owned() } else { format!("states:{name}") }
}

/// The body of a call of DynamoDB that also asks what the call costs.
pub(super) fn asking_for_units(body: &Bytes) -> Bytes {
    match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(mut members)) => {
            members.insert("ReturnConsumedCapacity".to_owned(), json!("TOTAL"));
            Bytes::from(Value::Object(members).to_string())
        }
        _ => body.clone(),
    }
}

/// What an answer of DynamoDB says that the call cost.
pub(super) fn units(answer: &[u8]) -> f64 {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    let of = |one: &Value| one["CapacityUnits"].as_f64().unwrap_or(0.0);
    match &answer["ConsumedCapacity"] {
        Value::Array(tables) => tables.iter().map(of).sum(),
        one => of(one),
    }
}

/// What a call of DynamoDB needs.
pub(crate) fn of_dynamodb(operation: &str, body: &[u8]) -> Vec<(String, String)> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let table = |name: &Value| {
        format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{}", name.as_str().unwrap_or_default())
    };
    let action = |name: &str| format!("dynamodb:{name}");
    if let Some(items) = body["TransactItems"].as_array() {
        let members = items.iter().filter_map(Value::as_object).flatten();
        return members
            .map(|(kind, item)| match kind.as_str() {
                "ConditionCheck" => (action("ConditionCheckItem"), table(&item["TableName"])),
                kind => (action(&format!("{kind}Item")), table(&item["TableName"])),
            })
            .collect();
    }
    match body["RequestItems"].as_object() {
        Some(tables) => tables.keys().map(|name| (action(operation), table(&json!(name)))).collect(),
        None => vec![(action(operation), table(&body["TableName"]))],
    }
}

/// What a call of Step Functions needs.
pub(super) fn of_step_functions(operation: &str, body: &[u8]) -> Vec<(String, String)> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let resource = body["executionArn"].as_str().or_else(|| body["stateMachineArn"].as_str());
    vec![(format!("states:{operation}"), resource.unwrap_or("*").to_owned())]
}

/// What a call of SNS needs. A subscription is part of its topic.
pub(crate) fn of_sns(parameters: &Parameters, action: &str) -> Vec<(String, String)> {
    let resource = if let Some(topic) = parameters.get("TopicArn") {
        topic.to_owned()
    } else if let Some(subscription) = parameters.get("SubscriptionArn") {
        subscription.rsplit_once(':').map_or("*", |(topic, _)| topic).to_owned()
    } else if let Some(name) = parameters.get("Name") {
        crate::definitions::topic_arn(name)
    } else if action == "Publish" {
        "phone number".to_owned()
    } else {
        // Actions on the account, such as those on who has opted out of SMS.
        "*".to_owned()
    };
    vec![(format!("sns:{action}"), resource)]
}

/// What an e-mail through SES needs.
pub(super) fn of_ses(sender: &str) -> Vec<(String, String)> {
    let domain = sender.rsplit_once('@').map_or(sender, |(_, domain)| domain);
    vec![("ses:SendEmail".to_owned(), format!("arn:aws:ses:{REGION}:{ACCOUNT}:identity/{domain}"))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_needs_the_action_of_each_item() {
        let body = json!({"TransactItems": [
            {"Put": {"TableName": "A"}},
            {"ConditionCheck": {"TableName": "B"}},
        ]});
        let needed = of_dynamodb("TransactWriteItems", body.to_string().as_bytes());
        let table = |name| format!("arn:aws:dynamodb:us-east-1:123456789012:table/{name}");
        let expected = [("dynamodb:PutItem", table("A")), ("dynamodb:ConditionCheckItem", table("B"))];
        assert_eq!(needed, expected.map(|(action, table)| (action.to_owned(), table)));
    }

    #[test]
    fn an_application_says_its_name_in_the_user_agent() {
        let mut headers = HeaderMap::new();
        assert_eq!(caller(&headers), None);
        let agent = "aws-sdk-rust/1.4 ua/2.1 api/sns/1.1 os/linux lang/rust/1.95 m/E app/send-sms";
        headers.insert("x-amz-user-agent", agent.parse().unwrap());
        assert_eq!(caller(&headers).as_deref(), Some("send-sms"));
        let signature = |key: &str| {
            format!(
                "AWS4-HMAC-SHA256 Credential={key}/20261128/us-east-1/sns/aws4_request, SignedHeaders=host, Signature=0"
            )
        };
        headers.insert("authorization", signature("local").parse().unwrap());
        assert_eq!(caller(&headers).as_deref(), Some("send-sms"), "somebody's key says nothing");
        headers.insert("authorization", signature("draw-winners").parse().unwrap());
        assert_eq!(caller(&headers).as_deref(), Some("draw-winners"));
    }
}
