//! Waits until the organiser has said how an uploaded list is to be read: stores the task token with the import, and returns. The
//! answer completes the task.

use lottery_store::WaitToken;
use serde::Deserialize;
use tracing::Span;

use crate::upload::UploadInput;
use crate::{TaskContext, TaskError, TaskInput, Waiting};

/// The upload, and the token of this wait.
#[derive(Debug, Deserialize)]
pub struct AwaitInput {
    /// The upload.
    #[serde(flatten)]
    pub upload: UploadInput,
    /// The token.
    pub token: String,
}

impl TaskInput for AwaitInput {
    fn span(&self) -> Span {
        self.upload.span()
    }
}

/// Stores the token.
pub async fn handle(cx: &TaskContext, input: AwaitInput) -> Result<Waiting, TaskError> {
    let upload = input.upload.upload(cx).await?;
    match cx.store.ask_about_upload(&upload, &WaitToken::new(input.token)).await? {
        true => Ok(Waiting {}),
        false => Err(TaskError::ImportOver),
    }
}
