//! Tags of state machines and activities: kept and shown.

use super::answer::Answer;
use super::{Outcome, Service};
use crate::data::Json;
use crate::protocol::{Exception, Request, arn, arn::ResourceType};

/// How many tags a resource may have.
const MAX_TAGS: usize = 50;

impl Service {
    pub(super) async fn list_tags(&self, request: &mut Request) -> Outcome {
        let resource_arn = resource_arn(request)?;
        let tags = self.tags(&resource_arn)?.into_iter().map(|(key, value)| tag(&key, &value));
        Ok(Answer::new().with("tags", Json::array(tags)).done())
    }

    pub(super) async fn tag_resource(&self, request: &mut Request) -> Outcome {
        let new = request.required_array("tags");
        let resource_arn = resource_arn(request)?;
        let mut tags = self.tags(&resource_arn)?;
        for (key, value) in pairs(&new) {
            tags.retain(|(known, _)| *known != key);
            tags.push((key, value));
        }
        if tags.len() > MAX_TAGS {
            return Err(Exception::new(
                "TooManyTags",
                format!("Too many tags: at most {MAX_TAGS} are allowed"),
            ));
        }
        self.keep_tags(&resource_arn, &tags).await
    }

    pub(super) async fn untag_resource(&self, request: &mut Request) -> Outcome {
        let keys = request.required_array("tagKeys");
        let resource_arn = resource_arn(request)?;
        let mut tags = self.tags(&resource_arn)?;
        tags.retain(|(known, _)| {
            !keys.as_array().unwrap_or(&[]).iter().any(|key| key.as_str() == Some(known))
        });
        self.keep_tags(&resource_arn, &tags).await
    }

    async fn keep_tags(&self, resource_arn: &str, tags: &[(String, String)]) -> Outcome {
        let tags = Json::array(tags.iter().map(|(key, value)| tag(key, value)));
        self.engine.set_tags(resource_arn, Some(tags)).await?;
        Ok(Json::empty_object())
    }

    fn tags(&self, resource_arn: &str) -> Result<Vec<(String, String)>, Exception> {
        let machine = self.engine.state_machine(resource_arn).map(|machine| machine.settings.tags.clone());
        let tags =
            machine.or_else(|| self.engine.activity(resource_arn).map(|activity| activity.tags.clone()));
        match tags {
            Some(tags) => Ok(tags.as_ref().map(pairs).unwrap_or_default()),
            None => Err(Exception::new("ResourceNotFound", format!("Resource not found: '{resource_arn}'"))),
        }
    }
}

fn resource_arn(request: &mut Request) -> Result<String, Exception> {
    let resource_arn = request.required_text("resourceArn", 1, 256);
    request.check()?;
    arn::check(&resource_arn, &[ResourceType::StateMachine, ResourceType::Activity])?;
    Ok(resource_arn)
}

fn pairs(tags: &Json) -> Vec<(String, String)> {
    let text = |tag: &Json, name: &str| tag.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    tags.as_array().unwrap_or(&[]).iter().map(|tag| (text(tag, "key"), text(tag, "value"))).collect()
}

fn tag(key: &str, value: &str) -> Json {
    Answer::new().with("key", key).with("value", value).done()
}
