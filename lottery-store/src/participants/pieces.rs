//! An import whose list comes in several requests, of which each reads a piece alone.

use lottery::Record;

use super::import::Import;
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
