//! Imports of big lists: the record of a list that is uploaded to S3 and imported by a state machine, batch by batch.
//!
//! An upload is claimed by the first execution that comes for it, and only that one changes it; who else comes finds it taken.
//! What came of a batch is an item of its own, put anew when the batch runs again: so the sums are right however often it does.

use jiff::Timestamp;
use lottery::LotteryId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::item::{Attributes, Item, NewItem, flag, json, number, text};
use crate::read::Order;
use crate::table::EXPIRES_AT;
use crate::transaction::Outcome;
use crate::write::Write;
use crate::{ImportMode, Store, StoreError, WaitToken, keys};

/// How long records are kept, in seconds: longer than an import can be taken back.
const RETENTION_SECONDS: i64 = 30 * 24 * 60 * 60;
/// Uploads that are listed.
const MAX_LISTED: usize = 50;

/// Names an upload: `i-`, the milliseconds of its beginning and random digits, so that ids sort by time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadId(String);

impl UploadId {
    /// A new id.
    pub fn new(now: Timestamp, random: u64) -> Self {
        Self(format!("i-{:012x}{random:016x}", now.as_millisecond()))
    }

    /// Parses an id.
    pub fn parse(id: &str) -> Option<Self> {
        let digits = id.strip_prefix("i-")?;
        let is_id =
            digits.len() == 28 && digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'));
        is_id.then(|| Self(id.to_owned()))
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for UploadId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// How far the import of an uploaded list has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum UploadState {
    /// The file has not arrived.
    Uploading,
    /// The beginning of the file is read, or all of it.
    Reading,
    /// The organiser is asked what the columns hold.
    Asking,
    /// Batches are imported.
    Importing,
    /// All is done.
    Succeeded,
    /// It cannot go on; people who were imported stay.
    Failed,
    /// The organiser stopped it; people who were imported stay.
    Cancelled,
}

impl UploadState {
    /// The states in which an import still goes on.
    pub const OPEN: [Self; 4] = [Self::Uploading, Self::Reading, Self::Asking, Self::Importing];

    /// The name of the state.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Uploading => "UPLOADING",
            Self::Reading => "READING",
            Self::Asking => "ASKING",
            Self::Importing => "IMPORTING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        let all = Self::OPEN.into_iter().chain([Self::Succeeded, Self::Failed, Self::Cancelled]);
        all.into_iter().find(|state| state.as_str() == name)
    }

    /// Whether the import still goes on.
    pub fn is_open(self) -> bool {
        Self::OPEN.contains(&self)
    }
}

/// The import of an uploaded list.
#[derive(Debug, Clone, PartialEq)]
pub struct Upload {
    /// The lottery.
    pub lottery_id: LotteryId,
    /// Names it.
    pub upload_id: UploadId,
    /// How far it has come.
    pub state: UploadState,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// The bytes of the file, as they were announced.
    pub bytes: u64,
    /// What the list is to the one that is there.
    pub mode: ImportMode,
    /// Whether the organiser is asked before anything is imported, however clear the list is.
    pub preview: bool,
    /// How the list is read, as JSON.
    pub settings: Value,
    /// The execution that imports it.
    pub execution_arn: Option<String>,
    /// The token of the task that waits for the organiser.
    pub token: Option<WaitToken>,
    /// What the organiser is asked, or was: what was found out about the list, as JSON.
    pub inspection: Option<Value>,
    /// The number of the lottery's import that its people belong to.
    pub import: Option<u64>,
    /// The rows of the list, once all of it was read.
    pub rows: Option<u64>,
    /// The batches that they make.
    pub batches: Option<u32>,
    /// What came of it in the end, as JSON.
    pub outcome: Option<Value>,
    /// Why it failed, as JSON.
    pub failure: Option<Value>,
}

