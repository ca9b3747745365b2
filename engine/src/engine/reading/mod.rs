//! Reading the items of a Distributed Map from an object store: a page at a time, whenever the map run has room.
//!
//! A page is what one range of the object holds, and says where the next one begins. Both are stored with the execution, so that
//! neither the object nor its items are ever in memory as a whole, and a restarted engine reads on at the next item of the
//! very same object, by its ETag.

mod csv;
mod files;
#[cfg(feature = "parquet")]
mod parquet;
mod unpack;
mod values;

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt as _;

use super::active::ActiveExecution;
use super::{Call, Inner, ObjectPart, TaskFailure};
use crate::data::{Json, Object, timestamp};
use crate::execution::{Command, Page};
use crate::state::{Format, MapItem, ReadRequest};
use unpack::Unpacker;
use values::{Skipper, blanks, end_of_value};

/// How much of an object is read at once.
const RANGE: u64 = 256 * 1024;

/// The largest item, with what is around it.
const MAX_ITEM: u64 = 16 * 1024 * 1024;

/// The longest row of headers, as on AWS.
const MAX_HEADERS: usize = 10 * 1024;

impl Inner {
    /// Reads the page at this position, or the first one, and applies it.
    pub(super) fn read_items(
        self: &Arc<Inner>,
        active: &Arc<ActiveExecution>,
        (run, page): (u64, u64),
        request: Arc<ReadRequest>,
        position: Option<Json>,
    ) {
        let (engine, active) = (Arc::clone(self), Arc::clone(active));
        self.runtime.spawn(async move {
            let open = active.open_objects.take(run);
            let mut source =
                Source::new(&engine, &active, request.parameters.clone(), position.as_ref(), open);
            let read = source.page(&request.format, position.as_ref());
            let read = AssertUnwindSafe(read).catch_unwind().await;
            let result = read.unwrap_or_else(|_| Err("The reader of the items panicked".to_owned()));
            if result.as_ref().is_ok_and(|page| !page.is_last) {
                active.open_objects.keep(run, source.open);
            }
            engine.apply(&active, Command::ItemsRead { run, page, result: result.map_err(Into::into) }).await;
        });
    }
}

/// What is kept of the objects that map runs read, by the numbers of the runs. Without it they are read anew from their beginning.
#[derive(Default)]
pub(super) struct OpenObjects(Mutex<HashMap<u64, Open>>);

impl OpenObjects {
    fn take(&self, run: u64) -> Open {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&run).unwrap_or_default()
    }

    fn keep(&self, run: u64, open: Open) {
        if open.is_something() {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(run, open);
        }
    }
}

/// An object that cannot be read from just anywhere, as far as it was read.
#[derive(Default)]
struct Open {
    /// Which it is.
    parameters: Json,
    unpacker: Option<Unpacker>,
    #[cfg(feature = "parquet")]
    rows: Option<parquet::Rows>,
}

impl Open {
    fn is_something(&self) -> bool {
        #[cfg(feature = "parquet")]
        if self.rows.is_some() {
            return true;
        }
        self.unpacker.is_some()
    }
}

/// An object, or a listing, that is being read. Errors are causes of `States.ItemReaderFailed`.
struct Source<'a> {
    engine: &'a Inner,
    active: &'a ActiveExecution,
    parameters: Json,
    etag: Option<String>,
    size: u64,
    /// Whether it is packed with gzip, as its name says.
    is_packed: bool,
    open: Open,
}

/// A part of an object, and whether it is the last one.
struct Piece {
    bytes: Vec<u8>,
    is_end: bool,
}

