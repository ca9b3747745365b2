//! An import: what belongs together of the lines of one list, though they may come in several requests.
//!
//! A lottery remembers its last import. It has a number, which the contacts bear that it wrote, so that it can be undone;
//! and, if its list replaces the one from before, hashes of the ids that stand on it. Two imports at once are both taken,
//! line by line; the last one to begin is the one that can be undone, and only that one can withdraw who is missing.

use futures_util::{TryStreamExt, stream};
use jiff::Timestamp;
use lottery::{DrawId, LotteryId, ParticipantId, Record};
use sha2::{Digest, Sha256};

use super::journal::RETENTION_SECONDS;
use super::put::{Author, Recorded};
use crate::item::{Attributes, Item, NewItem, bytes, flag, number, text};
use crate::keys::{self, Key};
use crate::store::Table;
use crate::table::EXPIRES_AT;
use crate::transaction::Outcome;
use crate::write::Write;
use crate::{Store, StoreError};

/// How often the last import, which others may replace, is read anew.
const ATTEMPTS: u32 = 20;
/// Ids in one item: 8 bytes each, far below the 400 KB that an item may have.
const IDS_IN_ITEM: usize = 10_000;

/// What a list is to the one that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportMode {
    /// It adds people and changes those it speaks of.
    Merge,
    /// It takes the other's position: who is not on it is withdrawn in the end.
    Replace,
}

/// How far an import has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportState {
    /// Records are taken.
    Running,
    /// It is complete.
    Finished,
    /// It is being undone.
    Undoing,
    /// It was undone.
    Undone,
}

/// What came of the records of an import so far. A record that is sent again, after an answer was lost, counts again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ImportCounts {
    /// People who are new.
    pub new: u64,
    /// People who were changed.
    pub changed: u64,
    /// People who are as the list says.
    pub unchanged: u64,
    /// Records that were not taken.
    pub refused: u64,
    /// People who were withdrawn because they are not on the list.
    pub withdrawn: u64,
}

/// The last import of a lottery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The lottery.
    pub lottery_id: LotteryId,
    /// Counts the imports of the lottery, from 1.
    pub number: u64,
    /// What its list is to the one that was there.
    pub mode: ImportMode,
    /// How far it has come.
    pub state: ImportState,
    /// When it began.
    pub begun_at: Timestamp,
    /// What came of its records so far.
    pub counts: ImportCounts,
    /// The number that the next sealed draw had when it began.
    pub(super) sequence: u64,
    /// Nobody was on the list when it began.
    pub(super) was_empty: bool,
}

/// What came of beginning an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BeginImport {
    /// Its records can come.
    Begun(Import),
    /// It would replace the list, and this draw holds the lottery.
    Drawing(DrawId),
    /// There is no such lottery.
    Unknown,
}

impl ImportMode {
    fn as_str(self) -> &'static str {
        match self {
            Self::Merge => "MERGE",
            Self::Replace => "REPLACE",
        }
    }
}

impl ImportState {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Finished => "FINISHED",
            Self::Undoing => "UNDOING",
            Self::Undone => "UNDONE",
        }
    }
}

impl Import {
    fn item(&self) -> NewItem {
        NewItem::at(keys::import(&self.lottery_id))
            .with("lottery_id", text(&self.lottery_id))
            .with("number", number(self.number))
            .with("mode", text(self.mode.as_str()))
            .with("state", text(self.state.as_str()))
            .with("begun_at", text(self.begun_at))
            .with("sequence", number(self.sequence))
            .with("was_empty", flag(self.was_empty))
    }

    fn from_item(item: &Item) -> Result<Self, StoreError> {
        let item = Attributes(item);
        let count = |name: &str| Ok::<_, StoreError>(item.optional_number(name)?.unwrap_or(0));
        let broken = |_: ()| StoreError::Broken("the last import".to_owned());
        Ok(Self {
            lottery_id: item.parse("lottery_id")?,
            number: item.number("number")?,
            mode: match item.text("mode")? {
                "MERGE" => ImportMode::Merge,
                "REPLACE" => ImportMode::Replace,
                _ => return Err(broken(())),
            },
            state: match item.text("state")? {
                "RUNNING" => ImportState::Running,
                "FINISHED" => ImportState::Finished,
                "UNDOING" => ImportState::Undoing,
                "UNDONE" => ImportState::Undone,
                _ => return Err(broken(())),
            },
            begun_at: item.timestamp("begun_at")?,
            counts: ImportCounts {
                new: count("new")?,
                changed: count("changed")?,
                unchanged: count("unchanged")?,
                refused: count("refused")?,
                withdrawn: count("withdrawn")?,
            },
            sequence: item.number("sequence")?,
            was_empty: item.flag("was_empty")?,
        })
    }

