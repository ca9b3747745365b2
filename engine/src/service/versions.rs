//! Versions and aliases: published, shown, listed, changed, removed.

use super::answer::Answer;
use super::page;
use super::{Outcome, Service};
use crate::data::Json;
use crate::engine::VersionDescription;
use crate::model::Route;
use crate::protocol::{Exception, Request, arn, arn::ResourceType};

/// The pattern of an alias's name, as AWS shows it.
const ALIAS_PATTERN: &str = r"^(?=.*[a-zA-Z_\-\.])[a-zA-Z0-9_\-\.]+$";

/// The longest description of a version or an alias.
const MAX_DESCRIPTION: usize = 256;

/// `publish` and `versionDescription` of CreateStateMachine and UpdateStateMachine.
pub(super) struct Publish {
    is_wanted: bool,
    description: Option<String>,
}

impl Publish {
    pub(super) fn read(request: &mut Request) -> Publish {
        let is_wanted = request.flag("publish") == Some(true);
        Publish { is_wanted, description: request.text("versionDescription", 0, MAX_DESCRIPTION) }
    }

    pub(super) fn is_wanted(&self) -> bool {
        self.is_wanted
    }

    pub(super) fn check(&self) -> Result<(), Exception> {
        match self {
            Publish { is_wanted: false, description: Some(_) } => {
                Err(Exception::validation("Version description can only be set when publish is true"))
            }
            _ => Ok(()),
        }
    }
}

impl Service {
    /// Publishes what has just been made or changed, if that is wanted.
    pub(super) async fn publish(
        &self,
        arn: &str,
        revision_id: Option<&str>,
        publish: Publish,
    ) -> Result<Option<VersionDescription>, Exception> {
        if !publish.is_wanted {
            return Ok(None);
        }
        let revision_id = revision_id.unwrap_or("INITIAL");
        Ok(Some(self.engine.publish_version(arn, Some(revision_id), publish.description).await?))
    }

    pub(super) async fn publish_version(&self, request: &mut Request) -> Outcome {
        let machine_arn = request.required_text("stateMachineArn", 1, 256);
        let revision_id = request.text("revisionId", 0, usize::MAX);
        let description = request.text("description", 0, MAX_DESCRIPTION);
        request.check()?;
        arn::check(&machine_arn, &[ResourceType::StateMachine])?;
        let version = self.engine.publish_version(&machine_arn, revision_id.as_deref(), description).await?;
        Ok(Answer::new()
            .timestamp("creationDate", version.creation_date)
            .with("stateMachineVersionArn", version.arn.as_str())
            .done())
    }

    pub(super) async fn list_versions(&self, request: &mut Request) -> Outcome {
        let machine_arn = request.required_text("stateMachineArn", 1, 256);
        let limit = request.max_results(100, 1000);
        let offset = page::offset(request)?;
        request.check()?;
        arn::check(&machine_arn, &[ResourceType::StateMachine])?;
        self.current_machine(&machine_arn)?;
        let versions = self.engine.versions(&machine_arn);
        let (versions, next) = page::slice(&versions, offset, limit);
        let versions = versions.iter().map(|(arn, date)| {
            Answer::new().with("stateMachineVersionArn", arn.as_str()).timestamp("creationDate", *date).done()
        });
        Ok(Answer::new()
            .with("stateMachineVersions", Json::array(versions))
            .with_some("nextToken", next)
            .done())
    }

    pub(super) async fn delete_version(&self, request: &mut Request) -> Outcome {
        let version_arn = request.required_text("stateMachineVersionArn", 1, 2000);
        request.check()?;
        arn::check(&version_arn, &[ResourceType::StateMachine])?;
        self.engine.delete_version(&version_arn).await?;
        Ok(Json::empty_object())
    }

    pub(super) async fn create_alias(&self, request: &mut Request) -> Outcome {
        let name = request.required_text("name", 1, 80);
        if !name.is_empty() && !is_alias_name(&name) {
            request.fault(
                &format!("'{name}'"),
                "name",
                &format!("satisfy regular expression pattern: {ALIAS_PATTERN}"),
            );
        }
        let description = request.text("description", 0, MAX_DESCRIPTION);
        let routing = routing(request, Presence::Required).unwrap_or_default();
        request.check()?;
        let alias = self.engine.create_alias(&name, description, routing).await?;
        Ok(Answer::new()
            .with("stateMachineAliasArn", alias.arn.as_str())
            .timestamp("creationDate", alias.creation_date)
            .done())
    }

    pub(super) async fn update_alias(&self, request: &mut Request) -> Outcome {
        let alias_arn = request.required_text("stateMachineAliasArn", 1, 256);
        let description = request.text("description", 0, MAX_DESCRIPTION);
        let routing = routing(request, Presence::Optional);
        request.check()?;
        arn::check(&alias_arn, &[ResourceType::StateMachine])?;
        if description.is_none() && routing.is_none() {
            return Err(Exception::validation(
                "Either the description or the routing configuration must be specified",
            ));
        }
        let alias = self.engine.update_alias(&alias_arn, description, routing).await?;
        Ok(Answer::new().timestamp("updateDate", alias.update_date).done())
    }

