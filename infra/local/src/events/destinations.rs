//! API destinations: addresses that rules call over HTTP, and the connections that say how a call is authorized.

use http::Method;
use rusqlite::OptionalExtension as _;
use serde_json::{Value, json};
use uuid::Uuid;

use super::EventsError;
use super::request::{Request, page, seconds};
use super::store::{Store, document};
use crate::api_call::{METHODS, method};
use crate::config::{ACCOUNT, REGION};
use crate::connections::{Connection, name_in};

/// What is kept of a connection, and of a destination.
const OF_CONNECTION: [&str; 3] = ["AuthParameters", "AuthorizationType", "Description"];
const OF_DESTINATION: [&str; 5] =
    ["ConnectionArn", "Description", "HttpMethod", "InvocationEndpoint", "InvocationRateLimitPerSecond"];

/// The two kinds of things here.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Connection,
    Destination,
}

impl Part {
    /// As the names of members have it, and as ARNs do.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Part::Connection => ("Connection", "connection"),
            Part::Destination => ("ApiDestination", "api-destination"),
        }
    }

    fn not_found(self, verb: &str, name: &str) -> EventsError {
        let (things, thing) = match self {
            Part::Connection => ("connection(s)", "Connection"),
            Part::Destination => ("api-destination(s)", "An api-destination"),
        };
        EventsError::not_found(format!("Failed to {verb} the {things}. {thing} '{name}' does not exist."))
    }

    /// The members of the answer to a change.
    fn changed(self, kept: &Value) -> Value {
        let (name, _) = self.names();
        let mut answer = json!({});
        for member in [format!("{name}Arn"), format!("{name}State")] {
            answer[&member] = kept[&member].clone();
        }
        answer["CreationTime"] = kept["CreationTime"].clone();
        answer["LastModifiedTime"] = kept["LastModifiedTime"].clone();
        answer
    }
}

impl Store {
    /// Creates a connection or a destination, or changes one.
    pub(super) fn put_part(
        &mut self,
        part: Part,
        request: Request<'_>,
        is_new: bool,
    ) -> Result<Value, EventsError> {
        let (kind, in_arn) = part.names();
        let name = request.new_name("Name", 64)?;
        let old = self.find_part(part, name)?;
        let mut kept = match (old, is_new) {
            (Some(_), true) => {
                let message = format!("{kind} {name} already exists.");
                return Err(EventsError::new(400, "ResourceAlreadyExistsException", message));
            }
            (Some(old), false) => old,
            (None, false) => return Err(part.not_found("update", name)),
            (None, true) => {
                let mut kept = json!({"Name": name});
                kept[format!("{kind}Arn")] =
                    json!(format!("arn:aws:events:{REGION}:{ACCOUNT}:{in_arn}/{name}/{}", Uuid::new_v4()));
                kept["CreationTime"] = seconds(self.now());
                kept
            }
        };
        let members = if part == Part::Connection { &OF_CONNECTION[..] } else { &OF_DESTINATION[..] };
        for member in members {
            if let Some(value) = request.0.get(*member) {
                kept[*member] = value.clone();
            }
        }
        kept["LastModifiedTime"] = seconds(self.now());
        let state = if part == Part::Connection { "AUTHORIZED" } else { "ACTIVE" };
        kept[format!("{kind}State")] = json!(state);
        if part == Part::Connection {
            kept["LastAuthorizedTime"] = kept["LastModifiedTime"].clone();
        }
        match part {
            Part::Connection => {
                Request(&kept).require("AuthorizationType")?;
                connection_of(&kept)?;
            }
            Part::Destination => self.check_destination(Request(&kept))?,
        }
        self.database
            .prepare_cached("INSERT OR REPLACE INTO parts (kind, name, document) VALUES (?, ?, ?)")?
            .execute([in_arn, name, &kept.to_string()])?;
        Ok(part.changed(&kept))
    }

    pub(super) fn describe_part(&mut self, part: Part, request: Request<'_>) -> Result<Value, EventsError> {
        let name = request.require("Name")?;
        let found = self.find_part(part, name)?.ok_or_else(|| part.not_found("describe", name))?;
        Ok(without_secrets(found))
    }

