//! [`Identity`]: what never changes about an execution, and the context object over it.

use std::sync::Arc;

use crate::data::{ContextObject, Json, Object, timestamp};
use crate::model::{MachineType, TaskToken};
use crate::state::MapItem;

/// The constant part of an execution.
#[derive(Debug)]
pub(crate) struct Identity {
    /// Its number in the store.
    pub(crate) number: u64,
    pub(crate) arn: Arc<str>,
    pub(crate) name: Arc<str>,
    pub(crate) state_machine_arn: Arc<str>,
    pub(crate) state_machine_name: Arc<str>,
    pub(crate) role_arn: Arc<str>,
    pub(crate) region: Arc<str>,
    pub(crate) execution_type: MachineType,
    pub(crate) input: Json,
    /// Milliseconds since 1970.
    pub(crate) start: i64,
    /// The seed of its random numbers.
    pub(crate) seed: u128,
    /// `traceHeader`, as given.
    pub(crate) trace_header: Option<Arc<str>>,
    /// For a child of a Distributed Map: its map run.
    pub(crate) map_child: Option<MapChild>,
    /// For a nested execution: the task that started it.
    pub(crate) caller: Option<Caller>,
    /// If it was started of a version or an alias: which.
    pub(crate) qualified: Option<Qualified>,
    /// The test case whose answers it gets in place of services.
    pub(crate) test_case: Option<Arc<str>>,
    /// By what the time of its Wait states is multiplied.
    pub(crate) wait_scale: Option<f64>,
}

/// The version of the state machine that an execution was started of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Qualified {
    pub(crate) version_arn: Arc<str>,
    /// If the version was chosen by an alias.
    pub(crate) alias_arn: Option<Arc<str>>,
}

impl Identity {
    /// The token of a task of this execution.
    pub(crate) fn token(&self, task: u64) -> TaskToken {
        TaskToken::new(self.number, self.seed, task)
    }
}

/// The task of another execution that starts a nested one. Repeated after a crash, it finds the execution it started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) execution: u64,
    pub(crate) task: u64,
}

/// The map run of a child of a Distributed Map.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MapChild {
    /// The execution that holds the Map state.
    pub(crate) parent: u64,
    /// Its run of the Map.
    pub(crate) run: u64,
    /// The child's index in the run.
    pub(crate) index: u64,
    pub(crate) map_run_arn: Arc<str>,
    /// The name of the Map state, whose processor the child runs.
    pub(crate) state: Arc<str>,
    /// How many items it has.
    pub(crate) items: u64,
    /// The item, for the context object; none if the child has a batch.
    pub(crate) item: Option<MapItem>,
    /// Where the item was read from, if it was read.
    pub(crate) source: Option<Arc<str>>,
}

/// The item of a Map iteration.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Item {
    pub(crate) index: u64,
    pub(crate) item: MapItem,
    pub(crate) origin: ItemOrigin,
}

impl Item {
    /// The member `Map` of the context object.
    pub(crate) fn context(&self) -> Json {
        let mut object = Object::with_capacity(4);
        object.insert("Index", Json::from(self.index));
        if let Some(key) = &self.item.key {
            object.insert("Key", Json::String(Arc::clone(key)));
        }
        object.insert("Value", self.item.value.clone());
        match &self.origin {
            ItemOrigin::Inline => {}
            ItemOrigin::StateData => drop(object.insert("Source", Json::string("STATE_DATA"))),
            ItemOrigin::Read(source) => drop(object.insert("Source", Json::String(Arc::clone(source)))),
        }
        Json::object([("Item", Json::from(object))])
    }
}

/// Where an item comes from, as the context object of a Distributed Map says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ItemOrigin {
    /// An inline Map: the context object does not say.
    Inline,
    /// A Distributed Map over data of the state.
    StateData,
    /// A Distributed Map over what was read from here.
    Read(Arc<str>),
}

impl ItemOrigin {
    /// The origin of the items of a Distributed Map that reads them here, if it reads any.
    pub(crate) fn of(source: Option<&Arc<str>>) -> ItemOrigin {
        source.map_or(ItemOrigin::StateData, |source| ItemOrigin::Read(Arc::clone(source)))
    }
}

/// The context object of a state: built only when an expression reads it.
pub(crate) struct Context<'a> {
    pub(crate) identity: &'a Identity,
    pub(crate) redrive_count: u32,
    pub(crate) state_name: &'a Arc<str>,
    pub(crate) entered_at: i64,
    /// Only for states that can be retried.
    pub(crate) retry_count: Option<u64>,
    pub(crate) item: Option<&'a Item>,
    /// Only for tasks that wait for its report.
    pub(crate) task_token: Option<&'a str>,
}

impl Context<'_> {
    fn execution(&self) -> Json {
        let identity = self.identity;
        let mut execution = Object::with_capacity(6);
        execution.insert("Id", Json::String(Arc::clone(&identity.arn)));
        execution.insert("Input", identity.input.clone());
        execution.insert("StartTime", timestamp::from_millis(identity.start));
        execution.insert("Name", Json::String(Arc::clone(&identity.name)));
        execution.insert("RoleArn", Json::String(Arc::clone(&identity.role_arn)));
        execution.insert("RedriveCount", Json::from(u64::from(self.redrive_count)));
        Json::from(execution)
    }

    fn state_machine(&self) -> Json {
        let mut machine = Object::with_capacity(2);
        machine.insert("Id", Json::String(Arc::clone(&self.identity.state_machine_arn)));
        machine.insert("Name", Json::String(Arc::clone(&self.identity.state_machine_name)));
        Json::from(machine)
    }

    fn state(&self) -> Json {
        let mut state = Object::with_capacity(3);
        state.insert("Name", Json::String(Arc::clone(self.state_name)));
        state.insert("EnteredTime", timestamp::from_millis(self.entered_at));
        if let Some(count) = self.retry_count {
            state.insert("RetryCount", Json::from(count));
        }
        Json::from(state)
    }

    fn map(&self) -> Option<Json> {
        Some(self.item?.context())
    }

    fn task(&self) -> Option<Json> {
        self.task_token.map(|token| Json::object([("Token", Json::string(token))]))
    }
}

impl ContextObject for Context<'_> {
    fn object(&self) -> Json {
        let mut context = Object::with_capacity(5);
        for name in ["Execution", "StateMachine", "State", "Map", "Task"] {
            if let Some(member) = self.member(name) {
                context.insert(name, member);
            }
        }
        Json::from(context)
    }

    fn member(&self, name: &str) -> Option<Json> {
        match name {
            "Execution" => Some(self.execution()),
            "StateMachine" => Some(self.state_machine()),
            "State" => Some(self.state()),
            "Map" => self.map(),
            "Task" => self.task(),
            _ => None,
        }
    }
}
