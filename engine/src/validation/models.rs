//! What AWS's own service APIs ask for, as far as it is known here (see `models/README.md`); [`answers`](super::answers) has
//! what they answer.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::data::Json;

/// Which services have a model of their requests, under their `aws-sdk:` names.
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

/// The requests of one service.
pub(crate) struct Model(Json);

/// The request of one operation: the parameters that it needs, and the others that it takes.
#[derive(Clone, Copy)]
pub(crate) struct Operation<'a>(&'a Json);

/// Whether there is an `aws-sdk:` integration with this service.
pub(crate) fn has_service(name: &str) -> bool {
    SERVICES.lines().any(|line| line == name)
}

/// The model of a service under its `aws-sdk:` name.
pub(crate) fn model(service: &str) -> Option<&'static Model> {
    static MODELS: OnceLock<HashMap<&'static str, OnceLock<Option<Model>>>> = OnceLock::new();
    let models = MODELS.get_or_init(|| SOURCES.iter().map(|(name, _)| (*name, OnceLock::new())).collect());
    let source = SOURCES.iter().find(|(name, _)| *name == service)?.1;
    models.get(service)?.get_or_init(|| Json::parse(source).ok().map(Model)).as_ref()
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
        self.0.get(action).map(Operation)
    }
}

impl<'a> Operation<'a> {
    fn parameters(&self, index: usize) -> impl Iterator<Item = &'a str> {
        let names = self.0.at(index).and_then(Json::as_array).unwrap_or(&[]);
        names.iter().filter_map(Json::as_str)
    }

    /// The parameters that must be given.
    pub(crate) fn required_parameters(&self) -> Vec<&'a str> {
        self.parameters(0).collect()
    }

    /// Whether there is such a parameter.
    pub(crate) fn has_parameter(&self, name: &str) -> bool {
        self.parameters(0).chain(self.parameters(1)).any(|parameter| parameter == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_can_be_read() {
        for (service, source) in SOURCES {
            for (action, _) in Json::parse(source).unwrap().as_object().unwrap().iter() {
                let operation = model(service).unwrap().operation(action).unwrap();
                assert!(operation.required_parameters().iter().all(|name| operation.has_parameter(name)));
            }
        }
        let publish = model("sns").unwrap().operation("publish").unwrap();
        assert_eq!(publish.required_parameters(), ["Message"]);
        assert!(publish.has_parameter("TopicArn") && !publish.has_parameter("Topic"));
    }
}
