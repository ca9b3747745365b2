//! The intrinsic functions of CloudFormation, filled as for a stack called `local` in the local stack's account.

use serde_json::{Map, Value, json};

use crate::config::{ACCOUNT, EMAIL_SENDER, REGION};

/// The name of the CloudFormation stack that the local one would be.
const STACK: &str = "local";

/// What a deployment gives the parameters, where it is not their default.
const PARAMETERS: [(&str, &str); 3] =
    [("EmailSender", EMAIL_SENDER), ("OperatorEmail", "operator@localhost"), ("TokenIssuer", "")];

/// What names nothing: a property with it is as if it were not there.
const NO_VALUE: &str = "AWS::NoValue";

/// A template whose functions can be filled.
pub(super) struct Resolver<'a> {
    body: &'a Value,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(body: &'a Value) -> Resolver<'a> {
        Resolver { body }
    }

    /// The resources that this deployment has: logical name, type, and properties with their functions filled.
    pub(super) fn resources(&self) -> Result<Vec<Resource>, String> {
        let Some(resources) = self.body["Resources"].as_object() else {
            return Err("the template has no Resources".to_owned());
        };
        let mut found = Vec::new();
        for (name, resource) in resources {
            if !self.exists(resource)? {
                continue;
            }
            let kind = resource["Type"].as_str().ok_or_else(|| format!("{name} has no Type"))?.to_owned();
            let filled = |member: &str| match resource.get(member) {
                Some(value) => self.resolve(value).map_err(|fault| format!("{name}: {fault}")),
                None => Ok(json!({})),
            };
            found.push(Resource {
                name: name.clone(),
                kind,
                properties: filled("Properties")?,
                metadata: filled("Metadata")?,
            });
        }
        Ok(found)
    }

    /// Whether a resource is part of this deployment.
    pub(super) fn exists(&self, resource: &Value) -> Result<bool, String> {
        resource["Condition"].as_str().map_or(Ok(true), |condition| self.condition(condition))
    }

    /// The section `Globals` for functions.
    pub(super) fn globals(&self) -> Result<Value, String> {
        self.resolve(&self.body["Globals"]["Function"])
    }

    /// Whether this condition of the template holds.
    pub(super) fn condition(&self, name: &str) -> Result<bool, String> {
        let condition = &self.body["Conditions"][name];
        match self.resolve(condition)? {
            Value::Bool(holds) => Ok(holds),
            _ => Err(format!("there is no condition {name}")),
        }
    }

    /// The value with every function filled.
    pub(super) fn resolve(&self, value: &Value) -> Result<Value, String> {
        match value {
            Value::Array(items) => {
                let items: Result<Vec<Value>, String> = items.iter().map(|item| self.resolve(item)).collect();
                Ok(Value::Array(items?.into_iter().filter(|item| !is_no_value(item)).collect()))
            }
            Value::Object(members) => {
                if let Some((name, argument)) = function(members) {
                    return self.call(name, argument);
                }
                let mut filled = Map::new();
                for (name, member) in members {
                    let member = self.resolve(member)?;
                    if !is_no_value(&member) {
                        filled.insert(name.clone(), member);
                    }
                }
                Ok(Value::Object(filled))
            }
            other => Ok(other.clone()),
        }
    }

    fn call(&self, name: &str, argument: &Value) -> Result<Value, String> {
        let arguments = || argument.as_array().ok_or_else(|| format!("{name} has no list"));
        let item = |index: usize| -> Result<Value, String> {
            let item = arguments()?.get(index).ok_or_else(|| format!("{name} has too few members"))?;
            self.resolve(item)
        };
        let text_of = |value: Value| -> Result<String, String> {
            text(&value).ok_or_else(|| format!("{name}: {value} is not a text"))
        };
        let truth = |value: Value| value.as_bool().ok_or_else(|| format!("{name} is not of conditions"));
        match name {
            "Ref" => self.reference(argument.as_str().unwrap_or_default()),
            "Condition" => self.condition(argument.as_str().unwrap_or_default()).map(Value::Bool),
            "Fn::GetAtt" => {
                let names = arguments()?;
                let name = |index: usize| names.get(index).and_then(Value::as_str).unwrap_or_default();
                self.attribute(name(0), name(1))
            }
            "Fn::Sub" => self.substitute(argument),
            "Fn::If" => {
                let condition = arguments()?.first().and_then(Value::as_str).unwrap_or_default();
                if self.condition(condition)? { item(1) } else { item(2) }
            }
            "Fn::Equals" => Ok(Value::Bool(text(&item(0)?) == text(&item(1)?))),
            "Fn::Not" => Ok(Value::Bool(!truth(item(0)?)?)),
            "Fn::And" | "Fn::Or" => {
                let mut all = Vec::new();
                for index in 0..arguments()?.len() {
                    all.push(truth(item(index)?)?);
                }
                let holds = if name == "Fn::And" { all.iter().all(|it| *it) } else { all.contains(&true) };
                Ok(Value::Bool(holds))
            }
            "Fn::Select" => {
                let index: usize = text_of(item(0)?)?.parse().map_err(|_| "Fn::Select has no index")?;
                item(1)?.get(index).cloned().ok_or_else(|| "Fn::Select is beyond its list".to_owned())
            }
            "Fn::Split" => {
                let (separator, whole) = (text_of(item(0)?)?, text_of(item(1)?)?);
                Ok(whole.split(&*separator).collect())
            }
            "Fn::Join" => {
                let separator = text_of(item(0)?)?;
                let parts = item(1)?;
                let parts: Option<Vec<String>> =
                    parts.as_array().and_then(|it| it.iter().map(text).collect());
                Ok(json!(parts.ok_or("Fn::Join is not of texts")?.join(&separator)))
            }
            "Fn::FindInMap" => {
                let keys = [text_of(item(0)?)?, text_of(item(1)?)?, text_of(item(2)?)?];
                let found = &self.body["Mappings"][&keys[0]][&keys[1]][&keys[2]];
                if found.is_null() {
                    return Err(format!("there is no {} in the mappings", keys.join(".")));
                }
                self.resolve(found)
            }
            other => Err(format!("the intrinsic function {other} is not known here")),
        }
    }

    fn substitute(&self, argument: &Value) -> Result<Value, String> {
        let (template, own) = match argument {
            Value::Array(items) => (items.first().and_then(Value::as_str), items.get(1)),
            other => (other.as_str(), None),
        };
        let mut rest = template.ok_or("Fn::Sub has no text")?;
        let mut filled = String::new();
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after_name) = after.split_once('}').ok_or("Fn::Sub has an open ${")?;
            filled.push_str(before);
            let value = if let Some(literal) = name.strip_prefix('!') {
                json!(format!("${{{literal}}}"))
            } else if let Some(value) = own.and_then(|own| own.get(name)) {
                self.resolve(value)?
            } else if name.starts_with("AWS::") || !name.contains('.') {
                self.reference(name)?
            } else {
                let (resource, attribute) = name.split_once('.').unwrap_or((name, ""));
                self.attribute(resource, attribute)?
            };
            filled.push_str(&text(&value).ok_or_else(|| format!("${{{name}}} is not a text"))?);
            rest = after_name;
        }
        filled.push_str(rest);
        Ok(json!(filled))
    }

    fn reference(&self, name: &str) -> Result<Value, String> {
        Ok(json!(match name {
            NO_VALUE => NO_VALUE,
            "AWS::Partition" => "aws",
            "AWS::Region" => REGION,
            "AWS::AccountId" => ACCOUNT,
            "AWS::StackName" => STACK,
            "AWS::URLSuffix" => "amazonaws.com",
            "AWS::StackId" => "arn:aws:cloudformation:us-east-1:123456789012:stack/local/1",
            _ if name.starts_with("AWS::") =>
                return Err(format!("the pseudo parameter {name} is not known")),
            _ => {
                if let Some(parameter) = self.body["Parameters"].get(name) {
                    return Ok(parameter_value(name, parameter));
                }
                return self.physical_id(name).map(Value::String);
            }
        }))
    }

    /// What `Ref` gives of a resource.
    fn physical_id(&self, name: &str) -> Result<String, String> {
        // SAM's `Function.Alias` and `Function.Version`.
        if let Some((function, what)) = name.split_once('.') {
            let arn = self.arn(function)?;
            let alias = &self.resource(function)?["Properties"]["AutoPublishAlias"];
            return Ok(match (what, alias.as_str()) {
                ("Alias", Some(alias)) => format!("{arn}:{alias}"),
                _ => format!("{arn}:1"),
            });
        }
        if let Some((owner, alias)) = self.generated_alias(name) {
            return Ok(format!("{}:{alias}", self.arn(owner)?));
        }
        let resource = self.resource(name)?;
        let property = |property: &str| self.resolve(&resource["Properties"][property]).map(|it| text(&it));
        Ok(match kind(resource) {
            "AWS::DynamoDB::Table" => table_name(name),
            "AWS::S3::Bucket" => bucket_name(name),
            "AWS::Serverless::Function" => function_name(resource),
            "AWS::Logs::LogGroup" => property("LogGroupName")?.unwrap_or_else(|| name.to_owned()),
            "AWS::Events::EventBus" | "AWS::SES::ConfigurationSet" | "AWS::Scheduler::ScheduleGroup" => {
                property("Name")?.unwrap_or_else(|| name.to_owned())
            }
            "AWS::Serverless::StateMachine"
            | "AWS::StepFunctions::Activity"
            | "AWS::SNS::Topic"
            | "AWS::SecretsManager::Secret"
            | "AWS::IAM::ManagedPolicy" => self.arn(name)?,
            _ => name.to_owned(),
        })
    }

    /// SAM calls the alias `live` of the resource `X` `XAliaslive`.
    fn generated_alias<'n>(&self, name: &'n str) -> Option<(&'n str, &'a str)> {
        let resources =
            self.body["Resources"].as_object().filter(|resources| !resources.contains_key(name))?;
        resources.iter().find_map(|(owner, resource)| {
            let alias = resource["Properties"]["AutoPublishAlias"].as_str()?;
            let rest = name.strip_prefix(owner.as_str())?;
            (rest.strip_prefix("Alias") == Some(alias)).then_some((&name[..owner.len()], alias))
        })
    }

    fn attribute(&self, name: &str, attribute: &str) -> Result<Value, String> {
        let resource = self.resource(name)?;
        Ok(json!(match (kind(resource), attribute) {
            ("AWS::Logs::LogGroup", "Arn") => format!("{}:*", self.arn(name)?),
            (_, "Arn" | "TopicArn" | "QueueArn") => self.arn(name)?,
            ("AWS::Serverless::StateMachine", "Name") => machine_name(&resource["Properties"]).to_owned(),
            ("AWS::StepFunctions::Activity", "Name") => name.to_owned(),
            ("AWS::SNS::Topic", "TopicName") => {
                let topic = self.arn(name)?;
                topic.rsplit(':').next().unwrap_or_default().to_owned()
            }
            _ => format!("{name}.{attribute}"),
        }))
    }

    /// The ARN of a resource.
    pub(super) fn arn(&self, name: &str) -> Result<String, String> {
        let resource = self.resource(name)?;
        let in_region = |service: &str, rest: &str| format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}");
        Ok(match kind(resource) {
            "AWS::DynamoDB::Table" => in_region("dynamodb", &format!("table/{}", table_name(name))),
            "AWS::Serverless::Function" => {
                in_region("lambda", &format!("function:{}", function_name(resource)))
            }
            "AWS::Serverless::StateMachine" => {
                in_region("states", &format!("stateMachine:{}", machine_name(&resource["Properties"])))
            }
            "AWS::StepFunctions::Activity" => in_region("states", &format!("activity:{name}")),
            "AWS::S3::Bucket" => format!("arn:aws:s3:::{}", bucket_name(name)),
            "AWS::SNS::Topic" => {
                let topic = self.resolve(&resource["Properties"]["TopicName"])?;
                in_region("sns", &text(&topic).unwrap_or_else(|| name.to_owned()))
            }
            "AWS::SQS::Queue" => in_region("sqs", name),
            "AWS::Logs::LogGroup" => in_region("logs", &format!("log-group:{}", self.physical_id(name)?)),
            "AWS::SecretsManager::Secret" => in_region("secretsmanager", &format!("secret:{name}-AbCdEf")),
            "AWS::KMS::Key" => in_region("kms", &format!("key/{name}")),
            "AWS::IAM::Role" => format!("arn:aws:iam::{ACCOUNT}:role/{name}"),
            "AWS::IAM::ManagedPolicy" => format!("arn:aws:iam::{ACCOUNT}:policy/{name}"),
            "AWS::Events::EventBus" => in_region("events", &format!("event-bus/{}", self.physical_id(name)?)),
            "AWS::Events::Rule" => in_region("events", &format!("rule/{name}")),
            "AWS::Scheduler::Schedule" => in_region("scheduler", &format!("schedule/default/{name}")),
            "AWS::CloudWatch::Alarm" => in_region("cloudwatch", &format!("alarm:{name}")),
            other => {
                let service = other.split("::").nth(1).unwrap_or("unknown").to_lowercase();
                in_region(&service, name)
            }
        })
    }

    fn resource(&self, name: &str) -> Result<&'a Value, String> {
        self.body["Resources"].get(name).ok_or_else(|| format!("there is no resource or parameter {name}"))
    }
}

