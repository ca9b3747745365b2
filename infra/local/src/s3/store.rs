//! Buckets and objects in the database. Runs on the thread that owns it.

use std::collections::{BTreeMap, HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::contents::{Segment, acquire, append, delete_content, read_segments, release, write_segments};
use super::database::{self, CHUNK};
use super::{ContentId, S3Error};

/// What a request or a response says of an object beside its bytes, by the name of the header.
pub(super) type Headers = BTreeMap<String, String>;

/// The database, and who reads what of it.
pub(crate) struct Store {
    pub(super) database: Connection,
    /// How many readers each content has.
    pub(super) pins: HashMap<ContentId, usize>,
    /// The contents that go once their last reader is done.
    pub(super) doomed: HashSet<ContentId>,
}

/// An object without its bytes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Object {
    pub(super) key: String,
    pub(super) size: u64,
    /// Without quotation marks.
    pub(super) etag: String,
    /// Milliseconds since 1970.
    pub(super) modified: i64,
    pub(super) headers: Headers,
    pub(super) tags: Headers,
    pub(super) segments: Vec<Segment>,
}

/// `If-Match` and `If-None-Match` of a write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct WriteCondition {
    pub(super) if_match: Option<String>,
    pub(super) if_none_match: bool,
}

/// The bytes of a write.
pub(super) enum Bytes {
    /// They fit into one chunk.
    Small(Vec<u8>),
    /// They are stored already, and nothing uses them.
    Stored(Vec<Segment>),
}

/// A page of a bucket's keys.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) objects: Vec<Object>,
    pub(super) prefixes: Vec<String>,
    /// The last key or prefix of the page, if others follow.
    pub(super) next: Option<String>,
}

/// Which keys a page has.
#[derive(Clone, Debug)]
pub(super) struct ListingRequest {
    pub(super) prefix: String,
    pub(super) delimiter: Option<String>,
    /// Only keys, and prefixes of keys, after this one.
    pub(super) after: Option<String>,
    pub(super) limit: usize,
}

const COLUMNS: &str = "key, size, etag, modified, headers, tags, contents";

fn object(row: &Row<'_>) -> rusqlite::Result<Object> {
    let map = |text: String| serde_json::from_str(&text).unwrap_or_default();
    Ok(Object {
        key: row.get(0)?,
        size: row.get::<_, i64>(1)? as u64,
        etag: row.get(2)?,
        modified: row.get(3)?,
        headers: map(row.get(4)?),
        tags: map(row.get(5)?),
        segments: read_segments(&row.get::<_, String>(6)?),
    })
}

pub(super) fn map_text(map: &Headers) -> String {
    serde_json::to_string(map).unwrap_or_else(|_| "{}".to_owned())
}

impl Store {
    /// The store in this database.
    pub(super) fn open(database: Connection, in_memory: bool) -> rusqlite::Result<Store> {
        database::prepare(&database, in_memory)?;
        Ok(Store { database, pins: HashMap::new(), doomed: HashSet::new() })
    }

    /// Every bucket with the time when it was made.
    pub(super) fn buckets(&self) -> Result<Vec<(String, i64)>, S3Error> {
        let mut statement =
            self.database.prepare_cached("SELECT name, created FROM buckets ORDER BY name")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Makes a bucket; nothing happens if it is there.
    pub(super) fn create_bucket(&mut self, name: &str, now: i64) -> Result<(), S3Error> {
        self.database
            .prepare_cached("INSERT OR IGNORE INTO buckets (name, created) VALUES (?, ?)")?
            .execute(params![name, now])?;
        Ok(())
    }

    /// Deletes an empty bucket, with the uploads that nobody completed.
    pub(super) fn delete_bucket(&mut self, name: &str) -> Result<(), S3Error> {
        self.check_bucket(name)?;
        let is_used: bool = self
            .database
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM objects WHERE bucket = ?)")?
            .query_row([name], |row| row.get(0))?;
        if is_used {
            return Err(S3Error::new(409, "BucketNotEmpty", "The bucket you tried to delete is not empty"));
        }
        let uploads: Vec<String> = self
            .database
            .prepare_cached("SELECT id FROM uploads WHERE bucket = ?")?
            .query_map([name], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        for upload in uploads {
            self.abort_upload(&upload)?;
        }
        let transaction = self.database.transaction()?;
        transaction.execute("DELETE FROM configurations WHERE bucket = ?", [name])?;
        transaction.execute("DELETE FROM buckets WHERE name = ?", [name])?;
        Ok(transaction.commit()?)
    }

    /// Refuses a bucket that is not there.
    pub(super) fn check_bucket(&self, name: &str) -> Result<(), S3Error> {
        let exists: bool = self
            .database
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM buckets WHERE name = ?)")?
            .query_row([name], |row| row.get(0))?;
        if exists { Ok(()) } else { Err(S3Error::no_such_bucket()) }
    }

