//! Policies of event buses: kept and shown, and not enforced.

use rusqlite::OptionalExtension as _;
use serde_json::{Value, json};

use super::EventsError;
use super::request::Request;
use super::store::{Store, bus_arn, document};

/// The kind under which policies are kept.
const KIND: &str = "policy";

impl Store {
    pub(super) fn put_permission(&mut self, request: Request<'_>) -> Result<Value, EventsError> {
        let bus = request.bus("EventBusName");
        self.check_bus(bus)?;
        let policy = match request.text("Policy") {
            Some(policy) => {
                let policy: Option<Value> = serde_json::from_str(policy).ok();
                policy.filter(Value::is_object).ok_or_else(|| {
                    EventsError::new(400, "InvalidPolicyDocument", "The policy is no JSON object.")
                })?
            }
            None => self.with_statement(bus, request)?,
        };
        self.keep_policy(bus, Some(&policy))?;
        Ok(json!({}))
    }

    pub(super) fn remove_permission(&mut self, request: Request<'_>) -> Result<Value, EventsError> {
        let bus = request.bus("EventBusName");
        self.check_bus(bus)?;
        if request.0["RemoveAllPermissions"] == true {
            self.keep_policy(bus, None)?;
            return Ok(json!({}));
        }
        let id = request.require("StatementId")?;
        let absent = || EventsError::not_found("Statement with the provided id does not exist.");
        let mut policy = self.policy(bus)?.ok_or_else(absent)?;
        let statements = policy["Statement"].as_array_mut().ok_or_else(absent)?;
        let before = statements.len();
        statements.retain(|statement| statement["Sid"] != id);
        if statements.len() == before {
            return Err(absent());
        }
        let is_empty = statements.is_empty();
        self.keep_policy(bus, Some(&policy).filter(|_| !is_empty))?;
        Ok(json!({}))
    }

    /// The policy of a bus.
    pub(super) fn policy(&self, bus: &str) -> Result<Option<Value>, EventsError> {
        let mut statement =
            self.database.prepare_cached("SELECT document FROM parts WHERE kind = ? AND name = ?")?;
        Ok(statement.query_row([KIND, bus], |row| document(row, 0)).optional()?)
    }

    fn with_statement(&self, bus: &str, request: Request<'_>) -> Result<Value, EventsError> {
        let id = request.require("StatementId")?;
        let principal = match request.require("Principal")? {
            "*" => json!("*"),
            account => json!({"AWS": format!("arn:aws:iam::{account}:root")}),
        };
        let mut statement = json!({
            "Sid": id,
            "Effect": "Allow",
            "Principal": principal,
            "Action": request.require("Action")?,
            "Resource": bus_arn(bus),
        });
        if let Some(condition) = request.0.get("Condition").filter(|condition| condition.is_object()) {
            let condition = Request(condition);
            let (kind, key) = (condition.require("Type")?, condition.require("Key")?);
            statement["Condition"] = json!({kind: {key: condition.require("Value")?}});
        }
        let mut policy =
            self.policy(bus)?.unwrap_or_else(|| json!({"Version": "2012-10-17", "Statement": []}));
        if let Some(statements) = policy["Statement"].as_array_mut() {
            statements.retain(|other| other["Sid"] != id);
            statements.push(statement);
        }
        Ok(policy)
    }

    pub(super) fn keep_policy(&self, bus: &str, policy: Option<&Value>) -> Result<(), EventsError> {
        match policy {
            Some(policy) => self
                .database
                .prepare_cached("INSERT OR REPLACE INTO parts (kind, name, document) VALUES (?, ?, ?)")?
                .execute([KIND, bus, &policy.to_string()])?,
            None => self
                .database
                .prepare_cached("DELETE FROM parts WHERE kind = ? AND name = ?")?
                .execute([KIND, bus])?,
        };
        Ok(())
    }
}
