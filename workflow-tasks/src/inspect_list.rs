//! Looks at an uploaded list: its form, its encoding, its columns, its first rows. Decides whether the organiser is asked before
//! it is imported: because they wanted to see it first, because its encoding is a guess, or because it cannot be read as it is.

use aws_sdk_s3::primitives::ByteStream;
use lottery::list::limits::MAX_FILE_BYTES;
use lottery::list::{Batch, Certainty, Detected, Options, Reader, Remark, Row, is_question};
use lottery_store::UploadState;
use serde::Serialize;
use serde_json::{Value, json};

use crate::upload::{UploadInput, lottery_of, options, said, step};
use crate::{TaskContext, TaskError};

/// Bytes of a text that are looked at. A workbook is read as a whole.
const LOOKED_AT: usize = 1024 * 1024;
/// Rows that are shown.
const SAMPLE: usize = 20;

/// What to do next.
#[derive(Debug, Serialize)]
pub struct Output {
    /// Ask the organiser; otherwise the list is read.
    ask: bool,
}

/// Claims the upload for this execution, and looks at the list.
pub async fn handle(cx: &TaskContext, input: UploadInput) -> Result<Output, TaskError> {
    let (lottery_id, upload_id) = input.ids()?;
    let upload = cx.store.claim_upload(&lottery_id, &upload_id, &input.execution).await?;
    let upload = upload.ok_or(TaskError::ImportOver)?;
    if upload.state == UploadState::Asking && !cx.store.read_upload(&upload).await? {
        return Err(TaskError::ImportOver);
    }
    let lottery = lottery_of(cx, &upload).await?;
    let options = Options { shown_rows: SAMPLE, ..options(&upload, &lottery)? };
    let body = cx.lists()?.stream(&input.key, &input.etag).await?;
    let look = look(body, options).await?;
    if !cx.store.note_inspection(&upload, &look.shown()).await? {
        return Err(TaskError::ImportOver);
    }
    match &look.unreadable {
        Some(remark) if !is_question(&remark.why) => {
            cx.store.fail_upload(&upload, &said(remark)).await?;
            Err(TaskError::ListUnreadable)
        }
        Some(_) => Ok(Output { ask: true }),
        None => {
            let is_guess = matches!(look.detected.encoding, Some((_, Certainty::Guessed)));
            Ok(Output { ask: upload.preview || (is_guess && !input.answered) })
        }
    }
}

/// What was seen.
struct Look {
    detected: Detected,
    rows: Vec<Row>,
    remarks: Vec<Remark>,
    unreadable: Option<Remark>,
}

impl Look {
    /// As the organiser sees it.
    fn shown(&self) -> Value {
        let rows = self.rows.iter().take(SAMPLE).map(shown_row);
        json!({
            "detected": detected(&self.detected),
            "sample": rows.collect::<Vec<_>>(),
            "remarks": self.remarks.iter().take(SAMPLE).map(said).collect::<Vec<_>>(),
            "unreadable": self.unreadable.as_ref().map(said),
        })
    }
}

async fn look(mut body: ByteStream, options: Options) -> Result<Look, TaskError> {
    let (mut reader, mut seen, mut is_workbook) = (Reader::new(options), 0, false);
    let mut look =
        Look { detected: reader.detected(), rows: Vec::new(), remarks: Vec::new(), unreadable: None };
    let add = |look: &mut Look, batch: Batch| {
        let room = SAMPLE.saturating_sub(look.rows.len());
        look.rows.extend(batch.rows.into_iter().take(room));
        look.remarks.extend(batch.remarks);
    };
    let mut is_whole = true;
    while let Some(bytes) = next(&mut body).await? {
        is_workbook |= seen == 0 && (bytes.starts_with(b"PK") || bytes.starts_with(&[0xd0, 0xcf]));
        seen += bytes.len();
        let (read, batch, outcome) = step(reader, move |reader, batch| reader.push(&bytes, batch)).await?;
        reader = read;
        add(&mut look, batch);
        if let Err(remark) = outcome {
            return Ok(Look { detected: reader.detected(), unreadable: Some(remark), ..look });
        }
        if seen >= LOOKED_AT && !is_workbook {
            is_whole = false;
            break;
        }
    }
    // Lists without ids give their rows at the end. The end of a part says nothing about the list.
    let (reader, batch, outcome) = step(reader, Reader::finish).await?;
    add(&mut look, batch);
    let unreadable = outcome.err().filter(|remark| is_whole || is_question(&remark.why));
    Ok(Look { detected: reader.detected(), unreadable, ..look })
}

/// The next bytes of a file, which may have no more than the limit.
pub(crate) async fn next(body: &mut ByteStream) -> Result<Option<Vec<u8>>, TaskError> {
    let bytes = body.try_next().await.map_err(|error| crate::objects::unavailable(error.into()))?;
    Ok(bytes.map(|bytes| bytes.to_vec()))
}

/// Refuses a file that has more bytes than are taken.
pub(crate) fn check_size(bytes: u64) -> Result<(), TaskError> {
    if bytes > MAX_FILE_BYTES { Err(TaskError::ListUnreadable) } else { Ok(()) }
}

fn detected(detected: &Detected) -> Value {
    let certainty = |certainty| match certainty {
        Certainty::Named => "named",
        Certainty::Sure => "sure",
        Certainty::Guessed => "guessed",
    };
    let columns =
        detected.columns.iter().map(|column| json!({"header": column.header, "field": column.field}));
    json!({
        "form": detected.form,
        "encoding": detected.encoding.map(|(name, sure)| {
            json!({"name": name.to_ascii_lowercase(), "certainty": certainty(sure)})
        }),
        "delimiter": detected.delimiter,
        "sheet": detected.sheet,
        "header_line": detected.header_line,
        "columns": columns.collect::<Vec<_>>(),
        "ids_made": detected.ids_made,
    })
}

fn shown_row(row: &Row) -> Value {
    let (id, name, refused) = match &row.person {
        Ok(person) => (Some(&person.participant_id), person.name.as_ref(), None),
        Err(remark) => (row.participant_id.as_ref(), None, Some(said(remark))),
    };
    json!({
        "line": row.line,
        "participant_id": id.map(ToString::to_string),
        "name": name.map(ToString::to_string),
        "refused": refused,
        "cells": row.cells,
    })
}
