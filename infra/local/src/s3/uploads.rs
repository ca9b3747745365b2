//! Multipart uploads: parts that become one object, without their bytes being moved.

use rusqlite::{OptionalExtension, params};

use super::S3Error;
use super::contents::{Segment, acquire, release};
use super::store::replace;
use super::store::{Bytes, Headers, Object, Store, WriteCondition, map_text, self_commit};

/// The fewest bytes of a part that is not the last.
const MIN_PART: u64 = 5 * 1024 * 1024;

/// An upload that has not been completed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Upload {
    pub(super) id: String,
    pub(super) key: String,
    pub(super) created: i64,
    pub(super) headers: Headers,
    pub(super) tags: Headers,
}

/// A part of an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) number: u16,
    pub(super) size: u64,
    pub(super) etag: String,
    pub(super) modified: i64,
    pub(super) content: i64,
}

impl Store {
    /// Begins an upload.
    pub(super) fn create_upload(&mut self, bucket: &str, upload: &Upload) -> Result<(), S3Error> {
        self.check_bucket(bucket)?;
        self.database
            .prepare_cached(
                "INSERT INTO uploads (id, bucket, key, created, headers, tags) VALUES (?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                upload.id,
                bucket,
                upload.key,
                upload.created,
                map_text(&upload.headers),
                map_text(&upload.tags)
            ])?;
        Ok(())
    }

    /// The upload with this id of this key.
    pub(super) fn upload(&self, bucket: &str, key: &str, id: &str) -> Result<Upload, S3Error> {
        self.check_bucket(bucket)?;
        let uploads = self.uploads(bucket, Some(id))?;
        uploads.into_iter().find(|upload| upload.key == key).ok_or_else(S3Error::no_such_upload)
    }

    /// The uploads of a bucket, or the one with this id, by key and time.
    pub(super) fn uploads(&self, bucket: &str, id: Option<&str>) -> Result<Vec<Upload>, S3Error> {
        self.check_bucket(bucket)?;
        let map = |text: String| serde_json::from_str(&text).unwrap_or_default();
        let mut statement = self.database.prepare_cached(
            "SELECT id, key, created, headers, tags FROM uploads
             WHERE bucket = ?1 AND (?2 IS NULL OR id = ?2) ORDER BY key, created",
        )?;
        let rows = statement.query_map(params![bucket, id], |row| {
            Ok(Upload {
                id: row.get(0)?,
                key: row.get(1)?,
                created: row.get(2)?,
                headers: map(row.get(3)?),
                tags: map(row.get(4)?),
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The parts of an upload, in their order.
    pub(super) fn parts(&self, upload: &str) -> Result<Vec<Part>, S3Error> {
        let mut statement = self.database.prepare_cached(
            "SELECT number, size, etag, modified, content FROM parts WHERE upload = ? ORDER BY number",
        )?;
        let rows = statement.query_map([upload], |row| {
            Ok(Part {
                number: row.get(0)?,
                size: row.get::<_, i64>(1)? as u64,
                etag: row.get(2)?,
                modified: row.get(3)?,
                content: row.get(4)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Stores a part in place of the one with this number. Its content is stored already, and nothing uses it.
    pub(super) fn put_part(&mut self, upload: &str, part: &Part) -> Result<(), S3Error> {
        let old: Option<(i64, i64)> = self
            .database
            .prepare_cached("SELECT content, size FROM parts WHERE upload = ? AND number = ?")?
            .query_row(params![upload, part.number], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let exists: bool = self
            .database
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM uploads WHERE id = ?)")?
            .query_row([upload], |row| row.get(0))?;
        if !exists {
            return Err(S3Error::no_such_upload());
        }
        let transaction = self.database.transaction()?;
        acquire(&transaction, &[Segment { content: part.content, length: part.size }])?;
        transaction
            .prepare_cached("INSERT OR REPLACE INTO parts (upload, number, size, etag, modified, content) VALUES (?, ?, ?, ?, ?, ?)")?
            .execute(params![upload, part.number, part.size as i64, part.etag, part.modified, part.content])?;
        let old: Vec<Segment> =
            old.into_iter().map(|(content, size)| Segment { content, length: size as u64 }).collect();
        let unused = release(&transaction, &old)?;
        self_commit(transaction, &mut self.doomed, &self.pins, unused)
    }

    /// Makes an object of the chosen parts, each a number and its ETag; the other parts go.
    pub(super) fn complete_upload(
        &mut self,
        bucket: &str,
        upload: &Upload,
        chosen: &[(u16, String)],
        (now, condition): (i64, &WriteCondition),
    ) -> Result<Object, S3Error> {
        let parts = self.parts(&upload.id)?;
        if !chosen.is_sorted_by(|(one, _), (other, _)| one < other) {
            return Err(S3Error::new(
                400,
                "InvalidPartOrder",
                "The list of parts was not in ascending order.",
            ));
        }
        let invalid = || {
            S3Error::new(
                400,
                "InvalidPart",
                "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
            )
        };
        let mut used = Vec::with_capacity(chosen.len());
        for (number, etag) in chosen {
            let part =
                parts.iter().find(|part| part.number == *number && part.etag == etag.trim_matches('"'));
            used.push(part.ok_or_else(invalid)?.clone());
        }
        if used.iter().rev().skip(1).any(|part| part.size < MIN_PART) {
            return Err(S3Error::new(
                400,
                "EntityTooSmall",
                "Your proposed upload is smaller than the minimum allowed size",
            ));
        }
        let segment = |part: &Part| Segment { content: part.content, length: part.size };
        let object = Object {
            key: upload.key.clone(),
            size: used.iter().map(|part| part.size).sum(),
            etag: etag_of_parts(&used),
            modified: now,
            headers: upload.headers.clone(),
            tags: upload.tags.clone(),
            segments: used.iter().map(segment).collect(),
        };
        let old = match self.object(bucket, &upload.key) {
            Ok(old) => Some(old),
            Err(error) if error.code == "NoSuchKey" => None,
            Err(error) => return Err(error),
        };
        condition.check(old.as_ref())?;
        let transaction = self.database.transaction()?;
        acquire(&transaction, &object.segments)?;
        let mut unused = replace(&transaction, bucket, &object, old.as_ref())?;
        unused.extend(release(&transaction, &parts.iter().map(segment).collect::<Vec<_>>())?);
        transaction.execute("DELETE FROM parts WHERE upload = ?", [&upload.id])?;
        transaction.execute("DELETE FROM uploads WHERE id = ?", [&upload.id])?;
        self_commit(transaction, &mut self.doomed, &self.pins, unused)?;
        Ok(object)
    }

    /// Drops an upload with its parts.
    pub(super) fn abort_upload(&mut self, id: &str) -> Result<(), S3Error> {
        let parts = self.parts(id)?;
        let transaction = self.database.transaction()?;
        let segments: Vec<Segment> =
            parts.iter().map(|part| Segment { content: part.content, length: part.size }).collect();
        let unused = release(&transaction, &segments)?;
        transaction.execute("DELETE FROM parts WHERE upload = ?", [id])?;
        transaction.execute("DELETE FROM uploads WHERE id = ?", [id])?;
        self_commit(transaction, &mut self.doomed, &self.pins, unused)
    }

    /// Copies an object within the database: its bytes are shared.
    pub(super) fn copy(
        &mut self,
        bucket: &str,
        copy: Object,
        condition: &WriteCondition,
    ) -> Result<(), S3Error> {
        let segments = copy.segments.clone();
        self.put(bucket, copy, Bytes::Stored(segments), condition)
    }
}

/// The MD5 sum of the parts' MD5 sums, and how many they are.
fn etag_of_parts(parts: &[Part]) -> String {
    use md5::{Digest as _, Md5};
    let mut hash = Md5::new();
    for part in parts {
        let digits = part.etag.as_bytes().chunks(2);
        let bytes: Vec<u8> =
            digits.filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect();
        hash.update(&bytes);
    }
    format!("{}-{}", lottery::hex(&hash.finalize()), parts.len())
}
