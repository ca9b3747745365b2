//! Rules: a pattern or a schedule, and the targets of what it meets.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rusqlite::{OptionalExtension as _, Row};
use serde_json::{Value, json};

use super::pattern::Pattern;
use super::request::{DEFAULT_BUS, Request, check_name, object, page};
use super::store::{Store, document, rule_arn};
use super::targets::check_target;
use super::{EventsError, input};
use crate::config::ACCOUNT;
use crate::schedule::Expression;

/// The most targets of a rule.
const MAX_TARGETS: usize = 5;

const COLUMNS: &str = "bus, name, pattern, schedule, state, description, role";

/// The description of a rule.
fn describe(row: &Row<'_>) -> rusqlite::Result<Value> {
    let text = |column| row.get::<_, Option<String>>(column).map(|text| text.map(Value::from));
    let (bus, name): (String, String) = (row.get(0)?, row.get(1)?);
    Ok(object([
        ("Name", Some(json!(name))),
        ("Arn", Some(json!(rule_arn(&bus, &name)))),
        ("EventPattern", text(2)?),
        ("ScheduleExpression", text(3)?),
        ("State", text(4)?),
        ("Description", text(5)?),
        ("RoleArn", text(6)?),
        ("EventBusName", Some(json!(bus))),
    ]))
}

impl Store {
    pub(super) fn put_rule(&mut self, request: Request<'_>) -> Result<Value, EventsError> {
        let name = request.new_name("Name", 64)?;
        let bus = request.bus("EventBusName");
        self.check_bus(bus)?;
        let given = |member| request.text(member).filter(|text| !text.is_empty());
        let (pattern, schedule) = (given("EventPattern"), given("ScheduleExpression"));
        if pattern.is_none() && schedule.is_none() {
            let message = "Parameter(s) EventPattern or ScheduleExpression must be specified.";
            return Err(EventsError::validation(message));
        }
        if let Some(pattern) = pattern {
            Pattern::parse(pattern).map_err(|reason| EventsError::pattern(&reason))?;
        }
        let state = request.text("State").unwrap_or("ENABLED");
        if !["ENABLED", "DISABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"].contains(&state) {
            let set = "Member must satisfy enum value set: [ENABLED, DISABLED, ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS]";
            return Err(EventsError::constraint("state", &format!("'{state}'"), set));
        }
        let now = self.now();
        let next = match schedule {
            Some(_) if bus != DEFAULT_BUS => {
                let message = "ScheduleExpression is supported only on the default event bus.";
                return Err(EventsError::validation(message));
            }
            Some(schedule) => next_of_rule(schedule, now, now)?.filter(|_| state != "DISABLED"),
            None => None,
        };
        self.database
            .prepare_cached(
                "INSERT INTO rules (bus, name, pattern, schedule, state, description, role, created, next)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
                 ON CONFLICT (bus, name) DO UPDATE SET pattern = ?3, schedule = ?4, state = ?5, description = ?6,
                     role = ?7, next = ?9",
            )?
            .execute((
                bus,
                name,
                pattern,
                schedule,
                state,
                request.text("Description"),
                request.text("RoleArn"),
                now,
                next,
            ))?;
        let arn = rule_arn(bus, name);
        self.add_tags(&arn, request.list("Tags"))?;
        self.refresh()?;
        Ok(json!({"RuleArn": arn}))
    }

    pub(super) fn describe_rule(&mut self, request: Request<'_>) -> Result<Value, EventsError> {
        let (bus, name) = (request.bus("EventBusName"), request.require("Name")?);
        self.check_bus(bus)?;
        let mut rule = self.find_rule(bus, name)?.ok_or_else(|| no_such_rule(bus, name))?;
        rule["CreatedBy"] = json!(ACCOUNT);
        Ok(rule)
    }

    pub(super) fn list_rules(&mut self, request: Request<'_>) -> Result<Value, EventsError> {
        let bus = request.bus("EventBusName");
        self.check_bus(bus)?;
        let prefix = request.text("NamePrefix").unwrap_or_default();
        let sql = format!("SELECT {COLUMNS} FROM rules WHERE bus = ? ORDER BY name");
        let mut statement = self.database.prepare_cached(&sql)?;
        let rules: Vec<Value> = statement.query_map([bus], describe)?.collect::<Result<_, _>>()?;
        let name = |rule: &Value| rule["Name"].as_str().unwrap_or_default().to_owned();
        let items = rules.into_iter().map(|rule| (name(&rule), rule));
        page(request, ("Rules", "Limit"), items.filter(|(name, _)| name.starts_with(prefix)).collect())
    }

    /// Enables or disables a rule.
    pub(super) fn switch_rule(&mut self, request: Request<'_>, state: &str) -> Result<Value, EventsError> {
        let (bus, name) = (request.bus("EventBusName"), request.require("Name")?);
        self.check_bus(bus)?;
        let rule = self.find_rule(bus, name)?.ok_or_else(|| no_such_rule(bus, name))?;
        let now = self.now();
        let next = match rule["ScheduleExpression"].as_str() {
            Some(schedule) if state == "ENABLED" => next_of_rule(schedule, now, now)?,
            _ => None,
        };
        self.database
            .prepare_cached("UPDATE rules SET state = ?, next = ? WHERE bus = ? AND name = ?")?
            .execute((state, next, bus, name))?;
        self.refresh()?;
        Ok(json!({}))
    }

