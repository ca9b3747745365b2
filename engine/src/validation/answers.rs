//! What the operations of AWS's services answer, by the models of their APIs: mocked results are held against it.

use std::collections::HashMap;
use std::io::Read;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use flate2::read::DeflateDecoder;

use super::models::sdk_name;
use crate::data::Json;

/// A line of JSON, `{service: [offset, length]}`, and after it a raw deflate stream for each service.
static MODELS: &[u8] = include_bytes!("models/answers.bin");

/// Where the streams begin, and the first line.
static INDEX: LazyLock<(usize, Json)> = LazyLock::new(|| {
    let end = MODELS.iter().position(|byte| *byte == b'\n').unwrap_or_default();
    (end + 1, Json::parse_bytes(&MODELS[..end]).unwrap_or_default())
});

/// The models that have been read.
static READ: Mutex<Option<HashMap<String, Arc<Json>>>> = Mutex::new(None);

/// How much of a mocked answer is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strictness {
    /// Required fields must be there.
    Strict,
    /// Only what is there is looked at.
    Present,
}

/// What one operation answers.
pub(crate) struct Answer {
    model: Arc<Json>,
    shape: Arc<str>,
}

impl Answer {
    /// The answer of an operation of a service, by the names of the integration; nothing if no model is known.
    pub(crate) fn of(service: &str, action: &str) -> Option<Answer> {
        let find = |service: &str| {
            let model = model(service)?;
            let operations = model.get("a")?.as_object()?;
            let (_, shape) = operations.iter().find(|(name, _)| name.eq_ignore_ascii_case(action))?;
            let Json::String(shape) = shape else { return None };
            Some(Answer { shape: Arc::clone(shape), model: Arc::clone(&model) })
        };
        match sdk_name(service) {
            "bedrock" => find("bedrock").or_else(|| find("bedrockruntime")),
            "elasticmapreduce" => find("emr"),
            "emr-containers" => find("emrcontainers"),
            "emr-serverless" => find("emrserverless"),
            name => find(name),
        }
    }

    /// What is wrong with a mocked answer.
    pub(crate) fn fault(&self, answer: &Json, strictness: Strictness) -> Option<String> {
        Check { shapes: self.model.get("x")?, strictness }.fault("result", &self.shape, answer)
    }
}

/// The model of a service by its name in `answers.bin`.
fn model(service: &str) -> Option<Arc<Json>> {
    let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    let read = read.get_or_insert_default();
    if let Some(model) = read.get(service) {
        return Some(Arc::clone(model));
    }
    let (start, index) = &*INDEX;
    let location = index.get(service)?;
    let number = |at: usize| usize::try_from(location.at(at)?.as_u64()?).ok();
    let start = start + number(0)?;
    let mut text = String::new();
    DeflateDecoder::new(MODELS.get(start..start + number(1)?)?).read_to_string(&mut text).ok()?;
    let model = Arc::new(Json::parse(&text).ok()?);
    read.insert(service.to_owned(), Arc::clone(&model));
    Some(model)
}

/// A comparison of values with the shapes of a model.
struct Check<'a> {
    shapes: &'a Json,
    strictness: Strictness,
}

impl Check<'_> {
    /// What is wrong with a value of a shape: the letter of a simple type, or an index.
    fn fault(&self, field: &str, shape: &str, value: &Json) -> Option<String> {
        let wrong = |expected: &str| Some(format!("Field '{field}' must be {expected}"));
        match shape {
            "s" => return if value.as_str().is_some() { None } else { wrong("a string") },
            "n" => return if value.as_number().is_some() { None } else { wrong("a number") },
            "b" => return if value.as_bool().is_some() { None } else { wrong("a boolean") },
            _ => {}
        }
        let shape = self.shapes.at(shape.parse().ok()?)?;
        if shape.get("o").is_some() {
            let Some(object) = value.as_object() else { return wrong("an object") };
            return self.structure_fault(shape, object);
        }
        if let Some(item_shape) = shape.get("l") {
            let Some(items) = value.as_array() else { return wrong("an array") };
            return beyond(field, shape.get("z"), items.len() as f64, "size")
                .or_else(|| items.iter().find_map(|item| self.fault(field, item_shape.as_str()?, item)));
        }
        if let Some(value_shape) = shape.get("m") {
            let Some(object) = value.as_object() else { return wrong("an object") };
            return object.iter().find_map(|(key, item)| self.fault(key, value_shape.as_str()?, item));
        }
        if let Some(allowed) = shape.get("e").and_then(Json::as_array) {
            if value.as_str().is_none() {
                return wrong("a string");
            }
            return (!allowed.contains(value)).then(|| format!("Field '{field}' is not an expected value"));
        }
        if let Some(bounds) = shape.get("d") {
            let Some(text) = value.as_str() else { return wrong("a string") };
            return beyond(field, Some(bounds), text.len() as f64, "length");
        }
        match value.as_f64() {
            Some(number) => beyond(field, shape.get("n"), number, "value"),
            None => wrong("a number"),
        }
    }

    fn structure_fault(&self, shape: &Json, object: &crate::data::Object) -> Option<String> {
        let required = shape.get("r").and_then(Json::as_str).unwrap_or_default();
        let missing = required.split_whitespace().find(|name| !object.contains_key(name));
        if let (Some(name), Strictness::Strict) = (missing, self.strictness) {
            return Some(format!("Required field '{name}' is missing"));
        }
        let members = shape.get("o").and_then(Json::as_object)?;
        // What the model does not know is let through: a service may answer more than it did.
        let shape_of = |name: &str| {
            members.iter().find(|(_, names)| {
                names.as_str().is_some_and(|names| names.split_whitespace().any(|it| it == name))
            })
        };
        object
            .iter()
            .filter(|(_, item)| !item.is_null())
            .find_map(|(name, item)| self.fault(name, shape_of(name)?.0, item))
    }
}

