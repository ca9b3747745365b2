//! Ends the import of an uploaded list that cannot go on. Who was imported stays, and can be taken back.

use serde::{Deserialize, Serialize};
use serde_json::json;
use tracing::Span;

use crate::upload::{UploadInput, import_of};
use crate::{TaskContext, TaskError, TaskInput};

/// The upload, and the name of the error.
#[derive(Debug, Deserialize)]
pub struct FailInput {
    /// The upload.
    #[serde(flatten)]
    pub upload: UploadInput,
    /// The error's name.
    pub error: String,
}

impl TaskInput for FailInput {
    fn span(&self) -> Span {
        self.upload.span()
    }
}

/// What it leaves to the state machine: nothing.
#[derive(Debug, Serialize)]
pub struct Failed {}

/// Ends the import. One that is over already stays as it ended.
pub async fn handle(cx: &TaskContext, input: FailInput) -> Result<Failed, TaskError> {
    let upload = match input.upload.upload(cx).await {
        Ok(upload) => upload,
        Err(TaskError::ImportOver) => return Ok(Failed {}),
        Err(error) => return Err(error),
    };
    let reason = match input.error.as_str() {
        "ImportOver" => "another import has begun, the lottery was closed, or the import was taken back",
        "ListLost" => "the uploaded file is gone, or another one was uploaded in its place",
        "ListUnreadable" => "the list has more bytes than are taken, or cannot be read",
        "LotteryBusy" => "a draw holds the lottery: its list can be replaced once the draw has released it",
        "States.ExceedToleratedFailureThreshold" => {
            "a batch could not be imported: another import has begun or the lottery was closed, or an error that the operator can \
             look up; upload the list again, people who are in are not taken twice"
        }
        "States.Timeout" => "nobody has said in time how the list is to be read",
        _ => {
            "an error that the operator can look up; upload the list again, people who are in are not taken twice"
        }
    };
    cx.store.fail_upload(&upload, &json!({"code": input.error, "reason": reason})).await?;
    if let Some(import) = import_of(cx, &upload).await? {
        cx.store.finish_import(&import).await?;
    }
    Ok(Failed {})
}
