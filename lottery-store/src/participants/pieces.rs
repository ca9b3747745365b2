//! An import whose list comes in several requests, of which each reads a piece alone.

use lottery::Record;

use super::import::{Import, ImportCounts};
use crate::item::number;
use crate::write::Write;
use crate::{Store, StoreError, keys};

impl Store {
    /// Which of these records would change a participant that this import has written already: an id that occurs twice on the
    /// list, in two of its pieces. A piece that is sent again changes nobody, which distinguishes it.
    pub async fn twice_in_import(
        &self,
        import: &Import,
        records: &[Record],
    ) -> Result<Vec<bool>, StoreError> {
        let known = self.known_contacts(&import.lottery_id, records).await?;
        let is_twice = |record: &Record| {
            known.get(&record.participant_id).is_some_and(|found| {
                let after = record.over(Some(&found.participant));
                found.import == Some(import.number)
                    && after.is_some_and(|after| !after.changes(&found.participant).is_empty())
            })
        };
        Ok(records.iter().map(is_twice).collect())
    }

    /// Who of these the import has written already: true of whom it brought in, false of whom it changed, and none of whom it has
    /// left as they were. So a batch that runs again knows what its first run did.
    pub async fn written_by_import(
        &self,
        import: &Import,
        records: &[Record],
    ) -> Result<Vec<Option<bool>>, StoreError> {
        let known = self.known_contacts(&import.lottery_id, records).await?;
        let written = |record: &Record| {
            let found = known.get(&record.participant_id)?;
            (found.import == Some(import.number)).then_some(found.is_new)
        };
        Ok(records.iter().map(written).collect())
    }

    /// Sets what came of the records of an import, where the caller knows it better than the sum of all that were sent.
    pub async fn set_counts(&self, import: &Import, counts: ImportCounts) -> Result<(), StoreError> {
        let set = Write::update(
            keys::import(&import.lottery_id),
            "SET #new = :new, changed = :changed, unchanged = :unchanged, refused = :refused",
        )
        .only_if("#number = :number")
        .name("#new", "new")
        .name("#number", "number")
        .value(":number", number(import.number))
        .value(":new", number(counts.new))
        .value(":changed", number(counts.changed))
        .value(":unchanged", number(counts.unchanged))
        .value(":refused", number(counts.refused));
        self.write(&set).await.map(|_| ())
    }

    /// Counts lines of an import that were refused before they came here, and takes off those that were taken after all.
    pub async fn count_refused(&self, import: &Import, refused: i64) -> Result<(), StoreError> {
        if refused == 0 {
            return Ok(());
        }
        let count = Write::update(keys::import(&import.lottery_id), "ADD refused :refused")
            .only_if("#number = :number")
            .name("#number", "number")
            .value(":number", number(import.number))
            .value(":refused", number(refused));
        self.write(&count).await.map(|_| ())
    }
}
