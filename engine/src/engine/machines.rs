//! State machines: creating, changing, deleting and finding them.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use super::logging::Logging;
use super::versions::Published;
use super::workers::Lane;
use super::{Config, Engine, Inner, MachineType, NewStateMachine, Refusal, StateMachineChange};
use crate::data::{Json, Object, Random};
use crate::definition::{Cost, StateMachine};
use crate::health::panic_message;
use crate::store::{MachineRow, Write};

/// One revision of a state machine. Dates are milliseconds since 1970.
#[derive(Debug)]
pub struct StateMachineDescription {
    /// Its ARN.
    pub arn: String,
    /// What it was made from, with later changes applied.
    pub settings: NewStateMachine,
    /// The parsed definition.
    pub machine: Arc<StateMachine>,
    /// The revision: a UUID, new with each change. `None` in the first, as AWS has `INITIAL` there.
    pub revision_id: Option<String>,
    /// When it was made.
    pub creation_date: i64,
    /// When this revision was made.
    pub update_date: i64,
}

/// A revision of a machine.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) revision: i64,
    pub(crate) description: Arc<StateMachineDescription>,
    /// What of its executions is logged.
    pub(super) logging: Option<Logging>,
    /// Whether its executions were seen to take long.
    is_slow: AtomicBool,
}

/// A machine is slow after an execution of it ran as long as this, and until one was quick again.
const SLOW: Duration = Duration::from_millis(200);
const QUICK: Duration = Duration::from_millis(20);

impl Machine {
    pub(crate) fn new(revision: i64, description: Arc<StateMachineDescription>) -> Machine {
        let logging = Logging::of(&description);
        Machine { revision, description, logging, is_slow: AtomicBool::new(false) }
    }

    /// The threads that its executions need; `None`: they take next to no time.
    pub(crate) fn lane(&self) -> Option<Lane> {
        match self.description.machine.cost {
            Cost::Small => None,
            Cost::Unknown if self.is_slow.load(Ordering::Relaxed) => Some(Lane::Slow),
            Cost::Unknown => Some(Lane::Costly),
        }
    }

    /// Notes how long a step of one of its executions ran.
    pub(crate) fn took(&self, time: Duration) {
        if time >= SLOW {
            self.is_slow.store(true, Ordering::Relaxed);
        } else if time <= QUICK {
            self.is_slow.store(false, Ordering::Relaxed);
        }
    }
}

/// All revisions that an execution may still need, and which of them are current.
#[derive(Default)]
pub(crate) struct Machines(RwLock<Maps>);

#[derive(Default)]
pub(super) struct Maps {
    pub(super) current: HashMap<String, Arc<Machine>>,
    pub(super) revisions: HashMap<i64, Arc<Machine>>,
    /// The versions and aliases of machines that have any.
    pub(super) published: HashMap<String, Published>,
    last_revision: i64,
}

impl Machines {
    /// Loads the stored machines. A revision that cannot be read is named in the log.
    pub(crate) fn load(&self, rows: Vec<MachineRow>) {
        let mut maps = self.write();
        for row in rows {
            maps.last_revision = maps.last_revision.max(row.revision);
            let read = catch_unwind(AssertUnwindSafe(|| read_body(&row.arn, &row.body)));
            match read.unwrap_or_else(|panic| Err(panic_message(&*panic).to_owned())) {
                Ok(description) => {
                    let machine = Arc::new(Machine::new(row.revision, Arc::new(description)));
                    maps.revisions.insert(row.revision, Arc::clone(&machine));
                    if row.is_current {
                        maps.current.insert(row.arn, machine);
                    }
                }
                Err(error) => {
                    tracing::error!(
                        arn = row.arn,
                        revision = row.revision,
                        error,
                        "a stored state machine cannot be read"
                    );
                }
            }
        }
    }