/// What the organiser answers when asked about an upload.
#[derive(Debug, Clone)]
pub struct UploadAnswer {
    /// How the list is read, as JSON.
    pub settings: Value,
    /// What becomes of those who are not on the list; as before if absent.
    pub mode: Option<ImportMode>,
    /// Asks again, before anything is imported.
    pub preview: bool,
}

/// What came of one batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchCounts {
    /// People who are new.
    pub new: u64,
    /// People who were changed.
    pub changed: u64,
    /// People who are as the list says.
    pub unchanged: u64,
    /// Lines that were not taken.
    pub refused: u64,
    /// Warnings.
    pub warnings: u64,
}

impl std::ops::AddAssign for BatchCounts {
    fn add_assign(&mut self, other: Self) {
        self.new += other.new;
        self.changed += other.changed;
        self.unchanged += other.unchanged;
        self.refused += other.refused;
        self.warnings += other.warnings;
    }
}

impl Upload {
    fn from_item(item: &Item) -> Result<Self, StoreError> {
        let item = Attributes(item);
        let broken = || StoreError::Broken("an import".to_owned());
        Ok(Self {
            lottery_id: item.parse("lottery_id")?,
            upload_id: UploadId::parse(item.text("upload_id")?).ok_or_else(broken)?,
            state: UploadState::parse(item.text("state")?).ok_or_else(broken)?,
            created_at: item.timestamp("created_at")?,
            bytes: item.number("bytes")?,
            mode: if item.flag("replaces")? { ImportMode::Replace } else { ImportMode::Merge },
            preview: item.flag("preview")?,
            settings: item.json("settings")?,
            execution_arn: item.optional_text("execution_arn")?.map(str::to_owned),
            token: item.optional_text("token")?.map(|token| WaitToken::new(token.to_owned())),
            inspection: item.optional_json("inspection")?,
            import: item.optional_number("import_number")?,
            rows: item.optional_number("row_count")?,
            batches: item.optional_number("batches")?,
            outcome: item.optional_json("outcome")?,
            failure: item.optional_json("failure")?,
        })
    }

    /// An update by the execution that has claimed it, as long as it goes on.
    fn change(&self, expression: &str) -> Write {
        let arn = self.execution_arn.as_deref().unwrap_or_default();
        Write::update(keys::upload(&self.lottery_id, &self.upload_id), expression)
            .only_if("execution_arn = :arn AND #state IN (:reading, :asking, :importing)")
            .name("#state", "state")
            .value(":arn", text(arn))
            .value(":reading", text(UploadState::Reading.as_str()))
            .value(":asking", text(UploadState::Asking.as_str()))
            .value(":importing", text(UploadState::Importing.as_str()))
            .silently()
    }
}

impl Store {
    /// Records an import whose file is about to be uploaded.
    pub async fn create_upload(&self, upload: &Upload) -> Result<(), StoreError> {
        let item = NewItem::sized(keys::upload(&upload.lottery_id, &upload.upload_id), 9)
            .with("lottery_id", text(&upload.lottery_id))
            .with("upload_id", text(&upload.upload_id))
            .with("state", text(upload.state.as_str()))
            .with("created_at", text(upload.created_at))
            .with("bytes", number(upload.bytes))
            .with("replaces", flag(upload.mode == ImportMode::Replace))
            .with("preview", flag(upload.preview))
            .with("settings", json(&upload.settings))
            .with(EXPIRES_AT, number(upload.created_at.as_second() + RETENTION_SECONDS));
        self.write(&Write::create(item)).await.map(|_| ())
    }

    /// An upload, if there is one of this id.
    pub async fn upload(
        &self,
        lottery_id: &LotteryId,
        upload_id: &UploadId,
    ) -> Result<Option<Upload>, StoreError> {
        let item = self.get(&keys::upload(lottery_id, upload_id)).await?;
        item.as_ref().map(Upload::from_item).transpose()
    }

