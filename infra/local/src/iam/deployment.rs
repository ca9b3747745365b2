//! What a template deploys, as far as permissions and limits ask for it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::policy::{Principal, Statement, statements};
use super::resolve::{Resolver, Resource, function_name, machine_name, text};
use crate::aws::machine_caller;
use crate::config::ACCOUNT;

/// The deployment of a template.
#[derive(Debug)]
pub(super) struct Deployment {
    /// By their names.
    pub(super) functions: BTreeMap<String, Function>,
    /// By what they are as callers.
    pub(super) state_machines: BTreeMap<String, StateMachine>,
    /// What roles may do, by their ARNs.
    pub(super) roles: BTreeMap<String, Vec<Statement>>,
    /// Policies of resources, by the ARNs of these.
    pub(super) resource_policies: BTreeMap<String, Vec<Statement>>,
    /// The keys that tables, topics, queues, secrets and log groups are encrypted with, by ARN.
    pub(super) keys: BTreeMap<String, String>,
    /// Log groups with a key, by ARN.
    pub(super) log_groups: Vec<String>,
    /// Services that call something: principal, action, resource, and the ARN that it calls for.
    pub(super) service_calls: Vec<ServiceCall>,
    /// Routes of API Gateway with a rate of their own, such as `GET /lotteries/{lottery_id}`.
    pub(super) routes: Vec<String>,
    /// Roles that are handed to services, by the services: `iam:PassRole` with the condition `iam:PassedToService`.
    pub(super) passed_roles: BTreeMap<String, String>,
}

/// A function.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) arn: String,
    pub(super) figures: FunctionFigures,
    pub(super) role: String,
    /// The ARN of its log group.
    pub(super) log_group: String,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) is_traced: bool,
    /// Where events go that it did not take: topics and queues.
    pub(super) dead_letters: Vec<String>,
}

/// What limits a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FunctionFigures {
    /// Its memory in MB, by which AWS charges.
    pub memory_mb: u32,
    /// How long an invocation may take.
    pub timeout: Duration,
}

/// The state machine.
#[derive(Debug)]
pub(super) struct StateMachine {
    pub(super) arn: String,
    pub(super) role: String,
    pub(super) is_logged: bool,
    pub(super) is_traced: bool,
    /// The text that the definition has for each function, by the function's name: its ARN, or that of an alias.
    pub(super) functions: BTreeMap<String, String>,
}

/// What Lambda does to hand the messages of a queue to a function.
const QUEUE_READS: [&str; 3] = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];

/// A service that calls something by itself.
#[derive(Clone, Debug)]
pub(super) struct ServiceCall {
    pub(super) principal: Principal,
    pub(super) action: &'static str,
    pub(super) resource: String,
    /// On whose behalf: `aws:SourceArn`.
    pub(super) source: String,
}

impl Deployment {
    pub(super) fn of(body: &Value) -> Result<Deployment, String> {
        let resolver = Resolver::new(body);
        let mut deployment = Deployment {
            functions: BTreeMap::new(),
            state_machines: BTreeMap::new(),
            roles: BTreeMap::new(),
            resource_policies: BTreeMap::new(),
            keys: BTreeMap::new(),
            log_groups: Vec::new(),
            service_calls: Vec::new(),
            routes: Vec::new(),
            passed_roles: BTreeMap::new(),
        };
        let resources = resolver.resources()?;
        let globals = resolver.globals()?;
        let arn_of = |name: &str| -> Result<String, String> {
            let arn = resolver.resolve(&serde_json::json!({"Fn::GetAtt": [name, "Arn"]}))?;
            Ok(arn.as_str().unwrap_or_default().to_owned())
        };
        let managed: BTreeMap<String, Vec<Statement>> = resources
            .iter()
            .filter(|it| it.kind == "AWS::IAM::ManagedPolicy")
            .map(|it| Ok((arn_of(&it.name)?, named(it, statements(&it.properties["PolicyDocument"]))?)))
            .collect::<Result<_, String>>()?;
        for resource in &resources {
            let arn = arn_of(&resource.name)?;
            deployment.add(resource, arn, &globals, &managed)?;
        }
        // After all functions are known.
        for resource in &resources {
            deployment.add_callers(resource, &arn_of)?;
        }
        Ok(deployment)
    }