impl<'a> Source<'a> {
    fn new(
        engine: &'a Inner,
        active: &'a ActiveExecution,
        parameters: Json,
        position: Option<&Json>,
        open: Open,
    ) -> Source<'a> {
        let etag = position.and_then(|position| position.get("ETag")?.as_str()).map(str::to_owned);
        let open = if open.parameters == parameters { open } else { Open::default() };
        let key = parameters.get("Key").and_then(Json::as_str);
        let is_packed = key.is_some_and(|key| key.ends_with(".gz"));
        Source { engine, active, parameters, etag, size: u64::MAX, is_packed, open }
    }

    async fn page(&mut self, format: &Format, position: Option<&Json>) -> Result<Page, String> {
        let at = position.and_then(|position| position.get("At")?.as_u64()).unwrap_or(0);
        match format {
            Format::Listing => self.listing(position).await,
            Format::Files(files, format) => self.files(*files, format, position).await,
            Format::Csv { headers, delimiter } => {
                let stored = position.and_then(|position| position.get("Headers")?.as_array());
                let headers = match stored {
                    Some(stored) => {
                        Some(stored.iter().filter_map(|name| Some(name.as_str()?.into())).collect())
                    }
                    None => headers.clone(),
                };
                self.rows(at, headers, *delimiter).await
            }
            Format::Inventory { .. } => Err("A data file of an inventory has no manifest".to_owned()),
            Format::JsonLines => self.lines(at).await,
            Format::Json { pointer } => match position.and_then(|position| position.get("In")?.as_str()) {
                Some(bracket) => self.elements(at, bracket == "{").await,
                None => {
                    let (at, is_object) = self.locate(pointer).await?;
                    self.elements(at, is_object).await
                }
            },
            #[cfg(feature = "parquet")]
            Format::Parquet => self.table(at).await,
            #[cfg(not(feature = "parquet"))]
            Format::Parquet => Err("This engine was built without the feature `parquet`".to_owned()),
        }
    }

    fn call(&self, action: &str, members: &[(&'static str, Option<String>)]) -> Call {
        let mut parameters = self.parameters.as_object().cloned().unwrap_or_default();
        for (name, value) in members {
            if let Some(value) = value {
                parameters.insert(*name, Json::string(value.as_str()));
            }
        }
        Call {
            service: "s3".to_owned(),
            action: action.to_owned(),
            parameters: Json::from(parameters),
            execution_arn: self.active.identity.arn.to_string(),
            timeout: None,
        }
    }

    /// So many bytes of the object from here on, if there are as many, unpacked.
    async fn piece(&mut self, at: u64, length: u64) -> Result<Piece, String> {
        if !self.is_packed {
            return self.stored(at, length).await;
        }
        let unpacker = self.open.unpacker.take().filter(|unpacker| unpacker.reaches(at));
        let mut unpacker = unpacker.unwrap_or_default();
        loop {
            if let Some(piece) = unpacker.piece(at, length) {
                self.open.parameters = self.parameters.clone();
                self.open.unpacker = Some(unpacker);
                return Ok(piece);
            }
            if let Some(next) = unpacker.wants() {
                unpacker.take(self.stored(next, RANGE).await?);
            }
            unpacker.step()?;
        }
    }

    /// So many bytes of the object as it is stored.
    async fn stored(&mut self, at: u64, length: u64) -> Result<Piece, String> {
        if at >= self.size {
            return Ok(Piece { bytes: Vec::new(), is_end: true });
        }
        let range = format!("bytes={at}-{}", at + length - 1);
        let call = self.call("getObject", &[("Range", Some(range)), ("IfMatch", self.etag.clone())]);
        match self.engine.config.invoker.read_object(call).await {
            Ok(ObjectPart { etag, size, bytes }) => {
                self.size = size;
                self.etag = etag.or_else(|| self.etag.take());
                Ok(Piece { is_end: at + bytes.len() as u64 >= size, bytes })
            }
            // An empty object has no range.
            Err(failure) if at == 0 && failure.cause.contains("Status Code: 416") => {
                Ok(Piece { bytes: Vec::new(), is_end: true })
            }
            Err(TaskFailure { cause, .. }) => Err(cause),
        }
    }

    /// A page that ends here.
    fn ended(&self, items: Vec<MapItem>, at: u64, members: &[(&'static str, Json)], is_last: bool) -> Page {
        let mut position = Object::with_capacity(3);
        position.insert("At", Json::from(at));
        if let Some(etag) = &self.etag {
            position.insert("ETag", Json::string(etag.as_str()));
        }
        for (name, value) in members {
            position.insert(*name, value.clone());
        }
        Page { items, position: Json::from(position), is_last }
    }

    async fn rows(
        &mut self,
        start: u64,
        headers: Option<Vec<Arc<str>>>,
        delimiter: u8,
    ) -> Result<Page, String> {
        let (mut at, mut length, mut headers) = (start, RANGE, headers);
        let mut items = Vec::new();
        loop {
            let Piece { bytes, is_end } = self.piece(at, length).await?;
            let mut taken = if at == 0 && bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
            while let Some((fields, used)) = csv::row(&bytes[taken..], delimiter, is_end) {
                taken += used;
                match &headers {
                    None if used > MAX_HEADERS => {
                        return Err("The CSV headers are longer than 10 KiB".to_owned());
                    }
                    None => headers = Some(fields.into_iter().map(Arc::from).collect()),
                    Some(_) if csv::is_blank(&fields) => {}
                    Some(headers) => items.push(MapItem::from(csv::item(headers, fields))),
                }
            }
            at += taken as u64;
            let names = headers.iter().flatten().map(|name| Json::String(Arc::clone(name)));
            let members = [("Headers", Json::array(names))];
            // The position without headers is the beginning.
            let members = if headers.is_some() { &members[..] } else { &[] };
            if is_end || !items.is_empty() {
                return Ok(self.ended(items, at, members, is_end));
            }
            length = longer(length, taken)?;
        }
    }

    async fn lines(&mut self, start: u64) -> Result<Page, String> {
        let (mut at, mut length, mut items) = (start, RANGE, Vec::new());
        loop {
            let Piece { bytes, is_end } = self.piece(at, length).await?;
            let mut taken = 0;
            while taken < bytes.len() {
                let rest = &bytes[taken..];
                let end = match rest.iter().position(|byte| *byte == b'\n') {
                    Some(end) => end + 1,
                    None if is_end => rest.len(),
                    None => break,
                };
                let line = rest[..end].trim_ascii();
                if !line.is_empty() {
                    items.push(MapItem::from(parsed(line)?));
                }
                taken += end;
            }
            at += taken as u64;
            if is_end || !items.is_empty() {
                return Ok(self.ended(items, at, &[], is_end));
            }
            length = longer(length, taken)?;
        }
    }

    /// The items of an array, or the members of an object, from here on.
    async fn elements(&mut self, start: u64, is_object: bool) -> Result<Page, String> {
        let (mut at, mut length, mut items) = (start, RANGE, Vec::new());
        let members = [("In", Json::string(if is_object { "{" } else { "[" }))];
        loop {
            let Piece { bytes, is_end } = self.piece(at, length).await?;
            let mut taken = 0;
            let is_last = loop {
                taken += blanks(&bytes[taken..], true);
                if matches!(bytes.get(taken), Some(b']' | b'}')) {
                    break true;
                }
                match element(&bytes[taken..], is_object)? {
                    Some((item, used)) => {
                        items.push(item);
                        taken += used;
                    }
                    None if is_end => return Err("The JSON file ends within its items".to_owned()),
                    None => break false,
                }
            };
            at += taken as u64;
            if is_last || !items.is_empty() {
                return Ok(self.ended(items, at, &members, is_last));
            }
            length = longer(length, taken)?;
        }
    }

    /// Where the items begin: after the bracket of the array or object at this pointer; and whether it is an object.
    async fn locate(&mut self, pointer: &[String]) -> Result<(u64, bool), String> {
        let missing = || "The ItemsPointer leads to no array and no object of the JSON file".to_owned();
        let mut at = self.after_blanks(0, false).await?;
        for part in pointer {
            let bracket = self.byte(at).await?;
            let mut index = 0_usize;
            at = self.after_blanks(at + 1, false).await?;
            loop {
                let byte = self.byte(at).await?;
                let is_found = match (bracket, byte) {
                    (b'{', b'"') => {
                        let end = self.after_value(at).await?;
                        let key = parsed(&self.piece(at, end - at).await?.bytes)?;
                        at = self.after_blanks(end, false).await?;
                        if self.byte(at).await? != b':' {
                            return Err("The JSON file has no colon after a name".to_owned());
                        }
                        at = self.after_blanks(at + 1, false).await?;
                        key.as_str() == Some(part)
                    }
                    (b'[', byte) if byte != b']' => {
                        index += 1;
                        part.parse::<usize>() == Ok(index - 1)
                    }
                    _ => return Err(missing()),
                };
                if is_found {
                    break;
                }
                at = self.after_value(at).await?;
                at = self.after_blanks(at, true).await?;
            }
        }
        match self.byte(at).await? {
            b'[' => Ok((at + 1, false)),
            b'{' => Ok((at + 1, true)),
            _ => Err(missing()),
        }
    }

    async fn byte(&mut self, at: u64) -> Result<u8, String> {
        let piece = self.piece(at, 1).await?;
        piece.bytes.first().copied().ok_or_else(|| "The JSON file ends before its items".to_owned())
    }

    async fn after_blanks(&mut self, start: u64, commas: bool) -> Result<u64, String> {
        let mut at = start;
        loop {
            let Piece { bytes, is_end } = self.piece(at, RANGE).await?;
            let skipped = blanks(&bytes, commas);
            at += skipped as u64;
            if skipped < bytes.len() || is_end {
                return Ok(at);
            }
        }
    }

    async fn after_value(&mut self, start: u64) -> Result<u64, String> {
        let (mut at, mut skipper) = (start, Skipper::default());
        loop {
            let Piece { bytes, is_end } = self.piece(at, RANGE).await?;
            match skipper.skip(&bytes) {
                Some(end) => return Ok(at + end as u64),
                None if is_end => return Err("The JSON file ends before its items".to_owned()),
                None => at += bytes.len() as u64,
            }
        }
    }

    /// The rows of a Parquet file from this one on.
    #[cfg(feature = "parquet")]
    async fn table(&mut self, at: u64) -> Result<Page, String> {
        let mut rows = match self.open.rows.take().filter(|rows| rows.at == at) {
            Some(rows) => rows,
            None => {
                // It tells the size and the ETag.
                self.stored(0, 1).await?;
                let object = parquet::ObjectReader {
                    invoker: Arc::clone(&self.engine.config.invoker),
                    call: self.call("getObject", &[("IfMatch", self.etag.clone())]),
                    size: if self.size == u64::MAX { 0 } else { self.size },
                    runtime: self.engine.runtime.clone(),
                    kept: Mutex::default(),
                };
                parquet::Rows::open(object, at)?
            }
        };
        let parquet::Batch { items, is_last } = rows.next().await?;
        let page = self.ended(items, rows.at, &[], is_last);
        self.open.parameters = self.parameters.clone();
        self.open.rows = Some(rows);
        Ok(page)
    }

    /// Some objects of a bucket, as S3 tells of them.
    async fn list(&self, token: Option<String>) -> Result<Json, String> {
        let call = self.call("listObjectsV2", &[("ContinuationToken", token)]);
        self.engine.invoke(call).await.map_err(|failure| failure.cause)
    }

    /// A page of a bucket's objects.
    async fn listing(&mut self, position: Option<&Json>) -> Result<Page, String> {
        let token = position.and_then(|position| position.get("Token")?.as_str()).map(str::to_owned);
        let answer = self.list(token).await?;
        let contents = answer.get("Contents").and_then(Json::as_array).unwrap_or_default();
        let items = contents.iter().map(|content| MapItem::from(listed(content))).collect();
        let next = answer.get("NextContinuationToken").cloned();
        let is_last = next.is_none();
        let position = Json::object([("Token", next.unwrap_or_default())]);
        Ok(Page { items, position, is_last })
    }
}

/// An object of a listing as Step Functions shows it.
fn listed(content: &Json) -> Json {
    let mut item = Object::with_capacity(5);
    for (shown, name) in [
        ("Etag", "ETag"),
        ("Key", "Key"),
        ("LastModified", "LastModified"),
        ("Size", "Size"),
        ("StorageClass", "StorageClass"),
    ] {
        let Some(value) = content.get(name) else { continue };
        let seconds = value.as_str().filter(|_| name == "LastModified").and_then(timestamp::seconds_of);
        item.insert(shown, seconds.map_or_else(|| value.clone(), Json::from));
    }
    Json::from(item)
}

/// The item at the beginning of these bytes, if it is there as a whole, and its length.
fn element(bytes: &[u8], is_object: bool) -> Result<Option<(MapItem, usize)>, String> {
    let Some(end) = end_of_value(bytes, false) else { return Ok(None) };
    let first = parsed(&bytes[..end])?;
    if !is_object {
        return Ok(Some((MapItem::from(first), end)));
    }
    let key = first.as_str().ok_or_else(|| "The JSON file has a member without a name".to_owned())?;
    let mut at = end + blanks(&bytes[end..], false);
    match bytes.get(at) {
        None => return Ok(None),
        Some(b':') => at += 1,
        Some(_) => return Err("The JSON file has no colon after a name".to_owned()),
    }
    at += blanks(&bytes[at..], false);
    let Some(length) = end_of_value(&bytes[at..], false) else { return Ok(None) };
    let value = parsed(&bytes[at..at + length])?;
    Ok(Some((MapItem { key: Some(key.into()), value }, at + length)))
}

fn parsed(bytes: &[u8]) -> Result<Json, String> {
    Json::parse_bytes(bytes).map_err(|error| format!("The file holds an item that is no JSON: {error}"))
}

/// The next length to try, where a range held no whole item.
fn longer(length: u64, taken: usize) -> Result<u64, String> {
    match length {
        length if taken > 0 => Ok(length),
        length if length >= MAX_ITEM => Err(format!("An item is longer than {MAX_ITEM} bytes")),
        length => Ok(length * 4),
    }
}
