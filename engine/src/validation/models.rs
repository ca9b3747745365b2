//! What AWS's own service APIs ask for and answer, as far as it is known here (see `models/README.md`).

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::data::Json;

/// Which services have a model, under their `aws-sdk:` names.
const SOURCES: &[(&str, &str)] = &[
    ("dynamodb", include_str!("models/dynamodb.json")),
    ("eventbridge", include_str!("models/eventbridge.json")),
    ("lambda", include_str!("models/lambda.json")),
    ("s3", include_str!("models/s3.json")),
    ("sfn", include_str!("models/sfn.json")),
    ("sns", include_str!("models/sns.json")),
    ("sqs", include_str!("models/sqs.json")),
];

/// The services that have `aws-sdk:` integrations, one name a line, sorted.
const SERVICES: &str = include_str!("models/services.txt");

/// The model of one service.
pub(crate) struct Model {
    operations: Json,
    shapes: Json,
}

/// One operation of a service.
#[derive(Clone, Copy)]
pub(crate) struct Operation<'a> {
    model: &'a Model,
    /// `[input shape, output shape]`
    shapes: &'a Json,
}

/// How much of a mocked answer is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strictness {
    /// Required fields must be there.
    Strict,
    /// Only what is there is looked at.
    Present,
}

/// Whether there is an `aws-sdk:` integration with this service.
pub(crate) fn has_service(name: &str) -> bool {
    SERVICES.lines().any(|line| line == name)
}

/// The model of a service under its `aws-sdk:` name.
pub(crate) fn model(service: &str) -> Option<&'static Model> {
    static MODELS: OnceLock<HashMap<&'static str, OnceLock<Option<Model>>>> = OnceLock::new();
    let models = MODELS.get_or_init(|| SOURCES.iter().map(|(name, _)| (*name, OnceLock::new())).collect());
    let source = SOURCES.iter().find(|(name, _)| *name == service)?.1;
    let parse = || {
        let parsed = Json::parse(source).ok()?;
        Some(Model { operations: parsed.get("operations")?.clone(), shapes: parsed.get("shapes")?.clone() })
    };
    models.get(service)?.get_or_init(parse).as_ref()
}

/// The name under which the model of an optimized integration is kept.
pub(crate) fn sdk_name(service: &str) -> &str {
    match service {
        "states" => "sfn",
        "events" => "eventbridge",
        other => other.strip_prefix("aws-sdk:").unwrap_or(other),
    }
}

impl Model {
    pub(crate) fn operation(&self, action: &str) -> Option<Operation<'_>> {
        Some(Operation { model: self, shapes: self.operations.get(action)? })
    }

    /// A shape by name, or the shape that the name itself is.
    fn shape<'a>(&'a self, reference: &'a Json) -> &'a Json {
        match reference.as_str() {
            Some(name) if name.starts_with('#') => self.shapes.get(name).unwrap_or(reference),
            _ => reference,
        }
    }
}