    fn add(
        &mut self,
        resource: &Resource,
        arn: String,
        globals: &Value,
        managed: &BTreeMap<String, Vec<Statement>>,
    ) -> Result<(), String> {
        let properties = &resource.properties;
        match resource.kind.as_str() {
            "AWS::IAM::Role" => {
                let mut found = Vec::new();
                for policy in list(&properties["Policies"]) {
                    self.note_passed_roles(&policy["PolicyDocument"]["Statement"]);
                    found.extend(named(resource, statements(&policy["PolicyDocument"]))?);
                }
                for policy in list(&properties["ManagedPolicyArns"]).iter().filter_map(|it| it.as_str()) {
                    let statements = managed.get(policy);
                    found.extend(
                        statements
                            .ok_or_else(|| {
                                format!("{}: the policy {policy} is not in the template", resource.name)
                            })?
                            .clone(),
                    );
                }
                let trust = named(resource, statements(&properties["AssumeRolePolicyDocument"]))?;
                self.roles.insert(arn.clone(), found);
                self.resource_policies.insert(arn, trust);
            }
            "AWS::KMS::Key" => {
                let policy = named(resource, statements(&properties["KeyPolicy"]))?;
                self.resource_policies.insert(arn, policy);
            }
            "AWS::SNS::TopicPolicy" => {
                for topic in list(&properties["Topics"]).iter().filter_map(|it| it.as_str()) {
                    let policy = named(resource, statements(&properties["PolicyDocument"]))?;
                    self.resource_policies.entry(topic.to_owned()).or_default().extend(policy);
                }
            }
            "AWS::SQS::QueuePolicy" => {
                for queue in list(&properties["Queues"]).iter().filter_map(|it| it.as_str()) {
                    let policy = named(resource, statements(&properties["PolicyDocument"]))?;
                    let queue = format!("arn:aws:sqs:{}:{ACCOUNT}:{queue}", crate::config::REGION);
                    self.resource_policies.entry(queue).or_default().extend(policy);
                }
            }
            "AWS::Lambda::Permission" => self.add_permission(properties)?,
            "AWS::DynamoDB::Table" => {
                self.note_key(arn, &properties["SSESpecification"]["KMSMasterKeyId"]);
            }
            "AWS::SNS::Topic" => self.note_key(arn, &properties["KmsMasterKeyId"]),
            "AWS::SQS::Queue" => self.note_key(arn, &properties["KmsMasterKeyId"]),
            "AWS::SecretsManager::Secret" => self.note_key(arn, &properties["KmsKeyId"]),
            "AWS::Logs::LogGroup" if properties["KmsKeyId"].is_string() => {
                let group = arn.trim_end_matches(":*").to_owned();
                self.note_key(group.clone(), &properties["KmsKeyId"]);
                self.log_groups.push(group);
            }
            "AWS::Serverless::Function" => {
                let function = Function::of(resource, arn, globals)?;
                let raw = serde_json::json!({"Properties": properties, "Metadata": resource.metadata});
                self.functions.insert(function_name(&raw), function);
            }
            "AWS::ApiGatewayV2::Stage" => {
                let routes = properties["RouteSettings"].as_object().into_iter().flatten();
                self.routes.extend(routes.map(|(route, _)| route.clone()));
            }
            "AWS::Serverless::StateMachine" => {
                let caller = machine_caller(machine_name(properties));
                self.state_machines.insert(caller, StateMachine::of(resource, arn)?);
            }
            _ => {}
        }
        Ok(())
    }

    fn note_passed_roles(&mut self, statements: &Value) {
        for statement in list(statements) {
            let services = list(&statement["Condition"]["StringEquals"]["iam:PassedToService"]);
            for service in services.iter().filter_map(Value::as_str) {
                let roles = list(&statement["Resource"]).into_iter();
                let roles = roles.filter_map(|role| Some((service.to_owned(), role.as_str()?.to_owned())));
                self.passed_roles.extend(roles);
            }
        }
    }

    fn note_key(&mut self, arn: String, key: &Value) {
        let Some(key) = key.as_str() else { return };
        // A key's id is its logical name here.
        let key = match key.starts_with("arn:") {
            true => key.to_owned(),
            false => format!("arn:aws:kms:{}:{ACCOUNT}:key/{key}", crate::config::REGION),
        };
        self.keys.insert(arn, key);
    }

    fn add_permission(&mut self, properties: &Value) -> Result<(), String> {
        let name = properties["FunctionName"].as_str().unwrap_or_default();
        let function = match name.starts_with("arn:") {
            true => name.to_owned(),
            false => format!("arn:aws:lambda:{}:{ACCOUNT}:function:{name}", crate::config::REGION),
        };
        let mut statement = serde_json::json!({
            "Effect": "Allow",
            "Principal": {"Service": properties["Principal"]},
            "Action": properties["Action"],
            "Resource": function,
        });
        if let Some(source) = properties["SourceArn"].as_str() {
            statement["Condition"]["ArnLike"]["aws:SourceArn"] = source.into();
        }
        if let Some(account) = properties["SourceAccount"].as_str() {
            statement["Condition"]["StringEquals"]["aws:SourceAccount"] = account.into();
        }
        let document = serde_json::json!({"Statement": [statement]});
        self.resource_policies.entry(function).or_default().extend(statements(&document)?);
        Ok(())
    }