    /// Holds a transaction to this import's being the lottery's last.
    pub(super) fn is_last(&self) -> Write {
        Write::check(keys::import(&self.lottery_id), "#number = :number")
            .name("#number", "number")
            .value(":number", number(self.number))
    }
}

impl Store {
    /// Begins an import, which from now on is the lottery's last: the one before can no longer be undone, and what was kept
    /// for that is erased. Lines of a list that comes in several requests share one import.
    ///
    /// A list that replaces is refused while a draw holds the lottery, which is from its sealing until its winners are
    /// official. A list that merges is accepted at any time: its new participants are in the draw or not.
    pub async fn begin_import(
        &self,
        lottery_id: &LotteryId,
        mode: ImportMode,
        now: Timestamp,
    ) -> Result<BeginImport, StoreError> {
        for _ in 0..ATTEMPTS {
            let Some(lottery) = self.lottery(lottery_id).await? else { return Ok(BeginImport::Unknown) };
            if let (ImportMode::Replace, Some(draw_id)) = (mode, lottery.open_draw) {
                return Ok(BeginImport::Drawing(draw_id));
            }
            let previous = self.last_import(lottery_id).await?.map_or(0, |previous| previous.number);
            let import = Import {
                lottery_id: lottery_id.clone(),
                number: previous + 1,
                mode,
                state: ImportState::Running,
                begun_at: now,
                counts: ImportCounts::default(),
                sequence: lottery.next_sequence,
                was_empty: self.is_known_to_be_empty(lottery_id).await?,
            };
            let begin = Write::put(import.item())
                .only_if("attribute_not_exists(pk) OR #number = :previous")
                .name("#number", "number")
                .value(":previous", number(previous));
            if let Outcome::Done = self.write(&begin).await? {
                if previous > 0 {
                    self.erase_journal(lottery_id).await?;
                    self.forget_seen(lottery_id, previous).await?;
                }
                return Ok(BeginImport::Begun(import));
            }
        }
        Err(StoreError::Contended)
    }

    /// The last import of a lottery, if there was one: for its progress, and for the next request with its lines.
    pub async fn last_import(&self, lottery_id: &LotteryId) -> Result<Option<Import>, StoreError> {
        self.get(&keys::import(lottery_id)).await?.map(|item| Import::from_item(&item)).transpose()
    }

    /// Takes records of an import, as [`put_records`](Self::put_records) does. None if the import is over: finished, undone,
    /// or followed by another. After an error, sending the same again completes it.
    pub async fn import_records(
        &self,
        import: &Import,
        records: &[Record],
        now: Timestamp,
    ) -> Result<Option<Vec<Recorded>>, StoreError> {
        if !self.is_running(import).await? {
            return Ok(None);
        }
        let ids: Vec<_> = records.iter().map(|record| &record.participant_id).collect();
        self.note_seen(import, &ids, now).await?;
        let key = self.fingerprint_key(&import.lottery_id).await?;
        let lottery_id = &import.lottery_id;
        let author = Author { lottery_id, key: &key, now, import: Some(import), joined: None };
        let recorded = self.record(&author, records).await?;
        let mut counts = ImportCounts::default();
        for answer in &recorded {
            match answer {
                Recorded::New { .. } => counts.new += 1,
                Recorded::Changed { .. } => counts.changed += 1,
                Recorded::Unchanged { .. } => counts.unchanged += 1,
                Recorded::NameMissing | Recorded::AddressTaken { .. } => counts.refused += 1,
            }
        }
        self.count_imported(import, counts).await?;
        Ok(Some(recorded))
    }

    /// Notes that these people stand on the list although their lines were refused before they came here: a list that
    /// replaces does not withdraw them.
    pub async fn keep_on_list(
        &self,
        import: &Import,
        participant_ids: &[ParticipantId],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.note_seen(import, &participant_ids.iter().collect::<Vec<_>>(), now).await
    }

