//! [`Deployment`]: what CloudFormation makes of a template on AWS, made in a stack.

use asl_engine::data::Json;
use asl_engine::service::Service;
use asl_engine::{Call, Invoker, TaskFailure};
use serde_json::{Map, Value, json};

use crate::iam::{Resource, machine_name};
use crate::invoker::HostInvoker;
use crate::{Config, StartError, Template};

/// What a template of SAM deploys: its tables, buckets, queues, topics, activities, state machines, rules and schedules.
///
/// Its functions are those of [`Config::handlers`], by the names of their binaries. Roles, logs, alarms and the like have no
/// counterpart in the stack. A resource is named after its logical name: the table `PicturesTable` is `Pictures`, the bucket
/// `PicturesBucket` is `pictures`; a state machine has the name of its definition's file.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// The template, read from a file: definitions of state machines are found beside it.
    pub template: Template,
    /// The test case of [`Config::mocks`] that executions have which rules and schedules start.
    pub test_case: Option<String>,
}

/// The services that resources are made in.
struct Services<'a> {
    invoker: &'a HostInvoker,
    step_functions: &'a Service,
    test_case: Option<&'a str>,
}

/// In which order resources are made: those last that name others.
fn rank(resource: &Resource) -> u8 {
    match resource.kind.as_str() {
        "AWS::Serverless::StateMachine" => 1,
        "AWS::Events::Rule" | "AWS::Scheduler::Schedule" => 2,
        _ => 0,
    }
}

impl Deployment {
    /// Makes each resource; one that is there already is left, or brought up to date.
    pub(crate) async fn create(
        &self,
        config: &Config,
        invoker: &HostInvoker,
        step_functions: &Service,
    ) -> Result<(), StartError> {
        let failed = |what: &str, reason: String| StartError::SetUp { what: what.to_owned(), reason };
        self.check_functions(config).map_err(|reason| failed("the deployment", reason))?;
        let resources = self.template.resources();
        let mut resources = resources.map_err(|error| failed("the deployment", error.to_string()))?;
        resources.sort_by_key(|(resource, _)| rank(resource));
        let services = Services { invoker, step_functions, test_case: self.test_case.as_deref() };
        for (resource, arn) in &resources {
            let created = match resource.kind.as_str() {
                "AWS::Serverless::StateMachine" => match self.definition(&resource.properties) {
                    Ok(definition) => services.create_machine(&resource.properties, arn, &definition).await,
                    Err(reason) => Err(reason),
                },
                _ => services.create(resource, arn).await,
            };
            created.map_err(|reason| failed(&resource.name, reason))?;
        }
        Ok(())
    }

    /// Refuses a template with a function that nothing runs.
    fn check_functions(&self, config: &Config) -> Result<(), String> {
        if config.lambda_endpoint.is_some() {
            return Ok(());
        }
        let functions = self.template.functions();
        let missing =
            functions.keys().find(|function| !config.handlers.names().any(|name| name == **function));
        missing.map_or(Ok(()), |function| Err(format!("nothing runs the function {function}")))
    }

    /// The text of a state machine's definition, with its placeholders filled.
    fn definition(&self, properties: &Value) -> Result<String, String> {
        let path = self.template.folder().join(properties["DefinitionUri"].as_str().unwrap_or_default());
        let text = std::fs::read_to_string(&path);
        let mut text = text.map_err(|error| format!("{}: {error}", path.display()))?;
        for (name, value) in properties["DefinitionSubstitutions"].as_object().into_iter().flatten() {
            text = text.replace(&format!("${{{name}}}"), value.as_str().unwrap_or_default());
        }
        Ok(text)
    }
}