    /// Services that call functions and topics of this template.
    fn add_callers(
        &mut self,
        resource: &Resource,
        arn_of: &impl Fn(&str) -> Result<String, String>,
    ) -> Result<(), String> {
        let properties = &resource.properties;
        let service = |name: &str| Principal::Service(format!("{name}.amazonaws.com"));
        match resource.kind.as_str() {
            "AWS::Events::Rule" => {
                for target in list(&properties["Targets"]) {
                    self.add_start_of_execution(&target, &arn_of(&resource.name)?);
                    if let Some(queue) = target["Arn"].as_str().filter(|arn| arn.contains(":sqs:")) {
                        self.service_calls.push(ServiceCall {
                            principal: service("events"),
                            action: "sqs:SendMessage",
                            resource: queue.to_owned(),
                            source: arn_of(&resource.name)?,
                        });
                        self.add_dead_letters(service("events"), &target, arn_of(&resource.name)?);
                    }
                    let Some(function) = target["Arn"].as_str().filter(|arn| arn.contains(":lambda:")) else {
                        continue;
                    };
                    self.service_calls.push(ServiceCall {
                        principal: service("events"),
                        action: "lambda:InvokeFunction",
                        resource: function.to_owned(),
                        source: arn_of(&resource.name)?,
                    });
                    self.add_dead_letters(service("events"), &target, arn_of(&resource.name)?);
                }
            }
            "AWS::Scheduler::Schedule" => {
                let target = &properties["Target"];
                let role = target["RoleArn"].as_str().unwrap_or_default().to_owned();
                let source = arn_of(&resource.name)?;
                let called = target["Arn"].as_str().unwrap_or_default();
                let starts = called.contains(":stateMachine:");
                self.service_calls.push(ServiceCall {
                    principal: service("scheduler"),
                    action: "sts:AssumeRole",
                    resource: role.clone(),
                    source: source.clone(),
                });
                self.service_calls.push(ServiceCall {
                    principal: Principal::Aws(role.clone()),
                    action: if starts { "states:StartExecution" } else { "lambda:InvokeFunction" },
                    resource: called.to_owned(),
                    source: source.clone(),
                });
                self.add_dead_letters(Principal::Aws(role), target, source);
            }
            "AWS::Lambda::EventSourceMapping" => {
                let name = properties["FunctionName"].as_str().unwrap_or_default();
                let function = self.functions.get(name.rsplit(':').next().unwrap_or(name));
                let queue = properties["EventSourceArn"].as_str().filter(|arn| arn.contains(":sqs:"));
                let (Some(function), Some(queue)) = (function, queue) else { return Ok(()) };
                // Lambda reads the queue with the function's role.
                let (role, source) = (Principal::Aws(function.role.clone()), function.arn.clone());
                self.service_calls.extend(QUEUE_READS.map(|action| ServiceCall {
                    principal: role.clone(),
                    action,
                    resource: queue.to_owned(),
                    source: source.clone(),
                }));
            }
            "AWS::ApiGatewayV2::Integration"
                if properties["IntegrationType"] == "AWS_PROXY"
                    && properties["IntegrationSubtype"].is_null() =>
            {
                let uri = properties["IntegrationUri"].as_str().unwrap_or_default();
                let api = properties["ApiId"].as_str().unwrap_or_default();
                // The ARN itself, or within the path of the Invoke API.
                let function = uri.split_once("/functions/").map_or(uri, |(_, rest)| rest);
                self.service_calls.push(ServiceCall {
                    principal: service("apigateway"),
                    action: "lambda:InvokeFunction",
                    resource: function.trim_end_matches("/invocations").to_owned(),
                    source: format!(
                        "arn:aws:execute-api:{}:{ACCOUNT}:{api}/$default/$default",
                        crate::config::REGION
                    ),
                });
            }
            "AWS::ApiGatewayV2::Integration" => self.add_api_start_of_execution(properties),
            "AWS::SNS::Subscription" if properties["Protocol"] == "lambda" => {
                self.service_calls.push(ServiceCall {
                    principal: service("sns"),
                    action: "lambda:InvokeFunction",
                    resource: properties["Endpoint"].as_str().unwrap_or_default().to_owned(),
                    source: properties["TopicArn"].as_str().unwrap_or_default().to_owned(),
                });
            }
            "AWS::CloudWatch::Alarm" => {
                let actions = ["AlarmActions", "OKActions", "InsufficientDataActions"];
                for topic in actions.iter().flat_map(|name| list(&properties[*name])) {
                    let Some(topic) = topic.as_str().filter(|arn| arn.contains(":sns:")) else { continue };
                    self.service_calls.push(ServiceCall {
                        principal: service("cloudwatch"),
                        action: "sns:Publish",
                        resource: topic.to_owned(),
                        source: arn_of(&resource.name)?,
                    });
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// What a rule needs to start executions of a state machine: its role, and what the role allows.
    fn add_start_of_execution(&mut self, target: &Value, rule: &str) {
        let machine = target["Arn"].as_str().filter(|arn| arn.contains(":stateMachine:"));
        let (Some(machine), Some(role)) = (machine, target["RoleArn"].as_str()) else { return };
        self.add_start_by("events", role, machine, rule);
    }

    /// What API Gateway needs for a route that starts executions without a function between.
    fn add_api_start_of_execution(&mut self, properties: &Value) {
        if properties["IntegrationSubtype"] != "StepFunctions-StartExecution" {
            return;
        }
        let machine = properties["RequestParameters"]["StateMachineArn"].as_str();
        let (Some(machine), Some(role)) = (machine, properties["CredentialsArn"].as_str()) else { return };
        let api = properties["ApiId"].as_str().unwrap_or_default();
        let source = format!("arn:aws:execute-api:{}:{ACCOUNT}:{api}/*", crate::config::REGION);
        self.add_start_by("apigateway", role, machine, &source);
    }

    fn add_start_by(&mut self, service: &str, role: &str, machine: &str, source: &str) {
        let service = Principal::Service(format!("{service}.amazonaws.com"));
        for (principal, action, resource) in [
            (service, "sts:AssumeRole", role),
            (Principal::Aws(role.to_owned()), "states:StartExecution", machine),
        ] {
            let (resource, source) = (resource.to_owned(), source.to_owned());
            self.service_calls.push(ServiceCall { principal, action, resource, source });
        }
    }

    fn add_dead_letters(&mut self, principal: Principal, target: &Value, source: String) {
        if let Some(queue) = target["DeadLetterConfig"]["Arn"].as_str() {
            let resource = queue.to_owned();
            self.service_calls.push(ServiceCall { principal, action: "sqs:SendMessage", resource, source });
        }
    }
}

impl Function {
    fn of(resource: &Resource, arn: String, globals: &Value) -> Result<Function, String> {
        let own = &resource.properties;
        let property = |name: &str| match own.get(name) {
            Some(value) => value.clone(),
            None => globals[name].clone(),
        };
        let number = |name: &str| text(&property(name)).and_then(|number| number.parse::<u32>().ok());
        let mut environment = BTreeMap::new();
        for variables in [&globals["Environment"]["Variables"], &own["Environment"]["Variables"]] {
            for (name, value) in variables.as_object().into_iter().flatten() {
                environment.insert(name.clone(), text(value).unwrap_or_default());
            }
        }
        let name = arn.rsplit(':').next().unwrap_or_default().to_owned();
        let logs = property("LoggingConfig");
        let log_group = logs["LogGroup"].as_str().map_or(format!("/aws/lambda/{name}"), str::to_owned);
        let failure = &own["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]["Destination"];
        let dead_letters = [&own["DeadLetterQueue"]["TargetArn"], failure];
        Ok(Function {
            figures: FunctionFigures {
                memory_mb: number("MemorySize").unwrap_or(128),
                timeout: Duration::from_secs(number("Timeout").unwrap_or(3).into()),
            },
            role: own["Role"]
                .as_str()
                .ok_or_else(|| format!("{}: a function without a Role", resource.name))?
                .to_owned(),
            log_group: format!("arn:aws:logs:{}:{ACCOUNT}:log-group:{log_group}", crate::config::REGION),
            environment,
            is_traced: property("Tracing") == "Active",
            dead_letters: dead_letters.iter().filter_map(|it| it.as_str()).map(str::to_owned).collect(),
            arn,
        })
    }
}

impl StateMachine {
    fn of(resource: &Resource, arn: String) -> Result<StateMachine, String> {
        let properties = &resource.properties;
        let substitutions = properties["DefinitionSubstitutions"].as_object().into_iter().flatten();
        let functions = substitutions.filter_map(|(_, value)| {
            let (_, name) = value.as_str()?.split_once(":function:")?;
            Some((name.split(':').next().unwrap_or(name).to_owned(), value.as_str()?.to_owned()))
        });
        let level = properties["Logging"]["Level"].as_str();
        Ok(StateMachine {
            arn,
            role: properties["Role"]
                .as_str()
                .ok_or_else(|| format!("{}: a state machine without a Role", resource.name))?
                .to_owned(),
            is_logged: level.is_some_and(|level| level != "OFF"),
            is_traced: properties["Tracing"]["Enabled"] == true,
            functions: functions.collect(),
        })
    }
}

/// The outcome with the name of the resource that it is about.
fn named<T>(resource: &Resource, outcome: Result<T, String>) -> Result<T, String> {
    outcome.map_err(|fault| format!("{}: {fault}", resource.name))
}

/// A list, or one thing as a list of it.
fn list(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    }
}