/// A resource of a deployment.
pub(crate) struct Resource {
    /// Its logical name.
    pub(crate) name: String,
    /// Its type, such as `AWS::S3::Bucket`.
    pub(crate) kind: String,
    pub(crate) properties: Value,
    pub(super) metadata: Value,
}

fn kind(resource: &Value) -> &str {
    resource["Type"].as_str().unwrap_or_default()
}

/// The local stack's names for the tables.
fn table_name(logical_name: &str) -> String {
    logical_name.strip_suffix("Table").unwrap_or(logical_name).to_owned()
}

/// The local stack's names for buckets.
fn bucket_name(logical_name: &str) -> String {
    logical_name.strip_suffix("Bucket").unwrap_or(logical_name).to_ascii_lowercase()
}

/// A state machine is named after the file of its definition.
pub(crate) fn machine_name(properties: &Value) -> &str {
    let path = properties["DefinitionUri"].as_str().unwrap_or_default();
    let file = path.rsplit('/').next().unwrap_or(path);
    file.split('.').next().unwrap_or(file)
}

/// A function is named after its binary.
pub(super) fn function_name(resource: &Value) -> String {
    let binary = resource["Metadata"]["BuildProperties"]["Binary"].as_str();
    let folder = || resource["Properties"]["CodeUri"].as_str().and_then(|path| path.rsplit('/').next());
    binary.or_else(folder).unwrap_or_default().to_owned()
}

fn parameter_value(name: &str, parameter: &Value) -> Value {
    if let Some((_, value)) = PARAMETERS.iter().find(|(known, _)| *known == name) {
        return json!(value);
    }
    let default = text(&parameter["Default"]).unwrap_or_default();
    match parameter["Type"].as_str() {
        Some("CommaDelimitedList" | "List<Number>") => default.split(',').map(str::trim).collect(),
        _ => json!(default),
    }
}

fn function(members: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (name, argument) = members.iter().next().filter(|_| members.len() == 1)?;
    // A condition of a resource is a text beside others; of a policy it is an object.
    let is_function =
        name.starts_with("Fn::") || name == "Ref" || (name == "Condition" && argument.is_string());
    is_function.then_some((name.as_str(), argument))
}

fn is_no_value(value: &Value) -> bool {
    value == NO_VALUE
}

/// A text, as CloudFormation makes one of numbers and truth values.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