impl Services<'_> {
    async fn create(&self, resource: &Resource, arn: &str) -> Result<(), String> {
        let properties = &resource.properties;
        // The last part of the ARN, after a colon or a slash.
        let name = arn.rsplit([':', '/']).next().unwrap_or_default();
        match resource.kind.as_str() {
            "AWS::DynamoDB::Table" => {
                let request = named("TableName", name, properties, &TABLE);
                self.call_unless("dynamodb", "createTable", request, "ResourceInUse").await
            }
            "AWS::S3::Bucket" => self.create_bucket(name, properties).await,
            "AWS::SQS::Queue" => {
                let attributes = Value::Object(attributes(properties));
                self.call("sqs", "createQueue", json!({"QueueName": name, "Attributes": attributes})).await
            }
            "AWS::SNS::Topic" => self.call("sns", "createTopic", json!({"Name": name})).await,
            "AWS::StepFunctions::Activity" => self
                .step_functions("CreateActivity", json!({"name": name}))
                .await
                .map_err(|(_, reason)| reason),
            "AWS::Events::Rule" => self.create_rule(name, properties).await,
            "AWS::Scheduler::Schedule" => {
                let mut request = named("Name", name, properties, &SCHEDULE);
                self.choose_test_case(&mut request["Target"]);
                self.call_unless("scheduler", "createSchedule", request, "Conflict").await
            }
            _ => Ok(()),
        }
    }

    async fn create_bucket(&self, name: &str, properties: &Value) -> Result<(), String> {
        self.call_unless("s3", "createBucket", json!({"Bucket": name}), "BucketAlreadyOwnedByYou").await?;
        let configuration = &properties["NotificationConfiguration"]["EventBridgeConfiguration"];
        if configuration.is_null() || configuration["EventBridgeEnabled"] == false {
            return Ok(());
        }
        let notification = json!({"EventBridgeConfiguration": {}});
        let request = json!({"Bucket": name, "NotificationConfiguration": notification});
        self.call("s3", "putBucketNotificationConfiguration", request).await
    }

    async fn create_rule(&self, name: &str, properties: &Value) -> Result<(), String> {
        let mut rule = named("Name", name, properties, &RULE);
        if let Some(pattern) = properties.get("EventPattern") {
            rule["EventPattern"] = json!(pattern.to_string());
        }
        self.call("eventbridge", "putRule", rule).await?;
        let mut targets = json!({"Rule": name, "Targets": properties["Targets"]});
        for target in targets["Targets"].as_array_mut().into_iter().flatten() {
            self.choose_test_case(target);
        }
        self.call("eventbridge", "putTargets", targets).await
    }

    /// Lets what a target starts have the test case.
    fn choose_test_case(&self, target: &mut Value) {
        let (Some(case), Some(arn)) = (self.test_case, target["Arn"].as_str()) else { return };
        if arn.contains(":stateMachine:") {
            target["Arn"] = json!(format!("{arn}#{case}"));
        }
    }

    async fn create_machine(&self, properties: &Value, arn: &str, definition: &str) -> Result<(), String> {
        let mut request = json!({
            "name": machine_name(properties),
            "roleArn": properties["Role"],
            "definition": definition,
        });
        if let Some(kind) = properties["Type"].as_str() {
            request["type"] = json!(kind);
        }
        match self.step_functions("CreateStateMachine", request).await {
            Err((code, _)) if code == "StateMachineAlreadyExists" => {
                let request = json!({"stateMachineArn": arn, "definition": definition});
                self.step_functions("UpdateStateMachine", request).await.map_err(|(_, reason)| reason)
            }
            created => created.map_err(|(_, reason)| reason),
        }
    }

    /// Calls Step Functions; a refusal is its code and a sentence.
    async fn step_functions(&self, operation: &str, request: Value) -> Result<(), (String, String)> {
        let reply = self.step_functions.call(operation, request.to_string().as_bytes()).await;
        if reply.status == 200 {
            return Ok(());
        }
        let answer: Value = serde_json::from_str(&reply.body).unwrap_or_default();
        let code = answer["__type"].as_str().and_then(|name| name.rsplit('#').next()).unwrap_or_default();
        Err((code.to_owned(), format!("{code}: {}", answer["message"].as_str().unwrap_or_default())))
    }

    async fn call(&self, service: &str, action: &str, request: Value) -> Result<(), String> {
        self.invoke(service, action, request).await.map_err(|failure| describe(&failure))
    }

    /// Calls an API; a failure whose name has this part is none.
    async fn call_unless(
        &self,
        service: &str,
        action: &str,
        request: Value,
        part: &str,
    ) -> Result<(), String> {
        match self.invoke(service, action, request).await {
            Err(failure) if failure.error.contains(part) => Ok(()),
            called => called.map_err(|failure| describe(&failure)),
        }
    }

    async fn invoke(&self, service: &str, action: &str, request: Value) -> Result<(), TaskFailure> {
        let call = Call {
            service: format!("aws-sdk:{service}"),
            action: action.to_owned(),
            parameters: Json::from(request),
            execution_arn: String::new(),
            timeout: None,
        };
        self.invoker.invoke(call).await.map(drop)
    }
}

fn describe(failure: &TaskFailure) -> String {
    format!("{}: {}", failure.error, failure.cause)
}

/// Properties of CloudFormation that the API has by the same names.
const TABLE: [&str; 5] =
    ["AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes", "LocalSecondaryIndexes"];
const RULE: [&str; 2] = ["ScheduleExpression", "State"];
const SCHEDULE: [&str; 7] = [
    "ScheduleExpression",
    "ScheduleExpressionTimezone",
    "StartDate",
    "EndDate",
    "FlexibleTimeWindow",
    "State",
    "Target",
];
/// Of queues they are attributes.
const QUEUE: [&str; 8] = [
    "ContentBasedDeduplication",
    "DelaySeconds",
    "FifoQueue",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "RedrivePolicy",
    "VisibilityTimeout",
];

/// A request with the name of the resource and those of its properties that the API knows.
fn named(member: &str, name: &str, properties: &Value, known: &[&str]) -> Value {
    let mut request = Map::new();
    request.insert(member.to_owned(), json!(name));
    for property in known {
        if let Some(value) = properties.get(*property) {
            request.insert((*property).to_owned(), value.clone());
        }
    }
    Value::Object(request)
}

/// The attributes of a queue, all of which are texts.
fn attributes(properties: &Value) -> Map<String, Value> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let given =
        QUEUE.iter().filter_map(|name| Some(((*name).to_owned(), json!(text(properties.get(*name)?)))));
    given.collect()
}
