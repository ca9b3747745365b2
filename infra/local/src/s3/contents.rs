//! The bytes of objects: runs of chunks, shared by copies, and kept while somebody reads them.

use rusqlite::{OptionalExtension, Transaction, params};

use super::database::CHUNK;
use super::store::Store;
use super::{ContentId, S3Error};

/// A part of an object's bytes: a content, and how many bytes it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) content: ContentId,
    pub(super) length: u64,
}

/// Segments as the `contents` column holds them: `7:1048576,8:20`.
pub(super) fn write_segments(segments: &[Segment]) -> String {
    let written = segments.iter().map(|segment| format!("{}:{}", segment.content, segment.length));
    written.collect::<Vec<_>>().join(",")
}

/// Reads the `contents` column.
pub(super) fn read_segments(text: &str) -> Vec<Segment> {
    let read = text.split(',').filter_map(|segment| {
        let (content, length) = segment.split_once(':')?;
        Some(Segment { content: content.parse().ok()?, length: length.parse().ok()? })
    });
    read.collect()
}

impl Store {
    /// Begins a content that nothing uses yet.
    pub(super) fn begin_content(&mut self) -> Result<ContentId, S3Error> {
        self.database.prepare_cached("INSERT INTO contents (uses) VALUES (0)")?.execute([])?;
        Ok(self.database.last_insert_rowid())
    }

    /// Appends a chunk of a content that nothing uses yet.
    pub(super) fn append(&mut self, content: ContentId, start: u64, bytes: &[u8]) -> Result<(), S3Error> {
        append(&self.database, content, start, bytes)
    }

    /// Drops a content that nothing uses.
    pub(super) fn discard(&mut self, content: ContentId) {
        let dropped = self.database.transaction().map_err(S3Error::from).and_then(|transaction| {
            delete_content(&transaction, content)?;
            Ok(transaction.commit()?)
        });
        if let Err(error) = dropped {
            // The next start drops it.
            tracing::warn!(content, message = error.message, "the bytes of an unfinished write stay for now");
        }
    }

    /// At most one chunk of an object's bytes from `offset` on, and no byte at or after `end`.
    pub(super) fn read(&self, segments: &[Segment], offset: u64, end: u64) -> Result<Vec<u8>, S3Error> {
        let mut base = 0;
        for segment in segments {
            if offset < base + segment.length {
                let within = offset - base;
                let start = within / CHUNK as u64 * CHUNK as u64;
                let bytes: Option<Vec<u8>> = self
                    .database
                    .prepare_cached("SELECT bytes FROM chunks WHERE content = ? AND start = ?")?
                    .query_row(params![segment.content, start as i64], |row| row.get(0))
                    .optional()?;
                let mut bytes =
                    bytes.ok_or_else(|| S3Error::unavailable("The bytes of the object are gone"))?;
                let limit = (end - base).min(start + bytes.len() as u64) - start;
                bytes.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
                bytes.drain(..usize::try_from(within - start).unwrap_or(usize::MAX).min(bytes.len()));
                return Ok(bytes);
            }
            base += segment.length;
        }
        Ok(Vec::new())
    }

    /// Keeps the bytes of these segments until [`Store::unpin`], even if the object goes.
    pub(super) fn pin(&mut self, segments: &[Segment]) {
        for segment in segments {
            *self.pins.entry(segment.content).or_default() += 1;
        }
    }

    /// A reader is done with these segments.
    pub(super) fn unpin(&mut self, segments: &[Segment]) {
        for Segment { content, .. } in segments {
            let Some(pins) = self.pins.get_mut(content) else { continue };
            *pins -= 1;
            if *pins == 0 {
                self.pins.remove(content);
                if self.doomed.remove(content) {
                    self.discard(*content);
                }
            }
        }
    }
}

pub(super) fn append(
    database: &rusqlite::Connection,
    content: ContentId,
    start: u64,
    bytes: &[u8],
) -> Result<(), S3Error> {
    database
        .prepare_cached("INSERT INTO chunks (content, start, bytes) VALUES (?, ?, ?)")?
        .execute(params![content, start as i64, bytes])?;
    Ok(())
}

/// Notes one more user of each segment.
pub(super) fn acquire(transaction: &Transaction<'_>, segments: &[Segment]) -> Result<(), S3Error> {
    for segment in segments {
        let found = transaction
            .prepare_cached("UPDATE contents SET uses = uses + 1 WHERE id = ?")?
            .execute([segment.content])?;
        if found == 0 {
            // The object that is copied has been deleted meanwhile.
            return Err(S3Error::no_such_key());
        }
    }
    Ok(())
}

/// Notes one user less of each segment; gives those that nothing uses any more, whose chunks are still there.
pub(super) fn release(
    transaction: &Transaction<'_>,
    segments: &[Segment],
) -> Result<Vec<ContentId>, S3Error> {
    let mut unused = Vec::new();
    for segment in segments {
        let uses: Option<i64> = transaction
            .prepare_cached("UPDATE contents SET uses = uses - 1 WHERE id = ? RETURNING uses")?
            .query_row([segment.content], |row| row.get(0))
            .optional()?;
        if uses == Some(0) {
            unused.push(segment.content);
        }
    }
    Ok(unused)
}

pub(super) fn delete_content(transaction: &Transaction<'_>, content: ContentId) -> Result<(), S3Error> {
    transaction.prepare_cached("DELETE FROM chunks WHERE content = ?")?.execute([content])?;
    transaction.prepare_cached("DELETE FROM contents WHERE id = ?")?.execute([content])?;
    Ok(())
}