    pub(super) fn read(&self) -> RwLockReadGuard<'_, Maps> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> RwLockWriteGuard<'_, Maps> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn current(&self, arn: &str) -> Option<Arc<Machine>> {
        self.read().current.get(arn).cloned()
    }

    pub(crate) fn revision(&self, revision: i64) -> Option<Arc<Machine>> {
        self.read().revisions.get(&revision).cloned()
    }

    fn all(&self) -> Vec<Arc<StateMachineDescription>> {
        let maps = self.read();
        let mut machines: Vec<_> = maps.current.values().cloned().collect();
        machines
            .sort_by_key(|machine| std::cmp::Reverse((machine.description.creation_date, machine.revision)));
        machines.iter().map(|machine| Arc::clone(&machine.description)).collect()
    }

    /// Makes a description the current revision, unless `check` refuses given what is current.
    fn put(
        &self,
        arn: &str,
        make: impl FnOnce(Option<&Arc<Machine>>) -> Result<StateMachineDescription, Put>,
    ) -> Result<Arc<Machine>, Put> {
        let mut maps = self.write();
        let description = Arc::new(make(maps.current.get(arn))?);
        maps.last_revision += 1;
        let machine = Arc::new(Machine::new(maps.last_revision, description));
        maps.revisions.insert(machine.revision, Arc::clone(&machine));
        maps.current.insert(arn.to_owned(), Arc::clone(&machine));
        Ok(machine)
    }

    fn remove(&self, arn: &str) -> Option<Arc<Machine>> {
        let mut maps = self.write();
        maps.published.remove(arn);
        maps.current.remove(arn)
    }
}

/// Why no revision was made.
enum Put {
    /// The current revision is what was requested.
    Same(Arc<Machine>),
    Refused(Refusal),
}

impl Engine {
    /// Makes a state machine. The same request again gives the same machine.
    pub async fn create_state_machine(
        &self,
        new: NewStateMachine,
    ) -> Result<Arc<StateMachineDescription>, Refusal> {
        let inner = &self.0;
        let arn = format!("{}:stateMachine:{}", inner.arn_prefix(), new.name);
        let machine = Arc::new(inner.parse_apart(&new.name, &new.definition).await?);
        let now = inner.config.clock.now_millis();
        let put = inner.machines.put(&arn, |current| match current {
            Some(current) if is_same(&current.description.settings, &new) => {
                Err(Put::Same(Arc::clone(current)))
            }
            Some(_) => Err(Put::Refused(Refusal::StateMachineAlreadyExists(arn.clone()))),
            None => Ok(StateMachineDescription {
                arn: arn.clone(),
                settings: new,
                machine,
                revision_id: None,
                creation_date: now,
                update_date: now,
            }),
        });
        self.store_machine(put).await
    }

    /// Changes a state machine. Executions under way keep their revision.
    pub async fn update_state_machine(
        &self,
        arn: &str,
        change: StateMachineChange,
    ) -> Result<Arc<StateMachineDescription>, Refusal> {
        let inner = &self.0;
        let parsed = match &change.definition {
            None => None,
            Some(definition) => {
                let name = arn.rsplit(':').next().unwrap_or_default();
                Some(Arc::new(inner.parse_apart(name, definition).await?))
            }
        };
        let now = inner.config.clock.now_millis();
        let put = inner.machines.put(arn, |current| {
            let Some(current) = current else {
                return Err(Put::Refused(Refusal::StateMachineDoesNotExist(arn.to_owned())));
            };
            let before = &current.description;
            let mut settings = before.settings.clone();
            if let Some(definition) = change.definition {
                settings.definition = definition;
            }
            if let Some(role_arn) = change.role_arn {
                settings.role_arn = role_arn;
            }
            settings.logging_configuration = change.logging_configuration.or(settings.logging_configuration);
            settings.tracing_configuration = change.tracing_configuration.or(settings.tracing_configuration);
            settings.encryption_configuration =
                change.encryption_configuration.or(settings.encryption_configuration);
            Ok(StateMachineDescription {
                arn: arn.to_owned(),
                settings,
                machine: parsed.unwrap_or_else(|| Arc::clone(&before.machine)),
                revision_id: Some(Random::from_text(&format!("{arn} {} {now}", current.revision)).uuid()),
                creation_date: before.creation_date,
                update_date: now,
            })
        });
        self.store_machine(put).await
    }

