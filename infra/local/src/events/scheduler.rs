//! EventBridge Scheduler: schedules of their own, each with one target, in groups.
//!
//! <https://docs.aws.amazon.com/scheduler/latest/APIReference/Welcome.html>

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rusqlite::OptionalExtension as _;
use serde_json::{Value, json};
use uuid::Uuid;

use super::EventsError;
use super::deliveries::NewDelivery;
use super::input;
use super::put::{envelope, time_of};
use super::request::{Request, page, seconds};
use super::store::{Store, document, time_text};
use super::targets::{Kind, check_policies, not_served};
use crate::config::{ACCOUNT, REGION};
use crate::schedule::Expression;

/// The group that every account has.
const DEFAULT_GROUP: &str = "default";
/// The groups that nobody makes here: that one, and the one of the lottery's template.
const GIVEN_GROUPS: [&str; 2] = [DEFAULT_GROUP, crate::repeats::GROUP];

/// What of a request is kept.
const MEMBERS: [&str; 10] = [
    "ActionAfterCompletion",
    "Description",
    "EndDate",
    "FlexibleTimeWindow",
    "KmsKeyArn",
    "ScheduleExpression",
    "ScheduleExpressionTimezone",
    "StartDate",
    "State",
    "Target",
];

impl Store {
    /// Does one operation; the members of path and query are members of the request.
    pub(super) fn call_scheduler(&mut self, operation: &str, request: &Value) -> Result<Value, EventsError> {
        self.in_transaction(|store| store.dispatch_scheduler(operation, Request(request)))
    }

    fn dispatch_scheduler(&mut self, operation: &str, request: Request<'_>) -> Result<Value, EventsError> {
        match operation {
            "CreateSchedule" => self.put_schedule(request, None),
            "UpdateSchedule" => {
                let found = self.schedule(group(request), request.require("Name")?)?;
                self.put_schedule(request, Some(&found))
            }
            "GetSchedule" => self.schedule(group(request), request.require("Name")?),
            "DeleteSchedule" => {
                let name = request.require("Name")?;
                self.schedule(group(request), name)?;
                self.remove_schedule(group(request), name)?;
                Ok(json!({}))
            }
            "ListSchedules" => self.list_schedules(request),
            "CreateScheduleGroup" => self.create_group(request),
            "GetScheduleGroup" => self.group(request.require("Name")?),
            "DeleteScheduleGroup" => self.delete_group(request),
            "ListScheduleGroups" => self.list_groups(request),
            "TagResource" => self.tag(request, "ResourceArn"),
            "UntagResource" => self.untag(request, "ResourceArn"),
            "ListTagsForResource" => self.list_tags(request, "ResourceArn"),
            _ => Err(EventsError::unknown_operation(operation)),
        }
    }

    fn put_schedule(&mut self, request: Request<'_>, old: Option<&Value>) -> Result<Value, EventsError> {
        let name = request.new_name("Name", 64)?;
        let group = group(request);
        self.group(group)?;
        if old.is_none() && self.find_schedule(group, name)?.is_some() {
            return Err(EventsError::new(
                409,
                "ConflictException",
                format!("Schedule {name} already exists."),
            ));
        }
        check(request)?;
        let now = self.now();
        let mut kept = json!({
            "Arn": schedule_arn(group, name),
            "Name": name,
            "GroupName": group,
            "CreationDate": old.map_or_else(|| seconds(now), |old| old["CreationDate"].clone()),
            "LastModificationDate": seconds(now),
            "ActionAfterCompletion": "NONE",
            "ScheduleExpressionTimezone": "UTC",
            "State": "ENABLED",
        });
        for member in MEMBERS {
            if let Some(value) = request.0.get(member).filter(|value| !value.is_null()) {
                kept[member] = value.clone();
            }
        }
        let next = next_of(&kept, now)?.filter(|_| kept["State"] != "DISABLED");
        self.database
            .prepare_cached(
                "INSERT OR REPLACE INTO schedules (grouped, name, document, next) VALUES (?, ?, ?, ?)",
            )?
            .execute((group, name, kept.to_string(), next))?;
        Ok(json!({"ScheduleArn": schedule_arn(group, name)}))
    }

    fn find_schedule(&self, group: &str, name: &str) -> Result<Option<Value>, EventsError> {
        let mut statement =
            self.database.prepare_cached("SELECT document FROM schedules WHERE grouped = ? AND name = ?")?;
        Ok(statement.query_row([group, name], |row| document(row, 0)).optional()?)
    }

    fn schedule(&self, group: &str, name: &str) -> Result<Value, EventsError> {
        self.find_schedule(group, name)?.ok_or_else(|| not_found(&format!("Schedule {name} does not exist.")))
    }

    fn remove_schedule(&self, group: &str, name: &str) -> Result<(), EventsError> {
        self.database
            .prepare_cached("DELETE FROM schedules WHERE grouped = ? AND name = ?")?
            .execute([group, name])?;
        Ok(())
    }

