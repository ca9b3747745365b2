//! The state machines that live in the stack: one entry each, the same text as on AWS.

use aws_sdk_sfn::error::ProvideErrorMetadata;

use crate::StartError;
use crate::config::{ACCOUNT, REGION};

/// A state machine and what fills its placeholders.
pub(crate) struct Definition {
    /// Its name.
    pub(crate) name: &'static str,
    text: &'static str,
    placeholders: fn() -> Vec<(&'static str, String)>,
}

/// Every state machine. Another workflow that comes to live here adds its line.
pub(crate) const DEFINITIONS: [Definition; 2] = [LOTTERY, IMPORT_PARTICIPANTS];

/// The lottery.
pub(crate) const LOTTERY: Definition = Definition {
    name: "lottery",
    text: state_machines::LOTTERY,
    placeholders: || {
        let functions = workflow_tasks::Function::ALL.into_iter();
        functions
            .map(|function| {
                (function.placeholder(), format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}"))
            })
            .chain([
                ("OperatorTopic", topic_arn(OPERATOR_TOPIC)),
                ("DrawEvents", DRAW_EVENTS.to_owned()),
                ("Partition", "aws".to_owned()),
            ])
            .collect()
    },
};

/// The import of an uploaded list.
pub(crate) const IMPORT_PARTICIPANTS: Definition = Definition {
    name: "import-participants",
    text: state_machines::IMPORT_PARTICIPANTS,
    placeholders: || {
        let functions = workflow_tasks::Function::OF_LISTS.into_iter();
        functions
            .map(|function| {
                (function.placeholder(), format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}"))
            })
            .chain([("ListsBucket", LISTS_BUCKET.to_owned()), ("Partition", "aws".to_owned())])
            .collect()
    },
};

/// The bucket of uploaded lists.
pub(crate) const LISTS_BUCKET: &str = "lists";

/// What the names of the lotteries' topics begin with.
pub(crate) const TOPIC_PREFIX: &str = "local-lottery-";

/// The topic for alerts about draws that need a person. No lottery's topic can have this name.
pub(crate) const OPERATOR_TOPIC: &str = "local-operator";

/// The event bus on which draws tell of themselves.
pub(crate) const DRAW_EVENTS: &str = "local-draws";

/// The ARN of a topic of this stack.
pub(crate) fn topic_arn(name: &str) -> String {
    format!("arn:aws:sns:{REGION}:{ACCOUNT}:{name}")
}

impl Definition {
    /// Its ARN in this stack.
    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{}", self.name)
    }

    /// The definition with its placeholders filled.
    pub(crate) fn filled(&self) -> String {
        let values = (self.placeholders)();
        let mut parts = self.text.split("${");
        let mut filled = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let named = part.split_once('}').and_then(|(name, rest)| {
                let (_, value) = values.iter().find(|(known, _)| *known == name)?;
                Some((value.as_str(), rest))
            });
            let (value, rest) = named.unwrap_or(("${", part));
            filled.push_str(value);
            filled.push_str(rest);
        }
        filled
    }

    /// Creates the state machine, or updates it if it is there and differs.
    pub(crate) async fn register(&self, sfn: &aws_sdk_sfn::Client) -> Result<(), StartError> {
        let failed =
            |reason: String| StartError::SetUp { what: format!("the state machine {}", self.name), reason };
        let definition = self.filled();
        match sfn.describe_state_machine().state_machine_arn(self.arn()).send().await {
            Ok(existing) if existing.definition() == definition => Ok(()),
            Ok(_) => {
                let update = sfn.update_state_machine().state_machine_arn(self.arn()).definition(definition);
                update.send().await.map(drop).map_err(|error| failed(describe_error(&error)))
            }
            Err(error) if error.code() == Some("StateMachineDoesNotExist") => {
                let role = format!("arn:aws:iam::{ACCOUNT}:role/{}", self.name);
                let create = sfn.create_state_machine().name(self.name).role_arn(role).definition(definition);
                create.send().await.map(drop).map_err(|error| failed(describe_error(&error)))
            }
            Err(error) => Err(failed(describe_error(&error))),
        }
    }
}

/// The error code and message of a service, in one line.
pub(crate) fn describe_error(error: &impl ProvideErrorMetadata) -> String {
    match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        _ => "no answer".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_placeholder_is_left_and_none_is_in_vain() {
        for definition in DEFINITIONS {
            assert!(!definition.filled().contains("${"), "{}", definition.name);
        }
        let partition = "arn:aws:states:::lambda:invoke";
        assert!(LOTTERY.filled().contains(partition));
        assert!(LOTTERY.filled().contains("function:seal-entries"));
    }
}
