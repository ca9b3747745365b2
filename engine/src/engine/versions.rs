//! Versions and aliases of state machines: a version is a revision that stays, an alias divides executions among versions.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::machines::{Machine, Machines};
use super::{AliasDescription, Engine, Refusal, Route, StateMachineDescription};
use crate::data::{Json, Object};
use crate::execution::Qualified;
use crate::store::Write;

/// How many versions and aliases a machine may have, as on AWS.
const MAX_VERSIONS: usize = 1_000;
const MAX_ALIASES: usize = 100;

/// A published version of a state machine.
#[derive(Clone, Debug)]
pub struct VersionDescription {
    /// Its ARN: that of the machine, a colon, its number.
    pub arn: String,
    /// What its publisher wrote about it.
    pub description: Option<String>,
    /// When it was published, in milliseconds since 1970.
    pub creation_date: i64,
    /// The revision that it keeps.
    pub state_machine: Arc<StateMachineDescription>,
}

/// The versions and aliases of one machine.
#[derive(Clone, Debug, Default)]
pub(super) struct Published {
    /// The number of the last version: numbers of deleted versions are not given out again.
    last: u64,
    versions: BTreeMap<u64, Version>,
    /// In the order in which they were made.
    aliases: Vec<AliasDescription>,
}

#[derive(Clone, Debug)]
struct Version {
    revision: i64,
    description: Option<String>,
    creation_date: i64,
}

/// The machine and the qualifier of a qualified ARN, `arn:…:stateMachine:NAME:QUALIFIER`.
pub(super) fn split_qualified(arn: &str) -> Option<(&str, &str)> {
    let (machine, qualifier) = arn.rsplit_once(':')?;
    (arn.split(':').count() == 8 && !qualifier.is_empty()).then_some((machine, qualifier))
}

/// The machine and the number of a version's ARN.
fn split_version(arn: &str) -> Option<(&str, u64)> {
    let (machine, number) = split_qualified(arn)?;
    Some((machine, number.parse().ok()?))
}

impl Machines {
    /// Loads the stored versions and aliases.
    pub(super) fn load_published(&self, rows: Vec<(String, String)>) {
        let mut maps = self.write();
        for (arn, body) in rows {
            match Published::read(&body) {
                Some(published) => drop(maps.published.insert(arn, published)),
                None => tracing::error!(arn, "the versions and aliases of a state machine cannot be read"),
            }
        }
    }

    /// The machine to start an execution of, by its own ARN or that of a version or an alias.
    pub(super) fn to_start(&self, arn: &str) -> Option<(Arc<Machine>, Option<Qualified>)> {
        if let Some(machine) = self.current(arn) {
            return Some((machine, None));
        }
        let (machine_arn, qualifier) = split_qualified(arn)?;
        let maps = self.read();
        let published = maps.published.get(machine_arn)?;
        let (number, alias_arn) = match qualifier.parse() {
            Ok(number) => (number, None),
            Err(_) => {
                let alias = published.aliases.iter().find(|alias| alias.name == qualifier)?;
                (split_version(alias.choose(random_percent()))?.1, Some(arn.into()))
            }
        };
        let machine = Arc::clone(maps.revisions.get(&published.versions.get(&number)?.revision)?);
        let version_arn = format!("{machine_arn}:{number}").into();
        Some((machine, Some(Qualified { version_arn, alias_arn })))
    }

    /// The machine, or the revision that a version or an alias names.
    pub(super) fn find(&self, arn: &str) -> Option<Arc<StateMachineDescription>> {
        self.to_start(arn).map(|(machine, _)| Arc::clone(&machine.description))
    }
}

fn random_percent() -> u64 {
    (uuid::Uuid::new_v4().as_u128() % 100) as u64
}

impl AliasDescription {
    /// The version for a number below 100.
    fn choose(&self, percent: u64) -> &str {
        let mut below = 0;
        let chosen = self.routing.iter().find(|route| {
            below += route.weight;
            percent < below
        });
        chosen.map_or("", |route| &route.version_arn)
    }
}

impl Engine {
    /// The machine, or the revision that the ARN of a version or an alias names; of an alias over two versions, one by
    /// the weights.
    pub fn find_state_machine(&self, arn: &str) -> Option<Arc<StateMachineDescription>> {
        self.0.machines.find(self.0.split_test_case(arn).0)
    }