    /// The last uploads of a lottery, the newest first.
    pub async fn uploads(&self, lottery_id: &LotteryId) -> Result<Vec<Upload>, StoreError> {
        let slice = self.slice(&keys::uploads(lottery_id), Order::Descending, None, MAX_LISTED).await?;
        slice.items.iter().map(Upload::from_item).collect()
    }

    /// Gives an upload to an execution, and returns it. None if there is none, it is over, or another execution has it.
    pub async fn claim_upload(
        &self,
        lottery_id: &LotteryId,
        upload_id: &UploadId,
        execution_arn: &str,
    ) -> Result<Option<Upload>, StoreError> {
        let claim =
            Write::update(keys::upload(lottery_id, upload_id), "SET execution_arn = :arn, #state = :reading")
                .only_if("#state = :uploading AND attribute_not_exists(execution_arn)")
                .name("#state", "state")
                .value(":arn", text(execution_arn))
                .value(":uploading", text(UploadState::Uploading.as_str()))
                .value(":reading", text(UploadState::Reading.as_str()))
                .silently();
        self.write(&claim).await?;
        let upload = self.upload(lottery_id, upload_id).await?;
        Ok(upload.filter(|upload| {
            upload.state.is_open() && upload.execution_arn.as_deref() == Some(execution_arn)
        }))
    }

    /// Records what was found out about the list. False if the import is over.
    pub async fn note_inspection(&self, upload: &Upload, inspection: &Value) -> Result<bool, StoreError> {
        let note = upload.change("SET inspection = :inspection").value(":inspection", json(inspection));
        Ok(matches!(self.write(&note).await?, Outcome::Done))
    }

    /// Waits for the organiser's answer, who completes the task by this token. False if the import is over.
    pub async fn ask_about_upload(&self, upload: &Upload, token: &WaitToken) -> Result<bool, StoreError> {
        let ask = upload.change("SET #state = :asking, #token = :token");
        let ask = ask.name("#token", "token").value(":token", text(token.reveal()));
        Ok(matches!(self.write(&ask).await?, Outcome::Done))
    }

    /// Takes the organiser's answer. The token completes the task that waits for it; none if nothing is asked.
    pub async fn answer_upload(
        &self,
        lottery_id: &LotteryId,
        upload_id: &UploadId,
        UploadAnswer { settings, mode, preview }: &UploadAnswer,
    ) -> Result<Option<WaitToken>, StoreError> {
        let Some(Upload { state: UploadState::Asking, token: Some(token), mode: former, .. }) =
            self.upload(lottery_id, upload_id).await?
        else {
            return Ok(None);
        };
        // The token stays, so that an answer whose caller was stopped can be given again.
        let change = "SET settings = :settings, preview = :preview, replaces = :replaces";
        let answer = Write::update(keys::upload(lottery_id, upload_id), change)
            .only_if("#state = :asking AND #token = :token")
            .name("#state", "state")
            .name("#token", "token")
            .value(":settings", json(settings))
            .value(":preview", flag(*preview))
            .value(":replaces", flag(mode.unwrap_or(former) == ImportMode::Replace))
            .value(":asking", text(UploadState::Asking.as_str()))
            .value(":token", text(token.reveal()))
            .silently();
        Ok(matches!(self.write(&answer).await?, Outcome::Done).then_some(token))
    }

    /// Records the number of the lottery's import that the people of the list belong to. False if the import is over.
    pub async fn number_upload(&self, upload: &Upload, import: u64) -> Result<bool, StoreError> {
        let set = upload.change("SET import_number = :import").value(":import", number(import));
        Ok(matches!(self.write(&set).await?, Outcome::Done))
    }

    /// Goes back to reading, when the organiser has answered. False if the import is over.
    pub async fn read_upload(&self, upload: &Upload) -> Result<bool, StoreError> {
        let read = upload.change("SET #state = :reading REMOVE #token").name("#token", "token");
        Ok(matches!(self.write(&read).await?, Outcome::Done))
    }

