//! Activities: the queues of tasks that workers poll, and the reports on tasks by token.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::{ActivityDescription, ActivityTask, Engine, Refusal, TaskReport, TaskToken};
use crate::data::{Json, Object};
use crate::execution::{Command, Reported};
use crate::store::{ActivityRow, Write};

/// The activities, and the tasks that wait for a worker.
#[derive(Default)]
pub(crate) struct Activities(Mutex<Maps>);

#[derive(Default)]
struct Maps {
    activities: HashMap<String, Arc<ActivityDescription>>,
    /// By the ARN of the activity, which need not exist yet: a state may name it before it is created.
    queues: HashMap<String, Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Offer>,
    came: Arc<Notify>,
}

#[derive(Clone)]
struct Offer {
    execution: u64,
    task: u64,
    input: Json,
}

impl Activities {
    fn maps(&self) -> MutexGuard<'_, Maps> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Loads the stored activities.
    pub(crate) fn load(&self, rows: Vec<ActivityRow>) {
        let mut maps = self.maps();
        for row in rows {
            match read_body(&row.arn, &row.body) {
                Some(activity) => drop(maps.activities.insert(row.arn, Arc::new(activity))),
                None => tracing::error!(arn = row.arn, "a stored activity cannot be read"),
            }
        }
    }

    /// Queues a task for the next worker.
    pub(crate) fn offer(&self, arn: &str, execution: u64, task: u64, input: Json) {
        let mut maps = self.maps();
        let queue = maps.queues.entry(arn.to_owned()).or_default();
        queue.waiting.push_back(Offer { execution, task, input });
        queue.came.notify_one();
    }

    /// Removes a task from its queue.
    pub(crate) fn withdraw(&self, execution: u64, task: u64) {
        let mut maps = self.maps();
        for queue in maps.queues.values_mut() {
            queue.waiting.retain(|offer| (offer.execution, offer.task) != (execution, task));
        }
    }

    fn next(&self, arn: &str) -> Result<Offer, Arc<Notify>> {
        let mut maps = self.maps();
        let queue = maps.queues.entry(arn.to_owned()).or_default();
        let offer = queue.waiting.pop_front();
        if !queue.waiting.is_empty() {
            // Another worker that waits must not miss the rest.
            queue.came.notify_one();
        }
        offer.ok_or_else(|| Arc::clone(&queue.came))
    }
}

impl Engine {
    /// Makes an activity; the same name again gives the same activity.
    pub async fn create_activity(
        &self,
        name: &str,
        encryption: Option<Json>,
        tags: Option<Json>,
    ) -> Result<Arc<ActivityDescription>, Refusal> {
        let arn = format!("{}:activity:{name}", self.0.arn_prefix());
        let activity = Arc::new(ActivityDescription {
            arn: arn.clone(),
            name: name.to_owned(),
            creation_date: self.0.config.clock.now_millis(),
            encryption_configuration: encryption,
            tags,
        });
        {
            let mut maps = self.0.activities.maps();
            if let Some(present) = maps.activities.get(&arn) {
                return Ok(Arc::clone(present));
            }
            maps.activities.insert(arn.clone(), Arc::clone(&activity));
        }
        self.0.write(vec![Write::Activity { arn, body: write_body(&activity) }]).await?;
        Ok(activity)
    }

    /// Sets the tags of an activity; returns whether there is such an activity.
    pub(super) async fn set_activity_tags(&self, arn: &str, tags: Option<Json>) -> Result<bool, Refusal> {
        let body = {
            let mut maps = self.0.activities.maps();
            let Some(activity) = maps.activities.get_mut(arn) else { return Ok(false) };
            *activity = Arc::new(ActivityDescription { tags, ..ActivityDescription::clone(activity) });
            write_body(activity)
        };
        self.0.write(vec![Write::Activity { arn: arn.to_owned(), body }]).await?;
        Ok(true)
    }

