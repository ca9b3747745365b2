//! Jobs of other services, `.sync`: what Step Functions adds to the request, so that it knows its own jobs.

use super::{Pattern, ServiceCall};
use crate::data::Json;

impl ServiceCall {
    /// The parameters of the request, as they are sent and as the history shows them.
    pub(crate) fn sent(&self, parameters: Json) -> Json {
        if self.pattern != Pattern::Sync {
            return parameters;
        }
        match (&*self.service, &*self.action) {
            ("ecs", "runTask") => with(parameters, "StartedBy", Json::string("AWS Step Functions")),
            ("batch", "submitJob") => {
                let overrides = parameters.get("ContainerOverrides");
                let overrides = overrides.cloned().unwrap_or_else(Json::empty_object);
                let known = overrides.get("Environment").and_then(Json::as_array).unwrap_or_default();
                let own = Json::object([
                    ("Name", Json::string("MANAGED_BY_AWS")),
                    ("Value", Json::string("STARTED_BY_STEP_FUNCTIONS")),
                ]);
                let environment = Json::array(known.iter().cloned().chain([own]));
                with(parameters, "ContainerOverrides", with(overrides, "Environment", environment))
            }
            _ => parameters,
        }
    }
}

/// The object with this member; anything else as it is.
fn with(json: Json, name: &'static str, value: Json) -> Json {
    match json.as_object() {
        Some(members) => {
            let mut members = members.clone();
            members.insert(name, value);
            Json::from(members)
        }
        None => json,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Resource;
    use super::*;

    fn sent(resource: &str, parameters: &str) -> String {
        let Ok(Resource::Service(call)) = Resource::parse(resource) else { panic!("{resource}") };
        call.sent(Json::parse(parameters).unwrap()).to_text()
    }

    #[test]
    fn a_job_bears_the_mark_of_step_functions() {
        assert_eq!(
            sent("arn:aws:states:::ecs:runTask.sync", r#"{"TaskDefinition":"t"}"#),
            r#"{"TaskDefinition":"t","StartedBy":"AWS Step Functions"}"#
        );
        let own = r#"{"Name":"MANAGED_BY_AWS","Value":"STARTED_BY_STEP_FUNCTIONS"}"#;
        assert_eq!(
            sent("arn:aws:states:::batch:submitJob.sync", r#"{"JobName":"j"}"#),
            format!(r#"{{"JobName":"j","ContainerOverrides":{{"Environment":[{own}]}}}}"#)
        );
        let given = r#"{"ContainerOverrides":{"Environment":[{"Name":"A","Value":"1"}],"Command":[]}}"#;
        assert_eq!(
            sent("arn:aws:states:::batch:submitJob.sync", given),
            format!(
                r#"{{"ContainerOverrides":{{"Environment":[{{"Name":"A","Value":"1"}},{own}],"Command":[]}}}}"#
            )
        );
        for plain in ["arn:aws:states:::ecs:runTask", "arn:aws:states:::glue:startJobRun.sync"] {
            assert_eq!(sent(plain, r#"{"JobName":"j"}"#), r#"{"JobName":"j"}"#);
        }
    }
}