    /// Records that all of the list was read: it has so many rows, in so many batches. False if the import is over.
    pub async fn import_upload(&self, upload: &Upload, rows: u64, batches: u32) -> Result<bool, StoreError> {
        let set = upload.change("SET #state = :importing, row_count = :rows, batches = :batches");
        let set = set.value(":rows", number(rows)).value(":batches", number(batches));
        Ok(matches!(self.write(&set).await?, Outcome::Done))
    }

    /// Ends an import, successfully. False if it is over already.
    pub async fn finish_upload(&self, upload: &Upload, outcome: &Value) -> Result<bool, StoreError> {
        let finish = upload
            .change("SET #state = :succeeded, outcome = :outcome")
            .value(":succeeded", text(UploadState::Succeeded.as_str()))
            .value(":outcome", json(outcome));
        Ok(matches!(self.write(&finish).await?, Outcome::Done))
    }

    /// Ends an import that cannot go on. False if it is over already.
    pub async fn fail_upload(&self, upload: &Upload, failure: &Value) -> Result<bool, StoreError> {
        let fail = upload
            .change("SET #state = :failed, failure = :failure REMOVE #token")
            .name("#token", "token")
            .value(":failed", text(UploadState::Failed.as_str()))
            .value(":failure", json(failure));
        Ok(matches!(self.write(&fail).await?, Outcome::Done))
    }

    /// Stops an import, and returns it as it was. None if there is none, or it is over.
    pub async fn cancel_upload(
        &self,
        lottery_id: &LotteryId,
        upload_id: &UploadId,
    ) -> Result<Option<Upload>, StoreError> {
        let Some(upload) = self.upload(lottery_id, upload_id).await? else { return Ok(None) };
        let cancel =
            Write::update(keys::upload(lottery_id, upload_id), "SET #state = :cancelled REMOVE #token")
                .only_if("#state IN (:uploading, :reading, :asking, :importing)")
                .name("#state", "state")
                .name("#token", "token")
                .value(":cancelled", text(UploadState::Cancelled.as_str()))
                .value(":uploading", text(UploadState::Uploading.as_str()))
                .value(":reading", text(UploadState::Reading.as_str()))
                .value(":asking", text(UploadState::Asking.as_str()))
                .value(":importing", text(UploadState::Importing.as_str()))
                .silently();
        Ok(matches!(self.write(&cancel).await?, Outcome::Done).then_some(upload))
    }

    /// Records what came of a batch; one that ran before is overwritten.
    pub async fn put_upload_batch(
        &self,
        upload: &Upload,
        batch: u32,
        counts: BatchCounts,
    ) -> Result<(), StoreError> {
        let item = NewItem::at(keys::upload_batch(&upload.lottery_id, &upload.upload_id, batch))
            .with("batch", number(batch))
            .with("counts", json(&counts))
            .with(EXPIRES_AT, number(upload.created_at.as_second() + RETENTION_SECONDS));
        self.write(&Write::put(item)).await.map(|_| ())
    }

    /// The batches that are imported, by number, and what came of each.
    pub async fn upload_batches(&self, upload: &Upload) -> Result<Vec<(u32, BatchCounts)>, StoreError> {
        let items = self.all(&keys::upload_batches(&upload.lottery_id, &upload.upload_id)).await?;
        let batch = |item: &Item| Ok((Attributes(item).number("batch")?, Attributes(item).json("counts")?));
        items.iter().map(batch).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_parse() {
        let at = |second| UploadId::new(Timestamp::from_second(second).unwrap(), u64::MAX - second as u64);
        let (earlier, later) = (at(1_800_000_000), at(1_800_000_001));
        assert!(earlier.as_str() < later.as_str());
        assert_eq!(UploadId::parse(later.as_str()), Some(later));
        for id in ["", "i-", "last", "i-00000000000000000000000000g0", "i-0000000000000000000000000000a"] {
            assert_eq!(UploadId::parse(id), None, "{id}");
        }
    }
}