    /// Sets the tags of a state machine or an activity.
    pub async fn set_tags(&self, arn: &str, tags: Option<Json>) -> Result<(), Refusal> {
        if self.set_activity_tags(arn, tags.clone()).await? {
            return Ok(());
        }
        let put = self.0.machines.put(arn, |current| {
            let Some(current) = current else {
                return Err(Put::Refused(Refusal::ResourceNotFound(arn.to_owned())));
            };
            let before = &current.description;
            Ok(StateMachineDescription {
                arn: arn.to_owned(),
                settings: NewStateMachine { tags, ..before.settings.clone() },
                machine: Arc::clone(&before.machine),
                revision_id: before.revision_id.clone(),
                creation_date: before.creation_date,
                update_date: before.update_date,
            })
        });
        self.store_machine(put).await.map(drop)
    }

    async fn store_machine(
        &self,
        put: Result<Arc<Machine>, Put>,
    ) -> Result<Arc<StateMachineDescription>, Refusal> {
        let machine = match put {
            Ok(machine) => machine,
            Err(Put::Same(machine)) => return Ok(Arc::clone(&machine.description)),
            Err(Put::Refused(refusal)) => return Err(refusal),
        };
        let description = &machine.description;
        let body = write_body(description);
        self.0
            .write(vec![Write::Machine { revision: machine.revision, arn: description.arn.clone(), body }])
            .await?;
        Ok(Arc::clone(description))
    }

    /// Deletes a state machine with its versions and aliases. Executions under way continue.
    pub async fn delete_state_machine(&self, arn: &str) -> Result<(), Refusal> {
        if self.0.machines.remove(arn).is_some() {
            self.0.write(vec![Write::MachineDeleted { arn: arn.to_owned() }]).await?;
        }
        Ok(())
    }

    /// The machine with this ARN.
    pub fn state_machine(&self, arn: &str) -> Option<Arc<StateMachineDescription>> {
        self.0.machines.current(arn).map(|machine| Arc::clone(&machine.description))
    }

    /// All machines, newest first.
    pub fn state_machines(&self) -> Vec<Arc<StateMachineDescription>> {
        self.0.machines.all()
    }

    /// The revision of a machine that an execution runs.
    pub async fn state_machine_of_execution(
        &self,
        execution_arn: &str,
    ) -> Result<Arc<StateMachineDescription>, Refusal> {
        let row = self.0.find_execution(execution_arn)?;
        match self.0.machines.revision(row.revision) {
            Some(machine) => Ok(Arc::clone(&machine.description)),
            None => Err(Refusal::ExecutionDoesNotExist(execution_arn.to_owned())),
        }
    }
}

impl Inner {
    /// Parses a definition on a worker thread.
    async fn parse_apart(self: &Arc<Inner>, name: &str, definition: &str) -> Result<StateMachine, Refusal> {
        let (inner, name, definition) = (Arc::clone(self), name.to_owned(), definition.to_owned());
        let parsed = self.workers.run(Lane::Costly, move || inner.parse(&name, &definition)).await;
        parsed.unwrap_or_else(|panic| {
            Err(Refusal::InvalidDefinition(format!("the definition cannot be read: {panic}")))
        })
    }

