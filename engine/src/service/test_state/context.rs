//! The context object that a tested state sees.

use crate::data::{Json, timestamp};
use crate::protocol::Exception;

/// The type of a field of the context object.
#[derive(Clone, Copy)]
enum Type {
    Any,
    Text,
    Number,
}

impl Type {
    fn allows(self, value: &Json) -> bool {
        match self {
            Type::Any => true,
            Type::Text => value.as_str().is_some(),
            Type::Number => value.as_number().is_some(),
        }
    }

    fn described(self) -> &'static str {
        match self {
            Type::Any => "any value",
            Type::Text => "a string",
            Type::Number => "a number",
        }
    }
}

/// What a given context object may hold.
const FIELDS: &[(&str, &[(&str, Type)])] = &[
    (
        "Execution",
        &[
            ("Id", Type::Text),
            ("Input", Type::Any),
            ("Name", Type::Text),
            ("RedriveCount", Type::Number),
            ("RedriveTime", Type::Text),
            ("RoleArn", Type::Text),
            ("StartTime", Type::Text),
        ],
    ),
    ("State", &[("EnteredTime", Type::Text), ("Name", Type::Text), ("RetryCount", Type::Number)]),
    ("StateMachine", &[("Id", Type::Text), ("Name", Type::Text)]),
    ("Task", &[("Token", Type::Text)]),
];

/// A given context object.
pub(super) fn parse(text: &str) -> Result<Json, Exception> {
    let refuse = |reason: &str| Exception::validation(format!("Invalid Context object provided: {reason}"));
    let context = Json::parse(text).map_err(|_| refuse("must be a valid JSON object"))?;
    let Some(object) = context.as_object() else { return Err(refuse("must be a valid JSON object")) };
    for (name, value) in object.iter() {
        if &**name == "Map" {
            return Err(refuse("'Map' field is not supported when mocking a Context object"));
        }
        let Some((_, allowed)) = FIELDS.iter().find(|(known, _)| *known == &**name) else {
            return Err(refuse(&format!("Field '{name}' is not allowed")));
        };
        let Some(inner) = value.as_object() else {
            return Err(refuse(&format!("Field '{name}' must be an object")));
        };
        for (field, value) in inner.iter() {
            let Some((_, allowed)) = allowed.iter().find(|(known, _)| *known == &**field) else {
                return Err(refuse(&format!("Field '{field}' is not allowed")));
            };
            if !allowed.allows(value) {
                return Err(refuse(&format!("Field '{field}' must be {}", allowed.described())));
            }
        }
    }
    Ok(context)
}

/// The context object of the trial if none is given.
pub(super) struct Surroundings<'a> {
    pub(super) region: &'a str,
    pub(super) account: &'a str,
    pub(super) role_arn: Option<&'a str>,
    pub(super) input: &'a Json,
    pub(super) now: jiff::Timestamp,
    /// For states that have retriers.
    pub(super) retry_count: Option<u64>,
}

/// The context object of a trial: an Express execution of a machine that nobody made.
pub(super) fn made_up(around: &Surroundings<'_>) -> Json {
    let Surroundings { region, account, role_arn, input, now, retry_count } = around;
    let (machine, execution) = (uuid::Uuid::new_v4().to_string(), uuid::Uuid::new_v4().to_string());
    let arn = |kind: &str, rest: &str| Json::from(format!("arn:aws:states:{region}:{account}:{kind}:{rest}"));
    let timestamp = Json::from(timestamp::format(*now));
    let mut state = vec![("Name", Json::from(super::subject::NAME)), ("EnteredTime", timestamp.clone())];
    state.extend(retry_count.map(|count| ("RetryCount", Json::from(count))));
    let role_arn = role_arn.map(|role_arn| ("RoleArn", Json::from(role_arn)));
    let of_execution = [
        ("Id", arn("express", &format!("{machine}:{execution}"))),
        ("Input", (*input).clone()),
        ("Name", Json::from(execution.as_str())),
    ];
    Json::object([
        (
            "Execution",
            Json::object(of_execution.into_iter().chain(role_arn).chain([("StartTime", timestamp)])),
        ),
        (
            "StateMachine",
            Json::object([("Id", arn("stateMachine", &machine)), ("Name", Json::from(machine.as_str()))]),
        ),
        ("State", Json::object(state)),
    ])
}
