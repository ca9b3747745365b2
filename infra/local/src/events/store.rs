//! [`Store`]: what the service keeps, one operation after another, and which rules an event meets.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use asl_engine::Clock;
use rusqlite::{Connection, Row};
use serde_json::{Value, json};

use super::deliveries::NewDelivery;
use super::destinations::Part;
use super::input::{self, About};
use super::pattern::Pattern;
use super::request::{DEFAULT_BUS, Request};
use super::sources::OWN_SOURCES;
use super::{EventsError, Operation, database};
use crate::config::{ACCOUNT, REGION};

/// The service on its thread.
pub(super) struct Store {
    pub(super) database: Connection,
    pub(super) clock: Clock,
    /// The enabled rules with a pattern, and their targets.
    rules: Vec<Rule>,
    /// Whether one of them, on the default bus, could be about an event of each of the stack's own services.
    has_rules: Arc<[AtomicBool; OWN_SOURCES.len()]>,
}

/// An enabled rule.
struct Rule {
    bus: String,
    name: String,
    pattern: Pattern,
    targets: Vec<Value>,
}

/// An event, as rules see it.
pub(super) struct Event {
    pub(super) id: String,
    pub(super) value: Value,
    /// The same as text.
    pub(super) text: String,
    /// How many buses it has been on before.
    pub(super) hops: u32,
}

impl Store {
    pub(super) fn open(
        database: Connection,
        clock: Clock,
        initial: &[Operation],
        has_rules: Arc<[AtomicBool; OWN_SOURCES.len()]>,
    ) -> Result<Store, EventsError> {
        database::prepare(&database)?;
        // Others see which rules there are only when all are.
        let mut store = Store { database, clock, rules: Vec::new(), has_rules: Arc::default() };
        for (operation, request) in initial {
            match store.call(operation, request) {
                Err(error) if error.name != "ResourceAlreadyExistsException" => return Err(error),
                _ => {}
            }
        }
        store.has_rules = has_rules;
        store.refresh()?;
        Ok(store)
    }

    /// Does one operation, as a whole or not at all.
    pub(super) fn call(&mut self, operation: &str, request: &Value) -> Result<Value, EventsError> {
        let request = Request(request);
        if ["Describe", "List", "Test"].iter().any(|read| operation.starts_with(read)) {
            return self.dispatch(operation, request);
        }
        let outcome = self.in_transaction(|store| store.dispatch(operation, request));
        if outcome.is_err() {
            // What was taken back may have changed them.
            self.refresh()?;
        }
        outcome
    }

    fn dispatch(&mut self, operation: &str, request: Request<'_>) -> Result<Value, EventsError> {
        match operation {
            "CreateEventBus" => self.create_bus(request),
            "UpdateEventBus" => self.update_bus(request),
            "DeleteEventBus" => self.delete_bus(request),
            "DescribeEventBus" => self.describe_bus(request),
            "ListEventBuses" => self.list_buses(request),
            "PutPermission" => self.put_permission(request),
            "RemovePermission" => self.remove_permission(request),
            "PutRule" => self.put_rule(request),
            "DescribeRule" => self.describe_rule(request),
            "ListRules" => self.list_rules(request),
            "EnableRule" => self.switch_rule(request, "ENABLED"),
            "DisableRule" => self.switch_rule(request, "DISABLED"),
            "DeleteRule" => self.delete_rule(request),
            "PutTargets" => self.put_targets(request),
            "ListTargetsByRule" => self.list_targets(request),
            "ListRuleNamesByTarget" => self.list_rule_names(request),
            "RemoveTargets" => self.remove_targets(request),
            "PutEvents" => self.put_events(request),
            "TestEventPattern" => test_pattern(request),
            "CreateConnection" => self.put_part(Part::Connection, request, true),
            "UpdateConnection" => self.put_part(Part::Connection, request, false),
            "DescribeConnection" => self.describe_part(Part::Connection, request),
            "ListConnections" => self.list_parts(Part::Connection, request),
            "DeleteConnection" => self.delete_part(Part::Connection, request),
            "CreateApiDestination" => self.put_part(Part::Destination, request, true),
            "UpdateApiDestination" => self.put_part(Part::Destination, request, false),
            "DescribeApiDestination" => self.describe_part(Part::Destination, request),
            "ListApiDestinations" => self.list_parts(Part::Destination, request),
            "DeleteApiDestination" => self.delete_part(Part::Destination, request),
            "TagResource" => self.tag(request, "ResourceARN"),
            "UntagResource" => self.untag(request, "ResourceARN"),
            "ListTagsForResource" => self.list_tags(request, "ResourceARN"),
            _ => Err(EventsError::unknown_operation(operation)),
        }
    }

    /// Milliseconds since 1970.
    pub(super) fn now(&self) -> i64 {
        self.clock.now().as_millisecond()
    }

    /// Does something in one transaction.
    pub(super) fn in_transaction<T>(
        &mut self,
        work: impl FnOnce(&mut Store) -> Result<T, EventsError>,
    ) -> Result<T, EventsError> {
        if !self.database.is_autocommit() {
            // The work of a request that panicked.
            self.database.execute_batch("ROLLBACK")?;
            self.refresh()?;
        }
        self.database.execute_batch("BEGIN IMMEDIATE")?;
        let outcome = work(self);
        let end = if outcome.is_ok() { "COMMIT" } else { "ROLLBACK" };
        if let Err(error) = self.database.execute_batch(end) {
            // A commit that failed leaves the transaction open.
            let _ = self.database.execute_batch("ROLLBACK");
            return outcome.and(Err(error.into()));
        }
        outcome
    }