    /// A document that configures a bucket.
    pub(super) fn configuration(&self, bucket: &str, kind: &str) -> Result<Option<String>, S3Error> {
        self.check_bucket(bucket)?;
        let mut statement = self
            .database
            .prepare_cached("SELECT document FROM configurations WHERE bucket = ? AND kind = ?")?;
        Ok(statement.query_row([bucket, kind], |row| row.get(0)).optional()?)
    }

    /// Stores a document that configures a bucket, or deletes it.
    pub(super) fn configure(
        &mut self,
        bucket: &str,
        kind: &str,
        document: Option<&str>,
    ) -> Result<(), S3Error> {
        self.check_bucket(bucket)?;
        match document {
            Some(document) => self
                .database
                .prepare_cached(
                    "INSERT OR REPLACE INTO configurations (bucket, kind, document) VALUES (?, ?, ?)",
                )?
                .execute([bucket, kind, document])?,
            None => self
                .database
                .prepare_cached("DELETE FROM configurations WHERE bucket = ? AND kind = ?")?
                .execute([bucket, kind])?,
        };
        Ok(())
    }

    /// An object.
    pub(super) fn object(&self, bucket: &str, key: &str) -> Result<Object, S3Error> {
        self.check_bucket(bucket)?;
        self.find(bucket, key)?.ok_or_else(S3Error::no_such_key)
    }

    fn find(&self, bucket: &str, key: &str) -> Result<Option<Object>, S3Error> {
        let query = format!("SELECT {COLUMNS} FROM objects WHERE bucket = ? AND key = ?");
        Ok(self.database.prepare_cached(&query)?.query_row([bucket, key], object).optional()?)
    }

    /// Writes an object in place of the one that was there. `new` has no segments: its bytes are `bytes`.
    pub(super) fn put(
        &mut self,
        bucket: &str,
        mut new: Object,
        bytes: Bytes,
        condition: &WriteCondition,
    ) -> Result<(), S3Error> {
        self.check_bucket(bucket)?;
        let old = self.find(bucket, &new.key)?;
        condition.check(old.as_ref())?;
        let transaction = self.database.transaction()?;
        new.segments = match bytes {
            Bytes::Stored(segments) => segments,
            Bytes::Small(bytes) if bytes.is_empty() => Vec::new(),
            Bytes::Small(bytes) => {
                debug_assert!(bytes.len() <= CHUNK, "a chunk holds it");
                transaction.prepare_cached("INSERT INTO contents (uses) VALUES (0)")?.execute([])?;
                let content = transaction.last_insert_rowid();
                append(&transaction, content, 0, &bytes)?;
                vec![Segment { content, length: bytes.len() as u64 }]
            }
        };
        acquire(&transaction, &new.segments)?;
        let unused = replace(&transaction, bucket, &new, old.as_ref())?;
        self_commit(transaction, &mut self.doomed, &self.pins, unused)
    }