    /// Publishes the current revision as a version, or finds the version that it has. With `revision_id`, only if that is
    /// the current revision; `INITIAL` is the first one.
    pub async fn publish_version(
        &self,
        arn: &str,
        revision_id: Option<&str>,
        description: Option<String>,
    ) -> Result<VersionDescription, Refusal> {
        let now = self.0.config.clock.now_millis();
        let (number, written) = {
            let mut maps = self.0.machines.write();
            let machine = maps.current.get(arn).cloned();
            let machine = machine.ok_or_else(|| Refusal::StateMachineDoesNotExist(arn.to_owned()))?;
            let current = machine.description.revision_id.as_deref().unwrap_or("INITIAL");
            if let Some(expected) = revision_id.filter(|expected| *expected != current) {
                return Err(Refusal::Conflict(format!(
                    "Failed to publish the State Machine version for revision {expected}. The current State Machine revision is {current}."
                )));
            }
            let is_current = |version: &Version| {
                let kept = maps.revisions.get(&version.revision);
                kept.is_some_and(|kept| kept.description.revision_id == machine.description.revision_id)
            };
            let known = maps.published.get(arn);
            let same = known.and_then(|known| known.versions.iter().find(|(_, version)| is_current(version)));
            match same {
                Some((number, _)) => (*number, None),
                None => {
                    let published = maps.published.entry(arn.to_owned()).or_default();
                    if published.versions.len() >= MAX_VERSIONS {
                        return Err(Refusal::QuotaExceeded(format!(
                            "A state machine can have at most {MAX_VERSIONS} versions."
                        )));
                    }
                    published.last += 1;
                    let version = Version { revision: machine.revision, description, creation_date: now };
                    published.versions.insert(published.last, version);
                    (published.last, Some(self.0.submit(vec![published.to_write(arn)])))
                }
            }
        };
        if let Some(written) = written {
            self.0.written(written).await?;
        }
        let version = self.version(&format!("{arn}:{number}"));
        version.ok_or_else(|| Refusal::StateMachineDoesNotExist(arn.to_owned()))
    }

    /// The version with this ARN.
    pub fn version(&self, arn: &str) -> Option<VersionDescription> {
        let (machine, number) = split_version(arn)?;
        let maps = self.0.machines.read();
        let version = maps.published.get(machine)?.versions.get(&number)?;
        Some(VersionDescription {
            arn: arn.to_owned(),
            description: version.description.clone(),
            creation_date: version.creation_date,
            state_machine: Arc::clone(&maps.revisions.get(&version.revision)?.description),
        })
    }

    /// The ARNs of a machine's versions and when they were published, newest first.
    pub fn versions(&self, arn: &str) -> Vec<(String, i64)> {
        let maps = self.0.machines.read();
        let versions = maps.published.get(arn).map(|published| &published.versions);
        let versions = versions.into_iter().flatten().rev();
        versions.map(|(number, version)| (format!("{arn}:{number}"), version.creation_date)).collect()
    }

    /// Deletes a version, if no alias names it. One that is not there is no fault.
    pub async fn delete_version(&self, arn: &str) -> Result<(), Refusal> {
        let Some((machine, number)) = split_version(arn) else { return Ok(()) };
        let written = {
            let mut maps = self.0.machines.write();
            let Some(published) = maps.published.get_mut(machine) else { return Ok(()) };
            let names: Vec<&str> = published.aliases_of(arn).map(|alias| alias.name.as_str()).collect();
            if !names.is_empty() {
                return Err(Refusal::Conflict(format!(
                    "Version to be deleted must not be referenced by an alias. Current list of aliases referencing this version: [{}]",
                    names.join(", ")
                )));
            }
            if published.versions.remove(&number).is_none() {
                return Ok(());
            }
            self.0.submit(vec![published.to_write(machine)])
        };
        self.0.written(written).await
    }

    /// Makes an alias. The same request again gives the same alias.
    pub async fn create_alias(
        &self,
        name: &str,
        description: Option<String>,
        routing: Vec<Route>,
    ) -> Result<AliasDescription, Refusal> {
        let machine = check_routing(&routing)?;
        let now = self.0.config.clock.now_millis();
        let arn = format!("{machine}:{name}");
        let (alias, written) = {
            let mut maps = self.0.machines.write();
            let published = maps.published.get_mut(machine).ok_or(Refusal::AliasDoesNotExist)?;
            published.check_versions(&routing)?;
            if let Some(known) = published.aliases.iter().find(|alias| alias.name == name) {
                if known.description == description && known.routing == routing {
                    return Ok(known.clone());
                }
                return Err(Refusal::Conflict(
                    "Failed to create alias because an alias with the same name and a different routing configuration already exists."
                        .to_owned(),
                ));
            }
            if published.aliases.len() >= MAX_ALIASES {
                return Err(Refusal::QuotaExceeded(format!(
                    "A state machine can have at most {MAX_ALIASES} aliases."
                )));
            }
            let (name, routing) = (name.to_owned(), routing.clone());
            let alias =
                AliasDescription { arn, name, description, routing, creation_date: now, update_date: now };
            published.aliases.push(alias.clone());
            (alias, self.0.submit(vec![published.to_write(machine)]))
        };
        self.0.written(written).await?;
        Ok(alias)
    }

