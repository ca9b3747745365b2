//! IAM: who may do what, evaluated from the template of the deployment on every call. What no statement allows is denied.
//!
//! In reading order:
//!
//! - `yaml`, `resolve`: the template as data, with its intrinsic functions filled for the local stack's account
//! - `policy`, `condition`, `pattern`: statements, and what AWS documents of their evaluation
//! - `deployment`: functions, roles, policies of resources, and the services that call something by themselves
//! - `needs`: what a call needs, with what services do on the caller's behalf, such as decrypting a table
//! - `removal`: templates with one statement less, for tests
//!
//! What is not known is refused by name when the template is read: intrinsic functions, elements of policies, condition
//! operators, policy variables.

mod condition;
mod deployment;
mod needs;
mod pattern;
mod policy;
mod removal;
mod resolve;
mod yaml;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::aws::Permission;
use crate::lock::locked;
use deployment::Deployment;
pub use deployment::FunctionFigures;
pub use removal::Removal;
use resolve::Resolver;
pub(crate) use resolve::{Resource, machine_name};

/// A template of CloudFormation, and what it allows whom.
#[derive(Clone)]
pub struct Template {
    content: Arc<Content>,
    /// Calls that were denied.
    denied: Arc<Mutex<BTreeSet<Permission>>>,
}

struct Content {
    body: Value,
    deployment: Deployment,
    /// Where the template is, and what it names by relative paths; nothing for one that was not read from a file.
    folder: PathBuf,
}

/// Why a template cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the template cannot be used: {0}")]
pub struct TemplateError(String);

/// One action that a role allows on one pattern of resources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The function, such as `send-sms`; `states` for the lottery's state machine, `states:NAME` for another one.
    pub caller: String,
    /// The action.
    pub action: String,
    /// The ARN, with wildcards.
    pub resource: String,
    /// Whether it is about what the ARN does not match.
    pub is_inverted: bool,
}

/// A call that no policy allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Denied {
    /// In the words of AWS.
    pub(crate) message: String,
}

/// `infra/template.yaml`, as it was when this program was built.
pub(crate) const EMBEDDED: &str = include_str!("../../../template.yaml");