    fn parse(&self, name: &str, definition: &str) -> Result<StateMachine, Refusal> {
        let json = Json::parse(definition).map_err(|error| Refusal::InvalidDefinition(error.to_string()))?;
        let machine =
            StateMachine::parse(&json).map_err(|error| Refusal::InvalidDefinition(error.to_string()))?;
        for resource in machine.resources() {
            if let Some((service, action)) = resource.needed_of_host()
                && !self.can_invoke(name, service, action)
            {
                return Err(Refusal::InvalidDefinition(format!(
                    "the integration {service}:{action} is not supported here{}",
                    self.config.invoker.advice(service, action)
                )));
            }
        }
        Ok(machine)
    }
}

impl Engine {
    /// Whether a state machine may call this: the host supports it, or there are test cases that answer in its place.
    pub(crate) fn can_invoke(&self, machine: &str, service: &str, action: &str) -> bool {
        self.0.can_invoke(machine, service, action)
    }
}

impl Inner {
    fn can_invoke(&self, machine: &str, service: &str, action: &str) -> bool {
        let Config { invoker, mocks, .. } = &self.config;
        invoker.supports(service, action) || mocks.as_ref().is_some_and(|mocks| mocks.has_machine(machine))
    }
}

fn is_same(a: &NewStateMachine, b: &NewStateMachine) -> bool {
    // A role or tags that differ make no other machine, as AWS has it.
    a.name == b.name
        && a.definition == b.definition
        && a.machine_type == b.machine_type
        && a.logging_configuration == b.logging_configuration
        && a.tracing_configuration == b.tracing_configuration
        && a.encryption_configuration == b.encryption_configuration
}

fn write_body(description: &StateMachineDescription) -> String {
    let settings = &description.settings;
    let mut body = Object::new();
    body.insert("name", Json::string(settings.name.as_str()));
    body.insert("definition", Json::string(settings.definition.as_str()));
    body.insert("roleArn", Json::string(settings.role_arn.as_str()));
    body.insert("isExpress", Json::from(settings.machine_type == MachineType::Express));
    for (name, value) in [
        ("loggingConfiguration", &settings.logging_configuration),
        ("tracingConfiguration", &settings.tracing_configuration),
        ("encryptionConfiguration", &settings.encryption_configuration),
        ("tags", &settings.tags),
    ] {
        if let Some(value) = value {
            body.insert(name, value.clone());
        }
    }
    if let Some(revision) = &description.revision_id {
        body.insert("revisionId", Json::string(revision.as_str()));
    }
    body.insert("creationDate", Json::from(description.creation_date));
    body.insert("updateDate", Json::from(description.update_date));
    Json::from(body).to_text()
}

fn read_body(arn: &str, body: &str) -> Result<StateMachineDescription, String> {
    let body = Json::parse(body).map_err(|error| error.to_string())?;
    let text = |name: &str| {
        body.get(name).and_then(Json::as_str).map(str::to_owned).ok_or_else(|| format!("{name} is missing"))
    };
    let date = |name: &str| body.get(name).and_then(Json::as_i64).ok_or_else(|| format!("{name} is missing"));
    let definition = text("definition")?;
    let machine = Json::parse(&definition)
        .map_err(|error| error.to_string())
        .and_then(|json| StateMachine::parse(&json).map_err(|error| error.to_string()))?;
    Ok(StateMachineDescription {
        arn: arn.to_owned(),
        settings: NewStateMachine {
            name: text("name")?,
            definition,
            role_arn: text("roleArn")?,
            machine_type: match body.get("isExpress").and_then(Json::as_bool) {
                Some(true) => MachineType::Express,
                _ => MachineType::Standard,
            },
            logging_configuration: body.get("loggingConfiguration").cloned(),
            tracing_configuration: body.get("tracingConfiguration").cloned(),
            encryption_configuration: body.get("encryptionConfiguration").cloned(),
            tags: body.get("tags").cloned(),
        },
        machine: Arc::new(machine),
        revision_id: body.get("revisionId").and_then(Json::as_str).map(str::to_owned),
        creation_date: date("creationDate")?,
        update_date: date("updateDate")?,
    })
}
