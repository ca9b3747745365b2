//! The shop's database on this machine: SQLite behind the API that Aurora has on AWS, so that the state machine is the same.
//!
//! Of the RDS Data API it has ExecuteStatement with `formatRecordsAs: JSON`, which is all that the state machine calls.
//! Neither credentials nor names of clusters are looked at.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use rusqlite::Connection;
use rusqlite::types::{Value as Sql, ValueRef};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The tables of the shop, which PostgreSQL takes too.
const SHOP: &str = include_str!("../data/shop.sql");

/// A database with an address of its own. Dropping it stops it.
pub struct Database {
    /// Where the API is.
    pub url: String,
    server: JoinHandle<()>,
}

struct Shared {
    connection: Mutex<Connection>,
    /// Aurora pauses a database that nobody uses; the first call wakes it, and fails.
    is_paused: AtomicBool,
}

#[derive(Deserialize)]
struct Statement {
    sql: String,
    #[serde(default)]
    parameters: Vec<Parameter>,
}

#[derive(Deserialize)]
struct Parameter {
    name: String,
    value: Value,
}

/// An error of the API, by its name.
struct Refused(&'static str, String);

impl Database {
    /// Makes the shop's tables, adds a day to them if there is one (the day, its orders, their euro cents), and serves
    /// them.
    ///
    /// # Errors
    /// If there is no port, or the statements of the tables are wrong.
    pub async fn start(day: Option<(&str, i64, i64)>) -> anyhow::Result<Database> {
        let connection = Connection::open_in_memory()?;
        connection.execute_batch(SHOP).context("shop.sql")?;
        if let Some(day) = day {
            connection.execute("INSERT INTO days VALUES (?, ?, ?)", day)?;
        }
        let shared = Shared { connection: Mutex::new(connection), is_paused: AtomicBool::new(true) };
        let router = Router::new().route("/Execute", post(execute)).with_state(Arc::new(shared));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the database is no longer served");
            }
        });
        Ok(Database { url, server })
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl From<rusqlite::Error> for Refused {
    fn from(error: rusqlite::Error) -> Refused {
        Refused("DatabaseErrorException", error.to_string())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Refused(name, message) = self;
        let body = Json(json!({"message": message}));
        (StatusCode::BAD_REQUEST, [("x-amzn-errortype", name)], body).into_response()
    }
}

async fn execute(
    State(shared): State<Arc<Shared>>,
    Json(statement): Json<Statement>,
) -> Result<Json<Value>, Refused> {
    if shared.is_paused.swap(false, Ordering::Relaxed) {
        return Err(Refused("DatabaseResumingException", "the database was paused, and resumes".to_owned()));
    }
    let connection = shared.connection.lock().unwrap_or_else(PoisonError::into_inner);
    let records = records(&connection, &statement)?;
    Ok(Json(json!({"formattedRecords": Value::from(records).to_string(), "numberOfRecordsUpdated": 0})))
}

/// The rows that a statement finds, each as an object.
fn records(connection: &Connection, statement: &Statement) -> Result<Vec<Value>, Refused> {
    let bad = |reason: String| Refused("BadRequestException", reason);
    let mut prepared = connection.prepare(&statement.sql)?;
    for Parameter { name, value } in &statement.parameters {
        let index = prepared.parameter_index(&format!(":{name}"))?;
        let index = index.ok_or_else(|| bad(format!("the statement has no parameter {name}")))?;
        let value = match (&value["stringValue"], &value["longValue"]) {
            (Value::String(text), _) => Sql::Text(text.clone()),
            (_, Value::Number(number)) if number.is_i64() => {
                Sql::Integer(number.as_i64().unwrap_or_default())
            }
            _ => return Err(bad(format!("the parameter {name} is neither a text nor a whole number"))),
        };
        prepared.raw_bind_parameter(index, value)?;
    }
    let names: Vec<String> = prepared.column_names().into_iter().map(str::to_owned).collect();
    let mut rows = prepared.raw_query();
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        let mut record = Map::new();
        for (index, name) in names.iter().enumerate() {
            let value = match row.get_ref(index)? {
                ValueRef::Null => Value::Null,
                ValueRef::Integer(number) => json!(number),
                ValueRef::Real(number) => json!(number),
                ValueRef::Text(text) => json!(String::from_utf8_lossy(text)),
                ValueRef::Blob(_) => return Err(bad(format!("the column {name} has bytes"))),
            };
            record.insert(name.clone(), value);
        }
        records.push(Value::Object(record));
    }
    Ok(records)
}