impl Template {
    /// The project's own.
    ///
    /// # Errors
    /// If it holds what is not known here.
    pub fn embedded() -> Result<Template, TemplateError> {
        EMBEDDED.parse()
    }

    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read, or holds what is not known here.
    pub fn read(path: &Path) -> Result<Template, TemplateError> {
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|error| TemplateError(format!("{}: {error}", path.display())))?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        Template::of(yaml::parse(&text).map_err(TemplateError)?, folder)
    }

    fn of(body: Value, folder: PathBuf) -> Result<Template, TemplateError> {
        let deployment = Deployment::of(&body).map_err(TemplateError)?;
        Ok(Template { content: Arc::new(Content { body, deployment, folder }), denied: Arc::default() })
    }

    /// The resources, with their intrinsic functions filled, and the ARN of each.
    ///
    /// # Errors
    /// None for a template that has been read.
    pub(crate) fn resources(&self) -> Result<Vec<(Resource, String)>, TemplateError> {
        let resolver = Resolver::new(&self.content.body);
        let resources = resolver.resources().map_err(TemplateError)?;
        let with_arn = |resource: Resource| {
            let arn = resolver.arn(&resource.name).map_err(TemplateError)?;
            Ok((resource, arn))
        };
        resources.into_iter().map(with_arn).collect()
    }

    /// The folder that paths in the template are relative to.
    pub(crate) fn folder(&self) -> &Path {
        &self.content.folder
    }

    /// Memory and time-out of each function, by its name.
    pub fn functions(&self) -> BTreeMap<String, FunctionFigures> {
        self.content.deployment.functions.iter().map(|(name, it)| (name.clone(), it.figures)).collect()
    }

    /// Routes of API Gateway that have a rate of their own.
    pub(crate) fn routes(&self) -> Vec<String> {
        self.content.deployment.routes.clone()
    }

    /// Whether the caller has a role here.
    pub fn has(&self, caller: &str) -> bool {
        self.content.deployment.role_of(caller).is_some()
    }

    /// Everything that roles allow.
    pub fn grants(&self) -> Vec<Grant> {
        let deployment = &self.content.deployment;
        let callers = deployment.functions.keys().chain(deployment.state_machines.keys()).map(String::as_str);
        let mut grants = Vec::new();
        for caller in callers {
            let role = deployment.role_of(caller).and_then(|role| deployment.roles.get(role));
            for statement in role.into_iter().flatten().filter(|statement| statement.is_allow()) {
                let Some(resources) = &statement.resources else { continue };
                for action in &statement.actions.patterns {
                    grants.extend(resources.patterns.iter().map(|resource| Grant {
                        caller: caller.to_owned(),
                        action: action.clone(),
                        resource: resource.clone(),
                        is_inverted: resources.inverted,
                    }));
                }
            }
        }
        grants
    }

    /// What of these calls, and of what services do by themselves and for these calls, is denied; in sentences.
    pub fn denied_of<'a>(&self, calls: impl IntoIterator<Item = &'a Permission>) -> Vec<String> {
        let deployment = &self.content.deployment;
        let of_calls =
            calls.into_iter().flat_map(|call| deployment.of_call(&call.caller, &call.action, &call.resource));
        let denied = of_calls.chain(deployment.standing()).filter(|need| !deployment.allows(need));
        denied.map(|need| format!("{} may not {} {}", need.user(), need.action, need.resource)).collect()
    }

    /// What services do with the roles by themselves: write logs, deliver traces, decrypt.
    pub fn standing_permissions(&self) -> BTreeSet<Permission> {
        self.content.deployment.standing_permissions()
    }

    /// What a call needs beside itself: to decrypt what it reads, and the like.
    pub fn needed_by(&self, call: &Permission) -> Vec<Permission> {
        let needs = self.content.deployment.of_call(&call.caller, &call.action, &call.resource);
        let caller = &call.caller;
        let needs = needs.into_iter().map(|need| (need.action, need.resource));
        needs.map(|(action, resource)| Permission { caller: caller.clone(), action, resource }).collect()
    }

    /// Everything that can be taken out: each statement, each action, each permission to call a function.
    ///
    /// # Errors
    /// None for a template that has been read.
    pub fn removals(&self) -> Result<Vec<Removal>, TemplateError> {
        removal::removals(&self.content.body).map_err(TemplateError)
    }

    /// The same template without it.
    ///
    /// # Errors
    /// If it cannot be used without it.
    pub fn without(&self, removal: &Removal) -> Result<Template, TemplateError> {
        Template::of(removal::without(&self.content.body, removal), self.content.folder.clone())
    }

    /// Calls of running stacks that were denied.
    pub fn denied(&self) -> BTreeSet<Permission> {
        locked(&self.denied).clone()
    }

    /// The same template with nothing denied so far: each stack has its own.
    pub(crate) fn anew(&self) -> Template {
        Template { content: self.content.clone(), denied: Arc::default() }
    }

    /// Notes functions whose log would not be written: their roles do not allow it, and Lambda says nothing.
    pub(crate) fn note_lost_logs(&self) {
        for name in self.content.deployment.functions.keys() {
            if !self.content.deployment.has_log(name) {
                let group = &self.content.deployment.functions[name].log_group;
                self.deny(name, "logs:PutLogEvents", group);
            }
        }
    }

    /// Whether the caller's role allows these calls. Who has no role here is the account's owner, who may do everything.
    pub(crate) fn check(&self, caller: &str, calls: &[(String, String)]) -> Result<(), Denied> {
        let deployment = &self.content.deployment;
        for (action, resource) in calls {
            for need in deployment.of_call(caller, action, resource) {
                if !deployment.allows(&need) {
                    return Err(self.deny(caller, &need.action, &need.resource));
                }
            }
        }
        Ok(())
    }

    fn deny(&self, caller: &str, action: &str, resource: &str) -> Denied {
        tracing::warn!(caller, action, resource, "infra/template.yaml does not allow this call");
        let (caller_, action_, resource_) = (caller.to_owned(), action.to_owned(), resource.to_owned());
        let permission = Permission { caller: caller_, action: action_, resource: resource_ };
        locked(&self.denied).insert(permission);
        let role = self.content.deployment.role_of(caller).unwrap_or_default();
        let role = role.rsplit('/').next().unwrap_or_default();
        let account = crate::config::ACCOUNT;
        Denied {
            message: format!(
                "User: arn:aws:sts::{account}:assumed-role/{role}/{caller} is not authorized to perform: {action} on resource: {resource} because no identity-based policy allows the {action} action"
            ),
        }
    }

    /// Whether the services that call this function by themselves may: API Gateway, the timer.
    pub(crate) fn service_may_invoke(&self, function: &str) -> bool {
        self.content.deployment.service_may_invoke(function)
    }

    /// Why a state machine could not be created, if its role does not allow what Step Functions asks for then.
    pub(crate) fn refusal_of_state_machine(&self) -> Option<String> {
        let deployment = &self.content.deployment;
        let standing = deployment.standing();
        deployment.state_machines.values().find_map(|machine| {
            let mut asked =
                standing.iter().filter(|need| need.user() == machine.role || need.resource == machine.role);
            asked.find(|need| !deployment.allows(need)).map(|need| {
                format!("AccessDeniedException: the role {} does not allow {}", machine.role, need.action)
            })
        })
    }
}

impl Grant {
    /// Whether the call makes use of it.
    pub fn covers(&self, call: &Permission) -> bool {
        self.caller == call.caller
            && self.action.eq_ignore_ascii_case(&call.action)
            && pattern::matches_arn(&self.resource, &call.resource) != self.is_inverted
    }
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Template, TemplateError> {
        Template::of(yaml::parse(text).map_err(TemplateError)?, PathBuf::new())
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Template").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
