//! Imports of big lists: the file goes to S3 by an address that this answers with, and a state machine imports it. Here they begin,
//! are looked at, answered and stopped.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use jiff::Timestamp;
use lottery::list::limits::MAX_FILE_BYTES;
use lottery::list::{Country, ListSettings};
use lottery::{Lottery, LotteryId};
use lottery_store::{BatchCounts, ImportMode, Upload, UploadId, UploadState};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::remark::said;
use super::report::ImportView;
use crate::error::ApiError;
use crate::extract::{JsonBody, LotteryPath, UploadPath, unknown_lottery};
use crate::settings::check_not_closed;
use crate::state::{AppState, Lists};

/// How long the address of an upload counts, and that of a result.
const ADDRESS_LASTS: Duration = Duration::from_secs(60 * 60);

/// How a list is read. What is absent is found out.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes `lottery::list::ListSettings`")]
pub(crate) struct ListSettingsBody {
    /// The encoding of the text, such as `gb18030`.
    charset: Option<String>,
    /// Whose national phone numbers the list holds, as an ISO 3166-1 code.
    country: Option<String>,
    /// From columns, by header or number from 1, to fields, or to null.
    #[schema(value_type = Option<std::collections::HashMap<String, Option<String>>>)]
    mapping: Option<Map<String, Value>>,
    /// The line of the header, from 1, or `none`.
    header_row: Option<String>,
    /// The sheet of a workbook.
    sheet: Option<String>,
    /// Refuse a person whose phone number or e-mail address cannot be used.
    strict: Option<bool>,
    /// The word that erases a field.
    clear: Option<String>,
}

/// A list that is about to be uploaded.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUpload {
    /// The bytes of the file: exactly as many are taken.
    #[schema(minimum = 1, maximum = 536_870_912)]
    bytes: u64,
    /// `merge`, the default, or `replace`.
    #[serde(default)]
    #[schema(pattern = "^(merge|replace)$")]
    mode: Option<String>,
    /// Ask the organiser before anything is imported, however clear the list is.
    #[serde(default)]
    preview: bool,
    /// How the list is read.
    #[serde(default)]
    #[schema(value_type = Option<ListSettingsBody>)]
    settings: ListSettings,
}

/// The organiser's answer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UploadAnswer {
    /// How the list is read; it takes the place of what was said before.
    #[schema(value_type = ListSettingsBody)]
    settings: ListSettings,
    /// `merge` or `replace`; what was said before if absent.
    #[serde(default)]
    #[schema(pattern = "^(merge|replace)$")]
    mode: Option<String>,
    /// Look at the list with these settings and ask again, rather than import it.
    #[serde(default)]
    preview: bool,
}