    fn list_schedules(&self, request: Request<'_>) -> Result<Value, EventsError> {
        let mut statement = self
            .database
            .prepare_cached("SELECT grouped, name, document FROM schedules ORDER BY grouped, name")?;
        let rows = statement.query_map([], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, document(row, 2)?))
        })?;
        let prefix = request.text("NamePrefix").unwrap_or_default();
        let mut items = Vec::new();
        for row in rows {
            let (group, name, schedule) = row?;
            let is_meant = request.text("ScheduleGroup").is_none_or(|wanted| wanted == group)
                && name.starts_with(prefix)
                && request.text("State").is_none_or(|state| schedule["State"] == state);
            if is_meant {
                let mut shown = json!({});
                for member in ["Arn", "CreationDate", "GroupName", "LastModificationDate", "Name", "State"] {
                    shown[member] = schedule[member].clone();
                }
                shown["Target"] = json!({"Arn": schedule["Target"]["Arn"]});
                items.push((format!("{group}/{name}"), shown));
            }
        }
        page(request, ("Schedules", "MaxResults"), items)
    }

    fn create_group(&mut self, request: Request<'_>) -> Result<Value, EventsError> {
        let name = request.new_name("Name", 64)?;
        if self.group(name).is_ok() {
            let message = format!("Schedule group {name} already exists.");
            return Err(EventsError::new(409, "ConflictException", message));
        }
        let now = self.now();
        self.database
            .prepare_cached("INSERT INTO groups (name, created) VALUES (?, ?)")?
            .execute((name, now))?;
        self.add_tags(&group_arn(name), request.list("Tags"))?;
        Ok(json!({"ScheduleGroupArn": group_arn(name)}))
    }

    fn group(&self, name: &str) -> Result<Value, EventsError> {
        let mut statement = self.database.prepare_cached("SELECT created FROM groups WHERE name = ?")?;
        let created = statement.query_row([name], |row| row.get(0)).optional()?;
        let created: Option<i64> = created.or_else(|| GIVEN_GROUPS.contains(&name).then_some(0));
        let created = created.ok_or_else(|| not_found(&format!("Schedule group {name} does not exist.")))?;
        Ok(describe_group(name, created))
    }

    fn delete_group(&mut self, request: Request<'_>) -> Result<Value, EventsError> {
        let name = request.require("Name")?;
        if GIVEN_GROUPS.contains(&name) {
            return Err(EventsError::validation(format!("Cannot delete the {name} schedule group.")));
        }
        self.group(name)?;
        self.database.prepare_cached("DELETE FROM schedules WHERE grouped = ?")?.execute([name])?;
        self.database.prepare_cached("DELETE FROM groups WHERE name = ?")?.execute([name])?;
        self.forget_tags(&group_arn(name))?;
        Ok(json!({}))
    }

    fn list_groups(&self, request: Request<'_>) -> Result<Value, EventsError> {
        let mut statement = self.database.prepare_cached("SELECT name, created FROM groups")?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))?;
        let mut groups: Vec<(String, i64)> = rows.collect::<Result<_, _>>()?;
        groups.push((DEFAULT_GROUP.to_owned(), 0));
        groups.sort();
        let prefix = request.text("NamePrefix").unwrap_or_default();
        let groups = groups.into_iter().filter(|(name, _)| name.starts_with(prefix));
        let items = groups.map(|(name, created)| (name.clone(), describe_group(&name, created))).collect();
        page(request, ("ScheduleGroups", "MaxResults"), items)
    }

    /// Writes down the deliveries of schedules whose time has come. Times that were missed come as one.
    pub(super) fn fire_schedules(&mut self, now: i64) -> Result<(), EventsError> {
        let mut statement = self
            .database
            .prepare_cached("SELECT grouped, name, document, next FROM schedules WHERE next <= ?")?;
        let rows = statement
            .query_map([now], |row| Ok((row.get(0)?, row.get(1)?, document(row, 2)?, row.get(3)?)))?;
        let due: Vec<(String, String, Value, i64)> = rows.collect::<Result<_, _>>()?;
        drop(statement);
        for (group, name, schedule, time) in due {
            self.deliver_later(&delivery(&schedule, time), now)?;
            let next = next_of(&schedule, now)?;
            if next.is_none() && schedule["ActionAfterCompletion"] == "DELETE" {
                self.remove_schedule(&group, &name)?;
                continue;
            }
            self.database
                .prepare_cached("UPDATE schedules SET next = ? WHERE grouped = ? AND name = ?")?
                .execute((next, &group, &name))?;
        }
        Ok(())
    }
}

/// What the target of a schedule gets at a time.
fn delivery(schedule: &Value, time: i64) -> NewDelivery {
    let arn = schedule["Arn"].as_str().unwrap_or_default();
    let target = &schedule["Target"];
    let execution = Uuid::new_v4().to_string();
    let part = |name: &str| match name {
        "aws.scheduler.schedule-arn" => Some(Value::from(arn)),
        "aws.scheduler.scheduled-time" => Some(Value::from(time_text(time))),
        "aws.scheduler.execution-id" => Some(Value::from(execution.clone())),
        "aws.scheduler.attempt-number" => Some(Value::from("1")),
        _ => None,
    };
    let given = target["Input"].as_str().map(|input| input::fill(input, part));
    let of_bus =
        |name: &str| target.pointer(&format!("/EventBridgeParameters/{name}")).and_then(Value::as_str);
    let text = |detail_type, source, detail: &str| {
        envelope(source, detail_type, &time_text(time), &json!([arn]), detail).text
    };
    let payload = match (of_bus("DetailType"), of_bus("Source"), given) {
        (Some(detail_type), Some(source), given) => {
            text(detail_type, source, given.as_deref().unwrap_or("{}"))
        }
        (_, _, Some(given)) => given,
        _ => text("Scheduled Event", "aws.scheduler", "\"{}\""),
    };
    NewDelivery {
        origin: arn.to_owned(),
        target: target.to_string(),
        payload,
        event: None,
        event_id: execution,
        hops: 0,
    }
}