    /// Deletes an object; nothing happens if it is not there. Whether it was there.
    pub(super) fn delete(
        &mut self,
        bucket: &str,
        key: &str,
        condition: &WriteCondition,
    ) -> Result<bool, S3Error> {
        self.check_bucket(bucket)?;
        let Some(old) = self.find(bucket, key)? else {
            return if condition.if_match.is_some() { Err(S3Error::no_such_key()) } else { Ok(false) };
        };
        condition.check(Some(&old))?;
        let transaction = self.database.transaction()?;
        transaction
            .prepare_cached("DELETE FROM objects WHERE bucket = ? AND key = ?")?
            .execute([bucket, key])?;
        let unused = release(&transaction, &old.segments)?;
        self_commit(transaction, &mut self.doomed, &self.pins, unused)?;
        Ok(true)
    }

    /// Changes the tags of an object.
    pub(super) fn tag(&mut self, bucket: &str, key: &str, tags: &Headers) -> Result<(), S3Error> {
        self.object(bucket, key)?;
        self.database
            .prepare_cached("UPDATE objects SET tags = ? WHERE bucket = ? AND key = ?")?
            .execute([&map_text(tags), bucket, key])?;
        Ok(())
    }

    /// A page of a bucket's keys, in the order of their bytes.
    pub(super) fn list(&self, bucket: &str, request: &ListingRequest) -> Result<Listing, S3Error> {
        self.check_bucket(bucket)?;
        let ListingRequest { prefix, delimiter, after, limit } = request;
        let mut listing = Listing::default();
        if *limit == 0 {
            return Ok(listing);
        }
        let delimiter = delimiter.as_deref().filter(|delimiter| !delimiter.is_empty());
        let common = |key: &str| {
            let rest = key.strip_prefix(prefix.as_str())?;
            let end = rest.find(delimiter?)? + delimiter?.len();
            Some(key[..prefix.len() + end].to_owned())
        };
        // From this key on; a prefix that was listed already is passed over with all its keys.
        let mut from = prefix.clone();
        if let Some(after) = after.as_ref().filter(|after| **after >= from) {
            from = match common(after).filter(|common| common == after) {
                Some(common) => successor(&common),
                None => format!("{after}\0"),
            };
        }
        let query =
            format!("SELECT {COLUMNS} FROM objects WHERE bucket = ? AND key >= ? ORDER BY key LIMIT ?");
        let mut statement = self.database.prepare_cached(&query)?;
        let mut last = None;
        'pages: loop {
            let wanted = (*limit + 1).min(1001) as i64;
            let page: Vec<Object> = statement
                .query_map(params![bucket, from, wanted], object)?
                .collect::<rusqlite::Result<_>>()?;
            let is_last = (page.len() as i64) < wanted;
            for object in page {
                if !object.key.starts_with(prefix.as_str()) {
                    break 'pages;
                }
                if object.key < from {
                    continue;
                }
                if listing.objects.len() + listing.prefixes.len() == *limit {
                    listing.next = last;
                    break 'pages;
                }
                match common(&object.key) {
                    Some(common) => {
                        from = successor(&common);
                        last = Some(common.clone());
                        listing.prefixes.push(common);
                    }
                    None => {
                        from = format!("{}\0", object.key);
                        last = Some(object.key.clone());
                        listing.objects.push(object);
                    }
                }
            }
            if is_last {
                break;
            }
        }
        Ok(listing)
    }
}

impl WriteCondition {
    pub(super) fn check(&self, old: Option<&Object>) -> Result<(), S3Error> {
        if self.if_none_match && old.is_some() {
            return Err(S3Error::precondition_failed());
        }
        match (&self.if_match, old) {
            (Some(_), None) => Err(S3Error::no_such_key()),
            (Some(etag), Some(old)) if etag.trim_matches('"') != old.etag && etag != "*" => {
                Err(S3Error::precondition_failed())
            }
            _ => Ok(()),
        }
    }
}

