//! State machines: made, changed, shown, listed, removed; and definitions looked at without making one.

use super::answer::Answer;
use super::page;
use super::versions::Publish;
use super::{Outcome, Service};
use crate::data::Json;
use crate::engine::{Lane, StateMachineDescription};
use crate::model::{MachineType, NewStateMachine, Refusal, StateMachineChange};
use crate::protocol::{
    Exception, Request, arn, arn::ResourceType, encryption_configuration, logging_configuration,
    tracing_configuration,
};
use crate::validation::{self, Finding, Options, Severity, validate};

const TYPES: &[&str] = &["STANDARD", "EXPRESS"];

impl Service {
    pub(super) async fn create_state_machine(&self, request: &mut Request) -> Outcome {
        let name = request.required_text("name", 1, 80);
        let definition = request.required_text("definition", 1, validation::MAX_DEFINITION_LENGTH);
        let role_arn = request.required_text("roleArn", 1, 256);
        let machine_type = machine_type(request.word("type", TYPES).as_deref());
        let new = NewStateMachine {
            name,
            definition,
            role_arn,
            machine_type,
            logging_configuration: logging_configuration(request),
            tracing_configuration: tracing_configuration(request),
            encryption_configuration: encryption_configuration(request),
            tags: request.array("tags"),
        };
        let publish = Publish::read(request);
        request.check()?;
        publish.check()?;
        arn::check_name(&new.name)?;
        arn::check_role(&new.role_arn)?;
        check_logging(new.logging_configuration.as_ref())?;
        self.check_definition(&new.name, &new.definition, machine_type).await?;
        let machine = self.engine.create_state_machine(new).await?;
        let version = self.publish(&machine.arn, machine.revision_id.as_deref(), publish).await?;
        Ok(Answer::new()
            .with("stateMachineArn", machine.arn.as_str())
            .timestamp("creationDate", machine.creation_date)
            .with_some("stateMachineVersionArn", version.map(|version| version.arn))
            .done())
    }

    pub(super) async fn update_state_machine(&self, request: &mut Request) -> Outcome {
        let machine_arn = request.required_text("stateMachineArn", 1, 256);
        let change = StateMachineChange {
            definition: request.text("definition", 1, validation::MAX_DEFINITION_LENGTH),
            role_arn: request.text("roleArn", 1, 256),
            logging_configuration: logging_configuration(request),
            tracing_configuration: tracing_configuration(request),
            encryption_configuration: encryption_configuration(request),
        };
        let publish = Publish::read(request);
        request.check()?;
        publish.check()?;
        arn::check(&machine_arn, &[ResourceType::StateMachine])?;
        let nothing = change.definition.is_none()
            && change.role_arn.is_none()
            && change.logging_configuration.is_none()
            && change.tracing_configuration.is_none()
            && change.encryption_configuration.is_none();
        if nothing && !publish.is_wanted() {
            return Err(Exception::new(
                "MissingRequiredParameter",
                "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration must be specified",
            ));
        }
        if let Some(role) = &change.role_arn {
            arn::check_role(role)?;
        }
        check_logging(change.logging_configuration.as_ref())?;
        let machine = self.current_machine(&machine_arn)?;
        if let Some(definition) = &change.definition {
            let name = &machine.settings.name;
            self.check_definition(name, definition, machine.settings.machine_type).await?;
        }
        // Publishing alone makes no revision.
        let machine = match nothing {
            true => machine,
            false => self.engine.update_state_machine(&machine_arn, change).await?,
        };
        let version = self.publish(&machine.arn, machine.revision_id.as_deref(), publish).await?;
        Ok(Answer::new()
            .timestamp("updateDate", machine.update_date)
            .with_some("revisionId", machine.revision_id.as_deref())
            .with_some("stateMachineVersionArn", version.map(|version| version.arn))
            .done())
    }

    pub(super) async fn delete_state_machine(&self, request: &mut Request) -> Outcome {
        let machine_arn = request.required_text("stateMachineArn", 1, 256);
        request.check()?;
        arn::check(&machine_arn, &[ResourceType::StateMachine])?;
        self.engine.delete_state_machine(&machine_arn).await?;
        Ok(Json::empty_object())
    }

