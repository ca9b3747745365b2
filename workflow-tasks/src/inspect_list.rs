//! Looks at an uploaded list: its form, its encoding, its columns, its first rows. Decides whether the organiser is asked before
//! it is imported: because they wanted to see it first, because its encoding is a guess, or because it cannot be read as it is.

use aws_sdk_s3::primitives::ByteStream;
use lottery::list::limits::MAX_FILE_BYTES;
use lottery::list::{
    Batch, Certainty, Detected, HeaderRow, ListPerson, ListRemark, Mapping, Options, Reader, Remark, Row,
    Why, is_question,
};
use lottery_store::UploadState;
use serde::Serialize;
use serde_json::{Value, json};

use crate::upload::{UploadInput, lottery_of, options, said, step};
use crate::{TaskContext, TaskError};

/// Bytes of a text that are looked at. A workbook is read as a whole.
const LOOKED_AT: usize = 1024 * 1024;
/// Rows that are shown.
const SAMPLE: usize = 20;
/// Refused rows that are listed, and remarks; the others are counted.
const LISTED: usize = 100;

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
    let mut look = look_at(body, options.clone()).await?;
    if look.unreadable.as_ref().is_some_and(|remark| is_about_columns(&remark.why)) {
        look.rows = raw_rows(cx.lists()?.stream(&input.key, &input.etag).await?, options).await?;
    }
    let looks = upload.inspection.as_ref().map_or(0, |before| before["looks"].as_u64().unwrap_or(0));
    if !cx.store.note_inspection(&upload, &look.shown(looks + 1)).await? {
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
    /// Rows of people that were looked at.
    count: u64,
    refused: u64,
    warned: u64,
    /// The first of the rows.
    rows: Vec<Row>,
    refusals: Vec<Remark>,
    remarks: Vec<Remark>,
    /// The end of the list was reached.
    is_whole: bool,
    unreadable: Option<Remark>,
}

impl Look {
    /// As the organiser sees it. `looks` counts how often the list was looked at.
    fn shown(&self, looks: u64) -> Value {
        json!({
            "looks": looks,
            "detected": detected(&self.detected),
            "sample": self.rows.iter().map(shown_row).collect::<Vec<_>>(),
            "rows": self.count,
            "is_whole": self.is_whole,
            "refused": self.refused,
            "refusals": self.refusals.iter().map(said).collect::<Vec<_>>(),
            "warned": self.warned,
            "remarks": self.remarks.iter().map(said).collect::<Vec<_>>(),
            "unreadable": self.unreadable.as_ref().map(said),
        })
    }

    fn add(&mut self, batch: Batch) {
        self.warn(batch.remarks);
        for mut row in batch.rows {
            self.count += 1;
            self.warn(std::mem::take(&mut row.warnings));
            if let Err(remark) = &row.person {
                self.refused += 1;
                if self.refusals.len() < LISTED {
                    self.refusals.push(remark.clone());
                }
            }
            if self.rows.len() < SAMPLE {
                self.rows.push(row);
            }
        }
    }

    fn warn(&mut self, remarks: Vec<Remark>) {
        self.warned += remarks.len() as u64;
        let room = LISTED.saturating_sub(self.remarks.len());
        self.remarks.extend(remarks.into_iter().take(room));
    }
}

/// Whether a list is unreadable because nobody knows what its columns hold.
fn is_about_columns(why: &Why) -> bool {
    matches!(
        why,
        Why::List(
            ListRemark::HeaderNotFound { .. }
                | ListRemark::ColumnAmbiguous { .. }
                | ListRemark::NameColumnMissing
                | ListRemark::MappedColumnMissing { .. }
        )
    )
}

/// The first rows of a list whose columns are unknown, for somebody to say what they hold: every row is taken for a person.
async fn raw_rows(body: ByteStream, options: Options) -> Result<Vec<Row>, TaskError> {
    let mapping = Mapping::parse(r#"{"1": "name"}"#).map_err(|_| TaskError::WrongInput)?;
    let options = Options { header_row: HeaderRow::None, mapping, ..options };
    Ok(look_at(body, options).await?.rows)
}

async fn look_at(mut body: ByteStream, options: Options) -> Result<Look, TaskError> {
    let (mut reader, mut seen, mut is_workbook) = (Reader::new(options), 0, false);
    let mut look = Look {
        detected: reader.detected(),
        count: 0,
        refused: 0,
        warned: 0,
        rows: Vec::new(),
        refusals: Vec::new(),
        remarks: Vec::new(),
        is_whole: true,
        unreadable: None,
    };
    while let Some(bytes) = next(&mut body).await? {
        is_workbook |= seen == 0 && (bytes.starts_with(b"PK") || bytes.starts_with(&[0xd0, 0xcf]));
        seen += bytes.len();
        let (read, batch, outcome) = step(reader, move |reader, batch| reader.push(&bytes, batch)).await?;
        reader = read;
        look.add(batch);
        if let Err(remark) = outcome {
            return Ok(Look { detected: reader.detected(), unreadable: Some(remark), ..look });
        }
        if seen >= LOOKED_AT && !is_workbook {
            look.is_whole = false;
            break;
        }
    }
    // Lists without ids give their rows at the end. The end of a part says nothing about the list.
    let (reader, batch, outcome) = step(reader, Reader::finish).await?;
    look.add(batch);
    let unreadable = outcome.err().filter(|remark| look.is_whole || is_question(&remark.why));
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
    let mut shown = match &row.person {
        Ok(person) => shown_person(person),
        Err(remark) => json!({
            "participant_id": row.participant_id.as_ref().map(ToString::to_string),
            "refused": said(remark),
        }),
    };
    shown["line"] = json!(row.line);
    shown["cells"] = json!(row.cells);
    shown
}

fn shown_person(person: &ListPerson) -> Value {
    let ListPerson { participant_id, name, phone, email, group, tickets, excluded } = person;
    json!({
        "participant_id": participant_id.to_string(),
        "name": name.as_ref().map(ToString::to_string),
        "phone": phone.clone().value().map(|phone| phone.to_string()),
        "email": email.clone().value().map(|email| email.to_string()),
        "group": group.clone().value().map(|group| group.to_string()),
        "tickets": tickets.value().map(|tickets| tickets.get()),
        "excluded": excluded.value(),
        "refused": null,
    })
}