    /// Ends an import, once all of its records were taken and who is missing was withdrawn. False if it is not the
    /// lottery's last.
    pub async fn finish_import(&self, import: &Import) -> Result<bool, StoreError> {
        let is_finished = self.set_import_state(import, ImportState::Finished).await?;
        self.forget_seen(&import.lottery_id, import.number).await?;
        Ok(is_finished)
    }

    async fn is_running(&self, import: &Import) -> Result<bool, StoreError> {
        let last = self.last_import(&import.lottery_id).await?;
        Ok(last.is_some_and(|last| last.number == import.number && last.state == ImportState::Running))
    }

    /// False if the import is not the lottery's last.
    pub(super) async fn set_import_state(
        &self,
        import: &Import,
        state: ImportState,
    ) -> Result<bool, StoreError> {
        let set = Write::update(keys::import(&import.lottery_id), "SET #state = :state")
            .only_if("#number = :number")
            .name("#state", "state")
            .name("#number", "number")
            .value(":state", text(state.as_str()))
            .value(":number", number(import.number));
        Ok(matches!(self.write(&set).await?, Outcome::Done))
    }

    pub(super) async fn count_imported(
        &self,
        import: &Import,
        counts: ImportCounts,
    ) -> Result<(), StoreError> {
        let ImportCounts { new, changed, unchanged, refused, withdrawn } = counts;
        let count = Write::update(
            keys::import(&import.lottery_id),
            "ADD #new :new, changed :changed, unchanged :unchanged, refused :refused, withdrawn :withdrawn",
        )
        .only_if("#number = :number")
        .name("#new", "new")
        .name("#number", "number")
        .value(":number", number(import.number))
        .value(":new", number(new))
        .value(":changed", number(changed))
        .value(":unchanged", number(unchanged))
        .value(":refused", number(refused))
        .value(":withdrawn", number(withdrawn));
        self.write(&count).await.map(|_| ())
    }

    /// Records the ids on a list that replaces, before their records are stored, so that none of them is withdrawn.
    async fn note_seen(
        &self,
        import: &Import,
        ids: &[&ParticipantId],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if import.mode == ImportMode::Merge {
            return Ok(());
        }
        for ids in ids.chunks(IDS_IN_ITEM) {
            let hashes: Vec<u8> = ids.iter().flat_map(|id| hash(id).to_be_bytes()).collect();
            let key = keys::seen(&import.lottery_id, import.number, rand::random());
            let item = NewItem::at(key)
                .with("ids", bytes(hashes))
                .with(EXPIRES_AT, number(now.as_second() + RETENTION_SECONDS));
            self.write(&Write::put(item)).await?;
        }
        Ok(())
    }

    /// The hashes of the ids that stand on the list of an import, sorted: 8 bytes each.
    pub(super) async fn seen(&self, import: &Import) -> Result<Vec<u64>, StoreError> {
        let mut seen = Vec::new();
        for item in self.all(&keys::seen_of(&import.lottery_id, import.number)).await? {
            let hashes = Attributes(&item).bytes("ids")?.chunks_exact(8);
            seen.extend(hashes.map(|bytes| u64::from_be_bytes(bytes.try_into().expect("chunks of eight"))));
        }
        seen.sort_unstable();
        seen.dedup();
        Ok(seen)
    }

    async fn forget_seen(&self, lottery_id: &LotteryId, import: u64) -> Result<(), StoreError> {
        let range = keys::seen_of(lottery_id, import);
        let items = self.all(&range).await?;
        let key = |item| {
            let sk = Attributes(item).sort_key()?.to_owned();
            Ok(Key { table: Table::Lottery, pk: range.pk.clone(), sk })
        };
        let keys = items.iter().map(key).collect::<Result<Vec<_>, StoreError>>()?;
        let deletions: Vec<_> = keys.chunks(100).map(|keys| self.delete_many(Table::Lottery, keys)).collect();
        stream::iter(deletions.into_iter().map(Ok)).try_for_each(|deletion| deletion).await
    }
}

/// The same in every process. Of two who are taken for one because of their hashes, the one who is not on the list stays.
pub(super) fn hash(participant_id: &ParticipantId) -> u64 {
    let digest = Sha256::digest(participant_id.as_str());
    u64::from_be_bytes(digest[..8].try_into().expect("a digest is longer"))
}
