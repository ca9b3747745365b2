//! Activities, and the tokens that their workers and other callers answer with.

use std::time::Duration;

use super::answer::Answer;
use super::page;
use super::{Outcome, Service};
use crate::data::Json;
use crate::model::{ActivityDescription, TaskReport};
use crate::protocol::{
    Exception, Request, arn, arn::ResourceType, encryption_configuration, failure, heartbeat, success,
};

/// How long GetActivityTask holds the line when there is no task.
const LONG_POLL: Duration = Duration::from_secs(60);

impl Service {
    pub(super) async fn create_activity(&self, request: &mut Request) -> Outcome {
        let name = request.required_text("name", 1, 80);
        let encryption = encryption_configuration(request);
        let tags = request.array("tags");
        request.check()?;
        arn::check_name(&name)?;
        let activity = self.engine.create_activity(&name, encryption, tags).await?;
        Ok(Answer::new()
            .with("activityArn", activity.arn.as_str())
            .timestamp("creationDate", activity.creation_date)
            .done())
    }

    pub(super) async fn delete_activity(&self, request: &mut Request) -> Outcome {
        let activity_arn = activity_arn(request)?;
        self.engine.delete_activity(&activity_arn).await?;
        Ok(Json::empty_object())
    }

    pub(super) async fn describe_activity(&self, request: &mut Request) -> Outcome {
        let activity_arn = activity_arn(request)?;
        let missing =
            || Exception::new("ActivityDoesNotExist", format!("Activity Does Not Exist: '{activity_arn}'"));
        let activity = self.engine.activity(&activity_arn).ok_or_else(missing)?;
        let owned = || Answer::new().with("type", "AWS_OWNED_KEY").done();
        Ok(listed(&activity)
            .with("encryptionConfiguration", activity.encryption_configuration.clone().unwrap_or_else(owned))
            .done())
    }

    pub(super) async fn list_activities(&self, request: &mut Request) -> Outcome {
        let limit = request.max_results(100, 1000);
        let offset = page::offset(request)?;
        request.check()?;
        let activities = self.engine.activities();
        let (activities, next) = page::slice(&activities, offset, limit);
        let activities = activities.iter().map(|activity| listed(activity).done());
        Ok(Answer::new().with("activities", Json::array(activities)).with_some("nextToken", next).done())
    }

    pub(super) async fn activity_task(&self, request: &mut Request) -> Outcome {
        let worker = request.text("workerName", 1, 80);
        let activity_arn = activity_arn(request)?;
        let task = self.engine.activity_task(&activity_arn, worker, LONG_POLL).await?;
        Ok(match task {
            Some(task) => Answer::new()
                .with("taskToken", task.task_token)
                .with("input", Json::string(task.input.verbatim()))
                .done(),
            None => Json::empty_object(),
        })
    }

    pub(super) async fn task_success(&self, request: &mut Request) -> Outcome {
        self.report(success(request)?).await
    }

    pub(super) async fn task_failure(&self, request: &mut Request) -> Outcome {
        self.report(failure(request)?).await
    }

    pub(super) async fn task_heartbeat(&self, request: &mut Request) -> Outcome {
        self.report(heartbeat(request)?).await
    }

    async fn report(&self, (token, report): (String, TaskReport)) -> Outcome {
        self.engine.report_task(&token, report).await?;
        Ok(Json::empty_object())
    }
}

fn listed(activity: &ActivityDescription) -> Answer {
    Answer::new()
        .with("activityArn", activity.arn.as_str())
        .with("name", activity.name.as_str())
        .timestamp("creationDate", activity.creation_date)
}

fn activity_arn(request: &mut Request) -> Result<String, Exception> {
    let activity_arn = request.required_text("activityArn", 1, 256);
    request.check()?;
    arn::check(&activity_arn, &[ResourceType::Activity])?;
    Ok(activity_arn)
}