    pub(super) fn list_parts(&mut self, part: Part, request: Request<'_>) -> Result<Value, EventsError> {
        let (kind, in_arn) = part.names();
        let mut statement =
            self.database.prepare_cached("SELECT name, document FROM parts WHERE kind = ? ORDER BY name")?;
        let rows = statement.query_map([in_arn], |row| Ok((row.get::<_, String>(0)?, document(row, 1)?)))?;
        let rows: Vec<(String, Value)> = rows.collect::<Result<_, _>>()?;
        let prefix = request.text("NamePrefix").unwrap_or_default();
        let items = rows.into_iter().filter(|(name, _)| name.starts_with(prefix)).map(|(name, mut found)| {
            // The list does not say how calls are authorized.
            found.as_object_mut().into_iter().for_each(|members| drop(members.remove("AuthParameters")));
            (name, found)
        });
        page(request, (&format!("{kind}s"), "Limit"), items.collect())
    }

    pub(super) fn delete_part(&mut self, part: Part, request: Request<'_>) -> Result<Value, EventsError> {
        let (_, in_arn) = part.names();
        let name = request.require("Name")?;
        let found = self.find_part(part, name)?.ok_or_else(|| part.not_found("delete", name))?;
        self.database
            .prepare_cached("DELETE FROM parts WHERE kind = ? AND name = ?")?
            .execute([in_arn, name])?;
        if part == Part::Destination {
            return Ok(json!({}));
        }
        let mut answer = part.changed(&found);
        answer["ConnectionState"] = json!("DELETING");
        Ok(answer)
    }

    fn find_part(&self, part: Part, name: &str) -> Result<Option<Value>, EventsError> {
        let mut statement =
            self.database.prepare_cached("SELECT document FROM parts WHERE kind = ? AND name = ?")?;
        Ok(statement.query_row([part.names().1, name], |row| document(row, 0)).optional()?)
    }

    fn check_destination(&self, kept: Request<'_>) -> Result<(), EventsError> {
        let endpoint = kept.require("InvocationEndpoint")?;
        let uri: Option<http::Uri> = endpoint.replace('*', "x").parse().ok();
        let is_usual = uri.is_some_and(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https"))
                && uri.host().is_some_and(|host| !host.is_empty())
        });
        if !is_usual {
            return Err(EventsError::validation("Parameter InvocationEndpoint is not valid."));
        }
        let wanted = kept.require("HttpMethod")?;
        if method(wanted).is_err() {
            let methods = METHODS.each_ref().map(Method::as_str).join(", ");
            let constraint = format!("Member must satisfy enum value set: [{methods}]");
            return Err(EventsError::constraint("httpMethod", &format!("'{wanted}'"), &constraint));
        }
        let arn = kept.require("ConnectionArn")?;
        let missing = || EventsError::not_found(format!("Connection {arn} does not exist."));
        self.connection(arn)?.map(drop).ok_or_else(missing)
    }

    /// The connection of this ARN.
    pub(super) fn connection(&self, arn: &str) -> Result<Option<Connection>, EventsError> {
        let Some(name) = name_in(arn) else { return Ok(None) };
        self.find_part(Part::Connection, name)?.map(|kept| connection_of(&kept)).transpose()
    }

    /// A destination and its connection.
    pub(super) fn destination(&self, name: &str) -> Result<Option<(Value, Connection)>, EventsError> {
        let Some(destination) = self.find_part(Part::Destination, name)? else { return Ok(None) };
        let connection = self.connection(destination["ConnectionArn"].as_str().unwrap_or_default())?;
        Ok(connection.map(|connection| (destination, connection)))
    }
}

fn connection_of(kept: &Value) -> Result<Connection, EventsError> {
    Connection::of(kept).map_err(|fault| not_valid("AuthParameters", &fault))
}

fn not_valid(parameter: &str, reason: &str) -> EventsError {
    EventsError::validation(format!("Parameter {parameter} is not valid. Reason: {reason}."))
}

/// What may be shown of a connection.
fn without_secrets(mut kept: Value) -> Value {
    for (holder, secret) in [
        ("BasicAuthParameters", "Password"),
        ("ApiKeyAuthParameters", "ApiKeyValue"),
        ("OAuthParameters/ClientParameters", "ClientSecret"),
    ] {
        let members = kept.pointer_mut(&format!("/AuthParameters/{holder}")).and_then(Value::as_object_mut);
        members.into_iter().for_each(|members| drop(members.remove(secret)));
    }
    for holder in ["InvocationHttpParameters", "OAuthParameters/OAuthHttpParameters"] {
        let lists = kept.pointer_mut(&format!("/AuthParameters/{holder}")).and_then(Value::as_object_mut);
        let lists = lists.into_iter().flat_map(|lists| lists.values_mut());
        for item in lists.filter_map(Value::as_array_mut).flatten() {
            if item["IsValueSecret"] == true {
                item.as_object_mut().into_iter().for_each(|members| drop(members.remove("Value")));
            }
        }
    }
    kept
}