impl<'a> Operation<'a> {
    fn input(&self) -> Option<&'a Json> {
        let shape = self.shapes.at(0).filter(|shape| !shape.is_null())?;
        Some(self.model.shape(shape))
    }

    /// The parameters that must be given.
    pub(crate) fn required_parameters(&self) -> Vec<&'a str> {
        let required = self.input().and_then(|shape| shape.get("r")).and_then(Json::as_array).unwrap_or(&[]);
        required.iter().filter_map(Json::as_str).collect()
    }

    /// Whether there is such a parameter.
    pub(crate) fn has_parameter(&self, name: &str) -> bool {
        let parameters = self.input().and_then(|shape| shape.get("o")).and_then(Json::as_object);
        parameters.is_some_and(|parameters| parameters.contains_key(name))
    }

    /// What is wrong with a mocked answer.
    pub(crate) fn answer_fault(&self, answer: &Json, strictness: Strictness) -> Option<String> {
        let shape = self.shapes.at(1).filter(|shape| !shape.is_null())?;
        self.fault("result", self.model.shape(shape), answer, strictness)
    }

    fn fault(&self, field: &str, shape: &Json, value: &Json, strictness: Strictness) -> Option<String> {
        let wrong = |expected: &str| Some(format!("Field '{field}' must be {expected}"));
        match shape.as_str() {
            Some("s" | "t") => return if value.as_str().is_some() { None } else { wrong("a string") },
            Some("n") => return if value.as_number().is_some() { None } else { wrong("a number") },
            Some("b") => return if value.as_bool().is_some() { None } else { wrong("a boolean") },
            Some(_) => return None,
            None => {}
        }
        if let Some(fields) = shape.get("o") {
            let Some(object) = value.as_object() else { return wrong("an object") };
            let required = shape.get("r").and_then(Json::as_array).unwrap_or(&[]);
            let missing = required.iter().filter_map(Json::as_str).find(|name| !object.contains_key(name));
            if let (Some(name), Strictness::Strict) = (missing, strictness) {
                return Some(format!("Required field '{name}' is missing"));
            }
            return object.iter().filter(|(_, item)| !item.is_null()).find_map(|(name, item)| {
                let shape = self.model.shape(fields.get(name)?);
                self.fault(name, shape, item, strictness)
            });
        }
        if let Some(item_shape) = shape.get("l") {
            let Some(items) = value.as_array() else { return wrong("an array") };
            let shape = self.model.shape(item_shape);
            return items.iter().find_map(|item| self.fault(field, shape, item, strictness));
        }
        if let Some(value_shape) = shape.get("m") {
            let Some(object) = value.as_object() else { return wrong("an object") };
            let shape = self.model.shape(value_shape);
            return object.iter().find_map(|(key, item)| self.fault(key, shape, item, strictness));
        }
        if let Some(allowed) = shape.get("e").and_then(Json::as_array) {
            if value.as_str().is_none() {
                return wrong("a string");
            }
            return (!allowed.contains(value)).then(|| format!("Field '{field}' is not an expected value"));
        }
        let Some(number) = value.as_f64() else { return wrong("a number") };
        let bound = |index| shape.get("n").and_then(|bounds| bounds.at(index)).and_then(Json::as_f64);
        if bound(0).is_some_and(|least| number < least) {
            return Some(format!("Field '{field}' is less than the minimum value"));
        }
        bound(1)
            .is_some_and(|most| number > most)
            .then(|| format!("Field '{field}' exceeds the maximum value"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_can_be_read() {
        for (service, _) in SOURCES {
            let model = model(service).unwrap();
            for (action, _) in model.operations.as_object().unwrap().iter() {
                model.operation(action).unwrap().required_parameters();
            }
        }
    }

    #[test]
    fn a_mocked_answer_is_held_against_the_model() {
        let fault = |service, action, answer: &str, strictness| {
            let answer = Json::parse(answer).unwrap();
            model(service).unwrap().operation(action).unwrap().answer_fault(&answer, strictness)
        };
        let strict = Strictness::Strict;
        assert_eq!(
            fault("sfn", "startExecution", "{}", strict).unwrap(),
            "Required field 'ExecutionArn' is missing"
        );
        assert_eq!(fault("sfn", "startExecution", "{}", Strictness::Present), None);
        assert_eq!(
            fault("lambda", "getFunction", r#"{"Configuration":{"MemorySize":127}}"#, strict).unwrap(),
            "Field 'MemorySize' is less than the minimum value"
        );
        assert_eq!(
            fault("eventbridge", "putEvents", r#"{"Entries":[{"EventId":"a"},{"EventId":[1]}]}"#, strict)
                .unwrap(),
            "Field 'EventId' must be a string"
        );
        assert_eq!(
            fault("s3", "getObject", r#"{"StorageClass":"Papyrus"}"#, strict).unwrap(),
            "Field 'StorageClass' is not an expected value"
        );
    }
}