/// Where the file goes.
#[derive(Serialize, ToSchema)]
pub(crate) struct UploadAddress {
    /// `PUT`.
    method: &'static str,
    /// The address, which is a secret.
    url: String,
    /// Until when it counts.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// An import whose file may be uploaded.
#[derive(Serialize, ToSchema)]
pub(crate) struct BegunUpload {
    /// Names the import.
    #[schema(example = "i-0199f0c0a1b20123456789abcdef")]
    import_id: String,
    /// Where the file goes. Its arrival starts the import.
    upload: UploadAddress,
}

/// How far the import of an uploaded list has come.
#[derive(Serialize, ToSchema)]
pub(crate) struct UploadView {
    /// Names the import.
    import_id: String,
    /// `UPLOADING`, `READING`, `ASKING` (see `inspection`), `IMPORTING`, `SUCCEEDED`, `FAILED` (see `failure`) or `CANCELLED`.
    #[schema(pattern = "^(UPLOADING|READING|ASKING|IMPORTING|SUCCEEDED|FAILED|CANCELLED)$")]
    state: &'static str,
    /// When it was asked for.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// The bytes of the file.
    bytes: u64,
    /// The lottery's import that its people belong to, once it has begun.
    import: Option<ImportView>,
    /// Whether that can be taken back, by `POST …/imports/{number}/undo`.
    can_undo: bool,
    /// Rows of the list, once all of it was read.
    rows: Option<u64>,
    /// Batches that they make.
    batches: Option<u32>,
    /// Batches that are imported.
    batches_done: u32,
    /// New participants so far.
    accepted: u64,
    /// Participants that were changed so far.
    updated: u64,
    /// Participants that were as the list says so far.
    unchanged: u64,
    /// Lines that were not taken so far.
    refused: u64,
    /// Warnings so far.
    warned: u64,
    /// Participants that were withdrawn because they are not on the list.
    withdrawn: u64,
    /// `merge` or `replace`.
    #[schema(pattern = "^(merge|replace)$")]
    mode: &'static str,
    /// How the list is read.
    #[schema(value_type = ListSettingsBody)]
    settings: Value,
    /// What was found out about the beginning of the list: `detected`, `sample`, `rows`, `refused` and `refusals`, `warned` and `remarks`,
    /// `is_whole`, `unreadable` if it cannot be read as it is, and how often it was looked at, `looks`.
    #[schema(value_type = Option<Object>)]
    inspection: Option<Value>,
    /// The first refused lines: at most 100.
    #[schema(value_type = Vec<Object>)]
    refusals: Value,
    /// The first warnings: at most 100.
    #[schema(value_type = Vec<Object>)]
    warnings: Value,
    /// Where all refused lines and warnings are, one JSON object a line, for an hour.
    result_url: Option<String>,
    /// Why it failed: `code` and `reason`.
    #[schema(value_type = Option<Object>)]
    failure: Option<Value>,
}

/// The last imports of uploaded lists.
#[derive(Serialize, ToSchema)]
pub(crate) struct UploadList {
    /// The newest first: at most 50.
    imports: Vec<UploadView>,
}

/// Begin the import of a big list: answers with an address that takes the file.
///
/// The file goes there as it is, by PUT and without a token. Its arrival starts the import, which reads what the direct import
/// reads. See docs/lists.md.
#[utoipa::path(post, path = "/lotteries/{lottery_id}/imports", tag = "participants", request_body = NewUpload,
    responses((status = 201, description = "Where the file goes", body = BegunUpload)))]
pub(crate) async fn begin_upload(
    State(state): State<AppState>,
    LotteryPath(lottery_id): LotteryPath,
    JsonBody { value, .. }: JsonBody,
) -> Result<(StatusCode, Json<BegunUpload>), ApiError> {
    let asked: NewUpload = body(value)?;
    let lists = lists(&state)?;
    let lottery = state.store.lottery(&lottery_id).await?.ok_or_else(unknown_lottery)?;
    check_not_closed(&lottery)?;
    if asked.bytes == 0 || asked.bytes > MAX_FILE_BYTES {
        let detail = format!("`bytes` must be from 1 to {MAX_FILE_BYTES}");
        return Err(ApiError::invalid("BadBody", detail).at("bytes"));
    }
    let mode = mode(asked.mode.as_deref())?.unwrap_or(ImportMode::Merge);
    check(&asked.settings, &lottery)?;
    let now = state.clock.now();
    let upload = Upload {
        lottery_id: lottery_id.clone(),
        upload_id: UploadId::new(now, uuid::Uuid::new_v4().as_u64_pair().0),
        state: UploadState::Uploading,
        created_at: now,
        bytes: asked.bytes,
        mode,
        preview: asked.preview,
        settings: json!(asked.settings),
        execution_arn: None,
        token: None,
        inspection: None,
        import: None,
        rows: None,
        batches: None,
        outcome: None,
        failure: None,
    };
    state.store.create_upload(&upload).await?;
    let address = upload_address(lists, &upload, now).await?;
    tracing::info!(%lottery_id, import_id = %upload.upload_id, bytes = upload.bytes, "a list may be uploaded");
    Ok((StatusCode::CREATED, Json(BegunUpload { import_id: upload.upload_id.to_string(), upload: address })))
}

/// The last imports of uploaded lists.
#[utoipa::path(get, path = "/lotteries/{lottery_id}/imports", tag = "participants",
    responses((status = 200, description = "The newest first", body = UploadList)))]