/// Whether a figure is beyond its bounds, `[least, most]`. AWS's words for values were recorded; those for lengths and
/// sizes follow them.
fn beyond(field: &str, bounds: Option<&Json>, figure: f64, what: &str) -> Option<String> {
    let bound = |index| bounds.and_then(|bounds| bounds.at(index)).and_then(Json::as_f64);
    if bound(0).is_some_and(|least| figure < least) {
        return Some(format!("Field '{field}' is less than the minimum {what}"));
    }
    bound(1).is_some_and(|most| figure > most).then(|| format!("Field '{field}' exceeds the maximum {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_can_be_read() {
        let (_, index) = &*INDEX;
        let services = index.as_object().unwrap();
        assert!(services.len() > 400);
        for name in services.keys() {
            let model = model(name).unwrap();
            let shapes = model.get("x").and_then(Json::as_array).unwrap().len();
            for (_, shape) in model.get("a").and_then(Json::as_object).unwrap().iter() {
                let shape = shape.as_str().unwrap();
                assert!(shape.is_empty() || shape.parse::<usize>().unwrap() < shapes, "{name} {shape}");
            }
        }
    }

    #[test]
    fn a_mocked_answer_is_held_against_the_model() {
        use Strictness::{Present, Strict};
        let missing = "Required field 'ExecutionArn' is missing";
        let long = format!(r#"{{"CiphertextBlob":"{}"}}"#, "a".repeat(6145));
        for (service, action, answer, strictness, fault) in [
            ("states", "startExecution", "{}", Strict, Some(missing)),
            ("states", "startExecution", "{}", Present, None),
            (
                "aws-sdk:lambda",
                "getFunction",
                r#"{"Configuration":{"MemorySize":127}}"#,
                Strict,
                Some("Field 'MemorySize' is less than the minimum value"),
            ),
            (
                "aws-sdk:lambda",
                "getFunction",
                r#"{"Configuration":{"MemorySize":10241}}"#,
                Present,
                Some("Field 'MemorySize' exceeds the maximum value"),
            ),
            (
                "events",
                "putEvents",
                r#"{"Entries":[{"EventId":"a"},{"EventId":[1]}]}"#,
                Strict,
                Some("Field 'EventId' must be a string"),
            ),
            (
                "aws-sdk:s3",
                "getObject",
                r#"{"StorageClass":"Papyrus"}"#,
                Strict,
                Some("Field 'StorageClass' is not an expected value"),
            ),
            (
                "aws-sdk:kms",
                "encrypt",
                r#"{"CiphertextBlob":123}"#,
                Strict,
                Some("Field 'CiphertextBlob' must be a string"),
            ),
            (
                "aws-sdk:kms",
                "encrypt",
                r#"{"CiphertextBlob":""}"#,
                Present,
                Some("Field 'CiphertextBlob' is less than the minimum length"),
            ),
            (
                "aws-sdk:kms",
                "encrypt",
                &long,
                Strict,
                Some("Field 'CiphertextBlob' exceeds the maximum length"),
            ),
            ("aws-sdk:kms", "encrypt", r#"{"CiphertextBlob":"YQ==","More":1,"KeyId":null}"#, Strict, None),
            (
                "aws-sdk:ec2",
                "describeInstances",
                r#"{"Reservations":[{"Instances":[{"InstanceId":7}]}]}"#,
                Strict,
                Some("Field 'InstanceId' must be a string"),
            ),
            (
                "aws-sdk:ssm",
                "describePatchBaselines",
                r#"{"BaselineIdentities":{}}"#,
                Strict,
                Some("Field 'BaselineIdentities' must be an array"),
            ),
            ("bedrock", "invokeModel", "{}", Strict, Some("Required field 'Body' is missing")),
            (
                "emr-serverless",
                "startJobRun",
                "{}",
                Strict,
                Some("Required field 'ApplicationId' is missing"),
            ),
        ] {
            let answer = Json::parse(answer).unwrap();
            let found = Answer::of(service, action).unwrap().fault(&answer, strictness);
            assert_eq!(found.as_deref(), fault, "{service}:{action}");
        }
        for (service, action) in
            [("apigateway", "invoke"), ("http", "invoke"), ("aws-sdk:none", "x"), ("sns", "x")]
        {
            assert!(Answer::of(service, action).is_none(), "{service}:{action}");
        }
    }

    #[test]
    fn a_list_has_its_bounds() {
        let bounded = Json::parse(r#"[{"o":{"1":"Items"}},{"l":"s","z":[1,2]}]"#).unwrap();
        let check = Check { shapes: &bounded, strictness: Strictness::Present };
        let fault = |answer: &str| check.fault("result", "0", &Json::parse(answer).unwrap());
        assert_eq!(fault(r#"{"Items":[]}"#).unwrap(), "Field 'Items' is less than the minimum size");
        assert_eq!(fault(r#"{"Items":["a","b","c"]}"#).unwrap(), "Field 'Items' exceeds the maximum size");
        assert_eq!(fault(r#"{"Items":["a","b"]}"#), None);
    }
}