    pub(super) fn delete_rule(&mut self, request: Request<'_>) -> Result<Value, EventsError> {
        let (bus, name) = (request.bus("EventBusName"), request.require("Name")?);
        self.check_bus(bus)?;
        if !self.targets_of(bus, name)?.is_empty() {
            return Err(EventsError::validation("Rule can't be deleted since it has targets."));
        }
        self.database.prepare_cached("DELETE FROM rules WHERE bus = ? AND name = ?")?.execute([bus, name])?;
        self.forget_tags(&rule_arn(bus, name))?;
        self.refresh()?;
        Ok(json!({}))
    }

    pub(super) fn put_targets(&mut self, request: Request<'_>) -> Result<Value, EventsError> {
        let (bus, rule) = self.rule_of_targets(request)?;
        let targets = request.list("Targets");
        if targets.is_empty() {
            return Err(EventsError::missing("Targets"));
        }
        for (index, target) in targets.iter().enumerate() {
            let target = Request(target);
            let id = target.require("Id")?;
            check_name(&format!("targets.{}.member.id", index + 1), id, 64)?;
            check_target(target, id)?;
            input::check(target, id)?;
        }
        for target in targets {
            let id = target["Id"].as_str().unwrap_or_default();
            self.database
                .prepare_cached(
                    "INSERT OR REPLACE INTO targets (bus, rule, id, document) VALUES (?, ?, ?, ?)",
                )?
                .execute([bus, rule, id, &target.to_string()])?;
        }
        if self.targets_of(bus, rule)?.len() > MAX_TARGETS {
            let message = "The requested resource exceeds the maximum number allowed.";
            return Err(EventsError::new(400, "LimitExceededException", message));
        }
        self.refresh()?;
        Ok(json!({"FailedEntryCount": 0, "FailedEntries": []}))
    }

    pub(super) fn list_targets(&mut self, request: Request<'_>) -> Result<Value, EventsError> {
        let (bus, rule) = self.rule_of_targets(request)?;
        let id = |target: &Value| target["Id"].as_str().unwrap_or_default().to_owned();
        let items = self.targets_of(bus, rule)?.into_iter().map(|target| (id(&target), target)).collect();
        page(request, ("Targets", "Limit"), items)
    }

    pub(super) fn list_rule_names(&mut self, request: Request<'_>) -> Result<Value, EventsError> {
        let (bus, arn) = (request.bus("EventBusName"), request.require("TargetArn")?);
        self.check_bus(bus)?;
        let mut statement =
            self.database.prepare_cached("SELECT rule, document FROM targets WHERE bus = ? ORDER BY rule")?;
        let rows = statement.query_map([bus], |row| Ok((row.get::<_, String>(0)?, document(row, 1)?)))?;
        let mut names = Vec::new();
        for row in rows {
            let (rule, target) = row?;
            if target["Arn"] == arn {
                names.push((rule.clone(), json!(rule)));
            }
        }
        names.dedup();
        page(request, ("RuleNames", "Limit"), names)
    }

    pub(super) fn remove_targets(&mut self, request: Request<'_>) -> Result<Value, EventsError> {
        let (bus, rule) = self.rule_of_targets(request)?;
        let mut failed = Vec::new();
        for id in request.list("Ids").iter().filter_map(Value::as_str) {
            let removed = self
                .database
                .prepare_cached("DELETE FROM targets WHERE bus = ? AND rule = ? AND id = ?")?
                .execute([bus, rule, id])?;
            if removed == 0 {
                let message = format!("Rule {rule} does not have a target with the Id {id}.");
                failed.push(json!({"TargetId": id, "ErrorCode": "ResourceNotFoundException", "ErrorMessage": message}));
            }
        }
        self.refresh()?;
        Ok(json!({"FailedEntryCount": failed.len(), "FailedEntries": failed}))
    }

    /// The bus and the rule that a request about targets names.
    fn rule_of_targets<'r>(&self, request: Request<'r>) -> Result<(&'r str, &'r str), EventsError> {
        let (bus, rule) = (request.bus("EventBusName"), request.require("Rule")?);
        self.check_bus(bus)?;
        self.find_rule(bus, rule)?.ok_or_else(|| no_such_rule(bus, rule))?;
        Ok((bus, rule))
    }

    /// Refuses the ARN of a bus or a rule that does not exist.
    pub(super) fn check_arn(&self, arn: &str) -> Result<(), EventsError> {
        let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
        if let Some(bus) = resource.strip_prefix("event-bus/") {
            return self.check_bus(bus);
        }
        let Some(rule) = resource.strip_prefix("rule/") else { return Ok(()) };
        let (bus, name) = rule.split_once('/').unwrap_or((DEFAULT_BUS, rule));
        self.find_rule(bus, name)?.map(drop).ok_or_else(|| no_such_rule(bus, name))
    }

    fn find_rule(&self, bus: &str, name: &str) -> Result<Option<Value>, EventsError> {
        let sql = format!("SELECT {COLUMNS} FROM rules WHERE bus = ? AND name = ?");
        Ok(self.database.prepare_cached(&sql)?.query_row([bus, name], describe).optional()?)
    }
}

fn no_such_rule(bus: &str, name: &str) -> EventsError {
    EventsError::not_found(format!("Rule {name} does not exist on EventBus {bus}."))
}

/// When a rule is due first after `now`, in milliseconds; what is regular counts from `start`.
pub(super) fn next_of_rule(schedule: &str, now: i64, start: i64) -> Result<Option<i64>, EventsError> {
    let expression = match Expression::parse(schedule) {
        Some(Expression::At(_) | Expression::Rate { is_strict: false, .. }) | None => {
            return Err(EventsError::validation("Parameter ScheduleExpression is not valid."));
        }
        Some(expression) => expression,
    };
    let time = |millis| Timestamp::from_millisecond(millis).unwrap_or_default();
    let next = expression.next(time(now), time(start), &TimeZone::UTC);
    Ok(next.map(Timestamp::as_millisecond))
}