/// Writes the row of an object; gives the contents that nothing uses any more.
pub(super) fn replace(
    transaction: &Transaction<'_>,
    bucket: &str,
    new: &Object,
    old: Option<&Object>,
) -> Result<Vec<ContentId>, S3Error> {
    transaction
        .prepare_cached(&format!(
            "INSERT OR REPLACE INTO objects (bucket, {COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        ))?
        .execute(params![
            bucket,
            new.key,
            new.size as i64,
            new.etag,
            new.modified,
            map_text(&new.headers),
            map_text(&new.tags),
            write_segments(&new.segments),
        ])?;
    old.map_or_else(|| Ok(Vec::new()), |old| release(transaction, &old.segments))
}

/// Commits, with the bytes that nothing uses any more deleted, but for those that somebody reads.
pub(super) fn self_commit(
    transaction: Transaction<'_>,
    doomed: &mut HashSet<ContentId>,
    pins: &HashMap<ContentId, usize>,
    unused: Vec<ContentId>,
) -> Result<(), S3Error> {
    let (kept, gone): (Vec<_>, Vec<_>) = unused.into_iter().partition(|content| pins.contains_key(content));
    for content in gone {
        delete_content(&transaction, content)?;
    }
    transaction.commit()?;
    doomed.extend(kept);
    Ok(())
}

/// The smallest text after all those that begin with `prefix`.
fn successor(prefix: &str) -> String {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        let next = if last == '\u{D7FF}' { Some('\u{E000}') } else { char::from_u32(last as u32 + 1) };
        if let Some(next) = next {
            text.push(next);
            return text;
        }
    }
    // Nothing comes after texts of the largest character alone but longer ones.
    format!("{prefix}{}", char::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> Store {
        let mut store = Store::open(Connection::open_in_memory().unwrap(), true).unwrap();
        store.create_bucket("b", 0).unwrap();
        store
    }

    fn named(key: &str) -> Object {
        Object {
            key: key.to_owned(),
            size: 1,
            etag: "e".to_owned(),
            modified: 0,
            headers: Headers::new(),
            tags: Headers::new(),
            segments: Vec::new(),
        }
    }

    fn put(store: &mut Store, key: &str) {
        let bytes = Bytes::Small(key.as_bytes().to_vec());
        store.put("b", named(key), bytes, &WriteCondition::default()).unwrap();
    }

    fn contents(store: &Store) -> i64 {
        store.database.query_row("SELECT count(*) FROM chunks", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn pages_of_keys_and_prefixes_join_to_the_whole() {
        let mut store = store();
        for key in ["a", "d/1", "d/2", "d/e/3", "f", "é/1", "é/2", "𐀀"] {
            put(&mut store, key);
        }
        for limit in 1..6 {
            let mut all = Vec::new();
            let mut after = None;
            loop {
                let request = ListingRequest {
                    prefix: String::new(),
                    delimiter: Some("/".to_owned()),
                    after: after.clone(),
                    limit,
                };
                let page = store.list("b", &request).unwrap();
                let mut names: Vec<String> = page.objects.into_iter().map(|object| object.key).collect();
                names.extend(page.prefixes);
                names.sort();
                assert!(names.len() <= limit);
                all.extend(names);
                match page.next {
                    Some(next) => after = Some(next),
                    None => break,
                }
            }
            assert_eq!(all, ["a", "d/", "f", "é/", "𐀀"], "{limit}");
        }
        let request = ListingRequest {
            prefix: "d/".to_owned(),
            delimiter: Some("/".to_owned()),
            after: None,
            limit: 10,
        };
        let page = store.list("b", &request).unwrap();
        assert_eq!((page.objects.len(), page.prefixes, page.next), (2, vec!["d/e/".to_owned()], None));
    }

    #[test]
    fn bytes_go_with_their_last_object_and_not_while_somebody_reads_them() {
        let mut store = store();
        put(&mut store, "a");
        let original = store.object("b", "a").unwrap();
        let copy = Object { key: "copy".to_owned(), ..original.clone() };
        store.put("b", copy, Bytes::Stored(original.segments.clone()), &WriteCondition::default()).unwrap();
        assert!(store.delete("b", "a", &WriteCondition::default()).unwrap());
        assert_eq!(contents(&store), 1, "the copy has them");
        store.pin(&original.segments);
        assert!(store.delete("b", "copy", &WriteCondition::default()).unwrap());
        assert_eq!(store.read(&original.segments, 0, 1).unwrap(), b"a");
        store.unpin(&original.segments);
        assert_eq!(contents(&store), 0);
    }
}