    /// Changes an alias; what is `None` stays.
    pub async fn update_alias(
        &self,
        arn: &str,
        description: Option<String>,
        routing: Option<Vec<Route>>,
    ) -> Result<AliasDescription, Refusal> {
        let (machine, name) = split_qualified(arn).ok_or(Refusal::AliasDoesNotExist)?;
        if let Some(routing) = &routing
            && check_routing(routing)? != machine
        {
            return Err(Refusal::AliasDoesNotExist);
        }
        let now = self.0.config.clock.now_millis();
        let (alias, written) = {
            let mut maps = self.0.machines.write();
            let published = maps.published.get_mut(machine).ok_or(Refusal::AliasDoesNotExist)?;
            if let Some(routing) = &routing {
                published.check_versions(routing)?;
            }
            let alias = published.aliases.iter_mut().find(|alias| alias.name == name);
            let alias = alias.ok_or(Refusal::AliasDoesNotExist)?;
            alias.description = description.or(alias.description.take());
            alias.routing = routing.unwrap_or(std::mem::take(&mut alias.routing));
            alias.update_date = now;
            (alias.clone(), self.0.submit(vec![published.to_write(machine)]))
        };
        self.0.written(written).await?;
        Ok(alias)
    }

    /// Deletes an alias. One that is not there is no fault.
    pub async fn delete_alias(&self, arn: &str) -> Result<(), Refusal> {
        let Some((machine, name)) = split_qualified(arn) else { return Ok(()) };
        let written = {
            let mut maps = self.0.machines.write();
            let Some(published) = maps.published.get_mut(machine) else { return Ok(()) };
            published.aliases.retain(|alias| alias.name != name);
            self.0.submit(vec![published.to_write(machine)])
        };
        self.0.written(written).await
    }

    /// The alias with this ARN.
    pub fn alias(&self, arn: &str) -> Option<AliasDescription> {
        let (machine, name) = split_qualified(arn)?;
        let maps = self.0.machines.read();
        maps.published.get(machine)?.aliases.iter().find(|alias| alias.name == name).cloned()
    }

    /// The aliases of a machine, or those that name a version of it, oldest first.
    pub fn aliases(&self, arn: &str) -> Vec<AliasDescription> {
        let maps = self.0.machines.read();
        match split_version(arn) {
            Some((machine, _)) => {
                let published = maps.published.get(machine);
                published.map(|it| it.aliases_of(arn).cloned().collect()).unwrap_or_default()
            }
            None => maps.published.get(arn).map(|it| it.aliases.clone()).unwrap_or_default(),
        }
    }
}

/// The machine of the versions that an alias is to name, in AWS's words if they cannot be named together.
fn check_routing(routing: &[Route]) -> Result<&str, Refusal> {
    let arns: Vec<&str> = routing.iter().map(|route| route.version_arn.as_str()).collect();
    let refuse = |sentence: &str| Refusal::Invalid(format!("{sentence}. Received: [{}]", arns.join(", ")));
    let machines: Option<Vec<&str>> = arns.iter().map(|arn| Some(split_version(arn)?.0)).collect();
    let machines =
        machines.ok_or_else(|| refuse("Routing configuration must contain state machine version ARNs"))?;
    if matches!(arns[..], [first, second] if first == second) {
        return Err(refuse("Routing configuration must contain distinct state machine version ARNs"));
    }
    if matches!(machines[..], [first, second] if first != second) {
        return Err(refuse("Routing configuration must contain versions of one state machine"));
    }
    let weights: Vec<u64> = routing.iter().map(|route| route.weight).collect();
    if weights.iter().sum::<u64>() != 100 {
        return Err(Refusal::Invalid(format!(
            "Sum of routing configuration weights must equal 100. Received: {weights:?}"
        )));
    }
    machines.first().copied().ok_or(Refusal::AliasDoesNotExist)
}