    pub(super) async fn delete_alias(&self, request: &mut Request) -> Outcome {
        let alias_arn = request.required_text("stateMachineAliasArn", 1, 256);
        request.check()?;
        arn::check(&alias_arn, &[ResourceType::StateMachine])?;
        self.engine.delete_alias(&alias_arn).await?;
        Ok(Json::empty_object())
    }

    pub(super) async fn describe_alias(&self, request: &mut Request) -> Outcome {
        let alias_arn = request.required_text("stateMachineAliasArn", 1, 256);
        request.check()?;
        arn::check(&alias_arn, &[ResourceType::StateMachine])?;
        let alias = self.engine.alias(&alias_arn).ok_or(crate::model::Refusal::AliasDoesNotExist)?;
        let routing = alias.routing.iter().map(|route| {
            Answer::new()
                .with("stateMachineVersionArn", route.version_arn.as_str())
                .with("weight", route.weight)
                .done()
        });
        Ok(Answer::new()
            .with("stateMachineAliasArn", alias.arn.as_str())
            .with("name", alias.name.as_str())
            .with_some("description", alias.description.as_deref())
            .with("routingConfiguration", Json::array(routing))
            .timestamp("creationDate", alias.creation_date)
            .timestamp("updateDate", alias.update_date)
            .done())
    }

    pub(super) async fn list_aliases(&self, request: &mut Request) -> Outcome {
        let arn = request.required_text("stateMachineArn", 1, 256);
        let limit = request.max_results(100, 1000);
        let offset = page::offset(request)?;
        request.check()?;
        arn::check(&arn, &[ResourceType::StateMachine])?;
        self.machine(&arn)?;
        let aliases = self.engine.aliases(&arn);
        let (aliases, next) = page::slice(&aliases, offset, limit);
        let aliases = aliases.iter().map(|alias| {
            Answer::new()
                .with("stateMachineAliasArn", alias.arn.as_str())
                .timestamp("creationDate", alias.creation_date)
                .done()
        });
        Ok(Answer::new()
            .with("stateMachineAliases", Json::array(aliases))
            .with_some("nextToken", next)
            .done())
    }
}

fn is_alias_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    name.bytes().all(allowed) && !name.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a member has to be given.
#[derive(Clone, Copy, PartialEq)]
enum Presence {
    Required,
    Optional,
}

/// `routingConfiguration`: one or two versions, each with its weight.
fn routing(request: &mut Request, presence: Presence) -> Option<Vec<Route>> {
    let items = match presence {
        Presence::Required => Some(request.required_array("routingConfiguration")),
        Presence::Optional => request.array("routingConfiguration"),
    }?;
    let items = items.as_array().unwrap_or(&[]);
    if presence == Presence::Optional || request.has("routingConfiguration") {
        let bound = match items.len() {
            0 => Some("greater than or equal to 1"),
            1 | 2 => None,
            _ => Some("less than or equal to 2"),
        };
        if let Some(bound) = bound {
            request.fault(&shown(items), "routingConfiguration", &format!("have length {bound}"));
        }
    }
    let mut routes = Vec::with_capacity(items.len());
    for (index, item) in (1..).zip(items) {
        let member = |name: &str| format!("routingConfiguration.{index}.member.{name}");
        let version_arn = item.get("stateMachineVersionArn").and_then(Json::as_str);
        if version_arn.is_none_or(str::is_empty) {
            request.fault("null", &member("stateMachineVersionArn"), "not be null");
        }
        let weight = item.get("weight").and_then(Json::as_i64);
        match weight {
            None => request.fault("null", &member("weight"), "not be null"),
            Some(weight @ ..0) => {
                request.fault(
                    &format!("'{weight}'"),
                    &member("weight"),
                    "have value greater than or equal to 0",
                );
            }
            Some(weight @ 101..) => {
                request.fault(
                    &format!("'{weight}'"),
                    &member("weight"),
                    "have value less than or equal to 100",
                );
            }
            Some(_) => {}
        }
        routes.push(Route {
            version_arn: version_arn.unwrap_or_default().to_owned(),
            weight: weight.unwrap_or_default().unsigned_abs(),
        });
    }
    Some(routes)
}

/// A list of routes as AWS's validation shows it.
fn shown(items: &[Json]) -> String {
    let items: Vec<String> = items
        .iter()
        .map(|item| {
            let arn = item.get("stateMachineVersionArn").and_then(Json::as_str).unwrap_or("null");
            let weight = item.get("weight").and_then(Json::as_i64).unwrap_or_default();
            format!("RoutingConfigurationListItem(stateMachineVersionArn={arn}, weight={weight})")
        })
        .collect();
    format!("'[{}]'", items.join(", "))
}