pub(crate) async fn list_uploads(
    State(state): State<AppState>,
    LotteryPath(lottery_id): LotteryPath,
) -> Result<Json<UploadList>, ApiError> {
    let lottery = state.store.lottery(&lottery_id).await?.ok_or_else(unknown_lottery)?;
    let mut imports = Vec::new();
    for upload in state.store.uploads(&lottery_id).await? {
        imports.push(view(&state, &lottery, upload).await?);
    }
    Ok(Json(UploadList { imports }))
}

/// The import of an uploaded list: how far it is, and what came of it.
#[utoipa::path(get, path = "/lotteries/{lottery_id}/imports/{import_id}", tag = "participants",
    responses((status = 200, description = "Where it stands", body = UploadView)))]
pub(crate) async fn get_upload(
    State(state): State<AppState>,
    UploadPath(lottery_id, upload_id): UploadPath,
) -> Result<Json<UploadView>, ApiError> {
    current(&state, &lottery_id, &upload_id).await.map(Json)
}

/// Say how an uploaded list is to be read: its import, which is `ASKING`, goes on.
#[utoipa::path(post, path = "/lotteries/{lottery_id}/imports/{import_id}/answer", tag = "participants",
    request_body = UploadAnswer, responses((status = 200, description = "Where it stands", body = UploadView)))]
pub(crate) async fn answer_upload(
    State(state): State<AppState>,
    UploadPath(lottery_id, upload_id): UploadPath,
    JsonBody { value, .. }: JsonBody,
) -> Result<Json<UploadView>, ApiError> {
    let answer: UploadAnswer = body(value)?;
    let lottery = state.store.lottery(&lottery_id).await?.ok_or_else(unknown_lottery)?;
    check(&answer.settings, &lottery)?;
    let answer = lottery_store::UploadAnswer {
        settings: json!(answer.settings),
        mode: mode(answer.mode.as_deref())?,
        preview: answer.preview,
    };
    let token = state.store.answer_upload(&lottery_id, &upload_id, &answer).await?;
    let Some(token) = token else {
        current(&state, &lottery_id, &upload_id).await?;
        return Err(ApiError::conflict("NotAsking", "this import does not wait for an answer"));
    };
    state.executions.complete(&token).await.map_err(ApiError::unavailable)?;
    current(&state, &lottery_id, &upload_id).await.map(Json)
}

/// Stop the import of an uploaded list. People who are in stay, and can be taken back.
#[utoipa::path(post, path = "/lotteries/{lottery_id}/imports/{import_id}/cancel", tag = "participants",
    responses((status = 200, description = "Where it stands", body = UploadView)))]
pub(crate) async fn cancel_upload(
    State(state): State<AppState>,
    UploadPath(lottery_id, upload_id): UploadPath,
) -> Result<Json<UploadView>, ApiError> {
    let Some(upload) = state.store.cancel_upload(&lottery_id, &upload_id).await? else {
        let view = current(&state, &lottery_id, &upload_id).await?;
        // Cancelled before, perhaps by a request whose answer was lost.
        return match view.state {
            "CANCELLED" => Ok(Json(view)),
            _ => Err(ApiError::conflict("ImportOver", "this import has ended; its people can be taken back")),
        };
    };
    if let Some(arn) = &upload.execution_arn {
        state.executions.stop_arn(arn, "ImportCancelled", "The organiser stopped the import").await?;
    }
    let last = state.store.last_import(&lottery_id).await?;
    if let Some(import) = last.filter(|last| Some(last.number) == upload.import) {
        state.store.finish_import(&import).await?;
    }
    tracing::info!(%lottery_id, import_id = %upload_id, "stopped the import of an uploaded list");
    current(&state, &lottery_id, &upload_id).await.map(Json)
}

fn body<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, ApiError> {
    serde_json::from_value(value).map_err(|error| ApiError::invalid("BadBody", error.to_string()))
}

fn mode(named: Option<&str>) -> Result<Option<ImportMode>, ApiError> {
    match named {
        None => Ok(None),
        Some("merge") => Ok(Some(ImportMode::Merge)),
        Some("replace") => Ok(Some(ImportMode::Replace)),
        Some(_) => Err(ApiError::invalid("BadBody", "mode must be merge or replace").at("mode")),
    }
}

