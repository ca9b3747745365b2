//! Reads all of an uploaded list, as it arrives, and cuts it into batches. Only here are ids compared that stand far apart, and made
//! for lists that have none. When every line could be read, the import begins: a list that cannot be read changes nothing.

use lottery::list::{Batch, Certainty, Reader, Remark, Row};
use lottery::{LotteryId, Record};
use lottery_store::{BeginImport, Upload};
use serde::Serialize;
use serde_json::json;

use crate::batch::{BatchLine, ROWS, batch_key, manifest_key};
use crate::inspect_list::{check_size, next};
use crate::objects::ListObjects;
use crate::upload::{UploadInput, import_of, lottery_of, options, said, step};
use crate::{TaskContext, TaskError};

/// What to do next.
#[derive(Debug, Serialize)]
pub struct Output {
    /// Ask the organiser: what was guessed was not seen at the beginning of the list.
    ask: bool,
    /// The key of the object with the numbers of the batches.
    batches: String,
}

/// Reads the list. Running again, it writes the same batches.
pub async fn handle(cx: &TaskContext, input: UploadInput) -> Result<Output, TaskError> {
    let upload = input.upload(cx).await?;
    let lottery = lottery_of(cx, &upload).await?;
    let objects = cx.lists()?;
    let mut body = objects.stream(&input.key, &input.etag).await?;
    let mut reader = Reader::new(options(&upload, &lottery)?);
    let mut writer = Writer::new(objects, &upload);
    let mut bytes_read = 0;
    while let Some(bytes) = next(&mut body).await? {
        bytes_read += bytes.len() as u64;
        check_size(bytes_read)?;
        let (read, batch, outcome) = step(reader, move |reader, batch| reader.push(&bytes, batch)).await?;
        reader = read;
        readable(cx, &upload, outcome).await?;
        writer.add(batch).await?;
    }
    let (reader, batch, outcome) = step(reader, Reader::finish).await?;
    readable(cx, &upload, outcome).await?;
    writer.add(batch).await?;
    let batches = manifest_key(&upload.upload_id);
    let is_guess = matches!(reader.detected().encoding, Some((_, Certainty::Guessed)));
    if is_guess && !input.answered {
        return Ok(Output { ask: true, batches });
    }
    let (rows, count) = writer.finish(&batches).await?;
    begin(cx, &upload, &lottery.lottery_id).await?;
    match cx.store.import_upload(&upload, rows, count).await? {
        true => Ok(Output { ask: false, batches }),
        false => Err(TaskError::ImportOver),
    }
}

/// Ends the import of a list that cannot be read any further.
async fn readable(cx: &TaskContext, upload: &Upload, outcome: Result<(), Remark>) -> Result<(), TaskError> {
    let Err(remark) = outcome else { return Ok(()) };
    cx.store.fail_upload(upload, &said(&remark)).await?;
    Err(TaskError::ListUnreadable)
}

/// Begins the lottery's import, unless an earlier run has.
async fn begin(cx: &TaskContext, upload: &Upload, lottery_id: &LotteryId) -> Result<(), TaskError> {
    if import_of(cx, upload).await?.is_some() {
        return Ok(());
    }
    match cx.store.begin_import(lottery_id, upload.mode, cx.clock.now()).await? {
        BeginImport::Begun(import) => match cx.store.number_upload(upload, import.number).await? {
            true => Ok(()),
            false => Err(TaskError::ImportOver),
        },
        BeginImport::Drawing(draw_id) => Err(TaskError::LotteryBusy(draw_id)),
        BeginImport::Unknown => Err(TaskError::ImportOver),
    }
}

/// Writes the batches: it holds one.
struct Writer<'a> {
    objects: ListObjects<'a>,
    upload: &'a Upload,
    file: Vec<u8>,
    in_file: usize,
    rows: u64,
    batches: u32,
}

impl<'a> Writer<'a> {
    fn new(objects: ListObjects<'a>, upload: &'a Upload) -> Self {
        Self { objects, upload, file: Vec::new(), in_file: 0, rows: 0, batches: 0 }
    }

    async fn add(&mut self, batch: Batch) -> Result<(), TaskError> {
        for remark in &batch.remarks {
            self.write(&BatchLine::warning(remark)).await?;
        }
        for Row { line, person, warnings, participant_id, cells } in batch.rows {
            self.rows += 1;
            for warning in &warnings {
                BatchLine::warning(warning).write(&mut self.file);
            }
            match person {
                Ok(person) => self.write(&BatchLine::person(line, &Record::from(person))).await?,
                Err(remark) => {
                    self.write(&BatchLine::refused(&remark, participant_id.as_ref(), cells)).await?;
                }
            }
        }
        Ok(())
    }

    async fn write(&mut self, line: &BatchLine) -> Result<(), TaskError> {
        line.write(&mut self.file);
        self.in_file += 1;
        if self.in_file >= ROWS { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<(), TaskError> {
        self.batches += 1;
        self.in_file = 0;
        let key = batch_key(&self.upload.upload_id, self.batches);
        self.objects.put(&key, std::mem::take(&mut self.file)).await
    }

    /// Writes the rest, and the numbers of all batches; returns how many rows and batches there are.
    async fn finish(mut self, manifest: &str) -> Result<(u64, u32), TaskError> {
        if self.in_file > 0 {
            self.flush().await?;
        }
        let numbers: Vec<u32> = (1..=self.batches).collect();
        self.objects.put(manifest, json!(numbers).to_string().into_bytes()).await?;
        Ok((self.rows, self.batches))
    }
}