/// When a schedule is due first after `now`.
fn next_of(schedule: &Value, now: i64) -> Result<Option<i64>, EventsError> {
    let schedule = Request(schedule);
    let text = schedule.require("ScheduleExpression")?;
    let expression = Expression::parse(text)
        .ok_or_else(|| EventsError::validation(format!("Invalid Schedule Expression {text}.")))?;
    let zone = schedule.text("ScheduleExpressionTimezone").unwrap_or("UTC");
    let zone = TimeZone::get(zone).map_err(|_| {
        EventsError::validation(format!(
            "Provided ScheduleExpressionTimezone {zone} is not a valid time zone."
        ))
    })?;
    let time = |millis| Timestamp::from_millisecond(millis).unwrap_or_default();
    let date = |name| time_of(schedule.0.get(name).filter(|value| !value.is_null()));
    let modified = date("LastModificationDate").unwrap_or(now);
    let (start, after) = match (&expression, date("StartDate")) {
        // Dates are about what is regular.
        (Expression::At(_), _) | (_, None) => (modified, now),
        (_, Some(start)) => (start, now.max(start - 1)),
    };
    let next = expression.next(time(after), time(start), &zone).map(Timestamp::as_millisecond);
    let end = date("EndDate").filter(|_| !matches!(expression, Expression::At(_)));
    Ok(next.filter(|next| end.is_none_or(|end| *next <= end)))
}

/// Refuses a schedule that cannot be meant.
fn check(request: Request<'_>) -> Result<(), EventsError> {
    request.require("ScheduleExpression")?;
    next_of(request.0, 0)?;
    let one_of = |member: &str, given: Option<&str>, values: &[&str]| match given {
        Some(given) if !values.contains(&given) => {
            let constraint = format!("Member must satisfy enum value set: [{}]", values.join(", "));
            Err(EventsError::constraint(member, &format!("'{given}'"), &constraint))
        }
        _ => Ok(()),
    };
    one_of("state", request.text("State"), &["ENABLED", "DISABLED"])?;
    one_of("actionAfterCompletion", request.text("ActionAfterCompletion"), &["NONE", "DELETE"])?;
    let window = request.0.get("FlexibleTimeWindow").filter(|window| window.is_object());
    let window = Request(window.ok_or_else(|| EventsError::missing("FlexibleTimeWindow"))?);
    one_of("flexibleTimeWindow.mode", Some(window.require("Mode")?), &["OFF", "FLEXIBLE"])?;
    let target = request.0.get("Target").filter(|target| target.is_object());
    let target = Request(target.ok_or_else(|| EventsError::missing("Target"))?);
    let arn = target.require("Arn")?;
    target.require("RoleArn")?;
    match Kind::of(arn).ok_or_else(|| not_served(arn))? {
        Kind::Destination(_) => {
            return Err(EventsError::validation("A schedule cannot call an API destination."));
        }
        Kind::Queue(name)
            if name.ends_with(".fifo") && target.0.pointer("/SqsParameters/MessageGroupId").is_none() =>
        {
            return Err(EventsError::validation("SqsParameters must be specified for a FIFO queue."));
        }
        Kind::Bus(_) => {
            let parameters = target.0.get("EventBridgeParameters");
            let parameters =
                Request(parameters.ok_or_else(|| EventsError::missing("EventBridgeParameters"))?);
            parameters.require("DetailType")?;
            parameters.require("Source")?;
            let is_object = |input| serde_json::from_str::<Value>(input).is_ok_and(|input| input.is_object());
            if target.text("Input").is_some_and(|input| !is_object(input)) {
                return Err(EventsError::validation("Input of an event bus must be a JSON object."));
            }
        }
        _ => {}
    }
    check_policies(target)
}

fn group(request: Request<'_>) -> &str {
    request.text("GroupName").unwrap_or(DEFAULT_GROUP)
}

fn not_found(message: &str) -> EventsError {
    EventsError::new(404, "ResourceNotFoundException", message)
}

fn schedule_arn(group: &str, name: &str) -> String {
    format!("arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/{group}/{name}")
}

fn group_arn(name: &str) -> String {
    format!("arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule-group/{name}")
}

fn describe_group(name: &str, created: i64) -> Value {
    json!({
        "Arn": group_arn(name),
        "CreationDate": seconds(created),
        "LastModificationDate": seconds(created),
        "Name": name,
        "State": "ACTIVE",
    })
}