impl Published {
    fn aliases_of(&self, version_arn: &str) -> impl Iterator<Item = &AliasDescription> {
        let names = move |alias: &&AliasDescription| {
            alias.routing.iter().any(|route| route.version_arn == version_arn)
        };
        self.aliases.iter().filter(names)
    }

    fn check_versions(&self, routing: &[Route]) -> Result<(), Refusal> {
        let is_there = |route: &Route| {
            split_version(&route.version_arn).is_some_and(|(_, number)| self.versions.contains_key(&number))
        };
        if routing.iter().all(is_there) { Ok(()) } else { Err(Refusal::AliasDoesNotExist) }
    }

    fn to_write(&self, arn: &str) -> Write {
        let some = |object: &mut Object, name: &str, text: Option<&String>| {
            if let Some(text) = text {
                object.insert(name, Json::string(text.as_str()));
            }
        };
        let versions = self.versions.iter().map(|(number, version)| {
            let mut object = Object::new();
            object.insert("number", Json::from(*number));
            object.insert("revision", Json::from(version.revision));
            some(&mut object, "description", version.description.as_ref());
            object.insert("creationDate", Json::from(version.creation_date));
            Json::from(object)
        });
        let aliases = self.aliases.iter().map(|alias| {
            let routing = alias.routing.iter().map(|route| {
                Json::array([Json::string(route.version_arn.as_str()), Json::from(route.weight)])
            });
            let mut object = Object::new();
            object.insert("arn", Json::string(alias.arn.as_str()));
            object.insert("name", Json::string(alias.name.as_str()));
            some(&mut object, "description", alias.description.as_ref());
            object.insert("routing", Json::array(routing));
            object.insert("creationDate", Json::from(alias.creation_date));
            object.insert("updateDate", Json::from(alias.update_date));
            Json::from(object)
        });
        let body = Json::object([
            ("last", Json::from(self.last)),
            ("versions", Json::array(versions)),
            ("aliases", Json::array(aliases)),
        ]);
        Write::Published { arn: arn.to_owned(), body: body.to_text() }
    }

    fn read(body: &str) -> Option<Published> {
        let body = Json::parse(body).ok()?;
        let text = |json: &Json, name: &str| json.get(name).and_then(Json::as_str).map(str::to_owned);
        let date = |json: &Json, name: &str| json.get(name).and_then(Json::as_i64);
        let versions = body.get("versions")?.as_array()?.iter().map(|version| {
            let number = version.get("number")?.as_u64()?;
            let kept = Version {
                revision: date(version, "revision")?,
                description: text(version, "description"),
                creation_date: date(version, "creationDate")?,
            };
            Some((number, kept))
        });
        let aliases = body.get("aliases")?.as_array()?.iter().map(|alias| {
            let routing = alias.get("routing")?.as_array()?.iter().map(|route| {
                let version_arn = route.at(0)?.as_str()?.to_owned();
                Some(Route { version_arn, weight: route.at(1)?.as_u64()? })
            });
            Some(AliasDescription {
                arn: text(alias, "arn")?,
                name: text(alias, "name")?,
                description: text(alias, "description"),
                routing: routing.collect::<Option<_>>()?,
                creation_date: date(alias, "creationDate")?,
                update_date: date(alias, "updateDate")?,
            })
        });
        Some(Published {
            last: body.get("last")?.as_u64()?,
            versions: versions.collect::<Option<_>>()?,
            aliases: aliases.collect::<Option<_>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINE: &str = "arn:aws:states:us-east-1:123456789012:stateMachine:m";

    #[test]
    fn an_arn_is_split_at_its_qualifier_only() {
        assert_eq!(split_qualified(&format!("{MACHINE}:PROD")), Some((MACHINE, "PROD")));
        assert_eq!(split_version(&format!("{MACHINE}:3")), Some((MACHINE, 3)));
        for arn in [MACHINE, &format!("{MACHINE}:"), &format!("{MACHINE}:1:2"), "", "a:b"] {
            assert_eq!(split_qualified(arn), None, "{arn}");
        }
    }

    #[test]
    fn each_version_gets_its_share_of_a_hundred() {
        let route = |number, weight| Route { version_arn: format!("{MACHINE}:{number}"), weight };
        let alias = AliasDescription {
            arn: format!("{MACHINE}:a"),
            name: "a".to_owned(),
            description: None,
            routing: vec![route(1, 0), route(2, 30), route(3, 70)],
            creation_date: 0,
            update_date: 0,
        };
        let share = |number| (0..100).filter(|percent| alias.choose(*percent).ends_with(number)).count();
        assert_eq!([share(":1"), share(":2"), share(":3")], [0, 30, 70]);
    }
}
