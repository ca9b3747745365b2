//! What the tasks that import an uploaded list share: their input, the list's settings, subscriptions that end.

use aws_sdk_sns::error::ProvideErrorMetadata;
use lottery::list::{Batch, Country, ListSettings, Options, Reader, Remark};
use lottery::{Lottery, LotteryId};
use lottery_store::{Import, ImportState, Upload, UploadId};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::task::spawn_blocking;
use tracing::{Span, info_span, warn};

use crate::{TaskContext, TaskError, TaskInput};

/// The input of these tasks: the object that arrived, and the execution that imports it.
#[derive(Debug, Clone, Deserialize)]
pub struct UploadInput {
    /// The object's key, `uploads/lottery/import`.
    pub key: String,
    /// Its ETag: another object under the same key is none of this import's.
    pub etag: String,
    /// The ARN of the execution.
    pub execution: String,
    /// The organiser has said how the list is to be read.
    #[serde(default)]
    pub answered: bool,
}

impl TaskInput for UploadInput {
    fn span(&self) -> Span {
        info_span!("task", key = self.key)
    }
}

impl UploadInput {
    /// The lottery and the upload that the key names.
    pub(crate) fn ids(&self) -> Result<(LotteryId, UploadId), TaskError> {
        let mut parts = self.key.split('/');
        let named = (parts.next(), parts.next(), parts.next(), parts.next());
        let (Some("uploads"), Some(lottery_id), Some(upload_id), None) = named else {
            return Err(TaskError::ImportOver);
        };
        let lottery_id = LotteryId::parse(lottery_id).map_err(|_| TaskError::ImportOver)?;
        Ok((lottery_id, UploadId::parse(upload_id).ok_or(TaskError::ImportOver)?))
    }

    /// The upload, if this execution has it and it goes on.
    pub(crate) async fn upload(&self, cx: &TaskContext) -> Result<Upload, TaskError> {
        let (lottery_id, upload_id) = self.ids()?;
        let upload = cx.store.upload(&lottery_id, &upload_id).await?;
        let is_ours = |upload: &Upload| {
            upload.state.is_open() && upload.execution_arn.as_deref() == Some(self.execution.as_str())
        };
        upload.filter(is_ours).ok_or(TaskError::ImportOver)
    }
}

/// The lottery of an upload. A closed one takes nobody.
pub(crate) async fn lottery_of(cx: &TaskContext, upload: &Upload) -> Result<Lottery, TaskError> {
    let lottery = cx.store.lottery(&upload.lottery_id).await?;
    lottery.filter(|lottery| lottery.closed_at.is_none()).ok_or(TaskError::ImportOver)
}

/// How the list is read.
pub(crate) fn options(upload: &Upload, lottery: &Lottery) -> Result<Options, TaskError> {
    let settings = settings(upload)?;
    settings.options(Country::of_lottery(lottery)).map_err(|_| TaskError::WrongInput)
}

pub(crate) fn settings(upload: &Upload) -> Result<ListSettings, TaskError> {
    serde_json::from_value(upload.settings.clone()).map_err(|_| TaskError::WrongInput)
}

/// The lottery's import that the list belongs to, as far as it is the last one.
pub(crate) async fn import_of(cx: &TaskContext, upload: &Upload) -> Result<Option<Import>, TaskError> {
    let last = cx.store.last_import(&upload.lottery_id).await?;
    Ok(last.filter(|last| Some(last.number) == upload.import && last.state != ImportState::Undone))
}

/// Reads on, on a thread where it keeps nobody waiting.
pub(crate) async fn step(
    mut reader: Reader,
    read: impl FnOnce(&mut Reader, &mut Batch) -> Result<(), Remark> + Send + 'static,
) -> Result<(Reader, Batch, Result<(), Remark>), TaskError> {
    let work = spawn_blocking(move || {
        let mut batch = Batch::default();
        let outcome = read(&mut reader, &mut batch);
        (reader, batch, outcome)
    });
    work.await.map_err(|error| crate::objects::unavailable(error.into()))
}

/// A remark as the API words it.
pub(crate) fn said(remark: &Remark) -> Value {
    let Remark { line, cell, column, why } = remark;
    let mut said = json!({"line": line, "reason": why.to_string()});
    if let Value::Object(code) = json!(why)
        && let Some(members) = said.as_object_mut()
    {
        members.extend(code);
        members.entry("parameters").or_insert_with(|| json!({}));
        members.extend(cell.as_ref().map(|cell| ("cell".to_owned(), json!(cell))));
        members.extend(column.as_ref().map(|column| ("column".to_owned(), json!(column))));
    }
    said
}

/// Ends the subscriptions of addresses that are no longer on the list, and gives their slots back. One that SNS does not end
/// keeps its slot.
pub(crate) async fn end_subscriptions(
    cx: &TaskContext,
    lottery_id: &LotteryId,
    arns: Vec<String>,
) -> Result<(), TaskError> {
    let mut ended = 0;
    for arn in arns {
        match cx.services.sns().unsubscribe().subscription_arn(arn).send().await {
            Ok(_) => ended += 1,
            Err(error) if error.code().is_some_and(|code| code.starts_with("NotFound")) => ended += 1,
            Err(error) => warn!(code = error.code().unwrap_or("none"), "a subscription cannot be ended"),
        }
    }
    match ended {
        0 => Ok(()),
        ended => Ok(cx.store.release_email_slots(lottery_id, ended).await?),
    }
}