    /// Reads the enabled rules anew, after a change.
    pub(super) fn refresh(&mut self) -> Result<(), EventsError> {
        let mut statement = self.database.prepare_cached(
            "SELECT bus, name, pattern FROM rules WHERE pattern IS NOT NULL AND state <> 'DISABLED'",
        )?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let found: Vec<(String, String, String)> = rows.collect::<Result<_, _>>()?;
        let mut rules = Vec::with_capacity(found.len());
        for (bus, name, pattern) in found {
            let pattern = Pattern::parse(&pattern).map_err(EventsError::internal)?;
            let targets = self.targets_of(&bus, &name)?;
            rules.push(Rule { bus, name, pattern, targets });
        }
        let heard: Vec<_> =
            rules.iter().filter(|rule| rule.bus == DEFAULT_BUS && !rule.targets.is_empty()).collect();
        for (source, has_rules) in OWN_SOURCES.iter().zip(&*self.has_rules) {
            let is_heard = heard.iter().any(|rule| rule.pattern.may_be_about(source));
            has_rules.store(is_heard, Ordering::Relaxed);
        }
        self.rules = rules;
        Ok(())
    }

    /// The targets of a rule.
    pub(super) fn targets_of(&self, bus: &str, rule: &str) -> Result<Vec<Value>, EventsError> {
        let mut statement = self
            .database
            .prepare_cached("SELECT document FROM targets WHERE bus = ? AND rule = ? ORDER BY id")?;
        let rows = statement.query_map([bus, rule], |row| document(row, 0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Writes down what has to be delivered of an event, to each target of each rule that it meets.
    pub(super) fn accept(&mut self, bus: &str, event: &Event) -> Result<(), EventsError> {
        let now = self.now();
        let mut deliveries = Vec::new();
        for rule in self.rules.iter().filter(|rule| rule.bus == bus && rule.pattern.matches(&event.value)) {
            let of = |target| delivery_of(&rule.bus, &rule.name, target, event, now);
            deliveries.extend(rule.targets.iter().map(of));
        }
        for delivery in &deliveries {
            self.deliver_later(delivery, now)?;
        }
        Ok(())
    }
}

/// Whether one of these operations creates a rule that could be about an event of one of the stack's own services.
pub(super) fn have_rules_for(operations: &[Operation], source: &str) -> bool {
    operations.iter().any(|(operation, request)| {
        let pattern = request["EventPattern"].as_str().and_then(|pattern| Pattern::parse(pattern).ok());
        *operation == "PutRule"
            && request["EventBusName"].is_null()
            && pattern.is_some_and(|pattern| pattern.may_be_about(source))
    })
}

/// What a target of a rule gets of an event.
pub(super) fn delivery_of(bus: &str, rule: &str, target: &Value, event: &Event, now: i64) -> NewDelivery {
    let origin = rule_arn(bus, rule);
    let ingested = time_text(now);
    let about = About { rule_arn: &origin, rule_name: rule, ingested: &ingested };
    // Another bus gets the event, whatever else is said.
    let is_bus = target["Arn"].as_str().is_some_and(|arn| arn.contains(":event-bus/"));
    let payload = if is_bus {
        event.text.clone()
    } else {
        input::payload(Request(target), &event.value, &event.text, &about)
    };
    NewDelivery {
        event: (payload != event.text).then(|| event.text.clone()),
        origin,
        target: target.to_string(),
        payload,
        event_id: event.id.clone(),
        hops: event.hops,
    }
}

fn test_pattern(request: Request<'_>) -> Result<Value, EventsError> {
    let pattern = request.require("EventPattern")?;
    let event = request.require("Event")?;
    let pattern = Pattern::parse(pattern).map_err(|reason| EventsError::pattern(&reason))?;
    let event: Value = serde_json::from_str(event)
        .map_err(|error| EventsError::validation(format!("Parameter Event is not valid. Reason: {error}")))?;
    let required = ["id", "account", "source", "time", "region", "resources", "detail-type"];
    if let Some(missing) = required.iter().find(|name| event.get(**name).is_none()) {
        let message = format!("Parameter Event is not valid. Reason: {missing} is a required argument.");
        return Err(EventsError::validation(message));
    }
    Ok(json!({"Result": pattern.matches(&event)}))
}

/// A column that holds JSON of our own.
pub(super) fn document(row: &Row<'_>, column: usize) -> rusqlite::Result<Value> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
    })
}

/// A time as events say it.
pub(super) fn time_text(millis: i64) -> String {
    let timestamp = jiff::Timestamp::from_millisecond(millis).unwrap_or_default();
    timestamp.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

pub(super) fn bus_arn(name: &str) -> String {
    format!("arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{name}")
}

pub(super) fn rule_arn(bus: &str, rule: &str) -> String {
    let within = if bus == DEFAULT_BUS { String::new() } else { format!("{bus}/") };
    format!("arn:aws:events:{REGION}:{ACCOUNT}:rule/{within}{rule}")
}
