//! Tags of topics: kept and shown.

use std::collections::BTreeMap;

use rusqlite::params;

use super::topic::{Topic, write_map};
use super::{Answer, Parameters, Sns, SnsError};

/// The tags of a call. Each key occurs once.
pub(super) fn read(parameters: &Parameters) -> Result<BTreeMap<String, String>, SnsError> {
    let mut tags = BTreeMap::new();
    for tag in parameters.list("Tags") {
        let value = tag.get("Value").unwrap_or_default().to_owned();
        if tags.insert(tag.require("Key")?.to_owned(), value).is_some() {
            return Err(SnsError::invalid_parameter("Duplicated keys are not allowed."));
        }
    }
    Ok(tags)
}

impl Sns {
    pub(super) fn tag_resource(&mut self, parameters: &Parameters) -> Result<Answer, SnsError> {
        let mut topic = self.tagged(parameters)?;
        topic.tags.extend(read(parameters)?);
        self.write_tags(&topic)
    }

    pub(super) fn untag_resource(&mut self, parameters: &Parameters) -> Result<Answer, SnsError> {
        let mut topic = self.tagged(parameters)?;
        for key in parameters.texts("TagKeys") {
            topic.tags.remove(&key);
        }
        self.write_tags(&topic)
    }

    pub(super) fn list_tags_for_resource(&self, parameters: &Parameters) -> Result<Answer, SnsError> {
        let tags = self.tagged(parameters)?.tags.into_iter().map(|(key, value)| {
            Answer::Structure(vec![("Key", Answer::Text(key)), ("Value", Answer::Text(value))])
        });
        Ok(Answer::Structure(vec![("Tags", Answer::List(tags.collect()))]))
    }

    fn tagged(&self, parameters: &Parameters) -> Result<Topic, SnsError> {
        self.find_topic(parameters.require("ResourceArn")?)?.ok_or_else(SnsError::no_such_resource)
    }

    fn write_tags(&mut self, topic: &Topic) -> Result<Answer, SnsError> {
        self.database.execute(
            "UPDATE topics SET tags = ? WHERE arn = ?",
            params![write_map(&topic.tags), topic.arn],
        )?;
        Ok(Answer::empty())
    }
}