    /// Deletes an activity. Its tasks keep waiting, as they do on AWS.
    pub async fn delete_activity(&self, arn: &str) -> Result<(), Refusal> {
        let removed = self.0.activities.maps().activities.remove(arn);
        if removed.is_some() {
            self.0.write(vec![Write::ActivityDeleted { arn: arn.to_owned() }]).await?;
        }
        Ok(())
    }

    /// The activity with this ARN.
    pub fn activity(&self, arn: &str) -> Option<Arc<ActivityDescription>> {
        self.0.activities.maps().activities.get(arn).cloned()
    }

    /// All activities, newest first.
    pub fn activities(&self) -> Vec<Arc<ActivityDescription>> {
        let mut activities: Vec<_> = self.0.activities.maps().activities.values().cloned().collect();
        activities.sort_by(|a, b| b.creation_date.cmp(&a.creation_date).then_with(|| a.name.cmp(&b.name)));
        activities
    }

    /// A task of an activity, waited for as long as `wait`.
    pub async fn activity_task(
        &self,
        arn: &str,
        worker: Option<String>,
        wait: Duration,
    ) -> Result<Option<ActivityTask>, Refusal> {
        if self.activity(arn).is_none() {
            return Err(Refusal::ActivityDoesNotExist(arn.to_owned()));
        }
        let worker: Option<Arc<str>> = worker.map(Into::into);
        let deadline = tokio::time::Instant::now() + wait;
        loop {
            let offer = match self.0.activities.next(arn) {
                Ok(offer) => offer,
                Err(came) => match tokio::time::timeout_at(deadline, came.notified()).await {
                    Ok(()) => continue,
                    Err(_) => return Ok(None),
                },
            };
            let Some(active) = self.0.executions.by_number(offer.execution) else { continue };
            let taken = Command::TaskTaken { task: offer.task, worker: worker.clone() };
            if let Some(applied) = self.0.apply(&active, taken).await {
                self.0
                    .wait_for_caller(active.wait_stored(applied.sequence))
                    .await
                    .map_err(Refusal::Engine)?;
                let task_token = active.identity.token(offer.task).to_string();
                return Ok(Some(ActivityTask { task_token, input: offer.input }));
            }
        }
    }

    /// Applies the report of a worker or a callback on its task.
    pub async fn report_task(&self, token: &str, report: TaskReport) -> Result<(), Refusal> {
        let token = TaskToken::parse(token).ok_or(Refusal::InvalidToken)?;
        let Some(active) = self.0.executions.by_number(token.execution) else {
            return Err(Refusal::TaskTimedOut);
        };
        if active.identity.token(token.task) != token {
            return Err(Refusal::InvalidToken);
        }
        let task = token.task;
        let command = match report {
            TaskReport::Heartbeat => Command::TaskHeartbeat { task },
            TaskReport::Success(output) => Command::TaskReported { task, report: Ok(output) },
            TaskReport::Failure { error, cause } => Command::TaskReported {
                task,
                report: Err(Reported { error: error.map(Into::into), cause: cause.map(Into::into) }),
            },
        };
        let applied = self.0.apply(&active, command).await.ok_or(Refusal::TaskTimedOut)?;
        self.0.wait_for_caller(active.wait_stored(applied.sequence)).await.map_err(Refusal::Engine)
    }
}

fn write_body(activity: &ActivityDescription) -> String {
    let mut body = Object::new();
    body.insert("name", Json::string(activity.name.as_str()));
    body.insert("creationDate", Json::from(activity.creation_date));
    for (name, value) in
        [("encryptionConfiguration", &activity.encryption_configuration), ("tags", &activity.tags)]
    {
        if let Some(value) = value {
            body.insert(name, value.clone());
        }
    }
    Json::from(body).to_text()
}

fn read_body(arn: &str, body: &str) -> Option<ActivityDescription> {
    let body = Json::parse(body).ok()?;
    Some(ActivityDescription {
        arn: arn.to_owned(),
        name: body.get("name")?.as_str()?.to_owned(),
        creation_date: body.get("creationDate")?.as_i64()?,
        encryption_configuration: body.get("encryptionConfiguration").cloned(),
        tags: body.get("tags").cloned(),
    })
}
