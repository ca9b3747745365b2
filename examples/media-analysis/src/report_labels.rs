//! Called by SNS when Rekognition has ended a job: reports it to the task that waits for it.

use aws_sdk_sfn::Client;
use aws_sdk_sfn::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use lambda_runtime::Diagnostic;
use serde::Deserialize;
use serde_json::json;

/// What SNS calls a function with.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Event {
    records: Vec<Record>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Record {
    sns: Notification,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Notification {
    message: String,
}

/// What Rekognition says, as the text of a notification.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct JobEnded {
    job_id: String,
    status: String,
    /// The task token, which the state machine has given the job.
    job_tag: String,
}

/// Why a job could not be reported.
#[derive(Debug)]
pub enum Failure {
    /// The notification is not one of Rekognition.
    Notification(serde_json::Error),
    /// Step Functions did not take it. That can pass: Lambda calls this function again, and twice at most.
    StepFunctions(String),
}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Diagnostic {
        let (error_type, error_message) = match failure {
            Failure::Notification(error) => ("NotificationUnreadable", error.to_string()),
            Failure::StepFunctions(reason) => ("StepFunctionsError", reason),
        };
        Diagnostic { error_type: error_type.to_owned(), error_message }
    }
}

/// Reports each job. A notification can come twice, or after the task has timed out: nobody waits for it then.
///
/// # Errors
/// If a notification cannot be read, or Step Functions cannot be reached.
pub async fn handle(sfn: &Client, event: Event) -> Result<(), Failure> {
    for record in event.records {
        let job: JobEnded = serde_json::from_str(&record.sns.message).map_err(Failure::Notification)?;
        let is_expected = report(sfn, &job).await?;
        tracing::info!(job = job.job_id, status = job.status, is_expected, "a job has ended");
    }
    Ok(())
}

/// Whether a task took the report.
async fn report(sfn: &Client, job: &JobEnded) -> Result<bool, Failure> {
    if job.status == "SUCCEEDED" {
        let output = json!({"job": job.job_id}).to_string();
        return taken(sfn.send_task_success().task_token(&job.job_tag).output(output).send().await);
    }
    let cause = format!("the job {} ended as {}", job.job_id, job.status);
    let failure = sfn.send_task_failure().task_token(&job.job_tag).error("LabelDetectionFailed");
    taken(failure.cause(cause).send().await)
}

fn taken<T, E>(sent: Result<T, SdkError<E>>) -> Result<bool, Failure>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match sent {
        Ok(_) => Ok(true),
        Err(error) => match error.code() {
            Some("TaskTimedOut" | "TaskDoesNotExist") => Ok(false),
            _ => Err(Failure::StepFunctions(DisplayErrorContext(error).to_string())),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As AWS documents the event and the message; what is not read here is left out in part.
    #[test]
    fn the_token_is_in_the_message_of_a_notification() {
        let message = json!({"JobId": "j", "Status": "SUCCEEDED", "API": "StartLabelDetection", "JobTag": "t",
            "Timestamp": 1_502_301_600_000_u64, "Video": {"S3ObjectName": "v.mp4", "S3Bucket": "b"}});
        let event = json!({"Records": [{"EventVersion": "1.0", "EventSource": "aws:sns",
            "Sns": {"MessageId": "m", "Message": message.to_string(), "MessageAttributes": {}}}]});
        let event: Event = serde_json::from_value(event).unwrap();
        let job: JobEnded = serde_json::from_str(&event.records[0].sns.message).unwrap();
        assert_eq!((job.job_id.as_str(), job.job_tag.as_str()), ("j", "t"));
    }
}