    pub(super) async fn describe_state_machine(&self, request: &mut Request) -> Outcome {
        let machine_arn = request.required_text("stateMachineArn", 1, 256);
        let included = included_data(request);
        request.check()?;
        arn::check(&machine_arn, &[ResourceType::StateMachine])?;
        let version = self.engine.version(&machine_arn);
        let machine = match &version {
            Some(version) => std::sync::Arc::clone(&version.state_machine),
            None => self.machine(&machine_arn)?,
        };
        let answer = describe(&machine, included)
            .with("status", "ACTIVE")
            .with("type", type_name(machine.settings.machine_type));
        let Some(version) = version else {
            return Ok(answer.timestamp("creationDate", machine.creation_date).done());
        };
        Ok(answer
            .with("stateMachineArn", version.arn)
            .with_some("description", version.description)
            .timestamp("creationDate", version.creation_date)
            .done())
    }

    pub(super) async fn describe_state_machine_for_execution(&self, request: &mut Request) -> Outcome {
        let execution_arn = request.required_text("executionArn", 1, 256);
        let included = included_data(request);
        request.check()?;
        arn::check(&execution_arn, &[ResourceType::Execution, ResourceType::Express])?;
        let machine = self.engine.state_machine_of_execution(&execution_arn).await?;
        Ok(describe(&machine, included).timestamp("updateDate", machine.update_date).done())
    }

    pub(super) async fn list_state_machines(&self, request: &mut Request) -> Outcome {
        let limit = request.max_results(100, 1000);
        let offset = page::offset(request)?;
        request.check()?;
        let machines = self.engine.state_machines();
        let (machines, next) = page::slice(&machines, offset, limit);
        let machines = machines.iter().map(|machine| {
            Answer::new()
                .with("stateMachineArn", machine.arn.as_str())
                .with("name", machine.settings.name.as_str())
                .with("type", type_name(machine.settings.machine_type))
                .timestamp("creationDate", machine.creation_date)
                .done()
        });
        Ok(Answer::new().with("stateMachines", Json::array(machines)).with_some("nextToken", next).done())
    }

    pub(super) async fn validate_definition(&self, request: &mut Request) -> Outcome {
        let definition = request.required_text("definition", 1, validation::MAX_DEFINITION_LENGTH);
        let machine_type = machine_type(request.word("type", TYPES).as_deref());
        let severity = request.word("severity", &["ERROR", "WARNING"]);
        let limit = request.max_results(100, 100);
        request.check()?;
        let engine = self.engine.clone();
        let validated = self.engine.apart(Lane::Costly, move || {
            let supports = |service: &str, action: &str| engine.config().invoker.supports(service, action);
            // What AWS would accept is no error here either: only making the machine refuses it.
            let advice = |service: &str, action: &str| engine.config().invoker.advice(service, action);
            let unsupported = Severity::Warning;
            let options =
                Options { machine_type, supports: Some(&supports), advice: Some(&advice), unsupported };
            validate(&definition, &options)
        });
        let report = validated.await.map_err(|panic| Exception::internal(&panic))?;
        let wanted = |finding: &&Finding| {
            finding.severity == Severity::Error || severity.as_deref() == Some("WARNING")
        };
        let found: Vec<&Finding> = report.findings.iter().filter(wanted).collect();
        let diagnostics = found.iter().take(limit).map(|finding| {
            Answer::new()
                .with("severity", finding.severity.as_str())
                .with("code", finding.code)
                .with("message", finding.message.as_str())
                .with_some("location", finding.location.as_deref())
                .done()
        });
        Ok(Answer::new()
            .with("result", if report.is_valid() { "OK" } else { "FAIL" })
            .with("diagnostics", Json::array(diagnostics))
            .with("truncated", found.len() > limit)
            .done())
    }

