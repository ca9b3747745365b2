//! The fakes of AWS: DynamoDB is that of `test-support`; Step Functions and SNS are scripts of a few lines that answer the
//! calls of this service as AWS does. The SDK's requests go straight to them.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

use test_support::dynamodb::DynamoDb;

pub(crate) const MACHINE: &str = "arn:aws:states:us-east-1:123456789012:stateMachine:lottery";
pub(crate) const EXECUTIONS: &str = "arn:aws:states:us-east-1:123456789012:execution:lottery:";

#[derive(Clone)]
pub(crate) struct Aws(Arc<Parts>);

struct Parts {
    dynamodb: DynamoDb,
    script: Mutex<Script>,
}

/// What happened, and what shall happen.
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) executions: BTreeMap<String, Execution>,
    pub(crate) subscriptions: Vec<Subscription>,
    pub(crate) topics: Vec<String>,
    /// Messages that were sent: a phone, an e-mail address or the label that is the audience, and the text.
    pub(crate) messages: Vec<(String, String)>,
    /// Phones that have opted out of SMS.
    pub(crate) opted_out: Vec<String>,
    /// Every operation asked for.
    pub(crate) calls: Vec<String>,
    /// Errors to answer with instead of acting, each once: operation, status, code.
    pub(crate) failures: VecDeque<(&'static str, u16, &'static str)>,
    made: usize,
}

#[derive(Default, Clone)]
pub(crate) struct Execution {
    pub(crate) input: String,
    pub(crate) status: &'static str,
}

#[derive(Clone, Debug)]
pub(crate) struct Subscription {
    pub(crate) arn: String,
    pub(crate) topic: String,
    pub(crate) endpoint: String,
    pub(crate) policy: String,
}

impl Script {
    pub(crate) fn calls_of(&self, operation: &str) -> usize {
        self.calls.iter().filter(|call| *call == operation).count()
    }

    /// The one execution there is.
    pub(crate) fn only_execution(&mut self) -> (&String, &mut Execution) {
        assert_eq!(self.executions.len(), 1);
        self.executions.iter_mut().next().unwrap()
    }
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Aws")
    }
}

