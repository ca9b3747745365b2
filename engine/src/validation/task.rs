//! The resource of a Task state, and what it is asked with.

use super::checker::Checker;
use super::code;
use super::integrations::{Resource, is_known, parse, required};
use super::jsonata::Scene;
use super::models;
use super::value::{Kind, is_expression};
use crate::data::{Json, Object};
use crate::fields::Language;
use crate::integration;
use crate::integration::Pattern;
use crate::model::MachineType;

impl Checker<'_> {
    pub(super) fn task(&mut self, state: &Object, at: &str, language: Language) {
        self.resource(state, at);
        self.credentials(state, at, language);
        let seconds = |field: &str| state.get(field).and_then(Json::as_f64);
        if let (Some(heartbeat), Some(timeout)) = (seconds("HeartbeatSeconds"), seconds("TimeoutSeconds"))
            && heartbeat >= timeout
        {
            self.schema(
                &format!("{at}/HeartbeatSeconds"),
                format!("HeartbeatSeconds ({heartbeat}) must be smaller than TimeoutSeconds ({timeout})"),
            );
        }
        if let Some(Resource::Integration { service, action, pattern }) =
            state.get("Resource").and_then(Json::as_str).map(parse)
            && is_known(service, action, pattern)
        {
            self.request(state, at, language, service, action);
            if pattern == Pattern::Callback {
                self.token_is_passed(state, at, language);
            }
        }
    }

    fn resource(&mut self, state: &Object, at: &str) {
        let Some(resource) = state.get("Resource") else { return };
        let here = format!("{at}/Resource");
        let Some(resource) = resource.as_str() else {
            self.schema(&here, "Expected value of type [STRING]");
            return;
        };
        self.placeholder(resource, &here);
        match parse(resource) {
            Resource::NoArn => self.schema(&here, "Value is not a valid resource ARN"),
            Resource::Activity => {
                if self.options.machine_type == MachineType::Express {
                    self.schema(&here, "Express state machine does not support Activity ARN");
                }
                if state.contains_key("Credentials") {
                    self.schema(
                        &format!("{at}/Credentials"),
                        "The field 'Credentials' is not supported for activities",
                    );
                }
            }
            Resource::Function => self.host_has(resource, &here),
            Resource::Integration { service, action, pattern } if is_known(service, action, pattern) => {
                self.pattern_fits(pattern, &here);
                self.host_has(resource, &here);
            }
            Resource::Integration { .. } | Resource::Other => self.schema(
                &here,
                format!(
                    "The resource provided {resource} is not recognized. The value is not a valid resource ARN, or the resource is not available in this region."
                ),
            ),
        }
    }

    fn pattern_fits(&mut self, pattern: Pattern, at: &str) {
        if self.options.machine_type != MachineType::Express {
            return;
        }
        let name = match pattern {
            Pattern::Request => return,
            Pattern::Sync | Pattern::Sync2 => ".sync",
            Pattern::Callback => ".waitForTaskToken",
        };
        // AWS ends this message with a space.
        self.schema(at, format!("Express state machine does not support '{name}' service integration "));
    }

    fn host_has(&mut self, resource: &str, at: &str) {
        if self.has_error_at(at) {
            return;
        }
        let resource = integration::Resource::parse(resource);
        let needed = resource.as_ref().ok().and_then(integration::Resource::needed_of_host);
        if let (Some((service, action)), Some(supports)) = (needed, self.options.supports)
            && !supports(service, action)
        {
            let advice = self.options.advice.map(|advice| advice(service, action)).unwrap_or_default();
            let fault = format!("The integration '{service}:{action}' is not supported here{advice}");
            self.unsupported(at, fault);
        }
    }

    fn credentials(&mut self, state: &Object, at: &str, language: Language) {
        let Some(credentials) = state.get("Credentials") else { return };
        let here = format!("{at}/Credentials");
        if language == Language::Jsonata && is_expression(credentials) {
            self.expressions(credentials, &here, Scene::Input);
            return;
        }
        let Some(fields) = credentials.as_object() else {
            self.schema(&here, "Expected value of type [OBJECT]");
            return;
        };
        let given = |name: &str| fields.contains_key(name);
        let by_path = language == Language::JsonPath && given("RoleArn.$");
        if !given("RoleArn") && !by_path {
            self.schema(&here, "The field 'RoleArn' is required but was missing");
        }
        self.check(credentials, &here, Kind::Payload, language, Scene::Input);
    }

    /// The parameters against what the API asks for.
    fn request(&mut self, state: &Object, at: &str, language: Language, service: &str, action: &str) {
        let field = match language {
            Language::JsonPath => "Parameters",
            Language::Jsonata => "Arguments",
        };
        let here = format!("{at}/{field}");
        let operation = models::model(models::sdk_name(service)).and_then(|model| model.operation(action));
        let required = required(service, operation);
        let Some(parameters) = state.get(field) else {
            if !required.is_empty() {
                self.warn(
                    code::SUSPICIOUS_VALUE,
                    at,
                    format!(
                        "There is no '{field}', so that the input has to hold: [{}]",
                        required.join(", ")
                    ),
                );
            }
            return;
        };
        let Some(parameters) = parameters.as_object() else {
            if !is_expression(parameters) {
                self.schema(&here, "Expected value of type [OBJECT]");
            }
            return;
        };
        let plain = |key: &str| match language {
            Language::JsonPath => key.strip_suffix(".$").unwrap_or(key).to_owned(),
            Language::Jsonata => key.to_owned(),
        };
        let given: Vec<String> = parameters.keys().map(|key| plain(key)).collect();
        for name in required.iter().filter(|name| !given.iter().any(|given| given == **name)) {
            self.schema(&here, format!("The field '{name}' is required but was missing"));
        }
        if let Some(operation) = operation {
            for name in given.iter().filter(|name| !operation.has_parameter(name)) {
                self.schema(&here, format!("The field \"{name}\" is not supported by Step Functions"));
            }
        }
    }

    /// A task that waits for its token has to send it to somebody.
    fn token_is_passed(&mut self, state: &Object, at: &str, language: Language) {
        let field = match language {
            Language::JsonPath => "Parameters",
            Language::Jsonata => "Arguments",
        };
        let Some(parameters) = state.get(field) else { return };
        let text = parameters.to_text();
        // The whole context object holds the token too.
        let passed =
            ["Task.Token", "\"$$\"", "$states.context", "$$.Task"].iter().any(|token| text.contains(token));
        if !passed {
            self.warn(
                code::SUSPICIOUS_VALUE,
                &format!("{at}/{field}"),
                "The task waits for its token, but the token ('Task.Token' of the context object) is passed to nobody",
            );
        }
    }
}
