//! Ends the import of an uploaded list: withdraws who is missing from one that replaces, and puts what came of all lines into one
//! object.

use std::time::Duration;

use jiff::Timestamp;
use lottery_store::{BatchCounts, Import, ImportCounts, ImportMode, Upload, UploadState, WithdrawStep};
use serde::Serialize;
use serde_json::{Value, json};
use tracing::info;

use crate::batch::{batch_key, manifest_key, outcome_key};
use crate::objects::ListObjects;
use crate::upload::{UploadInput, end_subscriptions, import_of};
use crate::{TaskContext, TaskError};

/// How long one run withdraws people; the next one continues.
const BUDGET: Duration = Duration::from_secs(60);
/// Refused lines, and warnings, that the import's record holds; the object has all of them.
const LISTED: usize = 100;

/// What to do next.
#[derive(Debug, Serialize)]
pub struct Output {
    /// All is done.
    done: bool,
    /// Seconds after which to run again.
    wait: u32,
}

const DONE: Output = Output { done: true, wait: 0 };

/// Ends the import, or as much of it as there is time for.
pub async fn handle(cx: &TaskContext, input: UploadInput) -> Result<Output, TaskError> {
    let (lottery_id, upload_id) = input.ids()?;
    let upload = cx.store.upload(&lottery_id, &upload_id).await?.ok_or(TaskError::ImportOver)?;
    let (batches, counts) = sum(cx, &upload).await?;
    if upload.state == UploadState::Succeeded {
        clean_up(cx.lists()?, &input.key, &upload, &batches).await?;
        return Ok(DONE);
    }
    let upload = input.upload(cx).await?;
    let import = import_of(cx, &upload).await?;
    if let Some(import) = &import {
        if upload.mode == ImportMode::Replace
            && let Some(output) = replace(cx, &upload, import, counts).await?
        {
            return Ok(output);
        }
        let BatchCounts { new, changed, unchanged, refused, .. } = counts;
        let counts = ImportCounts { new, changed, unchanged, refused, withdrawn: 0 };
        cx.store.set_counts(import, counts).await?;
        cx.store.finish_import(import).await?;
    }
    let withdrawn = import_of(cx, &upload).await?.map_or(0, |import| import.counts.withdrawn);
    let mut outcome = collect(cx.lists()?, &upload, &batches).await?;
    outcome["withdrawn"] = json!(withdrawn);
    outcome["superseded"] = json!(import.is_none());
    if !cx.store.finish_upload(&upload, &outcome).await? {
        return Err(TaskError::ImportOver);
    }
    info!(new = counts.new, changed = counts.changed, refused = counts.refused, "imported an uploaded list");
    clean_up(cx.lists()?, &input.key, &upload, &batches).await?;
    Ok(DONE)
}

/// The batches of which something is to be said, and the sum of all.
async fn sum(cx: &TaskContext, upload: &Upload) -> Result<(Vec<u32>, BatchCounts), TaskError> {
    let mut sum = BatchCounts::default();
    let mut with_remarks = Vec::new();
    for (batch, counts) in cx.store.upload_batches(upload).await? {
        sum += counts;
        if counts.refused + counts.warnings > 0 {
            with_remarks.push(batch);
        }
    }
    Ok((with_remarks, sum))
}

/// Withdraws who is not on the list. None when all of them have gone.
async fn replace(
    cx: &TaskContext,
    upload: &Upload,
    import: &Import,
    counts: BatchCounts,
) -> Result<Option<Output>, TaskError> {
    if counts.new + counts.changed + counts.unchanged == 0 {
        let reason = "nobody of this list could be taken, so that everybody would be withdrawn";
        cx.store.fail_upload(upload, &json!({"code": "NobodyOnList", "reason": reason})).await?;
        cx.store.finish_import(import).await?;
        return Err(TaskError::ListUnreadable);
    }
    let until = cx.clock.now() + BUDGET;
    let mut replacement = cx.store.replacement(import).await?;
    let is_over = |now: Timestamp| now >= until;
    loop {
        let (arns, output) = match replacement.withdraw_next(cx.clock.now()).await? {
            WithdrawStep::Done => return Ok(None),
            WithdrawStep::Withdrawn { subscription_arns, .. } => {
                let output = is_over(cx.clock.now()).then_some(Output { done: false, wait: 1 });
                (subscription_arns, output)
            }
            WithdrawStep::Drawing { subscription_arns, .. } => {
                (subscription_arns, Some(Output { done: false, wait: 30 }))
            }
            WithdrawStep::Over { subscription_arns } => {
                end_subscriptions(cx, &upload.lottery_id, subscription_arns).await?;
                return Err(TaskError::ImportOver);
            }
        };
        end_subscriptions(cx, &upload.lottery_id, arns).await?;
        if output.is_some() {
            return Ok(output);
        }
    }
}

/// Puts what was said of lines into one object, in the order of the list.
async fn collect(objects: ListObjects<'_>, upload: &Upload, batches: &[u32]) -> Result<Value, TaskError> {
    let (mut refusals, mut warnings) = (Vec::new(), Vec::new());
    if batches.is_empty() {
        return Ok(json!({"refusals": refusals, "warnings": warnings, "result": null}));
    }
    let key = format!("results/{}/{}.ndjson", upload.lottery_id, upload.upload_id);
    let mut result = objects.write(key);
    for batch in batches {
        let lines = objects.read(&outcome_key(&upload.upload_id, *batch)).await?;
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let mut remark: Value = serde_json::from_slice(line).map_err(|_| TaskError::ListLost)?;
            let listed = if remark["refused"] == true { &mut refusals } else { &mut warnings };
            if listed.len() < LISTED
                && let Some(members) = remark.as_object_mut()
            {
                members.remove("cells");
                members.remove("refused");
                listed.push(remark);
            }
        }
        result.push(&lines).await?;
    }
    let key = result.finish().await?;
    Ok(json!({"refusals": refusals, "warnings": warnings, "result": key}))
}

/// Deletes the file and its batches: they hold names and addresses, and nobody needs them any more.
async fn clean_up(
    objects: ListObjects<'_>,
    key: &str,
    upload: &Upload,
    with_remarks: &[u32],
) -> Result<(), TaskError> {
    let id = &upload.upload_id;
    let mut keys: Vec<String> = (1..=upload.batches.unwrap_or(0)).map(|batch| batch_key(id, batch)).collect();
    keys.extend(with_remarks.iter().map(|batch| outcome_key(id, *batch)));
    keys.extend([key.to_owned(), manifest_key(id)]);
    objects.delete(keys).await
}