fn lists(state: &AppState) -> Result<&Lists, ApiError> {
    let detail = "this service has no bucket for uploaded lists; import the list directly";
    state.lists.as_ref().ok_or_else(|| ApiError::conflict("NoUploads", detail))
}

/// Refuses settings that the reader would refuse.
fn check(settings: &ListSettings, lottery: &Lottery) -> Result<(), ApiError> {
    let options = settings.options(Country::of_lottery(lottery));
    options.map(drop).map_err(|refused| {
        let detail = format!("{}: {}", refused.field, refused.why);
        ApiError::invalid("BadBody", detail).at(refused.field).explained(said(&refused.why))
    })
}

async fn upload_address(lists: &Lists, upload: &Upload, now: Timestamp) -> Result<UploadAddress, ApiError> {
    let key = format!("uploads/{}/{}", upload.lottery_id, upload.upload_id);
    // A browser sets it by itself, to the length of the file.
    let length = [("content-length", &*upload.bytes.to_string())];
    Ok(UploadAddress {
        method: "PUT",
        url: address(lists, "PUT", &key, &length, now).await?,
        expires_at: now + ADDRESS_LASTS,
    })
}

async fn current(
    state: &AppState,
    lottery_id: &LotteryId,
    upload_id: &UploadId,
) -> Result<UploadView, ApiError> {
    let lottery = state.store.lottery(lottery_id).await?.ok_or_else(unknown_lottery)?;
    let upload = state.store.upload(lottery_id, upload_id).await?;
    let upload =
        upload.ok_or_else(|| ApiError::not_found("there is no import of this id in this lottery"))?;
    view(state, &lottery, upload).await
}

async fn view(state: &AppState, lottery: &Lottery, upload: Upload) -> Result<UploadView, ApiError> {
    let last = match upload.import {
        Some(_) => state.store.last_import(&lottery.lottery_id).await?,
        None => None,
    };
    let import = last.filter(|last| Some(last.number) == upload.import);
    let batches = match upload.batches {
        Some(_) => state.store.upload_batches(&upload).await?,
        None => Vec::new(),
    };
    let mut sum = BatchCounts::default();
    batches.iter().for_each(|(_, counts)| sum += *counts);
    let mut outcome = upload.outcome.unwrap_or_default();
    let result_url = match (outcome["result"].as_str(), &state.lists) {
        (Some(key), Some(lists)) => Some(address(lists, "GET", key, &[], state.clock.now()).await?),
        _ => None,
    };
    let mut listed = |name: &str| match outcome[name].take() {
        Value::Array(remarks) => Value::Array(remarks),
        _ => json!([]),
    };
    Ok(UploadView {
        import_id: upload.upload_id.to_string(),
        state: upload.state.as_str(),
        created_at: upload.created_at,
        bytes: upload.bytes,
        can_undo: import.as_ref().is_some_and(|import| {
            !upload.state.is_open() && import.can_be_undone(lottery, state.clock.now())
        }),
        withdrawn: import.as_ref().map_or(0, |import| import.counts.withdrawn),
        import: import.as_ref().map(ImportView::from),
        rows: upload.rows,
        batches: upload.batches,
        batches_done: u32::try_from(batches.len()).unwrap_or(u32::MAX),
        accepted: sum.new,
        updated: sum.changed,
        unchanged: sum.unchanged,
        refused: sum.refused,
        warned: sum.warnings,
        mode: match upload.mode {
            ImportMode::Merge => "merge",
            ImportMode::Replace => "replace",
        },
        settings: upload.settings,
        inspection: upload.inspection,
        refusals: listed("refusals"),
        warnings: listed("warnings"),
        result_url,
        failure: upload.failure,
    })
}

/// An address in the bucket of lists for one kind of request.
async fn address(
    lists: &Lists,
    method: &str,
    key: &str,
    headers: &[(&str, &str)],
    now: Timestamp,
) -> Result<String, ApiError> {
    let object = (&*lists.bucket, key);
    let signed = lists.presigner.url(method, object, headers, now.into(), ADDRESS_LASTS).await;
    signed.map_err(ApiError::unavailable)
}
