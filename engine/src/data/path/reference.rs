//! Reference paths: paths that name exactly one location, and can be written to.

use std::fmt;
use std::sync::Arc;

use super::{Json, JsonPath, PathError, Root, Step};
use crate::data::json::Object;
use crate::data::scope::EvalError;

/// A path of names and indexes only, from `$` on: a `ResultPath`.
#[derive(Clone, Debug)]
pub struct ReferencePath {
    text: Arc<str>,
    steps: Vec<ReferenceStep>,
}

#[derive(Clone, Debug)]
enum ReferenceStep {
    Property(Arc<str>),
    Index(usize),
}

/// How far beyond the end of an array a value may be written; what lies between becomes `null`.
const MAX_GAP: usize = 10_000;

impl ReferencePath {
    /// Reads a reference path.
    pub fn parse(text: &str) -> Result<ReferencePath, PathError> {
        let path = JsonPath::parse(text)?;
        let fault = |message: &str| PathError { message: message.to_owned(), offset: 0 };
        if path.root != Root::Input {
            return Err(fault("a reference path begins with `$.` or `$[`"));
        }
        if path.route.function.is_some() {
            return Err(fault("a reference path holds names and indexes only"));
        }
        let step = |step| match step {
            Step::Property(name) => Ok(ReferenceStep::Property(name)),
            Step::Index(index) => match usize::try_from(index) {
                Ok(index) => Ok(ReferenceStep::Index(index)),
                Err(_) => Err(fault("an index of a reference path is not negative")),
            },
            _ => Err(fault("a reference path holds names and indexes only")),
        };
        let steps = path.route.steps.into_iter().map(step).collect::<Result<_, _>>()?;
        Ok(ReferencePath { text: path.text, steps })
    }

    /// The path as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is `$`, the whole document.
    pub fn is_root(&self) -> bool {
        self.steps.is_empty()
    }

    /// The value that the path leads to.
    pub fn find<'a>(&self, document: &'a Json) -> Option<&'a Json> {
        self.steps.iter().try_fold(document, |value, step| match step {
            ReferenceStep::Property(name) => value.get(name),
            ReferenceStep::Index(index) => value.at(*index),
        })
    }

    /// The document with a value at the end of the path. Objects on the way are made where there is nothing yet; what is
    /// not on the way stays shared.
    pub fn set(&self, document: Json, value: Json) -> Result<Json, EvalError> {
        let mut document = document;
        let mut target = &mut document;
        for step in &self.steps {
            target = match step {
                ReferenceStep::Property(name) => property(target, name)?,
                ReferenceStep::Index(index) => item(target, *index)?,
            };
        }
        *target = value.without_verbatim();
        Ok(document)
    }
}

/// The location of a name; `null` and an absent value become an object.
fn property<'a>(value: &'a mut Json, name: &Arc<str>) -> Result<&'a mut Json, EvalError> {
    if value.is_null() {
        *value = Json::empty_object();
    }
    if !value.is_object() {
        return Err(mismatch(&Step::Property(name.clone()), value));
    }
    let object: &mut Object = value.as_object_mut().expect("just seen to be an object");
    if !object.contains_key(name) {
        object.insert(Arc::clone(name), Json::Null);
    }
    Ok(object.get_mut(name).expect("just inserted if it was missing"))
}

fn item(value: &mut Json, index: usize) -> Result<&mut Json, EvalError> {
    if value.is_null() {
        *value = Json::array([]);
    }
    let reachable = value.as_array().is_some_and(|items| index <= items.len().saturating_add(MAX_GAP));
    if !reachable {
        return Err(mismatch(&Step::Index(index as i64), value));
    }
    let items = value.as_array_mut().expect("just seen to be an array");
    if items.len() <= index {
        items.resize(index + 1, Json::Null);
    }
    Ok(&mut items[index])
}

fn mismatch(step: &Step, value: &Json) -> EvalError {
    let name = match step {
        Step::Property(name) => name.to_string(),
        other => other.to_string(),
    };
    EvalError {
        name: "States.ResultPathMatchFailure",
        cause: format!("Unable to apply step \"{name}\" to input {value}"),
        location: None,
    }
}

/// The path as it was written.
impl fmt::Display for ReferencePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