impl Aws {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Parts { dynamodb: DynamoDb::in_memory(), script: Mutex::default() }))
    }

    pub(crate) fn script(&self) -> MutexGuard<'_, Script> {
        self.0.script.lock().unwrap()
    }

    pub(crate) fn fail_next(&self, operation: &'static str, status: u16, code: &'static str) {
        self.script().failures.push_back((operation, status, code));
    }

    /// Sets attributes of an item without the store's knowledge.
    pub(crate) fn set(&self, key: (&str, &str), attributes: &[(&str, Value)]) {
        for (name, value) in attributes {
            let update = json!({
                "TableName": "Lottery",
                "Key": { "pk": { "S": key.0 }, "sk": { "S": key.1 } },
                "UpdateExpression": "SET #name = :value",
                "ExpressionAttributeNames": { "#name": name },
                "ExpressionAttributeValues": { ":value": value },
            });
            self.0.dynamodb.act("UpdateItem", &update.to_string()).unwrap();
        }
    }

    /// All items of a table.
    pub(crate) fn items(&self, table: &str) -> Vec<Value> {
        self.0.dynamodb.items(table)
    }

    /// What was sent to an address so far.
    pub(crate) fn messages_to(&self, to: &str) -> Vec<String> {
        let script = self.script();
        script.messages.iter().filter(|(known, _)| known == to).map(|(_, text)| text.clone()).collect()
    }

    fn send_email(&self, body: &str) -> (u16, String) {
        let email: Value = serde_json::from_str(body).unwrap();
        let to = email["Destination"]["ToAddresses"][0].as_str().unwrap().to_owned();
        let text = email["Content"]["Simple"]["Body"]["Text"]["Data"].as_str().unwrap().to_owned();
        let mut script = self.script();
        script.calls.push("SendEmail".to_owned());
        script.messages.push((to, text));
        (200, json!({ "MessageId": script.messages.len().to_string() }).to_string())
    }

    fn answer(&self, target: &str, body: &str) -> (u16, String) {
        let form = || form(body);
        let operation = match target.rsplit_once('.') {
            Some((_, operation)) => operation.to_owned(),
            None => form().remove("Action").unwrap(),
        };
        let is_query = target.is_empty();
        {
            let mut script = self.script();
            script.calls.push(operation.clone());
            if let Some(index) = script.failures.iter().position(|(scripted, ..)| *scripted == operation) {
                let (_, status, code) = script.failures.remove(index).unwrap();
                return (status, error(is_query, code, "scripted"));
            }
        }
        if target.starts_with("DynamoDB") {
            return match self.0.dynamodb.act(&operation, body) {
                Ok(answer) => (200, answer),
                Err(error) => (error.status_code(), error.to_json()),
            };
        }
        let answered = if is_query {
            self.sns(&operation, &form())
        } else {
            self.step_functions(&operation, &serde_json::from_str(body).unwrap())
        };
        answered.unwrap_or_else(|(code, message)| (400, error(is_query, code, message)))
    }

    fn step_functions(
        &self,
        operation: &str,
        input: &Value,
    ) -> Result<(u16, String), (&'static str, &'static str)> {
        let mut script = self.script();
        let name_of = |input: &Value| input["executionArn"].as_str().unwrap().replace(EXECUTIONS, "");
        let missing = ("ExecutionDoesNotExist", "Execution Does Not Exist");
        let answer = match operation {
            "StartExecution" => {
                assert_eq!(input["stateMachineArn"], MACHINE);
                let name = input["name"].as_str().unwrap();
                let given = input["input"].as_str().unwrap();
                match script.executions.get(name) {
                    Some(found) if found.status == "RUNNING" && found.input == given => {}
                    Some(_) => return Err(("ExecutionAlreadyExists", "Execution Already Exists")),
                    None => {
                        let new = Execution { input: given.to_owned(), status: "RUNNING" };
                        script.executions.insert(name.to_owned(), new);
                    }
                }
                json!({ "executionArn": format!("{EXECUTIONS}{name}"), "startDate": 1.0 })
            }
            "DescribeExecution" => {
                let found = script.executions.get(&name_of(input)).ok_or(missing)?;
                json!({ "executionArn": input["executionArn"], "stateMachineArn": MACHINE, "status": found.status,
                    "startDate": 1.0 })
            }
            "StopExecution" => {
                let found = script.executions.get_mut(&name_of(input)).ok_or(missing)?;
                found.status = "ABORTED";
                json!({ "stopDate": 2.0 })
            }
            other => panic!("the service is not meant to call {other}"),
        };
        Ok((200, answer.to_string()))
    }

    fn sns(
        &self,
        operation: &str,
        form: &BTreeMap<String, String>,
    ) -> Result<(u16, String), (&'static str, &'static str)> {
        let mut script = self.script();
        let result = match operation {
            "CreateTopic" => {
                let arn = format!("arn:aws:sns:us-east-1:123456789012:{}", form["Name"]);
                script.topics.push(arn.clone());
                format!("<TopicArn>{arn}</TopicArn>")
            }
            "Subscribe" => {
                let policy = form.get("Attributes.entry.1.value");
                let (topic, endpoint) = (&form["TopicArn"], &form["Endpoint"]);
                let same = |one: &&Subscription| one.topic == *topic && one.endpoint == *endpoint;
                match script.subscriptions.iter().find(same).cloned() {
                    Some(found) if policy.is_none_or(|policy| *policy == found.policy) => {
                        format!("<SubscriptionArn>{}</SubscriptionArn>", found.arn)
                    }
                    Some(_) => {
                        let message = "Invalid parameter: Attributes Reason: Subscription already exists with \
                            different attributes";
                        return Err(("InvalidParameter", message));
                    }
                    None => {
                        script.made += 1;
                        let arn = format!("{topic}:{}", script.made);
                        let policy = policy.cloned().unwrap_or_default();
                        let (topic, endpoint) = (topic.clone(), endpoint.clone());
                        script.subscriptions.push(Subscription { arn: arn.clone(), topic, endpoint, policy });
                        format!("<SubscriptionArn>{arn}</SubscriptionArn>")
                    }
                }
            }
            "GetSubscriptionAttributes" => {
                let arn = &form["SubscriptionArn"];
                if !script.subscriptions.iter().any(|one| one.arn == *arn) {
                    return Err(("NotFound", "Subscription does not exist"));
                }
                "<Attributes><entry><key>PendingConfirmation</key><value>true</value></entry></Attributes>"
                    .to_owned()
            }
            "SetSubscriptionAttributes" => {
                let arn = &form["SubscriptionArn"];
                let found = script.subscriptions.iter_mut().find(|one| one.arn == *arn).unwrap();
                found.policy = form["AttributeValue"].clone();
                String::new()
            }
            "Publish" => {
                let audience = (1..5).find_map(|number| {
                    let entry = |name: &str| form.get(&format!("MessageAttributes.entry.{number}.{name}"));
                    entry("Name").filter(|name| *name == "audience")?;
                    entry("Value.StringValue")
                });
                let to = form.get("PhoneNumber").or(audience).expect("a message is for somebody").clone();
                script.messages.push((to, form["Message"].clone()));
                format!("<MessageId>{}</MessageId>", script.messages.len())
            }
            "ListPhoneNumbersOptedOut" => {
                let after: usize = form.get("nextToken").map_or(0, |token| token.parse().unwrap());
                let page: String = (script.opted_out.iter().skip(after).take(100))
                    .map(|phone| format!("<member>{phone}</member>"))
                    .collect();
                let next = after + 100;
                let token = if next < script.opted_out.len() {
                    format!("<nextToken>{next}</nextToken>")
                } else {
                    String::new()
                };
                format!("<phoneNumbers>{page}</phoneNumbers>{token}")
            }
            "Unsubscribe" => {
                let arn = &form["SubscriptionArn"];
                script.subscriptions.retain(|one| one.arn != *arn);
                String::new()
            }
            other => panic!("the service is not meant to call {other}"),
        };
        let xml = format!(
            "<{operation}Response xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><{operation}Result>{result}\
             </{operation}Result></{operation}Response>"
        );
        Ok((200, xml))
    }
}

impl HttpConnector for Aws {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default().to_owned();
        let body = std::str::from_utf8(request.body().bytes().unwrap_or_default()).unwrap().to_owned();
        let is_email = request.uri().ends_with("/v2/email/outbound-emails");
        let aws = self.clone();
        HttpConnectorFuture::new(async move {
            // As over a network, other requests get their turn in between.
            tokio::task::yield_now().await;
            let (status, answer) = if is_email { aws.send_email(&body) } else { aws.answer(&target, &body) };
            Ok(HttpResponse::new(status.try_into().unwrap(), SdkBody::from(answer)))
        })
    }
}

fn error(is_query: bool, code: &str, message: &str) -> String {
    if is_query {
        format!(
            "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>Sender</Type>\
             <Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
        )
    } else {
        json!({ "__type": code, "message": message }).to_string()
    }
}

/// The fields of a form-encoded body.
fn form(body: &str) -> BTreeMap<String, String> {
    let uri = format!("/?{body}").parse().unwrap();
    axum::extract::Query::<BTreeMap<String, String>>::try_from_uri(&uri).unwrap().0
}