    /// Refuses what AWS refuses, and by name what this engine or its host does not have.
    async fn check_definition(
        &self,
        name: &str,
        definition: &str,
        machine_type: MachineType,
    ) -> Result<(), Exception> {
        let (engine, name, definition) = (self.engine.clone(), name.to_owned(), definition.to_owned());
        let refusal = self.engine.apart(Lane::Costly, move || {
            let supports = |service: &str, action: &str| engine.can_invoke(&name, service, action);
            let advice = |service: &str, action: &str| engine.config().invoker.advice(service, action);
            let unsupported = Severity::Error;
            let options =
                Options { machine_type, supports: Some(&supports), advice: Some(&advice), unsupported };
            validate(&definition, &options).refusal()
        });
        match refusal.await.map_err(|panic| Exception::internal(&panic))? {
            Some(refusal) => Err(Exception::new("InvalidDefinition", refusal)),
            None => Ok(()),
        }
    }

    /// The machine with this ARN, or the revision that a version or an alias with it names.
    pub(super) fn machine(&self, arn: &str) -> Result<std::sync::Arc<StateMachineDescription>, Exception> {
        self.engine.find_state_machine(arn).ok_or_else(|| missing(arn))
    }

    /// The machine with this ARN, and nothing qualified.
    pub(super) fn current_machine(
        &self,
        arn: &str,
    ) -> Result<std::sync::Arc<StateMachineDescription>, Exception> {
        self.engine.state_machine(arn).ok_or_else(|| missing(arn))
    }
}

fn missing(arn: &str) -> Exception {
    Exception::from(Refusal::StateMachineDoesNotExist(arn.to_owned()))
}

/// `includedData`
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Included {
    AllData,
    MetadataOnly,
}

pub(super) fn included_data(request: &mut Request) -> Included {
    match request.word("includedData", &["ALL_DATA", "METADATA_ONLY"]).as_deref() {
        Some("METADATA_ONLY") => Included::MetadataOnly,
        _ => Included::AllData,
    }
}

fn describe(machine: &StateMachineDescription, included: Included) -> Answer {
    let settings = &machine.settings;
    let off = || Answer::new().with("level", "OFF").with("includeExecutionData", false).done();
    let definition = (included == Included::AllData).then_some(settings.definition.as_str());
    Answer::new()
        .with("stateMachineArn", machine.arn.as_str())
        .with("name", settings.name.as_str())
        .with_some("definition", definition)
        .with("roleArn", settings.role_arn.as_str())
        .with("loggingConfiguration", settings.logging_configuration.clone().unwrap_or_else(off))
        .with(
            "tracingConfiguration",
            settings
                .tracing_configuration
                .clone()
                .unwrap_or_else(|| Answer::new().with("enabled", false).done()),
        )
        .with(
            "encryptionConfiguration",
            settings
                .encryption_configuration
                .clone()
                .unwrap_or_else(|| Answer::new().with("type", "AWS_OWNED_KEY").done()),
        )
        .with_some("revisionId", machine.revision_id.as_deref())
}

fn machine_type(word: Option<&str>) -> MachineType {
    match word {
        Some("EXPRESS") => MachineType::Express,
        _ => MachineType::Standard,
    }
}

pub(super) fn type_name(machine_type: MachineType) -> &'static str {
    match machine_type {
        MachineType::Standard => "STANDARD",
        MachineType::Express => "EXPRESS",
    }
}

/// A level above `OFF` needs exactly one log group. Nothing is written to it here.
fn check_logging(configuration: Option<&Json>) -> Result<(), Exception> {
    let refuse = |reason: &str| {
        Err(Exception::new("InvalidLoggingConfiguration", format!("Invalid Logging Configuration: {reason}")))
    };
    let Some(configuration) = configuration else { return Ok(()) };
    let level = configuration.get("level").map_or(Some("OFF"), Json::as_str);
    let destinations = configuration.get("destinations").and_then(Json::as_array).unwrap_or(&[]);
    match (level, destinations) {
        (Some("OFF"), [] | [_]) => Ok(()),
        (_, [destination]) => {
            let group = destination.get("cloudWatchLogsLogGroup").and_then(|group| group.get("logGroupArn"));
            match group.and_then(Json::as_str) {
                Some(arn) if arn.starts_with("arn:") => Ok(()),
                _ => refuse("Log Destination must be a CloudWatch Logs log group."),
            }
        }
        _ => refuse("Must specify exactly one Log Destination."),
    }
}
