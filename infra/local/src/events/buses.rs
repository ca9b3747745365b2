//! Event buses, and tags of them and of rules.

use rusqlite::OptionalExtension as _;
use serde_json::{Value, json};

use super::EventsError;
use super::request::{DEFAULT_BUS, Request, bus_name, object, page, seconds};
use super::store::{Store, bus_arn};

/// A bus as it is kept.
struct Bus {
    name: String,
    description: Option<String>,
    created: i64,
    modified: i64,
}

impl Bus {
    fn describe(self) -> Value {
        object([
            ("Name", Some(json!(self.name))),
            ("Arn", Some(json!(bus_arn(&self.name)))),
            ("Description", self.description.map(Value::from)),
            ("CreationTime", Some(seconds(self.created))),
            ("LastModifiedTime", Some(seconds(self.modified))),
        ])
    }
}

impl Store {
    pub(super) fn create_bus(&mut self, request: Request<'_>) -> Result<Value, EventsError> {
        let name = request.new_name("Name", 256)?;
        if name == DEFAULT_BUS || self.find_bus(name)?.is_some() {
            let message = format!("Event bus {name} already exists.");
            return Err(EventsError::new(400, "ResourceAlreadyExistsException", message));
        }
        let (now, description) = (self.now(), request.text("Description"));
        self.database
            .prepare_cached("INSERT INTO buses (name, description, created, modified) VALUES (?, ?, ?, ?)")?
            .execute((name, description, now, now))?;
        self.add_tags(&bus_arn(name), request.list("Tags"))?;
        Ok(object([
            ("EventBusArn", Some(json!(bus_arn(name)))),
            ("Description", description.map(Value::from)),
        ]))
    }

    pub(super) fn update_bus(&mut self, request: Request<'_>) -> Result<Value, EventsError> {
        let name = request.bus("Name");
        self.check_bus(name)?;
        let (now, description) = (self.now(), request.text("Description"));
        self.database
            .prepare_cached("UPDATE buses SET description = ?, modified = ? WHERE name = ?")?
            .execute((description, now, name))?;
        Ok(object([
            ("Arn", Some(json!(bus_arn(name)))),
            ("Name", Some(json!(name))),
            ("Description", description.map(Value::from)),
        ]))
    }

    pub(super) fn delete_bus(&mut self, request: Request<'_>) -> Result<Value, EventsError> {
        let name = bus_name(request.require("Name")?);
        if name == DEFAULT_BUS {
            return Err(EventsError::validation("Cannot delete event bus default."));
        }
        let has_rules: bool = self
            .database
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM rules WHERE bus = ?)")?
            .query_row([name], |row| row.get(0))?;
        if has_rules {
            return Err(EventsError::validation(format!(
                "Cannot delete event bus {name} because it still has rules."
            )));
        }
        self.database.prepare_cached("DELETE FROM buses WHERE name = ?")?.execute([name])?;
        self.forget_tags(&bus_arn(name))?;
        self.keep_policy(name, None)?;
        Ok(json!({}))
    }

    pub(super) fn describe_bus(&mut self, request: Request<'_>) -> Result<Value, EventsError> {
        let name = request.bus("Name");
        self.check_bus(name)?;
        let mut shown = self.find_bus(name)?.unwrap_or_else(default_bus).describe();
        if let Some(policy) = self.policy(name)? {
            shown["Policy"] = json!(policy.to_string());
        }
        Ok(shown)
    }

    pub(super) fn list_buses(&mut self, request: Request<'_>) -> Result<Value, EventsError> {
        let mut statement =
            self.database.prepare_cached("SELECT name, description, created, modified FROM buses")?;
        let mut buses: Vec<Bus> = statement.query_map([], bus)?.collect::<Result<_, _>>()?;
        buses.push(default_bus());
        buses.sort_by(|one, other| one.name.cmp(&other.name));
        let prefix = request.text("NamePrefix").unwrap_or_default();
        let buses = buses.into_iter().filter(|bus| bus.name.starts_with(prefix));
        let items = buses.map(|bus| (bus.name.clone(), bus.describe())).collect();
        page(request, ("EventBuses", "Limit"), items)
    }

    /// Refuses a bus that does not exist.
    pub(super) fn check_bus(&self, name: &str) -> Result<(), EventsError> {
        if self.has_bus(name)? {
            return Ok(());
        }
        Err(EventsError::not_found(format!("Event bus {name} does not exist.")))
    }

    pub(super) fn has_bus(&self, name: &str) -> Result<bool, EventsError> {
        Ok(name == DEFAULT_BUS || self.find_bus(name)?.is_some())
    }

    fn find_bus(&self, name: &str) -> Result<Option<Bus>, EventsError> {
        let mut statement = self
            .database
            .prepare_cached("SELECT name, description, created, modified FROM buses WHERE name = ?")?;
        Ok(statement.query_row([name], bus).optional()?)
    }

    /// Adds tags; `arn` is the member of the request that names what is tagged.
    pub(super) fn tag(&mut self, request: Request<'_>, arn: &str) -> Result<Value, EventsError> {
        let arn = request.require(arn)?;
        self.check_arn(arn)?;
        self.add_tags(arn, request.list("Tags"))?;
        Ok(json!({}))
    }

    pub(super) fn untag(&mut self, request: Request<'_>, arn: &str) -> Result<Value, EventsError> {
        let arn = request.require(arn)?;
        self.check_arn(arn)?;
        for key in request.list("TagKeys").iter().filter_map(Value::as_str) {
            self.database
                .prepare_cached("DELETE FROM tags WHERE arn = ? AND key = ?")?
                .execute([arn, key])?;
        }
        Ok(json!({}))
    }

    pub(super) fn list_tags(&mut self, request: Request<'_>, arn: &str) -> Result<Value, EventsError> {
        let arn = request.require(arn)?;
        self.check_arn(arn)?;
        let mut statement =
            self.database.prepare_cached("SELECT key, value FROM tags WHERE arn = ? ORDER BY key")?;
        let tags = statement.query_map([arn], |row| {
            Ok(json!({"Key": row.get::<_, String>(0)?, "Value": row.get::<_, String>(1)?}))
        })?;
        Ok(json!({"Tags": tags.collect::<Result<Vec<Value>, _>>()?}))
    }

    pub(super) fn add_tags(&mut self, arn: &str, tags: &[Value]) -> Result<(), EventsError> {
        for tag in tags {
            let tag = Request(tag);
            let (key, value) = (tag.require("Key")?, tag.text("Value").unwrap_or_default());
            self.database
                .prepare_cached("INSERT OR REPLACE INTO tags (arn, key, value) VALUES (?, ?, ?)")?
                .execute([arn, key, value])?;
        }
        Ok(())
    }

    pub(super) fn forget_tags(&mut self, arn: &str) -> Result<(), EventsError> {
        self.database.prepare_cached("DELETE FROM tags WHERE arn = ?")?.execute([arn])?;
        Ok(())
    }
}

/// The bus that nobody makes.
fn default_bus() -> Bus {
    Bus { name: DEFAULT_BUS.to_owned(), description: None, created: 0, modified: 0 }
}

fn bus(row: &rusqlite::Row<'_>) -> rusqlite::Result<Bus> {
    Ok(Bus { name: row.get(0)?, description: row.get(1)?, created: row.get(2)?, modified: row.get(3)? })
}
